# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services in memory, as faithful as the tests of reading and writing need them, that fail on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import KINDS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_twice import nobody
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    ApiError,
    NotFoundError,
    OutcomeUnknownError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    Asset,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsPhone,
    BmsType,
    Contact,
    ContactType,
    Email,
    Location,
    Organization,
    Phone,
    User,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge, violations
from ansible_collections.msp.psa_sync.plugins.module_utils._store.settings import Stored


def unclear(service: str = "itglue") -> OutcomeUnknownError:
    return OutcomeUnknownError("The answer was lost.", service=service)


def rejected(*pointers: str, said: str = "Cannot update a synced resource", service: str = "itglue") -> RejectedError:
    return RejectedError(f"Refused: {said}.", service=service, status=422, said=said, pointers=pointers)


def quota(service: str = "itglue", retry_after: float | None = None) -> QuotaExceededError:
    return QuotaExceededError("The quota is used up.", service=service, status=429, retry_after=retry_after)


def gone(service: str = "itglue") -> UnavailableError:
    return UnavailableError("The service is gone.", service=service)


@dataclass
class Fault:
    """Makes calls of `method` raise: from the `nth` one on, `times` times, those that `when` is true of.

    `rows` says of how many rows the write has been carried out all the same; -1 is all.
    """

    method: str
    error: ApiError
    nth: int = 1
    times: int = 1
    rows: int = 0
    when: Callable[..., bool] = lambda *args: True
    seen: int = field(default=0, init=False)

    def strikes(self, method: str, args: tuple) -> bool:
        if method != self.method or not self.when(*args):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class Service:
    """Counts calls, and fails where a fault says so."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.calls: Counter = Counter()
        self.guard = Lock()

    def called(self, method: str, *args: Any) -> Fault | None:
        """The fault that strikes: raised at once, or returned where something is written before."""
        with self.guard:
            self.calls[method] += 1
            fault = next((each for each in self.faults if each.strikes(method, args)), None)
        if fault and not fault.rows:
            raise fault.error
        return fault


class FakeItGlue(Service):
    """Contacts of one organization. `locked` maps a contact's id to the attributes that it refuses.

    `merges`: arrays are merged into what is there, where they are replaced otherwise. `hides`:
    attributes that are accepted and not kept. `points`: refusals name the attribute. `answers`
    turns what a create returns into something else. `stamp` is the time of change that a write leaves.
    """

    base_url = "https://itglue.example"
    account = "account"

    def __init__(self, contacts: Iterable[Contact] = (), *faults: Fault, **behaviour: Any) -> None:
        super().__init__(*faults)
        self.there = {contact.id: contact for contact in contacts}
        self.named = {"Client Ltd": Organization(1, "Client Ltd")}
        self.places: tuple[Location, ...] = (Location(10, "Head Office", primary=True),)
        self.types: tuple[ContactType, ...] = (ContactType(24, "End User"),)
        self.locked: dict[int, set[str]] = behaviour.get("locked", {})
        self.merges: bool = behaviour.get("merges", False)
        self.hides: set[str] = behaviour.get("hides", set())
        self.points: bool = behaviour.get("points", True)
        self.stamp: str | None = behaviour.get("stamp")
        self.answers: Callable[[list[Contact]], list[Contact]] = behaviour.get("answers", lambda made: made)
        self.created: list[Contact] = []
        self.writes: list[tuple[str, Any]] = []

    # reads

    def organization(self, ident):
        self.called("organization", ident)
        return self.named[ident]

    def organizations(self, *, include_adapters=False):
        self.called("organizations")
        return iter(tuple(self.named.values()))

    def with_adapters(self, organization):
        return organization

    def contacts(self, organization_id):
        self.called("contacts", organization_id)
        return iter(tuple(self.there.values()))

    def changed_contacts(self, organization_id, since):
        self.called("changed_contacts", organization_id, since)
        found = [contact for contact in self.there.values() if (contact.saved_at or 0.0) > since]
        return iter(sorted(found, key=lambda contact: -(contact.saved_at or 0.0)))

    def contact(self, contact_id):
        self.called("contact", contact_id)
        if contact_id not in self.there:
            raise NotFoundError("There is no such contact.", service="itglue", status=404)
        return self.there[contact_id]

    def locations(self, organization_id):
        self.called("locations", organization_id)
        return iter(self.places)

    def contact_types(self):
        self.called("contact_types")
        return list(self.types)

    # writes

    def create_contacts(self, organization_id, rows):
        fault = self.called("create_contacts", rows)
        self.writes.append(("create", [dict(row) for row in rows]))
        made = [self._create(row) for row in (rows if not fault or fault.rows < 0 else rows[: fault.rows])]
        if fault:
            raise fault.error
        return self.answers(made)

    def _create(self, attributes):
        if not attributes.get("contact-emails"):
            raise AssertionError("A create went out without its e-mails.")
        ident = max(self.there, default=100) + 1
        self.there[ident] = self._patched(Contact(id=ident, organization_id=1), attributes)
        self.created.append(self.there[ident])
        return self.there[ident]

    def update_contacts(self, rows):
        fault = self.called("update_contacts", rows)
        self.writes.append(("bulk update", [(ident, dict(attributes)) for ident, attributes in rows]))
        if fault:
            for ident, attributes in rows if fault.rows < 0 else rows[: fault.rows]:
                self.there[ident] = self._patched(self.there[ident], attributes)
            raise fault.error
        for ident, attributes in rows:
            self._check(ident, attributes)
        return [self._update(ident, attributes) for ident, attributes in rows]

    def update_contact(self, contact_id, attributes):
        fault = self.called("update_contact", contact_id, attributes)
        self.writes.append(("update", (contact_id, dict(attributes))))
        self._check(contact_id, attributes)
        updated = self._update(contact_id, attributes)
        if fault:
            raise fault.error
        return updated

    def _check(self, contact_id, attributes):
        if contact_id not in self.there:
            raise NotFoundError("There is no such contact.", service="itglue", status=404)
        refused = sorted(set(attributes) & self.locked.get(contact_id, set()))
        if refused:
            raise rejected(*(f"/data/attributes/{each}.base" for each in refused if self.points))

    def _update(self, contact_id, attributes):
        self.there[contact_id] = self._patched(self.there[contact_id], attributes)
        return self.there[contact_id]

    def _patched(self, contact: Contact, attributes) -> Contact:
        kept = {name: value for name, value in attributes.items() if name not in self.hides}
        changes: dict[str, Any] = {
            model: kept[wire]
            for wire, model in (
                ("first-name", "first_name"),
                ("last-name", "last_name"),
                ("title", "title"),
                ("location-id", "location_id"),
                ("contact-type-id", "contact_type_id"),
            )
            if wire in kept
        }
        if "contact-emails" in kept:
            sent = [Email(each["value"], each["label-name"], each["primary"]) for each in kept["contact-emails"]]
            changes["emails"] = self._array(contact.emails, sent, lambda each: each.value.casefold())
        if "contact-phones" in kept:
            sent = [_stripped(each) for each in kept["contact-phones"]]
            changes["phones"] = self._array(contact.phones, sent, lambda each: each.value)
        if self.stamp:
            changes["updated_at"] = self.stamp
        place = changes.get("location_id", contact.location_id)
        return replace(
            contact, location_name=next((each.name for each in self.places if each.id == place), None), **changes
        )

    def _array(self, present, sent, key):
        if not self.merges:
            return tuple(sent)
        demoted = any(each.primary for each in sent)
        kept = [replace(each, primary=each.primary and not demoted) for each in present]
        return tuple({key(each): each for each in (*kept, *sent)}.values())


def _stripped(entry) -> Phone:
    value, extension = ("".join(filter(str.isalnum, entry[part] or "")) for part in ("value", "extension"))
    return Phone(value, entry["label-name"], extension or None, entry["primary"], entry["label-type"])


class FakeBms(Service):
    """The contacts of one account."""

    def __init__(self, contacts: Iterable[BmsContact] = (), *faults: Fault) -> None:
        super().__init__(*faults)
        self.there = {contact.id: contact for contact in contacts}
        self.found = [Account(2528, "Client Ltd")]
        self.created: list[BmsContact] = []
        self.titles: list[tuple[int, dict]] = []

    def accounts(self, name):
        self.called("accounts", name)
        return list(self.found)

    def account(self, account_id):
        self.called("account", account_id)
        return next((each for each in self.found if each.id == account_id), None)

    def account_locations(self, account_id):
        self.called("account_locations", account_id)
        return [BmsLocation(3169, "Head Office", main=True)]

    def email_types(self, known=()):
        self.called("email_types")
        return [BmsType(1, "Work")]

    def phone_types(self, known=()):
        self.called("phone_types")
        return [BmsType(2, "Desk")]

    def contacts(self, account_id):
        self.called("contacts", account_id)
        return list(self.there.values())

    def create_contact(self, contact):
        fault = self.called("create_contact", contact)
        with self.guard:
            ident = max(self.there, default=5000) + 1
            # BMS takes no job title here.
            self.there[ident] = replace(contact, id=ident, job_title=None)
            self.created.append(self.there[ident])
        if fault:
            raise fault.error
        return ident

    def set_contact(self, contact_id, values):
        self.called("set_contact", contact_id, values)
        with self.guard:
            self.titles.append((contact_id, dict(values)))
            names = {"JobTitle": "job_title", "IsActive": "active", "FirstName": "first_name", "LastName": "last_name"}
            changes = {names[field]: value for field, value in values.items()}
            self.there[contact_id] = replace(self.there[contact_id], **changes)

    def contact(self, contact_id):
        self.called("contact", contact_id)
        if contact_id not in self.there:
            raise NotFoundError("There is no such contact.", service="bms", status=404)
        return self.there[contact_id]

    def patch_emails(self, contact_id, changes):
        self._patch("patch_emails", contact_id, "emails", changes, BmsEmail, "address")

    def patch_phones(self, contact_id, changes):
        self._patch("patch_phones", contact_id, "phones", changes, BmsPhone, "number")

    def _patch(self, method, contact_id, slot, changes, make, value):
        """Entries by their value, one default; of a lost answer the change may have been taken."""
        fault = self.called(method, contact_id, changes)
        with self.guard:
            if contact_id not in self.there:
                raise NotFoundError("There is no such contact.", service="bms", status=404)
            entries = list(getattr(self.there[contact_id], slot))
            for change in changes:
                place = next((i for i, each in enumerate(entries) if getattr(each, value) == change.value), None)
                if change.operation == "add":
                    place = len(entries)
                    entries.append(make(change.value, change.type_id))
                elif change.operation == "delete":
                    del entries[place]
                elif change.new_value is not None:
                    entries[place] = replace(entries[place], **{value: change.new_value})
                if change.default:
                    entries = [replace(each, default=i == place) for i, each in enumerate(entries)]
            self.there[contact_id] = replace(self.there[contact_id], **{slot: tuple(entries)})
        if fault:
            raise fault.error


class FakeGraph(Service):
    """One tenant; `groups` maps a group to the ids of its members."""

    def __init__(self, users: Iterable[User] = (), *faults: Fault, **more: Any) -> None:
        super().__init__(*faults)
        self.there = list(users)
        self.groups: dict[str, set[str]] = more.get("groups", {})
        self.deleted: list[User] = more.get("deleted", [])
        self.domains: tuple[str, ...] = more.get("domains", ())

    def users(self):
        self.called("users")
        return iter(self.there)

    def deleted_users(self):
        self.called("deleted_users")
        return iter(self.deleted)

    def verified_domains(self):
        self.called("verified_domains")
        return self.domains

    def group_members(self, group):
        self.called("group_members", group)
        return frozenset(self.groups[group])


class FakeStore(Service):
    """The stored settings of one organization, as mappings or None. `others` are those of other organizations."""

    def __init__(self, office365: dict | None = None, bms: dict | None = None, others: Iterable[Stored] = ()) -> None:
        super().__init__()
        self.office365, self.bms, self.facts = office365, bms, None
        self.others = list(others)
        self.memory: dict[str, Any] = {}
        self.saved: list[tuple[str, dict]] = []
        self.own_id = 1
        self.declarers = nobody

    def read(self, organization_id, name="", kinds=KINDS):
        self.called("read", organization_id)
        self.own_id = organization_id
        return {kind: self._stored(kind, organization_id) for kind in kinds}

    def values(self, kind, name):
        self.called("values", kind)
        own = self._stored(kind, self.own_id)
        for each in (own, *self.others):
            if each.asset and each.kind == kind:
                yield Organization(each.organization_id, each.organization_name), each.merged[name]

    def remembered(self, what):
        return self.memory.get(what)

    def remember(self, what, value):
        self.memory[what] = value

    def has_own_type(self, kind):
        return True

    def lock(self, organization_id):
        return nullcontext()

    lock_tenants = nullcontext

    def forget_missing_types(self):
        pass

    def preview(self, stored, settings):
        self.called("preview", stored.kind)

    def save(self, stored, settings):
        self.called("save", stored.kind)
        setattr(self, stored.kind, settings)
        self.saved.append((stored.kind, settings))
        return self._stored(stored.kind, stored.organization_id)

    def _stored(self, kind, organization_id):
        held = getattr(self, kind)
        if held is None:
            return Stored(kind, organization_id, "Client Ltd")
        asset = Asset(7, 1, organization_id, url="https://client.itglue.example/1/assets/7")
        broken = tuple(violations(kind, merge(kind, held, None)))
        return Stored(kind, organization_id, "Client Ltd", asset, held, broken)


class FakeClients:
    """What a run is given; `reached` are the services that it asked for, in order."""

    def __init__(self, itglue: FakeItGlue, bms: FakeBms | None = None, graph: FakeGraph | None = None) -> None:
        self._services = {"itglue": itglue, "bms": bms}
        self._graph = graph
        self.reached: list[str] = []

    def _reach(self, service: str):
        self.reached.append(service)
        found = self._services[service]
        if found is None:
            raise AssertionError(f"Nobody should have asked for {service}.")
        return found

    @property
    def itglue(self) -> FakeItGlue:
        return self._reach("itglue")

    @property
    def bms(self) -> FakeBms:
        return self._reach("bms")

    def expect_new_people(self) -> None:
        self.expects_new_people = True

    def graph(self, tenant_id: str) -> FakeGraph:
        self.reached.append(f"graph {tenant_id}")
        if self._graph is None:
            raise AssertionError("Nobody should have asked for Microsoft 365.")
        return self._graph

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Settling what the vendors leave open on contacts of the probe's own: reads, then writes, then cleaning up.

What an observation means is said in `_engine/probing.py`; what may be written is held in
`probe_contacts.py`. A question that fails does not keep the others from being asked.

The contacts in IT Glue have no first name, so that IT Glue, which may push contacts to BMS by
itself, never does so with these (help page on Office 365 auto-sync: a push needs the first name).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._engine import probing as judge
from .._engine.attributes import decode
from .._engine.errors import (
    ApiError,
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RejectedError,
    SyncError,
)
from .._engine.model import Account, BmsContact, BmsEmail, BmsPhone, BmsSettings, EntryChange, Organization
from .._engine.probing import NOT_PROBED, QUESTIONS, WRITE_BMS, Judgement, mail, mark, unknown
from .probe_contacts import OwnBmsContacts, OwnContacts
from .run_lock import BUSY, RunLock
from .snapshot import read_account

NUMBER = "+1 (555) 010-0199"
"""A number that is kept for fiction (North American Numbering Plan)."""

_FURTHER_NUMBERS = ("+1 (555) 010-0198", "+1 (555) 010-0197")

_OVER_THE_LIMIT = 1001
"""More contacts than IT Glue documents for a page, and than BMS is known to serve."""

_LARGEST_GRAPH_PAGE = 999
_TICK = 1.1
"""Seconds after which a time stamp of whole seconds has moved."""

_NOBODY = 2_147_483_647
"""An id that no record of BMS has."""

_PSA_TYPES = ("kaseya-bms", "vorex", "pulseway-psa")
"""Under these IT Glue filters records that are linked to BMS and its namesakes (IT Glue API, Contacts)."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task asks for. `write` and `write_bms` are its consent."""

    organization: str
    tenant_id: str | None = None
    account: str | None = None
    write: bool = False
    write_bms: bool = False
    bulk: int = 50
    push_wait: float = 30.0


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A contact that could not be removed, and why."""

    service: str
    id: int
    reason: str


@dataclass
class Probe:
    """The answers about one tenant. `preview` only reads."""

    clients: Any
    wanted: Wanted
    preview: bool = False
    progress: Callable[[str], None] = lambda line: None
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    judgements: dict[str, Judgement] = field(default_factory=dict)
    left_behind: list[LeftBehind] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    organization: Organization | None = None
    _made: bool = False

    def run(self) -> Probe:
        """Response all questions, as far as they may be asked.

        Raises InputError for an organization that is not there, ApiError where IT Glue refuses
        the key, SyncError where another run has the organization.
        """
        self.organization = self.clients.itglue.organization(self.wanted.organization)
        writing = self.wanted.write and not self.preview
        with RunLock(self.clients.itglue.base_url, needed=writing) as run_lock:
            run_lock.acquire(self.organization)
            if run_lock.busy:
                raise SyncError(f"{self.organization.name}: nothing was probed. {BUSY}")
            self._probe(writing)
        return self

    def _probe(self, writing: bool) -> None:
        self._account = self._found_account()
        self._own = OwnContacts(self.clients.itglue, self.organization.id, self.token)
        self._own_bms = OwnBmsContacts(self.clients.bms, self._account.id, self.token) if self._account else None
        self._say_writes()
        for ask in (self._ask_itglue, self._ask_bms, self._ask_graph):
            ask()
        if writing:
            try:
                self._write_itglue()
                if self.wanted.write_bms:
                    self._write_bms()
            finally:
                self._clear_up()
        self._settle("bms_inactive_by_default", self._bms_inactive)

    def answers(self) -> Iterator[tuple[str, Judgement]]:
        """Every question by its name, with what came of it."""
        for name, question in QUESTIONS.items():
            takes = "the option write" if question.takes != WRITE_BMS else "the options write and write_bms"
            yield name, self.judgements.get(name, Judgement(NOT_PROBED, f"It takes {takes}, without check mode."))

    def _settle(self, name: str, look: Callable[[], Judgement]) -> None:
        try:
            self.judgements[name] = look()
        except SyncError as error:
            self.judgements[name] = unknown(str(error))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # An answer of another shape than any that is known: that is an answer too.
            self.judgements[name] = unknown(f"The answer could not be understood ({type(error).__name__}).")

    # ------------------------------------------------------------ what is written

    def _say_writes(self) -> None:
        if not self.wanted.write:
            return
        self.writes.append("IT Glue: one contact without a first name is created, changed and removed.")
        self.writes.append(f"IT Glue: {self.wanted.bulk} such contacts are created in one request, and removed.")
        self.writes.append("IT Glue: one such contact is sent beside one that is not valid; it is removed.")
        found = len(list(self._own.marked()))
        if found:
            self.writes.append(f"IT Glue: {found} contacts that an earlier probe left are removed.")
        if self.wanted.write_bms:
            self.writes.append(
                "BMS: one contact is created, changed and made inactive. BMS cannot delete it: it stays."
            )
            self.writes.append(
                "IT Glue: one complete contact is created and removed. Where IT Glue pushes it to BMS, it is made "
                "inactive there, and stays."
            )

    def _clear_up(self) -> None:
        """Remove what this probe has made, and what earlier ones have left; what cannot be, is told."""
        try:
            left = self._own.remove()
        except SyncError as error:
            self.warnings.append(f"Whether IT Glue still has contacts of the probe is not known: {error}")
        else:
            self.left_behind += [LeftBehind("itglue", *each) for each in left]
            if self._made:
                self.judgements["itglue_delete"] = judge.deleted(left[0][1] if left else None)
        if self.wanted.write_bms and self._own_bms is not None:
            try:
                self.left_behind += [LeftBehind("bms", *each) for each in self._own_bms.clear_up()]
            except SyncError as error:
                self.warnings.append(f"Whether BMS still has active contacts of the probe is not known: {error}")

    # --------------------------------------------------------------- IT Glue: read

    def _ask_itglue(self) -> None:
        self.progress(f"{self.organization.name}: asking IT Glue")
        self._settle("itglue_page_limit", self._itglue_page)
        self._settle("itglue_unknown_filter", self._unknown_filter)
        self._settle("itglue_name_filter", self._itglue_names)
        self._settle("itglue_adapter", self._adapter)

    def _itglue(self, path: str, **params: object) -> Body:
        return self.clients.itglue.raw(path, params)

    def _itglue_page(self) -> Judgement:
        body = self._itglue("/contacts", **{"page[size]": _OVER_THE_LIMIT})
        request = f"GET /contacts with page[size]={_OVER_THE_LIMIT}"
        return judge.page_limit(_OVER_THE_LIMIT, len(body["data"]), _total(body), request)

    def _unknown_filter(self) -> Judgement:
        total = _total(self._itglue("/organizations", **{"page[size]": 1}))
        try:
            filtered = _total(self._itglue("/organizations", **{"page[size]": 1, "filter[no_such_filter]": "x"}))
        except RejectedError as error:
            return judge.unknown_filter(total, None, str(error))
        return judge.unknown_filter(total, filtered, None)

    def _itglue_names(self) -> Judgement:
        return _names(self.organization.name, self._finds)

    def _finds(self, name: str) -> bool:
        escaped = name.replace(",", "\\,")
        body = self._itglue("/organizations", **{"filter[name]": escaped, "page[size]": 50})
        return any(str(row.get("id")) == str(self.organization.id) for row in body["data"])

    def _adapter(self) -> Judgement:
        seen = {each.kind for each in self.organization.adapters}
        include = {"include": "adapters_resources", "page[size]": 50}
        for path, params in (("/organizations", {}), ("/contacts", {"filter[organization_id]": self.organization.id})):
            seen |= set().union(*_adapter_names(self._itglue(path, **include, **params)))
        account_id = self._account.id if self._account else None
        return judge.adapter(seen, self.organization.adapters, account_id, self._filtered(include))

    def _filtered(self, include: Mapping[str, object]) -> set[str]:
        """The adapters that all records have which IT Glue filters as linked to BMS, where it heeds that filter."""
        common: set[str] = set()
        for kind in _PSA_TYPES:
            params = {"filter[psa_integration_type]": kind, **include}
            if self._itglue("/organizations", **params, **{"filter[psa_id]": _NOBODY})["data"]:
                return set()
            names = _adapter_names(self._itglue("/organizations", **params))
            common |= set.intersection(*names) if names else set()
        return common

    # -------------------------------------------------------------- IT Glue: write

    def _row(self, number: int, **more: Any) -> dict[str, Any]:
        emails = [{"value": mail(self.token, number), "label-name": "Work", "primary": True}]
        return {"last-name": mark(self.token, number), "contact-emails": emails, **more}

    def _write_itglue(self) -> None:
        self.progress(f"{self.organization.name}: writing to IT Glue")
        main = self._main_contact()
        if main is not None:
            self._settle("itglue_unlinked", lambda: self._unlinked(main))
            self._settle("itglue_phones", lambda: self._phones(main))
            self._settle("itglue_email_filter", self._email_filter)
            self._settle("itglue_noop", lambda: self._noop(main))
            self._settle("itglue_null", lambda: self._null(main))
            self._settle("itglue_foreign_location", lambda: self._foreign_location(main))
            self._settle("itglue_arrays", lambda: self._arrays(main))
            self._settle("itglue_primaries", lambda: self._primaries(main))
        self._settle("itglue_bulk_create", self._bulk_create)
        self._settle("itglue_bulk_atomic", self._bulk_atomic)

    def _main_contact(self) -> int | None:
        phone = {"value": NUMBER, "extension": "12", "label-name": "Work", "primary": True}
        row = self._row(0, title="Probe", **{"contact-phones": [phone]})
        try:
            try:
                found = [each.id for each in self._own.create([row])]
            except OutcomeUnknownError:
                found = [ident for ident, dummy in self._own.present()]
            if not found:
                self.judgements["itglue_create"] = unknown("IT Glue's answer does not show the contact.")
                return None
            shown = decode(self._attributes(found[0]))
        except (SyncError, KeyError) as error:
            self.judgements["itglue_create"] = unknown(str(error))
            return None
        self._made = True
        self.judgements["itglue_create"] = judge.created(shown, decode(row))
        return found[0]

    def _attributes(self, contact_id: int) -> Body:
        return self._own.show(contact_id).get("attributes") or {}

    def _entries(self, contact_id: int, name: str) -> list[Body]:
        return [each for each in self._attributes(contact_id).get(name) or () if each.get("value")]

    def _unlinked(self, contact_id: int) -> Judgement:
        shown = self._own.show(contact_id)
        relation = (shown.get("relationships") or {}).get("adapters-resources") or {}
        return judge.unlinked(relation.get("data"), (shown.get("attributes") or {}).get("psa-integration"))

    def _phones(self, contact_id: int) -> Judgement:
        found = self._entries(contact_id, "contact-phones")
        first = found[0] if found else {}
        return judge.phones(NUMBER, first.get("value"), first.get("extension"))

    def _email_filter(self) -> Judgement:
        counts = []
        for address in (mail(self.token, 0), mail(self.token, 0).upper()):
            params = {"filter[organization_id]": self.organization.id, "filter[primary_email]": address}
            counts.append(len(self._itglue("/contacts", **params)["data"]))
        return judge.email_filter(*counts)

    def _noop(self, contact_id: int) -> Judgement:
        stamps = [self._attributes(contact_id).get("updated-at")]
        for title in ("Probe", "Probe once more"):
            self.sleep(_TICK)
            self._own.update(contact_id, {"title": title})
            stamps.append(self._attributes(contact_id).get("updated-at"))
        return judge.noop(*stamps)

    def _null(self, contact_id: int) -> Judgement:
        self._own.update(contact_id, {"title": None})
        return judge.null(self._attributes(contact_id).get("title"))

    def _foreign_location(self, contact_id: int) -> Judgement:
        foreign = self._location_elsewhere()
        if foreign is None:
            return unknown("No other organization has a location.")
        refused = _refused(lambda: self._own.update(contact_id, {"location-id": foreign}))
        taken = self._attributes(contact_id).get("location-id") == foreign
        if taken:
            self._own.update(contact_id, {"location-id": None})
        return judge.foreign_location(taken, refused)

    def _location_elsewhere(self) -> int | None:
        for order in ("id", "-id"):
            for row in self._itglue("/locations", **{"sort": order, "page[size]": 50})["data"]:
                owner = (row.get("attributes") or {}).get("organization-id")
                if owner not in (None, self.organization.id):
                    return int(row["id"])
        return None

    def _arrays(self, contact_id: int) -> Judgement:
        """E-mails tell for phones too, which are documented in the same words."""
        first, second = ({"value": mail(self.token, 0, each), "label-name": "Work", "primary": False} for each in "ab")
        self._own.update(contact_id, {"contact-emails": [*self._row(0)["contact-emails"], first]})
        before = [each["value"] for each in self._entries(contact_id, "contact-emails")]
        sent = [{**second, "primary": True}]
        self._own.update(contact_id, {"contact-emails": sent})
        after = [each["value"] for each in self._entries(contact_id, "contact-emails")]
        return judge.arrays(before, [each["value"] for each in sent], after)

    def _primaries(self, contact_id: int) -> Judgement:
        values = [mail(self.token, 0, each) for each in "cd"]
        both = [{"value": each, "label-name": "Work", "primary": True} for each in values]
        refused = _refused(lambda: self._own.update(contact_id, {"contact-emails": both}))
        found = {
            each["value"].lower(): bool(each.get("primary")) for each in self._entries(contact_id, "contact-emails")
        }
        return judge.primaries([found[each] for each in values if each in found], refused)

    def _bulk_create(self) -> Judgement:
        numbers = range(1, self.wanted.bulk + 1)
        answered: list[Any] = []

        def create() -> None:
            answered.extend(self._own.create([self._row(each) for each in numbers]))

        refused = _refused(create)
        return judge.bulk_create(self.wanted.bulk, len(answered), self._count_of(numbers), refused)

    def _bulk_atomic(self) -> Judgement:
        good, bad = self.wanted.bulk + 1, self.wanted.bulk + 2
        # Without its label an e-mail is not valid (IT Glue API, contact-emails).
        invalid = {**self._row(bad), "contact-emails": [{"value": mail(self.token, bad), "primary": True}]}
        refused = _refused(lambda: self._own.create([self._row(good), invalid]))
        return judge.bulk_atomic(refused, self._count_of((good, bad)))

    def _count_of(self, numbers) -> int:
        names = {mark(self.token, each) for each in numbers}
        return sum(contact.last_name in names for dummy, contact in self._own.present())

    # -------------------------------------------------------------------- BMS: read

    def _found_account(self) -> Account | None:
        settings = BmsSettings(account=self.wanted.account)
        try:
            found = read_account(self.clients.bms, self.organization, settings, judge.DEFAULT_ADAPTER_NAMES)
        except SyncError as error:
            self.judgements["bms_account"] = unknown(str(error))
            return None
        self.judgements["bms_account"] = judge.account(found.id, found.name, found.active)
        return found

    def _bms(self, path: str, template: str | None = None, **params: object) -> Body:
        return self.clients.bms.raw(path, params, template)

    def _ask_bms(self) -> None:
        self.progress(f"{self.organization.name}: asking BMS")
        self._settle("bms_casing", lambda: judge.casing(self._bms("/v2/crm/contacts/summary", PageSize=1)))
        self._settle("bms_page_limit", self._bms_page)
        self._settle("bms_types", self._bms_types)
        self._settle("bms_envelope", self._envelope)
        self._settle("bms_name_filter", self._bms_names)

    def _bms_page(self) -> Judgement:
        body = self._bms("/v2/crm/contacts/summary", PageSize=_OVER_THE_LIMIT, PageNumber=1)
        request = f"GET /v2/crm/contacts/summary with PageSize={_OVER_THE_LIMIT}"
        return judge.page_limit(_OVER_THE_LIMIT, len(_get(body, "result") or ()), _records(body), request)

    def _bms_types(self) -> Judgement:
        return judge.types({"e-mail": self._type_names("EmailType"), "phone": self._type_names("PhoneType")})

    def _type_names(self, table: str) -> tuple[str, list[str]]:
        for lookup in ("lookup", "tenantlookup"):
            try:
                body = self._bms(f"/v2/system/{lookup}/{table}", f"/v2/system/{lookup}/{{tableName}}")
            except (NotFoundError, RejectedError, PermissionDeniedError):
                continue
            names = [str(_get(row, "name")) for row in _get(body, "result") or () if _get(row, "name")]
            if names:
                return lookup, names
        return "", []

    def _needed_account(self) -> Account:
        if self._account is None:
            raise InputError("The BMS account of the organization is not known.")
        return self._account

    def _envelope(self) -> Judgement:
        ident = self._needed_account().id
        return judge.envelope(self._bms(f"/v2/crm/accounts/summary/{ident}", "/v2/crm/accounts/summary/{id}"))

    def _bms_names(self) -> Judgement:
        account = self._needed_account()
        return _names(account.name, lambda name: any(each.id == account.id for each in self.clients.bms.accounts(name)))

    def _bms_inactive(self) -> Judgement:
        account_id = self._needed_account().id

        def count(**more: object) -> int | None:
            params = {"Filter.AccountId": account_id, "PageSize": 1, "PageNumber": 1}
            return _records(self._bms("/v2/crm/contacts/summary", **params, **more))

        return judge.inactive_by_default(
            count(), count(**{"Filter.IsActive": "true"}), count(**{"Filter.IsActive": "false"})
        )

    # ------------------------------------------------------------------- BMS: write

    def _write_bms(self) -> None:
        if self._own_bms is None:
            # What IT Glue might push could not be made inactive either.
            why = unknown("The BMS account of the organization is not known.")
            self.judgements |= {name: why for name, each in QUESTIONS.items() if each.takes == WRITE_BMS}
            return
        self.progress(f"{self.organization.name}: writing to BMS")
        made = self._bms_contact()
        if made is not None:
            self._settle("bms_contact_patch_endpoints", lambda: self._patch_endpoints(made))
            self._settle("bms_null", lambda: self._bms_null(made.id))
            self._settle("bms_deactivate", lambda: self._bms_deactivate(made.id))
        self._settle("itglue_native_push", self._native_push)

    def _bms_contact(self) -> BmsContact | None:
        """The probe's contact in BMS, as it reads back."""
        try:
            wanted = self._new_bms_contact()
            try:
                made = self.clients.bms.contact(self._own_bms.create(wanted))
            except OutcomeUnknownError as error:
                found = [each for each in self._own_bms.marked() if each.last_name == wanted.last_name]
                if not found:
                    raise error
                made = found[0]
        except SyncError as error:
            self.judgements["bms_create"] = unknown(str(error))
            return None
        self.judgements["bms_create"] = judge.bms_created(made, wanted)
        return made

    def _new_bms_contact(self) -> BmsContact:
        account, bms = self._needed_account(), self.clients.bms
        places = sorted(bms.account_locations(account.id), key=lambda each: not each.main)
        emails, phones = bms.email_types(), bms.phone_types()
        if not (places and emails and phones):
            raise InputError("The BMS account has no location, or BMS shows no types of e-mails and phones.")
        return BmsContact(
            id=0,
            account_id=account.id,
            location_id=places[0].id,
            first_name="Probe",
            last_name=mark(self.token, 0),
            emails=(BmsEmail(mail(self.token, 0), emails[0].id, default=True),),
            phones=(BmsPhone(NUMBER, phones[0].id, default=True),),
        )

    def _patch_endpoints(self, made: BmsContact) -> Judgement:
        """Each kind of change, of which BMS publishes numbers without names: its counters tell what was done."""
        emails = (mail(self.token, 0, "a"), mail(self.token, 0, "b"), made.emails[0].type_id)
        numbers = (*_FURTHER_NUMBERS, made.phones[0].type_id if made.phones else 1)
        outcomes = {}
        for kind, (value, other, type_id) in {"emails": emails, "phones": numbers}.items():
            changes = (
                EntryChange("add", value, type_id=type_id, default=False),
                EntryChange("update", value, new_value=other),
                EntryChange("delete", other),
            )
            try:
                for change in changes:
                    self._own_bms.patch(made.id, kind, [change])
                outcomes[kind] = "present"
            except NotFoundError:
                outcomes[kind] = "absent"
            except ApiError as error:
                outcomes[kind] = str(error)
        return judge.patch_endpoints(outcomes)

    def _bms_null(self, contact_id: int) -> Judgement:
        for title in ("Probe", None):
            self._own_bms.set(contact_id, {"JobTitle": title})
        return judge.null(self.clients.bms.contact(contact_id).job_title)

    def _bms_deactivate(self, contact_id: int) -> Judgement:
        self._own_bms.set(contact_id, {"IsActive": False})
        return judge.deactivated(self.clients.bms.contact(contact_id).active)

    # ---------------------------------------------------------- IT Glue's own push

    def _native_push(self) -> Judgement:
        """A contact that is complete for BMS, which IT Glue may push: is it linked, or in BMS?"""
        place = next(iter(self.clients.itglue.locations(self.organization.id)), None)
        if place is None:
            return unknown("The organization has no location, without which IT Glue pushes nothing.")
        number = self.wanted.bulk + 3
        phone = {"value": NUMBER, "label-name": "Work", "primary": True}
        complete = {"first-name": "Probe", "location-id": place.id, "contact-phones": [phone]}
        (made,) = self._own.create([self._row(number, **complete)])
        linked = self._linked(made.id)
        in_bms = sum(each.last_name == mark(self.token, number) for each in self._own_bms.marked())
        if linked:
            self._settle("itglue_linked_writes", lambda: self._linked_write(made.id))
        return judge.native_push(linked, in_bms, self.wanted.push_wait)

    def _linked(self, contact_id: int) -> bool:
        end = self.clock() + self.wanted.push_wait
        while True:
            shown = self._own.show(contact_id)
            relation = (shown.get("relationships") or {}).get("adapters-resources") or {}
            if relation.get("data") or (shown.get("attributes") or {}).get("psa-integration"):
                return True
            left = end - self.clock()
            if left <= 0:
                return False
            self.sleep(min(left, 5.0))

    def _linked_write(self, contact_id: int) -> Judgement:
        refused = _refused(lambda: self._own.update(contact_id, {"title": "Probe"}))
        return judge.linked_writes(refused, self._attributes(contact_id).get("title") == "Probe")

    # ------------------------------------------------------------------------ Graph

    def _ask_graph(self) -> None:
        graph = None
        if self.wanted.tenant_id:
            self.progress(f"{self.organization.name}: asking Microsoft Graph")
            graph = self.clients.graph(self.wanted.tenant_id)
        for name, look in (
            ("graph_page_limit", self._graph_page),
            ("graph_deleted_users", self._deleted_users),
            ("graph_groups", self._groups),
            ("graph_group_members", self._group_members),
            ("graph_domains", self._domains),
            ("graph_contracts", self._contracts),
        ):
            if graph is None:
                self.judgements[name] = unknown("No Microsoft tenant is known: set tenant_id.")
            else:
                self._settle(name, lambda look=look: look(graph))

    def _graph_page(self, graph) -> Judgement:
        body = graph.raw("/v1.0/users", {"$select": "id", "$top": _LARGEST_GRAPH_PAGE}, "User.Read.All")
        return judge.graph_page(len(body.get("value") or ()), bool(body.get("@odata.nextLink")))

    def _deleted_users(self, graph) -> Judgement:
        path = "/v1.0/directory/deletedItems/microsoft.graph.user"
        return _granted(lambda: graph.raw(path, {"$select": "id", "$top": 1}, "User.Read.All"), "Deleted users")

    def _groups(self, graph) -> Judgement:
        return _granted(lambda: self._some_group(graph), "Groups")

    def _some_group(self, graph) -> str | None:
        rows = graph.raw("/v1.0/groups", {"$select": "id", "$top": 1}, "Group.Read.All").get("value") or ()
        return str(rows[0].get("id")) if rows else None

    def _group_members(self, graph) -> Judgement:
        try:
            group = self._some_group(graph)
        except PermissionDeniedError:
            group = None
        if group is None:
            return unknown("There is no group whose members could be asked for.")
        path = f"/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user"
        params = {"$select": "id", "$top": 1, "$count": "true"}
        return _granted(
            lambda: graph.raw(path, params, "GroupMember.Read.All", advanced=True), "The members of a group"
        )

    def _domains(self, graph) -> Judgement:
        return _granted(graph.verified_domains, "The verified domains")

    def _contracts(self, graph) -> Judgement:
        return _granted(
            lambda: graph.raw("/v1.0/contracts", {"$select": "id"}, "Directory.Read.All"),
            "The partner's client tenants",
        )


# ---------------------------------------------------------------------- on the wire


def _refused(write: Callable[[], object]) -> str | None:
    """Carry out a write; the words of its refusal, None where it was taken."""
    try:
        write()
    except RejectedError as error:
        return str(error)
    return None


def _granted(read: Callable[[], object], what: str) -> Judgement:
    try:
        read()
    except PermissionDeniedError as error:
        return judge.granted(str(error), what)
    return judge.granted(None, what)


def _names(name: str, finds: Callable[[str], bool]) -> Judgement:
    """How a filter on names compares, tried with a name that is there."""
    if len(name) < 4:
        return unknown("The name is too short to ask for a part of it.")
    if not finds(name):
        return unknown("The filter does not find the name itself.")
    other = name.swapcase()
    part, start = finds(name[1:-1].strip()), finds(name[:-1].strip())
    return judge.name_filter(part, start, finds(other) if other != name else None)


def _total(body: Body) -> int | None:
    total = (body.get("meta") or {}).get("total-count")
    return total if isinstance(total, int) else None


def _records(body: Body) -> int | None:
    total = _get(body, "totalRecords")
    return total if isinstance(total, int) else None


def _get(body: Body, key: str) -> Any:
    """A value under either casing of its key."""
    return body.get(key, body.get(key[:1].upper() + key[1:]))


def _adapter_names(body: Body) -> list[set[str]]:
    """The names of the integrations that hold each record of a page."""
    names = {
        each.get("id"): (each.get("attributes") or {}).get("adapter-type-name") for each in body.get("included") or ()
    }
    found = []
    for row in body["data"]:
        relation = (row.get("relationships") or {}).get("adapters-resources") or {}
        held = {names.get(each.get("id")) for each in relation.get("data") or ()}
        found.append({each for each in held if isinstance(each, str)})
    return found

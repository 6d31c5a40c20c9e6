# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planning of a run: from what was read to what would be done.

A `Planning` goes through its stages in a straight line. Where a stage needs something that has not
been read, the planning stops and names it; whoever reads the services gives it, and the planning goes on:

    planning = Planning(snapshot, options)
    while planning.needs:
        planning.add(read(planning.needs))      # `Findings`: what was read, or why it could not be read
    plan = planning.plan

Nothing is read that no stage asks for, and nothing is worked out twice: each stage hands its result on.

=================  ==================================================  ================================
stage              result                                              may need
=================  ==================================================  ================================
matching           `matched`: who is selected, and who is whom         contact types, deleted users
offboarding        `departures`: contacts whose person has departed    verified domains, deleted users
IT Glue            `operations`: what becomes of each user's contact   locations, contact types
look-up in BMS     who is in BMS already                               account and contacts of BMS
pushes, updates    `plan`: both parts of each operation, the limits    locations; locations, types of BMS
=================  ==================================================  ================================
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TypeVar

from . import bms_lookup, bms_overrides, bms_plan, offboarding
from .bms_evidence import Former
from .bms_plan import PlannedContacts
from .bms_recall import recalled
from .conflicts import IGNORE, Answer, Rule
from .directory import Directory
from .enrichment import needs_locations
from .errors import InputError
from .grouping import by_one_key
from .identity import same_key
from .itglue_plan import ContactTypes, Matched, contact_types, departed_type, plan_contacts
from .limits import exceeded_limits
from .matching import Matching, match
from .matching_index import Circumstances
from .model import BmsId, BmsLocation, BmsSnapshot, BmsType, Contact, ContactType, Location, Snapshot, User
from .options import Options
from .overrides import Override, resolved_overrides, without_effect
from .owned import NOTHING_OWNED, Owned
from .plan import Action, Departure, Operation, Plan, Push
from .reasons import Reason, ReasonCode, because
from .selection import limited, select
from .text import NAMES_OF_USER, contact_addresses, domain, domain_key

T = TypeVar("T")
Stage = Generator[frozenset["Need"], None, T]
"""A stage yields what it needs to have read, and returns its result."""


class Need(StrEnum):
    """What a stage needs to have read; each is the name of a field of `Findings`."""

    VERIFIED_DOMAINS = "verified_domains"
    DELETED_USERS = "deleted_users"
    LOCATIONS = "locations"
    CONTACT_TYPES = "contact_types"
    BMS = "bms"
    BMS_LOCATIONS = "bms_locations"
    BMS_TYPES = "bms_types"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was read because the planning needed it; None is what has not been read.

    `deleted_users` have the usernames that they had. `bms` holds the account and all its contacts, `bms_types` are the
    e-mail and the phone type of the settings. `not_read` says, by need, why something could not be read: then the
    planning goes on as far as it can without it (pushes are deferred, deleted users count as unknown). `out_of_quota`
    are those needs for which only a quota was used up.
    """

    verified_domains: frozenset[str] | None = None
    deleted_users: tuple[User, ...] | None = None
    locations: tuple[Location, ...] | None = None
    contact_types: tuple[ContactType, ...] | None = None
    bms: BmsSnapshot | None = None
    bms_locations: tuple[BmsLocation, ...] | None = None
    bms_types: tuple[BmsType | None, BmsType | None] | None = None
    not_read: Mapping[Need, str] = field(default_factory=dict)
    out_of_quota: frozenset[Need] = frozenset()

    def with_those_of(self, others: Findings) -> Findings:
        """These findings, and the others in their place where both are there."""
        found = {each.name: getattr(others, each.name) for each in fields(others) if each.name not in _UNREAD}
        new = {name: value for name, value in found.items() if value is not None}
        out_of_quota = self.out_of_quota | others.out_of_quota
        return replace(self, not_read={**self.not_read, **others.not_read}, out_of_quota=out_of_quota, **new)

    def lack(self, need: Need) -> bool:
        """Whether this has neither been read nor tried."""
        return getattr(self, need) is None and need not in self.not_read


_UNREAD = ("not_read", "out_of_quota")


class Planning:
    """One run's planning. `needs` is empty once the `plan` is there.

    `findings` that are given at the start are not asked for again: who plans anew from a fresh snapshot
    hands those of the planning before on, and says whose is what the run has written since (`owned`). Such
    a planning ends no run for what concerns only people for whom nothing was planned before.

    Raises InputError, from the start or from `add`, for what was declared wrongly, and for a source of
    users that cannot be right.
    """

    matched: Matched
    departures: tuple[Departure, ...]
    operations: tuple[Operation, ...]
    contacts: PlannedContacts
    apart_in_bms: frozenset[str] = frozenset()
    by_name_in_bms: frozenset[tuple[BmsId, str]] = frozenset()

    def __init__(
        self,
        snapshot: Snapshot,
        options: Options,
        findings: Findings = Findings(),
        owned: Owned | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.options = options
        self.findings = findings
        self.owned = owned
        self.needs: frozenset[Need] = frozenset()
        self._plan: Plan | None = None
        self._override_warnings: list[Reason] = []
        self._stages = self._run()
        self._go_on()

    def add(self, findings: Findings) -> None:
        """Take what was read, and go on."""
        self.findings = self.findings.with_those_of(findings)
        self._go_on()

    @property
    def has_new_people(self) -> bool:
        """Whether the run creates a contact, as far as it has been planned."""
        return any(each.itglue.action == Action.CREATE for each in self.operations)

    @property
    def plan(self) -> Plan:
        """The finished plan. Raises ValueError while something is still needed."""
        if self._plan is None:
            raise ValueError(f"The plan still needs {', '.join(sorted(self.needs))}.")
        return self._plan

    def _go_on(self) -> None:
        self.needs = next(self._stages, frozenset())

    def _need(self, *needs: Need) -> Stage[None]:
        """Stop until all of this has been read, or tried."""
        while lacking := frozenset(need for need in needs if self.findings.lack(need)):
            yield lacking

    # ------------------------------------------------------------------ stages

    def _run(self) -> Stage[None]:
        self.matched = yield from self._match()
        directory = self.matched.directory
        unheld = {contact.id: directory.unheld(contact) for contact in self.matched.unmatched_contacts()}
        domains = yield from self._offboard(frozenset().union(*unheld.values()))
        self.contacts = contacts = yield from self._plan_contacts()
        self.operations = contacts.operations
        plan = yield from self._plan_bms(contacts)
        conflicts = (*self.matched.matching.conflicts, *plan.conflicts)
        deleted = self.findings.deleted_users or ()
        unmatched = offboarding.unmatched_addresses(unheld, directory, deleted, domains)
        changes = (*plan.operations, *plan.deactivations)
        self._plan = replace(
            plan,
            conflicts=tuple(sorted(conflicts, key=lambda each: (each.users, each.rule, each.bms_contact_ids))),
            unmatched=tuple(unmatched),
            limits_exceeded=tuple(exceeded_limits(changes, len(self.matched.selected.user_ids), self.options)),
            warnings=(*self._warnings(), *plan.warnings),
        )

    def _match(self) -> Stage[Matched]:
        """Who is selected, and who is whom."""
        snapshot, options = self.snapshot, self.options
        selected = select(snapshot, options)
        directory = Directory(snapshot.users, snapshot.contacts, options.bms_adapter_names)
        circumstances = yield from self._circumstances(directory)
        matching = match(snapshot.users, selected.user_ids, snapshot.contacts, circumstances, directory)
        needs = {Need.DELETED_USERS} if matching.needs_deleted_users else set()
        if any(domain(value) not in directory.domains for value in _addresses_beside_a_name(matching, directory)):
            needs |= {Need.VERIFIED_DOMAINS} if self.findings.lack(Need.VERIFIED_DOMAINS) else set()
        if needs:
            yield from self._need(*needs)
            deleted = self.findings.deleted_users or () if matching.needs_deleted_users else circumstances.deleted
            circumstances = replace(circumstances, deleted=deleted, domains=self._domains(directory))
            matching = match(snapshot.users, selected.user_ids, snapshot.contacts, circumstances, directory)
        selected = limited(selected, matching.ignored, snapshot.users, options)
        return Matched(snapshot, options, selected, matching, directory, circumstances)

    def _circumstances(self, directory: Directory) -> Stage[Circumstances]:
        """What decides beside the users and the contacts who is who."""
        settings, contacts = self.snapshot.office365, self.snapshot.contacts
        marked = None
        if self.options.departed_contact_type and any(contact.contact_type_id is not None for contact in contacts):
            yield from self._need(Need.CONTACT_TYPES)
            marked = departed_type(self.snapshot, self.options, self.findings.contact_types or ())
        return Circumstances(
            overrides=self.options.match_overrides,
            primary_email=settings.primary_email,
            different_names=settings.different_names,
            sync_aliases=settings.sync_aliases,
            departed_type=marked,
            deleted=self.findings.deleted_users,
            domains=self._domains(directory),
            linked=directory.linked_ids,
            remembered=self.snapshot.facts.kept_apart,
            made_anew=self.snapshot.facts.made_anew,
            owned=self.owned or NOTHING_OWNED,
        )

    def _domains(self, directory: Directory) -> frozenset[str]:
        """The tenant's domains: the verified ones too, as far as they have been read."""
        return directory.domains | frozenset(map(domain_key, self.findings.verified_domains or ()))

    def _all_users(self) -> tuple[User, ...]:
        """The tenant's users; before them the deleted ones as far as they have been read, whose usernames may have been
        handed on."""
        return (*(self.findings.deleted_users or ()), *self.snapshot.users)

    def _offboard(self, free: frozenset[str]) -> Stage[frozenset[str]]:
        """Find who has departed; the domains that are the tenant's. `free` are the addresses of unmatched contacts
        that no user holds.

        Where the app may not read the verified domains, those of the users' addresses take their place.
        Whoever is to be deactivated needs them for all contacts: a source that has shrunk is seen by the
        contacts that carry them.
        """
        matched = self.matched
        carried = free
        if self.options.deactivate:
            carried = frozenset().union(*map(contact_addresses, self.snapshot.contacts))
        domains = matched.directory.domains if carried else frozenset()
        if not domains.issuperset(map(domain, carried)):
            yield from self._need(Need.VERIFIED_DOMAINS)
            domains = self._domains(matched.directory)
        if not domains.isdisjoint(map(domain, free)):
            yield from self._need(Need.DELETED_USERS)
        self.departures = tuple(self._departures(domains))
        return domains

    def _departures(self, domains: frozenset[str]) -> Iterable[Departure]:
        snapshot, options, matched = self.snapshot, self.options, self.matched
        selected, deleted = matched.selected.user_ids, self.findings.deleted_users or ()
        answers = self._answers("match_overrides", options.match_overrides, matched.matching.matches)
        ignored = {user_id for user_id, answer in answers.items() if answer.target == IGNORE}
        contacts, directory = matched.contacts_of_nobody(), matched.directory
        found = offboarding.departures(contacts, snapshot, directory, deleted, selected, ignored)
        found = offboarding.reported_in_conflict(found, matched.in_conflict)
        if not options.deactivate:
            return found
        if not options.allow_shrunken_source:
            offboarding.check_source(len(snapshot.users), snapshot.contacts, domains)
        return offboarding.kept_back(found, directory.contact, options.departed_keep)

    def _answers(
        self, option: str, overrides: Mapping[str, Answer], matched: Collection[str] = ()
    ) -> dict[str, Override]:
        """The entries of an option by user id; those that do nothing are a warning each. `matched` are the users whose
        contact an entry keeps from others."""
        answers, warnings = resolved_overrides(option, overrides, self._all_users())
        self._override_warnings += warnings
        idle = without_effect(answers, self.matched.selected.excluded, matched)
        for user in self.snapshot.users if idle else ():
            if user.id in idle:
                values = {"option": option, "user": user.username, "excluded": str(idle[user.id])}
                self._override_warnings.append(because(ReasonCode.OVERRIDE_FOR_EXCLUDED_USER, **values))
        return answers

    def _plan_contacts(self) -> Stage[PlannedContacts]:
        """What becomes of each contact in IT Glue."""
        settings, written = self.snapshot.office365, self.matched.written
        if any(needs_locations(user, contact, settings) for user, contact in written()):
            yield from self._need(Need.LOCATIONS)
        types = ContactTypes()
        if self.options.deactivate or (
            settings.contact_type is not None and any(contact is None for dummy, contact in written())
        ):
            yield from self._need(Need.CONTACT_TYPES)
            types = self._contact_types()
        operations = plan_contacts(self.matched, self.findings.locations or (), types.new)
        overrides = self._answers(bms_overrides.OPTION, self.options.bms_match_overrides)
        answers = {user_id: override.target for user_id, override in overrides.items()}
        by_username = frozenset(user_id for user_id, override in overrides.items() if override.by_username)
        if answers:
            native = self.snapshot.bms.native
            operations = tuple(
                each.not_pushed(Push.OFF, because(ReasonCode.LEFT_OUT_OF_BMS), native=native)
                if bms_lookup.is_candidate(each) and answers.get(each.subject.user_id) == IGNORE
                else each
                for each in operations
            )
        locations = self.findings.locations or ()
        planned = PlannedContacts(
            self.matched, operations, self.departures, types, answers, {}, locations, answered_by_username=by_username
        )
        return self._with_deleted(planned)

    def _with_deleted(self, contacts: PlannedContacts) -> PlannedContacts:
        """With the tenant's deleted users, as far as they have been read."""
        deleted = self.findings.deleted_users
        keys = (same_key(*NAMES_OF_USER(user)) for user in deleted or ())
        names = None if deleted is None else frozenset(filter(None, keys))
        facts = self.snapshot.facts
        pairs = sorted(facts.by_name_in_bms | (self.owned or NOTHING_OWNED).by_name_in_bms)
        by_name = by_one_key([bms_id for bms_id, dummy in pairs], [user_id for dummy, user_id in pairs])
        former = Former(names, facts.apart_in_bms, by_name)
        return replace(contacts, deleted_users={user.id: user for user in deleted or ()}, former=former)

    def _contact_types(self) -> ContactTypes:
        """Whom a planning anew would create, for whom the type is read only now, was not planned and is deferred."""
        try:
            return contact_types(self.snapshot, self.options, self.findings.contact_types or ())
        except InputError:
            if self.owned is None:
                raise
            return ContactTypes()

    def _plan_bms(self, contacts: PlannedContacts) -> Stage[Plan]:
        """Both parts of all operations.

        Who was found there within a day is not looked for again, unless BMS is read for somebody else.
        """
        known = recalled(contacts)
        self.contacts = contacts = replace(contacts, linked_elsewhere=known.linked_elsewhere)
        if self.findings.bms is not None:
            known = contacts
        if not known.needs_bms:
            return bms_plan.plan_without_bms(known, None)
        yield from self._need(Need.BMS)
        bms = self.findings.bms
        if bms is not None:
            found = bms_plan.look_up(contacts, bms)
            if found.needs_deleted_users and self.findings.lack(Need.DELETED_USERS):
                yield from self._need(Need.DELETED_USERS)
                self.contacts = contacts = self._with_deleted(contacts)
                found = bms_plan.look_up(contacts, bms)
            self.apart_in_bms, self.by_name_in_bms = found.apart, found.by_name
            if found.needs_locations and self.findings.lack(Need.LOCATIONS):
                yield from self._need(Need.LOCATIONS)
                contacts = replace(contacts, locations=self.findings.locations or ())
                found = bms_plan.look_up(contacts, bms)
            if found.creates:
                yield from self._need(Need.BMS_LOCATIONS, Need.BMS_TYPES)
            elif found.needs_types:
                yield from self._need(Need.BMS_TYPES)
            if not self.findings.not_read.keys() & {Need.BMS_LOCATIONS, Need.BMS_TYPES}:
                return bms_plan.plan_with_bms(found, self._complete(bms))
        return bms_plan.plan_without_bms(known, self._unread_bms())

    def _unread_bms(self) -> Reason:
        """Why BMS could not be read in full."""
        findings = self.findings
        need = next(each for each in _OF_BMS if each in findings.not_read)
        said = findings.not_read[need]
        if need in findings.out_of_quota:
            return because(ReasonCode.QUOTA_EXCEEDED, service="bms", said=said)
        return because(ReasonCode.BMS_NOT_READ, said=said)

    def _complete(self, bms: BmsSnapshot) -> BmsSnapshot:
        """The account and its contacts, with the locations and types as far as they have been read."""
        email_type, phone_type = self.findings.bms_types or (None, None)
        locations = self.findings.bms_locations or ()
        return replace(bms, locations=locations, email_type=email_type, phone_type=phone_type)

    def _warnings(self) -> Iterable[Reason]:
        """The warnings of the run as a whole."""
        yield from self._override_warnings
        yield from self.matched.selected.warnings
        if count := len(with_microsoft_adapter(self.snapshot.contacts)):
            by_username = self.snapshot.office365.primary_email == "username"
            setting = None if by_username else "primary_email: username"
            yield because(ReasonCode.MICROSOFT_ADAPTERS, count=count, setting=setting)
        if said := self.findings.not_read.get(Need.DELETED_USERS):
            yield because(ReasonCode.DELETED_USERS_NOT_READ, said=said)


def with_microsoft_adapter(contacts: Iterable[Contact]) -> list[Contact]:
    """The contacts that IT Glue's own Microsoft integration holds too."""
    held = [each for each in contacts if each.adapters]  # as few are
    return [each for each in held if any("microsoft" in adapter.kind.casefold() for adapter in each.adapters)]


def _addresses_beside_a_name(matching: Matching, directory: Directory) -> Iterable[str]:
    """The addresses of the contacts that were found by names alone."""
    by_names = Rule.NAME
    for contact_id, rule in matching.matches.values():
        if rule == by_names:
            yield from contact_addresses(directory.contact[contact_id])


_OF_BMS = (Need.BMS, Need.BMS_LOCATIONS, Need.BMS_TYPES)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The BMS parts of a plan: look-up, pushes, updates of linked contacts, departed and returned people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from . import bms_evidence, bms_lookup, bms_overrides, bms_push, bms_update, native_signs, offboarding
from .conflicts import IGNORE, Answer, Conflict, Rule
from .directory import BmsDirectory, Directory
from .enrichment import missing, region_of
from .itglue_plan import ContactTypes, Matched
from .links import LinkState
from .model import BmsContact, BmsId, BmsSnapshot, Contact, InBms, ItGlueId, Location, User
from .plan import MATCHED, Departure, DepartureAction, Operation, Plan, Push, Subject
from .reasons import Reason, ReasonCode, because
from .refusals import without_refused


@dataclass(frozen=True, slots=True)
class PlannedContacts:
    """What is planned for IT Glue, and who has departed: what the BMS parts are decided from.

    `offboarded` are the contacts of departed people of which BMS is known to need nothing more. `linked_elsewhere` are
    the remembered facts of people whose contacts are linked by now to another BMS contact than the one in the fact.
    `former` is what deleted users say about BMS contacts. `answered_by_username` are the ids of the users whose answers
    have a username as the key.
    """

    matched: Matched
    operations: tuple[Operation, ...]
    departures: tuple[Departure, ...]
    types: ContactTypes
    bms_answers: Mapping[str, Answer]
    deleted_users: Mapping[str, User]
    locations: Sequence[Location] = ()
    offboarded: frozenset[ItGlueId] = frozenset()
    linked_elsewhere: Mapping[str, InBms] = field(default_factory=dict)
    former: bms_evidence.Former = bms_evidence.NOTHING_KNOWN
    answered_by_username: frozenset[str] = frozenset()

    @property
    def needs_bms(self) -> bool:
        """Whether anybody has to be looked for in BMS."""
        if any(map(bms_lookup.is_candidate, self.operations)) or self.followed or self.linked_elsewhere:
            return True
        if not self.matched.snapshot.bms.contact_sync:
            return False
        # Whoever carries the type of the departed has been dealt with, in BMS first.
        return bool(self.returned) or any(
            each.action == DepartureAction.DEACTIVATE
            and not self.is_marked(each.contact_id)
            and each.contact_id not in self.offboarded
            for each in self.departures
        )

    def is_marked(self, contact_id: ItGlueId) -> bool:
        """Whether a contact carries the type of the departed."""
        contact = self.matched.directory.contact[contact_id]
        return self.types.departed is not None and contact.contact_type_id == self.types.departed

    def user(self, user_id: str) -> User:
        """A user of the tenant, present or deleted."""
        return self.matched.directory.user.get(user_id) or self.deleted_users[user_id]

    def region(self, operation: Operation) -> str | None:
        """The country whose national telephone numbers those of an operation's contact are."""
        return region_of(self.user(operation.subject.user_id), operation.wanted.location_id, self.locations)

    @property
    def follows(self) -> bool:
        """Whether BMS contacts that are there already are updated."""
        return self.matched.options.update_linked and self.matched.snapshot.bms.follows

    @property
    def followed(self) -> list[Operation]:
        """The operations whose linked contacts BMS has to follow: none whose sync is disabled or orphaned."""
        if not self.follows:
            return []
        links = self.matched.directory.links
        return [
            operation
            for operation in self.operations
            if operation.itglue.action in MATCHED
            and (contact := self.contact(operation)) is not None
            and links[contact.id] == LinkState.LINKED
        ]

    def contact(self, operation: Operation) -> Contact | None:
        """The contact of the operation as it is."""
        contact_id = operation.itglue.contact_id
        return None if contact_id is None else self.matched.directory.contact[contact_id]

    @property
    def returned(self) -> list[Operation]:
        """The operations of people whose contacts carry the type of the departed, and are theirs by name too."""
        if self.types.departed is None:
            return []
        return [
            operation
            for operation in self.operations
            if operation.itglue.action in MATCHED
            and (contact := self.contact(operation)) is not None
            and self.is_marked(contact.id)
            and (
                operation.matched_by == Rule.OVERRIDE
                or offboarding.has_returned(self.user(operation.subject.user_id), contact)
            )
        ]

    def type_on_return(self, contact: Contact) -> ItGlueId | None:
        """The contact type that a returned person's contact gets: the one that it had, else that of new contacts."""
        remembered = self.matched.snapshot.facts.former_contact_types
        former = remembered.get(contact.id)
        is_known = contact.id in remembered and (former is None or former in self.types.present)
        return former if is_known else self.types.new


def _with(changed: Mapping[Subject, Operation], operations: Sequence[Operation]) -> list[Operation]:
    """The operations with the changed ones in their places."""
    return [changed.get(operation.subject, operation) for operation in operations] if changed else list(operations)


def by_username(operations: Iterable[Operation], directory: Directory) -> list[Operation]:
    """The operations of users in the order in which a person sees them everywhere."""
    usernames = directory.usernames
    return sorted(operations, key=lambda each: (usernames[user_id := each.subject.user_id], user_id))


# ------------------------------------------------------------------- with BMS


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What the look-up found. Those operations that are still `UNDECIDED` are to be pushed.

    `apart` are the ids of the users whom only a deleted user keeps apart from a BMS contact; `needs_deleted_users`
    says that one may do so, and that they have not been read. `by_name` are pairs of BMS contact and user id that no
    address connects.
    """

    contacts: PlannedContacts
    directory: BmsDirectory
    operations: tuple[Operation, ...]
    conflicts: tuple[Conflict, ...]
    pairs: tuple[bms_update.Pair, ...]
    counterparts: offboarding.Counterparts
    needs_deleted_users: bool
    apart: frozenset[str]
    by_name: frozenset[tuple[BmsId, str]]

    @property
    def creates(self) -> bool:
        """Whether a BMS contact has to be created."""
        return not self.contacts.matched.snapshot.bms.native and any(map(bms_lookup.is_candidate, self.operations))

    @property
    def needs_types(self) -> bool:
        """Whether an e-mail or phone has to be created in BMS, under the types of the settings."""
        return self.creates or bms_update.needs_types(self.pairs)

    @property
    def needs_locations(self) -> bool:
        """Whether the countries of locations decide which telephone numbers BMS has already."""
        return bms_update.needs_regions(self.pairs)


def look_up(contacts: PlannedContacts, bms: BmsSnapshot) -> LookedUp:
    """Find everybody in BMS whom the plan is about.

    Raises InputError for an answer of `bms_match_overrides` that cannot be right.
    """
    matched, directory = contacts.matched, BmsDirectory(bms.contacts)
    departing = frozenset(each.contact_id for each in contacts.departures if each.action == DepartureAction.DEACTIVATE)
    following = frozenset(each.bms.contact_id for each in contacts.followed if each.bms.contact_id is not None)
    counterparts = offboarding.Counterparts(
        matched.directory, directory, matched.selected.user_ids, departing, following
    )
    own, needs_deleted = _answered(contacts, directory)
    returned = contacts.returned
    back = {
        each.subject: _reactivated(contacts, each, _on_return(contacts, each, counterparts, own)) for each in returned
    }
    operations = _with(back, contacts.operations)
    looked_up = bms_lookup.candidates(operations)
    made = matched.circumstances.owned.in_bms
    others = BmsDirectory([each for each in bms.contacts if each.id not in made]) if made else directory
    hits = [bms_evidence.find(each, matched.directory, others, contacts.former) for each in looked_up]
    hits = bms_lookup.overridden(looked_up, hits, own, matched.directory, others, contacts.former)
    decided, conflicts = bms_lookup.decide(looked_up, hits, matched.directory, native=matched.snapshot.bms.native)
    operations = _with(_unless_in_conflict(returned, decided), operations)
    followed = [back.get(each.subject, each) for each in contacts.followed]
    pairs = bms_update.pairs(followed, matched.directory, directory, bms.account.id, contacts.region)
    if contacts.follows:
        pairs += tuple(bms_update.with_placeholders(decided.values(), directory, contacts.region))
    with_hits = list(zip(looked_up, hits, strict=True))
    return LookedUp(
        contacts,
        directory,
        tuple(operations),
        conflicts,
        pairs,
        counterparts,
        needs_deleted_users=needs_deleted or any(hit.needs_deleted for hit in hits),
        apart=frozenset(each.subject.user_id for each, hit in with_hits if hit.rests_on_deleted),
        by_name=frozenset(
            (found.id, each.subject.user_id)
            for each, hit in with_hits
            if hit.by_name or hit.overridden
            for found in hit.found
        ),
    )


def _answered(contacts: PlannedContacts, bms: BmsDirectory) -> tuple[bms_lookup.Answered, bool]:
    """What `bms_match_overrides` makes whose, of those who are looked up, or return and are not linked; and whether
    deleted users decide about it, and have not been read."""
    answers, matched = contacts.bms_answers, contacts.matched
    if not answers:
        return {}, False
    candidates = bms_lookup.candidates(contacts.operations)
    usernames = {each.subject.user_id: each.user for each in candidates}
    chosen = bms_overrides.chosen(answers, usernames, bms)
    others = bms_overrides.with_other_names(chosen, contacts.answered_by_username, matched.directory.user)
    excluded = (user for user_id, user in matched.directory.user.items() if user_id not in matched.selected.user_ids)
    bms_overrides.refuse_handed_on(others, usernames, (*contacts.deleted_users.values(), *excluded))
    back = [each for each in contacts.returned if each.bms.push not in (None, Push.UNDECIDED)]
    own = bms_lookup.answered([*candidates, *back], answers, chosen, matched.directory, bms)
    return own, bool(others) and contacts.former.names is None


def _on_return(
    contacts: PlannedContacts,
    operation: Operation,
    counterparts: offboarding.Counterparts,
    own: bms_lookup.Answered,
) -> BmsContact | None:
    """The BMS contact that becomes active again with a returned person: for an unlinked one, what
    `bms_match_overrides` says comes first."""
    contact, user_id = contacts.contact(operation), operation.subject.user_id
    if user_id in own:
        found = own[user_id]
        return found[0] if len(found) == 1 else None
    if contact is None or (operation.bms.push is not None and contacts.bms_answers.get(user_id) == IGNORE):
        return None
    return counterparts.of(contact, contacts.user(user_id), follows=contacts.follows).bms_contact


def _reactivated(contacts: PlannedContacts, operation: Operation, bms_contact: BmsContact | None) -> Operation:
    contact = contacts.contact(operation)
    if contact is None:
        return operation
    operation = offboarding.reactivation(operation, contact, contacts.type_on_return(contact), bms_contact)
    return without_refused(operation, contact, contacts.matched.snapshot.facts)


def _unless_in_conflict(
    returned: Iterable[Operation], decided: Mapping[Subject, Operation]
) -> Mapping[Subject, Operation]:
    """The decisions, in which nobody has `returned` whose BMS contact is in question: once the contact has lost the
    type of the departed, no later run could tell that BMS waits."""
    waiting = {
        each.subject: _stays_departed(decided[each.subject], each)
        for each in returned
        if each.subject in decided and decided[each.subject].bms.push == Push.CONFLICT
    }
    return {**decided, **waiting}


def _stays_departed(operation: Operation, before: Operation) -> Operation:
    """The operation of somebody whose return waits: the contact keeps its type."""
    reasons = tuple(reason for reason in operation.reasons if reason.code != ReasonCode.RETURNED)
    itglue = before.itglue if operation.itglue.writes else operation.itglue
    return operation._replace(itglue=itglue, bms=operation.bms._replace(contact_id=None), reasons=reasons)


def plan_with_bms(found: LookedUp, bms: BmsSnapshot) -> Plan:
    """Both parts of all operations. `bms` has the locations and types where `found` needs them."""
    contacts, matched = found.contacts, found.contacts.matched
    stopped = _stopped(found)
    operations = by_username(_pushed(found, bms, stopped), matched.directory)
    warnings = tuple(bms_push.names_not_unique(operations, matched.directory))
    found_for: dict[BmsId, tuple[str, ...]] = {}
    if found.pairs or contacts.departures:
        found_for = _found_for(operations, (*matched.matching.conflicts, *found.conflicts))
    if found.pairs:
        created = [each.bms.create for each in operations if each.bms.create is not None]
        operations = _with(bms_update.follow(found.pairs, bms, created, found_for), operations)
    departures, deactivations = _deactivations(contacts, found.counterparts, None, found_for)
    return Plan(
        tuple(operations),
        found.conflicts,
        departures,
        deactivations,
        account=bms.account,
        stopped=stopped,
        warnings=warnings,
    )


def _stopped(found: LookedUp) -> Reason | None:
    """Why nothing is created in BMS: IT Glue pushes too. It is asked where somebody is to be created, or IT Glue has
    linked somebody to another BMS contact than the known one. None where nothing speaks against it."""
    if not found.creates and not found.contacts.linked_elsewhere:
        return None
    return native_signs.in_bms_twice(found.operations, found.contacts.matched.directory, found.directory)


def _pushed(found: LookedUp, bms: BmsSnapshot, stopped: Reason | None) -> list[Operation]:
    """The operations with their pushes, where these are not `stopped`."""
    snapshot = found.contacts.matched.snapshot
    place_of = cache(lambda name: bms_push.bms_location(name, bms.locations))

    def push(operation: Operation) -> Operation:
        if stopped:
            return operation.withheld(bms=Push.FAILED, reason=stopped)
        if snapshot.bms.native:
            return bms_push.left_to_itglue(operation, snapshot.read_at)
        return bms_push.created_in_bms(operation, bms, place_of(operation.wanted.location_name))

    return [push(each) if bms_lookup.is_candidate(each) else each for each in found.operations]


def _found_for(operations: Iterable[Operation], conflicts: Iterable[Conflict]) -> dict[BmsId, tuple[str, ...]]:
    """The BMS contacts that the look-up found, with the users whose they could be."""
    found = {
        each.bms.contact_id: (each.user,)
        for each in operations
        if each.bms.push == Push.ALREADY_IN_BMS and each.bms.contact_id is not None
    }
    return found | {bms_id: each.users for each in conflicts for bms_id in each.bms_contact_ids}


# ---------------------------------------------------------------- without BMS


def plan_without_bms(contacts: PlannedContacts, unread: Reason | None) -> Plan:
    """Both parts of all operations where BMS is not needed, or could not be read: `unread` says why.

    An incomplete read never means "not there": then every push, deactivation and return is deferred.
    """
    operations, warnings = list(contacts.operations), []
    if unread is None:
        back = {each.subject: _reactivated(contacts, each, None) for each in contacts.returned}
        operations = _with(back, operations)
    departures, deactivations = _deactivations(contacts, None, unread, {})
    if unread is not None:
        native = contacts.matched.snapshot.bms.native
        operations = [
            each.not_pushed(Push.DEFERRED, unread, native=native) if bms_lookup.is_candidate(each) else each
            for each in operations
        ]
        warnings = list(_deferrals(contacts, deactivations, unread.values["said"]))
    operations = by_username(operations, contacts.matched.directory)
    return Plan(tuple(operations), departed=departures, deactivations=deactivations, warnings=tuple(warnings))


def _deferrals(contacts: PlannedContacts, deactivations: Sequence[Operation], unread: str) -> Iterable[Reason]:
    if pushes := len(bms_lookup.candidates(contacts.operations)):
        yield because(ReasonCode.PUSHES_DEFERRED, count=pushes, said=unread)
    returns = len(contacts.returned)
    if deactivations or returns:
        yield because(ReasonCode.OFFBOARDING_DEFERRED, deactivations=len(deactivations), returns=returns, said=unread)
    if followed := len(contacts.followed):
        yield because(ReasonCode.UPDATES_NOT_COMPARED, count=followed, said=unread)


# ------------------------------------------------------------- departed people


def _deactivations(
    contacts: PlannedContacts,
    counterparts: offboarding.Counterparts | None,
    unread: Reason | None,
    found_for: Mapping[BmsId, tuple[str, ...]],
) -> tuple[tuple[Departure, ...], tuple[Operation, ...]]:
    """The departures with what is done about them, and the operations that it takes."""
    departures: list[Departure] = []
    operations: list[Operation] = []
    for departure in contacts.departures:
        if departure.action == DepartureAction.DEACTIVATE:
            operation = _deactivation(contacts, departure, counterparts, unread, found_for)
            if operation is None:
                departure = replace(departure, action=DepartureAction.DEACTIVATED)
            else:
                operations.append(operation)
        departures.append(departure)
    return tuple(departures), tuple(operations)


def _deactivation(
    contacts: PlannedContacts,
    departure: Departure,
    counterparts: offboarding.Counterparts | None,
    unread: Reason | None,
    found_for: Mapping[BmsId, tuple[str, ...]],
) -> Operation | None:
    """What is to be done about a departed contact in this run, None where all is done."""
    type_id = contacts.types.departed
    if unread is not None:
        return None if contacts.is_marked(departure.contact_id) else offboarding.deferred(departure, unread)
    if type_id is None:
        return None
    contact = contacts.matched.directory.contact[departure.contact_id]
    found = offboarding.Counterpart()
    if counterparts is not None and contacts.bms_answers.get(departure.user_id) != IGNORE:
        found = counterparts.of(contact, contacts.user(departure.user_id))
    operation = offboarding.deactivation(departure, contact, type_id, found)
    if operation is not None:
        operation = without_refused(operation, contact, contacts.matched.snapshot.facts)
    if operation is not None and (reason := _not_yet(contacts.matched, operation, contact, found_for)):
        return offboarding.deferred(departure, reason)
    return operation


def _not_yet(
    matched: Matched, operation: Operation, contact: Contact, found_for: Mapping[BmsId, tuple[str, ...]]
) -> Reason | None:
    """Why a contact cannot be deactivated in this run."""
    bms_id = operation.bms.contact_id or matched.directory.linked_bms_id(contact)
    if bms_id is not None and bms_id in found_for:
        return bms_update.could_be(bms_id, found_for[bms_id])
    # IT Glue's own two-way sync would make a BMS contact of somebody who has departed.
    is_linked = matched.directory.links[contact.id] is not None
    pushes = matched.snapshot.bms.native and not is_linked and not missing(contact, native=True)
    return because(ReasonCode.WOULD_BE_PUSHED) if operation.itglue.writes and pushes else None

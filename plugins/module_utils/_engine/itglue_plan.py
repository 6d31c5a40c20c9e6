# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of each user's contact in IT Glue (matching guide); the BMS part stays open where one is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .attributes import EMAILS, changed_fields, encode
from .conflicts import Conflict, Rule
from .directory import Directory
from .enrichment import Enriched, enriched, missing
from .errors import InputError, quoted
from .identity import Names, compare_names, have_common_word
from .links import LinkState
from .matching import Matching, match
from .matching_index import Circumstances
from .model import Contact, ContactType, ItGlueId, Location, Snapshot, User
from .options import Options
from .owned import NOTHING_OWNED
from .plan import NOTHING_IN_BMS, TO_BE_PUSHED, Action, BmsPart, ItGluePart, Operation, Push, UserSubject
from .reasons import Reason, ReasonCode, because
from .refusals import without_refused
from .selection import Selected
from .text import NAMES_OF_CONTACT, contact_addresses, name, text


@dataclass(frozen=True, slots=True)
class Matched:
    """Who is selected, and whose each contact is: what a contact's future is decided from."""

    snapshot: Snapshot
    options: Options
    selected: Selected
    matching: Matching
    directory: Directory
    circumstances: Circumstances

    def contact_of(self, user: User) -> Contact | None:
        """The contact that the user is matched with."""
        pair = self.matching.matches.get(user.id)
        return self.directory.contact[pair[0]] if pair else None

    def contacts_of_nobody(self) -> Iterator[Contact]:
        """The contacts that no selected user is matched with."""
        selected = self.selected.user_ids
        taken = {contact_id for user_id, (contact_id, dummy) in self.matching.matches.items() if user_id in selected}
        yield from (contact for contact in self.snapshot.contacts if contact.id not in taken)

    def unmatched_contacts(self) -> list[Contact]:
        """Those of them that are in no conflict."""
        in_conflict = self.in_conflict
        return [contact for contact in self.contacts_of_nobody() if contact.id not in in_conflict]

    @property
    def in_conflict(self) -> frozenset[ItGlueId]:
        """The contacts of which somebody has to say whose they are."""
        conflicts = self.matching.conflicts
        return frozenset(contact_id for conflict in conflicts for contact_id in conflict.contact_ids)

    def written(self) -> Iterator[tuple[User, Contact | None]]:
        """The users whose contacts may be written, with these: None for each that has to be created."""
        excluded, conflicted = self.selected.excluded, self.matching.conflicted
        update_linked, links = self.options.update_linked, self.directory.links
        for user in self.snapshot.users:
            if user.id in excluded or user.id in conflicted:
                continue
            contact = self.contact_of(user)
            if contact is None or update_linked or links[contact.id] in _NOT_LINKED:
                yield user, contact


# ---------------------------------------------------------------- contact types


@dataclass(frozen=True, slots=True)
class ContactTypes:
    """The ids of the contact types that the settings and options name, None where they name none. `present`
    are the ids of all that IT Glue has."""

    new: ItGlueId | None = None
    departed: ItGlueId | None = None
    present: frozenset[ItGlueId] = frozenset()


def contact_types(snapshot: Snapshot, options: Options, present: Sequence[ContactType]) -> ContactTypes:
    """The ids of the contact types of new and of departed contacts.

    Raises InputError for a type that IT Glue does not have, and for one that is meant for both.
    """
    new, departed = snapshot.office365.contact_type, options.departed_contact_type
    types = ContactTypes(
        _type_id(new, present, "contact_type of office365_sync_settings"),
        _type_id(departed, present, "departed_contact_type") if options.deactivate else None,
        frozenset(each.id for each in present),
    )
    if types.departed is not None and types.departed == types.new:
        raise InputError(
            f"departed_contact_type is {quoted(departed)}, which is the contact_type of new contacts too.",
            hint="Departed people need a contact type of their own, or nobody could tell who has returned.",
        )
    return types


def departed_type(snapshot: Snapshot, options: Options, present: Sequence[ContactType]) -> ItGlueId | None:
    """The id of the contact type that departed people's contacts carry, be they only reported in this run.

    Raises InputError as `contact_types` does, where somebody could get the type.
    """
    if options.deactivate:
        return contact_types(snapshot, options, present).departed
    wanted = name(options.departed_contact_type)
    return min((each.id for each in present if wanted and name(each.name) == wanted), default=None)


def _type_id(wanted: str | None, present: Sequence[ContactType], option: str) -> ItGlueId | None:
    if not wanted:
        return None
    found = sorted(each.id for each in present if name(each.name) == name(wanted))
    if not found:
        raise InputError(
            f"IT Glue has no contact type named {quoted(wanted)} (option {option}).",
            hint=f"It has: {', '.join(sorted(each.name for each in present)) or 'none'}.",
        )
    return found[0]


# ------------------------------------------------------------------- operations


def plan_contacts(
    matched: Matched, locations: Sequence[Location], contact_type_id: ItGlueId | None
) -> tuple[Operation, ...]:
    """Each user's operation, in the order of the users. Pushes that only BMS can decide are `UNDECIDED`."""
    planner = _Planner(matched, locations, contact_type_id)
    operations = _without_lost(matched, [planner.operation(user) for user in matched.snapshot.users])
    facts, contacts = matched.snapshot.facts, matched.directory.contact
    if not facts.refused:
        return tuple(operations)
    return tuple(
        each if each.itglue.contact_id is None else without_refused(each, contacts[each.itglue.contact_id], facts)
        for each in operations
    )


class _Planner:
    """Plans users' contacts one by one; what is the same for all of them is looked up once."""

    def __init__(self, matched: Matched, locations: Sequence[Location], contact_type_id: ItGlueId | None) -> None:
        self._matching = matched.matching
        self._directory = matched.directory
        self._excluded = matched.selected.excluded
        self._update_linked = matched.options.update_linked
        self._settings = matched.snapshot.office365
        self._pushes = matched.snapshot.bms.pushes
        self._native = matched.snapshot.bms.native
        self._aliases = matched.directory.smtp_addresses
        self._links = matched.directory.links
        self._email_keys = matched.directory.email_keys_of_contacts
        self._locations = locations
        self._contact_type_id = contact_type_id

    def operation(self, user: User) -> Operation:
        """What becomes of the user's contact, and why."""
        matching, excluded = self._matching, self._excluded
        subject = UserSubject(user.username, user.id)
        contact_id, rule = matching.matches.get(user.id, (None, None))
        if user.id in excluded:
            because_of = (Reason(excluded[user.id]),)
            return Operation(subject, ItGluePart(Action.EXCLUDED, contact_id), matched_by=rule, reasons=because_of)
        if conflict := matching.conflicted.get(user.id):
            operation = Operation(subject, ItGluePart(Action.CONFLICT), reasons=(_conflict_reason(conflict, user),))
        elif contact_id is None:
            operation = self._create(user, subject)
        else:
            operation = self._update(user, subject, self._directory.contact[contact_id], rule)
        reasons = matching.reasons.get(user.id)
        return operation.because(*reasons) if reasons else operation

    def _create(self, user: User, subject: UserSubject) -> Operation:
        wanted, reasons = self._enriched(user, None)
        if not wanted.emails:
            return Operation(subject, ItGluePart(Action.FAILED), reasons=(because(ReasonCode.NO_ADDRESS),))
        after = {key: value for key, value in encode(wanted).items() if value not in (None, [])}
        itglue = ItGluePart(Action.CREATE, after=after, contact=wanted)
        return Operation(subject, itglue, self._push(wanted), reasons=reasons)

    def _update(self, user: User, subject: UserSubject, contact: Contact, rule: Rule | None) -> Operation:
        link = self._links[contact.id]
        linked = link not in _NOT_LINKED
        bms = BmsPart(contact_id=self._directory.linked_bms_id(contact)) if linked else NOTHING_IN_BMS
        reasons = () if link is None else _notes_on_link(contact, link)
        if linked and not self._update_linked:
            return Operation(subject, ItGluePart(Action.LINKED, contact.id), bms, rule, reasons)
        wanted, further = self._enriched(user, contact)
        fields = changed_fields(contact, wanted) if wanted is not contact else ()
        if fields:
            before, after = encode(contact, fields), encode(wanted, fields)
            itglue = ItGluePart(Action.UPDATE, contact.id, before, after, wanted)
            if rule != Rule.OVERRIDE and not before.keys().isdisjoint(_NAMES):
                reasons += _note_on_names(contact, wanted)
        else:
            itglue = ItGluePart(_LINKED if linked else _UNCHANGED, contact.id, contact=wanted)
        if not linked:
            bms = self._push(wanted)
        operation = Operation(subject, itglue, bms, rule, reasons + further)
        if link == LinkState.UNKNOWN and operation.bms.push == Push.UNDECIDED:
            return operation.not_pushed(Push.DEFERRED, native=self._native)
        return operation

    def _enriched(self, user: User, contact: Contact | None) -> Enriched:
        aliases = self._aliases[user.id]
        if held := self._matching.held_aliases.get(user.id):
            aliases = {key: written for key, written in aliases.items() if key not in held}
        keys = () if contact is None else self._email_keys[contact.id]
        return enriched(user, contact, self._settings, self._locations, self._contact_type_id, aliases, keys)

    def _push(self, wanted: Contact) -> BmsPart:
        """That the contact is to be pushed, or what keeps it from that."""
        if not self._pushes:
            return BmsPart(Push.OFF)
        if lacking := missing(wanted, native=self._native):
            return BmsPart(Push.NOT_READY, missing=lacking)
        return TO_BE_PUSHED


_NAMES = ("first-name", "last-name")
# As most operations are; Python 3.11 takes long to find a member of an enum through its class.
_LINKED, _UNCHANGED = Action.LINKED, Action.UNCHANGED
_NOT_LINKED = (None, LinkState.UNKNOWN)


def _conflict_reason(conflict: Conflict, user: User) -> Reason:
    others = [username for username in conflict.users if username != user.username]
    return because(conflict.code, rule=conflict.rule.value, contact_ids=list(conflict.contact_ids), users=others)


def _notes_on_link(contact: Contact, link: LinkState) -> tuple[Reason, ...]:
    if link in (LinkState.ORPHANED, LinkState.DISABLED):
        return (because(ReasonCode.LINK_INACTIVE, state=link.value),)
    if link == LinkState.UNKNOWN:
        return (because(ReasonCode.LINK_UNKNOWN, contact_id=contact.id),)
    return ()


def _note_on_names(contact: Contact, wanted: Contact) -> tuple[Reason, ...]:
    """That names of a contact without a word in common are both replaced, as where they are in two scripts."""
    names, others = NAMES_OF_CONTACT(contact), NAMES_OF_CONTACT(wanted)
    if not all(map(text, names)) or have_common_word(names, others) or compare_names(names, others) != Names.OPEN:
        return ()
    return (because(ReasonCode.BOTH_NAMES_REPLACED, contact_id=contact.id, names=" ".join(map(text, names))),)


# ------------------------------------- what the next run would not match with its user


def _without_lost(matched: Matched, operations: list[Operation]) -> list[Operation]:
    """Fail the operations whose contact the next run would not match with its user again.

    That takes users who share an address: of two contacts that are both given it, each would be hit by
    both; and whoever holds it as an alias comes before whoever holds it as username. Or a contact that is
    given other names, which may be those of another user who holds one of its addresses.
    """
    changed = [operation for operation in operations if operation.itglue.after]
    gained = {
        operation.subject.user_id: _gained(matched, operation)
        for operation in changed
        if EMAILS in operation.itglue.after
    }
    shared = _shared(gained, matched.directory)
    if not shared and not any(map(renames, changed)):
        return operations
    planned = {operation.subject.user_id: operation for operation in operations}
    failed: dict[str, Operation] = {}
    while lost := _lost(matched, operations):
        failed |= {user_id: _failed(planned[user_id], shared) for user_id in lost}
        operations = [failed.get(operation.subject.user_id, operation) for operation in operations]
    return _with_those_that_others_lost(matched, operations, planned, failed)


_MOST_TRIED_AGAIN = 25
"""Each try matches all users once more. Whoever is not tried again is written by the next run."""


def _with_those_that_others_lost(
    matched: Matched, operations: list[Operation], planned: Mapping[str, Operation], failed: Mapping[str, Operation]
) -> list[Operation]:
    """The operations with those that were lost only because of another failed one: the next run would do them."""
    for user_id in sorted(failed)[:_MOST_TRIED_AGAIN] if len(failed) > 1 else ():
        with_it = [planned[user_id] if each.subject.user_id == user_id else each for each in operations]
        if not _lost(matched, with_it):
            operations = with_it
    return operations


def renames(operation: Operation) -> bool:
    """Whether an existing contact gets another name."""
    return operation.itglue.action == Action.UPDATE and not operation.itglue.after.keys().isdisjoint(_NAMES)


def _gained(matched: Matched, operation: Operation) -> frozenset[str]:
    contact_id = operation.itglue.contact_id
    addresses = contact_addresses(operation.wanted)
    if contact_id is None:
        return addresses
    return addresses.difference(matched.directory.email_keys(matched.directory.contact[contact_id]))


def _shared(gained: Mapping[str, frozenset[str]], directory: Directory) -> dict[str, list[str]]:
    """The addresses that a contact gains and that another user than its own holds too, with the
    usernames of all who hold them."""
    shared: dict[str, list[str]] = {}
    for user_id, addresses in gained.items():
        for value in addresses:
            holders = directory.users_by_address.get(value, ())
            if any(user.id != user_id for user in holders):
                shared[value] = sorted(user.username for user in holders)
    return shared


def _lost(matched: Matched, operations: Iterable[Operation]) -> set[str]:
    """The users whose contact, written as planned, would not be matched with them."""
    written = {operation.subject.user_id: operation for operation in operations if operation.itglue.writes}
    ids = {
        user_id: operation.itglue.contact_id or ItGlueId(-number)
        for number, (user_id, operation) in enumerate(written.items(), 1)
    }
    becomes: dict[ItGlueId, Contact] = dict(matched.directory.contact)
    becomes |= {ids[user_id]: replace(operation.wanted, id=ids[user_id]) for user_id, operation in written.items()}
    circumstances = replace(matched.circumstances, owned=NOTHING_OWNED)
    again = match(matched.snapshot.users, matched.selected.user_ids, becomes.values(), circumstances)
    return {user_id for user_id in written if again.matches.get(user_id, (None,))[0] != ids[user_id]}


def _failed(operation: Operation, shared: Mapping[str, Sequence[str]]) -> Operation:
    addresses = sorted(contact_addresses(operation.wanted) & shared.keys())
    users = sorted({user for value in addresses for user in shared[value]} - {operation.user})
    reason = because(ReasonCode.SHARED_ADDRESS, addresses=addresses if users else [], users=users)
    failed = ItGluePart(Action.FAILED, operation.itglue.contact_id)
    return Operation(operation.subject, failed, matched_by=operation.matched_by, reasons=(*operation.reasons, reason))

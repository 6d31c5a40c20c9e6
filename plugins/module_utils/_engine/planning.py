# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""From what was read to what would be done.

Three steps, because later reads are needed only where an earlier step finds a use for them:
`draft` selects and matches, `Draft.operations` says what is to be written to IT Glue, and
`complete` decides the pushes and checks the exceeded_limits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from . import bms_lookup, bms_update, offboarding
from .account import is_bms
from .attributes import EMAILS, changed_fields, encode
from .departed import DEACTIVATE, DEPARTED, KEEP, Departure, Unclaimed, departures, unclaimed
from .enrichment import enriched, missing
from .errors import InputError, quoted
from .matching import OVERRIDE, Conflict, Matching, match
from .model import BmsSnapshot, Contact, ContactType, Location, Snapshot, User
from .plan import (
    ALREADY_IN_BMS,
    CONFLICT,
    CREATE,
    DEFERRED,
    EXCLUDED,
    FAILED,
    LINKED,
    NOT_READY,
    NOTHING,
    OFF,
    PENDING,
    PUSHED,
    UNCHANGED,
    UNDECIDED,
    UPDATE,
    ExceededLimit,
    Operation,
    Plan,
)
from .selection import REASONS, exclusion_rule
from .text import address, contact_addresses, name, smtp_keys

OVERRIDDEN, NOT_CHOSEN = "override", "users"
"""Left out by `match_overrides: ignore` and by the option `users`, beside the filter's reasons."""

MAX_DEACTIVATIONS = "20"
"""How many contacts may be deactivated where the option is not given."""

EXCLUSIONS = (*REASONS, OVERRIDDEN, NOT_CHOSEN)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is told beside the settings. `users` are usernames or ids, None for all."""

    bms_adapter_names: tuple[str, ...] = ("bms", "vorex")
    update_linked: bool = False
    users: frozenset[str] | None = None
    match_overrides: Mapping[str, int | str] = field(default_factory=dict)
    bms_match_overrides: Mapping[str, int | str] = field(default_factory=dict)
    max_creates: str | None = None
    max_updates: str | None = None
    max_pushes: str | None = None
    max_deactivations: str | None = None
    deactivate: bool = False
    departed_contact_type: str | None = None
    departed_keep: tuple[str, ...] = ()
    allow_shrunken_source: bool = False


@dataclass(frozen=True, slots=True)
class Leavers:
    """What tells who left: the tenant's deleted users, and the domains that are the tenant's."""

    deleted: tuple[User, ...] = ()
    domains: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactTypes:
    """The ids of the contact types that the settings and options name, None where they name none."""

    new: int | None = None
    departed: int | None = None


# ------------------------------------------------------------ selection, matching


@dataclass(slots=True)
class Draft:
    """Who is kept and who is whom, before anything is decided."""

    snapshot: Snapshot
    options: Options
    excluded: dict[str, str]
    matching: Matching
    kept_users: frozenset[str]
    contacts: dict[int, Contact]
    warnings: list[str]

    @property
    def needs_locations(self) -> bool:
        """Whether a contact has to be given a location."""
        return any(contact is None or contact.location_id is None for user, contact in self._written())

    @property
    def creates(self) -> bool:
        """Whether a contact has to be created."""
        return any(contact is None for user, contact in self._written())

    def _written(self) -> Iterable[tuple[User, Contact | None]]:
        """The users whose contacts are written, with their contacts, None for a new one."""
        for user in self.snapshot.users:
            if user.id in self.excluded or user.id in self.matching.conflicted:
                continue
            contact = self.contact_of(user)
            if contact is None or self.options.update_linked or not self.link(contact):
                yield user, contact

    @property
    def kept(self) -> int:
        """How many users the filter lets through."""
        return len(self.kept_users)

    @property
    def bystanders(self) -> list[Contact]:
        """The contacts that no kept user is matched with, and that are in no conflict."""
        kept = self.kept_users
        taken = {pair[0] for user_id, pair in self.matching.matches.items() if user_id in kept}
        taken.update(contact_id for conflict in self.matching.conflicts for contact_id in conflict.contact_ids)
        return [contact for contact in self.snapshot.contacts if contact.id not in taken]

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses of the organization's contacts."""
        return frozenset().union(*map(contact_addresses, self.snapshot.contacts))

    def contact_of(self, user: User) -> Contact | None:
        """The contact that the user is matched with."""
        pair = self.matching.matches.get(user.id)
        return self.contacts[pair[0]] if pair else None

    def link(self, contact: Contact) -> str | None:
        """How a contact is linked to BMS: `linked`, `orphaned`, `disabled`, or None.

        Unlinked only when both the adapters and `psa-integration` say so (feature, section 4).
        """
        state = contact.psa_integration or None
        if not contact.adapters and state is None:
            # What is not known to be unlinked is left as it is, and not pushed.
            return None if contact.link_known else "linked"
        adapters = [each for each in contact.adapters if is_bms(each, self.options.bms_adapter_names)]
        if not adapters and state is None:
            return None
        if state == "orphaned" or any(each.orphaned for each in adapters):
            return "orphaned"
        if state == "disabled" or (adapters and not any(each.sync for each in adapters)):
            return "disabled"
        return "linked"

    def operations(
        self, locations: Sequence[Location] = (), contact_types: Sequence[ContactType] = ()
    ) -> list[Operation]:
        """Each user's part in IT Glue, in the order of the users; the push is open yet.

        Raises InputError for a contact type that IT Glue does not have.
        """
        contact_type_id = self.contact_types(contact_types).new
        writer = _Writer(self, locations, contact_type_id)
        return self._found_again([writer.operation(user) for user in self.snapshot.users])

    def _found_again(self, operations: list[Operation]) -> list[Operation]:
        """Fail what the next run would not match with its user again.

        That takes users who share an address: of two contacts that are both given it, each
        would be hit by both; and whoever holds it as an alias comes before whoever holds it as
        username.
        """
        gained = {
            each.user_id: contact_addresses(each.wanted) - self._addresses(each.contact_id)
            for each in operations
            if EMAILS in each.after
        }
        while others := _other_holders(gained, self.snapshot.users):
            lost = self._lost(operations)
            if not lost:
                break
            gained = {user_id: added for user_id, added in gained.items() if user_id not in lost}
            operations = [_withdrawn(each, others) if each.user_id in lost else each for each in operations]
        return operations

    def _addresses(self, contact_id: int | None) -> frozenset[str]:
        return frozenset() if contact_id is None else contact_addresses(self.contacts[contact_id])

    def _lost(self, operations: Iterable[Operation]) -> set[str]:
        """The users whose contact, written as planned, would not be matched with them."""
        written = {each.user_id: each for each in operations if each.action in (CREATE, UPDATE)}
        ids = {user_id: each.contact_id or -number for number, (user_id, each) in enumerate(written.items(), 1)}
        after = self.contacts | {ids[each]: replace(written[each].wanted, id=ids[each]) for each in written}
        again = match(
            self.snapshot.users,
            self.kept_users,
            after.values(),
            self.options.match_overrides,
            self.snapshot.office365.primary_email,
        )
        return {each for each in written if again.matches.get(each, (None,))[0] != ids[each]}

    @property
    def needs_contact_types(self) -> bool:
        """Whether the name of a contact type has to be looked up."""
        return self.options.deactivate or (self.snapshot.office365.contact_type is not None and self.creates)

    def contact_types(self, present: Sequence[ContactType]) -> ContactTypes:
        """The ids of the types that are needed. Raises InputError for one that IT Glue does not have."""
        new, departed = self.snapshot.office365.contact_type, self.options.departed_contact_type
        types = ContactTypes(
            _type_id(new, present, "contact_type of office365_sync_settings") if self.needs_contact_types else None,
            _type_id(departed, present, "departed_contact_type") if self.options.deactivate else None,
        )
        if types.departed is not None and types.departed == types.new:
            raise InputError(
                f"departed_contact_type is {quoted(departed)}, which is the contact_type of new contacts too.",
                hint="People who left need a contact type of their own, or nobody could tell who is back.",
            )
        return types

    def departures(self, leavers: Leavers) -> list[Departure]:
        """Who left, and whether something is to be done about it.

        Raises InputError where so few users are left that the source cannot be right.
        """
        snapshot = self.snapshot
        found = departures(
            self.bystanders, snapshot.users, leavers.deleted, self.kept_users, snapshot.office365, snapshot.members
        )
        if not self.options.deactivate:
            return found
        if not self.options.allow_shrunken_source:
            offboarding.check_source(len(snapshot.users), snapshot.contacts, leavers.domains)
        return offboarding.kept_back(found, self.contacts, self.options.departed_keep)

    def followed(self, operations: Iterable[Operation]) -> list[Operation]:
        """The operations whose linked contacts BMS has to follow: none whose sync is disabled or orphaned."""
        if not (self.options.update_linked and self.snapshot.bms.follows):
            return []
        return [
            each
            for each in operations
            if each.action in (UPDATE, LINKED)
            and each.contact_id is not None
            and self.link(self.contacts[each.contact_id]) == "linked"
        ]

    def pairs(self, operations: Iterable[Operation], bms: BmsSnapshot) -> list[bms_update.Pair]:
        """Those with their BMS contacts."""
        snapshot = self.snapshot
        return bms_update.pairs(
            self.followed(operations),
            bms,
            users=snapshot.users,
            contacts=snapshot.contacts,
            adapter_names=self.options.bms_adapter_names,
        )

    def returned(self, operations: Iterable[Operation], types: ContactTypes) -> list[Operation]:
        """The operations of people whose contacts carry the type of the departed."""
        if types.departed is None:
            return []
        return [
            each
            for each in operations
            if each.action in (UPDATE, UNCHANGED, LINKED)
            and each.contact_id is not None
            and self.contacts[each.contact_id].contact_type_id == types.departed
        ]


def _type_id(wanted: str | None, present: Sequence[ContactType], option: str) -> int | None:
    if not wanted:
        return None
    found = sorted(each.id for each in present if name(each.name) == name(wanted))
    if not found:
        raise InputError(
            f"IT Glue has no contact type named {quoted(wanted)} (option {option}).",
            hint=f"It has: {', '.join(sorted(each.name for each in present)) or 'none'}.",
        )
    return found[0]


def draft(snapshot: Snapshot, options: Options) -> Draft:
    """Select the users and match all of them.

    Raises InputError where no user was read or none is kept, and for bad overrides.
    """
    rule = exclusion_rule(snapshot.office365, snapshot.members)
    excluded = {user.id: reason for user in snapshot.users if (reason := rule(user))}
    kept = frozenset([user.id for user in snapshot.users if user.id not in excluded])
    if not options.allow_shrunken_source:
        _check_source(snapshot, excluded, kept)
    matching = match(snapshot.users, kept, snapshot.contacts, options.match_overrides, snapshot.office365.primary_email)
    for user in snapshot.users if matching.ignored else ():
        if user.id in kept and user.id in matching.ignored:
            excluded[user.id] = OVERRIDDEN
    warnings = list(matching.warnings)
    warnings.extend(_choose(snapshot, options, excluded))
    warnings.extend(_microsoft_adapters(snapshot.contacts))
    contacts = {contact.id: contact for contact in snapshot.contacts}
    return Draft(snapshot, options, excluded, matching, kept, contacts, warnings)


def _check_source(snapshot: Snapshot, excluded: Mapping[str, str], kept: frozenset[str]) -> None:
    lift = "Set allow_shrunken_source: true if this is right."
    if not snapshot.users:
        raise InputError(
            f"The tenant {snapshot.tenant_id} of the organization {quoted(snapshot.organization.name)} has no users.",
            hint=f"Check tenant_id and what the app registration may read. {lift}",
        )
    if not kept:
        counts = Counter(excluded.values())
        told = ", ".join(f"{reason}: {counts[reason]}" for reason in REASONS if counts[reason])
        raise InputError(
            f"The user filter leaves out all {len(snapshot.users)} users of the tenant {snapshot.tenant_id} "
            f"of the organization {quoted(snapshot.organization.name)} ({told}).",
            hint=f"Correct user_filter in office365_sync_settings. {lift}",
        )


def _choose(snapshot: Snapshot, options: Options, excluded: dict[str, str]) -> Iterable[str]:
    """Leave out whom the option `users` does not name; matching has seen them all the same."""
    if options.users is None:
        return
    wanted = {address(each) for each in options.users}
    known = set()
    for user in snapshot.users:
        keys = {address(user.username), address(user.id)}
        known |= keys
        if wanted.isdisjoint(keys):
            excluded.setdefault(user.id, NOT_CHOSEN)
    for each in sorted(wanted - known):
        yield f"The option users names {quoted(each)}, whom the tenant does not have."


def _microsoft_adapters(contacts: Iterable[Contact]) -> Iterable[str]:
    count = sum(
        any("microsoft" in each.kind.casefold() for each in contact.adapters)
        for contact in contacts
        if contact.adapters
    )
    if count:
        yield (
            f"IT Glue's own Microsoft integration writes to {count} of the organization's contacts too. RunLock its "
            "contact sync off for this tenant, or set primary_email: username in office365_sync_settings."
        )


def by_username(operation: Operation) -> tuple[str, str]:
    """What operations are sorted by wherever a person sees them."""
    return address(operation.user), operation.user_id


# -------------------------------------------------------------- what is written


@dataclass(slots=True)
class _Writer:
    draft: Draft
    locations: Sequence[Location]
    contact_type_id: int | None

    def operation(self, user: User) -> Operation:
        """What becomes of the user's contact, and why."""
        draft, matching = self.draft, self.draft.matching
        contact_id, rule = matching.matches.get(user.id, (None, None))
        operation = Operation(
            user.username, user.id, UNCHANGED, contact_id, matched_by=rule, before=NOTHING, after=NOTHING
        )
        if user.id in draft.excluded:
            operation.action, operation.reason = EXCLUDED, draft.excluded[user.id]
        elif conflict := matching.conflicted.get(user.id):
            others = [each for each in conflict.users if each != user.username]
            operation.action = CONFLICT
            operation.reason = _conflict_reason(conflict.rule, others, conflict.contact_ids)
        elif contact_id is None:
            self._create(operation, user)
        else:
            self._update(operation, user, draft.contacts[contact_id])
        return operation

    def _create(self, operation: Operation, user: User) -> None:
        wanted = self._enriched(user, None)
        if not wanted.emails:
            operation.action = FAILED
            operation.reason = "The user has no e-mail address, so a contact made for it could not be found again."
            return
        operation.action, operation.contact = CREATE, wanted
        operation.after = {key: value for key, value in encode(wanted).items() if value not in (None, [])}
        self._ready(operation, wanted)

    def _update(self, operation: Operation, user: User, contact: Contact) -> None:
        if found := self.draft.matching.settled_new.get(user.id):
            operation.reason = f"Contact {found} holds the primary address already: put {found} in the place of 'new'."
            operation.attention = True
        link = self.draft.link(contact)
        if link:
            self._linked(operation, contact, link)
            if not self.draft.options.update_linked:
                return
        wanted = self._enriched(user, contact)
        fields = changed_fields(contact, wanted) if wanted is not contact else ()
        if fields:
            operation.action = UPDATE
            operation.before, operation.after = encode(contact, fields), encode(wanted, fields)
        if fields or not link:
            operation.contact = wanted
        if not link:
            self._ready(operation, wanted)

    def _linked(self, operation: Operation, contact: Contact, link: str) -> None:
        operation.action = LINKED
        operation.bms_contact_id = bms_lookup.linked_bms_id(contact, self.draft.options.bms_adapter_names)
        if link != "linked":
            operation.reason = operation.also(f"The contact's link to BMS is {link} in IT Glue.")
            operation.attention = True

    def _enriched(self, user: User, contact: Contact | None) -> Contact:
        return enriched(user, contact, self.draft.snapshot.office365, self.locations, self.contact_type_id)

    def _ready(self, operation: Operation, wanted: Contact) -> None:
        """What keeps the contact from a push, if anything does."""
        if not self.draft.snapshot.bms.pushes:
            operation.push = OFF
        elif lacking := missing(wanted):
            operation.push, operation.missing = NOT_READY, lacking
        else:
            operation.push = UNDECIDED


def _other_holders(gained: Mapping[str, frozenset[str]], users: Iterable[User]) -> dict[str, set[str]]:
    """Address to the usernames of those who hold it, for addresses that a contact gains and
    that somebody else holds too."""
    wanted = {value: user_id for user_id, values in gained.items() for value in values}
    holders: dict[str, set[str]] = defaultdict(set)
    several = set()
    unwanted = wanted.keys().isdisjoint
    for user in users if wanted else ():
        username = address(user.username)
        if username not in wanted and unwanted(smtp_keys(user)):
            continue
        for value in (*smtp_keys(user), username):
            if value in wanted:
                holders[value].add(user.username)
                if wanted[value] != user.id:
                    several.add(value)
    return {value: holders[value] for value in several}


def _withdrawn(operation: Operation, holders: Mapping[str, set[str]]) -> Operation:
    shared = sorted(contact_addresses(operation.wanted) & holders.keys())
    others = sorted({user for value in shared for user in holders[value]} - {operation.user})
    which = f"the address {', '.join(shared)} with {', '.join(others)}" if others else "an address with others"
    return replace(
        operation,
        action=FAILED,
        push=None,
        missing=(),
        before={},
        after={},
        contact=None,
        reason=f"The user shares {which}, so the next run could not match the contact again. "
        "Correct that in Microsoft 365, or settle it with match_overrides.",
    )


def _conflict_reason(rule: str, others: Sequence[str], contact_ids: Sequence[int]) -> str:
    if rule == OVERRIDE and others:
        return f"'new' cannot tell the user from {', '.join(others)}: they have the same primary address."
    words = {"alias": "an e-mail address", "username": "the username", "name": "first and last name"}
    by = words.get(rule, "the primary address")
    hits = f"contacts {', '.join(map(str, contact_ids))}" if len(contact_ids) > 1 else f"contact {contact_ids[0]}"
    shared = f", and so do {', '.join(others)}" if len(others) > 1 else f", and so does {others[0]}" if others else ""
    return f"The user matches {hits} by {by}{shared}. Settle it with match_overrides."


# ------------------------------------------------------------- push and exceeded_limits


def push_candidates(operations: Iterable[Operation]) -> list[Operation]:
    """The operations whose contact is new or unlinked, and ready: BMS has to be read for them."""
    return [operation for operation in operations if operation.push == UNDECIDED]


def needs_bms(drafted: Draft, operations: Sequence[Operation], leavers: Leavers, types: ContactTypes) -> bool:
    """Whether anybody has to be looked for in BMS.

    Raises InputError for a shrunken source.
    """
    if push_candidates(operations) or drafted.followed(operations):
        return True
    if not drafted.snapshot.bms.contact_sync:
        return False
    # Who left is looked for again when the plan is completed: only where it can matter here too.
    return bool(drafted.returned(operations, types)) or (
        drafted.options.deactivate and any(each.action == DEACTIVATE for each in drafted.departures(leavers))
    )


def complete(
    drafted: Draft,
    operations: Sequence[Operation],
    bms: BmsSnapshot | None = None,
    unread: str | None = None,
    leavers: Leavers | None = None,
    types: ContactTypes = ContactTypes(),
) -> Plan:
    """Decide the pushes and what is done about leavers, and check the exceeded_limits.

    `bms` is None where nobody needs it, or where BMS could not be read: then `unread` says why,
    and every push is deferred. An incomplete read never means "not there".
    Raises InputError for a ceiling that is no number and no percentage, and for a shrunken source.
    """
    leavers = leavers or Leavers()
    conflicts, warnings = list(drafted.matching.conflicts), [*drafted.warnings, *leavers.warnings]
    found = drafted.departures(leavers)
    returned = drafted.returned(operations, types)
    theirs = _counterparts(drafted, found, bms) if found or returned else None
    if returned and not unread:
        back = {each.user_id: _back_in_place(drafted, each, theirs, types) for each in returned}
        operations = [back.get(each.user_id, each) for each in operations]
    candidates = push_candidates(operations)
    if candidates and bms is None:
        deferred = {
            each.user_id: bms_lookup.held_back(
                replace(each, push=DEFERRED, reason=unread), drafted.snapshot.bms.push_method
            )
            for each in candidates
        }
        operations = [deferred.get(each.user_id, each) for each in operations]
        warnings.append(f"{len(candidates)} pushes are deferred: {unread}")
    elif candidates and bms is not None:
        decisions = bms_lookup.decide(
            candidates,
            bms,
            method=drafted.snapshot.bms.push_method,
            users=drafted.snapshot.users,
            contacts=drafted.snapshot.contacts,
            adapter_names=drafted.options.bms_adapter_names,
            read_at=drafted.snapshot.read_at,
        )
        decided = iter(decisions.operations)
        operations = [next(decided) if each.push == UNDECIDED else each for each in operations]
        conflicts += decisions.conflicts
    operations = sorted(operations, key=by_username)
    if bms is not None:
        warnings += bms_lookup.namesakes(operations, drafted.snapshot.contacts)
    # A walk through all of them for the few that leave, or follow Microsoft 365 in BMS.
    sought = _sought(operations, conflicts) if found or drafted.options.update_linked else {}
    departed, deactivations = _deactivations(drafted, found, theirs, unread, types, sought)
    if unread and (deactivations or returned):
        warnings.append(f"{len(deactivations)} deactivations and {len(returned)} returns are deferred: {unread}")
    if bms is not None:
        operations = _followed_in_bms(drafted, operations, bms, sought)
    elif unread and (followed := drafted.followed(operations)):
        warnings.append(f"{len(followed)} linked contacts are not compared with BMS: {unread}")
    return Plan(
        operations=tuple(operations),
        departed=tuple(departed),
        deactivations=tuple(deactivations),
        unclaimed=tuple(_unclaimed(drafted, leavers) if leavers.domains else ()),
        conflicts=tuple(sorted(conflicts, key=lambda each: (each.users, each.rule, each.bms_contact_ids))),
        account=bms.account if bms else None,
        passed=tuple(exceeded_limits([*operations, *deactivations], drafted.kept, drafted.options)),
        warnings=tuple(warnings),
    )


def _unclaimed(drafted: Draft, leavers: Leavers) -> Sequence[Unclaimed]:
    return unclaimed(drafted.bystanders, drafted.snapshot.users, leavers.deleted, leavers.domains)


def _sought(operations: Iterable[Operation], conflicts: Iterable[Conflict]) -> dict[int, str]:
    """The BMS contacts that the look-up found, with the users whose they could be."""
    found = {each.bms_contact_id or 0: each.user for each in operations if each.push == ALREADY_IN_BMS}
    return found | {bms_id: ", ".join(each.users) for each in conflicts for bms_id in each.bms_contact_ids}


def _counterparts(
    drafted: Draft, departed: Iterable[Departure], bms: BmsSnapshot | None
) -> offboarding.Counterparts | None:
    """Whose the BMS contacts are, where they have been read."""
    if bms is None:
        return None
    gone = {each.contact_id for each in departed if each.action != KEEP}
    stay = [contact for contact in drafted.snapshot.contacts if contact.id not in gone]
    users = [user for user in drafted.snapshot.users if user.id in drafted.kept_users]
    return offboarding.Counterparts(bms.contacts, users, stay, drafted.options.bms_adapter_names)


def _deactivations(
    drafted: Draft,
    found: Iterable[Departure],
    theirs: offboarding.Counterparts | None,
    unread: str | None,
    types: ContactTypes,
    sought: Mapping[int, str],
) -> tuple[list[Departure], list[Operation]]:
    """The departures with what is done about them, and the writes that it takes."""
    departed, operations = [], []
    for departure in found:
        operation = None
        if departure.action == DEACTIVATE and types.departed is not None:
            contact = drafted.contacts[departure.contact_id]
            there = theirs.of(contact) if theirs else None
            done, operation = offboarding.deactivation(departure, contact, types.departed, there)
            if reason := unread or (operation and _not_yet(drafted, operation, contact, sought)):
                operation = offboarding.put_off(departure, contact, reason)
            else:
                departure = done
        departed.append(departure)
        operations += [operation] if operation else []
    return departed, operations


def _not_yet(drafted: Draft, operation: Operation, contact: Contact, sought: Mapping[int, str]) -> str | None:
    """Why a contact cannot be deactivated in this run."""
    bms_id = operation.bms_contact_id or bms_lookup.linked_bms_id(contact, drafted.options.bms_adapter_names)
    if bms_id is not None and bms_id in sought:
        return bms_update.could_be(bms_id, sought[bms_id])
    if operation.action == UPDATE and _pushed_once_written(drafted, contact):
        return _WOULD_BE_PUSHED
    return None


def _followed_in_bms(
    drafted: Draft, operations: Sequence[Operation], bms: BmsSnapshot, sought: Mapping[int, str]
) -> list[Operation]:
    """The operations with the BMS contacts of linked contacts brought up to date too."""
    pairs = drafted.pairs(operations, bms)
    if not pairs:
        return list(operations)
    created = [each.create_in_bms for each in operations if each.create_in_bms is not None]
    followed = bms_update.follow(pairs, bms, created, sought)
    return [followed.get(each.user_id, each) for each in operations]


_WOULD_BE_PUSHED = "Any write would make IT Glue push the contact to BMS. Link it to a BMS contact first."


def _pushed_once_written(drafted: Draft, contact: Contact) -> bool:
    """Whether IT Glue's own two-way sync would make a BMS contact of somebody who left."""
    native = drafted.snapshot.bms.push_method == bms_lookup.NATIVE
    return native and not drafted.link(contact) and not missing(contact)


def _back_in_place(
    drafted: Draft, operation: Operation, theirs: offboarding.Counterparts | None, types: ContactTypes
) -> Operation:
    """The operation of somebody who is back with its contact brought back too."""
    contact = drafted.contacts[operation.contact_id or 0]
    there = theirs.of(contact, operation.user_id) if theirs else None
    return offboarding.reactivation(operation, contact, types.new, there)


def exceeded_limits(operations: Sequence[Operation], kept: int, options: Options) -> Iterable[ExceededLimit]:
    """The exceeded_limits that the operations pass (feature, section 6)."""
    changing = [each for each in operations if each.writes or each.push == PENDING]
    for option, given, counted in (
        ("max_creates", options.max_creates, lambda each: each.action == CREATE),
        ("max_updates", options.max_updates, _updates),
        ("max_pushes", options.max_pushes, _makes_bms_contact),
        ("max_deactivations", options.max_deactivations or MAX_DEACTIVATIONS, _deactivates),
    ):
        limit = allowed(option, given, kept)
        count = sum(map(counted, changing))
        if count > limit:
            yield ExceededLimit(option, count, limit)


def _deactivates(operation: Operation) -> bool:
    return operation.user_id.startswith(DEPARTED) and operation.writes


def _updates(operation: Operation) -> bool:
    return (operation.action == UPDATE or operation.sets_in_bms) and not _deactivates(operation)


def _makes_bms_contact(operation: Operation) -> bool:
    """Under `native` it is IT Glue that makes one, of what is written to it."""
    return operation.push == PUSHED or (operation.push == PENDING and operation.action in (CREATE, UPDATE))


def allowed(option: str, given: str | None, kept: int) -> int:
    """How many changes a ceiling allows: a number, a percentage of the kept users rounded
    down, or, not given, the larger of 25 and 50 %."""
    if given is None or not given.strip():
        return max(25, kept // 2)
    value = given.strip()
    number = value.removesuffix("%").strip()
    if not number.replace(".", "", 1).isdecimal() or not number.isascii() or ("." in number and number == value):
        raise InputError(
            f"{option} is {quoted(given)}, which is neither a number nor a percentage.",
            hint="Write it as 100 or as '20%'; 0 allows none.",
        )
    return int(Fraction(number) * kept / 100) if value.endswith("%") else int(number)

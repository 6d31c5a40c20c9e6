# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Pushing ready contacts to BMS: the look-up and what follows from it (feature, section 5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from .account import is_bms
from .attributes import EMAILS, encode
from .errors import quoted
from .matching import IGNORE, Conflict, by_key, connected, found_under, repeated
from .model import BmsContact, BmsEmail, BmsLocation, BmsPhone, BmsSnapshot, Contact, User
from .phones import PLACEHOLDER, is_placeholder
from .plan import ALREADY_IN_BMS, CONFLICT, CREATE, DEFERRED, FAILED, PENDING, PUSHED, UNCHANGED, UPDATE, Operation
from .text import (
    NAMES_OF_CONTACT,
    FullName,
    address,
    bearers,
    contact_addresses,
    email_keys,
    folded,
    full_name,
    is_blank,
    smtp_keys,
    text,
)

EMAIL_RULE, NAME_RULE = "bms_email", "bms_name"
NATIVE = "native"

TOUCHED_AGAIN = 24 * 3600.0
"""Seconds after which a complete contact without a link is saved again."""

_TOUCHED = ("first-name", EMAILS)
"""What is sent to save a contact as it is: a contact that is ready has both."""

_WAITING = "IT Glue has not linked the contact to BMS yet. It is saved again by a run a day after its last change."
_TOUCHES = "The contact is complete already: saved again so that IT Glue pushes it."


@dataclass(slots=True)
class Decisions:
    """The candidates' operations with their push decided, in their order, and the conflicts."""

    operations: list[Operation] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(slots=True)
class _LookUp:
    """What was found for each candidate, in their order. `by_name` are the users who were found so,
    not by an address; `namesakes`, by user, bear the person's name, but somebody else's address."""

    found: list[tuple[BmsContact, ...]] = field(default_factory=list)
    by_name: set[str] = field(default_factory=set)
    namesakes: dict[str, tuple[BmsContact, ...]] = field(default_factory=dict)


def decide(
    candidates: Sequence[Operation],
    bms: BmsSnapshot,
    *,
    method: str,
    users: Collection[User],
    contacts: Collection[Contact],
    adapter_names: Collection[str],
    read_at: float = 0.0,
) -> Decisions:
    """Look each candidate up in the account's BMS contacts and decide its push.

    `users` and `contacts` are all of the tenant and of the organization: an address that
    somebody else holds, or a BMS contact that is somebody else's link, is not the candidate's.
    `read_at` is when they were read, in seconds since the epoch.
    """
    links = bms_links(contacts, adapter_names)
    hits = _look_up(candidates, bms.contacts, People(users, contacts))
    claims = _claims(candidates, hits, links, method)
    result = Decisions()
    for operation, found in zip(candidates, hits.found, strict=True):
        user_id = operation.user_id
        claim = claims.get(user_id)
        if method == NATIVE and user_id in hits.namesakes:
            conflict, reason = _would_pair(operation, hits.namesakes[user_id])
            result.conflicts.append(conflict)
            decided = held_back(replace(operation, push=CONFLICT, reason=reason), method)
        elif claim and (blocked := _conflict(operation, found, claim, links)):
            conflict, reason = blocked
            if conflict not in result.conflicts:
                result.conflicts.append(conflict)
            decided = held_back(replace(operation, push=CONFLICT, reason=reason), method)
        elif found:
            by = "first and last name" if user_id in hits.by_name else "an e-mail address"
            decided = _in_bms(operation, found[0], by, method)
        else:
            decided = _left_to_it_glue(operation, read_at) if method == NATIVE else _new_in_bms(operation, bms)
        result.operations.append(decided)
    return result


def not_in_bms(
    candidates: Sequence[Operation],
    bms_contacts: Collection[BmsContact],
    users: Collection[User],
    contacts: Collection[Contact],
) -> list[Operation]:
    """The candidates that the look-up does not find."""
    hits = _look_up(candidates, bms_contacts, People(users, contacts))
    return [each for each, found in zip(candidates, hits.found, strict=True) if not found]


def look_up(
    candidates: Sequence[Operation],
    bms_contacts: Collection[BmsContact],
    users: Collection[User],
    contacts: Collection[Contact],
) -> dict[str, tuple[BmsContact, ...]]:
    """The BMS contacts that could be each candidate, by user id."""
    hits = _look_up(candidates, bms_contacts, People(users, contacts))
    return {each.user_id: found for each, found in zip(candidates, hits.found, strict=True)}


def bms_links(contacts: Iterable[Contact], adapter_names: Collection[str]) -> dict[int, int]:
    """BMS contact id to the id of the IT Glue contact that is linked to it."""
    return {
        bms_id: contact.id
        for contact in contacts
        if contact.adapters and (bms_id := linked_bms_id(contact, adapter_names)) is not None
    }


def linked_bms_id(contact: Contact, adapter_names: Collection[str]) -> int | None:
    """The id of the BMS contact that a contact is linked to, where IT Glue tells it."""
    for adapter in contact.adapters:
        if is_bms(adapter, adapter_names) and adapter.remote_number is not None:
            return adapter.remote_number
    return None


# --------------------------------------------------------------------- look-up


class People:
    """Who holds which address: users by id, contacts by number."""

    def __init__(self, users: Collection[User], contacts: Collection[Contact]) -> None:
        self._users = users
        self._contacts = contacts

    @cached_property
    def _holders(self) -> Mapping[str, set[str | int | None]]:
        holders: dict[str, set[str | int | None]] = defaultdict(set)
        for user in self._users:
            for value in (*smtp_keys(user), address(user.username)):
                holders[value].add(user.id)
        for contact in self._contacts:
            for value in contact_addresses(contact):
                holders[value].add(contact.id)
        return holders

    def others_hold(self, addresses: Iterable[str], user_id: str, contact_id: int | None) -> bool:
        """Whether anybody but the user and the contact holds one of the addresses."""
        own = {user_id, contact_id}
        return any(self._holders.get(value, set()) - own for value in addresses)


def _look_up(candidates: Sequence[Operation], bms_contacts: Collection[BmsContact], people: People) -> _LookUp:
    """By any e-mail; who is not found so, by first and last name."""
    by_address = by_key(bms_contacts, map(bms_email_keys, bms_contacts))
    result = _LookUp()
    names: dict[str, FullName] = {}
    for operation in candidates:
        contact = operation.wanted
        found = found_under(email_keys(contact), by_address)
        result.found.append(_in_order(found))
        if not found and (own := full_name(contact.first_name, contact.last_name)):
            names[operation.user_id] = own

    by_name: dict[FullName, list[BmsContact]] = defaultdict(list)
    for own, each in bearers(set(names.values()), bms_contacts, NAMES_OF_CONTACT) if names else ():
        by_name[own].append(each)
    for number, operation in enumerate(candidates if by_name else ()):
        if namesakes := by_name.get(names.get(operation.user_id, ("", ""))):
            who = operation.user_id, operation.contact_id
            if own_ones := [each for each in namesakes if not people.others_hold(bms_addresses(each), *who)]:
                result.found[number] = _in_order(own_ones)
                result.by_name.add(operation.user_id)
            else:
                result.namesakes[operation.user_id] = _in_order(namesakes)
    return result


def _in_order(contacts: Sequence[BmsContact]) -> tuple[BmsContact, ...]:
    """By their ids, each once."""
    if len(contacts) < 2:
        return tuple(contacts)
    return tuple(each for dummy, each in sorted({each.id: each for each in contacts}.items()))


def bms_email_keys(contact: BmsContact) -> list[str]:
    """Each e-mail of a BMS contact in the form in which they are compared."""
    return [entry.address.strip().casefold() for entry in contact.emails]


def bms_addresses(contact: BmsContact) -> frozenset[str]:
    """All addresses of a BMS contact, in the form in which they are compared."""
    return frozenset(filter(None, bms_email_keys(contact)))


class _Claim(NamedTuple):
    """The candidates who claim the same BMS contacts, and what else makes them one person there:
    addresses, and names, that somebody who is not in BMS yet shares with another."""

    rule: str
    operations: tuple[Operation, ...]
    bms_ids: tuple[int, ...]
    addresses: frozenset[str]
    shared: bool


def _claims(candidates: Sequence[Operation], hits: _LookUp, links: Mapping[int, int], method: str) -> dict[str, _Claim]:
    """User id to claim, but for those that are clear: one candidate, one BMS contact that nobody is linked to."""
    shared = _shared_marks(candidates, hits, method)
    bms_ids = [each.id for found in hits.found for each in found]
    contested = shared.union(repeated(bms_ids), links.keys() & bms_ids)
    claimed: dict[str, list[Hashable]] = {}
    by_id: dict[str, Operation] = {}
    found_by_address = set()
    for operation, found in zip(candidates, hits.found, strict=True):
        own: list[Hashable] = [each.id for each in found]
        if shared:
            own += shared.intersection(_marks(operation.wanted, method))
        if len(own) > 1 or not contested.isdisjoint(own):
            user_id = operation.user_id
            claimed[user_id], by_id[user_id] = own, operation
            if found and user_id not in hits.by_name:
                found_by_address.add(user_id)
    claims: dict[str, _Claim] = {}
    for user_ids, claim in connected(claimed):
        operations = sorted((by_id[each] for each in user_ids), key=lambda each: (each.user, each.user_id))
        addresses = frozenset(each for each in claim if isinstance(each, str))
        by_address = addresses or not found_by_address.isdisjoint(user_ids)
        together = _Claim(
            rule=EMAIL_RULE if by_address else NAME_RULE,
            operations=tuple(operations),
            bms_ids=tuple(sorted(each for each in claim if isinstance(each, int))),
            addresses=addresses,
            shared=not shared.isdisjoint(claim),
        )
        claims |= dict.fromkeys(user_ids, together)
    return claims


def _shared_marks(candidates: Iterable[Operation], hits: _LookUp, method: str) -> frozenset[Hashable]:
    """The marks that somebody who is not in BMS yet shares with another candidate."""
    marks = [_marks(each.wanted, method) for each in candidates]
    new = [own for own, found in zip(marks, hits.found, strict=True) if not found]
    sought = frozenset(chain.from_iterable(new)) - {""}
    held = [mark for own in marks if not sought.isdisjoint(own) for mark in sought.intersection(own)]
    return frozenset(repeated(held))


def _marks(contact: Contact, method: str) -> tuple[Hashable, ...]:
    """What two contacts must not share that BMS is to hold as two: addresses, and under `native`
    the full name too, by which alone IT Glue pairs."""
    addresses = email_keys(contact)
    own = full_name(contact.first_name, contact.last_name) if method == NATIVE else None
    return (*addresses, own) if own else addresses


def _conflict(
    operation: Operation, found: Sequence[BmsContact], claim: _Claim, links: Mapping[int, int]
) -> tuple[Conflict, str] | None:
    """Why the push cannot be decided, as a conflict and a sentence; None where it is clear."""
    linked = {links[each] for each in claim.bms_ids if each in links} - {operation.contact_id}
    others = ", ".join(each.user for each in claim.operations if each.user_id != operation.user_id)
    own = ", ".join(str(each.id) for each in found)
    if len(found) > 1:
        reason = f"Several BMS contacts could be this person: {own}. Merge them in BMS."
    elif others and own:
        reason = f"BMS contact {own} could also be {others}. Separate their addresses or names in BMS."
    elif others:
        both = claim.addresses & contact_addresses(operation.wanted)
        what = f"the address {', '.join(sorted(both))}" if both else "first and last name"
        reason = f"The contact shares {what} with {others}: as two, BMS would hold one person twice. Separate them."
    elif linked:
        reason = f"BMS contact {own} is linked to the IT Glue contact {min(linked)}. Correct one of the two."
    else:
        return None
    members = {each.contact_id for each in claim.operations if each.contact_id is not None and claim.shared}
    users = tuple(each.user for each in claim.operations)
    conflict = Conflict(
        rule=claim.rule,
        users=users,
        contact_ids=tuple(sorted(linked | members)),
        bms_contact_ids=claim.bms_ids,
        overrides=dict.fromkeys(users, IGNORE),
    )
    return conflict, reason


def _would_pair(operation: Operation, namesakes: Iterable[BmsContact]) -> tuple[Conflict, str]:
    """IT Glue pairs by account, first and last name alone, whoever's address the BMS contact has."""
    ids = tuple(each.id for each in namesakes)
    conflict = Conflict(NAME_RULE, (operation.user,), (), ids, {operation.user: IGNORE})
    listed = ", ".join(map(str, ids))
    return conflict, f"IT Glue would pair the contact with BMS contact {listed}, who bears the name but is another."


def held_back(operation: Operation, method: str) -> Operation:
    """Under `native` nothing is written to IT Glue either: each write makes it push."""
    if method != NATIVE:
        return operation
    action = DEFERRED if operation.push == DEFERRED else UNCHANGED
    return replace(operation, action=action, before={}, after={})


def _in_bms(operation: Operation, found: BmsContact, by: str, method: str) -> Operation:
    stays_inactive = not found.active and not operation.active
    state = " It is inactive there and stays so." if stays_inactive else ""
    decided = operation.copy()
    decided.push, decided.bms_contact_id = ALREADY_IN_BMS, found.id
    decided.reason = operation.also(f"BMS contact {found.id} is this person, by {by}.{state}")
    decided.attention = operation.attention or stays_inactive
    if method == NATIVE:
        reason = f"{decided.reason} Link the two in IT Glue: a write would make it push a second one."
        return held_back(replace(decided, reason=reason, attention=True), method)
    if is_blank(found.job_title) and not is_blank(operation.wanted.title):
        decided.job_title = text(operation.wanted.title)
    return decided


# ---------------------------------------------------------------------- create


def _left_to_it_glue(operation: Operation, read_at: float) -> Operation:
    """Under `native`: IT Glue pushes what is written to it.

    A contact that was complete before is saved as it is, but not again within a day: by the time
    of its last change the next run knows that it was saved, and changes nothing.
    """
    pending = replace(operation, push=PENDING)
    if operation.action != UNCHANGED:
        return replace(pending, reason=operation.also("IT Glue pushes the contact once it is written."))
    if not _saved_before(operation.wanted, read_at - TOUCHED_AGAIN):
        return replace(pending, reason=operation.also(_WAITING))
    present = encode(operation.wanted, _TOUCHED)
    return replace(pending, action=UPDATE, before=present, after=present, reason=operation.also(_TOUCHES))


def _saved_before(contact: Contact, moment: float) -> bool:
    """Whether a contact was last saved before `moment`; never where IT Glue does not tell."""
    try:
        saved = datetime.fromisoformat(contact.updated_at or "")
    except ValueError:
        return False
    return (saved if saved.tzinfo else saved.replace(tzinfo=UTC)).timestamp() < moment


def _new_in_bms(operation: Operation, bms: BmsSnapshot) -> Operation:
    decided = operation.copy()
    place = bms_location(operation.wanted, bms.locations)
    if place is None:
        decided.push = FAILED
        decided.reason = operation.also(
            f"The BMS account {bms.account.id} has neither a location named "
            f"{quoted(operation.wanted.location_name)} nor a main one. Add it in BMS."
        )
        return decided
    decided.push, decided.create_in_bms = PUSHED, bms_contact(operation.wanted, bms, place)
    if any(entry.extension for entry in operation.wanted.phones):
        decided.reason = operation.also("BMS has no phone extensions: dropped there.")
    return decided


def bms_location(contact: Contact, locations: Sequence[BmsLocation]) -> BmsLocation | None:
    """The account's location of the same name, else its main one."""
    wanted = folded(contact.location_name)
    same = [place for place in locations if wanted and folded(place.name) == wanted]
    main = [place for place in locations if place.main]
    return min(same or main, key=lambda place: place.id, default=None)


def bms_contact(contact: Contact, bms: BmsSnapshot, place: BmsLocation) -> BmsContact:
    """The contact as BMS takes it: all e-mails and phones, primary as default; no faxes."""
    email_type, phone_type = bms.types
    return BmsContact(
        id=0,
        account_id=bms.account.id,
        location_id=place.id,
        first_name=text(contact.first_name),
        last_name=text(contact.last_name) or None,
        job_title=text(contact.title) or None,
        emails=tuple(
            BmsEmail(entry.value.strip(), email_type.id, email_type.name, entry.primary) for entry in contact.emails
        ),
        phones=tuple(
            BmsPhone(
                PLACEHOLDER if is_placeholder(entry.value) else entry.value,
                phone_type.id,
                phone_type.name,
                entry.primary,
            )
            for entry in contact.phones
            if entry.kind != "fax"
        ),
    )


def namesakes(operations: Sequence[Operation], contacts: Iterable[Contact]) -> Iterable[str]:
    """Warnings of pushes whose name is not unique among the contacts as they become.

    The pull of IT Glue pairs by name alone (BMS field mapping, "Matching").
    """
    pushed = [operation for operation in operations if operation.push in (PUSHED, PENDING)]
    if not pushed:
        return
    written = {each.contact_id or each.user_id: each.wanted for each in operations if each.action in (CREATE, UPDATE)}
    becomes = chain((contact for contact in contacts if contact.id not in written), written.values())
    names = [full_name(operation.wanted.first_name, operation.wanted.last_name) for operation in pushed]
    held = Counter(own for own, dummy in bearers({own for own in names if own}, becomes, NAMES_OF_CONTACT))
    for operation, own in zip(pushed, names, strict=True):
        if own and held[own] > 1:
            yield (
                f"{operation.user}: the name {operation.wanted.first_name} {operation.wanted.last_name} is not "
                "unique in the organization. IT Glue pairs BMS contacts by name alone: check its link after the "
                "next sync."
            )

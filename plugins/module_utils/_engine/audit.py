# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What to look at before the first run of a client (feature, section 7).

The vendor warns of it: IT Glue cannot see BMS contacts that never reached it, so whoever is
in BMS already may end up there twice. This looks at both sides, and says what the rules of
the sync would make of them. Nothing is decided here that the sync decides otherwise: its own
functions are asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from . import bms_lookup
from .departed import user_addresses
from .matching import Conflict
from .model import BmsContact, BmsEmail, BmsPhone, BmsSnapshot, BmsType, Contact, Location, Snapshot, User
from .plan import FAILED, Operation
from .planning import Draft, by_username, push_candidates
from .text import contact_addresses, full_name, name

ADDRESS, NAME = "address", "name"

_NO_TYPE = BmsType(0, "")

Side = TypeVar("Side", Contact, BmsContact)


@dataclass(frozen=True, slots=True)
class BmsOnly:
    """A BMS contact that IT Glue does not have. `users` are those of Microsoft 365 that it may be."""

    contact: BmsContact
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Contacts of one side that share an address, or first and last name."""

    by: str
    value: str
    contact_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unready:
    """A user whose contact would not be written, or would not be pushed, and why."""

    user: str
    contact_id: int | None
    missing: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class LackedLocation:
    """A location of IT Glue whose name BMS does not have, and how many contacts are there."""

    location: Location
    contacts: int


@dataclass(frozen=True, slots=True)
class TypeInUse:
    """An e-mail or phone type of BMS, and how many contacts have it."""

    type: BmsType
    contacts: int


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings, each list in a fixed order. Those that need BMS are empty where it was not read."""

    bms_only: tuple[BmsOnly, ...]
    itglue_duplicates: tuple[Duplicate, ...]
    bms_duplicates: tuple[Duplicate, ...]
    conflicts: tuple[Conflict, ...]
    not_ready: tuple[Unready, ...]
    lacked_locations: tuple[LackedLocation, ...]
    email_types: tuple[TypeInUse, ...]
    phone_types: tuple[TypeInUse, ...]
    microsoft_contacts: tuple[Contact, ...]


def as_if_pushing(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the three BMS switches on: the audit asks what would be."""
    bms = replace(
        snapshot.bms, contact_sync=True, two_way_sync=True, auto_push_office365_contacts=True, push_method="direct"
    )
    return replace(snapshot, bms=bms)


def audit(
    drafted: Draft, operations: Sequence[Operation], locations: Iterable[Location], bms: BmsSnapshot | None
) -> Audit:
    """What is found. `drafted` is of a snapshot `as_if_pushing`; `bms` is None where it could not be read."""
    snapshot = drafted.snapshot
    contacts = sorted(snapshot.contacts, key=_by_id)
    known = sorted(bms.contacts, key=_by_id) if bms else []
    links = bms_lookup.bms_links(contacts, drafted.options.bms_adapter_names)
    unready = [each for each in operations if each.missing or each.action == FAILED]
    conflicts = [*drafted.matching.conflicts, *(_push_conflicts(drafted, operations, bms) if bms else ())]
    return Audit(
        bms_only=tuple(_bms_only(known, contacts, snapshot.users, links)),
        itglue_duplicates=tuple(_duplicates(contacts, contact_addresses)),
        bms_duplicates=tuple(_duplicates(known, bms_lookup.bms_addresses)),
        conflicts=tuple(sorted(conflicts, key=lambda each: (each.users, each.rule, each.bms_contact_ids))),
        not_ready=tuple(
            Unready(each.user, each.contact_id, each.missing, each.reason) for each in sorted(unready, key=by_username)
        ),
        lacked_locations=tuple(_lacked(locations, contacts, bms)) if bms else (),
        email_types=_in_use(each.emails for each in known),
        phone_types=_in_use(each.phones for each in known),
        microsoft_contacts=tuple(
            each for each in contacts if any("microsoft" in adapter.kind.casefold() for adapter in each.adapters)
        ),
    )


def _by_id(contact: Contact | BmsContact) -> int:
    return contact.id


def _bms_only(
    known: Iterable[BmsContact], contacts: Collection[Contact], users: Iterable[User], links: Collection[int]
) -> Iterable[BmsOnly]:
    """The BMS contacts that no IT Glue contact is linked with, or shares an address or both names with."""
    addresses = frozenset().union(*map(contact_addresses, contacts))
    names = {full_name(each.first_name, each.last_name) for each in contacts} - {None}
    holders: dict[object, set[str]] = defaultdict(set)
    for user in users:
        for key in (*user_addresses(user), full_name(user.given_name, user.surname)):
            holders[key].add(user.username)
    for contact in known:
        own, held = full_name(contact.first_name, contact.last_name), bms_lookup.bms_addresses(contact)
        if contact.id not in links and own not in names and addresses.isdisjoint(held):
            keys = (*held, own) if own else held
            yield BmsOnly(contact, tuple(sorted({user for key in keys for user in holders.get(key, ())})))


def _duplicates(contacts: Iterable[Side], addresses: Callable[[Side], Iterable[str]]) -> Iterable[Duplicate]:
    """By address first, then by name."""
    by_address: dict[str, list[int]] = defaultdict(list)
    by_name: dict[str, list[int]] = defaultdict(list)
    for contact in contacts:
        for value in addresses(contact):
            by_address[value].append(_by_id(contact))
        if own := full_name(contact.first_name, contact.last_name):
            by_name[" ".join(own)].append(_by_id(contact))
    for by, holders in ((ADDRESS, by_address), (NAME, by_name)):
        for value in sorted(holders):
            if len(holders[value]) > 1:
                yield Duplicate(by, value, tuple(holders[value]))


def _push_conflicts(drafted: Draft, operations: Sequence[Operation], bms: BmsSnapshot) -> Iterable[Conflict]:
    """What the look-up in BMS cannot settle; of what types a new contact would be does not matter for it."""
    decisions = bms_lookup.decide(
        push_candidates(operations),
        replace(bms, email_type=_NO_TYPE, phone_type=_NO_TYPE),
        method=drafted.snapshot.bms.push_method,
        users=drafted.snapshot.users,
        contacts=drafted.snapshot.contacts,
        adapter_names=drafted.options.bms_adapter_names,
    )
    return decisions.conflicts


def _lacked(locations: Iterable[Location], contacts: Iterable[Contact], bms: BmsSnapshot) -> Iterable[LackedLocation]:
    there = {name(each.name) for each in bms.locations} - {""}
    used = Counter(each.location_id for each in contacts)
    for location in sorted(locations, key=lambda each: (name(each.name), each.id)):
        if name(location.name) not in there:
            yield LackedLocation(location, used[location.id])


def _in_use(entries: Iterable[Iterable[BmsEmail | BmsPhone]]) -> tuple[TypeInUse, ...]:
    """The types of the entries of each contact, none counted twice for one contact."""
    counts = Counter(kind for of_contact in entries for kind in {(e.type_id, e.type_name or "") for e in of_contact})
    return tuple(TypeInUse(BmsType(*kind), counts[kind]) for kind in sorted(counts))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to look at before the first run of a client (migration guide).

The vendor warns of it: IT Glue cannot see BMS contacts that never reached it, so whoever is
in BMS already may end up there as a duplicate. This looks at both sides, and says what the rules of
the sync would make of them. Nothing is decided here that the sync decides otherwise: its own
planning is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .bms_plan import by_username
from .conflicts import Conflict, Rule
from .directory import Directory
from .grouping import by_key, by_one_key
from .identity import addresses_of, first_names_agree
from .model import BmsContact, BmsEmail, BmsPhone, BmsSnapshot, BmsType, Contact, ItGlueId, Location, Snapshot, User
from .plan import Action, Operation
from .planning import Planning, with_microsoft_adapter
from .reasons import Reason
from .text import NAMES_OF_CONTACT, NAMES_OF_USER, bms_addresses, full_name, name, user_addresses

ADDRESS, NAME = "address", "name"

_BY_ADDRESS = (Rule.ALIAS, Rule.USERNAME)

ANY_TYPES = (BmsType(0, ""), BmsType(0, ""))
"""The types of BMS for a planning whose plan is only looked at: nothing is created with them."""


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
    contact_id: ItGlueId | None
    missing: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class OtherFirstName:
    """A contact that an address matches with a user of another first name: a nickname, or somebody else."""

    user: User
    contact: Contact


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
    other_first_names: tuple[OtherFirstName, ...]
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


def audit(planning: Planning, locations: Iterable[Location], bms: BmsSnapshot | None) -> Audit:
    """What is found. `planning` is finished, and of a snapshot `as_if_pushing`; `bms` is None where it
    could not be read."""
    directory = planning.matched.directory
    contacts = sorted(directory.contacts, key=lambda each: each.id)
    known = sorted(bms.contacts, key=lambda each: each.id) if bms else []
    unready = [each for each in planning.operations if each.bms.missing or each.itglue.action == Action.FAILED]
    return Audit(
        bms_only=tuple(_bms_only(known, directory)),
        itglue_duplicates=tuple(_duplicates(contacts)),
        bms_duplicates=tuple(_duplicates(known)),
        conflicts=planning.plan.conflicts,
        not_ready=tuple(
            Unready(each.user, each.itglue.contact_id, each.bms.missing, each.reasons)
            for each in by_username(unready, directory)
        ),
        other_first_names=tuple(_other_first_names(planning.operations, directory)),
        lacked_locations=tuple(_lacked(locations, contacts, bms)) if bms else (),
        email_types=_in_use(each.emails for each in known),
        phone_types=_in_use(each.phones for each in known),
        microsoft_contacts=tuple(with_microsoft_adapter(contacts)),
    )


def _bms_only(known: Iterable[BmsContact], directory: Directory) -> Iterator[BmsOnly]:
    """The BMS contacts that no IT Glue contact is linked with, or shares an address or both names with."""
    names = {full_name(each.first_name, each.last_name) for each in directory.contacts} - {None}
    usernames = [user.username for user in directory.users]
    keys_of_users = ((*user_addresses(user), full_name(user.given_name, user.surname)) for user in directory.users)
    users: Mapping[object, tuple[str, ...]] = by_key(usernames, keys_of_users)
    for contact in known:
        own, held = full_name(contact.first_name, contact.last_name), bms_addresses(contact)
        known_address = any(value in directory.contacts_by_address for value in held)
        if contact.id not in directory.linked and own not in names and not known_address:
            keys = (*held, own) if own else held
            yield BmsOnly(contact, tuple(sorted({username for key in keys for username in users.get(key, ())})))


def _other_first_names(operations: Iterable[Operation], directory: Directory) -> Iterator[OtherFirstName]:
    """The contacts that an address matches, linked ones too, whose first name is not the user's; both are given."""
    for operation in by_username(operations, directory):
        contact_id = operation.itglue.contact_id
        if operation.matched_by not in _BY_ADDRESS or operation.itglue.action == Action.EXCLUDED or not contact_id:
            continue
        user, contact = directory.user[operation.subject.user_id], directory.contact[contact_id]
        if not first_names_agree(NAMES_OF_USER(user), NAMES_OF_CONTACT(contact)):
            yield OtherFirstName(user, contact)


def _duplicates(contacts: Sequence[Contact | BmsContact]) -> Iterator[Duplicate]:
    """By address first, then by name."""
    ids = [contact.id for contact in contacts]
    by_address = by_key(ids, map(addresses_of, contacts))
    by_name = by_one_key(ids, (" ".join(full_name(each.first_name, each.last_name) or ()) for each in contacts))
    for by, holders in ((ADDRESS, by_address), (NAME, by_name)):
        for value in sorted(holders):
            if len(holders[value]) > 1:
                yield Duplicate(by, value, holders[value])


def _lacked(locations: Iterable[Location], contacts: Sequence[Contact], bms: BmsSnapshot) -> Iterator[LackedLocation]:
    names = {name(each.name) for each in bms.locations} - {""}
    used = Counter(each.location_id for each in contacts)
    for location in sorted(locations, key=lambda each: (name(each.name), each.id)):
        if name(location.name) not in names:
            yield LackedLocation(location, used[location.id])


def _in_use(entries: Iterable[Iterable[BmsEmail | BmsPhone]]) -> tuple[TypeInUse, ...]:
    """The types of the entries of each contact, none counted twice for one contact."""
    counts = Counter(
        kind for contact in entries for kind in {(entry.type_id, entry.type_name or "") for entry in contact}
    )
    return tuple(TypeInUse(BmsType(*kind), counts[kind]) for kind in sorted(counts))

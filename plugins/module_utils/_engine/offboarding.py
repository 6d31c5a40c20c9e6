# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Deactivating the contacts of people who left, and bringing them back (feature, section 6).

A contact that departed gets the contact type for that in IT Glue and becomes inactive in BMS.
It is never deleted. Whoever returns gets both back, but only where the contact carries that
type: what somebody deactivated by hand stays so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from .attributes import encode
from .bms_lookup import People, bms_addresses, linked_bms_id
from .departed import DEACTIVATE, DEACTIVATED, KEEP, Departure
from .errors import InputError
from .model import BmsContact, Contact, User
from .plan import DEFERRED, UNCHANGED, UPDATE, Operation
from .selection import patterns
from .text import contact_addresses, domain

BACK = "The person is back."
"""Why the contact of somebody who returned is active again."""


def kept_back(departures: Iterable[Departure], contacts: Mapping[int, Contact], keep: Sequence[str]) -> list[Departure]:
    """The departures with those marked that the keep list names: contact ids, or patterns of
    addresses and usernames in which `*` stands for any text."""
    ids = {int(each) for each in keep if each.strip().isdecimal()}
    spared = patterns(each for each in keep if not each.strip().isdecimal()) or (lambda value: False)
    return [
        replace(each, action=KEEP)
        if each.contact_id in ids or spared(each.user) or any(map(spared, contact_addresses(contacts[each.contact_id])))
        else replace(each, action=DEACTIVATE)
        for each in departures
    ]


def deactivation(
    departure: Departure, contact: Contact, type_id: int, bms_contact: BmsContact | None
) -> tuple[Departure, Operation | None]:
    """What is left to do about a departed contact, None where it is done."""
    gone = replace(contact, contact_type_id=type_id)
    fields = () if contact.contact_type_id == type_id else ("contact-type-id",)
    active = bms_contact is not None and bms_contact.active
    if not fields and not active:
        return replace(departure, action=DEACTIVATED), None
    operation = Operation(
        user=departure.user,
        user_id=departure.key,
        action=UPDATE if fields else UNCHANGED,
        contact_id=contact.id,
        bms_contact_id=bms_contact.id if bms_contact else None,
        before=encode(contact, fields),
        after=encode(gone, fields),
        contact=gone,
        active=False if active else None,
        reason="The user is disabled." if departure.evidence == "disabled" else "The user is deleted.",
    )
    return departure, operation


def put_off(departure: Departure, contact: Contact, reason: str) -> Operation:
    """What is left to the next run about a departed contact."""
    return Operation(user=departure.user, user_id=departure.key, action=DEFERRED, contact_id=contact.id, reason=reason)


def reactivation(
    operation: Operation, contact: Contact, type_id: int | None, bms_contact: BmsContact | None
) -> Operation:
    """The operation of somebody who returned, with the contact brought back in both services."""
    wanted = replace(operation.contact or contact, contact_type_id=type_id)
    active = bms_contact is not None and not bms_contact.active
    return replace(
        operation,
        action=UPDATE,
        before={**operation.before, **encode(contact, ["contact-type-id"])},
        after={**operation.after, **encode(wanted, ["contact-type-id"])},
        contact=wanted,
        bms_contact_id=bms_contact.id if bms_contact else operation.bms_contact_id,
        active=True if active else operation.active,
        reason=operation.also(BACK),
    )


class Counterparts:
    """Which BMS contact is that of a contact. `users` and `contacts` are those who stay: what is
    theirs is nobody else's."""

    def __init__(
        self,
        bms_contacts: Iterable[BmsContact],
        users: Collection[User],
        contacts: Collection[Contact],
        adapter_names: Collection[str],
    ) -> None:
        self._there = tuple(bms_contacts)
        self._people = People(users, contacts)
        self._adapter_names = adapter_names
        self._links: dict[int | None, set[int]] = defaultdict(set)
        for contact in contacts:
            self._links[linked_bms_id(contact, adapter_names)].add(contact.id)

    def of(self, contact: Contact, user_id: str = "") -> BmsContact | None:
        """Its link, else the only one with an address of its; None where that may be another's."""
        linked = linked_bms_id(contact, self._adapter_names)
        addresses = contact_addresses(contact)
        found = [
            each
            for each in self._there
            if (each.id == linked if linked is not None else not addresses.isdisjoint(bms_addresses(each)))
        ]
        if len(found) != 1 or self._links.get(found[0].id, set()) - {contact.id}:
            return None
        if linked is None and self._people.others_hold(bms_addresses(found[0]), user_id, contact.id):
            return None
        return found[0]


def check_source(users: int, contacts: Iterable[Contact], domains: Iterable[str]) -> None:
    """Refuse a tenant with fewer users than half of the contacts that carry its domains: it was
    not read in full, or it is not this client's. Raises InputError."""
    ours = frozenset(domains)
    carrying = sum(any(domain(value) in ours for value in contact_addresses(contact)) for contact in contacts)
    if users * 2 < carrying:
        raise InputError(
            f"The tenant has {users} users, but {carrying} contacts carry its domains, so nobody is deactivated.",
            hint="Check tenant_id and what the app registration may read. Set allow_shrunken_source: true if this "
            "is right.",
        )

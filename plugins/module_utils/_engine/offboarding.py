# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Departed people: who has departed, what becomes of their contacts, and who has returned (offboarding guide).

Only positive evidence counts: the user is disabled, or is among the tenant's deleted items. That an
address has no user says nothing about a person; such a contact is listed and never touched.

The contact of somebody who has departed gets the contact type for that in IT Glue and becomes inactive
in BMS. It is never deleted. Whoever returns gets both back, but only where the contact carries that
type: what somebody deactivated by hand stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from .attributes import encode
from .bms_evidence import names_of
from .directory import BmsDirectory, Directory
from .errors import InputError
from .grouping import by_key
from .identity import Names, RawNames, compare_names, first_names_agree
from .model import BmsContact, BmsId, Contact, ItGlueId, Snapshot, User
from .output import shown_name
from .plan import (
    Action,
    BmsPart,
    Departure,
    DepartureAction,
    Evidence,
    ItGluePart,
    Operation,
    UnmatchedAddress,
)
from .reasons import Reason, ReasonCode, because
from .selection import exclusion_rule, patterns
from .text import NAMES_OF_USER, bms_addresses, contact_addresses, domain, full_name, user_addresses

CONTACT_TYPE = "contact-type-id"
ACTIVE = "IsActive"

# ----------------------------------------------------------------- who has departed


def departures(
    contacts: Iterable[Contact],
    snapshot: Snapshot,
    directory: Directory,
    deleted: Iterable[User],
    selected: Collection[str],
    ignored: Collection[str],
) -> list[Departure]:
    """The contacts of people who have departed, by contact id.

    `contacts` are those that no selected user is matched with, be they in a conflict. The contact holds an address of
    a departed user and bears the user's names; one with other names is reported with the reason, since an address
    may be handed on or shared. A selected user who holds an address of the contact, and whose names are not
    different, keeps the contact: an address that is forwarded to a colleague keeps nobody. Users who are `ignored`
    are excluded in whatever state they are.
    """
    departed = _departed_by_address(snapshot, deleted, {*selected, *ignored})
    found = []
    for contact in sorted(contacts, key=lambda each: each.id) if departed else ():
        addresses = directory.email_keys(contact)
        candidates = {
            (_bears(NAMES_OF_USER(user), contact), evidence, user.username, user.id)
            for value in addresses
            for user, evidence in departed.get(value, ())
        }
        if candidates and not any(
            user.id in selected and _keeps(user, contact)
            for value in addresses
            for user in directory.users_by_address.get(value, ())
        ):
            names_agree, evidence, username, user_id = max(candidates)
            reason = None if names_agree else Reason(ReasonCode.DEPARTED_NAMES_DIFFER)
            found.append(Departure(username, user_id, contact.id, evidence, reason=reason))
    return found


def reported_in_conflict(found: Iterable[Departure], in_conflict: Collection[ItGlueId]) -> list[Departure]:
    """The departures, of which those `in_conflict` are reported only, as nobody knows yet whose the contact is."""
    reason = Reason(ReasonCode.DEPARTED_IN_CONFLICT)
    return [replace(each, reason=each.reason or reason) if each.contact_id in in_conflict else each for each in found]


def _departed_by_address(
    snapshot: Snapshot, deleted: Iterable[User], others: Collection[str]
) -> Mapping[str, Sequence[tuple[User, Evidence]]]:
    """The users who have departed, by each of their addresses: they have both names, are none of the `others`, and pass
    the filter but for being disabled and for their licence."""
    user_filter = replace(snapshot.office365.user_filter, include_disabled=True, licensed_only=False, license_skus=())
    excluded = exclusion_rule(replace(snapshot.office365, user_filter=user_filter), snapshot.members)
    users = [
        (user, Evidence.DISABLED)
        for user in snapshot.users
        # Where Graph does not tell it, nothing says that the person has departed.
        if user.account_enabled is False
    ]
    users += [(user, Evidence.DELETED) for user in deleted]
    departed = [
        (user, evidence)
        for user, evidence in users
        if user.id not in others and full_name(user.given_name, user.surname) and excluded(user) is None
    ]
    return by_key(departed, (user_addresses(user) for user, dummy in departed))


def _bears(names: RawNames, record: Contact | BmsContact) -> bool:
    """Whether a record bears somebody's names: the same, or open ones of which the first names agree."""
    verdict = compare_names(names, names_of(record))
    return verdict == Names.SAME or (verdict == Names.OPEN and first_names_agree(names, names_of(record)))


def _keeps(user: User, contact: Contact) -> bool:
    return compare_names(NAMES_OF_USER(user), names_of(contact)) != Names.DIFFERENT


def has_returned(user: User, contact: Contact) -> bool:
    """Whether the contact of a departed person is this user's: of the same names, with one of the addresses."""
    same = compare_names(NAMES_OF_USER(user), names_of(contact)) == Names.SAME
    return same and not user_addresses(user).isdisjoint(contact_addresses(contact))


def kept_back(found: Iterable[Departure], contacts: Mapping[ItGlueId, Contact], keep: Sequence[str]) -> list[Departure]:
    """The departures with those marked that the keep list names: contact ids, or patterns of
    addresses and usernames in which `*` stands for any text."""
    ids = {int(line) for line in keep if line.strip().isdecimal()}
    spared = patterns(keep) or (lambda value: False)

    def action(departure: Departure) -> DepartureAction:
        addresses = contact_addresses(contacts[departure.contact_id])
        if departure.contact_id in ids or spared(departure.user) or any(map(spared, addresses)):
            return DepartureAction.KEEP
        return DepartureAction.REPORT if departure.reason else DepartureAction.DEACTIVATE

    return [replace(departure, action=action(departure)) for departure in found]


def check_source(users: int, contacts: Iterable[Contact], domains: Collection[str]) -> None:
    """Refuse a tenant with fewer users than half of the contacts that carry its domains: it was
    not read in full, or it is not this client's. Raises InputError."""
    carrying = sum(any(domain(value) in domains for value in contact_addresses(contact)) for contact in contacts)
    if users * 2 < carrying:
        raise InputError(
            f"The tenant has {users} users, but {carrying} contacts carry its domains, so nobody is deactivated.",
            hint="Check tenant_id and what the app registration may read. Set allow_shrunken_source: true if this "
            "is right.",
        )


# ---------------------------------------------------------------- unmatched addresses


def unmatched_addresses(
    unheld: Mapping[ItGlueId, frozenset[str]], directory: Directory, deleted: Iterable[User], domains: Collection[str]
) -> list[UnmatchedAddress]:
    """The contacts with an address of the tenant's `domains` that no user holds, present or deleted. `unheld` are the
    addresses of unmatched contacts that no present user holds."""
    held = frozenset().union(*map(user_addresses, deleted))
    found = []
    for contact_id, free in sorted(unheld.items()) if domains else ():
        if ours := tuple(sorted([value for value in free - held if domain(value) in domains])):
            name = shown_name(*names_of(directory.contact[contact_id]))
            found.append(UnmatchedAddress(contact_id, name, ours))
    return found


# --------------------------------------------------------------------- what is done


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The BMS contact of a contact, None where it is not known for sure. `other` is one that holds an address of
    the contact's, or is linked to it, but bears other names than the person. `unclear` are those that could be the
    person's, of which none can be told from the others, or from somebody else's."""

    bms_contact: BmsContact | None = None
    other: BmsContact | None = None
    unclear: tuple[BmsContact, ...] = ()


def deactivation(
    departure: Departure, contact: Contact, type_id: ItGlueId, counterpart: Counterpart
) -> Operation | None:
    """What is left to do about a departed contact, None where it is done."""
    bms_contact, other = counterpart.bms_contact, counterpart.other
    becomes = replace(contact, contact_type_id=type_id)
    fields = () if contact.contact_type_id == type_id else (CONTACT_TYPE,)
    active = bms_contact is not None and bms_contact.active
    if not fields and not active:
        return None
    disabled = departure.evidence == Evidence.DISABLED
    reasons = [Reason(ReasonCode.USER_DISABLED if disabled else ReasonCode.USER_DELETED)]
    if other is not None:
        reasons.append(because(ReasonCode.DEPARTED_BMS_NAMES_DIFFER, bms_contact_id=other.id))
    if unclear := sorted(each.id for each in counterpart.unclear if each.active):
        reasons.append(because(ReasonCode.DEPARTED_BMS_UNCLEAR, bms_contact_ids=unclear))
    return Operation(
        departure.subject,
        ItGluePart(
            action=Action.UPDATE if fields else Action.UNCHANGED,
            contact_id=contact.id,
            before=encode(contact, fields),
            after=encode(becomes, fields),
            contact=becomes,
        ),
        BmsPart(
            contact_id=bms_contact.id if bms_contact else None,
            before={ACTIVE: True} if active else {},
            after={ACTIVE: False} if active else {},
        ),
        reasons=tuple(reasons),
    )


def deferred(departure: Departure, reason: Reason) -> Operation:
    """What is left to the next run about a departed contact, whatever it turns out to be."""
    return Operation(departure.subject, ItGluePart(Action.DEFERRED, departure.contact_id), reasons=(reason,))


def reactivation(
    operation: Operation, contact: Contact, type_id: ItGlueId | None, bms_contact: BmsContact | None
) -> Operation:
    """The operation of somebody who has returned, with the contact brought back in both services."""
    becomes = replace(operation.itglue.contact or contact, contact_type_id=type_id)
    itglue = operation.itglue._replace(
        action=Action.UPDATE,
        before={**operation.itglue.before, **encode(contact, [CONTACT_TYPE])},
        after={**operation.itglue.after, **encode(becomes, [CONTACT_TYPE])},
        contact=becomes,
    )
    bms = operation.bms
    if bms_contact is not None:
        inactive = not bms_contact.active
        bms = bms._replace(
            contact_id=bms_contact.id,
            before={**bms.before, ACTIVE: False} if inactive else bms.before,
            after={**bms.after, ACTIVE: True} if inactive else bms.after,
        )
    return operation._replace(itglue=itglue, bms=bms).because(because(ReasonCode.RETURNED))


class Counterparts:
    """Which BMS contact is that of a departed or returned person's contact. `staying` are the ids of the users
    who have not departed, `departing` those of the contacts of people who have, `following` those of the BMS contacts
    that get the names of the linked contacts of people who have not."""

    def __init__(
        self,
        directory: Directory,
        bms: BmsDirectory,
        staying: Collection[str],
        departing: Collection[ItGlueId],
        following: Collection[BmsId],
    ) -> None:
        self._directory = directory
        self._bms = bms
        self._staying = staying
        self._departing = departing
        self._following = following

    def of(self, contact: Contact, user: User, *, follows: bool = False) -> Counterpart:
        """The BMS contact that the contact is linked to, else the one that holds an address of it, if it bears
        the user's names: of several the one whose names are the same. It is nobody's for sure where
        another contact is linked to it, and, found by an address, where somebody who stays holds one of its addresses
        and could be it.

        Where the linked one `follows`, it gets the names, whatever they are now.
        """
        names, linked = NAMES_OF_USER(user), self._directory.linked_bms_id(contact)
        if linked is not None:
            present = [each for each in (self._bms.contact.get(linked),) if each is not None]
        else:
            present = list(self._bms.with_an_address(contact_addresses(contact)))
        found = [each for each in present if (follows and linked is not None) or _bears(names, each)]
        # One that gets the names of somebody else's contact in this run is not held against the others.
        found = [each for each in found if each.id not in self._following] or found
        if same := [each for each in found if compare_names(names, names_of(each)) == Names.SAME]:
            found = same
        if not found:
            return Counterpart(None, present[0] if present else None)
        if len(found) > 1 or self._is_anothers(found[0], contact, user, by_address=linked is None):
            return Counterpart(unclear=tuple(found))
        return Counterpart(found[0])

    def _is_anothers(self, found: BmsContact, contact: Contact, person: User, *, by_address: bool) -> bool:
        if {*self._directory.linked.get(found.id, ())} - {contact.id, *self._departing}:
            return True
        if not by_address:
            return False
        names = names_of(found)
        users = (
            NAMES_OF_USER(user)
            for value in bms_addresses(found)
            for user in self._directory.users_by_address.get(value, ())
            if user.id != person.id and user.id in self._staying
        )
        contacts = (
            names_of(self._directory.contact[other])
            for value in bms_addresses(found)
            for other in self._directory.contacts_by_address.get(value, ())
            if other != contact.id and other not in self._departing
        )
        return any(compare_names(names, others) != Names.DIFFERENT for others in chain(users, contacts))

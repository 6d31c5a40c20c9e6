# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which BMS contacts could be a contact's person: addresses and names as evidence (matching guide, look-up in BMS).

An address says where mail goes, not who somebody is. So a BMS contact with other names is nobody's by an
address that may be shared, and a question where it holds the person's primary address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .directory import BmsDirectory, Directory, primary_key_of
from .identity import Names, RawNames, compare_names, first_names_agree, same_key
from .model import BmsContact, BmsId, Contact
from .plan import Operation
from .reasons import Reason, ReasonCode, because
from .text import NAMES_OF_CONTACT, FullName, bms_addresses, contact_addresses


class Former(NamedTuple):
    """The `names` of the tenant's deleted users, None where they have not been read; the ids of the users whom a
    user that Microsoft has forgotten since keeps `apart` from somebody; and, `by_name`, the ids of the BMS contacts
    that an earlier run found for users by their names alone, by user id."""

    names: Collection[FullName] | None = None
    apart: Collection[str] = ()
    by_name: Mapping[str, Collection[BmsId]] = {}


NOTHING_KNOWN = Former()


class Hit(NamedTuple):
    """What the look-up found for a candidate.

    `found` could be its person: by an address, else (`by_name`) by first and last name, or as
    `bms_match_overrides` says (`overridden`). `doubt` says why the only one that was found may be somebody
    else. `withheld` hold an address of the candidate's, but are somebody else by their names. `namesakes`
    bear the candidate's name, but hold an address of somebody else's. `rests_on_deleted` says that only a deleted user
    casts the doubt, `needs_deleted` that one may, and that they have not been read.
    """

    found: tuple[BmsContact, ...] = ()
    by_name: bool = False
    overridden: bool = False
    doubt: ReasonCode | None = None
    withheld: tuple[BmsContact, ...] = ()
    namesakes: tuple[BmsContact, ...] = ()
    rests_on_deleted: bool = False
    needs_deleted: bool = False

    @property
    def clear(self) -> BmsContact | None:
        """The BMS contact that is the person without any doubt, as far as this candidate goes."""
        return self.found[0] if len(self.found) == 1 and self.doubt is None else None


def names_of(record: Contact | BmsContact) -> RawNames:
    """First and last name of a contact, of IT Glue or BMS."""
    return NAMES_OF_CONTACT(record)


def find(operation: Operation, directory: Directory, bms: BmsDirectory, former: Former = NOTHING_KNOWN) -> Hit:
    """The BMS contacts that could be an operation's contact: by address, else by first and last name.

    Somebody of the same name counts only where nobody else, user or contact, holds an address of theirs.
    """
    contact = operation.wanted
    key = directory.names_of(contact)
    holders = bms.with_an_address(directory.email_keys(contact))
    if key is not None and len(holders) == 1 and bms.names[holders[0].id] == key:
        return Hit(holders)  # as most people in BMS are found
    if not holders:
        return _by_name(operation, directory, bms, former)
    own_names = names_of(contact)
    held = [(each, compare_names(own_names, names_of(each))) for each in holders]
    primary = primary_key_of(contact)
    withheld = tuple(each for each, names in held if names == Names.DIFFERENT and primary not in bms_addresses(each))
    held = [(each, names) for each, names in held if each not in withheld]
    if not held:
        return _by_name(operation, directory, bms, former)._replace(withheld=withheld)
    best = _best(held)
    hit = Hit()
    if len(best) == 1:
        ((present, names),) = best
        hit = _judged(operation, present, names, _doubt(contact, present, names, primary), directory, former)
    found = {each.id: each for each, dummy in best}
    if hit.doubt is not None:
        # The holder may be somebody else, and the person there under the own names: no answer is to double it.
        found |= {each.id: each for each in _free(bms.named(key), operation, directory) if each.active}
    return hit._replace(found=tuple(each for dummy, each in sorted(found.items())), withheld=withheld)


def _by_name(operation: Operation, directory: Directory, bms: BmsDirectory, former: Former) -> Hit:
    """Those who bear the person's first and last name, or the one that its contact has had so far: a renamed person
    is not a new one."""
    of_names = bms.named(directory.names_of(operation.wanted))
    named = {each.id: each for each in (*of_names, *_known_so_far(operation, directory, bms, former))}
    own = _free([each for dummy, each in sorted(named.items())], operation, directory)
    if not own:
        return Hit(namesakes=of_names)
    if len(own) > 1:
        return Hit(own, by_name=True)
    (present,) = own
    names = compare_names(names_of(operation.wanted), names_of(present))
    doubt = ReasonCode.BMS_NAMES_DIFFER if names == Names.DIFFERENT else None
    if doubt is None and not present.active:
        doubt = ReasonCode.BMS_INACTIVE_HIT
    return _judged(operation, present, names, doubt, directory, former)._replace(found=own, by_name=True)


def _known_so_far(
    operation: Operation, directory: Directory, bms: BmsDirectory, former: Former
) -> Iterable[BmsContact]:
    """Those who bear the names that an operation's contact has before it is written, and those whom an earlier run
    found for the person by names that the contact no longer has; none who is linked, as a link says more."""
    known = [bms.contact.get(bms_id) for bms_id in former.by_name.get(operation.subject.user_id, ())]
    contact = directory.contact.get(operation.itglue.contact_id) if operation.itglue.contact_id is not None else None
    if contact is not None and compare_names(names_of(contact), names_of(operation.wanted)) != Names.DIFFERENT:
        known += bms.named(directory.names_of(contact))
    return [each for each in known if each is not None and each.id not in directory.linked]


def _free(named: Iterable[BmsContact], operation: Operation, directory: Directory) -> tuple[BmsContact, ...]:
    """Those of whom nobody else, user or contact, holds an address: the active ones, where one is active."""
    whose = operation.subject.user_id, operation.itglue.contact_id
    free = [each for each in named if not directory.others_hold(bms_addresses(each), *whose)]
    return tuple(each for each in free if each.active) or tuple(free)


_Judged = tuple[BmsContact, Names]


def _best(held: Sequence[_Judged]) -> Sequence[_Judged]:
    """The hits that count: an active one beats inactive ones of its names, the same names beat all others."""
    keys = {same_key(*names_of(each)) for each, dummy in held if each.active} - {None}
    left = [(each, names) for each, names in held if each.active or same_key(*names_of(each)) not in keys]
    same = [(each, names) for each, names in left if names == Names.SAME]
    return same or left


def _judged(
    operation: Operation,
    present: BmsContact,
    names: Names,
    doubt: ReasonCode | None,
    directory: Directory,
    former: Former,
) -> Hit:
    """What there is to doubt about the only BMS contact that could be a person. Where somebody else bears its
    names, or did before the account was deleted, the address was handed on, or is shared."""
    user_id = operation.subject.user_id
    key = same_key(*names_of(present))
    if names != Names.OPEN or key is None:
        return Hit(doubt=doubt)
    if directory.others_bear(key, user_id, operation.itglue.contact_id):
        return Hit(doubt=ReasonCode.BMS_NAMES_DIFFER)
    if key in (former.names or ()) or user_id in former.apart:
        return Hit(doubt=ReasonCode.BMS_NAMES_DIFFER, rests_on_deleted=True)
    return Hit(doubt=doubt, needs_deleted=doubt is None and former.names is None)


def _doubt(contact: Contact, found: BmsContact, names: Names, primary: str) -> ReasonCode | None:
    """Why the only hit by an address may be somebody else, None where it is the person."""
    if names == Names.DIFFERENT:
        return ReasonCode.BMS_NAMES_DIFFER
    if names == Names.SAME:
        return None
    if not first_names_agree(names_of(contact), names_of(found)) and primary not in bms_addresses(found):
        return ReasonCode.BMS_NAMES_DIFFER
    return None if found.active else ReasonCode.BMS_INACTIVE_HIT


def notes(contact: Contact, hit: Hit) -> tuple[Reason, ...]:
    """What is to be reported of those who hold an address of the contact's, but are somebody else."""
    return tuple(
        because(
            ReasonCode.BMS_HIT_WITHHELD,
            bms_contact_id=each.id,
            addresses=sorted(contact_addresses(contact) & bms_addresses(each)),
        )
        for each in hit.withheld
    )


def is_sure(contact: Contact, hit: Hit) -> bool:
    """Whether the look-up of a contact finds its own BMS contact, be it one that is still to be created, by names
    that are the same."""
    if hit.found:
        return any(compare_names(names_of(contact), names_of(each)) == Names.SAME for each in hit.found)
    return same_key(*names_of(contact)) is not None


def stays_apart(contact: Contact, hit: Hit, other: RawNames, address: str) -> bool:
    """Whether the look-up of a contact passes over a BMS contact of the `other` names that holds one of its
    addresses too."""
    names = compare_names(names_of(contact), other)
    if is_sure(contact, hit):
        return names != Names.SAME
    return names == Names.DIFFERENT and address != primary_key_of(contact)

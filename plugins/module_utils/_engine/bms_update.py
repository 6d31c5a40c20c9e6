# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What becomes of the BMS contact of a linked contact (feature, section 4, `update_linked`).

BMS follows the contact as it becomes in IT Glue: names and job title, where they are not blank;
addresses and numbers that are missing there; and which of them is the default. Nothing that BMS
has is lost, but for the one number of the type that another takes the place of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .bms_fields import changed_fields, encode, phone_key
from .bms_lookup import bms_addresses, linked_bms_id, look_up
from .model import BmsContact, BmsEmail, BmsPhone, BmsSnapshot, BmsType, Contact, User
from .phones import PLACEHOLDER, is_placeholder, is_real_number
from .plan import BmsUpdate, Operation
from .text import address, text

E = TypeVar("E", BmsEmail, BmsPhone)


@dataclass(frozen=True, slots=True)
class Pair:
    """A linked contact as it becomes, and its BMS contact; None where it cannot be told, and why."""

    operation: Operation
    wanted: Contact
    there: BmsContact | None
    reason: str | None = None


def pairs(
    linked: Sequence[Operation],
    bms: BmsSnapshot,
    *,
    users: Collection[User],
    contacts: Collection[Contact],
    adapter_names: Collection[str],
) -> list[Pair]:
    """The BMS contacts of linked contacts: by the id that IT Glue tells, else by the look-up.

    A BMS contact that two contacts claim is nobody's, since each would undo what the other has set.
    """
    if not linked:
        return []
    known = {contact.id: contact for contact in contacts}
    claims = Counter(bms_id for contact in contacts if (bms_id := linked_bms_id(contact, adapter_names)) is not None)
    candidates = [
        each if each.contact is not None else replace(each, contact=known[each.contact_id or 0]) for each in linked
    ]
    unknown = [each for each in candidates if each.bms_contact_id is None]
    hits = look_up(unknown, bms.contacts, users, contacts) if unknown else {}
    claims.update(found.id for each in unknown for found in hits[each.user_id])
    in_account = {contact.id: contact for contact in bms.contacts}
    return [_pair(each, in_account, hits.get(each.user_id, ()), claims, bms.account.id) for each in candidates]


def _pair(
    operation: Operation,
    in_account: Mapping[int, BmsContact],
    hits: Sequence[BmsContact],
    claims: Mapping[int, int],
    account_id: int,
) -> Pair:
    there, reason = None, None
    if operation.bms_contact_id is not None:
        there = in_account.get(operation.bms_contact_id)
        if there is None:
            reason = f"Its BMS contact {operation.bms_contact_id} is not in the account {account_id}."
    elif len(hits) == 1:
        there = hits[0]
    else:
        could = f"could be {', '.join(str(each.id) for each in hits)}" if hits else "is not found"
        reason = f"IT Glue does not tell its BMS contact, which {could}."
    if there is not None and claims[there.id] > 1:
        reason = f"Its BMS contact {there.id} is that of another contact too: correct one of their links."
        there = None
    return Pair(operation, operation.wanted, there, reason)


def needs_types(found: Iterable[Pair]) -> bool:
    """Whether an address or number has to be added in BMS, under the types of the settings."""
    return any(
        pair.there is not None
        and (_missing_emails(pair.wanted, pair.there) or _missing_numbers(pair.wanted, pair.there))
        for pair in found
    )


def follow(
    found: Sequence[Pair], bms: BmsSnapshot, created: Iterable[BmsContact], sought: Mapping[int, str]
) -> dict[str, Operation]:
    """The operations of linked contacts by user id, with what becomes of their BMS contacts.

    An address that another BMS contact has, or is `created` with, is not added: the look-up would
    find two persons by it. `sought` are the BMS contacts that the look-up found for others, with
    their usernames: whose these are is to be settled first, and a new name would hide the question.
    """
    held = {value for contact in (*bms.contacts, *created) for value in bms_addresses(contact)}
    return {pair.operation.user_id: _followed(_unless_sought(pair, sought), bms, held) for pair in found}


def _unless_sought(pair: Pair, sought: Mapping[int, str]) -> Pair:
    if pair.there is None or pair.there.id not in sought:
        return pair
    return replace(pair, there=None, reason=could_be(pair.there.id, sought[pair.there.id]))


def could_be(bms_id: int, others: str) -> str:
    """Why a BMS contact is left as it is."""
    return f"Its BMS contact {bms_id} could also be {others}. Separate them in BMS first."


def _followed(pair: Pair, bms: BmsSnapshot, held: set[str]) -> Operation:
    """The operation of one; `held` gets the addresses that its BMS contact gets."""
    operation, there = pair.operation, pair.there
    if there is None:
        return replace(operation, reason=operation.also(f"{pair.reason} It is not updated in BMS."), attention=True)
    missing = _missing_emails(pair.wanted, there)
    others = sorted(missing.keys() & held)
    held.update(missing)
    becomes = replace(
        there,
        first_name=_unless_blank(there.first_name, pair.wanted.first_name),
        last_name=_unless_blank(there.last_name, pair.wanted.last_name),
        job_title=_unless_blank(there.job_title, pair.wanted.title),
        emails=emails(pair.wanted, there, bms.email_type, others),
        phones=phones(pair.wanted, there, bms.phone_type),
    )
    operation = replace(operation, bms_contact_id=there.id)
    if others:
        words = f"Another BMS contact has {', '.join(others)}: not added to BMS contact {there.id}."
        operation = replace(operation, reason=operation.also(words), attention=True)
    fields = changed_fields(there, becomes)
    if not fields:
        return operation
    return replace(operation, bms_update=BmsUpdate(encode(there, fields), encode(becomes, fields)))


def _unless_blank(present: str | None, wanted: str | None) -> str | None:
    new = text(wanted)
    return present if not new or new == text(present) else new


# --------------------------------------------------------------------- e-mails


def emails(
    wanted: Contact, there: BmsContact, kind: BmsType | None, others: Collection[str] = ()
) -> tuple[BmsEmail, ...]:
    """The e-mails of BMS with the missing ones added under the type; without a type none is."""
    missing = {key: value for key, value in _missing_emails(wanted, there).items() if key not in others}
    entries = list(there.emails)
    entries += [BmsEmail(value, kind.id, kind.name) for value in missing.values()] if kind else []
    primary = next((address(entry.value) for entry in wanted.emails if entry.primary), None)
    return _with_default(there.emails, entries, primary, lambda entry: address(entry.address))


def _missing_emails(wanted: Contact, there: BmsContact) -> dict[str, str]:
    held = bms_addresses(there)
    found: dict[str, str] = {}
    for entry in wanted.emails:
        key = address(entry.value)
        if key and key not in held:
            found.setdefault(key, entry.value.strip())
    return found


# ---------------------------------------------------------------------- phones


def phones(wanted: Contact, there: BmsContact, kind: BmsType | None) -> tuple[BmsPhone, ...]:
    """The phones of BMS with the missing numbers: in the place of a placeholder, or of the one other
    phone of the type, else added under the type. Without a type none is."""
    numbers = _numbers(wanted, there)
    entries = list(there.phones)
    if kind is not None:
        for value in _missing_numbers(wanted, there):
            _put(entries, value, kind, numbers.keys())
    primary = next((phone_key(entry.value) for entry in wanted.phones if entry.primary and entry.kind != "fax"), None)
    chosen = primary if primary in numbers else None
    return _with_default(there.phones, entries, chosen, lambda entry: phone_key(entry.number))


def _numbers(wanted: Contact, there: BmsContact) -> dict[str, str]:
    """The numbers that BMS is to have, the primary one first, by the form in which they are compared.

    A placeholder is one of them only where neither side has a real number.
    """
    found: dict[str, str] = {}
    able = sorted((entry for entry in wanted.phones if entry.kind != "fax"), key=lambda each: not each.primary)
    for entry in able:
        if is_real_number(entry.value):
            found.setdefault(phone_key(entry.value), entry.value)
    blank = any(is_placeholder(entry.value) for entry in able)
    if blank and not found and not any(is_real_number(entry.number) for entry in there.phones):
        found[phone_key(PLACEHOLDER)] = PLACEHOLDER
    return found


def _missing_numbers(wanted: Contact, there: BmsContact) -> list[str]:
    held = {phone_key(entry.number) for entry in there.phones}
    return [value for key, value in _numbers(wanted, there).items() if key not in held]


def _put(entries: list[BmsPhone], value: str, kind: BmsType, own: Collection[str]) -> None:
    blank = [place for place, entry in enumerate(entries) if is_placeholder(entry.number)]
    others = [
        place for place, entry in enumerate(entries) if entry.type_id == kind.id and phone_key(entry.number) not in own
    ]
    if blank or len(others) == 1:
        place = (blank or others)[0]
        entries[place] = replace(entries[place], number=value)
    else:
        entries.append(BmsPhone(value, kind.id, kind.name))


def _with_default(
    present: Sequence[E], entries: Sequence[E], primary: str | None, key: Callable[[E], str]
) -> tuple[E, ...]:
    """The entries with the primary one as default. BMS keeps one default: of entries that are
    changed and have none, it is the first."""
    if any(entry.default and key(entry) == primary for entry in entries):
        return tuple(entries)
    chosen = next((place for place, entry in enumerate(entries) if key(entry) == primary), None)
    if chosen is None and tuple(entries) != tuple(present) and not any(entry.default for entry in entries):
        chosen = 0
    if chosen is None:
        return tuple(entries)
    return tuple(replace(entry, default=place == chosen) for place, entry in enumerate(entries))

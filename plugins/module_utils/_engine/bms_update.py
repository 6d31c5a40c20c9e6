# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of the BMS contact of a linked contact, with `update_linked` (matching guide).

BMS follows the contact as it becomes in IT Glue: names and job title, where they are not blank;
addresses and numbers that are missing there; and which of them is the default. Nothing that BMS
has is lost, but for the one number of the type that another takes the place of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from .bms_evidence import Hit, find
from .bms_fields import changed_fields, encode
from .contact_phones import is_fax
from .directory import BmsDirectory, Directory, primary_key_of
from .identity import name_as_written
from .model import BmsContact, BmsEmail, BmsId, BmsPhone, BmsSnapshot, BmsType, Contact
from .phones import PLACEHOLDER, is_placeholder, is_real_number, is_same_number, stored_key
from .plan import Operation, Subject
from .reasons import Reason, ReasonCode, because
from .text import address, bms_addresses, unless_blank

E = TypeVar("E", BmsEmail, BmsPhone)


@dataclass(frozen=True, slots=True)
class Pair:
    """The operation of a contact, and its BMS contact; None where it is not known for sure, and why.

    `region` is the ISO 3166 code of the country whose national telephone numbers are meant, None where it is not
    known. `only_phones` is true of a contact that is not linked: of its BMS contact a placeholder is replaced, no
    more.
    """

    operation: Operation
    bms_contact: BmsContact | None
    reason: Reason | None = None
    region: str | None = None
    only_phones: bool = False


Regions: TypeAlias = "Callable[[Operation], str | None]"
"""The country whose national telephone numbers those of an operation's contact are."""


def pairs(
    linked: Sequence[Operation], directory: Directory, bms: BmsDirectory, account_id: BmsId, regions: Regions
) -> tuple[Pair, ...]:
    """The BMS contacts of linked contacts: by the id that IT Glue tells, else by the look-up.

    A BMS contact that two contacts claim is nobody's, since each would undo what the other has set.
    """
    hits = {each.subject: find(each, directory, bms) for each in linked if each.bms.contact_id is None}
    claims = Counter({bms_id: len(contact_ids) for bms_id, contact_ids in directory.linked.items()})
    claims.update(hit.clear.id for hit in hits.values() if hit.clear is not None)
    found = [_pair(operation, hits.get(operation.subject, Hit()), bms, claims, account_id) for operation in linked]
    return tuple(replace(pair, region=regions(pair.operation)) for pair in found)


def _pair(operation: Operation, hit: Hit, bms: BmsDirectory, claims: Mapping[BmsId, int], account_id: BmsId) -> Pair:
    bms_id = operation.bms.contact_id
    found = hit.clear if bms_id is None else bms.contact.get(bms_id)
    if found is not None and claims[found.id] > 1:
        return Pair(operation, None, because(ReasonCode.BMS_CONTACT_OF_ANOTHER, bms_contact_id=found.id))
    if found is not None:
        return Pair(operation, found)
    if bms_id is not None:
        reason = because(ReasonCode.BMS_CONTACT_ELSEWHERE, bms_contact_id=bms_id, account_id=account_id)
        return Pair(operation, None, reason)
    reason = because(ReasonCode.BMS_CONTACT_UNKNOWN, bms_contact_ids=[each.id for each in hit.found])
    return Pair(operation, None, reason)


def with_placeholders(looked_up: Iterable[Operation], bms: BmsDirectory, regions: Regions) -> Iterator[Pair]:
    """The contacts that were found in BMS by an address, and whose number is only a placeholder there although they
    have a real one."""
    for operation in looked_up:
        bms_id = operation.bms.contact_id
        if (
            bms_id is not None
            and operation.has(ReasonCode.IN_BMS_BY_ADDRESS)
            and any(is_placeholder(entry.number) for entry in bms.contact[bms_id].phones)
            and any(is_real_number(entry.value) for entry in operation.wanted.phones if not is_fax(entry))
        ):
            yield Pair(operation, bms.contact[bms_id], region=regions(operation), only_phones=True)


def needs_types(found: Iterable[Pair]) -> bool:
    """Whether an address or number has to be added in BMS, under the types of the settings."""
    return any(
        pair.bms_contact is not None
        and (
            _missing_numbers(pair.operation.wanted, pair.bms_contact, pair.region)
            or (not pair.only_phones and _missing_emails(pair.operation.wanted, pair.bms_contact))
        )
        for pair in found
    )


def needs_regions(found: Iterable[Pair]) -> bool:
    """Whether a number differs from those in BMS by its digits, and the country is not known by which it could be
    one of them all the same."""
    return any(
        pair.region is None
        and pair.bms_contact is not None
        and _missing_numbers(pair.operation.wanted, pair.bms_contact, None)
        for pair in found
    )


def follow(
    found: Sequence[Pair],
    bms: BmsSnapshot,
    created: Iterable[BmsContact],
    found_for: Mapping[BmsId, tuple[str, ...]],
) -> dict[Subject, Operation]:
    """The operations of linked contacts by subject, with what becomes of their BMS contacts.

    An address that another BMS contact has, or is `created` with, is not added: the look-up would
    find two persons by it. `found_for` are the BMS contacts that the look-up found for others, with
    their usernames: whose these are is to be decided first, and a new name would hide the question.
    Of several contacts that miss one address, the BMS contact with the lowest id gets it.
    """
    held = {value for contact in (*bms.contacts, *created) for value in bms_addresses(contact)}
    in_order = sorted(found, key=lambda pair: pair.bms_contact.id if pair.bms_contact else BmsId(0))
    return {
        pair.operation.subject: _followed(_unless_found_for_another(pair, found_for), bms, held) for pair in in_order
    }


def _unless_found_for_another(pair: Pair, found_for: Mapping[BmsId, tuple[str, ...]]) -> Pair:
    if pair.bms_contact is None or pair.only_phones or pair.bms_contact.id not in found_for:
        return pair
    return replace(pair, bms_contact=None, reason=could_be(pair.bms_contact.id, found_for[pair.bms_contact.id]))


def could_be(bms_id: BmsId, users: Iterable[str]) -> Reason:
    """Why a BMS contact is left as it is."""
    return because(ReasonCode.BMS_CONTACT_AMBIGUOUS, bms_contact_id=bms_id, users=list(users))


def _followed(pair: Pair, bms: BmsSnapshot, held: set[str]) -> Operation:
    """The operation of one; `held` gets the addresses that its BMS contact gets."""
    operation, present = pair.operation, pair.bms_contact
    if present is None:
        return operation.because(pair.reason) if pair.reason else operation
    wanted = operation.wanted
    missing = {} if pair.only_phones else _missing_emails(wanted, present)
    others = sorted(missing.keys() & held)
    held.update(missing)
    becomes = replace(present, phones=phones(wanted, present, bms.phone_type, pair.region))
    if not pair.only_phones:
        becomes = replace(
            becomes,
            first_name=name_as_written(present.first_name, wanted.first_name),
            last_name=name_as_written(present.last_name, wanted.last_name, surname=True),
            job_title=unless_blank(present.job_title, wanted.title),
            emails=emails(wanted, present, bms.email_type, others),
        )
    if others:
        operation = operation.because(
            because(ReasonCode.ADDRESS_HELD_IN_BMS, addresses=others, bms_contact_id=present.id)
        )
    fields = changed_fields(present, becomes)
    before = {**operation.bms.before, **encode(present, fields)}
    after = {**operation.bms.after, **encode(becomes, fields)}
    return operation._replace(bms=operation.bms._replace(contact_id=present.id, before=before, after=after))


# --------------------------------------------------------------------- e-mails


def emails(
    wanted: Contact, present: BmsContact, kind: BmsType | None, others: Collection[str] = ()
) -> tuple[BmsEmail, ...]:
    """The e-mails of BMS with the missing ones added under the type; without a type none is."""
    missing = {key: value for key, value in _missing_emails(wanted, present).items() if key not in others}
    entries = list(present.emails)
    entries += [BmsEmail(value, kind.id, kind.name) for value in missing.values()] if kind else []
    primary = primary_key_of(wanted)
    return _with_default(present.emails, entries, lambda entry: address(entry.address) == primary)


def _missing_emails(wanted: Contact, present: BmsContact) -> dict[str, str]:
    held = bms_addresses(present)
    found: dict[str, str] = {}
    for entry in wanted.emails:
        key = address(entry.value)
        if key and key not in held:
            found.setdefault(key, entry.value.strip())
    return found


# ---------------------------------------------------------------------- phones


def phones(
    wanted: Contact, present: BmsContact, kind: BmsType | None, region: str | None = None
) -> tuple[BmsPhone, ...]:
    """The phones of BMS with the missing numbers: in the place of a placeholder, or of the one other
    phone of the type, else added under the type. Without a type none is.

    Numbers are compared as telephone numbers of the country `region` (see `Pair`).
    """
    numbers = _numbers(wanted, present)
    entries = list(present.phones)
    if kind is not None:
        for value in _missing_numbers(wanted, present, region):
            _put(entries, value, kind, numbers, region)
    # IT Glue may have several primary phones, in any order: BMS keeps its default where that is one of them.
    primary = [entry.value for entry in wanted.phones if entry.primary and not is_fax(entry)]
    primary = [value for value in primary if _is_among(value, numbers, region)]
    return _with_default(present.phones, entries, lambda entry: _is_among(entry.number, primary, region))


def _is_same(one: str, other: str, region: str | None) -> bool:
    """Whether two stored phones are one: telephone numbers, placeholders, or texts that are neither."""
    return stored_key(one) == stored_key(other) or is_same_number(one, other, region)


def _is_among(value: str, numbers: Iterable[str], region: str | None) -> bool:
    return any(_is_same(value, number, region) for number in numbers)


def _numbers(wanted: Contact, present: BmsContact) -> list[str]:
    """The numbers that BMS is to have, the primary one first.

    A placeholder is one of them only where neither side has a real number.
    """
    able = sorted((entry for entry in wanted.phones if not is_fax(entry)), key=lambda each: not each.primary)
    found = [entry.value for entry in able if is_real_number(entry.value)]
    blank = any(is_placeholder(entry.value) for entry in able)
    if blank and not found and not any(is_real_number(entry.number) for entry in present.phones):
        return [PLACEHOLDER]
    return found


def _missing_numbers(wanted: Contact, present: BmsContact, region: str | None) -> list[str]:
    held = [entry.number for entry in present.phones]
    missing: list[str] = []
    for value in _numbers(wanted, present):
        if not _is_among(value, (*held, *missing), region):
            missing.append(value)
    return missing


def _put(entries: list[BmsPhone], value: str, kind: BmsType, own: Sequence[str], region: str | None) -> None:
    blank = [place for place, entry in enumerate(entries) if is_placeholder(entry.number)]
    others = [
        place
        for place, entry in enumerate(entries)
        if entry.type_id == kind.id and not _is_among(entry.number, own, region)
    ]
    if blank or len(others) == 1:
        place = (blank or others)[0]
        entries[place] = replace(entries[place], number=value)
    else:
        entries.append(BmsPhone(value, kind.id, kind.name))


def _with_default(present: Sequence[E], entries: Sequence[E], is_primary: Callable[[E], bool]) -> tuple[E, ...]:
    """The entries with the primary one as default. BMS keeps one default: of entries that are
    changed and have none, it is the first."""
    if any(entry.default and is_primary(entry) for entry in entries):
        return tuple(entries)
    chosen = next((place for place, entry in enumerate(entries) if is_primary(entry)), None)
    if chosen is None and tuple(entries) != tuple(present) and not any(entry.default for entry in entries):
        chosen = 0
    if chosen is None:
        return tuple(entries)
    return tuple(replace(entry, default=place == chosen) for place, entry in enumerate(entries))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of a BMS contact that can be changed, and what differs between two of them.

Plans and journals hold them by BMS's own names. Lists of e-mails and phones are held whole, and
sent as changes of single entries, since BMS takes them so (BMS API 2.0, `PatchContactEmails` and
`PatchContactPhones`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .model import BmsContact, BmsEmail, BmsPhone, EntryChange
from .phones import stored_key
from .text import address, text

EMAILS, PHONES = "Emails", "Phones"
FIELDS: Mapping[str, str] = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "JobTitle": "job_title",
    "IsActive": "active",
    EMAILS: "emails",
    PHONES: "phones",
}
"""The fields of a BMS contact that are set, with their names in the model."""

SHOWN: Mapping[str, str] = {
    "FirstName": "bms-first-name",
    "LastName": "bms-last-name",
    "JobTitle": "bms-job-title",
    "IsActive": "bms-active",
    EMAILS: "bms-emails",
    PHONES: "bms-phones",
}
"""How results name them beside the attributes of IT Glue."""

VALUE: Mapping[str, str] = {EMAILS: "address", PHONES: "number"}
"""Where an entry of a list has its value."""

Entry = Mapping[str, Any]


def encode(contact: BmsContact, fields: Iterable[str]) -> dict[str, Any]:
    """Fields of a contact by BMS's names, as JSON values."""
    values = {each: getattr(contact, FIELDS[each]) for each in fields}
    return {each: [*map(asdict, value)] if each in VALUE else value for each, value in values.items()}


def with_fields(contact: BmsContact, values: Mapping[str, Any]) -> BmsContact:
    """The contact once it has got these values."""
    changes: dict[str, Any] = {FIELDS[each]: value for each, value in values.items()}
    if EMAILS in values:
        changes["emails"] = tuple(BmsEmail(**entry) for entry in values[EMAILS])
    if PHONES in values:
        changes["phones"] = tuple(BmsPhone(**entry) for entry in values[PHONES])
    return replace(contact, **changes)


def same_value(field: str, one: Any, other: Any) -> bool:
    """Whether two values of a field are the same once BMS has normalised them."""
    return bool(_comparable(field, one) == _comparable(field, other))


def changed_fields(before: BmsContact, after: BmsContact) -> tuple[str, ...]:
    """The fields that differ once BMS has normalised them."""
    was, becomes = encode(before, FIELDS), encode(after, FIELDS)
    return tuple(each for each in FIELDS if not same_value(each, was[each], becomes[each]))


def _comparable(field: str, value: Any) -> Any:
    if field in VALUE:
        return sorted((entry_key(field, entry), entry["type_id"], entry["default"]) for entry in value or ())
    return (text(value) if isinstance(value, str) else value) or None


def entry_key(field: str, entry: Entry) -> str:
    """The form in which the values of two entries are compared."""
    value = entry[VALUE[field]]
    return address(value) if field == EMAILS else stored_key(value)


# --------------------------------------------------------------- single entries


def entry_changes(field: str, was: Sequence[Entry], becomes: Sequence[Entry]) -> list[EntryChange]:
    """The changes that make one list of the other, in which entries keep their places.

    Of the default only the new one is sent: BMS keeps one.
    """
    value = VALUE[field]
    changes = [
        EntryChange(
            "update",
            old[value],
            new_value=new[value] if new[value] != old[value] else None,
            default=True if new["default"] and not old["default"] else None,
        )
        for old, new in zip(was, becomes, strict=False)
        if new[value] != old[value] or (new["default"] and not old["default"])
    ]
    changes += [
        EntryChange("add", entry[value], type_id=entry["type_id"], default=entry["default"])
        for entry in becomes[len(was) :]
    ]
    return changes + [EntryChange("delete", entry[value]) for entry in was[len(becomes) :]]

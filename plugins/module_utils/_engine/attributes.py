# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A contact as IT Glue's attributes, and what differs between two of them.

The mappings here are what plans hold, what results show and what goes on the wire (IT Glue
API, Contacts, attributes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

from .model import Contact, Email, ItGlueId, Phone
from .phones import stored_key
from .text import address, text

SCALARS = {
    "first-name": "first_name",
    "last-name": "last_name",
    "title": "title",
    "location-id": "location_id",
    "contact-type-id": "contact_type_id",
}
EMAILS, PHONES = "contact-emails", "contact-phones"
FIELDS = (*SCALARS, EMAILS, PHONES)

_SLOTS = {**SCALARS, EMAILS: "emails", PHONES: "phones"}

GROUPS: Mapping[str, tuple[str, ...]] = {
    "name": ("first-name", "last-name", "title"),
    "location": ("location-id",),
    "contact-type": ("contact-type-id",),
    EMAILS: (EMAILS,),
    PHONES: (PHONES,),
}
"""Attributes that IT Glue accepts or refuses together on a synced contact."""


def group_of(attribute: str) -> str:
    return next(group for group, attributes in GROUPS.items() if attribute in attributes)


def groups_of(attributes: Iterable[str]) -> tuple[str, ...]:
    """The groups of attributes, each once."""
    return tuple(sorted({group_of(each) for each in attributes}))


def encode(contact: Contact, fields: Iterable[str] = FIELDS) -> dict[str, Any]:
    """The attributes of a contact, by IT Glue's names."""
    return {name: _encoders[name](contact) for name in fields}


def decode(attributes: Mapping[str, Any]) -> Contact:
    """The contact that attributes describe; what they leave out is blank."""
    scalars: dict[str, Any] = {slot: attributes.get(name) for name, slot in SCALARS.items()}
    return Contact(
        id=ItGlueId(0),
        **scalars,
        emails=tuple(
            Email(entry["value"], entry.get("label-name"), bool(entry.get("primary")))
            for entry in attributes.get(EMAILS) or ()
        ),
        phones=tuple(
            Phone(
                entry["value"],
                entry.get("label-name"),
                entry.get("extension"),
                bool(entry.get("primary")),
                entry.get("label-type") or "phone",
            )
            for entry in attributes.get(PHONES) or ()
        ),
    )


def same_value(contact: Contact, name: str, value: Any) -> bool:
    """Whether a contact holds `value` under an attribute, once IT Glue has normalised both."""
    return bool(comparable(contact, name) == comparable(decode({name: value}), name))


def with_values(contact: Contact, other: Contact, names: Iterable[str]) -> Contact:
    """A contact with the values that another one has under some attributes. The name of a location goes with it."""
    slots = [_SLOTS[name] for name in names]
    if _SLOTS["location-id"] in slots:
        slots.append("location_name")
    return replace(contact, **{slot: getattr(other, slot) for slot in slots})


def changed_fields(before: Contact, after: Contact) -> tuple[str, ...]:
    """The attributes that differ once IT Glue has normalised them."""
    return tuple(
        name
        for name, slot in _SLOTS.items()
        if (one := getattr(before, slot)) != (other := getattr(after, slot))
        and (_are_of_other_length(one, other) or comparable(before, name) != comparable(after, name))
    )


def _are_of_other_length(one: Any, other: Any) -> bool:
    """Whether two lists of entries differ in their length, so that no entry has to be compared."""
    return isinstance(one, tuple) and len(one) != len(other)


def comparable(contact: Contact, name: str) -> Any:
    """The value of one attribute in the form in which two are compared.

    IT Glue strips the separators of phones, answers null for an empty value and does not
    promise an order of entries (IT Glue API, `contact-emails` and `contact-phones`).
    """
    if name == EMAILS:
        return sorted((address(entry.value), entry.label or "", entry.primary) for entry in contact.emails)
    if name == PHONES:
        return sorted(
            (stored_key(entry.value), entry.label or "", entry.extension or "", entry.primary, entry.kind)
            for entry in contact.phones
        )
    value = getattr(contact, SCALARS[name])
    return text(value) or None if isinstance(value, str) else value


def _encode_emails(contact: Contact) -> list[dict[str, Any]]:
    return [{"value": each.value, "label-name": each.label, "primary": each.primary} for each in contact.emails]


def _encode_phones(contact: Contact) -> list[dict[str, Any]]:
    return [
        {
            "value": entry.value,
            "label-name": entry.label,
            "extension": entry.extension,
            "primary": entry.primary,
            "label-type": entry.kind,
        }
        for entry in contact.phones
    ]


_encoders: Mapping[str, Callable[[Contact], Any]] = {
    **{name: attrgetter(slot) for name, slot in SCALARS.items()},
    EMAILS: _encode_emails,
    PHONES: _encode_phones,
}

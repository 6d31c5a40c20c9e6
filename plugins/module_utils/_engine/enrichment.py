# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a contact should be (guide to matching), and whether it is ready for BMS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from .contact_phones import are_up_to_date, is_fax, phones
from .countries import region
from .identity import name_as_written
from .model import Contact, Email, ItGlueId, Location, Office365Settings, User
from .reasons import Reason
from .text import (
    ONMICROSOFT,
    email_keys,
    folded,
    is_blank,
    own_primary_address,
    own_primary_key,
    primary_address,
    primary_key,
    smtp_by_key,
    unless_blank,
)

FIRST_NAME, PRIMARY_EMAIL, PRIMARY_PHONE, LOCATION = "first_name", "primary_email", "primary_phone", "location"


Enriched: TypeAlias = tuple[Contact, tuple[Reason, ...]]
"""A contact with what its user calls for, and what is to be said of it."""


def enriched(
    user: User,
    contact: Contact | None,
    settings: Office365Settings,
    locations: Sequence[Location] = (),
    contact_type_id: ItGlueId | None = None,
    aliases: Mapping[str, str] | None = None,
    keys: Sequence[str] | None = None,
) -> Enriched:
    """The contact that `user` calls for: a new one for None, else `contact` with its changes.

    `aliases` are the addresses of the user's that may be added, by default all of them: the form in which they are
    compared to the one written. `keys` are the contact's e-mails in that form, where they are known already. A new
    contact without an e-mail address could not be found again: it must not be created.
    """
    base = contact or _NEW_CONTACT
    place = location_of(user, locations) if base.location_id is None else None
    location_id, location_name = (base.location_id, base.location_name) if place is None else (place.id, place.name)
    addresses = emails(user, base, settings, smtp_by_key(user) if aliases is None else aliases, keys)
    numbers, reasons = phones(user, base.phones, settings, partial(region_of, user, location_id, locations))
    first_name, last_name, title = base.first_name, base.last_name, base.title
    if (first_name, last_name, title) != (user.given_name, user.surname, user.job_title):  # most are equal
        first_name = name_as_written(first_name, user.given_name)
        last_name = name_as_written(last_name, user.surname, surname=True)
        title = unless_blank(title, user.job_title)
    present = (base.first_name, base.last_name, base.title, base.emails, base.phones)
    if contact and place is None and (first_name, last_name, title, addresses, numbers) == present:
        return base, reasons
    fields: dict[str, Any] = {
        "first_name": first_name,
        "last_name": last_name,
        "title": title,
        "emails": addresses,
        "phones": numbers,
        "location_id": location_id,
        "location_name": location_name,
    }
    if contact is None:
        return Contact(id=base.id, contact_type_id=contact_type_id, **fields), reasons
    return replace(contact, **fields), reasons


_NEW_CONTACT = Contact(id=ItGlueId(0))


def region_of(user: User, location_id: ItGlueId | None, locations: Sequence[Location]) -> str | None:
    """The ISO 3166 code of the country whose national telephone numbers a user's are: that of `usageLocation`,
    else that of the location of its contact; None where neither is known."""
    if code := region(user.usage_location):
        return code
    return next((region(place.country) for place in locations if place.id == location_id), None)


def needs_locations(user: User, contact: Contact | None, settings: Office365Settings) -> bool:
    """Whether the locations of the organization have to be known: a location has to be given, or a telephone
    number read whose country the user does not tell."""
    if contact is None or contact.location_id is None:
        return True
    return region(user.usage_location) is None and not are_up_to_date(user, contact.phones, settings)


# --------------------------------------------------------------------- e-mails


def emails(
    user: User,
    contact: Contact,
    settings: Office365Settings,
    aliases: Mapping[str, str],
    keys: Sequence[str] | None = None,
) -> tuple[Email, ...]:
    """The contact's addresses with the user's added: none twice, exactly one primary.

    An existing contact keeps its primary e-mail where the user has no address of its own but the username. For
    `aliases` and `keys` see `enriched`.
    """
    keys = email_keys(contact) if keys is None else keys
    key_of = own_primary_key if contact.id else primary_key
    key = key_of(user, settings.primary_email, aliases)
    held, lacking = set(keys), []
    if settings.sync_aliases and not aliases.keys() <= held:
        lacking = [each for each in aliases if each not in held and not each.endswith(ONMICROSOFT)]
    if not lacking and len(held) == len(keys) and key in held and _is_only_primary(key, contact.emails, keys):
        return contact.emails
    entries = _each_once(contact.emails, keys)
    own = own_primary_address if contact.id else primary_address
    primary = own(user, settings.primary_email)
    for alias, written in ((key, primary), *((each, aliases[each]) for each in lacking)):
        if written and alias not in entries:
            entries[alias] = Email(written, settings.email_label, primary=alias == key)
    key = key or next((each for each, entry in entries.items() if entry.primary), next(iter(entries), ""))
    return tuple(
        [
            entry if entry.primary == (present == key) else replace(entry, primary=present == key)
            for present, entry in entries.items()
        ]
    )


def _is_only_primary(key: str, entries: Sequence[Email], keys: Sequence[str]) -> bool:
    """Whether `key`, which is among `keys`, is the only primary address."""
    for place, entry in enumerate(entries):
        if entry.primary != (keys[place] == key):
            return False
    return bool(key)


def _each_once(present: Sequence[Email], keys: Sequence[str]) -> dict[str, Email]:
    entries: dict[str, Email] = {}
    for key, entry in zip(keys, present, strict=True):
        if key not in entries or (entry.primary and not entries[key].primary):
            entries[key] = entry
    return entries


# -------------------------------------------------------------------- location


def location_of(user: User, locations: Sequence[Location]) -> Location | None:
    """Where a contact without a location belongs; several hits of a rule: the next rule."""
    return next((hits[0] for hits in _places(user, locations) if len(hits) == 1), None)


def _places(user: User, locations: Sequence[Location]) -> Iterator[Sequence[Location]]:
    """The hits of each rule: the name of the office, the address, the primary location, all there are."""
    office = folded(user.office_location)
    yield [place for place in locations if folded(place.name) == office] if office else []
    yield _at_address(user, locations)
    yield [place for place in locations if place.primary]
    yield locations


def _at_address(user: User, locations: Sequence[Location]) -> list[Location]:
    """Same street and city. State and country narrow the hits only where they are spelled alike:
    one side may say `US` and the other `United States`."""
    street, city = folded(user.street_address), folded(user.city)
    if not street:
        return []
    hits = [place for place in locations if folded(place.address_1) == street and folded(place.city) == city]
    for value, part in ((user.state, "region"), (user.country, "country")):
        narrowed = [place for place in hits if folded(value) and folded(getattr(place, part)) == folded(value)]
        hits = narrowed or hits
    return hits


# ------------------------------------------------------------------- readiness


def missing(contact: Contact, *, native: bool = False) -> tuple[str, ...]:
    """What keeps a contact from being ready for BMS: it needs first name, primary e-mail,
    primary phone and location (vendor's page, "How does it work?").

    A fax by its label is no phone. Whether IT Glue, which pushes by itself under `native`, reads labels is not
    published: there its type alone counts, so that no push of IT Glue's goes unreported.
    """
    lacking = []
    if is_blank(contact.first_name):
        lacking.append(FIRST_NAME)
    for email in contact.emails:
        if email.primary and email.value.strip():
            break
    else:
        lacking.append(PRIMARY_EMAIL)
    for entry in contact.phones:
        if entry.primary and entry.value.strip() and not (entry.kind == "fax" if native else is_fax(entry)):
            break
    else:
        lacking.append(PRIMARY_PHONE)
    if contact.location_id is None:
        lacking.append(LOCATION)
    return tuple(lacking)

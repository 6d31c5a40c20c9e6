# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What a contact should be (feature, section 4), and whether BMS would take it (section 5)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any

from .model import Contact, Email, ItGlueId, Location, Office365Settings, Phone, User
from .phones import PLACEHOLDER, Number, digits, has_digits, is_placeholder, is_real_number, phone
from .text import (
    ONMICROSOFT,
    email_keys,
    folded,
    is_blank,
    primary_address,
    primary_key,
    smtp_by_key,
    smtp_keys,
    text,
)

FIRST_NAME, PRIMARY_EMAIL, PRIMARY_PHONE, LOCATION = "first_name", "primary_email", "primary_phone", "location"


_ENRICHABLE = ("first_name", "last_name", "title", "emails", "phones", "location_id", "location_name")
_enrichable = attrgetter(*_ENRICHABLE)
_others = attrgetter(*(each.name for each in fields(Contact) if each.init and each.name not in ("id", *_ENRICHABLE)))


def enriched(
    user: User,
    contact: Contact | None,
    settings: Office365Settings,
    locations: Sequence[Location] = (),
    contact_type_id: ItGlueId | None = None,
) -> Contact:
    """The contact that `user` calls for: a new one for None, else `contact` with its changes."""
    base = contact or _blank(contact_type_id)
    place = None if base.location_id is not None else location_of(user, locations)
    becomes: tuple[Any, ...] = (
        _unless_blank(base.first_name, user.given_name),
        _unless_blank(base.last_name, user.surname),
        _unless_blank(base.title, user.job_title),
        emails(user, base, settings),
        phones(user, base.phones, settings),
        base.location_id if place is None else place.id,
        base.location_name if place is None else place.name,
    )
    # In the order of the fields: a third of the time that `dataclasses.replace` takes.
    return base if becomes == _enrichable(base) else Contact(base.id, *becomes, *_others(base))


@lru_cache(maxsize=8)
def _blank(contact_type_id: ItGlueId | None) -> Contact:
    return Contact(id=ItGlueId(0), contact_type_id=contact_type_id)


def _unless_blank(present: str | None, wanted: str | None) -> str | None:
    """A blank never overwrites; equal after trimming and NFC is unchanged."""
    if not wanted or wanted == present:
        return present
    new = text(wanted)
    return present if not new or new == text(present) else new


# --------------------------------------------------------------------- e-mails


def emails(user: User, contact: Contact, settings: Office365Settings) -> tuple[Email, ...]:
    """The contact's addresses with the user's added: none twice, exactly one primary."""
    primary = primary_key(user, settings.primary_email)
    wanted = smtp_keys(user) if settings.sync_aliases else ()
    if _complete(contact, primary, wanted):
        return contact.emails
    entries = _each_once(contact)
    chosen = primary or _first_primary(entries)
    for key, entry in entries.items():
        if entry.primary != (key == chosen):
            entries[key] = Email(entry.value, entry.label, key == chosen)
    if primary and primary not in entries:
        entries[primary] = Email(primary_address(user, settings.primary_email), settings.email_label, primary=True)
    if lacking := [key for key in wanted if key not in entries and not key.endswith(ONMICROSOFT)]:
        written = smtp_by_key(user)
        entries |= {key: Email(written[key], settings.email_label) for key in lacking}
    return tuple(entries.values())


def _complete(contact: Contact, primary: str, wanted: Collection[str]) -> bool:
    """Whether the rule would change nothing, seen without trying it."""
    keys = email_keys(contact)
    for key in wanted:
        if key not in keys and not key.endswith(ONMICROSOFT):
            return False
    for number, entry in enumerate(contact.emails):
        if entry.primary != (keys[number] == primary):
            return False
    return primary in keys and len(set(keys)) == len(keys)


def _each_once(contact: Contact) -> dict[str, Email]:
    entries: dict[str, Email] = {}
    for key, entry in zip(email_keys(contact), contact.emails, strict=True):
        if key not in entries or (entry.primary and not entries[key].primary):
            entries[key] = entry
    return entries


def _first_primary(entries: dict[str, Email]) -> str | None:
    return next((key for key, entry in entries.items() if entry.primary), next(iter(entries), None))


# ---------------------------------------------------------------------- phones


OwnNumber = tuple[str, str, str]
"""A number of the user's: its digits, as it is written there, and the label that it carries in IT Glue."""


def phones(user: User, present: Sequence[Phone], settings: Office365Settings) -> tuple[Phone, ...]:
    """The contact's numbers with the user's added or replaced, and the primary chosen."""
    wanted = numbers(user, settings)
    held = [digits(entry.value) for entry in present]
    if _settled(present, held, wanted):
        return tuple(present)
    own = [key for key, dummy, dummy2 in wanted]
    entries = list(present)
    for key, written, label in wanted:
        if key not in held and (number := phone(written)):
            held.append(key)
            _put(entries, label, number, own)
    if settings.replace_blank_phone_numbers:
        _fill_blank(entries, own, settings)
    if settings.set_phone_numbers_primary:
        _choose_primary(entries, own, settings)
    return tuple(entries)


def _settled(present: Sequence[Phone], held: Sequence[str], wanted: Sequence[OwnNumber]) -> bool:
    """Whether the rules would change nothing, seen without trying them: no number is lacking, and there
    is but one entry that could be primary, or no blank and the user's first number is the only primary."""
    for key, dummy, dummy2 in wanted:
        if key not in held:
            return False
    if len(present) == 1:
        return present[0].primary and _is_phone(present[0]) and has_digits(present[0].value)
    primary = [(key, _is_phone(entry)) for key, entry in zip(held, present, strict=True) if entry.primary]
    return bool(wanted) and primary == [(wanted[0][0], True)] and all(held)


def numbers(user: User, settings: Office365Settings) -> list[OwnNumber]:
    """The user's numbers, the one of `phone_type` first."""
    labels = settings.phone_labels
    found: list[OwnNumber] = []
    if user.business_phones and (key := digits(user.business_phones[0])):
        found.append((key, user.business_phones[0], labels.office))
    if user.mobile_phone and (key := digits(user.mobile_phone)):
        found.append((key, user.mobile_phone, labels.mobile))
        if found[1:] and folded(settings.phone_type) == folded(labels.mobile):
            found.reverse()
    return found


def _put(entries: list[Phone], label: str, number: Number, own: Collection[str]) -> None:
    """Replace the one other phone under the label; add where there is none or several."""
    under_label = [
        index
        for index, entry in enumerate(entries)
        if entry.kind == "phone" and folded(entry.label) == folded(label) and digits(entry.value) not in own
    ]
    if len(under_label) == 1:
        replaced = entries[under_label[0]]
        entries[under_label[0]] = Phone(number.value, replaced.label, number.extension, replaced.primary)
    else:
        entries.append(Phone(number.value, label, number.extension))


def _fill_blank(entries: list[Phone], own: Collection[str], settings: Office365Settings) -> None:
    """A placeholder where neither side has a real number; a real one inherits its place."""
    real = [entry for entry in entries if _is_real(entry)]
    if len(real) == len(entries) > 0:
        return
    placeholders = [entry for entry in entries if _is_phone(entry) and is_placeholder(entry.value)]
    if not real:
        if not placeholders:
            placeholders.append(Phone(PLACEHOLDER, settings.phone_type, primary=True))
            entries += placeholders
        _make_primary(entries, _primary_first(placeholders))
    elif placeholders:
        heir = _primary_first([entry for entry in real if digits(entry.value) in own] or real)
        inherits = any(entry.primary for entry in placeholders)
        entries[:] = [entry for entry in entries if not any(entry is each for each in placeholders)]
        if inherits:
            _make_primary(entries, heir)


def _primary_first(choice: Sequence[Phone]) -> Phone:
    """The entry that is primary already, so that nothing hangs on the order of the entries."""
    return choice[0] if len(choice) == 1 else next((entry for entry in choice if entry.primary), choice[0])


def _choose_primary(entries: list[Phone], own: Sequence[str], settings: Office365Settings) -> None:
    """The user's number of `phone_type`, its other one, the present primary, the phone labelled
    `phone_type`, the first phone. Never a fax, never the placeholder beside a real number."""
    for key in own:
        if choice := [entry for entry in entries if _is_phone(entry) and digits(entry.value) == key]:
            _make_primary(entries, _primary_first(choice))
            return
    able = [entry for entry in entries if _is_real(entry)]
    able = able or [entry for entry in entries if _is_phone(entry) and is_placeholder(entry.value)]
    choice = [entry for entry in able if entry.primary]
    choice = choice or [entry for entry in able if folded(entry.label) == folded(settings.phone_type)] or able
    if choice:
        _make_primary(entries, _primary_first(choice))


def _make_primary(entries: list[Phone], chosen: Phone) -> None:
    if chosen.primary and len([entry for entry in entries if entry.primary]) == 1:
        return
    entries[:] = [entry if entry.primary == (entry is chosen) else _other_way(entry) for entry in entries]


def _other_way(entry: Phone) -> Phone:
    """Primary, where it was not, or no longer."""
    return Phone(entry.value, entry.label, entry.extension, not entry.primary, entry.kind)


def _is_phone(entry: Phone) -> bool:
    return entry.kind != "fax"


def _is_real(entry: Phone) -> bool:
    return _is_phone(entry) and is_real_number(entry.value)


# -------------------------------------------------------------------- location


def location_of(user: User, locations: Sequence[Location]) -> Location | None:
    """Where a contact without a location belongs; several hits of a rule: the next rule."""
    return next((hits[0] for hits in _places(user, locations) if len(hits) == 1), None)


def _places(user: User, locations: Sequence[Location]) -> Iterator[Sequence[Location]]:
    """The hits of each rule: the name of the office, the address, the primary location, all there are."""
    office = folded(user.office_location)
    yield [place for place in locations if office and folded(place.name) == office]
    yield _at_address(user, locations)
    yield [place for place in locations if place.primary]
    yield locations


def _at_address(user: User, locations: Sequence[Location]) -> list[Location]:
    """Same street and city. State and country narrow the hits only where they are spelled alike:
    one side may say `US` and the other `United States`."""
    street, city = folded(user.street_address), folded(user.city)
    hits = [place for place in locations if street and folded(place.address_1) == street and folded(place.city) == city]
    for theirs, ours in ((user.state, "region"), (user.country, "country")):
        narrowed = [place for place in hits if folded(theirs) and folded(getattr(place, ours)) == folded(theirs)]
        hits = narrowed or hits
    return hits


# ------------------------------------------------------------------- readiness


def missing(contact: Contact) -> tuple[str, ...]:
    """What keeps a contact from being ready for BMS: it needs first name, primary e-mail,
    primary phone and location (vendor's page, "How does it work?")."""
    lacking = []
    if is_blank(contact.first_name):
        lacking.append(FIRST_NAME)
    for email in contact.emails:
        if email.primary and email.value.strip():
            break
    else:
        lacking.append(PRIMARY_EMAIL)
    for entry in contact.phones:
        if entry.primary and _is_phone(entry) and entry.value.strip():
            break
    else:
        lacking.append(PRIMARY_PHONE)
    if contact.location_id is None:
        lacking.append(LOCATION)
    return tuple(lacking)

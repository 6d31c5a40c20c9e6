# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The phones of a contact with those of its user, and which of them is primary (guide to matching)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from .model import Office365Settings, Phone, User
from .phone_patterns import is_fax_label, names_a_fax
from .phones import (
    PLACEHOLDER,
    Number,
    digits,
    extension_key,
    has_digits,
    is_placeholder,
    is_real_number,
    is_same_number,
    is_tail,
    read,
    spelling,
)
from .reasons import Reason, ReasonCode, because
from .text import folded

Region: TypeAlias = "Callable[[], str | None]"
"""The country whose national numbers the user's are, asked for only where a number has to be read."""


def is_fax(entry: Phone) -> bool:
    """Whether an entry is a fax, by its type or by its label. A fax is never a primary phone."""
    return entry.kind == "fax" or is_fax_label(entry.label)


def phones(
    user: User, present: Sequence[Phone], settings: Office365Settings, region: Region = lambda: None
) -> tuple[tuple[Phone, ...], tuple[Reason, ...]]:
    """The contact's phones with the user's added or replaced and the primary chosen, and what to say of them.

    `region` answers with the ISO 3166 code of the country whose national numbers are meant, or None.
    """
    texts = _own_texts(user, settings)
    if _is_up_to_date(texts, present, settings):
        return tuple(present), ()
    own = [_OwnNumber(text, label) for text, label in texts]
    contact_phones = _ContactPhones(own, present, settings, region)
    contact_phones.place_numbers()
    if settings.replace_blank_phone_numbers:
        contact_phones.fill_blank()
    if settings.set_phone_numbers_primary:
        contact_phones.choose_primary()
    return tuple(contact_phones.entries), tuple(contact_phones.reasons)


def are_up_to_date(user: User, present: Sequence[Phone], settings: Office365Settings) -> bool:
    """Whether the rules would change no phone of a contact, as far as digits alone tell it."""
    return _is_up_to_date(_own_texts(user, settings), present, settings)


_Labelled: TypeAlias = "tuple[str, str]"
"""A number as it is written in Microsoft 365, and the label that it carries in IT Glue."""


@dataclass(slots=True)
class _OwnNumber:
    """A number of the user's: as it is written there, and the label that it carries in IT Glue.

    `number` is what the text says, once it is read. `entries` are the places of the contact's phones that are
    this number.
    """

    text: str
    label: str
    number: Number = Number("")
    entries: list[int] = field(default_factory=list)


class _ContactPhones:
    """The phones of one contact while the rules are applied to them. Entries keep their places."""

    def __init__(
        self, own: list[_OwnNumber], present: Sequence[Phone], settings: Office365Settings, region: Region
    ) -> None:
        self.entries = list(present)
        self.reasons: list[Reason] = []
        self._settings = settings
        self._region = region
        self._own = own

    # ------------------------------------------------------------- the numbers

    def place_numbers(self) -> None:
        """Find the user's numbers among the contact's; add or put in place of another one what is not there."""
        self._own = [own for own in self._own if self._locate(own)]
        # A number that is not sure may be the end of one that is.
        for own in sorted(self._own, key=lambda each: not each.number.sure):
            numbers = [entry for entry in self.entries if _is_real(entry) and _is_named(entry.label, own.label)]
            if not self._is_placed(own) and (own.number.sure or not numbers):
                own.entries = [self._put(own.label, own.number)]
        for own in self._own:
            if not self._is_placed(own):
                self.reasons.append(because(ReasonCode.PHONE_NOT_SURE, phone=own.text, label=own.label))

    def _locate(self, own: _OwnNumber) -> bool:
        """Find a number by its digits. Only where no phone of the contact has them, the text is read.
        Returns whether the text is a number."""
        if self.entries and not names_a_fax(own.text):
            key, extension = spelling(own.text)
            if key and (places := self._places(Number(key, extension))):
                own.number, own.entries = Number(key, extension), places
                return True
        number = read(own.text, self._region())
        if number is None:
            return False
        own.number, own.entries = number, self._places(number)
        if number.several:
            self.reasons.append(
                because(ReasonCode.PHONE_FIRST_OF_SEVERAL, phone=own.text, used=number.value, label=own.label)
            )
        return True

    def _is_placed(self, own: _OwnNumber) -> bool:
        """Whether a phone is this number, be it by now that of the user's other one; it gets the extension."""
        own.entries = own.entries or self._places(own.number)
        self._write_extension(own)
        return bool(own.entries)

    def _places(self, number: Number) -> list[int]:
        return [
            place
            for place, entry in enumerate(self.entries)
            if is_same_number(number.value, entry.value, self._region())
            or (not number.sure and is_tail(number.value, entry.value))
        ]

    def _write_extension(self, own: _OwnNumber) -> None:
        """Write an extension that the user has. One that only the contact has stays."""
        number = own.number
        if not number.extension:
            return
        places = [
            place
            for place in own.entries
            if not is_fax(self.entries[place])
            and (number.sure or is_same_number(number.value, self.entries[place].value, self._region()))
        ]
        if places and all(extension_key(self.entries[place].extension) != number.extension for place in places):
            place = next((each for each in places if _is_named(self.entries[each].label, own.label)), places[0])
            self.entries[place] = replace(self.entries[place], extension=number.extension)

    def _put(self, label: str, number: Number) -> int:
        """Replace the one other phone under the label; add where there is none or several. Returns the place."""
        own = {place for each in self._own for place in each.entries}
        others = [
            place
            for place, entry in enumerate(self.entries)
            if place not in own and entry.kind == "phone" and _is_named(entry.label, label)
        ]
        if len(others) == 1:
            place = others[0]
            self.entries[place] = replace(self.entries[place], value=number.value, extension=number.extension)
            return place
        self.entries.append(Phone(number.value, label, number.extension))
        return len(self.entries) - 1

    # ------------------------------------------------------------ blank phones

    def fill_blank(self) -> None:
        """A placeholder where neither side has a real number. A real one takes its place and inherits primary."""
        placeholders = [entry for entry in self.entries if _is_blank(entry)]
        if not any(map(_is_real, self.entries)):
            if not placeholders:
                placeholders.append(Phone(PLACEHOLDER, self._settings.phone_type, primary=True))
                self.entries += placeholders
            self._make_primary(_primary_first(placeholders))
        elif placeholders:
            own = [place for each in self._own for place in each.entries]
            replacements = [self.entries[place] for place in own if _is_real(self.entries[place])]
            replacement = _primary_first(replacements or [entry for entry in self.entries if _is_real(entry)])
            if any(entry.primary for entry in placeholders):
                self._make_primary(replacement)
            self._remove_placeholders()

    def _remove_placeholders(self) -> None:
        staying = [place for place, entry in enumerate(self.entries) if not _is_blank(entry)]
        moved = {old: new for new, old in enumerate(staying)}
        self.entries = [self.entries[place] for place in staying]
        for own in self._own:
            own.entries = [moved[place] for place in own.entries]

    # ----------------------------------------------------------------- primary

    def choose_primary(self) -> None:
        """Make the first that there is of these primary: the user's number of `phone_type`, the present primary,
        the user's other number, the phone labelled `phone_type`, the first phone.

        Never a fax, never the placeholder beside a real number.
        """
        real = [entry for entry in self.entries if _is_real(entry)]
        able = real or [entry for entry in self.entries if _is_blank(entry)]
        if able:
            self._make_primary(_primary_first(self._preferred(able)))

    def _preferred(self, able: list[Phone]) -> list[Phone]:
        """The phones that may become primary, by the first rule that prefers some of them."""
        kind = self._settings.phone_type or ""
        return (
            self._of_user(lambda own: folded(own.label) == folded(kind))
            or [entry for entry in able if entry.primary]
            or self._of_user(lambda own: True)
            or [entry for entry in able if _is_named(entry.label, kind)]
            or able
        )

    def _of_user(self, wanted: Callable[[_OwnNumber], bool]) -> list[Phone]:
        places = [place for own in self._own if wanted(own) for place in own.entries]
        return [self.entries[place] for place in places if _is_real(self.entries[place])]

    def _make_primary(self, chosen: Phone) -> None:
        place = self.entries.index(chosen)
        self.entries = [
            entry if entry.primary == (number == place) else replace(entry, primary=number == place)
            for number, entry in enumerate(self.entries)
        ]


def _is_up_to_date(own: Sequence[_Labelled], present: Sequence[Phone], settings: Office365Settings) -> bool:
    """Whether the rules would change nothing, seen by digits alone: most contacts are as they should be."""
    if own and not present:
        return False
    held: dict[str, Phone] = {}
    primary: list[tuple[str, Phone]] = []
    for entry in present:
        key = digits(entry.value)
        if key not in held or not is_fax(entry):
            held[key] = entry
        if entry.primary:
            primary.append((key, entry))
    first = None
    for text, dummy in own:
        key, extension = spelling(text)
        if not key or key not in held or (extension and held[key].extension != extension):
            return False
        first = first or key
    if not (settings.set_phone_numbers_primary or settings.replace_blank_phone_numbers):
        return True
    if len(primary) != 1 or is_fax(primary[0][1]):
        return False
    if "" in held:
        return not own and len(present) == 1 and is_placeholder(present[0].value)
    return first is None or first == primary[0][0] or not _is_named(own[0][1], settings.phone_type)


def _own_texts(user: User, settings: Office365Settings) -> list[_Labelled]:
    """The texts among the user's phones that have digits, with the label of each; that of `phone_type` first."""
    labels, office, mobile = settings.phone_labels, user.business_phones, user.mobile_phone
    texts = [(office[0], labels.office)] if office and has_digits(office[0]) else []
    if mobile and has_digits(mobile):
        texts.append((mobile, labels.mobile))
        if _is_named(labels.mobile, settings.phone_type):
            texts.reverse()
    return texts


def _is_named(label: str | None, name: str | None) -> bool:
    return label == name or folded(label) == folded(name)


def _is_real(entry: Phone) -> bool:
    return is_real_number(entry.value) and not is_fax(entry)


def _is_blank(entry: Phone) -> bool:
    return is_placeholder(entry.value) and not is_fax(entry)


def _primary_first(choice: Sequence[Phone]) -> Phone:
    """The entry that is primary already, so that nothing depends on the order of the entries."""
    return max(choice, key=lambda entry: entry.primary)

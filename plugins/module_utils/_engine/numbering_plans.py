# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbering plans of countries, over the library `phonenumbers` (guide to matching, telephone numbers)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_MEXICO = 52
# Until 2019 a mobile number was dialled with 1 behind the code of the country, with 044 or 045 within it, and a
# number of another area with 01. Many are still written so.
_FORMER_PREFIX_OF_MEXICO = re.compile(r"(?:1|01|04[45])(\d{10})")


def in_present_form(number: PhoneNumber) -> PhoneNumber:
    """A number without a prefix that its country has given up."""
    import phonenumbers

    if number.country_code != _MEXICO:
        return number
    former = _FORMER_PREFIX_OF_MEXICO.fullmatch(phonenumbers.national_significant_number(number))
    if former is None:
        return number
    return phonenumbers.PhoneNumber(country_code=_MEXICO, national_number=int(former[1]), extension=number.extension)


def without_former_prefix(text: str, region: str | None) -> PhoneNumber | None:
    """The number of a text that has such a prefix, without it. None where it has none, or is no number then."""
    if region is None and "+" not in text:
        return None  # the library reads national numbers in a country alone
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    present = in_present_form(number)
    return present if present is not number and phonenumbers.is_valid_number(present) else None


def is_emergency_number(digits: str, region: str) -> bool:
    """Whether digits call the police, an ambulance or the fire service of a country: that is nobody's number."""
    import phonenumbers

    return phonenumbers.is_emergency_number(digits, region)


def with_country_code(national: str, region: str) -> tuple[str, ...]:
    """What a national number may be in the international form, by the codes of the country alone."""
    codes = dialling_codes(region)
    return tuple(codes[0] + national.removeprefix(prefix) for prefix in ("", codes[1])) if codes else ()


def is_whole_as_written(digits: str) -> bool:
    """Whether the digits of a number in the international form are its form of E.164, of a possible length.

    It is False too where that takes the library to tell: where the prefix of national numbers may be among them.
    """
    patterns = [_whole_numbers(digits[:length]) for length in (1, 2, 3)]
    return any(pattern and pattern.fullmatch(digits) for pattern in patterns)


@cache
def _whole_numbers(code: str) -> re.Pattern[str] | None:
    """A pattern of the numbers of the country with a code, code included; None for no country. Parsing each number
    takes the rules longer than all else that they do for a new contact."""
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    plan = regions and phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    if not plan or not plan.general_desc or code.startswith("0"):
        return None
    prefix = rf"(?!(?:{plan.national_prefix_for_parsing})(?<!\A{code}))" if plan.national_prefix_for_parsing else ""
    lengths = "|".join(rf"\d{{{length}}}" for length in plan.general_desc.possible_length)
    return re.compile(rf"{code}{prefix}(?=.*[1-9])(?:{lengths})")


@cache
def dialling_codes(region: str) -> tuple[str, str] | None:
    """The code of a country, and what is dialled before its national numbers. None for no country."""
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        return None
    return str(phonenumbers.country_code_for_region(region)), phonenumbers.ndd_prefix_for_region(region, True) or ""


def international_forms(value: str, region: str | None, *, valid: bool = False) -> Iterator[str]:
    """A number in the form of E.164, where it is a possible one."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return
    number = in_present_form(number)
    if phonenumbers.is_valid_number(number) if valid else phonenumbers.is_possible_number(number):
        yield e164(number)


def countries_of(keys: Collection[str]) -> set[str | None]:
    """The countries of numbers in the form of E.164."""
    import phonenumbers

    numbers = [phonenumbers.parse(key, None) for key in keys]
    return {phonenumbers.region_code_for_country_code(number.country_code or 0) for number in numbers}


def e164(number: PhoneNumber) -> str:
    """A number in the form of E.164: a plus, the code of the country, the national number."""
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_whole(number: PhoneNumber) -> bool:
    """Whether a number has a possible length, its area code included."""
    import phonenumbers

    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE

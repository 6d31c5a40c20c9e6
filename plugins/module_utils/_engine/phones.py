# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How telephone numbers are read and compared (guide to matching, telephone numbers).

`read` finds the number in what a person typed, over the library `phonenumbers`. The library is imported
only where a number has to be read or where two numbers differ in their digits: two numbers of equal digits
are the same without it. What the library cannot read is compared by its digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .numbering_plans import (
    countries_of,
    dialling_codes,
    e164,
    international_forms,
    is_emergency_number,
    is_whole,
    is_whole_as_written,
    with_country_code,
    without_former_prefix,
)
from .phone_patterns import (
    BETWEEN_NUMBERS,
    BRACKETS,
    DATE_OF_DIGITS,
    DATE_OR_TIME,
    EXTENSION,
    EXTENSION_AT_END,
    INTERNATIONAL,
    OTHER_ENDINGS,
    PLAIN_INTERNATIONAL,
    TRUNK_ZERO,
    WORD,
    WORDS_OF_PHONES,
    is_named_before,
    is_named_behind,
    names_a_fax,
)

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber, PhoneNumberMatch

PLACEHOLDER = "000-000-0000"
"""The phone number that stands for a blank one (vendor's page, step 10)."""

_LONGEST_TEXT = 256
_LONGEST_NUMBER = 15
"""Digits of an international number (ITU-T E.164)."""
_SHORTEST_NATIONAL = 8
"""Digits from which on a number without a known country is taken for a whole one."""
_SHORTEST_OF_SEVERAL = 7
_SHORTEST_INTERNAL = 3
_SHORTEST_TAIL = 7
"""All spellings of one number end in the same digits: so many are compared before a number is read."""

_NO_DIGITS = bytes(code for code in range(128) if not chr(code).isdigit())
_PLAIN = "0123456789 ()+./-"
_DIGIT = re.compile(r"\d")
_DIGIT_BUT_ZERO = re.compile("[1-9]")


class Number(NamedTuple):
    """A telephone number as somebody wrote it.

    `value` is what is written: digits, after a `+` where the number was given in the international form.
    `sure` is False where the text allows another reading: such a number replaces no other. `several` says
    that the text holds further numbers, of which this is the first.
    """

    value: str
    extension: str | None = None
    sure: bool = True
    several: bool = False


# ------------------------------------------------------------------ by digits


def spelling(value: str | None) -> tuple[str, str | None]:
    """The digits by which a number is compared, and its extension. No digits: a placeholder or no number.

    A leading `+` or `00` and a `(0)` after the country code do not count. Zeros alone are no number, nor are
    letters with a few digits (`1-800-FLOWERS`), which nobody can dial as digits.
    """
    if not value:
        return "", None
    # Most numbers are groups of digits, with nothing else but a plus.
    bare = value.replace(" ", "").replace("-", "").removeprefix("+")
    if bare.isascii() and bare.isdigit():
        return _key(bare), None
    if not value.strip(_PLAIN):
        plain = _without_trunk_zero(value) if ")" in value else value
        return _key(_ascii_digits(plain)), None
    number, extension = _split(_ascii(value))
    found = _ascii_digits(_without_trunk_zero(number))
    if len(found) < _SHORTEST_NATIONAL and _strange_words(number):
        found = ""
    return _key(found), extension


def digits(value: str | None) -> str:
    """The digits by which a stored number is compared; blank for a placeholder or no number."""
    if value and value.isascii() and value.isdigit():  # what IT Glue keeps is digits alone
        return _key(value)
    return spelling(value)[0]


def stored_key(value: str) -> str:
    """The form in which two stored values are compared, be they numbers or not; all placeholders are one."""
    return digits(value) or ("0" if is_placeholder(value) else " ".join(value.casefold().split()))


def has_digits(value: str | None) -> bool:
    """Whether a stored phone is a number or a placeholder: one of the two, wherever it has digits."""
    return bool(value and _DIGIT.search(value))


def is_placeholder(value: str | None) -> bool:
    """Whether a stored phone is zeros alone: `000-000-0000`, with or without separators."""
    return has_digits(value) and not is_real_number(value)


def is_real_number(value: str | None) -> bool:
    """Whether a stored phone is a number, be it one in letters (`1-800-FLOWERS`)."""
    return bool(value and _DIGIT_BUT_ZERO.search(value if value.isascii() else _ascii_digits(value)))


def extension_key(value: str | None) -> str:
    """The digits of a stored extension."""
    return _ascii_digits(value or "")


def _key(found: str) -> str:
    if not found or found[0] != "0":
        return found
    key = found.removeprefix("00")
    return key if key.strip("0") else ""


def _split(text: str) -> tuple[str, str | None]:
    """The text before an extension at its end, and the extension."""
    if not text.strip(_PLAIN):
        return text, None
    found = EXTENSION_AT_END.search(text)
    return (text[: found.start()], _extension(found)) if found else (text, None)


def _extension(found: re.Match[str]) -> str:
    return next(value for value in found.group("labelled", "dialled", "confirmed") if value)


def _without_trunk_zero(text: str) -> str:
    return TRUNK_ZERO.sub(r"\1", text)


def _strange_words(text: str) -> bool:
    """Whether there are words in a text that do not name a kind of number."""
    return any(word.casefold() not in WORDS_OF_PHONES for word in WORD.findall(text))


def _ascii(value: str) -> str:
    """Full-width and other decimal digits and separators as ASCII; without invisible characters."""
    value = value[:_LONGEST_TEXT]
    return value if value.isascii() else "".join(map(_ascii_char, value))


def _ascii_char(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    kind = unicodedata.category(char)
    if kind == "Cf":
        return ""
    if kind == "Pd":
        return "-"
    if kind == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if not any(map(str.isdigit, plain)) else " "


def _ascii_digits(value: str) -> str:
    if value.isascii():
        return value if value.isdigit() else value.encode().translate(None, _NO_DIGITS).decode()
    return "".join(str(unicodedata.decimal(char)) for char in value if char.isdecimal())


# ------------------------------------------------------------------- comparing


def is_same_number(one: str, other: str, region: str | None) -> bool:
    """Whether two stored or written numbers are one.

    Where their digits differ, a national number is read in the country `region`, and in that of the other
    number: `020 7946 0958` is `+442079460958`.
    """
    a, b = digits(one), digits(other)
    if not a or not b or a == b:
        return bool(a) and a == b
    if a[-_SHORTEST_TAIL:] != b[-_SHORTEST_TAIL:]:
        return False
    if region and (b in with_country_code(a, region) or a in with_country_code(b, region)):
        return True
    of_one, of_other = _readings(one, {region}), _readings(other, {region})
    if of_one & of_other:
        return True
    countries = countries_of(of_one | of_other)
    return bool(of_one & _readings(other, countries) or of_other & _readings(one, countries))


def is_tail(number: str, stored: str) -> bool:
    """Whether a number is the end of a stored one, as a local number or an internal one is."""
    tail = digits(number)
    return len(tail) >= _SHORTEST_INTERNAL and digits(stored).endswith(tail)


def _readings(value: str, regions: Collection[str | None]) -> set[str]:
    """The international numbers that a value may be."""
    international = f"+{digits(value)}"
    if INTERNATIONAL.match(value):
        return set(international_forms(international, None))
    found = {key for region in regions for key in international_forms(digits(value), region)}
    # IT Glue may strip a leading plus.
    return found | set(international_forms(international, None, valid=True))


# --------------------------------------------------------------------- reading


def read(value: str | None, region: str | None) -> Number | None:
    """Read a telephone number as a person wrote it; None where there is no number.

    `region` is the ISO 3166 code of the country whose national numbers are meant, None where it is not known.
    Of several numbers the first counts. Dates, notes and the numbers of faxes are no telephone numbers.
    """
    if not value or not has_digits(value):
        return None
    if number := _read_plain(value):
        return number
    text = DATE_OR_TIME.sub(lambda found: "|" * len(found.group()), _ascii(value).translate(BRACKETS))
    if not _ascii_digits(_split(text)[0]).strip("0"):
        return None
    return (
        _read_first_of_endings(text, region)
        or _search(text, region)
        or _read_former(text, region)
        or _read_by_digits(text, region)
    )


def _read_plain(value: str) -> Number | None:
    """The number, where the text is one in the international form and nothing else, as most are: then there is
    nothing to find in it."""
    if not PLAIN_INTERNATIONAL.fullmatch(value):
        return None
    written = _ascii_digits(value)
    if len(written) < _SHORTEST_OF_SEVERAL or not is_whole_as_written(written):
        return None  # it is left to the search
    return Number(f"+{written}")


def _read_first_of_endings(text: str, region: str | None) -> Number | None:
    """The first number of a row in which only the last digits of the others are written: `27561234/35`. Where all of
    it exists as one number, it is no row. It is never sure: a slash is a separator as well."""
    if not (others := OTHER_ENDINGS.search(text)):
        return None
    first = text[: others.start()]
    if not _existing(first, region) or any(match.end > others.start() for match in _existing(text, region)):
        return None
    number = _search(first, region)
    return number._replace(sure=False, several=True) if number else None


def _existing(text: str, region: str | None) -> list[PhoneNumberMatch]:
    """The numbers of a text that exist in their country."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    return list(PhoneNumberMatcher(text, region, leniency=Leniency.VALID))


def _search(text: str, region: str | None) -> Number | None:
    """The number that the library finds in a text."""
    return next(filter(None, (_read_by_library(spelled, region) for spelled in _spelled(text))), None)


def _read_former(text: str, region: str | None) -> Number | None:
    """A number with a prefix that its country has given up, without it: the library takes it for too long."""
    spelled, extension = _split(text)
    if _strange_words(spelled):
        return None
    found = filter(None, (without_former_prefix(form, region) for form in _spelled(spelled)))
    if (number := next(found, None)) is None:
        return None
    international = INTERNATIONAL.match(spelled) or not region
    return Number(e164(number) if international else str(number.national_number), extension)


def _spelled(text: str) -> Iterator[str]:
    """The text, and the text with a number in the international form where it has one without a plus."""
    yield text
    if "+" in text:
        return
    if INTERNATIONAL.match(text):
        yield text.replace("00", "+", 1)
    elif TRUNK_ZERO.search(text):
        yield re.sub(r"(\d)", r"+\1", text, count=1)


def _find(text: str, region: str | None) -> list[PhoneNumberMatch]:
    """The numbers of a text. Short ones are such only where a country has them, and zeros alone are none."""
    if region is None and "+" not in text:
        return []  # the library reads national numbers in a country alone
    from phonenumbers import Leniency, PhoneNumberMatcher, is_valid_number

    return [
        match
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE)
        if (len(_ascii_digits(match.raw_string)) >= _SHORTEST_OF_SEVERAL or is_valid_number(match.number))
        and match.number.national_number
    ]


def _read_by_library(text: str, region: str | None) -> Number | None:
    """The first number of a text that is not a fax's, where the library finds it."""
    found = _find(text, region)
    if found and not region and _ascii_digits(text) != _ascii_digits(text[found[0].start : found[0].end]):
        # A number in the international form tells the country of its neighbours.
        (region,) = countries_of({e164(found[0].number)})
        found = _find(text, region)
    numbers = _voice_numbers(text, found)
    if not numbers:
        return None
    first, *others = numbers
    number = _number(text, first, min((other.start for other in others), default=len(text)), region)
    if not number.sure and len(number.value) < _SHORTEST_NATIONAL and _strange_words(text):
        return None
    return number._replace(several=any(e164(other.number) != e164(first.number) for other in others))


def _voice_numbers(text: str, found: Sequence[PhoneNumberMatch]) -> list[PhoneNumberMatch]:
    """The numbers that are not those of faxes; none where digits before the first one are part of no number."""
    end, numbers = 0, []
    for each in found:
        before = text[end : each.start]
        if not end and _digits_beside(before[::-1]):
            return []
        if not is_named_before(before) and not is_named_behind(text[each.end :]):
            numbers.append(each)
        end = each.end
    return numbers


def _digits_beside(text: str) -> bool:
    """Whether a text begins with digits, with nothing but separators before them."""
    return bool(re.match(r"[\s()\[\]+./-]*\d", text))


def _number(text: str, found: PhoneNumberMatch, limit: int, region: str | None) -> Number:
    """A number that was found in a text, of which the part up to `limit` is about it."""
    spelled, extension, end = text[found.start : found.end], found.number.extension, found.end
    if extension:
        spelled = _split(spelled)[0]
    elif after := EXTENSION.match(text, found.end, limit):
        extension, end = _extension(after), after.end()
    international = _is_international(found.number, spelled, region)
    beside = f"{text[: found.start]} {text[end:limit]}"
    sure = not _digits_beside(text[end:limit]) and (
        is_whole(found.number) if international else _is_sure(found.number, spelled, beside, region)
    )
    return Number(e164(found.number) if international else _ascii_digits(spelled), extension, sure)


def _is_international(number: PhoneNumber, spelled: str, region: str | None) -> bool:
    """Whether a number is spelled in the international form, be it with what its country dials for a plus, or
    without a plus and with a zero that nobody dials behind the code of the country."""
    from phonenumbers import CountryCodeSource, parse

    if "+" in spelled:
        return True
    source = parse(spelled, region, keep_raw_input=True).country_code_source
    if source == CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN:
        return _ascii_digits(spelled) != e164(number)[1:]
    return source == CountryCodeSource.FROM_NUMBER_WITH_IDD


def _is_sure(number: PhoneNumber, spelled: str, beside: str, region: str | None) -> bool:
    """Whether a national number has but one reading: one that exists in the country, or a whole one with no
    strange word beside it."""
    if not is_whole(number) or DATE_OF_DIGITS.fullmatch(spelled.strip()):
        return False
    # Without the prefix of its country's national numbers it may be a local number.
    codes = dialling_codes(region or "")
    prefixed = codes is None or codes[1] != "0" or _ascii_digits(spelled).startswith("0")
    if prefixed and not _strange_words(beside):
        return True
    return bool(_existing(spelled, region))


def _read_by_digits(text: str, region: str | None) -> Number | None:
    """What is a number by its digits. It is sure only where nothing but the country is unknown."""
    pieces = BETWEEN_NUMBERS.split(text)
    long = [piece for piece in pieces if len(_ascii_digits(piece)) >= _SHORTEST_OF_SEVERAL]
    number, extension = _split(long[0] if len(long) > 1 else text)
    found = _ascii_digits(_without_trunk_zero(number))
    strange = _strange_words(number)
    is_date = DATE_OF_DIGITS.fullmatch(found)
    if (region and (strange or is_date or is_emergency_number(found, region))) or (strange and is_date):
        return None
    if not _is_number(found, number, strange) or names_a_fax(number):
        return None
    international = "+" in number
    unclear = region or strange or international or is_date
    sure = not unclear and len(found) >= _SHORTEST_NATIONAL
    return Number(("+" if international else "") + found, extension, sure, several=len(long) > 1)


def _is_number(found: str, spelled: str, strange: bool) -> bool:
    if not found.strip("0") or len(found) > _LONGEST_NUMBER:
        return False
    if strange:
        return len(found) >= _SHORTEST_NATIONAL
    return len(found) >= _SHORTEST_OF_SEVERAL or (len(found) >= _SHORTEST_INTERNAL and found in spelled)

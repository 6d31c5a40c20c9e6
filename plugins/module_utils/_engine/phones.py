# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""How telephone numbers are read and compared (feature, section 4)."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

PLACEHOLDER = "000-000-0000"
"""The phone number that stands for a blank one (vendor's page, step 10)."""

_NO_DIGITS = bytes(code for code in range(128) if not chr(code).isdigit())

# The letter before keeps a word that ends in x, as `fax`, from being read as a mark.
_EXTENSION = re.compile(r"(?<![^\W\d_])(?:extension|ext|x|#)[\s.:=]*(\d+)\s*$", re.IGNORECASE)
_PLAIN = "0123456789 ()+./-"
_PLUS = re.compile(r"\D*[+＋]")

# One more than `1-800-555-CALL` has.
_FEWEST_DIGITS_BESIDE_WORDS = 8


class Number(NamedTuple):
    """A phone number: `value` to write, `digits` to compare by, `extension` or None."""

    value: str
    digits: str
    extension: str | None


def phone(value: str | None) -> Number | None:
    """Read a phone number as a person wrote it; None where there is no number.

    An `x123` or `ext 123` at the end is the extension. A leading `+` or `00` does not count
    in the comparison. Zeros alone are no number, nor are letters with a few digits
    (`1-800-FLOWERS`), which nobody can dial as digits.
    """
    if not value:
        return None
    extension = None
    plain = not value.strip(_PLAIN)
    if not plain and (suffix := _EXTENSION.search(value)):
        value, extension = value[: suffix.start()], _ascii_digits(suffix.group(1))
    digits = _ascii_digits(value)
    if not plain and len(digits) < _FEWEST_DIGITS_BESIDE_WORDS and any(map(str.isalpha, value)):
        return None
    plus = "+" if _PLUS.match(value) else ""
    key = digits.removeprefix("00")
    return Number(plus + digits, key, extension) if key.strip("0") else None


def digits(value: str | None) -> str:
    """The digits by which a stored number is compared; blank for a placeholder or no number."""
    if not value:
        return ""
    # What IT Glue keeps is digits alone.
    if not (value.isdigit() and value.isascii()):
        if value.strip(_PLAIN):
            number = phone(value)
            return number.digits if number else ""
        value = _ascii_digits(value)
    key = value.removeprefix("00")
    return key if key.strip("0") else ""


def has_digits(value: str | None) -> bool:
    """Whether a stored phone is a number or a placeholder: one of the two, wherever it has digits."""
    return bool(_ascii_digits(value or ""))


def is_placeholder(value: str | None) -> bool:
    """Whether a stored phone is zeros alone: `000-000-0000`, with or without separators."""
    found = _ascii_digits(value or "")
    return bool(found) and not found.strip("0")


def is_real_number(value: str | None) -> bool:
    """Whether a stored phone is a number, be it one in letters (`1-800-FLOWERS`)."""
    return bool(_ascii_digits(value or "").strip("0"))


def _ascii_digits(value: str) -> str:
    if value.isascii():
        return value if value.isdigit() else value.encode().translate(None, _NO_DIGITS).decode()
    return "".join(str(unicodedata.decimal(char)) for char in value if char.isdecimal())

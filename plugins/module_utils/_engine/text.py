# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""How addresses, names and phone numbers are compared (feature, sections 3 and 4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple, TypeVar

from .model import Contact, User

T = TypeVar("T")
FullName = tuple[str, str]

NAMES_OF_USER = attrgetter("given_name", "surname")
NAMES_OF_CONTACT = attrgetter("first_name", "last_name")

PLACEHOLDER = "000-000-0000"
"""The phone number that stands for a blank one (vendor's page, step 10)."""

ONMICROSOFT = ".onmicrosoft.com"

_NO_DIGITS = bytes(code for code in range(128) if not chr(code).isdigit())

# The letter before keeps a word that ends in x, as `fax`, from being read as a mark.
_EXTENSION = re.compile(r"(?<![^\W\d_])(?:extension|ext|x|#)[\s.:=]*(\d+)\s*$", re.IGNORECASE)
_PLAIN = "0123456789 ()+./-"
_PLUS = re.compile(r"\D*[+＋]")

# One more than `1-800-555-CALL` has.
_FEWEST_DIGITS_BESIDE_WORDS = 8


def text(value: str | None) -> str:
    """`value` as it is written and shown: trimmed, NFC; blank for None."""
    return unicodedata.normalize("NFC", value.strip()) if value else ""


def is_blank(value: str | None) -> bool:
    """Whether there is nothing in `value` but white space."""
    return not value or value.isspace()


# ------------------------------------------------------------------- addresses


def address(value: str | None) -> str:
    """The form in which two addresses are compared: trimmed and case-folded."""
    return value.strip().casefold() if value else ""


def is_address(value: str | None) -> bool:
    """Whether `value` has the outer shape of an e-mail address."""
    return bool(written_address(value))


def written_address(value: str | None) -> str:
    """`value` trimmed, where it has the outer shape of an e-mail address: one `@` with something on
    both sides and no white space within. Else blank."""
    words = value.split() if value else ()
    if len(words) != 1:
        return ""
    local, dummy, host = words[0].partition("@")
    return words[0] if local and host and "@" not in host else ""


def domain(value: str | None) -> str:
    """The case-folded domain of an address, blank where there is none."""
    return address(value).rpartition("@")[2] if is_address(value) else ""


def proxied(user: User) -> list[str]:
    """The SMTP addresses among a user's proxy addresses: the mailbox's primary one first.

    Graph prefixes each with its kind: `SMTP:` for the primary, `smtp:` for an alias. SIP, X500
    and SPO entries are no addresses (Microsoft Graph, user resource, `proxyAddresses`).
    """
    primary: list[str] = []
    others: list[str] = []
    for entry in user.proxy_addresses:
        prefix, dummy, value = entry.partition(":")
        kind = prefix.strip()
        if kind == "SMTP":
            primary.append(value)
        elif kind.casefold() == "smtp":
            others.append(value)
    return primary + others


def smtp_by_key(user: User) -> dict[str, str]:
    """The SMTP addresses of a user, none twice: the form to compare to the one written.

    The mailbox's primary one comes first, then aliases, then `mail`.
    """
    found: dict[str, str] = {}
    for value in proxied(user):
        if written := written_address(value):
            found.setdefault(written.casefold(), written)
    if (key := address(user.mail)) not in found and (written := written_address(user.mail)):
        found[key] = written
    return found


def smtp_keys(user: User) -> tuple[str, ...]:
    """The SMTP addresses of a user in the form in which they are compared, read once for each user."""
    keys = user.keys_read
    if keys is None:
        keys = tuple(smtp_by_key(user))
        object.__setattr__(user, "keys_read", keys)
    return keys


def primary_address(user: User, primary_email: str) -> str:
    """The address that becomes a contact's primary e-mail, blank where the user has none.

    `primary_email` is `mail` or `username`; a blank or malformed `mail` falls back on the
    username (feature, section 1), and where that is no address either, on the mailbox's own.
    """
    order = (user.mail, user.username) if primary_email == "mail" else (user.username, user.mail)
    for value in order:
        if written := written_address(value):
            return written
    return next(iter(smtp_by_key(user).values()), "")


def primary_key(user: User, primary_email: str) -> str:
    """`primary_address` in the form in which addresses are compared."""
    key = address(user.mail) if primary_email == "mail" else ""
    return key if key in smtp_keys(user) else address(primary_address(user, primary_email))


def email_keys(contact: Contact) -> tuple[str, ...]:
    """Each e-mail of a contact in the form in which they are compared, read once for each contact."""
    keys = contact.keys_read
    if keys is None:
        keys = tuple([entry.value.strip().casefold() for entry in contact.emails])
        object.__setattr__(contact, "keys_read", keys)
    return keys


def contact_addresses(contact: Contact) -> frozenset[str]:
    """All addresses of a contact, in the form in which they are compared."""
    return frozenset(filter(None, email_keys(contact)))


# ----------------------------------------------------------------------- names


def name(value: str | None) -> str:
    """The form in which names are compared: NFKC, case-folded, inner white space one blank."""
    if not value:
        return ""
    if value.isascii():
        words = value.casefold().split()
    else:
        words = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold()).split()
    return words[0] if len(words) == 1 else " ".join(words)


folded = lru_cache(maxsize=1024)(name)
"""The same of labels and places, which are few and asked for again and again."""


def full_name(first: str | None, last: str | None) -> FullName | None:
    """First and last name for comparison, None unless both are there."""
    pair = (name(first), name(last))
    return pair if all(pair) else None


def bearers(
    wanted: Collection[FullName | None], rows: Iterable[T], names: Callable[[T], tuple[str | None, str | None]]
) -> Iterator[tuple[FullName, T]]:
    """The rows that bear one of the names, each with that name. `names` tells first and last of a row."""
    lasts = {own[1] for own in wanted if own}
    for row in rows if lasts else ():
        first, last = names(row)
        if name(last) in lasts and (own := full_name(first, last)) in wanted and own:
            yield own, row


# ---------------------------------------------------------------------- phones


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

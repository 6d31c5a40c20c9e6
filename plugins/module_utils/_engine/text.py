# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""How addresses and names are compared (feature, section 3)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import TypeVar

from .model import Contact, User

T = TypeVar("T")
FullName = tuple[str, str]

NAMES_OF_USER = attrgetter("given_name", "surname")
NAMES_OF_CONTACT = attrgetter("first_name", "last_name")

ONMICROSOFT = ".onmicrosoft.com"


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

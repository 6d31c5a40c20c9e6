# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one normaliser of all layers: how texts, addresses and names are compared, and how they are written.

Two values are compared without characters that cannot be seen (Unicode category Cf), trimmed, in NFKC and
case-folded (guide to matching). A value that is written loses such characters at its ends, an address loses
them everywhere. Inside a name they stay: a zero-width non-joiner is Persian spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter

from .model import BmsContact, Contact, User

FullName = tuple[str, str]

NAMES_OF_USER = attrgetter("given_name", "surname")
NAMES_OF_CONTACT = attrgetter("first_name", "last_name")

ONMICROSOFT = ".onmicrosoft.com"

GUEST_MARK = "#ext#"
"""What the username of a guest holds, case-folded. Such a username is no e-mail address."""

APOSTROPHES = (
    "\u0060\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u0374\u05f3\u1fbd\u1fbf\u1fef"
    "\u1ffd\u2018\u2019\u201a\u201b\u2032\u2035\ua78b\ua78c\uff07\uff40"
)
"""What stands for an apostrophe: single quotation marks, and accents that are used as such."""

DASHES = (
    "\u02d7\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b"
    "\u2e40\u2e5d\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
"""What stands for a hyphen: every dash, and the minus sign."""

_MARKS = re.compile(f"[{re.escape(APOSTROPHES + DASHES)}]")
_PUNCTUATION = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(DASHES, "-"))

_LONGEST_LABEL = 63
"""So many characters a label of a domain has at most (RFC 1035)."""


def visible(value: str) -> str:
    """`value` without the characters that cannot be seen: those of the Unicode category Cf."""
    # None of them is printable, and most values are.
    if value.isprintable():
        return value
    return "".join([char for char in value if unicodedata.category(char) != "Cf"])


def trimmed(value: str | None) -> str:
    """`value` without white space and without invisible characters at its ends; blank for None."""
    if not value:
        return ""
    value = value.strip()
    if value.isprintable():
        return value
    first, last = 0, len(value)
    while first < last and _is_nothing(value[first]):
        first += 1
    while first < last and _is_nothing(value[last - 1]):
        last -= 1
    return value[first:last]


def _is_nothing(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"


def text(value: str | None) -> str:
    """`value` as it is written and shown: trimmed, NFC; blank for None."""
    return unicodedata.normalize("NFC", trimmed(value)) if value else ""


def unless_blank(present: str | None, wanted: str | None) -> str | None:
    """What a field holds once `wanted` is written over `present`: a blank never overwrites, and what is equal after
    trimming and NFC is unchanged."""
    if not wanted or wanted == present:
        return present
    new = text(wanted)
    return present if not new or new == text(present) else new


def is_blank(value: str | None) -> bool:
    """Whether there is nothing in `value` but white space and invisible characters."""
    # Most values begin with a letter.
    return not value or not (value[0].isalnum() or trimmed(value))


def _nfkc(value: str) -> str:
    return unicodedata.normalize("NFKC", value)


# ------------------------------------------------------------------- addresses


def address(value: str | None) -> str:
    """The form in which two addresses are compared: the domain in one form, be it written in letters or in
    the ASCII form of internationalized domain names; blank for None."""
    if not value:
        return ""
    if value.isascii():
        key = value.strip().casefold()
        return _with_one_form_of_domain(key) if "xn--" in key else key
    return _with_one_form_of_domain(_nfkc(_nfkc(visible(value)).casefold()).strip())


def _with_one_form_of_domain(key: str) -> str:
    local, at_sign, host = key.rpartition("@")
    return f"{local}{at_sign}{_decoded_domain(host)}" if at_sign else key


@lru_cache(maxsize=1024)
def _decoded_domain(host: str) -> str:
    return ".".join(map(_decoded_label, host.replace("\u3002", ".").split(".")))


def _decoded_label(label: str) -> str:
    """A label of a domain in letters. One that cannot be the ASCII form of anything stays as it is."""
    if not label.startswith("xn--") or len(label) > _LONGEST_LABEL:
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    key = _nfkc(_nfkc(decoded).casefold())
    return label if decoded.isascii() or set(key) & set("@.\u3002") else key


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 contact`, `2 contacts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_address(value: str | None) -> bool:
    """Whether `value` has the outer shape of an e-mail address."""
    return bool(written_address(value))


def written_address(value: str | None) -> str:
    """`value` as an address is written: trimmed and without invisible characters, where it has the outer shape
    of an e-mail address: one `@` with something on both sides and no white space within. Else blank."""
    if not value:
        return ""
    # The blank is the only printable white space, and most addresses hold none.
    if not value.isprintable() or " " in value:
        value = visible(value).strip()
        if len(value.split()) != 1:
            return ""
    local, dummy, host = value.partition("@")
    return value if local and host and "@" not in host else ""


def domain(value: str | None) -> str:
    """The domain of an address in the form in which domains are compared, blank where there is none."""
    return address(written_address(value)).rpartition("@")[2]


def domain_key(name: str) -> str:
    """A domain by its name, be it with an @ in front, in the form in which domains are compared."""
    return address(f"@{name}").rpartition("@")[2]


def proxied_by_key(user: User) -> dict[str, str]:
    """The SMTP addresses among a user's proxy addresses, none twice: the form to compare to the one written. The
    mailbox's primary one comes first.

    Graph prefixes each with its kind: `SMTP:` for the primary, `smtp:` for an alias. SIP, X500
    and SPO entries are no addresses (Microsoft Graph, user resource, `proxyAddresses`).
    """
    primary: list[str] = []
    others: list[str] = []
    for entry in user.proxy_addresses:
        kind, dummy, value = entry.partition(":")
        if not kind.isalnum():
            kind = trimmed(kind)
        if kind == "SMTP":
            primary.append(value)
        elif kind.casefold() == "smtp":
            others.append(value)
    found: dict[str, str] = {}
    for value in primary + others:
        if written := written_address(value):
            found.setdefault(address(written), written)
    return found


def smtp_by_key(user: User) -> dict[str, str]:
    """The SMTP addresses of a user, none twice: the form to compare to the one written.

    The mailbox's primary one comes first, then aliases, then `mail`.
    """
    return with_mail(proxied_by_key(user), user)


def with_mail(proxied_addresses: dict[str, str], user: User) -> dict[str, str]:
    """A user's `proxied_by_key` with `mail` behind them, where it is none of them."""
    if user.mail in proxied_addresses.values() or not (written := written_address(user.mail)):
        return proxied_addresses
    key = address(written)
    return proxied_addresses if key in proxied_addresses else {**proxied_addresses, key: written}


def user_addresses(user: User) -> frozenset[str]:
    """All addresses of a user, username included, in the form in which they are compared."""
    return frozenset((*smtp_by_key(user), address(user.username))) - {""}


def own_primary_address(user: User, primary_email: str) -> str:
    """The address that becomes the primary e-mail of an existing contact. Blank where the user has none: the
    contact keeps the primary e-mail that it has.

    With `primary_email` `mail` that is `mail`, and where it is blank the mailbox's `SMTP:` address. With
    `username` it is the username, and where that is no e-mail address, as above.
    """
    if primary_email != "mail" and (written := _primary_candidate(user.username)):
        return written
    return _primary_candidate(user.mail) or _mailbox_address(user)


def own_primary_key(user: User, primary_email: str, addresses: Mapping[str, str]) -> str:
    """`own_primary_address` in the form in which addresses are compared. `addresses` are some of the user's: that form
    to the one written."""
    if primary_email == "mail":
        for key, written in addresses.items():
            # As most are: the mail is one of the mailbox's addresses, and spelled as there.
            if written == user.mail and "#" not in key:
                return key
    return address(own_primary_address(user, primary_email))


def _mailbox_address(user: User) -> str:
    """The address that Exchange calls the primary SMTP address of the mailbox."""
    for entry in user.proxy_addresses:
        prefix, dummy, value = entry.partition(":")
        if trimmed(prefix) == "SMTP" and (written := _primary_candidate(value)):
            return written
    return ""


def primary_address(user: User, primary_email: str) -> str:
    """The address that becomes the primary e-mail of a new contact, blank where the user has none.

    `primary_email` is `mail` or `username`. Only where the user has no primary address of its own, a new
    contact falls back on the username, and then on an alias. None of them counts where it holds `#EXT#`.
    """
    if written := own_primary_address(user, primary_email) or _primary_candidate(user.username):
        return written
    return next(filter(None, map(_primary_candidate, smtp_by_key(user).values())), "")


def _primary_candidate(value: str | None) -> str:
    """`value` as an address is written, blank where it is the username of a guest, to which no mail goes."""
    written = written_address(value)
    return "" if "#" in written and GUEST_MARK in written.casefold() else written


def primary_key(user: User, primary_email: str, addresses: Mapping[str, str]) -> str:
    """`primary_address` in the form in which addresses are compared; for `addresses` see `own_primary_key`."""
    return own_primary_key(user, primary_email, addresses) or address(primary_address(user, primary_email))


def email_keys(contact: Contact) -> tuple[str, ...]:
    """Each e-mail of a contact in the form in which they are compared, in the contact's order."""
    return tuple([address(entry.value) for entry in contact.emails])


def contact_addresses(contact: Contact) -> frozenset[str]:
    """All addresses of a contact, in the form in which they are compared."""
    return frozenset(filter(None, email_keys(contact)))


def bms_addresses(contact: BmsContact) -> frozenset[str]:
    """All addresses of a BMS contact, in the same form."""
    return frozenset(filter(None, [address(entry.address) for entry in contact.emails]))


# ----------------------------------------------------------------------- names


def name(value: str | None) -> str:
    """The form in which names are compared: one kind of apostrophe and of hyphen, inner white space one blank."""
    if not value:
        return ""
    if value.isascii():
        words = value.replace("`", "'").casefold().split()
    else:
        # An accent that stands for an apostrophe is a combining one in NFKC, so apostrophes come first. NFKC
        # makes an apostrophe of its own out of a few letters.
        words = _with_plain_marks(_nfkc(_nfkc(_with_plain_marks(value)).casefold())).split()
    return words[0] if len(words) == 1 else " ".join(words)


def _with_plain_marks(value: str) -> str:
    """`value` without invisible characters, with one kind of apostrophe and of hyphen."""
    # Most names have neither invisible characters nor marks of another kind.
    if value.isprintable() and not _MARKS.search(value):
        return value
    return visible(value).translate(_PUNCTUATION)


folded = lru_cache(maxsize=1024)(name)
"""The same of labels and places, which are few and asked for again and again."""


def full_name(first: str | None, last: str | None) -> FullName | None:
    """First and last name for comparison, None unless both are there."""
    pair = (name(first), name(last))
    return pair if all(pair) else None

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of settings as people write them: each kind of value in the one form in which it is compared and shown.

What cannot be read comes back as the text that it is, so that a message can quote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BULLETS = "\u2010-\u2015\u2022\u2023\u2043\u00b7\u25aa\u25cf\u25e6"
_MARKER = re.compile(rf"[-*+o]\s|[{_BULLETS}]|(?:\d+|[a-z])[.)]\s", re.IGNORECASE)
_SEPARATOR = re.compile("[,;\uff0c\uff1b\u3001]")
_NO_DOMAIN = re.compile(r"[^\w.\u0080-\U0010ffff-]", re.ASCII)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def text(value: object) -> str:
    """`value` in the form in which texts are compared and shown: NFC, inner white space one blank."""
    return " ".join(unicodedata.normalize("NFC", str(value)).translate(_INVISIBLE).split())


def guid(value: object) -> str:
    """A GUID in lower case and without braces; any other value comes back as trimmed text."""
    trimmed = text(value)
    bare = trimmed.removeprefix("{").removesuffix("}").strip().lower()
    return bare if is_guid(bare) else trimmed


def is_guid(value: object) -> bool:
    """Whether `value` is a GUID in lower case and without braces."""
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def domain(value: object) -> str:
    """A domain in lower case, without the @ in front and the dot behind it."""
    return text(value).removeprefix("@").removesuffix(".").lower()


def is_domain(value: str) -> bool:
    """Whether `value` holds no character that a domain cannot hold."""
    return not _NO_DOMAIN.search(value) and not _SEPARATOR.search(value)


def pattern_fault(value: str) -> str | None:
    """Why a pattern can fit no address and no username, None where it can."""
    if _MARKER.match(value):
        return "a list mark, as a dash, a bullet or a number, is no part of an address; remove it"
    if _SEPARATOR.search(value):
        return "a comma or a semicolon is no part of an address; give one pattern in each line"
    if value.startswith(("{", "[")):
        return "this is no text; a colon is no part of an address, so remove it"
    if ":" in value:
        return "a colon is no part of an address; remove it"
    if " " in value:
        return "a blank is no part of an address; give one pattern in each line"
    return None


def flag(value: object) -> bool | str:
    """Yes or no, as YAML, JSON or a technician writes it; any other value comes back as text."""
    if isinstance(value, bool):
        return value
    word = text(value)
    if word.casefold() in _YES:
        return True
    return False if word.casefold() in _NO else word


def entries(value: object, read: Callable[[object], str]) -> list[str]:
    """The entries of a list, each once and none blank, in the form that `read` gives them.

    An entry of several lines is several entries, because lists are stored one entry a line.
    """
    rows = value if isinstance(value, (list, tuple)) else [value]
    lines = (line for row in rows if row is not None for line in str(row).splitlines())
    return list(dict.fromkeys(filter(None, map(read, lines))))

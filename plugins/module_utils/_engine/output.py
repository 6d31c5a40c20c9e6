# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes out to a terminal or a log: without control characters, commands to a runner, and secrets' spellings.

Names and messages of the services are text of others. A runner of a pipeline takes some lines of a
job's output for commands: GitHub `::name::` at the beginning of a line and `##[name]` anywhere,
Azure `##vso[name]` anywhere, GitLab `section_start:` with a carriage return.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from html.entities import codepoint2name
from typing import Any
from urllib.parse import quote, quote_plus

_COMMANDS = (
    (re.compile(r"::(?=[a-z][\w-]*(?:\s[^\r\n]*?)?::)", re.IGNORECASE), ": :"),
    (re.compile(r"##(?=\w*\[)"), "# #"),
    (re.compile(r"(section_(?:start|end)):(?=\d)", re.IGNORECASE), r"\1 :"),
)
_CONTROLS = frozenset(("Cc", "Cs", "Zl", "Zp"))
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPED = re.compile(r"%[0-9A-F]{2}")
_NOT_IN_JSON_OF_ASP_NET = frozenset("<>&'\"+`\\")


def clean(text: str) -> str:
    """`text` without control characters but for line ends and tabs, and without commands to a runner."""
    if not text.isprintable():
        text = "".join(sign if sign in "\n\t" or _is_shown(sign) else " " for sign in text)
    return without_commands(text)


def one_line(text: str) -> str:
    """`text` in one line, its words parted by one blank, without control characters and commands to a runner."""
    if not text.isprintable():
        text = "".join(sign if _is_shown(sign) else " " for sign in text)
    return without_commands(" ".join(text.split()))


def shown_name(first: str | None, last: str | None) -> str:
    """First and last name as people read them, blank where there is neither."""
    return one_line(" ".join(filter(None, (first, last))))


def without_commands(text: str) -> str:
    """`text` with a blank within each command to a runner."""
    if "::" in text or "##" in text or "section_" in text:
        for pattern, harmless in _COMMANDS:
            text = pattern.sub(harmless, text)
    return text


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Plain data with `change` applied to each text in it, keys of mappings included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {each_text(key, change): each_text(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [each_text(item, change) for item in value]
    return value


def _is_shown(sign: str) -> bool:
    return sign.isprintable() or (unicodedata.category(sign) not in _CONTROLS and sign not in _DIRECTIONS)


def is_plain(text: str) -> bool:
    """Whether nothing escapes any character of a text."""
    return text == "" or (text.isascii() and text.isalnum())


def in_any_spelling(text: str) -> str:
    """A pattern of a text, whatever escapes its characters. Backslashes in a row count as one."""
    return "".join(_escaped_sign(sign) for sign in re.sub(r"\\+", r"\\", text))


def _escaped_sign(sign: str) -> str:
    """A pattern of a character and of all that escapes it, several times over too: in addresses, JSON, a `repr`, HTML.

    No repetition is without an end: a service may send thousands of backslashes.
    """
    if is_plain(sign):
        return sign
    code = ord(sign)
    in_json = json.dumps(sign)[1:-1]
    units = in_json.split("\\u")[1:] or [f"{code:04x}"]
    names = "|".join(filter(None, (codepoint2name.get(code), "apos" if sign == "'" else None)))
    ways = [
        "".join(rf"\\{{1,8}}u(?i:{unit})" for unit in units),
        r"\\{0,8}" + re.escape(sign),
        r"\\{0,8}" + "".join(f"%(?:25){{0,4}}(?i:{byte:02x})" for byte in sign.encode("utf-8", "surrogatepass")),
        rf"\\{{0,8}}&(?:amp;){{0,4}}#(?i:0{{0,4}}{code}|x0{{0,4}}{code:x});",
        rf"\\{{1,8}}x{code:02x}",
        *([rf"\\{{0,8}}&(?:amp;){{0,4}}(?:{names});"] if names else []),
        *([rf"\\{{1,8}}{in_json[1:]}"] if sign in "\n\r\t\b\f" else []),
        *([r"\+"] if sign == " " else []),
    ]
    return f"(?:{'|'.join(ways)})"


def spellings(secret: str) -> Iterator[str]:
    """`secret`, and what becomes of it on its way: trimmed, in an address or a form, in JSON, in HTML, in a `repr`."""
    for text in dict.fromkeys((secret, secret.strip())):
        if text:
            yield text
            for escaped in (quote(text, safe=""), quote(text), quote_plus(text)):
                yield escaped
                yield _ESCAPED.sub(lambda found: found[0].lower(), escaped)
            yield json.dumps(text)[1:-1]
            yield _as_asp_net_writes_json(text)
            yield repr(text)[1:-1]
            yield from _in_html(text)


def _in_html(text: str) -> Iterator[str]:
    """HTML's spellings; an apostrophe has several."""
    yield html.escape(text, quote=False)
    for apostrophe in ("&#x27;", "&#39;", "&#039;", "&apos;"):
        for mark in ("&quot;", "&#34;"):
            yield html.escape(text, quote=False).replace("'", apostrophe).replace('"', mark)


def _as_asp_net_writes_json(text: str) -> str:
    return "".join(
        f"\\u{ord(sign):04X}" if sign in _NOT_IN_JSON_OF_ASP_NET or not " " <= sign <= "~" else sign for sign in text
    )

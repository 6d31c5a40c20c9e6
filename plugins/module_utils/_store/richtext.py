# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text in a field, whatever IT Glue's rich-text editor made of it.

A Textbox is shown as HTML: what is written there as plain lines is drawn as one, and comes
back from the editor as paragraphs and entities. So lines are written with their breaks as
HTML, and read by decoding. Nothing that is read is executed or templated: it becomes text.

Which tags the editor makes is not documented; those taken for markup here are the ones of
text. Any other angle bracket, and an ampersand that begins no entity, stands for itself, so
that plain text such as `R&D <north>` is read as it stands.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from html.parser import HTMLParser

_BLOCKS = frozenset("blockquote br dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tbody td th thead tr ul".split())
_INLINE = frozenset("a b code del em font i ins s small span strike strong sub sup u".split())

_NO_TAG = re.compile(rf"<(?!/?(?:{'|'.join(sorted(_BLOCKS | _INLINE))})(?:\s[^<>]*)?/?>)", re.IGNORECASE)
_NO_ENTITY = re.compile(r"&(?!(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);)")


def lines(value: str) -> list[str]:
    """The lines of `value`, trimmed, none blank."""
    if "<" not in value and "&" not in value:
        return _lines(value)
    parser = _Text()
    parser.feed(_NO_TAG.sub("&lt;", _NO_ENTITY.sub("&amp;", value)))
    parser.close()
    return _lines("".join(parser.parts))


def _lines(text: str) -> list[str]:
    return [line for part in text.splitlines() if (line := " ".join(part.split()))]


def rich(entries: Iterable[str]) -> str:
    """HTML that is shown as one line for each entry."""
    return "<br>\n".join(html.escape(entry, quote=False) for entry in entries)


class _Text(HTMLParser):
    """Collects text; the beginning and the end of a block are line breaks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of others as Markdown that shows exactly this: no markup, mentions or links."""

from __future__ import annotations

import re

from .labels import one_line

LONGEST_LINE = 1_500

_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")


def text(value: object, *, markup: bool = True) -> str:
    """Text as Markdown, or, with `markup` false, as HTML within it."""
    shown = one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = _SPECIAL.sub(r"\\\1", shown) if markup else _SPECIAL.sub(lambda found: f"&#{ord(found[1])};", shown)
    shown = shown.replace("@", "&#64;").replace("://", ":&#47;&#47;")
    return re.sub(r"\bwww\.", "www&#46;", shown, flags=re.IGNORECASE)


def code(value: object) -> str:
    """Text as code: nothing in it counts but the backtick."""
    return f"`{one_line(value).replace('`', chr(39)) or ' '}`"


def block(content: str, kind: str, indent: str) -> str:
    """Lines as a block, with a fence that they do not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", content)), default=0))
    return "\n".join(f"{indent}{line}" for line in (f"{fence}{kind}", *content.splitlines(), fence))


def cut(line: str) -> str:
    """A line of bearable length; a code span that is cut is closed."""
    if len(line) <= LONGEST_LINE:
        return line
    kept = line[: LONGEST_LINE - 2]
    return kept + ("`" if kept.count("`") % 2 else "") + "…"


def size(content: str) -> int:
    """Characters, counted as UTF-16 does."""
    return len(content.encode("utf-16-le", "replace")) // 2

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What says that a number is that of a fax: its label, or the words beside it. A fax is no telephone."""

from __future__ import annotations

import re

_BEFORE = re.compile(
    r"(?:(?<![^\W_])(?:tele|e-?)?fax(?:[\s-]*(?:no|nr|number))?|(?<![^\W_])f)[\s.:()]*$", re.IGNORECASE
)
_BEHIND = re.compile(r"[\s.:,(\[/-]*(?:tele|e-?)?fax\s*[)\]]?\s*$", re.IGNORECASE)
_LABEL = re.compile(r"(?<![^\W_])(?:tele|e-?)?fax|факс|faks|télécopie|ファックス|ファクス|传真|傳真")
_IN_CAPITALS = re.compile(r"[a-z]F[Aa][Xx]")


def is_fax_label(label: str | None) -> bool:
    """Whether a label says that its number is that of a fax: `Fax`, `Work Fax`; not `Halifax`."""
    return label is not None and bool(_LABEL.search(label.casefold()) or _IN_CAPITALS.search(label))


def is_named_before(text: str) -> bool:
    """Whether the text before a number says that it is a fax."""
    return _BEFORE.search(text) is not None


def is_named_behind(text: str) -> bool:
    """Whether the text from a number to the end says that it is a fax; before a further number it is about that."""
    return _BEHIND.match(text) is not None


def names_a_fax(text: str) -> bool:
    """Whether a text with one number says before or behind its digits that it is a fax."""
    if "f" not in text.casefold():
        return False  # as most texts are digits alone
    before, *dummy, behind = re.split(r"\d", text)
    return is_named_before(before) or is_named_behind(behind)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the declared settings of a run differ from the stored ones, in a result, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._engine.declared_options import BMS, OPTIONS
from .._engine.output import one_line
from .._engine.settings import TITLES, bms, put, value_of
from .._sync.declaring import Declared

TWO_WAY_SYNC = (
    "{organization}: two_way_sync is a switch of this collection. IT Glue's own two-way sync of contacts with BMS must "
    "be off for this client, or both write to BMS, and each new person is duplicated. Where it has to stay on, set "
    "push_method: native."
)
"""The warning about the switch that two products have."""


def settings_changes(differences: Iterable[Declared], *, stored: bool) -> dict[str, dict[str, Any]]:
    """By kind the options that differ, before and after, and whether they are stored (in check mode: would be)."""
    return {each.stored.kind: {"stored": stored, **_sides(each)} for each in differences}


def settings_diff(differences: Iterable[Declared], *, stored: bool) -> Iterator[dict[str, str]]:
    """One diff for each kind that differs, a line for each option."""
    for each in differences:
        sides = _sides(each)
        title = f"{TITLES[each.stored.kind]} of {each.stored.organization_name}"
        yield {
            "before_header": title,
            "before": _lines(each, sides["before"]),
            "after_header": title if stored else f"{title}, declared and not stored by this run",
            "after": _lines(each, sides["after"]),
        }


def settings_warnings(changes: Iterable[Declared]) -> Iterator[str]:
    """What is to be known when these settings are stored."""
    for each in changes:
        if each.stored.kind == BMS and _writes_to_bms(each.settings) and not _writes_to_bms(each.before):
            yield TWO_WAY_SYNC.format(organization=one_line(each.stored.organization_name))


def _writes_to_bms(settings: dict[str, Any]) -> bool:
    """Whether the collection itself writes contacts to BMS, where it creates or updates any."""
    return bms(settings).follows


def _sides(declared: Declared) -> dict[str, dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for option in OPTIONS[declared.stored.kind]:
        was, becomes = value_of(declared.before, option), value_of(declared.settings, option)
        if was != becomes:
            put(after, option, becomes)
            if declared.before:
                put(before, option, was)
    return {"before": before, "after": after}


def _lines(declared: Declared, side: Mapping[str, Any]) -> str:
    shown = [
        f"{option.name}: {_text(value_of(side, option))}\n"
        for option in OPTIONS[declared.stored.kind]
        if value_of(side, option) is not None
    ]
    return "".join(shown)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

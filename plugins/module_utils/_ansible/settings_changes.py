# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the declared settings of a run differ from the stored ones, in a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._engine.declared_options import OPTIONS
from .._engine.settings import TITLES, put, value_of
from .._sync.declaring import Declared
from .._sync.run_settings import RunSettings


def settings_changes(settings: RunSettings) -> dict[str, dict[str, Any]]:
    """By kind the options that differ, before and after, and whether they are stored (in check mode: would be)."""
    return {each.stored.kind: {"stored": settings.stored, **_sides(each)} for each in settings.differences}


def settings_diff(settings: RunSettings) -> Iterator[dict[str, str]]:
    """One diff for each kind that differs, a line for each option."""
    for each in settings.differences:
        sides = _sides(each)
        title = f"{TITLES[each.stored.kind]} of {settings.organization.name}"
        yield {
            "before_header": title,
            "before": _lines(each, sides["before"]),
            "after_header": title if settings.stored else f"{title}, declared and not stored by this run",
            "after": _lines(each, sides["after"]),
        }


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

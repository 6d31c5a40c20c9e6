# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs out of the declared options.

No setting has a default: a default would be written over what is stored by every run that
does not mention the option.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.declared_options import BMS, OFFICE365, OPTIONS, SYNC_OPTIONS, Option, SyncOption


class Clearable(list[str]):
    """Choices that let two values pass which are none of them: null, which is "not given", and
    the empty string, which clears. Ansible itself refuses both wherever an option has choices."""

    def __contains__(self, value: object) -> bool:
        return value in (None, "") or super().__contains__(value)


def _setting(option: Option) -> dict[str, Any]:
    if option.is_list:
        return {"type": "list", "elements": "str"}
    if option.kind == "choice":
        return {"type": "str", "choices": Clearable(option.choices)}
    return {"type": "bool" if option.kind == "flag" else "str"}


def _settings(kind: str) -> dict[str, dict[str, Any]]:
    specs: dict[str, dict[str, Any]] = {}
    for option in OPTIONS[kind]:
        if option.group:
            specs.setdefault(option.group, {"type": "dict", "options": {}})["options"][option.key] = _setting(option)
        else:
            specs[option.name] = _setting(option)
    return specs


SETTINGS_OPTIONS: dict[str, dict[str, dict[str, Any]]] = {kind: _settings(kind) for kind in (OFFICE365, BMS)}
"""The options of each kind of settings, as those of a module and as suboptions."""


def laid_over(group: Mapping[str, Any], client: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a client declares over those of its group, suboptions one by one. A blank clears an option."""
    grouped = [each for each in client if isinstance(client[each], Mapping) and isinstance(group.get(each), Mapping)]
    return {**group, **client, **{each: {**group[each], **client[each]} for each in grouped}}


def _sync_option(option: SyncOption) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": option.type}
    if option.required:
        spec["required"] = True
    if option.elements:
        spec["elements"] = option.elements
    if option.choices:
        spec["choices"] = list(option.choices)
    if option.default is not None:
        spec["default"] = list(option.default) if isinstance(option.default, tuple) else option.default
    return spec


SYNC_SPECS: dict[str, dict[str, Any]] = {
    **{option.name: _sync_option(option) for option in SYNC_OPTIONS},
    "office365_settings": {"type": "dict", "options": SETTINGS_OPTIONS[OFFICE365]},
    "bms_settings": {"type": "dict", "options": SETTINGS_OPTIONS[BMS]},
}
"""The options of `contact_sync` but for those of the connection; other modules take some of them."""

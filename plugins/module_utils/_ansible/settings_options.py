# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The argument specs of the settings, made of the one table of options in `_engine.settings`.

No option has a default: a default would be written over what is stored by every run that
does not mention the option.
"""

from __future__ import annotations

from .._engine.settings import BMS, OFFICE365, OPTIONS, Option


class Clearable(list):
    """Choices that let two values pass which are none of them: null, which is "not given", and
    the empty string, which clears. Ansible itself refuses both wherever an option has choices."""

    def __contains__(self, value: object) -> bool:
        return value in (None, "") or super().__contains__(value)


def _spec(option: Option) -> dict:
    if option.is_list:
        return {"type": "list", "elements": "str"}
    if option.kind == "choice":
        return {"type": "str", "choices": Clearable(option.choices)}
    return {"type": "bool" if option.kind == "flag" else "str"}


def _specs(kind: str) -> dict[str, dict]:
    specs: dict[str, dict] = {}
    for option in OPTIONS[kind]:
        if option.group:
            specs.setdefault(option.group, {"type": "dict", "options": {}})["options"][option.key] = _spec(option)
        else:
            specs[option.name] = _spec(option)
    return specs


OFFICE365_OPTIONS: dict[str, dict] = _specs(OFFICE365)
BMS_OPTIONS: dict[str, dict] = _specs(BMS)
SETTINGS_OPTIONS: dict[str, dict[str, dict]] = {OFFICE365: OFFICE365_OPTIONS, BMS: BMS_OPTIONS}

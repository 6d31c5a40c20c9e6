# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables that a playbook takes: those that stand in it, and those that the lookup takes for its modules."""

from __future__ import annotations

import re

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.fleet import VARIABLE
from ansible_collections.msp.psa_sync.plugins.plugin_utils.of_playbook import MARK
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import (
    FILES,
    FROM_DIRECTORIES,
    options_of,
    settings_of,
    variables_of,
)
from ansible_collections.msp.psa_sync.plugins.plugin_utils.workers import THROTTLE

_LOOKUP = re.compile(r"lookup\('msp\.psa_sync\.options', '(\w+)'\)")
_TASK = re.compile(r"^ +msp\.psa_sync\.(\w+):$", re.MULTILINE)
_OWN = re.compile(r"(?<![.\w])([a-z][a-z0-9_]+) (?:\| default|is defined)")


def variables_taken(playbook: str) -> set[str]:
    """All variables that the text of a playbook takes from its clients or from the command line."""
    found = set(_OWN.findall(playbook)).union(*map(looked_up, _LOOKUP.findall(playbook)))
    return found.union({VARIABLE, THROTTLE}, *map(looked_up, _TASK.findall(playbook))) if MARK in playbook else found


def looked_up(module: str) -> set[str]:
    """The variables that the lookup takes for a module."""
    found = set(variables_of(module).values())
    for kind in settings_of(module):
        found |= {f"{kind}_settings", f"{kind}_defaults"}
    return found | FROM_DIRECTORIES if options_of(module) >= FILES else found

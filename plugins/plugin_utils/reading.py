# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry point of the inventory plugin: arguments, masking and failures, as the modules' entry points have them."""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.masking import Secrets
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.perform import Circumstances, perform
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.spec import ModuleSpec
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.tenants import OPTIONS, read

UNREAD: dict[str, str] = {}
"""The inventory sources of this run that could not be read, with the reasons. Ansible only warns of them."""


class Unreadable(Exception):
    """What could not be read, and why; no secret is in it."""


def read_in_process(option: Callable[[str], Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """What `tenants.read` finds; `option` gives the value of a connection option."""
    params = {name: plain(option(name)) for name in OPTIONS}
    secrets = Secrets()
    secrets.add_options(OPTIONS, params)
    outcome = perform(ModuleSpec(OPTIONS), read, params, secrets, Circumstances())
    for warning in outcome.warnings:
        warn(warning)
    if outcome.result.get("failed"):
        raise Unreadable(outcome.result["msg"])
    return outcome.result

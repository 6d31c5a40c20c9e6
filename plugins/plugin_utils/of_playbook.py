# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task that a playbook of this collection runs for each client does in Python instead of in templates.

Each worker would compile them for itself: that takes longer than what they do.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import lookup_loader

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.fleet import VARIABLE
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import value_of

try:
    from ansible.executor.task_executor import remove_omit
except ImportError:  # from ansible-core 2.19 on, whatever is templated is without what was omitted

    def remove_omit(task_args: dict, omit_token: object) -> dict:
        """The options as they are."""
        return task_args


MARK = "psa_sync_client_task"
"""The variable by which a play says that its tasks are such ones."""


def is_marked(task_vars: Mapping[str, Any]) -> bool:
    return MARK in task_vars


def with_variables(args: Mapping[str, Any], module: str, task_vars: Mapping[str, Any], templar: Any) -> dict[str, Any]:
    """The options of a task, with those of the client's variables, and its organization.

    Raises AnsibleActionFail where the client has none, and AnsibleLookupError for variables in disorder.
    """
    if (organization := value_of(VARIABLE, task_vars, templar)) is None:
        raise AnsibleActionFail(f"The variable {VARIABLE} of the client is not set.")
    (given,) = lookup_loader.get("msp.psa_sync.options", templar=templar).run([module], task_vars)
    return {**remove_omit(given, task_vars.get("omit")), "organization": organization, **args}


def left_to_summary(result: dict[str, Any]) -> dict[str, Any]:
    """The result, no failure any more where it has a message of its own.

    The summary shows that, and the client fails at the end. Ansible would print the whole plan with it.
    """
    if result.get("failed") and "failure" in result:
        return {**result, "failed": False}
    return result

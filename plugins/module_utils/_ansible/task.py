# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run is given and may report, whichever way Ansible starts it. And how a module is made.

A module is one function, `run(params, task) -> result`, with two entry points: the
module file, and an action plugin of the same name that calls it in the controller's
process where the connection is local. The entry points do all that is Ansible's: arguments,
masking, warnings, failures. Four short files make a module.

1. `plugins/module_utils/_ansible/NAME.py`, the glue::

    SPEC = ModuleSpec(
        options={**CONNECTION_OPTIONS, "organization": {"type": "str", "required": True}},
        required_if=[("state", "present", ("tenant_id",))],  # all rules of AnsibleModule, if need be
        libraries=("requests", "msal"),  # ("requests",) when left out
    )

    def run(params: dict, task: Task) -> dict:
        api = clients(params, task)  # connection.py; nothing is sent yet
        organization = api.itglue.organization(params["organization"])
        task.progress(f"{organization.name}: reading")
        ...
        if not task.check_mode:
            ...
        return {"changed": True, "settings": {...}, "diff": {"before": ..., "after": ...}}

   - `params` are validated plain values; an option that was not given is None.
   - A failure is a raised `SyncError`; its `result` is returned beside the message.
   - The result holds JSON values only. `diff` goes in when `task.diff` is true.
   - Warnings go through `task.warn`, never into the result: the entry points put them there.
   - What is secret and not an option with `no_log` (a token) goes to `task.secret` as soon
     as it is known. Nothing else needs masking.

2. `plugins/modules/NAME.py`::

    DOCUMENTATION = r'''...
    extends_documentation_fragment:
      - msp.psa_sync.attributes        # or msp.psa_sync.attributes.info, for an _info module
      - msp.psa_sync.connection
    '''
    EXAMPLES = ...
    RETURN = ...

    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.python import require_python

    require_python()

    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.module import run_module
    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.NAME import SPEC, run


    def main():
        run_module(SPEC, run)


    if __name__ == "__main__":
        main()

3. `plugins/action/NAME.py`::

    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.NAME import SPEC, run
    from ansible_collections.msp.psa_sync.plugins.plugin_utils.in_process import InProcessAction


    class ActionModule(InProcessAction):
        spec = SPEC
        run_task = staticmethod(run)

4. The name in the action group of `meta/runtime.yml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._sync.ports import Fleet
from .run_memory import RunMemory

# The version in galaxy.yml, which a module on another host cannot read.
VERSION = "1.0.0"


def _silent(text: str) -> None:
    """Where nobody listens."""


def _unlogged(level: int, text: str) -> None:
    """Where nothing is logged."""


@dataclass(frozen=True)
class Task:
    """One task of a playbook, as far as `run` is concerned.

    `warn` takes a sentence for the person at the terminal. `secret` takes a value obtained
    at run time that must appear nowhere. `progress` takes a line that is shown at once, or
    never: only in process, unless progress is off, and not with `no_log`. `log` takes a verbosity and a
    line that is logged from this verbosity on (3 is `-vvv`), also not with `no_log`. All four may be called
    from threads. `memory` is shared with the other tasks of the run, and `fleet` tells of its other clients, both in
    process only.
    """

    check_mode: bool = False
    diff: bool = False
    warn: Callable[[str], None] = _silent
    secret: Callable[[str], None] = _silent
    progress: Callable[[str], None] = _silent
    log: Callable[[int, str], None] = _unlogged
    version: str = VERSION
    memory: RunMemory | None = None
    fleet: Fleet | None = None

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry point of an action plugin: `run` in the controller's process.

A module costs a process start and all imports for each task; here both were paid for
once, when the plugin was loaded. Only a local connection is served this way. Any other,
`become` and `async` are handed over to the module, which does the same and returns the same.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import ClassVar

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader, filter_loader, lookup_loader, test_loader
from ansible.utils.display import Display

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import prepare
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.dependencies import (
    MissingLibrary,
    require_libraries,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.fleet import (
    Fleet,
    RunDirectory,
    declarers_of,
    fleet_of,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.masking import Secrets
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.perform import Circumstances, Run, perform
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain, plain_dict
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.run_memory import RunMemory
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.spec import ModuleSpec
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import one_line
from ansible_collections.msp.psa_sync.plugins.plugin_utils import of_playbook
from ansible_collections.msp.psa_sync.plugins.plugin_utils.progress import shower
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import MISSPELLED, load_names
from ansible_collections.msp.psa_sync.plugins.plugin_utils.workers import NoHostLoop

display = Display()

MEMORY = RunMemory()
"""Made here, in the parent of all workers, so that they share it."""


class InProcessAction(ActionBase):
    """Base class of the action plugins. A subclass names `spec` and `run_task`."""

    TRANSFERS_FILES = False
    BYPASS_HOST_LOOP = NoHostLoop()
    _supports_check_mode = True
    _supports_async = True  # else Ansible refuses async before it can be handed over

    spec: ClassVar[ModuleSpec]
    run_task: ClassVar[Run]
    reads_for_fleet: ClassVar[bool] = False  # whether a task reads for the other clients of its run as well
    validator: ClassVar[ArgumentSpecValidator]
    directory: ClassVar[RunDirectory | None] = None

    def __init_subclass__(cls, **keywords) -> None:
        """Do now, in the parent of all workers, what each would do for itself.

        Make the validator, import the libraries (where that fails, the task says so), read the certificates,
        and load the plugins that a task takes, with Ansible's own filters and tests: to ask for one loads all.
        What is there now stays, so nobody needs to look through it for garbage.
        """
        super().__init_subclass__(**keywords)
        if cls.reads_for_fleet:
            cls.directory = RunDirectory()
        cls.validator = ArgumentSpecValidator(**cls.spec.validator_arguments())
        with suppress(MissingLibrary):
            require_libraries(cls.spec.libraries)
            prepare()
        filter_loader.get("ansible.builtin.combine")
        test_loader.get("ansible.builtin.match")
        connection_loader.get("ansible.builtin.local", class_only=True)
        lookup_loader.get("msp.psa_sync.options", class_only=True)
        load_names()
        gc.freeze()

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        super().run(None, task_vars)
        is_of_playbook = of_playbook.is_marked(task_vars or {})
        if is_of_playbook:
            module = str(self._task.action)
            self._task.args = of_playbook.with_variables(self._task.args, module, task_vars or {}, self._templar)
        # Of the lookup that has made the options of this task, in this process.
        misspelled, MISSPELLED[:] = tuple(MISSPELLED), ()
        result = self._run(task_vars)
        if misspelled:
            result["warnings"] = [*map(one_line, misspelled), *result.get("warnings", ())]
        return of_playbook.left_to_summary(result) if is_of_playbook else result

    def _run(self, task_vars: dict | None) -> dict:
        if self._is_in_process():
            # What the worker has from its parent is no garbage: to look through it takes time, and copies
            # the memory that both share.
            gc.freeze()
            with _environment(self._task_environment()):
                return self._run_in_process(task_vars or {})
        return self._run_as_module(task_vars)

    def _is_in_process(self) -> bool:
        # Not `_remote_is_local`: network connections have that too.
        return self._connection.transport == "local" and self._connection.become is None and not self._task.async_val

    def _run_as_module(self, task_vars: dict | None) -> dict:
        """What Ansible's own `normal` action does."""
        wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
        result = self._execute_module(module_args=self._module_args(), task_vars=task_vars, wrap_async=wrap_async)
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _module_args(self) -> dict:
        """The options as the module gets them. A relative path means what it means in process: Ansible starts a module
        on this machine in the directory of the playbook."""
        args = dict(self._task.args)
        if self._connection.transport == "local":
            with _environment(self._task_environment()):
                params = self.validator.validate(plain_dict(args)).validated_parameters
            paths = {name: params.get(name) for name, each in self.spec.options.items() if each.get("type") == "path"}
            args |= {name: os.path.abspath(path) for name, path in paths.items() if path and not os.path.isabs(path)}
        return args

    def _run_in_process(self, task_vars: Mapping) -> dict:
        given = plain_dict(self._task.args)
        checked = self.validator.validate(given)
        secrets = Secrets()
        secrets.add_options(self.spec.options, given)
        secrets.add_options(self.spec.options, checked.validated_parameters)
        if checked.error_messages:
            return secrets.values({"failed": True, "msg": self._refusal(checked)})
        outcome = perform(
            self.spec,
            type(self).run_task,
            plain_dict(checked.validated_parameters),
            secrets,
            Circumstances(
                check_mode=bool(self._task.check_mode),
                no_log=bool(self._task.no_log),
                verbosity=display.verbosity,
                show=shower(_host(task_vars)),
                log=_logger(task_vars),
                memory=MEMORY,
                fleet=self._fleet(task_vars),
                declarers=declarers_of(task_vars, MEMORY, plain),
            ),
        )
        result = secrets.values(outcome.result)
        if outcome.warnings:
            result["warnings"] = list(outcome.warnings)
        return result

    def _fleet(self, task_vars: Mapping) -> Fleet | None:
        """The other clients of the run. A loop over clients within one host is not known here."""
        if self.directory is None or self._task.loop:
            return None
        return fleet_of(task_vars, self.directory.shared, plain)

    def _refusal(self, checked: ValidationResult) -> str:
        """The message of `AnsibleModule` for arguments that are not valid."""
        message = checked.errors.msg
        if isinstance(checked.errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._task.action}) module: {message}"
        return message

    def _task_environment(self) -> dict[str, str]:
        """The task's `environment:`, templated and merged as for a module."""
        environment: dict = {}
        self._compute_environment_string(environment)
        return {str(name): str(value) for name, value in plain_dict(environment).items()}


def _host(task_vars: Mapping) -> str:
    return str(task_vars.get("inventory_hostname", "localhost"))


def _logger(task_vars: Mapping) -> Callable[[int, str], None]:
    """What logs a line about this host, as Ansible's own `display.vvv` does."""
    host = _host(task_vars)
    return lambda level, text: display.verbose(f"<{host}> {text}", caplevel=level - 1)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with `changes`, put back afterwards: a loop is run by one worker."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

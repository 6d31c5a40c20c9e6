# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry point of a module file: `run` in a process of its own."""

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .masking import Secrets
from .perform import Circumstances, Run, perform
from .spec import ModuleSpec


def run_module(spec: ModuleSpec, run: Run) -> NoReturn:
    """Run as an Ansible module: read the arguments, call `run`, print the result, exit."""
    module = _Module(**spec.validator_arguments(), supports_check_mode=True)
    # `no_log` is also true where DEFAULT_NO_TARGET_SYSLOG is set; warnings are lost there, rather than secrets.
    outcome = perform(
        spec,
        run,
        dict(module.params),
        module.secrets,
        Circumstances(
            check_mode=module.check_mode,
            no_log=bool(module.no_log),
            verbosity=module._verbosity,
            # Ansible shows nothing of a module before it ends: the lines go to the system's log.
            log=lambda level, text: module.log(text),
        ),
    )
    for text in outcome.warnings:
        module.warn(text)
    end = module.fail_json if outcome.result.get("failed") else module.exit_json
    end(**outcome.result)
    raise AssertionError("The module did not end.")


class _Module(AnsibleModule):  # type: ignore[misc]
    """An `AnsibleModule` that masks what `Secrets` knows, also where the arguments are not valid."""

    def __init__(self, **arguments: Any) -> None:
        self.secrets = Secrets()
        super().__init__(**arguments)
        self.secrets.add_options(self.argument_spec, self.params)

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        """Print the result. From ansible-core 2.22 on Ansible masks on the controller alone, which knows no token."""
        self.secrets.add_options(self.argument_spec, self.params)
        self.no_log_values.update(self.secrets.spellings)
        super()._return_formatted(self.secrets.values(kwargs))

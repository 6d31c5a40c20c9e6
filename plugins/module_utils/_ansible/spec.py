# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module accepts: the argument spec, the rules between options, the libraries it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModuleSpec:
    """Everything that `AnsibleModule` and the action plugin must agree upon.

    `options` is an argument spec; the rules are those of `AnsibleModule`, under their own
    names. `libraries` are the third-party packages without which `run` cannot work.
    """

    options: Mapping[str, dict[str, Any]]
    mutually_exclusive: Sequence[Sequence[str]] = ()
    required_one_of: Sequence[Sequence[str]] = ()
    required_if: Sequence[Sequence[Any]] = ()
    libraries: tuple[str, ...] = ("requests",)

    def validator_arguments(self) -> dict[str, Any]:
        """Keywords of `ArgumentSpecValidator`."""
        rules = {
            "mutually_exclusive": self.mutually_exclusive,
            "required_one_of": self.required_one_of,
            "required_if": self.required_if,
        }
        given = {name: [list(each) for each in several] for name, several in rules.items() if several}
        return {"argument_spec": deepcopy(dict(self.options)), **given}

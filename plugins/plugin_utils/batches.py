# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables that say how a playbook goes through its clients, checked before it begins."""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

THROTTLE = "sync_throttle"
"""The variable that says how many clients may be at work at once, of tasks of the playbooks."""

_NUMBER = re.compile(r"[0-9]{1,9}")
_SIZE = re.compile(r"[0-9]{1,9}|[0-9]{1,3}(\.[0-9]+)?%")
_PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?%?")


def refusals(variables: Mapping[str, Any], templar: Any = None) -> Iterator[str]:
    """A sentence for each variable whose value Ansible would stumble over, or take for 0."""
    for name, (is_usable, wanted) in _CHECKS.items():
        value = templar.template(variables[name]) if name in variables and templar else variables.get(name)
        if value is not None and str(value).strip() and not is_usable(value):
            yield f"{name} is {str(value)!r}. Give {wanted}."


def _fits(form: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: not isinstance(value, bool) and form.fullmatch(str(value).strip()) is not None


def _are_sizes(value: Any) -> bool:
    return all(map(_fits(_SIZE), value if isinstance(value, list) else [value]))


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "sync_serial": (_are_sizes, "a number of clients, a percentage such as 20%, or a list of these"),
    "sync_max_fail_percentage": (_fits(_PERCENTAGE), "a percentage such as 10"),
    THROTTLE: (_fits(_NUMBER), "a number of clients, or 0 for all"),
}

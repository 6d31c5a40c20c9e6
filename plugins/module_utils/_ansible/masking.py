# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must appear nowhere: not in results, nor in warnings, messages, progress lines and tracebacks.

Ansible masks the results of a module by its `no_log` options. It masks neither
warnings nor exceptions, and knows nothing of a token that a run was given on its way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ansible.module_utils.common.parameters import remove_values, sanitize_keys

from .._clients.masking import Masking

MASK = "********"

# `user:password@host` in an address, such as that of a proxy; without a scheme only where a port ends it.
_PASSWORD_IN_URL = re.compile(
    r"^(?:[a-z][a-z0-9+.-]*://[^/@\s:]*:([^/\s]+)@|[^/@\s:]+:([^/\s]+)@[^/@\s:]+:[0-9]+/?$)", re.IGNORECASE
)

# A shorter secret could be part of a key of our own results.
_LONG = 16


class Secrets(Masking):
    """A growing set of secret values. Threads may add to it."""

    def __init__(self) -> None:
        super().__init__(MASK)

    def add(self, *values: object) -> None:
        """Add secrets; of a container all that is in it."""
        super().add(*(text for value in values for text in _texts(value)))

    def add_options(self, options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> None:
        """Add the values of all options with `no_log`, those of suboptions too, and passwords in addresses.

        Works on arguments before their validation as well as after it.
        """
        self.add(*_no_log_values(options, params), *_passwords_in_urls(params))

    def keys(self, result: dict[str, Any]) -> dict[str, Any]:
        """`result` with every long secret replaced in the keys of its mappings."""
        masked: dict[str, Any] = sanitize_keys(
            result, {spelling for spelling in self.spellings if len(spelling) >= _LONG}
        )
        return masked

    def values(self, result: dict[str, Any]) -> dict[str, Any]:
        """`result` masked exactly as `AnsibleModule` masks what a module returns."""
        kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        return {**remove_values(result, self.spellings), **kept}


def _texts(value: object) -> Iterator[str]:
    """The strings and numbers in `value`, as strings."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool) and value != "":
        yield str(value)


def _no_log_values(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> Iterator[object]:
    for name, option in options.items():
        for spelt in (name, *option.get("aliases", ())):
            value = params.get(spelt)
            if option.get("no_log"):
                yield value
            elif option.get("options"):
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, Mapping):
                        yield from _no_log_values(option["options"], item)


def _passwords_in_urls(params: Mapping[str, Any]) -> Iterator[str]:
    for value in params.values():
        found = _PASSWORD_IN_URL.match(value) if isinstance(value, str) else None
        if found:
            password = found[1] or found[2]
            yield password
            yield unquote(password)

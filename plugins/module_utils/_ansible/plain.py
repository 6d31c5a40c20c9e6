# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain copies of values, made at the border to Ansible.

What Ansible hands to an action plugin are tagged types (2.19 and newer) or vault
objects; what a task returns may hold nothing but what JSON knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, time
from typing import Any


def plain(value: object) -> object:
    """A copy of `value` out of `dict`, `list`, `str`, `int`, `float`, `bool` and None.

    Sets are sorted, dates become ISO 8601, vault values are decrypted. Anything else is
    a TypeError: it would break a callback or a registered variable later.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if _is_vault(value):
        return str.__str__(str(value))
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise TypeError(f"a value of type {type(value).__name__} is not plain data")


def plain_dict(value: Mapping[str, Any]) -> dict[str, Any]:
    """`plain` for what is known to be a mapping."""
    return {_key(key): plain(item) for key, item in value.items()}


def _key(key: object) -> str:
    if isinstance(key, (str, bool, int, float)) or key is None:
        return str.__str__(key) if isinstance(key, str) else str(key)
    raise TypeError(f"a key of type {type(key).__name__} is not plain data")


def _is_vault(value: object) -> bool:
    """Whether this is a string still encrypted: ansible-core has one such type before 2.19, another since.

    Both would pass for a sequence of characters or for nothing known, and both decrypt when made a `str`.
    """
    return bool(getattr(value, "__ENCRYPTED__", False)) or type(value).__name__ == "EncryptedString"

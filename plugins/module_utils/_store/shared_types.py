# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The asset types of an account of IT Glue, shared by one process of an Ansible run with the others.

All clients have the same types, and each task would read them again: three in ten requests of a
preview of settings and contacts.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from .._engine.model import AssetField, AssetType


class Memory(Protocol):
    """Values out of what JSON knows, by name; None where nothing is remembered."""

    def get(self, name: str) -> Any:
        """What is remembered under a name."""

    def put(self, name: str, value: Any) -> None:
        """Remember a value."""


class SharedTypes:
    """`account` tells one account of IT Glue from another. Without a memory nothing is shared."""

    def __init__(self, memory: Memory | None, account: str) -> None:
        self._memory = memory
        self._account = account

    def get(self, kind: str) -> AssetType | None:
        found = self._memory.get(self._name(kind)) if self._memory else None
        if found is None:
            return None
        return AssetType(**{**found, "fields": tuple(AssetField(**field) for field in found["fields"])})

    def put(self, kind: str, asset_type: AssetType) -> None:
        if self._memory:
            self._memory.put(self._name(kind), asdict(asset_type))

    def is_missing(self, kind: str) -> bool:
        """Whether another process has found that the account has no such type."""
        return bool(self._memory and self._memory.get(f"{self._name(kind)} is missing"))

    def put_missing(self, kind: str) -> None:
        """Tell the others that the account has no such type."""
        if self._memory:
            self._memory.put(f"{self._name(kind)} is missing", True)

    def _name(self, kind: str) -> str:
        return f"{self._account} {kind}"

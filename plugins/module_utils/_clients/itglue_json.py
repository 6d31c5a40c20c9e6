# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's records as JSON, for the processes of a run: short, and read back as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

from .._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Contact,
    ContactType,
    Email,
    Location,
    Organization,
    Phone,
)

_PARTS: dict[type, dict[str, type]] = {
    Adapter: {},
    Asset: {},
    AssetField: {},
    AssetType: {"fields": AssetField},
    Contact: {"emails": Email, "phones": Phone, "adapters": Adapter},
    ContactType: {},
    Email: {},
    Location: {},
    Organization: {"adapters": Adapter},
    Phone: {},
}
"""Each kind of record, with its fields that hold further records."""

_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in _PARTS}
_VALUES = {kind: attrgetter(*names) for kind, names in _NAMES.items()}
_PLACES = {
    kind: tuple((_NAMES[kind].index(name), part) for name, part in parts.items()) for kind, parts in _PARTS.items()
}

T = TypeVar("T")


def dumped(records: Sequence[object]) -> str:
    """Records of one kind as JSON text."""
    return json.dumps(records, default=_values, ensure_ascii=False, separators=(",", ":"))


def loaded(kind: Callable[..., T], text: str | bytes) -> list[T]:
    """The records of a kind, or plain values such as numbers.

    Raises ValueError, TypeError or KeyError for a text that is none of `dumped`."""
    return [_record(kind, values) for values in json.loads(text)]


def _values(record: Any) -> Any:
    return _VALUES[type(record)](record)


def _record(kind: Any, values: Any) -> Any:
    if kind not in _PLACES:
        return kind(values)
    for place, part in _PLACES[kind]:
        values[place] = tuple([_record(part, each) for each in values[place]])
    return kind(*values)

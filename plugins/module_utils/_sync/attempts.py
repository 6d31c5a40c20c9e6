# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of requests that write contacts to IT Glue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._engine.errors import ApiError
from .._engine.plan import Operation
from .._engine.reasons import Reason


@dataclass(slots=True)
class Attempt:
    """What came of one request to create contacts: the operations whose contact is not there, and the error
    where there was one."""

    missing: list[Operation] = field(default_factory=list)
    error: ApiError | None = None


@dataclass(slots=True)
class Alone:
    """What came of a contact's update by itself: attributes that were `taken` and those `waiting`, groups that
    are `locked`, and the error where the service takes nothing now."""

    waiting: list[dict[str, Any]]
    taken: set[str] = field(default_factory=set)
    locked: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    error: ApiError | None = None

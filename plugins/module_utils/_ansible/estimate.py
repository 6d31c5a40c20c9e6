# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the first run of a client lasts: BMS has no bulk requests, and allows so many creates an hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .connection import bms_limit


def first_run(creates: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """The contacts that a first run creates in BMS, how many BMS takes in an hour, and the hours of that quota."""
    per_hour = bms_limit(params).used
    return {
        "creates_in_bms": creates,
        "creates_per_hour": per_hour,
        "hours": round(creates / per_hour, 2),
    }

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas: so many requests in a window, then 429.

The windows are fixed: one opens with the first request and lets `limit` through until
it is over. What a vendor counts for: IT Glue's key (300 s), a BMS operation, that is
method and path template (1 h).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

IT_GLUE_WINDOW = 300.0
BMS_WINDOW = 3600.0


@dataclass
class _Window:
    ends: float
    used: int = 0


class Quota:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[Hashable, _Window] = {}

    def take(self, key: Hashable, limit: int, seconds: float) -> int | None:
        """Count one request; None when it may pass, else the whole seconds until the window ends."""
        now = self._clock()
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            window = self._windows[key] = _Window(now + seconds)
        if window.used >= limit:
            return max(1, math.ceil(window.ends - now))
        window.used += 1
        return None

    def clear(self) -> None:
        self._windows.clear()

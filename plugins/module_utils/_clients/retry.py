# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""How long to wait before a request is tried again. All times are in seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds on the tries of one request.

    A failing service is tried `tries` times, with waits that double from `base` up
    to `cap`. A throttling one (HTTP 429) that names no time is tried
    `throttled_tries` times, from `throttled_base` up to `max_wait`. A service that
    asks for a longer wait than `max_wait` is not waited for, and no request lasts
    longer than `deadline`, its waits included.
    """

    tries: int = 5
    base: float = 0.5
    cap: float = 20.0
    throttled_tries: int = 4
    throttled_base: float = 5.0
    max_wait: float = 60.0
    deadline: float = 300.0

    def backoff(self, failures: int, spread: Callable[[float, float], float]) -> float:
        """The wait after so many failures, with full jitter, so that threads do not come back together."""
        return spread(0.0, min(self.cap, self.base * 2 ** (failures - 1)))

    def throttled_backoff(self, failures: int, spread: Callable[[float, float], float]) -> float:
        """The wait after so many HTTP 429 without a time: never less than half, since early calls count too."""
        longest = min(self.max_wait, self.throttled_base * 2 ** (failures - 1))
        return spread(longest / 2, longest)


DEFAULT_RETRY = RetryPolicy()


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """The seconds of a `Retry-After` header: whole, fractional (Graph) or an HTTP date; None when unusable.

    A date is held against the service's own `Date`, so that a wrong clock here does no harm.
    """
    value = headers.get("Retry-After")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None:
        due = _instant(value)
        if due is None:
            return None
        sent = _instant(headers.get("Date"))
        seconds = due - (now() if sent is None else sent)
    return max(seconds, 0.0)


def _number(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _instant(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long to wait before a request is tried again. All times are in seconds."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST = 366 * 86_400.0
"""A longer wait than a year cannot be shown as a time."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds on the tries of one request.

    A failing service is tried `tries` times, with waits that double from `base` up
    to `cap`. A throttling one (HTTP 429) that names no time is tried
    `throttled_tries` times, from `throttled_base` up to `max_wait`. A service that
    asks for a longer wait than `max_wait` is not waited for, and no request lasts
    longer than `deadline`, its waits included. One that throttles to the last try
    without a time is left alone for `throttled_rest`.
    """

    tries: int = 5
    base: float = 0.5
    cap: float = 20.0
    throttled_tries: int = 4
    throttled_base: float = 5.0
    max_wait: float = 60.0
    deadline: float = 300.0

    @property
    def throttled_rest(self) -> float:
        """Longer than any request waits: the next requests fail at once instead of waiting one after another."""
        return 2 * self.max_wait

    def backoff(self, failures: int, spread: Callable[[float, float], float]) -> float:
        """The wait after so many failures, with full jitter, so that threads do not come back together."""
        return spread(0.0, min(self.cap, self.base * 2 ** (failures - 1)))

    def throttled_backoff(self, failures: int, spread: Callable[[float, float], float]) -> float:
        """The wait after so many HTTP 429 without a time: never less than half, since early calls count too."""
        longest = min(self.max_wait, self.throttled_base * 2 ** (failures - 1))
        return spread(longest / 2, longest)


DEFAULT_RETRY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and chance, as a session uses them.

    `clock` is the monotonic clock, `now` the wall clock, both in seconds; `spread` picks a number between two.
    """

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    spread: Callable[[float, float], float] = random.uniform


PATIENT_RETRY = RetryPolicy(max_wait=300.0, throttled_tries=7, deadline=900.0)
"""For a quota whose window is five minutes, as IT Glue's: to wait until it is over beats to fail."""


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
    return min(max(seconds, 0.0), _LONGEST)


def moment(wait: float, now: float) -> str:
    """When a wait is over, for a person: the time of day and how long that is."""
    due = datetime.fromtimestamp(now + wait, UTC).astimezone()
    day = "" if wait < 86_400 else f" on {due:%Y-%m-%d}"
    length = f"{math.ceil(wait)} s" if wait < 120 else f"{math.ceil(wait / 60)} min"
    return f"at {due:%H:%M:%S %Z}{day} (in {length})"


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

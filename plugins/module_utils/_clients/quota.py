# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The quotas of the services, kept by all processes of one control node together, without a server.

IT Glue and BMS count requests in a window of time. What that window is (fixed or sliding, and
when it begins) is not published, so none of any kind is overdrawn here: at no time have more
than the allowed number been sent in the last so many seconds.

For each count there is a small file in the private directory: a ring of the times of the last
requests. A request may be sent when the one that lies a whole ring before it is older than the
window. That takes one look at the file and one entry into it, some microseconds under `flock`.
A process that dies leaves the lock free; the request that it may have counted without sending
it drops out with its window. The times are those of the wall clock, which all processes share:
where it is set back, what is then in the future counts as nothing.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from .private_directory import open_private, private_directory, private_file


@dataclass(frozen=True, slots=True)
class Limit:
    """So many `requests` in so many `seconds`; for each endpoint (method and path template) apart, or for all."""

    requests: int
    seconds: float
    per_endpoint: bool


LIMITS: dict[str, Limit] = {
    # IT Glue API, "Rate Limiting": 3000 requests in a window of 5 minutes. Whether a key or an account is meant is
    # not said: it is counted by key.
    "itglue": Limit(3000, 300.0, per_endpoint=False),
    # Kaseya's help, "V2 BMS Rest APIs": "1500 per hour per endpoint". Whether a company or a user is meant is not
    # said: it is counted by company.
    "bms": Limit(1500, 3600.0, per_endpoint=True),
}
"""The published limits. Microsoft Graph's depend on the size of the tenant and on other apps (Graph documentation,
"Throttling limits"), and what a run reads is far below them: Graph's own answers tell."""

SHARE = 0.95
"""How much of a limit is used. The rest is for requests that were counted there and not here: other tools with the
same key, another control node, the way that a request takes."""

LONGEST_HOLD = 3600.0
"""Seconds. What a service asks for beyond that is a mistake: it must not stop all runs for days."""

_HEAD = struct.Struct("<dQ")
_TIME = struct.Struct("<d")


class Limiter(Protocol):
    """Keeps the quota that a service sets; `key` is `METHOD template`, or blank where it is one for all."""

    def acquire(self, key: str) -> float:
        """Count a request and return 0; or count nothing and return the seconds to wait before asking again."""

    def hold(self, key: str, seconds: float) -> None:
        """The service throttles: a request within so many seconds would be refused, and counted as well."""


class Unlimited:
    """Knows no quota but what the service says of it. Safe for use by several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._held: dict[str, float] = {}

    def acquire(self, key: str) -> float:
        with self._lock:
            return max(0.0, self._held.get(key, 0.0) - self._clock())

    def hold(self, key: str, seconds: float) -> None:
        with self._lock:
            self._held[key] = max(self._held.get(key, 0.0), self._clock() + seconds)


class SharedLimiter:
    """Keeps the quota of one account with one service, together with all other processes.

    `account` is what the service counts by: its address, and the key or the company. No more of
    it than a hash is stored. Where a file cannot be used in the middle of a run, the request is let
    through: the service still says when it is too much.
    """

    def __init__(
        self,
        service: str,
        *account: str,
        limit: Limit | None = None,
        share: float = SHARE,
        directory: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limit = limit or LIMITS.get(service)
        self._size = max(1, int(self._limit.requests * share)) if self._limit else 0
        self._names = (service, *account, str(self._size))
        self._directory = directory or private_directory()
        self._clock = clock

    def acquire(self, key: str) -> float:
        """Count a request and return 0; or count nothing and return the seconds to wait before asking again.

        `key` is the endpoint, `METHOD template`.
        """
        try:
            with _Ring(self._path(key)) as ring:
                now = self._clock()
                wait = _left(ring.held_until, now, LONGEST_HOLD)
                if wait <= 0 and self._limit:
                    wait = _left(ring.oldest(self._size) + self._limit.seconds, now, self._limit.seconds)
                    if wait <= 0:
                        ring.enter(now, self._size)
        except OSError:
            return 0.0
        return max(0.0, wait)

    def hold(self, key: str, seconds: float) -> None:
        """The service throttles: let nobody send for so long."""
        try:
            with _Ring(self._path(key)) as ring:
                now = self._clock()
                longer = max(min(seconds, LONGEST_HOLD), _left(ring.held_until, now, LONGEST_HOLD))
                ring.hold_until(now + longer)
        except OSError:
            return

    def _path(self, key: str) -> Path:
        counted = key if self._limit and self._limit.per_endpoint else ""
        return private_file(self._directory, *self._names, counted, ending="quota")


def _left(due: float, now: float, longest: float) -> float:
    """The seconds until `due`. A time farther off than can be was entered by a clock that was wrong."""
    left = due - now
    return left if 0 < left <= longest else 0.0


class _Ring:
    """The file of one count, locked: until when the service wants peace, how many requests there were, the times of
    the last of them. Each opens it anew: a lock is shared by those who inherit or share a handle."""

    def __init__(self, path: Path) -> None:
        self._handle = open_private(path)

    def __enter__(self) -> _Ring:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            # A file that is new or was cut short reads as zeros.
            head = os.pread(self._handle, _HEAD.size, 0).ljust(_HEAD.size, b"\0")
        except OSError:
            os.close(self._handle)
            raise
        self.held_until: float
        self._count: int
        self.held_until, self._count = _HEAD.unpack(head)
        return self

    def __exit__(self, *dummy: object) -> None:
        os.close(self._handle)

    def oldest(self, size: int) -> float:
        """The time of the request `size` before the next one."""
        entry = os.pread(self._handle, _TIME.size, self._offset(size)).ljust(_TIME.size, b"\0")
        moment: float = _TIME.unpack(entry)[0]
        return moment

    def enter(self, now: float, size: int) -> None:
        # Moved on first: if the process dies here, an old entry stays, and nobody takes it for a new one.
        offset = self._offset(size)
        self._count = (self._count + 1) % size
        self._write_head()
        os.pwrite(self._handle, _TIME.pack(now), offset)

    def hold_until(self, moment: float) -> None:
        self.held_until = moment
        self._write_head()

    def _offset(self, size: int) -> int:
        return _HEAD.size + self._count % size * _TIME.size

    def _write_head(self) -> None:
        os.pwrite(self._handle, _HEAD.pack(self.held_until, self._count), 0)

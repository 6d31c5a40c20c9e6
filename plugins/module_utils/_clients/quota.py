# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quotas of the services, kept by all processes of one control node together, without a server.

IT Glue and BMS count requests in a window of time. What that window is (fixed or sliding, and
when it begins) is not published, so none of any kind is overdrawn here: at no time have more
than the allowed number been sent in the last so many seconds.

For each count there is a small file in the private directory: a ring of the times of the last
requests. Of `n` requests that a run may use, one more may be sent when the one that lies `n`
before it is older than the window; runs with different `n` look at one ring. That takes one look
at the file and one entry into it, some microseconds under `flock`. A process that dies leaves the
lock free; the request that it may have counted without sending it drops out with its window. A
process that is stopped while it holds the lock is waited for some seconds, then nobody counts for
a minute. The times are those of the wall clock, which all processes share: where it is set back,
what is then in the future counts as nothing.
"""

from __future__ import annotations

import bisect
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from .decoding import TITLES
from .fair_share import Allowance, FairShare, Share
from .lock import LockError, acquired, busy
from .private_directory import digest, open_private, private_directory, private_file


@dataclass(frozen=True, slots=True)
class Limit:
    """So many `requests` in so many `seconds`; for each endpoint (method and path template) apart, or for all.

    `share` is how much of that is used. The rest is for requests that are counted there and not here: other
    integrations of the account, another control node, the way that a request takes.
    """

    requests: int
    seconds: float
    per_endpoint: bool
    share: float = 1.0

    @property
    def used(self) -> int:
        """The requests that all runs on this control node may send."""
        return max(1, min(int(self.requests * self.share), _CAPACITY))


_CAPACITY = 2**17
"""Requests that a ring has room for: one megabyte, most of which is never written."""


LIMITS: dict[str, Limit] = {
    # IT Glue API, "Rate Limiting": 3000 requests in a window of 5 minutes. Vendors of other integrations say that
    # they are the account's, shared by all its keys.
    "itglue": Limit(3000, 300.0, per_endpoint=False, share=0.6),
    # Kaseya's help, "V2 BMS Rest APIs": "1500 per hour per endpoint". Whether a company or a user is meant is not
    # said: it is counted by company.
    "bms": Limit(1500, 3600.0, per_endpoint=True, share=0.95),
}
"""The published limits. Microsoft Graph's depend on the size of the tenant and on other apps (Graph documentation,
"Throttling limits"), and what a run reads is far below them: Graph's own answers tell."""

PATIENCE = 10.0
"""Seconds to wait for another process that holds a count; to count takes microseconds."""

UNCOUNTED = 60.0
"""Seconds for which nothing is counted after such a wait was in vain."""

LONGEST_HOLD = 3600.0
"""Seconds. What a service asks for beyond that is a mistake: it must not stop all runs for days."""

_FOR_NEW = " for new people"
"""Behind the key of the count of what was sent for clients with new people."""

_HEAD = struct.Struct("<dQ")
_TIME = struct.Struct("<d")
_PAUSE = 0.0005


class Limiter(Protocol):
    """Keeps the quota that a service sets; `key` is `METHOD template`, or blank where it is one for all."""

    def acquire(self, key: str, calls: int = 1) -> float:
        """Count a request and return 0; or count nothing and return the seconds to wait before asking again. Nothing
        is counted either where the quota would not do for so many `calls`, this one included."""

    def hold(self, key: str, seconds: float) -> None:
        """The service throttles: a request within so many seconds would be refused, and counted as well."""


class Unlimited:
    """Knows no quota but what the service says of it. Safe for use by several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._held: dict[str, float] = {}

    def acquire(self, key: str, calls: int = 1) -> float:
        with self._lock:
            return max(0.0, self._held.get(key, 0.0) - self._clock())

    def hold(self, key: str, seconds: float) -> None:
        with self._lock:
            self._held[key] = max(self._held.get(key, 0.0), self._clock() + seconds)


class SharedLimiter:
    """Keeps the quota of one account with one service, together with all other processes.

    `account` is what the service counts by: its address, and the company where that has several. No
    more of it than a hash is stored. Where a file cannot be used in the middle of a run, the request is let
    through: the service still says when it is too much. `notice` gets a line about a process that is in the way.
    With a `fair_share` a client uses what clients that have waited longer leave.
    """

    def __init__(
        self,
        service: str,
        *account: str,
        limit: Limit | None = None,
        directory: Path | None = None,
        clock: Callable[[], float] = time.time,
        notice: Callable[[str], None] = lambda text: None,
        fair_share: FairShare | None = None,
    ) -> None:
        self._limit = limit or LIMITS.get(service)
        self._names = (service, *account)
        self._directory = directory or private_directory()
        self._clock = clock
        self._notice = notice
        self._uncounted_until = 0.0
        self._fair_share = fair_share
        self._account = digest(*self._names)

    def acquire(self, key: str, calls: int = 1) -> float:
        """Count a request and return 0; or count nothing and return the seconds to wait before asking again.

        `key` is the endpoint, `METHOD template`; `calls` says how many requests follow each other.
        """
        limit, fair_share = self._limit, self._fair_share
        if limit is None:
            return self._count(key, Allowance(1))
        if fair_share is None:
            return self._count(key, Allowance(limit.used, min(calls, limit.used)))
        wait = fair_share.acquire(
            self._endpoint(key), calls, self._share, lambda allowance: self._count(key, allowance)
        )
        if wait <= 0 and fair_share.is_for_new:
            self._with_ring(key + _FOR_NEW, lambda ring: ring.enter(self._clock()))
        return wait

    def _count(self, key: str, allowance: Allowance) -> float:
        """Count a request where an allowance lets it through; else the seconds to wait."""
        limit = self._limit

        def count(ring: _Ring) -> float:
            now = self._clock()
            wait = _left(ring.held_until, now, LONGEST_HOLD)
            if wait <= 0 and limit:
                wait = ring.wait(allowance, limit.seconds, now)
                if wait <= 0:
                    ring.enter(now)
            return max(0.0, wait)

        return self._with_ring(key, count)

    def _endpoint(self, key: str) -> str:
        """An endpoint of this account, as a fair share knows it."""
        return f"{self._account} {key}"

    def _share(self, endpoint: str) -> Share:
        """The quota of an endpoint, as a fair share has it."""
        limit, key = self._limit or Limit(_CAPACITY, 0.0, per_endpoint=True), endpoint.partition(" ")[2]

        def free(requests: int) -> int:
            return int(self._with_ring(key, lambda ring: ring.free(requests, limit.seconds, self._clock()), requests))

        def sent_for_new() -> int:
            def recent(ring: _Ring) -> float:
                return limit.used - ring.free(limit.used, limit.seconds, self._clock())

            return int(self._with_ring(key + _FOR_NEW, recent))

        return Share(endpoint, limit.used, free, sent_for_new)

    def hold(self, key: str, seconds: float) -> None:
        """The service throttles: let nobody send for so long."""

        def hold(ring: _Ring) -> float:
            now = self._clock()
            longer = max(min(seconds, LONGEST_HOLD), _left(ring.held_until, now, LONGEST_HOLD))
            ring.hold_until(now + longer)
            return longer

        self._with_ring(key, hold)
        if self._fair_share and self._limit:
            share = self._share(self._endpoint(key))
            self._fair_share.met(share.endpoint, share.sent)

    def _with_ring(self, key: str, use: Callable[[_Ring], float], unknown: float = 0.0) -> float:
        """What `use` makes of the count of an endpoint, locked; `unknown` where that cannot be used."""
        if time.monotonic() < self._uncounted_until:
            return unknown
        counted = key if self._limit and self._limit.per_endpoint else ""
        try:
            with _Ring(private_file(self._directory, *self._names, counted, ending="quota")) as ring:
                return use(ring)
        except (OSError, LockError) as error:
            reason = f"{self._directory}: {error.strerror}." if isinstance(error, OSError) else error
            self._uncounted_until = time.monotonic() + UNCOUNTED
            self._notice(f"The requests to {TITLES[self._names[0]]} are not counted for a minute. {reason}")
            return unknown


def _left(due: float, now: float, longest: float) -> float:
    """The seconds until `due`. A time farther off than can be was entered by a clock that was wrong."""
    left = due - now
    return left if 0 < left <= longest else 0.0


class _Ring:
    """The file of one count, locked: until when the service wants peace, how many requests there were, the times of
    the last of them. Each opens it anew: a lock is shared by those who inherit or share a handle."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = open_private(path)

    def __enter__(self) -> _Ring:
        try:
            if not acquired(self._handle, PATIENCE, pause=_PAUSE):
                raise busy(self._path, PATIENCE)
            # A file that is new or was cut short reads as zeros.
            head = os.pread(self._handle, _HEAD.size, 0).ljust(_HEAD.size, b"\0")
        except (OSError, LockError):
            os.close(self._handle)
            raise
        self.held_until: float
        self._count: int
        self.held_until, self._count = _HEAD.unpack(head)
        return self

    def __exit__(self, *dummy: object) -> None:
        os.close(self._handle)

    def wait(self, allowance: Allowance, seconds: float, now: float) -> float:
        """The seconds until so many calls are free as an allowance wants; the whole window where it has not so many."""
        back = allowance.requests - allowance.calls + 1
        return _left(self.time_of(back) + seconds, now, seconds) if back > 0 else seconds

    def free(self, requests: int, seconds: float, now: float) -> int:
        """How many of so many requests may be sent by now; the times of the ring are in order."""
        recent = bisect.bisect_left(
            range(1, max(0, requests) + 1),
            True,
            key=lambda back: _left(self.time_of(back) + seconds, now, seconds) <= 0,
        )
        return max(0, requests) - recent

    def time_of(self, back: int) -> float:
        """The time of the request so many before the next one."""
        entry = os.pread(self._handle, _TIME.size, _offset(self._count - back)).ljust(_TIME.size, b"\0")
        moment: float = _TIME.unpack(entry)[0]
        return moment

    def enter(self, now: float) -> float:
        """Enter a request; the time of it."""
        # Moved on first: if the process dies here, an old entry stays, and nobody takes it for a new one.
        offset = _offset(self._count)
        self._count = (self._count + 1) % _CAPACITY
        self._write_head()
        os.pwrite(self._handle, _TIME.pack(now), offset)
        return now

    def hold_until(self, moment: float) -> None:
        self.held_until = moment
        self._write_head()

    def _write_head(self) -> None:
        os.pwrite(self._handle, _HEAD.pack(self.held_until, self._count), 0)


def _offset(number: int) -> int:
    return _HEAD.size + number % _CAPACITY * _TIME.size

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which client is served where a quota is short: the one that has waited longest, whatever the order of the inventory.

All processes of one control node keep one list (`waiting_list.py`). A client that a quota has deferred is on it,
with the time since which it waits and the requests that it needs of each endpoint. Until it is served, those
requests are reserved: a client that began to wait later, or does not wait, may use only what the reservations
leave. So neither the order nor the number of the processes matters.

- A client that is being served reserves too, so that a list of pages that has begun can be finished.
- A part of each quota is for clients with people who are new. It is open to the client that is first in line,
  and to one that needs more than the rest of the quota.
- A client that does not come back loses its reservation: after twice the longest time between two of its runs,
  after a day where only one is known, and at once for a client that has come twice meanwhile.
- Where the service itself refused a request, no more than had been sent by then is shared out for some hours. The
  client that is first in line may try in any case.

Clients are distinguished by hashes. Without a list nobody waits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from .private_directory import digest
from .sqlite_file import SqliteError
from .waiting_list import WaitingList

if TYPE_CHECKING:
    import sqlite3

KEPT_FOR_NEW = 0.2
"""The part of a quota that only clients with new people use."""

LOOKS_FOR_NEW = 3
"""How often the same list is read where people are created: for the plan, before the first create, and after it."""

DAY = 86_400.0
EXPECTED_AGAIN = 26 * 3600.0
"""Seconds within which a client is expected back that was deferred once: a daily schedule, and some more."""

SHORTEST_RESERVATION = 3 * 3600.0
"""Seconds for which a client that was deferred repeatedly keeps its reservation at least."""

FORGOTTEN = 15 * DAY
"""Seconds after which a client that does not come back is forgotten."""

SERVED_WITHIN = 900.0
"""Seconds for which a client that is being served keeps its reservation without a sign of life."""

MET_FOR = 2 * 3600.0
"""Seconds for which it counts how many requests a service has let through."""

_SAME_REFUSAL = 900.0
"""Seconds within which refusals are of the same quota that is used up."""

MOST_CLIENTS = 20_000
"""Clients that a list remembers; the ones that were seen last stay."""

_RESERVED = """
SELECT client.new, SUM(need.calls) FROM client JOIN need ON need.client = client.client AND need.endpoint = :endpoint
WHERE client.line = 1 AND client.client <> :client AND (
    client.serving > :now OR (
        client.since IS NOT NULL AND (client.since, client.client) < (:since, :client)
        AND client.seen + CASE WHEN client.runs > 1 THEN MAX(2 * client.gap, :shortest) ELSE :expected END > :now
        AND NOT (client.runs = 1 AND :before > client.seen)
    )
) GROUP BY client.new
"""
_NEVER = 1e300


@dataclass(frozen=True, slots=True)
class Share:
    """A quota as a client shares it: `used` requests for all, of which `free(n)` may be sent now where a client may
    use `n` of them. `sent_for_new` of those in the window were for clients with new people."""

    endpoint: str
    used: int
    free: Callable[[int], int]
    sent_for_new: Callable[[], int]

    @property
    def sent(self) -> int:
        """The requests that have been sent in the window."""
        return self.used - self.free(self.used)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a quota a client may use: `requests` in the window, all runs' together, where `calls` are free."""

    requests: int
    calls: int = 1


Shares = Callable[[str], Share]
"""The quota of an endpoint."""

Count = Callable[[Allowance], float]
"""Counts a request and returns 0, or the seconds to wait."""


class _Place(NamedTuple):
    """Where a client stands: since when it waits (`_NEVER`: it does not), when it was seen, and the time before."""

    since: float = _NEVER
    seen: float = 0.0
    before: float = 0.0
    gap: float = 0.0
    runs: int = 0
    new: bool = False


class FairShare:
    """One run for one client, at the quotas of one service. Safe for use by several threads.

    `client` tells it from other clients. With `counted=False`, as in check mode, it uses what others leave, and nothing
    is noted of it. `has_new_people` is set by whoever knows. `clock` gives the time of the wall clock in seconds.
    """

    def __init__(
        self,
        waiting: WaitingList,
        *client: str,
        counted: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.has_new_people = False
        self.waits_with_new_people = False
        self._list = waiting
        self._client = digest(*client)
        self._counted = counted
        self._clock = clock
        self._lock = RLock()
        self._is_served = False
        self._reserved: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._refused: dict[str, int] = {}

    # -------------------------------------------------------------- while it runs

    def acquire(self, endpoint: str, calls: int, shares: Shares, count: Count) -> float:
        """Count a request of so many that are wanted, or the seconds to wait: by what is reserved for this client, else
        by what the reservations of others leave. Nobody else reserves or counts meanwhile."""
        with self._lock:
            wait = None
            with suppress(SqliteError), self._list.opened() as book:
                allowance = Allowance(shares(endpoint).used)
                if self._reserved[endpoint] < calls:
                    allowance = self._reserve(book, endpoint, calls, shares)
                wait = count(allowance)
                if wait <= 0:
                    self._note_sent(book, endpoint)
                else:
                    self._refused.setdefault(endpoint, calls)
            if wait is None:
                wait = count(Allowance(shares(endpoint).used))
                self._sent[endpoint] += wait <= 0
            return wait

    @property
    def is_for_new(self) -> bool:
        """Whether the client has new people, or waits with some."""
        return self.has_new_people or self.waits_with_new_people

    def _note_sent(self, book: sqlite3.Connection, endpoint: str) -> None:
        self._sent[endpoint] += 1
        self._refused.pop(endpoint, None)
        if self._reserved[endpoint] > 0:
            self._reserved[endpoint] -= 1
            if self._is_served:
                entry = (self._reserved[endpoint], self._client, endpoint)
                book.execute("UPDATE need SET calls = ? WHERE client = ? AND endpoint = ?", entry)
                until = (self._clock() + SERVED_WITHIN, self._client)
                book.execute("UPDATE client SET serving = ? WHERE client = ?", until)

    def met(self, endpoint: str, calls: int) -> None:
        """The service itself has refused a request, the last of so many that had been sent."""
        with self._lock:
            self._refused.setdefault(endpoint, 1)
            with suppress(SqliteError), self._list.opened() as book:
                now, through = self._clock(), max(0, calls - 1)
                found = book.execute("SELECT calls, until FROM met WHERE endpoint = ?", (endpoint,)).fetchone()
                if found is not None and 0 <= now + MET_FOR - found[1] < _SAME_REFUSAL:
                    through = min(through, int(found[0]))  # further tries have been counted since
                book.execute("INSERT OR REPLACE INTO met VALUES(?, ?, ?)", (endpoint, through, now + MET_FOR))

    def _reserve(self, book: sqlite3.Connection, endpoint: str, calls: int, shares: Shares) -> Allowance:
        place = self._place(book)
        self.waits_with_new_people = place.new
        if self._is_served and _writes(endpoint):
            # The next write may be the last: nothing is reserved for it, and the count tells whether it is free.
            return Allowance(self._share_of(book, shares(endpoint), place, calls))
        needs = {} if self._is_served else self._needs(book)
        wanted = {endpoint: calls}
        if self.is_for_new and calls > 1 and endpoint not in self._sent:
            wanted[endpoint] *= LOOKS_FOR_NEW
        if not self._is_served:
            # What cannot be finished is not begun: of the writes one at least, all of the reads.
            account = endpoint.partition(" ")[0]
            for each, needed in needs.items():
                if each.partition(" ")[0] == account:
                    wanted[each] = max(wanted.get(each, 0), 1 if _writes(each) else needed)
        free: dict[str, int] = {}
        for each, needed in wanted.items():
            share = shares(each)
            needed = min(needed, share.used)
            allowed = self._share_of(book, share, place, needed)
            free[each] = share.free(allowed)
            if free[each] < needed:
                self._refused[each] = needed
                return Allowance(allowed, needed) if each == endpoint else Allowance(0)
            wanted[each] = needed
        for each, needed in wanted.items():
            self._reserved[each] = min(free[each], needs.get(each, 1)) if _writes(each) else needed
        if self._counted:
            self._serve(book, place)
        return Allowance(share.used)

    def _share_of(self, book: sqlite3.Connection, share: Share, place: _Place, wanted: int) -> int:
        """How many requests of a quota are this client's, by the reservations of all others."""
        values = {
            "endpoint": share.endpoint,
            "client": self._client,
            "now": self._clock(),
            "since": place.since if self._counted else _NEVER,
            "before": place.before,
            "shortest": SHORTEST_RESERVATION,
            "expected": EXPECTED_AGAIN,
        }
        reserved = {bool(new): int(calls) for new, calls in book.execute(_RESERVED, values)}
        for_new, for_known = reserved.get(True, 0), reserved.get(False, 0)
        if not for_new and not for_known and (self._counted and place.since < _NEVER):
            return share.used
        used = self._met(book, share) if for_new or for_known else share.used
        if self.is_for_new and not for_known:
            return used - for_new  # what was sent, which takes long to count, does not matter
        rest, sent_for_new = int(used * (1 - KEPT_FOR_NEW)), share.sent_for_new()
        if self.is_for_new:
            return used - for_new - min(for_known, max(0, rest - share.sent + sent_for_new))
        unreserved = used - for_new - for_known
        return (
            unreserved
            if self._sent[share.endpoint] + wanted > rest
            else min(unreserved, rest + sent_for_new - for_known)
        )

    def _met(self, book: sqlite3.Connection, share: Share) -> int:
        """What the service lets through, by its own word of late."""
        found = book.execute("SELECT calls, until FROM met WHERE endpoint = ?", (share.endpoint,)).fetchone()
        if found is None or not 0 < found[1] - self._clock() <= MET_FOR:
            return share.used
        return min(share.used, max(int(found[0]), share.sent))

    # ------------------------------------------------------------------- its place

    def _place(self, book: sqlite3.Connection) -> _Place:
        query = "SELECT since, seen, before, gap, runs, new FROM client WHERE client = ?"
        found = book.execute(query, (self._client,)).fetchone()
        if found is None or not found[1] - DAY <= self._clock() <= found[1] + FORGOTTEN:
            return _Place()
        return _Place(_NEVER if found[0] is None else found[0], *found[1:])

    def _needs(self, book: sqlite3.Connection) -> dict[str, int]:
        found = book.execute("SELECT endpoint, calls FROM need WHERE client = ?", (self._client,))
        return {str(endpoint): int(calls) for endpoint, calls in found}

    def _serve(self, book: sqlite3.Connection, place: _Place) -> None:
        """Note that the client is being served, with what is reserved for it."""
        self._is_served = True
        if place == _Place():
            place = _Place(seen=self._clock())
        self._write(book, place, {**self._needs(book), **self._reserved}, serving=self._clock() + SERVED_WITHIN)

    def _write(self, book: sqlite3.Connection, place: _Place, needs: Mapping[str, int], serving: float = 0.0) -> None:
        waits = place.since < _NEVER
        row = (self._client, place.since if waits else None, *place[1:], serving, waits or bool(serving))
        book.execute("INSERT OR REPLACE INTO client VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        book.execute("DELETE FROM need WHERE client = ?", (self._client,))
        rows = [(self._client, endpoint, calls) for endpoint, calls in needs.items() if calls > 0]
        book.executemany("INSERT INTO need VALUES(?, ?, ?)", rows)

    # ---------------------------------------------------------------- when it ends

    def deferred(self, writes: int) -> int:
        """A quota has deferred the client, with so many writes to do. Returns in how many runs in a row it has been
        deferred, this one included."""
        if not self._counted:
            return 0
        with self._lock, suppress(SqliteError), self._list.opened() as book:
            place = self._place(book)
            now = self._clock()
            waits = place.since < _NEVER
            gap = max(place.gap, now - place.seen) if waits else 0.0
            new = place.new or self.has_new_people
            since = place.since if waits else now
            after = _Place(since, now, place.seen if waits else 0.0, gap, place.runs + 1, new)
            self._write(book, after, self._still_needed(self._needs(book), writes))
            self._forget(book, now)
            return after.runs
        return 1

    def _still_needed(self, known: Mapping[str, int], writes: int) -> dict[str, int]:
        """The requests of the next run: the reads of this one and those that were refused; of the writes only
        what is left."""
        needs = {each: calls for each, calls in known.items() if not (self._is_served and _writes(each))}
        for endpoint in {*self._sent, *self._refused}:
            if not _writes(endpoint):
                calls = self._sent[endpoint] + self._refused.get(endpoint, 0)
                needs[endpoint] = max(needs.get(endpoint, 0), calls)
        refused = [each for each in self._refused if _writes(each)]
        return {each: max(1, writes) for each in refused} | needs

    def served(self) -> None:
        """Nothing of the client had to wait."""
        if not self._counted:
            return
        with self._lock, suppress(SqliteError), self._list.opened(make=False) as book:
            for table in ("client", "need"):
                book.execute(f"DELETE FROM {table} WHERE client = ?", (self._client,))

    def interrupted(self) -> None:
        """The run ended for another reason: the client stays where it was in line."""
        if self._counted and self._is_served:
            with self._lock, suppress(SqliteError), self._list.opened(make=False) as book:
                needs = Counter(self._needs(book))
                needs.update(self._sent)
                self._write(book, self._place(book), needs)

    @staticmethod
    def _forget(book: sqlite3.Connection, now: float) -> None:
        """Forget who was not seen for long, whom a clock that was wrong has entered, and who is too many."""
        forgotten = book.execute("DELETE FROM client WHERE seen < ? OR seen > ?", (now - FORGOTTEN, now + DAY)).rowcount
        extra = "SELECT client FROM client ORDER BY seen DESC LIMIT -1 OFFSET ?"
        forgotten += book.execute(f"DELETE FROM client WHERE client IN ({extra})", (MOST_CLIENTS,)).rowcount
        if forgotten:
            book.execute("DELETE FROM need WHERE client NOT IN (SELECT client FROM client)")


def _writes(endpoint: str) -> bool:
    """Whether requests to an endpoint (`account METHOD template`) change something."""
    return " GET " not in f" {endpoint}"

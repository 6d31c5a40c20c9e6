# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which client is served where a quota is short: nobody is starved, whatever the order and the number of processes."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import fair_share, sqlite_file, waiting_list
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.fair_share import FairShare
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import Limit, SharedLimiter
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.sqlite_file import opened
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.waiting_list import WaitingList
from tests.unit.shared.clock import CREATE, HOUR, READ, Clock


@dataclass
class Node:
    """A control node, whose quota allows so many requests an hour."""

    directory: Path
    requests: int
    clock: Clock = field(default_factory=Clock)
    refuses_after: int | None = None
    sent: int = 0
    pace: float = 0.01

    @property
    def path(self) -> Path:
        return self.directory / "list.waiting"

    def begin(self, client: str, *, counted: bool = True, new: bool = False) -> tuple[FairShare, SharedLimiter]:
        share = FairShare(WaitingList(self.path), client, counted=counted, clock=self.clock)
        share.has_new_people = new
        limit = Limit(self.requests, HOUR, per_endpoint=True)
        limiter = SharedLimiter("bms", "msp", limit=limit, directory=self.directory, clock=self.clock, fair_share=share)
        return share, limiter

    def run(self, client: str, reads: int = 1, writes: int = 0, *, new: bool = False) -> int:
        """One run for a client; in how many runs in a row it has been deferred."""
        self.clock.now += self.pace
        share, limiter = self.begin(client, new=new)
        for number in range(reads):
            if limiter.acquire(READ, reads - number) or self._is_refused(limiter):
                return share.deferred(0)
        for number in range(writes):
            if limiter.acquire(CREATE):
                return share.deferred(writes - number)
        share.served()
        return 0

    def _is_refused(self, limiter: SharedLimiter) -> bool:
        self.sent += 1
        refused = self.refuses_after is not None and self.sent > self.refuses_after
        if refused:
            limiter.hold(READ, 60)
        return refused


@pytest.fixture
def node(tmp_path):
    def node(requests: int) -> Node:
        return Node(tmp_path, requests)

    return node


# ------------------------------------------------------------------- everybody is served


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_where_a_quota_serves_one_client_an_hour_each_is_served_in_as_many_hours(tmp_path_factory, data):
    needs = data.draw(st.lists(st.integers(4, 7), min_size=1, max_size=5), label="requests of each client")
    quota = data.draw(st.integers(max(needs), 7), label="quota")
    node = Node(tmp_path_factory.mktemp("node"), quota, pace=data.draw(st.sampled_from([0.0, 1.0]), label="pace"))
    clients, served = list(range(len(needs))), set()
    for dummy in range(len(needs)):
        for client in data.draw(st.permutations(clients), label="order"):
            if not node.run(str(client), needs[client]):
                served.add(client)
        node.clock.now += HOUR
    assert served == set(clients)


@settings(max_examples=4, deadline=None)
@given(st.data())
def test_the_forks_of_a_run_do_not_take_from_each_other(tmp_path_factory, data):
    clients = list(range(6))
    node = Node(tmp_path_factory.mktemp("node"), 5)
    served: set[int] = set()
    for dummy in clients:
        order = data.draw(st.permutations(clients))

        def work(some: list[int]) -> None:
            served.update(each for each in some if not node.run(str(each), 5))

        forks = [threading.Thread(target=work, args=(order[number::3],)) for number in range(3)]
        for fork in forks:
            fork.start()
        for fork in forks:
            fork.join()
        node.clock.now += HOUR
    assert served == set(clients)


def test_who_has_waited_longest_is_first_whatever_the_order(node):
    hour = node(5)
    assert [hour.run(client, 5) for client in "abc"] == [0, 1, 1]
    hour.clock.now += HOUR
    assert [hour.run(client, 5) for client in "cab"] == [2, 1, 0]
    hour.clock.now += HOUR
    assert [hour.run(client, 5) for client in "bac"] == [1, 2, 0]
    hour.clock.now += HOUR
    assert [hour.run(client, 5) for client in "bca"] == [2, 1, 0]


def test_a_client_with_more_writes_than_an_hour_allows_goes_on_until_it_is_done(node):
    hours = node(10)
    assert hours.run("large", 2, 25) == 1  # 10 done
    hours.clock.now += HOUR
    assert [hours.run("small", 2, 3), hours.run("large", 2, 15)] == [1, 2]  # 20 done
    hours.clock.now += HOUR
    assert [hours.run("small", 2, 3), hours.run("large", 2, 5)] == [0, 0]


# --------------------------------------------------------------------------- what is shared


def test_a_list_that_cannot_be_finished_is_not_begun(node):
    hour = node(10)
    hour.run("a", 6)
    dummy, limiter = hour.begin("b")
    assert limiter.acquire(READ, 6) == HOUR  # as soon as the requests of the other are an hour old
    assert limiter.acquire(READ, 2) == 0


def test_a_list_that_has_begun_can_be_finished(node):
    hour = node(10)
    dummy, first = hour.begin("a")
    assert first.acquire(READ, 6) == 0
    dummy, second = hour.begin("b")
    assert second.acquire(READ, 6) > 0
    assert [first.acquire(READ, 6 - number) for number in range(1, 6)] == [0] * 5


def test_a_part_of_a_quota_is_for_new_people(node):
    hour = node(20)
    served = [client for client in range(20) if not hour.run(f"known {client}", 1)]
    assert len(served) == 20 * (1 - fair_share.KEPT_FOR_NEW)
    assert [hour.run(f"new {client}", 1, new=True) for client in range(5)] == [0, 0, 0, 0, 1]


def test_the_part_for_new_people_is_theirs_although_others_wait(node):
    hour = node(20)
    for client in range(60):
        hour.run(f"known {client}", 1)
    hour.clock.now += HOUR
    assert [hour.run(f"new {client}", 1, new=True) for client in range(5)] == [0, 0, 0, 0, 1]
    assert [hour.run(f"known {client}", 1) for client in range(16, 32)] == [0] * 16


def test_who_waits_with_new_people_keeps_its_right_to_that_part(node):
    hour = node(20)
    for client in range(60):
        hour.run(f"known {client}", 1)
    for client in range(5):
        hour.run(f"new {client}", 1, new=True)
    hour.clock.now += HOUR
    assert hour.run("new 4", 1) == 0


def test_a_preview_uses_what_others_leave_and_is_not_noted(node):
    hour = node(5)
    hour.run("a", 5)
    hour.run("b", 5)
    hour.clock.now += HOUR
    preview, limiter = hour.begin("c", counted=False)
    assert limiter.acquire(READ, 2) == HOUR
    assert preview.deferred(0) == 0
    assert hour.run("c", 5) == 1
    assert hour.run("b", 5) == 0


def test_where_the_service_lets_less_through_the_client_that_waited_longest_tries_first(node):
    hour = node(1000)
    hour.refuses_after = 4
    assert [hour.run(client, 2) for client in "abcd"] == [0, 0, 1, 1]
    hour.clock.now += HOUR
    hour.sent = 0
    assert [hour.run(client, 2) for client in "abcd"] == [1, 1, 0, 0]


# ----------------------------------------------------------------------------- who does not come


def test_a_client_that_does_not_come_back_loses_its_reservation(node):
    hour = node(5)
    hour.run("a", 5)
    hour.run("gone", 5)
    hour.clock.now += HOUR
    assert hour.run("a", 5) == 1
    hour.clock.now += HOUR
    assert hour.run("a", 5) == 2
    hour.clock.now += HOUR
    assert hour.run("a", 5) == 0


def test_a_client_that_comes_once_a_day_is_not_starved_by_one_that_comes_each_hour(node):
    hours = node(5)
    daily = []
    for hour in range(24 * 4):
        hours.run("hourly", 5)
        if hour % 24 == 3:
            daily.append(hours.run("daily", 5))
        hours.clock.now += HOUR
    assert 0 in daily


def test_a_run_that_fails_for_another_reason_stays_where_it_was_in_line(node):
    hour = node(5)
    hour.run("a", 5)
    hour.run("b", 5)
    hour.clock.now += HOUR
    failing, limiter = hour.begin("b")
    assert limiter.acquire(READ, 2) == 0
    failing.interrupted()
    hour.clock.now += HOUR
    assert [hour.run("c", 5), hour.run("b", 5)] == [1, 0]


def test_a_process_that_is_killed_reserves_for_some_minutes_only(node):
    hour = node(5)
    dummy, limiter = hour.begin("killed")
    limiter.acquire(READ, 5)
    assert hour.run("a", 4) == 1
    hour.clock.now += fair_share.SERVED_WITHIN + 1
    assert hour.run("a", 4) == 0


def test_runs_on_end_are_counted_until_the_client_is_served(node):
    hour = node(5)
    hour.run("a", 5)
    assert [hour.run("b", 5) for dummy in range(3)] == [1, 2, 3]
    hour.clock.now += HOUR
    assert hour.run("b", 5) == 0
    assert hour.run("b", 5) == 1


# --------------------------------------------------------------------------------- the list


def test_the_list_says_nothing_of_a_client(node):
    hour = node(1)
    hour.run("Happy Frog", 1)
    hour.run("Sad Frog", 1)
    assert b"Frog" not in hour.path.read_bytes()
    assert hour.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"no list", b"SQLite format 3\0" + b"\0" * 4000])
def test_a_list_that_cannot_be_read_is_made_anew(node, content):
    hour = node(5)
    hour.path.write_bytes(content)
    assert [hour.run(client, 5) for client in "ab"] == [0, 1]
    hour.clock.now += HOUR
    assert [hour.run(client, 5) for client in "ab"] == [1, 0]


def test_a_list_that_is_damaged_inside_is_made_anew(node):
    hour = node(5)
    hour.run("a", 5)
    hour.run("b", 5)
    content = bytearray(hour.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    hour.path.write_bytes(content)
    for dummy in range(3):
        hour.clock.now += HOUR
        assert hour.run("b", 5) == 0
    assert hour.run("c", 5) == 1


def test_a_list_that_is_removed_while_a_run_has_it_open_is_made_anew(node):
    hour = node(2)
    share, limiter = hour.begin("a")
    assert limiter.acquire(READ) == 0
    assert share.deferred(0) == 1
    hour.path.unlink()
    assert limiter.acquire(READ) == 0
    assert share.deferred(0) == 1
    with sqlite3.connect(hour.path) as book:
        assert book.execute("SELECT COUNT(*) FROM client").fetchone() == (1,)


def test_the_list_is_opened_once_for_all_requests_of_a_run(node, monkeypatch):
    paths = []
    monkeypatch.setattr(waiting_list, "opened", lambda path, *how: paths.append(path) or opened(path, *how))
    hour = node(5)
    assert hour.run("a", 5) == 0
    assert paths == [hour.path]


def test_without_a_list_nobody_waits(tmp_path):
    limit = Limit(3, HOUR, per_endpoint=True)
    share = FairShare(WaitingList(None), "a")
    limiter = SharedLimiter("bms", limit=limit, directory=tmp_path, fair_share=share)
    assert [limiter.acquire(READ) for dummy in range(3)] == [0, 0, 0]
    assert share.deferred(0) == 1


def test_who_was_not_seen_for_long_is_forgotten_and_the_list_is_bounded(node, monkeypatch):
    monkeypatch.setattr(fair_share, "MOST_CLIENTS", 3)
    hour = node(1)
    for client in "abcdef":
        hour.run(client, 1)
        hour.clock.now += 1
    with sqlite3.connect(hour.path) as book:
        assert book.execute("SELECT COUNT(*) FROM client").fetchone() == (3,)
    hour.clock.now += fair_share.FORGOTTEN + 1
    assert [hour.run(client, 1) for client in "gh"] == [0, 1]
    with sqlite3.connect(hour.path) as book:
        assert book.execute("SELECT COUNT(*), SUM(line) FROM client").fetchone() == (1, 1)
        assert book.execute("SELECT COUNT(*) FROM need").fetchone() == (1,)


def test_a_link_in_place_of_the_list_is_not_followed(node, tmp_path):
    hour = node(1)
    (tmp_path / "elsewhere").write_bytes(b"")
    hour.path.symlink_to(tmp_path / "elsewhere")
    assert [hour.run(client, 1) for client in "ab"] == [0, 1]
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_python_without_sqlite_keeps_no_list(node, monkeypatch):
    monkeypatch.setattr(sqlite_file, "sqlite3", None)
    hour = node(5)
    assert [hour.run(client, 5) for client in "ab"] == [0, 1]
    assert not hour.path.exists()

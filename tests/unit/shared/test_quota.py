# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas that several processes keep together: counted exactly, in no window overdrawn, stuck for nobody."""

from __future__ import annotations

import bisect
import os
import signal
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import quota
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import LIMITS, Limit, SharedLimiter
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import PATIENT_RETRY
from tests.unit.shared.clock import CREATE, HOUR, READ, Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(tmp_path, clock):
    """Makes the limiter of one process."""

    def limiter(service="bms", *account, requests=3, seconds=HOUR, per_endpoint=True, **options) -> SharedLimiter:
        limit = Limit(requests, seconds, per_endpoint)
        account = account or ("https://api.bms.example", "Happy MSP")
        return SharedLimiter(service, *account, limit=limit, **{"directory": tmp_path, "clock": clock, **options})

    return limiter


# --------------------------------------------------------------------- limits


def test_the_published_limits():
    assert LIMITS["itglue"] == Limit(3000, 300, per_endpoint=False, share=0.6)
    assert LIMITS["bms"] == Limit(1500, HOUR, per_endpoint=True, share=0.95)
    assert "graph" not in LIMITS


@pytest.mark.parametrize(("service", "allowed"), [("itglue", 1800), ("bms", 1425)])
def test_some_of_a_limit_is_left_to_others(tmp_path, clock, service, allowed):
    process = SharedLimiter(service, "account", directory=tmp_path, clock=clock)
    assert [process.acquire(CREATE) for dummy in range(allowed)] == [0] * allowed
    assert process.acquire(CREATE) == LIMITS[service].seconds


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(1, 30))
def test_what_itglue_allows_is_waited_for_so_each_client_is_served(tmp_path_factory, allowed, requests):
    """Its quota comes back within minutes: no request of a client, whatever its place in the inventory, is deferred."""
    clock, window = Clock(), LIMITS["itglue"].seconds
    limit = Limit(allowed, window, per_endpoint=False)
    process = SharedLimiter("itglue", limit=limit, directory=tmp_path_factory.mktemp("quota"), clock=clock)
    began = clock.now
    for dummy in range(requests):
        waited = 0.0
        while wait := process.acquire("GET /contacts"):
            assert wait <= PATIENT_RETRY.max_wait
            waited += wait
            clock.now += wait
        assert waited <= min(window, PATIENT_RETRY.deadline)
    assert clock.now - began == (requests - 1) // allowed * window


def test_graph_is_not_counted_but_its_word_is_kept(tmp_path, clock):
    one, other = (SharedLimiter("graph", "tenant", directory=tmp_path, clock=clock) for dummy in range(2))
    assert [one.acquire("") for dummy in range(5000)] == [0] * 5000
    one.hold("", 17)
    assert other.acquire("") == 17
    assert SharedLimiter("graph", "another tenant", directory=tmp_path, clock=clock).acquire("") == 0


# -------------------------------------------------------------------- windows


def test_the_window_slides(limiter, clock):
    process = limiter()
    for dummy in range(3):
        assert process.acquire(CREATE) == 0
        clock.now += 600
    assert process.acquire(CREATE) == HOUR - 1800
    assert process.acquire(CREATE) == HOUR - 1800  # asking does not count
    clock.now += HOUR - 1800
    assert process.acquire(CREATE) == 0
    assert process.acquire(CREATE) == 600  # the second of the first three


@given(st.lists(st.floats(0, 100), max_size=60), st.integers(1, 7))
def test_no_window_of_any_kind_is_overdrawn(tmp_path_factory, pauses, requests):
    clock = Clock()
    process = SharedLimiter(
        "bms", limit=Limit(requests, 100, True), directory=tmp_path_factory.mktemp("quota"), clock=clock
    )
    sent: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = process.acquire(CREATE)
        recent = len(sent) - bisect.bisect_right(sent, clock.now - 100)
        assert (wait == 0) is (recent < requests)  # not one more, and not one less
        if wait == 0:
            sent.append(clock.now)
        else:
            assert wait == sent[-requests] + 100 - clock.now


def test_endpoints_are_counted_apart_where_the_service_does(limiter):
    bms, itglue = limiter(requests=1), limiter("itglue", "key", requests=1, per_endpoint=False)
    assert (bms.acquire(CREATE), bms.acquire(READ)) == (0, 0)
    assert (itglue.acquire(CREATE), itglue.acquire(READ) > 0) == (0, True)


@pytest.mark.parametrize(("first", "second"), [(2, 5), (5, 2)])
def test_runs_that_may_use_different_numbers_count_together(limiter, clock, first, second):
    one, other = limiter(requests=first), limiter(requests=second)
    sent = 0
    for dummy in range(10):
        for process, allowed in ((one, first), (other, second)):
            wait = process.acquire(CREATE)
            assert (wait == 0) is (sent < allowed)
            sent += wait == 0
    assert sent == max(first, second)
    clock.now += HOUR
    assert one.acquire(CREATE) == other.acquire(CREATE) == 0


@given(st.lists(st.tuples(st.floats(0, 60), st.integers(1, 9)), max_size=60))
def test_no_run_overdraws_what_it_may_use_whatever_others_may(tmp_path_factory, steps):
    clock, directory = Clock(), tmp_path_factory.mktemp("quota")
    sent: list[float] = []
    for pause, allowed in steps:
        clock.now += pause
        process = SharedLimiter("bms", limit=Limit(allowed, 100, True), directory=directory, clock=clock)
        recent = len(sent) - bisect.bisect_right(sent, clock.now - 100)
        if process.acquire(CREATE) == 0:
            assert recent < allowed
            sent.append(clock.now)
        else:
            assert recent >= allowed


def test_more_than_a_ring_holds_is_never_allowed(limiter):
    assert Limit(10**9, HOUR, True).used == 2**17
    assert limiter(requests=10**9).acquire(CREATE) == 0


def test_a_ring_goes_round(limiter, clock, monkeypatch):
    monkeypatch.setattr(quota, "_CAPACITY", 4)
    process = limiter(requests=3)
    for dummy in range(9):
        assert [process.acquire(CREATE) for dummy in range(4)] == [0, 0, 0, HOUR]
        clock.now += HOUR


def test_accounts_are_counted_apart(limiter):
    assert limiter("bms", "https://api.bms.example", "A", requests=1).acquire(CREATE) == 0
    assert limiter("bms", "https://api.bms.example", "B", requests=1).acquire(CREATE) == 0
    assert limiter("bms", "https://api.bms.example", "A", requests=1).acquire(CREATE) == HOUR


# ------------------------------------------------------- the service's own word


def test_what_the_service_says_counts_for_all_processes(limiter, clock):
    one, other = limiter(), limiter()
    one.hold(CREATE, 30)
    one.hold(CREATE, 10)  # a shorter word does not cut a longer one short
    assert other.acquire(CREATE) == 30
    assert other.acquire(READ) == 0
    clock.now += 30
    assert [other.acquire(CREATE) for dummy in range(4)] == [0, 0, 0, HOUR]  # held ones were not counted


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
def test_a_service_that_asks_for_years_is_not_believed(limiter, clock, seconds):
    process = limiter()
    process.hold(CREATE, seconds)
    assert process.acquire(CREATE) == quota.LONGEST_HOLD
    clock.now += quota.LONGEST_HOLD
    assert process.acquire(CREATE) == 0


# ---------------------------------------------------------------- many at once

COUNTER = """
import sys
from pathlib import Path
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import Limit, SharedLimiter
limit = Limit(1000, 3600.0, True)
limiter = SharedLimiter("bms", "account", limit=limit, directory=Path(sys.argv[1]))
print(sum(limiter.acquire("GET /a") == 0 for each in range(300)))
"""


def started(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_eight_processes_are_counted_exactly(tmp_path):
    processes = [started(COUNTER, tmp_path) for dummy in range(8)]
    counts = [int(process.communicate()[0]) for process in processes]
    assert sum(counts) == 1000  # of the 2400 that they asked for
    assert [process.returncode for process in processes] == [0] * 8


def test_threads_are_counted_exactly(limiter):
    process = limiter(requests=500)
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda number: process.acquire(CREATE), range(800)))
    assert waits.count(0) == 500


def test_forks_are_counted_exactly(limiter):
    """Ansible's workers are forks; a handle that was open in the parent would be one lock for all."""
    process = limiter(requests=100)
    assert process.acquire(CREATE) == 0
    children = []
    for dummy in range(8):
        child = os.fork()
        if child == 0:
            os._exit(sum(process.acquire(CREATE) == 0 for dummy in range(20)))
        children.append(child)
    assert sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children) == 99


def test_it_takes_less_than_a_millisecond(tmp_path):
    process = SharedLimiter("itglue", "key", directory=tmp_path)
    start = time.process_time()
    for dummy in range(1000):
        process.acquire("")
    assert time.process_time() - start < 1


# ---------------------------------------------------------------------- faults

HOLDER = """
import sys, time
from pathlib import Path
from ansible_collections.msp.psa_sync.plugins.module_utils._clients import quota
def stop(*arguments):
    print("in the middle", flush=True)
    time.sleep(600)
setattr(quota.os, sys.argv[2], stop)
limit = quota.Limit(3, 3600.0, True)
quota.SharedLimiter(
    "bms", "https://api.bms.example", "Happy MSP", limit=limit, directory=Path(sys.argv[1])
).acquire("POST /v2/crm/contacts/summary")
"""


@pytest.mark.parametrize("step", ["pread", "pwrite"])
def test_a_process_that_is_killed_in_the_middle_leaves_nothing_stuck(tmp_path, limiter, step):
    killed = started(HOLDER, tmp_path, step)
    assert killed.stdout.readline() == "in the middle\n"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert [limiter().acquire(CREATE) for dummy in range(4)] == [0, 0, 0, HOUR]


def test_a_process_that_is_stopped_in_the_middle_is_reported_and_waited_for_once(tmp_path, limiter, monkeypatch):
    monkeypatch.setattr(quota, "PATIENCE", 0.2)
    stopped = started(HOLDER, tmp_path, "pread")
    assert stopped.stdout.readline() == "in the middle\n"
    os.kill(stopped.pid, signal.SIGSTOP)
    notices: list[str] = []
    process = limiter(notice=notices.append)
    began = time.monotonic()
    assert [process.acquire(CREATE) for dummy in range(100)] == [0] * 100
    assert process.acquire(READ) == 0
    assert 0.2 <= time.monotonic() - began < 2
    assert len(notices) == 1
    assert "The requests to Kaseya BMS are not counted for a minute." in notices[0]
    assert f"Process {stopped.pid} is stopped" in notices[0]
    assert f"kill -CONT {stopped.pid}" in notices[0]
    os.kill(stopped.pid, signal.SIGKILL)
    stopped.wait()
    assert [limiter().acquire(CREATE) for dummy in range(4)] == [0, 0, 0, HOUR]


def test_a_request_that_was_only_half_entered_blocks_nobody(limiter, clock, monkeypatch):
    """The process dies between the two entries: the first says that there is one more, the second when it was."""
    process = limiter()
    written = []

    def pwrite(handle, data, offset):
        written.append(offset)
        if len(written) == 2:
            raise SystemExit
        return os.writev(handle, [data])

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(quota.os, "pwrite", pwrite)
        process.acquire(CREATE)
    assert written[0] == 0
    # At worst there is room for one more than there should be: the one that was never sent.
    assert [limiter().acquire(CREATE) for dummy in range(4)] == [0, 0, 0, HOUR]


@pytest.mark.parametrize("content", [b"", b"\xff" * 7, b"\xff" * 4000, bytes(range(24)), struct.pack("<dQ", 1e300, 9)])
def test_a_spoilt_file_blocks_nobody_for_long(tmp_path, limiter, clock, content):
    process = limiter()
    process.acquire(CREATE)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    assert process.acquire(CREATE) <= HOUR
    clock.now += HOUR
    assert process.acquire(CREATE) == 0


@pytest.mark.parametrize("back", [0.5, 86_400.0])
def test_a_clock_that_is_set_back_blocks_nobody(limiter, clock, back):
    process = limiter()
    for dummy in range(3):
        process.acquire(CREATE)
    process.hold(READ, HOUR)
    clock.now -= back
    assert process.acquire(CREATE) == 0
    assert process.acquire(READ) == 0


def test_where_the_file_cannot_be_used_in_the_middle_of_a_run_the_service_decides(tmp_path, limiter):
    notices: list[str] = []
    process = limiter(requests=1, directory=tmp_path / "gone", notice=notices.append)
    assert [process.acquire(CREATE) for dummy in range(2)] == [0, 0]
    process.hold(CREATE, 5)
    assert process.acquire(CREATE) == 0
    reason = f"{tmp_path / 'gone'}: No such file or directory."
    assert notices == [f"The requests to Kaseya BMS are not counted for a minute. {reason}"]


def test_the_files_reveal_nothing_and_are_private(tmp_path, limiter):
    key = "ITG.0123456789abcdef"
    limiter("itglue", "https://api.itglue.example", key).acquire(CREATE)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.suffix == ".quota"
    for secret in (key, "itglue", "summary"):
        assert secret not in path.name
        assert secret.encode() not in path.read_bytes()

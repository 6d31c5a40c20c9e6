# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a free worker, before Ansible looks for one."""

from __future__ import annotations

import multiprocessing
import time

import pytest
from ansible import context

from ansible_collections.msp.psa_sync.plugins.action.contact_sync import ActionModule
from ansible_collections.msp.psa_sync.plugins.plugin_utils import workers
from ansible_collections.msp.psa_sync.plugins.plugin_utils.of_playbook import MARK
from tests.unit.ansible.templates import trust_as_template

FORK = multiprocessing.get_context("fork")


class Worker(FORK.Process):
    """Works until its pipe says that it is done."""

    _loader = None

    def __init__(self) -> None:
        self._task_vars = {}
        self._work, self._end = multiprocessing.Pipe(duplex=False)
        super().__init__(target=self._work.recv_bytes, daemon=True)

    def finish(self) -> None:
        self._end.send_bytes(b".")


@pytest.fixture
def make(monkeypatch):
    made = []
    monkeypatch.setattr(workers, "WorkerProcess", Worker)

    def start(count, *, forks):
        monkeypatch.setattr(context, "CLIARGS", {"forks": forks})
        made.extend(Worker() for dummy in range(count))
        for each in made:
            each.start()
        return made

    yield start
    for each in made:
        each.kill()
        each.join()


def test_a_client_waits_until_one_of_all_workers_has_ended(make):
    first, second = make(2, forks=2)
    first.finish()
    workers.await_free_worker()
    assert first.exitcode == 0
    assert second.is_alive()


@pytest.fixture
def waited(monkeypatch) -> list[int]:
    """With how many workers busy it was waited. One of them has ended then."""
    counts = []

    def wait(sentinels):
        counts.append(len(sentinels))
        ended = next(each for each in multiprocessing.active_children() if each.sentinel == sentinels[0])
        ended.finish()
        return [ended.sentinel]

    monkeypatch.setattr(workers, "wait", wait)
    return counts


def test_a_client_waits_where_ansible_asks_whether_the_action_is_for_each_host(make, waited):
    make(2, forks=2)
    assert ActionModule.BYPASS_HOST_LOOP is False
    assert waited == [2]


@pytest.mark.parametrize(
    ("throttle", "expected"),
    [
        (1, [3, 2, 1]),
        ("2", [3, 2]),
        (trust_as_template("{{ number }}"), [3, 2]),
        (3, [3]),
        (9, []),
        (0, []),
        ("", []),
        (" ", []),
        (None, []),
    ],
)
def test_no_more_clients_are_at_work_than_the_throttle_says(make, waited, throttle, expected):
    for each in make(3, forks=5):
        each._task_vars = {MARK: True, "sync_throttle": throttle, "number": 2}
    workers.await_free_worker()
    assert waited == expected


def test_the_throttle_is_that_of_tasks_of_the_playbooks_alone(make, waited):
    for each in make(3, forks=5):
        each._task_vars = {"sync_throttle": 1}
    workers.await_free_worker()
    assert waited == []


@pytest.mark.parametrize("throttle", ["few", "1.5", -1, trust_as_template("{{ nowhere }}")])
def test_a_throttle_that_cannot_be_used_is_none_here(make, waited, throttle):
    """The run of all clients would end with the error; the lookup of the options fails the one client."""
    for each in make(3, forks=5):
        each._task_vars = {MARK: True, "sync_throttle": throttle}
    workers.await_free_worker()
    assert waited == []


@pytest.mark.parametrize("forks", [3, None])
def test_a_client_does_not_wait_where_another_worker_may_be_started(make, monkeypatch, forks):
    monkeypatch.setattr(workers, "wait", pytest.fail)
    make(2, forks=forks)
    workers.await_free_worker()


def test_other_processes_are_no_workers(make, monkeypatch):
    monkeypatch.setattr(workers, "wait", pytest.fail)
    (worker,) = make(1, forks=2)
    other = FORK.Process(target=time.sleep, args=(60,), daemon=True)
    other.start()
    try:
        workers.await_free_worker()
    finally:
        other.kill()
        other.join()
    assert worker.is_alive()

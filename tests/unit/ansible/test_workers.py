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

FORK = multiprocessing.get_context("fork")


class Worker(FORK.Process):
    """Works until its pipe says that it is done."""

    def __init__(self) -> None:
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
    first.join(1)
    assert not first.is_alive()
    assert second.is_alive()


def test_a_client_waits_for_as_long_as_all_workers_are_busy(make, monkeypatch):
    asked = []
    monkeypatch.setattr(workers, "wait", asked.append)
    busy = make(2, forks=2)
    assert ActionModule.BYPASS_HOST_LOOP is False
    assert [sorted(sentinels) for sentinels in asked] == [sorted(each.sentinel for each in busy)]


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

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real processes, killed by SIGKILL after each of their writes: the next run finishes what they began."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import AT_ONCE
from tests.sandbox.launch import ROOT, running

from .inprocess import is_write
from .invariants import outline
from .killed import run
from .tally import by_day, note
from .test_fault_matrix import SETTINGS, WITH_DEPARTED, settings_world, world_with_departed
from .worlds import CLIENT, Json


@pytest.fixture
def private(tmp_path_factory, monkeypatch):
    """A directory of these processes alone for what they share: locks, counts, tokens."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("private")))


def killed(sandbox, number: int, module: str, options: dict) -> bool:
    """Whether the process came as far as its nth write."""
    command = [sys.executable, "-m", "tests.trust.killed", str(number), module, json.dumps(options)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **sandbox.env}, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode == -signal.SIGKILL


def written(sandbox) -> Counter:
    """The requests that were to change contacts, by method and path."""
    sent = ((each["method"], each["path"].split("?")[0]) for each in sandbox.requests() if is_write(each))
    return Counter(each for each in sent if "/flexible_asset" not in each[1])


def found(sandbox, before: Json) -> tuple[Json, int]:
    """The contacts, and the number of assets: the one that remembers, as the run does not store its settings."""
    state = sandbox.state()
    return outline(state, before), len(state["itglue"]["flexible_assets"])


def converged(sandbox, before: Json) -> tuple[Counter, tuple[Json, int]]:
    """What was written and is found once the requests that were under way at the kill have been carried out."""
    while True:
        done, state = sandbox.requests(), found(sandbox, before)
        time.sleep(0.05)
        if (sandbox.requests(), found(sandbox, before)) == (done, state):
            return written(sandbox), state


def test_a_sync_that_is_killed_after_any_write_is_finished_by_the_next(private, monkeypatch):
    with running(world_with_departed()) as sandbox:
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        before = sandbox.state()
        assert run("contact_sync", WITH_DEPARTED)["changed"]
        wanted, remembered, sent = *found(sandbox, before), written(sandbox)
        assert remembered == 1 and sum(sent.values()) >= 10
        writes = sum(map(is_write, sandbox.requests()))
        chosen = by_day(range(1, writes + 1), 3, writes - 1)
        for number in chosen:
            sandbox.reset()
            assert killed(sandbox, number, "contact_sync", WITH_DEPARTED), number
            done, (half, kept) = converged(sandbox, before)
            # Some writes go side by side, and the last two are of what the run remembers.
            assert (half == wanted) == (done == sent), (number, sent - done)
            assert kept == (number == writes), number
            assert number <= sum(map(is_write, sandbox.requests())) < number + AT_ONCE, number
            run("contact_sync", WITH_DEPARTED)
            assert found(sandbox, before) == (wanted, remembered), number
            again = run("contact_sync", {**WITH_DEPARTED, "report": "all"})
            assert not again["changed"], number
    note("kills", "contact_sync", len(chosen))


@pytest.mark.parametrize("module", SETTINGS)
def test_settings_that_are_killed_after_any_write_are_finished_by_the_next(private, monkeypatch, module):
    options = {"organization": str(CLIENT), **SETTINGS[module]}
    with running(settings_world()) as sandbox:
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        assert run(module, options)["changed"]
        writes = sum(map(is_write, sandbox.requests()))
        wanted = [(each["name"], len(each["fields"])) for each in sandbox.state()["itglue"]["flexible_asset_types"]]
        for number in range(1, writes + 1):
            sandbox.reset()
            assert killed(sandbox, number, module, options)
            run(module, options)
            state = sandbox.state()["itglue"]
            assert [(each["name"], len(each["fields"])) for each in state["flexible_asset_types"]] == wanted
            assert len(state["flexible_assets"]) == 1
            assert not run(module, options)["changed"]
    note("kills", module, writes)

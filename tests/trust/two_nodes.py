# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two control nodes that sync one organization at once: two processes that share nothing but the services.

`python -m tests.trust.two_nodes` measures how often a person is created twice, with and without the looks
at what others have changed, and how many of the runs report it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from tests.tools.files import development_tree

sys.path.insert(0, str(development_tree()))

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import PushesStoppedError
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import itglue_writer, planned_run, push_check
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as sync_run
from tests.sandbox.launch import ROOT, Running, running
from tests.trust.invariants import bms_emails_of, bms_of, contacts_of, emails_of, users_of
from tests.trust.killed import run
from tests.trust.tally import note

Json = dict[str, Any]

PEOPLE = 8
LATENCY = {"graph": 60, "itglue": 60, "bms": 60}
"""Milliseconds that each request takes."""

OFFSETS = tuple(round(0.1 * step, 1) for step in range(21))
"""Seconds by which the second node starts later."""

SETTLING = 1.5
"""Seconds within which both processes have imported what they need."""


# --------------------------------------------------------------------------- a node


@contextmanager
def without_looks() -> Iterator[None]:
    """No look at what others have changed, as in the releases before there was one."""

    def not_looked(self: planned_run.Replanner, tried: Any = ()) -> tuple:
        self.looked_at = self.clock()
        return (*self.run.operations, *self.run.deactivations)

    with ExitStack() as stack:
        for target, name, value in (
            (planned_run.Replanner, "look_again", not_looked),
            (push_check.PushCheck, "defer", lambda self, outcomes, shown: None),
            (sync_run, "_note_duplicates", lambda *args: None),
            (itglue_writer, "note_among", lambda *args: None),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        yield


def main() -> None:
    """One node: `start`, the time of the first request in seconds since the epoch, `looks` and the options."""
    start, looks, options = float(sys.argv[2]), sys.argv[3] == "looks", json.loads(sys.argv[4])
    with ExitStack() as stack:
        if not looks:
            stack.enter_context(without_looks())
        time.sleep(max(0.0, start - time.time()))
        try:
            result = run("contact_sync", {"report": "all", **options})
        except PushesStoppedError as error:
            # This node has seen that the other one pushes what it has written.
            result = error.result
        print(json.dumps(result))


# ------------------------------------------------------------------------ both nodes


@dataclass
class Both:
    """What two runs at once came to."""

    before: Json
    after: Json
    results: Sequence[Json]
    in_itglue: dict[str, set[int]] = field(default_factory=dict)
    in_bms: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ident, contact in contacts_of(self.after).items():
            for each in emails_of(contact):
                self.in_itglue.setdefault(each, set()).add(ident)
        for ident, contact in bms_of(self.after).items():
            for each in bms_emails_of(contact):
                self.in_bms.setdefault(each, set()).add(ident)

    def duplicates(self, service: str) -> dict[str, set[int]]:
        """The ids of the contacts of each person of whom there is more than one, by username."""
        held = self.in_itglue if service == "itglue" else self.in_bms
        names = {user["userPrincipalName"] for user in users_of(self.before).values()}
        return {address: ids for address, ids in held.items() if len(ids) > 1 and address in names}

    def reported(self, service: str, address: str, ids: set[int]) -> int:
        """How many of the runs report a duplicate with all its ids."""
        code = f"duplicate_in_{service}"
        entries = [
            each
            for result in self.results
            for each in result["contacts"]
            if each["user"] == address and code in each["reason_codes"]
        ]
        return sum(each["attention"] and all(str(ident) in each["reason"] for ident in ids) for each in entries)

    def made(self, service: str) -> Counter:
        """How often the runs say of a contact that they created it."""
        entries = [each for result in self.results for each in result["contacts"]]
        if service == "itglue":
            return Counter(each["contact_id"] for each in entries if each["action"] == "create")
        return Counter(each["bms_contact_id"] for each in entries if each["push"] == "pushed")


def both(sandbox: Running, options: Json, offset: float, *, looks: bool = True) -> Both:
    """Run two nodes, the second one `offset` seconds after the first, on a sandbox as it was loaded."""
    sandbox.reset()
    sandbox.behaviour(latency_ms=LATENCY)
    before = sandbox.state()
    start = time.time() + SETTLING
    with tempfile.TemporaryDirectory(prefix="trust-nodes-") as directory:
        nodes = [
            _node(sandbox, Path(directory) / name, start + late, looks, options)
            for name, late in (("one", 0.0), ("other", offset))
        ]
        results = []
        for node in nodes:
            output, errors = node.communicate(timeout=120)
            assert node.returncode == 0, errors
            results.append(json.loads(output))
    return Both(before, sandbox.state(), results)


def _node(sandbox: Running, private: Path, start: float, looks: bool, options: Json) -> subprocess.Popen[str]:
    private.mkdir(mode=0o700)
    command = [sys.executable, "-m", "tests.trust.two_nodes", "node", str(start)]
    command += ["looks" if looks else "blind", json.dumps(options)]
    env = {**os.environ, **sandbox.env, "XDG_RUNTIME_DIR": str(private)}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# -------------------------------------------------------------------------- measuring


def measure(offsets: Sequence[float] = OFFSETS) -> None:
    """Print how often a person is there twice, by the looks and the offset."""
    from tests.trust.test_creates_once import people
    from tests.trust.test_fault_matrix import OPTIONS

    with running(people(PEOPLE)) as sandbox:
        for looks in (False, True):
            total: Counter = Counter()
            for offset in offsets:
                outcome = both(sandbox, OPTIONS, offset, looks=looks)
                found: Counter = Counter(people=PEOPLE)
                for service in ("itglue", "bms"):
                    for address, ids in outcome.duplicates(service).items():
                        found[service] += 1
                        found[f"{service} reported by {outcome.reported(service, address, ids)}"] += 1
                print("looks" if looks else "blind", offset, dict(found), flush=True)
                total += found
            print("looks" if looks else "blind", "in all", dict(total), flush=True)
            if looks:
                note("two nodes", "people", total["people"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["node"]:
        main()
    else:
        measure()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide to many clients: its commands, one after another, in the example repository."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from tests.integration.fleet import run
from tests.sandbox.launch import running
from tests.tools.files import ROOT

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = pytest.mark.xdist_group("fleet_guide")

EXAMPLE = ROOT / "docs" / "examples"
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "fleet_guide.rst").read_text(encoding="utf-8")
WORLD = json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8"))
RECAP = re.compile(r"^(\w+) +: ok=\d+ +changed=(\d+) +unreachable=\d+ +failed=(\d+)", re.MULTILINE)


def commands() -> list[list[str]]:
    blocks = re.findall(r"^\.\. code-block:: shell\n\n((?:    .*\n)+)", GUIDE, re.MULTILINE)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def ran() -> list[tuple[int, dict[str, tuple[int, int]], str]]:
    """Of each command its exit code, changed and failed tasks by client, and its output."""
    with running(WORLD) as sandbox:
        done = [run(sandbox, *command, cwd=EXAMPLE) for command in commands()]
    return [
        (
            each.returncode,
            {host: (int(changed), int(failed)) for host, changed, failed in RECAP.findall(each.stdout)},
            each.stdout + each.stderr,
        )
        for each in done
    ]


def test_a_client_is_added_and_only_that(ran):
    preflight, audit, preview, real = ran[:4]
    for code, recap, output in (preflight, audit, preview, real):
        assert (code, list(recap)) == (0, ["happy_frog"]), output
    assert [recap["happy_frog"][0] for dummy, recap, dummy2 in (preflight, audit, preview, real)] == [0, 0, 1, 1]


def test_batches_and_limits(ran):
    dummy, batches, output = ran[4]
    assert set(batches) == {"happy_frog", "muller_sohne_gmbh", "sakura_design"}
    assert output.count("PLAY [Sync the contacts]") == 2
    # The client that is done already has nothing to change.
    assert [batches[host][0] for host in sorted(batches)] == [0, 1, 1]
    dummy, limited, output = ran[5]
    assert set(limited) == {"muller_sohne_gmbh", "sakura_design"}
    assert "Enforce the BMS sync settings" in output
    assert "Enforce the Office 365 sync settings" not in output


def test_drift_fails_whoever_is_not_done(ran):
    code, recap, output = ran[6]
    assert code == 2
    assert {host: failed for host, (dummy, failed) in recap.items()} == {
        "happy_frog": 0,
        "muller_sohne_gmbh": 1,
        "sakura_design": 1,
    }
    for kind in ("Office 365", "BMS"):
        assert f"{kind} Sync Settings of " in output
    assert "happy_frog: FAILED" not in output


def test_a_rollout_serves_whom_the_quota_allows(ran):
    code, recap, output = ran[7]
    assert (code, set(recap)) == (0, {"happy_frog", "muller_sohne_gmbh", "sakura_design"}), output
    assert len(ran) == 8

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo comes out well on its own world, and fails loudly when something is not as it must be."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.files import ROOT
from tests.trust.tally import by_day

WORLD = json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8"))


def demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.demo", *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.every_core
def test_it_comes_out_well():
    done = demo()
    assert done.returncode == 0, done.stdout
    for reported in ("msp.psa_sync.sync_contacts --check --diff", "+bms: created", "The demo succeeded: "):
        assert reported in done.stdout
    assert "Traceback" not in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("The report of the preview, to open in a browser: ")
    assert "Sakura Design" in Path(last.rpartition(": ")[2]).read_text(encoding="utf-8")


def with_a_person_gone(world):
    """A user who is expected is not in the tenant."""
    world["entra"]["tenants"][1]["users"].pop()


def with_a_person_in_bms(world):
    """Somebody who is to be pushed is there already."""
    known = copy.deepcopy(world["bms"]["contacts"][0])
    known |= {"id": 99999, "firstName": "Björn", "lastName": "Ångström"}
    known["emails"][0]["emailAddress"] = "bjorn.angstrom@happyfrog.example"
    world["bms"]["contacts"].append(known)


def with_an_ambiguous_client(world):
    """IT Glue has two organizations of the name."""
    world["itglue"]["organizations"].append({"id": 77, "name": "Happy Frog"})


SPOILT = {
    "client": {with_an_ambiguous_client: "happy_frog: office365_sync_settings failed"},
    "people": {
        with_a_person_gone: "fatima.alsayed@mueller-soehne.example is not in the result",
        with_a_person_in_bms: "'push': 'already_in_bms'",
    },
}


@pytest.mark.parametrize("what", by_day(tuple(SPOILT), 2, 0))
def test_it_fails_when_something_is_not_as_it_must_be(what, tmp_path):
    spoilt = SPOILT[what]
    world = copy.deepcopy(WORLD)
    for spoil in spoilt:
        spoil(world)
    file = tmp_path / "world.json"
    file.write_text(json.dumps(world), encoding="utf-8")
    done = demo("--world", file)
    assert done.returncode == 1
    assert "THE DEMO HAS FAILED" in done.stdout
    assert [reported for reported in spoilt.values() if reported not in done.stdout] == []

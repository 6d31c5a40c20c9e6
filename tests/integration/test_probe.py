# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook `probe` as a user runs it: what it prints under either answer, what it leaves, and after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.demo.probe import ORGANIZATION, WORLD
from tests.sandbox.launch import ROOT, Running, running
from tests.trust.inprocess import is_write

from .fleet import run

WORLD_AS_IT_IS = json.loads(WORLD.read_text(encoding="utf-8"))
TENANT = WORLD_AS_IT_IS["entra"]["tenants"][0]["tenant_id"]
OTHERWISE = {
    "itglue_arrays": "merge",
    "native_push": True,
    "two_way_unlocks": True,
    "bms_contact_patch_endpoints": False,
    "bms_inactive_by_default": False,
    "itglue_page_limit": 20,
}


@pytest.fixture(scope="module")
def sandbox():
    with running(WORLD_AS_IT_IS) as sandbox:
        yield sandbox


def probe(sandbox: Running, *arguments: str, **variables) -> str:
    given = {"probe_organization": ORGANIZATION, "probe_tenant_id": TENANT, "probe_push_wait": 1, **variables}
    command = ("ansible-playbook", "-i", "localhost,", "msp.psa_sync.probe", "-e", json.dumps(given), *arguments)
    done = run(sandbox, *command, ANSIBLE_NOCOLOR="1")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bms_contacts(state: dict) -> list[dict]:
    return state["bms"]["contacts"]


@pytest.mark.parametrize(
    ("switches", "reported", "settings"),
    [
        (
            {},
            ["merged? REPLACED.", "by itself? NOT_SEEN.", "be changed? PRESENT.", "inactive contacts? INCLUDED."],
            {"bms_adapter_names": ["kaseya bms"]},
        ),
        (
            OTHERWISE,
            ["merged? MERGED.", "by itself? ON.", "be changed? ABSENT.", "inactive contacts? LEFT_OUT."],
            {"bms_adapter_names": ["kaseya bms"], "push_method": "native"},
        ),
    ],
    ids=["as assumed", "otherwise"],
)
def test_it_reports_either_answer_and_the_settings_to_use(sandbox, switches, reported, settings):
    sandbox.reset()
    sandbox.behaviour(**switches)
    before = sandbox.state()

    would = probe(sandbox, "--check", probe_write=True, probe_write_bms=True)
    assert not any(map(is_write, sandbox.requests()))
    assert "would be written: BMS: one contact" in would

    message = probe(sandbox, probe_write=True, probe_write_bms=True)

    assert [each for each in reported if each not in message] == []
    shown = json.loads(message[message.rindex("=> {") + 3 : message.index("PLAY RECAP")])["msg"]["settings"]
    assert {name: shown.get(name) for name in settings} == settings
    after = sandbox.state()
    assert after["itglue"] == before["itglue"]
    new = bms_contacts(after)[len(bms_contacts(before)) :]
    assert bms_contacts(after)[: len(bms_contacts(before))] == bms_contacts(before)
    assert new and all(not each["isActive"] for each in new)
    assert [f"left behind in bms: contact {each['id']}." in message for each in new] == [True] * len(new)


def test_reading_alone_changes_nothing_and_answers_what_it_can(sandbox):
    sandbox.reset()
    before = sandbox.state()

    message = probe(sandbox)

    assert sandbox.state() == before
    assert "integrations? KASEYA BMS." in message
    assert "itglue_arrays" in message.partition("without an answer")[2]


def test_what_a_killed_probe_left_is_removed_by_the_next(sandbox, tmp_path):
    sandbox.reset()
    before = sandbox.state()["itglue"]
    options = {"organization": ORGANIZATION, "tenant_id": TENANT, "write": True, "bulk_size": 7}
    command = [sys.executable, "-m", "tests.trust.killed"]
    around = {**os.environ, **sandbox.env, "XDG_RUNTIME_DIR": str(tmp_path)}

    def killed_after(number: int) -> int:
        done = subprocess.run(
            [*command, str(number), "api_probe", json.dumps(options)],
            check=False,
            cwd=ROOT,
            env=around,
            capture_output=True,
            text=True,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode

    assert killed_after(0) == 0
    writes = [each for each in sandbox.requests() if is_write(each)]
    bulk = [number for number, each in enumerate(writes, start=1) if each["method"] == "POST"][1]
    assert killed_after(bulk) == -signal.SIGKILL
    assert len(sandbox.state()["itglue"]["contacts"]) == len(before["contacts"]) + 1 + 7

    message = probe(sandbox, probe_write=True)

    assert "8 contacts that an earlier probe left are removed" in message
    assert sandbox.state()["itglue"] == before

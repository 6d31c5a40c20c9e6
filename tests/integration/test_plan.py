# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans, journals and taking back with ansible-playbook: the module, the shipped playbook and the guide."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.demo.steps import is_write
from tests.integration.fleet import run, with_settings
from tests.sandbox.launch import Running, running
from tests.tools.files import ROOT

EXAMPLES = ROOT / "docs" / "examples"
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "plan_guide.rst").read_text(encoding="utf-8")
SCHEMAS = {
    name: json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("plan", "journal")
}
TENANT = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11"
SETTINGS = {
    "office365": {"tenant_id": TENANT, "set_phone_numbers_primary": True, "phone_type": "Office"},
    "bms": {
        "contact_sync": True,
        "two_way_sync": True,
        "auto_push_office365_contacts": True,
        "email_type": "Work",
        "phone_type": "Work",
    },
}
WORLD = with_settings(json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8")), {1: SETTINGS})
STAMPS = ("updated-at", "modifiedOn")


@pytest.fixture(scope="module")
def started():
    with running(WORLD) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started) -> Running:
    started.load(WORLD)
    started.faults()
    started.clear_requests()
    return started


@pytest.fixture
def syncs(sandbox, tmp_path):
    """Runs tasks of contact_sync on Happy Frog, with the arguments of each; returns their results."""

    def syncs(*given: dict, options: tuple[str, ...] = (), fails: bool = False) -> list[dict]:
        result = tmp_path / "result.json"
        tasks = [
            {
                "msp.psa_sync.contact_sync": {"organization": "Happy Frog", **arguments},
                "register": f"synced_{number}",
                "ignore_errors": True,
            }
            for number, arguments in enumerate(given)
        ]
        content = "{{ [" + ", ".join(each["register"] for each in tasks) + "] | to_json }}"
        done = play(sandbox, tmp_path, [*tasks, {"keep": {"dest": str(result), "content": content}}], *options)
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(result.read_text(encoding="utf-8"))
        assert all(each.get("failed", False) is fails for each in found), found
        return found

    return syncs


@pytest.fixture
def sync(syncs):
    """Runs one such task; returns its result."""

    def sync(*options: str, fails: bool = False, **arguments) -> dict:
        (found,) = syncs(arguments, options=options, fails=fails)
        return found

    return sync


def play(sandbox: Running, folder: Path, tasks: list, *options: str) -> subprocess.CompletedProcess:
    playbook = folder / "playbook.json"
    local = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    playbook.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": local, "tasks": tasks}]), encoding="utf-8"
    )
    return run(sandbox, "ansible-playbook", playbook, *options)


def writes(sandbox: Running) -> list:
    return [each for each in sandbox.requests() if is_write(each)]


def contacts(sandbox: Running, service: str) -> dict[int, dict]:
    """The contacts of a service by id, without the stamps of their writes."""
    return {
        row["id"]: {key: value for key, value in row.items() if key not in STAMPS}
        for row in sandbox.state()[service]["contacts"]
    }


def edit(sandbox: Running, ident: int, **values) -> None:
    """What a technician changes in IT Glue."""
    world = sandbox.state()
    for row in world["itglue"]["contacts"]:
        if row["id"] == ident:
            row.update({key.replace("_", "-"): value for key, value in values.items()})
    sandbox.load(world)


def held_to_schema(path: Path, kind: str) -> None:
    text = path.read_text(encoding="utf-8")
    for each in [text] if kind == "plan" else text.splitlines():
        jsonschema.validate(json.loads(each), SCHEMAS[kind], format_checker=jsonschema.FormatChecker())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def is_reverted(sandbox: Running, before: dict[str, dict]) -> bool:
    """Whether all is as it was, but for inactive contacts that stay in BMS."""
    now = contacts(sandbox, "bms")
    made = now.keys() - before["bms"].keys()
    return (
        contacts(sandbox, "itglue") == before["itglue"]
        and {ident: now[ident] for ident in before["bms"]} == before["bms"]
        and not any(now[ident]["isActive"] for ident in made)
    )


def test_a_change_is_reviewed_applied_as_reviewed_and_reverted(sandbox, sync, syncs, tmp_path):
    plan, journal = tmp_path / "plan.json", tmp_path / "journal"
    before = {service: contacts(sandbox, service) for service in ("itglue", "bms")}

    foreseen = sync("--check", "--diff", plan_file=str(plan))
    assert foreseen["changed"] and writes(sandbox) == []
    held_to_schema(plan, "plan")
    secrets = [sandbox.env[name] for name in ("ITGLUE_API_KEY", "BMS_PASSWORD", "AZURE_CLIENT_SECRET")]
    assert not any(secret in plan.read_text(encoding="utf-8") for secret in secrets)

    previewed = sync("--check", "--diff", apply_plan=str(plan), journal_file=str(journal))
    assert (previewed["diff"], writes(sandbox), journal.exists()) == (foreseen["diff"], [], False)
    applied = sync("--diff", apply_plan=str(plan), journal_file=str(journal))
    assert (applied["changed"], applied["refused"]) == (True, [])
    assert applied["diff"] == foreseen["diff"]
    assert applied["summary"]["push"]["pushed"] == foreseen["summary"]["push"]["pushed"] > 0
    held_to_schema(journal, "journal")
    assert not any(secret in journal.read_text(encoding="utf-8") for secret in secrets)

    sandbox.clear_requests()
    again, plain = syncs({"apply_plan": str(plan)}, {})
    assert (again["changed"], again["refused"], plain["changed"], writes(sandbox)) == (False, [], False, [])

    shown = sync("--check", "--diff", state="reverted", journal_file=str(journal))
    assert shown["changed"] and writes(sandbox) == []
    reverted = sync("--diff", state="reverted", journal_file=str(journal))
    for key in ("changed", "reverted", "not_reverted", "diff"):
        assert reverted[key] == shown[key], key
    assert reverted["not_reverted"] == []
    assert is_reverted(sandbox, before)
    held_to_schema(journal, "journal")
    # IT Glue's contacts are removed by id, and nothing is ever deleted in BMS.
    removals = [each for each in sandbox.requests() if each["method"] == "DELETE"]
    assert removals and all(each["service"] == "itglue" and "filter" not in each["path"] for each in removals)

    sandbox.clear_requests()
    assert sync(state="reverted", journal_file=str(journal))["changed"] is False
    assert writes(sandbox) == []


def test_what_changed_since_the_review_is_refused_and_limits_count_again(sandbox, sync, tmp_path):
    plan = tmp_path / "plan.json"
    sync("--check", plan_file=str(plan))
    edit(sandbox, 1104, title="Edited since")

    refused = sync(apply_plan=str(plan), max_updates=0, fails=True)
    assert "max_updates allows 0" in refused["msg"]
    assert writes(sandbox) == []

    applied = sync(apply_plan=str(plan))
    (entry,) = applied["refused"]
    assert (entry["planned"]["itglue"]["before"]["title"], entry["found"]["itglue"]["before"]["title"]) == (
        "Sales",
        "Edited since",
    )
    state = contacts(sandbox, "itglue")
    assert state[1104]["title"] == "Edited since"
    assert applied["changed"] and state[1105]["location-id"] is not None


def test_a_plan_of_another_organization_or_other_settings_is_refused(sandbox, sync, syncs, tmp_path):
    plan = tmp_path / "plan.json"
    sync("--check", plan_file=str(plan))
    document = json.loads(plan.read_text(encoding="utf-8"))
    of_another = tmp_path / "of_another.json"
    of_another.write_text(json.dumps({**document, "organization": {"id": 2, "name": "Other"}}), encoding="utf-8")
    settings = {"apply_plan": str(plan), "office365_settings": {"sync_aliases": False}}
    other, another = syncs(settings, {"apply_plan": str(of_another)}, fails=True)
    assert "settings" in other["msg"] and "Nothing was written" in other["msg"]
    assert "another organization: 2 in the plan, 1 now" in another["msg"]
    assert writes(sandbox) == []


def children(pid: int) -> list[int]:
    """The processes below one, those deeper down included."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *children(child)]
    return found


def test_a_run_that_was_killed_is_reverted(sandbox, sync, syncs, tmp_path):
    journal = tmp_path / "journal"
    before = {service: contacts(sandbox, service) for service in ("itglue", "bms")}
    sandbox.behaviour(latency_ms={"bms": 500})
    playbook = tmp_path / "killed.yml"
    options = {"organization": "Happy Frog", "journal_file": str(journal)}
    playbook.write_text(
        yaml.safe_dump(
            [{"hosts": "localhost", "gather_facts": False, "tasks": [{"msp.psa_sync.contact_sync": options}]}]
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [Path(sys.executable).with_name("ansible-playbook"), playbook],
        env={**os.environ, **sandbox.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while not (journal.exists() and b"bms.create" in journal.read_bytes()):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    for pid in [process.pid, *children(process.pid)]:
        os.kill(pid, signal.SIGKILL)
    process.wait()
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert sum("write" in line for line in lines) > sum("outcome" in line for line in lines)
    # What was under way arrives all the same.
    time.sleep(1)
    sandbox.behaviour(latency_ms={})
    assert contacts(sandbox, "itglue") != before["itglue"]
    made = [row for ident, row in contacts(sandbox, "bms").items() if ident not in before["bms"]]
    arrived = {f"{row['firstName']} {row['lastName']}" for row in made}
    recorded = [row["after"] for line in lines if line.get("kind") == "bms.create" for row in line["rows"]]
    names = {f"{row['first_name']} {row['last_name']}" for row in recorded}
    assert arrived <= names

    shown = sync("--check", state="reverted", journal_file=str(journal))
    reverted, again = syncs(*[{"state": "reverted", "journal_file": str(journal)}] * 2)
    assert (reverted["changed"], reverted["reverted"]) == (True, shown["reverted"])
    assert is_reverted(sandbox, before)
    # A create that was recorded and never sent looks like one whose answer was lost: it is listed, and nothing else is.
    left = [("bms", "nothing_alike", each) for each in sorted(names - arrived)]
    for each in (shown, reverted, again):
        assert sorted((row["service"], row["reason_code"], row["name"]) for row in each["not_reverted"]) == left
    assert again["changed"] is False


# -------------------------------------------------- the guide, and the playbook


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)", GUIDE, re.MULTILINE)
    return [re.sub("^    ", "", each, flags=re.MULTILINE) for each in found]


def test_the_tasks_of_the_guide_do_what_it_says(sandbox, tmp_path):
    before = {service: contacts(sandbox, service) for service in ("itglue", "bms")}
    tasks = [yaml.safe_load(each.replace("/srv/psa", str(tmp_path)))[0] for each in blocks("yaml")]
    assert len(tasks) == 3
    for task, changes in zip(tasks, (0, 6, 6), strict=True):
        done = play(sandbox, tmp_path, [task])
        assert re.search(r"changed=1 +unreachable=0 +failed=0", done.stdout), done.stdout + done.stderr
        assert bool(writes(sandbox)) is (changes > 0)
        sandbox.clear_requests()
    assert is_reverted(sandbox, before)


def test_the_commands_of_the_guide_keep_files_for_each_client(sandbox, tmp_path):
    before = {service: contacts(sandbox, service) for service in ("itglue", "bms")}
    (text,) = blocks("shell")
    commands = [line.replace("/srv/psa", str(tmp_path)).split() for line in text.splitlines() if line[:1] == "a"]
    planned, applied, shown, reverted = (
        run(sandbox, *command, cwd=EXAMPLES, ANSIBLE_CONFIG=str(EXAMPLES / "ansible.cfg")) for command in commands
    )
    for done in (planned, applied, shown, reverted):
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(re.findall(r"changed=1 +unreachable=0 +failed=0", done.stdout)) == 3, done.stdout
    hosts = ("happy_frog", "muller_sohne_gmbh", "sakura_design")
    for host in hosts:
        held_to_schema(tmp_path / f"{host}.plan.json", "plan")
        held_to_schema(tmp_path / f"{host}.journal", "journal")
    assert "not applied" not in applied.stdout
    stated = [re.findall(rf"{host}: reverted: .*Deactivated in BMS \([1-9]", reverted.stdout) for host in hosts]
    assert [len(each) for each in stated] == [1, 1, 1]
    assert "not reverted" not in reverted.stdout
    assert is_reverted(sandbox, before)

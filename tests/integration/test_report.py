# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback sync_report with real playbooks, against the sandbox: all forms, every kind of end, progress."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.sandbox.launch import Running, running
from tests.tools.files import BUILD, COLLECTION, ROOT
from tests.trust.tally import by_day

WORLD = json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8"))
SCHEMA = BUILD / "installed" / COLLECTION / "plugins" / "plugin_utils" / "_report" / "assets" / "report.schema.json"
SYNC = {"msp.psa_sync.contact_sync": {"organization": "{{ itglue_organization }}"}}
INTERPRETER = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
ENDINGS = ("html", "md", "json", "csv", "junit.xml")


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A sandbox, and its world once the settings are declared."""
    with running(WORLD) as sandbox:
        done = Play(sandbox, tmp_path_factory.mktemp("declared"))("msp.psa_sync.enforce_settings")
        assert done.returncode == 0, done.stdout
        yield sandbox, sandbox.state()


@pytest.fixture
def sandbox(started) -> Running:
    sandbox, declared = started
    sandbox.load(declared)
    return sandbox


class Play:
    """Runs playbooks with the example inventory and the callback, and reads what it wrote."""

    def __init__(self, sandbox: Running, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.environment = {
            **os.environ,
            **sandbox.env,
            "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed"),
            "ANSIBLE_CONFIG": str(ROOT / "docs" / "examples" / "ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "msp.psa_sync.sync_report",
            "MSP_PSA_SYNC_REPORT_DIRECTORY": str(folder / "out"),
            "MSP_PSA_SYNC_REPORT_FORMATS": "html,markdown,json,csv,junit",
            "LC_ALL": "C.UTF-8",
        }

    def command(self, *arguments: object) -> list[str]:
        name = str(Path(sys.executable).with_name("ansible-playbook"))
        return [name, "-i", str(ROOT / "docs" / "examples" / "inventory"), *map(str, arguments)]

    def __call__(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments),
            check=False,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def tasks(self, *tasks: dict, **play: object) -> Path:
        """A playbook of one play over all clients."""
        path = self.folder / f"play{len(list(self.folder.iterdir()))}.json"
        path.write_text(
            json.dumps(
                [
                    {
                        "hosts": "all",
                        "connection": "local",
                        "gather_facts": False,
                        "vars": INTERPRETER,
                        "tasks": tasks,
                        **play,
                    }
                ]
            )
        )
        return path

    def text(self, ending: str) -> str:
        return (self.folder / "out" / f"sync_report.{ending}").read_text(encoding="utf-8")

    @property
    def report(self) -> dict:
        made = json.loads(self.text("json"))
        jsonschema.validate(made, json.loads(SCHEMA.read_text()))
        return made

    def runs(self) -> dict[str, dict]:
        """The last run of each client by its host."""
        return {run["host"]: run for tenant in self.report["tenants"] for run in tenant["runs"]}


@pytest.fixture
def play(sandbox, tmp_path) -> Play:
    return Play(sandbox, tmp_path)


def numbers(report: dict) -> dict:
    """What a preview and the real run must have in common."""
    totals = report["totals"]
    kept = ("users", "selected", "matched", "actions", "push", "excluded", "conflicts", "departed", "unclaimed")
    return {name: totals[name] for name in kept}


def two_of_one_name(world: dict) -> dict:
    """Both users named Anna Larsen are kept: one has the contact, the other is created beside it, with a warning."""
    users = [user for tenant in world["entra"]["tenants"] for user in tenant["users"]]
    (disabled,) = (user for user in users if user["userPrincipalName"] == "anna.larsen@happyfrog.example")
    disabled["accountEnabled"] = True
    return world


@pytest.mark.every_core
def test_the_report_of_a_preview_and_of_the_real_run(play):
    play.sandbox.load(two_of_one_name(play.sandbox.state()))
    preview = play("msp.psa_sync.sync_contacts", "--check")
    assert preview.returncode == 0, preview.stdout
    foreseen = play.report
    assert (foreseen["mode"], foreseen["playbooks"]) == ("preview", ["sync_contacts.yml"])
    assert play("msp.psa_sync.sync_contacts").returncode == 0
    done = play.report
    assert done["mode"] == "real"
    assert numbers(foreseen) == numbers(done)
    assert done["totals"]["actions"]["create"] == 8
    assert done["totals"]["push"]["pushed"] == 10
    warned = [each for tenant in done["tenants"] for run in tenant["runs"] for each in run["warnings"]]
    assert any("is not unique in the organization" in each for each in warned)
    assert play.text("md").startswith("# Contact sync: 3 clients done\n")
    assert ElementTree.fromstring(play.text("junit.xml")).get("errors") == "0"
    assert "The run created 8 contacts" in play.text("html")


def test_settings_and_contacts_of_two_playbooks_are_one_report_without_secrets(play):
    play.sandbox.load(WORLD)
    done = play("msp.psa_sync.enforce_settings", "msp.psa_sync.sync_contacts", "--check")
    assert done.returncode == 0, done.stdout
    report = play.report
    assert report["playbooks"] == ["enforce_settings.yml", "sync_contacts.yml"]
    assert [len(tenant["runs"]) for tenant in report["tenants"]] == [3, 3, 3]
    assert report["totals"]["settings"] > 30
    assert all(str(play.folder / "out" / f"sync_report.{ending}") in done.stdout for ending in ENDINGS)
    no_secret_is_in_any_form(play)


def no_secret_is_in_any_form(play: Play) -> None:
    secrets = [text for name, text in play.sandbox.env.items() if text and re.search("SECRET|PASSWORD|API_KEY", name)]
    assert len(secrets) >= 3
    texts = "".join(play.text(ending) for ending in ENDINGS)
    assert [each for each in secrets if each in texts] == []


def test_every_kind_of_end(play):
    ends = {
        "happy_frog": SYNC | {"when": "inventory_hostname == 'happy_frog'", "no_log": True},
        "muller_sohne_gmbh": {
            "msp.psa_sync.contact_sync": {"organization": "{{ itglue_organization }}", "max_creates": "0"},
            "when": "inventory_hostname == 'muller_sohne_gmbh'",
        },
        "sakura_design": {
            "ansible.builtin.fail": {"msg": "s3cret"},
            "when": "inventory_hostname == 'sakura_design'",
        },
    }
    done = play(play.tasks(*ends.values()), "--check")
    assert done.returncode == 2, done.stdout
    runs = play.runs()
    assert runs["happy_frog"]["status"] == "hidden"
    assert runs["muller_sohne_gmbh"]["status"] == "failed"
    assert "max_creates allows 0, the plan has 4" in runs["muller_sohne_gmbh"]["message"]
    assert runs["muller_sohne_gmbh"]["failure"]["code"] == "limit_exceeded"
    assert len([each for each in runs["muller_sohne_gmbh"]["contacts"] if each["action"] == "create"]) == 4
    assert runs["sakura_design"]["action"] == "ansible.builtin.fail"
    texts = "".join(play.text(ending) for ending in ENDINGS)
    assert "s3cret" not in texts and "amara.okafor" not in texts
    totals = play.report["totals"]
    assert [totals[name] for name in ("tenants_failed", "tenants_over_limit", "tasks_hidden")] == [1, 1, 1]


def test_a_loop_over_clients_on_one_host(play):
    loop = {
        "name": "Sync {{ item }}",
        "contact_sync": {"organization": "{{ item }}"},
        "loop": ["Happy Frog", "Nobody & Co.", "Sakura Design"],
    }
    done = play(play.tasks(loop, hosts="happy_frog", collections=["msp.psa_sync"]), "--check")
    assert done.returncode == 2, done.stdout
    found = {tenant["name"]: [run["status"] for run in tenant["runs"]] for tenant in play.report["tenants"]}
    assert found == {"Happy Frog": ["changed"], "Nobody & Co.": ["failed"], "Sakura Design": ["changed"]}


@pytest.mark.every_core
def test_a_module_in_a_process_of_its_own_is_reported_and_silent(play):
    task = SYNC | {"async": 60, "poll": 1}
    done = play(play.tasks(task), "--check", "--limit", "happy_frog")
    assert done.returncode == 0, done.stdout
    assert play.runs()["happy_frog"]["preview"] is True
    assert "contacts read" not in done.stdout


def test_it_does_nothing_unless_enabled_and_nothing_for_others(play):
    play("msp.psa_sync.enforce_settings", ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit")
    play(play.tasks({"ansible.builtin.ping": {}}))
    # A failure that has nothing to do with a sync replaces no report of one.
    assert play("msp.psa_sync.notify").returncode == 2
    assert not (play.folder / "out").exists()


def test_an_unwritable_directory_costs_the_report_alone(play):
    (play.folder / "out").write_text("")
    done = play("msp.psa_sync.enforce_settings", "--check")
    assert done.returncode == 0
    assert "The callback msp.psa_sync.sync_report failed, and the run goes on" in done.stdout


@pytest.mark.parametrize(("given", "lines"), by_day((("true", True), ("false", False)), 2, 0))
def test_progress_is_shown_as_lines(play, given, lines):
    done = play("msp.psa_sync.sync_contacts", MSP_PSA_SYNC_PROGRESS=given)
    assert done.returncode == 0, done.stdout
    expected = (
        "[happy_frog] Happy Frog: 10 users, 8 contacts read",
        "[happy_frog] Happy Frog: IT Glue: 1 of 1 contacts created",
        "[happy_frog] Happy Frog: BMS: 4 of 4 contacts pushed",
    )
    assert [line in done.stdout for line in expected] == [lines] * 3


@pytest.mark.every_core
def test_an_interrupted_run_is_reported(play):
    """The second task waits for long; the first one's result is not lost."""
    waits = {"ansible.builtin.command": {"cmd": "sleep 60"}, "check_mode": False}
    process = subprocess.Popen(
        play.command(play.tasks(SYNC, waits), "--check"),
        env=play.environment,
        stdout=subprocess.PIPE,
        text=True,
        # A shell has jobs in the background ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stdout:
        if "TASK [ansible.builtin.command]" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert play.report["complete"] is False
    assert set(play.runs()) == {"happy_frog", "muller_sohne_gmbh", "sakura_design"}

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways into a module, with real playbooks: the same result, the same warnings, no secret shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.files import BUILD, COLLECTION
from tests.trust.tally import by_day

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = [pytest.mark.xdist_group("entry_points"), pytest.mark.every_core]

ENTRY_POINTS = Path(__file__).with_name("entry_points")
TOKEN = "token-of-this-run"
SECRETS = {
    "api_key": "ITG.key-of-nobody",
    "bms_password": 'pä"ss w&rd\\',
    "proxy_password": "pr0xy-passw0rd",
    "sub_password": "sub-passw0rd",
    "variable_secret": "JBSWY3DPEHPK3PXP",
}

# How a task is run. What Ansible adds to the result of a module, an async one or (from 2.22 on) any, is not compared.
WAYS = {
    "in_process": {},
    "module": {"vars": {"ansible_connection": "elsewhere"}},
    "async": {"async": 60, "poll": 1},
}
ADDED_BY_ANSIBLE = {
    "ansible_parsed",
    "ansible_job_id",
    "finished",
    "started",
    "results_file",
    "stdout",
    "stdout_lines",
    "stderr",
    "stderr_lines",
}

ARGS = {
    "text": "{{ api_key }} {{ bms_password }} {{ proxy_password }} {{ sub_password }} {{ variable_secret }} text",
    "itglue_api_key": "{{ api_key }}",
    "bms_password": "{{ bms_password }}",
    "proxy": "http://jo:{{ proxy_password }}@proxy.example:3128",
    "since": "{{ '2026-01-02' | to_datetime('%Y-%m-%d') }}",
    "logins": [{"user": "{{ sub_password }}", "password": "{{ sub_password }}"}],
}
CASES = {
    "ok": ARGS,
    "fail": ARGS | {"mode": "fail"},
    "defect": ARGS | {"mode": "defect"},
    "wrong_choice": ARGS | {"mode": "other"},
    "unknown_option": ARGS | {"nonsense": "{{ bms_password }}"},
    "required_if": {"mode": "fail"},
}
#: By day one of the cases whose arguments are refused stands for the others.
REFUSED = ("unknown_option", "wrong_choice", "required_if")
TRIED = {case: args for case, args in CASES.items() if case not in REFUSED or case in by_day(REFUSED, len(REFUSED), 0)}
#: What check mode could change: the rest fails before a module asks for it.
CHECKED = ("ok", "fail")
FOLDERS = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONNECTION_PLUGINS", "ANSIBLE_BECOME_PLUGINS")
ENVIRONMENT = {"DOORS_VARIABLE": "{{ 'of the' }} task", "BMS_MFA_SECRET": "{{ variable_secret }}"}


@dataclass
class Played:
    """What a playbook showed, and what its tasks registered."""

    output: str
    results: dict[str, dict]


def play(folder: Path, tasks: list[dict], *options: str, start: Path | None = None) -> Played:
    """Run `tasks`, each of which registers its result under its name; in another directory where `start` names one."""
    results = folder / "results.json"
    written = {
        "name": "results",
        "ansible.builtin.copy": {
            "dest": str(results),
            "content": "{{ dict(names | zip(names | map('extract', vars))) | to_json }}",
        },
        "vars": {"names": [task["name"] for task in tasks]},
        "check_mode": False,
        "diff": False,
        "no_log": True,
    }
    playbook = folder / "playbook.json"
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    plan = [{"hosts": "localhost", "gather_facts": False, "vars": interpreter, "tasks": [*tasks, written]}]
    playbook.write_text(json.dumps(plan))
    (folder / "secrets.json").write_text(json.dumps(SECRETS))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), playbook, "-e", f"@{folder}/secrets.json", *options],
        check=False,
        cwd=start or folder,
        env=os.environ | {name: str(folder) for name in FOLDERS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return Played(output=done.stdout, results=json.loads(results.read_text()))


def task(name: str, args: dict, **keywords) -> dict:
    return {"name": name, "msp.psa_sync.both_ways": args, "register": name, "ignore_errors": True, **keywords}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the installed collection and one more module in it."""
    made = tmp_path_factory.mktemp("entry_points")
    plugins = made / COLLECTION / "plugins"
    shutil.copytree(BUILD / "installed" / COLLECTION, made / COLLECTION)
    shutil.copy(ENTRY_POINTS / "glue.py", plugins / "module_utils" / "_ansible" / "both_ways.py")
    shutil.copy(ENTRY_POINTS / "module.py", plugins / "modules" / "both_ways.py")
    shutil.copy(ENTRY_POINTS / "action.py", plugins / "action" / "both_ways.py")
    for name in ("elsewhere.py", "plainly.py"):
        shutil.copy(ENTRY_POINTS / name, made / name)
    return made


@pytest.fixture(scope="module", params=["for real", "check"])
def played(request, folder) -> Played:
    tasks = [
        task(f"{case}_{way}", args, environment=ENVIRONMENT, **keywords)
        for case, args in TRIED.items()
        if case in CHECKED or request.param == "for real"
        for way, keywords in WAYS.items()
        if way != "async" or (case == "ok" and request.param == "for real")
    ]
    options = ("--check", "--diff", "-v") if request.param == "check" else ("-v",)
    return play(folder, tasks, *options)


def compared(result: dict) -> dict:
    return {key: value for key, value in result.items() if key not in ADDED_BY_ANSIBLE | {"in_process"}}


def test_the_result_is_the_same_both_ways(played):
    for case in TRIED:
        if f"{case}_module" not in played.results:
            assert case not in CHECKED
            continue
        assert compared(played.results[f"{case}_in_process"]) == compared(played.results[f"{case}_module"]), case
    if "ok_async" in played.results:
        assert compared(played.results["ok_async"]) == compared(played.results["ok_in_process"])


def test_each_way_is_the_way_it_is_meant_to_be(played):
    assert played.results["ok_in_process"]["in_process"] is True
    assert played.results["ok_module"]["in_process"] is False
    assert played.results.get("ok_async", {"in_process": False})["in_process"] is False


def test_what_reaches_run_is_what_the_task_says(played):
    result = played.results["ok_in_process"]

    assert result["variable"] == "of the task"
    assert result["params"]["since"].startswith("2026-01-02")
    assert result["params"]["timeout"] == 30.0
    assert result["check_mode"] is ("ok_async" not in played.results)
    assert "warnings" in result


def test_relative_paths_are_those_of_where_ansible_was_started(folder, tmp_path):
    """However a task is run: Ansible starts a module in the directory of the playbook, and the other ways elsewhere."""
    (tmp_path / "start").mkdir()
    ways = {**WAYS, "become": {"become": True, "become_method": "plainly"}}
    # A keyword of Python, such as async, cannot be the name of a result before ansible-core 2.19.
    tasks = [
        task(f"by_{way}", {"file": "of/mine"}, environment={"REQUESTS_CA_BUNDLE": "ca"}, **more)
        for way, more in ways.items()
    ]
    played = play(folder, tasks, start=tmp_path / "start")
    for way, result in played.results.items():
        assert result["in_process"] is (way == "by_in_process")
        assert result["paths"] == [f"{tmp_path}/start/of/mine", f"{tmp_path}/start/ca"], way


def test_a_failure_keeps_its_result(played):
    result = played.results["fail_in_process"]

    assert result["failed"] is True
    assert result["changed"] is True
    assert result["msg"].startswith("failed with ******** and ******** ")
    assert result["msg"].endswith("Do this.")
    assert result["variable"] == "of the task"


def test_no_secret_is_shown_or_registered(played):
    registered = json.dumps(played.results, ensure_ascii=False)

    for secret in (TOKEN, *SECRETS.values()):
        assert secret not in registered
        assert secret not in played.output
        assert json.dumps(secret)[1:-1] not in played.output
    assert "a warning with ******** and ********" in played.output
    assert "[localhost] progress with ********" in played.output


def test_a_defect_is_reported_without_its_secrets_even_where_tracebacks_are_shown(folder, monkeypatch):
    monkeypatch.setenv("ANSIBLE_DISPLAY_TRACEBACK", "always")
    tasks = [task(way, {"mode": "defect"}, **WAYS[way]) for way in ("in_process", "module")]

    shown = play(folder, tasks, "-vvv").output

    assert shown.count("RuntimeError: defect with ********") >= 2
    assert shown.count("ValueError: cause with ********") >= 2
    assert TOKEN not in shown


def test_no_log_shows_nothing(folder):
    ways = by_day(tuple(WAYS), 2, 0)
    played = play(folder, [task(f"{way}_task", ARGS, no_log=True, **WAYS[way]) for way in ways], "-v")

    assert "progress" not in played.output
    assert "a warning" not in played.output
    for way in ways:
        assert "warnings" not in played.results[f"{way}_task"]
        assert played.results[f"{way}_task"]["told"].startswith("Bearer ******** and")


def test_a_loop_keeps_the_variables_of_its_items_apart(folder):
    looped = task("looped", {}, loop=["one", "two"], environment={"DOORS_VARIABLE": "{{ item }}"})

    results = play(folder, [looped, task("after", {})]).results

    assert [each["variable"] for each in results["looped"]["results"]] == ["one", "two"]
    assert results["after"]["variable"] is None

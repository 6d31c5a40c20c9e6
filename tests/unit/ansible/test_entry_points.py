# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both entry points lead to the same `run` with the same arguments, and return the same."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
from ansible.module_utils import basic

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import module as module_door
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import environment
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.spec import ModuleSpec
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import SyncError
from ansible_collections.msp.psa_sync.plugins.plugin_utils import in_process, progress
from ansible_collections.msp.psa_sync.plugins.plugin_utils.in_process import InProcessAction

TOKEN = "token-of-this-run"

SPEC = ModuleSpec(
    options={
        "mode": {"type": "str", "choices": ["ok", "fail", "defect"], "default": "ok"},
        "state": {"type": "str", "choices": ["present", "absent"]},
        "name": {"type": "str"},
        "number": {"type": "int"},
        "here": {"type": "path"},
        "there": {"type": "path"},
        "user": {"type": "str", "fallback": (environment, ["DOORS_USER"])},
        "password": {"type": "str", "no_log": True, "fallback": (environment, ["DOORS_PASSWORD"])},
        "proxy": {"type": "str"},
        "logins": {
            "type": "list",
            "elements": "dict",
            "options": {"user": {"type": "str", "required": True}, "password": {"type": "str", "no_log": True}},
        },
    },
    mutually_exclusive=[("here", "there")],
    required_if=[("state", "present", ("name",))],
    libraries=(),
)


def run(params, task):
    task.secret(TOKEN)
    task.warn(f"warned of {TOKEN} and {params['password']}")
    result = {
        "changed": True,
        "params": params,
        "check_mode": task.check_mode,
        "user_variable": os.environ.get("DOORS_USER"),
        "said": f"Bearer {TOKEN}, {params['name']}",
        "tuple": (1, 2),
        "none": None,
        "keys": {TOKEN: 1},
    }
    result["diff"] = {"before": {"a": 1}, "after": {"a": TOKEN}}
    match params["mode"]:
        case "fail":
            raise SyncError(f"failed with {TOKEN}", hint="Do this.", result=result)
        case "defect":
            raise RuntimeError(f"broken by {TOKEN}")
    return result


class Action(InProcessAction):
    spec = SPEC
    run_task = staticmethod(run)


class Shell:
    tmpdir = None

    @staticmethod
    def env_prefix(**variables):
        return ""


def action(args=None, *, transport="local", become=None, environment=(), **task) -> Action:
    described = {
        "action": "msp.psa_sync.both_ways",
        "args": args or {},
        "async_val": 0,
        "check_mode": False,
        "diff": False,
        "no_log": False,
        "environment": list(environment),
        **task,
    }
    connection = SimpleNamespace(transport=transport, become=become, _shell=Shell(), has_native_async=False)
    templar = SimpleNamespace(template=lambda value: value)
    return Action(SimpleNamespace(**described), connection, None, None, templar, None)


def in_process_result(args=None, **details) -> dict:
    return action(args, **details).run(task_vars={"inventory_hostname": "tenant"})


@pytest.fixture
def as_module(monkeypatch, capsys):
    """Run as a module; return what is printed and the warnings."""

    def call(args=None, *, environment=(), check_mode=False, diff=False, no_log=False, verbosity=0) -> dict:
        warnings = []
        sent = {
            **(args or {}),
            "_ansible_check_mode": check_mode,
            "_ansible_diff": diff,
            "_ansible_no_log": no_log,
            "_ansible_verbosity": verbosity,
            "_ansible_module_name": "msp.psa_sync.both_ways",
            "_ansible_remote_tmp": "/nonexistent",
        }
        with monkeypatch.context() as patched:
            for variables in environment:
                for name, value in variables.items():
                    patched.setenv(name, str(value))
            patched.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": sent}).encode())
            patched.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
            patched.setattr(module_door._Module, "warn", lambda self, text: warnings.append(text))
            patched.setattr(module_door._Module, "log", lambda self, *given, **named: None)
            capsys.readouterr()  # what the run in process has shown
            with pytest.raises(SystemExit):
                module_door.run_module(SPEC, run)
        result = json.loads(capsys.readouterr().out)
        result.pop("invocation", None)  # Ansible itself removes it from what a module returns
        return result | ({"warnings": warnings} if warnings else {})

    return call


SAME = {
    "a plain run": ({}, {}),
    "check mode": ({}, {"check_mode": True}),
    "diff": ({}, {"diff": True}),
    "no_log": ({}, {"no_log": True}),
    "a secret in another option": ({"password": "s3cret pass", "name": "my s3cret pass", "state": "absent"}, {}),
    "a secret from the environment": (
        {"name": "s3cret", "state": "absent"},
        {"environment": [{"DOORS_PASSWORD": "s3cret"}]},
    ),
    "a secret in a suboption": ({"logins": [{"user": "s3cret", "password": "s3cret"}]}, {}),
    "a password in an address": (
        {"proxy": "http://jo:pr0xy-pass@proxy:3128", "name": "pr0xy-pass", "state": "absent"},
        {},
    ),
    "a failure": ({"mode": "fail"}, {"diff": True}),
    "a defect": ({"mode": "defect"}, {}),
    "an unknown option": ({"nonsense": 1}, {}),
    "an unknown suboption": ({"logins": [{"user": "a", "nonsense": 1}]}, {}),
    "a missing suboption": ({"logins": [{"password": "s3cret"}]}, {}),
    "a wrong choice": ({"mode": "other"}, {}),
    "a wrong type with a secret": ({"password": "s3cret", "number": "s3cret"}, {}),
    "exclusive options": ({"here": "a", "there": "b"}, {}),
    "required_if": ({"state": "present"}, {}),
    "a converted type": ({"number": "7", "here": "~/x"}, {}),
    "an explicit null": ({"name": None, "user": None}, {"environment": [{"DOORS_USER": "jo"}]}),
    "a blank variable": ({}, {"environment": [{"DOORS_USER": " "}]}),
    "variables of play and task": ({}, {"environment": [{"DOORS_USER": "play"}, {"DOORS_USER": "task"}]}),
}


@pytest.mark.parametrize("case", SAME)
def test_both_entry_points_return_the_same(case, as_module):
    args, details = SAME[case]

    inside = in_process_result(args, **details)

    assert inside == as_module(args, **details)
    assert json.loads(json.dumps(inside)) == inside
    assert "invocation" not in inside
    for secret in (TOKEN, "s3cret", "pr0xy-pass"):
        assert secret not in json.dumps(inside)


def test_a_module_masks_its_result_where_ansible_does_not(monkeypatch, as_module):
    """As from ansible-core 2.22 on, where the controller masks the secrets that it knows."""
    monkeypatch.setattr(basic, "remove_values", lambda value, secrets: value, raising=False)
    args, details = SAME["a secret in another option"]

    assert as_module(args, **details) == in_process_result(args, **details)


def test_a_defect_shows_a_masked_traceback_when_verbose(monkeypatch):
    monkeypatch.setattr(in_process.display, "verbosity", 3)

    result = in_process_result({"mode": "defect"})

    assert "RuntimeError: broken by ********" in result["exception"]
    assert TOKEN not in json.dumps(result)


def test_results_of_both_entry_points_say_what_they_should():
    result = in_process_result({"mode": "fail", "password": "s3cret"}, diff=True, check_mode=True)

    assert result["failed"] is True
    assert result["msg"] == "failed with ******** Do this."
    assert (result["changed"], result["check_mode"], result["tuple"]) == (True, True, [1, 2])
    assert result["diff"] == {"before": {"a": 1}, "after": {"a": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}
    assert result["warnings"] == ["warned of ******** and ********"]


def test_the_environment_of_the_task_is_put_back(monkeypatch):
    monkeypatch.setenv("DOORS_USER", "before")
    monkeypatch.delenv("DOORS_PASSWORD", raising=False)
    changes = [{"DOORS_USER": "within", "DOORS_PASSWORD": 5}]

    assert in_process_result(environment=changes)["user_variable"] == "within"
    assert in_process_result({"mode": "defect"}, environment=changes)["failed"] is True
    assert (os.environ["DOORS_USER"], os.environ.get("DOORS_PASSWORD")) == ("before", None)


def test_the_environment_is_put_back_after_an_interruption(monkeypatch):
    class TimedOut(BaseException):
        pass

    def interrupted(params, task):
        raise TimedOut

    monkeypatch.setenv("DOORS_USER", "before")
    monkeypatch.setattr(Action, "run_task", staticmethod(interrupted))

    with pytest.raises(TimedOut):
        in_process_result(environment=[{"DOORS_USER": "within"}])
    assert os.environ["DOORS_USER"] == "before"


@pytest.mark.parametrize(
    ("details", "wrapped"),
    [
        ({"transport": "ssh"}, False),
        ({"transport": "network_cli"}, False),
        ({"become": object()}, False),
        ({"async_val": 30}, True),
    ],
)
def test_what_is_not_plainly_local_is_handed_over(details, wrapped, monkeypatch):
    handed, given = [], {}

    def execute(self, module_args, task_vars, wrap_async):
        handed.append(wrap_async)
        given.update(module_args)
        return {"from": "module"}

    monkeypatch.setattr(Action, "_execute_module", execute)
    monkeypatch.setattr(Action, "_remove_tmp_path", lambda self, path: handed.append("cleaned"))

    assert in_process_result({"here": "of/mine", "there": "/of/others"}, **details) == {"from": "module"}
    assert handed == ([True] if wrapped else [False, "cleaned"])
    # On another machine a relative path means what it means there.
    here = "of/mine" if "transport" in details else os.path.abspath("of/mine")
    assert (given["here"], given["there"]) == (here, "/of/others")


@pytest.mark.parametrize(
    ("mode", "no_log", "lines"),
    [
        ("", False, ["[tenant] reading ********"]),
        ("plain", False, ["[tenant] reading ********"]),
        ("off", False, []),
        ("", True, []),
    ],
)
def test_progress_is_shown_unless_off_and_never_with_no_log(mode, no_log, lines, monkeypatch):
    shown = []

    # As narrow as the real thing is for a worker: any keyword would hang the playbook.
    def display(text, /):
        shown.append(text)

    def reading(params, task):
        task.secret(TOKEN)
        task.progress(f"reading {TOKEN}")
        return {}

    monkeypatch.setattr(progress, "display", SimpleNamespace(display=display))
    monkeypatch.setattr(progress._Shared, "output", None)
    monkeypatch.setattr(Action, "run_task", staticmethod(reading))
    in_process_result(no_log=no_log, environment=[{progress.ENVIRONMENT: mode}])

    assert shown == lines


@pytest.mark.parametrize(
    ("verbosity", "no_log", "lines"), [(3, False, [("<tenant> GET /a/********", 2)]), (2, False, []), (3, True, [])]
)
def test_requests_are_logged_from_a_verbosity_on_and_never_with_no_log(verbosity, no_log, lines, monkeypatch):
    logged = []

    def reading(params, task):
        task.secret(TOKEN)
        task.log(3, f"GET /a/{TOKEN}")
        return {}

    monkeypatch.setattr(in_process.display, "verbosity", verbosity)
    monkeypatch.setattr(in_process.display, "verbose", lambda text, caplevel: logged.append((text, caplevel)))
    monkeypatch.setattr(Action, "run_task", staticmethod(reading))
    in_process_result(no_log=no_log)

    assert logged == lines


def test_a_misspelled_variable_of_the_options_is_a_warning_of_the_result_once(monkeypatch):
    monkeypatch.setattr(in_process, "MISSPELLED", ["The variable sync_user is none of msp.psa_sync."])
    assert "The variable sync_user is none of msp.psa_sync." in in_process_result()["warnings"]
    assert "The variable sync_user is none of msp.psa_sync." not in in_process_result().get("warnings", [])


def test_libraries_are_imported_when_a_plugin_is_loaded(monkeypatch):
    wanted = []
    monkeypatch.setattr(in_process, "require_libraries", wanted.append)

    class Other(InProcessAction):
        spec = ModuleSpec(options={}, libraries=("msal",))

    assert wanted == [("msal",)]


def test_a_missing_library_does_not_keep_a_plugin_from_loading():
    class Other(Action):
        spec = ModuleSpec(options={}, libraries=("no_such_library_of_ours",))

    found = action()
    found.__class__ = Other

    assert "no_such_library_of_ours" in found.run(task_vars={})["msg"]

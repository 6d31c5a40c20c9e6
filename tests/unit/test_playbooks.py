# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped playbooks take every option of the modules from variables, and hide no error."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from tests.tools.files import tracked
from tests.tools.playbook_variables import variables_taken

PREFIX = "msp.psa_sync."
PLAYBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in tracked("playbooks/*.yml")}
DRIFT = PLAYBOOKS.pop("drift")
# What is the matter of the playbook, not of a variable that has the name of an option.
SAID = {"organization", "state"}


def play(name: str) -> dict:
    (only,) = yaml.safe_load(PLAYBOOKS[name])
    return only


def own_tasks(name: str) -> dict[str, dict]:
    """The options that the tasks pass, by module."""
    tasks = play(name)["tasks"]
    return {key.removeprefix(PREFIX): task[key] for task in tasks for key in task if key.startswith(PREFIX)}


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_option_can_be_a_variable(name):
    """One template for each module; a test of the lookup shows that it knows all options."""
    modules = own_tasks(name)
    assert modules
    assert play(name)["module_defaults"] == {
        PREFIX + module: f"{{{{ lookup('msp.psa_sync.options', '{module}') }}}}" for module in modules
    }
    for options in modules.values():
        assert set(options) <= SAID


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_error_is_hidden(name):
    assert not re.search(r"ignore_errors|failed_when|ignore_unreachable|rescue", PLAYBOOKS[name])


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_nothing_is_run_on_the_clients(name):
    assert play(name)["connection"] == "local"
    assert play(name)["gather_facts"] is False
    assert play(name)["vars"]["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_head_lists_every_variable(name):
    """That of sync_contacts refers to the other one for what both have."""
    head, dummy, body = PLAYBOOKS[name].partition("\n- name:")
    head += PLAYBOOKS["enforce_settings"].partition("\n- name:")[0]
    used = variables_taken(body) - set(CONNECTION_OPTIONS) - registered(name)
    assert {each for each in used if not re.search(rf"\b{each}\b", head)} == set()


def registered(name: str) -> set[str]:
    return {task["register"] for task in play(name)["tasks"] if "register" in task}


def test_drift_is_what_both_playbooks_would_change():
    before, *imported, after = yaml.safe_load(DRIFT)
    assert [each["ansible.builtin.import_playbook"] for each in imported] == [
        "enforce_settings.yml",
        "sync_contacts.yml",
    ]
    assert before["any_errors_fatal"] is True
    for each in (before, after):
        assert (each["connection"], each["gather_facts"]) == ("local", False)
        assert each["hosts"] == play("sync_contacts")["hosts"]
        (task,) = each["tasks"]
        assert "ansible.builtin.assert" in task
    registered = {
        task.get("register") for name in ("enforce_settings", "sync_contacts") for task in play(name)["tasks"]
    }
    assert {each for each in registered if each} == set(re.findall(r"(\w+) is changed", DRIFT))


def test_drift_hides_no_error():
    assert not re.search(r"ignore_errors|failed_when|ignore_unreachable|rescue", DRIFT)

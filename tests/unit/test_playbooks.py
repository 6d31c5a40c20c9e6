# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped playbooks take every option of the modules from variables, and no client stops another."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.lookup.clients import CLOSED
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from ansible_collections.msp.psa_sync.plugins.plugin_utils.of_playbook import MARK
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import known_variables
from tests.tools.files import ROOT
from tests.tools.playbook_variables import variables_taken

PREFIX = "msp.psa_sync."
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")}
CLOSING = yaml.safe_load(TEXTS["closing"])
# closing and notify run no module of the collection.
PLAYBOOKS = {name: text for name, text in TEXTS.items() if name not in ("closing", "notify")}
OF_CLIENTS = sorted(PLAYBOOKS.keys() - {"probe", "onboard"})
# What is the matter of the playbook, not of a variable that has the name of an option.
MESSAGES = {"organization", "state", "store_settings", "always_check_bms"}
# Hosts that the playbook has made itself.
MADE = "psa_sync_onboarding"


def plays(name: str) -> list[dict]:
    """The plays of a playbook but for those that it imports."""
    return [each for each in yaml.safe_load(TEXTS[name]) if "hosts" in each]


def play(name: str) -> dict:
    """The last play in which modules of the collection run."""
    return [each for each in plays(name) if own_tasks_of(each)][-1]


def tasks(name: str) -> list[dict]:
    """The tasks of that play, those in its block too."""
    return tasks_of(play(name))


def tasks_of(play: dict) -> list[dict]:
    return [task for each in play.get("tasks", ()) for task in each.get("block", [each])]


def own_tasks_of(play: dict) -> dict[str, dict]:
    """The options that the tasks of a play pass, by module."""
    return {key.removeprefix(PREFIX): task[key] or {} for task in tasks_of(play) for key in task if PREFIX in key}


def own_tasks(name: str) -> dict[str, dict]:
    """The options that the tasks pass, by module."""
    return own_tasks_of(play(name))


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_option_can_be_a_variable(name):
    """One template for each module, or the mark with which the task looks for itself; a test of the lookup shows that
    it knows all options."""
    assert own_tasks(name)
    for each in filter(own_tasks_of, plays(name)):
        modules = own_tasks_of(each)
        looked_up = {PREFIX + module: f"{{{{ lookup('msp.psa_sync.options', '{module}') }}}}" for module in modules}
        assert each.get("module_defaults", {}) == ({} if each.get("vars", {}).get(MARK) else looked_up)
        for options in modules.values():
            assert set(options) <= MESSAGES


@pytest.mark.parametrize("name", TEXTS)
def test_no_error_is_hidden(name):
    """A client that fails is rescued, and one that is not reached ignored, only so that it stops no other one;
    closing.yml fails it."""
    assert "ignore_errors" not in TEXTS[name]
    assert ("ignore_unreachable" in TEXTS[name]) is (name in OF_CLIENTS)
    assert not any("failed_when" in task for each in plays(name) for task in tasks_of(each))
    assert ("rescue" in TEXTS[name]) is (name in OF_CLIENTS)


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_a_client_that_fails_is_rescued_and_fails_at_the_end(name):
    block = play(name)["tasks"][0]
    assert play(name)["ignore_unreachable"] is True
    assert play(name)["any_errors_fatal"] is False
    assert set(block) == {"name", "block", "rescue"}
    assert [each["ansible.builtin.meta"] for each in block["rescue"]] == ["noop"]
    closing = yaml.safe_load(TEXTS[name])[-1]
    assert closing["ansible.builtin.import_playbook"] == "closing.yml"
    assert set(closing["vars"]["closing_registered"]) == registered(name)
    assert closing["vars"]["closing_playbook"] == name
    assert name in CLOSED


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_a_batch_of_which_too_many_clients_failed_ends_the_play_and_not_the_summary(name):
    dummy, end = play(name)["tasks"]
    assert end["ansible.builtin.meta"] == "end_play"
    assert end["when"][:2] == [
        "sync_max_fail_percentage | default('') is not none",
        "sync_max_fail_percentage | default('') | string | trim != ''",
    ]
    assert end["vars"]["most_percent"] == "{{ sync_max_fail_percentage | string | replace('%', '') }}"
    assert end["tags"] == ["always"]
    assert (
        f"registered={yaml.safe_load(TEXTS[name])[-1]['vars']['closing_registered']}"
        in end["vars"]["clients_that_failed"]
    )


def test_the_closing_playbook_shows_the_summary_and_fails_the_clients_that_failed():
    shown, failed = CLOSING
    assert [task.get("run_once") for task in shown["tasks"]] == [True, True, True]
    assert shown["tasks"][1]["when"] == "closing_playbook == 'sync_contacts'"
    assert "failed=true" in shown["tasks"][2]["loop"]
    assert [key for task in failed["tasks"] for key in task if "." in key] == ["ansible.builtin.fail"]
    assert all(task["tags"] == ["always"] for each in CLOSING for task in each["tasks"])


@pytest.mark.parametrize("name", TEXTS)
def test_a_task_in_place_of_all_clients_runs_once_and_whichever_the_first_one_is(name):
    """The strategy `free` runs it for each, and Ansible loads the connection of the first client for it."""
    for each in plays(name):
        if any(task.get("run_once") for task in tasks_of(each)):
            assert each["strategy"] == "linear"
            assert each["vars"]["ansible_connection"] == "local"


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_few_tasks_are_run_for_each_client(name):
    """A task takes a process of its own for each client."""
    most = {"sync_contacts": 1}.get(name, 2)
    of_clients = [each for each in tasks(name) if "ansible.builtin.meta" not in each]
    assert len(of_clients) <= most


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_run_on_the_clients(name):
    for each in plays(name):
        assert each["connection"] == "local"
        assert each["gather_facts"] is False
    if name in PLAYBOOKS:
        assert play(name)["vars"]["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


@pytest.mark.parametrize("name", TEXTS)
def test_an_inventory_that_cannot_be_read_ends_every_play(name):
    for each in plays(name):
        if "closing=" not in each["hosts"] and each["hosts"] != MADE:
            wanted = "'localhost'" if name in ("onboard", "notify") else "tenants | default("
            assert each["hosts"].startswith(f"{{{{ lookup('msp.psa_sync.clients', {wanted}")


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_blank_answers_of_a_survey_count_as_not_given(name):
    assert play(name)["serial"] == "{{ sync_serial if sync_serial | default('', true) | string | trim else '100%' }}"
    assert play(name)["max_fail_percentage"] == 100
    throttles = {task["throttle"] for task in tasks(name) if "throttle" in task}
    template = "{{ sync_throttle | default(0, true) | int }}"
    assert throttles == (set() if play(name)["vars"].get(MARK) else {template})


@pytest.mark.parametrize("name", ["drift", "sync_contacts"])
def test_no_template_is_compiled_for_the_task_of_each_client(name):
    """Each worker compiles its templates for itself, which takes it longer than anything else that is not the sync."""
    assert play(name)["vars"][MARK] is True
    task = tasks(name)[0]
    assert set(task) == {"name", "msp.psa_sync.contact_sync", "register", "tags"}
    assert "{{" not in str(task)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_head_lists_every_variable(name):
    """Those of sync_contacts and drift refer to the others for what they have in common."""
    heads = {each: text.partition("\n- name:")[0] for each, text in PLAYBOOKS.items()}
    head = heads[name] + heads["enforce_settings"] + (heads["sync_contacts"] if name == "drift" else "")
    used = variables_taken(PLAYBOOKS[name].partition("\n- name:")[2]) - set(CONNECTION_OPTIONS) - registered(name)
    assert {each for each in used if not re.search(rf"\b{each}\b", head)} == set()


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_no_variable_of_a_playbook_is_taken_for_a_misspelled_one(name):
    used = {
        each for each in variables_taken(PLAYBOOKS[name]) if each.startswith(("sync_", "office365_sync_", "bms_sync_"))
    }
    assert used <= known_variables()


def registered(name: str) -> set[str]:
    return {task["register"] for task in tasks(name) if "register" in task}


def test_drift_compares_settings_and_contacts_and_runs_in_check_mode_alone():
    before, compared = plays("drift")
    assert before["any_errors_fatal"] is True
    (task,) = before["tasks"]
    assert task["ansible.builtin.assert"]["that"] == "ansible_check_mode"
    assert task["tags"] == ["always"]
    assert own_tasks("drift") == own_tasks("sync_contacts")
    assert compared["hosts"] == play("sync_contacts")["hosts"]

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped playbooks pass on every option of the modules, and hide no error."""

from __future__ import annotations

import importlib
import re

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from tests.tools.files import ROOT

PREFIX = "msp.psa_sync."
PLAYBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")}
DRIFT = PLAYBOOKS.pop("drift")
OF_IT_GLUE = {"itglue_url", "itglue_api_key", "itglue_quota", "ca_path", "timeout", "proxy", "no_proxy"}
# What a playbook for many clients has no use for.
NOT_PASSED = {
    "api_probe": set(),
    "contact_audit_info": {"tenant_id"},
    "contact_sync": {"tenant_id"},
    "preflight_info": {"tenant_id"},
}


def play(name: str) -> dict:
    (only,) = yaml.safe_load(PLAYBOOKS[name])
    return only


def own_tasks(name: str) -> dict[str, dict]:
    """The options that the playbook passes, by module; those that one template passes too."""
    return {
        key.removeprefix(PREFIX): task[key] | defaults(name, key)
        for task in play(name)["tasks"]
        for key in task
        if key.startswith(PREFIX)
    }


def defaults(name: str, key: str) -> dict[str, str]:
    """The mapping in a template of `module_defaults`: an expression for each option."""
    template = play(name)["module_defaults"].get(key, "")
    return dict(re.findall(r"'(\w+)':\s+(.+?)(?=,\s+'\w+':|\} \}\}$)", template, re.DOTALL))


def own_options(module: str) -> set[str]:
    plugins = "ansible_collections.msp.psa_sync.plugins"
    spec = importlib.import_module(f"{plugins}.module_utils._ansible.{module}").SPEC
    return set(spec.options) - set(CONNECTION_OPTIONS)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("sync_contacts", "contact_sync"),
        ("audit", "contact_audit_info"),
        ("preflight", "preflight_info"),
        ("probe", "api_probe"),
    ],
)
def test_every_option_is_passed_on(name, module):
    assert set(own_tasks(name)[module]) == own_options(module) - NOT_PASSED[module]


def test_the_declared_settings_are_passed_on_as_they_are():
    """So the module refuses a name that is none. What is not a setting is given by the task, which counts more."""
    for module in ("office365_sync_settings", "bms_sync_settings"):
        own = play("enforce_settings")["module_defaults"][PREFIX + module]
        kind = module.removesuffix("_settings")
        merged = f"{{{{ {kind}_defaults | default({{}}) | combine({kind}_settings | default({{}}), recursive=True) }}}}"
        assert own == merged
        assert set(own_tasks("enforce_settings")[module]) == {"organization", "state"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("enforce_settings", OF_IT_GLUE),
        *((name, set(CONNECTION_OPTIONS)) for name in ("sync_contacts", "audit", "preflight", "probe")),
    ],
)
def test_every_connection_option_can_be_a_variable(name, wanted):
    passed = defaults(name, "group/msp.psa_sync.all")
    assert set(passed) == wanted
    for option, value in passed.items():
        assert value in (f"{option} | default(omit)", f"sync_{option} | default(omit)")


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
    used = set(
        re.findall(r"(?<![.\w])((?:sync|probe)_[a-z_]+|tenants|\w+_sync_(?:settings|defaults)) \| default", body)
    )
    connection = {"sync_ca_path", "sync_timeout", "sync_proxy", "sync_no_proxy"}
    assert len(used) > 5
    assert {each for each in used - connection if not re.search(rf"\b{each}\b", head)} == set()


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

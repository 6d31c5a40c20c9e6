# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `contact_sync`: from its options to a run, and from a run to a result or a failure."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import contact_sync
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.settings_changes import TWO_WAY_SYNC
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, LimitExceededError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import planned_run
from tests.trust.inprocess import Stand
from tests.trust.worlds import world
from tests.unit.engine.builders import person, ready, user
from tests.unit.sync.fakes import FakeBms, FakeClients, FakeGraph, FakeItGlue, FakeStore
from tests.unit.sync.test_native import ANN, COMPLETE, OPTIONS

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"


def ran(monkeypatch, people, contacts=(), check_mode=True, **options):
    """The result of the module, and its warnings."""
    itglue = FakeItGlue(contacts)
    clients = FakeClients(itglue, FakeBms(), FakeGraph(people))
    clients.calls = SimpleNamespace(by_service=lambda: {"itglue": itglue.calls.total()})
    monkeypatch.setattr(contact_sync, "Clients", lambda params, task, fair_share: clients)
    monkeypatch.setattr(
        contact_sync, "SettingsStore", lambda itglue, **more: FakeStore({"tenant_id": TENANT}, {"contact_sync": False})
    )
    params = {name: option.get("default") for name, option in contact_sync.SPEC.options.items()}
    warnings: list[str] = []
    task = Task(check_mode=check_mode, warn=warnings.append)
    return contact_sync.run({**params, "organization": "Client Ltd", **options}, task), warnings


def test_the_options_of_the_feature_are_there_with_its_defaults():
    options = contact_sync.SPEC.options
    assert options["organization"]["required"]
    assert {"users", "match_overrides", "office365_settings", "bms_settings", "tenant_id"} <= options.keys()
    defaults = {name: options[name].get("default") for name in ("update_linked", "allow_shrunken_source", "report")}
    assert defaults == {"update_linked": False, "allow_shrunken_source": False, "report": "changes"}
    assert options["bms_adapter_names"]["default"] == ["bms", "vorex"]
    assert all("default" not in options[limit] for limit in contact_sync.LIMITS)


def test_check_mode_previews_and_a_real_run_writes(monkeypatch):
    preview, dummy = ran(monkeypatch, [person("ann")])
    real, dummy = ran(monkeypatch, [person("ann")], check_mode=False)
    assert preview["changed"] is real["changed"] is True
    assert [each["contact_id"] for each in preview["contacts"] + real["contacts"]] == [None, 101]
    assert real["summary"]["api_calls"]["itglue"] > preview["summary"]["api_calls"]["itglue"]


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "real"])
def test_a_run_is_planned_once_where_nobody_else_writes(monkeypatch, check_mode):
    made = []

    class Counted(Planning):
        def __init__(self, *values):
            made.append(self)
            super().__init__(*values)

    monkeypatch.setattr(planned_run, "Planning", Counted)
    ran(monkeypatch, [person("ann"), person("bob")], [ready(1, "bob")], check_mode=check_mode)
    assert len(made) == 1


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "real"])
def test_an_exceeded_limit_fails_the_task_with_the_whole_plan(monkeypatch, check_mode):
    with pytest.raises(LimitExceededError) as caught:
        ran(monkeypatch, [person("ann"), person("bob")], check_mode=check_mode, max_creates="1")
    message = str(caught.value)
    assert message.startswith(
        "Limit exceeded, nothing was written for 'Client Ltd': max_creates allows 1, the plan has 2."
    )
    assert "-e sync_max_creates=100% with the playbooks of the collection, max_creates: 100% in a task" in message
    assert "max_updates" not in message
    assert caught.value.code == "limit_exceeded"
    assert caught.value.result["changed"] is False
    assert [each["action"] for each in caught.value.result["contacts"]] == ["create", "create"]


@pytest.mark.parametrize("option", contact_sync.LIMITS)
def test_a_malformed_limit_fails_before_anything_is_read(monkeypatch, option):
    with pytest.raises(InputError, match=f"{option} is 'many'"):
        ran(monkeypatch, [], **{option: "many"})


def test_some_users_do_not_show_who_has_departed(monkeypatch):
    with pytest.raises(InputError, match="users cannot be given together with departed: deactivate"):
        ran(monkeypatch, [person("ann")], departed="deactivate", departed_contact_type="End User", users=["ann"])


def test_a_blank_type_for_departed_people_is_an_error(monkeypatch):
    with pytest.raises(InputError, match="departed_contact_type is empty"):
        ran(monkeypatch, [person("ann")], departed="deactivate", departed_contact_type=" ")


def test_failures_are_a_warning_that_names_them(monkeypatch):
    nobody = [
        user(f"u{number}", username=f"u{number}", mail=None, proxy_addresses=(), given_name="Al") for number in range(7)
    ]
    reported, warnings = ran(monkeypatch, nobody)
    assert reported["summary"]["actions"] == {"failed": 7}
    (found,) = warnings
    assert found.startswith("Client Ltd: failed contacts (7): u0 (The user has no e-mail address")
    assert "u4" in found and "u5" not in found
    assert found.endswith("; and 2 more.")


def test_conflicts_are_a_warning_of_the_module(monkeypatch):
    dummy, warnings = ran(monkeypatch, [person("ann.lee")], [ready(1), ready(2)])
    assert warnings == [
        (
            "Client Ltd: conflicts that need a decision (1): ann.lee@client.example (several hits). "
            "See conflicts in the result, or the report."
        )
    ]


def test_report_all(monkeypatch):
    reported, dummy = ran(monkeypatch, [person("ann.lee")], [ready()], report="all")
    assert [each["action"] for each in reported["contacts"]] == ["unchanged"]


def test_users_and_overrides_reach_the_run(monkeypatch):
    users = [person("ann"), person("bob"), person("cid", sku_ids=())]
    reported, dummy = ran(
        monkeypatch, users, users=["ann@client.example"], match_overrides={"ann@client.example": " NEW "}, report="all"
    )
    assert reported["summary"]["excluded"] == {"unlicensed": 1, "users": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(72, ("update", 72), id="number"),
        pytest.param(" 72 ", ("update", 72), id="digits"),
        pytest.param("New", ("create", None), id="new"),
        pytest.param("IGNORE ", ("excluded", None), id="ignore"),
    ],
)
def test_a_target_of_match_overrides(monkeypatch, given, expected):
    found, dummy = ran(monkeypatch, [person("ann")], [ready(72)], match_overrides={"id-ann": given}, report="all")
    assert [(each["action"], each["contact_id"]) for each in found["contacts"]] == [expected]


@pytest.mark.parametrize("given", [None, True, "", "-1", "7.5", "٧", "somebody", [72]])
def test_a_target_that_is_none(monkeypatch, given):
    with pytest.raises(InputError, match="match_overrides has .* for id-ann.*'new' or 'ignore'"):
        ran(monkeypatch, [person("ann")], match_overrides={"id-ann": given})


@pytest.mark.parametrize("given", [[], ["", "  "]])
def test_no_adapter_name_is_an_error(monkeypatch, given):
    with pytest.raises(InputError, match="bms_adapter_names is empty"):
        ran(monkeypatch, [person("ann")], bms_adapter_names=given)


def test_the_switch_that_it_glue_has_too_brings_a_warning_when_a_run_stores_it():
    it = Stand(world([ANN], [COMPLETE], [], {}))
    direct = {**OPTIONS, "bms_settings": {**OPTIONS["bms_settings"], "push_method": "direct"}}
    expected = TWO_WAY_SYNC.format(organization=it.sync(check=True, **direct).result["organization"]["name"])
    assert expected not in it.sync(check=True, **direct).warnings
    for check, count in ((True, 1), (False, 1), (False, 0)):
        assert it.sync(check=check, **direct, store_settings=True).warnings.count(expected) == count


def recorded(tmp_path) -> tuple[Stand, dict[str, str]]:
    """A client whose settings are stored, after a run that a journal records; and what names both."""
    it = Stand(world([ANN], [COMPLETE], [], {}))
    client = {"organization": OPTIONS["organization"], "journal_file": str(tmp_path / "journal")}
    done = it.sync(**{**OPTIONS, **client}, store_settings=True, push_wait=0)
    assert done.error is None and done.changed
    return it, client


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("declared", "differ"),
    [
        ({"office365_settings": {"email_label": "Office"}}, {"before": {"email_label": "Work"}}),
        ({"office365_settings": {"email_label": "Work"}}, None),
        ({}, None),
    ],
)
def test_a_revert_shows_settings_that_differ_and_stores_none(tmp_path, check, declared, differ):
    it, client = recorded(tmp_path)
    before = it.state()["itglue"]["flexible_assets"]
    outcome = it.sync(check=check, state="reverted", store_settings=True, **client, **declared)
    shown = outcome.result["settings_changes"].get("office365")
    assert shown == (differ and {**differ, "after": declared["office365_settings"], "stored": False})
    assert len(outcome.result["diff"]) == len(outcome.result["reverted"]) + bool(differ)
    assert outcome.changed is bool(outcome.result["reverted"])
    assert (it.state()["itglue"]["flexible_assets"], outcome.warnings) == (before, [])


def test_settings_that_break_a_rule_do_not_keep_a_run_from_being_reverted(tmp_path):
    it, client = recorded(tmp_path)
    outcome = it.sync(state="reverted", office365_settings={"tenant_id": "none"}, **client)
    assert (outcome.error, outcome.result["settings_changes"]) == (None, {})
    (message,) = outcome.warnings
    assert "were not compared" in message and "no GUID" in message

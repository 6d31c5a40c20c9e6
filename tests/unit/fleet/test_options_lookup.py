# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that variables hold for a module, each under its name, and none of another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.msp.psa_sync.plugins.lookup import options
from ansible_collections.msp.psa_sync.plugins.lookup.options import LookupModule
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import variables_of
from tests.unit.ansible.templates import trust_as_template

PREFIXED = {"ca_path", "timeout", "proxy", "no_proxy"}
OF_IT_GLUE = {"itglue_url", "itglue_api_key", "itglue_quota", *PREFIXED}
SETTINGS = ("office365_sync_settings", "bms_sync_settings")
# Neither is a matter of the variable that bears its name.
WITHOUT = {
    "contact_sync": {
        "organization",
        "tenant_id",
        "office365_settings",
        "bms_settings",
        "store_settings",
        "plan_file",
        "apply_plan",
        "journal_file",
    },
    "contact_audit_info": {"organization", "tenant_id", "office365_settings", "bms_settings"},
    "preflight_info": {"organization", "tenant_id", "office365_settings", "bms_settings", "always_check_bms"},
    "tenant_match_info": {"state"},
    "api_probe": {"organization"},
}


def looked_up(module: str, **variables) -> dict:
    lookup = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
    (found,) = lookup.run([module], variables=variables)
    return found


def own_options(module: str) -> set[str]:
    return set(entry_point(module)[0].options) - set(CONNECTION_OPTIONS)


@pytest.mark.parametrize(
    ("module", "prefix"),
    [
        ("contact_sync", "sync_"),
        ("contact_audit_info", "sync_"),
        ("preflight_info", "sync_"),
        ("api_probe", "probe_"),
        ("tenant_match_info", "onboard_"),
    ],
)
def test_every_option_of_a_module_has_a_variable(module, prefix):
    own = {option: name for option, name in variables_of(module).items() if option not in CONNECTION_OPTIONS}
    assert own == {option: prefix + option for option in own_options(module) - WITHOUT[module]}


@pytest.mark.parametrize("module", WITHOUT)
def test_every_connection_option_has_a_variable(module):
    wanted = {option: f"sync_{option}" if option in PREFIXED else option for option in CONNECTION_OPTIONS}
    assert {option: name for option, name in variables_of(module).items() if option in CONNECTION_OPTIONS} == wanted


@pytest.mark.parametrize("module", SETTINGS)
def test_what_declares_settings_gets_no_secret_of_another_service(module):
    """And a single setting has no variable of its own."""
    assert set(variables_of(module)) == OF_IT_GLUE
    assert looked_up(module, itglue_api_key="k", bms_password="p", azure_client_secret="s") == {"itglue_api_key": "k"}


def test_what_is_set_is_given_and_what_is_not_is_left_to_the_environment():
    found = looked_up(
        "msp.psa_sync.contact_sync",
        itglue_url="https://api.eu.itglue.com",
        sync_timeout=10,
        sync_update_linked=False,
        sync_users=[],
        bms_url=None,
        timeout=99,
        organization="Another",
    )
    assert found == {
        "itglue_url": "https://api.eu.itglue.com",
        "timeout": 10,
        "update_linked": False,
        "users": [],
        "office365_settings": {},
        "bms_settings": {},
    }


def test_what_a_variable_omits_is_not_given():
    assert looked_up("api_probe", omit="__omit__", itglue_url="__omit__", bms_quota=5) == {"bms_quota": 5}


def test_the_settings_of_a_client_are_laid_over_those_of_its_group():
    variables = {
        "office365_sync_defaults": {"phone_type": "Office", "user_filter": {"licensed_only": True, "domains": ["a"]}},
        "office365_sync_settings": {"tenant_id": "t", "user_filter": {"domains": ["b"]}},
        "bms_sync_settings": None,
    }
    merged = {"phone_type": "Office", "tenant_id": "t", "user_filter": {"licensed_only": True, "domains": ["b"]}}
    assert looked_up("office365_sync_settings", **variables) == merged
    assert looked_up("contact_sync", **variables) == {"office365_settings": merged, "bms_settings": {}}
    assert looked_up("bms_sync_settings", **variables) == {}


def files(**variables) -> dict:
    found = looked_up("contact_sync", **{"inventory_hostname": "frog", **variables})
    return {name: value for name, value in found.items() if name not in ("office365_settings", "bms_settings")}


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"sync_plan_directory": "/srv", "ansible_check_mode": True}, {"plan_file": "/srv/frog.plan.json"}),
        (
            {"sync_plan_directory": "/srv", "sync_apply_plan": "false", "ansible_check_mode": True},
            {"plan_file": "/srv/frog.plan.json"},
        ),
        ({"sync_plan_directory": "/srv", "sync_apply_plan": "true"}, {"apply_plan": "/srv/frog.plan.json"}),
        ({"sync_journal_directory": "/srv"}, {"journal_file": "/srv/frog.journal"}),
        ({"sync_plan_directory": "", "sync_apply_plan": " ", "sync_journal_directory": None}, {}),
        (
            {"sync_plan_directory": "/srv", "sync_journal_directory": "/srv", "sync_state": "reverted"},
            {"journal_file": "/srv/frog.journal", "state": "reverted"},
        ),
        ({}, {}),
    ],
)
def test_each_client_has_files_of_its_own(variables, wanted):
    assert files(**variables) == wanted


def test_files_lie_in_their_directory_whatever_a_client_is_called():
    found = files(inventory_hostname="../../x", sync_journal_directory="/srv")["journal_file"]
    assert found.startswith("/srv/x-")
    assert found.count("/") == 2


def test_plans_are_made_in_check_mode_alone():
    """A forgotten --check would write what nobody has reviewed."""
    with pytest.raises(AnsibleLookupError, match="without --check and without sync_apply_plan"):
        files(sync_plan_directory="/srv")


def test_a_first_run_raises_its_limits_and_keeps_a_journal(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    previewed = files(sync_first_run=True, ansible_check_mode=True)
    assert previewed["max_creates"] == "100%"
    assert list(tmp_path.iterdir()) == []
    found = files(sync_first_run="true", sync_max_updates="10")
    assert found == {
        "max_creates": "100%",
        "max_updates": "10",
        "max_pushes": "100%",
        "journal_file": f"{tmp_path}/msp.psa_sync/journals/frog.journal",
    }
    assert (tmp_path / "msp.psa_sync" / "journals").stat().st_mode & 0o777 == 0o700
    assert files(sync_first_run=True, sync_journal_directory="/srv")["journal_file"] == "/srv/frog.journal"
    assert files(sync_first_run="") == {}
    assert "max_deactivations" not in found


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_answers_of_a_survey_count_as_not_given(blank):
    assert files(sync_users=blank, sync_state=blank, itglue_url=blank, sync_max_creates=blank) == {}


def test_variables_that_are_spelled_wrongly_bring_a_warning(monkeypatch):
    warnings = []
    monkeypatch.setattr(options.display, "warning", warnings.append)
    looked_up("contact_sync", sync_max_create=1, match_overrides={}, sync_max_creates=1)
    assert len(warnings) == 2
    assert "sync_max_create " in warnings[0]
    assert warnings == options.MISSPELLED  # for the result of the task


@pytest.mark.parametrize("directory", [{}, {"sync_plan_directory": ""}])
def test_plans_are_not_applied_from_nowhere(directory):
    """Without the plans the run would write what nobody has looked at."""
    with pytest.raises(AnsibleLookupError, match="sync_plan_directory must say where the plans are"):
        looked_up("contact_sync", inventory_hostname="frog", sync_apply_plan=True, **directory)


@pytest.mark.parametrize("name", ["sync_first_run", "sync_apply_plan"])
def test_what_is_neither_true_nor_false_is_an_error(name):
    """In check mode a plan that was to be applied would be made anew."""
    with pytest.raises(AnsibleLookupError, match=f"{name} is 'ture'. Give true or false"):
        looked_up(
            "contact_sync",
            inventory_hostname="frog",
            ansible_check_mode=True,
            sync_plan_directory="/srv",
            **{name: "ture"},
        )


def test_a_directory_for_journals_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(AnsibleLookupError, match="cannot be made: Not a directory. Name .* sync_journal_directory"):
        looked_up("contact_sync", inventory_hostname="frog", sync_first_run=True)


def test_a_revert_needs_the_directory_of_the_journals():
    with pytest.raises(AnsibleLookupError, match="sync_journal_directory must say"):
        looked_up("contact_sync", inventory_hostname="frog", sync_state="reverted")


def test_settings_that_are_no_mapping_are_named():
    with pytest.raises(AnsibleLookupError, match="variable bms_sync_defaults must be a mapping"):
        looked_up("bms_sync_settings", bms_sync_defaults="yes")


@pytest.mark.parametrize("throttle", ["many", "10%", -1, True])
def test_a_throttle_that_is_no_number_fails_its_client(throttle):
    with pytest.raises(AnsibleLookupError, match=f"sync_throttle is '{throttle}'. Give a number of clients"):
        looked_up("contact_sync", inventory_hostname="frog", sync_throttle=throttle)
    assert looked_up("contact_sync", inventory_hostname="frog", sync_throttle=" 2 ") == looked_up("contact_sync")


@pytest.mark.parametrize("name", ["sync_users", "itglue_url", "sync_first_run", "sync_throttle"])
def test_a_variable_that_cannot_be_read_is_named(name):
    with pytest.raises(AnsibleLookupError, match=f"The variable {name} cannot be read: 'nowhere' is undefined"):
        looked_up("contact_sync", inventory_hostname="frog", **{name: trust_as_template("{{ nowhere }}")})


def test_a_mapping_that_holds_what_cannot_be_read_is_named():
    settings = {"account": trust_as_template("{{ nowhere }}")}
    with pytest.raises(AnsibleLookupError, match="The variable bms_sync_settings cannot be read: 'nowhere' is"):
        looked_up("contact_sync", inventory_hostname="frog", bms_sync_settings=settings)


def test_a_first_run_of_a_user_without_a_home_asks_for_a_directory(monkeypatch):
    def expanduser(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", expanduser)
    with pytest.raises(AnsibleLookupError, match="has no home directory. Name a directory with sync_journal_directory"):
        looked_up("contact_sync", inventory_hostname="frog", sync_first_run=True)


@pytest.mark.parametrize("module", ["contact_snyc", "connection", "ansible.builtin.debug"])
def test_a_module_that_is_none_is_named(module):
    with pytest.raises(AnsibleLookupError, match=f"the collection has no module '{module}'"):
        looked_up(module)

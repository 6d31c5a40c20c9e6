# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight: it fails where a run would, and is ready where a run is."""

from __future__ import annotations

import pytest

from tests.trust.inprocess import Outcome, Stand
from tests.trust.test_fault_matrix import OPTIONS, rich_world
from tests.trust.worlds import TENANT, Json

CLIENT = {"organization": OPTIONS["organization"], "office365_settings": OPTIONS["office365_settings"]}
WITH_BMS = {**CLIENT, "bms_settings": OPTIONS["bms_settings"]}


def preflight(world: Json | None = None, alter=None, **options) -> Outcome:
    stand = Stand(world or rich_world(), alter=alter)
    outcome = stand.task("preflight_info", **options)
    assert outcome.error is None, outcome.error
    assert outcome.writes == []
    return outcome


def states(outcome: Outcome) -> dict[str, tuple]:
    return {each["name"]: (each["state"], each["reason_code"]) for each in outcome.result["checks"]}


def test_a_client_that_is_all_right_is_ready():
    outcome = preflight(**WITH_BMS)
    assert (outcome.result["ready"], outcome.result["to_do"]) == (True, [])
    assert set(states(outcome).values()) == {("ready", "check_ok"), ("ready", "check_found")}
    assert states(outcome).keys() >= {
        "itglue",
        "settings_store",
        "tenant",
        "microsoft",
        "users",
        "bms",
        "bms_locations",
    }


def test_a_client_without_bms_settings_is_ready_as_it_syncs():
    outcome = preflight(**CLIENT)
    assert outcome.result["ready"] is True
    assert states(outcome)["bms_settings"] == ("limited", "no_bms_settings")
    assert states(outcome)["bms"] == ("skipped", "pushes_off")
    assert Stand(rich_world()).sync(check=True, **CLIENT).error is None


def test_a_client_for_whom_nothing_is_declared_has_no_bms_settings_either():
    """The playbooks pass an empty mapping where the variables of a client hold none."""
    assert states(preflight(**CLIENT, bms_settings={}))["bms_settings"] == ("limited", "no_bms_settings")


def test_the_account_of_a_client_without_bms_settings_is_found_where_that_is_asked_for():
    outcome = preflight(**CLIENT, always_check_bms=True)
    assert states(outcome)["bms"] == ("ready", "check_found")
    assert outcome.result["bms_account"].keys() == {"id", "name"}
    lost = preflight(**CLIENT, always_check_bms=True, bms_password="wrong")
    assert states(lost)["bms"] == ("limited", None)
    assert (lost.result["ready"], lost.result["bms_account"]) == (True, None)
    world = rich_world()
    for each in world["itglue"]["organizations"]:
        each.pop("adapters", None)
    assert states(preflight(world, **CLIENT, always_check_bms=True))["bms_link"] == ("limited", "no_bms_link")
    assert "bms_link" not in states(preflight(world, **WITH_BMS))


BROKEN: dict[str, tuple[str, Json, str]] = {
    "a type that BMS does not have": ("bms_email_type", {"bms_settings": {"email_type": "Wrok"}}, "Wrok"),
    "an account that BMS does not have": ("bms", {"bms_settings": {"account": "77"}}, "77"),
    "a contact type that IT Glue does not have": ("contact_type", {"office365_settings": {"contact_type": "X"}}, "'X'"),
    "a filter that selects nobody": (
        "users",
        {"office365_settings": {"user_filter": {"domains": ["nobody.example"]}}},
        "excludes all",
    ),
    "a rule that is broken": ("bms_settings", {"bms_settings": {"two_way_sync": False}}, "two_way_sync"),
    "no tenant": ("tenant", {"office365_settings": {"tenant_id": ""}}, "no Microsoft tenant"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_a_run_stumbles_over_is_found_with_the_words_of_the_run(case):
    name, changes, words = BROKEN[case]
    options = {key: {**value, **changes.get(key, {})} if key in changes else value for key, value in WITH_BMS.items()}
    outcome = preflight(**options)
    assert outcome.result["ready"] is False
    (failed,) = [each for each in outcome.result["checks"] if each["state"] == "failed"]
    assert failed["name"] == name
    assert words in failed["message"]
    run = Stand(rich_world()).sync(check=True, **options)
    assert str(run.error) == failed["message"]


def test_accounts_that_graph_does_not_report_are_found_with_the_permission():
    def hidden(service, method, path, body):
        if service == "graph" and isinstance(body, dict):
            for user in body.get("value", ()):
                user.pop("accountEnabled", None)
        return body

    outcome = preflight(alter=hidden, **WITH_BMS)
    assert states(outcome)["users"][0] == "failed"
    assert "User.Read.All" in outcome.result["to_do"][0]
    assert outcome.result["tenant_id"] == TENANT


def test_an_organization_that_is_not_known_leaves_the_rest_unchecked():
    outcome = preflight(**{**WITH_BMS, "organization": "Nobody Ltd"})
    assert states(outcome) == {
        "itglue": ("failed", None),
        **dict.fromkeys(
            ("office365_settings", "bms_settings", "tenant", "microsoft", "bms"), ("skipped", "organization_not_known")
        ),
    }


OPTIONS_THAT_CANNOT_BE = {
    "itglue": {"ca_path": "/nowhere"},
    "bms": {"bms_mfa_secret": "no base32!"},
}


@pytest.mark.parametrize("name", OPTIONS_THAT_CANNOT_BE)
def test_a_connection_option_that_cannot_be_right_fails_the_check_of_its_service(name):
    ((option, value),) = OPTIONS_THAT_CANNOT_BE[name].items()
    outcome = preflight(**WITH_BMS, **{option: value})
    (failed,) = [each for each in outcome.result["checks"] if each["state"] == "failed"]
    assert failed["name"] == name
    assert option in failed["message"]

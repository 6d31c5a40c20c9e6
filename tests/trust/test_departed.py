# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People who left and people who are back, through whole runs: previewed, done once, planned, taken back.

The rules are tested by `tests/unit/engine/test_departed.py`, faults and kills by the fault matrix,
whose world has both kinds of people too.
"""

from __future__ import annotations

import json

import pytest

from .inprocess import Stand
from .invariants import bms_of, changed_is_true_to_the_state, contacts_of, prediction_equals_real, substance
from .test_fault_matrix import FORMER, WITH_DEPARTED, Json, _contact, _in_bms, _user, world, world_with_departed
from .worlds import ACCOUNT, _link

REPORT = {**WITH_DEPARTED, "departed": "report"}


def people() -> Json:
    """The world of the fault matrix, without the contact that IT Glue refuses to have changed in part."""
    made = world_with_departed()
    for contact in made["itglue"]["contacts"]:
        contact.pop("locked", None)
    return made


@pytest.fixture
def stand():
    return Stand(people())


def enable(made: Json, user_id: str) -> None:
    for user in made["entra"]["tenants"][0]["users"]:
        user["accountEnabled"] = user["accountEnabled"] or user["id"] == user_id


def actions(outcome) -> dict[int, str]:
    return {each["contact_id"]: each["action"] for each in outcome.result["departed"]}


def seen(stand) -> dict[int, tuple]:
    """By contact: whether it is marked, and whether BMS has it as active."""
    state = stand.state()
    return {
        number: (
            contacts_of(state)[100 + number]["contact-type-id"] == FORMER,
            bms_of(state)[900 + number]["isActive"],
        )
        for number in (6, 7, 9)
    }


def test_check_mode_is_the_real_run_and_a_second_one_changes_nothing(stand):
    before = stand.state()
    foreseen = stand.sync(check=True, **WITH_DEPARTED)
    assert foreseen.writes == []
    real = stand.sync(**WITH_DEPARTED)
    after = stand.state()

    prediction_equals_real(foreseen, real)
    changed_is_true_to_the_state(before, after, real)
    assert seen(stand) == {6: (True, False), 7: (True, False), 9: (False, True)}
    assert contacts_of(before).keys() <= contacts_of(after).keys()
    assert bms_of(before).keys() <= bms_of(after).keys()

    again = stand.sync(**WITH_DEPARTED)
    assert (again.changed, again.writes) == (False, [])
    assert actions(again) == {106: "deactivated", 107: "deactivated"}
    assert substance(stand.state()) == substance(after)


def test_without_a_word_they_are_reported_and_nothing_is_done_to_them(stand):
    before = seen(stand)
    outcome = stand.sync(**REPORT)
    assert actions(outcome) == {106: "report", 107: "report"}
    assert seen(stand) == before


@pytest.mark.parametrize("check", [True, False], ids=["check", "real"])
def test_the_limit_stops_the_run_before_any_write(stand, check):
    outcome = stand.sync(check=check, **WITH_DEPARTED, max_deactivations="1")
    assert "max_deactivations allows 1, the plan has 2" in str(outcome.error)
    assert (outcome.changed, outcome.writes) == (False, [])
    assert actions(outcome) == {106: "deactivate", 107: "deactivate"}


def test_the_keep_list_keeps_one_of_them(stand):
    outcome = stand.sync(**WITH_DEPARTED, departed_keep=["gone@*"], max_deactivations="1")
    assert outcome.error is None
    assert actions(outcome) == {106: "deactivate", 107: "keep"}
    assert seen(stand)[7] == (False, True)


@pytest.mark.parametrize("lifted", [False, True], ids=["", "lifted"])
def test_a_tenant_that_has_shrunk_deactivates_nobody(lifted):
    """One user is left, who is disabled, and holds the addresses of all the contacts that there are."""
    contacts = [_contact(number) for number in range(5)]
    everything = [f"smtp:u{number}@x.example" for number in range(5)]
    users = [_user(0, accountEnabled=False, proxyAddresses=everything), _user(9)]
    stand = Stand(world(users, contacts, [], {}, adapters=[_link(ACCOUNT)]))
    outcome = stand.sync(**WITH_DEPARTED, allow_shrunken_source=lifted)
    if lifted:
        assert outcome.error is None
        assert len(outcome.result["departed"]) == 5
    else:
        assert "2 users, but 5 contacts carry its domains, so nobody is deactivated" in str(outcome.error)
        assert outcome.writes == []


def test_a_client_without_bms_has_them_marked_in_it_glue_alone():
    made = people()
    made["bms"]["accounts"] = []
    made["itglue"]["organizations"][1]["adapters"] = []
    made["bms"]["contacts"] = []
    stand = Stand(made)
    outcome = stand.sync(**{**WITH_DEPARTED, "bms_settings": {"contact_sync": False}})
    assert outcome.error is None
    assert not any(each["service"] == "bms" for each in outcome.sent)
    assert contacts_of(stand.state())[107]["contact-type-id"] == FORMER
    assert contacts_of(stand.state())[109]["contact-type-id"] != FORMER


def test_a_linked_contact_that_it_glue_locks_is_inactive_in_bms_and_reported():
    made = people()
    contact = next(each for each in made["itglue"]["contacts"] if each["id"] == 106)
    contact["contact-type-id"] = None
    stand = Stand(made)
    outcome = stand.sync(**WITH_DEPARTED)
    (entry,) = [each for each in outcome.result["departed"] if each["contact_id"] == 106]
    assert entry["locked"] == ["contact-type"]
    assert entry["after"] == {"bms-active": False}
    assert seen(stand)[6] == (False, False)


def test_a_plan_of_deactivations_is_applied_as_it_is_and_once(stand, tmp_path):
    path = str(tmp_path / "plan.json")
    foreseen = stand.sync(check=True, plan_file=path, **WITH_DEPARTED)
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert {"departed/106", "departed/107", f"user/{_user(9)['id']}"} <= {*plan["planned"]}

    applied = stand.sync(apply_plan=path, **REPORT)
    assert applied.error is None
    assert applied.result["refused"] == []
    assert actions(applied) == actions(foreseen)
    assert seen(stand) == {6: (True, False), 7: (True, False), 9: (False, True)}
    again = stand.sync(apply_plan=path, **REPORT)
    assert (again.changed, again.writes, again.result["refused"]) == (False, [], [])


def test_a_planned_deactivation_of_who_came_back_meanwhile_is_refused(tmp_path):
    path = str(tmp_path / "plan.json")
    made = people()
    Stand(made).sync(check=True, plan_file=path, **WITH_DEPARTED)
    enable(made, _user(6)["id"])
    stand = Stand(made)
    applied = stand.sync(apply_plan=path, **WITH_DEPARTED)
    assert 106 in {each["contact_id"] for each in applied.result["refused"]}
    assert seen(stand)[6] == (True, True)


def test_deactivations_and_returns_are_reverted(stand, tmp_path):
    path = str(tmp_path / "journal")
    before = seen(stand)
    stand.sync(journal_file=path, **WITH_DEPARTED)
    assert seen(stand) != before
    revert = {"organization": WITH_DEPARTED["organization"], "state": "reverted", "journal_file": path}
    foreseen, reverted = stand.sync(check=True, **revert), stand.sync(**revert)
    assert reverted.error is None
    assert foreseen.result["reverted"] == reverted.result["reverted"]
    assert seen(stand) == before
    assert not stand.sync(**revert).changed


def test_who_comes_back_gets_back_what_was_taken(stand):
    """Deactivated by one run, enabled again, and brought back by the next."""
    made = people()
    made["itglue"]["contacts"] = [_contact(6), _contact(1)]
    made["bms"]["contacts"] = [_in_bms(6)]
    first = Stand(made)
    assert first.sync(**WITH_DEPARTED).changed
    assert not bms_of(first.state())[906]["isActive"]

    state = first.state()
    next(each for each in state["entra"]["tenants"][0]["users"] if each["id"] == _user(6)["id"])["accountEnabled"] = (
        True
    )
    second = Stand(state)
    outcome = second.sync(**WITH_DEPARTED)
    assert outcome.contacts()[_user(6)["id"]]["reason_code"] == "returned"
    assert bms_of(second.state())[906]["isActive"]
    assert contacts_of(second.state())[106]["contact-type-id"] == 24
    assert not second.sync(**WITH_DEPARTED).changed


def test_bms_that_refuses_a_return_keeps_the_mark_until_it_takes_it(stand):
    """Without the mark, no later run would know that the BMS contact waits to be active."""
    refused = {"success": False, "result": None, "error": {"code": 1, "message": "No."}}
    stand.faults(
        {"service": "bms", "method": "PATCH", "path": "/v2/crm/contacts/909", "kind": "status", "status": 200}
        | {"body": refused, "times": None}
    )
    outcome = stand.sync(**WITH_DEPARTED)
    assert seen(stand)[9] == (True, False)
    entry = outcome.contacts()[_user(9)["id"]]
    assert entry["action"] == "update" and "contact-type-id" not in entry["after"]
    assert "return_deferred" in entry["reason_codes"]
    stand.heal()
    stand.sync(**WITH_DEPARTED)
    assert seen(stand)[9] == (False, True)


REFUSED = {"success": False, "result": None, "error": {"code": 1, "message": "No."}}


def test_bms_that_refuses_a_deactivation_keeps_the_mark_away_until_it_takes_it(stand):
    """By the mark the next run would take the person for dealt with, in BMS too."""
    stand.faults(
        {"service": "bms", "method": "PATCH", "path": "/v2/crm/contacts/907", "kind": "status", "status": 200}
        | {"body": REFUSED, "times": None}
    )
    outcome = stand.sync(**WITH_DEPARTED)
    assert seen(stand)[7] == (False, True)
    (entry,) = [each for each in outcome.result["departed"] if each["contact_id"] == 107]
    assert entry["action"] == "failed" and "write_rejected" in entry["reason_codes"]
    stand.heal()
    stand.sync(**WITH_DEPARTED)
    assert seen(stand)[7] == (True, False)


def test_a_run_that_ends_between_bms_and_it_glue_is_finished_by_the_next(stand):
    stand.faults(
        {"service": "itglue", "method": "PATCH", "path": "/contacts", "kind": "status", "status": 500, "times": None},
        {
            "service": "itglue",
            "method": "PATCH",
            "path": "/organizations/2/relationships/contacts",
            "kind": "status",
            "status": 500,
            "times": None,
        },
    )
    outcome = stand.sync(**WITH_DEPARTED)
    assert seen(stand)[7] == (False, False)
    (entry,) = [each for each in outcome.result["departed"] if each["contact_id"] == 107]
    assert entry["after"] == {"bms-active": False}
    stand.heal()
    stand.sync(**WITH_DEPARTED)
    assert seen(stand)[7] == (True, False)

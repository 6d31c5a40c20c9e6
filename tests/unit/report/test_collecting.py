# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report gathers of the results of a run."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.charts import story, tenant_status
from tests.tools.report_samples import (
    OFFICE365,
    about,
    contact,
    event,
    gone_and_back,
    happy_frog,
    large,
    leaving,
    small,
    synced,
    taken_back,
)

SCHEMA = json.loads((Path(collecting.__file__).parent / "assets" / "report.schema.json").read_text())


def report(events, **changes) -> dict:
    made = collecting.report(about(**changes), events)
    jsonschema.validate(made, SCHEMA, format_checker=jsonschema.FormatChecker())
    return made


def named(made: dict, name: str) -> dict:
    (found,) = (each for each in made["tenants"] if each["name"] == name)
    return found


def test_one_of_everything_follows_the_schema():
    made = report(small())
    names = ["Calm Waters", "Delta", "Gamma, Inc.", "Happy Frog", "Over & Co.", "secretive"]
    assert [each["name"] for each in made["tenants"]] == names
    assert made["mode"] == "preview"
    assert made["totals"] == {
        "tenants": 6,
        "tenants_failed": 2,
        "tenants_stopped": 1,
        "tasks_hidden": 1,
        "users": 294,
        "kept": 276,
        "actions": {"conflict": 2, "create": 1, "excluded": 12, "linked": 231, "update": 2},
        "push": {"already_in_bms": 1, "not_ready": 1, "pushed": 1},
        "excluded": {"disabled": 12, "guest": 6},
        "api_calls": {"bms": 15, "graph": 9, "itglue": 18},
        "conflicts": 2,
        "departures": {"report": 1},
        "returned": 0,
        "departed": 1,
        "unclaimed": 1,
        "reverted": 0,
        "not_reverted": 0,
        "settings": 2,
        "warnings": 1,
    }


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    made = collecting.report(about(), small())
    made["tenants"][0]["runs"][0]["status"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA)


def test_a_plan_over_a_ceiling_is_listed_whole_and_counted_apart():
    made = report(small())
    (run,) = named(made, "Over & Co.")["runs"]
    assert (run["status"], len(run["contacts"])) == ("failed", 40)
    assert run["message"] == "The plan passes a ceiling: max_creates allows 25."
    assert made["totals"]["actions"]["create"] == 1


def test_settings_and_contacts_of_one_client_come_together():
    runs = named(report(small()), "Happy Frog")["runs"]
    assert [each["action"] for each in runs] == [OFFICE365, collecting.SYNC]
    assert runs[0]["settings"] == [
        {"kind": "office365", "option": "phone_type", "before": None, "after": "Mobile"},
        {"kind": "office365", "option": "user_filter.exclude", "before": None, "after": ["svc-*", "room-*"]},
    ]


def test_a_setting_that_is_not_known_is_not_shown():
    """A secret that became a setting one day would not slip into a report."""
    result = {"changed": True, "diff": {"before": {}, "after": {"api_token": "x", "user_filter": {"domains": ["a"]}}}}
    (run,) = report([event("h", "changed", result, action=OFFICE365)])["tenants"][0]["runs"]
    assert [each["option"] for each in run["settings"]] == ["user_filter.domains"]


@pytest.mark.parametrize("requested", ["2", "happy  FROG", None])
def test_a_result_without_an_organization_belongs_to_the_one_that_was_asked_for(requested):
    failed = event("happy_frog", "failed", {"msg": "No."}, requested=requested)
    made = report([failed, event("happy_frog", "ok", synced("Happy Frog", 2, []))])
    assert [each["name"] for each in made["tenants"]] == ["Happy Frog"]


def test_items_of_a_loop_on_one_host_are_clients_of_their_own():
    done = [event("localhost", "ok", synced(name, ident, []), item=name) for ident, name in enumerate("AB")]
    failed = event("localhost", "failed", {"msg": "No."}, item="C", requested="C")
    assert [each["name"] for each in report([*done, failed])["tenants"]] == ["A", "B", "C"]


def test_a_preview_that_the_real_run_followed_is_listed_but_not_counted():
    result = synced("A", 1, [contact("a@a.example", "create")])
    made = report([event("a", "changed", result), event("a", "changed", result, preview=False)])
    assert [run["counted"] for run in made["tenants"][0]["runs"]] == [False, True]
    assert made["totals"]["actions"]["create"] == 1
    assert made["mode"] == "real"


def test_parts_of_a_client_are_counted_together():
    """A run for some users, and one for others."""
    runs = [event("a", "changed", synced("A", 1, [contact(f"{n}@a.example", "create")])) for n in range(2)]
    assert report(runs)["totals"]["actions"]["create"] == 2


def test_an_ignored_failure_is_no_failure():
    made = report([event("a", "failed", {"msg": "No."}, ignored=True)])
    assert made["totals"]["tenants_failed"] == 0


def test_nothing_is_told_of_a_hidden_result_or_of_another_module():
    secret = {"msg": "s3cret", "warnings": ["s3cret"], "organization": {"id": 1, "name": "s3cret"}}
    hidden = event("a", "hidden", {**secret, **happy_frog()} | secret, item=None)
    other = event("b", "failed", secret | {"organization": None}, action="ansible.builtin.uri", task="Fetch")
    made = report([hidden, other])
    runs = [run for tenant in made["tenants"] for run in tenant["runs"]]
    assert "s3cret" not in json.dumps(runs)
    assert "hidden by no_log" in json.dumps(runs)
    assert "Fetch" in runs[1]["message"] + runs[0]["message"]


@pytest.mark.parametrize(
    ("events", "level", "headline"),
    [
        ([event("a", "ok", synced("A", 1, []))], "fine", "Nothing stands in the way"),
        ([event("a", "changed", happy_frog())], "look", "Safe to run, but some people need a decision"),
        (small(), "stop", "Do not go on yet"),
        ([event("a", "ok", synced("A", 1, []), preview=False)], "fine", "All done"),
        ([event("a", "failed", {"msg": "No."}, preview=False)], "stop", "Not everything was done"),
    ],
)
def test_the_story_says_whether_to_go_on(events, level, headline):
    told = story(report(events))
    assert (told.level, told.headline) == (level, headline)


def test_what_is_done_about_leavers_is_counted_and_told():
    made = report(leaving()[:1])
    assert made["totals"]["departures"] == dict.fromkeys(
        ("deactivate", "deactivated", "deferred", "failed", "keep", "report"), 1
    )
    assert made["totals"]["returned"] == 1
    told = story(made)
    assert told.level == "stop"
    assert "made 1 contact of people who left inactive" in told.changes
    assert [(each.level, each.text) for each in told.points] == [
        ("stop", "1 person who left could not be made inactive"),
        ("look", "1 person has left"),
        ("look", "1 person who left waits for the next run"),
        ("fine", "1 person who left is made inactive"),
        ("fine", "1 person is back, and made active again"),
    ]
    assert tenant_status(made["tenants"][0]) == "attention"


def test_leavers_of_a_plan_over_a_ceiling_are_not_counted_as_done():
    over = gone_and_back()
    over["summary"]["limits_exceeded"] = [{"option": "max_deactivations", "count": 1, "limit": 0}]
    totals = report([event("lake", "failed", over | {"msg": "No."})])["totals"]
    assert (totals["departures"], totals["returned"], totals["departed"]) == ({}, 0, 6)


def test_what_is_taken_back_is_counted_and_told():
    made = report(leaving()[1:])
    assert (made["totals"]["reverted"], made["totals"]["not_reverted"]) == (4, 2)
    told = story(made)
    assert told.changes == "What was done to 1 client was looked through. The run took back 4 writes."
    assert [(each.level, each.text) for each in told.points] == [("look", "2 things are not taken back")]
    assert tenant_status(made["tenants"][0]) == "attention"
    nothing = taken_back(changed=False, reverted=[], not_reverted=[])
    assert story(report([event("undone", "ok", nothing, preview=False)])).level == "fine"


def test_a_sync_does_not_stand_for_the_preview_of_taking_back():
    """Nor the other way round: both are counted, and only a preview of the same kind is not."""
    sync = event("a", "changed", synced("Undone Ltd", 7, [contact("a@a.example", "create")]), preview=False)
    undo = [event("a", "changed", taken_back(), preview=preview) for preview in (True, False)]
    assert [run["counted"] for run in report([undo[0], sync])["tenants"][0]["runs"]] == [True, True]
    assert [run["counted"] for run in report([sync, *undo])["tenants"][0]["runs"]] == [True, False, True]


def test_an_interrupted_run_says_so():
    told = story(report([event("a", "ok", synced("A", 1, []))], complete=False))
    assert told.level == "stop"
    assert "interrupted" in told.points[-1].text


def test_the_words_of_a_preview_and_of_a_real_run():
    preview = story(report([event("a", "changed", happy_frog())])).changes
    real = story(report([event("a", "changed", happy_frog(), preview=False)])).changes
    assert preview == (
        "182 users of 1 client were read. The run would create 1 contact in IT Glue, change 2 contacts in IT Glue "
        "and create 1 contact in BMS."
    )
    assert real.endswith(
        "The run created 1 contact in IT Glue, changed 2 contacts in IT Glue and created 1 contact in BMS."
    )


def test_a_large_run_adds_up():
    made = collecting.report(about(), large(50, 1000))
    assert made["totals"]["tenants"] == 50
    assert sum(len(run["contacts"]) for tenant in made["tenants"] for run in tenant["runs"]) == 1000

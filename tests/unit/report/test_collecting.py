# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report gathers of the results of a run."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import notices
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.formats import FORMATS
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.next_steps import next_steps
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.verdict import STARVED, interruption, verdict, why
from tests.tools.report_samples import (
    OFFICE365,
    about,
    contact,
    departed_and_returned,
    event,
    happy_frog,
    large,
    offboarding,
    reverted,
    small,
    synced,
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
        "tenants_over_limit": 1,
        "tenants_starved": 0,
        "verdicts": {"attention": 1, "failed": 2, "hidden": 1, "ok": 1, "over_limit": 1},
        "tasks_hidden": 1,
        "users": 294,
        "selected": 276,
        "actions": {"conflict": 2, "create": 1, "excluded": 12, "linked": 231, "update": 2},
        "push": {"already_in_bms": 1, "not_ready": 1, "pushed": 1},
        "excluded": {"disabled": 12, "guest": 6},
        "matched": {"alias": 231, "name": 2},
        "looks": 1,
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


def test_a_plan_over_a_limit_is_listed_whole_and_counted_apart():
    made = report(small())
    (run,) = named(made, "Over & Co.")["runs"]
    assert (run["status"], len(run["contacts"])) == ("failed", 40)
    assert (
        run["message"]
        == "Limit exceeded, nothing was written for 'Over & Co.': max_creates allows 25, the plan has 40."
    )
    assert made["totals"]["actions"]["create"] == 1


def test_settings_and_contacts_of_one_client_come_together():
    runs = named(report(small()), "Happy Frog")["runs"]
    assert [each["action"] for each in runs] == [OFFICE365, collecting.SYNC]
    assert runs[0]["settings"] == [
        {"kind": "office365", "option": "phone_type", "before": None, "after": "Mobile", "stored": True},
        {
            "kind": "office365",
            "option": "user_filter.exclude",
            "before": None,
            "after": ["svc-*", "room-*"],
            "stored": True,
        },
    ]


@pytest.mark.parametrize(("stored", "counted"), [(True, 1), (False, 0)])
def test_settings_that_a_sync_stores_are_shown_with_its_contacts(stored, counted):
    changes = {"office365": {"stored": stored, "before": {"phone_type": "Office"}, "after": {"phone_type": "Mobile"}}}
    made = report([event("a", "changed", synced("A", 1, [], settings_changes=changes))])
    (run,) = made["tenants"][0]["runs"]
    assert run["settings"] == [
        {"kind": "office365", "option": "phone_type", "before": "Office", "after": "Mobile", "stored": stored}
    ]
    assert made["totals"]["settings"] == counted


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


@pytest.mark.parametrize(
    ("host", "item", "requested", "called"),
    [
        ("happy_frog", None, "2", "happy_frog"),
        ("happy_frog", None, "Happy Frog", "Happy Frog"),
        ("happy_frog", None, None, "happy_frog"),
        ("localhost", None, "2", "2"),
        ("localhost", "frog", "2", "frog"),
        ("localhost", None, None, "localhost"),
    ],
)
def test_a_client_that_failed_early_is_called_by_what_people_know(host, item, requested, called):
    """The playbook onboard declares organizations by their ids."""
    failed = event(host, "failed", {"msg": "No."}, item=item, requested=requested)
    assert [each["name"] for each in report([failed])["tenants"]] == [called]


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


def test_a_warning_about_people_is_not_counted_beside_the_people():
    result = happy_frog()
    result["warnings"] = [*notices(result), "The quota is used up."]
    assert len(result["warnings"]) == 4
    made = report([event("a", "changed", result)])
    assert made["tenants"][0]["runs"][0]["warnings"] == ["The quota is used up."]
    assert made["totals"]["warnings"] == 1


def test_an_ignored_failure_is_no_failure():
    made = report([event("a", "failed", {"msg": "No."}, ignored=True)])
    assert made["totals"]["tenants_failed"] == 0


def test_nothing_is_shown_of_a_hidden_result_or_of_another_module():
    secret = {"msg": "s3cret", "warnings": ["s3cret"], "organization": {"id": 1, "name": "s3cret"}}
    hidden = event("a", "hidden", {**secret, **happy_frog()} | secret, item=None)
    other = event("b", "failed", secret | {"organization": None}, action="ansible.builtin.uri", task="Fetch")
    made = report([hidden, other])
    runs = [run for tenant in made["tenants"] for run in tenant["runs"]]
    assert "s3cret" not in json.dumps(runs)
    assert "hidden by no_log" in json.dumps(runs)
    assert "Fetch" in runs[1]["message"] + runs[0]["message"]


def test_a_failed_result_is_a_failure_though_the_playbook_goes_on():
    failure = {"code": "rejected", "service": "bms", "status": 422, "said": "No."}
    made = report([event("a", "ok", {"failed": False, "msg": "No.", "failure": failure})])
    (run,) = made["tenants"][0]["runs"]
    assert (run["status"], run["message"], run["failure"]) == ("failed", "No.", failure)
    assert made["tenants"][0]["status"] == "failed"


@pytest.mark.parametrize(
    ("events", "level", "headline"),
    [
        ([event("a", "ok", synced("A", 1, []))], "fine", "1 client ready"),
        ([event("a", "changed", happy_frog())], "look", "1 client ready"),
        (small(), "stop", "2 clients ready, 4 blocked"),
        ([event("a", "ok", synced("A", 1, []), preview=False)], "fine", "1 client done"),
        ([event("a", "failed", {"msg": "No."}, preview=False)], "stop", "1 client failed"),
        ([event("a", "failed", {"msg": "No."})], "stop", "1 client blocked"),
    ],
)
def test_the_verdict_counts_the_clients_that_are_ready(events, level, headline):
    reported = verdict(report(events))
    assert (reported.level, reported.headline) == (level, headline)


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_a_starved_client_is_reported_in_every_form(status):
    made = report([event("a", status, {**synced("A", 1, []), "starved": True, "msg": "No."}, preview=False)])
    assert made["tenants"][0]["runs"][0]["starved"] is True
    assert made["totals"]["tenants_starved"] == 1
    assert ("stop", "1 client is starved by a quota") in [(each.level, each.text) for each in verdict(made).points]
    for name in ("html", "markdown", "json"):
        assert "starved" in FORMATS[name].render(made), name
    (sentence,) = [each for each in why(made["tenants"][0]) if each]
    assert sentence == ("No." if status == "failed" else STARVED)


def test_each_client_has_a_verdict_of_its_own():
    made = report(small())
    assert {each["name"]: each["status"] for each in made["tenants"]} == {
        "Calm Waters": "ok",
        "Delta": "failed",
        "Gamma, Inc.": "failed",
        "Happy Frog": "attention",
        "Over & Co.": "over_limit",
        "secretive": "hidden",
    }
    assert why(named(made, "Happy Frog")) == ["2 conflicts and 1 person not ready for BMS."]
    assert "AADSTS65001" in why(named(made, "Gamma, Inc."))[0]
    assert "max_creates allows 25" in why(named(made, "Over & Co."))[0]


def test_a_point_leads_to_what_it_counts():
    points = {point.text: point[2:] for point in verdict(report(small())).points}
    assert points["2 clients failed"] == ("tenants", "status", "failed")
    assert points["2 conflicts need a decision"] == ("conflicts", "", "")
    assert points["1 person is not ready for BMS"] == ("people", "group", "not_ready")
    assert points["1 person to look at"] == ("people", "group", "look")


def test_what_to_do_next_has_its_command():
    steps = next_steps(report(small()))
    assert [step.command for step in steps] == [
        "ansible-playbook -i inventory msp.psa_sync.sync_contacts --limit over -e sync_max_creates=100%",
        "ansible-playbook -i inventory msp.psa_sync.preflight --limit delta,gamma",
        "ansible-playbook -i inventory msp.psa_sync.sync_contacts --limit happy_frog --check",
        "ansible-playbook -i inventory msp.psa_sync.sync_contacts --limit 'all,!delta,!gamma,!over,!secretive'",
    ]
    assert steps[0].text.startswith("Over & Co.:")


@pytest.mark.parametrize(
    ("playbooks", "expected"),
    [(("site.yml",), "site.yml"), (("enforce_settings.yml", "sync_contacts.yml"), "msp.psa_sync.sync_contacts")],
)
def test_the_command_names_the_playbook_that_was_run(playbooks, expected):
    made = report([event("a", "changed", synced("A", 1, [contact("a@a.example", "create")]))], playbooks=playbooks)
    assert [step.command for step in next_steps(made)] == [f"ansible-playbook -i inventory {expected}"]


def test_where_all_is_done_nothing_is_to_be_done():
    assert next_steps(report([event("a", "ok", synced("A", 1, []), preview=False)])) == []


def test_departures_are_counted_by_what_is_done():
    made = report(offboarding()[:1])
    assert made["totals"]["departures"] == dict.fromkeys(
        ("deactivate", "deactivated", "deferred", "failed", "keep", "report"), 1
    )
    assert made["totals"]["returned"] == 1
    reported = verdict(made)
    assert reported.level == "look"
    assert "deactivated 1 contact of departed people" in reported.changes
    assert [(each.level, each.text) for each in reported.points] == [
        ("fine", "1 person has returned"),
        ("stop", "1 departed person could not be deactivated"),
        ("look", "1 person has departed"),
        ("look", "1 departed person waits for the next run"),
        ("fine", "1 departed person is deactivated"),
    ]
    assert made["tenants"][0]["status"] == "attention"


@pytest.mark.parametrize(("codes", "expected"), [(["extensions_dropped", "returned"], 1), (["in_bms_by_name"], 0)])
def test_a_returned_person_is_known_by_the_reason_code(codes, expected):
    entry = contact(
        "a@a.example", "update", reason_code=codes[0], reason_codes=codes, reason="The person has returned."
    )
    assert report([event("a", "changed", synced("A", 1, [entry]))])["totals"]["returned"] == expected


def test_departures_of_a_plan_over_a_limit_are_not_counted_as_done():
    over = departed_and_returned()
    over["summary"]["limits_exceeded"] = [{"option": "max_deactivations", "count": 1, "limit": 0}]
    totals = report([event("lake", "failed", over | {"msg": "No."})])["totals"]
    assert (totals["departures"], totals["returned"], totals["departed"]) == ({}, 0, 6)


def test_what_is_reverted_is_counted():
    made = report(offboarding()[1:])
    assert (made["totals"]["reverted"], made["totals"]["not_reverted"]) == (4, 2)
    reported = verdict(made)
    assert reported.changes == "The journal of 1 client was read. The run reverted 4 writes."
    assert [(each.level, each.text) for each in reported.points] == [("look", "2 writes are not reverted")]
    assert made["tenants"][0]["status"] == "attention"
    nothing = reverted(changed=False, reverted=[], not_reverted=[])
    assert verdict(report([event("undone", "ok", nothing, preview=False)])).level == "fine"


def test_a_sync_does_not_stand_for_the_preview_of_a_revert():
    """Nor the other way round: both are counted, and only a preview of the same kind is not."""
    sync = event("a", "changed", synced("Undone Ltd", 7, [contact("a@a.example", "create")]), preview=False)
    undo = [event("a", "changed", reverted(), preview=preview) for preview in (True, False)]
    assert [run["counted"] for run in report([undo[0], sync])["tenants"][0]["runs"]] == [True, True]
    assert [run["counted"] for run in report([sync, *undo])["tenants"][0]["runs"]] == [True, False, True]


def test_an_interrupted_run_says_so():
    reported = verdict(report([event("a", "ok", synced("A", 1, []))], complete=False))
    assert reported.level == "stop"
    assert "interrupted" in reported.points[0].text


@pytest.mark.parametrize(("preview", "mode"), [(True, "preview"), (False, "real")])
def test_a_run_that_reached_no_client_says_so(preview, mode):
    made = report([], complete=False, preview=preview)
    reported = verdict(made)
    assert made["mode"] == mode
    assert (reported.level, reported.headline) == ("stop", "No client was part of this run")
    assert [each.text for each in reported.points] == [interruption(made)]
    assert "changed" not in reported.changes


def test_the_words_of_a_preview_and_of_a_real_run():
    preview = verdict(report([event("a", "changed", happy_frog())])).changes
    real = verdict(report([event("a", "changed", happy_frog(), preview=False)])).changes
    assert preview == (
        "176 of 182 users selected in 1 client. The run would create 1 contact in IT Glue, update 2 contacts in "
        "IT Glue and create 1 contact in BMS."
    )
    assert real.endswith(
        "The run created 1 contact in IT Glue, updated 2 contacts in IT Glue and created 1 contact in BMS."
    )


def test_a_large_run_adds_up():
    made = collecting.report(about(), large(50, 1000))
    assert made["totals"]["tenants"] == 50
    assert sum(len(run["contacts"]) for tenant in made["tenants"] for run in tenant["runs"]) == 1000

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The closing summary: failed clients first, a few lines for each."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.lookup.summary import LookupModule
from ansible_collections.msp.psa_sync.plugins.plugin_utils.summary import (
    MOST_LINES,
    chosen,
    drift,
    failure_of,
    summary,
    totals,
)

COUNTS = {"users": 3, "selected": 2, "actions": {"create": 1, "linked": 1}, "push": {"pushed": 1}}
FINE = {"changed": True, "summary": COUNTS}


def test_failed_clients_come_first_and_the_last_line_counts():
    lines = summary({"acme": FINE, "frog": {"failed": True, "msg": "No such\n\x1b[31mtenant."}, "toad": None})
    assert lines[0] == "frog: FAILED. No such [31mtenant."
    assert lines[1].startswith("toad: FAILED. not reached")
    assert lines[2:5] == [
        "acme: 2 of 3 users selected",
        "  IT Glue: 1 new, 1 linked and left alone",
        "  BMS: 1 new",
    ]
    assert lines[-1] == "1 of 3 clients succeeded, 2 failed"


def test_a_failed_client_takes_one_line_whatever_its_result_holds():
    entry = {"user": "a@x", "action": "create", "push": None, "missing": [], "reason": None}
    failed = {"failed": True, "msg": "Limit exceeded. " * 100, "contacts": [entry] * 500, "summary": COUNTS}
    first, last = summary({"frog": failed})
    assert len(first) < 500
    assert last == "0 of 1 clients succeeded, 1 failed"


def test_a_client_has_a_few_lines_of_each_kind():
    contacts = [
        {"user": f"u{number}@x", "action": "failed", "push": None, "missing": ["location"], "reason": "no"}
        for number in range(20)
    ]
    conflict = {"rule": "alias", "reason_code": "several", "users": ["a@x", "b@x"], "answers": {"a@x": [7, "new"]}}
    in_bms = {"rule": "bms_address", "reason_code": "names_differ", "users": ["c@x"], "answers": {"c@x": [9]}}
    lines = summary({"frog": {**FINE, "contacts": contacts, "conflicts": [conflict, in_bms]}})
    assert lines.count("  failed: u0@x: no") == 1
    assert sum(line.startswith("  failed: ") for line in lines) == MOST_LINES
    assert sum(line.startswith("  not ready for BMS: ") for line in lines) == MOST_LINES
    assert (
        sum(line == f"  and {20 - MOST_LINES} more like this; the result and the report have all" for line in lines)
        == 2
    )
    assert '  conflict (several): a@x, b@x; answers for sync_match_overrides: {"a@x": [7, "new"]}' in lines
    assert '  conflict (names_differ): c@x; answers for sync_bms_match_overrides: {"c@x": [9]}' in lines


@pytest.mark.parametrize(("stored", "ending"), [(True, ""), (False, " (not stored by this run)")])
def test_settings_that_differ_are_shown(stored, ending):
    after = {"phone_type": "Office"}
    changes = {
        "office365": {"stored": stored, "before": {"phone_type": "Mobile"}, "after": after},
        "bms": {"stored": stored, "before": {}, "after": {"contact_sync": True}},
    }
    lines = summary({"frog": {**FINE, "settings_changes": changes}})
    assert f"  Office 365 Sync Settings as declared: phone_type{ending}" in lines
    assert f"  BMS Sync Settings as declared: for the first time{ending}" in lines


def test_reverts():
    done = {"reverted": [], "not_reverted": [], "summary": {"reverted": {"remove": 2}}}
    left = {"service": "bms", "id": 9, "name": "Max Muster", "reason": "changed since"}
    changes = {"bms": {"stored": False, "before": {}, "after": {"contact_sync": True}}}
    nothing = {**done, "summary": {"reverted": {}}, "not_reverted": [left], "settings_changes": changes}
    lines = summary({"a": done, "b": nothing})
    assert lines[:4] == [
        "a: reverted: Removed from IT Glue (2)",
        "b: reverted: nothing",
        "  not reverted: Max Muster (bms 9): changed since",
        "  BMS Sync Settings as declared: for the first time (not stored by this run)",
    ]


def test_the_first_task_that_failed_speaks_for_a_client():
    fine, changed, failed = {"changed": False}, {"changed": True}, {"failed": True, "msg": "no"}
    assert chosen([fine, failed]) is failed
    assert chosen([changed, fine]) is changed
    assert chosen([]) is None
    assert summary({"a": chosen([changed, fine]), "b": chosen([fine])})[:2] == ["a: changed", "b: OK"]


def test_a_client_that_is_not_ready_failed():
    assert failure_of({"ready": False, "to_do": ["bms: no account", "tenant: none"]}) == "bms: no account; tenant: none"
    assert failure_of({"ready": True}) is None


def test_what_ansible_puts_in_front_of_a_message_is_omitted():
    msg = "Task failed: The lookup plugin 'msp.psa_sync.options' failed: sync_plan_directory is given."
    assert failure_of({"failed": True, "msg": msg}) == "sync_plan_directory is given."


def test_a_first_run_says_where_its_journal_is_and_what_to_do_next():
    journal = "/srv/my journals/frog.journal"
    done = {**FINE, "contacts": []}
    deferred = {"user": "a@x", "action": "create", "push": "deferred", "reason": "quota"}
    lines = summary({"frog": done, "toad": done}, {"frog": journal})
    assert [each for each in lines if "first run" in each] == [
        f"  first run: each write is recorded in {journal}",
        '  first run: to revert it, -e sync_state=reverted -e \'{"sync_journal_directory": "/srv/my journals"}\'',
        "  first run: leave sync_first_run out from now on, so that the limits protect this client",
    ]
    assert "-e sync_journal_directory=/srv/j" in summary({"frog": done}, {"frog": "/srv/j/frog.journal"})[-3]
    assert "Run the same command again" in summary({"frog": {**done, "contacts": [deferred]}}, {"frog": journal})[-2]
    assert "This was a preview".casefold() in summary({"frog": done}, {"frog": None})[-2].casefold()
    assert not any("first run" in each for each in summary({"frog": {"failed": True, "msg": "no"}}, {"frog": journal}))


@pytest.mark.parametrize(
    ("creates", "lasting"),
    [(100, "less than an hour"), (15_000, "about 21 hours"), (60_000, "about 4 days")],
)
def test_how_long_the_first_run_of_all_clients_lasts_is_reported(creates, lasting):
    estimate = {"creates_in_bms": creates, "creates_per_hour": 1425, "hours": round(creates / 1425, 2)}
    lines = summary({host: {"ready": True, "first_run": estimate} for host in "ab"} | {"c": {"first_run": None}})
    assert (
        f"first run: at most {2 * creates:,} contacts to create in BMS, which take {lasting} at 1,425 an hour" in lines
    )


@pytest.mark.parametrize(
    ("runs", "starved", "line"),
    [
        (1, False, "  a quota has deferred contacts in 1 run"),
        (4, True, "  STARVED: a quota has deferred contacts in 4 runs in a row"),
    ],
)
def test_a_client_that_a_quota_has_deferred_says_in_how_many_runs(runs, starved, line):
    assert line in summary({"frog": {**FINE, "summary": {**COUNTS, "deferred_runs": runs}, "starved": starved}})


def test_the_totals_are_numbers_of_what_was_done_and_of_nobody():
    clients = {
        "a": {**FINE, "conflicts": [{"users": ["a@x"]}]},
        "b": {**FINE, "summary": {"actions": {"update": 2, "deferred": 1}, "push": {"not_ready": 3, "pending": 1}}},
        "c": {"failed": True, "msg": "Limit exceeded.", "starved": True, "summary": {"actions": {"create": 500}}},
        "d": None,
    }
    assert totals(clients) == {
        "psa_sync_clients": 4,
        "psa_sync_clients_failed": 2,
        "psa_sync_clients_starved": 1,
        "psa_sync_contacts_created": 1,
        "psa_sync_contacts_updated": 2,
        "psa_sync_contacts_pushed": 2,
        "psa_sync_conflicts": 1,
        "psa_sync_not_ready": 3,
        "psa_sync_deferred": 1,
    }


def test_states_are_words():
    counts = {**COUNTS, "excluded": {"unlicensed": 4, "no_name": 1}}
    entry = {"user": "a@x", "action": "create", "push": "not_ready", "missing": ["first_name", "primary_email"]}
    departed = {"user": "b@x", "evidence": "deleted", "contact_id": 7}
    lines = summary({"frog": {**FINE, "summary": counts, "contacts": [entry], "departed": [departed]}})
    assert "  excluded: has no licence (4), has no name (1)" in lines
    assert "  not ready for BMS: a@x lacks first name, primary e-mail" in lines
    assert "  departed (account is deleted): b@x, contact 7" in lines


def test_a_ready_client_says_so_and_what_is_limited():
    checks = [
        {"name": "itglue", "state": "ready", "message": "OK."},
        {"name": "verified_domains", "state": "limited", "message": "Cannot be read."},
    ]
    assert summary({"frog": {"ready": True, "checks": checks, "changed": False}})[:2] == [
        "frog: ready to be synced",
        "  limited: verified_domains: Cannot be read.",
    ]


FROG = {"organization": {"id": 2, "name": "Happy\nFrog"}, "summary": COUNTS}


def test_drift_names_the_client_the_settings_and_what_differs():
    changes = {
        "bms": {"before": {"email_type": "Home", "account": None}, "after": {"email_type": "Work", "account": "7"}},
        "office365": {"before": {}, "after": {"phone_type": "Office"}},
    }
    assert drift({**FROG, "settings_changes": changes, "diff": [{}, {}]}) == [
        'BMS Sync Settings of Happy Frog: email_type is "Home", declared "Work"; account is not set, declared "7"',
        "Office 365 Sync Settings of Happy Frog: not stored yet",
    ]


def test_drift_counts_the_contacts_in_words_and_says_what_was_not_compared():
    assert drift({**FROG, "diff": []}) == []
    deferred = {**COUNTS, "push": {"deferred": 1}}
    assert drift({**FROG, "summary": deferred, "diff": [{}]}) == [
        "contacts of Happy Frog are not up to date. IT Glue: 1 new, 1 linked and left alone. BMS: 1 deferred",
        "not all contacts of Happy Frog could be compared",
    ]


def test_hosts_that_are_one_client_are_reported():
    """As where the inventory plugin and a file call it differently. Two IT Glue accounts may use the same id."""
    frog, other = {"id": 2, "name": "Happy Frog"}, {"id": 2, "name": "Sad Toad"}
    ready = {"organization": frog, "ready": True}
    outcomes = {"frog": ready, "toad": {**ready, "organization": other}, "none": {**ready, "organization": None}}
    assert not any(line.startswith("warning") for line in summary({**outcomes, "late": None, "early": {}}))
    *dummy, warning, last = summary({**outcomes, "happy_frog": {**ready, "ready": False, "to_do": ["x"]}})
    assert warning == (
        "warning: the hosts frog, happy_frog are one client, the organization Happy Frog (2), so each task ran 2 "
        "times for it. Keep one of these hosts, or give them one name"
    )
    assert last == "3 of 4 clients succeeded, 1 failed"


def test_the_summary_names_misspelled_variables_and_who_has_them():
    hostvars = {host: {"sync_max_create": 1} for host in ("frog", "toad")}
    hostvars["toad"]["match_overrides"] = {}
    (lines,) = LookupModule().run(["frog", "toad"], variables={"hostvars": hostvars})
    assert lines[-3].startswith("warning: The variable sync_max_create is none")
    assert lines[-2].startswith("warning: toad: The variable match_overrides has no effect")
    assert lines[-1] == "0 of 2 clients succeeded, 2 failed"


class Unreadable(dict):
    """The variables of a client of which one cannot be read."""

    def get(self, name, default=None):
        if name == "sync_first_run":
            raise RuntimeError("'nowhere' is undefined")
        return super().get(name, default)


def test_a_variable_that_cannot_be_read_takes_the_summary_from_no_other_client():
    failed = {"failed": True, "msg": "The variable sync_first_run cannot be read."}
    hostvars = {"frog": Unreadable(synced=failed), "toad": {"synced": FINE}}
    (lines,) = LookupModule().run(["frog", "toad"], variables={"hostvars": hostvars})
    assert lines[:2] == ["frog: FAILED. The variable sync_first_run cannot be read.", "toad: 2 of 3 users selected"]

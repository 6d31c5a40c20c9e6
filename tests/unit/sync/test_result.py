# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `contact_sync` returns, but for its diff."""

from __future__ import annotations

import json

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain_dict
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.result import result
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Email
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run import run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.snapshot import Request
from ansible_collections.msp.psa_sync.plugins.modules import contact_sync
from tests.unit.engine.builders import contact, in_bms, linked, person, ready, user
from tests.unit.sync.fakes import FakeBms, FakeClients, FakeGraph, FakeItGlue, FakeStore

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
PUSH = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Desk",
}
CALLS = {"graph": 3, "itglue": 4, "bms": 0}

USERS = [
    person("ann.lee", job_title="Clerk"),
    person("bob.lee"),
    person("cid.lee"),
    person("dan.lee"),
    person("eve.lee", account_enabled=False),
    person("fay.lee", user_type="Guest"),
    person("gus.lee", mail="shared@x.io", proxy_addresses=()),
    person("joe.lee"),
    user("nul", username="nul", mail=None, proxy_addresses=(), given_name="Nul"),
]
CONTACTS = [
    ready(1, "ann.lee"),
    linked(2, "bob.lee", 90212),
    ready(3, "cid.lee"),
    contact(4, "shared@x.io"),
    contact(5, "shared@x.io"),
    ready(6, "joe.lee", phones=(), location_id=None),
]


def reported(everything=False, options=None, users=None, contacts=None, preview=True):
    store = FakeStore({"tenant_id": TENANT}, PUSH)
    clients = FakeClients(
        FakeItGlue(CONTACTS if contacts is None else contacts),
        FakeBms([in_bms(90213, "cid.lee@client.example")]),
        FakeGraph(USERS if users is None else users, domains=("client.example",)),
    )
    request = Request("Client Ltd", options=options or Options())
    outcome = run(clients, store, request, preview=preview)
    return result(outcome, api_calls=CALLS, everything=everything)


KEYS = {
    "changed",
    "organization",
    "tenant_id",
    "settings",
    "summary",
    "contacts",
    "conflicts",
    "departed",
    "unclaimed",
    "diff",
}
ENTRY = [
    "user",
    "user_id",
    "contact_id",
    "bms_contact_id",
    "action",
    "matched_by",
    "push",
    "missing",
    "locked",
    "unapplied",
    "before",
    "after",
    "name",
    "names",
    "contact_url",
    "reason_code",
    "reason_codes",
    "reason",
    "hint",
    "attention",
    "failure",
]


def test_the_keys_of_the_result():
    found = reported()
    assert KEYS - found.keys() == set()
    assert "warnings" not in found, "the entry points put them there"
    assert (found["changed"], found["tenant_id"]) == (True, TENANT)
    assert found["organization"] == {"id": 1, "name": "Client Ltd"}
    assert found["settings"]["office365"]["tenant_id"] == TENANT
    assert found["settings"]["bms"]["email_type"] == "Work"


@pytest.mark.parametrize("preview", [True, False], ids=["check", "real"])
@pytest.mark.parametrize("everything", [False, True], ids=["changes", "all"])
def test_the_result_is_json_native(preview, everything):
    found = reported(everything, preview=preview)
    assert json.loads(json.dumps(found)) == found
    assert plain_dict(found) == found


def test_the_keys_of_an_entry():
    for entry in reported(everything=True)["contacts"]:
        assert sorted(entry) == sorted(ENTRY)


DOCUMENTED = yaml.safe_load(contact_sync.RETURN)


@pytest.mark.parametrize("preview", [True, False], ids=["check", "real"])
def test_each_key_is_documented_and_null_where_the_documentation_says_so(preview):
    found = reported(everything=True, preview=preview)
    assert not list(undocumented(found, {"changed": {"type": "bool"}, **DOCUMENTED}))
    of_others = {"starved", "failure", "reverted", "not_reverted"}
    assert DOCUMENTED.keys() - found.keys() == of_others


def undocumented(found, documented, place=""):
    """The keys that the documentation does not have, and the nulls that it does not mention."""
    for key, value in found.items():
        where, entry = f"{place}.{key}", documented.get(key)
        if entry is None:
            yield where
        elif value is None and "null" not in str(entry["description"]).lower():
            yield f"{where} is null"
        else:
            below = value if isinstance(value, list) else [value]
            for each in below if "contains" in entry else ():
                yield from undocumented(each, entry["contains"], where)


def test_the_addresses_of_a_person_in_a_conflict_are_addresses():
    proxies = (
        "smtp:shared@x.io",
        "SMTP: Gus.Lee@client.example",
        "SIP:gus.old@client.example",
        "SPO:SPO_3b47@SPO_b5bd",
        "x500:/o=client/cn=gus@x",
    )
    users = [person("gus.lee", mail="gus.lee@client.example", proxy_addresses=proxies)]
    (conflict,) = reported(users=users, contacts=[contact(4, "shared@x.io"), contact(5, "shared@x.io")])["conflicts"]
    assert conflict["people"][0]["emails"] == ["Gus.Lee@client.example", "shared@x.io"]


def test_an_entry():
    (found,) = [each for each in reported()["contacts"] if each["user"] == "ann.lee@client.example"]
    assert found == {
        "user": "ann.lee@client.example",
        "user_id": "id-ann.lee",
        "contact_id": 1,
        "bms_contact_id": None,
        "action": "update",
        "matched_by": "alias",
        "push": "pushed",
        "missing": [],
        "locked": [],
        "unapplied": [],
        "before": {"title": None},
        "after": {"title": "Clerk"},
        "name": "Ann Lee",
        "names": {},
        "contact_url": None,
        "reason_code": None,
        "reason_codes": [],
        "reason": None,
        "hint": None,
        "attention": False,
        "failure": None,
    }


ACTIONS = {
    "ann": ("update", "pushed"),
    "bob": ("linked", None),
    "cid": ("unchanged", "already_in_bms"),
    "dan": ("create", "not_ready"),
    "eve": ("excluded", None),
    "fay": ("excluded", None),
    "gus": ("conflict", None),
    "joe": ("update", "not_ready"),
    "nul": ("failed", None),
}


def actions(found):
    return {each["user"].partition(".")[0]: (each["action"], each["push"]) for each in found["contacts"]}


def test_report_all_lists_every_user():
    assert actions(reported(everything=True)) == ACTIONS


def test_report_changes_lists_what_changes_is_blocked_or_needs_a_decision():
    steady = ("bob", "cid", "eve", "fay")
    assert actions(reported()) == {name: row for name, row in ACTIONS.items() if name not in steady}


def test_what_is_missing_is_reported():
    missing = {each["user"].partition(".")[0]: each["missing"] for each in reported()["contacts"]}
    assert missing["dan"] == missing["joe"] == ["primary_phone"]


def test_the_summary_counts_everybody():
    summary = reported()["summary"]
    assert (summary["users"], summary["selected"]) == (9, 7)
    assert summary["actions"] == {
        "conflict": 1,
        "create": 1,
        "excluded": 2,
        "failed": 1,
        "linked": 1,
        "unchanged": 1,
        "update": 2,
    }
    assert summary["push"] == {"already_in_bms": 1, "not_ready": 2, "pushed": 1}
    assert summary["excluded"] == {"disabled": 1, "guest": 1}
    assert summary["matched"] == {"alias": 4}
    assert summary["api_calls"] == CALLS
    assert summary["limits_exceeded"] == []


def test_a_conflict_lists_each_candidate_and_each_answer():
    (found,) = reported()["conflicts"]
    assert found == {
        "rule": "alias",
        "reason_code": "several_hits",
        "users": ["gus.lee@client.example"],
        "people": [
            {
                "user": "gus.lee@client.example",
                "user_id": "id-gus.lee",
                "first_name": "Gus",
                "last_name": "Lee",
                "emails": ["shared@x.io", "gus.lee@client.example"],
            }
        ],
        "contact_ids": [4, 5],
        "bms_contact_ids": [],
        "contacts": [
            {
                "id": ident,
                "first_name": None,
                "last_name": None,
                "emails": ["shared@x.io"],
                "linked": False,
                "url": None,
            }
            for ident in (4, 5)
        ],
        "bms_contacts": [],
        "match_overrides": found["match_overrides"],
        "bms_match_overrides": {},
        "answers": {"gus.lee@client.example": [4, 5, "new", "ignore"]},
    }


def test_a_conflict_in_bms_lists_the_bms_contacts():
    emails = (Email("bob.lee@client.example", "Work", True), Email("cid.lee@client.example"))
    contacts = [ready(2, "bob.lee", emails=emails), linked(9, "cid.lee", 90213)]
    (found,) = reported(users=[person("bob.lee")], contacts=contacts)["conflicts"]
    assert (found["rule"], found["contact_ids"], found["bms_contact_ids"]) == ("bms_email", [9], [90213])
    assert found["match_overrides"] == {}
    (candidate,) = found["bms_contacts"]
    assert (candidate["id"], candidate["active"]) == (90213, True)
    assert candidate["emails"] == ["cid.lee@client.example"]
    assert found["contacts"][0]["linked"] is True
    assert 90213 in found["answers"]["bob.lee@client.example"]


def test_an_entry_says_why_by_its_code():
    entries = {each["user"].partition(".")[0]: each for each in reported(everything=True)["contacts"]}
    assert entries["eve"]["reason_code"] == "disabled"
    assert entries["gus"]["reason_code"] == "several_hits"
    assert entries["nul"]["reason_codes"] == ["no_address"]
    assert entries["cid"]["reason_code"] == "in_bms_by_address"
    assert [name for name, each in entries.items() if each["attention"]] == ["dan", "gus", "joe", "nul"]


def test_an_exceeded_limit_returns_the_whole_plan_and_no_change():
    found = reported(options=Options(max_creates="0", max_updates="1"))
    assert found["changed"] is False
    assert found["summary"]["limits_exceeded"] == [
        {"option": "max_creates", "count": 1, "limit": 0},
        {"option": "max_updates", "count": 2, "limit": 1},
    ]
    assert actions(found)["dan"] == ("create", "not_ready")
    assert len(found["diff"]) == 3


def test_a_steady_tenant_of_ten_thousand_users_returns_kilobytes():
    names = [f"user{number}.lee" for number in range(10_000)]
    users = [person(name) for name in names]
    contacts = [linked(number, name, 100_000 + number) for number, name in enumerate(names, 1)]
    found = reported(users=users, contacts=contacts)
    assert (found["changed"], found["contacts"]) == (False, [])
    assert len(json.dumps(found)) < 4096


def test_the_real_run_returns_the_ids():
    found = reported(preview=False)
    entries = {each["user"].partition(".")[0]: each for each in found["contacts"]}
    assert (entries["dan"]["action"], entries["dan"]["contact_id"]) == ("create", 7)
    assert (entries["ann"]["push"], entries["ann"]["bms_contact_id"]) == ("pushed", 90214)


def test_check_mode_knows_no_id_of_what_is_to_be_created():
    entries = {each["user"].partition(".")[0]: each for each in reported()["contacts"]}
    assert entries["dan"]["contact_id"] is None
    assert entries["ann"]["bms_contact_id"] is None


def test_an_entry_of_a_plan_that_nothing_is_to_be_done_for_any_more_is_listed(tmp_path):
    graph = FakeGraph([person("ann.lee"), person("max.gone", account_enabled=False)], domains=("client.example",))
    clients = FakeClients(FakeItGlue([ready(74, "max.gone")]), FakeBms([]), graph)
    store = FakeStore({"tenant_id": TENANT}, PUSH)
    path = str(tmp_path / "plan.json")
    options = Options(deactivate=True, departed_contact_type="End User")
    run(clients, store, Request("Client Ltd", options=options, plan_file=path), preview=True)
    graph.there[-1] = person("max.gone")
    applied = run(clients, store, Request("Client Ltd", apply_plan=path), preview=False)
    (refused,) = result(applied, api_calls=CALLS)["refused"]
    assert (refused["contact_id"], refused["reason_code"]) == (74, "plan_superseded")
    assert json.loads(json.dumps(refused)) == refused

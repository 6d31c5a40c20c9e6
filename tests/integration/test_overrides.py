# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settling a conflict with ansible-playbook: `match_overrides`, and `users`, `report`, `allow_shrunken_source`."""

from __future__ import annotations

import json

import pytest

from tests.integration.fleet import run, with_settings
from tests.sandbox.launch import running
from tests.trust.test_fault_matrix import OPTIONS, _contact, _user
from tests.trust.worlds import ACCOUNT, CLIENT, NAME, _link, world

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = pytest.mark.xdist_group("overrides")

ANN, BOB, CAT, DAN = (f"u{number}@x.example" for number in (1, 2, 3, 4))
NAMESAKE = {"contact-emails": [{"value": "ann@elsewhere.example", "label-name": "Home", "primary": True}]}
ALIAS_OF_DAN = {"contact-emails": [{"value": "alias4@x.example", "label-name": "Home", "primary": True}]}
SETTINGS = {"office365": OPTIONS["office365_settings"], "bms": OPTIONS["bms_settings"]}
# What is suggested, and what only somebody who knows the namesakes can say.
NAMESAKES = json.dumps({ANN: 101, BOB: "new"})
DECIDED = "{{ found.conflicts | map(attribute='match_overrides') | combine | combine(" + NAMESAKES + ") }}"

# By name, with the options of each task; all are run one after the other, on what the ones before have left.
TASKS = {
    "found": {},
    "resolved": {"match_overrides": DECIDED},
    "again": {"match_overrides": DECIDED, "report": "all"},
    "ignored": {"match_overrides": {ANN: 101, BOB: "ignore", DAN: 104}, "report": "all"},
    "by_id": {"match_overrides": {_user(1)["id"]: "101", _user(2)["id"]: "new", _user(4)["id"]: 104}},
    "one_user": {"users": [CAT], "match_overrides": DECIDED, "report": "all"},
    "changes_alone": {"users": [CAT], "match_overrides": DECIDED},
    "two_for_one": {"match_overrides": {ANN: 101, CAT: 101}},
    "of_another": {"match_overrides": {ANN: 501}},
    "nobody_kept": {"office365_settings": {"user_filter": {"domains": ["elsewhere.example"]}}},
    "nobody_kept_lifted": {
        "office365_settings": {"user_filter": {"domains": ["elsewhere.example"]}},
        "allow_shrunken_source": True,
    },
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each of the tasks has returned, and the world after all of them."""
    folder = tmp_path_factory.mktemp("overrides")
    users = [_user(1), _user(2, surname="Lee-1"), _user(3), _user(4)]
    contacts = [_contact(1, **NAMESAKE), _contact(3), _contact(4), _contact(4, id=105, **ALIAS_OF_DAN)]
    made = with_settings(world(users, contacts, [], {}, adapters=[_link(ACCOUNT)]), {CLIENT: SETTINGS})
    tasks = []
    for name, options in TASKS.items():
        task = {"msp.psa_sync.contact_sync": {"organization": NAME, **options}, "register": name, "ignore_errors": True}
        copied = {"dest": str(folder / name), "content": f"{{{{ {name} | to_json }}}}"}
        tasks += [task, {"keep": copied}]
    local = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    playbook = folder / "playbook.json"
    playbook.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": local, "tasks": tasks}]), encoding="utf-8"
    )
    with running(made) as sandbox:
        done = run(sandbox, "ansible-playbook", playbook)
        assert done.returncode == 0, done.stdout + done.stderr
        state = sandbox.state()
    results = {name: json.loads((folder / name).read_text(encoding="utf-8")) for name in TASKS}
    return results | {"state": state}


def entry(result: dict, user: str) -> dict:
    return next(each for each in result["contacts"] if each["user"] == user)


def test_the_conflict_lists_what_would_resolve_it(results):
    """A suggestion is made only where one contact is best: of two namesakes, none is."""
    of_dan, of_namesakes = sorted(results["found"]["conflicts"], key=lambda each: len(each["users"]))
    assert (of_namesakes["rule"], of_namesakes["users"], of_namesakes["contact_ids"]) == ("name", [ANN, BOB], [101])
    assert of_namesakes["answers"] == {ANN: [101, "new", "ignore"], BOB: [101, "new", "ignore"]}
    assert of_namesakes["match_overrides"] == {}
    assert (of_dan["users"], of_dan["contact_ids"]) == ([DAN], [104, 105])
    assert of_dan["answers"] == {DAN: [104, 105, "new", "ignore"]}
    assert of_dan["match_overrides"] == {DAN: 104}
    assert results["found"]["summary"]["actions"] == {"conflict": 3, "update": 1}


def test_put_in_it_is_resolved(results):
    resolved = results["resolved"]
    assert (resolved["failed"], resolved["changed"], resolved["conflicts"]) == (False, True, [])
    assert (entry(resolved, ANN)["contact_id"], entry(resolved, ANN)["matched_by"]) == (101, "override")
    assert (entry(resolved, DAN)["contact_id"], entry(resolved, DAN)["matched_by"]) == (104, "override")
    assert entry(resolved, BOB)["action"] == "create"


def test_the_next_run_changes_nothing_and_names_the_id_for_new(results):
    again = results["again"]
    made = entry(results["resolved"], BOB)["contact_id"]
    assert (again["changed"], again["conflicts"]) == (False, [])
    assert (entry(again, BOB)["contact_id"], entry(again, BOB)["matched_by"]) == (made, "override")
    assert entry(again, BOB)["reason_code"] == "override_found_contact"
    assert entry(again, BOB)["hint"] == f"Put {made} in the place of new."
    assert entry(again, BOB)["attention"] is True


def test_ignore_excludes_the_user(results):
    assert results["ignored"]["changed"] is False
    assert (entry(results["ignored"], BOB)["action"], entry(results["ignored"], BOB)["reason_code"]) == (
        "excluded",
        "override",
    )
    assert results["ignored"]["summary"]["excluded"] == {"override": 1}


def test_users_may_be_named_by_their_ids(results):
    assert (results["by_id"]["failed"], results["by_id"]["changed"], results["by_id"]["conflicts"]) == (
        False,
        False,
        [],
    )


def test_users_limits_the_run_and_report_lists_all(results):
    one = results["one_user"]
    assert one["summary"]["excluded"] == {"users": 3}
    assert {each["user"]: each["action"] for each in one["contacts"]} == {
        ANN: "excluded",
        BOB: "excluded",
        CAT: "unchanged",
        DAN: "excluded",
    }
    assert results["changes_alone"]["contacts"] == []
    assert results["changes_alone"]["summary"]["actions"] == one["summary"]["actions"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two_for_one", "pairs contact 101 with two users"),
        ("of_another", "contact 501, which is not a contact of this organization"),
        ("nobody_kept", "The user filter excludes all 4 users"),
    ],
)
def test_what_cannot_be_right_is_refused_before_any_write(results, name, words):
    assert results[name]["failed"] and words in results[name]["msg"]
    assert not results[name]["changed"]


def test_allow_shrunken_source_goes_on(results):
    lifted = results["nobody_kept_lifted"]
    assert (lifted["failed"], lifted["changed"]) == (False, False)
    assert lifted["summary"]["excluded"] == {"domain": 4}


def test_at_the_end_one_contact_was_created_and_none_is_twice_in_bms(results):
    state = results["state"]
    made = entry(results["resolved"], BOB)["contact_id"]
    in_itglue = {row["id"] for row in state["itglue"]["contacts"] if row["organization-id"] == CLIENT}
    assert in_itglue == {101, 103, 104, 105, made}
    in_bms = [row["emails"][0]["emailAddress"] for row in state["bms"]["contacts"] if row["accountId"] == ACCOUNT]
    assert len(in_bms) == len(set(in_bms)) == 4

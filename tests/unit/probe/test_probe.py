# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe against both answers of each switch of the sandbox, and what it leaves behind: nothing that it need not."""

from __future__ import annotations

import copy
import os
import re
from functools import cache
from typing import Any

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.probing import (
    NOT_PROBED,
    QUESTIONS,
    UNKNOWN,
    mark,
)
from tests.trust.inprocess import Outcome, Stand

TENANT = "3f1c9d52-7a64-4a0e-9b1d-5c2f8e7a6b01"
TOKEN = "0123456789abcdef" * 2
BMS = {"adapter-type-name": "Kaseya BMS", "remote-id": "2528", "sync": True, "orphaned": False}
SMALL = {"bulk_size": 4, "push_wait": 1}
#: By day, faults and kills at one in so many places; each fault and each kill begins at another.
EVERY = 1 if os.environ.get("TRUST") == "nightly" else 3


def world(**behaviour: Any) -> dict[str, Any]:
    """An organization for tests among others, with people whom nobody may touch."""
    people = [
        {
            "id": 70 + n,
            "organization-id": 1 + n % 2,
            "first-name": "Ann" if n else None,
            # One whose name alone is like a probe's.
            "last-name": f"Real {n}" if n else mark(TOKEN, 0),
            "contact-emails": [{"value": f"p{n}@client.example", "primary": True, "label-name": "Work"}],
        }
        for n in range(6)
    ]
    return {
        "entra": {
            "client_id": "00000000-0000-0000-0000-00000000c11e",
            "client_secret": "a secret of the tests",
            "tenants": [
                {
                    "tenant_id": TENANT,
                    "verified_domains": ["client.example"],
                    "users": [
                        {"id": f"00000000-0000-4000-8000-00000000000{n}", "userPrincipalName": f"u{n}@client.example"}
                        for n in range(5)
                    ],
                    "groups": [{"id": "00000000-0000-4000-9000-000000000001", "displayName": "All", "members": []}],
                    "denied": [],
                }
            ],
        },
        "itglue": {
            "organizations": [
                {"id": 1, "name": "Sandbox Ltd", "adapters": [copy.deepcopy(BMS)]},
                {"id": 2, "name": "Real Client"},
            ],
            "locations": [
                {"id": 10, "organization-id": 1, "name": "HQ", "primary": True},
                {"id": 20, "organization-id": 2, "name": "HQ", "primary": True},
            ],
            "contacts": people,
        },
        "bms": {
            "email_types": [{"id": 1, "name": "Work"}],
            "phone_types": [{"id": 7, "name": "Office"}],
            "accounts": [
                {
                    "id": 2528,
                    "accountName": "Sandbox Ltd",
                    "locations": [{"id": 3169, "locationName": "HQ", "isMain": True}],
                }
            ],
            "contacts": [
                {"id": 90 + n, "accountId": 2528, "locationId": 3169, "firstName": "Ann", "lastName": f"Real {n}"}
                for n in range(3)
            ],
        },
        "behaviour": behaviour,
    }


def probe(stand: Stand, *, check: bool = False, **options: Any) -> Outcome:
    given = {"organization": "Sandbox Ltd", "tenant_id": TENANT, **SMALL, **options}
    outcome = stand.task("api_probe", check=check, **given)
    assert outcome.error is None, outcome.error
    return outcome


def answers(outcome: Outcome) -> dict[str, str]:
    return {each["name"]: each["answer"] for each in outcome.result["facts"]}


ALL = {"write": True, "write_bms": True}
NATIVE = {"native_push": True}

# Switches, the question that tells them, and its answer.
CASES = [
    ({}, "itglue_arrays", "replaced"),
    ({"itglue_arrays": "merge"}, "itglue_arrays", "merged"),
    ({}, "itglue_phones", "plus_stripped"),
    ({"itglue_phone_plus": "keep"}, "itglue_phones", "plus_kept"),
    ({}, "itglue_email_filter", "same_case"),
    ({"itglue_email_filter": "fold"}, "itglue_email_filter", "any_case"),
    ({}, "itglue_primaries", "as_sent"),
    ({"itglue_primaries": "first_wins"}, "itglue_primaries", "first_wins"),
    ({}, "itglue_bulk_atomic", "as_a_whole"),
    ({"itglue_bulk_atomic": False}, "itglue_bulk_atomic", "one_by_one"),
    ({}, "itglue_foreign_location", "refused"),
    ({"itglue_check_location": False}, "itglue_foreign_location", "taken"),
    ({}, "itglue_noop", "stays"),
    ({"itglue_noop_saves": True}, "itglue_noop", "moves"),
    ({}, "itglue_page_limit", "6 or more"),
    ({"itglue_page_limit": 4}, "itglue_page_limit", "4"),
    ({}, "itglue_null", "clears"),
    ({}, "itglue_create", "as_sent"),
    ({}, "itglue_unlinked", "said"),
    ({}, "itglue_unknown_filter", "ignored"),
    ({}, "itglue_name_filter", "equals, same_case"),
    ({}, "itglue_bulk_create", "taken"),
    ({}, "itglue_delete", "works"),
    ({"itglue_missing_id": 401}, "itglue_delete", "works"),
    ({}, "itglue_native_push", "not_seen"),
    (NATIVE, "itglue_native_push", "on"),
    # BMS has it, though the link shows too late.
    (NATIVE | {"native_push_delay": 100, "native_push_delay_seconds": 900}, "itglue_native_push", "on"),
    ({}, "itglue_linked_writes", NOT_PROBED),
    (NATIVE, "itglue_linked_writes", "refused"),
    (NATIVE | {"two_way_unlocks": True}, "itglue_linked_writes", "taken"),
    ({}, "bms_contact_patch_endpoints", "present"),
    ({"bms_contact_patch_endpoints": False}, "bms_contact_patch_endpoints", "absent"),
    ({}, "bms_inactive_by_default", "included"),
    ({"bms_inactive_by_default": False}, "bms_inactive_by_default", "left_out"),
    ({}, "bms_page_limit", "3 or more"),
    ({"bms_page_limit": 2}, "bms_page_limit", "2"),
    ({}, "bms_casing", "camel_case"),
    ({"bms_pascal_case": True}, "bms_casing", "pascal_case"),
    ({}, "bms_envelope", "bare"),
    ({"bms_bare_summary": False}, "bms_envelope", "wrapped"),
    ({}, "bms_types", "lookup"),
    ({"bms_type_lookup": "tenantlookup"}, "bms_types", "tenantlookup"),
    ({"bms_type_lookup": "none"}, "bms_types", "none"),
    ({}, "bms_name_filter", "contains, any_case"),
    ({"bms_string_filter": "startswith"}, "bms_name_filter", "starts_with, any_case"),
    ({"bms_string_filter": "equals"}, "bms_name_filter", "equals, any_case"),
    ({"bms_string_filter": "exact"}, "bms_name_filter", "equals, same_case"),
    ({}, "bms_account", "2528"),
    ({}, "bms_create", "as_sent"),
    ({}, "bms_null", "clears"),
    ({}, "bms_deactivate", "works"),
    ({}, "graph_page_limit", "5 or more"),
    ({"graph_page_limit": 3}, "graph_page_limit", "3"),
]


@pytest.mark.parametrize(("switches", "name", "answer"), CASES)
def test_each_switch_is_reported(switches, name, answer):
    assert answers_with(tuple(switches.items()))[name] == answer


@cache
def answers_with(switches: tuple[tuple[str, Any], ...]) -> dict[str, str]:
    return answers(probe(Stand(world(**dict(switches))), **ALL))


PERMISSIONS = {
    "deletedItems": "graph_deleted_users",
    "organization": "graph_domains",
    "groups": "graph_groups",
    "groupMembers": "graph_group_members",
    "contracts": "graph_contracts",
}


@pytest.mark.parametrize("denied", PERMISSIONS)
def test_each_permission_is_reported(denied):
    given = world()
    given["entra"]["tenants"][0]["denied"] = [denied]

    missing = answers(probe(Stand(given)))
    there = answers(probe(Stand(world())))

    assert missing[PERMISSIONS[denied]] == "denied"
    assert there[PERMISSIONS[denied]] == "granted"
    others = set(PERMISSIONS.values()) - {PERMISSIONS[denied], "graph_group_members"}
    assert {missing[each] for each in others} == {"granted"}


def test_every_question_is_reported_in_some_case():
    reported = {name for dummy, name, answer in CASES if answer not in (UNKNOWN, NOT_PROBED)}
    assert set(QUESTIONS) == reported | set(PERMISSIONS.values()) | {"itglue_adapter"}


# --------------------------------------------------------------------- the adapter


def test_a_known_adapter_name_is_taken_over():
    outcome = probe(Stand(world()))
    assert outcome.result["settings"]["bms_adapter_names"] == ["kaseya bms"]


def test_an_unknown_adapter_name_is_known_by_the_account_that_it_bears():
    given = world()
    given["itglue"]["organizations"][0]["adapters"][0]["adapter-type-name"] = "Kaseya PSA"

    outcome = probe(Stand(given))

    assert outcome.result["settings"]["bms_adapter_names"] == ["kaseya psa"]


def test_an_adapter_without_evidence_is_not_guessed():
    given = world()
    given["itglue"]["organizations"][0]["adapters"][0] |= {"adapter-type-name": "Microsoft", "remote-id": "x"}

    outcome = probe(Stand(given))

    assert answers(outcome)["itglue_adapter"] == UNKNOWN
    assert "bms_adapter_names" not in outcome.result["settings"]


# ------------------------------------------------------------------------- consent


def test_without_consent_nothing_is_written():
    stand = Stand(world())
    before = stand.state()

    outcome = probe(stand)

    assert outcome.writes == []
    assert stand.state() == before
    assert not outcome.changed
    assert {name for name, answer in answers(outcome).items() if answer == NOT_PROBED} == {
        name for name, each in QUESTIONS.items() if each.takes != "read"
    }


def test_check_mode_only_reads_and_says_what_would_be_written():
    checked, real = Stand(world()), Stand(world())
    before = checked.state()

    would = probe(checked, check=True, **ALL)
    does = probe(real, **ALL)

    assert would.writes == [] and does.writes
    assert checked.state() == before
    assert would.changed and does.changed
    assert would.result["writes"] == does.result["writes"]


def test_consent_for_bms_alone_is_refused():
    outcome = Stand(world()).task("api_probe", organization="1", write_bms=True)
    assert "write_bms" in str(outcome.error)


def test_it_glue_alone_leaves_bms_as_it_is():
    stand = Stand(world(native_push=True))
    before = stand.state()

    outcome = probe(stand, write=True)

    assert stand.state() == before
    assert {each["service"] for each in outcome.writes} == {"itglue"}
    assert outcome.result["left_behind"] == []
    assert answers(outcome)["itglue_native_push"] == NOT_PROBED


def test_no_complete_contact_is_made_where_bms_could_not_be_cleared_up():
    given = world(native_push=True)
    given["bms"]["accounts"][0] |= {"id": 4711, "accountName": "Another"}
    given["bms"]["contacts"] = []
    stand = Stand(given)
    before = stand.state()

    outcome = probe(stand, **ALL)

    assert stand.state() == before
    assert answers(outcome)["itglue_native_push"] == UNKNOWN


# ----------------------------------------------------------------------- clearing up


def without_inactive(state: dict, before: dict) -> dict:
    """The state without the inactive contacts of a probe that BMS has now and had not before."""
    known = {each["id"] for each in before["bms"]["contacts"]}
    new = [each for each in state["bms"]["contacts"] if each["id"] not in known]
    assert all(not each["isActive"] and each["lastName"].startswith("Probe ") for each in new), new
    kept = [each for each in state["bms"]["contacts"] if each["id"] in known]
    return {**state, "bms": {**state["bms"], "contacts": kept}}


@pytest.mark.parametrize("native", [False, True])
def test_what_is_left_behind_is_inactive_in_bms_and_reported(native):
    stand = Stand(world(native_push=native))
    before = stand.state()

    outcome = probe(stand, **ALL)

    state = stand.state()
    assert without_inactive(state, before) == before
    left = {each["id"] for each in state["bms"]["contacts"]} - {each["id"] for each in before["bms"]["contacts"]}
    assert {each["id"] for each in outcome.result["left_behind"]} == left
    assert len(left) == 1 + native
    assert len(outcome.warnings) == len(left)


FAULTS = [
    {"kind": "status", "status": 400},
    {"kind": "reset_after"},
    {"kind": "truncate"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
def test_a_fault_anywhere_leaves_nothing_active(fault):
    calm = Stand(world(native_push=True))
    requests = probe(calm, **ALL).sent
    for method in ("POST", "PATCH", "DELETE"):
        for service in ("itglue", "bms"):
            hits = [each for each in requests if each["method"] == method and each["service"] == service]
            for nth in range(1 + FAULTS.index(fault) % EVERY, len(hits) + 1, EVERY):
                stand = Stand(world(native_push=True))
                before = stand.state()
                stand.faults({**fault, "service": service, "method": method, "nth": nth})
                outcome = stand.task("api_probe", organization="1", **SMALL, **ALL)
                is_reported = outcome.error is not None or set(answers(outcome)) == set(QUESTIONS)
                assert is_reported, (method, service, nth)
                assert without_inactive(stand.state(), before) == before, (method, service, nth)


def test_what_cannot_be_removed_is_reported_and_removed_by_the_next():
    stand = Stand(world())
    before = stand.state()
    stand.faults({"kind": "status", "status": 422, "service": "itglue", "method": "DELETE", "times": None})

    first = probe(stand, write=True)

    assert answers(first)["itglue_delete"] == "refused"
    assert len(first.result["left_behind"]) == 1 + SMALL["bulk_size"]
    assert all("422" in each["reason"] for each in first.result["left_behind"])
    stand.heal()
    second = probe(stand, write=True)
    assert any("earlier probe" in each for each in second.result["writes"])
    assert second.result["left_behind"] == []
    assert stand.state() == before


def test_what_the_list_does_not_show_yet_is_removed_too():
    stand = Stand(world())
    before = stand.state()

    def lagging(service, method, path, body):
        if service == "itglue" and method == "GET" and path == "/contacts":
            body["data"] = [row for row in body["data"] if "Probe" not in row["attributes"]["last-name"]]
        return body

    stand.alter = lagging
    outcome = probe(stand, write=True)

    assert outcome.result["left_behind"] == []
    assert stand.state() == before


class Killed(BaseException):
    """Nothing that runs after a kill: not even clearing up."""


@pytest.mark.parametrize("native", [False, True])
def test_the_next_probe_removes_what_a_killed_one_left(native, monkeypatch):
    calm = probe(Stand(world(native_push=native)), **ALL)
    for nth in range(1 + native % EVERY, len(calm.writes) + 1, EVERY):
        stand = Stand(world(native_push=native))
        before = stand.state()
        left = nth
        dead = False

        def die(service, method, path, body, stand=stand):
            nonlocal left, dead
            if dead:
                raise Killed
            if method != "GET" and not re.search("token|authenticate", path):
                left -= 1
                if not left:
                    dead = True
                    raise Killed
            return body

        stand.alter = die
        with pytest.raises(Killed):
            stand.task("api_probe", organization="1", **SMALL, **ALL)
        stand.alter = None
        stand.heal()

        outcome = probe(stand, **ALL)

        assert without_inactive(stand.state(), before) == before, nth
        assert {each["service"] for each in outcome.result["left_behind"]} == {"bms"}


# ------------------------------------------------------------------ others' contacts


def test_nobody_elses_contact_is_ever_written():
    stand = Stand(world(native_push=True))
    others = {each["id"] for each in stand.state()["itglue"]["contacts"]}
    touched = {
        int(found[1])
        for each in probe(stand, **ALL).writes
        if (found := re.search(r"/contacts/(\d+)", each["path"])) and each["service"] == "itglue"
    }
    assert touched and not touched & others


def test_two_probes_do_not_meet(tmp_path):
    from ansible_collections.msp.psa_sync.plugins.module_utils._clients.lock import exclusive

    stand = Stand(world())
    with stand.reachable(), exclusive("https://itglue.sandbox.example contacts of 1", patience=0):
        refused = stand.task("api_probe", organization="1", write=True)
        reads = stand.task("api_probe", organization="1")
    assert "nothing was probed" in str(refused.error)
    assert refused.writes == []
    assert reads.error is None


def test_evidence_has_no_personal_data():
    stand = Stand(world(itglue_page_limit=2, bms_type_lookup="none"))
    reported = str(probe(stand, **ALL).result)
    assert "Real" not in reported.replace("Real Client", "")
    assert "client.example" not in reported
    assert TENANT not in reported

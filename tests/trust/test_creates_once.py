# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A create whose answer is lost is looked for before it is tried again: in IT Glue, in BMS, of assets and types."""

from __future__ import annotations

import pytest

from .inprocess import Stand
from .invariants import bms_of, contacts_of
from .test_fault_matrix import CLIENT, KINDS, OPTIONS, TENANT, Json, _contact, _user, rich_world, world

LOST = ("reset after the commit", "time-out after the commit", "truncated JSON", "HTML after the commit")
NOT_DONE = ("reset before the commit", "500", "504")

CREATE_ANY = {"service": "itglue", "method": "POST", "path": "/organizations/*/relationships/contacts"}
IN_BMS = {"service": "bms", "method": "POST", "path": "/v2/crm/contacts/summary"}


def synced(made: Json, *faults: Json):
    stand = Stand(made)
    stand.faults(*faults)
    outcome = stand.sync(**OPTIONS)
    assert outcome.error is None
    return stand, outcome


def posts(outcome, path: str) -> int:
    return sum(each["method"] == "POST" and path in each["path"] for each in outcome.writes)


def people(count: int) -> Json:
    return world([_user(number) for number in range(count)], [], [], {})


def created(outcome) -> list[Json]:
    return [each for each in outcome.contacts().values() if each["action"] == "create"]


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("kind", LOST)
def test_it_glue_a_create_whose_answer_is_lost_is_found_and_not_sent_again(kind, count):
    stand, outcome = synced(people(count), {**CREATE_ANY, **KINDS[kind]})

    assert posts(outcome, "relationships/contacts") == 1
    assert len(contacts_of(stand.state())) == count
    assert {each["contact_id"] for each in created(outcome)} == set(contacts_of(stand.state()))


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("kind", NOT_DONE)
def test_it_glue_a_create_that_was_not_carried_out_is_sent_again_after_a_look(kind, count):
    stand, outcome = synced(people(count), {**CREATE_ANY, **KINDS[kind]})

    looks = [each for each in outcome.sent if each["path"].startswith("/contacts?")]
    assert len(looks) >= 2
    assert len(contacts_of(stand.state())) == count
    assert len(created(outcome)) == count


@pytest.mark.parametrize("atomic", [True, False])
def test_it_glue_a_bulk_that_is_refused_or_taken_in_part_is_reconciled_row_by_row(atomic):
    """One address that IT Glue refuses: the others are there once, whichever way it takes a bulk."""
    made = people(4)
    bad = "u1@localhost"
    made["entra"]["tenants"][0]["users"][1] |= {"mail": bad, "userPrincipalName": bad, "proxyAddresses": []}
    made["behaviour"] = {"itglue_bulk_atomic": atomic}
    stand, outcome = synced(made)

    assert len(contacts_of(stand.state())) == 3
    assert sorted(each["user"] for each in created(outcome)) == ["u0@x.example", "u2@x.example", "u3@x.example"]
    (failed,) = [each for each in outcome.contacts().values() if each["action"] == "failed"]
    assert failed["user"] == bad
    assert failed["reason_codes"] == ["write_rejected"]
    assert "must be a valid email address format" in failed["failure"]["said"]


def test_it_glue_a_bulk_taken_in_part_whose_answer_is_lost_is_reconciled_row_by_row():
    made = people(4)
    made["entra"]["tenants"][0]["users"][1] |= {"mail": "u1@localhost", "proxyAddresses": []}
    made["behaviour"] = {"itglue_bulk_atomic": False}
    stand, outcome = synced(made, {**CREATE_ANY, **KINDS["reset after the commit"]})

    emails = sorted(row["contact-emails"][0]["value"] for row in contacts_of(stand.state()).values())
    assert emails == ["u0@x.example", "u2@x.example", "u3@x.example"]
    assert len(created(outcome)) == 3


def test_it_glue_namesakes_in_one_lost_bulk_are_distinguished_by_their_addresses():
    made = people(3)
    for user in made["entra"]["tenants"][0]["users"]:
        user |= {"givenName": "Ann", "surname": "Lee"}
    stand, outcome = synced(made, {**CREATE_ANY, **KINDS["reset after the commit"]})

    for each in created(outcome):
        assert contacts_of(stand.state())[each["contact_id"]]["contact-emails"][0]["value"] == each["user"]


def test_it_glue_a_create_that_stays_unclear_is_reported_and_the_next_run_finds_it():
    """The look fails as well: nobody knows, the result says so, and nothing is doubled later."""
    look = {
        "service": "itglue",
        "method": "GET",
        "path": "/contacts",
        "nth": 3,
        "times": None,
        "kind": "status",
        "status": 503,
    }
    stand, outcome = synced(people(1), {**CREATE_ANY, **KINDS["reset after the commit"]}, look)

    (entry,) = outcome.contacts().values()
    assert entry["action"] == "failed"
    assert entry["reason_codes"] == ["write_unclear"]
    stand.heal()
    stand.sync(**OPTIONS)
    assert len(contacts_of(stand.state())) == 1


@pytest.mark.parametrize("kind", LOST)
def test_bms_a_create_whose_answer_is_lost_is_found_and_not_sent_again(kind):
    stand, outcome = synced(people(3), {**IN_BMS, **KINDS[kind], "nth": 2})

    assert posts(outcome, "contacts/summary") == 3
    assert len(bms_of(stand.state())) == 3
    pushed = {each["bms_contact_id"] for each in outcome.contacts().values() if each["push"] == "pushed"}
    assert pushed == set(bms_of(stand.state()))
    assert {each["jobTitle"] for each in bms_of(stand.state()).values()} == {"Clerk"}


@pytest.mark.parametrize("kind", NOT_DONE)
def test_bms_a_create_that_was_not_carried_out_is_sent_again_after_a_look(kind):
    stand, outcome = synced(people(3), {**IN_BMS, **KINDS[kind]})

    assert posts(outcome, "contacts/summary") == 4
    assert len(bms_of(stand.state())) == 3


def test_bms_all_creates_lost_at_once_are_reconciled_one_by_one():
    stand, outcome = synced(people(5), {**IN_BMS, **KINDS["reset after the commit"], "times": None})

    assert posts(outcome, "contacts/summary") == 5
    assert len(bms_of(stand.state())) == 5


def test_bms_a_success_without_an_id_is_no_success_and_is_looked_for():
    body = {"success": True, "result": None}
    lost = {**IN_BMS, "kind": "status", "status": 200, "body": body, "committed": True}
    stand, outcome = synced(people(1), lost)

    assert posts(outcome, "contacts/summary") == 1
    assert [each["bms_contact_id"] for each in outcome.contacts().values()] == list(bms_of(stand.state()))


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("path", ["/flexible_asset_types", "/flexible_assets"])
def test_a_type_and_an_asset_whose_answers_are_lost_are_made_once(kind, path):
    stand = Stand(world([], [], [], {}))
    stand.faults({"service": "itglue", "method": "POST", "path": path, **KINDS[kind]})
    done = stand.task("office365_sync_settings", organization=str(CLIENT), tenant_id=TENANT)

    assert done.error is None
    assert done.changed
    state = stand.state()["itglue"]
    assert len(state["flexible_asset_types"]) == len(state["flexible_assets"]) == 1
    assert sum(each["method"] == "POST" and each["path"] == path for each in done.writes) == 1


def test_a_field_whose_answer_is_lost_is_made_once():
    made = world([], [], [], {})
    title = {"id": 1, "name": "Title", "kind": "Text", "required": True, "use-for-title": True}
    made["itglue"]["flexible_asset_types"] = [{"id": 1, "name": "BMS Sync Settings", "fields": [title]}]
    stand = Stand(made)
    lost = KINDS["reset after the commit"]
    stand.faults({"service": "itglue", "method": "POST", "path": "/flexible_asset_fields", "times": 3, **lost})

    assert stand.task("bms_sync_settings", organization=str(CLIENT), contact_sync=True).error is None
    names = [field["name"] for field in stand.state()["itglue"]["flexible_asset_types"][0]["fields"]]
    assert len(names) == len(set(names)) == 8


def test_a_contact_that_is_written_in_part_says_what_was_not_and_is_not_pushed():
    """IT Glue goes away between two groups of attributes of one contact."""
    made = rich_world()
    gone = {"service": "itglue", "method": "PATCH", "path": "/contacts/105", "times": None, "kind": "truncate"}
    dummy, outcome = synced(made, gone)

    entry = outcome.contacts()[_user(5)["id"]]
    assert entry["after"] == {"title": "Clerk"}
    assert entry["reason_codes"] == ["written_in_part"]
    assert "contact-emails, contact-phones" in entry["reason"]
    assert entry["push"] == "deferred"
    assert _contact(5)["contact-emails"][0]["value"] == "u5@x.example"

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reverts after faults and after edits by hand: each contact that a run made is removed, made inactive, or listed."""

from __future__ import annotations

import pytest

from .inprocess import Outcome, Stand, is_write
from .invariants import bms_of, contacts_of, outline
from .tally import by_day, note
from .test_creates_once import people
from .test_fault_matrix import KINDS, OPTIONS, WITH_DEPARTED, undisturbed, world_with_departed
from .worlds import ACCOUNT, CLIENT, Json, _link

LOST = (
    "500 after the commit",
    "504 after the commit",
    "reset after the commit",
    "time-out after the commit",
    "truncated JSON",
    "HTML after the commit",
)
"""The faults after which a run does not know whether its write took place."""

LATER = "2199-01-01T00:00:00.000Z"
EDITS: dict[str, Json] = {
    "nothing": {},
    "an e-mail": {"contact-emails": "own@home.example"},
    "notes": {"notes": "Call before noon."},
    "a title": {"title": "Director"},
}
"""What a technician does to each contact that the run has made."""


def revert(stand: Stand, journal: str, **more) -> Outcome:
    outcome = stand.sync(organization=str(CLIENT), state="reverted", journal_file=journal, **more)
    assert outcome.error is None, outcome.error
    return outcome


def edit(stand: Stand, known: Json, changes: Json) -> None:
    """Edit each contact of IT Glue that was not there before, as a technician does in the browser."""
    table = stand.sandbox.services["itglue"].contacts
    for row in list(table.rows.values()):
        if changes and row["organization-id"] == CLIENT and row["id"] not in known:
            new = dict(changes)
            if address := new.get("contact-emails"):
                entry = {"value": address, "label-name": "Home", "primary": False}
                new["contact-emails"] = [*row["contact-emails"], entry]
            table.update(row, {**new, "updated-at": LATER})


def listed(outcome: Outcome) -> list[tuple[str, str]]:
    return [(each["service"], f"{each['id']} {each['reason']}") for each in outcome.result["not_reverted"]]


def everything_is_reverted_or_listed(before: Json, stand: Stand, outcome: Outcome) -> None:
    """By the state of the services, not by what the result says of itself."""
    after, reported = stand.state(), listed(outcome)
    for ident in contacts_of(after).keys() - contacts_of(before).keys():
        assert any(service == "itglue" and str(ident) in words for service, words in reported), (ident, reported)
    for ident, contact in bms_of(after).items():
        if ident not in bms_of(before) and contact["isActive"]:
            assert any(service == "bms" and str(ident) in words for service, words in reported), (ident, reported)


def test_a_run_is_reverted_to_the_start(tmp_path):
    stand, journal = Stand(world_with_departed()), str(tmp_path / "journal")
    before = stand.state()
    stand.sync(journal_file=journal, **WITH_DEPARTED)
    outcome = revert(stand, journal)
    assert outcome.result["not_reverted"] == []
    made = {row["id"] for row in stand.state()["bms"]["contacts"]} - {row["id"] for row in before["bms"]["contacts"]}
    state = stand.state()
    assert not any(row["isActive"] for row in state["bms"]["contacts"] if row["id"] in made)
    state["bms"]["contacts"] = [row for row in state["bms"]["contacts"] if row["id"] not in made]
    assert outline(state, before) == outline(before, before)


def test_an_address_added_by_hand_after_a_lost_answer_hides_no_contact(tmp_path):
    """IT Glue answers 500 after the commit, and the look-up fails as well."""
    stand, journal = Stand(people(1)), str(tmp_path / "journal")
    before = stand.state()
    create = {"service": "itglue", "method": "POST", "path": f"/organizations/{CLIENT}/relationships/contacts"}
    look = {"service": "itglue", "method": "GET", "path": "/contacts", "nth": 3, "times": None, "kind": "status"}
    stand.faults({**create, **KINDS["500 after the commit"]}, {**look, "status": 503})
    assert [each["action"] for each in stand.sync(journal_file=journal, **OPTIONS).result["contacts"]] == ["failed"]
    stand.heal()
    edit(stand, contacts_of(before), EDITS["an e-mail"])

    outcome = revert(stand, journal)
    (left,) = outcome.result["not_reverted"]
    assert (left["service"], left["fields"]) == ("itglue", ["contact-emails"])
    everything_is_reverted_or_listed(before, stand, outcome)


@pytest.mark.parametrize("kind", LOST)
def test_a_job_title_set_after_a_lost_answer_of_bms_hides_no_contact(kind, tmp_path):
    stand, journal = Stand(people(1)), str(tmp_path / "journal")
    before = stand.state()
    create = {"service": "bms", "method": "POST", "path": "/v2/crm/contacts/summary"}
    stand.faults({**create, **KINDS[kind]})
    (entry,) = stand.sync(journal_file=journal, **OPTIONS).result["contacts"]
    assert entry["push"] == "pushed"
    assert bms_of(stand.state())[entry["bms_contact_id"]]["jobTitle"] == "Clerk"
    stand.heal()

    outcome = revert(stand, journal)
    assert outcome.result["not_reverted"] == []
    assert not bms_of(stand.state())[entry["bms_contact_id"]]["isActive"]
    everything_is_reverted_or_listed(before, stand, outcome)


@pytest.mark.parametrize("changes", EDITS)
def test_what_somebody_has_worked_on_stays_and_is_listed(changes, tmp_path):
    stand, journal = Stand(people(2)), str(tmp_path / "journal")
    before = stand.state()
    stand.sync(journal_file=journal, **OPTIONS)
    made = contacts_of(stand.state()).keys() - contacts_of(before).keys()
    edit(stand, contacts_of(before), EDITS[changes])
    outcome = revert(stand, journal)
    kept = contacts_of(stand.state()).keys() & made
    assert kept == (made if EDITS[changes] else set())
    assert {each["id"] for each in outcome.result["not_reverted"]} == kept
    everything_is_reverted_or_listed(before, stand, outcome)


def test_a_contact_that_was_only_linked_is_removed(tmp_path):
    """To the BMS contact that the same run has made; IT Glue shows no other time of change for that."""
    stand, journal = Stand(people(1)), str(tmp_path / "journal")
    before = stand.state()
    (entry,) = stand.sync(journal_file=journal, **OPTIONS).result["contacts"]
    table = stand.sandbox.services["itglue"].contacts
    row = table.rows[entry["contact_id"]]
    table.update(row, {"psa-integration": "enabled", "adapters": [_link(entry["bms_contact_id"])]})
    outcome = revert(stand, journal)
    assert outcome.result["not_reverted"] == []
    assert contacts_of(stand.state()).keys() == contacts_of(before).keys()


def test_a_technician_who_saves_a_contact_while_it_is_reverted_loses_nothing(tmp_path):
    stand, journal = Stand(people(1)), str(tmp_path / "journal")
    before = stand.state()
    (entry,) = stand.sync(journal_file=journal, **OPTIONS).result["contacts"]

    def meanwhile(service, method, path, body):
        if service == "bms" and "contacts" in path and method == "GET":
            edit(stand, contacts_of(before), EDITS["notes"])
        return body

    stand.alter = meanwhile
    outcome = revert(stand, journal)
    assert contacts_of(stand.state())[entry["contact_id"]]["notes"] == "Call before noon."
    assert [each["id"] for each in outcome.result["not_reverted"]] == [entry["contact_id"]]


def writes() -> list[Json]:
    """Each write of a run, as a fault addresses it: the nth of its service, method and path."""
    seen: dict[tuple, int] = {}
    found = []
    for entry in undisturbed()[0]:
        key = (entry["service"], entry["method"], entry["path"].split("?")[0])
        seen[key] = seen.get(key, 0) + 1
        if is_write(entry):
            found.append(dict(zip(("service", "method", "path"), key, strict=True), nth=seen[key]))
    return found


KINDS_REVERTED = (*LOST, "429, quota used up for an hour", "503")
EDITED = ("nothing", "an e-mail")


@pytest.mark.parametrize("changes", EDITED)
@pytest.mark.parametrize("kind", KINDS_REVERTED)
def test_after_any_fault_at_any_write_all_is_reverted_or_listed(kind, changes, tmp_path):
    chosen = by_day(writes(), 7, KINDS_REVERTED.index(kind) + EDITED.index(changes))
    for number, place in enumerate(chosen):
        for times in ({}, {"times": None}):
            stand, journal = Stand(world_with_departed()), str(tmp_path / f"journal-{number}-{len(times)}")
            before = stand.state()
            stand.faults({**place, **KINDS[kind], **times})
            assert stand.sync(journal_file=journal, **WITH_DEPARTED).error is None
            stand.heal()
            stand.clock.sleep(7200)
            edit(stand, contacts_of(before), EDITS[changes])
            outcome = revert(stand, journal)
            everything_is_reverted_or_listed(before, stand, outcome)
    note("reverts", f"{kind}, {changes}", 2 * len(chosen))


def test_the_account_is_the_one_of_the_world():
    """The matrix above would hold of a world without BMS as well."""
    assert {place["service"] for place in writes()} == {"itglue", "bms"}
    assert ACCOUNT in {row["accountId"] for row in world_with_departed()["bms"]["contacts"]}

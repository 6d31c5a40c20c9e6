# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reverting: what is reverted, what is not, and why."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.attributes import encode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    SyncError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsEmail,
    BmsPhone,
    Email,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode, because
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.recorded import (
    RecordedRow,
    RecordedWrite,
    Resolution,
    WriteKind,
    WriteOutcome,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.undo import Remainder, Step, undo
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import revert as reverting
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import FileJournal, Written
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal_reader import read_journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run_lock import RunLock
from tests.unit.engine.builders import in_bms, linked, options, ready
from tests.unit.plan.test_plan_documents import World
from tests.unit.sync.fakes import FakeClients, Fault, gone, quota, rejected, unclear

ANN = ready(72)
CHANGED = Remainder("itglue", 72, "Ann Lee", ("title",), because(ReasonCode.CHANGED_SINCE_WRITTEN, service="itglue"))
LINK = (Adapter("Kaseya BMS", "90211", sync=True),)


SAVED, LATER = "2026-01-01T10:00:00.000Z", "2026-01-01T11:00:00.000Z"
DONE, UNKNOWN, REJECTED = WriteOutcome.DONE, WriteOutcome.UNKNOWN, WriteOutcome.REJECTED
NOT_CARRIED_OUT = (WriteOutcome.NOT_SENT, WriteOutcome.QUOTA_EXCEEDED)


def created(contact, outcome=DONE, *, known: bool = True, **row) -> RecordedWrite:
    ident = contact.id if known else None
    return RecordedWrite(WriteKind.ITGLUE_CREATE, (RecordedRow({}, encode(contact), ident, **row),), outcome, "run")


def updated(before, after, outcome=DONE, *, ident: int = 72, run: str = "run") -> RecordedWrite:
    return RecordedWrite(WriteKind.ITGLUE_UPDATE, (RecordedRow(before, after, ident),), outcome, run)


def pushed(contact, outcome=DONE, *, known: bool = True, **row) -> RecordedWrite:
    ident = contact.id if known else None
    after = asdict(replace(contact, id=None))
    return RecordedWrite(WriteKind.BMS_CREATE, (RecordedRow({}, after, ident, **row),), outcome, "run")


def put(before, after, outcome=DONE, *, ident: int = 90211) -> RecordedWrite:
    return RecordedWrite(WriteKind.BMS_SET, (RecordedRow(before, after, ident),), outcome, "run")


def codes(found) -> list[str]:
    return [each.reason.code.value for each in found.remainders]


def kinds(undoing) -> list[tuple[str, int]]:
    return [(step.kind, step.id) for step in undoing.steps]


# ------------------------------------------------------------- created in IT Glue


def test_a_created_contact_is_removed():
    undoing = undo([created(ANN)], [ANN], [])
    assert undoing.steps == [Step("remove", 72, encode(ANN), {}, "Ann Lee")]
    assert undoing.remainders == []


def test_one_that_is_gone_needs_nothing():
    assert undo([created(ANN)], [ready(73)], []) == undo([], [], [])


def test_one_that_was_changed_since_stays_and_is_reported():
    edited = replace(ANN, title="Director", emails=(*ANN.emails, Email("ann@home.example", "Home")))
    undoing = undo([created(ANN)], [edited], [])
    assert undoing.steps == []
    (left,) = undoing.remainders
    assert (left.service, left.id, left.name, set(left.fields)) == (
        "itglue",
        72,
        "Ann Lee",
        {"title", "contact-emails"},
    )
    assert left.reason.code == "changed_since_written"


@pytest.mark.parametrize("link", [{"adapters": LINK}, {"psa_integration": "enabled"}])
def test_one_that_was_linked_since_stays_and_is_reported(link):
    undoing = undo([created(ANN)], [replace(ANN, **link)], [])
    assert undoing.steps == []
    assert [(each.id, each.fields) for each in undoing.remainders] == [(72, ())]
    assert codes(undoing) == ["linked_since"]


def test_what_it_glue_makes_of_a_number_is_no_change():
    sent = replace(ANN, phones=(Phone("+1 (415) 555-0100", "Office", primary=True),))
    shown = replace(ANN, phones=(Phone("14155550100", "Office", primary=True),))
    assert kinds(undo([created(sent)], [shown], [])) == [("remove", 72)]


def test_one_that_was_linked_to_what_the_run_made_in_bms_is_removed():
    """A change that only links the contact is none."""
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee")
    undoing = undo([created(ANN), pushed(there)], [replace(ANN, psa_integration="enabled", adapters=LINK)], [there])
    assert kinds(undoing) == [("deactivate", 90211), ("remove", 72)]
    assert undoing.remainders == []


@pytest.mark.parametrize("link", [{}, {"psa_integration": "enabled", "adapters": LINK}], ids=["unlinked", "linked"])
def test_one_that_somebody_has_saved_since_stays_and_is_reported(link):
    """Its notes may have been set by hand, which no read of the run shows."""
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee")
    contact = replace(ANN, created_at=SAVED, updated_at=LATER, **link)
    for saved_at in ({72: SAVED}, {}):
        undoing = undo([created(ANN), pushed(there)], [contact], [there], saved_at)
        assert kinds(undoing) == [("deactivate", 90211)]
        assert [(each.id, each.reason.code) for each in undoing.remainders] == [(72, "worked_on_since")]


def test_the_time_that_the_run_has_seen_last_counts():
    contact = replace(ANN, created_at=SAVED, updated_at=LATER)
    assert kinds(undo([created(ANN)], [contact], [], {72: LATER})) == [("remove", 72)]
    untouched = replace(ANN, created_at=SAVED, updated_at=SAVED)
    assert kinds(undo([created(ANN)], [untouched], [], {})) == [("remove", 72)]


def bulk(outcome, *contacts):
    rows = tuple(created(each, known=False).rows[0] for each in contacts)
    return RecordedWrite(WriteKind.ITGLUE_CREATE, rows, outcome, "run")


@pytest.mark.parametrize("outcome", [DONE, UNKNOWN, REJECTED])
def test_a_create_of_unknown_outcome_is_found_by_what_was_sent(outcome):
    write = bulk(outcome, ANN, ready(None, "zoe.lee"))
    assert kinds(undo([write], [ANN, ready(73, "bob.lee")], [])) == [("remove", 72)]
    assert undo([write], [ready(73, "bob.lee")], []).steps == []


def test_a_create_of_unknown_outcome_that_nothing_resembles_is_reported():
    undoing = undo([created(ANN, UNKNOWN, known=False)], [ready(73, "bob.lee")], [])
    assert [(each.service, each.id, each.name) for each in undoing.remainders] == [("itglue", None, "Ann Lee")]
    assert codes(undoing) == ["nothing_alike"]
    assert undo([created(ANN, REJECTED, known=False)], [], []) == undo([], [], []), "refused is not made"


def test_an_address_that_was_added_by_hand_makes_nobody_else_of_it():
    """Before, nothing was removed, and nothing told."""
    edited = replace(ANN, emails=(*ANN.emails, Email("ann@home.example", "Home")))
    undoing = undo([created(ANN, UNKNOWN, known=False)], [edited], [])
    assert undoing.steps == []
    assert [(each.id, each.fields) for each in undoing.remainders] == [(72, ("contact-emails",))]


def test_of_several_that_are_alike_none_is_removed_and_all_are_reported():
    undoing = undo([created(ANN, UNKNOWN, known=False)], [ANN, ready(73)], [])
    assert undoing.steps == []
    (left,) = undoing.remainders
    assert (left.id, left.name) == (None, "Ann Lee")
    assert (left.reason.code, left.reason.values) == ("several_alike", {"contact_ids": [72, 73]})


def test_a_contact_that_was_there_before_is_not_taken_for_the_created_one():
    """The journal says so; an older one by another write of the same run."""
    write = created(ANN, UNKNOWN, known=False)
    for writes in (
        [created(ANN, UNKNOWN, known=False, alike=(72,))],
        [write, updated({"title": None}, {"title": "x"})],
    ):
        undoing = undo(writes, [ANN], [])
        assert (undoing.steps, codes(undoing)) == ([], ["nothing_alike"])


def test_a_contact_that_a_later_run_has_updated_can_be_the_created_one():
    writes = [created(ANN, UNKNOWN, known=False), updated({"title": None}, {"title": "Boss"}, run="later")]
    assert kinds(undo(writes, [replace(ANN, title="Boss")], [])) == [("restore", 72), ("remove", 72)]


def test_what_a_look_up_did_not_find_and_what_is_not_there_now_needs_nothing():
    write = created(ANN, UNKNOWN, known=False, resolution=Resolution.NOT_FOUND)
    assert undo([write], [ready(73, "bob.lee")], []) == undo([], [], [])
    again = [write, created(ANN)]
    assert kinds(undo(again, [ANN], [])) == [("remove", 72)]
    assert undo(again, [ANN], []).remainders == []


def test_what_a_look_up_did_not_find_and_what_is_there_now_is_reported():
    write = created(ANN, UNKNOWN, known=False, resolution=Resolution.NOT_FOUND)
    undoing = undo([write], [ANN], [])
    assert (undoing.steps, codes(undoing)) == ([], ["appeared_later"])


def test_the_same_person_in_a_later_create_is_no_second_one():
    """The first run was killed; the second has looked before it created."""
    writes = [created(ANN, UNKNOWN, known=False), created(ANN)]
    assert (kinds(undo(writes, [ANN], [])), undo(writes, [ANN], []).remainders) == ([("remove", 72)], [])
    undoing = undo(writes, [ANN, ready(73)], [])
    assert kinds(undoing) == [("remove", 72), ("remove", 73)]


@pytest.mark.parametrize("outcome", NOT_CARRIED_OUT)
def test_what_was_surely_not_carried_out_needs_nothing(outcome):
    writes = [
        created(ANN, outcome, known=False),
        updated({"title": "Clerk"}, {"title": None}, outcome),
        pushed(in_bms(90211), outcome, known=False),
        put({"JobTitle": "x"}, {"JobTitle": None}, outcome),
    ]
    assert undo(writes, [ANN], [in_bms(90211)]) == undo([], [], [])


# ------------------------------------------------------------- updated in IT Glue


def test_changed_fields_get_their_former_values():
    there = replace(ANN, title="Boss", location_id=11)
    before = {"title": None, "location-id": 10}
    (step,) = undo([updated(before, {"title": "Boss", "location-id": 11})], [there], []).steps
    assert (step.kind, step.id, dict(step.before), dict(step.after)) == (
        "restore",
        72,
        {"title": "Boss", "location-id": 11},
        before,
    )


def test_only_where_they_still_hold_what_was_written():
    there = replace(ANN, title="Director", location_id=11)
    write = updated({"title": None, "location-id": 10}, {"title": "Boss", "location-id": 11})
    undoing = undo([write], [there], [])
    assert dict(undoing.steps[0].after) == {"location-id": 10}
    assert undoing.remainders == [CHANGED]


def test_what_holds_its_former_value_needs_nothing():
    assert undo([updated({"title": None}, {"title": "Boss"})], [ANN], []) == undo([], [], [])


@pytest.mark.parametrize("title", ["Clerk", "Head"], ids=["holds-its-former-value", "was-changed-since"])
def test_an_attribute_that_stays_does_not_keep_the_others(title):
    before, after = {"title": "Clerk", "contact-type-id": 24}, {"title": "Boss", "contact-type-id": 25}
    undoing = undo([updated(before, after)], [replace(ANN, title=title, contact_type_id=25)], [])
    assert [dict(step.after) for step in undoing.steps] == [{"contact-type-id": 24}]
    assert undoing.remainders == [CHANGED] * (title == "Head")


def test_an_attribute_without_a_former_value_does_not_keep_the_others():
    write = updated({"contact-type-id": 24}, {"title": "Boss", "contact-type-id": 25})
    undoing = undo([write], [replace(ANN, title="Boss", contact_type_id=25)], [])
    assert ([dict(step.after) for step in undoing.steps], undoing.remainders) == ([{"contact-type-id": 24}], [])


def test_arrays_are_restored_whole():
    before, after = (encode(each, ["contact-emails"]) for each in (ANN, ready(72, "zoe.lee")))
    (step,) = undo([updated(before, after)], [ready(72, "zoe.lee")], []).steps
    assert dict(step.after) == before


def test_an_updated_contact_that_is_gone_is_reported():
    undoing = undo([updated({"title": None}, {"title": "Boss"})], [], [])
    assert [(each.id, each.fields, each.reason.code) for each in undoing.remainders] == [
        (72, ("title",), "contact_gone")
    ]


@pytest.mark.parametrize(("outcome", "steps"), [(UNKNOWN, 1), (DONE, 1), (REJECTED, 0)])
def test_an_update_of_unknown_outcome_is_undone_where_it_shows(outcome, steps):
    write = updated({"title": None}, {"title": "Boss"}, outcome)
    assert len(undo([write], [replace(ANN, title="Boss")], []).steps) == steps
    assert undo([write], [ANN], []).steps == []


def test_a_refused_bulk_is_undone_where_it_was_taken_in_part():
    """Bob's row was not taken, Cid is the one who is missing."""
    rows = [updated({"title": None}, {"title": "Boss"}, ident=each).rows[0] for each in (72, 73, 74)]
    write = RecordedWrite(WriteKind.ITGLUE_UPDATE, tuple(rows), REJECTED, "run")
    (step,) = undo([write], [replace(ANN, title="Boss"), ready(73, "bob.lee")], []).steps
    assert (step.kind, step.id, dict(step.after)) == ("restore", 72, {"title": None})
    assert undo([write], [ANN, ready(73, "bob.lee")], []) == undo([], [], [])


def test_what_two_writes_have_changed_is_reported_once():
    """A bulk, refused, and the same contact by itself."""
    alone = updated({"title": None}, {"title": "Boss"})
    together = RecordedWrite(WriteKind.ITGLUE_UPDATE, (*alone.rows, *alone.rows), REJECTED, "run")
    undoing = undo([together, alone], [replace(ANN, title="Director")], [])
    assert undoing.remainders == [CHANGED]


# ------------------------------------------------------------------------- BMS


def test_a_created_bms_contact_is_deactivated_and_its_title_left():
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee", job_title="Boss")
    undoing = undo([pushed(there), put({"JobTitle": None}, {"JobTitle": "Boss"})], [], [there])
    assert undoing.steps == [Step("deactivate", 90211, {"IsActive": True}, {"IsActive": False}, "Ann Lee")]


def test_an_inactive_or_missing_one_needs_nothing():
    there = in_bms(90211, active=False)
    assert undo([pushed(there)], [], [there]).steps == []
    assert undo([pushed(there)], [], []) == undo([], [], [])


def test_one_that_two_runs_have_noted_is_deactivated_once():
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee")
    assert kinds(undo([pushed(there), pushed(there)], [], [there])) == [("deactivate", 90211)]


def test_a_push_of_unknown_outcome_is_found_by_what_was_sent():
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee")
    write = pushed(there, UNKNOWN, known=False)
    others = [replace(there, id=1, first_name="Zoe"), replace(there, id=2, emails=())]
    assert kinds(undo([write], [], [there, *others])) == [("deactivate", 90211)]
    several = undo([write], [], [there, replace(there, id=90212)])
    assert (several.steps, [each.service for each in several.remainders]) == ([], ["bms"])
    assert several.remainders[0].reason.values == {"bms_contact_ids": [90211, 90212]}
    assert codes(undo([write], [], others)) == ["nothing_alike"]


def test_a_job_title_that_the_run_has_set_makes_nobody_else_of_it():
    """Before, the contact stayed active, and nothing told it."""
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee", job_title="Boss")
    writes = [pushed(there, UNKNOWN, known=False), put({"JobTitle": None}, {"JobTitle": "Boss"})]
    assert kinds(undo(writes, [], [there])) == [("deactivate", 90211)]


def test_ids_of_the_two_services_are_kept_apart():
    """IT Glue's contact has the number that another contact has in BMS."""
    there = in_bms(72, "ann.lee@client.example", first="Ann", last="Lee")
    writes = [updated({"title": None}, {"title": "x"}, ident=72), pushed(there, UNKNOWN, known=False)]
    assert ("deactivate", 72) in kinds(undo(writes, [replace(ANN, title="x")], [there]))


def test_fields_of_a_bms_contact_get_their_former_values():
    there = in_bms(90211, job_title="Boss", active=False)
    before = {"JobTitle": None, "IsActive": True}
    (step,) = undo([put(before, {"JobTitle": "Boss", "IsActive": False})], [], [there]).steps
    assert (step.kind, dict(step.before), dict(step.after)) == (
        "restore_in_bms",
        {"JobTitle": "Boss", "IsActive": False},
        before,
    )


def test_those_that_were_changed_since_are_reported():
    undoing = undo([put({"JobTitle": None}, {"JobTitle": "Boss"})], [], [in_bms(90211, job_title="Head")])
    assert undoing.steps == []
    assert [(each.service, each.fields) for each in undoing.remainders] == [("bms", ("JobTitle",))]
    lost = undo([put({"JobTitle": None}, {"JobTitle": "Boss"})], [], [])
    assert codes(lost) == ["contact_gone"]


@pytest.mark.parametrize("active", [True, False], ids=["holds-its-former-value", "was-set-by-the-run"])
@pytest.mark.parametrize("title", ["Clerk", "Head"], ids=["holds-its-former-value", "was-changed-since"])
def test_a_field_that_stays_does_not_keep_the_others(title, active):
    before, after = {"JobTitle": "Clerk", "IsActive": True}, {"JobTitle": "Boss", "IsActive": False}
    undoing = undo([put(before, after)], [], [in_bms(90211, job_title=title, active=active)])
    assert [dict(step.after) for step in undoing.steps] == [{"IsActive": True}] * (not active)
    assert [each.fields for each in undoing.remainders] == [("JobTitle",)] * (title == "Head")


def lists(*rows, kind="Emails"):
    value = {"Emails": "address", "Phones": "number"}[kind]
    return {kind: [{value: each, "type_id": 1, "type_name": "Work", "default": default} for each, default in rows]}


def test_lists_of_a_bms_contact_are_reverted_as_bms_spells_them():
    before = lists(("3315550199", True), kind="Phones")
    after = lists(("3315550199", False), ("+1 415 555 0100", True), kind="Phones")
    there = in_bms(90211, phones=(BmsPhone("14155550100", 1, None, True), BmsPhone("331-555-0199", 1)))
    (step,) = undo([put(before, after)], [], [there]).steps
    assert [each["number"] for each in step.before["Phones"]] == ["331-555-0199", "14155550100"]
    assert step.after == before


def test_two_spellings_of_one_address_come_back_as_they_were():
    before = lists(("\u200fa@x.io", True), ("a@x.io", False))
    after = lists(("\u200fa@x.io", False), ("a@x.io", False), ("b@x.io", True))
    emails = (BmsEmail("b@x.io", 1, None, True), BmsEmail("a@x.io", 1), BmsEmail("\u200fa@x.io", 1))
    (step,) = undo([put(before, after)], [], [replace(in_bms(90211), emails=emails)]).steps
    assert [each["address"] for each in step.before["Emails"]] == ["\u200fa@x.io", "a@x.io", "b@x.io"]
    assert step.after == before


def test_two_entries_of_one_address_come_back_as_two():
    emails = (BmsEmail("a@x.io", 1, "Work"), BmsEmail("a@x.io", 2, "Home"))
    twice = [asdict(each) for each in emails]
    before = {"Emails": [{**twice[0], "default": True}, twice[1]]}
    after = {"Emails": [*twice, *lists(("b@x.io", True))["Emails"]]}
    there = replace(in_bms(90211), emails=(*emails, BmsEmail("b@x.io", 1, "Work", True)))
    (step,) = undo([put(before, after)], [], [there]).steps
    assert (step.before, step.after) == (after, before)


def test_lists_of_a_bms_contact_that_were_changed_since_are_reported():
    before, after = lists(("a@x.io", True)), lists(("a@x.io", True), ("b@x.io", False))
    undoing = undo([put(before, after)], [], [in_bms(90211, "a@x.io", "c@x.io")])
    assert (undoing.steps, [each.fields for each in undoing.remainders]) == ([], [("Emails",)])
    assert undo([put(before, after)], [], [in_bms(90211, "a@x.io")]) == undo([], [], [])


@pytest.mark.parametrize("before", [lists(), lists(("a@x.io", False))], ids=["the-only-entry", "the-only-default"])
def test_bms_keeps_a_default_entry(before):
    undoing = undo([put(before, lists(("a@x.io", True)))], [], [in_bms(90211, "a@x.io")])
    assert [(each.fields, each.reason.code) for each in undoing.remainders] == [(("Emails",), "default_entry_needed")]
    assert undoing.steps == []


@pytest.mark.parametrize("was_default", [True, False], ids=["several-defaults", "no-default"])
def test_entries_come_back_where_the_default_cannot(was_default):
    before = lists(("a@x.io", was_default), ("b@x.io", was_default))
    after = lists(("a@x.io", False), ("b@x.io", False), ("c@x.io", True))
    emails = (BmsEmail("a@x.io", 1), BmsEmail("b@x.io", 1), BmsEmail("c@x.io", 1, None, True))
    there = replace(in_bms(90211), emails=emails)
    undoing = undo([put(before, after)], [], [there])
    assert [step.after for step in undoing.steps] == [before]
    assert [(each.fields, each.reason.code) for each in undoing.remainders] == [(("Emails",), "default_entry_needed")]


# ----------------------------------------------------------------------- several


def test_the_last_write_is_reverted_first():
    first = updated({"title": None}, {"title": "Clerk"})
    second = updated({"title": "Clerk"}, {"title": "Boss"})
    undoing = undo([first, second], [replace(ANN, title="Boss")], [])
    assert [dict(step.after) for step in undoing.steps] == [{"title": "Clerk"}, {"title": None}]


def test_a_contact_that_was_created_and_then_changed_by_the_next_run_is_removed():
    writes = [created(ANN), updated({"title": None}, {"title": "Boss"})]
    undoing = undo(writes, [replace(ANN, title="Boss")], [])
    assert kinds(undoing) == [("restore", 72), ("remove", 72)]
    assert undo(writes, [], []) == undo([], [], []), "it is gone, as it was before the runs"


@pytest.mark.parametrize(
    ("present", "steps", "left"),
    [("Head", 3, 0), ("Chief", 2, 0), ("Boss", 1, 0), (None, 0, 0), ("Edited", 0, 1)],
)
def test_what_several_runs_changed_and_a_revert_has_reverted_in_part_is_not_reported(present, steps, left):
    titles = [None, "Boss", "Chief", "Head"]
    in_itglue = [updated({"title": was}, {"title": becomes}) for was, becomes in pairwise(titles)]
    in_both = [put({"JobTitle": was}, {"JobTitle": becomes}) for was, becomes in pairwise(titles)]
    there = in_bms(90211, "ann@client.example", job_title=present)
    undoing = undo([*in_itglue, *in_both], [replace(ANN, title=present)], [there])
    assert kinds(undoing) == [("restore_in_bms", 90211)] * steps + [("restore", 72)] * steps
    assert [(each.id, each.fields) for each in undoing.remainders] == [(90211, ("JobTitle",)), (72, ("title",))] * left


def test_what_one_run_has_undone_of_another_is_not_written():
    titles, names = ["Boss", "Head", "Boss"], ["Ann", "Anne", "Anna"]
    writes = [
        updated(
            {"title": titles[run], "first-name": names[run]}, {"title": titles[run + 1], "first-name": names[run + 1]}
        )
        for run in (0, 1)
    ]
    writes += [put({"JobTitle": was}, {"JobTitle": becomes}) for was, becomes in pairwise(titles)]
    there = in_bms(90211, "ann@client.example", job_title="Boss")
    undoing = undo(writes, [replace(ANN, title="Boss", first_name="Anna")], [there])
    assert [(step.id, step.before, step.after) for step in undoing.steps] == [
        (72, {"first-name": "Anna"}, {"first-name": "Anne"}),
        (72, {"first-name": "Anne"}, {"first-name": "Ann"}),
    ]
    assert undo(writes, [replace(ANN, title="Boss", first_name="Ann")], [there]) == undo([], [], [])


def test_of_what_remains_only_what_is_reverted_is_not_reported():
    names = {"first-name": "Ann", "title": None}
    writes = [updated(names, {"first-name": "Anne", "title": "Boss"}), updated({"title": "Boss"}, {"title": "Head"})]
    writes.append(updated({"first-name": "Anne", "title": "Head"}, {"first-name": "Anna", "title": "Chief"}))
    undoing = undo(writes, [replace(ANN, first_name="Edited", title=None)], [])
    assert (undoing.steps, [each.fields for each in undoing.remainders]) == ([], [("first-name",)])


def test_rows_of_a_bulk_are_reverted_one_by_one():
    rows = tuple(RecordedRow({"title": None}, {"title": "Boss"}, ident) for ident in (72, 73))
    there = [ready(72, title="Boss"), ready(73, title="Head")]
    undoing = undo([RecordedWrite(WriteKind.ITGLUE_UPDATE, rows, DONE, "run")], there, [])
    assert kinds(undoing) == [("restore", 72)]
    assert [each.id for each in undoing.remainders] == [73]


# ------------------------------------------------------------------------- revert


class Reverting(World):
    """A world in which a run is made with a journal, and taken back."""

    def __init__(self, directory) -> None:
        super().__init__(directory)
        self.journal = str(directory / "journal")
        self.itglue.delete_contacts = self._delete
        self.deleted: list[list[int]] = []
        self.before = (dict(self.itglue.there), dict(self.bms.there))
        self.run(journal_file=self.journal)

    def _delete(self, ids):
        fault = self.itglue.called("delete_contacts", ids)
        if any(each not in self.itglue.there for each in ids):
            raise NotFoundError("There is no such contact.", service="itglue", status=404)
        self.deleted.append(list(ids))
        for each in ids:
            del self.itglue.there[each]
        if fault:
            raise fault.error

    def revert(self, preview: bool = False):
        clients = FakeClients(self.itglue, self.bms)
        return reverting.revert(clients, self.store, "Client Ltd", self.journal, preview=preview, version="1.0.0")


@pytest.fixture
def world(tmp_path) -> Reverting:
    return Reverting(tmp_path)


def test_what_followed_in_bms_is_reverted(tmp_path):
    world = World(tmp_path)
    alias = Email("ann@client.example", "Work")
    contact = linked(72, "ann.lee", 90212, title="Trainee")
    world.itglue.there[72] = replace(contact, emails=(*contact.emails, alias))
    world.bms.there[90212] = in_bms(
        90212, "ann.lee@client.example", first="Ann", last="Lee", phones=(BmsPhone("3315550199", 2, None, True),)
    )
    itglue, bms = dict(world.itglue.there), dict(world.bms.there)
    journal = str(tmp_path / "journal")
    world.run(journal_file=journal, options=options(update_linked=True, users=frozenset({"ann.lee@client.example"})))
    followed = world.bms.there[90212]
    assert (followed.job_title, len(followed.emails), followed.phones[0].number) == ("Clerk", 2, "4155550100")
    clients = FakeClients(world.itglue, world.bms)
    outcome = reverting.revert(clients, world.store, "Client Ltd", journal, preview=False, version="1.0.0")
    assert reported(outcome) == [
        ("restore_in_bms", 90212),
        ("restore_in_bms", 90212),
        ("restore_in_bms", 90212),
        ("restore", 72),
    ]
    assert (outcome.remainders, world.itglue.there, world.bms.there) == ([], itglue, bms)


def test_what_followed_in_a_former_account_is_reverted(tmp_path, monkeypatch):
    world = World(tmp_path)
    world.itglue.there[72] = linked(72, "ann.lee", 90212, title="Trainee")
    phones = (BmsPhone("4155550100", 2, None, True),)
    there = in_bms(90212, "ann.lee@client.example", first="Ann", last="Lee", job_title="Trainee", phones=phones)
    world.bms.there[90212] = there
    journal = tmp_path / "journal"
    ann = options(update_linked=True, users=frozenset({"ann.lee@client.example"}))
    world.run(journal_file=str(journal), options=ann)
    former = dict(world.bms.there)
    assert former[90212].job_title == "Clerk"
    head = {**json.loads(journal.read_text().splitlines()[0]), "run": "b" * 32, "account_id": 2529}
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
    clients = FakeClients(world.itglue, world.bms)
    monkeypatch.setattr(world.bms, "contacts", lambda account_id: list(former.values()) if account_id == 2528 else [])
    outcome = reverting.revert(clients, world.store, "Client Ltd", str(journal), preview=False, version="1.0.0")
    assert (outcome.remainders, world.bms.there[90212].job_title) == ([], "Trainee")


def reported(outcome) -> list:
    return [(each.kind, each.id) for each in outcome.steps]


def test_a_run_is_reverted(world):
    foreseen = world.revert(preview=True)
    assert world.deleted == []
    outcome = world.revert()
    assert (foreseen.steps, foreseen.remainders) == (outcome.steps, outcome.remainders)
    assert (outcome.remainders, outcome.tenant_id) == ([], read_journal(world.journal).tenant_id)
    itglue, bms = world.before
    assert world.itglue.there == itglue
    assert {ident: each for ident, each in world.bms.there.items() if ident in bms} == bms
    assert not any(each.active for ident, each in world.bms.there.items() if ident not in bms)


def test_twice_is_nothing(world):
    world.revert()
    before = world.written(), list(world.deleted), Path(world.journal).read_text(encoding="utf-8")
    assert (world.revert(preview=True).steps, world.revert().steps) == ([], [])
    assert (world.written(), world.deleted, Path(world.journal).read_text(encoding="utf-8")) == before


def test_contacts_are_looked_at_again_right_before_the_first_write_and_before_removals(world):
    many(world)
    looks = []
    for preview in (True, False, False):
        world.itglue.calls.clear()
        world.revert(preview)
        looks.append(world.itglue.calls["changed_contacts"])
    assert looks == [0, 2, 0], "a preview, the revert, and one with nothing left to do"


def meanwhile(world, monkeypatch, method, change) -> None:
    """While the first step of a kind is taken, somebody changes the contacts of IT Glue."""
    service = world.bms if method == "set_contact" else world.itglue
    send = getattr(service, method)

    def sent(*args):
        monkeypatch.setattr(service, method, send)
        change(world.itglue.there)
        return send(*args)

    monkeypatch.setattr(service, method, sent)


@pytest.mark.parametrize("method", ["set_contact", "update_contact"])
def test_what_is_worked_on_during_a_revert_stays(world, monkeypatch, method):
    """A long revert removes contacts at its end; somebody has edited one since it began."""
    (made,) = world.itglue.there.keys() - world.before[0].keys()

    def change(there):
        there[made] = replace(there[made], updated_at=LATER)
        world.itglue.changed_contacts = lambda *args: iter([there[made]])

    meanwhile(world, monkeypatch, method, change)
    outcome = world.revert()
    assert world.deleted == []
    assert [(each.service, each.id) for each in outcome.remainders] == [("itglue", made)]
    assert ("restore", 72) in reported(outcome) and made in world.itglue.there


def test_a_field_that_is_edited_during_a_long_revert_stays(world, monkeypatch):
    """What was edited before the revert is listed once, however often the contacts are looked at."""
    (edited_before,) = many(world, 1)
    world.itglue.there[edited_before] = replace(world.itglue.there[edited_before], title="Director")
    monkeypatch.setattr(reverting, "STALE_AFTER", -1.0)

    def change(there):
        there[72] = replace(there[72], title="Director", updated_at=LATER)
        world.itglue.changed_contacts = lambda *args: iter([there[72]])

    meanwhile(world, monkeypatch, "set_contact", change)
    outcome = world.revert()
    assert world.itglue.there[72].title == "Director"
    assert [(each.id, each.fields) for each in outcome.remainders] == [(edited_before, ("title",)), (72, ("title",))]
    assert world.deleted, "the others are reverted"


def test_a_contact_that_is_only_linked_during_a_long_revert_is_reverted_all_the_same(world, monkeypatch):
    monkeypatch.setattr(reverting, "STALE_AFTER", -1.0)

    def change(there):
        there[72] = replace(there[72], adapters=linked(72).adapters)
        world.itglue.changed_contacts = lambda *args: iter([there[72]])

    meanwhile(world, monkeypatch, "set_contact", change)
    outcome = world.revert()
    assert (world.itglue.there[72].title, outcome.remainders) == ("Trainee", [])


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("nothing", ([], "Trainee")),
        ("edited", (["changed_since_written"], "Director")),
        ("deleted", (["contact_gone"], None)),
    ],
)
def test_what_is_worked_on_between_two_steps_of_a_contact_stays(world, monkeypatch, what, left):
    """Two runs have changed one contact: it is reverted in two steps."""
    monkeypatch.setattr(reverting, "STALE_AFTER", -1.0)
    world.itglue.stamp, journal = SAVED, recorder(world)
    with journal.record(
        WriteKind.ITGLUE_UPDATE, [{"id": 72, "before": {"title": "Clerk"}, "after": {"title": "Head"}}]
    ) as entry:
        entry.written = [Written(72, world.itglue.update_contact(72, {"title": "Head"}).updated_at)]
    journal.close()
    send = world.itglue.update_contact

    def sent(*args):
        restored = send(*args)
        monkeypatch.setattr(world.itglue, "update_contact", send)
        if what == "edited":
            world.itglue.there[72] = replace(restored, title="Director", updated_at=LATER)
        elif what == "deleted":
            del world.itglue.there[72]
            world.itglue.faults.append(Fault("changed_contacts", rejected(), times=99))
        return restored

    monkeypatch.setattr(world.itglue, "update_contact", sent)
    outcome = world.revert()
    title = world.itglue.there[72].title if 72 in world.itglue.there else None
    assert (codes(outcome)[:1], title) == left
    assert {each.id for each in outcome.remainders} <= {72}


def test_what_a_revert_has_restored_itself_is_no_edit_that_keeps_a_contact_from_being_removed(world):
    """One run has made the contact, the next one has changed it."""
    world.itglue.stamp = SAVED
    (made,) = many(world, 1)
    journal = recorder(world)
    row = {"id": made, "before": {"title": None}, "after": {"title": "Head"}}
    with journal.record(WriteKind.ITGLUE_UPDATE, [row]) as entry:
        entry.written = [Written(made, world.itglue.update_contact(made, row["after"]).updated_at)]
    journal.close()
    world.itglue.stamp = LATER
    outcome = world.revert()
    assert (reported(outcome)[:2], outcome.remainders) == ([("restore", made), ("remove", made)], [])


def test_what_a_long_revert_has_removed_is_not_missed_by_it(world, monkeypatch):
    """The create of one contact had no answer: it is known by what was sent alone."""
    monkeypatch.setattr(reverting, "STALE_AFTER", -1.0)
    journal, row = recorder(world), encode(ready(None, "new.lee"))
    with (
        pytest.raises(OutcomeUnknownError),
        journal.record(WriteKind.ITGLUE_CREATE, [{"id": None, "before": {}, "after": row}]),
    ):
        world.itglue.create_contacts(1, [row])
        raise unclear()
    journal.close()

    def change(there):
        there[72] = replace(there[72], title="Director", updated_at=LATER)
        world.itglue.faults.append(Fault("changed_contacts", rejected(), times=99))

    meanwhile(world, monkeypatch, "set_contact", change)
    assert [(each.id, each.fields) for each in world.revert().remainders] == [(72, ("title",))]


def test_a_look_that_fails_during_a_revert_leaves_what_is_in_it_glue(world):
    world.itglue.faults.append(Fault("changed_contacts", gone(), nth=2))
    outcome = world.revert()
    assert world.deleted == []
    assert [each.service for each in outcome.remainders] == ["itglue"]


def test_a_removed_contact_stands_in_the_journal_as_it_was(world):
    (made,) = world.itglue.there.keys() - world.before[0].keys()
    there = world.itglue.there[made]
    world.revert()
    lines = map(json.loads, Path(world.journal).read_text(encoding="utf-8").splitlines())
    rows = [row for line in lines if line.get("kind") == "itglue.delete" for row in line["rows"]]
    assert rows == [{"id": made, "before": encode(there), "after": {}}]


def test_it_is_recorded_in_the_same_journal_and_not_reverted_itself(world):
    writes = read_journal(world.journal).writes
    world.revert()
    content = Path(world.journal).read_text(encoding="utf-8")
    assert '"reverts": true' in content and '"itglue.delete"' in content
    assert read_journal(world.journal).writes == writes


def test_a_run_after_it_can_be_reverted_again(world):
    world.revert()
    world.run(journal_file=world.journal)
    assert world.itglue.there != world.before[0]
    assert {kind for kind, dummy in reported(world.revert())} == {"remove", "restore", "restore_in_bms"}
    assert world.itglue.there == world.before[0]


def test_the_journal_of_another_organization(world):
    world.itglue.named["Client Ltd"] = replace(world.itglue.named["Client Ltd"], id=2)
    with pytest.raises(InputError, match="that of the organization 1, not of 'Client Ltd' \\(2\\)"):
        world.revert()


def test_no_other_run_comes_in_between(world):
    """The lock counts between processes; here the other run is one of the same process."""
    with RunLock(world.itglue.base_url) as run_lock:
        run_lock.acquire(world.itglue.named["Client Ltd"])
        with pytest.raises(SyncError, match="nothing was reverted"):
            world.revert()
    assert world.deleted == []


def test_what_another_run_has_written_until_it_let_go_of_the_lock_is_reverted_too(world, monkeypatch):
    acquire, made = RunLock.acquire, []

    def after_another(run_lock, organization):
        made.extend(many(world, 1))
        acquire(run_lock, organization)

    monkeypatch.setattr(RunLock, "acquire", after_another)
    outcome = world.revert()
    assert [("remove", ident) for ident in made] == reported(outcome)[:1]


def recorder(world) -> FileJournal:
    """The journal of one more run."""
    return FileJournal(world.journal, {**read_journal(world.journal).head, "version": "1.0.0"})


def many(world, count: int = 3) -> list[int]:
    """More contacts that the run has created."""
    journal = recorder(world)
    rows = [encode(ready(None, f"new{number}.lee")) for number in range(count)]
    with journal.record(WriteKind.ITGLUE_CREATE, [{"id": None, "before": {}, "after": row} for row in rows]) as entry:
        made = world.itglue.create_contacts(1, rows)
        entry.written = [Written(each.id, each.updated_at) for each in made]
    journal.close()
    return [each.id for each in made]


def test_contacts_are_removed_by_id_in_one_request(world, monkeypatch):
    ids = many(world)
    outcome = world.revert()
    assert world.deleted[0] == ids[::-1]
    assert outcome.remainders == []


def test_and_not_too_many_at_once(world, monkeypatch):
    monkeypatch.setattr(reverting, "BULK", 2)
    ids = many(world, 5)
    world.revert()
    assert [len(each) for each in world.deleted[:3]] == [2, 2, 1]
    assert [each for bulk in world.deleted[:3] for each in bulk] == ids[::-1]


def test_one_that_cannot_be_removed_does_not_keep_the_others(world):
    ids = many(world)
    world.itglue.faults.append(Fault("delete_contacts", rejected(), times=99, when=lambda each: ids[1] in each))
    foreseen = reported(world.revert(preview=True))
    outcome = world.revert()
    assert sorted(reported(outcome)) == sorted(each for each in foreseen if each != ("remove", ids[1]))
    assert sorted(each for bulk in world.deleted for each in bulk)[-2:] == [ids[0], ids[2]]
    assert [(each.id, each.reason.code, each.failure.code) for each in outcome.remainders] == [
        (ids[1], "write_rejected", "rejected")
    ]
    assert list(world.itglue.there) == [*world.before[0], ids[1]]


def test_a_field_that_is_locked_does_not_keep_the_others(world):
    there = world.itglue.there[72]
    journal, after = recorder(world), {"first-name": "Anna", "location-id": None}
    row = {"id": 72, "before": encode(there, after), "after": after}
    with journal.record(WriteKind.ITGLUE_UPDATE, [row]):
        world.itglue.update_contact(72, after)
    journal.close()
    world.itglue.locked[72] = {"first-name"}
    outcome = world.revert()
    assert [(each.id, each.fields) for each in outcome.remainders] == [(72, ("first-name",))]
    assert (world.itglue.there[72].first_name, world.itglue.there[72].location_id) == ("Anna", 10)


def test_fields_of_a_bms_contact_that_are_refused_together_are_tried_once(world):
    journal, there = recorder(world), world.bms.there[90211]
    before, after = {"JobTitle": there.job_title, "IsActive": True}, {"JobTitle": "Chief", "IsActive": False}
    with journal.record(WriteKind.BMS_SET, [{"id": 90211, "before": before, "after": after}]) as entry:
        world.bms.set_contact(90211, after)
        entry.written = [Written(90211)]
    journal.close()
    refused = Fault("set_contact", rejected(service="bms"), times=99, when=lambda ident, values: len(values) > 1)
    world.bms.faults.append(refused)
    outcome = world.revert()
    assert refused.seen == 1
    assert (90211, ("JobTitle", "IsActive")) in [(each.id, each.fields) for each in outcome.remainders]
    assert not world.bms.there[90211].active


@pytest.mark.parametrize("error", [quota(), gone()])
def test_a_service_that_is_gone_is_not_asked_again_and_the_next_time_goes_on(world, error):
    many(world)
    world.itglue.faults.append(Fault("delete_contacts", error, times=99))
    world.itglue.faults.append(Fault("update_contact", error, times=99))
    world.itglue.calls.clear()
    outcome = world.revert()
    assert world.itglue.calls["delete_contacts"] + world.itglue.calls["update_contact"] == 1
    assert {step.kind for step in outcome.steps} == {"deactivate", "restore_in_bms"}
    assert {each.service for each in outcome.remainders} == {"itglue"}
    assert "not_tried" in codes(outcome)
    world.itglue.faults.clear()
    assert world.revert().remainders == []
    assert world.itglue.there == world.before[0]


def test_bms_that_is_gone_does_not_keep_what_is_in_it_glue(world):
    many(world)
    world.bms.faults.append(Fault("set_contact", gone("bms"), times=99))
    world.bms.calls.clear()
    outcome = world.revert()
    assert world.bms.calls["set_contact"] == 1
    assert {step.kind for step in outcome.steps} == {"remove", "restore"}
    assert {each.service for each in outcome.remainders} == {"bms"}
    assert world.itglue.there == world.before[0]


def test_what_it_glue_does_not_show_is_not_reported_as_done(world):
    world.itglue.hides = {"title"}
    world.itglue.stamp = "2026-11-23T12:00:00.000Z"
    outcome = world.revert()
    assert '"read_back": [{"id": 72, "updated_at": "2026-11-23T12:00:00.000Z"}]' in Path(world.journal).read_text()
    assert ("restore", 72) not in reported(outcome)
    assert [(each.id, each.fields, each.reason.code) for each in outcome.remainders] == [
        (72, ("title",), "not_shown_after_write")
    ]


def test_a_contact_that_is_shown_after_its_removal_is_not_reported_as_removed(world):
    (ident,) = many(world, 1)
    world.itglue.delete_contacts = lambda ids: world.deleted.append(list(ids))
    outcome = world.revert()
    assert ident in world.deleted[0]
    assert ("remove", ident) not in reported(outcome)
    assert (ident, (), "not_shown_after_write") in [
        (each.id, each.fields, each.reason.code) for each in outcome.remainders
    ]


def test_a_removal_that_is_shown_hides_nothing_that_is_not(world):
    many(world)
    world.itglue.hides = {"title"}
    outcome = world.revert()
    assert {step.kind for step in outcome.steps} >= {"remove"}
    assert (72, ("title",)) in [(each.id, each.fields) for each in outcome.remainders]


def test_what_cannot_be_read_back_is_a_warning(world):
    world.itglue.faults.append(Fault("contacts", gone(), nth=2, times=9))
    outcome = world.revert()
    assert outcome.remainders == []
    assert [each.code for each in outcome.warnings] == ["not_read_back"]

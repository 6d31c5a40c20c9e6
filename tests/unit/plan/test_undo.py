# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking back: what is undone, what is not, and why."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.attributes import encode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, NotFoundError, SyncError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsEmail,
    BmsPhone,
    Email,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.undo import (
    BMS_CREATE,
    BMS_SET,
    ITGLUE_CREATE,
    ITGLUE_UPDATE,
    Remainder,
    Step,
    Write,
    undo,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import revert as reverting
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import read_journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run_lock import RunLock
from tests.unit.engine.builders import in_bms, linked, options, ready
from tests.unit.plan.test_plan_documents import World
from tests.unit.sync.fakes import FakeClients, Fault, gone, quota, rejected

ANN = ready(72)
LINK = (Adapter("Kaseya BMS", "90211", sync=True),)


def created(contact, *, known: bool = True, error: str | None = None) -> Write:
    row = {"id": None, "before": {}, "after": encode(contact)}
    return Write(ITGLUE_CREATE, (row,), (contact.id,) if known else None, error)


def updated(before, after, *, ident: int = 72, known: bool = True, error: str | None = None) -> Write:
    return Write(ITGLUE_UPDATE, ({"id": ident, "before": before, "after": after},), (ident,) if known else None, error)


def pushed(contact, *, known: bool = True, error: str | None = None) -> Write:
    row = {"id": None, "before": {}, "after": asdict(replace(contact, id=None))}
    return Write(BMS_CREATE, (row,), (contact.id,) if known else None, error)


def put(before, after, *, ident: int = 90211, error: str | None = None) -> Write:
    return Write(BMS_SET, ({"id": ident, "before": before, "after": after},), None if error else (ident,), error)


def kinds(undoing) -> list[tuple[str, int]]:
    return [(step.kind, step.id) for step in undoing.steps]


# ------------------------------------------------------------- created in IT Glue


def test_a_created_contact_is_removed():
    undoing = undo([created(ANN)], [ANN], [])
    assert undoing.steps == [Step("remove", 72, encode(ANN), {}, "Ann Lee")]
    assert undoing.remainders == []


def test_one_that_is_gone_needs_nothing():
    assert undo([created(ANN)], [ready(73)], []) == undo([], [], [])


def test_one_that_was_changed_since_stays_and_is_told():
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
    assert "changed since" in left.reason


@pytest.mark.parametrize("link", [{"adapters": LINK}, {"psa_integration": "enabled"}])
def test_one_that_was_linked_since_stays_and_is_told(link):
    undoing = undo([created(ANN)], [replace(ANN, **link)], [])
    assert undoing.steps == []
    assert [(each.id, each.fields) for each in undoing.remainders] == [(72, ())]
    assert "linked to another system since" in undoing.remainders[0].reason


def test_what_it_glue_makes_of_a_number_is_no_change():
    sent = replace(ANN, phones=(Phone("+1 (415) 555-0100", "Office", primary=True),))
    shown = replace(ANN, phones=(Phone("14155550100", "Office", primary=True),))
    assert kinds(undo([created(sent)], [shown], [])) == [("remove", 72)]


@pytest.mark.parametrize("error", [None, "OutcomeUnknownError", "RejectedError"])
def test_a_create_of_unknown_outcome_is_found_by_what_was_sent(error):
    write = created(ANN, known=False, error=error)
    assert kinds(undo([write], [ANN, ready(73, "bob.lee")], [])) == [("remove", 72)]
    assert undo([write], [ready(73, "bob.lee")], []).steps == []


def test_of_several_that_are_alike_none_is_removed_and_all_are_told():
    undoing = undo([created(ANN, known=False)], [ANN, ready(73)], [])
    assert undoing.steps == []
    (left,) = undoing.remainders
    assert (left.id, left.name) == (None, "Ann Lee")
    assert "72, 73 are alike" in left.reason


def test_a_contact_that_was_there_before_is_not_taken_for_the_created_one():
    """It is named by another write of the run."""
    undoing = undo([created(ANN, known=False), updated({"title": None}, {"title": "x"})], [ANN], [])
    assert undoing.steps == []


@pytest.mark.parametrize(
    "error", ["QuotaExceededError", "UnavailableError", "AuthenticationError", "PermissionDeniedError"]
)
def test_what_was_surely_not_carried_out_needs_nothing(error):
    writes = [
        created(ANN, known=False, error=error),
        updated({"title": "Clerk"}, {"title": None}, known=False, error=error),
        pushed(in_bms(90211), known=False, error=error),
        put({"JobTitle": "x"}, {"JobTitle": None}, error=error),
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
    assert undoing.remainders == [Remainder("itglue", 72, "Ann Lee", ("title",), "They have been changed since.")]


def test_what_holds_its_former_value_needs_nothing():
    assert undo([updated({"title": None}, {"title": "Boss"})], [ANN], []) == undo([], [], [])


def test_arrays_are_restored_whole():
    before, after = (encode(each, ["contact-emails"]) for each in (ANN, ready(72, "zoe.lee")))
    (step,) = undo([updated(before, after)], [ready(72, "zoe.lee")], []).steps
    assert dict(step.after) == before


def test_an_updated_contact_that_is_gone_is_told():
    undoing = undo([updated({"title": None}, {"title": "Boss"})], [], [])
    assert [(each.id, each.fields, each.reason) for each in undoing.remainders] == [
        (72, ("title",), "The contact is gone from IT Glue.")
    ]


@pytest.mark.parametrize(
    ("error", "steps"), [("OutcomeUnknownError", 1), (None, 1), ("RejectedError", 0), ("NotFoundError", 0)]
)
def test_an_update_of_unknown_outcome_is_undone_where_it_shows(error, steps):
    write = updated({"title": None}, {"title": "Boss"}, known=False, error=error)
    assert len(undo([write], [replace(ANN, title="Boss")], []).steps) == steps
    assert undo([write], [ANN], []).steps == []


@pytest.mark.parametrize("error", ["RejectedError", "NotFoundError"])
def test_a_refused_bulk_is_undone_where_it_was_taken_in_part(error):
    """Bob's row was not taken, Cid is the one who is missing."""
    rows = [updated({"title": None}, {"title": "Boss"}, ident=each).rows[0] for each in (72, 73, 74)]
    write = Write(ITGLUE_UPDATE, tuple(rows), error=error)
    (step,) = undo([write], [replace(ANN, title="Boss"), ready(73, "bob.lee")], []).steps
    assert (step.kind, step.id, dict(step.after)) == ("restore", 72, {"title": None})
    assert undo([write], [ANN, ready(73, "bob.lee")], []) == undo([], [], [])


def test_what_two_writes_have_changed_is_told_once():
    """A bulk, refused, and the same contact by itself."""
    alone = updated({"title": None}, {"title": "Boss"})
    bulk = Write(ITGLUE_UPDATE, (*alone.rows, *alone.rows), error="RejectedError")
    undoing = undo([bulk, alone], [replace(ANN, title="Director")], [])
    assert undoing.remainders == [Remainder("itglue", 72, "Ann Lee", ("title",), "They have been changed since.")]


# ------------------------------------------------------------------------- BMS


def test_a_created_bms_contact_is_deactivated_and_its_title_left():
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee", job_title="Boss")
    undoing = undo([pushed(there), put({"JobTitle": None}, {"JobTitle": "Boss"})], [], [there])
    assert undoing.steps == [Step("deactivate", 90211, {"IsActive": True}, {"IsActive": False}, "Ann Lee")]


def test_an_inactive_or_missing_one_needs_nothing():
    there = in_bms(90211, active=False)
    assert undo([pushed(there)], [], [there]).steps == []
    assert undo([pushed(there)], [], []) == undo([], [], [])


def test_a_push_of_unknown_outcome_is_found_by_what_was_sent():
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee")
    write = pushed(there, known=False, error="OutcomeUnknownError")
    others = [replace(there, id=1, first_name="Zoe"), replace(there, id=2, emails=())]
    assert kinds(undo([write], [], [there, *others])) == [("deactivate", 90211)]
    several = undo([write], [], [there, replace(there, id=90212)])
    assert (several.steps, [each.service for each in several.remainders]) == ([], ["bms"])


def test_fields_of_a_bms_contact_get_their_former_values():
    there = in_bms(90211, job_title="Boss", active=False)
    before = {"JobTitle": None, "IsActive": True}
    (step,) = undo([put(before, {"JobTitle": "Boss", "IsActive": False})], [], [there]).steps
    assert (step.kind, dict(step.before), dict(step.after)) == (
        "restore_in_bms",
        {"JobTitle": "Boss", "IsActive": False},
        before,
    )


def test_those_that_were_changed_since_are_told():
    undoing = undo([put({"JobTitle": None}, {"JobTitle": "Boss"})], [], [in_bms(90211, job_title="Head")])
    assert undoing.steps == []
    assert [(each.service, each.fields) for each in undoing.remainders] == [("bms", ("JobTitle",))]
    lost = undo([put({"JobTitle": None}, {"JobTitle": "Boss"})], [], [])
    assert lost.remainders[0].reason == "The contact is gone from BMS."


def lists(*rows, kind="Emails"):
    value = {"Emails": "address", "Phones": "number"}[kind]
    return {kind: [{value: each, "type_id": 1, "type_name": "Work", "default": default} for each, default in rows]}


def test_lists_of_a_bms_contact_are_taken_back_as_bms_spells_them():
    before = lists(("3315550199", True), kind="Phones")
    after = lists(("3315550199", False), ("+1 415 555 0100", True), kind="Phones")
    there = in_bms(90211, phones=(BmsPhone("14155550100", 1, None, True), BmsPhone("331-555-0199", 1)))
    (step,) = undo([put(before, after)], [], [there]).steps
    assert [each["number"] for each in step.before["Phones"]] == ["331-555-0199", "14155550100"]
    assert step.after == before


def test_lists_of_a_bms_contact_that_were_changed_since_are_told():
    before, after = lists(("a@x.io", True)), lists(("a@x.io", True), ("b@x.io", False))
    undoing = undo([put(before, after)], [], [in_bms(90211, "a@x.io", "c@x.io")])
    assert (undoing.steps, [each.fields for each in undoing.remainders]) == ([], [("Emails",)])
    assert undo([put(before, after)], [], [in_bms(90211, "a@x.io")]) == undo([], [], [])


ONE_DEFAULT = "BMS keeps one default entry, never none and never several."


@pytest.mark.parametrize("before", [lists(), lists(("a@x.io", False))], ids=["the-only-entry", "the-only-default"])
def test_bms_keeps_a_default_entry(before):
    undoing = undo([put(before, lists(("a@x.io", True)))], [], [in_bms(90211, "a@x.io")])
    assert [(each.fields, each.reason) for each in undoing.remainders] == [(("Emails",), ONE_DEFAULT)]
    assert undoing.steps == []


@pytest.mark.parametrize("was_default", [True, False], ids=["several-defaults", "no-default"])
def test_entries_come_back_where_the_default_cannot(was_default):
    before = lists(("a@x.io", was_default), ("b@x.io", was_default))
    after = lists(("a@x.io", False), ("b@x.io", False), ("c@x.io", True))
    emails = (BmsEmail("a@x.io", 1), BmsEmail("b@x.io", 1), BmsEmail("c@x.io", 1, None, True))
    there = replace(in_bms(90211), emails=emails)
    undoing = undo([put(before, after)], [], [there])
    assert [step.after for step in undoing.steps] == [before]
    assert [(each.fields, each.reason) for each in undoing.remainders] == [(("Emails",), ONE_DEFAULT)]


# ----------------------------------------------------------------------- several


def test_the_last_write_is_taken_back_first():
    first = updated({"title": None}, {"title": "Clerk"})
    second = updated({"title": "Clerk"}, {"title": "Boss"})
    undoing = undo([first, second], [replace(ANN, title="Boss")], [])
    assert [dict(step.after) for step in undoing.steps] == [{"title": "Clerk"}, {"title": None}]


def test_a_contact_that_was_created_and_then_changed_by_the_next_run_is_removed():
    writes = [created(ANN), updated({"title": None}, {"title": "Boss"})]
    undoing = undo(writes, [replace(ANN, title="Boss")], [])
    assert kinds(undoing) == [("restore", 72), ("remove", 72)]


def test_rows_of_a_bulk_are_taken_back_one_by_one():
    rows = tuple({"id": ident, "before": {"title": None}, "after": {"title": "Boss"}} for ident in (72, 73))
    there = [ready(72, title="Boss"), ready(73, title="Head")]
    undoing = undo([Write(ITGLUE_UPDATE, rows, (72, 73))], there, [])
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
        return reverting.revert(clients, "Client Ltd", self.journal, preview=preview, version="1.0.0")


@pytest.fixture
def world(tmp_path) -> Reverting:
    return Reverting(tmp_path)


def test_what_followed_in_bms_is_taken_back(tmp_path):
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
    outcome = reverting.revert(clients, "Client Ltd", journal, preview=False, version="1.0.0")
    assert told(outcome) == [
        ("restore_in_bms", 90212),
        ("restore_in_bms", 90212),
        ("restore_in_bms", 90212),
        ("restore", 72),
    ]
    assert (outcome.remainders, world.itglue.there, world.bms.there) == ([], itglue, bms)


def told(outcome) -> list:
    return [(each.kind, each.id) for each in outcome.steps]


def test_a_run_is_taken_back(world):
    foreseen = world.revert(preview=True)
    assert world.deleted == []
    outcome = world.revert()
    assert (foreseen.steps, foreseen.remainders) == (outcome.steps, outcome.remainders)
    assert outcome.remainders == []
    itglue, bms = world.before
    assert world.itglue.there == itglue
    assert {ident: each for ident, each in world.bms.there.items() if ident in bms} == bms
    assert not any(each.active for ident, each in world.bms.there.items() if ident not in bms)


def test_twice_is_nothing(world):
    world.revert()
    before = world.written(), list(world.deleted), Path(world.journal).read_text(encoding="utf-8")
    assert (world.revert(preview=True).steps, world.revert().steps) == ([], [])
    assert (world.written(), world.deleted, Path(world.journal).read_text(encoding="utf-8")) == before


def test_it_is_told_to_the_same_journal_and_not_taken_back_itself(world):
    writes = read_journal(world.journal)[1]
    world.revert()
    content = Path(world.journal).read_text(encoding="utf-8")
    assert '"reverts": true' in content and '"itglue.delete"' in content
    assert read_journal(world.journal)[1] == writes


def test_a_run_after_it_can_be_taken_back_again(world):
    world.revert()
    world.run(journal_file=world.journal)
    assert world.itglue.there != world.before[0]
    assert {kind for kind, dummy in told(world.revert())} == {"remove", "restore", "restore_in_bms"}
    assert world.itglue.there == world.before[0]


def test_the_journal_of_another_organization(world):
    world.itglue.named["Client Ltd"] = replace(world.itglue.named["Client Ltd"], id=2)
    with pytest.raises(InputError, match="that of the organization 1, not of 'Client Ltd' \\(2\\)"):
        world.revert()


def test_no_other_run_comes_in_between(world):
    """The lock counts between processes; here the other turn is one of the same process."""
    with RunLock(world.itglue.base_url) as turn:
        turn.acquire(world.itglue.named["Client Ltd"])
        with pytest.raises(SyncError, match="nothing was taken back"):
            world.revert()
    assert world.deleted == []


def many(world, count: int = 3) -> list[int]:
    """More contacts that the run has created."""
    recorder = reverting.Journal(world.journal, read_journal(world.journal)[0] | {"version": "1.0.0"})
    itglue = reverting.RecordedItGlue(world.itglue, recorder, [])
    made = itglue.create_contacts(1, [encode(ready(None, f"new{number}.lee")) for number in range(count)])
    recorder.close()
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
    outcome = world.revert()
    assert sorted(each for bulk in world.deleted for each in bulk)[-2:] == [ids[0], ids[2]]
    assert [(each.id, each.reason) for each in outcome.remainders] == [
        (ids[1], "Refused: Cannot update a synced resource.")
    ]
    assert list(world.itglue.there) == [*world.before[0], ids[1]]


def test_a_field_that_is_locked_does_not_keep_the_others(world):
    there = world.itglue.there[72]
    recorder = reverting.Journal(world.journal, read_journal(world.journal)[0] | {"version": "1.0.0"})
    itglue = reverting.RecordedItGlue(world.itglue, recorder, [there])
    itglue.update_contact(72, {"first-name": "Anna", "location-id": None})
    recorder.close()
    world.itglue.locked[72] = {"first-name"}
    outcome = world.revert()
    assert [(each.id, each.fields) for each in outcome.remainders] == [(72, ("first-name",))]
    assert (world.itglue.there[72].first_name, world.itglue.there[72].location_id) == ("Anna", 10)


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
    assert any(each.reason.startswith("Not tried: ") for each in outcome.remainders)
    world.itglue.faults.clear()
    assert world.revert().remainders == []
    assert world.itglue.there == world.before[0]


def test_what_it_glue_does_not_show_is_not_reported_as_done(world):
    world.itglue.hides = {"title"}
    outcome = world.revert()
    assert ("restore", 72) not in told(outcome)
    assert [(each.id, each.fields, each.reason) for each in outcome.remainders] == [
        (72, ("title",), "IT Glue accepted it but does not show it.")
    ]


def test_what_cannot_be_read_back_is_a_warning(world):
    world.itglue.faults.append(Fault("contacts", gone(), nth=2, times=9))
    outcome = world.revert()
    assert outcome.remainders == []
    assert ["could not be read back" in each for each in outcome.warnings] == [True]

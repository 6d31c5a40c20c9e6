# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the writer to IT Glue takes over of a plan that is made anew while it works, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Contact, ItGlueId
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    Subject,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode, because
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.bms_writer import BmsWriter
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.itglue_writer import ItGlueWriter
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import Journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import BULK, Outcomes
from tests.unit.engine.builders import in_bms, ready
from tests.unit.sync.fakes import FakeBms, FakeItGlue, Fault, rejected
from tests.unit.sync.running import Row

RETURNS = BmsPart(Push.OFF, 5, None, {"IsActive": False, "JobTitle": None}, {"IsActive": True, "JobTitle": "Boss"})
SET = BmsPart(Push.OFF, 6, None, {"JobTitle": None}, {"JobTitle": "Boss"})
"""What is left to do in BMS for who is active there."""


def update(title: str, *, name: str = "ann", ident: int = 1, bms: BmsPart = SET) -> Operation:
    """Somebody gets a title, and loses the type of departed people."""
    before, after = {"title": None, "contact-type-id": 31}, {"title": title, "contact-type-id": 24}
    contact = ready(ident, f"{name}.lee", title=title, contact_type_id=24)
    return Operation(UserSubject(name, f"id-{name}"), ItGluePart(Action.UPDATE, ident, before, after, contact), bms)


class Written(Journal):
    """Keeps the rows that are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list = []

    def record(self, kind, rows):
        self.rows += rows
        return super().record(kind, rows)


@dataclass
class Looked:
    """A plan that is another one at each look; `looks` are the operations of each, and `due` is how many there are to
    be by now."""

    contacts: tuple[Contact, ...]
    looks: list[list[Operation]]
    due: int
    read_at: float = 0.0
    looked_at: float | None = None
    tried: list[Mapping[Subject, ItGlueId | None]] = field(default_factory=list)

    @property
    def is_stale(self) -> bool:
        return len(self.tried) < self.due

    def look_again(self, tried) -> list[Operation]:
        self.contacts = tuple(replace(each, title="Trainee") for each in self.contacts)
        self.tried.append(dict(tried))
        return self.looks[len(self.tried) - 1]


class Updated:
    """What becomes of `planned` operations where the looks give others. `refuses` says that BMS makes nobody active.
    The last look is due only after something was written where it `pauses`."""

    def __init__(self, planned: list[Operation], *looks: list[Operation], refuses=False, pauses=False) -> None:
        there = [ready(each.itglue.contact_id, f"{each.user}.lee", contact_type_id=31) for each in planned]
        present = [in_bms(5, "ann.lee@client.example", active=False)]
        faults = [Fault("set_contact", rejected(said="No", service="bms"))] if refuses else []
        self.itglue, self.journal, self.outcomes = FakeItGlue(there), Written(), Outcomes(planned)
        self.fresh = Looked(tuple(there), list(looks), len(looks) - pauses)
        writer = ItGlueWriter(self.itglue, self.journal, self.outcomes, 1, self.fresh, self.pause)
        in_account = BmsWriter(FakeBms(present, *faults), self.journal, self.outcomes, 2528, present)
        writer.set_in_bms = in_account.set_active()
        writer.update()
        self.sent = [row for what, rows in self.itglue.writes for row in rows]

    def pause(self, line: str) -> None:
        self.fresh.due = len(self.fresh.looks)

    def __getitem__(self, name: str) -> Row:
        return next(Row(each) for each in self.outcomes if each.user == name)


def test_what_is_planned_anew_is_written_as_it_is_by_now():
    fresh = update("Chief")
    done = Updated([update("Clerk")], [fresh])
    assert (done["ann"].operation, done.sent) == (fresh, [(1, fresh.itglue.after)])
    assert done.journal.rows[-1]["before"] == {"title": "Trainee", "contact-type-id": 31}, "as it was looked at last"


def test_what_a_second_look_finds_takes_the_place_of_the_first():
    done = Updated([update("Clerk")], [update("Chief")], [update("Head")])
    assert done.sent == [(1, update("Head").itglue.after)]


def test_a_plan_that_is_as_it_was_restores_nothing_that_bms_has_refused():
    """The person stays departed in IT Glue as well; the title is written."""
    planned = update("Clerk", bms=RETURNS)
    done = Updated([planned], [planned], refuses=True)
    assert done.sent == [(1, {"title": "Clerk"})]
    assert (done["ann"].codes, done["ann"].after) == (("return_deferred",), {"title": "Clerk"})


def test_what_is_planned_anew_waits_where_bms_has_refused_a_part_of_what_was_planned():
    done = Updated([update("Clerk", bms=RETURNS)], [update("Chief", bms=RETURNS)], refuses=True)
    ann = done["ann"]
    assert (done.sent, ann.action, ann.after, ann.bms_after) == ([], "deferred", {}, {})
    assert ann.codes == ("return_deferred", "changed_since_read")
    assert ann.operation.reasons[-1] == because(ReasonCode.CHANGED_SINCE_READ, changed=[])


def test_a_push_waits_too_where_bms_has_refused_a_part_of_what_was_planned():
    pushed = RETURNS._replace(push=Push.PENDING)
    done = Updated([update("Clerk", bms=pushed)], [update("Chief", bms=pushed)], refuses=True)
    assert (done["ann"].action, done["ann"].push) == ("deferred", "deferred")


def test_who_has_failed_in_bms_is_not_planned_anew():
    planned, bob = update("Clerk", bms=RETURNS), update("Clerk", name="bob", ident=2)
    typed = planned._replace(itglue=planned.itglue.with_only({"contact-type-id"}))
    done = Updated([typed, bob], [update("Chief"), bob], refuses=True)
    assert done.sent == [(2, bob.itglue.after)]
    assert (done["ann"].action, done["ann"].codes) == ("failed", ("write_rejected",))


def test_whose_contact_was_to_stay_as_it_is_gets_nothing_that_was_not_planned():
    """Whether such a person is still to be pushed is looked at right before that."""
    planned = update("Clerk", bms=BmsPart(Push.PUSHED))
    unchanged, bob = planned._replace(itglue=planned.itglue.with_only(())), update("Clerk", name="bob", ident=2)
    done = Updated([unchanged, bob], [update("Chief"), bob])
    assert (done["ann"].operation, done.sent) == (unchanged, [(2, bob.itglue.after)])


@pytest.mark.parametrize("title", ["Clerk", "Chief"], ids=["as-it-was", "anew"])
def test_what_the_run_has_done_in_bms_stays_reported_though_a_fresh_plan_finds_it_done(title):
    done = Updated([update("Clerk", bms=RETURNS)], [update(title)])
    assert done.sent == [(1, update(title).itglue.after)]
    assert done["ann"].operation == update(title, bms=RETURNS)


def test_a_second_look_at_what_the_run_has_done_in_bms_changes_nothing():
    done = Updated([update("Clerk", bms=RETURNS)], [update("Clerk")], [update("Clerk")])
    assert done["ann"].operation == update("Clerk", bms=RETURNS)


def test_somebody_who_is_only_in_the_fresh_plan_is_left_to_the_next_run():
    done = Updated([update("Clerk")], [update("Clerk", name="bob", ident=2), update("Chief")])
    assert (len(list(done.outcomes)), done.sent) == (1, [(1, update("Chief").itglue.after)])


def test_what_was_tried_stays_as_it_is_and_the_look_knows_of_it():
    names = [f"u{number:03}" for number in range(BULK + 1)]
    planned = [update("Clerk", name=name, ident=number) for number, name in enumerate(names, 1)]
    anew = [update("Chief", name=name, ident=number) for number, name in enumerate(names, 1)]
    done = Updated(planned, planned, anew, pauses=True)
    assert [attributes["title"] for dummy, attributes in done.sent] == ["Clerk"] * BULK + ["Chief"]
    assert [done[name].after["title"] for name in (names[0], names[-1])] == ["Clerk", "Chief"]
    assert done.fresh.tried == [{}, {each.subject: each.itglue.contact_id for each in planned[:BULK]}]

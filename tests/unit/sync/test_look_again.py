# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Others write between the reading and the writing: nothing of theirs is lost, nobody is doubled, all is reported."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    NotFoundError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter, Email, Phone
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import planned_run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as runs
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.look_again import (
    MARGIN,
    STALE_AFTER,
    contacts_by_now,
    read_since,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import BULK
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run_lock import RunLock
from tests.unit.engine.builders import contact, in_bms, options, person, ready
from tests.unit.plan.test_plan_documents import ANN, PUSHING, World
from tests.unit.sync.fakes import Fault, gone, quota, rejected, unclear
from tests.unit.sync.running import Row

LONG_AGO, NOW = "2020-01-01T00:00:00.000Z", "2199-01-01T00:00:00.000Z"
LINK = {"psa_integration": "enabled", "adapters": (Adapter("Kaseya BMS", "90300", sync=True),)}


class Busy(World):
    """A world in which somebody else acts while a run works: `meanwhile[method]` right before that request."""

    def __init__(self, directory) -> None:
        super().__init__(directory)
        for ident, known in self.itglue.there.items():
            self.itglue.there[ident] = replace(known, updated_at=LONG_AGO)
        self.itglue.stamp = NOW
        self.meanwhile = {}
        for service in (self.itglue, self.bms):
            service.called = self._called(service, service.called)

    def _called(self, service, called):
        def first(method, *args):
            if action := self.meanwhile.pop((service, method), None):
                action()
            return called(method, *args)

        return first

    def before(self, service, method, action) -> None:
        self.meanwhile[service, method] = action

    def edit(self, ident, **values) -> None:
        """What a technician saves; a link alone is none."""
        stamp = {} if values.keys() <= LINK.keys() else {"updated_at": NOW}
        self.itglue.there[ident] = replace(self.itglue.there[ident], **values, **stamp)

    def add(self, made) -> None:
        self.itglue.there[made.id] = replace(made, updated_at=NOW)


@pytest.fixture
def world(tmp_path) -> Busy:
    return Busy(tmp_path)


def by_user(outcome) -> dict:
    return {each.user.partition(".")[0]: Row(each) for each in outcome.operations}


def look(world, action) -> None:
    """Let somebody act right before the run looks again."""
    world.before(world.itglue, "changed_contacts", action)


# ----------------------------------------------------------------- what it costs


def test_a_run_that_creates_looks_again_reads_back_and_looks_for_duplicates(world):
    world.run()
    # Before the creates, before the updates, the read-back, and for duplicates: one request each.
    assert (world.itglue.calls["changed_contacts"], world.itglue.calls["contacts"]) == (4, 1)
    assert world.bms.calls["contacts"] == 3, "the reading, right before the create, and for duplicates"


class Waits:
    """The pauses of a run: how long after a look it has created, and what it has read of both services by then."""

    def __init__(self, world) -> None:
        self.world, self.of = world, []

    def wait(self, looked_at, created_at) -> None:
        calls = self.world.itglue.calls["changed_contacts"], self.world.bms.calls["contacts"]
        self.of.append((created_at - looked_at, calls))


def test_a_run_that_creates_waits_for_others_before_it_looks_for_duplicates(world, monkeypatch):
    """As long as it took from the look before the create, whenever it has looked since."""
    waits = Waits(world)
    monkeypatch.setattr(runs, "wait_for_others", waits.wait)
    world.run()
    assert [calls for took, calls in waits.of] == [(3, 2), (3, 2)]
    assert all(0 < took < 60 for took, calls in waits.of)
    waits.of.clear()
    world.run()
    assert waits.of == []


def test_a_run_that_only_updates_takes_one_more_request_to_it_glue(world):
    world.graph.there = [each for each in world.graph.there if each.given_name != "Bob"]
    world.store.bms = None
    world.run()
    assert world.itglue.calls["changed_contacts"] == 1


def test_what_a_run_plans_is_deferred_where_another_one_writes_and_a_preview_needs_no_lock(world):
    with RunLock(world.itglue.base_url) as run_lock:
        run_lock.acquire(world.itglue.named["Client Ltd"])
        assert by_user(world.run(preview=True))["bob"].action == "create"
        outcome = world.run()
    bob = by_user(outcome)["bob"]
    assert (bob.action, bob.codes[-1], world.written()) == ("deferred", "run_lock_busy", 0)
    assert (outcome.deferred, outcome.warnings[-1].code) == (True, "nothing_written")
    assert not world.run().deferred


def test_a_contact_that_was_created_is_among_those_of_the_run(world):
    world.graph.there = [each for each in world.graph.there if each.given_name == "Bob"]
    outcome = world.run()
    assert by_user(outcome)["bob"].contact_id in {each.id for each in outcome.read.snapshot.contacts}


def test_a_contact_that_was_created_is_reported_where_it_cannot_be_read_back(world):
    world.graph.there = [each for each in world.graph.there if each.given_name == "Bob"]
    world.itglue.faults.append(Fault("changed_contacts", gone(), nth=2, times=9))
    bob = by_user(world.run())["bob"]
    assert (bob.action, bob.contact_id, bob.push) == ("create", max(world.itglue.there), "deferred")


def test_a_run_that_writes_nothing_looks_at_nothing(world):
    """Nor in BMS, where the first run has found or created everybody."""
    world.run()
    for service in (world.itglue, world.bms):
        service.calls.clear()
    world.run()
    assert (world.itglue.calls["changed_contacts"], world.bms.calls["contacts"]) == (0, 0)


def test_a_preview_looks_at_nothing(world):
    world.run(preview=True)
    assert world.itglue.calls["changed_contacts"] == 0


# -------------------------------------------------------------------- IT Glue


def test_what_somebody_has_added_to_a_contact_is_still_there(world, tmp_path):
    """Arrays are sent whole, so those of the reading would take it away."""
    journal = tmp_path / "journal"
    known = world.itglue.there[72]
    emails = (*known.emails, Email("ann@home.example", "Home"))
    phones = (*known.phones, Phone("4155550199", "Home"))
    # Both arrays change by the run, too.
    world.graph.there[0] = replace(world.graph.there[0], mail="ann.new@client.example", mobile_phone="415-555-0155")
    look(world, lambda: world.edit(72, emails=emails, phones=phones))

    ann = by_user(world.run(journal_file=str(journal)))["ann"]
    there = world.itglue.there[72]
    assert ann.action == "update"
    assert {"ann@home.example", "ann.new@client.example"} <= {each.value for each in there.emails}
    assert {"4155550199", "4155550155"} <= {each.value for each in there.phones}
    rows = [row for line in map(json.loads, journal.read_text().splitlines()) for row in line.get("rows", ())]
    (before,) = [row["before"] for row in rows if row.get("id") == 72 and row.get("before")]
    assert "ann@home.example" in [each["value"] for each in before["contact-emails"]]


def test_a_person_whom_somebody_has_created_meanwhile_is_matched_not_created_again(world):
    look(world, lambda: world.add(contact(500, "bob.lee@client.example", first="Bob", last="Lee")))
    bob = by_user(world.run())["bob"]
    assert (bob.action, bob.contact_id) == ("update", 500)
    assert [each.id for each in world.itglue.there.values() if each.first_name == "Bob"] == [500]


@pytest.mark.parametrize(("limit", "written"), [("2", False), ("3", True)])
def test_where_the_look_shows_more_to_do_than_a_limit_allows_nothing_is_written(world, limit, written):
    """Ann is updated, and Cid in BMS; Bob, who was to be created, is to be updated then, too."""
    look(world, lambda: world.add(contact(500, "bob.lee@client.example", first="Bob", last="Lee")))
    outcome = world.run(options=options(max_updates=limit))
    assert world.itglue.calls["changed_contacts"] > 0
    assert (outcome.refused, outcome.changed, world.written() > 0) == (not written, written, written)


def test_what_is_done_already_is_not_done_again(world):
    look(world, lambda: world.edit(72, title="Clerk"))
    assert (by_user(world.run())["ann"].action, world.itglue.there[72].title) == ("unchanged", "Clerk")


def test_an_entry_that_no_longer_holds_is_deferred_with_its_reason(world):
    """The contact has become somebody else's: what was planned for it is nobody's any more."""
    other = (Email("zoe@client.example", "Work", True),)
    look(world, lambda: world.edit(72, first_name="Zoe", last_name="Ray", emails=other))
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.push, ann.codes[-1]) == ("deferred", "deferred", "changed_since_read")
    assert (world.itglue.there[72].first_name, world.itglue.there[72].title) == ("Zoe", "Trainee")
    assert len(world.itglue.there) == 3, "nobody was created for Ann"


def test_a_contact_that_is_linked_by_now_is_neither_written_nor_pushed(world):
    look(world, lambda: world.edit(72, title="Trainee", **LINK))
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.push, ann.codes[-1]) == ("linked", None, "linked_by_now")
    assert (world.itglue.there[72].title, world.bms.created) == ("Trainee", [created(world, "Bob")])


def created(world, first_name):
    return next(each for each in world.bms.created if each.first_name == first_name)


def test_where_the_list_is_refused_all_contacts_are_read_and_a_deleted_one_is_seen(world):
    world.itglue.faults.append(Fault("changed_contacts", rejected(said="sort")))
    world.before(world.itglue, "changed_contacts", lambda: world.itglue.there.pop(72))
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.codes[-1]) == ("deferred", "changed_since_read")
    assert world.itglue.calls["contacts"] == 2, "the reading, and the look"


def test_a_contact_that_is_linked_between_a_refused_bulk_and_its_own_request_is_not_written(world):
    """A link need not move the time of change."""
    refused = rejected(said="Invalid")
    world.itglue.faults += [Fault("update_contacts", refused), Fault("changed_contacts", refused, times=9)]
    world.before(world.itglue, "contact", lambda: world.edit(72, **LINK))
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.push, ann.codes[-1]) == ("linked", None, "linked_by_now")
    assert (world.itglue.there[72].title, world.itglue.calls["update_contact"]) == ("Trainee", 0)


def test_what_somebody_else_has_written_to_a_contact_that_is_linked_by_then_is_not_reported_as_written(world):
    world.itglue.there[72] = replace(world.itglue.there[72], last_name="Leigh")
    world.itglue.there[73] = replace(world.itglue.there[73], last_name="Leigh")
    world.itglue.faults.append(Fault("update_contacts", rejected(said="Invalid"), rows=0))
    world.before(world.itglue, "contact", lambda: world.edit(72, title=ANN.job_title, **LINK))
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.after, ann.codes[-1]) == ("linked", {}, "linked_by_now")
    assert world.itglue.there[72].last_name == "Leigh"


@pytest.mark.parametrize("several", [True, False], ids=["a-request-of-several", "a-request-of-one"])
@pytest.mark.parametrize("left", [{"last_name": "Leigh"}, {}], ids=["in-part", "all"])
def test_what_a_refused_request_of_several_has_written_is_reported(world, several, left):
    """Where IT Glue merges arrays, what it has taken of a contact is less than what was sent. A request of one that is
    refused has written nothing: then the value is somebody else's."""
    world.itglue.there[72] = replace(world.itglue.there[72], last_name="Leigh")
    if several:
        world.itglue.there[73] = replace(world.itglue.there[73], last_name="Leigh")
    world.itglue.faults.append(Fault("update_contacts", rejected(said="Invalid"), rows=0))
    world.before(
        world.itglue, "contact", lambda: world.edit(72, **{"title": ANN.job_title, "last_name": "Lee", **left})
    )
    ann = by_user(world.run())["ann"]
    expected = {"last-name": "Lee"} if left else {}
    expected |= {"title": ANN.job_title, **({} if left else {"last-name": "Lee"})} if several else {}
    assert (ann.action, ann.after) == ("update" if expected else "unchanged", expected)
    assert world.itglue.there[72].last_name == "Lee"


def test_a_quota_that_ends_before_the_look_defers_everything(world):
    world.itglue.faults.append(Fault("changed_contacts", quota()))
    outcome = world.run()
    assert {(each.action, each.push) for each in by_user(outcome).values()} == {
        ("deferred", "deferred"),
        ("unchanged", "deferred"),
    }
    assert outcome.warnings[-1].code == "not_looked_again"
    assert world.written() == 0


def test_a_look_that_fails_ends_the_run_before_any_write(world):
    world.itglue.faults.append(Fault("changed_contacts", gone()))
    with pytest.raises(type(gone())):
        world.run()
    assert world.written() == 0


def test_the_contacts_that_a_run_creates_do_not_make_its_tenant_too_small(world):
    """Twice as many contacts as users may carry the domains; with the one that is created there are more."""
    for number in range(2 * len(world.graph.there) - len(world.itglue.there)):
        world.add(contact(9000 + number, f"old{number}@client.example", first=f"Old{number}", last="Lee"))
    departed = options(deactivate=True, departed_contact_type="End User")
    done = by_user(world.run(options=departed))
    assert (done["bob"].action, done["ann"].action) == ("create", "update")
    assert world.itglue.there[72].title == "Clerk"


def test_after_a_pause_it_is_looked_again(world, monkeypatch):
    """The first portion takes so long that a quota must have been waited for."""
    now = [1000.0]
    monkeypatch.setattr(runs, "Replanner", partial(planned_run.Replanner, clock=lambda: now[0]))
    names = [f"u{number:03}" for number in range(2 * BULK)]
    world.graph.there += [person(f"{name}.lee") for name in names]
    create = world.itglue.create_contacts

    def paused(organization_id, rows):
        if not world.itglue.created:
            now[0] += STALE_AFTER + 1
            world.add(contact(9000, "u099.lee@client.example", first="U099", last="Lee"))
        return create(organization_id, rows)

    world.itglue.create_contacts = paused
    outcome = world.run(options=options(max_updates="2"))
    done = by_user(outcome)
    # Before the first write, after the pause, before the updates, the read-back, and for duplicates.
    assert world.itglue.calls["changed_contacts"] == 5
    assert done["u099"].contact_id == 9000
    assert [each.id for each in world.itglue.there.values() if each.first_name == "U099"] == [9000]
    assert {each.action for name, each in done.items() if name in names[:-1]} == {"create"}
    assert (done["u099"].action, outcome.refused, outcome.changed) == ("update", False, True), "it has written already"


def test_what_somebody_saves_between_the_creates_and_the_updates_is_still_there(world):
    world.before(world.itglue, "create_contacts", lambda: world.edit(72, emails=(*world.itglue.there[72].emails, HOME)))
    world.graph.there[0] = replace(world.graph.there[0], mail="ann.new@client.example")
    assert by_user(world.run())["ann"].action == "update"
    assert {"ann@home.example", "ann.new@client.example"} <= {each.value for each in world.itglue.there[72].emails}


# ----------------------------------------------------------------- duplicates


HOME = Email("ann@home.example", "Home")
TWIN = contact(500, "bob.lee@client.example", first="Bob", last="Lee")


def test_who_was_created_by_somebody_else_at_the_same_time_is_reported_with_both_ids_and_not_pushed(world):
    world.before(world.itglue, "create_contacts", lambda: world.add(TWIN))
    bob = by_user(world.run())["bob"]
    assert (bob.action, bob.push, bob.attention) == ("create", "deferred", True)
    assert bob.reasons[-1].code == "duplicate_in_itglue"
    assert bob.reasons[-1].values == {"contact_id": bob.contact_id, "contact_ids": [500]}
    assert "Bob" not in [each.first_name for each in world.bms.created]
    assert by_user(world.run())["bob"].action == "conflict", "until somebody has removed one of them"


def test_a_duplicate_that_comes_after_the_read_back_is_reported_too(world):
    world.before(world.bms, "set_contact", lambda: world.add(TWIN))
    bob = by_user(world.run())["bob"]
    assert (bob.action, bob.push, bob.codes[-1]) == ("create", "pushed", "duplicate_in_itglue")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(contact(500, "bob.lee@client.example", first="Rob", last="Lee"), False, id="another-first-name"),
        pytest.param(contact(500, "rob@client.example", first="Bob", last="Lee"), True, id="an-address-of-nobody-else"),
        pytest.param(contact(500, "cid@x.io", first="Bob", last="Lee"), True, id="an-address-of-other-names"),
    ],
)
def test_whom_somebody_else_creates_at_the_same_time_is_a_duplicate_by_the_names(world, other, expected):
    """A run that had seen it would not have created the person."""
    world.before(world.itglue, "create_contacts", lambda: (world.add(other), world.add(contact(501, "cid@x.io"))))
    bob = by_user(world.run())["bob"]
    assert ("duplicate_in_itglue" in bob.codes) is expected
    assert bob.push == ("deferred" if expected else "pushed")


def test_who_was_created_in_bms_at_the_same_time_is_reported_with_both_ids(world):
    made = in_bms(95000, "bob.lee@client.example", first="Bob", last="Lee")
    world.before(world.bms, "set_contact", lambda: world.bms.there.update({95000: made}))
    bob = by_user(world.run())["bob"]
    assert (bob.push, bob.attention, bob.reasons[-1].code) == ("pushed", True, "duplicate_in_bms")
    assert bob.reasons[-1].values == {"bms_contact_id": bob.bms_contact_id, "bms_contact_ids": [95000]}


def test_a_duplicate_of_what_somebody_has_renamed_since_is_reported(world):
    twin = in_bms(95000, "bob.lee@client.example", first="Bob", last="Lee")

    def rename():
        other = {"first_name": "Rob", "last_name": "Ray"}
        world.bms.there = {key: replace(each, **other) for key, each in world.bms.there.items()} | {95000: twin}
        for number in world.itglue.there:
            world.edit(number, **other)
        world.add(TWIN)

    world.before(world.bms, "set_contact", rename)
    bob = by_user(world.run())["bob"]
    assert {"duplicate_in_itglue", "duplicate_in_bms"} <= set(bob.codes)


def test_who_has_just_appeared_in_it_glue_is_pushed_by_the_next_run_alone(world):
    look(world, lambda: world.add(replace(TWIN, location_id=10)))
    bob = by_user(world.run())["bob"]
    assert (bob.push, bob.codes[-1]) == ("deferred", "created_by_now")
    assert by_user(world.run())["bob"].push == "pushed"


@pytest.mark.parametrize("before", [False, True], ids=["new", "the-same-as-before"])
def test_a_warning_of_the_look_before_the_writes_is_reported_once(world, before):
    kept = (Adapter("Microsoft", "5", sync=True),)
    if before:
        world.edit(72, adapters=kept)
    look(world, lambda: world.edit(72, adapters=kept, title="Boss"))
    warnings = world.run().warnings
    assert [each.code for each in warnings].count("microsoft_adapters") == 1


def test_duplicates_that_cannot_be_looked_for_are_a_warning(world):
    world.itglue.faults += [Fault("changed_contacts", gone(), nth=4)]
    world.bms.faults.append(Fault("contacts", gone("bms"), nth=3))
    outcome = world.run()
    warned = [each.values["service"] for each in outcome.warnings if each.code == "duplicates_not_read"]
    assert sorted(warned) == ["bms", "itglue"]
    assert by_user(outcome)["bob"].push == "pushed"


# ------------------------------------------------------------------ applied plans


def test_what_changed_after_the_reading_is_refused_where_a_plan_is_applied(world):
    world.plan()
    look(world, lambda: world.edit(72, title="Director"))
    outcome = world.apply()
    assert by_user(outcome)["ann"].action == "refused"
    assert [each.user for each in outcome.refused_entries] == ["ann.lee@client.example"]
    assert world.itglue.there[72].title == "Director"


def test_an_entry_that_holds_again_by_the_look_is_applied(world):
    world.plan()
    world.edit(72, title="Director")
    look(world, lambda: world.edit(72, title="Trainee"))
    outcome = world.apply()
    assert (by_user(outcome)["ann"].action, outcome.refused_entries) == ("update", [])


def test_an_entry_that_holds_again_once_the_run_writes_stays_refused_and_listed(world):
    world.graph.there.append(person("dan.lee", job_title="Clerk"))
    world.add(ready(74, "dan.lee"))
    world.plan()
    world.edit(72, title="Director")
    world.before(world.itglue, "create_contacts", lambda: world.edit(72, title="Trainee"))
    outcome = world.apply()
    assert {name: by_user(outcome)[name].action for name in ("ann", "dan")} == {"ann": "refused", "dan": "update"}
    assert [each.user for each in outcome.refused_entries] == ["ann.lee@client.example"]


def test_nothing_is_written_that_an_applied_plan_does_not_name(world):
    world.plan()
    look(world, lambda: world.edit(73, title=None))
    cid = by_user(world.apply())["cid"]
    assert (cid.action, world.itglue.there[73].title) == ("refused", None)


# ---------------------------------------------------------------------------- BMS


def test_whom_somebody_has_created_in_bms_meanwhile_is_not_created_again(world):
    made = in_bms(95000, "bob.lee@client.example", first="Bob", last="Lee")
    # The second list of contacts is the one right before the create.
    world.before(world.itglue, "changed_contacts", lambda: world.bms.there.update({95000: made}))
    bob = by_user(world.run())["bob"]
    assert (bob.action, bob.push, bob.codes[-1]) == ("create", "deferred", "in_bms_by_now")
    assert bob.reasons[-1].values == {"bms_contact_ids": [95000]}
    assert [each.id for each in world.bms.there.values() if each.first_name == "Bob"] == [95000]
    assert by_user(world.run())["bob"].push == "already_in_bms"


def test_whom_somebody_has_created_in_bms_under_an_address_that_the_contact_got_meanwhile_is_not_created_again(world):
    """Both came after the last look at IT Glue: only the read-back shows the address."""
    made = in_bms(95000, HOME.value, first="A", last="Lee")

    def meanwhile() -> None:
        world.edit(72, emails=(*world.itglue.there[72].emails, HOME))
        world.bms.there[95000] = made

    world.before(world.itglue, "update_contacts", meanwhile)
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.push, ann.codes[-1]) == ("update", "deferred", "in_bms_by_now")
    assert [each.first_name for each in world.bms.created] == ["Bob"]


def test_a_contact_that_somebody_has_made_another_persons_leads_to_no_bms_contact_of_that_person(world):
    """Ann's contact, which was only to be pushed, is her sister's by the read-back, who has come into BMS too."""
    zoe = Email("zoe@client.example", "Work", True)

    def meanwhile() -> None:
        world.edit(72, first_name="Zoe", emails=(zoe,))
        world.bms.there[95000] = in_bms(95000, zoe.value, first="Zoe", last="Lee")

    world.edit(72, title=ANN.job_title)
    world.before(world.itglue, "create_contacts", meanwhile)
    for expected in (("unchanged", "pushed"), ("create", "already_in_bms"), ("unchanged", "already_in_bms")):
        ann = by_user(world.run())["ann"]
        assert (ann.action, ann.push) == expected
    assert sorted(each.first_name for each in world.bms.there.values()) == ["Ann", "Bob", "Cid", "Zoe"]


def test_beside_whom_somebody_is_created_in_bms_is_reported_once_whenever_he_came(world):
    namesakes = {id: in_bms(id, "cid.lee@client.example", first="Bob", last="Lee") for id in (95000, 95001)}
    world.bms.there[95000] = namesakes[95000]
    world.before(world.itglue, "changed_contacts", lambda: world.bms.there.update(namesakes))
    bob = by_user(world.run())["bob"]
    assert (bob.push, bob.attention) == ("pushed", True)
    reported = [each.values["bms_contact_ids"] for each in bob.reasons if each.code == "bms_namesake"]
    assert reported == [[95000, 95001]]


def test_who_has_come_into_bms_meanwhile_makes_no_other_reason_come_twice(world):
    world.graph.there[1] = replace(world.graph.there[1], business_phones=("415-555-0101 / 415-555-0102",))
    world.before(world.itglue, "changed_contacts", lambda: world.bms.there.update({95000: in_bms(95000)}))
    bob = by_user(world.run())["bob"]
    assert (bob.push, bob.codes) == ("pushed", ("phone_first_of_several",))


def test_a_namesake_who_was_seen_in_bms_right_before_the_create_is_no_duplicate(world):
    namesake = in_bms(95000, "cid.lee@client.example", first="Bob", last="Lee")
    look(world, lambda: world.bms.there.update({95000: namesake}))
    bob = by_user(world.run())["bob"]
    assert (bob.push, bob.codes[-1]) == ("pushed", "bms_namesake")


def test_a_contact_that_the_read_back_shows_as_linked_is_not_pushed(world):
    """IT Glue's own sync links it without a new time of change."""
    world.before(world.itglue, "update_contacts", lambda: world.edit(72, **LINK))
    ann = by_user(world.run())["ann"]
    assert (ann.push, ann.codes[-1]) == ("deferred", "linked_by_now")
    assert [each.first_name for each in world.bms.created] == ["Bob"]


def test_nobody_is_pushed_any_more_once_it_glue_has_pushed(world):
    """IT Glue has linked the contact that the run has just created: its own sync is on."""

    def link() -> None:
        (bob,) = [each for each in world.itglue.there.values() if each.first_name == "Bob"]
        world.edit(bob.id, **LINK)

    def created() -> None:
        for method in ("changed_contacts", "contact"):
            world.before(world.itglue, method, link)

    world.before(world.itglue, "create_contacts", created)
    done = by_user(world.run())
    assert {name: (each.push, each.codes[-1]) for name, each in done.items() if name != "cid"} == {
        "ann": ("failed", "itglue_pushes_too"),
        "bob": ("deferred", "linked_by_now"),
    }
    assert done["ann"].reasons[-1].values == {"contact_ids": [done["bob"].contact_id], "bms_contact_ids": [90300]}
    assert world.bms.created == []


def test_a_contact_that_is_only_pushed_is_read_back_too(world):
    world.edit(72, title="Clerk")
    world.before(world.itglue, "update_contacts", lambda: None)
    world.before(world.itglue, "create_contacts", lambda: world.edit(72, **LINK))
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.push, ann.codes[-1]) == ("unchanged", "deferred", "linked_by_now")


def test_a_contact_that_refused_the_write_as_synced_is_not_pushed(world):
    world.itglue.locked[72] = {"title"}
    ann = by_user(world.run())["ann"]
    assert (ann.locked, ann.push, ann.codes[-1]) == (("name",), "deferred", "refused_as_synced")


def test_a_contact_that_could_not_be_read_back_is_not_pushed(world):
    world.itglue.faults += [Fault("changed_contacts", gone(), nth=3, times=9), Fault("contact", gone(), times=9)]
    ann = by_user(world.run())["ann"]
    assert (ann.action, ann.push, ann.codes[-1]) == ("update", "deferred", "not_read_after_write")
    assert world.bms.created == []


USED_UP = QuotaExceededError("The quota is used up.", service="bms", status=429, retry_after=60.0)


@pytest.mark.parametrize(("error", "code"), [(USED_UP, "quota_exceeded"), (gone("bms"), "bms_not_read")])
def test_bms_that_cannot_be_read_again_defers_every_push(world, error, code):
    world.bms.faults.append(Fault("contacts", error, nth=2))
    outcome = world.run()
    assert (outcome.resume_at is not None) == (code == "quota_exceeded")
    done = by_user(outcome)
    assert {name: each.push for name, each in done.items()} == {
        "ann": "deferred",
        "bob": "deferred",
        "cid": "already_in_bms",
    }
    assert done["bob"].codes[-1] == code
    assert world.bms.created == []


def test_an_unclear_create_in_bms_is_still_found_after_the_look(world):
    world.bms.faults.append(Fault("create_contact", unclear("bms"), rows=-1))
    assert by_user(world.run())["bob"].push == "pushed"
    assert len(world.bms.created) == 2


def test_under_native_bms_is_looked_at_before_it_glue_is_written(world):
    """Whatever is written there, IT Glue would push a second one."""
    world.store.bms = {**PUSHING, "push_method": "native"}
    made = in_bms(95000, "bob.lee@client.example", first="Bob", last="Lee")
    look(world, lambda: world.bms.there.update({95000: made}))
    bob = by_user(world.run())["bob"]
    assert (bob.push, bob.bms_contact_id, bob.writes) == ("already_in_bms", 95000, False)
    assert [each.first_name for each in world.itglue.there.values()] == ["Ann", "Cid"]


def test_under_native_bms_is_looked_at_only_where_it_glue_will_push(world):
    world.store.bms = {**PUSHING, "push_method": "native"}
    world.graph.there = [replace(world.graph.there[0], business_phones=()), person("dan.lee")]
    world.itglue.there[72] = replace(world.itglue.there[72], phones=())
    world.itglue.there[74] = ready(74, "dan.lee", updated_at=NOW)
    found = by_user(world.run())
    assert {name: (each.push, each.writes) for name, each in found.items()} == {
        "ann": ("not_ready", True),
        "dan": ("pending", False),
    }
    assert world.bms.calls["contacts"] == 1


# ------------------------------------------------------------------- the look itself


def test_no_clock_has_to_be_trusted_where_nobody_saved_anything_lately():
    contacts = [ready(1, updated_at="2026-01-01T00:00:00.000Z"), ready(2, updated_at="2025-01-01T00:00:00+00:00")]
    assert read_since(contacts, 4e9) == 1767225600.0
    assert read_since(contacts, 1767225600.0) == 1767225600.0 - MARGIN
    assert read_since([ready(1)], 1e9) == 1e9 - MARGIN
    assert read_since([ready(1, updated_at="2026-01-01T01:00:00+01:00")], 4e9) == 1767225600.0


class Listed:
    """An IT Glue that lists so."""

    def __init__(self, changed, contacts=()):
        self.changed, self.there = changed, contacts

    def changed_contacts(self, organization_id, since):
        if isinstance(self.changed, Exception):
            raise self.changed
        return iter(self.changed)

    def contacts(self, organization_id):
        return iter(self.there)


def test_contacts_that_are_as_they_were_read_are_no_change():
    known = [ready(1, updated_at=LONG_AGO), ready(2, updated_at=LONG_AGO)]
    assert contacts_by_now(Listed([known[0]]), 1, known, 0.0) is None
    assert contacts_by_now(Listed([replace(known[0])]), 1, known, 0.0) is None
    saved = replace(known[0], updated_at=NOW)
    assert contacts_by_now(Listed([saved]), 1, known, 0.0) == (saved, known[1])


@pytest.mark.parametrize("error", [ProtocolError, NotFoundError, RejectedError])
def test_a_list_that_is_not_in_order_is_read_in_full(error):
    known = [ready(1), ready(2)]
    unsorted = error("not sorted", service="itglue")
    assert contacts_by_now(Listed(unsorted, known), 1, known, 0.0) is None
    assert contacts_by_now(Listed(unsorted, known[:1]), 1, known, 0.0) == (known[0],)

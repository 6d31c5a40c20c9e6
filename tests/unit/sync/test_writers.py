# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writers, against services that fail at every point: nobody twice, nothing lost, all of it reported."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import NotFoundError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter, BmsPhone, Email, Phone
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    DepartedSubject,
    ItGluePart,
    Operation,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.bms_writer import BmsWriter
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.itglue_writer import ItGlueWriter
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import Journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.links import FIRST_PAUSE, Waiting
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import BULK, Outcomes
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.read_back import present_contacts
from tests.unit.engine.builders import NATIVE, PUSHING, bms, in_bms, linked, person, planned, ready, snapshot
from tests.unit.engine.test_offboarding import DEACTIVATE, FORMER
from tests.unit.engine.test_offboarding import planned as planned_with_departed
from tests.unit.growth import calls_of
from tests.unit.sync.fakes import FakeBms, FakeItGlue, Fault, gone, quota, rejected, unclear
from tests.unit.sync.running import Fresh, Row, carried_out, warned

PRIMARY = {"set_phone_numbers_primary": True, "phone_type": "Office"}


def people(*names, **values):
    """Users that lack a contact, and are ready for BMS once they have one."""
    return [person(f"{name}.lee", business_phones=("415-555-0100",), **values) for name in names]


def many(count):
    return people(*(f"u{number:03}" for number in range(count)))


class Ran:
    """A plan that was carried out; `by` are the operations by the first name."""

    def __init__(self, users, itglue=None, in_account=None, bms_settings=None, **more):
        self.itglue = itglue or FakeItGlue()
        self.bms = in_account or FakeBms()
        self.users = users
        self.more = {"bms_settings": bms_settings, **PRIMARY, **more}
        self.plan = self._plan()
        self.lines: list[str] = []
        done = self._carry_out(self.plan)
        self.operations = tuple(map(Row, done))
        self.by = {each.user.partition(".")[0]: each for each in self.operations}
        self.warnings = warned(done)
        self.resume_at = done.resume_at

    def _carry_out(self, plan):
        there, in_account = list(self.itglue.there.values()), list(self.bms.there.values())
        return carried_out(plan, self.itglue, self.bms, there, in_account, progress=self.lines.append)

    def _plan(self):
        more = dict(self.more)
        options = {name: more.pop(name) for name in ("update_linked", "bms_match_overrides") if name in more}
        there = snapshot(self.users, self.itglue.there.values(), **more)
        return planned(there, bms(*self.bms.there.values()), **options)

    def reported(self, *fields):
        """Of each user the fields asked for."""
        rows = {name: tuple(getattr(each, field) for field in fields) for name, each in self.by.items()}
        return {name: row if len(row) > 1 else row[0] for name, row in rows.items()}

    def again(self):
        """A plain run without faults: what it writes, and the state after it."""
        self.itglue.faults, self.bms.faults = [], []
        plan = self._plan()
        self._carry_out(plan)
        return [Row(each) for each in plan.operations if each.writes]

    def nobody_twice(self):
        """Each user has one contact, and each ready one is one BMS contact."""
        held = [entry.value.casefold() for each in self.itglue.there.values() for entry in each.emails if entry.primary]
        pushed = [entry.address for each in self.bms.there.values() for entry in each.emails if entry.default]
        return sorted(held) == sorted(set(held)) and sorted(pushed) == sorted(set(pushed))


# ------------------------------------------------------------------ plain writes


def test_what_is_planned_is_done():
    there = [ready(1, "bob.lee"), ready(2, "cid.lee")]
    users = [*people("ann", job_title="Boss"), person("bob.lee", job_title="Clerk"), person("cid.lee")]
    ran = Ran(users, FakeItGlue(there), FakeBms(), PUSHING)

    assert ran.reported("action", "push", "contact_id") == {
        "ann": ("create", "pushed", 3),
        "bob": ("update", "pushed", 1),
        "cid": ("unchanged", "pushed", 2),
    }
    assert (ran.itglue.there[3].title, ran.itglue.there[1].title) == ("Boss", "Clerk")
    assert {each.first_name: each.job_title for each in ran.bms.there.values()} == {
        "Ann": "Boss",
        "Bob": "Clerk",
        "Cid": None,
    }
    assert {each.bms_contact_id for each in ran.operations} == set(ran.bms.there)
    assert ran.warnings == []
    for done, planned_one in zip(ran.operations, ran.plan.operations, strict=True):
        ids = {"itglue": done.contact_id, "bms": done.bms_contact_id}
        parts = {name: getattr(planned_one, name)._replace(contact_id=ident) for name, ident in ids.items()}
        assert done.operation == planned_one._replace(**parts)


def test_nothing_to_write_asks_nobody():
    ran = Ran([person("ann.lee")], FakeItGlue([ready(1)]))
    assert ran.reported("action") == {"ann": "unchanged"}
    assert (ran.itglue.calls, ran.bms.calls) == ({}, {})


def test_writes_go_out_in_bulk():
    ran = Ran(many(2 * BULK + 1))
    assert ran.itglue.calls["create_contacts"] == 3
    assert (ran.itglue.calls["contacts"], ran.itglue.calls["changed_contacts"]) == (0, 1), "read back once"
    assert ran.lines == [f"IT Glue: {done} of 101 contacts created" for done in (50, 100, 101)]


def test_twice_as_much_to_create_beside_twice_as_many_is_twice_the_work():
    def work(count: int) -> int:
        known = [ready(number, f"known{number}.lee") for number in range(1, count + 1)]
        in_account = [in_bms(number, f"known{number}.lee@client.example") for number in range(1, count + 1)]
        ran = Ran(many(count), FakeItGlue(known), FakeBms(in_account), PUSHING)
        assert (len(ran.itglue.there), len(ran.bms.there)) == (2 * count, 2 * count)
        ran.itglue, ran.bms = FakeItGlue(known), FakeBms(in_account)
        return calls_of(lambda: ran._carry_out(ran.plan))

    work(10)
    assert 1.6 < work(200) / work(100) < 2.3


def test_few_writes_are_read_back_singly():
    there = [ready(number, f"user{number}.lee") for number in range(1, 2001)]
    ran = Ran([person("user7.lee", job_title="Clerk")], FakeItGlue(there))
    assert ran.itglue.calls == {"update_contacts": 1, "contact": 1}


@pytest.mark.parametrize(
    ("total", "most"),
    [pytest.param(7, 1, id="one-page"), pytest.param(1000, 2, id="two"), pytest.param(2500, 3, id="three")],
)
def test_contacts_are_read_singly_where_that_is_no_more_requests_than_pages(total, most):
    itglue = FakeItGlue(ready(number, f"user{number}.lee") for number in range(1, total + 1))
    for count in (most, most + 1):
        present = present_contacts(itglue, 1, range(1, count + 1), total)
        assert set(range(1, count + 1)) <= present.keys()
    assert itglue.calls == {"contact": most, "contacts": 1}


def test_the_order_of_operations_is_the_plans():
    ran = Ran(people("cid", "ann", "bob"), in_account=FakeBms(), bms_settings=PUSHING)
    assert [each.user for each in ran.operations] == [each.user for each in ran.plan.operations]


# ------------------------------------------------------------------------ create


def test_a_refused_bulk_is_created_one_by_one():
    fault = Fault("create_contacts", rejected(said="Invalid"), when=lambda rows: len(rows) > 1)
    ran = Ran(people("ann", "bob"), FakeItGlue([], fault))
    assert ran.reported("action", "contact_id") == {"ann": ("create", 101), "bob": ("create", 102)}
    assert (ran.itglue.calls["contacts"], ran.itglue.calls["changed_contacts"]) == (1, 1), "looked, then read back"


def test_one_refused_contact_does_not_stop_the_others():
    def has_bob(rows):
        return any(row["first-name"] == "Bob" for row in rows)

    fault = Fault("create_contacts", rejected(said="Invalid name"), times=9, when=has_bob)
    ran = Ran(people("ann", "bob", "cid"), FakeItGlue([], fault))
    assert ran.reported("action") == {"ann": "create", "bob": "failed", "cid": "create"}
    assert ran.by["bob"].after == {}
    assert ran.by["bob"].codes == ("write_rejected",)
    assert "Invalid name" in ran.by["bob"].failure.said
    assert ran.lines == ["IT Glue: 2 of 3 contacts created"]
    assert ran.itglue.calls["create_contacts"] == 1 + 3, "in bulk, and each once"


@pytest.mark.parametrize("rows", [0, 1, 2, -1], ids=["none", "one", "two", "all"])
@pytest.mark.parametrize("error", [unclear(), rejected(said="Invalid")], ids=["unclear", "refused"])
def test_rows_of_a_bulk_that_were_taken_are_found_not_made_again(rows, error):
    ran = Ran(people("ann", "bob", "cid"), FakeItGlue([], Fault("create_contacts", error, rows=rows)))
    assert ran.reported("action") == {"ann": "create", "bob": "create", "cid": "create"}
    assert len(ran.itglue.created) == 3
    assert sorted(each.contact_id for each in ran.operations) == sorted(ran.itglue.there)
    assert ran.again() == []


def test_an_unclear_create_that_is_not_found_is_tried_once_more():
    ran = Ran(people("ann"), FakeItGlue([], Fault("create_contacts", unclear(), times=2)))
    assert ran.reported("action") == {"ann": "create"}
    assert ran.itglue.calls["create_contacts"] == 3, "bulk, alone, alone again"
    assert len(ran.itglue.created) == 1


def test_an_unclear_create_is_found_on_the_second_look():
    faults = [Fault("create_contacts", unclear()), Fault("create_contacts", unclear(), rows=-1)]
    ran = Ran(people("ann"), FakeItGlue([], *faults))
    assert ran.reported("action", "contact_id") == {"ann": ("create", 101)}
    assert ran.itglue.calls["create_contacts"] == 2


def test_an_unclear_create_that_stays_unclear_is_failed():
    ran = Ran(people("ann"), FakeItGlue([], Fault("create_contacts", unclear(), times=9)))
    assert ran.reported("action", "contact_id", "after") == {"ann": ("failed", None, {})}
    assert ran.by["ann"].codes == ("write_unclear",)
    assert ran.by["ann"].failure.code == "outcome_unknown"
    assert ran.itglue.calls["create_contacts"] == 3
    assert [each.action for each in ran.again()] == ["create"]
    assert ran.nobody_twice()


def test_a_look_that_fails_ends_in_no_second_try():
    faults = [Fault("create_contacts", unclear(), rows=-1), Fault("contacts", gone(), times=9)]
    ran = Ran(people("ann", "bob"), FakeItGlue([], *faults))
    assert ran.reported("action") == {"ann": "failed", "bob": "failed"}
    assert ran.reported("codes") == {"ann": ("write_unclear",), "bob": ("write_unclear",)}
    assert len(ran.itglue.created) == 2
    assert ran.again() == []
    assert ran.nobody_twice()


def test_an_answer_without_e_mails_is_still_about_the_contact():
    ran = Ran(people("ann", "bob"), FakeItGlue(answers=lambda made: [replace(each, emails=()) for each in made]))
    assert ran.reported("action", "contact_id") == {"ann": ("create", 101), "bob": ("create", 102)}
    assert len(ran.itglue.created) == 2


def test_an_answer_that_omits_a_contact_is_looked_up():
    ran = Ran(people("ann", "bob"), FakeItGlue(answers=lambda made: made[1:]))
    assert ran.reported("action", "contact_id") == {"ann": ("create", 101), "bob": ("create", 102)}
    assert len(ran.itglue.created) == 2


def test_a_create_that_neither_its_answer_nor_a_look_shows_is_not_sent_again_and_again():
    itglue = FakeItGlue(answers=lambda made: [])
    itglue.contacts = lambda organization_id: iter(())
    ran = Ran(people("ann"), itglue)
    assert ran.reported("action", "codes") == {"ann": ("failed", ("create_not_shown",))}
    assert itglue.calls["create_contacts"] == 2, "in bulk, and alone"


def test_an_answer_in_another_order_names_the_right_ids():
    ran = Ran(people("ann", "bob", "cid"), FakeItGlue(answers=lambda made: made[::-1]))
    assert {each.first_name: ident for ident, each in ran.itglue.there.items()} == {
        name.title(): each.contact_id for name, each in ran.by.items()
    }


def test_namesakes_of_two_addresses_get_their_own_ids():
    users = [person("ann.lee"), person("al", given_name="Ann", surname="Lee")]
    ran = Ran(users, FakeItGlue(answers=lambda made: made[::-1]))
    for each in ran.operations:
        assert ran.itglue.there[each.contact_id].emails[0].value == each.user


def test_a_contact_that_was_there_before_is_never_taken_for_a_new_one():
    """The namesake of the same address is no contact that this run has made."""
    there = ready(1, "ann.lee", emails=(Email("ann.lee@client.example", "Work", True),))
    itglue = FakeItGlue([], Fault("create_contacts", unclear()))
    ran_plan = planned(snapshot(people("ann")))
    itglue.there[1] = there
    (found,) = map(Row, carried_out(ran_plan, itglue, None, [there]))
    assert (found.action, found.contact_id) == ("create", 2)


@pytest.mark.parametrize(
    ("error", "tried", "code", "message"),
    [
        pytest.param(quota(), "deferred", "quota_exceeded", "The quota is used up.", id="quota"),
        pytest.param(gone(), "failed", "write_failed", "The service is gone.", id="gone"),
    ],
)
@pytest.mark.parametrize("apart", [False, True], ids=["in-bulk", "one-by-one"])
def test_what_comes_after_the_end_of_a_service_is_deferred(error, tried, code, message, apart):
    first = [Fault("create_contacts", rejected(said="Invalid"))] if apart else []
    fault = Fault("create_contacts", error, nth=3 if apart else 2, times=99)
    ran = Ran(many(2 * BULK + 1), FakeItGlue([], *first, fault))
    actions = [each.action for each in ran.operations]
    done = 2 if apart else BULK
    hit = 1 if apart else BULK
    assert actions == ["create"] * done + [tried] * hit + ["deferred"] * (2 * BULK + 1 - done - hit)
    assert (ran.operations[done].codes, ran.operations[done].said) == ((code,), message)
    assert (ran.operations[-1].codes, ran.operations[-1].said) == (("not_tried",), message)
    assert ran.itglue.calls["create_contacts"] == (4 if apart else 2), "nothing is asked in vain"
    assert len(ran.itglue.created) == done
    assert len(ran.again()) == 2 * BULK + 1 - done
    assert ran.nobody_twice()


# ------------------------------------------------------------------------ update


def updates(*names, **values):
    return [person(f"{name}.lee", job_title="Clerk", **values) for name in names]


def contacts(*names, **values):
    return [ready(number, f"{name}.lee", **values) for number, name in enumerate(names, 1)]


def test_a_locked_group_does_not_lose_the_others():
    users = updates("ann", mail="new@client.example")
    ran = Ran(users, FakeItGlue(contacts("ann"), locked={1: {"contact-emails"}}))
    found = ran.by["ann"]
    assert (found.action, found.locked, found.after) == ("update", ("contact-emails",), {"title": "Clerk"})
    assert found.before == {"title": None}
    assert found.codes == ("attributes_locked",)
    assert "Cannot update a synced resource" in found.said
    assert (found.unapplied, ran.warnings) == ((), []), "what was refused is locked, and nothing else"
    assert ran.itglue.there[1].title == "Clerk"
    assert [what for what, dummy in ran.itglue.writes] == ["bulk update", "update", "update"]


def test_locked_groups_without_pointers_are_found_one_by_one():
    users = updates("ann", mail="new@client.example", business_phones=("415-555-0199",))
    itglue = FakeItGlue(contacts("ann"), locked={1: {"contact-emails", "contact-phones"}}, points=False)
    found = Ran(users, itglue).by["ann"]
    assert (found.action, found.locked) == ("update", ("contact-emails", "contact-phones"))
    assert (found.after, found.codes) == ({"title": "Clerk"}, ("attributes_locked",))
    assert [sorted(attributes) for what, (dummy, attributes) in itglue.writes[2:]] == [
        ["title"],
        ["contact-emails"],
        ["contact-phones"],
    ]


def test_a_pointer_may_be_spelled_with_underscores():
    fault = Fault("update_contact", rejected("/data/attributes/contact_emails.base"))
    itglue = FakeItGlue(contacts("ann"), fault, Fault("update_contacts", rejected()))
    found = Ran(updates("ann", mail="new@client.example"), itglue).by["ann"]
    assert (found.locked, found.after) == (("contact-emails",), {"title": "Clerk"})
    assert itglue.calls["update_contact"] == 2


def test_all_locked_is_no_change():
    users = updates("ann")
    ran = Ran(users, FakeItGlue(contacts("ann"), locked={1: {"title"}}))
    found = ran.by["ann"]
    assert (found.action, found.locked, found.before, found.after) == ("unchanged", ("name",), {}, {})
    assert (found.writes, found.noteworthy) == (False, True)


def test_one_locked_contact_does_not_stop_the_others():
    ran = Ran(updates("ann", "bob", "cid"), FakeItGlue(contacts("ann", "bob", "cid"), locked={2: {"title"}}))
    assert ran.reported("action", "locked") == {
        "ann": ("update", ()),
        "bob": ("unchanged", ("name",)),
        "cid": ("update", ()),
    }


def test_a_contact_that_is_gone_does_not_stop_the_others():
    itglue = FakeItGlue(contacts("ann", "bob", "cid"))
    plan = planned(snapshot(updates("ann", "bob", "cid"), itglue.there.values()))
    del itglue.there[2]
    done = list(map(Row, carried_out(plan, itglue, None, list(itglue.there.values()))))
    assert [each.action for each in done] == ["update", "failed", "update"]
    assert (done[1].codes, done[1].failure.code) == (("write_rejected",), "not_found")


@pytest.mark.parametrize("rows", [0, 1, -1], ids=["none", "one", "all"])
def test_a_lost_answer_to_an_update_is_resolved_by_the_read_back(rows):
    itglue = FakeItGlue(contacts("ann", "bob"), Fault("update_contacts", unclear(), rows=rows))
    ran = Ran(updates("ann", "bob"), itglue)
    taken = 2 if rows < 0 else rows
    assert [each.action for each in ran.operations] == ["update"] * taken + ["failed"] * (2 - taken)
    assert [each.after for each in ran.operations] == [{"title": "Clerk"}] * taken + [{}] * (2 - taken)
    assert [each.codes for each in ran.operations[taken:]] == [("write_unclear",)] * (2 - taken)
    assert ran.warnings == []
    assert len(ran.again()) == 2 - taken


def test_a_lost_answer_that_cannot_be_read_back_claims_nothing():
    faults = [Fault("update_contacts", unclear(), rows=-1), Fault("contact", gone()), Fault("contacts", gone())]
    ran = Ran(updates("ann"), FakeItGlue(contacts("ann"), *faults))
    assert ran.reported("action", "after") == {"ann": ("failed", {})}
    assert ran.by["ann"].codes == ("write_unclear",)
    assert ran.again() == []


def test_what_one_by_one_was_written_before_the_quota_ended_is_reported():
    users = [replace(each, mail=f"new.{each.username}") for each in updates("ann", "bob", "cid")]
    itglue = FakeItGlue(
        contacts("ann", "bob", "cid"),
        Fault("update_contact", quota(), nth=4, times=9),
        locked={1: {"contact-emails"}, 2: {"contact-emails"}},
        points=False,
    )
    ran = Ran(users, itglue)
    # Ann: together, then two groups apart; then Bob is hit.
    assert ran.reported("action", "after", "locked") == {
        "ann": ("update", {"title": "Clerk"}, ("contact-emails",)),
        "bob": ("deferred", {}, ()),
        "cid": ("deferred", {}, ()),
    }
    assert [ran.by[name].codes for name in ("bob", "cid")] == [("quota_exceeded",), ("not_tried",)]
    assert itglue.calls["update_contact"] == 4


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(0, ("failed", {}, ("write_unclear",))), (-1, ("update", {"title": "Clerk"}, ()))],
    ids=["not-taken", "taken"],
)
def test_a_lost_answer_to_a_single_update_is_resolved_by_the_read_back(rows, expected):
    faults = [Fault("update_contacts", rejected(said="Invalid")), Fault("update_contact", unclear(), rows=rows)]
    ran = Ran(updates("ann"), FakeItGlue(contacts("ann"), *faults))
    assert ran.reported("action", "after", "codes") == {"ann": expected}


@pytest.mark.parametrize(("error", "action"), [(quota(), "deferred"), (gone(), "failed")], ids=["quota", "gone"])
def test_a_contact_that_cannot_be_read_before_its_own_update_is_not_written(error, action):
    faults = [Fault("update_contacts", rejected(said="Invalid")), Fault("contact", error)]
    ran = Ran(updates("ann"), FakeItGlue(contacts("ann"), *faults))
    assert ran.reported("action", "after") == {"ann": (action, {})}
    assert ran.itglue.calls["update_contact"] == 0


def test_a_quota_that_ends_in_the_middle_of_one_contact_keeps_what_was_taken():
    users = updates("ann", mail="new@client.example")
    fault = Fault("update_contact", quota(), nth=3)
    itglue = FakeItGlue(contacts("ann"), fault, locked={1: {"contact-emails"}}, points=False)
    found = Ran(users, itglue).by["ann"]
    assert (found.action, found.after) == ("update", {"title": "Clerk"})
    assert found.codes[-1] == "written_in_part"
    assert found.operation.reasons[-1].values["fields"] == ["contact-emails"]
    assert found.failure.code == "quota_exceeded"
    assert found.writes


@pytest.mark.parametrize(("error", "tried"), [(quota(), "deferred"), (gone(), "failed")], ids=["quota", "gone"])
def test_updates_after_the_end_of_a_service_are_deferred(error, tried):
    names = [f"u{number:03}" for number in range(2 * BULK + 1)]
    itglue = FakeItGlue(contacts(*names), Fault("update_contacts", error, nth=2, times=9))
    ran = Ran(updates(*names), itglue)
    assert [each.action for each in ran.operations] == ["update"] * BULK + [tried] * BULK + ["deferred"]
    assert itglue.calls["update_contacts"] == 2
    assert len(ran.again()) == BULK + 1


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_what_a_refused_bulk_has_taken_is_not_sent_again(taken):
    """IT Glue may have pushed and linked it by then, and refuse what it has taken."""
    names = ("ann", "bob", "cid")
    itglue = FakeItGlue(contacts(*names), Fault("update_contacts", rejected(said="Invalid"), rows=taken))
    ran = Ran(updates(*names), itglue)
    assert ran.reported("action", "locked") == dict.fromkeys(names, ("update", ()))
    assert [ident for what, (ident, *dummy) in itglue.writes[1:]] == [2, 3][taken - 1 :]
    assert itglue.calls["contact"] == 3 - taken, "only what is sent again is looked at by itself"


@pytest.mark.parametrize(("taken", "sent"), [(0, [1, 2]), (1, [2])])
def test_a_refused_bulk_that_cannot_be_looked_at_is_looked_at_and_sent_one_by_one(taken, sent):
    refused = Fault("update_contacts", rejected(said="Invalid"), rows=taken)
    itglue = FakeItGlue(contacts("ann", "bob"), refused, Fault("contacts", gone()))
    ran = Ran(updates("ann", "bob"), itglue)
    assert ran.reported("action", "after") == dict.fromkeys(("ann", "bob"), ("update", {"title": "Clerk"}))
    assert [ident for what, (ident, *dummy) in itglue.writes if what == "update"] == sent


def test_a_bulk_of_one_that_is_refused_needs_no_look():
    itglue = FakeItGlue(contacts("ann"), Fault("update_contacts", rejected(said="Invalid"), rows=0))
    Ran(updates("ann"), itglue)
    assert (itglue.calls["update_contact"], itglue.calls["contact"]) == (1, 2), "before the write, and the read-back"


# --------------------------------------------------------------------- read back


def test_what_the_read_back_does_not_show_is_a_warning_not_a_change():
    ran = Ran(updates("ann"), FakeItGlue(contacts("ann"), hides={"title"}))
    found = ran.by["ann"]
    assert (found.action, found.unapplied, found.before, found.after) == ("unchanged", ("name",), {}, {})
    assert not found.writes
    assert ran.warnings == [
        ("unapplied", {"user": "ann.lee@client.example", "contact_id": 1, "fields": ["name"]}),
    ]


def test_half_of_it_unapplied_leaves_the_other_half():
    users = updates("ann", mail="new@client.example")
    found = Ran(users, FakeItGlue(contacts("ann"), hides={"contact-emails"})).by["ann"]
    assert (found.action, found.unapplied, found.after) == ("update", ("contact-emails",), {"title": "Clerk"})


def test_a_create_shows_what_was_kept_of_it():
    found = Ran(people("ann"), FakeItGlue(hides={"contact-phones"})).by["ann"]
    assert (found.action, found.unapplied, found.after["contact-phones"]) == ("create", ("contact-phones",), [])
    assert found.after["first-name"] == "Ann"


def test_a_contact_that_is_not_shown_at_all_is_unapplied():
    itglue = FakeItGlue(contacts("ann"))
    plan = planned(snapshot(updates("ann"), itglue.there.values()))
    itglue.update_contacts = lambda rows: itglue.there.clear() or []
    (found,) = map(Row, carried_out(plan, itglue, None, [ready(1)]))
    assert found.unapplied == ("name",)


def test_what_should_have_gone_is_unapplied_where_arrays_are_merged():
    """One number is to be replaced; a server that merges keeps the old one beside it."""
    users = [person("ann.lee", business_phones=("415-555-0199",))]
    found = Ran(users, FakeItGlue(contacts("ann"), merges=True)).by["ann"]
    assert found.action == "update"
    assert [each["value"] for each in found.after["contact-phones"]] == ["4155550100", "4155550199"]
    assert found.unapplied == ("contact-phones",)


def test_a_placeholder_that_stays_is_unapplied_and_no_change():
    phones = (Phone("4155550100", "Office", primary=True), Phone("0000000000", "Home"))
    itglue = FakeItGlue(contacts("ann", phones=phones), merges=True)
    found = Ran(people("ann"), itglue, replace_blank_phone_numbers=True).by["ann"]
    assert [each["value"] for each in itglue.writes[0][1][0][1]["contact-phones"]] == ["4155550100"]
    assert (found.action, found.unapplied, found.before, found.after) == ("unchanged", ("contact-phones",), {}, {})


def test_what_somebody_else_has_added_meanwhile_is_not_unapplied():
    users = updates("ann", mail="new@client.example")
    itglue = FakeItGlue(contacts("ann"))
    taken = itglue.update_contacts

    def beside_another_edit(rows):
        answer = taken(rows)
        contact = itglue.there[1]
        itglue.there[1] = replace(contact, emails=(*contact.emails, Email("extra@client.example", "Home")))
        return answer

    itglue.update_contacts = beside_another_edit
    found = Ran(users, itglue).by["ann"]
    assert (found.action, found.unapplied) == ("update", ())
    assert [each["value"] for each in found.after["contact-emails"]][-1] == "extra@client.example"


def test_normalised_values_are_not_unapplied():
    users = [person("ann.lee", business_phones=("+1 (415) 555-0199 x12",))]
    found = Ran(users, FakeItGlue(contacts("ann"))).by["ann"]
    assert (found.action, found.unapplied) == ("update", ())
    assert [each["value"] for each in found.after["contact-phones"]] == ["+14155550199"], "as it was sent"


def test_a_read_back_that_fails_is_a_warning():
    ran = Ran(updates("ann"), FakeItGlue(contacts("ann"), Fault("contact", gone()), Fault("contacts", gone())))
    assert ran.reported("action", "after") == {"ann": ("update", {"title": "Clerk"})}
    assert ran.warnings == [("not_read_back", {"said": "The service is gone."})]


class Unreadable(Fresh):
    """Contacts that are to be looked at again, which fails."""

    def look_again(self, tried=()):
        raise quota(retry_after=60)


def test_what_waits_for_a_look_that_fails_is_deferred():
    there = contacts("ann", "bob")
    itglue, plan = FakeItGlue(there), planned(snapshot([*people("cid"), *updates("ann", "bob")], there))
    outcomes = Outcomes(plan.operations)
    writer = ItGlueWriter(itglue, Journal(), outcomes, 1, Unreadable(tuple(there), is_stale=True))
    writer.create()
    writer.update()
    assert [(each.action, each.codes) for each in map(Row, outcomes)] == [("deferred", ("not_tried",))] * 3
    assert (itglue.writes, outcomes.resume_at) == ([], pytest.approx(time.time() + 60, abs=60))


# -------------------------------------------------------------------------- BMS


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Fault("create_contacts", rejected(said="Invalid"), times=9)], id="create-refused"),
        pytest.param([Fault("create_contacts", unclear(), times=9)], id="create-unclear"),
        pytest.param([Fault("create_contacts", quota())], id="create-without-quota"),
        pytest.param([Fault("create_contacts", gone())], id="create-without-service"),
        pytest.param([Fault("create_contacts", unclear()), Fault("contacts", gone())], id="look-without-service"),
    ],
)
def test_a_failed_write_to_it_glue_holds_its_push_back(faults):
    ran = Ran(people("ann"), FakeItGlue([], *faults), FakeBms(), PUSHING)
    assert ran.by["ann"].action in ("failed", "deferred")
    assert ran.reported("push", "create_in_bms") == {"ann": ("deferred", None)}
    assert ran.bms.calls["create_contact"] == 0
    assert [each.push for each in ran.again()] == ["pushed"]
    assert ran.nobody_twice()


def test_a_failed_write_to_it_glue_is_not_pending_either():
    ran = Ran(people("ann"), FakeItGlue([], Fault("create_contacts", quota())), FakeBms(), NATIVE)
    assert ran.reported("action", "push") == {"ann": ("deferred", "deferred")}


def test_native_creates_nothing_in_bms():
    ran = Ran(people("ann"), FakeItGlue(), FakeBms(), NATIVE)
    assert ran.reported("action", "push", "bms_contact_id") == {"ann": ("create", "pending", None)}
    assert ran.bms.calls == {}


@pytest.mark.parametrize("committed", [0, -1], ids=["not-taken", "taken"])
def test_an_unclear_create_in_bms_is_looked_up_before_it_is_tried_again(committed):
    fault = Fault("create_contact", unclear("bms"), nth=3, times=2, rows=committed)
    ran = Ran(many(20), FakeItGlue(), FakeBms([], fault), PUSHING)
    assert {each.push for each in ran.operations} == {"pushed"}
    assert len(ran.bms.there) == 20
    assert {each.bms_contact_id for each in ran.operations} == set(ran.bms.there)
    for each in ran.operations:
        assert ran.bms.there[each.bms_contact_id].emails[0].address == each.user
    assert ran.bms.calls["create_contact"] == (20 if committed else 22)
    assert ran.again() == []


def test_an_unclear_create_in_bms_is_found_on_the_second_look():
    faults = [Fault("create_contact", unclear("bms")), Fault("create_contact", unclear("bms"), rows=-1)]
    ran = Ran(people("ann"), FakeItGlue(), FakeBms([], *faults), PUSHING)
    assert ran.reported("push", "bms_contact_id") == {"ann": ("pushed", 5001)}
    assert (ran.bms.calls["create_contact"], ran.bms.calls["contacts"]) == (2, 2)


def test_an_unclear_create_in_bms_that_stays_unclear_is_failed():
    ran = Ran(people("ann"), FakeItGlue(), FakeBms([], Fault("create_contact", unclear("bms"), times=9)), PUSHING)
    assert ran.reported("action", "push", "bms_contact_id") == {"ann": ("create", "failed", None)}
    assert ran.by["ann"].codes == ("write_unclear",)
    assert ran.bms.calls["create_contact"] == 2
    assert [each.push for each in ran.again()] == ["pushed"]


def test_a_look_in_bms_that_fails_ends_in_no_second_try():
    faults = [Fault("create_contact", unclear("bms"), rows=-1), Fault("contacts", gone("bms"))]
    ran = Ran(people("ann"), FakeItGlue(), FakeBms([], *faults), PUSHING)
    assert ran.reported("push") == {"ann": "failed"}
    assert ran.bms.calls["create_contact"] == 1
    assert ran.again() == []
    assert len(ran.bms.there) == 1


def unclear_beside(other):
    """A BMS in which somebody else makes a contact while the answer to a create is lost."""
    in_account = FakeBms()

    def meanwhile(created):
        in_account.there[other.id] = other
        return True

    in_account.faults.append(Fault("create_contact", unclear("bms"), rows=-1, when=meanwhile))
    return in_account


def test_an_unclear_create_is_distinguished_from_a_stranger_who_came_with_its_address_meanwhile():
    stranger = in_bms(4000, "ann@client.example", first="Zoe", last="Ray")
    ran = Ran(people("ann"), FakeItGlue(), unclear_beside(stranger), PUSHING)
    assert ran.reported("push", "bms_contact_id") == {"ann": ("pushed", 4001)}
    assert ran.bms.there[4001].first_name == "Ann"


def test_a_contact_that_was_created_for_one_namesake_is_not_taken_for_the_other_whose_answer_was_lost():
    """Both contacts hold the address of their office; a person has said that they are two."""

    def has_office(ident, mailbox):
        addresses = (Email(f"{mailbox}@client.example", "Work", True), Email("office@client.example", "Work"))
        return ready(ident, "ann.lee", emails=addresses)

    users = [person("ann.lee"), person("al", given_name="Ann", surname="Lee")]
    is_al = Fault("create_contact", unclear("bms"), when=lambda each: each.emails[0].address == "al@client.example")
    itglue = FakeItGlue([has_office(1, "ann.lee"), has_office(2, "al")])
    two = {"bms_match_overrides": dict.fromkeys((each.username for each in users), "new")}
    ran = Ran(users, itglue, FakeBms([], is_al), PUSHING, **two)
    assert ran.reported("push", "bms_contact_id") == {"ann": ("pushed", 5001), "al@client": ("pushed", 5002)}
    assert [ran.bms.there[ident].emails[0].address for ident in (5001, 5002)] == [each.username for each in users]


def test_an_unclear_create_beside_a_double_of_somebody_else_is_failed_with_the_ids_of_both():
    double = in_bms(4000, "ann.lee@client.example", first="Ann", last="Lee")
    ran = Ran(people("ann", job_title="Boss"), FakeItGlue(), unclear_beside(double), PUSHING)
    assert ran.reported("push", "bms_contact_id", "codes") == {"ann": ("failed", None, ("several_alike",))}
    assert ran.by["ann"].operation.reasons[0].values["bms_contact_ids"] == [4000, 4001]
    assert ran.bms.calls["create_contact"] == 1, "there is no third one"


def test_a_refused_push_does_not_stop_the_others():
    fault = Fault(
        "create_contact", rejected(said="No location", service="bms"), when=lambda each: each.first_name == "Bob"
    )
    ran = Ran(people("ann", "bob", "cid"), FakeItGlue(), FakeBms([], fault), PUSHING)
    assert ran.reported("action", "push") == {
        "ann": ("create", "pushed"),
        "bob": ("create", "failed"),
        "cid": ("create", "pushed"),
    }
    assert "No location" in ran.by["bob"].failure.said
    assert ran.lines == ["IT Glue: 3 of 3 contacts created", "BMS: 2 of 3 contacts pushed"]


def test_progress_reports_how_many_are_pushed():
    ran = Ran(many(2 * BULK + 1), FakeItGlue(), FakeBms(), PUSHING)
    assert ran.lines[-3:] == [f"BMS: {done} of 101 contacts pushed" for done in (50, 100, 101)]


def test_pushes_after_the_end_of_the_quota_are_deferred():
    fault = Fault("create_contact", quota("bms", retry_after=60), nth=11, times=99)
    ran = Ran(many(40), FakeItGlue(), FakeBms([], fault), PUSHING)
    assert ran.resume_at == pytest.approx(time.time() + 60, abs=60)
    pushes = [each.push for each in ran.operations]
    assert pushes.count("pushed") == len(ran.bms.there) == 10
    assert set(pushes) == {"pushed", "deferred"}
    assert ran.bms.calls["create_contact"] <= 10 + 8, "no more than were under way"
    assert {each.action for each in ran.operations} == {"create"}
    assert len(ran.again()) == 30
    assert ran.nobody_twice()


def test_a_service_that_goes_away_fails_what_was_tried_and_defers_the_rest():
    ran = Ran(many(40), FakeItGlue(), FakeBms([], Fault("create_contact", gone("bms"), nth=11, times=99)), PUSHING)
    pushes = [each.push for each in ran.operations]
    assert set(pushes) == {"pushed", "failed", "deferred"}
    assert pushes.count("failed") <= 8
    assert {each.codes for each in ran.operations if each.push == "deferred"} == {("not_tried",)}


# -------------------------------------------------------------------- job titles


def test_a_job_title_that_fails_is_a_warning():
    fault = Fault("set_contact", rejected(said="No", service="bms"))
    ran = Ran(people("ann", job_title="Boss"), FakeItGlue(), FakeBms([], fault), PUSHING)
    assert ran.reported("push") == {"ann": "pushed"}
    message = {"fields": ["JobTitle"], "users": ["ann.lee@client.example"], "said": "Refused: No."}
    assert ran.warnings == [("bms_fields_not_set", message)]
    assert (ran.by["ann"].unapplied, ran.by["ann"].create_in_bms.job_title) == (("bms-job-title",), None)
    assert [each.bms_after for each in ran.again()] == [{"JobTitle": "Boss"}], "the next run fills it"
    assert ran.bms.there[5001].job_title == "Boss"


def test_a_blank_job_title_is_filled():
    there = [in_bms(90211, "ann.lee@client.example")]
    ran = Ran([person("ann.lee")], FakeItGlue(contacts("ann", title="Boss")), FakeBms(there), PUSHING)
    assert ran.reported("push", "bms_after") == {"ann": ("already_in_bms", {"JobTitle": "Boss"})}
    assert ran.bms.titles == [(90211, {"JobTitle": "Boss"})]


def test_a_blank_job_title_that_could_not_be_filled_is_no_change():
    there = FakeBms([in_bms(90211, "ann.lee@client.example")], Fault("set_contact", gone("bms")))
    ran = Ran([person("ann.lee")], FakeItGlue(contacts("ann", title="Boss")), there, PUSHING)
    assert ran.reported("push", "bms_after", "writes") == {"ann": ("already_in_bms", {}, False)}
    assert len(ran.warnings) == 1


def test_a_failed_write_to_it_glue_holds_the_job_title_back():
    there = FakeBms([in_bms(90211, "ann.lee@client.example")])
    ran = Ran(updates("ann"), FakeItGlue(contacts("ann"), Fault("update_contacts", quota())), there, PUSHING)
    assert ran.reported("action", "push", "bms_after") == {"ann": ("deferred", "already_in_bms", {})}
    assert ran.bms.titles == []


def test_job_titles_stop_where_the_quota_ends_with_one_warning():
    users = [replace(each, job_title="Clerk") for each in many(40)]
    fault = Fault("set_contact", quota("bms", retry_after=60), nth=11, times=99)
    ran = Ran(users, FakeItGlue(), FakeBms([], fault), PUSHING)
    assert ran.resume_at == pytest.approx(time.time() + 60, abs=60)
    assert {each.push for each in ran.operations} == {"pushed"}
    assert len(ran.bms.titles) == 10
    assert ran.bms.calls["set_contact"] <= 10 + 8
    ((code, values),) = ran.warnings
    assert (code, len(values["users"]), values["said"]) == ("bms_fields_not_set", 30, "The quota is used up.")


def test_a_contact_that_was_written_in_part_is_not_pushed():
    users = updates("ann", mail="new@client.example")
    fault = Fault("update_contact", quota(), nth=3)
    itglue = FakeItGlue(contacts("ann"), fault, locked={1: {"contact-emails"}}, points=False)
    ran = Ran(users, itglue, FakeBms(), PUSHING)
    assert ran.reported("action", "after", "push") == {"ann": ("update", {"title": "Clerk"}, "deferred")}
    assert ran.bms.there == {}


# ---------------------------------------------------------- links that IT Glue makes


class Clock:
    """A clock that only goes on while somebody sleeps; and the lines that are reported meanwhile."""

    def __init__(self):
        self.now = 0.0
        self.slept = []
        self.lines = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def waited(itglue, users, push_wait, links_after, read_at=0.0):
    """Carry out a native push; IT Glue links a contact so many seconds after the first look."""
    clock = Clock()

    def sleep(seconds):
        clock.sleep(seconds)
        for ident, contact in itglue.there.items():
            if clock.now >= links_after.get(contact.first_name, float("inf")):
                itglue.there[ident] = replace(contact, adapters=(Adapter("Kaseya BMS", str(9000 + ident), sync=True),))

    there = snapshot(users, itglue.there.values(), bms_settings=NATIVE, read_at=read_at, **PRIMARY)
    plan = planned(there, bms())
    waiting = Waiting(["bms"], push_wait, sleep, lambda: clock.now)
    there = list(itglue.there.values())
    done = carried_out(plan, itglue, FakeBms(), there, waiting=waiting, progress=clock.lines.append)
    rows = map(Row, done)
    return {each.user.partition(".")[0]: (each.push, each.bms_contact_id) for each in rows}, clock, done


def test_links_are_waited_for_until_they_are_there():
    found, clock, dummy = waited(FakeItGlue(), people("ann", "bob"), 60.0, {"Ann": 1.0, "Bob": 5.0})
    assert found == {"ann": ("pushed", 9101), "bob": ("pushed", 9102)}
    assert clock.now < 60


def test_of_whom_it_glue_has_linked_only_the_waiting_is_no_reason_any_more():
    two_numbers = person("ann.lee", business_phones=("415-555-0100 / 415-555-0199",))
    dummy, clock, done = waited(FakeItGlue(), [two_numbers, *people("bob")], 20.0, {"Ann": 1.0})
    assert {each.user.partition(".")[0]: each.codes for each in map(Row, done)} == {
        "ann": ("phone_first_of_several", "pushed_by_itglue"),
        "bob": ("itglue_pushes",),
    }


def test_what_is_not_linked_in_time_is_pending():
    found, clock, dummy = waited(FakeItGlue(), people("ann", "bob"), 20.0, {"Bob": 1.0})
    assert found == {"ann": ("pending", None), "bob": ("pushed", 9102)}
    assert clock.now == 20
    assert clock.slept[:2] == [FIRST_PAUSE, 2 * FIRST_PAUSE]
    assert clock.lines[1:3] == [
        "IT Glue: waiting for the links of 2 contacts, 20 s at most",
        "IT Glue: waiting for the links of 1 contact, 19 s at most",
    ]


def test_the_last_look_is_at_the_end_of_the_time():
    found, clock, dummy = waited(FakeItGlue(), people("ann"), 3.5, {"Ann": 3.5})
    assert (found, clock.slept) == ({"ann": ("pushed", 9101)}, [1.0, 2.0, 0.5])


def test_nobody_waits_for_what_was_not_written():
    found, clock, dummy = waited(FakeItGlue(contacts("ann")), [person("ann.lee")], 60.0, {})
    assert (found, clock.slept) == ({"ann": ("pending", None)}, [])


def test_without_push_wait_nobody_waits():
    found, clock, dummy = waited(FakeItGlue(), people("ann"), 0.0, {"Ann": 0.0})
    assert (found, clock.slept) == ({"ann": ("pending", None)}, [])


LONG_AGO, NOW = "2020-01-01T00:00:00.000Z", "2026-11-23T12:00:00.000Z"


def complete(*names):
    """Contacts that were complete before, and that nobody has saved for long."""
    return [ready(72 + number, f"{name}.lee", updated_at=LONG_AGO) for number, name in enumerate(names)]


def test_what_was_complete_before_is_saved_again_and_waited_for():
    itglue = FakeItGlue(complete("ann", "bob"), stamp=NOW)
    found, clock, done = waited(itglue, [person("ann.lee"), person("bob.lee")], 20.0, {"Ann": 1.0}, 9e9)
    assert found == {"ann": ("pushed", 9072), "bob": ("pending", None)}
    assert [kind for kind, dummy in itglue.writes] == ["bulk update"]
    assert (clock.now, done.warnings) == (20, [])


def test_a_service_that_shows_no_trace_of_it_is_reported_and_nothing_has_changed():
    itglue = FakeItGlue(complete("ann", "bob"))
    found, dummy, done = waited(itglue, [person("ann.lee"), person("bob.lee")], 20.0, {"Ann": 1.0}, 9e9)
    assert found == {"ann": ("pushed", 9072), "bob": ("pending", None)}
    assert {each.user: (each.action, each.unapplied, each.writes) for each in map(Row, done)} == {
        "ann.lee@client.example": ("update", (), True),
        "bob.lee@client.example": ("unchanged", ("touch",), False),
    }
    assert warned(done) == [("contacts_not_saved_again", {"users": ["bob.lee@client.example"]})]


def test_a_lock_keeps_nobody_from_being_saved_again():
    itglue = FakeItGlue(complete("ann"), locked={72: {"contact-emails"}}, stamp=NOW)
    found, dummy, done = waited(itglue, [person("ann.lee")], 20.0, {"Ann": 1.0}, 9e9)
    assert found == {"ann": ("pushed", 9072)}
    assert [each.locked for each in map(Row, done)] == [("contact-emails",)]
    assert replace(itglue.there[72], adapters=()) == complete("ann")[0]


def test_links_that_cannot_be_read_are_pending_with_a_warning():
    faults = [Fault("contacts", gone(), times=9), Fault("contact", gone(), times=9)]
    found, dummy, done = waited(FakeItGlue([], *faults), people("ann"), 60.0, {"Ann": 0.0})
    assert found == {"ann": ("pending", None)}
    assert warned(done) == [("links_not_read", {"said": "The service is gone."})]


# ----------------------------------------------------------------- in every place


WRITES = (
    "create_contacts",
    "update_contacts",
    "update_contact",
    "contacts",
    "contact",
    "create_contact",
    "set_contact",
)


FAULTS = [(error, rows) for error in (unclear, rejected) for rows in (0, 1, -1)] + [(quota, 0), (gone, 0)]


@pytest.mark.parametrize(("error", "rows"), FAULTS, ids=[f"{error.__name__}-after-{rows}" for error, rows in FAULTS])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("method", WRITES)
def test_after_any_fault_a_plain_run_converges_with_no_duplicate(method, nth, error, rows):
    service = "bms" if method in ("create_contact", "set_contact") else "itglue"
    users = [*people("ann", "bob", job_title="Boss"), *updates("cid", "dan"), *updates("eve")]
    itglue = FakeItGlue(
        [
            ready(1, "cid.lee"),
            ready(2, "dan.lee"),
            ready(3, "eve.lee", phones=(Phone("4155550100", "Office", None, True),)),
        ],
        locked={2: {"contact-emails"}},
    )
    users[3] = replace(users[3], mail="new.dan@client.example")
    there = FakeBms([in_bms(90211, "eve.lee@client.example")])
    target = there if service == "bms" else itglue
    target.faults.append(Fault(method, error(service=service), nth=nth, rows=rows))
    ran = Ran(users, itglue, there, PUSHING)
    ran.again()
    assert [each for each in ran.again() if each.user != "dan.lee@client.example"] == []
    assert ran.nobody_twice()
    assert len(ran.itglue.there) == 5
    assert len(ran.bms.there) == 5
    assert {each.title for each in ran.itglue.there.values()} == {"Boss", "Clerk"}
    assert {each.job_title for each in ran.bms.there.values()} == {"Boss", "Clerk"}


# -------------------------------------------------- BMS contacts of linked contacts

LINKED = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee", phones=(BmsPhone("3315550199", 2),))


def behind(*names):
    """Linked contacts that are right in IT Glue, and their BMS contacts, which lack title, an address and the phone."""
    there, in_account = [], []
    for number, name in enumerate(names):
        alias = Email(f"{name}@client.example", "Work")
        there.append(linked(72 + number, f"{name}.lee", 90211 + number, title="Boss"))
        there[-1] = replace(there[-1], emails=(*there[-1].emails, alias))
        in_account.append(
            in_bms(90211 + number, f"{name}.lee@client.example", first=name.title(), last="Lee", phones=LINKED.phones)
        )
    return there, in_account


def following(*names, faults=(), in_account=None):
    there, present = behind(*names)
    bms_ = FakeBms(present if in_account is None else in_account, *faults)
    users = [person(f"{name}.lee") for name in names]
    return Ran(users, FakeItGlue(there), bms_, PUSHING, update_linked=True)


def test_bms_follows_a_linked_contact():
    ran = following("ann")
    (operation,) = ran.operations
    assert (operation.action, operation.unapplied, operation.writes, ran.warnings) == ("linked", (), True, [])
    there = ran.bms.there[90211]
    assert there.job_title == "Boss"
    assert [(each.address, each.default) for each in there.emails] == [
        ("ann.lee@client.example", True),
        ("ann@client.example", False),
    ]
    assert [(each.number, each.type_id, each.default) for each in there.phones] == [("4155550100", 2, True)]
    assert ran.bms.calls == {"contact": 1, "set_contact": 1, "patch_emails": 1, "patch_phones": 1}
    assert ran.again() == []


def test_a_release_of_bms_without_the_ways_is_asked_once_and_the_rest_is_written():
    missing = NotFoundError("There is no such thing.", service="bms", status=404)
    faults = [Fault(method, missing, times=99) for method in ("patch_emails", "patch_phones")]
    ran = following("ann", "bob", "cid", faults=faults)
    assert ran.bms.calls == {"set_contact": 3, "patch_emails": 1, "patch_phones": 1, "contact": 5}
    assert {each.unapplied for each in ran.operations} == {("bms-emails", "bms-phones")}
    assert [each.bms_after for each in ran.operations] == [{"JobTitle": "Boss"}] * 3
    assert [(code, values["fields"]) for code, values in ran.warnings] == [
        ("bms_fields_not_set", ["Emails"]),
        ("bms_fields_not_set", ["Phones"]),
    ]
    assert ran.warnings[0][1]["users"] == [f"{name}.lee@client.example" for name in ("ann", "bob", "cid")]
    done = ran._carry_out(ran._plan())
    assert not any(each.writes for each in done), "what cannot be written is no change"


def test_whether_bms_has_a_way_is_asked_by_one_alone_until_it_is_known():
    missing = NotFoundError("There is no such thing.", service="bms", status=404)
    no = rejected(said="No", service="bms")
    slowly = Fault("patch_emails", missing, times=99, when=lambda *args: not time.sleep(0.02))
    faults = [Fault("patch_emails", no), slowly]
    ran = following(*(f"u{number}" for number in range(9)), faults=faults)
    assert ran.bms.calls["patch_emails"] == 2


def test_a_contact_that_is_gone_from_bms_does_not_stop_the_others():
    missing = NotFoundError("There is no such contact.", service="bms", status=404)
    gone_one = [Fault(method, missing, times=9, when=lambda ident, *more: ident == 90211) for method in
                ("set_contact", "patch_emails", "patch_phones", "contact")]  # fmt: skip
    ran = following("ann", "bob", faults=gone_one)
    reported = ran.reported("writes", "unapplied")
    assert reported["ann"] == (False, ("bms-emails", "bms-job-title", "bms-phones"))
    assert reported["bob"] == (True, ())
    assert len(ran.bms.there[90212].emails) == 2


@pytest.mark.parametrize(("taken", "unapplied"), [(-1, ()), (0, ("bms-emails",))])
def test_a_lost_answer_is_resolved_by_a_look(taken, unapplied):
    ran = following("ann", faults=[Fault("patch_emails", unclear("bms"), rows=taken)])
    assert ran.reported("unapplied") == {"ann": unapplied}
    assert len(ran.warnings) == len(unapplied)
    assert len(ran.bms.there[90211].emails) == (1 if unapplied else 2)
    ran.again()
    assert len(ran.bms.there[90211].emails) == 2


def test_what_bms_refuses_is_listed_and_the_rest_is_written():
    ran = following("ann", "bob", faults=[Fault("patch_phones", rejected(said="No", service="bms"))])
    assert ran.reported("unapplied") == {"ann": ("bms-phones",), "bob": ()}
    assert set(ran.by["ann"].bms_after) == {"JobTitle", "Emails"}
    assert set(ran.by["ann"].bms.before) == {"JobTitle", "Emails"}


@pytest.mark.parametrize(
    ("edit", "written", "unapplied"),
    [
        pytest.param({"first_name": "Zoe"}, {}, ("bms-emails", "bms-job-title", "bms-phones"), id="the-names"),
        pytest.param({"job_title": "Chief"}, {"patch_emails": 1, "patch_phones": 1}, ("bms-job-title",), id="a-field"),
    ],
)
def test_what_somebody_has_changed_in_bms_since_it_was_read_is_not_overwritten(edit, written, unapplied):
    """With other names it may be somebody else's by now: then nothing of it is changed."""
    there, present = behind("ann")
    in_account = FakeBms(present)
    in_account.contact = lambda bms_id: replace(in_account.there[bms_id], **edit)
    ran = Ran([person("ann.lee")], FakeItGlue(there), in_account, PUSHING, update_linked=True)
    assert (in_account.calls, ran.by["ann"].unapplied) == (written, unapplied)


def test_a_quota_that_ends_leaves_the_rest_to_the_next_run():
    names = [f"u{number:02}" for number in range(30)]
    ran = following(*names, faults=[Fault("patch_emails", quota("bms", retry_after=60), nth=2, times=99)])
    assert ran.resume_at == pytest.approx(time.time() + 60, abs=60)
    assert ran.bms.calls["patch_emails"] <= 1 + 8
    assert sum("bms-emails" in each.unapplied for each in ran.operations) == 29
    ran.again()
    assert {len(each.emails) for each in ran.bms.there.values()} == {2}


def test_a_failed_write_to_it_glue_holds_bms_back():
    there, present = behind("ann")
    itglue = FakeItGlue(there, Fault("update_contacts", quota()))
    users = [person("ann.lee", job_title="Chief")]
    ran = Ran(users, itglue, FakeBms(present), PUSHING, update_linked=True)
    assert ran.reported("action", "push", "bms_after") == {"ann": ("deferred", "deferred", {})}
    assert ran.bms.there[90211] == present[0]


class Silent(FakeBms):
    """A BMS whose answer that shows one contact does not say that it is inactive."""

    def contact(self, contact_id):
        return replace(super().contact(contact_id), active=True)


def test_who_has_returned_is_active_whatever_the_answer_that_shows_one_contact_leaves_out():
    former, inactive = ready(contact_type_id=FORMER), in_bms(5, "ann.lee@client.example", active=False)
    users, types = [person("stay"), person("ann.lee")], {"contact_type": "End User", **DEACTIVATE}
    plan = planned_with_departed(users, [former], present=bms(inactive), **types)
    in_account = Silent([inactive])
    carried_out(plan, FakeItGlue([former]), in_account, [former], [inactive])
    assert in_account.there[5].active


def test_who_was_made_active_in_bms_is_reported_so_though_it_glue_then_fails():
    former, inactive = ready(contact_type_id=FORMER), in_bms(5, "ann.lee@client.example", active=False)
    users, types = [person("stay"), person("ann.lee")], {"contact_type": "End User", **DEACTIVATE}
    plan = planned_with_departed(users, [former], present=bms(inactive), **types)
    itglue, in_account = FakeItGlue([former], Fault("update_contacts", quota())), FakeBms([inactive])
    done = {each.user: each for each in map(Row, carried_out(plan, itglue, in_account, [former], [inactive]))}
    ann = done["ann.lee@client.example"]
    assert (ann.action, ann.after, in_account.there[5].active) == ("deferred", {}, True)
    assert (ann.operation.bms.before, ann.bms_after) == ({"IsActive": False}, {"IsActive": True})


def departing(*faults, **values):
    """What becomes of Ann and Bob, who are to be made inactive in BMS; `values` are those of both IT Glue parts."""
    present = [in_bms(5, "ann.lee@client.example"), in_bms(6, "bob.lee@client.example")]
    part = BmsPart(contact_id=5, before={"IsActive": True}, after={"IsActive": False})
    outcomes = Outcomes(
        Operation(
            DepartedSubject(ident, name, name),
            ItGluePart(contact_id=ident, **values),
            part._replace(contact_id=bms_id),
        )
        for ident, name, bms_id in ((71, "ann", 5), (72, "bob", 6))
    )
    in_account = FakeBms(present, *faults)
    BmsWriter(in_account, Journal(), outcomes, 2528, present).set_active()
    return list(map(Row, outcomes)), in_account


@pytest.mark.parametrize(
    ("error", "action", "code"),
    [
        pytest.param(quota("bms"), "deferred", "quota_exceeded", id="quota"),
        pytest.param(rejected(said="No", service="bms"), "failed", "write_rejected", id="refused"),
    ],
)
@pytest.mark.parametrize("planned_action", [Action.UPDATE, Action.UNCHANGED], ids=["typed", "type-refused-before"])
def test_who_cannot_be_made_inactive_in_bms_is_listed_and_it_glue_says_nothing_of_it(
    planned_action, error, action, code
):
    refusing_bob = Fault("set_contact", error, when=lambda ident, values: ident == 6, times=9)
    (ann, bob), in_account = departing(refusing_bob, action=planned_action, after={"contact-type-id": 31})
    assert (ann.action, ann.after, ann.bms_after) == (planned_action, {"contact-type-id": 31}, {"IsActive": False})
    assert (bob.action, bob.codes, bob.bms_after, bob.writes) == (action, (code,), {}, False)
    assert bob.failure.code == error.failure.code
    assert [each.active for each in in_account.there.values()] == [False, True]


@pytest.mark.parametrize(
    ("more", "action", "after", "code"),
    [
        pytest.param({}, "failed", {}, "write_rejected", id="nothing-else"),
        pytest.param({"title": "Boss"}, "update", {"title": "Boss"}, "return_deferred", id="a-title-too"),
    ],
)
def test_who_cannot_be_made_active_in_bms_keeps_the_type_of_departed_people(more, action, after, code):
    former = dict.fromkeys(more)
    part = ItGluePart(Action.UPDATE, 71, {"contact-type-id": 31, **former}, {"contact-type-id": 24, **more})
    in_account = BmsPart(None, 5, None, {"IsActive": False}, {"IsActive": True})
    outcomes = Outcomes([Operation(UserSubject("ann", "id-ann"), part, in_account)])
    there = [in_bms(5, "ann.lee@client.example", active=False)]
    refusing = FakeBms(there, Fault("set_contact", rejected(said="No", service="bms")))
    BmsWriter(refusing, Journal(), outcomes, 2528, there).set_active()
    (ann,) = map(Row, outcomes)
    assert (ann.action, ann.after, ann.codes, ann.bms_after) == (action, after, (code,), {})
    assert ann.before == (former if after else {})
    assert ann.failure.code == "rejected"

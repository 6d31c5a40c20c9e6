# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that plans anew in its middle: what it has made stays whose it is, and what is gone by now stops one person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter, Email
from tests.unit.engine.builders import contact_named, in_bms, linked, options, person, ready, user
from tests.unit.plan.test_plan_documents import BOB, OFFICE365, PUSHING
from tests.unit.sync.fakes import Fault, rejected
from tests.unit.sync.test_look_again import LONG_AGO, Busy, by_user

NATIVE = {**PUSHING, "push_method": "native"}
UNFILTERED = {**OFFICE365, "user_filter": {"require_name": False}}
# Nobody's name, and the address that others hold as an alias.
FRONT = user("front", business_phones=("4155550102",))


@pytest.fixture
def world(tmp_path) -> Busy:
    return Busy(tmp_path)


def pushes(outcome) -> dict:
    return {name: (each.action, each.push) for name, each in by_user(outcome).items()}


def read_whole(world, nth: int) -> None:
    """The list of changes is refused, so that all contacts are read, and one that was deleted is missed."""
    world.itglue.faults.append(Fault("changed_contacts", rejected(said="sort"), nth=nth, times=9))


# --------------------------------------------------------- what the run has made


def with_alias(name: str, **values):
    aliases = (f"SMTP:{name}@client.example", f"smtp:{FRONT.mail}")
    return person(name, proxy_addresses=aliases, **{"business_phones": ("4155550100",), **values})


def test_a_contact_that_was_made_for_one_of_two_who_share_an_address_is_not_the_others(world):
    """Front has no name, so its contact would be a second one that Ann's alias hits."""
    world.store.office365 = UNFILTERED
    world.graph.there = [with_alias("ann.lee", job_title="Clerk"), FRONT]
    world.edit(72, first_name=None)
    expected = pushes(world.run(preview=True))
    assert {name: action for name, (action, dummy) in expected.items()} == {"ann": "update", "front@client": "create"}
    done = world.run()
    assert pushes(done) == expected
    assert world.itglue.there[72].first_name == "Ann"
    assert not world.run().changed


def test_a_planned_plan_is_applied_whole_where_two_share_an_address(world):
    world.store.office365 = UNFILTERED
    world.graph.there = [with_alias("ann.lee", job_title="Clerk"), FRONT]
    world.edit(72, first_name=None)
    world.plan()
    outcome = world.apply()
    assert (outcome.refused_entries, by_user(outcome)["ann"].action) == ([], "update")


def test_a_contact_that_was_made_bars_nobody_who_is_still_to_be_created(world, monkeypatch):
    """Between two portions: Zoe's primary address is the one that Bob's contact, made before, has got as an alias."""
    monkeypatch.setattr("ansible_collections.msp.psa_sync.plugins.module_utils._sync.planned_run.STALE_AFTER", -1.0)
    monkeypatch.setattr("ansible_collections.msp.psa_sync.plugins.module_utils._sync.itglue_writer.BULK", 1)
    stop = iter(range(9))

    def is_stale(self):
        return self.looked_at is None or (len(self.services.itglue.created) == 1 and next(stop) == 0)

    replanner = "ansible_collections.msp.psa_sync.plugins.module_utils._sync.planned_run.Replanner.is_stale"
    monkeypatch.setattr(replanner, property(is_stale))
    world.graph.there = [BOB, person("zoe.ray", mail="bob.lee@client.example", business_phones=("4155550103",))]
    world.itglue.there.clear()
    expected = {name: action for name, (action, dummy) in pushes(world.run(preview=True)).items()}
    assert {name: action for name, (action, dummy) in pushes(world.run()).items()} == expected


def test_what_it_glue_has_made_in_bms_of_a_new_contact_is_nobody_elses(world):
    """Cid's contact was Bob's by an override, and keeps his address; IT Glue has pushed Bob's new one by then."""
    world.store.bms = NATIVE
    world.bms.there.clear()
    world.itglue.there = {73: ready(73, "bob.lee", first="Robert", last="Ray", title="Boss", updated_at=LONG_AGO)}
    world.graph.there = [BOB, person("cid.lee", mail=None, proxy_addresses=(), job_title="Chief")]
    overrides = options(match_overrides={"id-cid.lee": 73, "id-bob.lee": "new"})
    expected = pushes(world.run(preview=True, options=overrides))

    def push() -> None:
        (bob,) = [each for each in world.itglue.there.values() if each.first_name == "Bob"]
        world.bms.there[95000] = in_bms(95000, "bob.lee@client.example", first="Bob", last="Lee")
        world.edit(bob.id, psa_integration="enabled", adapters=(Adapter("Kaseya BMS", "95000", sync=True),))

    world.before(world.itglue, "create_contacts", lambda: world.before(world.itglue, "changed_contacts", push))
    done = pushes(world.run(options=overrides))
    assert expected["cid"] == done["cid"] == ("update", "pending")
    assert world.itglue.there[73].title == "Chief"


def test_two_who_share_an_address_by_an_override_are_two_in_bms_and_found_apart_again(world):
    """The overridden contact keeps Bob's address, and Bob gets a contact of his own."""
    world.bms.there.clear()
    world.itglue.there = {73: ready(73, "bob.lee", first="Robert", last="Ray", updated_at=LONG_AGO)}
    world.graph.there = [BOB, person("cid.lee", mail=None, proxy_addresses=())]
    given = {"options": options(match_overrides={"id-cid.lee": 73, "id-bob.lee": "new"})}
    expected = pushes(world.run(preview=True, **given))
    assert pushes(world.run(**given)) == expected == {"bob": ("create", "pushed"), "cid": ("update", "pushed")}
    again = world.run(**given)
    assert (again.changed, {push for dummy, push in pushes(again).values()}) == (False, {"already_in_bms"})


# --------------------------------------------------------------- what is gone by now


@pytest.mark.parametrize("nth", [1, 2], ids=["before the first write", "between two writes"])
def test_an_override_whose_contact_is_deleted_meanwhile_defers_its_person_alone(world, nth):
    read_whole(world, nth)
    moment = (world.itglue, "changed_contacts") if nth == 1 else (world.itglue, "create_contacts")
    world.before(*moment, lambda: world.itglue.there.pop(72))
    outcome = world.run(options=options(match_overrides={"ann.lee@client.example": 72}))
    done = by_user(outcome)
    assert pushes(outcome)["ann"] == ("deferred", "deferred")
    assert (done["ann"].codes[-1], done["ann"].attention) == ("override_outdated", True)
    assert "72" in done["ann"].said
    assert pushes(outcome)["bob"] == ("create", "pushed")
    assert pushes(outcome)["cid"] == ("unchanged", "already_in_bms")
    assert (outcome.changed, [each.first_name for each in world.bms.created]) == (True, ["Bob"])


def test_an_applied_plan_refuses_it_and_applies_the_rest(world):
    given = {"options": options(match_overrides={"id-ann.lee": 72})}
    world.plan(**given)
    read_whole(world, 2)
    world.before(world.itglue, "create_contacts", lambda: world.itglue.there.pop(72))
    outcome = world.apply()
    ann = by_user(outcome)["ann"]
    assert (ann.action, {"override_outdated", "plan_outdated"} <= set(ann.codes)) == ("refused", True)
    assert [each.user for each in outcome.refused_entries] == ["ann.lee@client.example"]
    assert pushes(outcome)["bob"] == ("create", "pushed")


def test_an_override_to_a_username_that_was_handed_on_meanwhile_defers_its_person_alone(world):
    """The contact gets the names of an excluded user while the run works."""
    world.graph.there.append(person("zoe.ray", account_enabled=False))
    rename = {"first_name": "Zoe", "last_name": "Ray", "emails": (Email("shop@client.example", "Work", True),)}
    world.before(world.itglue, "create_contacts", lambda: world.edit(72, **rename))
    outcome = world.run(options=options(match_overrides={"ann.lee@client.example": 72}))
    assert by_user(outcome)["ann"].codes[-1] == "override_outdated"
    assert pushes(outcome)["bob"] == ("create", "pushed")
    assert world.itglue.there[72].first_name == "Zoe"


@pytest.mark.parametrize("method", ["direct", "native"])
def test_an_override_whose_bms_contact_is_gone_meanwhile_stops_nobody_else(world, method):
    world.store.bms = {**PUSHING, "push_method": method}
    world.bms.there[90211] = replace(world.bms.there[90211], job_title="Boss")
    moment = (world.itglue, "changed_contacts") if method == "native" else (world.itglue, "create_contacts")
    world.before(*moment, lambda: world.bms.there.pop(90211))
    outcome = world.run(options=options(bms_match_overrides={"cid.lee@client.example": 90211}))
    assert pushes(outcome)["bob"] == ("create", "pushed" if method == "direct" else "pending")
    assert pushes(outcome)["ann"] == ("update", "pushed" if method == "direct" else "pending")
    if method == "native":
        assert by_user(outcome)["cid"].codes[-1] == "override_outdated"


def unlinked(world, name: str, ident: int) -> None:
    """Whoever was linked at the beginning is a candidate for BMS in the middle of the run."""
    world.itglue.there[ident] = linked(ident, name, updated_at=LONG_AGO)
    world.before(
        world.itglue,
        "create_contacts",
        lambda: world.edit(ident, psa_integration=None, adapters=(), title="Clerk"),
    )


def no_account(world) -> None:
    world.bms.found.clear()


def no_types(world) -> None:
    world.bms.email_types = lambda known=(): []


@pytest.mark.parametrize("gone", [no_account, no_types])
def test_what_bms_has_no_more_when_it_is_read_in_the_middle_ends_no_run(world, gone):
    """At the beginning nobody had to be looked for in BMS."""
    ann, dummy, cid = world.graph.there
    world.graph.there = [replace(ann, job_title=None), *(replace(each, business_phones=()) for each in (BOB, cid))]
    world.edit(73, title=None, phones=())
    unlinked(world, "ann.lee", 72)
    gone(world)
    outcome = world.run()
    assert pushes(outcome) == {
        "ann": ("linked", None),
        "bob": ("create", "not_ready"),
        "cid": ("update", "not_ready"),
    }
    assert world.bms.calls["accounts"] == 1, "in the middle"


def test_a_contact_type_that_is_gone_when_it_is_read_in_the_middle_ends_no_run(world):
    """Nobody was to be created; then a contact becomes somebody else's, and its person would be."""
    world.store.office365 = {**OFFICE365, "contact_type": "End User"}
    world.graph.there = [each for each in world.graph.there if each.given_name != "Bob"]
    world.graph.there[1] = replace(world.graph.there[1], job_title="Chief")
    world.itglue.types = ()
    other = {"first_name": "Zoe", "last_name": "Ray", "emails": (Email("zoe@client.example", "Work", True),)}
    world.before(world.itglue, "changed_contacts", lambda: world.edit(72, **other))
    outcome = world.run()
    assert (by_user(outcome)["ann"].action, by_user(outcome)["ann"].codes[-1]) == ("deferred", "changed_since_read")
    assert (by_user(outcome)["cid"].action, world.itglue.there[73].title) == ("update", "Chief")


def test_the_contacts_of_a_run_do_not_make_its_tenant_too_small_for_the_look_in_bms(world):
    """Before a create in BMS the plan is made anew too, where somebody has come into BMS; nothing is updated before."""
    world.edit(72, title="Clerk")
    for number in range(2 * len(world.graph.there) - len(world.itglue.there)):
        made = contact_named(9000 + number, f"Old{number} Lee", f"old{number}")
        world.itglue.there[made.id] = replace(made, updated_at=LONG_AGO)
    stranger = in_bms(95000, "zoe@elsewhere.example", first="Zoe", last="Ray")
    world.before(world.itglue, "create_contacts", lambda: world.bms.there.update({95000: stranger}))
    outcome = world.run(options=options(deactivate=True, departed_contact_type="End User"))
    assert {name: push for name, (dummy, push) in pushes(outcome).items()} == {
        "ann": "pushed",
        "bob": "pushed",
        "cid": "already_in_bms",
    }

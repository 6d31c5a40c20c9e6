# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A remembered fact withholds a look-up, and with it a push; nothing else depends on it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_recall import compared_by
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.facts import Ended, facts_after, without_contacts
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.freshness import digest, is_due
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import ContactType, Facts, InBms, Snapshot
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode, because
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.refusals import refusal
from ansible_collections.msp.psa_sync.plugins.module_utils._store import richtext
from ansible_collections.msp.psa_sync.plugins.module_utils._store.facts import decoded, encoded
from tests.unit.engine import builders
from tests.unit.engine.builders import PUSHING, in_bms, linked, person, ready
from tests.unit.engine.test_properties import LOCATIONS, World, applied, chances, worlds

NOW = 1_800_000_000
HOUR, DAY = 3600, 24 * 3600
NO_FACTS = Facts()


def planned(world: World, facts: Facts) -> Planning:
    """A planning that reads BMS only where it asks for it."""
    present = world.present
    findings = Findings(
        verified_domains=frozenset(),
        deleted_users=(),
        locations=LOCATIONS,
        bms_locations=present.locations,
        bms_types=(present.email_type, present.phone_type),
    )
    planning = Planning(replace(world.read, facts=facts, read_at=float(NOW)), world.given, findings)
    while planning.needs:
        assert planning.needs == {Need.BMS}
        planning.add(Findings(bms=replace(present, locations=(), email_type=None, phone_type=None)))
    return planning


def resolved(world: World, chance: Random) -> World:
    """The world after a run: whoever is not linked is in BMS, as far as anything can be done."""
    return applied(world, world.plan().operations, chance)


def found_out(planning: Planning) -> Facts:
    """What is remembered of a run whose writes have all been carried out."""
    operations = (*planning.plan.operations, *planning.plan.deactivations)
    return facts_after(Ended(planning, operations, operations, {}))


def tampered(facts: Facts, chance: Random) -> Facts:
    """Facts of other people, of other times, and some that are gone."""
    ids = [each.bms_contact_id for each in facts.in_bms.values()]
    chance.shuffle(ids)
    times = (NOW - HOUR, NOW - 3 * HOUR, NOW - 3 * DAY, NOW + DAY, 0)
    in_bms = {
        key: replace(fact, bms_contact_id=bms_id, verified_at=chance.choice(times))
        for (key, fact), bms_id in zip(facts.in_bms.items(), ids, strict=True)
        if chance.random() < 0.9
    }
    return replace(facts, in_bms={**in_bms, "nobody": InBms(901, NOW)}, refused={(1, "name"): "no digest"})


def changed(world: World, chance: Random) -> World:
    """The same account after somebody has removed or renamed contacts in BMS."""
    kept = [each for each in world.present.contacts if chance.random() < 0.7]
    renamed = [replace(each, first_name="Zoë") if chance.random() < 0.2 else each for each in kept]
    return replace(world, present=replace(world.present, contacts=tuple(renamed)))


@given(worlds, chances)
def test_a_fact_can_only_withhold_a_push(world, chance):
    world = resolved(world, chance)
    facts = tampered(found_out(planned(world, Facts())), chance)
    world = changed(world, chance)
    remembering, looking = planned(world, facts), planned(world, Facts())
    native = world.read.bms.native
    for one, other in zip(remembering.plan.operations, looking.plan.operations, strict=True):
        if one == other:
            continue
        if remembering.findings.bms is None:
            assert one.bms.push == "already_in_bms"
            assert not one.bms.writes
        else:  # the BMS contact of somebody whose name it no longer bears
            assert one.bms.push in ("already_in_bms", "conflict")
            assert one.bms.create is None and one.bms.after.keys() <= {"JobTitle"}
        assert native or one.itglue == other.itglue
        assert not (native and one.itglue.writes)


@given(worlds, chances)
def test_the_next_plan_is_the_same_with_what_this_one_has_found(world, chance):
    world = resolved(world, chance)
    first = planned(world, Facts())
    facts = found_out(first)
    second = planned(world, facts)
    known = {each.subject for each in second.plan.operations if each.bms.push == "already_in_bms"}
    written = {each.subject for each in first.plan.operations if each.bms.writes}
    for one, other in zip(first.plan.operations, second.plan.operations, strict=True):
        assert one == other or one.subject in known & written
    assert found_out(second) == facts


def test_some_worlds_have_somebody_to_remember():
    """The properties above would prove little otherwise."""
    withheld = []

    @examples(max_examples=100, derandomize=True, database=None)
    @given(worlds, chances)
    def look(world, chance):
        world = resolved(world, chance)
        facts = found_out(planned(world, Facts()))
        withheld.append(bool(facts.in_bms) and planned(world, facts).findings.bms is None)

    look()
    assert sum(withheld) > 5


@given(st.integers(1, 10**16), st.integers(0, NOW))
def test_a_fact_counts_for_some_hours_and_is_verified_once_a_day(organization_id, verified_at):
    hours = [hour for hour in range(27) if is_due(organization_id, verified_at, verified_at + hour * HOUR)]
    assert hours and hours[0] > 1
    assert hours == list(range(hours[0], 27))
    again = verified_at + hours[0] * HOUR
    assert not is_due(organization_id, again, again + 22 * HOUR)
    assert is_due(organization_id, again, again + DAY)


def test_look_ups_are_spread_over_the_day():
    due = [next(hour for hour in range(27) if is_due(each, NOW, NOW + hour * HOUR)) for each in range(1, 2401)]
    counts = [due.count(hour) for hour in range(3, 26)]
    assert min(counts) > 50 and max(counts) < 150


def test_a_fact_counts_for_two_hours_at_least():
    assert not any(is_due(each, NOW, NOW + 2 * HOUR - 1) for each in range(1, 101))
    assert any(is_due(each, NOW, NOW + 3 * HOUR) for each in range(1, 101))


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"value": "a", "primary": True}) == digest({"primary": True, "value": "a"}) != digest({"value": "a"})


def test_a_fact_of_the_future_has_to_be_verified():
    assert is_due(1, NOW + DAY, float(NOW))


@pytest.mark.parametrize(("seconds", "due"), [(HOUR - 1, False), (HOUR, False), (HOUR + 1, True)])
def test_clocks_may_differ_by_an_hour(seconds, due):
    assert is_due(1, NOW + seconds, float(NOW)) == due


# ------------------------------------------------------- who was found in BMS


def run_of_three(facts=NO_FACTS, turned_out=lambda operation: operation, unread=None, **values) -> Facts:
    """What is remembered of Ann, who is linked, of Bob, who is in BMS, and of Cid, whom the run pushes."""
    users = [person(f"{name}.lee") for name in ("ann", "bob", "cid")]
    contacts = [linked(71, "ann.lee", 900), ready(72, "bob.lee"), ready(73, "cid.lee")]
    read = builders.snapshot(users, contacts, bms_settings=PUSHING, read_at=float(NOW))
    present = builders.bms(in_bms(902, "bob.lee@client.example", first="Bob", last="Lee"))
    planning = builders.planning_of(replace(read, facts=facts), present, unread=unread, **values)
    operations = planning.plan.operations
    return facts_after(Ended(planning, operations, tuple(map(turned_out, operations)), {}))


def pushed(operation: Operation) -> Operation:
    """The operation once its BMS contact has been created."""
    part = operation.bms
    return operation._replace(bms=part._replace(contact_id=903)) if part.push == Push.PUSHED else operation


def remembered(facts: Facts) -> dict[int, tuple]:
    return {each.bms_contact_id: (each.verified_at, each.codes) for each in facts.in_bms.values()}


def test_who_is_in_bms_is_remembered_with_the_reason():
    found = (NOW, ("in_bms_by_address",))
    assert remembered(run_of_three()) == {902: found}
    assert remembered(run_of_three(turned_out=pushed)) == {902: found, 903: found}
    asked_for = run_of_three(turned_out=pushed, bms_match_overrides={"id-cid.lee": "new"})
    assert remembered(asked_for)[903] == (NOW, ("in_bms_by_override",))


@pytest.mark.parametrize(("bms_settings", "action"), [(PUSHING, "update"), (builders.NATIVE, "unchanged")])
def test_whom_nobody_looks_for_is_written_to_it_glue_unless_that_would_push(bms_settings, action):
    someone, something = person("ann.lee", job_title="Boss"), ready(72, "ann.lee")
    read = builders.snapshot([someone], [something], bms_settings=bms_settings, read_at=float(NOW))
    there = in_bms(902, "ann.lee@client.example", first="Ann", last="Lee", job_title="Boss")
    looking = builders.planning_of(read, builders.bms(there))
    read = replace(read, facts=found_out(looking))
    recalled = Planning(read, builders.options(), Findings(locations=()))
    assert recalled.plan.account is None, "BMS is not read"
    assert recalled.plan.operations == looking.plan.operations
    assert [(each.itglue.action, each.bms.push) for each in recalled.plan.operations] == [(action, "already_in_bms")]


def test_of_the_reasons_only_those_of_the_look_up_are_remembered():
    returned = run_of_three(turned_out=lambda operation: operation.because(because(ReasonCode.RETURNED)))
    assert returned == run_of_three()


def in_part(operation: Operation, **values) -> Operation:
    return operation._replace(bms=operation.bms._replace(**values))


@pytest.mark.parametrize(
    "turned_out",
    [
        pytest.param(lambda operation: in_part(operation, unapplied=("bms-emails",)), id="unapplied"),
        pytest.param(lambda operation: operation._replace(failure=object()), id="failed"),
        pytest.param(lambda operation: in_part(operation, contact_id=None), id="no-contact"),
        pytest.param(lambda operation: in_part(operation, push=Push.CONFLICT), id="conflict"),
        pytest.param(lambda operation: in_part(operation, push=Push.PUSHED), id="pushed-by-it-glue"),
        pytest.param(lambda operation: operation.because(because(ReasonCode.BMS_HIT_WITHHELD)), id="others-named"),
    ],
)
def test_who_has_to_be_looked_for_again_is_forgotten(turned_out):
    known = run_of_three()
    after = run_of_three(known, turned_out, users=frozenset({"bob.lee@client.example"}))
    assert remembered(known).keys() == {902}
    assert remembered(after) == {}


@pytest.mark.parametrize(
    ("changes", "verified_at"),
    [
        pytest.param({"verified_at": NOW - HOUR}, NOW - HOUR, id="the-same"),
        pytest.param({"verified_at": NOW - 3 * DAY}, NOW, id="due"),
        pytest.param({"verified_at": NOW - HOUR, "bms_contact_id": 905}, NOW, id="another-contact"),
        pytest.param({"verified_at": NOW - HOUR, "codes": ()}, NOW, id="another-reason"),
    ],
)
def test_a_fact_that_is_found_again_keeps_its_time_until_it_is_due(changes, verified_at):
    ((key, fact),) = run_of_three().in_bms.items()
    known = Facts(in_bms={key: replace(fact, **changes)})
    assert remembered(run_of_three(known)) == {902: (verified_at, ("in_bms_by_address",))}


def test_what_is_known_of_the_people_of_the_run_stays_while_bms_cannot_be_read():
    known = run_of_three(turned_out=pushed)
    more = replace(known, in_bms={**known.in_bms, "somebody": InBms(901, NOW)})
    assert run_of_three(more, unread="It is gone.").in_bms == known.in_bms
    assert run_of_three(unread="It is gone.").in_bms == {}


ANN_TWICE = [in_bms(each, "ann.lee@client.example", first="Ann", last="Lee") for each in (900, 905)]


@pytest.mark.parametrize(
    ("present", "unread", "kept"),
    [
        pytest.param(ANN_TWICE[:1], None, False, id="once"),
        pytest.param(ANN_TWICE, None, True, id="twice"),
        pytest.param(ANN_TWICE[:1], "It is gone.", True, id="not-read"),
    ],
)
def test_who_is_linked_to_another_bms_contact_stays_known_until_nobody_is_duplicated(present, unread, kept):
    read = builders.snapshot([person("ann.lee")], [linked(71, "ann.lee", 900)], bms_settings=PUSHING)
    contacts = builders.planning_of(read).contacts
    known = Facts(in_bms={compared_by(contacts).of("id-ann.lee", 71, read.contacts[0]): InBms(905, NOW)})
    planning = builders.planning_of(replace(read, facts=known), builders.bms(*present), unread=unread)
    assert (planning.plan.stopped is not None) == (len(present) == 2)
    assert facts_after(Ended(planning, (), (), {})).in_bms == (known.in_bms if kept else {})


def test_who_is_in_bms_twice_stops_no_run_that_creates_nobody():
    read = builders.snapshot([person("ann.lee")], [linked(71, "ann.lee", 900)], bms_settings=PUSHING)
    plan = builders.planned(read, builders.bms(*ANN_TWICE), update_linked=True)
    assert (plan.account is not None, plan.stopped) == (True, None)


PAUSED = replace(PUSHING, auto_push_office365_contacts=False)
NOT_READY = ready(71, "ann.lee", phones=())


@pytest.mark.parametrize(
    ("something", "known_id", "bms_settings", "needs"),
    [
        pytest.param(linked(71, "ann.lee", 900), 905, PUSHING, {Need.BMS}, id="to-another"),
        pytest.param(linked(71, "ann.lee", 900), 900, PUSHING, set(), id="to-the-same"),
        pytest.param(linked(71, "ann.lee", 900), 905, PAUSED, set(), id="nobody-is-pushed"),
        pytest.param(linked(71, "ann.lee", 900), 905, builders.NATIVE, set(), id="native"),
        pytest.param(NOT_READY, 905, PUSHING, set(), id="not-linked-and-not-ready"),
    ],
)
def test_bms_is_read_for_whom_it_glue_has_linked_to_another_bms_contact_than_the_known_one(
    something, known_id, bms_settings, needs
):
    users, others = [person("al.lee"), person("ann.lee")], [ready(70, "al.lee", phones=())]
    read = builders.snapshot(users, [*others, something], bms_settings=bms_settings)
    compared = compared_by(builders.planning_of(read).contacts)
    known = Facts(in_bms={compared.of("id-ann.lee", 71, something): InBms(known_id, NOW)})
    assert Planning(replace(read, facts=known), builders.options(), Findings()).needs == needs


# ------------------------------------------------------------------ what is kept


def ended(facts: Facts, planned_operations=(), carries=None, **values) -> Ended:
    """A run on three contacts that knew the facts, and has read BMS. `carries` has contact types by contact."""
    types = carries or {}
    contacts = [builders.ready(each, f"u{each}.lee", contact_type_id=types.get(each)) for each in (71, 72, 73)]
    read = replace(builders.snapshot([builders.person("ann")], contacts, bms_settings=builders.PUSHING), facts=facts)
    planning = builders.planning_of(read, **values)
    assert planning.findings.bms is not None
    return Ended(planning, planned_operations, planned_operations, {})


@pytest.mark.parametrize(("users", "kept"), [(None, False), (frozenset({"id-ann"}), True)], ids=["all", "some-users"])
def test_a_run_for_some_users_keeps_what_is_known_of_the_others(users, kept):
    facts = Facts(in_bms={"somebody": InBms(901, NOW)})
    assert facts_after(ended(facts, users=users)).in_bms == (facts.in_bms if kept else {})


def test_a_refusal_is_remembered_until_the_contact_is_no_longer_held_back_or_gone():
    refused = {(71, "name"): "a", (72, "name"): "b", (73, "name"): "c", (74, "name"): "d"}
    wanted = builders.ready(71)
    judged = [
        Operation(UserSubject("a", "a"), ItGluePart(Action.UNCHANGED, 71, contact=wanted, locked=("name",))),
        Operation(UserSubject("b", "b"), ItGluePart(Action.UNCHANGED, 72, contact=wanted)),
        Operation(UserSubject("c", "c"), ItGluePart(Action.CONFLICT, 73)),
    ]
    assert set(facts_after(ended(Facts(refused=refused), judged)).refused) == {(71, "name"), (73, "name")}


def test_a_refusal_of_this_run_is_remembered_of_contacts_that_were_there_before():
    contact, wanted = ready(72, "u72.lee"), ready(72, "u72.lee", title="Clerk")
    parts = {"new": None, "gone": 74, "here": 72}
    operations = [
        Operation(UserSubject(name, name), ItGluePart(Action.UPDATE, contact_id, contact=wanted))
        for name, contact_id in parts.items()
    ]
    refused = {UserSubject(name, name): {"name"} for name in ("nobody", *parts)}
    run = replace(ended(Facts(), operations), refused=refused)
    assert facts_after(run).refused == {(72, "name"): refusal(run.contacts[72], wanted, "name")}
    assert run.contacts[72] == contact


# --------------------------------------------------------------- departed people

DEPARTED = {"deactivate": True, "departed_contact_type": "Former", "allow_shrunken_source": True}
LOCKED = {"locked": ("contact-type",)}


def departed(facts: Facts) -> Snapshot:
    """What is read of Ann and Bob, who have departed."""
    users = [person("stay"), *(person(f"{name}.lee", account_enabled=False) for name in ("ann", "bob"))]
    contacts = [linked(71, "ann.lee", 901), linked(72, "bob.lee", 902)]
    return replace(builders.snapshot(users, contacts, bms_settings=PUSHING, read_at=float(NOW)), facts=facts)


def run_of_departed(facts=NO_FACTS, turned_out=lambda operation: operation, unread=None) -> Facts:
    """What is remembered of Ann and Bob, who have departed, and whose contact types IT Glue refuses to change."""
    present = builders.bms(in_bms(901, active=False), in_bms(902, active=False))
    planning = builders.planning_of(
        departed(facts), present, contact_types=(ContactType(31, "Former"),), unread=unread, **DEPARTED
    )
    subjects = [each.subject for each in planning.departures]
    assert [each.user for each in subjects] == ["ann.lee@client.example", "bob.lee@client.example"]
    outcome = [Operation(each, ItGluePart(Action.UNCHANGED, each.contact_id, **LOCKED)) for each in subjects]
    return facts_after(Ended(planning, (), tuple(filter(None, map(turned_out, outcome))), {}))


def only(name: str, change):
    """Changes the operation of one person."""
    return lambda operation: change(operation) if operation.user.startswith(name) else operation


def test_departed_people_of_whom_bms_needs_nothing_more_are_remembered():
    assert list(run_of_departed().offboarded.values()) == [NOW, NOW]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda operation: None, id="nothing-planned"),
        pytest.param(lambda operation: operation._replace(failure=object()), id="failed"),
        pytest.param(lambda operation: operation._replace(itglue=ItGluePart(Action.UPDATE, 71)), id="not-refused"),
        pytest.param(lambda operation: in_part(operation, unapplied=("bms-active",)), id="unapplied-in-bms"),
    ],
)
def test_a_departed_person_of_whom_more_is_needed_is_not_remembered_and_others_are(change):
    ann, bob = run_of_departed().offboarded
    assert run_of_departed(turned_out=only("ann", change)).offboarded == {bob: NOW}


def test_a_departed_person_keeps_the_time_until_it_is_due():
    ann, bob = run_of_departed().offboarded
    known = Facts(offboarded={ann: NOW - HOUR, bob: NOW - 3 * DAY, "somebody": NOW})
    assert run_of_departed(known).offboarded == {ann: NOW - HOUR, bob: NOW}
    assert run_of_departed(Facts(offboarded={bob: NOW - HOUR}), unread="It is gone.").offboarded == {bob: NOW - HOUR}


@pytest.mark.parametrize(
    ("ages", "needs"),
    [
        pytest.param([HOUR, HOUR], set(), id="both-known"),
        pytest.param([HOUR, 3 * DAY], {Need.BMS}, id="one-is-due"),
        pytest.param([HOUR], {Need.BMS}, id="one-is-not-known"),
    ],
)
def test_bms_is_read_for_departed_people_of_whom_it_may_need_more(ages, needs):
    keys = run_of_departed().offboarded
    facts = Facts(offboarded={key: NOW - age for key, age in zip(keys, ages, strict=False)})
    types = (ContactType(31, "Former"),)
    found = Findings(verified_domains=frozenset(), deleted_users=(), locations=(), contact_types=types)
    assert Planning(departed(facts), builders.options(**DEPARTED), found).needs == needs


def test_a_former_contact_type_is_remembered_of_whom_a_run_deactivates_until_the_return():
    """Ann and Bob are deactivated, Cid returns; Dan only gets a job title."""
    users = [person("stay"), *(person(f"{name}.lee", account_enabled=False) for name in ("ann", "bob"))]
    contacts = [ready(71, "ann.lee", contact_type_id=24), ready(72, "bob.lee"), ready(73, "cid.lee"), ready(74, "dan")]
    contacts[2:] = [replace(each, contact_type_id=31) for each in contacts[2:]]
    read = replace(builders.snapshot(users, contacts), facts=Facts(former_contact_types={73: 5, 74: 5}))
    planning = builders.planning_of(read, contact_types=(ContactType(31, "Former"),), **DEPARTED)
    ann, bob = (each.subject for each in planning.departures)
    typed = {"after": {"contact-type-id": 31}}
    outcome = [
        Operation(UserSubject("new", "new"), ItGluePart(Action.CREATE, None, **typed)),
        Operation(UserSubject("dan", "dan"), ItGluePart(Action.UPDATE, 74, after={"title": "Clerk"})),
        Operation(ann, ItGluePart(Action.UPDATE, 71, before={"contact-type-id": 24}, **typed)),
        Operation(UserSubject("cid", "cid"), ItGluePart(Action.UPDATE, 73, **typed)),
        Operation(bob, ItGluePart(Action.UPDATE, 72, **typed)),
    ]
    after = facts_after(Ended(planning, (), tuple(outcome), {}))
    assert after.former_contact_types == {71: 24, 72: None, 74: 5}


def test_a_former_contact_type_is_remembered_as_long_as_the_contact_carries_that_of_departed_people():
    departed = {"contact_types": (ContactType(31, "Former"),), "deactivate": True, "departed_contact_type": "Former"}
    departed["allow_shrunken_source"] = True
    facts = Facts(former_contact_types={71: 24, 72: 24, 74: 24})
    assert facts_after(ended(facts, carries={71: 31, 72: 25}, **departed)).former_contact_types == {71: 24}


def test_who_is_kept_apart_by_a_deleted_user_stays_so_while_taking_no_part():
    users = [builders.person("ann"), builders.person("bob", sku_ids=())]
    pairs = {(71, "id-bob"), (74, "id-bob"), (71, "id-gone")}
    known = Facts(kept_apart=frozenset(pairs), made_anew=frozenset({"id-bob", "id-gone", "id-ann"}))
    read = replace(builders.snapshot(users, [builders.ready(71)]), facts=known)
    after = facts_after(Ended(builders.planning_of(read), (), (), {}))
    assert (after.kept_apart, after.made_anew) == ({(71, "id-bob")}, {"id-bob"})


@pytest.mark.parametrize("unread", [None, "It is gone."], ids=["read", "not-read"])
def test_who_is_kept_apart_from_any_bms_contact_stays_so_until_bms_is_read(unread):
    facts = Facts(kept_apart=frozenset({(72, "id-ann")}), apart_in_bms=frozenset({"id-ann", "id-gone"}))
    read = replace(builders.snapshot([person("ann")], [ready(72, "zoe.doe")], bms_settings=PUSHING), facts=facts)
    after = facts_after(Ended(builders.planning_of(read, unread=unread), (), (), {}))
    assert (after.kept_apart, after.apart_in_bms) == (frozenset(), {"id-ann"} if unread else frozenset())


@pytest.mark.parametrize("unread", [None, "It is gone."], ids=["read", "not-read"])
def test_who_was_found_by_name_in_bms_stays_known_until_looked_up_again(unread):
    """Ann is looked up, Bob is left out, Zoe is linked to the BMS contact by now, and Gus is no user any more."""
    people = {5: "id-ann", 6: "id-bob", 7: "id-zoe", 8: "id-gus"}
    facts = Facts(by_name_in_bms=frozenset(people.items()))
    users = [person("ann", given_name="Ann"), builders.person("bob", sku_ids=()), person("zoe")]
    contacts = [ready(72, "ann"), builders.linked(73, "zoe", 7)]
    read = replace(builders.snapshot(users, contacts, bms_settings=PUSHING), facts=facts)
    after = facts_after(Ended(builders.planning_of(read, unread=unread), (), (), {}))
    assert after.by_name_in_bms == ({(5, "id-ann"), (6, "id-bob")} if unread else {(6, "id-bob")})


def test_a_revert_forgets_what_was_known_of_its_contacts():
    facts = Facts(
        in_bms={"ann": InBms(901, NOW), "bob": InBms(902, NOW)},
        refused={(71, "name"): "a", (72, "name"): "b"},
        offboarded={"cid": NOW},
        former_contact_types={71: 24, 72: None},
        kept_apart=frozenset({(71, "id-ann")}),
        made_anew=frozenset({"id-ann"}),
        apart_in_bms=frozenset({"id-ann"}),
        by_name_in_bms=frozenset({(903, "id-ann")}),
    )
    assert without_contacts(facts, {71}, {901}) == Facts(
        in_bms={"bob": InBms(902, NOW)},
        refused={(72, "name"): "b"},
        former_contact_types={72: None},
        kept_apart=facts.kept_apart,
        made_anew=facts.made_anew,
        apart_in_bms=facts.apart_in_bms,
        by_name_in_bms=facts.by_name_in_bms,
    )
    assert without_contacts(facts, (), ()) == facts
    for contact_ids, bms_contact_ids in (({74}, ()), ((), {904})):
        assert without_contacts(facts, contact_ids, bms_contact_ids) == replace(facts, offboarded={})


keys = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)
ids = st.integers(0, 10**16)
all_facts = st.builds(
    Facts,
    in_bms=st.dictionaries(
        keys, st.builds(InBms, ids, ids, st.sampled_from([(), ("in_bms_by_name", "inactive_in_bms")])), max_size=50
    ),
    refused=st.dictionaries(st.tuples(ids, keys), keys, max_size=5),
    offboarded=st.dictionaries(keys, ids, max_size=5),
    former_contact_types=st.dictionaries(ids, st.none() | ids, max_size=5),
    kept_apart=st.frozensets(st.tuples(ids, keys), max_size=5),
    made_anew=st.frozensets(keys, max_size=5),
    apart_in_bms=st.frozensets(keys, max_size=5),
    by_name_in_bms=st.frozensets(st.tuples(ids, keys), max_size=5),
)


@given(all_facts)
@example(Facts(in_bms={"key": InBms(0, 0)}, made_anew=frozenset({"id"}), apart_in_bms=frozenset({"other"})))
def test_facts_are_read_as_they_were_written(facts):
    text = encoded(facts, 2)
    assert text.isascii() and len(text.splitlines()) == 1
    assert richtext.lines(richtext.rich([text])) == richtext.lines(f"<p>{text}</p>") == [text]
    assert decoded(text, 2) == facts


@given(all_facts, st.integers(0, 10**6), st.characters(codec="ascii"))
def test_no_edit_of_a_character_is_believed(facts, place, character):
    text = encoded(facts, 2)
    place %= len(text)
    edited = f"{text[:place]}{character}{text[place + 1 :]}"
    assert edited == text or decoded(edited, 2) == Facts()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A remembered fact withholds a look-up, and with it a push; nothing else depends on it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.facts import Ended, facts_after, without_contacts
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.freshness import is_due
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching_index import ANY_CONTACT
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import ContactType, Facts, InBms
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    ItGluePart,
    Operation,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._store import richtext
from ansible_collections.msp.psa_sync.plugins.module_utils._store.facts import decoded, encoded
from tests.unit.engine import builders
from tests.unit.engine.test_properties import LOCATIONS, World, applied, chances, worlds

NOW = 1_800_000_000
HOUR, DAY = 3600, 24 * 3600


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
        assert one.bms.push == "already_in_bms"
        assert not one.bms.writes
        assert remembering.findings.bms is None
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


def test_a_fact_of_the_future_has_to_be_verified():
    assert is_due(1, NOW + DAY, float(NOW))


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


def test_a_former_contact_type_is_remembered_as_long_as_the_contact_carries_that_of_departed_people():
    departed = {"contact_types": (ContactType(31, "Former"),), "deactivate": True, "departed_contact_type": "Former"}
    departed["allow_shrunken_source"] = True
    facts = Facts(former_contact_types={71: 24, 72: 24, 74: 24})
    assert facts_after(ended(facts, carries={71: 31, 72: 25}, **departed)).former_contact_types == {71: 24}


def test_who_is_kept_apart_by_a_deleted_user_stays_so_while_taking_no_part():
    users = [builders.person("ann"), builders.person("bob", sku_ids=())]
    pairs = {(71, "id-bob"), (ANY_CONTACT, "id-bob"), (74, "id-bob"), (71, "id-gone")}
    read = replace(builders.snapshot(users, [builders.ready(71)]), facts=Facts(kept_apart=frozenset(pairs)))
    after = facts_after(Ended(builders.planning_of(read), (), (), {}))
    assert after.kept_apart == {(71, "id-bob"), (ANY_CONTACT, "id-bob")}


def test_a_revert_forgets_what_was_known_of_its_contacts():
    facts = Facts(
        in_bms={"ann": InBms(901, NOW), "bob": InBms(902, NOW)},
        refused={(71, "name"): "a", (72, "name"): "b"},
        offboarded={"cid": NOW},
        former_contact_types={71: 24, 72: None},
        kept_apart=frozenset({(71, "id-ann")}),
    )
    assert without_contacts(facts, {71}, {901}) == Facts(
        in_bms={"bob": InBms(902, NOW)},
        refused={(72, "name"): "b"},
        former_contact_types={72: None},
        kept_apart=facts.kept_apart,
    )
    assert without_contacts(facts, (), ()) == facts


keys = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)
ids = st.integers(1, 10**16)
all_facts = st.builds(
    Facts,
    in_bms=st.dictionaries(
        keys, st.builds(InBms, ids, ids, st.sampled_from([(), ("in_bms_by_name", "inactive_in_bms")])), max_size=50
    ),
    refused=st.dictionaries(st.tuples(ids, keys), keys, max_size=5),
    offboarded=st.dictionaries(keys, ids, max_size=5),
    former_contact_types=st.dictionaries(ids, st.none() | ids, max_size=5),
    kept_apart=st.frozensets(st.tuples(ids, keys), max_size=5),
)


@given(all_facts)
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

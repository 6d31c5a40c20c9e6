# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which record a create has made: the same names and a common address, not known before; never a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import (
    Resembling,
    could_be,
    find_answered,
    find_created,
    find_duplicates,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsEmail, Email
from tests.unit.engine.builders import in_bms, ready

ANN = ready(0, "ann.lee")
BOB = ready(0, "bob.lee")
ALIAS = Email("ann@home.example", "Home")
NAMESAKES = Email("ann.lee2@client.example")
IN_BMS = in_bms(0, "ann.lee@client.example", first="Ann", last="Lee")


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Director"},
        {"emails": (*ANN.emails, Email("ann@home.example", "Home"))},
        {"emails": (Email("  ANN.LEE@Client.Example "),)},
        {"phones": (), "location_id": None},
        {"first_name": " ann "},
    ],
)
def test_what_was_changed_since_makes_nobody_else_of_it(changes):
    assert could_be(replace(ANN, id=72, **changes), ANN)


@pytest.mark.parametrize("changes", [{"first_name": "Zoe"}, {"last_name": None}, {"emails": ()}])
def test_other_names_or_no_common_address_are_somebody_else(changes):
    assert not could_be(replace(ANN, id=72, **changes), ANN)


def test_it_is_the_same_for_bms():
    made = replace(IN_BMS, id=90211, job_title="Boss", emails=(*IN_BMS.emails, BmsEmail("ann@home.example", 1)))
    (found,) = find_created([IN_BMS], [made, replace(made, id=5, first_name="Zoe")])
    assert (found.record, found.alike) == (made, (made,))


def ids(found) -> list[tuple]:
    return [(each.record.id if each.record else None, [one.id for one in each.alike]) for each in found]


def test_each_create_finds_its_own():
    present = [ready(73, "bob.lee"), ready(72, "ann.lee"), ready(74, "cid.lee")]
    found = find_created([ANN, BOB], present)
    assert ids(found) == [(72, [72]), (73, [73])]
    assert not any(each.is_unclear for each in found)
    assert Resembling(present).to(ANN) == (present[1],)


def test_what_was_known_before_is_never_what_was_made():
    assert ids(find_created([ANN], [ready(72), ready(73)], {72})) == [(73, [73])]
    assert ids(find_created([ANN], [ready(72)], {72})) == [(None, [])]


def test_of_several_none_is_taken_and_all_are_reported():
    (found,) = find_created([ANN], [ready(72), ready(73)])
    assert found.is_unclear
    assert ids([found]) == [(None, [72, 73])]


def test_one_that_two_creates_could_have_made_is_given_to_neither():
    twin = replace(ANN, emails=(*ANN.emails, Email("other@client.example")))
    assert ids(find_created([ANN, twin], [ready(72)])) == [(None, [72]), (None, [72])]


def test_an_answer_without_addresses_is_recognized_by_the_names():
    blank = [replace(ready(72), emails=()), replace(ready(73, "bob.lee"), emails=())]
    assert ids(find_answered([BOB, ANN], blank)) == [(73, [73]), (72, [72])]


def test_namesakes_in_an_answer_without_addresses_are_not_guessed():
    other = replace(ANN, emails=(Email("other@client.example"),))
    blank = [replace(ready(72), emails=()), replace(ready(73), emails=())]
    assert [each.record for each in find_answered([ANN, other], blank)] == [None, None]
    answered = [ready(72), replace(ready(73), emails=())]
    assert ids(find_answered([ANN, other], answered)) == [(72, [72]), (73, [73])]


# ------------------------------------------------------- whom somebody else has made too


def duplicates(made, present, known=lambda record: ()) -> list[tuple]:
    return [(record.id, [one.id for one in others]) for record, others in find_duplicates(made, present, known)]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        pytest.param(ready(75), [(72, [75])], id="same-names"),
        pytest.param(ready(75, first="Mrs Ann"), [(72, [75])], id="same-names-beside-a-title"),
        pytest.param(ready(75, first="Zoe"), [], id="other-names"),
        pytest.param(ready(75, first="A"), [], id="an-initial-is-not-the-same"),
        pytest.param(ready(75, emails=()), [(72, [75])], id="without-an-address"),
        pytest.param(ready(75, emails=(ALIAS,)), [(72, [75])], id="an-address-that-nobody-else-holds"),
        pytest.param(ready(75, emails=(ALIAS, *BOB.emails)), [(72, [75])], id="an-address-of-other-names"),
        pytest.param(ready(75, emails=(ALIAS, NAMESAKES)), [], id="an-address-of-a-namesake"),
        pytest.param(ready(75, first="Zoe", emails=()), [], id="other-names-and-no-address"),
    ],
)
def test_somebody_else_s_contact_of_the_same_names_is_a_duplicate_unless_it_holds_a_namesake_s_address(other, found):
    bystanders = [ready(76, "bob.lee"), ready(77, emails=(NAMESAKES,))]
    assert duplicates([ready(72)], [*bystanders, ready(72), other], lambda dummy: {76, 77}) == found


def test_two_that_somebody_else_has_made_excuse_one_another_by_no_address():
    twins = [ready(number, emails=(ALIAS,)) for number in (75, 76)]
    assert duplicates([ready(72)], [ready(72), *twins]) == [(72, [75, 76])]
    namesake = replace(ready(73), emails=(ALIAS,))
    assert duplicates([ready(72), namesake], [ready(72), namesake, *twins]) == [(73, [75, 76])]


def test_somebody_of_one_name_is_duplicated_where_the_names_are_spelled_alike():
    assert duplicates([ready(72, last=None)], [ready(75, last=None)]) == [(72, [75])]
    assert duplicates([ready(72, last=None)], [ready(75, last=None, emails=())]) == []


def test_each_duplicate_is_named_once_by_id_and_nobody_of_the_run_or_from_before_it():
    made = [replace(ready(72), emails=(*ANN.emails, ALIAS)), ready(73), ready(74, "bob.lee")]
    there = [replace(ready(each), emails=made[0].emails) for each in (77, 76, 71)]
    known = {72: {71}, 73: {71, 76}, 74: ()}
    assert duplicates(made, [*there, *made], lambda record: known[record.id]) == [(72, [76, 77]), (73, [77])]

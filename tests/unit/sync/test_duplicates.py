# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pause before duplicates are looked for, and how they are reported."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode, because
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.duplicates import (
    note_among,
    note_duplicates,
    wait_for_others,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import Outcomes
from tests.unit.engine.builders import contact, in_bms


@pytest.mark.parametrize(
    ("created_at", "now", "waits"),
    [
        pytest.param(101.0, 101.0, [3.0], id="three-times-as-long-as-the-run-took-from-look-to-create"),
        pytest.param(101.0, 103.5, [0.5], id="less-what-has-passed-since"),
        pytest.param(101.0, 104.0, [], id="all-of-it-has-passed"),
        pytest.param(101.0, 109.0, [], id="more-than-that-has-passed"),
        pytest.param(160.0, 160.0, [5.0], id="at-most-five-seconds"),
        pytest.param(160.0, 150.0, [5.0], id="at-most-five-seconds-whatever-the-clock-says"),
    ],
)
def test_a_run_waits_for_others_who_could_not_see_its_creates(created_at, now, waits):
    slept = []
    wait_for_others(100.0, created_at, sleep=slept.append, clock=lambda: now)
    assert slept == waits


def test_a_duplicate_that_is_found_twice_is_reported_once_beside_other_reasons():
    made = contact(71, "ann@client.example", first="Ann", last="Able")
    other = because(ReasonCode.RETURNED)
    operation = Operation(UserSubject("ann", "id-ann"), ItGluePart(Action.CREATE, 71, contact=made), reasons=(other,))
    outcomes = Outcomes([operation])
    for there in ([72], [72, 73]):
        note_among(outcomes, [made, *(replace(made, id=each) for each in there)], {71: ()})
    (found,) = outcomes
    assert [each.code for each in found.reasons] == [other.code, ReasonCode.DUPLICATE_IN_ITGLUE]
    assert found.reasons[-1].values["contact_ids"] == [72, 73]


def test_both_services_are_read_side_by_side_and_reported_in_one_order():
    together = Barrier(2)
    made = contact(71, "ann@client.example", first="Ann", last="Able")
    there = in_bms(91, "ann@client.example", first="Ann", last="Able")
    push = BmsPart(Push.PUSHED, 91, create=there)
    operation = Operation(UserSubject("ann", "id-ann"), ItGluePart(Action.CREATE, 71, contact=made), push)

    def read(record, other_id):
        together.wait(20)
        return [record, replace(record, id=other_id)]

    outcomes = Outcomes([operation])
    note_duplicates(outcomes, lambda: read(made, 72), {71: ()}, lambda: read(there, 92), ())
    (found,) = outcomes
    assert [each.code for each in found.reasons] == [ReasonCode.DUPLICATE_IN_BMS, ReasonCode.DUPLICATE_IN_ITGLUE]

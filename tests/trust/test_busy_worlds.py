# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random worlds in which a technician, IT Glue's own sync or a second control node acts between the requests of a run.

No change of theirs is lost, nobody is made twice without being told of, all that the run changed is told, and what it
did not do has a reason. The next run finds a world like any other, and a third one has nothing to do.
"""

from __future__ import annotations

import copy
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from . import invariants
from .busy_world import Busy, Node, Somebody, all_writes_are_reported, nobody_is_made_twice, nothing_of_others_is_lost
from .inprocess import Outcome, Stand
from .tally import drawn, note
from .worlds import Case, cases, chances

REGIMES = {
    "direct": cases("direct"),
    "native": cases("native"),
    "merged": cases("direct", itglue_arrays="merge"),
    "linked": cases("direct", linked=True),
}
EACH = drawn("busy worlds") // len(REGIMES)
NODES = 0.15
"""The share of worlds in which a second control node acts too."""


def hold(case: Case, chance: Random) -> int:
    """Let somebody act in a run; how often somebody did."""
    plain = Stand(copy.deepcopy(case.world)).sync(**case.options)
    if invariants.is_refused(plain) or not plain.writes:
        return 0
    stand = Busy(case.world)
    first = next(number for number, each in enumerate(plain.sent) if each in plain.writes)
    for dummy in range(chance.randint(1, 3)):
        number = chance.randint(max(0, first - 4), len(plain.sent) - 1)
        stand.due.setdefault(number, []).append(Somebody(chance))
    if chance.random() < NODES:
        stand.due.setdefault(chance.randint(1, len(plain.sent) - 1), []).append(Node(case.options))
    before = stand.state()
    outcome = stand.sync(**case.options)
    stand.due = {}
    runs = [outcome, *stand.others]
    if invariants.is_refused(outcome):
        assert not +stand.written
    else:
        all_writes_are_reported(stand, outcome)
    nothing_of_others_is_lost(stand, runs)
    nobody_is_made_twice(stand, runs, case.options["match_overrides"], later=False)
    acted = len(stand.changes) + len(stand.others)
    then = stand.sync(**case.options)
    runs.append(then)
    nothing_of_others_is_lost(stand, runs)
    if not invariants.is_refused(then):
        nobody_is_made_twice(stand, runs, case.options["match_overrides"], later=True)
        assert _refuses(then) or not stand.sync(**case.options).changed
    invariants.strangers_are_left_alone(before, stand.state())
    return acted


def _refuses(outcome: Outcome) -> bool:
    return any(
        "failed" in (each["action"], each["push"]) or each["locked"] or each["unapplied"]
        for each in outcome.contacts().values()
    )


@pytest.mark.parametrize("regime", REGIMES)
def test_nothing_of_others_is_lost_in_any_world(regime):
    tried, acted = 0, 0

    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck))
    @given(REGIMES[regime], chances)
    def every(case, chance):
        nonlocal tried, acted
        tried += 1
        acted += hold(case, chance)

    every()
    note("busy worlds", regime, tried)
    assert acted >= EACH // 4

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random worlds: check mode is the truth, a second run changes nothing, nobody is lost or doubled.

Each regime turns the switches that bear on what is promised; all others are left to chance
(`worlds.Maker.switches`: page sizes, the forms of answers and errors, the order of BMS's lists,
whether synced contacts can be written). What the regimes cover:

| invariant                               | direct | native | pushes | merged | linked |
|-----------------------------------------|--------|--------|--------|--------|--------|
| the prediction equals the real run      | yes    | yes    | yes    | yes    | yes    |
| check mode writes nothing               | yes    | yes    | yes    | yes    | yes    |
| a second run changes nothing            | yes    | yes    | yes    | yes    | yes    |
| nothing is lost                         | yes    | yes    | yes    | yes    | yes    |
| nobody is there twice                   | yes    | yes    | yes    | yes    | yes    |
| linked contacts, conflicts, strangers   | yes    | yes    | yes    | yes    | yes    |
| only who left is deactivated            | yes    | yes    | yes    | yes    | yes    |
| the order of rows means nothing         | yes    | yes    | yes    | yes    | yes    |

- `direct`: arrays replaced, IT Glue pushes nothing by itself: what is documented for `push_method: direct`.
- `native`: `push_method: native` while IT Glue does not push (yet): all stays `pending`.
- `pushes`: `push_method: native` with IT Glue's own push, whose link shows at once or later.
- `merged`: IT Glue merges arrays instead of replacing them. What should have gone is then listed under
  `unapplied`, and the preview of the next run says it again, as of whatever was refused.
- `linked`: most contacts are linked with BMS, and `update_linked` has both services follow Microsoft 365. BMS may be
  of a release without the ways to change e-mails and phones.

Not promised, and so not here: `push_method: direct` with IT Glue's own push on. The documentation says that this
combination doubles people, whatever the order of the writes.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from . import invariants
from .inprocess import Stand
from .tally import drawn, note
from .worlds import Case, cases

REGIMES = {
    "direct": cases("direct"),
    "native": cases("native"),
    "pushes": cases("native", native_push=True, native_email_type=1, native_phone_type=1),
    "merged": cases("direct", itglue_arrays="merge"),
    "linked": cases("direct", linked=True),
}
EACH = drawn("worlds") // len(REGIMES)


def hold(case: Case) -> None:
    """Run it in check mode and for real, twice, and once with all rows in another order."""
    stand = Stand(case.world)
    before = stand.state()
    predicted = stand.sync(check=True, **case.options)
    invariants.check_mode_writes_nothing(before, stand.state(), predicted)

    shuffled = Stand(case.world, alter=Shuffled())
    invariants.same_whatever_the_order(predicted, shuffled.sync(check=True, **case.options))

    real = stand.sync(**case.options)
    after = stand.state()
    invariants.prediction_equals_real(predicted, real)
    invariants.changed_is_true_to_the_state(before, after, real)
    if invariants.is_refused(real):
        invariants.check_mode_writes_nothing(before, after, real)
        return
    invariants.nothing_is_lost(before, after, case, real)
    invariants.nobody_is_there_twice(before, after, case, real)
    invariants.linked_are_left_alone(before, after, case, real)
    invariants.conflicts_write_nothing(before, after, real)
    invariants.only_departed_people_are_deactivated(before, after, case, real)

    moved = invariants.deferred(real) - invariants.deferred(predicted)
    if moved or invariants.may_be_free_in_bms(before, after, case, real):
        # A list of BMS that moved during the run stopped it, or IT Glue itself changed BMS; the next run goes on.
        real = stand.sync(**case.options)
        after = stand.state()

    foreseen = stand.sync(check=True, **case.options)
    again = stand.sync(**case.options)
    invariants.second_run_changes_nothing(real, foreseen, again, after, stand.state())
    invariants.strangers_are_left_alone(before, after)


class Shuffled:
    """The rows of each list in another order."""

    def __init__(self) -> None:
        self._chance = Random(1)

    def __call__(self, service: str, method: str, path: str, body):
        if method == "GET" and isinstance(body, dict):
            for key in ("data", "value", "result", "Result", "included"):
                if isinstance(body.get(key), list):
                    body[key] = self._chance.sample(body[key], len(body[key]))
        return body


@pytest.mark.parametrize("regime", REGIMES)
def test_what_is_promised_holds_in_every_world(regime):
    tried = 0

    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck))
    @given(REGIMES[regime])
    def every(case):
        nonlocal tried
        tried += 1
        hold(case)

    every()
    note("worlds", regime, tried)
    assert tried >= EACH

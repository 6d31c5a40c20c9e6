# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else acts at each request of a run: nothing of theirs is lost, nobody is doubled, the result is true."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import PushesStoppedError

from .inprocess import is_write
from .invariants import users_of
from .second_actor import ACTIONS, OVERRIDES, TAKEN_AWAY, Interrupted, created_is_reported, nobody_is_duplicated
from .tally import NIGHTLY, note
from .test_fault_matrix import WITH_DEPARTED, undisturbed, world_with_departed
from .worlds import Json

SAMPLE = 1 if NIGHTLY else 9
"""By day, of the requests one in so many."""


def requests() -> list[Json]:
    """The requests of a run, logins included: an action comes right before one of them."""
    return undisturbed()[0]


ALONE = ("/contacts/102", "/contacts/103")
BULK = ("/contacts",)
IN_BMS = "/v2/crm/contacts"
LOOKS = {f"{IN_BMS}/{each}": f"{IN_BMS}/summary/{each}" for each in (903, 907)}
"""The paths that are read before a write of another path."""


def unseen(action: str, stand: Interrupted) -> bool:
    """Whether the action comes between a look and the write that follows it: neither service has conditional writes,
    so nobody can see it, and the later of the two stands. Looks and writes of several BMS contacts take turns as the
    threads of the run do."""
    writes = {
        "adds entries": BULK + ALONE,
        "renames": BULK + ALONE[:1],
        "titles in bms": (f"{IN_BMS}/903",),
        "renames in bms": (f"{IN_BMS}/907",),
    }.get(action, ())
    looks = {LOOKS.get(path, path) for path in writes}
    for method, path in stand.since:
        if method == "GET" and path in looks:
            return False
        if method != "GET" and path in writes:
            return True
    return False


def is_at_the_end(number: int) -> bool:
    """Whether the run has begun its last lists: who is created from then on is created after the run. What it
    remembers is written after that."""
    return not any(is_write(each) and not each.get("facts") for each in requests()[number - 1 :])


def acted(action: str, number: int) -> None:
    stand = Interrupted(world_with_departed())
    before = stand.state()
    stand.act_before(number, ACTIONS[action])
    outcome = stand.sync(**WITH_DEPARTED)
    if stand.kept is None:
        # The run took another way, and was at its end before.
        return
    assert outcome.error is None or isinstance(outcome.error, PushesStoppedError), outcome.error
    after = stand.state()
    runs = [outcome, *stand.others]
    kept = not unseen(action, stand)
    if kept:
        stand.kept(after)
    created_is_reported(before, after, outcome, stand.added)
    if not is_at_the_end(number):
        nobody_is_duplicated(after, *runs)
    plain = stand.sync(**WITH_DEPARTED)
    assert plain.error is None, plain.error
    if kept:
        stand.kept(stand.state())
    nobody_is_duplicated(stand.state(), *runs, plain)


@pytest.mark.parametrize("action", ACTIONS)
def test_somebody_acts_at_each_request(action):
    numbers = range(list(ACTIONS).index(action) % SAMPLE, len(requests()), SAMPLE)
    failures = []
    for number in numbers:
        try:
            acted(action, number)
        except AssertionError as error:
            entry = requests()[number]
            failures.append(f"{number} {entry['method']} {entry['service']} {entry['path'][:60]}: {str(error)[:600]}")
    assert not failures, "\n".join(failures)
    note("second actor", action, len(numbers))


REFUSED_AS_SYNCED = "u5@x.example"
"""Whose phones are locked in any case, and whose push waits for that."""


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_what_is_taken_away_at_any_request_stops_nobody_whom_it_does_not_concern(what):
    """A run that has begun to write comes to its end, and each person who was stopped has a reason."""
    take, concerned = TAKEN_AWAY[what]
    step = 1 if NIGHTLY else 11
    numbers = range(list(TAKEN_AWAY).index(what) * 4 + 8, len(requests()), step)
    for number in numbers:
        stand = Interrupted(world_with_departed())
        stand.act_before(number, take)
        outcome = stand.sync(**WITH_DEPARTED, **OVERRIDES)
        if outcome.error is not None:
            assert outcome.writes == [], (number, outcome.error)
            continue
        entries = outcome.contacts().values()
        stopped = {each["user"]: each for each in entries if {"failed", "deferred"} & {each["action"], each["push"]}}
        assert len(entries) == len(users_of(stand.state()))
        assert stopped.keys() <= {REFUSED_AS_SYNCED, *(f"u{user}@x.example" for user in concerned)}, (number, stopped)
        assert all(each["reason_code"] for each in stopped.values())
    note("second actor", f"takes away {what}", len(numbers))

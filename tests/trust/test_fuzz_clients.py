# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs on services that answer anything: a result or one of our errors, and nobody comes to harm.

What each call of the clients makes of any JSON is tested in tests/unit/clients/test_odd_answers.py.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .inprocess import HOSTS, Stand
from .invariants import contacts_of, emails_of, strangers_are_left_alone
from .tally import note
from .test_fault_matrix import OPTIONS, rich_world

RUNS = 2000 if os.environ.get("TRUST") == "nightly" else 150

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
ODD = scalars | st.sampled_from(["", "x" * 10_000, "\x00", "0", "-1", "https://evil.example/", 2**63, -1, [], {}, [[]]])
ANY = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


class OneOdd:
    """The nth answer of a run has another value at one place."""

    def __init__(self, number: int, place: int, value: Any) -> None:
        self.left, self.place, self.value = number, place, value

    def __call__(self, service: str, method: str, path: str, body: Any) -> Any:
        self.left -= 1
        if self.left != 0:
            return body
        found = list(places(body))
        where = found[self.place % len(found)]
        if not where:
            return self.value
        changed = copy.deepcopy(body)
        holder = changed
        for step in where[:-1]:
            holder = holder[step]
        holder[where[-1]] = self.value
        return changed


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


@cache
def answers() -> int:
    return len(Stand(rich_world()).sync(**OPTIONS).sent)


def test_one_odd_value_anywhere_in_a_run():
    tried = 0

    @settings(max_examples=RUNS, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(1, answers()), st.integers(0, 400), ANY)
    def every(number, place, value):
        nonlocal tried
        tried += 1
        stand = Stand(rich_world(), alter=OneOdd(number, place, value))
        before = stand.state()
        outcome = stand.sync(**OPTIONS)
        after = stand.state()
        assert stand.hosts <= HOSTS.keys()
        for ident, contact in contacts_of(before).items():
            assert emails_of(contact) <= emails_of(contacts_of(after)[ident])
        strangers_are_left_alone(before, after)
        if outcome.error is not None:
            assert outcome.writes == []

    every()
    note("odd answers", "runs", tried)

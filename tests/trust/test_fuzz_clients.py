# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs on services that answer anything: a result or one of our errors, and nobody comes to harm.

What each call of the clients makes of any JSON is tested in tests/unit/clients/test_odd_answers.py.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .inprocess import HOSTS, Stand
from .invariants import contacts_of, emails_of, strangers_are_left_alone
from .tally import drawn, note
from .test_fault_matrix import OPTIONS, rich_world

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
ODD = scalars | st.sampled_from(["", "x" * 10_000, "\x00", "0", "-1", "https://evil.example/", 2**63, -1, [], {}, [[]]])
ANY = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


class OneOdd:
    """The nth answer of a run has another value at one place."""

    def __init__(self, number: int, place: int, value: Any) -> None:
        self.left, self.place, self.value = number, place, value
        self.written = False
        self.listed: str | None = None

    def __call__(self, service: str, method: str, path: str, body: Any) -> Any:
        self.left -= 1
        self.written |= service == "itglue" and method != "GET"
        if self.left != 0:
            return body
        found = list(places(body))
        where = found[self.place % len(found)]
        if not where:
            return self.value
        if (service, where[:1], where[2:]) == ("itglue", ("data",), ("id",)) and not self.written:
            self.listed = path
        changed = copy.deepcopy(body)
        holder = changed
        for step in where[:-1]:
            holder = holder[step]
        holder[where[-1]] = self.value
        return changed

    def misnamed(self) -> dict[str, Any]:
        """Whom IT Glue took for the client, or for a contact of it, when it was read.

        A list that gives the id of somebody else says nothing documented that contradicts it, and
        the service has no bulk update for one organization alone. So who was named may be written to.
        """
        if not str(self.value).isdecimal():
            return {}
        ident = int(self.value)
        named = {"/organizations": {"organization": ident}, "/contacts": {"named": {ident}}}
        return named.get(self.listed or "", {})


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

    @settings(max_examples=drawn("odd answers"), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(1, answers()), st.integers(0, 400), ANY)
    # The id of the organization; and that of a contact, which is read second or third.
    @example(number=1, place=187, value=1)
    @example(number=1, place=3, value="3")
    @example(number=2, place=3, value=501)
    @example(number=3, place=3, value=501)
    def every(number, place, value):
        nonlocal tried
        tried += 1
        odd = OneOdd(number, place, value)
        stand = Stand(rich_world(), alter=odd)
        before = stand.state()
        outcome = stand.sync(**OPTIONS)
        after = stand.state()
        assert stand.hosts <= HOSTS.keys()
        for ident, contact in contacts_of(before).items():
            assert emails_of(contact) <= emails_of(contacts_of(after)[ident])
        strangers_are_left_alone(before, after, **odd.misnamed())
        if outcome.error is not None:
            assert outcome.writes == []

    every()
    note("odd answers", "runs", tried)

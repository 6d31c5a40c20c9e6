# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two control nodes sync one organization at once: each says what it made, and both report each duplicate."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sandbox.launch import running

from .invariants import bms_of, contacts_of
from .tally import NIGHTLY, note
from .test_creates_once import people
from .test_fault_matrix import OPTIONS
from .two_nodes import OFFSETS, PEOPLE, Both, both


@pytest.fixture(scope="module")
def sandbox():
    with running(people(PEOPLE)) as sandbox:
        yield sandbox


def the_runs_say_what_they_made(outcome: Both) -> None:
    """All that is there since is one run's own."""
    for service, rows in (("itglue", contacts_of), ("bms", bms_of)):
        made = rows(outcome.after).keys() - rows(outcome.before).keys()
        assert outcome.made(service) == Counter(made), service


@pytest.mark.parametrize("offset", OFFSETS if NIGHTLY else OFFSETS[:1])
def test_two_nodes_at_once_are_true_and_both_report_each_duplicate(sandbox, offset):
    outcome = both(sandbox, OPTIONS, offset)
    the_runs_say_what_they_made(outcome)
    for service in ("itglue", "bms"):
        for address, ids in outcome.duplicates(service).items():
            assert len(ids) == 2
            assert outcome.reported(service, address, ids) == 2, (service, address, ids, outcome.results)
    note("two nodes", f"start {offset} s later", PEOPLE)


def test_without_the_looks_a_duplicate_is_made_and_seen(sandbox):
    """What the test above would not notice: that two such runs do not meet at all. On a busy machine some do not."""
    assert any(both(sandbox, OPTIONS, 0.0, looks=False).duplicates("itglue") for dummy in range(5))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reliability guide states the figures that the tests come to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .figures import figures
from .tally import DRAWN

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "reliability_guide.rst"

ROWS = {
    "Random worlds, each": "worlds",
    "Random worlds in which somebody else acts": "busy worlds",
    "Random worlds with remembered facts": "worlds with facts",
    "Faults of 20 kinds at each of the 65 requests of a run": "faults of a run",
    "Actions of others at each of these requests": "actions of others",
    "Pairs of such faults": "pairs of faults",
    "Faults at each request of the settings modules": "faults of the settings",
    "Processes killed (``SIGKILL``) after each write of a run": "kills of a run",
    "Answers to each write of a run that were lost": "lost answers",
    "Lost and refused answers at each write of a run": "reverts",
    "Processes killed after each write of the settings": "kills of the settings",
    "Bad inputs": "bad inputs",
    "Runs with one odd or hostile value": "odd answers",
    "Pairs of control nodes at once": "two nodes",
}


@pytest.fixture(scope="module")
def counted() -> dict[str, int]:
    return figures()


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_guide_has_its_figure(row, counted):
    found = re.search(rf"\* - {re.escape(row)}[^\n]*\n\s+- ([\d,]+)\n", GUIDE.read_text(encoding="utf-8"))

    assert found is not None
    assert found.group(1) == f"{counted[ROWS[row]]:,}"


@pytest.mark.parametrize("kind", DRAWN)
def test_the_guide_has_what_is_drawn_by_day(kind):
    (row,) = (row for row, name in ROWS.items() if name == kind)
    found = re.search(
        rf"\* - {re.escape(row)}.*\n.*\n\s+- ``make nightly`` \((\d+) in", GUIDE.read_text(encoding="utf-8")
    )

    assert found is not None
    assert int(found.group(1)) == DRAWN[kind][0]


def test_the_guide_has_the_number_of_kinds_and_of_requests(counted):
    assert (counted["kinds of fault"], counted["requests of a run"]) == (20, 65)

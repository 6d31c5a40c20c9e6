# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of a plan grows with the users, and not with their square: counted in calls, whatever the machine does."""

from __future__ import annotations

import sys

from tests.benchmarks import core


def calls(size: int) -> int:
    """How many functions, of Python and of C, a plan of so many users calls; each resumption of a generator counts."""
    world = core.world(size)
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        core.engine(*world)
    finally:
        sys.setprofile(before)
    return count


def test_twice_the_users_take_twice_the_calls():
    calls(100)  # the first plan of a process loads the library of telephone numbers
    assert 1.8 < calls(800) / calls(400) < 2.2

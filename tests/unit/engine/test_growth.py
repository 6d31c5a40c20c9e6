# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of a plan grows with the users, and not with their square."""

from __future__ import annotations

from tests.benchmarks import core
from tests.unit.growth import calls_of


def calls(size: int) -> int:
    world = core.world(size)
    return calls_of(lambda: core.engine(*world))


def test_twice_the_users_take_twice_the_calls():
    calls(100)  # the first plan of a process loads the library of telephone numbers
    assert 1.8 < calls(800) / calls(400) < 2.2

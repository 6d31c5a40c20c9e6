# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contacts that are kept as they are kept every day: few people end in a conflict, hardly anybody in an error."""

from __future__ import annotations

from tests.benchmarks import flaws


def test_the_goals_are_met_on_a_part_of_the_clients():
    rows = flaws.measure(0.1)
    assert [(row.what, row.value, row.limit) for row in rows if not row.met] == []
    assert rows[0].value > 0, "flaws that bring no conflict at all measure nothing"

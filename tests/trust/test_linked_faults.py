# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at each request by which BMS follows linked contacts: a plain run comes to the same end."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest

from .inprocess import Stand
from .invariants import bms_of, outline
from .tally import by_day, note
from .test_fault_matrix import FOR_GOOD, KINDS, OPTIONS, _difference, fits, rich_world, the_result_is_true

Json = dict[str, Any]

FOLLOWING: Json = {**OPTIONS, "update_linked": True}
PATHS = [f"/v2/crm/contacts/904{end}" for end in ("", "/emails", "/phones")]


@cache
def undisturbed() -> Json:
    """What a run without a fault leaves."""
    stand = Stand(rich_world())
    before = stand.state()
    outcome = stand.sync(**FOLLOWING)
    assert {entry["path"] for entry in outcome.writes} >= set(PATHS)
    twin = bms_of(stand.state())[904]
    assert (twin["jobTitle"], len(twin["emails"]), len(twin["phones"])) == ("Clerk", 2, 2)
    return outline(stand.state(), before)


def disturbed(fault: Json) -> None:
    stand = Stand(rich_world())
    stand.faults(fault)
    before = stand.state()
    outcome = stand.sync(**FOLLOWING)
    the_result_is_true(before, stand.state(), outcome)
    (entry,) = [each for each in outcome.contacts().values() if each["bms_contact_id"] == 904]
    twin = bms_of(stand.state())[904]
    reported = {name for name in entry["after"] if name.startswith("bms-")}
    there = {"bms-job-title": twin["jobTitle"], "bms-emails": twin["emails"], "bms-phones": twin["phones"]}
    assert reported <= {name for name, value in there.items() if value}
    # What is there without the result's saying so is told as doubtful.
    assert {name for name, value in there.items() if value} <= reported | set(entry["unapplied"])
    stand.heal()
    stand.clock.sleep(7200)
    assert stand.sync(**FOLLOWING).error is None
    assert _difference(outline(stand.state(), before), undisturbed()) == []


FITTING = [kind for kind in KINDS if fits(kind, {"service": "bms"})]


@pytest.mark.parametrize("kind", FITTING)
def test_each_fault_at_each_request_that_has_bms_follow(kind):
    undisturbed()
    chosen = by_day([*product(({}, FOR_GOOD), PATHS)], 3, FITTING.index(kind))
    for lasting, path in chosen:
        disturbed({"service": "bms", "method": "PATCH", "path": path, "nth": 1, **KINDS[kind], **lasting})
    note("faults", f"linked: {kind}", len(chosen))

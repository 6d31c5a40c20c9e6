# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A planning works out each of its findings once: counted in calls, over the planning from its start to its plan."""

from __future__ import annotations

from collections import Counter

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import (
    bms_plan,
    bms_update,
    directory,
    offboarding,
    planning,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import ContactType
from tests.unit.engine.builders import PUSHING, bms, in_bms, linked, person, planned, ready, snapshot

FINDINGS = {
    "selected users": (planning, "select"),
    "matching": (planning, "match"),
    "departures": (offboarding, "departures"),
    "contacts in IT Glue": (planning, "plan_contacts"),
    "look-up in BMS": (bms_plan, "look_up"),
    "pairs": (bms_update, "pairs"),
    "updates in BMS": (bms_update, "follow"),
    "directory": (directory.Directory, "__init__"),
    "directory of BMS": (directory.BmsDirectory, "__init__"),
}


@pytest.fixture
def calls(monkeypatch) -> Counter[str]:
    """How often each finding is worked out."""
    counted: Counter[str] = Counter()

    def counting(finding, function):
        def call(*values, **named):
            counted[finding] += 1
            return function(*values, **named)

        return call

    for finding, (owner, name) in FINDINGS.items():
        monkeypatch.setattr(owner, name, counting(finding, getattr(owner, name)))
    return counted


def test_each_finding_is_worked_out_once_in_a_planning(calls):
    """One person is created, one pushed, one updated in both services, and one has departed."""
    users = [
        person("ann.lee"),
        person("ben.lee", job_title="Clerk"),
        person("cid.lee"),
        person("dan.lee", account_enabled=False),
    ]
    contacts = [ready(72, "ann.lee"), linked(73, "ben.lee", 90212), linked(74, "dan.lee", 90213)]
    present = bms(
        in_bms(90212, "ben.lee@client.example", first="Ben", last="Lee"),
        in_bms(90213, "dan.lee@client.example", first="Dan", last="Lee"),
    )
    plan = planned(
        snapshot(users, contacts, bms_settings=PUSHING),
        present,
        contact_types=[ContactType(24, "Former")],
        update_linked=True,
        deactivate=True,
        allow_shrunken_source=True,
        departed_contact_type="Former",
    )
    done = {each.user.partition("@")[0]: (each.itglue.action, each.bms.push) for each in plan.operations}
    assert done["ann.lee"] == ("unchanged", "pushed")
    assert done["ben.lee"][0] == "update"
    assert done["cid.lee"][0] == "create"
    assert [each.bms.after for each in plan.deactivations] == [{"IsActive": False}]
    assert calls == dict.fromkeys(FINDINGS, 1)

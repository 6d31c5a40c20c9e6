# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet that is larger than an hour's quota, in real runs on the sandbox: each client is served in turn."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from functools import partial
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import connection
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.fair_share import FairShare
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import LIMITS, SharedLimiter
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import Timing
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Access
from tests.integration.test_shared import BMS, OFFICE365, tenant_id, world
from tests.trust.inprocess import Outcome, Stand

HOUR = 3600.0
CLIENTS = 60 if os.environ.get("TRUST") == "nightly" else 12
NEWCOMERS = range(CLIENTS * 2 // 3 + 1, CLIENTS + 1)
READS_OF_A_CLIENT = 2
WINDOW = LIMITS["itglue"].seconds
LONGEST_SPREAD = 10.0
"""Seconds: each wait for a quota lasts up to a second longer."""


class Fleet(Stand):
    """A sandbox with clients that share quotas as the processes of a control node do."""

    def __init__(self, clients: int, **behaviour) -> None:
        super().__init__({**world(clients, 1), "behaviour": behaviour})

    @contextmanager
    def reachable(self):
        shared = mock.patch.multiple(
            connection,
            SharedLimiter=partial(SharedLimiter, clock=self.clock),
            FairShare=partial(FairShare, clock=self.clock),
        )
        with super().reachable(), shared:
            yield

    def access(self, http, calls, retry, *others):
        limiter, on_secret = others
        timing = Timing(self.clock.sleep, self.clock, self.clock, lambda low, high: high)
        return Access(http, calls, retry, limiter, on_secret, timing)

    def run(self, number: int, **options) -> Outcome:
        """One run for a client."""
        return self.sync(
            organization=str(number),
            tenant_id=tenant_id(number),
            office365_settings=OFFICE365,
            bms_settings=BMS,
            **options,
        )

    def hour(self, numbers, **options) -> dict[int, Outcome]:
        """A run for each client in turn, and then the rest of the hour."""
        outcomes = {number: self.run(number, **options) for number in numbers}
        self.clock.sleep(HOUR)
        return outcomes

    def estimate(self, number: int, **options) -> dict:
        """What the audit of a client says of its first run."""
        return self.task(
            "contact_audit_info",
            check=True,
            organization=str(number),
            tenant_id=tenant_id(number),
            office365_settings=OFFICE365,
            bms_settings=BMS,
            **options,
        ).result["first_run"]

    def in_bms(self) -> Counter[int]:
        """How many contacts each client has in BMS."""
        return Counter(each["accountId"] - 1000 for each in self.state()["bms"]["contacts"])

    def hire(self, numbers) -> None:
        """A second user for each client."""
        for number in numbers:
            tenant = self.sandbox.world["entra"]["tenants"][number - 1]
            (first,) = tenant["users"]
            address = f"new@client{number}.example"
            tenant["users"].append(
                {
                    **first,
                    "id": f"{number:08}-0000-4a0e-9b1d-000000000002",
                    "userPrincipalName": address,
                    "mail": address,
                    "givenName": "New",
                    "surname": f"Person{number}",
                    "proxyAddresses": [f"SMTP:{address}"],
                }
            )


@pytest.mark.parametrize("who_counts", ["node", "service"])
def test_newcomers_of_the_clients_at_the_end_are_in_bms_after_four_hours(who_counts):
    fleet = Fleet(CLIENTS)
    for number in range(1, CLIENTS + 1):
        assert fleet.run(number).contacts().popitem()[1]["push"] == "pushed"
    fleet.clock.sleep(HOUR)
    fleet.hire(NEWCOMERS)
    quota = CLIENTS // 2 * READS_OF_A_CLIENT
    if who_counts == "service":
        fleet.sandbox.world["behaviour"]["bms_quota"] = quota
    options = {"bms_quota": quota} if who_counts == "node" else {}
    for dummy in range(4):
        fleet.hour(range(1, CLIENTS + 1), **options)
    assert {number for number, count in fleet.in_bms().items() if count == 2} == set(NEWCOMERS)


@settings(max_examples=3, deadline=None)
@given(order=st.permutations(range(1, 4)), room=st.integers(0, 2))
def test_where_it_glue_s_quota_serves_one_client_in_five_minutes_each_is_served_in_as_many(order, room):
    """It is waited for within the run, whatever the order, so no client is left to the next run."""
    alone = Fleet(1).run(1).result["summary"]["api_calls"]["itglue"]
    fleet = Fleet(len(order))
    began = fleet.clock()
    for windows, number in enumerate(order, 1):
        outcome = fleet.run(number, itglue_quota=alone + room)
        assert (outcome.error, outcome.result["summary"]["deferred_runs"]) == (None, 0)
        assert fleet.in_bms()[number] == 1
        assert fleet.clock() - began <= windows * (WINDOW + LONGEST_SPREAD)


def test_a_client_that_it_glue_refuses_to_serve_in_three_runs_on_end_is_starved():
    """Other tools use the quota up: after a quarter of an hour a run gives up."""
    fleet = Fleet(1)
    fleet.faults({"service": "itglue", "kind": "status", "status": 429, "times": None})
    runs = [fleet.run(1) for dummy in range(3)]
    assert [each.error and each.error.code for each in runs] == ["quota_exceeded"] * 3
    assert [each.result["starved"] for each in runs] == [False, False, True]


def test_a_client_that_is_deferred_in_three_runs_on_end_is_starved():
    fleet = Fleet(2)
    fleet.run(1, bms_quota=1)
    runs = [fleet.run(2, bms_quota=1) for dummy in range(3)]
    assert [each.result["summary"]["deferred_runs"] for each in runs] == [1, 2, 3]
    assert [each.result["starved"] for each in runs] == [False, False, True]
    assert [each.error and each.error.code for each in runs] == [None, None, "starved"]
    (entry,) = runs[2].contacts().values()
    assert (entry["push"], entry["reason_code"]) == ("deferred", "quota_exceeded")
    preview = fleet.run(2, bms_quota=1, check=True)
    assert (preview.result["summary"]["deferred_runs"], preview.result["starved"], preview.error) == (0, False, None)
    assert fleet.run(2, bms_quota=1, fail_on_deferred=False).error is None
    fleet.clock.sleep(HOUR)
    served = fleet.run(2)
    assert (served.result["summary"]["deferred_runs"], served.result["starved"], served.error) == (0, False, None)
    assert fleet.in_bms()[2] == 1


def test_fail_on_deferred_fails_the_first_time_already():
    fleet = Fleet(2)
    fleet.run(1, bms_quota=1)
    first = fleet.run(2, bms_quota=1, fail_on_deferred=True)
    assert (first.error.code, first.result["starved"]) == ("starved", False)
    assert first.result["summary"]["actions"] == {"create": 1}


def test_what_is_deferred_for_another_reason_is_not_counted():
    fleet = Fleet(1)
    path = "/v2/crm/contacts/summary"
    fleet.faults({"service": "bms", "method": "GET", "path": path, "kind": "status", "times": None})
    runs = [fleet.run(1, fail_on_deferred=True) for dummy in range(2)]
    assert [(each.error, each.result["summary"]["deferred_runs"]) for each in runs] == [(None, 0), (None, 0)]
    assert {each["reason_code"] for run in runs for each in run.contacts().values()} == {"bms_not_read"}


def test_a_first_run_that_is_larger_than_the_quota_goes_on_by_itself_in_a_schedule():
    fleet = Fleet(4)
    estimates = [fleet.estimate(number, bms_quota=50) for number in range(1, 5)]
    assert estimates == [{"creates_in_bms": 1, "creates_per_hour": 50, "hours": 0.02}] * 4
    fleet.clock.sleep(HOUR)
    hours = 0
    while sum(fleet.in_bms().values()) < 4:
        for outcome in fleet.hour(range(1, 5), bms_quota=6, fail_on_deferred=False).values():
            assert outcome.error is None
        hours += 1
    assert hours == 4  # each client lists its contacts six times

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.sandbox.faults import FaultError, Faults
from tests.sandbox.local import Local
from tests.sandbox.quota import Quota


def hits(fault, requests):
    """Which of the requests the fault hits."""
    faults = Faults()
    faults.replace([fault])
    return [number for number, request in enumerate(requests, 1) if faults.due(*request)]


GET = ("bms", "GET", "/v2/things/7", "/v2/things/{id}")
POST = ("bms", "POST", "/v2/things", "/v2/things")
OTHER = ("graph", "GET", "/v1.0/users", "/v1.0/users")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [1]),
        ({"times": 2}, [1, 2]),
        ({"times": None}, [1, 2, 3, 4, 5]),
        ({"nth": 3, "times": 2}, [3, 4]),
        ({"service": "graph"}, [2]),
        ({"method": "post"}, [3]),
        ({"method": "GET", "nth": 2, "times": 2}, [2, 4]),
        ({"path": "/v2/things/7"}, [1]),
        ({"path": "/v2/things/7/"}, [1]),
        ({"path": "/v2/things/{id}", "nth": 2}, [4]),
        ({"path": "/v2/things", "times": None}, [3]),
        ({"path": "/v2/*", "times": None}, [1, 3, 4]),
        ({"path": "*users", "times": None}, [2]),
        ({"service": "itglue"}, []),
    ],
)
def test_which_requests_a_fault_counts_and_hits(given, expected):
    assert hits({"kind": "status", **given}, [GET, OTHER, POST, GET, ("bms", "GET", "/nowhere", None)]) == expected


def test_every_fault_counts_each_request_and_the_first_that_is_due_has_its_way():
    faults = Faults()
    faults.replace([{"kind": "html", "nth": 2}, {"kind": "status", "times": None}])

    assert [faults.due(*GET).kind for dummy in range(3)] == ["status", "html", "status"]


@pytest.mark.parametrize(("service", "path"), [("itglue", "/contacts"), ("bms", "/v2/crm"), ("graph", "/v1.0/users")])
@pytest.mark.parametrize("status", [299, 451, 520, 529, 599])
def test_each_service_answers_with_a_status_of_somebody_in_between(service, path, status):
    local = Local({})
    local.stage.faults.replace([{"kind": "status", "status": status}])

    assert local.get(service, path).status_code == status


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"kind": "page_expired", "service": "bms"}], "graph alone"),
        ({}, "list"),
        (["boom"], "object"),
        ([{"service": "bms"}], "kind"),
        ([{"kind": "explode"}], "explode"),
        ([{"kind": "status", "service": "azure"}], "azure"),
        ([{"kind": "status", "stauts": 503}], "stauts"),
        ([{"kind": "status", "status": "503"}], "status"),
        ([{"kind": "status", "nth": 0}], "nth"),
        ([{"kind": "slow", "seconds": "5"}], "seconds"),
        ([{"kind": "took_too_long", "service": "bms"}], "took_too_long"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_and_the_others_stay(given, message):
    faults = Faults()
    faults.replace([{"kind": "html"}])

    with pytest.raises(FaultError, match=message):
        faults.replace(given)

    assert faults.due(*GET).kind == "html"


def test_a_quota_lets_so_many_through_in_a_window_and_says_when_it_ends():
    now = 100.0
    quota = Quota(lambda: now)

    assert [quota.take("a", 2, 60) for dummy in range(3)] == [None, None, 60]
    assert quota.take("b", 2, 60) is None
    now += 59.5
    assert quota.take("a", 2, 60) == 1
    now += 0.5
    assert quota.take("a", 2, 60) is None

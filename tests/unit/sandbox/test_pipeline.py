# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.sandbox.core import Service
from tests.sandbox.local import Local

ADD = "/v2/things/{kind}"


class Counting(Service):
    """A service that counts what it is asked to add."""

    SECTION = {"added": []}

    def routes(self):
        return [Route(ADD, self.add, methods=["POST"]), Route("/broken", self.broken)]

    async def add(self, request):
        self.records["added"].append(request.path_params["kind"])
        body = await request.body()
        return JSONResponse({"number": len(self.records["added"]), "sent": body.decode()}, 201)

    async def broken(self, dummy):
        raise RuntimeError("a mistake in the sandbox")

    def failure(self, status, message=None):
        return JSONResponse({"vendor": self.name, "status": status}, status)


class Bms(Counting):
    name = section = "bms"


class ItGlue(Counting):
    name = section = "itglue"

    def credential(self, headers):
        return headers.get("x-api-key")

    def expired(self):
        return self.failure(403)


@pytest.fixture
def local():
    return Local(services=(Bms, ItGlue))


def faults(local, *given):
    answer = local.post("itglue", "/_sandbox/faults", json=list(given))
    assert answer.status_code == 200, answer.text


def add(local, **options):
    return local.post("bms", "/v2/things/red", **options)


def added(local):
    return local.get("itglue", "/_sandbox/state").json()["bms"]["added"]


def test_the_log_has_the_requests_in_order_and_their_responses(local):
    add(local, params={"a": "1"})
    local.get("itglue", "/nowhere")
    faults(local, {"kind": "status", "status": 503})
    add(local)

    assert local.get("itglue", "/_sandbox/requests").json() == [
        {"method": "POST", "service": "bms", "path": "/v2/things/red?a=1", "status": 201},
        {"method": "GET", "service": "itglue", "path": "/nowhere", "status": 404},
        {"method": "POST", "service": "bms", "path": "/v2/things/red", "status": 503, "fault": "status"},
    ]


def test_the_log_can_be_cleared(local):
    add(local)
    local.post("itglue", "/_sandbox/requests/clear")

    assert local.get("itglue", "/_sandbox/requests").json() == []


def test_unknown_paths_methods_and_crashes_are_answered_in_the_vendors_form(local):
    answers = [
        local.get("bms", "/nowhere"),
        local.get("bms", "/v2/things/red"),
        local.get("bms", "/broken"),
    ]

    assert [answer.json() for answer in answers] == [{"vendor": "bms", "status": status} for status in (404, 405, 500)]


def test_a_status_fault_answers_instead(local):
    faults(local, {"kind": "status", "status": 503, "headers": {"Retry-After": "2.5"}})
    answer = add(local)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2.5")
    assert answer.json() == {"vendor": "bms", "status": 503}
    assert added(local) == []
    assert add(local).status_code == 201


def test_a_status_fault_can_bring_its_own_body_and_come_after_the_write(local):
    faults(local, {"kind": "status", "status": 502, "body": {"own": True}, "committed": True})
    answer = add(local)

    assert (answer.status_code, answer.json()) == (502, {"own": True})
    assert answer.headers["content-type"] == "application/json"
    assert added(local) == ["red"]


@pytest.mark.parametrize(("kind", "committed"), [("reset_before", []), ("reset_after", ["red"])])
def test_a_reset_comes_before_or_after_the_write(local, kind, committed):
    faults(local, {"kind": kind})

    with pytest.raises(ConnectionResetError):
        add(local)

    assert added(local) == committed
    assert local.get("itglue", "/_sandbox/requests").json()[-1]["status"] is None


def test_a_cut_body_keeps_its_status_and_is_no_json(local):
    faults(local, {"kind": "truncate"})
    answer = add(local)

    assert answer.status_code == 201
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert added(local) == ["red"]


def test_a_page_of_html_comes_with_200_unless_configured(local):
    faults(local, {"kind": "html"}, {"kind": "html", "nth": 2, "status": 502})
    first, second = add(local), add(local)

    assert (first.status_code, second.status_code) == (200, 502)
    assert first.headers["content-type"].startswith("text/html")
    assert "<html>" in second.text
    assert added(local) == []


def test_a_slow_answer_is_right_and_late(local):
    faults(local, {"kind": "slow", "seconds": 0.2})
    start = time.monotonic()
    answer = add(local)

    assert time.monotonic() - start >= 0.2
    assert (answer.status_code, added(local)) == (201, ["red"])


def test_latency_delays_every_request_but_not_the_control(local):
    local.post("itglue", "/_sandbox/behaviour", json={"latency_ms": {"bms": 150, "itglue": 5000}})
    start = time.monotonic()
    add(local)
    local.get("itglue", "/_sandbox/state")

    assert 0.15 <= time.monotonic() - start < 4


def test_an_expired_credential_is_refused_from_then_on_and_others_are_not(local):
    faults(local, {"kind": "expire_token", "service": "bms"})
    old, new = {"Authorization": "Bearer old"}, {"Authorization": "Bearer new"}
    statuses = [add(local, headers=headers).status_code for headers in (old, old, new, old)]

    assert statuses == [401, 401, 201, 401]
    local.post("itglue", "/_sandbox/reset")
    assert add(local, headers=old).status_code == 201


def test_what_a_credential_is_and_how_it_is_refused_is_the_services_own(local):
    faults(local, {"kind": "expire_token", "service": "itglue"})
    statuses = [
        local.post("itglue", "/v2/things/red", headers={"x-api-key": key}).status_code for key in ("old", "old", "new")
    ]

    assert statuses == [403, 403, 201]


def test_it_glue_can_take_too_long(local):
    faults(
        local,
        {"kind": "took_too_long", "service": "itglue"},
        {"kind": "took_too_long", "service": "itglue", "status": 422, "nth": 2},
    )
    first, second = (local.post("itglue", "/v2/things/red") for dummy in range(2))

    assert (first.status_code, second.status_code) == (504, 422)
    assert first.json() == {"errors": [{"detail": "The request took too long to process and timed out."}]}


def quota(local, **changes):
    local.post("itglue", "/_sandbox/behaviour", json=changes)


def test_bms_counts_by_method_and_path_template(local):
    quota(local, bms_quota=2)
    statuses = [local.post("bms", f"/v2/things/{kind}").status_code for kind in ("red", "blue", "green")]

    assert statuses == [201, 201, 429]
    assert local.get("bms", "/broken").status_code == 500
    assert "retry-after" not in add(local).headers
    local.post("itglue", "/_sandbox/clock", json={"advance": 3600})
    assert add(local).status_code == 201


def test_it_glue_counts_by_key(local):
    quota(local, itglue_quota=1, quota_retry_after=True)
    answers = [local.post("itglue", "/v2/things/red", headers={"x-api-key": key}) for key in ("a", "a", "b")]

    assert [answer.status_code for answer in answers] == [201, 429, 201]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 300
    assert answers[1].json() == {"vendor": "itglue", "status": 429}


def test_faulted_requests_use_up_no_quota(local):
    quota(local, bms_quota=1)
    faults(local, {"kind": "status", "times": 3})

    assert [add(local).status_code for dummy in range(5)] == [500, 500, 500, 201, 429]


def test_reset_clears_state_switches_faults_quota_and_log(local):
    quota(local, bms_quota=1)
    add(local)
    faults(local, {"kind": "html", "nth": 2, "times": None})
    local.post("itglue", "/_sandbox/reset")

    assert local.get("itglue", "/_sandbox/requests").json() == []
    assert added(local) == []
    assert [add(local).status_code for dummy in range(3)] == [201, 201, 201]


def test_another_world_can_take_the_place(local):
    local.post("itglue", "/_sandbox/world", json={"bms": {"added": ["old"]}})
    add(local)
    local.post("itglue", "/_sandbox/reset")

    assert added(local) == ["old"]


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("faults", b"[{", "not JSON"),
        ("faults", b'[{"kind": "bang"}]', "bang"),
        ("world", b'{"bmx": {}}', "bmx"),
        ("behaviour", b"[]", "object"),
        ("behaviour", b'{"speed": 1}', "behaviour.speed"),
        ("clock", b'{"advance": "soon"}', "advance"),
    ],
)
def test_control_that_makes_no_sense_is_refused(local, name, body, message):
    answer = local.post("itglue", f"/_sandbox/{name}", content=body)

    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_the_control_is_on_it_glues_port_only_and_knows_its_names(local):
    assert local.get("itglue", "/_sandbox/health").json() == {"ok": True}
    assert local.get("itglue", "/_sandbox/nothing").status_code == 404
    assert local.get("bms", "/_sandbox/health").json() == {"vendor": "bms", "status": 404}


def test_the_body_reaches_the_endpoint_whole(local):
    text = "x" * 300_000
    answer: httpx.Response = add(local, content=text)

    assert answer.json()["sent"] == text

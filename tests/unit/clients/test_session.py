# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The session: what is sent twice, what never is, how long it waits, and what its errors say."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from unittest.mock import Mock

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import transport
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.failures import TimeoutBeforeAnswerError
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.request import Request
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import RetryPolicy
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Calls
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import AT_ONCE, HttpSettings, WireAnswer
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import WORKERS

from .conftest import CLOSE, ENDLESS, RESET, STALL, Drip, Raw, Reply, reply


@pytest.fixture
def session(connect, wire):
    return connect("itglue", wire.url)


# ------------------------------------------------------------------ connection


def test_one_connection_serves_all_requests(session, wire, calls):
    wire.answer = lambda request: {"ok": True}
    for number in range(20):
        assert session.send(Request("GET", f"/{number}")).json() == {"ok": True}
    assert wire.connections == 1
    assert calls.by_service() == {"graph": 0, "itglue": 20, "bms": 0}


def test_threads_share_the_session_and_its_connections(session, wire, calls):
    wire.answer = lambda request: {"path": request.path}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: session.send(Request("GET", f"/{number}")).json(), range(80)))
    assert answers == [{"path": f"/{number}"} for number in range(80)]
    assert wire.connections <= 8
    assert calls.by_service()["itglue"] == 80


def test_no_more_requests_wait_for_their_answer_at_once_than_may_be_however_many_threads_there_are(session):
    lock, under_way, most = threading.Lock(), 0, 0

    def send(*dummies, answered) -> WireAnswer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1
        answered()
        time.sleep(0.01)  # the rest of the answer comes
        return WireAnswer(200, {}, b"{}")

    session.transport.send = send
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda number: session.send(Request("GET", f"/{number}")), range(4 * WORKERS)))
    assert most == AT_ONCE < WORKERS


def test_the_rest_of_an_answer_keeps_no_other_request_from_being_sent(session, wire):
    wire.answer = lambda request: Drip(reply({"long": "x" * 200}).encode(), 0.005)

    def arrived(number: int) -> int:
        session.send(Request("GET", f"/{number}"))
        return len(wire.requests)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert min(pool.map(arrived, range(WORKERS))) == WORKERS
    assert wire.connections <= WORKERS


def test_a_request_without_an_answer_leaves_its_place_to_others(session, wire):
    wire.answer = lambda request: RESET

    def send() -> None:
        for dummy in range(AT_ONCE + 1):
            with pytest.raises(OutcomeUnknownError):
                session.send(Request("POST", "/one", json={}))

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    sending.join(30)
    assert not sending.is_alive()
    assert len(wire.requests) == AT_ONCE + 1


def test_headers_and_no_cookies(connect, wire):
    session = connect("itglue", wire.url, headers={"x-api-key": "ITG.abc"})
    wire.says(reply({}, Set_Cookie="session=1; Path=/"), {})
    session.send(Request("GET", "/one"))
    session.send(Request("GET", "/two"))
    assert wire.last.headers["x-api-key"] == "ITG.abc"
    assert wire.last.headers["user-agent"] == "msp.psa_sync"
    assert wire.last.headers["accept"] == "application/json"
    assert "cookie" not in wire.last.headers


def test_the_environment_does_not_leak_in(connect, wire, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    wire.says({})
    connect("itglue", wire.url).send(Request("GET", "/"))
    assert "authorization" not in wire.last.headers


def test_a_service_on_this_machine_is_not_asked_through_the_proxy(connect, wire):
    wire.says({})
    assert (
        connect("itglue", wire.url, http=HttpSettings(proxy="http://127.0.0.1:9")).send(Request("GET", "/")).status
        == 200
    )


def test_other_services_are_asked_through_the_proxy(connect, wire, calls):
    settings = HttpSettings(proxy=f"http://user:hunter2@127.0.0.1:{wire.port}", timeout=2.0)
    session = connect("bms", "https://bms.example", http=settings)
    wire.answer = lambda request: Reply(407)
    with pytest.raises(UnavailableError) as caught:
        session.send(Request("POST", "/v2/crm/contacts/summary", json={}))
    assert "the proxy did not let the request through" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert calls.by_service()["bms"] == 0
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("no_proxy", "tunnels"),
    [
        ("bms.example", 0),
        ("other.example, .example", 0),
        ("example", 0),
        ("*", 0),
        ("bms.example:443", 0),
        ("bms.example:444", 1),
        ("ms.example", 1),
        ("192.0.2.0/24", 1),
        ("", 1),
        (None, 1),
    ],
)
def test_hosts_that_no_proxy_names_are_asked_directly(connect, wire, no_proxy, tunnels):
    settings = HttpSettings(proxy=wire.url, no_proxy=no_proxy, timeout=2.0)
    wire.answer = lambda request: Reply(407)
    with pytest.raises(
        UnavailableError, match="did not let the request through" if tunnels else "its name is not known"
    ):
        connect("bms", "https://bms.example", http=settings).send(Request("POST", "/v2/x", json={}))
    assert len(wire.requests) >= tunnels
    assert {each.method for each in wire.requests} == ({"CONNECT"} if tunnels else set())


def test_refused_connections_are_tried_again_even_for_a_create(connect, clock, calls):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    session = connect("bms", f"http://127.0.0.1:{port}")
    with pytest.raises(UnavailableError) as caught:
        session.send(Request("POST", "/contacts", json={}))
    assert str(caught.value).startswith("Kaseya BMS did not answer POST /contacts: connection refused.")
    assert len(clock.slept) == RetryPolicy().tries - 1
    assert calls.by_service()["bms"] == 0


def test_an_unknown_host_is_named_as_such(connect, monkeypatch):
    # Where the machine has no name server, the real look-up takes seconds to fail.
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=socket.gaierror(socket.EAI_NONAME, "not known")))
    session = connect("graph", "https://graph.invalid")
    with pytest.raises(UnavailableError, match="its name is not known"):
        session.send(Request("GET", "/users"))


@pytest.mark.parametrize("step", [RESET, CLOSE, STALL, Reply(body=b'{"a":1}', truncate=3)])
def test_a_broken_read_is_tried_again(session, wire, clock, step):
    session.transport.timeout = (1.0, 0.2)
    wire.says(step, {"ok": 1})
    assert session.send(Request("GET", "/contacts")).json() == {"ok": 1}
    assert clock.slept == [0.5]


@pytest.mark.parametrize("step", [RESET, CLOSE, STALL, Reply(body=b'{"a":1}', truncate=3)])
def test_a_broken_create_is_unclear_and_sent_once(session, wire, step):
    session.transport.timeout = (1.0, 0.2)
    wire.says(step)
    with pytest.raises(OutcomeUnknownError, match="Whether it was carried out is not known"):
        session.send(Request("POST", "/contacts", json={}))
    assert len(wire.requests) == 1


def test_an_earlier_failure_does_not_colour_a_later_one(connect, session, wire):
    """The exception that is being handled is no cause of the next one."""
    dead = connect("bms", "http://127.0.0.1:9")
    wire.says(RESET)
    with pytest.raises(OutcomeUnknownError):
        try:
            dead.send(Request("GET", "/"))
        except UnavailableError:
            session.send(Request("POST", "/contacts", json={}))
    assert len(wire.requests) == 1


# ------------------------------------------------------------------------- TLS


def test_tls_with_the_named_authority(connect, wire, tls, monkeypatch):
    url, bundle = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    wire.says({"ok": 1})
    settings = HttpSettings(ca_path=bundle, timeout=5.0)
    assert connect("graph", url, http=settings).send(Request("GET", "/")).json() == {"ok": 1}


def test_an_untrusted_certificate_is_no_matter_of_trying_again(connect, wire, tls, clock, monkeypatch):
    url, bundle = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    session = connect("graph", url, http=HttpSettings(timeout=5.0))
    with pytest.raises(UnavailableError, match="its certificate is not trusted .* ca_path"):
        session.send(Request("POST", "/", json={}))
    assert clock.slept == []
    assert wire.requests == []


def test_a_missing_ca_path_is_named(connect):
    with pytest.raises(InputError, match="ca_path names /nowhere"):
        connect("graph", "https://graph.invalid", http=HttpSettings(ca_path="/nowhere"))


def test_a_ca_path_without_certificates_is_named(connect, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    with pytest.raises(InputError, match=r"ca_path names .*empty.pem, which holds no certificates"):
        connect("graph", "https://graph.invalid", http=HttpSettings(ca_path=str(empty)))


def test_the_bundle_is_read_once_for_all_services(connect, wire, tls, monkeypatch):
    url, bundle = tls
    read = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *args, **keywords: (read.append(1), load(*args, **keywords))[1]
    )
    transport.trusting.cache_clear()
    for service in ("graph", "itglue", "bms"):
        wire.says({"ok": 1})
        connect(service, url, http=HttpSettings(ca_path=bundle, timeout=5.0)).send(Request("GET", "/"))
    assert len(read) == 1


def test_certificates_are_checked_behind_a_proxy_too(tls):
    dummy, bundle = tls
    context = transport.trusting(bundle)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    settings = HttpSettings(ca_path=bundle, proxy="http://proxy.example:3128")
    session = transport.Transport(settings, ("https", "graph.example", 443), {}).session
    adapter = session.get_adapter("https://graph.example")
    for manager in (adapter.poolmanager, adapter.proxy_manager_for("http://proxy.example:3128")):
        assert manager.connection_pool_kw["ssl_context"] is context


# ------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8080", "https://a.example/api/"]
)
def test_usable_addresses(connect, url):
    connect("itglue", url, option="itglue_url")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "eu",
        "ftp://host",
        "http://example.com",
        "http://127.0.0.1.example.com",
        "https://",
        "https://user:pw@host",
        "https://host/?x=1",
        "https://host/#x",
        "https://host:99999",
        "https://ho st",
        "https://[broken",
        "https://a\\@b",
    ],
)
def test_unusable_addresses_are_input_errors(connect, url):
    with pytest.raises(InputError, match="itglue_url"):
        connect("itglue", url, option="itglue_url")


def test_a_whole_address_of_the_same_host_is_followed(session, wire):
    wire.says({})
    session.send(Request("GET", f"{wire.url}/contacts?page%5Bnumber%5D=2"))
    assert wire.last.target == "/contacts?page%5Bnumber%5D=2"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/contacts",
        "http://127.0.0.1:1/contacts",
        "https://127.0.0.1:{port}/contacts",
        "http://127.0.0.1:{port}@evil.example/",
        "http://evil@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@evil.example/",
        "http://127.0.0.1:{port}\n.evil.example/",
        ".evil.example/contacts",
        "@evil.example/contacts",
        "contacts",
        "",
        "http://[",
    ],
)
def test_links_elsewhere_are_not_followed(session, wire, link):
    with pytest.raises(ProtocolError, match="points to another address"):
        session.send(Request("GET", link.format(port=wire.port)))
    assert wire.requests == []


@pytest.mark.parametrize(("method", "kind"), [("GET", ProtocolError), ("POST", OutcomeUnknownError)])
def test_redirects_are_not_followed(session, wire, method, kind):
    wire.says(reply(None, 302, Location="https://evil.example/login?token=1"))
    with pytest.raises(kind, match="redirects .* to https://evil.example/login"):
        session.send(Request(method, "/contacts"))
    assert len(wire.requests) == 1


@pytest.mark.parametrize("headers", [{"Content-Length": "2, 3"}, {"Location": "http://[evil"}], ids=str)
def test_headers_of_an_answer_that_cannot_be_parsed_leave_a_create_unclear(session, wire, headers):
    broken = Reply(302 if "Location" in headers else 200, headers, b"{}")
    wire.says(broken, {"ok": 1}, broken)
    assert session.send(Request("GET", "/contacts")).json() == {"ok": 1}
    with pytest.raises(OutcomeUnknownError, match="its answer cannot be read"):
        session.send(Request("POST", "/contacts", json={}))
    assert len(wire.requests) == 3


# --------------------------------------------------------------------- retries


LOST = [408, 425, 500, 502, 503, 504, 507, 508, 511, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 598, 599, 999]
"""Statuses that do not say whether the request was carried out."""


@pytest.mark.parametrize("status", LOST)
def test_failures_of_the_service_are_tried_again_for_reads_and_absolute_writes(session, wire, status):
    wire.says(reply(None, status), {"ok": 1}, reply(b"<html>", status), {"ok": 2})
    assert session.send(Request("GET", "/a")).json() == {"ok": 1}
    answer = session.send(Request("PATCH", "/a", json={}, repeatable=True))
    assert answer.json() == {"ok": 2}
    assert answer.after_doubt


@pytest.mark.parametrize("status", [*LOST, 501, 505])
def test_failures_of_the_service_leave_a_create_unclear(session, wire, status):
    wire.says(reply(None, status))
    with pytest.raises(OutcomeUnknownError):
        session.send(Request("POST", "/a", json={}))
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [501, 505])
def test_a_read_that_the_service_cannot_do_is_not_tried_again(session, wire, status):
    wire.says(reply({"message": "cannot"}, status))
    with pytest.raises((RejectedError, UnavailableError), match="cannot"):
        session.send(Request("GET", "/a"))
    assert len(wire.requests) == 1


INTERIM = Raw(b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"old":1}')


def test_an_interim_answer_to_a_read_is_none_and_its_connection_is_not_used_again(session, wire):
    wire.says(INTERIM, {"new": 1})
    assert session.send(Request("GET", "/a")).json() == {"new": 1}
    assert wire.connections == 2


def test_an_interim_answer_leaves_a_create_unclear(session, wire):
    wire.says(INTERIM, {"new": 1})
    with pytest.raises(OutcomeUnknownError, match="HTTP 103"):
        session.send(Request("POST", "/a", json={}))
    assert session.send(Request("GET", "/b")).json() == {"new": 1}


# ---------------------------------------------------------- bounds on an answer


WHOLE = reply({"a": "x" * 100}).encode()


@pytest.fixture
def bounded(connect, wire):
    """A session with one attempt, whose answers have to be there within 0.6 s."""
    return connect("itglue", wire.url, http=HttpSettings(timeout=0.3), retry=RetryPolicy(tries=1), option="itglue_url")


@pytest.mark.parametrize("content", [WHOLE, b"HTTP/1.1 200 " + b"O" * 100, WHOLE[:-90] + b"x" * 90], ids=str)
def test_an_answer_that_drips_ends_with_the_time_that_it_has(bounded, wire, content):
    wire.says(Drip(content))
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"not complete within 0\.6 s. Raise the option timeout"):
        bounded.send(Request("GET", "/a"))
    assert 0.5 < time.monotonic() - began < 1.5


def test_an_answer_that_drips_under_tls_ends_too(connect, wire, tls):
    url, bundle = tls
    http = HttpSettings(timeout=0.5, ca_path=bundle)
    session = connect("graph", url, http=http, retry=RetryPolicy(tries=1))
    wire.says({}, Drip(WHOLE))
    session.send(Request("GET", "/a"))
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="not complete within 1 s"):
        session.send(Request("GET", "/a"))
    assert time.monotonic() - began < 2.5


def test_a_create_whose_answer_drips_is_unclear(bounded, wire):
    wire.says(Drip(WHOLE))
    with pytest.raises(OutcomeUnknownError, match="is not known. Raise the option timeout"):
        bounded.send(Request("POST", "/a", json={}))


def test_a_dripping_answer_in_time_is_read(bounded, wire):
    wire.says(Drip(reply({"a": 1}).encode(), 0.001), {"a": 2})
    assert bounded.send(Request("GET", "/a")).json() == {"a": 1}
    assert bounded.send(Request("GET", "/a")).json() == {"a": 2}
    assert wire.connections == 1


def test_no_attempt_outlasts_the_deadline_of_its_request(connect, wire):
    retry = RetryPolicy(deadline=1.0)
    session = connect("bms", wire.url, http=HttpSettings(timeout=30.0), retry=retry)
    wire.answer = lambda request: Drip(WHOLE)
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        session.send(Request("GET", "/a"))
    assert time.monotonic() - began < 5


def zipped(content: bytes) -> Reply:
    return reply(gzip.compress(content, 1), Content_Encoding="gzip")


@pytest.mark.parametrize("step", [ENDLESS, zipped(b"[" + b" " * 300_000_000)], ids=["endless", "zipped"])
@pytest.mark.parametrize(("method", "kind"), [("GET", UnavailableError), ("POST", OutcomeUnknownError)])
def test_an_answer_that_is_too_large_is_given_up_in_bounded_memory(connect, wire, step, method, kind):
    session = connect("itglue", wire.url, option="itglue_url")
    wire.says(step)
    tracemalloc.start()
    try:
        with pytest.raises(kind, match="answer is larger than 32 MB.* Check the option itglue_url"):
            session.send(Request(method, "/a"))
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert len(wire.requests) == 1


def test_an_answer_that_a_hook_of_requests_has_read_is_read_all_the_same(session, wire):
    session.transport.session.hooks["response"].append(lambda answer, **dummies: answer.text and None)
    wire.says(zipped(b'{"a": 1}'), {"a": 2})
    assert [session.send(Request("GET", "/a")).json() for dummy in range(2)] == [{"a": 1}, {"a": 2}]


def test_zipped_answers_are_read(session, wire):
    body = json.dumps({"a": "x" * 100_000}).encode()
    double = reply(gzip.compress(body[:50_000]) + gzip.compress(body[50_000:]), Content_Encoding="GZIP")
    wire.says(zipped(body), double)
    for dummy in range(2):
        assert session.send(Request("GET", "/a")).content == body
    assert wire.last.headers["accept-encoding"] == "gzip"
    assert wire.connections == 1


@pytest.mark.parametrize(
    "damage", [lambda zip: zip[:-9], lambda zip: b"x" + zip, lambda zip: zip[:12] + b"xx" + zip[14:]]
)
def test_a_zipped_answer_that_is_damaged_is_read_again(session, wire, damage):
    content = damage(gzip.compress(b'{"a": "some text that can be zipped"}'))
    wire.says(reply(content, Content_Encoding="gzip"), {"a": 2})
    assert session.send(Request("GET", "/a")).json() == {"a": 2}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<html><title>Sign in</title>", b"\xff\xfe\xff", b"[" * 100_000, b"1" * 5000]
)
def test_a_successful_answer_that_is_no_json(session, wire, body):
    wire.answer = lambda request: reply(body)
    with pytest.raises(ProtocolError, match="is no JSON"):
        session.send(Request("GET", "/a"))
    assert len(wire.requests) == RetryPolicy().tries
    with pytest.raises(OutcomeUnknownError):
        session.send(Request("POST", "/a", json={}))
    assert len(wire.requests) == RetryPolicy().tries + 1


def test_the_end_of_tries(session, wire):
    wire.answer = lambda request: reply({"message": "down for\r\nmaintenance"}, 503)
    with pytest.raises(UnavailableError) as caught:
        session.send(Request("GET", "/a"))
    assert str(caught.value) == "IT Glue failed at GET /a (HTTP 503): down for maintenance. Try again later."
    assert (caught.value.status, caught.value.said) == (503, "down for maintenance")
    with pytest.raises(OutcomeUnknownError):
        session.send(Request("DELETE", "/a", repeatable=True))


def test_waits_double_within_the_cap_and_the_deadline(connect, wire, clock):
    retry = RetryPolicy(tries=9, base=1.0, cap=10.0, deadline=40.0)
    session = connect("bms", wire.url, retry=retry)
    wire.answer = lambda request: reply(None, 502)
    with pytest.raises(UnavailableError):
        session.send(Request("GET", "/a"))
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_jitter_is_full(connect, wire, clock):
    session = connect("bms", wire.url, spread=lambda low, high: low)
    wire.says(reply(None, 502), {})
    session.send(Request("GET", "/a"))
    assert clock.slept == [0.0]


def test_an_impatient_request_ends_with_the_first_time_out(session, wire):
    wire.says(reply(None, 504), STALL)
    with pytest.raises(TimeoutBeforeAnswerError):
        session.send(Request("GET", "/a", patient=False))
    session.transport.timeout = (1.0, 0.2)
    with pytest.raises(TimeoutBeforeAnswerError, match="no answer in time"):
        session.send(Request("GET", "/a", patient=False))
    assert len(wire.requests) == 2


def test_a_time_out_within_the_answer_is_one_too(session, wire):
    session.transport.timeout = (1.0, 0.2)
    wire.answer = lambda request: reply(b"{}", Content_Length="10")
    with pytest.raises(TimeoutBeforeAnswerError):
        session.send(Request("GET", "/a", patient=False))


# ------------------------------------------------------------------ throttling


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "7"}, 7.7),
        ({"Retry_After": "2.128"}, 2.3408),
        ({"Retry_After": "0"}, 0.55),
        ({"Retry_After": "-5"}, 0.55),
        ({"Retry_After": http_date(3620), "Date": http_date(3600)}, 21.0),
        ({"Retry_After": "soon"}, 5.5),
        ({"Retry_After": "nan"}, 5.5),
        ({}, 5.5),
    ],
)
def test_a_throttled_create_waits_and_is_sent_again(session, wire, clock, headers, wait):
    wire.says(reply(None, 429, **headers), {"id": 1})
    answer = session.send(Request("POST", "/a", json={}))
    assert answer.json() == {"id": 1}
    assert not answer.after_doubt
    assert clock.slept == [pytest.approx(wait, abs=0.01)]


def test_a_date_is_held_against_this_clock_where_the_service_gives_none(session, wire, clock):
    wire.says(reply(None, 429, Retry_After=http_date(30)), {})
    session.send(Request("GET", "/a"))
    assert clock.slept == [pytest.approx(30, abs=2.5)]


def test_a_long_wait_is_the_end_and_nobody_else_asks(session, wire):
    wire.says(reply({"message": "slow down"}, 429, Retry_After="900"))
    with pytest.raises(QuotaExceededError) as caught:
        session.send(Request("GET", "/a"))
    assert caught.value.retry_after == 900
    assert caught.value.said == "slow down"
    with pytest.raises(QuotaExceededError) as caught:
        session.send(Request("GET", "/b"))
    assert caught.value.retry_after == pytest.approx(900)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("header", ["1e300", "9" * 30, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_endless_wait_is_a_long_one(session, wire, header):
    wire.says(reply(None, 429, Retry_After=header))
    with pytest.raises(QuotaExceededError) as caught:
        session.send(Request("GET", "/a"))
    assert 86_400 < caught.value.retry_after <= 366 * 86_400


def test_a_quota_per_endpoint_holds_that_endpoint_only(session, wire):
    wire.says(reply(None, 429, Retry_After="900"), {})
    with pytest.raises(QuotaExceededError):
        session.send(Request("GET", "/contacts/1", template="/contacts/{id}"))
    session.send(Request("GET", "/accounts/1", template="/accounts/{id}"))
    with pytest.raises(QuotaExceededError):
        session.send(Request("GET", "/contacts/2", template="/contacts/{id}"))
    assert wire.asked == ["GET /contacts/1", "GET /accounts/1"]


def test_endless_throttling_ends(session, wire, clock):
    wire.answer = lambda request: reply(None, 429)
    with pytest.raises(QuotaExceededError) as caught:
        session.send(Request("POST", "/a", json={}))
    assert len(wire.requests) == RetryPolicy().throttled_tries
    assert caught.value.retry_after == 120
    assert "Go on at " in str(caught.value)
    assert sum(clock.slept) < RetryPolicy().deadline
    with pytest.raises(QuotaExceededError):
        session.send(Request("POST", "/b", json={}))
    assert len(wire.requests) == RetryPolicy().throttled_tries  # what follows does not even ask


def test_a_long_wait_of_a_failing_service_is_not_waited_for(session, wire, clock):
    wire.says(reply(None, 503, Retry_After="3600"))
    with pytest.raises(UnavailableError):
        session.send(Request("GET", "/a"))
    assert clock.slept == []


class Limiter:
    """Says what a script tells it, and notes all calls."""

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.calls: list[tuple] = []

    def acquire(self, key, calls=1):
        self.calls.append((key,))
        return self.waits.pop(0)

    def hold(self, key, seconds):
        self.calls.append((key, seconds))


def test_the_limiter_is_asked_before_each_try(connect, wire, clock):
    limiter = Limiter(0, 0, 30, 0.5, 0, 61)
    session = connect("bms", wire.url, limiter=limiter)
    wire.says(reply(None, 502), {}, {})
    session.send(Request("GET", "/c/1", template="/c/{id}"))
    session.send(Request("GET", "/c/2", template="/c/{id}"))
    assert clock.slept[-2:] == [31.0, 0.55]
    with pytest.raises(
        QuotaExceededError, match=r"GET /c/3 is used up. Go on at \d\d:\d\d:\d\d .*\(in 61 s\)"
    ) as caught:
        session.send(Request("GET", "/c/3", template="/c/{id}"))
    assert caught.value.retry_after == 61
    assert caught.value.status is None
    assert limiter.calls == [("GET /c/{id}",)] * 6
    assert len(wire.requests) == 3


def test_the_limiter_gets_the_wait_that_the_service_names(connect, wire):
    limiter = Limiter(0, 0, 0)
    session = connect("bms", wire.url, limiter=limiter)
    wire.says(reply(None, 429, Retry_After="7"), {}, reply(None, 429, Retry_After="900"))
    session.send(Request("GET", "/c/1", template="/c/{id}"))
    with pytest.raises(QuotaExceededError):
        session.send(Request("GET", "/c/2", template="/c/{id}"))
    reported = [call for call in limiter.calls if len(call) == 2]
    assert reported == [("GET /c/{id}", pytest.approx(7)), ("GET /c/{id}", 900)]


def test_a_long_wait_for_a_quota_is_announced(connect, wire):
    notices: list[str] = []
    session = connect("itglue", wire.url, http=HttpSettings(notice=notices.append), limiter=Limiter(4, 5, 0))
    wire.says({})
    session.send(Request("GET", "/a"))
    assert len(notices) == 1
    assert re.fullmatch(r"waiting for the quota of IT Glue, back at \d\d:\d\d:\d\d \S+ \(in 5 s\)", notices[0])


# --------------------------------------------------------------------- the log


def test_each_attempt_is_logged(connect, wire, clock):
    logged: list[tuple] = []
    http = HttpSettings(timeout=2.0, log=lambda *line: logged.append(line))
    session = connect("bms", wire.url, http=http)
    wire.says(reply(None, 503), RESET, {})
    session.send(Request("GET", "/v2/contacts?key=secret", params={"name": "Zoe"}))
    assert logged == [
        (3, "Kaseya BMS: GET /v2/contacts: HTTP 503 after 0 ms"),
        (3, "Kaseya BMS: GET /v2/contacts is sent again in 0.5 s"),
        (3, "Kaseya BMS: GET /v2/contacts: connection reset by peer after 0 ms, attempt 2"),
        (3, "Kaseya BMS: GET /v2/contacts is sent again in 1.0 s"),
        (3, "Kaseya BMS: GET /v2/contacts: HTTP 200 after 0 ms, attempt 3"),
    ]


def test_the_log_holds_no_secret_and_no_control_character(connect, wire):
    logged: list[str] = []
    http = HttpSettings(timeout=2.0, log=lambda level, text: logged.append(text))
    wire.answer = lambda request: {}
    session = connect("itglue", wire.url, http=http, secrets=["hunter2"])
    session.send(Request("GET", "/a/hunter2\x1b[31m"))
    assert logged == ["IT Glue: GET /a/*** [31m: HTTP 200 after 0 ms"]


def test_a_wait_for_the_quota_is_logged(connect, wire):
    logged: list[str] = []
    http = HttpSettings(log=lambda level, text: logged.append(text))
    wire.says({})
    connect("itglue", wire.url, http=http, limiter=Limiter(4, 0)).send(Request("GET", "/a"))
    assert logged[0] == "IT Glue: GET /a waits 4.0 s for the quota"


# ----------------------------------------------------------------- credentials


class Tokens:
    def __init__(self) -> None:
        self.number = 0
        self.dead: set[str] = set()

    def headers(self):
        if f"t{self.number}" in self.dead or not self.number:
            self.number += 1
        return {"Authorization": f"t{self.number}"}

    def refused(self, headers):
        self.dead.add(headers["Authorization"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_credentials_are_renewed_once(connect, wire, method):
    session = connect("bms", wire.url, authorizer=Tokens())
    wire.says(reply(None, 401), {"ok": 1}, reply(None, 401), reply({"message": "no"}, 401))
    assert session.send(Request(method, "/a")).json() == {"ok": 1}
    with pytest.raises(AuthenticationError):
        session.send(Request(method, "/a"))
    assert [request.headers["authorization"] for request in wire.requests] == ["t1", "t2", "t2", "t3"]


def test_a_login_goes_without_credentials(connect, wire):
    session = connect("bms", wire.url, authorizer=Tokens())
    wire.says(reply(None, 401))
    with pytest.raises(AuthenticationError):
        session.send(Request("POST", "/login", authorized=False, repeatable=True))
    assert "authorization" not in wire.last.headers


def test_a_login_that_fails_after_doubt_does_not_hide_the_doubt(connect, wire):
    class Failing(Tokens):
        def headers(self):
            if self.dead:
                raise AuthenticationError("wrong password", service="bms")
            return super().headers()

    session = connect("bms", wire.url, authorizer=Failing())
    wire.says(RESET, reply(None, 401))
    with pytest.raises(OutcomeUnknownError, match="wrong password"):
        session.send(Request("PATCH", "/a", json={}, repeatable=True))


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, RejectedError),
        (410, NotFoundError),
        (415, RejectedError),
        (422, RejectedError),
    ],
)
def test_kinds_of_refusal(session, wire, status, kind):
    wire.says(reply({"error": {"message": "because"}}, status))
    with pytest.raises(ApiError) as caught:
        session.send(Request("POST", "/a?secret=1", json={}))
    assert caught.type is kind
    assert (caught.value.service, caught.value.request) == ("itglue", "POST /a")
    assert (caught.value.status, caught.value.said) == (status, "because")
    assert len(wire.requests) == 1


def test_the_permission_is_named(session, wire):
    wire.says(reply(None, 403))
    with pytest.raises(PermissionDeniedError, match="This call needs User.Read.All"):
        session.send(Request("GET", "/users", needs="User.Read.All"))


def test_allowed_statuses_are_answers(session, wire):
    wire.says(reply({"error": "invalid_client"}, 401))
    assert session.send(Request("POST", "/token", allow=range(400, 500))).json() == {"error": "invalid_client"}


def test_words_are_one_short_line_without_secrets(connect, wire):
    session = connect("bms", wire.url, secrets=["pass word+1", ""])
    session.failures.add_secret("tok-en")
    words = "no\x1b[31m\nuser pass word+1 (pass%20word%2B1)\u202e tok-en " + "x" * 400
    wire.says(reply({"message": words}, 400))
    with pytest.raises(RejectedError) as caught:
        session.send(Request("GET", "/a"))
    assert caught.value.said.startswith("no [31m user *** (***) *** xxx")
    assert len(caught.value.said) == 301
    assert caught.value.said.endswith("…")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", ""),
        (b"plain words", "plain words"),
        (b"<html><head><TITLE>\n Bad\n gateway </TITLE>", "Bad gateway"),
        (b"<HTML>x", "a web page"),
        (b"\xff", "\ufffd"),
        (b"[]", ""),
        (b"null", ""),
        (b'{"message": 5}', ""),
        (b'{"error": []}', ""),
        (b'"\\ud800"', ""),
        (b'{"message": "half \\ud800 of a pair"}', "half \ufffd of a pair"),
    ],
)
def test_words_in_any_body(session, wire, body, message):
    wire.says(reply(body, 400))
    with pytest.raises(RejectedError) as caught:
        session.send(Request("GET", "/a"))
    assert caught.value.said == message
    str(caught.value).encode()


def test_text_of_an_answer_can_always_be_written_out(session, wire):
    wire.says(reply(b'{"a": ["\\uD83D\\uDE00", "\\ud83d", {"\\udc00": "\\\\ud800"}]}'))
    body = session.send(Request("GET", "/a")).json()
    assert body == {"a": ["\U0001f600", "\ufffd", {"\ufffd": "\\ud800"}]}


def test_bodies_and_forms_are_encoded(session, wire):
    wire.says({}, {}, {})
    session.send(Request("POST", "/a", json={"name": "Zoë", "none": None}))
    assert wire.last.json == {"name": "Zoë", "none": None}
    assert wire.last.headers["content-type"] == "application/json"
    session.send(Request("POST", "/a", data={"a": "b c&d"}))
    assert wire.last.body == b"a=b+c%26d"
    session.send(Request("POST", "/a", form={"UserName": "Zoë"}))
    assert wire.last.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert 'name="UserName"\r\n\r\nZoë\r\n'.encode() in wire.last.body


def test_counting_is_exact_with_threads():
    calls = Calls()

    def many():
        for dummy in range(1000):
            calls.count("graph")

    threads = [threading.Thread(target=many) for dummy in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls.by_service()["graph"] == 8000

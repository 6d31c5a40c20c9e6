# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a process: what only a real connection can show."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import msal
import pytest
import requests

from tests.sandbox.launch import ROOT, Failed, running, start

TENANT = "11111111-2222-4333-8444-555555555555"
TOKEN_PATH = f"/{TENANT}/oauth2/v2.0/token"
WORLD = {
    "entra": {
        "client_id": "cccccccc-2222-4333-8444-555555555555",
        "client_secret": "s3cret = with # signs",
        "tenants": [{"tenant_id": TENANT, "users": [{"userPrincipalName": "ann@x.example"}]}],
    },
    "bms": {"company": "Example & Sons"},
}


@pytest.fixture(scope="module")
def shared():
    with running(WORLD) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared):
    shared.reset()
    return shared


def session(sandbox):
    made = requests.Session()
    made.trust_env = False
    made.verify = sandbox.env["REQUESTS_CA_BUNDLE"]
    return made


def test_the_variables_are_those_of_the_collection(sandbox):
    env = sandbox.env

    assert set(env) == {
        "ITGLUE_URL",
        "ITGLUE_API_KEY",
        "BMS_URL",
        "BMS_COMPANY",
        "BMS_USERNAME",
        "BMS_PASSWORD",
        "BMS_MFA_SECRET",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_CLOUD",
        "AZURE_AUTHORITY_HOST",
        "GRAPH_URL",
        "REQUESTS_CA_BUNDLE",
        "HTTPS_PROXY",
        "NO_PROXY",
    }
    assert env["AZURE_CLIENT_SECRET"] == "s3cret = with # signs"
    assert env["BMS_COMPANY"] == "Example & Sons"
    assert len({env[name] for name in ("ITGLUE_URL", "BMS_URL", "GRAPH_URL")}) == 3
    assert stat.S_IMODE(os.stat(sandbox.log.with_name("sandbox.env")).st_mode) == 0o600


def test_msal_gets_a_token_and_requests_reads_users_with_it(sandbox):
    web = session(sandbox)
    app = msal.ConfidentialClientApplication(
        sandbox.env["AZURE_CLIENT_ID"],
        client_credential=sandbox.env["AZURE_CLIENT_SECRET"],
        authority=f"{sandbox.env['AZURE_AUTHORITY_HOST']}/{TENANT}",
        instance_discovery=False,
        http_client=web,
    )
    token = app.acquire_token_for_client([sandbox.env["GRAPH_URL"] + "/.default"])["access_token"]
    users = web.get(sandbox.env["GRAPH_URL"] + "/v1.0/users", headers={"Authorization": f"Bearer {token}"}).json()

    assert [user["userPrincipalName"] for user in users["value"]] == ["ann@x.example"]
    assert [(one["method"], one["status"]) for one in sandbox.requests()] == [("GET", 200), ("POST", 200), ("GET", 200)]


def test_a_stranger_to_its_authority_does_not_trust_it(sandbox):
    stranger = session(sandbox)
    stranger.verify = True

    with pytest.raises(requests.exceptions.SSLError):
        stranger.get(sandbox.env["GRAPH_URL"], timeout=10)


def test_connections_are_kept_alive(sandbox):
    url = urlsplit(sandbox.env["GRAPH_URL"])
    context = ssl.create_default_context(cafile=sandbox.env["REQUESTS_CA_BUNDLE"])
    connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=10, context=context)
    connection.connect()
    first = connection.sock
    for dummy in range(3):
        connection.request("GET", "/v1.0/users")
        assert json.load(connection.getresponse())["error"]["code"] == "InvalidAuthenticationToken"

    assert connection.sock is first
    connection.close()


def connect(sandbox):
    """A TLS connection to Graph's port."""
    url = urlsplit(sandbox.env["GRAPH_URL"])
    context = ssl.create_default_context(cafile=sandbox.env["REQUESTS_CA_BUNDLE"])
    plain = socket.create_connection((url.hostname, url.port), timeout=10)
    return context.wrap_socket(plain, server_hostname=url.hostname)


def ask_token(connection):
    body = (
        f"grant_type=client_credentials&client_id={WORLD['entra']['client_id']}&client_secret=wrong"
        "&scope=https://graph.microsoft.com/.default"
    )
    head = f"POST {TOKEN_PATH} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_reset_is_a_reset_of_the_tcp_connection(sandbox, kind):
    sandbox.faults({"kind": kind, "service": "graph"})
    connection = connect(sandbox)
    ask_token(connection)

    # Below TLS, for some Pythons call a reset an end of file there. What may come before it is TLS's own.
    with socket.socket(fileno=connection.detach()) as raw, pytest.raises(ConnectionResetError):
        raw.settimeout(10)
        while raw.recv(65536):
            pass

    assert [(one["status"], one["fault"]) for one in sandbox.requests()] == [(None, kind)]


def test_requests_calls_a_reset_a_connection_error_and_the_next_connection_is_fine(sandbox):
    web = session(sandbox)
    url = sandbox.env["GRAPH_URL"] + "/v1.0/users"
    web.get(url)
    sandbox.faults({"kind": "reset_before", "service": "graph"})

    with pytest.raises(requests.exceptions.ConnectionError):
        web.get(url)
    assert web.get(url).status_code == 401


def test_a_timeout_never_answers(sandbox):
    sandbox.faults({"kind": "timeout_after", "service": "graph"})

    with pytest.raises(requests.exceptions.ReadTimeout):
        session(sandbox).get(sandbox.env["GRAPH_URL"] + "/v1.0/users", timeout=(5, 0.3))
    assert sandbox.requests()[0]["status"] is None


def test_control_that_is_refused_says_why(sandbox):
    with pytest.raises(Failed, match="bang"):
        sandbox.faults({"kind": "bang"})


def eventually(ask, seconds=10):
    """The first true answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ask():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked_even_while_a_request_hangs(tmp_path, number):
    sandbox = start(WORLD, tmp_path)
    sandbox.faults({"kind": "timeout_after", "service": "graph"})
    hanging = connect(sandbox)
    ask_token(hanging)
    assert eventually(sandbox.requests)
    sandbox.process.send_signal(number)

    assert sandbox.process.wait(15) == 0
    assert "Traceback" not in sandbox.log.read_text()
    hanging.close()


def try_to_start(tmp_path: Path, *more: str, world: str = "{}", name: str = "world.json"):
    (tmp_path / "world.json").write_text(world)
    command = [sys.executable, "-m", "tests.sandbox", "--world", name, "--env-file", str(tmp_path / "env"), *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"world": "{"}, "no JSON"),
        ({"world": json.dumps({"bmx": {}})}, "unknown key bmx"),
        ({"world": json.dumps({"bms": {"company": "a\nb"}})}, "BMS_COMPANY"),
        ({"name": "missing.json"}, "missing.json"),
    ],
)
def test_a_world_that_cannot_be_played_ends_with_2_and_says_why(tmp_path, options, message):
    ended = try_to_start(tmp_path, **options)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "env").exists()


def test_a_port_in_use_ends_with_2_and_says_which(tmp_path, sandbox):
    port = urlsplit(sandbox.env["GRAPH_URL"]).port
    ended = try_to_start(tmp_path, "--port-base", str(port))

    assert ended.returncode == 2
    assert f"127.0.0.1:{port}" in ended.stderr


def test_missing_contracts_end_with_2(tmp_path):
    ended = try_to_start(tmp_path, "--contracts", str(tmp_path))

    assert ended.returncode == 2
    assert "graph_openapi_subset.yaml" in ended.stderr


def test_ports_follow_the_base(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = probe.getsockname()[1]
    sandbox = start({}, tmp_path, port_base=base)
    try:
        ports = [urlsplit(sandbox.env[name]).port for name in ("GRAPH_URL", "ITGLUE_URL", "BMS_URL")]
    finally:
        assert sandbox.stop() == 0

    assert ports == [base, base + 1, base + 2]


def test_the_example_world_can_be_played():
    world = json.loads((ROOT / "tests" / "sandbox" / "example_world.json").read_text())
    with running(world) as sandbox:
        state = sandbox.state()

    assert state["entra"]["tenants"][0]["display_name"] == "Example Ltd"
    assert state["itglue"]["contacts"][0]["first-name"] == "Grace"
    assert state["bms"]["accounts"][0]["accountName"] == "Example Ltd"

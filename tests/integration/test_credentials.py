# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way to sign in, through playbooks: credentials, clouds, proxies, private authorities, consent.

The sandbox checks each signature, thumbprint, audience and one-time code; the proxy leads
the vendors' own names to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
from urllib.parse import urlsplit

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import bms, itglue
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph import CLOUDS
from tests.sandbox.identity import Identity
from tests.sandbox.launch import Running, running
from tests.sandbox.proxy import proxying
from tests.tools.files import ROOT

from .fleet import run, with_settings

CLIENT = "5a4db0c5-1111-4222-8333-000000000001"
FROG, TOAD, NEWT = (f"{digit * 8}-2222-4333-8444-555555555555" for digit in "123")
TENANTS = {2: ("Happy Frog", FROG), 3: ("Sad Toad", TOAD), 4: ("New Newt", NEWT)}
ISSUER, SUBJECT, AUDIENCE = "https://token.example", "repo:msp/sync:ref:refs/heads/main", "api://AzureADTokenExchange"
SECRET, PASSWORD = "client-s3cret~of.the.app", "pass-phrase-of-the-key"
MFA_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NOT_SHOWN = (SECRET, PASSWORD, MFA_SECRET, "wrong-secret-of-nobody", "PRIVATE KEY", "proxy-passw0rd")


def world(app: Identity, expired: Identity) -> dict:
    def user(tenant: str) -> dict:
        sku = {"skuId": "c0ffee00-0000-4000-8000-000000000000"}
        return {
            "id": tenant,
            "userPrincipalName": "ada@frog.example",
            "mail": "ada@frog.example",
            "givenName": "Ada",
            "surname": "Adams",
            "assignedLicenses": [sku],
        }

    made = {
        "entra": {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "certificates": [expired.certificate_pem, app.certificate_pem],
            "federated_credentials": [{"issuer": ISSUER, "subject": SUBJECT, "public_key": app.public_key_pem}],
            "tenants": [
                {"tenant_id": tenant, "display_name": name, "users": [user(tenant)], "consent": tenant != TOAD}
                for name, tenant in TENANTS.values()
            ],
        },
        "itglue": {
            "api_key": "ITG.key-of-the-credential-tests",
            "organizations": [{"id": number, "name": name} for number, (name, dummy) in TENANTS.items()],
        },
        "bms": {
            "company": "Frogs",
            "username": "api",
            "password": "password-of-bms",
            "mfa_secret": MFA_SECRET,
            "email_types": [{"id": 1, "name": "Work"}],
            "phone_types": [{"id": 1, "name": "Work"}],
            "accounts": [
                {
                    "id": number,
                    "accountName": name,
                    "locations": [{"id": 10 * number, "locationName": "HQ", "isMain": True}],
                }
                for number, (name, dummy) in TENANTS.items()
            ],
        },
    }
    switches = ("contact_sync", "two_way_sync", "auto_push_office365_contacts")
    pushing = {**dict.fromkeys(switches, True), "email_type": "Work", "phone_type": "Work"}
    carried = {
        number: {"office365": {"tenant_id": tenant}, "bms": pushing} for number, (dummy, tenant) in TENANTS.items()
    }
    return with_settings(made, carried)


@pytest.fixture(scope="module")
def app():
    return Identity()


@pytest.fixture(scope="module")
def expired():
    return Identity(days=-1)


@pytest.fixture(scope="module")
def started(app, expired):
    with running(world(app, expired)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started, app, expired) -> Running:
    started.load(world(app, expired))
    return started


def preflight(row: dict, number: int) -> dict:
    """The task for a row: what is in capitals is a variable of its environment, the rest are options."""
    options = {name: value for name, value in row.items() if not name.isupper()}
    return {
        "msp.psa_sync.preflight_info": {"organization": 2, **options},
        "environment": {name: value for name, value in row.items() if name.isupper()},
        "register": f"row_{number}",
    }


@pytest.fixture
def checks(sandbox, tmp_path):
    """Runs preflight_info once for each row, with no secret of the app but the row's; its checks by name."""

    def checks(*rows: dict, **variables: str) -> list[dict[str, dict]]:
        tasks = [preflight(row, number) for number, row in enumerate(rows)]
        found = ", ".join(f"row_{number}.checks" for number in range(len(rows)))
        content = f"{{{{ [{found}] | to_json }}}}"
        tasks.append({"keep": {"content": content, "dest": str(tmp_path / "checks.json")}})
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        (tmp_path / "play.json").write_text(json.dumps([play]), encoding="utf-8")
        variables = {"AZURE_CLIENT_SECRET": "", **variables}
        done = run(sandbox, "ansible-playbook", tmp_path / "play.json", "-v", cwd=tmp_path, **variables)
        shown = done.stdout + done.stderr
        assert done.returncode == 0, shown
        assert not [secret for secret in NOT_SHOWN if secret in shown]
        listed = json.loads((tmp_path / "checks.json").read_text())
        return [{each["name"]: each for each in one} for one in listed]

    return checks


def failed(found: dict[str, dict]) -> dict[str, str]:
    return {name: each["message"] for name, each in found.items() if each["state"] == "failed"}


# ------------------------------------------------------------------ credentials


@pytest.fixture
def token(app, tmp_path):
    """Writes a token of the provider that the app trusts; the path of its file."""

    def token(name: str = "token", **claims: object) -> str:
        (tmp_path / name).write_text(app.token(**{"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, **claims}) + "\n")
        return str(tmp_path / name)

    return token


def test_every_credential_opens_graph(checks, app, token, tmp_path):
    locked = {"azure_certificate_password": PASSWORD}
    pfx, pem = app.pfx(tmp_path / "locked.pfx", PASSWORD), app.pem(tmp_path / "locked.pem", PASSWORD)
    rows = [
        {"azure_client_secret": SECRET},
        {"azure_certificate_path": pfx, **locked},
        {"azure_certificate_path": app.pfx(tmp_path / "open.pfx")},
        {"azure_certificate_path": pem, **locked},
        {"azure_certificate_path": app.pem(tmp_path / "open.pem")},
        {"azure_federated_token_file": token()},
        {"AZURE_CLIENT_SECRET": SECRET},
        {"AZURE_CLIENT_CERTIFICATE_PATH": pfx, "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD},
        {"AZURE_FEDERATED_TOKEN_FILE": token()},
        # Of several the first counts.
        {"azure_client_secret": SECRET, "azure_certificate_path": "/nowhere", "azure_federated_token_file": "/nowhere"},
    ]
    for row, found in zip(rows, checks(*rows), strict=True):
        assert failed(found) == {}, row
        assert found["microsoft"]["state"] == found["bms"]["state"] == "ready"


def test_what_is_wrong_with_a_credential_names_its_option(checks, app, expired, token, tmp_path):
    stranger = Identity()
    locked = app.pfx(tmp_path / "locked.pfx", PASSWORD)
    (tmp_path / "without key.pem").write_text(app.certificate_pem)
    (tmp_path / "empty").write_text("")
    path, file = "azure_certificate_path", "azure_federated_token_file"
    password, secret = "azure_certificate_password", {"azure_client_secret": SECRET}
    rows = [
        ({}, "microsoft", r"Set azure_client_secret \(AZURE_CLIENT_SECRET\), azure_certificate_path .* or azure_fed"),
        ({"azure_client_secret": "wrong-secret-of-nobody"}, "microsoft", "Check azure_client_secret"),
        ({path: locked, password: "wrong-secret-of-nobody"}, "microsoft", f"{password} may be wrong"),
        ({path: locked}, "microsoft", f"A key with a password needs {password}"),
        ({path: expired.pem(tmp_path / "old.pem")}, "microsoft", f"{path} names .*old.pem, .* has expired on"),
        ({path: str(tmp_path / "none")}, "microsoft", f"{path} names {tmp_path}/none: no such file"),
        ({path: str(tmp_path / "without key.pem")}, "microsoft", "which lacks a private key"),
        ({path: stranger.pem(tmp_path / "stranger.pem")}, "microsoft", f"AADSTS700027: .*Check {path}"),
        ({file: str(tmp_path / "none")}, "microsoft", f"{file} names {tmp_path}/none: no such file"),
        ({file: str(tmp_path / "empty")}, "microsoft", f"{file} names {tmp_path}/empty, which is empty"),
        ({file: token("subject", sub=f"{SUBJECT}x")}, "microsoft", f"AADSTS700213: .*Check {file}"),
        ({file: token("issuer", iss=f"{ISSUER}/")}, "microsoft", f"AADSTS700211: .*Check {file}"),
        ({file: token("audience", aud="api://else")}, "microsoft", f"AADSTS700212: .*Check {file}"),
        ({file: token("age", exp=1)}, "microsoft", f"AADSTS700024: .*this machine's clock, .*{file}"),
        ({**secret, "BMS_MFA_SECRET": "MFRGGZDFMZTWQ2LK"}, "bms", "bms_mfa_secret"),
        ({**secret, "BMS_MFA_SECRET": ""}, "bms", "bms_mfa_secret"),
        ({**secret, "bms_mfa_secret": "no base32!"}, "bms", "bms_mfa_secret"),
    ]
    for (row, check, words), found in zip(rows, checks(*(row for row, *dummy in rows)), strict=True):
        ((name, message),) = failed(found).items()
        assert name == check, row
        assert re.search(words, message), (row, message)


# ------------------------------------------------------------ clouds and proxies


def routes(sandbox: Running) -> dict[str, int]:
    """Where the vendors' names lead: each to the port that plays it."""
    graph, itglue_port, bms_port = (urlsplit(sandbox.env[name]).port for name in ("GRAPH_URL", "ITGLUE_URL", "BMS_URL"))
    return {
        **{urlsplit(url).hostname: graph for pair in CLOUDS.values() for url in pair},
        **{urlsplit(url).hostname: itglue_port for url in itglue.REGIONS.values()},
        **{urlsplit(url).hostname: bms_port for url in bms.REGIONS.values()},
    }


NAMED = {"azure_client_secret": SECRET, "azure_authority_host": "", "graph_url": ""}


#: Cloud, region of IT Glue and server of BMS, with the hosts that they are.
PLACES = {
    ("global", "us", "us"): "login.microsoftonline.com graph.microsoft.com api.itglue.com api.bms.kaseya.com",
    ("usgov", "us", "us"): "login.microsoftonline.us graph.microsoft.us api.itglue.com api.bms.kaseya.com",
    ("dod", "eu", "emea"): ("login.microsoftonline.us dod-graph.microsoft.us api.eu.itglue.com api.bmsemea.kaseya.com"),
    ("china", "au", "apac"): (
        "login.chinacloudapi.cn microsoftgraph.chinacloudapi.cn api.au.itglue.com api.bmsapac.kaseya.com"
    ),
}


def test_each_cloud_and_region_is_reached_by_its_name_and_through_the_proxy(sandbox, checks):
    with contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(proxying(routes(sandbox))) for dummy in PLACES]
        rows = [
            {**NAMED, "azure_cloud": cloud, "itglue_url": region, "bms_url": server, "proxy": proxy.url}
            for (cloud, region, server), proxy in zip(PLACES, proxies, strict=True)
        ]
        assert [failed(found) for found in checks(*rows)] == [{}] * len(PLACES)
        for proxy, hosts in zip(proxies, PLACES.values(), strict=True):
            assert set(proxy.tunnels) == {f"{host}:443" for host in hosts.split()}


def test_a_proxy_that_asks_for_a_login_and_one_that_is_not_to_be_asked(sandbox, checks):
    named = {**NAMED, "itglue_url": "eu", "bms_url": "emea"}
    with proxying(routes(sandbox), login="jo:proxy-passw0rd") as proxy:
        rows = [
            {**named, "HTTPS_PROXY": proxy.url_with_login},
            {**named, "proxy": proxy.url},
            {**named, "itglue_url": "https://itglue.example", "proxy": proxy.url_with_login, "NO_PROXY": ".example"},
        ]
        opened, refused, direct = checks(*rows)
        assert failed(opened) == {}
        assert set(proxy.tunnels) == {
            f"{host}:443"
            for host in (
                "login.microsoftonline.com",
                "graph.microsoft.com",
                "api.eu.itglue.com",
                "api.bmsemea.kaseya.com",
            )
        }
    assert "the proxy did not let the request through" in failed(refused)["itglue"]
    assert "its name is not known" in failed(direct)["itglue"]


# -------------------------------------------------------------- private authority


def test_a_private_authority_is_named_by_ca_path_or_the_environment(sandbox, checks, tmp_path):
    bundle = sandbox.env["REQUESTS_CA_BUNDLE"]
    (tmp_path / "authorities").mkdir()
    shutil.copy(bundle, tmp_path / "authorities" / "sandbox.pem")
    subprocess.run(["openssl", "rehash", tmp_path / "authorities"], check=True)
    secret = {"azure_client_secret": SECRET}
    rows = [
        {**secret, "ca_path": bundle},
        {**secret, "ca_path": str(tmp_path / "authorities")},
        {**secret, "REQUESTS_CA_BUNDLE": bundle},
        secret,
        {**secret, "ca_path": "/nowhere"},
    ]
    *trusted, untrusted, missing = checks(*rows, REQUESTS_CA_BUNDLE="")
    assert [failed(each) for each in trusted] == [{}, {}, {}]
    assert "its certificate is not trusted" in failed(untrusted)["itglue"]
    assert "ca_path" in failed(untrusted)["itglue"]
    assert "The option ca_path names /nowhere" in failed(missing)["itglue"]


# ----------------------------------------------------------------------- consent


def test_a_tenant_without_consent_fails_alone_and_says_where_to_consent(sandbox, tmp_path):
    (tmp_path / "tenants.yml").write_text("plugin: msp.psa_sync.tenants\n")
    with proxying(routes(sandbox)) as proxy:
        cloud = {"AZURE_CLOUD": "usgov", "AZURE_AUTHORITY_HOST": "", "GRAPH_URL": "", "HTTPS_PROXY": proxy.url}
        done = run(sandbox, "ansible-playbook", "-i", tmp_path / "tenants.yml", "msp.psa_sync.sync_contacts", **cloud)
        assert {"login.microsoftonline.us:443", "graph.microsoft.us:443"} == set(proxy.tunnels)
    assert done.returncode == 2, done.stdout + done.stderr
    recap = done.stdout.partition("PLAY RECAP")[2]
    assert {host: "failed=1" in counts for host, counts in re.findall(r"^(\w+)\s*: (.*)$", recap, re.MULTILINE)} == {
        "happy_frog": False,
        "sad_toad": True,
        "new_newt": False,
    }
    assert f"https://login.microsoftonline.us/{TOAD}/adminconsent?client_id={CLIENT}" in done.stdout
    synced = {each["organization-id"] for each in sandbox.state()["itglue"]["contacts"]}
    assert synced == {2, 4}


# --------------------------------------------------------------------- the guide


def test_the_certificate_that_the_guide_makes_opens_graph(sandbox, app, expired, checks, tmp_path):
    """The commands of the setup guide are run as they stand there."""
    guide = (ROOT / "docs" / "docsite" / "rst" / "setup_guide.rst").read_text(encoding="utf-8")
    commands = re.findall(r"^    (openssl .*)$", guide, re.MULTILINE)
    assert len(commands) == 3
    subprocess.run(
        ["bash", "-euc", "\n".join(commands)],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD},
        capture_output=True,
    )
    assert stat.S_IMODE((tmp_path / "app.pem").stat().st_mode) == 0o600
    registered = world(app, expired)
    registered["entra"]["certificates"] = [(tmp_path / "app.crt").read_text()]
    sandbox.load(registered)
    rows = [
        {"AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path / "app.pem")},
        {
            "AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path / "app.pfx"),
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
        },
    ]
    assert [failed(found) for found in checks(*rows)] == [{}, {}]

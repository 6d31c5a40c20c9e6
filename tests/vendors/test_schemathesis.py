# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox under Schemathesis: whatever a vendor's description allows is answered as the description says, and
whatever it does not allow is no error of the sandbox's own."""

from __future__ import annotations

import re

import pytest
import requests

from tests.sandbox.launch import running
from tests.trust.test_fault_matrix import TENANT, world_with_departed
from tests.vendors import schemathesis
from tests.vendors.descriptions import write

ENOUGH = {"token_lifetime": 86_400, "bms_quota": 10_000_000, "itglue_quota": 10_000_000}


@pytest.fixture(scope="module")
def sandbox():
    schemathesis.install()
    with running(world_with_departed()) as started:
        started.behaviour(**ENOUGH)
        yield started


def graph_token(env: dict[str, str]) -> str:
    form = {
        "client_id": env["AZURE_CLIENT_ID"],
        "client_secret": env["AZURE_CLIENT_SECRET"],
        "scope": f"{env['GRAPH_URL']}/.default",
        "grant_type": "client_credentials",
    }
    address = f"{env['AZURE_AUTHORITY_HOST']}/{TENANT}/oauth2/v2.0/token"
    return requests.post(address, form, verify=env["REQUESTS_CA_BUNDLE"], timeout=30).json()["access_token"]


def bms_token(env: dict[str, str]) -> str:
    form = {
        "GrantType": "password",
        "UserName": env["BMS_USERNAME"],
        "Password": env["BMS_PASSWORD"],
        "Tenant": env["BMS_COMPANY"],
    }
    address = f"{env['BMS_URL']}/v2/security/authenticate"
    answer = requests.post(address, form, verify=env["REQUESTS_CA_BUNDLE"], timeout=30)
    return answer.json()["result"]["accessToken"]


@pytest.mark.parametrize(("service", "token"), [("graph", graph_token), ("bms", bms_token)])
def test_the_sandbox_answers_as_described(sandbox, tmp_path, service, token, record_property):
    env = sandbox.env
    address = env["GRAPH_URL" if service == "graph" else "BMS_URL"]
    ran = schemathesis.run(write(service, tmp_path), address, env["REQUESTS_CA_BUNDLE"], token(env))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    cases = re.search(r"(\d+) generated", ran.stdout)
    assert cases and int(cases[1]) >= 100, ran.stdout
    record_property(f"{service}: requests", cases[1])

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs through Stoplight Prism, which holds each request and answer against the vendors' descriptions.

Whatever does not fit is answered with an error by Prism, so that the run fails.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._clients import transport
from tests.sandbox.contracts import FILES, Contract
from tests.sandbox.launch import Running, running
from tests.trust.test_fault_matrix import WITH_LEAVERS, world_with_leavers
from tests.vendors import prism
from tests.vendors.descriptions import DIRECTORY

CONNECTION = (
    "ITGLUE_URL ITGLUE_API_KEY BMS_URL BMS_COMPANY BMS_USERNAME BMS_PASSWORD "
    "AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_AUTHORITY_HOST GRAPH_URL"
).split()


@contextmanager
def by_way_of(detours: Mapping[tuple[str, str], str]) -> Iterator[Counter[str]]:
    """Requests to a service go through Prism, by service and address. The clients know nothing of it, so that tokens
    are those of the service, and a link to a next page is the service's own. What is described by nobody goes its way.

    Counts the requests through Prism, and those that go past it, by their paths.
    """
    send = transport._Adapter.send
    contracts = {service: Contract.load(service, DIRECTORY / FILES[service]) for service, dummy in detours}
    counts: Counter[str] = Counter()

    def sent(adapter, request, *others, **more):
        for (service, address), instead in detours.items():
            path = urlsplit(request.url).path
            if request.url.startswith(f"{address}/"):
                if contracts[service].find(path):
                    request.url = instead + request.url.removeprefix(address)
                    counts[service] += 1
                else:
                    counts[path] += 1
        return send(adapter, request, *others, **more)

    with mock.patch.object(transport._Adapter, "send", sent):
        yield counts


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The sandbox, and the addresses of Prism before Graph and BMS."""
    prism.install()
    folder = tmp_path_factory.mktemp("prism")
    with running(world_with_leavers()) as sandbox:
        ca_path = sandbox.env["REQUESTS_CA_BUNDLE"]
        with (
            prism.proxy("graph", sandbox.env["GRAPH_URL"], ca_path, folder) as graph,
            prism.proxy("bms", sandbox.env["BMS_URL"], ca_path, folder) as bms,
        ):
            yield sandbox, {("graph", sandbox.env["GRAPH_URL"]): graph, ("bms", sandbox.env["BMS_URL"]): bms}


def sync(sandbox: Running, **options: Any) -> dict[str, Any]:
    """The result of a `contact_sync` task."""
    spec, run = entry_point("contact_sync")
    connection = {name.lower(): sandbox.env[name] for name in CONNECTION}
    given = {"ca_path": sandbox.env["REQUESTS_CA_BUNDLE"], "report": "all", **connection, **options}
    if secret := sandbox.env.get("BMS_MFA_SECRET"):
        given["bms_mfa_secret"] = secret
    validated = ArgumentSpecValidator(**spec.validator_arguments()).validate(given)
    assert validated.error_messages == []
    result = run(validated.validated_parameters, Task(check_mode=False, diff=False))
    return json.loads(json.dumps(result))


def test_runs_send_nothing_that_the_descriptions_do_not_allow(services, record_property):
    """All that a run does: it creates, updates, pushes, deactivates and takes back. The next changes nothing."""
    sandbox, detours = services
    with by_way_of(detours) as counts:
        first = sync(sandbox, **WITH_LEAVERS)
        second = sync(sandbox, **WITH_LEAVERS)
    assert first["changed"]
    assert not second["changed"]
    assert {each["push"] for each in first["contacts"]} >= {"pushed", "already_in_bms"}
    assert [each["after"] for each in first["departed"]]
    methods = {each["method"] for each in sandbox.requests() if each["service"] == "bms"}
    assert methods >= {"GET", "POST", "PATCH"}
    assert counts["graph"] >= 4
    assert counts["bms"] >= 10
    for service, count in counts.items():
        record_property(service, count)


def test_prism_refuses_what_the_descriptions_do_not_allow(services):
    """A proxy that lets everything pass would prove nothing."""
    graph, bms = services[1].values()
    token = {"Authorization": "Bearer x"}
    answer = requests.get(f"{graph}/v1.0/users", params={"$count": "many"}, headers=token, timeout=30)
    assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (422, "UNPROCESSABLE_ENTITY")
    wrong = {"accountId": "one"}
    answer = requests.post(f"{bms}/v2/crm/contacts/summary", json=wrong, headers=token, timeout=30)
    assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (422, "UNPROCESSABLE_ENTITY")

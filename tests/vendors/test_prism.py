# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs through Stoplight Prism, which holds each request and answer against the vendors' descriptions.

Whatever does not fit is answered with an error by Prism, so that the run fails.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import Clients
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._clients import transport
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms import BmsClient, EntryChange
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph import GraphClient
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsContact, BmsEmail, BmsPhone
from tests.sandbox.contracts import FILES, Contract
from tests.sandbox.launch import Running, running
from tests.tools.files import ROOT
from tests.trust.test_fault_matrix import OPTIONS, WITH_DEPARTED, world_with_departed
from tests.trust.worlds import ACCOUNT, GROUP, NAME, OTHER_TENANT, TENANT
from tests.vendors import prism
from tests.vendors.descriptions import DIRECTORY

CONNECTION = (
    "ITGLUE_URL ITGLUE_API_KEY BMS_URL BMS_COMPANY BMS_USERNAME BMS_PASSWORD "
    "AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_AUTHORITY_HOST GRAPH_URL"
).split()

NEW = BmsContact(
    None,
    ACCOUNT,
    31,
    "Jane",
    "Doe",
    emails=(BmsEmail("jane@x.example", 1, default=True),),
    phones=(BmsPhone("4155552671", 1, default=True),),
)
CONTACT = 903
"""A contact that is in BMS."""

GRAPH: dict[str, Callable[[GraphClient], Any]] = {
    "users": lambda graph: list(graph.users()),
    "deleted_users": lambda graph: list(graph.deleted_users()),
    "group_members": lambda graph: [graph.group_members(GROUP), graph.group_members("Staff")],
    "verified_domains": lambda graph: graph.verified_domains(),
    "contracts": lambda graph: list(graph.contracts()),
    "delegated_admin_relationships": lambda graph: list(graph.delegated_admin_relationships()),
    "raw": lambda graph: graph.raw("/v1.0/contracts", {"$select": "id"}, "Directory.Read.All"),
}
BMS: dict[str, Callable[[BmsClient], Any]] = {
    "accounts": lambda bms: bms.accounts(NAME),
    "account": lambda bms: bms.account(ACCOUNT),
    "account_locations": lambda bms: bms.account_locations(ACCOUNT),
    "contacts": lambda bms: bms.contacts(ACCOUNT),
    "contact": lambda bms: bms.contact(CONTACT),
    "create_contact": lambda bms: bms.create_contact(NEW),
    "set_contact": lambda bms: bms.set_contact(CONTACT, {"JobTitle": "Clerk", "IsActive": False}),
    "patch_emails": lambda bms: bms.patch_emails(CONTACT, CHANGES_OF_EMAILS),
    "patch_phones": lambda bms: bms.patch_phones(CONTACT, CHANGES_OF_PHONES),
    "email_types": lambda bms: bms.email_types(),
    "phone_types": lambda bms: bms.phone_types(),
    "raw": lambda bms: bms.raw("/v2/crm/contacts/summary", {"PageSize": 1, "PageNumber": 1}),
}
"""A call of each method of the two clients that sends a request."""

CHANGES_OF_EMAILS = [
    EntryChange("add", "second@x.example", type_id=1, default=False),
    EntryChange("update", "u3@x.example", "u3new@x.example"),
    EntryChange("delete", "second@x.example"),
]
CHANGES_OF_PHONES = [EntryChange("add", "4155552672", type_id=1, default=True), EntryChange("delete", "4155552672")]
UNDESCRIBED = {"/v1.0/directory/deletedItems/microsoft.graph.user", "/v1.0/groups"}
"""What the clients read that the description of Graph says nothing of."""

MODULES: dict[str, dict[str, Any]] = {
    "api_probe": {
        "organization": NAME,
        "tenant_id": TENANT,
        "bms_account": ACCOUNT,
        "write": True,
        "write_bms": True,
        "push_wait": 0,
    },
    "bms_sync_settings": {"organization": NAME, "contact_sync": True},
    "bms_sync_settings_info": {},
    "contact_audit_info": OPTIONS,
    "contact_sync": {**OPTIONS, "update_linked": True},
    "office365_sync_settings": {"organization": NAME, "tenant_id": TENANT},
    "office365_sync_settings_info": {},
    "preflight_info": OPTIONS,
    "tenant_match": {"organization": "Other", "tenant": "Other", "partner_tenant_id": TENANT},
    "tenant_match_info": {"partner_tenant_id": TENANT},
}
"""The options of a task of each module."""


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
    world = world_with_departed()
    world["entra"] |= {
        "contracts": [{"customerId": OTHER_TENANT, "displayName": "Other", "defaultDomainName": "other.example"}],
        "delegated_admin_relationships": [
            {"status": "active", "customer": {"tenantId": OTHER_TENANT, "displayName": "Other"}}
        ],
    }
    with running(world) as sandbox:
        ca_path = sandbox.env["REQUESTS_CA_BUNDLE"]
        with (
            prism.proxy("graph", sandbox.env["GRAPH_URL"], ca_path, folder) as graph,
            prism.proxy("bms", sandbox.env["BMS_URL"], ca_path, folder) as bms,
        ):
            yield sandbox, {("graph", sandbox.env["GRAPH_URL"]): graph, ("bms", sandbox.env["BMS_URL"]): bms}


def parameters(sandbox: Running, module: str, **options: Any) -> dict[str, Any]:
    """The options of a task that connects with the sandbox."""
    connection = {name.lower(): sandbox.env[name] for name in CONNECTION}
    given = {"ca_path": sandbox.env["REQUESTS_CA_BUNDLE"], **connection, **options}
    if secret := sandbox.env.get("BMS_MFA_SECRET"):
        given["bms_mfa_secret"] = secret
    spec, dummy = entry_point(module)
    validated = ArgumentSpecValidator(**spec.validator_arguments()).validate(given)
    assert validated.error_messages == []
    return validated.validated_parameters


def task(sandbox: Running, module: str, **options: Any) -> dict[str, Any]:
    """The result of a task of a module."""
    dummy, run = entry_point(module)
    result = run(parameters(sandbox, module, **options), Task(check_mode=False))
    return json.loads(json.dumps(result))


def sync(sandbox: Running, **options: Any) -> dict[str, Any]:
    """The result of a `contact_sync` task."""
    return task(sandbox, "contact_sync", report="all", **options)


@pytest.fixture
def fresh(services):
    """The sandbox as it was at first, and Prism."""
    services[0].reset()
    return services


def past_prism(counts: Counter[str]) -> set[str]:
    """The paths of Graph and BMS that were read without Prism. Entra gives the tokens, and nobody describes it."""
    return {path for path in counts if path.startswith(("/v1.0/", "/v2/"))}


def methods_of(client: type) -> set[str]:
    return {name for name, dummy in inspect.getmembers(client, inspect.isfunction) if not name.startswith("_")}


def test_each_method_of_the_clients_is_held_against_the_descriptions():
    assert set(GRAPH) == methods_of(GraphClient)
    assert set(BMS) == methods_of(BmsClient)


@pytest.mark.parametrize("method", GRAPH)
def test_requests_to_graph_are_as_described(fresh, method, record_property):
    sandbox, detours = fresh
    clients = Clients(parameters(sandbox, "contact_sync", organization=NAME), Task(check_mode=False))
    with by_way_of(detours) as counts:
        GRAPH[method](clients.graph(TENANT))
    record_property("graph", counts["graph"])
    assert past_prism(counts) <= UNDESCRIBED
    assert counts["graph"] or method == "deleted_users"


@pytest.mark.parametrize("method", BMS)
def test_requests_to_bms_are_as_described(fresh, method, record_property):
    sandbox, detours = fresh
    clients = Clients(parameters(sandbox, "contact_sync", organization=NAME), Task(check_mode=False))
    with by_way_of(detours) as counts:
        BMS[method](clients.bms)
    assert counts["bms"] and not past_prism(counts)
    record_property("bms", counts["bms"])


def test_each_module_is_held_against_the_descriptions():
    assert set(MODULES) == {path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")}


@pytest.mark.parametrize("module", MODULES)
def test_a_task_of_each_module_sends_nothing_else(fresh, module, record_property):
    sandbox, detours = fresh
    with by_way_of(detours) as counts:
        task(sandbox, module, **MODULES[module])
    for service in ("graph", "bms"):
        record_property(service, counts[service])
    assert past_prism(counts) <= UNDESCRIBED


def test_a_run_for_the_members_of_a_group_sends_nothing_else(fresh, record_property):
    sandbox, detours = fresh
    office365 = {**OPTIONS["office365_settings"], "user_filter": {"groups": [GROUP]}}
    with by_way_of(detours) as counts:
        result = sync(sandbox, **{**WITH_DEPARTED, "office365_settings": office365}, update_linked=True)
    assert result["changed"]
    assert counts["graph"] and counts["bms"]
    for service in ("graph", "bms"):
        record_property(service, counts[service])
    assert past_prism(counts) <= UNDESCRIBED


def test_runs_send_nothing_that_the_descriptions_do_not_allow(fresh, record_property):
    """All that a run does: it creates, updates, pushes, deactivates and takes back. The next changes nothing."""
    sandbox, detours = fresh
    with by_way_of(detours) as counts:
        first = sync(sandbox, **WITH_DEPARTED)
        second = sync(sandbox, **WITH_DEPARTED)
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

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: how they are looked up, what is refused, and what the clients are made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.psa_sync.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import connection
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import (
    CONNECTION_OPTIONS,
    ENVIRONMENT,
    Clients,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.fair_share import FairShare
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import Limit
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.waiting_list import WaitingList
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError

TENANT = "8f3c0a1e-5b7d-4c2a-9e61-1f0d2b3c4a5e"
GIVEN = {
    "itglue_url": "eu",
    "itglue_api_key": "ITG.key\n",
    "bms_url": "https://api.bms.example/",
    "bms_company": "Happy Frog",
    "bms_username": "jo",
    "bms_password": " pass word \n",
    "bms_mfa_secret": "JBSWY3DPEHPK3PXP",
    "azure_client_id": "app",
    "azure_client_secret": "azure-secret",
    "azure_cloud": "usgov",
    "azure_authority_host": "login.example",
    "graph_url": "https://graph.example",
    "timeout": 12,
    "proxy": "proxy.example:3128",
    "no_proxy": "bms.example",
}
SECRET = {"itglue_api_key", "bms_password", "bms_mfa_secret", "azure_client_secret", "azure_certificate_password"}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ENVIRONMENT.values():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def made(monkeypatch) -> dict[str, list[dict]]:
    """What each client was made of; nothing else is done with it. So it is with what is shared."""
    calls: dict[str, list[dict]] = {}
    for name in ("SharedLimiter", "SharedTokens"):
        monkeypatch.setattr(connection, name, lambda *account, **options: (*account, options))
    for name in ("ItGlueClient", "BmsClient", "GraphClient"):
        monkeypatch.setattr(
            connection, name, lambda name=name, **details: calls.setdefault(name, []).append(details) or object()
        )
    return calls


def params(given: dict) -> dict:
    checked = ArgumentSpecValidator(CONNECTION_OPTIONS).validate(given)
    assert checked.error_messages == []
    return checked.validated_parameters


def refusal(given: dict, use) -> str:
    with pytest.raises(InputError) as refused:
        use(Clients(params(given), Task()))
    return str(refused.value)


def without(*names: str) -> dict:
    return {name: value for name, value in GIVEN.items() if name not in names}


# ------------------------------------------------------------------ look-up


@pytest.mark.parametrize("option", ENVIRONMENT)
def test_an_option_is_taken_from_its_variable(option, monkeypatch):
    value = "china" if option == "azure_cloud" else "/from/the/environment"
    monkeypatch.setenv(ENVIRONMENT[option], value)

    assert params({})[option] == value


@pytest.mark.parametrize("option", ENVIRONMENT)
def test_a_given_option_goes_before_its_variable(option, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT[option], "/from/the/environment")
    value = "dod" if option == "azure_cloud" else "/given"

    assert params({option: value})[option] == value


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_blank_variable_is_not_set(blank, monkeypatch):
    for name in ENVIRONMENT.values():
        monkeypatch.setenv(name, blank)

    assert params({}) == dict.fromkeys(CONNECTION_OPTIONS) | {"azure_cloud": "global", "timeout": 30.0}


def test_every_secret_is_kept_out_of_logs():
    assert {name for name, option in CONNECTION_OPTIONS.items() if option.get("no_log")} == SECRET


def test_the_documentation_is_that_of_the_spec():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]

    assert {
        name: (option["type"], option.get("default"), option.get("choices")) for name, option in documented.items()
    } == {name: (each["type"], each.get("default"), each.get("choices")) for name, each in CONNECTION_OPTIONS.items()}
    for name, variable in ENVIRONMENT.items():
        assert documented[name]["description"][-1] == f"If not set, the environment variable E({variable}) is used."


# ------------------------------------------------------------------ clients


def test_each_client_is_made_of_its_options(made):
    task = Task(secret=print)
    fair_share = FairShare(WaitingList(None))
    api = Clients(params(GIVEN), task, fair_share)
    settings = connection.HttpSettings(
        ca_path=None, timeout=12.0, proxy="http://proxy.example:3128", no_proxy="bms.example"
    )

    for dummy in (api.itglue, api.bms, api.graph(TENANT)):
        pass

    def access(service, *account, retry=connection.DEFAULT_RETRY, fair_share=None):
        limiter = (
            service,
            *account,
            {"limit": connection.LIMITS.get(service), "notice": task.warn, "fair_share": fair_share},
        )
        return connection.Access(settings, api.calls, retry, limiter, task.secret)

    secrets = [" pass word ", "JBSWY3DPEHPK3PXP"]
    account = ("bms", "https://api.bms.example", "Happy Frog", "jo")
    tokens = (*account, {"secrets": secrets, "notice": task.warn})
    assert made == {
        "ItGlueClient": [
            {
                "url_or_region": "https://api.eu.itglue.com",
                "api_key": "ITG.key",
                "access": access("itglue", "https://api.eu.itglue.com", retry=connection.PATIENT_RETRY),
            }
        ],
        "BmsClient": [
            {
                "url_or_region": "https://api.bms.example/",
                "credential": connection.BmsCredential("Happy Frog", "jo", " pass word ", "JBSWY3DPEHPK3PXP", tokens),
                "access": access("bms", "https://api.bms.example", "Happy Frog", fair_share=fair_share),
            }
        ],
        "GraphClient": [
            {
                "tenant_id": TENANT,
                "credential": connection.GraphCredential("app", client_secret="azure-secret"),
                "access": access("graph", TENANT, "app"),
                "endpoints": connection.graph_endpoints("usgov", "https://login.example", "https://graph.example"),
            }
        ],
    }


def test_a_certificate_and_a_token_file_are_handed_on(made):
    given = without("azure_client_secret") | {
        "azure_certificate_path": "/etc/app.pem",
        "azure_certificate_password": "pass\n",
        "azure_federated_token_file": "/run/token",
    }

    Clients(params(given), Task()).graph(TENANT)

    assert made["GraphClient"][0]["credential"] == connection.GraphCredential(
        "app", certificate_path="/etc/app.pem", certificate_password="pass", federated_token_file="/run/token"
    )


def test_a_quota_is_that_of_the_option_to_the_last_request(made):
    api = Clients(params(GIVEN | {"itglue_quota": "500", "bms_quota": 100_000}), Task())
    limits = [
        client["access"].limiter[-1]["limit"]
        for dummy in (api.itglue, api.bms)
        for calls in made.values()
        for client in calls
    ]

    assert Limit(500, 300, per_endpoint=False) in limits
    assert Limit(100_000, 3600, per_endpoint=True) in limits


def test_what_is_waited_for_is_shown(made):
    shown = []
    api = Clients(params(GIVEN), Task(progress=shown.append))

    assert api.itglue is not None
    made["ItGlueClient"][0]["access"].http.notice("waiting")
    assert shown == ["waiting"]


def test_requests_are_logged_by_the_task(made):
    logged = []
    api = Clients(params(GIVEN), Task(log=lambda *line: logged.append(line)))

    assert api.bms is not None
    made["BmsClient"][0]["access"].http.log(3, "GET /a")
    assert logged == [(3, "GET /a")]


def test_clients_are_made_once_also_for_threads(made):
    api = Clients(params(GIVEN), Task())

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda n: (api.itglue, api.bms, api.graph(TENANT)), range(32)))

    assert len(set(seen)) == 1
    assert {name: len(calls) for name, calls in made.items()} == {"ItGlueClient": 1, "BmsClient": 1, "GraphClient": 1}


def test_each_tenant_has_a_client_of_its_own(made):
    api = Clients(params(GIVEN), Task())

    assert api.graph("a") is not api.graph("b")
    assert [call["tenant_id"] for call in made["GraphClient"]] == ["a", "b"]


def test_the_real_clients_take_what_they_are_given():
    api = Clients(params(GIVEN), Task())

    assert api.itglue.base_url == "https://api.eu.itglue.com"
    assert api.bms.base_url == "https://api.bms.example"
    assert api.graph(TENANT).tenant_id == TENANT
    assert api.calls.by_service() == {"graph": 0, "itglue": 0, "bms": 0}


# ----------------------------------------------------------------- refusals


def test_a_service_that_is_not_used_needs_nothing():
    api = Clients(params({"itglue_url": "us", "itglue_api_key": "ITG.key"}), Task())

    assert api.itglue.base_url == "https://api.itglue.com"


@pytest.mark.parametrize(
    ("missing", "use"),
    [
        (("itglue_url",), lambda api: api.itglue),
        (("itglue_api_key",), lambda api: api.itglue),
        (("bms_url", "bms_company", "bms_username", "bms_password"), lambda api: api.bms),
        (("bms_password",), lambda api: api.bms),
        (("azure_client_id",), lambda api: api.graph(TENANT)),
        (("azure_client_secret",), lambda api: api.graph(TENANT)),
    ],
)
@pytest.mark.parametrize("blank", [None, " "])
def test_what_is_missing_is_named_with_its_variable(missing, use, blank):
    message = refusal(GIVEN | dict.fromkeys(missing, blank), use)

    for name in missing:
        assert f"{name} ({ENVIRONMENT[name]})" in message


@pytest.mark.parametrize(
    ("option", "value", "use"),
    [
        ("itglue_url", "mars", lambda api: api.itglue),
        ("itglue_url", "ftp://files.example", lambda api: api.itglue),
        ("itglue_url", "http://itglue.example", lambda api: api.itglue),
        ("itglue_url", "https://jo:pass@itglue.example", lambda api: api.itglue),
        ("bms_url", "eu", lambda api: api.bms),
        ("bms_url", "https://", lambda api: api.bms),
        ("bms_mfa_secret", "not base32!", lambda api: api.bms),
        ("azure_authority_host", "http://login.example", lambda api: api.graph(TENANT)),
        ("graph_url", "nonsense", lambda api: api.graph(TENANT)),
        ("ca_path", "/no/such/bundle.pem", lambda api: api.itglue),
        ("proxy", "socks9://jo:pass@proxy", lambda api: None),
        ("proxy", "http://", lambda api: None),
        ("proxy", "http://proxy:port", lambda api: None),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_by_name(option, value, use):
    message = refusal(GIVEN | {option: value}, use)

    assert option in message
    assert "pass" not in message


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_a_number_of_seconds(seconds):
    assert "timeout" in refusal(GIVEN | {"timeout": seconds}, lambda api: None)


@pytest.mark.parametrize("option", ["itglue_quota", "bms_quota"])
@pytest.mark.parametrize("requests", [0, -1])
def test_a_quota_allows_something(option, requests):
    assert option in refusal(GIVEN | {option: requests}, lambda api: None)


@pytest.mark.parametrize("region", ["US", " us "])
def test_a_region_is_known_in_any_case(region):
    assert Clients(params(GIVEN | {"itglue_url": region}), Task()).itglue.base_url == "https://api.itglue.com"


def test_a_bare_host_is_reached_with_tls():
    assert Clients(params(GIVEN | {"bms_url": "api.psa.example"}), Task()).bms.base_url == "https://api.psa.example"

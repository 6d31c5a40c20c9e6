# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of Graph: tokens by msal over our own session, pages, permissions, odd data."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import hashes

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph import (
    CLOUDS,
    GraphClient,
    GraphCredential,
    graph_endpoints,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Tenant, User
from tests.sandbox.identity import Identity

from .conftest import RESET, Request, reply

TENANT = "11111111-2222-3333-4444-555555555555"
GROUP = "99999999-2222-3333-4444-555555555555"
CLIENT = "00000000-aaaa-bbbb-cccc-000000000000"
SECRET = "s3cret~value"
TOKEN = f"POST /{TENANT}/oauth2/v2.0/token"
FULL = {
    "id": "u1",
    "userPrincipalName": "jane@frog.example",
    "mail": "jane.doe@frog.example",
    "proxyAddresses": ["SMTP:jane.doe@frog.example", "smtp: jd@frog.example", None],
    "givenName": "Jane",
    "surname": "Doe",
    "jobTitle": "Controller",
    "businessPhones": ["+1 555"],
    "mobilePhone": None,
    "officeLocation": "HQ",
    "streetAddress": "1 Main",
    "city": "SF",
    "state": "CA",
    "country": "US",
    "accountEnabled": False,
    "userType": "Member",
    "assignedLicenses": [{"skuId": "sku-1", "disabledPlans": []}, {"skuId": "sku-2"}],
    "usageLocation": "US",
}
JANE = User(
    "u1",
    "jane@frog.example",
    "jane.doe@frog.example",
    ("SMTP:jane.doe@frog.example", "smtp: jd@frog.example"),
    "Jane",
    "Doe",
    "Controller",
    ("+1 555",),
    None,
    "HQ",
    "1 Main",
    "SF",
    "CA",
    "US",
    False,
    "Member",
    ("sku-1", "sku-2"),
    "US",
)


class Entra:
    """Answers what Entra is asked, and hands the rest on."""

    def __init__(self, wire, url: str) -> None:
        self.wire = wire
        self.url = url
        self.given = 0
        self.lifetime: object = 3600
        self.dead: set[str] = set()
        self.token: object = None
        self.answer = lambda request: {"value": []}
        wire.answer = self._answer

    def _answer(self, request: Request) -> object:
        if request.path.endswith("/token"):
            self.given += 1
            fresh = {"token_type": "Bearer", "expires_in": self.lifetime, "access_token": f"token-{self.given}"}
            return self.token if self.token is not None else fresh
        if request.headers.get("authorization", "").removeprefix("Bearer ") in self.dead:
            return reply({"error": {"code": "InvalidAuthenticationToken", "message": "expired"}}, 401)
        return self.answer(request)

    @property
    def asked(self) -> list[str]:
        return [each for each in self.wire.asked if "/v1.0/" in each]

    @property
    def form(self) -> dict[str, str]:
        bodies = [each.body.decode() for each in self.wire.requests if each.path.endswith("/token")]
        return dict(parse_qsl(bodies[-1]))


@pytest.fixture
def entra(wire, tls) -> Entra:
    return Entra(wire, tls[0])


@pytest.fixture
def make(tls, access):
    url, bundle = tls

    def make(*, tenant_id=TENANT, credential=None, cloud="global", authority_host=url, graph_url=url, **options):
        return GraphClient(
            tenant_id=tenant_id,
            credential=credential or GraphCredential(CLIENT, SECRET),
            endpoints=graph_endpoints(cloud, authority_host, graph_url),
            access=access(**{"http": HttpSettings(ca_path=bundle, timeout=5.0), **options}),
        )

    return make


@pytest.fixture
def graph(make, entra) -> GraphClient:
    return make()


# ---------------------------------------------------------------------- tokens


def test_what_a_run_costs(graph, entra, wire, calls):
    """One request for the token, one for each page. Entra is not asked for its endpoints, which are documented."""
    entra.answer = lambda request: {"value": [FULL]}
    assert wire.requests == []
    assert list(graph.users()) == [JANE]
    assert list(graph.users()) == [JANE]
    assert wire.asked == [TOKEN, "GET /v1.0/users", "GET /v1.0/users"]
    assert calls.by_service()["graph"] == 3
    assert entra.form["client_id"] == CLIENT
    assert entra.form["client_secret"] == SECRET
    assert entra.form["scope"] == f"{entra.url}/.default"
    assert wire.last.headers["authorization"] == "Bearer token-1"
    assert {each.headers["user-agent"] for each in wire.requests} == {"msp.psa_sync"}


def test_threads_share_one_token(graph, entra):
    entra.answer = lambda request: {"value": [FULL]}
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda dummy: next(graph.users()), range(16))) == [JANE] * 16
    assert entra.given == 1


def test_an_expired_token_is_replaced_on_the_way(graph, entra, wire):
    entra.answer = lambda request: {"value": [FULL]}
    list(graph.users())
    entra.dead = {"token-1"}
    assert list(graph.users()) == [JANE]
    assert entra.given == 2
    entra.dead = {"token-2", "token-3"}
    with pytest.raises(AuthenticationError, match=f"adminconsent.client_id={CLIENT}"):
        list(graph.users())
    assert entra.given == 3


def test_failures_of_entra_are_tried_again(graph, entra, wire):
    steps = [reply(None, 503), RESET, reply(None, 429, Retry_After="1")]
    inner = wire.answer
    wire.answer = lambda request: steps.pop() if steps and request.path.endswith("/token") else inner(request)
    assert list(graph.users()) == []
    assert wire.asked.count(TOKEN) == 4


def test_entra_that_stays_down_is_unavailable(graph, entra):
    entra.token = reply(None, 503)
    with pytest.raises(UnavailableError):
        list(graph.users())


def refusal(code: int, words: str, status: int = 400) -> object:
    text = f"AADSTS{code}: {words} Trace ID: 1 Correlation ID: 2 Timestamp: 3"
    return reply({"error": "invalid_client", "error_description": text, "error_codes": [code]}, status)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (7000215, "Check azure_client_secret: it is the secret's value, not its id."),
        (7000222, "The secret has expired"),
        (700016, f"https://.*/{TENANT}/adminconsent.client_id={CLIENT}"),
        (65001, "adminconsent"),
        (12345, "adminconsent"),
        (90002, "Check tenant_id"),
        (700027, "Check azure_client_secret"),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_token_says_what_to_do_and_is_not_asked_for_again(graph, entra, wire, code, hint, status):
    entra.token = refusal(code, f"Because of {SECRET}.", status)
    for dummy in range(2):
        with pytest.raises(AuthenticationError, match=rf"AADSTS{code}: Because of \*\*\*\. .*{hint}") as caught:
            list(graph.users())
        assert SECRET not in str(caught.value)
        assert "Trace ID" not in str(caught.value)
        assert TENANT in str(caught.value)
    assert wire.asked == [TOKEN]


def test_a_tenant_that_does_not_exist(graph, entra):
    entra.token = refusal(90002, "Tenant not found.")
    with pytest.raises(AuthenticationError, match="AADSTS90002: Tenant not found. Check tenant_id"):
        list(graph.users())


@pytest.mark.parametrize("body", [{"error": "x"}, {}, [], {"error_codes": [[], None]}, b"<html>"])
def test_a_refusal_in_another_form(graph, entra, body):
    entra.token = reply(body, 400)
    with pytest.raises(ApiError):
        list(graph.users())


@pytest.mark.parametrize(
    "body", [{}, {"access_token": None}, {"access_token": 5}, {"access_token": "x", "expires_in": "soon"}, []]
)
def test_a_token_in_another_form(graph, entra, body):
    entra.token = body
    with pytest.raises(ApiError):
        list(graph.users())


def test_tokens_are_handed_on_and_not_shown(make, entra):
    secrets = []
    client = make(on_secret=secrets.append)
    entra.answer = lambda request: reply({"error": {"code": "X", "message": "bad token-1"}}, 400)
    with pytest.raises(ApiError) as caught:
        list(client.users())
    assert secrets == ["token-1"]
    assert caught.value.said == "X: bad ***"


# ----------------------------------------------------------------- credentials


@pytest.fixture(scope="module")
def identity():
    return Identity()


def segment(assertion: str, place: int) -> dict:
    encoded = assertion.split(".")[place]
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


@pytest.mark.parametrize("form", ["pem", "pfx"])
def test_a_certificate_proves_the_app(make, entra, identity, tmp_path, form):
    path = getattr(identity, form)(tmp_path / "app", "pass-phrase")
    credential = GraphCredential(CLIENT, certificate_path=path, certificate_password="pass-phrase")
    assert list(make(credential=credential).users()) == []
    assertion = entra.form["client_assertion"]
    assert segment(assertion, 1)["iss"] == CLIENT
    thumbprint = base64.urlsafe_b64encode(identity.certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    assert segment(assertion, 0)["x5t#S256"].rstrip("=") == thumbprint


def test_a_certificate_that_msal_does_not_take(make, entra, identity, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise KeyError("thumbprint")

    monkeypatch.setattr("msal.ConfidentialClientApplication", refuse)
    credential = GraphCredential(CLIENT, certificate_path=identity.pem(tmp_path / "app"))
    with pytest.raises(InputError, match="msal cannot use the certificate of azure_certificate_path.*1.35"):
        list(make(credential=credential).users())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (700027, "Check azure_certificate_path: its certificate must be registered"),
        (700024, "this machine's clock"),
    ],
)
def test_a_refused_certificate_names_its_option(make, entra, identity, tmp_path, code, words):
    entra.token = refusal(code, "Because.", 401)
    credential = GraphCredential(CLIENT, certificate_path=identity.pfx(tmp_path / "app"))
    with pytest.raises(AuthenticationError, match=words):
        list(make(credential=credential).users())


@pytest.mark.parametrize("code", [70021, 700211, 700212, 700213, 7002138, 5000224])
def test_a_refused_federated_token_names_its_option(make, entra, tmp_path, code):
    entra.token = refusal(code, "No matching record.", 401)
    (tmp_path / "token").write_text("a.b.c")
    credential = GraphCredential(CLIENT, federated_token_file=str(tmp_path / "token"))
    with pytest.raises(
        AuthenticationError, match="Check azure_federated_token_file: .* exactly the issuer, the subject"
    ):
        list(make(credential=credential).users())


def test_an_empty_federated_token_is_not_sent(make, entra, wire, tmp_path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(InputError, match="azure_federated_token_file names .*token, which is empty"):
        list(make(credential=GraphCredential(CLIENT, federated_token_file=str(tmp_path / "token"))).users())
    assert wire.asked == []


def test_an_untrusted_certificate_of_entra_names_ca_path(make, entra, calls):
    with pytest.raises(UnavailableError, match="its certificate is not trusted .* ca_path"):
        list(make(http=HttpSettings(timeout=5.0)).users())


@pytest.mark.parametrize(
    ("option", "field"),
    [("azure_certificate_path", "certificate_path"), ("azure_federated_token_file", "federated_token_file")],
)
def test_a_file_that_is_not_there(make, entra, option, field):
    with pytest.raises(InputError, match=f"{option} names /nowhere: no such file"):
        list(make(credential=GraphCredential(CLIENT, **{field: "/nowhere"})).users())


def test_a_federated_token_is_read_for_each_login(make, entra, tmp_path):
    path = tmp_path / "token"
    path.write_text(" first\n")
    client = make(credential=GraphCredential(CLIENT, federated_token_file=str(path)))
    list(client.users())
    assert entra.form["client_assertion"] == "first"
    path.write_text("second")
    entra.dead = {"token-1"}
    list(client.users())
    assert entra.form["client_assertion"] == "second"


def test_a_credential_does_not_show_its_secrets():
    credential = GraphCredential(CLIENT, SECRET, certificate_password="pass-phrase")
    assert SECRET not in repr(credential)
    assert "pass-phrase" not in repr(credential)


# ----------------------------------------------------------------------- users


def test_exactly_what_a_user_needs_is_selected(graph, entra, wire):
    list(graph.users())
    assert set(wire.last.query["$select"].split(",")) == set(FULL)
    assert wire.last.query["$top"] == "999"


def test_pages_are_followed_by_their_link(graph, entra, wire):
    rows = [{"id": f"u{number}", "userPrincipalName": f"u{number}"} for number in range(7)]

    def answer(request: Request) -> dict:
        start = int(request.query.get("$skiptoken", 0))
        body: dict = {"value": rows[start : start + 2]}
        if start == 2:
            body["value"] = []
        if start < 6:
            body["@odata.nextLink"] = f"{entra.url}/v1.0/users?$select=id&$skiptoken={start + 2}"
        return body

    entra.answer = answer
    rows.insert(3, rows[0])
    assert [user.id for user in graph.users()] == ["u0", "u1", "u3", "u4", "u5", "u6"]
    assert wire.last.target == "/v1.0/users?$select=id&$skiptoken=6"


EXPIRED = reply({"error": {"code": "Directory_ExpiredPageToken", "message": "The specified page token..."}}, 400)


def _expiring(entra, times: int):
    """Three pages of users; the link to the last one expires so often. The ids tell in which walk they were read."""
    walks: list[int] = []

    def answer(request: Request) -> object:
        page = int(request.query.get("p", 1))
        if page == 1:
            walks.append(len(walks) + 1)
        if page == 3:
            return EXPIRED if len(walks) <= times else {"value": [{"id": f"w{walks[-1]}p3"}]}
        users = [{"id": f"w{walks[-1]}p{page}"}]
        return {"value": users, "@odata.nextLink": f"{entra.url}/v1.0/users?p={page + 1}"}

    return answer


@pytest.mark.parametrize("times", [0, 1, 5])
def test_a_list_whose_page_token_expires_is_read_again_from_the_start(graph, entra, times):
    entra.answer = _expiring(entra, times)
    walk = times + 1
    assert [user.id for user in graph.users()] == [f"w{walk}p1", f"w{walk}p2", f"w{walk}p3"]


def test_a_list_whose_page_tokens_keep_expiring_is_incomplete(graph, entra):
    entra.answer = _expiring(entra, 6)
    with pytest.raises(UnavailableError, match="incomplete: its page tokens expired 6 times"):
        list(graph.users())
    assert len(entra.asked) == 18


def test_a_list_is_handed_out_once_it_is_complete(graph, entra):
    entra.answer = lambda request: (
        reply(None, 400)
        if "p" in request.query
        else {"value": [{"id": "u1"}], "@odata.nextLink": f"{entra.url}/v1.0/users?p=1"}
    )
    with pytest.raises(RejectedError):
        next(graph.users())


@pytest.mark.parametrize("link", ["https://evil.example/v1.0/users", "/v1.0/users?x=1", "users"])
def test_links_elsewhere_are_not_followed(graph, entra, link):
    """A server-relative link is one to our own host."""
    entra.answer = lambda request: {"value": [], **({"@odata.nextLink": link} if len(entra.asked) == 1 else {})}
    if link.startswith("/"):
        assert list(graph.users()) == []
    else:
        with pytest.raises(ProtocolError, match="points to another address"):
            list(graph.users())


def test_pages_in_a_circle(graph, entra):
    entra.answer = lambda request: {"value": [FULL], "@odata.nextLink": f"{entra.url}/v1.0/users?p=1"}
    with pytest.raises(ProtocolError, match="in a circle"):
        list(graph.users())
    assert len(entra.asked) == 2


def test_endless_pages_without_anything_new(graph, entra):
    entra.answer = lambda request: {"value": [FULL], "@odata.nextLink": f"{entra.url}/v1.0/users?p={len(entra.asked)}"}
    with pytest.raises(ProtocolError, match="in a circle"):
        list(graph.users())


def test_sparse_users(graph, entra):
    entra.answer = lambda request: {
        "value": [
            {"id": "u1"},
            {
                "id": "u2",
                "userPrincipalName": "x",
                **{key: None for key in FULL if key not in ("id", "userPrincipalName")},
            },
        ]
    }
    assert list(graph.users()) == [User("u1", "", account_enabled=None), User("u2", "x", account_enabled=None)]


def test_a_licence_without_an_id_costs_itself_alone(graph, entra):
    entra.answer = lambda request: {"value": [{**FULL, "assignedLicenses": [{"skuId": None}, {}, {"skuId": "s"}]}]}
    assert list(graph.users()) == [replace(JANE, sku_ids=("s",))]


@pytest.mark.parametrize("key", list(FULL))
@pytest.mark.parametrize("value", [7, {"a": []}, [[]], [{}], ["x", 5], "x", True, 1.5])
def test_odd_values_are_typed_or_refused(graph, entra, key, value):
    entra.answer = lambda request: {"value": [{**FULL, key: value}]}
    try:
        (user,) = graph.users()
    except ProtocolError as error:
        assert f"'{key}'" in str(error) or "'skuId'" in str(error)
        assert "GET /v1.0/users" in str(error)
    else:
        hash(user)


@pytest.mark.parametrize("body", [[], None, 5, {}, {"value": None}, {"value": {}}, {"value": [5]}, {"value": [{}]}])
def test_answers_of_another_shape(graph, entra, body):
    entra.answer = lambda request: reply(b"null" if body is None else body)
    with pytest.raises(ProtocolError):
        list(graph.users())


def test_deleted_users(graph, entra, wire):
    entra.answer = lambda request: {"value": [FULL]}
    assert list(graph.deleted_users()) == [JANE]
    assert wire.last.path == "/v1.0/directory/deletedItems/microsoft.graph.user"
    assert set(wire.last.query["$select"].split(",")) == set(FULL)


@pytest.mark.parametrize("ident", ["6F1C9F3E-0d57-4a5b-9f0a-2f4f5f2f7b11", "6f1c9f3e0d574a5b9f0a2f4f5f2f7b11"])
@pytest.mark.parametrize("username", ["jane@frog.example", ""])
def test_a_deleted_user_has_the_username_that_it_had(graph, entra, ident, username):
    row = {"id": "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11", "userPrincipalName": ident + username}
    entra.answer = lambda request: {"value": [row]}
    assert [user.username for user in graph.deleted_users()] == [username or ident]
    assert [user.username for user in graph.users()] == [ident + username]


@pytest.mark.parametrize("username", ["jane@frog.example", "0123456789abcdef0123456789abcdefjane@frog.example"])
def test_a_deleted_username_without_the_id_of_the_user_stays(graph, entra, username):
    row = {"id": "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11", "userPrincipalName": username}
    entra.answer = lambda request: {"value": [row]}
    assert [user.username for user in graph.deleted_users()] == [username]


# --------------------------------------------------- groups, domains, contracts


def test_members_of_a_group_by_id(graph, entra, wire):
    def answer(request: Request) -> dict:
        if "p" in request.query:
            return {"value": [{"id": "u2"}]}
        link = f"{entra.url}{request.path}?p=1"
        return {"value": [{"id": "u1"}], "@odata.nextLink": link}

    entra.answer = answer
    assert graph.group_members(GROUP.upper()) == {"u1", "u2"}
    pages = wire.requests[1:]
    assert {each.path for each in pages} == {f"/v1.0/groups/{GROUP.upper()}/transitiveMembers/microsoft.graph.user"}
    assert {each.headers["consistencylevel"] for each in pages} == {"eventual"}
    assert pages[0].query == {"$select": "id", "$top": "999", "$count": "true"}


def test_members_of_a_group_by_name(graph, entra, wire):
    entra.answer = lambda request: {"value": [{"id": "u1" if "transitive" in request.path else GROUP}]}
    assert graph.group_members(" O'Brien & Co ") == {"u1"}
    assert wire.requests[1].query == {"$filter": "displayName eq 'O''Brien & Co'", "$select": "id,displayName"}
    assert GROUP in wire.last.path


@pytest.mark.parametrize(
    ("found", "words"), [([], "has none"), ([GROUP, "b"], f"has several of that name.*{GROUP}, b")]
)
def test_a_name_without_or_with_several_groups(graph, entra, found, words):
    entra.answer = lambda request: {"value": [{"id": each} for each in found]}
    with pytest.raises(InputError, match=f"user_filter.groups names 'Staff', but the tenant {words}"):
        graph.group_members("Staff")


def test_an_unknown_group(graph, entra):
    entra.answer = lambda request: reply({"error": {"code": "Request_ResourceNotFound", "message": "no"}}, 404)
    with pytest.raises(InputError, match="user_filter.groups names"):
        graph.group_members(GROUP)


def test_the_id_of_a_group_cannot_lead_elsewhere(graph, entra, wire):
    entra.answer = lambda request: {"value": [] if "transitive" in request.path else [{"id": "../users?x"}]}
    graph.group_members("Staff")
    assert wire.last.path == "/v1.0/groups/..%2Fusers%3Fx/transitiveMembers/microsoft.graph.user"


def test_verified_domains(graph, entra, wire):
    entra.answer = lambda request: {
        "value": [
            {"id": TENANT, "verifiedDomains": [{"name": "Frog.example", "isDefault": True}, {"name": "b.example"}]}
        ]
    }
    assert graph.verified_domains() == ("frog.example", "b.example")
    assert wire.last.path == "/v1.0/organization"


def test_delegated_admin_relationships(graph, entra, wire):
    other = "22222222-2222-3333-4444-555555555555"
    rows = [
        {"id": "1", "status": "active", "customer": {"tenantId": TENANT, "displayName": "Frog"}},
        {"id": "2", "status": "terminated", "customer": {"tenantId": other, "displayName": "Gone"}},
        {"id": "3", "status": "active", "customer": {"tenantId": None, "displayName": "Nobody"}},
        {"id": "4", "status": "active", "customer": {"tenantId": other, "displayName": "Dog"}},
        {"id": "5", "status": "active", "customer": {"tenantId": TENANT, "displayName": "Frog again"}},
    ]
    entra.answer = lambda request: {"value": rows}
    assert list(graph.delegated_admin_relationships()) == [Tenant(TENANT, "Frog", None), Tenant(other, "Dog", None)]
    assert wire.last.query["$filter"] == "status eq 'active'"


def test_rows_that_name_nothing_cost_themselves_alone(graph, entra):
    entra.answer = lambda request: {"value": [{"id": "1", "customerId": None}, {"id": "2", "customerId": TENANT}]}
    assert list(graph.contracts()) == [Tenant(TENANT, None, None)]
    entra.answer = lambda request: {
        "value": [{"id": "1", "verifiedDomains": [{"name": None}, {"name": "Frog.example"}]}]
    }
    assert graph.verified_domains() == ("frog.example",)


def test_contracts(graph, entra, wire):
    row = {"id": "c", "customerId": TENANT, "displayName": "Frog", "defaultDomainName": None}
    entra.answer = lambda request: {"value": [row]}
    assert list(graph.contracts()) == [Tenant(TENANT, "Frog", None)]
    assert wire.last.path == "/v1.0/contracts"


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("read", "permission"),
    [
        (lambda graph: list(graph.users()), "User.Read.All"),
        (lambda graph: list(graph.deleted_users()), "User.Read.All"),
        (lambda graph: graph.group_members(GROUP), "GroupMember.Read.All"),
        (lambda graph: graph.group_members("Staff"), "Group.Read.All"),
        (lambda graph: graph.verified_domains(), "Organization.Read.All"),
        (lambda graph: list(graph.contracts()), "Directory.Read.All"),
    ],
)
def test_the_missing_permission_is_named(graph, entra, read, permission):
    inner = {"request-id": "r1", "date": "d"}
    error = {"code": "Authorization_RequestDenied", "message": "Insufficient privileges", "innererror": inner}
    entra.answer = lambda request: reply({"error": error}, 403)
    with pytest.raises(PermissionDeniedError, match=f"application permission {permission}, .*adminconsent") as caught:
        read(graph)
    assert caught.value.said == "Authorization_RequestDenied: Insufficient privileges (request-id r1)"


@pytest.mark.parametrize("status", [401, 403])
def test_an_app_that_the_tenant_does_not_know(graph, entra, status):
    error = {"code": "Authorization_IdentityNotFound", "message": "The identity of the calling application..."}
    entra.answer = lambda request: reply({"error": error}, status)
    with pytest.raises(AuthenticationError, match="adminconsent"):
        list(graph.users())


def test_throttling_with_a_fractional_wait(graph, entra, clock):
    answers = [reply({"error": {"code": "TooManyRequests"}}, 429, Retry_After="2.128"), {"value": [FULL]}]
    entra.answer = lambda request: answers.pop(0)
    assert list(graph.users()) == [JANE]
    assert 2.128 <= clock.slept[0] < 3


def test_throttling_without_end(graph, entra):
    entra.answer = lambda request: reply(None, 429)
    with pytest.raises(QuotaExceededError):
        list(graph.users())


# -------------------------------------------------------------------- settings


@pytest.mark.parametrize("tenant", ["", "common", "Organizations", "a/b", "a b", "..", "-", "a?b", "a#"])
def test_what_names_no_tenant(make, tenant):
    with pytest.raises(InputError, match="tenant_id"):
        make(tenant_id=tenant)


def test_clouds(make):
    """As Microsoft's page on national cloud deployments has them."""
    assert CLOUDS == {
        "global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        "usgov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        "dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        "china": ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
    }
    for cloud, (authority, dummy) in CLOUDS.items():
        client = make(cloud=cloud, authority_host=None, graph_url=None)
        assert client.consent_url == f"{authority}/{TENANT}/adminconsent?client_id={CLIENT}"


def test_the_version_is_not_part_of_the_address(make, tls, entra, wire):
    list(make(graph_url=f"{tls[0]}/v1.0/").users())
    assert wire.last.path == "/v1.0/users"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://x", "login"])
def test_an_authority_without_tls(make, url):
    with pytest.raises(InputError, match="azure_authority_host"):
        make(authority_host=url)

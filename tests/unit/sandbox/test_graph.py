# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.core import Service, WorldError
from tests.sandbox.graph import Graph
from tests.sandbox.local import ORIGIN, Local

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
SKU = "aaaaaaaa-2222-4333-8444-555555555555"
CLIENT = "cccccccc-2222-4333-8444-555555555555"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def identity(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def group(number):
    return f"eeeeeeee-0000-4000-8000-{number:012d}"


USERS = [
    {
        "id": identity(1),
        "userPrincipalName": "Ann@x.example",
        "mail": "ann@x.example",
        "givenName": "Ann",
        "displayName": "Ann",
        "proxyAddresses": ["SMTP:ann@x.example", "smtp:a@x.example"],
        "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
    },
    {"id": identity(2), "userPrincipalName": "bob@x.example", "givenName": "Bob", "accountEnabled": False},
    {"id": identity(3), "userPrincipalName": "o'neil@x.example", "givenName": "Cy", "userType": "Guest"},
]


def world(*, users=None, behaviour=None, **entra):
    tenant = {
        "tenant_id": TENANT,
        "display_name": "Example",
        "verified_domains": ["x.example", "x.onmicrosoft.com"],
        "users": USERS if users is None else users,
        "deleted_users": [{"id": identity(9), "userPrincipalName": identity(9).replace("-", "") + "zed@x.example"}],
        "skus": [{"skuId": SKU, "skuPartNumber": "O365"}],
        "groups": [
            {"id": group(1), "displayName": "Staff", "members": [identity(1), group(2), identity(77)]},
            {"id": group(2), "displayName": "Nested", "members": [identity(2), identity(1), group(1)]},
        ],
    }
    entra = {"client_id": CLIENT, "client_secret": "s3cret", **entra}
    tenants = entra.pop("tenants", [tenant, {"tenant_id": OTHER, "display_name": "Other"}])
    return {"entra": {**entra, "tenants": tenants}, "behaviour": behaviour or {}}


class Control(Service):
    """Nothing but the port that carries the control routes."""

    name = section = "itglue"

    def routes(self):
        return []


def local(**options):
    return Local(world(**options), services=(Graph, Control))


def form(**changes):
    fields = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": "s3cret",
        "scope": f"{ORIGIN}/.default",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def ask_token(sandbox, tenant=TENANT, **changes):
    return sandbox.post("graph", f"/{tenant}/oauth2/v2.0/token", data=form(**changes))


def bearer(sandbox, tenant=TENANT, **headers):
    return {"Authorization": f"Bearer {ask_token(sandbox, tenant).json()['access_token']}", **headers}


def get(sandbox, path, *, tenant=TENANT, eventual=False, **params):
    headers = bearer(sandbox, tenant, **({"ConsistencyLevel": "eventual"} if eventual else {}))
    options = {"$" + name: value for name, value in params.items()}
    return sandbox.get("graph", f"/v1.0{path}", headers=headers, params=options)


def values(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def names(answer):
    return [user["givenName"] for user in values(answer)]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


# --- Entra ------------------------------


@pytest.mark.parametrize("name", [TENANT, TENANT.upper(), "x.example"])
def test_the_configuration_points_back_to_this_server_and_to_the_tenants_id(name):
    answer = local().get("graph", f"/{name}/v2.0/.well-known/openid-configuration").json()

    assert answer["token_endpoint"] == f"{ORIGIN}/{TENANT}/oauth2/v2.0/token"
    assert answer["issuer"] == f"{ORIGIN}/{TENANT}/v2.0"


def test_a_token_is_given_for_the_secret():
    answer = ask_token(local(behaviour={"token_lifetime": 77}))

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 77


@pytest.mark.parametrize(
    ("tenant", "changes", "status", "error", "number"),
    [
        (TENANT, {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        (TENANT, {"client_secret": None}, 401, "invalid_client", 7000216),
        (TENANT, {"client_id": SKU}, 400, "unauthorized_client", 700016),
        (TENANT, {"client_id": None}, 400, "invalid_request", 900144),
        (TENANT, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        (TENANT, {"grant_type": None}, 400, "invalid_request", 900144),
        (TENANT, {"scope": f"{ORIGIN}/User.Read"}, 400, "invalid_scope", 1002012),
        (TENANT, {"scope": "https://graph.microsoft.us/.default"}, 400, "invalid_resource", 500011),
        (SKU, {}, 400, "invalid_request", 90002),
        ("y.example", {}, 400, "invalid_request", 90002),
        ("nonsense", {}, 400, "invalid_request", 900023),
    ],
)
def test_refusals_carry_the_codes_of_entra(tenant, changes, status, error, number):
    answer = ask_token(local(), tenant, **changes)
    body = answer.json()

    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "s3cret" not in answer.text


def test_an_unknown_tenant_has_no_configuration():
    answer = local().get("graph", f"/{SKU}/v2.0/.well-known/openid-configuration")

    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_an_expired_secret():
    assert ask_token(local(client_secret_expired=True)).json()["error_codes"] == [7000222]


def test_a_tenant_without_consent_does_not_know_the_application():
    sandbox = local(tenants=[{"tenant_id": TENANT, "display_name": "Shy", "consent": False}])

    assert ask_token(sandbox).json()["error_codes"] == [700016]


@pytest.mark.parametrize(
    ("authority", "own", "others"),
    [
        ("login.microsoftonline.com", ["graph.microsoft.com"], ["graph.microsoft.us"]),
        (
            "login.microsoftonline.us",
            ["graph.microsoft.us", "dod-graph.microsoft.us"],
            ["graph.microsoft.com", "microsoftgraph.chinacloudapi.cn"],
        ),
        ("login.chinacloudapi.cn", ["microsoftgraph.chinacloudapi.cn"], ["graph.microsoft.com"]),
    ],
)
def test_each_cloud_gives_tokens_for_its_own_graph_only(authority, own, others):
    sandbox = local()
    token, users = f"https://{authority}/{TENANT}/oauth2/v2.0/token", "https://{}/v1.0/users"
    for graph in own:
        answer = sandbox.post("graph", token, data=form(scope=f"https://{graph}/.default"))
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert sandbox.get("graph", users.format(graph), headers=headers).status_code == 200
        for other in others:
            assert sandbox.get("graph", users.format(other), headers=headers).status_code == 401
    for other in others:
        refused = sandbox.post("graph", token, data=form(scope=f"https://{other}/.default"))
        assert refused.json()["error_codes"] == [500011]


def test_faults_of_the_token_endpoint_look_like_entras():
    sandbox = local()
    sandbox.post("itglue", "/_sandbox/faults", json=[{"kind": "status", "status": 503, "path": "*/token"}])
    answer = ask_token(sandbox)

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"


# --- tokens and permissions ---


def test_a_token_is_good_for_its_tenant_only():
    sandbox = local()

    assert len(values(get(sandbox, "/users"))) == 3
    assert values(get(sandbox, "/users", tenant=OTHER)) == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer made.up"}, {"Authorization": "Basic YTpi"}])
def test_without_a_good_token_there_is_nothing(headers):
    answer = local().get("graph", "/v1.0/users", headers=headers)

    assert code(answer) == (401, "InvalidAuthenticationToken")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_lives_as_long_as_the_world_says():
    sandbox = local(behaviour={"token_lifetime": 60})
    headers = bearer(sandbox)

    assert sandbox.get("graph", "/v1.0/users", headers=headers).status_code == 200
    sandbox.sandbox.advance(60)
    assert code(sandbox.get("graph", "/v1.0/users", headers=headers)) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("denied", "path"),
    [
        ("users", "/users"),
        ("users", f"/users/{identity(1)}"),
        ("users", "/users/$count"),
        ("deletedItems", "/directory/deletedItems/microsoft.graph.user"),
        ("organization", "/organization"),
        ("subscribedSkus", "/subscribedSkus"),
        ("groups", "/groups"),
        ("groups", f"/groups/{group(1)}/transitiveMembers"),
        ("groupMembers", f"/groups/{group(1)}/transitiveMembers"),
        ("contracts", "/contracts"),
        ("delegatedAdminRelationships", "/tenantRelationships/delegatedAdminRelationships"),
    ],
)
def test_a_permission_can_be_missing_in_one_tenant(denied, path):
    refusing = [{"tenant_id": TENANT, "denied": [denied]}, {"tenant_id": OTHER, "groups": [{"id": group(1)}]}]
    refusing[1]["users"] = [{"id": identity(1)}]
    sandbox = local(tenants=refusing)

    assert code(get(sandbox, path)) == (403, "Authorization_RequestDenied")
    assert get(sandbox, path, tenant=OTHER, eventual=True).status_code == 200


# --- users ------------------------------


def test_unasked_only_the_default_properties_come():
    first = values(get(local(), "/users"))[0]

    assert set(first) == {
        "businessPhones",
        "displayName",
        "givenName",
        "id",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
    }
    assert (first["businessPhones"], first["surname"]) == ([], None)


def test_what_is_selected_comes_and_nothing_else():
    rows = values(get(local(), "/users", select="id,accountEnabled,usertype,proxyAddresses"))

    assert rows == [
        {"id": identity(1), "accountEnabled": True, "userType": "Member", "proxyAddresses": USERS[0]["proxyAddresses"]},
        {"id": identity(2), "accountEnabled": False, "userType": "Member", "proxyAddresses": []},
        {"id": identity(3), "accountEnabled": True, "userType": "Guest", "proxyAddresses": []},
    ]


def test_odd_values_are_returned_as_they_are():
    odd = {"id": None, "userPrincipalName": 5, "businessPhones": None, "givenName": "\u00e9"}

    assert values(get(local(users=[odd]), "/users", select="id,userPrincipalName,businessPhones,givenName")) == [odd]


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"select": "id,shoeSize"}, 400, "BadRequest"),
        ({"select": "id,mailboxSettings"}, 501, "NotImplemented"),
        ({"select": "skills"}, 501, "NotImplemented"),
        ({"top": "0"}, 400, "Request_BadRequest"),
        ({"top": "1000"}, 400, "Request_BadRequest"),
        ({"top": "many"}, 400, "BadRequest"),
        ({"skip": "5"}, 400, "Request_BadRequest"),
        ({"search": '"displayName:a"'}, 400, "Request_UnsupportedQuery"),
        ({"orderby": "displayName"}, 400, "Request_UnsupportedQuery"),
        ({"expand": "manager"}, 400, "Request_UnsupportedQuery"),
        ({"nonsense": "1"}, 400, "BadRequest"),
        ({"count": "perhaps"}, 400, "BadRequest"),
        ({"skiptoken": "bm9uc2Vuc2U"}, 400, "Directory_ExpiredPageToken"),
        ({"filter": "shoeSize eq 5"}, 400, "BadRequest"),
        ({"filter": "givenName gt 'a'"}, 400, "Request_UnsupportedQuery"),
        ({"filter": "givenName eq 'Ann' or givenName eq 'Bob'"}, 400, "Request_UnsupportedQuery"),
        ({"filter": "givenName ne 'Ann'"}, 400, "Request_UnsupportedQuery"),
    ],
)
def test_queries_that_graph_refuses(params, status, error):
    answer = get(local(), "/users", **params)

    assert code(answer) == (status, error)
    inner = answer.json()["error"]["innerError"]
    assert inner["request-id"] == answer.headers["request-id"]


def test_the_error_of_a_page_size_is_graphs_own():
    message = get(local(), "/users", top="1000").json()["error"]["message"]

    assert message == "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."


MANY = [{"id": identity(number), "givenName": str(number)} for number in range(250)]


def walk(sandbox, **params):
    """The sizes of the pages, the rows, and the links between them."""
    headers = bearer(sandbox)
    answer = get(sandbox, "/users", **params).json()
    sizes, rows, links = [len(answer["value"])], answer["value"], []
    while "@odata.nextLink" in answer:
        links.append(answer["@odata.nextLink"])
        answer = sandbox.get("graph", links[-1], headers=headers).json()
        sizes.append(len(answer["value"]))
        rows += answer["value"]
    return sizes, rows, links


@pytest.mark.parametrize(
    ("params", "behaviour", "sizes"),
    [
        ({}, {}, [100, 100, 50]),
        ({"top": "125"}, {}, [125, 125]),
        ({"top": "999"}, {}, [250]),
        ({"top": "999"}, {"graph_page_limit": 90}, [90, 90, 70]),
        ({"top": "200"}, {"graph_empty_pages": True}, [0, 200, 50]),
    ],
)
def test_pages(params, behaviour, sizes):
    found, rows, links = walk(local(users=MANY, behaviour=behaviour), select="id", **params)

    assert found == sizes
    assert [row["id"] for row in rows] == [user["id"] for user in MANY]
    for link in links:
        query = parse_qs(urlsplit(link).query)
        assert query.pop("$skiptoken")
        assert query == {"$" + name: [value] for name, value in {"select": "id", **params}.items()}
        assert link.startswith(f"{ORIGIN}/v1.0/users?")


def test_a_skiptoken_taken_out_of_its_link_is_good_for_nothing():
    sandbox = local(users=MANY)
    link = get(sandbox, "/users", top="10", select="id").json()["@odata.nextLink"]
    token = parse_qs(urlsplit(link).query)["$skiptoken"][0]

    assert code(get(sandbox, "/users", skiptoken=token)) == (400, "Directory_ExpiredPageToken")


def test_the_count_is_on_the_first_page_and_for_eventual_reads_only():
    sandbox = local(users=MANY)
    headers = bearer(sandbox, ConsistencyLevel="eventual")
    first = get(sandbox, "/users", eventual=True, count="true").json()

    assert first["@odata.count"] == 250
    assert "@odata.count" not in sandbox.get("graph", first["@odata.nextLink"], headers=headers).json()
    assert "@odata.count" not in get(sandbox, "/users", count="true").json()


def test_the_bare_count_wants_the_header():
    assert get(local(), "/users/$count", eventual=True).text == "3"
    assert get(local(), "/users/$count", eventual=True, filter="accountEnabled eq false").text == "1"
    assert code(get(local(), "/users/$count")) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accountEnabled eq false", ["Bob"]),
        ("accountEnabled eq true and userType eq 'Member'", ["Ann"]),
        ("userPrincipalName eq 'ANN@X.EXAMPLE'", ["Ann"]),
        ("userPrincipalName eq 'o''neil@x.example'", ["Cy"]),
        ("startswith(userPrincipalName,'b')", ["Bob"]),
        ("mail eq null", ["Bob", "Cy"]),
        ("givenName in ('Ann', 'Cy', 'a and b')", ["Ann", "Cy"]),
        ("displayName eq 'a and b'", []),
        ("assignedLicenses/any(x:x/skuId eq " + SKU + ")", ["Ann"]),
        ("proxyAddresses/any(p:p eq 'smtp:a@x.example')", ["Ann"]),
    ],
)
def test_the_filters_that_it_knows(text, expected):
    assert names(get(local(), "/users", filter=text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("givenName ne 'Ann'", ["Bob", "Cy"]), ("assignedLicenses/$count ne 0", ["Ann"])],
)
def test_advanced_filters_want_the_header_and_the_count(text, expected):
    sandbox = local()

    assert names(get(sandbox, "/users", filter=text, count="true", eventual=True)) == expected
    assert code(get(sandbox, "/users", filter=text, count="true")) == (400, "Request_UnsupportedQuery")
    assert code(get(sandbox, "/users", filter=text, eventual=True)) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize("name", [identity(1), "ann@X.example"])
def test_one_user_is_found_by_id_and_by_username(name):
    assert get(local(), f"/users/{name}", select="id,mailboxSettings").json()["id"] == identity(1)


def test_nobody_is_not_found():
    assert code(get(local(), "/users/nobody@x.example")) == (404, "Request_ResourceNotFound")
    assert code(get(local(), "/nothing")) == (404, "Request_ResourceNotFound")


def test_deleted_users_are_elsewhere():
    rows = values(get(local(), "/directory/deletedItems/microsoft.graph.user", select="id,deletedDateTime"))

    assert rows == [{"id": identity(9), "deletedDateTime": None}]


# --- groups, organization, licences, tenants ---


def test_groups_are_found_by_name_whatever_its_case():
    found = values(get(local(), "/groups", filter="displayName eq 'STAFF'", select="id,displayName"))

    assert found == [{"id": group(1), "displayName": "Staff"}]


def test_one_group():
    sandbox = local()

    assert get(sandbox, f"/groups/{group(2)}").json()["displayName"] == "Nested"
    assert code(get(sandbox, f"/groups/{group(3)}")) == (404, "Request_ResourceNotFound")
    assert code(get(sandbox, "/groups/Staff")) == (400, "Request_BadRequest")


def test_nested_members_once_each_and_strangers_passed_over():
    rows = values(get(local(), f"/groups/{group(1)}/transitiveMembers"))

    assert [(row["@odata.type"], row["id"]) for row in rows] == [
        ("#microsoft.graph.user", identity(1)),
        ("#microsoft.graph.group", group(2)),
        ("#microsoft.graph.user", identity(2)),
    ]


def test_direct_members_are_not_flattened():
    rows = values(get(local(), f"/groups/{group(1)}/members", select="id"))

    assert [row["id"] for row in rows] == [identity(1), group(2)]
    assert [row["id"] for row in values(get(local(), f"/groups/{group(1)}/members/microsoft.graph.user"))] == [
        identity(1)
    ]


@pytest.mark.parametrize("cast", ["microsoft.graph.user", "graph.user"])
def test_the_cast_to_users_is_an_advanced_query(cast):
    sandbox, path = local(), f"/groups/{group(1)}/transitiveMembers/{cast}"
    answer = get(sandbox, path, eventual=True, count="true", select="id", top="1")

    assert answer.json()["@odata.count"] == 2
    assert values(answer) == [{"id": identity(1)}]
    assert "$count=true" in answer.json()["@odata.nextLink"]
    assert code(get(sandbox, path, eventual=True)) == (400, "Request_UnsupportedQuery")
    assert code(get(sandbox, path, count="true")) == (400, "Request_UnsupportedQuery")


def test_the_next_link_of_a_cast_wants_the_header_again():
    sandbox, path = local(), f"/groups/{group(1)}/transitiveMembers/microsoft.graph.user"
    link = get(sandbox, path, eventual=True, count="true", top="1").json()["@odata.nextLink"]

    assert code(sandbox.get("graph", link, headers=bearer(sandbox))) == (400, "Request_UnsupportedQuery")
    assert len(values(sandbox.get("graph", link, headers=bearer(sandbox, ConsistencyLevel="eventual")))) == 1


def test_the_organization_has_its_verified_domains():
    (organization,) = values(get(local(), "/organization"))

    assert (organization["id"], organization["displayName"]) == (TENANT, "Example")
    assert [(one["name"], one["isDefault"], one["isInitial"]) for one in organization["verifiedDomains"]] == [
        ("x.example", True, False),
        ("x.onmicrosoft.com", False, True),
    ]


def test_licences_have_the_number_of_used_ones():
    (sku,) = values(get(local(), "/subscribedSkus", select="skuId,skuPartNumber,consumedUnits"))

    assert sku == {"skuId": SKU, "skuPartNumber": "O365", "consumedUnits": 1}


CONTRACTS = {
    "contracts": [
        {"customerId": OTHER, "displayName": "Other", "defaultDomainName": "o.example"},
        {"customerId": SKU, "displayName": "Third", "defaultDomainName": "t.example"},
    ],
    "delegated_admin_relationships": [{"displayName": "d", "status": "active", "customer": {"tenantId": OTHER}}],
}


def test_contracts_and_relationships():
    sandbox = local(**CONTRACTS)

    assert [one["customerId"] for one in values(get(sandbox, "/contracts"))] == [OTHER, SKU]
    assert len(values(get(sandbox, "/contracts", filter=f"customerId eq {SKU}"))) == 1
    relationships = get(
        sandbox,
        "/tenantRelationships/delegatedAdminRelationships",
        filter="status eq 'active'",
        select="customer,status",
    )
    assert values(relationships) == [{"customer": {"tenantId": OTHER}, "status": "active"}]


def test_only_the_partner_sees_contracts_where_there_is_one():
    tenants = [{"tenant_id": TENANT, "partner": True}, {"tenant_id": OTHER}]
    sandbox = local(tenants=tenants, **CONTRACTS)

    assert len(values(get(sandbox, "/contracts"))) == 2
    assert values(get(sandbox, "/contracts", tenant=OTHER)) == []


# --- around ------------------------------


def test_every_answer_carries_a_request_id_and_the_clients_own():
    sandbox = local()
    answer = sandbox.get("graph", "/v1.0/users", headers=bearer(sandbox, **{"client-request-id": "mine"}))

    assert answer.headers["request-id"]
    assert answer.headers["client-request-id"] == "mine"


def test_throttling_can_have_a_fraction_of_a_second():
    sandbox = local()
    fault = {"kind": "status", "status": 429, "headers": {"Retry-After": "2.128"}, "path": "/v1.0/users"}
    sandbox.post("itglue", "/_sandbox/faults", json=[fault])
    answer = get(sandbox, "/users")

    assert code(answer) == (429, "TooManyRequests")
    assert answer.headers["retry-after"] == "2.128"


def test_writing_is_not_played():
    sandbox = local()

    assert code(sandbox.post("graph", "/v1.0/users", headers=bearer(sandbox), json={})) == (405, "Request_BadRequest")


@pytest.mark.parametrize(
    ("entra", "named"),
    [
        ({"tenants": [{"display_name": "No id"}]}, "entra.tenants[0].tenant_id"),
        ({"tenants": [{"tenant_id": TENANT, "domains": []}]}, "entra.tenants[0].domains"),
        ({"tenants": [{"tenant_id": TENANT, "denied": ["mail"]}]}, "entra.tenants[0].denied"),
        ({"certificates": ["no PEM"]}, "entra.certificates"),
        ({"federated_credentials": [{"issuer": "i", "subject": "s"}]}, "entra.federated_credentials"),
        ({"client_secret": 5}, "entra.client_secret"),
    ],
)
def test_a_world_that_makes_no_sense(entra, named):
    with pytest.raises(WorldError) as error:
        local(**entra)

    assert named in str(error.value)


def test_a_form_that_cannot_be_read_gets_no_token():
    headers = {"Content-Type": "multipart/form-data"}
    answer = local().post("graph", f"/{TENANT}/oauth2/v2.0/token", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

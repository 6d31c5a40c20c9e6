# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.datastructures import Headers

from tests.sandbox.contracts import Contract, ContractError, Contracts, Exchange


def parameter(name, kind="string", **more):
    return {"name": name, "in": "query", "schema": {"type": kind}, **more}


def body(schema, media="application/json"):
    return {"content": {media: {"schema": schema}}}


REF = {"$ref": "#/components/schemas/Thing"}
THING = {
    "type": "object",
    "required": ["Id"],
    "properties": {
        "Id": {"type": "integer"},
        "FirstName": {"type": "string", "nullable": True},
        "Colour": {"type": "string", "enum": ["red", "blue"], "nullable": True},
        "Parent": {"allOf": [REF], "nullable": True},
        "Seen": {"type": "string", "format": "date-time"},
    },
    "additionalProperties": False,
}
BMS = {
    "openapi": "3.0.1",
    "paths": {
        "/v2/things": {
            "get": {
                "parameters": [
                    parameter("Filter.Name", required=True),
                    parameter("PageSize", "integer"),
                    parameter("Filter.IsActive", "boolean"),
                ],
                "responses": {"200": body({"type": "array", "items": REF})},
            },
            "post": {"requestBody": {**body(REF), "required": True}, "responses": {"200": body(REF)}},
        },
        "/v2/things/{id}": {"delete": {"responses": {"200": {"description": "OK"}}}},
        "/v2/login": {
            "post": {
                "requestBody": body(
                    {"type": "object", "required": ["GrantType"], "properties": {"GrantType": {"type": "string"}}},
                    "multipart/form-data",
                ),
                "responses": {},
            }
        },
    },
    "components": {"schemas": {"Thing": THING}},
}
GRAPH = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://graph.example/v1.0"}],
    "paths": {
        "/users": {
            "get": {
                "parameters": [{"$ref": "#/components/parameters/top"}, parameter("$select", "array")],
                "responses": {
                    "2XX": {"$ref": "#/components/responses/users"},
                    "default": body({"type": "object", "required": ["error"]}),
                },
            }
        },
        "/users/$count": {"get": {"responses": {"2XX": body({"type": "integer"}, "text/plain")}}},
        "/groups/{group-id}/transitiveMembers/graph.user": {"get": {"responses": {}}},
    },
    "components": {
        "parameters": {"top": parameter("$top", "integer")},
        "responses": {"users": body({"type": "object", "required": ["value"]})},
        "schemas": {},
    },
}


def found(service, method, target, *, sent=None, status=200, answer=None, kind="application/json"):
    """The report on one exchange."""
    contracts = Contracts({"bms": Contract(BMS, fold=True), "graph": Contract(GRAPH, cast_prefix="microsoft.")})
    path, dummy, query = target.partition("?")
    exchange = Exchange(
        service=service,
        method=method,
        path=path,
        query=query.encode(),
        request_headers=Headers({"content-type": kind}),
        request_body=sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).encode(),
        status=status,
        answer_headers=Headers({"content-type": "application/json"}),
        answer_body=b"" if answer is None else json.dumps(answer).encode(),
    )
    asyncio.run(contracts.check(exchange))
    return contracts.report()


def mismatches(*arguments, **options):
    return [one["what"] for one in found(*arguments, **options)["mismatches"]]


def test_what_fits_is_counted_and_no_more():
    assert found("bms", "GET", "/v2/things?Filter.Name=a", answer=[{"id": 1}]) == {
        "checked": 1,
        "mismatches": [],
        "uncovered": [],
    }


def test_an_unknown_path_is_uncovered_and_no_mismatch():
    assert found("bms", "GET", "/v2/nothing") == {
        "checked": 0,
        "mismatches": [],
        "uncovered": [{"service": "bms", "method": "GET", "path": "/v2/nothing", "count": 1}],
    }


def test_a_service_without_a_contract_is_not_looked_at():
    assert found("itglue", "GET", "/contacts") == {"checked": 0, "mismatches": [], "uncovered": []}


def test_a_method_that_the_path_lacks():
    assert found("bms", "PUT", "/v2/things/7")["mismatches"] == [
        {"service": "bms", "method": "PUT", "path": "/v2/things/7", "what": "the contract has no PUT here"}
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter.name=a&pageSize=5&Filter.isActive=true", []),
        ("Filter.Name=a&Filter.Nmae=b", ["query: the contract has no parameter Filter.Nmae"]),
        ("Filter.Name=a&PageSize=ten", ["query: PageSize must be of type integer, not 'ten'"]),
        ("Filter.Name=a&Filter.IsActive=yes", ["query: Filter.IsActive must be of type boolean, not 'yes'"]),
        ("PageSize=5", ["query: Filter.Name is missing"]),
    ],
)
def test_query_parameters(query, found):
    assert mismatches("bms", "GET", f"/v2/things?{query}") == found


@pytest.mark.parametrize(
    "sent",
    [
        {"Id": 1},
        {"id": 1, "firstName": None},
        {"id": 1, "Colour": None},
        {"id": 1, "parent": {"Id": 2, "parent": None}},
        {"id": 1, "seen": "2026-01-02T03:04:05Z"},
    ],
)
def test_bodies_that_fit_in_either_spelling(sent):
    assert mismatches("bms", "POST", "/v2/things", sent=sent, answer=sent) == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"id": "1"},
        {"id": None},
        {"id": 1, "firstname": "a"},
        {"id": 1, "colour": "green"},
        {"id": 1, "parent": {"id": "2"}},
        {"id": 1, "seen": "yesterday"},
        [{"id": 1}],
    ],
)
def test_bodies_that_do_not_fit_are_reported_on_both_sides(sent):
    found = mismatches("bms", "POST", "/v2/things", sent=sent, answer=sent)

    assert [one.partition(":")[0] for one in found] == ["request", "answer 200"]


def test_a_body_where_none_belongs_or_none_where_one_belongs():
    assert mismatches("bms", "POST", "/v2/things") == ["request: the body is missing"]
    assert mismatches("bms", "DELETE", "/v2/things/7", sent={}) == ["request: the contract has no body here"]
    assert mismatches("bms", "POST", "/v2/things", sent=b"{", kind="application/json") == ["request: no JSON"]
    assert mismatches("bms", "POST", "/v2/things", sent=b"x", kind="text/csv") == [
        "request: the contract has no text/csv here"
    ]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("application/x-www-form-urlencoded", b"grantType=password"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="GrantType"\r\n\r\npassword\r\n--b--\r\n',
        ),
    ],
)
def test_a_form_is_checked_whatever_its_encoding(kind, sent):
    assert mismatches("bms", "POST", "/v2/login", sent=sent, kind=kind) == []


def test_a_form_that_lacks_a_field_or_is_none():
    missing = mismatches("bms", "POST", "/v2/login", sent=b"user=a", kind="application/x-www-form-urlencoded")
    broken = mismatches("bms", "POST", "/v2/login", sent=b"user=a", kind="multipart/form-data")

    assert len(missing) == 1 and "grantType" in missing[0]
    assert broken == ["request: multipart/form-data is no form of the contract"]


def test_a_status_that_is_not_declared_is_not_checked():
    assert mismatches("bms", "POST", "/v2/things", sent={"id": 1}, status=500, answer={"what": "ever"}) == []


def test_graph_is_found_below_its_base_with_classes_and_defaults_of_status():
    assert mismatches("graph", "GET", "/v1.0/users?$top=5&$select=id", answer={"value": []}) == []
    assert len(mismatches("graph", "GET", "/v1.0/users", answer={"values": []})) == 1
    assert mismatches("graph", "GET", "/v1.0/users", status=404, answer={"error": {}}) == []
    assert len(mismatches("graph", "GET", "/v1.0/users", status=404, answer={"oops": {}})) == 1
    assert mismatches("graph", "GET", "/v1.0/users/$count", answer=12) == []
    assert len(mismatches("graph", "GET", "/v1.0/users/$count", answer="12")) == 1
    assert found("graph", "GET", "/users")["uncovered"] != []


def test_graphs_casts_and_next_links_fit():
    assert found("graph", "GET", "/v1.0/groups/g/transitiveMembers/microsoft.graph.user")["checked"] == 1
    assert mismatches("graph", "GET", "/v1.0/users?$top=5&$skiptoken=abc", answer={"value": []}) == []


def test_graphs_parameters_keep_their_case():
    assert mismatches("graph", "GET", "/v1.0/users?$Top=5", answer={"value": []}) == [
        "query: the contract has no parameter $Top"
    ]


def test_contracts_are_read_from_a_directory(tmp_path):
    (tmp_path / "bms_openapi_subset.json").write_text(json.dumps(BMS))
    (tmp_path / "graph_openapi_subset.yaml").write_text(json.dumps(GRAPH))

    assert Contracts.load(tmp_path).report() == {"checked": 0, "mismatches": [], "uncovered": []}


@pytest.mark.parametrize("text", ["{", "{}", "[1]"])
def test_a_description_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "bms_openapi_subset.json").write_text(json.dumps(BMS))
    (tmp_path / "graph_openapi_subset.yaml").write_text(text)

    with pytest.raises(ContractError, match="graph_openapi_subset.yaml"):
        Contracts.load(tmp_path)

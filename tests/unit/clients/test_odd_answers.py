# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any JSON in: a value of the declared types out, or one of our errors. Never anything else."""

from __future__ import annotations

import copy
import json
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import NoneType, SimpleNamespace, UnionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms import BmsClient, EntryChange
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms_login import BmsCredential
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph import GraphClient, GraphCredential
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue import ItGlueClient
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import RetryPolicy
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Access, Calls
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings, WireAnswer
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import SyncError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    AssetField,
    AssetType,
    BmsContact,
    BmsEmail,
    BmsPhone,
)

TENANT = "11111111-2222-3333-4444-555555555555"
GROUP = "99999999-2222-3333-4444-555555555555"

CONTACT = {
    "id": "72",
    "type": "contacts",
    "attributes": {
        "organization-id": 2,
        "psa-integration": "enabled",
        "first-name": "A",
        "last-name": None,
        "title": "t",
        "location-id": 5,
        "location-name": "HQ",
        "contact-type-id": 24,
        "contact-emails": [{"value": "a@b", "primary": True, "label-name": "Work"}],
        "contact-phones": [{"value": "1", "extension": None, "primary": True, "label-name": "W", "label-type": "fax"}],
    },
    "relationships": {"adapters-resources": {"data": [{"id": "9", "type": "adapters-resources"}]}},
}
ADAPTER = {
    "id": "9",
    "type": "adapters-resources",
    "attributes": {"adapter-type-name": "BMS", "remote-id": "1", "sync": True, "orphaned": False},
}
META = {"current-page": 1, "next-page": None, "prev-page": None, "total-pages": 1, "total-count": 1, "filters": {}}
ORGANIZATION = {"id": "2", "attributes": {"name": "Frog", "primary": True}, "relationships": CONTACT["relationships"]}
LOCATION = {"id": "5", "attributes": {"organization-id": 2, "name": "HQ", "primary": True, "city": "SF"}}
FIELD = {
    "id": 1,
    "type": "flexible-asset-fields",
    "attributes": {"name": "N", "kind": "Text", "name-key": "n", "order": 1, "required": True, "default-value": ""},
}
TYPE = {
    "id": "33",
    "attributes": {"name": "T", "description": None, "icon": "i"},
    "relationships": {"flexible-asset-fields": {"data": [{"id": "1"}]}},
}
ASSET = {
    "id": "401",
    "attributes": {"organization-id": 2, "flexible-asset-type-id": 33, "archived": False, "traits": {"a": [1]}},
}
USER = {
    "id": "u1",
    "userPrincipalName": "a@b",
    "mail": None,
    "proxyAddresses": ["SMTP:a@b"],
    "businessPhones": ["1"],
    "accountEnabled": True,
    "assignedLicenses": [{"skuId": "s"}],
}
BMS_ROW = {
    "id": 1,
    "accountId": 2528,
    "accountName": "Frog",
    "name": "HQ",
    "isMain": True,
    "locationId": 3,
    "firstName": "A",
    "isActive": True,
    "emails": [{"emailAddress": "a@b", "emailTypeId": 1, "emailType": "W", "isDefault": True}],
    "phones": [{"phone": "1", "phoneTypeId": 1, "phoneType": "W", "isDefault": True}],
}
NEW = BmsContact(None, 1, 1, "A", emails=(BmsEmail("a@b", 1),), phones=(BmsPhone("1", 1),))


def glue(data: object, *included: object) -> dict:
    return {"data": data, "included": list(included), "meta": META, "links": {"next": None}}


def bms(result: object, **more: object) -> dict:
    return {"success": True, "error": {"code": 1, "message": "m", "subErrors": ["s"]}, "result": result, **more}


READS: dict[str, tuple[object, Callable]] = {
    "organization": (glue(ORGANIZATION, ADAPTER), lambda clients: clients.itglue.organization(2)),
    "organization of a name": (glue([ORGANIZATION], ADAPTER), lambda clients: clients.itglue.organization("Frog")),
    "contacts": (glue([CONTACT], ADAPTER), lambda clients: list(clients.itglue.contacts(2))),
    "contact": (glue(CONTACT, ADAPTER), lambda clients: clients.itglue.contact(72)),
    "locations": (glue([LOCATION]), lambda clients: list(clients.itglue.locations(2))),
    "contact types": (glue([ORGANIZATION]), lambda clients: clients.itglue.contact_types()),
    "asset types": (glue([TYPE], FIELD), lambda clients: clients.itglue.asset_types("T")),
    "fields": (glue([FIELD]), lambda clients: clients.itglue.asset_type_fields(33)),
    "assets": (glue([ASSET]), lambda clients: list(clients.itglue.assets(33, 2))),
    "create contacts": (glue([CONTACT]), lambda clients: clients.itglue.create_contacts(2, [{}])),
    "update contacts": (glue([CONTACT]), lambda clients: clients.itglue.update_contacts([(72, {})])),
    "update contact": (glue(CONTACT), lambda clients: clients.itglue.update_contact(72, {})),
    "delete contacts": (glue([CONTACT]), lambda clients: clients.itglue.delete_contacts([72])),
    "create type": (glue(TYPE, FIELD), lambda clients: clients.itglue.create_asset_type(AssetType(None, "T"))),
    "create field": (glue(FIELD), lambda clients: clients.itglue.create_asset_field(33, AssetField("N", "Text"))),
    "create asset": (glue(ASSET), lambda clients: clients.itglue.create_asset(2, 33, {})),
    "update asset": (glue(ASSET), lambda clients: clients.itglue.update_asset(401, {})),
    "delete asset": (glue(ASSET), lambda clients: clients.itglue.delete_asset(401)),
    "users": ({"value": [USER], "@odata.nextLink": None}, lambda clients: list(clients.graph.users())),
    "members": ({"value": [USER]}, lambda clients: clients.graph.group_members(GROUP)),
    "members of a name": ({"value": [USER]}, lambda clients: clients.graph.group_members("Staff")),
    "domains": (
        {"value": [{"id": "o", "verifiedDomains": [{"name": "a"}]}]},
        lambda clients: clients.graph.verified_domains(),
    ),
    "contracts": (
        {"value": [{"id": "c", "customerId": "t", "displayName": "n", "defaultDomainName": "d"}]},
        lambda clients: list(clients.graph.contracts()),
    ),
    "accounts": (bms([BMS_ROW], totalRecords=1), lambda clients: clients.bms.accounts("Frog")),
    "account": (bms(BMS_ROW), lambda clients: clients.bms.account(1)),
    "a bare account": (BMS_ROW, lambda clients: clients.bms.account(1)),
    "account locations": (bms([BMS_ROW]), lambda clients: clients.bms.account_locations(2528)),
    "bms contacts": (bms([BMS_ROW], totalRecords=1), lambda clients: clients.bms.contacts(2528)),
    "bms contact": (bms(BMS_ROW), lambda clients: clients.bms.contact(1)),
    "create bms contact": (bms({"id": 5}), lambda clients: clients.bms.create_contact(NEW)),
    "set bms contact": (bms({"id": 5}), lambda clients: clients.bms.set_contact(5, {"JobTitle": "x"})),
    "change emails": (
        bms({"added": 1, "updated": 0, "deleted": 0}),
        lambda clients: clients.bms.patch_emails(5, [EntryChange("add", "a@b")]),
    ),
    "types": (bms([BMS_ROW]), lambda clients: clients.bms.email_types()),
}


class Signed:
    """In place of a login."""

    def headers(self):
        return {}

    def refused(self, headers):
        """Nothing to renew."""


@pytest.fixture(scope="module")
def clients():
    """Clients whose sessions get each answer from `clients.reply`, a status and a body."""
    found = SimpleNamespace(reply=(200, b""))

    def answered(*dummy, **named) -> WireAnswer:
        status, content = found.reply
        return WireAnswer(status, {}, content)

    retry = RetryPolicy(tries=1, throttled_tries=1)
    access = Access(HttpSettings(), Calls(), retry)
    found.itglue = ItGlueClient(url_or_region="eu", api_key="ITG.x", access=access)
    found.bms = BmsClient(url_or_region="us", credential=BmsCredential("c", "u", "pass"), access=access)
    found.graph = GraphClient(tenant_id=TENANT, credential=GraphCredential("app", "secret"), access=access)
    for session in (found.itglue._requests.session, found.bms._http, found.graph._http):
        session.transport.send = answered
        session._authorizer = session._authorizer and Signed()
    return found


def places(value: object, path: tuple = ()) -> Iterator[tuple]:
    """The paths of all values within a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


GONE = object()
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=4),
    st.sampled_from(["", "1", "-1", "²", "true", "a@b", "2", "\ud800", "https://x/", "/next"]),
)
ODD = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "attributes", "data", "name", "value", "error"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def changed(body: object, path: tuple, value: object) -> object:
    if not path:
        return None if value is GONE else value
    body = copy.deepcopy(body)
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return body


def conforms(value: object, kind: object) -> bool:
    """Whether a value is of a declared type, all the way down."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return any(conforms(value, each) for each in inner)
    if isinstance(kind, typing.NewType):
        return conforms(value, kind.__supertype__)
    if origin is tuple:
        return isinstance(value, tuple) and all(conforms(each, inner[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict)
    if is_dataclass(kind):
        return value.__class__ is kind and well_typed(value)
    return value.__class__ is (NoneType if kind is None else kind)


def well_typed(value: object) -> bool:
    if isinstance(value, (list, tuple, frozenset)):
        return all(well_typed(each) for each in value)
    if not is_dataclass(value):
        return value is None or isinstance(value, (int, str))
    kinds = typing.get_type_hints(type(value))
    return all(conforms(getattr(value, each.name), kinds[each.name]) for each in fields(value))


def outcome(clients: SimpleNamespace, read: Callable, status: int, body: object) -> object:
    clients.reply = (status, json.dumps(body).encode())
    try:
        return read(clients)
    except SyncError as error:
        str(error).encode()
        return error


@pytest.mark.parametrize("name", READS)
def test_the_answers_themselves_are_understood(clients, name):
    body, read = READS[name]
    result = outcome(clients, read, 200, body)
    assert not isinstance(result, SyncError)
    assert well_typed(result)


@pytest.mark.parametrize("name", READS)
@given(data=st.data())
def test_one_odd_value_anywhere(clients, name, data):
    body, read = READS[name]
    path = data.draw(st.sampled_from(list(places(body))))
    result = outcome(clients, read, 200, changed(body, path, data.draw(st.just(GONE) | ODD)))
    assert isinstance(result, SyncError) or well_typed(result)


@pytest.mark.parametrize("name", ["contacts", "update contact", "users", "bms contacts", "create bms contact"])
@given(status=st.integers(100, 999), body=ODD | st.fixed_dictionaries({"errors": ODD, "error": ODD, "success": ODD}))
def test_any_body_with_any_status(clients, name, status, body):
    result = outcome(clients, READS[name][1], status, body)
    assert isinstance(result, SyncError) or well_typed(result)

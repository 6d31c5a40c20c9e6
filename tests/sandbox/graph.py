# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft Graph, as far as it is read: users, deleted users, groups, the organization, licences, client tenants.

What the section `entra` of a world may have beyond the common keys:

entra.client_secret_expired        true: the secret is refused as expired
entra.certificates                 the app's certificates, as PEM: see `assertions.py`
entra.federated_credentials        the tokens of others that the app trusts: see there too
entra.delegated_admin_relationships  Graph's own property names
tenant.consent                     false: the application is not known in this tenant
tenant.denied                      resources that the application may not read here (`RESOURCES`)
tenant.partner                     true: only this tenant sees contracts and relationships (where no tenant
                                   says so, each does)

A user may have any of Graph's properties; one that it leaves out reads as null, as an
empty list, or for accountEnabled and userType as true and "Member". A property that is
given is returned as it is, odd values included. Members of a group may be ids of users
and of groups; ids that nobody has are passed over.

`behaviour.graph_empty_pages` (false): a list longer than a page begins with an empty one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import assertions, entra
from .core import Json, Service, WorldError, fill
from .entra import GUID, Entra
from .kinds import CONTRACT, DIRECTORY_OBJECT, GROUP, ORGANIZATION, RELATIONSHIP, SKU, USER
from .odata import Kind, Query, QueryError, page, predicate, unsupported

MEDIA_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
#: What `denied` may name.
RESOURCES = frozenset(
    "users deletedItems organization subscribedSkus groups groupMembers contracts delegatedAdminRelationships".split()
)
TENANT: Json = {
    "tenant_id": None,
    "display_name": "",
    "verified_domains": [],
    "users": [],
    "deleted_users": [],
    "skus": [],
    "groups": [],
    "consent": True,
    "denied": [],
    "partner": False,
}
#: The code that goes with a status where the request is not to blame.
CODES = {
    400: ("Request_BadRequest", "Invalid request."),
    401: ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    403: ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    404: ("Request_ResourceNotFound", "Resource not found for the segment."),
    405: ("Request_BadRequest", "Specified HTTP method is not allowed for the request target."),
    429: ("TooManyRequests", "Please retry again later."),
    500: ("InternalServerError", "An internal server error occurred."),
    501: ("NotImplemented", "The functionality is not implemented."),
    502: ("BadGateway", "The gateway got an invalid answer."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The gateway has timed out."),
}

Handler = Callable[[Request, "Tenant"], Response]


class GraphError(Exception):
    """An answer in Graph's error form."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Tenant:
    """A tenant of the world with what is looked up in it."""

    def __init__(self, record: Json) -> None:
        self.record = record
        self.users: dict[str, Json] = {}
        self.groups = {_key(group.get("id")): group for group in record["groups"]}
        for user in record["users"]:
            self.users.setdefault(_key(user.get("id")), user)
            self.users.setdefault(_key(user.get("userPrincipalName")), user)
        self.users.pop("", None)

    def members(self, group: Json, *, nested: bool) -> list[tuple[Kind, Json]]:
        """Users and groups in a group, each once, in the order in which they are met."""
        found: dict[str, tuple[Kind, Json]] = {}
        todo = list(group["members"])
        while todo:
            key = _key(todo.pop(0))
            if key in found or key == _key(group["id"]):
                continue
            if key in self.users:
                found[key] = (USER, self.users[key])
            elif key in self.groups:
                found[key] = (GROUP, self.groups[key])
                todo += self.groups[key]["members"] if nested else []
        return list(found.values())


class Graph(Service):
    name = "graph"
    section = "entra"
    SECTION = {
        "client_id": "5a4db0c5-0000-4000-8000-000000000001",
        "client_secret": "sandbox-client-secret",
        "client_secret_expired": False,
        "certificates": [],
        "federated_credentials": [],
        "tenants": [],
        "contracts": [],
        "delegated_admin_relationships": [],
    }
    DEFAULTS = {"graph_empty_pages": False}

    @classmethod
    def complete(cls, section: Json) -> None:
        for number, record in enumerate(section["federated_credentials"]):
            fill(record, assertions.FEDERATED_CREDENTIAL, f"entra.federated_credentials[{number}]")
        assertions.complete(section)
        for number, tenant in enumerate(section["tenants"]):
            _complete_tenant(tenant, f"entra.tenants[{number}]")
        for key in ("contracts", "delegated_admin_relationships"):
            for number, record in enumerate(section[key]):
                fill(record, {"id": _stable_id(key, number)}, f"entra.{key}[{number}]", strict=False)

    def load(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        for record in self.records["tenants"]:
            tenant = Tenant(record)
            for name in (record["tenant_id"], *record["verified_domains"]):
                self._tenants.setdefault(_key(name), tenant)
        self._has_partner = any(tenant["partner"] for tenant in self.records["tenants"])
        if not hasattr(self, "entra"):
            self.entra = Entra(self)
        self.entra.forget()

    def tenant(self, name: str) -> Json | None:
        """The tenant of this id or verified domain."""
        found = self._tenants.get(_key(name))
        return found.record if found else None

    def routes(self) -> list[Route]:
        reads: Sequence[tuple[str, str, Handler]] = (
            ("/users", "users", self._users),
            ("/users/$count", "users", self._users_count),
            ("/users/{user_id}", "users", self._user),
            ("/directory/deletedItems/{user-cast}", "deletedItems", self._deleted_users),
            ("/organization", "organization", self._organization),
            ("/subscribedSkus", "subscribedSkus", self._skus),
            ("/groups", "groups", self._groups),
            ("/groups/{group_id}", "groups", self._group),
            ("/groups/{group_id}/transitiveMembers", "groupMembers", self._members),
            ("/groups/{group_id}/transitiveMembers/{user-cast}", "groupMembers", self._member_users),
            ("/groups/{group_id}/members", "groupMembers", self._direct_members),
            ("/groups/{group_id}/members/{user-cast}", "groupMembers", self._direct_member_users),
            ("/contracts", "contracts", self._contracts),
            ("/tenantRelationships/delegatedAdminRelationships", "delegatedAdminRelationships", self._relationships),
        )
        routes = [
            Route("/v1.0" + spelling, self._endpoint(resource, handler), methods=["GET"])
            for path, resource, handler in reads
            for spelling in _spellings(path)
        ]
        return routes + self.entra.routes()

    def failure(self, status: int, message: str | None = None) -> Response:
        code, text = CODES.get(status, ("UnknownError", "An error has occurred."))
        return self._error(status, code, message or text)

    def failure_at(self, path: str, status: int) -> Response:
        if path.endswith(("/oauth2/v2.0/token", "/openid-configuration")):
            return entra.failure(self.entra, status)
        return self.failure(status)

    # --- around each read ---------------------------------------------------------------------------------------

    def _endpoint(self, resource: str, handler: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                tenant = self._authorised(request, resource)
                response = handler(request, tenant)
            except QueryError as error:
                response = self._error(error.status, error.code, error.message)
            except GraphError as error:
                response = self._error(error.status, error.code, error.message)
            if "client-request-id" in request.headers:
                response.headers["client-request-id"] = request.headers["client-request-id"]
            return response

        return endpoint

    def _authorised(self, request: Request, resource: str) -> Tenant:
        """The tenant that the caller's token is for; refused when it may not read this."""
        text = self.credential(request.headers)
        if not text:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
        token = self.entra.token(text)
        if token is None or not token.is_for(entra.origin(request)):
            raise GraphError(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.")
        if self.sandbox.clock() >= token.expires:
            raise GraphError(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        tenant = self._tenants[_key(token.tenant_id)]
        names = {resource, "groups"} if resource == "groupMembers" else {resource}
        if names.intersection(tenant.record["denied"]):
            raise GraphError(403, "Authorization_RequestDenied", CODES[403][1])
        return tenant

    def _error(self, status: int, code: str, message: str) -> Response:
        request_id = str(uuid.uuid4())
        inner: Json = {
            "date": self.sandbox.now().strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": request_id,
        }
        if status == 429:
            inner |= {"code": "429", "message": "Please retry after", "status": "429"}
        body = {"error": {"code": code, "message": message, "innerError": inner}}
        response = _json(body, status, request_id)
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="", error="invalid_token"'
        return response

    def _list(self, request: Request, kind: Kind, rows: Iterable[Json], *, query: Query | None = None) -> Response:
        """One page of the rows that the filter lets through."""
        query = query or Query.of(request)
        names = kind.chosen(query, single=False)
        fits = predicate(query, kind)
        kept = [row for row in rows if fits(row)]
        return self._page(request, query, kind, kept, lambda row: kind.view(row, names))

    def _page(
        self, request: Request, query: Query, kind: Kind, rows: Sequence[Any], view: Callable[[Any], Json]
    ) -> Response:
        behaviour = self.sandbox.behaviour
        url = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
        size = min(query.top, behaviour["graph_page_limit"])
        empty = behaviour["graph_empty_pages"] and len(rows) > size
        shown, link, first = page(rows, query, url, size, empty_first=empty)
        body: Json = {"@odata.context": _context(request, kind)}
        if query.advanced and first:
            body["@odata.count"] = len(rows)
        if link:
            body["@odata.nextLink"] = link
        return _json({**body, "value": [view(row) for row in shown]})

    def _one(self, request: Request, kind: Kind, row: Json) -> Response:
        names = kind.chosen(Query.of(request), single=True)
        return _json({"@odata.context": _context(request, kind) + "/$entity", **kind.view(row, names)})

    # --- the reads ------------------------------------------------------------------------------------------------

    def _users(self, request: Request, tenant: Tenant) -> Response:
        return self._list(request, USER, tenant.record["users"])

    def _users_count(self, request: Request, tenant: Tenant) -> Response:
        query = Query.of(request)
        if not query.eventual:
            raise QueryError("$count is not currently supported.")
        fits = predicate(query, USER)
        return PlainTextResponse(str(sum(fits(user) for user in tenant.record["users"])))

    def _user(self, request: Request, tenant: Tenant) -> Response:
        name = request.path_params["user_id"]
        user = tenant.users.get(_key(name))
        if user is None:
            raise _not_found(name)
        return self._one(request, USER, user)

    def _deleted_users(self, request: Request, tenant: Tenant) -> Response:
        return self._list(request, USER, tenant.record["deleted_users"])

    def _organization(self, request: Request, tenant: Tenant) -> Response:
        return self._list(request, ORGANIZATION, [_organization(tenant.record)])

    def _skus(self, request: Request, tenant: Tenant) -> Response:
        return self._list(request, SKU, [_sku(tenant.record, sku) for sku in tenant.record["skus"]])

    def _groups(self, request: Request, tenant: Tenant) -> Response:
        return self._list(request, GROUP, tenant.record["groups"])

    def _group(self, request: Request, tenant: Tenant) -> Response:
        return self._one(request, GROUP, _group(request, tenant))

    def _members(self, request: Request, tenant: Tenant) -> Response:
        return self._mixed(request, tenant.members(_group(request, tenant), nested=True))

    def _direct_members(self, request: Request, tenant: Tenant) -> Response:
        return self._mixed(request, tenant.members(_group(request, tenant), nested=False))

    def _member_users(self, request: Request, tenant: Tenant) -> Response:
        query = Query.of(request)
        if not query.advanced:
            raise unsupported("A cast of transitiveMembers wants ConsistencyLevel: eventual and $count=true.")
        members = tenant.members(_group(request, tenant), nested=True)
        return self._list(request, USER, [row for kind, row in members if kind is USER], query=query)

    def _direct_member_users(self, request: Request, tenant: Tenant) -> Response:
        members = tenant.members(_group(request, tenant), nested=False)
        return self._list(request, USER, [row for kind, row in members if kind is USER])

    def _mixed(self, request: Request, members: Sequence[tuple[Kind, Json]]) -> Response:
        """Directory objects: each with its type and with those of the selected properties that the type has."""
        query = Query.of(request)
        if query.filter:
            raise unsupported("The sandbox filters no mixed directory objects.")

        def view(member: tuple[Kind, Json]) -> Json:
            kind, row = member
            names = [name for name in query.select if name in kind.blanks] if query.select else kind.default
            return {"@odata.type": f"#microsoft.graph.{kind.name}", **kind.view(row, names)}

        return self._page(request, query, DIRECTORY_OBJECT, members, view)

    def _contracts(self, request: Request, tenant: Tenant) -> Response:
        return self._list(request, CONTRACT, self.records["contracts"] if self._is_partner(tenant) else [])

    def _relationships(self, request: Request, tenant: Tenant) -> Response:
        rows = self.records["delegated_admin_relationships"] if self._is_partner(tenant) else []
        return self._list(request, RELATIONSHIP, rows)

    def _is_partner(self, tenant: Tenant) -> bool:
        return tenant.record["partner"] or not self._has_partner


def _complete_tenant(tenant: Any, where: str) -> None:
    fill(tenant, TENANT, where)
    if not isinstance(tenant["tenant_id"], str) or not GUID.fullmatch(tenant["tenant_id"]):
        raise WorldError(f"{where}.tenant_id must be a GUID, not {tenant['tenant_id']!r}")
    unknown = sorted(set(tenant["denied"]) - RESOURCES)
    if unknown:
        raise WorldError(f"{where}.denied names {unknown[0]!r} (known: {', '.join(sorted(RESOURCES))})")
    for key in ("users", "deleted_users"):
        for number, user in enumerate(tenant[key]):
            fill(user, {"id": _stable_id(tenant["tenant_id"], key, number)}, f"{where}.{key}[{number}]", strict=False)
    for number, group in enumerate(tenant["groups"]):
        blanks: Json = {"id": _stable_id(tenant["tenant_id"], "groups", number), "displayName": None, "members": []}
        fill(group, blanks, f"{where}.groups[{number}]", strict=False)
    for number, sku in enumerate(tenant["skus"]):
        fill(sku, {"skuId": None, "skuPartNumber": None}, f"{where}.skus[{number}]", strict=False)


def _spellings(path: str) -> Sequence[str]:
    """A cast may name its namespace in full or by its alias."""
    if "{user-cast}" not in path:
        return [path]
    return [path.replace("{user-cast}", name) for name in ("microsoft.graph.user", "graph.user")]


def _stable_id(*parts: Any) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, parts))))


def _key(value: Any) -> str:
    return value.casefold() if isinstance(value, str) else ""


def _not_found(name: str) -> GraphError:
    message = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", message)


def _group(request: Request, tenant: Tenant) -> Json:
    name = request.path_params["group_id"]
    if not GUID.fullmatch(name):
        raise GraphError(400, "Request_BadRequest", f"Invalid object identifier '{name}'.")
    group = tenant.groups.get(_key(name))
    if group is None:
        raise _not_found(name)
    return group


def _organization(tenant: Json) -> Json:
    domains = tenant["verified_domains"]
    initial = next((name for name in domains if name.lower().endswith(".onmicrosoft.com")), None)
    return {
        "id": tenant["tenant_id"],
        "displayName": tenant["display_name"],
        "tenantType": "AAD",
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": number == 0,
                "isInitial": name == initial,
                "name": name,
                "type": "Managed",
            }
            for number, name in enumerate(domains)
        ],
    }


def _sku(tenant: Json, sku: Json) -> Json:
    held = sum(
        any(isinstance(one, Mapping) and one.get("skuId") == sku["skuId"] for one in user.get("assignedLicenses") or [])
        for user in tenant["users"]
    )
    return {
        "id": f"{tenant['tenant_id']}_{sku['skuId']}",
        "accountId": tenant["tenant_id"],
        "accountName": tenant["display_name"],
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": held,
        "prepaidUnits": {"enabled": held, "suspended": 0, "warning": 0, "lockedOut": 0},
        **sku,
    }


def _context(request: Request, kind: Kind) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/v1.0/$metadata#{kind.collection}"


def _json(body: Any, status: int = 200, request_id: str | None = None) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    headers = {
        "request-id": request_id or str(uuid.uuid4()),
        "Cache-Control": "no-cache",
        "OData-Version": "4.0",
        "x-ms-resource-unit": "1",
    }
    return Response(text, status, headers, media_type=MEDIA_TYPE)

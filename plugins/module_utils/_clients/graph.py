# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft Graph, read only, as an application of its own in the tenant of a client.

Source: Microsoft's Graph documentation (users, paging, advanced queries, errors,
deployments).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from sys import intern
from typing import TypeVar
from urllib.parse import quote

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    RejectedError,
    UnavailableError,
    quoted,
)
from .._engine.model import Tenant, User
from .decoding import Reader, Row
from .error_mapping import ErrorMapping
from .graph_tokens import App, EntraErrors, GraphCredential, GraphTokens
from .request import Request
from .response import Response
from .session import Access, HttpSession, Service

CLOUDS = {
    "global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "usgov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
}
"""Cloud -> Entra's authority and Graph (Microsoft's page on national cloud deployments)."""

_USER_PROPERTIES = (
    "id,userPrincipalName,mail,proxyAddresses,givenName,surname,jobTitle,businessPhones,mobilePhone,"
    "officeLocation,streetAddress,city,state,country,usageLocation,accountEnabled,userType,assignedLicenses"
)
_LARGEST_PAGE = 999
_LARGEST_PARTNER_PAGE = 300
_BARREN_PAGES = 100
_RESTARTS = 5
_ADVANCED = {"ConsistencyLevel": "eventual"}
"""The header of a query that Graph calls advanced."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TENANT = re.compile(r"[0-9a-z]([0-9a-z.-]*[0-9a-z])?", re.IGNORECASE)
_EVERY_TENANT = ("common", "organizations", "consumers")

T = TypeVar("T")


def graph_endpoints(cloud: str, authority_host: str | None = None, graph_url: str | None = None) -> tuple[str, str]:
    """The addresses of Entra and of Graph: those of a cloud, or the ones that are given."""
    authority, graph = CLOUDS[cloud]
    return (
        (authority_host or authority).strip().rstrip("/"),
        (graph_url or graph).strip().rstrip("/").removesuffix("/v1.0"),
    )


class GraphClient:
    """One tenant of Microsoft 365. Safe for use by several threads.

    A list is handed out once it has been read to its end.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        credential: GraphCredential,
        access: Access,
        endpoints: tuple[str, str] = CLOUDS["global"],
    ) -> None:
        tenant = tenant_id.strip()
        if not _TENANT.fullmatch(tenant) or tenant.lower() in _EVERY_TENANT:
            raise InputError(f"The option tenant_id is {quoted(tenant)}, which names no tenant.", hint="It is a GUID.")
        authority, graph = endpoints
        self.tenant_id = tenant
        self.consent_url = f"{authority}/{tenant}/adminconsent?client_id={credential.client_id}"
        entra = HttpSession(
            Service("graph", authority, "azure_authority_host", mapping=EntraErrors(), secrets=credential.secrets),
            replace(access, limiter=None),
        )
        app = App(credential, f"{authority}/{tenant}", graph, self.consent_url)
        tokens = GraphTokens(entra, app, access.on_secret)
        service = Service(
            "graph",
            graph,
            "graph_url",
            mapping=_GraphErrors(self.consent_url),
            authorizer=tokens,
            secrets=credential.secrets,
        )
        self._http = HttpSession(service, access)
        tokens.shown_to = (entra, self._http)

    # ------------------------------------------------------------------ users

    def users(self) -> Iterator[User]:
        """All users. Graph's list may lag behind a change by minutes."""
        yield from self._users("/v1.0/users")

    def deleted_users(self) -> Iterator[User]:
        """The users deleted in the last 30 days, with the usernames that they had."""
        for user in self._users("/v1.0/directory/deletedItems/microsoft.graph.user"):
            yield replace(user, username=_username_before(user))

    def _users(self, path: str) -> list[User]:
        params = {"$select": _USER_PROPERTIES, "$top": _LARGEST_PAGE}
        return self._list(path, params, "User.Read.All", _user)

    # ----------------------------------------------------- groups and domains

    def group_members(self, group: str) -> frozenset[str]:
        """The ids of the users in a group, named by its id or its name; nested groups count.

        Raises `InputError` when there is no such group, or several of the name.
        """
        wanted = group.strip()
        ident = wanted if _GUID.fullmatch(wanted) else self._group_of_name(wanted)
        path = f"/v1.0/groups/{quote(ident, safe='')}/transitiveMembers/microsoft.graph.user"
        # The cast to users is an "advanced query": it takes the count, and the header on every page.
        params = {"$select": "id", "$top": _LARGEST_PAGE, "$count": "true"}
        try:
            return frozenset(self._list(path, params, "GroupMember.Read.All", _ident, _ADVANCED))
        except NotFoundError as error:
            raise InputError(
                f"The option user_filter.groups names {quoted(wanted)}, but the tenant has no such group."
            ) from error

    def _group_of_name(self, name: str) -> str:
        literal = name.replace("'", "''")
        params = {"$filter": f"displayName eq '{literal}'", "$select": "id,displayName"}
        found = self._list("/v1.0/groups", params, "Group.Read.All", _ident)
        if len(found) == 1:
            return found[0]
        state = f"has several of that name: give one of the ids {', '.join(sorted(found))}" if found else "has none"
        raise InputError(f"The option user_filter.groups names {quoted(name)}, but the tenant {state}.")

    def verified_domains(self) -> tuple[str, ...]:
        """The tenant's verified domains, in lower case."""
        params = {"$select": "id,verifiedDomains"}
        found = self._list("/v1.0/organization", params, "Organization.Read.All", _verified_domains)
        return tuple(domain for domains in found for domain in domains)

    def contracts(self) -> Iterator[Tenant]:
        """The client tenants of a partner; there are none in any other tenant."""
        params = {"$select": "id,customerId,displayName,defaultDomainName"}
        found = self._list("/v1.0/contracts", params, "Directory.Read.All", _contract)
        yield from (contract for contract in found if contract is not None)

    def delegated_admin_relationships(self) -> Iterator[Tenant]:
        """The client tenants that a partner has active delegated admin privileges in (GDAP), each once."""
        path = "/v1.0/tenantRelationships/delegatedAdminRelationships"
        params = {"$filter": "status eq 'active'", "$select": "id,status,customer", "$top": _LARGEST_PARTNER_PAGE}
        found = self._list(path, params, "DelegatedAdminRelationship.Read.All", _relationship)
        contracts: dict[str, Tenant] = {}
        for contract in found:
            if contract is not None:
                contracts.setdefault(contract.id, contract)
        yield from contracts.values()

    # ------------------------------------------------------------------ reads

    def raw(self, path: str, params: Mapping[str, object], permission: str, *, advanced: bool = False) -> Row:
        """One answer as it is on the wire: for what the decoded values do not show."""
        headers = _ADVANCED if advanced else {}
        answer = self._http.send(Request("GET", path, params=params, headers=headers, needs=self._needs(permission)))
        return Reader("graph", answer.request).mapping(answer.json(), "the answer")

    def _needs(self, permission: str) -> str:
        return f"the application permission {permission}, with the consent of the tenant: {self.consent_url}"

    def _list(
        self,
        path: str,
        params: Mapping[str, object],
        permission: str,
        decode: Callable[[Reader, Row], T],
        headers: Mapping[str, str] | None = None,
    ) -> list[T]:
        """Every row of a list once, decoded.

        The token that leads to the next page can expire, sooner where there is a pause between
        pages. Then the list is read again from its first page, and what was seen of it is dropped.
        """
        request = Request("GET", path, params=params, headers=headers or {}, needs=self._needs(permission))
        for dummy in range(1 + _RESTARTS):
            try:
                return self._walk(request, decode)
            except _PageTokenExpiredError:
                self._http.log(2, f"GET {path} is read again from its first page: the page token has expired")
        raise UnavailableError(
            f"Microsoft Graph's list {path} stayed incomplete: its page tokens expired {1 + _RESTARTS} times.",
            service="graph",
            request=f"GET {path}",
            hint="Try again later.",
        )

    def _walk(self, request: Request, decode: Callable[[Reader, Row], T]) -> list[T]:
        """The rows from the first page to the last. A page may be empty; the link to the next one is followed as is."""
        read = Reader("graph", f"GET {request.target}")
        found: dict[str, T] = {}
        links: set[str] = set()
        barren = 0
        while True:
            body = read.mapping(self._http.send(request).json(), "the answer")
            known = len(found)
            for row in read.rows(read.sequence(body.get("value"), "value"), "value"):
                ident = read.needed_text(row, "id")
                if ident not in found:
                    found[ident] = decode(read, row)
            link = read.text(body, "@odata.nextLink")
            if not link:
                return list(found.values())
            barren = barren + 1 if len(found) == known else 0
            if link in links or barren > _BARREN_PAGES:
                raise read.error("its pages lead in a circle")
            links.add(link)
            request = replace(request, target=link, params=None)


# -------------------------------------------------------------------- decoding


def _ident(read: Reader, row: Row) -> str:
    return read.needed_text(row, "id")


def _verified_domains(read: Reader, row: Row) -> list[str]:
    names = (read.text(domain, "name") for domain in read.rows(row.get("verifiedDomains"), "verifiedDomains"))
    return [name.lower() for name in names if name]


def _contract(read: Reader, row: Row) -> Tenant | None:
    """A client tenant; None for a row that names none, as Microsoft's contract allows."""
    tenant_id = read.text(row, "customerId")
    if not tenant_id:
        return None
    return Tenant(tenant_id, read.text(row, "displayName"), read.text(row, "defaultDomainName"))


def _relationship(read: Reader, row: Row) -> Tenant | None:
    """The client tenant of an active relationship; None for any other one."""
    customer = read.part(row, "customer")
    tenant_id = read.text(customer, "tenantId")
    if not tenant_id or read.text(row, "status") != "active":
        return None
    return Tenant(tenant_id, read.text(customer, "displayName"), None)


def _username_before(user: User) -> str:
    """The username that a deleted user had: Graph puts the object id in front of it, with or without its dashes."""
    for prefix in (user.id, user.id.replace("-", "")):
        if user.username.casefold().startswith(prefix.casefold()) and len(user.username) > len(prefix):
            return user.username[len(prefix) :]
    return user.username


def _user(read: Reader, row: Row) -> User:
    return User(
        id=read.needed_text(row, "id"),
        username=read.text(row, "userPrincipalName") or "",
        mail=read.text(row, "mail"),
        proxy_addresses=read.texts(row, "proxyAddresses"),
        given_name=read.text(row, "givenName"),
        surname=read.text(row, "surname"),
        job_title=read.text(row, "jobTitle"),
        business_phones=read.texts(row, "businessPhones"),
        mobile_phone=read.text(row, "mobilePhone"),
        office_location=read.text(row, "officeLocation"),
        street_address=read.text(row, "streetAddress"),
        city=read.text(row, "city"),
        state=read.text(row, "state"),
        country=read.text(row, "country"),
        usage_location=read.text(row, "usageLocation"),
        account_enabled=read.maybe_flag(row, "accountEnabled"),
        user_type=read.text(row, "userType"),
        # A tenant has few kinds of licences and many users of each: one text serves all.
        sku_ids=tuple(map(intern, _sku_ids(read, row))),
    )


def _sku_ids(read: Reader, row: Row) -> Iterator[str]:
    for licence in read.rows(row.get("assignedLicenses"), "assignedLicenses"):
        sku_id = read.text(licence, "skuId")
        if sku_id:
            yield sku_id


# ---------------------------------------------------------------------- errors


class _PageTokenExpiredError(RejectedError):
    """The link to the next page is no longer good: the list has to be read from its first page."""


class _GraphErrors(ErrorMapping):
    """How Graph reports a failure."""

    def __init__(self, consent_url: str) -> None:
        self.hints = {
            AuthenticationError: f"Has the tenant consented to the app? {consent_url}"
            " After the consent it can take two minutes until Microsoft knows of it."
        }

    def service_message(self, body: object) -> str:
        match body:
            case {"error": {"code": str() as code, "message": str() as message} as error}:
                inner = error.get("innerError") or error.get("innererror")
                request = inner.get("request-id") if isinstance(inner, dict) else None
                return f"{code}: {message}" + (f" (request-id {request})" if isinstance(request, str) else "")
            case _:
                return super().service_message(body)

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        kind = super().kind(status, answer)
        match answer.peek():
            # The app has no service principal in this tenant: nothing is there that could have a permission.
            case {"error": {"code": "Authorization_IdentityNotFound"}} if kind is PermissionDeniedError:
                return AuthenticationError
            case {"error": {"code": "Directory_ExpiredPageToken"}}:
                return _PageTokenExpiredError
            case _:
                return kind

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Microsoft Graph, read only, as an application of its own in the tenant of a client.

Source: Microsoft's Graph documentation (users, paging, advanced queries, errors,
deployments); the tokens are obtained by Microsoft's library msal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from threading import Lock
from urllib.parse import quote

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    quoted,
)
from .._engine.model import User
from . import certificate
from .decoding import Reader
from .retry import DEFAULT_RETRY, RetryPolicy
from .session import Calls, ErrorMapping, HttpSession, HttpSettings, Limiter, Response

try:
    import msal
except ImportError:
    msal = None

CLOUDS = {
    "global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "usgov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
}
"""Cloud -> Entra's authority and Graph (Microsoft's page on national cloud deployments)."""

_USER_PROPERTIES = (
    "id,userPrincipalName,mail,proxyAddresses,givenName,surname,jobTitle,businessPhones,mobilePhone,"
    "officeLocation,streetAddress,city,state,country,accountEnabled,userType,assignedLicenses,usageLocation"
)
_LARGEST_PAGE = 999
_LARGEST_PARTNER_PAGE = 300
_BARREN_PAGES = 100
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TENANT = re.compile(r"[0-9a-z]([0-9a-z.-]*[0-9a-z])?", re.IGNORECASE)
_EVERY_TENANT = ("common", "organizations", "consumers")


@dataclass(frozen=True, slots=True)
class GraphCredential:
    """What the application proves itself with: a secret, a certificate (PEM or PFX) or a federated token."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    certificate_path: str | None = None
    certificate_password: str | None = field(default=None, repr=False)
    federated_token_file: str | None = None

    def for_msal(self) -> str | dict:
        """The credential as msal takes it. Raises `InputError` when there is none, or its file cannot be read."""
        match self.option:
            case "azure_client_secret":
                return self.client_secret
            case "azure_certificate_path" as option:
                path = self.certificate_path
                return certificate.for_msal(_read(path, option), path, self.certificate_password)
            case "azure_federated_token_file":
                # Read for each token: the platform renews the file.
                return {"client_assertion": lambda: _token_in(self.federated_token_file)}
        raise InputError(
            "Microsoft Graph is needed, but there is no credential for it.",
            hint="Set azure_client_secret, azure_certificate_path or azure_federated_token_file.",
        )

    @property
    def option(self) -> str | None:
        """The name of the option that counts: the first one given, in the order of Azure's own libraries."""
        given = {
            "azure_client_secret": self.client_secret,
            "azure_certificate_path": self.certificate_path,
            "azure_federated_token_file": self.federated_token_file,
        }
        return next((name for name, value in given.items() if value), None)

    @property
    def secrets(self) -> list[str]:
        return [each for each in (self.client_secret, self.certificate_password) if each]


@dataclass(frozen=True, slots=True)
class Contract:
    """A client tenant that the partner can see; name and domain are copies from when the partnership began."""

    tenant_id: str
    name: str | None
    domain: str | None


class GraphClient:
    """One tenant of Microsoft 365. Safe for use by several threads; iterators are for one thread each.

    `on_secret` is told each token, so that it can be kept out of all output.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        credential: GraphCredential,
        cloud: str = "global",
        authority_host: str | None = None,
        graph_url: str | None = None,
        http: HttpSettings,
        calls: Calls,
        retry: RetryPolicy = DEFAULT_RETRY,
        limiter: Limiter | None = None,
        on_secret: Callable[[str], None] = lambda secret: None,
        make_session: Callable[..., HttpSession] = HttpSession,
    ) -> None:
        if cloud not in CLOUDS:
            raise InputError(f"The option azure_cloud is {quoted(cloud)}.", hint=f"It is one of {', '.join(CLOUDS)}.")
        tenant = tenant_id.strip()
        if not _TENANT.fullmatch(tenant) or tenant.lower() in _EVERY_TENANT:
            raise InputError(f"The option tenant_id is {quoted(tenant)}, which names no tenant.", hint="It is a GUID.")
        authority = (authority_host or CLOUDS[cloud][0]).strip().rstrip("/")
        graph = (graph_url or CLOUDS[cloud][1]).strip().rstrip("/").removesuffix("/v1.0")
        self.tenant_id = tenant
        self.consent_url = f"{authority}/{tenant}/adminconsent?client_id={credential.client_id}"
        common = {"settings": http, "calls": calls, "retry": retry, "secrets": credential.secrets}
        entra = make_session("graph", authority, dialect=_EntraErrors(), option="azure_authority_host", **common)
        self._tokens = _Tokens(entra, credential, f"{authority}/{tenant}", graph, self.consent_url, on_secret)
        self._http = make_session(
            "graph",
            graph,
            limiter=limiter,
            dialect=_GraphErrors(self.consent_url),
            authorizer=self._tokens,
            option="graph_url",
            **common,
        )
        self._tokens.shown_to = (entra, self._http)

    # ------------------------------------------------------------------ users

    def users(self) -> Iterator[User]:
        """All users, page by page. Graph's list may lag behind a change by minutes."""
        return self._users("/v1.0/users")

    def deleted_users(self) -> Iterator[User]:
        """The users deleted in the last 30 days; the object id stands in front of their usernames."""
        return self._users("/v1.0/directory/deletedItems/microsoft.graph.user")

    def _users(self, path: str) -> Iterator[User]:
        params = {"$select": _USER_PROPERTIES, "$top": _LARGEST_PAGE}
        for read, row in self._list(path, params, "User.Read.All"):
            yield _user(read, row)

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
            members = self._list(path, params, "GroupMember.Read.All", {"ConsistencyLevel": "eventual"})
            return frozenset(read.needed_text(row, "id") for read, row in members)
        except NotFoundError as error:
            raise InputError(
                f"The option user_filter.groups names {quoted(wanted)}, but the tenant has no such group."
            ) from error

    def _group_of_name(self, name: str) -> str:
        literal = name.replace("'", "''")
        params = {"$filter": f"displayName eq '{literal}'", "$select": "id,displayName"}
        found = [read.needed_text(row, "id") for read, row in self._list("/v1.0/groups", params, "Group.Read.All")]
        if len(found) == 1:
            return found[0]
        there_is = f"has several of that name: give one of the ids {', '.join(sorted(found))}" if found else "has none"
        raise InputError(f"The option user_filter.groups names {quoted(name)}, but the tenant {there_is}.")

    def verified_domains(self) -> tuple[str, ...]:
        """The tenant's verified domains, in lower case."""
        params = {"$select": "id,verifiedDomains"}
        return tuple(
            read.needed_text(domain, "name").lower()
            for read, row in self._list("/v1.0/organization", params, "Organization.Read.All")
            for domain in read.rows(row.get("verifiedDomains"), "verifiedDomains")
        )

    def contracts(self) -> Iterator[Contract]:
        """The client tenants of a partner; there are none in any other tenant."""
        params = {"$select": "id,customerId,displayName,defaultDomainName"}
        for read, row in self._list("/v1.0/contracts", params, "Directory.Read.All"):
            yield Contract(
                read.needed_text(row, "customerId"), read.text(row, "displayName"), read.text(row, "defaultDomainName")
            )

    def delegated_admin_relationships(self) -> Iterator[Contract]:
        """The client tenants that a partner has active delegated admin privileges in (GDAP), each once.

        Whether an application by itself may read them is documented differently over the years:
        a refusal names the permission.
        """
        path, seen = "/v1.0/tenantRelationships/delegatedAdminRelationships", set()
        params = {"$filter": "status eq 'active'", "$select": "id,status,customer", "$top": _LARGEST_PARTNER_PAGE}
        for read, row in self._list(path, params, "DelegatedAdminRelationship.Read.All"):
            customer = read.part(row, "customer")
            tenant_id = read.needed_text(customer, "tenantId")
            if read.text(row, "status") == "active" and tenant_id not in seen:
                seen.add(tenant_id)
                yield Contract(tenant_id, read.text(customer, "displayName"), None)

    # ------------------------------------------------------------------ reads

    def raw(self, path: str, params: Mapping[str, object], permission: str, *, advanced: bool = False) -> dict:
        """One answer as it is on the wire: for what the decoded values do not show."""
        needs = f"the application permission {permission}, with the consent of the tenant: {self.consent_url}"
        headers = {"ConsistencyLevel": "eventual"} if advanced else None
        answer = self._http.request("GET", path, params=params, headers=headers, needs=needs)
        return Reader("graph", answer.request).mapping(answer.json(), "the answer")

    def _list(
        self, path: str, params: Mapping[str, object], permission: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Reader, dict]]:
        """Every row of a list once. A page may be empty; the link to the next one is followed as it is."""
        needs = f"the application permission {permission}, with the consent of the tenant: {self.consent_url}"
        link: str | None = None
        links: set[str] = set()
        seen: set[str] = set()
        barren = 0
        while True:
            query = None if link else params
            answer = self._http.request("GET", link or path, params=query, headers=headers, needs=needs)
            read = Reader("graph", f"GET {path}")
            body = read.mapping(answer.json(), "the answer")
            known = len(seen)
            for row in read.rows(read.sequence(body.get("value"), "value"), "value"):
                ident = read.needed_text(row, "id")
                if ident not in seen:
                    seen.add(ident)
                    yield read, row
            link = read.text(body, "@odata.nextLink")
            if not link:
                return
            barren = barren + 1 if len(seen) == known else 0
            if link in links or barren > _BARREN_PAGES:
                raise read.error("its pages lead in a circle")
            links.add(link)


def _user(read: Reader, row: dict) -> User:
    enabled = row.get("accountEnabled")
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
        account_enabled=enabled if enabled.__class__ is bool else read.flag(row, "accountEnabled", True),
        user_type=read.text(row, "userType"),
        # A tenant has few kinds of licences and many users of each: one text serves all.
        sku_ids=tuple(
            intern(read.needed_text(each, "skuId"))
            for each in read.rows(row.get("assignedLicenses"), "assignedLicenses")
        ),
        usage_location=read.text(row, "usageLocation"),
    )


# ---------------------------------------------------------------------- tokens


class _Tokens:
    """The tenant's access token, from msal's cache or from Entra."""

    shown_to: tuple[HttpSession, ...] = ()

    def __init__(
        self,
        session: HttpSession,
        credential: GraphCredential,
        authority: str,
        resource: str,
        consent_url: str,
        on_secret: Callable[[str], None],
    ) -> None:
        if not authority.startswith("https://"):
            raise InputError("The option azure_authority_host is no https address, which msal asks for.")
        self._wire = _MsalHttp(session)
        self._credential = credential
        self._authority = authority
        self._scope = f"{resource}/.default"
        self._consent_url = consent_url
        self._on_secret = on_secret
        self._lock = Lock()
        self._app: msal.ConfidentialClientApplication | None = None
        self._token: str | None = None
        self._refusal: ApiError | None = None

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            token = self._acquired()
            if token != self._token:
                self._token = token
                self._on_secret(token)
                for session in self.shown_to:
                    session.add_secret(token)
            return {"Authorization": f"Bearer {token}"}

    def refused(self, headers: Mapping[str, str]) -> None:
        with self._lock:
            if self._app is not None and headers["Authorization"] == f"Bearer {self._token}":
                self._app.remove_tokens_for_client()

    def _acquired(self) -> str:
        try:
            if self._app is None:
                self._app = self._application()
            result = self._app.acquire_token_for_client(scopes=[self._scope])
            token = result.get("access_token")
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            # msal has no error type of its own, and trusts the shape of what it receives.
            raise self._failed(error) from error
        if isinstance(token, str) and token:
            return token
        raise self._refused(result)

    def _application(self) -> msal.ConfidentialClientApplication:
        if msal is None:
            raise InputError(
                "The Python library msal is missing.",
                hint="Install it for the Python that runs the task: pip install msal.",
            )
        return msal.ConfidentialClientApplication(
            self._credential.client_id,
            client_credential=self._credential.for_msal(),
            authority=self._authority,
            http_client=self._wire,
            instance_discovery=False,
        )

    def _failed(self, error: Exception) -> ApiError | InputError:
        answer = self._wire.last
        if answer is not None and answer.status >= 400:
            body = answer.peek()
            return self._refused(body if isinstance(body, dict) else {})
        if self._credential.certificate_path and (answer is None or answer.request.startswith("GET ")):
            # Nothing was asked with the certificate yet: it is what msal stumbled over.
            return InputError(
                "The Python library msal cannot use the certificate of azure_certificate_path.",
                hint="It takes msal 1.35 or newer.",
            )
        request = answer.request if answer is not None else ""
        return Reader("graph", request).error(f"msal cannot use it ({type(error).__name__})")

    def _refused(self, result: dict) -> ApiError:
        """The error for a refusal in Entra's form: `error`, `error_description`, `error_codes`."""
        answer = self._wire.last
        said = self._wire.session.said(answer) if answer is not None and answer.status >= 400 else ""
        codes = result.get("error_codes")
        hints = (_TOKEN_HINTS.get(code) for code in (codes if isinstance(codes, list) else ()) if isinstance(code, int))
        hint = next((each for each in hints if each), _CONSENT)
        self._refusal = AuthenticationError(
            f"Microsoft Entra gives no token for {self._authority.rsplit('/', 1)[1]}: {said or 'it does not say why.'}",
            service="graph",
            request=answer.request if answer is not None else "",
            status=answer.status if answer is not None else None,
            said=said,
            hint=hint.format(consent=self._consent_url, proof=_PROOFS.get(self._credential.option)),
        )
        return self._refusal


_CONSENT = "Check azure_client_id, and that an administrator of the tenant has consented to the app: {consent}"
_TENANT_HINT = "Check tenant_id and azure_cloud."
_PROOF = "Check {proof}."
_PROOFS = {
    "azure_client_secret": "azure_client_secret",
    "azure_certificate_path": "azure_certificate_path: its certificate must be registered for the app in Entra",
    "azure_federated_token_file": "azure_federated_token_file: the app must have a federated credential in Entra with "
    "exactly the issuer, the subject and the audience of the token",
}
_TOKEN_HINTS: dict[int, str] = {
    7000215: "Check azure_client_secret: it is the secret's value, not its id.",
    7000222: "The secret has expired: make a new one for the app in Entra, and set azure_client_secret.",
    700016: _CONSENT,
    65001: _CONSENT,
    500011: _CONSENT,
    90002: _TENANT_HINT,
    900023: _TENANT_HINT,
    700024: "Check this machine's clock, and the age of the token in azure_federated_token_file where that is used.",
    **dict.fromkeys((50027, 5000224, 700021, 700023, 700027, 70021, 700211, 700212, 700213, 7002138), _PROOF),
}
"""What to do about the AADSTS codes. Microsoft may change them: an unknown one gets the general advice."""


@dataclass(frozen=True, slots=True)
class _MsalAnswer:
    """An answer as msal reads it."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Failures other than a refusal were raised before."""


class _MsalHttp:
    """What msal sends goes through our session: the same certificates, proxy, time-outs, retries and counts."""

    def __init__(self, session: HttpSession) -> None:
        self.session = session
        self.last: Response | None = None

    def get(self, url: str, params: object = None, headers: object = None, **dummy: object) -> _MsalAnswer:
        return self._send("GET", url, params=params or None, headers=headers)

    def post(
        self, url: str, params: object = None, data: object = None, headers: object = None, **dummy: object
    ) -> _MsalAnswer:
        return self._send("POST", url, params=params or None, data=data, headers=headers)

    def close(self) -> None:
        self.session.close()

    def _send(self, method: str, url: str, **content: object) -> _MsalAnswer:
        answer = self.session.request(method, url, writes=False, allow=range(400, 500), **content)
        self.last = answer
        if answer.status < 400:
            read = Reader("graph", answer.request)
            body = read.mapping(answer.json(), "the answer")
            for endpoint in ("authorization_endpoint", "token_endpoint") if method == "GET" else ():
                read.needed_text(body, endpoint)
        return _MsalAnswer(answer.status, answer.content.decode("utf-8", "replace"), answer.headers)


# ---------------------------------------------------------------------- errors


class _EntraErrors(ErrorMapping):
    def said(self, body: object) -> str:
        match body:
            case {"error_description": str(words)} | {"error": str(words)}:
                # What follows are numbers for Microsoft's support.
                return re.split(r"\s(?:Trace ID|Correlation ID|Timestamp):", words, maxsplit=1)[0]
            case _:
                return ""


class _GraphErrors(ErrorMapping):
    def __init__(self, consent_url: str) -> None:
        self.hints = {AuthenticationError: f"Has the tenant consented to the app? {consent_url}"}

    def said(self, body: object) -> str:
        match body:
            case {"error": {"code": str(code), "message": str(words)} as error}:
                inner = error.get("innerError") or error.get("innererror")
                request = inner.get("request-id") if isinstance(inner, dict) else None
                return f"{code}: {words}" + (f" (request-id {request})" if isinstance(request, str) else "")
            case _:
                return super().said(body)

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        kind = super().kind(status, answer)
        match answer.peek():
            # The app has no service principal in this tenant: nothing is there that could have a permission.
            case {"error": {"code": "Authorization_IdentityNotFound"}} if kind is PermissionDeniedError:
                return AuthenticationError
            case _:
                return kind


def _token_in(path: str) -> str:
    text = _read(path, "azure_federated_token_file").decode("utf-8", "replace").strip()
    if not text:
        raise InputError(f"The option azure_federated_token_file names {path}, which is empty.")
    return text


def _read(path: str, option: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputError(f"The option {option} names {path}: {reason}.") from error

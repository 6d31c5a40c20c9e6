# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entra's token endpoint, for the client credentials grant.

The application is the one of the world's `entra.client_id`; a tenant with
`"consent": false` has no service principal of it. A client proves itself with the
secret, or with an assertion (`assertions.py`).

A request that comes by the name of one of Microsoft's clouds, as through a proxy that
leads it here, is answered as that cloud would: each gives tokens for its own Graph only.

Errors as Microsoft's "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .assertions import Refusal, check
from .core import Json

if TYPE_CHECKING:
    from .graph import Graph

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
GRAPH_RESOURCES = ("https://graph.microsoft.com", GRAPH_APP)
#: Microsoft's "National cloud deployments": by the host that gives the tokens, the Graphs that they are for.
CLOUDS = {
    "https://login.microsoftonline.com": ("https://graph.microsoft.com",),
    "https://login.microsoftonline.us": ("https://graph.microsoft.us", "https://dod-graph.microsoft.us"),
    "https://login.chinacloudapi.cn": ("https://microsoftgraph.chinacloudapi.cn",),
    "https://login.partner.microsoftonline.cn": ("https://microsoftgraph.chinacloudapi.cn",),
}
CLOUD_GRAPHS = frozenset(graph for graphs in CLOUDS.values() for graph in graphs)


@dataclass(frozen=True)
class Token:
    """What an access token stands for."""

    tenant_id: str
    resource: str
    expires: float

    def is_for(self, graph: str) -> bool:
        """Whether it opens the Graph at this origin: that of another cloud it does not."""
        return self.resource == graph or (self.resource in GRAPH_RESOURCES and graph not in CLOUD_GRAPHS)


class Entra:
    """Gives out tokens and says which tenant one is for."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._sandbox = graph.sandbox
        self._tokens: dict[str, Token] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration, methods=["GET"]),
            Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
        ]

    def forget(self) -> None:
        """Make every token invalid."""
        self._tokens.clear()

    def token(self, text: str) -> Token | None:
        """A token that was given out here, expired or not."""
        return self._tokens.get(text)

    async def _configuration(self, request: Request) -> Response:
        try:
            tenant = self._tenant(request.path_params["tenant"])
        except Refusal as refusal:
            return self.refused(refusal)
        authority = origin(request)
        base = f"{authority}/{tenant['tenant_id']}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "tenant_region_scope": "NA",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": urlsplit(authority).netloc,
            }
        )

    async def _token(self, request: Request) -> Response:
        try:
            form = await _form(request)
            tenant = self._tenant(request.path_params["tenant"])
            _check_grant(form)
            self._check_client(tenant, form)
            resource = _resource(form, origin(request))
            base = f"{origin(request)}/{tenant['tenant_id']}"
            self._check_proof(form, (f"{base}/oauth2/v2.0/token", f"{base}/v2.0"))
        except Refusal as refusal:
            return self.refused(refusal)
        return JSONResponse(self._give(tenant["tenant_id"], resource), headers={"Cache-Control": "no-store"})

    def _tenant(self, name: str) -> Json:
        tenant = self._graph.tenant(name)
        if tenant is not None:
            return tenant
        if not GUID.fullmatch(name) and "." not in name:
            raise Refusal(
                900023,
                "invalid_request",
                f"Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain.",
            )
        raise Refusal(
            90002,
            "invalid_request",
            f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant.",
        )

    def _check_client(self, tenant: Json, form: Json) -> None:
        client_id = form.get("client_id", "")
        if not client_id:
            raise Refusal(
                900144, "invalid_request", "The request body must contain the following parameter: 'client_id'."
            )
        known = client_id.lower() == self._graph.records["client_id"].lower()
        if not known or not tenant["consent"]:
            raise Refusal(
                700016,
                "unauthorized_client",
                f"Application with identifier '{client_id}' was not found in the directory "
                f"'{tenant['display_name']}'. This can happen if the application has not been installed by the "
                "administrator of the tenant or consented to by any user in the tenant. You may have sent your "
                "authentication request to the wrong tenant.",
            )

    def _check_proof(self, form: Json, audiences: tuple[str, ...]) -> None:
        if "client_assertion" in form:
            check(form, self._graph.records, audiences, self._sandbox.now())
            return
        client_id, secret = form["client_id"], form.get("client_secret")
        if secret is None:
            raise Refusal(
                7000216,
                "invalid_client",
                "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
                401,
            )
        if not secrets.compare_digest(secret.encode(), self._graph.records["client_secret"].encode()):
            raise Refusal(
                7000215,
                "invalid_client",
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{client_id}'.",
                401,
            )
        if self._graph.records["client_secret_expired"]:
            raise Refusal(
                7000222,
                "invalid_client",
                f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create "
                "new keys for your app.",
                401,
            )

    def _give(self, tenant_id: str, resource: str) -> Json:
        lifetime = self._sandbox.behaviour["token_lifetime"]
        now = self._sandbox.clock()
        claims = {
            "aud": resource,
            "tid": tenant_id,
            "appid": self._graph.records["client_id"],
            "iat": int(now),
        }
        text = f"{_segment({'typ': 'JWT', 'alg': 'none'})}.{_segment(claims)}.{secrets.token_urlsafe(24)}"
        self._tokens[text] = Token(tenant_id, resource, now + lifetime)
        return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": text}

    def refused(self, refusal: Refusal) -> Response:
        """Entra's error body."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = self._sandbox.now().strftime("%Y-%m-%d %H:%M:%SZ")
        body = {
            "error": refusal.error,
            "error_description": f"AADSTS{refusal.code}: {refusal.text} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [refusal.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refusal.code}",
        }
        return JSONResponse(body, refusal.status)


def failure(entra: Entra, status: int) -> Response:
    """An error of the token endpoint that is nobody's fault but Entra's."""
    if status == 429:
        return entra.refused(Refusal(90055, "temporarily_unavailable", "Server is too busy.", status))
    return entra.refused(Refusal(90033, "temporarily_unavailable", "A transient error has occurred.", status))


async def _form(request: Request) -> dict[str, str]:
    try:
        fields = await request.form()
    except (HTTPException, MultiPartException) as error:
        raise Refusal(900144, "invalid_request", "The request body cannot be read as a form.") from error
    return {key: value for key, value in fields.items() if isinstance(value, str)}


def _check_grant(form: Json) -> None:
    grant = form.get("grant_type", "")
    if not grant:
        raise Refusal(900144, "invalid_request", "The request body must contain the following parameter: 'grant_type'.")
    if grant != "client_credentials":
        raise Refusal(70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{grant}'.")


def _resource(form: Json, authority: str) -> str:
    """The Graph that the token is asked for."""
    scope = form.get("scope", "")
    resource, dot, default = scope.rpartition("/.default")
    if not dot or default or " " in scope:
        raise Refusal(
            1002012,
            "invalid_scope",
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
            "with /.default suffixed to the resource identifier (application ID URI).",
        )
    resource = resource.rstrip("/")
    if resource not in (GRAPH_APP, *CLOUDS.get(authority, (authority, *GRAPH_RESOURCES))):
        raise Refusal(
            500011,
            "invalid_resource",
            f"The resource principal named {resource} was not found in the tenant. This can happen if the "
            "application has not been installed by the administrator of the tenant.",
        )
    return resource


def origin(request: Request) -> str:
    """The address by which the client asks."""
    return f"{request.url.scheme}://{request.url.netloc}"


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

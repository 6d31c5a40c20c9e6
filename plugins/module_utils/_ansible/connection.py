# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, the same for every module, and the clients that are made of them.

Documented in `plugins/doc_fragments/connection.py`. An option that is not given is
taken from its environment variable; a blank variable counts as not set. What a service
needs is asked for when that service is first used, so that a module that only talks to
IT Glue runs without the credentials of the others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import RLock
from typing import Any, TypeVar

from ansible.module_utils.errors import AnsibleFallbackNotFound

from .._clients import bms, itglue
from .._clients.addresses import http_parts, service_url
from .._clients.bms import BmsClient
from .._clients.bms_login import BmsCredential
from .._clients.fair_share import FairShare
from .._clients.graph import CLOUDS, GraphClient, graph_endpoints
from .._clients.graph_tokens import GraphCredential
from .._clients.itglue import ItGlueClient
from .._clients.quota import LIMITS, Limit, SharedLimiter
from .._clients.retry import DEFAULT_RETRY, PATIENT_RETRY, RetryPolicy
from .._clients.session import Access, Calls
from .._clients.tokens import SharedTokens
from .._clients.transport import HttpSettings, trusting
from .._clients.waiting_list import waiting_list
from .._engine.errors import InputError
from .task import Task

T = TypeVar("T")


def environment(name: str) -> str:
    """The value of an environment variable, as a `fallback` of an argument spec."""
    value = os.environ.get(name, "")
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


def _option(variable: str, **details: Any) -> dict[str, Any]:
    return {"type": "str", "fallback": (environment, [variable]), **details}


CONNECTION_OPTIONS: dict[str, dict[str, Any]] = {
    "itglue_url": _option("ITGLUE_URL"),
    "itglue_api_key": _option("ITGLUE_API_KEY", no_log=True),
    "bms_url": _option("BMS_URL"),
    "bms_company": _option("BMS_COMPANY"),
    "bms_username": _option("BMS_USERNAME"),
    "bms_password": _option("BMS_PASSWORD", no_log=True),
    "bms_mfa_secret": _option("BMS_MFA_SECRET", no_log=True),
    "azure_client_id": _option("AZURE_CLIENT_ID"),
    "azure_client_secret": _option("AZURE_CLIENT_SECRET", no_log=True),
    "azure_certificate_path": _option("AZURE_CLIENT_CERTIFICATE_PATH", type="path"),
    "azure_certificate_password": _option("AZURE_CLIENT_CERTIFICATE_PASSWORD", no_log=True),
    # The path of a file, not a token.
    "azure_federated_token_file": _option("AZURE_FEDERATED_TOKEN_FILE", type="path", no_log=False),
    "azure_cloud": _option("AZURE_CLOUD", choices=list(CLOUDS), default="global"),
    "azure_authority_host": _option("AZURE_AUTHORITY_HOST"),
    "graph_url": _option("GRAPH_URL"),
    "ca_path": _option("REQUESTS_CA_BUNDLE", type="path"),
    "timeout": {"type": "float", "default": 30.0},
    # No secret but for a password in it, which is masked on its own.
    "proxy": _option("HTTPS_PROXY"),
    "no_proxy": _option("NO_PROXY"),
    "itglue_quota": {"type": "int"},
    "bms_quota": {"type": "int"},
}
"""The argument spec of all connection options. `timeout` and the quotas have no variable."""

ENVIRONMENT: dict[str, str] = {
    name: spec["fallback"][1][0] for name, spec in CONNECTION_OPTIONS.items() if "fallback" in spec
}
"""Where an option is looked up when it is not given."""


def prepare() -> None:
    """Read the certificates that are trusted, so that the processes that are forked from this one have them."""
    with suppress(InputError):
        trusting(os.environ.get(ENVIRONMENT["ca_path"], "").strip() or None)


class Clients:
    """The clients of one run, each made when it is first asked for; safe for use by several threads. Nothing is sent,
    and no credential is missed, before one is used.

    All count their requests in `calls`, and give the task the tokens that they get. `fair_share` is that of the
    organization of the task, None where it has none.

    Raises `InputError` for a time-out, a quota or a proxy that cannot be right.
    """

    def __init__(self, params: Mapping[str, Any], task: Task, fair_share: FairShare | None = None) -> None:
        self.calls = Calls()
        self._params = params
        self._task = task
        self._http = _http_settings(params, task)
        self._limits = {service: limit_of(params, service) for service in LIMITS}
        self._lock = RLock()
        self._made: dict[str, Any] = {}
        self.fair_share = fair_share

    @property
    def itglue(self) -> ItGlueClient:
        return self._once("itglue", self._new_itglue)

    @property
    def bms(self) -> BmsClient:
        return self._once("bms", self._new_bms)

    def graph(self, tenant_id: str) -> GraphClient:
        """The client of one Microsoft tenant: a token is good for that tenant alone."""
        return self._once(f"graph {tenant_id}", lambda: self._new_graph(tenant_id))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            client: T = self._made[name]
            return client

    def expect_new_people(self) -> None:
        """Hear that the run creates contacts."""
        if self.fair_share is not None:
            self.fair_share.has_new_people = True

    def _new_itglue(self) -> ItGlueClient:
        url, key = _required(self._params, "IT Glue", "itglue_url", "itglue_api_key")
        address = service_url(_with_scheme(url), itglue.REGIONS, "itglue_url")
        access = self._access("itglue", _identity(address), retry=PATIENT_RETRY)
        return ItGlueClient(url_or_region=address, api_key=key, access=access)

    def _new_bms(self) -> BmsClient:
        names = ("bms_url", "bms_company", "bms_username", "bms_password")
        url, company, username, dummy = _required(self._params, "Kaseya BMS", *names)
        address = service_url(_with_scheme(url), bms.REGIONS, "bms_url")
        password, mfa_secret = _password(self._params, "bms_password"), _text(self._params, "bms_mfa_secret")
        account, secrets = ("bms", _identity(address), company, username), [password, mfa_secret or ""]
        tokens = SharedTokens(*account, secrets=secrets, notice=self._task.warn)
        credential = BmsCredential(company, username, password, mfa_secret, tokens)
        access = self._access("bms", _identity(address), company, fair_share=self.fair_share)
        return BmsClient(url_or_region=address, credential=credential, access=access)

    def _new_graph(self, tenant_id: str) -> GraphClient:
        return GraphClient(
            tenant_id=tenant_id,
            credential=_graph_credential(self._params),
            access=self._access("graph", tenant_id, self._params["azure_client_id"] or ""),
            endpoints=graph_endpoints(
                self._params["azure_cloud"],
                _address(self._params, "azure_authority_host"),
                _address(self._params, "graph_url"),
            ),
        )

    def _access(
        self, service: str, *account: str, retry: RetryPolicy = DEFAULT_RETRY, fair_share: FairShare | None = None
    ) -> Access:
        """What a client of a service needs of this run; `account` is what the service counts requests by."""
        limit = self._limits.get(service)
        limiter = SharedLimiter(service, *account, limit=limit, notice=self._task.warn, fair_share=fair_share)
        return Access(self._http, self.calls, retry, limiter, self._task.secret)


def fair_share_of(params: Mapping[str, Any], *, counted: bool) -> FairShare:
    """The fair share of the organization of a task at short quotas. It counts only where the task is `counted`."""
    address = _identity(_with_scheme(_text(params, "itglue_url") or ""))
    organization = str(params["organization"]).strip().casefold()
    return FairShare(waiting_list("itglue", address), organization, counted=counted)


def _http_settings(params: Mapping[str, Any], task: Task) -> HttpSettings:
    timeout = params["timeout"]
    if not 0 < timeout < math.inf:
        raise InputError(f"The option timeout is {timeout:g}.", hint="It is a number of seconds above 0.")
    return HttpSettings(
        ca_path=_text(params, "ca_path"),
        timeout=timeout,
        proxy=_proxy(params),
        no_proxy=_text(params, "no_proxy"),
        notice=task.progress,
        log=task.log,
    )


def limit_of(params: Mapping[str, Any], service: str) -> Limit:
    """The quota of a service, used to the last request where an option gives it, as the published one is not.

    Raises InputError for one that cannot be right.
    """
    requests = params.get(f"{service}_quota")
    if requests is None:
        return LIMITS[service]
    if requests < 1:
        raise InputError(f"The option {service}_quota is {requests}.", hint="It is a number of requests above 0.")
    return replace(LIMITS[service], requests=requests, share=1.0)


def _graph_credential(params: Mapping[str, Any]) -> GraphCredential:
    """The app's credential. Of several the client takes the first in the order of Azure's own libraries."""
    (client_id,) = _required(params, "Microsoft Graph", "azure_client_id")
    kinds = ("azure_client_secret", "azure_certificate_path", "azure_federated_token_file")
    secret, certificate, token_file = (_text(params, name) for name in kinds)
    if not (secret or certificate or token_file):
        raise InputError(
            "Microsoft Graph is needed, but there is no credential for it.", hint=f"Set {_listed(kinds, 'or')}."
        )
    return GraphCredential(
        client_id=client_id,
        client_secret=secret,
        certificate_path=certificate,
        certificate_password=_password(params, "azure_certificate_password") or None,
        federated_token_file=token_file,
    )


def _required(params: Mapping[str, Any], service: str, *names: str) -> list[str]:
    """The values of options that a service cannot do without; `InputError` names all that are missing."""
    values = {name: _text(params, name) for name in names}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise InputError(
            f"{service} is needed, but {_listed(missing, 'and')} {verb} not set.",
            hint="Give the option or its environment variable.",
        )
    return [value for value in values.values() if value is not None]


def _listed(names: Sequence[str], last: str) -> str:
    shown = [f"{name} ({ENVIRONMENT[name]})" for name in names]
    return f" {last} ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _text(params: Mapping[str, Any], name: str) -> str | None:
    return (params[name] or "").strip() or None


def _password(params: Mapping[str, Any], name: str) -> str:
    """A password may begin or end with a blank; a line end comes from the file that it was read from."""
    return (params[name] or "").strip("\r\n")


def _address(params: Mapping[str, Any], name: str) -> str | None:
    value = _text(params, name)
    return None if value is None else _with_scheme(value)


def _identity(address: str) -> str:
    """An address in one form, however it is spelled."""
    return address.rstrip("/").removesuffix("/v2").casefold()


def _with_scheme(address: str) -> str:
    """A region or an address; a bare host, as Azure's own tools know it, is one with https. The clients check it."""
    return f"https://{address}" if "." in address and "://" not in address else address


def _proxy(params: Mapping[str, Any]) -> str | None:
    """The address of the proxy, http where no scheme is given. There may be a password in it: no error repeats it."""
    value = _text(params, "proxy")
    if value is None:
        return None
    address = value if "://" in value else f"http://{value}"
    if http_parts(address) is None:
        raise InputError("The option proxy (HTTPS_PROXY) is no address.", hint="It looks like http://host:port.")
    return address

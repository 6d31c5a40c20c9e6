# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access token of the app in a client's tenant, which Microsoft's library msal obtains from Entra."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from .._engine.errors import ApiError, AuthenticationError, InputError
from . import certificate
from .decoding import Reader, Row
from .error_mapping import ErrorMapping
from .request import Request
from .response import Response
from .session import HttpSession

try:
    import msal  # type: ignore[import-untyped]
except ImportError:
    msal = None


@dataclass(frozen=True, slots=True)
class GraphCredential:
    """What the application proves itself with: a secret, a certificate (PEM or PFX) or a federated token."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    certificate_path: str | None = None
    certificate_password: str | None = field(default=None, repr=False)
    federated_token_file: str | None = None

    def for_msal(self) -> str | Row:
        """The credential as msal takes it, the first one given in the order of Azure's own libraries.

        Raises `InputError` when its file cannot be read.
        """
        if self.client_secret:
            return self.client_secret
        if path := self.certificate_path:
            content = _read(path, "azure_certificate_path")
            return dict(certificate.for_msal(content, path, self.certificate_password))
        # Read for each token: the platform renews the file.
        return {"client_assertion": lambda: _token_in(str(self.federated_token_file))}

    @property
    def option(self) -> str:
        """The name of the option that counts; blank where there is none."""
        given = {
            "azure_client_secret": self.client_secret,
            "azure_certificate_path": self.certificate_path,
            "azure_federated_token_file": self.federated_token_file,
        }
        return next((name for name, value in given.items() if value), "")

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.client_secret, self.certificate_password) if secret)


@dataclass(frozen=True, slots=True)
class App:
    """The app in one tenant: where it gets its tokens, and for which Graph.

    `authority` is the address of Entra with the tenant's id, `consent_url` where an administrator consents.
    """

    credential: GraphCredential
    authority: str
    resource: str
    consent_url: str


class GraphTokens:
    """The tenant's access token, from msal's cache or from Entra."""

    shown_to: tuple[HttpSession, ...] = ()

    def __init__(self, session: HttpSession, app: App, on_secret: Callable[[str], None]) -> None:
        if not app.authority.startswith("https://"):
            raise InputError("The option azure_authority_host is no https address, which msal asks for.")
        self._wire = _MsalHttp(session, app.authority)
        self._app = app
        self._on_secret = on_secret
        self._lock = Lock()
        self._msal: Any = None
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
                    session.failures.add_secret(token)
            return {"Authorization": f"Bearer {token}"}

    def refused(self, headers: Mapping[str, str]) -> None:
        with self._lock:
            if self._msal is not None and headers["Authorization"] == f"Bearer {self._token}":
                self._msal.remove_tokens_for_client()

    def _acquired(self) -> str:
        try:
            if self._msal is None:
                self._msal = self._application()
            result = self._msal.acquire_token_for_client(scopes=[f"{self._app.resource}/.default"])
            token = result.get("access_token")
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            # msal has no error type of its own, and trusts the shape of what it receives.
            raise self._failed(error) from error
        if isinstance(token, str) and token:
            return token
        raise self._refused(result)

    def _application(self) -> Any:
        return msal.ConfidentialClientApplication(
            self._app.credential.client_id,
            client_credential=self._app.credential.for_msal(),
            authority=self._app.authority,
            http_client=self._wire,
            instance_discovery=False,
        )

    def _failed(self, error: Exception) -> ApiError | InputError:
        answer = self._wire.last
        if answer is not None and answer.status >= 400:
            body = answer.peek()
            return self._refused(body if isinstance(body, dict) else {})
        if self._app.credential.certificate_path and answer is None:
            # Nothing was asked with the certificate yet: it is what msal stumbled over.
            return InputError(
                "The Python library msal cannot use the certificate of azure_certificate_path.",
                hint="It takes msal 1.35 or newer.",
            )
        request = answer.request if answer is not None else ""
        return Reader("graph", request).error(f"msal cannot use it ({type(error).__name__})")

    def _refused(self, result: Row) -> ApiError:
        """The error for a refusal in Entra's form: `error`, `error_description`, `error_codes`."""
        answer, failures = self._wire.last, self._wire.session.failures
        said = failures.service_message(answer) if answer is not None and answer.status >= 400 else ""
        self._refusal = AuthenticationError(
            f"Microsoft Entra gives no token for {self._app.authority.rsplit('/', 1)[1]}:"
            f" {said or 'it does not say why.'}",
            service="graph",
            request=answer.request if answer is not None else "",
            status=answer.status if answer is not None else None,
            said=said,
            hint=self._hint(result.get("error_codes")),
        )
        return self._refusal

    def _hint(self, codes: object) -> str:
        known = [code for code in (codes if isinstance(codes, list) else ()) if isinstance(code, int)]
        hint = next((TOKEN_HINTS[code] for code in known if code in TOKEN_HINTS), _CONSENT)
        return hint.format(consent=self._app.consent_url, proof=_PROOFS.get(self._app.credential.option))


_CONSENT = "Check azure_client_id, and that an administrator of the tenant has consented to the app: {consent}"
_TENANT_HINT = "Check tenant_id and azure_cloud."
_PROOF = "Check {proof}."
_PROOFS = {
    "azure_client_secret": "azure_client_secret",
    "azure_certificate_path": "azure_certificate_path: its certificate must be registered for the app in Entra",
    "azure_federated_token_file": "azure_federated_token_file: the app must have a federated credential in Entra with "
    "exactly the issuer, the subject and the audience of the token",
}
TOKEN_HINTS: dict[int, str] = {
    7000215: "Check azure_client_secret: it is the secret's value, not its id.",
    7000222: "The secret has expired: make a new one for the app in Entra, and set azure_client_secret.",
    700016: _CONSENT,
    65001: _CONSENT,
    500011: _CONSENT,
    7000229: _CONSENT,
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
    """What msal sends goes through our session: the same certificates, proxy, time-outs, retries and counts.

    msal asks each tenant for its endpoints before it asks for a token. Microsoft documents them, so that request
    is answered here.
    """

    def __init__(self, session: HttpSession, authority: str) -> None:
        self.session = session
        self.last: Response | None = None
        self._authority = authority

    def get(self, url: str, **dummy: object) -> _MsalAnswer:
        """The endpoints of the tenant; msal gets nothing else."""
        endpoints = f"{self._authority}/oauth2/v2.0"
        configuration = {
            "issuer": f"{self._authority}/v2.0",
            "authorization_endpoint": f"{endpoints}/authorize",
            "token_endpoint": f"{endpoints}/token",
        }
        return _MsalAnswer(200, json.dumps(configuration), {})

    def post(
        self,
        url: str,
        params: Row | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **dummy: object,
    ) -> _MsalAnswer:
        request = Request(
            "POST",
            url,
            params=params or None,
            data=data,
            headers=headers or {},
            changes=False,
            allow=range(400, 500),
        )
        answer = self.session.send(request)
        self.last = answer
        if answer.status < 400:
            Reader("graph", answer.request).mapping(answer.json(), "the answer")
        return _MsalAnswer(answer.status, answer.content.decode("utf-8", "replace"), answer.headers)


class EntraErrors(ErrorMapping):
    """How Entra's token endpoint reports a failure."""

    def service_message(self, body: object) -> str:
        match body:
            case {"error_description": str() as message} | {"error": str() as message}:
                # What follows are numbers for Microsoft's support.
                return re.split(r"\s(?:Trace ID|Correlation ID|Timestamp):", message, maxsplit=1)[0]
            case _:
                return ""


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

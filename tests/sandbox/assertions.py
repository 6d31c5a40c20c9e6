# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Entra takes in the place of a secret: an assertion, signed by the app or by an issuer that it trusts.

By certificate: issuer and subject are the app, the audience is the tenant's token endpoint,
and the header bears the thumbprint of one of the world's `entra.certificates` (PEM), by
whose key it is signed and which has not expired.

By another identity provider: issuer, subject and audience are those of one of the world's
`entra.federated_credentials`, each `{"issuer", "subject", "audience", "public_key"}`; the
key (PEM) is what Entra would find at the issuer. The comparison minds case.

Sources: Microsoft's "Microsoft identity platform application authentication certificate
credentials" and "Workload identity federation".
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from .core import Json, WorldError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("PS256", "RS256")
AUDIENCE = "api://AzureADTokenExchange"
FEDERATED_CREDENTIAL: Json = {"issuer": None, "subject": None, "audience": AUDIENCE, "public_key": None}
#: How far the client's clock may be ahead or behind.
SKEW = timedelta(minutes=5)


class Refusal(Exception):
    """An answer with an AADSTS code."""

    def __init__(self, code: int, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.error = error
        self.text = text
        self.status = status


def complete(section: Json) -> None:
    """Refuse a world whose certificates or keys cannot be read."""
    for number, text in enumerate(section["certificates"]):
        _readable(f"entra.certificates[{number}]", x509.load_pem_x509_certificate, text)
    for number, record in enumerate(section["federated_credentials"]):
        _readable(f"entra.federated_credentials[{number}].public_key", load_pem_public_key, record["public_key"])


def _readable(place: str, load: Any, text: Any) -> None:
    try:
        load(text.encode())
    except (AttributeError, ValueError) as error:
        raise WorldError(f"{place} is no PEM of its kind") from error


def check(form: Json, app: Json, audiences: Collection[str], now: datetime) -> None:
    """Raise `Refusal` unless the form's assertion proves the app; `audiences` are the names of the token endpoint."""
    text = form["client_assertion"]
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        header, claims = {}, {}
    if form.get("client_assertion_type") != ASSERTION_TYPE or header.get("alg") not in ALGORITHMS:
        raise Refusal(50027, "invalid_request", "JWT token is invalid or malformed.")
    if claims.get("iss") == claims.get("sub"):
        _check_certificate(text, header, claims, form["client_id"], app["certificates"], audiences, now)
    else:
        _check_federated(text, claims, app["federated_credentials"])
    if not _in_time(claims, now):
        raise _refused(700024, "Client assertion is not within its valid time range.")


def _check_certificate(
    text: str,
    header: Json,
    claims: Json,
    client_id: str,
    registered: Iterable[str],
    audiences: Collection[str],
    now: datetime,
) -> None:
    if claims.get("sub") != client_id:
        raise _refused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    if claims.get("aud") not in audiences:
        raise _refused(700023, "Client assertion audience claim does not match Realm issuer.")
    certificates = [x509.load_pem_x509_certificate(each.encode()) for each in registered]
    used = next((each for each in certificates if _bears(header, each)), None)
    if used is None:
        raise _refused(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on application. "
            "[Reason - The key was not found.]",
        )
    if not _signed(text, used.public_key()):
        raise _refused(700027, "Client assertion failed signature validation. [Reason - The signature is invalid.]")
    if not used.not_valid_before_utc <= now <= used.not_valid_after_utc:
        raise _refused(
            700027,
            "The certificate with identifier used to sign the client assertion is expired on application. "
            "[Reason - The key used is expired.]",
        )


def _check_federated(text: str, claims: Json, trusted: Iterable[Json]) -> None:
    fitting = list(trusted)
    for code, claim, name in ((700211, "iss", "issuer"), (700213, "sub", "subject"), (700212, "aud", "audience")):
        value = claims.get(claim)
        fitting = [each for each in fitting if value in (each[name], [each[name]])]
        if not fitting:
            raise _refused(
                code, f"No matching federated identity record found for presented assertion {name} '{value}'."
            )
    if not any(_signed(text, load_pem_public_key(each["public_key"].encode())) for each in fitting):
        raise _refused(5000224, "Signature validation of the assertion failed: no key of the issuer fits.")


def _bears(header: Json, certificate: x509.Certificate) -> bool:
    """Whether the header names the certificate by its thumbprint, of SHA-256 or else of SHA-1."""
    for name, algorithm in (("x5t#S256", SHA256()), ("x5t", SHA1())):
        if name in header:
            thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(algorithm)).decode()
            return str(header[name]).rstrip("=") == thumbprint.rstrip("=")
    return False


def _signed(text: str, key: Any) -> bool:
    try:
        jwt.decode(text, key, list(ALGORITHMS), options={"verify_aud": False, "verify_exp": False, "verify_nbf": False})
    except jwt.InvalidTokenError:
        return False
    return True


def _in_time(claims: Json, now: datetime) -> bool:
    try:
        begins, ends = (
            datetime.fromtimestamp(seconds, timezone.utc) for seconds in (claims.get("nbf", 0), claims["exp"])
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return False
    return begins - SKEW <= now <= ends + SKEW


def _refused(code: int, text: str) -> Refusal:
    return Refusal(code, "invalid_client", text, 401)

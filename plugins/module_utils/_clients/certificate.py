# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate of the app and its private key, from a PEM or PFX file.

What is wrong with the file is said before anything is sent: Entra's answer would only be
that it does not know the signature.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeAlias

from .._engine.errors import InputError

try:
    # It comes with msal.
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
        pkcs12,
    )
except ImportError:
    x509 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

Found: TypeAlias = "tuple[PrivateKeyTypes | None, list[x509.Certificate]]"

OPTION = "azure_certificate_path"
PASSWORD_OPTION = "azure_certificate_password"


def for_msal(content: bytes, path: str, password: str | None) -> dict[str, str]:
    """The credential as msal takes it: the key, open, and the certificate, both as PEM.

    Of several certificates, as in a chain, it is the one of the key. Raises `InputError`
    when the file at `path` cannot be opened, lacks either, or has expired.
    """
    if x509 is None:
        raise InputError(
            "The Python library cryptography is missing.",
            hint="It comes with msal. Install it for the Python that runs the task: pip install msal.",
        )
    key, certificates = _opened(content, path, password)
    if key is None or not certificates:
        lacking = "a private key" if key is None else "a certificate"
        raise InputError(f"The option {OPTION} names {path}, which lacks {lacking}.")
    if not isinstance(key, RSAPrivateKey):
        raise InputError(f"The option {OPTION} names {path}, whose key is no RSA key: Entra takes no other.")
    public = key.public_key()
    certificate = next((each for each in certificates if each.public_key() == public), None)
    if certificate is None:
        raise InputError(f"The option {OPTION} names {path}, whose certificate is not that of its key.")
    if (ends := _ends(certificate)) < datetime.now(timezone.utc):
        raise InputError(
            f"The option {OPTION} names {path}, whose certificate has expired on {ends:%Y-%m-%d}.",
            hint="Make a new one, and register it for the app in Entra.",
        )
    return {
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "public_certificate": certificate.public_bytes(Encoding.PEM).decode(),
    }


def _opened(content: bytes, path: str, password: str | None) -> Found:
    """The key and the certificates that a file holds."""
    secret = password.encode() if password else None
    try:
        return _pem(content, secret) if b"-----BEGIN" in content else _pfx(content, secret)
    except (ValueError, TypeError) as error:
        # What the library says may repeat parts of the file.
        advice = (
            f"{PASSWORD_OPTION} may be wrong, or the key may have none."
            if password
            else f"A key with a password needs {PASSWORD_OPTION}."
        )
        raise InputError(
            f"The option {OPTION} names {path}, which cannot be opened.", hint=f"Is it a PEM or PFX file? {advice}"
        ) from error


def _pem(content: bytes, password: bytes | None) -> Found:
    key = load_pem_private_key(content, password) if b"PRIVATE KEY-----" in content else None
    blocks = re.findall(b"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", content, re.DOTALL)
    return key, [x509.load_pem_x509_certificate(block) for block in blocks]


def _pfx(content: bytes, password: bytes | None) -> Found:
    key, certificate, others = pkcs12.load_key_and_certificates(content, password)
    return key, [each for each in (certificate, *others) if each is not None]


def _ends(certificate: x509.Certificate) -> datetime:
    """When it expires; cryptography before 42 knows that time without its zone only."""
    ends = getattr(certificate, "not_valid_after_utc", None)
    return ends or certificate.not_valid_after.replace(tzinfo=timezone.utc)

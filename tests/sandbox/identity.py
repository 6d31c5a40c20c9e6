# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an app or an identity provider has to prove itself with: a key, certificates of it, tokens. For tests."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)


class Identity:
    """An RSA key, which is what Entra takes, and a certificate of it that ends in so many days."""

    def __init__(self, days: float = 1) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=10))
        self.certificate = builder.not_valid_after(now + datetime.timedelta(days=days)).sign(self.key, SHA256())

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def public_key_pem(self) -> str:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def key_pem(self, password: str | None = None, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
        return self.key.private_bytes(Encoding.PEM, form, _lock(password)).decode()

    def pem(self, path: Path, password: str | None = None, **options: Any) -> str:
        """Write the key and the certificate to a file; its path."""
        path.write_text(self.key_pem(password, **options) + self.certificate_pem)
        return str(path)

    def pfx(self, path: Path, password: str | None = None) -> str:
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(b"app", self.key, self.certificate, None, _lock(password))
        )
        return str(path)

    def token(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A JWT that is signed with the key and ends in an hour."""
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return jwt.encode({"exp": ends, **claims}, self.key, "PS256", headers)


def _lock(password: str | None) -> Any:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()

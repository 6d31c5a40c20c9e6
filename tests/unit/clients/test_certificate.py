# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file with the app's certificate: every form of it is taken, and what is wrong with it is said."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import certificate
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.certificate import for_msal
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from tests.sandbox.identity import Identity

WORD = "pass-phrase"


@pytest.fixture(scope="module")
def app():
    return Identity()


@pytest.fixture(scope="module")
def authority():
    return Identity()


def read(content: str | bytes, password: str | None = None) -> dict:
    raw = content.encode() if isinstance(content, str) else content
    return for_msal(raw, "/etc/app", password)


def refusal(content: str | bytes, password: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(content, password)
    message = str(caught.value)
    assert "azure_certificate_path names /etc/app" in message
    assert "PRIVATE KEY" not in message
    if password:
        assert password not in message
    return message


def pfx(identity: Identity, *others: Identity, key=True) -> bytes:
    chain = [each.certificate for each in others]
    return pkcs12.serialize_key_and_certificates(
        b"app", identity.key if key else None, identity.certificate, chain, NoEncryption()
    )


def test_every_form_of_a_file_is_taken(app, authority, tmp_path):
    old, chain = PrivateFormat.TraditionalOpenSSL, authority.certificate_pem
    forms = [
        (app.key_pem() + app.certificate_pem, None),
        (app.certificate_pem + app.key_pem(), None),
        (app.key_pem(form=old) + app.certificate_pem, None),
        (app.key_pem(WORD) + app.certificate_pem, WORD),
        (app.key_pem(WORD, old) + app.certificate_pem, WORD),
        ("Bag Attributes\n    name: app\n" + app.certificate_pem + "Key Attributes\n" + app.key_pem(), None),
        (chain + app.certificate_pem + app.key_pem(), None),
        (pfx(app), None),
        (pfx(app, authority), None),
    ]
    app.pfx(tmp_path / "locked", WORD)
    forms.append(((tmp_path / "locked").read_bytes(), WORD))
    for content, password in forms:
        taken = read(content, password)
        assert taken["public_certificate"] == app.certificate_pem
        assert load_pem_private_key(taken["private_key"].encode(), None).private_numbers() == app.key.private_numbers()


@pytest.mark.parametrize("password", ["wrong-word", None])
def test_a_file_that_does_not_open(app, tmp_path, password):
    app.pfx(tmp_path / "app", WORD)
    for content in (app.key_pem(WORD) + app.certificate_pem, (tmp_path / "app").read_bytes()):
        message = refusal(content, password)
        assert "cannot be opened" in message
        assert "azure_certificate_password" in message


def test_a_password_that_nothing_asks_for(app):
    assert "azure_certificate_password may be wrong, or the key may have none" in refusal(
        app.key_pem() + app.certificate_pem, WORD
    )


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"])
def test_a_file_that_is_no_certificate(content):
    assert "Is it a PEM or PFX file?" in refusal(content)


def test_what_is_lacking_is_named(app):
    assert "lacks a private key" in refusal(app.certificate_pem)
    assert "lacks a private key" in refusal(pfx(app, key=False))
    assert "lacks a certificate" in refusal(app.key_pem())


def test_a_certificate_of_another_key(app, authority):
    assert "whose certificate is not that of its key" in refusal(app.key_pem() + authority.certificate_pem)


def test_a_key_that_entra_does_not_take(app):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert "no RSA key" in refusal(pem + app.certificate_pem)


def test_an_expired_certificate():
    expired = Identity(days=-1)
    ended = expired.certificate.not_valid_after_utc.strftime("%Y-%m-%d")
    for content in (expired.key_pem() + expired.certificate_pem, pfx(expired)):
        assert f"whose certificate has expired on {ended}" in refusal(content)


def test_the_end_as_an_older_library_has_it(app, monkeypatch):
    """cryptography before 42 gives the time of expiry without a zone, and only so."""

    class Old:
        not_valid_after = app.certificate.not_valid_after_utc.replace(tzinfo=None)

    assert certificate._ends(Old()) == app.certificate.not_valid_after_utc


def test_a_missing_library_is_named(app, monkeypatch):
    monkeypatch.setattr(certificate, "x509", None)
    with pytest.raises(InputError, match="cryptography is missing"):
        read(app.key_pem() + app.certificate_pem)


def test_the_certificate_is_a_certificate(app):
    """The helper of these tests is no stand-in: it makes what a real tool reads."""
    assert x509.load_pem_x509_certificate(app.certificate_pem.encode()) == app.certificate

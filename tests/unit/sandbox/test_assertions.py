# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entra in the sandbox: what proves the app in the place of a secret, and what does not."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from tests.sandbox.assertions import ASSERTION_TYPE
from tests.sandbox.graph import Graph
from tests.sandbox.identity import Identity
from tests.sandbox.local import ORIGIN, Local

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "cccccccc-2222-4333-8444-555555555555"
ISSUER, SUBJECT, AUDIENCE = "https://issuer.example", "repo:msp/sync:ref:refs/heads/main", "api://AzureADTokenExchange"
ENDPOINT = f"{ORIGIN}/{TENANT}/oauth2/v2.0/token"


@pytest.fixture(scope="module")
def app():
    return Identity()


@pytest.fixture(scope="module")
def other():
    return Identity(days=-1)


@pytest.fixture
def ask(app, other):
    """Asks for a token with an assertion; the refusal's code, or None."""
    trusted = [{"issuer": ISSUER, "subject": SUBJECT, "public_key": app.public_key_pem}]
    entra = {
        "client_id": CLIENT,
        "tenants": [{"tenant_id": TENANT}],
        "certificates": [other.certificate_pem, app.certificate_pem],
        "federated_credentials": trusted,
    }
    sandbox = Local({"entra": entra}, services=(Graph,))

    def ask(assertion: str, kind: str = ASSERTION_TYPE) -> int | None:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "scope": f"{ORIGIN}/.default",
            "client_assertion": assertion,
            "client_assertion_type": kind,
        }
        answer = sandbox.post("graph", f"/{TENANT}/oauth2/v2.0/token", data=form)
        if answer.status_code == 200:
            return None
        (code,) = answer.json()["error_codes"]
        return code

    return ask


def thumbprint(identity: Identity, algorithm=None) -> str:
    return base64.urlsafe_b64encode(identity.certificate.fingerprint(algorithm or SHA256())).decode().rstrip("=")


def by_certificate(identity: Identity, header: dict | None = None, **changes) -> str:
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": ENDPOINT, **changes}
    return identity.token({"x5t#S256": thumbprint(identity)} if header is None else header, **claims)


def by_provider(identity: Identity, **changes) -> str:
    return identity.token(**{"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, **changes})


def test_the_app_proves_itself_by_its_certificate(app, ask):
    assert ask(by_certificate(app)) is None
    assert ask(by_certificate(app, {"x5t": thumbprint(app, SHA1())})) is None
    assert ask(by_certificate(app, aud=f"{ORIGIN}/{TENANT}/v2.0")) is None


def test_a_trusted_provider_speaks_for_the_app(app, ask):
    assert ask(by_provider(app)) is None
    assert ask(by_provider(app, aud=[AUDIENCE])) is None


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (700021, {"iss": TENANT, "sub": TENANT}),
        (700023, {"aud": "https://elsewhere.example/token"}),
        (700023, {"aud": ENDPOINT.replace(TENANT, CLIENT)}),
        (700024, {"exp": 1}),
        (700024, {"exp": "soon"}),
        (700024, {"nbf": time.time() + 3600}),
        (700027, {"header": {}}),
        (700027, {"header": {"x5t#S256": "AAAA"}}),
    ],
)
def test_a_wrong_claim_is_refused(app, ask, code, changes):
    assert ask(by_certificate(app, **changes)) == code


def test_a_strange_key_is_refused(app, ask):
    stranger = Identity()
    assert ask(by_certificate(stranger)) == 700027
    assert ask(by_certificate(stranger, {"x5t#S256": thumbprint(app)})) == 700027
    assert ask(by_provider(stranger)) == 5000224


def test_an_expired_certificate_is_refused(other, ask):
    assert ask(by_certificate(other)) == 700027


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (700211, {"iss": f"{ISSUER}/"}),
        (700213, {"sub": SUBJECT.upper()}),
        (700212, {"aud": "api://elsewhere"}),
        (700024, {"exp": 1}),
    ],
)
def test_a_token_of_another_shape_than_the_registered_one_is_refused(app, ask, code, changes):
    assert ask(by_provider(app, **changes)) == code


@pytest.mark.parametrize("text", ["", "no.jwt", "e30.e30.c2ln", "a.b.c"])
def test_what_is_no_assertion_is_refused(ask, text):
    assert ask(text) == 50027


def test_an_assertion_is_named_as_such(app, ask):
    assert ask(by_certificate(app), "something-else") == 50027

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One-time passwords, by the test vectors of RFC 6238 (cut to six digits)."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.totp import totp, totp_key
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError

KEY = b"12345678901234567890"


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000.9, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc(moment, code):
    assert totp(KEY, moment) == code


@pytest.mark.parametrize("form", ["{}", " {} ", "{}======"])
def test_secrets_as_people_copy_them(form):
    secret = base64.b32encode(KEY).decode()
    grouped = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4)).lower()
    assert totp_key(form.format(secret), "x") == totp_key(form.format(grouped), "x") == KEY
    assert totp_key("JBSWY3DP-EHPK3PXP", "x") == totp_key("jbswy3dpehpk3pxp", "x")


@pytest.mark.parametrize("secret", ["", "===", "01890189", "ABC", "geheim!", "ÄÖÜ", "A"])
def test_what_is_no_secret_is_an_input_error(secret):
    with pytest.raises(InputError, match="bms_mfa_secret"):
        totp_key(secret, "bms_mfa_secret")


def test_a_wrong_secret_is_not_shown():
    with pytest.raises(InputError) as caught:
        totp_key("GEZDGNBVGY3TQOJ1", "bms_mfa_secret")
    assert "GEZDGNBVGY3TQOJ1" not in str(caught.value)

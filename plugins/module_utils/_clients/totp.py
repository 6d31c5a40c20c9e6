# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time-based one-time passwords (RFC 6238): SHA-1, six digits, steps of 30 seconds, as authenticator apps use them."""

from __future__ import annotations

import base64
import binascii
import hmac

from .._engine.errors import InputError

_STEP = 30
_DIGITS = 6


def totp_key(secret: str, option: str) -> bytes:
    """The key of a base32 secret as people copy it: in groups, in lower case, without padding."""
    plain = "".join(secret.split()).replace("-", "").rstrip("=").upper()
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise InputError(f"The option {option} is no base32 secret.", hint="It has the letters A to Z and 2 to 7 only.")
    return key


def totp(key: bytes, moment: float) -> str:
    """The code at a moment in seconds since 1970."""
    digest = hmac.digest(key, int(moment // _STEP).to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one gets into the played BMS: passwords, one-time codes, access and refresh tokens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from .bms_wire import Failure, Json, bad, stamp, unauthorized

if TYPE_CHECKING:
    from .bms import Bms

STEP = 30
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def totp(secret: str, seconds: float, digits: int = 6) -> str:
    """The one-time code of RFC 6238 (SHA-1, 30 seconds) for a secret in base32."""
    text = secret.replace(" ", "").replace("-", "").upper()
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(seconds) // STEP), hashlib.sha1).digest()
    offset = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return str((number & 0x7FFFFFFF) % 10**digits).zfill(digits)


@dataclass(frozen=True)
class Refresh:
    """What a refresh token is good for."""

    access_token: str
    until: float


class Security:
    """The tokens that are out. A reset makes all of them worthless."""

    def __init__(self, bms: Bms) -> None:
        self.bms = bms
        self._key = secrets.token_bytes(32)
        self._issued = 0
        self._access: dict[str, float] = {}
        self._refresh: dict[str, Refresh] = {}

    async def fields(self, request: Request) -> dict[str, str]:
        """The fields of a form by name in lower case, multipart or urlencoded."""
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type not in FORMS:
            raise Failure(415, "Unsupported Media Type")
        try:
            form = await request.form()
        except (HTTPException, MultiPartException) as error:
            raise bad("The request is invalid.", "The form cannot be read.") from error
        return {name.lower(): value for name, value in form.items() if isinstance(value, str)}

    def authenticate(self, fields: dict[str, str]) -> Json:
        """New tokens for a password. Which error a wrong or missing code has is not known: the same as a password."""
        if not fields.get("granttype"):
            raise bad("The request is invalid.", "The GrantType field is required.")
        if fields["granttype"] != "password":
            raise bad("The request is invalid.", f"The grant type {fields['granttype']} is not supported.")
        records = self.bms.records
        given = [fields.get(name, "") for name in ("tenant", "username", "password")]
        if given != [records[name] for name in ("company", "username", "password")]:
            raise unauthorized("The company, the user name or the password is wrong.")
        if records["mfa_secret"] and not self._code_fits(records["mfa_secret"], fields.get("mfacode", "")):
            raise unauthorized("The MFA code is missing or wrong.")
        return self._issue()

    def refresh(self, fields: dict[str, str]) -> Json:
        """New tokens for a pair of old ones; the refresh token is used up, the access token may have expired."""
        access = fields.get("accesstoken")
        if not access:
            raise bad("The request is invalid.", "The AccessToken field is required.")
        known = self._refresh.get(fields.get("refreshtoken", ""))
        if known is None or known.access_token != access or known.until <= self.bms.sandbox.clock():
            raise unauthorized("The refresh token is wrong, used or expired.")
        del self._refresh[fields["refreshtoken"]]
        return self._issue()

    def check(self, token: str | None) -> None:
        """Raise `Failure` unless the token is good now."""
        if token is None or self._access.get(token, 0) <= self.bms.sandbox.clock():
            raise unauthorized()

    def _code_fits(self, secret: str, code: str) -> bool:
        """Whether a code is that of this step, or of the one before or after it, since clocks differ."""
        now = self.bms.sandbox.clock()
        try:
            return any(hmac.compare_digest(totp(secret, now + step * STEP), code.strip()) for step in (0, -1, 1))
        except (binascii.Error, ValueError, TypeError):
            return False

    def _issue(self) -> Json:
        now = self.bms.sandbox.clock()
        behaviour = self.bms.sandbox.behaviour
        access_until = now + behaviour["token_lifetime"]
        refresh_until = now + behaviour["bms_refresh_lifetime"]
        access, refresh = self._jwt(now, access_until), secrets.token_urlsafe(48)
        self._access[access] = access_until
        self._refresh[refresh] = Refresh(access, refresh_until)
        return {
            "accessToken": access,
            "refreshToken": refresh,
            "accessTokenExpireOn": _utc(access_until),
            "refreshTokenExpireOn": _utc(refresh_until),
        }

    def _jwt(self, now: float, until: float) -> str:
        self._issued += 1
        records = self.bms.records
        claims = {
            "sub": records["username"],
            "tenant": records["company"],
            "jti": self._issued,
            "iat": int(now),
            "exp": int(until),
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{signed}.{_base64(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _utc(seconds: float) -> str:
    return stamp(datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The login to Kaseya BMS: a bearer token, obtained with the first call and renewed before it expires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

from .._engine.errors import ApiError, AuthenticationError, NotFoundError, PermissionDeniedError, RejectedError
from .bms_decoding import body
from .bms_errors import value
from .request import Request
from .response import Response
from .retry import Timing
from .session import HttpSession
from .tokens import SharedTokens
from .totp import totp, totp_key

_REFUSAL_LASTS = 60.0
_UNKNOWN_LIFETIME = 600.0
_LONGEST_LIFETIME = 86_400
_REFUSED = (
    "Check bms_company (the company name under My Settings in BMS), bms_username and bms_password, bms_mfa_secret "
    "where the user has one, and that the user's role has API access."
)


@dataclass(frozen=True, slots=True)
class BmsCredential:
    """Who logs in to BMS. With `tokens`, one login serves all processes that share them."""

    company: str
    username: str
    password: str = field(repr=False)
    mfa_secret: str | None = field(default=None, repr=False)
    tokens: SharedTokens | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.password, self.mfa_secret) if self.mfa_secret else (self.password,)


class BmsLogin:
    """The bearer token: obtained with the first call, renewed before it expires or when it is refused.

    Processes that share their tokens do so one after another: the first obtains them, the others find them.
    So it is with a refusal, since many tasks with a wrong password would lock the user out.
    """

    session: HttpSession

    def __init__(self, credential: BmsCredential, on_secret: Callable[[str], None], timing: Timing) -> None:
        self._fields = {
            "UserName": credential.username,
            "Password": credential.password,
            "Tenant": credential.company,
            "GrantType": "password",
        }
        self._mfa_key = totp_key(credential.mfa_secret, "bms_mfa_secret") if credential.mfa_secret else None
        self._shared = credential.tokens
        self._on_secret = on_secret
        self._clock = timing.clock
        self._now = timing.now
        self._lock = Lock()
        self._access: str | None = None
        self._refresh: str | None = None
        self._due: float | None = None
        self._refused: str | None = None
        self._multipart = False
        self._refusal: AuthenticationError | None = None

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self._access is None or self._is_due():
                self._obtain()
            return {"Authorization": f"Bearer {self._access}"}

    def refused(self, headers: Mapping[str, str]) -> None:
        with self._lock:
            if headers["Authorization"] == f"Bearer {self._access}":
                self._refused, self._access = self._access, None

    def _is_due(self) -> bool:
        return self._due is not None and self._clock() >= self._due

    def _obtain(self) -> None:
        if self._shared is None:
            self._renew()
            return
        with self._shared.exclusively():
            self._take_over(self._shared.read())
            if self._access is None or self._is_due():
                self._renew()

    def _take_over(self, stored: Mapping[str, Any]) -> None:
        """Use what another process obtained, unless it was refused here."""
        if "refusal" in stored:
            self._refusal = AuthenticationError(**stored["refusal"], service="bms", hint=_REFUSED)
            raise self._refusal
        if stored and stored["access"] != self._refused:
            self._keep(stored["access"], stored["refresh"], stored["due"] - self._now())

    def _keep(self, access: str, refresh: str | None, good_for: float | None) -> None:
        for secret in (access, refresh):
            if secret:
                self.session.failures.add_secret(secret)
                self._on_secret(secret)
        self._access, self._refresh = access, refresh
        self._due = None if good_for is None else self._clock() + good_for

    def _renew(self) -> None:
        if self._access is not None and self._refresh is not None:
            # A refresh token is taken to be good for one use: never sent twice.
            form = {"AccessToken": self._access, "RefreshToken": self._refresh}
            try:
                self._take(self._post("refreshtoken", form, changes=True))
                return
            except ApiError:
                pass
        self._log_in()

    def _log_in(self) -> None:
        form = dict(self._fields)
        if self._mfa_key is not None:
            form["MFACode"] = totp(self._mfa_key, self._now())
        try:
            answer = self._post("authenticate", form, changes=False)
        except (RejectedError, PermissionDeniedError, AuthenticationError) as error:
            refusal = {name: getattr(error, name) for name in ("message", "request", "status", "said")}
            if self._shared is not None:
                self._shared.write({"refusal": refusal, "until": self._now() + _REFUSAL_LASTS})
            self._refusal = AuthenticationError(**refusal, service="bms", hint=_REFUSED)
            raise self._refusal from error
        except NotFoundError as error:
            raise AuthenticationError(
                error.message,
                service="bms",
                request=error.request,
                status=error.status,
                said=error.said,
                hint="Check bms_url: it is the host of the API (https://api.bms.kaseya.com), not that of the site.",
            ) from error
        self._take(answer)

    def _post(self, name: str, form: Mapping[str, str], *, changes: bool) -> Response:
        """Send a login: as a URL-encoded form, as all clients that are known to work do, or else as the description
        says (multipart)."""
        path = f"/v2/security/{name}"
        request = Request("POST", path, data=form, template=path, changes=changes, authorized=False, allow=(400, 415))
        answer = self.session.send(replace(request, data=None, form=form) if self._multipart else request)
        if answer.status < 300:
            return answer
        if not self._multipart and _form_not_understood(answer):
            self._multipart = True
            return self._post(name, form, changes=changes)
        raise self.session.failures.of_answer(answer)

    def _take(self, answer: Response) -> None:
        read, whole = body(answer)
        result = read.part(whole, "result")
        access, refresh = read.needed_text(result, "accessToken"), read.text(result, "refreshToken")
        lifetime = _lifetime(read.text(result, "accessTokenExpireOn"), answer.headers.get("Date"), self._now())
        good_for = None if lifetime is None else lifetime - min(60.0, lifetime / 5)
        self._keep(access, refresh, good_for)
        if self._shared is not None:
            now, until = self._now(), lifetime or _UNKNOWN_LIFETIME
            due = now + (until if good_for is None else good_for)
            self._shared.write({"access": access, "refresh": refresh, "due": due, "until": now + until})


def _form_not_understood(answer: Response) -> bool:
    """Whether the form of a request was refused, not what stands in it: BMS's own refusal has a `success`."""
    return answer.status == 415 or value(answer.peek(), "success") is None


def _lifetime(expires: str | None, date: str | None, now: float) -> float | None:
    """Seconds until a token expires, by the service's own clock; None where a refusal has to tell.

    Whether the stamp has a zone is not published. Without one it is taken for UTC;
    what then makes no sense (past, or longer than a day) was local time or a wrong clock.
    """
    try:
        moment = datetime.fromisoformat(expires or "")
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        sent = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        sent = now
    lifetime = moment.timestamp() - sent
    return lifetime if 0 < lifetime <= _LONGEST_LIFETIME else None

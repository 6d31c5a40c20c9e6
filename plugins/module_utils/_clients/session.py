# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The one way to talk HTTP: keep-alive, retries by method, throttling, error types, counts.

What is tried again depends on what a repetition can do. A read, or a write that sets
absolute values, may be sent twice. A create may not: it is repeated only when it
certainly was not carried out (the service throttled it, wanted a new login, or was
never reached); in any other doubt it is `OutcomeUnknownError`, and the caller looks.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import Protocol
from urllib.parse import quote, urlsplit

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from .decoding import TITLES
from .retry import DEFAULT_RETRY, RetryPolicy, moment, retry_after
from .transport import (
    TRANSPORT_ERRORS,
    HttpSettings,
    certificate_refused,
    checked_base,
    keep_alive,
    never_connected,
    origin,
    reason,
    same_origin,
    timed_out,
)

_CONNECT_TIMEOUT = 10.0
_SAID_LENGTH = 300
_SHORTEST_SECRET = 4
_WORTH_A_WORD = 5.0


class Calls:
    """Counts the requests sent on the wire; shared by the clients of a run and their threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts = dict.fromkeys(TITLES, 0)

    def count(self, service: str) -> None:
        with self._lock:
            self._counts[service] += 1

    def by_service(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)


class Limiter(Protocol):
    """Keeps the quota that a service sets; `key` is `METHOD template`, or blank where it is one for all."""

    def acquire(self, key: str) -> float:
        """Count a request and return 0; or count nothing and return the seconds to wait before asking again."""

    def hold(self, key: str, seconds: float) -> None:
        """The service throttles: a request within so many seconds would be refused, and counted as well."""


class _Unlimited:
    """Knows no quota but what the service says of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._held: dict[str, float] = {}

    def acquire(self, key: str) -> float:
        with self._lock:
            return max(0.0, self._held.get(key, 0.0) - self._clock())

    def hold(self, key: str, seconds: float) -> None:
        with self._lock:
            self._held[key] = max(self._held.get(key, 0.0), self._clock() + seconds)


class Authorizer(Protocol):
    """Supplies the credentials of each request."""

    def headers(self) -> Mapping[str, str]:
        """The headers that authenticate; obtains them when there are none."""

    def refused(self, headers: Mapping[str, str]) -> None:
        """These headers brought an HTTP 401: the next `headers` must be other ones."""


class Response:
    """What a service answered. `after_doubt`: an earlier try of the same write may have been carried out."""

    __slots__ = ("service", "request", "status", "headers", "content", "after_doubt", "_decoded")

    def __init__(self, service: str, request: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.service = service
        self.request = request
        self.status = status
        self.headers = headers
        self.content = content
        self.after_doubt = False
        self._decoded: object = _UNREAD

    def json(self) -> object:
        """The decoded body; `ProtocolError` when it is no JSON."""
        body = self.peek()
        if body is _UNREADABLE:
            raise ProtocolError(
                f"{TITLES[self.service]}'s answer to {self.request} (HTTP {self.status}) is no JSON.",
                service=self.service,
                request=self.request,
                status=self.status,
                hint="Check the address: a login page or a proxy may have answered in its place.",
            )
        return body

    def peek(self) -> object:
        """The decoded body, or `_UNREADABLE`."""
        if self._decoded is _UNREAD:
            self._decoded = _decode(self.content)
        return self._decoded

    @property
    def readable(self) -> bool:
        return self.peek() is not _UNREADABLE


_UNREAD = object()
_UNREADABLE = object()


def _decode(content: bytes) -> object:
    try:
        body = json.loads(content)
        # Half of a surrogate pair is valid JSON, but no text: it could not be written out again.
        return _whole_characters(body) if b"\\ud" in content or b"\\uD" in content else body
    except (ValueError, RecursionError):
        return _UNREADABLE


def _whole_characters(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole_characters(item) for item in value]
        case dict():
            return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
        case _:
            return value


class ErrorMapping:
    """How a service speaks of failure. Each client brings its own; this one knows HTTP alone."""

    hints: Mapping[type[ApiError], str] = {}
    """What to do, by kind of failure, where the service calls for other words than `_HINTS`."""

    def status(self, answer: Response) -> int:
        """The HTTP status, or the one that the answer means where the service says it in the body."""
        return answer.status

    def said(self, body: object) -> str:
        """The service's own words in a decoded body of any shape; blank when there are none."""
        match body:
            case {"message": str(words)} | {"error": {"message": str(words)}}:
                return words
            case _:
                return ""

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        """The type of error that a status stands for."""
        return _KINDS.get(status) or (RejectedError if status < 500 else UnavailableError)

    def details(self, answer: Response) -> dict:
        """Further arguments of a `RejectedError`."""
        return {}


_HINTS: dict[type[ApiError], str] = {
    NotFoundError: "It may have been deleted, or the address of the service is not right.",
    UnavailableError: "Try again later.",
}
_UNCLEAR_HINT = "Whether it was carried out is not known."
_KINDS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: UnavailableError,
    410: NotFoundError,
    425: UnavailableError,
    429: QuotaExceededError,
    501: RejectedError,
}
_TRANSIENT = frozenset((408, 425, 500, 502, 503, 504))


class TimeoutBeforeAnswerError(UnavailableError):
    """The service did not answer in time to a request that was sent with `patient=False`."""


class _Outcome(Enum):
    DONE = "a usable answer"
    FINAL = "a refusal that another try would not change"
    STALE = "the credentials are to be renewed"
    THROTTLED = "not carried out, for want of quota"
    UNSENT = "never reached the service"
    DOUBTFUL = "possibly carried out"


@dataclass(slots=True)
class _Exchange:
    """One request through all its tries."""

    method: str
    url: str
    path: str
    key: str
    writes: bool
    repeatable: bool
    patient: bool
    allow: Collection[int]
    needs: str | None
    authorizer: Authorizer | None
    deadline: float
    failures: int = 0
    renewed: bool = False
    doubt: bool = False

    @property
    def request(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class _Try:
    outcome: _Outcome
    answer: Response | None = None
    reason: str = ""
    hint: str | None = None
    slow: bool = False


class HttpSession:
    """A keep-alive session with one service; safe for use by several threads.

    `headers` go with every request; `secrets` are never shown in an error;
    `option` is the name of the option that holds `base_url`, for messages.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        *,
        settings: HttpSettings,
        calls: Calls,
        retry: RetryPolicy = DEFAULT_RETRY,
        limiter: Limiter | None = None,
        dialect: ErrorMapping | None = None,
        authorizer: Authorizer | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        option: str = "url",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[float, float], float] = random.uniform,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.service = service
        self.base_url = base_url.strip().rstrip("/")
        self._origin = origin(checked_base(self.base_url, option))
        self._calls = calls
        self._retry = retry
        self._limiter = limiter or _Unlimited(clock)
        self._dialect = dialect or ErrorMapping()
        self._authorizer = authorizer
        self._sleep = sleep
        self._clock = clock
        self._spread = spread
        self._now = now
        self._notice = settings.notice
        self._timeout = (min(_CONNECT_TIMEOUT, settings.timeout), settings.timeout)
        self._lock = Lock()
        self._secrets: set[str] = set()
        for secret in secrets:
            self.add_secret(secret)
        self._http = keep_alive(settings, self._origin)
        self._http.headers.update(headers or {})

    def add_secret(self, secret: str | None) -> None:
        """Never show this value in an error."""
        if secret and len(secret) >= _SHORTEST_SECRET:
            with self._lock:
                self._secrets |= {secret, quote(secret, safe="")}

    def close(self) -> None:
        self._http.close()

    # ---------------------------------------------------------------- request

    def request(
        self,
        method: str,
        path_or_url: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        data: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        writes: bool | None = None,
        template: str | None = None,
        patient: bool = True,
        allow: Collection[int] = (),
        needs: str | None = None,
        authorized: bool = True,
    ) -> Response:
        """Send a request until it has a usable answer; otherwise raise an `ApiError`.

        `path_or_url` is a path below the base URL, or a whole URL of the same host.
        `data` is sent URL-encoded, `form` as multipart. `writes` says whether it changes
        anything (all but a GET do, unless it is a login), `repeatable` whether a change
        may be sent twice. `template` is the path without its ids,
        where the service counts its quota per endpoint. With `patient=False` a
        time-out raises `TimeoutBeforeAnswerError` at once. The statuses of `allow` are returned instead of
        raised. `needs` names the permission that the call takes. With `authorized=False`
        it goes without credentials (a login).
        """
        url = self._url(path_or_url, method)
        writes = method != "GET" if writes is None else writes
        exchange = _Exchange(
            method=method,
            url=url,
            path=urlsplit(url).path or "/",
            key=f"{method} {template}" if template else "",
            writes=writes,
            repeatable=repeatable or not writes,
            patient=patient,
            allow=allow,
            needs=needs,
            authorizer=self._authorizer if authorized else None,
            deadline=self._clock() + self._retry.deadline,
        )
        headers = dict(headers or {})
        if json is not None:
            data = _encoded(json)
            headers.setdefault("Content-Type", "application/json")
        files = {name: (None, value) for name, value in form.items()} if form is not None else None
        body = {"params": params, "data": data, "files": files, "headers": headers}
        try:
            return self._exchange(exchange, body)
        except ApiError as error:
            if exchange.doubt and isinstance(error, (AuthenticationError, QuotaExceededError)):
                # Met on the way to a further try: it says nothing of the one that went before.
                raise self._unclear(exchange, error) from error
            raise

    def _exchange(self, exchange: _Exchange, body: dict) -> Response:
        while True:
            self._await_turn(exchange)
            result = self._try(exchange, body)
            if result.outcome is _Outcome.DONE:
                result.answer.after_doubt = exchange.doubt
                return result.answer
            self._go_on_or_raise(exchange, result)

    def _url(self, path_or_url: str, method: str) -> str:
        """The whole address; whatever the service sends as a link leads to its own host or nowhere."""
        if path_or_url.startswith("/"):
            return self.base_url + path_or_url
        if same_origin(path_or_url, self._origin):
            return path_or_url
        raise ProtocolError(
            f"{TITLES[self.service]} at {urlsplit(self.base_url).netloc} points to another address:"
            f" {self._clean(path_or_url.split('?', 1)[0])}",
            service=self.service,
            request=method,
            hint="The credentials are not sent there.",
        )

    def _await_turn(self, exchange: _Exchange) -> None:
        while (wait := self._limiter.acquire(exchange.key)) > 0:
            if wait > self._retry.max_wait or self._clock() + wait > exchange.deadline:
                raise self._out_of_quota(exchange, None, wait)
            if wait >= _WORTH_A_WORD:
                self._notice(f"waiting for the quota of {TITLES[self.service]}, back {moment(wait, self._now())}")
            self._sleep(wait + self._spread(0.0, min(1.0, wait / 10)))

    def _try(self, exchange: _Exchange, body: dict) -> _Try:
        credentials = exchange.authorizer.headers() if exchange.authorizer is not None else {}
        try:
            response = self._http.request(
                exchange.method,
                exchange.url,
                timeout=self._timeout,
                allow_redirects=False,
                **{**body, "headers": {**body["headers"], **credentials}},
            )
        except TRANSPORT_ERRORS as error:
            broken = self._broken(error)
            if broken.outcome is _Outcome.DOUBTFUL:
                self._calls.count(self.service)
            return broken
        self._calls.count(self.service)
        answer = Response(self.service, exchange.request, response.status_code, response.headers, response.content)
        result = self._judge(exchange, answer)
        if result.outcome is _Outcome.STALE:
            exchange.authorizer.refused(credentials)
        return result

    def _judge(self, exchange: _Exchange, answer: Response) -> _Try:
        status = self._dialect.status(answer)
        if 200 <= status < 300:
            if status == 204 or answer.readable:
                return _Try(_Outcome.DONE, answer)
            return _Try(_Outcome.DOUBTFUL, answer, "the answer is no JSON")
        if status == 429:
            return _Try(_Outcome.THROTTLED, answer)
        if status in _TRANSIENT:
            return _Try(_Outcome.DOUBTFUL, answer, slow=status == 504)
        if status in exchange.allow:
            return _Try(_Outcome.DONE, answer)
        if status == 401 and exchange.authorizer is not None and not exchange.renewed:
            return _Try(_Outcome.STALE, answer)
        return _Try(_Outcome.FINAL, answer)

    def _broken(self, error: Exception) -> _Try:
        """What it means that there was no answer. Only a connection that was never made is sure not to have acted."""
        words = self._clean(reason(error))
        if certificate_refused(error):
            return _Try(_Outcome.FINAL, None, words, "Name the authority that signed it with the option ca_path.")
        if never_connected(error):
            return _Try(_Outcome.UNSENT, None, words, "Check the address, the network and the option proxy.")
        if isinstance(error, ValueError):
            return _Try(_Outcome.FINAL, None, words, "Check the address and the credentials for odd characters.")
        return _Try(_Outcome.DOUBTFUL, None, words, slow=timed_out(error))

    # ------------------------------------------------------------- what next?

    def _go_on_or_raise(self, exchange: _Exchange, result: _Try) -> None:
        """Wait for the next try, or raise the error that ends the request."""
        outcome = result.outcome
        if outcome is _Outcome.STALE:
            exchange.renewed = True
            return
        if outcome is _Outcome.FINAL:
            raise self._refusal(exchange, result)
        exchange.failures += 1
        if outcome is _Outcome.DOUBTFUL:
            exchange.doubt = exchange.doubt or exchange.writes
            if result.slow and not exchange.patient:
                raise self._no_answer(exchange, result, TimeoutBeforeAnswerError)
            if not exchange.repeatable:
                raise self._no_answer(exchange, result, OutcomeUnknownError)
        wait = self._wait(exchange, result)
        if wait is None:
            raise self._refusal(exchange, result)
        if outcome is _Outcome.THROTTLED:
            self._limiter.hold(exchange.key, wait)
        else:
            self._sleep(wait)

    def _wait(self, exchange: _Exchange, result: _Try) -> float | None:
        """The seconds until the next try; None when there is none."""
        retry = self._retry
        asked = retry_after(result.answer.headers) if result.answer is not None else None
        throttled = result.outcome is _Outcome.THROTTLED
        if asked is not None and asked > retry.max_wait:
            if throttled:
                self._limiter.hold(exchange.key, asked)
            return None
        tries = retry.throttled_tries if throttled and asked is None else retry.tries
        if exchange.failures >= tries:
            if throttled:
                self._limiter.hold(exchange.key, asked or retry.throttled_rest)
            return None
        if throttled and asked is None:
            wait = retry.throttled_backoff(exchange.failures, self._spread)
        else:
            wait = max(asked or 0.0, retry.backoff(exchange.failures, self._spread))
        return wait if self._clock() + wait <= exchange.deadline else None

    # ----------------------------------------------------------------- errors

    def _refusal(self, exchange: _Exchange, result: _Try) -> ApiError:
        """The error of an exchange that ends with this try."""
        answer = result.answer
        if exchange.doubt and result.outcome is not _Outcome.FINAL:
            return self._no_answer(exchange, result, OutcomeUnknownError)
        if answer is None:
            return self._no_answer(exchange, result, UnavailableError)
        if result.outcome is _Outcome.THROTTLED:
            asked = retry_after(answer.headers)
            return self._out_of_quota(exchange, answer, self._retry.throttled_rest if asked is None else asked)
        return self.failure(answer, needs=exchange.needs, writes=exchange.writes)

    def failure(self, answer: Response, *, needs: str | None = None, writes: bool = True) -> ApiError:
        """The error that an unusable answer stands for."""
        status = self._dialect.status(answer)
        details = {"service": self.service, "request": answer.request, "status": answer.status}
        if 300 <= status < 400:
            return self._redirected(answer, details, OutcomeUnknownError if writes else ProtocolError)
        if status < 300:
            try:
                answer.json()
            except ProtocolError as error:
                return error
        kind = self._dialect.kind(status, answer)
        said = self.said(answer)
        verb = "failed at" if status >= 500 else "refused"
        hint = self._dialect.hints.get(kind) or _HINTS.get(kind)
        if kind is PermissionDeniedError and needs:
            hint = f"This call needs {needs}."
        if issubclass(kind, RejectedError):
            details |= self._dialect.details(answer)
        message = f"{TITLES[self.service]} {verb} {answer.request} (HTTP {answer.status})"
        return kind(f"{message}: {_sentence(said)}" if said else f"{message}.", said=said, hint=hint, **details)

    def _redirected(self, answer: Response, details: dict, kind: type[ApiError]) -> ApiError:
        target = self._clean(answer.headers.get("Location") or "nowhere").split("?", 1)[0]
        message = f"{TITLES[self.service]} redirects {answer.request} to {target} (HTTP {answer.status})."
        hint = "Redirects are not followed: check the address of the service."
        return kind(message, hint=hint, **details)

    def _no_answer(self, exchange: _Exchange, result: _Try, kind: type[ApiError]) -> ApiError:
        answer = result.answer
        details = {"service": self.service, "request": exchange.request}
        said = ""
        if answer is None:
            message = f"{TITLES[self.service]} did not answer {exchange.request}: {_sentence(result.reason)}"
        else:
            said = self.said(answer)
            words = said or result.reason
            message = f"{TITLES[self.service]} failed at {exchange.request} (HTTP {answer.status})"
            message += f": {_sentence(words)}" if words else "."
            details["status"] = answer.status
        hint = _UNCLEAR_HINT if kind is OutcomeUnknownError else result.hint or _HINTS[UnavailableError]
        return kind(message, said=said, hint=hint, **details)

    def _unclear(self, exchange: _Exchange, error: ApiError) -> OutcomeUnknownError:
        details = {"service": self.service, "request": exchange.request, "status": error.status, "said": error.said}
        return OutcomeUnknownError(error.message, hint=_UNCLEAR_HINT, **details)

    def _out_of_quota(self, exchange: _Exchange, answer: Response | None, wait: float) -> QuotaExceededError:
        return QuotaExceededError(
            f"The quota of {TITLES[self.service]} for {exchange.request} is used up.",
            service=self.service,
            request=exchange.request,
            status=429 if answer is not None else None,
            said=self.said(answer) if answer is not None else "",
            retry_after=wait,
            hint=f"Go on {moment(wait, self._now())}.",
        )

    def said(self, answer: Response) -> str:
        """The service's own words: one line, cut short, without secrets."""
        if not answer.content:
            return ""
        if answer.readable:
            return self._clean(self._dialect.said(answer.peek()))
        text = answer.content[:20_000].decode("utf-8", "replace")
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        if title:
            return self._clean(title.group(1))
        if "<html" in text.lower():
            return "a web page"
        return "half of an answer" if text.lstrip()[:1] in ("{", "[") else self._clean(text)

    def _clean(self, text: str) -> str:
        with self._lock:
            secrets = sorted(self._secrets, key=len, reverse=True)
        for secret in secrets:
            text = text.replace(secret, "***")
        text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return text if len(text) <= _SAID_LENGTH else f"{text[:_SAID_LENGTH]}…"


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."

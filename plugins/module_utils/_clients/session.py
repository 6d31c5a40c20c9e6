# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to talk HTTP: keep-alive, retries by method, throttling, error types, counts, a log of each attempt.

What is sent again depends on what a repetition can do. A read, or a write that sets
absolute values, may be sent twice. A create may not: it is repeated only when it
certainly was not carried out (the service throttled it, wanted a new login, or was
never reached); in any other doubt it is `OutcomeUnknownError`, and the caller looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock, Semaphore
from typing import Protocol
from urllib.parse import urlsplit

from .._engine.errors import ApiError, AuthenticationError, OutcomeUnknownError, QuotaExceededError, UnavailableError
from .addresses import checked_base, origin, same_origin
from .decoding import TITLES
from .error_mapping import ErrorMapping
from .failures import Failures, TimeoutBeforeAnswerError
from .network_errors import (
    TRANSPORT_ERRORS,
    AnswerTooLargeError,
    certificate_refused,
    never_connected,
    never_sendable,
    reason,
    timed_out,
)
from .quota import Limiter, Unlimited
from .request import Attempt, Exchange, Outcome, Request
from .response import Response
from .retry import DEFAULT_RETRY, RetryPolicy, Timing, moment, retry_after
from .transport import AT_ONCE, HttpSettings, Transport, WireAnswer

ATTEMPTS = 3
"""The verbosity from which on each attempt is logged (`-vvv`)."""

_SHORTEST_NOTICE = 5.0
_SHORTEST_ATTEMPT = 1.0
_TRANSIENT = frozenset((408, 425))
_NOT_IMPLEMENTED = frozenset((501, 505))
"""To read again what the service cannot do would be of no use. A write may have been carried out all the same."""


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


class Authorizer(Protocol):
    """Supplies the credentials of each request."""

    def headers(self) -> Mapping[str, str]:
        """The headers that authenticate; obtains them when there are none."""

    def refused(self, headers: Mapping[str, str]) -> None:
        """These headers brought an HTTP 401: the next `headers` must be other ones."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a session knows it.

    `name` is `graph`, `itglue` or `bms`; `option` is the name of the option that holds `base_url`, for
    messages. `headers` go with every request; `secrets` are never shown.
    """

    name: str
    base_url: str
    option: str
    mapping: ErrorMapping = field(default_factory=ErrorMapping)
    authorizer: Authorizer | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """What a client needs of the run that it works for.

    `on_secret` takes each token, so that it can be kept out of all output.
    """

    http: HttpSettings
    calls: Calls
    retry: RetryPolicy = DEFAULT_RETRY
    limiter: Limiter | None = None
    on_secret: Callable[[str], None] = lambda secret: None
    timing: Timing = Timing()


class HttpSession:
    """A keep-alive session with one service; safe for use by several threads."""

    def __init__(self, service: Service, access: Access) -> None:
        self.service = service.name
        self.base_url = service.base_url.strip().rstrip("/")
        self._option = service.option
        self._origin = origin(checked_base(self.base_url, service.option))
        self._access = access
        self._retry = access.retry
        self._timing = access.timing
        self._limiter = access.limiter or Unlimited(access.timing.clock)
        self._authorizer = service.authorizer
        self.failures = Failures(service.name, service.mapping)
        for secret in service.secrets:
            self.failures.add_secret(secret)
        self.transport = Transport(access.http, self._origin, service.headers)
        self._waiting = Semaphore(AT_ONCE)

    def log(self, level: int, text: str) -> None:
        """Log a line about this service from a verbosity on."""
        self._access.http.log(level, f"{TITLES[self.service]}: {self.failures.clean(text)}")

    # ---------------------------------------------------------------- request

    def send(self, request: Request) -> Response:
        """Send a request until it has a usable answer; otherwise raise an `ApiError`."""
        url = self._url(request)
        deadline = self._timing.clock() + self._retry.deadline
        exchange = Exchange(request, url, urlsplit(url).path or "/", deadline)
        try:
            return self._exchange(exchange)
        except (AuthenticationError, QuotaExceededError) as error:
            if exchange.doubt:
                # Met on the way to a further attempt: it does not decide about the attempt before it.
                raise self.failures.unknown_outcome(exchange, error) from error
            raise

    def _exchange(self, exchange: Exchange) -> Response:
        while True:
            self._await_quota(exchange)
            attempt = self._attempt(exchange)
            if attempt.outcome is Outcome.DONE and attempt.answer is not None:
                attempt.answer.after_doubt = exchange.doubt
                return attempt.answer
            self._go_on_or_raise(exchange, attempt)

    def _url(self, request: Request) -> str:
        """The whole address; whatever the service sends as a link leads to its own host or nowhere."""
        if request.target.startswith("/"):
            return self.base_url + request.target
        if same_origin(request.target, self._origin):
            return request.target
        raise self.failures.elsewhere(request.method, urlsplit(self.base_url).netloc, request.target)

    def _await_quota(self, exchange: Exchange) -> None:
        timing = self._timing
        request = exchange.request
        while (wait := self._limiter.acquire(request.quota_key, request.calls)) > 0:
            if wait > self._retry.max_wait or timing.clock() + wait > exchange.deadline:
                raise self.failures.out_of_quota(exchange, None, wait, timing.now())
            if wait >= _SHORTEST_NOTICE:
                text = f"waiting for the quota of {TITLES[self.service]}, back {moment(wait, timing.now())}"
                self._access.http.notice(text)
            self.log(ATTEMPTS, f"{exchange.name} waits {wait:.1f} s for the quota")
            timing.sleep(wait + timing.spread(0.0, min(1.0, wait / 10)))

    # ---------------------------------------------------------------- attempts

    def _attempt(self, exchange: Exchange) -> Attempt:
        authorizer = self._authorizer if exchange.request.authorized else None
        credentials = authorizer.headers() if authorizer is not None else {}
        exchange.attempts += 1
        came, seconds = self._came(exchange, credentials)
        if isinstance(came, WireAnswer):
            attempt = self._judged(
                exchange, Response(self.service, exchange.name, came.status, came.headers, came.content)
            )
        else:
            attempt = self._broken(exchange.request, came)
        if attempt.sent:
            self._access.calls.count(self.service)
        self._log_attempt(exchange, attempt, seconds)
        if attempt.outcome is Outcome.STALE and authorizer is not None:
            authorizer.refused(credentials)
        return attempt

    def _came(self, exchange: Exchange, credentials: Mapping[str, str]) -> tuple[WireAnswer | Exception, float]:
        """What came of sending a request once, and the seconds that it took: an answer, or the error in its place."""
        clock = self._timing.clock
        began = clock()
        try:
            # What can be done before and after does not keep the place of a request that waits for its answer.
            prepared = self.transport.prepared(exchange.request, exchange.url, credentials)
            with ExitStack() as place:
                place.enter_context(self._waiting)
                began = clock()
                longest = max(_SHORTEST_ATTEMPT, exchange.deadline - began)
                return self.transport.send(prepared, longest, answered=place.close), clock() - began
        except TRANSPORT_ERRORS as error:
            return error, clock() - began

    def _judged(self, exchange: Exchange, answer: Response) -> Attempt:
        status = self.failures.mapping.status(answer)
        if 200 <= status < 300:
            if status == 204 or answer.readable:
                return Attempt(Outcome.DONE, answer)
            return Attempt(Outcome.DOUBTFUL, answer, "the answer is no JSON")
        if status == 429:
            return Attempt(Outcome.THROTTLED, answer)
        if status < 200:
            return Attempt(Outcome.DOUBTFUL, answer, "an interim answer came in place of the final one")
        is_final = status in _NOT_IMPLEMENTED and not exchange.request.writes
        if status in _TRANSIENT or (status >= 500 and not is_final):
            return Attempt(Outcome.DOUBTFUL, answer, slow=status == 504)
        if status in exchange.request.allow:
            return Attempt(Outcome.DONE, answer)
        if status == 401 and self._authorizer is not None and exchange.request.authorized and not exchange.renewed:
            return Attempt(Outcome.STALE, answer)
        return Attempt(Outcome.FINAL, answer)

    def _broken(self, request: Request, error: Exception) -> Attempt:
        """What it means that there was no answer. Only a connection that was never made is sure not to have acted."""
        message = self.failures.clean(reason(error))
        if certificate_refused(error):
            hint = "Name the authority that signed it with the option ca_path."
            return Attempt(Outcome.FINAL, None, message, hint, sent=False)
        if never_connected(error):
            hint = "Check the address, the network and the option proxy."
            return Attempt(Outcome.UNSENT, None, message, hint, sent=False)
        if isinstance(error, AnswerTooLargeError):
            hint = f"Check the option {self._option}: something else may answer at this address."
            return Attempt(Outcome.DOUBTFUL if request.writes else Outcome.FINAL, None, message, hint)
        if never_sendable(error):
            hint = "Check the address and the credentials for odd characters."
            return Attempt(Outcome.FINAL, None, message, hint, sent=False)
        if timed_out(error):
            hint = "Raise the option timeout where the service needs longer."
            return Attempt(Outcome.DOUBTFUL, None, message, hint, slow=True)
        return Attempt(Outcome.DOUBTFUL, None, message)

    def _log_attempt(self, exchange: Exchange, attempt: Attempt, seconds: float) -> None:
        came = attempt.reason if attempt.answer is None else f"HTTP {attempt.answer.status}"
        number = f", attempt {exchange.attempts}" if exchange.attempts > 1 else ""
        self.log(ATTEMPTS, f"{exchange.name}: {came} after {seconds * 1000:.0f} ms{number}")

    # ------------------------------------------------------------- what next?

    def _go_on_or_raise(self, exchange: Exchange, attempt: Attempt) -> None:
        """Wait for the next attempt, or raise the error that ends the request."""
        outcome = attempt.outcome
        if outcome is Outcome.STALE:
            exchange.renewed = True
            return
        if outcome is Outcome.FINAL:
            raise self._refusal(exchange, attempt)
        exchange.failures += 1
        if outcome is Outcome.DOUBTFUL:
            exchange.doubt = exchange.doubt or exchange.request.writes
            if attempt.slow and not exchange.request.patient:
                raise self.failures.of_attempt(exchange, attempt, TimeoutBeforeAnswerError)
            if not exchange.request.may_repeat:
                raise self.failures.of_attempt(exchange, attempt, OutcomeUnknownError)
        wait = self._wait(exchange, attempt)
        if wait is None:
            raise self._refusal(exchange, attempt)
        self.log(ATTEMPTS, f"{exchange.name} is sent again in {wait:.1f} s")
        if outcome is Outcome.THROTTLED:
            self._limiter.hold(exchange.request.quota_key, wait)
        else:
            self._timing.sleep(wait)

    def _wait(self, exchange: Exchange, attempt: Attempt) -> float | None:
        """The seconds until the next attempt; None when there is none."""
        retry, spread, key = self._retry, self._timing.spread, exchange.request.quota_key
        asked = retry_after(attempt.answer.headers, self._timing.now) if attempt.answer is not None else None
        throttled = attempt.outcome is Outcome.THROTTLED
        if asked is not None and asked > retry.max_wait:
            if throttled:
                self._limiter.hold(key, asked)
            return None
        tries = retry.throttled_tries if throttled and asked is None else retry.tries
        if exchange.failures >= tries:
            if throttled:
                self._limiter.hold(key, asked or retry.throttled_rest)
            return None
        if throttled and asked is None:
            wait = retry.throttled_backoff(exchange.failures, spread)
        else:
            wait = max(asked or 0.0, retry.backoff(exchange.failures, spread))
        return wait if self._timing.clock() + wait <= exchange.deadline else None

    def _refusal(self, exchange: Exchange, attempt: Attempt) -> ApiError:
        """The error of a request that ends with this attempt."""
        answer = attempt.answer
        if exchange.doubt and attempt.outcome is not Outcome.FINAL:
            return self.failures.of_attempt(exchange, attempt, OutcomeUnknownError)
        if answer is None:
            return self.failures.of_attempt(exchange, attempt, UnavailableError)
        if attempt.outcome is Outcome.THROTTLED:
            asked = retry_after(answer.headers, self._timing.now)
            wait = self._retry.throttled_rest if asked is None else asked
            return self.failures.out_of_quota(exchange, answer, wait, self._timing.now())
        return self.failures.of_answer(answer, needs=exchange.request.needs, writes=exchange.request.writes)

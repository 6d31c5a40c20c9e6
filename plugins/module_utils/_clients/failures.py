# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of a session: made of an answer or its absence, in words that hold no secret."""

from __future__ import annotations

import re
from typing import TypeVar

from .._engine.errors import (
    ApiError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from .._engine.output import one_line
from .decoding import TITLES
from .error_mapping import ErrorMapping
from .masking import Masking
from .request import Attempt, Exchange
from .response import Response
from .retry import moment

E = TypeVar("E", bound=ApiError)

_SAID_LENGTH = 300
_SHORTEST_SECRET = 4
_UNKNOWN_OUTCOME = "Whether it was carried out is not known."


class TimeoutBeforeAnswerError(UnavailableError):
    """The service did not answer in time to a request that was sent with `patient=False`."""


class Failures:
    """Makes the errors of one session with a service."""

    def __init__(self, service: str, mapping: ErrorMapping) -> None:
        self.mapping = mapping
        self._service = service
        self._title = TITLES[service]
        self._masking = Masking("***")

    def add_secret(self, secret: str) -> None:
        """Never show this value in an error or a log."""
        if len(secret) >= _SHORTEST_SECRET:
            self._masking.add(secret)

    def of_answer(self, answer: Response, *, needs: str | None = None, writes: bool = True) -> ApiError:
        """The error that an unusable answer stands for."""
        status = self.mapping.status(answer)
        if 300 <= status < 400:
            return self._redirected(answer, OutcomeUnknownError if writes else ProtocolError)
        if status < 300 and not answer.readable:
            return answer.unreadable()
        kind = self.mapping.kind(status, answer)
        said = self.service_message(answer)
        verb = "failed at" if status >= 500 else "refused"
        message = f"{self._title} {verb} {answer.request} (HTTP {answer.status})"
        hint = self.mapping.hint(kind)
        if kind is PermissionDeniedError and needs:
            hint = f"This call needs {needs}."
        message = f"{message}: {_sentence(said)}" if said else f"{message}."
        error = self._error(kind, message, answer.request, answer.status, said, hint)
        if isinstance(error, RejectedError):
            error.pointers = self.mapping.pointers(answer)
        return error

    def _redirected(self, answer: Response, kind: type[ApiError]) -> ApiError:
        target = self.clean(answer.headers.get("Location") or "nowhere").split("?", 1)[0]
        message = f"{self._title} redirects {answer.request} to {target} (HTTP {answer.status})."
        hint = "Redirects are not followed: check the address of the service."
        return self._error(kind, message, answer.request, answer.status, hint=hint)

    def of_attempt(self, exchange: Exchange, attempt: Attempt, kind: type[ApiError]) -> ApiError:
        """The error of a request that ended without a usable answer."""
        answer, said = attempt.answer, ""
        if answer is None:
            message = f"{self._title} did not answer {exchange.name}: {_sentence(attempt.reason)}"
        else:
            said = self.service_message(answer)
            why = said or attempt.reason
            message = f"{self._title} failed at {exchange.name} (HTTP {answer.status})"
            message += f": {_sentence(why)}" if why else "."
        hint = attempt.hint or self.mapping.hint(UnavailableError)
        if kind is OutcomeUnknownError:
            hint = " ".join(filter(None, (_UNKNOWN_OUTCOME, attempt.hint)))
        return self._error(kind, message, exchange.name, None if answer is None else answer.status, said, hint)

    def unknown_outcome(self, exchange: Exchange, error: ApiError) -> OutcomeUnknownError:
        """The error of a write that may have been carried out before `error` was met."""
        kind, request = OutcomeUnknownError, exchange.name
        return self._error(kind, error.message, request, error.status, error.said, _UNKNOWN_OUTCOME)

    def out_of_quota(self, exchange: Exchange, answer: Response | None, wait: float, now: float) -> QuotaExceededError:
        """The error of a request whose quota is used up for `wait` seconds, `now` being the time of the wall clock."""
        return QuotaExceededError(
            f"The quota of {self._title} for {exchange.name} is used up.",
            service=self._service,
            request=exchange.name,
            status=429 if answer is not None else None,
            said=self.service_message(answer) if answer is not None else "",
            retry_after=wait,
            hint=f"Go on {moment(wait, now)}.",
        )

    def elsewhere(self, method: str, host: str, url: str) -> ProtocolError:
        """The error of a link that leads away from the service."""
        message = f"{self._title} at {host} points to another address: {self.clean(url.split('?', 1)[0])}"
        return self._error(ProtocolError, message, method, hint="The credentials are not sent there.")

    def _error(
        self,
        kind: type[E],
        message: str,
        request: str,
        status: int | None = None,
        said: str = "",
        hint: str | None = None,
    ) -> E:
        return kind(message, service=self._service, request=request, status=status, said=said, hint=hint)

    def service_message(self, answer: Response) -> str:
        """The service's own words: one line, cut short, without secrets."""
        if not answer.content:
            return ""
        if answer.readable:
            return self.clean(self.mapping.service_message(answer.peek()))
        text = answer.content[:20_000].decode("utf-8", "replace")
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        if title:
            return self.clean(title.group(1))
        if "<html" in text.lower():
            return "a web page"
        return "half of an answer" if text.lstrip()[:1] in ("{", "[") else self.clean(text)

    def clean(self, text: str) -> str:
        """`text` in one line, cut short, without secrets."""
        text = one_line(self._masking.text(text))
        return text if len(text) <= _SAID_LENGTH else f"{text[:_SAID_LENGTH]}…"


def _sentence(message: str) -> str:
    return message if message.endswith((".", "!", "?", "…")) else f"{message}."

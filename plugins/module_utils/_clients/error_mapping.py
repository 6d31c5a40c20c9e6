# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which error a status and a body stand for. Each service's client brings an `ErrorMapping` of its own."""

from __future__ import annotations

from collections.abc import Mapping

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from .response import Response

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
_HINTS: dict[type[ApiError], str] = {
    NotFoundError: "It may have been deleted, or the address of the service is not right.",
    UnavailableError: "Try again later.",
}


class ErrorMapping:
    """How a service reports a failure. This one knows HTTP alone."""

    hints: Mapping[type[ApiError], str] = {}
    """What to do, by type of error, where the service calls for another hint than `_HINTS`."""

    def status(self, answer: Response) -> int:
        """The HTTP status, or the one that the answer means where the service says it in the body."""
        return answer.status

    def service_message(self, body: object) -> str:
        """The service's own words in a decoded body of any shape; blank when there are none."""
        match body:
            case {"message": str() as message} | {"error": {"message": str() as message}}:
                return message
            case _:
                return ""

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        """The type of error that a status stands for."""
        return _KINDS.get(status) or (RejectedError if status < 500 else UnavailableError)

    def pointers(self, answer: Response) -> tuple[str, ...]:
        """The JSON pointers of the attributes that a refusal names."""
        return ()

    def hint(self, kind: type[ApiError]) -> str | None:
        """What to do about an error of this type."""
        return self.hints.get(kind) or _HINTS.get(kind)

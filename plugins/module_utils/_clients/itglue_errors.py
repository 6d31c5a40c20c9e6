# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of error that IT Glue is known to use; those of 404, 415, 429 and 500 are not published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .._engine.errors import ApiError, AuthenticationError, NotFoundError
from .error_mapping import ErrorMapping
from .response import Response


class ItGlueErrors(ErrorMapping):
    """How IT Glue reports a failure."""

    hints: Mapping[type[ApiError], str] = {
        AuthenticationError: "Check itglue_api_key, which is revoked after 90 days without use, and itglue_url: "
        "a key is good for one region.",
        NotFoundError: "It does not exist, or this API key may not see it.",
    }

    def status(self, answer: Response) -> int:
        # Which status the server's own time-out has is not published; its words are known.
        if any("took too long" in message for message, dummy in _errors(answer.peek())):
            return 504
        return answer.status

    def service_message(self, body: object) -> str:
        match body:
            case {"errors": list()}:
                shown = (f"{message} ({pointer})" if pointer else message for message, pointer in _errors(body))
                return "; ".join(text for text in shown if text)
            case {"error": str() as message}:
                return message
            case _:
                return super().service_message(body)

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        # An id that this key has no access to is answered with 401; a bad key with 403.
        if status == 401 and any(
            pointer == "id" or "resource access" in message for message, pointer in _errors(answer.peek())
        ):
            return NotFoundError
        return AuthenticationError if status == 403 else super().kind(status, answer)

    def pointers(self, answer: Response) -> tuple[str, ...]:
        return tuple(pointer for dummy, pointer in _errors(answer.peek()) if pointer)


def _errors(body: object) -> Iterator[tuple[str, str]]:
    """What went wrong, and the JSON pointer to where, of each error in a body of any shape."""
    errors = body.get("errors") if isinstance(body, dict) else None
    for error in errors if isinstance(errors, list) else ():
        match error:
            case {"source": {"pointer": str() as pointer}}:
                yield _message(error), pointer
            case _:
                yield _message(error), ""


def _message(error: object) -> str:
    match error:
        case {"detail": list() as several}:
            return ", ".join(str(detail) for detail in several)
        case {"detail": str() as message} | {"title": str() as message} | (str() as message):
            return message
        case _:
            return ""

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Kaseya BMS reports failures: as a status, or as HTTP 200 with `success: false`.

Which is which is not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .._engine.errors import ApiError, AuthenticationError, NotFoundError
from .error_mapping import ErrorMapping
from .response import Response

_SECURITY_ERROR = 978001
_ABSENT = re.compile(r"\bnot found\b|\bnot exist\b", re.IGNORECASE)


class BmsErrors(ErrorMapping):
    """How BMS reports a failure."""

    hints: Mapping[type[ApiError], str] = {
        AuthenticationError: "The login is no longer good: check bms_username and bms_password.",
    }

    def status(self, answer: Response) -> int:
        body = answer.peek()
        if value(body, "success") is not False:
            return answer.status
        if str(value(value(body, "error"), "code")) == str(_SECURITY_ERROR):
            return 401
        if answer.status >= 300:
            return answer.status
        # How an id that is not there is answered is not published; what has other words stays a refusal in its own.
        absent = answer.request.startswith("GET ") and _ABSENT.search(self.service_message(body))
        return 404 if absent else 422

    def service_message(self, body: object) -> str:
        error = value(body, "error")
        texts: list[object]
        if isinstance(error, dict):
            details = value(error, "subErrors")
            texts = [value(error, "message"), value(error, "details"), *(details if isinstance(details, list) else ())]
        else:
            # Not BMS's own form: ASP.NET's, or a gateway's.
            texts = [error, value(body, "message"), value(body, "title"), *_field_messages(value(body, "errors"))]
        shown: list[str] = []
        for text in (text.strip(" .") for text in texts if isinstance(text, str)):
            if not any(text in other for other in shown):
                shown.append(text)
        return "; ".join(shown)

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        # A release of BMS without an endpoint may know its path for another method.
        return NotFoundError if status == 405 else super().kind(status, answer)


def value(body: object, key: str) -> object:
    """A value under either spelling of its key; None where there is none."""
    if not isinstance(body, dict):
        return None
    found = body.get(key)
    return body.get(key[:1].upper() + key[1:]) if found is None else found


def _field_messages(errors: object) -> Iterator[object]:
    if isinstance(errors, dict):
        for messages in errors.values():
            yield from messages if isinstance(messages, list) else ()

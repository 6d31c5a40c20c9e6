# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One answer of a service, and its body as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .._engine.errors import ProtocolError
from .decoding import TITLES

_UNREAD = object()
_UNREADABLE = object()


class Response:
    """What a service answered. `after_doubt`: an earlier attempt of the same write may have been carried out."""

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
        if not self.readable:
            raise self.unreadable()
        return self.peek()

    def unreadable(self) -> ProtocolError:
        """The error of an answer that is no JSON."""
        return ProtocolError(
            f"{TITLES[self.service]}'s answer to {self.request} (HTTP {self.status}) is no JSON.",
            service=self.service,
            request=self.request,
            status=self.status,
            hint="Check the address: a login page or a proxy may have answered in its place.",
        )

    def peek(self) -> object:
        """The decoded body; an opaque object where it is no JSON."""
        if self._decoded is _UNREAD:
            self._decoded = _decode(self.content)
        return self._decoded

    @property
    def readable(self) -> bool:
        return self.peek() is not _UNREADABLE


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

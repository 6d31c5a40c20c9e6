# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decoded JSON -> typed values. Whatever has another type than documented is a `ProtocolError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._engine.errors import OutcomeUnknownError, ProtocolError

Row = dict[str, object]
"""An object of decoded JSON."""

TITLES = {"graph": "Microsoft Graph", "itglue": "IT Glue", "bms": "Kaseya BMS"}
"""The services in words, for people."""

_TRUE = (True, 1, "true", "1")
_FALSE = (False, 0, "false", "0")


@contextmanager
def accepted() -> Iterator[None]:
    """Read the answer of a write that succeeded: what cannot be understood in it does not undo the write."""
    try:
        yield
    except ProtocolError as error:
        raise OutcomeUnknownError(
            error.message,
            service=error.service,
            request=error.request,
            status=error.status,
            hint="It was accepted, but what came of it is not known.",
        ) from error


class Reader:
    """Typed access to the rows of one answer; its errors name the service, the request and the key.

    An absent key and a null are the same. IT Glue writes its keys in kebab-case and
    takes snake_case too: a key with a hyphen is looked up in both spellings.
    """

    __slots__ = ("service", "request")

    def __init__(self, service: str, request: str) -> None:
        self.service = service
        self.request = request

    def error(self, what: str) -> ProtocolError:
        """A `ProtocolError` that says `what` is wrong with this answer."""
        return ProtocolError(
            f"{TITLES[self.service]}'s answer to {self.request} is not what it documents: {what}.",
            service=self.service,
            request=self.request,
            hint="Nothing was concluded from it. If this stays, the service has changed or is not the one expected.",
        )

    def _wrong(self, key: str, expected: str, value: object) -> ProtocolError:
        # The type alone: the value is somebody's data and may be long.
        return self.error(f"{key!r} should be {expected} but is {_kind(value)}")

    # ------------------------------------------------------------- containers

    def mapping(self, value: object, name: str) -> Row:
        if isinstance(value, dict):
            return value
        raise self._wrong(name, "an object", value)

    def sequence(self, value: object, name: str) -> list[object]:
        if isinstance(value, list):
            return value
        raise self._wrong(name, "a list", value)

    def rows(self, value: object, name: str) -> list[Row]:
        """A list of objects; null counts as an empty one."""
        if value is None:
            return []
        found: list[Row] = []
        for row in self.sequence(value, name):
            if not isinstance(row, dict):
                raise self._wrong(name, "a list of objects", row)
            found.append(row)
        return found

    def part(self, row: Row, key: str) -> Row:
        """The object under `key`; null counts as an empty one."""
        value = self.value(row, key)
        return {} if value is None else self.mapping(value, key)

    # ---------------------------------------------------------------- scalars

    @staticmethod
    def value(row: Row, key: str) -> object:
        if key in row:
            return row[key]
        return row.get(key.replace("-", "_"))

    def text(self, row: Row, key: str) -> str | None:
        value = self.value(row, key)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(key, "text", value)

    def needed_text(self, row: Row, key: str) -> str:
        value = self.text(row, key)
        if not value:
            raise self._wrong(key, "text", value)
        return value

    def label(self, row: Row, key: str) -> str | None:
        """Text, or a whole number as text: ids of other systems come as either."""
        value = self.value(row, key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(row, key)

    def texts(self, row: Row, key: str) -> tuple[str, ...]:
        """A list of texts; nulls in it are left out."""
        values = self.value(row, key)
        if values is None:
            return ()
        return tuple(self._text(value, key) for value in self.sequence(values, key) if value is not None)

    def _text(self, value: object, key: str) -> str:
        if isinstance(value, str):
            return value
        raise self._wrong(key, "a list of texts", value)

    def whole(self, row: Row, key: str) -> int | None:
        """A whole number, or one written as text (JSON:API ids)."""
        value = self.value(row, key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            return int(value)
        raise self._wrong(key, "a whole number", value)

    def needed_whole(self, row: Row, key: str) -> int:
        value = self.whole(row, key)
        if value is None:
            raise self._wrong(key, "a whole number", value)
        return value

    def flag(self, row: Row, key: str, default: bool = False) -> bool:
        value = self.maybe_flag(row, key)
        return default if value is None else value

    def maybe_flag(self, row: Row, key: str) -> bool | None:
        """Yes, no, or None where the service does not say."""
        value = self.value(row, key)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, str)):
            if value in _TRUE:
                return True
            if value in _FALSE:
                return False
        raise self._wrong(key, "true or false", value)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case "":
            return "blank"
        case str():
            return "text"
        case _:
            return "a number"

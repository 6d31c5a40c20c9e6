# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kaseya BMS on the wire: queries and bodies whose keys have any case, and the envelope of the answers.

The vendor's OpenAPI ("BMS API 2.0") spells keys in PascalCase, the live service in camelCase; ErrorInfo's
`StackStrace` is spelled so there.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response

Json = dict[str, Any]

SECURITY_ERROR = 978001
INT32 = 0x7FFFFFFF


class Failure(Exception):
    """A request that fails. Only the code of the security error is published; the others are made up."""

    def __init__(self, status: int, message: str, *, code: int | None = None, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = status if code is None else code
        self.problems = list(problems)


def unauthorized(details: str = "The access token is missing, wrong or expired.") -> Failure:
    return Failure(401, "Security Error", code=SECURITY_ERROR, problems=[details])


def not_found(what: str) -> Failure:
    return Failure(404, f"{what} was not found.")


def bad(message: str, *problems: str) -> Failure:
    return Failure(400, message, problems=problems)


@dataclass(frozen=True)
class Form:
    """How the answers are spelled."""

    pascal: bool = False
    null_error: bool = False
    failure_style: str = "200"

    def result(self, value: Any, total: int | None = None) -> Response:
        """The envelope; paged lists say how many rows there are."""
        body: Json = {"success": True}
        if self.null_error:
            body["error"] = None
        body["result"] = value
        if total is not None:
            body["totalRecords"] = total
        return self.bare(body)

    def bare(self, body: Any, status: int = 200) -> Response:
        text = json.dumps(_pascal(body) if self.pascal else body, ensure_ascii=False, separators=(",", ":"))
        return Response(text, status, media_type="application/json")

    def failure(self, failure: Failure, *, hidden: Container[int] = (400, 404)) -> Response:
        """A failure: with its own status, or as 200 with `success: false` where it is one of `hidden`."""
        error = {
            "code": failure.code,
            "message": failure.message,
            "details": "; ".join(failure.problems) or None,
            "stackStrace": None,
            "subErrors": failure.problems,
        }
        good = self.failure_style == "200" and failure.status in hidden
        return self.bare({"success": False, "error": error}, 200 if good else failure.status)


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _pascal(item) for key, item in value.items()}
    return [_pascal(item) for item in value] if isinstance(value, list) else value


@dataclass
class Query:
    """The parameters of a query, by name in lower case. Raises `Failure` for values of the wrong kind."""

    values: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, query: bytes) -> Query:
        result = cls()
        for name, value in parse_qsl(query.decode(), keep_blank_values=True):
            result.values.setdefault(name.lower(), []).append(value)
        return result

    def text(self, name: str) -> str | None:
        values = self.values.get(name.lower())
        return values[-1].strip() or None if values else None

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        return _number(value, name)

    def numbers(self, name: str) -> set[int] | None:
        """A repeated parameter."""
        values = [value for value in self.values.get(name.lower(), []) if value.strip()]
        return {_number(value, name) for value in values} if values else None

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise bad("The request is invalid.", f"The value '{value}' is not valid for {name}.")
        return value.lower() == "true"

    def moment(self, name: str) -> datetime | None:
        """A point in time; one without a zone is taken for UTC (assumption)."""
        value = self.text(name)
        return None if value is None else moment(value, name)


def _number(value: str, name: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise bad("The request is invalid.", f"The value '{value}' is not valid for {name}.") from None


def moment(value: str, name: str) -> datetime:
    try:
        result = datetime.fromisoformat(value)
    except ValueError:
        raise bad("The request is invalid.", f"The value '{value}' is not valid for {name}.") from None
    return result if result.tzinfo else result.replace(tzinfo=timezone.utc)


def stamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body_json(content_type: str, body: bytes) -> Any:
    media_type = content_type.split(";")[0].strip().lower()
    if not (media_type in ("application/json", "text/json") or media_type.endswith("+json")):
        raise Failure(415, "Unsupported Media Type")
    try:
        return json.loads(body)
    except ValueError:
        raise bad("The request is invalid.", "The body is no JSON.") from None


def members(value: Any, known: Mapping[str, Any], *, strict: bool = False) -> Json:
    """An object's members under their known names, whatever their case; unknown ones are dropped, or refused.

    `known` maps each name to a kind: str, int, bool, list or `object` for anything. Null goes for strings, lists and
    `object`; for the others it stands for a missing member, as it does where a value type is bound.
    """
    if not isinstance(value, dict):
        raise bad("The request is invalid.", "An object is expected.")
    names = {name.lower(): name for name in known}
    result: Json = {}
    for key, item in value.items():
        name = names.get(key.lower())
        if name is None:
            if strict:
                raise bad("The request is invalid.", f"{key} is not known.")
            continue
        kind = known[name]
        if item is None and kind in (int, bool):
            continue
        if not fits(item, kind):
            raise bad("The request is invalid.", f"The value of {key} is not valid.")
        result[name] = item
    return result


def fits(value: Any, kind: Any) -> bool:
    if kind is object:
        return True
    if value is None:
        return kind in (str, list)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))

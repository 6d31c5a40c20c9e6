# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of OData as the Graph reads take: query options, `$filter`, `$select`, paging.

`$filter` knows, joined by `and`:

    property eq value            property ne value (advanced)
    property in (value, ...)     startswith(property, 'text')
    list/any(x:x eq value)       list/any(x:x/key eq value)
    list/$count eq|ne n (advanced)

"Advanced" queries want `ConsistencyLevel: eventual` and `$count=true`. Text is compared
without regard to case. Everything else, `$search`, `$orderby` and `$expand` included, is
refused with Request_UnsupportedQuery.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

#: "Microsoft Graph paging": 100 rows unless told, 999 at the most.
DEFAULT_PAGE = 100
MAX_PAGE = 999
KNOWN = frozenset({"$select", "$top", "$filter", "$count", "$skiptoken", "$format"})
REFUSED = frozenset({"$search", "$orderby", "$expand"})


class QueryError(Exception):
    """A query that Graph refuses."""

    def __init__(self, message: str, *, code: str = "Request_BadRequest", status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


def unsupported(message: str) -> QueryError:
    return QueryError(message, code="Request_UnsupportedQuery")


@dataclass(frozen=True)
class Query:
    """The query options of one request."""

    select: tuple[str, ...] | None
    top: int
    filter: str | None
    count: bool
    eventual: bool
    skiptoken: str | None
    options: tuple[tuple[str, str], ...]

    @property
    def advanced(self) -> bool:
        """Whether the request may use what Graph calls advanced query capabilities."""
        return self.eventual and self.count

    @classmethod
    def of(cls, request: Request) -> Query:
        """Read the options; the names may leave out nothing but case."""
        options = [
            (name.lower() if name.startswith("$") else name, value)
            for name, value in request.query_params.multi_items()
        ]
        given: dict[str, str] = {}
        for name, value in options:
            if name in given and name in KNOWN:
                raise QueryError(f"Query option '{name}' was specified more than once.", code="BadRequest")
            given[name] = value
        _refuse(given)
        return cls(
            select=_names(given.get("$select")),
            top=_top(given.get("$top")),
            filter=given.get("$filter") or None,
            count=_boolean("$count", given.get("$count")),
            eventual=request.headers.get("consistencylevel", "").lower() == "eventual",
            skiptoken=given.get("$skiptoken"),
            options=tuple((name, value) for name, value in options if name != "$skiptoken"),
        )


def _refuse(given: Mapping[str, str]) -> None:
    for name in given:
        if name == "$skip":
            raise QueryError("'$skip' is not supported by the service.")
        if name in REFUSED:
            raise unsupported(f"Unsupported query: the sandbox does not play '{name}'.")
        if name.startswith("$") and name not in KNOWN:
            raise QueryError(f"The query parameter '{name}' is not supported.", code="BadRequest")


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None or not text.strip():
        return None
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _top(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not re.fullmatch(r"-?\d+", text):
        raise QueryError(f"Invalid value '{text}' for $top query option found.", code="BadRequest")
    if not 1 <= int(text) <= MAX_PAGE:
        raise QueryError(f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_PAGE} inclusive.")
    return int(text)


def _boolean(name: str, text: str | None) -> bool:
    if text is None or text.lower() in ("true", "false"):
        return (text or "").lower() == "true"
    raise QueryError(f"Invalid value '{text}' for {name} query option found.", code="BadRequest")


# --- $select -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A resource type: its properties with their values where a record has none, and those that come unasked."""

    name: str
    collection: str
    blanks: Mapping[str, Any]
    default: tuple[str, ...]
    single_only: frozenset[str] = frozenset()

    def chosen(self, query: Query, *, single: bool) -> tuple[str, ...]:
        """The properties to return, in Graph's spelling."""
        if query.select is None:
            return self.default
        spelling = {name.lower(): name for name in self.blanks}
        chosen = []
        for name in query.select:
            if name.lower() not in spelling:
                raise QueryError(
                    f"Could not find a property named '{name}' on type 'microsoft.graph.{self.name}'.",
                    code="BadRequest",
                )
            chosen.append(spelling[name.lower()])
        refused = self.single_only.intersection(chosen)
        if refused and not single:
            raise QueryError(
                f"The property '{min(refused)}' cannot be read from a collection.", code="NotImplemented", status=501
            )
        return tuple(chosen)

    def view(self, row: Row, names: Iterable[str]) -> dict[str, Any]:
        blanks = self.blanks
        return {name: row[name] if name in row else blanks[name] for name in names}


# --- paging ------------------------------------------------------------------------------------------------------


def page(
    rows: Sequence[Any], query: Query, url: str, size: int, *, empty_first: bool = False
) -> tuple[Sequence[Any], str | None, bool]:
    """The rows of this page, the link to the next one, and whether this is the first."""
    first = query.skiptoken is None
    start = _position(query, url)
    end = start if first and empty_first else start + size
    link = None
    if end < len(rows):
        options = [*query.options, ("$skiptoken", _token(query, url, end))]
        link = url + "?" + "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in options)
    return rows[start:end], link, first


def _token(query: Query, url: str, position: int) -> str:
    """An opaque token, good for this URL with these options only."""
    text = json.dumps([position, _fingerprint(query, url)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(query: Query, url: str) -> int:
    if query.skiptoken is None:
        return 0
    try:
        padded = query.skiptoken + "=" * (-len(query.skiptoken) % 4)
        position, fingerprint = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError, TypeError):
        position, fingerprint = None, None
    if fingerprint != _fingerprint(query, url) or not isinstance(position, int):
        raise QueryError("The provided skiptoken is not valid for this request.", code="Directory_ExpiredPageToken")
    return position


def _fingerprint(query: Query, url: str) -> int:
    return binascii.crc32(repr((url, query.options)).encode())


# --- $filter -----------------------------------------------------------------------------------------------------

_LITERAL = r"(?:'(?:[^']|'')*'|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|-?\d+|true|false|null)"
_FORMS = {
    "compare": re.compile(rf"(?P<name>\w+(?:/\w+)?)\s+(?P<operator>eq|ne)\s+(?P<value>{_LITERAL})"),
    "within": re.compile(rf"(?P<name>\w+)\s+in\s+\((?P<values>\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*\s*)\)"),
    "starts": re.compile(r"startswith\(\s*(?P<name>\w+)\s*,\s*(?P<value>'(?:[^']|'')*')\s*\)", re.IGNORECASE),
    "any": re.compile(
        rf"(?P<name>\w+)/any\(\s*(?P<x>\w+)\s*:\s*(?P=x)(?:/(?P<key>\w+))?\s+eq\s+(?P<value>{_LITERAL})\s*\)"
    ),
    "count": re.compile(r"(?P<name>\w+)/\$count\s+(?P<operator>eq|ne)\s+(?P<value>\d+)"),
}
_AND = re.compile(r"'(?:[^']|'')*'|\s+(?P<and>and)\s+")


def predicate(query: Query, kind: Kind) -> Test:
    """What `$filter` lets through."""
    if query.filter is None:
        return lambda row: True
    tests = [_test(clause, query, kind) for clause in _clauses(query.filter)]
    return lambda row: all(test(row) for test in tests)


def _clauses(text: str) -> list[str]:
    """The text between the `and`s that stand outside of quotes."""
    clauses, start = [], 0
    for match in _AND.finditer(text):
        if match["and"]:
            clauses.append(text[start : match.start()])
            start = match.end()
    return [clause.strip() for clause in (*clauses, text[start:])]


def _test(clause: str, query: Query, kind: Kind) -> Test:
    for form, pattern in _FORMS.items():
        match = pattern.fullmatch(clause)
        if match:
            _known(match["name"].partition("/")[0], kind)
            if match.groupdict().get("operator") == "ne" or form == "count":
                _want_advanced(query)
            return _MAKERS[form](match, kind)
    raise unsupported(f"Unsupported or invalid query filter clause: '{clause}'.")


def _known(name: str, kind: Kind) -> None:
    if name not in kind.blanks:
        raise QueryError(
            f"Could not find a property named '{name}' on type 'microsoft.graph.{kind.name}'.", code="BadRequest"
        )


def _want_advanced(query: Query) -> None:
    if not query.advanced:
        raise unsupported("This query wants the header ConsistencyLevel: eventual and $count=true.")


def _compare(match: re.Match[str], kind: Kind) -> Test:
    name, dummy, key = match["name"].partition("/")
    wanted, negated = _literal(match["value"]), match["operator"] == "ne"
    return lambda row: (_plain(_value(_get(row, name, kind), key)) == wanted) != negated


def _within(match: re.Match[str], kind: Kind) -> Test:
    name = match["name"]
    wanted = [_literal(text) for text in re.findall(_LITERAL, match["values"])]
    return lambda row: _plain(_get(row, name, kind)) in wanted


def _starts(match: re.Match[str], kind: Kind) -> Test:
    name, wanted = match["name"], str(_literal(match["value"]))
    return lambda row: str(_plain(_get(row, name, kind)) or "").startswith(wanted)


def _any(match: re.Match[str], kind: Kind) -> Test:
    name, key, wanted = match["name"], match["key"], _literal(match["value"])
    return lambda row: any(_plain(_value(item, key)) == wanted for item in _items(row, name, kind))


def _count(match: re.Match[str], kind: Kind) -> Test:
    name, wanted, negated = match["name"], int(match["value"]), match["operator"] == "ne"
    return lambda row: (len(_items(row, name, kind)) == wanted) != negated


_MAKERS: Mapping[str, Callable[[re.Match[str], Kind], Test]] = {
    "compare": _compare,
    "within": _within,
    "starts": _starts,
    "any": _any,
    "count": _count,
}


def _get(row: Row, name: str, kind: Kind) -> Any:
    return row[name] if name in row else kind.blanks[name]


def _items(row: Row, name: str, kind: Kind) -> Collection[Any]:
    value = _get(row, name, kind)
    return value if isinstance(value, list) else []


def _value(item: Any, key: str | None) -> Any:
    if not key:
        return item
    return item.get(key) if isinstance(item, Mapping) else None


def _plain(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _literal(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'").casefold()
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    return int(text) if re.fullmatch(r"-?\d+", text) else text.casefold()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue on the wire: what comes in, what goes out, and how it is refused.

The envelope is JSON:API flavoured (IT Glue API reference, introduction): ids are strings, foreign keys
numbers, keys kebab-case in answers and either kebab or snake in requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from .core import phrase_of

Json = dict[str, Any]

MEDIA_TYPE = "application/vnd.api+json"
#: Kinds of body that are read; anything else is a 415. The borders are an assumption.
BODY_TYPES = {MEDIA_TYPE, "application/json"}
DEFAULT_PAGE = 50
#: In the words of IT Glue; Python has others from 3.13 on.
TITLES = {422: "Unprocessable Entity"}

_NESTED_KEY = re.compile(r"^(\w+)\[([^\]]+)\]$")
_COMMA = re.compile(r"(?<!\\),")


class Refusal(Exception):
    """An answer that is an error: `body` goes out with `status`."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body

    @property
    def errors(self) -> list[Json]:
        return self.body.get("errors", [])

    def response(self) -> Response:
        return answer(self.body, self.status)


def refusal(status: int, *, title: str | None = None, detail: Any = None, pointer: str | None = None) -> Refusal:
    """An error of the common form; `detail` is a string or a list of strings, both occur."""
    return Refusal(status, {"errors": [error(status, title=title, detail=detail, pointer=pointer)]})


def error(status: int, *, title: str | None = None, detail: Any = None, pointer: str | None = None) -> Json:
    item: Json = {"status": status, "title": title or TITLES.get(status) or phrase_of(status)}
    if detail is not None:
        item["detail"] = detail
    if pointer is not None:
        item["source"] = {"pointer": pointer}
    return item


def invalid(attribute: str, detail: str | list[str]) -> Json:
    """The form of a rejected attribute."""
    return error(422, title="Unprocessable Entity", detail=detail, pointer=f"/data/attributes/{attribute}")


def rejected(errors: list[Json]) -> Refusal:
    return Refusal(422, {"errors": errors})


def not_found() -> Refusal:
    """An id that does not exist: the code is documented, the body is an assumption."""
    return refusal(404)


def unauthorized() -> Refusal:
    """An id of another account."""
    return refusal(401, detail="Unauthorized resource access", pointer="id")


def forbidden() -> Refusal:
    """A bad key. The one error without an `errors` list."""
    return Refusal(403, {"message": "Forbidden"})


def answer(body: Any, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, media_type=MEDIA_TYPE)


def kebab(key: str) -> str:
    return key.replace("_", "-")


def snake(key: str) -> str:
    return key.replace("-", "_")


def truthy(value: Any) -> bool | None:
    """`true, false, 1, 0` in any dress; None for null and for anything else."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "1"):
        return True
    return False if text in ("false", "0") else None


@dataclass
class Call:
    """A request, read: the query's parameters under their snake names, the `data` of the body as sent."""

    base: str
    ids: dict[str, int]
    pairs: list[tuple[str, str]]
    filters: dict[str, list[str]] = field(default_factory=dict)
    excludes: dict[str, list[str]] = field(default_factory=dict)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    include: frozenset[str] = frozenset()
    number: int = 1
    size: int = DEFAULT_PAGE
    has_body: bool = False
    data: Any = None

    @property
    def scope(self) -> tuple:
        """What decides which rows a list has, and in which order: the key of a cache."""
        return (
            tuple(sorted(self.ids.items())),
            tuple(sorted((key, tuple(values)) for key, values in self.filters.items())),
            tuple(sorted((key, tuple(values)) for key, values in self.excludes.items())),
            tuple(self.sort),
        )

    def page_url(self, number: int) -> str:
        pairs = [(key, value) for key, value in self.pairs if key != "page[number]"]
        return f"{self.base}?{urlencode([*pairs, ('page[number]', number)])}"


def read_call(request: Request, body: bytes, page_limit: int) -> Call:
    """Read a request. Raises `Refusal` for a repeated parameter (422), a body that is none (415, 400, 500)."""
    pairs = parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
    keys = [key for key, value in pairs]
    if len(set(keys)) != len(keys):
        # Here the vendor's status is a word, not a number.
        item = {"status": "unprocessable_entity", "title": "Duplicate Parameters Specified"}
        raise Refusal(422, {"errors": [{**item, "source": {"pointer": "data"}}]})
    url = request.url
    call = Call(f"{url.scheme}://{url.netloc}{url.path}", _path_ids(request.path_params), pairs)
    for key, value in pairs:
        _take_parameter(call, key, value, page_limit)
    if body:
        _take_body(call, request.headers.get("content-type", ""), body)
    return call


def _path_ids(params: Mapping[str, str]) -> dict[str, int]:
    if not all(value.isascii() and value.isdigit() for value in params.values()):
        raise not_found()
    return {key: int(value) for key, value in params.items()}


def _take_parameter(call: Call, key: str, value: str, page_limit: int) -> None:
    nested = _NESTED_KEY.match(key)
    if nested:
        family, name = nested[1], snake(nested[2])
        if family in ("filter", "exclude") and value:
            {"filter": call.filters, "exclude": call.excludes}[family][name] = split_values(value)
        elif family == "page" and value.isascii() and value.isdigit() and int(value) > 0:
            if name == "size":
                call.size = min(int(value), page_limit)
            elif name == "number":
                call.number = int(value)
    elif key == "sort":
        names = [part.strip() for part in value.split(",") if part.strip()]
        call.sort = [(snake(name.lstrip("-")), name.startswith("-")) for name in names]
    elif key == "include":
        call.include = frozenset(snake(part.strip()) for part in value.split(",") if part.strip())


def split_values(value: str) -> list[str]:
    """The values of a filter: a comma is an OR, `\\,` a comma."""
    return [part.replace("\\,", ",") for part in _COMMA.split(value)]


def _take_body(call: Call, content_type: str, body: bytes) -> None:
    media_type = content_type.split(";")[0].strip().lower()
    if media_type not in BODY_TYPES:
        raise refusal(415, detail=f"Content type {media_type or 'none'} is not supported")
    try:
        document = json.loads(body)
    except ValueError:
        raise refusal(400, detail="The request body is not valid JSON") from None
    if isinstance(document, str):
        # A body that was encoded twice brings the server down.
        raise refusal(500)
    if not isinstance(document, dict):
        raise refusal(400, detail="The request body must be an object")
    call.has_body = "data" in document
    call.data = document.get("data")


def objects(call: Call, kind: str, *, many: bool | None = None) -> list[Json]:
    """The objects of a body as attribute mappings with kebab keys; `relationships` is kept under its own key.

    `many` says whether the body must hold a list (True), one object (False) or either (None).
    """
    data = call.data
    if many is not None and isinstance(data, list) is not many:
        raise refusal(422, detail=f"data must be {'a list' if many else 'one object'}", pointer="data")
    items = data if isinstance(data, list) else [data]
    if not items or not all(isinstance(item, dict) for item in items):
        raise refusal(400, detail="param is missing or the value is empty: data")
    return [_object(item, kind) for item in items]


def _object(item: Json, kind: str) -> Json:
    if kebab(str(item.get("type"))) != kind:
        raise refusal(422, title=f"Valid type is required: {snake(kind)}", pointer="data/type")
    attributes = item.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise refusal(400, detail="data.attributes must be an object")
    result = {kebab(key): _entries(value) for key, value in attributes.items()}
    relationships = item.get("relationships")
    if isinstance(relationships, dict):
        result["relationships"] = {kebab(key): value for key, value in relationships.items()}
    return result


def _entries(value: Any) -> Any:
    """The entries of a list attribute (e-mails, phones) under kebab keys."""
    if not isinstance(value, list):
        return value
    return [{kebab(key): item for key, item in entry.items()} if isinstance(entry, dict) else entry for entry in value]


def envelope(call: Call, data: list[Json], included: list[Json] | None, total: int, links_at_end: str) -> Json:
    """A page of a list. `included` is None where nothing was asked for."""
    pages = -(-total // call.size)
    following = call.number + 1 if call.number < pages else None
    previous = min(call.number - 1, pages) if call.number > 1 else None
    body: Json = {"data": data}
    if included is not None:
        body["included"] = included
    body["meta"] = {
        "current-page": call.number,
        "next-page": following,
        "prev-page": previous or None,
        "total-pages": pages,
        "total-count": total,
        "filters": {},
    }
    body["links"] = _links(call, pages, following, previous, links_at_end) if pages > 1 else {}
    return body


def _links(call: Call, pages: int, following: int | None, previous: int | None, at_end: str) -> dict[str, str | None]:
    numbers = {"self": call.number, "first": 1, "prev": previous, "next": following, "last": pages}
    links = {name: call.page_url(number) if number else None for name, number in numbers.items()}
    if at_end == "missing":
        return {name: link for name, link in links.items() if link}
    return links


def unique(items: Iterable[Json]) -> list[Json]:
    """Included objects, each once, in order."""
    return list({(item["type"], item["id"]): item for item in items}.values())

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds requests and answers against the vendors' OpenAPI 3.0 descriptions.

Checked: path, method, names of the query parameters (and that numbers and booleans are
such), the body of the request and of the answer. The schemas are turned from OpenAPI's
dialect into JSON Schema and compiled once, when an operation is first met.

Left out on purpose:
- which media type carries a form (a BMS description knows multipart only, the service
  takes urlencoded forms too): the fields are checked either way;
- answers with a status that the description does not declare (BMS declares 200 only);
- Graph's `$skiptoken`, which only ever comes out of a next link;
- the values that a description enumerates for a query parameter: Graph's lists name the
  properties of the base type only where a path ends in a cast.

BMS's description spells properties in PascalCase, the wire in camelCase. The first
letter is folded on both sides before comparing, so that any other difference shows.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

LOGGER = logging.getLogger("sandbox")
FILES = {"graph": "graph_openapi_subset.yaml", "bms": "bms_openapi_subset.json"}
KEPT = 1000
SHOWN = 300
PER_BODY = 5
EMPTY_REPORT: dict[str, Any] = {"checked": 0, "mismatches": [], "uncovered": []}

Schema = Any
Validator = Any


class ContractError(ValueError):
    """A description that cannot be read."""


@dataclass(frozen=True)
class Exchange:
    """One request with its answer."""

    service: str
    method: str
    path: str
    query: bytes
    request_headers: Headers
    request_body: bytes
    status: int
    answer_headers: Headers
    answer_body: bytes


class Contracts:
    """The descriptions in a directory, and what was found against them."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        self._contracts = contracts
        self.clear()

    @classmethod
    def load(cls, directory: Path) -> Contracts:
        return cls({service: Contract.load(service, directory / name) for service, name in FILES.items()})

    def clear(self) -> None:
        self._checked = 0
        self._mismatches: list[dict[str, str]] = []
        self._uncovered: Counter[tuple[str, str, str]] = Counter()

    async def check(self, exchange: Exchange) -> None:
        contract = self._contracts.get(exchange.service)
        if contract is None:
            return
        operations = contract.find(exchange.path)
        if operations is None:
            self._uncovered[exchange.service, exchange.method, exchange.path] += 1
            return
        self._checked += 1
        for what in await operations.problems(exchange):
            self._report(exchange, what)

    def report(self) -> dict[str, Any]:
        uncovered = [
            {"service": service, "method": method, "path": path, "count": count}
            for (service, method, path), count in self._uncovered.items()
        ]
        return {"checked": self._checked, "mismatches": self._mismatches, "uncovered": uncovered}

    def _report(self, exchange: Exchange, what: str) -> None:
        LOGGER.warning("contract: %s %s %s: %s", exchange.service, exchange.method, exchange.path, what)
        if len(self._mismatches) < KEPT:
            self._mismatches.append(
                {"service": exchange.service, "method": exchange.method, "path": exchange.path, "what": what}
            )


class Contract:
    """One vendor's description."""

    def __init__(self, document: Mapping[str, Any], *, fold: bool = False, cast_prefix: str | None = None) -> None:
        """`fold` ignores the case of the first letter of keys; `cast_prefix` is a namespace that the paths leave out
        ("microsoft." where the wire says `microsoft.graph.user` and the description `graph.user`)."""
        self._cast_prefix = cast_prefix
        self._base = urlsplit((document.get("servers") or [{"url": ""}])[0]["url"]).path.rstrip("/")
        schemas = document.get("components", {}).get("schemas", {})
        components = {name: _converted(schema, fold) for name, schema in schemas.items()}
        book = _Book(document, components, fold)
        self._literal: dict[str, Operations] = {}
        self._patterns: list[tuple[re.Pattern[str], Operations]] = []
        for template, item in document["paths"].items():
            operations = Operations(book, item)
            if "{" in template:
                self._patterns.append((_template_pattern(template), operations))
            else:
                self._literal[template] = operations

    @classmethod
    def load(cls, service: str, path: Path) -> Contract:
        try:
            document = _read(path)
            if service == "bms":
                return cls(document, fold=True)
            return cls(document, cast_prefix="microsoft.")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContractError(f"{path}: {error}") from error

    def find(self, path: str) -> Operations | None:
        """What the description says of this path; None when it does not know it."""
        if not path.startswith(self._base + "/"):
            return None
        path = path[len(self._base) :]
        if self._cast_prefix:
            path = path.replace("/" + self._cast_prefix, "/")
        if path in self._literal:
            return self._literal[path]
        return next((operations for pattern, operations in self._patterns if pattern.fullmatch(path)), None)


class Operations:
    """One path of a description, with its methods."""

    def __init__(self, book: _Book, item: Mapping[str, Any]) -> None:
        self._book = book
        self._item = item
        self._compiled: dict[str, _Operation] = {}

    async def problems(self, exchange: Exchange) -> list[str]:
        method = exchange.method.lower()
        if method not in self._item:
            return [f"the contract has no {exchange.method} here"]
        if method not in self._compiled:
            self._compiled[method] = _Operation(self._book, self._item, self._item[method])
        return await self._compiled[method].problems(exchange)


@dataclass(frozen=True)
class _Parameter:
    name: str
    required: bool
    kind: str | None


class _Operation:
    """One method of one path, with its schemas compiled."""

    def __init__(self, book: _Book, item: Mapping[str, Any], operation: Mapping[str, Any]) -> None:
        self._book = book
        declared = [book.resolved(one) for one in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        self._parameters = {
            book.query_name(one["name"]): _Parameter(
                one["name"], bool(one.get("required")), one.get("schema", {}).get("type")
            )
            for one in declared
            if one["in"] == "query"
        }
        body = book.resolved(operation.get("requestBody") or {})
        self._takes_body = bool(body)
        self._needs_body = bool(body.get("required"))
        content = body.get("content", {})
        self._form = book.validator(_first(content, lambda media: "form" in media))
        self._json = book.validator(_first(content, _is_json))
        self._answers = {status: self._answer(answer) for status, answer in operation.get("responses", {}).items()}

    def _answer(self, answer: Mapping[str, Any]) -> Validator | None:
        content = self._book.resolved(answer).get("content", {})
        return self._book.validator(_first(content, _is_json) or _first(content, lambda media: True))

    async def problems(self, exchange: Exchange) -> list[str]:
        return [
            *self._query_problems(exchange.query),
            *await self._request_problems(exchange),
            *self._answer_problems(exchange),
        ]

    def _query_problems(self, query: bytes) -> Iterator[str]:
        given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        names = {self._book.query_name(name) for name, dummy in given}
        for name, value in given:
            if name.lower() == "$skiptoken":
                continue
            parameter = self._parameters.get(self._book.query_name(name))
            if parameter is None:
                yield f"query: the contract has no parameter {name}"
            elif not _value_fits(value, parameter.kind):
                yield f"query: {name} must be of type {parameter.kind}, not {value!r}"
        for folded, parameter in self._parameters.items():
            if parameter.required and folded not in names:
                yield f"query: {parameter.name} is missing"

    async def _request_problems(self, exchange: Exchange) -> list[str]:
        if not exchange.request_body:
            return ["request: the body is missing"] if self._needs_body else []
        if not self._takes_body:
            return ["request: the contract has no body here"]
        media = _media_type(exchange.request_headers)
        if "form" in media:
            fields = await _form(exchange)
            if self._form is None or fields is None:
                return [f"request: {media} is no form of the contract"]
            return self._book.errors("request", self._form, fields)
        if not _is_json(media) or self._json is None:
            return [f"request: the contract has no {media or 'body without a content type'} here"]
        return self._book.json_errors("request", self._json, exchange.request_body)

    def _answer_problems(self, exchange: Exchange) -> list[str]:
        validator = self._answers.get(self._declared(exchange.status) or "")
        if validator is None or not exchange.answer_body:
            return []
        return self._book.json_errors(f"answer {exchange.status}", validator, exchange.answer_body)

    def _declared(self, status: int) -> str | None:
        candidates = (str(status), f"{status // 100}XX", "default")
        return next((name for name in candidates if name in self._answers), None)


@dataclass
class _Book:
    """What the operations of one description share: references, folding, compiling."""

    document: Mapping[str, Any]
    components: Mapping[str, Any]
    fold: bool
    _validators: dict[str, Validator] = field(default_factory=dict)

    def resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """The target of a reference; anything else as it is."""
        if "$ref" not in value:
            return value
        target: Any = self.document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        return target

    def query_name(self, name: str) -> str:
        return name.casefold() if self.fold else name

    def validator(self, schema: Schema | None) -> Validator | None:
        import jsonschema_rs

        if schema is None:
            return None
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            root = {"allOf": [_converted(schema, self.fold)], "components": {"schemas": self.components}}
            self._validators[key] = jsonschema_rs.Draft7Validator(root, validate_formats=True)
        return self._validators[key]

    def json_errors(self, where: str, validator: Validator, body: bytes) -> list[str]:
        try:
            instance = json.loads(body)
        except ValueError:
            return [f"{where}: no JSON"]
        return self.errors(where, validator, instance)

    def errors(self, where: str, validator: Validator, instance: Any) -> list[str]:
        folded = _folded(instance) if self.fold else instance
        if validator.is_valid(folded):
            return []
        found = []
        for error in validator.iter_errors(folded):
            place = "/".join(map(str, error.instance_path))
            found.append(f"{where}: /{place}: {error.message}"[:SHOWN])
            if len(found) == PER_BODY:
                break
        return found


def _converted(schema: Schema, fold: bool) -> Schema:
    """OpenAPI 3.0's dialect as JSON Schema: `nullable` becomes a type, keys are folded where told."""
    if isinstance(schema, list):
        return [_converted(item, fold) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: value if key in _DATA else _converted(value, fold) for key, value in schema.items()}
    if "properties" in schema:
        result["properties"] = {
            _lower_first(name) if fold else name: _converted(value, fold)
            for name, value in schema["properties"].items()
        }
    if fold and "required" in schema:
        result["required"] = [_lower_first(name) for name in schema["required"]]
    if result.pop("nullable", None) is True:
        return _nullable(result)
    return result


#: Keywords whose values are data or names, not schemas.
_DATA = frozenset({"enum", "default", "example", "examples", "discriminator", "required", "properties"})


def _nullable(schema: dict[str, Any]) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if "type" in schema or "allOf" in schema or "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def _folded(instance: Any) -> Any:
    if isinstance(instance, dict):
        return {_lower_first(key): _folded(value) for key, value in instance.items()}
    if isinstance(instance, list):
        return [_folded(item) for item in instance]
    return instance


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _value_fits(value: str, kind: str | None) -> bool:
    if kind == "integer":
        return re.fullmatch(r"-?\d+", value) is not None
    if kind == "boolean":
        return value.lower() in ("true", "false")
    return True


def _template_pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(map(re.escape, pieces)))


def _first(content: Mapping[str, Any], fits: Callable[[str], bool]) -> Schema | None:
    return next((one["schema"] for media, one in content.items() if fits(media) and "schema" in one), None)


def _is_json(media: str) -> bool:
    return media.endswith(("/json", "+json"))


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def _form(exchange: Exchange) -> dict[str, str] | None:
    """The fields of a form; None when it is none."""

    async def stream() -> Any:
        yield exchange.request_body
        yield b""

    multipart = _media_type(exchange.request_headers) == "multipart/form-data"
    parser = (MultiPartParser if multipart else FormParser)(exchange.request_headers, stream())
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        return None
    fields: Iterable[tuple[str, Any]] = form.multi_items()
    return {name: value if isinstance(value, str) else "" for name, value in fields}


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error

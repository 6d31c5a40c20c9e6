# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendors' OpenAPI descriptions in the form that tools need which know nothing of either vendor.

Changed is what the wire shows to be otherwise, and nothing else:
- BMS spells properties in PascalCase in its description, and in camelCase in its answers;
- BMS knows multipart forms only for the login, and takes urlencoded ones too; nobody has a token before it;
- BMS declares the status 200 only; any other is left open, as the description says nothing of it;
- Graph's paths leave out the base path `/v1.0`, and the namespace `microsoft.` of a cast;
- Graph's `$skiptoken` only ever comes out of a link to the next page, and is not described;
- Graph allows more in `$select` than the properties of the base type, where a path ends in a cast.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox.contracts import FILES
from tests.tools.files import ROOT

DIRECTORY = ROOT.parent / "shared" / "contracts"
BASE = "/v1.0"
SCHEMAS = "#/components/schemas/"
WIRE = "wire."
URLENCODED = "application/x-www-form-urlencoded"
SKIP_TOKEN = {"name": "$skiptoken", "in": "query", "schema": {"type": "string"}}

Json = dict[str, Any]


def described(service: str) -> Json:
    """The description of `graph` or `bms`, as above."""
    document = yaml.safe_load((DIRECTORY / FILES[service]).read_text(encoding="utf-8"))
    return _graph(document) if service == "graph" else _bms(document)


def write(service: str, directory: Path) -> Path:
    """The description as a file."""
    path = directory / f"{service}.json"
    path.write_text(json.dumps(described(service)), encoding="utf-8")
    return path


def _graph(document: Json) -> Json:
    paths = {BASE + path.replace("/graph.", "/microsoft.graph."): item for path, item in document["paths"].items()}
    for operation in _operations(paths):
        operation.setdefault("parameters", []).append(SKIP_TOKEN)
        for parameter in operation["parameters"]:
            parameter.get("schema", {}).get("items", {}).pop("enum", None)
    return {**document, "paths": paths, "servers": [{"url": "/"}]}


def _bms(document: Json) -> Json:
    for operation in _operations(document["paths"]):
        answers = operation["responses"]
        operation["responses"] = _on_the_wire(answers) | {"default": {"description": "Not described."}}
        content = operation.get("requestBody", {}).get("content", {})
        if form := content.get("multipart/form-data"):
            content[URLENCODED] = {"schema": form["schema"]}
            operation["security"] = []
    schemas = document["components"]["schemas"]
    schemas |= {WIRE + name: _on_the_wire(schema) for name, schema in schemas.items()}
    return {**document, "servers": [{"url": "/"}]}


def _operations(paths: Json) -> list[Json]:
    return [each for item in paths.values() for each in item.values() if isinstance(each, dict) and "responses" in each]


def _on_the_wire(schema: Any) -> Any:
    """A schema of answers, with the names of properties in camelCase."""
    if isinstance(schema, list):
        return [_on_the_wire(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _on_the_wire(each) for key, each in schema.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = found["$ref"].replace(SCHEMAS, SCHEMAS + WIRE)
    if isinstance(found.get("properties"), dict):
        found["properties"] = {_camel_case(name): each for name, each in found["properties"].items()}
        if "required" in found:
            found["required"] = list(map(_camel_case, found["required"]))
    return found


def _camel_case(name: str) -> str:
    return name[:1].lower() + name[1:]

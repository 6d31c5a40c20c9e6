# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's flexible asset types, their fields, and flexible assets.

Facts are the API reference's ("Flexible Asset Types", "Flexible Asset Fields", "Flexible Assets") and the error
bodies that users of the vendor's wrapper have reported.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from starlette.responses import Response

from .itglue_directory import NESTED, by, owner_of, with_adapters
from .itglue_part import LONG_AGO, Handler, Part, Resource, flag, pointers, text
from .itglue_records import Records, Write, bulk_id, many, one
from .itglue_tables import Listing, Table
from .itglue_wire import Call, Json, error, invalid, kebab, objects, refusal, rejected, truthy

KINDS = ("Checkbox", "Date", "Header", "Number", "Select", "Text", "Textbox", "Upload", "Tag", "Percent", "Password")
#: Kinds that can be part of an asset's name.
TITLES = ("Date", "Select", "Text")
STRINGS = ("Date", "Password", "Select", "Text", "Textbox")

ASSET_TYPE: Json = {
    "description": None,
    "icon": None,
    "enabled": True,
    "show-in-menu": True,
    "created-at": LONG_AGO,
    "updated-at": LONG_AGO,
    "fields": [],
}
FIELD: Json = {
    "hint": None,
    "default-value": None,
    "decimals": None,
    "tag-type": None,
    "required": False,
    "use-for-title": False,
    "show-in-list": False,
    "expiration": False,
    "created-at": LONG_AGO,
    "updated-at": LONG_AGO,
}
ASSET: Json = {
    "traits": {},
    "archived": False,
    "restricted": False,
    "adapters": [],
    "created-at": LONG_AGO,
    "updated-at": LONG_AGO,
}
TYPE_RELATION = "flexible-asset-fields"
FLAGS = ("required", "use-for-title", "show-in-list", "expiration")


def name_key(name: str) -> str:
    """The trait key of a field: "Webmail URL" -> `webmail-url`. Letters with accents lose them (assumption)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


class Assets(Part):
    def __init__(self, glue: Any) -> None:
        super().__init__(glue)
        self._types = Listing(
            glue.asset_types, by("id", "name", "icon", "enabled"), by("id", "name", "created-at", "updated-at")
        )
        named: dict[str, Callable[[Json], Any]] = {"name": self.asset_name}
        self._assets = Records(
            part=self,
            kind="flexible-assets",
            listing=Listing(
                glue.assets,
                by("id", "flexible-asset-type-id", "organization-id") | named,
                by("created-at", "updated-at") | named,
            ),
            resource=self.asset_resource,
            creator=self._asset_creator,
            writer=self._asset_writer,
            remove=glue.assets.remove,
            deletion_filters=frozenset({"organization_id", "flexible_asset_type_id"}),
        )

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        yield "GET", "/flexible_asset_types", self.list_types
        yield "POST", "/flexible_asset_types", self.create_type
        yield "GET", "/flexible_asset_types/{id}", self.show_type
        yield "PATCH", "/flexible_asset_types/{id}", self.update_type
        nested = "/flexible_asset_types/{flexible_asset_type_id}/relationships/flexible_asset_fields"
        yield "GET", nested, self.list_fields
        for prefix in ("/flexible_asset_fields", nested):
            yield "POST", prefix, self.create_fields
            yield "GET", f"{prefix}/{{id}}", self.show_field
            yield "PATCH", f"{prefix}/{{id}}", self.update_field
            yield "DELETE", f"{prefix}/{{id}}", self.delete_field
        yield "PATCH", "/flexible_asset_fields", self.update_fields
        yield "GET", "/flexible_assets", self.list_assets
        yield "POST", "/flexible_assets", self._assets.create
        yield "PATCH", "/flexible_assets", self._assets.update_many
        yield "DELETE", "/flexible_assets", self._assets.delete_many
        yield "GET", "/flexible_assets/{id}", self._assets.show
        yield "PATCH", "/flexible_assets/{id}", self._assets.update
        yield "DELETE", "/flexible_assets/{id}", self.delete_asset
        # There is no nested GET: this is the only nested route.
        yield "POST", f"{NESTED}/flexible_assets", self._assets.create

    # ---------------------------------------------------------------- types

    def type_resource(self, row: Json, include: frozenset[str]) -> Resource:
        attributes = {name: row[name] for name in ("name", "description", "icon", "enabled", "show-in-menu")}
        attributes |= {name: row[name] for name in ("created-at", "updated-at")}
        item: Json = {"id": str(row["id"]), "type": "flexible-asset-types", "attributes": attributes}
        if "flexible_asset_fields" not in include:
            return item, []
        fields = [self.field_resource(field, frozenset())[0] for field in row["fields"]]
        item["relationships"] = {TYPE_RELATION: pointers(fields)}
        return item, fields

    def list_types(self, call: Call) -> Response:
        return self.list_of(call, self._types, self.type_resource)

    def show_type(self, call: Call) -> Response:
        return one(self.type_resource(self.find(self.glue.asset_types, call.ids["id"]), call.include))

    def create_type(self, call: Call) -> Response:
        """Whether a name may be taken twice is not known; here it may."""
        (item,) = objects(call, "flexible-asset-types", many=False)
        changes = self._type_changes(item)
        if changes.get("name") is None:
            raise rejected([invalid("name", ["can't be blank"])])
        now = self.now()
        row: Json = {"id": 0, **ASSET_TYPE, **changes, "created-at": now, "updated-at": now, "fields": []}
        for attributes in _related_fields(item):
            row["fields"].append(self._new_field(row, attributes, now))
        if not any(field["show-in-list"] for field in row["fields"]):
            detail = "must contain at least one field that is shown in the list"
            raise rejected([error(422, detail=detail, pointer=f"/data/relationships/{TYPE_RELATION}")])
        self.glue.add_type(row)
        return one(self.type_resource(row, call.include), 201)

    def update_type(self, call: Call) -> Response:
        (item,) = objects(call, "flexible-asset-types", many=False)
        row = self.find(self.glue.asset_types, call.ids["id"])
        if "relationships" in item:
            raise refusal(422, detail="Relationships cannot be updated here", pointer="data/relationships")
        changes = self._type_changes(item)
        if changes.get("name", "given") is None:
            raise rejected([invalid("name", ["can't be blank"])])
        self.glue.write(self.glue.asset_types, row, changes, self.now())
        return one(self.type_resource(row, call.include))

    def _type_changes(self, item: Json) -> Json:
        changes: Json = {name: text(item[name], name) for name in ("name", "description", "icon") if name in item}
        changes |= {name: bool(flag(item[name], name)) for name in ("enabled", "show-in-menu") if name in item}
        return changes

    # --------------------------------------------------------------- fields

    def field_resource(self, field: Json, include: frozenset[str]) -> Resource:
        attributes = {"flexible-asset-type-id": self.glue.type_of_field(field)["id"]}
        attributes |= {key: value for key, value in field.items() if key != "id"}
        return {"id": str(field["id"]), "type": "flexible-asset-fields", "attributes": attributes}, []

    def list_fields(self, call: Call) -> Response:
        row = self.find(self.glue.asset_types, call.ids["flexible_asset_type_id"])
        return self.page(call, row["fields"], self.field_resource)

    def show_field(self, call: Call) -> Response:
        return one(self.field_resource(self._field(call), call.include))

    def create_fields(self, call: Call) -> Response:
        ident = call.ids.get("flexible_asset_type_id")
        items = objects(call, "flexible-asset-fields", many=False if ident is None else None)
        rows = []
        for item in items:
            owner = self._owning_type(item) if ident is None else self.find(self.glue.asset_types, ident)
            field = self._new_field(owner, item, self.now())
            self.glue.add_field(owner, field)
            rows.append(field)
        resources = [self.field_resource(field, call.include) for field in rows]
        return many(resources, 201) if isinstance(call.data, list) else one(resources[0], 201)

    def update_field(self, call: Call) -> Response:
        (item,) = objects(call, "flexible-asset-fields", many=False)
        field = self._field(call)
        self._change_field(field, item)
        return one(self.field_resource(field, call.include))

    def update_fields(self, call: Call) -> Response:
        items = objects(call, "flexible-asset-fields", many=True)
        fields = [self.find(self.glue.fields, bulk_id(item)) for item in items]
        for field, item in zip(fields, items, strict=True):
            self._change_field(field, item)
        return many([self.field_resource(field, call.include) for field in fields])

    def delete_field(self, call: Call) -> Response:
        """What the assets hold under the field is lost."""
        field = self._field(call)
        owner = self.glue.type_of_field(field)
        for asset in self.glue.assets.of(owner["id"]):
            asset["traits"].pop(field["name-key"], None)
        self.glue.remove_field(field)
        return Response(status_code=204)

    def _field(self, call: Call) -> Json:
        field = self.find(self.glue.fields, call.ids["id"])
        owner = call.ids.get("flexible_asset_type_id")
        if owner not in (None, self.glue.type_of_field(field)["id"]):
            raise refusal(404)
        return field

    def _owning_type(self, item: Json) -> Json:
        ident = str(item.get("flexible-asset-type-id"))
        row = self.glue.asset_types.rows.get(int(ident)) if ident.isdigit() else None
        if row is None:
            pointer = "data/attributes/flexible_asset_type_id"
            raise refusal(422, title="Valid flexible_asset_type_id is required", pointer=pointer)
        return row

    def _new_field(self, owner: Json, item: Json, now: str) -> Json:
        changes = self._field_changes(item)
        missing = [name for name in ("name", "kind", "order") if changes.get(name) is None]
        if missing:
            raise rejected([invalid(name, ["can't be blank"]) for name in missing])
        field = {"id": 0, **FIELD, **changes, "name-key": name_key(changes["name"])}
        field |= {"created-at": now, "updated-at": now}
        self._check_field(owner, field)
        return field

    def _change_field(self, field: Json, item: Json) -> None:
        """Change a field. Its key stays, also when it is renamed: what IT Glue does then is not known."""
        changes = self._field_changes(item)
        owner = self.glue.type_of_field(field)
        used = any(field["name-key"] in asset["traits"] for asset in self.glue.assets.of(owner["id"]))
        if used and changes.get("kind", field["kind"]) != field["kind"]:
            raise rejected([invalid("kind", "cannot be changed once the field is used")])
        wanted = {**field, **changes}
        self._check_field(owner, wanted)
        self.glue.write(self.glue.fields, field, {key: wanted[key] for key in field}, self.now())

    def _field_changes(self, item: Json) -> Json:
        texts = ("name", "kind", "hint", "default-value", "tag-type")
        changes: Json = {name: text(item[name], name) for name in texts if name in item}
        for name in ("order", "decimals"):
            if name in item:
                value = text(item[name], name)
                if value is not None and not value.isdigit():
                    raise rejected([invalid(name, ["is not a number"])])
                changes[name] = None if value is None else int(value)
        changes |= {name: bool(flag(item[name], name)) for name in FLAGS if name in item}
        return changes

    def _check_field(self, owner: Json, field: Json) -> None:
        errors = []
        if field["kind"] not in KINDS:
            errors.append(invalid("kind", ["is not included in the list"]))
        needs = {"Select": "default-value", "Number": "decimals", "Percent": "decimals", "Tag": "tag-type"}
        needed = needs.get(field["kind"])
        if needed and field[needed] is None:
            errors.append(invalid(needed, ["can't be blank"]))
        for other in owner["fields"]:
            if other["id"] == field["id"] and other["id"]:
                continue
            if other["name"].casefold() == field["name"].casefold() or other["name-key"] == field["name-key"]:
                errors.append(invalid("name", ["has already been taken"]))
            if other["order"] == field["order"]:
                errors.append(invalid("order", ["has already been taken"]))
        if errors:
            raise rejected(errors)
        if field["kind"] == "Header":
            field["required"] = False
        if field["kind"] not in TITLES:
            field["use-for-title"] = False

    # --------------------------------------------------------------- assets

    def asset_resource(self, row: Json, include: frozenset[str]) -> Resource:
        asset_type = self.glue.asset_types.rows[row["flexible-asset-type-id"]]
        organization = row["organization-id"]
        attributes = {
            "organization-id": organization,
            "organization-name": self.glue.organizations.rows[organization]["name"],
            "resource-url": self.glue.url(f"{organization}/assets/{asset_type['id']}/records/{row['id']}"),
            "restricted": row["restricted"],
            "my-glue": False,
            "flexible-asset-type-id": asset_type["id"],
            "flexible-asset-type-name": asset_type["name"],
            "name": self.asset_name(row),
            "traits": self._shown_traits(row, asset_type),
            "archived": row["archived"],
            "created-at": row["created-at"],
            "updated-at": row["updated-at"],
        }
        return with_adapters(
            {"id": str(row["id"]), "type": "flexible-assets", "attributes": attributes}, row, include, 3
        )

    def asset_name(self, row: Json) -> str | None:
        """The name: what stands in the fields that are used for the title, joined."""
        fields = sorted(
            self.glue.asset_types.rows[row["flexible-asset-type-id"]]["fields"], key=lambda one: one["order"]
        )
        parts = [row["traits"].get(field["name-key"]) for field in fields if field["use-for-title"]]
        return " ".join(str(part) for part in parts if part not in (None, "")) or None

    def list_assets(self, call: Call) -> Response:
        if "flexible_asset_type_id" not in call.filters:
            pointer = "filter/flexible_asset_type_id"
            raise refusal(422, title="filter[flexible_asset_type_id] is required", pointer=pointer)
        return self.list_of(call, self._assets.listing, self.asset_resource, self.glue.fields.revision)

    def delete_asset(self, call: Call) -> Response:
        self.glue.assets.remove(self.find(self.glue.assets, call.ids["id"]))
        return Response(status_code=204)

    def _asset_creator(self, organization: int | None, item: Json) -> Write:
        owner = organization if organization is not None else owner_of(item, self.glue)
        asset_type = self._owning_type(item)
        changes = {
            "organization-id": owner,
            "flexible-asset-type-id": asset_type["id"],
            **self._asset_changes(item),
            "traits": self._read_traits(item.get("traits", {}), asset_type),
        }
        return partial(self.glue.new_asset, changes, self.now())

    def _asset_writer(self, row: Json, item: Json) -> Write:
        """A PATCH: traits that it does not name are gone, unless it names no traits at all (assumption)."""
        asset_type = self.glue.asset_types.rows[row["flexible-asset-type-id"]]
        changes = self._asset_changes(item)
        if "traits" in item:
            changes["traits"] = self._read_traits(item["traits"], asset_type)
        if "organization-id" in item:
            changes["organization-id"] = owner_of(item, self.glue)
        return partial(self.glue.write, self.glue.assets, row, changes, self.now())

    def _asset_changes(self, item: Json) -> Json:
        return {name: bool(flag(item[name], name)) for name in ("archived", "restricted") if name in item}

    # --------------------------------------------------------------- traits

    def _read_traits(self, traits: Any, asset_type: Json) -> Json:
        if not isinstance(traits, dict):
            raise rejected([invalid("traits", "is invalid")])
        given = {kebab(key): value for key, value in traits.items()}
        fields = {field["name-key"]: field for field in asset_type["fields"] if field["kind"] != "Header"}
        if set(given) - set(fields):
            raise refusal(422, detail="Request contains invalid trait keys", pointer="data/attributes/traits")
        result = {key: _trait(value, fields[key]) for key, value in given.items() if value not in (None, "", [])}
        blank = [key for key, field in fields.items() if field["required"] and key not in result]
        if blank:
            raise rejected([invalid(f"flexible-asset-traits.{key}", ["can't be blank"]) for key in blank])
        return result

    def _shown_traits(self, row: Json, asset_type: Json) -> Json:
        """The traits as they are read: empty ones are missing, tags are spelled out."""
        kinds = {field["name-key"]: field for field in asset_type["fields"]}
        return {key: self._shown(value, kinds[key]) for key, value in row["traits"].items() if key in kinds}

    def _shown(self, value: Any, field: Json) -> Any:
        if field["kind"] == "Tag":
            kind = field["tag-type"]
            idents = value if isinstance(value, list) else [value]
            return {"type": kind, "values": [{"id": ident, "name": self._name(kind, ident)} for ident in idents]}
        if field["kind"] == "Textbox" and self.switch("itglue_textbox") == "editor":
            lines = html.escape(value, quote=False).replace("  ", "&nbsp; ").split("\n")
            return f"<p>{'<br>'.join(lines)}</p>"
        return value

    def _name(self, kind: str, ident: int) -> str | None:
        tables: dict[str, Table] = {"Organizations": self.glue.organizations, "Locations": self.glue.locations}
        if kind == "Contacts" and ident in self.glue.contacts.rows:
            contact = self.glue.contacts.rows[ident]
            return " ".join(part for part in (contact["first-name"], contact["last-name"]) if part) or None
        row = tables[kind].rows.get(ident) if kind in tables else None
        return row and row["name"]


def _related_fields(item: Json) -> list[Json]:
    relation = item.get("relationships", {}).get(TYPE_RELATION)
    data = relation.get("data") if isinstance(relation, dict) else None
    if not isinstance(data, list) or not data or not all(isinstance(entry, dict) for entry in data):
        detail = "must contain at least one field"
        raise rejected([error(422, detail=detail, pointer=f"/data/relationships/{TYPE_RELATION}")])
    found = [entry.get("attributes") for entry in data]
    return [{kebab(key): value for key, value in (attributes or {}).items()} for attributes in found]


def _trait(value: Any, field: Json) -> Any:
    """A trait as it is kept. A Select takes any value: what IT Glue does with one outside its options is not known."""
    kind = field["kind"]
    if kind in STRINGS:
        if isinstance(value, (dict, list)):
            raise rejected([invalid(f"flexible-asset-traits.{field['name-key']}", ["is invalid"])])
        return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "Checkbox":
        return bool(truthy(value))
    if kind == "Upload":
        return {"name": value.get("file_name")} if isinstance(value, dict) else value
    return value

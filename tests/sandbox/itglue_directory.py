# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's organizations, locations and contact types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.responses import Response

from .itglue_part import (
    SYNCED,
    Handler,
    Part,
    Resource,
    adapter_resources,
    apply_all,
    bulk_id,
    chosen_for_deletion,
    flag,
    many,
    one,
    pointers,
    reference,
    text,
)
from .itglue_tables import PSA_TYPES, Getter, Listing, between, plays
from .itglue_wire import Call, Json, Refusal, invalid, objects, refusal, rejected

NESTED = "/organizations/{organization_id}/relationships"
#: What a list shows of an organization's quick notes.
QUICK_NOTES = 250

ORGANIZATION_TEXTS = ("name", "alert", "description", "quick-notes", "short-name")
ORGANIZATION_NUMBERS = ("organization-type-id", "organization-status-id", "parent-id")
LOCATION_TEXTS = ("name", "address-1", "address-2", "city", "postal-code", "phone", "fax", "notes")
LOCATION_NUMBERS = ("region-id", "country-id")


def by(*names: str) -> dict[str, Getter]:
    """Getters of attributes, under their snake names."""
    return {name.replace("-", "_"): partial(_get, name) for name in names}


def _get(name: str, row: Json) -> Any:
    return row.get(name)


def psa_state(row: Json) -> str | None:
    """The `psa-integration` of an organization or a location: from its adapters, unless the world says."""
    if row["psa-integration"] is not None:
        return row["psa-integration"]
    for adapter in row["adapters"]:
        if any(plays(adapter, psa_type) for psa_type in PSA_TYPES):
            if adapter["orphaned"]:
                return "orphaned"
            return "enabled" if adapter["sync"] else "disabled"
    return None


class Directory(Part):
    def __init__(self, glue: Any) -> None:
        super().__init__(glue)
        times = by("created-at", "updated-at")
        filters = by("id", "name", "organization-type-id", "organization-status-id", "primary")
        self._organizations = Listing(
            glue.organizations,
            filters,
            by("name", "id", "organization-status-name", "organization-type-name", "short-name") | times,
            psa=True,
        )
        self._locations = Listing(
            glue.locations,
            by("id", "name", "city", "region-id", "country-id", "organization-id"),
            by("name", "id", "primary") | times,
            psa=True,
        )
        self._contact_types = Listing(glue.contact_types, by("name"), by("name", "id") | times)

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        yield "GET", "/organizations", self.list_organizations
        yield "POST", "/organizations", self.create_organization
        yield "PATCH", "/organizations", self.update_organizations
        yield "GET", "/organizations/{id}", self.show_organization
        yield "PATCH", "/organizations/{id}", self.update_organization
        for prefix in ("", NESTED):
            yield "GET", f"{prefix}/locations", self.list_locations
            yield "POST", f"{prefix}/locations", self.create_locations
            yield "DELETE", f"{prefix}/locations", self.delete_locations
            yield "GET", f"{prefix}/locations/{{id}}", self.show_location
            yield "PATCH", f"{prefix}/locations/{{id}}", self.update_location
        yield "PATCH", "/locations", self.update_locations
        yield "GET", "/contact_types", self.list_contact_types
        yield "POST", "/contact_types", self.create_contact_type
        yield "GET", "/contact_types/{id}", self.show_contact_type
        yield "PATCH", "/contact_types/{id}", self.update_contact_type

    # ------------------------------------------------------- organizations

    def organization_resource(self, row: Json, include: frozenset[str], *, brief: bool = False) -> Resource:
        notes = row["quick-notes"]
        parent = row["parent-id"]
        attributes = {
            "resource-url": self.glue.url(str(row["id"])),
            "name": row["name"],
            "alert": row["alert"],
            "description": row["description"],
            "organization-type-id": row["organization-type-id"],
            "organization-type-name": row["organization-type-name"],
            "organization-status-id": row["organization-status-id"],
            "organization-status-name": row["organization-status-name"],
            "primary": row["primary"],
            "logo": "",
            "quick-notes": notes[:QUICK_NOTES] if brief and notes else notes,
            "short-name": row["short-name"],
            "psa-integration": psa_state(row),
            "created-at": row["created-at"],
            "updated-at": row["updated-at"],
            "parent-id": None if parent is None else str(parent),
            "ancestor-ids": None if parent is None else f"[{parent}]",
        }
        return with_adapters({"id": str(row["id"]), "type": "organizations", "attributes": attributes}, row, include, 0)

    def list_organizations(self, call: Call) -> Response:
        check_psa_filter(call)
        rows = self._organizations.rows(call)
        for name in ("created_at", "updated_at"):
            if name in call.filters:
                rows = [row for row in rows if between(row[name.replace("_", "-")], call.filters[name])]
        return self.page(call, rows, partial(self.organization_resource, brief=True))

    def show_organization(self, call: Call) -> Response:
        return one(self.organization_resource(self.find(self.glue.organizations, call.ids["id"]), call.include))

    def create_organization(self, call: Call) -> Response:
        (item,) = objects(call, "organizations", many=False)
        changes = self._organization_changes(item)
        if not changes.get("name"):
            raise rejected([invalid("name", "can't be blank")])
        row = self.glue.new_organization(changes, self.now())
        return one(self.organization_resource(row, call.include), 201)

    def update_organization(self, call: Call) -> Response:
        (item,) = objects(call, "organizations", many=False)
        row = self._organization_writer(self.find(self.glue.organizations, call.ids["id"]), item)()
        return one(self.organization_resource(row, call.include))

    def update_organizations(self, call: Call) -> Response:
        rows = apply_all(
            objects(call, "organizations", many=True),
            lambda item: self._organization_writer(self.find(self.glue.organizations, bulk_id(item)), item),
            atomic=self.switch("itglue_bulk_atomic"),
        )
        return many([self.organization_resource(row, call.include) for row in rows])

    def _organization_changes(self, item: Json) -> Json:
        changes: Json = {name: text(item[name], name) for name in ORGANIZATION_TEXTS if name in item}
        for name in ORGANIZATION_NUMBERS:
            if name in item:
                value = text(item[name], name)
                changes[name] = int(value) if value and value.isdigit() else None
        return changes

    def _organization_writer(self, row: Json, item: Json) -> Any:
        changes = self._organization_changes(item)
        if psa_state(row) == "enabled" and not self.switch("two_way_unlocks"):
            locked = [name for name in changes if name not in ("alert", "description", "quick-notes")]
            if locked:
                raise rejected([invalid(name, SYNCED) for name in locked])
        if changes.get("name", "given") is None:
            raise rejected([invalid("name", "can't be blank")])
        return partial(self.glue.write, self.glue.organizations, row, changes, self.now())

    # ----------------------------------------------------------- locations

    def location_resource(self, row: Json, include: frozenset[str]) -> Resource:
        attributes = {
            "organization-id": row["organization-id"],
            "organization-name": self.glue.organizations.rows[row["organization-id"]]["name"],
            "resource-url": self.glue.url(f"{row['organization-id']}/locations/{row['id']}"),
            "psa-integration": psa_state(row),
            **{name: row[name] for name in ("name", "primary", "address-1", "address-2", "city", "postal-code")},
            **{name: row[name] for name in ("region-id", "region-name", "country-id", "country-name")},
            **{name: row[name] for name in ("phone", "fax", "notes", "created-at", "updated-at")},
            "formatted-phone": formatted(row["phone"]),
            "formatted-fax": formatted(row["fax"]),
        }
        return with_adapters({"id": str(row["id"]), "type": "locations", "attributes": attributes}, row, include, 1)

    def list_locations(self, call: Call) -> Response:
        check_psa_filter(call)
        return self.list_of(call, self._locations, self.location_resource)

    def show_location(self, call: Call) -> Response:
        return one(self.location_resource(self.within(call, self.glue.locations), call.include))

    def create_locations(self, call: Call) -> Response:
        organization = self.organization(call)
        items = objects(call, "locations", many=False if organization is None else None)
        rows = apply_all(
            items,
            lambda item: self._location_creator(organization, item),
            atomic=self.switch("itglue_bulk_atomic"),
        )
        resources = [self.location_resource(row, call.include) for row in rows]
        return many(resources, 201) if isinstance(call.data, list) else one(resources[0], 201)

    def update_location(self, call: Call) -> Response:
        (item,) = objects(call, "locations", many=False)
        row = self._location_writer(self.within(call, self.glue.locations), item)()
        return one(self.location_resource(row, call.include))

    def update_locations(self, call: Call) -> Response:
        rows = apply_all(
            objects(call, "locations", many=True),
            lambda item: self._location_writer(self.find(self.glue.locations, bulk_id(item)), item),
            atomic=self.switch("itglue_bulk_atomic"),
        )
        return many([self.location_resource(row, call.include) for row in rows])

    def delete_locations(self, call: Call) -> Response:
        organization = self.organization(call)
        items = partial(objects, call, "locations", many=True)
        idents = chosen_for_deletion(call, items, set(self._locations.filters) | {"psa_integration_type"})
        if idents is None:
            check_psa_filter(call)
            rows = [row for row in self._locations.rows(call) if organization in (None, row["organization-id"])]
        else:
            rows = [self.find(self.glue.locations, ident) for ident in dict.fromkeys(idents)]
        resources = [self.location_resource(row, call.include) for row in rows]
        for row in rows:
            self.glue.delete_location(row)
        return many(resources)

    def _location_changes(self, item: Json) -> Json:
        changes: Json = {name: text(item[name], name) for name in LOCATION_TEXTS if name in item}
        if changes.get("name", "given") is None:
            raise rejected([invalid("name", "can't be blank")])
        for name in LOCATION_NUMBERS:
            if name in item:
                value = text(item[name], name)
                changes[name] = int(value) if value and value.isdigit() else None
        if "primary" in item:
            changes["primary"] = bool(flag(item["primary"], "primary"))
        return changes

    def _location_creator(self, organization: int | None, item: Json) -> Any:
        owner = organization if organization is not None else owner_of(item, self.glue)
        changes = self._location_changes(item)
        if "name" not in changes:
            raise rejected([invalid("name", "can't be blank")])
        return partial(self.glue.new_location, {"organization-id": owner, **changes}, self.now())

    def _location_writer(self, row: Json, item: Json) -> Any:
        changes = self._location_changes(item)
        if changes and psa_state(row) == "enabled" and not self.switch("two_way_unlocks"):
            raise rejected([invalid(name, SYNCED) for name in changes])
        return partial(self.glue.write_location, row, changes, self.now())

    # ------------------------------------------------------- contact types

    def contact_type_resource(self, row: Json, include: frozenset[str]) -> Resource:
        attributes = {name: row[name] for name in ("name", "created-at", "updated-at")}
        return {"id": str(row["id"]), "type": "contact-types", "attributes": attributes}, []

    def list_contact_types(self, call: Call) -> Response:
        return self.list_of(call, self._contact_types, self.contact_type_resource)

    def show_contact_type(self, call: Call) -> Response:
        return one(self.contact_type_resource(self.find(self.glue.contact_types, call.ids["id"]), call.include))

    def create_contact_type(self, call: Call) -> Response:
        """Whether a name may be taken twice is not known; here it may."""
        (item,) = objects(call, "contact-types", many=False)
        row = self.glue.new_contact_type({"name": self._type_name(item.get("name"))}, self.now())
        return one(self.contact_type_resource(row, call.include), 201)

    def update_contact_type(self, call: Call) -> Response:
        (item,) = objects(call, "contact-types", many=False)
        row = self.find(self.glue.contact_types, call.ids["id"])
        changes = {"name": self._type_name(item["name"])} if "name" in item else {}
        row = self.glue.write(self.glue.contact_types, row, changes, self.now())
        return one(self.contact_type_resource(row, call.include))

    def _type_name(self, value: Any) -> str:
        name = text(value, "name")
        if name is None or not name.strip():
            raise rejected([invalid("name", "can't be blank")])
        return name


def owner_of(item: Json, glue: Any) -> int:
    """The organization that a create on a plain route must name."""
    with suppress(Refusal):
        owner = reference(item.get("organization-id"), glue.organizations, "organization-id")
        if owner is not None:
            return owner
    raise refusal(422, title="Valid organization_id is required", pointer="data/attributes/organization_id")


def check_psa_filter(call: Call) -> None:
    """`psa_id` is documented to need its type beside it; the code of the error is an assumption."""
    if "psa_id" in call.filters and "psa_integration_type" not in call.filters:
        detail = "filter[psa_id] must be accompanied by filter[psa_integration_type]"
        raise refusal(422, detail=detail, pointer="filter")


def with_adapters(item: Json, row: Json, include: frozenset[str], kind: int) -> Resource:
    if "adapters_resources" not in include:
        return item, []
    adapters = adapter_resources(kind, row)
    item["relationships"] = {"adapters-resources": pointers(adapters)}
    return item, adapters


def formatted(number: str | None) -> str | None:
    """A number as it is shown: ten digits the American way, others as they are (not known)."""
    if number and len(number) == 10 and number.isascii() and number.isdigit():
        return f"({number[:3]}) {number[3:6]}-{number[6:]}"
    return number

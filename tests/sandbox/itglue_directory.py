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

from .itglue_part import SYNCED, Handler, Part, Resource, adapter_resources, flag, pointers, reference, text
from .itglue_records import Records, Write, check_psa_filter
from .itglue_tables import PSA_TYPES, Getter, Listing, between, plays
from .itglue_wire import Call, Json, Refusal, invalid, refusal, rejected

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
        self._organizations = Records(
            part=self,
            kind="organizations",
            listing=Listing(
                glue.organizations,
                filters,
                by("name", "id", "organization-status-name", "organization-type-name", "short-name") | times,
                psa=True,
            ),
            resource=self.organization_resource,
            creator=self._organization_creator,
            writer=self._organization_writer,
        )
        self._locations = Records(
            part=self,
            kind="locations",
            listing=Listing(
                glue.locations,
                by("id", "name", "city", "region-id", "country-id", "organization-id"),
                by("name", "id", "primary") | times,
                psa=True,
            ),
            resource=self.location_resource,
            creator=self._location_creator,
            writer=self._location_writer,
            remove=glue.delete_location,
        )
        self._contact_types = Records(
            part=self,
            kind="contact-types",
            listing=Listing(glue.contact_types, by("name"), by("name", "id") | times),
            resource=self.contact_type_resource,
            creator=self._contact_type_creator,
            writer=self._contact_type_writer,
        )

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        yield "GET", "/organizations", self.list_organizations
        yield "PATCH", "/organizations", self._organizations.update_many
        for prefix in ("", NESTED):
            yield "DELETE", f"{prefix}/locations", self._locations.delete_many
            yield "GET", f"{prefix}/locations", self._locations.list
            yield "POST", f"{prefix}/locations", self._locations.create
            yield "GET", f"{prefix}/locations/{{id}}", self._locations.show
            yield "PATCH", f"{prefix}/locations/{{id}}", self._locations.update
        yield "PATCH", "/locations", self._locations.update_many
        yield "GET", "/contact_types", self._contact_types.list
        for path, records in (("/organizations", self._organizations), ("/contact_types", self._contact_types)):
            yield "POST", path, records.create
            yield "GET", f"{path}/{{id}}", records.show
            yield "PATCH", f"{path}/{{id}}", records.update

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
        rows = self._organizations.listing.rows(call)
        for name in ("created_at", "updated_at"):
            if name in call.filters:
                rows = [row for row in rows if between(row[name.replace("_", "-")], call.filters[name])]
        return self.page(call, rows, partial(self.organization_resource, brief=True))

    def _organization_changes(self, item: Json) -> Json:
        changes: Json = {name: text(item[name], name) for name in ORGANIZATION_TEXTS if name in item}
        for name in ORGANIZATION_NUMBERS:
            if name in item:
                value = text(item[name], name)
                changes[name] = int(value) if value and value.isdigit() else None
        return changes

    def _organization_creator(self, dummy: int | None, item: Json) -> Write:
        changes = self._organization_changes(item)
        if not changes.get("name"):
            raise rejected([invalid("name", "can't be blank")])
        return partial(self.glue.new_organization, changes, self.now())

    def _organization_writer(self, row: Json, item: Json) -> Write:
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

    def _location_creator(self, organization: int | None, item: Json) -> Write:
        owner = organization if organization is not None else owner_of(item, self.glue)
        changes = self._location_changes(item)
        if "name" not in changes:
            raise rejected([invalid("name", "can't be blank")])
        return partial(self.glue.new_location, {"organization-id": owner, **changes}, self.now())

    def _location_writer(self, row: Json, item: Json) -> Write:
        changes = self._location_changes(item)
        if changes and psa_state(row) == "enabled" and not self.switch("two_way_unlocks"):
            raise rejected([invalid(name, SYNCED) for name in changes])
        return partial(self.glue.write_location, row, changes, self.now())

    # ------------------------------------------------------- contact types

    def contact_type_resource(self, row: Json, include: frozenset[str]) -> Resource:
        attributes = {name: row[name] for name in ("name", "created-at", "updated-at")}
        return {"id": str(row["id"]), "type": "contact-types", "attributes": attributes}, []

    def _contact_type_creator(self, dummy: int | None, item: Json) -> Write:
        """Whether a name may be taken twice is not known; here it may."""
        return partial(self.glue.new_contact_type, {"name": self._type_name(item.get("name"))}, self.now())

    def _contact_type_writer(self, row: Json, item: Json) -> Write:
        changes = {"name": self._type_name(item["name"])} if "name" in item else {}
        return partial(self.glue.write, self.glue.contact_types, row, changes, self.now())

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

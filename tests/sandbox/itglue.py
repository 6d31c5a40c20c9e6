# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue, played.

What the API reference and its users state is played as stated. What nobody has published is an assumption with a
switch in the world's `behaviour` (in brackets: the default, then the other values):

    itglue_page_limit (1000)             the largest page; a larger page[size] is cut to it
    itglue_arrays (replace, merge)       what a PATCH does with contact-emails and contact-phones
    itglue_bulk_atomic (true)            one bad object rejects a whole bulk request; false: the good ones are written,
                                         the answer is still a 422
    itglue_check_location (true)         a contact's location must belong to its organization
    itglue_email_filter (exact, fold)    whether filter[primary_email] heeds case
    itglue_empty_included (false)        `included: []` where an include was asked for and nothing is found
    itglue_exclusive_primary (true)      making a location primary takes it from the others of the organization
    itglue_foreign_ids ([])              ids that belong to another account: 401
    itglue_last_link (missing, null)     links.next on the last page, links.prev on the first
    itglue_missing_id (404, 401)         the answer to an id that does not exist
    itglue_noop_saves (false)            an update of a contact that changes nothing moves its `updated-at`, too
    itglue_phone_plus (strip, keep)      whether a leading plus survives in a number; of the rest only digits do
    itglue_primaries (as_sent,           what becomes of several primary entries
        first_wins)
    itglue_require_name (false)          a contact needs a first or a last name
    itglue_textbox (as_given, editor)    how a Textbox reads back; `editor`: as HTML, as the rich-text editor makes it
    itglue_timeout_above (0)             lists with a larger page "take too long"; 0: none do
    itglue_timeout_status (504)          the status of that answer
    native_push (false)                  IT Glue pushes contacts to BMS by itself
    native_push_delay (0)                number of further IT Glue requests that do not show the link of what was pushed
    native_push_delay_seconds (0)        the same in seconds; both must have passed
    native_push_noop (true)              an update that changes nothing pushes, too
    native_email_type (null)             id of the BMS type of the e-mails that are pushed; null: BMS's first
    native_phone_type (null)             the same for phones
    two_way_unlocks (false)              synced contacts, locations and organizations can be written; contacts are
                                         forwarded to BMS

A push happens after a create, or an update of a contact without a link, when the contact has a first name, a primary
e-mail, a primary phone and a location, and its organization has a BMS adapter that syncs and is not orphaned. BMS is
searched by account, first and last name alone; who is not found is created. Without an e-mail type nothing is pushed.
BMS holds the contact at once, the link shows after the delay.

A record of the world may have more than the common keys:

- organization: `organization-type-id`, `organization-type-name`, `organization-status-id`,
  `organization-status-name`, `alert`, `description`, `quick-notes`, `short-name`, `parent-id`, `psa-integration`,
  `created-at`, `updated-at`. Without `psa-integration` it follows from the adapters.
- location: `address-2`, `postal-code`, `region-id`, `country-id`, `phone`, `fax`, `notes`, `adapters`,
  `psa-integration`, `created-at`, `updated-at`.
- contact: `contact-type-id`, `important`, `notes`, `restricted`, `created-at`, `updated-at`. `locked` lists the
  attributes that another sync holds: a PATCH with one of them is rejected whole.
- flexible asset type: `id`, `name`, `description`, `icon`, `enabled`, `show-in-menu`, `fields`: a list of `name`,
  `kind`, and optionally `id`, `order`, `name-key`, `hint`, `default-value`, `decimals`, `tag-type`, `required`,
  `use-for-title`, `show-in-list`, `expiration`.
- flexible asset: `id`, `organization-id`, `flexible-asset-type-id`, `traits` (a Tag as id or list of ids),
  `archived`, `restricted`.

Not played: deleting organizations, countries and regions, exports, related items, everything that has nothing to do
with contacts and settings. A push that is not linked yet is not part of the state: a reset forgets it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .core import Json, Service, WorldError
from .itglue_assets import ASSET, ASSET_TYPE, FIELD, TITLES, Assets, name_key
from .itglue_contacts import CONTACT, Contacts
from .itglue_directory import Directory
from .itglue_part import LONG_AGO, Handler
from .itglue_push import NativePush
from .itglue_tables import Table
from .itglue_wire import Refusal, answer, error, forbidden, read_call

TIMES: Json = {"created-at": LONG_AGO, "updated-at": LONG_AGO}
ADAPTER: Json = {"adapter-type-name": "Kaseya BMS", "remote-id": None, "sync": True, "orphaned": False}
ORGANIZATION: Json = {
    "name": None,
    "primary": False,
    "adapters": [],
    "organization-type-id": None,
    "organization-type-name": None,
    "organization-status-id": None,
    "organization-status-name": None,
    "alert": None,
    "description": None,
    "quick-notes": None,
    "short-name": None,
    "parent-id": None,
    "psa-integration": None,
    **TIMES,
}
LOCATION: Json = {
    "name": None,
    "primary": False,
    "address-1": None,
    "address-2": None,
    "city": None,
    "postal-code": None,
    "region-id": None,
    "region-name": None,
    "country-id": None,
    "country-name": None,
    "phone": None,
    "fax": None,
    "notes": None,
    "psa-integration": None,
    "adapters": [],
    **TIMES,
}
EMAIL: Json = {"value": None, "primary": False, "label-name": None}
PHONE: Json = {"value": None, "extension": None, "primary": False, "label-name": None, "label-type": "phone"}

CHOICES: Mapping[str, tuple[str, ...]] = {
    "itglue_arrays": ("replace", "merge"),
    "itglue_email_filter": ("exact", "fold"),
    "itglue_last_link": ("missing", "null"),
    "itglue_phone_plus": ("strip", "keep"),
    "itglue_primaries": ("as_sent", "first_wins"),
    "itglue_textbox": ("as_given", "editor"),
}


class ItGlue(Service):
    name = "itglue"
    section = "itglue"
    SECTION: ClassVar[Mapping[str, Any]] = {
        "api_key": "ITG.sandbox",
        "organizations": [],
        "locations": [],
        "contact_types": [],
        "contacts": [],
        "flexible_asset_types": [],
        "flexible_assets": [],
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "itglue_bulk_atomic": True,
        "itglue_check_location": True,
        "itglue_email_filter": "exact",
        "itglue_empty_included": False,
        "itglue_exclusive_primary": True,
        "itglue_foreign_ids": [],
        "itglue_last_link": "missing",
        "itglue_missing_id": 404,
        "itglue_noop_saves": False,
        "itglue_phone_plus": "strip",
        "itglue_primaries": "as_sent",
        "itglue_require_name": False,
        "itglue_textbox": "as_given",
        "itglue_timeout_above": 0,
        "itglue_timeout_status": 504,
        "native_push_delay": 0,
        "native_push_delay_seconds": 0,
        "native_push_noop": True,
        "native_email_type": None,
        "native_phone_type": None,
    }

    # ------------------------------------------------------------ the world

    @classmethod
    def complete(cls, section: Json) -> None:
        organizations = _records(section, "organizations", ORGANIZATION)
        _records(section, "contact_types", {"name": None, **TIMES})
        locations = _records(section, "locations", LOCATION)
        contacts = _records(section, "contacts", CONTACT | TIMES)
        _complete_types(section)
        assets = _records(section, "flexible_assets", ASSET)
        types = {row["id"] for row in section["flexible_asset_types"]}
        _pointing(assets, "flexible-asset-type-id", types, "flexible_assets")
        owners = {row["id"] for row in organizations}
        for name, rows in (("locations", locations), ("contacts", contacts), ("flexible_assets", assets)):
            _pointing(rows, "organization-id", owners, name)
        for name, rows in (("organizations", organizations), ("locations", locations), ("contacts", contacts)):
            for row in rows:
                row["adapters"] = _entries(row["adapters"], ADAPTER, f"itglue.{name} {row['id']}.adapters")
        for row in contacts:
            for name, defaults in (("contact-emails", EMAIL), ("contact-phones", PHONE)):
                row[name] = _entries(row[name], defaults, f"itglue.contacts {row['id']}.{name}")

    def load(self) -> None:
        for name, allowed in CHOICES.items():
            if self.sandbox.behaviour[name] not in allowed:
                raise WorldError(f"behaviour.{name} must be one of {', '.join(allowed)}")
        records = self.records
        self.organizations = Table(records["organizations"])
        self.locations = Table(records["locations"], "organization-id")
        self.contact_types = Table(records["contact_types"])
        self.contacts = Table(records["contacts"], "organization-id")
        self.asset_types = Table(records["flexible_asset_types"])
        self.fields = Table(field for row in records["flexible_asset_types"] for field in row["fields"])
        self._field_owners = {field["id"]: row for row in records["flexible_asset_types"] for field in row["fields"]}
        self.assets = Table(records["flexible_assets"], "flexible-asset-type-id")
        self.directory = Directory(self)
        self.push = NativePush(self)
        self._parts = (self.directory, Contacts(self), Assets(self))
        self._handlers: dict[tuple[str, str], Handler] = {
            (method, path): handler for part in self._parts for method, path, handler in part.routes()
        }

    def dump(self) -> Json:
        tables = {
            "organizations": self.organizations,
            "locations": self.locations,
            "contact_types": self.contact_types,
            "contacts": self.contacts,
            "flexible_asset_types": self.asset_types,
            "flexible_assets": self.assets,
        }
        return {**self.records, **{name: list(table.rows.values()) for name, table in tables.items()}}

    # ------------------------------------------------------------- the wire

    def routes(self) -> list[Route]:
        """Each path also below `/api`, and with a slash at its end."""
        paths: dict[str, list[str]] = {}
        for method, path in self._handlers:
            paths.setdefault(path, []).append(method)
        dressed = [
            (f"{prefix}{path}{slash}", path, methods)
            for prefix in ("", "/api")
            for slash in ("", "/")
            for path, methods in paths.items()
        ]
        return [Route(full, self._endpoint(path), methods=methods) for full, path, methods in dressed]

    def _endpoint(self, path: str) -> Any:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            try:
                if request.headers.get("x-api-key") != self.records["api_key"]:
                    raise forbidden()
                self.push.tick()
                call = read_call(request, body, int(self.sandbox.behaviour["itglue_page_limit"]))
                method = "GET" if request.method == "HEAD" else request.method
                # Looked up here, since a reset makes the parts anew.
                return self._handlers[method, path](call)
            except Refusal as refused:
                return refused.response()

        return endpoint

    def failure(self, status: int, message: str | None = None) -> Response:
        if status == 403:
            return forbidden().response()
        if status == 405:
            # A path with a method that it does not have is no path at all.
            status = 404
        return answer({"errors": [error(status, detail=message)]}, status)

    def credential(self, headers: Headers) -> str | None:
        return headers.get("x-api-key")

    def expired(self) -> Response:
        return forbidden().response()

    def url(self, path: str) -> str:
        """Where a record is seen in the browser; the form is illustrative."""
        return f"https://sandbox.itglue.com/{path}"

    # ------------------------------------------------------------ the writes

    def write(self, table: Table, row: Json, changes: Json, now: str) -> Json:
        """Write attributes; only a real change moves `updated-at`."""
        if any(row.get(key) != value for key, value in changes.items()):
            table.update(row, {**changes, "updated-at": now})
        return row

    def _new(self, table: Table, defaults: Json, values: Json, now: str) -> Json:
        row = {"id": table.new_id(), **copy.deepcopy(defaults), **values, "created-at": now, "updated-at": now}
        table.add(row)
        return row

    def new_organization(self, values: Json, now: str) -> Json:
        return self._new(self.organizations, ORGANIZATION, values, now)

    def new_contact_type(self, values: Json, now: str) -> Json:
        return self._new(self.contact_types, {}, values, now)

    def new_location(self, values: Json, now: str) -> Json:
        row = self._new(self.locations, {"organization-id": None, **LOCATION}, values, now)
        self._keep_one_primary(row)
        return row

    def write_location(self, row: Json, changes: Json, now: str) -> Json:
        self.write(self.locations, row, changes, now)
        if changes.get("primary"):
            self._keep_one_primary(row)
        return row

    def _keep_one_primary(self, chosen: Json) -> None:
        if not chosen["primary"] or not self.sandbox.behaviour["itglue_exclusive_primary"]:
            return
        for row in list(self.locations.of(chosen["organization-id"])):
            if row is not chosen and row["primary"]:
                self.locations.update(row, {"primary": False})

    def delete_location(self, row: Json) -> None:
        self.locations.remove(row)
        for contact in list(self.contacts.of(row["organization-id"])):
            if contact["location-id"] == row["id"]:
                self.contacts.update(contact, {"location-id": None})

    def new_contact(self, values: Json, now: str) -> Json:
        row = self._new(self.contacts, {"organization-id": None, **CONTACT}, values, now)
        self.push.after_write(row, changed=True)
        return row

    def write_contact(self, row: Json, changes: Json, now: str) -> Json:
        before = self.contacts.revision
        self.write(self.contacts, row, changes, now)
        changed = self.contacts.revision != before
        if not changed and self.sandbox.behaviour["itglue_noop_saves"]:
            self.contacts.update(row, {"updated-at": now})
        self.push.after_write(row, changed=changed)
        return row

    def delete_contact(self, row: Json) -> None:
        self.contacts.remove(row)

    def add_type(self, row: Json) -> None:
        row["id"] = self.asset_types.new_id()
        fields, row["fields"] = row["fields"], []
        self.asset_types.add(row)
        for field in fields:
            self.add_field(row, field)

    def add_field(self, owner: Json, field: Json) -> None:
        field["id"] = self.fields.new_id()
        owner["fields"].append(field)
        self._field_owners[field["id"]] = owner
        self.fields.add(field)

    def remove_field(self, field: Json) -> None:
        self._field_owners.pop(field["id"])["fields"].remove(field)
        self.fields.remove(field)

    def type_of_field(self, field: Json) -> Json:
        return self._field_owners[field["id"]]

    def new_asset(self, values: Json, now: str) -> Json:
        return self._new(self.assets, {"organization-id": None, "flexible-asset-type-id": None, **ASSET}, values, now)

    # ------------------------------------------------- what BMS asks about us

    def linked(self, kind: str, remote_id: int) -> Json | None:
        """The organization, location or contact that is paired with a BMS record."""
        table = {"accounts": self.organizations, "locations": self.locations, "contacts": self.contacts}[kind]
        return self.push.linked(table, str(remote_id))


def _records(section: Json, name: str, defaults: Mapping[str, Any]) -> list[Json]:
    """The records of a list, filled in. Raises `WorldError` for one without an id of its own."""
    seen: set[int] = set()
    for place, row in enumerate(section[name]):
        where = f"itglue.{name}[{place}]"
        _fill(row, defaults, where)
        if not isinstance(row.get("id"), int) or row["id"] in seen:
            raise WorldError(f"{where} needs an id of its own, a number")
        seen.add(row["id"])
    return section[name]


def _fill(row: Any, defaults: Mapping[str, Any], where: str) -> None:
    """Fill in a record; a world of 100,000 contacts passes through here, so only what is missing is copied."""
    if not isinstance(row, dict):
        raise WorldError(f"{where} must be an object")
    for key, value in defaults.items():
        if key not in row:
            row[key] = copy.copy(value)


def _entries(entries: Any, defaults: Json, where: str) -> list[Json]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise WorldError(f"{where} must be a list of objects")
    return [{**defaults, **entry} for entry in entries]


def _pointing(rows: Iterable[Json], key: str, targets: set[int], name: str) -> None:
    for row in rows:
        if row.get(key) not in targets:
            raise WorldError(f"itglue.{name} {row['id']}: {key} {row.get(key)!r} does not exist")


def _complete_types(section: Json) -> None:
    highest = 0
    for row in _records(section, "flexible_asset_types", {"name": None, **ASSET_TYPE}):
        for place, field in enumerate(row["fields"]):
            _fill(field, FIELD | {"order": place + 1}, f"itglue.flexible_asset_types {row['id']}.fields")
            field.setdefault("name-key", name_key(field["name"]))
            field["use-for-title"] = field["use-for-title"] and field["kind"] in TITLES
            highest = max(highest, field.get("id", 0))
    for row in section["flexible_asset_types"]:
        for field in row["fields"]:
            if "id" not in field:
                highest += 1
                field["id"] = highest

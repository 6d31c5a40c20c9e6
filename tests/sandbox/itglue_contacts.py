# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's contacts.

Facts are the API reference's ("Contacts"); what it leaves open is a switch, see `itglue.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from starlette.responses import Response

from .itglue_directory import NESTED, by, formatted, owner_of, with_adapters
from .itglue_part import SYNCED, Handler, Part, Resource, flag, reference, text
from .itglue_records import Records, Write, check_psa_filter
from .itglue_tables import Listing
from .itglue_wire import Call, Json, Refusal, invalid, rejected, truthy

#: What a contact of a world has when the world does not say.
CONTACT: Json = {
    "first-name": None,
    "last-name": None,
    "title": None,
    "contact-type-id": None,
    "location-id": None,
    "important": None,
    "notes": None,
    "psa-integration": None,
    "contact-emails": [],
    "contact-phones": [],
    "adapters": [],
    "locked": [],
}
TEXTS = ("first-name", "last-name", "title", "notes")
ARRAYS = ("contact-emails", "contact-phones")
WRITABLE = {*TEXTS, *ARRAYS, "organization-id", "contact-type-id", "location-id", "important", "restricted"}
#: What stays writable on a contact that syncs one way.
UNSYNCED = {"important", "notes"}

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class Contacts(Part):
    def __init__(self, glue: Any) -> None:
        super().__init__(glue)
        names = by("id", "first-name", "last-name", "title", "contact-type-id", "important", "organization-id")
        self._listing = Listing(
            glue.contacts,
            {**names, "primary_email": self._primary_email},
            by("first-name", "last-name", "id", "created-at", "updated-at"),
            psa=True,
        )
        self._records = Records(
            part=self,
            kind="contacts",
            listing=self._listing,
            resource=self.resource,
            creator=self._creator,
            writer=self._writer,
            remove=glue.delete_contact,
        )

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        for prefix in ("", NESTED):
            yield "GET", f"{prefix}/contacts", self.list_contacts
            yield "POST", f"{prefix}/contacts", self._records.create
            yield "DELETE", f"{prefix}/contacts", self._records.delete_many
            yield "GET", f"{prefix}/contacts/{{id}}", self._records.show
            yield "PATCH", f"{prefix}/contacts/{{id}}", self._records.update
        # Only here: "bulk updates using a nested relationships route are not supported".
        yield "PATCH", "/contacts", self._records.update_many

    # ----------------------------------------------------------------- read

    def resource(self, row: Json, include: frozenset[str]) -> Resource:
        glue = self.glue
        location = glue.locations.rows.get(row["location-id"])
        contact_type = glue.contact_types.rows.get(row["contact-type-id"])
        attributes = {
            "organization-id": row["organization-id"],
            "organization-name": glue.organizations.rows[row["organization-id"]]["name"],
            "resource-url": glue.url(f"{row['organization-id']}/contacts/{row['id']}"),
            "psa-integration": row["psa-integration"],
            "name": " ".join(part for part in (row["first-name"], row["last-name"]) if part) or None,
            "first-name": row["first-name"],
            "last-name": row["last-name"],
            "title": row["title"],
            "contact-type-id": row["contact-type-id"],
            "contact-type-name": contact_type and contact_type["name"],
            "location-id": row["location-id"],
            "location-name": location and location["name"],
            "important": row["important"],
            "notes": row["notes"],
            "created-at": row["created-at"],
            "updated-at": row["updated-at"],
            "contact-emails": row["contact-emails"],
            "contact-phones": [
                {**phone, "formatted-value": formatted(phone["value"])} for phone in row["contact-phones"]
            ],
        }
        if "restricted" in row:
            attributes["restricted"] = row["restricted"]
        item, included = with_adapters(
            {"id": str(row["id"]), "type": "contacts", "attributes": attributes}, row, include, 2
        )
        if "location" in include:
            pointer = {"id": str(location["id"]), "type": "locations"} if location else None
            item.setdefault("relationships", {})["location"] = {"data": pointer}
            if location:
                included = [*included, glue.directory.location_resource(location, frozenset())[0]]
        return item, included

    def list_contacts(self, call: Call) -> Response:
        check_psa_filter(call)
        fold = self.switch("itglue_email_filter") == "fold"
        if fold and "primary_email" in call.filters:
            call.filters["primary_email"] = [value.casefold() for value in call.filters["primary_email"]]
        return self.list_of(call, self._listing, self.resource, fold)

    def _primary_email(self, row: Json) -> str | None:
        fold = self.switch("itglue_email_filter") == "fold"
        for entry in row["contact-emails"]:
            if entry["primary"]:
                return entry["value"].casefold() if fold else entry["value"]
        return None

    # ---------------------------------------------------------------- write

    def _creator(self, organization: int | None, item: Json) -> Write:
        owner = organization if organization is not None else owner_of(item, self.glue)
        given = {key: value for key, value in item.items() if key in WRITABLE and key != "organization-id"}
        changes = {"organization-id": owner, **self._read(given, owner, {})}
        named = changes.get("first-name") or changes.get("last-name")
        if self.switch("itglue_require_name") and not named:
            raise rejected([invalid("first-name", ["can't be blank"])])
        return partial(self.glue.new_contact, changes, self.now())

    def _writer(self, row: Json, item: Json) -> Write:
        given = {key: value for key, value in item.items() if key in WRITABLE}
        self._refuse_synced(row, given)
        owner = owner_of(given, self.glue) if "organization-id" in given else row["organization-id"]
        changes = self._read(given, owner, row)
        if "organization-id" in given:
            changes["organization-id"] = owner
        return partial(self.glue.write_contact, row, changes, self.now())

    def _refuse_synced(self, row: Json, given: Json) -> None:
        """Refuse the whole request for any attribute that a sync holds, whatever its value."""
        held = {key.replace("_", "-") for key in row["locked"]}
        if row["psa-integration"] == "enabled" and not self.switch("two_way_unlocks"):
            held |= WRITABLE - UNSYNCED
        errors = [invalid(f"{key}.base" if key in ARRAYS else key, SYNCED) for key in given if key in held]
        if errors:
            raise rejected(errors)

    def _read(self, given: Json, owner: int, row: Json) -> Json:
        """The changes that a write asks for. Raises `Refusal` with every error in it."""
        readers: dict[str, Callable[[Any], Any]] = {name: partial(text, attribute=name) for name in TEXTS}
        readers |= {name: partial(flag, attribute=name) for name in ("important", "restricted")}
        readers["contact-type-id"] = partial(reference, table=self.glue.contact_types, attribute="contact-type")
        readers["location-id"] = partial(self._location, owner)
        readers["contact-emails"] = lambda value: self._array(value, row, "contact-emails", self._email)
        readers["contact-phones"] = lambda value: self._array(value, row, "contact-phones", self._phone)
        changes: Json = {}
        errors: list[Json] = []
        for key, value in given.items():
            if key in readers:
                try:
                    changes[key] = readers[key](value)
                except Refusal as bad:
                    errors += bad.errors
        if errors:
            raise rejected(errors)
        return changes

    def _location(self, owner: int, value: Any) -> int | None:
        ident = reference(value, self.glue.locations, "location")
        foreign = ident is not None and self.glue.locations.rows[ident]["organization-id"] != owner
        if foreign and self.switch("itglue_check_location"):
            raise rejected([invalid("location", "must exist")])
        return ident

    # --------------------------------------------------- e-mails and phones

    def _array(self, value: Any, row: Json, name: str, read: Callable[[Json], Json]) -> list[Json]:
        entries = [] if value is None else value
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise rejected([invalid(name, "is invalid")])
        new = [read(entry) for entry in entries]
        if row and self.switch("itglue_arrays") == "merge":
            new = _merged(row[name], new)
        if self.switch("itglue_primaries") == "first_wins":
            first = next((place for place, entry in enumerate(new) if entry["primary"]), None)
            new = [{**entry, "primary": place == first} for place, entry in enumerate(new)]
        return new

    def _email(self, entry: Json) -> Json:
        value = text(entry.get("value"), "contact-emails.value")
        if value is None:
            raise rejected([invalid("contact-emails.value", ["can't be blank"])])
        if not _EMAIL.fullmatch(value):
            raise rejected([invalid("contact-emails.value", ["must be a valid email address format"])])
        return {"value": value, "primary": _primary(entry), "label-name": _label(entry, "contact-emails")}

    def _phone(self, entry: Json) -> Json:
        value = self._digits(entry.get("value"), "contact-phones.value")
        if value is None:
            raise rejected([invalid("contact-phones.value", ["can't be blank"])])
        label_type = entry.get("label-type") or "phone"
        if label_type not in ("phone", "fax"):
            raise rejected([invalid("contact-phones.label-type", ["is not included in the list"])])
        return {
            "value": value,
            "extension": self._digits(entry.get("extension"), "contact-phones.extension"),
            "primary": _primary(entry),
            "label-name": _label(entry, "contact-phones"),
            "label-type": label_type,
        }

    def _digits(self, value: Any, attribute: str) -> str | None:
        """A number "stripped of all separators"; whether a leading plus survives is not known."""
        given = text(value, attribute) or ""
        plus = "+" if self.switch("itglue_phone_plus") == "keep" and given.lstrip().startswith("+") else ""
        digits = re.sub(r"[^0-9]", "", given)
        return plus + digits if digits else None


def _primary(entry: Json) -> bool:
    return bool(truthy(entry.get("primary", False)))


def _label(entry: Json, name: str) -> str:
    label = text(entry.get("label-name"), f"{name}.label-name")
    if label is None:
        raise rejected([invalid(f"{name}.label-name", ["can't be blank"])])
    return label


def _merged(old: list[Json], new: list[Json]) -> list[Json]:
    """What a server that merges would make of it: entries meet by their value, a new primary takes the place."""
    result = {entry["value"].casefold(): dict(entry) for entry in old}
    if any(entry["primary"] for entry in new):
        result = {key: {**entry, "primary": False} for key, entry in result.items()}
    for entry in new:
        result[entry["value"].casefold()] = entry
    return list(result.values())

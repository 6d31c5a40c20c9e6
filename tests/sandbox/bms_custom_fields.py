# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Custom fields of contacts in the played BMS.

The number of the module "Contacts" is not published: the world says it. Other modules have no fields, so that the
number can be found by trying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .bms_wire import INT32, Json, bad, members, not_found

if TYPE_CHECKING:
    from .bms import Bms


class CustomFields:
    def __init__(self, bms: Bms) -> None:
        self.bms = bms
        self.rows = {row["id"]: row for row in bms.records["custom_fields"]}

    def of_module(self, module: int, inactive: bool | None) -> list[Json]:
        """`CustomFieldOutputDto`s."""
        mine = module == self.bms.records["contact_module_id"]
        return [
            {
                "id": row["id"],
                "name": row["name"],
                "dataType": row["dataType"],
                "isRequired": row["isRequired"],
                "errorMessage": None,
                "isActive": row["isActive"],
                "settings": [],
            }
            for row in self.rows.values()
            if mine and (row["isActive"] or inactive)
        ]

    def data(self, contact: Json) -> list[Json]:
        """`CustomFieldDataOutputDto`s."""
        return [
            {
                "id": self._id(contact, entry["customFieldId"]),
                "name": self.rows[entry["customFieldId"]]["name"],
                "data": entry["data"],
                "settingsId": 0,
                "customFieldType": self.rows[entry["customFieldId"]]["dataType"],
                "customFieldId": entry["customFieldId"],
            }
            for entry in contact["customFields"]
            if entry["customFieldId"] in self.rows
        ]

    def posted(self, entries: list[Any]) -> list[Json]:
        """The custom fields of a new contact. Raises `Failure` for unknown ones, and for required ones left out."""
        known = {"id": int, "customFieldId": int, "data": str, "settingsId": int}
        given = [members(entry, known) for entry in entries]
        for entry in given:
            self.field(entry.get("customFieldId", 0))
        filled = {entry["customFieldId"] for entry in given if entry.get("data")}
        missing = [row["name"] for row in self.rows.values() if row["isRequired"] and row["id"] not in filled]
        if missing and self.bms.switch("bms_strict"):
            raise bad("The request is invalid.", *(f"{name} is required." for name in missing))
        return [{"customFieldId": entry["customFieldId"], "data": entry.get("data")} for entry in given]

    def put(self, contact: Json, ident: int, body: Any) -> Json:
        """Write one field: `CustomFieldDataPutOutputDto`."""
        field = self.field(ident)
        value = members(body, {"value": str}).get("value")
        kept = [entry for entry in contact["customFields"] if entry["customFieldId"] != ident]
        values = {"customFields": [*kept, {"customFieldId": ident, "data": value}]}
        self.bms.contacts.change(contact, values, bump=self.bms.switch("bms_related_bump"))
        return {
            "id": self._id(contact, ident),
            "createdBy": None,
            "createdOn": None,
            "modifiedBy": None,
            "modifiedOn": self.bms.now(),
            "value": value,
            "entityId": contact["id"],
            "customFieldName": field["name"],
            "customFieldId": ident,
            "moduleName": "Contacts",
            "moduleId": self.bms.records["contact_module_id"],
        }

    def field(self, ident: int) -> Json:
        if ident not in self.rows:
            raise not_found(f"Custom field {ident}")
        return self.rows[ident]

    def check_module(self, module: int) -> None:
        if module != self.bms.records["contact_module_id"]:
            raise not_found(f"Module {module}")

    def _id(self, contact: Json, ident: int) -> int:
        return (contact["id"] * 100 + ident) & INT32

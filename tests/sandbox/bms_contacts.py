# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contacts of the played BMS in memory: indexes, the shapes in which they are shown, and how they are changed.

BMS shows a contact in several shapes whose fields have different names (OpenAPI "BMS API 2.0"):
`ContactsSummaryOutputDto` (list, get), `ContactOutputDto` (reply to PUT and PATCH), `ContactSummaryOutputDto` (reply to
POST), `ContactsSearchSelectOutputDto` (search) and `ContactLookupOutputDto`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .bms_wire import INT32, Failure, Json, bad, fits, members, moment

if TYPE_CHECKING:
    from .bms import Bms

LONG_AGO = "2020-01-01T00:00:00.000Z"

CONTACT: Json = {
    "locationId": None,
    "firstName": None,
    "middleName": None,
    "lastName": None,
    "jobTitle": None,
    "isActive": True,
    "poc": False,
    "billByContact": False,
    "receiveInvoices": False,
    "effectiveDate": None,
    "hasClientPortalAccess": False,
    "createdOn": LONG_AGO,
    "modifiedOn": LONG_AGO,
    "emails": [],
    "phones": [],
    "customFields": [],
}
#: What POST takes; job title, activity and the rest cannot be set on creation.
POST_MEMBERS = {
    "firstName": str,
    "lastName": str,
    "accountId": int,
    "locationId": int,
    "phones": list,
    "emails": list,
    "customFieldsData": list,
}
#: What PUT takes. What it leaves out is reset.
PUT_MEMBERS: dict[str, Any] = {
    "accountId": int,
    "locationId": int,
    "firstName": str,
    "middleName": str,
    "lastName": str,
    "jobTitle": str,
    "poc": bool,
    "isActive": bool,
    "receiveInvoices": bool,
    "billByContact": bool,
    "effectiveDate": str,
}
UNSET = {str: None, int: 0, bool: False}
ADD, UPDATE, DELETE = 0, 1, 2


@dataclass(frozen=True)
class Related:
    """E-mails or phones: how they are called here and there."""

    key: str
    value: str
    type_id: str
    type_name: str
    types: str
    input_value: str
    label: str


EMAILS = Related("emails", "emailAddress", "emailTypeId", "emailType", "email_types", "emailAddress", "e-mail")
PHONES = Related("phones", "phone", "phoneTypeId", "phoneType", "phone_types", "phoneNumber", "phone")


class Contacts:
    """Contacts by id, by account and by name. `revision` grows with each change."""

    def __init__(self, bms: Bms) -> None:
        self.bms = bms
        self.rows: dict[int, Json] = {}
        self.accounts: dict[int, dict[int, Json]] = {}
        self.revision = 0
        self._names: dict[tuple, dict[int, Json]] = {}
        self._last = 0
        for row in bms.records["contacts"]:
            self._add(row)

    def _add(self, row: Json) -> None:
        self.rows[row["id"]] = row
        self._last = max(self._last, row["id"])
        self.accounts.setdefault(row["accountId"], {})[row["id"]] = row
        self._names.setdefault(_name(row), {})[row["id"]] = row
        self.revision += 1

    def new(self, values: Json) -> Json:
        now = self.bms.now()
        self._last += 1
        row = {"id": self._last, "accountId": 0, **CONTACT, "customFields": [], **values}
        row |= {"createdOn": now, "modifiedOn": now}
        self._add(row)
        return row

    def change(self, row: Json, values: Json, *, bump: bool = True) -> Json:
        # A contact keeps its place in lists unless what the list is by has changed.
        if values.get("accountId", row["accountId"]) != row["accountId"]:
            del self.accounts[row["accountId"]][row["id"]]
            self.accounts.setdefault(values["accountId"], {})[row["id"]] = row
        if _name({**row, **values}) != _name(row):
            del self._names[_name(row)][row["id"]]
            self._names.setdefault(_name({**row, **values}), {})[row["id"]] = row
        row.update(values)
        if bump:
            row["modifiedOn"] = self.bms.now()
        self.revision += 1
        return row

    def delete(self, row: Json) -> None:
        del self.rows[row["id"]]
        del self.accounts[row["accountId"]][row["id"]]
        del self._names[_name(row)][row["id"]]
        self.revision += 1

    def of(self, account_id: int) -> Iterable[Json]:
        return self.accounts.get(account_id, {}).values()

    def named(self, account_id: int, first: str | None, last: str | None) -> Json | None:
        """The contact of exactly that name, the oldest of several."""
        found = self._names.get((account_id, first or None, last or None), {})
        return found[min(found)] if found else None

    # --------------------------------------------------------------- shapes

    def summary(self, row: Json) -> Json:
        """`ContactsSummaryOutputDto`: no middle name."""
        return {
            **_audit(row),
            **self._place(row, null=None),
            "firstName": row["firstName"],
            "lastName": row["lastName"],
            "jobTitle": row["jobTitle"],
            "isPoc": row["poc"],
            "isActive": row["isActive"],
            "effectiveDate": row["effectiveDate"],
            "isBillable": row["billByContact"],
            "emails": self.related(row, EMAILS),
            "phones": self.related(row, PHONES),
            "canRecieveInvoices": row["receiveInvoices"],
        }

    def full(self, row: Json) -> Json:
        """`ContactOutputDto`."""
        return {
            **_audit(row),
            **self._place(row),
            "firstName": row["firstName"],
            "middleName": row["middleName"],
            "lastName": row["lastName"],
            "jobTitle": row["jobTitle"],
            "poc": row["poc"],
            "isActive": row["isActive"],
            "billByContact": row["billByContact"],
            "effectiveDate": row["effectiveDate"],
            "phones": self.related(row, PHONES),
            "emails": self.related(row, EMAILS),
            "recieveInvoices": row["receiveInvoices"],
            "createdByName": None,
            "modifiedByName": None,
        }

    def created(self, row: Json) -> Json:
        """`ContactSummaryOutputDto`: no job title, one e-mail, one phone."""
        return {
            "id": row["id"],
            "firstName": row["firstName"],
            "lastName": row["lastName"],
            **self._place(row),
            "phoneNumber": default_value(row, PHONES),
            "emailAddress": default_value(row, EMAILS),
            "customFieldsData": self.bms.custom_fields.data(row),
        }

    def found(self, row: Json) -> Json:
        """`ContactsSearchSelectOutputDto`: no phone."""
        return {
            "id": row["id"],
            **self._place(row),
            "firstName": row["firstName"],
            "lastName": row["lastName"],
            "jobTitle": row["jobTitle"],
            "emailAddress": default_value(row, EMAILS),
            "isPoc": row["poc"],
            "isActive": row["isActive"],
            "hasClientPortalAccess": row["hasClientPortalAccess"],
        }

    def lookup(self, row: Json) -> Json:
        """`ContactLookupOutputDto`."""
        place = self._place(row)
        return {
            "id": row["id"],
            "name": full_name(row),
            "locationId": place["locationId"],
            "locationName": place["locationName"],
            "phone": default_value(row, PHONES),
            "emailAddress": default_value(row, EMAILS),
        }

    def card(self, row: Json) -> Json:
        """`ContactSummaryInfoOutputDto`."""
        place = self._place(row)
        return {
            "id": row["id"],
            "contactName": full_name(row),
            "contactPhone": default_value(row, PHONES),
            "contactEmailAddress": default_value(row, EMAILS),
            "clientName": place["accountName"],
            "locationName": place["locationName"],
            "locationId": place["locationId"],
            "tenantId": 1,
            "isActive": row["isActive"],
            "accountId": row["accountId"],
        }

    def related(self, row: Json, kind: Related) -> list[Json]:
        """The e-mails or phones of a contact. Their ids follow from their places."""
        names = self.bms.type_names[kind.types]
        return [
            {
                "id": (row["id"] * 100 + place + 1) & INT32,
                "createdBy": None,
                "createdOn": None,
                "modifiedBy": None,
                "modifiedOn": None,
                kind.value: entry[kind.value],
                kind.type_id: entry[kind.type_id],
                kind.type_name: names.get(entry[kind.type_id]),
                "isDefault": entry["isDefault"],
            }
            for place, entry in enumerate(row[kind.key])
        ]

    def _place(self, row: Json, null: int | None = 0) -> Json:
        """Account and location; only the summary has a null for a contact without a location."""
        location = self.bms.locations.get(row["locationId"])
        return {
            "accountId": row["accountId"],
            "accountName": self.bms.accounts[row["accountId"]]["accountName"],
            "locationId": null if row["locationId"] is None else row["locationId"],
            "locationName": location and location["locationName"],
        }

    # --------------------------------------------------------------- writes

    def posted(self, body: Any) -> Json:
        """The values of a new contact. Raises `Failure` where one is missing or points nowhere."""
        given = members(body, POST_MEMBERS, strict=self.bms.switch("bms_unknown_properties") == "reject")
        values: Json = {"firstName": given.get("firstName"), "lastName": given.get("lastName")}
        values["accountId"] = given.get("accountId", 0)
        values["locationId"] = given.get("locationId", 0)
        self._check_place(values)
        for kind in (EMAILS, PHONES):
            values[kind.key] = [self._posted_entry(entry, kind) for entry in given.get(kind.key) or []]
        if self.bms.switch("bms_strict"):
            _check_complete(values)
        values["customFields"] = self.bms.custom_fields.posted(given.get("customFieldsData") or [])
        return values

    def _posted_entry(self, entry: Any, kind: Related) -> Json:
        known = {kind.input_value: str, kind.type_id: int, "isDefault": bool}
        given = members(entry, known, strict=self.bms.switch("bms_unknown_properties") == "reject")
        value = (given.get(kind.input_value) or "").strip()
        if not value:
            raise bad("The request is invalid.", f"A {kind.label} needs a value.")
        type_id = self.check_type(given.get(kind.type_id, 0), kind)
        return {kind.value: value, kind.type_id: type_id, "isDefault": given.get("isDefault", False)}

    def check_type(self, type_id: int, kind: Related) -> int:
        if type_id not in self.bms.type_names[kind.types]:
            raise bad("The request is invalid.", f"There is no {kind.label} type {type_id}.")
        return type_id

    def _check_place(self, values: Json) -> None:
        if values["accountId"] not in self.bms.accounts:
            raise bad("The request is invalid.", f"There is no account {values['accountId']}.")
        if self.bms.location_accounts.get(values["locationId"]) != values["accountId"]:
            raise bad("The request is invalid.", f"There is no location {values['locationId']} on the account.")

    def put(self, body: Any) -> Json:
        """The values of a PUT: what is left out is reset, also to false."""
        given = members(body, PUT_MEMBERS, strict=self.bms.switch("bms_unknown_properties") == "reject")
        values = {name: given.get(name, UNSET[kind]) for name, kind in PUT_MEMBERS.items()}
        self._check_values(values)
        return values

    def patched(self, row: Json, operations: Any) -> Json:
        """The values that a JSON Patch on the members of PUT leads to; all or none of it."""
        if not isinstance(operations, list):
            raise bad("The request is invalid.", "A JSON Patch is a list of operations.")
        values = {name: row[name] for name in PUT_MEMBERS}
        for operation in operations:
            _apply(values, operation)
        self._check_values(values)
        return values

    def _check_values(self, values: Json) -> None:
        self._check_place(values)
        if values["effectiveDate"] is not None:
            moment(values["effectiveDate"], "EffectiveDate")

    def patch_related(self, row: Json, operations: Any, kind: Related) -> Json:
        """Add, update and delete e-mails or phones by their value; the counters of the reply.

        The numbers 0, 1, 2 have no published names; their order is that of the counters. An operation on a value
        that the contact does not have counts for nothing.
        """
        if not isinstance(operations, list):
            raise bad("The request is invalid.", "A list of operations is expected.")
        new_value = f"new{kind.input_value[:1].upper()}{kind.input_value[1:]}"
        known = {"operation": int, kind.input_value: str, new_value: str, "typeId": int, "isDefault": bool}
        entries = [dict(entry) for entry in row[kind.key]]
        counts = {ADD: 0, UPDATE: 0, DELETE: 0}
        for operation in operations:
            given = members(operation, known)
            value, new = ((given.get(name) or "").strip() for name in (kind.input_value, new_value))
            place = next((place for place, entry in enumerate(entries) if _same(entry[kind.value], value)), None)
            match given.get("operation"):
                case 0:
                    entries.append(self._added(entries, value or new, given, kind))
                    self._mark(entries, len(entries) - 1, given.get("isDefault"))
                case 1 if place is not None:
                    self._updated(entries[place], new, given, kind)
                    self._mark(entries, place, given.get("isDefault"))
                case 2 if place is not None:
                    del entries[place]
                    self._mark(entries, 0, None)
                case 1 | 2:
                    continue
                case other:
                    raise bad("The request is invalid.", f"There is no operation {other}.")
            counts[given["operation"]] += 1
        if not entries and row[kind.key] and self.bms.switch("bms_strict"):
            raise bad("The request is invalid.", f"A contact needs a default {kind.label}.")
        self.change(row, {kind.key: entries}, bump=self.bms.switch("bms_related_bump"))
        names = {"added": counts[ADD], "updated": counts[UPDATE], "deleted": counts[DELETE]}
        return {**names, kind.key: self.related(row, kind)}

    def _added(self, entries: list[Json], value: str, given: Json, kind: Related) -> Json:
        if not value:
            raise bad("The request is invalid.", f"A {kind.label} needs a value.")
        if any(_same(entry[kind.value], value) for entry in entries):
            raise bad("The request is invalid.", f"The contact has this {kind.label} already.")
        return {kind.value: value, kind.type_id: self.check_type(given.get("typeId", 0), kind), "isDefault": False}

    def _updated(self, entry: Json, new: str, given: Json, kind: Related) -> None:
        if new:
            entry[kind.value] = new
        if "typeId" in given:
            entry[kind.type_id] = self.check_type(given["typeId"], kind)

    def _mark(self, entries: list[Json], place: int, default: bool | None) -> None:
        """Keep one default: a new one takes the place of the old, the last one cannot be given up."""
        if default:
            for other, entry in enumerate(entries):
                entry["isDefault"] = other == place
        elif entries and not any(entry["isDefault"] for entry in entries):
            entries[0]["isDefault"] = True


def _apply(values: Json, operation: Any) -> None:
    """Apply one operation of a JSON Patch; the case of `op` and of the path does not matter."""
    given = members(operation, {"op": str, "path": str, "from": str, "value": object})
    op = (given.get("op") or "").lower()
    name = _member(given.get("path"))
    kind = PUT_MEMBERS[name]
    match op:
        case "add" | "replace":
            value = given.get("value")
        case "remove":
            value = UNSET[kind]
        case "copy" | "move":
            source = _member(given.get("from"))
            value = values[source]
            if op == "move":
                values[source] = UNSET[PUT_MEMBERS[source]]
        case "test":
            if values[name] != given.get("value"):
                raise bad("The request is invalid.", f"The test of {given['path']} failed.")
            return
        case other:
            raise bad("The request is invalid.", f"There is no operation '{other}'.")
    if not fits(value, kind):
        raise bad("The request is invalid.", f"The value of {given['path']} is not valid.")
    values[name] = value


def _member(path: str | None) -> str:
    for name in PUT_MEMBERS:
        if (path or "").lower() == f"/{name.lower()}":
            return name
    raise bad("The request is invalid.", f"The target location specified by path '{path}' was not found.")


def _check_complete(values: Json) -> None:
    """What the vendor's help asks of a contact that is pushed; whether the API does is not known."""
    problems = [] if (values["firstName"] or "").strip() else ["The first name is required."]
    for kind in (EMAILS, PHONES):
        if sum(entry["isDefault"] for entry in values[kind.key]) != 1:
            problems.append(f"One default {kind.label} is required.")
    if problems:
        raise Failure(400, "The request is invalid.", problems=problems)


def _name(row: Json) -> tuple:
    return row["accountId"], row["firstName"] or None, row["lastName"] or None


def _audit(row: Json) -> Json:
    return {
        "id": row["id"],
        "createdBy": None,
        "createdOn": row["createdOn"],
        "modifiedBy": None,
        "modifiedOn": row["modifiedOn"],
    }


def _same(known: str | None, value: str) -> bool:
    return bool(value) and (known or "").strip().casefold() == value.casefold()


def full_name(row: Json) -> str:
    return " ".join(part for part in (row["firstName"], row["lastName"]) if part)


def default_value(row: Json, kind: Related) -> str | None:
    return next((entry[kind.value] for entry in row[kind.key] if entry["isDefault"]), None)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kaseya BMS, played: the part of "BMS API 2.0" that concerns accounts, contacts, types and the IT Glue pairing.

What the vendor's OpenAPI and help pages state is played as stated. What nobody has published is an assumption with a
switch in the world's `behaviour` (in brackets: the default, then the other values):

    bms_page_limit (100)                 the largest page; a larger PageSize is cut to it
    bms_default_page_size (50)           the page size when none is asked for
    bms_order (id, shuffle, repeat,      the order of lists. `repeat` shows a row twice between two pages, `skip` leaves
        skip, skip_once)                 one out, as if rows had moved; `skip_once` does so once
    bms_inactive_by_default (true)       lists without Filter.IsActive hold inactive records
    bms_string_filter (contains,         how string filters compare; only `exact` heeds case
        startswith, equals, exact)
    bms_contact_patch_endpoints (true)   /emails and /phones exist; older releases: 404
    bms_bare_summary (true)              contacts/summary/{id} and accounts/summary/{id} answer without the envelope, as
                                         they are declared; their failures are then 4xx
    bms_pascal_case (false)              the keys of answers are in PascalCase
    bms_null_error (false)               `error: null` beside a success; the contract knows no null there
    bms_failure_style (200, 4xx)         failures as 200 with `success: false`, or with a status of their own. A call
                                         without a good token is a 401 either way
    bms_strict (true)                    a new contact needs a first name, one default e-mail, one default phone
    bms_unknown_properties (ignore,      what becomes of unknown members of a body
        reject)
    bms_related_bump (true)              writes of e-mails, phones and custom fields move modifiedOn
    bms_type_lookup (lookup,             which of the two look-ups knows the tables EmailType and PhoneType
        tenantlookup, none)
    bms_unmapped (error, empty)          the IT Glue look-up of a record that has no pair
    token_lifetime (900)                 seconds that an access token lasts
    bms_refresh_lifetime (604800)        seconds that a refresh token lasts; each is good for one use

A record of the world may have more than the common keys:

- account: `isActive`, `accountCode`, `accountType`, `website`, `createdOn`, `modifiedOn`; a location: `isActive`,
  `addresses`.
- contact: `middleName`, `poc`, `billByContact`, `receiveInvoices`, `effectiveDate`, `hasClientPortalAccess`,
  `createdOn`, `modifiedOn`, `customFields` (a list of `customFieldId`, `data`).
- `custom_fields` (`id`, `name`, `dataType`, `isRequired`, `isActive`) are those of contacts; they live under the module
  number `contact_module_id`.

Duplicates are not refused: whether BMS does is not known, and the other is the case to guard against. Not played:
writing accounts, locations (BMS has none), tickets, notes, checklists, passwords and web hooks: 404.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .bms_contacts import CONTACT, EMAILS, LONG_AGO, PHONES, Contacts, Related, full_name
from .bms_custom_fields import CustomFields
from .bms_lists import Lists, chosen, flags, numbers
from .bms_pairing import Pairing
from .bms_security import Security
from .bms_wire import Failure, Form, Json, Query, bad, body_json, fits, members, not_found, stamp, unauthorized
from .core import Service, WorldError, phrase_of

ACCOUNT: Json = {
    "accountName": None,
    "accountCode": None,
    "accountType": "Customer",
    "website": None,
    "isActive": True,
    "createdOn": LONG_AGO,
    "modifiedOn": LONG_AGO,
    "locations": [],
}
LOCATION: Json = {"locationName": None, "isMain": False, "isActive": True, "addresses": []}
ADDRESS: Json = {
    "createdBy": None,
    "createdOn": None,
    "modifiedBy": None,
    "modifiedOn": None,
    **dict.fromkeys("address1 address2 city state zipCode countryId country phone fax".split()),
    **dict.fromkeys("latitude longitude emailAddress addressTypeId addressType".split()),
    "isMain": True,
    "isBilling": False,
}
#: What `AccountSummaryOutputDto` has beside what a world says.
ACCOUNT_BLANKS: Json = dict.fromkeys(
    "createdBy modifiedBy parentId accountTypeId businessTypeId businessType serviceTypeId serviceType "
    "accountManagerId accountManagerUserName currencyId currencyName creditLimit netDays salesTaxItemId "
    "salesTaxItemName description classId className acquiredDate".split()
)
CUSTOM_FIELD: Json = {"dataType": 0, "isRequired": False, "isActive": True}
ACCOUNT_TYPES = ("Customer", "Vendor")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "bms_order": ("id", "shuffle", "repeat", "skip", "skip_once"),
    "bms_string_filter": ("contains", "startswith", "equals", "exact"),
    "bms_failure_style": ("200", "4xx"),
    "bms_unknown_properties": ("ignore", "reject"),
    "bms_type_lookup": ("lookup", "tenantlookup", "none"),
    "bms_unmapped": ("error", "empty"),
}
TYPE_TABLES = {"emailtype": "email_types", "phonetype": "phone_types"}


class Call:
    """A request with a good token."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.query = Query.read(request.scope["query_string"])
        self.texts = dict(request.path_params)
        self.ids = {name: int(value) for name, value in self.texts.items() if name != "tableName"}
        self._content_type = request.headers.get("content-type", "")
        self._body = body

    def json(self) -> Any:
        return body_json(self._content_type, self._body)


Handler = Callable[[Call], Response]


class Bms(Service):
    name = "bms"
    section = "bms"
    SECTION: ClassVar[Mapping[str, Any]] = {
        "company": "Sandbox MSP",
        "username": "api",
        "password": "sandbox",
        "mfa_secret": None,
        "email_types": [],
        "phone_types": [],
        "accounts": [],
        "contacts": [],
        "custom_fields": [],
        "contact_module_id": 11,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "bms_default_page_size": 50,
        "bms_order": "id",
        "bms_string_filter": "contains",
        "bms_bare_summary": True,
        "bms_pascal_case": False,
        "bms_null_error": False,
        "bms_failure_style": "200",
        "bms_strict": True,
        "bms_unknown_properties": "ignore",
        "bms_related_bump": True,
        "bms_type_lookup": "lookup",
        "bms_unmapped": "error",
        "bms_refresh_lifetime": 604800,
    }

    # ------------------------------------------------------------ the world

    @classmethod
    def complete(cls, section: Json) -> None:
        for name in ("email_types", "phone_types"):
            _records(section[name], f"bms.{name}", {"name": None})
        accounts = _records(section["accounts"], "bms.accounts", ACCOUNT)
        for account in accounts:
            account["locations"] = [{**LOCATION, **location} for location in account["locations"]]
        places = [location for account in accounts for location in account["locations"]]
        _records(places, "bms.accounts: locations", {})
        _records(section["custom_fields"], "bms.custom_fields", CUSTOM_FIELD)
        known = {account["id"] for account in accounts}
        first = {kind: (section[kind.types] or [{"id": 1}])[0]["id"] for kind in (EMAILS, PHONES)}
        for row in _records(section["contacts"], "bms.contacts", CONTACT):
            if row.get("accountId") not in known:
                raise WorldError(f"bms.contacts {row['id']}: accountId {row.get('accountId')!r} does not exist")
            for kind in (EMAILS, PHONES):
                defaults = {kind.value: None, kind.type_id: first[kind], "isDefault": False}
                row[kind.key] = [{**defaults, **entry} for entry in row[kind.key]]

    def load(self) -> None:
        for name, allowed in CHOICES.items():
            if self.sandbox.behaviour[name] not in allowed:
                raise WorldError(f"behaviour.{name} must be one of {', '.join(allowed)}")
        accounts = self.records["accounts"]
        self.accounts = {account["id"]: account for account in accounts}
        self.locations = {place["id"]: place for account in accounts for place in account["locations"]}
        self.location_accounts = {place["id"]: account["id"] for account in accounts for place in account["locations"]}
        self.type_names = {
            name: {row["id"]: row["name"] for row in self.records[name]} for name in ("email_types", "phone_types")
        }
        self.contacts = Contacts(self)
        self.custom_fields = CustomFields(self)
        self.lists = Lists(self)
        self.pairing = Pairing(self)
        self.security = Security(self)
        self._handlers = dict(self._operations())

    def dump(self) -> Json:
        return {**self.records, "contacts": list(self.contacts.rows.values())}

    def switch(self, name: str) -> Any:
        return self.sandbox.behaviour[name]

    def now(self) -> str:
        return stamp(self.sandbox.now())

    # ------------------------------------------------------------- the wire

    def _operations(self) -> Iterator[tuple[tuple[str, str], Handler]]:
        crm, system, glue = "/v2/crm", "/v2/system", "/v2/integrations/itglue"
        yield ("GET", f"{crm}/contacts/summary"), self.list_contacts
        yield ("POST", f"{crm}/contacts/summary"), self.create_contact
        yield ("GET", f"{crm}/contacts/search"), self.search_contacts
        yield ("GET", f"{crm}/contacts/summary/{{id}}"), self.show_contact
        yield ("PUT", f"{crm}/contacts/{{id}}"), self.put_contact
        yield ("PATCH", f"{crm}/contacts/{{id}}"), self.patch_contact
        yield ("DELETE", f"{crm}/contacts/{{id}}"), self.delete_contact
        yield ("PATCH", f"{crm}/contacts/{{contactId}}/emails"), partial(self.patch_related, EMAILS)
        yield ("PATCH", f"{crm}/contacts/{{contactId}}/phones"), partial(self.patch_related, PHONES)
        yield ("GET", f"{crm}/accounts/lookup"), self.lookup_accounts
        yield ("GET", f"{crm}/accounts/summary"), self.list_accounts
        yield ("GET", f"{crm}/accounts/summary/{{id}}"), self.show_account
        yield ("GET", f"{crm}/accounts/{{accountId}}/locations/lookup"), self.lookup_locations
        yield ("GET", f"{crm}/accounts/{{accountId}}/locations/{{locationId}}"), self.show_location
        yield ("GET", f"{crm}/accounts/{{accountId}}/contacts/lookup"), self.lookup_contacts
        yield ("GET", f"{crm}/accounts/{{accountId}}/contacts/{{contactId}}/summaryinfo"), self.show_card
        yield ("GET", f"{system}/lookup/{{tableName}}"), partial(self.lookup_table, "lookup")
        yield ("GET", f"{system}/tenantlookup/{{tableName}}"), partial(self.lookup_table, "tenantlookup")
        yield ("POST", f"{system}/tenantlookup/{{tableName}}"), self.add_to_table
        yield ("GET", f"{system}/accounttypes/lookup"), self.lookup_account_types
        yield ("GET", f"{system}/locations/lookup"), self.lookup_branches
        yield ("GET", f"{system}/settings"), self.show_settings
        yield ("GET", f"{system}/customFields/{{moduleId}}"), self.list_custom_fields
        yield ("GET", f"{system}/customFields/{{moduleId}}/{{objectId}}"), self.show_custom_data
        data = f"{system}/customFields/data/{{moduleId}}/{{entityId}}/{{customFieldId}}"
        yield ("PUT", data), self.put_custom_data
        yield ("GET", "/v2/security/userinfo"), self.show_user
        yield ("GET", f"{glue}/status"), self.show_integration
        for kind in ("accounts", "contacts", "locations"):
            yield ("GET", f"{glue}/{kind}/{{id}}/lookup"), partial(self.lookup_pair, kind)

    def routes(self) -> list[Route]:
        paths: dict[str, list[str]] = {}
        for method, path in self._handlers:
            paths.setdefault(path, []).append(method)
        return [
            Route("/v2/security/authenticate", self._entrance("authenticate"), methods=["POST"]),
            Route("/v2/security/refreshtoken", self._entrance("refresh"), methods=["POST"]),
            Route("/v2/security/ssostatus", self._sso_status, methods=["GET"]),
            *(Route(path, self._endpoint(path), methods=methods) for path, methods in paths.items()),
        ]

    def _entrance(self, name: str) -> Any:
        async def endpoint(request: Request) -> Response:
            try:
                fields = await self.security.fields(request)
                return self.form.result(getattr(self.security, name)(fields))
            except Failure as failure:
                return self.form.failure(failure, hidden=(400, 401))

        return endpoint

    async def _sso_status(self, request: Request) -> Response:
        return self.form.result({"enabled": False, "loginEndpointUrl": None})

    def _endpoint(self, path: str) -> Any:
        bare = path.endswith("/summary/{id}")

        async def endpoint(request: Request) -> Response:
            body = await request.body()
            if not all(
                value.isascii() and value.isdigit()
                for name, value in request.path_params.items()
                if name != "tableName"
            ):
                return self.failure(404)
            try:
                self.security.check(self.credential(request.headers))
                method = "GET" if request.method == "HEAD" else request.method
                # Looked up here, since a reset makes the contacts anew.
                return self._handlers[method, path](Call(request, body))
            except Failure as failure:
                return self.form.failure(failure, hidden=() if bare and self.switch("bms_bare_summary") else (400, 404))

        return endpoint

    @property
    def form(self) -> Form:
        return Form(self.switch("bms_pascal_case"), self.switch("bms_null_error"), self.switch("bms_failure_style"))

    def failure(self, status: int, message: str | None = None) -> Response:
        """An unknown path or method has no body; a 401 is the security error."""
        if status in (404, 405):
            return Response(status_code=status)
        if status == 401:
            return self.expired()
        phrase = message or phrase_of(status)
        return self.form.failure(Failure(status, phrase), hidden=())

    def expired(self) -> Response:
        return self.form.failure(unauthorized())

    # ------------------------------------------------------------- contacts

    def _contact(self, ident: int) -> Json:
        if ident not in self.contacts.rows:
            raise not_found(f"Contact {ident}")
        return self.contacts.rows[ident]

    def list_contacts(self, call: Call) -> Response:
        rows = self.lists.rows("contacts", call.query, lambda: self._listed_contacts(call.query))
        page = self.lists.page(rows, call.query, walk=True)
        return self.form.result([self.contacts.summary(row) for row in page], len(rows))

    def _listed_contacts(self, query: Query) -> Iterable[Json]:
        texts = {
            "Filter.AccountName": self._account_names,
            "Filter.FirstName": lambda row: [row["firstName"]],
            "Filter.LastName": lambda row: [row["lastName"]],
            "Filter.Phone": lambda row: [entry["phone"] for entry in row["phones"]],
            "Filter.Email": lambda row: [entry["emailAddress"] for entry in row["emails"]],
        }
        account_id = query.number("Filter.AccountId")
        rows = self.contacts.rows.values() if account_id is None else self.contacts.of(account_id)
        return chosen(rows, self.lists.tests(query, texts))

    def _account_names(self, row: Json) -> list[str | None]:
        return [self.accounts[row["accountId"]]["accountName"]]

    def search_contacts(self, call: Call) -> Response:
        rows = self.lists.rows("search", call.query, lambda: self._searched_contacts(call.query))
        return self.form.result([self.contacts.found(row) for row in self.lists.page(rows, call.query)])

    def _searched_contacts(self, query: Query) -> Iterable[Json]:
        texts = {
            "Filter.AccountName": self._account_names,
            "Filter.LocationName": lambda row: [self.locations.get(row["locationId"], LOCATION)["locationName"]],
            "Filter.FirstName": lambda row: [row["firstName"]],
            "Filter.LastName": lambda row: [row["lastName"]],
            "Filter.JobTitle": lambda row: [row["jobTitle"]],
            "Filter.EmailAddress": lambda row: [entry["emailAddress"] for entry in row["emails"]],
        }
        ids = {"Filter.Ids": "id", "Filter.AccountIds": "accountId", "Filter.LocationId": "locationId"}
        answers = {"Filter.IsPoc": "poc", "Filter.HasClientPortalAccess": "hasClientPortalAccess"}
        tests = [*self.lists.tests(query, texts), *numbers(query, ids), *flags(query, answers)]
        return chosen(self.contacts.rows.values(), tests)

    def show_contact(self, call: Call) -> Response:
        return self._bare(self.contacts.summary(self._contact(call.ids["id"])))

    def _bare(self, value: Json) -> Response:
        return self.form.bare(value) if self.switch("bms_bare_summary") else self.form.result(value)

    def create_contact(self, call: Call) -> Response:
        row = self.contacts.new(self.contacts.posted(call.json()))
        return self.form.result(self.contacts.created(row))

    def put_contact(self, call: Call) -> Response:
        row = self._contact(call.ids["id"])
        return self.form.result(self.contacts.full(self.contacts.change(row, self.contacts.put(call.json()))))

    def patch_contact(self, call: Call) -> Response:
        row = self._contact(call.ids["id"])
        values = self.contacts.patched(row, call.json())
        return self.form.result(self.contacts.full(self.contacts.change(row, values)))

    def patch_related(self, kind: Related, call: Call) -> Response:
        if not self.switch("bms_contact_patch_endpoints"):
            return self.failure(404)
        row = self._contact(call.ids["contactId"])
        return self.form.result(self.contacts.patch_related(row, call.json(), kind))

    def delete_contact(self, call: Call) -> Response:
        self.contacts.delete(self._contact(call.ids["id"]))
        return Response(status_code=200)

    def show_card(self, call: Call) -> Response:
        row = self._contact(call.ids["contactId"])
        if row["accountId"] != call.ids["accountId"]:
            raise not_found(f"Contact {row['id']}")
        return self.form.result(self.contacts.card(row))

    # ------------------------------------------------------------- accounts

    def _account(self, ident: int) -> Json:
        if ident not in self.accounts:
            raise not_found(f"Account {ident}")
        return self.accounts[ident]

    def list_accounts(self, call: Call) -> Response:
        rows = self.lists.rows("accounts", call.query, lambda: self._listed_accounts(call.query))
        page = self.lists.page(rows, call.query, walk=True)
        return self.form.result([self._account_summary(row) for row in page], len(rows))

    def _listed_accounts(self, query: Query) -> Iterable[Json]:
        texts = {
            "Filter.AccountName": lambda row: [row["accountName"]],
            "Filter.AccountCode": lambda row: [row["accountCode"]],
            "Filter.AccountTypeName": lambda row: [row["accountType"]],
        }
        return chosen(self.accounts.values(), self.lists.tests(query, texts))

    def _account_summary(self, row: Json) -> Json:
        shown = {key: row[key] for key in ACCOUNT if key != "locations"}
        return {
            "id": row["id"],
            **ACCOUNT_BLANKS,
            **shown,
            "isBilling": False,
            "tenantName": self.records["company"],
            "locations": [self._location_dto(location) for location in row["locations"]],
        }

    def show_account(self, call: Call) -> Response:
        return self._bare(self._account_summary(self._account(call.ids["id"])))

    def lookup_accounts(self, call: Call) -> Response:
        test = self.lists.text_test(call.query.text("Filter.Name")) or (lambda name: True)
        idents = call.query.numbers("Filter.Ids")
        inactive = call.query.flag("Filter.WithInactiveAccounts")
        rows = [
            row
            for row in self.accounts.values()
            if test(row["accountName"]) and (idents is None or row["id"] in idents) and (row["isActive"] or inactive)
        ]
        company = self.records["company"]
        return self.form.result(
            [
                {"id": row["id"], "name": row["accountName"], "tenantName": company, "isActive": row["isActive"]}
                for row in self.lists.page(rows, call.query)
            ]
        )

    def lookup_locations(self, call: Call) -> Response:
        account = self._account(call.ids["accountId"])
        return self.form.result(
            [
                {
                    "id": place["id"],
                    "name": place["locationName"],
                    "accountId": account["id"],
                    "isMain": place["isMain"],
                }
                for place in account["locations"]
            ]
        )

    def show_location(self, call: Call) -> Response:
        account = self._account(call.ids["accountId"])
        ident = call.ids["locationId"]
        if self.location_accounts.get(ident) != account["id"]:
            raise not_found(f"Location {ident}")
        return self.form.result(self._location_dto(self.locations[ident]))

    def _location_dto(self, place: Json) -> Json:
        return {
            "id": place["id"],
            **dict.fromkeys(("createdBy", "createdOn", "modifiedBy", "modifiedOn")),
            "locationName": place["locationName"],
            "isMain": place["isMain"],
            "isActive": place["isActive"],
            **dict.fromkeys(("timeZoneId", "dateFormatId", "timeFormatId")),
            "addresses": [
                {"id": place["id"] * 10 + number, **ADDRESS, **address}
                for number, address in enumerate(place["addresses"])
            ],
        }

    def lookup_contacts(self, call: Call) -> Response:
        account = self._account(call.ids["accountId"])
        test = self.lists.text_test(call.query.text("Filter.Name")) or (lambda name: True)
        location = call.query.number("Filter.LocationId")
        rows = [
            row
            for row in self.contacts.of(account["id"])
            if test(full_name(row)) and location in (None, row["locationId"])
        ]
        return self.form.result([self.contacts.lookup(row) for row in self.lists.page(rows, call.query)])

    # ------------------------------------------------------------- look-ups

    def lookup_table(self, which: str, call: Call) -> Response:
        table = self._type_table(which, call.texts["tableName"])
        rows = self.records[table]
        return self.form.result(
            [
                {"id": row["id"], "name": row["name"], "isDefault": place == 0, "isActive": True}
                for place, row in enumerate(rows)
            ]
        )

    def _type_table(self, which: str, name: str) -> str:
        table = TYPE_TABLES.get(name.lower())
        if table is None or self.switch("bms_type_lookup") != which:
            raise not_found(f"Lookup table {name}")
        return table

    def add_to_table(self, call: Call) -> Response:
        table = self._type_table("tenantlookup", call.texts["tableName"])
        given = members(call.json(), {"name": str, "description": str, "isActive": bool})
        if not given.get("name"):
            raise bad("The request is invalid.", "The Name field is required.")
        ident = max(self.type_names[table], default=0) + 1
        self.records[table].append({"id": ident, "name": given["name"]})
        self.type_names[table][ident] = given["name"]
        return self.lookup_table("tenantlookup", call)

    def lookup_account_types(self, call: Call) -> Response:
        return self.form.result(
            [
                {
                    "id": ident,
                    "name": name,
                    "isActive": True,
                    "isClient": name == "Customer",
                    "isVendor": name == "Vendor",
                }
                for ident, name in enumerate(ACCOUNT_TYPES, 1)
            ]
        )

    def lookup_branches(self, call: Call) -> Response:
        """The MSP's own offices, not the locations of its clients."""
        return self.form.result([{"id": 1, "name": self.records["company"], "isMain": True}])

    def show_settings(self, call: Call) -> Response:
        return self.form.result({"defaultPageSize": int(self.switch("bms_default_page_size")), "productName": "BMS"})

    def show_user(self, call: Call) -> Response:
        name = self.records["username"]
        return self.form.result(
            {
                "userId": 1,
                "fullName": name,
                "timeStamp": self.now(),
                "timeZoneValue": 0.0,
                "tenantId": 1,
                "accountId": None,
                "locationId": None,
                "contactId": None,
                "businessName": self.records["company"],
                "userAccessRights": [],
                "specialFeatures": [],
                "newTicketingUI": False,
                "isUserSystemAdmin": False,
            }
        )

    # -------------------------------------------------------- custom fields

    def list_custom_fields(self, call: Call) -> Response:
        fields = self.custom_fields.of_module(call.ids["moduleId"], call.query.flag("withInactive"))
        return self.form.result(fields)

    def show_custom_data(self, call: Call) -> Response:
        self.custom_fields.check_module(call.ids["moduleId"])
        return self.form.result(self.custom_fields.data(self._contact(call.ids["objectId"])))

    def put_custom_data(self, call: Call) -> Response:
        self.custom_fields.check_module(call.ids["moduleId"])
        row = self._contact(call.ids["entityId"])
        return self.form.result(self.custom_fields.put(row, call.ids["customFieldId"], call.json()))

    # -------------------------------------------------------------- IT Glue

    def lookup_pair(self, kind: str, call: Call) -> Response:
        pair = self.pairing.pair(kind, call.ids["id"])
        if pair is None and self.switch("bms_unmapped") == "error":
            raise not_found(f"An IT Glue record for {kind} {call.ids['id']}")
        return self.form.result(pair) if pair else self.form.bare({"success": True})

    def show_integration(self, call: Call) -> Response:
        on = "itglue" in self.sandbox.services
        shown = {"masterTenantId": None, "iTGlueAccountId": None, "isEnabled": on, "subdomain": "sandbox", "region": 0}
        return self.form.result({**shown, "isTicketSyncEnabled": False})


def _number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _records(rows: list[Any], where: str, defaults: Json) -> list[Json]:
    """The records of a list, filled in. Raises `WorldError` for one without an id of its own."""
    seen: set[int] = set()
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise WorldError(f"{where}[{place}] must be an object")
        if not fits(row.get("id"), int) or row["id"] in seen:
            raise WorldError(f"{where}[{place}] needs an id of its own, a number")
        seen.add(row["id"])
        for key, value in defaults.items():
            if key not in row:
                row[key] = value[:] if isinstance(value, list) else value
    return rows

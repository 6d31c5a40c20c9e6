# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kaseya BMS's API, version 2: the account's contacts, and the few writes that a push takes.

Source: Kaseya's OpenAPI description "BMS API 2.0" and its help page "V2 BMS Rest
APIs".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    ProtocolError,
    QuotaExceededError,
    UnavailableError,
)
from .._engine.model import Account, BmsContact, BmsEmail, BmsId, BmsLocation, BmsPhone, BmsType, EntryChange
from . import bms_decoding as decode
from .addresses import service_url
from .bms_errors import BmsErrors
from .bms_login import BmsCredential, BmsLogin
from .decoding import Reader, Row, accepted
from .request import Request
from .session import Access, HttpSession, Service
from .transport import AT_ONCE

REGIONS = {
    "us": "https://api.bms.kaseya.com",
    "emea": "https://api.bmsemea.kaseya.com",
    "apac": "https://api.bmsapac.kaseya.com",
}

_PAGE = 100
_LISTS_OF_AN_ACCOUNT = 2
"""The active contacts and the inactive ones."""

_CONTACTS = "/v2/crm/contacts/summary"
_READS_CONTACTS = "a role that may view CRM > Contacts"
_WRITES_CONTACTS = "a role that may modify CRM > Contacts"
_READS_ACCOUNTS = "a role that may view CRM > Accounts"

_PASSING = (AuthenticationError, QuotaExceededError, UnavailableError, ProtocolError)
"""Failures of a look-up that say nothing of whether the table exists."""
_NUMERIC_ID = "Where this stays so, set email_type and phone_type of bms_sync_settings to numeric ids."

T = TypeVar("T")
Entries = Callable[[BmsContact], Sequence[BmsEmail | BmsPhone]]


class BmsClient:
    """One company of BMS; it logs in with the first call. Safe for use by several threads."""

    def __init__(self, *, url_or_region: str, credential: BmsCredential, access: Access) -> None:
        login = BmsLogin(credential, access.on_secret, access.timing)
        service = Service(
            "bms",
            service_url(url_or_region, REGIONS, "bms_url").rstrip("/").removesuffix("/v2"),
            "bms_url",
            mapping=BmsErrors(),
            authorizer=login,
            secrets=credential.secrets,
        )
        self._http = HttpSession(service, access)
        login.session = self._http

    @property
    def base_url(self) -> str:
        return self._http.base_url

    def raw(self, path: str, params: Mapping[str, object], template: str | None = None) -> Row:
        """One answer to a read as it is on the wire: for what the decoded values do not show."""
        answer = self._http.send(Request("GET", path, params=params, template=template or path))
        return Reader("bms", answer.request).mapping(answer.json(), "the answer")

    # --------------------------------------------------------------- accounts

    def accounts(self, name: str) -> list[Account]:
        """The accounts that BMS finds for a name.

        Whether it looks for equal, beginning or contained names is not published, nor
        whether inactive accounts are among them: the caller compares.
        """
        path = "/v2/crm/accounts/summary"
        return list(self._complete(path, {"Filter.AccountName": name}, decode.account, _READS_ACCOUNTS).values())

    def account(self, account_id: int) -> Account | None:
        found = self._one("/v2/crm/accounts/summary/{id}", account_id, _READS_ACCOUNTS)
        return None if found is None else decode.account(*found)

    def account_locations(self, account_id: int) -> list[BmsLocation]:
        template = "/v2/crm/accounts/{accountId}/locations/lookup"
        request = Request(
            "GET", template.format(accountId=account_id), params={}, template=template, needs=_READS_ACCOUNTS
        )
        read, rows, dummy = self._rows(request)
        for row in rows:
            decode.check_account(read, row, account_id, needed=False)
        return [decode.location(read, row) for row in rows]

    # --------------------------------------------------------------- contacts

    def contacts(self, account_id: int) -> list[BmsContact]:
        """All contacts of an account, active and inactive, or `UnavailableError` when the list stays incomplete.

        Both kinds are asked for by name: what leaving the filter out means is not published.
        """
        found: dict[int, BmsContact] = {}
        for active, calls in ((True, _LISTS_OF_AN_ACCOUNT), (False, 1)):

            def decoded(read: Reader, row: Row, active: bool = active) -> BmsContact:
                decode.check_account(read, row, account_id, needed=True)
                return decode.contact(read, row, active)

            params = {"Filter.AccountId": account_id, "Filter.IsActive": "true" if active else "false"}
            found |= self._complete(_CONTACTS, params, decoded, _READS_CONTACTS, calls)
        return list(found.values())

    def contact(self, contact_id: int) -> BmsContact:
        found = self._one(f"{_CONTACTS}/{{id}}", contact_id, _READS_CONTACTS)
        if found is None:
            raise NotFoundError(
                f"Kaseya BMS has no contact {contact_id}.", service="bms", hint="It may have been deleted."
            )
        return decode.contact(*found, active=True)

    def create_contact(self, contact: BmsContact) -> BmsId:
        """Create a contact and return its id; an answer without an id raises `OutcomeUnknownError` or `RejectedError`.

        Job title and activity cannot be given here: `set_contact` sets them.
        """
        if contact.location_id is None:
            raise InputError("A BMS contact needs a location.")
        body = decode.new_contact(contact)
        answer = self._http.send(Request("POST", _CONTACTS, json=body, template=_CONTACTS, needs=_WRITES_CONTACTS))
        with accepted():
            return decode.ident(*decode.result(answer), "id")

    def set_contact(self, contact_id: int, values: Mapping[str, object]) -> None:
        """Set single values (`JobTitle`, `IsActive`, `FirstName`, ...); all others stay.

        A PUT would reset what it leaves out, the middle name among it, which no read
        shows. Whether null clears a value is not published.
        """
        request = Request(
            "PATCH",
            f"/v2/crm/contacts/{contact_id}",
            json=[{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()],
            headers={"Content-Type": "application/json-patch+json"},
            repeatable=True,
            template="/v2/crm/contacts/{id}",
            needs=_WRITES_CONTACTS,
        )
        answer = self._http.send(request)
        with accepted():
            decode.result(answer)

    def patch_emails(self, contact_id: int, operations: Sequence[EntryChange]) -> None:
        """Change e-mail addresses; `NotFoundError` where this release of BMS cannot do it yet."""
        self._patch_entries(contact_id, "emails", "EmailAddress", operations)

    def patch_phones(self, contact_id: int, operations: Sequence[EntryChange]) -> None:
        """Change phone numbers; `NotFoundError` where this release of BMS cannot do it yet."""
        self._patch_entries(contact_id, "phones", "PhoneNumber", operations)

    def _patch_entries(self, contact_id: int, kind: str, field: str, changes: Sequence[EntryChange]) -> None:
        template = f"/v2/crm/contacts/{{contactId}}/{kind}"
        path, body = template.format(contactId=contact_id), decode.entry_changes(field, changes)
        try:
            answer = self._http.send(Request("PATCH", path, json=body, template=template, needs=_WRITES_CONTACTS))
        except NotFoundError as error:
            error.hint = f"The contact may have been deleted, or this release of BMS cannot change {kind} yet."
            raise
        with accepted():
            read, counted = decode.result(answer)
            decode.check_counters(read, counted, kind, changes)

    # ------------------------------------------------------------------ types

    def email_types(self, known: Iterable[BmsContact] = ()) -> list[BmsType]:
        """The e-mail types, by look-up or else as contacts use them: the `known` ones, or the first of any account."""
        return self._types("EmailType", known, lambda contact: contact.emails)

    def phone_types(self, known: Iterable[BmsContact] = ()) -> list[BmsType]:
        """The phone types, found as the e-mail types are."""
        return self._types("PhoneType", known, lambda contact: contact.phones)

    def _types(self, table: str, known: Iterable[BmsContact], entries: Entries) -> list[BmsType]:
        # Neither the names of these tables nor which look-up serves them is published: one that fails is no answer.
        failure: ApiError | None = None
        for lookup in ("lookup", "tenantlookup"):
            try:
                types = self._lookup(lookup, table)
            except ApiError as error:
                self._http.log(2, f"GET /v2/system/{lookup}/{table} failed, the next source of types is asked: {error}")
                # A quota that is used up comes back, whatever the next source says.
                failure = failure if isinstance(failure, QuotaExceededError) else error
            else:
                if types:
                    return types
        types = decode.types_in_use(map(entries, known)) or decode.types_in_use(map(entries, self._some_contacts()))
        if not types and isinstance(failure, _PASSING):
            failure.hint = " ".join(filter(None, (failure.hint, _NUMERIC_ID)))
            raise failure
        return types

    def _lookup(self, lookup: str, table: str) -> list[BmsType]:
        template = f"/v2/system/{lookup}/{{tableName}}"
        read, rows, dummy = self._rows(Request("GET", template.format(tableName=table), params={}, template=template))
        named = (row for row in rows if read.text(row, "name") and read.flag(row, "isActive", True))
        return [BmsType(read.needed_whole(row, "id"), read.needed_text(row, "name")) for row in named]

    def _some_contacts(self) -> list[BmsContact]:
        params = {"PageSize": _PAGE, "PageNumber": 1}
        request = Request("GET", _CONTACTS, params=params, template=_CONTACTS, needs=_READS_CONTACTS)
        read, rows, dummy = self._rows(request)
        return [decode.contact(read, row, active=True) for row in rows]

    # ------------------------------------------------------------------ reads

    def _one(self, template: str, ident: int, needs: str) -> tuple[Reader, Row] | None:
        """One object, in an envelope or bare: the description says bare, a client in use reads an envelope."""
        try:
            answer = self._http.send(Request("GET", template.format(id=ident), template=template, needs=needs))
        except NotFoundError:
            return None
        read, whole = decode.body(answer)
        found = whole.get("result") if "result" in whole or "success" in whole else whole
        if found is None:
            return None
        row = read.mapping(found, "result")
        if read.needed_whole(row, "id") != ident:
            raise read.error(f"it is about another object than {ident}")
        return read, row

    def _rows(self, request: Request) -> tuple[Reader, list[Row], int | None]:
        """The rows of a list or a part of one, and how many the whole has by the service's count."""
        read, whole = decode.body(self._http.send(request))
        if "result" not in whole:
            raise read.error("it has no 'result'")
        return read, read.rows(whole["result"], "result"), read.whole(whole, "totalRecords")

    def _complete(
        self, path: str, params: Mapping[str, object], decoded: Callable[[Reader, Row], T], needs: str, calls: int = 1
    ) -> dict[int, T]:
        """Every row of a paged list by its id, or `UnavailableError`. It takes so many `calls` at least.

        Their order is not published, and pages are no snapshot: the rows are held
        against the count that comes with them, and the list is read once more when
        that does not fit or changes on the way.
        """
        request = Request("GET", path, params=params, template=path, needs=needs, calls=calls)
        for dummy in range(2):
            found, totals = self._walk(request, decoded)
            if len(totals) == 1 and all(total is None or len(found) >= total for total in totals):
                return found
        raise UnavailableError(
            f"Kaseya BMS's list {path} is incomplete: it shows other rows than it counts.",
            service="bms",
            request=f"GET {path}",
            hint="Try again later.",
        )

    def _walk(self, request: Request, decoded: Callable[[Reader, Row], T]) -> tuple[dict[int, T], set[int | None]]:
        """The rows of a list by their id, and how many it has by each count that came with them.

        Its first page tells how many there are. The second one is sent where the quota does for the rest of them,
        and then they are read side by side.
        """
        found: dict[int, T] = {}
        totals: set[int | None] = set()
        number, together, calls, longest = 0, 1, request.calls, 1
        while True:
            pages = range(number + 1, number + together + 1)
            known, number = len(found), pages[-1]
            for rows, total in self._pages(replace(request, calls=calls), pages, decoded):
                totals.add(total)
                found |= rows
                longest = max(longest, len(rows))
            # A short page is no end: the largest page size is not published, and may be less than was asked for.
            if len(found) == known or (total is not None and len(found) >= total):
                return found, totals
            # The rest of the list, by the count that comes with it.
            left = max(1, math.ceil(((total or 0) - len(found)) / longest))
            together = min(left, AT_ONCE) if number > 1 else 1
            # They are counted in any order: each asks for no more than is left after all others of them.
            calls = left - together + 1

    def _pages(
        self, request: Request, numbers: Sequence[int], decoded: Callable[[Reader, Row], T]
    ) -> Iterator[tuple[dict[int, T], int | None]]:
        """The rows of pages by their id, each page with how many rows the whole list has by the service's count."""

        def page(number: int) -> tuple[dict[int, T], int | None]:
            query = {**(request.params or {}), "PageSize": _PAGE, "PageNumber": number}
            read, rows, total = self._rows(replace(request, params=query))
            return {read.needed_whole(row, "id"): decoded(read, row) for row in rows}, total

        if len(numbers) == 1:
            yield page(numbers[0])
            return
        with ThreadPoolExecutor(max_workers=len(numbers), thread_name_prefix="pages") as pool:
            yield from pool.map(page, numbers)

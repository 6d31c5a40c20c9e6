# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Kaseya BMS's API, version 2: the account's contacts, and the few writes that a push takes.

Source: Kaseya's OpenAPI description "BMS API 2.0" and its help page "V2 BMS Rest
APIs". The description spells names in PascalCase, the service answers in camelCase
and takes either; both are read here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from threading import Lock
from typing import TypeVar

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    RejectedError,
    UnavailableError,
)
from .._engine.model import Account, BmsContact, BmsEmail, BmsLocation, BmsPhone, BmsType, EntryChange
from .decoding import Reader, accepted
from .retry import DEFAULT_RETRY, RetryPolicy
from .session import Calls, ErrorMapping, HttpSession, HttpSettings, Limiter, Response
from .tokens import SharedTokens
from .totp import totp, totp_key
from .transport import service_url

REGIONS = {
    "us": "https://api.bms.kaseya.com",
    "emea": "https://api.bmsemea.kaseya.com",
    "apac": "https://api.bmsapac.kaseya.com",
}

_PAGE = 100
_SECURITY_ERROR = 978001
_REFUSAL_LASTS = 60.0
_UNKNOWN_LIFETIME = 600.0
_ABSENT = re.compile(r"\bnot found\b|\bnot exist\b", re.IGNORECASE)
_READS_CONTACTS = "a role that may view CRM > Contacts"
_WRITES_CONTACTS = "a role that may modify CRM > Contacts"
_READS_ACCOUNTS = "a role that may view CRM > Accounts"

T = TypeVar("T")


class BmsClient:
    """One company of BMS; it logs in with the first call. Safe for use by several threads.

    `on_secret` is told each token, so that it can be kept out of all output. With `tokens`,
    one login serves all processes that share them.
    """

    def __init__(
        self,
        *,
        url_or_region: str,
        company: str,
        username: str,
        password: str,
        mfa_secret: str | None = None,
        http: HttpSettings,
        calls: Calls,
        retry: RetryPolicy = DEFAULT_RETRY,
        limiter: Limiter | None = None,
        tokens: SharedTokens | None = None,
        on_secret: Callable[[str], None] = lambda secret: None,
        make_session: Callable[..., HttpSession] = HttpSession,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        login = _Login(
            {"UserName": username, "Password": password, "Tenant": company, "GrantType": "password"},
            totp_key(mfa_secret, "bms_mfa_secret") if mfa_secret else None,
            tokens,
            on_secret,
            clock,
            now,
        )
        self._http = make_session(
            "bms",
            service_url(url_or_region, REGIONS, "bms_url").rstrip("/").removesuffix("/v2"),
            settings=http,
            calls=calls,
            retry=retry,
            limiter=limiter,
            dialect=_BmsErrors(),
            authorizer=login,
            secrets=[password, *([mfa_secret] if mfa_secret else [])],
            option="bms_url",
        )
        login.session = self._http

    @property
    def base_url(self) -> str:
        return self._http.base_url

    def raw(self, path: str, params: Mapping[str, object], template: str | None = None) -> dict:
        """One answer to a read as it is on the wire: for what the decoded values do not show."""
        answer = self._http.request("GET", path, params=params, template=template or path)
        return Reader("bms", answer.request).mapping(answer.json(), "the answer")

    # --------------------------------------------------------------- accounts

    def accounts(self, name: str) -> list[Account]:
        """The accounts that BMS finds for a name.

        Whether it looks for equal, beginning or contained names is not published, nor
        whether inactive accounts are among them: the caller compares.
        """
        path = "/v2/crm/accounts/summary"
        return list(self._complete(path, {"Filter.AccountName": name}, _account, _READS_ACCOUNTS).values())

    def account(self, account_id: int) -> Account | None:
        found = self._one("/v2/crm/accounts/summary/{id}", account_id, _READS_ACCOUNTS)
        return None if found is None else _account(*found)

    def account_locations(self, account_id: int) -> list[BmsLocation]:
        template = "/v2/crm/accounts/{accountId}/locations/lookup"
        read, rows, dummy = self._rows(template.format(accountId=account_id), {}, template, _READS_ACCOUNTS)
        for row in rows:
            _check_account(read, row, account_id, needed=False)
        return [_location(read, row) for row in rows]

    # --------------------------------------------------------------- contacts

    def contacts(self, account_id: int) -> list[BmsContact]:
        """All contacts of an account, active and inactive, or `UnavailableError` when the list stays incomplete.

        Both kinds are asked for by name: what leaving the filter out means is not published.
        """

        found: dict[int, BmsContact] = {}
        for active in (True, False):

            def decode(read: Reader, row: dict, active: bool = active) -> BmsContact:
                _check_account(read, row, account_id, needed=True)
                return _contact(read, row, active)

            params = {"Filter.AccountId": account_id, "Filter.IsActive": "true" if active else "false"}
            found |= self._complete("/v2/crm/contacts/summary", params, decode, _READS_CONTACTS)
        return list(found.values())

    def contact(self, contact_id: int) -> BmsContact:
        found = self._one("/v2/crm/contacts/summary/{id}", contact_id, _READS_CONTACTS)
        if found is None:
            raise NotFoundError(
                f"Kaseya BMS has no contact {contact_id}.", service="bms", hint="It may have been deleted."
            )
        return _contact(*found, active=True)

    def create_contact(self, contact: BmsContact) -> int:
        """Create a contact and return its id; an answer without an id raises `OutcomeUnknownError` or `RejectedError`.

        Job title and activity cannot be given here: `set_contact` sets them.
        """
        if contact.location_id is None:
            raise InputError("A BMS contact needs a location.")
        body = {
            "FirstName": contact.first_name,
            "LastName": contact.last_name,
            "AccountId": contact.account_id,
            "LocationId": contact.location_id,
            "Emails": [
                {"EmailAddress": each.address, "EmailTypeId": each.type_id, "IsDefault": each.default}
                for each in contact.emails
            ],
            "Phones": [
                {"PhoneNumber": each.number, "PhoneTypeId": each.type_id, "IsDefault": each.default}
                for each in contact.phones
            ],
        }
        path = "/v2/crm/contacts/summary"
        answer = self._http.request("POST", path, json=body, template=path, needs=_WRITES_CONTACTS)
        with accepted():
            read, result = _result(answer)
            return read.needed_whole(result, "id")

    def set_contact(self, contact_id: int, values: Mapping[str, object]) -> None:
        """Set single values (`JobTitle`, `IsActive`, `FirstName`, ...); all others stay.

        A PUT would reset what it leaves out, the middle name among it, which no read
        shows. Whether null clears a value is not published.
        """
        answer = self._http.request(
            "PATCH",
            f"/v2/crm/contacts/{contact_id}",
            json=[{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()],
            headers={"Content-Type": "application/json-patch+json"},
            repeatable=True,
            template="/v2/crm/contacts/{id}",
            needs=_WRITES_CONTACTS,
        )
        with accepted():
            _result(answer)

    def patch_emails(self, contact_id: int, operations: Sequence[EntryChange]) -> None:
        """Change e-mail addresses; `NotFoundError` where this release of BMS cannot do it yet."""
        self._patch_entries(contact_id, "emails", "EmailAddress", operations)

    def patch_phones(self, contact_id: int, operations: Sequence[EntryChange]) -> None:
        """Change phone numbers; `NotFoundError` where this release of BMS cannot do it yet."""
        self._patch_entries(contact_id, "phones", "PhoneNumber", operations)

    def _patch_entries(self, contact_id: int, kind: str, field: str, operations: Sequence[EntryChange]) -> None:
        # The numbers have no published names: they are taken to be in the order of the
        # answer's counters. So is the field of an added value. The counters tell.
        numbers = {"add": 0, "update": 1, "delete": 2}
        body = []
        for each in operations:
            entry = {"Operation": numbers[each.operation], field: each.value, f"New{field}": each.new_value}
            entry |= {"TypeId": each.type_id, "IsDefault": each.default}
            body.append({key: value for key, value in entry.items() if value is not None})
        template = f"/v2/crm/contacts/{{contactId}}/{kind}"
        path = template.format(contactId=contact_id)
        try:
            answer = self._http.request("PATCH", path, json=body, template=template, needs=_WRITES_CONTACTS)
        except NotFoundError as error:
            error.hint = f"The contact may have been deleted, or this release of BMS cannot change {kind} yet."
            raise
        with accepted():
            read, result = _result(answer)
            for counter, operation in (("added", "add"), ("updated", "update"), ("deleted", "delete")):
                asked = sum(each.operation == operation for each in operations)
                done = read.needed_whole(result, counter)
                if done != asked:
                    raise read.error(f"{done} {kind} were {counter} where {asked} were asked for")

    # ------------------------------------------------------------------ types

    def email_types(self, known: Iterable[BmsContact] = ()) -> list[BmsType]:
        """The e-mail types, by look-up or else as contacts use them: the `known` ones, or the first of any account."""
        return self._types("EmailType", known, lambda contact: contact.emails)

    def phone_types(self, known: Iterable[BmsContact] = ()) -> list[BmsType]:
        """The phone types, found as the e-mail types are."""
        return self._types("PhoneType", known, lambda contact: contact.phones)

    def _types(
        self, table: str, known: Iterable[BmsContact], entries: Callable[[BmsContact], Iterable[BmsEmail | BmsPhone]]
    ) -> list[BmsType]:
        # Neither the names of these tables nor which look-up serves them is published.
        for lookup in ("lookup", "tenantlookup"):
            types = self._lookup(lookup, table)
            if types:
                return types
        return _types_in_use(known, entries) or _types_in_use(self._some_contacts(), entries)

    def _lookup(self, lookup: str, table: str) -> list[BmsType]:
        try:
            template = f"/v2/system/{lookup}/{{tableName}}"
            read, rows, dummy = self._rows(template.format(tableName=table), {}, template, None)
        except (NotFoundError, RejectedError, PermissionDeniedError):
            return []
        named = (row for row in rows if read.text(row, "name") and read.flag(row, "isActive", True))
        return [BmsType(read.needed_whole(row, "id"), read.needed_text(row, "name")) for row in named]

    def _some_contacts(self) -> list[BmsContact]:
        path = "/v2/crm/contacts/summary"
        read, rows, dummy = self._rows(path, {"PageSize": _PAGE, "PageNumber": 1}, path, _READS_CONTACTS)
        return [_contact(read, row, active=True) for row in rows]

    # ------------------------------------------------------------------ reads

    def _one(self, template: str, ident: int, needs: str) -> tuple[Reader, dict] | None:
        """One object, in an envelope or bare: the description says bare, a client in use reads an envelope."""
        try:
            answer = self._http.request("GET", template.format(id=ident), template=template, needs=needs)
        except NotFoundError:
            return None
        read, whole = _body(answer)
        row = whole.get("result") if "result" in whole or "success" in whole else whole
        if row is None:
            return None
        row = read.mapping(row, "result")
        if read.needed_whole(row, "id") != ident:
            raise read.error(f"it is about another object than {ident}")
        return read, row

    def _rows(
        self, path: str, params: Mapping[str, object], template: str, needs: str | None
    ) -> tuple[Reader, list[dict], int | None]:
        answer = self._http.request("GET", path, params=params, template=template, needs=needs)
        read, whole = _body(answer)
        if "result" not in whole:
            raise read.error("it has no 'result'")
        return read, read.rows(whole["result"], "result"), read.whole(whole, "totalRecords")

    def _complete(
        self, path: str, params: Mapping[str, object], decode: Callable[[Reader, dict], T], needs: str
    ) -> dict[int, T]:
        """Every row of a paged list by its id, or `UnavailableError`.

        Their order is not published, and pages are no snapshot: the rows are held
        against the count that comes with them, and the list is read once more when
        that does not fit or changes on the way.
        """
        for dummy in range(2):
            found, totals = self._walk(path, params, decode, needs)
            if len(totals) == 1 and all(total is None or len(found) >= total for total in totals):
                return found
        raise UnavailableError(
            f"Kaseya BMS's list {path} is incomplete: it shows other rows than it counts.",
            service="bms",
            request=f"GET {path}",
            hint="Try again later.",
        )

    def _walk(
        self, path: str, params: Mapping[str, object], decode: Callable[[Reader, dict], T], needs: str
    ) -> tuple[dict[int, T], set[int | None]]:
        found: dict[int, T] = {}
        totals: set[int | None] = set()
        number = 0
        while True:
            number += 1
            query = {**params, "PageSize": _PAGE, "PageNumber": number}
            read, rows, total = self._rows(path, query, path, needs)
            totals.add(total)
            known = len(found)
            found |= {read.needed_whole(row, "id"): decode(read, row) for row in rows}
            # A short page is no end: the largest page size is not published, and may be less than was asked for.
            if len(found) == known or (total is not None and len(found) >= total):
                return found, totals


# -------------------------------------------------------------------- decoding


def _body(answer: Response) -> tuple[Reader, dict]:
    """The body of an answer in camelCase, and what reads it."""
    read = Reader("bms", answer.request)
    return read, _camel_case(read.mapping(answer.json(), "the answer"))


def _result(answer: Response) -> tuple[Reader, dict]:
    """The one result of a call that says success."""
    read, whole = _body(answer)
    if whole.get("success") is not True:
        raise read.error("it does not say success")
    return read, read.part(whole, "result")


def _camel_case(value: T) -> T:
    return _folded(value) if _in_pascal_case(value) else value


def _in_pascal_case(value: object) -> bool:
    """Judged by the outermost keys and those of the first row: one serializer writes them all."""
    if value.__class__ is list:
        return bool(value) and _in_pascal_case(value[0])
    if value.__class__ is not dict:
        return False
    return any(key[:1].isupper() for key in value) or any(_in_pascal_case(inner) for inner in value.values())


def _folded(value: object) -> object:
    if value.__class__ is list:
        return [_folded(inner) for inner in value]
    if value.__class__ is dict:
        return {key[:1].lower() + key[1:]: _folded(inner) for key, inner in value.items()}
    return value


def _account(read: Reader, row: dict) -> Account:
    return Account(read.needed_whole(row, "id"), read.text(row, "accountName") or "", read.flag(row, "isActive", True))


def _location(read: Reader, row: dict) -> BmsLocation:
    return BmsLocation(read.needed_whole(row, "id"), read.text(row, "name"), read.flag(row, "isMain"))


def _contact(read: Reader, row: dict, active: bool) -> BmsContact:
    return BmsContact(
        id=read.needed_whole(row, "id"),
        account_id=read.needed_whole(row, "accountId"),
        location_id=read.whole(row, "locationId"),
        first_name=read.text(row, "firstName"),
        last_name=read.text(row, "lastName"),
        job_title=read.text(row, "jobTitle"),
        active=read.flag(row, "isActive", active),
        emails=tuple(
            BmsEmail(address, read.whole(entry, "emailTypeId") or 0, read.text(entry, "emailType"), default)
            for entry, address, default in _entries(read, row, "emails", "emailAddress")
        ),
        phones=tuple(
            BmsPhone(number, read.whole(entry, "phoneTypeId") or 0, read.text(entry, "phoneType"), default)
            for entry, number, default in _entries(read, row, "phones", "phone")
        ),
    )


def _entries(read: Reader, row: dict, kind: str, field: str) -> Iterator[tuple[dict, str, bool]]:
    for entry in read.rows(row.get(kind), kind):
        value = read.label(entry, field)
        if value:
            yield entry, value, read.flag(entry, "isDefault")


def _check_account(read: Reader, row: dict, account_id: int, *, needed: bool) -> None:
    """Refuse rows of other accounts: how BMS treats a filter that it does not understand is not published."""
    owner = read.whole(row, "accountId")
    if owner != account_id and (needed or owner is not None):
        raise read.error(f"it shows account {owner}, though account {account_id} was asked for")


def _types_in_use(
    contacts: Iterable[BmsContact], entries: Callable[[BmsContact], Iterable[BmsEmail | BmsPhone]]
) -> list[BmsType]:
    used = chain.from_iterable(entries(contact) for contact in contacts)
    names = {entry.type_id: entry.type_name for entry in used if entry.type_name}
    return [BmsType(ident, name) for ident, name in sorted(names.items())]


# ----------------------------------------------------------------------- login


class _Login:
    """The bearer token: obtained with the first call, renewed before it expires or when it is refused.

    Processes that share their tokens take their turns: the first obtains them, the others find them. So it is
    with a refusal, since many tasks with a wrong password would lock the user out.
    """

    session: HttpSession

    def __init__(
        self,
        fields: Mapping[str, str],
        mfa_key: bytes | None,
        shared: SharedTokens | None,
        on_secret: Callable[[str], None],
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._fields = fields
        self._mfa_key = mfa_key
        self._shared = shared
        self._on_secret = on_secret
        self._clock = clock
        self._now = now
        self._lock = Lock()
        self._access: str | None = None
        self._refresh: str | None = None
        self._due: float | None = None
        self._refused: str | None = None
        self._refusal: AuthenticationError | None = None

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self._access is None or self._is_due():
                self._obtain()
            return {"Authorization": f"Bearer {self._access}"}

    def refused(self, headers: Mapping[str, str]) -> None:
        with self._lock:
            if headers["Authorization"] == f"Bearer {self._access}":
                self._refused, self._access = self._access, None

    def _is_due(self) -> bool:
        return self._due is not None and self._clock() >= self._due

    def _obtain(self) -> None:
        if self._shared is None:
            self._renew()
            return
        with self._shared.turn():
            self._take_over(self._shared.read())
            if self._access is None or self._is_due():
                self._renew()

    def _take_over(self, stored: Mapping) -> None:
        """Use what another process obtained, unless it was refused here."""
        if "refusal" in stored:
            self._refusal = _login_refused(**stored["refusal"])
            raise self._refusal
        if stored and stored["access"] != self._refused:
            self._keep(stored["access"], stored["refresh"], stored["due"] - self._now())

    def _keep(self, access: str, refresh: str | None, good_for: float | None) -> None:
        for secret in (access, refresh):
            if secret:
                self.session.add_secret(secret)
                self._on_secret(secret)
        self._access, self._refresh = access, refresh
        self._due = None if good_for is None else self._clock() + good_for

    def _renew(self) -> None:
        if self._access is not None and self._refresh is not None:
            # A refresh token is taken to be good for one use: never sent twice.
            form = {"AccessToken": self._access, "RefreshToken": self._refresh}
            try:
                return self._take(self._post("refreshtoken", form, writes=True))
            except ApiError:
                pass
        return self._log_in()

    def _log_in(self) -> None:
        form = dict(self._fields)
        if self._mfa_key is not None:
            form["MFACode"] = totp(self._mfa_key, self._now())
        try:
            answer = self._post("authenticate", form, writes=False)
        except (RejectedError, PermissionDeniedError, AuthenticationError) as error:
            refusal = {"message": error.message, "request": error.request, "status": error.status, "said": error.said}
            if self._shared is not None:
                self._shared.write({"refusal": refusal, "until": self._now() + _REFUSAL_LASTS})
            self._refusal = _login_refused(**refusal)
            raise self._refusal from error
        except NotFoundError as error:
            raise AuthenticationError(
                error.message,
                service="bms",
                request=error.request,
                status=error.status,
                said=error.said,
                hint="Check bms_url: it is the host of the API (https://api.bms.kaseya.com), not that of the site.",
            ) from error
        self._take(answer)

    def _post(self, name: str, form: Mapping[str, str], *, writes: bool) -> Response:
        path = f"/v2/security/{name}"
        return self.session.request("POST", path, form=form, template=path, writes=writes, authorized=False)

    def _take(self, answer: Response) -> None:
        read, whole = _body(answer)
        result = read.part(whole, "result")
        access, refresh = read.needed_text(result, "accessToken"), read.text(result, "refreshToken")
        lifetime = _lifetime(read.text(result, "accessTokenExpireOn"), answer.headers.get("Date"), self._now())
        good_for = None if lifetime is None else lifetime - min(60.0, lifetime / 5)
        self._keep(access, refresh, good_for)
        if self._shared is not None:
            now, until = self._now(), lifetime or _UNKNOWN_LIFETIME
            due = now + (until if good_for is None else good_for)
            self._shared.write({"access": access, "refresh": refresh, "due": due, "until": now + until})


def _login_refused(message: str, **details) -> AuthenticationError:
    return AuthenticationError(
        message,
        service="bms",
        hint="Check bms_company (the company name under My Settings in BMS), bms_username and bms_password,"
        " bms_mfa_secret where the user has one, and that the user's role has API access.",
        **details,
    )


def _lifetime(expires: str | None, date: str | None, now: float) -> float | None:
    """Seconds until a token expires, by the service's own clock; None where a refusal has to tell.

    Whether the stamp has a zone is not published. Without one it is taken for UTC;
    what then makes no sense (past, or longer than a day) was local time or a wrong clock.
    """
    try:
        moment = datetime.fromisoformat(expires or "")
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        sent = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        sent = now
    lifetime = moment.timestamp() - sent
    return lifetime if 0 < lifetime <= 86_400 else None


# ---------------------------------------------------------------------- errors


class _BmsErrors(ErrorMapping):
    """Failures come as a status, or as HTTP 200 with `success: false`; which is which is not published."""

    hints: Mapping[type[ApiError], str] = {
        AuthenticationError: "The login is no longer good: check bms_username and bms_password.",
    }

    def status(self, answer: Response) -> int:
        body = answer.peek()
        if body.__class__ is not dict or _get(body, "success") is not False:
            return answer.status
        if str(_get(_get(body, "error"), "code")) == str(_SECURITY_ERROR):
            return 401
        if answer.status >= 300:
            return answer.status
        # How an id that is not there is answered is not published; what has other words stays a refusal in its own.
        absent = answer.request.startswith("GET ") and _ABSENT.search(self.said(body))
        return 404 if absent else 422

    def said(self, body: object) -> str:
        error = _get(body, "error")
        if error.__class__ is not dict:
            # Not BMS's own form: ASP.NET's, or a gateway's.
            words: list[object] = [
                error,
                _get(body, "message"),
                _get(body, "title"),
                *_field_messages(_get(body, "errors")),
            ]
        else:
            subs = _get(error, "subErrors")
            words = [_get(error, "message"), _get(error, "details"), *(subs if subs.__class__ is list else ())]
        shown: list[str] = []
        for each in (each.strip(" .") for each in words if each.__class__ is str):
            if not any(each in other for other in shown):
                shown.append(each)
        return "; ".join(shown)

    def kind(self, status: int, answer: Response) -> type[ApiError]:
        # A release of BMS without an endpoint may know its path for another method.
        return NotFoundError if status == 405 else super().kind(status, answer)


def _get(body: object, key: str) -> object:
    """A value under either spelling of its key; None where there is none."""
    if body.__class__ is not dict:
        return None
    value = body.get(key)
    return body.get(key[:1].upper() + key[1:]) if value is None else value


def _field_messages(errors: object) -> Iterator[object]:
    if errors.__class__ is dict:
        for messages in errors.values():
            yield from messages if messages.__class__ is list else ()

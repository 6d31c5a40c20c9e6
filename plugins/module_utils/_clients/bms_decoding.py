# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kaseya BMS sends -> the values of the model, and contacts back to the wire.

The service's OpenAPI description spells names in PascalCase, the service answers in
camelCase and takes either; both are read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from .._engine.model import Account, BmsContact, BmsEmail, BmsId, BmsLocation, BmsPhone, BmsType, EntryChange
from .decoding import Reader, Row
from .response import Response


def body(answer: Response) -> tuple[Reader, Row]:
    """The body of an answer in camelCase, and what reads it."""
    read = Reader("bms", answer.request)
    whole = read.mapping(answer.json(), "the answer")
    return read, read.mapping(_camel_case(whole), "the answer") if _in_pascal_case(whole) else whole


def result(answer: Response) -> tuple[Reader, Row]:
    """The one result of a call that says success."""
    read, whole = body(answer)
    if whole.get("success") is not True:
        raise read.error("it does not say success")
    return read, read.part(whole, "result")


def _in_pascal_case(value: object) -> bool:
    """Judged by the outermost keys and those of the first row: one serializer writes them all."""
    if isinstance(value, list):
        return bool(value) and _in_pascal_case(value[0])
    if not isinstance(value, dict):
        return False
    return any(key[:1].isupper() for key in value) or any(_in_pascal_case(inner) for inner in value.values())


def _camel_case(value: object) -> object:
    if isinstance(value, list):
        return [_camel_case(inner) for inner in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel_case(inner) for key, inner in value.items()}
    return value


def account(read: Reader, row: Row) -> Account:
    return Account(ident(read, row, "id"), read.text(row, "accountName") or "", read.flag(row, "isActive", True))


def location(read: Reader, row: Row) -> BmsLocation:
    return BmsLocation(ident(read, row, "id"), read.text(row, "name"), read.flag(row, "isMain"))


def contact(read: Reader, row: Row, active: bool) -> BmsContact:
    """A contact; `active` is what it is where the row does not say."""
    location_id = read.whole(row, "locationId")
    return BmsContact(
        id=ident(read, row, "id"),
        account_id=ident(read, row, "accountId"),
        location_id=None if location_id is None else BmsId(location_id),
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


def _entries(read: Reader, row: Row, kind: str, field: str) -> Iterator[tuple[Row, str, bool]]:
    for entry in read.rows(row.get(kind), kind):
        value = read.label(entry, field)
        if value:
            yield entry, value, read.flag(entry, "isDefault")


def ident(read: Reader, row: Row, key: str) -> BmsId:
    return BmsId(read.needed_whole(row, key))


def check_account(read: Reader, row: Row, account_id: int, *, needed: bool) -> None:
    """Refuse rows of other accounts: how BMS treats a filter that it does not understand is not published."""
    owner = read.whole(row, "accountId")
    if owner != account_id and (needed or owner is not None):
        raise read.error(f"it shows account {owner}, though account {account_id} was asked for")


def types_in_use(entries: Iterable[Sequence[BmsEmail | BmsPhone]]) -> list[BmsType]:
    """The types that entries of contacts name, by id."""
    used = chain.from_iterable(entries)
    names = {entry.type_id: entry.type_name for entry in used if entry.type_name}
    return [BmsType(type_id, name) for type_id, name in sorted(names.items())]


# -------------------------------------------------------------------- encoding


def new_contact(contact: BmsContact) -> Row:
    """The body that creates a contact."""
    return {
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "AccountId": contact.account_id,
        "LocationId": contact.location_id,
        "Emails": [
            {"EmailAddress": email.address, "EmailTypeId": email.type_id, "IsDefault": email.default}
            for email in contact.emails
        ],
        "Phones": [
            {"PhoneNumber": phone.number, "PhoneTypeId": phone.type_id, "IsDefault": phone.default}
            for phone in contact.phones
        ],
    }


# The numbers have no published names: they are taken to be in the order of the
# answer's counters. So is the field of an added value. The counters tell.
_OPERATIONS = {"add": 0, "update": 1, "delete": 2}
_COUNTERS = {"add": "added", "update": "updated", "delete": "deleted"}


def entry_changes(field: str, changes: Sequence[EntryChange]) -> list[Row]:
    """The body that changes entries whose value stands in `field`."""
    rows: list[Row] = []
    for change in changes:
        row: Row = {"Operation": _OPERATIONS[change.operation], field: change.value, f"New{field}": change.new_value}
        row |= {"TypeId": change.type_id, "IsDefault": change.default}
        rows.append({key: value for key, value in row.items() if value is not None})
    return rows


def check_counters(read: Reader, counted: Row, kind: str, changes: Sequence[EntryChange]) -> None:
    """Refuse an answer that counts other changes than were asked for."""
    for operation, counter in _COUNTERS.items():
        asked = sum(change.operation == operation for change in changes)
        done = read.needed_whole(counted, counter)
        if done != asked:
            raise read.error(f"{done} {kind} were {counter} where {asked} were asked for")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pairing of the played BMS with IT Glue: what IT Glue pushes into it, and what BMS says of the pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bms_contacts import EMAILS, PHONES
from .bms_wire import Json

if TYPE_CHECKING:
    from .bms import Bms


class Pairing:
    def __init__(self, bms: Bms) -> None:
        self.bms = bms

    def match(self, account_id: int, first: str | None, last: str | None) -> int | None:
        """Whom IT Glue takes for the same: same account, same first and last name, exactly."""
        row = self.bms.contacts.named(account_id, first, last)
        return row and row["id"]

    def take_pushed(self, account_id: int, contact: Json) -> int | None:
        """Make a contact that IT Glue pushes; None where BMS has no account, location or e-mail type for it."""
        account = self.bms.accounts.get(account_id)
        place = _place(account, contact["locationName"]) if account else None
        values = self._values(contact)
        if place is None or not values["emails"]:
            return None
        return self.bms.contacts.new({"accountId": account_id, "locationId": place["id"], **values})["id"]

    def take_edited(self, ident: int, contact: Json) -> None:
        """Follow an edit in IT Glue of a linked contact."""
        row = self.bms.contacts.rows.get(ident)
        if row is None:
            return
        values = self._values(contact)
        place = _place(self.bms.accounts[row["accountId"]], contact["locationName"])
        if place is not None:
            values["locationId"] = place["id"]
        self.bms.contacts.change(row, values)

    def pair(self, kind: str, ident: int) -> Json | None:
        """`ITGLookupOutputDto`: the IT Glue record that a BMS record is linked with."""
        glue = self.bms.sandbox.services.get("itglue")
        row = glue.linked(kind, ident) if glue else None
        if row is None:
            return None
        name = row.get("name") or " ".join(row[key] for key in ("first-name", "last-name") if row.get(key))
        return {"id": row["id"], "name": name}

    def _values(self, contact: Json) -> Json:
        values = {name: contact[name] for name in ("firstName", "lastName", "jobTitle", "poc")}
        for kind in (EMAILS, PHONES):
            known = self.bms.type_names[kind.types]
            chosen = contact[kind.type_id]
            type_id = chosen if chosen in known else next(iter(known), None)
            entries = contact[kind.key] if type_id is not None else []
            values[kind.key] = [
                {kind.value: value, kind.type_id: type_id, "isDefault": primary} for value, primary in entries
            ]
        return values


def _place(account: Json, name: str | None) -> Json | None:
    """The location of that name, else the main one, else any."""
    places = account["locations"]
    for fits in (lambda place: place["locationName"] == name, lambda place: place["isMain"], lambda place: True):
        found = next(filter(fits, places), None)
        if found:
            return found
    return None

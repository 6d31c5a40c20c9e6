# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's own two-way sync with BMS: what it pushes, and how a link comes to be.

The vendor's help pages ("Enabling two-way sync", "Syncing contacts with BMS", "Kaseya BMS field mapping") state when a
contact is pushed and how it is matched. The pull, in which the PSA wins, is not played: contacts change in IT Glue by
its API alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .bms_pairing import Pairing
from .itglue_tables import Table, plays
from .itglue_wire import Json

if TYPE_CHECKING:
    from .itglue import ItGlue

ADAPTER_NAME = "Kaseya BMS"


@dataclass
class Pending:
    """A contact that BMS has already; its link shows from the given request and time on."""

    contact: Json
    remote_id: int
    request: int
    time: float


class NativePush:
    def __init__(self, glue: ItGlue) -> None:
        self.glue = glue
        self._requests = 0
        self._pending: dict[int, Pending] = {}
        # Links by table and BMS id, made when BMS first asks.
        self._links: dict[int, tuple[int, dict[str, Json]]] = {}

    def tick(self) -> None:
        """A request came in: show the links that are due."""
        self._requests += 1
        self._apply_due()

    def after_write(self, row: Json, *, changed: bool) -> None:
        behaviour = self.glue.sandbox.behaviour
        remote_id = _bms_link(row)
        if remote_id is not None:
            if changed and behaviour["two_way_unlocks"] and row["psa-integration"] == "enabled":
                self._bms.take_edited(remote_id, self._mapped(row))
        elif behaviour["native_push"] and (changed or behaviour["native_push_noop"]):
            self._push(row)

    def linked(self, table: Table, remote_id: str) -> Json | None:
        revision, links = self._links.get(id(table), (-1, {}))
        if revision != table.revision:
            links = {
                str(adapter["remote-id"]): row
                for row in table.rows.values()
                for adapter in row["adapters"]
                if _is_bms(adapter) and not adapter["orphaned"]
            }
            self._links[id(table)] = table.revision, links
        return links.get(remote_id)

    # ----------------------------------------------------------------- push

    def _push(self, row: Json) -> None:
        account = self._account(row)
        if row["id"] in self._pending or row["psa-integration"] or account is None or not _ready(row):
            return
        remote_id = self._bms.match(account, row["first-name"], row["last-name"])
        if remote_id is None:
            remote_id = self._bms.take_pushed(account, self._mapped(row))
        if remote_id is not None:
            behaviour = self.glue.sandbox.behaviour
            delay = behaviour["native_push_delay"]
            # The requests of the delay do not show the link yet; the one after them does.
            request = self._requests + delay + 1 if delay else self._requests
            time = self.glue.sandbox.clock() + behaviour["native_push_delay_seconds"]
            self._pending[row["id"]] = Pending(row, remote_id, request, time)
            self._apply_due()

    @property
    def _bms(self) -> Pairing:
        bms: Any = self.glue.sandbox.services["bms"]
        return bms.pairing

    def _apply_due(self) -> None:
        clock = self.glue.sandbox.clock()
        for ident, push in list(self._pending.items()):
            if self._requests >= push.request and push.time <= clock:
                del self._pending[ident]
                if ident in self.glue.contacts.rows:
                    self._link(push)

    def _link(self, push: Pending) -> None:
        adapter = {
            "adapter-type-name": ADAPTER_NAME,
            "remote-id": str(push.remote_id),
            "sync": True,
            "orphaned": False,
        }
        adapters = [*push.contact["adapters"], adapter]
        self.glue.contacts.update(push.contact, {"psa-integration": "enabled", "adapters": adapters})

    def _account(self, row: Json) -> int | None:
        """The BMS account of the contact's organization, when that syncs."""
        organization = self.glue.organizations.rows[row["organization-id"]]
        for adapter in organization["adapters"]:
            remote_id = str(adapter["remote-id"])
            if _is_bms(adapter) and adapter["sync"] and not adapter["orphaned"] and remote_id.isdigit():
                return int(remote_id)
        return None

    def _mapped(self, row: Json) -> Json:
        """The contact in BMS's words, for the field mapping that the vendor publishes."""
        location = self.glue.locations.rows.get(row["location-id"])
        behaviour = self.glue.sandbox.behaviour
        return {
            "firstName": row["first-name"],
            "lastName": row["last-name"],
            "jobTitle": row["title"],
            "poc": bool(row["important"]),
            "locationName": location and location["name"],
            "emails": [(entry["value"], entry["primary"]) for entry in row["contact-emails"]],
            "phones": [(entry["value"], entry["primary"]) for entry in row["contact-phones"]],
            "emailTypeId": behaviour["native_email_type"],
            "phoneTypeId": behaviour["native_phone_type"],
        }


def _is_bms(adapter: Json) -> bool:
    """Whether an adapter is BMS's, be it under its former name, Vorex."""
    return plays(adapter, "kaseya-bms") or plays(adapter, "vorex")


def _bms_link(row: Json) -> int | None:
    """The BMS contact that a contact is linked with, in whatever state the link is."""
    for adapter in row["adapters"]:
        if _is_bms(adapter) and str(adapter["remote-id"]).isdigit():
            return int(adapter["remote-id"])
    return None


def _ready(row: Json) -> bool:
    primary = [any(entry["primary"] for entry in row[name]) for name in ("contact-emails", "contact-phones")]
    return bool((row["first-name"] or "").strip() and all(primary) and row["location-id"] is not None)

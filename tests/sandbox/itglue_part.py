# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of the played IT Glue share: finding, listing and showing records, and reading values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from .itglue_tables import Listing, Table
from .itglue_wire import (
    Call,
    Json,
    answer,
    envelope,
    invalid,
    not_found,
    refusal,
    rejected,
    truthy,
    unauthorized,
    unique,
)

if TYPE_CHECKING:
    from .itglue import ItGlue

Handler = Callable[[Call], Response]
#: A record as JSON:API object, with what is included for it.
Resource = tuple[Json, list[Json]]

#: When records of a world were made that do not say it.
LONG_AGO = "2020-01-01T00:00:00.000Z"
SYNCED = "Cannot update a synced resource"


class Part:
    """Some of IT Glue's resources."""

    def __init__(self, glue: ItGlue) -> None:
        self.glue = glue

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        """Method, path, handler."""
        raise NotImplementedError

    def switch(self, name: str) -> Any:
        return self.glue.sandbox.behaviour[name]

    def now(self) -> str:
        return self.glue.sandbox.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def find(self, table: Table, ident: int) -> Json:
        """A record by its id. Raises `Refusal`: 401 for another account's, 404 (or 401) for one that is not."""
        if ident in self.switch("itglue_foreign_ids"):
            raise unauthorized()
        row = table.rows.get(ident)
        if row is None:
            raise not_found() if self.switch("itglue_missing_id") == 404 else unauthorized()
        return row

    def organization(self, call: Call) -> int | None:
        """The organization of a nested route, None on another. Raises `Refusal` when there is none."""
        ident = call.ids.get("organization_id")
        return None if ident is None else self.find(self.glue.organizations, ident)["id"]

    def within(self, call: Call, table: Table) -> Json:
        """The record that a single route means; on a nested route it must belong to the organization."""
        organization = self.organization(call)
        row = self.find(table, call.ids["id"])
        if organization is not None and organization != row["organization-id"]:
            raise not_found()
        return row

    def page(self, call: Call, rows: list[Json], show: Callable[[Json, frozenset[str]], Resource]) -> Response:
        """One page of a list. A big page may be played as one that takes too long."""
        limit = self.switch("itglue_timeout_above")
        if limit and call.size > limit:
            detail = "The request took too long to process and timed out."
            raise refusal(int(self.switch("itglue_timeout_status")), detail=detail)
        start = (call.number - 1) * call.size
        shown = [show(row, call.include) for row in rows[start : start + call.size]]
        data = [item for item, included in shown]
        included = unique(other for item, others in shown for other in others)
        found = included if included or (call.include and self.switch("itglue_empty_included")) else None
        return answer(envelope(call, data, found, len(rows), self.switch("itglue_last_link")))

    def list_of(
        self, call: Call, listing: Listing, show: Callable[[Json, frozenset[str]], Resource], *sensitive_to: Any
    ) -> Response:
        """The answer to a list, over all organizations or, on a nested route, of one."""
        return self.page(call, listing.rows(call, self.organization(call), sensitive_to=sensitive_to), show)


def text(value: Any, attribute: str) -> str | None:
    """A string attribute; the empty string is null."""
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list, bool)):
        raise rejected([invalid(attribute, "is invalid")])
    return str(value)


def flag(value: Any, attribute: str) -> bool | None:
    if value is None:
        return None
    result = truthy(value)
    if result is None:
        raise rejected([invalid(attribute, "is invalid")])
    return result


def reference(value: Any, table: Table, attribute: str) -> int | None:
    """A foreign key; what it points to must exist."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not str(value).isdigit() or int(value) not in table.rows:
        raise rejected([invalid(attribute, "must exist")])
    return int(value)


def adapter_resources(kind: int, row: Json) -> list[Json]:
    """The `adapters-resources` of a record, each under an id of its own. The name of the type is an assumption."""
    return [
        {
            "id": str((row["id"] * 16 + place) * 4 + kind),
            "type": "adapters-resources",
            "attributes": {
                "adapter-type-name": adapter["adapter-type-name"],
                "remote-id": None if adapter["remote-id"] is None else str(adapter["remote-id"]),
                "sync": adapter["sync"],
                "orphaned": adapter["orphaned"],
            },
        }
        for place, adapter in enumerate(row["adapters"])
    ]


def pointers(resources: list[Json]) -> Json:
    return {"data": [{"id": item["id"], "type": item["type"]} for item in resources]}

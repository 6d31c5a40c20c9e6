# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests that IT Glue answers alike for most of its resources: to show, make, change and remove records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from .itglue_part import Part, Resource
from .itglue_tables import Listing, Table
from .itglue_wire import Call, Json, Refusal, answer, invalid, objects, refusal, rejected, unique

#: Does what has been checked; returns the row.
Write = Callable[[], Json]


def one(resource: Resource, status: int = 200) -> Response:
    data, included = resource
    return answer({"data": data, "included": included} if included else {"data": data}, status)


def many(resources: list[Resource], status: int = 200) -> Response:
    included = unique(other for item, others in resources for other in others)
    data = [item for item, others in resources]
    return answer({"data": data, "included": included} if included else {"data": data}, status)


def bulk_id(item: Json) -> int:
    """The `id` among the attributes that names an object of a bulk request; numbers and their spelling both do."""
    ident = item.get("id")
    if isinstance(ident, bool) or not str(ident).isdigit():
        raise refusal(422, title="Valid id is required", pointer="data/attributes/id")
    return int(ident)


def check_psa_filter(call: Call) -> None:
    """`psa_id` is documented to need its type beside it; the code of the error is an assumption."""
    if "psa_id" in call.filters and "psa_integration_type" not in call.filters:
        detail = "filter[psa_id] must be accompanied by filter[psa_integration_type]"
        raise refusal(422, detail=detail, pointer="filter")


def _never(row: Json) -> None:
    raise NotImplementedError(f"IT Glue has no request that removes {row}")


@dataclass(frozen=True, kw_only=True)
class Records:
    """One kind of records.

    `creator` (of the organization of a nested route, if any, and the object) and `writer` (of the row and the
    object) check what is asked for, raising `Refusal`, and return what does it.
    """

    part: Part
    #: The type in JSON:API's sense.
    kind: str
    listing: Listing
    resource: Callable[[Json, frozenset[str]], Resource]
    creator: Callable[[int | None, Json], Write]
    writer: Callable[[Json, Json], Write]
    remove: Callable[[Json], object] = _never
    #: All of these have to be given where a filter chooses what is removed; none given: any of the list's.
    deletion_filters: frozenset[str] = frozenset()

    @property
    def table(self) -> Table:
        return self.listing.table

    def list(self, call: Call) -> Response:
        if self.listing.psa:
            check_psa_filter(call)
        return self.part.list_of(call, self.listing, self.resource)

    def show(self, call: Call) -> Response:
        return one(self.resource(self.part.within(call, self.table), call.include))

    def create(self, call: Call) -> Response:
        """One, or on the nested route one or many."""
        organization = self.part.organization(call)
        items = objects(call, self.kind, many=False if organization is None else None)
        resources = self._resources(call, self._all(items, partial(self.creator, organization)))
        return many(resources, 201) if isinstance(call.data, list) else one(resources[0], 201)

    def update(self, call: Call) -> Response:
        (item,) = objects(call, self.kind, many=False)
        row = self.writer(self.part.within(call, self.table), item)()
        return one(self.resource(row, call.include))

    def update_many(self, call: Call) -> Response:
        items = objects(call, self.kind, many=True)
        rows = self._all(items, lambda item: self.writer(self.part.find(self.table, bulk_id(item)), item))
        return many(self._resources(call, rows))

    def delete_many(self, call: Call) -> Response:
        rows = self._to_remove(call)
        resources = self._resources(call, rows)
        for row in rows:
            self.remove(row)
        return many(resources)

    def _resources(self, call: Call, rows: list[Json]) -> list[Resource]:
        return [self.resource(row, call.include) for row in rows]

    def _all(self, items: list[Json], check: Callable[[Json], Write]) -> list[Json]:
        """Check and write the objects of a bulk request; the rows written.

        Whether IT Glue takes the good ones when one is bad is not known: the switch `itglue_bulk_atomic`.
        """
        atomic = self.part.switch("itglue_bulk_atomic")
        steps, errors, rows = [], [], []
        for item in items:
            try:
                step = check(item)
                steps.append(step) if atomic else rows.append(step())
            except Refusal as bad:
                if bad.status != 422:
                    raise
                errors += bad.errors
        if errors:
            raise rejected(errors)
        return rows + [step() for step in steps]

    def _to_remove(self, call: Call) -> list[Json]:
        """The rows that a bulk DELETE means: by their ids, or else by a filter. Neither never means all."""
        organization = self.part.organization(call)
        if not call.has_body:
            return [row for row in self._filtered(call) if organization in (None, row["organization-id"])]
        if call.filters:
            raise refusal(422, detail="Specify objects or filters, not both", pointer="data")
        idents = [bulk_id(item) for item in objects(call, self.kind, many=True)]
        rows = [self.part.find(self.table, ident) for ident in dict.fromkeys(idents)]
        if any(organization not in (None, row["organization-id"]) for row in rows):
            raise rejected([invalid("id", "must exist")])
        return rows

    def _filtered(self, call: Call) -> list[Json]:
        known = self.deletion_filters or {*self.listing.filters, "psa_integration_type"}
        given = known & set(call.filters)
        if not given:
            raise refusal(400, detail="param is missing or the value is empty: data")
        if not self.deletion_filters <= given:
            raise refusal(422, detail=f"{' and '.join(sorted(known))} are required", pointer="filter")
        if self.listing.psa:
            check_psa_filter(call)
        return self.listing.rows(call)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's records in memory: tables with indexes, filters and sort orders over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .itglue_wire import Call, Json

Getter = Callable[[Json], Any]

#: The six values of `filter[psa_integration_type]`, and what the name of an adapter then contains.
#: The name of ConnectWise's adapter and the ways of matching are assumptions.
PSA_TYPES = {
    "manage": ("manage", "connectwise"),
    "autotask": ("autotask",),
    "tigerpaw": ("tigerpaw",),
    "kaseya-bms": ("bms",),
    "pulseway-psa": ("pulseway",),
    "vorex": ("vorex",),
}


class Table:
    """Records of one kind by id, and by a foreign key. New ids go on from the highest and are never used twice."""

    def __init__(self, rows: Iterable[Json], group: str | None = None) -> None:
        self.rows: dict[int, Json] = {}
        self.group = group
        self.groups: dict[int, dict[int, Json]] = {}
        #: Grows with each change: what was read from the table is stale when it has moved on.
        self.revision = 0
        self._last = 0
        for row in rows:
            self.add(row)

    def new_id(self) -> int:
        self._last += 1
        return self._last

    def add(self, row: Json) -> None:
        self.rows[row["id"]] = row
        self._last = max(self._last, row["id"])
        if self.group:
            self.groups.setdefault(row[self.group], {})[row["id"]] = row
        self.revision += 1

    def remove(self, row: Json) -> None:
        del self.rows[row["id"]]
        if self.group:
            del self.groups[row[self.group]][row["id"]]
        self.revision += 1

    def update(self, row: Json, changes: Json) -> None:
        if self.group and changes.get(self.group, row[self.group]) != row[self.group]:
            del self.groups[row[self.group]][row["id"]]
            self.groups.setdefault(changes[self.group], {})[row["id"]] = row
        row.update(changes)
        self.revision += 1

    def of(self, group: int) -> Iterable[Json]:
        return self.groups.get(group, {}).values()


class Listing:
    """Which rows a list has and in which order, remembered for the pages that follow."""

    def __init__(
        self, table: Table, filters: dict[str, Getter], sorts: dict[str, Getter], *, psa: bool = False
    ) -> None:
        self.table = table
        self.filters = filters
        self.sorts = sorts
        self.psa = psa
        self._known: dict[tuple, list[Json]] = {}
        self._revision = -1

    def rows(self, call: Call, group: int | None = None, *, sensitive_to: tuple = ()) -> list[Json]:
        """The rows of a list in order. `group` is that of a nested route, on which filters are not honoured.

        `sensitive_to` is whatever else decides (a switch).
        """
        key = (call.scope, group, sensitive_to)
        if self._revision != self.table.revision or len(self._known) > 32:
            self._known.clear()
            self._revision = self.table.revision
        if key not in self._known:
            self._known[key] = self._sorted(call, list(self._chosen(call, group)))
        return self._known[key]

    def _chosen(self, call: Call, group: int | None) -> Iterable[Json]:
        if group is not None:
            return self.table.of(group)
        tests = [_test(self.filters[name], values) for name, values in call.filters.items() if name in self.filters]
        tests += [
            _inverse(_test(self.filters[name], values))
            for name, values in call.excludes.items()
            if name in self.filters
        ]
        if self.psa:
            tests += _psa_tests(call)
        rows = self._candidates(call)
        return (row for row in rows if all(test(row) for test in tests)) if tests else rows

    def _candidates(self, call: Call) -> Iterable[Json]:
        """The rows worth a look, by an index where there is one."""
        if "id" in call.filters and "id" in self.filters:
            wanted = sorted({int(value) for value in call.filters["id"] if value.isascii() and value.isdigit()})
            return [self.table.rows[ident] for ident in wanted if ident in self.table.rows]
        index = (self.table.group or "").replace("-", "_")
        if index in call.filters:
            groups = {int(value) for value in call.filters[index] if value.isascii() and value.isdigit()}
            return [row for ident in sorted(groups) for row in self.table.of(ident)]
        return self.table.rows.values()

    def _sorted(self, call: Call, rows: list[Json]) -> list[Json]:
        for name, descending in reversed(call.sort):
            if name in self.sorts:
                rows.sort(key=_order(self.sorts[name]), reverse=descending)
        return rows


def _forms(value: Any) -> tuple[str, ...]:
    """The spellings under which a filter finds a value; null is found by none."""
    match value:
        case None:
            return ()
        case bool():
            return ("true", "1") if value else ("false", "0")
        case list():
            return tuple(form for item in value for form in _forms(item))
        case _:
            return (str(value),)


def _test(getter: Getter, values: list[str]) -> Callable[[Json], bool]:
    wanted = set(values)
    return lambda row: not wanted.isdisjoint(_forms(getter(row)))


def _inverse(test: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda row: not test(row)


def _order(getter: Getter) -> Callable[[Json], tuple]:
    def key(row: Json) -> tuple:
        value = getter(row)
        return (value is not None, value.casefold() if isinstance(value, str) else value or 0)

    return key


def between(value: str, bounds: list[str]) -> bool:
    """Whether a time lies in `start,end`, either of which may be `*`."""
    start, end = (*bounds, "*")[:2]
    return (start == "*" or value >= start) and (end == "*" or value <= end)


def plays(adapter: Json, psa_type: str) -> bool:
    name = str(adapter["adapter-type-name"]).lower()
    return any(part in name for part in PSA_TYPES.get(psa_type, ()))


def _psa_tests(call: Call) -> list[Callable[[Json], bool]]:
    types = call.filters.get("psa_integration_type")
    if types is None:
        return []
    ids = call.filters.get("psa_id")

    def linked(row: Json) -> bool:
        return any(
            any(plays(adapter, name) for name in types) and (ids is None or str(adapter["remote-id"]) in ids)
            for adapter in row["adapters"]
        )

    return [linked]

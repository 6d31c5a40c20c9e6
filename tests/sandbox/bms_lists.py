# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of the played BMS: filters, order, pages.

How string filters compare, in which order rows come and what a page number below 1 means is not published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .bms_wire import Json, Query, moment

if TYPE_CHECKING:
    from .bms import Bms

Test = Callable[[Json], bool]
TextTest = Callable[[str | None], bool]

TIMES = (
    ("Filter.CreatedOnFrom", "createdOn", 1),
    ("Filter.CreatedOnTo", "createdOn", -1),
    ("Filter.ModifiedOnFrom", "modifiedOn", 1),
    ("Filter.ModifiedOnTo", "modifiedOn", -1),
)


class Lists:
    def __init__(self, bms: Bms) -> None:
        self.bms = bms
        self._known: dict[tuple, list[Json]] = {}
        self._revision = -1
        self._skipped = False

    def rows(self, kind: str, query: Query, choose: Callable[[], Iterable[Json]]) -> list[Json]:
        """The rows of a list in order, remembered for the pages that follow."""
        asked = {name: values for name, values in query.values.items() if name not in ("pagesize", "pagenumber")}
        switches = ("bms_inactive_by_default", "bms_string_filter", "bms_order")
        key = (kind, repr(sorted(asked.items())), *map(self.bms.switch, switches))
        if self._revision != self.bms.contacts.revision or len(self._known) > 32:
            self._known.clear()
            self._revision = self.bms.contacts.revision
        if key not in self._known:
            rows = list(choose())
            if self.bms.switch("bms_order") == "shuffle":
                rows.sort(key=lambda row: row["id"] * 2654435761 % 4294967296)
            self._known[key] = rows
        return self._known[key]

    def page(self, rows: list[Json], query: Query, *, walk: bool = False) -> list[Json]:
        """A page. On a `walk` rows move between pages where a switch says so."""
        size = query.number("PageSize") or 0
        if size < 1:
            size = int(self.bms.switch("bms_default_page_size"))
        size = min(size, int(self.bms.switch("bms_page_limit")))
        number = max(query.number("PageNumber") or 1, 1)
        start = (number - 1) * size
        if walk and number > 1:
            start += self._moved()
        return rows[start : start + size]

    def _moved(self) -> int:
        match self.bms.switch("bms_order"):
            case "repeat":
                return -1
            case "skip":
                return 1
            case "skip_once" if not self._skipped:
                self._skipped = True
                return 1
        return 0

    def text_test(self, wanted: str | None) -> TextTest | None:
        """How a string filter compares; None where it is not given."""
        if wanted is None:
            return None
        folded = wanted.casefold()
        match self.bms.switch("bms_string_filter"):
            case "exact":
                return lambda value: value == wanted
            case "equals":
                return lambda value: (value or "").casefold() == folded
            case "startswith":
                return lambda value: (value or "").casefold().startswith(folded)
        return lambda value: folded in (value or "").casefold()

    def tests(self, query: Query, texts: Mapping[str, Callable[[Json], Iterable[str | None]]]) -> Iterator[Test]:
        """The filters on activity, on times and on texts; `texts` says for each filter which texts it looks at."""
        active = query.flag("Filter.IsActive")
        if active is None and not self.bms.switch("bms_inactive_by_default"):
            active = True
        if active is not None:
            yield partial(_equals, "isActive", active)
        for name, key, sign in TIMES:
            bound = query.moment(name)
            if bound is not None:
                yield partial(_in_time, key, bound, sign)
        for name, look in texts.items():
            test = self.text_test(query.text(name))
            if test is not None:
                yield partial(_has_text, test, look)


def flags(query: Query, keys: Mapping[str, str]) -> Iterator[Test]:
    """Yes/no filters: filter -> key of the row."""
    for name, key in keys.items():
        wanted = query.flag(name)
        if wanted is not None:
            yield partial(_equals, key, wanted)


def numbers(query: Query, keys: Mapping[str, str]) -> Iterator[Test]:
    """Filters on ids, which may be repeated: filter -> key of the row."""
    for name, key in keys.items():
        wanted = query.numbers(name)
        if wanted is not None:
            yield partial(_among, key, wanted)


def chosen(rows: Iterable[Json], tests: Iterable[Test]) -> Iterable[Json]:
    tests = tuple(tests)
    return (row for row in rows if all(test(row) for test in tests)) if tests else rows


def _in_time(key: str, bound: Any, sign: int, row: Json) -> bool:
    value = row[key]
    return value is not None and (moment(value, key) - bound).total_seconds() * sign >= 0


def _has_text(test: TextTest, look: Callable[[Json], Iterable[str | None]], row: Json) -> bool:
    return any(test(text) for text in look(row))


def _equals(key: str, wanted: Any, row: Json) -> bool:
    return row[key] == wanted


def _among(key: str, wanted: set[int], row: Json) -> bool:
    return row[key] in wanted

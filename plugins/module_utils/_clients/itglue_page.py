# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One answer of IT Glue in the JSON:API form: its rows, what they refer to, and the way to the next page."""

from __future__ import annotations

from collections.abc import Collection

from .decoding import Reader, Row
from .response import Response


class Page:
    """One answer of IT Glue. Its errors are a `ProtocolError` that names the request."""

    __slots__ = ("body", "reader", "rows", "_included")

    def __init__(self, answer: Response) -> None:
        self.reader = Reader("itglue", answer.request)
        self.body = self.reader.mapping(answer.json(), "the answer")
        data = self.body.get("data")
        if data is None:
            raise self.reader.error("it has no 'data'")
        self.rows: list[Row] = [data] if isinstance(data, dict) else self.reader.rows(data, "data")
        self._included: dict[str, dict[str, Row]] = {}

    @property
    def only(self) -> Row:
        """The one object that the answer is about."""
        if len(self.rows) != 1:
            raise self.reader.error(f"it should show one object but shows {len(self.rows)}")
        return self.rows[0]

    @property
    def total(self) -> int | None:
        """How many rows the list has by the service's own count."""
        return self.reader.whole(self.reader.part(self.body, "meta"), "total-count")

    @property
    def pages(self) -> int:
        """How many pages of this size the whole list has, by the service's own counts."""
        meta = self.reader.part(self.body, "meta")
        counted = -(-(self.total or 0) // max(1, len(self.rows)))
        return max(1, counted, self.reader.whole(meta, "total-pages") or 0)

    def following(self, number: int) -> tuple[str | None, int]:
        """The link to the next page, or its number; None and 0 after the last. Null and missing are the same."""
        read = self.reader
        meta = read.part(self.body, "meta")
        number = read.whole(meta, "current-page") or number
        link = read.text(read.part(self.body, "links"), "next")
        if link:
            return link, number + 1
        following = read.whole(meta, "next-page")
        if following is None and number < (read.whole(meta, "total-pages") or 0):
            following = number + 1
        if following is None:
            return None, 0
        if following <= number:
            raise read.error("its pages lead in a circle")
        return None, following

    def ident(self, row: Row) -> str:
        """The id of a row as text, as the answer's references have it."""
        ident = self.reader.label(row, "id")
        if not ident:
            raise self.reader.error("an object has no 'id'")
        return ident

    def attributes(self, row: Row) -> Row:
        return self.reader.mapping(row.get("attributes"), "attributes")

    def related(self, row: Row, name: str) -> list[str] | None:
        """The ids of related objects; None where the answer does not name them."""
        read = self.reader
        relation = read.part(read.part(row, "relationships"), name)
        if relation.get("data") is None:
            return None
        return [self.ident(reference) for reference in read.rows(relation["data"], name)]

    def included(self, mark: str) -> dict[str, Row]:
        """The included objects that have this attribute, by id. Their `type` is not published."""
        if mark not in self._included:
            found: dict[str, Row] = {}
            for row in self.reader.rows(self.body.get("included"), "included"):
                attributes = self.attributes(row)
                if mark in attributes or mark.replace("-", "_") in attributes:
                    found[self.ident(row)] = row
            self._included[mark] = found
        return self._included[mark]

    def check_owner(self, what: str, row: Row, owner: int | None, organization_ids: Collection[int] | None) -> None:
        """Refuse a row of another organization than was asked for: the service ignores filters that it does not know.

        Without `organization_ids`, any owner is right.
        """
        if organization_ids is not None and owner not in organization_ids:
            asked = ", ".join(map(str, organization_ids))
            raise self.reader.error(
                f"{what} {self.ident(row)} is of organization {owner}, though those of {asked} were asked for"
            )

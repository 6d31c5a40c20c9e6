# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and writing with IT Glue: lists that are held against their counts, pages that get smaller, writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from .._engine.errors import NotFoundError, SyncError, UnavailableError
from .decoding import Row, accepted
from .failures import TimeoutBeforeAnswerError
from .itglue_page import Page
from .request import Request
from .response import Response
from .session import HttpSession

_LARGEST_PAGE = 1000
_SMALLEST_PAGE = 50
_WALKS = 3
_BARREN_PAGES = 5
_JSON_API = "application/vnd.api+json"

T = TypeVar("T")
Decode = Callable[[Page, Row], T]


class ListTooLongError(SyncError):
    """A list has more pages than it is worth. One page of it was read."""


class ItGlueRequests:
    """The requests of one account of IT Glue. Safe for use by several threads; iterators are for one thread each."""

    def __init__(self, session: HttpSession) -> None:
        self.session = session

    # ------------------------------------------------------------------ reads

    def read(self, path: str, params: Mapping[str, object]) -> Page:
        """One answer to a read."""
        return Page(self.session.send(Request("GET", path, params=params)))

    def one(self, path: str, params: Mapping[str, object]) -> Page:
        """The answer about the one object whose id ends the path."""
        page = self.read(path, params)
        wanted = path.rsplit("/", 1)[1]
        if page.ident(page.only) != wanted:
            raise page.reader.error(f"it is about another object than {wanted}")
        return page

    def all(
        self, path: str, params: Mapping[str, object], decode: Decode[T], *, most: int | None = None
    ) -> Iterator[T]:
        """Every row of a list once, decoded as the pages come in.

        With `most`, `ListTooLongError` is raised after the first page where the list has more pages.

        Pages are no snapshot: when a row goes, the next ones move up and one is
        passed over. So a list whose count changes on the way, or that shows fewer rows
        than it counts, is read again, until it is whole or proves stable.
        """
        seen: set[str] = set()
        for walk in range(_WALKS):
            known = len(seen)
            totals: set[int | None] = set()
            for number, page in enumerate(self._pages(path, params), 1):
                pages = page.pages if number == 1 else number
                if most is not None and pages > most:
                    raise ListTooLongError(f"IT Glue's list {path} has {pages} pages or more.")
                totals.add(page.total)
                for row in page.rows:
                    ident = page.ident(row)
                    if ident not in seen:
                        seen.add(ident)
                        yield decode(page, row)
            if len(totals) == 1:
                total = totals.pop()
                # In a second walk without anything new, what is missing is not for this key to see.
                if total is None or len(seen) >= total or (walk and len(seen) == known):
                    return
        raise UnavailableError(
            f"IT Glue's list {path} kept changing while it was read and stayed incomplete.",
            service="itglue",
            request=f"GET {path}",
            hint="Try again later.",
        )

    def rows(self, path: str, params: Mapping[str, object]) -> Iterator[tuple[Page, Row]]:
        """The rows of a list as they come, each with its page: no more pages are read than rows are taken."""
        for page in self._pages(path, params):
            for row in page.rows:
                yield page, row

    def _pages(self, path: str, params: Mapping[str, object]) -> Iterator[Page]:
        """The pages of a list, in smaller ones where the service cannot make large ones in time."""
        size = _LARGEST_PAGE
        number = 1
        offset = barren = 0
        link: str | None = None
        links: set[str] = set()
        seen: set[str] = set()
        while True:
            # A link holds all parameters already: given twice, they are refused.
            query = None if link else {**params, "page[size]": size, "page[number]": number}
            request = Request("GET", link or path, params=query, patient=size <= _SMALLEST_PAGE)
            try:
                page = Page(self.session.send(request))
            except TimeoutBeforeAnswerError:
                size = max(size // 2, _SMALLEST_PAGE)
                # Where sizes do not divide evenly, some rows are read twice and left out by their id.
                number = offset // size + 1
                offset = (number - 1) * size
                link = None
                self.session.log(2, f"GET {path} is read on in pages of {size}")
                continue
            yield page
            idents = {page.ident(row) for row in page.rows}
            barren = barren + 1 if idents <= seen else 0
            seen |= idents
            link, number = page.following(number)
            if link is None and not number:
                return
            if link in links or barren > _BARREN_PAGES:
                raise page.reader.error("its pages lead in a circle")
            if link:
                links.add(link)
            offset += len(page.rows)
            # The service may serve smaller pages than it was asked for.
            size = min(size, len(page.rows)) or size

    # ----------------------------------------------------------------- writes

    def write(self, method: str, path: str, data: object, decode: Decode[T]) -> list[T]:
        """Create or change objects; what the answer shows of them, decoded."""
        answer = self._send(method, path, data)
        with accepted():
            page = Page(answer)
            return [decode(page, row) for row in page.rows]

    def write_one(self, method: str, path: str, data: object, decode: Decode[T]) -> T:
        """Create or change one object; the object as the answer shows it."""
        answer = self._send(method, path, data)
        with accepted():
            page = Page(answer)
            return decode(page, page.only)

    def delete(self, path: str, data: object = None) -> None:
        """Delete what the path, or the data of the body, names."""
        answer = self._send("DELETE", path, data, allow=(401, 404))
        if answer.status < 300:
            return
        error = self.session.failures.of_answer(answer)
        # After an attempt without an answer, "not found" means that it did what it was sent for.
        if not (answer.after_doubt and isinstance(error, NotFoundError)):
            raise error

    def _send(self, method: str, path: str, data: object, allow: Collection[int] = ()) -> Response:
        repeatable = method in ("PATCH", "DELETE")
        if data is None:
            return self.session.send(Request(method, path, repeatable=repeatable, allow=allow))
        headers = {"Content-Type": _JSON_API}
        body = {"data": data}
        return self.session.send(Request(method, path, json=body, headers=headers, repeatable=repeatable, allow=allow))

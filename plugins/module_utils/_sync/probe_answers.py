# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the questions of a probe have in common: their answers, and reading bodies as they are on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .._clients.bms_errors import value
from .._clients.decoding import Reader, Row
from .._engine import probing as judge
from .._engine.errors import PermissionDeniedError, RejectedError, SyncError
from .._engine.probing import Judgement, unknown
from .ports import Bms, Graph, ItGlue

OVER_THE_LIMIT = 1001
"""More contacts than IT Glue documents for a page, and than BMS is known to serve."""

NUMBER = "+1 (555) 010-0199"
"""A number that is kept for fiction (North American Numbering Plan)."""


class ProbedItGlue(ItGlue, Protocol):
    """What a probe needs of IT Glue beside what a run does."""

    def raw(self, path: str, params: Mapping[str, object]) -> Row:
        """One answer to a read as it is on the wire."""


class ProbedBms(Bms, Protocol):
    """What a probe needs of BMS beside what a run does."""

    def raw(self, path: str, params: Mapping[str, object], template: str | None = None) -> Row:
        """One answer to a read as it is on the wire."""


class ProbedGraph(Graph, Protocol):
    """What a probe needs of a Microsoft tenant beside what a run does."""

    def raw(self, path: str, params: Mapping[str, object], permission: str, *, advanced: bool = False) -> Row:
        """One answer as it is on the wire."""


class ProbedServices(Protocol):
    """The services of a probe."""

    @property
    def itglue(self) -> ProbedItGlue:
        """IT Glue."""

    @property
    def bms(self) -> ProbedBms:
        """Kaseya BMS."""

    def graph(self, tenant_id: str) -> ProbedGraph:
        """A Microsoft tenant."""


@dataclass(slots=True)
class Answers:
    """The answers so far, by the names of the questions."""

    found: dict[str, Judgement] = field(default_factory=dict)

    def answer(self, name: str, look: Callable[[], Judgement]) -> None:
        """Answer a question. A service that fails, or answers in a shape that is not known, leaves it unknown."""
        try:
            self.found[name] = look()
        except SyncError as error:
            self.found[name] = unknown(str(error))


def refusal_of(write: Callable[[], object]) -> str | None:
    """Carry out a write; the words of its refusal, None where it was accepted."""
    try:
        write()
    except RejectedError as error:
        return str(error)
    return None


def granted(read: Callable[[], object], what: str) -> Judgement:
    """Whether the app may read `what`."""
    try:
        read()
    except PermissionDeniedError as error:
        return judge.granted(str(error), what)
    return judge.granted(None, what)


def name_filter(name: str, finds: Callable[[str], bool]) -> Judgement:
    """How a filter on names compares, tried with a name that is there."""
    if len(name) < 4:
        return unknown("The name is too short to ask for a part of it.")
    if not finds(name):
        return unknown("The filter does not find the name itself.")
    other = name.swapcase()
    part, start = finds(name[1:-1].strip()), finds(name[:-1].strip())
    return judge.name_filter(part, start, finds(other) if other != name else None)


# ------------------------------------------------------------------------ IT Glue


def itglue_rows(body: Row, path: str) -> list[Row]:
    """The rows of a list of IT Glue."""
    reader = Reader("itglue", f"GET {path}")
    return reader.rows(reader.sequence(body.get("data"), "data"), "data")


def itglue_total(body: Row, path: str) -> int | None:
    """How many rows the list has, where IT Glue tells."""
    reader = Reader("itglue", f"GET {path}")
    return reader.whole(reader.part(body, "meta"), "total-count")


def attributes_of(row: Row) -> Row:
    """The attributes of a record of IT Glue."""
    return Reader("itglue", "a read").part(row, "attributes")


def adapters_of(row: Row) -> Sequence[Row] | None:
    """The relations of a record to integrations; None where the answer does not tell."""
    reader = Reader("itglue", "a read")
    relation = reader.part(reader.part(row, "relationships"), "adapters-resources")
    return None if relation.get("data") is None else reader.rows(relation["data"], "adapters-resources")


def adapter_names(body: Row, path: str) -> list[set[str]]:
    """The names of the integrations that hold each record of a page."""
    included = Reader("itglue", f"GET {path}").rows(body.get("included"), "included")
    names = {str(each.get("id")): attributes_of(each).get("adapter-type-name") for each in included}
    found = []
    for row in itglue_rows(body, path):
        held = [names.get(str(each.get("id"))) for each in adapters_of(row) or ()]
        found.append({name for name in held if isinstance(name, str)})
    return found


# ---------------------------------------------------------------------------- BMS


def bms_rows(body: Row, path: str) -> list[Row]:
    """The rows of a list of BMS."""
    return Reader("bms", f"GET {path}").rows(value(body, "result"), "result")


def bms_total(body: Row) -> int | None:
    """How many rows the list has, where BMS tells."""
    total = value(body, "totalRecords")
    return total if isinstance(total, int) and not isinstance(total, bool) else None

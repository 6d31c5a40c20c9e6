# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a journal records of the writes of runs, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class WriteKind(StrEnum):
    """What is written, and where."""

    ITGLUE_CREATE = "itglue.create"
    ITGLUE_UPDATE = "itglue.update"
    ITGLUE_DELETE = "itglue.delete"
    BMS_CREATE = "bms.create"
    BMS_SET = "bms.set"

    @property
    def creates(self) -> bool:
        """Whether contacts are created."""
        return self in (WriteKind.ITGLUE_CREATE, WriteKind.BMS_CREATE)


class WriteOutcome(StrEnum):
    """What the service said of a write. `UNKNOWN` is also a write that the run did not live to see answered."""

    DONE = "done"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    QUOTA_EXCEEDED = "quota_exceeded"
    UNKNOWN = "unknown"


class Resolution(StrEnum):
    """What a look-up said of a contact whose create was answered with less than its id."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One contact of a write, its fields by the names of the service.

    `id` is the contact's, None for a new one until it is known. `alike` are the ids of contacts that
    resembled a new one before it was created: none of them is the new one. `resolution` is None
    where no look-up was needed.
    """

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None
    alike: tuple[int, ...] = ()
    resolution: Resolution | None = None


@dataclass(frozen=True, slots=True)
class RecordedWrite:
    """One write, with its rows in the order in which they were sent. `run` tells the runs of a journal apart."""

    kind: WriteKind
    rows: tuple[RecordedRow, ...]
    outcome: WriteOutcome = WriteOutcome.UNKNOWN
    run: str = ""

    @property
    def in_part(self) -> bool:
        """Whether rows may have been taken although the request was refused: whether IT Glue takes a bulk
        request as a whole is not published."""
        return self.outcome == WriteOutcome.REJECTED and len(self.rows) > 1

    @property
    def may_have_taken_place(self) -> bool:
        """Whether contacts may have been written."""
        return self.outcome in (WriteOutcome.DONE, WriteOutcome.UNKNOWN) or self.in_part

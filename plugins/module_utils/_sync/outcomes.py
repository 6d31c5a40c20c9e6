# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both writers share: the operations as they turn out, and the reasons of failures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .._clients.transport import WORKERS
from .._engine.errors import (
    ApiError,
    NotFoundError,
    OutcomeUnknownError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    SyncError,
)
from .._engine.plan import Action, Operation, Push, Subject
from .._engine.reasons import Reason, ReasonCode, because

T = TypeVar("T")
V = TypeVar("V")

BULK = 50
"""Contacts in one bulk request. No limit is published; 50 is in use (IT Glue API, Contacts)."""


class Outcomes:
    """The operations of a plan as they turn out, in their order. Safe for use by several threads, as long as
    each of them deals with operations of its own."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._operations: dict[Subject, Operation] = {each.subject: each for each in operations}
        self.warnings: list[Reason] = []
        self.resume_at: float | None = None

    def __iter__(self) -> Iterator[Operation]:
        return iter(tuple(self._operations.values()))

    def __getitem__(self, subject: Subject) -> Operation:
        return self._operations[subject]

    def put(self, operation: Operation) -> None:
        """Note how an operation has turned out."""
        self._operations[operation.subject] = operation

    def those(self, wanted: Callable[[Operation], bool]) -> list[Operation]:
        """The operations for which `wanted` is true, as they are now."""
        return [each for each in self._operations.values() if wanted(each)]

    def warn(self, code: ReasonCode, **values: object) -> None:
        """Add a warning that concerns the run."""
        self.warnings.append(because(code, **values))

    def note_quota(self, error: ApiError) -> None:
        """When a quota is used up, the time when the last of them is there again."""
        self.resume_at = latest(self.resume_at, resume_at(error))


def latest(*times: float | None) -> float | None:
    """The last of the times that are known."""
    return max(filter(None, times), default=None)


def resume_at(error: SyncError | None) -> float | None:
    """The time (of the wall clock) when a quota is there again; None for other errors."""
    if isinstance(error, QuotaExceededError) and error.retry_after is not None:
        return time.time() + error.retry_after
    return None


# ------------------------------------------------------------------------ reasons


def reason_of(error: ApiError) -> Reason:
    """Why a write did not succeed."""
    if isinstance(error, QuotaExceededError):
        code = ReasonCode.QUOTA_EXCEEDED
    elif isinstance(error, (RejectedError, NotFoundError)):
        code = ReasonCode.WRITE_REJECTED
    elif isinstance(error, (OutcomeUnknownError, ProtocolError)):
        code = ReasonCode.WRITE_UNCLEAR
    else:
        code = ReasonCode.WRITE_FAILED
    return because(code, service=error.service, said=str(error))


def not_tried(error: ApiError) -> Reason:
    """Why a write was not tried: an earlier one of the same service failed in a way that concerns all."""
    return because(ReasonCode.NOT_TRIED, service=error.service, said=str(error))


def itglue_failed(operation: Operation, error: ApiError) -> Operation:
    """The operation without its IT Glue part, because of an error; deferred where only a quota is used up."""
    action = Action.DEFERRED if isinstance(error, QuotaExceededError) else Action.FAILED
    return failed(operation.withheld(itglue=action, reason=reason_of(error)), error)


def bms_failed(operation: Operation, error: ApiError) -> Operation:
    """The operation without its push, because of an error; deferred where only a quota is used up."""
    push = Push.DEFERRED if isinstance(error, QuotaExceededError) else Push.FAILED
    return failed(operation.withheld(bms=push, reason=reason_of(error)), error)


def failed(operation: Operation, error: ApiError) -> Operation:
    """The operation with its failure."""
    return operation._replace(failure=error.failure)


# --------------------------------------------------------------------------- work


def side_by_side(work: Callable[[T], V], values: Sequence[T]) -> Iterator[tuple[T, V]]:
    """Each value with what came of it, in their order."""
    if len(values) == 1:
        yield values[0], work(values[0])
    elif values:
        with ThreadPoolExecutor(max_workers=min(WORKERS, len(values)), thread_name_prefix="bms") as pool:
            yield from zip(values, pool.map(work, values), strict=True)

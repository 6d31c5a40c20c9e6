# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a run: each write with its before-image before it is sent, and what became of it after.

A journal is a file of JSON lines that only grows, readable by its owner alone. Each line is on the
disk before the run goes on, so that a run that is killed leaves no write unrecorded: the last one
may lack its outcome. Several runs for one organization may follow one another in one file.

    {"run": ..., "journal": 2, "organization": {...}, "tenant_id": ..., "account_id": ..., "version": ...}
    {"run": ..., "write": 1, "kind": "itglue.create", "rows": [{"id": null, "before": {}, "after": {...}, "alike": []}]}
    {"run": ..., "outcome": 1, "result": "unknown"}
    {"run": ..., "resolved": 1, "rows": [{"row": 0, "found": "found", "id": 72, "updated_at": ...}]}
    {"run": ..., "read_back": [{"id": 72, "updated_at": ...}]}

The writers keep the journal, since they alone find out what became of a write whose answer was
lost. `journal_reader` reads it for a revert.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from .._engine.identity import Created
from .._engine.model import BmsContact, Contact
from .._engine.recorded import Resolution, WriteKind, WriteOutcome
from .files import open_to_append
from .journal_reader import VERSION, is_torn, organization_of

_OUTCOMES: tuple[tuple[type[ApiError], WriteOutcome], ...] = (
    (QuotaExceededError, WriteOutcome.QUOTA_EXCEEDED),
    (RejectedError, WriteOutcome.REJECTED),
    (NotFoundError, WriteOutcome.REJECTED),
    (UnavailableError, WriteOutcome.NOT_SENT),
    (AuthenticationError, WriteOutcome.NOT_SENT),
    (PermissionDeniedError, WriteOutcome.NOT_SENT),
)


def outcome_of(error: ApiError) -> WriteOutcome:
    """What an error says about the write that it answers."""
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), WriteOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Written:
    """A contact that a write or a look-up shows. `updated_at` is the time of its last change, for IT Glue."""

    id: int | None
    updated_at: str | None = None


class Entry:
    """A write that is under way: its number, and the contacts that the service answers with."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.written: list[Written] = []


class Journal:
    """What the writers record their writes in. This one keeps nothing; `FileJournal` does. Safe for use by
    several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._writes = 0

    @contextmanager
    def record(self, kind: WriteKind, rows: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
        """Record a write before the block sends it, and its outcome after.

        The block notes in the entry what the service answers, one contact for each row. Raises
        UnavailableError where the write cannot be recorded: then it must not be sent.
        """
        with self._lock:
            self._writes += 1
            entry = Entry(self._writes)
            self._before_write({"write": entry.number, "kind": kind, "rows": list(rows)})
        try:
            yield entry
        except ApiError as error:
            self._after_write({"outcome": entry.number, "result": outcome_of(error)})
            raise
        rows_after = [_as_row(each) for each in entry.written or [Written(None)] * len(rows)]
        self._after_write({"outcome": entry.number, "result": WriteOutcome.DONE, "rows": rows_after})

    def resolve(self, entry: Entry, found: Mapping[int, Created[Contact] | Created[BmsContact] | None]) -> None:
        """Record what a look-up has found of rows of a create, by their numbers; None where it failed."""
        self._after_write({"resolved": entry.number, "rows": [_resolution(*each) for each in found.items()]})

    def read_back(self, contacts: Sequence[Written]) -> None:
        """Record when the contacts of IT Glue that were written were last changed, as the run has seen it."""
        if contacts:
            self._after_write({"read_back": [_as_row(each) for each in contacts]})

    def close(self) -> None:
        """Nothing is recorded any more."""

    def _before_write(self, content: Mapping[str, Any]) -> None:
        """Keep a line, or raise UnavailableError. The lock is held."""

    def _after_write(self, content: Mapping[str, Any]) -> None:
        """Keep a line as far as that is possible."""


def _as_row(contact: Written) -> dict[str, Any]:
    return {"id": contact.id, "updated_at": contact.updated_at}


def _resolution(row: int, found: Created[Contact] | Created[BmsContact] | None) -> dict[str, Any]:
    if found is None:
        return {"row": row, "found": Resolution.NOT_KNOWN}
    if found.record is not None:
        contact = Written(found.record.id, getattr(found.record, "updated_at", None))
        return {"row": row, "found": Resolution.FOUND, **_as_row(contact)}
    if found.alike:
        return {"row": row, "found": Resolution.NOT_KNOWN, "alike": [each.id for each in found.alike]}
    return {"row": row, "found": Resolution.NOT_FOUND}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class FileJournal(Journal):
    """One run's part of a journal file."""

    def __init__(self, path: str, head: Mapping[str, Any], *, now: Callable[[], str] = _now) -> None:
        """Open the file for appending. Raises InputError where that is not possible, or where the file is
        another organization's journal or in use by another run.

        `head` says what the run is about; it is written before the first write.
        """
        super().__init__()
        self._path = path
        self._run = uuid.uuid4().hex
        self._head: Mapping[str, Any] | None = {"journal": VERSION, **head}
        self._now = now
        self._file = open_to_append(path, "journal file", _WAY_OUT)
        try:
            self._unfinished = self._join(head["organization"]["id"])
        except BaseException:
            self.close()
            raise

    def _join(self, organization_id: int) -> bool:
        """Make sure that the file is a journal of this organization and that no other run writes to it;
        whether its last line is unfinished. Such a line gets no longer."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"Another run is writing to the journal file {self._path}.", hint=_WAY_OUT) from error
        present = os.pread(self._file, os.fstat(self._file).st_size, 0)
        first = next((line for line in present.split(b"\n") if not is_torn(line)), None)
        if first is not None and organization_of(first) != organization_id:
            raise InputError(f"The file {self._path} is no journal of this organization.", hint=_WAY_OUT)
        return present != b"" and not present.endswith(b"\n")

    def close(self) -> None:
        os.close(self._file)

    def _before_write(self, content: Mapping[str, Any]) -> None:
        """What cannot be recorded must not be sent: the service counts as unavailable."""
        try:
            if self._head is not None:
                self._line(self._head)
                self._head = None
            self._line(content)
        except OSError as error:
            raise UnavailableError(
                f"The journal file {self._path} cannot be written any more: {error.strerror}.", service="journal"
            ) from error

    def _after_write(self, content: Mapping[str, Any]) -> None:
        """What was sent, was sent: without this line its outcome counts as unknown."""
        with self._lock, suppress(OSError):
            self._line(content)

    def _line(self, content: Mapping[str, Any]) -> None:
        line = json.dumps({"run": self._run, "at": self._now(), **content}, ensure_ascii=False) + "\n"
        data = b"\n" * self._unfinished + line.encode()
        self._unfinished = True
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self._unfinished = False


_WAY_OUT = (
    "Nothing was written. Give journal_file (sync_journal_directory in the inventory) a path in a directory of your "
    "own, one for each organization."
)

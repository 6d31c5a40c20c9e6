# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a journal: what the writes of its runs were, and what became of them.

A line that was not finished, or that is NUL bytes, as a crash leaves them, costs that line alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._engine.attributes import EMAILS, FIELDS, SCALARS
from .._engine.bms_fields import EMAILS as EMAILS_IN_BMS
from .._engine.bms_fields import FIELDS as BMS_FIELDS
from .._engine.bms_fields import PHONES as PHONES_IN_BMS
from .._engine.bms_fields import VALUE
from .._engine.errors import InputError
from .._engine.model import BmsId, ItGlueId
from .._engine.recorded import RecordedRow, RecordedWrite, Resolution, WriteKind, WriteOutcome
from .files import read_regular

VERSION = 2
"""The version of the format."""

_ABOUT = ("organization", "tenant_id", "account_id", "version")
_BEGIN = b'{"run": "'

_CONTACT_IN_BMS: Mapping[str, tuple[type, ...]] = {
    "account_id": (int,),
    "location_id": (int, type(None)),
    "first_name": (str, type(None)),
    "last_name": (str, type(None)),
    "job_title": (str, type(None)),
    "active": (bool,),
}


@dataclass(slots=True)
class RecordedRuns:
    """What a journal is about, and the writes of its runs in their order, but for those that reverted others.

    `saved_at` has, by contact of IT Glue, the time of its last change that the runs have seen. `written_accounts`
    are the BMS accounts in which they wrote.
    """

    organization_id: int
    head: Mapping[str, Any]
    writes: list[RecordedWrite] = field(default_factory=list)
    saved_at: dict[ItGlueId, str] = field(default_factory=dict)
    written_accounts: frozenset[BmsId] = frozenset()

    @property
    def tenant_id(self) -> str | None:
        """The Microsoft tenant of the runs."""
        return self.head.get("tenant_id")


def read_journal(path: str) -> RecordedRuns:
    """The runs that a journal records.

    Raises InputError for a file that cannot be read or is no journal.
    """
    reader = _Reader(path)
    for number, line in enumerate(read_regular(path, "journal file").split(b"\n"), 1):
        if is_torn(line):
            continue
        try:
            reader.take(json.loads(line.strip(b"\0")))
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise InputError(
                f"Line {number} of the journal file {path} cannot be understood. Nothing was reverted.",
                hint="Give the journal_file of the run as it was written. Where that is damaged, delete the line: what "
                "it recorded is neither reverted nor listed then.",
            ) from error
    return reader.result()


def is_torn(line: bytes) -> bool:
    """Whether a line was not finished, because the run was killed, the disk was full, or the machine crashed.

    The write that it was to record was not sent, or its outcome counts as unknown.
    """
    kept = line.strip(b"\0")
    if not kept.startswith(_BEGIN):
        return _BEGIN.startswith(kept)
    try:
        json.loads(kept)
    except RecursionError:
        return False
    except ValueError:
        return True
    return False


def organization_of(line: bytes) -> int | None:
    """The organization of the head of a journal, None for a line that is none."""
    try:
        match json.loads(line.strip(b"\0")):
            case {"journal": int(), "organization": {"id": int() as organization_id}}:
                return organization_id
    except (RecursionError, ValueError):
        pass
    return None


class _Reader:
    """Takes one line after the other. Raises ValueError for one that cannot be understood."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._head: dict[str, Any] | None = None
        self._heads: dict[str, Mapping[str, Any]] = {}
        self._writes: dict[tuple[str, int], RecordedWrite] = {}
        self._saved_at: dict[ItGlueId, str] = {}

    def result(self) -> RecordedRuns:
        """What the lines recorded."""
        if self._head is None:
            raise InputError(
                f"The journal file {self._path} records no write.",
                hint="Give the journal_file (sync_journal_directory in the inventory) of the run to be reverted.",
            )
        writes = [write for write in self._writes.values() if not self._heads[write.run].get("reverts")]
        runs = [self._heads[write.run] for write in writes if write.kind in (WriteKind.BMS_CREATE, WriteKind.BMS_SET)]
        accounts = frozenset(BmsId(run["account_id"]) for run in runs if run.get("account_id") is not None)
        return RecordedRuns(self._head["organization"]["id"], self._head, writes, self._saved_at, accounts)

    def take(self, entry: Any) -> None:
        """Take a line."""
        match entry:
            case {"run": str() as run, "journal": int() as version, "organization": {"id": int()}}:
                self._begin(run, version, entry)
            case {"run": str() as run, "write": int() as key, "kind": str() as kind, "rows": list() as rows} if (
                run in self._heads
            ):
                self._writes[run, key] = self._write(run, WriteKind(kind), rows)
            case {"run": str() as run, "outcome": int() as key} if (run, key) in self._writes:
                write = self._writes[run, key]
                self._writes[run, key] = self._with_outcome(write, entry)
            case {"run": str() as run, "resolved": int() as key, "rows": list() as rows} if (run, key) in self._writes:
                self._writes[run, key] = self._resolved(self._writes[run, key], rows)
            case {"run": str() as run, "read_back": list() as rows} if run in self._heads:
                for row in rows:
                    self._note_time(_id(row.get("id")), row.get("updated_at"))
            case dummy:
                raise ValueError("unknown entry")

    def _begin(self, run: str, version: int, entry: dict[str, Any]) -> None:
        if version != VERSION:
            raise InputError(f"The journal file {self._path} has the format {version}; this version reads {VERSION}.")
        if self._head is not None and self._head["organization"]["id"] != entry["organization"]["id"]:
            raise InputError(
                f"The journal file {self._path} is about several organizations.",
                hint="Use a journal file for each organization.",
            )
        _id_or_none(entry.get("account_id"))
        self._heads[run] = entry
        about = {key: value for key, value in entry.items() if key in _ABOUT and value is not None}
        self._head = {**(self._head or {}), **about}

    def _write(self, run: str, kind: WriteKind, rows: Sequence[Any]) -> RecordedWrite:
        if kind == WriteKind.BMS_CREATE and any(
            row["after"].get("account_id") != self._heads[run].get("account_id") for row in rows
        ):
            raise ValueError("a contact of another account")
        return RecordedWrite(kind, tuple(_row(kind, row) for row in rows), run=run)

    def _with_outcome(self, write: RecordedWrite, entry: Mapping[str, Any]) -> RecordedWrite:
        outcome = WriteOutcome(entry["result"])
        rows = entry.get("rows", [])
        if outcome != WriteOutcome.DONE or not isinstance(rows, list):
            return replace(write, outcome=outcome)
        if len(rows) != len(write.rows):
            raise ValueError("a contact for each row is wanted")
        for row in rows:
            self._note_time_of(write.kind, row)
        ids = [_id_or_none(row.get("id")) for row in rows]
        if write.kind.creates:  # those of the other kinds are known before
            write = replace(write, rows=tuple(replace(row, id=each) for row, each in zip(write.rows, ids, strict=True)))
        return replace(write, outcome=outcome)

    def _resolved(self, write: RecordedWrite, found: Sequence[Any]) -> RecordedWrite:
        rows = list(write.rows)
        for one in found:
            number, resolution = one["row"], Resolution(one["found"])
            if not 0 <= number < len(rows):
                raise ValueError("unknown row")
            ident = _id(one.get("id")) if resolution == Resolution.FOUND else None
            rows[number] = replace(rows[number], id=ident, resolution=resolution)
            self._note_time_of(write.kind, one)
        return replace(write, rows=tuple(rows))

    def _note_time_of(self, kind: WriteKind, row: Mapping[str, Any]) -> None:
        if kind in (WriteKind.ITGLUE_CREATE, WriteKind.ITGLUE_UPDATE) and row.get("id") is not None:
            self._note_time(_id(row["id"]), row.get("updated_at"))

    def _note_time(self, contact_id: int, updated_at: Any) -> None:
        if isinstance(updated_at, str):
            self._saved_at[ItGlueId(contact_id)] = updated_at


def _row(kind: WriteKind, row: Any) -> RecordedRow:
    match row:
        case {"id": int() | None as ident, "before": dict() as before, "after": dict() as after}:
            _check_fields(kind, before, after)
            alike = tuple(_id(each) for each in row.get("alike") or ())
            return RecordedRow(before, after, _id_or_none(ident), alike)
    raise ValueError("unknown row")


def _check_fields(kind: WriteKind, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse what no writer records. A contact without e-mails is never created: a removal has them to compare."""
    if kind == WriteKind.BMS_CREATE:
        if not all(isinstance(after.get(key), kinds) for key, kinds in _CONTACT_IN_BMS.items()):
            raise ValueError("no BMS contact")
        if not _are_entries(EMAILS_IN_BMS, after.get("emails")) or not _are_entries(PHONES_IN_BMS, after.get("phones")):
            raise ValueError("unknown entries")
        return
    values = (*before.items(), *after.items())
    if kind == WriteKind.BMS_SET:
        if not all(name in BMS_FIELDS and (name not in VALUE or _are_entries(name, value)) for name, value in values):
            raise ValueError("unknown field")
    elif not all(name in FIELDS and (name in SCALARS or _are_attributes(value)) for name, value in values):
        raise ValueError("unknown field")
    if kind == WriteKind.ITGLUE_CREATE and not after.get(EMAILS):
        raise ValueError("a create without e-mails")


def _are_attributes(value: Any) -> bool:
    """Whether a value is a list of e-mails or phones of a contact of IT Glue."""
    return value is None or (isinstance(value, list) and all(isinstance(entry.get("value"), str) for entry in value))


def _are_entries(name: str, value: Any) -> bool:
    """Whether a value is a list of entries of a BMS contact."""
    wanted = {VALUE[name]: str, "type_id": int, "default": bool}
    return isinstance(value, list) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in wanted.items())
        for entry in value
    )


def _id(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("an id is wanted")
    return value


def _id_or_none(value: Any) -> int | None:
    return None if value is None else _id(value)

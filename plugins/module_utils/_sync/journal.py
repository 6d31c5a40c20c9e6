# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The journal of a run: each write with its before-image before it is sent, and its outcome after.

A journal is a file of JSON lines that only grows, readable by its owner alone. Each line is on
the disk before the run goes on, so that a run that is killed leaves no write untold: the last
one may lack its outcome. Several runs for one organization may follow one another in one file.

    {"run": ..., "journal": 1, "organization": {...}, "tenant_id": ..., "account_id": ..., "version": ...}
    {"run": ..., "write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {...}, "after": {...}}]}
    {"run": ..., "outcome": 1, "ids": [72]}

The recorders stand before the clients of IT Glue and BMS and write the lines; what only reads
passes through them.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from .._engine.attributes import FIELDS, decode, encode
from .._engine.bms_fields import EMAILS as EMAILS_IN_BMS
from .._engine.bms_fields import FIELDS as BMS_FIELDS
from .._engine.bms_fields import PHONES as PHONES_IN_BMS
from .._engine.bms_fields import VALUE, applied
from .._engine.bms_fields import encode as encode_in_bms
from .._engine.errors import ApiError, InputError, UnavailableError
from .._engine.model import BmsContact, Contact, EntryChange
from .._engine.text import contact_addresses
from .._engine.undo import (
    BMS_CREATE,
    BMS_SET,
    ITGLUE_CREATE,
    ITGLUE_DELETE,
    ITGLUE_UPDATE,
    Write,
)

VERSION = 1
"""The version of the format."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Journal:
    """One run's part of a journal file; safe for use by several threads."""

    def __init__(self, path: str, head: Mapping[str, Any], *, now: Callable[[], str] = _now) -> None:
        """Open the file for appending; raises InputError where that is not possible.

        `head` says what the run is about; it is written before the first write.
        """
        self._path = path
        self._run = uuid.uuid4().hex
        self._head: Mapping[str, Any] | None = {"journal": VERSION, **head}
        self._now = now
        self._lock = Lock()
        self._writes = 0
        self._torn = False
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise InputError(f"The journal file {path} cannot be written: {error.strerror}.", hint=_WAY_OUT) from error
        try:
            self._join(head["organization"]["id"])
        except BaseException:
            self.close()
            raise

    def _join(self, organization_id: int) -> None:
        """Make sure that what is in the file is a journal of this organization, and that no other
        run writes to it. A line that a killed run left unfinished gets no longer."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise InputError(f"The journal file {self._path} is no regular file.", hint=_WAY_OUT)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"Another run is writing to the journal file {self._path}.", hint=_WAY_OUT) from error
        present = os.pread(self._file, os.fstat(self._file).st_size, 0)
        first = next((line for line in present.split(b"\n") if not _is_torn(line)), None)
        if first is not None and _organization(first) != organization_id:
            raise InputError(f"The file {self._path} is no journal of this organization.", hint=_WAY_OUT)
        self._torn = present != b"" and not present.endswith(b"\n")

    def close(self) -> None:
        os.close(self._file)

    @contextmanager
    def record(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[int | None]]:
        """Tell a write before the block sends it, and its outcome after.

        The block appends to the list the ids that the service answers.
        """
        with self._lock:
            self._writes += 1
            number = self._writes
            self._before_write({"write": number, "kind": kind, "rows": list(rows)})
        ids: list[int | None] = []
        try:
            yield ids
        except ApiError as error:
            self._after_write({"outcome": number, "error": type(error).__name__})
            raise
        self._after_write({"outcome": number, "ids": ids})

    def _before_write(self, content: Mapping[str, Any]) -> None:
        """What cannot be told must not be sent: the service counts as gone."""
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
        data = b"\n" * self._torn + line.encode()
        self._torn = True
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self._torn = False


_WAY_OUT = "Nothing was written. Give journal_file a path in a directory of your own, one for each organization."


_BEGIN = b'{"run": "'


def _is_torn(line: bytes) -> bool:
    """Whether a line was not finished, because the run was killed or the disk was full.

    The write that it was to tell was not sent, or the outcome counts as unknown.
    """
    if not line.startswith(_BEGIN):
        return _BEGIN.startswith(line)
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def _organization(line: bytes) -> int | None:
    """The organization of the head of a journal, None for a line that is none."""
    try:
        match json.loads(line):
            case {"journal": int(), "organization": {"id": int() as organization_id}}:
                return organization_id
    except ValueError:
        pass
    return None


class RecordedItGlue:
    """The client of IT Glue, every write told to a journal."""

    def __init__(self, itglue, journal: Journal, contacts: Iterable[Contact]) -> None:
        self._itglue = itglue
        self._journal = journal
        self._before = {contact.id: contact for contact in contacts}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._itglue, name)

    def create_contacts(self, organization_id: int, rows: Sequence[Mapping]) -> list[Contact]:
        with self._journal.record(
            ITGLUE_CREATE, [{"id": None, "before": {}, "after": dict(row)} for row in rows]
        ) as ids:
            created = self._itglue.create_contacts(organization_id, rows)
            ids += _in_order(rows, created)
        return created

    def update_contacts(self, rows: Sequence[tuple[int, Mapping]]) -> list[Contact]:
        with self._journal.record(ITGLUE_UPDATE, [self._update(each, attributes) for each, attributes in rows]) as ids:
            updated = self._itglue.update_contacts(rows)
            ids += [contact_id for contact_id, dummy in rows]
        return updated

    def update_contact(self, contact_id: int, attributes: Mapping) -> Contact:
        with self._journal.record(ITGLUE_UPDATE, [self._update(contact_id, attributes)]) as ids:
            updated = self._itglue.update_contact(contact_id, attributes)
            ids.append(contact_id)
        return updated

    def delete_contacts(self, contact_ids: Sequence[int]) -> None:
        rows = [{"id": each, "before": self._image(each), "after": {}} for each in contact_ids]
        with self._journal.record(ITGLUE_DELETE, rows) as ids:
            self._itglue.delete_contacts(contact_ids)
            ids += contact_ids

    def _update(self, contact_id: int, attributes: Mapping) -> dict[str, Any]:
        before = encode(self._before[contact_id], attributes) if contact_id in self._before else {}
        return {"id": contact_id, "before": before, "after": dict(attributes)}

    def _image(self, contact_id: int) -> dict[str, Any]:
        return encode(self._before[contact_id]) if contact_id in self._before else {}


def _in_order(rows: Iterable[Mapping], created: Iterable[Contact]) -> list[int | None]:
    """The ids of the created contacts in the order of what was sent: that of the answer is not documented."""
    free = list(created)
    ids: list[int | None] = []
    for row in rows:
        wanted = contact_addresses(decode(row))
        made = next((each for each in free if contact_addresses(each) == wanted), None)
        if made is not None:
            free.remove(made)
        ids.append(None if made is None else made.id)
    return ids


class RecordedBms:
    """The client of BMS, every write told to a journal."""

    def __init__(self, bms, journal: Journal, contacts: Iterable[BmsContact]) -> None:
        self._bms = bms
        self._journal = journal
        self._before = {contact.id: contact for contact in contacts}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bms, name)

    def create_contact(self, contact: BmsContact) -> int:
        with self._journal.record(BMS_CREATE, [{"id": None, "before": {}, "after": asdict(contact)}]) as ids:
            bms_id = self._bms.create_contact(contact)
            ids.append(bms_id)
        return bms_id

    def set_contact(self, contact_id: int, values: Mapping[str, object]) -> None:
        present = self._before.get(contact_id)
        before = encode_in_bms(present, values) if present else dict.fromkeys(values)
        with self._journal.record(BMS_SET, [{"id": contact_id, "before": before, "after": dict(values)}]) as ids:
            self._bms.set_contact(contact_id, values)
            ids.append(contact_id)

    def patch_emails(self, contact_id: int, changes: Sequence[EntryChange]) -> None:
        with self._recorded(EMAILS_IN_BMS, contact_id, changes):
            self._bms.patch_emails(contact_id, changes)

    def patch_phones(self, contact_id: int, changes: Sequence[EntryChange]) -> None:
        with self._recorded(PHONES_IN_BMS, contact_id, changes):
            self._bms.patch_phones(contact_id, changes)

    @contextmanager
    def _recorded(self, field: str, contact_id: int, changes: Sequence[EntryChange]) -> Iterator[None]:
        """Tell a list whole, before and after."""
        present = self._before.get(contact_id)
        before = encode_in_bms(present, [field]) if present else {field: []}
        after = {field: applied(field, before[field], changes)}
        with self._journal.record(BMS_SET, [{"id": contact_id, "before": before, "after": after}]) as ids:
            yield
            ids.append(contact_id)


# ------------------------------------------------------------------------ read


def read_journal(path: str) -> tuple[dict[str, Any], list[Write]]:
    """What a journal is about, and the writes of all its runs in their order, but for those that
    took others back.

    Raises InputError for a file that cannot be read or is no journal. Lines that were not
    finished are passed over.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"The journal file {path} cannot be read: {error.strerror}.") from error
    head: dict[str, Any] | None = None
    writes: dict[tuple[str, int], Write] = {}
    undone: set[str] = set()
    for number, line in enumerate(lines, 1):
        if _is_torn(line):
            continue
        try:
            match entry := json.loads(line):
                case {"run": str() as run, "journal": int() as version, "organization": {"id": int()}}:
                    if version != VERSION:
                        raise InputError(
                            f"The journal file {path} has the format {version}; this version reads {VERSION}."
                        )
                    head = _same_organization(head, entry, path)
                    if entry.get("reverts"):
                        undone.add(run)
                case {
                    "run": str() as run,
                    "write": int() as key,
                    "kind": str() as kind,
                    "rows": list() as rows,
                } if head:
                    writes[run, key] = _write(kind, rows)
                case {"run": str() as run, "outcome": int() as key} if (run, key) in writes:
                    writes[run, key] = _with_outcome(writes[run, key], entry.get("ids"), entry.get("error"))
                case dummy:
                    raise ValueError("unknown entry")
        except ValueError as error:
            raise InputError(f"Line {number} of the journal file {path} cannot be understood.") from error
    if head is None:
        raise InputError(
            f"The journal file {path} tells of no write.", hint="Give the journal_file of the run to take back."
        )
    return head, [write for (run, dummy), write in writes.items() if run not in undone]


def _write(kind: str, rows: Sequence[Any]) -> Write:
    for row in rows:
        match row:
            case {"id": int() | None, "before": dict() as before, "after": dict() as after}:
                names = {ITGLUE_CREATE: FIELDS, ITGLUE_UPDATE: FIELDS, BMS_SET: BMS_FIELDS}.get(kind)
                if names is not None and not {*before, *after} <= {*names}:
                    raise ValueError("unknown field")
                if kind == BMS_SET and not all(map(_are_entries, (*before.items(), *after.items()))):
                    raise ValueError("unknown entries")
            case dummy:
                raise ValueError("unknown row")
    return Write(kind, tuple(rows))


def _are_entries(item: tuple[str, Any]) -> bool:
    """Whether the value of a field is a list of entries, where the field has such."""
    field, value = item
    if field not in VALUE:
        return True
    wanted = {VALUE[field]: str, "type_id": int, "default": bool}
    return isinstance(value, list) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in wanted.items())
        for entry in value
    )


def _with_outcome(write: Write, ids: Any, error: Any) -> Write:
    if ids is not None and (not isinstance(ids, list) or len(ids) != len(write.rows)):
        raise ValueError("an id for each row is wanted")
    return write.with_outcome(ids, error)


def _same_organization(head: dict[str, Any] | None, entry: dict[str, Any], path: str) -> dict[str, Any]:
    if head is not None and head["organization"]["id"] != entry["organization"]["id"]:
        raise InputError(
            f"The journal file {path} tells of several organizations.", hint="Use a journal file per organization."
        )
    return {**(head or {}), **{key: value for key, value in entry.items() if value is not None}}

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The journal of a run: each write with its before-image before it is sent, and its outcome after.

A journal is a file of JSON lines that only grows, readable by its owner alone. Each line is on
the disk before the run goes on, so that a run that is killed leaves no write untold: the last
one may lack its outcome. Several runs may follow one another in one file.

    {"run": ..., "journal": 1, "organization": {...}, "tenant_id": ..., "account_id": ..., "version": ...}
    {"run": ..., "write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {...}, "after": {...}}]}
    {"run": ..., "outcome": 1, "ids": [72]}

The recorders stand before the clients of IT Glue and BMS and write the lines; what only reads
passes through them.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from .._engine.attributes import decode, encode
from .._engine.errors import ApiError, InputError
from .._engine.model import BmsContact, Contact
from .._engine.normalize import contact_addresses
from .._engine.undo import (
    BMS_CREATE,
    BMS_FIELDS,
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
        self._run = uuid.uuid4().hex
        self._head: Mapping[str, Any] | None = {"journal": VERSION, **head}
        self._now = now
        self._lock = Lock()
        self._writes = 0
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise InputError(
                f"The journal file {path} cannot be written: {error.strerror}.",
                hint="Nothing was written. Give journal_file a path in a directory of your own.",
            ) from error

    def close(self) -> None:
        os.close(self._file)

    @contextmanager
    def record(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[list[int | None]]:
        """Tell a write before the block sends it, and its outcome after.

        The block appends to the list the ids that the service answers.
        """
        with self._lock:
            if self._head is not None:
                self._line(self._head)
                self._head = None
            self._writes += 1
            number = self._writes
            self._line({"write": number, "kind": kind, "rows": list(rows)})
        ids: list[int | None] = []
        try:
            yield ids
        except ApiError as error:
            with self._lock:
                self._line({"outcome": number, "error": type(error).__name__})
            raise
        with self._lock:
            self._line({"outcome": number, "ids": ids})

    def _line(self, content: Mapping[str, Any]) -> None:
        line = json.dumps({"run": self._run, "at": self._now(), **content}, ensure_ascii=False) + "\n"
        data = line.encode()
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)


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
        before = {name: getattr(present, BMS_FIELDS[name]) if present else None for name in values}
        with self._journal.record(BMS_SET, [{"id": contact_id, "before": before, "after": dict(values)}]) as ids:
            self._bms.set_contact(contact_id, values)
            ids.append(contact_id)


# ------------------------------------------------------------------------ read


def read_journal(path: str) -> tuple[dict[str, Any], list[Write]]:
    """What a journal is about, and the writes of all its runs in their order, but for those that
    took others back.

    Raises InputError for a file that cannot be read or is no journal. A last line that was cut
    off, because the run was killed while it wrote it, is passed over: its write was not sent.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"The journal file {path} cannot be read: {error.strerror}.") from error
    head: dict[str, Any] | None = None
    writes: dict[tuple[str, int], Write] = {}
    undone: set[str] = set()
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = json.loads(line)
            match entry:
                case {"journal": int(version), "organization": {"id": int()}}:
                    if version != VERSION:
                        raise InputError(
                            f"The journal file {path} has the format {version}; this version reads {VERSION}."
                        )
                    head = _same_organization(head, entry, path)
                    if entry.get("reverts"):
                        undone.add(entry["run"])
                case {"run": str(run), "write": int(key), "kind": str(kind), "rows": list(rows)} if head:
                    writes[run, key] = Write(kind, tuple(map(dict, rows)))
                case {"run": str(run), "outcome": int(key)} if (run, key) in writes:
                    writes[run, key] = writes[run, key].with_outcome(entry.get("ids"), entry.get("error"))
                case dummy:
                    raise ValueError("unknown entry")
        except (ValueError, TypeError) as error:
            raise InputError(f"Line {number} of the journal file {path} cannot be understood.") from error
    if head is None:
        raise InputError(
            f"The journal file {path} tells of no write.", hint="Give the journal_file of the run to take back."
        )
    return head, [write for (run, dummy), write in writes.items() if run not in undone]


def _same_organization(head: dict[str, Any] | None, entry: dict[str, Any], path: str) -> dict[str, Any]:
    if head is not None and head["organization"]["id"] != entry["organization"]["id"]:
        raise InputError(
            f"The journal file {path} tells of several organizations.", hint="Use a journal file per organization."
        )
    return {**(head or {}), **{key: value for key, value in entry.items() if value is not None}}

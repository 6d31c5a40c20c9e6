# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that one process of a run has read and the others take from a file: SQLite, in the run's directory.

A list is there for the others once it is complete. While a process reads it, its rows lie there unseen; what a
process that ended has left of it is replaced. Each row has an owner (the organization that it belongs to),
and a process loads the rows of its owner alone. Rows of an owner that were taken are gone, so that
the file stays small and holds nobody longer than it must.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .._engine.errors import SyncError
from .itglue_json import dumped, loaded
from .sqlite_file import SqliteError, opened, transaction

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

_DAMAGED = "The file that the processes of the run share is damaged."
_BATCH = 1000
_PATIENCE = 10.0
_SCHEMA = (
    "CREATE TABLE lists (name TEXT PRIMARY KEY, read_at REAL NOT NULL)",
    "CREATE TABLE owners (list TEXT, owner INTEGER, rows INTEGER NOT NULL, PRIMARY KEY (list, owner))",
    "CREATE TABLE parts (list TEXT, owner INTEGER, key TEXT, body TEXT NOT NULL)",
    "CREATE INDEX parts_of_owner ON parts (list, owner)",
    "CREATE INDEX parts_of_key ON parts (list, key)",
    "CREATE TABLE given_up (name TEXT PRIMARY KEY)",
)


class RunListsError(SyncError):
    """The file of the run cannot be used, or does not hold what it should."""


class Row(NamedTuple):
    """A record of a list, whose it is, and a key by which it is found, if any."""

    owner: int
    record: object
    key: str = ""


class RunLists:
    """The lists in one file. All methods raise RunListsError where the file cannot be used.

    Safe for use by several threads, but not by a process that was forked since.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._database: sqlite3.Connection | None = None

    def __del__(self) -> None:
        if self._database is not None:
            self._database.close()

    def read_at(self, name: str) -> float | None:
        """When the reading of a complete list began, in seconds since the epoch; None where there is none."""
        with self._open() as database:
            found = database.execute("SELECT read_at FROM lists WHERE name = ?", (name,)).fetchone()
        return None if found is None else float(found[0])

    def is_given_up(self, name: str) -> bool:
        """Whether a process has given a kind of lists up for the whole run."""
        with self._open() as database:
            return database.execute("SELECT 1 FROM given_up WHERE name = ?", (name,)).fetchone() is not None

    def give_up(self, name: str) -> None:
        """Tell the other processes not to try a kind of lists again."""
        with self._open() as database:
            database.execute("INSERT OR IGNORE INTO given_up VALUES (?)", (name,))

    def fill(self, name: str, rows: Iterable[Row], read_at: float | None = None) -> None:
        """Store a list as its rows come, in place of an older one. `read_at` is when its reading began.

        What is raised while the rows come is raised, and there is no list.
        """
        began = time.time() if read_at is None else read_at
        self._forget(name)
        try:
            for batch in _batches(rows):
                with self._open() as database, transaction(database):
                    _insert(database, name, batch)
            with self._open() as database:
                database.execute("INSERT INTO lists VALUES (?, ?)", (name, began))
        except BaseException:
            with suppress(RunListsError):
                self._forget(name)
            raise

    def rows(self, name: str, kind: Callable[..., T], owner: int) -> list[T] | None:
        """The records of an owner, in the order of their reading; None where it has none, or they were taken."""
        with self._open() as database:
            return _of_owner(database, name, kind, owner)

    def take(self, name: str, kind: Callable[..., T], owner: int) -> list[T] | None:
        """The same, and they are gone."""
        with self._open() as database, transaction(database):
            found = _of_owner(database, name, kind, owner)
            for table in ("owners", "parts"):
                database.execute(f"DELETE FROM {table} WHERE list = ? AND owner = ?", (name, owner))
        return found

    def all(self, name: str, kind: Callable[..., T], key: str | None = None) -> list[T]:
        """The records of all owners, or those of a key."""
        query, values = "SELECT body FROM parts WHERE list = ?", [name]
        if key is not None:
            query, values = f"{query} AND key = ?", [name, key]
        with self._open() as database:
            return _records(kind, database.execute(f"{query} ORDER BY rowid", values))

    # ----------------------------------------------------------------- file

    def _forget(self, name: str) -> None:
        with self._open() as database, transaction(database):
            database.execute("DELETE FROM lists WHERE name = ?", (name,))
            for table in ("owners", "parts"):
                database.execute(f"DELETE FROM {table} WHERE list = ?", (name,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The open file, for one thread at a time."""
        try:
            with self._lock:
                if self._database is None:
                    self._database = opened(self._path, _SCHEMA, _PATIENCE)
                yield self._database
        except (SqliteError, OSError) as error:
            raise RunListsError(f"The file that the processes of the run share cannot be used: {error}") from error


def _insert(database: sqlite3.Connection, name: str, batch: Iterable[Row]) -> None:
    groups: dict[tuple[int, str], list[object]] = {}
    for row in batch:
        groups.setdefault((row.owner, row.key), []).append(row.record)
    counted = [(name, owner, len(records)) for (owner, dummy), records in groups.items()]
    database.executemany(
        "INSERT INTO owners VALUES (?, ?, ?) ON CONFLICT (list, owner) DO UPDATE SET rows = rows + excluded.rows",
        counted,
    )
    database.executemany(
        "INSERT INTO parts VALUES (?, ?, ?, ?)",
        ((name, owner, key, dumped(records)) for (owner, key), records in groups.items()),
    )


def _of_owner(database: sqlite3.Connection, name: str, kind: Callable[..., T], owner: int) -> list[T] | None:
    counted = database.execute("SELECT rows FROM owners WHERE list = ? AND owner = ?", (name, owner)).fetchone()
    if counted is None:
        return None
    parts = database.execute("SELECT body FROM parts WHERE list = ? AND owner = ? ORDER BY rowid", (name, owner))
    found = _records(kind, parts)
    if len(found) != counted[0]:
        raise RunListsError(_DAMAGED)
    return found


def _records(kind: Callable[..., T], parts: Iterable[tuple[str]]) -> list[T]:
    try:
        return [record for (body,) in parts for record in loaded(kind, body)]
    except (ValueError, TypeError, KeyError) as error:
        raise RunListsError(_DAMAGED) from error


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(itertools.islice(remaining, _BATCH)):
        yield batch

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of the clients that wait for a quota: an SQLite file in the private directory, which all processes of one
control node share.

A list that cannot be read is removed. While another process holds it for too long, nobody waits. What the tables mean
is said in `fair_share.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .private_directory import PrivateDirectoryError, private_directory, private_file
from .sqlite_file import SqliteError, is_damaged, opened, transaction

if TYPE_CHECKING:
    import sqlite3

_PATIENCE = 5.0
_UNUSED = 60.0
"""Seconds for which a list is not used that another process has held for so long."""

_SCHEMA = (
    (
        "CREATE TABLE client(client TEXT PRIMARY KEY, since REAL, seen REAL NOT NULL, before REAL NOT NULL, "
        "gap REAL NOT NULL, runs INTEGER NOT NULL, new INTEGER NOT NULL, serving REAL NOT NULL, line INTEGER NOT NULL"
        ") WITHOUT ROWID"
    ),
    "CREATE INDEX line ON client(line) WHERE line = 1",
    "CREATE INDEX seen ON client(seen)",
    (
        "CREATE TABLE need(client TEXT NOT NULL, endpoint TEXT NOT NULL, calls INTEGER NOT NULL, "
        "PRIMARY KEY(client, endpoint)) WITHOUT ROWID"
    ),
    "CREATE TABLE met(endpoint TEXT PRIMARY KEY, calls INTEGER NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
)


class WaitingList:
    """The clients that wait, at one address of IT Glue. `None` as the path keeps no list.

    The file stays open from one transaction to the next, as each request is one. For one thread at a time, and not
    for a process that was forked since.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._unused_until = 0.0
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def __del__(self) -> None:
        self._close()

    @contextmanager
    def opened(self, *, make: bool = True) -> Iterator[sqlite3.Connection]:
        """The list, locked for one transaction. With `make=False` one that is not there is not made. Raises SqliteError
        where there is none that can be used."""
        try:
            with ExitStack() as stack:
                yield self._locked(stack, make)
        except SqliteError as error:
            self._close()
            self._remove_damaged(error)
            raise

    def _locked(self, stack: ExitStack, make: bool) -> sqlite3.Connection:
        path = self._path
        if path is None or time.monotonic() < self._unused_until or not (make or path.exists()):
            raise SqliteError
        for dummy in range(2):
            try:
                database = self._open(path)
                stack.enter_context(transaction(database))
                return database
            except (SqliteError, OSError) as error:
                self._close()
                if not self._remove_damaged(error):
                    self._unused_until = time.monotonic() + _UNUSED
                    break
        raise SqliteError

    def _open(self, path: Path) -> sqlite3.Connection:
        """The open file: another one where what was opened has been removed since."""
        if self._database is None or self._file != _identity(path):
            self._close()
            self._database = opened(path, _SCHEMA, _PATIENCE)
            self._file = _identity(path)
        return self._database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _remove_damaged(self, error: Exception) -> bool:
        """Remove the list where the error says that it is damaged; whether it does."""
        if self._path is not None and is_damaged(error):
            with suppress(OSError):
                self._path.unlink()
            return True
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def waiting_list(*account: str) -> WaitingList:
    """The list for an address of IT Glue, in the private directory."""
    try:
        return WaitingList(private_file(private_directory(), *account, ending="waiting"))
    except PrivateDirectoryError:
        return WaitingList(None)

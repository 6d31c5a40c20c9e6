# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An SQLite file that the processes of one user share: how it is made, opened and locked.

Nobody else can read it, no link in its place is followed, and what is deleted is overwritten. It need not survive a
crash of the machine. A Python that was built without SQLite opens none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .private_directory import open_private

try:
    import sqlite3

    SqliteError = sqlite3.Error
except ImportError:
    sqlite3 = None  # type: ignore[assignment]
    SqliteError = OSError  # type: ignore[misc, assignment]


def opened(path: Path, schema: Sequence[str], patience: float) -> sqlite3.Connection:
    """The open file, made by the statements of `schema` where it is new. `patience` is how many seconds a transaction
    of another process is waited for. Each statement is a transaction of its own, but within `transaction`.

    Raises SqliteError or OSError where the file cannot be used, or is damaged.
    """
    if sqlite3 is None:
        raise OSError("This Python has no SQLite.")
    # SQLite would make the file readable for others.
    os.close(open_private(path))
    database = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA secure_delete = ON")
        _prepare(database, schema)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Nobody else writes in the block. All that is done in it is taken back where it raises."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(SqliteError):  # SQLite has done it already after some errors
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def is_damaged(error: BaseException) -> bool:
    """Whether an error says that the file is none of SQLite, or broken inside."""
    return (
        sqlite3 is not None
        and isinstance(error, sqlite3.DatabaseError)
        and not isinstance(error, sqlite3.OperationalError)
    )


def _prepare(database: sqlite3.Connection, schema: Sequence[str]) -> None:
    if _is_prepared(database):
        return
    with transaction(database):
        if not _is_prepared(database):
            for statement in (*schema, "PRAGMA user_version = 1"):
                database.execute(statement)


def _is_prepared(database: sqlite3.Connection) -> bool:
    return bool(database.execute("PRAGMA user_version").fetchone()[0])

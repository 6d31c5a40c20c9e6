# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""One process at a time, among those of one user on one control node.

Ansible runs a task for many organizations side by side. All of them may find that an asset
type is missing, and IT Glue would make it as often as it is asked; a type cannot be deleted
through the API. The lock lets one of them make it and the others find it. Between control
nodes there is no lock, only the look-up that follows every creation.

The lock is `flock` on a file in a directory that nobody else can write to. It ends with the
process, however that ends. The files are empty and stay: to remove one while somebody waits
for it would give away the lock twice.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .._engine.errors import SyncError

PATIENCE = 120.0
"""Seconds to wait for another process; several slow requests of it fit in."""

_PAUSE = 0.05
_NAME = "msp.psa_sync"
_PRIVATE = 0o700


class LockError(SyncError):
    """The lock could not be had. Nothing has been written."""


@contextmanager
def exclusive(
    name: str,
    *,
    directory: Path | None = None,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the lock called `name` while the block runs. Raises LockError after `patience` seconds."""
    path = (directory or _directory()) / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise LockError(f"The lock file {path} cannot be opened: {error.strerror}.") from error
    try:
        end = clock() + patience
        while not _taken(handle):
            if clock() >= end:
                raise LockError(
                    f"Another process has held the lock file {path} for more than {patience:.0f} seconds.",
                    hint="Wait for the other run, or end it, and run again.",
                )
            sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise LockError(f"The file system does not lock files: {error.strerror}.") from error
    return True


def _directory() -> Path:
    """A directory of this user alone: below XDG_RUNTIME_DIR, which is one already, else below
    the directory for temporary files."""
    user = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and _is_private(runtime, user):
        path = Path(runtime, _NAME)
    else:
        path = Path(tempfile.gettempdir(), f"{_NAME}-{user}")
    try:
        path.mkdir(mode=_PRIVATE, exist_ok=True)
    except OSError as error:
        raise LockError(f"The directory {path} for lock files cannot be made: {error.strerror}.") from error
    if not _is_private(path, user):
        raise LockError(
            f"{path} is not a directory that belongs to this user alone (mode 0700).",
            hint="Remove it, or set XDG_RUNTIME_DIR to a directory of your own.",
        )
    return path


def _is_private(path: str | Path, user: int) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077

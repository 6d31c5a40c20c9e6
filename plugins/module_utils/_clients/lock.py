# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One process at a time, among those of one user on one control node.

Ansible runs a task for many organizations side by side. All of them may find that an asset
type is missing, and IT Glue would make it as often as it is asked; a type cannot be deleted
through the API. The lock lets one of them make it and the others find it. Likewise one of them
logs in to BMS, and one run at a time writes an organization's contacts. Between control nodes
there is no lock, only the look-up that goes with every creation.

The lock is `flock` on a file in the private directory. It ends with the process, however that
ends. The files are empty and stay: to remove one while somebody waits for it would give away
the lock twice.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .._engine.errors import SyncError
from .private_directory import open_private, private_directory, private_file

PATIENCE = 120.0
"""Seconds to wait for another process; several slow requests of it fit in."""

_PAUSE = 0.05


class LockError(SyncError):
    """The lock could not be had."""


class LockBusyError(LockError):
    """Another process has the lock. `stopped` is the id of that process where a signal has stopped it."""

    stopped: int | None = None


@contextmanager
def exclusive(name: str, *, directory: Path | None = None, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock called `name` while the block runs. Raises `LockBusyError` after `patience` seconds."""
    path = private_file(directory or private_directory(), name, ending="lock")
    try:
        handle = open_private(path)
    except OSError as error:
        raise LockError(f"The lock file {path} cannot be opened: {error.strerror}.") from error
    try:
        if not acquired(handle, patience):
            raise busy(path, patience)
        try:
            yield
        finally:
            with suppress(OSError):
                now = time.time()
                os.utime(handle, (now, now))
    finally:
        os.close(handle)


def last_held(name: str, *, directory: Path | None = None) -> float | None:
    """When a process let go of the lock called `name` last, in seconds since the epoch; None where none ever did.

    Raises `PrivateDirectoryError` where there is no directory for locks.
    """
    try:
        return private_file(directory or private_directory(), name, ending="lock").stat().st_mtime
    except FileNotFoundError:
        return None


def acquired(handle: int, patience: float, pause: float = _PAUSE) -> bool:
    """Whether the lock on an open file could be had within `patience` seconds."""
    end = time.monotonic() + patience
    while not _taken(handle):
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
    return True


def busy(path: Path, patience: float) -> LockBusyError:
    """The error of a lock that another process has held for so long; it names that process where it is stopped."""
    process = _stopped_holder(path)
    if process:
        error = LockBusyError(
            f"Process {process} is stopped, and has held the lock file {path} for more than {patience:.0f} seconds.",
            hint=f"Let it go on (kill -CONT {process}) or end it (kill -KILL {process}), and run again.",
        )
        error.stopped = process
        return error
    return LockBusyError(
        f"Another process has held the lock file {path} for more than {patience:.0f} seconds.",
        hint="Wait for the other run, or end it, and run again.",
    )


def _stopped_holder(path: Path) -> int | None:
    """The process that holds the lock on a file and has been stopped by a signal, where Linux tells it."""
    with suppress(OSError, ValueError, IndexError):
        inode = f":{path.stat().st_ino}"
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            # "1: FLOCK  ADVISORY  WRITE 4242 00:2d:1234 0 EOF", and others like it with "->" for who waits
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].endswith(inode) and _is_stopped(int(fields[4])):
                return int(fields[4])
    return None


def _is_stopped(process: int) -> bool:
    state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    return state[:1] in ([b"T"], [b"t"])


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise LockError(f"The file system does not lock files: {error.strerror}.") from error
    return True

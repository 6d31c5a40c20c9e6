# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory that the processes of one Ansible run share, and that goes with the run.

The process from which all workers are forked makes it, and holds a lock on a file in it. The workers
inherit that lock, so it lasts as long as one process of the run does, however the run ends. At a normal
end the directory is removed. What a killed run has left is removed by the next run: nobody holds its lock.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from .private_directory import PrivateDirectoryError, open_private, private_directory

_PREFIX = "run-"
_LOCK = "lock"


class RunDirectory:
    """The directory of this run. `path` is None where none could be made: then the processes share nothing."""

    def __init__(self, parent: Path | None = None) -> None:
        self.path: Path | None = None
        self._process = os.getpid()
        with suppress(OSError, PrivateDirectoryError):
            parent = parent or private_directory()
            remove_abandoned(parent)
            self.path, self._lock = _made(parent)
            atexit.register(self.remove)

    @property
    def shared(self) -> Path | None:
        """The directory, for a process that was forked from the one that made it; None in that one itself, which
        nobody may share it with."""
        return self.path if os.getpid() != self._process else None

    def remove(self) -> None:
        """Remove the directory, at the end of the process that made it. A forked process leaves it alone."""
        if self.path is not None and os.getpid() == self._process:
            shutil.rmtree(self.path, ignore_errors=True)
            with suppress(OSError):
                os.close(self._lock)
            self.path = None


def is_first(directory: Path, name: str) -> bool:
    """Whether no process of the run has asked this for `name` before; also where that cannot be found out."""
    try:
        os.close(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    except OSError:
        return True
    return True


def remove_abandoned(parent: Path) -> None:
    """Remove the directories of runs that have ended without removing them."""
    for path in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            handle = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)


def _made(parent: Path) -> tuple[Path, int]:
    """A new directory, and the handle that holds its lock."""
    while True:
        path = parent / f"{_PREFIX}{secrets.token_hex(8)}"
        path.mkdir(mode=0o700)
        handle = open_private(path / _LOCK)
        fcntl.flock(handle, fcntl.LOCK_SH)
        # Before it was locked, another run may have taken it for abandoned.
        if (path / _LOCK).exists():
            return path, handle
        os.close(handle)

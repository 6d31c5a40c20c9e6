# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory in which the processes of one user on one control node share what they must know of each other:
locks, counts of requests, tokens.

It is below the runtime directory of the user, which belongs to that user alone, else below the
directory for temporary files. A job that cron starts has no XDG_RUNTIME_DIR; it looks where a login
puts it, so that it meets what was started by hand.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from functools import lru_cache
from pathlib import Path

from .._engine.errors import SyncError

NAME = "msp.psa_sync"
LOGINS = "/run/user"
_PRIVATE = 0o700
_HINT = "Set XDG_RUNTIME_DIR to a directory of your own"


class PrivateDirectoryError(SyncError):
    """There is no directory that is safe to use. Nothing has been sent."""


def private_directory() -> Path:
    """The directory, made where it is missing. Raises `PrivateDirectoryError` where others could write to it."""
    user = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"{LOGINS}/{user}"
    if os.path.isabs(runtime) and _is_private(runtime, user):
        path = Path(runtime, NAME)
    else:
        path = Path(tempfile.gettempdir(), f"{NAME}-{user}")
    try:
        path.mkdir(mode=_PRIVATE, exist_ok=True)
    except OSError as error:
        raise PrivateDirectoryError(
            f"The directory {path} cannot be made: {error.strerror}.", hint=f"{_HINT}."
        ) from error
    if not _is_private(path, user):
        raise PrivateDirectoryError(
            f"{path} is not a directory that belongs to this user alone (mode 0700).",
            hint=f"Remove it, or {_HINT[0].lower()}{_HINT[1:]}.",
        )
    return path


@lru_cache(maxsize=256)
def private_file(directory: Path, *names: str, ending: str) -> Path:
    """The path of the file for `names`. The path tells nothing of them."""
    return directory / f"{digest(*names)}.{ending}"


def digest(*names: str) -> str:
    """What distinguishes `names` from others, and tells nothing of them."""
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def open_private(path: Path) -> int:
    """A handle to read and write a file, made where it is missing; a link in its place is refused."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _is_private(path: str | Path, user: int) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening files whose paths a person gives: regular files only, readable by their owner alone.

A link could lead to a file of somebody else, a FIFO or a device would block or swallow what is
written: none of them is opened, whatever its name promises.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._engine.errors import InputError

OWNER_ONLY = 0o600


def read_regular(path: str, what: str) -> bytes:
    """The content of a regular file. `what` names the file in the error.

    Raises InputError where it cannot be read, or is a link or anything else but a regular file.
    """
    try:
        handle = _open(path, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"The {what} {path} cannot be read: {_why(error)}.") from error
    with os.fdopen(handle, "rb") as file:
        return file.read()


def open_to_append(path: str, what: str, hint: str) -> int:
    """A handle to read a regular file and to append to it, made where it is missing.

    Raises InputError as `read_regular` does.
    """
    with _writing(path, what, hint):
        handle = _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            os.fchmod(handle, OWNER_ONLY)
        except BaseException:
            os.close(handle)
            raise
        return handle


def replace_regular(path: str, content: bytes, what: str, hint: str) -> None:
    """Put `content` in the place of a regular file, or where there is none: whole, or not at all.

    Raises InputError where that fails, and where there is anything but a regular file.
    """
    target = Path(path)
    with _writing(path, what, hint):
        _check_regular(target)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".psa_sync.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise


@contextmanager
def _writing(path: str, what: str, hint: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"The {what} {path} cannot be written: {_why(error)}.", hint=hint) from error


class _NotRegularError(OSError):
    """There is something else than a regular file."""


def _open(path: str, flags: int) -> int:
    _check_regular(path)
    # Without O_NONBLOCK, opening a FIFO that has taken the place since would wait for its other end.
    handle = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, OWNER_ONLY)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _NotRegularError
    return handle


def _check_regular(path: str | Path) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise _NotRegularError


def _why(error: OSError) -> str:
    if isinstance(error, _NotRegularError) or error.errno == errno.ELOOP:
        return "it is no regular file"
    return str(error.strerror)

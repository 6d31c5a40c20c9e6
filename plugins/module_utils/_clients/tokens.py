# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens that the processes of one control node share, so that a fleet of tenants logs in once.

A file in the private directory holds them, encrypted with a key that is made of the credentials
themselves: who has the file alone has nothing, and who has other credentials finds nothing. It
is worth no more than the tokens in it, which last for minutes. Without the Python library
cryptography, which comes with msal, nothing is kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from .lock import LockError, exclusive
from .private_directory import open_private, private_directory, private_file

try:
    from cryptography.fernet import Fernet, InvalidToken
except ImportError:
    Fernet = None  # type: ignore[assignment, misc]

PATIENCE = 60.0
"""Seconds to wait while another process logs in; then each does so for itself."""

_SALT = 16
# Some milliseconds for each guess at a password, and for each task.
_COST = {"n": 2**11, "r": 8, "p": 1, "dklen": 32}
_LARGEST = 100_000


class SharedTokens:
    """What is stored for one account: a mapping with `until`, the time (of the wall clock) when it is void.

    `account` names whose tokens they are, `secrets` are what they were obtained with. `notice` gets a line about
    another process that is in the way.
    """

    def __init__(
        self,
        *account: str,
        secrets: Sequence[str],
        directory: Path | None = None,
        now: Callable[[], float] = time.time,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._directory = directory or private_directory()
        self._name = "\0".join(("tokens", *account))
        self._path = private_file(self._directory, self._name, ending="token")
        self._secret = json.dumps([*account, *secrets]).encode()
        self._now = now
        self._notice = notice
        self._key: tuple[bytes, bytes] | None = None

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """One process at a time; not for ever, lest one that hangs stops all."""
        with ExitStack() as held:
            if Fernet is not None:
                try:
                    held.enter_context(exclusive(self._name, directory=self._directory, patience=PATIENCE))
                except LockError as error:
                    self._notice(f"The login is not shared with other tasks. {error}")
            yield

    def read(self) -> dict[str, Any]:
        """What another process stored, as long as it is good; empty where there is nothing."""
        if Fernet is None:
            return {}
        try:
            with open(open_private(self._path), "rb") as file:
                content = file.read(_LARGEST)
            stored = json.loads(self._fernet(content[:_SALT]).decrypt(content[_SALT:])) if content else {}
            good = stored and stored["until"] > self._now()
        except (OSError, InvalidToken, ValueError, KeyError, TypeError):
            # Spoilt, or of other credentials: it is written anew.
            return {}
        return stored if good else {}

    def write(self, stored: Mapping[str, object]) -> None:
        """Store for the other processes. Where that is not possible, each logs in for itself."""
        if Fernet is None:
            return
        # Where scrypt is not to be had (ValueError), nothing is kept either.
        with suppress(OSError, ValueError):
            salt = self._key[0] if self._key else os.urandom(_SALT)
            content = salt + self._fernet(salt).encrypt(json.dumps(stored).encode())
            with open(open_private(self._path), "r+b") as file:
                file.truncate()
                file.write(content)

    def _fernet(self, salt: bytes) -> Fernet:
        if self._key is None or self._key[0] != salt:
            self._key = salt, hashlib.scrypt(self._secret, salt=salt, **_COST)
        return Fernet(base64.urlsafe_b64encode(self._key[1]))

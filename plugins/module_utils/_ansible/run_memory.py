# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A little memory that the processes of one Ansible run share.

Ansible forks a process for each task of each client. What is made before that is shared by all of
them: here a page or two without a file, which nobody else can read and which is gone with the run.

There is no lock, as a process that is killed while it has one would stop the others. What is read
carries a checksum: half of it is nothing. Of two that write at once one may be lost, and is
then read from the service once more.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import time
from collections.abc import Callable
from itertools import chain
from typing import Any

GOOD_FOR = 60.0
"""Seconds for which something is remembered. So long at most a change by somebody else is not seen."""

_SIZE = 1 << 18
_CHECKSUM = hashlib.sha256().digest_size
_HEAD = _CHECKSUM + 8


class RunMemory:
    """Values out of what JSON knows, by name."""

    def __init__(self, *, size: int = _SIZE, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = mmap.mmap(-1, size)
        self._clock = clock

    def get(self, name: str) -> Any:
        """What was remembered under a name, None where that is nothing."""
        entry = self._good().get(name)
        return None if entry is None else json.loads(entry[1])

    def put(self, name: str, value: Any, good_for: float = GOOD_FOR) -> None:
        """Remember a value for so many seconds. Where there is no room for all, the others are forgotten."""
        new = {name: (self._clock() + good_for, json.dumps(value).encode())}
        for content in (self._good() | new, new):
            heads = (json.dumps([each, until]).encode() for each, (until, dummy) in content.items())
            body = b"\n".join(chain.from_iterable(zip(heads, (text for dummy, text in content.values()), strict=True)))
            if len(body) + _HEAD <= len(self._memory):
                head = hashlib.sha256(body).digest() + len(body).to_bytes(_HEAD - _CHECKSUM, "big")
                self._memory[: len(head) + len(body)] = head + body
                return

    def _good(self) -> dict[str, tuple[float, bytes]]:
        """What is remembered: until when, and the value as JSON. Who holds which tenant is long in a large fleet, and
        most readers look for something else, so a value is not decoded here."""
        checksum, length = self._memory[:_CHECKSUM], int.from_bytes(self._memory[_CHECKSUM:_HEAD], "big")
        body = self._memory[_HEAD : _HEAD + length]
        if not length or hashlib.sha256(body).digest() != checksum:
            return {}
        now, lines = self._clock(), body.split(b"\n")
        heads = map(json.loads, lines[::2])
        return {name: (until, text) for (name, until), text in zip(heads, lines[1::2], strict=True) if until > now}

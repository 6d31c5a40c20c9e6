# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes secrets out of texts, such as the messages of services, however they are spelled there."""

from __future__ import annotations

import re
from threading import Lock

from .._engine.output import in_any_spelling, is_plain, spellings

_ESCAPES = re.compile(r"[\\%&+]")


class Masking:
    """A growing set of secrets, and what takes their place in a text. Threads may add to it.

    Services escape in their own ways: .NET, Rails and JavaScript each leave other characters as they are, and an answer
    may be text in JSON in HTML. So a secret is found whatever becomes of each of its characters by itself.
    """

    def __init__(self, mask: str) -> None:
        self._mask = mask
        self._lock = Lock()
        self._escapable: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.spellings: frozenset[str] = frozenset()

    def add(self, *secrets: str) -> None:
        """Mask these from here on."""
        found = {spelling for secret in secrets for spelling in spellings(secret)}
        with self._lock:
            self.spellings |= found
            self._escapable |= {secret.strip() for secret in secrets if not is_plain(secret.strip())}
            self._pattern = None

    def text(self, text: str) -> str:
        """`text` with every secret replaced."""
        for spelling in sorted(self.spellings, key=len, reverse=True):
            text = text.replace(spelling, self._mask)
        if self._escapable and _ESCAPES.search(text):
            text = self._patterns().sub(self._mask, text)
        return text

    def _patterns(self) -> re.Pattern[str]:
        """What finds the secrets that have characters to escape. Made where a text has escapes: it takes a while."""
        with self._lock:
            if self._pattern is None:
                longest_first = sorted(self._escapable, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(in_any_spelling, longest_first)))
            return self._pattern

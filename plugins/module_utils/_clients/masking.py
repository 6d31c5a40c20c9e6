# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes secrets out of texts, such as the messages of services, however they are spelled there."""

from __future__ import annotations

import re
from threading import Lock

from .._engine.output import in_any_spelling, is_plain, spellings

_ESCAPES = re.compile(r"[\\%&+]")
_NOTHING = "(?!)"


class Masking:
    """A growing set of secrets, and what takes their place in a text. Threads may add to it.

    Services escape in their own ways: .NET, Rails and JavaScript each leave other characters as they are, and an answer
    may be text in JSON in HTML. So a secret is found whatever becomes of each of its characters by itself.
    """

    def __init__(self, mask: str) -> None:
        self._mask = mask
        self._lock = Lock()
        self._secrets: frozenset[str] = frozenset()
        # Made where they are needed: it takes a while, and most runs show no text of a service.
        self._spellings: frozenset[str] | None = None
        self._pattern: re.Pattern[str] | None = None

    def add(self, *secrets: str) -> None:
        """Mask these from here on."""
        with self._lock:
            self._secrets |= frozenset(secrets)
            self._spellings = self._pattern = None

    @property
    def spellings(self) -> frozenset[str]:
        """The usual spellings of all secrets."""
        with self._lock:
            if self._spellings is None:
                self._spellings = frozenset(spelling for secret in self._secrets for spelling in spellings(secret))
            return self._spellings

    def text(self, text: str) -> str:
        """`text` with every secret replaced."""
        for spelling in sorted(self.spellings, key=len, reverse=True):
            text = text.replace(spelling, self._mask)
        if _ESCAPES.search(text):
            text = self._escaped().sub(self._mask, text)
        return text

    def _escaped(self) -> re.Pattern[str]:
        """What finds the secrets that have characters to escape."""
        with self._lock:
            if self._pattern is None:
                escapable = {secret.strip() for secret in self._secrets if not is_plain(secret.strip())}
                longest_first = sorted(escapable, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(in_any_spelling, longest_first)) or _NOTHING)
            return self._pattern

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a remembered fact counts: the digest of what was compared, and the time of the next look-up.

A fact counts only while everything that it was found out from is the same. The engine has no clock: whoever reads
the services says when it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .attributes import EMAILS, PHONES, comparable
from .conflicts import Answer
from .model import Contact, ItGlueId, Snapshot
from .options import Options

DAY = 24 * 3600
"""Seconds between two look-ups of one organization's people in BMS."""

_REST = 2 * 3600
"""Seconds that a fact counts at least, so that the next runs after a look-up do without one."""

_DIGITS = 24
"""Digits of a digest: 96 bits, as there may be thousands in one asset."""

_CLOCKS_DIFFER = 3600
"""Seconds by which the clocks of two control nodes may differ."""

_COMPARED = ("first-name", "last-name", "title", "location-id", EMAILS, PHONES)
"""The attributes of a contact that the look-up in BMS, and what follows from it, depend on."""


def is_due(organization_id: ItGlueId, verified_at: int, now: float) -> bool:
    """Whether a fact has to be verified again. Times are in seconds since the epoch.

    Each organization has its own time of day, so that the look-ups of many are spread over the day. A fact of the
    future has to be verified again too.
    """
    time_of_day = int.from_bytes(hashlib.sha256(str(organization_id).encode()).digest(), "big") % DAY
    earliest = verified_at + _REST
    next_look_up = earliest + (time_of_day - earliest) % DAY
    return now >= next_look_up or verified_at > now + _CLOCKS_DIFFER


def digest(*values: Any) -> str:
    """A hash of JSON values, as text."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


class Compared:
    """Digests of what look-ups in BMS compare, for one run."""

    def __init__(self, snapshot: Snapshot, options: Options, answers: Mapping[str, Answer]) -> None:
        organization, settings = snapshot.organization, snapshot.bms
        self._of_all = digest(
            [organization.id, organization.name, settings.account, settings.push_method],
            [[each.kind, each.remote_id, each.sync, each.orphaned] for each in organization.adapters],
            list(options.bms_adapter_names),
            options.update_linked,
            sorted((user_id, str(answer)) for user_id, answer in answers.items()),
        )

    def of(self, user_id: str, contact_id: ItGlueId | None, contact: Contact) -> str:
        """The digest of a person: all that decides about the BMS contact, but for BMS itself."""
        return digest(self._of_all, user_id, contact_id, [comparable(contact, name) for name in _COMPARED])

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a contact of IT Glue is linked to BMS, by what IT Glue tells of it (setup guide, two-way sync)."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from .account import is_bms
from .model import BmsId, Contact


class LinkState(StrEnum):
    """The state of a link. `UNKNOWN`: IT Glue's answer does not tell whether the contact is linked."""

    LINKED = "linked"
    ORPHANED = "orphaned"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


def link_state(contact: Contact, adapter_names: Collection[str]) -> LinkState | None:
    """How a contact is linked to BMS, None for one that is not.

    It is unlinked only where both the adapters and `psa-integration` say so.
    """
    state = contact.psa_integration or None
    adapters = [adapter for adapter in contact.adapters if is_bms(adapter, adapter_names)] if contact.adapters else ()
    if not adapters and state is None:
        return None if contact.link_known else LinkState.UNKNOWN
    if state == LinkState.ORPHANED or any(adapter.orphaned for adapter in adapters):
        return LinkState.ORPHANED
    if state == LinkState.DISABLED or (adapters and not any(adapter.sync for adapter in adapters)):
        return LinkState.DISABLED
    return LinkState.LINKED


def linked_bms_id(contact: Contact, adapter_names: Collection[str]) -> BmsId | None:
    """The id of the BMS contact that a contact is linked to, where IT Glue tells it."""
    for adapter in contact.adapters:
        if is_bms(adapter, adapter_names) and (number := adapter.remote_number) is not None:
            return number
    return None

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking again, right before the writing, at what others have changed since the reading (guide to safety).

Technicians, IT Glue's own sync and other control nodes write to the same contacts. What was saved
in IT Glue since the run has read it costs one request; where the list cannot be had in that order,
all contacts are read. Deleted contacts do not show in it: their update is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._engine.errors import NotFoundError, ProtocolError, RejectedError
from .._engine.model import Contact, ItGlueId
from .ports import ItGlueReader

MARGIN = 300.0
"""Seconds by which the clocks of the control node and of IT Glue may differ, where contacts were saved while
they were read."""

STALE_AFTER = 10.0
"""Seconds after which contacts are looked at again before further ones are written: others have had time, and a quota
may have been waited for."""


def read_since(contacts: Iterable[Contact], read_at: float) -> float:
    """The time, by IT Glue's clock, up to which all changes are among `contacts`. In seconds since the epoch.

    `read_at` is when their reading began, by the clock of the control node. Where the last of them was
    saved before, no clock has to be trusted.
    """
    saved = [found for each in contacts if (found := each.saved_at) is not None]
    return min(max(saved, default=read_at), read_at - MARGIN)


def contacts_by_now(
    itglue: ItGlueReader, organization_id: ItGlueId, contacts: Sequence[Contact], read_at: float
) -> tuple[Contact, ...] | None:
    """The organization's contacts as they are now, None where none of them has changed.

    Raises ApiError where IT Glue cannot be read.
    """
    known = {contact.id: contact for contact in contacts}
    changed, is_complete = contacts_since(itglue, organization_id, contacts, read_at)
    present = changed if is_complete else known | changed
    if present.keys() == known.keys() and all(is_as_read(each, known[each.id]) for each in present.values()):
        return None
    return tuple(present.values())


def contacts_since(
    itglue: ItGlueReader, organization_id: ItGlueId, contacts: Sequence[Contact], read_at: float
) -> tuple[dict[ItGlueId, Contact], bool]:
    """The contacts that were saved since `contacts` were read, by id; all of them, and True, where the list cannot
    be had in the order of the changes. Raises ApiError."""
    try:
        since = read_since(contacts, read_at)
        return {each.id: each for each in itglue.changed_contacts(organization_id, since)}, False
    except (NotFoundError, ProtocolError, RejectedError):
        return {each.id: each for each in itglue.contacts(organization_id)}, True


def is_as_read(contact: Contact, known: Contact) -> bool:
    """Whether nobody has changed a contact, or its link, since it was `known`."""
    return contact is known or (contact == known and contact.updated_at == known.updated_at)

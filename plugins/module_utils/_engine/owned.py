# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has made or written, where it plans anew in its middle: it belongs to whom it was made for.

Addresses and names could say otherwise. Of two users who share an address, the contact that was created for the one
is hit by the other too, and a contact that was given other names may have those of somebody else. The plan has decided
on all of them at once, so a run that has carried out a part of it does not ask again whose that part is. The next run
knows nothing of this: the plan made sure that the rules of matching find the same (`itglue_plan`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .links import linked_bms_id
from .model import BmsId, Contact, ItGlueId
from .plan import Action, Operation, Push, Subject

Tried: TypeAlias = Mapping[Subject, ItGlueId | None]
"""The subjects that the run has written for, or has tried to, each with its contact; None where it has none."""

NOBODY: Tried = {}


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose is what the run has made or written so far.

    `contacts` are the contacts by user id, `made` those of them that the run has created, `in_bms` the BMS contacts
    that IT Glue has made of them since. `by_name_in_bms` are the pairs of BMS contact and user id that were found by
    names, which the run may have replaced.
    """

    contacts: Mapping[str, ItGlueId] = field(default_factory=dict)
    made: frozenset[ItGlueId] = frozenset()
    in_bms: frozenset[BmsId] = frozenset()
    by_name_in_bms: frozenset[tuple[BmsId, str]] = frozenset()


NOTHING_OWNED = Owned()


def owned(
    operations: Iterable[Operation], tried: Tried, contacts: Iterable[Contact], adapter_names: Collection[str]
) -> Owned:
    """Whose is what once the run has `tried` some of its operations; `contacts` are those that are there by now."""
    present = {contact.id: contact for contact in contacts}
    own: dict[str, ItGlueId] = {}
    made, in_bms = set(), set()
    for operation in operations:
        contact_id = tried.get(operation.subject)
        if contact_id is None or contact_id not in present:
            continue
        own[operation.subject.user_id] = contact_id
        if operation.itglue.action == Action.CREATE:
            made.add(contact_id)
        if operation.bms.push == Push.PENDING:
            in_bms.add(linked_bms_id(present[contact_id], adapter_names))
    return Owned(own, frozenset(made), frozenset(each for each in in_bms if each is not None))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IT Glue refuses to change, remembered: it is not sent again while neither side has changed.

A synced contact refuses a group of attributes (`attributes.GROUPS`) whatever is sent, and each try costs requests.
"""

from __future__ import annotations

from .attributes import GROUPS, comparable, group_of, groups_of
from .freshness import digest
from .model import Contact, Facts
from .plan import Action, Operation
from .reasons import ReasonCode, because


def refusal(contact: Contact, wanted: Contact, group: str) -> str:
    """The digest of both sides of a refused group: the contact as it is, and as it was to become."""
    attributes = GROUPS[group]
    sides = [[comparable(each, attribute) for attribute in attributes] for each in (contact, wanted)]
    return digest(contact.id, group, contact.psa_integration, sides)


def without_refused(operation: Operation, contact: Contact, facts: Facts) -> Operation:
    """The update without the groups that IT Glue is known to refuse; these are reported as locked."""
    part = operation.itglue
    if not facts.refused or part.action != Action.UPDATE or part.contact is None:
        return operation
    locked = [group for group in groups_of(part.after) if _is_refused(contact, part.contact, group, facts)]
    if not locked:
        return operation
    sent = part.with_only([each for each in part.after if group_of(each) not in locked])
    sent = sent._replace(locked=tuple(sorted({*part.locked, *locked})))
    return operation._replace(itglue=sent).because(because(ReasonCode.LOCKED_BEFORE))


def _is_refused(contact: Contact, wanted: Contact, group: str, facts: Facts) -> bool:
    known = facts.refused.get((contact.id, group))
    return known is not None and known == refusal(contact, wanted, group)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan becomes once contacts were read again right before the writing (guide to safety).

Others write to the same contacts between the reading and the writing. So the plan is made anew
from what has changed, and the two are held against each other subject by subject: an operation on
the same contact is the fresh one, so that nothing that anybody added is lost; a person whose
contact has appeared is matched, not created again. An operation that would do something else
than what was planned is deferred to the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .plan import MATCHED, PUSHES, Action, Operation, Push, Subject
from .reasons import Reason, ReasonCode, because


def merged(planned: Sequence[Operation], fresh: Iterable[Operation]) -> tuple[Operation, ...]:
    """The operations to carry out: those of the plan, in its order, as they are to be done now."""
    by_subject: Mapping[Subject, Operation] = {each.subject: each for each in fresh}
    return tuple(_merged(each, by_subject.get(each.subject)) for each in planned)


def without_outdated(
    planned: Iterable[Operation], fresh: tuple[Operation, ...], outdated: Mapping[str, Reason]
) -> tuple[Operation, ...]:
    """The fresh operations; of users whose override is outdated, by user id, the planned ones without their writes."""
    by_subject = {each.subject: each for each in planned}
    return tuple(
        by_subject[each.subject]
        .withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED)
        .because(outdated[each.subject.user_id])
        if each.subject.user_id in outdated
        else each
        for each in fresh
    )


def _merged(planned: Operation, fresh: Operation | None) -> Operation:
    if fresh is not None and fresh.has(ReasonCode.OVERRIDE_OUTDATED):
        return fresh
    if fresh is None or not _same_in_itglue(planned, fresh):
        return _deferred(planned, fresh)
    if fresh.itglue.action == Action.LINKED and planned.bms.push in PUSHES:
        return fresh.because(because(ReasonCode.LINKED_BY_NOW, bms_contact_id=fresh.bms.contact_id))
    if planned.itglue.action == Action.CREATE != fresh.itglue.action and fresh.bms.push == Push.PUSHED:
        # A run on another control node has just created the contact, and pushes the person.
        reason = because(ReasonCode.CREATED_BY_NOW, contact_id=fresh.itglue.contact_id)
        return fresh.withheld(bms=Push.DEFERRED, reason=reason)
    if not _same_in_bms(planned, fresh):
        reason = because(ReasonCode.CHANGED_SINCE_READ, changed=["bms"])
        return fresh.withheld(bms=Push.DEFERRED, reason=reason)
    return fresh


def _same_in_itglue(planned: Operation, fresh: Operation) -> bool:
    """Whether what is to be done to the contact is what was planned, be it with other values."""
    before, now = planned.itglue, fresh.itglue
    if now.action in MATCHED:
        # A contact that has appeared takes the place of the one that was to be created.
        return before.contact_id in (None, now.contact_id) or not (planned.writes or fresh.writes)
    if now.action == Action.CREATE:
        return before.action == Action.CREATE
    return not planned.writes and not planned.bms.active


def _same_in_bms(planned: Operation, fresh: Operation) -> bool:
    """Whether nothing is done in BMS that was not planned."""
    before, now = planned.bms, fresh.bms
    if now.push in PUSHES and before.push not in PUSHES:
        return False
    return not now.after or now.contact_id == before.contact_id


def _deferred(planned: Operation, fresh: Operation | None) -> Operation:
    """The planned operation without its writes; where it had none, the fresh one without those."""
    operation = planned if planned.writes or planned.bms.active or fresh is None else fresh
    reason = because(ReasonCode.CHANGED_SINCE_READ, changed=_changed(planned, fresh))
    return operation.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=reason)


def _changed(planned: Operation, fresh: Operation | None) -> list[str]:
    """What differs, as the keys of a result."""
    if fresh is None:
        return ["action"]
    before, now = planned.itglue, fresh.itglue
    pairs = (("action", before.action, now.action), ("contact_id", before.contact_id, now.contact_id))
    return [key for key, one, other in pairs if one != other]

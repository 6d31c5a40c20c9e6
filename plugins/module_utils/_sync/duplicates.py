# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contacts that somebody else has made of the same persons while a run created them (guide to reliability).

Between the look of a run and its create lies a moment in which a technician, or a run on another
control node, can create the same person. Neither service can prevent that. So a run that has created
contacts lists them once more at its end, and reports each duplicate with both ids. It waits until a
run that looked before the create of this one has created too: so both of them see the duplicate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .._engine.errors import ApiError, SyncError
from .._engine.identity import find_duplicates
from .._engine.model import BmsContact, BmsId, Contact, ItGlueId, Snapshot
from .._engine.plan import Operation, Push
from .._engine.reasons import Reason, ReasonCode, because
from .look_again import contacts_by_now
from .outcomes import Outcomes
from .ports import Clock, ItGlueReader, Sleep

FACTOR = 3.0
"""How many times as long as this run another run may take from its look to its create."""

LONGEST_PAUSE = 5.0
"""Seconds that a run waits at most for others to create."""


def wait_for_others(
    looked_at: float, created_at: float, *, sleep: Sleep = time.sleep, clock: Clock = time.monotonic
) -> None:
    """Wait until others that could not see the creates of this run have created too.

    Both times are by `time.monotonic`, in seconds.
    """
    left = created_at + min(FACTOR * (created_at - looked_at), LONGEST_PAUSE) - clock()
    if left > 0:
        sleep(min(left, LONGEST_PAUSE))


def note_duplicates(
    outcomes: Outcomes,
    in_itglue: Callable[[], Iterable[Contact]],
    known: Mapping[ItGlueId, Collection[ItGlueId]],
    in_bms: Callable[[], Iterable[BmsContact]],
    known_in_bms: Collection[BmsId],
) -> None:
    """Report the contacts that somebody else has made of the persons that the run created, in both services.

    `in_itglue` and `in_bms` read the contacts by now, side by side, where the run has created any. `known` are the ids
    of those that were there before: in IT Glue by the id of each new one.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="look") as pool:
        reading = pool.submit(lambda: tuple(in_itglue())) if known else None
        _note_in_bms(outcomes, in_bms, known_in_bms)
        if reading is not None:
            try:
                note_among(outcomes, reading.result(), known)
            except ApiError as error:
                outcomes.warn(ReasonCode.DUPLICATES_NOT_READ, service="itglue", said=str(error))


def contacts_beside(itglue: ItGlueReader, snapshot: Snapshot) -> Iterable[Contact]:
    """The contacts of IT Glue by now, since they were looked at last. Raises ApiError."""
    fresh = contacts_by_now(itglue, snapshot.organization.id, snapshot.contacts, snapshot.read_at)
    return snapshot.contacts if fresh is None else fresh


def note_among(outcomes: Outcomes, present: Iterable[Contact], known: Mapping[ItGlueId, Collection[ItGlueId]]) -> None:
    """Report the duplicates among the contacts that are `present` in IT Glue.

    Whom the run has not pushed yet stays out of BMS, as there would be two of the person.
    """
    contacts = tuple(present)
    operations = {
        each.itglue.contact_id: each for each in outcomes if each.itglue.contact_id in known and each.itglue.writes
    }
    # As it was created: somebody may have renamed it since.
    made = [replace(operations[each.id].wanted, id=each.id) for each in contacts if each.id in operations]
    for contact, others in find_duplicates(made, contacts, lambda made: known[ItGlueId(made.id)]):
        operation = operations[contact.id]
        ids = [each.id for each in others]
        reason = because(ReasonCode.DUPLICATE_IN_ITGLUE, contact_id=contact.id, contact_ids=ids)
        if operation.bms.push == Push.PUSHED and operation.bms.contact_id is None:
            operation = operation.withheld(bms=Push.DEFERRED)
        outcomes.put(_with(operation, reason))


def _note_in_bms(outcomes: Outcomes, read: Callable[[], Iterable[BmsContact]], known: Collection[BmsId]) -> None:
    operations = {each.bms.contact_id: each for each in outcomes if each.bms.create is not None}
    creates = {bms_id: each.bms.create for bms_id, each in operations.items()}
    if not creates:
        return
    try:
        contacts = tuple(read())
    except SyncError as error:
        outcomes.warn(ReasonCode.DUPLICATES_NOT_READ, service="bms", said=str(error))
        return
    made = [replace(create, id=each.id) for each in contacts if (create := creates.get(each.id))]
    for contact, others in find_duplicates(made, contacts, lambda dummy: known):
        ids = [each.id for each in others]
        reason = because(ReasonCode.DUPLICATE_IN_BMS, bms_contact_id=contact.id, bms_contact_ids=ids)
        outcomes.put(_with(operations[contact.id], reason))


def _with(operation: Operation, reason: Reason) -> Operation:
    """The operation with a reason, in the place of an earlier one of the same code."""
    return operation._replace(reasons=(*(each for each in operation.reasons if each.code != reason.code), reason))

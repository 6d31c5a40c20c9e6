# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for the links that IT Glue makes by itself, where it pushes contacts to BMS."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._engine.errors import ApiError
from .._engine.links import LinkState, link_state, linked_bms_id
from .._engine.model import Contact, ItGlueId
from .._engine.plan import Action, ItGluePart, Operation, Push
from .._engine.reasons import ReasonCode, because
from .._engine.text import counted
from .outcomes import Outcomes
from .ports import Clock, Progress, Sleep, silent

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds between two looks at whether IT Glue has linked a contact."""

RESAVE = "touch"
"""What is `unapplied` of a contact that was to be saved as it is."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How links are waited for: those of the adapters of these names, and for how many seconds at most."""

    adapter_names: Collection[str]
    seconds: float
    sleep: Sleep = time.sleep
    clock: Clock = time.monotonic


def await_links(
    outcomes: Outcomes,
    present: Callable[[Sequence[Operation]], Mapping[ItGlueId, Contact]],
    waiting: Waiting,
    progress: Progress = silent,
) -> None:
    """See which of the contacts that wait for IT Glue's own push it links in time.

    Nobody waits for a contact that was not written: IT Glue pushes one that was there before
    only once somebody updates it (help page on two-way sync). `present` reads contacts anew.
    """
    end = waiting.clock() + waiting.seconds
    pause = FIRST_PAUSE
    while pending := outcomes.those(lambda each: each.bms.push == Push.PENDING and each.itglue.writes):
        left = end - waiting.clock()
        if left <= 0:
            return
        progress(f"IT Glue: waiting for the links of {counted(len(pending), 'contact')}, {left:.0f} s at most")
        waiting.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE)
        try:
            _note_links(outcomes, pending, present(pending), waiting.adapter_names)
        except ApiError as error:
            outcomes.warn(ReasonCode.LINKS_NOT_READ, said=str(error))
            return


_AWAITED = frozenset({ReasonCode.ITGLUE_PUSHES, ReasonCode.SAVED_AGAIN, ReasonCode.AWAITING_LINK})
"""Why a link is waited for: once it is there, none of them counts."""


def _note_links(
    outcomes: Outcomes,
    pending: Iterable[Operation],
    present: Mapping[ItGlueId, Contact],
    adapter_names: Collection[str],
) -> None:
    for operation in pending:
        contact = present.get(operation.itglue.contact_id) if operation.itglue.contact_id is not None else None
        if contact is None or link_state(contact, adapter_names) in (None, LinkState.UNKNOWN):
            continue
        part = operation.bms._replace(push=Push.PUSHED, contact_id=linked_bms_id(contact, adapter_names))
        others = (reason for reason in operation.reasons if reason.code not in _AWAITED)
        outcomes.put(operation._replace(bms=part, reasons=(*others, because(ReasonCode.PUSHED_BY_ITGLUE))))


def note_not_saved(outcomes: Outcomes, operations: Iterable[Operation]) -> None:
    """Saving a contact as it is did nothing where it shows neither in its time nor in a link."""
    users = []
    for operation in operations:
        if operation.bms.push != Push.PUSHED:
            part = ItGluePart(Action.UNCHANGED, operation.itglue.contact_id, unapplied=(RESAVE,))
            reason = because(ReasonCode.NOT_SAVED_AGAIN)
            outcomes.put(operation._replace(itglue=part).because(reason))
            users.append(operation.user)
    if users:
        outcomes.warn(ReasonCode.CONTACTS_NOT_SAVED_AGAIN, users=users)

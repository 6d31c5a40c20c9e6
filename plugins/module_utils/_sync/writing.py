# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan: the order of the writes. Both writers write nothing that the plan does not name."""

from __future__ import annotations

from .._engine.bms_fields import EMAILS, PHONES
from .._engine.offboarding import ACTIVE
from .._engine.plan import PUSHES, Action, Operation, Push
from .bms_writer import BmsWriter
from .itglue_writer import ItGlueWriter
from .links import Waiting, await_links, note_not_saved
from .outcomes import Outcomes
from .ports import Progress, silent
from .push_check import PushCheck


def carry_out(
    outcomes: Outcomes,
    itglue: ItGlueWriter,
    bms: BmsWriter | None,
    waiting: Waiting,
    check: PushCheck | None = None,
    progress: Progress = silent,
) -> None:
    """Write what the operations of `outcomes` say, and note there how they turn out.

    `bms` is None where nothing is written there. `check` looks again at what goes to BMS.
    """
    itglue.create()
    if bms is not None:
        itglue.set_in_bms = bms.set_active()
    itglue.update()
    itglue.read_back()
    if check is not None:
        check.follow_kept(outcomes, itglue)
    _hold_back_pushes(outcomes, itglue)
    if bms is not None:
        if check is not None:
            present = check.defer(outcomes, itglue)
            if present is not None:
                bms.know(present)
        bms.create()
        bms.set_fields()
        bms.change_entries(EMAILS)
        bms.change_entries(PHONES)
    await_links(outcomes, itglue.present, waiting, progress)
    note_not_saved(outcomes, [outcomes[each] for each in itglue.not_saved])


def _hold_back_pushes(outcomes: Outcomes, itglue: ItGlueWriter) -> None:
    """Nothing goes to BMS of a contact whose write to IT Glue failed, be it in part."""
    for operation in outcomes:
        if operation.itglue.action in (Action.FAILED, Action.DEFERRED) or operation.subject in itglue.unfinished:
            outcomes.put(_held_back(operation))


def _held_back(operation: Operation) -> Operation:
    part = operation.bms
    pushes = part.push is None or part.push in PUSHES
    held = operation.withheld(bms=Push.DEFERRED if pushes else part.push)
    if ACTIVE not in part.after:
        return held
    # Whether somebody is active in BMS has been set already.
    active = part.after[ACTIVE]
    return held._replace(bms=held.bms._replace(before={ACTIVE: not active}, after={ACTIVE: active}))

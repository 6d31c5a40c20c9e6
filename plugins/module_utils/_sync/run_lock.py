# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""One run at a time writes the contacts of an organization; what another finds to do is put off.

Two runs that read the same contacts would both create who is missing. So a run that may write
takes the organization before it reads, and keeps it until it has written. One that comes too late
reads and plans as a preview does, and says that everything is for the next run. The lock is for the
processes of one user on one control node. Two control nodes are kept apart by nothing but the
look-ups: in IT Glue when a run begins, in BMS before its pushes.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from .._clients.lock import LockBusyError, exclusive
from .._engine.model import Organization
from .._engine.plan import ALREADY_IN_BMS, CREATE, DEFERRED, PENDING, PUSHED, UPDATE, Operation

BUSY = "Another run on this control node is writing to this organization."
WAITS = f"{BUSY} The next run goes on."


class RunLock:
    """The right to write to one organization, from `take` until the block ends. A preview needs none."""

    def __init__(self, service: str, *, needed: bool = True) -> None:
        self.busy = False
        self._service = service
        self._needed = needed
        self._held = ExitStack()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *details: object) -> None:
        self._held.close()

    def acquire(self, organization: Organization) -> None:
        """Take the organization, or note that another process has it. Raises LockError where nobody could."""
        if not self._needed:
            return
        try:
            self._held.enter_context(exclusive(f"{self._service} contacts of {organization.id}", patience=0))
        except LockBusyError:
            self.busy = True


def put_off(operation: Operation, reason: str = WAITS) -> Operation:
    """The operation without its writes."""
    writes_contact = operation.action in (CREATE, UPDATE)
    pushes = operation.push in (PUSHED, PENDING) or (operation.push == ALREADY_IN_BMS and operation.job_title)
    sets = operation.active is not None or operation.bms_update is not None
    if not (writes_contact or pushes or sets):
        return operation
    return replace(
        operation,
        action=DEFERRED if writes_contact or sets else operation.action,
        push=DEFERRED if pushes else operation.push,
        before={},
        after={},
        create_in_bms=None,
        job_title=None,
        active=None,
        bms_update=None,
        reason=reason,
    )

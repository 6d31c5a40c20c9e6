# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time writes the contacts of an organization; what another run finds to do is deferred.

Two runs that read the same contacts would both create who is missing. So a run that may write
acquires the lock of the organization before it reads, and keeps it until it has written. A run that
finds the lock busy reads and plans as a preview does, and defers everything to the next run. The lock
is for the processes of one user on one control node. Two control nodes are kept apart by the look-ups
alone: in IT Glue and BMS, when a run reads and again right before it writes.
"""

from __future__ import annotations

from contextlib import ExitStack

from .._clients.lock import LockBusyError, exclusive
from .._engine.model import Organization
from .._engine.reasons import Reason, ReasonCode, because

_BUSY = "Another run on this control node is writing to this organization."
_STOPPED = (
    "Process {process} is stopped in the middle of a run for this organization. "
    "Let it go on (kill -CONT {process}) or end it (kill -KILL {process})."
)


class RunLock:
    """The right to write to one organization, from `acquire` until the block ends. A preview needs none.

    It is `busy` where another run has it; `stopped` is the process of that run where a signal has stopped it.
    """

    def __init__(self, service: str, *, needed: bool = True) -> None:
        self.busy = False
        self.stopped: int | None = None
        self._service = service
        self._needed = needed
        self._held = ExitStack()
        self._acquired = False

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *details: object) -> None:
        self._held.close()

    def acquire(self, organization: Organization) -> None:
        """Acquire the lock of an organization, or note that it is busy, the first time that this is asked for.

        Raises LockError where nobody could.
        """
        if not self._needed or self._acquired or self.busy:
            return
        try:
            self._held.enter_context(exclusive(f"{self._service} contacts of {organization.id}", patience=0))
            self._acquired = True
        except LockBusyError as error:
            self.busy, self.stopped = True, error.stopped

    @property
    def busy_message(self) -> str:
        """Why the run has to wait, as a sentence."""
        return _STOPPED.format(process=self.stopped) if self.stopped else _BUSY

    @property
    def reason(self) -> Reason:
        """Why the writes are for the next run."""
        if self.stopped:
            return because(ReasonCode.RUN_LOCK_STOPPED, process=self.stopped)
        return because(ReasonCode.RUN_LOCK_BUSY)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a quota has deferred a client, in how many runs in a row, and when its task fails for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .._clients.fair_share import FairShare
from .._engine.errors import QuotaExceededError, StarvedError, quoted
from .._engine.plan import Action, Operation, Push
from .._engine.reasons import ReasonCode
from .._sync.run import Run

STARVED_AFTER = 3
"""Runs on end in which a quota deferred a client that is called starved."""


@dataclass(slots=True)
class Deferral:
    """Notes how a run has ended for its client. `runs` is in how many runs in a row a quota has deferred it."""

    fair_share: FairShare
    runs: int = 0
    is_noted: bool = False

    @property
    def is_starved(self) -> bool:
        """Whether a quota has deferred the client in too many runs in a row."""
        return self.runs >= STARVED_AFTER

    def __call__(self, run: Run) -> None:
        """Note the end of a run. One that could write nothing for another reason counts neither way."""
        operations = (*run.operations, *run.deactivations)
        if any(map(_is_by_quota, operations)):
            self.runs = self.fair_share.deferred(sum(each.bms.push == Push.DEFERRED for each in operations))
        elif not run.refused and not run.deferred:
            self.fair_share.served()
        else:
            return
        self.is_noted = True

    def fails(self, wanted: bool | None) -> bool:
        """Whether the task fails for it: at once, never, or, where neither is wanted, once the client is starved."""
        return self.runs > 0 and (self.is_starved if wanted is None else wanted)

    def error(self, returned: dict[str, Any]) -> StarvedError:
        """The failure of a task that has ended, with its result."""
        name = quoted(returned["organization"]["name"])
        times = "in this run" if self.runs == 1 else f"in {self.runs} runs in a row"
        return StarvedError(
            f"A quota has deferred contacts of {name} {times}.",
            hint="The next runs go on with the clients that have waited longest. Where that is not enough, run more "
            "often, or for fewer clients, or raise the quota. fail_on_deferred (sync_fail_on_deferred) says when "
            "this is a failure.",
            result=returned,
        )


@contextmanager
def noted(fair_share: FairShare) -> Iterator[Deferral]:
    """Sees to it that the client keeps its place in line, however its run ends."""
    deferral = Deferral(fair_share)
    try:
        yield deferral
    except QuotaExceededError as error:
        deferral.runs = fair_share.deferred(0)
        deferral.is_noted = True
        error.result = {**error.result, "starved": deferral.is_starved}
        raise
    finally:
        if not deferral.is_noted:
            fair_share.interrupted()


def _is_by_quota(operation: Operation) -> bool:
    """Whether a quota is why a part of an operation is deferred."""
    is_deferred = operation.itglue.action == Action.DEFERRED or operation.bms.push == Push.DEFERRED
    return is_deferred and operation.has(ReasonCode.QUOTA_EXCEEDED)

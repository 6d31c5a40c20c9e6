# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping what a run has found out, for the next runs of all control nodes.

At most one write for each client and run, at the end, and only where something has changed. Nothing hangs on it: where
IT Glue does not take the facts, the next run finds them out again.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._engine.errors import SyncError
from .._engine.facts import Ended, facts_after, without_contacts
from .._engine.model import BmsId, ItGlueId
from .._engine.reasons import Reason, ReasonCode, because
from .._engine.undo import Step
from .._store.facts import forget, write_facts
from .._store.settings import SettingsStore
from .planned_run import Run


def remember(store: SettingsStore, run: Run) -> None:
    """Write the facts that a run has found, where they are others than it has read. A failure is a warning."""
    planned = (*run.plan.operations, *run.plan.deactivations)
    outcome = (*run.operations, *run.deactivations)
    facts = facts_after(Ended(run.planning, planned, outcome, run.refused_groups))
    if facts == run.read.run_settings.facts:
        return
    try:
        write_facts(store, run.read.snapshot.organization.id, facts)
    except SyncError as error:
        run.warnings.append(because(ReasonCode.FACTS_NOT_STORED, said=str(error)))


def forget_reverted(
    store: SettingsStore, organization_id: ItGlueId, steps: Iterable[Step], warnings: list[Reason]
) -> None:
    """Forget what is remembered of the contacts that a revert has written to. A failure is a warning."""
    contact_ids: set[ItGlueId] = set()
    bms_ids: set[BmsId] = set()
    for step in steps:
        if step.kind.service == "itglue":
            contact_ids.add(ItGlueId(step.id))
        else:
            bms_ids.add(BmsId(step.id))
    error = forget(store, organization_id, lambda facts: without_contacts(facts, contact_ids, bms_ids))
    if error is not None:
        warnings.append(because(ReasonCode.FACTS_NOT_STORED, said=str(error)))

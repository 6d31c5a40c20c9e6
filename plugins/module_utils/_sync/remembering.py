# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping what a run has found out, for the next runs of all control nodes.

One write for each client and run, at the end, and only where something has changed; where IT Glue does not take the
facts, the next run finds them out again. What no later run could find out, because this one replaces the names by
which somebody was found in BMS, is written before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from .._engine.errors import SyncError
from .._engine.facts import Ended, facts_after, without_contacts
from .._engine.itglue_plan import renames
from .._engine.model import BmsId, Facts, ItGlueId
from .._engine.reasons import Reason, ReasonCode, because
from .._engine.undo import ITGLUE, Step
from .._store.facts import forget, write_facts
from .._store.settings import SettingsStore
from .planned_run import Run


def remember(store: SettingsStore, run: Run) -> None:
    """Write the facts that a run has found, where they are others than it has read. A failure is a warning."""
    planned = (*run.plan.operations, *run.plan.deactivations)
    outcome = (*run.operations, *run.deactivations)
    _write(store, run, facts_after(Ended(run.planning, planned, outcome, run.refused_groups)))


def remember_renamed(store: SettingsStore, run: Run) -> None:
    """Write, before a run renames contacts, which BMS contacts their people were found as by the names so far."""
    renamed = {each.subject.user_id for each in run.operations if renames(each)}
    pairs = {(bms_id, user_id) for bms_id, user_id in run.planning.by_name_in_bms if user_id in renamed}
    known = run.read.run_settings.facts
    _write(store, run, replace(known, by_name_in_bms=known.by_name_in_bms | pairs))


def _write(store: SettingsStore, run: Run, facts: Facts) -> None:
    if facts != run.read.run_settings.facts:
        with _warning(run.warnings):
            write_facts(store, run.read.snapshot.organization.id, facts)


def forget_reverted(
    store: SettingsStore, organization_id: ItGlueId, steps: Iterable[Step], warnings: list[Reason]
) -> None:
    """Forget what is remembered of the contacts that a revert has written to. A failure is a warning."""
    contact_ids: set[ItGlueId] = set()
    bms_ids: set[BmsId] = set()
    for step in steps:
        if step.kind.service == ITGLUE:
            contact_ids.add(ItGlueId(step.id))
        else:
            bms_ids.add(BmsId(step.id))
    with _warning(warnings):
        forget(store, organization_id, lambda facts: without_contacts(facts, contact_ids, bms_ids))


@contextmanager
def _warning(warnings: list[Reason]) -> Iterator[None]:
    try:
        yield
    except SyncError as error:
        warnings.append(because(ReasonCode.FACTS_NOT_STORED, said=str(error)))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan on services in memory, and a flat view of what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsContact, Contact
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Operation, Plan
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.bms_writer import BmsWriter
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.itglue_writer import ItGlueWriter
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import Journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.links import Waiting
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import Outcomes
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.writing import carry_out

PARTS = {
    "action": lambda each: each.itglue.action,
    "contact_id": lambda each: each.itglue.contact_id,
    "before": lambda each: dict(each.itglue.before),
    "after": lambda each: dict(each.itglue.after),
    "locked": lambda each: each.itglue.locked,
    "unapplied": lambda each: (*each.itglue.unapplied, *each.bms.unapplied),
    "push": lambda each: each.bms.push,
    "bms_contact_id": lambda each: each.bms.contact_id,
    "create_in_bms": lambda each: each.bms.create,
    "bms_after": lambda each: dict(each.bms.after),
    "codes": lambda each: tuple(reason.code.value for reason in each.reasons),
    "said": lambda each: " ".join(str(reason.values.get("said", "")) for reason in each.reasons),
}


class Row:
    """An operation with both parts side by side."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def __getattr__(self, name: str) -> Any:
        return PARTS[name](self.operation) if name in PARTS else getattr(self.operation, name)


@dataclass
class Fresh:
    """Contacts that nobody else changes."""

    contacts: tuple[Contact, ...]
    is_stale: bool = False
    read_at: float = 0.0
    looked_at: float | None = None

    def look_again(self, tried=()) -> tuple[Operation, ...]:
        return ()


def carried_out(
    plan: Plan,
    itglue: Any,
    bms: Any,
    contacts: Iterable[Contact],
    bms_contacts: Iterable[BmsContact] = (),
    *,
    journal: Journal | None = None,
    waiting: Waiting | None = None,
    progress=lambda line: None,
) -> Outcomes:
    """Carry out a plan as a run does."""
    outcomes = Outcomes((*plan.operations, *plan.deactivations))
    journal = journal or Journal()
    writer = ItGlueWriter(itglue, journal, outcomes, 1, Fresh(tuple(contacts)), progress)
    in_bms = None
    if plan.account is not None:
        in_bms = BmsWriter(bms, journal, outcomes, plan.account.id, bms_contacts, progress)
    carry_out(outcomes, writer, in_bms, waiting or Waiting((), 0.0), None, progress)
    return outcomes


def warned(outcomes: Outcomes) -> list[tuple[str, dict]]:
    """The warnings by code and values."""
    return [(each.code.value, dict(each.values)) for each in outcomes.warnings]

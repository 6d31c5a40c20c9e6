# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""One run for one organization: read, plan, and, unless it is a preview, carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._engine import planning
from .._engine.errors import AuthenticationError, PermissionDenied, ProtocolError, QuotaExceeded, Unavailable
from .._engine.model import BmsSnapshot
from .._engine.plan import Operation, Plan
from .execute import Writer
from .snapshot import Read, Request, read, read_bms, read_for_contacts, read_leavers


@dataclass(slots=True)
class Run:
    """What a run read, planned and did. `operations` are as they turned out."""

    read: Read
    draft: planning.Draft
    plan: Plan
    operations: tuple[Operation, ...]
    warnings: list[str]

    @property
    def refused(self) -> bool:
        """Whether a ceiling forbade the plan."""
        return bool(self.plan.passed)

    @property
    def changed(self) -> bool:
        """Whether anything was written, or would be in a preview."""
        return not self.refused and any(each.writes for each in self.operations)


def run(clients, store, request: Request, *, preview: bool, progress=None) -> Run:
    """Bring one organization's contacts up to date, or say what that would change.

    Raises InputError and SettingsError for bad input, and ApiError where a service cannot be
    read, all before anything is written.
    """
    progress = progress or (lambda line: None)
    found = read(clients, store, request)
    snapshot = found.snapshot
    progress(f"{snapshot.organization.name}: {len(snapshot.users)} users, {len(snapshot.contacts)} contacts read")
    draft = planning.draft(snapshot, request.options)
    operations = draft.operations(*read_for_contacts(clients.itglue, draft))
    bms, unread = _read_bms(clients, draft, planning.push_candidates(operations))
    leavers = read_leavers(clients.graph(snapshot.tenant_id), draft)
    plan = planning.complete(draft, operations, bms, unread, leavers)
    warnings = [*found.warnings, *plan.warnings]
    if not preview and not plan.passed:
        writer = Writer(
            clients.itglue,
            clients.bms if plan.account else None,
            snapshot.organization.id,
            snapshot.contacts,
            progress=lambda line: progress(f"{snapshot.organization.name}: {line}"),
        )
        operations = writer.carry_out(plan)
        warnings += writer.warnings
        return Run(found, draft, plan, operations, warnings)
    return Run(found, draft, plan, plan.operations, warnings)


def _read_bms(clients, draft: planning.Draft, candidates: list[Operation]) -> tuple[BmsSnapshot | None, Any]:
    """What BMS holds, or why it could not be read: then every push waits for the next run."""
    if not candidates:
        return None, None
    try:
        return read_bms(clients.bms, draft, candidates), None
    except (AuthenticationError, PermissionDenied):
        raise
    except (QuotaExceeded, Unavailable, ProtocolError) as error:
        return None, str(error)

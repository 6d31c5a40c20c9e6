# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""One run for one organization: read, plan, and, unless it is a preview, write and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from .._engine import plan_document as plan_documents
from .._engine.errors import InputError
from .._engine.limits import exceeded_limits
from .._engine.links import LinkState, link_state, linked_bms_id
from .._engine.model import Contact
from .._engine.options import Options
from .._engine.plan import DepartureAction, Operation, Plan
from .._engine.planning import Planning
from .._engine.reasons import Reason, ReasonCode, because
from .._store.settings import SettingsStore
from .bms_writer import BmsWriter
from .collector import uncollected
from .itglue_writer import ItGlueWriter
from .journal import FileJournal, Journal
from .links import Link, LinkOf, Waiting
from .outcomes import Outcomes
from .plan_file import read_plan, write_plan
from .ports import Progress, Services, silent
from .run_lock import RunLock, put_off
from .run_settings import require_own, store_settings
from .snapshot import NeedReader, Read, Request, read
from .writing import carry_out


@dataclass(slots=True)
class Run:
    """What a run read, planned and did. `operations` and `deactivations` are as they turned out.

    `resume_at` is the time (of the wall clock) when the quota that was used up is there again.
    """

    read: Read
    planning: Planning
    plan: Plan
    operations: tuple[Operation, ...]
    deactivations: tuple[Operation, ...]
    warnings: list[Reason]
    refused_entries: list[plan_documents.Refusal] = field(default_factory=list)
    resume_at: float | None = None

    def turned_out(self, operations: tuple[Operation, ...]) -> None:
        """Take over the operations and then the deactivations, as they are now."""
        count = len(self.plan.operations)
        self.operations, self.deactivations = operations[:count], operations[count:]

    @property
    def name(self) -> str:
        """The name of the organization."""
        return self.read.snapshot.organization.name

    @property
    def refused(self) -> bool:
        """Whether a limit forbade the plan."""
        return bool(self.plan.limits_exceeded)

    @property
    def changed(self) -> bool:
        """Whether anything was written, or would be in a preview."""
        settings = self.read.run_settings
        return not self.refused and (self.writes or (settings.stored and bool(settings.differences)))

    @property
    def writes(self) -> bool:
        """Whether a contact was written, or would be."""
        return any(each.writes for each in (*self.operations, *self.deactivations))


def run(
    services: Services, store: SettingsStore, request: Request, *, preview: bool, progress: Progress = silent
) -> Run:
    """Bring one organization's contacts up to date, or say what that would change.

    Raises InputError and SettingsError for bad input, and ApiError where a service cannot be
    read, all before anything is written.
    """
    if request.plan_file and not preview:
        raise InputError(
            "plan_file was given outside check mode. Nothing was written.",
            hint="Run in check mode to make a plan, or leave plan_file out to write without one.",
        )
    document = read_plan(request.apply_plan) if request.apply_plan else None
    if document is not None:
        request = request._replace(options=plan_documents.options_of(document, request.options))
    with RunLock(services.itglue.base_url, needed=not preview) as run_lock:
        outcome = _planned(services, store, request, run_lock, progress)
        if document is not None:
            _apply(outcome, document, request)
        if outcome.writes:
            names = request.options.bms_adapter_names
            require_own(services.itglue, store, outcome.read.run_settings, outcome.plan.account, names)
        if request.plan_file and preview:
            _write_plan(outcome, request)
        if run_lock.busy:
            _put_off(outcome)
        elif not outcome.refused:
            if request.stores_settings:
                _store_settings(services, store, outcome, request, preview=preview)
            if not preview and outcome.writes:
                _carry_out(services, outcome, request, progress)
        return outcome


def _store_settings(services: Services, store: SettingsStore, outcome: Run, request: Request, *, preview: bool) -> None:
    store_settings(
        services.itglue,
        store,
        outcome.read.run_settings,
        adapter_names=request.options.bms_adapter_names,
        preview=preview,
    )


# --------------------------------------------------------------------------- plan


@uncollected
def _planned(services: Services, store: SettingsStore, request: Request, run_lock: RunLock, progress: Progress) -> Run:
    """What is to be done, and what was read for it."""
    found = read(services, store, request, run_lock, progress)
    snapshot = found.snapshot
    tell = _named(progress, snapshot.organization.name)
    tell(f"{len(snapshot.users)} users, {len(snapshot.contacts)} contacts read")
    reader = NeedReader(services, snapshot, request.options.bms_adapter_names)
    planning = reader.complete(Planning(snapshot, request.options))
    plan = planning.plan
    matched = planning.matched
    selected = len(matched.selected.user_ids)
    tell(f"{selected} of {len(snapshot.users)} users selected, {len(matched.matching.matches)} matched with contacts")
    if planning.findings.bms is not None:
        tell(f"BMS: {len(planning.findings.bms.contacts)} contacts read")
    warnings = [*found.warnings, *plan.warnings]
    return Run(found, planning, plan, plan.operations, plan.deactivations, warnings, resume_at=reader.resume_at)


def _named(progress: Progress, organization: str) -> Progress:
    """A progress that tells lines about an organization."""
    return lambda line: progress(f"{organization}: {line}")


def _binding(found: Read, request: Request) -> plan_documents.Binding:
    organization = found.snapshot.organization
    return plan_documents.Binding(
        organization.id, organization.name, found.snapshot.tenant_id, found.settings, request.version
    )


def _write_plan(outcome: Run, request: Request) -> None:
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    operations = (*outcome.operations, *outcome.deactivations)
    document = plan_documents.document(_binding(outcome.read, request), request.options, operations, made_at)
    write_plan(str(request.plan_file), document)


def _apply(outcome: Run, document: Mapping[str, Any], request: Request) -> None:
    """Leave of the plan what the document has, and what still holds of it."""
    plan_documents.check(document, _binding(outcome.read, request), str(request.apply_plan))
    plan = outcome.plan
    contacts = {contact.id: contact for contact in outcome.read.snapshot.contacts}
    done = {each.subject for each in plan.departed if each.action == DepartureAction.DEACTIVATED}
    found = plan_documents.applicable(document, (*plan.operations, *plan.deactivations), contacts, done)
    outcome.refused_entries = found.refused
    selected = len(outcome.planning.matched.selected.user_ids)
    exceeded = tuple(exceeded_limits(found.operations, selected, request.options))
    outcome.turned_out(tuple(found.operations))
    outcome.plan = replace(
        plan, operations=outcome.operations, deactivations=outcome.deactivations, limits_exceeded=exceeded
    )


def _put_off(outcome: Run) -> None:
    outcome.operations = tuple(map(put_off, outcome.operations))
    outcome.deactivations = tuple(map(put_off, outcome.deactivations))
    outcome.warnings.append(because(ReasonCode.NOTHING_WRITTEN, organization=outcome.name))


# -------------------------------------------------------------------------- write


def _carry_out(services: Services, outcome: Run, request: Request, progress: Progress) -> None:
    outcomes = Outcomes((*outcome.plan.operations, *outcome.plan.deactivations))
    journal = _journal(outcome, request)
    tell = _named(progress, outcome.name)
    snapshot, bms = outcome.read.snapshot, outcome.planning.findings.bms
    itglue_writer = ItGlueWriter(services.itglue, journal, outcomes, snapshot.organization.id, snapshot.contacts, tell)
    bms_writer = None
    if bms is not None:
        bms_writer = BmsWriter(services.bms, journal, outcomes, bms.account.id, bms.contacts, tell)
    waiting = Waiting(_link_of(request.options), request.push_wait)
    try:
        carry_out(outcomes, itglue_writer, bms_writer, waiting, tell)
    finally:
        journal.close()
    outcome.turned_out(tuple(outcomes))
    outcome.warnings += outcomes.warnings
    outcome.resume_at = max(outcome.resume_at or 0, outcomes.resume_at or 0) or None


def _link_of(options: Options) -> LinkOf:
    def link(contact: Contact) -> Link | None:
        state = link_state(contact, options.bms_adapter_names)
        if state is None or state == LinkState.UNKNOWN:
            return None
        return Link(linked_bms_id(contact, options.bms_adapter_names))

    return link


def _journal(outcome: Run, request: Request) -> Journal:
    if not request.journal_file:
        return Journal()
    organization, account = outcome.read.snapshot.organization, outcome.plan.account
    return FileJournal(
        request.journal_file,
        {
            "organization": {"id": organization.id, "name": organization.name},
            "tenant_id": outcome.read.snapshot.tenant_id,
            "account_id": account.id if account else None,
            "version": request.version,
        },
    )

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of one run: made from what is read, narrowed to an applied document, made anew from fresh contacts."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .._engine import account as accounts
from .._engine import plan_document as plan_documents
from .._engine.errors import InputError, OverrideError
from .._engine.limits import exceeded_limits
from .._engine.model import BmsSnapshot, Contact, Snapshot
from .._engine.overrides import without_override
from .._engine.owned import NOBODY, Tried, owned
from .._engine.plan import Action, DepartureAction, Operation, Plan, Push, Subject
from .._engine.planned_again import merged, without_outdated
from .._engine.planning import Findings, Planning
from .._engine.reasons import Reason, ReasonCode, because
from .._engine.text import counted
from .._store.settings import SettingsStore
from .collector import uncollected
from .look_again import STALE_AFTER, contacts_by_now
from .plan_file import write_plan
from .ports import Clock, Progress, ReadServices, Services
from .run_lock import RunLock
from .snapshot import NeedReader, Read, Request, read

Document = Mapping[str, Any]
"""A plan document that is applied."""


@dataclass(slots=True)
class Run:
    """What a run read, planned and did. `operations` and `deactivations` are as they turned out.

    `refused_groups` are the groups of attributes that IT Glue refused as synced, by subject. `resume_at` is the time
    (of the wall clock) when the quota that was used up is there again. `stopped` says why the run pushes no further.
    It is `deferred` where another run was at work on the organization.
    """

    read: Read
    planning: Planning
    plan: Plan
    operations: tuple[Operation, ...]
    deactivations: tuple[Operation, ...]
    warnings: list[Reason]
    refused_entries: list[plan_documents.Refusal] = field(default_factory=list)
    refused_groups: Mapping[Subject, Collection[str]] = field(default_factory=dict)
    resume_at: float | None = None
    stopped: Reason | None = None
    deferred: bool = False

    def turned_out(self, operations: tuple[Operation, ...]) -> None:
        """Take over the operations and then the deactivations, as they are now."""
        count = len(self.plan.operations)
        self.operations, self.deactivations = operations[:count], operations[count:]

    def defer(self, reason: Reason) -> None:
        """Leave all writes to the next run."""
        self.turned_out(
            tuple(
                each.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=reason)
                for each in (*self.operations, *self.deactivations)
            )
        )

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


# --------------------------------------------------------------------------- plan


class Source(NamedTuple):
    """Where a run reads. `read_at` says when the reading of the contacts began, where that was before the run."""

    services: ReadServices
    store: SettingsStore
    read_at: Clock | None = None


@uncollected
def plan_run(
    source: Source,
    request: Request,
    run_lock: RunLock,
    progress: Progress,
    known: Run | None = None,
) -> Run:
    """What is to be done, and what was read for it.

    Where `known` is the run as it was planned before, Microsoft and BMS are not read again for it.
    """
    services = source.services
    before = None if known is None else known.read
    found = read(services, source.store, request, run_lock, progress, read_at=source.read_at, known=before)
    snapshot = found.snapshot
    report = named(progress, snapshot.organization.name)
    report(f"{counted(len(snapshot.users), 'user')}, {counted(len(snapshot.contacts), 'contact')} read")
    reader = NeedReader(services, snapshot, request.options.bms_adapter_names, known.resume_at if known else None)
    findings = Findings() if known is None else _still_good(known, snapshot, reader.adapter_names)
    planning = reader.complete(Planning(snapshot, request.options, findings))
    plan = planning.plan
    matched = planning.matched
    selected = len(matched.selected.user_ids)
    report(f"{selected} of {len(snapshot.users)} users selected, {len(matched.matching.matches)} matched with contacts")
    if planning.findings.bms is not None:
        report(f"BMS: {counted(len(planning.findings.bms.contacts), 'contact')} read")
    warnings = [*found.run_settings.warnings, *plan.warnings]
    return Run(
        found,
        planning,
        plan,
        plan.operations,
        plan.deactivations,
        warnings,
        resume_at=reader.resume_at,
        stopped=plan.stopped,
    )


def _still_good(known: Run, snapshot: Snapshot, adapter_names: Collection[str]) -> Findings:
    """What Microsoft and BMS had for a run, for the same client with the same settings."""
    before, findings = known.read.snapshot, replace(known.planning.findings, locations=None, contact_types=None)
    if (before.tenant_id, before.office365, before.bms) != (snapshot.tenant_id, snapshot.office365, snapshot.bms):
        return Findings()
    if findings.bms is not None:
        organization, account = snapshot.organization, findings.bms.account
        try:
            accounts.resolve([account], accounts.reference(organization, snapshot.bms, adapter_names), organization)
        except InputError:
            return replace(findings, bms=None, bms_locations=None, bms_types=None)
    return findings


def named(progress: Progress, organization: str) -> Progress:
    """A progress that tells lines about an organization."""
    return lambda line: progress(f"{organization}: {line}")


def _binding(found: Read, request: Request) -> plan_documents.Binding:
    organization = found.snapshot.organization
    return plan_documents.Binding(
        organization.id, organization.name, found.snapshot.tenant_id, found.run_settings.merged, request.version
    )


def write_document(outcome: Run, request: Request) -> None:
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    operations = (*outcome.operations, *outcome.deactivations)
    document = plan_documents.document(_binding(outcome.read, request), request.options, operations, made_at)
    write_plan(str(request.plan_file), document)


def apply_document(outcome: Run, document: Document, request: Request, tried: Collection[Subject] = ()) -> None:
    """Leave of the plan what the document has, and what still holds of it. The entries of the subjects that were
    `tried` already are not refused any more."""
    plan_documents.check(document, _binding(outcome.read, request), str(request.apply_plan))
    plan = outcome.plan
    contacts = {contact.id: contact for contact in outcome.read.snapshot.contacts}
    done = {each.subject for each in plan.departed if each.action == DepartureAction.DEACTIVATED} | set(tried)
    found = plan_documents.applicable(document, (*plan.operations, *plan.deactivations), contacts, done)
    refused = [*(outcome.refused_entries if tried else ()), *found.refused]
    outcome.refused_entries = list({(each.user_id, each.contact_id): each for each in refused}.values())
    count = len(plan.operations)
    _narrow(outcome, found.operations[:count], found.operations[count:], request)


def _narrow(run: Run, operations: Sequence[Operation], deactivations: Sequence[Operation], request: Request) -> None:
    """Leave of the plan of a run what is given, within its limits."""
    selected = len(run.planning.matched.selected.user_ids)
    exceeded = tuple(exceeded_limits((*operations, *deactivations), selected, request.options))
    run.operations, run.deactivations = tuple(operations), tuple(deactivations)
    run.plan = replace(run.plan, operations=run.operations, deactivations=run.deactivations, limits_exceeded=exceeded)


# --------------------------------------------------------------------- plan anew


@dataclass(slots=True)
class Replanner:
    """Plans a run anew from what others have changed since it was read. `run` is the run as it was planned last."""

    services: Services
    run: Run
    request: Request
    document: Document | None = None
    clock: Clock = time.monotonic
    looked_at: float | None = None
    """When it was looked last, by `clock`."""

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """The organization's contacts as they were looked at last."""
        return self.run.read.snapshot.contacts

    @property
    def read_at(self) -> float:
        """When the last look at them began, in seconds since the epoch."""
        return self.run.read.snapshot.read_at

    @property
    def is_stale(self) -> bool:
        """Whether others have had much time since the last look."""
        return self.looked_at is None or self.clock() - self.looked_at > STALE_AFTER

    def look_again(self, tried: Tried = NOBODY) -> tuple[Operation, ...]:
        """Look what has changed, and take it over; the operations as they are to be done now.

        Those of the subjects that the run has `tried` already stay as they are. Raises ApiError where a service
        cannot be read.
        """
        snapshot = self.run.read.snapshot
        began, looked_at = time.time(), self.clock()
        contacts = contacts_by_now(self.services.itglue, snapshot.organization.id, snapshot.contacts, snapshot.read_at)
        bms = self._bms_by_now()
        if contacts is not None or bms is not None:
            self._plan(snapshot.contacts if contacts is None else contacts, bms, began, tried)
        self.looked_at = looked_at
        return (*self.run.operations, *self.run.deactivations)

    def planned(self, snapshot: Snapshot, bms: BmsSnapshot | None, tried: Tried) -> tuple[Planning, Plan]:
        """The plan by a fresh snapshot, and by this account of BMS where it is given, of a run that has `tried` a part.

        Whose override does not fit any more is left out, with the reason. Raises ApiError.
        """
        run, outdated = self.run, dict[str, Reason]()
        # The users were held against the contacts before the run added its own.
        options = replace(self.request.options, allow_shrunken_source=True)
        findings = run.planning.findings if bms is None else replace(run.planning.findings, bms=bms)
        reader = NeedReader(self.services, snapshot, options.bms_adapter_names, ends_run=False)
        known = owned(run.operations, tried, snapshot.contacts, options.bms_adapter_names)
        known = replace(known, by_name_in_bms=run.planning.by_name_in_bms)
        while True:
            try:
                planning = reader.complete(Planning(snapshot, options, findings, known))
                break
            except OverrideError as error:
                outdated[error.user_id] = because(ReasonCode.OVERRIDE_OUTDATED, said=str(error))
                options = without_override(options, error)
        operations = without_outdated(run.operations, planning.plan.operations, outdated)
        return planning, replace(planning.plan, operations=operations)

    def _bms_by_now(self) -> BmsSnapshot | None:
        """The account as it is now, where IT Glue will push and somebody could be there by now."""
        known = self.run.planning.findings.bms
        pushes = any(each.bms.push == Push.PENDING and each.itglue.writes for each in self.run.operations)
        if known is None or not pushes:
            return None
        fresh = replace(known, contacts=tuple(self.services.bms.contacts(known.account.id)))
        return fresh if fresh != known else None

    def _plan(self, contacts: Sequence[Contact], bms: BmsSnapshot | None, read_at: float, tried: Tried) -> None:
        before = self.run
        snapshot = replace(before.read.snapshot, contacts=tuple(contacts), read_at=read_at)
        planning, plan = self.planned(snapshot, bms, tried)
        self.run = replace(
            before,
            read=before.read._replace(snapshot=snapshot),
            planning=planning,
            plan=plan,
            operations=plan.operations,
            deactivations=plan.deactivations,
            stopped=plan.stopped,
            warnings=[*before.warnings, *(each for each in plan.warnings if each not in before.warnings)],
        )
        if self.document is not None:
            apply_document(self.run, self.document, self.request, tried)
        else:
            self._keep_to(before)
        if tried:
            self._keep_tried(before, tried)

    def _keep_to(self, before: Run) -> None:
        """Without a document, what is done stays what was planned, on the contacts as they are now."""
        run = self.run
        operations = merged(before.operations, run.operations)
        deactivations = merged(before.deactivations, run.deactivations)
        _narrow(run, operations, deactivations, self.request)

    def _keep_tried(self, before: Run, tried: Collection[Subject]) -> None:
        """What was tried is no part of the plan any more, and what was reported of it stays."""
        run = self.run
        known = {each.subject: each for each in (*before.operations, *before.deactivations) if each.subject in tried}
        run.operations = tuple(known.get(each.subject, each) for each in run.operations)
        run.deactivations = tuple(known.get(each.subject, each) for each in run.deactivations)
        run.plan = replace(before.plan, operations=run.operations, deactivations=run.deactivations)
        run.warnings = before.warnings

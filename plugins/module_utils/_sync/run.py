# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""One run for one organization: read, plan, and, unless it is a preview, carry out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .._engine import plan_document as plan_documents
from .._engine import planning
from .._engine.bms_lookup import linked_bms_id
from .._engine.departed import DEACTIVATED
from .._engine.errors import ApiError, AuthenticationError, PermissionDeniedError
from .._engine.model import BmsSnapshot, Contact
from .._engine.plan import Operation, Plan
from .collector import uncollected
from .execute import Link, Writer, resume_at
from .journal import Journal, RecordedBms, RecordedItGlue
from .plan_file import read_plan, write_plan
from .run_lock import WAITS, RunLock, put_off
from .run_settings import require_own, store_settings
from .snapshot import Read, Request, read, read_bms, read_for_contacts, read_leavers


@dataclass(slots=True)
class Run:
    """What a run read, planned and did. `operations` are as they turned out.

    `resume_at` is the time (of the wall clock) when the quota that was used up is there again.
    """

    read: Read
    draft: planning.Draft
    plan: Plan
    operations: tuple[Operation, ...]
    deactivations: tuple[Operation, ...]
    warnings: list[str]
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
        """Whether a ceiling forbade the plan."""
        return bool(self.plan.passed)

    @property
    def changed(self) -> bool:
        """Whether anything was written, or would be in a preview."""
        settings = self.read.run_settings
        writes = any(each.writes for each in (*self.operations, *self.deactivations))
        return not self.refused and (writes or (settings.stored and bool(settings.differences)))


def run(clients, store, request: Request, *, preview: bool, progress=None) -> Run:
    """Bring one organization's contacts up to date, or say what that would change.

    Raises InputError and SettingsError for bad input, and ApiError where a service cannot be
    read, all before anything is written.
    """
    with RunLock(clients.itglue.base_url, needed=not preview) as run_lock:
        return _run(clients, store, request, run_lock, preview=preview, progress=progress or (lambda line: None))


def _run(clients, store, request: Request, run_lock: RunLock, *, preview: bool, progress) -> Run:
    document = read_plan(request.apply_plan) if request.apply_plan else None
    if document is not None:
        request = request._replace(options=plan_documents.options_of(document, request.options))
    outcome, bms = _planned(clients, store, request, run_lock, progress)
    binding = _binding(outcome.read, request)
    if document is not None:
        _apply(outcome, document, binding, request)
    if any(each.writes for each in (*outcome.operations, *outcome.deactivations)):
        names = request.options.bms_adapter_names
        require_own(clients.itglue, store, outcome.read.run_settings, outcome.plan.account, names)
    if request.plan_file and preview:
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        writes = (*outcome.operations, *outcome.deactivations)
        write_plan(request.plan_file, plan_documents.document(binding, request.options, writes, made_at))
    if run_lock.busy:
        outcome.operations = tuple(map(put_off, outcome.operations))
        outcome.deactivations = tuple(map(put_off, outcome.deactivations))
        outcome.warnings.append(f"{outcome.name}: nothing was written. {WAITS}")
    elif not outcome.refused:
        if request.stores_settings:
            _store_settings(clients, store, outcome, request, preview=preview)
        if not preview:
            _carry_out(clients, outcome, request, bms, progress)
    return outcome


def _store_settings(clients, store, outcome: Run, request: Request, *, preview: bool) -> None:
    store_settings(
        clients.itglue,
        store,
        outcome.read.run_settings,
        adapter_names=request.options.bms_adapter_names,
        preview=preview,
        warn=outcome.warnings.append,
    )


@uncollected
def _planned(clients, store, request: Request, run_lock: RunLock, progress) -> tuple[Run, BmsSnapshot | None]:
    """What is to be done, and what was read of BMS for it."""
    found = read(clients, store, request, run_lock, progress)
    snapshot = found.snapshot
    say = _spoken(progress, snapshot.organization.name)
    say(f"{len(snapshot.users)} users, {len(snapshot.contacts)} contacts read")
    draft = planning.draft(snapshot, request.options)
    say(f"{len(draft.matching.matches)} users matched with contacts, {draft.kept} are synced")
    locations, contact_types = read_for_contacts(clients.itglue, draft)
    types = draft.contact_types(contact_types)
    operations = draft.operations(locations, contact_types)
    leavers = read_leavers(clients.graph(snapshot.tenant_id), draft)
    bms, unread = None, None
    if planning.needs_bms(draft, operations, leavers, types):
        bms, unread = _read_bms(clients, draft, operations)
        say(f"BMS: {'not read' if bms is None else f'{len(bms.contacts)} contacts read'}")
    plan = planning.complete(draft, operations, bms, str(unread) if unread else None, leavers, types)
    outcome = Run(
        found,
        draft,
        plan,
        plan.operations,
        plan.deactivations,
        [*found.warnings, *plan.warnings],
        resume_at=resume_at(unread),
    )
    return outcome, bms


def _spoken(progress, name: str):
    """A function that tells a line about an organization."""
    return lambda line: progress(f"{name}: {line}")


def _binding(found: Read, request: Request) -> plan_documents.Binding:
    organization = found.snapshot.organization
    return plan_documents.Binding(
        organization.id, organization.name, found.snapshot.tenant_id, found.settings, request.version
    )


def _apply(outcome: Run, document: Mapping[str, Any], binding: plan_documents.Binding, request: Request) -> None:
    """Leave of the plan what the document has, and what still holds of it."""
    plan_documents.check(document, binding, request.apply_plan)
    plan = outcome.plan
    done = {each.key for each in plan.departed if each.action == DEACTIVATED}
    found = plan_documents.applicable(document, (*plan.operations, *plan.deactivations), outcome.draft.contacts, done)
    outcome.refused_entries = found.refused
    passed = tuple(planning.exceeded_limits(found.operations, outcome.draft.kept, request.options))
    outcome.turned_out(tuple(found.operations))
    outcome.plan = replace(plan, operations=outcome.operations, deactivations=outcome.deactivations, passed=passed)


def _carry_out(clients, outcome: Run, request: Request, bms: BmsSnapshot | None, progress) -> None:
    snapshot, plan = outcome.read.snapshot, outcome.plan
    itglue, bms_client = clients.itglue, clients.bms if plan.account else None
    journal = _journal(outcome, request)
    if journal is not None:
        itglue = RecordedItGlue(itglue, journal, snapshot.contacts)
        bms_client = RecordedBms(bms_client, journal, bms.contacts) if bms_client and bms else None
    writer = Writer(
        itglue,
        bms_client,
        snapshot.organization.id,
        snapshot.contacts,
        progress=_spoken(progress, outcome.name),
        link=partial(_link, outcome.draft),
        push_wait=request.push_wait,
    )
    try:
        outcome.turned_out(writer.carry_out(plan))
    finally:
        if journal is not None:
            journal.close()
    outcome.warnings += writer.warnings
    outcome.resume_at = max(outcome.resume_at or 0, writer.resume_at or 0) or None


def _link(draft: planning.Draft, contact: Contact) -> Link | None:
    linked = draft.link(contact)
    return None if linked is None else Link(linked_bms_id(contact, draft.options.bms_adapter_names))


def _journal(outcome: Run, request: Request) -> Journal | None:
    if not request.journal_file or not outcome.changed:
        return None
    snapshot, account = outcome.read.snapshot, outcome.plan.account
    return Journal(
        request.journal_file,
        {
            "organization": {"id": snapshot.organization.id, "name": snapshot.organization.name},
            "tenant_id": snapshot.tenant_id,
            "account_id": account.id if account else None,
            "version": request.version,
        },
    )


def _read_bms(
    clients, draft: planning.Draft, operations: list[Operation]
) -> tuple[BmsSnapshot | None, ApiError | None]:
    """What BMS holds, or why it could not be read: then every push waits for the next run.

    Raises AuthenticationError and PermissionDeniedError: those no later run would be without.
    """
    try:
        return read_bms(clients.bms, draft, operations), None
    except (AuthenticationError, PermissionDeniedError):
        raise
    except ApiError as error:
        return None, error

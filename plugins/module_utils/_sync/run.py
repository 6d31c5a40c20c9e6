# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run for one organization: read, plan, and, unless it is a preview, look again, write and read back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from .._engine import plan_document as plan_documents
from .._engine.errors import InputError, QuotaExceededError, SyncError
from .._engine.reasons import ReasonCode, because
from .._store.settings import SettingsStore
from .bms_writer import BmsWriter
from .duplicates import contacts_beside, note_duplicates, wait_for_others
from .itglue_writer import ItGlueWriter
from .journal import FileJournal, Journal
from .links import Waiting
from .outcomes import Outcomes, latest, reason_of, resume_at
from .plan_file import read_plan
from .planned_run import Replanner, Run, Source, apply_document, named, plan_run, write_document
from .ports import Progress, Services, silent
from .push_check import PushCheck
from .remembering import remember, remember_renamed
from .run_lock import RunLock
from .run_settings import require_own, store_settings
from .snapshot import Request
from .writing import carry_out

__all__ = ["Run", "Source", "run"]


def run(
    services: Services,
    store: SettingsStore,
    request: Request,
    *,
    preview: bool,
    progress: Progress = silent,
    fleet: Source | None = None,
) -> Run:
    """Bring one organization's contacts up to date, or say what that would change.

    `fleet` is where many clients are read at once. What it shows decides no write.

    Raises InputError and SettingsError for bad input, and ApiError where a service cannot be
    read, all before anything is written.
    """
    if request.plan_file and not preview:
        raise InputError(
            "plan_file was given outside check mode. Nothing was written.",
            hint="Run in check mode to make a plan, or omit plan_file to write without one.",
        )
    document = read_plan(request.apply_plan) if request.apply_plan else None
    if document is not None:
        request = request._replace(options=plan_documents.options_of(document, request.options))
    with RunLock(services.itglue.base_url, needed=not preview) as run_lock:
        with _hint_of_unstored_settings(request, preview=preview):
            outcome = _planned(Source(services, store), fleet, request, run_lock, progress, preview=preview)
        if document is not None:
            apply_document(outcome, document, request)
        if outcome.writes:
            names = request.options.bms_adapter_names
            require_own(services.itglue, store, outcome.read.run_settings, outcome.plan.account, names)
        if request.plan_file:
            write_document(outcome, request)
        if run_lock.busy:
            outcome.deferred = True
            outcome.defer(run_lock.reason)
            outcome.warnings.append(because(ReasonCode.NOTHING_WRITTEN, organization=outcome.name))
        elif preview:
            if request.stores_settings and not outcome.refused:
                _store_settings(services, store, outcome, request, preview=True)
        elif not outcome.refused:
            outcome = _write(store, Replanner(services, outcome, request, document), progress)
            if not outcome.refused:
                remember(store, outcome)
        return outcome


def _planned(
    source: Source, fleet: Source | None, request: Request, run_lock: RunLock, progress: Progress, *, preview: bool
) -> Run:
    """The run as it is planned, from what was read for many clients where that is enough.

    It is not where something is to be written, nor where the settings are missing or break a rule.
    """
    planned = None
    if fleet is not None:
        try:
            planned = plan_run(fleet, request, run_lock, progress)
        except InputError:
            planned = None
    if planned is not None and (preview or run_lock.busy or not _may_write(planned, request)):
        return planned
    return plan_run(source, request, run_lock, progress, planned)


def _may_write(planned: Run, request: Request) -> bool:
    return planned.writes or (request.stores_settings and bool(planned.read.run_settings.differences))


@contextmanager
def _hint_of_unstored_settings(request: Request, *, preview: bool) -> Iterator[None]:
    """A run that fails before it writes stores no settings: its message says so where there are any."""
    try:
        yield
    except SyncError as error:
        if request.stores_settings and not preview and (request.office365_settings or request.bms_settings):
            error.hint = " ".join(filter(None, (error.hint, "The declared settings were not stored.")))
        raise


def _write(store: SettingsStore, replanner: Replanner, progress: Progress) -> Run:
    """Look again, and carry out what still holds."""
    services, request = replanner.services, replanner.request
    if replanner.run.writes:
        try:
            replanner.look_again()
        except QuotaExceededError as error:
            _defer(replanner.run, error)
    outcome = replanner.run
    if not outcome.refused:
        # A journal that cannot be opened ends the run before the settings are stored.
        with closing(_journal(outcome, request)) as journal:
            if request.stores_settings:
                _store_settings(services, store, outcome, request, preview=False)
            if outcome.writes:
                remember_renamed(store, outcome)
                _carry_out(replanner, journal, progress)
    return replanner.run


def _store_settings(services: Services, store: SettingsStore, outcome: Run, request: Request, *, preview: bool) -> None:
    store_settings(
        services.itglue,
        store,
        outcome.read.run_settings,
        adapter_names=request.options.bms_adapter_names,
        preview=preview,
    )


def _defer(outcome: Run, error: QuotaExceededError) -> None:
    """Leave everything to the next run, as a quota is used up before anything could be looked at again."""
    outcome.defer(reason_of(error))
    outcome.resume_at = latest(outcome.resume_at, resume_at(error))
    outcome.warnings.append(because(ReasonCode.NOT_LOOKED_AGAIN, said=str(error)))


# -------------------------------------------------------------------------- write


def _carry_out(replanner: Replanner, journal: Journal, progress: Progress) -> None:
    services, request, run = replanner.services, replanner.request, replanner.run
    outcomes = Outcomes((*run.operations, *run.deactivations))
    report = named(progress, run.name)
    organization_id, bms = run.read.snapshot.organization.id, run.planning.findings.bms
    itglue_writer = ItGlueWriter(services.itglue, journal, outcomes, organization_id, replanner, report)
    bms_writer = None
    if bms is not None:
        bms_writer = BmsWriter(services.bms, journal, outcomes, bms.account.id, bms.contacts, report)
    waiting = Waiting(request.options.bms_adapter_names, request.push_wait)
    carry_out(outcomes, itglue_writer, bms_writer, waiting, PushCheck(replanner), report)
    _note_duplicates(replanner, outcomes, itglue_writer, bms_writer)
    outcome = replanner.run
    _show_created(outcome, itglue_writer)
    outcome.turned_out(tuple(outcomes))
    outcome.refused_groups = itglue_writer.refused_as_synced
    outcome.warnings += outcomes.warnings
    outcome.resume_at = latest(outcome.resume_at, outcomes.resume_at)


def _show_created(run: Run, itglue: ItGlueWriter) -> None:
    """The contacts that were created are among those of the run, as the read-back shows them."""
    snapshot, shown = run.read.snapshot, itglue.shown or {}
    contacts = {contact.id: contact for contact in snapshot.contacts}
    contacts |= {ident: shown[ident] for ident in itglue.created if ident in shown and ident not in contacts}
    run.read = run.read._replace(snapshot=replace(snapshot, contacts=tuple(contacts.values())))


def _note_duplicates(replanner: Replanner, outcomes: Outcomes, itglue: ItGlueWriter, bms: BmsWriter | None) -> None:
    """Report whom somebody else has created at the same time, once others that looked before have created too."""
    services, snapshot = replanner.services, replanner.run.read.snapshot
    if itglue.created_at is not None and itglue.created_after is not None:
        wait_for_others(itglue.created_after, itglue.created_at)
    if bms is not None and bms.created_at is not None:
        wait_for_others(bms.looked_at, bms.created_at)
    note_duplicates(
        outcomes,
        lambda: contacts_beside(services.itglue, snapshot),
        itglue.created,
        lambda: () if bms is None else services.bms.contacts(bms.account_id),
        () if bms is None else bms.known,
    )


def _journal(outcome: Run, request: Request) -> Journal:
    if not request.journal_file or not outcome.writes:
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

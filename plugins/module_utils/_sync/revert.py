# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reverting a run with its journal, as far as the APIs allow (guide to plans and journals).

What a revert writes is recorded in the same journal. Contacts are removed from IT Glue by id
alone, and deactivated in BMS, never deleted there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from .._engine.attributes import encode, same_value
from .._engine.errors import ApiError, InputError, NotFoundError, RejectedError, SyncError, quoted
from .._engine.model import BmsContact, BmsId, Contact, ItGlueId, Organization
from .._engine.reasons import Reason, ReasonCode, because
from .._engine.recorded import WriteKind
from .._engine.undo import ITGLUE, Remainder, Reversal, Step, StepKind, undo
from .._store.settings import SettingsStore
from .bms_writer import change_in_bms
from .declaring import Declared
from .journal import FileJournal, Journal, Written
from .journal_reader import RecordedRuns, read_journal
from .look_again import STALE_AFTER, contacts_by_now, is_as_read
from .outcomes import BULK, not_tried, reason_of
from .ports import ItGlue, Services
from .remembering import forget_reverted
from .run_lock import RunLock


@dataclass(slots=True)
class Reverted:
    """What was reverted, or would be in a preview, and what remains as it is."""

    organization: Organization
    tenant_id: str
    steps: list[Step] = field(default_factory=list)
    remainders: list[Remainder] = field(default_factory=list)
    warnings: list[Reason] = field(default_factory=list)
    settings: list[Declared] = field(default_factory=list)
    """The declared settings that differ from the stored ones: a revert shows them, and stores none."""


@dataclass(frozen=True, slots=True)
class _Present:
    """What the services hold before anything is reverted. `read_at` is in seconds since the epoch."""

    contacts: Mapping[ItGlueId, Contact]
    bms_contacts: Mapping[BmsId, BmsContact]
    read_at: float


def revert(
    services: Services, store: SettingsStore, organization: str, journal_file: str, *, preview: bool, version: str
) -> Reverted:
    """Revert the runs that a journal records. What was remembered of the contacts is forgotten.

    Raises InputError for a journal that cannot be read or that is another organization's, and
    ApiError where a service cannot be read, all before anything is written; SyncError where
    another run has the organization.
    """
    runs = read_journal(journal_file)
    found = services.itglue.organization(organization)
    if runs.organization_id != found.id:
        raise InputError(
            f"The journal file {journal_file} is that of the organization {runs.organization_id}, "
            f"not of {quoted(found.name)} ({found.id}).",
            hint="Give the organization that the journal belongs to.",
        )
    with RunLock(services.itglue.base_url, needed=not preview) as run_lock:
        run_lock.acquire(found)
        if run_lock.busy:
            raise SyncError(
                f"{found.name}: nothing was reverted. {run_lock.busy_message}", hint="Run again when it has ended."
            )
        if not preview:
            # Another run may have written to the journal until it let go of the lock.
            runs = read_journal(journal_file)
        present = _read(services, found, runs)
        reversal = _reversal(runs, present)
        if not preview and reversal.steps:
            present = _by_now(services, found, present)
            reversal = _reversal(runs, present)
        outcome = Reverted(found, runs.tenant_id or "", reversal.steps, reversal.remainders)
        if not preview and reversal.steps:
            with closing(_journal(journal_file, runs, version)) as journal:
                outcome.steps = []
                _Reverter(services, runs, journal, present, outcome).take(reversal.steps)
                _read_back(outcome, services.itglue, journal)
            forget_reverted(store, outcome.organization.id, outcome.steps, outcome.warnings)
        return outcome


def _reversal(runs: RecordedRuns, present: _Present) -> Reversal:
    return undo(runs.writes, present.contacts.values(), present.bms_contacts.values(), runs.saved_at)


def _read(services: Services, organization: Organization, runs: RecordedRuns) -> _Present:
    began = time.time()
    contacts = {contact.id: contact for contact in services.itglue.contacts(organization.id)}
    accounts = sorted(runs.written_accounts)
    bms_contacts = {each.id: each for account_id in accounts for each in services.bms.contacts(account_id)}
    return _Present(contacts, bms_contacts, began)


def _by_now(services: Services, organization: Organization, present: _Present) -> _Present:
    """The contacts of IT Glue once more, right before some of them are written: somebody may have worked on one.

    Raises ApiError.
    """
    began = time.time()
    fresh = contacts_by_now(services.itglue, organization.id, tuple(present.contacts.values()), present.read_at)
    if fresh is None:
        return present
    return replace(present, contacts={contact.id: contact for contact in fresh}, read_at=began)


def _journal(path: str, runs: RecordedRuns, version: str) -> Journal:
    about = {key: runs.head.get(key) for key in ("organization", "tenant_id", "account_id")}
    return FileJournal(path, {**about, "version": version, "reverts": True})


# ------------------------------------------------------------------------- steps


@dataclass(slots=True)
class _Reverter:
    """Takes steps. One that is refused does not stop the others, a service that is gone stops its own.

    `present` has just been looked at.
    """

    services: Services
    runs: RecordedRuns
    journal: Journal
    present: _Present
    outcome: Reverted
    looked_at: float = field(default_factory=time.monotonic)
    written: bool = False
    restored: dict[ItGlueId, str] = field(default_factory=dict)

    def take(self, steps: Sequence[Step]) -> None:
        """Take the steps in their order; what was taken, and what remains, is in the outcome."""
        gone: dict[str, ApiError] = {}
        waiting = list(_together(steps))
        while waiting:
            if ITGLUE not in gone and self._is_to_be_looked_at(waiting[0][0]):
                try:
                    waiting = self._by_now(waiting)
                except ApiError as error:
                    gone[ITGLUE] = error
                if not waiting:
                    return
            portion = waiting.pop(0)
            service = portion[0].kind.service
            if service in gone:
                self._remain(portion, gone[service], not_tried(gone[service]))
                continue
            try:
                self._send(portion)
                self.outcome.steps += portion
            except ApiError as error:
                single = isinstance(error, (NotFoundError, RejectedError))
                if single and len(apart := list(_apart(portion))) > 1:
                    waiting[:0] = [[step] for step in apart]
                    continue
                self._remain(portion, error, reason_of(error))
                if not single:
                    gone[service] = error

    def _is_to_be_looked_at(self, step: Step) -> bool:
        """Whether others may have worked on contacts of IT Glue since the last look: steps or a pause for a quota have
        taken long, or contacts are to be removed, with all that anybody has put into them."""
        if step.kind.service != ITGLUE:
            return False
        removes = step.kind == StepKind.REMOVE and self.written
        return removes or time.monotonic() - self.looked_at > STALE_AFTER

    def _by_now(self, waiting: Sequence[Sequence[Step]]) -> list[list[Step]]:
        """What is still to be done, where somebody may have worked on a contact of IT Glue. Raises ApiError."""
        looked_at, known = time.monotonic(), self.present.contacts
        self.present = _by_now(self.services, self.outcome.organization, self.present)
        self.looked_at = looked_at
        steps = [step for portion in waiting for step in portion]
        overtaken = {
            step.id
            for step in steps
            if step.kind.service == ITGLUE and self._is_overtaken(known.get(ItGlueId(step.id)), ItGlueId(step.id))
        }
        if not overtaken:
            return list(map(list, waiting))
        fresh = _reversal(self.runs, self.present)
        for each in fresh.remainders:
            if each.service == ITGLUE and each.id in overtaken and each not in self.outcome.remainders:
                self.outcome.remainders.append(each)
        kept = [step for step in steps if step.kind.service != ITGLUE or step.id not in overtaken]
        again = [step for step in fresh.steps if step.kind.service == ITGLUE and step.id in overtaken]
        return list(_together([*kept, *again]))

    def _is_overtaken(self, known: Contact | None, contact_id: ItGlueId) -> bool:
        """Whether somebody else has changed a contact, or its link, since it was `known` or restored here."""
        contact = self.present.contacts.get(contact_id)
        if contact is None or known is None:
            return contact is not known
        restored_at = self.restored.get(contact_id)
        return not is_as_read(contact, known) and (restored_at is None or contact.updated_at != restored_at)

    def _remain(self, steps: Sequence[Step], error: ApiError, reason: Reason) -> None:
        for step in steps:
            fields = () if step.kind in (StepKind.REMOVE, StepKind.DEACTIVATE) else tuple(step.after)
            remainder = Remainder(step.kind.service, step.id, step.name, fields, reason, error.failure)
            self.outcome.remainders.append(remainder)

    def _send(self, steps: Sequence[Step]) -> None:
        step, self.written = steps[0], True
        if step.kind == StepKind.REMOVE:
            self._remove([ItGlueId(each.id) for each in steps])
        elif step.kind == StepKind.RESTORE:
            self._restore(ItGlueId(step.id), step)
        else:
            self._change_in_bms(BmsId(step.id), step)

    def _remove(self, contact_ids: Sequence[ItGlueId]) -> None:
        rows = [{"id": each, "before": self._image(each), "after": {}} for each in contact_ids]
        with self.journal.record(WriteKind.ITGLUE_DELETE, rows) as entry:
            self.services.itglue.delete_contacts(contact_ids)
            entry.written = [Written(each) for each in contact_ids]

    def _image(self, contact_id: ItGlueId) -> dict[str, Any]:
        contact = self.present.contacts.get(contact_id)
        return {} if contact is None else encode(contact)

    def _restore(self, contact_id: ItGlueId, step: Step) -> None:
        row = {"id": contact_id, "before": dict(step.before), "after": dict(step.after)}
        with self.journal.record(WriteKind.ITGLUE_UPDATE, [row]) as entry:
            restored = self.services.itglue.update_contact(contact_id, step.after)
            entry.written = [Written(contact_id, restored.updated_at)]
            if restored.updated_at:
                self.runs.saved_at[contact_id] = self.restored[contact_id] = restored.updated_at

    def _change_in_bms(self, bms_id: BmsId, step: Step) -> None:
        change_in_bms(self.services.bms, self.journal, bms_id, step.before, step.after)


def _apart(steps: Sequence[Step]) -> Iterator[Step]:
    """What a refused request has in it: whether a bulk is taken as a whole is not published, and
    one attribute that is locked must not keep the others from their former values."""
    for step in steps:
        if step.kind == StepKind.RESTORE and len(steps) == 1:
            for name in step.after:
                yield replace(step, before={name: step.before[name]}, after={name: step.after[name]})
        else:
            yield step


def _together(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Removals that follow one another go in one request; all else goes alone."""
    for kind, run in groupby(steps, key=lambda step: step.kind):
        batch = list(run)
        size = BULK if kind == StepKind.REMOVE else 1
        for start in range(0, len(batch), size):
            yield batch[start : start + size]


# --------------------------------------------------------------------- read back


def _read_back(outcome: Reverted, itglue: ItGlue, journal: Journal) -> None:
    """What IT Glue accepted but does not show was not reverted."""
    written = [step for step in outcome.steps if step.kind in (StepKind.REMOVE, StepKind.RESTORE)]
    if not written:
        return
    try:
        present = {contact.id: contact for contact in itglue.contacts(outcome.organization.id)}
    except ApiError as error:
        outcome.warnings.append(because(ReasonCode.NOT_READ_BACK, said=str(error)))
        return
    contacts = [present[ItGlueId(step.id)] for step in written if step.id in present]
    journal.read_back([Written(contact.id, contact.updated_at) for contact in contacts])
    reason = because(ReasonCode.NOT_SHOWN_AFTER_WRITE, service=ITGLUE)
    for step, fields in _not_shown(written, present):
        outcome.steps.remove(step)
        outcome.remainders.append(Remainder(ITGLUE, step.id, step.name, fields, reason))


def _not_shown(written: Sequence[Step], present: Mapping[ItGlueId, Contact]) -> Iterator[tuple[Step, tuple[str, ...]]]:
    """The steps that IT Glue does not show, the last one first, with the fields that it does not show."""
    removed = {step.id for step in written if step.kind == StepKind.REMOVE}
    later: set[tuple[int, str]] = set()
    for step in reversed(written):
        contact = present.get(ItGlueId(step.id))
        if step.kind == StepKind.REMOVE:
            if contact is not None:
                yield step, ()
            continue
        fields = tuple(
            each
            for each, value in step.after.items()
            if (step.id, each) not in later and not (contact and same_value(contact, each, value))
        )
        later.update((step.id, each) for each in step.after)
        if fields and step.id not in removed:
            yield step, fields

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Taking a run back with its journal, as far as the APIs allow (feature, section 6, "Journal").

What takes a run back is told to the same journal. Contacts are removed from IT Glue by id
alone, and deactivated in BMS, never deleted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from .._engine.attributes import same_value
from .._engine.bms_fields import EMAILS, PHONES, entry_changes
from .._engine.errors import ApiError, InputError, NotFoundError, RejectedError, SyncError, quoted
from .._engine.model import BmsContact, Organization
from .._engine.undo import BMS_CREATE, BMS_SET, DEACTIVATE, REMOVE, RESTORE, Remainder, Step, Undoing, Write, undo
from .journal import Journal, RecordedBms, RecordedItGlue, read_journal
from .run_lock import BUSY, RunLock

BULK = 50
"""Contacts removed in one request, as many as are created in one."""


@dataclass(slots=True)
class Reverted:
    """What was taken back, or would be in a preview, and what remains as it is."""

    organization: Organization
    tenant_id: str
    steps: list[Step] = field(default_factory=list)
    remainders: list[Remainder] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def revert(clients, organization: str, journal_file: str, *, preview: bool, version: str) -> Reverted:
    """Take back the runs that a journal tells of.

    Raises InputError for a journal that cannot be read or that is another organization's, and
    ApiError where a service cannot be read, all before anything is written; SyncError where
    another run has the organization.
    """
    head, writes = read_journal(journal_file)
    found = clients.itglue.organization(organization)
    if head["organization"]["id"] != found.id:
        raise InputError(
            f"The journal file {journal_file} is that of the organization {head['organization']['id']}, "
            f"not of {quoted(found.name)} ({found.id}).",
            hint="Give the organization that the journal belongs to.",
        )
    with RunLock(clients.itglue.base_url, needed=not preview) as run_lock:
        run_lock.acquire(found)
        if run_lock.busy:
            raise SyncError(f"{found.name}: nothing was taken back. {BUSY}", hint="Run again when it has ended.")
        return _revert(clients, found, head, writes, journal_file, preview=preview, version=version)


def _revert(
    clients, found: Organization, head: dict, writes: Sequence[Write], journal_file: str, *, preview: bool, version: str
) -> Reverted:
    contacts = tuple(clients.itglue.contacts(found.id))
    bms_contacts = tuple(_bms_contacts(clients, head, writes))
    undoing = undo(writes, contacts, bms_contacts)
    outcome = Reverted(found, head.get("tenant_id") or "", undoing.steps, undoing.remainders)
    if preview or not undoing.steps:
        return outcome
    journal = Journal(
        journal_file,
        {
            **{key: head.get(key) for key in ("organization", "tenant_id", "account_id")},
            "version": version,
            "reverts": True,
        },
    )
    try:
        itglue = RecordedItGlue(clients.itglue, journal, contacts)
        bms = RecordedBms(clients.bms, journal, bms_contacts) if bms_contacts else None
        _take(outcome, undoing, itglue, bms)
    finally:
        journal.close()
    _read_back(outcome, clients.itglue)
    return outcome


def _bms_contacts(clients, head: dict[str, Any], writes: Sequence[Write]) -> Iterator[BmsContact]:
    """The contacts of the accounts that the journal has written to, where it has."""
    accounts = {row["after"]["account_id"] for write in writes if write.kind == BMS_CREATE for row in write.rows}
    if any(write.kind == BMS_SET for write in writes) and head.get("account_id"):
        accounts.add(head["account_id"])
    for account_id in sorted(accounts):
        yield from clients.bms.contacts(account_id)


def _take(outcome: Reverted, undoing: Undoing, itglue, bms) -> None:
    """Take the steps; one that is refused does not stop the others, a service that is gone stops its own."""
    outcome.steps = []
    gone: dict[str, ApiError] = {}
    waiting = list(_together(undoing.steps))
    while waiting:
        steps = waiting.pop(0)
        service = _service(steps[0])
        if service in gone:
            outcome.remainders += [_left(step, f"Not tried: {gone[service]}") for step in steps]
            continue
        try:
            _send(steps, itglue, bms)
            outcome.steps += steps
        except ApiError as error:
            single = isinstance(error, (NotFoundError, RejectedError))
            if single and len(apart := list(_apart(steps))) > 1:
                waiting[:0] = [[step] for step in apart]
                continue
            outcome.remainders += [_left(step, str(error)) for step in steps]
            if not single:
                gone[service] = error


def _read_back(outcome: Reverted, itglue) -> None:
    """What IT Glue accepted but does not show was not taken back."""
    written = [step for step in outcome.steps if _service(step) == "itglue"]
    if not written:
        return
    try:
        present = {contact.id: contact for contact in itglue.contacts(outcome.organization.id)}
    except ApiError as error:
        outcome.warnings.append(f"What was written to IT Glue could not be read back: {error}")
        return
    removed = {step.id for step in written if step.kind == REMOVE}
    later: set[tuple[int, str]] = set()
    for step in reversed(written):
        contact = present.get(step.id)
        if step.kind == REMOVE:
            missing, fields = contact is not None, ()
        else:
            fields = tuple(
                each
                for each, value in step.after.items()
                if (step.id, each) not in later and not (contact and same_value(contact, each, value))
            )
            later.update((step.id, each) for each in step.after)
            missing = bool(fields) and step.id not in removed
        if missing:
            outcome.steps.remove(step)
            reason = "IT Glue accepted it but does not show it."
            outcome.remainders.append(Remainder("itglue", step.id, step.name, fields, reason))


def _apart(steps: Sequence[Step]) -> Iterator[Step]:
    """What a refused request has in it: whether a bulk is taken as a whole is not published, and
    one attribute that is locked must not keep the others from their former values."""
    for step in steps:
        if step.kind == RESTORE and len(steps) == 1:
            for name in step.after:
                yield replace(step, before={name: step.before[name]}, after={name: step.after[name]})
        else:
            yield step


def _together(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Removals that follow one another go in one request; all else goes alone."""
    for kind, run in groupby(steps, key=lambda step: step.kind):
        batch = list(run)
        size = BULK if kind == REMOVE else 1
        for start in range(0, len(batch), size):
            yield batch[start : start + size]


def _send(steps: Sequence[Step], itglue, bms) -> None:
    step = steps[0]
    if step.kind == REMOVE:
        itglue.delete_contacts([each.id for each in steps])
    elif step.kind == RESTORE:
        itglue.update_contact(step.id, step.after)
    elif EMAILS in step.after:
        bms.patch_emails(step.id, entry_changes(EMAILS, step.before[EMAILS], step.after[EMAILS]))
    elif PHONES in step.after:
        bms.patch_phones(step.id, entry_changes(PHONES, step.before[PHONES], step.after[PHONES]))
    else:
        bms.set_contact(step.id, step.after)


def _service(step: Step) -> str:
    return "itglue" if step.kind in (REMOVE, RESTORE) else "bms"


def _left(step: Step, reason: str) -> Remainder:
    fields = () if step.kind in (REMOVE, DEACTIVATE) else tuple(step.after)
    return Remainder(_service(step), step.id, step.name, fields, reason)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing contacts to IT Glue.

A create is never repeated blindly: after an unclear answer, and after a refused bulk whose rows may
have been taken one by one, the writer looks first. One bad contact does not stop the others; when
a quota is used up, or the service is gone, what is left is deferred to the next run.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .._engine.attributes import encode, groups_of
from .._engine.errors import ApiError, NotFoundError, OutcomeUnknownError, RejectedError
from .._engine.identity import Created, Resembling, find_answered, find_created
from .._engine.model import Contact, ItGlueId
from .._engine.offboarding import ACTIVE
from .._engine.plan import Action, Operation, Push, Subject
from .._engine.reasons import ReasonCode, because
from .._engine.recorded import WriteKind
from .duplicates import note_among
from .journal import Entry, Journal, Written
from .look_again import contacts_since, is_as_read
from .outcomes import BULK, Outcomes, failed, itglue_failed, not_tried
from .planned_run import Replanner
from .ports import Attributes, ItGlue, Progress, silent
from .read_back import NOTHING, Alone, as_read_back, present_contacts, without_refused
from .taken import is_own_change, was_taken, with_taken

_SERVICE = "itglue"
_SYNCED = "synced"
"""What IT Glue says of a contact that it does not change, as another system is its source (IT Glue API, Contacts)."""


class ItGlueWriter:
    """Carries out the IT Glue parts of one plan for one organization.

    `fresh` has the organization's contacts as they were looked at last: the before-images of the journal.
    """

    def __init__(
        self,
        itglue: ItGlue,
        journal: Journal,
        outcomes: Outcomes,
        organization_id: ItGlueId,
        fresh: Replanner,
        progress: Progress = silent,
    ) -> None:
        self._itglue = itglue
        self._journal = journal
        self._outcomes = outcomes
        self._organization_id = organization_id
        self._fresh = fresh
        self._before = {contact.id: contact for contact in fresh.contacts}
        self._resembling = Resembling(fresh.contacts)
        self.created: dict[ItGlueId, Collection[ItGlueId]] = {}
        """The contacts that the run has created, each with the ids of those that were there before."""
        self.created_at: float | None = None  # the last of them, by `time.monotonic`, in seconds
        self.created_after: float | None = None  # when the look before it began, by the same clock
        self._overtaken = False
        self._tried: set[Subject] = set()
        self._planned = {each.subject: each for each in outcomes}
        self._progress = progress
        self._doubtful: dict[Subject, OutcomeUnknownError] = {}
        self.set_in_bms: Collection[Subject] = frozenset()
        """Whose BMS contact the run has made active or inactive."""
        self.unfinished: set[Subject] = set()
        """Whose contact was written in part when the service was gone."""
        self.not_saved: set[Subject] = set()
        """Whose contact IT Glue shows as if it had not been saved again."""
        self.refused_as_synced: dict[Subject, set[str]] = defaultdict(set)
        """Whose contact IT Glue did not change because it is synced with another system, with the groups."""
        self.shown: dict[ItGlueId, Contact] | None = {}
        """What was read back, None where it could not be read."""

    # ------------------------------------------------------------------ portions

    def _write(self, action: Action, write: Callable[[Sequence[Operation]], ApiError | None], participle: str) -> None:
        """Carry out the operations of an action in portions. Once the service takes nothing, the rest is deferred.

        After a pause, and between creates and updates, contacts are looked at again before the next portion:
        the operations that are still to be tried may be others then.
        """
        tried = done = 0
        while waiting := self._waiting(action):
            if self._fresh.is_stale or (self._overtaken and action == Action.UPDATE):
                try:
                    self._look_again()
                except ApiError as error:
                    self._defer(waiting, error)
                    return
                continue
            portion, later = waiting[:BULK], waiting[BULK:]
            self._tried.update(each.subject for each in portion)
            tried += len(portion)
            if stopped := write(portion):
                self._defer(later, stopped)
                return
            now = [self._outcomes[each.subject].itglue for each in portion]
            done += sum(part.action == action for part in now)
            self._progress(f"IT Glue: {done} of {tried + len(later)} contacts {participle}")

    def _waiting(self, action: Action) -> list[Operation]:
        return self._outcomes.those(lambda each: each.itglue.action == action and each.subject not in self._tried)

    def _look_again(self) -> None:
        """Take over what is to be done by now of what is still to be tried. Raises ApiError."""
        tried = {subject: self._outcomes[subject].itglue.contact_id for subject in self._tried}
        for operation in self._fresh.look_again(tried):
            if operation.subject not in self._planned:
                continue
            now, planned = self._outcomes[operation.subject], self._planned[operation.subject]
            if operation.subject in self.set_in_bms:
                operation = _as_set_in_bms(operation, now)
            self._planned[operation.subject] = operation
            if not now.itglue.writes or operation.subject in self._tried or operation == planned:
                continue
            if now == planned:
                self._outcomes.put(operation)
            else:
                # A failure in BMS has taken something out of it, which the fresh operation has again.
                reason = because(ReasonCode.CHANGED_SINCE_READ, changed=[])
                self._outcomes.put(now.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=reason))
        self._before = {contact.id: contact for contact in self._fresh.contacts}
        self._resembling = Resembling(self._fresh.contacts)
        self._overtaken = False

    # -------------------------------------------------------------------- create

    def create(self) -> None:
        """Create the contacts that the plan creates."""
        self._write(Action.CREATE, self._create_portion, "created")

    def _create_portion(self, operations: Sequence[Operation]) -> ApiError | None:
        """In one request, and one by one what is not there then; the error where the service takes nothing now."""
        try:
            missing, dummy = self._attempt(operations)
        except ApiError as error:
            self._fail(operations, error)
            return error
        for number, operation in enumerate(missing, 1):
            try:
                self._create_alone(operation)
            except ApiError as error:
                self._fail([operation], error)
                self._defer(missing[number:], error)
                return error
        return None

    def _create_alone(self, operation: Operation) -> None:
        """Tried twice only where a look in between did not find it."""
        missing, error = self._attempt([operation])
        if missing and error:
            missing, error = self._attempt([operation])
        if not missing:
            return
        if error:
            self._outcomes.put(itglue_failed(operation, error))
        else:
            reason = because(ReasonCode.CREATE_NOT_SHOWN, service=_SERVICE)
            self._outcomes.put(operation.withheld(itglue=Action.FAILED, reason=reason))

    def _attempt(self, operations: Sequence[Operation]) -> tuple[list[Operation], ApiError | None]:
        """Send one create, and look for what its answer does not show: whose contact is not there, and the error.

        Raises ApiError where the service takes nothing now.
        """
        wanted = [each.wanted for each in operations]
        rows = self._rows_to_create(operations)
        found: list[Created[Contact]] = [Created() for dummy in operations]
        problem: ApiError | None = None
        entry = None
        try:
            with self._journal.record(WriteKind.ITGLUE_CREATE, rows) as entry:
                answered = self._itglue.create_contacts(self._organization_id, [each["after"] for each in rows])
                found = find_answered(wanted, answered)
                entry.written = [_written(each.record) for each in found]
        except RejectedError as error:
            if len(operations) == 1:
                self._outcomes.put(itglue_failed(operations[0], error))
                return [], None
            # Whether a bulk request is taken as a whole is not published.
            problem = error
        except OutcomeUnknownError as error:
            problem = error
        for operation, each in zip(operations, found, strict=True):
            self._note_created(operation, each)
        unseen = {row: operations[row] for row, each in enumerate(found) if each.record is None}
        missing = self._look_for(entry, unseen) if unseen and entry else []
        return missing, problem

    def _rows_to_create(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        """What the journal records of a create: beside the attributes the contacts that resemble the new one."""

        def row(operation: Operation) -> dict[str, Any]:
            alike = [known.id for known in self._resembling.to(operation.wanted)]
            return {"id": None, "before": {}, "after": dict(operation.itglue.after), "alike": alike}

        return list(map(row, operations))

    def _look_for(self, entry: Entry, unseen: Mapping[int, Operation]) -> list[Operation]:
        """The operations whose contact is not in IT Glue. What was found is noted, here and in the journal."""
        try:
            present = list(self._itglue.contacts(self._organization_id))
        except ApiError as error:
            self._journal.resolve(entry, dict.fromkeys(unseen))
            reason = because(ReasonCode.WRITE_UNCLEAR, service=_SERVICE, said=str(error))
            for operation in unseen.values():
                self._outcomes.put(failed(operation.withheld(itglue=Action.FAILED, reason=reason), error))
            return []
        known = self._before.keys() | self.created.keys()
        found = find_created([operation.wanted for operation in unseen.values()], present, known)
        self._journal.resolve(entry, dict(zip(unseen, found, strict=True)))
        missing = []
        for operation, each in zip(unseen.values(), found, strict=True):
            if each.is_unclear:
                reason = because(ReasonCode.SEVERAL_ALIKE, contact_ids=sorted(one.id for one in each.alike))
                self._outcomes.put(operation.withheld(itglue=Action.FAILED, reason=reason))
            elif each.record is None:
                missing.append(operation)
            self._note_created(operation, each)
        return missing

    def _note_created(self, operation: Operation, found: Created[Contact]) -> None:
        if found.record is not None:
            self.created[found.record.id] = self._before.keys()
            self.created_after, self.created_at = self._fresh.looked_at, time.monotonic()
            self._overtaken = True
            self._outcomes.put(operation._replace(itglue=operation.itglue._replace(contact_id=found.record.id)))

    # -------------------------------------------------------------------- update

    def update(self) -> None:
        """Change the contacts that the plan changes."""
        self._write(Action.UPDATE, self._update_portion, "updated")

    def _update_portion(self, operations: Sequence[Operation]) -> ApiError | None:
        """In one request if IT Glue takes it; the error where the service takes nothing now."""
        try:
            self._send_updates([(_contact_id(each), each.itglue.after) for each in operations])
        except (RejectedError, NotFoundError):
            left = self._not_taken(operations)
            self._tried.difference_update(each.subject for each in left)
            for number, operation in enumerate(left, 1):
                if error := self._update_alone(operation, was_sent=len(operations) > 1):
                    self._defer(left[number:], error)
                    return error
        except OutcomeUnknownError as error:
            for operation in operations:
                self._doubtful[operation.subject] = error
            return error
        except ApiError as error:
            self._fail(operations, error)
            return error
        return None

    def _send_updates(self, rows: Sequence[tuple[ItGlueId, Attributes]], *, alone: bool = False) -> None:
        """One request, recorded: the bulk one, or that of one contact `alone`."""
        recorded = [
            {"id": each, "before": self._before_image(each, attributes), "after": dict(attributes)}
            for each, attributes in rows
        ]
        with self._journal.record(WriteKind.ITGLUE_UPDATE, recorded) as entry:
            shown = [self._itglue.update_contact(*rows[0])] if alone else self._itglue.update_contacts(rows)
            updated = {each.id: each for each in shown}
            entry.written = [_written(updated.get(each), each) for each, dummy in rows]

    def _before_image(self, contact_id: ItGlueId, attributes: Attributes) -> dict[str, Any]:
        before = self._before.get(contact_id)
        return {} if before is None else encode(before, attributes)

    def _not_taken(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        """Those of a refused bulk request that it did not write.

        Whether it is taken as a whole is not published, and what was written may be linked to BMS
        by now, so that a second write of the same would be refused.
        """
        if len(operations) == 1:
            return operations
        try:
            present = self.present(operations)
        except ApiError:
            return operations
        return [each for each in operations if not was_taken(each, present.get(_contact_id(each)))]

    def _update_alone(self, planned: Operation, *, was_sent: bool) -> ApiError | None:
        """One contact, without the attribute groups that IT Glue refuses; the error where the
        service takes nothing now. A request of several that was refused may have written a part of it."""
        try:
            fresh = self._by_now(planned, was_sent=was_sent)
        except ApiError as error:
            self._fail([planned], error)
            return error
        self._tried.add(fresh.subject)
        present = self._before.get(_contact_id(planned))
        operation, taken = with_taken(fresh, planned, present) if was_sent else (fresh, set[str]())
        if not operation.itglue.writes:
            return None
        waiting = {name: value for name, value in operation.itglue.after.items() if name not in taken}
        alone = Alone([waiting] if waiting else [], taken)
        while alone.waiting and not alone.error:
            self._send_alone(operation, alone)
        if alone.error and not alone.taken:
            self._fail([operation], alone.error)
        else:
            self._note_alone(operation, alone)
        return None if isinstance(alone.error, NotFoundError) else alone.error

    def _by_now(self, operation: Operation, *, was_sent: bool) -> Operation:
        """The operation on a contact that somebody else may have changed since the look. Raises ApiError."""
        contact_id = _contact_id(operation)
        with suppress(NotFoundError):
            contact, known = self._itglue.contact(contact_id), self._before.get(contact_id)
            if known is not None and was_sent and is_own_change(contact, known, operation):
                self._before[contact_id] = contact
            elif known is not None and not is_as_read(contact, known):
                self._look_again()
        return self._outcomes[operation.subject]

    def _send_alone(self, operation: Operation, alone: Alone) -> None:
        attributes = alone.waiting.pop(0)
        try:
            self._send_updates([(_contact_id(operation), attributes)], alone=True)
            alone.taken.update(attributes)
        except RejectedError as error:
            refused, rest = without_refused(attributes, error)
            if _SYNCED in error.said.casefold():
                self.refused_as_synced[operation.subject].update(refused)
            alone.locked += refused
            alone.reasons += [because(ReasonCode.ATTRIBUTES_LOCKED, said=str(error))] if refused else []
            alone.waiting += rest
        except OutcomeUnknownError as error:
            alone.taken.update(attributes)
            self._doubtful[operation.subject] = error
            alone.error = error
        except ApiError as error:
            alone.waiting.append(attributes)
            alone.error = error

    def _note_alone(self, operation: Operation, alone: Alone) -> None:
        part = operation.itglue
        reasons = [each for number, each in enumerate(alone.reasons) if each not in alone.reasons[:number]]
        if alone.waiting and alone.error:
            self.unfinished.add(operation.subject)
            fields = groups_of(each for attributes in alone.waiting for each in attributes)
            reasons.append(because(ReasonCode.WRITTEN_IN_PART, fields=list(fields), said=str(alone.error)))
            operation = failed(operation, alone.error)
        written = part.with_only(alone.taken)._replace(locked=tuple(sorted(alone.locked)))
        self._outcomes.put(operation._replace(itglue=written).because(*reasons))

    # ----------------------------------------------------------------- read back

    def read_back(self) -> None:
        """See what IT Glue holds of all that was written, and of all that is about to be pushed."""
        known = self._outcomes.those(lambda each: each.itglue.contact_id is not None)
        written = [each for each in known if each.itglue.writes]
        pushed = [each for each in known if each.bms.push == Push.PUSHED and not each.itglue.writes]
        if not written and not pushed:
            return
        try:
            # Those that somebody else has created meanwhile are among them.
            since = (self._organization_id, tuple(self._fresh.contacts), self._fresh.read_at)
            changed = contacts_since(self._itglue, *since)[0] if self.created else NOTHING
            self.shown = present = self.present([*written, *pushed], changed)
        except ApiError as error:
            self.shown = None
            self._outcomes.warn(ReasonCode.NOT_READ_BACK, said=str(error))
            for subject, doubt in self._doubtful.items():
                self._outcomes.put(itglue_failed(self._outcomes[subject], doubt))
            return
        self._journal.read_back([_written(present.get(_contact_id(each)), _contact_id(each)) for each in written])
        for operation in written:
            self._note_read_back(operation, present.get(_contact_id(operation)))
        note_among(self._outcomes, present.values(), self.created)

    def _note_read_back(self, operation: Operation, present: Contact | None) -> None:
        if operation.itglue.resaves and present and not was_taken(operation, present):
            self.not_saved.add(operation.subject)
        part = as_read_back(operation, present)
        doubt = self._doubtful.get(operation.subject)
        if doubt and not part.after:
            self._outcomes.put(itglue_failed(operation, doubt))
            return
        self._outcomes.put(operation._replace(itglue=part))
        if part.unapplied:
            self._outcomes.warn(
                ReasonCode.UNAPPLIED,
                user=operation.user,
                contact_id=part.contact_id,
                fields=list(part.unapplied),
            )

    def present(
        self, written: Sequence[Operation], changed: Mapping[ItGlueId, Contact] = NOTHING
    ) -> dict[ItGlueId, Contact]:
        """The written contacts as they are now, in as few requests as it takes, beside those that are `changed`."""
        total = len(self._before) + len(self.created)
        return present_contacts(self._itglue, self._organization_id, map(_contact_id, written), total, changed)

    # ------------------------------------------------------------------ failures

    def _fail(self, tried: Iterable[Operation], error: ApiError) -> None:
        for operation in tried:
            self._outcomes.put(itglue_failed(operation, error))

    def _defer(self, later: Iterable[Operation], error: ApiError) -> None:
        """The service takes nothing now: what was not tried is for the next run."""
        self._outcomes.note_quota(error)
        for operation in later:
            self._outcomes.put(operation.withheld(itglue=Action.DEFERRED, reason=not_tried(error)))


def _contact_id(operation: Operation) -> ItGlueId:
    if operation.itglue.contact_id is None:
        raise ValueError(f"The operation of {operation.user} has no contact yet.")
    return operation.itglue.contact_id


def _written(contact: Contact | None, contact_id: ItGlueId | None = None) -> Written:
    return Written(contact_id, None) if contact is None else Written(contact.id, contact.updated_at)


def _as_set_in_bms(operation: Operation, now: Operation) -> Operation:
    """An operation that was planned anew, with what the run has done before: a fresh look at BMS finds it done."""
    part = operation.bms._replace(
        contact_id=now.bms.contact_id,
        before={**operation.bms.before, ACTIVE: now.bms.before[ACTIVE]},
        after={**operation.bms.after, ACTIVE: now.bms.after[ACTIVE]},
    )
    return operation._replace(bms=part)

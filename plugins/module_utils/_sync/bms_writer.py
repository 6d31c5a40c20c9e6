# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing contacts to BMS, side by side, since BMS has no bulk requests.

After an unclear answer to a create the writer looks first. What fails is for the next run.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from .._engine.bms_fields import EMAILS, PHONES, SHOWN, encode, entry_changes, same_value
from .._engine.errors import ApiError, NotFoundError, OutcomeUnknownError, QuotaExceededError, RejectedError
from .._engine.identity import Created, Resembling, find_created, names_of
from .._engine.model import BmsContact, BmsId
from .._engine.offboarding import ACTIVE, CONTACT_TYPE
from .._engine.plan import Action, BmsPart, Operation, Push, Subject
from .._engine.reasons import ReasonCode, because
from .._engine.recorded import WriteKind
from .journal import Entry, Journal, Written
from .outcomes import BULK, Outcomes, bms_failed, failed, itglue_failed, not_tried, reason_of, side_by_side
from .ports import Attributes, Bms, Progress, silent

LISTS = (EMAILS, PHONES)

_SERVICE = "bms"


@dataclass(frozen=True, slots=True)
class _Unclear:
    """A create whose outcome is not known. `entry` is None where the journal could not even begin one."""

    operation: Operation
    entry: Entry | None
    error: OutcomeUnknownError


class BmsWriter:
    """Carries out the BMS parts of one plan, in one account.

    `known` are the account's contacts as they were read: the before-images of the journal.
    """

    def __init__(
        self,
        bms: Bms,
        journal: Journal,
        outcomes: Outcomes,
        account_id: BmsId,
        known: Iterable[BmsContact],
        progress: Progress = silent,
    ) -> None:
        self._bms = bms
        self._journal = journal
        self._outcomes = outcomes
        self.account_id = account_id
        self._before = {contact.id: contact for contact in known}
        self.looked_at = time.monotonic()
        """When the account's contacts were known last, by `time.monotonic`, in seconds."""
        self.created_at: float | None = None
        """When the last contact was created, by the same clock."""
        self._alike: Mapping[Subject, list[BmsId]] = {}
        """The contacts that were there and resemble the new one of a subject."""
        self._checked: set[BmsId] = set()
        self._progress = progress

    def know(self, contacts: Iterable[BmsContact]) -> None:
        """Take over the account's contacts as they were looked at last."""
        self.looked_at = time.monotonic()
        self._before = {contact.id: contact for contact in contacts}

    @property
    def known(self) -> Collection[BmsId]:
        """The ids of the account's contacts as they were looked at last."""
        return self._before.keys()

    # ------------------------------------------------------ departed, and returned

    def set_active(self) -> frozenset[Subject]:
        """Make active who has returned, and inactive who has departed, before the contact type in IT Glue says so:
        by the type the next run sees who has been dealt with in BMS, and would not look there again. Returns for whom
        it was done."""
        waiting = self._outcomes.those(lambda each: ACTIVE in each.bms.after)
        done = {each.subject for each in waiting}
        for operation, error in self._set_each([(each, {ACTIVE: each.bms.after[ACTIVE]}) for each in waiting]):
            if error is None:
                continue
            done.discard(operation.subject)
            returns = operation.bms.after[ACTIVE] is True
            self._outcomes.put(_stays_departed(operation, error) if returns else _stays_active(operation, error))
        return frozenset(done)

    # -------------------------------------------------------------------- create

    def create(self) -> None:
        """Create the contacts that the plan pushes. What is not found after an unclear answer is tried once more."""
        waiting = self._outcomes.those(lambda each: each.bms.push == Push.PUSHED)
        before = Resembling(self._before.values())
        self._alike = {each.subject: [known.id for known in before.to(_new(each))] for each in waiting}
        missing: list[_Unclear] = []
        for dummy in range(2):
            missing = self._look_for(self._create_each(waiting))
            waiting = [each.operation for each in missing]
        for each in missing:
            self._outcomes.put(bms_failed(each.operation, each.error))

    def _create_each(self, pushes: Sequence[Operation]) -> list[_Unclear]:
        """Create side by side; those whose outcome is not known."""
        stopped: list[ApiError] = []

        def create(operation: Operation) -> _Unclear | None:
            if stopped:
                self._outcomes.put(operation.withheld(bms=Push.DEFERRED, reason=not_tried(stopped[0])))
                return None
            try:
                return self._create_one(operation)
            except ApiError as error:
                if not isinstance(error, RejectedError):
                    stopped.append(error)
                    self._outcomes.note_quota(error)
                self._outcomes.put(bms_failed(operation, error))
            return None

        unclear, pushed = [], 0
        for number, (operation, doubt) in enumerate(side_by_side(create, pushes), 1):
            if doubt:
                unclear.append(doubt)
            pushed += self._outcomes[operation.subject].bms.contact_id is not None
            if number % BULK == 0 or number == len(pushes):
                self._progress(f"BMS: {pushed} of {len(pushes)} contacts pushed")
        return unclear

    def _create_one(self, operation: Operation) -> _Unclear | None:
        """Create one contact; the doubt where its outcome is not known. Raises ApiError for other failures."""
        contact = _new(operation)
        row = {"id": None, "before": {}, "after": asdict(contact), "alike": self._alike[operation.subject]}
        entry = None
        try:
            with self._journal.record(WriteKind.BMS_CREATE, [row]) as entry:
                bms_id = self._bms.create_contact(contact)
                entry.written = [Written(bms_id)]
        except OutcomeUnknownError as error:
            return _Unclear(operation, entry, error)
        self._note_created(operation, bms_id)
        return None

    def _look_for(self, unclear: Sequence[_Unclear]) -> list[_Unclear]:
        """Those whose contact is not in BMS. What was found is noted, here and in the journal."""
        if not unclear:
            return []
        try:
            present = self._bms.contacts(self.account_id)
        except ApiError as error:
            reason = because(ReasonCode.WRITE_UNCLEAR, service=_SERVICE, said=str(error))
            for each in unclear:
                self._resolve(each.entry, None)
                self._outcomes.put(failed(each.operation.withheld(bms=Push.FAILED, reason=reason), error))
            return []
        others = {each.bms.contact_id for each in self._outcomes if each.bms.contact_id is not None}
        wanted = [_new(each.operation) for each in unclear]
        found = find_created(wanted, present, self._before.keys() | others)
        return [each for each, created in zip(unclear, found, strict=True) if self._is_missing(each, created)]

    def _is_missing(self, unclear: _Unclear, found: Created[BmsContact]) -> bool:
        """Whether a contact is not in BMS; what is there instead is noted."""
        self._resolve(unclear.entry, found)
        if found.record is not None:
            self._note_created(unclear.operation, found.record.id)
        elif found.alike:
            reason = because(ReasonCode.SEVERAL_ALIKE, bms_contact_ids=sorted(each.id for each in found.alike))
            self._outcomes.put(unclear.operation.withheld(bms=Push.FAILED, reason=reason))
        return not found.alike

    def _resolve(self, entry: Entry | None, found: Created[BmsContact] | None) -> None:
        if entry is not None:
            self._journal.resolve(entry, {0: found})

    def _note_created(self, operation: Operation, bms_id: BmsId) -> None:
        self.created_at = time.monotonic()
        self._outcomes.put(operation._replace(bms=operation.bms._replace(contact_id=bms_id)))

    # -------------------------------------------------------------- single fields

    def set_fields(self) -> None:
        """Set single fields: job titles of new BMS contacts, since BMS takes none on creation (BMS API,
        `ContactInputDto`), and what changes of others.

        A failure is a warning: the next run sets it.
        """
        waiting = [(each, values) for each in self._outcomes if (values := _single_fields(each))]
        failures: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for operation, error in self._set_each(waiting):
            if error:
                fields = tuple(_single_fields(operation))
                failures.setdefault((fields, str(error)), []).append(operation.user)
                self._outcomes.put(_not_applied(operation, fields))
        for (fields, said), users in failures.items():
            self._outcomes.warn(ReasonCode.BMS_FIELDS_NOT_SET, fields=list(fields), users=users, said=said)

    def _set_each(self, waiting: Sequence[tuple[Operation, Attributes]]) -> Iterator[tuple[Operation, ApiError | None]]:
        """Set values of BMS contacts side by side; each operation with its error."""
        stopped: list[ApiError] = []

        def set_values(work: tuple[Operation, Attributes]) -> ApiError | None:
            if stopped:
                return stopped[0]
            try:
                self._set(work[0], work[1])
            except ApiError as error:
                if not isinstance(error, (RejectedError, NotFoundError)):
                    stopped.append(error)
                    self._outcomes.note_quota(error)
                return error
            return None

        for (operation, dummy), error in side_by_side(set_values, waiting):
            yield operation, error

    def _require_as_planned(self, operation: Operation, fields: Iterable[str]) -> None:
        """Raise RejectedError where somebody has given the BMS contact other names, or another value of a field,
        since the operation was planned."""
        bms_id = _bms_id(operation)
        known = self._before.get(bms_id)
        if known is None or bms_id in self._checked:
            return
        present = self._bms.contact(bms_id)
        # Whether a contact is active is not published for the answer that shows one contact.
        each = [field for field in fields if field not in (*LISTS, ACTIVE)]
        before, now = {**encode(known, each), **operation.bms.before}, encode(present, each)
        if names_of(present) != names_of(known) or not all(same_value(name, before[name], now[name]) for name in each):
            raise RejectedError(f"Somebody has changed BMS contact {bms_id} since it was read.", service=_SERVICE)
        self._checked.add(bms_id)

    def _set(self, operation: Operation, values: Attributes) -> None:
        self._require_as_planned(operation, values)
        bms_id = _bms_id(operation)
        known = self._before.get(bms_id)
        before = encode(known, values) if known else dict.fromkeys(values)
        change_in_bms(self._bms, self._journal, bms_id, before, values)

    # ------------------------------------------------------------ lists of entries

    def change_entries(self, field: str) -> None:
        """Change e-mails or phones of BMS contacts that are there.

        A release of BMS without a way to change them is asked once. A failure is a warning: the next
        run tries it again.
        """
        stopped: list[ApiError] = []
        failures: dict[str, list[str]] = {}

        def change(operation: Operation) -> ApiError | None:
            if stopped:
                return stopped[0]
            error = self._change(operation, field)
            if error and self._concerns_all(operation, error):
                stopped.append(error)
                self._outcomes.note_quota(error)
            return error

        def note(operation: Operation, error: ApiError | None) -> None:
            if error:
                self._outcomes.put(_not_applied(operation, [field]))
                failures.setdefault(str(error), []).append(operation.user)

        waiting = self._outcomes.those(lambda each: field in each.bms.after)
        unknown = True
        while waiting and unknown:
            # One alone, until it is known whether there is a way.
            operation = waiting.pop(0)
            error = change(operation)
            note(operation, error)
            unknown = error is not None and not stopped
        for operation, error in side_by_side(change, waiting):
            note(operation, error)
        for said, users in failures.items():
            self._outcomes.warn(ReasonCode.BMS_FIELDS_NOT_SET, fields=[field], users=users, said=said)

    def _change(self, operation: Operation, field: str) -> ApiError | None:
        """What came of one; after an answer that was lost, a look at the contact tells."""
        bms_id, part = _bms_id(operation), operation.bms
        before, after = {field: part.before[field]}, {field: part.after[field]}
        try:
            self._require_as_planned(operation, ())
            change_in_bms(self._bms, self._journal, bms_id, before, after)
        except OutcomeUnknownError as error:
            with suppress(ApiError):
                present = encode(self._bms.contact(bms_id), [field])[field]
                return None if same_value(field, present, part.after[field]) else error
            return error
        except ApiError as error:
            return error
        return None

    def _concerns_all(self, operation: Operation, error: ApiError) -> bool:
        """Whether an error says that no other contact can be changed either."""
        if not isinstance(error, (RejectedError, NotFoundError, OutcomeUnknownError)):
            return True
        if not isinstance(error, NotFoundError):
            return False
        # What was not found is the way to change entries, and not the contact.
        with suppress(ApiError):
            self._bms.contact(_bms_id(operation))
            return True
        return False


def change_in_bms(bms: Bms, journal: Journal, bms_id: BmsId, before: Attributes, after: Attributes) -> None:
    """Change a list of entries of a BMS contact, or its single fields, and record it."""
    row = {"id": bms_id, "before": dict(before), "after": dict(after)}
    with journal.record(WriteKind.BMS_SET, [row]) as entry:
        if EMAILS in after:
            bms.patch_emails(bms_id, entry_changes(EMAILS, before[EMAILS], after[EMAILS]))
        elif PHONES in after:
            bms.patch_phones(bms_id, entry_changes(PHONES, before[PHONES], after[PHONES]))
        else:
            bms.set_contact(bms_id, after)
        entry.written = [Written(bms_id)]


def _new(operation: Operation) -> BmsContact:
    if operation.bms.create is None:
        raise ValueError(f"The operation of {operation.user} creates nothing in BMS.")
    return operation.bms.create


def _bms_id(operation: Operation) -> BmsId:
    if operation.bms.contact_id is None:
        raise ValueError(f"The operation of {operation.user} has no BMS contact.")
    return operation.bms.contact_id


def _single_fields(operation: Operation) -> dict[str, Any]:
    """The single fields of a BMS contact that are still to be set; whether it is active has been set before."""
    part = operation.bms
    values = {name: value for name, value in part.after.items() if name not in (*LISTS, ACTIVE)}
    if part.push == Push.PUSHED and part.create is not None and part.create.job_title:
        values["JobTitle"] = part.create.job_title
    return values


def _not_applied(operation: Operation, fields: Iterable[str]) -> Operation:
    """The operation with fields of its BMS contact that stay as they are."""
    part, lost = operation.bms, set(fields)
    create = part.create
    if create is not None and "JobTitle" in lost:
        create = replace(create, job_title=None)
    unapplied = sorted({*part.unapplied, *(SHOWN[each] for each in lost)})
    return operation._replace(bms=_without(part, lost)._replace(create=create, unapplied=tuple(unapplied)))


def _without(part: BmsPart, fields: Iterable[str]) -> BmsPart:
    lost = set(fields)
    return part._replace(
        before={name: value for name, value in part.before.items() if name not in lost},
        after={name: value for name, value in part.after.items() if name not in lost},
    )


def _stays_departed(operation: Operation, error: ApiError) -> Operation:
    """The operation of somebody who has returned and cannot be made active: the contact type says `departed`
    until the next run."""
    operation = operation._replace(bms=_without(operation.bms, [ACTIVE]))
    part = operation.itglue.with_only(operation.itglue.after.keys() - {CONTACT_TYPE})
    if not part.after:
        return itglue_failed(operation, error)
    reason = because(ReasonCode.RETURN_DEFERRED, said=str(error))
    return failed(operation._replace(itglue=part).because(reason), error)


def _stays_active(operation: Operation, error: ApiError) -> Operation:
    """The operation of somebody who has departed and cannot be made inactive: IT Glue says nothing of it until the
    next run."""
    operation = operation._replace(bms=_without(operation.bms, [ACTIVE]))
    if operation.itglue.writes:
        return itglue_failed(operation, error)
    action = Action.DEFERRED if isinstance(error, QuotaExceededError) else Action.FAILED
    part = operation.itglue._replace(action=action)
    return failed(operation._replace(itglue=part).because(reason_of(error)), error)

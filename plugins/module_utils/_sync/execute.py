# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Writing contacts to IT Glue and BMS. Nothing else in the collection does.

A plan comes in, the same operations go out with what became of them. A create is never
repeated blindly: after an unclear answer, and after a refused bulk whose rows may have been
taken one by one, the writer looks first. One bad contact does not stop the others; when a
quota is used up, or a service is gone, what is left is deferred to the next run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from .._engine.attributes import EMAILS, GROUPS, PHONES, comparable, decode, encode
from .._engine.bms_fields import EMAILS as EMAILS_IN_BMS
from .._engine.bms_fields import PHONES as PHONES_IN_BMS
from .._engine.bms_fields import SHOWN, entry_changes
from .._engine.bms_fields import encode as encode_in_bms
from .._engine.bms_fields import same_value as same_in_bms
from .._engine.bms_lookup import bms_addresses
from .._engine.errors import ApiError, NotFoundError, OutcomeUnknownError, QuotaExceededError, RejectedError
from .._engine.model import BmsContact, Contact
from .._engine.plan import CREATE, DEFERRED, FAILED, PENDING, PUSHED, UNCHANGED, UPDATE, Operation, Plan
from .._engine.text import contact_addresses, name

BULK = 50
"""Contacts in one bulk request. No limit is published; 50 is in use (IT Glue API, Contacts)."""

PARALLEL = 8
"""BMS creates under way at once: BMS has no bulk create."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds between two looks at whether IT Glue has linked a contact."""

TYPE = "contact-type-id"

TOUCH = "touch"
"""What is `unapplied` of a contact that was to be saved as it is."""

PAGE = 1000
"""Contacts on a page of IT Glue's list at most (IT Glue API, paging)."""

T = TypeVar("T")


class Link(NamedTuple):
    """That a contact is linked to BMS, and to which contact there, where IT Glue tells it."""

    bms_contact_id: int | None


class Writer:
    """Carries out one plan for one organization.

    `link` says how a contact is linked to BMS, None for one that is not, and `push_wait` for how
    many seconds the links that IT Glue makes by itself are waited for.
    """

    def __init__(
        self,
        itglue,
        bms,
        organization_id: int,
        known: Iterable[Contact],
        *,
        progress: Callable[[str], None] | None = None,
        link: Callable[[Contact], Link | None] = lambda contact: None,
        push_wait: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._push_wait = push_wait
        self._sleep = sleep
        self._clock = clock
        self._itglue = itglue
        self._bms = bms
        self._organization_id = organization_id
        self._known = {contact.id for contact in known}
        self._operations: dict[str, Operation] = {}
        self._doubtful: dict[str, OutcomeUnknownError] = {}
        # Users whose contact was written in part when the service was gone.
        self._unfinished: set[str] = set()
        # Users whose contact IT Glue shows as if it had not been saved again.
        self._untouched: set[str] = set()
        self._progress = progress or (lambda line: None)
        self.warnings: list[str] = []
        self.resume_at: float | None = None

    def carry_out(self, plan: Plan) -> tuple[Operation, ...]:
        """Write what the plan says; the operations and then the deactivations, as they turned out."""
        self._operations = {each.user_id: each for each in (*plan.operations, *plan.deactivations)}
        self._create(self._with(lambda each: each.action == CREATE))
        self._bring_back()
        self._update(self._with(lambda each: each.action == UPDATE))
        self._read_back()
        self._hold_back_pushes()
        if plan.account is not None:
            self._push(plan.account.id)
            self._set_in_bms()
            self._change_entries(EMAILS_IN_BMS)
            self._change_entries(PHONES_IN_BMS)
        self._await_links()
        self._note_untouched()
        return tuple(self._operations.values())

    def _with(self, wanted: Callable[[Operation], bool]) -> list[Operation]:
        return [each for each in self._operations.values() if wanted(each)]

    def _turned_out(self, operation: Operation, **changes: Any) -> None:
        self._operations[operation.user_id] = replace(self._operations[operation.user_id], **changes)

    def _lost(self, operation: Operation, action: str, reason: str) -> None:
        """Nothing of the operation was written to IT Glue."""
        self._turned_out(operation, action=action, before={}, after={}, reason=reason)

    # ------------------------------------------------------------ IT Glue: create

    def _create(self, operations: Sequence[Operation]) -> None:
        for chunk, later in _chunks(operations):
            try:
                left = self._note_created(chunk, self._create_contacts(chunk), _same_person, _same_name)
            except (RejectedError, OutcomeUnknownError):
                # Whether a bulk request is taken as a whole is not published.
                left = chunk
            except ApiError as error:
                self._give_up(chunk, later, error)
                return
            if left and (error := self._create_apart(self._look_for(left))):
                self._give_up((), later, error)
                return
            self._progress(f"IT Glue: {len(operations) - len(later)} of {len(operations)} contacts created")

    def _create_contacts(self, operations: Iterable[Operation]) -> list[Contact]:
        return self._itglue.create_contacts(self._organization_id, [each.after for each in operations])

    def _create_apart(self, operations: Sequence[Operation]) -> ApiError | None:
        """One by one; the error where the service takes nothing now."""
        for number, operation in enumerate(operations, 1):
            try:
                self._create_one(operation)
            except ApiError as error:
                self._give_up([operation], operations[number:], error)
                return error
        return None

    def _create_one(self, operation: Operation) -> None:
        """Tried twice only where a look in between did not find it."""
        for may_repeat in (True, False):
            try:
                if not self._note_created([operation], self._create_contacts([operation]), _same_person, _same_name):
                    return
                doubt, may_repeat = "IT Glue's answer does not show the contact.", False
            except RejectedError as error:
                self._lost(operation, FAILED, str(error))
                return
            except OutcomeUnknownError as error:
                doubt = str(error)
            if not self._look_for([operation]):
                return
            if not may_repeat:
                self._lost(operation, FAILED, f"{doubt} The next run looks for the contact before it tries again.")
                return

    def _note_created(
        self, operations: Iterable[Operation], found: Iterable[Contact], *tests: Callable[[Contact, Contact], bool]
    ) -> list[Operation]:
        """Note the ids of the contacts that were found; the operations that have none are left."""
        free = list(found)
        left = list(operations)
        for same in tests:
            for operation in tuple(left):
                contact = next((each for each in free if same(each, operation.contact)), None)
                if contact is not None:
                    free.remove(contact)
                    left.remove(operation)
                    self._known.add(contact.id)
                    self._turned_out(operation, contact_id=contact.id)
        return left

    def _look_for(self, operations: Sequence[Operation]) -> list[Operation]:
        """The operations whose contact is not in IT Glue; the others' ids are noted."""
        try:
            present = [each for each in self._itglue.contacts(self._organization_id) if each.id not in self._known]
        except ApiError as error:
            for operation in operations:
                self._lost(
                    operation, FAILED, f"{error} Whether the contact was created is not known; the next run finds out."
                )
            return []
        return self._note_created(operations, present, _same_person)

    def _give_up(self, tried: Iterable[Operation], later: Iterable[Operation], error: ApiError) -> None:
        """The service takes nothing now: what was not tried is for the next run."""
        self._note_quota(error)
        for operation in tried:
            self._lost(operation, DEFERRED if isinstance(error, QuotaExceededError) else FAILED, str(error))
        for operation in later:
            self._lost(operation, DEFERRED, f"Not tried: {error}")

    def _note_quota(self, error: ApiError) -> None:
        """When a quota is used up, the time when the last of them is there again."""
        self.resume_at = max(self.resume_at or 0, resume_at(error) or 0) or None

    # ------------------------------------------------------------ IT Glue: update

    def _update(self, operations: Sequence[Operation]) -> None:
        for chunk, later in _chunks(operations):
            if error := self._update_together(chunk):
                self._give_up((), later, error)
                return
            self._progress(f"IT Glue: {len(operations) - len(later)} of {len(operations)} contacts updated")

    def _update_together(self, operations: Sequence[Operation]) -> ApiError | None:
        """In one request if IT Glue takes it; the error where the service takes nothing now."""
        try:
            self._itglue.update_contacts([(each.contact_id, each.after) for each in operations])
        except (RejectedError, NotFoundError):
            left = self._not_taken(operations)
            for number, operation in enumerate(left, 1):
                if error := self._update_apart(operation):
                    self._give_up((), left[number:], error)
                    return error
        except OutcomeUnknownError as error:
            for operation in operations:
                self._doubtful[operation.user_id] = error
            return error
        except ApiError as error:
            self._give_up(operations, (), error)
            return error
        return None

    def _not_taken(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        """Those of a refused bulk request that it did not write.

        Whether it is taken as a whole is not published, and what was written may be linked to BMS
        by now, so that a second write of the same would be refused.
        """
        if len(operations) == 1:
            return operations
        try:
            present = self._present(operations)
        except ApiError:
            return operations
        return [each for each in operations if not _was_taken(each, present.get(each.contact_id))]

    def _update_apart(self, operation: Operation) -> ApiError | None:
        """One contact, without the attribute groups that IT Glue refuses; the error where the
        service takes nothing now."""
        taken: set[str] = set()
        locked: list[str] = []
        reasons: list[str] = []
        waiting = [dict(operation.after)]
        gone: ApiError | None = None
        while waiting and not gone:
            attributes = waiting.pop(0)
            try:
                self._itglue.update_contact(operation.contact_id, attributes)
                taken.update(attributes)
            except RejectedError as error:
                refused, rest = _without_refused(attributes, error)
                locked += refused
                reasons += [str(error)] if refused else []
                waiting += rest
            except OutcomeUnknownError as error:
                taken.update(attributes)
                self._doubtful[operation.user_id] = gone = error
            except ApiError as error:
                waiting.insert(0, attributes)
                gone = error
        if gone and not taken:
            self._give_up([operation], (), gone)
        else:
            if waiting:
                self._unfinished.add(operation.user_id)
                left = sorted({_group(field) for attributes in waiting for field in attributes})
                reasons.append(f"Not written: {', '.join(left)}. {gone} The next run goes on.")
            after = {field: value for field, value in operation.after.items() if field in taken}
            self._turned_out(
                operation,
                action=UPDATE if after else UNCHANGED,
                before={field: operation.before[field] for field in after},
                after=after,
                locked=tuple(sorted(locked)),
                reason=operation.also(" ".join(dict.fromkeys(reasons))) if reasons else operation.reason,
            )
        return None if isinstance(gone, NotFoundError) else gone

    # --------------------------------------------------------- IT Glue: read back

    def _read_back(self) -> None:
        written = self._with(lambda each: each.action in (CREATE, UPDATE) and each.contact_id is not None)
        if not written:
            return
        try:
            present = self._present(written)
        except ApiError as error:
            self.warnings.append(f"What was written to IT Glue could not be read back: {error}")
            for user_id, doubt in self._doubtful.items():
                self._lost(self._operations[user_id], FAILED, f"{doubt} Whether it was written is not known.")
            return
        for operation in written:
            contact = present.get(operation.contact_id)
            if operation.touches and contact and not _was_taken(operation, contact):
                self._untouched.add(operation.user_id)
            self._turned_out(operation, **_as_read_back(operation, contact))
        for user_id, doubt in self._doubtful.items():
            if not self._operations[user_id].after:
                self._lost(self._operations[user_id], FAILED, str(doubt))
                self._turned_out(self._operations[user_id], unapplied=())
        for operation in self._with(lambda each: bool(each.unapplied)):
            self.warnings.append(
                f"{operation.user}: IT Glue accepted the write to contact {operation.contact_id} "
                f"but does not show it: {', '.join(operation.unapplied)}."
            )

    def _present(self, written: Sequence[Operation]) -> dict[int, Contact]:
        """The written contacts as they are now, in as few requests as it takes."""
        if len(written) > 1 + len(self._known) // PAGE:
            return {contact.id: contact for contact in self._itglue.contacts(self._organization_id)}
        present = {}
        for operation in written:
            with suppress(NotFoundError):
                present[operation.contact_id] = self._itglue.contact(operation.contact_id)
        return present

    # ------------------------------------------------------- IT Glue's own push

    def _await_links(self) -> None:
        """See which of the contacts that wait for IT Glue's own push it links in time.

        Nobody waits for a contact that was not written: IT Glue pushes one that was there before
        only once somebody updates it (help page on two-way sync).
        """
        end = self._clock() + self._push_wait
        pause = FIRST_PAUSE
        while waiting := self._with(lambda each: each.push == PENDING and each.action in (CREATE, UPDATE)):
            left = end - self._clock()
            if left <= 0:
                return
            self._progress(f"IT Glue: waiting for the links of {len(waiting)} contacts, {left:.0f} s at most")
            self._sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                self._note_links(waiting, self._present(waiting))
            except ApiError as error:
                self.warnings.append(f"Whether IT Glue has pushed its contacts is not known: {error}")
                return

    def _note_links(self, waiting: Iterable[Operation], present: Mapping[int, Contact]) -> None:
        for operation in waiting:
            link = self._link(present[operation.contact_id]) if operation.contact_id in present else None
            if link is not None:
                words = "IT Glue has pushed the contact."
                self._turned_out(operation, push=PUSHED, bms_contact_id=link.bms_contact_id, reason=words)

    def _note_untouched(self) -> None:
        """Saving a contact as it is did nothing where it shows neither in its time nor in a link."""
        users = []
        for operation in self._with(lambda each: each.user_id in self._untouched and each.push != PUSHED):
            reason = operation.also("IT Glue does not show that it was.")
            self._turned_out(operation, action=UNCHANGED, before={}, after={}, unapplied=(TOUCH,), reason=reason)
            users.append(operation.user)
        if users:
            self.warnings.append(
                f"IT Glue took the contacts of {_listed(users)} as they are and shows no new time of change, so it "
                "may not push them. Edit and save them in IT Glue."
            )

    # ------------------------------------------------------------------------ BMS

    def _hold_back_pushes(self) -> None:
        """Nothing goes to BMS of a contact whose write to IT Glue failed, be it in part."""
        for operation in self._with(lambda each: each.action in (FAILED, DEFERRED) or each.user_id in self._unfinished):
            push = DEFERRED if operation.push in (PUSHED, PENDING) else operation.push
            # Whoever is back is active in BMS already.
            self._turned_out(
                operation,
                push=push,
                create_in_bms=None,
                job_title=None,
                active=operation.active or None,
                bms_update=None,
            )

    def _push(self, account_id: int) -> None:
        waiting = self._with(lambda each: each.push == PUSHED)
        unclear: dict[str, OutcomeUnknownError] = {}
        for dummy in range(2):
            unclear = self._create_in_bms(waiting)
            waiting = self._look_for_in_bms(account_id, [each for each in waiting if each.user_id in unclear])
        for operation in waiting:
            self._not_pushed(operation, FAILED, f"{unclear[operation.user_id]} The next run looks it up in BMS.")

    def _create_in_bms(self, pushes: Sequence[Operation]) -> dict[str, OutcomeUnknownError]:
        """Create side by side; user id to error of those whose outcome is not known."""
        stopped: list[ApiError] = []

        def create(operation: Operation) -> OutcomeUnknownError | None:
            if stopped:
                self._not_pushed(operation, DEFERRED, f"Not tried: {stopped[0]}")
                return None
            try:
                bms_id = self._bms.create_contact(operation.create_in_bms)
                self._turned_out(operation, bms_contact_id=bms_id)
            except OutcomeUnknownError as error:
                return error
            except RejectedError as error:
                self._not_pushed(operation, FAILED, str(error))
            except ApiError as error:
                stopped.append(error)
                self._note_quota(error)
                self._not_pushed(operation, DEFERRED if isinstance(error, QuotaExceededError) else FAILED, str(error))
            return None

        unclear = {}
        for number, (operation, error) in enumerate(_side_by_side(create, pushes), 1):
            if error:
                unclear[operation.user_id] = error
            if number % BULK == 0 or number == len(pushes):
                self._progress(f"BMS: {number} of {len(pushes)} contacts pushed")
        return unclear

    def _not_pushed(self, operation: Operation, push: str, reason: str) -> None:
        self._turned_out(operation, push=push, create_in_bms=None, reason=operation.also(reason))

    def _look_for_in_bms(self, account_id: int, unclear: Sequence[Operation]) -> list[Operation]:
        """The operations whose contact is not in BMS; the others' ids are noted.

        The plan found none of these addresses in BMS: what has one now was made by this run.
        """
        if not unclear:
            return []
        try:
            present = self._bms.contacts(account_id)
        except ApiError as error:
            for operation in unclear:
                self._not_pushed(
                    operation, FAILED, f"{error} Whether it was pushed is not known; the next run finds out."
                )
            return []
        claimed = {each.bms_contact_id for each in self._operations.values()}
        free = [contact for contact in present if contact.id not in claimed]
        missing = []
        for operation in unclear:
            wanted = operation.create_in_bms
            found = [each for each in free if not bms_addresses(each).isdisjoint(bms_addresses(wanted))]
            if found:
                own = max(found, key=lambda each, wanted=wanted: _same_name(each, wanted))
                free.remove(own)
                self._turned_out(operation, bms_contact_id=own.id)
            else:
                missing.append(operation)
        return missing

    def _bring_back(self) -> None:
        """Make active in BMS who is back, before IT Glue forgets that they had left: of whom the
        contact no longer says so, no later run could tell that BMS waits."""
        back = self._with(lambda each: each.active is True)
        for operation, error in self._set_contacts(back, lambda each: {"IsActive": True}):
            if error is None:
                continue
            self._note_quota(error)
            rest = {field: value for field, value in operation.after.items() if field != TYPE}
            if not rest:
                self._lost(operation, DEFERRED if isinstance(error, QuotaExceededError) else FAILED, str(error))
            self._turned_out(
                operation,
                active=None,
                after=rest,
                before={field: operation.before[field] for field in rest},
                reason=operation.also(str(error)),
            )

    def _set_in_bms(self) -> None:
        """Job titles of new BMS contacts, since BMS takes none on creation (BMS API,
        `ContactInputDto`), blank ones of those that were there, names and titles of linked ones, and
        who becomes inactive.

        A failure is a warning: the next run sets it.
        """
        failures: dict[str, list[str]] = {}
        for operation, error in self._set_contacts(self._with(lambda each: bool(_values(each))), _values):
            if error:
                what = " and ".join(_WORDS[field] for field in _values(operation))
                failures.setdefault(f"{what} in BMS could not be set: {{users}}. {error}", []).append(operation.user)
                self._turned_out(operation, job_title=None, active=operation.active or None)
                self._not_in_bms(operation, _scalars(operation))
        for words, users in failures.items():
            self.warnings.append(f"The {words.replace('{users}', _listed(users))}")

    def _set_contacts(
        self, operations: Sequence[Operation], values: Callable[[Operation], dict[str, Any]]
    ) -> Iterator[tuple[Operation, ApiError | None]]:
        """Set values of BMS contacts side by side; each operation with its error."""
        stopped: list[ApiError] = []

        def set_values(operation: Operation) -> ApiError | None:
            if stopped:
                return stopped[0]
            try:
                self._bms.set_contact(operation.bms_contact_id, values(operation))
            except ApiError as error:
                if not isinstance(error, (RejectedError, NotFoundError)):
                    stopped.append(error)
                    self._note_quota(error)
                return error
            return None

        return _side_by_side(set_values, operations)

    def _not_in_bms(self, operation: Operation, fields: Iterable[str]) -> None:
        """These fields of a linked contact's BMS contact stay as they are."""
        now = self._operations[operation.user_id]
        if now.bms_update is not None and (lost := [each for each in now.bms_update.after if each in fields]):
            unapplied = (*now.unapplied, *(SHOWN[each] for each in lost))
            self._turned_out(operation, bms_update=now.bms_update.without(lost), unapplied=tuple(sorted(unapplied)))

    def _change_entries(self, field: str) -> None:
        """E-mails or phones of the BMS contacts of linked contacts.

        A release of BMS without a way to change them is asked once. A failure is a warning: the next
        run tries it again.
        """
        stopped: list[ApiError] = []
        failures: dict[str, list[str]] = {}

        def change(operation: Operation) -> ApiError | None:
            if stopped:
                return stopped[0]
            error = self._change(operation, field)
            if error and (
                not isinstance(error, (RejectedError, NotFoundError, OutcomeUnknownError))
                or self._lacks_a_way(operation, error)
            ):
                stopped.append(error)
                self._note_quota(error)
            return error

        def note(operation: Operation, error: ApiError | None) -> None:
            if error:
                self._not_in_bms(operation, [field])
                failures.setdefault(str(error), []).append(operation.user)

        waiting = self._with(lambda each: each.bms_update is not None and field in each.bms_update.after)
        unknown = True
        while waiting and unknown:
            # One alone, until it is known whether there is a way.
            operation = waiting.pop(0)
            error = change(operation)
            note(operation, error)
            unknown = error is not None and not stopped
        for operation, error in _side_by_side(change, waiting):
            note(operation, error)
        for words, users in failures.items():
            self.warnings.append(f"The {_WORDS[field]} in BMS could not be changed: {_listed(users)}. {words}")

    def _change(self, operation: Operation, field: str) -> ApiError | None:
        """What came of one; an answer that was lost is settled by a look at the contact."""
        bms_id, update = operation.bms_contact_id, operation.bms_update
        changes = entry_changes(field, update.before[field], update.after[field])
        try:
            if field == EMAILS_IN_BMS:
                self._bms.patch_emails(bms_id, changes)
            else:
                self._bms.patch_phones(bms_id, changes)
        except OutcomeUnknownError as error:
            with suppress(ApiError):
                present = encode_in_bms(self._bms.contact(bms_id), [field])[field]
                return None if same_in_bms(field, present, update.after[field]) else error
            return error
        except ApiError as error:
            return error
        return None

    def _lacks_a_way(self, operation: Operation, error: ApiError) -> bool:
        """Whether what was not found is the way to change entries, and not the contact."""
        if not isinstance(error, NotFoundError):
            return False
        with suppress(ApiError):
            self._bms.contact(operation.bms_contact_id)
            return True
        return False


def resume_at(error: ApiError | None) -> float | None:
    """The time (of the wall clock) when a quota is there again; None for other errors."""
    waits = isinstance(error, QuotaExceededError) and error.retry_after is not None
    return time.time() + error.retry_after if waits else None


def _listed(users: Sequence[str]) -> str:
    return ", ".join(users[:5]) + (f" and {len(users) - 5} others" if len(users) > 5 else "")


def _chunks(operations: Sequence[Operation]) -> Iterator[tuple[Sequence[Operation], Sequence[Operation]]]:
    for start in range(0, len(operations), BULK):
        yield operations[start : start + BULK], operations[start + BULK :]


def _side_by_side(work: Callable[[Operation], T], operations: Sequence[Operation]) -> Iterator[tuple[Operation, T]]:
    """Each operation with what came of it, in their order."""
    if operations:
        with ThreadPoolExecutor(max_workers=min(PARALLEL, len(operations)), thread_name_prefix="bms") as pool:
            yield from zip(operations, pool.map(work, operations), strict=True)


_WORDS = {
    "FirstName": "first name",
    "LastName": "last name",
    "JobTitle": "job title",
    "IsActive": "active state",
    EMAILS_IN_BMS: "e-mails",
    PHONES_IN_BMS: "phones",
}


def _values(operation: Operation) -> dict[str, Any]:
    """The fields of a BMS contact that are still to be set."""
    pushed = operation.create_in_bms if operation.push == PUSHED else None
    title = operation.job_title or (pushed.job_title if pushed else None)
    values = {**_scalars(operation), **({"JobTitle": title} if title else {})}
    return {**values, "IsActive": False} if operation.active is False else values


def _scalars(operation: Operation) -> dict[str, Any]:
    """The single fields of a linked contact's BMS contact that change."""
    after = operation.bms_update.after if operation.bms_update else {}
    return {field: value for field, value in after.items() if field not in (EMAILS_IN_BMS, PHONES_IN_BMS)}


def _same_name(made: Contact | BmsContact, wanted: Contact | BmsContact) -> bool:
    return all(name(getattr(made, part)) == name(getattr(wanted, part)) for part in ("first_name", "last_name"))


def _same_person(made: Contact, wanted: Contact) -> bool:
    """Whether `made` is what became of `wanted`: the same names and a common address."""
    return _same_name(made, wanted) and not contact_addresses(made).isdisjoint(contact_addresses(wanted))


def _group(field: str) -> str:
    return next(group for group, fields in GROUPS.items() if field in fields)


def _without_refused(attributes: Mapping[str, Any], error: RejectedError) -> tuple[list[str], list[dict[str, Any]]]:
    """The refused attribute groups, and what to try again without them.

    Where the error does not point at an attribute, each group is tried apart.
    """
    groups: dict[str, dict[str, Any]] = {}
    for field, value in attributes.items():
        groups.setdefault(_group(field), {})[field] = value
    if len(groups) == 1:
        return list(groups), []
    # Some pointers spell an attribute with underscores.
    pointers = "".join(error.pointers).replace("_", "-")
    pointed = [group for group, fields in groups.items() if any(each in pointers for each in fields)]
    if not pointed:
        return [], list(groups.values())
    rest = {field: value for field, value in attributes.items() if _group(field) not in pointed}
    return pointed, [rest] if rest else []


def _was_taken(operation: Operation, present: Contact | None) -> bool:
    """Whether IT Glue holds what was to be written."""
    if present is None:
        return False
    if operation.touches:
        return present.updated_at != operation.wanted.updated_at
    return all(comparable(present, field) == comparable(operation.wanted, field) for field in operation.after)


def _as_read_back(operation: Operation, present: Contact | None) -> dict[str, Any]:
    """The changes to an operation once IT Glue has been asked what it holds now.

    `after` stays as it was sent where IT Glue holds the same after its normalisation.
    """
    if present is None:
        return {"unapplied": tuple(sorted({_group(field) for field in operation.after}))}
    exact, shown, touched = set(), set(), []
    for field in operation.after:
        if comparable(present, field) == comparable(operation.contact, field):
            exact.add(field)
        if field in exact or _shows(present, operation, field):
            shown.add(field)
        if operation.action == CREATE or encode(present, [field])[field] != operation.before.get(field):
            touched.append(field)
    if len(exact) == len(operation.after):
        return {}
    return {
        "unapplied": tuple(sorted({_group(field) for field in operation.after if field not in shown})),
        "action": operation.action if touched else UNCHANGED,
        "before": {field: operation.before[field] for field in touched if field in operation.before},
        "after": {
            field: operation.after[field] if field in exact else encode(present, [field])[field] for field in touched
        },
    }


def _shows(present: Contact, operation: Operation, field: str) -> bool:
    """Whether all entries of an array are there as they were sent, be it beside others that somebody
    else has added; and none that was to go, as where IT Glue merges arrays."""
    if field not in (EMAILS, PHONES):
        return False
    there, sent, before = (
        comparable(contact, field) for contact in (present, operation.wanted, decode(operation.before))
    )
    beside = Counter(value for value, *dummy in there) - Counter(value for value, *dummy in sent)
    return all(entry in there for entry in sent) and not any(value in beside for value, *dummy in before)

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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

from .._engine.attributes import EMAILS, GROUPS, PHONES, comparable, encode
from .._engine.errors import ApiError, NotFound, QuotaExceeded, Rejected, Unclear
from .._engine.model import Contact
from .._engine.normalize import contact_addresses, name
from .._engine.plan import CREATE, DEFERRED, FAILED, PUSHED, UNCHANGED, UPDATE, Operation, Plan
from .._engine.push import bms_addresses

BULK = 50
"""Contacts in one bulk request. No limit is published; 50 is in use (IT Glue API, Contacts)."""

PARALLEL = 8
"""BMS creates under way at once: BMS has no bulk create."""


class Writer:
    """Carries out one plan for one organization."""

    def __init__(self, itglue, bms, organization_id: int, known: Iterable[Contact], *, progress=None) -> None:
        self._itglue = itglue
        self._bms = bms
        self._organization_id = organization_id
        self._known = {contact.id for contact in known}
        self._operations: dict[str, Operation] = {}
        self._progress: Callable[[str], None] = progress or (lambda line: None)
        self.warnings: list[str] = []

    def carry_out(self, plan: Plan) -> tuple[Operation, ...]:
        """Write what the plan says; the operations as they turned out, in the plan's order."""
        self._operations = {each.user_id: each for each in plan.operations}
        self._create(self._with(lambda each: each.action == CREATE))
        self._update(self._with(lambda each: each.action == UPDATE))
        self._read_back()
        self._hold_back_pushes()
        if plan.account is not None:
            self._push(plan.account.id)
            self._fill_job_titles()
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
                created = self._itglue.create_contacts(self._organization_id, [each.after for each in chunk])
                if left := self._created(chunk, created):
                    self._create_apart(self._look_for(left))
            except (Rejected, Unclear):
                # Whether a bulk request is taken as a whole is not published.
                self._create_apart(self._look_for(chunk))
            except ApiError as error:
                self._give_up(chunk, later, error)
                return
            self._progress(f"IT Glue: {len(operations) - len(later)} of {len(operations)} contacts created")

    def _create_apart(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            for last_try in (False, True):
                try:
                    created = self._itglue.create_contacts(self._organization_id, [operation.after])
                    if self._created([operation], created):
                        self._lost(operation, FAILED, "IT Glue took the contact but its answer does not show it.")
                except Rejected as error:
                    self._lost(operation, FAILED, str(error))
                except Unclear as error:
                    if not self._look_for([operation]):
                        break
                    if not last_try:
                        continue
                    self._lost(operation, FAILED, f"{error} The next run looks for the contact before it tries again.")
                except ApiError as error:
                    self._lost(operation, DEFERRED if isinstance(error, QuotaExceeded) else FAILED, str(error))
                break

    def _created(self, operations: Sequence[Operation], created: Iterable[Contact]) -> list[Operation]:
        """Note the ids of the created contacts; the operations that have none are left over."""
        free = list(created)
        left = []
        for operation in operations:
            contact = next((each for each in free if _same_person(each, operation.contact)), None)
            if contact is None:
                left.append(operation)
                continue
            free.remove(contact)
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
        return self._created(operations, present)

    def _give_up(self, chunk: Iterable[Operation], later: Iterable[Operation], error: ApiError) -> None:
        """The service takes nothing now: what was not tried is for the next run."""
        for operation in chunk:
            self._lost(operation, DEFERRED if isinstance(error, QuotaExceeded) else FAILED, str(error))
        for operation in later:
            self._lost(operation, DEFERRED, f"Not tried: {error}")

    # ------------------------------------------------------------ IT Glue: update

    def _update(self, operations: Sequence[Operation]) -> None:
        for chunk, later in _chunks(operations):
            try:
                self._itglue.update_contacts([(each.contact_id, each.after) for each in chunk])
            except (Rejected, NotFound):
                for operation in chunk:
                    self._update_apart(operation)
            except ApiError as error:
                self._give_up(chunk, later, error)
                return
            self._progress(f"IT Glue: {len(operations) - len(later)} of {len(operations)} contacts updated")

    def _update_apart(self, operation: Operation) -> None:
        """One contact, without the attribute groups that IT Glue refuses."""
        locked: list[str] = []
        reasons: list[str] = []
        waiting = [dict(operation.after)]
        while waiting:
            attributes = waiting.pop(0)
            try:
                self._itglue.update_contact(operation.contact_id, attributes)
            except Rejected as error:
                refused, rest = _without_refused(attributes, error)
                locked += refused
                reasons += [str(error)] if refused else []
                waiting += rest
            except ApiError as error:
                self._lost(operation, DEFERRED if isinstance(error, QuotaExceeded) else FAILED, str(error))
                return
        taken = {field: value for field, value in operation.after.items() if _group(field) not in locked}
        self._turned_out(
            operation,
            action=UPDATE if taken else UNCHANGED,
            before={field: operation.before[field] for field in taken},
            after=taken,
            locked=tuple(sorted(locked)),
            reason="; ".join(dict.fromkeys(reasons)) or operation.reason,
        )

    # --------------------------------------------------------- IT Glue: read back

    def _read_back(self) -> None:
        written = self._with(lambda each: each.action in (CREATE, UPDATE) and each.contact_id is not None)
        if not written:
            return
        try:
            present = {contact.id: contact for contact in self._itglue.contacts(self._organization_id)}
        except ApiError as error:
            self.warnings.append(f"What was written to IT Glue could not be read back: {error}")
            return
        for operation in written:
            self._turned_out(operation, **_as_read_back(operation, present.get(operation.contact_id)))
        for operation in self._with(lambda each: bool(each.unapplied)):
            self.warnings.append(
                f"{operation.user}: IT Glue accepted the write to contact {operation.contact_id} "
                f"but does not show it: {', '.join(operation.unapplied)}."
            )

    # ------------------------------------------------------------------------ BMS

    def _hold_back_pushes(self) -> None:
        for operation in self._with(lambda each: each.action in (FAILED, DEFERRED) and each.push == PUSHED):
            self._turned_out(operation, push=DEFERRED, create_in_bms=None)
        for operation in self._with(lambda each: each.action in (FAILED, DEFERRED) and each.job_title is not None):
            self._turned_out(operation, job_title=None)

    def _push(self, account_id: int) -> None:
        pushes = self._with(lambda each: each.push == PUSHED)
        unclear = self._create_in_bms(pushes)
        if unclear:
            missing = self._look_for_in_bms(account_id, [operation for operation, dummy in unclear])
            for operation, error in self._create_in_bms(missing):
                self._not_pushed(operation, FAILED, f"{error} The next run looks it up in BMS.")
        self._set_job_titles(self._with(lambda each: each.push == PUSHED and each.create_in_bms.job_title))

    def _create_in_bms(self, pushes: Sequence[Operation]) -> list[tuple[Operation, ApiError]]:
        """Create side by side; the operations whose outcome is not known, with the error."""
        exhausted = Event()
        unclear: dict[str, ApiError] = {}

        def create(operation: Operation) -> None:
            if exhausted.is_set():
                self._not_pushed(operation, DEFERRED, "Not tried: BMS takes no more now. The next run goes on.")
                return
            try:
                bms_id = self._bms.create_contact(operation.create_in_bms)
                self._turned_out(operation, bms_contact_id=bms_id)
            except Unclear as error:
                unclear[operation.user_id] = error
            except Rejected as error:
                self._not_pushed(operation, FAILED, str(error))
            except ApiError as error:
                exhausted.set()
                self._not_pushed(operation, DEFERRED if isinstance(error, QuotaExceeded) else FAILED, str(error))

        for done, dummy in enumerate(_side_by_side(create, pushes), 1):
            if done % BULK == 0 or done == len(pushes):
                self._progress(f"BMS: {done} of {len(pushes)} contacts pushed")
        return [(operation, unclear[operation.user_id]) for operation in pushes if operation.user_id in unclear]

    def _not_pushed(self, operation: Operation, push: str, reason: str) -> None:
        self._turned_out(operation, push=push, create_in_bms=None, reason=reason)

    def _look_for_in_bms(self, account_id: int, unclear: Sequence[Operation]) -> list[Operation]:
        """The operations whose contact is not in BMS; the others' ids are noted."""
        try:
            present = self._bms.contacts(account_id)
        except ApiError as error:
            for operation in unclear:
                self._not_pushed(operation, FAILED, f"{error} Whether it was pushed is not known; the next run finds out.")
            return []
        by_address = {value: contact for contact in present for value in bms_addresses(contact)}
        missing = []
        for operation in unclear:
            found = [by_address[value] for value in bms_addresses(operation.create_in_bms) if value in by_address]
            if found:
                self._turned_out(operation, bms_contact_id=found[0].id)
            else:
                missing.append(operation)
        return missing

    def _set_job_titles(self, operations: Iterable[Operation]) -> None:
        """BMS takes no job title on creation (BMS API, `ContactInputDto`)."""

        def set_title(operation: Operation) -> None:
            error = self._set_job_title(operation.bms_contact_id, operation.create_in_bms.job_title)
            if error:
                self.warnings.append(f"{operation.user}: pushed to BMS without its job title. {error}")

        for dummy in _side_by_side(set_title, list(operations)):
            pass

    def _fill_job_titles(self) -> None:
        def fill(operation: Operation) -> None:
            error = self._set_job_title(operation.bms_contact_id, operation.job_title)
            if error:
                self._turned_out(operation, job_title=None)
                self.warnings.append(f"{operation.user}: the blank job title in BMS could not be filled. {error}")

        for dummy in _side_by_side(fill, self._with(lambda each: each.job_title is not None)):
            pass

    def _set_job_title(self, bms_id: int, title: str) -> ApiError | None:
        try:
            self._bms.set_contact(bms_id, {"JobTitle": title})
        except ApiError as error:
            return error
        return None


def _chunks(operations: Sequence[Operation]) -> Iterator[tuple[Sequence[Operation], Sequence[Operation]]]:
    for start in range(0, len(operations), BULK):
        yield operations[start : start + BULK], operations[start + BULK :]


def _side_by_side(work: Callable[[Operation], None], operations: Sequence[Operation]) -> Iterator[None]:
    if not operations:
        return
    with ThreadPoolExecutor(max_workers=min(PARALLEL, len(operations)), thread_name_prefix="bms") as pool:
        yield from pool.map(work, operations)


def _same_person(created: Contact, wanted: Contact) -> bool:
    """Whether `created` is what became of `wanted`: the same names and a common address."""
    names = all(name(getattr(created, part)) == name(getattr(wanted, part)) for part in ("first_name", "last_name"))
    return names and not contact_addresses(created).isdisjoint(contact_addresses(wanted))


def _group(field: str) -> str:
    return next(group for group, fields in GROUPS.items() if field in fields)


def _without_refused(attributes: Mapping[str, Any], error: Rejected) -> tuple[list[str], list[dict[str, Any]]]:
    """The refused attribute groups, and what to try again without them.

    Where the error does not point at an attribute, each group is tried apart.
    """
    groups: dict[str, dict[str, Any]] = {}
    for field, value in attributes.items():
        groups.setdefault(_group(field), {})[field] = value
    if len(groups) == 1:
        return list(groups), []
    pointed = [group for group, fields in groups.items() if any(each in "".join(error.pointers) for each in fields)]
    if not pointed:
        return [], list(groups.values())
    rest = {field: value for field, value in attributes.items() if _group(field) not in pointed}
    return pointed, [rest] if rest else []


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
        if field in exact or _shows(present, operation.contact, field):
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


def _shows(present: Contact, wanted: Contact, field: str) -> bool:
    """Whether all entries of an array are there as they were sent, be it beside others."""
    if field not in (EMAILS, PHONES):
        return False
    there = comparable(present, field)
    return all(entry in there for entry in comparable(wanted, field))

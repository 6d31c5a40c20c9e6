# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a revert does: how the writes of a journal are reverted, and what cannot be (guide to plans).

Whether a write still has to be reverted is read off the present state, not off a mark: a contact
that is gone needs no removal, and a field that holds its former value no restoring. So a second
revert does nothing, and one that was interrupted goes on.

Every contact that a run created is removed, made inactive, or listed among the remainders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic

from . import bms_fields
from .attributes import SCALARS, changed_fields, decode, encode, same_value
from .errors import Failure
from .identity import Record, Resembling
from .model import BmsContact, BmsEmail, BmsId, BmsPhone, Contact, ItGlueId
from .output import shown_name
from .reasons import Reason, ReasonCode, because
from .recorded import RecordedRow, RecordedWrite, Resolution, WriteKind, WriteOutcome

ITGLUE, BMS = "itglue", "bms"


class StepKind(StrEnum):
    """What a step does: to a contact of IT Glue, or to one of BMS."""

    REMOVE = "remove"
    RESTORE = "restore"
    DEACTIVATE = "deactivate"
    RESTORE_IN_BMS = "restore_in_bms"

    @property
    def service(self) -> str:
        """`itglue` or `bms`."""
        return ITGLUE if self in (StepKind.REMOVE, StepKind.RESTORE) else BMS


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do to the contact `id`. `before` is what is there now, `after` what it becomes."""

    kind: StepKind
    id: int
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Remainder:
    """What cannot be reverted, and why. `fields` are empty where it is the whole contact, `id` is None
    where the contact is not known."""

    service: str
    id: int | None
    name: str
    fields: tuple[str, ...]
    reason: Reason
    failure: Failure | None = None


@dataclass(slots=True)
class Reversal:
    """The steps in the order in which they are to be taken, and what remains."""

    steps: list[Step] = field(default_factory=list)
    remainders: list[Remainder] = field(default_factory=list)


def undo(
    writes: Sequence[RecordedWrite],
    contacts: Iterable[Contact],
    bms_contacts: Iterable[BmsContact],
    saved_at: Mapping[ItGlueId, str] | None = None,
) -> Reversal:
    """How to revert `writes`, the last one first, given what IT Glue and BMS hold now.

    `saved_at` has, by contact of IT Glue, the time of its last change that the runs have seen.
    """
    in_itglue = {each.id: each for each in contacts}
    in_bms = {each.id: each for each in bms_contacts}
    created = _Creates(ITGLUE, WriteKind.ITGLUE_CREATE, writes, in_itglue, decode)
    created_in_bms = _Creates(BMS, WriteKind.BMS_CREATE, writes, in_bms, _bms_contact)
    work = _Work(dict(in_itglue), dict(in_bms), created.ids, created_in_bms.ids, saved_at or {})
    work.result.remainders += [*created.remainders, *created_in_bms.remainders]
    for place, write in reversed(list(enumerate(writes))):
        for number, row in reversed(list(enumerate(write.rows))):
            work.revert(write, row, (place, number))
    work.result.steps = list(_without_detours(work, in_itglue, in_bms))
    return work.result


def _without_detours(
    work: _Work, in_itglue: Mapping[ItGlueId, Contact], in_bms: Mapping[BmsId, BmsContact]
) -> Iterator[Step]:
    """The steps without the fields that end as they are: where one run has undone another, each revert would write
    them, and write them back."""
    for step in work.result.steps:
        if step.kind == StepKind.RESTORE and (becomes := work.contacts.get(ItGlueId(step.id))):
            changed = changed_fields(in_itglue[becomes.id], becomes)
        elif step.kind == StepKind.RESTORE_IN_BMS:
            changed = bms_fields.changed_fields(in_bms[BmsId(step.id)], work.bms[BmsId(step.id)])
        else:
            yield step
            continue
        if left := [each for each in step.after if each in changed]:
            before, after = ({each: side[each] for each in left} for side in (step.before, step.after))
            yield replace(step, before=before, after=after)


# --------------------------------------------------- which contacts were created


_Place = tuple[int, int]
"""The number of a write in a journal, and that of a row in the write."""


class _Creates(Generic[Record]):
    """Which contacts the creates of a journal have made in one service, and which are not known."""

    def __init__(
        self,
        service: str,
        kind: WriteKind,
        writes: Sequence[RecordedWrite],
        present: Mapping[Any, Record],
        read: Any,
    ) -> None:
        self.ids: dict[_Place, int] = {}
        self.remainders: list[Remainder] = []
        self._service = service
        self._present: Resembling[Record] = Resembling(present.values())
        self._known = _named_by_updates(writes) if kind == WriteKind.ITGLUE_CREATE else {}
        unclear: list[tuple[_Place, RecordedWrite, RecordedRow]] = []
        for place, write in enumerate(writes):
            for number, row in enumerate(write.rows if write.kind == kind else ()):
                if row.id is not None:
                    self.ids[place, number] = row.id
                elif write.may_have_taken_place:
                    unclear.append(((place, number), write, row))
        for where, write, row in unclear:
            self._look_for(where, write, row, read(row.after))

    def _look_for(self, where: _Place, write: RecordedWrite, row: RecordedRow, wanted: Record) -> None:
        """The contact that a create of unknown outcome made: the only one that resembles it."""
        before = {*row.alike, *self._known.get(write.run, ())}
        alike = [each.id for each in self._present.to(wanted) if each.id not in before]
        left = sorted(set(alike).difference(self.ids.values()))
        if not left:
            # What another create has made is the same person: the run has looked before it created again.
            if not alike and row.resolution != Resolution.NOT_FOUND and write.outcome != WriteOutcome.REJECTED:
                self._remains(wanted, because(ReasonCode.NOTHING_ALIKE, service=self._service))
        elif row.resolution == Resolution.NOT_FOUND:
            self._remains(wanted, because(ReasonCode.APPEARED_LATER, **self._named(left)))
        elif len(left) > 1:
            self._remains(wanted, because(ReasonCode.SEVERAL_ALIKE, **self._named(left)))
        else:
            self.ids[where] = left[0]

    def _named(self, ids: Sequence[int]) -> dict[str, list[int]]:
        return {"contact_ids" if self._service == ITGLUE else "bms_contact_ids": list(ids)}

    def _remains(self, wanted: Record, reason: Reason) -> None:
        remainder = Remainder(self._service, None, _shown(wanted), (), reason)
        if remainder not in self.remainders:
            self.remainders.append(remainder)


def _named_by_updates(writes: Iterable[RecordedWrite]) -> Mapping[str, Collection[int]]:
    """The contacts of IT Glue that each run has updated: they were there before it created any."""
    found: dict[str, set[int]] = defaultdict(set)
    for write in writes:
        if write.kind == WriteKind.ITGLUE_UPDATE:
            found[write.run].update(row.id for row in write.rows if row.id is not None)
    return found


def _bms_contact(after: Mapping[str, Any]) -> BmsContact:
    """The BMS contact that a row of a create describes."""
    values = dict(after)
    values["id"] = BmsId(0)
    values["emails"] = tuple(BmsEmail(**entry) for entry in after["emails"])
    values["phones"] = tuple(BmsPhone(**entry) for entry in after["phones"])
    return BmsContact(**values)


# ------------------------------------------------------------------------- steps


@dataclass(slots=True)
class _Work:
    """The present state, as it will be after the steps so far."""

    contacts: dict[ItGlueId, Contact]
    bms: dict[BmsId, BmsContact]
    created: Mapping[_Place, int]
    created_in_bms: Mapping[_Place, int]
    saved_at: Mapping[ItGlueId, str]
    result: Reversal = field(default_factory=Reversal)

    def revert(self, write: RecordedWrite, row: RecordedRow, place: _Place) -> None:
        """Take the steps for one row of a write."""
        if place in self.created:
            self._remove(row, ItGlueId(self.created[place]))
        elif place in self.created_in_bms:
            self._deactivate(BmsId(self.created_in_bms[place]))
        elif row.id is None or not write.may_have_taken_place:
            return
        elif write.kind == WriteKind.ITGLUE_UPDATE:
            self._restore(write, row, ItGlueId(row.id))
        elif write.kind == WriteKind.BMS_SET and row.id not in self.created_in_bms.values():
            self._restore_in_bms(row, BmsId(row.id))

    # -------------------------------------------------------------- IT Glue

    def _remove(self, row: RecordedRow, contact_id: ItGlueId) -> None:
        contact = self.contacts.get(contact_id)
        if contact is None:
            return
        edited = tuple(each for each in row.after if not same_value(contact, each, row.after[each]))
        if self._is_linked_elsewhere(contact):
            ids = [each.remote_number for each in contact.adapters]
            self._remains(ITGLUE, contact, because(ReasonCode.LINKED_SINCE, bms_contact_id=next(iter(ids), None)))
        elif edited:
            self._remains(ITGLUE, contact, because(ReasonCode.CHANGED_SINCE_WRITTEN, service=ITGLUE), edited)
        elif contact.updated_at != self.saved_at.get(contact_id, contact.created_at):
            self._remains(ITGLUE, contact, because(ReasonCode.WORKED_ON_SINCE))
        else:
            before = encode(contact, row.after)
            self.result.steps.append(Step(StepKind.REMOVE, contact_id, before, {}, _shown(contact)))
            del self.contacts[contact_id]

    def _is_linked_elsewhere(self, contact: Contact) -> bool:
        """Whether a contact is linked to anything but BMS contacts that the same journal has created."""
        ours = self.created_in_bms.values()
        if not contact.adapters:
            return bool(contact.psa_integration) or not contact.link_known
        return any(each.remote_number not in ours for each in contact.adapters)

    def _restore(self, write: RecordedWrite, row: RecordedRow, contact_id: ItGlueId) -> None:
        contact = self.contacts.get(contact_id)
        if contact is None:
            # One that the journal has created, too, is where its revert puts it.
            if not write.in_part and contact_id not in self.created.values():
                self._gone(ITGLUE, row, contact_id)
            return
        back: dict[str, Any] = {}
        lost, held = [], []
        for each, value in row.after.items():
            if each not in row.before:
                continue
            if same_value(contact, each, row.before[each]):
                held.append(each)
            elif same_value(contact, each, value):
                back[each] = row.before[each]
            else:
                lost.append(each)
        self._are_reverted(ITGLUE, contact_id, held)
        if back:
            self.result.steps.append(Step(StepKind.RESTORE, contact_id, encode(contact, back), back, _shown(contact)))
            self.contacts[contact_id] = _with(contact, back)
        if lost:
            self._remains(ITGLUE, contact, because(ReasonCode.CHANGED_SINCE_WRITTEN, service=ITGLUE), lost)

    # ------------------------------------------------------------------ BMS

    def _deactivate(self, bms_id: BmsId) -> None:
        contact = self.bms.get(bms_id)
        if contact is None or not contact.active:
            return
        before, after = {"IsActive": True}, {"IsActive": False}
        self.result.steps.append(Step(StepKind.DEACTIVATE, bms_id, before, after, _shown(contact)))
        self.bms[bms_id] = replace(contact, active=False)

    def _restore_in_bms(self, row: RecordedRow, bms_id: BmsId) -> None:
        contact = self.bms.get(bms_id)
        if contact is None:
            self._gone(BMS, row, bms_id)
            return
        found = _former_fields(contact, row)
        self._are_reverted(BMS, bms_id, found.held)
        if found.after:
            self.result.steps.append(Step(StepKind.RESTORE_IN_BMS, bms_id, found.before, found.after, _shown(contact)))
            self.bms[bms_id] = bms_fields.with_fields(contact, found.after)
        for fields, reason in (
            (found.changed, because(ReasonCode.CHANGED_SINCE_WRITTEN, service=BMS)),
            (found.needed, because(ReasonCode.DEFAULT_ENTRY_NEEDED)),
        ):
            if fields:
                self._remains(BMS, contact, reason, fields)

    # ----------------------------------------------------------- remainders

    def _are_reverted(self, service: str, contact_id: int, fields: Collection[str]) -> None:
        """These fields hold what they held before this write: so what a later one has put there is reverted, too."""
        changed, reported = (service, contact_id, ReasonCode.CHANGED_SINCE_WRITTEN), self.result.remainders
        for each in [one for one in reported if (one.service, one.id, one.reason.code) == changed] if fields else ():
            place, left = reported.index(each), tuple(name for name in each.fields if name not in fields)
            reported[place : place + 1] = [replace(each, fields=left)] if left else []

    def _gone(self, service: str, row: RecordedRow, contact_id: int) -> None:
        reason = because(ReasonCode.CONTACT_GONE, service=service)
        self.result.remainders.append(Remainder(service, contact_id, "", tuple(row.after), reason))

    def _remains(self, service: str, contact: Contact | BmsContact, reason: Reason, fields: Iterable[str] = ()) -> None:
        remainder = Remainder(service, contact.id, _shown(contact), tuple(fields), reason)
        # Once, though several writes were about it.
        if remainder not in self.result.remainders:
            self.result.remainders.append(remainder)


@dataclass(slots=True)
class _Former:
    """The fields of a BMS contact that get their former values; those that `held` them already, those that were
    `changed` since, and those of which BMS needs an entry that the former value has not."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)


def _former_fields(contact: BmsContact, row: RecordedRow) -> _Former:
    found = _Former()
    for each, value in row.after.items():
        present, before = bms_fields.encode(contact, [each])[each], row.before.get(each)
        if bms_fields.same_value(each, present, before):
            found.held.append(each)
            continue
        if not bms_fields.same_value(each, present, value):
            found.changed.append(each)
            continue
        stored = _in_order(each, present, value)
        if each not in bms_fields.VALUE:
            found.before[each], found.after[each] = stored, before
            continue
        possible = bool(before and bms_fields.entry_changes(each, stored, before))
        if possible:
            found.before[each], found.after[each] = stored, before
        if not possible or not _default_comes_back(stored, before or ()):
            found.needed.append(each)
    return found


def _default_comes_back(stored: Sequence[bms_fields.Entry], before: Sequence[bms_fields.Entry]) -> bool:
    """Whether the same entries can be default again."""
    is_default = [entry["default"] for entry in before]
    return is_default.count(True) == 1 or not any(entry["default"] for entry in stored)


def _in_order(field_name: str, present: Any, written: Any) -> Any:
    """What is there; of a list the entries in the order in which they were written, as BMS spells them.

    Of entries that compare as equal each takes the one that is spelled as it was written, where there is one.
    """
    if field_name not in bms_fields.VALUE:
        return present
    value, left, ordered = bms_fields.VALUE[field_name], list(present), []
    for entry in written:
        key = bms_fields.entry_key(field_name, entry)
        alike = [each for each in left if bms_fields.entry_key(field_name, each) == key]
        found = next((each for each in alike if each[value] == entry[value]), alike[0])
        left.remove(found)
        ordered.append(found)
    return ordered


def _shown(contact: Contact | BmsContact) -> str:
    return shown_name(contact.first_name, contact.last_name)


def _with(contact: Contact, attributes: Mapping[str, Any]) -> Contact:
    changed = decode({**encode(contact), **attributes})
    scalars = {slot: getattr(changed, slot) for slot in SCALARS.values()}
    return replace(contact, **scalars, emails=changed.emails, phones=changed.phones)

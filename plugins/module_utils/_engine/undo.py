# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Taking back what a journal tells (feature, section 6, "Journal").

Whether a write still has to be taken back is read off the present state, not off a mark: a
contact that is gone needs no removal, and a field that holds its former value no restoring. So
taking back twice does nothing the second time, and an interrupted one goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from . import bms_fields
from .attributes import decode, encode, same_value
from .model import BmsContact, Contact
from .text import address, contact_addresses, name

ITGLUE_CREATE, ITGLUE_UPDATE, ITGLUE_DELETE = "itglue.create", "itglue.update", "itglue.delete"
BMS_CREATE, BMS_SET = "bms.create", "bms.set"

REMOVE, RESTORE, DEACTIVATE, BMS_RESTORE = "remove", "restore", "deactivate", "restore_in_bms"

_NOT_CARRIED_OUT = frozenset(
    {"QuotaExceededError", "UnavailableError", "AuthenticationError", "PermissionDeniedError", "NotFoundError"}
)


_BY_HAND = "remove it by hand if that is right."
_CHANGED = "They have been changed since."
_NEEDED = "BMS keeps one default entry, never none and never several."

_Known = TypeVar("_Known", Contact, BmsContact)


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a journal. `rows` have `id`, `before` and `after`.

    `ids` belong to the rows one by one; they and `error` are None while the outcome is not known.
    """

    kind: str
    rows: tuple[Mapping[str, Any], ...]
    ids: tuple[int | None, ...] | None = None
    error: str | None = None

    def with_outcome(self, ids: Sequence[int | None] | None, error: str | None) -> Write:
        return replace(self, ids=None if ids is None else tuple(ids), error=error)

    @property
    def not_carried_out(self) -> bool:
        return self.error in _NOT_CARRIED_OUT and not self.in_part

    @property
    def changed(self) -> bool:
        """Whether rows of a change may have been taken."""
        return self.error in (None, "OutcomeUnknownError") or self.in_part

    @property
    def in_part(self) -> bool:
        """Whether a bulk request to change contacts was refused. Whether IT Glue takes such as a whole is not
        published: it may have taken the other rows."""
        return self.kind == ITGLUE_UPDATE and self.error in ("RejectedError", "NotFoundError") and len(self.rows) > 1


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: `remove` a contact from IT Glue or `restore` its fields, `deactivate` a
    BMS contact or restore its fields there. `before` is what is there now."""

    kind: str
    id: int
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Remainder:
    """What cannot be taken back, and why. `fields` are empty where it is the whole contact."""

    service: str
    id: int | None
    name: str
    fields: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class Undoing:
    """The steps in the order in which they are to be taken, and what remains."""

    steps: list[Step] = field(default_factory=list)
    remainders: list[Remainder] = field(default_factory=list)


def undo(writes: Sequence[Write], contacts: Iterable[Contact], bms_contacts: Iterable[BmsContact]) -> Undoing:
    """How to take `writes` back, the last one first, given what IT Glue and BMS hold now."""
    work = _Work({each.id: each for each in contacts}, {each.id: each for each in bms_contacts})
    work.named = {
        known
        for write in writes
        for known in (*(write.ids or ()), *(row["id"] for row in write.rows))
        if known is not None
    }
    work.made_in_bms = {known for write in writes if write.kind == BMS_CREATE for known in write.ids or ()}
    for write in reversed(writes):
        if write.not_carried_out:
            continue
        for number, row in reversed(list(enumerate(write.rows))):
            work.take_back(write, row, write.ids[number] if write.ids else row["id"])
    return work.result


@dataclass(slots=True)
class _Work:
    """The present state, as it will be after the steps so far."""

    contacts: dict[int, Contact]
    bms: dict[int, BmsContact]
    named: set[int] = field(default_factory=set)
    made_in_bms: set[int | None] = field(default_factory=set)
    result: Undoing = field(default_factory=Undoing)

    def take_back(self, write: Write, row: Mapping[str, Any], known: int | None) -> None:
        if write.kind == ITGLUE_CREATE:
            self._remove(row, known)
        elif write.kind == BMS_CREATE:
            self._deactivate(row, known)
        elif write.kind == ITGLUE_UPDATE and write.changed:
            if known in self.contacts or not write.in_part:
                self._restore(row, known)
        elif write.kind == BMS_SET and write.changed and known not in self.made_in_bms:
            self._restore_in_bms(row, known)

    def _remove(self, row: Mapping[str, Any], known: int | None) -> None:
        contact = self.contacts.get(known) if known is not None else self._made(row["after"])
        if contact is None:
            return
        edited = tuple(each for each in row["after"] if not same_value(contact, each, row["after"][each]))
        if contact.adapters or contact.psa_integration:
            self._remains("itglue", contact, f"It has been linked to another system since; {_BY_HAND}", ())
        elif edited:
            self._remains("itglue", contact, f"It has been changed since; {_BY_HAND}", edited)
        else:
            self.result.steps.append(Step(REMOVE, contact.id, encode(contact, row["after"]), {}, _shown(contact)))
            del self.contacts[contact.id]

    def _made(self, after: Mapping[str, Any]) -> Contact | None:
        """The contact that a create of unknown outcome made, where there is one like it."""
        wanted = decode(after)
        alike = [
            contact
            for contact in self.contacts.values()
            if contact.id not in self.named
            and (name(contact.first_name), name(contact.last_name)) == (name(wanted.first_name), name(wanted.last_name))
            and contact_addresses(contact) == contact_addresses(wanted)
        ]
        return self._only("itglue", alike)

    def _only(self, service: str, alike: list[_Known]) -> _Known | None:
        """The one of its kind; several are told, since which one the run has made cannot be known."""
        if len(alike) > 1:
            ids = ", ".join(str(each.id) for each in alike)
            reason = f"Its answer was lost, and the contacts {ids} are alike; {_BY_HAND}"
            self.result.remainders.append(Remainder(service, None, _shown(alike[0]), (), reason))
        return alike[0] if len(alike) == 1 else None

    def _remains(self, service: str, contact: Contact | BmsContact, reason: str, fields: Iterable[str]) -> None:
        remainder = Remainder(service, contact.id, _shown(contact), tuple(fields), reason)
        # Once, though several writes were about it.
        if remainder not in self.result.remainders:
            self.result.remainders.append(remainder)

    def _restore(self, row: Mapping[str, Any], known: int | None) -> None:
        contact = self.contacts.get(known or 0)
        if contact is None:
            reason = "The contact is gone from IT Glue."
            self.result.remainders.append(Remainder("itglue", known, "", tuple(row["after"]), reason))
            return
        back: dict[str, Any] = {}
        lost = []
        for each, value in row["after"].items():
            if each not in row["before"] or same_value(contact, each, row["before"][each]):
                continue
            if same_value(contact, each, value):
                back[each] = row["before"][each]
            else:
                lost.append(each)
        if back:
            self.result.steps.append(Step(RESTORE, contact.id, encode(contact, back), back, _shown(contact)))
            self.contacts[contact.id] = _with(contact, back)
        if lost:
            self._remains("itglue", contact, _CHANGED, lost)

    def _deactivate(self, row: Mapping[str, Any], known: int | None) -> None:
        contact = self.bms.get(known) if known is not None else self._made_in_bms(row["after"])
        if contact is None or not contact.active:
            return
        self.result.steps.append(Step(DEACTIVATE, contact.id, {"IsActive": True}, {"IsActive": False}, _shown(contact)))
        self.bms[contact.id] = replace(contact, active=False)

    def _made_in_bms(self, after: Mapping[str, Any]) -> BmsContact | None:
        wanted = {address(entry["address"]) for entry in after["emails"]}
        alike = [
            contact
            for contact in self.bms.values()
            if contact.id not in self.named
            and (name(contact.first_name), name(contact.last_name))
            == (name(after["first_name"]), name(after["last_name"]))
            and {address(entry.address) for entry in contact.emails} == wanted
        ]
        return self._only("bms", alike)

    def _restore_in_bms(self, row: Mapping[str, Any], known: int | None) -> None:
        contact = self.bms.get(known or 0)
        if contact is None:
            reason = "The contact is gone from BMS."
            self.result.remainders.append(Remainder("bms", known, "", tuple(row["after"]), reason))
            return
        held, back, lost, needed = {}, {}, [], []
        for each, value in row["after"].items():
            present, before = bms_fields.encode(contact, [each])[each], row["before"].get(each)
            if bms_fields.same_value(each, present, before):
                continue
            if not bms_fields.same_value(each, present, value):
                lost.append(each)
                continue
            there = _in_order(each, present, value)
            if each not in bms_fields.VALUE:
                held[each], back[each] = there, before
                continue
            possible = bool(before and bms_fields.entry_changes(each, there, before))
            if possible:
                held[each], back[each] = there, before
            if not possible or not _default_comes_back(there, before):
                needed.append(each)
        if back:
            self.result.steps.append(Step(BMS_RESTORE, contact.id, held, back, _shown(contact)))
            self.bms[contact.id] = bms_fields.with_fields(contact, back)
        for fields, reason in ((lost, _CHANGED), (needed, _NEEDED)):
            if fields:
                self._remains("bms", contact, reason, fields)


def _default_comes_back(there: Sequence[bms_fields.Entry], before: Sequence[bms_fields.Entry]) -> bool:
    """Whether the same entries can be default again."""
    is_default = [entry["default"] for entry in before]
    return is_default.count(True) == 1 or not any(entry["default"] for entry in there)


def _in_order(field: str, present: Any, written: Any) -> Any:
    """What is there; of a list the entries in the order in which they were written, as BMS spells them."""
    if field not in bms_fields.VALUE:
        return present
    spelled = {bms_fields.entry_key(field, entry): entry for entry in present}
    return [spelled[bms_fields.entry_key(field, entry)] for entry in written]


def _shown(contact: Contact | BmsContact) -> str:
    return " ".join(filter(None, (contact.first_name, contact.last_name)))


def _with(contact: Contact, attributes: Mapping[str, Any]) -> Contact:
    changed = decode({**encode(contact), **attributes})
    return replace(
        contact,
        **{
            slot: getattr(changed, slot)
            for slot in ("first_name", "last_name", "title", "location_id", "contact_type_id")
        },
        emails=changed.emails,
        phones=changed.phones,
    )

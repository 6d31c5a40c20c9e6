# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what is about to be created in BMS is still to be created, looked up right before it is.

Somebody may have created the same person in BMS since the run has read it, and IT Glue's own sync may
have linked the contact, or say that it has by refusing to change it. Such a push is deferred: the
next run finds who is in BMS.

The BMS contact of a linked contact follows what IT Glue holds. It may have kept e-mails or phones that were
to go, as where it merges arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from .._engine import attributes, bms_fields
from .._engine.errors import QuotaExceededError, SyncError
from .._engine.links import LinkState, link_state, linked_bms_id
from .._engine.model import BmsContact, BmsId, BmsSnapshot, Contact, ItGlueId
from .._engine.native_signs import pushed_meanwhile
from .._engine.plan import Operation, Plan, Push
from .._engine.reasons import Reason, ReasonCode, because
from .itglue_writer import ItGlueWriter
from .outcomes import Outcomes, reason_of
from .planned_run import Replanner, Run

_FOUND = frozenset({Push.ALREADY_IN_BMS, Push.CONFLICT})

_CREATED_BESIDE = frozenset({ReasonCode.BMS_HIT_WITHHELD, ReasonCode.BMS_NAMESAKE})
"""What the look-up says of BMS contacts that could be taken for somebody who is created all the same."""

_LISTS = {attributes.EMAILS: bms_fields.EMAILS, attributes.PHONES: bms_fields.PHONES}
"""The lists of entries of a contact, with those of its BMS contact."""

_Held: TypeAlias = "tuple[Operation, Reason]"
"""A push that no longer holds, as it was planned, and why."""


@dataclass(frozen=True, slots=True)
class PushCheck:
    """Looks again whom to push, for the run as it was planned last."""

    replanner: Replanner

    @property
    def run(self) -> Run:
        """The run as it was planned last."""
        return self.replanner.run

    def defer(self, outcomes: Outcomes, itglue: ItGlueWriter) -> Sequence[BmsContact] | None:
        """Defer the pushes that no longer hold; the account's contacts by now, None where they were not read."""
        linked = []
        for operation in _pushes(outcomes):
            if reason := self._held_back(operation, itglue):
                outcomes.put(operation.withheld(bms=Push.DEFERRED, reason=reason))
                if reason.code == ReasonCode.LINKED_BY_NOW:
                    linked.append((operation, reason))
        present, in_bms = self._look_in_bms(outcomes, itglue)
        self._stop(outcomes, linked, in_bms, itglue)
        return present

    def follow_kept(self, outcomes: Outcomes, itglue: ItGlueWriter) -> None:
        """Have BMS follow the entries that IT Glue has kept although they were to go, as the next run would. A plan
        that is applied names all that is written."""
        unapplied = outcomes.those(lambda each: not _LISTS.keys().isdisjoint(each.itglue.unapplied))
        linked = [each for each in unapplied if each.bms.push is None]
        in_bms = self.run.planning.findings.bms
        if not linked or in_bms is None or self.replanner.document is not None:
            return
        with suppress(SyncError):
            by_now = self._by_now(outcomes, in_bms, itglue.shown or {})
            fresh = {each.subject: each for each in by_now.operations}
            for operation in linked:
                if operation.subject in fresh:
                    outcomes.put(_following(operation, fresh[operation.subject]))

    def _look_in_bms(self, outcomes: Outcomes, itglue: ItGlueWriter) -> tuple[Sequence[BmsContact] | None, list[_Held]]:
        """Defer the pushes of people who are in BMS by now: the account's contacts, and who was found."""
        pushes, known = _pushes(outcomes), self.run.planning.findings.bms
        if not pushes or known is None:
            return None, []
        try:
            present = replace(known, contacts=tuple(self.replanner.services.bms.contacts(known.account.id)))
            by_now = self._by_now(outcomes, present, itglue.shown or {}) if _differ(known, present) else None
        except SyncError as error:
            reason = because(ReasonCode.BMS_NOT_READ, said=str(error))
            if isinstance(error, QuotaExceededError):
                outcomes.note_quota(error)
                reason = reason_of(error)
            for operation in pushes:
                outcomes.put(operation.withheld(bms=Push.DEFERRED, reason=reason))
            return None, []
        return present.contacts, [] if by_now is None else _defer_found(outcomes, by_now)

    def _stop(self, outcomes: Outcomes, linked: Sequence[_Held], in_bms: Sequence[_Held], itglue: ItGlueWriter) -> None:
        """Push no further where IT Glue has pushed what this run has written."""
        bms_ids: set[BmsId] = set()
        for dummy, reason in (*linked, *in_bms):
            bms_ids.update(reason.values.get("bms_contact_ids") or filter(None, [reason.values.get("bms_contact_id")]))
        contacts = tuple((itglue.shown or {}).values())
        sign = pushed_meanwhile([each for each, dummy in linked], [each for each, dummy in in_bms], contacts, bms_ids)
        if sign is not None:
            self.run.stopped = sign
            for operation in _pushes(outcomes):
                outcomes.put(operation.withheld(bms=Push.FAILED, reason=sign))

    def _held_back(self, operation: Operation, itglue: ItGlueWriter) -> Reason | None:
        """Why a contact is not pushed by what IT Glue shows of it."""
        if itglue.shown is None:
            return because(ReasonCode.NOT_READ_AFTER_WRITE)
        contact_id = operation.itglue.contact_id
        contact = None if contact_id is None else itglue.shown.get(contact_id)
        if contact is None:
            return because(ReasonCode.CHANGED_SINCE_READ, changed=["contact_id"])
        names = self.run.planning.options.bms_adapter_names
        state = link_state(contact, names)
        if state == LinkState.UNKNOWN:
            return because(ReasonCode.LINK_UNKNOWN, contact_id=contact.id)
        if state is not None:
            return because(ReasonCode.LINKED_BY_NOW, bms_contact_id=linked_bms_id(contact, names))
        return because(ReasonCode.REFUSED_AS_SYNCED) if operation.subject in itglue.refused_as_synced else None

    def _by_now(self, outcomes: Outcomes, present: BmsSnapshot, shown: Mapping[ItGlueId, Contact]) -> Plan:
        """The plan by what is in BMS by now."""
        contacts = {contact.id: contact for contact in self.run.read.snapshot.contacts} | dict(shown)
        written = {each.subject: each.itglue.contact_id for each in outcomes if each.itglue.writes}
        snapshot = replace(self.run.read.snapshot, contacts=tuple(contacts.values()))
        dummy, plan = self.replanner.planned(snapshot, present, written)
        return plan


def _following(operation: Operation, fresh: Operation) -> Operation:
    """The operation with the lists of its BMS contact as the fresh one has them become."""
    now = fresh.bms
    if now.push is not None or now.contact_id != operation.bms.contact_id:
        return operation
    fields = [field for group, field in _LISTS.items() if group in operation.itglue.unapplied and field in now.after]
    before = {**operation.bms.before, **{field: now.before[field] for field in fields}}
    after = {**operation.bms.after, **{field: now.after[field] for field in fields}}
    return operation._replace(bms=operation.bms._replace(before=before, after=after))


def _defer_found(outcomes: Outcomes, by_now: Plan) -> list[_Held]:
    """Defer the pushes of people who are in BMS `by_now`, or could be, and report beside whom the others are created:
    who was found."""
    operations = {each.subject: each for each in by_now.operations}
    candidates = {user: each.bms_contact_ids for each in by_now.conflicts for user in each.users}
    in_bms: list[_Held] = []
    for operation in _pushes(outcomes):
        fresh = operations[operation.subject]
        if fresh.bms.push in _FOUND:
            bms_ids = [fresh.bms.contact_id] if fresh.bms.contact_id else list(candidates.get(fresh.user, ()))
            found = because(ReasonCode.IN_BMS_BY_NOW, bms_contact_ids=bms_ids)
            outcomes.put(operation.withheld(bms=Push.DEFERRED, reason=found))
            in_bms.append((operation, found))
        else:
            others = [each for each in operation.reasons if each.code not in _CREATED_BESIDE]
            beside = [each for each in fresh.reasons if each.code in _CREATED_BESIDE]
            outcomes.put(operation._replace(reasons=(*others, *beside)))
    return in_bms


def _pushes(outcomes: Outcomes) -> list[Operation]:
    return outcomes.those(lambda each: each.bms.push == Push.PUSHED)


def _differ(known: BmsSnapshot, present: BmsSnapshot) -> bool:
    before = {contact.id: contact for contact in known.contacts}
    return before != {contact.id: contact for contact in present.contacts}

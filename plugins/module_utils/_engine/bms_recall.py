# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People who were found in BMS by an earlier run, and are not looked for again on each run.

A remembered person only keeps a push from being planned. Where anything has to be looked up in BMS, everybody is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from .bms_plan import PlannedContacts
from .freshness import Compared, is_due
from .model import InBms
from .plan import MATCHED, Action, BmsPart, Departure, Operation, Push
from .reasons import ReasonCode, because

RECALLED = frozenset(
    {
        ReasonCode.IN_BMS_BY_ADDRESS,
        ReasonCode.IN_BMS_BY_NAME,
        ReasonCode.IN_BMS_BY_OVERRIDE,
        ReasonCode.INACTIVE_IN_BMS,
        ReasonCode.LINK_IN_ITGLUE,
    }
)
"""The reasons of a look-up that are remembered; each names the BMS contact and nothing else."""


def recalled(contacts: PlannedContacts) -> PlannedContacts:
    """What is planned, with those decided who were found in BMS within a day."""
    facts = contacts.matched.snapshot.facts
    if not facts.in_bms and not facts.offboarded:
        return contacts
    compared = compared_by(contacts)
    keys = {
        each.subject: compared.of(each.subject.user_id, each.itglue.contact_id, each.wanted)
        for each in contacts.operations
        if each.bms.push == Push.UNDECIDED
    }
    operations = tuple(_recalled(each, contacts, keys.get(each.subject)) for each in contacts.operations)
    left = facts.in_bms.keys() - keys.values()
    done = frozenset(
        each.contact_id
        for each in contacts.departures
        if (verified_at := facts.offboarded.get(departed_digest(each, contacts, compared))) is not None
        and not has_to_be_verified(contacts, verified_at)
    )
    elsewhere = dict(_linked_elsewhere(contacts, compared, left)) if left else {}
    return replace(contacts, operations=operations, offboarded=done, linked_elsewhere=elsewhere)


def _linked_elsewhere(
    contacts: PlannedContacts, compared: Compared, left: Collection[str]
) -> Iterator[tuple[str, InBms]]:
    """The facts of people whose contacts IT Glue has linked since, to another BMS contact. `left` are the facts of
    nobody who is looked for."""
    matched = contacts.matched
    settings = matched.snapshot.bms
    for operation in contacts.operations if settings.pushes and not settings.native else ():
        contact = contacts.contact(operation) if operation.itglue.action in MATCHED else None
        linked = matched.directory.linked_bms_id(contact) if contact is not None else None
        if contact is None or linked is None:
            continue
        key = compared.of(operation.subject.user_id, contact.id, contact)
        if key in left and matched.snapshot.facts.in_bms[key].bms_contact_id != linked:
            yield key, matched.snapshot.facts.in_bms[key]


def compared_by(contacts: PlannedContacts) -> Compared:
    """The digests of what a look-up would compare."""
    return Compared(contacts.matched.snapshot, contacts.matched.options, contacts.bms_answers)


def departed_digest(departure: Departure, contacts: PlannedContacts, compared: Compared) -> str:
    """The digest of what the look-up of a departed person compares."""
    contact = contacts.matched.directory.contact[departure.contact_id]
    return compared.of(departure.user_id, contact.id, contact)


def _recalled(operation: Operation, contacts: PlannedContacts, key: str | None) -> Operation:
    """An operation by the fact under `key`; as it is where nobody looks for its person."""
    snapshot = contacts.matched.snapshot
    fact = snapshot.facts.in_bms.get(key) if key is not None else None
    if fact is None or has_to_be_verified(contacts, fact.verified_at):
        return operation
    return _in_bms(operation, fact, native=snapshot.bms.native)


def has_to_be_verified(contacts: PlannedContacts, verified_at: int) -> bool:
    """Whether a fact that was verified at a time has to be verified again in this run."""
    snapshot = contacts.matched.snapshot
    return is_due(snapshot.organization.id, verified_at, snapshot.read_at)


def _in_bms(operation: Operation, fact: InBms, *, native: bool) -> Operation:
    """The operation of somebody who is in BMS. Under `native` nothing is written to IT Glue, which would push."""
    if native:
        operation = operation.withheld(itglue=Action.UNCHANGED)
    reasons = [because(ReasonCode(code), bms_contact_id=fact.bms_contact_id) for code in fact.codes]
    return operation.with_bms(BmsPart(Push.ALREADY_IN_BMS, fact.bms_contact_id), *reasons)

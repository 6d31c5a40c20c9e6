# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""People who were found in BMS by an earlier run, and are not looked for again on each run.

A remembered person only keeps a push from being planned. Where anything has to be looked up in BMS, everybody is.
"""

from __future__ import annotations

from dataclasses import replace

from .bms_plan import PlannedContacts
from .freshness import Compared, is_due
from .model import InBms
from .plan import Action, BmsPart, Departure, DepartureAction, Operation, Push
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
    operations = tuple(_recalled(each, contacts, compared) for each in contacts.operations)
    done = frozenset(
        each.contact_id
        for each in contacts.departures
        if each.action == DepartureAction.DEACTIVATE
        and (verified_at := facts.offboarded.get(departed_digest(each, contacts, compared))) is not None
        and not _is_due(contacts, verified_at)
    )
    return replace(contacts, operations=operations, offboarded=done)


def compared_by(contacts: PlannedContacts) -> Compared:
    """The digests of what a look-up would compare."""
    return Compared(contacts.matched.snapshot, contacts.matched.options, contacts.bms_answers)


def departed_digest(departure: Departure, contacts: PlannedContacts, compared: Compared) -> str:
    """The digest of what the look-up of a departed person compares."""
    contact = contacts.matched.directory.contact[departure.contact_id]
    return compared.of(departure.user_id, contact.id, contact)


def _recalled(operation: Operation, contacts: PlannedContacts, compared: Compared) -> Operation:
    if operation.bms.push != Push.UNDECIDED:
        return operation
    snapshot = contacts.matched.snapshot
    known = compared.of(operation.subject.user_id, operation.itglue.contact_id, operation.wanted)
    fact = snapshot.facts.in_bms.get(known)
    if fact is None or _is_due(contacts, fact.verified_at):
        return operation
    return _in_bms(operation, fact, native=snapshot.bms.native)


def _is_due(contacts: PlannedContacts, verified_at: int) -> bool:
    snapshot = contacts.matched.snapshot
    return is_due(snapshot.organization.id, verified_at, snapshot.read_at)


def _in_bms(operation: Operation, fact: InBms, *, native: bool) -> Operation:
    """The operation of somebody who is in BMS. Under `native` nothing is written to IT Glue, which would push."""
    if native:
        operation = operation.withheld(itglue=Action.UNCHANGED)
    found = replace(operation, bms=BmsPart(Push.ALREADY_IN_BMS, fact.bms_contact_id))
    return found.because(*(because(ReasonCode(code), bms_contact_id=fact.bms_contact_id) for code in fact.codes))

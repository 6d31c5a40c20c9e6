# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Who is in BMS already: the look-up, and what only a person can decide about it (matching guide).

A candidate is an operation whose contact is new or not linked, and ready for BMS. Its push is
`UNDECIDED` before, and stays so where nobody was found: then the contact is pushed (`bms_push`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from .conflicts import IGNORE, NEW, Conflict, Rule
from .directory import BmsDirectory, Directory, bms_addresses
from .grouping import connected, repeated
from .model import BmsContact, BmsId, Contact, ItGlueId
from .plan import Action, BmsPart, Operation, Push, Subject
from .reasons import Reason, ReasonCode, because
from .text import contact_addresses, email_keys, full_name, is_blank, text


@dataclass(frozen=True, slots=True)
class Hit:
    """The BMS contacts that could be a candidate: by an address, else (`by_name`) by first and last name.

    `namesakes` bear the candidate's name too, but hold an address of somebody else's.
    """

    found: tuple[BmsContact, ...] = ()
    by_name: bool = False
    namesakes: tuple[BmsContact, ...] = ()


@dataclass(frozen=True, slots=True)
class Decisions:
    """The candidates with their pushes decided, by subject, but for those that are to be pushed."""

    operations: Mapping[Subject, Operation]
    conflicts: tuple[Conflict, ...]


def candidates(operations: Iterable[Operation]) -> list[Operation]:
    """The operations whose push only BMS can decide."""
    return [operation for operation in operations if operation.bms.push == Push.UNDECIDED]


def look_up(sought: Iterable[Operation], directory: Directory, bms: BmsDirectory) -> list[Hit]:
    """The BMS contacts that could be each of the operations' contacts, in their order.

    A namesake counts only where nobody else, user or contact, holds an address of it.
    """
    return [_hit(operation, directory, bms) for operation in sought]


def _hit(operation: Operation, directory: Directory, bms: BmsDirectory) -> Hit:
    contact = operation.wanted
    if found := bms.with_an_address(email_keys(contact)):
        return Hit(tuple(found))
    named = bms.named(full_name(contact.first_name, contact.last_name))
    if not named:
        return Hit()
    whose = operation.subject.user_id, operation.itglue.contact_id
    own = tuple(each for each in named if not directory.others_hold(bms_addresses(each), *whose))
    return Hit(own, by_name=True) if own else Hit(namesakes=tuple(named))


def decide(sought: Sequence[Operation], hits: Sequence[Hit], directory: Directory, *, native: bool) -> Decisions:
    """Decide the pushes of the candidates from what was found for them."""
    groups = _groups(sought, hits, directory, native)
    operations: dict[Subject, Operation] = {}
    conflicts: dict[tuple[Any, ...], Conflict] = {}
    for operation, hit in zip(sought, hits, strict=True):
        blocked: tuple[Conflict, Reason] | None = None
        if native and hit.namesakes:
            blocked = _would_pair(operation, hit.namesakes)
        elif group := groups.get(operation.subject) if groups else None:
            blocked = group.conflict, _reason(operation, hit, group)
        if blocked:
            conflict, reason = blocked
            conflicts[conflict.rule, conflict.user_ids, conflict.bms_contact_ids] = conflict
            operations[operation.subject] = _in_conflict(operation, reason, native)
        elif hit.found:
            operations[operation.subject] = _in_bms(operation, hit, native)
    return Decisions(operations, tuple(conflicts.values()))


def _in_conflict(operation: Operation, reason: Reason, native: bool) -> Operation:
    """Under `native` nothing is written to IT Glue either: each write makes it push."""
    return operation.withheld(itglue=Action.UNCHANGED if native else None, bms=Push.CONFLICT, reason=reason)


def _in_bms(operation: Operation, hit: Hit, native: bool) -> Operation:
    (found,) = hit.found
    by = ReasonCode.IN_BMS_BY_NAME if hit.by_name else ReasonCode.IN_BMS_BY_ADDRESS
    reasons = [because(by, bms_contact_id=found.id)]
    before, after = dict(operation.bms.before), dict(operation.bms.after)
    if not found.active and "IsActive" not in after:
        reasons.append(because(ReasonCode.INACTIVE_IN_BMS, bms_contact_id=found.id))
    if native:
        reasons.append(because(ReasonCode.LINK_IN_ITGLUE, bms_contact_id=found.id))
        operation = operation.withheld(itglue=Action.UNCHANGED)
    elif is_blank(found.job_title) and operation.itglue.contact and not is_blank(operation.itglue.contact.title):
        before["JobTitle"], after["JobTitle"] = found.job_title, text(operation.itglue.contact.title)
    bms = BmsPart(Push.ALREADY_IN_BMS, found.id, before=before, after=after)
    return replace(operation, bms=bms, reasons=(*operation.reasons, *reasons))


# ------------------------------------------------------------------- conflicts


@dataclass(frozen=True, slots=True)
class _Group:
    """Candidates who claim the same BMS contacts, or who would be one person there as two.

    `addresses` are those that somebody who is not in BMS yet shares with another; `linked` is a contact
    of IT Glue that is linked to one of the BMS contacts.
    """

    members: tuple[Operation, ...]
    addresses: frozenset[str]
    linked: ItGlueId | None
    conflict: Conflict


def _groups(
    sought: Sequence[Operation], hits: Sequence[Hit], directory: Directory, native: bool
) -> dict[Subject, _Group]:
    """The group of each candidate whose push is not clear. It is clear where one candidate has one BMS
    contact that nobody is linked to, or none and nothing in common with another."""
    shared = _shared_marks(sought, hits, native)
    bms_ids = [found.id for hit in hits for found in hit.found]
    contested: set[Hashable] = {*shared, *repeated(bms_ids), *(directory.linked.keys() & bms_ids)}
    claims: dict[Subject, list[Hashable]] = {}
    members: dict[Subject, _Member] = {}
    for operation, hit in zip(sought, hits, strict=True):
        claim: list[Hashable] = [found.id for found in hit.found]
        if shared:
            claim += shared.intersection(_marks(operation.wanted, native))
        if len(claim) > 1 or not contested.isdisjoint(claim):
            claims[operation.subject], members[operation.subject] = claim, (operation, hit)
    groups: dict[Subject, _Group] = {}
    for subjects, claimed in connected(claims):
        if group := _group(sorted(map(members.__getitem__, subjects), key=_by_username), claimed, directory):
            groups |= dict.fromkeys(subjects, group)
    return groups


_Member = tuple[Operation, Hit]


def _by_username(member: _Member) -> tuple[str, str]:
    return member[0].user, member[0].subject.user_id


def _group(members: Sequence[_Member], claimed: Collection[Hashable], directory: Directory) -> _Group | None:
    """The group with its conflict, None where there is nothing to decide."""
    bms_ids = tuple(sorted(BmsId(each) for each in claimed if isinstance(each, int)))
    addresses = frozenset(each for each in claimed if isinstance(each, str))
    operations = tuple(operation for operation, dummy in members)
    own = {operation.itglue.contact_id for operation in operations}
    linked = {contact_id for each in bms_ids for contact_id in directory.linked.get(each, ())} - own
    if len(members) == 1 and len(bms_ids) == 1 and not linked:
        return None
    if len(bms_ids) > 1:
        code = ReasonCode.BMS_SEVERAL_HITS
    elif bms_ids:
        code = ReasonCode.BMS_CONTACT_SHARED if len(members) > 1 else ReasonCode.BMS_CONTACT_LINKED
    else:
        code = ReasonCode.BMS_ADDRESS_SHARED if addresses else ReasonCode.BMS_NAME_SHARED
    by_address = addresses or any(hit.found and not hit.by_name for dummy, hit in members)
    in_common = {each for each in own if each is not None} if len(claimed) > len(bms_ids) else set()
    conflict = _conflict(
        Rule.BMS_EMAIL if by_address else Rule.BMS_NAME, code, operations, bms_ids, tuple(sorted(linked | in_common))
    )
    return _Group(operations, addresses, min(linked, default=None), conflict)


def _conflict(
    rule: Rule,
    code: ReasonCode,
    members: Sequence[Operation],
    bms_ids: tuple[BmsId, ...],
    contact_ids: tuple[ItGlueId, ...] = (),
) -> Conflict:
    return Conflict(
        rule=rule,
        code=code,
        users=tuple(operation.user for operation in members),
        user_ids=tuple(operation.subject.user_id for operation in members),
        contact_ids=contact_ids,
        bms_contact_ids=bms_ids,
        answers={operation.user: (*bms_ids, NEW, IGNORE) for operation in members},
        in_bms=True,
    )


def _shared_marks(sought: Sequence[Operation], hits: Sequence[Hit], native: bool) -> frozenset[Hashable]:
    """The marks that somebody who is not in BMS yet shares with another candidate."""
    marks = [_marks(operation.wanted, native) for operation in sought]
    new = [own for own, hit in zip(marks, hits, strict=True) if not hit.found]
    wanted = frozenset(chain.from_iterable(new)) - {""}
    held = [mark for own in marks if not wanted.isdisjoint(own) for mark in wanted.intersection(own)]
    return frozenset(repeated(held))


def _marks(contact: Contact, native: bool) -> tuple[Hashable, ...]:
    """What two contacts must not share that BMS is to hold as two: addresses, and under `native`
    the full name too, by which alone IT Glue pairs."""
    addresses = email_keys(contact)
    own = full_name(contact.first_name, contact.last_name) if native else None
    return (*addresses, own) if own else addresses


def _reason(operation: Operation, hit: Hit, group: _Group) -> Reason:
    """Why the push of one member of a group cannot be decided."""
    users = [member.user for member in group.members if member.subject != operation.subject]
    values: dict[str, Any] = {"bms_contact_ids": [found.id for found in hit.found]}
    if len(hit.found) > 1:
        names = {full_name(found.first_name, found.last_name) for found in hit.found}
        return because(ReasonCode.BMS_SEVERAL_HITS, same_names=len(names) == 1 and None not in names, **values)
    if users and hit.found:
        return because(ReasonCode.BMS_CONTACT_SHARED, users=users, **values)
    if users:
        if both := sorted(group.addresses & contact_addresses(operation.wanted)):
            return because(ReasonCode.BMS_ADDRESS_SHARED, addresses=both, users=users)
        return because(ReasonCode.BMS_NAME_SHARED, users=users)
    return because(ReasonCode.BMS_CONTACT_LINKED, contact_id=group.linked, **values)


def _would_pair(operation: Operation, namesakes: Sequence[BmsContact]) -> tuple[Conflict, Reason]:
    """IT Glue pairs by account, first and last name alone, whoever's address the BMS contact has."""
    ids = tuple(each.id for each in namesakes)
    conflict = _conflict(Rule.BMS_NAME, ReasonCode.BMS_NAME_OF_ANOTHER, [operation], ids)
    return conflict, because(ReasonCode.BMS_NAME_OF_ANOTHER, bms_contact_ids=list(ids))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is in BMS already: what the look-up decides, and what only a person can decide (matching guide).

A candidate is an operation whose contact is new or not linked, and ready for BMS. Its push is
`UNDECIDED` before, and stays so where nobody was found: then the contact is pushed (`bms_push`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .bms_evidence import Former, Hit, find, names_of, notes
from .bms_marks import Mark, marks_in_common
from .conflicts import IGNORE, NEW, Answer, Conflict, Rule
from .directory import BmsDirectory, Directory, primary_key_of
from .grouping import connected, repeated
from .identity import Names, compare_names, have_same_names, same_key
from .identity import names_of as compared_names
from .model import BmsContact, BmsId, ItGlueId
from .plan import Action, BmsPart, Operation, Push, Subject
from .reasons import Reason, ReasonCode, because
from .suggestions import only_best
from .text import address, bms_addresses, contact_addresses, is_blank, text

# Members of an enum that are asked for with each operation: Python 3.11 takes long to find one through its class.
_UNDECIDED, _ALREADY_IN_BMS = Push.UNDECIDED, Push.ALREADY_IN_BMS
_BY_OVERRIDE, _BY_NAME = ReasonCode.IN_BMS_BY_OVERRIDE, ReasonCode.IN_BMS_BY_NAME
_BY_ADDRESS = ReasonCode.IN_BMS_BY_ADDRESS


def candidates(operations: Iterable[Operation]) -> list[Operation]:
    """The operations whose push only BMS can decide."""
    return list(filter(is_candidate, operations))


def is_candidate(operation: Operation) -> bool:
    """Whether only BMS can decide the push of an operation."""
    return operation.bms.push == _UNDECIDED


Answered: TypeAlias = Mapping[str, tuple[BmsContact, ...]]
"""What `bms_match_overrides` makes each user's, by user id: the BMS contact that is chosen, or what was made before."""


def answered(
    operations: Sequence[Operation],
    answers: Mapping[str, Answer],
    chosen: Mapping[str, BmsContact],
    directory: Directory,
    bms: BmsDirectory,
) -> Answered:
    """What is whose by `bms_match_overrides`: what is `chosen` for users, and what a run has made for those of the
    operations who are `new`, but for what is chosen for another user, or is a namesake's."""
    own: dict[str, tuple[BmsContact, ...]] = {user_id: (found,) for user_id, found in chosen.items()}
    chosen_ids = {found.id for found in chosen.values()}
    for operation in operations:
        if answers.get(operation.subject.user_id) == NEW:
            own[operation.subject.user_id] = tuple(
                each
                for each in _made_before(operation, directory, bms)
                if each.id not in chosen_ids and not _is_of_namesake(each, operation, operations)
            )
    return own


def overridden(
    looked_up: Sequence[Operation],
    hits: list[Hit],
    own: Answered,
    directory: Directory,
    bms: BmsDirectory,
    former: Former,
) -> list[Hit]:
    """The hits as `bms_match_overrides` has them: a BMS contact that is one user's `own` is nobody else's, so whoever
    was found with it is looked for without it.

    One of the candidate's names that is nobody's any more remains a namesake: IT Glue would pair both.
    """
    if not own:
        return hits
    taken = {found[0].id for found in own.values() if len(found) == 1}
    shared = repeated([each.id for found in own.values() for each in found])
    left = BmsDirectory([each for each in bms.contacts if each.id not in taken])
    result = []
    for operation, hit in zip(looked_up, hits, strict=True):
        decided = own.get(operation.subject.user_id)
        if decided is not None:
            is_own = not any(each.id in shared for each in decided)
            hit = Hit(decided, overridden=is_own, namesakes=_namesakes(operation, hit))
        elif any(each.id in taken for each in hit.found):
            anew = find(operation, directory, left, former)
            hit = anew._replace(namesakes=(*anew.namesakes, *_namesakes(operation, hit)))
        result.append(hit)
    return result


def _is_of_namesake(found: BmsContact, operation: Operation, operations: Iterable[Operation]) -> bool:
    """Whether a BMS contact that could have been made for a user is that of a namesake, whose primary address it
    holds. What a run makes has the addresses of the user's contact alone, with the primary one as its default."""
    addresses, contact = bms_addresses(found), operation.wanted
    own = primary_key_of(contact)
    if any(each.default and address(each.address) == own for each in found.emails):
        addresses -= contact_addresses(contact)
    return any(
        primary_key_of(other.wanted) in addresses - {own} and have_same_names(other.wanted, contact)
        for other in operations
    )


def _namesakes(operation: Operation, hit: Hit) -> tuple[BmsContact, ...]:
    """The namesakes of a candidate who loses what was found."""
    names = compared_names(operation.wanted)
    return (*hit.namesakes, *(each for each in hit.found if compared_names(each) == names))


def _made_before(operation: Operation, directory: Directory, bms: BmsDirectory) -> tuple[BmsContact, ...]:
    """What an earlier run has made for a user with the answer `new`: BMS contacts of the same names with the
    primary address that are not linked to another contact."""
    return tuple(
        each
        for each in bms.with_an_address([primary_key_of(operation.wanted)])
        if have_same_names(operation.wanted, each)
        and not {*directory.linked.get(each.id, ())} - {operation.itglue.contact_id}
    )


def decide(
    looked_up: Sequence[Operation], hits: Sequence[Hit], directory: Directory, *, native: bool
) -> tuple[dict[Subject, Operation], tuple[Conflict, ...]]:
    """Decide the pushes of the candidates from what was found for them: the candidates of whom there is something to
    say, by subject, and the conflicts. Those that stay `UNDECIDED` are pushed."""
    bms_ids = [found.id for hit in hits for found in hit.found]
    groups = _groups(looked_up, hits, bms_ids, directory, native)
    known = directory.linked.keys() | bms_ids
    operations: dict[Subject, Operation] = {}
    conflicts: dict[tuple[Any, ...], Conflict] = {}
    for operation, hit in zip(looked_up, hits, strict=True):
        blocked: tuple[Conflict, Reason] | None = None
        if native and hit.namesakes and not hit.found:
            blocked = _would_pair(operation, hit.namesakes)
        elif not (hit.overridden and len(hit.found) == 1) and (group := groups.get(operation.subject)):
            blocked = group.conflict, _reason(operation, hit, group)
        if blocked:
            conflict, reason = blocked
            conflicts[conflict.rule, conflict.user_ids, conflict.bms_contact_ids] = conflict
            held = operation.not_pushed(Push.CONFLICT, reason, native=native)
            operations[operation.subject] = held.because(*notes(operation.wanted, hit))
        elif hit.found:
            operations[operation.subject] = _in_bms(operation, hit, native)
        elif reasons := (*notes(operation.wanted, hit), *_notes_on_namesakes(hit, known)):
            operations[operation.subject] = operation.because(*reasons)
    return operations, tuple(conflicts.values())


def _notes_on_namesakes(hit: Hit, known: Collection[BmsId]) -> tuple[Reason, ...]:
    """That somebody is created in BMS beside BMS contacts of the same names, of which is not `known` whose they are:
    an address of theirs is somebody else's, but it may be one that an office shares."""
    ids = [] if hit.overridden else [each.id for each in hit.namesakes if each.id not in known]
    return (because(ReasonCode.BMS_NAMESAKE, bms_contact_ids=ids),) if ids else ()


def _in_bms(operation: Operation, hit: Hit, native: bool) -> Operation:
    (found,) = hit.found
    reasons = [because(_found_by(hit), bms_contact_id=found.id)]
    before, after = operation.bms.before, operation.bms.after
    if not found.active and "IsActive" not in after:
        reasons.append(because(ReasonCode.INACTIVE_IN_BMS, bms_contact_id=found.id))
    if hit.withheld:
        reasons += notes(operation.wanted, hit)
    if native:
        reasons.append(because(ReasonCode.LINK_IN_ITGLUE, bms_contact_id=found.id))
        operation = operation.withheld(itglue=Action.UNCHANGED)
    elif is_blank(found.job_title) and not is_blank(operation.wanted.title):
        before = {**before, "JobTitle": found.job_title}
        after = {**after, "JobTitle": text(operation.wanted.title)}
    return operation.with_bms(BmsPart(_ALREADY_IN_BMS, found.id, before=before, after=after), *reasons)


def _found_by(hit: Hit) -> ReasonCode:
    if hit.overridden:
        return _BY_OVERRIDE
    return _BY_NAME if hit.by_name else _BY_ADDRESS


# ------------------------------------------------------------------- conflicts


@dataclass(frozen=True, slots=True)
class _Group:
    """Candidates who claim the same BMS contacts, or who would be one person there as two.

    `addresses` are those that somebody who is not in BMS yet shares with another; `linked` is a contact
    of IT Glue that is linked to one of the BMS contacts.
    """

    addresses: frozenset[str]
    linked: ItGlueId | None
    conflict: Conflict


_Member = tuple[Operation, Hit]


def _groups(
    looked_up: Sequence[Operation], hits: Sequence[Hit], bms_ids: Sequence[BmsId], directory: Directory, native: bool
) -> dict[Subject, _Group]:
    """The group of each candidate whose push is not clear. It is clear where one candidate has one BMS
    contact that nobody is linked to, or none and nothing in common with another."""
    marks = marks_in_common(looked_up, hits, directory, native=native)
    contested = {*repeated(bms_ids), *(directory.linked.keys() & bms_ids)}
    claims: dict[Subject, list[Hashable]] = {}
    members: dict[Subject, _Member] = {}
    for operation, hit in zip(looked_up, hits, strict=True):
        in_common = marks.get(operation.subject, ()) if marks else ()
        if in_common or not _is_clear(hit, contested):
            claims[operation.subject] = [*(found.id for found in hit.found), *in_common]
            members[operation.subject] = (operation, hit)
    groups: dict[Subject, _Group] = {}
    for subjects, claimed in connected(claims):
        together = sorted(map(members.__getitem__, subjects), key=lambda each: (each[0].user, each[0].subject.user_id))
        groups |= dict.fromkeys(subjects, _group(together, claimed, directory, native=native))
    return groups


def _is_clear(hit: Hit, contested: Collection[BmsId]) -> bool:
    """Whether a candidate has one BMS contact that is nobody else's, or none."""
    if len(hit.found) == 1:
        return hit.overridden or (hit.doubt is None and hit.found[0].id not in contested)
    return not hit.found


def _group(members: Sequence[_Member], claimed: Collection[Hashable], directory: Directory, *, native: bool) -> _Group:
    """The group with its conflict."""
    marks = [each for each in claimed if isinstance(each, Mark)]
    bms_ids = tuple(sorted(BmsId(each) for each in claimed if isinstance(each, int)))
    addresses = frozenset(mark.address for mark in marks) - {""}
    operations = tuple(operation for operation, dummy in members)
    own = {operation.itglue.contact_id for operation in operations}
    linked = {contact_id for each in bms_ids for contact_id in directory.linked.get(each, ())}
    doubts = [hit.doubt for dummy, hit in members if hit.doubt]
    code = _code(len(members), len(bms_ids), bool(linked), doubts, bool(addresses))
    by_address = addresses or any(hit.found and not hit.by_name for dummy, hit in members)
    in_common = {each for each in own if each is not None} if marks else set()
    conflict = Conflict(
        rule=Rule.BMS_EMAIL if by_address else Rule.BMS_NAME,
        code=code,
        users=tuple(operation.user for operation in operations),
        user_ids=tuple(operation.subject.user_id for operation in operations),
        contact_ids=tuple(sorted(linked | in_common)),
        bms_contact_ids=bms_ids,
        suggestion=_suggestions(members),
        answers=_answers(operations, bms_ids, can_be_new=not (native and _have_names_in_common(members))),
    )
    return _Group(addresses, min(linked, default=None), conflict)


def _have_names_in_common(members: Sequence[_Member]) -> bool:
    """Whether IT Glue, which pairs by first and last name alone, would pair a member with another's BMS contact."""
    found = {each for dummy, hit in members for each in hit.found}
    wanted = [compared_names(operation.wanted) for operation, dummy in members]
    return bool(repeated(wanted) or {*wanted} & {*map(compared_names, found)})


def _code(
    members: int, bms_contacts: int, linked: bool, doubts: Sequence[ReasonCode], shares_address: bool
) -> ReasonCode:
    """The code of a whole conflict."""
    if bms_contacts > 1:
        return ReasonCode.BMS_SEVERAL_HITS
    if bms_contacts and members > 1:
        return ReasonCode.BMS_CONTACT_SHARED
    if linked:
        return ReasonCode.BMS_CONTACT_LINKED
    if doubts:
        return doubts[0]
    return ReasonCode.BMS_ADDRESS_SHARED if shares_address else ReasonCode.BMS_NAME_SHARED


def _answers(
    operations: Iterable[Operation], bms_ids: tuple[BmsId, ...], *, can_be_new: bool
) -> dict[str, tuple[Answer, ...]]:
    """All answers that each user can be given."""
    answers: tuple[Answer, ...] = (*bms_ids, NEW, IGNORE) if can_be_new else (*bms_ids, IGNORE)
    return {operation.user: answers for operation in operations}


def _suggestions(members: Sequence[_Member]) -> dict[str, Answer]:
    """The one best BMS contact of each user who has one that is nobody else's best."""
    best = {operation.user: found for operation, hit in members if (found := _best(operation, hit)) is not None}
    several = repeated(list(best.values()))
    return {user: bms_id for user, bms_id in best.items() if bms_id not in several}


def _best(operation: Operation, hit: Hit) -> BmsId | None:
    """Of the same names, then the holder of the primary address; never one that may be somebody else."""
    contact, ranks = operation.wanted, {}
    for each in hit.found:
        names = compare_names(names_of(contact), names_of(each))
        if names == Names.SAME or (names == Names.OPEN and hit.doubt is None):
            ranks[each.id] = (names == Names.SAME, primary_key_of(contact) in bms_addresses(each))
    return only_best(ranks)


def _reason(operation: Operation, hit: Hit, group: _Group) -> Reason:
    """Why the push of one member of a group cannot be decided."""
    users = [user for user in group.conflict.users if user != operation.user]
    values: dict[str, Any] = {"bms_contact_ids": [found.id for found in hit.found]}
    if len(hit.found) > 1:
        keys = {same_key(*names_of(found)) for found in hit.found}
        return because(ReasonCode.BMS_SEVERAL_HITS, same_names=len(keys) == 1 and None not in keys, **values)
    if users and hit.found:
        return because(ReasonCode.BMS_CONTACT_SHARED, users=users, **values)
    if users:
        if both := sorted(group.addresses & contact_addresses(operation.wanted)):
            return because(ReasonCode.BMS_ADDRESS_SHARED, addresses=both, users=users)
        return because(ReasonCode.BMS_NAME_SHARED, users=users)
    if hit.doubt and group.linked is None:
        return because(hit.doubt, **values)
    return because(ReasonCode.BMS_CONTACT_LINKED, contact_id=group.linked, **values)


def _would_pair(operation: Operation, namesakes: Sequence[BmsContact]) -> tuple[Conflict, Reason]:
    """IT Glue pairs by account, first and last name alone, whoever's address the BMS contact has."""
    ids = tuple(each.id for each in namesakes)
    conflict = Conflict(
        rule=Rule.BMS_NAME,
        code=ReasonCode.BMS_NAME_OF_ANOTHER,
        users=(operation.user,),
        user_ids=(operation.subject.user_id,),
        bms_contact_ids=ids,
        answers=_answers([operation], ids, can_be_new=False),
    )
    return conflict, because(ReasonCode.BMS_NAME_OF_ANOTHER, bms_contact_ids=list(ids))

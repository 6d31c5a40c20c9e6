# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has found out that the next runs are to remember (guide to the settings, remembered facts).

Facts of people that a run does not look at, because it is limited to some users, stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .bms_recall import RECALLED, compared_by, departed_digest, has_to_be_verified
from .model import BmsId, Contact, Facts, InBms, ItGlueId
from .offboarding import CONTACT_TYPE
from .plan import Action, Operation, Push, Subject
from .planning import Planning
from .reasons import ReasonCode
from .refusals import refusal

CONTACT_TYPE_GROUP = "contact-type"


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended: what was planned, and the same operations as they turned out, both in one order.

    `refused` are the groups that IT Glue refused as synced in this run, by subject.
    """

    planning: Planning
    planned: Sequence[Operation]
    outcome: Sequence[Operation]
    refused: Mapping[Subject, Collection[str]]

    @property
    def known(self) -> Facts:
        """The facts that the run has read."""
        return self.planning.snapshot.facts

    @property
    def is_limited(self) -> bool:
        """Whether the run is limited to some users."""
        return self.planning.options.users is not None

    @property
    def contacts(self) -> Mapping[ItGlueId, Contact]:
        """The contacts as they were before the run wrote, by id."""
        return self.planning.matched.directory.contact


def facts_after(run: Ended) -> Facts:
    """All that is to be remembered after a run."""
    return Facts(
        in_bms=_in_bms(run),
        refused=_refused(run),
        offboarded=_offboarded(run),
        former_contact_types=_former_contact_types(run),
        kept_apart=_kept_apart(run),
        made_anew=frozenset(_not_taking_part(run, run.known.made_anew)) | run.planning.matched.matching.made_anew,
        apart_in_bms=_apart_in_bms(run),
        by_name_in_bms=_by_name_in_bms(run),
    )


def without_contacts(facts: Facts, contact_ids: Collection[ItGlueId], bms_contact_ids: Collection[BmsId]) -> Facts:
    """The facts without those of contacts that a revert has written to."""
    return replace(
        facts,
        in_bms={key: each for key, each in facts.in_bms.items() if each.bms_contact_id not in bms_contact_ids},
        refused={key: value for key, value in facts.refused.items() if key[0] not in contact_ids},
        offboarded={} if bms_contact_ids or contact_ids else facts.offboarded,
        former_contact_types={
            key: value for key, value in facts.former_contact_types.items() if key not in contact_ids
        },
    )


# ------------------------------------------------------------------- in BMS


def _in_bms(run: Ended) -> dict[str, InBms]:
    known, planning = run.known.in_bms, run.planning
    compared = compared_by(planning.contacts)
    drafts = {each.subject: each for each in planning.operations if each.bms.push == Push.UNDECIDED}
    found: dict[str, InBms] = dict(known) if run.is_limited else {}
    if planning.plan.stopped is not None or planning.findings.bms is None:
        found |= planning.contacts.linked_elsewhere  # until nobody is in BMS twice
    for operation in run.outcome:
        draft = drafts.get(operation.subject)
        if draft is None:
            continue
        key = compared.of(operation.subject.user_id, operation.itglue.contact_id, draft.wanted)
        if planning.findings.bms is None:
            if key in known:
                found[key] = known[key]
        elif (fact := _fact(run, operation)) is not None:
            before = known.get(key, fact)
            same = (before.bms_contact_id, before.codes) == (fact.bms_contact_id, fact.codes)
            found[key] = before if same and not has_to_be_verified(planning.contacts, before.verified_at) else fact
        else:
            found.pop(key, None)
    return found


def _fact(run: Ended, operation: Operation) -> InBms | None:
    """That somebody is in BMS, None where it is not certain, or where BMS or the reasons ask for another look."""
    part = operation.bms
    if part.contact_id is None or part.unapplied or operation.failure is not None:
        return None
    verified_at = int(run.planning.snapshot.read_at)
    if part.push == Push.PUSHED:
        if part.create is None:
            return None  # IT Glue has pushed the contact, and shows the link.
        answered = operation.subject.user_id in run.planning.contacts.bms_answers
        code = ReasonCode.IN_BMS_BY_OVERRIDE if answered else ReasonCode.IN_BMS_BY_ADDRESS
        return InBms(part.contact_id, verified_at, (str(code),))
    # A withheld hit is about others than the person, which no fact holds.
    if part.push != Push.ALREADY_IN_BMS or operation.has(ReasonCode.BMS_HIT_WITHHELD):
        return None
    codes = tuple(str(each.code) for each in operation.reasons if each.code in RECALLED)
    return InBms(part.contact_id, verified_at, codes)


# ----------------------------------------------------------------- refusals


def _refused(run: Ended) -> dict[tuple[ItGlueId, str], str]:
    planned = {each.subject: each for each in run.planned}
    locked = {(each.itglue.contact_id, group) for each in run.planned for group in each.itglue.locked}
    judged = {each.itglue.contact_id for each in run.planned if each.itglue.contact is not None}
    kept = {
        key: value
        for key, value in run.known.refused.items()
        if key[0] in run.contacts and (key[0] not in judged or key in locked)
    }
    for subject, groups in run.refused.items():
        operation = planned.get(subject)
        contact_id = operation.itglue.contact_id if operation else None
        if operation is None or contact_id is None or contact_id not in run.contacts:
            continue
        for group in groups:
            kept[contact_id, group] = refusal(run.contacts[contact_id], operation.wanted, group)
    return kept


# -------------------------------------------------------------- departed people


def _offboarded(run: Ended) -> dict[str, int]:
    """The departed contacts of which BMS needs nothing more, although IT Glue refuses their contact type."""
    contacts, known = run.planning.contacts, run.known.offboarded
    compared = compared_by(contacts)
    outcome = {each.subject: each for each in run.outcome}
    found: dict[str, int] = {}
    for departure in run.planning.departures:
        operation = outcome.get(departure.subject)
        if operation is None or operation.failure or CONTACT_TYPE_GROUP not in operation.itglue.locked:
            continue
        key = departed_digest(departure, contacts, compared)
        if run.planning.findings.bms is not None and not operation.bms.unapplied:
            fresh = int(run.planning.snapshot.read_at)
            before = known.get(key, fresh)
            found[key] = fresh if has_to_be_verified(contacts, before) else before
        elif key in known:
            found[key] = known[key]
    return found


def _former_contact_types(run: Ended) -> dict[ItGlueId, ItGlueId | None]:
    """The former types of contacts that carry the type of departed people after the run."""
    departed_type = run.planning.matched.circumstances.departed_type
    found = {
        contact_id: former
        for contact_id, former in run.known.former_contact_types.items()
        if (contact := run.contacts.get(contact_id)) is not None and departed_type in (None, contact.contact_type_id)
    }
    departed = {each.subject for each in run.planning.departures}
    for operation in run.outcome:
        part = operation.itglue
        if part.contact_id is None or part.action != Action.UPDATE or CONTACT_TYPE not in part.after:
            continue
        if operation.subject in departed:
            found[part.contact_id] = part.before.get(CONTACT_TYPE)
        else:
            found.pop(part.contact_id, None)
    return found


# ------------------------------------------------------------------ kept apart


def _kept_apart(run: Ended) -> frozenset[tuple[ItGlueId, str]]:
    """The pairs that a deleted user keeps apart, until they are resolved."""
    known = run.known.kept_apart
    staying = _not_taking_part(run, {user_id for dummy, user_id in known})
    kept = {(contact_id, user_id) for contact_id, user_id in known if contact_id in run.contacts and user_id in staying}
    return frozenset(kept | run.planning.matched.matching.rests_on_deleted)


def _apart_in_bms(run: Ended) -> frozenset[str]:
    """The users whom a deleted user keeps apart from a BMS contact, until BMS is read."""
    known = run.known.apart_in_bms
    if run.planning.findings.bms is None:
        return known & run.planning.matched.directory.user.keys()
    return frozenset(_not_taking_part(run, known)) | run.planning.apart_in_bms


def _by_name_in_bms(run: Ended) -> frozenset[tuple[BmsId, str]]:
    """The pairs that no address connects, of users who are there and BMS contacts that are not linked. Who was looked
    up is known anew."""
    planning, directory = run.planning, run.planning.matched.directory
    known = {pair for pair in run.known.by_name_in_bms if pair[0] not in directory.linked and pair[1] in directory.user}
    if planning.findings.bms is None:
        return frozenset(known)
    looked_up = {each.subject.user_id for each in planning.operations if each.bms.push == Push.UNDECIDED}
    return planning.by_name_in_bms | {pair for pair in known if pair[1] not in looked_up}


def _not_taking_part(run: Ended, user_ids: Collection[str]) -> set[str]:
    """Those users that take no part in the matching: what is known of them stays."""
    matched = run.planning.matched
    taking_part = matched.selected.user_ids - matched.matching.ignored
    return {each for each in user_ids if each in matched.directory.user and each not in taking_part}

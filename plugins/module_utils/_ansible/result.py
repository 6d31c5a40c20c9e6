# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `contact_sync` returns, for a preview and a real run alike (RETURN of the module)."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .._engine.bms_fields import SHOWN
from .._engine.conflicts import Conflict
from .._engine.errors import Failure
from .._engine.links import LinkState, link_state
from .._engine.model import BmsContact, BmsId, Contact, ItGlueId, User
from .._engine.output import shown_name
from .._engine.plan import Action, Departure, ItGluePart, Operation, Push
from .._engine.planning import Planning
from .._engine.reasons import Reason, ReasonCode
from .._engine.text import address, smtp_by_key, written_address
from .._sync.revert import Reverted
from .._sync.run import Run
from .diff import diff, step_diff
from .sentences import Explained, explained, failure_dict
from .settings_changes import settings_changes, settings_diff

Result = dict[str, Any]

_NEEDS_A_DECISION_ACTIONS = frozenset({Action.CONFLICT, Action.FAILED, Action.REFUSED})
_NEEDS_A_DECISION_PUSHES = frozenset({Push.CONFLICT, Push.FAILED, Push.NOT_READY})
_NOT_BY_THE_FILTER = frozenset({ReasonCode.IGNORED_BY_OVERRIDE, ReasonCode.NOT_AMONG_USERS})


def result(run: Run, *, api_calls: Mapping[str, int], everything: bool = False) -> Result:
    """The result of a run; `everything` lists every user, not only what changed, is blocked or needs a decision."""
    snapshot = run.read.snapshot
    settings = run.read.run_settings
    records = _Records(run)
    return {
        "changed": run.changed,
        "organization": {"id": snapshot.organization.id, "name": snapshot.organization.name},
        "tenant_id": snapshot.tenant_id,
        "settings": settings.merged,
        "settings_changes": settings_changes(settings.differences, stored=settings.stored),
        "summary": summary(run, api_calls),
        "contacts": [records.contact(each) for each in run.operations if everything or each.noteworthy],
        "conflicts": conflict_entries(run.plan.conflicts, run.planning),
        "departed": _departed(run, records),
        "unclaimed": [
            {**asdict(each), "addresses": list(each.addresses), "contact_url": records.url(each.contact_id)}
            for each in run.plan.unmatched
        ],
        "refused": [_plain_reason(each._asdict(), each.reason) for each in run.refused_entries],
        "diff": [
            *settings_diff(settings.differences, stored=settings.stored),
            *diff((*run.operations, *run.deactivations)),
        ],
    }


# ---------------------------------------------------------------------- summary


def summary(run: Run, api_calls: Mapping[str, int]) -> Result:
    """The run in numbers."""
    operations = run.operations
    return {
        "users": len(operations),
        "selected": selected(operations),
        "actions": _counts(each.itglue.action for each in operations),
        "push": _counts(each.bms.push for each in operations),
        "excluded": _counts(each.reasons[0].code for each in operations if _is_excluded(each)),
        "matched": _counts(each.matched_by for each in operations if not _is_excluded(each)),
        "limits_exceeded": [asdict(each) for each in run.plan.limits_exceeded],
        "api_calls": dict(api_calls),
        "resume_after": resume_after(run),
    }


def selected(operations: Iterable[Operation]) -> int:
    """How many users the filter selects."""
    return sum(not _is_excluded(each) or each.reasons[0].code in _NOT_BY_THE_FILTER for each in operations)


def _is_excluded(operation: Operation) -> bool:
    return operation.itglue.action == Action.EXCLUDED


def resume_after(run: Run) -> int | None:
    """The seconds until a quota that was used up is there again."""
    return None if run.resume_at is None else max(0, math.ceil(run.resume_at - time.time()))


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(str(each) for each in values if each is not None).items()))


# --------------------------------------------------------------------- contacts


class _Records:
    """What was read, for the names and addresses of what an operation knows by its id alone."""

    def __init__(self, run: Run) -> None:
        snapshot, findings = run.read.snapshot, run.planning.findings
        self._users = {user.id: user for user in snapshot.users}
        self._contacts = {contact.id: contact for contact in snapshot.contacts}
        self._names: Mapping[str, Mapping[int, str | None]] = {
            "location-id": {place.id: place.name for place in findings.locations or ()},
            "contact-type-id": {each.id: each.name for each in findings.contact_types or ()},
        }

    def contact(self, operation: Operation) -> Result:
        """One entry of `contacts`."""
        entry = contact(operation)
        user = self._users.get(operation.subject.user_id)
        return {
            "name": shown_name(user.given_name, user.surname) if user else "",
            "contact_url": self.url(operation.itglue.contact_id),
            "names": self.names(entry),
            **entry,
        }

    def url(self, contact_id: ItGlueId | None) -> str | None:
        """The address of a contact in IT Glue, where it is known."""
        known = self._contacts.get(contact_id) if contact_id is not None else None
        return known.url if known else None

    def name(self, contact_id: ItGlueId) -> str:
        """First and last name of a contact."""
        known = self._contacts.get(contact_id)
        return shown_name(known.first_name, known.last_name) if known else ""

    def names(self, entry: Result) -> dict[str, dict[str, str]]:
        """What the ids in `before` and `after` of an entry are called, by the name of the field."""
        found: dict[str, dict[str, str]] = {}
        for field, known in self._names.items():
            for ident in (entry["before"].get(field), entry["after"].get(field)):
                if name := known.get(ident):
                    found.setdefault(field, {})[str(ident)] = name
        return found


def contact(operation: Operation) -> Result:
    """One entry of `contacts`, as far as the operation knows it."""
    itglue, bms = operation.itglue, operation.bms
    before, after = touched(operation)
    return {
        "user": operation.subject.user,
        "user_id": operation.subject.user_id,
        "contact_id": itglue.contact_id,
        "bms_contact_id": bms.contact_id,
        "action": str(itglue.action),
        "matched_by": operation.matched_by and str(operation.matched_by),
        "push": bms.push and str(bms.push),
        "missing": list(bms.missing),
        "locked": list(itglue.locked),
        "unapplied": [*itglue.unapplied, *(SHOWN.get(each, each) for each in bms.unapplied)],
        "before": before,
        "after": after,
        **reason_fields(explained(operation.reasons)),
        "attention": needs_a_look(operation),
        "failure": _failure(operation.failure),
    }


def needs_a_look(operation: Operation) -> bool:
    """Whether somebody should look at it or decide something."""
    return (
        operation.attention
        or operation.itglue.action in _NEEDS_A_DECISION_ACTIONS
        or operation.bms.push in _NEEDS_A_DECISION_PUSHES
    )


def touched(operation: Operation) -> tuple[Result, Result]:
    """The fields that an operation touches, before and after; those of BMS under names of their own."""
    itglue, bms = operation.itglue, operation.bms
    return (
        {**itglue.before, **{SHOWN[field]: value for field, value in bms.before.items()}},
        {**itglue.after, **{SHOWN[field]: value for field, value in bms.after.items()}},
    )


def reason_fields(explanation: Explained) -> Result:
    """Why an entry is as it is: codes, sentences, and what to do."""
    return {
        "reason_code": explanation.code,
        "reason_codes": list(explanation.codes),
        "reason": explanation.sentence,
        "hint": explanation.hint,
    }


def _plain_reason(entry: Result, reason: Reason) -> Result:
    explanation = explained([reason])
    return {**entry, "reason_code": explanation.code, "reason": explanation.sentence, "hint": explanation.hint}


def _failure(failure: Failure | None) -> Result | None:
    return None if failure is None else failure_dict(failure)


# -------------------------------------------------------------------- conflicts


def conflict_entries(conflicts: Iterable[Conflict], planning: Planning) -> list[Result]:
    """The entries of `conflicts`, with what was read of the users and contacts."""
    snapshot = planning.snapshot
    users = {user.id: user for user in snapshot.users}
    contacts = {each.id: each for each in snapshot.contacts}
    bms = planning.findings.bms
    bms_contacts = {each.id: each for each in bms.contacts} if bms else {}
    adapter_names = planning.options.bms_adapter_names
    return [_conflict(each, users, contacts, bms_contacts, adapter_names) for each in conflicts]


def _conflict(
    conflict: Conflict,
    users: Mapping[str, User],
    contacts: Mapping[ItGlueId, Contact],
    bms_contacts: Mapping[BmsId, BmsContact],
    adapter_names: Sequence[str],
) -> Result:
    """One entry of `conflicts`, with everything that the decision needs."""
    suggestion: dict[str, dict[str, Any]] = {"match_overrides": {}, "bms_match_overrides": {}}
    suggestion["bms_match_overrides" if conflict.in_bms else "match_overrides"] = dict(conflict.suggestion)
    return {
        "rule": str(conflict.rule),
        "reason_code": str(conflict.code),
        "users": list(conflict.users),
        "people": [_person(users[each]) for each in conflict.user_ids if each in users],
        "contact_ids": list(conflict.contact_ids),
        "bms_contact_ids": list(conflict.bms_contact_ids),
        "contacts": [_candidate(contacts[each], adapter_names) for each in conflict.contact_ids if each in contacts],
        "bms_contacts": [
            _bms_candidate(bms_contacts[each]) for each in conflict.bms_contact_ids if each in bms_contacts
        ],
        **suggestion,
        "answers": {user: list(answers) for user, answers in conflict.answers.items()},
    }


def _person(user: User) -> Result:
    addresses = smtp_by_key(user)
    if username := written_address(user.username):
        addresses.setdefault(address(username), username)
    return {
        "user": user.username,
        "user_id": user.id,
        "first_name": user.given_name,
        "last_name": user.surname,
        "emails": list(addresses.values()),
    }


def _candidate(contact: Contact, adapter_names: Sequence[str]) -> Result:
    """A contact of IT Glue; `linked` is None where IT Glue does not tell."""
    state = link_state(contact, adapter_names)
    return {
        "id": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "emails": [entry.value for entry in contact.emails],
        "linked": None if state == LinkState.UNKNOWN else state is not None,
        "url": contact.url,
    }


def _bms_candidate(contact: BmsContact) -> Result:
    return {
        "id": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "emails": [entry.address for entry in contact.emails],
        "active": contact.active,
    }


# --------------------------------------------------------------------- departed

_TURNED_OUT = frozenset({Action.FAILED, Action.DEFERRED, Action.STRUCK, Action.REFUSED})


def _departed(run: Run, records: _Records) -> list[Result]:
    """Who has departed, with what is done about the contact, as it turned out."""
    operations = {each.subject: each for each in run.deactivations}
    return [_departure(each, operations.get(each.subject), records) for each in run.plan.departed]


def _departure(departure: Departure, operation: Operation | None, records: _Records) -> Result:
    """One entry of `departed`; `operation` is what is written, None where nothing is."""
    nothing = Operation(departure.subject, ItGluePart(Action.UNCHANGED, departure.contact_id))
    entry = contact(operation or nothing.because(*filter(None, [departure.reason])))
    turned_out = operation is not None and operation.itglue.action in _TURNED_OUT
    own = {key: entry.pop(key) for key in ("user", "user_id", "contact_id", "action")}
    for key in ("matched_by", "push", "missing"):
        del entry[key]
    return {
        **own,
        "action": own["action"] if turned_out else str(departure.action),
        "contact_url": records.url(departure.contact_id),
        "name": records.name(departure.contact_id),
        "names": records.names(entry),
        "evidence": str(departure.evidence),
        **entry,
    }


# --------------------------------------------------------------------- reverted


def reverted(outcome: Reverted, *, api_calls: Mapping[str, int]) -> Result:
    """The result of reverting a run."""
    return {
        "changed": bool(outcome.steps),
        "organization": {"id": outcome.organization.id, "name": outcome.organization.name},
        "tenant_id": outcome.tenant_id,
        "settings_changes": settings_changes(outcome.settings, stored=False),
        "summary": {"reverted": _counts(each.kind for each in outcome.steps), "api_calls": dict(api_calls)},
        "reverted": [
            {
                "what": str(each.kind),
                "service": each.kind.service,
                "id": each.id,
                "name": each.name,
                "before": dict(each.before),
                "after": dict(each.after),
            }
            for each in outcome.steps
        ],
        "not_reverted": [
            {
                "service": each.service,
                "id": each.id,
                "name": each.name,
                "fields": list(each.fields),
                **reason_fields(explained([each.reason])),
                "failure": _failure(each.failure),
            }
            for each in outcome.remainders
        ],
        "diff": [*settings_diff(outcome.settings, stored=False), *map(step_diff, outcome.steps)],
    }

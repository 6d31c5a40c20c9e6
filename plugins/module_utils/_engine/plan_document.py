# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan as a document that is reviewed, and then applied exactly (plan guide).

To apply a document, the plan is made anew from what is there now, and the two are held against
each other subject by subject. What is still the same is carried out; what has been done already is
not done again; what the reviewer has struck is not done; all else is refused, with both values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from .attributes import same_value
from .declared_options import recorded, restored
from .errors import InputError
from .model import Contact, ItGlueId
from .options import Options
from .plan import PUSHES, Action, Operation, Push, Subject, UserSubject
from .reasons import Reason, ReasonCode, because

VERSION = 2
"""The version of the format; `docs/schemas/plan.schema.json` describes it, and `plan_format` checks it."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a plan is good for and nothing else."""

    organization_id: ItGlueId
    organization_name: str
    tenant_id: str
    settings: Mapping[str, Any]
    collection: str


class Refusal(NamedTuple):
    """An entry of a document that is not applied. `planned` and `found` hold what differs, by part and key."""

    user: str
    user_id: str
    contact_id: ItGlueId | None
    planned: Mapping[str, Any]
    found: Mapping[str, Any]
    reason: Reason


@dataclass(slots=True)
class Applicable:
    """The operations to carry out, one for each subject, and what was refused."""

    operations: list[Operation] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


# ------------------------------------------------------------------------- write


def document(binding: Binding, options: Options, operations: Iterable[Operation], made_at: str) -> dict[str, Any]:
    """The document of a plan: JSON values only, and only what would be written.

    `planned` names all subjects of the entries, so that an entry that is struck is told from a change
    that became due later.
    """
    writes = [operation for operation in operations if operation.writes]
    return {
        "plan": VERSION,
        "collection": binding.collection,
        "made_at": made_at,
        "organization": {"id": binding.organization_id, "name": binding.organization_name},
        "tenant_id": binding.tenant_id,
        "settings_digest": digest(binding.settings),
        "options": recorded(options),
        "planned": [key_of(operation.subject) for operation in writes],
        "operations": [_entry(operation) for operation in writes],
    }


def digest(settings: Mapping[str, Any]) -> str:
    """The SHA-256 of settings, the same for the same settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def options_of(plan: Mapping[str, Any], given: Options) -> Options:
    """The options that a document was made with; the limits are those that are `given` now."""
    return replace(given, **restored(plan["options"]))


def key_of(subject: Subject) -> str:
    """A subject as `planned` names it."""
    return f"user/{subject.user_id}" if isinstance(subject, UserSubject) else f"departed/{subject.contact_id}"


def entry_key(entry: Mapping[str, Any]) -> str:
    """The key of the subject of an entry."""
    subject = entry["subject"]
    return f"user/{subject['user_id']}" if subject["kind"] == "user" else f"departed/{subject['contact_id']}"


def _entry(operation: Operation) -> dict[str, Any]:
    itglue, bms, subject = operation.itglue, operation.bms, operation.subject
    kind = "user" if isinstance(subject, UserSubject) else "departed"
    return {
        "subject": {"kind": kind, **subject._asdict()},
        "matched_by": operation.matched_by.value if operation.matched_by else None,
        "itglue": {
            "action": itglue.action.value,
            "contact_id": itglue.contact_id,
            "before": dict(itglue.before),
            "after": dict(itglue.after),
        },
        "bms": {
            "push": bms.push.value if bms.push else None,
            "contact_id": bms.contact_id,
            "create": None if bms.create is None else json.loads(json.dumps(asdict(bms.create))),
            "before": dict(bms.before),
            "after": dict(bms.after),
        },
        "reasons": [{"code": reason.code.value, "values": dict(reason.values)} for reason in operation.reasons],
    }


# -------------------------------------------------------------------- check, apply


def check(plan: Mapping[str, Any], binding: Binding, path: str) -> None:
    """Refuse a document of another organization, tenant, settings or version. Raises InputError."""
    organization = plan["organization"]
    for made, now, what in (
        (plan["collection"], binding.collection, "for another version of the collection"),
        (organization["id"], binding.organization_id, "for another organization"),
        (plan["tenant_id"], binding.tenant_id, "for another tenant"),
        (plan["settings_digest"], digest(binding.settings), "with other settings"),
    ):
        if made != now:
            values = "" if made == plan["settings_digest"] else f": {made} in the plan, {now} now"
            raise InputError(
                f"The plan {path} was made {what}{values}.",
                hint="Nothing was written. Make a new plan in check mode, and have it reviewed.",
            )


def applicable(
    plan: Mapping[str, Any],
    fresh: Sequence[Operation],
    contacts: Mapping[ItGlueId, Contact],
    done: Collection[Subject] = (),
) -> Applicable:
    """What of a document can be carried out, given the plan as it would be made now.

    `contacts` are those of the organization by id, `done` the departed about whom nothing is left to do.
    """
    entries = {entry_key(entry): entry for entry in plan["operations"]}
    for subject in done:
        entries.pop(key_of(subject), None)
    planned = frozenset(plan["planned"])
    result = Applicable()
    for operation in fresh:
        key = key_of(operation.subject)
        entry = entries.pop(key, None)
        if entry is None:
            result.operations.append(_without_entry(operation, struck=key in planned))
        elif _still_holds(entry, operation, contacts.get(operation.itglue.contact_id or ItGlueId(0))):
            result.operations.append(operation)
        else:
            refusal = _refusal(entry, _entry(operation))
            result.refused.append(refusal)
            result.operations.append(operation.withheld(itglue=Action.REFUSED, reason=refusal.reason))
    for entry in entries.values():
        result.refused.append(_refusal(entry, None))
    return result


def _without_entry(operation: Operation, *, struck: bool) -> Operation:
    """An operation that the document does not have: struck by the reviewer, or due since."""
    if not operation.writes:
        return operation
    if struck:
        return operation.withheld(itglue=Action.STRUCK, reason=because(ReasonCode.STRUCK_FROM_PLAN))
    due = because(ReasonCode.DUE_SINCE_PLAN)
    return operation.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=due)


def _still_holds(entry: Mapping[str, Any], now: Operation, contact: Contact | None) -> bool:
    """Whether each part of an entry is as planned, or done."""
    planned, found = entry["itglue"], _entry(now)
    done = (
        now.itglue.action in (Action.UNCHANGED, Action.LINKED)
        and _done(planned, contact)
        and planned["contact_id"] in (None, now.itglue.contact_id)
    )
    return (found["itglue"] == planned or done) and _bms_still_holds(entry["bms"], found["bms"], now)


def _done(planned: Mapping[str, Any], contact: Contact | None) -> bool:
    """Whether a contact holds what an entry would write to IT Glue."""
    return contact is not None and all(same_value(contact, name, value) for name, value in planned["after"].items())


def _bms_still_holds(planned: Mapping[str, Any], found: Mapping[str, Any], now: Operation) -> bool:
    """Whether BMS is as planned, or what is left to do there is a part of what was."""
    same_contact = not planned["after"] or found["contact_id"] == planned["contact_id"]
    if same_contact and all(found[key] == planned[key] for key in ("push", "create", "before", "after")):
        return True
    if now.itglue.action == Action.LINKED:  # which IT Glue may have done by itself
        return _left_over(planned, found)
    wanted = planned["push"] in PUSHES or bool(planned["after"])
    in_bms = now.bms.push == Push.ALREADY_IN_BMS or now.bms.push == planned["push"] != Push.PUSHED
    return wanted and in_bms and _left_over(planned, found)


def _left_over(planned: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether what is still to be set in BMS is a part of what was planned, on the same BMS contact."""
    created = planned["create"] or {}
    for name, value in found["after"].items():
        if name in planned["after"]:
            same = (value, found["before"][name]) == (planned["after"][name], planned["before"].get(name))
            if not same or found["contact_id"] != planned["contact_id"]:
                return False
        elif name != "JobTitle" or value != created.get("job_title"):
            return False
    return True


def _refusal(entry: Mapping[str, Any], found: Mapping[str, Any] | None) -> Refusal:
    """What differs between an entry and what would be done now, None for nothing."""
    planned_parts: dict[str, dict[str, Any]] = {}
    found_parts: dict[str, dict[str, Any]] = {}
    changed = []
    for part in ("itglue", "bms"):
        for key, planned in entry[part].items():
            now = found[part][key] if found else None
            if planned != now:
                planned_parts.setdefault(part, {})[key] = planned
                found_parts.setdefault(part, {})[key] = now
                changed.append(f"{part}.{key}")
    reason = because(ReasonCode.PLAN_OUTDATED, changed=changed) if found else Reason(ReasonCode.PLAN_SUPERSEDED)
    subject, contact_id = entry["subject"], entry["itglue"]["contact_id"]
    return Refusal(subject["user"], subject["user_id"], contact_id, planned_parts, found_parts, reason)

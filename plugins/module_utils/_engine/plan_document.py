# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""A plan as a document that is reviewed, and then applied exactly (feature, section 6, "Plan").

To apply a document, the plan is made anew from what is there now, and the two are held against
each other user by user. What is still the same is carried out; what has been done already is
not done again; all else is refused, with both values. What the document does not have waits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .attributes import same_value
from .declared_options import recorded, restored
from .errors import InputError
from .model import Contact
from .plan import ALREADY_IN_BMS, DEFERRED, FAILED, LINKED, PENDING, PUSHED, UNCHANGED, Operation
from .planning import Options

VERSION = 1
"""The version of the format; `docs/schemas/plan.schema.json` describes it."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a plan is good for and nothing else."""

    organization_id: int
    organization_name: str
    tenant_id: str
    settings: Mapping[str, Any]
    collection: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry of a document that is not applied, because what is there has changed."""

    user: str
    user_id: str
    planned: Mapping[str, Any]
    found: Mapping[str, Any]
    reason: str


@dataclass(slots=True)
class Applicable:
    """The operations to carry out, one for each user, and what was refused."""

    operations: list[Operation] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def document(binding: Binding, options: Options, operations: Iterable[Operation], made_at: str) -> dict[str, Any]:
    """The document of a plan: JSON values only, and only what would be written."""
    entries = [_entry(each) for each in operations if each.writes]
    return {
        "plan": VERSION,
        "collection": binding.collection,
        "made_at": made_at,
        "organization": {"id": binding.organization_id, "name": binding.organization_name},
        "tenant_id": binding.tenant_id,
        "settings_digest": digest(binding.settings),
        "options": recorded(options),
        "operations": entries,
    }


def digest(settings: Mapping[str, Any]) -> str:
    """The SHA-256 of settings, the same for the same settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def options_of(plan: Mapping[str, Any], given: Options) -> Options:
    """The options that a document was made with; the limits are those that are `given` now."""
    return replace(given, **restored(plan["options"]))


def _entry(operation: Operation) -> dict[str, Any]:
    create, update = operation.create_in_bms, operation.bms_update
    return {
        "user": operation.user,
        "user_id": operation.user_id,
        "contact_id": operation.contact_id,
        "bms_contact_id": operation.bms_contact_id,
        "action": operation.action,
        "matched_by": operation.matched_by,
        "push": operation.push,
        "before": dict(operation.before),
        "after": dict(operation.after),
        "create_in_bms": None if create is None else json.loads(json.dumps(asdict(create))),
        "job_title": operation.job_title,
        "active": operation.active,
        "bms_update": None if update is None else {"before": dict(update.before), "after": dict(update.after)},
        "reason": operation.reason,
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
                hint="Nothing was written. Make the plan anew in check mode, and have it reviewed.",
            )


def applicable(
    plan: Mapping[str, Any],
    fresh: Sequence[Operation],
    contacts: Mapping[int, Contact],
    done: Collection[str] = (),
) -> Applicable:
    """What of a document can be carried out, given the plan as it would be made now.

    `done` are the keys of the departures about which nothing is left to do.
    """
    planned = {entry["user_id"]: entry for entry in plan["operations"] if entry["user_id"] not in done}
    result = Applicable()
    for operation in fresh:
        entry = planned.pop(operation.user_id, None)
        if entry is None:
            result.operations.append(_waiting(operation))
        elif _still_holds(entry, operation, contacts.get(operation.contact_id or 0)):
            result.operations.append(operation)
        else:
            result.refused.append(_refusal(entry, _entry(operation)))
            result.operations.append(_refused(operation))
    for entry in planned.values():
        result.refused.append(_refusal(entry, {}))
    return result


def _still_holds(entry: Mapping[str, Any], now: Operation, contact: Contact | None) -> bool:
    """Whether each half of an entry is as planned, or done."""
    found = _entry(now)
    same = all(found[key] == entry[key] for key in ("action", "contact_id", "before", "after"))
    done = now.action in (UNCHANGED, LINKED) and _done(entry, contact) and entry["contact_id"] in (None, now.contact_id)
    return (same or done) and _bms_still_holds(entry, found, now)


def _done(entry: Mapping[str, Any], contact: Contact | None) -> bool:
    """Whether a contact holds what an entry would write to IT Glue."""
    return contact is not None and all(same_value(contact, name, value) for name, value in entry["after"].items())


def _bms_still_holds(entry: Mapping[str, Any], found: Mapping[str, Any], now: Operation) -> bool:
    """Whether BMS is as planned, or what is left to do there is a part of what was."""
    keys = ("push", "create_in_bms", "job_title", "active", "bms_update")
    same = all(found[key] == entry[key] for key in keys) and _same_link(entry, found)
    in_bms = now.push == ALREADY_IN_BMS or now.action == LINKED or now.push == entry["push"] != PUSHED
    sets = any(entry[key] is not None for key in ("job_title", "active", "bms_update"))
    planned = entry["push"] in (PUSHED, PENDING) or sets
    title = entry["job_title"] or (entry["create_in_bms"] or {}).get("job_title")
    left = now.job_title in (None, title) and now.active in (None, entry["active"]) and _part_of(entry, found)
    return same or (planned and in_bms and left)


def _part_of(entry: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether what is left of a linked contact's BMS contact is as planned."""
    left, planned = found["bms_update"], entry["bms_update"] or {"before": {}, "after": {}}
    part = left is None or all(left[side].items() <= planned[side].items() for side in ("before", "after"))
    return part and _same_link(entry, found)


def _same_link(entry: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether it is the BMS contact that was reviewed, where one is to follow."""
    return found["bms_update"] is None or found["bms_contact_id"] == entry["bms_contact_id"]


def _waiting(operation: Operation) -> Operation:
    """An operation that no document has: it is for the next plan."""
    if not operation.writes:
        return operation
    return replace(
        _nothing_of(operation),
        action=DEFERRED,
        reason="Not part of the plan: it has become due since.",
    )


def _refused(operation: Operation) -> Operation:
    return replace(_nothing_of(operation), action=FAILED, reason="The plan no longer holds for this user: see refused.")


def _nothing_of(operation: Operation) -> Operation:
    push = DEFERRED if operation.push == PUSHED else operation.push
    return replace(
        operation, before={}, after={}, push=push, create_in_bms=None, job_title=None, active=None, bms_update=None
    )


def _refusal(entry: Mapping[str, Any], found: Mapping[str, Any]) -> Refusal:
    shown = ("action", "contact_id", "push", "before", "after", "create_in_bms", "job_title", "active", "bms_update")
    changed = [key for key in shown if entry.get(key) != found.get(key)]
    reason = (
        f"What is there has changed since the plan was made: {', '.join(changed)} would be otherwise now."
        if found
        else "Nothing is to be done for this user any more: it is gone, or back."
    )
    return Refusal(
        user=entry["user"],
        user_id=entry["user_id"],
        planned={key: entry[key] for key in changed},
        found={key: found.get(key) for key in changed},
        reason=reason,
    )

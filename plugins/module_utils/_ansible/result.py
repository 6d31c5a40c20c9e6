# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What `contact_sync` returns (feature, section 6), preview and real run alike."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from .._engine import bms_fields
from .._engine.attributes import EMAILS, PHONES
from .._engine.matching import Conflict
from .._engine.plan import CREATE, DEFERRED, FAILED, PUSHED, Operation
from .._engine.undo import REMOVE, RESTORE, Step
from .._sync.revert import Reverted
from .._sync.run import Run
from .settings_changes import settings_changes, settings_diff


def result(run: Run, *, api_calls: Mapping[str, int], everything: bool = False) -> dict[str, Any]:
    """The result of a run; `everything` lists every user, not only what changed or needs a person."""
    snapshot = run.read.snapshot
    return {
        "changed": run.changed,
        "organization": {"id": snapshot.organization.id, "name": snapshot.organization.name},
        "tenant_id": snapshot.tenant_id,
        "settings": run.read.settings,
        "settings_changes": settings_changes(run.read.run_settings),
        "summary": summary(run, api_calls),
        "contacts": [contact(each) for each in run.operations if everything or each.noteworthy],
        "conflicts": [conflict(each) for each in run.plan.conflicts],
        "departed": departed(run),
        "unclaimed": [{**asdict(each), "addresses": list(each.addresses)} for each in run.plan.unclaimed],
        "refused": [asdict(each) for each in run.refused_entries],
        "diff": [*settings_diff(run.read.run_settings), *diff((*run.operations, *run.deactivations))],
    }


def summary(run: Run, api_calls: Mapping[str, int]) -> dict[str, Any]:
    """Counts per action, push outcome and exclusion reason, and the requests per service."""
    operations = run.operations
    return {
        "users": len(operations),
        "kept": run.draft.kept,
        "actions": _counts(each.action for each in operations),
        "push": _counts(each.push for each in operations),
        "excluded": _counts(run.draft.excluded.values()),
        "limits_exceeded": [
            {"option": each.option, "count": each.count, "limit": each.limit} for each in run.plan.passed
        ],
        "api_calls": dict(api_calls),
        "resume_after": resume_after(run),
    }


def resume_after(run: Run) -> int | None:
    """The seconds until a quota that was used up is there again."""
    return None if run.resume_at is None else max(0, math.ceil(run.resume_at - time.time()))


_UNTOUCHED = {"bms_contact_id": None, "locked": [], "before": {}, "after": {}, "reason": None}


def departed(run: Run) -> list[dict[str, Any]]:
    """Who left, with what is done about it, as it turned out."""
    writes = {each.user_id: contact(each) for each in run.deactivations}
    told = []
    for each in run.plan.departed:
        write = writes.get(each.key, _UNTOUCHED)
        outcome = {key: write[key] for key in _UNTOUCHED}
        failed = {"action": write["action"]} if write.get("action") in (FAILED, DEFERRED) else {}
        told.append({**asdict(each), **outcome, **failed})
    return told


def _counts(values) -> dict[str, int]:
    return dict(sorted(Counter(each for each in values if each is not None).items()))


def contact(operation: Operation) -> dict[str, Any]:
    """One entry of `contacts`."""
    before, after = touched(operation)
    return {
        "user": operation.user,
        "user_id": operation.user_id,
        "contact_id": operation.contact_id,
        "bms_contact_id": operation.bms_contact_id,
        "action": operation.action,
        "matched_by": operation.matched_by,
        "push": operation.push,
        "missing": list(operation.missing),
        "locked": list(operation.locked),
        "unapplied": list(operation.unapplied),
        "before": before,
        "after": after,
        "reason": operation.reason,
    }


_JOB_TITLE, _ACTIVE = bms_fields.SHOWN["JobTitle"], bms_fields.SHOWN["IsActive"]


def touched(operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that an operation touches, before and after."""
    before, after = dict(operation.before), dict(operation.after)
    if operation.job_title is not None:
        before[_JOB_TITLE], after[_JOB_TITLE] = None, operation.job_title
    if operation.active is not None:
        before[_ACTIVE], after[_ACTIVE] = not operation.active, operation.active
    if operation.bms_update is not None:
        for side, shown in ((operation.bms_update.before, before), (operation.bms_update.after, after)):
            shown.update({bms_fields.SHOWN[field]: value for field, value in side.items()})
    return before, after


def conflict(entry: Conflict) -> dict[str, Any]:
    """One entry of `conflicts`, with the `match_overrides` that would settle it."""
    return {
        "rule": entry.rule,
        "users": list(entry.users),
        "contact_ids": list(entry.contact_ids),
        "bms_contact_ids": list(entry.bms_contact_ids),
        "match_overrides": dict(entry.overrides),
    }


# -------------------------------------------------------------------- reverted


def reverted(outcome: Reverted, *, api_calls: Mapping[str, int]) -> dict[str, Any]:
    """The result of taking a run back."""
    return {
        "changed": bool(outcome.steps),
        "organization": {"id": outcome.organization.id, "name": outcome.organization.name},
        "tenant_id": outcome.tenant_id,
        "summary": {"reverted": _counts(each.kind for each in outcome.steps), "api_calls": dict(api_calls)},
        "reverted": [
            {
                "what": each.kind,
                "service": "itglue" if each.kind in (REMOVE, RESTORE) else "bms",
                "id": each.id,
                "name": each.name,
                "before": dict(each.before),
                "after": dict(each.after),
            }
            for each in outcome.steps
        ],
        "not_reverted": [{**asdict(each), "fields": list(each.fields)} for each in outcome.remainders],
        "diff": [_step_diff(each) for each in outcome.steps],
    }


def _step_diff(step: Step) -> dict[str, str]:
    names = sorted({*step.before, *step.after})
    sides = ({name: side.get(name) for name in names if name in side} for side in (step.before, step.after))
    was, becomes = ([line for name in side for line in _plain_lines(name, side[name])] for side in sides)
    where = "contact" if step.kind in (REMOVE, RESTORE) else "BMS contact"
    return {
        "before_header": one_line(f"{step.name}, {where} {step.id}"),
        "after_header": step.kind.replace("_", " "),
        "before": "".join(f"{line}\n" for line in _only_in(was, becomes)),
        "after": "".join(f"{line}\n" for line in _only_in(becomes, was)),
    }


def _plain_lines(name: str, value: Any) -> list[str]:
    if name in (EMAILS, PHONES):
        return [one_line(f"{name}: {_entry(each)}") for each in value or ()]
    if name in _LISTS_IN_BMS:
        return [one_line(f"{name}: {_entry_in_bms(each, _LISTS_IN_BMS[name])}") for each in value or ()]
    return [] if value is None or value == "" else [one_line(f"{name}: {value}")]


# ------------------------------------------------------------------------ diff


def diff(operations: Iterable[Operation]) -> list[dict[str, str]]:
    """One diff for each contact that changes, by username: field by field, in words, with the reason.

    Nothing in here is known to a real run alone, such as the id of a contact that is created.
    """
    return [_contact_diff(each) for each in sorted(operations, key=lambda each: each.user) if each.writes]


def _contact_diff(operation: Operation) -> dict[str, str]:
    before, after = touched(operation)
    fields = [
        (_only_in(was, becomes), _only_in(becomes, was))
        for name in sorted(after)
        for was, becomes in [(_lines(operation, name, before.get(name)), _lines(operation, name, after[name]))]
    ]
    if operation.touches:
        fields.append(([], ["contact: saved again as it is"]))
    if operation.push == PUSHED:
        fields.append(([], ["bms: created"]))
    sides = [was for was, dummy in fields], [becomes for dummy, becomes in fields]
    # The blank line, the same on both sides, keeps what was and what becomes of a field together.
    between = [""] if any(sides[0]) else []
    contact_id = None if operation.action == CREATE else operation.contact_id
    return {
        "before_header": one_line(operation.user if contact_id is None else f"{operation.user}, contact {contact_id}"),
        "after_header": one_line(_headline(operation)),
        "before": _text(sides[0], between),
        "after": _text(sides[1], between),
    }


def _headline(operation: Operation) -> str:
    """What happens to a contact, and why."""
    matched = f", matched by {operation.matched_by}" if operation.matched_by else ""
    return f"{operation.action}{matched}{f'. {operation.reason}' if operation.reason else ''}"


def _only_in(these: list[str], others: list[str]) -> list[str]:
    return sorted((Counter(these) - Counter(others)).elements())


def _lines(operation: Operation, name: str, value: Any) -> list[str]:
    """An attribute as a person reads it: one line for a value, an e-mail address or a phone."""
    wanted = operation.contact
    if name == "location-id" and wanted and wanted.location_id == value and wanted.location_name:
        value = f"{wanted.location_name} ({value})"
    return _plain_lines(name, value)


def _entry(entry: Mapping[str, Any]) -> str:
    extension = f" x{entry['extension']}" if entry.get("extension") else ""
    marks = [entry.get("label-name") or "no label"]
    marks += ["fax"] if entry.get("label-type") == "fax" else []
    marks += ["primary"] if entry.get("primary") else []
    return f"{entry['value']}{extension} ({', '.join(marks)})"


_LISTS_IN_BMS = {name: value for field, value in bms_fields.VALUE.items() for name in (field, bms_fields.SHOWN[field])}
"""The names of the lists of a BMS contact, and where an entry has its value."""


def _entry_in_bms(entry: Mapping[str, Any], value: str) -> str:
    marks = [entry["type_name"] or f"type {entry['type_id']}", *(["default"] if entry["default"] else [])]
    return f"{entry[value]} ({', '.join(marks)})"


def _text(fields: list[list[str]], between: list[str]) -> str:
    lines = [line for each in fields for line in (*each, *between)]
    return "".join(f"{line}\n" for line in lines[: len(lines) - len(between)])


def one_line(text: str) -> str:
    """`text` without what would break a line or steer a terminal."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())

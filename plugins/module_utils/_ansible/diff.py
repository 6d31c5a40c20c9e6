# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff of `contact_sync`: one block for each contact that changes, field by field, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .._engine.attributes import EMAILS, PHONES
from .._engine.bms_fields import SHOWN, VALUE
from .._engine.output import one_line
from .._engine.plan import Action, Operation, Push
from .._engine.undo import Step, StepKind
from .sentences import explained


def diff(operations: Iterable[Operation]) -> list[dict[str, str]]:
    """One diff for each contact that changes, by username, with the reason.

    Nothing in here is known to a real run alone, such as the id of a contact that is created.
    """
    return [_contact_diff(each) for each in sorted(operations, key=lambda each: each.user) if each.writes]


def _contact_diff(operation: Operation) -> dict[str, str]:
    changes = list(_changes(operation))
    # The blank line, the same on both sides, keeps what was and what becomes of a field together.
    between = [""] if any(was for was, dummy in changes) else []
    contact_id = None if operation.itglue.action == Action.CREATE else operation.itglue.contact_id
    return {
        "before_header": one_line(operation.user if contact_id is None else f"{operation.user}, contact {contact_id}"),
        "after_header": _headline(operation),
        "before": _text([was for was, dummy in changes], between),
        "after": _text([becomes for dummy, becomes in changes], between),
    }


def _changes(operation: Operation) -> Iterable[tuple[list[str], list[str]]]:
    """The lines of each field that change, before and after."""
    for part, names in ((operation.itglue, {}), (operation.bms, SHOWN)):
        for field in sorted(part.after):
            name = names.get(field, field)
            was = _lines(name, part.before.get(field))
            becomes = _lines(name, _with_name(operation, field, part.after[field]))
            yield _only_in(was, becomes), _only_in(becomes, was)
    if operation.itglue.resaves:
        yield [], ["contact: saved again as it is"]
    if operation.bms.push == Push.PUSHED:
        yield [], ["bms: created"]


def _headline(operation: Operation) -> str:
    """What happens to a contact, and why."""
    matched = f", matched by {operation.matched_by}" if operation.matched_by else ""
    reason = explained(operation.reasons).sentence
    return one_line(f"{operation.itglue.action}{matched}{f'. {reason}' if reason else ''}")


def step_diff(step: Step) -> dict[str, str]:
    """The diff of one step of a revert."""
    was, becomes = (
        [line for field in sorted(side) for line in _lines(field, side[field])] for side in (step.before, step.after)
    )
    where = "contact" if step.kind in (StepKind.REMOVE, StepKind.RESTORE) else "BMS contact"
    return {
        "before_header": one_line(f"{step.name}, {where} {step.id}"),
        "after_header": step.kind.replace("_", " "),
        "before": "".join(f"{line}\n" for line in _only_in(was, becomes)),
        "after": "".join(f"{line}\n" for line in _only_in(becomes, was)),
    }


def _only_in(these: list[str], others: list[str]) -> list[str]:
    if not these or not others:
        return sorted(these)
    return sorted((Counter(these) - Counter(others)).elements())


def _with_name(operation: Operation, field: str, value: Any) -> Any:
    """The location with its name beside its id."""
    wanted = operation.itglue.contact
    if field == "location-id" and wanted and wanted.location_id == value and wanted.location_name:
        return f"{wanted.location_name} ({value})"
    return value


_LISTS = {EMAILS, PHONES, *VALUE, *(SHOWN[field] for field in VALUE)}
"""The names of the lists of a contact, in IT Glue and in BMS."""


def _lines(name: str, value: Any) -> list[str]:
    """An attribute as a person reads it: one line for a value, an e-mail address or a phone."""
    if name in _LISTS:
        return [one_line(f"{name}: {entry_text(each)}") for each in value or ()]
    return [] if value is None or value == "" else [one_line(f"{name}: {value}")]


def entry_text(entry: Mapping[str, Any]) -> str:
    """An e-mail address or a phone as a person reads it, as IT Glue or BMS has them."""
    if "type_id" in entry:
        marks = [str(entry.get("type_name") or f"type {entry['type_id']}")]
        marks += ["default"] if entry.get("default") else []
        return f"{entry.get('address') or entry.get('number')} ({', '.join(marks)})"
    extension = f" x{entry['extension']}" if entry.get("extension") else ""
    marks = [str(entry.get("label-name") or "no label")]
    marks += ["fax"] if entry.get("label-type") == "fax" else []
    marks += ["primary"] if entry.get("primary") else []
    return f"{entry.get('value')}{extension} ({', '.join(marks)})"


def _text(fields: list[list[str]], between: list[str]) -> str:
    lines = [line for each in fields for line in (*each, *between)]
    return "".join(f"{line}\n" for line in lines[: len(lines) - len(between)])

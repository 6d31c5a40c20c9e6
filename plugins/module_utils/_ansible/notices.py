# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings about people: what a person at the terminal should know, whatever the playbook prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .._engine.output import one_line

Entry = Mapping[str, Any]

SHOWN = 5
"""How many people a warning names."""

MISSING = {
    "first_name": "first name",
    "primary_email": "primary e-mail",
    "primary_phone": "primary phone",
    "location": "location",
}
"""What a contact can lack for BMS, in words."""


def notices(returned: Entry) -> Iterator[str]:
    """The warnings of a result: failures, conflicts, people who are not ready, and who needs a look."""
    name = one_line(returned["organization"]["name"])
    contacts, departed, conflicts = returned["contacts"], returned["departed"], returned["conflicts"]
    failed = [each for each in (*contacts, *departed) if "failed" in (each["action"], each.get("push"))]
    waiting = [each for each in contacts if each["push"] == "not_ready"]
    named = [*failed, *waiting, *(each for each in contacts if "conflict" in (each["action"], each["push"]))]
    looks = [each for each in contacts if each["attention"] and each not in named]
    if failed:
        yield f"{name}: failed contacts ({len(failed)}): {_listed(failed, _with_reason)}."
    if conflicts:
        yield (
            f"{name}: conflicts that need a decision ({len(conflicts)}): {_listed(conflicts, _users)}. "
            "See conflicts in the result, or the report."
        )
    if waiting:
        yield f"{name}: people who are not ready for BMS ({len(waiting)}): {_listed(waiting, _with_missing)}."
    if looks:
        yield f"{name}: people to look at ({len(looks)}): {_listed(looks, _with_reason)}."


def _listed(entries: Sequence[Entry], shown: Callable[[Entry], str]) -> str:
    more = f"; and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return "; ".join(map(shown, entries[:SHOWN])) + more


def _with_reason(entry: Entry) -> str:
    reason = (entry["reason"] or "").removesuffix(".")
    return f"{one_line(entry['user'])} ({reason})" if reason else one_line(entry["user"])


def _with_missing(entry: Entry) -> str:
    return f"{one_line(entry['user'])} lacks {lacking(entry)}"


def lacking(entry: Entry) -> str:
    """What a contact lacks for BMS, in words; blank where that is nothing."""
    return ", ".join(MISSING.get(each, each) for each in entry.get("missing") or ())


def _users(conflict: Entry) -> str:
    ids = conflict["bms_contact_ids"]
    users = ", ".join(map(one_line, conflict["users"]))
    why = str(conflict["reason_code"]).replace("_", " ")
    return f"{users or 'BMS contacts ' + ', '.join(map(str, ids))} ({why})"

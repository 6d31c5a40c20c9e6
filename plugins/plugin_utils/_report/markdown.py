# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The report as Markdown, for a comment on a pull request and for the summary of a CI job.

Both end at a size. What does not fit is left out line by line, the least urgent first, and
each part says how much of it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from .charts import TENANT_STATUSES, duration, mode_words, story, tenant_status
from .collecting import departure, has_failed
from .page import changes, overrides_yaml
from .words import (
    ACTIONS,
    DEPARTURES,
    EVIDENCE,
    EXCLUDED,
    FIELDS,
    KINDS,
    MISSING,
    PUSHES,
    REVERTS,
    RULES,
    SERVICES,
    count,
    label,
)

LIMIT = 65_536
"""Characters in a comment on GitHub (GitHub, "Body is too long (maximum is 65536 characters)")."""

_SIGNS = {"stop": "🛑", "look": "⚠️", "fine": "ℹ️"}
_LONGEST_LINE = 1_500
_ROOM_FOR_A_NOTE = 120


@dataclass(slots=True)
class _Part:
    """A heading, what stands above the lines, the lines, and what one line is called."""

    title: str
    lines: list[str]
    noun: tuple[str, str]
    above: list[str] = field(default_factory=list)


def markdown(report: Mapping[str, Any], limit: int = LIMIT) -> str:
    """The report in at most `limit` characters, counted as UTF-16 does, so that no counting is stricter."""
    parts = [part for part in _parts(report) if part.lines]
    text = _head(report)
    room = limit - _size(text) - _size(_foot(report))
    for place, part in enumerate(parts):
        reserved = _ROOM_FOR_A_NOTE * (len(parts) - place)
        added = _fitting(part, room - reserved)
        room -= _size(added)
        text += added
    return text + _foot(report)


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _fitting(part: _Part, room: int) -> str:
    """As much of a part as there is room for, and a note of the rest."""
    head = "\n".join(["", f"## {part.title}", "", *part.above, ""])
    left = room - _size(head)
    taken: list[str] = []
    for line in part.lines:
        left -= _size(line) + 1
        if left < 0:
            break
        taken.append(line)
    missing = len(part.lines) - len(taken)
    note = f"\n*{count(missing, *part.noun)} left out here: see the other forms of this report.*\n" if missing else ""
    if not taken:
        return f"\n## {part.title}\n{note}"
    return head + "\n".join(taken) + "\n" + note


# -------------------------------------------------------------- head and foot


def _head(report: Mapping[str, Any]) -> str:
    told = story(report)
    lines = [
        f"# {_text(report['title'])}: {told.headline}",
        "",
        f"**{mode_words(report['mode'])}.** {told.changes}",
        "",
        *[f"- {_SIGNS[point.level]} {point.text}" for point in told.points],
    ]
    counts = list(_counts(report["totals"]))
    if counts:
        lines += ["", "| IT Glue | | BMS | |", "|---|--:|---|--:|", *counts]
    return "\n".join(lines) + "\n"


def _counts(totals: Mapping[str, Any]) -> Iterator[str]:
    columns = [
        [
            (label(words, name), f"{totals[key][name]:,}")
            for name in dict.fromkeys([*words, *totals[key]])
            if totals[key].get(name)
        ]
        for key, words in (("actions", ACTIONS), ("push", PUSHES))
    ]
    for left, right in zip_longest(*columns, fillvalue=("", "")):
        yield f"| {' | '.join((*left, *right))} |"


def _foot(report: Mapping[str, Any]) -> str:
    calls = ", ".join(f"{label(SERVICES, name)} {number:,}" for name, number in report["totals"]["api_calls"].items())
    requests = f" Requests: {calls}." if calls else ""
    return f"\n---\nTook {duration(report['seconds'])}.{requests} Made by {_text(report['generator'])}.\n"


# ----------------------------------------------------------------------- parts


def _parts(report: Mapping[str, Any]) -> Iterator[_Part]:
    """The parts of the report, the most urgent first."""
    runs = [(tenant, run) for tenant in report["tenants"] for run in tenant["runs"] if run["counted"]]
    people = [(tenant, entry) for tenant, run in runs for entry in run["contacts"]]
    yield _Part("Failures", list(_failures(runs)), ("failure", "failures"))
    yield _Part(
        "Conflicts",
        list(_conflicts(runs)),
        ("conflict", "conflicts"),
        ["Nothing is written for them. Check each proposal, and put it into `match_overrides` of the client.", ""],
    )
    yield _Part("Not done", [_line(*each) for each in people if _is_undone(each[1])], ("person", "people"))
    yield _Part("Not taken back", list(_not_reverted(runs)), ("thing", "things"))
    yield _Part("Not ready for BMS", list(_not_ready(people)), ("person", "people"))
    yield _Part(
        "Clients",
        [_tenant(tenant) for tenant in report["tenants"]],
        ("client", "clients"),
        ["| Client | State | Users | New | Changed | To BMS | Conflicts |", "|---|---|--:|--:|--:|--:|--:|"],
    )
    yield _Part("Settings", list(_settings(runs)), ("client's settings", "clients' settings"))
    yield _Part("Changes", [_line(*each) for each in people if _is_change(each[1])], ("person", "people"))
    yield _Part("Taken back", list(_reverted(runs)), ("write", "writes"))
    yield _Part("Departed", list(_departed(runs)), ("contact", "contacts"))
    yield _Part("Unclaimed", list(_unclaimed(runs)), ("contact", "contacts"))
    yield _Part("Warnings", list(_warnings(runs)), ("warning", "warnings"))


_Runs = Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]


def _failures(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        if has_failed(run):
            yield _cut(f"- **{_text(tenant['name'])}**, {_text(run['task'])}: {_text(run['message'])}")


def _conflicts(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        for entry in run["conflicts"]:
            users = ", ".join(map(_code, entry.get("users") or ())) or "no user"
            ids = [
                f"{name} contacts {', '.join(map(str, entry[key]))}"
                for name, key in (("IT Glue", "contact_ids"), ("BMS", "bms_contact_ids"))
                if entry.get(key)
            ]
            proposal = overrides_yaml(entry)
            line = (
                f"- **{_text(tenant['name'])}**: {users}; {'; '.join(ids)}; by {_text(label(RULES, entry.get('rule')))}"
            )
            yield _cut(line) + ("\n" + _block(proposal) if proposal else "")


def _not_ready(people: _Runs) -> Iterator[str]:
    for tenant, entry in people:
        if entry.get("push") == "not_ready":
            lacks = ", ".join(label(MISSING, each) for each in entry.get("missing") or ())
            yield _cut(f"- {_text(tenant['name'])}: {_code(entry.get('user'))} lacks {_text(lacks)}")


def _is_undone(entry: Mapping[str, Any]) -> bool:
    return bool({entry.get("action"), entry.get("push")} & {"failed", "deferred"} or entry.get("unapplied"))


def _is_change(entry: Mapping[str, Any]) -> bool:
    written = entry.get("action") in ("create", "update") or entry.get("push") in ("pushed", "pending")
    return (written or bool(entry.get("after"))) and not _is_undone(entry)


def _line(tenant: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """What happens to one person, and to which fields."""
    told = [label(ACTIONS, entry.get("action"))] + ([label(PUSHES, entry["push"])] if entry.get("push") else [])
    reason = entry.get("reason")
    line = f"- {_text(tenant['name'])}: {_code(entry.get('user'))} {_text('; '.join(told))}{_fields(entry)}"
    line += f". {_text(EXCLUDED.get(str(reason), reason))}" if reason else ""
    return _cut(line)


def _values(lines: list[str]) -> str:
    return ", ".join(map(_code, lines)) or "(empty)"


def _tenant(tenant: Mapping[str, Any]) -> str:
    summaries = [run["summary"] for run in tenant["runs"] if run["counted"] and run["summary"]]

    def total(key: str, *names: str) -> int:
        return sum(each[key].get(name, 0) for each in summaries for name in names)

    conflicts = sum(len(run["conflicts"]) for run in tenant["runs"] if run["counted"])
    numbers = (
        sum(each["users"] for each in summaries),
        total("actions", "create"),
        total("actions", "update"),
        total("push", "pushed", "pending"),
        conflicts,
    )
    cells = [_text(tenant["name"]), TENANT_STATUSES[tenant_status(tenant)], *(f"{number:,}" for number in numbers)]
    return _cut(f"| {' | '.join(cells)} |")


def _settings(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        changed = [
            f"{_code(each['option'])} {_code(_plainly(each['before']))} → {_code(_plainly(each['after']))}"
            for each in run["settings"] or ()
        ]
        if changed:
            kind = label(KINDS, run["settings"][0]["kind"])
            yield _cut(f"- **{_text(tenant['name'])}**, {kind}: {', '.join(changed)}")


def _plainly(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {None: "(not set)", True: "yes", False: "no"}.get(value, str(value))


def _departed(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        for each in run["departed"]:
            evidence = label(EVIDENCE, each.get("evidence"))
            who = f"{_code(each.get('user'))}, contact {_text(each.get('contact_id'))}"
            line = f"- {_text(tenant['name'])}: {who}: {_text(evidence)}. {label(DEPARTURES, departure(each))}"
            yield _cut(line + _fields(each) + (f". {_text(each['reason'])}" if each.get("reason") else ""))


def _reverted(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        for each in run["reverted"]:
            yield _cut(f"- {_text(tenant['name'])}: {_whose(each)}: {label(REVERTS, each.get('what'))}{_fields(each)}")


def _not_reverted(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        for each in run["not_reverted"]:
            fields = ", ".join(label(FIELDS, name) for name in each.get("fields") or ())
            what = f" ({_text(fields)})" if fields else ""
            yield _cut(f"- {_text(tenant['name'])}: {_whose(each)}{what}: {_text(each.get('reason'))}")


def _whose(entry: Mapping[str, Any]) -> str:
    """The contact that a write is taken back of, or not."""
    name, ident = entry.get("name") or "a contact", entry.get("id") or "that is not known"
    return f"{_text(name)}, {label(SERVICES, entry.get('service'))} contact {_text(ident)}"


def _fields(entry: Mapping[str, Any]) -> str:
    """The fields that change, with their values before and after."""
    told = [f"{label(FIELDS, name)} {_values(before)} → {_values(after)}" for name, before, after in changes(entry)]
    return f". {'; '.join(told)}" if told else ""


def _unclaimed(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        for each in run["unclaimed"]:
            addresses = ", ".join(map(_code, each.get("addresses") or ()))
            who = f"contact {_text(each.get('contact_id'))}, {_text(each.get('name'))}"
            yield _cut(f"- {_text(tenant['name'])}: {who}: {addresses}")


def _warnings(runs: _Runs) -> Iterator[str]:
    for tenant, run in runs:
        for each in run["warnings"]:
            yield _cut(f"- {_text(tenant['name'])}: {_text(each)}")


# ------------------------------------------------------------------------ text

_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")


def _text(value: object) -> str:
    """Text of an API as Markdown that shows exactly this: no markup, mentions or links."""
    text = _one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text).replace("@", "&#64;").replace("://", ":&#47;&#47;")
    return re.sub(r"\bwww\.", "www&#46;", text, flags=re.IGNORECASE)


def _code(value: object) -> str:
    """Text of an API as code: nothing in it counts but the backtick."""
    return f"`{_one_line(value).replace('`', chr(39)) or ' '}`"


def _block(text: str) -> str:
    """Lines of YAML as a block below an item of a list, with a fence that the text does not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return "\n".join(f"  {line}" for line in (f"{fence}yaml", *text.splitlines(), fence))


def _one_line(value: object) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in str(value)).split())


def _cut(line: str) -> str:
    """A line of bearable length; a code span that is cut is closed."""
    if len(line) <= _LONGEST_LINE:
        return line
    kept = line[: _LONGEST_LINE - 2]
    return kept + ("`" if kept.count("`") % 2 else "") + "…"

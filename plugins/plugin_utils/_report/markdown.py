# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, for a comment on a pull request and for the summary of a CI job.

Short at the top: the verdict, what to do next, a row for each client. Below, what there is to know of each
client, folded up. A comment and a summary end at a size: what does not fit is left out line by line, of the
clients in best order first, and each part says how much of it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import lacking
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import shown_name

from .collecting import LISTS, counted, departure, groups, summaries
from .entries import changes, overrides_yaml, question, suggestion, variable, whose
from .labels import (
    ACTIONS,
    DEPARTURES,
    EVIDENCE,
    FIELDS,
    KINDS,
    PUSHES,
    REVERTS,
    RULES,
    SERVICES,
    count,
    label,
    one_line,
)
from .next_steps import next_steps
from .verdict import TENANT_STATUSES, duration, mode_label, tenant_verdict, verdict, why

LIMIT = 65_536
"""Characters in a comment on GitHub (GitHub, "Body is too long (maximum is 65536 characters)")."""

_SIGNS = {"stop": "🛑", "look": "⚠️", "fine": "ℹ️"}
_TENANT_SIGNS = {
    "failed": "🛑", "over_limit": "🛑", "hidden": "🛑", "attention": "⚠️", "changed": "✅", "ok": "✅",
}  # fmt: skip
_ROOM_FOR_A_NOTE = 120
LONGEST_LINE = 1_500

_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
_HEADING = "| Client | Verdict | Selected | New | Changed | To BMS | Decide |\n|---|---|--:|--:|--:|--:|--:|\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of what there is to know of a client: its title, its lines, and what one line is called."""

    title: str
    lines: tuple[str, ...]
    noun: tuple[str, str]


def markdown(report: Mapping[str, Any], limit: int = LIMIT) -> str:
    """The report in at most `limit` characters, counted as UTF-16 does, so that no counting is stricter."""
    gravity = list(TENANT_STATUSES)
    tenants = sorted(report["tenants"], key=lambda tenant: gravity.index(tenant["status"]))
    head, foot = _head(report), _foot(report)
    room = limit - size(head) - size(foot) - 2 * _ROOM_FOR_A_NOTE
    rows = _rows(tenants, report["mode"], room // 2 if len(tenants) > 1 else room)
    room -= size(rows)
    return head + rows + _details(tenants, report["mode"], room) + foot


# -------------------------------------------------------------- head and foot


def _head(report: Mapping[str, Any]) -> str:
    overall = verdict(report)
    lines = [
        f"# {text(report['title'])}: {overall.headline}",
        "",
        f"**{mode_label(report['mode'])}.** {overall.changes}",
        "",
        *[f"- {_SIGNS[point.level]} {point.text}" for point in overall.points],
    ]
    for step in next_steps(report):
        lines += ["", cut(f"**Next:** {text(step.text)}")]
        lines += ["", block(step.command, "shell", "")] if step.command else []
    return "\n".join(lines) + "\n"


def _foot(report: Mapping[str, Any]) -> str:
    calls = ", ".join(f"{label(SERVICES, name)} {number:,}" for name, number in report["totals"]["api_calls"].items())
    requests = f" Requests: {calls}." if calls else ""
    return f"\n---\nTook {duration(report['seconds'])}.{requests} Made by {text(report['generator'])}.\n"


# -------------------------------------------------------------------- clients


def _rows(tenants: list[Mapping[str, Any]], mode: str, room: int) -> str:
    """A row for each client, as many as there is room for."""
    head = f"\n## Clients\n\n{_HEADING}"
    rows, left = _fitting([_row(tenant, mode) for tenant in tenants], room - size(head))
    return head + "".join(f"{row}\n" for row in rows) + _note(left, ("client", "clients"))


def _row(tenant: Mapping[str, Any], mode: str) -> str:
    runs, done = counted(tenant), summaries(tenant)

    def total(key: str, *names: str) -> int:
        return sum(each[key].get(name, 0) for each in done for name in names)

    selected = f"{sum(each['selected'] for each in done):,} of {sum(each['users'] for each in done):,}"
    numbers = (total("actions", "create"), total("actions", "update"), total("push", "pushed", "pending"))
    cells = (
        text(tenant["name"]),
        f"{_TENANT_SIGNS[tenant['status']]} {tenant_verdict(tenant, mode)}",
        selected,
        *(f"{number:,}" for number in numbers),
        f"{sum(len(run['conflicts']) for run in runs):,}",
    )
    return cut(f"| {' | '.join(cells)} |")


def _details(tenants: list[Mapping[str, Any]], mode: str, room: int) -> str:
    """What there is to know of each client, folded up; the gravest first."""
    shown, left = "", 0
    for tenant in tenants:
        if not _has_details(tenant):
            continue
        if left:
            # Where one did not fit, the others would not either, and are not made for nothing.
            left += 1
            continue
        parts = [part for part in _parts(tenant) if part.lines]
        title = (
            f"<details><summary><b>{text(tenant['name'], markup=False)}</b>: {tenant_verdict(tenant, mode)}</summary>\n"
        )
        body = _body(parts, room - size(title) - size("\n</details>\n") - _ROOM_FOR_A_NOTE)
        if body is None:
            left += 1
            continue
        client = f"\n{title}{body}\n</details>\n"
        room -= size(client)
        shown += client
    return shown + _note(left, ("client's details", "clients' details"))


def _has_details(tenant: Mapping[str, Any]) -> bool:
    """Whether there is more to know of a client than its row says."""
    runs = counted(tenant)
    listed = ("warnings", "settings", *LISTS)
    return bool(why(tenant)) or any(run[name] for run in runs for name in listed)


def _body(parts: list[_Part], room: int) -> str | None:
    """The parts of one client, as much of each as there is room for; None where not even their titles fit."""
    room -= sum(size(f"\n#### {part.title}\n\n") + _ROOM_FOR_A_NOTE for part in parts)
    if room < 0:
        return None
    result = ""
    for part in parts:
        lines, left = _fitting(part.lines, room)
        room -= sum(size(line) + 1 for line in lines)
        result += f"\n#### {part.title}\n\n" + "".join(f"{line}\n" for line in lines) + _note(left, part.noun)
    return result


def _fitting(lines: Iterable[str], room: int) -> tuple[list[str], int]:
    """The lines that there is room for, and how many are left out."""
    taken: list[str] = []
    lines = list(lines)
    for line in lines:
        room -= size(line) + 1
        if room < 0:
            break
        taken.append(line)
    return taken, len(lines) - len(taken)


def _note(left: int, noun: tuple[str, str]) -> str:
    return f"\n*{count(left, *noun)} omitted here: see the other forms of this report.*\n" if left else ""


# ----------------------------------------------------------------------- parts


def _parts(tenant: Mapping[str, Any]) -> Iterator[_Part]:
    """The parts of a client, the most urgent first."""
    runs = counted(tenant)
    people = [entry for run in runs for entry in run["contacts"]]
    warnings = [each for run in runs for each in run["warnings"]]
    yield _Part("Why", tuple(cut(f"- {text(each)}") for each in why(tenant)), ("line", "lines"))
    yield _Part(
        "Conflicts", tuple(_conflict(each, run) for run in runs for each in run["conflicts"]), ("conflict", "conflicts")
    )
    for title, wanted in (
        ("Not done", ("failed", "refused", "deferred")),
        ("Not ready for BMS", ("not_ready",)),
        ("To look at", ("look",)),
    ):
        yield _Part(title, tuple(_line(each) for each in people if {*wanted} & {*groups(each)}), ("person", "people"))
    yield _Part("Not reverted", tuple(map(_not_reverted, _entries(runs, "not_reverted"))), ("write", "writes"))
    yield _Part("Settings", tuple(_settings(runs)), ("line", "lines"))
    yield _Part("Changes", tuple(_line(each) for each in people if _is_change(each)), ("person", "people"))
    yield _Part("Reverted", tuple(map(_reverted, _entries(runs, "reverted"))), ("write", "writes"))
    yield _Part("Departed", tuple(map(_departed, _entries(runs, "departed"))), ("contact", "contacts"))
    yield _Part("Unmatched addresses", tuple(map(_unmatched, _entries(runs, "unclaimed"))), ("contact", "contacts"))
    yield _Part("Warnings", tuple(cut(f"- {text(each)}") for each in warnings), ("warning", "warnings"))


def _entries(runs: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [entry for run in runs for entry in run[name]]


def _is_change(entry: Mapping[str, Any]) -> bool:
    found = groups(entry)
    return bool({"created", "changed", "pushed"} & {*found}) and not {"failed", "refused", "deferred", "not_ready"} & {
        *found
    }


def _conflict(entry: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """The question, each candidate, and the answer for the inventory."""
    users = ", ".join(map(code, entry.get("users") or ())) or "no user"
    lines = [cut(f"- **{question(entry)}** {users}, by {text(label(RULES, entry.get('rule')))}")]
    for each in entry.get("people") or ():
        lines.append(cut(f"  - user {_name(each)}: {_addresses(each)}"))
    for each in entry.get("contacts") or ():
        linked = {True: "linked to BMS", False: "not linked"}.get(each.get("linked"), "link unknown")
        lines.append(cut(f"  - IT Glue contact {text(each.get('id'))}, {_name(each)}, {linked}: {_addresses(each)}"))
    for each in entry.get("bms_contacts") or ():
        active = "active" if each.get("active") else "inactive"
        lines.append(cut(f"  - BMS contact {text(each.get('id'))}, {_name(each)}, {active}: {_addresses(each)}"))
    answers = entry.get("answers") or {}
    for user in answers if answers and not suggestion(entry) else ():
        lines.append(cut(f"  - {variable(entry)}: answers for {code(user)} are {', '.join(map(code, answers[user]))}"))
    if suggested := overrides_yaml(entry):
        lines += ["  - Suggested, check first:", "", block(suggested, "yaml", "    ")]
    return "\n".join(lines)


def _name(entry: Mapping[str, Any]) -> str:
    return text(shown_name(entry.get("first_name"), entry.get("last_name")) or "without a name")


def _addresses(entry: Mapping[str, Any]) -> str:
    return ", ".join(map(code, entry.get("emails") or ())) or "no address"


def _line(entry: Mapping[str, Any]) -> str:
    """What happens to one person, to which fields, and why."""
    parts = [label(ACTIONS, entry.get("action"))] + ([label(PUSHES, entry["push"])] if entry.get("push") else [])
    parts += [f"lacks {lacking(entry)}"] if entry.get("missing") else []
    name = f"{text(entry['name'])} " if entry.get("name") else ""
    return cut(f"- {name}{code(entry.get('user'))} {text('; '.join(parts))}{_fields(entry)}{_why(entry)}")


def _why(entry: Mapping[str, Any]) -> str:
    reason = " ".join(filter(None, (entry.get("reason"), entry.get("hint"))))
    return f". {text(reason)}" if reason else ""


def _fields(entry: Mapping[str, Any]) -> str:
    """The fields that change, with their values before and after."""
    shown = [f"{label(FIELDS, name)} {_values(before)} → {_values(after)}" for name, before, after in changes(entry)]
    return f". {'; '.join(shown)}" if shown else ""


def _values(lines: list[str]) -> str:
    return ", ".join(map(code, lines)) or "(empty)"


def _settings(runs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The settings that change; where all of a kind are stored for the first time, how many."""
    for run in runs:
        for kind in KINDS:
            changed = [each for each in run["settings"] or () if each["kind"] == kind]
            if not changed:
                continue
            stored = "" if changed[0]["stored"] else " (not stored by this run)"
            if len(changed) > 1 and all(each["before"] is None for each in changed):
                yield f"- {KINDS[kind]}: {count(len(changed), 'setting')} stored for the first time{stored}"
                continue
            shown = [
                f"{code(each['option'])} {code(_plainly(each['before']))} → {code(_plainly(each['after']))}"
                for each in changed
            ]
            yield cut(f"- {KINDS[kind]}{stored}: {', '.join(shown)}")


def _plainly(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {None: "(not set)", True: "yes", False: "no"}.get(value, str(value))


def _departed(entry: Mapping[str, Any]) -> str:
    evidence = label(EVIDENCE, entry.get("evidence"))
    who = f"{code(entry.get('user'))}, contact {text(entry.get('contact_id'))}"
    return cut(f"- {who}: {text(evidence)}. {label(DEPARTURES, departure(entry))}{_fields(entry)}{_why(entry)}")


def _unmatched(entry: Mapping[str, Any]) -> str:
    addresses = ", ".join(map(code, entry.get("addresses") or ()))
    return cut(f"- contact {text(entry.get('contact_id'))}, {text(entry.get('name'))}: {addresses}")


def _reverted(entry: Mapping[str, Any]) -> str:
    return cut(f"- {text(whose(entry))}: {label(REVERTS, entry.get('what'))}{_fields(entry)}")


def _not_reverted(entry: Mapping[str, Any]) -> str:
    fields = ", ".join(label(FIELDS, name) for name in entry.get("fields") or ())
    return cut(f"- {text(whose(entry))}{f' ({text(fields)})' if fields else ''}{_why(entry)}")


# ------------------------------------------------------- text of others as Markdown


def text(value: object, *, markup: bool = True) -> str:
    """Text as Markdown, or, with `markup` false, as HTML within it."""
    shown = one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = _SPECIAL.sub(r"\\\1", shown) if markup else _SPECIAL.sub(lambda found: f"&#{ord(found[1])};", shown)
    shown = shown.replace("@", "&#64;").replace("://", ":&#47;&#47;")
    return re.sub(r"\bwww\.", "www&#46;", shown, flags=re.IGNORECASE)


def code(value: object) -> str:
    """Text as code: nothing in it counts but the backtick."""
    return f"`{one_line(value).replace('`', chr(39)) or ' '}`"


def block(content: str, kind: str, indent: str) -> str:
    """Lines as a block, with a fence that they do not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", content)), default=0))
    return "\n".join(f"{indent}{line}" for line in (f"{fence}{kind}", *content.splitlines(), fence))


def cut(line: str) -> str:
    """A line of bearable length; a code span that is cut is closed."""
    if len(line) <= LONGEST_LINE:
        return line
    kept = line[: LONGEST_LINE - 2]
    return kept + ("`" if kept.count("`") % 2 else "") + "…"


def size(content: str) -> int:
    """Characters, counted as UTF-16 does."""
    return len(content.encode("utf-16-le", "replace")) // 2

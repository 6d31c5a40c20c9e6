# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .charts import TENANT_STATUSES, duration, mode_words, story, tenant_status
from .collecting import departure, is_back, is_stopped
from .words import (
    ACTIONS,
    DEPARTURES,
    EXCLUDED,
    KINDS,
    LABELS,
    PUSHES,
    REVERTS,
    RULES,
    SERVICES,
    count,
    kind_of_reason,
    label,
    lines,
)

ASSETS = Path(__file__).with_name("assets")

# What the segments of a chart look like; `report.css` gives the colours.
TONES = {
    "create": "new",
    "pushed": "new",
    "update": "change",
    "pending": "change",
    "unchanged": "calm",
    "linked": "calm-2",
    "already_in_bms": "calm",
    "off": "calm-2",
    "excluded": "out",
    "conflict": "warn",
    "not_ready": "warn-2",
    "deferred": "wait",
    "failed": "bad",
}


def html(report: Mapping[str, Any]) -> str:
    """The page. All text of the report is escaped, by the template or by the script."""
    script = "\n".join(_asset(name) for name in ("table-core.js", "report.js"))
    style = _asset("report.css")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            story=story(report),
            charts=list(_charts(report["totals"])),
            data=Markup(_embedded(page_data(report))),
            script=Markup(script),
            style=Markup(style),
            script_hash=_hash(script),
            style_hash=_hash(style),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "mode_words": mode_words}
    environment.globals |= {"count": count, "services": SERVICES, "label": label}
    return environment


def _asset(name: str) -> str:
    """A file that goes into the page; without the pointer to a map that browsers would look for."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("//# sourceMappingURL="))


def _hash(text: str) -> str:
    """What the page's security policy knows an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element whatever is in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for unsafe in "<>&\u2028\u2029":
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return text.encode("utf-8", "replace").decode()


# ---------------------------------------------------------------------- charts


def _charts(totals: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One bar for each service."""
    for title, counts, words in (("IT Glue", totals["actions"], ACTIONS), ("BMS", totals["push"], PUSHES)):
        if total := sum(counts.values()):
            yield {"title": title, "total": total, "segments": _segments(counts, words, total)}


def _segments(counts: Mapping[str, int], words: Mapping[str, str], total: int) -> list[dict[str, Any]]:
    """The parts of a bar 100 wide; a small part stays wide enough to be seen."""
    order = [name for name in (*words, *counts) if counts.get(name)]
    names = list(dict.fromkeys(order))
    widths = [max(1.0, 100 * counts[name] / total) for name in names]
    scale = 100 / sum(widths)
    segments, start = [], 0.0
    for name, width in zip(names, widths, strict=True):
        segments.append(
            {
                "name": label(words, name),
                "count": counts[name],
                "tone": TONES.get(name, "out"),
                "start": round(start, 3),
                "width": round(width * scale, 3),
            }
        )
        start += width * scale
    return segments


# ------------------------------------------------------------------------ data


def page_data(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script shows in tables: rows of plain values, each list with the names of its fields.

    The clients with the gravest state come first, and the people who need a person.
    """
    gravity = list(TENANT_STATUSES)
    tenants = sorted(report["tenants"], key=lambda tenant: gravity.index(tenant_status(tenant)))
    reasons: dict[str, int] = {}
    return {
        "labels": {**LABELS, "tenant": TENANT_STATUSES, "service": SERVICES},
        "tenants": _rows(_tenant(each) for each in tenants),
        "people": _rows(_person(place, run, entry, reasons) for place, run, entry in _people(tenants)),
        "conflicts": _rows(_conflict(place, entry) for place, run in _counted(tenants) for entry in run["conflicts"]),
        "left": _rows(_left(tenants)),
        "reverted": _rows(_reverted(tenants)),
        "reasons": list(reasons),
    }


def _rows(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = list(entries)
    return {"fields": list(listed[0]) if listed else [], "rows": [list(each.values()) for each in listed]}


def _counted(tenants: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, tenant in enumerate(tenants):
        for run in tenant["runs"]:
            if run["counted"]:
                yield place, run


def _tenant(tenant: Mapping[str, Any]) -> dict[str, Any]:
    runs = [run for run in tenant["runs"] if run["counted"]]
    summaries = [run["summary"] for run in runs if run["summary"]]
    actions = sum((Counter(each["actions"]) for each in summaries), Counter())
    push = sum((Counter(each["push"]) for each in summaries), Counter())
    left = Counter(departure(entry) for run in runs for entry in run["departed"])
    return {
        "name": tenant["name"],
        "status": tenant_status(tenant),
        "users": sum(each["users"] for each in summaries),
        "created": actions["create"],
        "changed": actions["update"],
        "pushed": push["pushed"] + push["pending"],
        "open": sum(len(run["conflicts"]) + len(run["not_reverted"]) for run in runs) + push["not_ready"],
        "failed": actions["failed"] + push["failed"] + left["failed"],
        "organization": tenant["organization_id"],
        "tenant": tenant["tenant_id"],
        "runs": [_run(each) for each in tenant["runs"]],
    }


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    summary = run["summary"] or {}
    return {
        "task": run["task"],
        "host": run["host"] + (f", {run['item']}" if run["item"] else ""),
        "status": run["status"],
        "preview": run["preview"],
        "counted": run["counted"],
        "ignored": run["ignored"],
        "message": run["message"],
        "warnings": run["warnings"],
        "duration": None if run["seconds"] is None else duration(run["seconds"]),
        "kept": summary.get("kept"),
        "actions": _told(summary.get("actions"), ACTIONS),
        "push": _told(summary.get("push"), PUSHES),
        "excluded": _told(summary.get("excluded"), EXCLUDED),
        "departed": _told(Counter(map(departure, run["departed"])), DEPARTURES),
        "reverted": _told(summary.get("reverted"), REVERTS),
        "requests": _told(summary.get("api_calls"), SERVICES),
        "exceeded_limits": [
            f"{each['option']} allows {each['limit']}, the plan has {each['count']}" for each in _over(summary)
        ],
        "settings": [
            [f"{label(KINDS, each['kind'])}: {each['option']}", lines(each["before"]), lines(each["after"])]
            for each in run["settings"] or ()
        ],
    }


def _over(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return summary.get("limits_exceeded") or []


def _told(counts: Mapping[str, int] | None, words: Mapping[str, str]) -> str:
    return ", ".join(f"{label(words, name)}: {number:,}" for name, number in (counts or {}).items())


def _people(tenants: Iterable[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    listed = [(place, run, entry) for place, run in _counted(tenants) for entry in run["contacts"]]
    return sorted(listed, key=lambda each: _urgency(each[1], each[2]))


def _urgency(run: Mapping[str, Any], entry: Mapping[str, Any]) -> int:
    """The place in the order: what needs a person, what changes, what stays, and last what a ceiling forbids."""
    if is_stopped(run):
        return 9
    states = {entry.get("action"), entry.get("push")}
    ranks = ({"failed"}, {"conflict"}, {"deferred", "not_ready"}, {"create", "update", "pushed", "pending"})
    return next((rank for rank, some in enumerate(ranks) if states & some), len(ranks))


def _person(place: int, run: Mapping[str, Any], entry: Mapping[str, Any], reasons: dict[str, int]) -> dict[str, Any]:
    reason = entry.get("reason") or ""
    return {
        "tenant": place,
        "user": entry.get("user"),
        "action": entry.get("action"),
        "push": entry.get("push") or "",
        "matched": label(RULES, entry["matched_by"]) if entry.get("matched_by") else "",
        "contact": entry.get("contact_id"),
        "bms": entry.get("bms_contact_id"),
        "missing": entry.get("missing") or [],
        "locked": entry.get("locked") or [],
        "unapplied": entry.get("unapplied") or [],
        "reason": label(EXCLUDED, reason) if reason in EXCLUDED else reason,
        "kinds": [reasons.setdefault(each, len(reasons)) for each in _kinds(entry)],
        "changes": changes(entry),
        "stopped": bool(_over(run["summary"] or {})),
    }


def _kinds(entry: Mapping[str, Any]) -> list[str]:
    """What an entry can be filtered by, beside what happens."""
    kinds = [f"Lacks {label(LABELS['missing'], each)}" for each in entry.get("missing") or ()]
    kinds += [f"Locked in IT Glue: {each}" for each in entry.get("locked") or ()]
    kinds += [f"Not taken: {each}" for each in entry.get("unapplied") or ()]
    kinds += ["Back: active again"] if is_back(entry) else []
    reason = entry.get("reason")
    if reason:
        kinds.append(f"Left out: {EXCLUDED[reason]}" if reason in EXCLUDED else kind_of_reason(reason))
    return kinds


def changes(entry: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """The fields of a contact that change: name, and what was and what becomes of it, in lines."""
    before, after = entry.get("before") or {}, entry.get("after") or {}
    return [(name, lines(before.get(name)), lines(after.get(name))) for name in sorted({*before, *after})]


def _conflict(place: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tenant": place,
        "rule": entry.get("rule"),
        "users": entry.get("users") or [],
        "contacts": entry.get("contact_ids") or [],
        "bms": entry.get("bms_contact_ids") or [],
        "yaml": overrides_yaml(entry),
    }


def overrides_yaml(entry: Mapping[str, Any]) -> str:
    """What to put into a playbook to settle a conflict; empty where that cannot be done there."""
    overrides = entry.get("match_overrides")
    if not overrides:
        return ""
    return yaml.safe_dump({"match_overrides": dict(overrides)}, allow_unicode=True, sort_keys=True, width=1000)


def _left(tenants: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for place, run in _counted(tenants):
        for entry in run["departed"]:
            yield {
                "tenant": place,
                "kind": "departed",
                "who": entry.get("user"),
                "contact": entry.get("contact_id"),
                "bms": entry.get("bms_contact_id"),
                "evidence": label(LABELS["evidence"], entry.get("evidence") or ""),
                "state": departure(entry),
                "reason": entry.get("reason") or "",
                "locked": entry.get("locked") or [],
                "changes": changes(entry),
                "addresses": [],
                "stopped": is_stopped(run),
            }
        for entry in run["unclaimed"]:
            yield {
                "tenant": place,
                "kind": "unclaimed",
                "who": entry.get("name"),
                "contact": entry.get("contact_id"),
                "bms": None,
                "evidence": "no user holds its addresses",
                "state": "report",
                "reason": "",
                "locked": [],
                "changes": [],
                "addresses": entry.get("addresses") or [],
                "stopped": False,
            }


def _reverted(tenants: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What could not be taken back, and then what was."""
    runs = list(_counted(tenants))
    for place, run in runs:
        for entry in run["not_reverted"]:
            yield _taken(place, entry, "not_reverted") | {"fields": entry.get("fields") or []}
    for place, run in runs:
        for entry in run["reverted"]:
            yield _taken(place, entry, str(entry.get("what")))


def _taken(place: int, entry: Mapping[str, Any], state: str) -> dict[str, Any]:
    return {
        "tenant": place,
        "who": entry.get("name") or "",
        "state": state,
        "service": entry.get("service"),
        "contact": entry.get("id"),
        "reason": entry.get("reason") or "",
        "fields": [],
        "changes": changes(entry),
    }

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the page's tables, as plain data for its script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import shown_name

from .bars import TONES, segments
from .collecting import counted, departure, groups, is_over_limit, is_starved, summaries
from .entries import changes, link, question, reason_title, suggestion, variable
from .labels import ACTIONS, DEPARTURES, EXCLUDED, ICONS, KINDS, LABELS, PUSHES, REVERTS, RULES, SERVICES, label, lines
from .verdict import BLOCKED, TENANT_STATUSES, duration, tenant_verdict, why


def page_data(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script shows in tables: rows of plain values, each list with the names of its fields.

    The clients with the gravest state come first, and the people who need a decision. What many rows
    share, such as what to do, is in a list of its own, and the rows have its number.
    """
    gravity = list(TENANT_STATUSES)
    tenants = sorted(report["tenants"], key=lambda tenant: gravity.index(tenant["status"]))
    shared = _Shared()
    spoken = "preview" if report["mode"] == "preview" else "real"
    return {
        "labels": {**LABELS, "tenant": {name: labels[spoken] for name, labels in TENANT_STATUSES.items()}},
        "icons": ICONS,
        "tones": TONES,
        "tenants": _rows(_tenant(each, report["mode"]) for each in tenants),
        "people": _rows(_people(tenants, shared)),
        "conflicts": _rows(
            _conflict(place, run, entry) for place, run in _counted(tenants) for entry in run["conflicts"]
        ),
        "departed": _rows(_departed(tenants)),
        "reverted": _rows(_reverted(tenants)),
        "kinds": list(shared.kinds),
        "texts": list(shared.texts),
    }


class _Shared:
    """Texts that many rows have, each once."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}
        self.texts: dict[str, int] = {}

    def kind(self, text: str) -> int:
        """The number of what people can be filtered by."""
        return self.kinds.setdefault(text, len(self.kinds))

    def text(self, text: str) -> int | None:
        """The number of a text, None for a blank one."""
        return self.texts.setdefault(text, len(self.texts)) if text else None


def _rows(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = list(entries)
    return {"fields": list(listed[0]) if listed else [], "rows": [list(each.values()) for each in listed]}


def _counted(tenants: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, tenant in enumerate(tenants):
        for run in counted(tenant):
            yield place, run


def _tenant(tenant: Mapping[str, Any], mode: str) -> dict[str, Any]:
    runs = counted(tenant)
    done = summaries(tenant)
    actions = sum((Counter(each["actions"]) for each in done), Counter())
    push = sum((Counter(each["push"]) for each in done), Counter())
    return {
        "name": tenant["name"],
        "status": tenant["status"],
        "verdict": tenant_verdict(tenant, mode),
        "blocked": tenant["status"] in BLOCKED,
        "states": ["starved"] if is_starved(tenant) else [],
        "why": why(tenant),
        "users": sum(each["users"] for each in done),
        "selected": sum(each["selected"] for each in done),
        "created": actions["create"],
        "changed": actions["update"],
        "pushed": push["pushed"] + push["pending"],
        "open": sum(len(run["conflicts"]) + len(run["not_reverted"]) for run in runs) + push["not_ready"],
        "bar": [[each["state"], each["count"], each["width"]] for each in segments(actions, ACTIONS)],
        "organization": tenant["organization_id"],
        "tenant": tenant["tenant_id"],
        "hosts": list(dict.fromkeys(run["host"] for run in tenant["runs"])),
        "runs": [_run(each) for each in tenant["runs"]],
    }


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    summary = run["summary"] or {}
    settings = run["settings"] or ()
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
        "actions": _counts_text(summary.get("actions"), ACTIONS),
        "push": _counts_text(summary.get("push"), PUSHES),
        "excluded": _counts_text(summary.get("excluded"), EXCLUDED),
        "matched": _counts_text(summary.get("matched"), RULES),
        "departed": _counts_text(Counter(map(departure, run["departed"])), DEPARTURES),
        "reverted": _counts_text(summary.get("reverted"), REVERTS),
        "requests": _counts_text(summary.get("api_calls"), SERVICES),
        "limits": [
            f"{each['option']} allows {each['limit']}, the plan has {each['count']}"
            for each in summary.get("limits_exceeded") or ()
        ],
        "settings": [
            [
                f"{label(KINDS, each['kind'])}: {each['option']}{'' if each['stored'] else ' (not stored)'}",
                lines(each["before"]),
                lines(each["after"]),
            ]
            for each in settings
        ],
        "first": len(settings) > 1 and not any(lines(each["before"]) for each in settings),
    }


def _counts_text(counts: Mapping[str, int] | None, labels: Mapping[str, str]) -> str:
    return ", ".join(f"{label(labels, name)}: {number:,}" for name, number in (counts or {}).items())


def _people(tenants: Iterable[Mapping[str, Any]], shared: _Shared) -> Iterator[dict[str, Any]]:
    """The people of all clients, those who need a decision first."""
    listed = [(place, run, entry, groups(entry)) for place, run in _counted(tenants) for entry in run["contacts"]]
    listed.sort(key=lambda each: _urgency(each[1], each[3]))
    for place, run, entry, found in listed:
        yield _person(place, entry, shared) | {"groups": found, "over": is_over_limit(run)}


_URGENCY = ("failed", "decision", "refused", "not_ready", "look", "deferred", "created", "changed", "pushed")


def _urgency(run: Mapping[str, Any], found: Iterable[str]) -> int:
    """The place in the order: what needs a decision, what changes, what stays, and last what a limit forbids."""
    places = [_URGENCY.index(name) for name in found if name in _URGENCY]
    return min(places, default=len(_URGENCY)) + (len(_URGENCY) + 1) * is_over_limit(run)


def _person(place: int, entry: Mapping[str, Any], shared: _Shared) -> dict[str, Any]:
    return {
        "tenant": place,
        "name": entry.get("name") or "",
        "user": entry.get("user"),
        "action": entry.get("action"),
        "push": entry.get("push") or "",
        "matched": entry.get("matched_by") or "",
        "contact": entry.get("contact_id"),
        "url": link(entry.get("contact_url")),
        "bms": entry.get("bms_contact_id"),
        "missing": entry.get("missing") or [],
        "locked": entry.get("locked") or [],
        "unapplied": entry.get("unapplied") or [],
        "reason": entry.get("reason") or "",
        "hint": shared.text(entry.get("hint") or ""),
        "kinds": [shared.kind(each) for each in _kinds(entry)],
        "changes": changes(entry),
    }


def _kinds(entry: Mapping[str, Any]) -> list[str]:
    """What an entry can be filtered by, beside what happens: its reasons, and what is missing or refused."""
    kinds = [reason_title(each) for each in entry.get("reason_codes") or ()]
    kinds += [f"Lacks {label(LABELS['missing'], each)}" for each in entry.get("missing") or ()]
    kinds += [f"Locked in IT Glue: {each}" for each in entry.get("locked") or ()]
    kinds += [f"Not applied: {each}" for each in entry.get("unapplied") or ()]
    return kinds


def _conflict(place: int, run: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tenant": place,
        "host": run["host"],
        "rule": entry.get("rule"),
        "question": question(entry),
        "users": entry.get("users") or [],
        "people": [_card(each, "user") for each in entry.get("people") or ()],
        "candidates": [
            *(_card(each, "IT Glue contact") for each in entry.get("contacts") or ()),
            *(_card(each, "BMS contact") for each in entry.get("bms_contacts") or ()),
        ],
        "contacts": entry.get("contact_ids") or [],
        "bms": entry.get("bms_contact_ids") or [],
        "option": variable(entry),
        "suggestion": suggestion(entry),
        "answers": entry.get("answers") or {},
    }


def _card(entry: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A person or a contact, as the page shows it beside the others."""
    return {
        "kind": kind,
        "id": entry.get("id"),
        "user": entry.get("user") or "",
        "name": shown_name(entry.get("first_name"), entry.get("last_name")),
        "emails": entry.get("emails") or [],
        "linked": entry.get("linked"),
        "active": entry.get("active"),
        "url": link(entry.get("url")),
    }


def _departed(tenants: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for place, run in _counted(tenants):
        for entry in run["departed"]:
            yield _departed_row(place, entry) | {
                "kind": "departed",
                "who": entry.get("name") or entry.get("user"),
                "user": entry.get("user"),
                "bms": entry.get("bms_contact_id"),
                "evidence": label(LABELS["evidence"], entry.get("evidence") or ""),
                "state": departure(entry),
                "reason": " ".join(filter(None, (entry.get("reason"), entry.get("hint")))),
                "locked": entry.get("locked") or [],
                "changes": changes(entry),
                "over": is_over_limit(run),
            }
        for entry in run["unclaimed"]:
            yield _departed_row(place, entry) | {
                "kind": "unmatched address",
                "who": entry.get("name") or "",
                "addresses": entry.get("addresses") or [],
                "evidence": "no user holds its addresses",
                "state": "report",
            }


def _departed_row(place: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tenant": place,
        "kind": "",
        "who": "",
        "user": "",
        "contact": entry.get("contact_id"),
        "url": link(entry.get("contact_url")),
        "bms": None,
        "evidence": "",
        "state": "",
        "reason": "",
        "locked": [],
        "changes": [],
        "addresses": [],
        "over": False,
    }


def _reverted(tenants: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What could not be reverted, and then what was."""
    runs = list(_counted(tenants))
    for place, run in runs:
        for entry in run["not_reverted"]:
            yield _step(place, entry, "not_reverted") | {"fields": entry.get("fields") or []}
    for place, run in runs:
        for entry in run["reverted"]:
            yield _step(place, entry, str(entry.get("what")))


def _step(place: int, entry: Mapping[str, Any], state: str) -> dict[str, Any]:
    return {
        "tenant": place,
        "who": entry.get("name") or "",
        "state": state,
        "service": entry.get("service"),
        "contact": entry.get("id"),
        "reason": " ".join(filter(None, (entry.get("reason"), entry.get("hint")))),
        "fields": [],
        "changes": changes(entry),
    }

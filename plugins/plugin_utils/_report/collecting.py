# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What happened to the clients of a run, task result by task result, and the report that comes of it.

Pure: nothing here knows Ansible, a clock or a file. The report is plain data, described by
`assets/report.schema.json`; each of its forms is rendered from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._engine.offboarding import BACK
from .words import SETTINGS_OPTIONS

FORMAT = 1
"""The format of the report. It is raised when something that was there changes its meaning or goes."""

COLLECTION = "msp.psa_sync"
SYNC = f"{COLLECTION}.contact_sync"
SETTINGS = {f"{COLLECTION}.office365_sync_settings": "office365", f"{COLLECTION}.bms_sync_settings": "bms"}

OK, CHANGED, FAILED, UNREACHABLE, HIDDEN = "ok", "changed", "failed", "unreachable", "hidden"
"""How a task ended. `hidden` is one with no_log, of which nothing more is known."""

LISTS = ("contacts", "conflicts", "departed", "unclaimed", "reverted", "not_reverted")
COUNTS = ("actions", "push", "excluded", "reverted", "api_calls")


@dataclass(frozen=True, slots=True)
class Event:
    """One result: of a task on a host, or of one item of its loop.

    `requested` is the organization that the task names. `seconds` is how long it took, where known.
    """

    host: str
    task: str
    action: str
    status: str
    result: Mapping[str, Any] = field(default_factory=dict)
    item: str | None = None
    requested: str | None = None
    preview: bool = False
    ignored: bool = False
    seconds: float | None = None


def is_ours(action: str) -> bool:
    """Whether the results of an action, by its full name, belong into the report."""
    return action == SYNC or action in SETTINGS


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of the run as a whole. Times are ISO 8601, in UTC."""

    title: str
    started: str
    finished: str
    seconds: float
    playbooks: tuple[str, ...] = ()
    version: str = ""
    complete: bool = True


def report(about: About, events: Iterable[Event]) -> dict[str, Any]:
    """The report of a run."""
    tenants = _tenants(list(events))
    runs = [run for tenant in tenants for run in tenant["runs"]]
    return {
        "format": FORMAT,
        "generator": f"{COLLECTION} {about.version}".strip(),
        "title": about.title,
        "playbooks": list(about.playbooks),
        "started": about.started,
        "finished": about.finished,
        "seconds": round(about.seconds, 1),
        "complete": about.complete,
        "mode": _mode(run for run in runs if run["counted"]),
        "totals": _totals(tenants),
        "tenants": tenants,
    }


def _mode(runs: Iterable[Mapping[str, Any]]) -> str:
    previews = {run["preview"] for run in runs}
    return "mixed" if len(previews) > 1 else "preview" if previews == {True} else "real"


# --------------------------------------------------------------------- tenants


def _tenants(events: list[Event]) -> list[dict[str, Any]]:
    names = _Names(events)
    found: dict[object, dict[str, Any]] = {}
    for event in events:
        key, name = names.of(event)
        tenant = found.setdefault(key, {"name": name, "organization_id": None, "tenant_id": None, "runs": []})
        organization = event.result.get("organization")
        if isinstance(organization, Mapping):
            tenant["name"] = str(organization.get("name") or tenant["name"])
            tenant["organization_id"] = organization.get("id")
        tenant["tenant_id"] = event.result.get("tenant_id") or tenant["tenant_id"]
        tenant["runs"].append(_run(event))
    for tenant in found.values():
        _count_once(tenant["runs"])
    return sorted(found.values(), key=lambda tenant: (tenant["name"].casefold(), tenant["name"]))


class _Names:
    """Which tenant a result is of. One that failed early names no organization, but its task or its host does."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._ids: dict[str, set[Any]] = {}
        for event in events:
            organization = event.result.get("organization")
            if isinstance(organization, Mapping):
                ident = organization.get("id")
                for spelt in (f"name {_fold(organization.get('name'))}", f"id {ident}", f"host {event.host}"):
                    self._ids.setdefault(spelt, set()).add(ident)

    def of(self, event: Event) -> tuple[object, str]:
        """A key of the tenant, and what to call it until its name is known."""
        organization = event.result.get("organization")
        if isinstance(organization, Mapping):
            return organization.get("id"), str(organization.get("name") or event.host)
        asked = event.requested
        called = asked or event.item or event.host
        # A host that has items may have a client for each.
        of_host = [] if event.item else [f"host {event.host}"]
        for spelt in [f"id {asked}", f"name {_fold(asked)}"] if asked else of_host:
            if len(self._ids.get(spelt, ())) == 1:
                return next(iter(self._ids[spelt])), called
        return f"{event.host} {_fold(asked or event.item)}", called


def _fold(name: object) -> str:
    return " ".join(str(name or "").split()).casefold()


def _count_once(runs: list[dict[str, Any]]) -> None:
    """A preview that the real run followed is listed, but not counted. So for syncing, and so for taking back."""
    last_real = {_kind(run): place for place, run in enumerate(runs) if _syncs(run) and not run["preview"]}
    for place, run in enumerate(runs):
        run["counted"] = not (_syncs(run) and run["preview"] and place < last_real.get(_kind(run), -1))


def _kind(run: Mapping[str, Any]) -> bool:
    """Whether a run took others back; one that failed early is not known to."""
    return bool(run["summary"] and run["summary"]["reverts"])


def _syncs(run: Mapping[str, Any]) -> bool:
    return run["action"] == SYNC


# ------------------------------------------------------------------------ runs


def _run(event: Event) -> dict[str, Any]:
    hidden = event.status == HIDDEN
    result = event.result if is_ours(event.action) and not hidden else {}
    return {
        "action": event.action,
        "task": event.task,
        "host": event.host,
        "item": None if hidden else event.item,
        "preview": event.preview,
        "counted": True,
        "status": event.status,
        "ignored": event.ignored,
        "message": _message(event),
        "warnings": [str(each) for each in result.get("warnings") or ()],
        "seconds": None if event.seconds is None else round(event.seconds, 2),
        "summary": _summary(result) if event.action == SYNC else None,
        "settings": _settings(event.action, result),
        **{name: list(result.get(name) or ()) if event.action == SYNC else [] for name in LISTS},
    }


def _message(event: Event) -> str | None:
    if event.status == HIDDEN:
        return "The result is hidden by no_log."
    if event.status not in (FAILED, UNREACHABLE):
        return None
    if not is_ours(event.action):
        return f"The task failed before the client's turn: {event.task}. What it says is in the output of the run."
    return str(event.result.get("msg") or "The task failed without a message.")


def _summary(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The summary of the result; the result of a task that failed early has none."""
    given = result.get("summary")
    if not isinstance(given, Mapping):
        return None
    return {
        **given,
        "users": given.get("users") or 0,
        "kept": given.get("kept") or 0,
        "reverts": "reverted" in given,
        **{name: dict(given.get(name) or {}) for name in COUNTS},
        "limits_exceeded": list(given.get("limits_exceeded") or ()),
    }


def _settings(action: str, result: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The settings that a task changes, option by option; None for other tasks."""
    if action not in SETTINGS:
        return None
    difference = result.get("diff")
    if not isinstance(difference, Mapping):
        return []
    before, after = (_flat(difference.get(side)) for side in ("before", "after"))
    return [
        {"kind": SETTINGS[action], "option": option, "before": before.get(option), "after": after.get(option)}
        for option in sorted({*before, *after})
        if before.get(option) != after.get(option)
    ]


def _flat(settings: object, within: str = "") -> dict[str, Any]:
    """Settings with the options of `user_filter` and `phone_labels` beside the others."""
    flat: dict[str, Any] = {}
    for option, value in settings.items() if isinstance(settings, Mapping) else ():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{within}{option}.")
        elif f"{within}{option}".partition(".")[0] in SETTINGS_OPTIONS:
            # What is empty and what is not set are the same to a reader.
            flat[f"{within}{option}"] = None if value in ("", []) else value
    return flat


# ---------------------------------------------------------------------- totals


def _totals(tenants: list[dict[str, Any]]) -> dict[str, Any]:
    counted = [[run for run in tenant["runs"] if run["counted"]] for tenant in tenants]
    runs = [run for each in counted for run in each]
    syncs = [run for run in runs if run["summary"] is not None]
    carried = [run for run in syncs if not is_stopped(run)]
    return {
        "tenants": len(tenants),
        "tenants_failed": sum(any(has_failed(run) and not is_stopped(run) for run in each) for each in counted),
        "tenants_stopped": sum(any(map(is_stopped, each)) for each in counted),
        "tasks_hidden": sum(run["status"] == HIDDEN for run in runs),
        "users": sum(run["summary"]["users"] for run in syncs),
        "kept": sum(run["summary"]["kept"] for run in syncs),
        "actions": _sum(run["summary"]["actions"] for run in carried),
        "push": _sum(run["summary"]["push"] for run in carried),
        "excluded": _sum(run["summary"]["excluded"] for run in syncs),
        "api_calls": _sum(run["summary"]["api_calls"] for run in syncs),
        "departures": _sum(Counter(map(departure, run["departed"])) for run in runs if not is_stopped(run)),
        "returned": sum(is_back(each) for run in carried for each in run["contacts"]),
        **{name: sum(len(run[name]) for run in runs) for name in LISTS if name != "contacts"},
        "settings": sum(len(run["settings"] or ()) for run in runs),
        "warnings": sum(len(run["warnings"]) for run in runs),
    }


def has_failed(run: Mapping[str, Any]) -> bool:
    """Whether a task failed, and nobody said that this is all right."""
    return run["status"] in (FAILED, UNREACHABLE) and not run["ignored"]


def is_stopped(run: Mapping[str, Any]) -> bool:
    """Whether a ceiling forbade the plan, so that nothing of it was carried out."""
    return bool(run["summary"] and run["summary"]["limits_exceeded"])


def departure(entry: Mapping[str, Any]) -> str:
    """What is done about somebody who left."""
    return str(entry.get("action") or "report")


def is_back(entry: Mapping[str, Any]) -> bool:
    """Whether a contact is made active again, because its person has returned."""
    return BACK in str(entry.get("reason") or "") and entry.get("action") == "update"


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update({name: int(count) for name, count in each.items()})
    return dict(sorted(total.items()))

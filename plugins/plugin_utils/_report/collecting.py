# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to the clients of a run, task result by task result, and the report that comes of it.

Pure: nothing here knows Ansible, a clock or a file. The report is plain data, described by
`assets/report.schema.json`; each of its forms is rendered from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._ansible.notices import notices
from .labels import SETTINGS_OPTIONS

FORMAT = 2
"""The format of the report. It is raised when something that was there changes its meaning or goes."""

COLLECTION = "msp.psa_sync"
SYNC = f"{COLLECTION}.contact_sync"
SETTINGS = {f"{COLLECTION}.office365_sync_settings": "office365", f"{COLLECTION}.bms_sync_settings": "bms"}

OK, CHANGED, FAILED, UNREACHABLE, HIDDEN = "ok", "changed", "failed", "unreachable", "hidden"
"""How a task ended. `hidden` is one with no_log, of which nothing more is known."""

LISTS = ("contacts", "conflicts", "departed", "unclaimed", "reverted", "not_reverted")
COUNTS = ("actions", "push", "excluded", "matched", "reverted", "api_calls")


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
    """What a report says of the run as a whole. Times are ISO 8601, in UTC. `preview` counts where nothing else says
    whether anything could be written."""

    title: str
    started: str
    finished: str
    seconds: float
    playbooks: tuple[str, ...] = ()
    version: str = ""
    complete: bool = True
    preview: bool = False


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
        "mode": _mode({run["preview"] for run in runs if run["counted"]} or {about.preview}),
        "totals": _totals(tenants),
        "tenants": tenants,
    }


def _mode(previews: set[bool]) -> str:
    return "mixed" if len(previews) > 1 else "preview" if previews == {True} else "real"


# --------------------------------------------------------------------- tenants


def _tenants(events: list[Event]) -> list[dict[str, Any]]:
    names = _Names(events)
    found: dict[object, dict[str, Any]] = {}
    for event in events:
        key, name = names.of(event)
        tenant = found.setdefault(key, _new(name))
        organization = event.result.get("organization")
        if isinstance(organization, Mapping):
            tenant["name"] = str(organization.get("name") or tenant["name"])
            tenant["organization_id"] = organization.get("id")
        tenant["tenant_id"] = event.result.get("tenant_id") or tenant["tenant_id"]
        tenant["runs"].append(_run(event))
    for tenant in found.values():
        _count_once(tenant["runs"])
        tenant["status"] = tenant_status(tenant)
    return sorted(found.values(), key=lambda tenant: (tenant["name"].casefold(), tenant["name"]))


def _new(name: str) -> dict[str, Any]:
    return {"name": name, "organization_id": None, "tenant_id": None, "status": "ok", "runs": []}


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
        asked, called = event.requested, _called(event)
        # A host that has items may have a client for each.
        of_host = [] if event.item else [f"host {event.host}"]
        for spelt in [f"id {asked}", f"name {_fold(asked)}"] if asked else of_host:
            if len(self._ids.get(spelt, ())) == 1:
                return next(iter(self._ids[spelt])), called
        return f"{event.host} {_fold(asked or event.item)}", called


def _called(event: Event) -> str:
    """What to call a client whose name is not known. Few people know one by the id of its organization."""
    asked, host = event.requested or "", "" if event.host == "localhost" else event.host
    return ("" if asked.isdecimal() else asked) or event.item or host or asked or event.host


def _fold(name: object) -> str:
    return " ".join(str(name or "").split()).casefold()


def _count_once(runs: list[dict[str, Any]]) -> None:
    """A preview that the real run followed is listed, but not counted. So for syncing, and so for reverting."""
    last_real = {_kind(run): place for place, run in enumerate(runs) if _syncs(run) and not run["preview"]}
    for place, run in enumerate(runs):
        run["counted"] = not (_syncs(run) and run["preview"] and place < last_real.get(_kind(run), -1))


def _kind(run: Mapping[str, Any]) -> bool:
    """Whether a run reverted others; one that failed early is not known to."""
    return bool(run["summary"] and run["summary"]["reverts"])


def _syncs(run: Mapping[str, Any]) -> bool:
    return bool(run["action"] == SYNC)


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
        "status": _status(event),
        "ignored": event.ignored,
        "starved": bool(result.get("starved")),
        "message": _message(event),
        "failure": _failure(result),
        "warnings": _warnings(event.action, result),
        "seconds": None if event.seconds is None else round(event.seconds, 2),
        "summary": _summary(result) if event.action == SYNC else None,
        "settings": _settings(event.action, result),
        **{name: list(result.get(name) or ()) if event.action == SYNC else [] for name in LISTS},
    }


def _warnings(action: str, result: Mapping[str, Any]) -> list[str]:
    """The warnings of a task, but for those about people: the report lists these people by themselves."""
    warnings = [str(each) for each in result.get("warnings") or ()]
    if action != SYNC or not result.keys() >= _SYNCED:
        return warnings
    about_people = frozenset(notices(result))
    return [each for each in warnings if each not in about_people]


_SYNCED = frozenset({"organization", "contacts", "departed", "conflicts"})
"""The keys of a result that has got as far as a plan."""


def _status(event: Event) -> str:
    """How a task ended: failed too where the playbook goes on and fails the client later, in fewer words."""
    return FAILED if event.status in (OK, CHANGED) and _failure(event.result) else event.status


def _failure(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The failure of a task: its code, the service, its status, and what it said."""
    found = result.get("failure")
    return dict(found) if isinstance(found, Mapping) else None


def _message(event: Event) -> str | None:
    status = _status(event)
    if status == HIDDEN:
        return "The result is hidden by no_log."
    if status not in (FAILED, UNREACHABLE):
        return None
    if not is_ours(event.action):
        return f"A task failed before the client was synced: {event.task}. The output of the run has its message."
    return str(event.result.get("msg") or "The task failed without a message.")


def _summary(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The summary of the result; the result of a task that failed early has none."""
    given = result.get("summary")
    if not isinstance(given, Mapping):
        return None
    return {
        **given,
        "users": given.get("users") or 0,
        "selected": given.get("selected") or 0,
        "reverts": "reverted" in given,
        **{name: dict(given.get(name) or {}) for name in COUNTS},
        "limits_exceeded": list(given.get("limits_exceeded") or ()),
    }


def _settings(action: str, result: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The settings that a task changes, option by option; None for tasks that have nothing to do with settings."""
    if action == SYNC:
        changes = result.get("settings_changes")
        kinds = changes.items() if isinstance(changes, Mapping) else ()
        return [each for kind, change in kinds for each in _differences(str(kind), change)]
    return _differences(SETTINGS[action], result.get("diff")) if action in SETTINGS else None


def _differences(kind: str, change: object) -> list[dict[str, Any]]:
    """The options that differ. `stored` is false for those that a run compares and does not store."""
    if not isinstance(change, Mapping):
        return []
    before, after = (_flat(change.get(side)) for side in ("before", "after"))
    stored = change.get("stored") is not False
    return [
        {
            "kind": kind,
            "option": option,
            "before": before.get(option),
            "after": after.get(option),
            "stored": stored,
        }
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
    clients = [counted(tenant) for tenant in tenants]
    runs = [run for each in clients for run in each]
    syncs = [run for run in runs if run["summary"] is not None]
    carried = [run for run in syncs if not is_over_limit(run)]
    return {
        "tenants": len(tenants),
        "tenants_failed": sum(any(has_failed(run) and not is_over_limit(run) for run in each) for each in clients),
        "tenants_over_limit": sum(any(map(is_over_limit, each)) for each in clients),
        "verdicts": _sum([Counter(tenant["status"] for tenant in tenants)]),
        "tenants_starved": sum(map(is_starved, tenants)),
        "tasks_hidden": sum(run["status"] == HIDDEN for run in runs),
        "users": sum(run["summary"]["users"] for run in syncs),
        "selected": sum(run["summary"]["selected"] for run in syncs),
        "actions": _sum(run["summary"]["actions"] for run in carried),
        "push": _sum(run["summary"]["push"] for run in carried),
        "excluded": _sum(run["summary"]["excluded"] for run in syncs),
        "matched": _sum(run["summary"]["matched"] for run in carried),
        "api_calls": _sum(run["summary"]["api_calls"] for run in syncs),
        "departures": _sum(Counter(map(departure, run["departed"])) for run in runs if not is_over_limit(run)),
        "looks": sum("look" in groups(each) for run in carried for each in run["contacts"]),
        "returned": sum(is_returned(each) for run in carried for each in run["contacts"]),
        **{name: sum(len(run[name]) for run in runs) for name in LISTS if name != "contacts"},
        "settings": sum(each["stored"] for run in runs for each in run["settings"] or ()),
        "warnings": sum(len(run["warnings"]) for run in runs),
    }


def counted(tenant: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of a client that count."""
    return [run for run in tenant["runs"] if run["counted"]]


def summaries(tenant: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The summaries of the runs of a client that count."""
    return [run["summary"] for run in counted(tenant) if run["summary"]]


def is_starved(tenant: Mapping[str, Any]) -> bool:
    """Whether a quota has deferred a client in several runs in a row."""
    return any(run["starved"] for run in counted(tenant))


def has_failed(run: Mapping[str, Any]) -> bool:
    """Whether a task failed, and nobody said that this is all right."""
    return run["status"] in (FAILED, UNREACHABLE) and not run["ignored"]


def is_over_limit(run: Mapping[str, Any]) -> bool:
    """Whether a limit forbade the plan, so that nothing of it was carried out."""
    return bool(run["summary"] and run["summary"]["limits_exceeded"])


def departure(entry: Mapping[str, Any]) -> str:
    """What is done about a departed person."""
    return str(entry.get("action") or "report")


def is_returned(entry: Mapping[str, Any]) -> bool:
    """Whether a contact is made active again, because its person has returned."""
    return "returned" in (entry.get("reason_codes") or ()) and entry.get("action") == "update"


def groups(entry: Mapping[str, Any]) -> list[str]:
    """What an entry of `contacts` is listed under (`labels.GROUPS`)."""
    action, push = entry.get("action"), entry.get("push")
    states = {action, push}
    found = [name for name in ("failed", "not_ready", "deferred", "refused") if name in states]
    found += ["decision"] if "conflict" in states else []
    found += ["look"] if entry.get("attention") and not {*found} - {"deferred"} else []
    found += ["returned"] if is_returned(entry) else []
    found += ["created"] if action == "create" else []
    written = {"before", "after"} <= entry.keys() and bool(entry["after"]) and action != "create"
    found += ["changed"] if action == "update" or written else []
    found += ["pushed"] if push in ("pushed", "pending") else []
    return found


_OPEN = ("failed", "deferred", "conflict", "not_ready", "refused")


def tenant_status(tenant: Mapping[str, Any]) -> str:
    """`failed`, `over_limit`, `hidden`, `attention`, `changed` or `ok`: the gravest that a client's runs show."""
    runs = counted(tenant)
    if any(has_failed(run) and not is_over_limit(run) for run in runs):
        return "failed"
    if any(map(is_over_limit, runs)):
        return "over_limit"
    if any(run["status"] == HIDDEN for run in runs):
        return "hidden"
    counts = [run["summary"][name] for run in runs if run["summary"] for name in ("actions", "push")]
    counts += [Counter(map(departure, run["departed"])) for run in runs]
    looks = any(entry.get("attention") for run in runs for entry in run["contacts"])
    if looks or any(run["conflicts"] or run["not_reverted"] or run["starved"] for run in runs):
        return "attention"
    if any(each.get(name) for each in counts for name in _OPEN):
        return "attention"
    return "changed" if any(run["status"] == CHANGED for run in runs) else "ok"


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update({name: int(count) for name, count in each.items()})
    return dict(sorted(total.items()))

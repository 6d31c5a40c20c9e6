# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says first, whatever its form: a verdict for each client, what needs a decision, what changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .collecting import counted, has_failed, is_over_limit
from .labels import count, sentence

STOP, LOOK, FINE = "stop", "look", "fine"

BLOCKED = ("failed", "over_limit", "hidden")
"""The states of a client of which nothing, or not all, is carried out."""


class Point(NamedTuple):
    """Something that a person has to see to. `part` of the page lists it, with `filter` set to `value`."""

    level: str
    text: str
    part: str
    filter: str = ""
    value: str = ""


class Verdict(NamedTuple):
    """The report as a whole. `level` says whether something is blocked, needs a decision, or all is fine."""

    level: str
    headline: str
    changes: str
    points: tuple[Point, ...]


def interruption(report: Mapping[str, Any]) -> str | None:
    """What there is to say of a run that did not come to its end, as a sentence without a full stop."""
    if report["complete"]:
        return None
    if not report["tenants"]:
        return "The run ended before it was done with any client: its output says why"
    return "The run was interrupted: what came after is not in this report"


def verdict(report: Mapping[str, Any]) -> Verdict:
    """What the report says, in a few sentences."""
    states = [tenant["status"] for tenant in report["tenants"]]
    stop = not report["complete"] or any(each in BLOCKED for each in states)
    level = STOP if stop else LOOK if "attention" in states else FINE
    return Verdict(level, headline(report["mode"], states), _changes(report), tuple(_points(report)))


# ------------------------------------------------------------------ the clients

_OUTCOMES = {"preview": ("ready", "blocked"), "real": ("done", "failed"), "mixed": ("ready or done", "blocked")}


def headline(mode: str, states: list[str]) -> str:
    """The clients by their verdict, as `5 clients ready, 3 blocked`."""
    good, bad = _OUTCOMES[mode]
    blocked = sum(each in BLOCKED for each in states)
    ready = len(states) - blocked
    parts = []
    if ready:
        parts.append(f"{count(ready, 'client')} {good}")
    if blocked:
        parts.append(f"{blocked:,} {bad}" if ready else f"{count(blocked, 'client')} {bad}")
    return ", ".join(parts) or "No client was part of this run"


TENANT_STATUSES = {
    "failed": {"preview": "Blocked: failed", "real": "Failed"},
    "over_limit": {"preview": "Blocked: over a limit", "real": "Over a limit"},
    "hidden": {"preview": "Hidden by no_log", "real": "Hidden by no_log"},
    "attention": {"preview": "Ready, needs a decision", "real": "Done, needs a decision"},
    "changed": {"preview": "Ready", "real": "Done"},
    "ok": {"preview": "Up to date", "real": "Up to date"},
}
"""The verdict on a client, the gravest first."""


def tenant_verdict(tenant: Mapping[str, Any], mode: str) -> str:
    """The verdict on a client, in words."""
    previews = {run["preview"] for run in counted(tenant)}
    return TENANT_STATUSES[tenant["status"]]["preview" if (previews or {mode == "preview"}) == {True} else "real"]


STARVED = "Starved: a quota has deferred contacts of this client in three runs in a row."


def why(tenant: Mapping[str, Any]) -> list[str]:
    """What stands in a client's way, in sentences: messages of failures, then what needs a decision."""
    runs = counted(tenant)
    messages = [
        str(run["message"]) for run in runs if run["message"] and (has_failed(run) or run["status"] == "hidden")
    ]
    carried = [run for run in runs if not is_over_limit(run)]
    pushes = sum(run["summary"]["push"].get("not_ready", 0) for run in carried if run["summary"])
    failed = sum(
        run["summary"][part].get("failed", 0) for run in carried if run["summary"] for part in ("actions", "push")
    )
    counts = (
        (sum(len(run["conflicts"]) for run in carried), "conflict", "conflicts"),
        (failed, "person failed", "people failed"),
        (pushes, "person not ready for BMS", "people not ready for BMS"),
        (sum(len(run["not_reverted"]) for run in carried), "write not reverted", "writes not reverted"),
    )
    parts = [count(number, one, many) for number, one, many in counts if number]
    messages += [STARVED for run in runs if run["starved"] and not has_failed(run)]
    return [*dict.fromkeys(messages), *([f"{sentence(parts)}."] if parts else [])]


# ------------------------------------------------------------------ the changes


def _changes(report: Mapping[str, Any]) -> str:
    totals, preview = report["totals"], report["mode"] == "preview"
    if not report["tenants"]:
        return "Nothing is known of any client."
    parts = [
        f"{would if preview else did} {count(number, noun)}{where}"
        for number, would, did, noun, where in _writes(totals)
        if number
    ]
    read = (
        f"{totals['selected']:,} of {count(totals['users'], 'user')} selected in {count(totals['tenants'], 'client')}"
    )
    if totals["reverted"] + totals["not_reverted"] and not totals["users"]:
        read = f"The journal of {count(totals['tenants'], 'client')} was read"
    if not parts:
        return f"{read}. {'Nothing would change.' if preview else 'Nothing had to be changed.'}"
    return f"{read}. The run {'would ' if preview else ''}{sentence(parts)}."


def _writes(totals: Mapping[str, Any]) -> Iterator[tuple[int, str, str, str, str]]:
    """What is written: how many, the verb of a preview and of a real run, the noun, and where."""
    actions, push = totals["actions"], totals["push"]
    yield actions.get("create", 0), "create", "created", "contact", " in IT Glue"
    yield actions.get("update", 0), "update", "updated", "contact", " in IT Glue"
    yield push.get("pushed", 0), "create", "created", "contact", " in BMS"
    yield push.get("pending", 0), "leave", "left", "contact", " for IT Glue to push"
    yield totals["settings"], "change", "changed", "setting", ""
    yield totals["departures"].get("deactivate", 0), "deactivate", "deactivated", "contact", " of departed people"
    yield totals["reverted"], "revert", "reverted", "write", ""


# ------------------------------------------------------------------- the points


def _points(report: Mapping[str, Any]) -> Iterator[Point]:
    totals = report["totals"]
    if interrupted := interruption(report):
        yield Point(STOP, interrupted, "tenants")
    for level, number, one, many, where in (*_of_clients(totals), *_of_people(totals), *_of_departed(totals)):
        if number:
            yield Point(level, count(number, one, many), *where)


_Counted = Iterator[tuple[str, int, str, str, tuple[str, ...]]]


def _of_clients(totals: Mapping[str, Any]) -> _Counted:
    failed, over, hidden = (("tenants", "status", name) for name in BLOCKED)
    starved = ("tenants", "state", "starved")
    yield STOP, totals["tenants_failed"], "client failed", "clients failed", failed
    yield STOP, totals["tenants_over_limit"], "client is over a limit", "clients are over a limit", over
    yield STOP, totals["tenants_starved"], "client is starved by a quota", "clients are starved by a quota", starved
    yield LOOK, totals["tasks_hidden"], "result is hidden by no_log", "results are hidden by no_log", hidden


def _of_people(totals: Mapping[str, Any]) -> _Counted:
    actions, push = totals["actions"], totals["push"]

    def number(state: str) -> int:
        return int(actions.get(state, 0)) + int(push.get(state, 0))

    def group(name: str) -> tuple[str, ...]:
        return ("people", "group", name)

    lacking, refused = number("not_ready"), number("refused")
    yield STOP, number("failed"), "person failed", "people failed", group("failed")
    yield LOOK, totals["conflicts"], "conflict needs a decision", "conflicts need a decision", ("conflicts",)
    yield LOOK, lacking, "person is not ready for BMS", "people are not ready for BMS", group("not_ready")
    yield LOOK, totals["looks"], "person to look at", "people to look at", group("look")
    yield LOOK, refused, "entry of the plan no longer holds", "entries of the plan no longer hold", group("refused")
    yield LOOK, number("deferred"), "person waits for the next run", "people wait for the next run", group("deferred")
    yield FINE, totals["returned"], "person has returned", "people have returned", group("returned")
    yield LOOK, totals["warnings"], "warning", "warnings", ("tenants",)


def _of_departed(totals: Mapping[str, Any]) -> _Counted:
    departures = totals["departures"]

    def found(level: str, state: str, one: str, many: str) -> tuple[str, int, str, str, tuple[str, ...]]:
        return level, departures.get(state, 0), one, many, ("departed", "state", state)

    stays, unmatched = ("reverted", "state", "not_reverted"), ("departed", "kind", "unmatched address")
    person, people = "departed person", "departed people"
    yield found(STOP, "failed", f"{person} could not be deactivated", f"{people} could not be deactivated")
    yield LOOK, totals["not_reverted"], "write is not reverted", "writes are not reverted", stays
    yield found(LOOK, "report", "person has departed", "people have departed")
    yield found(LOOK, "deferred", f"{person} waits for the next run", f"{people} wait for the next run")
    yield found(FINE, "deactivate", f"{person} is deactivated", f"{people} are deactivated")
    yield LOOK, totals["unclaimed"], "contact has an unmatched address", "contacts have an unmatched address", unmatched


def mode_label(mode: str) -> str:
    """Whether anything was written."""
    return {
        "preview": "Preview: nothing was written",
        "real": "Real run",
        "mixed": "Some clients are a preview, some a real run",
    }[mode]


def duration(seconds: float) -> str:
    """Seconds as `1 h 2 min`, `3 min 4 s` or `5.6 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"

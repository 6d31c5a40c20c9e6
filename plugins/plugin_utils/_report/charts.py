# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""A report in sentences: what a person reads first, whatever the form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .collecting import CHANGED, HIDDEN, departure, has_failed, is_stopped
from .words import count, sentence

STOP, LOOK, FINE = "stop", "look", "fine"


class Point(NamedTuple):
    """Something that a person has to see to. `where` is the part of the page that lists it."""

    level: str
    text: str
    where: str


class Story(NamedTuple):
    """`level` says whether to stop, to look, or that all is fine."""

    level: str
    headline: str
    changes: str
    points: tuple[Point, ...]


def story(report: Mapping[str, Any]) -> Story:
    """What the report says, in a few sentences."""
    points = tuple(_points(report))
    level = next((each for each in (STOP, LOOK) if any(point.level == each for point in points)), FINE)
    return Story(level, _headline(report, level), _changes(report), points)


def _headline(report: Mapping[str, Any], level: str) -> str:
    preview = report["mode"] == "preview"
    if level == STOP:
        return "Do not go on yet" if preview else "Not everything was done"
    if level == LOOK:
        return "Safe to run, but some people need a decision" if preview else "Done, but some people need a decision"
    return "Nothing stands in the way" if preview else "All done"


def _changes(report: Mapping[str, Any]) -> str:
    totals, preview = report["totals"], report["mode"] == "preview"
    actions, push = totals["actions"], totals["push"]
    parts = [
        f"{would if preview else did} {count(number, noun)}{where}"
        for number, would, did, noun, where in (
            (actions.get("create", 0), "create", "created", "contact", " in IT Glue"),
            (actions.get("update", 0), "change", "changed", "contact", " in IT Glue"),
            (push.get("pushed", 0), "create", "created", "contact", " in BMS"),
            (push.get("pending", 0), "leave", "left", "contact", " for IT Glue to push"),
            (totals["settings"], "change", "changed", "setting", ""),
            (totals["departures"].get("deactivate", 0), "make", "made", "contact", " of people who left inactive"),
            (totals["reverted"], "take back", "took back", "write", ""),
        )
        if number
    ]
    were = "was" if totals["users"] == 1 else "were"
    read = f"{count(totals['users'], 'user')} of {count(totals['tenants'], 'client')} {were} read"
    if totals["reverted"] + totals["not_reverted"] and not totals["users"]:
        read = f"What was done to {count(totals['tenants'], 'client')} was looked through"
    if not parts:
        return f"{read}; there is nothing to change." if preview else f"{read}; nothing had to be changed."
    return f"{read}. The run {'would ' if preview else ''}{sentence(parts)}."


def _points(report: Mapping[str, Any]) -> Iterator[Point]:
    totals = report["totals"]
    for level, number, one, many, where in (
        (STOP, totals["tenants_failed"], "client failed", "clients failed", "tenants"),
        (STOP, totals["tenants_stopped"], "client is over a ceiling", "clients are over a ceiling", "tenants"),
        (STOP, totals["actions"].get("failed", 0), "contact failed", "contacts failed", "people"),
        (STOP, totals["push"].get("failed", 0), "push failed", "pushes failed", "people"),
        (LOOK, totals["conflicts"], "conflict needs a decision", "conflicts need a decision", "conflicts"),
        (
            LOOK,
            totals["push"].get("not_ready", 0),
            "person is not ready for BMS",
            "people are not ready for BMS",
            "people",
        ),
        (LOOK, _deferred(totals), "person waits for the next run", "people wait for the next run", "people"),
        (
            STOP,
            totals["departures"].get("failed", 0),
            "person who left could not be made inactive",
            "people who left could not be made inactive",
            "left",
        ),
        (LOOK, totals["not_reverted"], "thing is not taken back", "things are not taken back", "reverted"),
        (LOOK, totals["departures"].get("report", 0), "person has left", "people have left", "left"),
        (
            LOOK,
            totals["departures"].get("deferred", 0),
            "person who left waits for the next run",
            "people who left wait for the next run",
            "left",
        ),
        (
            FINE,
            totals["departures"].get("deactivate", 0),
            "person who left is made inactive",
            "people who left are made inactive",
            "left",
        ),
        (
            FINE,
            totals["returned"],
            "person is back, and made active again",
            "people are back, and made active again",
            "people",
        ),
        (LOOK, totals["unclaimed"], "contact is nobody's", "contacts are nobody's", "left"),
        (LOOK, totals["warnings"], "warning", "warnings", "tenants"),
        (LOOK, totals["tasks_hidden"], "result is hidden by no_log", "results are hidden by no_log", "tenants"),
    ):
        if number:
            yield Point(level, count(number, one, many), where)
    if not report["complete"]:
        yield Point(STOP, "The run was interrupted: what came after is not in this report", "tenants")


def _deferred(totals: Mapping[str, Any]) -> int:
    return totals["actions"].get("deferred", 0) + totals["push"].get("deferred", 0)


def tenant_status(tenant: Mapping[str, Any]) -> str:
    """`failed`, `stopped`, `hidden`, `attention`, `changed` or `ok`: the gravest that a client's runs show."""
    runs = [run for run in tenant["runs"] if run["counted"]]
    counts = [run["summary"][name] for run in runs if run["summary"] for name in ("actions", "push")]
    if any(has_failed(run) and not is_stopped(run) for run in runs):
        return "failed"
    if any(map(is_stopped, runs)):
        return "stopped"
    if any(run["status"] == HIDDEN for run in runs):
        return "hidden"
    counts += [Counter(map(departure, run["departed"])) for run in runs]
    open_ends = any(run["conflicts"] or run["not_reverted"] for run in runs)
    if open_ends or any(each.get(name) for each in counts for name in _NEED_A_PERSON):
        return "attention"
    return "changed" if any(run["status"] == CHANGED for run in runs) else "ok"


_NEED_A_PERSON = ("failed", "deferred", "conflict", "not_ready")

TENANT_STATUSES = {
    "failed": "Failed",
    "stopped": "Over a ceiling",
    "hidden": "Hidden by no_log",
    "attention": "Needs a person",
    "changed": "Changes",
    "ok": "In step",
}


def mode_words(mode: str) -> str:
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

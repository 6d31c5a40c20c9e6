# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JUnit XML, for what shows tests: a suite for each client, a case for each task and person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import lacking

from .collecting import counted, departure, has_failed
from .entries import whose
from .labels import ACTIONS, DEPARTURES, EVIDENCE, PUSHES, REVERTS, label
from .verdict import interruption

# XML 1.0 has no way to write these.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Case(NamedTuple):
    """`outcome` is the element that JUnit has for it: `failure`, `error`, `skipped`, or none."""

    name: str
    outcome: str | None = None
    message: str = ""
    seconds: float = 0.0


def junit(report: Mapping[str, Any]) -> str:
    """The report as JUnit XML.

    A failed task is an error, and so is a run that did not come to its end; a conflict, a failed contact and a write
    that could not be reverted are failures; a person who has to wait is skipped.
    """
    root = ElementTree.Element("testsuites", name=_clean(report["title"]), time=f"{report['seconds']}")
    total: Counter[str] = Counter()
    for name, cases in _suites(report):
        counts = _counts(cases)
        total.update(counts)
        suite = ElementTree.SubElement(root, "testsuite", name=_clean(name), **_attributes(counts))
        for case in cases:
            _add(suite, case, name)
    root.attrib.update(_attributes(total))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suites(report: Mapping[str, Any]) -> Iterator[tuple[str, list[_Case]]]:
    if interrupted := interruption(report):
        yield report["title"], [_Case("The run", "error", interrupted)]
    for tenant in report["tenants"]:
        yield tenant["name"], list(_cases(tenant))


def _cases(tenant: Mapping[str, Any]) -> Iterator[_Case]:
    for run in counted(tenant):
        outcome = "error" if has_failed(run) else "skipped" if run["status"] == "hidden" or run["ignored"] else None
        yield _Case(run["task"], outcome, run["message"] or "", run["seconds"] or 0.0)
        for entry in run["contacts"]:
            yield _person(entry)
        for entry in run["departed"]:
            yield _departed(entry)
        for entry in run["reverted"]:
            yield _Case(whose(entry), None, label(REVERTS, entry.get("what")))
        for entry in run["not_reverted"]:
            fields = f" ({', '.join(map(str, entry['fields']))})" if entry.get("fields") else ""
            yield _Case(f"{whose(entry)}{fields}", "failure", f"not reverted: {entry.get('reason')}")


def _person(entry: Mapping[str, Any]) -> _Case:
    states = {entry.get("action"), entry.get("push")}
    parts = [label(ACTIONS, entry.get("action"))]
    parts += [f"in BMS: {label(PUSHES, entry['push'])}"] if entry.get("push") else []
    parts += [f"lacks {lacking(entry)}"] if entry.get("missing") else []
    parts += [str(entry[each]) for each in ("reason", "hint") if entry.get(each)]
    stops, waits = states & {"failed", "conflict", "refused"}, states & {"deferred", "not_ready"}
    outcome = "failure" if stops else "skipped" if waits else None
    return _Case(str(entry.get("user")), outcome, "; ".join(parts))


def _departed(entry: Mapping[str, Any]) -> _Case:
    """A departed person, with what is done about the contact."""
    state = departure(entry)
    parts = [label(EVIDENCE, entry.get("evidence")), label(DEPARTURES, state)]
    parts += [str(entry["reason"])] if entry.get("reason") else []
    outcome = {"failed": "failure", "deferred": "skipped"}.get(state)
    return _Case(f"{entry.get('user')}, departed", outcome, "; ".join(parts))


def _counts(cases: list[_Case]) -> Counter[str]:
    outcomes = Counter(case.outcome for case in cases)
    return Counter(
        tests=len(cases), errors=outcomes["error"], failures=outcomes["failure"], skipped=outcomes["skipped"]
    )


def _attributes(counts: Counter[str]) -> dict[str, str]:
    return {name: str(counts[name]) for name in ("tests", "errors", "failures", "skipped")}


def _add(suite: ElementTree.Element, case: _Case, tenant: str) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", classname=_clean(tenant), name=_clean(case.name), time=f"{case.seconds}"
    )
    if case.outcome:
        ElementTree.SubElement(element, case.outcome, message=_clean(case.message))
    elif case.message:
        ElementTree.SubElement(element, "system-out").text = _clean(case.message)


def _clean(text: object) -> str:
    return _NOT_IN_XML.sub("\ufffd", str(text))

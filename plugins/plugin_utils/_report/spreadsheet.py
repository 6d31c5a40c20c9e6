# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The people of a report as CSV, for a spreadsheet: a line for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import lacking

from .collecting import counted, departure
from .labels import ACTIONS, DEPARTURES, EVIDENCE, PUSHES, label, one_line
from .verdict import tenant_verdict

COLUMNS = (
    "client", "verdict", "name", "user", "it_glue", "bms", "attention", "reason_code", "reason", "what_to_do",
    "missing", "contact_id", "contact_url", "bms_contact_id",
)  # fmt: skip


def spreadsheet(report: Mapping[str, Any]) -> str:
    """One line for each person that a run lists, departed people too."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([_harmless(row.get(name)) for name in COLUMNS])
    return text.getvalue()


def _rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for tenant in report["tenants"]:
        client = {"client": tenant["name"], "verdict": tenant_verdict(tenant, report["mode"])}
        for run in counted(tenant):
            if not run["contacts"] and not run["departed"] and run["message"]:
                yield client | {"reason": run["message"], "reason_code": (run["failure"] or {}).get("code")}
            for entry in run["contacts"]:
                states = {"it_glue": label(ACTIONS, entry.get("action")), "bms": label(PUSHES, entry.get("push") or "")}
                yield client | _person(entry) | states
            for entry in run["departed"]:
                state = f"Departed, {label(EVIDENCE, entry.get('evidence'))}: {label(DEPARTURES, departure(entry))}"
                yield client | _person(entry) | {"it_glue": state}


def _person(entry: Mapping[str, Any]) -> dict[str, Any]:
    names = ("name", "user", "reason_code", "reason", "contact_id", "contact_url", "bms_contact_id")
    return {
        **{name: entry.get(name) for name in names},
        "what_to_do": entry.get("hint"),
        "attention": "yes" if entry.get("attention") else "no",
        "missing": lacking(entry),
    }


def _harmless(value: object) -> object:
    """A value that no spreadsheet takes for a formula, in one line and without control characters."""
    shown = "" if value is None else one_line(str(value))
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of the demo."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from .cases import CASES, ORGANIZATIONS, Case
from .checks import SYNC, entries
from .steps import Json, Ran

SERVICES = {"graph": "Microsoft", "itglue": "IT Glue", "bms": "BMS"}
COLUMNS = (22, 12, 11, 16)


def people(ran: Ran) -> Iterator[str]:
    """What became of each person, client by client."""
    found = entries(ran)
    places = {each["id"]: each["name"] for each in ran.after["itglue"]["locations"]}
    names = {each["id"]: each["name"] for each in ran.after["itglue"]["organizations"]}
    client = None
    for case in CASES:
        if case.client != client:
            client = case.client
            yield ""
            yield row((names[ORGANIZATIONS[client]], "matched by", "IT Glue", "BMS"), "what it shows")
        entry = found[case.client, case.user]
        cells = (case.person, entry["matched_by"] or "-", entry["action"], entry["push"] or "-")
        yield row(cells, case.what)
        yield from (f"    {line}" for line in details(case, entry, places))
    yield ""
    for client, result in ran.of(SYNC).items():
        for conflict in result["conflicts"]:
            answers = json.dumps(conflict["answers"], ensure_ascii=False)
            yield f"The conflict of {client} is resolved with one answer per user in sync_match_overrides: {answers}"


def details(case: Case, entry: Json, places: dict[int, str]) -> Iterator[str]:
    """What is written, before -> after, and what is missing."""
    before, after = words(entry["before"], places), words(entry["after"], places)
    in_bms = after.pop("job title in BMS", None)
    if entry["action"] == "create":
        yield f"new: {', '.join(after.values())}"
    if entry["action"] == "update":
        changed = {name: value for name, value in after.items() if value != before.get(name)}
        changes = (f"{before.get(name, f'no {name}')} -> {value}" for name, value in changed.items())
        yield "; ".join(changes)
    if in_bms:
        yield f"blank job title in BMS -> {in_bms}"
    if case.missing:
        yield f"to be ready for BMS, the contact lacks: {', '.join(case.missing)}"


def words(fields: Json, places: dict[int, str]) -> dict[str, str]:
    """The fields that tell most, as a person would say them."""
    name = " ".join(filter(None, (fields.get("first-name"), fields.get("last-name"))))
    reported = {
        "name": name,
        "title": fields.get("title"),
        "primary e-mail": _primary(fields.get("contact-emails")),
        "primary phone": _primary(fields.get("contact-phones")),
        "location": places.get(fields.get("location-id")),
        "job title in BMS": fields.get("bms-job-title"),
    }
    return {key: value for key, value in reported.items() if value}


def _primary(rows: Sequence[Json] | None) -> str | None:
    return next((each["value"] for each in rows or () if each["primary"]), None)


def requests(runs: Sequence[Ran]) -> Iterator[str]:
    """What each step has asked of each service."""
    yield row(("requests", *SERVICES.values()), "of these, writing", widths=(44, 10, 10, 10))
    for ran in runs:
        counted = ran.counted()
        cells = (ran.step.title, *(str(counted[service]) for service in SERVICES))
        yield row(cells, str(len(ran.writes)), widths=(44, 10, 10, 10))


def row(cells: Sequence[str], last: str, widths: Sequence[int] = COLUMNS) -> str:
    shown = [cell + " " * max(1, width - columns(cell)) for cell, width in zip(cells, widths, strict=True)]
    return "".join(shown) + last


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: two for a wide character, none for a combining one."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: Any) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What the values of a report are called, for people who know neither Ansible nor the module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import KINDS as SETTINGS_KINDS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import OPTIONS

ACTIONS = {
    "create": "New in IT Glue",
    "update": "Changed in IT Glue",
    "unchanged": "In step",
    "linked": "Linked, left alone",
    "conflict": "Conflict",
    "excluded": "Left out",
    "deferred": "Deferred",
    "failed": "Failed",
}
PUSHES = {
    "pushed": "New in BMS",
    "already_in_bms": "Already in BMS",
    "pending": "IT Glue pushes it",
    "not_ready": "Not ready",
    "off": "Push is off",
    "conflict": "Conflict",
    "deferred": "Deferred",
    "failed": "Failed",
}
MISSING = {
    "first_name": "first name",
    "primary_email": "primary e-mail",
    "primary_phone": "primary phone",
    "location": "location",
}
EXCLUDED = {
    "disabled": "account is disabled",
    "guest": "is a guest",
    "unlicensed": "has no licence",
    "no_name": "has no name",
    "domain": "domain is not among those synced",
    "group": "is in none of the groups",
    "pattern": "matches a pattern to leave out",
    "override": "ignored by match_overrides",
    "users": "not among the users of this run",
}
RULES = {
    "alias": "e-mail address",
    "username": "username",
    "name": "first and last name",
    "override": "match_overrides",
    "bms_email": "e-mail address in BMS",
    "bms_name": "name in BMS",
}
FIELDS = {
    "first-name": "First name",
    "last-name": "Last name",
    "title": "Job title",
    "contact-emails": "E-mails",
    "contact-phones": "Phones",
    "location-id": "Location (id)",
    "contact-type-id": "Contact type (id)",
    "bms-job-title": "Job title in BMS",
    "bms-first-name": "First name in BMS",
    "bms-last-name": "Last name in BMS",
    "bms-emails": "E-mails in BMS",
    "bms-phones": "Phones in BMS",
    "bms-active": "Active in BMS",
    "FirstName": "First name in BMS",
    "LastName": "Last name in BMS",
    "JobTitle": "Job title in BMS",
    "Emails": "E-mails in BMS",
    "Phones": "Phones in BMS",
    "IsActive": "Active in BMS",
}
DEPARTURES = {
    "report": "Listed only",
    "deactivate": "Made inactive",
    "deactivated": "Inactive already",
    "keep": "On the keep list",
    "deferred": "Deferred",
    "failed": "Failed",
}
REVERTS = {
    "remove": "Removed from IT Glue",
    "restore": "Put back in IT Glue",
    "deactivate": "Made inactive in BMS",
    "restore_in_bms": "Put back in BMS",
    "not_reverted": "Stays as it is",
}
EVIDENCE = {"disabled": "account is disabled", "deleted": "account is deleted"}
SERVICES = {"graph": "Microsoft 365", "itglue": "IT Glue", "bms": "Kaseya BMS"}
STATUSES = {
    "ok": "In order",
    "changed": "Changes",
    "failed": "Failed",
    "unreachable": "Unreachable",
    "hidden": "Hidden by no_log",
}
KINDS = {"office365": "Office 365 Sync Settings", "bms": "BMS Sync Settings"}
LABELS = {
    "action": ACTIONS,
    "push": PUSHES,
    "missing": MISSING,
    "excluded": EXCLUDED,
    "rule": RULES,
    "field": FIELDS,
    "departure": DEPARTURES,
    "revert": REVERTS,
    "evidence": EVIDENCE,
    "status": STATUSES,
    "kind": KINDS,
}

SETTINGS_OPTIONS = {option.group or option.name for kind in SETTINGS_KINDS for option in OPTIONS[kind]}
"""The options whose values a report shows: what is not known here is not shown."""


def label(table: Mapping[str, str], value: object) -> str:
    """What a value is called; one that is not known speaks for itself."""
    return table.get(str(value), str(value).replace("_", " ").replace("-", " "))


def count(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun, as `1,234 contacts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(parts: Iterable[str]) -> str:
    """Parts joined as `a, b and c`."""
    *first, last = list(parts)
    return f"{', '.join(first)} and {last}" if first else last


def lines(value: Any) -> list[str]:
    """An attribute of a contact, or a setting, as a person reads it: one line for each entry."""
    if value is None or value == "" or value == []:
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, (list, tuple)):
        return [line for each in value for line in (_entry(each) if isinstance(each, Mapping) else lines(each))]
    if isinstance(value, Mapping):
        return [f"{key}: {', '.join(lines(each))}" for key, each in value.items()]
    return [str(value)]


def _entry(entry: Mapping[str, Any]) -> list[str]:
    """An e-mail address or a phone, as IT Glue or BMS has them."""
    if "type_id" in entry:
        marks = [str(entry.get("type_name") or f"type {entry['type_id']}")]
        marks += ["default"] if entry.get("default") else []
        return [f"{entry.get('address') or entry.get('number')} ({', '.join(marks)})"]
    extension = f" x{entry['extension']}" if entry.get("extension") else ""
    marks = [str(entry.get("label-name") or "no label")]
    marks += ["fax"] if entry.get("label-type") == "fax" else []
    marks += ["primary"] if entry.get("primary") else []
    return [f"{entry.get('value')}{extension} ({', '.join(marks)})"]


_PARTICULAR = re.compile(r"""\S+@\S*\w|'[^']*'|"[^"]*"|\b[0-9a-f-]*\d[0-9a-f-]*\b""", re.IGNORECASE)
_SEVERAL = re.compile("…(?:(?:, | and )…)+")


def kind_of_reason(reason: str) -> str:
    """A reason without the names and numbers in it, so that alike ones can be filtered together."""
    return _SEVERAL.sub("…", _PARTICULAR.sub("…", reason)).strip()

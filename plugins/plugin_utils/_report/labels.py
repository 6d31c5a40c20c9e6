# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the values of a report are called, for people who know neither Ansible nor the module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.diff import entry_text
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import MISSING
from ansible_collections.msp.psa_sync.plugins.module_utils._engine import output
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import KINDS as SETTINGS_KINDS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import OPTIONS

ACTIONS = {
    "create": "New in IT Glue",
    "update": "Changed in IT Glue",
    "unchanged": "Up to date",
    "linked": "Linked, left alone",
    "conflict": "Needs a decision",
    "excluded": "Excluded",
    "deferred": "Deferred",
    "failed": "Failed",
    "struck": "Struck from the plan",
    "refused": "Plan no longer holds",
}
PUSHES = {
    "pushed": "New in BMS",
    "already_in_bms": "Already in BMS",
    "pending": "IT Glue pushes it",
    "not_ready": "Not ready",
    "off": "Push is off",
    "conflict": "Needs a decision",
    "deferred": "Deferred",
    "failed": "Failed",
}
EXCLUDED = {
    "disabled": "account is disabled",
    "guest": "is a guest",
    "unlicensed": "has no licence",
    "no_name": "has no name",
    "domain": "domain is not selected",
    "group": "is in none of the groups",
    "pattern": "a pattern excludes the user",
    "override": "ignored by match_overrides",
    "users": "not among the users of this run",
}
RULES = {
    "alias": "e-mail address",
    "username": "username",
    "name": "first and last name",
    "override": "match_overrides",
    "primary_email": "primary e-mail address",
    "bms_email": "e-mail address in BMS",
    "bms_name": "name in BMS",
}
FIELDS = {
    "first-name": "First name",
    "last-name": "Last name",
    "title": "Job title",
    "contact-emails": "E-mails",
    "contact-phones": "Phones",
    "location-id": "Location",
    "contact-type-id": "Contact type",
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
    "deactivate": "Deactivated",
    "deactivated": "Inactive already",
    "keep": "On the keep list",
    "deferred": "Deferred",
    "failed": "Failed",
    "struck": "Struck from the plan",
    "refused": "Plan no longer holds",
}
REVERTS = {
    "remove": "Removed from IT Glue",
    "restore": "Restored in IT Glue",
    "deactivate": "Deactivated in BMS",
    "restore_in_bms": "Restored in BMS",
    "not_reverted": "Not reverted",
}
GROUPS = {
    "failed": "Failed",
    "decision": "Needs a decision",
    "not_ready": "Not ready for BMS",
    "look": "To look at",
    "deferred": "Deferred",
    "refused": "Plan no longer holds",
    "returned": "Returned",
    "created": "New in IT Glue",
    "changed": "Changed",
    "pushed": "New in BMS",
}
"""What people can be shown by, the gravest first."""

QUESTIONS = {
    "several_hits": "Who is who?",
    "names_differ": "Renamed, or another person?",
    "known_contact": "The same person, or a namesake?",
    "possibly_returned": "Has the person returned?",
    "same_primary_address": "Whose address is it?",
    "bms_several_hits": "Which one is the person?",
    "bms_contact_shared": "Whose contact is it?",
    "bms_address_shared": "Whose address is it?",
    "bms_name_shared": "One person, or two of one name?",
    "bms_contact_linked": "Which link is right?",
    "bms_name_of_another": "One person, or two of one name?",
    "bms_names_differ": "Renamed, or another person?",
    "bms_inactive_hit": "Is it the same person?",
}
"""What is to be decided in a conflict, by its reason code."""

EVIDENCE = {"disabled": "account is disabled", "deleted": "account is deleted"}
SERVICES = {"graph": "Microsoft 365", "itglue": "IT Glue", "bms": "Kaseya BMS"}
STATUSES = {
    "ok": "OK",
    "changed": "Changes",
    "failed": "Failed",
    "unreachable": "Unreachable",
    "hidden": "Hidden by no_log",
}
STATES = {"starved": "Starved"}
"""What a client can be shown by, beside its verdict."""

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
    "state": STATES,
    "group": GROUPS,
    "service": SERVICES,
}

ICONS = {
    **dict.fromkeys(("create", "pushed"), "+"),
    **dict.fromkeys(("update", "changed"), "±"),
    **dict.fromkeys(("unchanged", "linked", "already_in_bms", "deactivated"), "="),
    **dict.fromkeys(("ok", "ready", "restore", "restore_in_bms", "remove"), "✓"),
    **dict.fromkeys(("conflict", "attention"), "?"),
    **dict.fromkeys(("failed", "unreachable", "over_limit"), "×"),
    **dict.fromkeys(("not_ready", "not_reverted", "refused", "hidden"), "!"),
    **dict.fromkeys(("deferred", "pending"), "»"),
    **dict.fromkeys(("excluded", "off", "report", "keep", "struck", "deactivate"), "–"),
}
"""A sign for each state, so that none is told by its colour alone."""

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


def one_line(value: object) -> str:
    """Text without what would break a line, steer a terminal or command a runner."""
    return output.one_line(str(value))


def lines(value: Any) -> list[str]:
    """An attribute of a contact, or a setting, as a person reads it: one line for each entry."""
    if value is None or value == "" or value == []:
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, (list, tuple)):
        return [line for each in value for line in ([entry_text(each)] if isinstance(each, Mapping) else lines(each))]
    if isinstance(value, Mapping):
        return [f"{key}: {', '.join(lines(each))}" for key, each in value.items()]
    return [str(value)]

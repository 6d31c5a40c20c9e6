# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the entries of a report say, for every form of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from .labels import EXCLUDED, QUESTIONS, SERVICES, label, lines


def changes(entry: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """The fields of a contact that change: name, and what was and what becomes of it, in lines."""
    before, after, names = (entry.get(each) or {} for each in ("before", "after", "names"))

    def shown(name: str, value: Any) -> list[str]:
        known = names.get(name) or {}
        return [known[str(value)]] if str(value) in known else lines(value)

    return [(name, shown(name, before.get(name)), shown(name, after.get(name))) for name in sorted({*before, *after})]


def reason_title(code: str) -> str:
    """A reason code as a short title."""
    text = f"excluded: {EXCLUDED[code]}" if code in EXCLUDED else code.replace("_", " ")
    text = text.replace("itglue", "IT Glue").replace("bms", "BMS")
    return text[:1].upper() + text[1:]


def whose(entry: Mapping[str, Any]) -> str:
    """The contact that a write is reverted of, or not."""
    name, ident = entry.get("name") or "a contact", entry.get("id") or "that is not known"
    return f"{name}, {label(SERVICES, entry.get('service'))} contact {ident}"


def link(url: object) -> str:
    """An address to open, where it is one of the web."""
    return url if isinstance(url, str) and url.startswith("https://") else ""


def question(entry: Mapping[str, Any]) -> str:
    """What is to be decided, in a few words."""
    return QUESTIONS.get(str(entry.get("reason_code")), "Who is who?")


def suggestion(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is suggested, by username; empty where nobody can say."""
    return dict(entry.get("match_overrides") or entry.get("bms_match_overrides") or {})


def variable(entry: Mapping[str, Any]) -> str:
    """The name of the inventory's variable that takes the answer."""
    in_bms = bool(entry.get("bms_match_overrides")) or str(entry.get("rule")).startswith("bms_")
    return "sync_bms_match_overrides" if in_bms else "sync_match_overrides"


def overrides_yaml(entry: Mapping[str, Any]) -> str:
    """The suggestion as lines for the inventory; empty where there is none."""
    suggested = suggestion(entry)
    if not suggested:
        return ""
    return str(yaml.safe_dump({variable(entry): suggested}, allow_unicode=True, sort_keys=True, width=1000))

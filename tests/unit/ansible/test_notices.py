# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The warnings of contact_sync about people, which any playbook shows."""

from __future__ import annotations

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.notices import SHOWN, notices
from tests.tools.report_samples import conflict, contact, explained, synced

DIFFERS = explained("names_differ", "Contact 7 has the user's address, but other names.")


def said(contacts, **changes) -> list[str]:
    return list(notices(synced("Happy Frog", 2, contacts, **changes)))


def test_where_nobody_needs_a_look_there_is_no_warning():
    assert said([contact("ann@frog.example", "create"), contact("bob@frog.example", "update")]) == []


def test_a_conflict_of_other_names_is_named_with_its_reason():
    clash = conflict("alias", ["ann@frog.example"], reason_code="names_differ")
    assert said([contact("ann@frog.example", "conflict", **DIFFERS)], conflicts=[clash]) == [
        (
            "Happy Frog: conflicts that need a decision (1): ann@frog.example (names differ). "
            "See conflicts in the result, or the report."
        )
    ]


def test_a_match_of_other_names_is_somebody_to_look_at():
    assert said([contact("ann@frog.example", "update", **{**DIFFERS, "attention": True})]) == [
        "Happy Frog: people to look at (1): ann@frog.example (Contact 7 has the user's address, but other names)."
    ]


def test_who_is_not_ready_is_named_with_what_is_missing():
    waiting = contact("ann@frog.example", "update", push="not_ready", missing=["primary_phone", "location"])
    assert said([waiting]) == [
        "Happy Frog: people who are not ready for BMS (1): ann@frog.example lacks primary phone, location."
    ]


def test_a_warning_names_few_people_and_counts_the_others():
    many = [contact(f"u{n}@frog.example", "update", push="not_ready", missing=["location"]) for n in range(SHOWN + 2)]
    (found,) = said(many)
    assert f"({SHOWN + 2}): u0@frog.example lacks location; " in found
    assert found.endswith("; and 2 more.")


def test_names_of_others_are_one_line_without_commands_to_a_runner():
    (found,) = said([contact("a\n##vso[x]@frog.example", "failed", **explained("x", "Refused."))])
    assert "\n" not in found
    assert "##vso[" not in found

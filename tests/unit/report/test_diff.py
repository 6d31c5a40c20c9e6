# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff of `contact_sync`, as Ansible's own callback prints it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible.plugins.callback import CallbackBase

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.result import diff
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Contact
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import BmsUpdate, Operation


def email(value: str, label: str = "Work", primary: bool = False) -> dict:
    return {"value": value, "label-name": label, "primary": primary}


def phone(value: str, label: str, primary: bool = False, extension: str | None = None, kind: str | None = None) -> dict:
    return {"value": value, "label-name": label, "extension": extension, "primary": primary, "label-type": kind}


UPDATE = Operation(
    "jo@frog.example",
    "id-jo",
    "update",
    contact_id=72,
    matched_by="alias",
    before={"title": "Accountant", "contact-phones": [phone("044 1", "Office", primary=True)], "location-id": None},
    after={
        "title": "Controller",
        "location-id": 9,
        "contact-phones": [phone("044 1", "Office"), phone("079 2", "Mobile", primary=True, extension="12")],
    },
    contact=Contact(72, location_id=9, location_name="Pond"),
)
CREATE = Operation(
    "ann@frog.example",
    "id-ann",
    "create",
    push="pushed",
    after={"first-name": "Ann", "contact-emails": [email("ann@frog.example", primary=True), email("a@frog.example")]},
    reason="No contact matches.",
)


def shown(*operations: Operation) -> list[str]:
    return CallbackBase()._get_diff(diff(operations)).splitlines()


def test_one_block_for_each_contact_field_by_field():
    assert shown(UPDATE, CREATE) == [
        "--- before: ann@frog.example",
        "+++ after: create. No contact matches.",
        "@@ -0,0 +1,4 @@",
        "+contact-emails: a@frog.example (Work)",
        "+contact-emails: ann@frog.example (Work, primary)",
        "+first-name: Ann",
        "+bms: created",
        "",
        "--- before: jo@frog.example, contact 72",
        "+++ after: update, matched by alias",
        "@@ -1,4 +1,6 @@",
        "-contact-phones: 044 1 (Office, primary)",
        "+contact-phones: 044 1 (Office)",
        "+contact-phones: 079 2 x12 (Mobile, primary)",
        " ",
        "+location-id: Pond (9)",
        " ",
        "-title: Accountant",
        "+title: Controller",
        "",
    ]


def test_entries_that_stay_are_left_out():
    stays, goes = email("jo@frog.example", primary=True), email("old@frog.example")
    change = replace(UPDATE, before={"contact-emails": [stays, goes, goes]}, after={"contact-emails": [goes, stays]})
    assert shown(change)[3:-1] == ["-contact-emails: old@frog.example (Work)"]


@pytest.mark.parametrize("quiet", [{"action": "unchanged"}, {"action": "linked"}, {"action": "conflict"}])
def test_what_does_not_change_is_left_out(quiet):
    assert diff([replace(UPDATE, **quiet)]) == []


def test_a_job_title_in_bms_is_a_change():
    filled = Operation("jo@frog.example", "id-jo", "unchanged", contact_id=72, job_title="Controller")
    assert shown(filled)[2:] == ["@@ -0,0 +1 @@", "+bms-job-title: Controller", ""]


def test_what_follows_in_bms_is_told_apart_from_it_glue():
    old = {"address": "jo@frog.example", "type_id": 1, "type_name": "Work", "default": True}
    new = {"address": "j.o@frog.example", "type_id": 7, "type_name": None, "default": False}
    update = BmsUpdate({"LastName": "Oh", "Emails": [old]}, {"LastName": "O'Neil", "Emails": [old, new]})
    followed = Operation("jo@frog.example", "id-jo", "linked", contact_id=72, bms_update=update)
    assert shown(followed)[3:-1] == [
        "+bms-emails: j.o@frog.example (type 7)",
        " ",
        "-bms-last-name: Oh",
        "+bms-last-name: O'Neil",
    ]


def test_what_is_saved_again_is_a_change():
    again = replace(UPDATE, before={"first-name": "Jo"}, after={"first-name": "Jo"})
    assert shown(again)[3:-1] == ["+contact: saved again as it is"]


def test_a_preview_and_the_real_run_say_the_same():
    """The id of a new contact is known to the real run alone."""
    assert diff([CREATE]) == diff([replace(CREATE, contact_id=80, bms_contact_id=90)])


def test_what_was_and_what_becomes_of_a_field_stay_together():
    """Two values may be alike."""
    change = replace(UPDATE, before={"first-name": "A", "title": "B"}, after={"first-name": "B", "title": "A"})
    assert shown(change)[3:-1] == ["-first-name: A", "+first-name: B", " ", "-title: B", "+title: A"]


def test_text_of_an_api_neither_breaks_a_line_nor_steers_the_terminal():
    change = replace(UPDATE, before={}, after={"title": "Boss\n+++ after: \x1b[2Jx\u202e"}, reason="a\r\nb")
    lines = shown(change)
    assert lines[1] == "+++ after: update, matched by alias. a b"
    assert lines[3:-1] == ["+title: Boss +++ after: [2Jx"]

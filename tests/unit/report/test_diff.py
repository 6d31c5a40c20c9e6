# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diff of `contact_sync`, as Ansible's own callback prints it."""

from __future__ import annotations

import pytest
from ansible.plugins.callback import CallbackBase

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.diff import diff
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import Rule
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsId, Contact, ItGlueId
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode, because


def email(value: str, label: str = "Work", primary: bool = False) -> dict:
    return {"value": value, "label-name": label, "primary": primary}


def phone(value: str, label: str, primary: bool = False, extension: str | None = None, kind: str | None = None) -> dict:
    return {"value": value, "label-name": label, "extension": extension, "primary": primary, "label-type": kind}


PHONES = [phone("044 1", "Office"), phone("079 2", "Mobile", primary=True, extension="12")]
JO = UserSubject("jo@frog.example", "id-jo")
UPDATE = Operation(
    JO,
    ItGluePart(
        Action.UPDATE,
        ItGlueId(72),
        before={"title": "Accountant", "contact-phones": [phone("044 1", "Office", primary=True)], "location-id": None},
        after={"title": "Controller", "location-id": 9, "contact-phones": PHONES},
        contact=Contact(ItGlueId(72), location_id=ItGlueId(9), location_name="Pond"),
    ),
    matched_by=Rule.ALIAS,
)
CREATE = Operation(
    UserSubject("ann@frog.example", "id-ann"),
    ItGluePart(
        Action.CREATE,
        after={
            "first-name": "Ann",
            "contact-emails": [email("ann@frog.example", primary=True), email("a@frog.example")],
        },
    ),
    BmsPart(Push.PUSHED),
    reasons=(Reason(ReasonCode.EXTENSIONS_DROPPED),),
)


def unchanged(**bms) -> Operation:
    """A contact that stays as it is in IT Glue."""
    return Operation(JO, ItGluePart(Action.UNCHANGED, ItGlueId(72)), BmsPart(Push.ALREADY_IN_BMS, BmsId(9), **bms))


def changing(before: dict, after: dict) -> Operation:
    """`UPDATE` with other fields."""
    return UPDATE._replace(itglue=UPDATE.itglue._replace(before=before, after=after))


def shown(*operations: Operation) -> list[str]:
    return CallbackBase()._get_diff(diff(operations)).splitlines()


def test_one_block_for_each_contact_field_by_field():
    assert shown(UPDATE, CREATE) == [
        "--- before: ann@frog.example",
        "+++ after: create. BMS has no phone extensions, so the push omits them.",
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


def test_entries_that_stay_are_omitted():
    stays, goes = email("jo@frog.example", primary=True), email("old@frog.example")
    change = changing({"contact-emails": [stays, goes, goes]}, {"contact-emails": [goes, stays]})
    assert shown(change)[3:-1] == ["-contact-emails: old@frog.example (Work)"]


@pytest.mark.parametrize("quiet", [Action.UNCHANGED, Action.LINKED, Action.CONFLICT])
def test_what_does_not_change_is_omitted(quiet):
    assert diff([UPDATE.withheld(itglue=quiet)]) == []


def test_a_job_title_in_bms_is_a_change():
    filled = unchanged(before={"JobTitle": None}, after={"JobTitle": "Controller"})
    assert shown(filled)[2:] == ["@@ -0,0 +1 @@", "+bms-job-title: Controller", ""]


def test_what_follows_in_bms_is_named_apart_from_it_glue():
    old = {"address": "jo@frog.example", "type_id": 1, "type_name": "Work", "default": True}
    new = {"address": "j.o@frog.example", "type_id": 7, "type_name": None, "default": False}
    before = {"LastName": "Oh", "Emails": [old]}
    after = {"LastName": "O'Neil", "Emails": [old, new]}
    assert shown(unchanged(before=before, after=after))[3:-1] == [
        "+bms-emails: j.o@frog.example (type 7)",
        " ",
        "-bms-last-name: Oh",
        "+bms-last-name: O'Neil",
    ]


def test_a_contact_that_is_saved_again_is_a_change():
    assert shown(changing({"first-name": "Jo"}, {"first-name": "Jo"}))[3:-1] == ["+contact: saved again as it is"]


def test_a_preview_and_the_real_run_say_the_same():
    """The id of a new contact is known to the real run alone."""
    done = CREATE._replace(
        itglue=CREATE.itglue._replace(contact_id=ItGlueId(80)),
        bms=CREATE.bms._replace(contact_id=BmsId(90)),
    )
    assert diff([CREATE]) == diff([done])


def test_what_was_and_what_becomes_of_a_field_stay_together():
    """Two values may be alike."""
    change = changing({"first-name": "A", "title": "B"}, {"first-name": "B", "title": "A"})
    assert shown(change)[3:-1] == ["-first-name: A", "+first-name: B", " ", "-title: B", "+title: A"]


def test_text_of_an_api_neither_breaks_a_line_nor_steers_the_terminal():
    change = changing({}, {"title": "Boss\n+++ after: \x1b[2Jx\u202e"})
    lines = shown(change.because(because(ReasonCode.WRITTEN_IN_PART, fields=["name"], said="a\r\nb")))
    assert lines[1] == "+++ after: update, matched by alias. Not written: name. a b"
    assert lines[3:-1] == ["+title: Boss +++ after: [2Jx"]

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An IT Glue that refuses a request of several contacts and has taken it all the same, in part or whole, and that
merges arrays: what it holds is reported as if it had accepted the request, and is not sent again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Email, Phone
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.taken import is_own_change
from tests.unit.engine.builders import person, planned, ready, snapshot
from tests.unit.plan.test_plan_documents import CID
from tests.unit.sync.fakes import Fault, quota, rejected
from tests.unit.sync.test_look_again import LINK, Busy, by_user

ANN = person("ann.lee", mail="ann@client.example", job_title="Clerk", business_phones=("4155550100",))
OLD = Phone("4155550199", "Office", primary=True)
TWICE = (Email("ann.lee@client.example", "Work", True), Email("ann.lee\u200b@client.example", "Home"))
SHOWN = ("action", "matched_by", "before", "after", "locked", "unapplied", "push", "codes")


def world(directory, *, refuses: bool, **values) -> Busy:
    """Ann is matched by her username, and by her address once that is written; one of her phones is to be replaced, and
    of two spellings of an address one is to go. Both stay where arrays are merged."""
    made = Busy(directory)
    made.itglue.merges = True
    made.graph.there = [ANN, CID]
    made.edit(72, **{"phones": (OLD,), "emails": TWICE, **values})
    made.edit(73, title="Chief")
    if refuses:
        made.itglue.faults.append(Fault("update_contacts", rejected(said="Invalid"), rows=2))
    return made


def shown(run) -> dict:
    return {name: {field: getattr(row, field) for field in SHOWN} for name, row in by_user(run).items()}


def test_what_a_refused_request_has_taken_is_reported_as_if_it_were_accepted(tmp_path):
    refusing, accepting = world(tmp_path, refuses=True), world(tmp_path, refuses=False)
    done, expected = refusing.run(), accepting.run()
    assert shown(done) == shown(expected)
    assert shown(done)["ann"]["unapplied"] == ("contact-emails", "contact-phones")
    assert done.warnings == expected.warnings
    assert refusing.itglue.there == accepting.itglue.there
    assert refusing.itglue.calls["update_contact"] == 0
    assert refusing.itglue.calls["changed_contacts"] == accepting.itglue.calls["changed_contacts"]


def test_it_is_reported_whole_where_somebody_else_has_changed_the_contact_too(tmp_path):
    """What is to be done is planned again then: what IT Glue has taken is not sent a second time."""
    refusing = world(tmp_path, refuses=True)
    refusing.before(refusing.itglue, "contact", lambda: refusing.edit(72, title="Boss"))
    ann = shown(refusing.run())["ann"]
    expected = shown(world(tmp_path, refuses=False).run())["ann"]
    assert ann == {**expected, "matched_by": ann["matched_by"], "before": {**expected["before"], "title": "Boss"}}
    assert [row for what, row in refusing.itglue.writes if what == "update"] == [(72, {"title": "Clerk"})]


@pytest.mark.parametrize("emails", [TWICE, TWICE[:1]], ids=["something-left-to-do", "nothing-left-to-do"])
def test_what_somebody_else_has_added_to_it_is_kept(tmp_path, emails):
    refusing = world(tmp_path, refuses=True, emails=emails)
    home = Email("home@client.example", "Home")
    refusing.before(
        refusing.itglue, "contact", lambda: refusing.edit(72, emails=(*refusing.itglue.there[72].emails, home))
    )
    ann = shown(refusing.run())["ann"]
    assert home in refusing.itglue.there[72].emails
    assert (ann["action"], "contact-phones" in ann["unapplied"]) == ("update", True)
    assert [each["value"] for each in ann["before"]["contact-emails"]] == [each.value for each in emails]
    assert "home@client.example" in [each["value"] for each in ann["after"]["contact-emails"]]


def test_an_entry_that_is_only_to_go_is_sent_again_where_nothing_was_taken(tmp_path):
    """The contact holds all that was sent before it is sent."""
    emails = (Email(ANN.mail, "Work", True), replace(TWICE[0], primary=False), TWICE[1])
    phones = (Phone("4155550100", "Office", primary=True),)
    refusing = world(tmp_path, refuses=True, emails=emails, phones=phones, title="Clerk")
    refusing.itglue.merges, refusing.itglue.faults[0].rows = False, 0
    ann = shown(refusing.run())["ann"]
    assert (ann["action"], [*ann["after"]], ann["unapplied"]) == ("update", ["contact-emails"], ())
    assert len(refusing.itglue.there[72].emails) == 2


def test_what_it_has_taken_is_reported_where_the_rest_must_wait(tmp_path):
    refusing = world(tmp_path, refuses=True)
    refusing.itglue.hides = {"title"}
    refusing.itglue.faults.append(Fault("update_contact", quota()))
    ann = shown(refusing.run())["ann"]
    assert (ann["action"], ann["after"].keys()) == ("update", {"contact-emails", "contact-phones"})
    assert ann["codes"][-1] == "written_in_part"


# ------------------------------------------------------------- whose change it is

KNOWN = ready(1, title="Trainee", emails=TWICE[:1], phones=(OLD,))
NEW, PHONE = Email("ann@client.example", "Work", True), Phone("4155550100", "Office", primary=True)
OWN = {"emails": (replace(TWICE[0], primary=False), NEW), "phones": (PHONE,), "title": "Clerk"}


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        (OWN, True),
        ({"title": "Clerk"}, True),
        ({"emails": OWN["emails"]}, True),
        ({"phones": (replace(OLD, primary=False), PHONE)}, True),
        ({}, False),
        ({"title": "Boss"}, False),
        ({**OWN, "title": "Boss"}, False),
        ({**OWN, "last_name": "Ray"}, False),
        ({**OWN, **LINK}, False),
        ({**OWN, "phones": (replace(PHONE, extension="12"),)}, False),
        ({**OWN, "phones": (PHONE, Phone("4155550107", "Home"))}, False),
        ({**OWN, "phones": (PHONE, replace(OLD, label="Home", primary=False))}, False),
        ({**OWN, "emails": (*OWN["emails"], Email("home@client.example", "Home"))}, False),
        ({**OWN, "emails": (replace(TWICE[0], primary=False, label="Home"), NEW)}, False),
    ],
)
def test_a_change_is_the_runs_own_where_it_holds_nothing_of_anybody_else(changes, own):
    (operation,) = planned(snapshot([ANN], [KNOWN], set_phone_numbers_primary=True, phone_type="Office")).operations
    assert operation.itglue.after.keys() == {"title", "contact-emails", "contact-phones"}
    assert is_own_change(replace(KNOWN, **changes), KNOWN, operation) == own


def test_an_entry_that_is_primary_no_more_is_as_it_was():
    emails = (TWICE[0], replace(TWICE[1], primary=True))
    known = ready(1, emails=emails)
    (operation,) = planned(snapshot([replace(ANN, job_title=None)], [known])).operations
    merged = (*(replace(each, primary=False) for each in emails), NEW)
    assert is_own_change(replace(known, emails=merged), known, operation)


def test_the_name_of_a_location_comes_with_the_location():
    known = ready(1, title="Clerk", location_id=None, location_name=None, emails=OWN["emails"])
    (operation,) = planned(snapshot([ANN], [known])).operations
    assert operation.itglue.after == {"location-id": 10}
    assert is_own_change(replace(known, location_id=10, location_name="Head Office"), known, operation)

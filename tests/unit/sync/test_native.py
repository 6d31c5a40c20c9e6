# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Native push of a contact that was complete and unlinked before: saved once more, whatever IT Glue makes of it."""

from __future__ import annotations

import json

import pytest

from tests.trust.inprocess import Stand
from tests.trust.worlds import ACCOUNT, CLIENT, SKU, TENANT, _link, world

ANN = {
    "id": "00000000-0000-4000-8000-000000000001",
    "userPrincipalName": "ann@x.example",
    "mail": "ann@x.example",
    "proxyAddresses": ["SMTP:ann@x.example"],
    "givenName": "Ann",
    "surname": "Lee",
    "jobTitle": None,
    "businessPhones": ["4155550100"],
    "mobilePhone": None,
    "officeLocation": None,
    "streetAddress": None,
    "city": None,
    "state": None,
    "country": None,
    "accountEnabled": True,
    "userType": "Member",
    "assignedLicenses": [{"skuId": SKU}],
    "usageLocation": "US",
}
COMPLETE = {
    "id": 100,
    "organization-id": CLIENT,
    "first-name": "Ann",
    "last-name": "Lee",
    "location-id": 10,
    "contact-emails": [{"value": "ann@x.example", "label-name": "Work", "primary": True}],
    "contact-phones": [
        {"value": "4155550100", "label-name": "Office", "extension": None, "primary": True, "label-type": "phone"}
    ],
}
OPTIONS = {
    "organization": str(CLIENT),
    "office365_settings": {"tenant_id": TENANT},
    "bms_settings": {
        "contact_sync": True,
        "two_way_sync": True,
        "auto_push_office365_contacts": True,
        "email_type": "Work",
        "phone_type": "Work",
        "push_method": "native",
    },
}


def stand(**behaviour) -> Stand:
    adapter = {"adapter-type-name": "Kaseya BMS", "remote-id": str(ACCOUNT), "sync": True, "orphaned": False}
    return Stand(world([ANN], [COMPLETE], [], {"itglue_noop_saves": True, **behaviour}, adapters=[adapter]))


def reported(outcome) -> tuple:
    (entry,) = outcome.result["contacts"]
    return outcome.changed, entry["action"], entry["push"], entry["unapplied"]


@pytest.mark.parametrize(
    ("behaviour", "push"),
    [
        pytest.param({"native_push": True}, "pushed", id="it-glue-pushes"),
        pytest.param({"native_push": True, "native_push_delay_seconds": 20}, "pushed", id="within-push-wait"),
        pytest.param({"native_push": True, "native_push_delay_seconds": 500}, "pending", id="later"),
        pytest.param({"native_push": False}, "pending", id="not-at-all"),
    ],
)
def test_it_is_saved_once_and_the_second_run_changes_nothing(behaviour, push):
    it = stand(**behaviour)
    foreseen = it.sync(check=True, **OPTIONS)
    assert reported(foreseen) == (True, "update", "pending", [])
    assert foreseen.writes == []
    assert foreseen.result["diff"][-1]["after"] == "contact: saved again as it is\n"
    assert reported(it.sync(**OPTIONS)) == (True, "update", push, [])
    after = it.state()
    for check in (True, False):
        again = it.sync(check=check, **OPTIONS)
        assert (again.changed, again.writes) == (False, [])
    assert it.state() == after


def test_what_was_pushed_after_all_is_found_by_the_next_run():
    it = stand(native_push=True, native_push_delay_seconds=500)
    it.sync(**OPTIONS)
    it.clock.sleep(500)
    assert reported(it.sync(**OPTIONS))[:3] == (False, "linked", None)


def test_who_is_still_waiting_a_day_later_is_saved_again():
    contact = {**COMPLETE, "updated-at": "2026-01-01T00:00:00.000Z"}
    it = Stand(world([ANN], [contact], [], {"itglue_noop_saves": True}))
    assert reported(it.sync(**OPTIONS))[:2] == (True, "update")
    (row,) = [row for row in it.sandbox.services["itglue"].contacts.rows.values() if row["id"] == 100]
    assert reported(it.sync(**OPTIONS))[:2] == (False, "unchanged")
    row["updated-at"] = "2026-01-02T00:00:00.000Z"
    assert reported(it.sync(**OPTIONS))[:2] == (True, "update")


def test_an_it_glue_that_takes_it_for_nothing_is_reported_and_nothing_has_changed():
    it = stand(itglue_noop_saves=False)
    before = it.state()
    for dummy in range(2):
        outcome = it.sync(**OPTIONS)
        assert reported(outcome) == (False, "unchanged", "pending", ["touch"])
        assert ["Edit and save them in IT Glue" in each for each in outcome.warnings] == [True]
    assert it.state() == before


def test_a_plan_of_it_is_applied_once(tmp_path):
    it, path = stand(), tmp_path / "plan.json"
    it.sync(check=True, plan_file=str(path), **OPTIONS)
    (entry,) = json.loads(path.read_text(encoding="utf-8"))["operations"]
    assert entry["itglue"]["before"] == entry["itglue"]["after"] != {}
    assert it.sync(apply_plan=str(path), **OPTIONS).changed
    again = it.sync(apply_plan=str(path), **OPTIONS)
    assert (again.changed, again.writes, again.result["refused"]) == (False, [], [])


def test_there_is_nothing_of_it_to_revert(tmp_path):
    it, journal = stand(), str(tmp_path / "journal")
    it.sync(journal_file=journal, **OPTIONS)
    reverted = it.sync(organization=str(CLIENT), state="reverted", journal_file=journal)
    assert (reverted.changed, reverted.result["reverted"], reverted.result["not_reverted"]) == (False, [], [])


def test_what_is_set_in_bms_before_a_new_look_at_it_stays_in_the_result():
    """Between a create and an update BMS is read again, and shows the departed person as inactive by then."""
    gone = {**ANN, "accountEnabled": False}
    zed = {**ANN, "id": f"{ANN['id'][:-1]}2", "givenName": "Zed", "userPrincipalName": "zed@x.example"}
    zed |= {"mail": "zed@x.example", "proxyAddresses": ["SMTP:zed@x.example"]}
    # Without a first name IT Glue would not push the contact of the departed person.
    contact = {**COMPLETE, "first-name": None}
    emails = [{"emailAddress": "ann@x.example", "emailTypeId": 1, "isDefault": True}]
    in_bms = {
        "id": 901,
        "accountId": ACCOUNT,
        "locationId": 31,
        "firstName": "Ann",
        "lastName": "Lee",
        "emails": emails,
    }
    stand = Stand(world([gone, zed], [contact], [in_bms], {"native_push": True}, adapters=[_link(ACCOUNT)]))
    office365 = {**OPTIONS["office365_settings"], "set_phone_numbers_primary": True, "phone_type": "Office"}
    given = {**OPTIONS, "office365_settings": office365, "departed": "deactivate", "departed_contact_type": "Former"}

    foreseen, real = stand.sync(check=True, **given), stand.sync(**given)
    assert [each["push"] for each in real.contacts().values() if each["push"]] == ["pushed"]
    assert [each["after"]["bms-active"] for each in real.result["departed"]] == [False]
    assert foreseen.result["departed"] == real.result["departed"]

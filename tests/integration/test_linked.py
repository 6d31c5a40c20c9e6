# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`update_linked` and native push with ansible-playbook, from the preview to the way back."""

from __future__ import annotations

import json

import pytest

from tests.integration.test_plan import contacts, play, writes
from tests.sandbox.launch import Running, running

TENANT = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11"
SETTINGS = {
    "office365_settings": {"tenant_id": TENANT, "user_filter": {"licensed_only": False}},
    "bms_settings": {"contact_sync": True, "two_way_sync": True, "email_type": "Work", "phone_type": "Desk"},
}


def user(name: str, **values) -> dict:
    address = f"{name}.lee@frog.example"
    return {
        "id": f"{len(name):08}-0000-4000-8000-000000000001",
        "userPrincipalName": address,
        "mail": address,
        "proxyAddresses": [f"SMTP:{address}", f"smtp:{name}@frog.example"],
        "givenName": name.title(),
        "surname": "Lee",
        "businessPhones": ["4155550100"],
        **values,
    }


def contact(ident: int, name: str, **values) -> dict:
    """As Microsoft has it, but without the alias."""
    return {
        "id": ident,
        "organization-id": 1,
        "first-name": name.title(),
        "last-name": "Lee",
        "location-id": 10,
        "contact-emails": [{"value": f"{name}.lee@frog.example", "label-name": "Work", "primary": True}],
        "contact-phones": [{"value": "4155550100", "label-name": "Office", "primary": True}],
        **values,
    }


LINK = {"adapter-type-name": "Kaseya BMS", "remote-id": "90211", "sync": True, "orphaned": False}
WORLD = {
    "entra": {"tenants": [{"tenant_id": TENANT, "users": [user("ann", jobTitle="Head"), user("robin")]}]},
    "itglue": {
        "organizations": [{"id": 1, "name": "Happy Frog", "adapters": [{**LINK, "remote-id": "2528"}]}],
        "locations": [{"id": 10, "organization-id": 1, "name": "HQ", "primary": True}],
        "contacts": [contact(72, "ann", adapters=[LINK]), contact(73, "robin")],
    },
    "bms": {
        "email_types": [{"id": 1, "name": "Work"}],
        "phone_types": [{"id": 1, "name": "Home"}, {"id": 2, "name": "Desk"}],
        "accounts": [
            {"id": 2528, "accountName": "Happy Frog", "locations": [{"id": 31, "locationName": "HQ", "isMain": True}]}
        ],
        "contacts": [
            {
                "id": 90211,
                "accountId": 2528,
                "locationId": 31,
                "firstName": "Anne",
                "lastName": "Lee",
                "jobTitle": "Clerk",
                "emails": [{"emailAddress": "old@frog.example", "emailTypeId": 1, "isDefault": True}],
                "phones": [{"phone": "3315550199", "phoneTypeId": 2, "isDefault": True}],
            }
        ],
    },
}


def world(**behaviour) -> dict:
    return {**WORLD, "behaviour": {"itglue_noop_saves": True, **behaviour}}


@pytest.fixture(scope="module")
def started():
    with running(world()) as sandbox:
        yield sandbox


@pytest.fixture
def sync(started: Running, tmp_path):
    """Runs a task of contact_sync on Happy Frog and returns its result."""

    def sync(*options: str, **arguments) -> dict:
        result = tmp_path / "result.json"
        tasks = [
            {
                "msp.psa_sync.contact_sync": {"organization": "Happy Frog", **SETTINGS, **arguments},
                "register": "synced",
            },
            {"keep": {"dest": str(result), "content": "{{ synced | to_json }}"}},
        ]
        started.clear_requests()
        done = play(started, tmp_path, tasks, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        shown = " ".join((done.stdout + done.stderr).split())
        return {**json.loads(result.read_text(encoding="utf-8")), "shown": shown}

    return sync


def of_ann(result: dict) -> dict:
    return next(each for each in result["contacts"] if each["contact_id"] == 72)


def test_a_linked_contact_follows_in_both_and_back(started, sync, tmp_path):
    started.load(world())
    before = contacts(started, "bms")
    journal = str(tmp_path / "journal")
    foreseen = sync("--check", "--diff", update_linked=True)
    assert writes(started) == []
    assert "+bms-emails: ann.lee@frog.example (Work, default)" in foreseen["shown"]
    assert "-bms-phones: 3315550199 (Desk, default)" in foreseen["shown"]

    real = sync(update_linked=True, journal_file=journal)
    assert of_ann(real) == of_ann(foreseen)
    assert (of_ann(real)["action"], of_ann(real)["push"], of_ann(real)["bms_contact_id"]) == ("update", None, 90211)
    ann = contacts(started, "bms")[90211]
    assert (ann["firstName"], ann["jobTitle"]) == ("Ann", "Head")
    assert [(each["emailAddress"], each["isDefault"]) for each in ann["emails"]] == [
        ("old@frog.example", False),
        ("ann.lee@frog.example", True),
        ("ann@frog.example", False),
    ]
    assert [(each["phone"], each["phoneTypeId"], each["isDefault"]) for each in ann["phones"]] == [
        ("4155550100", 2, True)
    ]

    again = sync(update_linked=True)
    assert (again["changed"], writes(started)) == (False, [])

    reverted = sync(state="reverted", journal_file=journal)
    assert (reverted["changed"], reverted["not_reverted"]) == (True, [])
    assert contacts(started, "bms") == before


def test_without_update_linked_bms_is_not_even_asked(started, sync):
    started.load(world())
    found = sync("--check")
    assert found["summary"]["api_calls"].get("bms", 0) == 0
    assert found["summary"]["actions"]["linked"] == 1


def test_a_bms_without_the_new_ways_takes_the_rest(started, sync):
    started.load(world(bms_contact_patch_endpoints=False))
    found = sync(update_linked=True)
    assert of_ann(found)["unapplied"] == ["bms-emails", "bms-phones"]
    assert {each for each in of_ann(found)["after"] if each.startswith("bms-")} == {"bms-first-name", "bms-job-title"}
    for each in ("Emails", "Phones"):
        assert f"Not set in BMS: {each}, for ann.lee@frog.example." in found["shown"]
    ann = contacts(started, "bms")[90211]
    assert (ann["jobTitle"], ann["emails"][0]["emailAddress"]) == ("Head", "old@frog.example")
    assert not sync(update_linked=True)["changed"]


def test_native_saves_what_was_complete_and_it_glue_pushes_it(started, sync):
    native = {**SETTINGS["bms_settings"], "auto_push_office365_contacts": True, "push_method": "native"}
    given = {"bms_settings": native, "office365_settings": {**SETTINGS["office365_settings"], "sync_aliases": False}}
    started.load(world(native_push=True))
    foreseen = sync("--check", "--diff", **given)
    assert "+contact: saved again as it is" in foreseen["shown"]
    (robin,) = sync(**given)["contacts"]
    assert (robin["contact_id"], robin["action"], robin["push"]) == (73, "update", "pushed")
    assert robin["bms_contact_id"] in contacts(started, "bms")
    again = sync(**given)
    assert (again["changed"], writes(started)) == (False, [])

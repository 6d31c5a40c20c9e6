# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The worked example of the matching guide: its users and contacts are synced, and its outcomes come out."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching import match
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching_index import Circumstances
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Contact, Email, ItGlueId, User
from tests.tools.guides import GUIDES, of_guide, tables
from tests.trust.inprocess import Outcome, Stand
from tests.unit.engine.builders import PUSHING, bms, codes, contact_named, in_bms, planned, snapshot, user_named

Json = dict[str, Any]

GUIDE = "matching_guide"
TABLES = tables(GUIDE)
OUTCOME, RESOLVED = TABLES["Outcome"], TABLES["Outcome, once resolved"]
USERS, CONTACTS = TABLES["Users in Microsoft 365"], TABLES["Contacts in IT Glue"]
BMS_CONTACTS = TABLES["Contacts in BMS, beside those that are linked"]
TENANT = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11"
LICENCE = "05e9a617-0261-4cee-bb44-138d3ef5d965"
OVERRIDES = next(
    given["sync_match_overrides"]
    for block in of_guide(GUIDE)
    if "sync_match_overrides" in (given := yaml.safe_load(block.text))
)


def quick_start_settings() -> Json:
    """The settings that the quick start declares, and the pattern that the example names."""
    files = {
        block.caption: yaml.safe_load(block.text) for block in of_guide("quick_start_guide") if block.kind == "yaml"
    }
    common, own = files["inventory/group_vars/clients.yml"], files["inventory/host_vars/happy_frog.yml"]
    office365 = common["office365_sync_defaults"] | own["office365_sync_settings"]
    return {
        "office365_settings": office365 | {"user_filter": {"exclude": ["svc-*"]}},
        "bms_settings": common["bms_sync_defaults"],
    }


def user(number: int, row: dict[str, str]) -> Json:
    mail, *aliases = row["Mail address, aliases"].split(", ")
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "userPrincipalName": row["Username"],
        "givenName": row["First name"] or None,
        "surname": row["Last name"] or None,
        "mail": mail or None,
        "proxyAddresses": [f"SMTP:{mail}"] * bool(mail) + [f"smtp:{each}" for each in aliases],
        "businessPhones": [f"+1 555 0100 1{number:02d}"],
        "accountEnabled": row["Remark"] != "disabled",
        "assignedLicenses": [] if row["Remark"] == "no licence" else [{"skuId": LICENCE}],
    }


def as_user(row: Json) -> User:
    return User(
        row["id"],
        row["userPrincipalName"],
        row["mail"],
        tuple(row["proxyAddresses"]),
        row["givenName"],
        row["surname"],
    )


def emails(row: dict[str, str]) -> list[str]:
    return [each for each in row["E-mails"].split(", ") if each]


def contact(row: dict[str, str]) -> Json:
    linked = {"adapter-type-name": "Kaseya BMS", "remote-id": "8001", "sync": True, "orphaned": False}
    return {
        "id": int(row["Id"]),
        "organization-id": 1,
        "first-name": row["First name"],
        "last-name": row["Last name"],
        "location-id": 11,
        "contact-emails": [
            {"value": each, "label-name": "Work", "primary": not index} for index, each in enumerate(emails(row))
        ],
        "contact-phones": [],
        "adapters": [linked] if row["Linked to BMS"] == "yes" else [],
        "psa-integration": "enabled" if row["Linked to BMS"] == "yes" else None,
    }


def bms_contact(row: dict[str, str]) -> Json:
    return {
        "id": int(row["Id"]),
        "accountId": 2501,
        "locationId": 3101,
        "firstName": row["First name"],
        "lastName": row["Last name"],
        "isActive": True,
        "emails": [{"emailAddress": each, "emailTypeId": 1, "isDefault": True} for each in emails(row)],
        "phones": [],
    }


def world() -> Json:
    return {
        "entra": {
            "tenants": [
                {
                    "tenant_id": TENANT,
                    "display_name": "Happy Frog",
                    "verified_domains": ["frog.example", "frog.onmicrosoft.com"],
                    "users": [user(number, row) for number, row in enumerate(USERS)],
                }
            ]
        },
        "itglue": {
            "organizations": [{"id": 1, "name": "Happy Frog"}],
            "locations": [{"id": 11, "organization-id": 1, "name": "Headquarters", "primary": True}],
            "contacts": [contact(row) for row in CONTACTS],
        },
        "bms": {
            "email_types": [{"id": 1, "name": "Work"}],
            "phone_types": [{"id": 1, "name": "Work"}],
            "accounts": [
                {
                    "id": 2501,
                    "accountName": "Happy Frog",
                    "locations": [{"id": 3101, "locationName": "Headquarters", "isMain": True}],
                }
            ],
            "contacts": [bms_contact(row) for row in BMS_CONTACTS],
        },
    }


def outcome(stand: Stand, *, check: bool, **options: Any) -> Outcome:
    done = stand.sync(check=check, organization="Happy Frog", **quick_start_settings(), **options)
    assert done.error is None
    return done


def rows(done: Outcome, *, present: set[int]) -> dict[str, tuple[str, ...]]:
    """By user what the table has: found by, contact, in IT Glue, in BMS. A contact that is new has no id in it."""
    return {
        each["user"]: (
            each["matched_by"] or "",
            str(each["contact_id"]) if each["contact_id"] in present else "",
            each["action"],
            each["push"] or "",
        )
        for each in done.result["contacts"]
    }


def table(rows: list[dict[str, str]]) -> dict[str, tuple[str, ...]]:
    return {row["User"]: (row["Found by"], row["Contact"], row["In IT Glue"], row["In BMS"]) for row in rows}


SELECTED = {row["User"] for row in OUTCOME if row["In IT Glue"] != "excluded"}
PRESENT = {int(row["Id"]) for row in CONTACTS}


def test_the_rules_alone_find_the_contacts_of_the_table():
    users = [as_user(each) for each in world()["entra"]["tenants"][0]["users"]]
    selected = {each.id for each in users if each.username in SELECTED}
    contacts = [
        Contact(
            ItGlueId(int(row["Id"])),
            row["First name"],
            row["Last name"],
            emails=tuple(Email(each, primary=not index) for index, each in enumerate(emails(row))),
        )
        for row in CONTACTS
    ]
    found = match(users, selected, contacts, Circumstances(deleted=()))
    pairs = {each.username: found.matches.get(each.id, (None, None)) for each in users}
    assert {name: (rule or "", str(contact_id or "")) for name, (contact_id, rule) in pairs.items()} == {
        row["User"]: (row["Found by"], row["Contact"]) for row in OUTCOME
    }
    conflicts = {name for each in found.conflicts for name in each.users}
    assert conflicts == {row["User"] for row in OUTCOME if row["In IT Glue"] == "conflict"}


@pytest.mark.parametrize("check", [True, False], ids=["preview", "real"])
def test_the_outcomes_of_the_table_come_out(check):
    done = outcome(Stand(world()), check=check)
    assert rows(done, present=PRESENT) == table(OUTCOME)
    assert {row["Username"] for row in USERS} == {row["User"] for row in OUTCOME}


def test_the_overrides_are_answers_to_the_conflicts_and_resolve_them():
    stand = Stand(world())
    conflicts = outcome(stand, check=True).result["conflicts"]
    answers = {user: given for each in conflicts for user, given in each["answers"].items()}
    assert {user: target for user, target in OVERRIDES.items() if target not in answers[user]} == {}
    assert [each["match_overrides"] for each in conflicts] == [{}, {}, {}]

    resolved = rows(outcome(stand, check=True, match_overrides=OVERRIDES), present=PRESENT)
    assert {user: row for user, row in resolved.items() if user in OVERRIDES} == table(RESOLVED)
    assert outcome(stand, check=False, match_overrides=OVERRIDES).result["conflicts"] == []


def test_what_the_table_says_of_the_rows_is_true():
    stand = Stand(world())
    done = outcome(stand, check=False)
    reported = {each["user"]: each for each in done.result["contacts"]}
    ada = reported["ada@frog.example"]["after"]
    assert ada["first-name"] == "Ada"
    petra = reported["petra@frog.example"]
    assert (petra["attention"], petra["after"]["contact-emails"][0]["value"]) == (True, "petra@frog.example")
    assert len(petra["after"]["contact-emails"]) == 1
    assert {each["reason_code"] for each in done.result["conflicts"]} == {
        "several_hits",
        "names_differ",
        "possibly_returned",
    }
    assert reported["grace@frog.example"]["bms_contact_id"] == 903
    assert reported["reception@frog.example"]["missing"] == ["first_name"]
    assert reported["grace.admin@frog.example"]["reason_code"] == "unlicensed"
    assert reported["svc-backup@frog.example"]["reason_code"] == "pattern"
    assert [(each["contact_id"], each["reason_code"]) for each in done.result["departed"]] == [
        (108, None),
        (110, "departed_in_conflict"),
    ]
    (linked,) = [each for each in stand.state()["itglue"]["contacts"] if each["id"] == 104]
    assert linked["last-name"] == "Jackson"


@pytest.mark.parametrize("row", TABLES["The look-up in BMS"], ids=lambda row: f"{row['Names']}-{row['In BMS']}")
def test_the_look_up_in_bms_decides_as_its_table_says(row):
    first, dummy, last = row["Names"].partition(" ")
    there = in_bms(5, row["E-mails of the BMS contact"], first=first, last=last, active=row["Active"] == "yes")
    ann = user_named("Ann Able", "ann", "office", business_phones=("4155550100",))
    read = snapshot([ann], bms_settings=PUSHING, set_phone_numbers_primary=True, phone_type="Office")
    (operation,) = planned(read, bms(there)).operations
    assert operation.itglue.action == "create"
    assert operation.bms.push == row["In BMS"]
    assert row["Reason"] in codes(operation)


def test_the_comparison_names_the_settings_that_restore_the_way_of_it_glue():
    words = (GUIDES / "comparison_guide.rst").read_text(encoding="utf-8")
    named = re.findall(r"``(\w+: \w+)`` restores IT Glue's way", words)
    assert named == ["different_names: match", "primary_email: username"]
    someone = user_named("Jane Roe", "jane", username="j.smith", id="id-jane")
    (same,) = planned(snapshot([someone], [contact_named(1, "John Smith", "j.smith")])).operations
    assert (same.itglue.action, same.itglue.contact_id) == ("conflict", None)
    given = dict(each.split(": ") for each in named)
    (as_it_glue,) = planned(snapshot([someone], [contact_named(1, "John Smith", "j.smith")], **given)).operations
    assert (as_it_glue.itglue.action, as_it_glue.itglue.contact_id) == ("update", 1)
    assert as_it_glue.itglue.contact.emails[0].primary

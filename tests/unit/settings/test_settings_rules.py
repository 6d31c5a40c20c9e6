# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging what is declared with what is stored, and the rules on the result."""

from __future__ import annotations

import json

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import settings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import BMS, KINDS, OFFICE365
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, SettingsError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsSettings, Office365Settings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge, violations

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"

DEFAULTS = {
    OFFICE365: {
        "tenant_id": None,
        "set_phone_numbers_primary": False,
        "phone_type": None,
        "phone_labels": {"office": "Office", "mobile": "Mobile"},
        "email_label": "Work",
        "replace_blank_phone_numbers": False,
        "primary_email": "mail",
        "different_names": "conflict",
        "sync_aliases": True,
        "contact_type": None,
        "user_filter": {
            "licensed_only": True,
            "license_skus": [],
            "include_disabled": False,
            "include_guests": False,
            "groups": [],
            "domains": [],
            "exclude": [],
            "require_name": True,
        },
    },
    BMS: {
        "contact_sync": False,
        "two_way_sync": False,
        "auto_push_office365_contacts": False,
        "email_type": None,
        "phone_type": None,
        "push_method": "direct",
        "account": None,
    },
}
PUSH = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "2",
}


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_apply_where_nothing_is_stored(kind):
    assert merge(kind, None, None) == DEFAULTS[kind]
    assert merge(kind, {}, {"state": "present", "organization": "1"}) == DEFAULTS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_merged_mapping_is_its_own_merge(kind):
    merged = merge(kind, None, None)
    assert merge(kind, merged, None) == merged
    assert merge(kind, None, merged) == merged
    assert violations(kind, merged) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_mapping_is_plain_data_and_nobody_elses(kind):
    merged = merge(kind, None, None)
    assert json.loads(json.dumps(merged)) == merged
    if kind == OFFICE365:
        merged["user_filter"]["groups"].append("changed")
        assert merge(kind, None, None) == DEFAULTS[kind]


@pytest.mark.parametrize(
    ("stored", "declared", "result"),
    [
        ({"email_label": "Desk"}, {"email_label": None}, "Desk"),
        ({"email_label": "Desk"}, {}, "Desk"),
        ({"email_label": "Desk"}, {"email_label": ""}, "Work"),
        ({"email_label": "Desk"}, {"email_label": " \u00a0"}, "Work"),
        ({"email_label": "Desk"}, {"email_label": "Post"}, "Post"),
        ({"email_label": "R&D\u00a0 desk"}, {}, "R&D desk"),
        ({"email_label": "e\u0301tage"}, {}, "\u00e9tage"),
        (None, {"email_label": 7}, "7"),
    ],
)
def test_text_not_given_given_and_cleared(stored, declared, result):
    assert merge(OFFICE365, stored, declared)["email_label"] == result


@pytest.mark.parametrize(
    ("stored", "declared", "result"),
    [
        ({"sync_aliases": False}, {"sync_aliases": None}, False),
        ({"sync_aliases": False}, {"sync_aliases": True}, True),
        ({"sync_aliases": "No"}, {}, False),
        ({"sync_aliases": "yes "}, {}, True),
        ({"sync_aliases": ""}, {}, True),
        ({"sync_aliases": "perhaps"}, {}, "perhaps"),
        ({"sync_aliases": "perhaps"}, {"sync_aliases": False}, False),
    ],
)
def test_yes_and_no(stored, declared, result):
    assert merge(OFFICE365, stored, declared)["sync_aliases"] == result


@pytest.mark.parametrize(
    ("stored", "declared", "result"),
    [
        (["a", "b"], None, ["a", "b"]),
        (["a", "b"], [], []),
        (["a", "b"], "", []),
        (["a", "b"], [""], []),
        (["a", "b"], ["b", "a"], ["a", "b"]),
        (["a", "b"], ["b"], ["b"]),
        (None, ["a\nb", " c ", "a", None], ["a", "b", "c"]),
    ],
)
def test_lists(stored, declared, result):
    merged = merge(OFFICE365, {"user_filter": {"groups": stored}}, {"user_filter": {"groups": declared}})
    assert merged["user_filter"]["groups"] == result


def test_a_partly_given_group_changes_only_what_it_gives():
    stored = {"user_filter": {"groups": ["Staff"], "include_guests": True}, "phone_labels": {"office": "Desk"}}
    declared = {"user_filter": {"include_guests": False}, "phone_labels": {"office": None, "mobile": "Cell"}}
    merged = merge(OFFICE365, stored, declared)
    assert merged["user_filter"] == {**DEFAULTS[OFFICE365]["user_filter"], "groups": ["Staff"]}
    assert merged["phone_labels"] == {"office": "Desk", "mobile": "Cell"}


@pytest.mark.parametrize("empty", [None, {}])
def test_an_empty_group_gives_nothing(empty):
    stored = {"user_filter": {"groups": ["Staff"]}}
    assert merge(OFFICE365, stored, {"user_filter": empty})["user_filter"]["groups"] == ["Staff"]


def test_guids_and_domains_have_one_form():
    merged = merge(
        OFFICE365,
        None,
        {
            "tenant_id": f" {{{TENANT.upper()}}} ",
            "user_filter": {"license_skus": [SKU.upper(), SKU], "domains": ["@Contoso.COM", "contoso.com."]},
        },
    )
    assert merged["tenant_id"] == TENANT
    assert merged["user_filter"]["license_skus"] == [SKU]
    assert merged["user_filter"]["domains"] == ["contoso.com"]
    assert not violations(OFFICE365, merged)


@pytest.mark.parametrize(
    "name", ["xn--bcher-kva.example", "b\u00fccher.example", "l\u00b7l.example", "\u0915\u093f.example"]
)
def test_a_domain_in_any_script_is_one(name):
    assert not violations(OFFICE365, merge(OFFICE365, None, {"user_filter": {"domains": [name]}}))


def test_the_phone_type_takes_the_spelling_of_its_label():
    assert merge(OFFICE365, {"phone_type": "office"}, None)["phone_type"] == "Office"
    declared = {"phone_labels": {"office": "OFFICE"}}
    assert merge(OFFICE365, {"phone_type": "Office"}, declared)["phone_type"] == "OFFICE"


@pytest.mark.parametrize(
    ("kind", "declared", "says"),
    [
        (OFFICE365, {"tenant_id": "contoso.onmicrosoft.com"}, ["tenant_id: 'contoso.onmicrosoft.com' is no GUID"]),
        (OFFICE365, {"set_phone_numbers_primary": True}, ["phone_type: set_phone_numbers_primary needs one"]),
        (OFFICE365, {"replace_blank_phone_numbers": True}, ["phone_type: replace_blank_phone_numbers needs one"]),
        (OFFICE365, {"phone_type": "Fax"}, ["phone_type: 'Fax' is none of the phone labels 'Office', 'Mobile'"]),
        (
            OFFICE365,
            {"phone_type": "Office", "phone_labels": {"office": "Desk"}},
            ["phone_type: 'Office' is none of the phone labels 'Desk', 'Mobile'"],
        ),
        (
            OFFICE365,
            {"phone_labels": {"office": "mobile"}},
            ["phone_labels: office and mobile are both 'mobile'"],
        ),
        (OFFICE365, {"primary_email": "alias"}, ["primary_email: 'alias' is not one of mail and username"]),
        (OFFICE365, {"user_filter": {"license_skus": ["SPE_E3"]}}, ["user_filter.license_skus: 'SPE_E3': no GUID"]),
        (OFFICE365, {"user_filter": {"domains": ["a@b.c"]}}, ["user_filter.domains: 'a@b.c': no domain"]),
        *(
            (OFFICE365, {"user_filter": {"domains": [wrong]}}, [f"user_filter.domains: '{wrong}': no domain"])
            for wrong in ("a.example,b.example", "a.example;b.example", "a.example\uff0cb.example", "a.example:")
        ),
        (OFFICE365, {"user_filter": {"exclude": ["a*\u3001b*"]}}, ["user_filter.exclude: 'a*\u3001b*': a comma"]),
        (OFFICE365, {"user_filter": {"require_name": "?"}}, ["user_filter.require_name: '?' is neither yes nor no"]),
        (BMS, {**PUSH, "contact_sync": False}, ["auto_push_office365_contacts: needs contact_sync"]),
        (BMS, {**PUSH, "two_way_sync": False}, ["auto_push_office365_contacts: needs two_way_sync"]),
        (BMS, {**PUSH, "email_type": ""}, ["email_type: auto_push_office365_contacts needs an e-mail type"]),
        (BMS, {**PUSH, "phone_type": ""}, ["phone_type: auto_push_office365_contacts needs a phone type"]),
        (
            BMS,
            {"auto_push_office365_contacts": True},
            ["needs contact_sync", "needs two_way_sync", "needs an e-mail type", "needs a phone type"],
        ),
        (BMS, {"push_method": "magic"}, ["push_method: 'magic' is not one of direct and native"]),
    ],
)
def test_a_broken_rule_names_option_organization_and_way_out(kind, declared, says):
    merged = merge(kind, None, declared)
    found = violations(kind, merged)
    assert len(found) == len(says)
    with pytest.raises(SettingsError) as caught:
        settings.check(kind, merged, organization="Happy Frog (2)", address="https://itglue.example/2/assets/3")
    message = str(caught.value)
    assert isinstance(caught.value, InputError)
    assert all(part in message for part in says)
    assert "Happy Frog (2)" in message
    assert "https://itglue.example/2/assets/3" in message
    assert message.endswith("or correct them in that asset.")
    with pytest.raises(SettingsError, match=r" Correct the options named\.$"):
        settings.check(kind, merged)


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        (OFFICE365, {"set_phone_numbers_primary": True, "phone_type": "Mobile"}),
        (OFFICE365, {"phone_type": "desk", "phone_labels": {"office": "Desk"}, "replace_blank_phone_numbers": True}),
        (OFFICE365, {"tenant_id": TENANT, "primary_email": "Username"}),
        (BMS, PUSH),
        (BMS, {"contact_sync": True, "email_type": "", "push_method": "native"}),
    ],
)
def test_what_keeps_the_rules_is_let_through(kind, declared):
    settings.check(kind, merge(kind, None, declared))


def test_a_stored_value_that_breaks_a_rule_is_mended_by_declaring_it():
    stored = {**PUSH, "two_way_sync": "Maybe", "push_method": "smoke signals"}
    assert len(violations(BMS, merge(BMS, stored, {}))) == 2
    assert violations(BMS, merge(BMS, stored, {"two_way_sync": True, "push_method": "direct"})) == []


def test_unknown_lines_of_phone_labels_stay_until_both_labels_are_given():
    stored = {"phone_labels": {"office": "Desk", "moblie": "Cell"}}
    for declared in (None, {"phone_labels": {"mobile": "Cell"}}):
        (broken,) = violations(OFFICE365, merge(OFFICE365, stored, declared))
        assert "'moblie'" in broken
    merged = merge(OFFICE365, stored, {"phone_labels": {"office": "Desk", "mobile": "Cell"}})
    assert merged["phone_labels"] == {"office": "Desk", "mobile": "Cell"}
    assert violations(OFFICE365, merged) == []


def test_what_others_typed_is_quoted_short_and_on_one_line():
    (broken,) = violations(OFFICE365, merge(OFFICE365, {"tenant_id": "x\n" * 500}, None))
    assert "\n" not in broken
    assert len(broken) < 200


def test_dataclasses_have_the_same_defaults():
    assert settings.office365(merge(OFFICE365, None, None)) == Office365Settings()
    assert settings.bms(merge(BMS, None, None)) == BmsSettings()


def test_dataclasses_hold_what_the_mapping_says():
    mapping = {"phone_type": "desk", "phone_labels": {"office": "Desk"}, "user_filter": {"groups": ["Staff"]}}
    made = settings.office365(merge(OFFICE365, mapping, None))
    assert made.phone_type == made.phone_labels.office == "Desk"
    assert made.user_filter.groups == ("Staff",)
    assert settings.bms(merge(BMS, PUSH, None)).pushes


@pytest.mark.parametrize(
    "line",
    [
        "svc-*, test-*",
        "svc-*;test-*",
        "- svc-*",
        "* svc-*",
        "\u2022 svc-*",
        "\u2022svc-*",
        "\u2013 svc-*",
        "1. svc-*",
        "2) svc-*",
        "a) svc-*",
        "{'svc-*': None}",
        "['svc-*']",
        "svc-*:",
        "svc-* room-*",
    ],
)
def test_a_line_that_can_fit_nobody_is_no_pattern(line):
    (found,) = violations(OFFICE365, merge(OFFICE365, None, {"user_filter": {"exclude": ["a*", line]}}))
    assert found.startswith("user_filter.exclude: ")
    assert line in found or repr(line) in found
    assert "a*'" not in found.replace(repr(line), "")


@pytest.mark.parametrize(
    "line",
    [
        "svc-*",
        "*@test.example",
        "1.svc@frog.example",
        "-x@frog.example",
        "o'neil@*",
        "_x",
        "2fa-*",
        "*",
        "**x",
        "R&D<*>",
    ],
)
def test_patterns_of_addresses_and_usernames(line):
    assert violations(OFFICE365, merge(OFFICE365, None, {"user_filter": {"exclude": [line]}})) == []


def test_what_follows_an_ignored_tenant_is_for_people_to_read():
    tenant_id = "05e9a617-0261-4cee-bb44-138d3ef5d965"
    assert settings.ignored_tenant(f"{tenant_id.upper()} Happy Frog, left in May") == tenant_id

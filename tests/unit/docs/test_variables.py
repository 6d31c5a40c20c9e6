# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that are spelled wrongly are found, and files have safe and short names."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import (
    OF_NOTIFY,
    file_stem,
    known_variables,
    misspelled,
    misspelled_of_role,
)
from tests.tools.files import ROOT
from tests.tools.guides import tables


def said(*names: str) -> str:
    return " ".join(misspelled(names))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("sync_max_create", "sync_max_creates"),
        ("sync_plan_dir", "sync_plan_directory"),
        ("office365_sync_setting", "office365_sync_settings"),
        ("bms_sync_default", "bms_sync_defaults"),
        ("match_overrides", "sync_match_overrides"),
        ("bms_match_overrides", "sync_bms_match_overrides"),
        ("departed_keep", "sync_departed_keep"),
        ("max_creates", "sync_max_creates"),
        ("plan_directory", "sync_plan_directory"),
        ("phone_type", "bms_sync_settings.phone_type"),
        ("user_filter", "office365_sync_settings.user_filter"),
        ("tenant_id", "office365_sync_settings.tenant_id"),
        ("office365_settings", "office365_sync_settings"),
        ("bms_settings", "bms_sync_settings"),
        ("plan_file", "sync_plan_directory"),
        ("journal_file", "sync_journal_directory"),
        ("max_fail_percentage", "sync_max_fail_percentage"),
        ("ofice365_sync_settings", "office365_sync_settings"),
        ("bms_quotas", "bms_quota"),
        ("itglue_qouta", "itglue_quota"),
        ("itglue_organisation", "itglue_organization"),
    ],
)
def test_the_near_name_is_reported(name, near):
    assert name in said(name)
    assert f"Did you mean {near}?" in said(name)


@pytest.mark.parametrize(
    ("module", "name", "near"),
    [
        ("tenant_match_info", "onboard_client", "onboard_clients"),
        ("tenant_match_info", "onboard_dir", "onboard_directory"),
        ("tenant_match_info", "onboard_partner_tenant", "onboard_partner_tenant_id"),
        ("api_probe", "probe_organisation", "probe_organization"),
        ("api_probe", "probe_write_bm", "probe_write_bms"),
    ],
)
def test_the_near_name_is_reported_by_the_playbook_whose_prefix_it_has(module, name, near):
    assert f"{name} is none of msp.psa_sync" in " ".join(misspelled([name], [module]))
    assert f"Did you mean {near}?" in " ".join(misspelled([name], [module]))
    assert said(name) == ""


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("notify_team_url", "notify_teams_url"),
        ("notify_mail_to", "notify_email_to"),
        ("notify_email_hosts", "notify_email_host"),
        ("notify_webhook", "notify_webhook_url"),
    ],
)
def test_the_near_name_of_the_role_is_reported(name, near):
    (sentence,) = misspelled_of_role([name])
    assert f"{name} is none of msp.psa_sync" in sentence
    assert f"Did you mean {near}?" in sentence


def test_the_variables_of_the_role_are_known_and_others_left_alone():
    defaults = yaml.safe_load((ROOT / "roles" / "notify" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    specs = yaml.safe_load((ROOT / "roles" / "notify" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    assert set(defaults) == set(specs["argument_specs"]["main"]["options"]) == OF_NOTIFY
    assert list(misspelled_of_role([*OF_NOTIFY, "notify_zzzzzz", "notification", "__notify_sent"])) == []


def test_the_variables_of_the_guide_are_known_to_their_playbooks():
    modules = {"onboard": "tenant_match_info", "probe": "api_probe"}
    for row in tables("playbooks_guide")["Variables"]:
        playbook = modules.get(row["Of the playbooks"])
        assert list(misspelled([row["Variable"]], [playbook] if playbook else [])) == []


def test_a_variable_like_none_is_reported_too():
    assert "sync_zzzzzzzzzz is none of msp.psa_sync" in said("sync_zzzzzzzzzz")


@pytest.mark.parametrize(
    "name",
    [
        "users",
        "state",
        "report",
        "organization",
        "account",
        "timeout",
        "synced",
        "synchronize",
        "itglue_url",
        "proxy",
        "bms_username_prod",
        "my_sync_settings",
    ],
)
def test_variables_of_other_people_are_left_alone(name):
    assert said(name) == ""


def test_the_variables_of_the_guide_are_known():
    guide = {row["Variable"] for row in tables("playbooks_guide")["Variables"]}
    ours = {name for name in guide if name.startswith(("sync_", "office365_sync_", "bms_sync_"))}
    assert ours <= known_variables()
    assert said(*guide) == ""


@pytest.mark.parametrize("host", ["happy_frog", "acme-17", "72", "Frog.example", "a" * 100])
def test_a_safe_and_short_name_is_kept(host):
    assert file_stem(host) == host


@pytest.mark.parametrize(
    "host",
    [
        "../../x",
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "Müller & Söhne GmbH",
        "a" * 101,
        "x" * 300,
        "-rf",
        "name\n",
        "\x00",
        "日本",
        "\ud800",
    ],
)
def test_any_other_name_becomes_one(host):
    stem = file_stem(host)
    assert stem.isascii()
    assert len(f"{stem}.plan.json") < 100
    assert file_stem(stem) == stem
    assert stem != host


def test_names_that_look_alike_have_files_of_their_own():
    assert len({file_stem(host) for host in ("a/b", "a b", "a\\b", "a:b", "a-b")}) == 5

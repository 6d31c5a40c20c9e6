# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the four settings modules do and return, with IT Glue in memory."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import sync_settings
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.option_specs import SETTINGS_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.settings_changes import TWO_WAY_SYNC
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import BMS, KINDS, OFFICE365
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, SettingsError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge
from tests.unit.settings.fake_itglue import FakeItGlue

PLUGINS = "ansible_collections.msp.psa_sync.plugins"
TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
FIRST = {
    OFFICE365: {"tenant_id": TENANT, "phone_type": "Office", "user_filter": {"exclude": ["svc-*"]}},
    BMS: {"contact_sync": True, "email_type": "Work"},
}
SECOND = {
    OFFICE365: {"phone_type": "", "user_filter": {"exclude": [], "groups": ["Staff"]}, "primary_email": "username"},
    BMS: {"email_type": "", "two_way_sync": True, "push_method": "native"},
}


@pytest.fixture
def itglue(monkeypatch):
    fake = FakeItGlue()
    monkeypatch.setattr(sync_settings, "Clients", lambda params, task: SimpleNamespace(itglue=fake))
    return fake


@pytest.fixture(autouse=True)
def own_locks(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


class Runner:
    """Runs the glue of a module with arguments as Ansible validates them."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def __call__(self, kind, *, check=False, info=False, **arguments):
        spec, perform = sync_settings.MODULES[f"{kind}_sync_settings{'_info' if info else ''}"]
        if not info:
            arguments.setdefault("organization", "Happy Frog")
        checked = ArgumentSpecValidator(**spec.validator_arguments()).validate(arguments)
        assert not checked.error_messages
        self.warnings.clear()
        result = perform(checked.validated_parameters, Task(check_mode=check, warn=self.warnings.append))
        assert json.loads(json.dumps(result)) == result
        return result


@pytest.fixture
def run():
    return Runner()


def in_both_modes(itglue, run, kind, **arguments):
    """First in check mode, which must write nothing and foresee the real run; the real result."""
    before = len(itglue.writes)
    foreseen = run(kind, check=True, **arguments)
    assert len(itglue.writes) == before
    done = run(kind, **arguments)
    for key in ("changed", "settings", "diff", "organization"):
        assert foreseen[key] == done[key]
    assert (len(itglue.writes) > before) == done["changed"]
    return done


@pytest.mark.parametrize("kind", KINDS)
def test_create_change_remove_each_again_and_each_in_check_mode_first(itglue, run, kind):
    first, second = merge(kind, None, FIRST[kind]), merge(kind, FIRST[kind], SECOND[kind])
    steps = [
        (FIRST[kind], True, {}, first),
        (FIRST[kind], False, first, first),
        (SECOND[kind], True, first, second),
        (SECOND[kind], False, second, second),
        ({"state": "absent"}, True, second, {}),
        ({"state": "absent"}, False, {}, {}),
    ]
    for arguments, changed, before, after in steps:
        done = in_both_modes(itglue, run, kind, **arguments)
        assert done["changed"] is changed
        assert done["settings"] == after
        assert (done["diff"]["before"], done["diff"]["after"]) == (before, after)
        assert done["organization"] == {"id": 2, "name": "Happy Frog"}
        assert (done["asset_id"] is None) == (after == {}) == (done["asset_url"] is None)
        assert [one["settings"] for one in run(kind, info=True)["settings"]] == [after] * bool(after)
        assert run.warnings == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_declared_makes_the_defaults_visible(itglue, run, kind):
    assert in_both_modes(itglue, run, kind)["settings"] == merge(kind, None, None)
    assert in_both_modes(itglue, run, kind)["changed"] is False


def test_null_is_not_given_and_a_blank_clears(itglue, run):
    run(BMS, push_method="native", account="2528", email_type="Work")
    kept = run(BMS, push_method=None, account=None, email_type="")["settings"]
    assert (kept["push_method"], kept["account"], kept["email_type"]) == ("native", "2528", None)
    assert run(BMS, push_method="")["settings"]["push_method"] == "direct"
    run(OFFICE365, user_filter={"groups": ["Staff"]}, phone_labels={"office": "Desk"}, primary_email="username")
    kept = run(OFFICE365, user_filter={"groups": None}, phone_labels=None, primary_email=None)["settings"]
    assert kept["user_filter"]["groups"] == ["Staff"]
    assert (kept["phone_labels"]["office"], kept["primary_email"]) == ("Desk", "username")


@pytest.mark.parametrize(("kind", "option", "wrong"), [(OFFICE365, "primary_email", "both"), (BMS, "push_method", "x")])
def test_choices_are_refused_by_ansible_itself(kind, option, wrong):
    spec = {option: SETTINGS_OPTIONS[kind][option]}
    for given in (wrong, "Direct", "MAIL"):
        assert (
            f"value of {option} must be one of"
            in ArgumentSpecValidator(spec).validate({option: given}).error_messages[0]
        )
    for given in (None, "", *spec[option]["choices"]):
        assert not ArgumentSpecValidator(spec).validate({option: given}).error_messages


def test_no_option_has_a_default_and_none_is_a_secret():
    def specs(options):
        for name, spec in options.items():
            yield name, spec
            yield from specs(spec.get("options", {}))

    for kind in KINDS:
        for name, spec in specs(SETTINGS_OPTIONS[kind]):
            assert not {"default", "required", "no_log"} & set(spec), name


@pytest.mark.parametrize(
    ("kind", "arguments", "names"),
    [
        (OFFICE365, {"tenant_id": "happyfrog.onmicrosoft.com"}, "tenant_id"),
        (OFFICE365, {"set_phone_numbers_primary": True}, "phone_type"),
        (OFFICE365, {"phone_type": "Fax"}, "phone_type"),
        (OFFICE365, {"user_filter": {"exclude": ["svc-*, test-*"]}}, "user_filter.exclude"),
        (OFFICE365, {"phone_labels": {"office": "Phone", "mobile": "phone"}}, "phone_labels"),
        (BMS, {"auto_push_office365_contacts": True}, "auto_push_office365_contacts"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_broken_rule_is_an_error_before_any_write(itglue, run, kind, arguments, names, check):
    with pytest.raises(SettingsError) as caught:
        run(kind, check=check, **arguments)
    assert names in str(caught.value)
    assert "Happy Frog (2)" in str(caught.value)
    assert itglue.writes == []


def test_a_declaration_is_checked_together_with_what_is_stored(itglue, run):
    run(BMS, contact_sync=True, two_way_sync=True, email_type="Work")
    with pytest.raises(SettingsError, match="phone_type"):
        run(BMS, auto_push_office365_contacts=True)
    assert run(BMS, auto_push_office365_contacts=True, phone_type="Work")["changed"]
    with pytest.raises(SettingsError, match="auto_push_office365_contacts: needs two_way_sync"):
        run(BMS, two_way_sync=False)


def test_a_hand_edit_is_drift_and_is_corrected(itglue, run):
    declared = {"phone_type": "Office", "phone_labels": {"office": "Office", "mobile": "Mobile"}}
    made = run(OFFICE365, **declared)
    itglue.edit(
        made["asset_id"], phone_labels="<p>office: Desk</p><p>mobile:&nbsp;Mobile</p>", phone_type="<p>Desk</p>"
    )
    done = in_both_modes(itglue, run, OFFICE365, **declared)
    assert done["diff"]["before"]["phone_labels"]["office"] == "Desk"
    assert done["settings"] == made["settings"]
    assert in_both_modes(itglue, run, OFFICE365, **declared)["changed"] is False


def test_what_the_editor_makes_of_the_text_is_no_drift(itglue, run):
    declared = {
        "user_filter": {"groups": ["R&D <north>", "Staff"], "exclude": ["a*", "b*"]},
        "email_label": "Work mail",
    }
    made = run(OFFICE365, **declared)
    itglue.edit(
        made["asset_id"],
        groups="<p>R&amp;D &lt;north&gt;</p>\n<p>Staff&nbsp;</p>",
        exclude="<div>b*<br></div><div>a*</div>",
        email_label="Work\u00a0mail",
        sync_aliases=None,
    )
    assert in_both_modes(itglue, run, OFFICE365, **declared)["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_a_hand_edit_that_breaks_a_rule_is_reported_and_mended(itglue, run, check):
    made = run(BMS, contact_sync=True)
    itglue.edit(made["asset_id"], contact_sync="Perhaps")
    (shown,) = run(BMS, info=True, organization="2")["settings"]
    assert shown["violations"] == ["contact_sync: 'Perhaps' is neither yes nor no."]
    assert shown["settings"]["contact_sync"] == "Perhaps"
    with pytest.raises(SettingsError, match=made["asset_url"]):
        run(BMS, check=check, two_way_sync=True)
    done = run(BMS, check=check, contact_sync=True)
    assert done["changed"]
    assert done["diff"]["before"]["contact_sync"] == "Perhaps"
    assert made["asset_url"] in run.warnings[0]
    assert run(BMS, contact_sync=True)["changed"] is check


def test_the_switch_that_it_glue_has_too_brings_a_warning_when_it_is_turned_on(itglue, run):
    switched_on = {"contact_sync": True, "two_way_sync": True}
    for check, changed in ((True, True), (False, True), (False, False)):
        assert run(BMS, check=check, **switched_on)["changed"] is changed
        assert run.warnings == [TWO_WAY_SYNC.format(organization="Happy Frog")] * changed
    run(BMS, email_type="Work")
    assert run.warnings == []
    run(BMS, state="absent")
    run(BMS, **switched_on, push_method="native")
    assert run.warnings == []
    run(BMS, push_method="direct")
    assert run.warnings == [TWO_WAY_SYNC.format(organization="Happy Frog")]


def test_the_switch_that_it_glue_has_too_brings_no_warning_before_anything_is_written_to_bms(itglue, run):
    run(BMS, two_way_sync=True)
    assert run.warnings == []
    run(BMS, contact_sync=True)
    assert run.warnings == [TWO_WAY_SYNC.format(organization="Happy Frog")]


def test_removal_needs_no_sound_settings(itglue, run):
    made = run(BMS, contact_sync=True)
    itglue.edit(made["asset_id"], contact_sync="Perhaps")
    assert in_both_modes(itglue, run, BMS, state="absent")["changed"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_assets_stop_a_declaration_and_are_listed(itglue, run, state):
    made = run(BMS)
    other = itglue.add_asset(2, itglue.types[0].id, {"title": "x"})
    with pytest.raises(SettingsError) as caught:
        run(BMS, state=state)
    assert made["asset_url"] in str(caught.value)
    assert other.url in str(caught.value)
    shown = run(BMS, info=True)["settings"]
    assert [one["asset_id"] for one in shown] == [made["asset_id"], other.id]
    assert [len(one["violations"]) for one in shown] == [1, 1]


def test_an_unknown_organization_is_the_clients_error(itglue, run):
    for info in (True, False):
        with pytest.raises(InputError, match="organization"):
            run(BMS, info=info, organization="Nobody")
    with pytest.raises(InputError, match="organization"):
        run(BMS, info=True, organization="")


def test_info_of_all_and_of_one(itglue, run):
    assert run(BMS, info=True)["settings"] == []
    run(BMS, contact_sync=True)
    run(BMS, organization="Acme")
    shown = run(BMS, info=True)
    assert shown["changed"] is False
    assert [(one["organization"], one["settings"]["contact_sync"]) for one in shown["settings"]] == [
        ({"id": 5, "name": "Acme"}, False),
        ({"id": 2, "name": "Happy Frog"}, True),
    ]
    assert [one["organization"]["id"] for one in run(BMS, info=True, organization="Acme")["settings"]] == [5]


# ------------------------------------------------------- tenants and accounts of others


def bms_link(remote_id: str) -> Adapter:
    return Adapter("Kaseya BMS", remote_id, sync=True)


@pytest.mark.parametrize("check", [True, False])
def test_a_tenant_of_another_organization_is_refused(itglue, run, check):
    run(OFFICE365, organization="Acme", tenant_id=TENANT)
    written = len(itglue.writes)
    with pytest.raises(SettingsError) as caught:
        run(OFFICE365, check=check, tenant_id=TENANT.upper())
    assert TENANT in str(caught.value)
    assert "Acme (5)" in str(caught.value)
    assert len(itglue.writes) == written


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("held", ["by its setting", "by its link"])
def test_an_account_of_another_organization_is_refused(itglue, run, check, held):
    if held == "by its setting":
        run(BMS, organization="Acme", account="2528")
    else:
        itglue.adapters[5] = (bms_link("2528"),)
    written = len(itglue.writes)
    with pytest.raises(SettingsError, match=r"'2528' belongs to Acme \(5\)"):
        run(BMS, check=check, account="2528")
    assert len(itglue.writes) == written


def test_the_account_of_a_linked_organization_is_refused_by_its_name_too(itglue, run):
    """BMS is not asked which account the name means; it bears the name of the organization that is linked with it."""
    itglue.adapters[5] = (bms_link("2528"),)
    with pytest.raises(SettingsError, match=r"'acme' belongs to Acme \(5\)"):
        run(BMS, account="acme")


def test_an_account_is_not_that_of_an_organization_whose_setting_names_another(itglue, run):
    itglue.adapters[5] = (bms_link("2528"),)
    run(BMS, organization="Acme", account="2600")
    assert run(BMS, account="2528")["changed"]


def test_its_own_tenant_and_account_are_no_others(itglue, run):
    itglue.adapters[2] = (bms_link("2528"),)
    assert run(BMS, account="2528")["changed"]
    assert run(OFFICE365, tenant_id=TENANT)["changed"]
    assert run(OFFICE365, tenant_id=TENANT, phone_type="Office")["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_who_else_holds_a_tenant_is_read_only_where_one_is_given(itglue, run, check):
    run(OFFICE365, tenant_id=TENANT)
    run(BMS, account="2528", contact_sync=True)
    itglue.calls.clear()
    run(OFFICE365, check=check, tenant_id=TENANT)
    run(BMS, check=check, account="2528", contact_sync=False)
    assert "organizations" not in itglue.calls
    assert itglue.calls.count("assets") == 2


def test_a_tenant_that_has_been_given_back_is_free(itglue, run):
    run(OFFICE365, organization="Acme", tenant_id=TENANT)
    run(OFFICE365, organization="Acme", tenant_id="")
    assert run(OFFICE365, tenant_id=TENANT)["changed"]


# ------------------------------------------------------------------- documentation


@pytest.mark.parametrize("kind", KINDS)
def test_the_documentation_says_every_default(kind):
    module = importlib.import_module(f"{PLUGINS}.modules.{kind}_sync_settings")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    for option, value in _leaves(merge(kind, None, None)):
        spec = documented
        for part in option[:-1]:
            spec = spec[part]["suboptions"]
        text = " ".join(spec[option[-1]]["description"])
        if value not in (None, []):
            assert f"V({str(value).lower() if isinstance(value, bool) else value}) where nothing is stored" in text, (
                option
            )


def _leaves(mapping, path=()):
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value

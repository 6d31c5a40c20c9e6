# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each option is declared once; whatever else names the options is compared with the declaration.

A setting or an option of contact_sync that is forgotten in the documentation, in a sample, in the records of the
model, in a plan or in the schema of plans fails here.
"""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import asdict, fields
from typing import Any

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.contact_sync import SPEC
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.option_specs import SETTINGS_OPTIONS, SYNC_SPECS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine import declared_options as declared
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import (
    BMS,
    KINDS,
    OFFICE365,
    OPTIONS,
    PLANNED_OPTIONS,
    SYNC_OPTIONS,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsSettings, Office365Settings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan_document import Binding, document, options_of
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge
from ansible_collections.msp.psa_sync.plugins.module_utils._store.layout import new_type
from tests.tools.files import ROOT

PLUGINS = "ansible_collections.msp.psa_sync.plugins"
RECORDS = {OFFICE365: Office365Settings, BMS: BmsSettings}
# What the documentation of an option says beside the argument spec.
SHAPE = ("type", "elements", "choices", "default", "required")


def documented(module: str) -> dict[str, Any]:
    return yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").DOCUMENTATION)["options"]


def returned(module: str) -> dict[str, Any]:
    return yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{module}").RETURN)


def client_fragment() -> dict[str, Any]:
    fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.client").ModuleDocFragment
    return yaml.safe_load(fragment.DOCUMENTATION)["options"]


def shape(option: dict[str, Any]) -> dict[str, Any]:
    """An option of an argument spec or of a documentation without its words."""
    found = {key: option[key] for key in SHAPE if option.get(key) not in (None, False)}
    if "choices" in found:
        found["choices"] = list(found["choices"])
    below = option.get("options") or option.get("suboptions")
    return found | ({"options": {name: shape(each) for name, each in below.items()}} if below else {})


def shapes(options: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: shape(option) for name, option in options.items()}


# -------------------------------------------------------------------- settings


@pytest.mark.parametrize("kind", KINDS)
def test_the_module_that_declares_settings_documents_each(kind):
    own = {
        name: option
        for name, option in documented(f"{kind}_sync_settings").items()
        if name not in ("organization", "state")
    }
    assert shapes(own) == shapes(SETTINGS_OPTIONS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_modules_that_take_settings_for_one_run_document_each(kind):
    assert shapes(client_fragment()[f"{kind}_settings"]["suboptions"]) == shapes(SETTINGS_OPTIONS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_samples_show_each_setting(kind):
    shown = returned(f"{kind}_sync_settings_info")["settings"]["contains"]["settings"]["sample"]
    for sample in (shown, returned(f"{kind}_sync_settings")["settings"]["sample"]):
        assert names(sample) == names(merge(kind, None, None))


def names(mapping: dict[str, Any], group: str = "") -> set[str]:
    return {
        name
        for key, value in mapping.items()
        for name in (names(value, f"{key}.") if isinstance(value, dict) else [f"{group}{key}"])
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_of_the_model_has_each_setting_with_its_default(kind):
    assert json.loads(json.dumps(asdict(RECORDS[kind]()))) == merge(kind, None, None)


@pytest.mark.parametrize("kind", [*KINDS, declared.TENANTS])
def test_each_setting_has_a_field_with_a_hint(kind):
    for option in OPTIONS[kind]:
        assert option.field, option.name
        assert option.hint.endswith("."), option.name


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (OFFICE365, ["Title", "Tenant ID", "Set phone numbers primary"]),
        (BMS, ["Title", "Contact sync", "Two way sync", "Auto push Office365 contacts"]),
        (declared.TENANTS, ["Title"]),
        (declared.FACTS, ["Title"]),
    ],
)
def test_the_list_of_assets_has_a_column_for_what_is_looked_for(kind, columns):
    assert [field.name for field in new_type(kind).fields if field.show_in_list] == columns


# ---------------------------------------------------------------- contact_sync


def test_contact_sync_documents_each_option():
    own = {**client_fragment(), **documented("contact_sync")}
    of_a_client = {f"{kind}_settings" for kind in KINDS}
    of_run = {name: option for name, option in own.items() if name not in of_a_client}
    assert shapes(of_run) == shapes({name: spec for name, spec in SYNC_SPECS.items() if name not in of_a_client})
    assert set(SPEC.options) == set(CONNECTION_OPTIONS) | set(own)


def test_each_field_of_a_run_is_that_of_an_option():
    """options.Options has no field that no option fills, and no option names a field that is not there."""
    named = {option.field or option.name for option in SYNC_OPTIONS}
    assert {*PLANNED_OPTIONS} <= {field.name for field in fields(Options)} <= named


# An option of contact_sync, and a value other than the default of its field in options.Options.
OTHER_VALUES = {
    "bms_adapter_names": ("other",),
    "update_linked": True,
    "users": frozenset({"a", "b"}),
    "match_overrides": {"ann": 72, "ben": "new"},
    "bms_match_overrides": {"ann": 90211, "ben": "ignore"},
    "allow_shrunken_source": True,
    "deactivate": True,
    "departed_contact_type": "Former",
    "departed_keep": ("reception@*",),
}


def recorded(options: Options) -> dict[str, Any]:
    binding = Binding(1, "Happy Frog", "tenant", {}, "1.0.0")
    return json.loads(json.dumps(document(binding, options, (), "2026-01-01T00:00:00+00:00")))


def test_another_value_of_each_planned_option_is_tried():
    assert sorted(OTHER_VALUES) == sorted(PLANNED_OPTIONS)
    assert all(getattr(Options(), field) != value for field, value in OTHER_VALUES.items())


def test_a_plan_records_each_option_that_decides_who_is_written():
    assert list(recorded(Options())["options"]) == list(PLANNED_OPTIONS)


def test_a_plan_is_applied_with_the_options_that_it_records():
    """An option that is forgotten would come from the task that applies the plan."""
    made = Options(**OTHER_VALUES, max_creates="1")
    given = Options(max_creates="2")
    assert options_of(recorded(made), given) == Options(**OTHER_VALUES, max_creates="2")


def test_recorded_options_are_restored():
    made = Options(**OTHER_VALUES)
    restored = declared.restored(json.loads(json.dumps(declared.recorded(made))))
    assert restored == OTHER_VALUES
    assert declared.restored(declared.recorded(Options())) == {
        field: getattr(Options(), field) for field in PLANNED_OPTIONS
    }


def test_the_schema_of_plans_has_each_recorded_option():
    schema = json.loads((ROOT / "docs/schemas/plan.schema.json").read_text(encoding="utf-8"))["properties"]["options"]
    assert sorted(schema["required"]) == sorted(schema["properties"]) == sorted(PLANNED_OPTIONS)


def test_the_documentation_of_apply_plan_names_each_recorded_option():
    text = documented("contact_sync")["apply_plan"]["description"][-1]
    assert re.findall(r"O\((\w+)\)", text) == [option.name for option in PLANNED_OPTIONS.values()]

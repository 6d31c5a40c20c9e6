# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides call things by their names: options, variables, values, plugins, and the words of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from docutils import nodes

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import KINDS
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import verdict
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import (
    ACTIONS,
    DEPARTURES,
    ICONS,
    PUSHES,
    REVERTS,
)
from tests.tools.files import ROOT, tracked
from tests.tools.guides import GUIDES, guide, guides, tables

Json = dict[str, Any]

MODULES = [path.stem for path in tracked("plugins/modules/*.py")]
WORD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")


def spec(module: str) -> Any:
    return entry_point(module)[0]


def names(options: Json) -> Iterator[str]:
    """Options, their choices, and what is below them."""
    for name, option in options.items():
        yield name
        yield from map(str, option.get("choices", ()))
        yield from names(option.get("options") or option.get("contains") or {})


@cache
def vocabulary() -> frozenset[str]:
    """All that has a name: in the modules and plugins, what they return and say, and in the playbooks."""
    found = {name for module in MODULES for name in names(spec(module).options)}
    for path in tracked("plugins/**/*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(WORD.findall(" ".join(re.findall(r'"[^"\n]*"', text))))
        for documented in re.findall(r'(?:RETURN|DOCUMENTATION) = r"""\n(.*?)"""', text, re.DOTALL):
            found |= set(WORD.findall(documented))
    for path in tracked("playbooks/*.yml", "docs/examples/awx/*.yml"):
        found |= set(WORD.findall(path.read_text(encoding="utf-8"))) | {path.stem}
    return frozenset(found | set(guides()))


def literals(name: str) -> Iterator[str]:
    return (each.astext() for each in guide(name).findall(nodes.literal))


@pytest.mark.parametrize("name", guides())
def test_what_a_guide_names_has_that_name(name):
    named = {each for each in literals(name) if WORD.fullmatch(each)}
    assert named - vocabulary() == set()


@pytest.mark.parametrize("name", guides())
def test_a_guide_has_the_label_by_which_others_refer_to_it(name):
    assert f".. _ansible_collections.msp.psa_sync.docsite.{name}:\n" in (GUIDES / f"{name}.rst").read_text("utf-8")


def test_every_guide_is_listed_once():
    listed = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    assert sorted(each for section in listed for each in section.get("toctree", ())) == guides()


@pytest.mark.parametrize("name", guides())
def test_a_plugin_or_playbook_that_is_named_is_there(name):
    folders = ("playbooks", "plugins/callback", "plugins/inventory", "plugins/lookup", "plugins/modules")
    there = {path.stem for folder in folders for path in tracked(f"{folder}/*")}
    text = (GUIDES / f"{name}.rst").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<!group/)(?<!ansible_collections\.)\bmsp\.psa_sync\.([a-z0-9_]+)", text))
    assert named - {"docsite"} <= there


@pytest.mark.parametrize(
    ("title", "words"), [("In IT Glue", ACTIONS), ("In BMS", PUSHES), ("Departed", DEPARTURES), ("Reverted", REVERTS)]
)
def test_the_report_guide_has_the_words_of_the_page(title, words):
    rows = tables("reading_the_report_guide")[title]
    assert {row["In the data"]: row["On the page"] for row in rows} == words


def test_the_report_guide_has_the_verdicts():
    rows = tables("reading_the_report_guide")["Verdicts"]
    found = [{"preview": row["In a preview"], "real": row["In a real run"]} for row in rows]
    assert found == list(verdict.TENANT_STATUSES.values())
    text = text_of("reading_the_report_guide")
    assert verdict.mode_label("preview") in text
    assert f"*{verdict.headline('preview', ['ok'] * 5 + ['failed'] * 3)}*" in text


def test_the_report_guide_explains_the_signs():
    signs = set(re.findall(r"``(.)`` ", text_of("reading_the_report_guide")))
    assert {*ICONS.values()} - {"–"} <= signs


def test_the_report_guide_has_the_parts_of_the_page():
    page = (ROOT / "plugins" / "plugin_utils" / "_report" / "assets" / "report.html.j2").read_text(encoding="utf-8")
    text = (GUIDES / "reading_the_report_guide.rst").read_text(encoding="utf-8")
    parts = re.findall(r'<a href="#\w+">(.+?)</a></li>', page)
    assert len(parts) == 7
    assert [part for part in parts if f"   * - {part}\n" not in text] == []


def test_the_safety_guide_has_the_limits():
    text = (GUIDES / "safety_guide.rst").read_text(encoding="utf-8")
    exceeded_limits = {name for name in spec("contact_sync").options if name.startswith("max_")}
    assert len(exceeded_limits) == 4
    assert [name for name in exceeded_limits if f"   * - ``{name}``, ``sync_{name}``\n" not in text] == []


def test_the_safety_guide_names_questions_of_the_probe():
    asked = {
        each for row in tables("safety_guide")["What is not published"] for each in row["The probe asks"].split(", ")
    }
    answered = set(re.findall(r"``([a-z_]+)``", text_of("probe_guide")))
    assert len(asked) > 10
    assert asked - {""} <= answered


def test_the_migration_guide_leads_each_switch_of_it_glue_to_a_setting():
    settings = set(re.findall(r"``(?:bms|office365)_sync_settings\.([a-z0-9_]+)", text_of("migration_guide")))
    assert settings <= {name for kind in KINDS for name in names(spec(f"{kind}_sync_settings").options)}
    assert {"contact_sync", "two_way_sync", "auto_push_office365_contacts", "tenant_id"} <= settings


def text_of(name: str) -> str:
    return (GUIDES / f"{name}.rst").read_text(encoding="utf-8")

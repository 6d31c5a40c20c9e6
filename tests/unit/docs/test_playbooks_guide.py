# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page about the playbooks has each of them with each of its variables."""

from __future__ import annotations

import re

import pytest

from ansible_collections.msp.psa_sync.plugins.lookup.options import (
    DECLARED,
    FILES,
    FROM_DIRECTORIES,
    options_of,
    variables_of,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from tests.tools.files import ROOT
from tests.tools.guides import tables

TABLES = tables("playbooks_guide")
PLAYBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml")}
VARIABLE = re.compile(r"\b((?:sync|probe)_\w+|tenants|itglue_organization)\b")
LOOKED_UP = re.compile(r"lookup\('msp\.psa_sync\.options', '(\w+)'\)")


def text(name: str) -> str:
    """A playbook with those that it imports, without comments."""
    own = re.sub(r"#.*", "", PLAYBOOKS[name])
    imported = re.findall(r"import_playbook: (\w+)\.yml", own)
    return own + "".join(map(text, imported))


def used(name: str) -> set[str]:
    without_names = re.sub(r"msp\.psa_sync\.\w+|import_playbook: \w+\.yml", "", text(name))
    looked = map(looked_up, LOOKED_UP.findall(text(name)))
    return set(VARIABLE.findall(without_names.replace("'contact_sync'", ""))).union(*looked)


def looked_up(module: str) -> set[str]:
    """The variables that the lookup takes for a module, but for those of the names of connection options."""
    options = options_of(module)
    found = {each for each in variables_of(module).values() if each not in CONNECTION_OPTIONS}
    for option, kind in DECLARED.items():
        if option in options or module == f"{kind}_settings":
            found |= {f"{kind}_settings", f"{kind}_defaults"}
    return found | FROM_DIRECTORIES if options >= FILES else found


def told(name: str) -> set[str]:
    """The variables that the guide says this playbook has."""
    return {row["Variable"] for row in TABLES["Variables"] if name in named(row["Of the playbooks"])}


def named(playbooks: str) -> set[str]:
    if not playbooks.startswith("all"):
        return set(playbooks.split(", "))
    return set(PLAYBOOKS) - set(playbooks.removeprefix("all").removeprefix(" but ").split(", "))


def test_every_playbook_is_there():
    assert {row["Playbook"] for row in TABLES["Playbooks"]} == set(PLAYBOOKS)


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_a_playbook_has_the_variables_that_the_guide_tells(name):
    assert told(name) == used(name)


def test_the_other_variables_are_options_of_the_connections():
    modules = {module for name in PLAYBOOKS for module in LOOKED_UP.findall(text(name))}
    every = set().union(*(variables_of(module).values() for module in modules))
    others = every - {row["Variable"] for row in TABLES["Variables"]}
    assert others == set(CONNECTION_OPTIONS) - {"ca_path", "timeout", "proxy", "no_proxy"}

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page about the playbooks has each of them with each of its variables."""

from __future__ import annotations

import re

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from tests.tools.files import ROOT, tracked
from tests.tools.guides import tables
from tests.tools.playbook_variables import variables_taken

TABLES = tables("playbooks_guide")
# What closing.yml does belongs to the playbooks that import it.
PLAYBOOKS = {
    path.stem: path.read_text(encoding="utf-8") for path in tracked("playbooks/*.yml") if path.stem != "closing"
}
VARIABLE = re.compile(
    r"\b((?:sync|probe|onboard|notify)_\w+|tenants|itglue_organization|(?:office365|bms)_sync_(?:settings|defaults))\b"
)


def text(name: str) -> str:
    """A playbook with those that it imports, without comments."""
    roles = re.findall(r"role: msp\.psa_sync\.(\w+)", PLAYBOOKS[name])
    defaults = ((ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8") for role in roles)
    names = (name for default in defaults for name in re.findall(r"^\w+(?=:)", default, re.MULTILINE))
    own = re.sub(r"#.*", "", "\n".join([PLAYBOOKS[name], *names]))
    return re.sub(r"closing_\w+: .*", "", own)


def used(name: str) -> set[str]:
    without_names = re.sub(r"lookup\(.*?\)|msp\.psa_sync\.\w+|import_playbook: \w+\.yml", "", text(name))
    return set(VARIABLE.findall(without_names)) | set(filter(VARIABLE.fullmatch, variables_taken(text(name))))


def reported(name: str) -> set[str]:
    """The variables that the guide says this playbook has."""
    return {row["Variable"] for row in TABLES["Variables"] if name in named(row["Of the playbooks"])}


def named(playbooks: str) -> set[str]:
    if not playbooks.startswith("all"):
        return set(playbooks.split(", "))
    return set(PLAYBOOKS) - set(playbooks.removeprefix("all").removeprefix(" but ").split(", "))


def test_every_playbook_is_there():
    assert {row["Playbook"] for row in TABLES["Playbooks"]} == set(PLAYBOOKS)


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_a_playbook_has_the_variables_that_the_guide_lists(name):
    assert reported(name) == used(name)


def test_the_other_variables_are_options_of_the_connections():
    every = set().union(*(variables_taken(text(name)) for name in PLAYBOOKS))
    others = every & set(CONNECTION_OPTIONS)
    assert others == set(CONNECTION_OPTIONS) - {"ca_path", "timeout", "proxy", "no_proxy"}
    assert others.isdisjoint(row["Variable"] for row in TABLES["Variables"])

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links within the repository are relative, and the project's address is that of galaxy.yml wherever it has to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.tools.docs import RELATIVE, REPOSITORY, absolute
from tests.tools.files import ROOT, project_files, tracked
from tests.tools.guides import GUIDES, guides

HOST, OWNER = re.fullmatch(r"(https://[^/]+)/([^/]+)/[^/]+", REPOSITORY).groups()
ADDRESS = re.compile(rf"{re.escape(HOST)}/{re.escape(OWNER)}[^\s\"')>`]*")
# Where only an absolute address will do, and what may follow the one of galaxy.yml there.
ABSOLUTE = {
    ".github/ISSUE_TEMPLATE/config.yml": ("/security/advisories/new",),
    "CONTRIBUTING.md": ("",),
    "README.md": ("", "/issues"),
    "SECURITY.md": ("/security/advisories/new",),
    "docs/examples/schedule/psa-sync.service": ("",),
    "docs/docsite/links.yml": ("/issues/new",),
    "docs/schemas/journal.schema.json": ("/blob/main/docs/schemas/journal.schema.json",),
    "docs/schemas/plan.schema.json": ("/blob/main/docs/schemas/plan.schema.json",),
    "galaxy.yml": ("", "/issues", "/tree/main/docs/docsite/rst"),
}
MARKDOWN = tracked("*.md", "docs/**/*.md", "tests/**/*.md", ".github/**/*.md")


def texts() -> dict[str, str]:
    """The files of the project that are text, but for the tests, which fail by themselves where an address changes."""
    found = {}
    for path in (each for each in project_files() if each.parts[0] != "tests"):
        try:
            found[str(path)] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def test_the_address_of_the_project_is_that_of_galaxy_yml():
    known = {file: {REPOSITORY + rest for rest in allowed} for file, allowed in ABSOLUTE.items()}
    known["galaxy.yml"].add(f"{HOST}/{OWNER}")
    found = {file: set(ADDRESS.findall(text)) for file, text in texts().items() if ADDRESS.search(text)}
    assert found == known


def test_the_site_edits_pages_in_that_repository():
    links = yaml.safe_load((ROOT / "docs" / "docsite" / "links.yml").read_text(encoding="utf-8"))
    assert f"{HOST}/{links['edit_on_github']['repository']}" == REPOSITORY


@pytest.mark.parametrize("name", guides())
def test_a_relative_link_of_a_guide_leads_to_a_file_and_on_the_site_to_the_repository(name):
    text = (GUIDES / f"{name}.rst").read_text(encoding="utf-8")
    links = RELATIVE.findall(text)
    assert [link for link in links if not (GUIDES / link).exists()] == []
    shown = absolute(text)
    assert not RELATIVE.search(shown)
    assert len(re.findall(rf"<{re.escape(REPOSITORY)}[^>]*>`__", shown)) == len(links)


def test_guides_link_to_the_example():
    assert [name for name in guides() if "<../../examples>`__" in (GUIDES / f"{name}.rst").read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_relative_link_of_a_markdown_file_leads_to_a_file(path):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    here = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in here if not (path.parent / link).exists()] == []


def test_an_address_is_made_of_the_one_in_galaxy_yml():
    assert absolute("`a <../../examples>`__") == f"`a <{REPOSITORY}/tree/main/docs/examples>`__"
    assert absolute("`a <../../../README.md>`__") == f"`a <{REPOSITORY}/blob/main/README.md>`__"
    assert absolute("`a <../../../>`__") == f"`a <{REPOSITORY}>`__"
    assert Path(REPOSITORY).name == "msp.psa_sync"

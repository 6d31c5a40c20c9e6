# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact holds what a user runs and reads, and Ansible finds it all once it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.tools.files import BUILD, COLLECTION, ROOT, project_files, tracked

pytestmark = pytest.mark.every_core

#: What a user runs and reads. Of tests/ only the file that tells ansible-test about Pythons.
SHIPPED = {
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "COPYING",
    "LICENSES",
    "MAINTAINERS",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "tests/config.yml",
}
#: Galaxy would warn of the modules of AWX in its example.
KEPT_BACK = ("changelogs/fragments/.keep", "docs/examples/awx/")


@pytest.fixture(scope="module")
def shipped() -> set[str]:
    """The files of the artifact."""
    (artifact,) = (BUILD / "artifact").glob("*.tar.gz")
    with tarfile.open(artifact) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


def ansible_doc(*arguments: str) -> dict:
    """What `ansible-doc --json` says of the installed collection."""
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-doc"), "--json", *arguments],
        check=True,
        env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed")},
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)


def test_it_ships_what_git_tracks_of_that_and_no_more(shipped):
    tracked = {path.as_posix() for path in project_files() if not path.as_posix().startswith(KEPT_BACK)}
    wanted = {name for name in tracked if name in SHIPPED or name.split("/")[0] in SHIPPED}
    assert shipped == wanted | {"FILES.json", "MANIFEST.json"}


def test_what_is_installed_is_what_is_here():
    installed = BUILD / "installed" / COLLECTION
    for path in project_files():
        if path.parts[0] == "plugins":
            assert (installed / path).read_bytes() == (ROOT / path).read_bytes(), path


def test_ansible_reads_the_documentation_of_every_module():
    names = {f"msp.psa_sync.{path.stem}" for path in tracked("plugins/modules/*.py")}
    listed = ansible_doc("--list", "--type", "module", "msp.psa_sync")
    assert set(listed) == names
    for name, documented in ansible_doc("--type", "module", *sorted(names)).items():
        assert documented["doc"]["version_added"], name
        assert documented["return"], name


def test_the_version_is_that_of_the_source():
    manifest = json.loads((BUILD / "installed" / COLLECTION / "MANIFEST.json").read_text())
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert manifest["collection_info"]["version"] == galaxy["version"]

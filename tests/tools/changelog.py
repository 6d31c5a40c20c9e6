# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make CHANGELOG.md from the releases and from the fragments of the version in galaxy.yml.

`python -m tests.tools.changelog [--check]`, after the clean tree was made. The fragments stay: only a release
turns them into a part of `changelogs/changelog.yaml`. With `--check`, a file that is not current is a failure.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tests.tools.files import BUILD, COLLECTION, ROOT

CHANGELOG = ROOT / "CHANGELOG.md"


def current() -> str:
    """Return the text that CHANGELOG.md should have."""
    with tempfile.TemporaryDirectory() as folder:
        # antsibull-changelog asks ansible-doc for the plugins, which wants the folders of a collection.
        tree = shutil.copytree(BUILD / "tree" / COLLECTION, Path(folder) / COLLECTION)
        version = yaml.safe_load((tree / "galaxy.yml").read_text())["version"]
        released = yaml.safe_load((tree / "changelogs" / "changelog.yaml").read_text())["releases"]
        command = "generate" if version in released else "release"
        subprocess.run([Path(sys.executable).with_name("antsibull-changelog"), command], check=True, cwd=tree)
        return (tree / CHANGELOG.name).read_text(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it; return the exit code."""
    text = current()
    if arguments != ["--check"]:
        CHANGELOG.write_text(text, encoding="utf-8")
    elif not CHANGELOG.is_file() or CHANGELOG.read_text(encoding="utf-8") != text:
        print(f"{CHANGELOG.name} is not current: run `make changelog`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

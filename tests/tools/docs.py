# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the HTML documentation of the collection: `.build/docs/html`.

Run by the Python of the environment, after the clean tree was made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools.files import BUILD, ROOT

BIN = Path(sys.executable).parent
CONFIGURATION = """\
project = "msp.psa_sync"
copyright = "2026, The msp.psa_sync authors"
extensions = ["sphinx.ext.autodoc", "sphinx_antsibull_ext"]
html_theme = "alabaster"
html_use_smartypants = False
suppress_warnings = ["ref.ref", "toc.no_title"]  # labels of the Ansible documentation
"""


def run(*command: str | Path) -> None:
    """Run a program of the environment on the clean tree."""
    program, *arguments = command
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(BUILD / "tree")}
    subprocess.run([BIN / program, *arguments], check=True, cwd=ROOT, env=environment)


def main() -> None:
    """Write reStructuredText from the plugins and the guides, then HTML from that."""
    source, target = BUILD / "docs" / "rst", BUILD / "docs" / "html"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    (source / "conf.py").write_text(CONFIGURATION)
    run("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", source,
        "msp.psa_sync")  # fmt: skip
    run("sphinx-build", "-q", "-b", "html", source, target)
    print(f"The documentation is in {os.path.relpath(target / 'index.html')}")


if __name__ == "__main__":
    main()

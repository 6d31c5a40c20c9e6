# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the HTML documentation of the collection: `.build/docs/html`. A warning is a failure.

Run by the Python of the environment, after the clean tree was made.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.tools.diagrams import IMAGES
from tests.tools.files import BUILD, ROOT
from tests.tools.guides import GUIDES, SEARCHED

BIN = Path(sys.executable).parent
CONFIGURATION = Path(__file__).with_name("sphinx_conf.py")
STYLE = Path(__file__).with_name("sphinx.css")
CHANGELOG = ROOT / "changelogs" / "changelog.yaml"
REPOSITORY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
RELATIVE = re.compile(r"<((?:\.\./)+[^>]*)>`__")
START = ROOT / "docs" / "docsite" / "start_page.rst"
CONTENTS = ".. contents::\n   :local:\n   :depth: 1\n"


def run(*command: str | Path) -> None:
    """Run a program of the environment on the clean tree."""
    program, *arguments = command
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(BUILD / "tree")}
    subprocess.run([BIN / program, *arguments], check=True, cwd=ROOT, env=environment)


def fit_for_the_theme(source: Path) -> None:
    """The theme shows the parts of a page, and the pages under the captions of their lists, beside the page."""
    for page in source.glob("*.rst"):
        text = page.read_text(encoding="utf-8").replace(CONTENTS, "")
        page.write_text(_captioned(text) if page.stem == "index" else text, encoding="utf-8")
    for page in (source / "docsite").glob("*.rst"):
        page.write_text(absolute(page.read_text(encoding="utf-8")), encoding="utf-8")


def absolute(text: str) -> str:
    """A guide whose links to files of the repository lead there from wherever the pages are."""

    def address(found: re.Match[str]) -> str:
        path = (GUIDES / found[1]).resolve().relative_to(ROOT)
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"<{REPOSITORY}/{kind}/main/{path}>`__" if path.parts else f"<{REPOSITORY}>`__"

    return RELATIVE.sub(address, text)


def _captioned(index: str) -> str:
    """The index as the site shows it: for whom the collection is, then the guides, then the facts about it.

    The heading of each list of pages is its caption, and plugins have short names.
    """
    begin, rest = index.split(".. Communication\n", 1)
    about, guides = rest.split("    changelog\n\n", 1)
    title, facts = begin.split("Description\n-----------\n", 1)
    index = (
        f"{title}{START.read_text(encoding='utf-8')}\n{guides}\nDescription\n-----------\n{facts}{about}    changelog\n"
    )
    headed = re.compile(r"^(.+)\n([-~])\2+\n(?:(?!^[-~]{3}).*\n)*?\.\. toctree::\n", re.MULTILINE)
    index = headed.sub(lambda found: f"{found[0]}    :caption: {found[1]}\n", index)
    return re.sub(r"^( {4})(\w+)(_module|_callback|_inventory)$", r"\1\2 <\2\3>", index, flags=re.MULTILINE)


def not_found(index: str) -> list[str]:
    """The words that the search of the built pages does not lead to their guide."""
    data = json.loads(index.partition("(")[2].rpartition(")")[0])
    entries = {
        word.casefold(): {data["docnames"][hit[0]] for hit in hits} for word, hits in data["indexentries"].items()
    }
    return [word for word, name in SEARCHED.items() if f"docsite/{name}" not in entries.get(word, ())]


def main() -> None:
    """Write reStructuredText from the plugins and the guides, then HTML from that."""
    source, target = BUILD / "docs" / "rst", BUILD / "docs" / "html"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    shutil.copyfile(CONFIGURATION, source / "conf.py")
    run("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", source,
        "msp.psa_sync")  # fmt: skip
    # What antsibull-docs takes of the guides are their texts.
    shutil.copytree(IMAGES, source / "docsite" / "images")
    fit_for_the_theme(source)
    (source / "static").mkdir()
    shutil.copy(STYLE, source / "static")
    # A changelog without a release has no title, which is no mistake of a page.
    unnamed = [] if yaml.safe_load(CHANGELOG.read_text())["releases"] else ["-D", "suppress_warnings=toc.no_title"]
    run("sphinx-build", "-q", "-b", "html", "--fail-on-warning", "--keep-going", *unnamed, source, target)
    if missing := not_found((target / "searchindex.js").read_text(encoding="utf-8")):
        sys.exit(f"The search does not find {', '.join(missing)} in the guides of tests/tools/guides.py.")
    print(f"The documentation is in {os.path.relpath(target / 'index.html')}")


if __name__ == "__main__":
    main()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ARCHITECTURE.md names files, functions and commands that exist, and the imports that the source keeps to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.tools.files import ROOT, project_files
from tests.unit.test_architecture import ARROWS

PAGE = ROOT / "ARCHITECTURE.md"
UTILS = Path("plugins", "module_utils")
# Words of Ansible, no names of the source.
KEYWORDS = {"async", "become"}
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
PATH = re.compile(r"[\w.]+(?:/[\w.]+)*/?")


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def prose() -> list[str]:
    """The lines outside of the pictures."""
    return re.sub(r"^```text\n.*?^```$", "", text(), flags=re.MULTILINE | re.DOTALL).splitlines()


def pictures() -> list[str]:
    return re.findall(r"^```text\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)


@cache
def tracked_paths() -> frozenset[Path]:
    """The files that the project consists of, and the folders that they are in."""
    files = set(map(Path, project_files()))
    return frozenset(files | {folder for path in files for folder in path.parents})


def located(span: str) -> Path | None:
    """The path that a code span names; None for a span that names something else."""
    if not PATH.fullmatch(span):
        return None
    path = UTILS / span if span.startswith("_") else Path(span)
    return path if path in tracked_paths() else None


@cache
def defined(path: Path) -> frozenset[str]:
    """The functions, classes and constants of a file, and those within its classes."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, DEFINITIONS)}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(names)


def faults(line: str) -> Iterator[str]:
    """The code spans of a line that name nothing: a name belongs to one of the files of its line."""
    spans = re.findall(r"`([^`]+)`", line)
    paths = [path for path in map(located, spans) if path is not None]
    known = {name for path in paths if path.suffix == ".py" for name in defined(path)}
    modules = {path.stem for path in tracked_paths() if path.parent == Path("plugins/modules")}
    for span in spans:
        if span.startswith("python -m "):
            found = Path(*span.removeprefix("python -m ").split(".")).with_suffix(".py") in tracked_paths()
        else:
            found = located(span) is not None or span in known | modules | set(ARROWS) | KEYWORDS
        if not found:
            yield span


def test_each_path_and_name_exists():
    assert {line: wrong for line in prose() if (wrong := list(faults(line)))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "`_engine/no_such_file.py`",
        "`_engine/matching.py`: `no_such_function`",
        "`match` without its file",
        "`python -m tests.tools.no_such_tool`",
    ],
)
def test_a_path_or_name_that_does_not_exist_is_found(line):
    assert list(faults(line)) != []


def test_the_page_tells_how_to_add_each_thing():
    headings = re.findall(r"^## How to add (.*)$", text(), re.MULTILINE)
    assert headings == ["a module", "an option", "a reason", "a fault to the sandbox", "a service"]


def test_the_page_names_enough_to_be_a_map():
    spans = {span for line in prose() for span in re.findall(r"`([^`]+)`", line)}
    assert len([span for span in spans if located(span)]) > 40


def test_the_picture_shows_each_layer_of_plugins():
    layers = {Path(found) for found in re.findall(r"(?<![\w/])((?:plugins/)?\w+)/", pictures()[0])}
    shown = {UTILS / path if path.parts[0].startswith("_") else path for path in layers}
    assert shown <= tracked_paths()
    parts = {UTILS / part if part.startswith("_") else Path("plugins", part) for part in ARROWS}
    assert parts - shown == {Path("plugins", "doc_fragments")}


def test_the_table_of_layers_has_the_imports_that_the_source_keeps_to():
    table = text().partition("## The way of the data")[0]
    rows = re.findall(r"^\| `(?:plugins/)?(\w+)` \| ([^|]*)\|", table, re.MULTILINE)
    assert {layer: set(re.findall(r"`(\w+)`", imports)) for layer, imports in rows} == ARROWS


def test_each_link_leads_to_a_file():
    links = re.findall(r"\]\(([^)]+)\)", text())
    assert links and [link for link in links if Path(link) not in tracked_paths()] == []


def test_the_contributing_guide_links_to_the_page():
    assert "](ARCHITECTURE.md)" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guides, the README and the modules show: their examples, and the tables that tests compute."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives

from tests.tools.files import ROOT, tracked

GUIDES = ROOT / "docs" / "docsite" / "rst"
MARKDOWN = ("README.md",)
PLUGINS = ("modules", "callback", "inventory")
SEARCHED = {
    "rollback": "plan_guide",
    "onboard": "quick_start_guide",
    "offboarding": "safety_guide",
    "shared mailbox": "matching_guide",
    "threshold": "safety_guide",
    "upgrade": "upgrade_guide",
    "uninstall": "upgrade_guide",
    "diagram": "how_it_works_guide",
    "duplicate": "migration_guide",
    "throttle": "quotas_guide",
    "notification": "schedule_guide",
}
"""Words that people search for, each with a guide that the search has to find."""
QUIET = {"report_level": 5, "halt_level": 5, "file_insertion_enabled": False}
PLAIN = "plain"


@dataclass(frozen=True)
class Block:
    """An example: where it stands, what kind it says it is, its text, and its caption, which names a file."""

    where: str
    kind: str
    text: str
    caption: str = ""


class _CodeBlock(Directive):
    """Sphinx's directive, as far as the guides use it."""

    has_content = True
    optional_arguments = 1
    option_spec = {"caption": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content) + "\n"
        kind = self.arguments[0] if self.arguments else PLAIN
        found = nodes.literal_block(text, text, kind=kind, caption=self.options.get("caption", ""))
        found.line = self.lineno
        return [found]


class _Index(Directive):
    """Sphinx's directive for entries of the index, which shows nothing where it stands."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        return []


@cache
def guide(name: str) -> nodes.document:
    """A guide as docutils reads it. The roles of Sphinx stay as they are written."""
    directives.register_directive("code-block", _CodeBlock)
    directives.register_directive("index", _Index)
    return publish_doctree((GUIDES / f"{name}.rst").read_text(encoding="utf-8"), settings_overrides=QUIET)


def guides() -> list[str]:
    return sorted(path.stem for path in tracked("docs/docsite/rst/*.rst"))


def of_guide(name: str) -> list[Block]:
    """The examples of a guide. One that does not say what it is is `plain`."""
    return [
        Block(f"{name}:{found.line}", found.get("kind", PLAIN), found.astext(), found.get("caption", ""))
        for found in guide(name).findall(nodes.literal_block)
    ]


def of_markdown(name: str) -> list[Block]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [
        Block(f"{name}:{text[: found.start()].count(chr(10)) + 1}", found[1] or PLAIN, found[2])
        for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def of_plugin(path: Path) -> Block:
    """The EXAMPLES of a plugin."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (text,) = [
        each.value.value
        for each in tree.body
        if isinstance(each, ast.Assign) and each.targets[0].id == "EXAMPLES"  # type: ignore[attr-defined]
    ]
    return Block(f"{path.parent.name}/{path.stem}", "yaml", text)


def plugins() -> list[Path]:
    return tracked(*(f"plugins/{folder}/*.py" for folder in PLUGINS))


def examples() -> Iterator[Block]:
    """All examples that a reader may meet."""
    for name in guides():
        yield from of_guide(name)
    for name in MARKDOWN:
        yield from of_markdown(name)
    for path in plugins():
        yield of_plugin(path)


def indexed(name: str) -> list[str]:
    """The entries of the index that a guide has."""
    text = (GUIDES / f"{name}.rst").read_text(encoding="utf-8")
    return re.findall(r"^   single: ([^;\n]+)", text, re.MULTILINE)


def tables(name: str) -> dict[str, list[dict[str, str]]]:
    """The titled tables of a guide: their rows by the words of the header."""
    found = {}
    for table in guide(name).findall(nodes.table):
        title = next(iter(table.findall(nodes.title)), None)
        if title is not None:
            header, *rows = [[_words(cell) for cell in row.findall(nodes.entry)] for row in table.findall(nodes.row)]
            found[title.astext()] = [dict(zip(header, row, strict=True)) for row in rows]
    return found


def _words(cell: nodes.entry) -> str:
    return " ".join(cell.astext().split())

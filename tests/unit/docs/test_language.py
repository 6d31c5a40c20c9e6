# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One word for one thing: texts, messages, names of tests and of files use the words of the glossary.

`SYNONYMS` lists the words that stood for the same thing, and the word that stands for it. The glossary may have a
synonym in its column of words that people search for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.tools.files import ROOT, project_files, tracked

SYNONYMS = {
    r"[Cc]eilings?": "limit",
    r"(?:open|opens|opened) (?:\w+ ){0,2}limits?|open limits?": "raise the limit",
    r"(?:tak\w+|took) (?:\w+ ){0,3}back(?! to)": "revert",
    r"(?:kept|keeps) users?|users? (?:is|are) kept|none (?:is )?kept": "selected",
    r"[Dd]oubled|doubles": "duplicate",
    r"(?:is|are|was|were|be) there twice|nobody twice": "duplicate",
    r"(?:in|out of) step(?! by)": "up to date",
    r"completes|completing|adopt(?:s|ed)": "updates, fills; already in BMS",
    r"[Ss]ettle[sd]?|settlements?|settling": "resolve; suggestion",
    r"needs? (?:a person|somebody who decides)": "needs a decision",
    r"leavers?|[Ww]ho (?:has |have )?left|who is back": "departed; returned",
    r"unclaimed": "unmatched address",
    r"knotted|entangled|heirs?|bystanders?": "ambiguous, replacement, unmatched contacts",
    r"left out|leav(?:e|es|ing) (?:the |a )?(?:user|contact|client|person)s? out": "excluded; omitted",
    r"put(?:s|ting)? (?:it|them) right|puts right|(?:is|are|be) put right|as it has to be": "correct",
    r"is the truth": "accurate",
    r"two doors|both doors|feature, section \d": "entry points; the page of a guide",
}
FORBIDDEN = {re.compile(rf"\b(?:{pattern})\b"): word for pattern, word in SYNONYMS.items()}
IN_NAMES = re.compile(
    r"\b(?:told|unsaid|is said|are said|doors?|house|workshop|story|put off|its turn|takes turns|settled)\b"
)
"""Words that stood in names of tests and files for reported, entry points, architecture, deferred and resolved."""

IN_CODE = re.compile(r"\b(?:told|untold|doors?|house|story|leavers?|ceilings?|settled?|sought|heirs?|put off)\b")
"""The same for names within the code."""

DOCUMENTS = ("*.md", "docs/**/*.rst", "docs/**/*.md", ".github/**/*.yml", ".github/**/*.md", "galaxy.yml")
SETUPS = (
    "playbooks/*.yml",
    "changelogs/fragments/*.yml",
    "docs/examples/**/*.yml",
    "docs/examples/**/*.cfg",
    "docs/docsite/rst/images/*.txt",
)
PAGES = ("plugins/**/*.j2", "plugins/**/*.js", "plugins/**/*.css")
# A table library of somebody else.
OTHERS = {"table-core.js"}
GLOSSARY = "glossary_guide.rst"

CODE = re.compile(
    r"``.*?``|`[^`\n]+`(?!_)|\b[OVCEMP]\(.*?\)|\bRV\(.*?\)|:ans\w+:`.*?`|[\w.+-]+@[\w.-]+|\{[^{}]*\}", re.DOTALL
)
SEARCHED = re.compile(r"^   single: .*$|^   \* - .*$", re.MULTILINE)


def found(text: str) -> list[str]:
    """The synonyms in a text, each with the word that stands for it."""
    prose = " ".join(CODE.sub(" ", text).split())
    return [f"{hit[0]} -> {word}" for pattern, word in FORBIDDEN.items() for hit in pattern.finditer(prose)]


def documents() -> list[Path]:
    return [path for path in tracked(*DOCUMENTS, *SETUPS, *PAGES) if path.name not in OTHERS]


def text_of(path: Path) -> str:
    """The text of a file; of the script of the page, what it shows."""
    text = path.read_text(encoding="utf-8")
    if path.name == GLOSSARY:
        return SEARCHED.sub("", text)
    return "\n".join(re.findall(r'"[^"\n]* [^"\n]*"|`[^`]* [^`]*`', text)) if path.suffix == ".js" else text


@cache
def sources() -> tuple[Path, ...]:
    return tuple(tracked("plugins/**/*.py"))


def shown(path: Path) -> Iterator[str]:
    """The texts that a source file shows: messages, documentation, labels; not its comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    internal = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in internal else None
        if isinstance(text, str) and " " in text:
            yield re.sub(r"^unclaimed:$", "", text, flags=re.MULTILINE)


def spaced(name: str) -> str:
    """A name as its words, `doNotTell` and `DO_NOT_TELL` alike."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()


def names() -> Iterator[str]:
    """The names of the files of the tests, and of the tests."""
    for path in project_files():
        if path.parts[0] == "tests":
            yield path.stem
            if path.suffix == ".py":
                yield from re.findall(r"^def (test_\w+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def identifiers(path: Path) -> Iterator[str]:
    """The names that a source file gives to functions, classes, parameters, variables and attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_text_has_one_word_for_one_thing(path):
    assert found(text_of(path)) == []


def test_what_the_source_shows_has_one_word_for_one_thing():
    faults = {path.name: hits for path in sources() if (hits := [hit for text in shown(path) for hit in found(text)])}
    assert faults == {}


def test_no_file_points_to_a_document_that_is_not_here():
    """A comment points to a page of the guides, by its name."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in tracked("plugins/**/*", "tests/**/*.py", "docs/**/*.rst", "playbooks/*", "*.md")
        if re.search(r"\((?:feature|section \d)|feature, section|feature\.md", path.read_text(encoding="utf-8"))
        and path.name != Path(__file__).name
    ]
    assert wrong == []


def test_names_in_the_code_have_one_word_for_one_thing():
    faults = {
        str(path.relative_to(ROOT)): wrong
        for path in tracked("plugins/**/*.py", "tests/**/*.py")
        if (wrong := sorted({name for name in identifiers(path) if IN_CODE.search(spaced(name))}))
    }
    assert faults == {}


def test_names_of_tests_and_files_have_one_word_for_one_thing():
    spoken = {name: spaced(name) for name in names()}
    assert [name for name, words in spoken.items() if IN_NAMES.search(words) or found(words)] == []


@pytest.mark.parametrize(
    "text",
    [
        "The run exceeded a ceiling.",
        "The run was taken back.",
        "two kept users",
        "Contacts are in step.",
        "a contact that is there twice",
        "This is settled with an override.",
        "Users without a licence are left out.",
    ],
)
def test_a_synonym_is_found(text):
    assert found(text) != []


def test_code_and_addresses_are_no_prose():
    assert found("``unclaimed`` and max.leaver@frog.example, O(ceilings), {settled}") == []

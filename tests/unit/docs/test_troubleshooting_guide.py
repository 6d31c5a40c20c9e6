# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubleshooting guide has an entry for every message, and no entry for one that there is not.

The messages are those that the source raises, with `…` in the place of what is put in, and those that came of bad
input, word for word.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from docutils import nodes

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph_tokens import TOKEN_HINTS
from tests.tools.files import ROOT, tracked
from tests.tools.guides import guide

SOURCES = ("module_utils", "inventory", "plugin_utils")
OUTCOMES = (ROOT / "tests" / "trust" / "bad_input.txt").read_text(encoding="utf-8")
ROOTS = {"SyncError", "AnsibleParserError"}
NOT_TOLD = {
    # Guards against a mistake in the collection itself: no option and no answer leads there.
    "A BMS contact needs a location.",
    "No contact is named to be deleted.",
    "This BMS contact is not the probe's own, so it is not written.",
    "This contact is not the probe's own, so it is not written.",
    # What stands before another message.
    "Organization …: …",
}
# What is given a reason last.
REASONED = {"also", "_lost", "_not_pushed"}
LETTERS = re.compile(r"[^\W\d_]{3}")


@cache
def trees() -> tuple[ast.Module, ...]:
    paths = tracked(*(f"plugins/{folder}/**/*.py" for folder in SOURCES))
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in paths)


@cache
def kinds() -> frozenset[str]:
    """The names of the errors that a person may see."""
    bases = {
        each.name: {base.id for base in each.bases if isinstance(base, ast.Name)}
        for tree in trees()
        for each in ast.walk(tree)
        if isinstance(each, ast.ClassDef)
    }
    found = set(ROOTS)
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return frozenset(found)


@cache
def sentences() -> dict[str, str]:
    """The texts that the source gives a name."""
    return {
        each.targets[0].id: each.value.value
        for tree in trees()
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
        if isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
    }


def forms(node: ast.expr) -> list[str]:
    """The texts that an expression may come to, with `…` for what is not known before."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.JoinedStr(values=values):
            parts = [forms(each.value if isinstance(each, ast.FormattedValue) else each) for each in values]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [forms(left), forms(right)]
        case ast.IfExp(body=body, orelse=orelse):
            return forms(body) + forms(orelse)
        case ast.Name(id=name) if name in sentences():
            return [sentences()[name]]
        case _:
            return ["…"]
    texts = [""]
    for part in parts:
        texts = [text + more for text in texts for more in part]
    return texts


def raised() -> Iterator[str]:
    """The errors, the warnings, and the reasons of single contacts."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                told = [each.value for each in node.keywords if each.arg == "reason"]
                told += node.args[:1] if is_error(node.func) or is_warning(node.func) else []
                told += node.args[-1:] if isinstance(node.func, ast.Attribute) and node.func.attr in REASONED else []
                yield from (form for each in told for form in forms(each) if LETTERS.search(form))


def is_error(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and called.id in kinds()


def is_warning(called: ast.expr) -> bool:
    match called:
        case ast.Attribute(attr="warn" | "_warn") | ast.Name(id="warn"):
            return True
        case ast.Attribute(attr="append", value=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name.endswith("warnings")
    return False


@cache
def texts() -> tuple[str, ...]:
    """All that the source may say."""
    said = (
        form
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.IfExp))
        for form in forms(node)
        if LETTERS.search(form) and " " in form
    )
    return tuple(dict.fromkeys(said))


@cache
def outcomes() -> tuple[str, ...]:
    """What bad input came to: messages, warnings and the reasons of single contacts."""
    lines = [line for line in OUTCOMES.splitlines() if not line.startswith(("#", "=="))]
    return tuple(
        found[1]
        for line in lines
        if (found := re.match(r"(?:\w+Error|\w+Denied|RejectedError|UnavailableError|warning): (.+)", line))
    )


@cache
def entries() -> tuple[str, ...]:
    """The messages of the guide."""
    cells = [
        next(row.findall(nodes.entry))
        for table in guide("troubleshooting_guide").findall(nodes.table)
        for row in list(table.findall(nodes.row))[1:]
    ]
    return tuple(literal.astext() for cell in cells for literal in cell.findall(nodes.literal))


@cache
def pattern(message: str) -> re.Pattern[str]:
    """How a message begins that says this."""
    return re.compile(".+?".join(map(re.escape, re.sub("…[.]?$", "", message).split("…"))), re.DOTALL)


@cache
def general() -> tuple[str, ...]:
    """Messages into which a service's own words are put, so that an entry can be about some of them."""
    return tuple({each for each in raised() if "…" in each} | {each for each in texts() if "(HTTP …" in each})


def told(message: str) -> bool:
    return any(pattern(entry).match(message) for entry in entries())


def test_there_are_many():
    assert len(entries()) > 100
    assert len(outcomes()) > 100
    assert len(set(raised())) > 80


def test_an_entry_stands_once_and_says_something():
    assert len(set(entries())) == len(entries())
    assert [each for each in entries() if len(re.findall(r"\w", each)) < 8] == []


@pytest.mark.parametrize("message", sorted(set(raised()) - NOT_TOLD))
def test_a_message_of_the_source_has_an_entry(message):
    assert told(message) or any(pattern(message).match(entry) for entry in entries())


@pytest.mark.parametrize("message", sorted(set(outcomes())))
def test_what_came_of_bad_input_has_an_entry(message):
    assert told(message)


@pytest.mark.parametrize("entry", entries())
def test_an_entry_is_a_message_that_there_is(entry):
    said = any(pattern(entry).match(each) for each in (*texts(), *outcomes()))
    assert said or any(pattern(each).match(entry) for each in general())


def test_the_codes_of_entra_are_those_that_are_known():
    codes = {int(code) for entry in entries() for code in re.findall(r"AADSTS(\d+)", entry)}
    assert len(codes) > 5
    assert codes <= TOKEN_HINTS.keys()

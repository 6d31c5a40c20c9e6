# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubleshooting guide has an entry for each reason code and for each error, and no other.

The entries of reason codes are made of the table of messages. Errors are those that the source raises, with `…` in
the place of values, and those that came of bad input, word for word.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from docutils import nodes

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.messages import MESSAGES
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph_tokens import TOKEN_HINTS
from tests.tools import reason_entries
from tests.tools.files import ROOT, tracked
from tests.tools.guides import GUIDES, guide

SOURCES = ("module_utils", "inventory", "plugin_utils")
OUTCOMES = (ROOT / "tests" / "trust" / "bad_input.txt").read_text(encoding="utf-8")
ROOTS = {"SyncError", "AnsibleParserError"}
NOT_REPORTED = {
    # Guards against a mistake in the collection itself: no option and no answer leads there.
    "A BMS contact needs a location.",
    "No contact is named to be deleted.",
    "This BMS contact is not the probe's own, so it is not written.",
    "This contact is not the probe's own, so it is not written.",
    # What stands before another message.
    "Organization …: …",
}
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
def named(tree: ast.Module) -> dict[str, str]:
    """The texts that a file gives a name."""
    return {
        each.targets[0].id: each.value.value
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
        if isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
    }


@cache
def sentences(tree: ast.Module) -> dict[str, str]:
    """The texts that have a name in a file: its own, and those of other files that it imports."""
    imported = {each.name for node in tree.body if isinstance(node, ast.ImportFrom) for each in node.names}
    others = {name: text for other in trees() for name, text in named(other).items() if name in imported}
    return others | named(tree)


def forms(node: ast.expr, names: dict[str, str]) -> list[str]:
    """The texts that an expression may come to, with `…` for what is not known before."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.JoinedStr(values=values):
            parts = [forms(each.value if isinstance(each, ast.FormattedValue) else each, names) for each in values]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [forms(left, names), forms(right, names)]
        case ast.IfExp(body=body, orelse=orelse):
            return forms(body, names) + forms(orelse, names)
        case ast.Name(id=name) if name in names:
            return [names[name]]
        case _:
            return ["…"]
    texts = [""]
    for part in parts:
        texts = [text + more for text in texts for more in part]
    return texts


def raised() -> Iterator[str]:
    """The errors and the warnings that have no code."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                first_arguments = node.args[:1] if is_error(node.func) or is_warning(node.func) else []
                yield from (
                    form for each in first_arguments for form in forms(each, sentences(tree)) if LETTERS.search(form)
                )


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
    found = (
        form
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.IfExp))
        for form in forms(node, sentences(tree))
        if LETTERS.search(form) and " " in form
    )
    return tuple(dict.fromkeys(found))


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
    """The messages of the guide, but for those of reason codes."""
    tables = [list(table.findall(nodes.row)) for table in guide("troubleshooting_guide").findall(nodes.table)]
    rows = [row for head, *rows in tables if "Code" not in head.astext().split() for row in rows]
    cells = [next(row.findall(nodes.entry)) for row in rows]
    return tuple(literal.astext() for cell in cells for literal in cell.findall(nodes.literal))


@cache
def pattern(message: str) -> re.Pattern[str]:
    """How a message begins that says this."""
    return re.compile(".+?".join(map(re.escape, re.sub("…[.]?$", "", message).split("…"))), re.DOTALL)


@cache
def general() -> tuple[str, ...]:
    """Messages into which a service's own words are put, so that an entry can be about some of them."""
    others = {each for each in texts() if "(HTTP …" in each or " break a rule. …" in each}
    return tuple({each for each in raised() if "…" in each} | others)


def is_listed(message: str) -> bool:
    reasons = (reason_entries.shown(message.sentence) for message in MESSAGES.values())
    return any(pattern(entry).match(message) for entry in (*entries(), *reasons))


def test_the_entries_of_reason_codes_are_those_of_the_table():
    assert reason_entries.entries() in reason_entries.GUIDE.read_text(encoding="utf-8")


def test_each_reason_code_stands_in_one_group():
    assert [code for code, dummy in reason_entries.GROUPS if code not in {str(each) for each in MESSAGES}] == []
    assert next(iter(MESSAGES)) == reason_entries.GROUPS[0][0]


def test_the_guides_that_explain_a_reason_are_there():
    named = {message.guide for message in MESSAGES.values() if message.guide}
    assert [each for each in named if not (GUIDES / f"{each}.rst").exists()] == []


def test_there_are_many():
    assert len(entries()) > 100
    assert len(outcomes()) > 100
    assert len(set(raised())) > 80


def test_an_entry_stands_once_and_says_something():
    assert len(set(entries())) == len(entries())
    assert [each for each in entries() if len(re.findall(r"\w", each)) < 8] == []


@pytest.mark.parametrize("message", sorted(set(raised()) - NOT_REPORTED))
def test_a_message_of_the_source_has_an_entry(message):
    assert is_listed(message) or any(pattern(message).match(entry) for entry in entries())


@pytest.mark.parametrize("message", sorted(set(outcomes())))
def test_what_came_of_bad_input_has_an_entry(message):
    assert is_listed(message)


@pytest.mark.parametrize("entry", entries())
def test_an_entry_is_a_message_that_there_is(entry):
    is_found = any(pattern(entry).match(each) for each in (*texts(), *outcomes()))
    assert is_found or any(pattern(each).match(entry) for each in general())


def test_the_codes_of_entra_are_those_that_are_known():
    codes = {int(code) for entry in entries() for code in re.findall(r"AADSTS(\d+)", entry)}
    assert len(codes) > 5
    assert codes <= TOKEN_HINTS.keys()

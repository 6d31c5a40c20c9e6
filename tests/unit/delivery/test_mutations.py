# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing knows the modules, and which survivors are explained."""

from __future__ import annotations

import ast
import json

import pytest

from tests.tools.files import ROOT
from tests.tools.mutation_runs import Functions, header
from tests.tools.mutations import SURVIVORS, TESTS, Mutation, explained, modules, outcomes


def test_modules_and_tests_are_there():
    assert {"identity.py", "itglue_writer.py", "facts.py"} <= {path.rpartition("/")[2] for path in modules()}
    assert all((ROOT / path).is_file() for path in modules())
    assert all((ROOT / path).exists() for path in TESTS)


def test_an_explained_survivor_is_one_of_a_module_and_its_lines():
    for survivor in explained(SURVIVORS.read_text(encoding="utf-8")):
        assert survivor.module in modules()
        assert survivor.before in (ROOT / survivor.module).read_text(encoding="utf-8"), survivor


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("plan.py\n-a\n+b", id="no-reason"),
        pytest.param("plan.py\n+a\n-b\nwhy", id="wrong-lines"),
        pytest.param("plan.py\n-a\n+b\nwhy\nplan.py\n-c\n+d\nwhy", id="no-blank-line-between-two"),
    ],
)
def test_a_survivor_needs_a_reason(text):
    with pytest.raises(ValueError, match=r"plan\.py"):
        explained(text)


def test_a_mutation_that_no_test_sees_has_survived():
    row = {"module": "plan.py", "line": 1, "before": "if one:", "after": "if not one:"}
    one = Mutation("plan.py", "if one:", "if not one:")
    lines = [json.dumps({**row, "seen": seen}) for seen in (False, True)]
    assert outcomes(lines) == [(one, False), (one, True)]
    assert explained(f"# why\n\n{one}\nIt is the same.") == {one}


SOURCE = """\
LIMIT = 3
def tell(
    value=LIMIT,
):
    if (
        value
    ):
        return 1
    try:
        return 2
    except ValueError:
        return (3,
            4)
"""


@pytest.mark.parametrize(
    ("line", "lines", "inside"),
    [
        pytest.param(1, {1}, False, id="module"),
        pytest.param(3, {2, 3, 4}, False, id="default"),
        pytest.param(6, {5, 6, 7}, True, id="condition"),
        pytest.param(8, {8}, True, id="body"),
        pytest.param(13, {12, 13}, True, id="in-a-handler"),
    ],
)
def test_tests_are_chosen_by_the_lines_of_the_statement(line, lines, inside):
    assert header(ast.parse(SOURCE), line) == (lines, inside)


def test_a_function_gets_the_mutated_code_wherever_it_is_known():
    source = "def outer(value):\n    return [each for each in value if each]\n"
    found: dict = {}
    exec(compile(source, "/somewhere/plugins/module_utils/made.py", "exec"), found)
    known = found["outer"]
    assert Functions().mutate("plugins/module_utils/made.py", source.replace("if each", "if True"))
    assert known([0, 1]) == [0, 1]


def test_a_function_that_no_longer_calls_super_cannot_take_its_code():
    """Such a mutation was counted as one that no test sees, as it was never tried."""
    source = "class Told(Exception):\n    def __init__(self):\n        super().__init__('told')\n"
    found: dict = {}
    exec(compile(source, "/somewhere/plugins/module_utils/told.py", "exec"), found)
    assert not Functions().mutate("plugins/module_utils/told.py", source.replace("super().__init__('told')", "None"))
    assert str(found["Told"]()) == "told"

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing knows the modules, and which survivors are explained."""

from __future__ import annotations

import sqlite3

import pytest

from tests.tools.files import ROOT
from tests.tools.mutations import SURVIVORS, TESTS, Mutation, explained, outcomes

CHANGE = "--- mutation diff ---\n--- aplan.py\n+++ bplan.py\n@@ -1,2 +1,2 @@\n x\n-  if one:\n+  if not one:\n"


def test_modules_and_tests_are_there():
    for module, tests in TESTS.items():
        assert (ROOT / module).is_file(), module
        assert all((ROOT / path).exists() for path in tests), module


def test_an_explained_survivor_is_one_of_a_module_and_its_lines():
    for survivor in explained(SURVIVORS.read_text(encoding="utf-8")):
        assert survivor.module in TESTS
        assert survivor.before in (ROOT / survivor.module).read_text(encoding="utf-8"), survivor


@pytest.mark.parametrize("text", ["plan.py\n-a\n+b", "plan.py\n+a\n-b\nwhy"], ids=["no-reason", "wrong-lines"])
def test_a_survivor_needs_a_reason(text):
    with pytest.raises(ValueError, match=r"plan\.py"):
        explained(text)


def test_a_mutation_that_no_test_sees_has_survived(tmp_path):
    path = tmp_path / "session.sqlite"
    with sqlite3.connect(path) as base:
        base.execute("create table work_results (worker_outcome, test_outcome, diff)")
        rows = [("NORMAL", outcome, CHANGE) for outcome in ("SURVIVED", "KILLED", "INCOMPETENT")]
        base.executemany("insert into work_results values (?, ?, ?)", rows)
    one = Mutation("plan.py", "if one:", "if not one:")
    assert list(outcomes(path, "plan.py")) == [(one, False), (one, True), (one, True)]
    assert explained(f"# why\n\n{one}\nIt is the same.") == {one}

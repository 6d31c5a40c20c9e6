# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a plugin prints goes through the one function that cleans the text of others."""

from __future__ import annotations

import ast

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import one_line
from ansible_collections.msp.psa_sync.plugins.plugin_utils import summary
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import labels
from tests.tools.files import ROOT, project_files

HOSTILE = (
    "##vso[task.setvariable variable=X]y ::error::x \n::set-output name=x::y\x1b[31m \rsection_start:1:x ##[debug]z"
)
CLEANED = (
    "# #vso[task.setvariable variable=X]y : :error: :x : :set-output name=x::y [31m section_start :1:x # #[debug]z"
)

PRINTING = {"display", "warning", "vvv", "verbose", "deprecated", "error"}
CLEANING = {"one_line", "clean", "wrap_var"}


@pytest.mark.parametrize("function", [one_line, labels.one_line, summary._one_line])
def test_no_line_holds_a_command_to_a_runner_or_a_control_character(function):
    assert function(HOSTILE) == CLEANED


def prints() -> list:
    """What the plugins that run in the controller hand to Ansible's display."""
    folders = {("plugins", each) for each in ("callback", "inventory", "lookup")}
    paths = [path for path in project_files() if path.suffix == ".py" and path.parts[:2] in folders]
    calls = [
        (path, node)
        for path in paths
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRINTING
    ]
    return [
        pytest.param(node.args[0], id=f"{path}:{node.lineno}")
        for path, node in calls
        if "display" in ast.unparse(node.func.value)
    ]


@pytest.mark.parametrize("argument", prints())
def test_what_is_printed_is_cleaned(argument):
    calls = [each.func for each in ast.walk(argument) if isinstance(each, ast.Call)]
    called = {each.id for each in calls if isinstance(each, ast.Name)}
    assert called & CLEANING or isinstance(argument, ast.Constant)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard of a module's first lines."""

from __future__ import annotations

import ast
import importlib
import json
import sys

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import python, task
from tests.tools.files import ROOT, tracked


def test_a_new_python_passes():
    python.require_python()


def test_an_old_python_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))

    with pytest.raises(SystemExit) as end:
        python.require_python()

    result = json.loads(capsys.readouterr().out)
    assert end.value.code == 1
    assert result["failed"] is True
    assert "Python 3.11 or newer" in result["msg"]
    assert sys.executable in result["msg"]


def test_the_guard_itself_runs_on_the_oldest_python_that_modules_are_sent_to():
    source = (ROOT / "plugins/module_utils/_ansible/python.py").read_text()

    tree = ast.parse(source, feature_version=(3, 8))

    assert {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)} == {"__future__"}


def modules() -> list:
    return tracked("plugins/modules/*.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_module_asks_the_guard_before_it_imports_anything_else(path):
    imported = [each for each in ast.parse(path.read_text()).body if not isinstance(each, (ast.Expr, ast.Assign))]
    names = [getattr(each, "module", None) for each in imported]
    body = ast.parse(path.read_text()).body
    guard = next(index for index, each in enumerate(body) if ast.unparse(each) == "require_python()")
    before = [each.module for each in body[:guard] if isinstance(each, ast.ImportFrom)]

    assert names[0] == "__future__"
    assert before == ["__future__", "ansible_collections.msp.psa_sync.plugins.module_utils._ansible.python"]
    assert not any(isinstance(each, ast.Import) for each in body[:guard])


def test_each_module_has_an_action_plugin_and_a_place_in_the_group():
    names = {path.stem for path in modules()}
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["all"]

    assert {path.stem for path in tracked("plugins/action/*.py")} == names
    assert group == sorted(names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_module_documents_what_each_failure_returns(path):
    module = importlib.import_module(f"ansible_collections.msp.psa_sync.plugins.modules.{path.stem}")
    assert yaml.safe_load(module.RETURN)["failure"]["returned"] == "failure, unless Ansible refuses the options"


def test_the_version_is_that_of_the_collection():
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"] == task.VERSION

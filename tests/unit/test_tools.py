# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools of the Makefile, as far as a mistake in them could hide one elsewhere."""

from __future__ import annotations

import importlib
import os

import pytest

from tests.tools import bootstrap_ansible_test, environment, summary
from tests.tools.files import BUILD, COLLECTION, ROOT, development_tree, project_files

REPORT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'


@pytest.fixture
def report(tmp_path):
    def write(*counts: int) -> str:
        path = tmp_path / f"{'-'.join(map(str, counts))}.xml"
        path.write_text(REPORT.format(*counts))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("counts", "line", "code"),
    [
        ([(7, 0, 0, 0), (3, 0, 0, 0)], "10 passed, 0 failed", 0),
        ([(7, 1, 1, 0), (3, 0, 0, 0)], "8 passed, 2 failed", 1),
        ([(7, 0, 0, 2)], "5 passed, 0 failed, 2 skipped", 0),
        ([(0, 0, 0, 0)], "0 passed, 0 failed", 1),
        ([(2, 0, 0, 2)], "0 passed, 0 failed, 2 skipped", 1),
    ],
)
def test_the_closing_line_adds_up(report, capsys, counts, line, code):
    assert summary.main([report(*each) for each in counts]) == code
    assert capsys.readouterr().out == line + "\n"


def test_a_missing_report_is_no_success(tmp_path):
    with pytest.raises(FileNotFoundError):
        summary.main([str(tmp_path / "none.xml")])


def test_requirements_are_followed_into_the_files_that_they_include():
    names = {path.relative_to(ROOT).as_posix() for path in environment.requirement_files(environment.LAYERS["test"])}
    assert names >= {"tests/requirements.txt", "tests/requirements-run.txt", "meta/ee-requirements.txt"}


def test_the_environment_depends_on_each_requirement(monkeypatch, tmp_path):
    inner, outer = tmp_path / "inner.txt", tmp_path / "outer.txt"
    inner.write_text("requests\n")
    outer.write_text("-r inner.txt\n")
    monkeypatch.setitem(environment.LAYERS, "run", outer)
    before = environment.fingerprint("run")
    assert environment.fingerprint("run") == before
    inner.write_text("requests\nmsal\n")
    assert environment.fingerprint("run") != before


def test_the_bootstrap_knows_where_the_installed_ansible_test_looks():
    address, path = bootstrap_ansible_test.cache_file()
    version = path.stem.removeprefix("get_pip_").replace("_", ".")
    assert address.endswith(f"get-pip-{version}.py")
    assert path.parent.parts[-3:] == (".ansible", "test", "cache")


def test_the_development_tree_is_the_repository():
    link = development_tree() / COLLECTION
    assert link.is_symlink()
    assert os.path.samefile(link, ROOT)
    module = importlib.import_module("ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors")
    assert os.path.samefile(module.__file__, ROOT / "plugins" / "module_utils" / "_engine" / "errors.py")


def test_what_is_made_is_no_part_of_the_project():
    tops = {path.parts[0] for path in project_files()}
    assert tops >= {"plugins", "tests", "galaxy.yml"}
    assert not tops & {BUILD.name, ".venv"}

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools of the Makefile, as far as a mistake in them could hide one elsewhere."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Collection

import pytest

from tests.tools import bootstrap_ansible_test, environment, matrix, summary
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


def test_the_environment_depends_on_what_narrows_a_requirement():
    assert environment.fingerprint("pytest", ["ansible-core==2.18.*"]) != environment.fingerprint("pytest")


# ----------------------------------------------------------------- the matrix


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine that has these Pythons and no others; how each cell that is run comes out is told beforehand."""

    def machine(*pythons: str, outcomes: dict[str, bool] | None = None) -> dict[str, set[str]]:
        """What each cell leaves out, once it has run."""
        skipped: dict[str, set[str]] = {}
        for version in pythons:
            path = tmp_path / f"python{version}"
            path.write_text(f"#!/bin/sh\necho {version}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(matrix, "FOLDER", tmp_path)

        def run(cell: matrix.Cell, python: str, left_out: Collection[str]) -> bool:
            skipped[cell.core] = set(left_out)
            cell.folder.mkdir()
            cell.report.write_text(REPORT.format(3, 0 if (outcomes or {}).get(cell.core, True) else 1, 0, 0))
            return (outcomes or {}).get(cell.core, True)

        monkeypatch.setattr(matrix, "run", run)
        return skipped

    return machine


def told(capsys) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if ": " in line]


def test_each_cell_runs_on_the_python_that_it_is_for(machine, capsys):
    machine("3.11", "3.12", "3.13")
    assert matrix.main([]) == 0
    assert told(capsys) == [
        "ansible-core 2.18 on Python 3.11: 3 passed, 0 failed",
        "ansible-core 2.19 on Python 3.11: 3 passed, 0 failed",
        "ansible-core 2.20 on Python 3.12: 3 passed, 0 failed",
        "ansible-core 2.21 on Python 3.13: 3 passed, 0 failed",
    ]


def test_the_ends_that_can_run_are_run_and_what_cannot_is_said(machine, capsys):
    machine("3.11")
    assert matrix.main(["ends"]) == 0
    assert told(capsys) == [
        "ansible-core 2.18 on Python 3.11: 3 passed, 0 failed",
        "ansible-core 2.19 on Python 3.11: 3 passed, 0 failed",
        "ansible-core 2.20: NOT RUN, as there is no Python 3.12 or 3.13 or 3.14 on this machine",
        "ansible-core 2.21: NOT RUN, as there is no Python 3.13 or 3.14 or 3.12 on this machine",
    ]


def test_a_cell_that_is_asked_for_by_name_must_run(machine, capsys):
    machine("3.12")
    assert matrix.main(["2.21"]) == 0
    assert told(capsys) == ["ansible-core 2.21 on Python 3.12 (there is no 3.13): 3 passed, 0 failed"]
    (matrix.FOLDER / "python3.12").unlink()
    assert matrix.main(["2.21"]) == 1


def test_a_cell_that_fails_fails_the_matrix(machine, capsys):
    machine("3.11", "3.13", outcomes={"2.21": False})
    assert matrix.main(["ends"]) == 1
    assert told(capsys)[-1] == "ansible-core 2.21 on Python 3.13: 2 passed, 1 failed"


def test_a_python_that_does_not_run_or_is_another_is_passed_over(machine, tmp_path):
    machine("3.13")
    shim, other = tmp_path / "python3.11", tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    other.write_text("#!/bin/sh\necho 3.10\n")
    for path in (shim, other):
        path.chmod(0o755)
    assert matrix.find(matrix.CELLS[0]) == ("3.13", str(tmp_path / "python3.13"))


def test_what_knows_nothing_of_ansible_is_tested_once_on_each_python(machine, monkeypatch):
    monkeypatch.setattr(matrix.sys, "version_info", (3, 11, 7))
    left_out = machine("3.11", "3.13")
    assert matrix.main(["ends"]) == 0
    assert left_out == {"2.18": matrix.WITHOUT_ANSIBLE, "2.21": set()}


def test_the_whole_matrix_leaves_nothing_out(machine, monkeypatch):
    monkeypatch.setattr(matrix.sys, "version_info", (3, 11, 7))
    left_out = machine("3.11", "3.12", "3.13")
    assert matrix.main([]) == 0
    assert set(map(frozenset, left_out.values())) == {frozenset()}


@pytest.mark.parametrize("room", sorted(matrix.WITHOUT_ANSIBLE))
def test_what_is_left_out_knows_nothing_of_ansible(room):
    plugins = r"plugins\.(?:action|callback|inventory|lookup|modules|plugin_utils|module_utils\._ansible)\b"
    knows = re.compile(rf"^\s*(?:from|import) (?:ansible\b|ansible_collections\S+{plugins})", re.MULTILINE)
    files = list((ROOT / "tests" / "unit" / room).glob("*.py"))
    assert files
    assert [each.name for each in files if knows.search(each.read_text(encoding="utf-8"))] == []


def test_there_is_no_cell_of_another_version(machine):
    with pytest.raises(SystemExit, match=r"no cell 2\.17"):
        matrix.main(["2.17"])


def test_the_matrix_is_what_the_collection_says_it_supports():
    runtime = (ROOT / "meta" / "runtime.yml").read_text()
    assert f'requires_ansible: ">={matrix.CELLS[0].core}.0"' in runtime
    newest = matrix.CELLS[-1].core.partition(".")[2]
    assert f"ansible-core>=2.18,<2.{int(newest) + 1}" in environment.LAYERS["run"].read_text()


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

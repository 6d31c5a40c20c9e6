# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools of the Makefile, as far as a mistake in them could hide one elsewhere."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import tempfile
import time
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import noxfile
from tests.tools import bootstrap_ansible_test, environment, mutations, proportion, summary
from tests.tools.files import BUILD, COLLECTION, ROOT, development_tree, project_files, untracked_files
from tests.tools.sealed import environment as environment_of
from tests.tools.sealed import main as sealed_main

#: Unit tests of the development files, which need more tools than a cell of the matrix has.
DEVELOPMENT = {"benchmarks", "delivery", "docs", "sandbox"}

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


def test_the_slowest_tests_of_all_reports_are_named(tmp_path):
    for name, times in {"one": (0.5, 3.25), "two": (1.0, 70.0)}.items():
        cases = "".join(f'<testcase classname="tests.{name}" name="test_{time}" time="{time}"/>' for time in times)
        (tmp_path / name).write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert summary.slowest([tmp_path / "one", tmp_path / "two"], 2) == [
        "    70.0 s  tests.two::test_70.0",
        "     3.2 s  tests.one::test_3.25",
    ]


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


def test_the_environment_depends_on_the_locked_versions(monkeypatch, tmp_path):
    lock = tmp_path / "requirements.lock"
    monkeypatch.setattr(environment, "LOCK", lock)
    lock.write_text("requests==2.32.4\n")
    before = environment.fingerprint("run")
    lock.write_text("requests==2.32.5\n")
    assert environment.fingerprint("run") != before


@pytest.mark.parametrize(
    ("configuration", "index"),
    [
        ("global.extra-index-url='file:///wheels'\n:env:.cert='/ca.pem'\n", None),
        ("global.index-url='https://one.example/simple'\n", "https://one.example/simple"),
        ("global.index-url='https://one.example/'\n:env:.index-url='https://two.example/'\n", "https://two.example/"),
    ],
)
def test_uv_installs_from_the_index_of_pip(configuration, index):
    assert environment.index_of(configuration) == index


def listed(path: Path) -> list[Requirement]:
    lines = (line.partition(" #")[0] for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line[:1].isalnum()]


@pytest.mark.parametrize("layer", environment.LAYERS)
def test_each_requirement_has_a_locked_version_that_it_allows(layer):
    locked = {each.name: each.specifier for each in listed(environment.LOCK)}
    for path in environment.requirement_files(environment.LAYERS[layer]):
        for wanted in listed(path):
            if wanted.name != "ansible-core":  # each cell of the matrix has its own
                (version,) = locked[canonicalize_name(wanted.name)]
                assert version.operator == "==" and version.version in wanted.specifier, wanted


# ----------------------------------------------------------------- the matrix


def test_each_unit_test_has_its_place_in_the_matrix():
    folders = {path.parts[2] for path in project_files() if path.match("tests/unit/*/test_*.py")}
    assert folders == DEVELOPMENT | {*noxfile.UNITS}


def test_only_tests_that_know_nothing_of_ansible_run_on_the_newest_alone():
    every, newest = noxfile.unit_tests(), noxfile.unit_tests(all_of_them=True)
    excluded = set(newest) - set(every)
    assert {"tests/unit/engine/test_matching.py", "tests/unit/sync/test_writers.py"} <= excluded
    assert {"tests/unit/ansible/test_modules.py", "tests/unit/report/test_callback.py"} <= set(every)
    plugins = r"plugins\.(?:action|callback|inventory|lookup|modules|plugin_utils|module_utils\._ansible)\b"
    knows = re.compile(rf"^\s*(?:from|import) (?:ansible\b|ansible_collections\S+{plugins})", re.MULTILINE)
    assert [each for each in sorted(excluded) if knows.search((ROOT / each).read_text(encoding="utf-8"))] == []


def test_the_matrix_is_what_the_collection_says_it_supports():
    runtime = (ROOT / "meta" / "runtime.yml").read_text()
    oldest, *dummy, newest = noxfile.CELLS
    assert f'requires_ansible: ">={oldest}.0"' in runtime
    beyond = int(newest.partition(".")[2]) + 1
    assert f"ansible-core>={oldest},<2.{beyond}" in environment.LAYERS["run"].read_text()
    assert newest == noxfile.NEWEST


# ------------------------------------------------------------- the proportion


def test_only_statements_count_as_lines():
    documented = '"""A module."""\n\n# why\nDOCUMENTATION = """\nx\n"""\n'
    source = documented + 'def add(\n    one,\n):\n    """Add."""\n    return one + 1\n'
    assert proportion.statement_lines(source) == 4


def test_the_tests_stay_in_proportion():
    assert 1 < proportion.proportion() < 2


# ------------------------------------------------------------------- the seal


def test_nothing_of_the_user_gets_into_a_test(monkeypatch, tmp_path):
    leaks = ("ansible_config", "BMS_API_KEY", "https_proxy", "LANG", "LC_TIME", "GIT_DIR", "XDG_CONFIG_HOME", "NETRC")
    for name in leaks:
        monkeypatch.setenv(name, "of the user")
    monkeypatch.setenv("KEPT", "of the user")
    sealed = environment_of(tmp_path)
    assert [name for name, value in sealed.items() if value == "of the user"] == ["KEPT"]
    assert sealed["HOME"] == str(tmp_path)


def test_the_tests_are_sealed():
    home = Path(os.environ["HOME"])
    assert Path(tempfile.gettempdir()) in home.parents
    assert Path.home() == home
    assert time.tzname == ("UTC", "UTC")
    assert "LANG" not in os.environ and os.environ["LC_ALL"] == "C.UTF-8"


def test_a_module_that_is_run_sealed_returns_its_exit_code(capfd):
    assert sealed_main(["json.tool", "--help"]) == 0
    assert sealed_main(["json.tool", "there-is-no-such-file"]) != 0
    capfd.readouterr()


# ------------------------------------------------------------------ the files


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository with one tracked, one untracked and one ignored file."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored\n")
    for name in ("tracked", "stray", "ignored"):
        (tmp_path / name).touch()
    subprocess.run(["git", "-C", str(tmp_path), "add", ".gitignore", "tracked"], check=True)
    return tmp_path


def test_the_project_is_what_git_tracks(repository):
    assert project_files(repository) == [Path(".gitignore"), Path("tracked")]
    assert untracked_files(repository) == [Path("stray")]


def test_a_tracked_file_that_was_removed_is_no_part_of_the_project(repository):
    (repository / "tracked").unlink()
    assert project_files(repository) == [Path(".gitignore")]


def test_what_the_user_lets_git_ignore_is_still_seen(repository, monkeypatch):
    (Path.home() / ".gitconfig").write_text(f"[core]\nexcludesFile = {repository / 'further'}\n")
    (repository / "further").write_text("stray\nfurther\n")
    try:
        assert untracked_files(repository) == [Path("further"), Path("stray")]
    finally:
        (Path.home() / ".gitconfig").unlink()


def test_the_bootstrap_knows_where_the_installed_ansible_test_looks():
    address, path = bootstrap_ansible_test.cache_file()
    version = path.stem.removeprefix("get_pip_").replace("_", ".")
    assert address.endswith(f"get-pip-{version}.py")
    assert path.parent.parts[-3:] == (".ansible", "test", "cache")


def test_the_stand_in_gives_an_environment_the_pip_beside_it(tmp_path):
    (tmp_path / "get_pip" / "pip").mkdir(parents=True)
    (tmp_path / "get_pip" / "pip" / "__init__.py").write_text("")
    script = tmp_path / "get_pip.py"
    script.write_text(bootstrap_ansible_test.STAND_IN)
    venv.create(tmp_path / "made")
    python = tmp_path / "made" / "bin" / "python"
    subprocess.run([python, script, "--disable-pip-version-check", "pip==25.2", "--no-setuptools"], check=True)
    subprocess.run([python, "-c", "import pip"], check=True)


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


# ----------------------------------------------------------- mutations of the rules


def test_each_module_is_mutated_in_one_of_eight_nights():
    turns = [mutations.todays(mutations.modules(), seed) for seed in range(360, 368)]
    assert max(map(len, turns)) == mutations.MODULES_A_NIGHT
    assert {module for turn in turns for module in turn} == {*mutations.modules()}


@pytest.mark.parametrize(
    ("tried", "code"),
    [([], 1), ([("a = 2", True)], 0), ([("a = 2", True), ("a = 3", False)], 1), ([("a = 4", False)], 0)],
)
def test_what_survives_unexplained_and_a_run_that_tries_nothing_fail(monkeypatch, tmp_path, tried, code):
    survivors = tmp_path / "survivors.txt"
    survivors.write_text("m.py\n-a = 1\n+a = 4\nIt is only a number.\n", encoding="utf-8")
    results = tmp_path / "results.jsonl"
    lines = [{"module": "m.py", "before": "a = 1", "after": after, "seen": seen} for after, seen in tried]
    monkeypatch.setattr(mutations, "prepare", lambda: None)
    monkeypatch.setattr(
        mutations, "run", lambda *dummy: results.write_text("".join(json.dumps(each) + "\n" for each in lines))
    )
    monkeypatch.setattr(mutations, "SURVIVORS", survivors)
    monkeypatch.setattr(mutations, "RESULTS", results)
    assert mutations.main([]) == code

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a contributor meets: workflows, forms and hooks are valid, and run what the Makefile and noxfile.py have."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import noxfile
from tests.tools.files import ROOT, tracked

BIN = Path(sys.executable).parent
FORMS = [path for path in tracked(".github/ISSUE_TEMPLATE/*.yml") if path.stem != "config"]
WORKFLOWS = {path.stem: path for path in tracked(".github/workflows/*.yml")}
#: Of the template for certified content.
SECTIONS = {
    "Description",
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Contributing",
    "Support",
    "Release notes",
    "Related information",
    "License information",
}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
COMMIT = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SCHEMAS = {
    "vendor.github-workflows": list(WORKFLOWS.values()),
    "vendor.github-issue-forms": FORMS,
    "vendor.github-issue-config": tracked(".github/ISSUE_TEMPLATE/config.yml"),
    "vendor.dependabot": tracked(".github/dependabot.yml"),
}


def load(name: str) -> dict:
    return yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, dict]]:
    for name in WORKFLOWS:
        for job, content in load(name)["jobs"].items():
            yield f"{name}: {job}", content


def scripts() -> Iterator[str]:
    for dummy, job in jobs():
        yield from (step["run"] for step in job.get("steps", ()) if "run" in step)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_file_is_valid_by_the_schema_of_github(schema):
    assert SCHEMAS[schema]
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", schema, *SCHEMAS[schema]], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout


def test_the_hooks_are_valid_and_call_the_linters_of_the_makefile():
    path = ROOT / ".pre-commit-config.yaml"
    subprocess.run([BIN / "pre-commit", "validate-config", path], check=True)
    (repository,) = yaml.safe_load(path.read_text(encoding="utf-8"))["repos"]
    called = {hook["entry"].removeprefix("make ") for hook in repository["hooks"]}
    assert called and called <= {target for target in TARGETS if target.startswith("lint-")}


def test_each_linter_looks_at_what_git_tracks_alone():
    """A stray file in the checkout is nobody's fault."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    recipes = re.findall(r"^lint-[a-z]+: ([^\n]*)\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE)
    assert len(recipes) == len([target for target in TARGETS if target.startswith("lint-")])
    assert [needs for needs, dummy in recipes if "tree" not in needs.split()] == []
    calls = [line for dummy, recipe in recipes for line in recipe.splitlines() if "$(bin)/" in line]
    assert calls and [line for line in calls if "$(TREE)" not in line] == []


def test_each_action_is_pinned_by_the_commit_of_a_version():
    lines = [line for path in WORKFLOWS.values() for line in path.read_text(encoding="utf-8").splitlines()]
    uses = [line for line in lines if "uses: " in line and "uses: ./" not in line]
    assert len(uses) > 5
    assert [line for line in uses if not COMMIT.search(line)] == []
    # One version of each action, so that one line of a pull request renews it everywhere.
    named = {line.split("uses: ")[1] for line in uses}
    assert len(named) == len({each.split("@")[0] for each in named})


def test_a_workflow_may_read_and_a_job_has_an_end():
    assert [name for name in WORKFLOWS if load(name)["permissions"] != {"contents": "read"}] == []
    endless = [name for name, job in jobs() if "steps" in job and "timeout-minutes" not in job]
    assert endless == []


def test_a_checkout_leaves_no_credentials_behind():
    steps = [step for dummy, job in jobs() for step in job.get("steps", ())]
    checkouts = [step for step in steps if "actions/checkout@" in step.get("uses", "")]
    assert len(checkouts) > 3
    assert [step for step in checkouts if step["with"].get("persist-credentials") is not False] == []


def test_the_scripts_are_shell_and_their_targets_exist():
    for script in scripts():
        assert "${{" not in script  # a value would be run as a part of the script
        subprocess.run(["bash", "-n", "-c", script], check=True)
    targets = {target for script in scripts() for target in re.findall(r"\bmake ([a-z-]+)", script)}
    assert {"test", "matrix", "nightly", "docs"} <= targets <= TARGETS


def test_a_pull_request_is_checked_on_every_cell_of_the_matrix():
    matrix = load("checks")["jobs"]["cell"]["strategy"]["matrix"]["include"]
    assert {each["core"]: each["python"] for each in matrix} == noxfile.CELLS
    (cells,) = re.findall(r"^CELLS \?= (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert cells.split() == list(noxfile.CELLS)


def test_the_workflow_of_a_release_waits_for_the_checks():
    release = load("release")["jobs"]
    assert release["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert release["publish"]["needs"] == "checks"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_no_real_data_and_for_a_promise_of_that(path):
    fields = {field.get("id"): field for field in yaml.safe_load(path.read_text(encoding="utf-8"))["body"]}
    assert [option["required"] for option in fields["data"]["attributes"]["options"]] == [True]


def test_those_who_review_are_listed():
    owners = re.findall(r"@\S+", (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8"))
    assert owners and set(owners) <= set((ROOT / "MAINTAINERS").read_text(encoding="utf-8").split())


def test_a_vulnerability_is_reported_privately():
    form = "https://github.com/msp-psa-sync/msp.psa_sync/security/advisories/new"
    assert form in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    (links,) = (
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in tracked(".github/ISSUE_TEMPLATE/config.yml")
    )
    assert links["blank_issues_enabled"] is False
    assert form in {each["url"] for each in links["contact_links"]}


def test_the_guide_states_the_floor_of_the_coverage():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]
    assert settings["run"]["branch"] and settings["run"]["source"] == ["plugins/module_utils"]
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"The floor is `fail_under` in `pyproject.toml`, {settings['report']['fail_under']} %" in guide
    assert any("make coverage" in script for script in scripts())


def test_the_request_for_a_change_asks_for_tests_and_no_real_data():
    template = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    items = re.findall(r"^- \[ \] (.+)$", template, re.MULTILINE)
    assert any("`make test`" in item for item in items)
    assert any("nothing about a real person or client" in item for item in items)


def test_dependabot_looks_after_each_file_of_requirements_and_the_actions():
    (path,) = tracked(".github/dependabot.yml")
    updates = {each["package-ecosystem"]: each for each in yaml.safe_load(path.read_text(encoding="utf-8"))["updates"]}
    assert updates.keys() == {"github-actions", "pip"}
    folders = {f"/{file.parent.relative_to(ROOT).as_posix()}" for file in tracked("**/*requirements*.txt")}
    assert set(updates["pip"]["directories"]) == folders


def test_the_readme_has_the_sections_of_certified_content():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", readme, re.MULTILINE)
    assert SECTIONS - set(headings) == set()
    installation = readme.partition("## Installation\n")[2].partition("\n## ")[0]
    assert re.search(r"collection install msp\.psa_sync:==\d+\.\d+\.\d+$", installation, re.MULTILINE)
    assert re.search(r"collection install msp\.psa_sync --upgrade$", installation, re.MULTILINE)


def test_the_table_of_gates_names_commands_that_exist():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| `([^`]+)`[^|]* \|$", guide.partition("## Gates")[2], re.MULTILINE)
    targets = {target for row in rows if row.startswith("make ") for target in row.split()[1:]}
    assert {"matrix", "coverage", "certification", "importer"} <= targets <= TARGETS
    tests = [row.split()[1] for row in rows if "pytest" in row]
    assert tests and all((ROOT / path).is_file() for path in tests)

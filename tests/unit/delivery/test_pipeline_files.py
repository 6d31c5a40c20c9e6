# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example pipelines are valid by the schemas of their systems, and careful with what they are given."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS, ENVIRONMENT
from tests.tools.files import ROOT, tracked

EXAMPLES = ROOT / "docs" / "examples"
SCHEMAS = {
    ".github/workflows/contacts.yml": ("vendor.github-workflows",),
    ".github/actions/prepare/action.yml": ("vendor.github-actions",),
    ".gitlab-ci.yml": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    # Its patterns are no regular expressions in the strict mode of ECMAScript.
    "azure-pipelines.yml": ("vendor.azure-pipelines", "--regex-variant", "nonunicode"),
    "ci/azure_prepare.yml": ("vendor.azure-pipelines", "--regex-variant", "nonunicode"),
}
PIPELINES = [".github/workflows/contacts.yml", ".gitlab-ci.yml", "azure-pipelines.yml"]
SECRETS = {name for name, option in CONNECTION_OPTIONS.items() if option.get("no_log")}


def text(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


def load(name: str) -> dict:
    return yaml.safe_load(text(name))


def valid(path: Path, *options: str) -> subprocess.CompletedProcess:
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", *options, path]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_file_is_valid_by_the_schema_of_its_system(name):
    done = valid(EXAMPLES / name, *SCHEMAS[name])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "was", "wrong"),
    [
        (".github/workflows/contacts.yml", "timeout-minutes: 60", "timeout_minutes: 60"),
        (".github/actions/prepare/action.yml", "using: composite", "using: compost"),
        (".gitlab-ci.yml", "expire_in: 7 days", "expires: 7 days"),
        ("azure-pipelines.yml", 'timeoutInMinutes: "60"', 'timeout: "60"'),
        ("ci/azure_prepare.yml", "- bash: |", "- bush: |"),
    ],
)
def test_the_schemas_find_mistakes(name, was, wrong, tmp_path):
    path = tmp_path / Path(name).name
    path.write_text(text(name).replace(was, wrong), encoding="utf-8")
    assert valid(path, *SCHEMAS[name]).returncode == 1


def every(node: object) -> Iterator[dict]:
    """All mappings of a file."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from every(each)


def test_actions_tasks_and_images_have_versions():
    actions = [each["uses"] for name in SCHEMAS for each in every(load(name)) if "uses" in each]
    assert len(actions) > 5
    assert [each for each in actions if not re.search(r"^\./|@v\d+\.\d+\.\d+$", each)] == []
    tasks = [each["task"] for name in SCHEMAS for each in every(load(name)) if "task" in each]
    assert len(tasks) > 5 and all(re.search(r"@\d+$", each) for each in tasks)
    assert re.search(r":\d+\.\d+-slim$", load(".gitlab-ci.yml")["default"]["image"])
    assert "latest" not in "".join(map(text, SCHEMAS))


def test_the_jobs_of_github_may_do_what_they_need_and_no_more():
    file = load(".github/workflows/contacts.yml")
    assert file["permissions"] == {}
    signed_in = {"contents": "read", "id-token": "write"}
    assert {name: job["permissions"] for name, job in file["jobs"].items()} == {
        "check": signed_in | {"pull-requests": "write"},
        "apply": signed_in,
        "drift": signed_in,
    }
    assert "pull_request_target" not in text(".github/workflows/contacts.yml")
    assert {job["environment"] for job in file["jobs"].values()} == {"contacts-check", "contacts"}
    # A script sees only variables: what others have written is never part of it.
    assert [each["run"] for each in every(file) if "${{" in str(each.get("run"))] == []


def test_a_fork_gets_nothing():
    github = load(".github/workflows/contacts.yml")["jobs"]["check"]["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in github
    gitlab, main = (each["if"] for each in load(".gitlab-ci.yml")["workflow"]["rules"])
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in gitlab
    assert main == "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
    azure = load("azure-pipelines.yml")["stages"][0]["condition"]
    assert "ne(variables['System.PullRequest.IsFork'], 'True')" in azure


def test_two_applies_never_run_side_by_side():
    github = load(".github/workflows/contacts.yml")["jobs"]["apply"]["concurrency"]
    assert github == {"group": "contacts-apply", "cancel-in-progress": False}
    gitlab = load(".gitlab-ci.yml")["apply"]
    assert (gitlab["resource_group"], gitlab["interruptible"]) == ("contacts", False)
    assert load("azure-pipelines.yml")["stages"][1]["lockBehavior"] == "sequential"


@pytest.mark.parametrize("name", PIPELINES)
def test_secrets_come_from_the_system_and_there_is_none_for_microsoft(name):
    variables = {ENVIRONMENT[option] for option in SECRETS}
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text(name))) & set(ENVIRONMENT.values())
    assert named & variables == {"ITGLUE_API_KEY", "BMS_PASSWORD"}
    assert "AZURE_CLIENT_ID" in named
    assert text(name).count("python ci/signed_in.py ansible-playbook") == 3


@pytest.mark.parametrize("name", PIPELINES)
def test_all_run_the_same_playbooks(name):
    commands = " ".join(text(name).replace("\\\n", " ").split())
    both = "python ci/signed_in.py ansible-playbook msp.psa_sync.enforce_settings msp.psa_sync.sync_contacts"
    assert f'{both} --check -e sync_plan_directory="$PWD/plans"' in commands
    applied = '-e sync_plan_directory="$PWD/plans" -e sync_apply_plan=true -e sync_journal_directory="$PWD/journals"'
    assert f"{both} {applied}" in commands
    assert "python ci/signed_in.py ansible-playbook msp.psa_sync.drift --check" in commands


def test_what_is_kept_is_kept_for_days_and_shown_to_few():
    uploads = [
        each for each in every(load(".github/workflows/contacts.yml")) if "upload-artifact@" in str(each.get("uses"))
    ]
    assert {each["with"]["retention-days"] for each in uploads} == {7, 30}
    gitlab = load(".gitlab-ci.yml")
    for job in ("check", "apply", "drift"):
        assert gitlab[job]["artifacts"]["access"] == "developer"
        assert gitlab[job]["artifacts"]["expire_in"] in ("7 days", "30 days")


def test_the_requirements_are_those_of_the_collection():
    listed = {line for line in text("requirements.txt").splitlines() if line and not line.startswith("#")}
    run_time = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    assert {line for line in run_time.splitlines() if line and not line.startswith("#")} < listed
    (own,) = load("requirements.yml")["collections"]
    assert own["name"] == "msp.psa_sync" and re.fullmatch(r"\d+\.\d+\.\d+", own["version"])


def test_the_scripts_are_shell():
    scripts = [each[key] for name in SCHEMAS for each in every(load(name)) for key in ("run", "bash") if key in each]
    assert len(scripts) > 5
    for script in scripts:
        subprocess.run(["bash", "-n", "-c", script], check=True)


# ----------------------------------------------------------------------- guides


def guide(name: str) -> str:
    return (ROOT / "docs" / "docsite" / "rst" / f"{name}.rst").read_text(encoding="utf-8")


def blocks(name: str, kind: str) -> list[str]:
    found = re.findall(rf"^\.\. code-block:: {kind}\n\n((?:    .*\n|\n)+)", guide(name), re.MULTILINE)
    return [re.sub("^    ", "", each, flags=re.MULTILINE).rstrip("\n") for each in found]


def test_the_commands_of_the_guide_are_those_of_the_pipelines():
    (shell,) = blocks("ci_guide", "shell")
    lines = shell.splitlines()
    assert len(lines) == 3
    for name in PIPELINES:
        commands = " ".join(text(name).replace("\\\n", " ").split())
        assert [line for line in lines if f"python ci/signed_in.py {line}" not in commands] == []


def test_the_trust_of_the_guide_is_for_the_environments_of_the_pipeline():
    (shown,) = blocks("ci_guide", "json")
    trust = json.loads(shown)
    (audience,) = trust["audiences"]
    assert f'AUDIENCE = "{audience}"' in text("ci/signed_in.py")
    assert load(".gitlab-ci.yml")["default"]["id_tokens"]["AZURE_ID_TOKEN"]["aud"] == audience
    environment = trust["subject"].rpartition(":environment:")[2]
    assert environment in {job["environment"] for job in load(".github/workflows/contacts.yml")["jobs"].values()}
    assert trust["issuer"] in guide("ci_guide").replace(shown, "")


def test_the_client_of_the_guide_is_the_one_of_the_example():
    added, common, dummy, dummy2 = (yaml.safe_load(each) for each in blocks("fleet_guide", "yaml"))
    assert added == load("inventory/host_vars/happy_frog.yml")
    shared = load("inventory/group_vars/clients.yml")["office365_sync_defaults"]
    assert common["office365_sync_defaults"].items() <= shared.items()


@pytest.mark.parametrize("name", ["fleet_guide", "ci_guide", "awx_guide"])
def test_what_the_guides_link_to_in_the_example_is_there(name):
    links = re.findall(r"<\.\./\.\./(examples[^>]*)>", guide(name))
    assert links and all((ROOT / "docs" / link).exists() for link in links)


def test_the_guide_to_awx_names_every_file_and_template():
    text_of_guide = guide("awx_guide")
    assert [path.name for path in tracked("docs/examples/awx/*") if f"``{path.name}``" not in text_of_guide] == []
    controller = text("awx/controller.yml")
    names = re.findall(r"\{name: (Contacts - \w+),", controller)
    assert len(names) == 2 and all(f"*{name}*" in text_of_guide for name in names)


def test_the_readme_of_the_example_names_what_is_there():
    named = set(re.findall(r"^\| (.+?) \|", text("README.md"), re.MULTILINE))
    paths = {path for each in named for path in re.findall(r"`([^`]+)`", each)}
    assert paths and all((EXAMPLES / path).exists() for path in paths)
    top = {path.relative_to(EXAMPLES).parts[0] for path in tracked("docs/examples/**")} - {"README.md"}
    assert top == {path.split("/")[0] for path in paths}
    for link in re.findall(r"\]\(([^)]+)\)", text("README.md")):
        assert (EXAMPLES / link).exists()

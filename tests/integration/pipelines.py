# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays the runners of GitHub Actions, GitLab CI and Azure Pipelines, as far as the examples use them.

A job is read from the file of its system as a list of steps: scripts with their variables, and artifacts that are kept
or fetched. Which jobs a trigger starts is not played; `test_pipelines.py` names them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.tools.files import ROOT

EXAMPLES = ROOT / "docs" / "examples"


@dataclass(frozen=True)
class Step:
    """A script, or an artifact: the folder `path` is kept as `keep` or fetched as `fetch`."""

    script: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    although_failed: bool = False
    keep: str = ""
    fetch: str = ""
    path: str = ""


def load(name: str) -> dict:
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


def _filled(text: object, pattern: str, lookup: Callable[[str], str]) -> str:
    return re.sub(pattern, lambda found: lookup(found[1]), str(text))


# ---------------------------------------------------------------------- GitHub


def github(job: str, lookup: Callable[[str], str]) -> list[Step]:
    def filled(values: Mapping[str, object]) -> dict[str, str]:
        return {name: _filled(value, r"\$\{\{ ([\w.]+) \}\}", lookup) for name, value in values.items()}

    def steps(given: list[dict]) -> Iterator[Step]:
        for step in given:
            uses, inputs, late = step.get("uses", ""), step.get("with", {}), "if" in step
            if uses.startswith("./"):
                yield from steps(load(f"{uses.removeprefix('./')}/action.yml")["runs"]["steps"])
            elif uses.startswith("actions/upload-artifact@"):
                yield Step(keep=inputs["name"], path=inputs["path"], although_failed=late)
            elif uses.startswith("actions/download-artifact@"):
                yield Step(fetch=inputs["name"], path=inputs["path"])
            elif "run" in step:
                yield Step(step["run"], {**common, **filled(step.get("env", {}))}, late)

    file = load(".github/workflows/contacts.yml")
    own = file["jobs"][job]
    common = filled(file["env"])
    if own["permissions"].get("id-token") == "write":
        common["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{lookup('issuer')}/github?environment={own['environment']}"
        common["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = lookup("bearer")
    return list(steps(own["steps"]))


# ---------------------------------------------------------------------- GitLab


def gitlab(job: str, lookup: Callable[[str], str]) -> list[Step]:
    file = load(".gitlab-ci.yml")
    own, default = file[job], file["default"]
    names = ("ITGLUE_URL", "BMS_URL", "BMS_COMPANY", "AZURE_CLIENT_ID", "ITGLUE_API_KEY", "BMS_USERNAME")
    variables = {name: lookup(name) for name in (*names, "BMS_PASSWORD")}
    variables |= {name: lookup(f"token for {each['aud']}") for name, each in default["id_tokens"].items()}
    variables |= {name: _filled(value, r"\$(\w+)", lookup) for name, value in file["variables"].items()}
    fetched = [path for each in own.get("needs", ()) for path in file[each["job"]]["artifacts"]["paths"]]
    script = "\n".join([*default["before_script"], *own["script"]])
    return [
        *(Step(fetch=path, path=path) for path in fetched),
        Step(script, variables),
        *(Step(keep=path, path=path, although_failed=True) for path in own["artifacts"]["paths"]),
    ]


# ----------------------------------------------------------------------- Azure


def azure(job: str, lookup: Callable[[str], str]) -> list[Step]:
    def filled(values: Mapping[str, object]) -> dict[str, str]:
        return {name: _filled(value, r"\$\(([\w.]+)\)", lookup) for name, value in values.items()}

    def steps(given: list[dict]) -> Iterator[Step]:
        for step in given:
            late = "condition" in step
            variables = {**common, **filled(step.get("env", {}))}
            if "template" in step:
                yield from steps(load(step["template"])["steps"])
            elif "publish" in step:
                yield Step(keep=step["artifact"], path=step["publish"], although_failed=late)
            elif step.get("task") == "DownloadPipelineArtifact@2":
                yield Step(fetch=step["inputs"]["artifactName"], path=step["inputs"]["targetPath"])
            elif step.get("task") == "AzureCLI@2":
                connected = {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": step["inputs"]["azureSubscription"]}
                yield Step(step["inputs"]["inlineScript"], variables | connected, late)
            elif "bash" in step:
                yield Step(step["bash"], variables, late)

    file = load("azure-pipelines.yml")
    groups = {name: lookup(name) for name in ("ITGLUE_URL", "BMS_URL", "BMS_COMPANY", "AZURE_CLIENT_ID")}
    common = groups | filled({each["name"]: each["value"] for each in file["variables"] if "name" in each})
    common["SYSTEM_OIDCREQUESTURI"] = f"{lookup('issuer')}/azure"
    (stage,) = (each for each in file["stages"] if each["stage"] == job)
    (only,) = stage["jobs"]
    deploying = only.get("strategy", {}).get("runOnce", {}).get("deploy", {})
    return list(steps(only.get("steps") or deploying["steps"]))


SYSTEMS = {"github": github, "gitlab": gitlab, "azure": azure}
"""What a system makes of a job in its file. The second argument gives the values of its expressions."""


# ---------------------------------------------------------------------- runner


@dataclass
class Ran:
    """How a job went."""

    failed: bool
    output: str
    folder: Path


class Runner:
    """Runs jobs one after another, each in a fresh copy of the example, with the artifacts of those before."""

    def __init__(self, system: str, home: Path, machine: Mapping[str, str], lookup: Callable[[str], str]) -> None:
        self.system = system
        self.home, self.machine, self.lookup = home, machine, lookup
        self.artifacts = home / "artifacts"

    def __call__(self, job: str, *, example: Path = EXAMPLES) -> Ran:
        folder = self.home / f"{job}-{len(list(self.home.iterdir()))}"
        shutil.copytree(example, folder)
        failed, message = False, ""
        for step in SYSTEMS[self.system](job, self.lookup):
            if failed and not step.although_failed:
                continue
            if step.keep:
                shutil.copytree(folder / step.path, self.artifacts / step.keep, dirs_exist_ok=True)
            elif step.fetch:
                shutil.copytree(self.artifacts / step.fetch, folder / step.path)
            else:
                done = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script],
                    check=False,
                    cwd=folder,
                    env={**self.machine, **step.variables},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                failed, message = failed or done.returncode != 0, message + done.stdout
        return Ran(failed, message, folder)

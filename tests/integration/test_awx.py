# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example for AWX: its execution environment, its objects, and slices of its inventory on nodes that share nothing.

There is no AWX here. Its modules are played by actions that have the same options (`awx_options.json`, from the
argument specs of awx.awx 24.6.1) and write down what they are given. An action runs in Ansible's process; to start
modules takes longer than all the rest.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS, ENVIRONMENT
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import LIMITS
from tests.integration.fleet import run, with_settings
from tests.integration.test_fleet import plain
from tests.integration.test_shared import BMS, OFFICE365, PUSH, everybody, people, sent, tenant_id, world
from tests.sandbox.launch import running
from tests.tools.files import BUILD, ROOT

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = pytest.mark.xdist_group("awx")

EXAMPLE = ROOT / "docs" / "examples"
AWX = EXAMPLE / "awx"
OPTIONS = json.loads((ROOT / "tests" / "integration" / "awx_options.json").read_text(encoding="utf-8"))
SECRETS = {"ITGLUE_API_KEY": "key-of-glue", "BMS_PASSWORD": "pass-of-bms", "AZURE_CLIENT_SECRET": "secret-of-app"}
ACTION = """
import json, os
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        checked, params = self.validate_argument_spec(json.loads({spec!r}))
        given = {{name: value for name, value in params.items() if value is not None}}
        with open(os.environ["AWX_GIVEN"], "a") as file:
            file.write(json.dumps([{name!r}, given]) + "\\n")
        # As of a module, Ansible shows the options, but those that are secret.
        shown = remove_values(given, checked._no_log_values)
        return {{**result, "changed": True, "invocation": {{"module_args": shown}}}}
"""


# ---------------------------------------------------------------- execution environment


def builder(*arguments: str | Path) -> str:
    command = [Path(sys.executable).with_name("ansible-builder"), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_an_execution_environment_gets_what_the_collection_needs():
    found = yaml.safe_load(builder("introspect", BUILD / "installed"))
    assert [each.split()[0] for each in found["python"]] == ["msal", "phonenumberslite", "requests"]
    assert found["system"] == []


def test_the_execution_environment_of_the_example_can_be_built(tmp_path):
    definition = AWX / "execution-environment.yml"
    builder("create", "--file", definition, "--context", tmp_path, "--output-filename", "Containerfile")
    assert yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text()) == yaml.safe_load(
        (EXAMPLE / "requirements.yml").read_text()
    )
    made = (tmp_path / "Containerfile").read_text()
    assert 'EE_BASE_IMAGE="quay.io/centos/centos:stream10"' in made
    assert "ansible-core>=2.18,<2.22" in made
    assert re.search(r"ansible-galaxy collection install .*-r requirements.yml", made)


# ----------------------------------------------------------------------- objects


@pytest.fixture(scope="module")
def awx(tmp_path_factory):
    """Runs a playbook with actions that play AWX's modules; its output, and what the actions were given, in order."""
    folder = tmp_path_factory.mktemp("awx")
    actions = folder / "ansible_collections" / "awx" / "awx" / "plugins" / "action"
    actions.mkdir(parents=True)
    for name, spec in OPTIONS.items():
        (actions / f"{name}.py").write_text(ACTION.format(spec=json.dumps(spec), name=name))

    def awx(playbook: Path, *options: str) -> tuple[subprocess.CompletedProcess, list[tuple[str, dict]]]:
        given = folder / "given"
        given.write_text("")
        variables = {
            "ANSIBLE_COLLECTIONS_PATH": folder,
            "AWX_GIVEN": given,
        }
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), playbook, *options],
            check=False,
            cwd=EXAMPLE,
            env={**os.environ, **SECRETS, **{name: str(value) for name, value in variables.items()}},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done, [tuple(json.loads(line)) for line in given.read_text().splitlines()]

    return awx


@pytest.fixture(scope="module")
def given(awx) -> list[tuple[str, dict]]:
    """What AWX's modules are given by the playbook of the example: their names and options, in order."""
    done, given = awx(AWX / "controller.yml", "-vv")
    assert done.returncode == 0, done.stdout
    assert not [secret for secret in SECRETS.values() if secret in done.stdout]
    return given


def of(given: list, module: str) -> list[dict]:
    return [options for name, options in given if name == module]


def test_all_that_is_named_was_made_before(given):
    made = {
        module: {options["name"] for options in of(given, module)}
        for module in ("credential_type", "credential", "execution_environment", "project", "inventory", "job_template")
    }
    (credential,), (source,), (schedule,) = (of(given, each) for each in ("credential", "inventory_source", "schedule"))
    (notification,) = of(given, "notification_template")
    assert credential["credential_type"] in made["credential_type"]
    assert source["inventory"] in made["inventory"] and source["source_project"] in made["project"]
    assert source["credential"] in made["credential"]
    assert schedule["unified_job_template"] in made["job_template"]
    for template in of(given, "job_template"):
        for key in ("project", "inventory", "execution_environment"):
            assert template[key] in made[key]
        assert set(template["credentials"]) <= made["credential"]
        assert template["notification_templates_error"] == [notification["name"]]
    order = list(dict.fromkeys(name for name, dummy in given))
    assert order.index("credential_type") < order.index("credential") < order.index("inventory_source")
    assert order[-2:] == ["job_template", "schedule"]


def test_the_credential_becomes_the_variables_of_the_collection(given):
    (kind,) = of(given, "credential_type")
    fields = {field["id"]: field for field in kind["inputs"]["fields"]}
    assert kind["injectors"] == {"env": {ENVIRONMENT[name]: f"{{{{ {name} }}}}" for name in fields}}
    assert {name for name, field in fields.items() if field.get("secret")} == {
        name for name in fields if CONNECTION_OPTIONS[name].get("no_log")
    }
    assert set(kind["inputs"]["required"]) == set(fields)
    (credential,) = of(given, "credential")
    assert set(credential["inputs"]) == set(fields)
    assert {ENVIRONMENT[name]: value for name, value in credential["inputs"].items() if value} == SECRETS


@pytest.mark.parametrize("slices", [1, 3])
def test_preview_and_sync_share_the_quotas_by_the_number_of_slices_at_launch(awx, given, slices):
    if slices > 1:
        options = ("--start-at-task", "Declare the job templates", "-e", f"awx_slices={slices}")
        dummy, given = awx(AWX / "controller.yml", *options)
    templates = of(given, "job_template")
    assert {each["job_type"] for each in templates} == {"check", "run"}
    for each in templates:
        assert each["allow_simultaneous"] is False
        # Nobody can start another number of slices than the shares were made for.
        assert (each["job_slice_count"], each["ask_job_slice_count_on_launch"]) == (slices, False)
        for service in ("itglue", "bms"):
            allowed = LIMITS[service].used
            assert 0.9 * allowed < each["job_slice_count"] * int(each["extra_vars"][f"{service}_quota"]) <= allowed


def test_what_the_objects_name_is_in_the_project(given):
    (source,) = of(given, "inventory_source")
    assert (EXAMPLE / source["source_path"]).is_file()
    for template in of(given, "job_template"):
        text = (EXAMPLE / template["playbook"]).read_text(encoding="utf-8")
        # AWX offers files with such a line as playbooks.
        assert re.search(r"^\s*ansible\.builtin\.import_playbook: msp\.psa_sync\.sync_contacts$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("was", "wrong", "message"),
    [
        ("job_slice_count:", "job_slices:", "Unsupported parameters"),
        ("job_type: check", "job_type: look", "value of job_type must be one of"),
    ],
)
def test_a_mistake_in_the_options_would_be_found(awx, tmp_path, was, wrong, message):
    playbook = tmp_path / "controller.yml"
    playbook.write_text((AWX / "controller.yml").read_text(encoding="utf-8").replace(was, wrong), encoding="utf-8")
    done, dummy = awx(playbook, "--start-at-task", "Declare the job templates")
    assert done.returncode == 2
    assert message in done.stdout


# ------------------------------------------------------------------------ slices


def sliced(hosts: dict[str, dict], number: int, of_all: int) -> dict[str, dict]:
    """A slice as AWX cuts it: each so many-th host, by name."""
    return {name: hosts[name] for name in sorted(hosts)[number - 1 :: of_all]}


def test_slices_on_nodes_that_share_nothing_double_nobody_and_keep_one_quota(tmp_path, tmp_path_factory):
    """The clients are those of the example's inventory, and each slice has its share of what BMS allows."""
    # A client's contacts are listed in BMS six times: active and inactive ones, for the plan, right before the pushes
    # and after them. The share is just enough for that in the clients of a slice, and for fewer pushes than they have.
    tenants, users, share = 6, 8, 6 * 3
    settings = {
        number: {"office365": {**OFFICE365, "tenant_id": tenant_id(number)}, "bms": BMS}
        for number in range(1, tenants + 1)
    }
    clients = world(tenants, users)
    for each in clients["itglue"]["organizations"]:
        each["organization-status-name"] = "Active"
    with running(with_settings(clients, settings)) as sandbox:
        sandbox.behaviour(bms_quota=2 * share, latency_ms={"itglue": 20, "bms": 20})
        listed = run(sandbox, "ansible-inventory", "-i", AWX / "tenants.yml", "--list", cwd=EXAMPLE)
        assert listed.returncode == 0, listed.stderr
        hosts = {name: plain(values) for name, values in json.loads(listed.stdout)["_meta"]["hostvars"].items()}
        assert len(hosts) == tenants
        slices = [sliced(hosts, number, 2) for number in (1, 2)]
        organizations = [{each["itglue_organization"] for each in one.values()} for one in slices]
        assert not organizations[0] & organizations[1]

        def job(number: int):
            inventory = tmp_path / f"slice-{number}.json"
            inventory.write_text(json.dumps({"all": {"hosts": slices[number]}}))
            node = str(tmp_path_factory.mktemp("node"))
            extra = ("-e", f"bms_quota={share}")
            return run(
                sandbox,
                "ansible-playbook",
                "-i",
                inventory,
                AWX / "sync.yml",
                *extra,
                cwd=EXAMPLE,
                XDG_RUNTIME_DIR=node,
            )

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(job, (0, 1)))
        for each in done:
            assert each.returncode == 0, each.stdout + each.stderr
        itglue, bms = people(sandbox)
        assert itglue == everybody(tenants, users)
        assert max(bms.values()) == 1
        assert len(bms) == sent(sandbox)[PUSH] == 2 * share
        # Each of them stopped by itself: BMS never had to refuse.
        assert Counter(each["status"] for each in sandbox.requests())[429] == 0
        deferred = [int(number) for each in done for number in re.findall(r"BMS: (?:.*, )?(\d+) deferred", each.stdout)]
        assert sum(deferred) == tenants * users - 2 * share

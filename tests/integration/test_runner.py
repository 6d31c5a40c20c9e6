# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks through ansible-runner's transmit, worker and process, which AWX and receptor use: two workers that
share nothing but the services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.fleet import with_settings
from tests.integration.test_shared import BMS, OFFICE365, everybody, people, tenant_id, world
from tests.sandbox.launch import running

TENANTS, USERS = 4, 2
RUNNER = Path(sys.executable).with_name("ansible-runner")


@pytest.fixture(scope="module")
def sandbox():
    settings = {
        number: {"office365": {**OFFICE365, "tenant_id": tenant_id(number)}, "bms": BMS}
        for number in range(1, TENANTS + 1)
    }
    with running(with_settings(world(TENANTS, USERS), settings)) as sandbox:
        yield sandbox


class Node:
    """A place where a part of the run is, with a home and a directory for temporary files of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        places = {name: folder / name for name in ("home", "tmp", "runtime")}
        for place in (self.data, *places.values()):
            place.mkdir(mode=0o700, parents=True)
        self._environment = {
            name: value for name, value in os.environ.items() if name.startswith(("ANSIBLE_", "PYTHON", "LC_", "LANG"))
        } | {
            "PATH": f"{RUNNER.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(places["home"]),
            "TMPDIR": str(places["tmp"]),
            "XDG_RUNTIME_DIR": str(places["runtime"]),
        }

    @property
    def job_code(self) -> str:
        """The exit code of the playbook, as the control node knows it."""
        (code,) = self.data.glob("artifacts/**/rc")
        return code.read_text()

    def runner(self, command: str, *options: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            [RUNNER, command, *options], input=stdin, capture_output=True, check=False, env=self._environment
        )
        assert done.stderr == b"", done.stderr.decode()
        return done.stdout


def job(folder: Path, hosts: dict[str, dict], sandbox, **variables) -> Node:
    """A control node with a job: playbook, inventory, variables, and the credentials as AWX gives them."""
    node = Node(folder)
    files = {
        "project/sync.yml": [{"ansible.builtin.import_playbook": "msp.psa_sync.sync_contacts"}],
        "inventory/hosts.json": {"all": {"hosts": hosts}},
        "env/envvars": sandbox.env,
        "env/extravars": variables,
    }
    for name, content in files.items():
        path = node.data / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return node


def through_a_worker(control: Node, worker: Node) -> str:
    """Run the job of a control node on a worker; what the control node is told of it."""
    sent = control.runner("transmit", str(control.data), "-p", "sync.yml")
    streamed = worker.runner("worker", "--private-data-dir", str(worker.data), stdin=sent)
    return control.runner("process", str(control.data), stdin=streamed).decode()


def test_two_workers_that_share_nothing_sync_all_clients_once(sandbox, tmp_path):
    hosts = {f"client_{number}": {"itglue_organization": number} for number in range(1, TENANTS + 1)}
    names = sorted(hosts)

    def run(number: int) -> tuple[Node, str]:
        part = {name: hosts[name] for name in names[number::2]}
        control = job(tmp_path / f"control-{number}", part, sandbox, bms_quota=700)
        return control, through_a_worker(control, Node(tmp_path / f"worker-{number}"))

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, (0, 1)))
    for number, (control, reported) in enumerate(done):
        assert "2 of 2 clients succeeded, 0 failed" in reported
        for name in names[number::2]:
            assert f"{name}: {USERS} of {USERS} users selected" in reported
        assert control.job_code == "0"
        assert not any(secret in reported for secret in ("itglue_api_key", sandbox.env["BMS_PASSWORD"]))
    assert people(sandbox) == (everybody(TENANTS, USERS), everybody(TENANTS, USERS))


def test_a_client_that_fails_on_a_worker_fails_the_job_of_the_control_node(sandbox, tmp_path):
    hosts = {"client_1": {"itglue_organization": 1}, "nobody": {"itglue_organization": "No such client"}}
    control = job(tmp_path / "control", hosts, sandbox)
    reported = through_a_worker(control, Node(tmp_path / "worker"))
    assert "nobody: FAILED." in reported
    assert "1 of 2 clients succeeded, 1 failed" in reported
    assert control.job_code == "2"

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task learns of the other clients of its run."""

from __future__ import annotations

import os

import pytest

from ansible_collections.msp.psa_sync.plugins.action import contact_sync
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.fleet import (
    Fleet,
    declarers_of,
    fleet_of,
    fleet_source,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.run_memory import RunMemory
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.run_directory import RunDirectory
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_twice import Declarer, nobody
from tests.unit.ansible.test_entry_points import Action, action

HOSTS = [f"client{number}" for number in range(12)]


class Undefined(dict):
    """The variables of a host that cannot be templated."""

    def get(self, *names):
        raise RuntimeError("undefined")


def variables(hosts=HOSTS, **more) -> dict:
    """The variables of a task in a play over these hosts."""
    hostvars = {host: {"itglue_organization": number} for number, host in enumerate(hosts, 1)}
    return {"ansible_play_hosts_all": list(hosts), "itglue_organization": 1, "hostvars": hostvars, **more}


def test_the_organizations_of_a_play_in_its_order(tmp_path):
    fleet = fleet_of(variables(ansible_forks=8), tmp_path, plain)
    assert (fleet.clients, fleet.side_by_side) == (12, 8)
    assert fleet.organizations() == [str(number) for number in range(1, 13)]


def test_a_client_whose_variables_are_in_disorder_is_left_to_its_own_task(tmp_path):
    given = variables()
    given["hostvars"]["client3"] = Undefined()
    del given["hostvars"]["client4"]["itglue_organization"]
    assert fleet_of(given, tmp_path, plain).organizations()[2:6] == ["3", "", "", "6"]


@pytest.mark.parametrize(
    "given", [variables(HOSTS[:9]), {"ansible_play_hosts_all": HOSTS}, {}], ids=["few", "another variable", "no play"]
)
def test_a_run_that_is_no_fleet(tmp_path, given):
    assert fleet_of(given, tmp_path, plain) is None


def test_without_a_directory_nothing_is_shared():
    assert fleet_of(variables(), None, plain) is None
    assert fleet_source(None, Task()) is None


# ------------------------------------------------- who declares the same as others


def declaring(**hosts: dict) -> dict:
    """The variables of a task, each host with an organization and what it declares."""
    hostvars = {host: {"itglue_organization": host.upper(), **given} for host, given in hosts.items()}
    return variables() | {"ansible_play_hosts_all": list(hosts), "hostvars": hostvars}


TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
OF_GROUP = {"office365_sync_defaults": {"tenant_id": TENANT}}


def test_who_declares_the_same_tenant_or_account_by_the_variables_of_all_hosts():
    given = declaring(
        frog=OF_GROUP,
        newt=OF_GROUP | {"office365_sync_settings": {"tenant_id": ""}, "bms_sync_settings": {"account": 7}},
        toad={"office365_sync_settings": {"tenant_id": TENANT}, "bms_sync_settings": {"account": "8"}},
        elsewhere={"itglue_organization": "", "office365_sync_settings": {"tenant_id": TENANT}},
        wrong={"office365_sync_settings": "no mapping"},
    )
    given["hostvars"]["undefined"] = Undefined()
    given["ansible_play_hosts_all"].append("undefined")
    declarers = declarers_of(given, RunMemory(), plain)
    assert declarers("tenants", TENANT) == [Declarer("frog", "FROG"), Declarer("toad", "TOAD")]
    assert declarers("accounts", "7") == []


def test_the_variables_of_all_hosts_are_read_once_for_all_tasks_of_a_run():
    now = [0.0]
    memory, given = RunMemory(clock=lambda: now[0]), declaring(frog=OF_GROUP, toad=OF_GROUP)
    found = declarers_of(given, memory, plain)("tenants", TENANT)
    now[0] = 3600.0
    others = declarers_of({**given, "hostvars": {}}, memory, plain)
    assert others("tenants", TENANT) == found != []


@pytest.mark.parametrize("given", [declaring(frog=OF_GROUP), {"ansible_play_hosts_all": HOSTS}, {}])
def test_a_play_in_which_nobody_else_declares_anything(given):
    assert declarers_of(given, RunMemory(), plain) is nobody


class Recording(Action):
    reads_for_fleet = True
    seen: list[Fleet | None] = []

    @staticmethod
    def run_task(params, task):
        Recording.seen.append(task.fleet)
        return {"changed": False}


def fleet_seen(loop=None, **details) -> Fleet | None:
    made = action(loop=loop, **details)
    Recording(made._task, made._connection, None, None, made._templar, None).run(task_vars=variables())
    return Recording.seen.pop()


def test_a_task_in_process_learns_of_the_other_clients(monkeypatch):
    monkeypatch.setattr(Recording.directory, "_process", os.getppid())
    fleet = fleet_seen()
    assert fleet is not None
    assert fleet.directory == Recording.directory.path
    assert fleet.directory.is_dir()


def test_a_worker_that_has_made_the_directory_itself_shares_nothing():
    """As where Ansible loads the action plugin in each worker: each would read for all."""
    assert fleet_seen() is None


def test_a_loop_is_no_fleet(monkeypatch):
    monkeypatch.setattr(Recording.directory, "_process", os.getppid())
    assert fleet_seen(loop="{{ clients }}") is None


def test_the_module_that_syncs_reads_for_the_fleet():
    assert contact_sync.ActionModule.reads_for_fleet
    assert isinstance(contact_sync.ActionModule.directory, RunDirectory)
    assert not Action.reads_for_fleet

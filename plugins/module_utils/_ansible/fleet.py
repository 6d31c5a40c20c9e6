# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task knows of the other clients of its run, and where it reads for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .._clients.run_directory import RunDirectory
from .._engine.declared_options import FACTS, KINDS
from .._store.layout import ASSET_TYPES
from .._store.settings import SettingsStore
from .._sync.fleet_reads import FEWEST_CLIENTS, FleetItGlue
from .._sync.ports import Bms, Fleet, Graph, Services
from .._sync.run import Source
from .connection import Clients
from .task import Task

__all__ = ["Fleet", "RunDirectory", "fleet_of", "fleet_source"]

VARIABLE = "itglue_organization"
"""The variable that names the organization of each host, in the playbooks and the inventory of the collection."""

_FORKS = 5


class FleetServices(NamedTuple):
    """The services of a run, with IT Glue as it is read for many clients."""

    itglue: FleetItGlue
    services: Services

    @property
    def bms(self) -> Bms:
        return self.services.bms

    def graph(self, tenant_id: str) -> Graph:
        return self.services.graph(tenant_id)

    def expect_new_people(self) -> None:
        self.services.expect_new_people()


def fleet_of(task_vars: Mapping[str, Any], directory: Path | None, plain: Callable[[Any], Any]) -> Fleet | None:
    """The fleet of a task by its variables, None where it is too small; `plain` makes plain values of Ansible's."""
    hosts = task_vars.get("ansible_play_hosts_all") or ()
    if directory is None or len(hosts) < FEWEST_CLIENTS or VARIABLE not in task_vars:
        return None

    def organization(host: str) -> str:
        try:
            return str(plain(task_vars["hostvars"][host].get(VARIABLE, "")))
        except Exception:  # pylint: disable=broad-exception-caught
            return ""  # the variables of another client are in disorder: that is for its own task to report

    def organizations() -> Sequence[str]:
        return [organization(host) for host in hosts]

    return Fleet(directory, len(hosts), int(task_vars.get("ansible_forks") or _FORKS), organizations)


def fleet_source(api: Clients, task: Task) -> Source | None:
    """Where a task reads for all clients of its run, None where it reads for itself."""
    if task.fleet is None:
        return None
    itglue = FleetItGlue(api.itglue, task.fleet, [ASSET_TYPES[kind] for kind in (*KINDS, FACTS)], log=task.log)
    store = SettingsStore(api.itglue, warn=task.warn, memory=task.memory, preview=True, reads=itglue)
    return Source(FleetServices(itglue, api), store, itglue.read_at)

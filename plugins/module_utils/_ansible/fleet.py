# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task knows of the other clients of its run, and where it reads for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .._clients.private_directory import digest
from .._clients.run_directory import RunDirectory
from .._engine.declared_options import FACTS, KINDS
from .._engine.declared_twice import Declarer, Declarers, declared_twice, nobody
from .._store.layout import ASSET_TYPES
from .._store.settings import SettingsStore
from .._sync.fleet_reads import FEWEST_CLIENTS, FleetItGlue
from .._sync.ports import Bms, Fleet, Graph, Services
from .._sync.run import Source
from .connection import Clients
from .option_specs import laid_over
from .run_memory import RunMemory
from .task import Task

__all__ = ["Fleet", "RunDirectory", "fleet_of", "fleet_source"]

VARIABLE = "itglue_organization"
"""The variable that names the organization of each host, in the playbooks and the inventory of the collection."""

_FORKS = 5
_WHOLE_RUN = 86_400.0

Plain = Callable[[Any], Any]
"""Makes plain values of Ansible's."""


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


def fleet_of(task_vars: Mapping[str, Any], directory: Path | None, plain: Plain) -> Fleet | None:
    """The fleet of a task by its variables, None where it is too small."""
    hosts = task_vars.get("ansible_play_hosts_all") or ()
    if directory is None or len(hosts) < FEWEST_CLIENTS or VARIABLE not in task_vars:
        return None

    def organizations() -> Sequence[str]:
        return [_organization(task_vars, host, plain) for host in hosts]

    return Fleet(directory, len(hosts), int(task_vars.get("ansible_forks") or _FORKS), organizations)


def declarers_of(task_vars: Mapping[str, Any], memory: RunMemory, plain: Plain) -> Declarers:
    """Who declares the same tenant or account as others, by the variables of all hosts of the play. One task of the run
    finds it out for all, once one needs to know."""
    hosts = task_vars.get("ansible_play_hosts_all") or ()
    if len(hosts) < 2 or VARIABLE not in task_vars:
        return nobody

    def declarers(what: str, key: str) -> Sequence[Declarer]:
        remembered_as = f"declared twice {digest(*sorted(hosts))}"
        found = memory.get(remembered_as)
        if found is None:
            found = declared_twice(_declared(task_vars, hosts, plain))
            memory.put(remembered_as, found, good_for=_WHOLE_RUN)
        return [Declarer(*each) for each in found[what].get(key, ())]

    return declarers


def _declared(
    task_vars: Mapping[str, Any], hosts: Sequence[str], plain: Plain
) -> Iterator[tuple[Declarer, dict[str, dict[str, Any]]]]:
    """The settings of each host with an organization, by their kind."""
    for host in hosts:
        if organization := _organization(task_vars, host, plain):
            yield (
                Declarer(str(plain(host)), organization),
                {kind: _settings(task_vars, host, kind, plain) for kind in KINDS},
            )


def _settings(task_vars: Mapping[str, Any], host: str, kind: str, plain: Plain) -> dict[str, Any]:
    layers = [_variable(task_vars, host, f"{kind}_sync_{name}", plain) for name in ("defaults", "settings")]
    return laid_over(*(layer if isinstance(layer, dict) else {} for layer in layers))


def _organization(task_vars: Mapping[str, Any], host: str, plain: Plain) -> str:
    return str(_variable(task_vars, host, VARIABLE, plain) or "").strip()


def _variable(task_vars: Mapping[str, Any], host: str, name: str, plain: Plain) -> Any:
    """A variable of a host; None where it has none, or one in disorder: that is for its own task to report."""
    try:
        return plain(task_vars["hostvars"][host].get(name))
    except Exception:  # pylint: disable=broad-exception-caught
        return None


def fleet_source(api: Clients, task: Task) -> Source | None:
    """Where a task reads for all clients of its run, None where it reads for itself."""
    if task.fleet is None:
        return None
    itglue = FleetItGlue(api.itglue, task.fleet, [ASSET_TYPES[kind] for kind in (*KINDS, FACTS)], log=task.log)
    store = SettingsStore(
        api.itglue, warn=task.warn, memory=task.memory, preview=True, reads=itglue, declarers=task.declarers
    )
    return Source(FleetServices(itglue, api), store, itglue.read_at)

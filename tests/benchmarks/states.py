# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client costs in each state: requests, and how many clients an hour allows.

Real runs of the shipped playbook over a few clients. But for the first run, the second of two runs is measured: the
first one leaves what it has found out. Requests say the same on every machine; the time is this one's.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import LIMITS
from tests.sandbox.launch import running

from . import fleet, worlds
from .report import Row

CLIENTS, NEW_CLIENTS, USERS = 20, 10, 200
A_FEW = 5
HOUR = 3600
LEFT_TYPE = "Left"
DEPARTED = ("-e", "sync_departed=deactivate", "-e", f"sync_departed_contact_type={LEFT_TYPE}")
FIRST_RUN = ("-e", "sync_first_run=true")


@dataclass(frozen=True)
class State:
    """A state of clients: the world that they are in, by the number of their users, and the options of the run."""

    name: str
    world: Callable[[int], Mapping[str, Any]]
    options: Sequence[str] = ()
    is_new: bool = False


STATES = (
    State("all linked", lambda users: {}),
    State("none linked", lambda users: {"unlinked": users, "in_bms": users}),
    State("a few unlinked", lambda users: {"unlinked": A_FEW, "in_bms": users}),
    State("departed on", lambda users: {"contacts": users + A_FEW}, DEPARTED),
    State("first run", lambda users: {"contacts": 0}, FIRST_RUN, is_new=True),
)


def per_hour(requests: Sequence[Mapping[str, Any]], clients: int) -> int:
    """How many such clients the collection's shares of the quotas do for in an hour."""
    itglue, bms = LIMITS["itglue"], LIMITS["bms"]
    to_itglue = sum(each["service"] == "itglue" for each in requests)
    allowed = [itglue.used * HOUR / itglue.seconds * clients / to_itglue]
    if to_bms := fleet.busiest_endpoint(requests):
        allowed.append(bms.used * clients / to_bms)
    return int(min(allowed))


def measure(scale: float) -> list[Row]:
    return [_measured(state, scale) for state in STATES]


def _measured(state: State, scale: float) -> Row:
    clients, users = (NEW_CLIENTS if state.is_new else CLIENTS), max(10, round(USERS * scale))
    latency = {"latency_ms": dict.fromkeys(("graph", "itglue", "bms"), fleet.LATENCY)}
    world = worlds.world(clients, users, **state.world(users), behaviour={"bms_quota": fleet.QUOTA, **latency})
    world["itglue"]["contact_types"] = [{"id": 1, "name": LEFT_TYPE}]
    with running(world) as sandbox, tempfile.TemporaryDirectory(prefix="states-") as directory:
        folder, numbers = Path(directory), range(1, clients + 1)
        for dummy in range(1 if state.is_new else 2):
            ran = fleet.playbook(sandbox, folder, numbers, *state.options, *fleet.PLAYBOOKS, check=False)
    counts = Counter(each["service"] for each in ran.requests)
    services = (("IT Glue", "itglue"), ("Graph", "graph"), ("BMS", "bms"))
    split = ", ".join(f"{title} {counts[name] / clients:.3g}" for title, name in services)
    return Row(
        "states",
        f"{state.name}: {clients} clients of {users} users, a client ({split})",
        len(ran.requests) / clients,
        "requests per client",
        f"clients per hour: {per_hour(ran.requests, clients):,} by the quotas, "
        f"{int(clients / ran.seconds * HOUR):,} in the time that this run took",
    )

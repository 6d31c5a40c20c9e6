# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first run for a client: everybody is new, and each service takes its time to answer.

The limit is what the waits alone come to: one after the other where one answer is needed for the next
request, and as many side by side as the collection allows itself with BMS. Lists that the collection
reads side by side count as if they were read one after the other, as a plain script does. A wait is taken as
what a bare client waits on this machine, in the same run: it sends the shortest request there is over open
connections and does nothing with the answer. By the latency alone, as if computing, timers and the
network of the machine were free, the waits are shown too. Up to the quota of BMS (1,500 creates an hour) more cannot be
sent; the quota is raised here, so that the run can be measured in one go.
"""

from __future__ import annotations

import math
import ssl
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.sandbox.launch import Running, running

from . import worlds
from .report import Row
from .requests_sent import NO_LIMIT
from .task import sync

USERS = 2_000
LATENCY = 50
PARALLEL = 8
BARE = 100
"""Requests that a bare client sends over each connection."""
GOAL = 1.1


class Rounds(NamedTuple):
    """How many answers have to be waited for, one after the other: those of single requests, and those of `PARALLEL`
    side by side."""

    alone: int
    together: int


def rounds(requests: Sequence[Mapping[str, Any]]) -> Rounds:
    """Writes to BMS go side by side. All else is taken one after the other but for Microsoft 365,
    which is read while IT Glue is.
    """
    writes = [each for each in requests if each["service"] == "bms" and each["method"] in ("POST", "PATCH")]
    kinds = Counter(each["method"] for each in writes if "/security/" not in each["path"])
    others = [each for each in requests if each["service"] != "graph"]
    return Rounds(len(others) - kinds.total(), sum(math.ceil(count / PARALLEL) for count in kinds.values()))


def bare_wait(sandbox: Running, connections: int) -> float:
    """Seconds that a bare client waits for an answer while as many others wait for one."""
    address = urlsplit(sandbox.env["ITGLUE_URL"])
    context = ssl.create_default_context(cafile=sandbox.env["REQUESTS_CA_BUNDLE"])
    headers = {"x-api-key": sandbox.env["ITGLUE_API_KEY"]}

    def send(connection: HTTPSConnection, count: int) -> None:
        for dummy in range(count):
            connection.request("GET", "/organizations/1", headers=headers)
            connection.getresponse().read()

    with ThreadPoolExecutor(connections) as pool:
        opened = [HTTPSConnection(address.netloc, context=context) for dummy in range(connections)]
        list(pool.map(send, opened, [1] * connections))
        start = time.perf_counter()
        list(pool.map(send, opened, [BARE] * connections))
        seconds = time.perf_counter() - start
    for connection in opened:
        connection.close()
    return seconds / BARE


def measure(scale: float) -> list[Row]:
    users = max(50, int(USERS * scale))
    latency = dict.fromkeys(("graph", "itglue", "bms"), LATENCY)
    quota = 10 * users
    world = worlds.world(1, users, contacts=0, behaviour={"latency_ms": latency, "bms_quota": quota})
    with running(world) as sandbox:
        done = sync(sandbox, organization="1", bms_quota=quota, **NO_LIMIT)
        alone, together = bare_wait(sandbox, 1), bare_wait(sandbox, PARALLEL)
    if done.summary["push"] != {"pushed": users}:
        raise RuntimeError(f"Not everybody was pushed: {done.summary}")
    waits = rounds(done.requests)
    limit = waits.alone * alone + waits.together * together
    by_latency = sum(waits) * LATENCY / 1000
    what = f"{users:,} new users, {LATENCY} ms latency"
    goal = {"goal": f"at most {GOAL} times", "met": done.seconds / limit <= GOAL}
    return [
        Row("first run", what, done.seconds, "s", "the waits of a bare client", limit, done.seconds / limit, **goal),
        Row("first run", "the same", done.seconds, "s", "by the latency", by_latency, done.seconds / by_latency),
        Row("first run", f"{users:,} new users: work of the controller", done.cpu, "s"),
    ]

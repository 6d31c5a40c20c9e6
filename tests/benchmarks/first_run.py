# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first run for a client: everybody is new, and each service takes its time to answer.

The limit is what the waits come to, one after the other where one answer is needed for the next
request, and as many side by side as the collection allows itself with BMS. Lists that the collection
reads side by side count as if they were read one after the other, as a plain script does. Computing is
free in it, for the sandbox too. Up to the quota of BMS (1,500 creates an hour) more cannot be sent; the quota is
raised here, so that the run can be measured in one go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tests.sandbox.launch import running

from . import worlds
from .report import Row
from .requests_sent import NO_LIMIT
from .task import sync

USERS = 2_000
LATENCY = 50
PARALLEL = 8
GOAL = 1.1


def rounds(requests: Sequence[Mapping[str, Any]], parallel: int = PARALLEL) -> int:
    """How many answers have to be waited for, one after the other.

    Writes to BMS go side by side. All else is taken one after the other but for Microsoft 365,
    which is read while IT Glue is.
    """
    writes = [each for each in requests if each["service"] == "bms" and each["method"] in ("POST", "PATCH")]
    writes = [each for each in writes if "/security/" not in each["path"]]
    kinds: dict[str, int] = {}
    for each in writes:
        kinds[each["method"]] = kinds.get(each["method"], 0) + 1
    others = [each for each in requests if each["service"] != "graph"]
    return len(others) - len(writes) + sum(math.ceil(count / parallel) for count in kinds.values())


def measure(scale: float) -> list[Row]:
    users = max(50, int(USERS * scale))
    latency = dict.fromkeys(("graph", "itglue", "bms"), LATENCY)
    quota = 10 * users
    world = worlds.world(1, users, contacts=0, behaviour={"latency_ms": latency, "bms_quota": quota})
    with running(world) as sandbox:
        done = sync(sandbox, organization="1", bms_quota=quota, **NO_LIMIT)
    if done.summary["push"] != {"pushed": users}:
        raise RuntimeError(f"Not everybody was pushed: {done.summary}")
    limit = rounds(done.requests) * LATENCY / 1000
    ratio = done.seconds / limit
    return [
        Row(
            "first run",
            f"{users:,} new users, {LATENCY} ms latency",
            done.seconds,
            "s",
            "the waits alone",
            limit,
            ratio,
            f"at most {GOAL} times",
            ratio <= GOAL,
        ),
        Row("first run", f"{users:,} new users: work of the controller", done.cpu, "s"),
    ]

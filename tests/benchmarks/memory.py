# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory a run of a large tenant takes, and how large its result is.

The limit beside it is the same world as the sandbox wrote it to disk: the text of all that the run
has to know at once. The peak of the run over many clients is measured with the fleet.
"""

from __future__ import annotations

import json

from tests.sandbox.launch import running

from . import worlds
from .report import Row
from .task import sync

USERS = 100_000
RESULT_USERS = 10_000
RESULT_KILOBYTES = 16


def measure(scale: float) -> list[Row]:
    large, middle = max(1_000, int(USERS * scale)), max(1_000, int(RESULT_USERS * scale))
    rows = []
    for users in (middle, large):
        world = worlds.world(1, users)
        text = (len(json.dumps(world["entra"])) + len(json.dumps(world["itglue"]))) / 1e6
        with running(world) as sandbox:
            done = sync(sandbox, check=True, organization="1")
        what = f"{users:,} users"
        rows.append(Row("memory", f"{what}: peak", done.peak, "MB", "what is read, as JSON", text, done.peak / text))
        rows.append(Row("memory", f"{what}: task", done.seconds, "s", "work of the controller", done.cpu))
        kilobytes = done.size / 1000
        goal = {"goal": "kilobytes", "met": kilobytes <= RESULT_KILOBYTES}
        rows.append(Row("memory", f"{what}: result, steady state", kilobytes, "kB", **goal))
    return rows

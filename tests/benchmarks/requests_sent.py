# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests a run sends. No clock is needed: the sandbox counts.

Beside it stands what IT Glue support's published script `pushMScontacts.py` sends for the same
organization, as its source says: the organizations in pages of 50 and each of them once more, the
contacts in pages of 100 and each of them once more, the company's contacts on the other side, and
one request for each that is created there. It neither reads Microsoft 365 nor writes to IT Glue.
"""

from __future__ import annotations

import math

from tests.sandbox.launch import running

from . import worlds
from .report import Row
from .task import Done, sync

USERS = 999
NEW_USERS = 2_000
GOAL = 11
LINKED_GOAL = 8
BMS_PAGE = 100
NO_LIMIT = {"max_creates": "100%", "max_updates": "100%", "max_pushes": "100%"}


def support_script(contacts: int, creates: int = 0, organizations: int = 1) -> int:
    """The requests of `pushMScontacts.py` for one organization that syncs."""
    # It stops reading organizations at the first page that is empty.
    find = math.ceil(organizations / 50) + 1 + organizations
    read = max(1, math.ceil(contacts / 100)) + contacts
    # One page of the company's contacts, and those only where there is something to create.
    return find + read + (1 + creates if creates else 0)


def further_pages(contacts: int) -> int:
    """The pages of the account's active contacts in BMS beyond the first."""
    return max(0, math.ceil(contacts / BMS_PAGE) - 1)


def measure(scale: float) -> list[Row]:
    users, new = max(20, int(USERS * scale)), max(20, int(NEW_USERS * scale))
    rows = []
    with running(worlds.world(1, users, strangers=True)) as sandbox:
        linked = sync(sandbox, check=True, organization="1")
    rows += _rows(f"{users:,} users, all linked", linked, support_script(users + 1), LINKED_GOAL)
    with running(worlds.world(1, users, strangers=True, unlinked=5, in_bms=users)) as sandbox:
        known = sync(sandbox, check=True, organization="1")
    further = further_pages(users)
    rows += _rows(
        f"{users:,} users, 5 in BMS and not linked",
        known,
        support_script(users + 1),
        GOAL + further,
        f"{GOAL} + {further}",
    )
    with running(worlds.world(1, new, contacts=0, behaviour={"bms_quota": 10 * new})) as sandbox:
        first = sync(sandbox, organization="1", bms_quota=10 * new, **NO_LIMIT)
    # Each contact takes a create in BMS, and a PATCH for its job title, which a create does not take.
    goal = GOAL + 10 + 2 * math.ceil(new / 50) + 2 * new + 2 * further_pages(new)
    rows += _rows(f"{new:,} new users", first, support_script(new, new), goal, "no growth but BMS creates and titles")
    # What the run leaves to remember is created too, in an asset of its own.
    creates = [
        each for each in first.requests if each["method"] == "POST" and each["path"].endswith("/relationships/contacts")
    ]
    bulk = math.ceil(new / 50)
    met = {"limit": bulk, "ratio": len(creates) / bulk, "met": len(creates) <= bulk}
    rows.append(
        Row(
            "requests",
            f"{new:,} new users: creates in IT Glue",
            len(creates),
            "requests",
            "bulks",
            goal="one for each 50",
            **met,
        )
    )
    return rows


def _rows(what: str, done: Done, script: int, goal: int, message: str = "") -> list[Row]:
    sent = len(done.requests)
    services = ", ".join(f"{name} {count}" for name, count in done.by_service().items() if count)
    return [
        Row(
            "requests",
            f"{what} ({services})",
            sent,
            "requests",
            "support's script",
            script,
            script / sent,
            message or f"at most {goal}",
            sent <= goal,
        )
    ]

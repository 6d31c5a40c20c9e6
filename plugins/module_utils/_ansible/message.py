# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reason code says: the record, the pages of the guides, and what several sentences advise."""

from __future__ import annotations

from dataclasses import dataclass

MATCHING, PLAN, RELIABILITY = "matching_guide", "plan_guide", "reliability_guide"


@dataclass(frozen=True, slots=True)
class Message:
    """What a reason code says: `sentence`, and `hint`: what to do, blank where nothing is to be done.

    `guide` explains the matter where the entry of the troubleshooting guide does not do.
    """

    sentence: str
    hint: str = ""
    guide: str | None = None


DECIDE = (
    "Compare the candidates in conflicts, and put the right answer into match_overrides (sync_match_overrides in the "
    "inventory)."
)
DECIDE_IN_BMS = (
    "Compare the candidates in conflicts, and put the right answer into bms_match_overrides "
    "(sync_bms_match_overrides in the inventory)."
)
NEW_PLAN = "Make a new plan in check mode, and have it reviewed."
NEXT_RUN = "The next run does it."
TRIES_AGAIN = "The next run tries again."
FINDS_OUT = "The next run finds out."
BY_HAND = "Change or remove it by hand if that is right."

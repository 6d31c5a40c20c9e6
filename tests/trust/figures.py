# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much the nightly tests try, counted without trying it: `python -m tests.trust.figures`.

The reliability guide states these figures; a test holds the two together.
"""

from __future__ import annotations

import sys

from tests.tools.files import development_tree

sys.path.insert(0, str(development_tree()))

from tests.trust.inprocess import is_write
from tests.trust.second_actor import ACTIONS
from tests.trust.tally import DRAWN
from tests.trust.test_bad_input import CASES
from tests.trust.test_fault_matrix import (
    KINDS,
    SETTINGS_KINDS,
    fits,
    places,
    settings_places,
    undisturbed,
    undisturbed_settings,
)
from tests.trust.test_reverts import EDITED, KINDS_REVERTED, LOST, writes
from tests.trust.two_nodes import OFFSETS


def figures() -> dict[str, int]:
    """What is tried, and how often in a night."""
    single = sum(fits(kind, place) for kind in KINDS for place in places())
    return {
        "worlds": DRAWN["worlds"][1],
        "busy worlds": DRAWN["busy worlds"][1],
        "worlds with facts": DRAWN["worlds with facts"][1],
        "kinds of fault": len(KINDS),
        "requests of a run": len(places()),
        "faults of a run": 2 * single,
        "pairs of faults": DRAWN["pairs of faults"][1],
        "actions of others": len(ACTIONS) * len(places()),
        "faults of the settings": len(SETTINGS_KINDS) * len(settings_places()),
        "kills of a run": sum(map(is_write, undisturbed()[0])),
        "kills of the settings": sum(map(is_write, undisturbed_settings())),
        "lost answers": 2 * len(LOST) * len(writes()),
        "two nodes": len(OFFSETS),
        "reverts": 2 * len(KINDS_REVERTED) * len(EDITED) * len(writes()),
        "bad inputs": len(CASES),
        "odd answers": DRAWN["odd answers"][1],
    }


if __name__ == "__main__":
    for what, count in figures().items():
        print(f"{count:>6,} {what}")

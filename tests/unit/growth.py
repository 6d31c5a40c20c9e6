# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much work something is, whatever the machine does: counted in calls."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable


def calls_of(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, are called, in threads too; each resumption of a generator counts."""
    counts: dict[int, int] = {}

    def note(frame, event, argument):
        thread = threading.get_ident()
        counts[thread] = counts.get(thread, 0) + (event in ("call", "c_call"))

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
        threading.setprofile(before)
    return sum(counts.values())

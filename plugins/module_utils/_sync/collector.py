# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making many objects at once.

What is read and planned of a large tenant is a million small objects, and no cycle among them.
Python's cyclic garbage collector would walk them again and again while they are made, in vain: of
20,000 users it takes a quarter second of the one that the planning takes. What was made lives
until the task ends, so where it is much it stays out of the collector's way afterwards too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MANY = 1_000
"""Objects, more than which are not worth a walk."""


def uncollected(function: Callable[P, T]) -> Callable[P, T]:
    """Let `function` run without the cyclic garbage collector."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            if gc.get_count()[0] > MANY:
                gc.freeze()
            gc.enable()

    return run

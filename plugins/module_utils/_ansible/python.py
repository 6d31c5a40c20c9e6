# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first thing that a module does: see that its Python is new enough.

This file alone must run on the oldest Python that ansible-core sends modules to (3.8).
"""

from __future__ import annotations

import json
import platform
import sys

OLDEST = (3, 11)


def require_python() -> None:
    """End the module with a clear message where Python is older than `OLDEST`."""
    if sys.version_info >= OLDEST:
        return
    message = (
        f"msp.psa_sync needs Python {OLDEST[0]}.{OLDEST[1]} or newer, but the module was run by {sys.executable} "
        f"(Python {platform.python_version()}) on {platform.node()}. Set ansible_python_interpreter to a newer one; "
        "for localhost '{{ ansible_playbook_python }}' is right."
    )
    sys.stdout.write("\n" + json.dumps({"failed": True, "msg": message}) + "\n")
    raise SystemExit(1)

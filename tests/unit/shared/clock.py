# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock that the tests move, and the endpoints of BMS whose quotas they use up."""

from __future__ import annotations

CREATE = "POST /v2/crm/contacts/summary"
READ = "GET /v2/crm/contacts/summary"
HOUR = 3600.0


class Clock:
    """Seconds since the epoch, which stand still until somebody sets `now`."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

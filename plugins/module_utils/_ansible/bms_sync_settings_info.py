# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The module `bms_sync_settings_info`."""

from __future__ import annotations

from functools import partial

from .._engine.settings import BMS
from .sync_settings import report, reporting_spec

SPEC = reporting_spec()
run = partial(report, BMS)

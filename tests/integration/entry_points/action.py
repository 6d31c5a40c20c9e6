# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.both_ways import SPEC, run
from ansible_collections.msp.psa_sync.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    spec = SPEC
    run_task = staticmethod(run)

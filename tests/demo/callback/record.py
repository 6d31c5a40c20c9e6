# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: Write what the collection's tasks return to a file, for the demo to check
description:
  - Appends one JSON object per task and client to the file named by E(DEMO_RECORD).
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result):
        self._record(result, failed=False)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._record(result, failed=True)

    def _record(self, result, failed):
        module = result._task.action
        if not module.startswith("msp.psa_sync."):
            return
        returned = getattr(result, "result", None) or result._result
        entry = {
            "client": result._host.get_name(),
            "module": module.rpartition(".")[2],
            "result": {**returned, "failed": failed},
        }
        with open(os.environ["DEMO_RECORD"], "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

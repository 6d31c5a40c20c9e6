# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that does nothing but tell what reached it, and let secrets slip wherever it can."""

from __future__ import annotations

import os
import sys

from .._engine.errors import SyncError
from .connection import CONNECTION_OPTIONS
from .spec import ModuleSpec
from .task import VERSION

SPEC = ModuleSpec(
    options={
        **CONNECTION_OPTIONS,
        "mode": {"type": "str", "choices": ["ok", "fail", "defect"], "default": "ok"},
        "text": {"type": "str"},
        "file": {"type": "path"},
        "since": {"type": "raw"},
        "logins": {
            "type": "list",
            "elements": "dict",
            "options": {"user": {"type": "str", "required": True}, "password": {"type": "str", "no_log": True}},
        },
    },
    required_if=[("mode", "fail", ("text",))],
)


def run(params, task):
    token = "-".join(("token", "of", "this", "run"))
    task.secret(token)
    task.progress(f"progress with {token}")
    task.warn(f"a warning with {token} and {params['itglue_api_key']}")
    result = {
        "changed": True,
        "in_process": "ansible.plugins.action" in sys.modules,
        "check_mode": task.check_mode,
        "version": VERSION,
        "variable": os.environ.get("DOORS_VARIABLE"),
        "params": params,
        "paths": [os.path.realpath(params[name] or "") for name in ("file", "ca_path")],
        "told": f"Bearer {token} and {params['text']}",
        "rows": ({"token": token}, {1, 2}),
        "keys": {token: None},
    }
    result["diff"] = {"before": {"token": None}, "after": {"token": token}}
    if params["mode"] == "fail":
        raise SyncError(f"failed with {token} and {params['text']}", hint="Do this.", result=result)
    if params["mode"] == "defect":
        try:
            raise ValueError(f"cause with {token}")
        except ValueError as cause:
            raise RuntimeError(f"defect with {token}") from cause
    return result

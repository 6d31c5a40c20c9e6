# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task in a process of its own: how long it took, what it held in memory, what came of it.

`python -m tests.benchmarks.task` reads from standard input what to do, and writes JSON to standard
output. The connection options come from the environment, as they do in a playbook.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.sandbox.launch import ROOT, Running
from tests.tools.files import development_tree

Json = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """What a task came to. `peak` is in megabytes, `size` the bytes of the result as JSON."""

    seconds: float
    cpu: float
    peak: int
    size: int
    summary: Json
    requests: list[Json]

    def by_service(self) -> dict[str, int]:
        names = [each["service"] for each in self.requests]
        return {name: names.count(name) for name in ("graph", "itglue", "bms")}


def sync(sandbox: Running, *, check: bool = False, **options: Any) -> Done:
    """`contact_sync` of one client; no other process has logged in for it, or counted requests."""
    sandbox.clear_requests()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.task"],
            check=True,
            cwd=ROOT,
            env={**os.environ, **sandbox.env, "XDG_RUNTIME_DIR": directory},
            input=json.dumps({"check": check, "options": options}),
            stdout=subprocess.PIPE,
            text=True,
        )
    return Done(**json.loads(done.stdout), requests=sandbox.requests())


def _run(check: bool, options: Mapping[str, Any]) -> Json:
    sys.path.insert(0, str(development_tree()))
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import contact_sync
    from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task

    checked = ArgumentSpecValidator(**contact_sync.SPEC.validator_arguments()).validate(options)
    if checked.error_messages:
        raise SystemExit("; ".join(checked.error_messages))
    start, cpu = time.perf_counter(), time.process_time()
    result = contact_sync.run(checked.validated_parameters, Task(check_mode=check))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    size = len(json.dumps(result))
    return {"seconds": seconds, "cpu": cpu, "peak": peak, "size": size, "summary": result["summary"]}


if __name__ == "__main__":
    print(json.dumps(_run(**json.load(sys.stdin))))

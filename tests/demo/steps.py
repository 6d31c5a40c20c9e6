# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a step of the demo: print it, run Ansible, and note what it did to the services."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.launch import Running
from tests.tools.files import BUILD, ROOT

EXAMPLES = Path("docs", "examples")
INVENTORY = EXAMPLES / "inventory"
CALLBACKS = Path(__file__).with_name("callback")
REPORTS = BUILD / "demo"
WIDTH = 100

Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What to run, and how to tell of it. `extra` are arguments that only the demo's own checks need.

    `report` is the name of the report that the step makes in `REPORTS`, blank for none.
    """

    title: str
    what: str
    playbooks: Sequence[str]
    arguments: Sequence[str] = ()
    extra: Sequence[str] = ()
    report: str = ""

    @property
    def command(self) -> list[str]:
        names = [f"msp.psa_sync.{name}" for name in self.playbooks]
        return ["ansible-playbook", "-i", str(INVENTORY), *names, *self.arguments]


@dataclass(frozen=True)
class Ran:
    """A step that was run: exit code, what each task returned, what was requested, and the world before and after."""

    step: Step
    code: int
    seconds: float
    results: list[Json]
    requests: list[Json]
    before: Json
    after: Json

    def of(self, module: str) -> dict[str, Json]:
        """What a module returned, by client."""
        return {each["client"]: each["result"] for each in self.results if each["module"] == module}

    @property
    def changed(self) -> int:
        """How many tasks report a change."""
        return sum(bool(each["result"].get("changed")) for each in self.results)

    @property
    def writes(self) -> list[Json]:
        return [each for each in self.requests if is_write(each)]

    def counted(self) -> Counter[str]:
        """Requests by service."""
        return Counter(each["service"] for each in self.requests)


def is_write(request: Json) -> bool:
    """Whether a request may change what a service holds; asking for a token does not."""
    path = request["path"].partition("?")[0]
    if path.endswith(("/oauth2/v2.0/token", "/security/authenticate", "/security/refreshtoken")):
        return False
    return request["method"] in ("POST", "PUT", "PATCH", "DELETE")


def run(step: Step, sandbox: Running, record: Path) -> Ran:
    """Print what comes, run it with its output on the terminal, and gather what it did."""
    print(heading(step.title))
    print(textwrap.fill(step.what, WIDTH))
    print(f"\n$ {shlex.join(step.command)}", flush=True)
    before = sandbox.state()
    sandbox.clear_requests()
    record.write_bytes(b"")
    command = [str(Path(sys.executable).with_name(step.command[0])), *step.command[1:], *step.extra]
    start = time.monotonic()
    done = subprocess.run(command, check=False, cwd=ROOT, env=_environment(sandbox, record, step.report))
    return Ran(
        step,
        done.returncode,
        time.monotonic() - start,
        [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()],
        sandbox.requests(),
        before,
        sandbox.state(),
    )


def heading(title: str) -> str:
    """A title over a rule, bold on a terminal."""
    shown = f"\x1b[1m{title}\x1b[0m" if sys.stdout.isatty() else title
    return f"\n{'=' * WIDTH}\n{shown}\n{'=' * WIDTH}"


def _environment(sandbox: Running, record: Path, report: str) -> dict[str, str]:
    """The environment of the playbook: credentials are those of the sandbox, as an MSP would export its own."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed"),
        "LC_ALL": "C.UTF-8",  # Ansible insists on UTF-8
        **{name: value for name, value in os.environ.items() if name != "LC_ALL"},
        **sandbox.env,
        "ANSIBLE_CONFIG": str(ROOT / EXAMPLES / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "record,msp.psa_sync.sync_report" if report else "record",
        "MSP_PSA_SYNC_REPORT_DIRECTORY": str(REPORTS),
        "MSP_PSA_SYNC_REPORT_NAME": report,
        "ANSIBLE_NOCOWS": "1",
        "DEMO_RECORD": str(record),
    }

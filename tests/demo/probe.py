# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.demo.probe

Runs the shipped playbook `probe` against the sandbox. Needs the installed artifact, which `make probe` sees to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.sandbox.launch import ROOT, running

WORLD = ROOT / "tests" / "sandbox" / "example_world.json"
ORGANIZATION = "Example Ltd"
OPTIONS = {"probe_organization": ORGANIZATION, "probe_write": True, "probe_write_bms": True, "probe_push_wait": 0}


def main() -> int:
    world = json.loads(WORLD.read_text(encoding="utf-8"))
    options = OPTIONS | {"probe_tenant_id": world["entra"]["tenants"][0]["tenant_id"]}
    playbook = Path(sys.executable).with_name("ansible-playbook")
    command = [playbook, "-i", "localhost,", "msp.psa_sync.probe", "-e", json.dumps(options)]
    with running(world) as sandbox:
        return subprocess.run(command, check=False, env={**os.environ, **sandbox.env}).returncode


if __name__ == "__main__":
    sys.exit(main())

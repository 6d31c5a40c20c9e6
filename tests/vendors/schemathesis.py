# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schemathesis, which makes requests out of a description, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.tools.files import ROOT

VERSION = "4.32.5"
FOLDER = ROOT / ".build" / "schemathesis"
COMMAND = FOLDER / "bin" / "st"
CHECKS = ("not_a_server_error", "response_schema_conformance", "content_type_conformance")
EXAMPLES = 30
"""Requests that are made up for each operation, beside those at the borders of each schema."""


def install() -> None:
    """Install Schemathesis below `.build`, where it is not there yet."""
    mark = FOLDER / f"installed-{VERSION}"
    if not mark.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run([FOLDER / "bin" / "pip", "install", "--quiet", f"schemathesis=={VERSION}"], check=True)
        mark.touch()


def run(description: Path, address: str, ca_path: str, token: str) -> subprocess.CompletedProcess[str]:
    """Send what the description allows, and what it does not. The exit code is 0 where each check holds."""
    command = [COMMAND, "run", description, "--url", address, "--tls-verify", ca_path]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS)]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1"]
    command += ["--continue-on-failure", "--no-color", "--suppress-health-check", "all"]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=FOLDER)

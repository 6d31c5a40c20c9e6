# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import an artifact as Galaxy does, and fail on what Galaxy would only warn of.

`python -m tests.tools.importer ARTIFACT`; the environment's programs must be on the PATH.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What certification asks for beyond the importer's defaults.
STRICTER = {
    "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
    "GALAXY_IMPORTER_REQUIRE_V1_OR_GREATER": "true",
    "GALAXY_IMPORTER_RUN_FLAKE8": "false",
}


def main(artifact: str) -> int:
    """Return 1 when the importer failed, or had anything to complain of; then print all that it said."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "galaxy_importer.main", str(Path(artifact).resolve())],
            check=False,
            cwd=folder,
            env=os.environ | STRICTER,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        imported = Path(folder, "importer_result.json").is_file()
    complaints = re.findall(r"^(?:WARNING|ERROR|CRITICAL)\b.*", done.stdout, flags=re.MULTILINE)
    if done.returncode or not imported or complaints:
        print(f"{done.stdout}\nThe importer is not content: {len(complaints)} complaints.")
        return 1
    print(done.stdout.splitlines()[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

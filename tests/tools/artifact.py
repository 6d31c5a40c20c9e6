# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the collection from the clean tree and install it as a user does.

The artifact lands in `.build/artifact`, the installed collection in `.build/installed`.
Nothing is done when the tree is the one that was built last.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools.files import BUILD, COLLECTION, locked

GALAXY = Path(sys.executable).with_name("ansible-galaxy")


def galaxy(*arguments: str | Path) -> None:
    """Run `ansible-galaxy collection`; what it says is shown only when it fails."""
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed")}
    command = [GALAXY, "collection", *arguments]
    done = subprocess.run(
        command, check=False, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nansible-galaxy collection {arguments[0]} failed, see above.")


def main() -> None:
    """Build and install, into fresh folders."""
    wanted = (BUILD / "tree.sum").read_text()
    stamp = BUILD / "artifact" / ".sum"
    installed = BUILD / "installed"
    with locked("artifact"):
        if stamp.is_file() and stamp.read_text() == wanted and (installed / COLLECTION).is_dir():
            return
        shutil.rmtree(stamp.parent, ignore_errors=True)
        galaxy("build", BUILD / "tree" / COLLECTION, "--output-path", stamp.parent)
        (artifact,) = stamp.parent.glob("*.tar.gz")
        shutil.rmtree(installed, ignore_errors=True)
        galaxy("install", artifact, "--collections-path", installed, "--offline")
        stamp.write_text(wanted)
        print(f"Built {os.path.relpath(artifact)} and installed it in {os.path.relpath(installed)}.")


if __name__ == "__main__":
    main()

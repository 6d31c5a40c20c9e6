# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Chromium for the tests of the report's page.

`python -m tests.tools.browser` finds one or installs it: from the system's packages where apt is
there and may be used, else the one that Playwright brings for its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools.files import BUILD, locked

# Not in the user's home, which the tests do not see.
os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(BUILD / "browsers"))
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find() -> str | None:
    """The path of a Chromium: the one that CHROMIUM names, the system's, or Playwright's."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *NAMES)):
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install() -> None:
    """Install one; what goes wrong is shown by whatever was tried."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "--quiet=2"], env=environment, check=False)
        command = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", "chromium"]
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
        if find():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> None:
    with locked("browser"):
        if find():
            return
        print("Installing Chromium for the tests of the report's page ...", flush=True)
        install()
        if not find():
            raise SystemExit("There is no Chromium and it could not be installed; CHROMIUM may name one.")


if __name__ == "__main__":
    main()

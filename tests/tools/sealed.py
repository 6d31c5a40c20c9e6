# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of tests, demonstrations and benchmarks: nothing of the user or of the machine gets in.

`python -m tests.tools.sealed MODULE [ARGUMENT ...]` runs a module of the project in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tools.files import BUILD

#: Real credentials, settings of Ansible and git, another locale, and the folders of the desktop.
LEAKS = ("ANSIBLE_", "AZURE_", "BMS_", "GIT_", "GRAPH_", "ITGLUE_", "LC_", "XDG_")
#: Proxies and certificate bundles would come between the tests and their own servers.
LEAK_NAMES = {
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "NETRC",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
}


def environment(home: Path) -> dict[str, str]:
    """Return the variables for a process whose home directory is the empty folder `home`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() not in LEAK_NAMES and not name.upper().startswith(LEAKS)
    }
    # Ansible reads this file before /etc/ansible/ansible.cfg, and after one in the current folder.
    (home / ".ansible.cfg").touch()
    return kept | {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "ANSIBLE_NOCOWS": "1",
        # The collection as a user has it: `make artifact` installs it there.
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "installed"),
        # Ansible writes these below HOME, and looks for them below the home of the password file.
        "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
        "ANSIBLE_REMOTE_TMP": str(home / ".ansible" / "tmp"),
    }


def main(arguments: list[str]) -> int:
    """Run `python -m` with the arguments and return its exit code."""
    with tempfile.TemporaryDirectory(prefix="psa_sync-home-") as home:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, check=False, env=environment(Path(home))).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every test: where the collection is found, and that the machine does not leak in."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

from tests.tools.files import BUILD, development_tree

sys.path.insert(0, str(development_tree()))

# A certificate bundle or a proxy of the machine would come between the tests and their own
# servers, an Ansible setting would bend the runs, and real credentials have no business here.
LEAKS = ("ITGLUE_", "BMS_", "AZURE_", "GRAPH_", "ANSIBLE_")
LEAK_NAMES = {
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
}

for name in list(os.environ):
    if name.upper().startswith(LEAKS) or name.upper() in LEAK_NAMES:
        del os.environ[name]

# What Ansible runs is the collection as a user has it; `make artifact` installs it there.
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(BUILD / "installed")


@pytest.fixture(autouse=True)
def private_directory(tmp_path_factory, monkeypatch):
    """What processes share (locks, counts of requests, tokens) begins anew for each test."""
    path = tmp_path_factory.mktemp("runtime")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    return path


# Two slow cores must not fail a test, and continuous integration must not throw dice.
settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

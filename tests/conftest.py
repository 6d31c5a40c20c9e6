# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every test: where the collection is found, and that the machine does not leak in."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from tests.tools.files import development_tree
from tests.tools.sealed import environment

sys.path.insert(0, str(development_tree()))

# Kept until the process ends, which removes the folder.
_home = tempfile.TemporaryDirectory(prefix="psa_sync-home-", ignore_cleanup_errors=True)
_sealed = environment(Path(_home.name))
os.environ.clear()
os.environ.update(_sealed)
time.tzset()


@pytest.fixture(scope="session")
def new_directory(tmp_path_factory):
    """Makes directories by number. `mktemp` looks through all that it has made, and there are thousands."""
    folder, numbers = tmp_path_factory.mktemp("runtime"), count()

    def new_directory() -> Path:
        path = folder / str(next(numbers))
        path.mkdir(mode=0o700)
        return path

    return new_directory


@pytest.fixture(autouse=True)
def private_directory(new_directory, monkeypatch):
    """What processes share (locks, counts of requests, tokens) begins anew for each test."""
    path = new_directory()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    return path


# Two slow cores must not fail a test, and continuous integration must not throw dice; that is for the night.
settings.register_profile("default", deadline=None, print_blob=True, max_examples=25)
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.register_profile("nightly", parent=settings.get_profile("default"), max_examples=1000)
if os.environ.get("TRUST") == "nightly":
    settings.load_profile("nightly")
else:
    settings.load_profile("ci" if os.environ.get("CI") else "default")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action `keep` for playbooks of tests; and which process runs which test.

The tests of a file with an `xdist_group` stay together.

`--dist loadgroup` would not see to that: pytest-xdist 3.8 writes the group into a private attribute that
pytest 9.2 no longer reads.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.tools.files import ROOT

os.environ["ANSIBLE_ACTION_PLUGINS"] = str(Path(__file__).with_name("action_plugins"))


class GroupedScheduling(LoadScopeScheduling):
    """Hands out grouped files whole and first, all other tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if is_grouped(file) else nodeid


@cache
def is_grouped(file: str) -> bool:
    """Tell whether the tests of a file share expensive fixtures."""
    return "xdist_group(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return GroupedScheduling(config, log)

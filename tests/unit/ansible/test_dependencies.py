# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the libraries are there, and what is said where one is not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import (
    contact_audit_info,
    contact_sync,
    dependencies,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.dependencies import (
    MissingLibrary,
    require_libraries,
)
from tests.tools.files import development_tree


@pytest.fixture
def unknown_libraries():
    """What this process has found out about libraries is not known in the test, nor after it."""
    dependencies._why_not.cache_clear()
    yield
    dependencies._why_not.cache_clear()


def test_the_package_to_install_is_named(monkeypatch, unknown_libraries):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary) as raised:
        require_libraries(("json", "phonenumbers", "no_such_library_of_ours"))
    assert "(no_such_library_of_ours, phonenumbers)" in str(raised.value)
    assert "-m pip install no_such_library_of_ours phonenumberslite. " in raised.value.hint


def test_telephone_numbers_need_their_library():
    for module in (contact_sync, contact_audit_info):
        assert "phonenumbers" in module.SPEC.libraries


def test_the_library_of_telephone_numbers_is_looked_for_and_not_loaded():
    """Most runs read no number."""
    module = "ansible_collections.msp.psa_sync.plugins.module_utils._ansible.dependencies"
    code = f"""
import sys
sys.path.insert(0, {str(development_tree())!r})
from {module} import require_libraries
require_libraries(("phonenumbers",))
assert "phonenumbers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_the_workers_of_a_run_share_is_imported_before_the_first_of_them():
    """A module that a task imports late is imported by the process of each client."""
    code = f"""
import sys
sys.path.insert(0, {str(development_tree())!r})
from ansible_collections.msp.psa_sync.plugins.action import contact_sync
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import misspelled
before = set(sys.modules)
assert len(list(misspelled(["sync_max_create"]))) == 1
assert set(sys.modules) == before, set(sys.modules) - before
"""
    subprocess.run([sys.executable, "-c", code], check=True)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What messages show of what they were given."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import quoted


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Staff", "'Staff'"),
        ("", "''"),
        (7, "'7'"),
        ("O'Hara", '"O\'Hara"'),
        ("two\nlines\x1b[0m", r"'two\nlines\x1b[0m'"),
        ("x" * 100, f"'{'x' * 100}'"),
        ("x" * 10_000, f"'{'x' * 100}…'"),
    ],
)
def test_quoted(value, expected):
    assert quoted(value) == expected

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the tools that read the vendors' descriptions: `python -m tests.vendors`."""

from __future__ import annotations

from tests.vendors import prism, schemathesis

prism.install()
schemathesis.install()

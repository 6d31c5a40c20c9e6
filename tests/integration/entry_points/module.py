# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.python import require_python

require_python()

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.both_ways import SPEC, run  # noqa: E402
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.module import run_module  # noqa: E402


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

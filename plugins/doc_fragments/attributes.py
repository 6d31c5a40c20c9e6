# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module can do, in the words of Ansible's `attributes`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    support: full
    description: Use C(group/msp.psa_sync.all) in C(module_defaults) to give the connection options once.
    membership:
      - msp.psa_sync.all
  action:
    support: full
    description: Has an action plugin, so that part or all of it runs on the controller.
    details:
      - On a local connection without C(become) and C(async) the task runs in the controller's own process,
        with the Python of C(ansible-playbook) and its libraries, which is much faster.
        Otherwise it runs as a module on the host, with C(ansible_python_interpreter). The results are the same.
  async:
    support: full
    description: Supports being used with the C(async) keyword.
  platform:
    support: full
    description: Hosts on which it can run.
    platforms: posix
"""

    # Modules that change something.
    WRITES = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode and say what would change, without changing anything.
    details:
      - No request that changes anything is sent in check mode. Tokens are requested, as reading needs them.
  diff_mode:
    support: full
    description: Shows what has changed, or in check mode would change, when run in diff mode.
  idempotent:
    support: full
    description: A second run with the same arguments changes nothing when nobody else has changed anything.
"""

    # Modules that only read.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode and say what would change, without changing anything.
    details:
      - It changes nothing, so check mode makes no difference.
  diff_mode:
    support: N/A
    description: Shows what has changed, or in check mode would change, when run in diff mode.
    details:
      - It changes nothing.
  idempotent:
    support: full
    description: A second run with the same arguments changes nothing when nobody else has changed anything.
    details:
      - It changes nothing.
"""

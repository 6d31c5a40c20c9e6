# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to become the user that one is."""

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = """
name: plainly
short_description: A way to become the user that one is
description: For tests.
author: The msp.psa_sync authors
options:
  become_user:
    description: The user.
    default: root
    vars: [{name: ansible_become_user}]
  become_exe:
    description: None.
  become_flags:
    description: None.
  become_pass:
    description: None.
"""


class BecomeModule(BecomeBase):
    name = "plainly"

    def build_become_command(self, cmd, shell):
        super().build_become_command(cmd, shell)
        return self._build_success_command(cmd, shell)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates as Ansible reads them from a playbook or an inventory."""

from __future__ import annotations

try:
    from ansible.template import trust_as_template
except ImportError:  # up to ansible-core 2.18, all text is trusted but what is marked as unsafe

    def trust_as_template(value: str) -> str:
        return value


__all__ = ["trust_as_template"]

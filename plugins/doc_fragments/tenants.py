# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where client tenants are read from; the argument spec is in `module_utils/_ansible/tenant_source.py`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  partner_tenant_id:
    description:
      - The Microsoft tenant of the MSP itself, from which the client tenants are read.
      - If not set, the environment variable E(AZURE_TENANT_ID) is used.
    type: str
  source:
    description:
      - What the client tenants are read from.
      - V(contracts) are the customers of a partner. It takes the application permission C(Directory.Read.All)
        in the partner's tenant. Names and domains are copies from when the partnership began.
      - V(delegated_admin_relationships) are the tenants with active granular delegated admin privileges (GDAP).
        It takes C(DelegatedAdminRelationship.Read.All), and exists in the global cloud only. Domains are not told.
    type: str
    choices:
      - contracts
      - delegated_admin_relationships
    default: contracts
  tenants:
    description:
      - The client tenants, where they are not to be read from Microsoft. Then neither O(partner_tenant_id) nor
        credentials of Microsoft Graph are needed.
    type: list
    elements: dict
    suboptions:
      id:
        description: The tenant id, a GUID.
        type: str
        required: true
      name:
        description: The name of the tenant.
        type: str
      domain:
        description: Its default domain, such as C(happyfrog.onmicrosoft.com).
        type: str
"""

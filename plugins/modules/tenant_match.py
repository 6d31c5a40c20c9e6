# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_match
short_description: Match a Microsoft tenant with an organization, or ignore it
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Says which client's organization in IT Glue a Microsoft tenant belongs to. M(msp.psa_sync.contact_sync) then
    reads that tenant's users.
  - The match is the option O(msp.psa_sync.office365_sync_settings#module:tenant_id) of the organization's settings,
    stored where that module stores it.
  - The tenants to be ignored are a list in a flexible asset of the type C(Ignored Microsoft Tenants), which the
    MSP's own organization carries, the one that IT Glue calls primary.
  - A tenant that is matched with another organization already is an error that names both.
options:
  tenant:
    description:
      - The tenant, by its id, its default domain or its exact name. An id is taken as it is; for a domain or a name
        the client tenants are read.
      - If not set, the tenant with exactly the name of O(organization) is matched. With O(state=unmatched) it is the
        one that the organization is matched with.
    type: str
  organization:
    description:
      - The client, by the id or the exact name of its organization in IT Glue. The case of the name does not count.
      - If not set, the tenant is matched with the one organization of exactly its name, where it is not matched yet.
        With O(state=unmatched) it is taken from whichever organization has it.
    type: str
  state:
    description:
      - V(matched) stores the match, in place of one that the organization had before, and ends that the tenant is
        ignored.
      - V(ignored) puts the tenant on the list of those to be ignored, and ends its match.
      - V(unmatched) ends both. If O(organization) is given, it ends a match with that one alone.
    type: str
    choices:
      - matched
      - ignored
      - unmatched
    default: matched
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.writes
  - msp.psa_sync.connection
  - msp.psa_sync.tenants
seealso:
  - module: msp.psa_sync.tenant_match_info
  - module: msp.psa_sync.office365_sync_settings
"""

EXAMPLES = r"""
- name: Match a tenant with its organization
  msp.psa_sync.tenant_match:
    tenant: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
    organization: Happy Frog

- name: Match by exact name
  msp.psa_sync.tenant_match:
    organization: Happy Frog
    partner_tenant_id: 11111111-2222-4333-8444-555555555555

- name: Leave a tenant alone that is no client any more
  msp.psa_sync.tenant_match:
    tenant: oldclient.onmicrosoft.com
    partner_tenant_id: 11111111-2222-4333-8444-555555555555
    state: ignored

- name: Take a match back
  msp.psa_sync.tenant_match:
    organization: Happy Frog
    state: unmatched
"""

RETURN = r"""
state:
  description: The state that was declared.
  returned: success
  type: str
  sample: matched
tenant:
  description: The tenant, null where the organization had none. Name and domain are null unless they were read.
  returned: success
  type: dict
  sample: {id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11, name: Happy Frog, domain: happyfrog.onmicrosoft.com}
organization:
  description: The organization that the tenant is matched with, else the one that was given, else null.
  returned: success
  type: dict
  sample: {id: 2, name: Happy Frog}
diff:
  description:
    - The state of the tenant, and of others whose state changes with it, before and after. In check mode what would
      be.
  returned: success
  type: dict
  sample:
    before:
      6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11: {state: unmatched, organization: null}
    after:
      6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11: {state: matched, organization: Happy Frog (2)}
failure:
  description:
    - Why the task failed, for a playbook to decide by. It has the keys of
      RV(msp.psa_sync.contact_sync#module:failure).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {code: permission_denied, said: Forbidden, service: itglue, status: 403}
"""

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.python import require_python

require_python()

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.module import run_module
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.tenant_match import SPEC, run


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

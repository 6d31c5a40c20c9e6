# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_match_info
short_description: Show which Microsoft tenant belongs to which organization
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Lists the client tenants that the MSP sees as a Microsoft partner, each with its organization in IT Glue.
  - A tenant is matched where an organization's settings say so, or where its name is exactly that of one organization.
    The latter is only marked; M(msp.psa_sync.tenant_match) stores it.
  - For every other tenant the organizations with the most similar names are suggested, with a score. Nothing is ever
    done with a suggestion.
  - A tenant, or a BMS account, that several organizations have is an error that names them. The result is returned
    all the same.
options:
  state:
    description:
      - Only list tenants in this state.
      - All are listed if not set.
    type: str
    choices:
      - matched
      - ignored
      - unmatched
  max_suggestions:
    description: How many organizations to suggest for a tenant at most. V(0) for none.
    type: int
    default: 3
  min_score:
    description: How similar the names must be for a suggestion, as a percentage.
    type: int
    default: 60
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.info
  - msp.psa_sync.connection
  - msp.psa_sync.tenants
seealso:
  - module: msp.psa_sync.tenant_match
"""

EXAMPLES = r"""
- name: Which tenants have no organization yet?
  msp.psa_sync.tenant_match_info:
    partner_tenant_id: 11111111-2222-4333-8444-555555555555
    state: unmatched
  register: unmatched

- name: Show the suggestions
  ansible.builtin.debug:
    msg: >-
      {{ item.tenant.name }} could be
      {{ item.suggestions | map(attribute='organization.name') | join(' or ') | default('nobody', true) }}
  loop: "{{ unmatched.tenants }}"
  loop_control:
    label: "{{ item.tenant.id }}"

- name: Read all tenants
  msp.psa_sync.tenant_match_info:
    partner_tenant_id: 11111111-2222-4333-8444-555555555555
    state: matched
  register: found

- name: Store every match by exact name, once somebody has looked at them
  msp.psa_sync.tenant_match:
    tenant: "{{ item.tenant.id }}"
    organization: "{{ item.organization.id }}"
  loop: "{{ found.tenants | selectattr('matched_by', '==', 'name') }}"
  loop_control:
    label: "{{ item.organization.name }}"
"""

RETURN = r"""
tenants:
  description: The client tenants, by name.
  returned: success, or failure because of a tenant or an account that several organizations have
  type: list
  elements: dict
  contains:
    tenant:
      description: The tenant. Name and domain are null where they are not known.
      type: dict
      sample: {id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11, name: Happy Frog, domain: happyfrog.onmicrosoft.com}
    state:
      description: One of V(matched), V(ignored) and V(unmatched).
      type: str
      sample: matched
    matched_by:
      description: V(setting) where the match is stored, V(name) where the names are equal, null unless it is matched.
      type: str
      sample: setting
    organization:
      description:
        - The organization that it is matched with. Of an ignored tenant, the one that claims it nevertheless.
        - Null where there is none.
      type: dict
      sample: {id: 2, name: Happy Frog}
    host:
      description:
        - The name of the organization's host in an inventory of P(msp.psa_sync.tenants#inventory), with the
          default for its option O(msp.psa_sync.tenants#inventory:host_name). Null where there is no organization.
      type: str
      sample: happy_frog
    suggestions:
      description: Organizations without a tenant that have a similar name, the most similar one first.
      type: list
      elements: dict
      contains:
        organization:
          description: The organization.
          type: dict
          sample: {id: 2, name: Happy Frog Ltd}
        score:
          description: How similar the names are, as a percentage.
          type: int
          sample: 84
unseen:
  description: Organizations that are matched with a tenant that the partner does not see, by id.
  returned: success, or failure because of a tenant or an account that several organizations have
  type: list
  elements: dict
  contains:
    organization:
      description: The organization.
      type: dict
      sample: {id: 7, name: Sad Toad}
    tenant_id:
      description: The tenant id that it stores.
      type: str
      sample: a2b7e0d4-41c6-4f7e-b9d8-5e6f7a8b9c33
summary:
  description: How many tenants there are, in which state, and how many requests it took of each service.
  returned: success, or failure because of a tenant or an account that several organizations have
  type: dict
  sample: {tenants: 3, matched: 1, ignored: 1, unmatched: 1, api_calls: {graph: 3, itglue: 5, bms: 0}}
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
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.tenant_match_info import SPEC, run


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

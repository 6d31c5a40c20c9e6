# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Check whether a client is ready to be synced
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Checks with a handful of reads what M(msp.psa_sync.contact_sync) needs for a client - the credentials of the
    services, the consent of the tenant, valid settings, the account in BMS, and the types that the settings name.
    Nothing is written.
  - A check that fails is no failure of this module. RV(ready) says whether the client can be synced, and RV(to_do)
    what to do.
options:
  always_check_bms:
    description:
      - Whether to look for the account in BMS also where the settings push nothing to BMS, and whether IT Glue links
        the organization to BMS. What is not found is then V(limited), not V(failed).
    type: bool
    default: false
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.info
  - msp.psa_sync.client
  - msp.psa_sync.connection
seealso:
  - module: msp.psa_sync.contact_sync
  - module: msp.psa_sync.contact_audit_info
"""

EXAMPLES = r"""
- name: Check whether a client is ready
  msp.psa_sync.preflight_info:
    organization: Happy Frog
    office365_settings:
      tenant_id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
    bms_settings:
      contact_sync: true
      two_way_sync: true
      auto_push_office365_contacts: true
      email_type: Work
      phone_type: Work
  register: preflight

- name: Stop where it is not
  ansible.builtin.assert:
    that: preflight.ready
    fail_msg: "{{ preflight.to_do }}"
"""

RETURN = r"""
organization:
  description: The organization in IT Glue. Null where it is not found.
  returned: success
  type: dict
  sample: {id: 2, name: Happy Frog}
tenant_id:
  description: The tenant whose users would be read. Null where it is not known.
  returned: success
  type: str
  sample: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
bms_account:
  description: The account in BMS. Null where it is not found, or was not looked for.
  returned: success
  type: dict
  sample: {id: 2528, name: Happy Frog}
ready:
  description: Whether the client can be synced, which is so when no check has failed.
  returned: success
  type: bool
  sample: false
to_do:
  description: What to do about each check that has failed.
  returned: success
  type: list
  elements: str
  sample: ["bms_email_type: BMS has no type named 'Wrok' (option email_type of bms_sync_settings). It has: Work (1)."]
checks:
  description: All checks in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description:
        - What was checked. V(itglue) is the key and the organization; V(settings_store) the assets with the settings;
          V(office365_settings) and V(bms_settings) are the stored settings with those given laid over them;
          V(tenant) is the tenant id, and that no other organization has it; V(microsoft) is the credential, the
          consent and that users can be read; V(groups) are those of the user filter; V(users) is that the user filter
          selects somebody; V(verified_domains) is the optional permission to read these; V(contact_type) is the one of
          the settings; V(bms_link) is that IT Glue links the organization to BMS, shown only where it does not, with
          O(always_check_bms); V(bms) is the credential and the account; V(bms_email_type), V(bms_phone_type) and
          V(bms_locations) are what a new contact in BMS takes.
      type: str
      sample: microsoft
    state:
      description:
        - V(ready), V(failed), V(limited) where the sync works but not all of it, or V(skipped).
      type: str
      sample: ready
    reason_code:
      description: The code of what was found, which stays as it is. Null after a failure.
      type: str
      sample: check_ok
    message:
      description: What was found, or what to do.
      type: str
      sample: OK.
first_run:
  description:
    - How long the first run lasts at BMS's quota, if BMS has nobody yet. Null where nothing is pushed.
    - C(creates_in_bms) are the contacts to create in BMS, at most, C(creates_per_hour) is how many the quota lets
      through in an hour, and C(hours) how many hours of the quota that takes. All clients share the quota.
  returned: success
  type: dict
  sample: {creates_in_bms: 180, creates_per_hour: 1425, hours: 0.13}
api_calls:
  description: The number of requests to each service.
  returned: success
  type: dict
  sample: {graph: 4, itglue: 5, bms: 5}
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
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.preflight_info import SPEC, run


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contact_audit_info
short_description: Show what to clear up before a client's first sync
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Looks at a client's users in Microsoft 365 and its contacts in IT Glue and Kaseya BMS, and lists what a person
    should look at before M(msp.psa_sync.contact_sync) runs for the first time. Nothing is written.
  - It uses the rules of M(msp.psa_sync.contact_sync) as if the three switches for a push were on.
  - It reads the settings that are stored. Where there are none yet, give O(office365_settings) with a tenant id.
options:
  match_overrides:
    description:
      - Conflicts in IT Glue that are resolved already, as in M(msp.psa_sync.contact_sync).
    type: dict
  bms_match_overrides:
    description:
      - Conflicts in BMS that are resolved already, as in M(msp.psa_sync.contact_sync).
    type: dict
  max_listed:
    description:
      - How many entries each list of the result has at most. All are counted in RV(summary).
      - V(0) for all.
    type: int
    default: 100
requirements:
  - phonenumberslite (Python library; C(phonenumbers) serves too)
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.info
  - msp.psa_sync.client
  - msp.psa_sync.connection
seealso:
  - module: msp.psa_sync.contact_sync
  - module: msp.psa_sync.preflight_info
"""

EXAMPLES = r"""
- name: What has to be cleared up at a new client?
  msp.psa_sync.contact_audit_info:
    organization: Happy Frog
    office365_settings:
      tenant_id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
  register: audit

- name: Show how much there is of everything
  ansible.builtin.debug:
    var: audit.summary.findings

- name: Whom would IT Glue's own two-way sync create in BMS a second time?
  ansible.builtin.debug:
    msg: "{{ audit.bms_only | selectattr('users') | map(attribute='users') | flatten }}"
"""

RETURN = r"""
organization:
  description: The organization in IT Glue.
  returned: success
  type: dict
  sample: {id: 2, name: Happy Frog}
tenant_id:
  description: The tenant whose users were read.
  returned: success
  type: str
  sample: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
bms_account:
  description: The account in BMS. Null where it is not found; RV(problems) says why.
  returned: success
  type: dict
  sample: {id: 2528, name: Happy Frog}
bms_has_main_location:
  description: Whether the account has a main location, which takes the place of those in RV(lacked_locations).
  returned: success
  type: bool
  sample: true
problems:
  description: Why the account was not found. What needs BMS is empty then.
  returned: success
  type: list
  elements: str
  sample: []
bms_only:
  description:
    - BMS contacts that IT Glue does not have - none is linked with them, or has one of their addresses, or their name.
    - IT Glue cannot see them. What it pushes by itself would become a duplicate.
  returned: success
  type: list
  elements: dict
  contains:
    bms_contact_id:
      description: The contact in BMS.
      type: int
      sample: 90211
    name:
      description: Its name.
      type: str
      sample: Jane Doe
    addresses:
      description: Its e-mail addresses.
      type: list
      elements: str
      sample: [jane@happyfrog.example]
    active:
      description: Whether it is active.
      type: bool
      sample: true
    users:
      description: Users of Microsoft 365 with one of its addresses, or with its name.
      type: list
      elements: str
      sample: [jane@happyfrog.example]
itglue_duplicates:
  description: Contacts in IT Glue that share an address, then those that share first and last name.
  returned: success
  type: list
  elements: dict
  contains:
    by:
      description: V(address) or V(name).
      type: str
      sample: address
    value:
      description: What they share, in the form in which it is compared.
      type: str
      sample: info@happyfrog.example
    contact_ids:
      description: The contacts.
      type: list
      elements: int
      sample: [71, 72]
bms_duplicates:
  description: The same of the contacts in BMS.
  returned: success
  type: list
  elements: dict
  sample: [{by: name, value: jane doe, contact_ids: [90211, 90377]}]
conflicts:
  description: What would be a conflict, as M(msp.psa_sync.contact_sync) returns it, those with BMS contacts included.
  returned: success
  type: list
  elements: dict
  sample:
    - rule: alias
      reason_code: several_hits
      users: [jo@happyfrog.example]
      people:
        - user: jo@happyfrog.example
          user_id: 0d3f0c52-6a0a-4f0e-8f83-9c1b9e0c7d10
          first_name: Jo
          last_name: Smith
          emails: [jo@happyfrog.example]
      contact_ids: [72, 75]
      contacts:
        - id: 72
          first_name: Jo
          last_name: Smith
          emails: [jo@happyfrog.example]
          linked: false
          url: https://happyfrog.itglue.com/2/contacts/72
        - id: 75
          first_name: J
          last_name: S
          emails: [jo@happyfrog.example]
          linked: false
          url: https://happyfrog.itglue.com/2/contacts/75
      bms_contact_ids: []
      bms_contacts: []
      match_overrides: {jo@happyfrog.example: 72}
      bms_match_overrides: {}
      answers: {jo@happyfrog.example: [72, 75, new, ignore]}
not_ready:
  description: Users whose contact could not be pushed to BMS, or not be written at all, and why.
  returned: success
  type: list
  elements: dict
  contains:
    user:
      description: The username.
      type: str
      sample: jo@happyfrog.example
    contact_id:
      description: The contact in IT Glue, null where there is none yet.
      type: int
      sample: 72
    missing:
      description: Of V(first_name), V(primary_email), V(primary_phone) and V(location).
      type: list
      elements: str
      sample: [primary_phone]
    reason_code:
      description: The code of the gravest reason, as M(msp.psa_sync.contact_sync) returns it, or null.
      type: str
      sample: null
    reason_codes:
      description: The codes of all reasons.
      type: list
      elements: str
      sample: []
    reason:
      description: Why, in sentences, where there is something else to say, else null.
      type: str
      sample: null
    hint:
      description: What to do, or null.
      type: str
      sample: null
other_first_names:
  description:
    - Contacts that an address matches with a user of another first name, those that are linked to BMS too. Most are
      nicknames; look whether one is somebody else.
  returned: success
  type: list
  elements: dict
  sample: [{user: michael@frog.example, user_name: Michael Smith, contact_id: 73, name: Mike Smith}]
lacked_locations:
  description: Locations in IT Glue that BMS does not have under that name, with the number of contacts there.
  returned: success
  type: list
  elements: dict
  sample: [{location_id: 10, name: HQ, contacts: 12}]
email_types:
  description: The e-mail types that the account's contacts have in BMS, with the number of contacts. By id.
  returned: success
  type: list
  elements: dict
  sample: [{id: 1, name: Work, contacts: 12}]
phone_types:
  description: The phone types, likewise.
  returned: success
  type: list
  elements: dict
  sample: [{id: 1, name: Work, contacts: 11}]
microsoft_contacts:
  description: Contacts that IT Glue's own Microsoft integration writes to as well.
  returned: success
  type: list
  elements: dict
  sample: [{contact_id: 72, name: Jo Smith}]
first_run:
  description:
    - How long the first run lasts at BMS's quota. Null where BMS could not be read.
    - C(creates_in_bms) are the contacts to create in BMS, C(creates_per_hour) is how many the quota lets through in an
      hour, and C(hours) how many hours of the quota that takes. All clients share the quota.
  returned: success
  type: dict
  sample: {creates_in_bms: 180, creates_per_hour: 1425, hours: 0.13}
summary:
  description:
    - The users that were read and those that the filter selects, what the sync would do in IT Glue by the number of
      users, how many entries each list has in full, the lists that were cut short, and the requests to each service.
  returned: success
  type: dict
  sample:
    users: 14
    selected: 12
    actions: {create: 3, excluded: 2, linked: 8, update: 1}
    findings: {bms_duplicates: 1, bms_only: 2, conflicts: 1, email_types: 1, itglue_duplicates: 1, lacked_locations: 1,
               microsoft_contacts: 0, not_ready: 1, other_first_names: 1, phone_types: 1}
    cut_short: []
    api_calls: {graph: 3, itglue: 6, bms: 5}
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

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.contact_audit_info import SPEC, run
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.module import run_module


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

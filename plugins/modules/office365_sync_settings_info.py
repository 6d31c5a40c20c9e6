# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: office365_sync_settings_info
short_description: Read the Microsoft 365 sync settings of clients
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Returns what M(msp.psa_sync.office365_sync_settings) has stored in IT Glue, of one organization or of all that
    carry such settings.
  - Settings that somebody has edited so that they break a rule are returned with what is wrong; that is no failure.
options:
  organization:
    description:
      - The client, by the id or the exact name of its organization in IT Glue. The case of the name does not count.
      - All organizations where it is not given.
    type: str
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.info
  - msp.psa_sync.connection
seealso:
  - module: msp.psa_sync.office365_sync_settings
"""

EXAMPLES = r"""
- name: Read the settings of one client
  msp.psa_sync.office365_sync_settings_info:
    organization: Happy Frog
  register: stored

- name: Read those of all clients
  msp.psa_sync.office365_sync_settings_info:
  register: stored

- name: Show which client has which tenant
  ansible.builtin.debug:
    msg: "{{ item.organization.name }} has the tenant {{ item.settings.tenant_id }}"
  loop: "{{ stored.settings }}"
  loop_control:
    label: "{{ item.organization.id }}"

- name: Stop where settings were edited so that they break a rule
  ansible.builtin.assert:
    that: (stored.settings | selectattr('violations') | length) == 0
    fail_msg: "{{ stored.settings | map(attribute='violations') | flatten | join(' ') }}"
"""

RETURN = r"""
settings:
  description:
    - One entry for each asset with settings, by the name of the organization. Empty where there is none.
  returned: success
  type: list
  elements: dict
  contains:
    organization:
      description: The organization in IT Glue.
      type: dict
      contains:
        id:
          description: Its id.
          type: int
          sample: 2
        name:
          description: Its name.
          type: str
          sample: Happy Frog
    settings:
      description:
        - All options, the defaults where nothing is stored.
        - A value that cannot be read, because somebody has typed it, is there as the text that it is.
      type: dict
      sample:
        contact_type: null
        different_names: conflict
        email_label: Work
        phone_labels: {office: Office, mobile: Mobile}
        phone_type: Office
        primary_email: mail
        replace_blank_phone_numbers: true
        set_phone_numbers_primary: true
        sync_aliases: true
        tenant_id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
        user_filter:
          domains: []
          exclude: ["svc-*"]
          groups: []
          include_disabled: false
          include_guests: false
          license_skus: []
          licensed_only: true
          require_name: true
    asset_id:
      description: The asset in IT Glue.
      type: int
      sample: 401
    asset_url:
      description: Where the asset is seen in the browser. Null where IT Glue gives no address.
      type: str
      sample: https://happyfrog.itglue.com/2/assets/records/401
    violations:
      description:
        - The rules that the settings break, sentences that begin with the name of the option.
        - The other modules refuse to work with such settings. M(msp.psa_sync.office365_sync_settings) corrects them.
      type: list
      elements: str
      sample: ["phone_type: set_phone_numbers_primary needs one; give 'Office' or 'Mobile'."]
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
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.sync_settings import MODULES


def main():
    run_module(*MODULES["office365_sync_settings_info"])


if __name__ == "__main__":
    main()

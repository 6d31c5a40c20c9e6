# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bms_sync_settings
short_description: Declare how a client's contacts in IT Glue are pushed to Kaseya BMS
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Declares, for one organization in IT Glue, whether and how M(msp.psa_sync.contact_sync) pushes its contacts to
    Kaseya BMS.
  - The three switches are the collection's own. They have the names of those in IT Glue's BMS integration, but do not
    change them there, nor do they show how they are set there.
  - IT Glue's API does not show IT Glue's own screens of these settings. So they are kept in IT Glue as a flexible
    asset of the type C(BMS Sync Settings), one for each organization, where technicians read and edit them.
  - An edit by hand is a deviation. C(--check --diff) shows it, and the next run corrects it. One that breaks a
    rule is reported with the address of the asset, and corrected by declaring the option.
  - What is not given, or is null, stays as it is stored. An empty string or an empty list clears an option, so that
    its default counts again; a switch has no such value and is given as it shall be. The defaults count where
    nothing is stored.
options:
  organization:
    description:
      - The client, by the id or the exact name of its organization in IT Glue. The case of the name does not count.
    type: str
    required: true
  contact_sync:
    description:
      - Whether contacts are synced with BMS at all. V(false) where nothing is stored.
    type: bool
  two_way_sync:
    description:
      - Whether contacts go from IT Glue to BMS too. V(false) where nothing is stored.
      - This is the collection's own switch. It does not change the two-way sync of IT Glue itself, which must be off
        for the client while O(push_method=direct), because IT Glue would create each new person in BMS a second time.
        The module warns when this is turned on.
    type: bool
  auto_push_office365_contacts:
    description:
      - Whether contacts that come from Microsoft 365 are pushed to BMS.
      - Needs O(contact_sync), O(two_way_sync), O(email_type) and O(phone_type).
      - V(false) where nothing is stored.
    type: bool
  email_type:
    description:
      - The e-mail type of BMS that pushed addresses get, by name or id.
    type: str
  phone_type:
    description:
      - The phone type of BMS that pushed phone numbers get, by name or id.
    type: str
  push_method:
    description:
      - Who creates a contact in BMS. V(direct) where nothing is stored.
    type: str
    choices:
      direct: M(msp.psa_sync.contact_sync) creates it, through the API of BMS.
      native:
        - M(msp.psa_sync.contact_sync) writes the complete contact to IT Glue, and IT Glue's own two-way sync
          creates it.
  account:
    description:
      - The client's account in BMS, by id or name. Where nothing is stored, it is the one that the organization is
        linked with in IT Glue, or else the one of the same name.
    type: str
  state:
    description:
      - With V(present), the organization carries the settings.
      - With V(absent), its asset is deleted. The asset type stays.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.writes
  - msp.psa_sync.connection
notes:
  - For O(push_method=direct), IT Glue's own two-way sync of contacts with BMS must be off. IT Glue pushes contacts that
    are made or changed through its API by itself, so every person would be in BMS twice. The one-way sync from BMS to
    IT Glue may stay on. Where the two-way sync must stay on, use O(push_method=native). With V(direct),
    M(msp.psa_sync.contact_sync) fails and creates no further contact in BMS where it sees that IT Glue pushes too.
  - The names and ids of BMS are not looked up by this module, as it only talks to IT Glue.
    M(msp.psa_sync.contact_sync) reports those that BMS does not have.
  - The asset type is made where it is missing, and the fields of an older one are added, under a lock that all
    processes of one user on one control node share. Where there are several types of the name, the one with the
    lowest id is used, with a warning.
  - Fields that your technicians add to the asset type, and the title of an asset, are kept. An asset that holds an
    uploaded file, or a password that the API key may not see, is not written to but refused, because the API would
    delete these.
  - An archived asset counts as absent.
seealso:
  - module: msp.psa_sync.bms_sync_settings_info
  - module: msp.psa_sync.office365_sync_settings
  - module: msp.psa_sync.contact_sync
"""

EXAMPLES = r"""
- name: Push new contacts of a client to BMS
  msp.psa_sync.bms_sync_settings:
    organization: Happy Frog
    contact_sync: true
    two_way_sync: true
    auto_push_office365_contacts: true
    email_type: Work
    phone_type: Work

- name: Leave the push to IT Glue, whose two-way sync stays on
  msp.psa_sync.bms_sync_settings:
    organization: Happy Frog
    push_method: native

- name: Name the account, as it is called differently in BMS
  msp.psa_sync.bms_sync_settings:
    organization: Happy Frog
    account: Happy Frog, Inc.

- name: Use the account of the same name again
  msp.psa_sync.bms_sync_settings:
    organization: Happy Frog
    account: ""

- name: Stop pushing, and keep all other settings
  msp.psa_sync.bms_sync_settings:
    organization: Happy Frog
    auto_push_office365_contacts: false

- name: Remove the settings of a departed client
  msp.psa_sync.bms_sync_settings:
    organization: Happy Frog
    state: absent
"""

RETURN = r"""
organization:
  description: The organization in IT Glue.
  returned: success
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
    - All options as they are stored, the defaults where nothing is. In check mode as they would be.
    - Empty where the organization carries none, as after O(state=absent).
  returned: success
  type: dict
  sample:
    account: null
    auto_push_office365_contacts: true
    contact_sync: true
    email_type: Work
    phone_type: Work
    push_method: direct
    two_way_sync: true
asset_id:
  description: The asset in IT Glue. Null where there is none, and in check mode where it is still to be made.
  returned: success
  type: int
  sample: 401
asset_url:
  description: Where the asset is seen in the browser. Null like RV(asset_id), or where IT Glue gives no address.
  returned: success
  type: str
  sample: https://happyfrog.itglue.com/2/assets/records/401
diff:
  description: The settings before and after, with all options; empty where the organization carries none.
  returned: success
  type: dict
  contains:
    before:
      description: The settings before.
      type: dict
      sample: {}
    after:
      description: The settings after, the same as RV(settings).
      type: dict
      sample: {}
    before_header:
      description: What is compared.
      type: str
      sample: BMS sync settings of Happy Frog
    after_header:
      description: What is compared.
      type: str
      sample: BMS sync settings of Happy Frog
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
    run_module(*MODULES["bms_sync_settings"])


if __name__ == "__main__":
    main()

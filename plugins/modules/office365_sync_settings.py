# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: office365_sync_settings
short_description: Declare how a client's Microsoft 365 users become contacts in IT Glue
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Declares, for one organization in IT Glue, which Microsoft 365 tenant is its own, which users of the tenant are
    synced, and how they are written to IT Glue. M(msp.psa_sync.contact_sync) works by these settings.
  - IT Glue's API does not show IT Glue's own screens of these settings. So they are kept in IT Glue as a flexible
    asset of the type C(Office 365 Sync Settings), one for each organization, where technicians read and edit them.
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
  tenant_id:
    description:
      - The Microsoft 365 tenant of the client, by its id, a GUID. Case and braces do not count.
    type: str
  set_phone_numbers_primary:
    description:
      - Whether a phone number of each contact is made primary, as Kaseya BMS wants it. See O(phone_type).
      - V(false) where nothing is stored.
    type: bool
  phone_type:
    description:
      - The label of the phone number that is made primary, and of the placeholder for a blank one.
      - One of the labels in O(phone_labels), in any case. Needed when O(set_phone_numbers_primary) or
        O(replace_blank_phone_numbers) is on.
    type: str
  phone_labels:
    description:
      - The labels that the numbers of Microsoft 365 get in IT Glue. They must differ.
      - Only the labels that are given change.
    type: dict
    suboptions:
      office:
        description:
          - The label of the business phone. V(Office) where nothing is stored.
        type: str
      mobile:
        description:
          - The label of the mobile phone. V(Mobile) where nothing is stored.
        type: str
  email_label:
    description:
      - The label of e-mail addresses that are added to a contact. V(Work) where nothing is stored.
    type: str
  replace_blank_phone_numbers:
    description:
      - Whether a contact without any phone number gets C(000-000-0000), so that it can be pushed to BMS.
      - V(false) where nothing is stored.
    type: bool
  primary_email:
    description:
      - What becomes the primary e-mail address of a contact - the user's V(mail) or V(username).
      - Where V(mail) is blank, the primary SMTP address of the mailbox takes its place. Where there is none, a contact
        keeps the primary e-mail that it has, and a new contact gets the username.
      - The username of a guest, which holds C(#EXT#), is never an e-mail address.
      - V(mail) where nothing is stored. This differs from IT Glue's own integration, which takes the username.
    type: str
    choices: [mail, username]
  different_names:
    description:
      - What follows where a user and a contact have an address in common, but different names.
      - With V(conflict), somebody decides whether the person was renamed or the address was handed on.
      - With V(match), it is one person, as for IT Glue's own integration. C(contacts) then marks the entry for
        attention.
      - V(conflict) where nothing is stored.
    type: str
    choices: [conflict, match]
  sync_aliases:
    description:
      - Whether the user's other addresses are added to the contact, but for C(*.onmicrosoft.com).
      - V(true) where nothing is stored.
    type: bool
  contact_type:
    description:
      - The name of the contact type that new contacts get. None where nothing is stored.
    type: str
  user_filter:
    description:
      - Which users are synced. A user is excluded by the first of these that applies.
      - Only the suboptions that are given change.
    type: dict
    suboptions:
      licensed_only:
        description:
          - Whether users without a licence are excluded. V(true) where nothing is stored.
        type: bool
      license_skus:
        description:
          - The SKU ids (GUIDs) of licences of which a user must have one. Case and braces do not count.
          - Any licence will do where nothing is stored.
        type: list
        elements: str
      include_disabled:
        description:
          - Whether users who may not sign in are synced. V(false) where nothing is stored.
        type: bool
      include_guests:
        description:
          - Whether guests are synced. V(false) where nothing is stored.
        type: bool
      groups:
        description:
          - Groups, by id or name, of which a user must be in one. Members of nested groups count.
          - All users where nothing is stored.
        type: list
        elements: str
      domains:
        description:
          - The domains of which the user's primary address must be in one. All where nothing is stored.
        type: list
        elements: str
      exclude:
        description:
          - Patterns in which C(*) stands for any text. A user whose primary address or username fits one is excluded.
          - None where nothing is stored.
        type: list
        elements: str
      require_name:
        description:
          - Whether users who have neither a first nor a last name are excluded. V(true) where nothing is stored.
        type: bool
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
  - The sync of this tenant's contacts must be off in IT Glue's own Microsoft integration. Otherwise both write to the
    same contacts every hour, each over the other. Where it must stay on, set O(primary_email=username), as that
    integration does. Contacts that it holds then bring a warning in M(msp.psa_sync.contact_sync).
  - The order of a list means nothing. An entry of several lines is several entries.
  - The asset type is made where it is missing, and the fields of an older one are added, under a lock that all
    processes of one user on one control node share. Where there are several types of the name, the one with the
    lowest id is used, with a warning.
  - Fields that your technicians add to the asset type, and the title of an asset, are kept. An asset that holds an
    uploaded file, or a password that the API key may not see, is not written to but refused, because the API would
    delete these.
  - An archived asset counts as absent.
seealso:
  - module: msp.psa_sync.office365_sync_settings_info
  - module: msp.psa_sync.bms_sync_settings
  - module: msp.psa_sync.contact_sync
"""

EXAMPLES = r"""
- name: Match a client with its tenant, all else by default
  msp.psa_sync.office365_sync_settings:
    organization: Happy Frog
    tenant_id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11

- name: Make contacts ready for BMS, with the office number as the primary one
  msp.psa_sync.office365_sync_settings:
    organization: Happy Frog
    set_phone_numbers_primary: true
    phone_type: Office
    replace_blank_phone_numbers: true

- name: Sync the staff alone
  msp.psa_sync.office365_sync_settings:
    organization: Happy Frog
    user_filter:
      groups:
        - Staff
      exclude:
        - svc-*
        - "*@test.happyfrog.example"

- name: See whether anybody has changed the settings in IT Glue
  msp.psa_sync.office365_sync_settings:
    organization: Happy Frog
    tenant_id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11
    phone_type: Office
  check_mode: true
  diff: true

- name: Sync the members of all groups again
  msp.psa_sync.office365_sync_settings:
    organization: Happy Frog
    user_filter:
      groups: []

- name: Remove the settings of a departed client
  msp.psa_sync.office365_sync_settings:
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
      sample: Office 365 sync settings of Happy Frog
    after_header:
      description: What is compared.
      type: str
      sample: Office 365 sync settings of Happy Frog
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
    run_module(*MODULES["office365_sync_settings"])


if __name__ == "__main__":
    main()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which client is meant, and with which settings; the argument spec is that of `contact_sync`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  organization:
    description:
      - The client, by the id or the exact name of its organization in IT Glue. The case of the name does not count.
    type: str
    required: true
  tenant_id:
    description:
      - The id of the client's Microsoft 365 tenant, only to read another one than the settings name.
    type: str
  office365_settings:
    description:
      - Settings that count for this run instead of the stored ones, option by option.
      - Pass what your playbook declares, so that a run in check mode shows what a change of settings would do
        before the settings are stored.
    type: dict
    suboptions:
      tenant_id:
        description: The id of the client's Microsoft 365 tenant, a GUID.
        type: str
      set_phone_numbers_primary:
        description: Whether to make a phone number of the contact its primary one.
        type: bool
      phone_type:
        description:
          - The label of the phone number that is made primary, and of the placeholder for a blank one.
          - One of the labels in O(office365_settings.phone_labels).
        type: str
      phone_labels:
        description: The labels that phone numbers carry in IT Glue. They must differ.
        type: dict
        suboptions:
          office:
            description: The label of the business phone.
            type: str
          mobile:
            description: The label of the mobile phone.
            type: str
      email_label:
        description: The label of the e-mail addresses that are added to a contact.
        type: str
      replace_blank_phone_numbers:
        description: Whether a contact without any phone number gets C(000-000-0000), so that BMS takes it.
        type: bool
      primary_email:
        description: What becomes the primary e-mail address.
        type: str
        choices: [mail, username]
      different_names:
        description: Whether a user and a contact with a common address and different names are a conflict or a match.
        type: str
        choices: [conflict, match]
      sync_aliases:
        description: Whether the other addresses of a user are added to its contact, but for C(*.onmicrosoft.com).
        type: bool
      contact_type:
        description: The name of the contact type of new contacts.
        type: str
      user_filter:
        description: Which users are synced.
        type: dict
        suboptions:
          licensed_only:
            description: Whether to exclude users without a licence.
            type: bool
          license_skus:
            description: The SKU ids (GUIDs) of which a user must have one. Empty for any.
            type: list
            elements: str
          include_disabled:
            description: Whether to include users who may not sign in.
            type: bool
          include_guests:
            description: Whether to include guests.
            type: bool
          groups:
            description:
              - Groups, by id or name, of which a user must be a member. Members of nested groups count.
              - Empty for any.
            type: list
            elements: str
          domains:
            description: The domains of which the user's primary address must be one. Empty for any.
            type: list
            elements: str
          exclude:
            description:
              - Patterns in which C(*) stands for any text. They exclude users by primary address or username.
            type: list
            elements: str
          require_name:
            description: Whether to exclude users who have neither a first nor a last name.
            type: bool
  bms_settings:
    description:
      - Settings that count for this run instead of the stored ones, option by option.
    type: dict
    suboptions:
      contact_sync:
        description: Whether contacts are synced with BMS at all.
        type: bool
      two_way_sync:
        description:
          - Whether contacts go from IT Glue to BMS too.
          - This is the collection's own switch, not that of IT Glue, which must be off for the client while
            C(push_method=direct).
        type: bool
      auto_push_office365_contacts:
        description: Whether contacts from Microsoft 365 are pushed to BMS.
        type: bool
      email_type:
        description: The e-mail type of BMS, by name or id, that pushed addresses get.
        type: str
      phone_type:
        description: The phone type of BMS, by name or id, that pushed phone numbers get.
        type: str
      push_method:
        description:
          - With V(direct) the collection creates the contacts in BMS.
          - With V(native) it updates them in IT Glue, whose own two-way sync pushes them.
        type: str
        choices: [direct, native]
      account:
        description:
          - The client's account in BMS, by id or name. Needed only where it is neither linked to the organization
            nor of the same name.
        type: str
  bms_adapter_names:
    description:
      - Parts of the name that BMS has among IT Glue's integrations. The case does not count.
      - IT Glue does not publish the name, hence this option.
    type: list
    elements: str
    default: [bms, vorex]
"""

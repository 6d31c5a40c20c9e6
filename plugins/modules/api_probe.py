# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_probe
short_description: Find out with test contacts what the vendors of the APIs do not document
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - IT Glue, Kaseya BMS and Microsoft do not publish all that a sync depends on, such as whether IT Glue replaces or
    merges the phones of a contact, or what it calls BMS among its integrations. This module asks your own services,
    and says which settings follow from the answers.
  - Without O(write) it only reads. With it, the probe makes contacts of its own in the organization that you name,
    changes them, and removes them. It writes to no other contact.
  - The probe's contacts in IT Glue have no first name, so that IT Glue does not push them to BMS.
  - BMS cannot delete contacts. With O(write_bms), one or two contacts therefore stay there, inactive;
    RV(left_behind) lists them.
  - All are named C(Probe) and a random number, with addresses at C(example.com). Where a probe was killed, the next
    one with O(write) removes what it has left.
  - One probe at a time, please. Runs on one control node wait for nobody and fail; two control nodes know nothing of
    each other.
options:
  organization:
    description:
      - An organization in IT Glue for tests, by its id or exact name. Where BMS is to be asked, one with an account
        there.
    type: str
    required: true
  tenant_id:
    description:
      - The Microsoft tenant to ask. Unless given, that of the organization's stored settings.
    type: str
  bms_account:
    description:
      - The BMS account of the organization, by id or name, where it is neither stored nor linked nor of the same name.
    type: str
  write:
    description:
      - Consent to create, change and remove contacts of the probe's own in IT Glue.
    type: bool
    default: false
  write_bms:
    description:
      - Consent to create a contact in BMS as well, and a complete one in IT Glue, which IT Glue may push to BMS. Both
        are made inactive in BMS, where they stay. Needs O(write).
    type: bool
    default: false
  bulk_size:
    description:
      - How many contacts are created in one request. M(msp.psa_sync.contact_sync) creates 50.
    type: int
    default: 50
  push_wait:
    description:
      - For how many seconds to wait whether IT Glue pushes the complete contact.
    type: int
    default: 30
attributes:
  diff_mode:
    support: none
    description: Shows what has changed, or in check mode would change, when run in diff mode.
    details:
      - What it makes, it removes. RV(writes) says it in words.
  idempotent:
    support: none
    description: A second run with the same arguments changes nothing when nobody else has changed anything.
    details:
      - With O(write), each run makes contacts of its own.
extends_documentation_fragment:
  - msp.psa_sync.attributes
  - msp.psa_sync.attributes.writes
  - msp.psa_sync.connection
seealso:
  - module: msp.psa_sync.preflight_info
  - module: msp.psa_sync.contact_sync
"""

EXAMPLES = r"""
- name: What can be told by reading
  msp.psa_sync.api_probe:
    organization: Sandbox Ltd
  register: probe

- name: What would be written
  msp.psa_sync.api_probe:
    organization: Sandbox Ltd
    write: true
    write_bms: true
  check_mode: true

- name: Ask everything; inactive contacts stay in BMS
  msp.psa_sync.api_probe:
    organization: Sandbox Ltd
    write: true
    write_bms: true
  register: probe

- name: The settings to use
  ansible.builtin.debug:
    var: probe.settings
"""

RETURN = r"""
organization:
  description: The organization in IT Glue.
  returned: success
  type: dict
  sample: {id: 2, name: Sandbox Ltd}
facts:
  description: Each question with its answer. No personal data is in them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the question.
      type: str
      sample: itglue_arrays
    service:
      description: C(itglue), C(bms) or C(graph).
      type: str
      sample: itglue
    takes:
      description: What the question takes. C(read), C(write) for O(write), or C(write_bms) for O(write_bms).
      type: str
      sample: write
    question:
      description: The question.
      type: str
      sample: Are e-mails and phones replaced by those that are sent, or merged?
    answer:
      description:
        - The answer in a word or two. C(unknown) where what was observed does not tell, C(not_probed) where the
          question takes a consent that was not given, or check mode was on.
      type: str
      sample: replaced
    evidence:
      description: What was observed, or why there is no answer.
      type: str
      sample: Of 2 entries 1 were sent; 1 read back.
    settings:
      description: The settings that follow.
      type: dict
      sample: {}
    advice:
      description: What to do about it, blank where nothing is to be done.
      type: str
      sample: ""
open:
  description: The names of the questions without an answer.
  returned: success
  type: list
  elements: str
  sample: [graph_contracts]
settings:
  description:
    - The settings to use, by the names that they have as options. C(bms_adapter_names) is an option of
      M(msp.psa_sync.contact_sync), C(account) and C(push_method) are options of
      M(msp.psa_sync.bms_sync_settings).
  returned: success
  type: dict
  sample: {bms_adapter_names: [kaseya bms], push_method: native, account: "2528"}
advice:
  description: All advice, with the names of the questions.
  returned: success
  type: list
  elements: str
  sample: ["bms_types: email_type and phone_type are among these."]
writes:
  description: What is written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["IT Glue: one contact without a first name is created, changed and removed."]
left_behind:
  description: The contacts of probes that could not be removed.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: C(itglue) or C(bms).
      type: str
      sample: bms
    id:
      description: The contact.
      type: int
      sample: 90214
    reason:
      description: Why it is there.
      type: str
      sample: It is inactive. BMS cannot delete it.
api_calls:
  description: The number of requests to each service.
  returned: success
  type: dict
  sample: {graph: 8, itglue: 52, bms: 41}
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

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.api_probe import SPEC, run
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.module import run_module


def main():
    run_module(SPEC, run)


if __name__ == "__main__":
    main()

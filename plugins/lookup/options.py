# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: options
short_description: Options of a module from the variables of a client
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Gives the options that variables hold for a module of this collection, for C(module_defaults) of a playbook.
  - Every connection option is a variable of the same name, such as V(itglue_url) or V(bms_password). Four have names
    that others may use, and are V(sync_ca_path), V(sync_timeout), V(sync_proxy) and V(sync_no_proxy). The modules
    that declare settings talk to IT Glue alone, and get none of the other services.
  - The options of M(msp.psa_sync.office365_sync_settings) are in V(office365_sync_settings), of a client, laid over
    V(office365_sync_defaults), of a group. Those of M(msp.psa_sync.bms_sync_settings) are in V(bms_sync_settings)
    and V(bms_sync_defaults). The other modules get them as O(msp.psa_sync.contact_sync#module:office365_settings)
    and O(msp.psa_sync.contact_sync#module:bms_settings).
  - Any other option is a variable with C(sync_) in front, such as V(sync_max_creates), and of
    M(msp.psa_sync.api_probe) with C(probe_) in front. RV(ignore:organization) is none of them - a task says it.
  - With V(sync_plan_directory) and V(sync_journal_directory) each client has a file of its own there, named after its
    host. V(sync_apply_plan) applies the plans instead of writing them.
  - An option whose variable is not set is left out, so that its environment variable or its default counts.
  - It costs one short template for each task, where a template for each option takes longer than the task itself.
options:
  _terms:
    description: The name of a module of this collection, or several.
    type: list
    elements: str
    required: true
seealso:
  - ref: ansible_collections.msp.psa_sync.docsite.playbooks_guide
    description: All variables of the playbooks.
"""

EXAMPLES = r"""
- name: Sync the contacts of each client
  hosts: all
  connection: local
  gather_facts: false
  module_defaults:
    msp.psa_sync.contact_sync: "{{ lookup('msp.psa_sync.options', 'contact_sync') }}"
  tasks:
    - name: Sync the contacts
      msp.psa_sync.contact_sync:
        organization: "{{ itglue_organization }}"
"""

RETURN = r"""
_raw:
  description: The options that are set, for each module that was named.
  type: list
  elements: dict
  sample:
    - itglue_url: https://api.eu.itglue.com
      max_creates: 20%
      office365_settings:
        phone_type: Office
      bms_settings: {}
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import merge_hash

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point

COLLECTION = "msp.psa_sync."

PREFIXED = {"ca_path", "timeout", "proxy", "no_proxy"}
OF_IT_GLUE = PREFIXED | {"itglue_url", "itglue_api_key", "itglue_quota"}
DECLARED = {"office365_settings": "office365_sync", "bms_settings": "bms_sync"}
DECLARING = {f"{kind}_settings": kind for kind in DECLARED.values()}
FILES = {"plan_file", "apply_plan", "journal_file"}
FROM_DIRECTORIES = {"sync_plan_directory", "sync_apply_plan", "sync_journal_directory"}
SAID_BY_THE_TASK = {"organization", "store_settings"}
AMONG_THE_SETTINGS = {"tenant_id"}


def options_of(module: str) -> frozenset[str]:
    """The options of a module of this collection. Raises AnsibleLookupError where there is none of that name."""
    try:
        return frozenset(entry_point(module)[0].options)
    except LookupError:
        raise AnsibleLookupError(f"msp.psa_sync.options: the collection has no module {module!r}.") from None


def variables_of(module: str) -> dict[str, str]:
    """The variable of each option that has one of its own. A module that declares settings talks to
    IT Glue alone, and gets the secrets of no other service."""
    options = options_of(module)
    connection = OF_IT_GLUE if module in DECLARING else options & CONNECTION_OPTIONS.keys()
    variables = {each: f"sync_{each}" if each in PREFIXED else each for each in connection}
    if module in DECLARING:
        return variables
    own = options - CONNECTION_OPTIONS.keys() - DECLARED.keys() - FILES - SAID_BY_THE_TASK
    if module == "api_probe":
        return variables | {each: f"probe_{each}" for each in own}
    return variables | {each: f"sync_{each}" for each in own - AMONG_THE_SETTINGS}


def settings_of(module: str) -> dict[str, str | None]:
    """The kinds of settings that a module takes, each with its option, None where they are its own options."""
    if module in DECLARING:
        return {DECLARING[module]: None}
    return {kind: option for option, kind in DECLARED.items() if option in options_of(module)}


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict]:
        self._variables = variables or {}
        return [self._given(str(term).removeprefix(COLLECTION)) for term in terms]

    def _given(self, module: str) -> dict[str, Any]:
        found = {option: self._value(variable) for option, variable in variables_of(module).items()}
        for kind, option in settings_of(module).items():
            found |= {option: self._declared(kind)} if option else self._declared(kind)
        if options_of(module) >= FILES:
            found |= self._files()
        unset = (None, self._variables.get("omit"))
        return {option: value for option, value in found.items() if value not in unset}

    def _declared(self, kind: str) -> dict[str, Any]:
        """The settings of a client, laid over those of its group."""
        return merge_hash(self._mapping(f"{kind}_defaults"), self._mapping(f"{kind}_settings"))

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self._value(name) or {}
        if not isinstance(value, dict):
            raise AnsibleLookupError(f"The variable {name} must be a mapping of options to values.")
        return value

    def _files(self) -> dict[str, str]:
        """The client's files in the directories for plans and journals."""
        host = self._value("inventory_hostname")
        plans, applied = self._value("sync_plan_directory"), boolean(self._value("sync_apply_plan"), strict=False)
        files = {}
        if applied and not plans:
            raise AnsibleLookupError("sync_apply_plan is true: sync_plan_directory must say where the plans are.")
        if plans:
            files["apply_plan" if applied else "plan_file"] = f"{plans}/{host}.plan.json"
        if journals := self._value("sync_journal_directory"):
            files["journal_file"] = f"{journals}/{host}.journal"
        return files

    def _value(self, name: str) -> Any:
        return self._templar.template(self._variables[name]) if name in self._variables else None

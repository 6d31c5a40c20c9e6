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
    host. Where the name of a host is long, or has other characters than letters, digits, dots, dashes and underscores,
    the file has the words of the name and a digest. V(sync_apply_plan) applies the plans instead of writing them.
    V(sync_plan_directory) alone is an error without C(--check).
  - V(sync_first_run) is for the first run of a client, which creates a contact for nearly every user. It raises the
    limits of created, updated and pushed contacts to C(100%), where they are not given, and keeps a journal, in
    C(~/.local/state/msp.psa_sync/journals) where V(sync_journal_directory) is not set. The closing summary names the
    journal. Whether a run is the first of a client cannot be told from IT Glue - it counts for every client of the
    run, so limit the run to the clients that are new, and omit it from then on.
  - An option whose variable is not set, null or blank is omitted, so that its environment variable or its default
    counts. Within the settings a blank clears an option.
  - A variable that begins with V(sync_), V(office365_sync_) or V(bms_sync_) and does not exist, and an option that is
    given as a variable without its prefix, bring a warning. So does one that begins with V(onboard_) for
    M(msp.psa_sync.tenant_match_info), and with V(probe_) for M(msp.psa_sync.api_probe).
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
from ansible.utils.display import Display

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.option_specs import laid_over
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import one_line
from ansible_collections.msp.psa_sync.plugins.plugin_utils.batches import THROTTLE, refusals
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import (
    FILES,
    FIRST_RUN_LIMITS,
    MISSPELLED,
    default_journals,
    file_stem,
    journal_file,
    misspelled,
    options_of,
    settings_of,
    value_of,
    variables_of,
)

COLLECTION = "msp.psa_sync."

display = Display()


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict]:
        self._variables = variables or {}
        modules = [str(term).removeprefix(COLLECTION) for term in terms]
        MISSPELLED[:] = misspelled(self._variables, modules)
        for sentence in MISSPELLED:
            display.warning(one_line(sentence))
        if found := " ".join(refusals({THROTTLE: self._value(THROTTLE)})):
            raise AnsibleLookupError(found)
        return [self._given(module) for module in modules]

    def _given(self, module: str) -> dict[str, Any]:
        try:
            options = options_of(module)
        except LookupError:
            raise AnsibleLookupError(f"msp.psa_sync.options: the collection has no module {module!r}.") from None
        found = {option: self._value(variable) for option, variable in variables_of(module).items()}
        if options >= FILES:
            found |= self._files(found.get("state"))
            found |= {limit: "100%" for limit in FIRST_RUN_LIMITS if self._is_first_run() and found[limit] is None}
        for kind, option in settings_of(module).items():
            declared = laid_over(self._mapping(f"{kind}_defaults"), self._mapping(f"{kind}_settings"))
            found |= {option: declared} if option else declared
        return {option: value for option, value in found.items() if value is not None}

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self._value(name) or {}
        if not isinstance(value, dict):
            raise AnsibleLookupError(f"The variable {name} must be a mapping of options to values.")
        return value

    def _files(self, state: Any) -> dict[str, str]:
        """The client's files in the directories for plans and journals."""
        host = str(self._value("inventory_hostname"))
        files = {}
        if state != "reverted" and (plan := self._plan_option()):
            files[plan] = f"{self._value('sync_plan_directory')}/{file_stem(host)}.plan.json"
        if journals := self._journals():
            files["journal_file"] = journal_file(journals, host)
        elif state == "reverted":
            raise AnsibleLookupError(
                "sync_state is reverted: sync_journal_directory must say where the journals of the run are."
            )
        return files

    def _plan_option(self) -> str | None:
        """The option for the client's plan; None where there are no plans."""
        plans, applied = self._value("sync_plan_directory"), self._is_true("sync_apply_plan")
        if applied and not plans:
            raise AnsibleLookupError("sync_apply_plan is true: sync_plan_directory must say where the plans are.")
        if plans and not applied and not self._is_true("ansible_check_mode"):
            raise AnsibleLookupError(
                "sync_plan_directory is given without --check and without sync_apply_plan, so nothing was written. "
                "Make plans with --check, or apply those that have been reviewed with -e sync_apply_plan=true."
            )
        return ("apply_plan" if applied else "plan_file") if plans else None

    def _journals(self) -> str | None:
        """The directory for journals. A first run has one, whether it is given or not."""
        if journals := self._value("sync_journal_directory"):
            return str(journals)
        if not self._is_first_run():
            return None
        try:
            directory = default_journals()
        except RuntimeError:
            raise AnsibleLookupError(
                "The journal of a first run has no place: the user has no home directory. "
                "Name a directory with sync_journal_directory. Nothing was written."
            ) from None
        if not self._is_true("ansible_check_mode"):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise AnsibleLookupError(
                    f"The directory {directory} for the journal of a first run cannot be made: {error.strerror}. "
                    "Name another one with sync_journal_directory. Nothing was written."
                ) from error
        return str(directory)

    def _is_first_run(self) -> bool:
        return self._is_true("sync_first_run")

    def _is_true(self, name: str) -> bool:
        value = self._value(name)
        try:
            return value is not None and bool(boolean(value))
        except TypeError:
            raise AnsibleLookupError(f"{name} is {str(value)!r}. Give true or false. Nothing was written.") from None

    def _value(self, name: str) -> Any:
        """The value of a variable; None where it is not set, null, omitted, or blank as an unanswered survey has it."""
        value = value_of(name, self._variables, self._templar)
        blank = value == self._variables.get("omit") or (isinstance(value, str) and not value.strip())
        return None if blank else value

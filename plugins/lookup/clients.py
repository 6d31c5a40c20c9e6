# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: clients
short_description: Hosts of a play of the playbooks, where the inventory could be read
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Gives the pattern of the clients that a playbook of this collection runs for, for C(hosts) of its plays.
  - Ansible goes on with the other sources where an inventory source cannot be read, and where there are none, it ends
    without an error. Then nobody would notice that clients are missing. So this is an error where a source of
    P(msp.psa_sync.tenants#inventory) could not be read, where a source does not exist, where the inventory has no
    host, and where the pattern matches none.
options:
  _terms:
    description:
      - A host pattern, as C(--limit) takes it, or a list of such. Null and blank are V(all).
    type: list
    elements: raw
    required: true
  closing:
    description:
      - The name of the playbook that is being closed. Then the pattern is that of the clients that have failed. It
        matches none as long as another playbook of this collection follows on the command line, because a failure ends
        the run after the playbook that it is in.
    type: str
seealso:
  - plugin: msp.psa_sync.tenants
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Sync the contacts of each client
  hosts: "{{ lookup('msp.psa_sync.clients', tenants | default('')) }}"
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
  description: The host pattern.
  type: list
  elements: str
  sample: [all]
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from ansible.context import CLIARGS
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import IGNORED, InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.lookup import LookupBase

from ansible_collections.msp.psa_sync.plugins.plugin_utils.batches import refusals
from ansible_collections.msp.psa_sync.plugins.plugin_utils.reading import unread

COLLECTION = "msp.psa_sync."
CLOSED = ("audit", "drift", "enforce_settings", "preflight", "sync_contacts")
"""The playbooks that import closing.yml."""

FAILED = "psa_sync_failed"
NOBODY = "all:!all"
CUT_OFF = "_raw_params"
"""The variable into which Ansible puts words of `-e` that belong to no name."""

_DEFAULT_SOURCE = "/etc/ansible/hosts"
LOCAL = ("localhost", "127.0.0.1", "::1")


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        groups = {str(name): hosts for name, hosts in ((variables or {}).get("groups") or {}).items()}
        if closing := kwargs.get("closing"):
            return [FAILED if groups.get(FAILED) and not _another_follows(closing) else NOBODY]
        parts = [part for term in terms for part in _parts(term)] or ["all"]
        if CLIARGS.get("syntax"):
            return [":".join(parts)]  # nothing is run, and there may be no inventory
        if missing := unread(_sources(), lambda name: bool(IGNORED.search(os.fsencode(name)))):
            found = " ".join(f"{path}: {reason}" for path, reason in missing.items())
            raise AnsibleLookupError(f"The inventory is not complete, so nothing was done. {found}")
        if CUT_OFF in (variables or {}):
            raise AnsibleLookupError(
                f"A value of -e was cut off at a blank, before {str((variables or {})[CUT_OFF])!r}: Ansible splits "
                "name=value at blanks when the shell has taken the quotation marks away. Give it as "
                "-e \"name='a value'\". Nothing was done."
            )
        if found := " ".join(refusals(variables or {}, self._templar)):
            raise AnsibleLookupError(f"{found} Nothing was done.")
        pattern, limit = ":".join(parts), CLIARGS.get("subset")
        if not _matching(pattern, limit, groups):
            both = f" within --limit {limit}" if limit else ""
            raise AnsibleLookupError(
                f"The inventory has no host for {pattern}{both}, so nothing was done. Check the inventory, "
                "--limit, and the variable tenants."
            )
        return [":".join(parts)]


def _sources() -> list[str]:
    """The sources of the inventory, as they were given. Where none was, Ansible's own default need not be there."""
    given = [str(each) for each in CLIARGS.get("inventory") or ()]
    return [each for each in given if each != _DEFAULT_SOURCE or os.path.exists(each)]


def _another_follows(playbook: str) -> bool:
    """Whether the last playbook of the command line is another one of this collection, which then fails the clients."""
    given = [_own_name(str(each)) for each in CLIARGS.get("args") or ()]
    return playbook in given and given[-1] not in (None, playbook)


def _own_name(argument: str) -> str | None:
    """The name of a playbook of this collection that runs over clients and closes its run."""
    name = argument.removeprefix(COLLECTION) if argument.startswith(COLLECTION) else ""
    return name if name in CLOSED else None


def _parts(term: Any) -> list[str]:
    """The patterns in a term: a text with commas or colons between them, a list of such, or nothing."""
    if isinstance(term, (list, tuple)):
        return [part for each in term for part in _parts(each)]
    text = "" if term is None else str(term).strip()
    # An IPv6 address, a regular expression and a range of hosts hold colons of their own.
    separator = "," if any(mark in text for mark in "~[") or text in LOCAL else "[,:]"
    return [part for each in re.split(separator, text) if (part := each.strip())]


def _matching(pattern: str, limit: str | None, groups: Mapping[str, Any]) -> list[Any]:
    """The hosts of a play: those of the pattern that `--limit` leaves, as Ansible finds them."""
    inventory = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(str(host), group)
    inventory.subset(limit)
    return inventory.list_hosts(pattern)

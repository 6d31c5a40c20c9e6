# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: onboarding
short_description: New clients, as the playbook onboard needs them
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Gives the clients that are to be onboarded, of all that M(msp.psa_sync.tenant_match_info) has found, each with the
    name of its host; or the path or the content of one host's file in the inventory; or the lines about hosts.
  - The names of tenants and organizations are in the comments of a file alone. Its values are ids, so that nothing in
    it is a template, and its path is made of the name of the host.
  - It reads the results that the playbook has registered as V(onboarding_found), V(onboarding_checked) and
    V(onboarding_written).
options:
  _terms:
    description:
      - The clients that are meant, each by the name, the domain or the id of its tenant, or by the name or the id of
        its organization. V(all) means all tenants that are not ignored.
      - For all values of O(of) but V(clients), hosts that the playbook has made.
    type: list
    elements: raw
    required: true
  of:
    description: What to give.
    type: str
    choices: [clients, file, text, lines]
    default: clients
  directory:
    description: The directory of the inventory. The first directory among the inventory sources if not set.
    type: path
  group:
    description: The group of the hosts.
    type: str
    default: clients
"""

EXAMPLES = r"""
- name: Show which clients would be onboarded
  ansible.builtin.debug:
    msg: "{{ lookup('msp.psa_sync.onboarding', 'Happy Frog', directory='inventory') }}"
"""

RETURN = r"""
_raw:
  description: The clients and the problems, or a path, or a text, or lines.
  type: list
  elements: raw
  sample:
    - clients:
        - host: happy_frog
          organization: {id: 2, name: Happy Frog}
          tenant: {id: 6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11, name: Happy Frog, domain: happyfrog.onmicrosoft.com}
          known: false
      problems: []
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible.context import CLIARGS
from ansible.errors import AnsibleLookupError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.fleet import VARIABLE
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain, plain_dict
from ansible_collections.msp.psa_sync.plugins.plugin_utils import onboarding


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        variables = variables or {}
        wanted = [str(plain(part)) for term in terms for part in (term if isinstance(term, (list, tuple)) else [term])]
        of, group = kwargs.get("of") or "clients", str(kwargs.get("group") or "clients")
        if of == "clients":
            _directory(kwargs.get("directory"))  # an error before anything is read of the clients
            return [_clients(wanted, variables)]
        hosts = [_Host(variables["hostvars"], name, variables) for name in wanted]
        if of == "text":
            return [onboarding.text(each.client, each.account, group) for each in hosts]
        files = {each.name: onboarding.file_path(_directory(kwargs.get("directory")), each.name) for each in hosts}
        if of == "file":
            return [files[each.name] for each in hosts]
        preview = boolean(variables.get("ansible_check_mode", False), strict=False)
        return [
            [
                line
                for each in hosts
                for line in onboarding.report(
                    each.client, files[each.name], each.of("checked"), each.of("written"), preview=preview
                )
            ]
        ]


class _Host:
    """A host that the playbook has made, with what it has registered."""

    def __init__(self, hostvars: Mapping[str, Any], name: str, variables: Mapping[str, Any]) -> None:
        self.name, self._variables = name, hostvars[name]
        (entry,), dummy = onboarding.chosen(_found(variables), [str(self._variables["onboarding_tenant_id"])])
        self.client = {**onboarding.client(entry), "host": name}

    def of(self, result: str) -> Mapping[str, Any]:
        return plain_dict(self._variables.get(f"onboarding_{result}") or {})

    @property
    def account(self) -> Mapping[str, Any] | None:
        return self.of("checked").get("bms_account")


def _found(variables: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return plain_dict(variables["hostvars"]["localhost"]["onboarding_found"])["tenants"]


def _clients(wanted: list[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    names = [each for each in wanted if each.strip()]
    if not names:
        raise AnsibleLookupError(
            "Which clients are to be onboarded is not said. Give onboard_clients, such as "
            "-e \"onboard_clients='Happy Frog'\", or -e onboard_clients=all."
        )
    entries, problems = onboarding.chosen(_found(variables), names)
    hosts = [str(host) for host in (variables.get("groups") or {}).get("all", ())]
    declared = {host: _organization(variables["hostvars"], host) for host in hosts}
    clients = onboarding.as_declared(map(onboarding.client, entries), declared)
    return {"clients": clients, "problems": problems}


def _organization(hostvars: Mapping[str, Any], host: str) -> str:
    """The organization of a host; blank where it has none, or one that cannot be read."""
    with suppress(Exception):
        return str(plain(hostvars[host].get(VARIABLE)) or "")
    return ""


def _directory(given: Any) -> str:
    """The directory that is given, else the first one among the sources of the inventory."""
    if given:
        directory = os.path.abspath(os.path.expanduser(str(given)))
        if not os.path.isdir(directory):
            raise AnsibleLookupError(f"onboard_directory is {directory}, which is no directory.")
        return directory
    for source in CLIARGS.get("inventory") or ():
        if os.path.isdir(str(source)):
            return os.path.abspath(str(source))
    raise AnsibleLookupError(
        "The inventory has no directory for the files of the clients. Give one with -i, such as -i inventory, or name "
        "it with -e onboard_directory=inventory."
    )

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: tenants
short_description: Clients whose contacts are synced, as hosts
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Every organization in IT Glue that carries Office 365 or BMS sync settings becomes a host. So C(--limit),
    C(--forks), C(serial) and the play recap work per client.
  - The hosts need no further variables for M(msp.psa_sync.contact_sync) and the playbooks of this collection.
    V(itglue_organization) and V(ansible_connection) are set. What stands in C(host_vars) and C(group_vars) counts too.
  - Its configuration is a file whose name ends in C(tenants.yml), C(tenants.yaml), C(psa_sync.yml) or C(psa_sync.yaml).
  - It takes a few requests however many clients there are.
  - What is read from IT Glue is never taken for a template.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices:
      - msp.psa_sync.tenants
  host_name:
    description:
      - What a client is called in the inventory.
      - V(slug) makes it of the words of the organization's name, in lower case, without Latin accents, joined by
        underscores - C(Müller & Söhne GmbH) is C(muller_sohne_gmbh). Of several organizations with the same words
        the one with the lowest id has the plain name, each other one has its id behind it - C(acme_17).
        Names that Ansible uses otherwise, such as C(all), get the id too. A name without any letter or digit becomes
        C(organization_) and the id. So a name stays when another organization appears later; it changes when the
        organization is renamed, or an older one of the same name is removed.
      - V(id) is the organization's id, which never changes.
      - V(name) is the organization's name as it is. Organizations of the same name are distinguished in the same way.
    type: str
    choices: [slug, id, name]
    default: slug
  filters:
    description:
      - Which clients become hosts. The rules are tried in their order, and the first whose expression is true decides.
      - A client that no rule applies to is included.
      - "To include some only, end the list with V(exclude: true)."
    type: list
    elements: dict
    default: []
    suboptions:
      include:
        description: A Jinja2 expression over the host's variables, or a boolean. Where true, the client is a host.
        type: raw
      exclude:
        description: A Jinja2 expression over the host's variables, or a boolean. Where true, the client is none.
        type: raw
  default_groups:
    description:
      - Whether hosts are put into groups by themselves.
      - C(type_) and C(status_) with the organization's type and status, such as C(type_customer).
      - C(push_method_direct) and C(push_method_native).
      - C(tenant_matched), C(tenant_unmatched), C(tenant_ignored) for a tenant on the list of ignored ones,
        and C(tenant_conflict) for a tenant that several organizations claim; that brings a warning too.
    type: bool
    default: true
extends_documentation_fragment:
  - msp.psa_sync.connection.inventory
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
notes:
  - The variables V(psa_sync_organization_id), V(psa_sync_organization_name), V(psa_sync_organization_type),
    V(psa_sync_organization_status), V(psa_sync_tenant_id), V(psa_sync_tenant_state), V(psa_sync_push_method),
    V(psa_sync_pushes), whether the three switches for a push are on, V(psa_sync_office365_settings) and
    V(psa_sync_bms_settings), the stored settings with all options, V(psa_sync_stored), which of V(office365) and V(bms)
    are stored at all, and V(psa_sync_violations), the rules that they break, are for C(compose), C(groups),
    C(keyed_groups) and O(filters), and for playbooks.
  - A new client, which carries no settings yet, is declared in an inventory of files. Give it the name that it will
    have here, and its variables in C(host_vars) go on to count.
  - The cache holds what was read of the organizations and their settings, and no credentials.
seealso:
  - module: msp.psa_sync.contact_sync
  - module: msp.psa_sync.tenant_match
"""

EXAMPLES = r"""
# inventory/tenants.yml. The API key is taken from the environment.
plugin: msp.psa_sync.tenants
itglue_url: eu

---
# Active customers only, a group per domain suffix, and a cache of an hour.
plugin: msp.psa_sync.tenants
itglue_url: eu
itglue_api_key: "{{ lookup('ansible.builtin.file', '~/.itglue_key') }}"
filters:
  - exclude: psa_sync_organization_status != 'Active'
  - include: psa_sync_organization_type in ['Customer', 'Partner']
  - exclude: true
compose:
  sync_max_creates: "'100%' if psa_sync_organization_type == 'Partner' else '10%'"
groups:
  needs_a_tenant: psa_sync_tenant_id is none
  placeholders: psa_sync_office365_settings.replace_blank_phone_numbers
keyed_groups:
  - key: psa_sync_pushes | ternary('on', 'off')
    prefix: push
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/psa_sync
cache_timeout: 3600
"""

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import one_line
from ansible_collections.msp.psa_sync.plugins.plugin_utils.reading import READ, UNREAD, read_in_process

ENDINGS = tuple(f"{name}.{suffix}" for name in ("tenants", "psa_sync") for suffix in ("yml", "yaml"))


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "msp.psa_sync.tenants"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(ENDINGS)

    def parse(self, inventory, loader, path, cache=True):
        """Add the hosts. A source that cannot be read is remembered for the playbooks, which then fail."""
        UNREAD.pop(str(path), None)
        READ.add(os.path.abspath(path))
        try:
            self._parse(inventory, loader, path, cache)
        except Exception as error:
            UNREAD[str(path)] = str(error)
            raise

    def _parse(self, inventory, loader, path, cache) -> None:
        super().parse(inventory, loader, path)
        self._read_config_data(path)
        rules = self._rules()
        found = self._found(path, cache)
        for warning in found["remarks"]:
            self.display.warning(wrap_var(one_line(warning)))
        for host in found["hosts"]:
            self._populate(host, rules)

    # ---------------------------------------------------------------- reading

    def _found(self, path: str, cache: bool) -> dict[str, Any]:
        """What IT Glue holds, from the cache where that may be used, and is of the same IT Glue."""
        source = str(self._connection_option("itglue_url") or "")
        key = self.get_cache_key(path)
        wanted = cache and self.get_option("cache")
        if wanted:
            try:
                held = self._cache[key]
                if isinstance(held, Mapping) and held.get("source") == source:
                    return held["found"]
            except KeyError:
                pass  # nothing there, or expired
        found = read_in_process(self._connection_option, self.display.warning)
        if self.get_option("cache"):
            self._cache[key] = {"source": source, "found": found}
        return found

    def _connection_option(self, name: str) -> Any:
        """An option, which may be a template: a secret is often looked up."""
        value = self.get_option(name)
        return self.templar.template(value) if isinstance(value, str) else value

    # ------------------------------------------------------------- populating

    def _populate(self, found: Mapping[str, Any], rules: list[tuple[bool, Any]]) -> None:
        # What an API says may look like a template. It is marked as untrusted, so it is never one.
        variables = wrap_var(found["variables"])
        kind = self.get_option("host_name")
        name = found["names"][kind]
        if kind == "name":
            # The other kinds are made of letters, digits and underscores.
            name = wrap_var(name)
        if not self._is_wanted(name, variables, rules):
            return
        self.inventory.add_host(name)
        for key, value in variables.items():
            self.inventory.set_variable(name, str(key), value)
        if self.get_option("default_groups"):
            for group in found["groups"]:
                self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), name)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _rules(self) -> list[tuple[bool, Any]]:
        """The filters as pairs: whether the rule includes, and its expression."""
        rules = []
        for number, rule in enumerate(self.get_option("filters"), start=1):
            kinds = [kind for kind in ("include", "exclude") if rule.get(kind) is not None]
            expression = rule.get(kinds[0]) if len(rule) == len(kinds) == 1 else None
            if not isinstance(expression, (bool, str)):
                raise AnsibleParserError(
                    f"Rule {number} of filters is not one include or one exclude with an expression or a boolean."
                )
            rules.append((kinds[0] == "include", expression))
        return rules

    def _is_wanted(self, host: str, variables: Mapping[str, Any], rules: list[tuple[bool, Any]]) -> bool:
        for includes, expression in rules:
            if self._is_true(host, variables, expression):
                return includes
        return True

    def _is_true(self, host: str, variables: Mapping[str, Any], expression: Any) -> bool:
        if isinstance(expression, bool):
            return expression
        try:
            return bool(self._compose(expression, variables))
        except AnsibleError as error:
            if self.get_option("strict"):
                raise AnsibleParserError(
                    f"The filter {expression!r} cannot be evaluated for {host}: {error}"
                ) from error
            return False

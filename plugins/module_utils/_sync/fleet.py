# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what all clients of an MSP have in common: organizations, their settings, their tenants.

It takes a handful of requests however many clients there are: the pages of the organizations,
the asset types, and the pages of the assets of each type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .._engine import settings as rules
from .._engine.declared_options import BMS, KINDS, OFFICE365, TENANTS, all_quoted
from .._engine.errors import InputError, quoted
from .._engine.model import ItGlueId, Organization, Tenant
from .._engine.tenants import shared_accounts, shared_tenants
from .._engine.values import guid, is_guid
from .._store.settings import SettingsStore, Stored
from .ports import Organizations, PartnerServices

CONTRACTS, RELATIONSHIPS = "contracts", "delegated_admin_relationships"
SOURCES = (CONTRACTS, RELATIONSHIPS)


@dataclass(frozen=True)
class Fleet:
    """All organizations by id, and what they store: each kind's assets by organization."""

    organizations: tuple[Organization, ...]
    stored: Mapping[str, Sequence[Stored]]

    @cached_property
    def primary(self) -> Organization | None:
        """The MSP's own organization."""
        return next((each for each in self.organizations if each.primary), None)

    @cached_property
    def tenants(self) -> dict[ItGlueId, str]:
        """Organization id to the tenant id that it stores; what is no GUID does not count."""
        found = {ItGlueId(one.organization_id): one.merged["tenant_id"] for one in reversed(self.stored[OFFICE365])}
        return {key: tenant_id for key, tenant_id in sorted(found.items()) if is_guid(tenant_id)}

    @cached_property
    def ignored(self) -> frozenset[str]:
        """The ids of the tenants on the MSP's list."""
        return frozenset(filter(is_guid, map(rules.ignored_tenant, self.ignored_lines)))

    @property
    def ignored_lines(self) -> list[str]:
        """The lines of the MSP's list: ids, each with what people wrote behind it."""
        return [line for one in self._own_lists for line in one.merged["ignored"]]

    @cached_property
    def _own_lists(self) -> list[Stored]:
        return [one for one in self.stored[TENANTS] if self.primary and one.organization_id == self.primary.id]

    def clashes(self, adapter_names: Sequence[str]) -> list[str]:
        """A sentence for each tenant, and each BMS account, that several organizations have."""
        bms = {one.organization_id: rules.bms(one.merged) for one in self.stored[BMS] if not one.violations}
        return [
            *shared_tenants(self.organizations, self.tenants),
            *shared_accounts(self.organizations, bms, adapter_names),
        ]

    @property
    def violations(self) -> list[str]:
        """What is wrong with the list of ignored tenants."""
        return [
            f"The ignored tenants in {one.address}: {broken}" for one in self._own_lists for broken in one.violations
        ]


def read_fleet(itglue: Organizations, store: SettingsStore) -> Fleet:
    """Read it all; the organizations with their adapters, which tell their BMS accounts."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="fleet") as pool:
        organizations = pool.submit(lambda: tuple(itglue.organizations(include_adapters=True)))
        stored = store.read_kinds((*KINDS, TENANTS))
        return Fleet(tuple(sorted(organizations.result(), key=lambda each: each.id)), stored)


def read_tenants(services: PartnerServices, source: str, partner_tenant_id: str | None) -> list[Tenant]:
    """The client tenants that the partner sees. Raises InputError where it is not said who the partner is."""
    partner = guid(partner_tenant_id or "")
    if not is_guid(partner):
        raise InputError(
            f"partner_tenant_id is {quoted(partner)}, which is no GUID."
            if partner
            else "To read the client tenants of the partner, partner_tenant_id (AZURE_TENANT_ID) is needed.",
            hint="Give the tenant id of the MSP itself, or list the client tenants with tenants (onboard_tenants for "
            "the playbook onboard).",
        )
    graph = services.graph(partner)
    found = graph.contracts() if source == CONTRACTS else graph.delegated_admin_relationships()
    return [replace(each, id=guid(each.id)) for each in found]


def given_tenants(rows: Sequence[Mapping[str, Any]]) -> list[Tenant]:
    """The tenants of a list that was given. Raises InputError for an id that is no GUID."""
    tenants = [Tenant(guid(row["id"]), row.get("name"), row.get("domain")) for row in rows]
    if odd := [each.id for each in tenants if not is_guid(each.id)]:
        raise InputError(
            f"tenants has the id {all_quoted(odd)}, which is no GUID.",
            hint="The Entra admin center shows the tenant id on its overview.",
        )
    return tenants

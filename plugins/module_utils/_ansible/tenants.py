# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugin `tenants` makes hosts of: plain data, fit for a cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._engine.declared_options import BMS, KINDS, OFFICE365
from .._engine.hosts import HOST_NAMES, host_names, slug
from .._engine.model import ItGlueId, Organization
from .._engine.options import Options
from .._engine.settings import merge
from .._engine.tenants import IGNORED, MATCHED, UNMATCHED
from .._store.settings import SettingsStore, Stored
from .._sync.fleet import Fleet, read_fleet
from .connection import CONNECTION_OPTIONS, Clients
from .task import Task

CONFLICT = "conflict"
"""The state of an organization whose tenant is another one's too."""

OPTIONS = {
    name: CONNECTION_OPTIONS[name]
    for name in ("itglue_url", "itglue_api_key", "itglue_quota", "ca_path", "timeout", "proxy", "no_proxy")
}
"""The connection options that the plugin has; it talks to IT Glue alone."""


def read(params: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The hosts by their organizations' ids, and what there is to say. No secret is in it."""
    itglue = Clients(params, task).itglue
    warnings: list[str] = []
    fleet = read_fleet(itglue, SettingsStore(itglue, warn=warnings.append))
    warnings += [*fleet.clashes(Options().bms_adapter_names), *fleet.violations]
    names = {kind: host_names(fleet.organizations, kind) for kind in HOST_NAMES}
    hosts = [
        {
            "names": {kind: names[kind][organization.id] for kind in HOST_NAMES},
            "variables": variables,
            "groups": list(_groups(variables)),
        }
        for organization, variables in _carriers(fleet)
    ]
    return {"hosts": hosts, "remarks": warnings}


def _carriers(fleet: Fleet) -> Iterator[tuple[Organization, dict[str, Any]]]:
    """The organizations that carry settings, with their variables."""
    stored: dict[str, dict[int, Stored]] = {
        # Of two assets of one type, which is a violation, the older one is shown.
        kind: {one.organization_id: one for one in sorted(fleet.stored[kind], key=lambda each: -(each.asset_id or 0))}
        for kind in KINDS
    }
    for organization in fleet.organizations:
        own = {kind: stored[kind].get(organization.id) for kind in KINDS}
        if any(own.values()):
            yield organization, _variables(organization, own, _state(organization, fleet), fleet.tenants)


def _variables(
    organization: Organization, stored: Mapping[str, Stored | None], state: str, tenants: Mapping[ItGlueId, str]
) -> dict[str, Any]:
    settings = {kind: one.merged if one else merge(kind, None, None) for kind, one in stored.items()}
    bms = settings[BMS]
    return {
        "ansible_connection": "local",
        "itglue_organization": organization.id,
        "psa_sync_organization_id": organization.id,
        "psa_sync_organization_name": organization.name,
        "psa_sync_organization_type": organization.type_name,
        "psa_sync_organization_status": organization.status_name,
        "psa_sync_tenant_id": tenants.get(organization.id),
        "psa_sync_tenant_state": state,
        "psa_sync_push_method": bms["push_method"],
        "psa_sync_pushes": all(
            bms[switch] is True for switch in ("contact_sync", "two_way_sync", "auto_push_office365_contacts")
        ),
        "psa_sync_office365_settings": settings[OFFICE365],
        "psa_sync_bms_settings": bms,
        "psa_sync_stored": [kind for kind, one in stored.items() if one],
        "psa_sync_violations": [broken for one in stored.values() if one for broken in one.violations],
    }


def _state(organization: Organization, fleet: Fleet) -> str:
    tenant_id = fleet.tenants.get(organization.id)
    if tenant_id is None:
        return UNMATCHED
    if tenant_id in fleet.ignored:
        return IGNORED
    return CONFLICT if list(fleet.tenants.values()).count(tenant_id) > 1 else MATCHED


def _groups(variables: Mapping[str, Any]) -> Iterator[str]:
    for prefix, name in (
        ("type", "psa_sync_organization_type"),
        ("status", "psa_sync_organization_status"),
        ("push_method", "psa_sync_push_method"),
        ("tenant", "psa_sync_tenant_state"),
    ):
        if words := slug(variables[name] or ""):
            yield f"{prefix}_{words}"

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `tenant_match_info`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.errors import InputError
from .._engine.hosts import host_names
from .._engine.model import Organization
from .._engine.options import Options
from .._engine.tenants import STATES, Match, matches
from .._store.settings import SettingsStore
from .._sync.fleet import Fleet, read_fleet
from .connection import CONNECTION_OPTIONS, Clients
from .spec import ModuleSpec
from .task import Task
from .tenant_source import SOURCE_OPTIONS, shown_organization, shown_tenant, visible_tenants

SPEC = ModuleSpec(
    options={
        **CONNECTION_OPTIONS,
        **SOURCE_OPTIONS,
        "state": {"type": "str", "choices": list(STATES)},
        "max_suggestions": {"type": "int", "default": 3},
        "min_score": {"type": "int", "default": 60},
    },
    libraries=("requests", "msal"),
)


def run(params: dict[str, Any], task: Task) -> dict[str, Any]:
    """The state of each tenant that the partner sees. Raises InputError, with the same result, for
    a tenant or an account that two organizations have."""
    api = Clients(params, task)
    tenants = visible_tenants(api, params)
    fleet = read_fleet(api.itglue, SettingsStore(api.itglue, warn=task.warn))
    for broken in fleet.violations:
        task.warn(broken)
    found = matches(
        tenants,
        fleet.organizations,
        fleet.tenants,
        fleet.ignored,
        most=max(0, params["max_suggestions"]),
        least=params["min_score"],
    )
    result = _result(found, fleet, {tenant.id for tenant in tenants}, params["state"])
    result["summary"]["api_calls"] = api.calls.by_service()
    if clashes := fleet.clashes(Options().bms_adapter_names):
        raise InputError(" ".join(clashes), result=result)
    return result


def _result(found: list[Match], fleet: Fleet, visible: set[str], state: str | None) -> dict[str, Any]:
    by_id: dict[int, Organization] = {each.id: each for each in fleet.organizations}
    hosts = host_names(fleet.organizations)
    return {
        "changed": False,
        "tenants": [_shown(each, hosts) for each in found if state in (None, each.state)],
        "unseen": [
            {"organization": shown_organization(by_id[key]), "tenant_id": tenant_id}
            for key, tenant_id in fleet.tenants.items()
            if tenant_id not in visible and key in by_id
        ],
        "summary": {"tenants": len(found), **{each: sum(one.state == each for one in found) for each in STATES}},
    }


def _shown(match: Match, hosts: Mapping[int, str]) -> dict[str, Any]:
    return {
        "tenant": shown_tenant(match.tenant),
        "state": match.state,
        "matched_by": match.by,
        "organization": shown_organization(match.organization),
        "host": hosts[match.organization.id] if match.organization else None,
        "suggestions": [
            {"organization": shown_organization(each.organization), "score": each.score} for each in match.suggestions
        ],
    }

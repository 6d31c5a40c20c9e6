# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `tenant_match`: what is declared of one tenant, brought about by the settings store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from .._engine import settings as rules
from .._engine.declared_options import OFFICE365, TENANTS
from .._engine.errors import InputError, quoted
from .._engine.model import Organization, Tenant
from .._engine.tenants import IGNORED, MATCHED, STATES, Matching, listed, named
from .._engine.text import name
from .._engine.values import guid, is_guid
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
        "tenant": {"type": "str"},
        "organization": {"type": "str"},
        "state": {"type": "str", "choices": list(STATES), "default": MATCHED},
    },
    required_one_of=[("tenant", "organization")],
    required_if=[("state", IGNORED, ("tenant",))],
    libraries=("requests", "msal"),
)


def run(params: dict[str, Any], task: Task) -> dict[str, Any]:
    """Bring one tenant to the declared state."""
    api = Clients(params, task)
    organization = api.itglue.organization(params["organization"]) if params["organization"] is not None else None
    tenant = _tenant(params, api, organization)
    store = SettingsStore(api.itglue, warn=task.warn)
    with nullcontext() if task.check_mode else store.lock_tenants():
        return _declare(params["state"], tenant, organization, store, read_fleet(api.itglue, store), task)


# ------------------------------------------------------------------ what is meant


def _tenant(params: Mapping[str, Any], api: Clients, organization: Organization | None) -> Tenant | None:
    """The tenant that is named; None where the one that the organization has is meant.

    An id is taken as it is, and nothing is read for it.
    """
    wanted = params["tenant"]
    if wanted is None:
        if organization is None or params["state"] != MATCHED:
            return None
        return _only_one(visible_tenants(api, params), organization.name, "organization")
    tenant_id = guid(wanted)
    if not is_guid(tenant_id):
        return _only_one(visible_tenants(api, params), wanted, "tenant")
    given = visible_tenants(api, params) if params["tenants"] else []
    return next((each for each in given if each.id == tenant_id), Tenant(tenant_id))


def _only_one(tenants: list[Tenant], wanted: str, option: str) -> Tenant:
    found = named(tenants, wanted)
    if len(found) == 1:
        return found[0]
    matches = f"several are: {', '.join(map(str, found))}" if found else "none is"
    raise InputError(
        f"The option {option} names {quoted(wanted)}. Of the {len(tenants)} client tenants {matches} of that name.",
        hint="Give the tenant id; msp.psa_sync.tenant_match_info shows all.",
    )


def _target(tenant: Tenant, fleet: Fleet) -> Organization:
    """The organization to match with where none is given: the one that has the tenant, or its exact name."""
    found = [each for each in fleet.organizations if fleet.tenants.get(each.id) == tenant.id] or [
        each for each in fleet.organizations if tenant.name and name(each.name) == name(tenant.name)
    ]
    if len(found) == 1:
        return found[0]
    matches = f"several come into question: {listed(found)}" if found else "none has exactly its name"
    raise InputError(
        f"It is not said which organization the tenant {tenant} belongs to, and {matches}.", hint="Give organization."
    )


# --------------------------------------------------------------- what has to be done


def _declare(
    state: str,
    tenant: Tenant | None,
    organization: Organization | None,
    store: SettingsStore,
    fleet: Fleet,
    task: Task,
) -> dict[str, Any]:
    before = after = Matching(fleet.tenants, fleet.ignored)
    if tenant is None and organization is not None and organization.id in before.held:
        tenant = Tenant(before.held[organization.id])
    if tenant is not None:
        if state == MATCHED:
            organization = organization or _target(tenant, fleet)
            _refuse_second(tenant, organization, before, fleet)
        after = before.declared(state, tenant.id, organization.id if organization else None)
        _write(before, after, tenant, store, fleet, task)
    return {
        "changed": after != before,
        "state": state,
        "tenant": shown_tenant(tenant) if tenant else None,
        "organization": shown_organization(organization),
        "diff": _diff(before, after, tenant, fleet),
    }


def _refuse_second(tenant: Tenant, organization: Organization, now: Matching, fleet: Fleet) -> None:
    others = [each for each in fleet.organizations if each.id in now.holders(tenant.id) and each.id != organization.id]
    if others:
        raise InputError(
            f"The tenant {tenant} cannot be matched with {listed([organization])}: it is matched with "
            f"{listed(others)}.",
            hint="A tenant belongs to one client: declare it unmatched there first.",
        )


def _write(before: Matching, after: Matching, tenant: Tenant, store: SettingsStore, fleet: Fleet, task: Task) -> None:
    """Save what differs; in check mode only see whether it could be."""
    for organization in fleet.organizations:
        tenant_id = after.held.get(organization.id, "")
        if tenant_id != before.held.get(organization.id, ""):
            _save(store, organization, OFFICE365, {"tenant_id": tenant_id}, task)
    if after.ignored != before.ignored:
        if fleet.primary is None:
            raise InputError(
                "IT Glue shows no organization as the MSP's own (primary), where the ignored tenants are kept.",
                hint="Check what the API key may see.",
            )
        lines = [line for line in fleet.ignored_lines if rules.ignored_tenant(line) != tenant.id]
        own = [" ".join(filter(None, (tenant.id, tenant.name)))] if tenant.id in after.ignored else []
        _save(store, fleet.primary, TENANTS, {"ignored": [*lines, *own]}, task)


def _save(store: SettingsStore, organization: Organization, kind: str, declared: dict[str, Any], task: Task) -> None:
    with nullcontext() if task.check_mode else store.lock(organization.id):
        stored = store.read(organization.id, organization.name, [kind])[kind]
        settings = stored.with_declared(declared)
        if task.check_mode:
            store.preview(stored, settings)
        else:
            store.save(stored, settings)


def _diff(before: Matching, after: Matching, tenant: Tenant | None, fleet: Fleet) -> dict[str, Any]:
    """The tenants whose state changes, and the one that is meant."""
    moved = {
        tenant_id
        for held, others in ((before.held, after.held), (after.held, before.held))
        for key, tenant_id in held.items()
        if others.get(key) != tenant_id
    }
    concerned = sorted(moved | {tenant.id} if tenant else moved)

    def states(matching: Matching) -> dict[str, Any]:
        return {each: _state(matching, each, fleet) for each in concerned}

    return {"before": states(before), "after": states(after)}


def _state(matching: Matching, tenant_id: str, fleet: Fleet) -> dict[str, str | None]:
    holders = [each for each in fleet.organizations if each.id in matching.holders(tenant_id)]
    return {"state": matching.state(tenant_id), "organization": listed(holders) or None}

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where client tenants are read from: the options of the modules that match tenants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.model import Organization, Tenant
from .._sync.fleet import CONTRACTS, SOURCES, given_tenants, read_tenants
from .connection import Clients, environment

SOURCE_OPTIONS: dict[str, dict[str, Any]] = {
    "partner_tenant_id": {"type": "str", "fallback": (environment, ["AZURE_TENANT_ID"])},
    "source": {"type": "str", "choices": list(SOURCES), "default": CONTRACTS},
    "tenants": {
        "type": "list",
        "elements": "dict",
        "options": {
            "id": {"type": "str", "required": True},
            "name": {"type": "str"},
            "domain": {"type": "str"},
        },
    },
}


def visible_tenants(api: Clients, params: Mapping[str, Any]) -> list[Tenant]:
    """The tenants of the list that is given, else those that the partner sees."""
    if params["tenants"] is not None:
        return given_tenants(params["tenants"])
    return read_tenants(api, params["source"], params["partner_tenant_id"])


def shown_tenant(tenant: Tenant) -> dict[str, Any]:
    return {"id": tenant.id, "name": tenant.name, "domain": tenant.domain}


def shown_organization(organization: Organization | None) -> dict[str, Any] | None:
    return {"id": organization.id, "name": organization.name} if organization else None

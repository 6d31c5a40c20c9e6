# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The options of the modules that look at one client without writing: those of `contact_sync` that matter for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.options import Options
from .._sync.snapshot import Request
from .connection import CONNECTION_OPTIONS
from .contact_sync import adapter_names, declared, overrides
from .option_specs import SYNC_SPECS

OWN_OPTIONS = ("organization", "tenant_id", "office365_settings", "bms_settings", "bms_adapter_names")
CLIENT_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    **{name: SYNC_SPECS[name] for name in OWN_OPTIONS},
}


def client_request(params: Mapping[str, Any]) -> Request:
    """What a task asks for; a tenant without users to sync is for these modules a finding like others."""
    return Request(
        organization=params["organization"],
        tenant_id=params["tenant_id"],
        office365_settings=declared(params["office365_settings"]),
        bms_settings=declared(params["bms_settings"]),
        options=Options(
            bms_adapter_names=adapter_names(params["bms_adapter_names"]),
            match_overrides=overrides(params.get("match_overrides") or {}),
            bms_match_overrides=overrides(params.get("bms_match_overrides") or {}, "bms_match_overrides"),
            allow_shrunken_source=True,
        ),
    )

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `preflight_info`."""

from __future__ import annotations

from typing import Any

from .._store.settings import SettingsStore
from .._sync.preflight import Check, CheckState, Preflight
from .client_request import CLIENT_OPTIONS, client_request, first_run
from .connection import Clients, fair_share_of
from .sentences import sentence
from .spec import ModuleSpec
from .task import Task
from .tenant_source import shown_organization

SPEC = ModuleSpec(
    options={**CLIENT_OPTIONS, "always_check_bms": {"type": "bool", "default": False}},
    libraries=("requests", "msal"),
)


def run(params: dict[str, Any], task: Task) -> dict[str, Any]:
    """The checks of one client. A check that fails is no failure of the module: it is what was asked."""
    # A tenant without users to sync is a finding like others.
    request = client_request(params, allow_shrunken_source=True)
    api = Clients(params, task, fair_share_of(params, counted=False))

    def store() -> SettingsStore:
        return SettingsStore(api.itglue, warn=task.warn, declarers=task.declarers)

    done = Preflight(api, store, request, always_bms=params["always_check_bms"]).run()
    failed = [each for each in done.checks if each.state == CheckState.FAILED]
    return {
        "changed": False,
        "organization": shown_organization(done.organization),
        "tenant_id": done.tenant_id,
        "bms_account": {"id": done.account.id, "name": done.account.name} if done.account else None,
        "ready": not failed,
        "checks": [
            {
                "name": each.name,
                "state": str(each.state),
                "reason_code": each.reason and str(each.reason.code),
                "message": _message(each),
            }
            for each in done.checks
        ],
        "to_do": [f"{each.name}: {_message(each)}" for each in failed],
        "first_run": first_run(done.selected, params) if done.pushes else None,
        "api_calls": api.calls.by_service(),
    }


def _message(check: Check) -> str:
    """What a check found, or the message of its failure."""
    return check.said if check.reason is None else sentence(check.reason)

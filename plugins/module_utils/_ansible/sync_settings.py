# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four settings modules. The two kinds differ by their tables alone."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any

from .._engine.declared_options import BMS, OFFICE365
from .._engine.model import Asset, Organization
from .._engine.options import Options
from .._engine.settings import TITLES
from .._store.settings import SettingsStore, Stored
from .._sync.declaring import Declared, Declaring
from .connection import CONNECTION_OPTIONS, Clients
from .option_specs import SETTINGS_OPTIONS
from .perform import Run
from .settings_changes import settings_warnings
from .spec import ModuleSpec
from .task import Task


def declaring_spec(kind: str) -> ModuleSpec:
    return ModuleSpec(
        options={
            **CONNECTION_OPTIONS,
            "organization": {"type": "str", "required": True},
            **SETTINGS_OPTIONS[kind],
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    )


def reporting_spec() -> ModuleSpec:
    return ModuleSpec(options={**CONNECTION_OPTIONS, "organization": {"type": "str"}})


def declare(kind: str, params: dict[str, Any], task: Task) -> dict[str, Any]:
    """Bring the settings of one organization to what is declared."""
    itglue = Clients(params, task).itglue
    organization = itglue.organization(params["organization"])
    store = SettingsStore(itglue, warn=task.warn, memory=task.memory, preview=task.check_mode, declarers=task.declarers)
    if params["state"] == "absent":
        return _removed(kind, store, organization, preview=task.check_mode)
    declaring = Declaring(
        itglue=itglue, store=store, adapter_names=Options().bms_adapter_names, preview=task.check_mode
    )
    (declared,) = declaring.declare(organization, {kind: params})
    for line in settings_warnings([declared]):
        task.warn(line)
    return _result(declared)


def _removed(kind: str, store: SettingsStore, organization: Organization, *, preview: bool) -> dict[str, Any]:
    with nullcontext() if preview else store.lock(organization.id):
        stored = store.read(organization.id, organization.name, [kind])[kind]
        if not preview:
            store.remove(stored)
        return _result(Declared(stored, {}, None))


def report(kind: str, params: dict[str, Any], task: Task) -> dict[str, Any]:
    """The settings that one organization carries, or all do."""
    itglue = Clients(params, task).itglue
    store = SettingsStore(itglue, warn=task.warn)
    wanted = params["organization"]
    organization = None if wanted is None else itglue.organization(wanted)
    stored = store.read_all(kind, organization.id if organization else None)
    return {"changed": False, "settings": [_shown(one) for one in stored]}


def _result(declared: Declared) -> dict[str, Any]:
    """The asset is None where there is none, or none yet: in check mode a new one has no id."""
    stored = declared.stored
    header = f"{TITLES[stored.kind]} of {stored.organization_name}"
    before, after = declared.before, declared.settings
    return {
        "changed": declared.changed,
        "settings": after,
        **_place(stored, declared.asset),
        "diff": {"before_header": header, "before": before, "after_header": header, "after": after},
    }


def _shown(stored: Stored) -> dict[str, Any]:
    return {"settings": stored.merged, **_place(stored, stored.asset), "violations": list(stored.violations)}


def _place(stored: Stored, asset: Asset | None) -> dict[str, Any]:
    """Whose settings they are, and where they lie."""
    return {
        "organization": {"id": stored.organization_id, "name": stored.organization_name},
        "asset_id": asset.id if asset else None,
        "asset_url": asset.url if asset else None,
    }


MODULES: dict[str, tuple[ModuleSpec, Run]] = {
    "office365_sync_settings": (declaring_spec(OFFICE365), partial(declare, OFFICE365)),
    "office365_sync_settings_info": (reporting_spec(), partial(report, OFFICE365)),
    "bms_sync_settings": (declaring_spec(BMS), partial(declare, BMS)),
    "bms_sync_settings_info": (reporting_spec(), partial(report, BMS)),
}
"""The spec and the function of each module, by its name."""

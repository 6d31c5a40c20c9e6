# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a run: what is stored, and what is declared over it.

What is declared counts for the run whether it is stored or not, so that a pull request previews the settings that it
changes. It is stored where the task asks for that, right before the first contact is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._engine import settings as rules
from .._engine.declared_options import BMS, FACTS, KINDS, OFFICE365
from .._engine.errors import InputError, SettingsError, quoted
from .._engine.model import Account, BmsSettings, Facts, Organization
from .._engine.reasons import Reason, ReasonCode, because
from .._engine.values import guid, is_guid
from .._store.facts import read_facts
from .._store.settings import SettingsStore, Stored
from .declaring import Declarations, Declared, Declaring, compare
from .holders import Holders
from .ports import Organizations

_OFFICE365_MODULE = "msp.psa_sync.office365_sync_settings"


@dataclass(slots=True)
class RunSettings:
    """The settings that count for a run, by kind, and how they differ from what is stored.

    `differences` are the declared kinds that differ, as they would be stored; `stored` says whether they have been, or
    would be. `facts` are those that earlier runs have left.
    """

    organization: Organization
    merged: dict[str, dict[str, Any]]
    tenant_id: str
    declared: Declarations
    differences: list[Declared]
    facts: Facts
    warnings: list[Reason] = field(default_factory=list)
    stored: bool = False

    @property
    def bms(self) -> BmsSettings:
        """The BMS sync settings."""
        return rules.bms(self.merged[BMS])


def read_settings(
    itglue: Organizations,
    store: SettingsStore,
    organization: Organization,
    declared: Mapping[str, Mapping[str, Any] | None],
    *,
    tenant_id: str | None,
    adapter_names: Collection[str],
) -> RunSettings:
    """The settings of a run: `declared` laid over what is stored, `tenant_id` over both.

    Raises SettingsError or InputError for settings that are missing or break a rule, and for a tenant or an account
    that is declared here and belongs to another organization.
    """
    stored = store.read(organization.id, organization.name, (*KINDS, FACTS))
    given = {kind: dict(settings) for kind, settings in declared.items() if settings}
    merged = {kind: merged_settings(stored[kind], given.get(kind), organization) for kind in KINDS}
    missing = stored[BMS].settings is None and BMS not in given
    warnings = [because(ReasonCode.NO_BMS_SETTINGS, organization=organization.name)] if missing else []
    compared = [Declared(stored[kind], merged[kind], stored[kind].asset) for kind in given]
    differences = [each for each in compared if each.changed]
    known_tenant = (stored[OFFICE365].settings or {}).get("tenant_id")
    tenant = tenant_of(merged[OFFICE365], organization, tenant_id)
    found = RunSettings(
        organization,
        {**merged, OFFICE365: {**merged[OFFICE365], "tenant_id": tenant}},
        tenant,
        given,
        differences,
        read_facts(stored[FACTS]),
        warnings,
    )
    holders = Holders(itglue, store, adapter_names, taking=True)
    if found.tenant_id != guid(known_tenant or ""):
        holders.require_tenant(organization, found.tenant_id)
    if any(each.takes and each.stored.kind == BMS for each in differences):
        holders.require_account(organization, found.bms)
    return found


def compared_settings(
    store: SettingsStore, organization: Organization, declared: Mapping[str, Mapping[str, Any] | None]
) -> list[Declared]:
    """How the declared settings differ from what is stored, for a run that stores none. Raises SettingsError."""
    given = {kind: settings for kind, settings in declared.items() if settings}
    return [each for each in compare(store, organization, given) if each.changed] if given else []


def require_own(
    itglue: Organizations,
    store: SettingsStore,
    settings: RunSettings,
    account: Account | None,
    adapter_names: Collection[str],
) -> None:
    """Raise SettingsError where the tenant or the account of a run that is to write belongs to another organization."""
    holders = Holders(itglue, store, adapter_names)
    holders.require_tenant(settings.organization, settings.tenant_id)
    if account is not None:
        holders.require_account(settings.organization, settings.bms, account)


def store_settings(
    itglue: Organizations,
    store: SettingsStore,
    settings: RunSettings,
    *,
    adapter_names: Collection[str],
    preview: bool,
) -> None:
    """Store the declared settings that differ. With `preview` only what would refuse them is found out."""
    if settings.differences:
        declared = {each.stored.kind: settings.declared[each.stored.kind] for each in settings.differences}
        declaring = Declaring(itglue=itglue, store=store, adapter_names=adapter_names, preview=preview)
        settings.differences = [each for each in declaring.declare(settings.organization, declared) if each.changed]
    settings.stored = True


def merged_settings(stored: Stored, declared: Mapping[str, Any] | None, organization: Organization) -> dict[str, Any]:
    """The settings of one kind. Raises SettingsError where they break a rule, or where those that no run can be
    without are missing."""
    if stored.kind == OFFICE365 and stored.settings is None and not declared:
        raise SettingsError(
            f"The organization {quoted(organization.name)} has no Office 365 sync settings.",
            hint=f"Declare them with the module {_OFFICE365_MODULE}, or give office365_settings.",
        )
    return stored.with_declared(declared)


def tenant_of(settings: Mapping[str, Any], organization: Organization, override: str | None) -> str:
    """The tenant of a run. Raises SettingsError for none, InputError for one that is no GUID."""
    tenant_id: str | None = guid(override or "") or settings["tenant_id"]
    if not tenant_id:
        raise SettingsError(
            f"The organization {quoted(organization.name)} is matched with no Microsoft tenant.",
            hint=f"Set tenant_id with the module {_OFFICE365_MODULE}; "
            "msp.psa_sync.tenant_match_info makes suggestions.",
        )
    if not is_guid(tenant_id):
        raise InputError(
            f"tenant_id is {quoted(tenant_id)}, which is no GUID.",
            hint="The Entra admin center shows the tenant id on its overview.",
        )
    return tenant_id

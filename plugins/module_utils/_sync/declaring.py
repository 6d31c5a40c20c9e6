# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings the stored settings of one organization to what is declared.

All that is declared is checked before anything is written: the rules of each kind, what IT Glue can hold, and that
no other organization holds the tenant or the account.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .._engine import settings as rules
from .._engine.declared_options import BMS, OFFICE365
from .._engine.model import Asset, Organization
from .._store.settings import SettingsStore, Stored
from .holders import Holders
from .ports import Organizations

Declarations = Mapping[str, Mapping[str, Any]]
"""What is declared, by kind of settings."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One kind of settings, stored before and as it is declared.

    `settings` are all options as they are, or would be, afterwards; `asset` is None where there is none yet.
    """

    stored: Stored
    settings: dict[str, Any]
    asset: Asset | None

    @property
    def before(self) -> dict[str, Any]:
        """All options as they were, empty where nothing was stored."""
        return self.stored.merged if self.stored.asset else {}

    @property
    def changed(self) -> bool:
        """Whether the declaration differs from what was stored."""
        return self.settings != self.before

    @property
    def takes(self) -> bool:
        """Whether the organization gets a tenant, or an account by name, that it did not have."""
        option = {OFFICE365: "tenant_id", BMS: "account"}.get(self.stored.kind)
        return option is not None and self.settings[option] not in (None, self.before.get(option))


def compare(store: SettingsStore, organization: Organization, declared: Declarations) -> list[Declared]:
    """Each declared kind with what is stored. Raises SettingsError where what results breaks a rule."""
    stored = store.read(organization.id, organization.name, tuple(declared))
    return [
        Declared(stored[kind], stored[kind].with_declared(given), stored[kind].asset)
        for kind, given in declared.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaring:
    """Declares settings. With `preview` nothing is written, and the same errors are raised."""

    itglue: Organizations
    store: SettingsStore
    adapter_names: Collection[str]
    preview: bool

    def declare(self, organization: Organization, declared: Declarations) -> list[Declared]:
        """Store what is declared where it differs, all kinds or none. Raises SettingsError before any write."""
        if self.preview:
            return self._checked(organization, declared)
        with self.store.lock(organization.id):
            found = compare(self.store, organization, declared)
            if not any(each.takes for each in found):
                return [self._saved(each) for each in self._storable(found)]
        # Who holds a tenant is found out, and a tenant given, by one process at a time. All lock in this order.
        with self.store.lock_tenants(), self.store.lock(organization.id):
            self.store.forget_missing_types()
            return [self._saved(each) for each in self._checked(organization, declared)]

    def _checked(self, organization: Organization, declared: Declarations) -> list[Declared]:
        found = compare(self.store, organization, declared)
        holders = Holders(self.itglue, self.store, self.adapter_names, fresh=True, taking=True)
        for each in found:
            if each.takes and each.stored.kind == OFFICE365:
                holders.require_tenant(organization, each.settings["tenant_id"])
            elif each.takes:
                holders.require_account(organization, rules.bms(each.settings))
        return self._storable(found)

    def _storable(self, found: list[Declared]) -> list[Declared]:
        """The same, where IT Glue can hold all of it. What broke a rule and is mended is reported."""
        for each in found:
            if each.changed:
                self.store.preview(each.stored, each.settings)
                self._report_mended(each.stored)
        return found

    def _report_mended(self, stored: Stored) -> None:
        if stored.violations:
            self.store.warn(
                f"The stored {rules.TITLES[stored.kind]} of organization {stored.organization} in {stored.address} "
                f"broke a rule; this declaration mends it. {' '.join(stored.violations)}"
            )

    def _saved(self, declared: Declared) -> Declared:
        if not declared.changed:
            return declared
        kept = self.store.save(declared.stored, declared.settings)
        return Declared(declared.stored, kept.merged, kept.asset)

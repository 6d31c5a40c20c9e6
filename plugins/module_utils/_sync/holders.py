# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether another organization holds a Microsoft tenant or a BMS account already.

A tenant or an account belongs to one client: a wrong id would bring the people of one client among the contacts of
another. All organizations have to be read for that, so it is done only where something would be written, and once
for all clients of a run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .._engine.account import holder_keys, linked_key, setting_keys
from .._engine.declared_options import BMS, OFFICE365
from .._engine.declared_twice import ACCOUNTS, TENANTS
from .._engine.errors import SettingsError, quoted
from .._engine.model import Account, BmsSettings, Organization
from .._engine.tenants import listed
from .._store.settings import SettingsStore
from .ports import Organizations

_TENANT_WAY_OUT = (
    "Correct tenant_id. If the tenant is this client's, take it from the other organization first: declare it "
    "unmatched there with msp.psa_sync.tenant_match."
)
_ACCOUNT_WAY_OUT = "Correct the option account of bms_sync_settings of one of them."
_DECLARED_WAY_OUT = "Correct {option} of one of them. Until then neither gets it."
_OPTIONS = {TENANTS: "tenant_id", ACCOUNTS: "the option account of bms_sync_settings"}


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds which tenant and which account: by settings, or by the link to BMS in IT Glue.

    With `fresh` nothing is taken from what other tasks of the run have read. With `taking` an organization is to get
    what it did not have: then what other clients of the run declare counts too, as it is not stored yet.
    """

    itglue: Organizations
    store: SettingsStore
    adapter_names: Collection[str]
    fresh: bool = False
    taking: bool = False

    def require_tenant(self, organization: Organization, tenant_id: str) -> None:
        """Raise SettingsError, naming the other organization, where the tenant is another one's."""
        self._require(organization, TENANTS, {tenant_id}, f"The Microsoft tenant {tenant_id}", _TENANT_WAY_OUT)

    def require_account(
        self, organization: Organization, settings: BmsSettings, account: Account | None = None
    ) -> None:
        """The same of the account that the setting `account` names; `account` is what BMS has, where that is known."""
        if settings.account:
            keys = set(setting_keys(settings.account, account))
            if account is None:
                keys.add(linked_key(settings.account))
            self._require(organization, ACCOUNTS, keys, f"The BMS account {quoted(settings.account)}", _ACCOUNT_WAY_OUT)

    def _require(
        self, organization: Organization, what: str, keys: Collection[str], subject: str, way_out: str
    ) -> None:
        if self.taking:
            self._require_undeclared(organization, what, keys, subject)
        remembered = None if self.fresh else self.store.remembered(what)
        if remembered is not None and not any(key in keys and each != organization.id for each, key in remembered):
            return
        # Where one is remembered, it may have been given back since.
        others = {each.id: each for each, key in self._read(what) if key in keys and each.id != organization.id}
        if others:
            raise SettingsError(
                f"{subject} belongs to {listed(others.values())} already, so {listed([organization])} cannot have it.",
                hint=way_out,
            )

    def _require_undeclared(self, organization: Organization, what: str, keys: Collection[str], subject: str) -> None:
        declarers = {each for key in keys for each in self.store.declarers(what, key) if not each.is_of(organization)}
        if declarers:
            others = ", ".join(f"{quoted(each.organization)} (host {quoted(each.host)})" for each in sorted(declarers))
            raise SettingsError(
                f"{subject} is declared for {others} too, so {listed([organization])} cannot have it.",
                hint=_DECLARED_WAY_OUT.format(option=_OPTIONS[what]),
            )

    def _read(self, what: str) -> Sequence[tuple[Organization, str]]:
        held = list(self._tenants() if what == TENANTS else self._accounts())
        self.store.remember(what, [[each.id, key] for each, key in held])
        return held

    def _tenants(self) -> Iterable[tuple[Organization, str]]:
        for organization, tenant_id in self.store.values(OFFICE365, "tenant_id"):
            if tenant_id:
                yield organization, tenant_id

    def _accounts(self) -> Iterable[tuple[Organization, str]]:
        stored = {organization.id: account for organization, account in self.store.values(BMS, "account")}
        for organization in self.itglue.organizations(include_adapters=True):
            settings = BmsSettings(account=stored.get(organization.id))
            for key in sorted(holder_keys(organization, settings, self.adapter_names)):
                yield organization, key

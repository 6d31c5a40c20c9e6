# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client's first run will stumble over, found out by the run's own checks.

Each check says what it found. One that fails does not keep the others from being made, as far
as they do not need what it was to find.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from .._engine import settings as rules
from .._engine.account import is_bms
from .._engine.declared_options import BMS, KINDS, OFFICE365
from .._engine.errors import InputError, SyncError, quoted
from .._engine.itglue_plan import contact_types
from .._engine.model import (
    Account,
    BmsLocation,
    BmsSettings,
    Office365Settings,
    Organization,
    Snapshot,
    User,
)
from .._engine.planning import Findings, Need
from .._engine.reasons import Reason, ReasonCode, because
from .._engine.selection import select
from .._store.settings import SettingsStore
from .holders import Holders
from .ports import Services
from .run_settings import merged_settings, tenant_of
from .snapshot import NeedReader, Request, bms_type, read_account


class CheckState(StrEnum):
    """What a check found. `LIMITED`: the sync works without it, but not everything of it does."""

    READY = "ready"
    FAILED = "failed"
    LIMITED = "limited"
    SKIPPED = "skipped"


T = TypeVar("T")

_OK = because(ReasonCode.CHECK_OK)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. `reason` says what was found; after a failure `said` is the error's message."""

    name: str
    state: CheckState
    reason: Reason | None = None
    said: str = ""


@dataclass
class Preflight:
    """The checks of one client, in their order.

    `selected` is the number of users that the filter selects, `pushes` whether contacts are pushed to BMS.
    `always_bms` looks for the account where the settings push nothing, too: what is not found is then no failure.
    """

    services: Services
    make_store: Callable[[], SettingsStore]
    request: Request
    always_bms: bool = False
    checks: list[Check] = field(default_factory=list)
    organization: Organization | None = None
    tenant_id: str | None = None
    account: Account | None = None
    store: SettingsStore | None = None
    selected: int = 0
    pushes: bool = False

    def run(self) -> Preflight:
        """Make all checks. Nothing is written."""
        wanted = self.request.organization
        organization = self._check("itglue", lambda: self.services.itglue.organization(wanted), _found)
        if organization is None:
            names = ("office365_settings", "bms_settings", "tenant", "microsoft", "bms")
            self._skip(ReasonCode.ORGANIZATION_NOT_KNOWN, *names)
            return self
        self.organization = organization
        self.store = self._check("settings_store", self._opened)
        office365 = self._settings(OFFICE365, organization)
        bms = self._settings(BMS, organization)
        self._microsoft(organization, office365)
        self._bms(organization, rules.bms(bms) if bms else None)
        return self

    # ------------------------------------------------------------------ checking

    def _check(
        self, name: str, look: Callable[[], T], reason_of: Callable[[T], Reason] = lambda found: _OK
    ) -> T | None:
        try:
            found = look()
        except SyncError as error:
            self.checks.append(Check(name, CheckState.FAILED, said=str(error)))
            return None
        self.checks.append(Check(name, CheckState.READY, reason_of(found)))
        return found

    def _skip(self, code: ReasonCode, *names: str) -> None:
        self.checks += [Check(each, CheckState.SKIPPED, because(code)) for each in names]

    def _limit(self, name: str, reason: Reason) -> None:
        self.checks.append(Check(name, CheckState.LIMITED, reason))

    # ------------------------------------------------------------------ settings

    def _opened(self) -> SettingsStore:
        """The store, once it has shown that it can be read."""
        store = self.make_store()
        store.read_kinds(KINDS)
        return store

    def _settings(self, kind: str, organization: Organization) -> dict[str, Any] | None:
        """The settings of one kind that a run would work with, None where it would not."""
        name = f"{kind}_settings"
        store = self.store
        if store is None:
            self._skip(ReasonCode.SETTINGS_NOT_READ, name)
            return None
        declared = self.request.office365_settings if kind == OFFICE365 else self.request.bms_settings

        def look() -> tuple[dict[str, Any], bool]:
            stored = store.read(organization.id, organization.name, [kind])[kind]
            return merged_settings(stored, declared, organization), stored.settings is None

        found = self._check(name, look)
        if found is None:
            return None
        settings, is_missing = found
        if kind == BMS and is_missing and not declared:
            # A run syncs all the same, and pushes nothing.
            self.checks[-1] = Check(
                name, CheckState.LIMITED, because(ReasonCode.NO_BMS_SETTINGS, organization=organization.name)
            )
        return settings

    # ----------------------------------------------------------------- Microsoft

    def _microsoft(self, organization: Organization, settings: dict[str, Any] | None) -> None:
        if settings is None and not self.request.tenant_id:
            self._skip(ReasonCode.SETTINGS_NOT_VALID, "tenant")
            return
        tenant_id = self._check("tenant", lambda: self._tenant(organization, settings or {"tenant_id": None}))
        if tenant_id is None:
            self._skip(ReasonCode.TENANT_NOT_KNOWN, "microsoft")
            return
        self.tenant_id = tenant_id
        users = self._check("microsoft", lambda: tuple(self.services.graph(tenant_id).users()))
        office365 = rules.office365(settings) if settings else Office365Settings()
        snapshot = Snapshot(organization, tenant_id, office365, BmsSettings(), users or (), ())
        if users is not None and settings:
            self._users(snapshot, users)
        if users is not None:
            self._verified_domains(snapshot)
        if office365.contact_type:
            types = self.services.itglue.contact_types
            self._check("contact_type", lambda: contact_types(snapshot, self.request.options, tuple(types())))

    def _tenant(self, organization: Organization, settings: Mapping[str, Any]) -> str:
        """The tenant of the organization, which no other organization holds."""
        tenant_id = tenant_of(settings, organization, self.request.tenant_id)
        if holders := self._holders():
            holders.require_tenant(organization, tenant_id)
        return tenant_id

    def _holders(self) -> Holders | None:
        if self.store is None:
            return None
        return Holders(self.services.itglue, self.store, self.request.options.bms_adapter_names, taking=True)

    def _users(self, snapshot: Snapshot, users: tuple[User, ...]) -> None:
        """Whether the user filter selects anybody, by the run's own selection."""
        graph, groups = self.services.graph(snapshot.tenant_id), snapshot.office365.user_filter.groups
        members: frozenset[str] | None = frozenset()
        if groups:
            members = self._check("groups", lambda: frozenset[str]().union(*map(graph.group_members, groups)))
        if members is None:
            return
        options = replace(self.request.options, allow_shrunken_source=False)
        filtered = replace(snapshot, members=members)
        found = self._check("users", lambda: select(filtered, options))
        self.selected = len(found.user_ids) if found else 0

    def _verified_domains(self, snapshot: Snapshot) -> None:
        reader = NeedReader(self.services, snapshot, self.request.options.bms_adapter_names)
        found = reader.read({Need.VERIFIED_DOMAINS}, Findings())
        if said := found.not_read.get(Need.VERIFIED_DOMAINS):
            self._limit("verified_domains", because(ReasonCode.DOMAINS_OF_USERS, said=said))

    # ----------------------------------------------------------------------- BMS

    def _bms(self, organization: Organization, settings: BmsSettings | None) -> None:
        if self.always_bms:
            self._link(organization)
        self.pushes = settings is not None and settings.pushes
        if settings is None or not settings.pushes:
            if self.always_bms:
                self._account_alone(organization, settings or BmsSettings())
            else:
                self._skip(ReasonCode.SETTINGS_NOT_VALID if settings is None else ReasonCode.PUSHES_OFF, "bms")
            return
        account = self.account = self._check("bms", lambda: self._own_account(organization, settings), _found)
        if account is None or settings.native:
            return
        bms = self.services.bms
        self._check("bms_email_type", lambda: bms_type(settings.email_type, "email_type", bms.email_types))
        self._check("bms_phone_type", lambda: bms_type(settings.phone_type, "phone_type", bms.phone_types))
        self._check("bms_locations", lambda: _some_location(bms.account_locations(account.id), account))

    def _link(self, organization: Organization) -> None:
        """Whether IT Glue links the contacts of the organization."""
        names = self.request.options.bms_adapter_names
        if not any(is_bms(each, names) and each.sync and not each.orphaned for each in organization.adapters):
            self._limit("bms_link", because(ReasonCode.NO_BMS_LINK, organization=organization.name))

    def _account_alone(self, organization: Organization, settings: BmsSettings) -> None:
        """The account of a client for whom nothing is pushed."""
        self.account = self._check("bms", lambda: self._own_account(organization, settings), _found)
        if self.account is None:
            self.checks[-1] = replace(self.checks[-1], state=CheckState.LIMITED)

    def _own_account(self, organization: Organization, settings: BmsSettings) -> Account:
        """The account of the organization, which no other organization holds."""
        adapter_names = self.request.options.bms_adapter_names
        account = read_account(self.services.bms, organization, settings, adapter_names)
        if holders := self._holders():
            holders.require_account(organization, settings, account)
        return account


def _found(record: Organization | Account) -> Reason:
    return because(ReasonCode.CHECK_FOUND, name=record.name, id=record.id)


def _some_location(locations: Sequence[BmsLocation], account: Account) -> Sequence[BmsLocation]:
    if not locations:
        raise InputError(
            f"The BMS account {quoted(account.name)} has no location, and a BMS contact needs one.",
            hint="Add one in BMS.",
        )
    return locations

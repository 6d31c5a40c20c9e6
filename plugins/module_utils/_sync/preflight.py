# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""What a client's first run will stumble over, found out with a handful of reads.

Each check says what it found. One that fails does not keep the others from being made, as far
as they do not need what it was to find.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .._engine import settings as rules
from .._engine.errors import InputError, PermissionDeniedError, SettingsError, SyncError, quoted
from .._engine.model import Account, BmsSettings, Office365Settings, Organization
from .._engine.tenants import listed
from .._engine.text import name
from .._store.settings import Stored
from .holders import Holders
from .snapshot import Request, bms_type, read_account

PASSED, FAILED, LIMITED, SKIPPED = "passed", "failed", "limited", "skipped"
"""`limited`: the sync works without it, but not everything of it does."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, and what to know or to do about it."""

    name: str
    state: str
    message: str


@dataclass
class Preflight:
    """The checks of one client, in their order."""

    clients: Any
    make_store: Callable[[], Any]
    request: Request
    checks: list[Check] = field(default_factory=list)
    organization: Organization | None = None
    tenant_id: str | None = None
    store: Any = None

    def run(self) -> Preflight:
        """Make all checks. Nothing is written."""
        self.organization = self._check("itglue", self._named_organization, _said)
        if self.organization is None:
            self._skip(
                "the organization is not known", "office365_settings", "bms_settings", "tenant", "microsoft", "bms"
            )
            return self
        stored = self._check("settings_store", self._stored)
        office365 = self._settings(rules.OFFICE365, stored, self.request.office365_settings, Office365Settings)
        bms = self._settings(rules.BMS, stored, self.request.bms_settings, BmsSettings)
        self._microsoft(office365, stored)
        if office365 and office365.contact_type:
            self._check("contact_type", lambda: self._contact_type(office365.contact_type))
        self._bms(bms)
        return self

    # ------------------------------------------------------------------ checking

    def _check(self, which: str, look: Callable[[], T], say: Callable[[T], str] | None = None) -> T | None:
        try:
            found = look()
        except SyncError as error:
            self.checks.append(Check(which, FAILED, str(error)))
            return None
        self.checks.append(Check(which, PASSED, say(found) if say else "As it has to be."))
        return found

    def _skip(self, why: str, *names: str) -> None:
        self.checks += [Check(each, SKIPPED, f"Not checked: {why}.") for each in names]

    def _stored(self) -> Mapping[str, list[Stored]]:
        self.store = self.make_store()
        return self.store.read_kinds(rules.KINDS)

    def _named_organization(self) -> Organization:
        return self.clients.itglue.organization(self.request.organization)

    # ------------------------------------------------------------------ settings

    def _settings(
        self, kind: str, stored: Mapping[str, list[Stored]] | None, declared: Mapping[str, Any] | None, make: type[T]
    ) -> T | None:
        which = f"{kind}_settings"
        if stored is None:
            self._skip("the settings cannot be read", which)
            return None
        return self._check(which, lambda: self._merged(kind, stored[kind], declared, make))

    def _merged(self, kind: str, stored: list[Stored], declared: Mapping[str, Any] | None, make: type[T]) -> T:
        own = [one for one in stored if one.organization_id == self.organization.id]
        if len(own) > 1:
            raise SettingsError(f"The {rules.TITLES[kind]} are stored twice. {' '.join(own[0].violations)}")
        if not own and not declared:
            module = "office365_sync_settings" if kind == rules.OFFICE365 else "bms_sync_settings"
            raise SettingsError(
                f"The organization {quoted(self.organization.name)} has no {rules.TITLES[kind]}.",
                hint=f"Declare them with the module msp.psa_sync.{module}, or in the host's variables.",
            )
        carried = own[0] if own else Stored(kind, self.organization.id, self.organization.name)
        merged = carried.with_declared(declared)
        return rules.office365(merged) if make is Office365Settings else rules.bms(merged)

    def _contact_type(self, wanted: str) -> None:
        there = list(self.clients.itglue.contact_types())
        if not any(name(each.name) == name(wanted) for each in there):
            raise InputError(
                f"IT Glue has no contact type named {quoted(wanted)} (option contact_type of office365_sync_settings).",
                hint=f"It has: {', '.join(sorted(each.name for each in there)) or 'none'}.",
            )

    # ----------------------------------------------------------------- Microsoft

    def _microsoft(self, settings: Office365Settings | None, stored: Mapping[str, list[Stored]] | None) -> None:
        self.tenant_id = rules.guid(self.request.tenant_id or "") or (settings.tenant_id if settings else None)
        if settings is None and not self.tenant_id:
            self._skip("the settings do not hold", "tenant")
            return
        if self._check("tenant", lambda: self._own_tenant(stored)) is None:
            self._skip("the tenant is not known", "microsoft")
            return
        graph = self._check("microsoft", self._readable_users)
        if graph is None:
            return
        if settings and settings.user_filter.groups:
            groups = settings.user_filter.groups
            self._check("groups", lambda: [graph.group_members(group) for group in groups])
        try:
            graph.verified_domains()
        except PermissionDeniedError as error:
            message = f"Without it, the tenant's domains are taken from its users' addresses. {error}"
            self.checks.append(Check("verified_domains", LIMITED, message))

    def _own_tenant(self, stored: Mapping[str, list[Stored]] | None) -> str:
        if not self.tenant_id:
            raise SettingsError(
                f"The organization {quoted(self.organization.name)} is matched with no Microsoft tenant.",
                hint="Set tenant_id in the Office 365 sync settings; msp.psa_sync.tenant_match_info makes suggestions.",
            )
        if not rules.is_guid(self.tenant_id):
            raise InputError(f"tenant_id is {quoted(self.tenant_id)}, which is no GUID.")
        others = {
            one.organization_id: Organization(one.organization_id, one.organization_name)
            for one in (stored or {}).get(rules.OFFICE365, ())
            if one.merged["tenant_id"] == self.tenant_id and one.organization_id != self.organization.id
        }
        if others:
            raise SettingsError(
                f"The tenant {self.tenant_id} is matched with {listed([self.organization, *others.values()])}.",
                hint="Take it from all but one with msp.psa_sync.tenant_match, state: unmatched.",
            )
        return self.tenant_id

    def _readable_users(self):
        graph = self.clients.graph(self.tenant_id)
        if next(graph.users(), None) is None:
            raise InputError(
                f"The tenant {self.tenant_id} has no users.", hint="Check tenant_id, and what the app may read."
            )
        return graph

    # ----------------------------------------------------------------------- BMS

    def _bms(self, settings: BmsSettings | None) -> None:
        if settings is None or not settings.pushes:
            why = "the settings do not hold" if settings is None else "the switches for a push are not all on"
            self._skip(why, "bms")
            return
        names = self.request.options.bms_adapter_names
        account = self._check("bms", lambda: self._own_account(settings, names), _said)
        if account is None or settings.push_method != "direct":
            return
        bms = self.clients.bms
        self._check("bms_email_type", lambda: bms_type(settings.email_type, "email_type", bms.email_types))
        self._check("bms_phone_type", lambda: bms_type(settings.phone_type, "phone_type", bms.phone_types))
        self._check("bms_locations", lambda: _some_location(bms.account_locations(account.id), account.name))

    def _own_account(self, settings: BmsSettings, adapter_names: Collection[str]) -> Account:
        account = read_account(self.clients.bms, self.organization, settings, adapter_names)
        if self.store is not None:
            holders = Holders(self.clients.itglue, self.store, adapter_names)
            holders.require_account(self.organization, settings, account)
        return account


def _said(found: Organization | Account) -> str:
    return f"{found.name} ({found.id})."


def _some_location(locations, account: str) -> None:
    if not locations:
        raise InputError(
            f"The BMS account {quoted(account)} has no location, and a BMS contact needs one.", hint="Add one in BMS."
        )

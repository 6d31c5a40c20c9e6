# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which BMS account an organization is (setup guide, BMS account)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .errors import InputError, quoted
from .model import Account, Adapter, BmsSettings, Organization
from .text import name

_WAY_OUT = "Set the option account of bms_sync_settings to the id of the right BMS account."


@dataclass(frozen=True, slots=True)
class AccountReference:
    """Where to look: an account id, or else the name. `source` is for messages.

    A setting of digits is an id, or the name of an account where there is none of that id.
    """

    id: int | None
    name: str
    source: str
    declared: bool = False

    @property
    def key(self) -> str:
        """What tells one account from another, as far as it is known without BMS."""
        return str(self.id) if self.id is not None else name(self.name)


def is_bms(adapter: Adapter, adapter_names: Collection[str]) -> bool:
    """Whether an integration is BMS, by a part of its name.

    The exact name is not published (IT Glue API, `adapters_resources`), hence the setting.
    """
    return _names_one_of(adapter.kind, tuple(adapter_names))


@lru_cache(maxsize=64)
def _names_one_of(kind: str, parts: tuple[str, ...]) -> bool:
    # The kinds of integrations are few, and asked about for each contact.
    return any(part.casefold() in kind.casefold() for part in parts)


def reference(organization: Organization, settings: BmsSettings, adapter_names: Collection[str]) -> AccountReference:
    """The setting `account`, else the organization's BMS adapter that syncs, else its name.

    Raises InputError where several adapters name different accounts.
    """
    if settings.account:
        wanted = settings.account.strip()
        return AccountReference(int(wanted) if wanted.isdecimal() else None, wanted, "the setting account", True)
    ids = {
        adapter.remote_number
        for adapter in organization.adapters
        if is_bms(adapter, adapter_names)
        and adapter.sync
        and not adapter.orphaned
        and adapter.remote_number is not None
    }
    if len(ids) > 1:
        raise InputError(
            f"The organization {quoted(organization.name)} is linked to several BMS accounts: "
            f"{', '.join(map(str, sorted(ids)))}.",
            hint=_WAY_OUT,
        )
    if ids:
        return AccountReference(ids.pop(), organization.name, "the organization's link to BMS in IT Glue")
    return AccountReference(None, organization.name, "the organization's name")


def holder_keys(organization: Organization, settings: BmsSettings, adapter_names: Collection[str]) -> frozenset[str]:
    """The account that an organization holds by its setting or its link, as `setting_keys` has it; none for none."""
    try:
        wanted = reference(organization, settings, adapter_names)
    except InputError:
        return frozenset()  # it is linked to several; its own sync reports that
    if wanted.declared:
        return frozenset([wanted.key])
    return frozenset() if wanted.id is None else frozenset([wanted.key, linked_key(wanted.name)])


def setting_keys(setting: str, account: Account | None = None) -> frozenset[str]:
    """What tells whether others hold the account of a setting: its id or its name, both where BMS has `account`."""
    if account is None:
        return frozenset([name(setting)])
    return frozenset([name(setting), str(account.id), name(account.name)])


def linked_key(organization: str) -> str:
    """The key of the account of a linked organization, by the organization's name, which the account must bear: for
    a setting whose account BMS has not been asked for."""
    return f"linked {name(organization)}"


def resolve(found: Sequence[Account], wanted: AccountReference, organization: Organization) -> Account:
    """The one account that `wanted` means, of those that BMS has `found` for it.

    Raises InputError for none, several, an inactive one, or one of another name that was not
    set explicitly.
    """
    by_id = [account for account in found if account.id == wanted.id]
    if not by_id and (wanted.id is None or wanted.declared):
        found = [account for account in found if name(account.name) == name(wanted.name)]
    else:
        found = by_id
    shown = quoted(wanted.name) if wanted.id is None else str(wanted.id)
    active = [account for account in found if account.active]
    if len(active) > 1:
        ids = ", ".join(str(account.id) for account in sorted(active, key=lambda account: account.id))
        raise InputError(f"BMS has several accounts named {quoted(wanted.name)}: {ids}.", hint=_WAY_OUT)
    if not active:
        state = "is not active in BMS" if found else "was not found in BMS"
        raise InputError(
            f"The BMS account {shown} of the organization {quoted(organization.name)} (from {wanted.source}) {state}.",
            hint=_WAY_OUT,
        )
    account = active[0]
    if not wanted.declared and name(account.name) != name(organization.name):
        raise InputError(
            f"The BMS account {account.id} (from {wanted.source}) is named {quoted(account.name)}, "
            f"the organization {quoted(organization.name)}.",
            hint=f"If they are the same client: {_WAY_OUT[0].lower()}{_WAY_OUT[1:]}",
        )
    return account

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tenants and accounts that the clients of one run declare, where several organizations declare the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .account import setting_keys
from .declared_options import BMS, OFFICE365
from .model import Organization
from .text import name
from .values import guid

TENANTS, ACCOUNTS = "tenants", "accounts"


class Declarer(NamedTuple):
    """A host of the run, and its organization: an id or a name."""

    host: str
    organization: str

    def is_of(self, organization: Organization) -> bool:
        """Whether the host is of this organization."""
        return name(self.organization) in {str(organization.id), name(organization.name)}


Declarers = Callable[[str, str], Sequence[Declarer]]
"""Who declares a tenant, or an account, that several organizations of the run declare: `TENANTS` or `ACCOUNTS`, and
the id or name of it."""


def nobody(what: str, key: str) -> Sequence[Declarer]:
    """Where nothing is known of other clients."""
    return ()


def declared_twice(
    declared: Iterable[tuple[Declarer, Mapping[str, Mapping[str, Any]]]],
) -> dict[str, dict[str, list[Declarer]]]:
    """The tenants and the accounts that several organizations declare, each with who declares it; `declared` has the
    settings of each host by their kind."""
    found: dict[str, dict[str, list[Declarer]]] = {TENANTS: {}, ACCOUNTS: {}}
    for declarer, settings in declared:
        if tenant_id := settings[OFFICE365].get("tenant_id"):
            found[TENANTS].setdefault(guid(str(tenant_id)), []).append(declarer)
        if account := settings[BMS].get("account"):
            for key in setting_keys(str(account)):
                found[ACCOUNTS].setdefault(key, []).append(declarer)
    return {
        what: {key: those for key, those in keys.items() if len({name(each.organization) for each in those}) > 1}
        for what, keys in found.items()
    }

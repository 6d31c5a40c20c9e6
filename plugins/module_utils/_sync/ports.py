# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the runs need of the services, as protocols. The clients meet them, and so do the tests' fakes.

All methods raise `ApiError` for a service that refuses, fails or cannot be understood. Those that
write say in their errors whether the write took place (`_engine/errors.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .._engine.model import (
    Account,
    Asset,
    AssetField,
    AssetType,
    BmsContact,
    BmsId,
    BmsLocation,
    BmsType,
    Contact,
    ContactType,
    EntryChange,
    ItGlueId,
    Location,
    Organization,
    Tenant,
    User,
)

Attributes = Mapping[str, Any]
"""Attributes of a contact of IT Glue, or fields of a BMS contact, by the service's names."""

Progress = Callable[[str], None]
"""Takes a line for whoever waits for the run."""

Clock = Callable[[], float]
"""The time in seconds."""

Sleep = Callable[[float], None]
"""Waits for a number of seconds."""


def silent(line: str) -> None:
    """The progress that nobody hears of."""


class Organizations(Protocol):
    """Where the organizations of an MSP are read."""

    def organizations(self, *, include_adapters: bool = False) -> Iterable[Organization]:
        """All organizations, with their adapters where that is asked for."""


class ItGlueReader(Organizations, Protocol):
    """What is read of IT Glue."""

    @property
    def base_url(self) -> str:
        """The address of the API."""

    def organization(self, ident: str) -> Organization:
        """The organization of an id or an exact name, with its adapters. Raises InputError for none or several."""

    def with_adapters(self, organization: Organization) -> Organization:
        """An organization that `organization` returned, with its adapters in any case."""

    def contacts(self, organization_id: ItGlueId) -> Iterable[Contact]:
        """All contacts of an organization, with their adapters."""

    def changed_contacts(self, organization_id: ItGlueId, since: float) -> Iterable[Contact]:
        """The contacts of an organization that were saved at `since` (seconds since the epoch, by the service's
        clock) or later, the latest first. Raises RejectedError where the service does not sort."""

    def contact(self, contact_id: ItGlueId) -> Contact:
        """One contact, with its adapters. Raises NotFoundError."""

    def locations(self, organization_id: ItGlueId) -> Iterable[Location]:
        """All locations of an organization."""

    def contact_types(self) -> Iterable[ContactType]:
        """All contact types."""


class ItGlue(ItGlueReader, Protocol):
    """What is read and written of contacts in IT Glue."""

    def create_contacts(self, organization_id: ItGlueId, rows: Sequence[Attributes]) -> Sequence[Contact]:
        """Create contacts in one request; those that the answer shows, in its order, without adapters."""

    def update_contacts(self, rows: Sequence[tuple[ItGlueId, Attributes]]) -> Sequence[Contact]:
        """Change contacts in one request; those that the answer shows."""

    def update_contact(self, contact_id: ItGlueId, attributes: Attributes) -> Contact:
        """Change one contact; the contact as the answer shows it."""

    def delete_contacts(self, ids: Sequence[ItGlueId]) -> None:
        """Delete contacts by id."""


class ListedItGlue(ItGlueReader, Protocol):
    """What can be read of many organizations at once. `most` is the number of pages that a list is worth: where it has
    more, ListTooLongError is raised after the first."""

    @property
    def account(self) -> str:
        """What tells one account of IT Glue, and one key, from another."""

    def organizations(self, *, include_adapters: bool = False, most: int | None = None) -> Iterable[Organization]:
        """All organizations."""

    def contacts_of_several(self, organization_ids: Collection[int], most: int) -> Iterable[Contact]:
        """All contacts of several organizations. One that shows none may have some."""

    def locations_of_several(self, organization_ids: Collection[int], most: int) -> Iterable[tuple[int, Location]]:
        """All locations of several organizations, each with the id of its organization."""

    def asset_types(self, *names: str) -> list[AssetType]:
        """The asset types of these names."""

    def asset_type_fields(self, type_id: int) -> Sequence[AssetField]:
        """The fields of a type."""

    def assets_of(
        self, type_ids: Sequence[int], organization_id: int | None = None, most: int | None = None
    ) -> Sequence[Asset]:
        """The assets of several types, of one organization or of all."""


@dataclass(frozen=True)
class Fleet:
    """The run that a client is part of: what its processes share.

    `organizations` are those of all clients of the run, by id or name, in the order in which they are served,
    `side_by_side` of them at a time. `directory` is one that only this run has.
    """

    directory: Path
    clients: int
    side_by_side: int
    organizations: Callable[[], Sequence[str]]


class Bms(Protocol):
    """What is read and written of contacts in BMS."""

    def accounts(self, name: str) -> Sequence[Account]:
        """The accounts that BMS finds for a name."""

    def account(self, account_id: BmsId) -> Account | None:
        """The account of an id."""

    def account_locations(self, account_id: BmsId) -> Sequence[BmsLocation]:
        """The locations of an account."""

    def contacts(self, account_id: BmsId) -> Sequence[BmsContact]:
        """All contacts of an account, active and inactive. An incomplete list is an error."""

    def contact(self, contact_id: BmsId) -> BmsContact:
        """One contact. Raises NotFoundError."""

    def email_types(self, known: Collection[BmsContact] = ()) -> Sequence[BmsType]:
        """The e-mail types; `known` are contacts that use them."""

    def phone_types(self, known: Collection[BmsContact] = ()) -> Sequence[BmsType]:
        """The phone types; `known` are contacts that use them."""

    def create_contact(self, contact: BmsContact) -> BmsId:
        """Create a contact, without its job title; its id."""

    def set_contact(self, contact_id: BmsId, values: Attributes) -> None:
        """Set single values of a contact."""

    def patch_emails(self, contact_id: BmsId, operations: Sequence[EntryChange]) -> None:
        """Change e-mails. Raises NotFoundError also where this release of BMS cannot."""

    def patch_phones(self, contact_id: BmsId, operations: Sequence[EntryChange]) -> None:
        """Change phones. Raises NotFoundError also where this release of BMS cannot."""


class Graph(Protocol):
    """What is read of one Microsoft tenant."""

    def users(self) -> Iterable[User]:
        """All users. Pages are no snapshot: a user may come twice."""

    def deleted_users(self) -> Iterable[User]:
        """The users that were deleted within 30 days."""

    def group_members(self, group: str) -> frozenset[str]:
        """The ids of the users in a group, given by id or name, nested members included."""

    def verified_domains(self) -> Iterable[str]:
        """The domains of the tenant."""


class ReadServices(Protocol):
    """Where a run reads. Each service is reached when it is first asked for."""

    @property
    def itglue(self) -> ItGlueReader:
        """IT Glue."""

    @property
    def bms(self) -> Bms:
        """Kaseya BMS."""

    def graph(self, tenant_id: str) -> Graph:
        """A Microsoft tenant."""

    def expect_new_people(self) -> None:
        """Hear that the run creates contacts: a part of each quota is kept for such runs."""


class Services(ReadServices, Protocol):
    """The services of one run. Each is reached when it is first asked for."""

    @property
    def itglue(self) -> ItGlue:
        """IT Glue."""


class PartnerGraph(Protocol):
    """Where the client tenants of a partner are read."""

    def contracts(self) -> Iterable[Tenant]:
        """The tenants with a contract."""

    def delegated_admin_relationships(self) -> Iterable[Tenant]:
        """The tenants with a delegated admin relationship."""


class PartnerServices(Protocol):
    """The services of a partner."""

    def graph(self, tenant_id: str) -> PartnerGraph:
        """The partner's own tenant."""

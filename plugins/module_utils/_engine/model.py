# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the three services hold, as plain values.

The clients decode what they receive into these types and encode them again; the
rules work on nothing else. All are immutable, hold JSON-native values only, and
compare by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NewType

ItGlueId = NewType("ItGlueId", int)
"""The id of a record in IT Glue; up to 16 digits have been seen (IT Glue API, second look)."""

BmsId = NewType("BmsId", int)
"""The id of a record in Kaseya BMS. The two services number their records independently."""


def as_id(wanted: str) -> int | None:
    """The id that a text is, None where it is a name."""
    return int(wanted) if wanted.isascii() and wanted.isdigit() else None


# ---------------------------------------------------------------- Microsoft 365


@dataclass(frozen=True, slots=True)
class User:
    """A Microsoft 365 user, with the properties that Graph returns for `$select`.

    `proxy_addresses` are as Graph gives them, prefix included (`SMTP:`, `smtp:`,
    `SIP:`, `X500:`, `SPO:`); `text` reads them. `account_enabled` is None where Graph does
    not say. `usage_location` is an ISO 3166 country code of two letters, the region of the
    user's national telephone numbers.
    """

    id: str
    username: str
    mail: str | None = None
    proxy_addresses: tuple[str, ...] = ()
    given_name: str | None = None
    surname: str | None = None
    job_title: str | None = None
    business_phones: tuple[str, ...] = ()
    mobile_phone: str | None = None
    office_location: str | None = None
    street_address: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    account_enabled: bool | None = True
    user_type: str | None = None
    sku_ids: tuple[str, ...] = ()
    usage_location: str | None = None


# --------------------------------------------------------------------- IT Glue


@dataclass(frozen=True, slots=True)
class Email:
    """An entry of a contact's `contact-emails`."""

    value: str
    label: str | None = None
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Phone:
    """An entry of a contact's `contact-phones`; `kind` is `phone` or `fax`."""

    value: str
    label: str | None = None
    extension: str | None = None
    primary: bool = False
    kind: str = "phone"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One integration's hold on a record: an included `adapters_resources` object."""

    kind: str
    remote_id: str | None = None
    sync: bool = False
    orphaned: bool = False

    @property
    def remote_number(self) -> BmsId | None:
        """The id of the record in BMS, whose ids are numbers."""
        return BmsId(int(self.remote_id)) if self.remote_id and self.remote_id.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Organization:
    id: ItGlueId
    name: str
    primary: bool = False
    adapters: tuple[Adapter, ...] = ()
    type_name: str | None = None
    status_name: str | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A client's tenant as the partner sees it. Name and domain are copies that may be out of date."""

    id: str
    name: str | None = None
    domain: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


@dataclass(frozen=True, slots=True)
class Location:
    id: ItGlueId
    name: str | None
    primary: bool = False
    address_1: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ContactType:
    id: ItGlueId
    name: str


@dataclass(frozen=True, slots=True)
class Contact:
    """An IT Glue contact; `id` is 0 for one that is still to be created.

    `created_at` and `updated_at` are when it was created and last saved, as IT Glue spells it (RFC
    3339); `url` is its address in IT Glue. Two contacts that differ in nothing else are equal.
    `link_known` is False where the answer does not tell whether the contact is linked: such a contact
    is not pushed.
    """

    id: ItGlueId
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    emails: tuple[Email, ...] = ()
    phones: tuple[Phone, ...] = ()
    location_id: ItGlueId | None = None
    location_name: str | None = None
    contact_type_id: ItGlueId | None = None
    psa_integration: str | None = None
    adapters: tuple[Adapter, ...] = ()
    organization_id: ItGlueId | None = None
    link_known: bool = True
    created_at: str | None = field(default=None, compare=False)
    updated_at: str | None = field(default=None, compare=False)
    url: str | None = field(default=None, compare=False)

    @property
    def saved_at(self) -> float | None:
        """`updated_at` in seconds since the epoch, None where IT Glue does not tell it."""
        try:
            found = datetime.fromisoformat(self.updated_at or "")
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True, slots=True)
class AssetField:
    """A field of a flexible asset type; `key` is the name of its trait (`name-key`)."""

    name: str
    kind: str
    key: str | None = None
    id: int | None = None
    order: int | None = None
    hint: str | None = None
    required: bool = False
    use_for_title: bool = False
    show_in_list: bool = False
    default_value: str | None = None


@dataclass(frozen=True, slots=True)
class AssetType:
    id: int | None
    name: str
    description: str | None = None
    icon: str | None = None
    fields: tuple[AssetField, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """A flexible asset; `traits` are as IT Glue returns them, by trait key."""

    id: int
    type_id: int
    organization_id: int
    organization_name: str | None = None
    name: str | None = None
    archived: bool = False
    url: str | None = None
    traits: dict[str, object] = field(default_factory=dict)


# ------------------------------------------------------------------ Kaseya BMS


@dataclass(frozen=True, slots=True)
class Account:
    id: BmsId
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class BmsLocation:
    id: BmsId
    name: str | None
    main: bool = False


@dataclass(frozen=True, slots=True)
class BmsEmail:
    address: str
    type_id: int
    type_name: str | None = None
    default: bool = False


@dataclass(frozen=True, slots=True)
class BmsPhone:
    number: str
    type_id: int
    type_name: str | None = None
    default: bool = False


@dataclass(frozen=True, slots=True)
class BmsContact:
    """A BMS contact; `id` is 0 for one that is still to be created."""

    id: BmsId
    account_id: BmsId
    location_id: BmsId | None = None
    first_name: str | None = None
    last_name: str | None = None
    job_title: str | None = None
    active: bool = True
    emails: tuple[BmsEmail, ...] = ()
    phones: tuple[BmsPhone, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryChange:
    """A change of one e-mail address or phone number of a BMS contact, addressed by its value.

    `operation` is `add`, `update` (to `new_value`, where that is given) or `delete`.
    """

    operation: str
    value: str
    new_value: str | None = None
    type_id: int | None = None
    default: bool | None = None


@dataclass(frozen=True, slots=True)
class BmsType:
    """An e-mail or phone type of BMS."""

    id: int
    name: str


# -------------------------------------------------------------------- settings


@dataclass(frozen=True, slots=True)
class PhoneLabels:
    office: str = "Office"
    mobile: str = "Mobile"


@dataclass(frozen=True, slots=True)
class UserFilter:
    licensed_only: bool = True
    license_skus: tuple[str, ...] = ()
    include_disabled: bool = False
    include_guests: bool = False
    groups: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    require_name: bool = True


@dataclass(frozen=True, slots=True)
class Office365Settings:
    """The Office 365 sync settings of one organization (guide to the settings)."""

    tenant_id: str | None = None
    set_phone_numbers_primary: bool = False
    phone_type: str | None = None
    phone_labels: PhoneLabels = PhoneLabels()
    email_label: str = "Work"
    replace_blank_phone_numbers: bool = False
    primary_email: str = "mail"
    different_names: str = "conflict"
    sync_aliases: bool = True
    contact_type: str | None = None
    user_filter: UserFilter = UserFilter()


@dataclass(frozen=True, slots=True)
class BmsSettings:
    """The BMS sync settings of one organization (guide to the settings)."""

    contact_sync: bool = False
    two_way_sync: bool = False
    auto_push_office365_contacts: bool = False
    email_type: str | None = None
    phone_type: str | None = None
    push_method: str = "direct"
    account: str | None = None

    @property
    def pushes(self) -> bool:
        """Whether the three BMS switches are on."""
        return self.contact_sync and self.two_way_sync and self.auto_push_office365_contacts

    @property
    def native(self) -> bool:
        """Whether IT Glue's own two-way sync pushes what is written to it."""
        return self.push_method == "native"

    @property
    def follows(self) -> bool:
        """Whether the collection itself writes to BMS: linked contacts are updated there too, where the run updates
        them. Under `native` IT Glue's own two-way sync does that."""
        return self.contact_sync and self.two_way_sync and not self.native


# ------------------------------------------------------------ remembered facts


@dataclass(frozen=True, slots=True)
class InBms:
    """That a look-up in BMS found the BMS contact of a person. `verified_at` is when, in seconds since the epoch.

    `codes` are those of the reasons that the look-up gave; the id is the only value that they name.
    """

    bms_contact_id: BmsId
    verified_at: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What earlier runs have found out about an organization (guide to the settings, remembered facts).

    `in_bms` are the people found in BMS whose contacts are not linked, by the digest of what was compared. `refused`
    are the groups of attributes that IT Glue refuses to change, by contact id and group, with the digest of both sides.
    `offboarded` are the departed contacts of which BMS needs nothing more although IT Glue refuses their contact type,
    by the digest of what was compared, with the time of the look-up. `former_contact_types` are the contact types that
    contacts had before their people departed, None where a contact had none. `kept_apart` are pairs of contact and user
    id that a deleted user keeps apart, `apart_in_bms` the ids of users whom one keeps apart from a BMS contact.
    `made_anew` are the ids of users whose account was made anew: nothing is suggested for them. `by_name_in_bms` are
    pairs of BMS contact and user id that no address connects, which a user with another name would lose.
    """

    in_bms: Mapping[str, InBms] = field(default_factory=dict)
    refused: Mapping[tuple[ItGlueId, str], str] = field(default_factory=dict)
    offboarded: Mapping[str, int] = field(default_factory=dict)
    former_contact_types: Mapping[ItGlueId, ItGlueId | None] = field(default_factory=dict)
    kept_apart: frozenset[tuple[ItGlueId, str]] = frozenset()
    made_anew: frozenset[str] = frozenset()
    apart_in_bms: frozenset[str] = frozenset()
    by_name_in_bms: frozenset[tuple[BmsId, str]] = frozenset()


# -------------------------------------------------------------------- snapshot


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run has read of Microsoft 365 and IT Glue before it decides anything.

    `members` are the ids of the users in the groups that the user filter names, `read_at` is
    when it was read, in seconds since the epoch. `facts` are what earlier runs have found out.
    """

    organization: Organization
    tenant_id: str
    office365: Office365Settings
    bms: BmsSettings
    users: tuple[User, ...]
    contacts: tuple[Contact, ...]
    members: frozenset[str] = frozenset()
    read_at: float = 0.0
    facts: Facts = Facts()


@dataclass(frozen=True, slots=True)
class BmsSnapshot:
    """What a run has read of BMS: the account and all its contacts, active and inactive.

    The types are those of the settings. They and the locations are read only where a
    contact has to be created.
    """

    account: Account
    contacts: tuple[BmsContact, ...]
    locations: tuple[BmsLocation, ...] = ()
    email_type: BmsType | None = None
    phone_type: BmsType | None = None

    @property
    def types(self) -> tuple[BmsType, BmsType]:
        """The e-mail and the phone type. Raises ValueError where they have not been read."""
        if self.email_type is None or self.phone_type is None:
            raise ValueError("The types of BMS are needed, but have not been read.")
        return self.email_type, self.phone_type

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People and places for the tests of the rules: short words for what a row needs, defaults for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    Adapter,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsSettings,
    BmsSnapshot,
    BmsType,
    Contact,
    Email,
    Location,
    Office365Settings,
    Organization,
    Phone,
    Snapshot,
    User,
    UserFilter,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Operation, Plan
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode

SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
ORGANIZATION = Organization(1, "Client Ltd")
ACCOUNT = Account(2528, "Client Ltd")
LINK = Adapter("Kaseya BMS", "90211", sync=True)

PUSHING = BmsSettings(
    contact_sync=True,
    two_way_sync=True,
    auto_push_office365_contacts=True,
    email_type="Work",
    phone_type="Desk",
)
NATIVE = replace(PUSHING, push_method="native")

OFFICE = Location(10, "Head Office", primary=True, address_1="1 High Street", city="Leeds")


def user(name: str = "ann", **values) -> User:
    """`user("ann")` is ann@client.example with a mailbox of that address, a licence and no names."""
    address = f"{name}@client.example"
    defaults = {"id": f"id-{name}", "username": address, "mail": address, "sku_ids": (SKU,)}
    return User(**defaults | {"proxy_addresses": (f"SMTP:{values.get('mail') or address}",)} | values)


def person(name: str = "ann", **values) -> User:
    """A user with the names of its name: `person("ann.lee")` is Ann Lee."""
    first, dummy, last = name.partition(".")
    return user(name, **{"given_name": first.title(), "surname": (last or "Lee").title()} | values)


def contact(ident: int = 72, *addresses: str, first: str | None = None, last: str | None = None, **values) -> Contact:
    """The first address is the primary one."""
    emails = tuple(Email(value, "Work", number == 0) for number, value in enumerate(addresses))
    return Contact(**{"id": ident, "first_name": first, "last_name": last, "emails": emails} | values)


def at_client(mailbox: str) -> str:
    """`ann` is ann@client.example; an address stays as it is."""
    return mailbox if "@" in mailbox or not mailbox else f"{mailbox}@client.example"


def user_named(names: str, *mailboxes: str, **values) -> User:
    """`user_named("Ann Able", "ann", "office")` is Ann Able with the primary address ann@client.example and an
    alias. The username is the primary address, and the id its part before the @."""
    first, dummy, last = names.partition(" ")
    addresses = [at_client(mailbox) for mailbox in mailboxes]
    username = at_client(values.pop("username", mailboxes[0] if mailboxes else "nobody"))
    proxies = tuple(f"{'smtp' if number else 'SMTP'}:{value}" for number, value in enumerate(addresses))
    defaults = {
        "id": f"id-{username.partition('@')[0]}",
        "username": username,
        "mail": addresses[0] if addresses else None,
        "proxy_addresses": proxies,
        "given_name": first or None,
        "surname": last or None,
        "sku_ids": (SKU,),
    }
    return User(**defaults | values)


def contact_named(ident: int, names: str, *mailboxes: str, **values) -> Contact:
    """`contact_named(1, "Ann Able", "ann")` is Ann Able with the primary e-mail ann@client.example."""
    first, dummy, last = names.partition(" ")
    names_given = {"first": first or None, "last": last or None}
    return contact(ident, *map(at_client, mailboxes), **names_given | values)


def ready(ident: int = 72, name: str = "ann.lee", **values) -> Contact:
    """What `person(name)` matches and leaves unchanged: complete, unlinked, ready for BMS."""
    first, dummy, last = name.partition(".")
    defaults = {
        "first": first.title(),
        "last": (last or "Lee").title(),
        "phones": (Phone("4155550100", "Office", primary=True),),
        "location_id": OFFICE.id,
        "location_name": OFFICE.name,
    }
    return contact(ident, f"{name}@client.example", **defaults | values)


def linked(ident: int = 72, name: str = "ann.lee", bms_id: int = 90211, **values) -> Contact:
    adapters = (Adapter("Kaseya BMS", str(bms_id), sync=True),)
    return ready(ident, name, **{"psa_integration": "enabled", "adapters": adapters} | values)


def in_bms(ident: int = 90211, *addresses: str, first: str | None = None, last: str | None = None, **values):
    emails = tuple(BmsEmail(value, 1, "Work", number == 0) for number, value in enumerate(addresses))
    defaults = {"account_id": ACCOUNT.id, "location_id": 3169, "first_name": first, "last_name": last}
    return BmsContact(id=ident, emails=emails, **defaults | values)


def bms(*contacts: BmsContact, **values) -> BmsSnapshot:
    defaults = {
        "locations": (BmsLocation(3169, "Head Office", main=True),),
        "email_type": BmsType(1, "Work"),
        "phone_type": BmsType(2, "Desk"),
    }
    return BmsSnapshot(account=ACCOUNT, contacts=contacts, **defaults | values)


def settings(*, user_filter: dict | None = None, **values) -> Office365Settings:
    return Office365Settings(user_filter=UserFilter(**user_filter or {}), **values)


def snapshot(
    users=(), contacts=(), *, bms_settings: BmsSettings | None = None, members=frozenset(), read_at=0.0, **values
) -> Snapshot:
    return Snapshot(
        organization=values.pop("organization", ORGANIZATION),
        tenant_id="tenant",
        office365=values.pop("office365", None) or settings(**values),
        bms=bms_settings or BmsSettings(),
        users=tuple(users),
        contacts=tuple(contacts),
        members=frozenset(members),
        read_at=read_at,
    )


def options(**values) -> Options:
    """Without limits, unless the row is about them."""
    return Options(**{"max_creates": "100%", "max_updates": "100%", "max_pushes": "100%"} | values)


def planning_of(
    read: Snapshot,
    present: BmsSnapshot | None = None,
    *,
    locations=(OFFICE,),
    contact_types=(),
    deleted=(),
    domains=(),
    unread: str | None = None,
    **values,
) -> Planning:
    """A planning that finds all this where it asks for it; `unread` says why BMS could not be read."""
    present = present or bms()
    findings = Findings(
        verified_domains=frozenset(domains),
        deleted_users=tuple(deleted),
        locations=tuple(locations),
        contact_types=tuple(contact_types),
        bms=None if unread else BmsSnapshot(present.account, present.contacts),
        bms_locations=present.locations,
        bms_types=(present.email_type, present.phone_type),
        not_read={Need.BMS: unread} if unread else {},
    )
    return Planning(read, options(**values), findings)


def planned(read: Snapshot, present: BmsSnapshot | None = None, **values) -> Plan:
    """The finished plan."""
    return planning_of(read, present, **values).plan


def drafted(read: Snapshot, **values) -> dict[str, Operation]:
    """The operations before BMS is asked, by the part of the username before the @."""
    return by_name(planning_of(read, **values).operations)


def by_name(operations: Iterable[Operation]) -> dict[str, Operation]:
    """Operations by the part of the username before the @."""
    return {each.user.partition("@")[0]: each for each in operations}


def codes(operation: Operation) -> list[str]:
    """The codes of the reasons, in their order."""
    return [reason.code.value for reason in operation.reasons]


def values_of(operation: Operation, code: ReasonCode) -> dict:
    """The values of the one reason of this code."""
    (found,) = [reason.values for reason in operation.reasons if reason.code == code]
    return dict(found)


def limits(plan: Plan) -> list[tuple[str, int, int]]:
    """The limits that a plan exceeds: option, count, limit."""
    return [(each.option, each.count, each.limit) for each in plan.limits_exceeded]

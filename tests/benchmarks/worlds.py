# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The worlds that are measured: clients with their settings stored, and with as many users as wanted."""

from __future__ import annotations

from typing import Any

from tests.integration.fleet import with_settings

from .people import given_name, surname

SKU = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
OFFICE365 = {"set_phone_numbers_primary": True, "phone_type": "Office"}
BMS = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Work",
}

#: How many contacts a client may have: their ids must not meet.
ROOM = 1_000_000

Json = dict[str, Any]


def tenant_id(client: int) -> str:
    return f"3f1c9d52-7a64-4a0e-9b1d-{client:012}"


def client_name(client: int) -> str:
    return f"Client {client:04}"


def user(client: int, number: int) -> Json:
    address = f"user{number}@client{client}.example"
    return {
        "id": f"{client:08}-0000-4a0e-9b1d-{number:012}",
        "userPrincipalName": address,
        "mail": address,
        "displayName": f"{given_name(number)} {surname(number)}",
        "givenName": given_name(number),
        "surname": surname(number),
        "jobTitle": "Clerk",
        "businessPhones": [f"+44113{number:07}"],
        "proxyAddresses": [f"SMTP:{address}"],
        "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
    }


def contact(client: int, number: int, *, linked: bool = True) -> Json:
    """The contact of a user in IT Glue, as earlier runs have left it."""
    ident = client * ROOM + number
    adapter = {"adapter-type-name": "Kaseya BMS", "remote-id": str(ident), "sync": True, "orphaned": False}
    return {
        "id": ident,
        "organization-id": client,
        "first-name": given_name(number),
        "last-name": surname(number),
        "title": "Clerk",
        "location-id": client,
        "contact-emails": [{"value": f"user{number}@client{client}.example", "label-name": "Work", "primary": True}],
        "contact-phones": [
            {
                "value": f"44113{number:07}",
                "label-name": "Office",
                "extension": None,
                "primary": True,
                "label-type": "phone",
            }
        ],
        "psa-integration": "enabled" if linked else None,
        "adapters": [adapter] if linked else [],
    }


def stranger(client: int) -> Json:
    """A contact of the organization who is no user of its tenant."""
    address = "someone@elsewhere.example"
    return {
        "id": (client + 1) * ROOM - 1,
        "organization-id": client,
        "first-name": "Some",
        "last-name": "One",
        "contact-emails": [{"value": address, "label-name": "Work", "primary": True}],
    }


def bms_contact(client: int, number: int) -> Json:
    return {
        "id": client * ROOM + number,
        "accountId": client,
        "locationId": client,
        "firstName": given_name(number),
        "lastName": surname(number),
        "jobTitle": "Clerk",
        "emails": [{"id": client * ROOM + number, "emailAddress": f"user{number}@client{client}.example", "typeId": 1}],
    }


def world(
    clients: int,
    users: int,
    *,
    contacts: int | None = None,
    unlinked: int = 0,
    unlinked_clients: int | None = None,
    in_bms: int | None = None,
    strangers: bool = False,
    behaviour: Json | None = None,
) -> Json:
    """So many clients of so many users, the first of whom have contacts.

    `contacts` are linked with BMS, but for the first `unlinked` of the first `unlinked_clients`
    (all unless told). `in_bms` is how many of the first contacts BMS has (those that are linked
    unless told).
    """
    numbers = range(1, clients + 1)
    known = users if contacts is None else contacts
    loose = dict.fromkeys(numbers[: clients if unlinked_clients is None else unlinked_clients], unlinked)
    base = {
        "entra": {
            "tenants": [
                {
                    "tenant_id": tenant_id(client),
                    "display_name": client_name(client),
                    "verified_domains": [f"client{client}.example"],
                    "users": [user(client, number) for number in range(1, users + 1)],
                }
                for client in numbers
            ]
        },
        "itglue": {
            "organizations": [{"id": client, "name": client_name(client)} for client in numbers],
            "locations": [
                {"id": client, "organization-id": client, "name": "Head office", "primary": True} for client in numbers
            ],
            "contacts": [
                *(
                    contact(client, number, linked=number > loose.get(client, 0))
                    for client in numbers
                    for number in range(1, known + 1)
                ),
                *(stranger(client) for client in numbers if strangers),
            ],
        },
        "bms": {
            "email_types": [{"id": 1, "name": "Work"}],
            "phone_types": [{"id": 1, "name": "Work"}],
            "accounts": [
                {
                    "id": client,
                    "accountName": client_name(client),
                    "locations": [{"id": client, "locationName": "Head office", "isMain": True}],
                }
                for client in numbers
            ],
            "contacts": [
                bms_contact(client, number)
                for client in numbers
                for number in range(1, known + 1)
                if (number > loose.get(client, 0) if in_bms is None else number <= in_bms)
            ],
        },
        "behaviour": behaviour or {},
    }
    carried = {client: {"office365": {**OFFICE365, "tenant_id": tenant_id(client)}, "bms": BMS} for client in numbers}
    return with_settings(base, carried)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random worlds for the sandbox, and the settings with which a run meets them.

They are small and crowded: a handful of people, addresses, names and numbers in many spellings,
so that nearly each world has namesakes, shared addresses, conflicts, locked contacts and people
who are in BMS already. Two more organizations and a second tenant stand beside the one that is
synced, and must come to no harm.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.integration.fleet import with_settings

Json = dict[str, Any]

CLIENT, OTHER, MSP = 2, 3, 1
ACCOUNT, OTHER_ACCOUNT = 2528, 2529
TENANT = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11"
FORMER = 26
OTHER_TENANT = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b12"
SKU, OTHER_SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965", "05e9a617-0261-4cee-bb44-138d3ef5d966"
GROUP = "0f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b13"
NAME = "Müller & Söhne, Inc."

ADDRESSES = ("ann@x.example", "zoe@x.example", "straße@x.example", "иван@x.example", "front@x.example")
FIRST_NAMES = ("Ann", "Zoë", "İpek", "Иван", "さくら", "ﬁona")
LAST_NAMES = ("Lee", "Weiß", "Σοφός", "De  La Cruz")
TITLES = (None, None, "", "Clerk", " Boss ", "Führungskraft", "經理")
NUMBERS = (
    "4155550100",
    "+1 (415) 555-0101",
    "0044 113 496 0000",
    "٠٢٠٧٩٤٦٠٩٥٨",
    "415 555 0100 x12",
    "415.555.0100 ext. 7",
    "+1 415 555 0101,,12#",
    "+44 (0)20 7946 0958",
    "020 7946 0958",
    "415-555-0100 / 415-555-0101",
    "555-0109",
    "n/a since 2024-01-15",
    "1-800-FLOWERS",
    "n/a",
    "000-000-0000",
)
STORED_NUMBERS = (
    "4155550100",
    "14155550101",
    "441134960000",
    "02079460958",
    "442079460958",
    "0000000000",
    "ask Ann",
    "3315550199",
)
LABELS = ("Office", "Mobile", "office", "Home", "Direct", "Work Fax")
PLACES = ("HQ", "Depot", "depot ")


@dataclass(frozen=True)
class Case:
    """A world and the options of the runs in it."""

    world: Json
    options: Json

    @property
    def behaviour(self) -> Json:
        return self.world["behaviour"]

    def with_behaviour(self, **switches: Any) -> Case:
        return replace(self, world={**self.world, "behaviour": {**self.behaviour, **switches}})


class Maker:
    """Makes one row by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def one(self, *values: Any) -> Any:
        return self.chance.choice(values)

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def some(self, most: int, make: Callable[[], Any]) -> list:
        return [make() for dummy in range(self.chance.randint(0, most))]

    # ------------------------------------------------------------------ Microsoft

    def address(self, number: int) -> str:
        value = (
            self.one(f"u{number}@x.example", f"alias{number}@x.example") if self.likely(0.7) else self.one(*ADDRESSES)
        )
        return self.one(*[str] * 4, *[str.upper] * 2, *[str.title] * 2, _with_an_invisible_character)(value)

    def name(self, values: Sequence[str]) -> str | None:
        respell = (
            str,
            str,
            str,
            str.upper,
            lambda value: f" {value}",
            lambda value: unicodedata.normalize("NFD", value),
            _with_an_invisible_character,
        )
        return self.one(*respell)(self.one(*values)) if self.likely(0.85) else self.one(None, "", "  ")

    def user(self, number: int) -> Json:
        """A person, now and then a shared mailbox: disabled, unlicensed, without a name."""
        person = self.person(number)
        if self.likely(0.92):
            return person
        return person | {"givenName": None, "surname": None, "accountEnabled": False, "assignedLicenses": []}

    def person(self, number: int) -> Json:
        """Ids and usernames are unique in a tenant; any other address may be anybody's."""
        own = f"u{number}@x.example"
        usernames = (
            own,
            own,
            own.upper(),
            f"nobody{number}@t.onmicrosoft.com",
            f"nobody{number}",
            *ADDRESSES[number : number + 1],
        )
        prefixes = ("SMTP:", "smtp:", "smtp:", "smtp: ", "Smtp:", "SIP:", "X500:/o=", "SPO:")
        return {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "userPrincipalName": self.one(*usernames),
            "mail": self.one(None, "", own, own, self.address(number), self.address(number), "no address"),
            "proxyAddresses": self.some(3, lambda: self.one(*prefixes) + self.address(number))
            + self.some(1, lambda: f"smtp:u{number}@t.onmicrosoft.com"),
            "givenName": self.name(FIRST_NAMES),
            "surname": self.name(LAST_NAMES),
            "jobTitle": self.one(*TITLES),
            "businessPhones": self.some(2, lambda: self.one(*NUMBERS)),
            "mobilePhone": self.one(None, None, *NUMBERS),
            "officeLocation": self.one(None, *PLACES),
            "streetAddress": self.one(None, "2 low road"),
            "city": self.one(None, "York"),
            "state": None,
            "country": self.one(None, "UK"),
            "usageLocation": self.one(None, "US", "GB", "GB"),
            "accountEnabled": self.one(*[True] * 27, False, False, None),
            "userType": self.one("Member", "Member", "Member", "Member", None, "Guest"),
            "assignedLicenses": self.one(*[[{"skuId": SKU}]] * 6, [], [{"skuId": OTHER_SKU}]),
        }

    def deleted(self, number: int) -> Json:
        """A user among the deleted items; Graph puts the id in front of its username."""
        user = {**self.person(number), "id": f"00000000-0000-4000-8000-0000000de1{number:02d}"}
        return {**user, "userPrincipalName": user["id"].replace("-", "") + user["userPrincipalName"]}

    # -------------------------------------------------------------------- IT Glue

    def email(self, number: int) -> Json:
        return {"value": self.address(number), "label-name": self.one("Work", "Home"), "primary": self.likely(0.5)}

    def phone(self) -> Json:
        return {
            "value": self.one(*STORED_NUMBERS),
            "label-name": self.one(*LABELS),
            "extension": self.one(None, None, "7"),
            "primary": self.likely(0.5),
            "label-type": self.one("phone", "phone", "phone", "phone", "fax"),
        }

    def contact(self, number: int) -> Json:
        """Linked, orphaned, disabled or not; locked or not; with all kinds of primaries."""
        psa, adapters = self.one(
            *[(None, [])] * 7,
            ("enabled", [_link(901 + number)]),
            ("enabled", [_link(901 + number)]),
            (None, [_link(901 + number, kind="Vorex")]),
            ("enabled", []),
            ("orphaned", [_link(901 + number, orphaned=True)]),
            ("disabled", [_link(901 + number, sync=False)]),
            (None, [_link(77, kind="Microsoft Azure AD")]),
        )
        return {
            "id": 100 + number,
            "organization-id": CLIENT,
            "first-name": self.name(FIRST_NAMES),
            "last-name": self.name(LAST_NAMES),
            "title": self.one(*TITLES),
            "notes": self.one(None, "Rings twice. Παρακαλώ."),
            "important": self.one(None, True),
            "location-id": self.one(None, 10, 10, 11),
            "contact-type-id": self.one(None, None, 24, 24, FORMER),
            "contact-emails": self.some(3, lambda: self.email(number)),
            "contact-phones": self.some(3, self.phone),
            "psa-integration": psa,
            "adapters": adapters,
            "locked": self.one(*[[]] * 12, ["contact-emails"], ["contact-phones", "title"]),
            "updated-at": self.one(*["2020-01-01T00:00:00.000Z"] * 4, "2999-01-01T00:00:00.000Z"),
        }

    # ------------------------------------------------------------------------ BMS

    def bms_contact(self, number: int) -> Json:
        """The first ones are those that IT Glue's contacts may be linked with; others it does not know."""
        return {
            "id": 901 + number,
            "accountId": ACCOUNT,
            "locationId": self.one(31, 32),
            "firstName": self.name(FIRST_NAMES),
            "lastName": self.name(LAST_NAMES),
            "jobTitle": self.one(None, "", "Clerk"),
            "isActive": self.likely(0.8),
            "emails": self.some(2, lambda: {"emailAddress": self.address(number), "emailTypeId": 1, "isDefault": True}),
            "phones": self.some(
                1, lambda: {"phone": self.one(*STORED_NUMBERS), "phoneTypeId": self.one(1, 2), "isDefault": True}
            ),
        }

    # ------------------------------------------------------------------- settings

    def office365(self) -> Json:
        labels = self.one({"office": "Office", "mobile": "Mobile"}, {"office": "Direct", "mobile": "Handy"})
        switches = {name: self.likely(0.5) for name in ("set_phone_numbers_primary", "replace_blank_phone_numbers")}
        return {
            "tenant_id": TENANT,
            **switches,
            "phone_type": self.one(*labels.values()) if any(switches.values()) else self.one(None, *labels.values()),
            "phone_labels": labels,
            "email_label": self.one("Work", "E-Mail"),
            "primary_email": self.one("mail", "username"),
            "sync_aliases": self.likely(0.6),
            "contact_type": self.one(None, "approver", "End User"),
            "user_filter": {
                "licensed_only": self.likely(0.8),
                "license_skus": self.one(*[[]] * 6, [SKU]),
                "include_disabled": self.likely(0.2),
                "include_guests": self.likely(0.2),
                "groups": self.one(*[[]] * 6, ["Staff"], [GROUP]),
                "domains": self.one(*[[]] * 8, ["x.example"]),
                "exclude": self.one(*[[]] * 6, ["*3@x.example", "front@*"]),
                "require_name": self.likely(0.7),
            },
        }

    def bms_settings(self, method: str) -> Json:
        on = self.likely(0.85)
        return {
            "contact_sync": True,
            "two_way_sync": True,
            "auto_push_office365_contacts": on,
            "email_type": self.one("Work", "2"),
            "phone_type": self.one("work", "2"),
            "push_method": method,
            "account": self.one(None, None, str(ACCOUNT), NAME),
        }

    def options(self, users: Sequence[Json], contacts: Sequence[Json]) -> Json:
        """What a task says beside the settings."""
        overrides: Json = {}
        free = [contact["id"] for contact in contacts]
        for user in users:
            target = self.one(*(None,) * 12, "ignore", "new", "id")
            if target == "id" and free:
                overrides[user["id"]] = free.pop(self.chance.randrange(len(free)))
            elif target in ("ignore", "new"):
                overrides[user["userPrincipalName"]] = target
        chosen = [user["userPrincipalName"] for user in users if self.likely(0.5)]
        deactivate = self.likely(0.3)
        departed = {
            "departed": "deactivate",
            "departed_contact_type": self.one("Former", " FORMER"),
            "departed_keep": self.one([], [], [], ["u1@*"], ["101"]),
            "max_deactivations": self.one(*(None,) * 8, "1", "30%"),
        }
        return {
            **(departed if deactivate else {}),
            "organization": self.one(str(CLIENT), NAME, f" {NAME.upper()} "),
            "match_overrides": overrides,
            "update_linked": self.likely(0.2),
            "users": chosen if chosen and not deactivate and self.likely(0.1) else None,
            "allow_shrunken_source": self.likely(0.5),
            "max_creates": self.one(*(None,) * 12, "0", "50%"),
            "max_updates": self.one(*(None,) * 12, "1"),
            "max_pushes": self.one(*(None,) * 12, "0"),
        }

    def switches(self) -> Json:
        """Everything that the services may do in one way or the other and the result must not show."""
        noop_saves = self.likely(0.7)
        return {
            "itglue_page_limit": self.one(1000, 1000, 3, 1),
            "graph_page_limit": self.one(999, 999, 2, 1),
            "bms_page_limit": self.one(100, 100, 2, 1),
            "graph_empty_pages": self.likely(0.2),
            "itglue_bulk_atomic": self.likely(0.5),
            "itglue_empty_included": self.likely(0.5),
            "itglue_last_link": self.one("missing", "null"),
            "itglue_noop_saves": noop_saves,
            "itglue_phone_plus": self.one("strip", "keep"),
            "itglue_textbox": self.one("as_given", "editor"),
            "bms_bare_summary": self.likely(0.5),
            "bms_contact_patch_endpoints": self.likely(0.8),
            "bms_failure_style": self.one("200", "4xx"),
            "bms_inactive_by_default": self.likely(0.5),
            "bms_null_error": self.likely(0.3),
            "bms_order": self.one("id", "shuffle", "repeat", "skip_once"),
            "bms_pascal_case": self.likely(0.3),
            "bms_string_filter": self.one("contains", "startswith", "equals"),
            "bms_type_lookup": self.one("lookup", "tenantlookup"),
            "native_push_noop": noop_saves and self.likely(0.7),
            "two_way_unlocks": self.likely(0.3),
        }


def _with_an_invisible_character(value: str) -> str:
    """As text is copied from a web page: a zero-width space and a mark of direction."""
    return f"\u200f{value[:2]}\u200b{value[2:]}"


def _each_value_once(contact: Json) -> Json:
    arrays = {
        name: {entry["value"].casefold(): entry for entry in contact[name]}
        for name in ("contact-emails", "contact-phones")
    }
    return {**contact, **{name: list(entries.values()) for name, entries in arrays.items()}}


def _with_one_default(entries: list[Json], value: str) -> list[Json]:
    """As BMS keeps them: none twice, one default. With several it could not be taken back to."""
    once = {entry[value].casefold(): entry for entry in entries}.values()
    return [{**entry, "isDefault": not place} for place, entry in enumerate(once)]


def _link(remote_id: int, *, kind: str = "Kaseya BMS", sync: bool = True, orphaned: bool = False) -> Json:
    return {"adapter-type-name": kind, "remote-id": str(remote_id), "sync": sync, "orphaned": orphaned}


LOCATIONS = [
    {"id": 10, "organization-id": CLIENT, "name": "HQ", "primary": True, "address-1": "1 High Street", "city": "Leeds"},
    {"id": 11, "organization-id": CLIENT, "name": "Depot", "address-1": "2 Low Road", "city": "Leeds"},
    {"id": 12, "organization-id": CLIENT, "name": "depot ", "address-1": "2 Low Road", "city": "York"},
]
BMS_LOCATIONS = [
    {"id": 31, "locationName": "hq", "isMain": True},
    {"id": 32, "locationName": "Elsewhere", "isMain": False},
]


def world(
    users: Sequence[Json], contacts: Sequence[Json], in_bms: Sequence[Json], behaviour: Json, **parts: Any
) -> Json:
    """A world of these rows; `parts` may give other locations, adapters of the organization, deleted users."""
    neighbour = {"organization-id": OTHER, "first-name": "Ann", "last-name": "Lee", "notes": "Not ours."}
    return {
        "entra": {
            "client_id": "11111111-2222-4333-8444-555555555555",
            "client_secret": "entra-client-secret~of.the.sandbox",
            "tenants": [
                {
                    "tenant_id": TENANT,
                    "display_name": NAME,
                    "verified_domains": ["x.example", "t.onmicrosoft.com"],
                    "users": list(users),
                    "deleted_users": parts.get("deleted", []),
                    "groups": [{"id": GROUP, "displayName": "Staff", "members": [user["id"] for user in users[::2]]}],
                },
                {"tenant_id": OTHER_TENANT, "display_name": "Other", "verified_domains": ["other.example"]},
            ],
        },
        "itglue": {
            "api_key": "ITG.key-of-the-sandbox",
            "organizations": [
                {"id": MSP, "name": "The MSP", "primary": True},
                {"id": CLIENT, "name": NAME, "adapters": parts.get("adapters", [])},
                {"id": OTHER, "name": "Other"},
            ],
            "locations": parts.get("locations", LOCATIONS),
            "contact_types": [
                {"id": 24, "name": "Approver"},
                {"id": 25, "name": "End User"},
                {"id": FORMER, "name": "Former"},
            ],
            "contacts": [
                *contacts,
                {
                    "id": 501,
                    **neighbour,
                    "contact-emails": [{"value": "ann@x.example", "label-name": "Work", "primary": True}],
                },
            ],
        },
        "bms": {
            "company": "The MSP",
            "username": "api",
            "password": "bms-password-of-the-sandbox",
            "mfa_secret": parts.get("mfa_secret"),
            "email_types": [{"id": 1, "name": "Work"}, {"id": 2, "name": "Other"}],
            "phone_types": [{"id": 1, "name": "Work"}, {"id": 2, "name": "Other"}],
            "accounts": [
                {"id": ACCOUNT, "accountName": NAME, "locations": BMS_LOCATIONS},
                {"id": OTHER_ACCOUNT, "accountName": f"{NAME} (old)", "locations": []},
            ],
            "contacts": [
                *in_bms,
                {
                    "id": 801,
                    "accountId": OTHER_ACCOUNT,
                    "firstName": "Ann",
                    "lastName": "Lee",
                    "emails": [{"emailAddress": "ann@x.example"}],
                },
            ],
        },
        "behaviour": behaviour,
    }


chances = st.integers(0, 2**32).map(Random)
"""One draw a row: rows can be taken away when an example shrinks, and are quick to make."""


def rows(make: Callable[[Maker, int], Json], least: int, most: int) -> st.SearchStrategy[list[Json]]:
    """`least` to `most` rows, each made of its number and a chance of its own."""
    return st.lists(chances, min_size=least, max_size=most).map(
        lambda drawn: [make(Maker(chance), number) for number, chance in enumerate(drawn)]
    )


def cases(method: str = "direct", *, linked: bool = False, **switches: Any) -> st.SearchStrategy[Case]:
    """Worlds under one way to push; `switches` of the sandbox that are not left to chance. `linked`: most
    contacts are linked with BMS, and are updated."""

    def case(users: list[Json], contacts: list[Json], in_bms: list[Json], chance: Random) -> Case:
        make = Maker(chance)
        if switches.get("itglue_arrays") == "merge":
            # Entries meet by their value in a server that merges: it cannot hold one twice.
            contacts = [_each_value_once(contact) for contact in contacts]
        for contact in contacts if linked else ():
            if not contact["adapters"] and make.likely(0.7):
                contact["adapters"] = [_link(contact["id"] + 801, kind=make.one("Kaseya BMS", "Vorex"))]
                contact["psa-integration"] = make.one(None, "enabled")
        known = {contact["id"] + 801 for contact in contacts if contact["adapters"]} | {each["id"] for each in in_bms}
        # A link leads to a BMS contact that is there.
        theirs = [make.bms_contact(ident - 901) for ident in sorted(known - {each["id"] for each in in_bms})]
        for contact in [*in_bms, *theirs] if linked else ():
            contact["emails"] = _with_one_default(contact["emails"], "emailAddress")
        adapters = make.one([], [_link(ACCOUNT)], [_link(ACCOUNT), _link(5, orphaned=True)])
        if switches.get("native_push"):
            adapters = [_link(ACCOUNT)]
        locations = make.one(LOCATIONS, LOCATIONS, [{**each, "primary": False} for each in LOCATIONS])
        made = world(
            users,
            contacts,
            [*in_bms, *theirs],
            {**make.switches(), **switches},
            adapters=adapters,
            locations=locations,
            deleted=[make.deleted(number) for number in range(len(users)) if make.likely(0.2)],
        )
        settings = {"office365": make.office365(), "bms": make.bms_settings(method)}
        if switches.get("native_push"):
            # IT Glue's own push asks nobody: with the collection's switches off it pushes all the same.
            settings["bms"]["auto_push_office365_contacts"] = True
            # Nor is it known whether a primary fax is a primary phone to it.
            for entry in (entry for contact in contacts for entry in contact["contact-phones"]):
                entry["primary"] = entry["primary"] and entry["label-type"] != "fax"
            # An IT Glue that pushes to Kaseya BMS has its links there.
            for adapter in (each for contact in contacts for each in contact["adapters"]):
                adapter["adapter-type-name"] = adapter["adapter-type-name"].replace("Vorex", "Kaseya BMS")
        options = {**make.options(users, contacts), **({"update_linked": True} if linked else {})}
        if method == "direct" and options["update_linked"]:
            # BMS is written by the run itself: an IT Glue that carries the same edits there is not promised.
            made["behaviour"]["two_way_unlocks"] = False
        if make.likely(0.5):
            return Case(with_settings(made, {CLIENT: settings}), options)
        return Case(made, {**options, "office365_settings": settings["office365"], "bms_settings": settings["bms"]})

    return st.builds(case, rows(Maker.user, 2, 7), rows(Maker.contact, 1, 7), rows(Maker.bms_contact, 0, 6), chances)

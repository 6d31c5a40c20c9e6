# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit finds, by its rules alone."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.audit import ANY_TYPES, Audit, as_if_pushing, audit
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    Adapter,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsPhone,
    BmsSettings,
    BmsSnapshot,
    Contact,
    Email,
    Location,
    Office365Settings,
    Organization,
    Phone,
    Snapshot,
    User,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning

ACCOUNT = Account(1, "Frog")


def user(name: str, **values) -> User:
    first, last = name.split()
    address = f"{first}.{last}@frog.example".lower()
    return User(f"id-{first}-{last}", address, mail=address, given_name=first, surname=last, sku_ids=("sku",), **values)


def contact(ident: int, name: str, *addresses: str, **values) -> Contact:
    first, last = name.split()
    return Contact(ident, first, last, emails=tuple(Email(each, None, True) for each in addresses), **values)


def bms_contact(ident: int, name: str, *addresses: str, **values) -> BmsContact:
    first, last = name.split()
    emails = tuple(BmsEmail(each, 1, "Work") for each in addresses)
    return BmsContact(ident, 1, first_name=first, last_name=last, emails=emails, **values)


def findings(users=(), contacts=(), bms=(), locations=(), bms_locations=(), read=True, **options) -> Audit:
    snapshot = as_if_pushing(
        Snapshot(
            Organization(1, "Frog"),
            "tenant",
            Office365Settings(set_phone_numbers_primary=True, phone_type="Office"),
            BmsSettings(push_method="native"),
            tuple(users),
            tuple(contacts),
        )
    )
    there = BmsSnapshot(ACCOUNT, tuple(bms), tuple(bms_locations)) if read else None
    planning = Planning(
        snapshot,
        Options(allow_shrunken_source=True, **options),
        Findings(
            verified_domains=frozenset(),
            deleted_users=(),
            locations=tuple(locations),
            bms=there,
            bms_locations=tuple(bms_locations),
            bms_types=ANY_TYPES,
            not_read={} if read else {Need.BMS: "BMS has no such account."},
        ),
    )
    return audit(planning, locations, there)


def test_a_bms_contact_is_had_by_link_by_address_or_by_name():
    link = Adapter("Kaseya BMS", "903", sync=True)
    found = findings(
        contacts=[
            contact(1, "Ann One", "shared@frog.example"),
            contact(2, "Ben Two"),
            contact(3, "Cat Three", adapters=(link,)),
        ],
        bms=[
            bms_contact(904, "Eve Nobody", "eve@frog.example"),
            bms_contact(901, "Other Name", "SHARED@frog.example"),
            bms_contact(902, "BEN two", "else@frog.example"),
            bms_contact(903, "Linked Another"),
        ],
    )
    assert [each.contact.id for each in found.bms_only] == [904]


def test_a_bms_contact_may_be_a_user_by_address_username_or_name():
    users = [user("Ann One"), user("Ben Two"), user("Cat Three")]
    found = findings(
        users,
        bms=[
            bms_contact(901, "X Y", "ANN.one@frog.example"),
            bms_contact(902, "Ben Two"),
            bms_contact(903, "No Body", "no@frog.example"),
        ],
    )
    assert [each.users for each in found.bms_only] == [("ann.one@frog.example",), ("ben.two@frog.example",), ()]


def test_duplicates_of_one_side_by_address_and_by_name():
    found = findings(
        contacts=[contact(2, "Ann One", "a@x.example"), contact(1, "ANN one", "A@X.example"), contact(3, "Cat Three")],
        bms=[bms_contact(9, "Cat Three"), bms_contact(8, "Cat Three", "b@x.example")],
    )
    assert [(each.by, each.value, each.contact_ids) for each in found.itglue_duplicates] == [
        ("address", "a@x.example", (1, 2)),
        ("name", "ann one", (1, 2)),
    ]
    assert [(each.by, each.contact_ids) for each in found.bms_duplicates] == [("name", (8, 9))]


def test_an_address_that_one_contact_has_twice_is_no_duplicate():
    assert findings(contacts=[contact(1, "Ann One", "a@x.example", "A@x.example")]).itglue_duplicates == ()


def test_who_is_not_ready_and_why():
    place = Location(10, "Pond", primary=True)
    nameless = User("id", "", given_name="No", surname="Address", sku_ids=("sku",))
    users = [user("Ann One"), user("Ben Two", business_phones=("5550100",)), nameless]
    found = findings(users, locations=[place])
    reported = [(each.user, each.missing, [reason.code for reason in each.reasons]) for each in found.not_ready]
    assert reported == [("", (), ["no_address"]), ("ann.one@frog.example", ("primary_phone",), [])]


def test_it_is_asked_what_would_be_whatever_is_switched_on():
    """The settings above push nothing, and by the other method."""
    ready = user("Ann One", business_phones=("5550100",))
    twins = [bms_contact(ident, "Ann One", "ann.one@frog.example") for ident in (901, 902)]
    found = findings([ready], locations=[Location(10, "Pond", primary=True)], bms=twins)
    assert [(each.rule, each.bms_contact_ids) for each in found.conflicts] == [("bms_email", (901, 902))]


def test_conflicts_between_users_and_contacts():
    found = findings([user("Ann One")], [contact(1, "Ann One"), contact(2, "Ann One")], read=False)
    assert [(each.rule, each.contact_ids) for each in found.conflicts] == [("name", (1, 2))]


def test_contacts_of_another_first_name_that_an_address_matches():
    link = Adapter("Kaseya BMS", "903", sync=True)
    users = [user("Michael Smith"), user("Anthony Roe"), user("Ann One"), user("Ben Two"), user("Eve Ewing")]
    left_out, answered = replace(user("Robert Poe"), sku_ids=()), user("William Fox")
    found = findings(
        [*users, left_out, answered],
        contacts=[
            contact(1, "Mike Smith", "michael.smith@frog.example"),
            contact(2, "Tony Roe", "anthony.roe@frog.example", adapters=(link,)),
            contact(3, "A. One", "ann.one@frog.example"),
            contact(4, "Ben Two"),
            contact(5, "Eve Married", "eve.ewing@frog.example"),
            contact(6, "Bob Poe", "robert.poe@frog.example"),
            contact(7, "Bill Fox"),
        ],
        match_overrides={answered.id: 7},
    )
    pairs = [(each.user.given_name, each.contact.id) for each in found.other_first_names]
    assert pairs == [("Anthony", 2), ("Michael", 1)]


def test_locations_that_bms_lacks_by_name():
    found = findings(
        contacts=[contact(1, "Ann One", location_id=10), contact(2, "Ben Two", location_id=10)],
        locations=[Location(12, "Shore"), Location(10, "Pond"), Location(11, " head  QUARTERS ")],
        bms_locations=[BmsLocation(1, "Headquarters"), BmsLocation(2, "Head Quarters"), BmsLocation(3, None)],
    )
    assert [(each.location.name, each.contacts) for each in found.lacked_locations] == [("Pond", 2), ("Shore", 0)]


def test_the_types_in_use_count_contacts():
    phones = (BmsPhone("1", 5, "Cell"), BmsPhone("2", 5, "Cell"), BmsPhone("3", 2, None))
    found = findings(bms=[bms_contact(1, "A B", "a@x", "b@x", phones=phones), bms_contact(2, "C D", phones=phones[:1])])
    assert [(each.type.id, each.type.name, each.contacts) for each in found.email_types] == [(1, "Work", 1)]
    assert [(each.type.id, each.type.name, each.contacts) for each in found.phone_types] == [(2, "", 1), (5, "Cell", 2)]


def test_contacts_that_itglues_own_microsoft_integration_holds():
    adapter = Adapter("Microsoft 365", "x", sync=True)
    found = findings(contacts=[contact(2, "Ben Two", adapters=(adapter,)), contact(1, "Ann One")])
    assert [each.id for each in found.microsoft_contacts] == [2]


def test_without_bms_what_needs_it_is_empty():
    found = findings(
        [user("Ann One")], [contact(1, "Ben Two", phones=(Phone("1"),))], locations=[Location(1, "Pond")], read=False
    )
    assert found.bms_only == found.bms_duplicates == found.lacked_locations == found.email_types == ()

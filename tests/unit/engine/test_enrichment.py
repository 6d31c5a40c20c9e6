# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a contact should be (feature, section 4), and whether it is ready for BMS (section 5)."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.enrichment import (
    emails,
    enriched,
    location_of,
    missing,
    phones,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Contact,
    Email,
    Location,
    Phone,
    PhoneLabels,
)
from tests.unit.engine.builders import OFFICE, contact, person, ready, settings, user

# ------------------------------------------------------------- names and title


@pytest.mark.parametrize(
    ("present", "wanted", "expected"),
    [
        pytest.param("Ann", "Anne", "Anne", id="changed"),
        pytest.param(None, "Ann", "Ann", id="added"),
        pytest.param("", "Ann", "Ann", id="added-to-a-blank"),
        pytest.param("Ann", None, "Ann", id="none-never-overwrites"),
        pytest.param("Ann", "", "Ann", id="blank-never-overwrites"),
        pytest.param("Ann", " \u00a0\t", "Ann", id="white-space-never-overwrites"),
        pytest.param(" Ann ", "Ann", " Ann ", id="equal-after-trimming"),
        pytest.param("Zoe\u0308", "Zoë", "Zoe\u0308", id="equal-after-nfc"),
        pytest.param("ann", "Ann", "Ann", id="case-is-a-change"),
        pytest.param("Ann", "  Anne ", "Anne", id="written-trimmed"),
        pytest.param(None, "Zoe\u0308", "Zoë", id="written-composed"),
        pytest.param("Ａｎｎ", "Ann", "Ann", id="compatibility-forms-differ-in-writing"),
    ],
)
@pytest.mark.parametrize(
    ("of_user", "of_contact"),
    [("given_name", "first_name"), ("surname", "last_name"), ("job_title", "title")],
    ids=["first-name", "last-name", "title"],
)
def test_text(of_user, of_contact, present, wanted, expected):
    found = enriched(user(**{of_user: wanted}), replace(contact(), **{of_contact: present}), settings())
    assert getattr(found, of_contact) == expected


# --------------------------------------------------------------------- e-mails


def e(value, label="Work", primary=False):
    return Email(value, label, primary)


MAIN = e("ann@client.example", primary=True)


@pytest.mark.parametrize(
    ("someone", "present", "more", "expected"),
    [
        pytest.param(user(), (), {}, (MAIN,), id="added-as-primary"),
        pytest.param(user(), (MAIN,), {}, (MAIN,), id="nothing-to-do"),
        pytest.param(user(), (), {"email_label": "Email"}, (replace(MAIN, label="Email"),), id="label-of-an-added-one"),
        pytest.param(
            user(),
            (replace(MAIN, label="Home"),),
            {"email_label": "Email"},
            (replace(MAIN, label="Home"),),
            id="labels-are-for-added-entries-only",
        ),
        pytest.param(
            user(), (e("Ann@CLIENT.example"),), {}, (e("Ann@CLIENT.example", primary=True),), id="kept-as-written"
        ),
        pytest.param(
            user(),
            (e("old@x.io", "Home", True),),
            {},
            (e("old@x.io", "Home"), MAIN),
            id="others-are-kept-with-their-labels",
        ),
        pytest.param(
            user(mail="new@x.io", proxy_addresses=()),
            (MAIN,),
            {},
            (replace(MAIN, primary=False), e("new@x.io", primary=True)),
            id="the-primary-moves",
        ),
        pytest.param(
            user(),
            (e("a@x.io", "Home", True), e("b@x.io", None, True), MAIN),
            {},
            (e("a@x.io", "Home"), e("b@x.io", None), MAIN),
            id="several-primaries-become-one",
        ),
        pytest.param(
            user(), (e("a@x.io"), e("ann@client.example")), {}, (e("a@x.io"), MAIN), id="no-primary-becomes-one"
        ),
        pytest.param(
            user(),
            (e("ann@client.example", "Home"), e("ANN@client.example", "Work")),
            {},
            (e("ann@client.example", "Home", True),),
            id="no-address-twice-whatever-its-case",
        ),
        pytest.param(
            user(),
            (e("ann@client.example", "Home"), e("ANN@client.example", "Work", True)),
            {},
            (e("ANN@client.example", "Work", True),),
            id="of-two-the-primary-one-stays",
        ),
        pytest.param(
            user(proxy_addresses=("SMTP:ann@client.example", "smtp:a.lee@client.example", "SIP:ann@client.example")),
            (),
            {},
            (MAIN, e("a.lee@client.example")),
            id="aliases-are-added",
        ),
        pytest.param(
            user(proxy_addresses=("smtp:ann@client.onmicrosoft.com", "smtp:ann@client.mail.OnMicrosoft.com")),
            (),
            {},
            (MAIN,),
            id="onmicrosoft-aliases-are-not",
        ),
        pytest.param(
            user(proxy_addresses=("smtp:ann@client.onmicrosoft.com",)),
            (e("ann@client.onmicrosoft.com", "Old"),),
            {},
            (e("ann@client.onmicrosoft.com", "Old"), MAIN),
            id="onmicrosoft-that-is-there-is-kept",
        ),
        pytest.param(
            user(proxy_addresses=("smtp:a.lee@client.example",)), (), {"sync_aliases": False}, (MAIN,), id="no-aliases"
        ),
        pytest.param(
            user(username="ann@client.onmicrosoft.com"),
            (),
            {"primary_email": "username"},
            (e("ann@client.onmicrosoft.com", primary=True), e("ann@client.example")),
            id="username-as-primary-even-of-onmicrosoft",
        ),
        pytest.param(
            user(username="ann@client.onmicrosoft.com"),
            (),
            {"primary_email": "username", "sync_aliases": False},
            (e("ann@client.onmicrosoft.com", primary=True),),
            id="username-alone",
        ),
        pytest.param(
            user(username="u@x.io", mail=" ", proxy_addresses=()),
            (),
            {},
            (e("u@x.io", primary=True),),
            id="blank-mail-falls-back-on-the-username",
        ),
        pytest.param(
            user(username="u", mail=None, proxy_addresses=("smtp:a@x.io", "smtp:b@x.io")),
            (),
            {},
            (e("a@x.io", primary=True), e("b@x.io")),
            id="an-alias-where-there-is-nothing-else",
        ),
        pytest.param(
            user(username="u", mail=None, proxy_addresses=()),
            (e("a@x.io"), e("b@x.io", primary=True)),
            {},
            (e("a@x.io"), e("b@x.io", primary=True)),
            id="the-present-primary-where-the-user-has-none",
        ),
        pytest.param(
            user(username="u", mail=None, proxy_addresses=()),
            (e("a@x.io"), e("b@x.io")),
            {},
            (e("a@x.io", primary=True), e("b@x.io")),
            id="the-first-where-there-is-no-primary-at-all",
        ),
        pytest.param(user(username="u", mail=None, proxy_addresses=()), (), {}, (), id="no-address-at-all"),
    ],
)
def test_emails(someone, present, more, expected):
    assert emails(someone, Contact(72, emails=present), settings(**more)) == expected


# ---------------------------------------------------------------------- phones


def p(value, label="Office", primary=False, extension=None, kind="phone"):
    return Phone(value, label, extension, primary, kind)


def caller(office=None, mobile=None):
    return user(business_phones=(office,) if office else (), mobile_phone=mobile)


A, B, C = "4155550100", "4155550101", "4155550102"


@pytest.mark.parametrize(
    ("someone", "present", "expected"),
    [
        pytest.param(caller(), (), (), id="nothing"),
        pytest.param(caller(A, B), (), (p(A), p(B, "Mobile")), id="office-and-mobile-under-their-labels"),
        pytest.param(user(business_phones=(A, B, C)), (), (p(A),), id="the-first-business-phone"),
        pytest.param(caller("(415) 555-0100"), (p(A),), (p(A),), id="compared-by-digits"),
        pytest.param(caller("+1 415 555 0100"), (p("14155550100"),), (p("14155550100"),), id="a-plus-aside"),
        pytest.param(caller("001 415 555 0100"), (p("14155550100"),), (p("14155550100"),), id="a-leading-00-aside"),
        pytest.param(caller("14155550100"), (p("0014155550100"),), (p("0014155550100"),), id="00-on-the-other-side"),
        pytest.param(caller("415 555 0100 x123"), (), (p(A, extension="123"),), id="x-is-the-extension"),
        pytest.param(caller("415 555 0100 ext. 5"), (p(A),), (p(A),), id="a-number-that-is-there-is-not-touched"),
        pytest.param(caller(A), (p(A, "Home"),), (p(A, "Home"),), id="there-under-another-label"),
        pytest.param(caller(A), (p(A, "Fax", kind="fax"),), (p(A, "Fax", kind="fax"),), id="there-as-a-fax"),
        pytest.param(caller(A), (p(B),), (p(A),), id="one-other-under-the-label-is-replaced"),
        pytest.param(caller(A), (p(B, "OFFICE "),), (p(A, "OFFICE "),), id="labels-of-any-case-the-present-one-stays"),
        pytest.param(
            caller("415 555 0100 x9"), (p(B, extension="4"),), (p(A, extension="9"),), id="its-extension-goes-with-it"
        ),
        pytest.param(caller(A), (p(B, extension="4"),), (p(A),), id="its-extension-goes-even-for-none"),
        pytest.param(caller(A), (p(B, primary=True),), (p(A, primary=True),), id="the-replacement-inherits-primary"),
        pytest.param(caller(A), (p(B), p(C)), (p(B), p(C), p(A)), id="several-under-the-label-added"),
        pytest.param(
            caller(A), (p(B, kind="fax"),), (p(B, kind="fax"), p(A)), id="a-fax-under-the-label-is-not-replaced"
        ),
        pytest.param(caller(A), (p(B, "Home"), p(C, None)), (p(B, "Home"), p(C, None), p(A)), id="all-others-are-kept"),
        pytest.param(caller(None, A), (p(B),), (p(B), p(A, "Mobile")), id="only-its-own-label"),
        pytest.param(caller(A, B), (p(B), p(A, "Mobile")), (p(B), p(A, "Mobile")), id="swapped-labels-are-left"),
        pytest.param(caller(A, B), (p(B),), (p(B), p(A)), id="the-users-other-number-is-not-replaced"),
        pytest.param(caller(A, "+" + A), (), (p(A),), id="one-number-twice-is-added-once"),
        pytest.param(caller("1-800-FLOWERS"), (p(B),), (p(B),), id="a-vanity-number-is-no-number"),
        pytest.param(caller("000-000-0000"), (p(B),), (p(B),), id="zeros-are-no-number"),
        pytest.param(caller("n/a", "x12"), (p(B),), (p(B),), id="words-and-a-bare-extension-are-no-number"),
        pytest.param(caller("٠٢٠٧٩٤٦٠٩٥٨"), (p("02079460958"),), (p("02079460958"),), id="arabic-digits"),
        pytest.param(caller(A), (p("0000000000"),), (p(A),), id="a-placeholder-under-the-label-is-replaced"),
        pytest.param(
            caller(A),
            (p(B, primary=True), p(C, primary=True)),
            (p(B, primary=True), p(C, primary=True), p(A)),
            id="primary-is-not-touched-without-the-switch",
        ),
    ],
)
def test_phones(someone, present, expected):
    assert phones(someone, present, settings()) == expected


def test_phone_labels_are_those_of_the_settings():
    labels = PhoneLabels(office="Work", mobile="Cell")
    assert phones(caller(A, B), (), settings(phone_labels=labels)) == (p(A, "Work"), p(B, "Cell"))


ZERO = "000-000-0000"
FAX = p("4155559999", "Fax", primary=True, kind="fax")


@pytest.mark.parametrize(
    ("phone_type", "someone", "present", "expected"),
    [
        pytest.param("Mobile", caller(A, B), (), B, id="the-users-number-of-phone_type"),
        pytest.param("Mobile", caller(A, B), (p(C, primary=True),), B, id="before-the-present-primary"),
        pytest.param("Mobile", caller(A), (p(C, "Mobile", primary=True),), A, id="the-users-other-number"),
        pytest.param(
            "Mobile", caller(), (p(A), p(B, "Home", primary=True), p(C, "Mobile")), B, id="the-present-primary"
        ),
        pytest.param("Mobile", caller(), (p(A), p(C, "mobile ")), C, id="the-phone-labelled-phone_type"),
        pytest.param("Mobile", caller(), (p(A), p(B, "Home")), A, id="the-first-phone"),
        pytest.param("Mobile", caller(), (FAX, p(A)), A, id="never-a-fax"),
        pytest.param(
            "Office", caller(), (p(B, "Office", kind="fax"), p(A, "Home")), A, id="not-even-a-fax-of-phone_type"
        ),
        pytest.param(
            "Office",
            caller(),
            (p(ZERO, "Office", primary=True), p(A, "Home")),
            A,
            id="never-the-placeholder-beside-a-real-one",
        ),
        pytest.param(
            "Office",
            caller(),
            (p("1800FLOWERS", "Home", primary=True), p(ZERO, "Office")),
            "1800FLOWERS",
            id="a-number-in-letters-is-a-real-one",
        ),
        pytest.param("Office", caller(), (p(ZERO, "Office"),), ZERO, id="the-placeholder-alone"),
        pytest.param(
            "Office",
            caller(B),
            (p(B, "Home"), p(A, "Office", primary=True)),
            B,
            id="the-users-number-under-whatever-label",
        ),
        pytest.param("Mobile", caller(), (p(A, primary=True), p(B, primary=True)), A, id="of-several-primaries-one"),
    ],
)
def test_the_primary_phone(phone_type, someone, present, expected):
    found = phones(someone, present, settings(set_phone_numbers_primary=True, phone_type=phone_type))
    assert [each.value for each in found if each.primary] == [expected]


def test_no_phone_no_primary():
    found = phones(
        caller(), (replace(FAX, primary=False),), settings(set_phone_numbers_primary=True, phone_type="Office")
    )
    assert found == (replace(FAX, primary=False),)


@pytest.mark.parametrize(
    ("someone", "present", "expected"),
    [
        pytest.param(caller(), (), (p(ZERO, "Mobile", True),), id="no-number-on-either-side"),
        pytest.param(caller("n/a", ZERO), (), (p(ZERO, "Mobile", True),), id="zeros-and-words-are-no-number"),
        pytest.param(caller(), (FAX,), (replace(FAX, primary=False), p(ZERO, "Mobile", True)), id="a-fax-is-no-number"),
        pytest.param(caller(A), (), (p(A),), id="a-number-of-the-user"),
        pytest.param(caller(), (p(A),), (p(A),), id="a-number-of-the-contact"),
        pytest.param(caller(), (p("1800FLOWERS"),), (p("1800FLOWERS"),), id="a-number-in-letters"),
        pytest.param(
            caller(), (p("0000000000", "Home"),), (p("0000000000", "Home", True),), id="the-placeholder-that-is-there"
        ),
        pytest.param(
            caller(),
            (p(ZERO, "Home"), p(ZERO, "Mobile", True)),
            (p(ZERO, "Home"), p(ZERO, "Mobile", True)),
            id="of-two-placeholders-the-primary-one",
        ),
        pytest.param(
            caller(A),
            (p(ZERO, "Mobile", True),),
            (p(A, "Office", True),),
            id="a-real-number-replaces-it-and-is-primary",
        ),
        pytest.param(
            caller(None, A), (p(ZERO, "Mobile", True),), (p(A, "Mobile", True),), id="a-real-number-under-its-label"
        ),
        pytest.param(
            caller(A, B), (p(ZERO, "Mobile", True),), (p(B, "Mobile", True), p(A)), id="two-real-numbers-one-primary"
        ),
        pytest.param(
            caller(), (p(ZERO, "Mobile", True), p(A, "Home")), (p(A, "Home", True),), id="a-real-number-typed-by-hand"
        ),
        pytest.param(
            caller(), (p(ZERO, "Mobile"), p(A, "Home", True)), (p(A, "Home", True),), id="a-primary-beside-it-stays"
        ),
        pytest.param(
            caller(A),
            (p(ZERO, "Mobile"), p(A, "Home"), p(B, "Cell", True)),
            (p(A, "Home"), p(B, "Cell", True)),
            id="what-was-not-primary-hands-nothing-on",
        ),
    ],
)
def test_the_blank_phone(someone, present, expected):
    assert phones(someone, present, settings(replace_blank_phone_numbers=True, phone_type="Mobile")) == expected


def test_no_placeholder_without_the_switch():
    assert phones(caller(), (), settings(set_phone_numbers_primary=True, phone_type="Mobile")) == ()
    kept = (p(ZERO, "Mobile", True), p(A, "Home"))
    assert phones(caller(), kept, settings()) == kept


# -------------------------------------------------------------------- location

LEEDS = OFFICE
DEPOT = Location(11, "Depot", address_1="2 Low Road", city="Leeds", region="Yorkshire", country="United Kingdom")
WEST = Location(12, "West", address_1="1 Main Street", city="Springfield", region="Illinois", country="US")
EAST = Location(13, "East", address_1="1 Main Street", city="Springfield", region="Ohio", country="US")
NAMELESS = Location(14, None, address_1=None, city="Leeds")


@pytest.mark.parametrize(
    ("someone", "locations", "expected"),
    [
        pytest.param(user(office_location="Depot"), (LEEDS, DEPOT), DEPOT, id="1-the-name-of-the-office"),
        pytest.param(user(office_location=" DEPOT "), (LEEDS, DEPOT), DEPOT, id="1-trimmed-and-case-folded"),
        pytest.param(
            user(office_location="Depot", street_address="1 High Street", city="Leeds"),
            (LEEDS, DEPOT),
            DEPOT,
            id="1-before-2",
        ),
        pytest.param(user(street_address="2 low road", city="LEEDS"), (LEEDS, DEPOT), DEPOT, id="2-street-and-city"),
        pytest.param(user(street_address="2 Low Road", city="York"), (LEEDS, DEPOT), LEEDS, id="2-needs-the-city"),
        pytest.param(
            user(street_address="", city="Leeds"), (DEPOT, NAMELESS), None, id="2-a-blank-street-is-no-address"
        ),
        pytest.param(
            user(street_address="2 Low Road", city="Leeds", state="W. Yorks", country="GB"),
            (LEEDS, DEPOT),
            DEPOT,
            id="2-a-state-spelled-otherwise-does-not-matter",
        ),
        pytest.param(
            user(street_address="1 Main Street", city="Springfield", state="ohio"),
            (LEEDS, WEST, EAST),
            EAST,
            id="2-the-state-tells-apart",
        ),
        pytest.param(
            user(street_address="1 Main Street", city="Springfield", country="US"),
            (LEEDS, WEST, EAST),
            LEEDS,
            id="2-several-hits-next-rule",
        ),
        pytest.param(user(), (DEPOT, LEEDS), LEEDS, id="3-the-primary-location"),
        pytest.param(user(office_location="Nowhere"), (DEPOT, LEEDS), LEEDS, id="3-after-no-hit"),
        pytest.param(
            user(office_location="Depot"), (DEPOT, replace(DEPOT, id=99), LEEDS), LEEDS, id="1-several-hits-next-rule"
        ),
        pytest.param(user(), (DEPOT,), DEPOT, id="4-the-only-one"),
        pytest.param(user(), (DEPOT, WEST), None, id="4-not-the-only-one"),
        pytest.param(user(), (LEEDS, replace(LEEDS, id=98)), None, id="3-several-primaries"),
        pytest.param(user(office_location=""), (NAMELESS, DEPOT), None, id="blank-is-no-name"),
        pytest.param(user(), (), None, id="no-location"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_location(someone, locations, expected, turned):
    assert location_of(someone, tuple(reversed(locations)) if turned else locations) == expected


def test_an_existing_location_is_kept():
    found = enriched(
        user(office_location="Depot"), contact(location_id=7, location_name="Old"), settings(), (LEEDS, DEPOT)
    )
    assert (found.location_id, found.location_name) == (7, "Old")


def test_a_location_comes_with_its_name():
    found = enriched(user(office_location="Depot"), contact(), settings(), (LEEDS, DEPOT))
    assert (found.location_id, found.location_name) == (11, "Depot")


# ---------------------------------------------------------------- contact type


def test_the_contact_type_is_for_new_contacts_only():
    assert enriched(user(), None, settings(), contact_type_id=24).contact_type_id == 24
    assert enriched(user(), contact(), settings(), contact_type_id=24).contact_type_id is None
    assert enriched(user(), contact(contact_type_id=5), settings(), contact_type_id=24).contact_type_id == 5


def test_a_new_contact_is_complete():
    someone = person("ann", job_title=" Clerk ", business_phones=("415-555-0100 x7",))
    found = enriched(someone, None, settings(set_phone_numbers_primary=True, phone_type="Office"), (OFFICE,), 24)
    assert found == Contact(
        id=0,
        first_name="Ann",
        last_name="Lee",
        title="Clerk",
        emails=(MAIN,),
        phones=(p(A, primary=True, extension="7"),),
        location_id=10,
        location_name="Head Office",
        contact_type_id=24,
    )


def test_what_the_rules_do_not_speak_of_is_kept():
    before = ready(psa_integration="enabled", organization_id=1)
    assert enriched(person("ann.lee"), before, settings(), (OFFICE,)) == before


# ------------------------------------------------------------------- readiness


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (), id="ready"),
        pytest.param({"first_name": " "}, ("first_name",), id="first-name"),
        pytest.param({"last_name": None}, (), id="last-name-is-not-needed"),
        pytest.param({"emails": ()}, ("primary_email",), id="no-e-mail"),
        pytest.param({"emails": (e("a@x.io"),)}, ("primary_email",), id="no-primary-e-mail"),
        pytest.param({"phones": ()}, ("primary_phone",), id="no-phone"),
        pytest.param({"phones": (p(A),)}, ("primary_phone",), id="no-primary-phone"),
        pytest.param({"phones": (FAX,)}, ("primary_phone",), id="a-fax-is-no-phone"),
        pytest.param({"phones": (p(ZERO, primary=True),)}, (), id="the-placeholder-is-one"),
        pytest.param({"location_id": None}, ("location",), id="location"),
        pytest.param(
            {"first_name": None, "emails": (), "phones": (), "location_id": None},
            ("first_name", "primary_email", "primary_phone", "location"),
            id="all-in-order",
        ),
    ],
)
def test_missing(changes, expected):
    assert missing(replace(ready(), **changes)) == expected


def test_what_no_rule_enriches_stays_whatever_it_is():
    there = ready(72, "ann.lee", contact_type_id=5, psa_integration="enabled", organization_id=9, updated_at="now")
    becomes = enriched(person("ann.lee", job_title="Clerk"), there, settings())
    names = [each.name for each in fields(there) if each.init]
    changed = [name for name in names if getattr(becomes, name) != getattr(there, name)]
    assert changed == ["title"]

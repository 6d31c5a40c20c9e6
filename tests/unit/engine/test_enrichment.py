# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a contact should be, and whether it is ready for BMS."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.enrichment import (
    emails,
    enriched,
    location_of,
    missing,
    needs_locations,
    region_of,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Contact,
    Email,
    Location,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import smtp_by_key
from tests.unit.engine.builders import OFFICE, contact, person, ready, settings, user

# ------------------------------------------------------------- names and title


def written_over(of_user, of_contact, present, wanted):
    """What a field of a contact holds once that of a user is written over it."""
    found = enriched(user(**{of_user: wanted}), replace(contact(), **{of_contact: present}), settings())[0]
    return getattr(found, of_contact)


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
    assert written_over(of_user, of_contact, present, wanted) == expected


@pytest.mark.parametrize(
    ("present", "wanted", "expected"),
    [
        pytest.param("Able", "-", "Able", id="a-placeholder-replaces-no-name"),
        pytest.param("Able", "n/a", "Able", id="nor-does-a-note"),
        pytest.param("Able", "ann@client.example", "Able", id="nor-does-an-address"),
        pytest.param("Able", "Dr.", "Able", id="nor-does-a-title-alone"),
        pytest.param("Able", "Dr. Baker", "Dr. Baker", id="a-title-before-a-name-does"),
        pytest.param(None, "-", "-", id="it-fills-a-blank"),
        pytest.param("n/a", "-", "-", id="and-replaces-another-placeholder"),
        pytest.param("-", "Able", "Able", id="a-name-replaces-it"),
    ],
)
@pytest.mark.parametrize(("of_user", "of_contact"), [("given_name", "first_name"), ("surname", "last_name")])
def test_a_placeholder_never_replaces_a_name(of_user, of_contact, present, wanted, expected):
    """It counts as blank where names are compared, and a blank never overwrites."""
    assert written_over(of_user, of_contact, present, wanted) == expected


def test_a_surname_that_is_a_title_too_is_written():
    assert enriched(user(surname="Herr"), replace(contact(), last_name="Able"), settings())[0].last_name == "Herr"


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
            (MAIN, e("a@x.io", "Home"), e("A@x.io")),
            {},
            (MAIN, e("a@x.io", "Home")),
            id="no-other-twice-either",
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
            user(proxy_addresses=("SMTP:ann@client.example", "smtp:a.lee@client.example")),
            (MAIN,),
            {},
            (MAIN, e("a.lee@client.example")),
            id="an-alias-is-added-where-all-else-is-there",
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
            (),
            id="an-existing-contact-does-not-get-the-username-for-a-blank-mail",
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
        pytest.param(
            user(username="u@c.onmicrosoft.com", mail=None, proxy_addresses=()),
            (e("a@x.io"), e("b@x.io", primary=True)),
            {},
            (e("a@x.io"), e("b@x.io", primary=True)),
            id="the-present-primary-before-the-username",
        ),
        pytest.param(
            user(username="u@c.onmicrosoft.com", mail="", proxy_addresses=("smtp:a@x.io", "SMTP:b@x.io")),
            (e("a@x.io", primary=True), e("b@x.io")),
            {},
            (e("a@x.io"), e("b@x.io", primary=True)),
            id="the-mailbox-address-for-a-blank-mail",
        ),
        pytest.param(
            user(username="g_x.io#EXT#@c.onmicrosoft.com", mail=None, proxy_addresses=()),
            (e("a@x.io", primary=True),),
            {"primary_email": "username"},
            (e("a@x.io", primary=True),),
            id="the-username-of-a-guest-is-no-address",
        ),
        pytest.param(user(username="u", mail=None, proxy_addresses=()), (), {}, (), id="no-address-at-all"),
    ],
)
def test_emails(someone, present, more, expected):
    assert emails(someone, Contact(72, emails=present), settings(**more), smtp_by_key(someone)) == expected


SUE = user("sue", proxy_addresses=("SMTP:sue@client.example", "smtp:lea@client.example", "smtp:s@client.example"))


def test_an_alias_that_may_not_be_added_is_not():
    aliases = {key: written for key, written in smtp_by_key(SUE).items() if key != "lea@client.example"}
    found = enriched(SUE, None, settings(), aliases=aliases)
    assert [each.value for each in found[0].emails] == ["sue@client.example", "s@client.example"]


def test_a_primary_address_is_given_whatever_the_aliases():
    """Whether that may be is decided before, by matching."""
    found = enriched(SUE, None, settings(), aliases={})
    assert [each.value for each in found[0].emails] == ["sue@client.example"]


def test_an_alias_that_the_contact_has_already_stays():
    there = contact(72, "sue@client.example", "lea@client.example", "s@client.example")
    assert enriched(SUE, there, settings(), aliases={}) == (there, ())


@pytest.mark.parametrize(
    ("someone", "expected"),
    [
        pytest.param(user(username="u@x.io", mail=" ", proxy_addresses=()), ["u@x.io"], id="the-username"),
        pytest.param(
            user(username="u@x.io", mail=None, proxy_addresses=("smtp:a@x.io", "SMTP:b@x.io")),
            ["b@x.io", "a@x.io"],
            id="the-mailbox-before-the-username",
        ),
        pytest.param(
            user(username="g_x.io#EXT#@c.onmicrosoft.com", mail=None, proxy_addresses=()), [], id="not-that-of-a-guest"
        ),
    ],
)
def test_the_primary_email_of_a_new_contact(someone, expected):
    found = enriched(someone, None, settings())[0]
    assert [each.value for each in found.emails] == expected
    assert [each.primary for each in found.emails] == [True, False][: len(expected)]


def p(value, label="Office", primary=False, extension=None, kind="phone"):
    return Phone(value, label, extension, primary, kind)


A, ZERO = "4155550100", "000-000-0000"
FAX = p("4155559999", "Fax", primary=True, kind="fax")

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
    )[0]
    assert (found.location_id, found.location_name) == (7, "Old")


def test_a_location_comes_with_its_name():
    found = enriched(user(office_location="Depot"), contact(), settings(), (LEEDS, DEPOT))[0]
    assert (found.location_id, found.location_name) == (11, "Depot")


@pytest.mark.parametrize(
    ("someone", "place", "expected"),
    [
        pytest.param(user(usage_location="GB"), 12, "GB", id="the-users"),
        pytest.param(user(usage_location="gb"), 12, "GB", id="in-small-letters"),
        pytest.param(user(), 12, "US", id="that-of-the-location"),
        pytest.param(user(usage_location="??"), 11, "GB", id="that-of-the-location-for-no-country"),
        pytest.param(user(), 14, None, id="a-location-without-a-country"),
        pytest.param(user(), 99, None, id="a-location-that-is-not-known"),
        pytest.param(user(), None, None, id="no-location"),
        pytest.param(user(country="US"), None, None, id="not-the-free-text-of-the-user"),
    ],
)
def test_the_country_of_national_numbers(someone, place, expected):
    found = region_of(someone, place, (LEEDS, DEPOT, WEST, NAMELESS))
    assert found == expected


@pytest.mark.parametrize(
    ("someone", "present", "expected"),
    [
        pytest.param(user(), None, True, id="a-new-contact"),
        pytest.param(user(), contact(), True, id="a-contact-without-a-location"),
        pytest.param(user(), contact(location_id=10), False, id="no-number"),
        pytest.param(
            user(business_phones=(A,)), contact(location_id=10, phones=(p(A),)), False, id="a-number-of-equal-digits"
        ),
        pytest.param(user(business_phones=(A,)), contact(location_id=10), True, id="a-number-to-be-read"),
        pytest.param(
            user(business_phones=("n/a",), mobile_phone="n/a"),
            contact(location_id=10, phones=(p(A),)),
            False,
            id="words-that-are-no-number",
        ),
        pytest.param(
            user(business_phones=(A,), usage_location="US"), contact(location_id=10), False, id="the-user-tells-it"
        ),
    ],
)
def test_locations_are_needed_where_they_decide_something(someone, present, expected):
    assert needs_locations(someone, present, settings()) is expected


def test_a_national_number_is_read_in_the_country_of_the_new_contacts_location():
    someone = user(office_location="Depot", business_phones=("020 7946 0958",))
    present = contact(phones=(p("+442079460958", "Home"),))
    assert enriched(someone, present, settings(), (LEEDS, DEPOT))[0].phones == present.phones


# ---------------------------------------------------------------- contact type


def test_the_contact_type_is_for_new_contacts_only():
    assert enriched(user(), None, settings(), contact_type_id=24)[0].contact_type_id == 24
    assert enriched(user(), contact(), settings(), contact_type_id=24)[0].contact_type_id is None
    assert enriched(user(), contact(contact_type_id=5), settings(), contact_type_id=24)[0].contact_type_id == 5


def test_a_new_contact_is_complete():
    someone = person("ann", job_title=" Clerk ", business_phones=("415-555-0100 x7",))
    found = enriched(someone, None, settings(set_phone_numbers_primary=True, phone_type="Office"), (OFFICE,), 24)[0]
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


def test_a_location_is_given_where_all_else_is_there():
    lost = ready(location_id=None, location_name=None)
    assert enriched(person("ann.lee"), lost, settings(), (OFFICE,))[0] == ready()


def test_what_the_rules_do_not_speak_of_is_kept():
    before = ready(psa_integration="enabled", organization_id=1)
    assert enriched(person("ann.lee"), before, settings(), (OFFICE,))[0] == before


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
        pytest.param({"phones": (p(A, "Fax", True),)}, ("primary_phone",), id="a-fax-by-its-label-is-no-phone"),
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


@pytest.mark.parametrize(
    ("phone", "expected"),
    [(p(A, "Fax", True), ()), (FAX, ("primary_phone",)), (p(A, primary=True), ())],
    ids=["a-fax-by-its-label", "a-fax-by-its-type", "a-phone"],
)
def test_whether_it_glue_takes_a_phone_for_a_fax_depends_on_its_type_alone(phone, expected):
    assert missing(ready(phones=(phone,)), native=True) == expected


def test_what_no_rule_enriches_stays_whatever_it_is():
    there = ready(72, "ann.lee", contact_type_id=5, psa_integration="enabled", organization_id=9, updated_at="now")
    becomes = enriched(person("ann.lee", job_title="Clerk"), there, settings())[0]
    names = [each.name for each in fields(there) if each.init]
    changed = [name for name in names if getattr(becomes, name) != getattr(there, name)]
    assert changed == ["title"]

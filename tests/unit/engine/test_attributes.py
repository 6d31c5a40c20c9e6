# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A contact as IT Glue's attributes, and what differs between two of them."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.attributes import (
    FIELDS,
    GROUPS,
    changed_fields,
    decode,
    encode,
    groups_of,
    same_value,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Contact, Email, Phone
from tests.unit.engine.builders import ready

FULL = Contact(
    id=72,
    first_name="Zoë",
    last_name="Lee",
    title="Clerk",
    emails=(Email("zoe@x.io", "Work", True), Email("z@x.io", "Home")),
    phones=(Phone("+14155550100", "Office", "12", True), Phone("4155550101", "Fax", kind="fax")),
    location_id=10,
    location_name="Head Office",
    contact_type_id=24,
)


def test_encode_is_what_goes_on_the_wire():
    assert encode(FULL) == {
        "first-name": "Zoë",
        "last-name": "Lee",
        "title": "Clerk",
        "location-id": 10,
        "contact-type-id": 24,
        "contact-emails": [
            {"value": "zoe@x.io", "label-name": "Work", "primary": True},
            {"value": "z@x.io", "label-name": "Home", "primary": False},
        ],
        "contact-phones": [
            {
                "value": "+14155550100",
                "label-name": "Office",
                "extension": "12",
                "primary": True,
                "label-type": "phone",
            },
            {"value": "4155550101", "label-name": "Fax", "extension": None, "primary": False, "label-type": "fax"},
        ],
    }
    assert json.loads(json.dumps(encode(FULL))) == encode(FULL)


def test_decode_reads_what_was_encoded():
    assert decode(encode(FULL)) == replace(FULL, id=0, location_name=None)
    assert decode({"title": "Clerk"}) == Contact(0, title="Clerk")


def test_encode_can_be_asked_for_some_fields():
    assert encode(FULL, ("title", "location-id")) == {"title": "Clerk", "location-id": 10}


def test_each_attribute_is_in_exactly_one_group():
    assert sorted(field for group in GROUPS.values() for field in group) == sorted(FIELDS)


def test_a_contact_holds_a_value_once_the_server_has_normalised_it():
    assert same_value(FULL, "title", " Clerk ")
    assert same_value(FULL, "contact-phones", list(reversed(encode(FULL)["contact-phones"])))
    assert not same_value(FULL, "title", "Boss")
    assert not same_value(FULL, "contact-phones", None)


def test_attributes_are_accepted_or_refused_with_their_group():
    assert groups_of(("title", "first-name", "location-id")) == ("location", "name")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"first_name": " Zoe\u0308 "}, id="trimming-and-composition"),
        pytest.param({"emails": tuple(reversed(FULL.emails))}, id="order-of-e-mails"),
        pytest.param({"phones": tuple(reversed(FULL.phones))}, id="order-of-phones"),
        pytest.param({"emails": (replace(FULL.emails[0], value="ZOE@X.io"), FULL.emails[1])}, id="case-of-an-address"),
        pytest.param(
            {"phones": (replace(FULL.phones[0], value="1 (415) 555-0100"), FULL.phones[1])}, id="separators-of-a-phone"
        ),
        pytest.param({"phones": (FULL.phones[0], replace(FULL.phones[1], extension=""))}, id="empty-for-no-extension"),
        pytest.param({"location_name": "elsewhere"}, id="read-only-name-of-the-location"),
    ],
)
def test_equal_once_the_server_has_normalised_it(changes):
    assert changed_fields(FULL, replace(FULL, **changes)) == ()


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_an_empty_value_is_null(blank):
    assert changed_fields(replace(FULL, title=None), replace(FULL, title=blank)) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"first_name": "Zoe"}, "first-name", id="first-name"),
        pytest.param({"last_name": "lee"}, "last-name", id="case-of-a-name"),
        pytest.param({"title": None}, "title", id="title"),
        pytest.param({"location_id": 11}, "location-id", id="location"),
        pytest.param({"contact_type_id": None}, "contact-type-id", id="contact-type"),
        pytest.param({"emails": FULL.emails[:1]}, "contact-emails", id="an-address-less"),
        pytest.param({"emails": (replace(FULL.emails[0], label="Home"), FULL.emails[1])}, "contact-emails", id="label"),
        pytest.param(
            {"emails": tuple(replace(each, primary=not each.primary) for each in FULL.emails)},
            "contact-emails",
            id="primary-e-mail",
        ),
        pytest.param(
            {"phones": (replace(FULL.phones[0], extension=None), FULL.phones[1])}, "contact-phones", id="extension"
        ),
        pytest.param({"phones": (replace(FULL.phones[0], kind="fax"), FULL.phones[1])}, "contact-phones", id="kind"),
        pytest.param(
            {"phones": (replace(FULL.phones[0], label="Home"), FULL.phones[1])}, "contact-phones", id="label-of-a-phone"
        ),
        pytest.param(
            {"phones": (replace(FULL.phones[0], primary=False), FULL.phones[1])}, "contact-phones", id="primary-phone"
        ),
    ],
)
def test_a_difference_is_reported_by_its_field(changes, expected):
    assert changed_fields(FULL, replace(FULL, **changes)) == (expected,)


def test_every_field_of_a_contact_that_is_written_can_differ():
    """A field that is added to the model must be written, or be named here as one that is not."""
    read_only = {
        "id",
        "location_name",
        "psa_integration",
        "adapters",
        "organization_id",
        "link_known",
        "created_at",
        "updated_at",
        "url",
    }
    blank = Contact(id=72)
    written = {each.name for each in fields(Contact) if each.init} - read_only
    assert len(changed_fields(blank, FULL)) == len(written) == len(FIELDS)


def test_when_a_contact_was_saved_and_where_it_is_seen_make_no_other_contact_of_it():
    assert ready(72) == ready(72, created_at="2026-01-01", updated_at="2026-01-02", url="https://itglue.example/72")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the played IT Glue must enforce to be faithful, point by point."""

from __future__ import annotations

import copy
import json

import pytest

from tests.sandbox.bms import Bms
from tests.sandbox.core import WorldError
from tests.sandbox.itglue import ItGlue
from tests.sandbox.local import ORIGIN, Local

KEY = "ITG.key"
LINK = {"adapter-type-name": "Kaseya BMS", "remote-id": "90211", "sync": True, "orphaned": False}
MICROSOFT = {"adapter-type-name": "Microsoft", "remote-id": "6f1c", "sync": True, "orphaned": False}


def email(value, *, primary=True, label="Work"):
    return {"value": value, "primary": primary, "label-name": label}


def phone(value, *, primary=True, label="Work", **more):
    return {"value": value, "primary": primary, "label-name": label, **more}


def contact(ident, first, last, *, organization=1, **more):
    emails = [email(f"{first}.{last}@frog.example".lower())]
    return {
        "id": ident,
        "organization-id": organization,
        "first-name": first,
        "last-name": last,
        "contact-emails": emails,
        **more,
    }


CONTACTS = [
    contact(72, "Robert", "Storts", **{"location-id": 10, "title": "Director of IT", "contact-type-id": 24}),
    contact(73, "Mia", "Moss", adapters=[MICROSOFT], locked=["contact-emails"]),
    contact(74, "Lee", "Lane", adapters=[MICROSOFT, LINK], **{"psa-integration": "enabled", "important": True}),
    contact(80, "Ann", "Other", organization=2),
]
GLUE = {
    "api_key": KEY,
    "organizations": [
        {"id": 1, "name": "Happy Frog", "adapters": [{"adapter-type-name": "Kaseya BMS", "remote-id": "2528"}]},
        {"id": 2, "name": "Happy Hen, Inc.", "quick-notes": "n" * 300},
        {"id": 3, "name": "Our MSP", "primary": True},
    ],
    "locations": [
        {"id": 10, "organization-id": 1, "name": "HQ", "primary": True, "city": "San Francisco"},
        {"id": 11, "organization-id": 1, "name": "Branch"},
        {"id": 20, "organization-id": 2, "name": "HQ"},
    ],
    "contact_types": [{"id": 24, "name": "Approver"}],
    "contacts": CONTACTS,
}
BMS = {
    "email_types": [{"id": 3, "name": "Work"}, {"id": 4, "name": "Private"}],
    "phone_types": [{"id": 7, "name": "Office"}],
    "accounts": [
        {
            "id": 2528,
            "accountName": "Happy Frog",
            "locations": [
                {"id": 3169, "locationName": "Main", "isMain": True},
                {"id": 3170, "locationName": "HQ"},
            ],
        }
    ],
    "contacts": [{"id": 90211, "accountId": 2528, "firstName": "Lee", "lastName": "Lane"}],
}
READY = {
    "first-name": "Jackie",
    "last-name": "Tilds",
    "title": "Clerk",
    "location-id": 10,
    "contact-emails": [email("jackie@frog.example"), email("j@frog.example", primary=False)],
    "contact-phones": [phone("313-555-2015")],
}


class Glue:
    """The played IT Glue, spoken to as a client does."""

    def __init__(self, behaviour, **glue):
        world = {"itglue": {**GLUE, **glue}, "bms": BMS, "behaviour": behaviour}
        self.local = Local(copy.deepcopy(world), services=(Bms, ItGlue))

    def ask(self, method, path, body=None, *, key=KEY, content_type="application/vnd.api+json", content=None, **params):
        headers = {"x-api-key": key} if key else {}
        if body is not None:
            content = json.dumps(body)
        if content is not None and content_type:
            headers["content-type"] = content_type
        query = {name: value for name, value in params.items() if value is not None} or None
        return self.local.request("itglue", method, path, content=content, headers=headers, params=query)

    def get(self, path, **params):
        return self.ask("GET", path, **params)

    def rows(self, path, **params):
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ids(self, path, **params):
        return [int(row["id"]) for row in self.rows(path, **params)]

    def send(self, method, path, data, status, **params):
        answer = self.ask(method, path, {"data": data}, **params)
        assert answer.status_code == status, answer.text
        return answer.json()

    def write(self, method, path, kind, attributes, status=None, **more):
        expected = status or {"POST": 201, "PATCH": 200}[method]
        return self.send(method, path, {"type": kind, "attributes": attributes, **more}, expected)

    def create(self, attributes, status=None, organization=1):
        path = f"/organizations/{organization}/relationships/contacts"
        return self.write("POST", path, "contacts", attributes, status)

    def patch(self, ident, attributes, status=None):
        return self.write("PATCH", f"/contacts/{ident}", "contacts", attributes, status)

    def show(self, ident, **params):
        return self.get(f"/contacts/{ident}", **params).json()["data"]["attributes"]

    def state(self, name="contacts", section="itglue"):
        return {row["id"]: row for row in self.local.sandbox.state()[section][name]}


@pytest.fixture
def glue(request):
    return Glue(getattr(request, "param", {}))


def behaving(**behaviour):
    return pytest.mark.parametrize("glue", [behaviour], indirect=True)


def attributes(document):
    return document["data"]["attributes"]


def objects(kind, *rows):
    return [{"type": kind, "attributes": row} for row in rows]


def pointers(document):
    return [error["source"]["pointer"] for error in document["errors"]]


def many(count):
    return [{"id": ident, "organization-id": 1, "first-name": f"N{ident:04}"} for ident in range(1, count + 1)]


# --- 1. who may ask, and for what ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "ITG.other"])
def test_without_the_key_everything_is_forbidden(glue, key):
    for method, path in (("GET", "/contacts"), ("PATCH", "/contacts/72"), ("GET", "/flexible_assets")):
        answer = glue.ask(method, path, key=key)
        assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


@behaving(itglue_foreign_ids=[900])
def test_the_id_of_another_account_is_unauthorized_and_one_that_does_not_exist_is_not_found(glue):
    foreign = glue.get("/contacts/900")

    assert foreign.status_code == 401
    assert foreign.json() == {
        "errors": [
            {
                "status": 401,
                "title": "Unauthorized",
                "detail": "Unauthorized resource access",
                "source": {"pointer": "id"},
            }
        ]
    }
    for path in ("/contacts/901", "/organizations/9", "/organizations/9/relationships/contacts", "/contacts/abc"):
        assert glue.get(path).status_code == 404


@behaving(itglue_missing_id=401)
def test_an_id_that_does_not_exist_may_be_unauthorized_too(glue):
    assert glue.get("/contacts/901").status_code == 401


def test_both_prefixes_and_a_trailing_slash_lead_to_the_same(glue):
    answers = [glue.get(path).json()["data"] for path in ("/contacts/72", "/api/contacts/72", "/contacts/72/")]

    assert answers[0]["id"] == "72"
    assert answers[1:] == answers[:1] * 2
    assert len(glue.rows("/organizations/1/relationships/contacts/")) == 3


# --- 2. bodies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/vnd.api+json; charset=utf-8", "application/json"])
def test_both_kinds_of_json_are_read(glue, content_type):
    body = {"data": {"type": "contacts", "attributes": {"title": "Zoë"}}}

    assert attributes(glue.ask("PATCH", "/contacts/72", body, content_type=content_type).json())["title"] == "Zoë"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        ('{"data": {}}', "text/plain", 415),
        ('{"data": {}}', None, 415),
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("{}", "application/json", 400),
        (json.dumps(json.dumps({"data": {}})), "application/json", 500),
    ],
)
def test_a_body_that_is_none_is_refused(glue, content, content_type, status):
    assert glue.ask("PATCH", "/contacts/72", content=content, content_type=content_type).status_code == status


def test_an_object_must_say_its_type(glue):
    for data in ({"attributes": {}}, {"type": "locations", "attributes": {}}):
        glue.send("PATCH", "/contacts/72", data, 422)


# --- 3. keys and values ----------------------------------------------------------------------------------------------


def test_an_answer_is_in_kebab_case_with_ids_as_strings_and_nulls_for_what_is_empty(glue):
    body = glue.get("/contacts/72").json()

    assert list(body) == ["data"]
    assert (body["data"]["id"], body["data"]["type"]) == ("72", "contacts")
    assert body["data"]["attributes"] == {
        "organization-id": 1,
        "organization-name": "Happy Frog",
        "resource-url": "https://sandbox.itglue.com/1/contacts/72",
        "psa-integration": None,
        "name": "Robert Storts",
        "first-name": "Robert",
        "last-name": "Storts",
        "title": "Director of IT",
        "contact-type-id": 24,
        "contact-type-name": "Approver",
        "location-id": 10,
        "location-name": "HQ",
        "important": None,
        "notes": None,
        "created-at": "2020-01-01T00:00:00.000Z",
        "updated-at": "2020-01-01T00:00:00.000Z",
        "contact-emails": [email("robert.storts@frog.example")],
        "contact-phones": [],
    }


def test_keys_may_be_kebab_or_snake_at_every_level_and_types_too(glue):
    given = {
        "first_name": "Jackie",
        "contact_emails": [{"value": "j@frog.example", "label_name": "Work", "primary": True}],
        "contact-phones": [{"value": "1", "label_name": "Fax", "label_type": "fax"}],
    }

    made = attributes(glue.create(given))

    assert made["contact-emails"] == [email("j@frog.example")]
    assert made["contact-phones"][0]["label-type"] == "fax"
    assert glue.write("POST", "/contact_types", "contact_types", {"name": "A"})["data"]["type"] == "contact-types"
    assert glue.write("POST", "/contact_types", "contact-types", {"name": "B"})["data"]["attributes"]["name"] == "B"


def test_an_empty_string_is_null_and_null_clears(glue):
    assert attributes(glue.patch(72, {"title": ""}))["title"] is None
    assert attributes(glue.patch(72, {"location-id": None}))["location-id"] is None


def test_the_parent_of_an_organization_is_a_string(glue):
    glue.write("PATCH", "/organizations/2", "organizations", {"parent-id": 3})

    assert attributes(glue.get("/organizations/2").json())["parent-id"] == "3"


# --- 4. pages --------------------------------------------------------------------------------------------------------


def test_one_page_has_no_links():
    body = Glue({}).get("/contacts").json()

    assert body["links"] == {}
    assert body["meta"] == {
        "current-page": 1,
        "next-page": None,
        "prev-page": None,
        "total-pages": 1,
        "total-count": 4,
        "filters": {},
    }


def test_a_page_holds_fifty_unless_configured_and_never_more_than_the_limit():
    glue = Glue({"itglue_page_limit": 100}, contacts=many(120))

    assert len(glue.rows("/contacts")) == 50
    assert len(glue.rows("/contacts", **{"page[size]": 1000})) == 100
    assert len(glue.rows("/contacts", **{"page[size]": "many"})) == 50


def test_pages_follow_each_other_by_their_links_and_by_meta():
    glue = Glue({}, contacts=many(25))
    seen, url, numbers = [], "/contacts?filter%5Borganization_id%5D=1&page%5Bsize%5D=10&sort=-id", []
    while url:
        body = glue.get(url).json()
        seen += [int(row["id"]) for row in body["data"]]
        numbers.append((body["meta"]["prev-page"], body["meta"]["current-page"], body["meta"]["next-page"]))
        url = body["links"].get("next")
        assert url is None or url.startswith(f"{ORIGIN}/contacts?")

    assert seen == list(range(25, 0, -1))
    assert numbers == [(None, 1, 2), (1, 2, 3), (2, 3, None)]
    assert set(body["links"]) == {"self", "first", "prev", "last"}


@behaving(itglue_last_link="null")
def test_the_next_link_of_the_last_page_may_be_null(glue):
    assert glue.get("/contacts", **{"page[size]": 2, "page[number]": 2}).json()["links"]["next"] is None


def test_a_page_past_the_end_is_empty(glue):
    body = glue.get("/contacts", **{"page[size]": 2, "page[number]": 7}).json()

    assert body["data"] == []
    assert body["meta"]["next-page"] is None
    assert body["meta"]["total-count"] == 4


def test_rows_that_come_in_between_two_pages_are_seen():
    glue = Glue({}, contacts=many(3))
    assert glue.ids("/contacts", **{"page[size]": 2}) == [1, 2]

    glue.create({"first-name": "New"})

    assert glue.ids("/contacts", **{"page[size]": 2, "page[number]": 2}) == [3, 4]


# --- 5. repeated parameters ------------------------------------------------------------------------------------------


def test_a_parameter_that_is_given_twice_is_refused(glue):
    answer = glue.get("/contacts?page[size]=2&page%5Bsize%5D=2")

    assert answer.status_code == 422
    assert answer.json() == {
        "errors": [
            {
                "status": "unprocessable_entity",
                "title": "Duplicate Parameters Specified",
                "source": {"pointer": "data"},
            }
        ]
    }


# --- 6. filters, sort, include ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"first_name": "Robert"}, [72]),
        ({"first-name": "Robert"}, [72]),
        ({"first_name": "robert"}, []),
        ({"first_name": "Rob"}, []),
        ({"first_name": "Robert,Mia"}, [72, 73]),
        ({"id": "74,72"}, [72, 74]),
        ({"organization_id": "1", "last_name": "Moss"}, [73]),
        ({"organization_id": "2"}, [80]),
        ({"organization_id": "99"}, []),
        ({"contact_type_id": "24"}, [72]),
        ({"important": "1"}, [74]),
        ({"important": "false"}, []),
        ({"primary_email": "mia.moss@frog.example"}, [73]),
        ({"primary_email": "Mia.Moss@frog.example"}, []),
        ({"name": "Robert Storts"}, [72, 73, 74, 80]),
        ({"nonsense": "1"}, [72, 73, 74, 80]),
        ({"psa_integration_type": "kaseya-bms"}, [74]),
        ({"psa_integration_type": "manage"}, []),
        ({"psa_integration_type": "kaseya-bms", "psa_id": "90211"}, [74]),
        ({"psa_integration_type": "kaseya-bms", "psa_id": "1"}, []),
    ],
)
def test_filters_are_exact_and_unknown_ones_are_ignored(glue, filters, expected):
    assert glue.ids("/contacts", **{f"filter[{name}]": value for name, value in filters.items()}) == expected


def test_a_comma_in_a_value_is_escaped(glue):
    assert glue.ids("/organizations", **{"filter[name]": "Happy Hen\\, Inc.,Our MSP"}) == [2, 3]
    assert glue.ids("/organizations", **{"filter[name]": "Happy Hen, Inc."}) == []


def test_filters_are_ignored_on_nested_routes(glue):
    assert glue.ids("/organizations/1/relationships/contacts", **{"filter[first_name]": "Mia"}) == [72, 73, 74]


def test_a_psa_id_needs_its_type(glue):
    assert glue.get("/contacts", **{"filter[psa_id]": "90211"}).status_code == 422


@behaving(itglue_email_filter="fold")
def test_the_filter_on_the_primary_email_may_ignore_case(glue):
    assert glue.ids("/contacts", **{"filter[primary_email]": "Mia.Moss@Frog.example"}) == [73]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("last_name", [74, 73, 80, 72]), ("-last-name", [72, 80, 73, 74]), ("nonsense,-id", [80, 74, 73, 72])],
)
def test_lists_are_sorted(glue, sort, expected):
    assert glue.ids("/contacts", sort=sort) == expected


def test_organizations_are_filtered_by_what_they_are_and_are_not(glue):
    assert glue.ids("/organizations", **{"filter[primary]": "true"}) == [3]
    assert glue.ids("/organizations", **{"filter[primary]": "0"}) == [1, 2]
    assert glue.ids("/organizations", **{"exclude[name]": "Happy Frog"}) == [2, 3]
    assert glue.ids("/organizations", **{"filter[psa_integration_type]": "kaseya-bms"}) == [1]
    assert glue.ids("/organizations", **{"filter[updated_at]": "2021-01-01,*"}) == []
    assert glue.ids("/organizations", **{"filter[updated_at]": "*,2021-01-01"}) == [1, 2, 3]


# --- 7 and 8. too much, too slow -------------------------------------------------------------------------------------


def test_more_requests_than_the_quota_are_refused_in_the_vendors_form():
    glue = Glue({"itglue_quota": 2})

    assert [glue.get("/contacts").status_code for dummy in range(3)] == [200, 200, 429]
    glue.local.sandbox.advance(301)
    assert glue.get("/contacts").status_code == 200


@behaving(itglue_timeout_above=100)
def test_a_big_page_takes_too_long_and_a_smaller_one_does_not(glue):
    late = glue.get("/contacts", **{"page[size]": 1000})

    assert late.status_code == 504
    assert late.json()["errors"][0]["detail"] == "The request took too long to process and timed out."
    assert len(glue.rows("/contacts", **{"page[size]": 100})) == 4


# --- 9. creating contacts --------------------------------------------------------------------------------------------


def test_a_contact_is_created_on_both_routes(glue):
    nested = glue.create({"first-name": "A", "organization-id": 2})
    plain = glue.write("POST", "/contacts", "contacts", {"first-name": "B", "organization_id": 2})

    assert (nested["data"]["id"], nested["data"]["attributes"]["organization-id"]) == ("81", 1)
    assert (plain["data"]["id"], plain["data"]["attributes"]["organization-id"]) == ("82", 2)
    assert plain["data"]["attributes"]["created-at"] == plain["data"]["attributes"]["updated-at"] > "2020-02"


@pytest.mark.parametrize("organization", [None, 99, "x"])
def test_the_plain_route_needs_an_organization(glue, organization):
    refused = glue.write("POST", "/contacts", "contacts", {"first-name": "A", "organization-id": organization}, 422)

    assert refused["errors"] == [
        {
            "status": 422,
            "title": "Valid organization_id is required",
            "source": {"pointer": "data/attributes/organization_id"},
        }
    ]


def test_only_the_nested_route_creates_many(glue):
    rows = objects("contacts", {"first-name": "A", "organization-id": 1}, {"first-name": "B", "organization-id": 1})

    glue.send("POST", "/contacts", rows, 422)
    made = glue.send("POST", "/organizations/1/relationships/contacts", rows, 201)

    assert [row["id"] for row in made["data"]] == ["81", "82"]


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"contact-emails": [{"label-name": "Work"}]}, "contact-emails.value"),
        ({"contact-emails": [{"value": "a@b.example"}]}, "contact-emails.label-name"),
        ({"contact-emails": [{"value": "nobody", "label-name": "Work"}]}, "contact-emails.value"),
        ({"contact-emails": [{"value": "a@b", "label-name": "Work"}]}, "contact-emails.value"),
        ({"contact-emails": [{"value": "a b@c.example", "label-name": "Work"}]}, "contact-emails.value"),
        ({"contact-emails": "a@b.example"}, "contact-emails"),
        ({"contact-phones": [{"label-name": "Work"}]}, "contact-phones.value"),
        ({"contact-phones": [{"value": "none", "label-name": "Work"}]}, "contact-phones.value"),
        ({"contact-phones": [{"value": "1"}]}, "contact-phones.label-name"),
        ({"contact-phones": [phone("1", **{"label-type": "mobile"})]}, "contact-phones.label-type"),
        ({"contact-type-id": 5}, "contact-type"),
        ({"location-id": 999}, "location"),
        ({"location-id": 20}, "location"),
        ({"important": "maybe"}, "important"),
        ({"title": ["x"]}, "title"),
    ],
)
def test_what_is_not_valid_is_named_and_nothing_is_written(glue, bad, pointer):
    for refused in (glue.create({"first-name": "A", **bad}, 422), glue.patch(72, {"title": "New", **bad}, 422)):
        assert f"/data/attributes/{pointer}" in pointers(refused)
        assert {error["status"] for error in refused["errors"]} == {422}
    assert len(glue.state()) == 4
    assert glue.show(72)["title"] == "Director of IT"


@behaving(itglue_check_location=False)
def test_the_location_of_another_organization_may_be_accepted(glue):
    assert attributes(glue.create({"first-name": "A", "location-id": 20}))["location-id"] == 20


def test_arrays_beside_the_attributes_and_unknown_attributes_are_ignored(glue):
    data = {
        "type": "contacts",
        "attributes": {"first-name": "A", "nickname": "a", "psa-integration": "enabled", "locked": ["title"]},
        "contact-emails": [email("a@b.example")],
    }

    made = glue.send("POST", "/organizations/1/relationships/contacts", data, 201)

    assert attributes(made)["contact-emails"] == []
    assert "nickname" not in attributes(made)
    assert attributes(made)["psa-integration"] is None
    assert glue.state()[81]["locked"] == []


@behaving(itglue_require_name=True)
def test_a_name_may_be_required(glue):
    glue.create({"contact-emails": [email("a@b.example")]}, 422)
    glue.create({"last-name": "B"})


# --- 10. phones ------------------------------------------------------------------------------------------------------


def test_phones_are_stripped_to_digits_and_ten_digits_are_formatted(glue):
    phones = [phone("+1 (415) 555-2156", extension="x12"), phone("415.555.2156", primary=False, extension="")]

    made = attributes(glue.create({"first-name": "A", "contact-phones": phones}))["contact-phones"]

    assert made == [
        {
            "value": "14155552156",
            "extension": "12",
            "primary": True,
            "label-name": "Work",
            "label-type": "phone",
            "formatted-value": "14155552156",
        },
        {
            "value": "4155552156",
            "extension": None,
            "primary": False,
            "label-name": "Work",
            "label-type": "phone",
            "formatted-value": "(415) 555-2156",
        },
    ]
    assert "formatted-value" not in glue.state()[81]["contact-phones"][0]


@behaving(itglue_phone_plus="keep")
def test_a_leading_plus_may_survive(glue):
    made = glue.create({"first-name": "A", "contact-phones": [phone(" +49 (0)30 1"), phone("1+2")]})

    assert [entry["value"] for entry in attributes(made)["contact-phones"]] == ["+490301", "12"]


# --- 11. updating ----------------------------------------------------------------------------------------------------


def test_a_patch_changes_what_it_names_and_ignores_what_is_read_only(glue):
    before = glue.show(72)
    sent = {"title": "CIO", "location-name": "Elsewhere", "name": "X", "created-at": "1999", "id": 5}

    after = attributes(glue.patch(72, sent))

    assert after.pop("updated-at") > before.pop("updated-at")
    assert after == {**before, "title": "CIO"}


def test_a_patch_without_a_change_does_not_move_the_time(glue):
    assert attributes(glue.patch(72, {"title": "Director of IT"}))["updated-at"] == "2020-01-01T00:00:00.000Z"


def test_arrays_are_replaced(glue):
    glue.patch(72, {"contact-emails": [email("new@frog.example")]})

    assert glue.show(72)["contact-emails"] == [email("new@frog.example")]
    assert attributes(glue.patch(72, {"contact-emails": None}))["contact-emails"] == []


@behaving(itglue_arrays="merge")
def test_arrays_may_be_merged(glue):
    glue.patch(72, {"contact-emails": [email("new@frog.example")]})

    old = email("robert.storts@frog.example", primary=False)
    assert glue.show(72)["contact-emails"] == [old, email("new@frog.example")]
    glue.patch(72, {"contact-emails": [email("NEW@frog.example", primary=False, label="Home")]})
    assert glue.show(72)["contact-emails"] == [old, email("NEW@frog.example", primary=False, label="Home")]


def test_a_contact_can_be_moved_to_another_organization(glue):
    glue.patch(72, {"organization-id": 2, "location-id": 20})

    assert glue.ids("/organizations/1/relationships/contacts") == [73, 74]
    assert sorted(glue.ids("/contacts", **{"filter[organization_id]": "2"})) == [72, 80]


def test_the_nested_route_shows_and_changes_only_its_organizations_contacts(glue):
    path = "/organizations/1/relationships/contacts"

    assert glue.get(f"{path}/72").json() == glue.get("/contacts/72").json()
    assert attributes(glue.write("PATCH", f"{path}/72", "contacts", {"title": "X"}))["title"] == "X"
    assert glue.get(f"{path}/80").status_code == 404
    glue.write("PATCH", f"{path}/80", "contacts", {"title": "X"}, 404)


# --- 12. primaries ---------------------------------------------------------------------------------------------------


TWO = [email("a@b.example"), email("c@d.example")]


def test_two_primaries_or_none_are_stored_as_sent(glue):
    assert attributes(glue.create({"contact-emails": TWO}))["contact-emails"] == TWO
    assert attributes(glue.patch(72, {"contact-emails": [email("a@b.example", primary=False)]}))["contact-emails"] == [
        email("a@b.example", primary=False)
    ]


@behaving(itglue_primaries="first_wins")
def test_the_first_of_two_primaries_may_win(glue):
    made = attributes(glue.create({"contact-emails": TWO}))

    assert [entry["primary"] for entry in made["contact-emails"]] == [True, False]


# --- 13. synced contacts ---------------------------------------------------------------------------------------------


def test_a_synced_contact_takes_only_importance_and_notes(glue):
    refused = glue.patch(74, {"notes": "n", "title": "X", "contact-phones": []}, 422)

    assert refused["errors"] == [
        {
            "status": 422,
            "title": "Unprocessable Entity",
            "detail": "Cannot update a synced resource",
            "source": {"pointer": f"/data/attributes/{name}"},
        }
        for name in ("title", "contact-phones.base")
    ]
    assert glue.show(74)["notes"] is None
    assert attributes(glue.patch(74, {"notes": "n", "important": 0}))["notes"] == "n"


def test_a_locked_group_rejects_the_whole_request_and_the_rest_alone_is_accepted(glue):
    sent = {"title": "X", "contact-emails": [email("mia.moss@frog.example")]}

    assert pointers(glue.patch(73, sent, 422)) == ["/data/attributes/contact-emails.base"]
    assert glue.show(73)["title"] is None
    assert attributes(glue.patch(73, {"title": "X"}))["title"] == "X"


@pytest.mark.parametrize("state", ["disabled", "orphaned", None])
def test_a_link_that_does_not_sync_locks_nothing(state):
    glue = Glue({}, contacts=[contact(1, "A", "B", adapters=[LINK], **{"psa-integration": state})])

    assert attributes(glue.patch(1, {"title": "X"}))["title"] == "X"


@behaving(two_way_unlocks=True)
def test_with_two_way_sync_a_synced_contact_is_written_and_bms_follows(glue):
    glue.patch(74, {"title": "X", "location-id": 10, "contact-emails": TWO[:1], "contact-phones": [phone("1")]})

    followed = glue.state(section="bms")[90211]
    assert (followed["jobTitle"], followed["locationId"]) == ("X", 3170)
    assert followed["emails"] == [{"emailAddress": "a@b.example", "emailTypeId": 3, "isDefault": True}]
    assert followed["phones"] == [{"phone": "1", "phoneTypeId": 7, "isDefault": True}]


# --- 14. many at once ------------------------------------------------------------------------------------------------


def test_many_are_updated_by_the_ids_among_their_attributes(glue):
    rows = objects("contacts", {"id": 72, "title": "A"}, {"id": "80", "title": "B"})

    changed = glue.send("PATCH", "/contacts", rows, 200)

    assert [(row["id"], row["attributes"]["title"]) for row in changed["data"]] == [("72", "A"), ("80", "B")]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"type": "contacts", "attributes": {"id": 72}}, 422),
        (objects("contacts", {"title": "A"}), 422),
        ([{"type": "contacts", "id": "72", "attributes": {"title": "A"}}], 422),
        ([], 400),
        (objects("contacts", {"id": 72, "title": "A"}, {"id": 999, "title": "B"}), 404),
        (objects("contacts", {"id": 72, "title": "A"}, {"id": 74, "title": "B"}), 422),
    ],
)
def test_a_bad_bulk_update_changes_nothing(glue, data, status):
    glue.send("PATCH", "/contacts", data, status)

    assert glue.show(72)["title"] == "Director of IT"


@behaving(itglue_bulk_atomic=False)
def test_the_good_objects_of_a_bad_bulk_request_may_be_written(glue):
    rows = objects("contacts", {"id": 74, "title": "A"}, {"id": 72, "title": "B"})

    glue.send("PATCH", "/contacts", rows, 422)

    assert [glue.show(ident)["title"] for ident in (72, 74)] == ["B", None]


def test_a_nested_bulk_update_is_refused(glue):
    rows = objects("contacts", {"id": 72, "title": "A"})

    answer = glue.ask("PATCH", "/organizations/1/relationships/contacts", {"data": rows})

    assert answer.status_code == 404
    assert glue.show(72)["title"] == "Director of IT"


def test_many_are_deleted_by_a_body(glue):
    gone = glue.send("DELETE", "/contacts", objects("contacts", {"id": 72}, {"id": 80}), 200)

    assert [row["id"] for row in gone["data"]] == ["72", "80"]
    assert list(glue.state()) == [73, 74]
    assert glue.get("/contacts/72").status_code == 404


def test_many_are_deleted_by_a_filter(glue):
    assert glue.ask("DELETE", "/contacts", **{"filter[last_name]": "Moss"}).status_code == 200
    assert list(glue.state()) == [72, 74, 80]
    assert glue.ask("DELETE", "/organizations/1/relationships/contacts", **{"filter[id]": "72,80"}).status_code == 200
    assert list(glue.state()) == [74, 80]


def test_a_deletion_by_body_and_filter_or_by_neither_deletes_nothing(glue):
    body = {"data": objects("contacts", {"id": 72})}

    assert glue.ask("DELETE", "/contacts", body, **{"filter[id]": "72"}).status_code == 422
    assert glue.ask("DELETE", "/contacts").status_code == 400
    assert glue.ask("DELETE", "/contacts", **{"filter[nonsense]": "1"}).status_code == 400
    assert glue.ask("DELETE", "/contacts", {"data": []}).status_code == 400
    assert glue.ask("DELETE", "/contacts", {"data": objects("contacts", {"id": 72}, {"id": 999})}).status_code == 404
    assert glue.ask("DELETE", "/contacts/72").status_code == 404
    assert len(glue.state()) == 4


def test_a_new_id_is_never_an_old_one(glue):
    glue.create({"first-name": "A"})
    glue.send("DELETE", "/contacts", objects("contacts", {"id": 81}), 200)

    assert glue.create({"first-name": "B"})["data"]["id"] == "82"


# --- 15. links to other systems --------------------------------------------------------------------------------------


def test_links_are_shown_only_when_asked_for(glue):
    plain = glue.get("/contacts").json()

    assert "included" not in plain
    assert all("relationships" not in row for row in plain["data"])


@pytest.mark.parametrize("name", ["adapters_resources", "adapters-resources", "tickets,adapters_resources"])
@pytest.mark.parametrize("path", ["/contacts", "/organizations/1/relationships/contacts"])
def test_links_are_related_and_included(glue, path, name):
    body = glue.get(path, include=name).json()
    related = {row["id"]: row["relationships"]["adapters-resources"]["data"] for row in body["data"]}
    included = {item["id"]: item for item in body["included"]}

    assert [len(related[ident]) for ident in ("72", "73", "74")] == [0, 1, 2]
    assert set(included) == {pointer["id"] for row in related.values() for pointer in row}
    assert [included[pointer["id"]]["attributes"] for pointer in related["74"]] == [MICROSOFT, LINK]
    assert {item["type"] for item in included.values()} == {"adapters-resources"}


def test_the_links_of_one_contact_and_of_organizations_are_shown_too(glue):
    shown = glue.get("/contacts/74", include="adapters_resources").json()
    assert [item["attributes"]["remote-id"] for item in shown["included"]] == ["6f1c", "90211"]

    organizations = glue.get("/organizations", include="adapters_resources").json()
    assert [item["attributes"]["remote-id"] for item in organizations["included"]] == ["2528"]
    states = [row["attributes"]["psa-integration"] for row in organizations["data"]]
    assert states == ["enabled", None, None]


def test_nothing_to_include_omits_the_key_or_makes_it_empty():
    for empty, expected in ((False, None), (True, [])):
        glue = Glue({"itglue_empty_included": empty}, contacts=many(1))
        body = glue.get("/contacts", include="adapters_resources").json()
        assert body.get("included") == expected
        assert body["data"][0]["relationships"] == {"adapters-resources": {"data": []}}


def test_locations_are_included(glue):
    body = glue.get("/contacts", include="location,adapters_resources").json()

    assert body["data"][0]["relationships"]["location"] == {"data": {"id": "10", "type": "locations"}}
    assert body["data"][1]["relationships"]["location"] == {"data": None}
    assert [item["id"] for item in body["included"] if item["type"] == "locations"] == ["10"]


# --- 16. pushing to BMS ----------------------------------------------------------------------------------------------


PUSHING = {"native_push": True}


def link(glue, ident):
    body = glue.get(f"/contacts/{ident}", include="adapters_resources").json()
    remote = [item["attributes"]["remote-id"] for item in body.get("included", [])]
    return body["data"]["attributes"]["psa-integration"], remote


@behaving(**PUSHING)
def test_a_complete_new_contact_is_pushed(glue):
    made = glue.create(READY)

    assert attributes(made)["psa-integration"] == "enabled"
    assert link(glue, 81) == ("enabled", ["90212"])
    assert glue.state()[81]["adapters"] == [{**LINK, "remote-id": "90212"}]
    pushed = glue.state(section="bms")[90212]
    assert (pushed["accountId"], pushed["locationId"], pushed["jobTitle"]) == (2528, 3170, "Clerk")
    assert pushed["emails"] == [
        {"emailAddress": "jackie@frog.example", "emailTypeId": 3, "isDefault": True},
        {"emailAddress": "j@frog.example", "emailTypeId": 3, "isDefault": False},
    ]
    assert pushed["phones"] == [{"phone": "3135552015", "phoneTypeId": 7, "isDefault": True}]


def test_nothing_is_pushed_unless_configured(glue):
    glue.create(READY)

    assert list(glue.state(section="bms")) == [90211]


@behaving(**PUSHING)
@pytest.mark.parametrize(
    "lacking",
    [
        {"first-name": ""},
        {"contact-emails": []},
        {"contact-emails": [email("a@b.example", primary=False)]},
        {"contact-phones": [phone("1", primary=False)]},
        {"location-id": None},
    ],
)
def test_a_contact_that_is_not_ready_is_pushed_by_the_update_that_fills_it(glue, lacking):
    glue.create({**READY, **lacking})
    assert link(glue, 81) == (None, [])
    assert list(glue.state(section="bms")) == [90211]

    glue.patch(81, {name: READY[name] for name in lacking})

    assert link(glue, 81) == ("enabled", ["90212"])


@behaving(**PUSHING)
def test_a_contact_that_bms_has_by_name_is_linked_and_not_made_again(glue):
    glue.create({**READY, "first-name": "Lee", "last-name": "Lane"})
    assert link(glue, 81) == ("enabled", ["90211"])

    glue.create({**READY, "first-name": "lee", "last-name": "Lane"})
    assert link(glue, 82) == ("enabled", ["90212"])


@pytest.mark.parametrize(
    "adapters",
    [
        [],
        [{**LINK, "remote-id": "2528", "sync": False}],
        [{**LINK, "remote-id": "2528", "orphaned": True}],
        [{**LINK, "remote-id": "9"}],
        [MICROSOFT],
    ],
)
def test_without_an_account_that_syncs_nothing_is_pushed(adapters):
    glue = Glue(PUSHING, organizations=[{"id": 1, "name": "A", "adapters": adapters}], contacts=[], locations=[])
    glue.create({**READY, "location-id": None})
    glue.write("POST", "/organizations/1/relationships/locations", "locations", {"name": "HQ"})
    glue.patch(1, {"location-id": 1})

    assert link(glue, 1) == (None, [])
    assert list(glue.state(section="bms")) == [90211]


@pytest.mark.parametrize(("noop", "expected"), [(True, "enabled"), (False, None)])
def test_an_update_that_changes_nothing_pushes_unless_configured(noop, expected):
    ready = {"id": 5, "organization-id": 1, **READY}
    glue = Glue({**PUSHING, "native_push_noop": noop}, contacts=[ready])

    assert attributes(glue.patch(5, {"title": "Clerk"}))["psa-integration"] == expected


@pytest.mark.parametrize(("saves", "moved"), [(True, True), (False, False)])
def test_an_update_that_changes_nothing_moves_the_time_where_configured(saves, moved):
    ready = {"id": 5, "organization-id": 1, **READY, "title": "Clerk"}
    glue = Glue({"itglue_noop_saves": saves}, contacts=[ready])

    assert (attributes(glue.patch(5, {"title": "Clerk"}))["updated-at"] > "2020-02") is moved


@behaving(**PUSHING, native_push_delay=2)
def test_the_link_may_show_some_requests_later(glue):
    glue.create(READY)

    assert 90212 in glue.state(section="bms")
    assert [link(glue, 81) for dummy in range(3)] == [(None, []), (None, []), ("enabled", ["90212"])]


@behaving(**PUSHING, native_push_delay_seconds=60)
def test_the_link_may_show_some_time_later_and_no_update_pushes_twice(glue):
    glue.create(READY)
    glue.patch(81, {"last-name": "Changed"})
    assert link(glue, 81) == (None, [])

    glue.local.sandbox.advance(61)

    assert link(glue, 81) == ("enabled", ["90212"])
    assert list(glue.state(section="bms")) == [90211, 90212]


@behaving(**PUSHING, native_email_type=4)
def test_the_types_of_what_is_pushed_can_be_chosen(glue):
    glue.create(READY)

    assert glue.state(section="bms")[90212]["emails"][0]["emailTypeId"] == 4


def test_without_an_email_type_nothing_is_pushed():
    glue = Glue(PUSHING)
    glue.local = Local(
        {"itglue": GLUE, "bms": {**BMS, "email_types": []}, "behaviour": PUSHING}, services=(Bms, ItGlue)
    )

    glue.create(READY)

    assert link(glue, 81) == (None, [])
    assert list(glue.state(section="bms")) == [90211]


def test_a_link_that_is_disabled_is_not_made_again():
    broken = contact(1, "A", "B", adapters=[{**LINK, "sync": False}], **{"psa-integration": "disabled"})
    glue = Glue(PUSHING, contacts=[broken])

    glue.patch(1, {**READY, "title": "X"})

    assert list(glue.state(section="bms")) == [90211]


# --- 17. locations ---------------------------------------------------------------------------------------------------


def test_a_location_is_shown_in_full(glue):
    shown = attributes(glue.get("/locations/10").json())

    assert (shown["name"], shown["primary"], shown["city"]) == ("HQ", True, "San Francisco")
    assert shown["region-name"] is None
    assert glue.ids("/locations", **{"filter[organization_id]": "1"}) == [10, 11]
    assert glue.ids("/organizations/2/relationships/locations") == [20]
    assert glue.ids("/locations", sort="-primary,id")[0] == 10


def test_locations_are_created_changed_and_deleted(glue):
    glue.write("POST", "/locations", "locations", {"organization-id": 1}, 422)
    glue.write("POST", "/locations", "locations", {"name": "X"}, 422)
    made = glue.write("POST", "/locations", "locations", {"organization_id": 1, "name": "X", "address_1": "1 Way"})
    assert attributes(made)["address-1"] == "1 Way"

    glue.write("PATCH", "/locations/21", "locations", {"name": ""}, 422)
    assert attributes(glue.write("PATCH", "/locations/21", "locations", {"city": "Rome"}))["city"] == "Rome"
    glue.send("DELETE", "/locations", objects("locations", {"id": 10}), 200)
    assert glue.ids("/organizations/1/relationships/locations") == [11, 21]
    assert glue.show(72)["location-id"] is None


@pytest.mark.parametrize(("exclusive", "left"), [(True, [11]), (False, [10, 11])])
def test_a_new_primary_location_takes_the_place_of_the_old(exclusive, left):
    glue = Glue({"itglue_exclusive_primary": exclusive})

    glue.write("PATCH", "/locations/11", "locations", {"primary": 1})

    assert [ident for ident, row in glue.state("locations").items() if row["primary"]] == left


def test_a_synced_location_cannot_be_written():
    glue = Glue({}, contacts=[], locations=[{"id": 10, "organization-id": 1, "name": "HQ", "adapters": [LINK]}])

    glue.write("PATCH", "/locations/10", "locations", {"city": "Rome"}, 422)


# --- 18. contact types -----------------------------------------------------------------------------------------------


def test_contact_types_are_made_and_changed_and_never_deleted(glue):
    glue.write("POST", "/contact_types", "contact_types", {"name": " "}, 422)
    made = glue.write("POST", "/contact_types", "contact_types", {"name": "Terminated"})

    assert glue.ids("/contact_types", **{"filter[name]": "Terminated"}) == [int(made["data"]["id"])] == [25]
    assert glue.ids("/contact_types", **{"filter[name]": "terminated"}) == []
    renamed = glue.write("PATCH", "/contact_types/25", "contact_types", {"name": "Gone"})
    assert attributes(renamed)["name"] == "Gone"
    assert glue.ask("DELETE", "/contact_types/25").status_code == 404
    assert attributes(glue.get("/contact_types/25").json())["name"] == "Gone"


# --- 19. flexible assets: see test_itglue_assets.py; 20. organizations -----------------------------------------------


def test_quick_notes_are_cut_in_lists_only(glue):
    listed = {row["id"]: row["attributes"]["quick-notes"] for row in glue.rows("/organizations")}

    assert len(listed["2"]) == 250
    assert len(attributes(glue.get("/organizations/2").json())["quick-notes"]) == 300


def test_a_synced_organization_takes_only_its_notes(glue):
    refused = glue.write("PATCH", "/organizations/1", "organizations", {"name": "X", "alert": "A"}, 422)

    assert pointers(refused) == ["/data/attributes/name"]
    assert attributes(glue.write("PATCH", "/organizations/1", "organizations", {"alert": "A"}))["alert"] == "A"
    assert attributes(glue.write("PATCH", "/organizations/2", "organizations", {"name": "X"}))["name"] == "X"
    glue.write("POST", "/organizations", "organizations", {"alert": "A"}, 422)
    assert glue.write("POST", "/organizations", "organizations", {"name": "New"})["data"]["id"] == "4"


# --- the world -------------------------------------------------------------------------------------------------------


def test_the_state_is_a_world_again_after_writes(glue):
    glue.create(READY)
    glue.patch(72, {"contact-phones": [phone("1")]})
    glue.send("DELETE", "/contacts", objects("contacts", {"id": 73}), 200)
    state = glue.local.sandbox.state()

    again = Local(json.loads(json.dumps(state)), services=(Bms, ItGlue)).sandbox.state()

    assert again == state
    assert list(glue.state()) == [72, 74, 80, 81]


def test_a_reset_restores_everything(glue):
    before = copy.deepcopy(glue.local.sandbox.state())
    glue.create(READY)
    glue.patch(72, {"title": "X"})

    glue.local.sandbox.reset()

    assert glue.local.sandbox.state() == before
    assert glue.show(72)["title"] == "Director of IT"


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"organizations": [{"name": "A"}]}, "organizations"),
        ({"organizations": [{"id": 1}, {"id": 1}]}, "organizations"),
        ({"contacts": [{"id": 1, "organization-id": 9}]}, "organization-id 9"),
        ({"contacts": ["x"]}, "contacts"),
        ({"organizations": [{"id": 1, "adapters": {}}]}, "adapters"),
        ({"organizations": [{"id": 1}], "flexible_assets": [{"id": 1, "organization-id": 1}]}, "flexible-asset-type"),
    ],
)
def test_a_world_that_makes_no_sense_is_refused(section, named):
    with pytest.raises(WorldError, match=named):
        Local({"itglue": section}, services=(Bms, ItGlue))


def test_a_switch_takes_only_what_it_knows():
    with pytest.raises(WorldError, match="itglue_arrays"):
        Glue({"itglue_arrays": "append"})


def test_a_hundred_thousand_contacts_are_paged_without_looking_at_all_of_them():
    """Not by the clock, which a busy machine bends: by what the listing looks at."""
    glue = Glue({}, contacts=many(3000))
    service = glue.local.sandbox.services["itglue"]
    looked = []
    of = service.contacts.of
    service.contacts.of = lambda group: looked.append(group) or of(group)

    for number in (1, 2, 3):
        rows = glue.rows("/contacts", **{"filter[organization_id]": "1", "page[size]": 1000, "page[number]": number})
        assert len(rows) == 1000

    assert looked == [1]

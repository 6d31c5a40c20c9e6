# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's client: what goes on the wire, what is read from it, and what is not believed."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue import REGIONS, ItGlueClient
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue_requests import ListTooLongError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Contact,
    ContactType,
    Email,
    Location,
    Organization,
    Phone,
)

from .conftest import RESET, STALL, reply

KEY = "ITG.0123456789abcdef"


@pytest.fixture
def itglue(wire, access):
    return ItGlueClient(url_or_region=wire.url, api_key=KEY, access=access())


def contact_row(ident: object = "72", organization: object = 2, adapters: object = (), **attributes: object) -> dict:
    return {
        "id": ident,
        "type": "contacts",
        "attributes": {"organization-id": organization, **attributes},
        "relationships": {"adapters-resources": {"data": [{"id": each, "type": "x"} for each in adapters]}},
    }


def adapter_row(ident: object, kind: object = "Kaseya BMS", **attributes: object) -> dict:
    return {"id": ident, "type": "adapters-resources", "attributes": {"adapter-type-name": kind, **attributes}}


# ---------------------------------------------------------------- organizations


def organization_row(ident: object, name: str, **attributes: object) -> dict:
    return {"id": ident, "type": "organizations", "attributes": {"name": name, **attributes}}


def test_an_organization_by_id(itglue, wire):
    row = organization_row(
        "2",
        "Happy Frog",
        primary=True,
        **{"organization-type-name": "Customer", "organization-status-name": "Active", "parent-id": "1"},
    )
    row["relationships"] = {"adapters-resources": {"data": [{"id": 9, "type": "y"}]}}
    adapter = adapter_row("9", **{"remote-id": 2528, "sync": 1, "orphaned": False})
    wire.says({"data": row, "included": [{"id": "1", "type": "other", "attributes": {}}, adapter]})
    assert itglue.organization(" 2 ") == Organization(
        2, "Happy Frog", True, (Adapter("Kaseya BMS", "2528", True, False),), "Customer", "Active"
    )
    assert wire.last.path == "/organizations/2"
    assert wire.last.query == {"include": "adapters_resources"}
    assert wire.last.headers["x-api-key"] == KEY
    assert "content-type" not in wire.last.headers


@pytest.mark.parametrize(
    "refusal",
    [
        reply(None, 404),
        reply(
            {"errors": [{"status": 401, "detail": "Unauthorized resource access", "source": {"pointer": "id"}}]}, 401
        ),
    ],
)
def test_an_unknown_id_is_an_input_error(itglue, wire, refusal):
    wire.says(refusal)
    with pytest.raises(InputError, match="option organization names 7, but IT Glue has no organization of that id"):
        itglue.organization(7)


def test_an_answer_about_another_object_is_not_believed(itglue, wire):
    wire.says({"data": organization_row("3", "Other")})
    with pytest.raises(ProtocolError, match="another object than 2"):
        itglue.organization(2)


def test_an_organization_by_name(itglue, wire):
    wire.says({"data": [organization_row("2", "Frog, Ltd"), organization_row("3", "Frog, Ltd & Sons")]})
    assert itglue.organization(" Frog, Ltd ").id == 2
    assert wire.last.path == "/organizations"
    assert wire.last.query["filter[name]"] == "Frog\\, Ltd"


def test_a_name_in_another_case_is_looked_for_in_the_whole_list(itglue, wire):
    wire.says({"data": []}, {"data": [organization_row("2", "Happy  Frog"), organization_row("3", "Happy Dog")]})
    assert itglue.organization("happy frog") == Organization(2, "Happy  Frog")
    assert wire.last.query["include"] == "adapters_resources"
    assert "filter[name]" not in wire.last.query


@pytest.mark.parametrize(("stored", "typed"), [("Café", "Cafe\u0301"), ("Cafe\u0301", "Café")])
def test_a_name_is_found_in_either_unicode_form(itglue, wire, stored, typed):
    def answer(request):
        wanted = request.query.get("filter[name]", stored)
        return {"data": [organization_row("2", stored)] if wanted == stored else []}

    wire.answer = answer
    assert itglue.organization(typed).id == 2


def test_the_exact_spelling_goes_before_another_one(itglue, wire):
    wire.says({"data": [organization_row("2", "FROG"), organization_row("3", "Frog")]})
    assert itglue.organization("Frog").id == 3


def test_several_organizations_of_a_name_are_listed(itglue, wire):
    wire.says({"data": [organization_row("2", "Frog"), organization_row("3", "Frog")]})
    with pytest.raises(InputError, match=r"option organization names 'Frog'.*2 \(Frog\), 3 \(Frog\)"):
        itglue.organization("Frog")


def test_organizations_of_similar_names_are_suggested_but_not_taken(itglue, wire):
    wire.says({"data": []}, {"data": [organization_row("2", "Happy Frog"), organization_row("3", "Acme")]})
    with pytest.raises(InputError, match=r"no organization of that name\. Similar names: 2 \(Happy Frog\)\."):
        itglue.organization("Hapy Frog")


@pytest.mark.parametrize("ident", ["", "  "])
def test_a_blank_organization(itglue, wire, ident):
    with pytest.raises(InputError, match="option organization is blank"):
        itglue.organization(ident)
    assert wire.requests == []


# --------------------------------------------------------------------- contacts


def test_contacts_with_all_their_parts(itglue, wire):
    row = contact_row(
        "72",
        adapters=["90011", "90012"],
        **{
            "first-name": "Robert",
            "last-name": "Storts",
            "title": None,
            "location-id": 795,
            "location-name": "HQ",
            "contact-type-id": 24,
            "psa-integration": "enabled",
            "important": None,
            "resource-url": "https://frog.itglue.example/2/contacts/72",
            "updated-at": "2016-09-12T19:10:26.000Z",
            "contact-emails": [
                {"value": "robert@frog.example", "primary": True, "label-name": "Work"},
                {"value": None, "primary": False, "label-name": "Work"},
            ],
            "contact-phones": [
                {
                    "value": "4155552156",
                    "extension": "12",
                    "primary": True,
                    "label-name": "Work",
                    "label-type": "phone",
                    "formatted-value": "(415) 555-2156",
                },
                {"value": 8134890123, "label-name": "Fax", "label-type": "fax"},
            ],
        },
    )
    included = [
        adapter_row("90011", "Microsoft", **{"remote-id": "6f1c", "sync": True}),
        adapter_row(90012, **{"remote-id": "178", "sync": "true", "orphaned": "false"}),
    ]
    wire.says({"data": [row], "included": included, "meta": {"total-count": 1, "next-page": None}, "links": {}})
    contacts = list(itglue.contacts(2))
    assert contacts[0].url == "https://frog.itglue.example/2/contacts/72"
    assert contacts[0].updated_at == "2016-09-12T19:10:26.000Z"
    assert contacts == [
        Contact(
            id=72,
            first_name="Robert",
            last_name="Storts",
            emails=(Email("robert@frog.example", "Work", True),),
            phones=(
                Phone("4155552156", "Work", "12", True, "phone"),
                Phone("8134890123", "Fax", None, False, "fax"),
            ),
            location_id=795,
            location_name="HQ",
            contact_type_id=24,
            psa_integration="enabled",
            adapters=(Adapter("Microsoft", "6f1c", True), Adapter("Kaseya BMS", "178", True, False)),
            organization_id=2,
        )
    ]
    assert wire.last.path == "/contacts"
    assert wire.last.query == {
        "filter[organization_id]": "2",
        "include": "adapters_resources",
        "sort": "id",
        "page[size]": "1000",
        "page[number]": "1",
    }


def test_snake_case_is_read_as_well(itglue, wire):
    row = {
        "id": 5,
        "attributes": {
            "organization_id": 2,
            "first_name": "A",
            "contact_emails": [{"value": "a@b", "label_name": "W"}],
        },
        "relationships": {"adapters_resources": {"data": [{"id": "1"}]}},
    }
    included = [{"id": 1, "attributes": {"adapter_type_name": "BMS", "remote_id": "9"}}]
    wire.says({"data": [row], "included": included})
    (contact,) = itglue.contacts(2)
    assert contact.first_name == "A"
    assert contact.emails == (Email("a@b", "W"),)
    assert contact.adapters == (Adapter("BMS", "9"),)


def test_a_contact_of_another_organization_is_not_believed(itglue, wire):
    wire.says({"data": [contact_row("1"), contact_row("2", organization=3)]})
    with pytest.raises(ProtocolError, match="contact 2 is of organization 3, though those of 2 were asked for"):
        list(itglue.contacts(2))


def _without_relationship(row: dict) -> dict:
    return {key: value for key, value in row.items() if key != "relationships"}


@pytest.mark.parametrize(
    ("row", "included", "adapters"),
    [
        (_without_relationship(contact_row("72")), [], ()),
        (contact_row("72", adapters=["9"]), [adapter_row("8")], ()),
        (contact_row("72", adapters=["9"]), [{"id": "9", "attributes": {"remote-id": "178"}}], ()),
        (contact_row("72", adapters=["9"]), [adapter_row("9", None)], ()),
        (contact_row("72", adapters=["9"]), [adapter_row("9", "")], ()),
        (contact_row("72", adapters=["8", "9"]), [adapter_row("8")], (Adapter("Kaseya BMS"),)),
    ],
    ids=["no relationship", "not included", "no type", "type null", "type blank", "one of two"],
)
def test_a_contact_whose_adapters_are_not_shown_is_one_of_unknown_link(itglue, wire, row, included, adapters):
    wire.says({"data": [row, contact_row("73")], "included": included})
    contacts = {contact.id: contact for contact in itglue.contacts(2)}
    assert (contacts[72].link_known, contacts[72].adapters) == (False, adapters)
    assert (contacts[73].link_known, contacts[73].adapters) == (True, ())


def test_one_contact(itglue, wire):
    wire.says({"data": contact_row(adapters=["9"]), "included": [adapter_row("9")]})
    assert itglue.contact(72).adapters == (Adapter("Kaseya BMS"),)
    assert wire.last.path == "/contacts/72"
    assert wire.last.query == {"include": "adapters_resources"}


def test_one_contact_that_is_not_there(itglue, wire):
    wire.says(reply({"status": 404, "error": "Not Found"}, 404))
    with pytest.raises(NotFoundError, match="Not Found. It does not exist, or this API key may not see it."):
        itglue.contact(72)


# ----------------------------------------------------------------------- pages


def paged(rows: list[dict], *, limit: int = 1000, links: bool = True, meta: bool = True, total: bool = True):
    """A list as IT Glue serves it, in pages of at most `limit` rows."""

    def answer(request):
        query = request.query
        size = min(int(query["page[size]"]), limit)
        number = int(query["page[number]"])
        pages = max(1, -(-len(rows) // size))
        following = number + 1 if number < pages else None
        body: dict = {"data": rows[(number - 1) * size : number * size]}
        if meta:
            body["meta"] = {"current-page": number, "next-page": following, "total-pages": pages}
        if total:
            body.setdefault("meta", {})["total-count"] = len(rows)
        if links:
            target = (
                f"http://{request.headers['host']}{request.path}?cursor=x&page[size]={size}&page[number]={following}"
            )
            body["links"] = {"next": target} if following else {}
        return body

    return answer


ROWS = [contact_row(str(number)) for number in range(1, 251)]


@pytest.mark.parametrize("limit", [1000, 250, 100, 99])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("meta", [True, False])
def test_all_pages_are_read(itglue, wire, limit, links, meta):
    if not links and not meta:
        limit = 1000
    wire.answer = paged(ROWS, limit=limit, links=links, meta=meta)
    assert [contact.id for contact in itglue.contacts(2)] == list(range(1, 251))
    assert len(wire.requests) == -(-250 // limit)


def test_a_link_is_followed_as_it_is(itglue, wire):
    wire.answer = paged(ROWS, limit=200)
    list(itglue.contacts(2))
    assert wire.last.query == {"cursor": "x", "page[size]": "200", "page[number]": "2"}
    assert wire.last.target.count("?") == 1


def test_total_pages_alone_lead_on(itglue, wire):
    wire.says(
        {"data": ROWS[:2], "meta": {"total-pages": 2}, "links": None}, {"data": ROWS[2:3], "meta": {"total-pages": 2}}
    )
    assert [contact.id for contact in itglue.contacts(2)] == [1, 2, 3]


def test_a_link_to_another_host_is_not_followed(itglue, wire):
    wire.says({"data": ROWS[:1], "links": {"next": "https://evil.example/contacts?page[number]=2"}})
    with pytest.raises(ProtocolError, match="evil.example"):
        list(itglue.contacts(2))


@pytest.mark.parametrize("links", [True, False])
def test_pages_in_a_circle(itglue, wire, links):
    def answer(request):
        body = {"data": ROWS[:2], "meta": {"current-page": 1, "next-page": 1, "total-count": 4}}
        if links:
            body["links"] = {"next": f"{wire.url}/contacts?page[number]=1"}
        return body

    wire.answer = answer
    with pytest.raises(ProtocolError, match="in a circle"):
        list(itglue.contacts(2))
    assert len(wire.requests) <= 3


def several(*organizations: int, rows: int = 9) -> list[dict]:
    """Contacts of several organizations, in turn."""
    return [contact_row(str(number), organizations[number % len(organizations)]) for number in range(1, rows + 1)]


def test_contacts_of_several_organizations_in_one_list(itglue, wire):
    wire.answer = paged(several(2, 3))
    found = list(itglue.contacts_of_several([2, 3], 2))
    assert sorted((contact.organization_id, contact.id) for contact in found) == sorted(
        (2 + number % 2, number) for number in range(1, 10)
    )
    (request,) = wire.requests
    assert request.query["filter[organization_id]"] == "2,3"
    assert request.query["sort"] == "id"


def test_contacts_of_several_are_not_lost_when_the_list_moves(itglue, wire):
    """A row of the first page goes while the second is asked for: its first row is then on no page."""
    rows = several(2, 3)

    def answer(request):
        page = paged(rows, limit=4, links=False)(request)
        if len(wire.requests) == 1:
            rows.pop(0)
        return page

    wire.answer = answer
    assert sorted(contact.id for contact in itglue.contacts_of_several([2, 3], 9)) == list(range(1, 10))


@pytest.mark.parametrize("stranger", [4, None])
def test_contacts_of_an_organization_that_was_not_asked_for_are_not_believed(itglue, wire, stranger):
    """As where the service ignores the filter."""
    wire.answer = paged([*several(2, 3), contact_row("99", stranger)])
    with pytest.raises(ProtocolError, match="of 2, 3 were asked for"):
        list(itglue.contacts_of_several([2, 3], 2))


@pytest.mark.parametrize(("most", "limit", "requests"), [(2, 4, 1), (3, 4, 3), (1, 1000, 1)])
@pytest.mark.parametrize("meta", [True, False])
def test_a_list_that_is_too_long_costs_its_first_page(itglue, wire, most, limit, requests, meta):
    """Also where the service serves smaller pages than it was asked for."""
    wire.answer = paged(several(2, 3), limit=limit, meta=meta)
    if most * limit < 9:
        with pytest.raises(ListTooLongError):
            list(itglue.contacts_of_several([2, 3], most))
    else:
        assert len(list(itglue.contacts_of_several([2, 3], most))) == 9
    assert len(wire.requests) == requests


def test_a_list_without_counts_ends_where_it_is_too_long(itglue, wire):
    wire.answer = paged(several(2, 3), limit=4, meta=False, total=False)
    with pytest.raises(ListTooLongError):
        list(itglue.contacts_of_several([2, 3], 2))
    assert len(wire.requests) == 3


def test_locations_of_several_organizations(itglue, wire):
    rows = [{"id": str(number), "attributes": {"organization-id": number, "name": "HQ"}} for number in (2, 3)]
    wire.answer = paged(rows)
    assert [(owner, each.id) for owner, each in itglue.locations_of_several([2, 3], 2)] == [(2, 2), (3, 3)]
    wire.answer = paged(rows)
    with pytest.raises(ProtocolError):
        list(itglue.locations_of_several([2], 2))


def test_endless_pages_without_anything_new(itglue, wire):
    wire.answer = lambda request: {"data": ROWS[:2], "links": {"next": f"{wire.url}/contacts?c={len(wire.requests)}"}}
    with pytest.raises(ProtocolError, match="in a circle"):
        list(itglue.contacts(2))
    assert len(wire.requests) < 10


@pytest.mark.parametrize("slow", [reply(None, 504), STALL, "too long"])
@pytest.mark.parametrize("links", [True, False])
def test_pages_become_smaller_where_the_service_is_too_slow(itglue, wire, slow, links):
    itglue._requests.session.transport.timeout = (1.0, 0.2)
    serve = paged(ROWS, links=links, limit=170)
    slow_sizes = []

    def answer(request):
        size = int(request.query["page[size]"])
        if size > 100:
            slow_sizes.append(size)
            if len(slow_sizes) == 2 or size > 170:
                if slow == "too long":
                    detail = "The request took too long to process and timed out."
                    return reply({"errors": [{"detail": detail}]}, 422)
                return slow
        return serve(request)

    wire.answer = answer
    assert [contact.id for contact in itglue.contacts(2)] == list(range(1, 251))
    assert slow_sizes[0] == 1000


def test_a_service_that_stays_too_slow_is_unavailable(itglue, wire):
    wire.answer = lambda request: reply(None, 504)
    with pytest.raises(UnavailableError):
        list(itglue.contacts(2))
    sizes = [request.query["page[size]"] for request in wire.requests]
    assert sizes[:6] == ["1000", "500", "250", "125", "62", "50"]
    assert set(sizes[5:]) == {"50"}


def test_rows_that_a_moving_list_passed_over_are_read_again(itglue, wire):
    """A row of the first page goes while the second is asked for: its first row is then on no page."""
    rows = list(ROWS[:9])

    def answer(request):
        page = paged(rows, limit=4, links=False)(request)
        if len(wire.requests) == 1:
            rows.pop(0)
        return page

    wire.answer = answer
    assert sorted(contact.id for contact in itglue.contacts(2)) == list(range(1, 10))
    assert len(wire.requests) == 4


def test_a_list_that_counts_more_than_it_shows_is_taken_when_it_is_stable(itglue, wire):
    wire.answer = lambda request: {"data": ROWS[:3], "meta": {"total-count": 5}}
    assert len(list(itglue.contacts(2))) == 3
    assert len(wire.requests) == 2


def test_a_list_that_never_holds_still_is_unavailable(itglue, wire):
    wire.answer = lambda request: {"data": [ROWS[len(wire.requests)]], "meta": {"total-count": 100}}
    with pytest.raises(UnavailableError, match="kept changing while it was read and stayed incomplete"):
        list(itglue.contacts(2))


def test_pages_are_decoded_as_they_come(itglue, wire):
    wire.answer = paged(ROWS, limit=100)
    contacts = itglue.contacts(2)
    next(contacts)
    assert len(wire.requests) == 1


# ------------------------------------------------------------- contacts: writes

ATTRIBUTES = {
    "first-name": "Jackie",
    "title": None,
    "contact-emails": [{"value": "jackie@frog.example", "primary": True, "label-name": "Work"}],
}


def test_contacts_are_created_in_one_request(itglue, wire):
    wire.says(reply({"data": [contact_row("80", **ATTRIBUTES), contact_row("81")]}, 201))
    created = itglue.create_contacts(2, [ATTRIBUTES, {"first-name": "B"}])
    assert [contact.id for contact in created] == [80, 81]
    assert created[0].emails == (Email("jackie@frog.example", "Work", True),)
    assert wire.asked == ["POST /organizations/2/relationships/contacts"]
    assert wire.last.headers["content-type"] == "application/vnd.api+json"
    assert wire.last.json == {
        "data": [
            {"type": "contacts", "attributes": ATTRIBUTES},
            {"type": "contacts", "attributes": {"first-name": "B"}},
        ]
    }


def test_one_contact_is_created_as_the_reference_shows_it(itglue, wire):
    wire.says(reply({"data": {"id": "80", "type": "contacts", "attributes": {"organization-id": 2}}}, 201))
    assert [contact.id for contact in itglue.create_contacts(2, [ATTRIBUTES])] == [80]
    assert wire.last.json == {"data": {"type": "contacts", "attributes": ATTRIBUTES}}


@pytest.mark.parametrize(
    "step", [RESET, reply(None, 503), reply(b"<html>", 201), reply({"data": None}, 201), reply([], 200)]
)
def test_a_create_without_a_clear_answer_is_unclear(itglue, wire, step):
    wire.says(step)
    with pytest.raises(OutcomeUnknownError):
        itglue.create_contacts(2, [ATTRIBUTES])
    assert len(wire.requests) == 1


def test_contacts_are_updated_in_one_request(itglue, wire):
    wire.says(reply(None, 502), {"data": [contact_row("72"), contact_row("73")]})
    updated = itglue.update_contacts([(72, {"location-id": 795}), (73, {"title": "CFO"})])
    assert [contact.id for contact in updated] == [72, 73]
    assert wire.asked == ["PATCH /contacts"] * 2
    assert wire.last.json == {
        "data": [
            {"type": "contacts", "attributes": {"id": 72, "location-id": 795}},
            {"type": "contacts", "attributes": {"id": 73, "title": "CFO"}},
        ]
    }


def test_one_contact_is_updated(itglue, wire):
    wire.says({"data": contact_row("72")})
    assert itglue.update_contact(72, {"title": "CFO"}).id == 72
    assert wire.asked == ["PATCH /contacts/72"]
    assert wire.last.json == {"data": {"type": "contacts", "attributes": {"title": "CFO"}}}


def test_a_synced_record_says_which_attributes_are_locked(itglue, wire):
    error = {
        "source": {"pointer": "/data/attributes/contact-emails.base"},
        "detail": "Cannot update a synced resource",
        "title": "Unprocessable Entity",
        "status": 422,
    }
    wire.says(reply({"errors": [error]}, 422))
    with pytest.raises(RejectedError) as caught:
        itglue.update_contact(72, ATTRIBUTES)
    assert caught.value.pointers == ("/data/attributes/contact-emails.base",)
    assert caught.value.said == "Cannot update a synced resource (/data/attributes/contact-emails.base)"


def test_contacts_are_deleted_by_id_alone(itglue, wire):
    wire.says({"data": []})
    itglue.delete_contacts([72, 73])
    assert wire.asked == ["DELETE /contacts"]
    assert wire.last.query == {}
    assert [each["attributes"] for each in wire.last.json["data"]] == [{"id": 72}, {"id": 73}]
    with pytest.raises(InputError):
        itglue.delete_contacts([])
    assert len(wire.requests) == 1


def test_a_delete_that_took_place_before_the_answer_was_lost(itglue, wire):
    wire.says(RESET, reply(None, 404))
    itglue.delete_asset(401)
    wire.says(reply(None, 404))
    with pytest.raises(NotFoundError):
        itglue.delete_asset(401)


# ---------------------------------------------- locations, contact types, assets


def test_locations(itglue, wire):
    attributes = {"organization-id": 2, "name": "HQ", "primary": True, "address-1": "120 Kearny", "city": "SF"}
    attributes |= {"region-name": "California", "country-name": "United States", "country-id": 84}
    other = {"organization-id": 2, "name": None, "primary": None}
    wire.says({"data": [{"id": "795", "attributes": attributes}, {"id": "796", "attributes": other}]})
    assert list(itglue.locations(2)) == [
        Location(795, "HQ", True, "120 Kearny", "SF", "California", "United States"),
        Location(796, None),
    ]
    assert wire.last.query["filter[organization_id]"] == "2"


def test_locations_of_another_organization_are_not_believed(itglue, wire):
    wire.says({"data": [{"id": "795", "attributes": {"organization-id": 3, "name": "HQ"}}]})
    with pytest.raises(ProtocolError, match="location 795 is of organization 3"):
        list(itglue.locations(2))


def test_contact_types(itglue, wire):
    wire.says({"data": [{"id": "24", "type": "contact-types", "attributes": {"name": "Approver"}}]})
    assert itglue.contact_types() == [ContactType(24, "Approver")]


def field_row(ident: object, order: int, **attributes: object) -> dict:
    common = {"order": order, "name": f"Field {order}", "kind": "Text", "name-key": f"field-{order}"}
    return {"id": ident, "type": "flexible-asset-fields", "attributes": {**common, **attributes}}


def type_row(ident: str, name: str, fields: object = ()) -> dict:
    return {
        "id": ident,
        "type": "flexible-asset-types",
        "attributes": {"name": name, "description": "d", "icon": "sync", "enabled": True},
        "relationships": {"flexible-asset-fields": {"data": [{"id": each} for each in fields]}},
    }


def test_asset_types_in_one_request(itglue, wire):
    data = [type_row("34", "B, b"), type_row("33", "A", ["2", "1"]), type_row("30", "Other")]
    first = field_row(1, 1, **{"use-for-title": True, "required": True, "show-in-list": True, "hint": "h"})
    wire.says({"data": data, "included": [first, field_row(2, 2, kind="Select", **{"default-value": "a\nb"})]})
    assert itglue.asset_types("A", "B, b") == [
        AssetType(
            33,
            "A",
            "d",
            "sync",
            (
                AssetField("Field 1", "Text", "field-1", 1, 1, "h", True, True, True),
                AssetField("Field 2", "Select", "field-2", 2, 2, default_value="a\nb"),
            ),
        ),
        AssetType(34, "B, b", "d", "sync"),
    ]
    assert len(wire.requests) == 1
    assert wire.last.query["filter[name]"] == "A,B\\, b"
    assert wire.last.query["include"] == "flexible_asset_fields"


def test_a_type_whose_fields_are_not_all_shown_comes_without(itglue, wire):
    wire.says({"data": [type_row("33", "A", ["1", "2"])], "included": [field_row(1, 1)]})
    assert itglue.asset_types("A")[0].fields == ()


def test_the_fields_of_a_type(itglue, wire):
    wire.says({"data": [field_row("2", 2), field_row("1", 1, kind="Checkbox", **{"default-value": True})]})
    assert [field.default_value for field in itglue.asset_type_fields(33)] == ["True", None]
    assert wire.last.path == "/flexible_asset_types/33/relationships/flexible_asset_fields"


def test_a_type_is_created_with_its_fields(itglue, wire):
    wire.says(reply({"data": type_row("33", "A")}, 201))
    title = AssetField("Name", "Text", order=1, required=True, use_for_title=True, show_in_list=True)
    made = itglue.create_asset_type(AssetType(None, "A", icon="sync", fields=(title,)))
    assert (made.id, made.fields) == (33, ())
    assert wire.asked == ["POST /flexible_asset_types"]
    sent = wire.last.json["data"]
    assert sent["attributes"] == {"name": "A", "icon": "sync", "show-in-menu": True}
    assert [each["attributes"] for each in sent["relationships"]["flexible-asset-fields"]["data"]] == [
        {"order": 1, "name": "Name", "kind": "Text", "required": True, "use-for-title": True, "show-in-list": True}
    ]


def test_a_field_is_added(itglue, wire):
    wire.says(reply({"data": field_row("7", 3)}, 201))
    field = AssetField("Field 3", "Select", order=3, hint="h", default_value="a\nb")
    assert itglue.create_asset_field(33, field).key == "field-3"
    assert wire.last.json["data"]["attributes"] == {
        "flexible-asset-type-id": 33,
        "order": 3,
        "name": "Field 3",
        "kind": "Select",
        "hint": "h",
        "default-value": "a\nb",
        "required": False,
        "use-for-title": False,
        "show-in-list": False,
    }


def asset_row(ident: str = "401", organization: int = 2, kind: int = 33, **attributes: object) -> dict:
    return {
        "id": ident,
        "attributes": {"organization-id": organization, "flexible-asset-type-id": kind, **attributes},
    }


def test_assets(itglue, wire):
    attributes = {"organization-name": "Frog", "name": "N", "archived": True, "resource-url": "https://x/401"}
    wire.says({"data": [asset_row(traits={"a": [1, {"b": None}]}, **attributes), asset_row("402", traits=None)]})
    assert list(itglue.assets(33, 2)) == [
        Asset(401, 33, 2, "Frog", "N", True, "https://x/401", {"a": [1, {"b": None}]}),
        Asset(402, 33, 2),
    ]
    assert wire.last.query["filter[flexible-asset-type-id]"] == "33"
    assert wire.last.query["filter[organization-id]"] == "2"


def test_assets_of_two_types_in_one_request(itglue, wire):
    wire.says({"data": [asset_row("1", kind=33), asset_row("2", kind=34), asset_row("3", kind=35)]})
    assert [asset.id for asset in itglue.assets_of([33, 34], 2)] == [1, 2]
    assert wire.last.query["filter[flexible-asset-type-id]"] == "33,34"
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "together",
    [
        pytest.param({"data": [asset_row("1", kind=33)]}, id="only-the-first-type"),
        pytest.param({"data": []}, id="nothing"),
        pytest.param(reply({"errors": [{"status": 422, "title": "No"}]}, 422), id="refused"),
    ],
)
def test_a_type_that_the_comma_does_not_reach_is_asked_for_alone(itglue, wire, together):
    wire.says(together, *([] if isinstance(together, dict) and together["data"] else [{"data": [asset_row("33")]}]))
    wire.says({"data": [asset_row("34", kind=34)]})
    assert sorted(asset.type_id for asset in itglue.assets_of([33, 34], 2)) == [33, 34]
    assert wire.last.query["filter[flexible-asset-type-id]"] == "34"


def test_assets_of_all_organizations(itglue, wire):
    wire.says({"data": [asset_row("1", 2), asset_row("2", 3)]})
    assert [asset.organization_id for asset in itglue.assets(33)] == [2, 3]
    assert "filter[organization-id]" not in wire.last.query


@pytest.mark.parametrize("row", [asset_row(organization=3), asset_row(kind=34)])
def test_assets_that_were_not_asked_for_are_not_believed(itglue, wire, row):
    wire.says({"data": [row]})
    with pytest.raises(ProtocolError, match="were asked for"):
        list(itglue.assets(33, 2))


@pytest.mark.parametrize(
    ("shown", "asked"),
    [((33, 34), ["33,34,35"]), ((33,), ["33,34,35", "34", "35"]), ((), ["33,34,35", "33", "34", "35"])],
)
def test_assets_of_all_organizations_and_several_types(itglue, wire, shown, asked):
    """Two types in one answer show that a comma means "or": then a type without a row has none."""
    rows = [asset_row(str(kind), kind - 30, kind) for kind in (33, 34)]

    def answer(request):
        wanted = request.query["filter[flexible-asset-type-id]"]
        kinds = shown if "," in wanted else (int(wanted),)
        return paged([row for row in rows if row["attributes"]["flexible-asset-type-id"] in kinds])(request)

    wire.answer = answer
    found = [asset.type_id for asset in itglue.assets_of([33, 34, 35], most=5)]
    assert sorted(found) == [33, 34]
    assert [request.query["filter[flexible-asset-type-id]"] for request in wire.requests] == asked


def test_writes_of_assets(itglue, wire):
    wire.says(reply({"data": asset_row("401", traits={"a": "1"})}, 201), {"data": asset_row("401")}, reply(None, 204))
    assert itglue.create_asset(2, 33, {"a": "1"}).traits == {"a": "1"}
    assert wire.last.json["data"]["attributes"] == {
        "organization-id": 2,
        "flexible-asset-type-id": 33,
        "traits": {"a": "1"},
    }
    assert itglue.update_asset(401, {"a": "2"}).id == 401
    assert wire.last.json == {"data": {"type": "flexible-assets", "attributes": {"traits": {"a": "2"}}}}
    itglue.delete_asset(401)
    assert wire.asked == ["POST /flexible_assets", "PATCH /flexible_assets/401", "DELETE /flexible_assets/401"]


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (403, {"message": "Forbidden"}, AuthenticationError, "Forbidden"),
        (401, None, AuthenticationError, ""),
        (401, {"errors": [{"title": "Unauthorized", "source": {"pointer": "id"}}]}, NotFoundError, "Unauthorized (id)"),
        (404, {"errors": [{"title": "Not found"}]}, NotFoundError, "Not found"),
        (
            422,
            {"errors": [{"status": "unprocessable_entity", "title": "Duplicate", "source": {"pointer": "data"}}]},
            RejectedError,
            "Duplicate (data)",
        ),
        (
            422,
            {"errors": [{"title": "Unprocessable Entity", "detail": ["can't be blank", "x"], "status": 422}]},
            RejectedError,
            "can't be blank, x",
        ),
        (422, {"errors": [{"detail": None, "title": "T"}, "words", 5, {"source": "s"}]}, RejectedError, "T; words"),
        (400, {"error": "param is missing"}, RejectedError, "param is missing"),
        (400, {"errors": "words"}, RejectedError, ""),
        (415, b"Unsupported", RejectedError, "Unsupported"),
        (429, None, QuotaExceededError, ""),
    ],
)
def test_errors_in_all_their_forms(itglue, wire, status, body, kind, message):
    wire.answer = lambda request: reply(body, status)
    with pytest.raises(ApiError) as caught:
        list(itglue.contacts(2))
    assert caught.type is kind
    assert caught.value.said == message
    assert KEY not in str(caught.value)


def test_a_bad_key_says_what_to_check(itglue, wire):
    wire.says(reply({"message": "Forbidden"}, 403))
    with pytest.raises(AuthenticationError, match="itglue_api_key, which is revoked after 90 days .* itglue_url"):
        itglue.organization(2)


@pytest.mark.parametrize("key", ["ITG.\u201cabc", "ITG.a\nb"])
def test_a_key_with_odd_signs(key, access):
    with pytest.raises(InputError, match="itglue_api_key") as caught:
        ItGlueClient(url_or_region="eu", api_key=key, access=access())
    assert key not in str(caught.value)


@pytest.mark.parametrize(("region", "url"), REGIONS.items())
def test_regions(region, url, access):
    client = ItGlueClient(url_or_region=f" {region.upper()} ", api_key="k", access=access())
    assert client.base_url == url


def test_an_unknown_region(access):
    with pytest.raises(InputError, match="itglue_url is neither an address nor one of us, eu, au"):
        ItGlueClient(url_or_region="mars", api_key="k", access=access())

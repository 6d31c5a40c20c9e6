# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the played IT Glue must enforce of flexible asset types, fields and assets."""

from __future__ import annotations

import copy
import json

import pytest

from tests.sandbox.bms import Bms
from tests.sandbox.itglue import ItGlue
from tests.sandbox.local import Local

ORGANIZATIONS = [{"id": 1, "name": "Frog"}, {"id": 2, "name": "Hen"}]
MAIL = {
    "id": 33,
    "name": "Email",
    "fields": [
        {"name": "Type", "kind": "Text", "required": True, "use-for-title": True, "show-in-list": True},
        {"name": "Webmail URL", "kind": "Text", "use-for-title": True},
        {"name": "Owners", "kind": "Tag", "tag-type": "Organizations"},
        {"name": "Notes", "kind": "Textbox", "use-for-title": True},
        {"name": "Mode", "kind": "Select", "default-value": "Report\nApply"},
        {"name": "On", "kind": "Checkbox"},
        {"name": "Part", "kind": "Header"},
    ],
}
ASSETS = [
    {"id": 401, "organization-id": 1, "flexible-asset-type-id": 33, "traits": {"type": "Exchange", "mode": "Apply"}},
    {"id": 402, "organization-id": 2, "flexible-asset-type-id": 33, "traits": {"type": "Domino"}, "archived": True},
]
TEXT = {"order": 1, "name": "Name", "kind": "Text", "show-in-list": True, "use-for-title": True}


class Glue:
    def __init__(self, **behaviour):
        glue = {"organizations": ORGANIZATIONS, "flexible_asset_types": [MAIL], "flexible_assets": ASSETS}
        world = {"itglue": {"api_key": "k", **copy.deepcopy(glue)}, "behaviour": behaviour}
        self.local = Local(world, services=(Bms, ItGlue))

    def ask(self, method, path, data=None, **params):
        headers = {"x-api-key": "k", "content-type": "application/vnd.api+json"}
        content = None if data is None else json.dumps({"data": data})
        return self.local.request("itglue", method, path, content=content, headers=headers, params=params or None)

    def send(self, method, path, kind, attributes, status, **more):
        answer = self.ask(method, path, {"type": kind, "attributes": attributes, **more})
        assert answer.status_code == status, answer.text
        return answer.json()

    def assets(self, **filters):
        answer = self.ask("GET", "/flexible_assets", **{f"filter[{name}]": value for name, value in filters.items()})
        assert answer.status_code == 200, answer.text
        return {int(row["id"]): row["attributes"] for row in answer.json()["data"]}

    def create(self, traits, status=201, **more):
        given = {"organization-id": 1, "flexible-asset-type-id": 33, "traits": traits, **more}
        return self.send("POST", "/flexible_assets", "flexible-assets", given, status)

    def patch(self, traits, status=200, ident=401):
        return self.send("PATCH", f"/flexible_assets/{ident}", "flexible-assets", {"traits": traits}, status)

    def create_type(self, *fields, status=201, **attributes):
        data = [{"type": "flexible_asset_fields", "attributes": field} for field in fields]
        relations = {"flexible-asset-fields": {"data": data}}
        given = {"name": "Settings", **attributes}
        return self.send(
            "POST", "/flexible_asset_types", "flexible_asset_types", given, status, relationships=relations
        )

    def fields(self, ident=33):
        rows = self.ask("GET", f"/flexible_asset_types/{ident}/relationships/flexible_asset_fields").json()["data"]
        return {row["attributes"]["name"]: (int(row["id"]), row["attributes"]) for row in rows}

    def create_field(self, status=201, **field):
        given = {"flexible-asset-type-id": 33, **field}
        return self.send("POST", "/flexible_asset_fields", "flexible-asset-fields", given, status)


@pytest.fixture
def glue(request):
    return Glue(**getattr(request, "param", {}))


def behaving(**behaviour):
    return pytest.mark.parametrize("glue", [behaviour], indirect=True)


def attributes(document):
    return document["data"]["attributes"]


def pointers(document):
    return [error["source"]["pointer"] for error in document["errors"]]


# --- types -----------------------------------------------------------------------------------------------------------


def test_a_type_is_created_with_its_fields(glue):
    select = {"order": 2, "name": "Two-way Sync?", "kind": "Select", "default_value": "Yes\nNo", "use_for_title": True}
    box = {"order": 3, "name": "Notes", "kind": "Textbox", "use-for-title": True}
    header = {"order": 4, "name": "Part", "kind": "Header", "required": True}

    made = glue.create_type(TEXT, select, box, header, icon="sync", description="")

    assert (made["data"]["id"], made["data"]["type"]) == ("34", "flexible-asset-types")
    assert "included" not in made
    assert "relationships" not in made["data"]
    assert attributes(made)["description"] is None
    shown = glue.ask("GET", "/flexible_asset_types/34", include="flexible_asset_fields").json()
    fields = {item["attributes"]["name-key"]: item["attributes"] for item in shown["included"]}
    assert [pointer["id"] for pointer in shown["data"]["relationships"]["flexible-asset-fields"]["data"]] == [
        item["id"] for item in shown["included"]
    ]
    assert list(fields) == ["name", "two-way-sync", "notes", "part"]
    assert fields["two-way-sync"]["default-value"] == "Yes\nNo"
    assert fields["two-way-sync"]["use-for-title"] is True
    assert fields["notes"]["use-for-title"] is False
    assert fields["part"]["required"] is False
    assert {field["flexible-asset-type-id"] for field in fields.values()} == {34}


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [{**TEXT, "show-in-list": False}],
        [{**TEXT, "kind": "Colour"}],
        [{**TEXT, "name": ""}],
        [{**TEXT, "order": None}],
        [{**TEXT, "order": "first"}],
        [{**TEXT, "kind": "Select"}],
        [{**TEXT, "kind": "Number"}],
        [{**TEXT, "kind": "Tag"}],
        [TEXT, {**TEXT, "order": 2}],
        [TEXT, {**TEXT, "order": 2, "name": "NAME"}],
        [TEXT, {**TEXT, "name": "Other"}],
    ],
)
def test_a_type_with_bad_fields_is_refused(glue, fields):
    glue.create_type(*fields, status=422)

    assert len(glue.local.sandbox.state()["itglue"]["flexible_asset_types"]) == 1


def test_a_type_needs_a_name_and_may_have_that_of_another(glue):
    glue.create_type(TEXT, name="", status=422)
    glue.create_type(TEXT, name="Email")

    rows = glue.ask("GET", "/flexible_asset_types", **{"filter[name]": "Email,email"}).json()["data"]
    assert [row["id"] for row in rows] == ["33", "34"]


def test_types_are_listed_with_their_fields_and_found_by_their_names(glue):
    glue.create_type(TEXT)
    found = glue.ask(
        "GET", "/flexible_asset_types", include="flexible_asset_fields", **{"filter[name]": "Email"}
    ).json()

    assert [row["id"] for row in found["data"]] == ["33"]
    assert [item["attributes"]["name-key"] for item in found["included"]] == [
        "type",
        "webmail-url",
        "owners",
        "notes",
        "mode",
        "on",
        "part",
    ]
    assert all(isinstance(item["id"], str) for item in found["included"])


def test_a_type_is_changed_but_not_its_relationships_and_never_deleted(glue):
    path, kind = "/flexible_asset_types/33", "flexible-asset-types"

    assert attributes(glue.send("PATCH", path, kind, {"name": "Mail"}, 200))["name"] == "Mail"
    glue.send("PATCH", path, kind, {"name": "X"}, 422, relationships={"flexible-asset-fields": {"data": []}})
    assert glue.ask("DELETE", path).status_code == 404
    assert attributes(glue.ask("GET", path).json())["name"] == "Mail"


# --- fields ----------------------------------------------------------------------------------------------------------


def test_a_field_is_added_on_both_routes(glue):
    one = glue.create_field(order=20, name="Größe", kind="Text")
    assert attributes(one)["name-key"] == "groe"

    nested = "/flexible_asset_types/33/relationships/flexible_asset_fields"
    rows = [{"type": "flexible-asset-fields", "attributes": {**TEXT, "name": f"F{n}", "order": n}} for n in (30, 31)]
    made = glue.ask("POST", nested, rows)
    assert made.status_code == 201
    assert {"F30", "F31", "Größe"} <= set(glue.fields())


def test_a_field_needs_a_type_and_a_name_and_an_order_of_its_own(glue):
    refused = glue.create_field(422, **{**TEXT, "flexible-asset-type-id": 99})
    assert pointers(refused) == ["data/attributes/flexible_asset_type_id"]
    assert pointers(glue.create_field(422, order=20, name="type", kind="Text")) == ["/data/attributes/name"]
    assert pointers(glue.create_field(422, order=1, name="New", kind="Text")) == ["/data/attributes/order"]
    assert len(glue.fields()) == 7


def test_the_kind_of_a_field_that_is_used_stays(glue):
    ident = glue.fields()["Mode"][0]
    path, kind = f"/flexible_asset_fields/{ident}", "flexible-asset-fields"

    glue.send("PATCH", path, kind, {"kind": "Text"}, 422)
    renamed = attributes(glue.send("PATCH", path, kind, {"name": "Way", "hint": "h"}, 200))
    assert (renamed["name"], renamed["name-key"], renamed["hint"]) == ("Way", "mode", "h")
    unused = glue.fields()["On"][0]
    changed = glue.send("PATCH", f"/flexible_asset_fields/{unused}", kind, {"kind": "Text"}, 200)
    assert attributes(changed)["kind"] == "Text"


def test_many_fields_are_changed_at_once(glue):
    rows = [
        {"type": "flexible-asset-fields", "attributes": {"id": glue.fields()[name][0], "hint": name}}
        for name in ("Type", "Mode")
    ]

    assert glue.ask("PATCH", "/flexible_asset_fields", rows).status_code == 200
    assert [glue.fields()[name][1]["hint"] for name in ("Type", "Mode", "Notes")] == ["Type", "Mode", None]


def test_a_deleted_field_takes_its_traits_along(glue):
    ident = glue.fields()["Mode"][0]

    answer = glue.ask("DELETE", f"/flexible_asset_fields/{ident}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert glue.assets(**{"flexible-asset-type-id": 33})[401]["traits"] == {"type": "Exchange"}
    assert glue.ask("GET", f"/flexible_asset_fields/{ident}").status_code == 404


# --- assets ----------------------------------------------------------------------------------------------------------


def test_assets_are_listed_by_their_type_only(glue):
    glue.create_type(TEXT)

    assert glue.ask("GET", "/flexible_assets").status_code == 422
    assert glue.ask("GET", "/flexible_assets", **{"filter[organization_id]": 1}).status_code == 422
    assert glue.ask("GET", "/organizations/1/relationships/flexible_assets").status_code == 404
    assert list(glue.assets(flexible_asset_type_id=33)) == [401, 402]
    assert list(glue.assets(flexible_asset_type_id=34)) == []
    assert list(glue.assets(flexible_asset_type_id="34,33")) == [401, 402]
    assert list(glue.assets(**{"flexible-asset-type-id": 33, "organization-id": 2})) == [402]
    assert list(glue.assets(flexible_asset_type_id=33, name="Domino")) == [402]
    assert list(glue.assets(flexible_asset_type_id=33, name="domino")) == []


def test_an_asset_is_shown_in_full(glue):
    assert glue.assets(flexible_asset_type_id=33)[402] == {
        "organization-id": 2,
        "organization-name": "Hen",
        "resource-url": "https://sandbox.itglue.com/2/assets/33/records/402",
        "restricted": False,
        "my-glue": False,
        "flexible-asset-type-id": 33,
        "flexible-asset-type-name": "Email",
        "name": "Domino",
        "traits": {"type": "Domino"},
        "archived": True,
        "created-at": "2020-01-01T00:00:00.000Z",
        "updated-at": "2020-01-01T00:00:00.000Z",
    }


def test_the_name_is_made_of_the_title_fields(glue):
    made = glue.create({"type": "Exchange", "webmail_url": "https://x", "notes": "n"}, name="Mine")

    assert attributes(made)["name"] == "Exchange https://x"


def test_empty_traits_are_missing_and_others_are_as_given(glue):
    given = {"type": "A", "webmail-url": "", "notes": None, "mode": "Neither", "on": False, "owners": [2, 9]}

    traits = attributes(glue.create(given))["traits"]

    names = [{"id": 2, "name": "Hen"}, {"id": 9, "name": None}]
    assert traits == {"type": "A", "mode": "Neither", "on": False, "owners": {"type": "Organizations", "values": names}}


@behaving(itglue_textbox="editor")
def test_a_textbox_may_read_back_as_html(glue):
    made = glue.create({"type": "A & B", "notes": "a < b\nc  d"})

    assert attributes(made)["traits"] == {"type": "A & B", "notes": "<p>a &lt; b<br>c&nbsp; d</p>"}


def test_invalid_keys_and_blank_required_traits_have_bodies_of_their_own(glue):
    for refused in (glue.create({"type": "A", "colour": "red"}, 422), glue.patch({"type": "A", "part": "x"}, 422)):
        assert refused == {
            "errors": [
                {
                    "status": 422,
                    "title": "Unprocessable Entity",
                    "detail": "Request contains invalid trait keys",
                    "source": {"pointer": "data/attributes/traits"},
                }
            ]
        }
    for refused in (glue.create({"type": ""}, 422), glue.patch({"mode": "Apply"}, 422)):
        assert refused == {
            "errors": [
                {
                    "status": 422,
                    "title": "Unprocessable Entity",
                    "detail": ["can't be blank"],
                    "source": {"pointer": "/data/attributes/flexible-asset-traits.type"},
                }
            ]
        }
    assert glue.assets(flexible_asset_type_id=33)[401]["traits"] == {"type": "Exchange", "mode": "Apply"}


def test_a_patch_destroys_the_traits_that_it_does_not_name(glue):
    assert attributes(glue.patch({"type": "Domino"}))["traits"] == {"type": "Domino"}
    archived = glue.send("PATCH", "/flexible_assets/401", "flexible-assets", {"archived": True}, 200)
    assert (attributes(archived)["archived"], attributes(archived)["traits"]) == (True, {"type": "Domino"})


@pytest.mark.parametrize("more", [{"organization-id": 9}, {"flexible-asset-type-id": 9}])
def test_an_asset_needs_an_organization_and_a_type(glue, more):
    name = next(iter(more)).replace("-", "_")

    refused = glue.create({"type": "A"}, 422, **more)

    assert refused["errors"][0]["title"] == f"Valid {name} is required"


def test_only_the_nested_route_creates_many(glue):
    rows = [
        {"type": "flexible_assets", "attributes": {"flexible_asset_type_id": 33, "traits": {"type": name}}}
        for name in "AB"
    ]

    assert glue.ask("POST", "/flexible_assets", rows).status_code == 422
    made = glue.ask("POST", "/organizations/2/relationships/flexible_assets", rows)
    assert made.status_code == 201
    assert [row["attributes"]["name"] for row in made.json()["data"]] == ["A", "B"]
    assert list(glue.assets(flexible_asset_type_id=33, organization_id=2)) == [402, 403, 404]


def test_many_are_changed_and_deleted_at_once(glue):
    kind = "flexible-assets"
    rows = [{"type": kind, "attributes": {"id": ident, "traits": {"type": str(ident)}}} for ident in (401, 402)]
    assert glue.ask("PATCH", "/flexible_assets", rows).status_code == 200
    assert {row["name"] for row in glue.assets(flexible_asset_type_id=33).values()} == {"401", "402"}

    assert glue.ask("DELETE", "/flexible_assets").status_code == 400
    assert glue.ask("DELETE", "/flexible_assets", **{"filter[organization_id]": 1}).status_code == 422
    both = {"filter[organization_id]": 1, "filter[flexible_asset_type_id]": 33}
    assert glue.ask("DELETE", "/flexible_assets", **both).status_code == 200
    assert glue.ask("DELETE", "/flexible_assets", [{"type": kind, "attributes": {"id": 402}}]).status_code == 200
    assert glue.assets(flexible_asset_type_id=33) == {}


def test_an_asset_is_deleted(glue):
    answer = glue.ask("DELETE", "/flexible_assets/401")

    assert (answer.status_code, answer.content) == (204, b"")
    assert glue.ask("GET", "/flexible_assets/401").status_code == 404
    assert glue.ask("DELETE", "/flexible_assets/401").status_code == 404


def test_the_state_is_a_world_again(glue):
    glue.create_type(TEXT)
    glue.create({"type": "A", "owners": 1})
    state = json.loads(json.dumps(glue.local.sandbox.state()))

    assert Local(state, services=(Bms, ItGlue)).sandbox.state() == state
    assert state["itglue"]["flexible_assets"][-1]["traits"] == {"type": "A", "owners": 1}

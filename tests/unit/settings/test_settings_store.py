# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings as flexible assets: how they lie there, and what is made, kept and refused."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import (
    BMS,
    FACTS,
    KINDS,
    OFFICE365,
    OPTIONS,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    OutcomeUnknownError,
    RejectedError,
    SettingsError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import AssetField, AssetType
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge
from ansible_collections.msp.psa_sync.plugins.module_utils._store import layout
from ansible_collections.msp.psa_sync.plugins.module_utils._store.settings import SettingsStore
from tests.unit.settings.fake_itglue import FakeItGlue

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
FULL = {
    OFFICE365: {
        "tenant_id": TENANT,
        "set_phone_numbers_primary": True,
        "phone_type": "R&D <desk>",
        "phone_labels": {"office": "R&D <desk>", "mobile": "Mobile: private"},
        "email_label": "Post & mail",
        "replace_blank_phone_numbers": True,
        "primary_email": "username",
        "different_names": "match",
        "sync_aliases": False,
        "contact_type": "Microsoft 365",
        "user_filter": {
            "licensed_only": False,
            "license_skus": [SKU],
            "include_disabled": True,
            "include_guests": True,
            "groups": ["Staff, all", "R&D <north>", "\u00c9quipe"],
            "domains": ["happyfrog.example", "frog.example"],
            "exclude": ["svc-*", "*@test.*"],
            "require_name": False,
        },
    },
    BMS: {
        "contact_sync": True,
        "two_way_sync": True,
        "auto_push_office365_contacts": True,
        "email_type": "Work",
        "phone_type": "2",
        "push_method": "native",
        "account": "Happy Frog, Inc.",
    },
}


@pytest.fixture
def itglue():
    return FakeItGlue()


@pytest.fixture
def warnings():
    return []


@contextmanager
def no_lock(name):
    yield


@pytest.fixture
def store(itglue, warnings):
    return SettingsStore(itglue, warn=warnings.append, lock=no_lock)


def fresh(itglue, warnings=None, lock=no_lock):
    return SettingsStore(itglue, warn=(warnings if warnings is not None else []).append, lock=lock)


def declared(itglue, kind, settings, organization_id=2):
    """A run of its own that declares `settings`."""
    store = fresh(itglue)
    stored = store.read(organization_id, "Happy Frog", [kind])[kind]
    return store.save(stored, stored.with_declared(settings))


def test_field_names_make_keys_that_are_the_names_of_the_options():
    for kind in KINDS:
        for column in layout.COLUMNS[kind]:
            option = column.options[0]
            assert layout.key_of(column.field.name).replace("-", "_") == (
                option.group if column.holds_pairs else option.key
            )


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_is_one_that_it_glue_accepts(kind):
    made = layout.new_type(kind)
    assert [field.order for field in made.fields] == list(range(1, len(made.fields) + 1))
    assert len({field.name for field in made.fields}) == len(made.fields)
    assert [field.name for field in made.fields if field.use_for_title and field.kind == "Text"] == ["Title"]
    assert all(field.default_value for field in made.fields if field.kind == "Select")
    assert all(field.hint for field in made.fields)
    assert not [field for field in made.fields if field.kind == "Checkbox"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_survives_being_stored(itglue, kind):
    kept = declared(itglue, kind, FULL[kind])
    assert kept.merged == FULL[kind]
    assert fresh(itglue).read(2)[kind].merged == FULL[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_is_readable_by_a_technician(itglue, kind):
    traits = declared(itglue, kind, FULL[kind]).asset.traits
    assert traits["title"] == layout.ASSET_TYPES[kind]
    if kind == OFFICE365:
        assert traits["set-phone-numbers-primary"] == "Yes"
        assert traits["sync-aliases"] == "No"
        assert traits["email-label"] == "Post & mail"
        assert traits["exclude"] == "svc-*<br>\n*@test.*"
        assert traits["phone-labels"] == "office: R&amp;D &lt;desk&gt;<br>\nmobile: Mobile: private"


def test_reading_costs_one_request_for_the_types_and_one_for_the_assets(itglue, store):
    assert (store.read(2)[OFFICE365].settings, store.read(2)[BMS].settings) == (None, None)
    assert itglue.calls == ["asset_types"]
    for kind in KINDS:
        declared(itglue, kind, {})
    itglue.calls.clear()
    found = fresh(itglue).read(2)
    assert found[OFFICE365].settings is not None and found[BMS].settings is not None
    assert itglue.calls == ["asset_types", "assets"]


def test_what_is_missing_is_default_and_what_is_stored_is_its_own(itglue):
    declared(itglue, BMS, {"contact_sync": True})
    assert fresh(itglue).read(5)[BMS].settings is None
    kept = declared(itglue, BMS, {})
    itglue.edit(kept.asset.id, contact_sync=None, push_method="")
    assert fresh(itglue).read(2)[BMS].merged == merge(BMS, None, None)


RICH = [
    ("a\nb", ["a", "b"]),
    ("a\r\n\r\n b ", ["a", "b"]),
    ("<p>a</p><p>b</p>", ["a", "b"]),
    ("<div>a</div>\n<div>b<br></div>", ["a", "b"]),
    ("a<br>b<br/>c<BR />d", ["a", "b", "c", "d"]),
    ("<ul><li>a</li><li><b>b</b></li></ul>", ["a", "b"]),
    ('<p style="margin: 0">a&nbsp;&amp;&#160;b</p>', ["a & b"]),
    ("a\u00a0b\u200b", ["a b"]),
    ("<p>&lt;a&gt;</p>", ["<a>"]),
    ('<p><a href="mailto:x@y.example">x@y.example</a></p>', ["x@y.example"]),
    ("R&D <north>", ["R&D <north>"]),
    ("a && b; c &reg", ["a && b; c &reg"]),
    ("<script>{{ lookup('pipe', 'id') }}</script>", ["<script>{{ lookup('pipe', 'id') }}</script>"]),
    ("<p></p>", []),
    (["a", "b"], ["a", "b"]),
]


@pytest.mark.parametrize(("typed", "entries"), RICH)
def test_lists_are_read_whatever_the_editor_made_of_them(itglue, typed, entries):
    kept = declared(itglue, OFFICE365, {})
    itglue.edit(kept.asset.id, groups=typed)
    stored = fresh(itglue).read(2)[OFFICE365]
    assert stored.merged["user_filter"]["groups"] == entries
    assert stored.with_declared({"user_filter": {"groups": entries}}) == stored.merged


@pytest.mark.parametrize(
    ("typed", "option", "value"),
    [
        ({"tenant_id": f"<p>{{{TENANT.upper()}}}</p>"}, "tenant_id", TENANT),
        ({"email_label": "<div>Post &amp;&nbsp;mail</div>"}, "email_label", "Post & mail"),
        ({"sync_aliases": "no"}, "sync_aliases", False),
        ({"sync_aliases": False}, "sync_aliases", False),
        ({"primary_email": "Username"}, "primary_email", "username"),
        (
            {"phone_labels": "<p>Office : Desk</p><p>MOBILE:Cell</p>"},
            "phone_labels",
            {"office": "Desk", "mobile": "Cell"},
        ),
        ({"phone_labels": "mobile:"}, "phone_labels", {"office": "Office", "mobile": "Mobile"}),
        ({"contact_type": {"type": "Contacts", "values": [{"id": 1, "name": "Staff"}]}}, "contact_type", "Staff"),
        ({"contact_type": 365}, "contact_type", "365"),
    ],
)
def test_hand_written_values_are_read_in_their_one_form(itglue, typed, option, value):
    kept = declared(itglue, OFFICE365, {})
    itglue.edit(kept.asset.id, **typed)
    stored = fresh(itglue).read(2)[OFFICE365]
    assert stored.merged[option] == value
    assert stored.violations == ()


@pytest.mark.parametrize(
    ("typed", "names", "mended_by"),
    [
        ({"tenant_id": "happyfrog"}, "tenant_id", {"tenant_id": TENANT}),
        ({"sync_aliases": "Maybe"}, "sync_aliases", {"sync_aliases": False}),
        ({"primary_email": "both"}, "primary_email", {"primary_email": ""}),
        ({"phone_type": "Fax"}, "phone_type", {"phone_type": ""}),
        ({"set_phone_numbers_primary": "Yes"}, "phone_type", {"phone_type": "Mobile"}),
        ({"set_phone_numbers_primary": "Yes"}, "phone_type", {"set_phone_numbers_primary": False}),
        ({"phone_labels": "ofice: Desk"}, "phone_labels", {"phone_labels": {"office": "Desk", "mobile": "Cell"}}),
        ({"phone_labels": "office: A<br>office: B"}, "phone_labels", {"phone_labels": {"office": "A", "mobile": "B"}}),
        ({"phone_labels": "office: A<br>mobile: a"}, "phone_labels", {"phone_labels": {"mobile": "B"}}),
        ({"license_skus": "E3"}, "user_filter.license_skus", {"user_filter": {"license_skus": [SKU]}}),
    ],
)
def test_a_hand_edit_that_breaks_a_rule_is_named_and_mended(itglue, typed, names, mended_by):
    kept = declared(itglue, OFFICE365, {})
    itglue.edit(kept.asset.id, **typed)
    stored = fresh(itglue).read(2, "Happy Frog")[OFFICE365]
    assert [broken.partition(":")[0] for broken in stored.violations] == [names]
    with pytest.raises(SettingsError) as caught:
        stored.with_declared({"email_label": "Other"})
    for part in (names, "Happy Frog (2)", kept.asset.url):
        assert part in str(caught.value)
    assert declared(itglue, OFFICE365, mended_by).violations == ()
    assert fresh(itglue).read(2)[OFFICE365].violations == ()


def test_the_asset_is_not_blamed_for_what_was_declared(itglue):
    kept = declared(itglue, OFFICE365, {})
    with pytest.raises(SettingsError) as caught:
        kept.with_declared({"phone_type": "Fax"})
    assert kept.asset.url not in str(caught.value)


# ------------------------------------------------------------------------- types


def test_a_missing_type_is_made_once_for_all(itglue):
    declared(itglue, BMS, {}, 2)
    declared(itglue, BMS, {}, 5)
    assert itglue.writes == ["create_asset_type", "create_asset", "create_asset"]
    assert [known.name for known in itglue.types] == ["BMS Sync Settings"]


def test_fields_are_added_to_an_older_type_and_nothing_else_changes(itglue):
    made = layout.new_type(BMS)
    older = tuple(field for field in made.fields if field.name not in ("Push method", "Account"))
    itglue.add_type(replace(made, fields=(*older, AssetField(name="Owner", kind="Text", order=40))))
    before = itglue.types[0].fields
    itglue.add_asset(2, itglue.types[0].id, {"title": "x", "contact-sync": "Yes", "owner": "Jo"})
    kept = declared(itglue, BMS, {"push_method": "native"})
    assert itglue.writes == ["create_asset_field", "create_asset_field", "update_asset"]
    assert itglue.types[0].fields[: len(before)] == before
    assert [(field.name, field.order) for field in itglue.types[0].fields[len(before) :]] == [
        ("Push method", 41),
        ("Account", 42),
    ]
    assert kept.merged == merge(BMS, None, {"contact_sync": True, "push_method": "native"})
    assert kept.asset.traits["owner"] == "Jo"


def test_an_older_type_is_left_alone_while_nothing_changes(itglue):
    made = layout.new_type(BMS)
    itglue.add_type(replace(made, fields=made.fields[:3]))
    itglue.add_asset(2, itglue.types[0].id, {"title": "x", "contact-sync": "Yes"})
    stored = fresh(itglue).read(2)[BMS]
    assert stored.with_declared({"contact_sync": True, "push_method": "direct"}) == stored.merged


def test_of_several_types_of_one_name_the_lowest_id_is_used_with_a_warning(itglue, warnings):
    first, second = (itglue.add_type(layout.new_type(BMS)) for dummy in range(2))
    itglue.types.reverse()
    itglue.add_asset(2, second.id, {"title": "x", "contact-sync": "Yes"})
    store = fresh(itglue, warnings)
    stored = store.read(2)[BMS]
    assert stored.asset is None
    assert store.save(stored, stored.with_declared({})).asset.type_id == first.id
    assert f"(ids {first.id}, {second.id})" in warnings[0]


def test_types_are_looked_up_again_under_the_lock(itglue):
    """Another process makes the type while this one waits for the lock."""
    names = []

    @contextmanager
    def lock(name):
        names.append(name)
        itglue.add_type(layout.new_type(BMS))
        yield

    store = fresh(itglue, lock=lock)
    stored = store.read(2)[BMS]
    store.save(stored, stored.with_declared({}))
    assert len(itglue.types) == 1
    assert names == ["https://api.itglue.example asset types"]


def test_a_type_that_was_missing_is_looked_up_again_when_that_is_asked_for(itglue, store):
    assert store.read(2)[BMS].settings is None
    declared(itglue, BMS, {})
    assert store.read(2)[BMS].settings is None
    store.forget_missing_types()
    assert store.read(2)[BMS].settings is not None


def test_a_type_that_two_control_nodes_made_at_once_is_the_same_for_both(itglue):
    create = itglue.create_asset_type

    def create_second(asset_type):
        itglue.add_type(layout.new_type(BMS))
        return create(asset_type)

    itglue.create_asset_type = create_second
    kept = declared(itglue, BMS, {})
    assert len(itglue.types) == 2
    assert kept.asset.type_id == min(known.id for known in itglue.types)


@pytest.mark.parametrize(
    ("call", "faults", "sent"),
    [
        ("create_asset_type", ["unclear"], 1),
        ("create_asset_type", ["lost"], 2),
        ("create_asset_type", ["lost", "unclear"], 2),
        ("create_asset_field", ["unclear"], 1),
        ("create_asset_field", ["lost"], 2),
        ("create_asset", ["unclear"], 1),
        ("create_asset", ["lost"], 2),
        ("create_asset", ["lost", "unclear"], 2),
    ],
)
def test_after_an_unclear_answer_it_is_looked_for_first(itglue, call, faults, sent):
    if call == "create_asset_field":
        made = layout.new_type(BMS)
        itglue.add_type(replace(made, fields=made.fields[:-1]))
    itglue.fail(call, *faults)
    kept = declared(itglue, BMS, {"contact_sync": True})
    assert kept.merged["contact_sync"] is True
    assert itglue.calls.count(call) == sent
    assert (len(itglue.types), len(itglue.stored)) == (1, 1)
    assert len(itglue.types[0].fields) == len(layout.new_type(BMS).fields)


@pytest.mark.parametrize("call", ["create_asset_type", "create_asset"])
def test_what_stays_unclear_is_reported(itglue, call):
    itglue.fail(call, "lost", "lost")
    with pytest.raises(OutcomeUnknownError):
        declared(itglue, BMS, {})
    assert itglue.calls.count(call) == 2


def test_a_field_that_somebody_else_adds_meanwhile_is_taken(itglue):
    made = layout.new_type(BMS)
    itglue.add_type(replace(made, fields=made.fields[:-1]))
    create = itglue.create_asset_field

    def too_late(type_id, field):
        itglue._add_field(type_id, field)
        return create(type_id, field)

    itglue.create_asset_field = too_late
    assert declared(itglue, BMS, {"account": "2528"}).merged["account"] == "2528"


def test_a_refused_type_is_an_error(itglue):
    def refuse(asset_type):
        raise RejectedError("icon is invalid", service="itglue", status=422)

    itglue.create_asset_type = refuse
    with pytest.raises(RejectedError, match="icon"):
        declared(itglue, BMS, {})


def test_fields_are_asked_for_where_the_types_come_without(itglue):
    itglue.add_type(layout.new_type(BMS))
    listed = itglue.asset_types
    itglue.asset_types = lambda *names: [replace(known, fields=()) for known in listed(*names)]
    declared(itglue, BMS, {"contact_sync": True})
    assert fresh(itglue).read(2)[BMS].settings["contact_sync"] == "Yes"
    assert "create_asset_field" not in itglue.calls


# ------------------------------------------------------------------------ fields


def with_field(itglue, wanted, **changes):
    made = layout.new_type(BMS)
    fields = tuple(replace(field, **changes) if field.name == wanted else field for field in made.fields)
    return itglue.add_type(replace(made, fields=fields))


def test_a_renamed_field_is_found_by_its_key(itglue):
    with_field(itglue, "Account", name="BMS company", key="account")
    kept = declared(itglue, BMS, {"account": "2528"})
    assert kept.asset.traits["account"] == "2528"
    assert itglue.writes == ["create_asset"]


def test_a_field_is_found_by_its_name_whatever_its_key(itglue):
    with_field(itglue, "Account", name=" ACCOUNT ", key="account-2")
    assert declared(itglue, BMS, {"account": "2528"}).asset.traits["account-2"] == "2528"


def test_a_checkbox_is_written_as_one(itglue):
    with_field(itglue, "Contact sync", kind="Checkbox", default_value=None)
    kept = declared(itglue, BMS, {"contact_sync": True})
    assert kept.asset.traits["contact-sync"] is True
    assert kept.merged["contact_sync"] is True


def test_a_field_of_a_kind_that_cannot_hold_the_option_is_named_before_any_write(itglue):
    with_field(itglue, "Account", kind="Tag")
    with pytest.raises(SettingsError, match=r"Happy Frog \(2\).*'Account'.*'Tag'"):
        declared(itglue, BMS, {"account": "2528"})
    assert itglue.writes == []


@pytest.mark.parametrize("label", ["<b>Work</b>", "Work &amp; home", "<br>"])
def test_what_would_be_read_back_as_something_else_is_refused_before_any_write(itglue, label):
    with pytest.raises(SettingsError, match="email_label"):
        declared(itglue, OFFICE365, {"email_label": label})
    assert itglue.writes == []


# ------------------------------------------------------------------------ assets


def test_traits_that_are_not_ours_are_kept(itglue):
    made = layout.new_type(BMS)
    last = len(made.fields)
    own = (
        AssetField(name="Domains", kind="Tag", order=last + 1),
        AssetField(name="Notes", kind="Textbox", order=last + 2),
        AssetField(name="Checked", kind="Checkbox", order=last + 3),
        AssetField(name="Seats", kind="Number", order=last + 4),
        AssetField(name="Key", kind="Password", order=last + 5),
        AssetField(name="Empty", kind="Text", order=last + 6),
    )
    made = itglue.add_type(replace(made, fields=(*made.fields, *own)))
    theirs = {"domains": [7, 9], "notes": "<p>A &amp; <b>B</b></p>", "checked": False, "seats": 0, "key": "geheim"}
    asset = itglue.add_asset(2, made.id, {"title": "Ours", "contact-sync": "No", **theirs})
    declared(itglue, BMS, {"contact_sync": True})
    after = itglue.asset(asset.id).traits
    assert {key: after[key] for key in theirs} == {key: asset.traits[key] for key in theirs}
    assert after["contact-sync"] == "Yes"
    assert after["title"] == "Ours"


@pytest.mark.parametrize(
    ("kind", "value"), [("Upload", [{"url": "https://x", "name": "a.pdf"}]), ("Password", {"present": True})]
)
def test_what_cannot_be_written_back_stops_the_write(itglue, kind, value):
    made = layout.new_type(BMS)
    made = itglue.add_type(replace(made, fields=(*made.fields, AssetField(name="Secret", kind=kind, order=99))))
    itglue.add_asset(2, made.id, {"title": "x", "secret": value})
    with pytest.raises(SettingsError, match="'Secret'"):
        declared(itglue, BMS, {"contact_sync": True})
    assert itglue.writes == []


def test_a_trait_of_a_field_that_is_not_listed_goes_along(itglue):
    made = itglue.add_type(layout.new_type(BMS))
    asset = itglue.add_asset(2, made.id, {"title": "x"})
    itglue.edit(asset.id, brand_new="value")
    sent = {}
    itglue.update_asset = lambda asset_id, traits: sent.update(traits) or asset
    declared(itglue, BMS, {"contact_sync": True})
    assert sent["brand-new"] == "value"


def test_an_archived_asset_counts_as_absent(itglue):
    made = itglue.add_type(layout.new_type(BMS))
    old = itglue.add_asset(2, made.id, {"title": "x", "contact-sync": "Yes"}, archived=True)
    assert fresh(itglue).read(2)[BMS].settings is None
    assert fresh(itglue).read_all(BMS) == []
    assert declared(itglue, BMS, {}).asset.id != old.id


def test_two_assets_of_one_type_are_an_error_that_names_both(itglue):
    made = itglue.add_type(layout.new_type(BMS))
    urls = [itglue.add_asset(2, made.id, {"title": "x"}).url for dummy in range(2)]
    with pytest.raises(SettingsError) as caught:
        fresh(itglue).read(2)
    assert all(part in str(caught.value) for part in (*urls, "Happy Frog (2)", "'BMS Sync Settings'", "Keep one"))
    itglue.stored.reverse()
    listed = fresh(itglue).read_all(BMS)
    assert [one.violations[0].count(url) for one, url in zip(listed, reversed(urls), strict=True)] == [1, 1]
    assert [one.violations[0].count(url) for one, url in zip(listed, urls, strict=True)] == [0, 0]


def test_of_two_assets_of_remembered_facts_the_lowest_id_counts(itglue):
    made = itglue.add_type(layout.new_type(FACTS))
    first = itglue.add_asset(2, made.id, {"title": "x"})
    itglue.add_asset(2, made.id, {"title": "x"})
    itglue.stored.reverse()
    assert fresh(itglue).read(2, kinds=[FACTS])[FACTS].asset == first


def test_several_kinds_are_read_with_one_request_for_the_types(itglue):
    declared(itglue, BMS, {"contact_sync": True}, 2)
    itglue.calls.clear()
    assert [len(found) for found in fresh(itglue).read_kinds([BMS, OFFICE365]).values()] == [1, 0]
    assert itglue.calls.count("asset_types") == 1


def test_all_organizations_are_listed_by_name(itglue):
    declared(itglue, BMS, {"contact_sync": True}, 2)
    declared(itglue, BMS, {}, 5)
    listed = fresh(itglue).read_all(BMS)
    assert [(one.organization_name, one.merged["contact_sync"]) for one in listed] == [
        ("Acme", False),
        ("Happy Frog", True),
    ]
    assert [one.organization_id for one in fresh(itglue).read_all(BMS, 5)] == [5]
    assert fresh(itglue).read_all(OFFICE365) == []


def test_one_option_of_all_organizations_is_that_of_all_their_settings(itglue):
    for kind in KINDS:
        declared(itglue, kind, FULL[kind], 2)
        declared(itglue, kind, {}, 5)
        itglue.add_asset(2, itglue.stored[-1].type_id, {"title": "x"}, archived=True)
        everything = {one.organization_id: one.merged for one in fresh(itglue).read_all(kind)}
        for option in OPTIONS[kind]:
            if not option.is_list and not option.group:
                found = {organization.id: value for organization, value in fresh(itglue).values(kind, option.name)}
                assert found == {ident: merged[option.name] for ident, merged in everything.items()}
    assert list(fresh(FakeItGlue()).values(BMS, "account")) == []


def test_rows_of_another_organization_are_never_taken(itglue):
    declared(itglue, BMS, {"contact_sync": True}, 5)
    listed, listed_of = itglue.assets, itglue.assets_of
    itglue.assets = lambda type_id, organization_id=None: listed(type_id)
    itglue.assets_of = lambda type_ids, organization_id: listed_of(type_ids, 5)
    assert fresh(itglue).read(2)[BMS].settings is None
    assert fresh(itglue).read_all(BMS, 2) == []


def test_removing_takes_the_asset_and_leaves_the_type(itglue, store):
    kept = declared(itglue, BMS, {})
    store.remove(kept)
    assert itglue.stored == []
    assert len(itglue.types) == 1
    store.remove(kept)  # it is gone already
    store.remove(store.read(2)[BMS])  # there is nothing to remove


def test_what_it_glue_does_not_keep_is_reported(itglue, warnings):
    declared(itglue, BMS, {})
    update = itglue.update_asset
    itglue.update_asset = lambda asset_id, traits: update(asset_id, {**traits, "push-method": "direct"})
    store = fresh(itglue, warnings)
    stored = store.read(2, "Happy Frog")[BMS]
    assert store.save(stored, stored.with_declared({"push_method": "native"})).merged["push_method"] == "direct"
    assert warnings == ["IT Glue did not keep push_method of organization Happy Frog (2) as written."]


def test_a_preview_writes_nothing_and_refuses_what_a_write_would(itglue, store):
    stored = store.read(2)[OFFICE365]
    store.preview(stored, stored.with_declared(FULL[OFFICE365]))
    with pytest.raises(SettingsError):
        store.preview(stored, stored.with_declared({"email_label": "<i>x</i>"}))
    assert itglue.writes == []


def test_fields_without_an_order_do_not_get_in_the_way(itglue):
    itglue.types.append(
        AssetType(id=3, name="BMS Sync Settings", fields=(AssetField(name="Other", kind="Text", key="other"),))
    )
    declared(itglue, BMS, {"contact_sync": True})
    assert fresh(itglue).read(2)[BMS].settings["contact_sync"] == "Yes"

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness and push: the look-up in BMS and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_push import SAVED_AGAIN_AFTER
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import Conflict, Rule
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsPhone,
    Email,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Action, ItGluePart
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from tests.unit.engine.builders import (
    NATIVE,
    PUSHING,
    bms,
    by_name,
    codes,
    contact,
    in_bms,
    limits,
    linked,
    person,
    planned,
    ready,
    snapshot,
    values_of,
)

PRIMARY = {"set_phone_numbers_primary": True, "phone_type": "Office"}


def pushes(users, contacts, present, bms_settings=PUSHING, **more):
    """The operations after the look-up, by the part of the username before the @, and the plan."""
    plan = planned(snapshot(users, contacts, bms_settings=bms_settings, **more), present)
    return by_name(plan.operations), plan


def one(someone, something, present, bms_settings=PUSHING, **more):
    contacts = [something] if something else []
    found, dummy = pushes([someone], contacts, present, bms_settings, **more)
    (operation,) = found.values()
    return operation


ANN = person("ann.lee")

# ------------------------------------------------------------- who is a candidate


def newcomer(**values):
    return person("ann.lee", business_phones=("415-555-0100",), **values)


@pytest.mark.parametrize(
    ("someone", "something", "switches", "expected"),
    [
        pytest.param(newcomer(), None, {}, "pushed", id="new-scenario-1"),
        pytest.param(ANN, ready(), {}, "pushed", id="matched-and-not-linked-scenario-2"),
        pytest.param(ANN, linked(), {}, None, id="linked"),
        pytest.param(ANN, ready(phones=()), {}, "not_ready", id="not-ready"),
        pytest.param(ANN, ready(), {"contact_sync": False}, "off", id="contact-sync-off"),
        pytest.param(ANN, ready(), {"two_way_sync": False}, "off", id="two-way-sync-off"),
        pytest.param(ANN, ready(), {"auto_push_office365_contacts": False}, "off", id="auto-push-off"),
        pytest.param(person("ann.lee", sku_ids=()), ready(), {}, None, id="excluded-user"),
    ],
)
def test_push_is_for_selected_users_contacts_that_are_unlinked_and_ready(someone, something, switches, expected):
    users = [someone, person("keep.me")]
    found, dummy = pushes(users, [something] if something else [], bms(), replace(PUSHING, **switches), **PRIMARY)
    assert found["ann.lee"].bms.push == expected


def test_not_ready_tells_what_is_missing_and_writes_to_it_glue_all_the_same():
    found = one(person("ann.lee", job_title="Clerk"), ready(phones=(), location_id=None), bms())
    assert (found.bms.push, found.bms.missing) == ("not_ready", ("primary_phone",))
    assert (found.itglue.action, found.itglue.after) == ("update", {"title": "Clerk", "location-id": 10})


# ------------------------------------------------------------------- the look-up

FROM_ALIAS = person("ann.lee", proxy_addresses=("SMTP:ann.lee@client.example", "smtp:al@client.example"))


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        pytest.param([], ("pushed", None), id="not-there"),
        pytest.param([in_bms(5, "ann.lee@client.example")], ("already_in_bms", 5), id="by-e-mail"),
        pytest.param([in_bms(5, " ANN.LEE@Client.example")], ("already_in_bms", 5), id="by-e-mail-of-any-case"),
        pytest.param([in_bms(5, "x@y.io", "al@client.example")], ("already_in_bms", 5), id="by-any-e-mail"),
        pytest.param([in_bms(5, first="ann", last="LEE ")], ("already_in_bms", 5), id="by-name"),
        pytest.param(
            [in_bms(5, "private@mail.example", first="Ann", last="Lee")],
            ("already_in_bms", 5),
            id="by-name-with-an-address-that-nobody-holds",
        ),
        pytest.param(
            [in_bms(5, "bob.ray@client.example", first="Ann", last="Lee")],
            ("pushed", None),
            id="not-by-name-with-another-users-address",
        ),
        pytest.param(
            [in_bms(5, "bob.ray@client.onmicrosoft.com", first="Ann", last="Lee")],
            ("pushed", None),
            id="not-by-name-with-another-users-username",
        ),
        pytest.param(
            [in_bms(5, "cid@x.io", first="Ann", last="Lee")],
            ("pushed", None),
            id="not-by-name-with-another-contacts-address",
        ),
        pytest.param(
            [in_bms(5, "gone@client.example", first="Ann", last="Lee")],
            ("pushed", None),
            id="not-by-name-with-an-excluded-users-address",
        ),
        pytest.param([in_bms(5, first="Ann", last=None)], ("pushed", None), id="both-names-needed"),
        pytest.param([in_bms(5, first="Anne", last="Lee")], ("pushed", None), id="no-fuzzy-match"),
        pytest.param(
            [in_bms(5, "al@client.example"), in_bms(6, first="Ann", last="Lee")],
            ("already_in_bms", 5),
            id="by-e-mail-before-by-name",
        ),
        pytest.param(
            [in_bms(5, "al@client.example"), in_bms(6, "ann.lee@client.example")],
            ("conflict", None),
            id="several-by-e-mail",
        ),
        pytest.param(
            [in_bms(5, first="Ann", last="Lee"), in_bms(6, first="Ann", last="Lee")],
            ("conflict", None),
            id="several-by-name",
        ),
        pytest.param([in_bms(5, "ann.lee@client.example", active=False)], ("already_in_bms", 5), id="inactive"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_look_up(present, expected, turned):
    users = [
        FROM_ALIAS,
        person("bob.ray", username="bob.ray@client.onmicrosoft.com"),
        person("gone", account_enabled=False),
    ]
    contacts = [ready(), linked(73, "bob.ray", 1, first="Bob", last="Ray"), contact(74, "cid@x.io")]
    present = tuple(reversed(present)) if turned else present
    found, dummy = pushes(users, contacts, bms(*present))
    assert (found["ann.lee"].bms.push, found["ann.lee"].bms.contact_id) == expected


def test_a_contact_without_a_last_name_is_not_looked_for_by_name():
    nameless = person("ann.lee", surname=None)
    found = one(nameless, ready(last=None), bms(in_bms(5, first="Ann", last=None)))
    assert found.bms.push == "pushed"


def test_an_inactive_one_is_reported_and_left_inactive():
    found = one(ANN, ready(), bms(in_bms(5, "ann.lee@client.example", active=False)))
    assert codes(found) == ["in_bms_by_address", "inactive_in_bms"]
    assert found.attention
    assert not found.writes


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        pytest.param(None, "Clerk", "Clerk", id="blank-is-filled"),
        pytest.param("  ", " Clerk ", "Clerk", id="white-space-is-blank"),
        pytest.param("Boss", "Clerk", None, id="another-one-stays"),
        pytest.param(None, None, None, id="nothing-to-fill-it-with"),
    ],
)
def test_a_blank_job_title_is_filled(theirs, ours, expected):
    found = one(ANN, ready(title=ours), bms(in_bms(5, "ann.lee@client.example", job_title=theirs)))
    assert (found.bms.push, found.itglue.action) == ("already_in_bms", "unchanged")
    assert found.bms.after == ({"JobTitle": expected} if expected else {})
    assert found.writes is (expected is not None)


def test_a_new_contact_that_is_in_bms_is_created_in_it_glue_only():
    found = one(newcomer(), None, bms(in_bms(5, "ann.lee@client.example")), **PRIMARY)
    assert (found.itglue.action, found.bms.push, found.bms.create) == ("create", "already_in_bms", None)


# ------------------------------------------------------------------- conflicts


def test_several_hits_are_a_conflict_of_the_person():
    found, plan = pushes(
        [ANN], [ready(title="Clerk")], bms(in_bms(6, "ann.lee@client.example"), in_bms(5, "ann.lee@client.example"))
    )
    assert found["ann.lee"].bms.push == "conflict"
    assert values_of(found["ann.lee"], ReasonCode.BMS_SEVERAL_HITS) == {"bms_contact_ids": [5, 6], "same_names": False}
    assert plan.conflicts == (
        Conflict(
            rule=Rule.BMS_EMAIL,
            code=ReasonCode.BMS_SEVERAL_HITS,
            users=("ann.lee@client.example",),
            user_ids=("id-ann.lee",),
            bms_contact_ids=(5, 6),
            answers={"ann.lee@client.example": (5, 6, "new", "ignore")},
            in_bms=True,
        ),
    )


@pytest.mark.parametrize(
    ("names", "same"),
    [
        pytest.param([("Ann", "Lee"), ("ann", "LEE")], True, id="the-same"),
        pytest.param([("Ann", "Lee"), ("Front", "Desk")], False, id="others"),
        pytest.param([("Ann", "Lee"), (None, None)], False, id="one-without"),
    ],
)
def test_merging_is_the_way_out_for_the_same_names_alone(names, same):
    present = [
        in_bms(bms_id, "ann.lee@client.example", first=first, last=last)
        for bms_id, (first, last) in enumerate(names, 5)
    ]
    found = one(ANN, ready(), bms(*present))
    assert values_of(found, ReasonCode.BMS_SEVERAL_HITS)["same_names"] is same


def test_a_conflict_in_bms_does_not_stop_the_write_to_it_glue():
    present = bms(in_bms(5, "ann.lee@client.example"), in_bms(6, "ann.lee@client.example"))
    found = one(person("ann.lee", job_title="Clerk"), ready(), present)
    assert (found.itglue.action, found.bms.push) == ("update", "conflict")


@pytest.mark.parametrize(
    ("present", "rule"),
    [
        pytest.param(in_bms(5, "ann.lee@client.example", "bob.ray@client.example"), "bms_email", id="by-e-mail"),
        pytest.param(in_bms(5, "shared@x.io"), "bms_email", id="by-an-address-that-both-contacts-have"),
        pytest.param(in_bms(5, first="Al", last="Lee"), "bms_name", id="by-name"),
    ],
)
def test_one_bms_contact_for_two_persons_is_one_conflict(present, rule):
    users = [person("ann.lee", given_name="Al"), person("bob.ray", given_name="Al", surname="Lee")]
    contacts = [ready(72, "ann.lee", first="Al"), ready(73, "bob.ray", first="Al", last="Lee")]
    if present.emails:
        contacts = [with_addresses(each, "shared@x.io") for each in contacts]
    found, plan = pushes(users, contacts, bms(present))
    assert {each.bms.push for each in found.values()} == {"conflict"}
    assert [(each.rule, each.users, each.bms_contact_ids) for each in plan.conflicts] == [
        (rule, ("ann.lee@client.example", "bob.ray@client.example"), (5,))
    ]


def with_addresses(something, *addresses):
    return replace(something, emails=(*something.emails, *(Email(each, "Home") for each in addresses)))


@pytest.mark.parametrize(
    ("shared", "present", "expected"),
    [
        pytest.param({"ann": "s@x.io", "bob": "S@X.io "}, [], [("ann", "bob")], id="neither-in-bms"),
        pytest.param(
            {"ann": "s@x.io", "bob": "s@x.io"}, [in_bms(5, "ann@client.example")], [("ann", "bob")], id="one-in-bms"
        ),
        pytest.param(
            {"ann": "s@x.io", "bob": "s@x.io"},
            [in_bms(5, "ann@client.example"), in_bms(6, "bob@client.example")],
            [],
            id="both-in-bms-as-two",
        ),
        pytest.param(
            {"ann": "s@x.io", "bob": "s@x.io", "cid": "s@x.io"}, [], [("ann", "bob", "cid")], id="three-by-one-address"
        ),
        pytest.param(
            {"ann": "s@x.io", "bob": "s@x.io t@x.io", "cid": "t@x.io"}, [], [("ann", "bob", "cid")], id="in-a-chain"
        ),
        pytest.param(
            {"ann": "s@x.io", "bob": "s@x.io", "cid": "t@x.io", "dan": "t@x.io"},
            [],
            [("ann", "bob"), ("cid", "dan")],
            id="two-pairs",
        ),
        pytest.param({"ann": "s@x.io", "bob": "t@x.io"}, [], [], id="no-common-address"),
    ],
)
@pytest.mark.parametrize("bms_settings", [PUSHING, NATIVE], ids=["direct", "native"])
@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_contacts_of_one_run_that_share_an_address_are_one_bms_contact_for_two(
    shared, present, expected, bms_settings, turned
):
    """Both would be made with it, and be a conflict of the next run."""
    names = [*shared, "eve"]
    users = [person(name, surname=name) for name in names]
    contacts = [
        with_addresses(ready(number, name, last=name), *shared.get(name, "").split(" "))
        for number, name in enumerate(names, 71)
    ]
    chosen = {f"{name}@client.example": number for number, name in enumerate(names, 71)}
    turn = reversed if turned else list
    read = snapshot(tuple(turn(users)), tuple(turn(contacts)), bms_settings=bms_settings)
    plan = planned(read, bms(*present), match_overrides=chosen)

    in_conflict = {name for group in expected for name in group}
    for operation in plan.operations:
        name = operation.user.partition("@")[0]
        assert (operation.bms.push == "conflict") == (name in in_conflict), operation
        if name in in_conflict:
            assert operation.bms.create is None
            (reason,) = operation.reasons
            if reason.code == ReasonCode.BMS_ADDRESS_SHARED:
                assert set(reason.values["addresses"]) <= set(shared[name].lower().split())
            else:
                assert reason.code == ReasonCode.BMS_CONTACT_SHARED
    found = [(each.rule, tuple(user.partition("@")[0] for user in each.users)) for each in plan.conflicts]
    assert found == [("bms_email", group) for group in expected]
    for conflict in plan.conflicts:
        assert conflict.contact_ids == tuple(chosen[user] for user in conflict.users)
        assert (conflict.suggestion, conflict.in_bms) == ({}, True)
        assert all(each[-2:] == ("new", "ignore") for each in conflict.answers.values())
    assert planned(read, bms(*present), match_overrides=chosen | dict.fromkeys(chosen, "ignore")).conflicts == ()


def test_namesakes_of_two_addresses_are_two_persons():
    """The name alone would give Bob's BMS contact to Ann."""
    users = [person("ann.lee"), person("bob.ray", given_name="Ann", surname="Lee")]
    contacts = [ready(72, "ann.lee"), ready(73, "bob.ray", first="Ann", last="Lee")]
    found, plan = pushes(users, contacts, bms(in_bms(5, "bob.ray@client.example", first="Ann", last="Lee")))
    assert {name: each.bms.push for name, each in found.items()} == {"ann.lee": "pushed", "bob.ray": "already_in_bms"}
    assert plan.conflicts == ()


def test_the_bms_contact_of_a_linked_contact_is_not_given_to_another():
    contacts = [ready(), linked(73, "bob.ray", 5, first="Bob", last="Ray")]
    found, plan = pushes([ANN], contacts, bms(in_bms(5, "ann.lee@client.example")))
    assert values_of(found["ann.lee"], ReasonCode.BMS_CONTACT_LINKED) == {"bms_contact_ids": [5], "contact_id": 73}
    assert [(each.contact_ids, each.bms_contact_ids) for each in plan.conflicts] == [((73,), (5,))]


def test_ignoring_the_users_resolves_a_conflict_in_bms():
    read = snapshot([ANN], [ready()], bms_settings=PUSHING)
    present = bms(in_bms(5, "ann.lee@client.example"), in_bms(6, "ann.lee@client.example"))
    (conflict,) = planned(read, present).conflicts
    ignore = dict.fromkeys(conflict.users, "ignore")
    ignored = planned(read, present, allow_shrunken_source=True, match_overrides=ignore)
    assert ignored.conflicts == ()


# ----------------------------------------------------------------------- direct


def test_direct_creates_it_with_all_e_mails_and_phones_under_the_types_of_the_settings():
    something = ready(
        title=" Clerk ",
        emails=(Email("ann.lee@client.example", "Work", True), Email("al@x.io", "Home")),
        phones=(
            Phone("4155550100", "Office", "12", primary=True),
            Phone("0000000000", "Home"),
            Phone("4155550199", "Fax", kind="fax"),
        ),
    )
    found = one(ANN, something, bms())
    assert found.bms.create == BmsContact(
        id=0,
        account_id=2528,
        location_id=3169,
        first_name="Ann",
        last_name="Lee",
        job_title="Clerk",
        emails=(BmsEmail("ann.lee@client.example", 1, "Work", True), BmsEmail("al@x.io", 1, "Work")),
        phones=(BmsPhone("4155550100", 2, "Desk", True), BmsPhone("000-000-0000", 2, "Desk")),
    )
    assert codes(found) == ["extensions_dropped"]


def test_what_is_pushed_is_the_contact_as_it_becomes():
    found = one(newcomer(given_name="Anne", job_title="Boss"), ready(phones=()), bms(), **PRIMARY)
    made = found.bms.create
    assert (made.first_name, made.job_title, [each.number for each in made.phones]) == ("Anne", "Boss", ["4155550100"])


@pytest.mark.parametrize(
    ("locations", "expected"),
    [
        pytest.param([BmsLocation(1, "Main", True), BmsLocation(2, " head  OFFICE ")], 2, id="of-the-same-name"),
        pytest.param([BmsLocation(2, "Depot"), BmsLocation(1, "Main", True)], 1, id="else-the-main-one"),
        pytest.param([BmsLocation(3, "Head Office"), BmsLocation(2, "Head Office")], 2, id="of-two-the-lower-id"),
        pytest.param([BmsLocation(2, None), BmsLocation(1, "Main", True)], 1, id="a-nameless-one"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_the_location_in_bms(locations, expected, turned):
    found = one(ANN, ready(), bms(locations=tuple(reversed(locations)) if turned else tuple(locations)))
    assert found.bms.create.location_id == expected


def test_no_location_in_bms_is_a_failed_push():
    found = one(person("ann.lee", job_title="Clerk"), ready(), bms(locations=(BmsLocation(1, "Depot"),)))
    assert (found.itglue.action, found.bms.push, found.bms.create) == ("update", "failed", None)
    assert values_of(found, ReasonCode.NO_BMS_LOCATION) == {"account_id": 2528, "location": "Head Office"}


# ----------------------------------------------------------------------- native


@pytest.mark.parametrize(
    ("someone", "something", "expected"),
    [
        pytest.param(newcomer(), None, ("create", "pending", True), id="new"),
        pytest.param(person("ann.lee", job_title="Clerk"), ready(), ("update", "pending", True), id="updated"),
        pytest.param(ANN, ready(), ("unchanged", "pending", False), id="unchanged"),
    ],
)
def test_native_writes_it_complete_and_it_glue_pushes(someone, something, expected):
    found = one(someone, something, bms(), NATIVE, **PRIMARY)
    assert (found.itglue.action, found.bms.push, found.writes) == expected
    assert codes(found) == ["itglue_pushes" if expected[2] else "awaiting_link"]
    assert found.bms.create is None
    assert found.wanted.location_id == 10


@pytest.mark.parametrize("something", [None, ready(title="Clerk")], ids=["new", "to-update"])
def test_native_holds_back_a_person_who_is_in_bms_but_not_linked(something):
    """Any write to IT Glue would push a double."""
    found = one(newcomer(job_title="Boss"), something, bms(in_bms(5, "ann.lee@client.example")), NATIVE, **PRIMARY)
    assert found.itglue == ItGluePart(Action.UNCHANGED, something.id if something else None)
    assert (found.bms.push, found.bms.contact_id, found.bms.after) == ("already_in_bms", 5, {})
    assert codes(found) == ["in_bms_by_address", "link_in_itglue"]
    assert found.noteworthy and not found.writes


def test_native_holds_back_a_conflict():
    present = bms(in_bms(5, "ann.lee@client.example"), in_bms(6, "ann.lee@client.example"))
    found = one(newcomer(job_title="Boss"), ready(), present, NATIVE, **PRIMARY)
    assert (found.itglue, found.bms.push) == (ItGluePart(Action.UNCHANGED, 72), "conflict")
    assert not found.writes


SAVED = "2026-11-01T12:00:00.000Z"
NOON = 1793534400.0
"""The same in seconds since the epoch."""


@pytest.mark.parametrize(
    ("saved", "read_at", "action"),
    [
        pytest.param(SAVED, NOON + SAVED_AGAIN_AFTER + 1, "update", id="a-day-ago"),
        pytest.param(SAVED, NOON + SAVED_AGAIN_AFTER, "unchanged", id="within-the-day"),
        pytest.param(SAVED, NOON - 60, "unchanged", id="by-a-clock-that-is-ahead"),
        pytest.param("2026-11-01T12:00:00", NOON + SAVED_AGAIN_AFTER + 1, "update", id="without-a-zone"),
        pytest.param("2026-11-01T14:00:00+02:00", NOON + SAVED_AGAIN_AFTER, "unchanged", id="in-another-zone"),
        pytest.param(None, 9e9, "unchanged", id="not-told"),
        pytest.param("yesterday", 9e9, "unchanged", id="not-understood"),
    ],
)
def test_native_saves_a_complete_contact_again_where_nobody_has_for_a_day(saved, read_at, action):
    found = one(ANN, ready(updated_at=saved), bms(), NATIVE, read_at=read_at)
    assert (found.itglue.action, found.bms.push, found.itglue.resaves) == (action, "pending", action == "update")


def test_what_is_saved_again_is_sent_as_it_is():
    found = one(ANN, ready(updated_at=SAVED, title="Clerk"), bms(), NATIVE, read_at=9e9)
    assert found.itglue.before == found.itglue.after
    assert found.itglue.after == {
        "first-name": "Ann",
        "contact-emails": [{"value": "ann.lee@client.example", "label-name": "Work", "primary": True}],
    }
    assert codes(found) == ["saved_again"]


def test_what_is_saved_again_counts_as_update_and_push():
    read = snapshot([ANN], [ready(updated_at=SAVED)], bms_settings=NATIVE, read_at=9e9)
    plan = planned(read, bms(), max_updates="0", max_pushes="0")
    assert limits(plan) == [("max_updates", 1, 0), ("max_pushes", 1, 0)]


@pytest.mark.parametrize("present", [in_bms(5, "ann.lee@client.example"), in_bms(5, first="Ann", last="Lee")])
def test_who_is_in_bms_already_is_not_saved_again(present):
    found = one(ANN, ready(updated_at=SAVED), bms(present), NATIVE, read_at=9e9)
    assert (found.itglue.action, found.writes) == ("unchanged", False)


def test_direct_saves_nothing_again():
    found = one(ANN, ready(updated_at=SAVED), bms(), PUSHING, read_at=9e9)
    assert (found.itglue.action, found.bms.push) == ("unchanged", "pushed")


def test_native_still_writes_what_is_not_ready():
    found = one(person("ann.lee", job_title="Boss"), ready(phones=()), bms(), NATIVE)
    assert (found.itglue.action, found.bms.push) == ("update", "not_ready")


@pytest.mark.parametrize(
    ("bms_settings", "action"),
    [pytest.param(PUSHING, "update", id="direct"), pytest.param(NATIVE, "deferred", id="native")],
)
def test_an_incomplete_read_defers_every_push_and_never_means_not_there(bms_settings, action):
    read = snapshot([person("ann.lee", job_title="Boss")], [ready()], bms_settings=bms_settings)
    plan = planned(read, None, unread="BMS is gone.")
    (found,) = plan.operations
    assert (found.itglue.action, found.bms.push, found.bms.create) == (action, "deferred", None)
    assert found.reasons == (Reason(ReasonCode.BMS_NOT_READ, {"said": "BMS is gone."}),)
    assert found.writes is (action == "update")
    assert plan.warnings == (Reason(ReasonCode.PUSHES_DEFERRED, {"count": 1, "said": "BMS is gone."}),)


# ------------------------------------------------------------------- namesakes


@pytest.mark.parametrize(
    ("users", "contacts", "expected"),
    [
        pytest.param(
            [ANN], [ready(), contact(73, "x@y.io", first="ann", last="LEE")], ["ann.lee"], id="another-contact"
        ),
        pytest.param([ANN], [ready()], [], id="unique"),
        pytest.param(
            [person("ann.lee", given_name="Bea")],
            [ready(), contact(73, "x@y.io", first="Bea", last="Lee")],
            ["ann.lee"],
            id="renamed-to-a-namesake",
        ),
        pytest.param(
            [person("ann.lee", given_name="Bea")],
            [ready(), contact(73, "x@y.io", first="Ann", last="Lee")],
            [],
            id="renamed-from-a-namesake",
        ),
        pytest.param(
            [ANN, person("al", given_name="Ann", surname="Lee")],
            [ready()],
            ["ann.lee"],
            id="a-new-one-that-is-not-ready",
        ),
        pytest.param(
            [person("ann.lee", surname=None)], [ready(last=None), contact(73, first="Ann")], [], id="one-name"
        ),
    ],
)
@pytest.mark.parametrize("bms_settings", [PUSHING, NATIVE], ids=["direct", "native"])
def test_a_push_whose_name_is_not_unique_carries_a_warning(users, contacts, expected, bms_settings):
    dummy, plan = pushes(users, contacts, bms(), bms_settings, **PRIMARY)
    assert {reason.code for reason in plan.warnings} <= {ReasonCode.NAME_NOT_UNIQUE}
    assert [reason.values["user"].partition("@")[0] for reason in plan.warnings] == expected


TWO_NEW_NAMESAKES = [newcomer(), person("al", given_name="Ann", surname="Lee", business_phones=("1 415 555 0101",))]


def test_two_new_namesakes_carry_a_warning():
    dummy, plan = pushes(TWO_NEW_NAMESAKES, [], bms(), **PRIMARY)
    assert [reason.values for reason in plan.warnings] == [
        {"user": "al@client.example", "name": "Ann Lee"},
        {"user": "ann.lee@client.example", "name": "Ann Lee"},
    ]
    assert plan.conflicts == ()


def test_two_new_namesakes_under_native_are_a_conflict():
    """IT Glue would push the first, and pair the second with what it made of the first."""
    found, plan = pushes(TWO_NEW_NAMESAKES, [], bms(), NATIVE, **PRIMARY)
    assert {(each.itglue.action, each.bms.push) for each in found.values()} == {("unchanged", "conflict")}
    assert not any(each.writes for each in found.values())
    assert values_of(found["ann.lee"], ReasonCode.BMS_NAME_SHARED) == {"users": ["al@client.example"]}
    assert [(each.rule, each.users) for each in plan.conflicts] == [
        ("bms_name", ("al@client.example", "ann.lee@client.example"))
    ]


def test_who_is_in_bms_already_carries_no_warning():
    contacts = [ready(), contact(73, "x@y.io", first="ann", last="LEE")]
    dummy, plan = pushes([ANN], contacts, bms(in_bms(5, "ann.lee@client.example")))
    assert plan.warnings == ()


# ------------------------------------------------------------------------ links


@pytest.mark.parametrize(
    ("adapters", "expected"),
    [
        pytest.param((Adapter("Kaseya BMS", "5", sync=True),), 5, id="its-id"),
        pytest.param((Adapter("Microsoft", "6f1c", sync=True), Adapter("Vorex", "5")), 5, id="not-of-another"),
        pytest.param((Adapter("Kaseya BMS", None, sync=True),), None, id="no-id"),
        pytest.param((), None, id="by-psa-integration-alone"),
    ],
)
def test_a_linked_contact_tells_its_bms_contact(adapters, expected):
    found = one(ANN, linked(adapters=adapters), None)
    assert (found.itglue.action, found.bms.contact_id) == ("linked", expected)

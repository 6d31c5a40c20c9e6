# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness and push: the look-up in BMS and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_evidence import Hit, stays_apart
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_push import SAVED_AGAIN_AFTER
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import NEW, Conflict, Rule
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsPhone,
    Email,
    Facts,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Action, ItGluePart
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning
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
    options,
    person,
    planned,
    planning_of,
    ready,
    snapshot,
    values_of,
)


def planning_with(read, *present, **given):
    """A planning that has read nothing but the BMS contacts."""
    return Planning(read, options(**given), Findings(bms=bms(*present)))


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


def test_not_ready_names_the_missing_fields_and_writes_to_it_glue_all_the_same():
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
            [in_bms(ident, "ann.lee@client.example") for ident in (5, 6, 7)], ("conflict", None), id="three-by-e-mail"
        ),
        pytest.param(
            [in_bms(5, first="Ann", last="Lee"), in_bms(6, first="Ann", last="Lee")],
            ("conflict", None),
            id="several-by-name",
        ),
        pytest.param(
            [in_bms(5, "ann.lee@client.example", first="Ann", last="Lee", active=False)],
            ("already_in_bms", 5),
            id="inactive-of-the-same-names",
        ),
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


def test_a_contact_without_a_last_name_is_not_taken_for_an_inactive_nameless_one():
    nameless = person("ann.lee", surname=None)
    found = one(nameless, ready(last=None), bms(in_bms(5, "ann.lee@client.example", active=False)))
    assert (found.bms.push, codes(found)) == ("conflict", ["bms_inactive_hit"])


def test_a_contact_without_a_last_name_is_not_looked_for_by_name():
    nameless = person("ann.lee", surname=None)
    found = one(nameless, ready(last=None), bms(in_bms(5, first="Ann", last=None)))
    assert found.bms.push == "pushed"


@pytest.mark.parametrize(
    ("names", "more", "expected"),
    [
        pytest.param(("Ann", "Meier"), {}, ("already_in_bms", 5, ["in_bms_by_name"]), id="another-last-name"),
        pytest.param(("Annie", "Lee"), {}, ("already_in_bms", 5, ["in_bms_by_name"]), id="nickname"),
        pytest.param(
            ("Ann", "Meier"),
            {"emails": ("bob.ray@client.example",)},
            ("pushed", None, []),
            id="somebody-else-s-address",
        ),
        pytest.param(("Ann", "Meier"), {"active": False}, ("conflict", None, ["bms_inactive_hit"]), id="inactive"),
    ],
)
def test_who_is_renamed_in_it_glue_is_found_by_the_name_of_before(names, more, expected):
    first, last = names
    present = in_bms(5, *more.pop("emails", ()), first=first, last=last, **more)
    found, dummy = pushes([ANN, person("bob.ray")], [ready(first=first, last=last)], bms(present))
    ann = found["ann.lee"]
    assert (ann.bms.push, ann.bms.contact_id, codes(ann)) == expected


def test_a_name_of_before_is_not_that_of_a_bms_contact_that_is_somebody_s_by_its_link():
    present = [in_bms(5, first="Ann", last="Meier"), in_bms(6, first="Ann", last="Meier")]
    contacts = [ready(first="Ann", last="Meier"), linked(73, "zoe", 5, first="Zoe", last="Zoo")]
    found, dummy = pushes([ANN], contacts, bms(*present))
    assert (found["ann.lee"].bms.push, found["ann.lee"].bms.contact_id) == ("already_in_bms", 6)


def test_only_who_was_found_by_names_or_an_answer_is_remembered_by_user():
    users = [ANN, person("bob.ray"), person("cid.cox"), person("dan.day")]
    contacts = [
        ready(),
        ready(73, "bob.ray", first="Bob", last="Ray"),
        ready(74, "cid.cox", first="Cid", last="Cox"),
        ready(75, "dan.day", first="Dan", last="Day"),
    ]
    present = [
        in_bms(5, "ann.lee@client.example", first="Ann", last="Lee"),
        in_bms(6, first="Bob", last="Ray"),
        in_bms(7, first="Zoe", last="Zoo"),
    ]
    read = snapshot(users, contacts, bms_settings=PUSHING)
    planning = planning_of(read, bms(*present), bms_match_overrides={"cid.cox@client.example": 7})
    assert planning.by_name_in_bms == {(6, "id-bob.ray"), (7, "id-cid.cox")}
    assert planning.apart_in_bms == frozenset()


def test_of_the_name_of_before_and_the_present_one_neither_is_chosen():
    present = [in_bms(5, first="Ann", last="Meier"), in_bms(6, first="Ann", last="Lee")]
    found, plan = pushes([ANN], [ready(first="Ann", last="Meier")], bms(*present))
    assert codes(found["ann.lee"]) == ["bms_several_hits"]
    assert [(each.rule, each.bms_contact_ids) for each in plan.conflicts] == [("bms_name", (5, 6))]


def test_the_name_of_before_is_a_question_where_somebody_else_bears_it():
    other = person("ann.meier", given_name="Ann", surname="Meier", business_phones=("1 415 555 0101",))
    read = snapshot([ANN, other], [ready()], bms_settings=PUSHING, **PRIMARY)
    read = replace(read, facts=Facts(by_name_in_bms=frozenset({(5, ANN.id)})))
    plan = planned(read, bms(in_bms(5, first="Ann", last="Meier")))
    assert [each.bms.push for each in plan.operations] == ["conflict", "conflict"]
    (conflict,) = plan.conflicts
    assert conflict.answers == dict.fromkeys(conflict.users, (5, "new", "ignore"))


def test_a_name_that_was_somebody_else_s_is_not_the_name_of_before():
    """Where names that differ are a match, the contact's names so far may be anybody's."""
    office365 = {"different_names": "match"}
    found = one(ANN, ready(first="Front", last="Desk"), bms(in_bms(5, first="Front", last="Desk")), **office365)
    assert found.bms.push == "pushed"


def test_an_inactive_one_is_reported_and_left_inactive():
    inactive = in_bms(5, "ann.lee@client.example", first="Ann", last="Lee", active=False)
    found = one(ANN, ready(), bms(inactive))
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
        ),
    )


@pytest.mark.parametrize(
    ("names", "same"),
    [
        pytest.param([("Ann", "Lee"), ("ann", "LEE")], True, id="the-same"),
        pytest.param([("A.", "Lee"), ("Anna", "Lee")], False, id="others"),
        pytest.param([(None, None), (None, None)], False, id="none"),
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
    assert [(each.rule, each.users, each.bms_contact_ids, each.suggestion) for each in plan.conflicts] == [
        (rule, ("ann.lee@client.example", "bob.ray@client.example"), (5,), {})
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
def test_namesakes_of_one_run_who_share_an_address_would_be_mixed_up_in_bms(
    shared, present, expected, bms_settings, turned
):
    """Both would be made with it, and the next look-up could not tell one from the other."""
    names = [*shared, "eve"]
    surnames = {name: f"Roe{group}" for group, members in enumerate(expected) for name in members}
    who = {name: {"first": "Sam", "last": surnames.get(name, name)} for name in names}
    users = [person(name, given_name="Sam", surname=who[name]["last"]) for name in names]
    contacts = [
        with_addresses(ready(number, name, **who[name]), *shared.get(name, "").split(" "))
        for number, name in enumerate(names, 71)
    ]
    chosen = {f"{name}@client.example": number for number, name in enumerate(names, 71)}
    order = reversed if turned else list
    read = snapshot(tuple(order(users)), tuple(order(contacts)), bms_settings=bms_settings)
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
        assert conflict.in_bms and conflict.suggestion in ({}, {"ann@client.example": 5})
        shared_contact = ReasonCode.BMS_CONTACT_SHARED if present else ReasonCode.BMS_ADDRESS_SHARED
        assert conflict.code == shared_contact
        # IT Glue pairs by names alone, so under `native` it would make nobody new.
        last = ("new", "ignore") if bms_settings is PUSHING else ("ignore",)
        expected_answers = (*conflict.bms_contact_ids, *last)
        assert all(each == expected_answers for each in conflict.answers.values())
    assert planned(read, bms(*present), match_overrides=chosen | dict.fromkeys(chosen, "ignore")).conflicts == ()


def test_blank_addresses_are_nothing_in_common():
    users = [person("ann.lee"), person("al", given_name="Ann", surname="Lee")]
    contacts = [with_addresses(ready(), " "), with_addresses(ready(73, "al", first="Ann", last="Lee"), "")]
    found, plan = pushes(users, contacts, bms())
    assert ({each.bms.push for each in found.values()}, plan.conflicts) == ({"pushed"}, ())


def test_an_address_that_two_namesakes_get_in_this_run_is_in_common_too():
    users = [person(name, given_name="Ann", surname="Lee", mail="s@x.io") for name in ("ann.lee", "al")]
    contacts = [ready(), ready(73, "al", first="Ann", last="Lee")]
    read = snapshot(users, contacts, bms_settings=PUSHING)
    there = bms(in_bms(5, "ann.lee@client.example", first="Ann", last="Lee"))
    plan = planned(read, there, match_overrides={"id-ann.lee": 72, "id-al": 73})
    assert {each.bms.push for each in plan.operations} == {"conflict"}


SHARED, OWN = "s@x.io", "ann@client.example"


@pytest.mark.parametrize(
    ("names", "other", "address", "expected"),
    [
        pytest.param(("Ann", "Able"), ("Ann", "Able"), SHARED, False, id="the-same-names"),
        pytest.param(("Ann", "Able"), ("A.", "Able"), SHARED, True, id="open-names"),
        pytest.param(("Ann", "Able"), ("Ben", "Baker"), OWN, True, id="other-names"),
        pytest.param(("Ann", None), ("Ann", "Able"), SHARED, False, id="a-single-name-and-open-names"),
        pytest.param(("Ann", None), ("Ben", "Baker"), SHARED, True, id="a-single-name-and-other-names"),
        pytest.param(("Ann", None), ("Ben", "Baker"), OWN, False, id="a-single-name-and-its-own-address"),
    ],
)
def test_who_is_not_taken_for_the_person_with_a_common_address(names, other, address, expected):
    """Whose look-up finds the same names passes over all others; else only different names on another address."""
    something = with_addresses(ready(71, "ann", first=names[0], last=names[1]), SHARED)
    assert stays_apart(something, Hit(()), other, address) is expected


ANN_A, BEN_B = {"first": "Ann", "last": "Able"}, {"first": "Ben", "last": "Baker"}
OFFICE_ = "office@client.example"


@pytest.mark.parametrize(
    ("ann", "ben", "push"),
    [
        pytest.param(ANN_A, BEN_B, "pushed", id="other-names"),
        pytest.param(ANN_A, {"first": "Ann", "last": "Baker"}, "pushed", id="one-name-in-common"),
        pytest.param(ANN_A, {"first": "ann", "last": "ABLE"}, "conflict", id="the-same-names"),
        pytest.param(ANN_A, {"first": "Ann", "last": None}, "conflict", id="one-without-a-last-name"),
        pytest.param(ANN_A, {"first": "Ben", "last": None}, "pushed", id="without-a-last-name-but-another"),
        pytest.param({"first": "Ann", "last": None}, {"first": "Ben", "last": None}, "pushed", id="first-names-alone"),
    ],
)
def test_new_people_who_share_an_alias_are_pushed_where_their_names_distinguish_them(ann, ben, push):
    users = [
        person("ann", given_name=ann["first"], surname=ann["last"]),
        person("ben", given_name=ben["first"], surname=ben["last"]),
    ]
    contacts = [with_addresses(ready(71, "ann", **ann), OFFICE_), with_addresses(ready(72, "ben", **ben), OFFICE_)]
    contacts = [replace(each, last_name=names["last"]) for each, names in zip(contacts, (ann, ben), strict=True)]
    found, plan = pushes(users, contacts, bms())
    assert {each.bms.push for each in found.values()} == {push}
    if push == "pushed":
        made = [replace(each.bms.create, id=5 + number) for number, each in enumerate(plan.operations)]
        again, dummy = pushes(users, contacts, bms(*made))
        assert [(each.bms.push, each.bms.contact_id) for each in again.values()] == [
            ("already_in_bms", 5),
            ("already_in_bms", 6),
        ]


# ------------------------------------------------------- names beside an address

PETRA = person("petra", given_name="Petra", surname="Person")
INFO = "info@client.example"
PETRAS = with_addresses(ready(72, "petra", first="Petra", last="Person"), INFO)
OWN, OTHER = "petra@client.example", "front@client.example"


def named(bms_id: int, name: str, *addresses: str, **values):
    first, dummy, last = name.partition(" ")
    return in_bms(bms_id, *addresses, first=first or None, last=last or None, **values)


@pytest.mark.parametrize(
    ("present", "push", "expected"),
    [
        pytest.param(
            [named(5, "Front Desk", OTHER, INFO)], ("pushed", None), ["bms_hit_withheld"], id="an-alias-alone"
        ),
        pytest.param([named(5, "Front Desk", OWN)], ("conflict", None), ["bms_names_differ"], id="the-primary-address"),
        pytest.param(
            [named(5, "Front Desk", OWN, active=False)], ("conflict", None), ["bms_names_differ"], id="inactive-too"
        ),
        pytest.param(
            [named(5, "Paul Person", INFO)], ("conflict", None), ["bms_names_differ"], id="a-family-name-and-an-alias"
        ),
        pytest.param(
            [named(5, "P. Person", INFO)], ("already_in_bms", 5), ["in_bms_by_address"], id="an-initial-and-an-alias"
        ),
        pytest.param(
            [named(5, "Paula Person", OWN)],
            ("already_in_bms", 5),
            ["in_bms_by_address"],
            id="a-nickname-by-the-primary",
        ),
        pytest.param([named(5, "", INFO)], ("already_in_bms", 5), ["in_bms_by_address"], id="without-names"),
        pytest.param(
            [named(5, "Paula Person", OWN, active=False)],
            ("conflict", None),
            ["bms_inactive_hit"],
            id="inactive-nickname",
        ),
        pytest.param(
            [named(5, "", OWN, active=False)], ("conflict", None), ["bms_inactive_hit"], id="inactive-nameless"
        ),
        pytest.param(
            [named(5, "Petra Person", active=False)],
            ("conflict", None),
            ["bms_inactive_hit"],
            id="inactive-by-name-alone",
        ),
        pytest.param(
            [named(5, "Petra Person", OWN, active=False)],
            ("already_in_bms", 5),
            ["in_bms_by_address", "inactive_in_bms"],
            id="inactive-of-the-same-names",
        ),
        pytest.param(
            [named(5, "Front Desk", INFO), named(6, "Petra Person", "p@elsewhere.example")],
            ("already_in_bms", 6),
            ["in_bms_by_name", "bms_hit_withheld"],
            id="by-name-beside-a-withheld-one",
        ),
        pytest.param(
            [named(5, "Ann Able", INFO), named(6, "Petra Person", INFO), named(7, "Cid Cole", INFO)],
            ("already_in_bms", 6),
            ["in_bms_by_address", "bms_hit_withheld", "bms_hit_withheld"],
            id="of-several-the-same-names",
        ),
        pytest.param(
            [named(5, "Front Desk", OWN), named(6, "Petra Person")],
            ("conflict", None),
            ["bms_several_hits"],
            id="the-primary-address-and-the-name",
        ),
        pytest.param(
            [named(5, "Front Desk", OWN), named(6, "Petra Person", active=False)],
            ("conflict", None),
            ["bms_names_differ"],
            id="the-primary-address-beats-an-inactive-name",
        ),
        pytest.param(
            [named(5, "Front Desk", OWN), named(6, "Petra Person", INFO)],
            ("already_in_bms", 6),
            ["in_bms_by_address"],
            id="the-same-names-beat-the-primary-address",
        ),
        pytest.param(
            [named(5, "Petra Person", OWN, active=False), named(6, "Petra Person", INFO)],
            ("already_in_bms", 6),
            ["in_bms_by_address"],
            id="active-beats-inactive",
        ),
        pytest.param(
            [named(5, "Petra Person", active=False), named(6, "Petra Person")],
            ("already_in_bms", 6),
            ["in_bms_by_name"],
            id="active-beats-inactive-by-name",
        ),
        pytest.param(
            [named(5, "Petra Person", OWN), named(6, "Petra Person", INFO)],
            ("conflict", None),
            ["bms_several_hits"],
            id="several-of-the-same-names",
        ),
        pytest.param(
            [named(5, "Paula Person", OWN), named(6, "", INFO)],
            ("conflict", None),
            ["bms_several_hits"],
            id="several-open",
        ),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_names_decide_whether_an_address_is_a_person(present, push, expected, turned):
    present = tuple(reversed(present)) if turned else present
    found = one(PETRA, PETRAS, bms(*present))
    assert (found.bms.push, found.bms.contact_id) == push
    assert codes(found) == expected
    assert found.bms.after == {}


def test_a_namesake_casts_no_doubt_on_who_bears_the_names_and_holds_an_address():
    users = [PETRA, person("pp", given_name="Petra", surname="Person")]
    contacts = [PETRAS, ready(73, "pp", first="Petra", last="Person")]
    found, plan = pushes(users, contacts, bms(named(5, "Front Desk", OWN), named(6, "Petra Person", INFO)))
    assert (found["petra"].bms.push, found["petra"].bms.contact_id, plan.conflicts) == ("already_in_bms", 6, ())


def test_who_is_withheld_is_reported_with_the_addresses():
    found = one(PETRA, PETRAS, bms(named(5, "Front Desk", OTHER, INFO)))
    assert values_of(found, ReasonCode.BMS_HIT_WITHHELD) == {"bms_contact_id": 5, "addresses": [INFO]}
    assert found.attention


def test_no_job_title_is_set_where_the_names_differ():
    titled = replace(PETRAS, title="Boss")
    for present in (named(5, "Front Desk", OTHER, INFO), named(5, "Front Desk", OWN)):
        assert one(PETRA, titled, bms(present)).bms.after == {}


def test_the_primary_address_counts_wherever_it_stands_in_the_list():
    emails = (Email("office@client.example", "Work"), Email("ann.lee@client.example", "Work", primary=True))
    found = one(ANN, ready(emails=emails), bms(in_bms(5, "office@client.example", first="Front", last="Desk")))
    assert (found.bms.push, codes(found)[-1]) == ("pushed", "bms_hit_withheld")


def test_an_office_under_one_address_is_nobodys_duplicate():
    """Four BMS contacts share it, each bears the name of one user."""
    people = [("ann", "Able"), ("ben", "Baker"), ("cid", "Cole"), ("dan", "Dale")]
    users = [person(name, given_name=name.title(), surname=last) for name, last in people]
    contacts = [
        with_addresses(ready(number, name, first=name.title(), last=last), OFFICE_)
        for number, (name, last) in enumerate(people, 71)
    ]
    present = [named(number, f"{name.title()} {last}", OFFICE_) for number, (name, last) in enumerate(people, 5)]
    found, plan = pushes(users, contacts, bms(*present))
    assert [(each.bms.push, each.bms.contact_id) for each in found.values()] == [
        ("already_in_bms", number) for number in range(5, 9)
    ]
    assert plan.conflicts == ()


@pytest.mark.parametrize(
    ("present", "suggestion"),
    [
        pytest.param([named(5, "Petra Person", OWN), named(6, "Petra Person", INFO)], 5, id="the-primary-address"),
        pytest.param([named(5, "Petra Person", OWN), named(6, "Petra Person", OWN)], None, id="two-are-equal"),
        pytest.param([named(5, "Paula Person", OWN), named(6, "", INFO)], 5, id="open-with-the-primary-address"),
        pytest.param([named(5, "Front Desk", OWN)], None, id="never-another-name"),
        pytest.param([named(5, "", OWN, active=False)], None, id="never-an-inactive-one"),
    ],
)
def test_a_suggestion_is_made_where_exactly_one_is_best(present, suggestion):
    dummy, plan = pushes([PETRA], [PETRAS], bms(*present))
    (conflict,) = plan.conflicts
    assert conflict.suggestion == ({PETRA.username: suggestion} if suggestion else {})
    assert conflict.answers == {PETRA.username: (*(each.id for each in present), "new", "ignore")}


@pytest.mark.parametrize(
    ("present", "needs"),
    [
        pytest.param(named(5, "Paula Person", OWN), {Need.DELETED_USERS}, id="a-nickname"),
        pytest.param(named(5, "Paula Person", OWN, active=False), set(), id="an-inactive-one-is-a-question-anyhow"),
        pytest.param(named(5, "Petra Person", OWN), set(), id="the-same-names"),
        pytest.param(named(5, "Front Desk", OWN), set(), id="other-names"),
    ],
)
def test_deleted_users_are_read_where_they_can_still_cast_a_doubt(present, needs):
    read = snapshot([PETRA], [PETRAS], bms_settings=PUSHING)
    assert planning_with(read, present).needs == needs


def test_whom_a_deleted_user_keeps_apart_is_remembered_as_microsoft_forgets_deleted_users():
    paula = person("paula", given_name="Paula", surname="Person")
    there = bms(named(5, "Paula Person", OWN))
    read = snapshot([PETRA], [PETRAS], bms_settings=PUSHING)
    planning = planning_of(read, there, deleted=[paula])
    assert [codes(each) for each in planning.plan.operations] == [["bms_names_differ"]]
    assert planning.apart_in_bms == {PETRA.id}
    later = planning_of(replace(read, facts=Facts(apart_in_bms=planning.apart_in_bms)), there)
    assert (later.plan.operations, later.apart_in_bms) == (planning.plan.operations, planning.apart_in_bms)


# ------------------------------------------------------------------- overrides


def overridden(answer, *present, users=(PETRA,), contacts=(PETRAS,), bms_settings=PUSHING, **more):
    read = snapshot(users, contacts, bms_settings=bms_settings)
    plan = planned(read, bms(*present), bms_match_overrides={PETRA.username.upper(): answer}, **more)
    return by_name(plan.operations)["petra"], plan


TWINS = (named(5, "Petra Person", OWN), named(6, "Petra Person", OWN))


def test_an_override_names_the_bms_contact_of_a_user():
    found, plan = overridden(6, *TWINS)
    assert (found.bms.push, found.bms.contact_id, codes(found)) == ("already_in_bms", 6, ["in_bms_by_override"])
    assert plan.conflicts == ()


@pytest.mark.parametrize("answer", ["ignore", "new", 7])
def test_overrides_of_several_users(answer):
    read = snapshot([PETRA, ANN], [PETRAS, ready(73)], bms_settings=PUSHING)
    present = bms(*TWINS, named(7, "Front Desk", ANN.mail))
    plan = planned(read, present, bms_match_overrides={ANN.id: answer, PETRA.id: 6})
    assert by_name(plan.operations)["petra"].bms.contact_id == 6
    assert plan.conflicts == ()


def test_an_override_takes_a_bms_contact_of_other_names_or_anothers_link():
    linked_to_it = linked(80, "bob.ray", 7, first="Bob", last="Ray")
    for present, contacts in ((named(7, "Front Desk", OWN), [PETRAS]), (named(7, "Bob Ray"), [PETRAS, linked_to_it])):
        found, plan = overridden(7, present, contacts=contacts)
        assert (found.bms.push, found.bms.contact_id, plan.conflicts) == ("already_in_bms", 7, ())


def test_a_bms_contact_that_an_override_names_is_nobody_elses():
    paul = person("paul", given_name="Petra", surname="Person")
    pauls = with_addresses(ready(73, "paul", first="Petra", last="Person"), INFO)
    shared = named(5, "Petra Person", INFO)
    read = snapshot([PETRA, paul], [PETRAS, pauls], bms_settings=PUSHING)
    assert planned(read, bms(shared)).conflicts
    plan = planned(read, bms(shared), bms_match_overrides={PETRA.id: 5, paul.id: "new"})
    found = by_name(plan.operations)
    assert (found["petra"].bms.contact_id, found["paul"].bms.push, plan.conflicts) == (5, "pushed", ())


@pytest.mark.parametrize("name", ["Front Desk", "Paula Person"])
@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param((), ("pushed", None, []), id="alone"),
        pytest.param((named(6, "Petra Person"),), ("already_in_bms", 6, ["in_bms_by_name"]), id="beside-the-name"),
    ],
)
def test_who_was_found_with_what_an_override_gives_to_another_is_looked_for_without_it(name, others, expected):
    ben = person("ben.baker")
    contacts = [PETRAS, ready(73, "ben.baker", first="Ben", last="Baker")]
    read = snapshot([PETRA, ben], contacts, bms_settings=PUSHING)
    plan = planned(read, bms(named(5, name, OWN), *others), bms_match_overrides={ben.id: 5})
    found = by_name(plan.operations)
    assert (found["ben.baker"].bms.contact_id, plan.conflicts) == (5, ())
    petra = found["petra"]
    assert (petra.bms.push, petra.bms.contact_id, codes(petra)) == expected


def test_new_creates_once():
    front_desk = named(5, "Front Desk", OWN)
    found, dummy = overridden("new", front_desk)
    assert (found.bms.push, found.bms.create.first_name) == ("pushed", "Petra")
    again, dummy = overridden("new", front_desk, replace(found.bms.create, id=6))
    assert (again.bms.push, again.bms.contact_id, codes(again)) == ("already_in_bms", 6, ["in_bms_by_override"])


def test_who_may_be_somebody_else_in_bms_could_be_the_holder_of_a_common_address_next_time():
    """Petra is not created while her conflict is open, so the next look-up would find what was made for Paula."""
    paula = person("paula", given_name="Petra", surname="Roe")
    contacts = [with_addresses(PETRAS, SHARED), with_addresses(ready(73, "paula", first="Petra", last="Roe"), SHARED)]
    shown = named(5, "Paul Person", OWN)
    found, plan = pushes([PETRA, paula], contacts, bms(shown))
    assert {name: each.bms.push for name, each in found.items()} == {"petra": "conflict", "paula": "conflict"}
    assert codes(found["paula"]) == ["bms_address_shared"]
    found, plan = pushes([PETRA, paula], contacts, bms())
    assert ({each.bms.push for each in found.values()}, plan.conflicts) == ({"pushed"}, ())


def test_what_a_run_has_made_for_one_namesake_is_not_the_others():
    """Both have an address in common, so the look-up would find it for either."""
    namesake = person("pp", given_name="Petra", surname="Person")
    contacts = [with_addresses(PETRAS, SHARED), with_addresses(ready(73, "pp", first="Petra", last="Person"), SHARED)]
    read = snapshot([PETRA, namesake], contacts, bms_settings=PUSHING)
    answered = {"bms_match_overrides": {namesake.username: "new"}}
    plan = planned(read, bms(), **answered)
    made = [replace(each.bms.create, id=number) for number, each in enumerate(plan.operations, 5)]
    for present, expected in ((made, [("already_in_bms", 5), ("already_in_bms", 6)]), (made[1:], [("pushed", None)])):
        again = planned(read, bms(*present), **answered)
        assert again.conflicts == ()
        found = by_name(again.operations)
        assert (found["petra"].bms.push, found["petra"].bms.contact_id) == expected[0]
        assert (found["pp"].bms.push, found["pp"].bms.contact_id) == ("already_in_bms", 6)


@pytest.mark.parametrize("answers", [{}, {PETRA.username: 5}], ids=["undecided", "chosen"])
def test_the_bms_contact_of_a_namesake_was_not_made_for_who_is_new(answers):
    """It holds the primary addresses of both, and the answer says whose it is not."""
    namesake = person("pp", given_name="Petra", surname="Person")
    contacts = [PETRAS, ready(73, "pp", first="Petra", last="Person")]
    read = snapshot([PETRA, namesake], contacts, bms_settings=PUSHING)
    present = [named(5, "Petra Person", PETRA.mail, namesake.mail)]
    given = {"bms_match_overrides": {**answers, namesake.username: "new"}}
    for dummy in range(2):
        plan = planned(read, bms(*present), **given)
        found = by_name(plan.operations)
        assert (found["petra"].bms.push, found["petra"].bms.contact_id, plan.conflicts) == ("already_in_bms", 5, ())
        present += [replace(each.bms.create, id=6) for each in plan.operations if each.bms.create]
    assert (found["pp"].bms.push, found["pp"].bms.contact_id) == ("already_in_bms", 6)


@pytest.mark.parametrize("shared", ["as-an-alias", "as-the-primary-address"])
def test_new_makes_a_bms_contact_once_where_a_colleague_has_one_of_its_addresses(shared):
    """The colleague bears other names, so what holds the address is not the colleague's."""
    chef = replace(person("chef", given_name="Carl", surname="Chef"), mail=INFO, proxy_addresses=(f"SMTP:{INFO}",))
    chefs = ready(73, "info", first="Carl", last="Chef")
    petras = PETRAS
    if shared == "as-the-primary-address":
        petras, chefs = ready(72, "petra", first="Petra", last="Person"), ready(73, "petra", first="Carl", last="Chef")
        chef = replace(chef, mail=OWN, proxy_addresses=(f"SMTP:{OWN}",))
    read = snapshot([PETRA, chef], [petras, chefs], bms_settings=PUSHING)
    given = {
        "match_overrides": {PETRA.username: 72, chef.username: 73},
        "bms_match_overrides": {PETRA.username: "new"},
    }
    present = [named(5, "Front Desk", OWN)]
    first = by_name(planned(read, bms(*present), **given).operations)["petra"]
    assert (first.bms.push, first.bms.create is not None) == ("pushed", True)
    second = by_name(planned(read, bms(*present, replace(first.bms.create, id=6)), **given).operations)["petra"]
    assert (second.bms.push, second.bms.contact_id) == ("already_in_bms", 6)


def test_new_beside_several_bms_contacts_that_could_have_been_made_stays_a_conflict():
    found, plan = overridden("new", *TWINS)
    assert (found.bms.push, codes(found)) == ("conflict", ["bms_several_hits"])
    assert [each.bms_contact_ids for each in plan.conflicts] == [(5, 6)]


def test_two_namesakes_who_are_new_do_not_have_one_bms_contact():
    namesake = person("pp", given_name="Petra", surname="Person")
    contacts = [PETRAS, ready(73, "pp", first="Petra", last="Person")]
    read = snapshot([PETRA, namesake], contacts, bms_settings=PUSHING)
    given = {"bms_match_overrides": {PETRA.username: "new", namesake.username: "new"}}
    present = [named(5, "Petra Person", PETRA.mail, namesake.mail)]
    first = planned(read, bms(*present), **given)
    present += [replace(each.bms.create, id=number) for number, each in enumerate(first.operations, 6)]
    second = planned(read, bms(*present), **given)
    assert [(each.bms.push, each.bms.contact_id) for each in second.operations] == [
        ("already_in_bms", 6),
        ("already_in_bms", 7),
    ]


def test_what_was_made_for_who_is_new_may_hold_the_primary_address_of_a_namesake():
    """The user's contact holds it too."""
    namesake = person("pp", given_name="Petra", surname="Person")
    contacts = [with_addresses(PETRAS, namesake.mail), ready(73, "pp", first="Petra", last="Person")]
    read = snapshot([PETRA, namesake], contacts, bms_settings=PUSHING)
    given = {
        "match_overrides": {PETRA.username: 72, namesake.username: 73},
        "bms_match_overrides": {PETRA.username: "new"},
    }
    first = by_name(planned(read, bms(named(5, "Front Desk", OWN)), **given).operations)["petra"]
    assert first.bms.push == "pushed"
    present = (named(5, "Front Desk", OWN), replace(first.bms.create, id=6))
    second = by_name(planned(read, bms(*present), **given).operations)["petra"]
    assert (second.bms.push, second.bms.contact_id) == ("already_in_bms", 6)


def test_a_namesake_s_bms_contact_was_not_made_for_who_is_new_and_has_the_same_addresses():
    """Its default is the namesake's primary address."""
    namesake = person("pp", given_name="Petra", surname="Person")
    contacts = [with_addresses(PETRAS, namesake.mail), ready(73, "pp", first="Petra", last="Person")]
    read = snapshot([PETRA, namesake], contacts, bms_settings=PUSHING)
    given = {
        "match_overrides": {PETRA.username: 72, namesake.username: 73},
        "bms_match_overrides": {PETRA.username: "new"},
    }
    plan = planned(read, bms(named(5, "Petra Person", namesake.mail, OWN)), **given)
    found = by_name(plan.operations)
    assert (found["petra"].bms.push, found["pp"].bms.contact_id, plan.conflicts) == ("pushed", 5, ())


def test_a_bms_contact_that_two_who_are_new_could_have_made_is_a_conflict():
    namesake = replace(person("pp", given_name="Petra", surname="Person"), mail=OWN, proxy_addresses=(f"SMTP:{OWN}",))
    contacts = [PETRAS, with_addresses(ready(73, "petra", first="Petra", last="Person"))]
    read = snapshot([PETRA, namesake], contacts, bms_settings=PUSHING)
    given = {
        "match_overrides": {PETRA.username: 72, namesake.username: 73},
        "bms_match_overrides": {PETRA.username: "new", namesake.username: "new"},
    }
    plan = planned(read, bms(named(5, "Petra Person", OWN)), **given)
    assert [each.bms.push for each in by_name(plan.operations).values()] == ["conflict", "conflict"]


def test_ignore_excludes_a_user_from_bms_and_reads_nothing_for_it():
    found, plan = overridden("ignore", *TWINS)
    assert (found.itglue.action, found.bms.push, codes(found)) == ("unchanged", "off", ["left_out_of_bms"])
    assert plan.account is None


def test_under_native_an_ignored_user_is_not_written_either():
    found, dummy = overridden(
        "ignore", contacts=(), users=(replace(PETRA, business_phones=("415-555-0100",)),), bms_settings=NATIVE
    )
    assert (found.bms.push, found.writes) == ("not_ready", True)
    titled = replace(PETRA, job_title="Boss")
    found, dummy = overridden("ignore", users=(titled,), bms_settings=NATIVE)
    assert (found.itglue.action, found.bms.push, found.writes) == ("unchanged", "off", False)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param({PETRA.username: 99}, "BMS contact 99, which the BMS account does not have", id="not-there"),
        pytest.param({PETRA.username: 5, PETRA.id: 6}, "twice, with different answers", id="two-answers"),
        pytest.param({PETRA.username: 5, ANN.username: 5}, "BMS contact 5 with two users", id="one-for-two"),
    ],
)
def test_a_bad_override_is_an_error_before_any_write(answers, words):
    read = snapshot([PETRA, ANN], [PETRAS, ready(73)], bms_settings=PUSHING)
    with pytest.raises(InputError, match=words):
        planned(read, bms(*TWINS), bms_match_overrides=answers)


LEA = person("lea", given_name="Lea", surname="Left", account_enabled=False)


@pytest.mark.parametrize(
    ("others", "deleted"), [pytest.param([LEA], (), id="excluded"), pytest.param([], (LEA,), id="deleted")]
)
def test_an_override_by_a_username_that_was_handed_on_is_an_error(others, deleted):
    """The answer was given for Lea, whose username is Petra's by now."""
    read = snapshot([PETRA, *others], [PETRAS], bms_settings=PUSHING)
    leas = named(5, "Lea Left", "lea.left@client.example")
    with pytest.raises(InputError, match="BMS contact 5, .* was handed on") as caught:
        planned(read, bms(leas), deleted=deleted, bms_match_overrides={PETRA.username: 5})
    assert PETRA.id in str(caught.value)
    plan = planned(read, bms(leas), deleted=deleted, bms_match_overrides={PETRA.id: 5})
    assert by_name(plan.operations)["petra"].bms.contact_id == 5
    more = replace(
        read,
        users=(*read.users, person("ben.baker"), person("room", account_enabled=False, given_name=None, surname=None)),
    )
    for other in ("Front Desk", "Ben Baker", "Reception"):
        there = bms(named(5, other, OTHER))
        plan = planned(more, there, deleted=deleted, bms_match_overrides={PETRA.username: 5})
        assert by_name(plan.operations)["petra"].bms.contact_id == 5


@pytest.mark.parametrize(
    ("key", "name", "needs"),
    [
        pytest.param(PETRA.username, "Front Desk", {Need.DELETED_USERS}, id="other-names"),
        pytest.param(PETRA.username, "P. Person", set(), id="open-names"),
        pytest.param(PETRA.id, "Front Desk", set(), id="by-the-id"),
    ],
)
def test_deleted_users_are_read_where_a_username_may_have_been_handed_on(key, name, needs):
    read = snapshot([PETRA], [PETRAS], bms_settings=PUSHING)
    there = named(5, name, "lea.left@client.example")
    assert planning_with(read, there, bms_match_overrides={key: 5}).needs == needs


def test_an_override_of_an_unknown_user_is_a_warning():
    plan = planned(snapshot([PETRA], [PETRAS]), bms_match_overrides={"eve@x.io": 5})
    values = {"option": "bms_match_overrides", "user": "eve@x.io"}
    assert plan.warnings == (Reason(ReasonCode.OVERRIDE_FOR_UNKNOWN_USER, values),)


@pytest.mark.parametrize(
    ("bms_settings", "answers"),
    [pytest.param(PUSHING, (5, 6, "new", "ignore"), id="direct"), pytest.param(NATIVE, (5, 6, "ignore"), id="native")],
)
def test_each_answer_of_a_conflict_resolves_it(bms_settings, answers):
    present = [named(5, "Petra Person", OWN), named(6, "Petra Person", INFO)]
    dummy, plan = pushes([PETRA], [PETRAS], bms(*present), bms_settings)
    (conflict,) = plan.conflicts
    assert conflict.answers[PETRA.username] == answers
    for answer in answers:
        assert overridden(answer, *present, bms_settings=bms_settings)[1].conflicts == (), answer


def test_under_native_who_is_given_a_bms_contact_leaves_the_namesake_in_conflict():
    """IT Glue would pair the namesake with that BMS contact."""
    namesake = person("pp", given_name="Petra", surname="Person")
    contacts = (PETRAS, ready(73, "pp", first="Petra", last="Person"))
    for shown in (named(5, "Petra Person", OWN), named(5, "Petra Person")):
        found, plan = overridden(5, shown, users=(PETRA, namesake), contacts=contacts, bms_settings=NATIVE)
        assert (found.bms.push, found.bms.contact_id) == ("already_in_bms", 5)
        other = by_name(plan.operations)["pp"]
        assert (other.bms.push, other.writes, codes(other)) == ("conflict", False, ["bms_name_of_another"])
        assert [(each.in_bms, each.answers[other.user]) for each in plan.conflicts] == [(True, (5, "ignore"))]


def test_under_native_nobody_is_new_beside_a_bms_contact_of_the_same_names():
    """IT Glue would pair the two, be the BMS contact inactive, and whatever the answer is."""
    inactive = replace(named(5, "Petra Person"), active=False)
    found, dummy = overridden("new", inactive, bms_settings=NATIVE)
    assert (found.bms.push, found.writes, codes(found)) == ("conflict", False, ["bms_name_of_another"])


def test_under_native_who_is_new_beside_a_bms_contact_of_other_names_is_created():
    """IT Glue pairs by names, so it does not pair the two."""
    dummy, plan = pushes([PETRA], [PETRAS], bms(named(5, "Front Desk", OWN)), NATIVE)
    assert [each.answers for each in plan.conflicts] == [{PETRA.username: (5, "new", "ignore")}]
    found, plan = overridden("new", named(5, "Front Desk", OWN), bms_settings=NATIVE)
    assert (found.bms.push, codes(found), plan.conflicts) == ("pending", ["awaiting_link"], ())


# ------------------------------------------------------------------ namesakes


@pytest.mark.parametrize(("answer", "expected"), [(None, ["bms_namesake"]), (NEW, [])])
def test_who_is_created_beside_an_unknown_namesake_is_reported(answer, expected):
    """Petra may be in BMS under an address that is Ben's in the tenant."""
    ben, there = person("ben.roe"), named(5, "Petra Person", "ben.roe@client.example")
    read = snapshot([PETRA, ben], [PETRAS], bms_settings=PUSHING)
    plan = planned(read, bms(there), bms_match_overrides={PETRA.username: answer} if answer else {})
    found = by_name(plan.operations)["petra"]
    assert (found.bms.push, codes(found)) == ("pushed", expected)


def test_namesakes_of_two_addresses_are_two_persons():
    """The name alone would give Bob's BMS contact to Ann."""
    users = [person("ann.lee"), person("bob.ray", given_name="Ann", surname="Lee")]
    contacts = [ready(72, "ann.lee"), ready(73, "bob.ray", first="Ann", last="Lee")]
    found, plan = pushes(users, contacts, bms(in_bms(5, "bob.ray@client.example", first="Ann", last="Lee")))
    assert {name: each.bms.push for name, each in found.items()} == {"ann.lee": "pushed", "bob.ray": "already_in_bms"}
    assert codes(found["ann.lee"]) == []
    assert plan.conflicts == ()


def test_the_bms_contact_of_a_linked_contact_is_not_given_to_another():
    contacts = [ready(), linked(73, "bob.ray", 5, first="Bob", last="Ray")]
    found, plan = pushes([ANN], contacts, bms(in_bms(5, "ann.lee@client.example")))
    assert values_of(found["ann.lee"], ReasonCode.BMS_CONTACT_LINKED) == {"bms_contact_ids": [5], "contact_id": 73}
    assert [(each.contact_ids, each.bms_contact_ids) for each in plan.conflicts] == [((73,), (5,))]


def test_that_a_bms_contact_is_linked_says_more_than_its_names():
    contacts = [ready(), linked(73, "bob.ray", 5, first="Bob", last="Ray")]
    found, plan = pushes([ANN], contacts, bms(in_bms(5, "ann.lee@client.example", first="Bob", last="Ray")))
    assert codes(found["ann.lee"]) == ["bms_contact_linked"]
    assert [each.code for each in plan.conflicts] == ["bms_contact_linked"]


def test_a_bms_contact_that_two_claim_leaves_the_others_to_their_users():
    people = [ANN, person("bob.ray"), person("cid.cole", given_name="Cid", surname="Cole")]
    contacts = [
        with_addresses(ready(72, "ann.lee"), OFFICE_),
        with_addresses(ready(73, "bob.ray"), OFFICE_),
        ready(74, "cid.cole", first="Cid", last="Cole"),
    ]
    present = [in_bms(5, OFFICE_), in_bms(6, "cid.cole@client.example", first="Cid", last="Cole")]
    found, dummy = pushes(people, contacts, bms(*present))
    assert {name: (each.bms.push, each.bms.contact_id) for name, each in found.items()} == {
        "ann.lee": ("conflict", None),
        "bob.ray": ("conflict", None),
        "cid.cole": ("already_in_bms", 6),
    }


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
        pytest.param(SAVED, NOON + 23 * 3600, "unchanged", id="hours-ago"),
        pytest.param(SAVED, NOON + SAVED_AGAIN_AFTER, "unchanged", id="within-the-day"),
        pytest.param(SAVED, NOON - 60, "unchanged", id="by-a-clock-that-is-ahead"),
        pytest.param("2026-11-01T12:00:00", NOON + SAVED_AGAIN_AFTER + 1, "update", id="without-a-zone"),
        pytest.param("2026-11-01T14:00:00+02:00", NOON + SAVED_AGAIN_AFTER, "unchanged", id="in-the-east"),
        pytest.param("2026-11-01T10:00:00-02:00", NOON + SAVED_AGAIN_AFTER, "unchanged", id="in-the-west"),
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
        pytest.param([person("ann.lee", job_title="Clerk")], [ready()], [], id="unique-and-updated"),
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
            [ANN, person("bob.ray")],
            [ready(), ready(73, "bob.ray"), contact(74, "x@y.io", first="ann", last="LEE")],
            ["ann.lee"],
            id="beside-a-unique-one",
        ),
        pytest.param(
            [person("ann.lee", surname=None)], [ready(last=None), contact(73, first="Ann")], ["ann.lee"], id="one-name"
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
    assert [(each.rule, each.users, each.contact_ids) for each in plan.conflicts] == [
        ("bms_name", ("al@client.example", "ann.lee@client.example"), ())
    ]


def test_two_namesakes_who_are_in_bms_are_no_conflict_under_native():
    users = [ANN, person("al", given_name="Ann", surname="Lee"), person("bob.ray")]
    contacts = [ready(), ready(73, "al", first="Ann", last="Lee"), ready(74, "bob.ray")]
    there = [in_bms(5, ANN.mail, first="Ann", last="Lee"), in_bms(6, "al@client.example", first="Ann", last="Lee")]
    found, plan = pushes(users, contacts, bms(*there), NATIVE)
    assert {name: (each.bms.push, each.bms.contact_id) for name, each in found.items()} == {
        "al": ("already_in_bms", 6),
        "ann.lee": ("already_in_bms", 5),
        "bob.ray": ("pending", None),
    }
    assert plan.conflicts == ()


def test_two_new_people_of_one_single_name_are_a_conflict_under_native_alone():
    people = [replace(each, surname=None) for each in TWO_NEW_NAMESAKES]
    found, plan = pushes(people, [], bms(), NATIVE, **PRIMARY)
    assert {(each.itglue.action, each.bms.push) for each in found.values()} == {("unchanged", "conflict")}
    assert [each.users for each in plan.conflicts] == [("al@client.example", "ann.lee@client.example")]
    found, plan = pushes(people, [], bms(), **PRIMARY)
    assert {each.bms.push for each in found.values()} == {"pushed"}
    assert [reason.code for reason in plan.warnings] == [ReasonCode.NAME_NOT_UNIQUE] * 2


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
def test_a_linked_contact_names_its_bms_contact(adapters, expected):
    found = one(ANN, linked(adapters=adapters), None)
    assert (found.itglue.action, found.bms.contact_id) == ("linked", expected)


@pytest.mark.parametrize("missing", ["email_type", "phone_type"])
def test_nothing_is_created_with_a_type_that_was_not_read(missing):
    with pytest.raises(ValueError, match="have not been read"):
        bms(**{missing: None}).types  # noqa: B018

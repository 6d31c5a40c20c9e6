# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching a user to a contact of the organization (feature, section 3)."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.grouping import by_key, connected, found_under
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching import entangled, match
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Email
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from tests.unit.engine.builders import contact, person, user


def matched(users, contacts, left_out=(), **more):
    """Matches by the name of the user, and conflicts as (rule, users, contacts)."""
    kept = {each.id for each in users} - {f"id-{each}" for each in left_out}
    found = match(users, kept, contacts, **more)
    names = {each.username: each.id.removeprefix("id-") for each in users}
    return (
        {key.removeprefix("id-"): value for key, value in found.matches.items()},
        [(each.rule, sorted(names[user] for user in each.users), list(each.contact_ids)) for each in found.conflicts],
    )


ALIASES = ("SMTP:ann@client.example", "smtp:a.lee@client.example", "SIP:sip@client.example")


@pytest.mark.parametrize(
    ("someone", "something", "expected"),
    [
        pytest.param(user(proxy_addresses=ALIASES), contact(1, "a.lee@client.example"), "alias", id="alias"),
        pytest.param(user(proxy_addresses=ALIASES), contact(1, "ANN@Client.Example "), "alias", id="any-case-trimmed"),
        pytest.param(
            user(proxy_addresses=ALIASES), contact(1, "x@y.io", "a.lee@client.example"), "alias", id="any-e-mail"
        ),
        pytest.param(user(proxy_addresses=ALIASES), contact(1, "sip@client.example"), None, id="sip-is-no-address"),
        pytest.param(user(proxy_addresses=()), contact(1, "ann@client.example"), "alias", id="mail"),
        pytest.param(
            user(proxy_addresses=("smtp:b@x.io",), mail="m@x.io"), contact(1, "m@x.io"), "alias", id="mail-no-proxy"
        ),
        pytest.param(
            user(username="ann@client.onmicrosoft.com"),
            contact(1, "Ann@client.onmicrosoft.com"),
            "username",
            id="username",
        ),
        pytest.param(
            user(username="ann", mail=None, proxy_addresses=()), contact(1, "ann"), "username", id="odd-username"
        ),
        pytest.param(person(), contact(1, "x@y.io", first="ANN", last=" lee"), "name", id="name"),
        pytest.param(person(), contact(1, first="Ann", last="Lee"), "name", id="name-of-a-contact-without-e-mail"),
        pytest.param(person(surname=None), contact(1, first="Ann", last=None), None, id="no-last-name"),
        pytest.param(person(), contact(1, first="Ann", last=""), None, id="no-last-name-there"),
        pytest.param(person(), contact(1, first="Anne", last="Lee"), None, id="no-fuzzy-match"),
        pytest.param(
            person(given_name="Zoe\u0308", surname="ＷＥＩẞ"), contact(1, first="Zoë", last="Weiss"), "name", id="nfkc"
        ),
        pytest.param(
            person(given_name="Anna  Maria"), contact(1, first="Anna\u00a0Maria", last="Lee"), "name", id="white-space"
        ),
        pytest.param(person(given_name="İpek"), contact(1, first="Ipek", last="Lee"), None, id="turkish-i"),
        pytest.param(
            user(mail="straße@x.io", proxy_addresses=()),
            contact(1, "STRASSE@x.io"),
            "alias",
            id="sharp-s-in-an-address",
        ),
        pytest.param(
            user(mail="ПОЧТА@пример.рф", proxy_addresses=()),
            contact(1, "почта@ПРИМЕР.рф"),
            "alias",
            id="cyrillic-address",
        ),
    ],
)
def test_one_user_and_one_contact(someone, something, expected):
    assert matched([someone], [something]) == ({"ann": (1, expected)} if expected else {}, [])


def test_alias_comes_before_username():
    ann = user("ann", username="shared@client.example")
    bob = user("bob", proxy_addresses=("smtp:shared@client.example",), mail=None)
    assert matched([ann, bob], [contact(1, "shared@client.example")]) == ({"bob": (1, "alias")}, [])


def test_username_comes_before_name():
    ann = user("ann", username="shared@client.example")
    namesake = person("bob", given_name="Ann", surname="Lee")
    something = contact(1, "shared@client.example", first="Ann", last="Lee")
    assert matched([ann, namesake], [something]) == ({"ann": (1, "username")}, [])


def test_a_pass_is_finished_for_all_users_before_the_next_starts():
    """Whoever comes first in the list does not take the contact that a later one has by a better rule."""
    by_name, by_alias = person("x", given_name="Ann"), person("ann")
    contacts = [contact(1, "ann@client.example", first="Ann", last="Lee")]
    assert matched([by_name, by_alias], contacts) == ({"ann": (1, "alias")}, [])


def test_what_is_claimed_is_out_of_the_later_passes():
    users = [person("ann", username="bob@client.example"), person("cid", given_name="Ann")]
    contacts = [
        contact(1, "ann@client.example", first="Ann", last="Lee"),
        contact(2, "bob@client.example", first="Ann", last="Lee"),
    ]
    assert matched(users, contacts) == ({"ann": (1, "alias"), "cid": (2, "name")}, [])


# ------------------------------------------------------------------- conflicts

AB = ("smtp:a@x.io", "smtp:b@x.io")


@pytest.mark.parametrize(
    ("users", "contacts", "rule", "members"),
    [
        pytest.param(
            [user("ann", proxy_addresses=AB)],
            [contact(1, "a@x.io"), contact(2, "b@x.io")],
            "alias",
            (["ann"], [1, 2]),
            id="one-user-two-contacts",
        ),
        pytest.param(
            [user("ann", proxy_addresses=AB[:1]), user("bob", proxy_addresses=AB[:1])],
            [contact(1, "a@x.io")],
            "alias",
            (["ann", "bob"], [1]),
            id="two-users-one-contact",
        ),
        pytest.param(
            [user("ann", proxy_addresses=AB[:1]), user("bob", proxy_addresses=AB[1:])],
            [contact(1, "a@x.io", "b@x.io")],
            "alias",
            (["ann", "bob"], [1]),
            id="two-users-by-two-addresses-of-one-contact",
        ),
        pytest.param(
            [user("ann", proxy_addresses=AB), user("bob", proxy_addresses=(*AB[1:], "smtp:c@x.io"))],
            [contact(1, "a@x.io"), contact(2, "b@x.io"), contact(3, "c@x.io")],
            "alias",
            (["ann", "bob"], [1, 2, 3]),
            id="a-chain",
        ),
        pytest.param(
            [user("ann", username="shared@x.io"), user("bob", username="SHARED@x.io")],
            [contact(1, "shared@x.io")],
            "username",
            (["ann", "bob"], [1]),
            id="username",
        ),
        pytest.param(
            [person("ann"), person("bob", given_name="Ann")],
            [contact(1, first="Ann", last="Lee")],
            "name",
            (["ann", "bob"], [1]),
            id="two-namesakes-one-contact",
        ),
        pytest.param(
            [person("ann")],
            [contact(1, first="Ann", last="Lee"), contact(2, first="ann", last="lee")],
            "name",
            (["ann"], [1, 2]),
            id="one-user-two-namesakes",
        ),
    ],
)
def test_a_connected_group_is_one_conflict(users, contacts, rule, members):
    assert matched(users, contacts) == ({}, [(rule, *members)])


def test_two_contacts_of_one_address_are_both_hit():
    assert matched([user()], [contact(1, "ann@client.example"), contact(2, "ann@client.example")]) == (
        {},
        [("alias", ["ann"], [1, 2])],
    )


def test_separate_groups_are_separate_conflicts():
    users = [user("ann", proxy_addresses=AB), user("bob", proxy_addresses=("smtp:c@x.io", "smtp:d@x.io"))]
    contacts = [contact(ident, f"{letter}@x.io") for ident, letter in enumerate("abcd", 1)]
    dummy, conflicts = matched(users, contacts)
    assert conflicts == [("alias", ["ann"], [1, 2]), ("alias", ["bob"], [3, 4])]


def test_no_member_of_a_conflict_goes_on_to_a_later_pass():
    """Ann would have had contact 3 by username, and Bob contact 1 by name."""
    ann = user("ann", username="three@x.io", proxy_addresses=AB, mail=None)
    bob = person("bob", given_name="Ann")
    contacts = [contact(1, "a@x.io", first="Ann", last="Lee"), contact(2, "b@x.io"), contact(3, "three@x.io")]
    assert matched([ann, bob], contacts) == ({}, [("alias", ["ann"], [1, 2])])


# -------------------------------------------------------------- left-out users


def test_the_contact_of_a_left_out_user_is_not_taken_by_a_namesake():
    users = [person("ann"), person("bob", given_name="Ann")]
    contacts = [contact(1, "bob@client.example", first="Ann", last="Lee")]
    assert matched(users, contacts, left_out=["bob"]) == ({"bob": (1, "alias")}, [])


def test_a_left_out_user_matches_by_name_where_no_kept_user_has_it():
    assert matched([person("ann")], [contact(1, first="Ann", last="Lee")], left_out=["ann"]) == (
        {"ann": (1, "name")},
        [],
    )


def test_a_left_out_user_is_out_of_the_names_where_a_kept_user_has_it():
    users = [person("ann"), person("bob", given_name="ANN")]
    assert matched(users, [contact(1, first="Ann", last="Lee")], left_out=["bob"]) == ({"ann": (1, "name")}, [])


def test_even_a_kept_user_with_another_contact_keeps_the_name_from_a_left_out_one():
    users = [person("ann"), person("bob", given_name="Ann")]
    contacts = [contact(1, "ann@client.example"), contact(2, first="Ann", last="Lee")]
    assert matched(users, contacts, left_out=["bob"]) == ({"ann": (1, "alias")}, [])


def test_a_conflict_among_left_out_users_is_not_reported_but_holds_its_contacts():
    users = [user("ann", proxy_addresses=AB), person("bob")]
    contacts = [contact(1, "a@x.io", first="Bob", last="Lee"), contact(2, "b@x.io")]
    assert matched(users, contacts, left_out=["ann"]) == ({}, [])


def test_a_conflict_with_a_kept_user_names_the_left_out_ones():
    users = [user("ann", proxy_addresses=AB[:1]), user("bob", proxy_addresses=AB[:1])]
    found = match(users, {"id-ann"}, [contact(1, "a@x.io")])
    (conflict,) = found.conflicts
    assert (conflict.rule, conflict.users) == ("alias", ("ann@client.example", "bob@client.example"))
    assert conflict.contact_ids == (1,)
    assert conflict.suggestion == {"ann@client.example": 1, "bob@client.example": "ignore"}


# ------------------------------------------------------------------- overrides


@pytest.mark.parametrize("key", ["ann@client.example", " ANN@CLIENT.EXAMPLE ", "id-ann", "ID-ANN"])
def test_an_override_names_a_user_by_username_or_id(key):
    assert matched([user()], [contact(1)], overrides={key: 1}) == ({"ann": (1, "override")}, [])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        pytest.param({"id-ann": 9}, ["ann@client.example", "contact 9", "not a contact of"], id="dead-or-elsewhere"),
        pytest.param({"id-ann": 1, "id-bob": 1}, ["contact 1", "two users", "ann@", "bob@"], id="one-id-for-two-users"),
        pytest.param(
            {"id-ann": 1, "ann@client.example": 2}, ["ann@client.example", "twice"], id="two-targets-for-one-user"
        ),
        pytest.param({"id-ann": 1, "ann@client.example": "new"}, ["twice"], id="id-and-new-for-one-user"),
    ],
)
def test_a_bad_override_is_an_error(overrides, words):
    with pytest.raises(InputError) as caught:
        matched([user("ann"), user("bob")], [contact(1), contact(2)], overrides=overrides)
    assert [word for word in words if word not in str(caught.value)] == []


def test_an_override_said_twice_is_one():
    overrides = {"id-ann": 1, "ann@client.example": 1}
    assert matched([user()], [contact(1)], overrides=overrides) == ({"ann": (1, "override")}, [])


def test_an_override_of_an_unknown_user_is_a_warning():
    found = match([user()], {"id-ann"}, [], {"eve@client.example": "new"})
    values = {"option": "match_overrides", "user": "eve@client.example"}
    assert found.warnings == [Reason(ReasonCode.OVERRIDE_FOR_UNKNOWN_USER, values)]


def test_an_override_wins_over_all_rules():
    users = [user("ann"), user("bob")]
    contacts = [contact(1, "ann@client.example"), contact(2, "bob@client.example")]
    assert matched(users, contacts, overrides={"id-ann": 2, "id-bob": 1}) == (
        {"ann": (2, "override"), "bob": (1, "override")},
        [],
    )


def test_an_ignored_user_takes_no_part():
    users = [user("ann", proxy_addresses=AB[:1]), user("bob", proxy_addresses=AB[:1])]
    found = match(users, {"id-ann", "id-bob"}, [contact(1, "a@x.io")], {"id-bob": "ignore"})
    assert (found.matches, found.conflicts, found.ignored) == ({"id-ann": (1, "alias")}, [], {"id-bob"})


def holder(ident, primary, *others):
    return contact(ident, primary, *others)


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        pytest.param([], None, id="no-contact-holds-the-address"),
        pytest.param([holder(1, "ANN@client.example")], 1, id="one-does-that-is-the-contact"),
        pytest.param([holder(1, "x@y.io", "ann@client.example")], None, id="not-as-its-primary"),
        pytest.param([contact(1, first="Ann", last="Lee")], None, id="a-namesake-is-not-asked"),
    ],
)
def test_new(contacts, expected):
    found = match([person("ann")], {"id-ann"}, contacts, {"id-ann": "new"})
    assert found.settled_new == {"id-ann": expected}
    assert found.matches == ({"id-ann": (expected, "override")} if expected else {})


def test_new_goes_by_the_primary_address_of_the_settings():
    ann = user("ann", username="u@x.io")
    contacts = [holder(1, "u@x.io"), holder(2, "ann@client.example")]
    for primary_email, expected in (("mail", 2), ("username", 1)):
        found = match([ann], {"id-ann"}, contacts, {"id-ann": "new"}, primary_email)
        assert found.matches == {"id-ann": (expected, "override")}


def test_new_with_several_holders_is_a_conflict():
    found = matched(
        [user()], [holder(1, "ann@client.example"), holder(2, "ann@client.example")], overrides={"id-ann": "new"}
    )
    assert found == ({}, [("override", ["ann"], [1, 2])])


def test_new_for_a_left_out_user_is_no_conflict_to_report():
    contacts = [holder(1, "ann@client.example"), holder(2, "ann@client.example")]
    assert matched([user()], contacts, left_out=["ann"], overrides={"id-ann": "new"}) == ({}, [])


@pytest.mark.parametrize("held", [0, 1, 2])
def test_new_for_two_users_of_one_address_is_a_conflict(held):
    """Each run would make another contact otherwise."""
    users = [user("ann", mail="both@x.io"), user("bob", mail="both@x.io")]
    contacts = [holder(ident, "both@x.io") for ident in range(1, held + 1)]
    found = matched(users, contacts, overrides={"id-ann": "new", "id-bob": "new"})
    assert found == ({}, [("override", ["ann", "bob"], [each.id for each in contacts])])


def test_new_does_not_take_a_contact_that_another_override_names():
    users = [user("ann"), user("bob")]
    found = matched(users, [holder(1, "ann@client.example")], overrides={"id-ann": "new", "id-bob": 1})
    assert found == ({"bob": (1, "override")}, [])


# ------------------------------------------- the overrides that a conflict offers

SETTLED = {
    "namesakes-first": (
        [person("ann", proxy_addresses=AB[:1]), person("bob", proxy_addresses=AB[:1])],
        [contact(1, "a@x.io", first="Bob", last="Lee")],
        {"ann@client.example": "new", "bob@client.example": 1},
    ),
    "in-order": (
        [user("bob", proxy_addresses=AB), user("ann", proxy_addresses=AB)],
        [contact(2, "a@x.io"), contact(1, "b@x.io")],
        {"ann@client.example": 1, "bob@client.example": 2},
    ),
    "who-is-left-gets-a-new-one": (
        [user("ann", proxy_addresses=AB[:1]), user("bob", proxy_addresses=AB[:1])],
        [contact(1, "a@x.io")],
        {"ann@client.example": 1, "bob@client.example": "new"},
    ),
    "new-for-one-of-two-with-one-primary-address": (
        [user(name, mail="both@x.io", proxy_addresses=()) for name in ("ann", "bob", "cid")],
        [contact(1, "x@y.io", "both@x.io")],
        {"ann@client.example": 1, "bob@client.example": "new", "cid@client.example": "ignore"},
    ),
    "a-contact-may-be-left": (
        [user("ann", proxy_addresses=AB)],
        [contact(1, "a@x.io"), contact(2, "b@x.io")],
        {"ann@client.example": 1},
    ),
}


@pytest.mark.parametrize(("users", "contacts", "overrides"), SETTLED.values(), ids=SETTLED)
def test_what_a_conflict_offers_settles_it(users, contacts, overrides):
    kept = {each.id for each in users}
    (conflict,) = match(users, kept, contacts).conflicts
    assert conflict.suggestion == overrides
    settled = match(users, kept, contacts, conflict.suggestion)
    assert settled.conflicts == []
    pairs = {user_id: pair[0] for user_id, pair in settled.matches.items()}
    assert pairs == {each.id: target for each in users if isinstance(target := overrides[each.username], int)}


def test_what_a_conflict_about_new_offers_settles_it():
    users = [user("ann", mail="both@x.io"), user("bob", mail="both@x.io")]
    contacts = [contact(1, emails=(Email("both@x.io", primary=True),))]
    asked = {"id-ann": "new", "id-bob": "new"}
    (conflict,) = match(users, {"id-ann", "id-bob"}, contacts, asked).conflicts
    settled = match(users, {"id-ann", "id-bob"}, contacts, conflict.suggestion)
    assert (settled.conflicts, settled.matches) == ([], {"id-ann": (1, "override")})


# ---------------------------------------------------------------------- groups


def test_a_blank_key_is_none_and_an_id_of_0_is_one():
    assert by_key(["a", "b"], [[0, "", None], [0, 1]]) == {0: ("a", "b"), 1: ("b",)}


def test_a_row_that_has_a_key_twice_is_there_once():
    assert by_key(["a", "b"], [["x", "x"], ["y"]]) == {"x": ("a",), "y": ("b",)}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(("x", "z"), (1, 2), id="rows-in-the-order-of-the-keys"),
        pytest.param(("z", "y", "x"), (2, 1), id="a-row-under-several-keys-once"),
        pytest.param(("y", "none", ""), (2,), id="keys-that-nobody-has"),
        pytest.param((), (), id="no-key"),
    ],
)
def test_rows_are_found_under_any_key_once(keys, expected):
    assert found_under(keys, by_key([1, 2], [["x"], ["x", "y", "z"]]) | {"x": (1,), "z": (2,)}) == expected


def test_who_hits_alone_and_is_hit_alone_is_in_no_group():
    hits = {"alone": (0,), "both": (1, 2), "one": (3,), "other": (3,), "chained": (2,)}
    knotted = entangled(hits)
    assert set(knotted) == set(hits) - {"alone"}
    groups = [(sorted(users), sorted(found)) for users, found in connected(knotted)]
    assert groups == [(["both", "chained"], [1, 2]), (["one", "other"], [3])]


def test_a_group_may_be_about_an_id_of_0():
    assert [(sorted(users), sorted(found)) for users, found in connected({"a": (0,), "b": (0, 1)})] == [
        (["a", "b"], [0, 1])
    ]

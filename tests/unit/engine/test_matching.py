# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching a user to a contact of the organization: two kinds of evidence, an address and the names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import IGNORE, NEW
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching import match
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching_index import Circumstances
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Email
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.owned import Owned
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode
from tests.unit.engine.builders import contact, contact_named, user, user_named

EXCLUDED = {"account_enabled": False}
MAILBOX = EXCLUDED | {"sku_ids": ()}
DEPARTED_TYPE = 77


def matching(users, contacts, **circumstances):
    """Whoever is disabled is left out. Deleted users have been read, and there is none, unless the row names some."""
    selected = {each.id for each in users if each.account_enabled}
    return match(users, selected, contacts, Circumstances(**{"deleted": ()} | circumstances))


def matches(found):
    """By the name of the user the contact and the rule."""
    return {user_id.removeprefix("id-"): tuple(pair) for user_id, pair in found.matches.items()}


def conflicts(found):
    """Code, rule, users and contacts of each conflict."""
    return [
        (each.code.value, each.rule.value, [name.partition("@")[0] for name in each.users], list(each.contact_ids))
        for each in found.conflicts
    ]


def notes(found):
    """By the name of the user the codes, with the contact that each names."""
    return {
        user_id.removeprefix("id-"): [
            (reason.code.value, reason.values.get("contact_id") or reason.values.get("contact_ids"))
            for reason in reasons
        ]
        for user_id, reasons in found.reasons.items()
    }


def outcome(users, contacts, **circumstances):
    found = matching(users, contacts, **circumstances)
    return matches(found), conflicts(found)


# ------------------------------------------------------------------ one address

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
        pytest.param(user(mail="straße@x.io", proxy_addresses=()), contact(1, "STRASSE@x.io"), "alias", id="sharp-s"),
        pytest.param(
            user(mail="ПОЧТА@пример.рф", proxy_addresses=()), contact(1, "почта@ПРИМЕР.рф"), "alias", id="cyrillic"
        ),
        pytest.param(
            user(mail="ann@bücher.io", proxy_addresses=()), contact(1, "ann@xn--bcher-kva.io"), "alias", id="idn"
        ),
        pytest.param(
            user(mail="ann@a.ex\u200bample", proxy_addresses=()), contact(1, "ann@a.example"), "alias", id="invisible"
        ),
    ],
)
def test_by_address(someone, something, expected):
    assert outcome([someone], [something]) == ({"ann": (1, expected)} if expected else {}, [])


def test_a_contact_with_the_address_of_a_namesake_is_not_the_contact_of_ones_own_names():
    """Else the contact that is found by an address would give way to it, and a namesake's contact would be taken."""
    users = [user_named("Ann Able", "ann"), user_named("Ann Able", "ann2")]
    contacts = [
        contact_named(1, "Bob Baker", "ann"),
        contact_named(2, "Ann Able", "ann2"),
        contact_named(3, "Ann Able"),
    ]
    taken = {"overrides": {"ann2@client.example": 3}}
    assert outcome(users, contacts, **taken) == ({"ann2": (3, "override")}, [("names_differ", "alias", ["ann"], [1])])
    contacts[1] = contact_named(2, "Ann Able", "other")
    assert outcome(users, contacts, **taken) == ({"ann2": (3, "override"), "ann": (2, "name")}, [])


def test_an_alias_of_a_deleted_users_contact_is_remembered_as_kept_apart():
    """Once Microsoft has forgotten the deleted user, the contact is still not the user's."""
    able, contacts = user_named("Able", "able", "shared"), [contact_named(1, "Ann Able", "shared")]
    before = matching([able], contacts, deleted=(user_named("Ann Able", "old"),))
    assert (matches(before), before.rests_on_deleted) == ({}, {(1, "id-able")})
    after = matching([able], contacts, remembered=frozenset(before.rests_on_deleted))
    assert (matches(after), after.rests_on_deleted) == ({}, {(1, "id-able")})
    assert matches(matching([able], contacts)) == {"able": (1, "alias")}


@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_conflicts_are_in_the_order_of_their_users_whatever_pass_found_them(turned):
    users = [user_named("Ann", "a"), user_named("Able", "c")]
    found = outcome(users[::-1] if turned else users, [contact_named(1, "Ann", "c")])
    assert found == ({}, [("known_contact", "name", ["a"], [1]), ("names_differ", "alias", ["c"], [1])])


NAMES_THAT_DO_NOT_SPEAK_AGAINST = {
    "equal": ("Ann Able", "Ann Able"),
    "no-name": ("Ann Able", ""),
    "whole-name-in-the-first-field": ("Ann Able", ("Ann Able", "")),
    "title-as-last-name": ("Ann Able", "Ann Mr"),
    "title-with-dot-as-last-name": ("Ann Able", "Ann Dr."),
    "company-as-last-name": ("Ann Able", "Ann Acme"),
    "more-names": ("María García", ("María José", "García López")),
    "blank-for-hyphen": ("Jean-Luc Roe", ("Jean Luc", "Roe")),
    "stroke": ("Nils Strøm", "Nils Strom"),
    "transcribed": ("Eva Müller", "Eva Mueller"),
    "capitals": ("Ann Able", "ANN ABLE"),
    "swapped": ("Ann Able", "Able Ann"),
    "two-scripts": ("太郎 山田", "Taro Yamada"),
    "nickname": ("Michael Smith", "Mike Smith"),
    "married": ("Ann Able", "Ann Baker"),
    "typographic-apostrophe": ("Nell O'Neil", "Nell O\u2019Neil"),
    "non-breaking-hyphen": ("Anne-Marie Roe", "Anne\u2011Marie Roe"),
    "zero-width-space": ("Zoe Roe", "Zoe\u200b Roe"),
    "marks-of-direction": ("דנה כהן", "\u200fדנה\u200f \u200fכהן"),
}


@pytest.mark.parametrize(
    ("names", "other"), NAMES_THAT_DO_NOT_SPEAK_AGAINST.values(), ids=NAMES_THAT_DO_NOT_SPEAK_AGAINST
)
def test_poorly_kept_names_do_not_speak_against_an_address(names, other):
    first, last = other if isinstance(other, tuple) else (other.partition(" ")[0], other.partition(" ")[2])
    found = matching([user_named(names, "ann")], [contact(1, "ann@client.example", first=first, last=last)])
    assert (matches(found), found.conflicts, found.reasons) == ({"ann": (1, "alias")}, [], {})


# --------------------------------------------------------------------- passes


def test_alias_comes_before_username():
    ann = user("ann", username="shared@client.example")
    bob = user("bob", proxy_addresses=("smtp:shared@client.example",), mail=None)
    assert outcome([ann, bob], [contact(1, "shared@client.example")]) == ({"bob": (1, "alias")}, [])


def test_an_address_comes_before_the_names():
    users = [user_named("Ann Able", "ann"), user_named("Ann Able", "other")]
    assert outcome(users, [contact_named(1, "Ann Able", "other")])[0]["other"] == (1, "alias")


def test_a_pass_is_finished_for_all_users_before_the_next_starts():
    users = [user_named("Ann Able", "first"), user_named("Ann Able", "ann")]
    contacts = [contact_named(1, "Ann Able", "ann"), contact_named(2, "Ann Able", "elsewhere@home.example")]
    assert outcome(users, contacts) == ({"ann": (1, "alias"), "first": (2, "name")}, [])


@pytest.mark.parametrize("taken", [1, 2])
def test_a_contact_that_a_pass_has_claimed_is_out_of_the_later_ones(taken):
    """Ann's username is on two contacts without names, of which one is that of Bob, whom his mail has found."""
    users = [user_named("Ann Able", "ann", username="u"), user_named("Bob Lee", "bob")]
    contacts = [contact_named(3 - taken, "", "u"), contact_named(taken, "", "bob", "u")]
    contacts.sort(key=lambda each: each.id)
    assert outcome(users, contacts) == ({"bob": (taken, "alias"), "u": (3 - taken, "username")}, [])


@pytest.mark.parametrize(
    ("names", "other", "expected"),
    [
        pytest.param("Ann Able", "ANN  able", True, id="case-and-blanks"),
        pytest.param("Zoe\u0308 Weiß", "Zoë WEISS", True, id="nfkc"),
        pytest.param("Jean-Luc Roe", "JeanLuc Roe", True, id="hyphen"),
        pytest.param("Dr. Ann Able", "Dr. Ann Able", False, id="whole-names-in-other-fields"),
        pytest.param("Anne Able", "Ann Able", False, id="no-likeness"),
        pytest.param("Eva Müller", "Eva Mueller", False, id="diacritics-count"),
        pytest.param("İpek Roe", "Ipek Roe", False, id="turkish-i"),
        pytest.param("Ann ", "Ann ", False, id="no-last-name"),
    ],
)
def test_by_name_alone(names, other, expected):
    ann = user_named(names, "ann")
    found = matching([ann], [contact_named(1, other.replace("  ", " "))])
    assert matches(found).get("ann") == ((1, "name") if expected else None)


# ------------------------------------------------------- 1. users that are left out


@pytest.mark.parametrize(
    ("excluded", "names", "expected"),
    [
        pytest.param("Max Leaver", "Max Leaver", True, id="same"),
        pytest.param("Max Person", "Petra Person", True, id="a-word-in-common"),
        pytest.param("Max Leaver", "Petra Person", False, id="different"),
        pytest.param("", "Petra Person", False, id="nameless-mailbox"),
        pytest.param("Max Leaver", "", False, id="nameless-contact"),
        pytest.param("太郎 山田", "Taro Yamada", False, id="two-scripts-have-no-word-in-common"),
    ],
)
def test_the_hit_of_an_excluded_user_takes_names_that_speak_for_it(excluded, names, expected):
    users = [user_named(excluded, "sales", **EXCLUDED)]
    assert outcome(users, [contact_named(1, names, "sales")]) == ({"sales": (1, "alias")} if expected else {}, [])


def test_an_open_hit_of_an_excluded_user_gives_way_to_a_selected_user_of_the_contacts_names():
    users = [user_named("Max Person", "sales", **EXCLUDED), user_named("Petra Person", "petra")]
    assert outcome(users, [contact_named(1, "Petra Person", "sales")]) == ({"petra": (1, "name")}, [])


def test_a_shared_mailbox_does_not_claim_the_contact_of_its_owner():
    users = [user_named("Petra Person", "petra"), user_named("", "info", **MAILBOX)]
    found = matching(users, [contact_named(1, "Petra Person", "info")])
    assert (matches(found), found.conflicts, notes(found)) == ({"petra": (1, "name")}, [], {})


OFFICE = ["Ann Able", "Ben Baker", "Cid Cole", "Dot Dean"]


@pytest.mark.parametrize(
    "mailbox",
    [
        pytest.param(user_named("", "office", **MAILBOX), id="unlicensed"),
        pytest.param(user_named("", "office", account_enabled=False), id="licensed"),
        pytest.param(user_named("Lea Left", "lea", "office", **EXCLUDED), id="alias-of-a-departed-user"),
    ],
)
def test_an_office_under_one_address_is_matched_by_names(mailbox):
    users = [*(user_named(names, names.split()[0].lower()) for names in OFFICE), mailbox]
    contacts = [contact_named(number, names, "office") for number, names in enumerate(OFFICE, 1)]
    expected = {names.split()[0].lower(): (number, "name") for number, names in enumerate(OFFICE, 1)}
    assert outcome(users, contacts) == (expected, [])


def test_a_selected_mailbox_without_a_name_takes_no_contact_and_gets_none():
    """Its primary address is the primary e-mail of contacts that bear other people's names."""
    users = [*(user_named(names, names.split()[0].lower()) for names in OFFICE), user_named("", "office")]
    contacts = [contact_named(number, names, "office") for number, names in enumerate(OFFICE, 1)]
    expected = {names.split()[0].lower(): (number, "name") for number, names in enumerate(OFFICE, 1)}
    assert outcome(users, contacts) == (expected, [("known_contact", "primary_email", ["office"], [1, 2, 3, 4])])


def test_the_contact_of_an_excluded_user_is_not_taken_by_a_namesake():
    users = [user_named("Ann Able", "ann"), user_named("Ann Able", "old", **EXCLUDED)]
    found = matching(users, [contact_named(1, "Ann Able", "old")])
    assert matches(found) == {"old": (1, "alias")}
    assert conflicts(found) == [("possibly_returned", "name", ["ann"], [1])]


def test_an_excluded_user_matches_by_name_where_no_selected_user_has_it():
    assert outcome([user_named("Ann Able", "ann", **EXCLUDED)], [contact_named(1, "Ann Able")]) == (
        {"ann": (1, "name")},
        [],
    )


def test_an_excluded_user_is_out_of_the_names_where_a_selected_user_has_it():
    users = [user_named("Ann Able", "ann"), user_named("ANN Able", "old", **EXCLUDED)]
    assert outcome(users, [contact_named(1, "Ann Able")]) == ({"ann": (1, "name")}, [])


def test_even_a_selected_user_with_another_contact_keeps_the_name_from_an_excluded_one():
    users = [user_named("Ann Able", "ann"), user_named("Ann Able", "old", **EXCLUDED)]
    contacts = [contact_named(1, "Ann Able", "ann"), contact_named(2, "Ann Able")]
    assert outcome(users, contacts) == ({"ann": (1, "alias")}, [])


def test_a_conflict_among_excluded_users_is_not_reported_but_holds_its_contacts():
    users = [user_named("Ann Able", "a", "b", **EXCLUDED), user_named("Bob Lee", "bob")]
    contacts = [contact_named(1, "Ann Able", "a"), contact_named(2, "Ann Able", "b"), contact_named(3, "Bob Lee")]
    found = matching(users, contacts)
    assert (matches(found), found.conflicts) == ({"bob": (3, "name")}, [])
    assert found.conflicted["id-a"].contact_ids == (1, 2)


# ----------------------------------------------------- 2. somebody else's contact

JOHN = contact_named(1, "John Smith", "j.smith")
JANE = user_named("Jane Smith", "j.smith")
FORMER = {
    "departed-type": ([], {"departed_type": DEPARTED_TYPE}),
    "deleted": ([], {"deleted": (user_named("John Smith", "john"),)}),
    "excluded": ([user_named("John Smith", "john", **EXCLUDED)], {}),
    "remembered": ([], {"remembered": frozenset({(1, "id-j.smith")})}),
}


@pytest.mark.parametrize(("others", "circumstances"), FORMER.values(), ids=FORMER)
def test_a_primary_address_that_was_handed_on_is_a_conflict_with_both_answers(others, circumstances):
    john = replace(JOHN, contact_type_id=DEPARTED_TYPE)
    found = matching([JANE, *others], [john], **circumstances)
    assert "j.smith" not in matches(found)
    (conflict,) = found.conflicts
    assert (conflict.code, conflict.rule) == (ReasonCode.POSSIBLY_RETURNED, "primary_email")
    assert conflict.answers == {"j.smith@client.example": (1, NEW, IGNORE)}
    assert conflict.suggestion == {}


def test_a_former_holder_is_remembered_whose_contact_an_override_has_given_away():
    users = [user_named("Sue Stays", "sue"), user_named("Mia Roe", "mia")]
    contacts, overrides = [contact_named(1, "Lea Left", "mia", "sue")], {"id-mia": 1}
    before = matching(users, contacts, overrides=overrides, deleted=(user_named("Lea Left", "lea"),))
    after = matching(users, contacts, overrides=overrides, remembered=frozenset(before.rests_on_deleted))
    expected = [("possibly_returned", "primary_email", ["sue"], [1])]
    assert (conflicts(before), conflicts(after)) == (expected, expected)


@pytest.mark.parametrize("deleted", [(), (user_named("John Smith", "john"),)])
def test_without_a_former_holder_a_shared_family_name_does_not_speak_against_an_address(deleted):
    found = matching([JANE], [JOHN], deleted=deleted)
    assert matches(found) == ({} if deleted else {"j.smith": (1, "alias")})
    assert found.rests_on_deleted == ({(1, "id-j.smith")} if deleted else set())


def test_an_alias_that_was_handed_on_brings_its_new_holder_a_contact_of_its_own():
    sue, lea = user_named("Sue Stays", "sue", "lea"), user_named("Lea Left", "lea")
    found = matching([sue], [contact_named(1, "Lea Left", "lea")], deleted=(lea,))
    assert (matches(found), found.conflicts) == ({}, [])
    assert notes(found) == {"sue": [("hit_withheld", 1), ("alias_held", [1])]}
    assert found.held_aliases == {"id-sue": {"lea@client.example"}}


@pytest.mark.parametrize(("held", "rule"), [("sue", "alias"), ("s.stays", "username")])
def test_a_handed_on_alias_is_quiet_once_its_new_holder_has_a_contact(held, rule):
    sue, lea = user_named("Sue Stays", "sue", "lea", username="s.stays"), user_named("Lea Left", "lea")
    contacts = [contact_named(1, "Lea Left", "lea"), contact_named(2, "Sue Stays", held)]
    found = matching([sue], contacts, deleted=(lea,))
    assert (matches(found), notes(found)) == ({"s.stays": (2, rule)}, {"s.stays": [("alias_held", [1])]})


def test_another_selected_user_of_the_contacts_names_keeps_it():
    users = [user_named("Jane Smith", "j.smith"), user_named("John Smith", "john")]
    found = matching(users, [JOHN])
    assert matches(found) == {"john": (1, "name")}
    assert conflicts(found) == [("known_contact", "primary_email", ["j.smith"], [1])]


def test_the_contact_of_a_disabled_user_is_never_proposed_to_a_colleague():
    users = [user_named("Lea Left", "lea", **EXCLUDED), user_named("Sue Stays", "lea2", username="sue")]
    users[1] = replace(users[1], mail="lea@client.example")
    found = matching(users, [contact_named(1, "Lea Left", "lea")])
    assert matches(found) == {"lea": (1, "alias")}
    (conflict,) = found.conflicts
    assert (conflict.users, conflict.suggestion) == (("sue@client.example",), {})


@pytest.mark.parametrize(
    ("one_name", "last_name"),
    [("Ben", "Baker"), ("Ben -", "Baker"), ("Ben -", "Herr")],
    ids=["alone", "beside-a-placeholder", "a-surname-like-a-title"],
)
def test_one_name_does_not_make_a_contact_somebody_elses(one_name, last_name):
    """With the first name written, the contact would bear the names of another user, and be withheld from then on."""
    users = [user_named(one_name, "desk"), user_named(f"Ben {last_name}", "old", **EXCLUDED)]
    contacts = [contact_named(1, f"B. {last_name}", "desk")]
    assert outcome(users, contacts) == ({}, [("known_contact", "primary_email", ["desk"], [1])])


# ------------------------------------------------------------ 3. different names


def test_names_that_are_the_users_beat_an_alias_of_another_person():
    users = [user_named("Ann Able", "ann.able"), user_named("Ben Baker", "ben", "ann")]
    contacts = [contact_named(1, "Ann Able", "ann"), contact_named(2, "Ben Baker", "ben")]
    found = matching(users, contacts)
    assert (matches(found), found.conflicts) == ({"ann.able": (1, "name"), "ben": (2, "alias")}, [])


def test_a_role_address_is_no_evidence_against_other_names():
    found = matching([user_named("Petra Person", "petra", "info")], [contact_named(1, "Front Desk", "info")])
    assert (matches(found), found.conflicts) == ({}, [])
    assert notes(found) == {"petra": [("hit_withheld", 1), ("alias_held", [1])]}


def test_a_withheld_hit_is_noted_of_each_user_whom_nothing_better_resolves():
    users = [user_named("Petra Person", "petra", "info"), user_named("Ann Able", "ann", "info")]
    contacts = [contact_named(1, "Front Desk", "info"), contact_named(2, "Petra Person", "petra")]
    withheld = ("hit_withheld", 1)
    for turned in (users, users[::-1]):
        found = notes(matching(turned, contacts))
        assert (withheld in found["petra"], withheld in found["ann"]) == (False, True)


def test_a_role_address_does_not_keep_somebody_from_the_contact_of_the_same_names():
    contacts = [contact_named(1, "Front Desk", "info"), contact_named(2, "Petra Person", "petra.old")]
    found = matching([user_named("Petra Person", "petra", "info")], contacts)
    assert (matches(found), found.conflicts) == ({"petra": (2, "name")}, [])
    assert notes(found)["petra"] == [("unheld_address", 2), ("hit_withheld", 1), ("alias_held", [1])]


def test_a_different_hit_gives_way_to_a_free_contact_of_the_users_names():
    contacts = [contact_named(1, "Max Miller", "desk"), contact_named(2, "Ann Able", "ann@home.example")]
    found = matching([user_named("Ann Able", "desk")], contacts)
    assert (matches(found), found.conflicts) == ({"desk": (2, "name")}, [])
    assert notes(found) == {"desk": [("hit_withheld", 1)]}


def test_a_different_hit_gives_way_to_a_contact_of_the_users_names_with_an_address_of_the_user():
    contacts = [contact_named(1, "Max Miller", "desk"), contact_named(2, "Ann Able", "ann")]
    found = matching([user_named("Ann Able", "desk", "ann")], contacts)
    assert (matches(found), found.conflicts) == ({"desk": (2, "alias")}, [])


def test_a_different_hit_gives_way_to_the_contact_of_an_excluded_account_of_the_users_names():
    """Both contacts are answers: the person may have got a new account, with the address of a predecessor."""
    users = [user_named("Ann Able", "desk", username="able"), user_named("Ann Able", "ann", **EXCLUDED)]
    found = matching(users, [contact_named(1, "Max Miller", "desk"), contact_named(2, "Ann Able", "ann")])
    assert conflicts(found) == [("possibly_returned", "name", ["able"], [1, 2])]


def test_a_contact_of_a_namesake_is_not_the_users_own():
    """Or the contact that a run makes for a namesake would resolve the user's conflict in the next run."""
    users = [user_named("Ann Able", "desk"), user_named("Ann Able", "ann")]
    alone = matching(users, [contact_named(1, "Max Miller", "desk")])
    beside = matching(users, [contact_named(1, "Max Miller", "desk"), contact_named(2, "Ann Able", "ann")])
    for found in (alone, beside):
        assert conflicts(found) == [("names_differ", "alias", ["desk"], [1])]


def test_a_different_hit_gives_way_to_another_users_fitting_one():
    users = [user_named("Ann Able", "desk"), user_named("Benjamin Baker", "ben", "desk")]
    found = matching(users, [contact_named(1, "Ben Baker", "desk")])
    assert matches(found) == {"ben": (1, "alias")}
    assert conflicts(found) == [("known_contact", "primary_email", ["desk"], [1])]


# ------------------------------------------------- 4. renamed, or handed on?


@pytest.mark.parametrize(
    ("someone", "rule"),
    [
        pytest.param(user_named("Ann Able", "desk"), "alias", id="primary-address"),
        pytest.param(user_named("Ann Able", "ann", username="desk"), "username", id="username"),
    ],
)
def test_different_names_on_an_own_address_are_a_conflict_with_both_answers(someone, rule):
    found = matching([someone], [contact_named(1, "Max Miller", "desk")])
    assert (matches(found), conflicts(found)) == ({}, [("names_differ", rule, ["desk"], [1])])
    assert found.conflicts[0].answers == {"desk@client.example": (1, NEW, IGNORE)}
    assert found.conflicts[0].suggestion == {}


def test_different_names_match_where_the_settings_say_so():
    found = matching(
        [user_named("Ann Able", "desk")], [contact_named(1, "Max Miller", "desk")], different_names="match"
    )
    assert (matches(found), found.conflicts) == ({"desk": (1, "alias")}, [])
    assert notes(found) == {"desk": [("matched_different_names", 1)]}


def test_an_alias_alone_matches_different_names_under_no_setting():
    found = matching(
        [user_named("Ann Able", "ann", "desk")], [contact_named(1, "Max Miller", "desk")], different_names="match"
    )
    assert (matches(found), found.conflicts) == ({}, [])


# ----------------------------------------------------------- 5. several contacts


@pytest.mark.parametrize(
    ("contacts", "linked", "expected"),
    [
        pytest.param([("Ann Able", "a"), ("Ann Abel", "ann")], (), 1, id="the-only-same-one"),
        pytest.param([("Anna Able", "a"), ("", "b"), ("Ann Able", "ann")], (), 3, id="the-only-same-one-of-three"),
        pytest.param([("Ann Able", "a"), ("Ann Able", "ann")], (2,), 2, id="the-only-linked-one-of-the-same"),
        pytest.param([("Ann Able", "a"), ("Ann Able", "ann")], (1, 2), None, id="both-linked"),
        pytest.param([("Ann Able", "a"), ("Ann Able", "ann")], (), None, id="two-same"),
        pytest.param([("A Able", "a"), ("Annie Able", "ann")], (), None, id="two-open"),
        pytest.param([("Annie Able", "ann"), ("Max Miller", "a")], (), 1, id="the-only-one-not-different"),
    ],
)
def test_of_several_contacts_the_best_one_wins(contacts, linked, expected):
    rows = [contact_named(number, *row) for number, row in enumerate(contacts, 1)]
    found = matching([user_named("Ann Able", "ann", "a", "b")], rows, linked=linked)
    assert matches(found) == ({"ann": (expected, "alias")} if expected else {})
    assert [each.contact_ids for each in found.conflicts] == ([] if expected else [(1, 2)])


def test_the_only_one_that_is_not_different_wins_where_different_names_match():
    users = [user_named("Ann Able", "ann", "a")]
    contacts = [contact_named(1, "Annie Able", "a"), contact_named(2, "Max Miller", "ann")]
    assert matches(matching(users, contacts, different_names="match")) == {"ann": (1, "alias")}
    assert conflicts(matching(users, contacts)) == [("names_differ", "alias", ["ann"], [1, 2])]


def test_a_selected_users_same_names_beat_an_excluded_users():
    users = [user_named("Ann Able", "ann", "old"), user_named("Ann Able", "old", **EXCLUDED)]
    assert outcome(users, [contact_named(1, "Ann Able", "ann", "old")]) == ({"ann": (1, "alias")}, [])


# ------------------------------------------------------------ 6. connected groups


@pytest.mark.parametrize(
    ("users", "contacts", "rule", "members"),
    [
        pytest.param([("", "a", "b")], [("", "a"), ("", "b")], "alias", (["a"], [1, 2]), id="one-user-two-contacts"),
        pytest.param([("", "a", "x"), ("", "b", "x")], [("", "x")], "alias", (["a", "b"], [1]), id="two-users"),
        pytest.param([("", "a"), ("", "b")], [("", "a", "b")], "alias", (["a", "b"], [1]), id="by-two-addresses"),
        pytest.param(
            [("", "a", "x"), ("", "b", "x", "c")],
            [("", "a"), ("", "x"), ("", "c")],
            "alias",
            (["a", "b"], [1, 2, 3]),
            id="chain",
        ),
        pytest.param(
            [("Ann Able", "a"), ("Ann Able", "b")], [("Ann Able",)], "name", (["a", "b"], [1]), id="two-namesakes"
        ),
        pytest.param([("Ann Able", "a")], [("Ann Able",), ("ann able",)], "name", (["a"], [1, 2]), id="one-namesake"),
    ],
)
def test_a_connected_group_is_one_conflict(users, contacts, rule, members):
    rows = [contact_named(number, *row) for number, row in enumerate(contacts, 1)]
    assert outcome([user_named(*row) for row in users], rows) == ({}, [("several_hits", rule, *members)])


def test_separate_groups_are_separate_conflicts():
    users = [user_named("", "a", "b"), user_named("", "c", "d")]
    contacts = [contact_named(number, "", mailbox) for number, mailbox in enumerate("abcd", 1)]
    assert [each[2:] for each in outcome(users, contacts)[1]] == [(["a"], [1, 2]), (["c"], [3, 4])]


def test_no_member_of_a_conflict_goes_on_to_a_later_pass():
    """Ann would have had contact 3 by username, and Bob contact 1 by name."""
    ann = user_named("", "a", "b", username="three")
    bob = user_named("Bob Lee", "bob")
    contacts = [contact_named(1, "Bob", "a"), contact_named(2, "", "b"), contact_named(3, "", "three")]
    found = matching([ann, bob], contacts)
    assert (matches(found), conflicts(found)) == ({}, [("several_hits", "alias", ["three"], [1, 2])])


def test_no_contact_of_a_conflict_goes_on_to_a_later_pass():
    users = [user_named("", "a", "x"), user_named("", "b", "x"), user_named("Cid Roe", "cid", username="c")]
    found = outcome(users, [contact_named(1, "", "x", "c")])
    assert found == ({}, [("several_hits", "alias", ["a", "b"], [1])])


def test_a_conflict_with_a_selected_user_names_the_excluded_users():
    users = [user_named("Ann Able", "a", "x"), user_named("Eve Able", "b", "x", **EXCLUDED)]
    found = matching(users, [contact_named(1, "Able", "x")])
    assert conflicts(found) == [("several_hits", "alias", ["a", "b"], [1])]
    assert found.conflicts[0].answers == {"a@client.example": (1, NEW, IGNORE), "b@client.example": (1, IGNORE)}


# --------------------------------------------------------------- by name alone


@pytest.mark.parametrize(
    "circumstances",
    [
        pytest.param({"deleted": (user_named("Ann Able", "ann"),)}, id="a-deleted-namesake-holds-its-address"),
        pytest.param({"departed_type": DEPARTED_TYPE}, id="departed-type"),
        pytest.param({"remembered": {(1, "id-ann.able")}}, id="a-forgotten-user"),
    ],
)
def test_a_name_alone_does_not_distinguish_a_returned_person_from_a_namesake(circumstances):
    found = matching(
        [user_named("Ann Able", "ann.able")],
        [contact_named(1, "Ann Able", "ann", contact_type_id=DEPARTED_TYPE)],
        **circumstances,
    )
    assert (matches(found), conflicts(found)) == ({}, [("possibly_returned", "name", ["ann.able"], [1])])
    assert found.conflicts[0].answers == {"ann.able@client.example": (1, NEW, IGNORE)}
    assert found.conflicts[0].suggestion == {}


def test_a_name_alone_stays_a_conflict_when_microsoft_has_forgotten_the_deleted_user():
    ann, contacts = user_named("Ann Able", "ann.able"), [contact_named(1, "Ann Able", "ann")]
    before = matching([ann], contacts, deleted=(user_named("Ann Able", "ann"),))
    after = matching([ann], contacts, remembered=frozenset(before.rests_on_deleted))
    assert conflicts(before) == conflicts(after) == [("possibly_returned", "name", ["ann.able"], [1])]
    assert after.rests_on_deleted == before.rests_on_deleted


def test_a_second_contact_with_an_address_of_an_excluded_user_is_no_namesakes():
    users = [user_named("Ann Able", "ann.able"), user_named("Ann Able", "a", "b", **EXCLUDED)]
    contacts = [contact_named(1, "Ann Able", "a"), contact_named(2, "Ann Able", "b")]
    found = outcome(users, contacts, linked={1})
    assert found == ({"a": (1, "alias")}, [("possibly_returned", "name", ["ann.able"], [2])])


@pytest.mark.parametrize(
    ("mailbox", "others", "expected"),
    [
        pytest.param("ann", [], True, id="nobody-holds-it"),
        pytest.param("ann", [user_named("", "ann", **MAILBOX)], False, id="a-mailbox-holds-it"),
        pytest.param("ann@home.example", [], False, id="not-a-domain-of-the-tenant"),
    ],
)
def test_an_address_of_the_tenant_that_nobody_holds_is_noted(mailbox, others, expected):
    found = matching([user_named("Ann Able", "ann.able"), *others], [contact_named(1, "Ann Able", mailbox)])
    assert matches(found) == {"ann.able": (1, "name")}
    assert notes(found) == ({"ann.able": [("unheld_address", 1)]} if expected else {})


# ------------------------------------------ deleted users are read where they decide


@pytest.mark.parametrize(
    ("names", "row", "expected"),
    [
        pytest.param("Ann Able", ("Ann Able", "ann"), False, id="same-names-by-address"),
        pytest.param("Ann Able", ("Annie Able", "ann"), True, id="open-names-by-address"),
        pytest.param("Ann Able", ("", "ann"), False, id="a-nameless-contact-is-nobodys"),
        pytest.param("Ann Able", ("Ann Able", "old"), True, id="name-alone"),
        pytest.param("Ann Able", ("Ann Able",), False, id="name-alone-without-an-address"),
        pytest.param("Ann Able", ("Ben Baker", "ben"), False, id="no-hit"),
    ],
)
def test_deleted_users_are_needed_where_they_decide(names, row, expected):
    users, contacts = [user_named(names, "ann")], [contact_named(1, *row)]
    assert matching(users, contacts, deleted=None).needs_deleted_users is expected
    assert matching(users, contacts, deleted=()).needs_deleted_users is False


@pytest.mark.parametrize(
    ("names", "expected"), [("Ann Able", True), ("", False)], ids=["something-is-suggested", "nothing-is-suggested"]
)
def test_deleted_users_are_needed_for_a_suggestion(names, expected):
    users, contacts = [user_named(names, "ann", "a", "b")], [contact_named(1, names, "a"), contact_named(2, names, "b")]
    contacts.append(contact_named(3, names, "ann" if names else "c"))
    for deleted, needed in ((None, expected), ((), False)):
        found = matching(users, contacts, deleted=deleted)
        assert (bool(found.conflicts[0].suggestion), found.needs_deleted_users) == (expected, needed)


# -------------------------------------- no second contact beside a known one


def test_a_new_account_of_somebody_who_has_a_contact_is_a_conflict():
    users = [user_named("Ann Able", "ann.able"), user_named("Ann Able", "ann", **EXCLUDED)]
    found = matching(users, [contact_named(1, "Ann Able", "ann")])
    assert (matches(found), conflicts(found)) == (
        {"ann": (1, "alias")},
        [("possibly_returned", "name", ["ann.able"], [1])],
    )
    assert (found.conflicts[0].answers, found.conflicts[0].suggestion) == (
        {"ann.able@client.example": (1, NEW, IGNORE)},
        {},
    )


def test_an_override_of_an_excluded_user_excuses_no_second_contact():
    """The override was written before the person left; a new account of the person does not get a second contact."""
    users = [user_named("Jo Lee", "jo", **EXCLUDED), user_named("Jo Lee", "jo2")]
    found = matching(users, [contact_named(1, "Jo Lee", "jo")], overrides={"id-jo": 1})
    assert conflicts(found) == [("possibly_returned", "name", ["jo2"], [1])]


@pytest.mark.parametrize("override", [False, True])
def test_two_selected_people_of_one_name_are_two_where_an_address_distinguishes_them(override):
    users = [user_named("Jo Smith", "jo"), user_named("Jo Smith", "joanna")]
    contacts = [contact_named(1, "Jo Smith", "jo")]
    found = matching(users, contacts, overrides={"id-jo": 1} if override else {})
    assert (matches(found)["jo"][0], found.conflicts, list(matches(found))) == (1, [], ["jo"])


def test_a_contact_that_an_override_gives_to_somebody_of_other_names_keeps_nobody_from_a_new_one():
    """It gets that user's names, so the next run would create the contact."""
    users = [user_named("Jo Lee", "jo"), user_named("Mia Roe", "mia")]
    found = outcome(users, [contact_named(1, "Jo Lee", "office")], overrides={"id-mia": 1})
    assert found == ({"mia": (1, "override")}, [])


def test_somebody_with_the_only_name_of_a_contact_is_a_conflict():
    found = matching([user_named(" Reception", "desk")], [contact_named(1, "Reception", "office")])
    assert conflicts(found) == [("known_contact", "name", ["desk"], [1])]


def test_a_contact_with_one_name_that_is_another_selected_users_keeps_nobody_from_a_new_one():
    """It gets that user's names, so the next run would create the contact."""
    users = [user_named("Ann", "ann.first"), user_named("Ann Able", "ann")]
    found = matching(users, [contact_named(1, "Ann", "ann")])
    assert (matches(found), found.conflicts) == ({"ann": (1, "alias")}, [])


def test_a_contact_with_one_name_that_is_an_excluded_users_is_a_conflict():
    """Nothing is written to it: it keeps its only name, and may be the selected user's."""
    users = [user_named("Ann", "ann.first"), user_named("Ann", "ann", **EXCLUDED)]
    found = matching(users, [contact_named(1, "Ann", "ann")])
    assert matches(found) == {"ann": (1, "alias")}
    assert conflicts(found) == [("known_contact", "name", ["ann.first"], [1])]


def test_whoever_has_claimed_the_contact_keeps_it():
    users = [user_named("Ann Able", "info"), user_named("Benjamin Baker", "ben", "info")]
    found = matching(users, [contact_named(1, "Ben Baker", "info", "ben")])
    assert matches(found) == {"ben": (1, "alias")}
    assert conflicts(found) == [("known_contact", "primary_email", ["info"], [1])]


# ------------------------------------------------------------------ suggestions


def test_the_holder_of_the_primary_address_is_suggested_not_the_lowest_id():
    users = [user_named("Sam Roe", "sam.roe", "old")]
    found = matching(users, [contact_named(104001, "S R", "old"), contact_named(104002, "Sammy Roe", "sam.roe")])
    (conflict,) = found.conflicts
    assert conflict.contact_ids == (104001, 104002)
    assert conflict.suggestion == {"sam.roe@client.example": 104002}


@pytest.mark.parametrize(
    ("users", "contacts", "expected"),
    [
        pytest.param(
            [("Ann Able", "ann", "a")], [("Ann Able", "a"), ("Ann Able", "ann")], {"ann": 2}, id="same-and-primary"
        ),
        pytest.param([("", "x", "a", "b")], [("", "a"), ("", "b")], {}, id="nothing-speaks-for-one"),
        pytest.param([("", "a", "x"), ("", "b", "x")], [("", "a", "b", "x")], {}, id="two-users-have-the-same-best"),
        pytest.param([("", "a", "x"), ("", "b", "x")], [("", "a", "x")], {"a": 1}, id="the-one-who-holds-it"),
        pytest.param(
            [("Ann Able", "x", "b"), ("", "a")],
            [("", "x", "a", "y"), ("Ann Able", "b"), ("Ann Able", "x")],
            {"a": 1, "x": 3},
            id="who-has-a-better-one-is-no-rival",
        ),
        pytest.param(
            [("Ann Able", "a"), ("Ann Able", "b")], [("Ann Able",)], {}, id="two-namesakes-have-the-same-best"
        ),
        pytest.param([("Ann Able", "desk")], [("Max Miller", "desk")], {}, id="never-different-names"),
        pytest.param(
            [("Ann Able", "ann")],
            [("Max Miller", "ann"), ("Annie Able", "ann")],
            {"ann": 2},
            id="beside-different-names",
        ),
        pytest.param([("Reception", "desk")], [("Reception", "office")], {}, id="never-for-one-name-alone"),
    ],
)
def test_a_suggestion_is_never_by_chance(users, contacts, expected):
    rows = [contact_named(number, *row) for number, row in enumerate(contacts, 1)]
    (conflict,) = matching([user_named(*row) for row in users], rows).conflicts
    assert conflict.suggestion == {f"{name}@client.example": target for name, target in expected.items()}


def test_the_contact_of_another_user_is_not_suggested():
    users = [user_named("Bob Lee", "bob"), user_named("Ann Able", "a", username="ann")]
    found = matching(users, [contact_named(1, "", "bob", "ann")], primary_email="username")
    assert (matches(found), conflicts(found)) == (
        {"bob": (1, "alias")},
        [("known_contact", "primary_email", ["ann"], [1])],
    )
    assert found.conflicts[0].suggestion == {}


@pytest.mark.parametrize("deleted", [(), (user_named("Ann Able", "old"),)], ids=["nobody", "a-deleted-namesake"])
def test_a_contact_with_the_names_of_a_deleted_user_is_not_suggested(deleted):
    contacts = [contact_named(1, "Ann Able", "a"), contact_named(2, "Ann Able", "ann")]
    (conflict,) = matching([user_named("Ann Able", "ann", "a")], contacts, deleted=deleted).conflicts
    assert bool(conflict.suggestion) is not bool(deleted)


ANNIE = user_named("Annie Able", "old")


@pytest.mark.parametrize(
    ("others", "circumstances", "expected"),
    [
        pytest.param([], {}, {}, id="nobody-two-hold-the-address"),
        pytest.param([replace(ANNIE, account_enabled=False)], {}, {"desk": 1}, id="excluded"),
        pytest.param([], {"deleted": (ANNIE,)}, {"desk": 1}, id="deleted"),
        pytest.param([], {"remembered": {(2, "id-desk")}}, {"desk": 1}, id="forgotten"),
    ],
)
def test_the_contact_of_a_former_colleague_in_the_same_conflict_is_not_suggested(others, circumstances, expected):
    users = [user_named("", "desk"), user_named("Ann Able", "ann", "desk", **EXCLUDED), *others]
    contacts = [contact_named(1, "Able", "desk"), contact_named(2, "Annie Able", "desk")]
    (conflict,) = matching(users, contacts, **circumstances).conflicts
    assert conflict.contact_ids == (1, 2)
    assert conflict.suggestion == {f"{name}@client.example": target for name, target in expected.items()}


def test_a_contact_that_only_a_deleted_user_keeps_from_a_suggestion_is_remembered():
    users = [user_named("Able", "a", username="desk"), user_named(" Able", "b", "a", "c", **EXCLUDED)]
    contacts = [contact_named(1, " Able", "a"), contact_named(2, "Ann Able", "c", "desk")]
    deleted = (user_named("Ann Able", "old"),)
    never = matching(users, contacts, primary_email="username")
    before = matching(users, contacts, primary_email="username", deleted=deleted)
    after = matching(users, contacts, primary_email="username", remembered=frozenset(before.rests_on_deleted))
    assert [each.conflicts[0].suggestion for each in (never, before, after)] == [{"desk@client.example": 2}, {}, {}]
    assert after.rests_on_deleted == before.rests_on_deleted


@pytest.mark.parametrize("second", ["Ann Able", "Annie Able"])
def test_an_account_that_was_made_anew_is_remembered_where_nothing_is_suggested_because_of_it(second):
    row = user_named("Ann Able", "ann", "a")
    contacts = [contact_named(1, second, "a"), contact_named(2, second, "ann")]
    before = matching([row], contacts, deleted=(user_named("Ann Able", "old"),))
    assert (before.rests_on_deleted, before.made_anew) == (set(), {row.id})
    after = matching([row], contacts, deleted=(), made_anew=frozenset(before.made_anew))
    assert (after.conflicts, after.made_anew) == (before.conflicts, before.made_anew)
    assert matching([row], contacts, deleted=()).conflicts[0].suggestion == {row.username: 2}


@pytest.mark.parametrize(
    ("names", "whose", "expected"),
    [("Ann Able", "id-ann", False), ("Bea Best", "id-ann", True), ("Ann Able", "id-other", True)],
    ids=["", "of-other-names", "of-another-user"],
)
def test_a_remembered_deleted_user_of_the_users_names_keeps_from_a_suggestion(names, whose, expected):
    """Which names the user had whom Microsoft has forgotten, the contact tells that was kept apart because of it."""
    users = [user_named("Ann Able", "ann", "a"), user_named(names, "other")]
    contacts = [contact_named(1, "Ann Able", "a"), contact_named(2, "Ann Able", "ann")]
    contacts.append(contact_named(3, names, "other"))
    (conflict,) = matching(users, contacts, remembered={(3, whose)}).conflicts
    assert conflict.suggestion == ({"ann@client.example": 2} if expected else {})


def test_an_excluded_account_gets_no_suggestion_and_nothing_is_remembered_of_it():
    users = [user_named("Ann Able", "ann", "a"), user_named("Ann Able", "gone", "a", **EXCLUDED)]
    contacts = [contact_named(1, "Annie Able", "a"), contact_named(2, "Annie Able", "ann")]
    found = matching(users, contacts, deleted=(user_named("Ann Able", "old"),))
    assert [each.user_ids for each in found.conflicts] == [("id-ann", "id-gone")]
    assert found.made_anew == {"id-ann"}


def test_an_excluded_account_of_one_name_gets_no_suggestion_either():
    users = [user_named("Ann Able", "ann", "x"), user_named("Able", "gone", "x", **EXCLUDED)]
    (conflict,) = matching(users, [contact_named(1, "Able", "x", "gone")]).conflicts
    assert (conflict.user_ids, conflict.suggestion) == (("id-ann", "id-gone"), {})


# -------------------------------------------------------------------- overrides


@pytest.mark.parametrize("key", ["ann@client.example", " ANN@CLIENT.EXAMPLE ", "id-ann", "ID-ANN"])
def test_an_override_names_a_user_by_username_or_id(key):
    assert outcome([user()], [contact(1)], overrides={key: 1}) == ({"ann": (1, "override")}, [])


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
        matching([user("ann"), user("bob")], [contact(1), contact(2)], overrides=overrides)
    assert [word for word in words if word not in str(caught.value)] == []


def test_an_override_given_twice_is_one():
    overrides = {"id-ann": 1, "ann@client.example": 1}
    assert outcome([user()], [contact(1)], overrides=overrides) == ({"ann": (1, "override")}, [])


def test_an_override_wins_over_all_rules():
    users = [user("ann"), user("bob")]
    contacts = [contact(1, "ann@client.example"), contact(2, "bob@client.example")]
    assert outcome(users, contacts, overrides={"id-ann": 2, "id-bob": 1}) == (
        {"ann": (2, "override"), "bob": (1, "override")},
        [],
    )


def test_an_ignored_user_takes_no_part():
    users = [user_named("", "a", "x"), user_named("", "b", "x")]
    found = matching(users, [contact_named(1, "", "x")], overrides={"id-b": IGNORE})
    assert (matches(found), found.conflicts, found.ignored) == ({"a": (1, "alias")}, [], {"id-b"})


def test_no_address_makes_another_person_of_the_contact_of_an_ignored_user():
    """Sam has the alias ann@ of his sister, whom the inventory leaves out."""
    users, contacts = (
        [user_named("Ann Able", "ann"), user_named("Sam Able", "sam", "ann")],
        [contact_named(1, "Ann Able", "ann")],
    )
    found = matching(users, contacts, overrides={"id-ann": IGNORE})
    assert (matches(found), found.conflicts) == ({}, [])
    assert notes(found) == {"sam": [("hit_withheld", 1), ("alias_held", [1])]}


def test_the_contact_of_an_ignored_user_is_a_namesakes_by_name():
    """Two accounts of one person, of which the inventory leaves out one."""
    users, contacts = (
        [user_named("Ann Able", "adm"), user_named("Ann Able", "ann.able")],
        [contact_named(1, "Ann Able", "ann")],
    )
    assert matches(matching(users, contacts, overrides={"id-adm": IGNORE})) == {"ann.able": (1, "name")}


HANDED_ON = {
    "excluded": ([user_named("Lea Left", "lea.left", **EXCLUDED)], {}),
    "deleted": ([], {"deleted": (user_named("Lea Left", "lea.left"),)}),
}


@pytest.mark.parametrize(("others", "circumstances"), HANDED_ON.values(), ids=HANDED_ON)
def test_an_override_by_a_username_that_was_handed_on_is_an_error(others, circumstances):
    users, contacts = [user_named("Sue Stays", "desk"), *others], [contact_named(1, "Lea Left")]
    with pytest.raises(InputError) as caught:
        matching(users, contacts, overrides={"desk@client.example": 1}, **circumstances)
    assert "id-desk" in str(caught.value)
    for keys in (["id-desk"], ["id-desk", "desk@client.example"], ["desk@client.example", "id-desk"]):
        by_id = matching(users, contacts, overrides=dict.fromkeys(keys, 1), **circumstances)
        assert matches(by_id)["desk"] == (1, "override")


def test_deleted_users_are_needed_to_judge_an_override_by_username():
    users, contacts = [user_named("Sue Stays", "desk")], [contact_named(1, "Lea Left")]
    assert matching(users, contacts, deleted=None, overrides={"desk@client.example": 1}).needs_deleted_users
    assert not matching(users, contacts, deleted=None, overrides={"id-desk": 1}).needs_deleted_users


# ------------------------------------------------------------------------ `new`


@pytest.mark.parametrize(
    ("contacts", "expected", "noted"),
    [
        pytest.param([], None, [], id="no-contact-holds-the-address"),
        pytest.param(
            [contact_named(1, "Jane Smith", "J.SMITH")], 1, [("override_found_contact", 1)], id="the-one-that-it-made"
        ),
        pytest.param(
            [contact_named(1, "John Smith", "j.smith")],
            None,
            [("created_beside", [1])],
            id="other-names-are-never-taken",
        ),
        pytest.param(
            [contact_named(1, "Jane Smith", "x@y.io", "j.smith")],
            None,
            [("created_beside", [1])],
            id="not-as-its-primary",
        ),
        pytest.param([contact_named(1, "Jane Smith")], None, [("created_beside", [1])], id="a-namesake-is-not-asked"),
        pytest.param([contact_named(1, "Joe Smith", "joe")], None, [], id="beside-nobody"),
    ],
)
def test_new(contacts, expected, noted):
    found = matching([JANE], contacts, overrides={"id-j.smith": NEW})
    assert (found.found_by_new, found.conflicts) == ({"id-j.smith": expected}, [])
    assert matches(found) == ({"j.smith": (expected, "override")} if expected else {})
    assert notes(found) == ({"j.smith": noted} if noted else {})


def test_new_is_not_noted_beside_the_contact_of_a_true_namesake():
    users = [user_named("Jane Smith", "j.smith"), user_named("Jane Smith", "jane")]
    found = matching(users, [contact_named(1, "Jane Smith", "jane")], overrides={"id-j.smith": NEW})
    assert (matches(found), notes(found)) == ({"jane": (1, "alias")}, {})


def test_new_is_noted_beside_a_contact_that_a_namesake_has_by_name_alone():
    """It may be the one that an earlier run made, before the user got another primary address."""
    users = [user_named("Jane Smith", "j.smith"), user_named("Jane Smith", "jane")]
    found = matching(users, [contact_named(1, "Jane Smith", "j.smith.old")], overrides={"id-j.smith": NEW})
    assert matches(found) == {"jane": (1, "name")}
    assert notes(found)["j.smith"] == [("created_beside", [1])]


def test_new_is_not_noted_beside_the_contact_of_a_colleague_who_shares_an_address():
    users = [user_named("Jane Smith", "j.smith", "office"), user_named("Bob Lee", "bob")]
    found = matching(users, [contact_named(1, "", "bob", "office")], overrides={"id-j.smith": NEW})
    assert (matches(found), notes(found)) == ({"bob": (1, "alias")}, {"j.smith": [("alias_held", [1])]})


def test_new_is_not_noted_beside_a_role_address():
    users = [user_named("Jane Smith", "j.smith", "info")]
    found = matching(users, [contact_named(1, "Front Desk", "info")], overrides={"id-j.smith": NEW})
    assert notes(found) == {"j.smith": [("alias_held", [1])]}


@pytest.mark.parametrize("married", [JANE, user_named("Jane Jones", "jane", "j.smith")], ids=["edited", "married"])
def test_new_says_beside_whom_it_creates_once_the_contact_that_it_made_has_changed(married):
    """The inventory still says new: the contact of the first run is not found again."""
    made = contact_named(2, "Janet Smith" if married is JANE else "Jane Smith", "j.smith")
    found = matching([married], [JOHN, made], overrides={f"id-{married.username.partition('@')[0]}": NEW})
    (noted,) = notes(found).values()
    assert 2 in dict(noted)["created_beside"]


def test_new_beside_the_contact_of_another_person_finds_its_own_on_later_runs():
    first = matching([JANE], [JOHN], overrides={"id-j.smith": NEW})
    assert (first.found_by_new, first.matches, first.conflicts) == ({"id-j.smith": None}, {}, [])
    own = contact_named(2, "Jane Smith", "j.smith")
    later = matching([JANE], [JOHN, own], overrides={"id-j.smith": NEW})
    assert matches(later) == {"j.smith": (2, "override")}


@pytest.mark.parametrize(
    ("names", "other", "found"),
    [
        pytest.param("Reception", "Reception", True, id="one-name"),
        pytest.param("Reception", "Warehouse", False, id="another-one"),
        pytest.param(" Reception", " Reception", True, id="last-name"),
        pytest.param(" Reception", " Warehouse", False, id="another-last-name"),
        pytest.param("J.R. Roe", "JR Roe", True, id="spelled-alike"),
    ],
)
def test_new_finds_the_contact_of_the_users_names(names, other, found):
    users, contacts = [user_named(names, "desk")], [contact_named(1, other, "desk")]
    assert matching(users, contacts, overrides={"id-desk": NEW}).found_by_new == {"id-desk": 1 if found else None}


def test_of_several_primary_e_mails_the_first_one_counts_which_is_the_one_that_stays():
    """Without a mail the contact keeps its first primary e-mail: the next run would not find it by the other one."""
    emails = (Email("al@x.io", primary=True), Email("u@client.example", primary=True))
    user = user_named("Ann Able", "u", mail=None, proxy_addresses=())
    for order, found in ((1, None), (-1, 1)):
        contacts = [replace(contact_named(1, "Ann Able"), emails=emails[::order])]
        assert matching([user], contacts, overrides={"id-u": NEW}).found_by_new == {"id-u": found}


def test_new_goes_by_the_primary_address_of_the_settings():
    ann = user_named("Ann Able", "ann", username="u")
    contacts = [contact_named(1, "Ann Able", "u"), contact_named(2, "Ann Able", "ann")]
    for primary_email, expected in (("mail", 2), ("username", 1)):
        found = matching([ann], contacts, overrides={"id-u": NEW}, primary_email=primary_email)
        assert matches(found) == {"u": (expected, "override")}


def test_new_with_several_contacts_that_it_could_have_made_is_a_conflict():
    contacts = [contact_named(1, "Jane Smith", "j.smith"), contact_named(2, "Jane Smith", "j.smith")]
    assert outcome([JANE], contacts, overrides={"id-j.smith": NEW}) == (
        {},
        [("several_hits", "override", ["j.smith"], [1, 2])],
    )
    excluded = replace(JANE, account_enabled=False)
    assert outcome([excluded], contacts, overrides={"id-j.smith": NEW}) == ({}, [])


@pytest.mark.parametrize("held", [0, 1, 2])
def test_new_for_two_users_whom_it_could_not_distinguish_is_a_conflict(held):
    """Each run would make another contact otherwise."""
    users = [user_named("Ann Able", "both", username=name) for name in ("ann", "bob")]
    contacts = [contact_named(ident, "Ann Able", "both") for ident in range(1, held + 1)]
    found = outcome(users, contacts, overrides={"id-ann": NEW, "id-bob": NEW})
    assert found == ({}, [("same_primary_address", "override", ["ann", "bob"], [each.id for each in contacts])])


def test_new_distinguishes_two_users_of_one_address_by_their_names():
    users = [user_named("Ann Able", "both", username="ann"), user_named("Ben Baker", "both", username="ben")]
    contacts = [contact_named(1, "Ben Baker", "both")]
    found = matching(users, contacts, overrides={"id-ann": NEW, "id-ben": NEW})
    assert (found.found_by_new, found.conflicts) == ({"id-ann": None, "id-ben": 1}, [])


def test_new_does_not_take_a_contact_that_another_override_names():
    users = [user_named("Ann Able", "ann"), user_named("Ben Baker", "ben")]
    contacts = [contact_named(1, "Ann Able", "ann")]
    assert outcome(users, contacts, overrides={"id-ann": NEW, "id-ben": 1}) == ({"ben": (1, "override")}, [])


def test_every_answer_of_a_conflict_resolves_it():
    users = [user_named("Sam Roe", "sam.roe", "old")]
    contacts = [contact_named(1, "S R", "old"), contact_named(2, "Sammy Roe", "sam.roe")]
    (conflict,) = matching(users, contacts).conflicts
    for answer in conflict.answers["sam.roe@client.example"]:
        assert matching(users, contacts, overrides={"sam.roe@client.example": answer}).conflicts == []


# ------------------------------------------------------------------ held aliases


@pytest.mark.parametrize(
    ("rows", "settings", "expected"),
    [
        pytest.param([("Front Desk", "info")], {}, {"info@client.example"}, id="held-by-another"),
        pytest.param([("Ann Able", "ann", "info")], {}, set(), id="held-by-the-own-contact"),
        pytest.param([("Ann Able", "ann", "info"), ("Front Desk", "info")], {}, set(), id="held-by-both"),
        pytest.param([("Front Desk", "info")], {"sync_aliases": False}, set(), id="aliases-are-not-synced"),
        pytest.param([("Max Miller", "x", "ann")], {"different_names": "match"}, set(), id="own-contact"),
    ],
)
def test_an_alias_that_another_contact_holds(rows, settings, expected):
    contacts = [contact_named(number, *row) for number, row in enumerate(rows, 1)]
    found = matching([user_named("Ann Able", "ann", "info")], contacts, **settings)
    assert found.held_aliases.get("id-ann", set()) == expected


def test_nothing_but_its_conflict_is_noted_of_a_user_in_a_conflict():
    contacts = [contact_named(1, "Max Miller", "desk"), contact_named(2, "Front Desk", "info")]
    found = matching([user_named("Ann Able", "desk", "info")], contacts)
    assert (conflicts(found), notes(found)) == ([("names_differ", "alias", ["desk"], [1])], {})


def test_an_alias_that_another_selected_user_holds_is_not_added():
    """Both contacts may be new: of two contacts that are given one address, each would be hit by both users."""
    users = [user_named("Ann Able", "ann", "ben", "x"), user_named("Ben Baker", "ben", "x")]
    found = matching(users, [])
    assert notes(found) == {}
    assert found.held_aliases == {"id-ann": {"ben@client.example", "x@client.example"}, "id-ben": {"x@client.example"}}


def test_the_note_of_an_alias_names_those_that_a_contact_holds():
    users = [user_named("Ann Able", "ann", "info", "x"), user_named("Ben Baker", "ben", "x")]
    found = matching(users, [contact_named(1, "Front Desk", "info")])
    assert found.held_aliases["id-ann"] == {"info@client.example", "x@client.example"}
    assert found.reasons["id-ann"][-1].values == {"addresses": ["info@client.example"], "contact_ids": [1]}


@pytest.mark.parametrize(
    ("ben", "circumstances", "held"),
    [
        pytest.param(user_named("Ben Baker", "ben", "x", **EXCLUDED), {}, False, id="excluded"),
        pytest.param(user_named("Ben Baker", "ben", "x"), {"overrides": {"id-ben": IGNORE}}, False, id="ignored"),
        pytest.param(user_named("Ben Baker", "ben", username="x"), {}, False, id="as-username"),
        pytest.param(user_named("Ben Baker", username="x"), {}, True, id="as-username-that-is-primary"),
    ],
)
def test_an_alias_that_another_user_holds_too_is_added_unless_it_may_get_into_that_users_contact(
    ben, circumstances, held
):
    found = matching([user_named("Ann Able", "ann", "x"), ben], [], **circumstances)
    assert found.held_aliases.get("id-ann", set()) == ({"x@client.example"} if held else set())


def test_an_address_of_the_tenants_first_domain_is_no_alias_that_is_synced():
    ann = user_named("Ann Able", "ann", "info@client.onmicrosoft.com")
    assert matching([ann], [contact(1, "info@client.onmicrosoft.com", first="Front", last="Desk")]).held_aliases == {}


def test_an_email_without_a_value_is_no_address():
    someone = user(mail=None, proxy_addresses=(), username="")
    assert outcome([someone], [contact(1, emails=(Email("", primary=True),))]) == ({}, [])


# ------------------------------------------------- what the run itself has written


@pytest.mark.parametrize(
    "users",
    [
        [user_named("Ann Able", "ann"), user_named("Ben Baker", "ben", "ann")],
        [user_named("Ann Able", "both", username="ann"), user_named("Ben Baker", "both", username="ben")],
    ],
    ids=["alias", "primary-address"],
)
def test_a_contact_that_the_run_has_made_changes_nothing_for_the_others(users):
    made = contact_named(1, "Ann Able", "ann", "both")
    before, after = matching(users, []), matching(users, [made], owned=Owned({"id-ann": 1}, frozenset({1})))
    assert (matches(after), after.conflicts) == ({"ann": (1, "override")}, before.conflicts)
    assert (after.reasons.get("id-ben"), after.held_aliases) == (before.reasons.get("id-ben"), before.held_aliases)


@pytest.mark.parametrize("answer", [NEW, 1, 2])
def test_what_the_run_has_written_comes_before_the_overrides(answer):
    contacts, written = [contact_named(1, "Ann Able", "ann"), contact_named(2, "Ann Able", "a")], Owned({"id-ann": 1})
    found = matching([user_named("Ann Able", "ann")], contacts, overrides={"id-ann": answer}, owned=written)
    assert (matches(found), found.conflicts, found.found_by_new) == ({"ann": (1, "override")}, [], {})


def test_what_the_run_has_written_is_out_where_the_user_or_the_contact_is():
    users, contacts = [user_named("Ann Able", "ann")], [contact_named(1, "Ann Able", "ann")]
    assert matches(matching(users, contacts, owned=Owned({"id-ann": 2, "id-eve": 1}))) == {"ann": (1, "alias")}

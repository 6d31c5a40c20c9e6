# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`update_linked`: what becomes of the BMS contact of a linked contact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_fields import (
    EMAILS,
    PHONES,
    encode,
    entry_changes,
    same_value,
    with_fields,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_update import emails, phones
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsEmail,
    BmsPhone,
    BmsSettings,
    BmsType,
    Email,
    EntryChange,
    Location,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import BmsPart
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from tests.unit.engine.builders import (
    NATIVE,
    PUSHING,
    bms,
    contact,
    in_bms,
    limits,
    linked,
    options,
    person,
    planned,
    ready,
    snapshot,
)

WORK, DESK = BmsType(1, "Work"), BmsType(2, "Desk")
ANN = person("ann.lee")
SAME = in_bms(
    90211, "ann.lee@client.example", first="Ann", last="Lee", phones=(BmsPhone("4155550100", 2, "Desk", True),)
)


def followed(someone, something, *present, bms_settings=PUSHING, others=(), **more):
    """The operation of one user whose linked contact is updated, and the plan."""
    read = snapshot([someone], [something, *others], bms_settings=bms_settings)
    plan = planned(read, bms(*present), **{"update_linked": True, **more})
    (operation,) = plan.operations
    return operation, plan


def becomes(operation) -> dict:
    return dict(operation.bms.after)


# ------------------------------------------------------------------- who follows


def test_bms_follows_what_becomes_of_the_contact_in_it_glue():
    someone = person("ann.lee", given_name="Anna", job_title="Boss", business_phones=("4155550100",))
    operation, plan = followed(someone, linked(), replace(SAME, job_title="Clerk"))
    assert (operation.itglue.action, operation.itglue.after) == ("update", {"first-name": "Anna", "title": "Boss"})
    assert operation.bms == BmsPart(
        None,
        90211,
        before={"FirstName": "Ann", "JobTitle": "Clerk"},
        after={"FirstName": "Anna", "JobTitle": "Boss"},
    )
    assert plan.account.id == 2528


def test_bms_follows_where_it_glue_is_right_already():
    operation, dummy = followed(ANN, linked(title="Boss"), SAME)
    assert (operation.itglue.action, operation.writes) == ("linked", True)
    assert becomes(operation) == {"JobTitle": "Boss"}


def test_who_is_right_in_both_is_left_alone():
    operation, dummy = followed(ANN, linked(), SAME)
    assert (operation.itglue.action, operation.writes, operation.noteworthy) == ("linked", False, False)


@pytest.mark.parametrize(
    ("bms_settings", "more"),
    [
        pytest.param(PUSHING, {"update_linked": False}, id="not-asked-for"),
        pytest.param(NATIVE, {}, id="native"),
        pytest.param(replace(PUSHING, contact_sync=False), {}, id="without-contact-sync"),
        pytest.param(replace(PUSHING, two_way_sync=False), {}, id="without-two-way-sync"),
        pytest.param(BmsSettings(), {}, id="without-settings"),
    ],
)
def test_bms_is_not_even_read_where_it_does_not_follow(bms_settings, more):
    operation, plan = followed(ANN, linked(title="Boss"), SAME, bms_settings=bms_settings, **more)
    assert (becomes(operation), plan.account) == ({}, None)


def test_auto_push_is_about_new_contacts_alone():
    operation, dummy = followed(
        ANN, linked(title="Boss"), SAME, bms_settings=replace(PUSHING, auto_push_office365_contacts=False)
    )
    assert becomes(operation) == {"JobTitle": "Boss"}


@pytest.mark.parametrize(
    "something",
    [
        pytest.param(linked(title="Boss", psa_integration="disabled"), id="disabled"),
        pytest.param(linked(title="Boss", psa_integration="orphaned"), id="orphaned"),
        pytest.param(linked(title="Boss", adapters=(Adapter("Kaseya BMS", "90211", False, False),)), id="paused"),
    ],
)
def test_a_link_that_does_not_sync_is_not_followed(something):
    operation, plan = followed(ANN, something, SAME)
    assert (becomes(operation), plan.account) == ({}, None)


def test_an_unread_bms_is_a_warning_and_it_glue_is_written_all_the_same():
    read = snapshot([person("ann.lee", job_title="Boss")], [linked()], bms_settings=PUSHING)
    plan = planned(read, None, unread="BMS is gone.", update_linked=True)
    (operation,) = plan.operations
    assert (operation.itglue.action, operation.bms) == ("update", BmsPart(None, 90211))
    assert plan.warnings == (Reason(ReasonCode.UPDATES_NOT_COMPARED, {"count": 1, "said": "BMS is gone."}),)


# ------------------------------------------------------------ which BMS contact

UNKNOWN_ID = linked(title="Boss", adapters=())
ELSEWHERE = Reason(ReasonCode.BMS_CONTACT_ELSEWHERE, {"bms_contact_id": 90211, "account_id": 2528})
OF_ANOTHER = Reason(ReasonCode.BMS_CONTACT_OF_ANOTHER, {"bms_contact_id": 90211})


def unknown(*bms_ids: int) -> Reason:
    return Reason(ReasonCode.BMS_CONTACT_UNKNOWN, {"bms_contact_ids": list(bms_ids)})


@pytest.mark.parametrize(
    ("something", "others", "present", "expected", "reason"),
    [
        pytest.param(linked(title="Boss"), [], [SAME], 90211, None, id="by-the-link"),
        pytest.param(linked(title="Boss"), [], [], None, ELSEWHERE, id="not-in-the-account"),
        pytest.param(UNKNOWN_ID, [], [SAME], 90211, None, id="by-e-mail"),
        pytest.param(UNKNOWN_ID, [], [in_bms(5, first="ann", last="LEE")], 5, None, id="by-name"),
        pytest.param(UNKNOWN_ID, [], [], None, unknown(), id="not-found"),
        pytest.param(UNKNOWN_ID, [], [SAME, replace(SAME, id=7)], None, unknown(7, 90211), id="several"),
        pytest.param(UNKNOWN_ID, [linked(73, "bob.ray")], [SAME], None, OF_ANOTHER, id="anothers-link"),
        pytest.param(
            linked(title="Boss"),
            [linked(73, "bob.ray")],
            [SAME],
            None,
            OF_ANOTHER,
            id="two-links-to-one",
        ),
    ],
)
def test_the_bms_contact_is_the_one_that_is_surely_the_persons(something, others, present, expected, reason):
    operation, dummy = followed(ANN, something, *present, others=others)
    if expected:
        assert (operation.bms.contact_id, becomes(operation)["JobTitle"]) == (expected, "Boss")
    else:
        assert (becomes(operation), operation.writes, operation.noteworthy) == ({}, False, True)
        assert operation.reasons == (reason,)


NAMED_BOB = in_bms(90211, first="Bob", last="Ray")
BOTH = in_bms(90211, "ann.lee@client.example", "bob.ray@client.example")


@pytest.mark.parametrize(
    ("something", "there", "push"),
    [
        pytest.param(linked(title="Boss"), NAMED_BOB, "conflict", id="by-the-link"),
        pytest.param(UNKNOWN_ID, BOTH, "already_in_bms", id="by-e-mail"),
    ],
)
def test_a_bms_contact_that_could_be_somebody_elses_is_left_as_it_is(something, there, push):
    """A new name would take away what the question hangs on: the next run would find nobody, and push."""
    read = snapshot([ANN, person("bob.ray")], [something, ready(73, "bob.ray")], bms_settings=PUSHING)
    ann, bob = planned(read, bms(there), update_linked=True).operations
    assert (bob.bms.push, becomes(bob)) == (push, {})
    assert (becomes(ann), ann.writes, ann.noteworthy) == ({}, False, True)
    assert ann.reasons == (
        Reason(ReasonCode.BMS_CONTACT_AMBIGUOUS, {"bms_contact_id": 90211, "users": ["bob.ray@client.example"]}),
    )


# -------------------------------------------------------------------- the fields


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param("Boss", None, "Boss", id="filled"),
        pytest.param("Boss", "Clerk", "Boss", id="replaced"),
        pytest.param(None, "Clerk", None, id="a-blank-never-overwrites"),
        pytest.param("  ", "Clerk", None, id="nor-do-blanks"),
        pytest.param("Zoe\u0308", " Zo\u00eb ", None, id="equal-after-trimming-and-nfc"),
    ],
)
def test_a_job_title(ours, theirs, expected):
    operation, dummy = followed(ANN, linked(title=ours), replace(SAME, job_title=theirs))
    assert becomes(operation).get("JobTitle") == expected


def test_a_placeholder_never_replaces_a_name():
    someone, something = person("ann.lee", surname="-"), replace(linked(), last_name="-")
    operation, dummy = followed(someone, something, SAME)
    assert becomes(operation) == {}


def test_a_surname_that_is_a_title_too_is_a_name():
    someone, something = person("ann.lee", surname="Herr"), replace(linked(), last_name="Herr")
    operation, dummy = followed(someone, something, SAME)
    assert becomes(operation) == {"LastName": "Herr"}


def addresses(*entries) -> tuple[BmsEmail, ...]:
    return tuple(BmsEmail(value, kind, None, default) for value, kind, default in entries)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param(["a@x.io"], [("A@X.io", 7, True)], [("A@X.io", 7, True)], id="there"),
        pytest.param(
            ["a@x.io", "b@x.io"], [("a@x.io", 7, True)], [("a@x.io", 7, True), ("b@x.io", 1, False)], id="added"
        ),
        pytest.param(["a@x.io"], [("b@x.io", 7, True)], [("b@x.io", 7, False), ("a@x.io", 1, True)], id="new-default"),
        pytest.param(
            ["a@x.io"],
            [("b@x.io", 7, True), ("a@x.io", 7, False)],
            [("b@x.io", 7, False), ("a@x.io", 7, True)],
            id="the-default-moves",
        ),
        pytest.param(["a@x.io"], [], [("a@x.io", 1, True)], id="the-first"),
    ],
)
def test_e_mails(ours, theirs, expected):
    found = emails(contact(1, *ours), replace(in_bms(5), emails=addresses(*theirs)), WORK)
    assert [(each.address, each.type_id, each.default) for each in found] == expected


def test_the_primary_e_mail_becomes_the_default_wherever_it_stands():
    ours = contact(1, "a@x.io", "b@x.io")
    ours = replace(ours, emails=tuple(replace(each, primary=not each.primary) for each in ours.emails))
    found = emails(ours, replace(in_bms(5), emails=addresses(("a@x.io", 7, True), ("b@x.io", 7, False))), WORK)
    assert [(each.address, each.default) for each in found] == [("a@x.io", False), ("b@x.io", True)]


def test_without_a_type_no_e_mail_is_added_and_the_default_moves_all_the_same():
    there = replace(in_bms(5), emails=addresses(("b@x.io", 7, True), ("a@x.io", 7, False)))
    found = emails(contact(1, "a@x.io", "c@x.io"), there, None)
    assert [(each.address, each.default) for each in found] == [("b@x.io", False), ("a@x.io", True)]


def test_an_address_that_another_bms_contact_has_is_not_added_and_reported():
    something = linked(emails=(Email("ann.lee@client.example", "Work", True), Email("team@client.example", "Work")))
    operation, dummy = followed(ANN, something, SAME, in_bms(7, "TEAM@client.example"))
    assert (becomes(operation), operation.attention) == ({}, True)
    assert operation.reasons == (
        Reason(ReasonCode.ADDRESS_HELD_IN_BMS, {"addresses": ["team@client.example"], "bms_contact_id": 90211}),
    )


@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
def test_of_two_contacts_that_share_an_address_the_lower_bms_contact_gets_it(turned):
    shared = Email("team@client.example", "Work")
    mine, dummy = ready(72), ready(73, "bob.ray")
    contacts = [
        linked(72, emails=(*mine.emails, shared)),
        linked(73, "bob.ray", 90212, emails=(*dummy.emails, shared)),
    ]
    present = [SAME, in_bms(90212, "bob.ray@client.example", first="Bob", last="Ray")]
    users = [ANN, person("bob.ray")]
    if turned:
        users, contacts, present = users[::-1], contacts[::-1], present[::-1]
    read = snapshot(users, contacts, bms_settings=PUSHING)
    operations = planned(read, bms(*present), update_linked=True).operations
    gained = ["team@client.example" in str(becomes(each).get(EMAILS)) for each in operations]
    assert gained == [True, False]


OWN = "4155550100"


def numbers(*entries) -> tuple[BmsPhone, ...]:
    return tuple(BmsPhone(value, kind, None, default) for value, kind, default in entries)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param([OWN], [("(415) 555-0100", 7, True)], [("(415) 555-0100", 7, True)], id="there-by-its-digits"),
        pytest.param([OWN], [("3315550199", 2, True)], [(OWN, 2, True)], id="the-one-of-the-type-is-replaced"),
        pytest.param(
            [OWN], [("3315550199", 7, True)], [("3315550199", 7, False), (OWN, 2, True)], id="not-one-of-another-type"
        ),
        pytest.param(
            [OWN],
            [("3315550199", 2, True), ("3315550198", 2, False)],
            [("3315550199", 2, False), ("3315550198", 2, False), (OWN, 2, True)],
            id="several-of-the-type-stay",
        ),
        pytest.param(
            [OWN, "3315550199"],
            [("3315550199", 2, True)],
            [("3315550199", 2, False), (OWN, 2, True)],
            id="nor-one-of-the-contact",
        ),
        pytest.param(
            [OWN, "3315550199"], [("7", 2, True)], [(OWN, 2, True), ("3315550199", 2, False)], id="the-primary-takes-it"
        ),
        pytest.param([OWN], [("000-000-0000", 7, True)], [(OWN, 7, True)], id="in-the-place-of-a-placeholder"),
        pytest.param(["0000000000"], [], [("000-000-0000", 2, True)], id="a-placeholder-where-there-is-none"),
        pytest.param(["0000000000"], [("000-000-0000", 7, True)], [("000-000-0000", 7, True)], id="one-is-enough"),
        pytest.param(["0000000000"], [(OWN, 7, True)], [(OWN, 7, True)], id="no-placeholder-beside-a-number"),
        pytest.param(["0000000000", OWN], [], [(OWN, 2, True)], id="nor-the-one-beside-a-number-in-it-glue"),
        pytest.param(
            ["0000000000"],
            [(OWN, 7, True), ("000-000-0000", 7, False)],
            [(OWN, 7, True), ("000-000-0000", 7, False)],
            id="nor-is-it-ever-the-default-there",
        ),
        pytest.param([], [(OWN, 7, True)], [(OWN, 7, True)], id="nothing-is-lost"),
        pytest.param([], [(OWN, 7, False)], [(OWN, 7, False)], id="no-default-is-set-without-another-change"),
        pytest.param(
            [],
            [(OWN, 7, False), ("3315550199", 7, True)],
            [(OWN, 7, False), ("3315550199", 7, True)],
            id="the-default-stays",
        ),
    ],
)
def test_phones(ours, theirs, expected):
    something = ready(phones=tuple(Phone(value, "Office", primary=not place) for place, value in enumerate(ours)))
    found = phones(something, in_bms(5, phones=numbers(*theirs)), DESK)
    assert [(each.number, each.type_id, each.default) for each in found] == expected


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("order_in_bms", [1, -1])
def test_of_several_primary_phones_bms_keeps_its_default_in_whatever_order_both_have_them(order, order_in_bms):
    ours = (Phone(OWN, "Office", primary=True), Phone("4155550101", "Mobile", primary=True))[::order]
    theirs = numbers(("4155550101", 2, True), (OWN, 2, False))[::order_in_bms]
    assert phones(ready(phones=ours), in_bms(5, phones=theirs), DESK) == theirs


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        pytest.param([], [(OWN, 2, True)], id="the-first-becomes-it-where-there-is-none"),
        pytest.param([("3315550199", 7, True)], [("3315550199", 7, True), (OWN, 2, False)], id="the-one-there-stays"),
    ],
)
def test_the_default_phone_where_the_primary_phone_is_a_fax(theirs, expected):
    fax, number = Phone("4155550177", "Fax", primary=True), Phone(OWN, "Office")
    found = phones(ready(phones=(fax, number)), in_bms(5, phones=numbers(*theirs)), DESK)
    assert [(each.number, each.type_id, each.default) for each in found] == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "region", "expected"),
    [
        pytest.param("+442079460958", "020 7946 0958", "GB", "020 7946 0958", id="national-there"),
        pytest.param("020 7946 0958", "+442079460958", "GB", "+442079460958", id="national-here"),
        pytest.param("+442079460958", "+44 (0)20 7946 0958", None, "+44 (0)20 7946 0958", id="trunk-zero"),
        pytest.param("+14155550100", "4155550100 x44", "US", "4155550100 x44", id="without-the-country"),
        pytest.param("+442079460958", "020 7946 0959", "GB", "+442079460958", id="another-number"),
    ],
)
def test_numbers_in_bms_are_compared_as_telephone_numbers(ours, theirs, region, expected):
    something = ready(phones=(Phone(ours, "Office", primary=True),))
    (found,) = phones(something, in_bms(5, phones=numbers((theirs, 2, False))), DESK, region)
    assert (found.number, found.default) == (expected, True)


LONDON = Location(10, "Head Office", primary=True, country="United Kingdom")


@pytest.mark.parametrize(
    ("country", "places"),
    [
        pytest.param("GB", (), id="of-the-user"),
        pytest.param(None, (LONDON,), id="of-the-location"),
    ],
)
def test_the_country_of_numbers_in_bms(country, places):
    someone = person("ann.lee", usage_location=country, business_phones=("+44 20 7946 0958",))
    something = linked(phones=(Phone("+442079460958", "Office", primary=True),))
    there = replace(SAME, phones=numbers(("020 7946 0958", 2, True)))
    operation, dummy = followed(someone, something, there, locations=places)
    assert becomes(operation) == {}


def test_locations_are_read_where_a_number_in_bms_has_other_digits():
    planning = Planning(
        snapshot([ANN], [linked()], bms_settings=PUSHING),
        options(update_linked=True),
        Findings(bms=bms(replace(SAME, phones=numbers(("4155550199", 2, True))))),
    )
    assert planning.needs == {Need.LOCATIONS}


@pytest.mark.parametrize(
    ("something", "there", "needs"),
    [
        pytest.param(linked(title="Boss"), SAME, set(), id="nothing-to-add"),
        pytest.param(linked(), replace(SAME, emails=()), {Need.BMS_TYPES}, id="an-e-mail"),
        pytest.param(linked(), replace(SAME, phones=()), {Need.BMS_TYPES}, id="a-number"),
        pytest.param(linked(), None, set(), id="not-in-bms"),
        pytest.param(ready(), replace(SAME, phones=numbers(("0000000000", 7, True))), {Need.BMS_TYPES}, id="unlinked"),
        pytest.param(
            ready(emails=(*ready().emails, Email("al@x.io", "Home")), phones=(Phone("000-000-0000", primary=True),)),
            replace(SAME, phones=numbers(("0000000000", 7, True))),
            set(),
            id="an-e-mail-of-an-unlinked-one-is-not-added",
        ),
    ],
)
def test_types_are_read_where_something_has_to_be_added(something, there, needs):
    read = snapshot([person("ann.lee", usage_location="US")], [something], bms_settings=PUSHING)
    found = bms(*[there] if there else [])
    planning = Planning(read, options(update_linked=True), Findings(bms=found))
    assert planning.needs == needs


def test_a_fax_is_no_phone_there():
    assert phones(ready(phones=(Phone(OWN, "Fax", kind="fax", primary=True),)), in_bms(5), DESK) == ()


def test_without_a_type_no_number_is_written():
    there = in_bms(5, phones=numbers(("3315550199", 2, True)))
    assert phones(ready(), there, None) == there.phones


# ------------------------------------------------------------------ what is sent


@pytest.mark.parametrize(
    ("was", "becomes", "changes"),
    [
        pytest.param([("a", True)], [("a", True)], [], id="nothing"),
        pytest.param(
            [("a", True)], [("a", False), ("b", True)], [EntryChange("add", "b", type_id=2, default=True)], id="added"
        ),
        pytest.param([("a", True)], [("b", True)], [EntryChange("update", "a", "b")], id="replaced"),
        pytest.param(
            [("a", True), ("b", False)],
            [("a", False), ("b", True)],
            [EntryChange("update", "b", default=True)],
            id="default",
        ),
        pytest.param(
            [("a", False), ("b", True)],
            [("c", True)],
            [EntryChange("update", "a", "c", default=True), EntryChange("delete", "b")],
            id="taken-back",
        ),
    ],
)
def test_lists_are_sent_as_changes_of_single_entries(was, becomes, changes):
    def entries(rows):
        return [{"number": value, "type_id": 2, "type_name": None, "default": default} for value, default in rows]

    assert entry_changes(PHONES, entries(was), entries(becomes)) == changes


def test_fields_are_read_as_they_were_encoded():
    values = encode(SAME, ["LastName", EMAILS, PHONES])
    assert with_fields(in_bms(90211, first="Ann"), values) == SAME


@pytest.mark.parametrize(
    ("field", "one", "other", "same"),
    [
        pytest.param("JobTitle", "", None, True, id="blank"),
        pytest.param("JobTitle", " Boss", "Boss", True, id="trimmed"),
        pytest.param("IsActive", False, None, True, id="inactive"),
        pytest.param("IsActive", True, False, False, id="active"),
        pytest.param(EMAILS, encode(SAME, [EMAILS])[EMAILS], [], False, id="lists"),
    ],
)
def test_values_are_the_same_once_bms_has_normalised_them(field, one, other, same):
    assert same_value(field, one, other) is same


# ---------------------------------------------------------------------- exceeded_limits


def test_it_counts_once_as_an_update():
    someone = person("ann.lee", job_title="Boss")
    dummy, plan = followed(someone, linked(), SAME, max_updates="0", max_pushes="0")
    assert limits(plan) == [("max_updates", 1, 0)]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param({"phones": numbers(("000-000-0000", 7, True))}, [("4155550100", 7, True)], id="a-placeholder"),
        pytest.param({"phones": numbers(("3315550199", 2, True))}, None, id="another-number-stays"),
        pytest.param({"phones": (), "last_name": "Other"}, None, id="nothing-else-is-updated"),
    ],
)
@pytest.mark.parametrize("update_linked", [True, False])
def test_a_placeholder_of_a_contact_that_was_found_by_address_is_replaced(there, expected, update_linked):
    """It is not linked: beside a blank job title that is all that is set there."""
    read = snapshot([ANN], [ready()], bms_settings=PUSHING)
    (operation,) = planned(read, bms(replace(SAME, **there)), update_linked=update_linked).operations
    assert operation.bms.push == "already_in_bms"
    found = becomes(operation).get(PHONES, [])
    rows = [(each["number"], each["type_id"], each["default"]) for each in found]
    assert rows == ((expected or []) if update_linked else [])
    assert becomes(operation).keys() <= {PHONES}


@pytest.mark.parametrize("more", [(), (Phone("4155550199", "Fax", kind="fax"),)], ids=["", "beside-a-fax"])
def test_a_placeholder_stays_as_it_is_where_it_glue_has_no_number_either(more):
    ours = (Phone("000-000-0000", "Office", primary=True), *more)
    there = replace(SAME, phones=numbers(("000-000-0000", 7, False)))
    read = snapshot([ANN], [ready(phones=ours)], bms_settings=PUSHING)
    (operation,) = planned(read, bms(there), update_linked=True).operations
    assert (operation.bms.push, becomes(operation)) == ("already_in_bms", {})


def test_a_placeholder_of_a_contact_that_was_found_by_name_alone_stays():
    there = in_bms(5, first="Ann", last="Lee", phones=numbers(("000-000-0000", 7, True)))
    read = snapshot([ANN], [ready()], bms_settings=PUSHING)
    (operation,) = planned(read, bms(there), update_linked=True).operations
    assert (operation.bms.push, becomes(operation)) == ("already_in_bms", {})

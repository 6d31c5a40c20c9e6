# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was read to what would be done: linked contacts, actions, exceeded_limits (feature, sections 4 and 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter, ContactType, Email
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Operation
from tests.unit.engine.builders import (
    NATIVE,
    OFFICE,
    PUSHING,
    bms,
    contact,
    drafted,
    in_bms,
    linked,
    options,
    person,
    planned,
    ready,
    snapshot,
    user,
)

ANN = person("ann.lee")
CLERK = person("ann.lee", job_title="Clerk")

# ----------------------------------------------------------------------- linked

BMS = Adapter("Kaseya BMS", "5", sync=True)


@pytest.mark.parametrize(
    ("adapters", "psa_integration", "expected"),
    [
        pytest.param((), None, None, id="unlinked-when-both-say-so"),
        pytest.param((), "", None, id="blank-is-null"),
        pytest.param((BMS,), "enabled", "linked", id="both"),
        pytest.param((BMS,), None, "linked", id="adapter-alone"),
        pytest.param((), "enabled", "linked", id="psa-integration-alone"),
        pytest.param((), "anything", "linked", id="any-non-null-psa-integration"),
        pytest.param((Adapter("VOREX cloud", "5", sync=True),), None, "linked", id="vorex-of-any-case"),
        pytest.param((Adapter("Microsoft", "6f1c", sync=True),), None, None, id="microsoft-is-no-psa"),
        pytest.param((BMS,), "orphaned", "orphaned", id="orphaned"),
        pytest.param((replace(BMS, orphaned=True),), "enabled", "orphaned", id="orphaned-by-its-adapter"),
        pytest.param((BMS,), "disabled", "disabled", id="disabled"),
        pytest.param((replace(BMS, sync=False),), None, "disabled", id="disabled-by-its-adapter"),
        pytest.param((replace(BMS, sync=False, orphaned=True),), "disabled", "orphaned", id="orphaned-before-disabled"),
    ],
)
def test_link(adapters, psa_integration, expected):
    something = ready(adapters=adapters, psa_integration=psa_integration)
    found = drafted(snapshot([CLERK], [something], bms_settings=PUSHING))["ann.lee"]
    assert found.action == ("linked" if expected else "update")
    assert found.push == (None if expected else "undecided")
    assert found.attention is (expected in ("orphaned", "disabled"))
    assert (found.reason is None) is (expected in (None, "linked"))
    if expected in ("orphaned", "disabled"):
        assert expected in found.reason


def test_the_names_of_the_adapter_are_an_option():
    read = snapshot([CLERK], [ready(adapters=(Adapter("Kaseya PSA", "5", sync=True),))])
    assert drafted(read)["ann.lee"].action == "update"
    assert drafted(read, bms_adapter_names=("kaseya psa",))["ann.lee"].action == "linked"


def test_a_linked_contact_is_neither_pushed_nor_updated():
    found = drafted(snapshot([CLERK], [linked()], bms_settings=PUSHING))["ann.lee"]
    assert (found.action, found.push, found.after, found.bms_contact_id, found.writes) == (
        "linked",
        None,
        {},
        90211,
        False,
    )
    assert not found.noteworthy


def test_update_linked_updates_but_does_not_push():
    found = drafted(snapshot([CLERK], [linked()], bms_settings=PUSHING), update_linked=True)["ann.lee"]
    assert (found.action, found.push, found.after, found.bms_contact_id) == ("update", None, {"title": "Clerk"}, 90211)


def test_update_linked_with_nothing_to_update_is_linked():
    found = drafted(snapshot([ANN], [linked()]), update_linked=True)["ann.lee"]
    assert (found.action, found.noteworthy) == ("linked", False)


@pytest.mark.parametrize("someone", [ANN, CLERK], ids=["unchanged", "updated"])
def test_update_linked_reports_a_broken_link_all_the_same(someone):
    read = snapshot([someone], [linked(psa_integration="orphaned")])
    found = drafted(read, update_linked=True)["ann.lee"]
    assert (found.attention, "orphaned" in found.reason) == (True, True)


def test_the_placeholder_goes_to_a_linked_contact_only_with_update_linked():
    values = {"replace_blank_phone_numbers": True, "phone_type": "Office"}
    read = snapshot([ANN], [linked(phones=())], **values)
    assert drafted(read)["ann.lee"].after == {}
    (entry,) = drafted(read, update_linked=True)["ann.lee"].after["contact-phones"]
    assert (entry["value"], entry["primary"]) == ("000-000-0000", True)


# ---------------------------------------------------------------------- actions


def test_each_user_has_one_operation_in_the_order_of_the_usernames():
    users = [person("Bob"), person("ann"), person("cid", account_enabled=False)]
    plan = planned(snapshot(users))
    assert [each.user for each in plan.operations] == ["ann@client.example", "Bob@client.example", "cid@client.example"]


def test_create_sends_what_is_there_and_never_without_its_e_mails():
    found = drafted(snapshot([ANN]))["ann.lee"]
    assert (found.action, found.contact_id, found.before, found.push) == ("create", None, {}, "off")
    assert found.after == {
        "first-name": "Ann",
        "last-name": "Lee",
        "location-id": 10,
        "contact-emails": [{"value": "ann.lee@client.example", "label-name": "Work", "primary": True}],
    }


def test_no_address_at_all_is_failed_with_the_reason():
    nobody = person("ann.lee", username="ann", mail=None, proxy_addresses=("SIP:ann@client.example",))
    found = drafted(snapshot([nobody], bms_settings=PUSHING))["ann"]
    assert (found.action, found.push, found.after) == ("failed", None, {})
    assert "no e-mail address" in found.reason


def test_update_tells_the_fields_it_touches_before_and_after():
    something = ready(title="Boss", emails=(Email("old@x.io", "Home", True),))
    found = drafted(snapshot([CLERK], [something]))["ann.lee"]
    assert (found.action, found.matched_by, found.contact_id) == ("update", "name", 72)
    assert found.before == {
        "title": "Boss",
        "contact-emails": [{"value": "old@x.io", "label-name": "Home", "primary": True}],
    }
    assert found.after == {
        "title": "Clerk",
        "contact-emails": [
            {"value": "old@x.io", "label-name": "Home", "primary": False},
            {"value": "ann.lee@client.example", "label-name": "Work", "primary": True},
        ],
    }


def test_unchanged():
    found = drafted(snapshot([ANN], [ready()]))["ann.lee"]
    assert (found.action, found.before, found.after, found.writes, found.noteworthy) == (
        "unchanged",
        {},
        {},
        False,
        False,
    )


def test_a_left_out_user_is_excluded_with_the_first_reason_and_its_contact_named():
    found = drafted(snapshot([person("ann.lee", account_enabled=False, sku_ids=()), person("bob")], [ready()]))[
        "ann.lee"
    ]
    assert (found.action, found.reason, found.contact_id, found.push) == ("excluded", "disabled", 72, None)


def test_an_ignored_user_is_excluded_and_its_contact_is_free():
    users = [ANN, person("al", given_name="Ann", surname="Lee")]
    found = drafted(snapshot(users, [ready()]), match_overrides={"id-ann.lee": "ignore"})
    assert (found["ann.lee"].action, found["ann.lee"].reason) == ("excluded", "override")
    assert (found["al"].contact_id, found["al"].matched_by) == (72, "name")


def test_users_limits_what_is_done_not_what_is_matched():
    users = [person("ann"), person("al", given_name="Ann")]
    read = snapshot(users, [contact(1, first="Ann", last="Lee")])
    found = drafted(read, users=frozenset({"al@client.example"}))
    assert {name: each.action for name, each in found.items()} == {"ann": "excluded", "al": "conflict"}


@pytest.mark.parametrize(
    ("users", "contacts", "words"),
    [
        pytest.param(
            [ANN, person("al", given_name="Ann", surname="Lee")],
            [contact(1, first="Ann", last="Lee")],
            "The user matches contact 1 by first and last name, and so does al@client.example.",
            id="two-users",
        ),
        pytest.param(
            [user("ann.lee")],
            [contact(1, "ann.lee@client.example"), contact(2, "ann.lee@client.example")],
            "The user matches contacts 1, 2 by an e-mail address.",
            id="two-contacts",
        ),
        pytest.param(
            [user("ann.lee", username="a@x.io"), user("bob", username="A@x.io"), user("cid", username="a@X.io")],
            [contact(1, "a@x.io")],
            "The user matches contact 1 by the username, and so do",
            id="three-users",
        ),
    ],
)
def test_a_conflict_writes_nothing_and_says_who(users, contacts, words):
    read = snapshot(users, contacts, user_filter={"require_name": False}, bms_settings=PUSHING)
    found = next(each for each in planning.draft(read, options()).operations() if each.user_id == "id-ann.lee")
    assert (found.action, found.push, found.after, found.writes) == ("conflict", None, {}, False)
    assert words in found.reason
    assert "match_overrides" in found.reason


def test_new_names_the_id_to_put_in_its_place():
    read = snapshot([ANN], [ready()], bms_settings=PUSHING)
    plan = planned(read, bms(in_bms(5, "ann.lee@client.example")), match_overrides={"id-ann.lee": "new"})
    (found,) = plan.operations
    assert (found.action, found.contact_id, found.matched_by, found.push) == (
        "unchanged",
        72,
        "override",
        "already_in_bms",
    )
    assert "put 72 in the place of 'new'" in found.reason
    assert "BMS contact 5" in found.reason
    assert found.noteworthy


def test_new_names_the_id_of_a_linked_contact_too():
    found = drafted(snapshot([ANN], [linked()]), match_overrides={"id-ann.lee": "new"})["ann.lee"]
    assert (found.action, found.noteworthy, "put 72" in found.reason) == ("linked", True, True)


def test_new_creates_beside_a_namesake():
    found = drafted(snapshot([ANN], [contact(1, first="Ann", last="Lee")]), match_overrides={"id-ann.lee": "new"})
    assert (found["ann.lee"].action, found["ann.lee"].reason) == ("create", None)


def test_two_new_ones_of_one_address_say_why_they_are_a_conflict():
    users = [person("ann", mail="both@x.io"), person("bob", mail="both@x.io")]
    found = drafted(snapshot(users), match_overrides={"id-ann": "new", "id-bob": "new"})
    assert (
        found["ann"].reason == "'new' cannot tell the user from bob@client.example: they have the same primary address."
    )


def test_contacts_with_a_microsoft_adapter_bring_a_warning():
    microsoft = Adapter("Microsoft", "6f1c", sync=True)
    plan = planned(snapshot([ANN], [ready(adapters=(microsoft,)), contact(73, adapters=(microsoft,))]))
    (warning,) = plan.warnings
    assert "2 of the organization's contacts" in warning
    assert "primary_email: username" in warning


# --------------------------------------- what the next run would not match again


@pytest.mark.parametrize(
    ("users", "contacts", "expected"),
    [
        pytest.param(
            [person("ann", mail="both@x.io"), person("bob", mail="both@x.io")],
            [],
            {"ann": "failed", "bob": "failed"},
            id="two-new-ones-of-one-address",
        ),
        pytest.param(
            [person("ann", mail=None, proxy_addresses=()), person("bob", proxy_addresses=("smtp:ann@client.example",))],
            [],
            {"ann": "failed", "bob": "failed"},
            id="the-username-of-one-is-the-alias-of-another",
        ),
        pytest.param(
            [
                person("ann"),
                person(
                    "bob", proxy_addresses=("smtp:ann@client.onmicrosoft.com",), username="ann@client.onmicrosoft.com"
                ),
            ],
            [],
            {"ann": "create", "bob": "create"},
            id="an-address-that-is-not-written-does-no-harm",
        ),
        pytest.param(
            [person("ann", proxy_addresses=("smtp:old@x.io",)), person("bob", mail="old@x.io", account_enabled=False)],
            [contact(1, "ann@client.example")],
            {"ann": "failed", "bob": "excluded"},
            id="an-alias-that-a-left-out-user-holds-too",
        ),
        pytest.param(
            [person("ann", proxy_addresses=("smtp:old@x.io",)), person("bob", mail="old@x.io", account_enabled=False)],
            [contact(1, "ann@client.example", "old@x.io", "x@y.io", first="Ann", last="Lee")],
            {"ann": "conflict", "bob": "excluded"},
            id="one-that-is-there-already-is-a-conflict",
        ),
    ],
)
def test_what_could_not_be_matched_again_is_failed(users, contacts, expected):
    found = planning.draft(snapshot(users, contacts), options()).operations((OFFICE,))
    assert {each.user_id.removeprefix("id-"): each.action for each in found} == expected
    for each in found:
        if each.action == "failed":
            assert (each.push, each.after, each.writes) == (None, {}, False)
            assert "shares the address" in each.reason


def test_who_shares_no_address_is_written_all_the_same():
    users = [person("ann", mail="both@x.io"), person("bob", mail="both@x.io"), person("cid"), person("dan")]
    found = drafted(snapshot(users, [contact(1, "cid@client.example")]))
    assert {name: each.action for name, each in found.items()} == {
        "ann": "failed",
        "bob": "failed",
        "cid": "update",
        "dan": "create",
    }


# ------------------------------------------------------------- what has to be read


@pytest.mark.parametrize(
    ("users", "contacts", "more", "locations", "creates"),
    [
        pytest.param([ANN], [], {}, True, True, id="create"),
        pytest.param([ANN], [ready()], {}, False, False, id="a-contact-with-a-location"),
        pytest.param([ANN], [ready(location_id=None)], {}, True, False, id="a-contact-without-one"),
        pytest.param([ANN], [linked(location_id=None)], {}, False, False, id="a-linked-one"),
        pytest.param([ANN], [linked(location_id=None)], {"update_linked": True}, True, False, id="update_linked"),
        pytest.param([ANN], [ready(location_id=None), ready(73, location_id=None)], {}, False, False, id="conflict"),
        pytest.param(
            [person("x"), ANN], [ready(72, "x")], {"users": frozenset({"id-x"})}, False, False, id="not-chosen"
        ),
    ],
)
def test_what_a_draft_needs(users, contacts, more, locations, creates):
    found = planning.draft(snapshot(users, contacts), options(**more))
    assert (found.needs_locations, found.creates) == (locations, creates)


TYPES = (ContactType(25, "Approver"), ContactType(24, "End User"), ContactType(26, "end user"))


def test_the_contact_type_is_found_by_name_for_new_contacts():
    read = snapshot([ANN], contact_type=" END user")
    found = drafted(read, contact_types=TYPES)["ann.lee"]
    assert found.after["contact-type-id"] == 24


def test_a_contact_type_that_it_glue_does_not_have_is_an_error_where_one_is_needed():
    with pytest.raises(InputError, match=r"'Boss'.*option contact_type.*Approver, End User"):
        drafted(snapshot([ANN], contact_type="Boss"), contact_types=TYPES)
    assert drafted(snapshot([ANN], [ready()], contact_type="Boss"))["ann.lee"].action == "unchanged"


# --------------------------------------------------------------------- exceeded_limits


@pytest.mark.parametrize(
    ("given", "kept", "expected"),
    [
        pytest.param(None, 10, 25, id="default-25"),
        pytest.param(None, 50, 25, id="default-at-the-border"),
        pytest.param(None, 53, 26, id="default-half-rounded-down"),
        pytest.param(None, 1000, 500, id="default-half"),
        pytest.param("", 10, 25, id="blank-is-the-default"),
        pytest.param("0", 1000, 0, id="0-allows-none"),
        pytest.param("0%", 1000, 0, id="0-percent"),
        pytest.param("7", 1000, 7, id="number"),
        pytest.param(" 7 ", 1000, 7, id="number-with-blanks"),
        pytest.param("20%", 1000, 200, id="percentage"),
        pytest.param("20 %", 1000, 200, id="percentage-with-a-blank"),
        pytest.param("33%", 10, 3, id="rounded-down"),
        pytest.param("10%", 9, 0, id="rounded-down-to-none"),
        pytest.param("12.5%", 8, 1, id="fraction-of-a-percent"),
        pytest.param("0.1%", 1000, 1, id="exact-where-floats-are-not"),
        pytest.param("29%", 100, 29, id="exact-again"),
        pytest.param("250%", 10, 25, id="more-than-all"),
        pytest.param("007", 10, 7, id="leading-zeros"),
    ],
)
def test_allowed(given, kept, expected):
    assert planning.allowed("max_creates", given, kept) == expected


@pytest.mark.parametrize(
    "given", ["-1", "many", "1.5", "%", "1,5%", "10%%", "1e3", "0x10", "٣", "½%", "1_000", ".", ".%", "1 0", "+5", "5."]
)
def test_a_malformed_ceiling_is_an_error(given):
    with pytest.raises(InputError, match="max_creates is .* neither a number nor a percentage"):
        planning.allowed("max_creates", given, 100)


def planned_with(exceeded_limits, bms_settings=PUSHING):
    """Two creates, three updates, of which four are pushed; the fifth has its job title filled in BMS."""
    phones = {"business_phones": ("415-555-0100",)}
    users = [person(name, job_title="Clerk", **phones) for name in ("a.a", "b.b", "c.c", "d.d", "e.e")]
    contacts = [ready(1, "c.c"), ready(2, "d.d"), ready(3, "e.e", title="Clerk")]
    read = snapshot(users, contacts, bms_settings=bms_settings, set_phone_numbers_primary=True, phone_type="Office")
    return planned(read, bms(in_bms(5, "e.e@client.example")), **exceeded_limits)


@pytest.mark.parametrize(
    ("exceeded_limits", "expected"),
    [
        pytest.param({"max_creates": "2", "max_updates": "3", "max_pushes": "4"}, [], id="just-allowed"),
        pytest.param({"max_creates": "1"}, [("max_creates", 2, 1)], id="creates"),
        pytest.param({"max_updates": "2"}, [("max_updates", 3, 2)], id="updates-job-titles-in-bms-included"),
        pytest.param({"max_pushes": "3"}, [("max_pushes", 4, 3)], id="pushes"),
        pytest.param({"max_creates": "20%"}, [("max_creates", 2, 1)], id="percentage-of-the-kept-users"),
        pytest.param(
            {"max_creates": "40%", "max_updates": "40%"}, [("max_updates", 3, 2)], id="just-allowed-percentage"
        ),
        pytest.param(
            {"max_creates": "0", "max_updates": "0", "max_pushes": "0"},
            [("max_creates", 2, 0), ("max_updates", 3, 0), ("max_pushes", 4, 0)],
            id="all",
        ),
    ],
)
def test_ceilings(exceeded_limits, expected):
    plan = planned_with(exceeded_limits)
    assert [(each.option, each.count, each.limit) for each in plan.passed] == expected
    assert len(plan.operations) == 5


def test_what_it_glue_would_push_counts_too():
    plan = planned_with({"max_pushes": "3"}, NATIVE)
    assert [(each.option, each.count, each.limit) for each in plan.passed] == [("max_pushes", 4, 3)]


def test_the_ceilings_count_the_kept_users_of_the_filter_not_of_the_task():
    users = [person(f"u{number}") for number in range(4)] + [person("out", sku_ids=())]
    plan = planned(snapshot(users), users=frozenset({"id-u0", "id-u1"}), max_creates="25%")
    assert [(each.count, each.limit) for each in plan.passed] == [(2, 1)]


def test_the_default_ceilings_are_on():
    users = [person(f"u{number}") for number in range(26)]
    read = snapshot(users)
    found = planning.draft(read, planning.Options())
    plan = planning.complete(found, found.operations((OFFICE,)))
    assert [(each.option, each.count, each.limit) for each in plan.passed] == [("max_creates", 26, 25)]


# ----------------------------------------------------------- what is worth telling


@pytest.mark.parametrize(
    ("values", "writes", "noteworthy"),
    [
        pytest.param({"action": "create"}, True, True, id="create"),
        pytest.param({"action": "update"}, True, True, id="update"),
        pytest.param({"action": "unchanged"}, False, False, id="unchanged"),
        pytest.param({"action": "linked"}, False, False, id="linked"),
        pytest.param({"action": "excluded"}, False, False, id="excluded"),
        pytest.param({"action": "conflict"}, False, True, id="conflict"),
        pytest.param({"action": "deferred"}, False, True, id="deferred"),
        pytest.param({"action": "failed"}, False, True, id="failed"),
        pytest.param({"action": "unchanged", "push": "pushed"}, True, True, id="pushed"),
        pytest.param({"action": "unchanged", "push": "already_in_bms"}, False, False, id="already_in_bms"),
        pytest.param(
            {"action": "unchanged", "push": "already_in_bms", "job_title": "Clerk"}, True, True, id="job-title-filled"
        ),
        pytest.param({"action": "unchanged", "push": "off"}, False, False, id="off"),
        pytest.param({"action": "unchanged", "push": "pending"}, False, True, id="pending"),
        pytest.param({"action": "unchanged", "push": "not_ready"}, False, True, id="not_ready"),
        pytest.param({"action": "unchanged", "push": "conflict"}, False, True, id="push-conflict"),
        pytest.param({"action": "unchanged", "push": "deferred"}, False, True, id="push-deferred"),
        pytest.param({"action": "unchanged", "push": "failed"}, False, True, id="push-failed"),
        pytest.param({"action": "unchanged", "locked": ("contact-emails",)}, False, True, id="locked"),
        pytest.param({"action": "unchanged", "unapplied": ("name",)}, False, True, id="unapplied"),
        pytest.param({"action": "linked", "attention": True}, False, True, id="attention"),
    ],
)
def test_operation(values, writes, noteworthy):
    found = Operation(user="ann", user_id="1", **values)
    assert (found.writes, found.noteworthy) == (writes, noteworthy)


def test_a_steady_tenant_has_nothing_to_tell():
    users = [person(f"user{number}.lee") for number in range(20)]
    contacts = [linked(number, f"user{number}.lee", 1000 + number) for number in range(10)]
    contacts += [ready(number, f"user{number}.lee") for number in range(10, 20)]
    present = bms(*(in_bms(1000 + number, f"user{number}.lee@client.example") for number in range(20)))
    plan = planned(snapshot(users, contacts, bms_settings=PUSHING), present)
    assert [each for each in plan.operations if each.noteworthy or each.writes] == []
    assert (plan.conflicts, plan.passed, plan.warnings) == ((), (), ())

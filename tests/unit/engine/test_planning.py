# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what was read to what would be done: linked contacts, actions, limits, and what has to be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.limits import allowed
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsPhone,
    ContactType,
    Email,
    Phone,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Need, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from tests.unit.engine.builders import (
    NATIVE,
    OFFICE,
    PUSHING,
    bms,
    codes,
    contact,
    contact_named,
    drafted,
    in_bms,
    limits,
    linked,
    options,
    person,
    planned,
    planning_of,
    ready,
    snapshot,
    user,
    user_named,
    values_of,
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
    assert found.itglue.action == ("linked" if expected else "update")
    assert found.bms.push == (None if expected else "undecided")
    assert found.attention is (expected in ("orphaned", "disabled"))
    assert codes(found) == ([] if expected in (None, "linked") else ["link_inactive"])
    if expected in ("orphaned", "disabled"):
        assert values_of(found, ReasonCode.LINK_INACTIVE) == {"state": expected}


@pytest.mark.parametrize(
    ("bms_settings", "action", "push"),
    [
        pytest.param(PUSHING, "update", "deferred", id="direct"),
        pytest.param(NATIVE, "deferred", "deferred", id="native-would-push-it-once-it-is-written"),
        pytest.param(replace(NATIVE, contact_sync=False), "update", "off", id="nothing-is-pushed"),
    ],
)
def test_a_contact_whose_link_is_unknown_is_not_pushed(bms_settings, action, push):
    found = drafted(snapshot([CLERK], [ready(link_known=False)], bms_settings=bms_settings))["ann.lee"]
    assert (found.itglue.action, found.bms.push, codes(found)) == (action, push, ["link_unknown"])
    assert found.attention


def test_what_says_that_a_contact_is_linked_counts_although_the_rest_is_unknown():
    found = drafted(snapshot([CLERK], [linked(link_known=False)], bms_settings=PUSHING))["ann.lee"]
    assert (found.itglue.action, found.bms.push, codes(found)) == ("linked", None, [])


def test_the_names_of_the_adapter_are_an_option():
    read = snapshot([CLERK], [ready(adapters=(Adapter("Kaseya PSA", "5", sync=True),))])
    assert drafted(read)["ann.lee"].itglue.action == "update"
    assert drafted(read, bms_adapter_names=("kaseya psa",))["ann.lee"].itglue.action == "linked"


def test_a_linked_contact_is_neither_pushed_nor_updated():
    found = drafted(snapshot([CLERK], [linked()], bms_settings=PUSHING))["ann.lee"]
    assert (found.itglue, found.bms) == (ItGluePart(Action.LINKED, 72), BmsPart(None, 90211))
    assert not found.writes
    assert not found.noteworthy


def test_update_linked_updates_but_does_not_push():
    found = drafted(snapshot([CLERK], [linked()], bms_settings=PUSHING), update_linked=True)["ann.lee"]
    assert (found.itglue.action, found.itglue.after, found.bms) == ("update", {"title": "Clerk"}, BmsPart(None, 90211))


def test_update_linked_with_nothing_to_update_is_linked():
    found = drafted(snapshot([ANN], [linked()]), update_linked=True)["ann.lee"]
    assert (found.itglue.action, found.noteworthy) == ("linked", False)


@pytest.mark.parametrize("someone", [ANN, CLERK], ids=["unchanged", "updated"])
def test_update_linked_reports_a_broken_link_all_the_same(someone):
    read = snapshot([someone], [linked(psa_integration="orphaned")])
    found = drafted(read, update_linked=True)["ann.lee"]
    assert (found.attention, codes(found)) == (True, ["link_inactive"])


def test_the_placeholder_goes_to_a_linked_contact_only_with_update_linked():
    values = {"replace_blank_phone_numbers": True, "phone_type": "Office"}
    read = snapshot([ANN], [linked(phones=())], **values)
    assert drafted(read)["ann.lee"].itglue.after == {}
    (entry,) = drafted(read, update_linked=True)["ann.lee"].itglue.after["contact-phones"]
    assert (entry["value"], entry["primary"]) == ("000-000-0000", True)


# ---------------------------------------------------------------------- actions


def test_each_user_has_one_operation_in_the_order_of_the_usernames():
    users = [person("Bob"), person("ann"), person("cid", account_enabled=False)]
    plan = planned(snapshot(users))
    assert [each.user for each in plan.operations] == ["ann@client.example", "Bob@client.example", "cid@client.example"]


def test_create_sends_what_is_there_and_never_without_its_e_mails():
    found = drafted(snapshot([ANN]))["ann.lee"]
    assert (found.itglue.action, found.itglue.contact_id, found.bms.push) == ("create", None, "off")
    assert found.itglue.before == {}
    assert found.itglue.after == {
        "first-name": "Ann",
        "last-name": "Lee",
        "location-id": 10,
        "contact-emails": [{"value": "ann.lee@client.example", "label-name": "Work", "primary": True}],
    }


def test_no_address_at_all_is_failed_with_the_reason():
    nobody = person("ann.lee", username="ann", mail=None, proxy_addresses=("SIP:ann@client.example",))
    found = drafted(snapshot([nobody], bms_settings=PUSHING))["ann"]
    assert (found.itglue, found.bms, codes(found)) == (ItGluePart(Action.FAILED), BmsPart(), ["no_address"])


def test_update_has_the_fields_it_changes_before_and_after():
    something = ready(title="Boss", emails=(Email("old@x.io", "Home", True),))
    found = drafted(snapshot([CLERK], [something]))["ann.lee"]
    assert (found.itglue.action, found.matched_by, found.itglue.contact_id) == ("update", "name", 72)
    assert found.itglue.before == {
        "title": "Boss",
        "contact-emails": [{"value": "old@x.io", "label-name": "Home", "primary": True}],
    }
    assert found.itglue.after == {
        "title": "Clerk",
        "contact-emails": [
            {"value": "old@x.io", "label-name": "Home", "primary": False},
            {"value": "ann.lee@client.example", "label-name": "Work", "primary": True},
        ],
    }


def test_unchanged():
    found = drafted(snapshot([ANN], [ready()]))["ann.lee"]
    assert (found.itglue.action, found.itglue.before, found.itglue.after) == ("unchanged", {}, {})
    assert (found.writes, found.noteworthy) == (False, False)


def test_a_user_is_excluded_with_the_first_reason_and_its_contact_named():
    found = drafted(snapshot([person("ann.lee", account_enabled=False, sku_ids=()), person("bob")], [ready()]))[
        "ann.lee"
    ]
    assert (found.itglue, found.bms) == (ItGluePart(Action.EXCLUDED, 72), BmsPart())
    assert codes(found) == ["disabled"]


def test_an_ignored_user_is_excluded_and_its_contact_is_free():
    users = [ANN, person("al", given_name="Ann", surname="Lee")]
    found = drafted(snapshot(users, [ready()]), match_overrides={"id-ann.lee": "ignore"})
    assert (found["ann.lee"].itglue.action, codes(found["ann.lee"])) == ("excluded", ["override"])
    assert (found["al"].itglue.contact_id, found["al"].matched_by) == (72, "name")


def test_users_limits_what_is_done_not_what_is_matched():
    users = [person("ann"), person("al", given_name="Ann")]
    read = snapshot(users, [contact(1, first="Ann", last="Lee")])
    found = drafted(read, users=frozenset({"al@client.example"}))
    assert {name: each.itglue.action for name, each in found.items()} == {"ann": "excluded", "al": "conflict"}


@pytest.mark.parametrize(
    ("users", "contacts", "expected"),
    [
        pytest.param(
            [ANN, person("al", given_name="Ann", surname="Lee")],
            [contact(1, first="Ann", last="Lee")],
            {"rule": "name", "contact_ids": [1], "users": ["al@client.example"]},
            id="two-users",
        ),
        pytest.param(
            [user("ann.lee")],
            [contact(1, "ann.lee@client.example"), contact(2, "ann.lee@client.example")],
            {"rule": "alias", "contact_ids": [1, 2], "users": []},
            id="two-contacts",
        ),
        pytest.param(
            [user("ann.lee", username="a@x.io"), user("bob", username="A@x.io"), user("cid", username="a@X.io")],
            [contact(1, "a@x.io")],
            {"rule": "username", "contact_ids": [1], "users": ["A@x.io", "a@X.io"]},
            id="three-users",
        ),
    ],
)
def test_a_conflict_writes_nothing_and_names_all_members(users, contacts, expected):
    read = snapshot(users, contacts, user_filter={"require_name": False}, bms_settings=PUSHING)
    found = next(each for each in planning_of(read).operations if each.subject.user_id == "id-ann.lee")
    assert (found.itglue, found.bms, found.writes) == (ItGluePart(Action.CONFLICT), BmsPart(), False)
    assert values_of(found, ReasonCode.SEVERAL_HITS) == expected


def test_new_names_the_id_to_put_in_its_place():
    read = snapshot([ANN], [ready()], bms_settings=PUSHING)
    plan = planned(read, bms(in_bms(5, "ann.lee@client.example")), match_overrides={"id-ann.lee": "new"})
    (found,) = plan.operations
    assert (found.itglue.action, found.itglue.contact_id, found.matched_by) == ("unchanged", 72, "override")
    assert (found.bms.push, found.bms.contact_id) == ("already_in_bms", 5)
    assert values_of(found, ReasonCode.OVERRIDE_FOUND_CONTACT) == {"contact_id": 72}
    assert found.noteworthy


def test_new_names_the_id_of_a_linked_contact_too():
    found = drafted(snapshot([ANN], [linked()]), match_overrides={"id-ann.lee": "new"})["ann.lee"]
    assert (found.itglue.action, found.noteworthy, codes(found)) == ("linked", True, ["override_found_contact"])


def test_new_creates_beside_a_namesake():
    found = drafted(snapshot([ANN], [contact(1, first="Ann", last="Lee")]), match_overrides={"id-ann.lee": "new"})
    assert (found["ann.lee"].itglue.action, codes(found["ann.lee"])) == ("create", ["created_beside"])


def test_two_new_ones_of_one_address_say_why_they_are_a_conflict():
    users = [person("ann", mail="both@x.io"), person("bob", given_name="Ann", mail="both@x.io")]
    found = drafted(snapshot(users), match_overrides={"id-ann": "new", "id-bob": "new"})
    assert values_of(found["ann"], ReasonCode.SAME_PRIMARY_ADDRESS)["users"] == ["bob@client.example"]


@pytest.mark.parametrize(("primary_email", "setting"), [("mail", "primary_email: username"), ("username", None)])
def test_contacts_with_a_microsoft_adapter_bring_a_warning_that_does_not_advise_what_is_set(primary_email, setting):
    microsoft = Adapter("Microsoft", "6f1c", sync=True)
    contacts = [ready(adapters=(microsoft,)), contact(73, adapters=(microsoft,))]
    plan = planned(snapshot([ANN], contacts, primary_email=primary_email))
    assert plan.warnings == (Reason(ReasonCode.MICROSOFT_ADAPTERS, {"count": 2, "setting": setting}),)


# --------------------------------------- what the next run would not match again


@pytest.mark.parametrize(
    ("users", "contacts", "expected"),
    [
        pytest.param(
            [person("ann", mail="both@x.io"), person("bob", given_name="Ann", mail="both@x.io")],
            [],
            {"ann": "failed", "bob": "failed"},
            id="two-new-ones-of-one-address-and-name",
        ),
        pytest.param(
            [person("ann", mail="both@x.io"), person("bob", mail="both@x.io")],
            [],
            {"ann": "create", "bob": "create"},
            id="names-tell-two-of-one-address-apart",
        ),
        pytest.param(
            [person("ann", mail=None, proxy_addresses=()), person("bob", proxy_addresses=("smtp:ann@client.example",))],
            [],
            {"ann": "create", "bob": "create"},
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
            {"ann": "update", "bob": "excluded"},
            id="an-alias-that-an-excluded-user-holds-too",
        ),
        pytest.param(
            [person("ann", proxy_addresses=("smtp:old@x.io",)), person("bob", mail="old@x.io", account_enabled=False)],
            [contact(1, "ann@client.example", "old@x.io", "x@y.io", first="Ann", last="Lee")],
            {"ann": "update", "bob": "excluded"},
            id="one-that-is-there-already",
        ),
    ],
)
def test_what_could_not_be_matched_again_is_failed(users, contacts, expected):
    found = planning_of(snapshot(users, contacts)).operations
    assert {each.subject.user_id.removeprefix("id-"): each.itglue.action for each in found} == expected
    for each in found:
        if each.itglue.action == "failed":
            assert (each.bms, each.itglue.after, each.writes) == (BmsPart(), {}, False)
            assert values_of(each, ReasonCode.SHARED_ADDRESS)["addresses"]


def test_a_contact_that_would_be_mixed_up_by_its_new_names_is_failed():
    """Once the contact is named Ben Reception, the other user's shared alias would hit it."""
    users = [
        user_named("Reception", "desk", "info"),
        user_named("", "ben", surname="Reception"),
    ]
    something = contact_named(1, "Ben Baker", "ben", "info")
    found = drafted(snapshot(users, [something], different_names="match"))
    assert {name: each.itglue.action for name, each in found.items()} == {"desk": "create", "ben": "failed"}
    assert codes(found["ben"]) == ["matched_different_names", "shared_address"]


def test_who_shares_no_address_is_written_all_the_same():
    users = [
        person("ann", mail="both@x.io"),
        person("bob", given_name="Ann", mail="both@x.io"),
        person("cid"),
        person("dan"),
    ]
    found = drafted(snapshot(users, [contact(1, "cid@client.example")]))
    assert {name: each.itglue.action for name, each in found.items()} == {
        "ann": "failed",
        "bob": "failed",
        "cid": "update",
        "dan": "create",
    }


# ------------------------------------------------------------- what has to be read


@pytest.mark.parametrize(
    ("users", "contacts", "more", "locations", "types"),
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
def test_locations_and_contact_types_are_read_where_a_contact_needs_them(users, contacts, more, locations, types):
    asked = needs(snapshot(users, contacts, contact_type="End User"), **more)
    assert (Need.LOCATIONS in asked, Need.CONTACT_TYPES in asked) == (locations, types)


def needs(read, **more) -> set[Need]:
    """All that a planning asks for, when nothing of it is there but what it needs."""
    planning = Planning(read, options(**more))
    answers = {
        Need.VERIFIED_DOMAINS: frozenset(),
        Need.DELETED_USERS: (),
        Need.LOCATIONS: (OFFICE,),
        Need.CONTACT_TYPES: TYPES,
        Need.BMS: bms(),
        Need.BMS_LOCATIONS: bms().locations,
        Need.BMS_TYPES: (bms().email_type, bms().phone_type),
    }
    asked: set[Need] = set()
    while planning.needs:
        assert not asked & planning.needs, "nothing is asked for twice"
        with pytest.raises(ValueError, match="still needs"):
            assert planning.plan
        asked |= planning.needs
        planning.add(Findings(**{need: answers[need] for need in planning.needs}))
    assert planning.plan
    return asked


NO_NEEDS: set[Need] = set()


@pytest.mark.parametrize(
    ("contacts", "more", "expected"),
    [
        pytest.param([linked()], {}, NO_NEEDS, id="all-linked"),
        pytest.param([linked()], {"update_linked": True}, {Need.BMS}, id="linked-contacts-that-are-updated"),
        pytest.param([linked(title="Boss")], {"update_linked": True}, {Need.BMS}, id="a-title-in-bms-needs-no-type"),
        pytest.param([ready()], {}, {Need.BMS, Need.BMS_LOCATIONS, Need.BMS_TYPES}, id="a-new-bms-contact"),
        pytest.param([ready(phones=())], {}, NO_NEEDS, id="not-ready"),
        pytest.param([linked(contact_type_id=24)], {}, NO_NEEDS, id="types-and-none-of-departed-people"),
        pytest.param([linked()], {"departed_contact_type": "End User"}, NO_NEEDS, id="no-contact-has-a-type"),
        pytest.param([linked(), contact(80, "x@gone.example")], {}, {Need.VERIFIED_DOMAINS}, id="another-domain"),
        pytest.param([linked(), contact(80, "x@client.example")], {}, {Need.DELETED_USERS}, id="an-unheld-address"),
    ],
)
def test_nothing_is_read_that_no_stage_asks_for(contacts, more, expected):
    assert needs(snapshot([ANN], contacts, bms_settings=PUSHING), **more) == expected


def test_locations_are_read_for_somebody_who_comes_after_an_excluded_user():
    assert Planning(snapshot([user("a", sku_ids=()), ANN]), options(), Findings()).needs == {Need.LOCATIONS}


def test_domains_are_read_for_a_matched_contact_where_the_departed_are_deactivated():
    """A source that has shrunk is seen by all contacts that carry a domain of the tenant."""
    read = snapshot([ANN], [linked(emails=(*linked().emails, Email("ann@former.example")))])
    assert Planning(read, options(), Findings()).needs == set()
    assert Planning(read, options(deactivate=True), Findings()).needs == {Need.VERIFIED_DOMAINS}


@pytest.mark.parametrize("known", [True, False], ids=["read-before", "asked-for"])
@pytest.mark.parametrize(
    ("verified", "noted"), [("Gone.example", True), ("xn--bcher-kva.io", True), ("client.example", False)]
)
def test_an_address_of_a_verified_domain_that_nobody_holds_is_noted_beside_a_name(verified, noted, known):
    """No user has an address of the domain any more."""
    read = snapshot([ANN], [contact(1, "ann@gone.example", "ann@bücher.io", first="Ann", last="Lee")])
    domains = Findings(verified_domains=frozenset([verified]))
    planning = Planning(read, options(), domains if known else Findings())
    assert planning.needs == {Need.DELETED_USERS} | ({Need.VERIFIED_DOMAINS} if not known else set())
    planning.add(replace(domains, deleted_users=(), locations=(OFFICE,)))
    (operation,) = planning.plan.operations
    assert ("unheld_address" in codes(operation)) is noted


def test_findings_of_an_earlier_planning_are_not_asked_for_again():
    first = planning_of(snapshot([ANN], bms_settings=PUSHING))
    again = Planning(snapshot([ANN], [ready()], bms_settings=PUSHING), options(), first.findings)
    assert (again.needs, again.plan.operations[0].bms.push) == (frozenset(), Push.PUSHED)


def test_the_country_of_a_location_tells_which_numbers_bms_has():
    something = linked(phones=(Phone("2079460958", "Office", primary=True),))
    phones = (BmsPhone("020 7946 0958", 2, None, True),)
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee", phones=phones)
    planning = Planning(snapshot([ANN], [something], bms_settings=PUSHING), options(update_linked=True))
    asked = []
    for findings in (Findings(bms=bms(there)), Findings(locations=(replace(OFFICE, country="United Kingdom"),))):
        asked += planning.needs
        planning.add(findings)
    assert asked == [Need.BMS, Need.LOCATIONS]
    assert planning.plan.operations[0].bms.after == {}


def test_two_names_that_are_replaced_are_noted_where_no_override_says_whose_the_contact_is():
    read = snapshot([replace(ANN, given_name="太郎", surname="山田")], [ready()])
    for given, noted in (({}, True), ({ANN.id: 72}, False)):
        (found,) = planning_of(read, match_overrides=given).operations
        assert (found.itglue.action, "both_names_replaced" in codes(found)) == (Action.UPDATE, noted)


def test_new_people_are_those_whose_contact_is_created():
    assert planning_of(snapshot([ANN], [])).has_new_people
    assert not planning_of(snapshot([ANN], [ready(title="Boss")])).has_new_people


def test_an_override_for_an_unknown_user_is_a_warning_of_the_run():
    plan = planned(snapshot([ANN], [ready()]), match_overrides={"eve@client.example": "ignore"})
    values = {"option": "match_overrides", "user": "eve@client.example"}
    assert plan.warnings == (Reason(ReasonCode.OVERRIDE_FOR_UNKNOWN_USER, values),)


@pytest.mark.parametrize(
    ("option", "answer", "excluded", "reason"),
    [
        ("match_overrides", "new", {"sku_ids": ()}, "unlicensed"),
        ("match_overrides", "new", {"user_type": "Guest"}, "guest"),
        ("match_overrides", "new", {}, None),
        ("match_overrides", 7, {"sku_ids": ()}, None),
        ("match_overrides", "ignore", {"sku_ids": ()}, None),
        ("match_overrides", "new", {"account_enabled": False, "sku_ids": ()}, None),
        ("bms_match_overrides", "new", {"sku_ids": ()}, "unlicensed"),
        ("bms_match_overrides", 7, {"sku_ids": ()}, "unlicensed"),
        ("bms_match_overrides", "ignore", {"sku_ids": ()}, None),
        ("bms_match_overrides", 7, {"account_enabled": False}, None),
    ],
)
def test_an_answer_that_does_nothing_as_the_user_is_excluded_is_a_warning_of_the_run(option, answer, excluded, reason):
    """By an id an excluded user keeps a contact from others, and by `ignore` nobody departs. The answer of a disabled
    user may be older than the person's departure."""
    users = [ANN, person("desk.lee", **excluded)]
    plan = planned(snapshot(users, [ready(), ready(7, "front.roe")]), **{option: {"id-desk.lee": answer}})
    values = {"option": option, "user": "desk.lee@client.example", "excluded": reason}
    expected = (Reason(ReasonCode.OVERRIDE_FOR_EXCLUDED_USER, values),) if reason else ()
    assert plan.warnings == expected


def test_an_answer_of_an_excluded_user_that_has_made_a_contact_is_no_warning():
    users = [ANN, person("desk.lee", sku_ids=())]
    plan = planned(snapshot(users, [ready(), ready(7, "desk.lee")]), match_overrides={"id-desk.lee": "new"})
    assert plan.warnings == ()


def test_an_answer_of_a_user_whom_the_run_leaves_out_is_no_warning():
    users = [ANN, person("desk.lee")]
    plan = planned(snapshot(users, [ready()]), match_overrides={"id-desk.lee": "new"}, users=(ANN.username,))
    assert plan.warnings == ()


def test_types_of_bms_that_cannot_be_read_defer_the_pushes():
    planning = Planning(snapshot([ANN], [ready()], bms_settings=PUSHING), options())
    planning.add(Findings(bms=bms()))
    planning.add(Findings(bms_locations=(), not_read={Need.BMS_TYPES: "BMS is gone."}))
    (found,) = planning.plan.operations
    assert (found.bms.push, codes(found), planning.plan.account) == ("deferred", ["bms_not_read"], None)


TYPES = (ContactType(25, "Approver"), ContactType(24, "End User"), ContactType(26, "end user"))


def test_the_contact_type_is_found_by_name_for_new_contacts():
    read = snapshot([ANN], contact_type=" END user")
    found = drafted(read, contact_types=TYPES)["ann.lee"]
    assert found.itglue.after["contact-type-id"] == 24


def test_a_contact_type_that_it_glue_does_not_have_is_an_error_where_one_is_needed():
    with pytest.raises(InputError, match=r"'Boss'.*option contact_type.*Approver, End User"):
        drafted(snapshot([ANN], contact_type="Boss"), contact_types=TYPES)
    assert drafted(snapshot([ANN], [ready()], contact_type="Boss"))["ann.lee"].itglue.action == "unchanged"


# ----------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("given", "selected", "expected"),
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
def test_allowed(given, selected, expected):
    assert allowed("max_creates", given, selected) == expected


@pytest.mark.parametrize(
    "given",
    [
        "-1",
        "many",
        "1.5",
        "%",
        "1,5%",
        "10%%",
        "1e3",
        "0x10",
        "٣",
        "½%",
        "1_000",
        ".",
        ".%",
        "1 0",
        "+5",
        "5.",
        "1.2.3%",
    ],
)
def test_a_malformed_limit_is_an_error(given):
    with pytest.raises(InputError, match="max_creates is .* neither a number nor a percentage"):
        allowed("max_creates", given, 100)


def planned_with(given, bms_settings=PUSHING):
    """Two creates, three updates, of which four are pushed; the fifth has its job title filled in BMS."""
    phones = {"business_phones": ("415-555-0100",)}
    users = [person(name, job_title="Clerk", **phones) for name in ("a.a", "b.b", "c.c", "d.d", "e.e")]
    contacts = [ready(1, "c.c"), ready(2, "d.d"), ready(3, "e.e", title="Clerk")]
    read = snapshot(users, contacts, bms_settings=bms_settings, set_phone_numbers_primary=True, phone_type="Office")
    return planned(read, bms(in_bms(5, "e.e@client.example")), **given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"max_creates": "2", "max_updates": "3", "max_pushes": "4"}, [], id="just-allowed"),
        pytest.param({"max_creates": "1"}, [("max_creates", 2, 1)], id="creates"),
        pytest.param({"max_updates": "2"}, [("max_updates", 3, 2)], id="updates-job-titles-in-bms-included"),
        pytest.param({"max_pushes": "3"}, [("max_pushes", 4, 3)], id="pushes"),
        pytest.param({"max_creates": "20%"}, [("max_creates", 2, 1)], id="percentage-of-the-selected-users"),
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
def test_limits(given, expected):
    plan = planned_with(given)
    assert limits(plan) == expected
    assert len(plan.operations) == 5


def test_what_it_glue_would_push_counts_too():
    plan = planned_with({"max_pushes": "3"}, NATIVE)
    assert limits(plan) == [("max_pushes", 4, 3)]


def test_limits_count_the_users_whom_the_filter_selects_not_those_of_the_task():
    users = [person(f"u{number}") for number in range(4)] + [person("out", sku_ids=())]
    plan = planned(snapshot(users), users=frozenset({"id-u0", "id-u1"}), max_creates="25%")
    assert limits(plan) == [("max_creates", 2, 1)]


def test_the_default_limits_are_on():
    users = [person(f"u{number}") for number in range(26)]
    planning = Planning(snapshot(users), Options(), Findings(locations=(OFFICE,)))
    assert limits(planning.plan) == [("max_creates", 26, 25)]


# --------------------------------------------------------------- what is reported

ANN_SUBJECT = UserSubject("ann@client.example", "1")


@pytest.mark.parametrize(
    ("action", "push", "writes", "noteworthy"),
    [
        (Action.CREATE, None, True, True),
        (Action.UPDATE, None, True, True),
        (Action.UNCHANGED, None, False, False),
        (Action.LINKED, None, False, False),
        (Action.EXCLUDED, None, False, False),
        (Action.CONFLICT, None, False, True),
        (Action.DEFERRED, None, False, True),
        (Action.FAILED, None, False, True),
        (Action.STRUCK, None, False, True),
        (Action.REFUSED, None, False, True),
        (Action.UNCHANGED, Push.PUSHED, True, True),
        (Action.UNCHANGED, Push.ALREADY_IN_BMS, False, False),
        (Action.UNCHANGED, Push.OFF, False, False),
        (Action.UNCHANGED, Push.PENDING, False, True),
        (Action.UNCHANGED, Push.NOT_READY, False, True),
        (Action.UNCHANGED, Push.CONFLICT, False, True),
        (Action.UNCHANGED, Push.DEFERRED, False, True),
        (Action.UNCHANGED, Push.FAILED, False, True),
    ],
)
def test_what_writes_and_what_is_noteworthy(action, push, writes, noteworthy):
    found = Operation(ANN_SUBJECT, ItGluePart(action), BmsPart(push))
    assert (found.writes, found.noteworthy) == (writes, noteworthy)


@pytest.mark.parametrize(
    ("changes", "writes", "noteworthy"),
    [
        pytest.param({"bms": BmsPart(Push.ALREADY_IN_BMS, 5, after={"JobTitle": "Clerk"})}, True, True, id="job-title"),
        pytest.param({"itglue": ItGluePart(Action.LINKED, 72, locked=("name",))}, False, True, id="locked"),
        pytest.param({"itglue": ItGluePart(Action.LINKED, 72, unapplied=("name",))}, False, True, id="unapplied"),
        pytest.param({"bms": BmsPart(unapplied=("bms-emails",))}, False, True, id="unapplied-in-bms"),
        pytest.param({"reasons": (Reason(ReasonCode.LINK_INACTIVE),)}, False, True, id="attention"),
        pytest.param({"reasons": (Reason(ReasonCode.IN_BMS_BY_NAME),)}, False, False, id="no-attention"),
    ],
)
def test_what_else_is_noteworthy(changes, writes, noteworthy):
    found = Operation(ANN_SUBJECT, ItGluePart(Action.LINKED, 72))._replace(**changes)
    assert (found.writes, found.noteworthy) == (writes, noteworthy)


def test_a_steady_tenant_has_nothing_to_report():
    users = [person(f"user{number}.lee") for number in range(20)]
    contacts = [linked(number, f"user{number}.lee", 1000 + number) for number in range(10)]
    contacts += [ready(number, f"user{number}.lee") for number in range(10, 20)]
    present = bms(*(in_bms(1000 + number, f"user{number}.lee@client.example") for number in range(20)))
    plan = planned(snapshot(users, contacts, bms_settings=PUSHING), present)
    assert [each for each in plan.operations if each.noteworthy or each.writes] == []
    assert (plan.conflicts, plan.limits_exceeded, plan.warnings) == ((), (), ())


def test_reasons_of_addresses_and_numbers_are_reasons_of_the_operation():
    sue = person("sue.roe", business_phones=("415-555-0100 / 415-555-0101",))
    sue = replace(sue, proxy_addresses=("SMTP:sue.roe@client.example", "smtp:office@client.example"))
    front_desk = contact(71, "office@client.example", first="Front", last="Desk")
    operation = drafted(snapshot([sue], [front_desk, ready(72, "sue.roe")]))["sue.roe"]
    assert operation.itglue.action == Action.UNCHANGED
    assert values_of(operation, ReasonCode.ALIAS_HELD)["contact_ids"] == [71]
    assert values_of(operation, ReasonCode.PHONE_FIRST_OF_SEVERAL)["used"] == "4155550100"

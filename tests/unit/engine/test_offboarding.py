# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Departed people, rule by rule, what is done about their contacts, and who returns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import IGNORE, NEW
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.itglue_plan import departed_type
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsSettings, ContactType, Facts, Phone
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.offboarding import has_returned
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Action, DepartedSubject, ItGluePart
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from tests.unit.engine import builders
from tests.unit.engine.builders import (
    LINK,
    PUSHING,
    bms,
    codes,
    contact,
    in_bms,
    limits,
    linked,
    person,
    ready,
    snapshot,
    values_of,
)

FORMER, CLIENT_TYPE = 31, 24
TYPES = (ContactType(FORMER, "Former"), ContactType(CLIENT_TYPE, "End User"))
DEACTIVATE = {"deactivate": True, "departed_contact_type": "former"}
# BMS as such is on, and nobody is pushed: the rows are about departed people.
ON = BmsSettings(contact_sync=True)

STAYS = person("stay")
GONE_ID = "2c6b1d0e-2f7a-4c39-a8d4-0e5f0b7c9a11"


def disabled(name="ann.lee", **values):
    return person(name, account_enabled=False, sku_ids=(), **values)


def deleted(name="ann.lee", **values):
    return person(name, **{"id": GONE_ID, "proxy_addresses": (), "sku_ids": ()} | values)


def planned(users, contacts, *, gone=(), present=None, unread=None, domains=("client.example",), **values):
    """The plan of a run that has read all this; `values` are options, settings or both."""
    given = {name: values.pop(name) for name in tuple(values) if name in Options.__dataclass_fields__}
    read = snapshot(users, contacts, **{"bms_settings": ON} | values)
    return builders.planned(read, present, contact_types=TYPES, deleted=gone, domains=domains, unread=unread, **given)


def departures(plan):
    return [(each.contact_id, each.evidence, each.action) for each in plan.departed]


# ------------------------------------------------------------------------- who has departed


@pytest.mark.parametrize(
    ("departed_user", "expected"),
    [
        pytest.param(disabled(), [(72, "disabled", "report")], id="disabled"),
        pytest.param(disabled(user_type="Guest"), [], id="but-for-a-guest"),
        pytest.param(person("ann.lee", account_enabled=None), [], id="not-told-is-no-evidence"),
        pytest.param(disabled(given_name=None), [], id="both-names-first"),
        pytest.param(disabled(surname=" "), [], id="both-names-last"),
        pytest.param(disabled(mail="ann.lee@other.example"), [], id="of-another-domain"),
        pytest.param(disabled(id="id-outsider"), [], id="not-in-the-group"),
        pytest.param(disabled(username="svc-ann@client.example"), [], id="of-a-pattern-that-is-excluded"),
        pytest.param(person("ann.lee", sku_ids=()), [], id="unlicensed-is-no-evidence"),
        pytest.param(person("ann.lee", id="id-outsider"), [], id="excluded-is-no-evidence"),
    ],
)
def test_a_disabled_user_who_passes_the_filter_but_for_that_and_its_licence(departed_user, expected):
    rule = {"groups": ("Staff",), "domains": ("client.example",), "exclude": ("svc-*",)}
    members = {"id-stay", "id-ann.lee"}
    plan = planned([STAYS, departed_user], [ready()], user_filter=rule, members=members)
    assert departures(plan) == expected
    assert plan.deactivations == ()


@pytest.mark.parametrize(
    ("departed_user", "expected"),
    [
        pytest.param(deleted(), [(72, "deleted", "report")], id="deleted"),
        pytest.param(deleted(mail=None), [(72, "deleted", "report")], id="by-its-username-alone"),
        pytest.param(
            deleted(username="x@client.example", mail=None, proxy_addresses=("smtp:ann.lee@client.example",)),
            [(72, "deleted", "report")],
            id="by-an-alias",
        ),
        pytest.param(deleted(given_name=None), [], id="both-names"),
        pytest.param(deleted(user_type="Guest"), [], id="but-for-a-guest"),
    ],
)
def test_a_deleted_user(departed_user, expected):
    assert departures(planned([STAYS], [ready()], gone=[departed_user])) == expected


@pytest.mark.parametrize(
    "someone",
    [
        pytest.param(person("bob", proxy_addresses=("smtp:ann.lee@client.example",)), id="as-alias"),
        pytest.param(person("bob", username="Ann.Lee@client.example"), id="as-username"),
        pytest.param(person("bob", mail="ann.lee@client.example"), id="as-mail"),
    ],
)
def test_no_address_that_a_selected_user_holds(someone):
    """The contact is not the selected user's own, which another one is by override."""
    own = ready(80, "bob", last="Lee")
    plan = planned([someone, disabled()], [ready(), own], match_overrides={someone.id: 80})
    assert departures(plan) == []


def test_a_contact_that_a_selected_user_is_matched_with_has_not_departed():
    """By name: it has only the address of the namesake who has departed."""
    kept = person("new", given_name="Ann", surname="Lee")
    assert departures(planned([kept, disabled()], [ready()], match_overrides={kept.id: 72})) == []


def test_a_contact_of_a_conflict_is_left_alone():
    both = contact(72, "stay@client.example", "ann.lee@client.example")
    other = contact(73, "stay@client.example", "old@client.example")
    plan = planned([STAYS, disabled()], [both, other], **DEACTIVATE)
    assert plan.departed == () and plan.deactivations == () and plan.unmatched == ()
    assert [each.contact_ids for each in plan.conflicts] == [(72, 73)]


def test_a_contact_of_several_departed_people_is_one_departure():
    shared = contact(72, "ann.lee@client.example", "bob@client.example")
    plan = planned([STAYS, disabled(), disabled("bob")], [shared], **DEACTIVATE)
    assert departures(plan) == [(72, "disabled", "deactivate")]
    assert len(plan.deactivations) == 1


def test_several_contacts_of_one_departed_person_are_a_departure_each():
    plan = planned([STAYS, disabled()], [ready(), ready(73)], **DEACTIVATE)
    assert departures(plan) == [(72, "disabled", "deactivate"), (73, "disabled", "deactivate")]


def test_a_disabled_user_whom_the_filter_selects_has_not_departed():
    lenient = {"include_disabled": True, "licensed_only": False}
    assert departures(planned([STAYS, disabled()], [ready()], user_filter=lenient)) == []


# ------------------------------------------------------------- unmatched addresses


@pytest.mark.parametrize(
    ("something", "gone", "expected"),
    [
        pytest.param(contact(72, "old@client.example"), [], [(72, ("old@client.example",))], id="nobodys"),
        pytest.param(contact(72, "old@elsewhere.example"), [], [], id="of-no-domain-of-the-tenants"),
        pytest.param(contact(72, "ann.lee@client.example"), [deleted()], [], id="a-deleted-users"),
        pytest.param(contact(72, "ann.lee@client.example"), [], [(72, ("ann.lee@client.example",))], id="purged"),
        pytest.param(contact(72), [], [], id="without-an-address"),
    ],
)
@pytest.mark.parametrize("deactivate", [{}, DEACTIVATE], ids=["report", "deactivate"])
def test_an_unmatched_address_is_listed_and_its_contact_never_touched(something, gone, expected, deactivate):
    plan = planned([STAYS], [something], gone=gone, **deactivate)
    assert [(each.contact_id, each.addresses) for each in plan.unmatched] == expected
    touched = {each.itglue.contact_id for each in (*plan.operations, *plan.deactivations) if each.writes}
    assert expected == [] or touched == {None}, "only the new contact of whoever stays"


# --------------------------------------------------------------------- what is done

MARK = ({"contact-type-id": None}, {"contact-type-id": FORMER})


@pytest.mark.parametrize(
    ("something", "present", "expected"),
    [
        pytest.param(ready(), [], ("update", *MARK, None, None), id="not-in-bms"),
        pytest.param(
            ready(), [in_bms(5, "ann.lee@client.example")], ("update", *MARK, 5, False), id="in-bms-by-its-address"
        ),
        pytest.param(
            ready(), [in_bms(5, first="Ann", last="Lee")], ("update", *MARK, None, None), id="never-by-name-alone"
        ),
        pytest.param(
            linked(bms_id=5), [in_bms(5), in_bms(6, "ann.lee@client.example")], ("update", *MARK, 5, False), id="linked"
        ),
        pytest.param(
            linked(bms_id=7), [in_bms(6, "ann.lee@client.example")], ("update", *MARK, None, None), id="a-dead-link"
        ),
        pytest.param(
            ready(),
            [in_bms(5, "ann.lee@client.example", active=False)],
            ("update", *MARK, 5, None),
            id="inactive-already",
        ),
        pytest.param(
            ready(),
            [in_bms(5, "ann.lee@client.example"), in_bms(6, "ann.lee@client.example")],
            ("update", *MARK, None, None),
            id="several-in-bms",
        ),
    ],
)
@pytest.mark.parametrize("evidence", ["disabled", "deleted"])
def test_a_deactivation(something, present, expected, evidence):
    users, gone = ([STAYS, disabled()], []) if evidence == "disabled" else ([STAYS], [deleted()])
    plan = planned(users, [something], gone=gone, present=bms(*present), **DEACTIVATE)
    assert departures(plan) == [(72, evidence, "deactivate")]
    (found,) = plan.deactivations
    itglue, in_bms_ = found.itglue, found.bms
    assert (itglue.action, itglue.before, itglue.after, in_bms_.contact_id, active(found)) == expected
    assert found.writes and in_bms_.push is None and in_bms_.create is None
    assert found.subject == DepartedSubject(72, *(plan.departed[0].user, plan.departed[0].user_id))
    unclear = ["departed_bms_unclear"] if len(present) > 1 and in_bms_.contact_id is None else []
    assert codes(found) == [f"user_{evidence}", *unclear]


def active(operation):
    """Whether the BMS contact is to become active or inactive, None where it stays as it is."""
    becomes = operation.bms.after.get("IsActive")
    assert becomes is None or operation.bms.before == {"IsActive": not becomes}
    return becomes


@pytest.mark.parametrize("present", [[], [in_bms(5, "ann.lee@client.example", active=False)]], ids=["none", "inactive"])
def test_what_is_deactivated_stays_so_and_nothing_is_left_to_do(present):
    plan = planned([STAYS, disabled()], [ready(contact_type_id=FORMER)], present=bms(*present), **DEACTIVATE)
    assert departures(plan) == [(72, "disabled", "deactivated")]
    assert plan.deactivations == ()


@pytest.mark.parametrize(
    ("contacts", "action", "account"),
    [
        pytest.param([], "deactivated", None, id="nothing-is-read-for-it-alone"),
        pytest.param([ready(73, "bob")], "deactivate", 2528, id="it-is-looked-at-where-bms-is-read-for-another"),
    ],
)
def test_who_is_marked_has_been_dealt_with(contacts, action, account):
    """BMS comes first: a contact is marked once its BMS contact is inactive."""
    marked = ready(contact_type_id=FORMER)
    users = [STAYS, disabled(), disabled("bob")]
    there = [in_bms(5, "ann.lee@client.example"), in_bms(6, "bob@client.example")]
    plan = planned(users, [marked, *contacts], present=bms(*there), **DEACTIVATE)
    assert departures(plan)[0] == (72, "disabled", action)
    assert (plan.account.id if plan.account else None) == account
    assert [(each.itglue.action, active(each)) for each in plan.deactivations if each.itglue.contact_id == 72] == (
        [("unchanged", False)] if account else []
    )


@pytest.mark.parametrize(
    ("something", "given", "action"),
    [
        pytest.param(ready(), {}, "report", id="reported"),
        pytest.param(ready(), {"departed_keep": ("72",), **DEACTIVATE}, "keep", id="kept"),
        pytest.param(ready(first="Petra", last="Person"), DEACTIVATE, "report", id="of-other-names"),
    ],
)
def test_bms_is_not_read_for_whom_nothing_is_done_about(something, given, action):
    plan = planned([STAYS, disabled()], [something], present=bms(in_bms(5, "ann.lee@client.example")), **given)
    assert departures(plan) == [(72, "disabled", action)]
    assert (plan.account, plan.deactivations) == (None, ())


# --------------------------------------------------------------------------- names


def named(name: str, *addresses: str, ident: int = 72, **values):
    first, dummy, last = name.partition(" ")
    return contact(ident, *addresses, first=first or None, last=last or None, location_id=10, **values)


PETRA_ADDRESS = "sales@client.example"


def departed_max(name: str = "Max Leaver", **values):
    first, dummy, last = name.partition(" ")
    return person("sales", given_name=first, surname=last, account_enabled=False, sku_ids=(), **values)


@pytest.mark.parametrize(
    ("name", "departed"),
    [
        pytest.param("Max Leaver", True, id="the-same"),
        pytest.param("MAX  leaver", True, id="another-case"),
        pytest.param("M. Leaver", True, id="an-initial"),
        pytest.param("Max", True, id="a-first-name-alone"),
        pytest.param("", True, id="no-name"),
        pytest.param("Petra Person", False, id="somebody-else"),
        pytest.param("Petra Leaver", False, id="a-family-name-alone"),
    ],
)
def test_a_contact_of_other_names_is_listed_with_the_reason_and_never_deactivated(name, departed):
    plan = planned([STAYS, departed_max()], [named(name, PETRA_ADDRESS)], **DEACTIVATE)
    (departure,) = plan.departed
    assert departure.action == ("deactivate" if departed else "report")
    assert departure.reason == (None if departed else Reason(ReasonCode.DEPARTED_NAMES_DIFFER))
    assert len(plan.deactivations) == departed


def test_of_several_departed_people_with_the_address_the_one_who_bears_the_name_counts():
    other = person("a.first", account_enabled=False, proxy_addresses=(f"smtp:{PETRA_ADDRESS}",))
    plan = planned([STAYS, other, departed_max()], [named("Max Leaver", PETRA_ADDRESS)])
    assert [(each.user, each.reason) for each in plan.departed] == [(PETRA_ADDRESS, None)]


@pytest.mark.parametrize(
    ("colleague", "expected"),
    [
        pytest.param({"given_name": "Sue", "surname": "Stays"}, [(72, "disabled", "report")], id="a-colleague"),
        pytest.param({"given_name": "Max", "surname": "Leaver"}, [], id="the-same-names"),
        pytest.param({"given_name": "Max", "surname": None}, [], id="open-names"),
    ],
)
def test_an_address_that_is_forwarded_to_a_colleague_keeps_nobody(colleague, expected):
    sue = person("sue", proxy_addresses=("SMTP:sue@client.example", f"smtp:{PETRA_ADDRESS}"), **colleague)
    own = named("Sue Stays", "sue@client.example", ident=80)
    plan = planned(
        [STAYS, departed_max(), sue], [named("Max Leaver", PETRA_ADDRESS), own], match_overrides={sue.id: 80}
    )
    assert departures(plan) == expected


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param(in_bms(5, PETRA_ADDRESS, first="Max", last="Leaver"), (5, False, []), id="the-same-names"),
        pytest.param(in_bms(5, PETRA_ADDRESS), (5, False, []), id="no-names"),
        pytest.param(in_bms(5, PETRA_ADDRESS, first="M", last="Leaver"), (5, False, []), id="an-initial"),
        pytest.param(in_bms(5, PETRA_ADDRESS, first="Front", last="Desk"), (None, None, [5]), id="other-names"),
        pytest.param(in_bms(5, PETRA_ADDRESS, first="Petra", last="Leaver"), (None, None, [5]), id="a-family-name"),
    ],
)
@pytest.mark.parametrize("by_link", [False, True], ids=["by-address", "by-link"])
def test_the_bms_contact_of_a_departed_person_bears_its_names_too(there, expected, by_link):
    adapters = (replace(LINK, remote_id="5"),) if by_link else ()
    there = replace(there, emails=()) if by_link else there
    plan = planned(
        [STAYS, departed_max()],
        [named("Max Leaver", PETRA_ADDRESS, adapters=adapters)],
        present=bms(there),
        **DEACTIVATE,
    )
    (found,) = plan.deactivations
    assert found.itglue.after == {"contact-type-id": FORMER}
    others = [each.values["bms_contact_id"] for each in found.reasons if each.code == "departed_bms_names_differ"]
    assert (found.bms.contact_id, active(found), others) == expected
    assert found.attention is bool(others)


def test_of_several_bms_contacts_of_an_office_the_one_of_the_name_is_deactivated():
    office = "office@client.example"
    departed = named("Max Leaver", PETRA_ADDRESS, office)
    stays = replace(ready(80, "stay", last="Lee"), emails=(*ready(80, "stay").emails, contact(0, office).emails[0]))
    there = [
        in_bms(5, office, first="Stay", last="Lee"),
        in_bms(6, office, first="Max", last="Leaver"),
        in_bms(7, office, first="Front", last="Desk"),
        in_bms(8, office),
    ]
    plan = planned([STAYS, departed_max()], [departed, stays], present=bms(*there), **DEACTIVATE)
    (found,) = plan.deactivations
    assert (found.bms.contact_id, active(found)) == (6, False)


OTHERS = ready(80, "stay", last="Lee")


@pytest.mark.parametrize(
    ("theirs", "other"),
    [
        pytest.param(in_bms(5, "info@client.example"), OTHERS, id="an-address-of-anothers-contact"),
        pytest.param(
            in_bms(5, "info@client.example", "stay@client.example"), OTHERS, id="an-address-of-somebody-who-stays"
        ),
        pytest.param(in_bms(5, "info@client.example"), linked(80, "stay", 5, last="Lee"), id="anothers-link"),
    ],
)
def test_the_bms_contact_of_somebody_who_stays_is_left_active(theirs, other):
    """The contact of a departed person, and that of somebody who stays, have a common address."""
    both = "info@client.example"
    departed_user = contact(72, "ann.lee@client.example", both, location_id=10)
    other = replace(other, emails=(*other.emails, contact(0, both).emails[0]))
    plan = planned([STAYS, disabled()], [departed_user, other], present=bms(theirs), **DEACTIVATE)
    (found,) = plan.deactivations
    assert (found.itglue.contact_id, active(found), found.bms.contact_id) == (72, None, None)
    assert values_of(found, ReasonCode.DEPARTED_BMS_UNCLEAR) == {"bms_contact_ids": [5]}


@pytest.mark.parametrize(
    ("update_linked", "expected"), [(True, (5, False, [])), (False, (None, None, [[5, 6]]))], ids=["follows", "stays"]
)
def test_who_loses_the_name_in_the_same_run_is_not_taken_for_the_departed_person(update_linked, expected):
    """The next run would find the other BMS contact alone."""
    both = "info@client.example"
    departed_user = contact(72, "ann.lee@client.example", both, location_id=10)
    there = [
        in_bms(5, "ann.lee@client.example", first="Ann", last="Lee"),
        in_bms(6, both, first="Ann", last="Lee"),
    ]
    plan = planned(
        [STAYS, disabled()],
        [departed_user, linked(80, "stay", 6, first="Stay", last="Lee")],
        present=bms(*there),
        update_linked=update_linked,
        bms_settings=PUSHING,
        **DEACTIVATE,
    )
    (found,) = plan.deactivations
    unclear = [each.values["bms_contact_ids"] for each in found.reasons if each.code == "departed_bms_unclear"]
    assert (found.bms.contact_id, active(found), unclear) == expected


def test_a_link_says_whose_a_bms_contact_is_whoever_holds_an_address_of_it():
    """It has no names, and the address of somebody who stays: by an address it would be nobody's for sure."""
    there = in_bms(5, "ann.lee@client.example", "stay@client.example")
    plan = planned([STAYS, disabled()], [linked(bms_id=5)], present=bms(there), **DEACTIVATE)
    (found,) = plan.deactivations
    assert (found.bms.contact_id, active(found), codes(found)) == (5, False, ["user_disabled"])


@pytest.mark.parametrize(
    ("second", "reported"),
    [({}, [[5, 6]]), ({"active": False}, [[5]]), ({"first": "Max", "last": "Leaver"}, [])],
    ids=["twice", "once-inactive", "once-by-other-names"],
)
def test_who_is_in_bms_twice_is_reported_and_left_active(second, reported):
    """The contact of a departed person is marked once, so no later run would say it."""
    there = [in_bms(5, "ann.lee@client.example", first="Ann", last="Lee")]
    there.append(in_bms(6, "info@client.example", **{"first": "Ann", "last": "Lee"} | second))
    both = contact(72, "ann.lee@client.example", "info@client.example", first="Ann", last="Lee")
    plan = planned([STAYS, disabled()], [both], present=bms(*there), **DEACTIVATE)
    (found,) = plan.deactivations
    unclear = [each.values["bms_contact_ids"] for each in found.reasons if each.code == "departed_bms_unclear"]
    assert (unclear, found.bms.contact_id, found.attention) == (reported, None if reported else 5, bool(reported))


def test_a_link_that_two_contacts_have_is_nobodys():
    plan = planned(
        [STAYS, disabled()],
        [linked(72, bms_id=5), linked(80, "stay", 5, last="Lee")],
        present=bms(in_bms(5)),
        **DEACTIVATE,
    )
    assert [active(each) for each in plan.deactivations] == [None]


def test_a_bms_contact_that_could_be_somebody_elses_is_a_matter_of_the_conflict():
    """It bears the name of somebody who is to be pushed, and no address: whose it is, nobody can tell."""
    there = in_bms(90211, first="Stay", last="Lee")
    plan = planned(
        [STAYS, disabled()], [linked(), ready(80, "stay")], present=bms(there), bms_settings=PUSHING, **DEACTIVATE
    )
    (conflict,), (operation,) = plan.conflicts, plan.deactivations
    assert (conflict.users, conflict.contact_ids, conflict.bms_contact_ids) == ((STAYS.username,), (72,), (90211,))
    assert (operation.itglue, operation.writes) == (ItGluePart(Action.DEFERRED, 72), False)
    assert operation.reasons == (
        Reason(ReasonCode.BMS_CONTACT_AMBIGUOUS, {"bms_contact_id": 90211, "users": [STAYS.username]}),
    )


def test_a_bms_contact_by_address_that_is_found_for_somebody_else_is_a_matter_of_the_conflict():
    """It bears the departed person's name, and the primary address of somebody who is to be pushed."""
    max_stays = person("max", given_name="Max", surname="Other")
    there = in_bms(5, "ann.lee@client.example", "max@client.example", first="Ann", last="Lee")
    contacts = [ready(), ready(80, "max", last="Other")]
    plan = planned([max_stays, disabled()], contacts, present=bms(there), bms_settings=PUSHING, **DEACTIVATE)
    (conflict,), (operation,) = plan.conflicts, plan.deactivations
    assert (conflict.users, conflict.bms_contact_ids) == ((max_stays.username,), (5,))
    assert (operation.itglue, operation.writes) == (ItGluePart(Action.DEFERRED, 72), False)
    assert operation.reasons == (
        Reason(ReasonCode.BMS_CONTACT_AMBIGUOUS, {"bms_contact_id": 5, "users": [max_stays.username]}),
    )


def test_who_has_departed_by_two_contacts_is_inactive_in_bms():
    plan = planned(
        [STAYS, disabled()], [ready(), ready(73)], present=bms(in_bms(5, "ann.lee@client.example")), **DEACTIVATE
    )
    assert {active(each) for each in plan.deactivations} == {False}


@pytest.mark.parametrize(
    "keep",
    ["72", " 72 ", "ann.lee@client.example", "ANN.*", "*@old.example", "ann.lee@*"],
)
def test_the_keep_list(keep):
    something = replace(ready(), emails=(*ready().emails, contact(0, "a@old.example").emails[0]))
    plan = planned([STAYS, disabled()], [something], departed_keep=("", keep), **DEACTIVATE)
    assert departures(plan) == [(72, "disabled", "keep")]
    assert plan.deactivations == ()


def test_the_bms_contact_of_a_kept_contact_is_not_deactivated_through_another_contact_of_the_departed_user():
    kept = contact(71, "a.lee@client.example", adapters=(replace(LINK, remote_id="902"),))
    there = in_bms(902, "ann.lee@client.example")
    departed_user = disabled(proxy_addresses=("SMTP:ann.lee@client.example", "smtp:a.lee@client.example"))
    plan = planned([STAYS, departed_user], [kept, ready()], present=bms(there), departed_keep=("71",), **DEACTIVATE)
    assert departures(plan) == [(71, "disabled", "keep"), (72, "disabled", "deactivate")]
    (found,) = plan.deactivations
    assert (found.itglue.contact_id, active(found), found.bms.contact_id) == (72, None, None)


def test_the_bms_contact_of_a_contact_in_a_conflict_is_not_deactivated_through_another_contact():
    """Ann has left, or has a new account: contact 73 is in question, and BMS has one contact for both."""
    ann = person("new.ann", given_name="Ann", surname="Lee", id="id-new")
    contacts = [
        linked(72),
        contact(73, "other@client.example", "ann.lee@client.example", first="A.", last="Lee"),
    ]
    gone = disabled(proxy_addresses=("smtp:other@client.example",))
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee")
    plan = planned([ann, gone], contacts, present=bms(there), **DEACTIVATE)
    assert departures(plan) == [(72, "disabled", "report"), (73, "disabled", "deactivate")]
    assert [active(each) for each in plan.deactivations] == [None]


@pytest.mark.parametrize("keep", ["7", "ann", "*@other.example", "*bob*"])
def test_whom_the_keep_list_does_not_name(keep):
    assert departures(planned([STAYS, disabled()], [ready()], departed_keep=(keep,), **DEACTIVATE)) == [
        (72, "disabled", "deactivate")
    ]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [(None, 20), ("3", 3), ("0", 0), ("50%", 2), ("100 %", 5), ("", 20)],
)
@pytest.mark.parametrize("more", [0, 1])
def test_the_limit_of_deactivations(given, allowed, more):
    count = allowed + more
    departed_users = [disabled(f"u{number}") for number in range(count)]
    contacts = [ready(number, f"u{number}") for number in range(count)]
    kept = [person(f"k{number}") for number in range(5)]
    plan = planned(
        [*kept, *departed_users], contacts, max_deactivations=given, allow_shrunken_source=True, **DEACTIVATE
    )
    assert limits(plan) == ([("max_deactivations", count, allowed)] if more else [])


def test_deactivations_are_no_updates():
    plan = planned([STAYS, disabled()], [ready()], max_updates="0", **DEACTIVATE)
    assert plan.limits_exceeded == ()


# ------------------------------------------------------------------- shrunken source


@pytest.mark.parametrize(
    ("users", "carrying", "others", "refused"),
    [
        pytest.param(2, 4, 0, False, id="half"),
        pytest.param(2, 5, 0, True, id="fewer-than-half"),
        pytest.param(2, 4, 9, False, id="of-those-with-the-tenants-domains"),
    ],
)
@pytest.mark.parametrize("lifted", [False, True], ids=["", "lifted"])
def test_a_source_with_fewer_users_than_half_of_the_contacts(users, carrying, others, refused, lifted):
    people = [person(f"u{number}") for number in range(users)]
    contacts = [contact(100 + number, f"c{number}@Client.example") for number in range(carrying)]
    contacts += [contact(200 + number, f"c{number}@elsewhere.example") for number in range(others)]

    def run(**values):
        return planned(people, contacts, **values)

    assert run().departed == ()
    if refused and not lifted:
        with pytest.raises(InputError, match="2 users, but 5 contacts carry its domains, so nobody is deactivated"):
            run(**DEACTIVATE)
    else:
        assert run(allow_shrunken_source=lifted, **DEACTIVATE).departed == ()


# -------------------------------------------------------------------- incomplete reads


def test_bms_that_cannot_be_read_defers_deactivations_and_returns():
    """Half a deactivation would do, half a return would not: neither is begun."""
    back = ready(80, "stay", last="Lee", contact_type_id=FORMER)
    marked = ready(73, "bob", contact_type_id=FORMER)
    plan = planned([STAYS, disabled(), disabled("bob")], [ready(), marked, back], unread="BMS is gone.", **DEACTIVATE)
    assert departures(plan)[1] == (73, "disabled", "deactivated"), "who is marked has been dealt with"
    (found,) = plan.deactivations
    assert (found.itglue.action, found.writes, codes(found)) == ("deferred", False, ["bms_not_read"])
    assert all(not each.writes for each in plan.operations)
    assert plan.warnings == (
        Reason(ReasonCode.OFFBOARDING_DEFERRED, {"deactivations": 1, "returns": 1, "said": "BMS is gone."}),
    )
    assert plan.limits_exceeded == ()


def test_a_deactivation_alone_is_deferred_with_a_warning_too():
    plan = planned([STAYS, disabled()], [ready()], unread="BMS is gone.", **DEACTIVATE)
    assert [each.values["returns"] for each in plan.warnings if each.code == ReasonCode.OFFBOARDING_DEFERRED] == [0]


def test_without_the_sync_to_bms_only_it_glue_is_departures():
    """Then BMS is not even read: a client without BMS has no account there."""
    read = {"bms_settings": BmsSettings(), **DEACTIVATE}
    back = ready(80, "stay", last="Lee", contact_type_id=FORMER)
    plan = planned([STAYS, disabled()], [ready(), back], **read)
    assert plan.account is None
    (found,) = plan.deactivations
    assert (found.itglue.action, found.itglue.after) == ("update", {"contact-type-id": FORMER})
    (returned,) = [each for each in plan.operations if each.itglue.contact_id == 80]
    assert (returned.itglue.action, returned.itglue.after) == ("update", {"contact-type-id": None})


@pytest.mark.parametrize(
    ("something", "action"),
    [
        pytest.param(ready(), "deferred", id="ready-and-not-linked"),
        pytest.param(ready(phones=()), "update", id="not-ready"),
        pytest.param(ready(phones=(Phone("4155550100", "Fax", primary=True),)), "deferred", id="a-fax-by-label-alone"),
        pytest.param(linked(bms_id=5), "update", id="linked"),
        pytest.param(ready(contact_type_id=FORMER), None, id="marked-already"),
    ],
)
def test_under_native_no_departed_person_is_pushed_by_being_marked(something, action):
    """IT Glue pushes what is ready, not linked, and written."""
    read = {"bms_settings": replace(ON, push_method="native"), **DEACTIVATE}
    plan = planned([STAYS, disabled()], [something], present=bms(in_bms(5)), **read)
    assert [each.itglue.action for each in plan.deactivations] == ([action] if action else [])
    assert [each.writes for each in plan.deactivations] == ([action == "update"] if action else [])


def test_under_native_who_is_marked_already_becomes_inactive_in_bms():
    """Nothing is written to IT Glue, so it pushes nobody. BMS is read for Bob."""
    contacts = [ready(contact_type_id=FORMER), ready(73, "bob", phones=())]
    there = bms(in_bms(5, "ann.lee@client.example", first="Ann", last="Lee"))
    read = {"bms_settings": replace(ON, push_method="native"), **DEACTIVATE}
    plan = planned([STAYS, disabled(), disabled("bob")], contacts, present=there, **read)
    assert [(each.itglue.action, active(each)) for each in plan.deactivations] == [
        ("unchanged", False),
        ("update", None),
    ]


# -------------------------------------------------------------------------- returned


@pytest.mark.parametrize(
    ("something", "present", "expected"),
    [
        pytest.param(
            ready(contact_type_id=FORMER),
            [in_bms(5, "ann.lee@client.example", active=False)],
            ("update", {"contact-type-id": CLIENT_TYPE}, True),
            id="inactive-in-bms",
        ),
        pytest.param(
            ready(contact_type_id=FORMER),
            [in_bms(5, "ann.lee@client.example")],
            ("update", {"contact-type-id": CLIENT_TYPE}, None),
            id="active-already",
        ),
        pytest.param(
            ready(contact_type_id=FORMER), [], ("update", {"contact-type-id": CLIENT_TYPE}, None), id="not-in-bms"
        ),
        pytest.param(
            linked(bms_id=5, contact_type_id=FORMER),
            [in_bms(5, active=False)],
            ("update", {"contact-type-id": CLIENT_TYPE}, True),
            id="linked",
        ),
        pytest.param(
            ready(contact_type_id=CLIENT_TYPE),
            [in_bms(5, "ann.lee@client.example", active=False)],
            ("unchanged", {}, None),
            id="without-the-type-it-was-somebody-elses-doing",
        ),
        pytest.param(
            ready(contact_type_id=FORMER),
            [in_bms(5, "ann.lee@client.example", "stay@client.example", active=False)],
            ("update", {"contact-type-id": CLIENT_TYPE}, None),
            id="never-anothers-bms-contact",
        ),
    ],
)
def test_who_has_returned_gets_both_back(something, present, expected):
    plan = planned(
        [STAYS, person("ann.lee")], [something], present=bms(*present), contact_type="End User", **DEACTIVATE
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.itglue.action, found.itglue.after, active(found)) == expected
    assert found.bms.push in ("off", None)
    assert ("returned" in codes(found)) is (expected[0] == "update")


def test_who_has_an_override_to_a_contact_departs_all_the_same():
    plan = planned([STAYS, disabled()], [ready()], match_overrides={disabled().id: 72}, **DEACTIVATE)
    assert [each.contact_id for each in plan.departed] == [72]
    assert [each.itglue.after for each in plan.deactivations] == [{"contact-type-id": FORMER}]


@pytest.mark.parametrize("key", ["ann.lee@client.example", "id"])
@pytest.mark.parametrize("gone", [False, True], ids=["disabled", "deleted"])
def test_who_is_ignored_does_not_depart(gone, key):
    user = deleted() if gone else disabled()
    users, more = ([STAYS], {"gone": [user]}) if gone else ([STAYS, user], {})
    present = bms(in_bms(5, "ann.lee@client.example", first="Ann", last="Lee"))
    given = {"match_overrides": {user.id if key == "id" else key: IGNORE}}
    plan = planned(users, [ready()], present=present, **given, **more, **DEACTIVATE)
    assert (plan.departed, plan.deactivations, plan.warnings) == ((), (), ())
    given = {"bms_match_overrides": {user.id if key == "id" else key: IGNORE}}
    plan = planned(users, [ready()], present=present, **given, **more, **DEACTIVATE)
    (found,) = plan.deactivations
    assert (found.itglue.after, found.bms.after) == ({"contact-type-id": FORMER}, {})
    assert ReasonCode.OVERRIDE_FOR_UNKNOWN_USER not in {reason.code for reason in plan.warnings}


@pytest.mark.parametrize(
    ("name", "there", "returned", "activated"),
    [
        pytest.param("Ann Lee", ("Ann", "Lee"), True, True, id="the-same"),
        pytest.param("Ann Lee", ("John", "Smith"), True, None, id="not-the-bms-contact-of-another"),
        pytest.param("A. Lee", ("Ann", "Lee"), True, True, id="an-open-name-that-an-override-answers"),
    ],
)
def test_only_who_bears_the_names_has_returned(name, there, returned, activated):
    something = named(name, "ann.lee@client.example", contact_type_id=FORMER)
    present = in_bms(5, "ann.lee@client.example", first=there[0], last=there[1], active=False)
    plan = planned(
        [STAYS, person("ann.lee")],
        [something],
        present=bms(present),
        match_overrides={"id-ann.lee": 72},
        **DEACTIVATE,
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert ("contact-type-id" in found.itglue.after, active(found)) == (returned, activated)


@pytest.mark.parametrize(
    ("update_linked", "after"),
    [(True, {"FirstName": "Ann", "LastName": "Lee", "IsActive": True}), (False, {})],
    ids=["follows", "stays"],
)
def test_a_linked_bms_contact_that_gets_the_names_is_active_at_once(update_linked, after):
    """Otherwise the run after that would find the names, and make it active."""
    something = linked(72, "ann.lee", 5, first="Bob", last="Roe", contact_type_id=FORMER)
    plan = planned(
        [STAYS, person("ann.lee")],
        [something],
        present=bms(in_bms(5, "ann.lee@client.example", first="Bob", last="Roe", active=False)),
        match_overrides={"id-ann.lee": 72},
        update_linked=update_linked,
        bms_settings=BmsSettings(contact_sync=True, two_way_sync=True),
        **DEACTIVATE,
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert {name: found.bms.after.get(name) for name in after} == after
    assert ("IsActive" in found.bms.after) is update_linked


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        pytest.param("Ann Lee", "ann.lee@client.example", True, id="names-and-address"),
        pytest.param("Ann Lee", "other@client.example", False, id="a-namesake"),
        pytest.param("Bob Roe", "ann.lee@client.example", False, id="somebody-else-with-the-address"),
    ],
)
def test_who_has_returned_has_the_names_and_an_address(name, address, expected):
    assert has_returned(person("ann.lee"), named(name, address)) is expected


@pytest.mark.parametrize(
    ("former", "expected"),
    [({72: CLIENT_TYPE}, CLIENT_TYPE), ({72: None}, None), ({72: 99}, None), ({80: CLIENT_TYPE}, None)],
    ids=["remembered", "remembered-as-none", "a-type-that-is-gone", "not-remembered"],
)
def test_who_has_returned_gets_the_former_contact_type(former, expected):
    read = snapshot([STAYS, person("ann.lee")], [ready(contact_type_id=FORMER)], bms_settings=BmsSettings())
    read = replace(read, facts=Facts(former_contact_types=former))
    plan = builders.planned(read, contact_types=TYPES, domains=("client.example",), **DEACTIVATE)
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert found.itglue.after == {"contact-type-id": expected}


def test_nobody_returns_whose_bms_contact_is_in_question():
    """Once the contact has lost the type, no later run could tell that BMS waits."""
    there = [in_bms(bms_id, "ann.lee@client.example", first="Ann", last="Lee", active=False) for bms_id in (5, 6)]
    users, contacts = [STAYS, person("ann.lee")], [ready(contact_type_id=FORMER)]
    plan = planned(users, contacts, present=bms(*there), bms_settings=PUSHING, **DEACTIVATE)
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.itglue.action, found.bms.push, found.writes) == ("unchanged", "conflict", False)
    assert codes(found) == ["bms_several_hits"]
    one_by_initial = bms(in_bms(5, "ann.lee@client.example", first="A", last="Lee", active=False))
    plan = planned(users, contacts, present=one_by_initial, bms_settings=PUSHING, **DEACTIVATE)
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.bms.push, found.bms.contact_id) == ("conflict", None)
    answered = planned(
        users, contacts, present=bms(*there), bms_settings=PUSHING, bms_match_overrides={"id-ann.lee": 6}, **DEACTIVATE
    )
    (found,) = [each for each in answered.operations if each.itglue.contact_id == 72]
    assert (found.itglue.after, found.bms.contact_id, active(found)) == ({"contact-type-id": None}, 6, True)


@pytest.mark.parametrize(
    ("answer", "is_ready", "push", "activated"),
    [
        (None, True, "conflict", None),
        (5, True, "already_in_bms", True),
        (NEW, True, "pushed", None),
        (NEW, False, "not_ready", None),
        (IGNORE, True, "off", None),
    ],
)
def test_what_bms_match_overrides_says_of_who_has_returned_comes_first(answer, is_ready, push, activated):
    """The BMS contact of somebody else does not become active, nor that of somebody who is left out of BMS."""
    ann = person("ann.lee") if is_ready else person("ann.lee", business_phones=(), mobile_phone=None)
    plan = planned(
        [STAYS, ann],
        [ready(contact_type_id=FORMER) if is_ready else ready(contact_type_id=FORMER, phones=())],
        present=bms(in_bms(5, "ann.lee@client.example", first="A", last="Lee", active=False)),
        bms_settings=PUSHING,
        bms_match_overrides={"id-ann.lee": answer} if answer else {},
        **DEACTIVATE,
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.bms.push, active(found)) == (push, activated)


@pytest.mark.parametrize("answer", [NEW, IGNORE])
def test_what_bms_match_overrides_says_does_not_count_for_who_has_returned_and_is_linked(answer):
    plan = planned(
        [STAYS, person("ann.lee")],
        [linked(bms_id=5, contact_type_id=FORMER)],
        present=bms(in_bms(5, active=False)),
        bms_settings=PUSHING,
        bms_match_overrides={"id-ann.lee": answer},
        **DEACTIVATE,
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.bms.push, found.bms.contact_id, active(found)) == (None, 5, True)


def test_who_has_returned_gets_what_else_has_changed():
    users = [STAYS, person("ann.lee", job_title="Boss")]
    there = bms(in_bms(5, "ann.lee@client.example", first="Ann", last="Lee", active=False))
    plan = planned(users, [ready(contact_type_id=FORMER)], present=there, bms_settings=PUSHING, **DEACTIVATE)
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert found.itglue.after == {"contact-type-id": None, "title": "Boss"}
    assert found.bms.after == {"IsActive": True, "JobTitle": "Boss"}


def test_the_bms_contact_of_who_has_returned_follows_where_it_glue_does_not_tell_its_id():
    there = in_bms(5, "ann.lee@client.example", first="Ann", last="Lee", active=False)
    plan = planned(
        [STAYS, person("ann.lee")],
        [linked(adapters=(), title="Boss", contact_type_id=FORMER)],
        present=bms(there),
        update_linked=True,
        bms_settings=PUSHING,
        **DEACTIVATE,
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.bms.after["IsActive"], found.bms.after["JobTitle"]) == (True, "Boss")


def test_who_returns_as_new_does_not_bring_back_a_namesake_s_bms_contact():
    """It holds the primary addresses of both, and the answer says whose it is not."""
    namesake = person("al", given_name="Ann", surname="Lee")
    shared = in_bms(5, "ann.lee@client.example", "al@client.example", first="Ann", last="Lee", active=False)
    plan = planned(
        [STAYS, person("ann.lee"), namesake],
        [ready(contact_type_id=FORMER), ready(73, "al", first="Ann", last="Lee")],
        present=bms(shared),
        bms_settings=PUSHING,
        bms_match_overrides={"id-ann.lee": NEW},
        **DEACTIVATE,
    )
    found = {each.itglue.contact_id: each for each in plan.operations}
    assert (found[72].bms.push, active(found[72])) == ("pushed", None)
    assert (found[73].bms.push, found[73].bms.contact_id) == ("already_in_bms", 5)


def test_without_deactivate_nobody_is_reactivated():
    plan = planned([STAYS, person("ann.lee")], [ready(contact_type_id=FORMER)], present=bms())
    assert all(not each.writes for each in plan.operations if each.itglue.contact_id == 72)


def test_who_has_returned_and_could_be_pushed_is_active_again():
    plan = planned(
        [STAYS, person("ann.lee")],
        [ready(contact_type_id=FORMER)],
        present=bms(in_bms(5, "ann.lee@client.example", first="Ann", last="Lee", active=False)),
        bms_settings=PUSHING,
        **DEACTIVATE,
    )
    (found,) = [each for each in plan.operations if each.itglue.contact_id == 72]
    assert (found.bms.push, found.bms.contact_id, active(found)) == ("already_in_bms", 5, True)
    assert codes(found) == ["returned", "in_bms_by_address"]


def test_the_type_of_departed_people_is_no_type_of_new_contacts():
    with pytest.raises(InputError, match="'former', which is the contact_type of new contacts too"):
        planned([person("ann.lee")], [ready()], contact_type=" FORMER ", **DEACTIVATE)


def test_a_type_that_it_glue_does_not_have():
    with pytest.raises(InputError, match="no contact type named 'Gone' .option departed_contact_type"):
        planned([STAYS], [], deactivate=True, departed_contact_type="Gone")


@pytest.mark.parametrize(("name", "expected"), [(" FORMER", FORMER), (" ", None), ("Vendor", None)])
def test_the_type_that_departed_people_carry_where_they_are_only_reported(name, expected):
    present = (*TYPES, ContactType(40, ""))
    assert departed_type(snapshot(), Options(departed_contact_type=name), present) == expected

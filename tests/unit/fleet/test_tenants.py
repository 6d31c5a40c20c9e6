# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tenant belongs to which organization, by setting, by name, or perhaps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import TENANTS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter, BmsSettings, Organization
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.tenants import (
    IGNORED,
    MATCHED,
    STATES,
    UNMATCHED,
    Matching,
    Tenant,
    matches,
    named,
    shared_accounts,
    shared_tenants,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._store.settings import Stored
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.fleet import Fleet

FROG, TOAD, NEWT = (
    Organization(2, "Happy Frog Ltd"),
    Organization(3, "Sad Toad"),
    Organization(4, "Newt & Söhne GmbH"),
)
ALL = (FROG, TOAD, NEWT)
LIMITS = {"most": 3, "least": 60}


def only(tenant: Tenant, organizations=ALL, stored=None, ignored=(), **limits):
    (found,) = matches([tenant], organizations, stored or {}, ignored, **(LIMITS | limits))
    return found


def test_a_stored_tenant_id_decides_whatever_the_names_are():
    found = only(Tenant("t", "Sad Toad"), stored={2: "t"})
    assert (found.state, found.by, found.organization) == (MATCHED, "setting", FROG)


def test_an_exact_name_is_marked_as_such():
    found = only(Tenant("t", " sad  TOAD "))
    assert (found.state, found.by, found.organization) == (MATCHED, "name", TOAD)
    assert found.suggestions == ()


def test_an_organization_that_has_its_tenant_by_name_is_suggested_to_no_other():
    of_tenants = {
        each.tenant.id: each
        for each in matches([Tenant("t", "Sad Toad"), Tenant("u", "Sad Toads")], ALL, {}, (), **LIMITS)
    }
    assert of_tenants["t"].organization == TOAD
    assert of_tenants["u"].suggestions == ()


def test_a_blank_name_is_nobodys():
    assert only(Tenant("t", " "), [Organization(1, "")]).state == UNMATCHED


def test_of_several_organizations_that_store_a_tenant_the_oldest_counts():
    stored = {4: "t", 2: "t", 99: "t", 1: "u"}
    found = only(Tenant("t", "Sad Toad"), stored=stored)
    assert (found.state, found.organization) == (MATCHED, FROG)


def test_a_name_that_is_not_the_only_one_of_its_kind_is_no_match():
    twice = [TOAD, Organization(5, "SAD TOAD")]
    found = only(Tenant("t", "Sad Toad"), twice)
    assert (found.state, [each.score for each in found.suggestions]) == (UNMATCHED, [100, 100])
    states = {
        each.tenant.id: each.state
        for each in matches([Tenant("a", "Sad Toad"), Tenant("b", "sad toad")], ALL, {}, (), **LIMITS)
    }
    assert states == {"a": UNMATCHED, "b": UNMATCHED}


@pytest.mark.parametrize(
    ("stored", "ignored"), [pytest.param({2: "a"}, (), id="stored"), pytest.param({}, ("a",), id="ignored")]
)
def test_a_tenant_of_which_is_known_whose_it_is_leaves_the_organization_to_its_namesake(stored, ignored):
    found = matches([Tenant("a", "Sad Toad"), Tenant("b", "Sad Toad")], ALL, stored, ignored, **LIMITS)
    assert [(each.by, each.organization) for each in found if each.tenant.id == "b"] == [("name", TOAD)]


def test_an_organization_with_a_tenant_is_nobody_elses():
    found = only(Tenant("t", "Sad Toad"), stored={3: "other"})
    assert found.state == UNMATCHED
    assert TOAD not in [each.organization for each in found.suggestions]


def test_an_ignored_tenant_stays_ignored():
    found = only(Tenant("t", "Sad Toad"), stored={2: "t"}, ignored={"t"})
    assert (found.state, found.organization) == (IGNORED, FROG)
    assert only(Tenant("t", "Sad Toad"), ignored={"t"}).organization is None


def test_the_most_similar_names_are_suggested_first():
    for name, domain in (
        ("Frog Happy Inc.", None),
        ("HappyFrog", None),
        ("Happy Frogs", None),
        ("x", "happyfrog.onmicrosoft.com"),
        (None, "happy-frog.example"),
    ):
        found = only(Tenant("t", name, domain))
        assert found.suggestions[0].organization == FROG, name
        assert 60 <= found.suggestions[0].score <= 100
    two = [Organization(1, "A Happy Frog"), FROG]
    assert [each.organization for each in only(Tenant("t", "Happy Frog"), two).suggestions] == [FROG, two[0]]
    assert only(Tenant("t", "Newt und Sohne")).suggestions[0].organization == NEWT
    assert only(Tenant("t", None, "happy-frog.example")).suggestions[0].score == 100
    assert only(Tenant("t", "Quite Another One")).suggestions == ()
    assert only(Tenant("t", "さくら"), [Organization(1, "さくらデザイン")]).suggestions[0].score == 60


@pytest.mark.parametrize("tenant", ["3M", "M3"])
def test_a_short_name_is_found_by_its_first_or_its_last_letter(tenant):
    assert [each.score for each in only(Tenant("t", tenant), [Organization(1, "M")]).suggestions] == [66]


@pytest.mark.parametrize(
    ("tenant", "organization"),
    [
        pytest.param("Happy Frog", "Happy Frog Ltd", id="it-says-nothing-about-who-it-is"),
        pytest.param("Company Ltd", "Company, Ltd.", id="unless-the-name-has-nothing-else"),
    ],
)
def test_a_legal_form_does_not_count(tenant, organization):
    assert [each.score for each in only(Tenant("t", tenant), [Organization(1, organization)]).suggestions] == [100]


def test_all_letters_of_a_long_name_count():
    name = "Happy Frog " * 25
    assert only(Tenant("t", f"A {name}"), [Organization(1, name)]).suggestions[0].score == 99


def test_neighbouring_letters_tell_who_is_measured():
    of_the_same_letters = [Organization(number, "Yppah Gorf") for number in range(100, 200)]
    assert only(Tenant("t", "Happy Frogs"), [*of_the_same_letters, FROG]).suggestions[0].organization == FROG
    assert only(Tenant("t", "M3"), [Organization(1, "3M")], least=0).suggestions == ()


def test_suggestions_are_limited():
    many = [Organization(number, f"Happy Frog {number}") for number in range(10, 20)]
    tenant = Tenant("t", "Happy Frog")
    assert [each.organization.id for each in only(tenant, many, most=2).suggestions] == [10, 11]
    assert only(tenant, many, most=0).suggestions == ()
    assert only(tenant, many, least=99).suggestions == ()


def test_tenants_are_named_once():
    tenants = [Tenant("b", "Zebra"), Tenant("a", "Ant"), Tenant("b", "Zebra")]
    assert [each.tenant.id for each in matches(tenants, [], {}, (), **LIMITS)] == ["a", "b"]


def test_a_tenant_is_named_by_id_domain_or_name():
    tenants = [Tenant("0a", "Sad Toad", "Toad.example"), Tenant("0b", "Happy Frog")]
    for wanted in ("0A", "toad.example", " SAD toad"):
        assert named(tenants, wanted) == tenants[:1]
    assert named(tenants, "") == []


def test_what_several_organizations_have_names_them_all():
    (message,) = shared_tenants(ALL, {2: "t", 3: "u", 4: "t"})
    assert "Happy Frog Ltd (2), Newt & Söhne GmbH (4)" in message
    assert "Sad Toad" not in message
    assert shared_tenants(ALL, {2: "t", 3: "u"}) == []


def test_an_account_counts_by_setting_by_link_and_by_name():
    linked = Organization(5, "Linked", adapters=(Adapter("Kaseya BMS", "77", sync=True),))
    settings = {2: BmsSettings(account="77"), 3: BmsSettings(), 4: BmsSettings(account="sad toad"), 5: BmsSettings()}
    by_id, by_name = shared_accounts([*ALL, linked], settings, ("bms",))
    assert "Happy Frog Ltd (2), Linked (5)" in by_id
    assert "Sad Toad (3), Newt & Söhne GmbH (4)" in by_name
    unclear = Organization(6, "U", adapters=(Adapter("BMS", "1", sync=True), Adapter("BMS", "2", sync=True)))
    assert shared_accounts([unclear], {6: BmsSettings()}, ("bms",)) == []
    without_settings = Organization(7, "Sad Toad")
    found = shared_accounts([unclear, without_settings, *ALL, linked], settings | {6: BmsSettings()}, ("bms",))
    assert found == [by_id, by_name]


TENANT_IDS = st.sampled_from("abc")
MATCHINGS = st.builds(Matching, st.dictionaries(st.integers(1, 4), TENANT_IDS), st.frozensets(TENANT_IDS))


@given(MATCHINGS, TENANT_IDS, st.sampled_from(STATES), st.integers(1, 4))
def test_a_declaration_holds_and_changes_nothing_a_second_time(matching, tenant_id, state, organization_id):
    wanted = organization_id if state == MATCHED else None
    after = matching.declared(state, tenant_id, wanted)
    assert after.state(tenant_id) == state
    assert after.declared(state, tenant_id, wanted) == after
    if state == MATCHED:
        assert organization_id in after.holders(tenant_id)


@given(MATCHINGS, TENANT_IDS, st.sampled_from(STATES), st.integers(1, 4))
def test_a_declaration_leaves_other_tenants_alone(matching, tenant_id, state, organization_id):
    after = matching.declared(state, tenant_id, organization_id)
    taken = {organization_id} if state == MATCHED else set()
    for other in set("abc") - {tenant_id}:
        assert set(after.holders(other)) == set(matching.holders(other)) - taken
        assert (other in after.ignored) == (other in matching.ignored)


def test_unmatching_one_organization_leaves_the_others_and_the_list():
    matching = Matching({1: "a", 2: "a"}, frozenset("a"))
    assert matching.declared(UNMATCHED, "a", 2) == Matching({1: "a"}, frozenset("a"))
    assert matching.declared(UNMATCHED, "a", None) == Matching({}, frozenset())


@pytest.mark.parametrize(("own", "ignored"), [((), set()), ((TOAD,), {"00000000-0000-4000-8000-000000000003"})])
def test_only_the_list_of_the_msps_own_organization_counts(own, ignored):
    lists = [
        Stored(TENANTS, each.id, settings={"ignored": [f"00000000-0000-4000-8000-{each.id:012d}"]}) for each in ALL
    ]
    fleet = Fleet(tuple(replace(each, primary=True) if each in own else each for each in ALL), {TENANTS: lists})
    assert fleet.ignored == ignored

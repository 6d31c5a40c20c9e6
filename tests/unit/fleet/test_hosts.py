# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host names of organizations: stable, unlike, and nothing that a host pattern reads otherwise."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.hosts import HOST_NAMES, RESERVED, host_names, slug
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Organization

NAMES = st.text(st.sampled_from("aAé_1 &!,:*[ß日"), max_size=4) | st.sampled_from(
    [*RESERVED, "acme", "ACME!", "Acme 2"]
)
ORGANIZATIONS = st.lists(st.tuples(st.integers(1, 9), NAMES), unique_by=lambda each: each[0]).map(
    lambda rows: [Organization(ident, name) for ident, name in rows]
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Happy Frog", "happy_frog"),
        ("Müller & Söhne GmbH", "muller_sohne_gmbh"),
        ("Mu\u0308ller", "muller"),
        ("Voilà", "voila"),
        ("X\u036f", "x"),
        ("Straße 7, e.V.", "strasse_7_e_v"),
        ("さくらデザイン", "さくらデザイン"),
        ("हिन्दी", "हिन्दी"),
        ("{{ lookup('pipe', 'id') }}", "lookup_pipe_id"),
        ("a:b,c&d!e*[1:3]", "a_b_c_d_e_1_3"),
        ("---", ""),
    ],
)
def test_a_slug_is_the_words_of_a_name(name, expected):
    assert slug(name) == expected


def test_the_lowest_id_has_the_plain_name():
    organizations = [Organization(9, "ACME!"), Organization(5, "Acme"), Organization(7, "acme"), Organization(6, "~")]
    assert host_names(organizations) == {5: "acme", 6: "organization_6", 7: "acme_7", 9: "acme_9"}


def test_a_name_that_another_one_has_by_chance_is_not_taken_twice():
    assert host_names([Organization(3, "Acme 7"), Organization(5, "Acme"), Organization(7, "acme")]) == {
        3: "acme_7",
        5: "acme",
        7: "acme_7_7",
    }


def test_names_that_ansible_uses_otherwise_get_the_id():
    organizations = [Organization(1, "All"), Organization(2, "localhost"), Organization(3, "Ungrouped")]
    assert list(host_names(organizations).values()) == ["all_1", "localhost_2", "ungrouped_3"]


def test_names_and_ids_as_they_are():
    organizations = [Organization(1, "Müller & Söhne"), Organization(2, "müller & söhne")]
    assert list(host_names(organizations, "name").values()) == ["Müller & Söhne", "müller & söhne_2"]
    assert list(host_names(organizations, "id").values()) == ["1", "2"]


@given(ORGANIZATIONS, st.sampled_from(HOST_NAMES))
def test_each_host_has_a_name_of_its_own(organizations, kind):
    names = host_names(organizations, kind)
    assert names.keys() == {each.id for each in organizations}
    assert len({name.casefold() for name in names.values()} | set(RESERVED)) == len(names) + len(RESERVED)


@given(ORGANIZATIONS, NAMES, st.sampled_from(HOST_NAMES))
def test_a_name_stays_when_another_organization_appears(organizations, name, kind):
    before = host_names(organizations, kind)
    after = host_names([Organization(10, name), *organizations], kind)
    assert {ident: after[ident] for ident in before} == before


@given(ORGANIZATIONS)
def test_no_slug_means_something_to_a_host_pattern(organizations):
    assert all(re.fullmatch(r"\w+", name) for name in host_names(organizations).values())

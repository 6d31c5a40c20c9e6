# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tenants and accounts that several organizations of one run declare."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_twice import (
    ACCOUNTS,
    TENANTS,
    Declarer,
    declared_twice,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Organization

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
FROG, TOAD, TOAD_AGAIN = Declarer("frog", "2"), Declarer("toad", "Sad Toad"), Declarer("pond", "sad  toad")


def declared(declarer: Declarer, tenant_id=None, account=None):
    return declarer, {"office365": {"tenant_id": tenant_id}, "bms": {"account": account}}


def test_a_tenant_of_two_organizations_however_it_is_spelled():
    found = declared_twice([declared(FROG, TENANT), declared(TOAD, f"{{{TENANT.upper()}}}"), declared(TOAD_AGAIN)])
    assert found == {TENANTS: {TENANT: [FROG, TOAD]}, ACCOUNTS: {}}


def test_an_account_of_two_organizations():
    found = declared_twice([declared(FROG, account="Frog Ltd"), declared(TOAD, account=" frog LTD ")])
    assert found == {TENANTS: {}, ACCOUNTS: {"frog ltd": [FROG, TOAD]}}


def test_an_account_by_its_number():
    assert declared_twice([declared(FROG, account=2528), declared(TOAD, account="2528")])[ACCOUNTS] == {
        "2528": [FROG, TOAD]
    }


@pytest.mark.parametrize("second", [declared(TOAD_AGAIN, TENANT, "2528"), declared(FROG), declared(FROG, "", "")])
def test_what_one_organization_alone_declares_is_not_named(second):
    assert declared_twice([declared(TOAD, TENANT, "2528"), second]) == {TENANTS: {}, ACCOUNTS: {}}


@pytest.mark.parametrize(("organization", "own"), [("2", True), ("happy FROG", True), ("3", False), ("Frog", False)])
def test_whose_host_it_is(organization, own):
    assert Declarer("any", organization).is_of(Organization(2, "Happy Frog")) is own

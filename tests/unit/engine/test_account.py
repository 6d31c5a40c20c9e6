# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which BMS account an organization is."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.account import (
    holder_keys,
    is_bms,
    linked_key,
    reference,
    resolve,
    setting_keys,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    Adapter,
    BmsSettings,
    Organization,
)

NAMES = ("bms", "vorex")


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [
        pytest.param("Kaseya BMS", NAMES, True, id="part-of-the-name"),
        pytest.param("VOREX", NAMES, True, id="any-case"),
        pytest.param("Autotask", NAMES, False, id="another"),
        pytest.param("Microsoft", NAMES, False, id="microsoft"),
        pytest.param("Kaseya PSA", ("kaseya psa",), True, id="as-set"),
    ],
)
def test_is_bms(kind, names, expected):
    assert is_bms(Adapter(kind), names) is expected


def client(*adapters):
    return Organization(1, "Client Ltd", adapters=adapters)


def link(remote_id="2528", kind="Kaseya BMS", sync=True, orphaned=False):
    return Adapter(kind, remote_id, sync, orphaned)


@pytest.mark.parametrize(
    ("adapters", "account", "ident", "name", "declared"),
    [
        pytest.param((), "2600", 2600, "2600", True, id="the-setting-as-an-id"),
        pytest.param((), " Client Holding ", None, "Client Holding", True, id="the-setting-as-a-name"),
        pytest.param((link(),), "2600", 2600, "2600", True, id="the-setting-before-the-link"),
        pytest.param((link(),), None, 2528, "Client Ltd", False, id="the-link"),
        pytest.param((link("9", kind="Microsoft"), link()), None, 2528, "Client Ltd", False, id="the-link-of-bms"),
        pytest.param((link(sync=False),), None, None, "Client Ltd", False, id="a-link-that-does-not-sync"),
        pytest.param((link(orphaned=True),), None, None, "Client Ltd", False, id="an-orphaned-link"),
        pytest.param((link(None), link("abc")), None, None, "Client Ltd", False, id="a-link-without-an-id"),
        pytest.param((link(None), link()), None, 2528, "Client Ltd", False, id="the-link-that-has-an-id"),
        pytest.param((link(), link()), None, 2528, "Client Ltd", False, id="two-links-to-one-account"),
        pytest.param((), None, None, "Client Ltd", False, id="the-name"),
    ],
)
def test_reference(adapters, account, ident, name, declared):
    found = reference(client(*adapters), BmsSettings(account=account), NAMES)
    assert (found.id, found.name, found.declared) == (ident, name, declared)


def test_links_to_several_accounts_are_an_error():
    with pytest.raises(InputError, match=r"several BMS accounts: 2528, 2600\..*option account of bms_sync_settings"):
        reference(client(link("2600"), link("2528")), BmsSettings(), NAMES)


def resolved(found, *adapters, account=None):
    organization = client(*adapters)
    return resolve(found, reference(organization, BmsSettings(account=account), NAMES), organization)


RIGHT = Account(2528, "Client Ltd")


@pytest.mark.parametrize(
    ("found", "adapters", "account"),
    [
        pytest.param([RIGHT], (link(),), None, id="by-link"),
        pytest.param([Account(2528, " CLIENT  ltd ")], (link(),), None, id="by-link-of-the-same-name"),
        pytest.param([RIGHT, Account(9, "Client Ltd East")], (), None, id="by-exact-name"),
        pytest.param([Account(2528, "client ltd")], (), None, id="by-name-case-folded"),
        pytest.param([RIGHT, Account(9, "Client Ltd", active=False)], (), None, id="the-active-one-of-a-name"),
        pytest.param([Account(2528, "Holding")], (), "2528", id="set-by-id-whatever-its-name"),
        pytest.param([Account(2528, "Holding"), Account(9, "Holding East")], (), "holding", id="set-by-name"),
        pytest.param([Account(2528, "1800")], (), "1800", id="set-by-a-name-of-digits"),
        pytest.param([Account(2528, "Holding"), Account(9, "2528")], (), "2528", id="an-id-before-a-name-of-digits"),
    ],
)
def test_the_account_is_resolved(found, adapters, account):
    assert resolved(found, *adapters, account=account).id == 2528


@pytest.mark.parametrize(
    ("found", "adapters", "account", "words"),
    [
        pytest.param([], (), None, ["'Client Ltd'", "not found", "organization's name"], id="none"),
        pytest.param([Account(9, "Client Ltd East")], (), None, ["not found"], id="none-of-exactly-that-name"),
        pytest.param([RIGHT, Account(9, "client ltd")], (), None, ["several", "9, 2528"], id="several"),
        pytest.param([], (link(),), None, ["2528", "not found", "link"], id="a-link-to-nothing"),
        pytest.param([Account(7, "Client Ltd")], (link(),), None, ["2528", "not found"], id="another-id"),
        pytest.param([Account(2528, "Client Ltd", active=False)], (link(),), None, ["not active"], id="inactive"),
        pytest.param([Account(2528, "Client Ltd", active=False)], (), "2528", ["not active"], id="set-but-inactive"),
        pytest.param(
            [Account(2528, "Other Inc")], (link(),), None, ["2528", "'Other Inc'", "same client: set"], id="link"
        ),
        pytest.param([], (), "2600", ["2600", "the setting account"], id="set-to-nothing"),
        pytest.param([Account(1, "H"), Account(2, "h")], (), "H", ["several", "1, 2"], id="set-to-several"),
    ],
)
def test_what_resolves_nothing_says_what_to_set(found, adapters, account, words):
    with pytest.raises(InputError) as caught:
        resolved(found, *adapters, account=account)
    message = str(caught.value)
    assert [word for word in (*words, "option account of bms_sync_settings") if word not in message] == []


@pytest.mark.parametrize(
    ("adapters", "account", "held"),
    [
        pytest.param((link(),), None, {"2528", "client ltd"}, id="linked"),
        pytest.param((link(),), "2600", {"2600"}, id="the-setting-before-the-link"),
        pytest.param((), " Acme ", {"acme"}, id="set-by-name"),
        pytest.param((), None, set(), id="by-its-name-alone"),
        pytest.param((link(), link(remote_id="2600")), None, set(), id="several-links"),
    ],
)
def test_an_account_that_another_organization_holds_is_found_by_id_and_by_name(adapters, account, held):
    """Where BMS is not asked, the account of a linked organization counts by the organization's name as well."""
    keys = holder_keys(client(*adapters), BmsSettings(account=account), NAMES)
    asked = ("2528", "CLIENT Ltd ", "2600", "Acme", "Other")
    assert {each for each in asked if keys & {*setting_keys(each), linked_key(each)}} == {
        each for each in asked if each.strip().lower() in held
    }


def test_an_account_of_a_name_that_two_accounts_have_is_not_that_of_a_linked_organization():
    keys = holder_keys(client(link()), BmsSettings(), NAMES)
    assert not keys & setting_keys("2600", Account(2600, "Client Ltd"))

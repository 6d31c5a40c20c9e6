# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users, contacts and BMS contacts by what they hold."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.directory import BmsDirectory, Directory
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.grouping import by_key, by_one_key, connected
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import same_key
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter
from tests.unit.engine.builders import LINK, contact, in_bms, linked, person, ready, user

ANN = person("ann.lee")


def directory(*contacts) -> Directory:
    return Directory([ANN], contacts, ("bms",))


@pytest.mark.parametrize("ids", [(5,), (6, 5), (7, 5, 6)])
def test_bms_contacts_come_by_their_ids(ids):
    held = [in_bms(each, "ann.lee@client.example", "info@client.example", first="Ann", last="Lee") for each in ids]
    found = BmsDirectory(held)
    in_order = sorted(ids)
    assert [each.id for each in found.named(same_key("Ann", "Lee"))] == in_order
    assert [each.id for each in found.with_an_address(["info@client.example", "ann.lee@client.example"])] == in_order


@pytest.mark.parametrize("bms_id", [0, 5])
def test_two_who_claim_one_bms_contact_are_a_group_whatever_its_id_is(bms_id):
    assert list(connected({"ann": [bms_id], "ben": [bms_id]})) == [({"ann", "ben"}, {bms_id})]


def test_a_contact_is_linked_in_whatever_state_the_link_is():
    unknown = ready(2, link_known=False)
    assert directory(ready(1), unknown, linked(3), ready(4, psa_integration="orphaned")).linked_ids == {3, 4}


def test_the_bms_contact_of_a_link_is_that_of_the_first_bms_adapter_with_a_number():
    adapters = [Adapter("Microsoft 365", "5", sync=True), Adapter("Kaseya BMS", None, sync=True)]
    assert directory().linked_bms_id(ready(adapters=tuple(adapters))) is None
    assert directory().linked_bms_id(ready(adapters=(*adapters, LINK, Adapter("Vorex", "6", sync=True)))) == 90211


def test_rows_without_a_key_are_under_none():
    assert by_one_key("abcd", [None, "", 0, "key"]) == {0: ("c",), "key": ("d",)}
    assert by_key("ab", [[None, "", 0], ["key", ""]]) == {0: ("a",), "key": ("b",)}


def test_the_addresses_that_no_user_holds():
    found = contact(1, "ann.lee@client.example", " ", "old@client.example")
    assert directory(found).unheld(found) == {"old@client.example"}


@pytest.mark.parametrize("kind", ["Guest", "guest"])
def test_the_domains_of_the_tenant_are_those_of_its_members_addresses(kind):
    members = [
        user("ann", proxy_addresses=("SMTP:ann@brand.example",), user_type="Member"),
        user("bob", mail="bob@home.example", proxy_addresses=(), user_type=None),
        user("cid", mail=None, username="cid", proxy_addresses=()),
    ]
    guest = user("eve", username="eve@supplier.example", proxy_addresses=("SMTP:eve@vendor.example",), user_type=kind)
    assert Directory([*members, guest], (), ()).domains == {"brand.example", "client.example"}


def test_a_user_and_its_own_contact_are_no_others():
    names = same_key("Ann", "Lee")
    assert not directory(ready(1)).others_bear(names, ANN.id, 1)
    assert directory(ready(1), ready(2)).others_bear(names, ANN.id, 1)
    assert directory(ready(1)).others_bear(names, "id-bob", 1)
    assert not directory(ready(1)).others_bear(None, "id-bob", 1)

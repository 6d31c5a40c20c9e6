# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts on a command line, as Ansible finds them: with `host_name: name` they are called what organizations are."""

from __future__ import annotations

import shlex

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.msp.psa_sync.plugins.plugin_utils.limits import limit

HOSTS = [
    "frog",
    "Happy Frog",
    "Frog: Co",
    "Frog, Toad [old]",
    "!bang",
    "@at",
    "~tilde",
    "größe.de",
    "../../x",
    "O'Frog",
]


def found(hosts, **options) -> list[str]:
    inventory = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    for host in HOSTS:
        inventory.add_host(host, "all")
    (given,) = shlex.split(limit(hosts, **options))
    inventory.subset(given)
    return [each.name for each in inventory.list_hosts("all")]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_found_whatever_it_is_called(host):
    assert found([host]) == [host]
    assert sorted(found([host, "frog"])) == sorted({host, "frog"})
    assert found([host], all_but=True) == [each for each in HOSTS if each != host]


def test_plain_names_stay_plain():
    assert limit(["frog", "toad"]) == "frog,toad"
    assert limit(["frog"], all_but=True) == "'all,!frog'"

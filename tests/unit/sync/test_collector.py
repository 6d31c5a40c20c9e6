# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and planning without the cyclic garbage collector: it is there again afterwards, whatever happens."""

from __future__ import annotations

import gc

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._sync import collector
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.collector import uncollected


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()
    gc.enable()


@uncollected
def enabled_within() -> bool:
    return gc.isenabled()


@uncollected
def made(count: int) -> list[list[int]]:
    return [[number] for number in range(count)]


@uncollected
def failing() -> None:
    raise ValueError("no")


def test_it_is_off_within_and_on_again_afterwards():
    assert enabled_within() is False
    assert gc.isenabled()


def test_it_is_on_again_after_a_failure():
    with pytest.raises(ValueError, match="no"):
        failing()
    assert gc.isenabled()


def test_whoever_has_switched_it_off_finds_it_off():
    gc.disable()
    assert enabled_within() is False
    assert not gc.isenabled()


def test_many_objects_stay_out_of_its_way_and_few_do_not(monkeypatch):
    monkeypatch.setattr(collector, "MANY", 5_000)
    gc.collect()
    before = gc.get_freeze_count()
    few = made(1_000)
    assert gc.get_freeze_count() == before
    many = made(20_000)
    assert gc.get_freeze_count() >= before + len(many)
    assert (len(few), len(many)) == (1_000, 20_000)

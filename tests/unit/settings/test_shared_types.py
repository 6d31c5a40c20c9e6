# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The asset types are read once for the previews of a run, and never shared where something is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.run_memory import RunMemory
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import FACTS, KINDS, OFFICE365
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge
from ansible_collections.msp.psa_sync.plugins.module_utils._store import layout
from ansible_collections.msp.psa_sync.plugins.module_utils._store.settings import SettingsStore
from tests.unit.settings.fake_itglue import FakeItGlue

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"


@pytest.fixture
def itglue():
    fake = FakeItGlue()
    for kind in KINDS:
        fake.add_type(layout.new_type(kind))
    return fake


def store(itglue, memory, *, preview=True, warn=lambda text: None):
    return SettingsStore(itglue, memory=memory, preview=preview, warn=warn)


def look_ups(itglue) -> int:
    return sum(call in ("asset_types", "asset_type_fields") for call in itglue.calls)


def test_the_first_preview_of_a_run_reads_them_for_all(itglue):
    memory = RunMemory()
    first = store(itglue, memory).read(2)
    count = look_ups(itglue)
    assert count
    assert store(itglue, memory).read(2) == first
    store(itglue, memory).read(5)
    assert look_ups(itglue) == count


def test_what_is_read_with_them_is_the_same(itglue):
    writer = store(itglue, None, preview=False)
    declared = merge(OFFICE365, None, {"tenant_id": TENANT, "user_filter": {"domains": ["frog.example"]}})
    writer.save(writer.read(2)[OFFICE365], declared)
    memory = RunMemory()
    alone = store(itglue, None).read(2)
    assert [store(itglue, memory).read(2), store(itglue, memory).read(2)] == [alone, alone]
    assert alone[OFFICE365].settings


def test_without_a_memory_each_reads_for_itself(itglue):
    store(itglue, None).read(2)
    count = look_ups(itglue)
    store(itglue, None).read(2)
    assert look_ups(itglue) == 2 * count


def test_what_decides_a_write_is_read_afresh(itglue):
    memory = RunMemory()
    store(itglue, memory).read(2)
    count = look_ups(itglue)
    store(itglue, memory, preview=False).read(2)
    assert look_ups(itglue) == 2 * count


def test_a_type_that_is_missing_is_looked_for_again():
    itglue, memory = FakeItGlue(), RunMemory()
    store(itglue, memory).read(2)
    itglue.add_type(layout.new_type(OFFICE365))
    store(itglue, memory).read(2)
    assert itglue.calls.count("asset_types") == 2


def test_that_there_are_no_facts_yet_is_found_once_for_all(itglue):
    memory = RunMemory()
    for dummy in range(2):
        assert not store(itglue, memory).read(2, kinds=(FACTS,))[FACTS].asset
    assert itglue.calls.count("asset_types") == 1


def test_a_type_that_is_extended_is_reported_to_the_others(itglue):
    """An older release made it with fewer fields."""
    whole = itglue.types[0]
    itglue.types[0] = replace(whole, fields=whole.fields[:3])
    memory = RunMemory()
    store(itglue, memory).read(2)
    writer = store(itglue, memory, preview=False)
    declared = merge(OFFICE365, None, {"tenant_id": TENANT, "email_label": "Post"})
    writer.save(writer.read(2)[OFFICE365], declared)
    count = look_ups(itglue)
    assert store(itglue, memory).read(2)[OFFICE365].merged == declared
    assert look_ups(itglue) == count


def test_each_preview_warns_of_two_types_of_one_name(itglue):
    itglue.add_type(layout.new_type(OFFICE365))
    memory, warnings = RunMemory(), []
    store(itglue, memory, warn=warnings.append).read(2)
    store(itglue, memory, warn=warnings.append).read(2)
    assert len(warnings) == 2 and warnings[0] == warnings[1]


def test_another_account_has_other_types(itglue):
    memory = RunMemory()
    store(itglue, memory).read(2)
    other = FakeItGlue()
    other.account = "another"
    assert store(other, memory).read(2)[OFFICE365].settings is None
    assert look_ups(other)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes of one run tell each other, and what nobody may be misled by."""

from __future__ import annotations

import multiprocessing

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.run_memory import GOOD_FOR, RunMemory
from tests.unit.shared.clock import Clock

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def test_nothing_is_remembered_at_first():
    assert RunMemory().get("a") is None


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_was_put_is_there(values):
    memory = RunMemory()
    for name, value in values.items():
        memory.put(name, value)
    assert {name: memory.get(name) for name in values} == values


def test_the_last_word_counts():
    memory = RunMemory()
    memory.put("a", [1])
    memory.put("a", [2])
    assert memory.get("a") == [2]


def test_it_is_forgotten_after_a_minute():
    clock = Clock()
    memory = RunMemory(clock=clock)
    memory.put("a", 1)
    clock.now += GOOD_FOR / 2
    memory.put("b", 2)
    clock.now += GOOD_FOR / 2
    assert (memory.get("a"), memory.get("b")) == (None, 2)


def test_without_room_for_all_the_newest_stays():
    memory = RunMemory(size=4096)
    memory.put("a", "x" * 3000)
    memory.put("b", "y" * 3000)
    assert (memory.get("a"), memory.get("b")) == (None, "y" * 3000)


def test_what_is_too_large_is_not_remembered_and_harms_nothing():
    memory = RunMemory(size=4096)
    memory.put("a", 1)
    memory.put("b", "y" * 5000)
    assert (memory.get("a"), memory.get("b")) == (1, None)


def test_half_of_a_write_is_nothing():
    memory = RunMemory()
    memory.put("a", "first " * 10)
    memory._memory[60:64] = b"torn"
    assert memory.get("a") is None
    memory.put("a", 2)
    assert memory.get("a") == 2


def _write(memory: RunMemory, own: int) -> None:
    for number in range(200):
        memory.put(f"process {own}", [own, number] * own * 50)


def test_a_forked_process_informs_its_parent_and_the_others():
    memory = RunMemory()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write, args=(memory, own)) for own in range(1, 5)]
    for each in processes:
        each.start()
    seen = 0
    while any(each.is_alive() for each in processes):
        for own in range(1, 5):
            found = memory.get(f"process {own}")
            seen += found is not None
            # Another one's words, or half of them, are never taken for one's own.
            assert found is None or (found[0] == own and found == found[:2] * own * 50)
    for each in processes:
        each.join()
        assert each.exitcode == 0
    assert seen

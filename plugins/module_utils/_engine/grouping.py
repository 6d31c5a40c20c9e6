# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows by what they have in common: indexes, and groups of what is connected. Nothing depends on their order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Member = TypeVar("Member", bound=Hashable)
Row = TypeVar("Row")


def by_key(rows: Iterable[Row], keys: Iterable[Iterable[Key | None]]) -> dict[Key, tuple[Row, ...]]:
    """The rows under each of their `keys`, each row once. A blank key is none; an id may be 0."""
    index: dict[Key, tuple[Row, ...]] = {}
    more: dict[Key, list[Row]] = defaultdict(list)
    for row, own in zip(rows, keys, strict=True):
        alone = (row,)
        for key in own:
            if (key or key == 0) and index.setdefault(key, alone) is not alone:
                more[key].append(row)
    return _with_more(index, more)


def by_one_key(rows: Iterable[Row], keys: Iterable[Key | None]) -> dict[Key, tuple[Row, ...]]:
    """The rows under their only key; those without one are left out."""
    index: dict[Key, tuple[Row, ...]] = {}
    more: dict[Key, list[Row]] = defaultdict(list)
    for row, key in zip(rows, keys, strict=True):
        if key in index:
            more[key].append(row)
        elif key or key == 0:
            index[key] = (row,)
    return _with_more(index, more)


def _with_more(index: dict[Key, tuple[Row, ...]], more: Mapping[Key, Iterable[Row]]) -> dict[Key, tuple[Row, ...]]:
    """The index with `more` rows behind the first one of their keys, each once."""
    for key, others in more.items():
        index[key] += tuple(dict.fromkeys(others))
    return index


def found_under(keys: Iterable[Key], index: Mapping[Key, tuple[Row, ...]]) -> tuple[Row, ...]:
    """The rows under any of the keys, each once."""
    found: tuple[Row, ...] = ()
    for key in keys:
        if key in index and (rows := index[key]) is not found:
            found = tuple(dict.fromkeys(found + rows)) if found else rows
    return found


def repeated(keys: Collection[Key]) -> set[Key]:
    """The keys that are there more than once."""
    if len(set(keys)) == len(keys):
        return set()
    return {key for key, count in Counter(keys).items() if count > 1}


def connected(hits: Mapping[Member, Collection[Key]]) -> Iterator[tuple[set[Member], set[Key]]]:
    """The connected groups of members and what they hit, each once."""
    holders = by_key(hits, hits.values())
    seen: set[Member] = set()
    for first in hits:
        if first in seen:
            continue
        members, waiting = {first}, [first]
        group: set[Key] = set()
        while waiting:
            for key in set(hits[waiting.pop()]) - group:
                group.add(key)
                found = set(holders[key]) - members
                members |= found
                waiting.extend(found)
        seen |= members
        yield members, group

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Who is who: the rules that say whether two records are one person's.

Writers, journal and revert ask here which record a create has made (`find_created`), for IT Glue
and BMS alike: the one with the same names and a common address that was not there before. A job
title, a further address, or any other field that was set since does not make it somebody else's.
Where several records could be it, none is taken: all of them are reported.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .model import BmsContact, Contact
from .text import address, contact_addresses, name

Record = TypeVar("Record", Contact, BmsContact)


# ---------------------------------------------------- which record a create made


@dataclass(frozen=True, slots=True)
class Created(Generic[Record]):
    """Which record a create has made: `record`, where exactly one could be it. `alike` are all that could."""

    record: Record | None = None
    alike: tuple[Record, ...] = ()

    @property
    def is_unclear(self) -> bool:
        """Whether records could be it, and none can be told from the others."""
        return self.record is None and bool(self.alike)


def could_be(record: Record, wanted: Record) -> bool:
    """Whether `record` can be what became of `wanted`: the same names and a common address."""
    return names_of(record) == names_of(wanted) and not addresses_of(record).isdisjoint(addresses_of(wanted))


def find_created(
    wanted: Sequence[Record], present: Iterable[Record], known: Collection[int] = ()
) -> list[Created[Record]]:
    """What was made of each of `wanted`, in their order, among the records that are `present`.

    `known` are the ids of records that were there before, or that are another create's. A record that
    two of `wanted` could have become is given to neither.
    """
    by_names: dict[tuple[str, str], list[Record]] = defaultdict(list)
    sought = {names_of(each) for each in wanted}
    for record in present:
        if record.id not in known and (names := names_of(record)) in sought:
            by_names[names].append(record)
    alike = [tuple(each for each in by_names[names_of(one)] if could_be(each, one)) for one in wanted]
    return _told_apart(alike)


def find_answered(wanted: Sequence[Record], answered: Iterable[Record]) -> list[Created[Record]]:
    """What was made of each of `wanted`, in their order, among the records of the answer to their create.

    The answer shows nothing but what was just made, and may show it without addresses: then the
    names tell it, where they are nobody else's in the request.
    """
    records = list(answered)
    found = find_created(wanted, records)
    taken = {each.record.id for each in found if each.record is not None}
    by_names: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.id not in taken:
            by_names[names_of(record)].append(record)
    left = [() if each.record else tuple(by_names[names_of(one)]) for each, one in zip(found, wanted, strict=True)]
    return [each if each.record else other for each, other in zip(found, _told_apart(left), strict=True)]


def resembling(wanted: Record, present: Iterable[Record]) -> tuple[Record, ...]:
    """The records that could be taken for what becomes of `wanted`."""
    return tuple(each for each in present if could_be(each, wanted))


def _told_apart(alike: Sequence[tuple[Record, ...]]) -> list[Created[Record]]:
    """The only one of each, unless it is another's too."""
    claims = Counter(record.id for records in alike for record in records)
    return [
        Created(records[0] if len(records) == 1 and claims[records[0].id] == 1 else None, records) for records in alike
    ]


def names_of(record: Contact | BmsContact) -> tuple[str, str]:
    """First and last name in the form in which they are compared."""
    return name(record.first_name), name(record.last_name)


def addresses_of(record: Contact | BmsContact) -> frozenset[str]:
    """All addresses in the form in which they are compared."""
    if isinstance(record, Contact):
        return contact_addresses(record)
    return frozenset(address(entry.address) for entry in record.emails) - {""}

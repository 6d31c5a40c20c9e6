# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two contacts must not have in common that BMS is to hold as two (matching guide, look-up in BMS).

A run that creates both would find either of them for the other the next time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from .bms_evidence import Hit, is_sure, names_of, stays_apart
from .directory import Directory
from .identity import RawNames, same_key
from .identity import names_of as compared_names
from .model import Contact
from .plan import Operation, Subject

Key = TypeVar("Key", bound=Hashable)


class Mark(NamedTuple):
    """What candidates have in common: an address and the names of those it does not tell apart; or, with a blank
    address, first and last name."""

    address: str
    key: Hashable


class _Candidate(NamedTuple):
    operation: Operation
    hit: Hit

    @property
    def contact(self) -> Contact:
        return self.operation.wanted

    @property
    def is_new(self) -> bool:
        return not self.hit.found

    @property
    def names_in_bms(self) -> RawNames:
        return names_of(self.hit.clear or self.contact)


def marks_in_common(
    looked_up: Sequence[Operation], hits: Sequence[Hit], directory: Directory, *, native: bool
) -> Mapping[Subject, Sequence[Mark]]:
    """The marks that somebody who is not in BMS yet has in common with another candidate, by subject."""
    pairs = list(zip(looked_up, hits, strict=True))
    marks: dict[Subject, list[Mark]] = defaultdict(list)
    undecided = [(operation, hit) for operation, hit in pairs if not hit.overridden]
    for address, holders in _shared(undecided, [directory.email_keys(each.wanted) for each, dummy in undecided]):
        for mark, members in _indistinct(address, holders):
            for candidate in members:
                marks[candidate.operation.subject].append(mark)
    # IT Glue pairs by first and last name alone, be the last one blank.
    named = pairs if native else []
    for names, holders in _shared(named, [[compared_names(each.wanted)] for each, dummy in named]):
        for candidate in holders:
            marks[candidate.operation.subject].append(Mark("", names))
    return marks


def _shared(
    pairs: Sequence[tuple[Operation, Hit]], keys: Sequence[Collection[Key]]
) -> Iterator[tuple[Key, Sequence[_Candidate]]]:
    """Those of the keys that several candidates have, one of whom is new, with those candidates."""
    wanted = {key for (dummy, hit), own in zip(pairs, keys, strict=True) if not hit.found for key in own if key}
    holders: dict[Key, list[_Candidate]] = defaultdict(list)
    for pair, own in zip(pairs, keys, strict=True):
        for key in wanted.intersection(own):
            holders[key].append(_Candidate(*pair))
    return ((key, found) for key, found in holders.items() if len(found) > 1)


def _indistinct(address: str, holders: Sequence[_Candidate]) -> Iterator[tuple[Mark, Sequence[_Candidate]]]:
    """Those of the holders of an address whom the next look-up would not tell from one another by their names."""
    sure: dict[Hashable, list[_Candidate]] = defaultdict(list)
    unsure = []
    for candidate in holders:
        if is_sure(candidate.contact, candidate.hit):
            sure[same_key(*names_of(candidate.contact))].append(candidate)
        else:
            unsure.append(candidate)
    for key, members in sure.items():
        if len(members) > 1 and any(member.is_new for member in members):
            yield Mark(address, key), members
    for candidate in unsure:
        for other in holders:
            if other is not candidate and (candidate.is_new or other.is_new) and _mix(candidate, other, address):
                both = (candidate, other)
                yield Mark(address, frozenset(each.operation.subject for each in both)), both


def _mix(one: _Candidate, other: _Candidate, address: str) -> bool:
    return not (
        stays_apart(one.contact, one.hit, other.names_in_bms, address)
        and stays_apart(other.contact, other.hit, one.names_in_bms, address)
    )

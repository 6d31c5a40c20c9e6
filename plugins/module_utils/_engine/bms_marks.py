# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two contacts must not have in common that BMS is to hold as two (matching guide, look-up in BMS).

A run that creates both would find either of them for the other the next time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
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
    subject: Subject
    contact: Contact
    hit: Hit

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
    if all(hit.found for hit in hits):
        return {}
    pairs = list(zip(looked_up, hits, strict=True))
    marks: dict[Subject, list[Mark]] = defaultdict(list)
    undecided = [(operation, hit) for operation, hit in pairs if not hit.overridden]
    for address, holders in _shared(_with_addresses(undecided, directory)):
        for mark, members in _indistinct(address, holders):
            for candidate in members:
                marks[candidate.subject].append(mark)
    # IT Glue pairs by first and last name alone, be the last one blank.
    named = [(operation, hit, [compared_names(operation.wanted)]) for operation, hit in pairs] if native else ()
    for names, holders in _shared(named):
        for candidate in holders:
            marks[candidate.subject].append(Mark("", names))
    return marks


def _with_addresses(
    undecided: Sequence[tuple[Operation, Hit]], directory: Directory
) -> Iterator[tuple[Operation, Hit, Sequence[str]]]:
    """The candidates with their addresses, but for those who share none with somebody who is not in BMS yet: whose
    contacts stay as they are, and are not among the holders that the directory knows."""
    new = {operation.subject: directory.email_keys(operation.wanted) for operation, hit in undecided if not hit.found}
    by_address = directory.contacts_by_address
    holders = {contact_id for keys in new.values() for key in keys for contact_id in by_address.get(key, ())}
    for operation, hit in undecided:
        contact = operation.wanted
        if not hit.found:
            yield operation, hit, new[operation.subject]
        elif contact.id in holders or directory.contact.get(contact.id) is not contact:
            yield operation, hit, directory.email_keys(contact)


def _shared(
    looked_up: Iterable[tuple[Operation, Hit, Sequence[Key]]],
) -> Iterator[tuple[Key, Sequence[_Candidate]]]:
    """The keys that several candidates have, one of whom is new, with those candidates."""
    keyed = list(looked_up)
    wanted = {key for dummy, hit, keys in keyed if not hit.found for key in keys if key}
    holders: dict[Key, list[_Candidate]] = defaultdict(list)
    for operation, hit, keys in keyed:
        if not wanted.isdisjoint(keys):
            candidate = _Candidate(operation.subject, operation.wanted, hit)
            for key in wanted.intersection(keys):
                holders[key].append(candidate)
    for key, found in holders.items():
        if len(found) > 1:
            yield key, found


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
                yield Mark(address, frozenset((candidate.subject, other.subject))), (candidate, other)


def _mix(one: _Candidate, other: _Candidate, address: str) -> bool:
    return not (
        stays_apart(one.contact, one.hit, other.names_in_bms, address)
        and stays_apart(other.contact, other.hit, one.names_in_bms, address)
    )

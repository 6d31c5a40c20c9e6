# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hits by an address count, and which of them are withheld (guide to matching, the rules by address)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

from .identity import Names
from .matching_index import MatchingIndex
from .model import ItGlueId
from .text import contact_addresses

Hits = Mapping[str, Mapping[ItGlueId, Names]]
"""By user id the contacts that the user hits in a pass, each with what the names say."""

MATCH_DIFFERENT_NAMES = "match"
"""The value of `different_names` that takes an address alone for evidence enough, as IT Glue does."""


@dataclass(slots=True)
class Weighed:
    """The hits that count, and what was found out about the others.

    `withheld` are by user id the contacts that are somebody else's. `rests_on_deleted` are pairs of contact and
    user id that only a deleted user keeps apart. `needs_deleted_users` says that deleted users decide about a hit,
    and have not been read.
    """

    hits: Hits = field(default_factory=dict)
    withheld: dict[str, set[ItGlueId]] = field(default_factory=lambda: defaultdict(set))
    rests_on_deleted: set[tuple[ItGlueId, str]] = field(default_factory=set)
    needs_deleted_users: bool = False


def asks_about_different_names(index: MatchingIndex) -> bool:
    """Whether different names on an own address are a conflict."""
    return index.circumstances.different_names != MATCH_DIFFERENT_NAMES


def weigh(index: MatchingIndex, hits: Hits, free: Container[ItGlueId]) -> Weighed:
    """The hits of one pass that count, each user's best. `free` are the contacts that no pass has claimed.

    Each rule judges all hits by the same state, and the rules follow one another as the guide numbers them.
    """
    weighed = Weighed()
    hits = _where(hits, lambda *hit: _counts(index, *hit))
    hits = _where(hits, lambda *hit: not _is_anothers(index, weighed, *hit))
    yielding = _yielding(index, hits, free)
    for user_id, contact_id in yielding:
        weighed.withheld[user_id].add(contact_id)
    hits = _where(hits, lambda user_id, contact_id, names: (user_id, contact_id) not in yielding)
    hits = {user_id: _best(index, judged) for user_id, judged in hits.items()}
    won = {
        contact_id
        for user_id, judged in hits.items()
        if user_id in index.selected
        for contact_id, names in judged.items()
        if names == Names.SAME
    }
    weighed.hits = _where(hits, lambda user_id, contact_id, names: user_id in index.selected or contact_id not in won)
    return weighed


def _counts(index: MatchingIndex, user_id: str, contact_id: ItGlueId, names: Names) -> bool:
    """An excluded user's hit takes names that speak for it."""
    if user_id in index.selected or names == Names.SAME:
        return True
    return (
        names == Names.OPEN
        and index.have_common_word(user_id, contact_id)
        and index.names_of_contacts[contact_id] not in index.selected_by_names
    )


def _is_anothers(index: MatchingIndex, weighed: Weighed, user_id: str, contact_id: ItGlueId, names: Names) -> bool:
    """A selected user's hit is withheld where something says that the contact is somebody else."""
    if user_id not in index.selected or names == Names.SAME:
        return False
    rests_on_deleted = index.rests_on_deleted(contact_id, user_id)
    if index.is_departed(contact_id) or index.has_another_bearer(contact_id, user_id) or rests_on_deleted:
        weighed.withheld[user_id].add(contact_id)
        if rests_on_deleted:
            weighed.rests_on_deleted.add((contact_id, user_id))
        return True
    if index.circumstances.deleted is None and index.names_to_judge(contact_id, user_id):
        weighed.needs_deleted_users = True
    return False


def _yielding(index: MatchingIndex, hits: Hits, free: Container[ItGlueId]) -> set[tuple[str, ItGlueId]]:
    """The hits with different names that give way: to another's hit, to the user's own contact, or because they
    rest on an alias alone (a role address, or one that was handed on)."""
    fitting = Counter(
        contact_id
        for user_id, judged in hits.items()
        if user_id in index.selected
        for contact_id, names in judged.items()
        if names != Names.DIFFERENT
    )
    return {
        (user_id, contact_id)
        for user_id, judged in hits.items()
        for contact_id, names in judged.items()
        if names == Names.DIFFERENT
        and (
            fitting[contact_id]
            or _has_free_contact_of_own_names(index, user_id, free)
            or not index.holds_own_address(contact_id, user_id)
        )
    }


def _has_free_contact_of_own_names(index: MatchingIndex, user_id: str, free: Container[ItGlueId]) -> bool:
    """Whether a contact of the user's names is there for the user: no namesake holds an address of it."""
    key = index.names_of_users[user_id]
    namesakes = [index.users[other] for other in index.selected_by_names.get(key, ()) if other != user_id]
    return any(
        contact_id in free and not index.holds_any(namesakes, contact_addresses(index.contacts[contact_id]))
        for contact_id in index.contacts_by_names.get(key, ())
    )


def _best(index: MatchingIndex, judged: Mapping[ItGlueId, Names]) -> Mapping[ItGlueId, Names]:
    """Of several contacts the only one whose names are the user's, the only linked one of those, or the only one
    whose names do not speak against it. Else all."""
    if Names.DIFFERENT in judged.values() and asks_about_different_names(index):
        return judged
    same = [contact_id for contact_id, names in judged.items() if names == Names.SAME]
    linked = [contact_id for contact_id in same if contact_id in index.circumstances.linked]
    fitting = [contact_id for contact_id, names in judged.items() if names != Names.DIFFERENT]
    for candidates in (same, linked, fitting if not same else ()):
        if len(candidates) == 1:
            return {candidates[0]: judged[candidates[0]]}
    return judged


def _where(hits: Hits, keep: Callable[[str, ItGlueId, Names], bool]) -> Hits:
    """The hits for which `keep` holds; users without any drop out."""
    chosen = {
        user_id: {contact_id: names for contact_id, names in judged.items() if keep(user_id, contact_id, names)}
        for user_id, judged in hits.items()
    }
    return {user_id: judged for user_id, judged in chosen.items() if judged}

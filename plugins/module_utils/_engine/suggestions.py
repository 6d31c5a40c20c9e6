# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conflicts of matching, with the answers that can be given, and the one that is best where one is.

A suggestion is never by chance: it is made only where exactly one contact is best for a user (guide to matching).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from .conflicts import IGNORE, NEW, Answer, Conflict, Rule
from .identity import Names
from .matching_index import MatchingIndex
from .model import ItGlueId
from .reasons import ReasonCode
from .text import contact_addresses

Key = TypeVar("Key", bound=Hashable)

Rank = tuple[bool, bool]
"""Whether the names are the user's, and whether the contact holds the user's primary address."""

NOTHING_SPEAKS_FOR_IT: Rank = (False, False)


def conflict_of(
    index: MatchingIndex,
    rule: Rule,
    code: ReasonCode,
    user_ids: Iterable[str],
    contact_ids: Iterable[ItGlueId],
    taken: Collection[ItGlueId] = (),
) -> Conflict:
    """The conflict of these users and contacts, of which those that are `taken` belong to other users."""
    members = sorted(user_ids, key=lambda user_id: (index.users[user_id].username, user_id))
    candidates = tuple(sorted(contact_ids))
    usernames = tuple(index.users[user_id].username for user_id in members)
    return Conflict(
        rule=rule,
        code=code,
        users=usernames,
        user_ids=tuple(members),
        contact_ids=candidates,
        suggestion=_suggestion(index, code, members, [each for each in candidates if each not in taken]),
        answers={index.users[each].username: _answers(index, each, candidates) for each in members},
    )


def kept_from_suggestion(index: MatchingIndex, conflict: Conflict) -> Iterator[tuple[ItGlueId, str]]:
    """Pairs of contact and user id of which only a deleted user says that they are no suggestion."""
    for user_id in _could_get_suggestion(index, conflict):
        if not index.was_made_anew(user_id):
            yield from ((each, user_id) for each in conflict.contact_ids if index.rests_on_deleted(each, user_id))


def made_anew(index: MatchingIndex, conflict: Conflict) -> Iterator[str]:
    """The users to whom nothing is suggested, as a deleted user bore their names."""
    return filter(index.was_made_anew, _could_get_suggestion(index, conflict))


def _could_get_suggestion(index: MatchingIndex, conflict: Conflict) -> list[str]:
    returned = conflict.code == ReasonCode.POSSIBLY_RETURNED
    return [] if returned else [each for each in conflict.user_ids if each in index.selected]


def _answers(index: MatchingIndex, user_id: str, candidates: Sequence[ItGlueId]) -> tuple[Answer, ...]:
    """All that can be said of a user. An excluded one gets no new contact."""
    return (*candidates, NEW, IGNORE) if user_id in index.selected else (*candidates, IGNORE)


def _suggestion(
    index: MatchingIndex, code: ReasonCode, user_ids: Sequence[str], candidates: Sequence[ItGlueId]
) -> Mapping[str, Answer]:
    """The best contact of each user that has one. Where two users have the same, it is the better one's."""
    if code == ReasonCode.POSSIBLY_RETURNED:
        return {}
    ranks = {user_id: _ranks(index, user_id, candidates) for user_id in user_ids if user_id in index.selected}
    best = {user_id: found for user_id, own in ranks.items() if (found := only_best(own)) is not None}
    suggestion: dict[str, Answer] = {}
    for user_id, contact_id in best.items():
        rivals = {other: ranks[other][contact_id] for other, found in best.items() if found == contact_id}
        if only_best(rivals) == user_id:
            suggestion[index.users[user_id].username] = contact_id
    return suggestion


def _ranks(index: MatchingIndex, user_id: str, candidates: Sequence[ItGlueId]) -> dict[ItGlueId, Rank]:
    """The contacts that may be suggested for a user, each with what speaks for it."""
    if index.names_of_users[user_id] in index.excluded_by_names or index.was_made_anew(user_id):
        # The account was made anew, or the person has returned: only its person knows.
        return {}
    ranks = {}
    for contact_id in candidates:
        names = index.names(user_id, contact_id)
        former = index.names_of_contacts[contact_id] in index.excluded_by_names
        if names == Names.DIFFERENT or former or index.rests_on_deleted(contact_id, user_id):
            continue
        holds_primary = index.primary_key(user_id) in contact_addresses(index.contacts[contact_id])
        ranks[contact_id] = (names == Names.SAME, holds_primary)
    return ranks


def only_best(ranks: Mapping[Key, Rank]) -> Key | None:
    """The only one of the highest rank, None where there is none or where nothing speaks for it."""
    highest = max(ranks.values(), default=NOTHING_SPEAKS_FOR_IT)
    best = [key for key, rank in ranks.items() if rank == highest != NOTHING_SPEAKS_FOR_IT]
    return best[0] if len(best) == 1 else None

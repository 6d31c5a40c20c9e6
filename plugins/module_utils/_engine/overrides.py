# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `match_overrides` decides before any rule does (guide to matching)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .conflicts import IGNORE, NEW, Answer
from .directory import primary_key_of
from .errors import InputError, OverrideError
from .identity import Names, RawNames, same_key
from .matching_index import MatchingIndex
from .model import ItGlueId, User
from .options import Options
from .reasons import Reason, ReasonCode, because
from .selection import FILTER_REASONS
from .text import NAMES_OF_CONTACT, NAMES_OF_USER, address, name


@dataclass(frozen=True, slots=True)
class Override:
    """One entry for one user. `by_username` says that its key is the username, which is handed on at times."""

    target: Answer
    by_username: bool


@dataclass(slots=True)
class Decided:
    """What the overrides decide: see `Matching`. `conflicts` are code, user ids and contact ids."""

    matches: dict[str, ItGlueId] = field(default_factory=dict)
    found_by_new: dict[str, ItGlueId | None] = field(default_factory=dict)
    conflicts: list[tuple[ReasonCode, list[str], list[ItGlueId]]] = field(default_factory=list)
    needs_deleted_users: bool = False


def resolved_overrides(
    option: str, overrides: Mapping[str, Answer], users: Collection[User]
) -> tuple[dict[str, Override], list[Reason]]:
    """The entries of an option by user id, and a warning for each that names nobody.

    Raises InputError for two entries of one user that say different things.
    """
    if not overrides:
        return {}, []
    by_name = {address(user.username): user for user in users}
    by_id = {user.id.casefold(): user for user in users}
    found: dict[str, Override] = {}
    warnings = []
    for key, target in overrides.items():
        user = by_id.get(key.strip().casefold())
        override = Override(target, by_username=user is None)
        user = user or by_name.get(address(key))
        if user is None:
            warnings.append(because(ReasonCode.OVERRIDE_FOR_UNKNOWN_USER, option=option, user=key))
        elif found.setdefault(user.id, override).target != target:
            raise InputError(
                f"{option} names the user {user.username} twice, with different answers.",
                hint="Keep one of the two entries.",
            )
        elif not override.by_username:
            found[user.id] = override
    return found, warnings


def without_effect(
    overrides: Mapping[str, Override], excluded: Mapping[str, ReasonCode], matched: Collection[str]
) -> dict[str, ReasonCode]:
    """The users whose entry does nothing, as the user filter excludes them, with the reason. `matched` are those who
    have a contact.

    An entry may be older than the departure of a disabled user, who may return; and by `ignore` nobody departs.
    """
    found = {user_id: excluded.get(user_id) for user_id, each in overrides.items() if each.target != IGNORE}
    return {
        user_id: reason
        for user_id, reason in found.items()
        if reason in FILTER_REASONS and reason != ReasonCode.DISABLED and user_id not in matched
    }


def refuse_shared(option: str, noun: str, pairs: Iterable[tuple[str, int]]) -> None:
    """Raise InputError for one contact for two users. `pairs` are a username and the id of a contact each."""
    claimed: dict[int, str] = {}
    for username, contact_id in sorted(pairs):
        if contact_id in claimed:
            raise InputError(
                f"{option} pairs {noun} {contact_id} with two users, {claimed[contact_id]} and {username}.",
                hint=f"A {noun} is one person: keep one of the two entries.",
            )
        claimed[contact_id] = username


def handed_on(option: str, contact: str, user_id: str, username: str, former_user_id: str) -> OverrideError:
    """The error of an override by username to a `contact`, such as "BMS contact 5", of the name's former holder."""
    return OverrideError(
        f"{option} pairs {username} with {contact}, which bears the names of another user of the tenant "
        f"({former_user_id}) who is excluded or deleted: the username was handed on.",
        option=option,
        user_id=user_id,
        username=username,
        hint=f"If {contact} is right for {username}, use the user id {user_id} as the key. Else remove the entry.",
    )


def without_override(options: Options, error: OverrideError) -> Options:
    """The options with `ignore` in the place of the override that does not fit."""
    keys = {address(error.username), address(error.user_id)}
    overrides: Mapping[str, Answer] = getattr(options, error.option)
    kept = {key: target for key, target in overrides.items() if address(key) not in keys}
    changes: dict[str, Any] = {error.option: {**kept, error.user_id: IGNORE}}
    return replace(options, **changes)


def apply_overrides(index: MatchingIndex, overrides: Mapping[str, Override]) -> Decided:
    """What the overrides decide, those that leave a user out apart.

    Raises OverrideError for an id that is no contact of the organization, and for a username that was handed on;
    InputError for one contact for two users.
    """
    decided = Decided()
    for user_id, override in overrides.items():
        if override.target not in (NEW, IGNORE):
            decided.matches[user_id] = _contact_of(index, user_id, override.target)
    pairs = [(index.users[user_id].username, contact_id) for user_id, contact_id in decided.matches.items()]
    refuse_shared("match_overrides", "contact", pairs)
    for user_id, contact_id in decided.matches.items():
        if overrides[user_id].by_username and index.names(user_id, contact_id) == Names.DIFFERENT:
            _refuse_handed_on_username(index, user_id, contact_id)
            decided.needs_deleted_users |= index.circumstances.deleted is None
    _find_own_new_contacts(index, decided, [user_id for user_id, each in overrides.items() if each.target == NEW])
    return decided


def _contact_of(index: MatchingIndex, user_id: str, target: Answer) -> ItGlueId:
    if isinstance(target, int) and target in index.contacts:
        return ItGlueId(target)
    username = index.users[user_id].username
    raise OverrideError(
        f"match_overrides pairs {username} with contact {target}, which is not a contact of this organization.",
        option="match_overrides",
        user_id=user_id,
        username=username,
        hint="Put the id of a contact of the organization, 'new' or 'ignore' in its place.",
    )


def _refuse_handed_on_username(index: MatchingIndex, user_id: str, contact_id: ItGlueId) -> None:
    """Refuse an override that was written for the former holder of a username."""
    key = index.names_of_contacts[contact_id]
    former = [*index.excluded_by_names.get(key, ()), *index.deleted_by_names.get(key, ())]
    if former:
        username = index.users[user_id].username
        raise handed_on("match_overrides", f"contact {contact_id}", user_id, username, former[0].id)


# --------------------------------------------------------------------- `new`


def _find_own_new_contacts(index: MatchingIndex, decided: Decided, user_ids: Iterable[str]) -> None:
    """`new` makes a contact once: on a later run it finds the one with the user's names and primary address."""
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for user_id in user_ids:
        primary = index.primary_key(user_id)
        groups[(primary, _own_names(NAMES_OF_USER(index.users[user_id]))) if primary else user_id].append(user_id)
    taken = {*decided.matches.values(), *index.circumstances.owned.contacts.values()}
    for members in groups.values():
        found = [each for each in _own_new_contacts(index, members[0]) if each not in taken]
        if len(members) > 1:
            decided.conflicts.append((ReasonCode.SAME_PRIMARY_ADDRESS, members, found))
        elif len(found) > 1:
            decided.conflicts.append((ReasonCode.SEVERAL_HITS, members, found))
        else:
            decided.found_by_new[members[0]] = found[0] if found else None


def _own_new_contacts(index: MatchingIndex, user_id: str) -> Iterable[ItGlueId]:
    own, key = _own_names(NAMES_OF_USER(index.users[user_id])), index.primary_key(user_id)
    for contact_id in index.contacts_by_address.get(key, ()):
        contact = index.contacts[contact_id]
        if primary_key_of(contact) == key and _own_names(NAMES_OF_CONTACT(contact)) == own:
            yield contact_id


def _own_names(names: RawNames) -> tuple[str, str]:
    """`same` names are equal in this form, and so are those of a user with less than two and of its own contact."""
    return same_key(*names) or (name(names[0]), name(names[1]))

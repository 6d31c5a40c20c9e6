# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Matching a user to a contact of the organization (feature, section 3).

The passes are finished for all users one after the other; what is claimed in one is out of
the later ones. A user and a contact that hit only each other are a match, a larger connected
group of hits is a conflict. Nothing depends on the order of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import TypeVar

from .conflicts import IGNORE, NEW, Conflict, Rule
from .errors import InputError
from .grouping import by_key, connected, found_under, repeated
from .model import Contact, ItGlueId, User
from .reasons import Reason, ReasonCode, because
from .text import (
    NAMES_OF_CONTACT,
    NAMES_OF_USER,
    FullName,
    address,
    bearers,
    email_keys,
    full_name,
    primary_key,
    smtp_keys,
)

Key = TypeVar("Key", bound=Hashable)

ALIAS, USERNAME, NAME, OVERRIDE = Rule.ALIAS, Rule.USERNAME, Rule.NAME, Rule.OVERRIDE


@dataclass(slots=True)
class Matching:
    """`matches`: user id to contact id and rule; `conflicts`; `conflicted`: user id to conflict.

    `ignored` are the ids of users that an override takes out; `settled_new` maps the ids of
    users with the override `new` to the contact that it found, or None where it creates.
    `reasons` are notes on users, by their ids. `needs_deleted_users` says that a hit depends on
    the tenant's deleted users.
    """

    matches: dict[str, tuple[ItGlueId, Rule]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    conflicted: dict[str, Conflict] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    settled_new: dict[str, ItGlueId | None] = field(default_factory=dict)
    warnings: list[Reason] = field(default_factory=list)
    reasons: dict[str, tuple[Reason, ...]] = field(default_factory=dict)
    needs_deleted_users: bool = False


def match(
    users: Collection[User],
    kept: Collection[str],
    contacts: Collection[Contact],
    overrides: Mapping[str, int | str] | None = None,
    primary_email: str = "mail",
    deleted: Collection[User] | None = None,
) -> Matching:
    """Pair users with contacts; `kept` holds the ids of the users that the filter lets through.

    Raises InputError for an override that names no live contact of the organization, or one
    contact for two users.
    """
    result = Matching()
    open_users = {user.id: user for user in users}
    open_contacts = {contact.id: contact for contact in contacts}
    if overrides:
        _apply_overrides(result, open_users, open_contacts, kept, overrides, primary_email)
    for rule, user_keys, contact_keys in (
        (ALIAS, smtp_keys, email_keys),
        (USERNAME, lambda user: (address(user.username),), email_keys),
        (NAME, _names_of_users(users, kept, open_users, open_contacts), _names_of_contact),
    ):
        _match_by(rule, result, open_users, open_contacts, kept, primary_email, user_keys, contact_keys)
    return result


def _names_of_contact(contact: Contact) -> Iterable[Hashable]:
    return (full_name(contact.first_name, contact.last_name),)


def _names_of_users(
    users: Collection[User],
    kept: Collection[str],
    open_users: Mapping[str, User],
    open_contacts: Mapping[ItGlueId, Contact],
) -> Callable[[User], Iterable[Hashable]]:
    """A left-out user takes part by name only where no kept user has that name."""

    @cache
    def taken() -> frozenset[FullName]:
        left_out = {full_name(*NAMES_OF_USER(user)) for user in open_users.values() if user.id not in kept}
        wanted = {own for own, contact in bearers(left_out, open_contacts.values(), NAMES_OF_CONTACT)}
        return frozenset(own for own, user in bearers(wanted, users, NAMES_OF_USER) if user.id in kept)

    def names(user: User) -> Iterable[Hashable]:
        own = full_name(user.given_name, user.surname)
        return (own,) if own and (user.id in kept or own not in taken()) else ()

    return names


def _match_by(
    rule: Rule,
    result: Matching,
    open_users: dict[str, User],
    open_contacts: dict[ItGlueId, Contact],
    kept: Collection[str],
    primary_email: str,
    user_keys: Callable[[User], Iterable[Hashable]],
    contact_keys: Callable[[Contact], Iterable[Hashable]],
) -> None:
    holders = by_key(open_contacts, map(contact_keys, open_contacts.values()))
    hits: dict[str, tuple[ItGlueId, ...]] = {}
    for user_id, keys in zip(open_users, map(user_keys, open_users.values()), strict=True):
        if found := found_under(keys, holders):
            hits[user_id] = found
    knotted = entangled(hits)
    for user_id, found in hits.items():
        if user_id not in knotted:
            del open_users[user_id], open_contacts[found[0]]
            result.matches[user_id] = (found[0], rule)
    for user_ids, contact_ids in connected(knotted):
        members, claimed = map(open_users.pop, user_ids), map(open_contacts.pop, contact_ids)
        _add_conflict(result, rule, members, claimed, kept, primary_email)


def entangled(hits: Mapping[str, tuple[Key, ...]]) -> dict[str, tuple[Key, ...]]:
    """The hits of those users who hit several, or what somebody else hits too."""
    shared = repeated(list(chain.from_iterable(hits.values())))
    return {user_id: own for user_id, own in hits.items() if len(own) > 1 or own[0] in shared}


def _add_conflict(
    result: Matching,
    rule: Rule,
    users: Iterable[User],
    contacts: Iterable[Contact],
    kept: Collection[str],
    primary_email: str,
) -> None:
    users = sorted(users, key=lambda user: (user.username, user.id))
    contacts = sorted(contacts, key=lambda contact: contact.id)
    ids = tuple(contact.id for contact in contacts)
    conflict = Conflict(
        rule=rule,
        code=ReasonCode.SAME_PRIMARY_ADDRESS if rule == OVERRIDE and len(users) > 1 else ReasonCode.SEVERAL_HITS,
        users=tuple(user.username for user in users),
        user_ids=tuple(user.id for user in users),
        contact_ids=ids,
        suggestion=_settlement(users, contacts, kept, primary_email),
        answers={user.username: (*ids, NEW, IGNORE) for user in users},
    )
    for user in users:
        result.conflicted[user.id] = conflict
    if any(user.id in kept for user in users):
        result.conflicts.append(conflict)


def _settlement(
    users: list[User], contacts: list[Contact], kept: Collection[str], primary_email: str
) -> dict[str, int | str]:
    """A proposal: namesakes first, then in order; who is left gets a new contact.

    Of two that `new` could not tell apart, because they have one primary address, one is ignored.
    """
    free = {contact.id: contact for contact in contacts}
    proposal: dict[str, int | str] = {}
    kept_users = [user for user in users if user.id in kept]
    for user in kept_users:
        own = full_name(user.given_name, user.surname)
        for contact in free.values():
            if own and own == full_name(contact.first_name, contact.last_name):
                proposal[user.username] = free.pop(contact.id).id
                break
    new: set[str] = set()
    for user in kept_users:
        if user.username not in proposal and free:
            proposal[user.username] = free.pop(min(free)).id
        elif user.username not in proposal:
            primary = primary_key(user, primary_email)
            proposal[user.username] = IGNORE if primary in new else NEW
            new.add(primary)
    return proposal | {user.username: IGNORE for user in users if user.id not in kept}


def _apply_overrides(
    result: Matching,
    open_users: dict[str, User],
    open_contacts: dict[ItGlueId, Contact],
    kept: Collection[str],
    overrides: Mapping[str, int | str],
    primary_email: str,
) -> None:
    by_name = {address(user.username): user for user in open_users.values()}
    by_id = {user.id.casefold(): user for user in open_users.values()}
    wanted: dict[str, int | str] = {}
    for key, target in overrides.items():
        user = by_id.get(key.strip().casefold()) or by_name.get(address(key))
        if user is None:
            result.warnings.append(because(ReasonCode.OVERRIDE_FOR_UNKNOWN_USER, option="match_overrides", user=key))
        elif wanted.setdefault(user.id, target) != target:
            raise InputError(
                f"match_overrides names the user {user.username} twice, with different targets.",
                hint="Keep one of the two entries.",
            )

    claimed: dict[int, str] = {}
    for user_id, target in wanted.items():
        if target in (NEW, IGNORE):
            continue
        username = open_users[user_id].username
        if target not in open_contacts and target not in claimed:
            raise InputError(
                f"match_overrides pairs {username} with contact {target}, which is not a contact of this organization.",
                hint="Put the id of a contact of the organization, 'new' or 'ignore' in its place.",
            )
        if target in claimed:
            raise InputError(
                f"match_overrides pairs contact {target} with two users, {claimed[target]} and {username}.",
                hint="A contact is one person: keep one of the two entries.",
            )
        claimed[target] = username
        result.matches[user_id] = (open_contacts.pop(ItGlueId(int(target))).id, OVERRIDE)

    newcomers: dict[str, list[User]] = defaultdict(list)
    for user_id, target in wanted.items():
        user = open_users.pop(user_id)
        if target == IGNORE:
            result.ignored.add(user_id)
        elif target == NEW:
            newcomers[primary_key(user, primary_email) or user_id].append(user)
    for primary, users in newcomers.items():
        _settle_new(result, primary, users, open_contacts, kept, primary_email)


def _settle_new(
    result: Matching,
    primary: str,
    users: list[User],
    open_contacts: dict[ItGlueId, Contact],
    kept: Collection[str],
    primary_email: str,
) -> None:
    """`new` creates only where no contact holds the user's primary address as its primary e-mail.

    Of two users with one primary address the second would find the first one's new contact.
    """
    holders = [
        contact
        for contact in open_contacts.values()
        if any(entry.primary and address(entry.value) == primary for entry in contact.emails)
    ]
    for contact in holders:
        open_contacts.pop(contact.id)
    if len(users) > 1 or len(holders) > 1:
        _add_conflict(result, OVERRIDE, users, holders, kept, primary_email)
        return
    user_id = users[0].id
    result.settled_new[user_id] = holders[0].id if holders else None
    if holders:
        result.matches[user_id] = (holders[0].id, OVERRIDE)

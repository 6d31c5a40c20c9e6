# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""People who left, and contacts that nobody claims (feature, section 6, "Departed").

Only positive evidence counts: the user is disabled, or is among the tenant's deleted items.
That an address has no user says nothing about a person; such a contact is listed and never
touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .model import Contact, Office365Settings, User
from .selection import exclusion_rule
from .text import address, contact_addresses, domain, full_name, proxied, smtp_keys

DISABLED, DELETED = "disabled", "deleted"

DEPARTED = "departed/"
"""What the key of a departure begins with; no Entra id does."""

# What is done about a contact whose person has left.
REPORT, DEACTIVATE, DEACTIVATED, KEEP = "report", "deactivate", "deactivated", "keep"


@dataclass(frozen=True, slots=True)
class Departure:
    """A contact whose person has left. `evidence` is `disabled` or `deleted`.

    `action` is `report`, `deactivate`, `deactivated` (nothing is left to do) or `keep`.
    """

    user: str
    user_id: str
    contact_id: int
    evidence: str
    action: str = REPORT

    @property
    def key(self) -> str:
        """What tells the write of a departure from that of a user."""
        return f"{DEPARTED}{self.contact_id}"


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A contact with addresses of the tenant's domains that no user holds, present or deleted."""

    contact_id: int
    name: str
    addresses: tuple[str, ...]


def user_addresses(user: User) -> frozenset[str]:
    """All addresses of a user, username included, in the form in which they are compared."""
    return frozenset((*smtp_keys(user), address(user.username))) - {""}


def as_it_was(user: User) -> User:
    """A deleted user under the username that it had: Graph puts the object id in front of it."""
    prefix = user.id.replace("-", "")
    mangled = bool(prefix) and user.username.casefold().startswith(prefix.casefold())
    return replace(user, username=user.username[len(prefix) :] or user.username) if mangled else user


def domains_of(users: Iterable[User]) -> frozenset[str]:
    """The domains of the users' own addresses: all of them are verified domains of the tenant.

    `mail` does not count, it may be any address; nor do guests' addresses.
    """
    found: set[str] = set()
    for user in users:
        if (user.user_type or "").casefold() != "guest":
            found.update(map(domain, proxied(user)))
            found.add(domain(user.username))
    return frozenset(found - {""})


def unheld(contacts: Iterable[Contact], users: Iterable[User]) -> dict[int, frozenset[str]]:
    """Contact id to those of its addresses that no user holds, for contacts that have some."""
    contacts = tuple(contacts)
    if not contacts:
        return {}
    held = frozenset().union(*map(user_addresses, users))
    found = {contact.id: contact_addresses(contact) - held for contact in contacts}
    return {contact_id: addresses for contact_id, addresses in found.items() if addresses}


def departures(
    contacts: Iterable[Contact],
    users: Sequence[User],
    deleted: Sequence[User],
    kept: Collection[str],
    settings: Office365Settings,
    members: frozenset[str],
) -> list[Departure]:
    """The contacts whose addresses belong to a user who left, and to no kept user.

    `contacts` are those that no kept user is matched with. The user must have both names and
    pass the filter but for being disabled and for its licence.
    """
    lenient = replace(
        settings,
        user_filter=replace(settings.user_filter, include_disabled=True, licensed_only=False, license_skus=()),
    )
    passes = exclusion_rule(lenient, members)
    left = [(user, DISABLED) for user in users if not user.account_enabled and user.id not in kept]
    left += [(user, DELETED) for user in map(as_it_was, deleted)]
    holders: Mapping[str, list[tuple[User, str]]] = defaultdict(list)
    for user, evidence in left:
        if full_name(user.given_name, user.surname) and passes(user) is None:
            for value in user_addresses(user):
                holders[value].append((user, evidence))
    if not holders:
        return []
    stays = frozenset().union(*(user_addresses(user) for user in users if user.id in kept))
    found = []
    for contact in sorted(contacts, key=lambda each: each.id):
        addresses = contact_addresses(contact)
        gone = sorted(
            {(evidence, user.username, user.id) for value in addresses for user, evidence in holders.get(value, ())}
        )
        if gone and addresses.isdisjoint(stays):
            evidence, username, user_id = gone[-1]
            found.append(Departure(username, user_id, contact.id, evidence))
    return found


def unclaimed(
    contacts: Iterable[Contact], users: Iterable[User], deleted: Iterable[User], domains: Collection[str]
) -> list[Unclaimed]:
    """The contacts with an address of the tenant's `domains` that nobody holds."""
    if not domains:
        return []
    free = unheld(contacts, (*users, *map(as_it_was, deleted)))
    by_id = {contact.id: contact for contact in contacts}
    found = []
    for contact_id, addresses in sorted(free.items()):
        ours = tuple(sorted(value for value in addresses if domain(value) in domains))
        if ours:
            contact = by_id[contact_id]
            shown = " ".join(filter(None, (contact.first_name, contact.last_name)))
            found.append(Unclaimed(contact_id, shown, ours))
    return found

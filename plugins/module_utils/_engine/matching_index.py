# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What matching decides from: who holds which address, and who bears which names.

An index by names is made when it is first asked for: names are compared only where an address is not enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .conflicts import Answer
from .directory import Directory
from .grouping import by_one_key
from .identity import Names, compare_names, have_common_word, name_as_written, same_key, single_name
from .model import Contact, ItGlueId, User
from .owned import NOTHING_OWNED, Owned
from .text import (
    NAMES_OF_CONTACT,
    NAMES_OF_USER,
    FullName,
    contact_addresses,
    domain,
    primary_key,
    user_addresses,
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides beside the users and the contacts.

    `overrides` maps a username or user id to a contact id, `new` or `ignore`. `primary_email`, `different_names`
    and `sync_aliases` are the settings of these names. `departed_type` is the id of the contact type of departed
    people. `linked` are the ids of contacts that are linked to BMS. `deleted` are the tenant's deleted users under
    the usernames that they had, None where they have not been read. `domains` are the tenant's domains, by default
    those of its users' addresses.
    `remembered` are pairs of contact and user id that were in a conflict, or whose hit was withheld, because of a
    deleted user that Microsoft has forgotten since; `made_anew` are the ids of users whose names such a user bore.
    `owned` says whose is what the run itself has made or written so far.
    """

    overrides: Mapping[str, Answer] = field(default_factory=dict)
    primary_email: str = "mail"
    different_names: str = "conflict"
    sync_aliases: bool = True
    departed_type: ItGlueId | None = None
    linked: Collection[ItGlueId] = ()
    deleted: Collection[User] | None = None
    domains: Collection[str] = ()
    remembered: Collection[tuple[ItGlueId, str]] = ()
    made_anew: Collection[str] = ()
    owned: Owned = NOTHING_OWNED


class MatchingIndex:
    """The users and the contacts by what they hold.

    `selected` are the ids of the users that the filter lets through, `ignored` those of the users that an override
    leaves out: they take no part, but hold their addresses, and no address makes somebody else of a contact that
    bears their names.
    """

    def __init__(
        self,
        users: Collection[User],
        selected: Collection[str],
        contacts: Collection[Contact],
        circumstances: Circumstances,
        ignored: Collection[str],
        directory: Directory | None,
    ) -> None:
        self._directory = directory = directory or Directory(users, contacts, ())
        self.contacts = directory.contact
        self.users = directory.user
        if ignored:
            self.users = {user_id: user for user_id, user in self.users.items() if user_id not in ignored}
        self.selected = selected
        self.circumstances = circumstances
        self.contacts_by_address = directory.contacts_by_address
        self.email_keys = directory.email_keys_of_contacts
        self.smtp_keys = directory.smtp_addresses
        self.names_of_users = directory.names_of_users
        self.names_of_contacts = directory.names_of_contacts

    # --------------------------------------------------------------- addresses

    def username_keys(self, user_ids: Iterable[str]) -> Mapping[str, Collection[str]]:
        """The username of each of these users, in the form in which addresses are compared."""
        return {user_id: (self._directory.usernames[user_id],) for user_id in user_ids}

    def primary_key(self, user_id: str) -> str:
        """The primary address of a user, in the form in which addresses are compared; blank where it has none."""
        return primary_key(self.users[user_id], self.circumstances.primary_email, self.smtp_keys[user_id])

    def is_held_beside(self, key: str, user_id: str) -> bool:
        """Whether another selected user than this one holds an address, other than as a username that is not the
        primary one."""
        return any(
            user.id != user_id
            and user.id in self.users
            and user.id in self.selected
            and (key in self.smtp_keys[user.id] or key == self.primary_key(user.id))
            for user in self._directory.users_by_address.get(key, ())
        )

    def holds_own_address(self, contact_id: ItGlueId, user_id: str) -> bool:
        """Whether a contact holds the primary address or the username of a user."""
        own = {self.primary_key(user_id), self._directory.usernames[user_id]}
        return not own.isdisjoint(contact_addresses(self.contacts[contact_id]))

    @staticmethod
    def holds_any(users: Iterable[User], addresses: Collection[str]) -> bool:
        """Whether one of the users holds one of the addresses."""
        return any(not user_addresses(user).isdisjoint(addresses) for user in users)

    def unheld_addresses(self, contact_id: ItGlueId) -> list[str]:
        """The addresses of a contact in the tenant's domains that no user holds, present or deleted."""
        return sorted(
            value
            for value in contact_addresses(self.contacts[contact_id])
            if domain(value) in self._domains
            and value not in self._directory.users_by_address
            and value not in self._held_by_deleted
        )

    @cached_property
    def _held_by_deleted(self) -> frozenset[str]:
        return frozenset().union(*map(user_addresses, self.circumstances.deleted or ()))

    @cached_property
    def _domains(self) -> frozenset[str]:
        return frozenset(self.circumstances.domains) or self._directory.domains

    # ------------------------------------------------------------------- names

    def names(self, user_id: str, contact_id: ItGlueId) -> Names:
        """What the names of a user and a contact say."""
        key = self.names_of_users[user_id]
        if key is not None and key == self.names_of_contacts[contact_id]:
            return Names.SAME
        return compare_names(NAMES_OF_USER(self.users[user_id]), NAMES_OF_CONTACT(self.contacts[contact_id]))

    def have_common_word(self, user_id: str, contact_id: ItGlueId) -> bool:
        return have_common_word(NAMES_OF_USER(self.users[user_id]), NAMES_OF_CONTACT(self.contacts[contact_id]))

    # Nobody is found under the key None, which those without two names have.

    @cached_property
    def contacts_by_names(self) -> Mapping[FullName | None, tuple[ItGlueId, ...]]:
        """The ids of the contacts by their names."""
        return by_one_key(self.contacts, self.names_of_contacts.values())

    @cached_property
    def contacts_by_single_name(self) -> Mapping[str, tuple[ItGlueId, ...]]:
        """The ids of the contacts that have one name only, by it."""
        single = [contact_id for contact_id, names in self.names_of_contacts.items() if names is None]
        return by_one_key(single, (single_name(*NAMES_OF_CONTACT(self.contacts[each])) for each in single))

    @cached_property
    def selected_by_names(self) -> Mapping[FullName | None, tuple[str, ...]]:
        """The ids of the selected users by their names."""
        selected = [user_id for user_id in self.users if user_id in self.selected]
        return by_one_key(selected, map(self.names_of_users.__getitem__, selected))

    @cached_property
    def excluded_by_names(self) -> Mapping[FullName | None, tuple[User, ...]]:
        """The users that the filter leaves out, by their names."""
        excluded = [user for user_id, user in self.users.items() if user_id not in self.selected]
        return by_one_key(excluded, [self.names_of_users[user.id] for user in excluded])

    @cached_property
    def _names_of_ignored(self) -> frozenset[FullName]:
        """The names of the users that an override leaves out."""
        ignored = self._directory.user.keys() - self.users.keys()
        return frozenset(key for user_id in ignored if (key := self.names_of_users[user_id]) is not None)

    @cached_property
    def deleted_by_names(self) -> Mapping[FullName | None, tuple[User, ...]]:
        deleted = tuple(self.circumstances.deleted or ())
        return by_one_key(deleted, (same_key(*NAMES_OF_USER(user)) for user in deleted))

    def names_to_judge(self, contact_id: ItGlueId, user_id: str) -> frozenset[FullName]:
        """The names of a contact, and those that it would have with the only name of the user written to it."""
        found = {self.names_of_contacts[contact_id]}
        if self.names_of_users[user_id] is None:
            user, contact = self.users[user_id], self.contacts[contact_id]
            first = name_as_written(contact.first_name, user.given_name)
            found.add(same_key(first, name_as_written(contact.last_name, user.surname, surname=True)))
        return frozenset(key for key in found if key is not None)

    def has_another_bearer(self, contact_id: ItGlueId, user_id: str) -> bool:
        """Whether another user of the tenant than this one bears such names; deleted users apart."""
        return any(
            key in self.excluded_by_names
            or key in self._names_of_ignored
            or set(self.selected_by_names.get(key, ())) - {user_id}
            for key in self.names_to_judge(contact_id, user_id)
        )

    def was_made_anew(self, user_id: str) -> bool:
        """Whether a deleted user bears the names of a user, be it one whom Microsoft has forgotten since."""
        key = self.names_of_users[user_id]
        return key is not None and (
            key in self.deleted_by_names
            or user_id in self.circumstances.made_anew
            or any(
                self.names_of_contacts.get(contact_id) == key
                for contact_id, other in self.circumstances.remembered
                if other == user_id
            )
        )

    def rests_on_deleted(self, contact_id: ItGlueId, user_id: str) -> bool:
        """Whether a deleted user keeps the two apart, be it one whom Microsoft has forgotten since."""
        return self.is_remembered(contact_id, user_id) or not self.deleted_by_names.keys().isdisjoint(
            self.names_to_judge(contact_id, user_id)
        )

    def is_departed(self, contact_id: ItGlueId) -> bool:
        """Whether a contact carries the contact type of departed people."""
        departed_type = self.circumstances.departed_type
        return departed_type is not None and self.contacts[contact_id].contact_type_id == departed_type

    def is_remembered(self, contact_id: ItGlueId, user_id: str) -> bool:
        """Whether the two were kept apart because of a deleted user whom Microsoft has forgotten since."""
        return (contact_id, user_id) in self.circumstances.remembered

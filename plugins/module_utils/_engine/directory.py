# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds which address, bears which name, and is linked with which BMS contact.

Built once for a run, and handed from stage to stage. Each index is made when it is first asked for:
a tenant in which nothing changes needs few of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from .grouping import by_key, by_one_key, found_under
from .identity import same_key
from .links import LinkState, link_state, linked_bms_id
from .model import BmsContact, BmsId, Contact, ItGlueId, User
from .text import (
    FullName,
    address,
    email_keys,
    is_address,
    proxied_by_key,
    with_mail,
)


def primary_key_of(contact: Contact) -> str:
    """The primary e-mail of a contact in the form in which addresses are compared, blank where there is none."""
    return next((address(entry.value) for entry in contact.emails if entry.primary), "")


class Directory:
    """The users of the tenant and the contacts of the organization, by what they hold."""

    def __init__(self, users: Collection[User], contacts: Collection[Contact], adapter_names: Collection[str]) -> None:
        self.users = users
        self.contacts = contacts
        self._adapter_names = adapter_names
        self.user: Mapping[str, User] = {user.id: user for user in users}
        """The users by id."""
        self.contact: Mapping[ItGlueId, Contact] = {contact.id: contact for contact in contacts}
        """The contacts by id."""

    # -------------------------------------------------------------- by address

    @cached_property
    def smtp_addresses(self) -> Mapping[str, Mapping[str, str]]:
        """The SMTP addresses of each user, by user id: the form in which they are compared to the one written."""
        proxied = self._proxied_addresses
        return {user.id: with_mail(proxied[user.id], user) for user in self.users}

    @cached_property
    def _proxied_addresses(self) -> Mapping[str, dict[str, str]]:
        return {user.id: proxied_by_key(user) for user in self.users}

    @cached_property
    def usernames(self) -> Mapping[str, str]:
        """The username of each user in the form in which addresses are compared, by user id."""
        return {user.id: address(user.username) for user in self.users}

    @cached_property
    def users_by_address(self) -> Mapping[str, tuple[User, ...]]:
        """The users by each of their addresses, username included."""
        keys, usernames = self.smtp_addresses, self.usernames
        return by_key(self.users, ((*keys[user.id], usernames[user.id]) for user in self.users))

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains of the users' own addresses: all of them are verified domains of the tenant.

        `mail` does not count, it may be any address; nor do guests' addresses.
        """
        proxied, usernames = self._proxied_addresses, self.usernames
        members = [user for user in self.users if not user.user_type or user.user_type.casefold() != "guest"]
        found = {key.rpartition("@")[2] for user in members for key in proxied[user.id]}
        for user in members:
            domain = usernames[user.id].rpartition("@")[2]
            if domain not in found and is_address(user.username):
                found.add(domain)
        return frozenset(found) - {""}

    @cached_property
    def email_keys_of_contacts(self) -> Mapping[ItGlueId, tuple[str, ...]]:
        """Each e-mail of each contact in the form in which they are compared, by its id."""
        return {contact.id: email_keys(contact) for contact in self.contacts}

    def email_keys(self, contact: Contact) -> tuple[str, ...]:
        """Each e-mail of a contact, as it is or as it becomes, in the form in which they are compared."""
        if self.contact.get(contact.id) is contact:
            return self.email_keys_of_contacts[contact.id]
        return email_keys(contact)

    @cached_property
    def contacts_by_address(self) -> Mapping[str, tuple[ItGlueId, ...]]:
        """The ids of the contacts by each of their e-mails."""
        return by_key(self.email_keys_of_contacts, self.email_keys_of_contacts.values())

    def unheld(self, contact: Contact) -> frozenset[str]:
        """The addresses of a contact that no user of the tenant holds."""
        return frozenset([key for key in self.email_keys(contact) if key and key not in self.users_by_address])

    def others_hold(self, addresses: Iterable[str], user_id: str, contact_id: ItGlueId | None) -> bool:
        """Whether a user or contact other than these two holds one of the addresses."""
        return any(user.id != user_id for value in addresses for user in self.users_by_address.get(value, ())) or any(
            holder != contact_id for value in addresses for holder in self.contacts_by_address.get(value, ())
        )

    # ---------------------------------------------------------------- by names

    @cached_property
    def names_of_users(self) -> Mapping[str, FullName | None]:
        """The names of each user (`identity.same_key`), by user id."""
        return {user.id: same_key(user.given_name, user.surname) for user in self.users}

    @cached_property
    def names_of_contacts(self) -> Mapping[ItGlueId, FullName | None]:
        """The names of each contact, in the same form, by its id."""
        return {contact.id: same_key(contact.first_name, contact.last_name) for contact in self.contacts}

    def names_of(self, contact: Contact) -> FullName | None:
        """The names of a contact, as it is or as it becomes, in the same form."""
        if self.contact.get(contact.id) is contact:
            return self.names_of_contacts[contact.id]
        return same_key(contact.first_name, contact.last_name)

    def others_bear(self, names: FullName | None, user_id: str, contact_id: ItGlueId | None) -> bool:
        """Whether a user or contact other than these two bears the names, which are a `same_key`."""
        return not {user_id, contact_id}.issuperset(self._ids_by_names.get(names, ()))

    @cached_property
    def _ids_by_names(self) -> Mapping[FullName | None, tuple[str | ItGlueId, ...]]:
        ids: tuple[str | ItGlueId, ...] = (*self.names_of_users, *self.names_of_contacts)
        return by_one_key(ids, (*self.names_of_users.values(), *self.names_of_contacts.values()))

    # ----------------------------------------------------------------- by link

    @cached_property
    def links(self) -> Mapping[ItGlueId, LinkState | None]:
        """How each contact is linked to BMS, by its id; None for one that is not."""
        return {contact.id: link_state(contact, self._adapter_names) for contact in self.contacts}

    @property
    def linked_ids(self) -> frozenset[ItGlueId]:
        """The ids of the contacts that are linked to BMS, in whatever state the link is."""
        not_linked = (None, LinkState.UNKNOWN)
        return frozenset([contact_id for contact_id, link in self.links.items() if link not in not_linked])

    def linked_bms_id(self, contact: Contact) -> BmsId | None:
        """The id of the BMS contact that a contact is linked to, where IT Glue tells it."""
        return linked_bms_id(contact, self._adapter_names)

    @cached_property
    def linked(self) -> Mapping[BmsId, tuple[ItGlueId, ...]]:
        """The contacts that are linked to each BMS contact, by its id."""
        bms_ids = {contact.id: self.linked_bms_id(contact) for contact in self.contacts if contact.adapters}
        return {bms_id: tuple(sorted(ids)) for bms_id, ids in by_one_key(bms_ids, bms_ids.values()).items()}


class BmsDirectory:
    """The BMS contacts of an account, by what they hold."""

    def __init__(self, contacts: Collection[BmsContact]) -> None:
        self.contacts = contacts

    @cached_property
    def contact(self) -> Mapping[BmsId, BmsContact]:
        """The BMS contacts by id."""
        return {contact.id: contact for contact in self.contacts}

    @cached_property
    def by_address(self) -> Mapping[str, tuple[BmsContact, ...]]:
        """The BMS contacts by each of their e-mails."""
        return by_key(self.contacts, ([address(each.address) for each in contact.emails] for contact in self.contacts))

    @cached_property
    def names(self) -> Mapping[BmsId, FullName | None]:
        """The names of each BMS contact (`identity.same_key`), by its id."""
        return {contact.id: same_key(contact.first_name, contact.last_name) for contact in self.contacts}

    @cached_property
    def _by_name(self) -> Mapping[FullName, tuple[BmsContact, ...]]:
        return by_one_key(self.contacts, self.names.values())

    def with_an_address(self, addresses: Iterable[str]) -> tuple[BmsContact, ...]:
        """The BMS contacts that hold one of the addresses, by their ids."""
        found = found_under(addresses, self.by_address)
        # Most people have one: to put it in order takes a twentieth of all that is planned.
        return found if len(found) < 2 else _in_order(found)

    def named(self, name: FullName | None) -> tuple[BmsContact, ...]:
        """The BMS contacts of this name (`identity.same_key`), by their ids."""
        return _in_order(self._by_name.get(name, ())) if name else ()


def _in_order(contacts: tuple[BmsContact, ...]) -> tuple[BmsContact, ...]:
    """By their ids, each once."""
    return tuple(contact for dummy, contact in sorted({contact.id: contact for contact in contacts}.items()))

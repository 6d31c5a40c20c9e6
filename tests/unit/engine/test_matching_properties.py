# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of matching in any small world: nobody is taken for somebody else, and nobody is made two."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import IGNORE, NEW, Rule
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import (
    Names,
    compare_names,
    same_key,
    single_name,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching import Matching, match
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching_index import Circumstances
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Contact, Email, User
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import (
    NAMES_OF_CONTACT,
    NAMES_OF_USER,
    address,
    contact_addresses,
    primary_address,
    primary_key,
    smtp_by_key,
    user_addresses,
)

# Few names and mailboxes, so that people meet: brothers, namesakes, nicknames, roles, two scripts.
NAMES = [
    ("Ann", "Able"),
    ("Annie", "Able"),
    ("Able", "Ann"),
    ("Ben", "Able"),
    ("Ben", "Baker"),
    ("B.", "Baker"),
    ("Ann Able", None),
    (None, "Reception"),
    ("Reception", None),
    ("Front", "Desk"),
    ("安", "能"),
    (None, None),
]
MAILBOXES = ["ann", "ben", "info", "office", "a.able", "b.baker"]
DEPARTED_TYPE = 77


@dataclass(frozen=True)
class World:
    users: tuple[User, ...]
    selected: frozenset[str]
    contacts: tuple[Contact, ...]
    circumstances: Circumstances

    def match(self) -> Matching:
        return match(self.users, self.selected, self.contacts, self.circumstances)

    @property
    def names_of(self) -> dict[str, tuple[str | None, str | None]]:
        return {user.id: NAMES_OF_USER(user) for user in self.users}


@st.composite
def a_user(draw, number: int, prefix: str = "user") -> User:
    first, last = draw(st.sampled_from(NAMES))
    mailboxes = draw(st.lists(st.sampled_from(MAILBOXES), max_size=3, unique=True))
    addresses = [f"{mailbox}@client.example" for mailbox in mailboxes]
    username = draw(st.sampled_from([f"{prefix}{number}@client.example", *addresses[:1]]))
    return User(
        id=f"{prefix}-{number}",
        username=username,
        mail=addresses[0] if addresses else None,
        proxy_addresses=tuple(f"{'smtp' if index else 'SMTP'}:{value}" for index, value in enumerate(addresses)),
        given_name=first,
        surname=last,
    )


def with_usernames_of_their_own(users: list[User]) -> tuple[User, ...]:
    """A tenant has each username once."""
    taken = Counter(user.username for user in users)
    return tuple(
        replace(user, username=f"{user.id}@client.example") if taken[user.username] > 1 else user for user in users
    )


@st.composite
def a_contact(draw, number: int) -> Contact:
    first, last = draw(st.sampled_from(NAMES))
    mailboxes = draw(st.lists(st.sampled_from([*MAILBOXES, "old"]), max_size=3, unique=True))
    return Contact(
        id=number,
        first_name=first,
        last_name=last,
        emails=tuple(Email(f"{mailbox}@client.example", "Work", not index) for index, mailbox in enumerate(mailboxes)),
        contact_type_id=draw(st.sampled_from([None, None, None, DEPARTED_TYPE])),
    )


@st.composite
def worlds(draw, *, with_overrides: bool = True) -> World:
    users = with_usernames_of_their_own([draw(a_user(number)) for number in range(draw(st.integers(1, 4)))])
    contacts = tuple(draw(a_contact(number)) for number in range(1, draw(st.integers(1, 5))))
    deleted = tuple(draw(a_user(number, "gone")) for number in range(draw(st.integers(0, 2))))
    answers = draw(st.lists(st.sampled_from([None, None, NEW, IGNORE]), min_size=4, max_size=4))
    overrides = {user.id: answer for user, answer in zip(users, answers, strict=False) if answer and with_overrides}
    return World(
        users,
        frozenset(user.id for user in users if draw(st.booleans()) or draw(st.booleans())),
        contacts,
        Circumstances(
            overrides=overrides,
            primary_email=draw(st.sampled_from(["mail", "username"])),
            different_names=draw(st.sampled_from(["conflict", "match"])),
            departed_type=draw(st.sampled_from([None, DEPARTED_TYPE])),
            linked=frozenset(draw(st.lists(st.integers(1, 5), max_size=2))),
            deleted=deleted,
        ),
    )


def created(world: World, found: Matching) -> list[User]:
    """The users who get a new contact."""
    resolved = found.matches.keys() | found.conflicted.keys() | found.ignored
    return [user for user in world.users if user.id in world.selected and user.id not in resolved]


@given(worlds())
def test_nobody_is_created_beside_a_known_contact(world):
    """Unless an override says so, or the contact is a true namesake's."""
    found = world.match()
    taken = {contact_id for user_id, (contact_id, dummy) in found.matches.items() if user_id in world.selected}
    for user in created(world, found):
        if user.id in found.found_by_new:
            continue
        primary, names = primary_key(user, world.circumstances.primary_email, {}), NAMES_OF_USER(user)
        for contact in world.contacts:
            assert not primary or primary not in contact_addresses(contact), contact
            single = single_name(*names)
            if single and single == single_name(*NAMES_OF_CONTACT(contact)):
                assert contact.id in taken, contact
            if compare_names(names, NAMES_OF_CONTACT(contact)) == Names.SAME:
                assert is_of_a_namesake(world, found, user, contact), contact


def is_of_a_namesake(world: World, found: Matching, user: User, contact: Contact) -> bool:
    others = {each.id: each for each in world.users if each.id in world.selected and each.id != user.id}
    owners = [others[user_id] for user_id, pair in found.matches.items() if pair[0] == contact.id and user_id in others]
    return any(
        same_key(*NAMES_OF_USER(owner)) == same_key(*NAMES_OF_USER(user))
        and not user_addresses(owner).isdisjoint(contact_addresses(contact))
        for owner in owners
    )


@given(worlds())
def test_no_contact_changes_its_person_without_a_report(world):
    """A contact gets other names only where the settings say so, and then it is noted."""
    found = world.match()
    contacts = {contact.id: contact for contact in world.contacts}
    for user_id, (contact_id, rule) in found.matches.items():
        names = compare_names(world.names_of[user_id], NAMES_OF_CONTACT(contacts[contact_id]))
        if names == Names.DIFFERENT and rule != Rule.OVERRIDE:
            assert user_id in world.selected
            assert world.circumstances.different_names == "match"
            assert ReasonCode.MATCHED_DIFFERENT_NAMES in [reason.code for reason in found.reasons[user_id]]
        if rule == Rule.NAME:
            assert names == Names.SAME


@given(worlds())
def test_a_contact_is_one_persons(world):
    found = world.match()
    contact_ids = [contact_id for contact_id, dummy in found.matches.values()]
    assert len(set(contact_ids)) == len(contact_ids)
    assert found.matches.keys().isdisjoint(found.conflicted)
    for conflict in found.conflicts:
        assert conflict.contact_ids or conflict.code == ReasonCode.SAME_PRIMARY_ADDRESS
        assert not world.selected.isdisjoint(conflict.user_ids)


@given(worlds())
def test_every_conflict_can_be_answered(world):
    for conflict in world.match().conflicts:
        assert set(conflict.answers) == set(conflict.users)
        for username, user_id in zip(conflict.users, conflict.user_ids, strict=True):
            assert {*conflict.contact_ids, IGNORE} <= set(conflict.answers[username])
            assert (NEW in conflict.answers[username]) == (user_id in world.selected)
        targets = list(conflict.suggestion.values())
        assert len(set(targets)) == len(targets)
        assert set(targets) <= set(conflict.contact_ids)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(world, chance: Random):
    def shuffled(rows):
        return tuple(chance.sample(rows, len(rows)))

    other = replace(
        world,
        users=shuffled([replace(user, proxy_addresses=shuffled(user.proxy_addresses)) for user in world.users]),
        contacts=shuffled([replace(contact, emails=shuffled(contact.emails)) for contact in world.contacts]),
        circumstances=replace(world.circumstances, deleted=shuffled(world.circumstances.deleted)),
    )
    one, two = world.match(), other.match()
    assert one.matches == two.matches
    assert {key: sorted(map(str, value)) for key, value in one.reasons.items()} == {
        key: sorted(map(str, value)) for key, value in two.reasons.items()
    }
    assert one.conflicts == two.conflicts
    assert (one.rests_on_deleted, one.made_anew) == (two.rests_on_deleted, two.made_anew)
    assert one.held_aliases == two.held_aliases


@given(worlds())
def test_what_microsoft_forgets_stays_as_it_is(world):
    """Deleted users are forgotten after 30 days; what rests on them is remembered until it is resolved."""
    before = world.match()
    known = {"remembered": frozenset(before.rests_on_deleted), "made_anew": frozenset(before.made_anew)}
    forgotten = replace(world.circumstances, deleted=(), **known)
    after = replace(world, circumstances=forgotten).match()
    assert after.matches == before.matches
    assert after.conflicts == before.conflicts
    assert (after.rests_on_deleted, after.made_anew) == (before.rests_on_deleted, before.made_anew)


@given(worlds())
def test_deleted_users_are_asked_for_wherever_they_decide(world):
    unread = replace(world, circumstances=replace(world.circumstances, deleted=None)).match()
    if not unread.needs_deleted_users:
        read = world.match()
        assert (unread.matches, unread.conflicted.keys()) == (read.matches, read.conflicted.keys())


# ------------------------------------------------------------------ a second run


def written(world: World, found: Matching) -> World:
    """The world after a run has written what matching decided."""
    contacts = {contact.id: contact for contact in world.contacts}
    for user in world.users:
        if user.id in world.selected and user.id in found.matches:
            contact = contacts[found.matches[user.id][0]]
            contacts[contact.id] = enriched(user, contact, world, found)
    for number, user in enumerate(created(world, found), 100):
        contacts[number] = enriched(user, Contact(id=number), world, found)
    return replace(world, contacts=tuple(contacts.values()))


def enriched(user: User, contact: Contact, world: World, found: Matching) -> Contact:
    primary = primary_address(user, world.circumstances.primary_email)
    added = [value for key, value in smtp_by_key(user).items() if key not in found.held_aliases.get(user.id, ())]
    values = {address(value): value for value in (primary, *(each.value for each in contact.emails), *added) if value}
    return replace(
        contact,
        first_name=user.given_name or contact.first_name,
        last_name=user.surname or contact.last_name,
        emails=tuple(Email(value, "Work", not index) for index, value in enumerate(values.values())),
    )


def are_distinct(users: tuple[User, ...]) -> bool:
    """Whether no two users share an address: of two contacts that are both given it, each is hit by both."""
    held = [value for user in users for value in user_addresses(user)]
    return len(set(held)) == len(held)


def gets_names_that_another_shares(found: Matching) -> bool:
    """Whether a contact that gets other names was withheld from another user: the plan fails it where the new names
    would mix up the two (`test_a_contact_that_would_be_mixed_up_by_its_new_names_is_failed`)."""
    noted = [(reason.code, reason.values.get("contact_id")) for reasons in found.reasons.values() for reason in reasons]
    renamed = {contact_id for code, contact_id in noted if code == ReasonCode.MATCHED_DIFFERENT_NAMES}
    return any(code == ReasonCode.HIT_WITHHELD and contact_id in renamed for code, contact_id in noted)


@given(worlds(with_overrides=False))
def test_a_second_run_turns_no_match_into_a_conflict(world):
    found = world.match()
    assume(are_distinct(world.users) and not gets_names_that_another_shares(found))
    again = written(world, found).match()
    for user in world.users:
        if user.id not in world.selected or user.id in found.conflicted:
            continue
        assert user.id not in again.conflicted
        if user.id in found.matches:
            assert again.matches[user.id][0] == found.matches[user.id][0]
        elif primary_address(user, world.circumstances.primary_email):
            assert again.matches[user.id][0] >= 100


@given(worlds(with_overrides=False))
def test_a_second_run_creates_nobody(world):
    """Whoever was in a conflict stays out of it only by an answer, not by what the first run wrote."""
    found = world.match()
    assume(are_distinct(world.users))
    after = written(world, found)
    assert [user.id for user in created(after, after.match()) if primary_address(user, "mail")] == []

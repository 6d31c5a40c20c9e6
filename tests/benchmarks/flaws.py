# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many people of a first run end in a conflict, where contacts are kept as they are kept every day.

The clients are made up, from the rates below and a fixed seed; the truth about each person is known. Counted
are the conflicts, whether their answers hold the right one, and the errors that nobody would notice: a person
matched with somebody else's contact, or given a second contact beside its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import Names, compare_names
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching import match
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching_index import Circumstances
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Contact, Email, ItGlueId, User
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import (
    NAMES_OF_CONTACT,
    NAMES_OF_USER,
    contact_addresses,
    user_addresses,
)

from .report import Row, at_most

CLIENTS, PEOPLE = 400, 50
MOST_CONFLICTS = 1 / 20
MOST_LOST = 1 / 1000
MOST_ERRORS = 1 / 500
"""Of two people of one name, or of one family name with an alias handed on, nothing tells which one a contact is."""

# Of a hundred contacts so many bear the names in this form; the rest bear them as Microsoft 365 does.
NAME_FLAWS = {
    "title": 3,
    "nickname": 8,
    "initial": 2,
    "swapped": 2,
    "capitals": 4,
    "one field": 3,
    "more names": 2,
    "married": 3,
    "transcribed": 3,
    "two scripts": 1,
    "company": 1,
    "mistyped": 2,
    "no name": 1,
    "married, nickname": 1,
    "copied": 2,
}
# And so many hold the person's address in this way; the rest hold it as their primary e-mail.
ADDRESS_FLAWS = {"alias": 8, "old address": 6, "role address": 5, "private address": 3, "no address": 6, "copied": 1}

# Of a hundred people so many have, beside the account that is selected:
NO_CONTACT, OLD_ACCOUNT, ADMIN_ACCOUNT, SECOND_CONTACT, INHERITED_ALIAS = 8, 2, 4, 1, 3
DEPARTED = 4
"""So many contacts of a hundred are those of people who left: half are disabled, half are deleted."""

FIRST = {
    "Michael": "Mike", "Elizabeth": "Liz", "William": "Bill", "Jürgen": "Jogi", "Katherine": "Kate", "Zoë": "Zo",
    "Robert": "Bob", "María": "Mari", "Łukasz": "Luki", "Benjamin": "Ben", "Andrea": "Andi", "Søren": "Sorry",
    "Thomas": "Tom", "Victoria": "Vicky", "François": "Frank", "Daniela": "Dani", "Noor": "Nori", "Alexander": "Sascha",
}  # fmt: skip
LAST = (
    "Smith Müller O'Neil García Nowak Strøm Weiß Lee Brown Dubois Rossi Yılmaz Jones Able Baker Cole Dean Evans "
    "Fischer Grant Hughes Ivanov Jensen Kaya Larsen Meyer Nagy Olsen Peters Quinn Roe Stone Turner Unger Voss Young"
).split()
TITLES = ["Mr", "Mrs", "Dr.", "Herr", "Frau", "Prof."]
TRANSCRIBED = str.maketrans({"ü": "ue", "ø": "o", "ß": "ss", "ë": "e", "í": "i", "Ł": "L", "ı": "i", "ç": "c"})
ROLES = ["info", "office", "sales", "accounts"]


def copied(text: str) -> str:
    """A text as it is copied from a web page: with characters that nobody can see, and a typographic apostrophe."""
    return "\u200f" + text[:2] + "\u200b" + text[2:].replace("'", "\u2019")


@dataclass
class Client:
    """One tenant and its organization. `truth` maps the ids of selected users to their contacts, None for none."""

    users: list[User] = field(default_factory=list)
    deleted: list[User] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    truth: dict[str, frozenset[ItGlueId]] = field(default_factory=dict)


@dataclass
class _Maker:
    chance: Random
    client: Client = field(default_factory=Client)

    def happens(self, percent: float) -> bool:
        return self.chance.random() * 100 < percent

    def one_of(self, rates: dict[str, int]) -> str | None:
        drawn = self.chance.random() * 100
        for flaw, rate in rates.items():
            drawn -= rate
            if drawn < 0:
                return flaw
        return None

    def user(self, first: str | None, last: str | None, *mailboxes: str, selected: bool = True) -> User:
        number = len(self.client.users) + len(self.client.deleted)
        addresses = [f"{mailbox}@client.example" for mailbox in mailboxes]
        return User(
            id=f"user-{number}",
            username=addresses[0],
            mail=addresses[0],
            proxy_addresses=tuple(f"{'smtp' if index else 'SMTP'}:{each}" for index, each in enumerate(addresses)),
            given_name=first,
            surname=last,
            account_enabled=selected,
        )

    def contact(self, first: str | None, last: str | None, *addresses: str) -> ItGlueId:
        contact_id = ItGlueId(len(self.client.contacts) + 1)
        emails = tuple(Email(each, "Work", not index) for index, each in enumerate(addresses))
        self.client.contacts.append(Contact(contact_id, first, last, emails=emails))
        return contact_id

    def flawed_names(self, first: str, last: str) -> tuple[str | None, str | None]:
        flaw = self.one_of(NAME_FLAWS)
        if flaw == "title":
            return self.chance.choice([(f"{self.chance.choice(TITLES)} {first}", last), (first, "Mr"), ("Mr", last)])
        made: dict[str | None, tuple[str | None, str | None]] = {
            "nickname": (FIRST[first], last),
            "initial": (f"{first[0]}.", last),
            "swapped": (last, first),
            "capitals": (first.upper(), last.upper()),
            "one field": (f"{first} {last}", None),
            "more names": (f"{first} Marie", f"{last} {self.chance.choice(LAST)}"),
            "married": (first, self.chance.choice(LAST)),
            "transcribed": (first.translate(TRANSCRIBED), last.translate(TRANSCRIBED)),
            "two scripts": ("太郎", "山田"),
            "married, nickname": (FIRST[first], self.chance.choice(LAST)),
            "company": (first, "Client Ltd"),
            "mistyped": (first[1] + first[0] + first[2:], last),
            "no name": (None, None),
            "copied": (copied(first), copied(last)),
        }
        return made.get(flaw, (first, last))

    def addresses(self, mailbox: str, alias: str) -> list[str]:
        flaw = self.one_of(ADDRESS_FLAWS)
        made = {
            "alias": [f"{alias}@client.example"],
            "old address": [f"{mailbox}.old@client.example"],
            "role address": [f"{self.chance.choice(ROLES)}@client.example"],
            "private address": [f"{mailbox}@home.example"],
            "no address": [],
            "copied": [copied(f"{mailbox}@client.example")],
        }
        return made[flaw] if flaw else [f"{mailbox}@client.example"]

    def person(self, number: int) -> None:
        """Somebody who works there, with all accounts and contacts."""
        first, last = self.chance.choice(list(FIRST)), self.chance.choice(LAST)
        mailbox, alias = f"{first}.{last}.{number}".lower(), f"{first[0]}{last}{number}".lower()
        aliases = [alias]
        if self.happens(INHERITED_ALIAS):
            aliases.append(self.add_departed(f"left.{number}"))
        user = self.user(first, last, mailbox, *aliases)
        self.client.users.append(user)
        own = set()
        if not self.happens(NO_CONTACT):
            own.add(self.contact(*self.flawed_names(first, last), *self.addresses(mailbox, alias)))
            if self.happens(SECOND_CONTACT):
                own.add(self.contact(*self.flawed_names(first, last), *self.addresses(mailbox, alias)))
        self.client.truth[user.id] = frozenset(own)
        if self.happens(OLD_ACCOUNT):
            self.client.users.append(self.user(first, last, f"{mailbox}.old", selected=False))
        if self.happens(ADMIN_ACCOUNT):
            self.client.users.append(self.user(first, last, f"admin.{number}", selected=False))

    def add_departed(self, mailbox: str) -> str:
        """Somebody who left, and whose contact has stayed."""
        first, last = self.chance.choice(list(FIRST)), self.chance.choice(LAST)
        self.contact(*self.flawed_names(first, last), f"{mailbox}@client.example")
        if self.happens(50):
            self.client.deleted.append(self.user(first, last, mailbox))
        else:
            self.client.users.append(self.user(first, last, mailbox, selected=False))
        return mailbox


def client(chance: Random, people: int) -> Client:
    """A client of so many people, with its shared mailboxes and the contacts of those who left."""
    maker = _Maker(chance)
    for role in ROLES:
        maker.client.users.append(maker.user(None, None, role, selected=False))
    for number in range(people):
        maker.person(number)
        if maker.happens(DEPARTED):
            maker.add_departed(f"gone.{number}")
    return maker.client


def findable(made: Client, user: User) -> frozenset[ItGlueId | str]:
    """What is right to answer for a user: the own contacts that an address or the names lead to, else `new`."""
    own = [contact for contact in made.contacts if contact.id in made.truth[user.id]]
    return frozenset(
        contact.id
        for contact in own
        if not user_addresses(user).isdisjoint(contact_addresses(contact))
        or compare_names(NAMES_OF_USER(user), NAMES_OF_CONTACT(contact)) == Names.SAME
    ) or frozenset(["new"])


def outcomes(made: Client) -> Iterator[str]:
    """What comes of each selected user on the first run."""
    found = match(made.users, made.truth.keys(), made.contacts, Circumstances(deleted=tuple(made.deleted)))
    for user in made.users:
        if (own := made.truth.get(user.id)) is None:
            continue
        if conflict := found.conflicted.get(user.id):
            answers = conflict.answers[user.username]
            yield "unanswerable" if findable(made, user).isdisjoint(answers) else "conflict"
        elif pair := found.matches.get(user.id):
            yield "matched" if pair[0] in own else "wrong contact"
        else:
            yield "second contact" if "new" not in findable(made, user) else "created"


def measure(scale: float) -> list[Row]:
    chance = Random(20)
    clients = max(20, int(CLIENTS * scale))
    counts = Counter(outcome for dummy in range(clients) for outcome in outcomes(client(chance, PEOPLE)))
    people = counts.total()

    def row(what: str, value: int, beside: str, limit: float) -> Row:
        return Row("flaws", what, value, "people", beside, goal="at most that", **at_most(value, max(limit, 1)))

    return [
        row("in a conflict", counts["conflict"] + counts["unanswerable"], "one in twenty", people * MOST_CONFLICTS),
        row("in a conflict without the right answer", counts["unanswerable"], "one in 1,000", people * MOST_LOST),
        row("with somebody else's contact", counts["wrong contact"], "one in 500", people * MOST_ERRORS),
        row("with a second contact beside a known one", counts["second contact"], "one in 500", people * MOST_ERRORS),
    ]

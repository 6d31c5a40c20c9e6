# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small worlds about identity, each with the right outcome in both services, of the first run and of the second.

Each stands for a kind of mistake: one person taken for another, or one person made two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsContact,
    BmsSnapshot,
    Contact,
    ContactType,
    Snapshot,
    User,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Plan
from tests.unit.engine.builders import (
    PUSHING,
    at_client,
    bms,
    codes,
    contact_named,
    in_bms,
    planned,
    settings,
    snapshot,
    user_named,
)
from tests.unit.engine.test_properties import applied

FORMER = ContactType(77, "Former")
DEACTIVATE = {"deactivate": True, "departed_contact_type": "Former", "allow_shrunken_source": True}
BOTH = "both answers"


def user(names: str, *mailboxes: str, **values: Any) -> User:
    """A licensed user with a phone; the first mailbox is the primary address."""
    return user_named(names, *mailboxes, **{"business_phones": ("+1 415 555 0100",), "usage_location": "US"} | values)


def disabled(names: str, *mailboxes: str) -> User:
    return user(names, *mailboxes, account_enabled=False)


def mailbox(*mailboxes: str) -> User:
    """A shared mailbox: disabled, unlicensed, without names."""
    return user_named("", *mailboxes, account_enabled=False, sku_ids=())


def deleted(names: str, *mailboxes: str) -> User:
    return user(names, *mailboxes, id=f"gone-{mailboxes[0]}")


def contact(ident: int, names: str | tuple[str, str], *mailboxes: str, **values: Any) -> Contact:
    if isinstance(names, tuple):
        return contact_named(ident, "", *mailboxes, first=names[0], last=names[1], **values)
    return contact_named(ident, names, *mailboxes, **values)


def linked(ident: int, names: str, *mailboxes: str, **values: Any) -> Contact:
    """A contact that is linked to the BMS contact of its id and 900."""
    adapters = (Adapter("Kaseya BMS", str(ident + 900), sync=True),)
    return contact(ident, names, *mailboxes, psa_integration="enabled", adapters=adapters, **values)


def there(ident: int, names: str, *mailboxes: str, **values: Any) -> BmsContact:
    first, dummy, last = names.partition(" ")
    return in_bms(ident, *map(at_client, mailboxes), first=first or None, last=last or None, **values)


@dataclass(frozen=True)
class World:
    """What a run reads, and its options. `expected` are by mailbox action, contact, push and BMS contact, as far as
    there are any; `conflicts` are codes, ids of both services, and whether all answers can be given."""

    users: Sequence[User]
    contacts: Sequence[Contact] = ()
    present: Sequence[BmsContact] = ()
    gone: Sequence[User] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    office365: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    conflicts: Sequence[tuple] = ()
    departed: Mapping[int, str] = field(default_factory=dict)
    reported: Mapping[str, str] = field(default_factory=dict)

    def read(self, *, turned: bool) -> Row:
        users, contacts, present = (
            tuple(rows)[::-1] if turned else tuple(rows) for rows in (self.users, self.contacts, self.present)
        )
        office365 = settings(set_phone_numbers_primary=True, phone_type="Office", **self.office365)
        return Row(
            snapshot(users, contacts, office365=office365, bms_settings=PUSHING),
            bms(*present),
            tuple(self.gone),
            self.given,
        )


@dataclass(frozen=True)
class Row:
    """A world as it is read at one time."""

    read: Snapshot
    present: BmsSnapshot
    gone: tuple[User, ...]
    given: Mapping[str, Any]

    def plan(self) -> Plan:
        return planned(self.read, self.present, deleted=self.gone, contact_types=[FORMER], **self.given)


def outcome(plan: Plan) -> dict[str, str]:
    """By mailbox what becomes of the users whom the filter selects."""
    return {
        each.user.partition("@")[0]: " ".join(
            str(value)
            for value in (each.itglue.action, each.itglue.contact_id, each.bms.push, each.bms.contact_id)
            if value is not None
        )
        for each in plan.operations
        if each.itglue.action != "excluded"
    }


def conflicts(plan: Plan) -> list[tuple]:
    found = []
    for each in plan.conflicts:
        ids = each.bms_contact_ids if each.in_bms else each.contact_ids
        full = all({*ids, "new", "ignore"} == set(answers) for answers in each.answers.values())
        found.append((each.code.value, ids, BOTH if full else each.answers, *each.suggestion.values()))
    return found


OFFICE = ("Ann Able", "Ben Baker", "Cid Cole", "Dee Dunn")
OFFICE_USERS = [user(names, names.partition(" ")[0].lower()) for names in OFFICE]
OFFICE_CONTACTS = [contact(11 + place, names, "office") for place, names in enumerate(OFFICE)]
OFFICE_IN_BMS = [there(911 + place, names, "office") for place, names in enumerate(OFFICE)]
OFFICE_MATCHED = {
    "ann": "update 11 already_in_bms 911",
    "ben": "update 12 already_in_bms 912",
    "cid": "update 13 already_in_bms 913",
    "dee": "update 14 already_in_bms 914",
}
JOHN = contact(1, "John Smith", "j.smith", contact_type_id=77)
JANE = user("Jane Smith", "j.smith")
JOHN_IN_BMS = there(901, "John Smith", "j.smith", active=False)
JOHN_GONE = deleted("John Smith", "j.smith")
PETRA, INFO = user("Petra Person", "petra", "info"), contact(1, "Front Desk", "info")
LEA = contact(1, "Lea Left", "lea", title="Boss")
SUE = user("Sue Stays", "sue", "lea")


def departed_of(who: str) -> World:
    return World(
        [disabled(who, "sales"), user("Zed Zoo", "zed")],
        [contact(1, "Petra Person", "sales")],
        [there(901, "Petra Person", "sales")],
        given=DEACTIVATE,
        expected={"zed": "create pushed"},
        departed={1: "report departed_names_differ"},
    )


def plainly(names: str, theirs: str | tuple[str, str], **reported: str) -> World:
    """Poorly kept names beside the user's primary address."""
    return World(
        [user(names, "ann")], [contact(1, theirs, "ann")], expected={"ann": "update 1 pushed"}, reported=reported
    )


def by_name(names: str, theirs: str) -> World:
    """The same person by names alone, of whom nobody is to be made a second time."""
    return World(
        [user(names, "ann")],
        [contact(1, theirs, "ann@home.example")],
        [there(901, theirs, "ann@home.example")],
        expected={"ann": "update 1 already_in_bms 901"},
    )


WORLDS = {
    "a-shared-mailbox-does-not-claim-the-contact-of-its-owner": World(
        [user("Petra Person", "petra"), mailbox("info")],
        [contact(1, "Petra Person", "info")],
        [there(901, "Petra Person", "info")],
        expected={"petra": "update 1 already_in_bms 901"},
    ),
    **{
        f"an-office-under-one-address-beside-{kind}": World(
            [*OFFICE_USERS, holder],
            OFFICE_CONTACTS,
            OFFICE_IN_BMS,
            given=DEACTIVATE,
            expected=OFFICE_MATCHED,
        )
        for kind, holder in {
            "a-mailbox": mailbox("office"),
            "a-licensed-mailbox": user_named("", "office"),
            "a-leaver": disabled("Max Leaver", "max", "office"),
        }.items()
    },
    "same-names-beat-a-colleagues-alias": World(
        [user("Ann Able", "ann.able"), user("Ben Baker", "ben", "ann")],
        [contact(1, "Ann Able", "ann"), contact(2, "Ben Baker", "ben")],
        [there(901, "Ann Able", "ann"), there(902, "Ben Baker", "ben")],
        expected={"ann.able": "update 1 already_in_bms 901", "ben": "update 2 already_in_bms 902"},
    ),
    "a-leavers-address-as-alias-of-a-colleague": World(
        [SUE],
        [LEA],
        [there(901, "Lea Left", "lea")],
        [deleted("Lea Left", "lea")],
        given=DEACTIVATE,
        expected={"sue": "create pushed"},
        departed={1: "deactivate"},
        reported={"sue": "hit_withheld"},
    ),
    "a-leavers-primary-address-handed-on": World(
        [user("Sue Stays", "lea", username="sue", id="id-sue")],
        [LEA],
        [there(901, "Lea Left", "lea")],
        [deleted("Lea Left", "lea")],
        given=DEACTIVATE,
        expected={"sue": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
        departed={1: "report departed_in_conflict"},
    ),
    "the-address-of-a-departed-contact-handed-on": World(
        [JANE],
        [JOHN],
        [JOHN_IN_BMS],
        [JOHN_GONE],
        given=DEACTIVATE,
        expected={"j.smith": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
    ),
    "the-same-linked-and-updated": World(
        [JANE],
        [linked(1, "John Smith", "j.smith", contact_type_id=77)],
        [JOHN_IN_BMS],
        [JOHN_GONE],
        given={**DEACTIVATE, "update_linked": True},
        expected={"j.smith": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
    ),
    "a-disabled-user-of-other-names-holds-the-address": departed_of("Max Leaver"),
    "a-disabled-brother-holds-the-address": departed_of("Max Person"),
    "a-role-address-in-bms": World(
        [replace(PETRA, job_title="Boss")],
        present=[there(901, "Front Desk", "front", "info")],
        expected={"petra": "create pushed"},
        reported={"petra": "bms_hit_withheld"},
    ),
    "a-family-name-and-a-shared-alias-in-bms": World(
        [user("Sam Able", "sam", "office")],
        present=[there(901, "Ann Able", "office")],
        expected={"sam": "create conflict"},
        conflicts=[("bms_names_differ", (901,), BOTH)],
    ),
    "a-role-address": World([PETRA], [INFO], expected={"petra": "create pushed"}, reported={"petra": "hit_withheld"}),
    "a-role-address-beside-the-own-contact": World(
        [PETRA],
        [INFO, contact(2, "Petra Person", "petra.old")],
        expected={"petra": "update 2 pushed"},
        reported={"petra": "hit_withheld"},
    ),
    "new-beside-another-persons-contact": World(
        [JANE],
        [replace(JOHN, contact_type_id=None)],
        given={"match_overrides": {JANE.username: "new"}},
        expected={"j.smith": "create pushed"},
    ),
    "new-beside-another-persons-contact-in-both-services": World(
        [JANE],
        [replace(JOHN, contact_type_id=None)],
        [replace(JOHN_IN_BMS, active=True)],
        given={"match_overrides": {JANE.username: "new"}},
        expected={"j.smith": "create conflict"},
        conflicts=[("bms_names_differ", (901,), BOTH)],
    ),
    "the-primary-address-in-bms-on-another-person-beside-the-own-bms-contact": World(
        [user("Ann Able", "ann")],
        present=[there(901, "Front Desk", "ann"), there(902, "Ann Able", "ann@home.example")],
        expected={"ann": "create conflict"},
        conflicts=[("bms_several_hits", (901, 902), BOTH, 902)],
    ),
    "a-nickname-on-an-alias-in-bms-beside-the-own-bms-contact": World(
        [user("Michael Smith", "ms", "mike")],
        present=[there(901, "Michael Smith"), there(902, "Mike Smith", "mike")],
        expected={"ms": "create conflict"},
        conflicts=[("bms_several_hits", (901, 902), BOTH, 901)],
    ),
    "four-share-an-address-in-bms-and-one-bears-the-name": World(
        [user("Ann Able", "ann", "office")],
        present=OFFICE_IN_BMS,
        expected={"ann": "create already_in_bms 911"},
    ),
    "four-share-the-primary-address-in-bms-and-none-bears-the-name": World(
        [user("Eve Ewing", "office")],
        present=OFFICE_IN_BMS,
        expected={"office": "create conflict"},
        conflicts=[("bms_several_hits", (911, 912, 913, 914), BOTH)],
    ),
    "the-contact-of-a-disabled-user-is-not-proposed-to-a-colleague": World(
        [disabled("Lea Left", "lea"), SUE],
        [LEA, contact(2, "Sue Stays", "sue")],
        expected={"sue": "update 2 pushed"},
        departed={1: "report"},
    ),
    "an-old-alias-on-one-contact-and-the-primary-address-on-another": World(
        [user("Sam Roe", "sam.roe", "s.r")],
        [contact(104001, "S R", "s.r"), contact(104002, "Sammy Roe", "sam.roe")],
        expected={"sam.roe": "conflict"},
        conflicts=[("several_hits", (104001, 104002), BOTH, 104002)],
    ),
    "a-new-account-of-somebody-who-has-left": World(
        [disabled("Ann Able", "ann.old"), user("Ann Able", "ann")],
        [contact(1, "Ann Able", "ann.old")],
        given=DEACTIVATE,
        expected={"ann": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
        departed={1: "report departed_in_conflict"},
    ),
    "a-new-account-of-somebody-who-was-deleted": World(
        [user("Ann Able", "ann")],
        [contact(1, "Ann Able", "ann.old")],
        gone=[deleted("Ann Able", "ann.old")],
        expected={"ann": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
        departed={1: "report departed_in_conflict"},
    ),
    "a-deleted-persons-primary-address-in-bms-alone": World(
        [JANE],
        present=[replace(JOHN_IN_BMS, active=True)],
        gone=[JOHN_GONE],
        expected={"j.smith": "create conflict"},
        conflicts=[("bms_names_differ", (901,), BOTH)],
    ),
    "a-nickname-in-bms-whose-bearer-nobody-was": World(
        [user("Michael Smith", "mike")],
        present=[there(901, "Mike Smith", "mike")],
        gone=[JOHN_GONE],
        expected={"mike": "create already_in_bms 901"},
    ),
    "an-inactive-one-in-bms-of-another-first-name": World(
        [user("Alfred Martin", "amartin")],
        present=[there(901, "Antonia Martin", "amartin", active=False)],
        expected={"amartin": "create conflict"},
        conflicts=[("bms_inactive_hit", (901,), BOTH)],
    ),
    "an-inactive-one-in-bms-of-the-same-names": World(
        [user("Ann Able", "ann")],
        present=[there(901, "Ann Able", "ann", active=False)],
        expected={"ann": "create already_in_bms 901"},
        reported={"ann": "inactive_in_bms"},
    ),
    "the-contact-of-its-owner-is-not-suggested-to-a-mailbox": World(
        [user("", "info"), user("Petra Person", "petra")],
        [contact(1, "Petra Person", "info")],
        [there(901, "Petra Person", "info")],
        office365={"user_filter": {"require_name": False}},
        expected={"info": "conflict", "petra": "update 1 already_in_bms 901"},
        conflicts=[("known_contact", (1,), BOTH)],
    ),
    "the-type-of-departed-people-counts-where-they-are-only-reported": World(
        [JANE],
        [JOHN],
        [JOHN_IN_BMS],
        given={"departed_contact_type": "Former"},
        expected={"j.smith": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
    ),
    "a-namesake-of-a-departed-person-where-they-are-only-reported": World(
        [user("John Smith", "john")],
        [JOHN],
        [JOHN_IN_BMS],
        given={"departed_contact_type": "former "},
        expected={"john": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
    ),
    "a-type-of-departed-people-that-nobody-has-yet": World(
        [JANE],
        [replace(JOHN, contact_type_id=78)],
        given={"departed_contact_type": "Gone"},
        expected={"j.smith": "update 1 pushed"},
    ),
    "a-family-under-one-address": World(
        [user("Ann Able", "ables", username="ann"), user("Bob Able", "ables", username="bob")],
        [contact(1, "Ann Able", "ables"), contact(2, "Bob Able", "ables")],
        [there(901, "Ann Able", "ables"), there(902, "Bob Able", "ables")],
        expected={"ann": "update 1 already_in_bms 901", "bob": "update 2 already_in_bms 902"},
    ),
    "a-contact-of-two-people": World(
        [user("Ann Able", "ann", "ables"), user("Bob Able", "bob", "ables")],
        [contact(1, ("Ann & Bob", "Able"), "ables")],
        expected={"ann": "conflict", "bob": "conflict"},
        conflicts=[("several_hits", (1,), BOTH)],
    ),
    "a-disabled-mailbox-with-the-names-of-its-owner": World(
        [user("Petra Person", "petra"), disabled("Petra Person", "info")],
        [contact(1, "Petra Person", "petra", "info")],
        [there(901, "Petra Person", "petra")],
        given=DEACTIVATE,
        expected={"petra": "update 1 already_in_bms 901"},
    ),
    "a-married-name-and-a-new-address": World(
        [user("Ann Baker", "ann.baker", "ann.able")],
        [contact(1, "Ann Able", "ann.able")],
        [there(901, "Ann Able", "ann.able")],
        expected={"ann.baker": "update 1 already_in_bms 901"},
    ),
    "a-married-name-beside-a-colleague-of-the-old-one": World(
        [user("Ann Baker", "ann.baker", "ann.able"), user("Ann Able", "ann.able2")],
        [contact(1, "Ann Able", "ann.able")],
        [there(901, "Ann Able", "ann.able")],
        expected={"ann.able2": "update 1 already_in_bms 901", "ann.baker": "create pushed"},
        reported={"ann.baker": "hit_withheld"},
    ),
    "two-people-whose-names-are-transcribed-alike": World(
        [user("Eva Müller", "eva.m"), user("Eva Mueller", "eva.mueller")],
        [contact(1, "Eva Mueller", "eva.mueller"), contact(2, "Eva Müller", "eva.m")],
        [there(901, "Eva Mueller", "eva.mueller"), there(902, "Eva Müller", "eva.m")],
        expected={"eva.m": "update 2 already_in_bms 902", "eva.mueller": "update 1 already_in_bms 901"},
    ),
    "a-father-and-a-son": World(
        [user("John Smith", "john"), user("John Smith Jr", "john.jr", "john2")],
        [contact(1, "John Smith", "john", "john2")],
        [there(901, "John Smith", "john")],
        expected={"john": "update 1 already_in_bms 901", "john.jr": "create pushed"},
        reported={"john.jr": "hit_withheld"},
    ),
    "a-guest-who-has-become-a-member": World(
        [
            user("Con Roe", "con@agency.example", username="con_agency#EXT#@client.example", user_type="Guest"),
            user("Con Roe", "con"),
        ],
        [contact(1, "Con Roe", "con@agency.example")],
        [there(901, "Con Roe", "con@agency.example")],
        expected={"con": "conflict"},
        conflicts=[("possibly_returned", (1,), BOTH)],
    ),
    "a-shared-alias-that-has-moved": World(
        [user("Ann Able", "ann"), user("Ben Baker", "ben", "info")],
        [contact(1, "Ann Able", "info"), contact(2, "Ben Baker", "ben")],
        [there(901, "Ann Able", "info"), there(902, "Ben Baker", "ben")],
        expected={"ann": "update 1 already_in_bms 901", "ben": "update 2 already_in_bms 902"},
        reported={"ben": "alias_held"},
    ),
    "a-contact-twice-of-which-one-is-linked": World(
        [user("Ann Able", "ann", "ann.old")],
        [contact(1, "Ann Able", "ann"), linked(2, "Ann Able", "ann.old")],
        [there(902, "Ann Able", "ann.old")],
        expected={"ann": "linked 2 902"},
    ),
    "a-bms-contact-without-an-address": World(
        [user("Ann Able", "ann")],
        [contact(1, "Ann Able", "ann")],
        [there(901, "Ann Able")],
        expected={"ann": "update 1 already_in_bms 901"},
    ),
    "a-second-account-of-a-person": World(
        [user("Ann Able", "ann"), user("Ann Able", "ann.admin")],
        [contact(1, "Ann Able", "private@home.example")],
        expected={"ann": "conflict", "ann.admin": "conflict"},
        conflicts=[("several_hits", (1,), BOTH)],
    ),
    "nickname": plainly("Michael Smith", "Mike Smith"),
    "whole-name-in-the-first-field": plainly("Ann Able", ("Ann Able", "")),
    "title-as-last-name": plainly("Ann Able", "Ann Mr"),
    "doctor-as-last-name": plainly("Ann Able", "Ann Dr."),
    "company-as-last-name": plainly("Ann Able", "Ann Acme"),
    "more-names": plainly("María García", ("María José", "García López")),
    "blank-for-hyphen": plainly("Jean-Luc Roe", ("Jean Luc", "Roe")),
    "stroke": plainly("Nils Strøm", "Nils Strom"),
    "transcribed": plainly("Eva Müller", "Eva Mueller"),
    "capitals": plainly("Ann Able", "ANN ABLE"),
    "swapped": plainly("Ann Able", "Able Ann"),
    "no-name": plainly("Ann Able", ""),
    "two-scripts": plainly("太郎 山田", "Taro Yamada", ann="both_names_replaced"),
    "apostrophe": by_name("Nell O\u2019Neil", "Nell O'Neil"),
    "non-breaking-hyphen": by_name("Anne-Marie Roe", "Anne\u2011Marie Roe"),
    "zero-width-space": by_name("Zoe Roe", "Zoe\u200b Roe"),
    "marks-of-direction": by_name("דנה כהן", "\u200fדנה\u200f \u200fכהן"),
    "the-mailboxs-address-where-mail-is-blank": World(
        [user("Sam Able", "sam", mail=None, username="sam@client.onmicrosoft.com")],
        [contact(1, "Sam Able", "sam")],
        expected={"sam": "update 1 pushed"},
    ),
    "a-guest-without-mail": World(
        [user("Gus Guest", mail=None, username="gus_partner.example#EXT#@client.onmicrosoft.com", user_type="Guest")],
        office365={"user_filter": {"include_guests": True}},
        expected={"gus_partner.example#EXT#": "failed"},
        reported={"gus_partner.example#EXT#": "no_address"},
    ),
    "a-guest-whose-only-alias-is-the-username": World(
        [
            user(
                "Gus Guest",
                mail="gus_partner.example#EXT#@client.onmicrosoft.com",
                username="gus_partner.example#EXT#@client.onmicrosoft.com",
                proxy_addresses=("smtp:gus_partner.example#EXT#@client.onmicrosoft.com",),
                user_type="Guest",
            )
        ],
        office365={"user_filter": {"include_guests": True}},
        expected={"gus_partner.example#EXT#": "failed"},
        reported={"gus_partner.example#EXT#": "no_address"},
    ),
}


@pytest.mark.parametrize("turned", [False, True], ids=["", "other-way-round"])
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_nobody_is_taken_for_somebody_else_and_nobody_is_made_two(world, turned):
    row = world.read(turned=turned)
    plan = row.plan()
    assert outcome(plan) == world.expected
    assert conflicts(plan) == list(world.conflicts)
    assert {each.contact_id: _shown(each) for each in plan.departed} == world.departed
    found = {each.user.partition("@")[0]: codes(each) for each in plan.operations}
    assert [name for name, code in world.reported.items() if code not in found[name]] == []

    operations = (*plan.operations, *plan.deactivations)
    after = applied(row, operations, Random(1))
    again = after.plan()
    assert [each for each in (*again.operations, *again.deactivations) if each.writes] == []
    assert [each[:3] for each in conflicts(again)] == [each[:3] for each in world.conflicts]
    assert nothing_invisible(after.read.contacts)


def test_an_address_goes_from_one_person_to_the_next_over_the_years():
    """John leaves, Microsoft forgets him, Jane Smith gets his address: nothing of John's becomes hers."""
    zed, jane = user("Zed Zoo", "zed"), user("Jane Smith", "j.smith", id="id-jane")

    def later(row: Row, users: Sequence[User], gone: Sequence[User] = (), **given: Any) -> Row:
        plan = (row := replace(row, read=replace(row.read, users=tuple(users)), gone=tuple(gone), given=given)).plan()
        found.append(outcome(plan).get("j.smith"))
        return applied(row, (*plan.operations, *plan.deactivations), Random(1))

    found: list[str | None] = []
    row = later(World([]).read(turned=False), [user("John Smith", "j.smith"), zed], **DEACTIVATE)
    row = later(row, [zed], [deleted("John Smith", "j.smith")], **DEACTIVATE)
    row = later(row, [zed, jane], [deleted("John Smith", "j.smith")], **DEACTIVATE)
    row = later(row, [zed, jane], **DEACTIVATE)
    row = later(row, [zed, jane], departed_contact_type="Former")
    answers = {"match_overrides": {"id-jane": "new"}, "bms_match_overrides": {"id-jane": "new"}}
    for dummy in range(2):
        row = later(row, [zed, jane], **DEACTIVATE, **answers)
    assert found[:6] == ["create pushed", None, "conflict", "conflict", "conflict", "create pushed"]
    assert found[6].split()[::2] == ["unchanged", "already_in_bms"]
    johns = [each for each in row.read.contacts if each.first_name == "John"]
    assert [each.contact_type_id for each in johns] == [77]
    assert [each.active for each in row.present.contacts if each.first_name == "John"] == [False]
    assert sorted(each.first_name for each in row.present.contacts) == ["Jane", "John", "Zed"]


def _shown(departure) -> str:
    return " ".join(filter(None, (departure.action, departure.reason and departure.reason.code)))


def nothing_invisible(contacts: Sequence[Contact]) -> bool:
    """Whether no address that was written holds a character that nobody can see."""
    return all(entry.value.isprintable() for contact in contacts for entry in contact.emails)


def test_an_invisible_character_is_not_written_into_an_address():
    world = World([user("Vic Voe", "vic", mail="vic@cl\u200bient.example", proxy_addresses=())])
    after = applied(row := world.read(turned=False), row.plan().operations, Random(1))
    assert [each.value for each in after.read.contacts[0].emails] == ["vic@client.example"]

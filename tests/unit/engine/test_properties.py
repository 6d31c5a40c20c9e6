# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of the rules whatever the tenant and the organization look like.

The worlds are small and crowded: a handful of addresses, names and numbers, in several
spellings, so that nearly every one holds namesakes, shared addresses and conflicts.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.attributes import changed_fields
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.bms_fields import with_fields
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import Rule
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.enrichment import enriched
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import (
    Names,
    compare_names,
    have_common_word,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching import match
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.matching_index import Circumstances
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    BmsContact,
    BmsEmail,
    BmsSettings,
    BmsSnapshot,
    Contact,
    Email,
    Location,
    Office365Settings,
    Phone,
    Snapshot,
    User,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import Action, Operation, Plan, Push
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planning import Findings, Planning
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import ReasonCode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.text import address, smtp_by_key, trimmed
from tests.unit.engine.builders import ACCOUNT, NATIVE, PUSHING, SKU, bms, options, person, settings, snapshot

# ---------------------------------------------------------------------- worlds

ADDRESSES = ("a@x.io", "b@x.io", "straße@x.io", "иван@x.io", "d@t.onmicrosoft.com")
FIRST_NAMES = ("Ann", "Zoë", "İpek", "Иван")
LAST_NAMES = ("Lee", "Weiß")
NUMBERS = ("4155550100", "+14155550101", "00441134960000", "٠٢٠٧٩٤٦٠٩٥٨", "415 555 0100 x12", "1-800-FLOWERS", "n/a")
STORED = ("4155550100", "14155550101", "441134960000", "(415) 555-0100", "000-000-0000", "0000000000", "1800FLOWERS")
TITLES = (None, "", "Clerk", "Boss")

LOCATIONS = (
    Location(10, "HQ", primary=True, address_1="1 High Street", city="Leeds"),
    Location(11, "Depot", address_1="2 Low Road", city="Leeds"),
    Location(12, "depot ", address_1="2 Low Road", city="York"),
)

# One draw a row: rows can be taken away when an example shrinks, and are quick to make.
chances = st.integers(0, 2**32).map(Random)


class Maker:
    """Makes one row by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def one(self, *values):
        return self.chance.choice(values)

    def some(self, most: int, make) -> tuple:
        return tuple(make() for dummy in range(self.chance.randint(0, most)))

    def address(self, *own: str) -> str:
        value = self.one(*own) if own and self.chance.random() < 0.7 else self.one(*ADDRESSES)
        return self.one(str, str, str.upper, lambda each: f" {each} ")(value)

    def name(self, values) -> str | None:
        respell = (str, str, str.upper, lambda value: f" {value}", lambda value: unicodedata.normalize("NFD", value))
        return self.one(None, *(self.one(*respell)(value) for value in values * 3))

    def user(self, number: int) -> User:
        """Usernames are unique in a tenant, as ids are; all other addresses may be anybody's."""
        own = (f"u{number}@x.io", f"alias{number}@x.io")
        usernames = (own[0], own[0], f"U{number}@x.io", f"nobody{number}", *ADDRESSES[number : number + 1])

        def proxy() -> str:
            return self.one("SMTP:", "smtp:", "SIP:", "smtp: ") + self.address(*own)

        return User(
            id=f"id-{number}",
            username=self.one(*usernames),
            mail=self.one(None, self.address(*own), self.address(*own)),
            proxy_addresses=self.some(3, proxy),
            given_name=self.name(FIRST_NAMES),
            surname=self.name(LAST_NAMES),
            job_title=self.one(*TITLES),
            business_phones=self.some(2, lambda: self.one(*NUMBERS)),
            mobile_phone=self.one(None, *NUMBERS),
            office_location=self.one(None, "HQ", "Depot"),
            street_address=self.one(None, "2 low road"),
            city=self.one(None, "York"),
            account_enabled=self.one(True, True, True, True, False),
            sku_ids=self.one((SKU,), (SKU,), (SKU,), ()),
        )

    def email(self, number: int) -> Email:
        own = (f"u{number}@x.io", f"alias{number}@x.io")
        return Email(self.address(*own), self.one("Work", "Home", None), self.one(True, False))

    def phone(self) -> Phone:
        return Phone(
            self.one(*STORED),
            self.one("Office", "Mobile", "office", "Home", None),
            self.one(None, None, "", "7"),
            self.one(True, False),
            self.one("phone", "phone", "phone", "fax"),
        )

    def contact(self, number: int) -> Contact:
        link = Adapter("Kaseya BMS", str(901 + number), sync=True)
        return Contact(
            id=number + 1,
            first_name=self.name(FIRST_NAMES),
            last_name=self.name(LAST_NAMES),
            title=self.one(*TITLES),
            emails=self.some(3, lambda: self.email(number)),
            phones=self.some(3, self.phone),
            location_id=self.one(None, 10),
            adapters=self.one((), (), (), (link,), (Adapter("Microsoft"),)),
            organization_id=1,
        )

    def in_bms(self, number: int) -> BmsContact:
        return BmsContact(
            id=901 + number,
            account_id=ACCOUNT.id,
            first_name=self.name(FIRST_NAMES),
            last_name=self.name(LAST_NAMES),
            job_title=self.one(*TITLES),
            active=self.one(True, True, False),
            emails=self.some(2, lambda: BmsEmail(self.email(number).value, 1)),
        )

    def settings(self) -> Office365Settings:
        return settings(
            set_phone_numbers_primary=self.one(True, True, False),
            phone_type=self.one("Office", "Mobile"),
            replace_blank_phone_numbers=self.one(True, False),
            primary_email=self.one("mail", "username"),
            sync_aliases=self.one(True, False),
        )


def rows(make, most: int):
    """Up to `most` rows, each made by `make` of its number and a chance of its own."""
    return st.lists(chances, max_size=most).map(
        lambda drawn: tuple(make(Maker(chance), number) for number, chance in enumerate(drawn))
    )


def users(most: int = 5) -> st.SearchStrategy[tuple[User, ...]]:
    return rows(Maker.user, most)


def contacts(most: int = 5) -> st.SearchStrategy[tuple[Contact, ...]]:
    return rows(Maker.contact, most)


office365 = chances.map(lambda chance: Maker(chance).settings())


@dataclass(frozen=True)
class World:
    """What a run reads, and the options that it is given."""

    read: Snapshot
    present: BmsSnapshot
    given: Options

    def plan(self, locations: Sequence[Location] = LOCATIONS) -> Plan:
        return self.planning(locations).plan

    def planning(self, locations: Sequence[Location] = LOCATIONS) -> Planning:
        present = self.present
        findings = Findings(
            verified_domains=frozenset(),
            deleted_users=(),
            locations=tuple(locations),
            bms=BmsSnapshot(present.account, present.contacts),
            bms_locations=present.locations,
            bms_types=(present.email_type, present.phone_type),
        )
        return Planning(self.read, self.given, findings)


def _world(people, there, pushed, rules, chance) -> World:
    make = Maker(chance)
    switches = make.one(BmsSettings(), PUSHING, PUSHING, PUSHING, NATIVE)
    overrides: dict[str, int | str] = {}
    free = [contact.id for contact in there]
    for user in people:
        target = make.one(*(None,) * 8, "ignore", "new", "id")
        if target == "id" and free:
            overrides[user.id] = free.pop(chance.randrange(len(free)))
        elif target in ("ignore", "new"):
            overrides[user.username] = target
    given = options(allow_shrunken_source=True, match_overrides=overrides, update_linked=make.one(True, False, False))
    return World(snapshot(people, there, office365=rules, bms_settings=switches), bms(*pushed), given)


worlds = st.builds(_world, users(), contacts(), rows(Maker.in_bms, 4), office365, chances)


def kept_of(people: Sequence[User], chance: Random) -> set[str]:
    return {user.id for user in people if chance.random() < 0.7}


# ----------------------------------------------------------------- answers


@given(users(), contacts(), chances)
def test_answers_resolve_conflicts(people, there, chance):
    """Each of the users of a conflict gets one of its contacts, or is left out; `new` has tests of its own."""
    selected = kept_of(people, chance)
    conflicts = match(people, selected, there, Circumstances(deleted=())).conflicts
    given: dict[str, int | str] = {}
    for conflict in conflicts:
        for username, user_id in zip(conflict.users, conflict.user_ids, strict=True):
            free = [answer for answer in conflict.answers[username] if answer not in (*given.values(), "new")]
            given[user_id] = chance.choice([*free, "ignore"])
    resolved = match(people, selected, there, Circumstances(overrides=given, deleted=()))
    assert [each for each in resolved.conflicts if given.keys() & set(each.user_ids)] == []


# ----------------------------------------------------------- order independence


@given(worlds, chances)
def test_nothing_hangs_on_the_order_of_rows(world, chance):
    def shuffled(rows):
        return tuple(chance.sample(rows, len(rows)))

    turned = replace(
        world,
        read=replace(world.read, users=shuffled(world.read.users), contacts=shuffled(world.read.contacts)),
        present=replace(world.present, contacts=shuffled(world.present.contacts)),
    )
    assert turned.plan(shuffled(LOCATIONS)) == world.plan()


# ------------------------------------------------------------------- enrichment


def as_the_server_keeps_it(contact: Contact, chance: Random) -> Contact:
    """Numbers without separators, null for what is empty, entries in an order of its own."""

    def stripped(value: str | None) -> str | None:
        return "".join(filter(str.isalnum, value or "")) or None

    phones = [
        replace(each, value=stripped(each.value) or "", extension=stripped(each.extension)) for each in contact.phones
    ]
    return replace(
        contact,
        first_name=contact.first_name or None,
        last_name=contact.last_name or None,
        title=contact.title or None,
        emails=tuple(chance.sample(contact.emails, len(contact.emails))),
        phones=tuple(chance.sample(phones, len(phones))),
    )


somebody = chances.map(lambda chance: Maker(chance).user(0))
contact_of_somebody = chances.map(lambda chance: Maker(chance).contact(0))


@given(somebody, st.none() | contact_of_somebody, office365, chances)
def test_enriching_again_changes_nothing(user, contact, rules, chance):
    once = enriched(user, contact, rules, LOCATIONS)[0]
    assert enriched(user, once, rules, LOCATIONS)[0] == once

    kept = as_the_server_keeps_it(once, chance)
    assert changed_fields(once, kept) == ()
    assert changed_fields(kept, enriched(user, kept, rules, LOCATIONS)[0]) == ()


@given(somebody, contact_of_somebody, office365)
def test_no_e_mail_is_lost_and_exactly_one_is_primary(user, contact, rules):
    before = {entry.value.strip().casefold() for entry in contact.emails}
    after = [entry.value.strip().casefold() for entry in enriched(user, contact, rules)[0].emails]
    assert before <= set(after)
    assert len(after) == len(set(after))
    assert sum(entry.primary for entry in enriched(user, contact, rules)[0].emails) == (1 if after else 0)


def only_digits(value: str | None) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in value or "" if char.isdecimal())


@given(somebody, contact_of_somebody, office365)
def test_no_phone_is_lost_but_for_the_stated_replacement(user, contact, rules):
    """At most the one phone of a label of the user's, and placeholders where the switch is on."""
    after = enriched(user, contact, rules)[0].phones
    identity = [(each.value, each.kind, each.label) for each in contact.phones]
    lost = Counter(identity) - Counter((each.value, each.kind, each.label) for each in after)
    for value, kind, label in lost:
        zeros = not only_digits(value).strip("0")
        if zeros and rules.replace_blank_phone_numbers:
            continue
        same = [each for each in contact.phones if each.kind == kind and _folded(each.label) == _folded(label)]
        assert kind == "phone"
        assert _folded(label) in ("office", "mobile")
        assert sum(lost[row] for row in lost if _folded(row[2]) == _folded(label)) == 1, "one for each label"
        assert len(same) - sum(_is_of(user, each) for each in same) == 1, "only where it is the one other phone"


def _folded(label: str | None) -> str:
    return (label or "").casefold()


def _is_of(user: User, phone: Phone) -> bool:
    values = (value.partition("x")[0] for value in (*user.business_phones[:1], user.mobile_phone or ""))
    wanted = {only_digits(value).removeprefix("00") for value in values if not any(map(str.isalpha, value))}
    return only_digits(phone.value).removeprefix("00") in wanted - {""}


@given(somebody, st.none() | contact_of_somebody, office365)
def test_at_most_one_phone_is_primary_where_the_rules_choose(user, contact, rules):
    assume(rules.set_phone_numbers_primary)
    found = enriched(user, contact, rules, LOCATIONS)[0]
    able = [each for each in found.phones if each.kind == "phone" and only_digits(each.value)]
    primary = [each for each in found.phones if each.primary]
    if able:
        assert len(primary) == 1
        assert primary[0] in able
        if any(only_digits(each.value).strip("0") for each in able):
            assert only_digits(primary[0].value).strip("0")


# ---------------------------------------------------------------- a run and then


def after_run(world: World, planning: Planning, chance: Random, done: Iterable[Operation] | None = None) -> World:
    """The world once a run has carried out its operations, or those that were `done`, and has remembered whom it has
    found in BMS by names, as it may have replaced them."""
    after = applied(world, planning.plan.operations if done is None else done, chance)
    facts = replace(world.read.facts, by_name_in_bms=planning.by_name_in_bms)
    return replace(after, read=replace(after.read, facts=facts))


def applied(world: World, operations: Iterable[Operation], chance: Random) -> World:
    """The world once the operations have been carried out, as the services then show it."""
    there = {contact.id: contact for contact in world.read.contacts}
    in_bms = {contact.id: contact for contact in world.present.contacts}
    for operation in operations:
        itglue, bms_part = operation.itglue, operation.bms
        if itglue.writes:
            ident = itglue.contact_id or max(there, default=0) + 1
            before = there.get(ident, Contact(id=ident, organization_id=1))
            there[ident] = as_the_server_keeps_it(patched(before, itglue.after), chance)
        if bms_part.create is not None:
            ident = max([5000, *in_bms]) + 1
            in_bms[ident] = replace(bms_part.create, id=ident)
        if bms_part.after:
            in_bms[bms_part.contact_id] = with_fields(in_bms[bms_part.contact_id], bms_part.after)
    return replace(
        world,
        read=replace(world.read, contacts=tuple(there.values())),
        present=replace(world.present, contacts=tuple(in_bms.values())),
    )


def patched(contact: Contact, attributes) -> Contact:
    """What the server makes of the attributes that it is sent."""
    emails = [
        Email(each["value"], each["label-name"], each["primary"]) for each in attributes.get("contact-emails", ())
    ]
    phones = [
        Phone(each["value"], each["label-name"], each["extension"], each["primary"], each["label-type"])
        for each in attributes.get("contact-phones", ())
    ]
    changes = {
        "first_name": attributes.get("first-name", contact.first_name),
        "last_name": attributes.get("last-name", contact.last_name),
        "title": attributes.get("title", contact.title),
        "location_id": attributes.get("location-id", contact.location_id),
        "contact_type_id": attributes.get("contact-type-id", contact.contact_type_id),
        "emails": tuple(emails) if "contact-emails" in attributes else contact.emails,
        "phones": tuple(phones) if "contact-phones" in attributes else contact.phones,
    }
    place = next((each.name for each in LOCATIONS if each.id == changes["location_id"]), None)
    return replace(contact, location_name=place, **changes)


@given(worlds, chances)
def test_a_second_run_writes_nothing(world, chance):
    second = after_run(world, world.planning(), chance).plan()
    assert [each for each in second.operations if each.writes] == []


def sharing_an_address(users, operations) -> set[str]:
    """The ids of users with an address in common, of whom one is created, or held back by a conflict."""
    concerned = {
        each.subject.user_id for each in operations if {"create", "conflict"} & {each.itglue.action, each.bms.push}
    }
    addresses = {user.id: {*smtp_by_key(user), address(user.username), address(user.mail)} - {""} for user in users}
    return {
        ident
        for one, other in combinations(addresses, 2)
        if addresses[one] & addresses[other] and concerned & {one, other}
        for ident in (one, other)
    }


@given(worlds, chances)
def test_what_was_written_is_matched_with_its_user_again(world, chance):
    """No run brings about a conflict between users and contacts, or changes who is whom.

    Microsoft gives an address to one user only. Of two who have one all the same, one meets what the run has made for
    the other one.
    """
    first = world.planning()
    after = after_run(world, first, chance)
    before = {each.subject: each.itglue for each in first.plan.operations}
    entangled = sharing_an_address(world.read.users, first.plan.operations)
    for each in after.plan().operations:
        if each.subject.user_id in entangled:
            continue
        if before[each.subject].contact_id is not None:
            assert each.itglue.contact_id == before[each.subject].contact_id
        # Whoever has got no contact may meet another one's by now, of the same names or primary address.
        if before[each.subject].contact_id is not None or before[each.subject].action == "create":
            assert each.itglue.action != "conflict"


@given(worlds, chances)
def test_a_run_that_broke_off_is_finished_by_the_next_with_no_duplicate(world, chance):
    first = world.planning()
    done = [each for each in first.plan.operations if chance.random() < 0.5]
    broken = after_run(world, first, chance, done)
    finished = after_run(broken, broken.planning(), chance)
    assert [each for each in finished.plan().operations if each.writes] == []

    created = {each.subject for each in first.plan.operations if each.itglue.action == "create"}
    assert len(finished.read.contacts) <= len(world.read.contacts) + len(created)
    assert {contact.id for contact in world.read.contacts} <= {contact.id for contact in finished.read.contacts}


@given(worlds)
def test_no_two_operations_write_the_same_contact(world):
    written = [each for each in world.plan().operations if each.writes]
    in_it_glue = [each.itglue.contact_id for each in written if each.itglue.action == "update"]
    in_bms = [each.bms.contact_id for each in written if each.bms.after]
    assert len(in_it_glue) == len(set(in_it_glue))
    assert len(in_bms) == len(set(in_bms))
    assert len({each.subject for each in written}) == len(written)


@given(worlds)
def test_each_user_has_one_operation_that_says_what_it_does(world):
    plan = world.plan()
    assert sorted(each.subject.user_id for each in plan.operations) == sorted(user.id for user in world.read.users)
    for each in plan.operations:
        itglue, bms_part = each.itglue, each.bms
        assert (itglue.action == "update") == (itglue.contact_id is not None and bool(itglue.after))
        assert set(itglue.before) <= set(itglue.after)
        assert bms_part.before.keys() == bms_part.after.keys()
        assert (bms_part.create is not None) == (bms_part.push == "pushed")
        assert bms_part.push != "undecided"
        assert (bms_part.push == "not_ready") == bool(bms_part.missing)
        if itglue.action in ("conflict", "failed", "excluded"):
            assert each.reasons
        if bms_part.push in ("conflict", "failed", "already_in_bms", "pending"):
            assert each.reasons


somebodys_names = st.sampled_from([("Taro", "Yamada"), ("太郎", "山田"), ("Иван", "Петров"), ("Ivan", "Smith")])


@given(st.lists(st.tuples(somebodys_names, somebodys_names), min_size=1, max_size=4))
def test_whoever_gets_two_other_names_is_reported(pairs):
    users, contacts = [], []
    for number, ((given_name, surname), (first_name, last_name)) in enumerate(pairs):
        value = f"u{number}@x.io"
        users.append(person(f"u{number}", username=value, mail=value, given_name=given_name, surname=surname))
        contacts.append(Contact(number + 1, first_name, last_name, emails=(Email(value, "Work", True),)))
    world = World(snapshot(users, contacts), bms(), options())
    codes = {ReasonCode.BOTH_NAMES_REPLACED, ReasonCode.MATCHED_DIFFERENT_NAMES}
    for each in world.plan().operations:
        before, after = (
            [changes.get(name) or "" for name in ("first-name", "last-name")]
            for changes in (each.itglue.before, each.itglue.after)
        )
        if all(map(trimmed, (*before, *after))) and each.matched_by != Rule.OVERRIDE:
            same = compare_names(before, after) == Names.SAME or have_common_word(before, after)
            assert same or not codes.isdisjoint(reason.code for reason in each.reasons)


@given(worlds)
def test_nothing_is_left_of_a_withheld_operation(world):
    for operation in world.plan().operations:
        withheld = operation.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED)
        assert not withheld.writes
        assert withheld.bms.push not in ("pushed", "pending")
        assert withheld.withheld(itglue=Action.FAILED, bms=Push.FAILED) == withheld


@given(users(), contacts(), office365)
def test_only_selected_users_are_written_for(people, there, rules):
    world = World(snapshot(people, there, office365=rules), bms(), options(allow_shrunken_source=True))
    excluded = {user.id for user in people if not user.account_enabled or not user.sku_ids}
    assert not excluded & {each.subject.user_id for each in world.plan().operations if each.writes}


def test_the_worlds_are_crowded():
    """The properties above would prove little of worlds without matches, conflicts and pushes."""
    seen: Counter = Counter()

    @examples(max_examples=500)
    @given(worlds)
    def look(world):
        plan = world.plan()
        seen.update({("action", each.itglue.action) for each in plan.operations})
        seen.update({("push", each.bms.push) for each in plan.operations})
        seen.update({("rule", each.matched_by) for each in plan.operations})

    look()
    wanted = {("action", each) for each in ("create", "update", "linked", "conflict", "excluded", "failed")}
    wanted |= {("push", each) for each in ("pushed", "already_in_bms", "pending", "not_ready", "off", "conflict")}
    wanted |= {("rule", each) for each in ("alias", "username", "name", "override")}
    assert wanted - seen.keys() == set()

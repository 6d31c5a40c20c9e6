# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else who acts between two requests of a run: a technician, IT Glue's own sync, or another control node.

An action gets the stand, changes the world as one would in the browser, and gives back what is to be seen of
it for good: a function that raises AssertionError where anything of it is lost.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import PushesStoppedError

from .inprocess import Outcome, Stand
from .invariants import bms_emails_of, bms_of, contacts_of, emails_of, full_name, user_addresses, users_of
from .test_fault_matrix import WITH_DEPARTED, _contact, _in_bms
from .worlds import ACCOUNT, CLIENT, OTHER_ACCOUNT, Json, _link

Kept = Callable[[Json], None]
Act = Callable[["Interrupted"], Kept]

HOME = {"value": "own@home.example", "label-name": "Home", "primary": False}
NUMBER = {"value": "2075550123", "label-name": "Cabin", "primary": False, "extension": None, "label-type": "phone"}


class Interrupted(Stand):
    """A stand in which somebody acts right before the nth request of the next task.

    `since` are method and path of that request, and of those that follow.
    """

    def __init__(self, world: Json) -> None:
        super().__init__(world)
        self.plan: tuple[int, Act] | None = None
        self.kept: Kept | None = None
        self.added: set[int] = set()
        self.others: list[Outcome] = []
        self.since: list[tuple[str, str]] = []
        self._counted = itertools.count()

    def act_before(self, number: int, act: Act) -> None:
        self.plan, self.kept, self.since, self._counted = (number, act), None, [], itertools.count()

    def answer(self, request: Any, timeout: float) -> Any:
        if self.plan is not None and next(self._counted) == self.plan[0]:
            (dummy, act), self.plan = self.plan, None
            known = contacts_of(self.state()).keys()
            self.kept = act(self)
            self.added = contacts_of(self.state()).keys() - known
        if self.kept is not None:
            self.since.append((request.method, urlsplit(request.url).path))
        return super().answer(request, timeout)

    # ------------------------------------------------------------- what somebody does

    def contact(self, ident: int, **changes: Any) -> None:
        """Save a contact of IT Glue."""
        table = self.sandbox.services["itglue"].contacts
        if ident in table.rows:
            table.update(table.rows[ident], changes)

    def saved(self, **changes: Any) -> Json:
        stamp = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")
        return {**changes, "updated-at": stamp}

    def add_contact(self, number: int) -> int:
        """Create a contact of a user in IT Glue as a technician does."""
        table = self.sandbox.services["itglue"].contacts
        like = next(iter(table.of(CLIENT)))
        ident = table.new_id()
        row = {
            **like,
            **_contact(number),
            "id": ident,
            "psa-integration": None,
            "adapters": [],
            "locked": [],
            "title": None,
            "contact-type-id": None,
            "important": None,
            **self.saved(),
        }
        row["contact-phones"] = [{"extension": None, "label-type": "phone", **each} for each in row["contact-phones"]]
        table.add(row)
        return ident

    def bms_contact(self, ident: int, **changes: Any) -> None:
        contacts = self.sandbox.services["bms"].contacts
        if ident in contacts.rows:
            contacts.change(contacts.rows[ident], changes)

    def add_bms_contact(self, number: int) -> int:
        contacts = self.sandbox.services["bms"].contacts
        like = next(iter(contacts.of(ACCOUNT)))
        values = {key: value for key, value in like.items() if key != "id"}
        entry = {"emailAddress": f"u{number}@x.example", "emailTypeId": 1, "isDefault": True}
        given = _in_bms(number)
        given = {"firstName": given["firstName"], "lastName": given["lastName"], "emails": [entry]}
        return contacts.new({**values, **given, "phones": [], "isActive": True, "jobTitle": None})["id"]


def _shows(ident: int, **values: Any) -> Kept:
    def kept(state: Json) -> None:
        contact = contacts_of(state)[ident]
        for field, value in values.items():
            assert contact[field] == value, (field, contact)

    return kept


def adds_entries(stand: Interrupted) -> Kept:
    """To the contact that the run updates, and to one that it leaves."""
    for ident in (102, 103):
        row = contacts_of(stand.state())[ident]
        emails, phones = [*row["contact-emails"], HOME], [*row["contact-phones"], NUMBER]
        stand.contact(ident, **stand.saved(**{"contact-emails": emails, "contact-phones": phones}))

    def kept(state: Json) -> None:
        for ident in (102, 103):
            contact = contacts_of(state)[ident]
            assert HOME["value"] in emails_of(contact), contact
            assert NUMBER["value"] in [each["value"] for each in contact["contact-phones"]], contact

    return kept


def edits_notes(stand: Interrupted) -> Kept:
    stand.contact(102, **stand.saved(notes="Call before noon.", important=True))
    return _shows(102, notes="Call before noon.", important=True)


def creates(stand: Interrupted) -> Kept:
    """A contact of somebody whom the run creates."""
    ident = stand.add_contact(0)
    return lambda state: contacts_of(state)[ident]


def removes(stand: Interrupted) -> Kept:
    """The contact of somebody whom the run updates: the next run creates it."""
    table = stand.sandbox.services["itglue"].contacts
    if 103 in table.rows:
        table.remove(table.rows[103])
    return lambda state: None


def links(stand: Interrupted) -> Kept:
    """IT Glue's own sync, which leaves the time of change as it is."""
    stand.contact(103, **{"psa-integration": "enabled", "adapters": [_link(903)]})
    return _shows(103, **{"psa-integration": "enabled"})


def renames(stand: Interrupted) -> Kept:
    """The contact becomes somebody else's, who is no user."""
    other = [{"value": "zoe@home.example", "label-name": "Home", "primary": True}]
    changes = {"first-name": "Zoe", "last-name": "Ray", "contact-emails": other}
    stand.contact(102, **stand.saved(**changes))
    return _shows(102, **changes)


def creates_in_bms(stand: Interrupted) -> Kept:
    ident = stand.add_bms_contact(0)
    return lambda state: bms_of(state)[ident]


def titles_in_bms(stand: Interrupted) -> Kept:
    """The job title that the run would fill."""
    stand.bms_contact(903, jobTitle="Director")

    def kept(state: Json) -> None:
        assert bms_of(state)[903]["jobTitle"] == "Director"

    return kept


def renames_in_bms(stand: Interrupted) -> Kept:
    """The BMS contact of a departed person becomes somebody else's."""
    was = stand.state()
    before = bms_of(was)[907]
    stand.bms_contact(907, firstName="Zoe", lastName="Ray")

    def kept(state: Json) -> None:
        contact = bms_of(state)[907]
        assert (contact["firstName"], contact["isActive"]) == ("Zoe", before["isActive"]), contact

    return kept


def syncs(stand: Interrupted) -> Kept:
    """Another control node runs the same job, from start to end."""
    other = Stand.__new__(Stand)
    other.__dict__.update(stand.__dict__, _private=_Elsewhere(stand))
    before = stand.state()
    outcome = Stand.sync(other, **WITH_DEPARTED)
    assert outcome.error is None or isinstance(outcome.error, PushesStoppedError), outcome.error
    made = contacts_of(stand.state()).keys() - contacts_of(before).keys()

    def kept(state: Json) -> None:
        assert made <= contacts_of(state).keys()

    stand.others.append(outcome)
    return kept


class _Elsewhere:
    """The private directory of another control node."""

    def __init__(self, stand: Stand) -> None:
        self.name = f"{stand._private.name}/other"


ACTIONS: dict[str, Act] = {
    each.__name__.replace("_", " "): each
    for each in (
        adds_entries,
        edits_notes,
        creates,
        removes,
        links,
        renames,
        creates_in_bms,
        titles_in_bms,
        renames_in_bms,
        syncs,
    )
}


def _location(stand: Interrupted) -> None:
    """The one that new contacts get."""
    table = stand.sandbox.services["itglue"].locations
    table.remove(table.rows[10])


def _contact_type(stand: Interrupted) -> None:
    """That of new contacts."""
    table = stand.sandbox.services["itglue"].contact_types
    table.remove(next(row for row in table.rows.values() if row["name"] == "Approver"))


def _overridden_bms_contact(stand: Interrupted) -> None:
    """It becomes one of another account."""
    stand.bms_contact(903, accountId=OTHER_ACCOUNT)


def _account(stand: Interrupted) -> None:
    stand.sandbox.services["bms"].accounts[ACCOUNT]["isActive"] = False


OVERRIDES = {"match_overrides": {"u3@x.example": 103}, "bms_match_overrides": {"u3@x.example": 903}}
TAKEN_AWAY: dict[str, tuple[Callable[[Interrupted], Any], set[int]]] = {
    "the contact of an override": (removes, {3}),
    "the BMS contact of an override": (_overridden_bms_contact, {3}),
    "the location": (_location, {0, 1}),
    "the contact type": (_contact_type, {0, 1}),
    "the BMS account": (_account, {0, 1, 2, 3, 9}),
}
"""What somebody takes away or deactivates, and the numbers of the users whom that concerns."""


# ------------------------------------------------------------------------- what holds


def nobody_is_duplicated(state: Json, *outcomes: Outcome) -> None:
    """Of each user one contact and one BMS contact, but for those that a run has reported with all ids."""
    reported = [
        set(_ids(each["reason"]))
        for outcome in outcomes
        for each in outcome.contacts().values()
        if {"duplicate_in_itglue", "duplicate_in_bms"} & {*each["reason_codes"]}
    ]
    reported += [
        {*each["contact_ids"], *each["bms_contact_ids"]} for outcome in outcomes for each in outcome.result["conflicts"]
    ]
    for user in users_of(state).values():
        names, addresses = full_name(user["givenName"], user["surname"]), user_addresses(user)
        for rows, keys, read in (
            (contacts_of(state), ("first-name", "last-name"), emails_of),
            (bms_of(state), ("firstName", "lastName"), bms_emails_of),
        ):
            own = {
                ident
                for ident, row in rows.items()
                if full_name(*(row[key] for key in keys)) == names and addresses & read(row)
            }
            assert len(own) <= 1 or any(own <= ids for ids in reported), (user["userPrincipalName"], own, reported)


def _ids(reason: str) -> list[int]:
    return [int(word) for word in re.findall(r"\d+", reason)]


def created_is_reported(before: Json, after: Json, outcome: Outcome, others: set[int]) -> None:
    """What the run says that it created is there, and all else that is new is others'."""
    new = contacts_of(after).keys() - contacts_of(before).keys()
    reported = {each["contact_id"] for each in outcome.contacts().values() if each["action"] == "create"}
    assert reported <= new, (reported, new)
    assert not others & reported, (others, reported)
    assert new - reported <= others, (new, reported, others)

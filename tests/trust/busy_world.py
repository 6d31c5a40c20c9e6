# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else who acts in a random world, between any requests of a run, on anybody's contact.

Neither service has conditional writes: what somebody changes after the run has read a contact for the last time,
and before it writes the same field of it, nobody can see. `Busy` finds these by what was requested and answered,
and they excuse that one field of that one contact.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .inprocess import Outcome, Stand, is_write
from .invariants import bms_emails_of, bms_of, contacts_of, emails_of, full_name, user_addresses, users_of
from .second_actor import HOME, NUMBER, Interrupted, _Elsewhere
from .worlds import ACCOUNT, CLIENT, FORMER, Json, _link

UNREPORTED = ("updated-at", "created-at", "modifiedOn", "createdOn", "psa-integration", "adapters", "locked")
"""Fields that the services change by themselves when a contact is written."""

Row = tuple[str, int]
"""A contact: the service, the id."""


@dataclass(frozen=True)
class Change:
    """What somebody did to a contact. `fields` are those of the service, with what was put there; an entry of a list
    was added to it. `user` is for whom the contact was made."""

    row: Row
    fields: Json = field(default_factory=dict)
    user: str | None = None
    is_gone: bool = False


class Busy(Interrupted):
    """A stand in which somebody acts right before some requests of the next task, and that notes who saw what.

    `written` counts the contacts that the task has changed, `repeated` the writes that left all as it was: somebody
    has made the same change right before. `unseen` are the fields of contacts that it wrote when it had not seen what
    somebody put there. `seen` are the changes that it was shown, `made` the contacts that it created, each with those
    of somebody that it was shown before.
    """

    def __init__(self, world: Json) -> None:
        super().__init__(world)
        self.due: dict[int, list[Callable[[Busy], Change | None]]] = {}
        self.changes: list[Change] = []
        self.seen: set[int] = set()
        self.unseen: set[tuple[Row, str]] = set()
        self.written: Counter = Counter()
        self.repeated = 0
        self.made: list[tuple[Row, set[Row]]] = []
        self.alter = self._shown
        self._sent = 0
        self._acts = False
        self._one_by_one = threading.RLock()

    def answer(self, request: Any, timeout: float) -> Any:
        with self._one_by_one:
            for act in self.due.pop(self._sent, ()):
                self._acts = True
                change = act(self)
                self._acts = False
                if change is not None:
                    self.changes.append(change)
            self._sent += 1
            before = self.rows() if request.method != "GET" else None
            response = super().answer(request, timeout)
            if before is not None and is_write(self.stage.log[-1]):
                after = self.rows()
                self._note_written(self.stage.log[-1]["service"], before, after)
                self.repeated += after == before and self.stage.log[-1]["status"] < 400
            return response

    def rows(self) -> dict[Row, Json]:
        """The contacts of both services."""
        state = self.sandbox.state()
        found = {("itglue", ident): row for ident, row in contacts_of(state).items()}
        found |= {("bms", ident): row for ident, row in bms_of(state).items()}
        return copy.deepcopy(found)

    def _note_written(self, service: str, before: dict[Row, Json], after: dict[Row, Json]) -> None:
        shown = {self.changes[number].row for number in self.seen}
        for row in after:
            if row not in before:
                if row[0] == service:
                    self.made.append((row, set(shown)))
                    self.written[row] += 1
                continue
            fields = [
                name for name in after[row] if name not in UNREPORTED and after[row][name] != before[row].get(name)
            ]
            if row[0] == service:  # else IT Glue has passed it on to BMS
                self.written[row] += bool(fields)
            for number, change in enumerate(self.changes):
                if change.row == row and number not in self.seen:
                    self.unseen.update((row, name) for name in fields)

    def _shown(self, service: str, method: str, path: str, body: Any) -> Any:
        if method == "GET" and "contacts" in path and not self._acts and isinstance(body, dict):
            lists = [body.get(key) for key in ("data", "result", "Result")]
            rows = [row for each in lists for row in (each if isinstance(each, list) else [each])]
            ids = {int(row.get("id") or row.get("Id") or 0) for row in rows if isinstance(row, dict)}
            found = (number for number, each in enumerate(self.changes) if each.row[0] == service)
            self.seen |= {number for number in found if self.changes[number].row[1] in ids}
        return body


# ------------------------------------------------------------------ what somebody does


class Somebody:
    """Chooses by chance what is done, and to whom."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def __call__(self, stand: Busy) -> Change | None:
        return self.chance.choice(DEEDS)(stand, self.chance)


def _contact(stand: Busy, chance: Random) -> Json | None:
    there = contacts_of(stand.sandbox.state())
    return there[chance.choice(sorted(there))] if there else None


def _changed(stand: Busy, chance: Random, **changes: Any) -> Change | None:
    contact = _contact(stand, chance)
    if contact is None:
        return None
    stand.contact(contact["id"], **stand.saved(**changes))
    return Change(("itglue", contact["id"]), changes)


def adds_entries(stand: Busy, chance: Random) -> Change | None:
    contact = _contact(stand, chance)
    if contact is None:
        return None
    lists = {"contact-emails": HOME, "contact-phones": NUMBER}
    whole = {name: [*contact[name], entry] for name, entry in lists.items()}
    stand.contact(contact["id"], **stand.saved(**whole))
    return Change(("itglue", contact["id"]), lists)


def edits_notes(stand: Busy, chance: Random) -> Change | None:
    return _changed(stand, chance, notes="Call before noon.", important=True)


def renames(stand: Busy, chance: Random) -> Change | None:
    return _changed(stand, chance, **{"first-name": "Zoe", "last-name": "Ray"})


def deactivates(stand: Busy, chance: Random) -> Change | None:
    return _changed(stand, chance, **{"contact-type-id": FORMER})


def deletes(stand: Busy, chance: Random) -> Change | None:
    contact = _contact(stand, chance)
    if contact is None:
        return None
    table = stand.sandbox.services["itglue"].contacts
    table.remove(table.rows[contact["id"]])
    return Change(("itglue", contact["id"]), is_gone=True)


def links(stand: Busy, chance: Random) -> Change | None:
    """IT Glue's own sync, which leaves the time of change as it is."""
    contact, there = _contact(stand, chance), sorted(bms_of(stand.sandbox.state()))
    if contact is None or not there or contact["adapters"]:
        return None
    changes = {"psa-integration": "enabled", "adapters": [_link(chance.choice(there))]}
    stand.contact(contact["id"], **changes)
    return Change(("itglue", contact["id"]), changes)


def _user(stand: Busy, chance: Random) -> Json | None:
    """Somebody who has names and an address."""
    users = users_of(stand.sandbox.state())
    named = [each for each in users.values() if each["givenName"] and each["surname"] and "@" in (each["mail"] or "")]
    return chance.choice(named) if named else None


def creates(stand: Busy, chance: Random) -> Change | None:
    """A contact of a user in IT Glue."""
    user = _user(stand, chance)
    if user is None:
        return None
    email = {"value": user["mail"], "label-name": "Work", "primary": True}
    values = {"first-name": user["givenName"], "last-name": user["surname"], "contact-emails": [email]}
    saved = stand.saved()["updated-at"]
    row = stand.sandbox.services["itglue"].new_contact({"organization-id": CLIENT, **values}, saved)
    return Change(("itglue", row["id"]), user=user["id"])


def creates_in_bms(stand: Busy, chance: Random) -> Change | None:
    """A contact of a user in BMS."""
    user = _user(stand, chance)
    if user is None:
        return None
    emails = [{"emailAddress": user["mail"], "emailTypeId": 1, "isDefault": True}]
    values = {"firstName": user["givenName"], "lastName": user["surname"], "emails": emails, "isActive": True}
    row = stand.sandbox.services["bms"].contacts.new({"accountId": ACCOUNT, "locationId": 31, **values})
    return Change(("bms", row["id"]), user=user["id"])


def _in_bms(stand: Busy, chance: Random, **changes: Any) -> Change | None:
    there = sorted(bms_of(stand.sandbox.state()))
    if not there:
        return None
    ident = chance.choice(there)
    stand.bms_contact(ident, **changes)
    return Change(("bms", ident), changes)


def titles_in_bms(stand: Busy, chance: Random) -> Change | None:
    return _in_bms(stand, chance, jobTitle="Director")


def renames_in_bms(stand: Busy, chance: Random) -> Change | None:
    return _in_bms(stand, chance, firstName="Zoe", lastName="Ray")


def deactivates_in_bms(stand: Busy, chance: Random) -> Change | None:
    return _in_bms(stand, chance, isActive=False)


class Node:
    """Another control node, which runs the same job from start to end."""

    def __init__(self, options: Json) -> None:
        self.options = options

    def __call__(self, stand: Busy) -> None:
        other = Stand.__new__(Stand)
        other.__dict__.update(stand.__dict__, _private=_Elsewhere(stand), alter=None)
        stand.others.append(Stand.sync(other, **self.options))


DEEDS = (
    adds_entries,
    adds_entries,
    edits_notes,
    renames,
    deactivates,
    deletes,
    links,
    creates,
    creates,
    creates_in_bms,
    creates_in_bms,
    titles_in_bms,
    renames_in_bms,
    deactivates_in_bms,
)


# ------------------------------------------------------------------------- what holds


def nothing_of_others_is_lost(stand: Busy, outcomes: Iterable[Outcome]) -> None:
    """What somebody put into a contact is there, but for what nobody could see, and what a run says that it changed."""
    rows = stand.rows()
    last: dict[tuple[Row, str], int] = {}
    for number, change in enumerate(stand.changes):
        last |= {(change.row, name): number for name in change.fields}
    gone = {change.row for change in stand.changes if change.is_gone}
    for number, change in enumerate(stand.changes):
        if change.row in gone:
            assert change.row not in rows, change
            continue
        for name, value in change.fields.items():
            if last[change.row, name] != number or (change.row, name) in stand.unseen:
                continue
            there = rows[change.row][name]
            if value in (HOME, NUMBER):
                kept = value["value"] in [each["value"] for each in there]
            else:
                kept = there == value
            assert kept or _says(change.row, name, outcomes), (change, rows[change.row])


FOLLOW = ("first-name", "last-name", "contact-type-id", "firstName", "lastName", "jobTitle", "isActive")
"""Fields that a run may give another value even where it has seen the one that somebody gave."""


def _says(row: Row, name: str, outcomes: Iterable[Outcome]) -> bool:
    """Whether a run says that it gave a contact another value of a field that follows Microsoft 365."""
    if name not in FOLLOW:
        return False
    shown = {"jobTitle": "bms-job-title", "isActive": "bms-active"}.get(name, name)
    shown = {"firstName": "bms-first-name", "lastName": "bms-last-name"}.get(shown, shown)
    key = "contact_id" if row[0] == "itglue" else "bms_contact_id"
    return any(each[key] == row[1] and shown in each["after"] for one in outcomes for each in entries_of(one))


def entries_of(outcome: Outcome) -> list[Json]:
    return [*outcome.contacts().values(), *outcome.result.get("departed", ())]


def all_writes_are_reported(stand: Busy, outcome: Outcome) -> None:
    """Each contact that the run has changed has an entry that says so; and it says of no other that it made it."""
    entries = entries_of(outcome)
    for (service, ident), dummy in (+stand.written).items():
        key = "contact_id" if service == "itglue" else "bms_contact_id"
        own = [each for each in entries if each[key] == ident]
        assert any(_tells(each) for each in own), (service, ident, own)
    if +stand.written:
        assert outcome.changed
    else:
        assert not outcome.changed or stand.repeated or any(map(_is_unclear, entries))
    made = {row[1] for row, dummy in stand.made if row[0] == "itglue"}
    assert {each["contact_id"] for each in entries if each["action"] == "create"} == made
    for each in entries:
        if {each["action"], each.get("push")} & {"deferred", "failed"}:
            assert each["reason_code"], each


def _tells(entry: Json) -> bool:
    return bool(
        entry["after"]
        or entry.get("unapplied")
        or entry["locked"]
        or _is_unclear(entry)
        or entry["action"] in ("create", "update")
        or entry.get("push") == "pushed"
    )


def _is_unclear(entry: Json) -> bool:
    return bool({"write_unclear", "written_in_part"} & {*entry["reason_codes"]})


def nobody_is_made_twice(
    stand: Busy, outcomes: Sequence[Outcome], overrides: Mapping[str, int | str], *, later: bool
) -> None:
    """Whom somebody has made is not made by the run as well, where it was shown before; else both are reported, by
    this run or a `later` one, where the rules of matching see them.

    `overrides` that say `new` want a contact beside any other, but for one with the same primary e-mail.
    """
    users = users_of(stand.sandbox.state())
    rows = stand.rows()
    reported = "\n".join(_words(each) for each in outcomes)
    for number, change in enumerate(stand.changes):
        if change.user is None or change.row not in rows:
            continue
        user = users[change.user]
        addresses, aliases = user_addresses(user), user_addresses({**user, "userPrincipalName": user["mail"]})
        service = change.row[0]
        for row, shown in stand.made:
            made = rows.get(row)
            if row[0] != service or made is None or not _is_of(made, change.user, service, row[1], outcomes, addresses):
                continue
            says_new = overrides.get(user["userPrincipalName"]) == "new"
            if service == "itglue" and says_new and _primary(rows[change.row]) != _primary(made):
                continue
            if service == "bms" and _is_held_by_another(rows, change.row, row, outcomes):
                # Names count only where nobody else holds an address.
                assert change.row not in shown or str(change.row[1]) in reported, (change, made, reported)
                continue
            assert change.row not in shown, (change, made)
            if later and _is_renamed(stand, row):
                continue  # by its names it is somebody else's now
            if later and service == "itglue":
                # Who finds a contact by an alias does not look for one that holds the username alone.
                is_due = not (_has_linked_contact(change.user, rows, outcomes) or aliases.isdisjoint(_emails(made)))
            else:
                # Whom an address finds in BMS is looked for no further, and BMS is not read for whom an earlier run has
                # found there, or who is linked or in a conflict. But whatever appears while a run creates is held
                # against what it has made.
                is_shared = not _emails(rows[change.row]).isdisjoint(_emails(made))
                bears_names = (names := _names(made)) is not None and names == _names(rows[change.row])
                is_due = number in stand.seen and (is_shared or (bears_names and not later))
                needs_no_look = _is_in_conflict(change.user, outcomes) or _has_linked_contact(
                    change.user, rows, outcomes
                )
                is_due = is_due and not (needs_no_look if later else _could_not_list(outcomes))
            if is_due:
                assert str(change.row[1]) in reported and str(row[1]) in reported, (change, made, reported)


def _is_in_conflict(user: str, outcomes: Sequence[Outcome]) -> bool:
    """Whether the last run has to be told first which contact in IT Glue is the user's."""
    entry = outcomes[-1].contacts().get(user)
    return entry is not None and entry["action"] == "conflict"


def _could_not_list(outcomes: Sequence[Outcome]) -> bool:
    """Whether a run warns that it could not list what others have created: who creates during each list prevents it."""
    return any("created the same people" in each for outcome in outcomes for each in outcome.warnings)


def _is_renamed(stand: Busy, row: Row) -> bool:
    """Whether somebody else has given a contact other names."""
    return any(each.row == row and not {"first-name", "firstName"}.isdisjoint(each.fields) for each in stand.changes)


def _is_held_by_another(rows: Mapping[Row, Json], other: Row, made: Row, outcomes: Iterable[Outcome]) -> bool:
    """Whether a contact of somebody else in IT Glue holds an address of the `other` BMS contact."""
    own = {
        entry["contact_id"]
        for each in outcomes
        for entry in each.contacts().values()
        if entry["bms_contact_id"] == made[1]
    }
    others = [row for (service, ident), row in rows.items() if service == "itglue" and ident not in own]
    return any(not _emails(rows[other]).isdisjoint(_emails(each)) for each in others)


def _is_of(made: Json, user: str, service: str, ident: int, outcomes: Iterable[Outcome], addresses: set[str]) -> bool:
    key = "contact_id" if service == "itglue" else "bms_contact_id"
    owners = {user for each in outcomes for user, entry in each.contacts().items() if entry[key] == ident}
    return user in owners and not addresses.isdisjoint(_emails(made))


def _has_linked_contact(user: str, rows: dict[Row, Json], outcomes: Iterable[Outcome]) -> bool:
    """Whether a contact of the user's is linked: of several of the same names it alone is the user's, unreported."""
    entries = [entry for each in outcomes for owner, entry in each.contacts().items() if owner == user]
    own = [rows.get(("itglue", entry["contact_id"])) for entry in entries]
    return any(row and (row["adapters"] or row["psa-integration"]) for row in own)


def _emails(row: Json) -> set[str]:
    return set(emails_of(row) if "contact-emails" in row else bms_emails_of(row))


def _names(row: Json) -> tuple[str, ...] | None:
    first, last = ("first-name", "last-name") if "contact-emails" in row else ("firstName", "lastName")
    return full_name(row[first], row[last])


def _primary(row: Json) -> str | None:
    return next((each["value"].casefold() for each in row["contact-emails"] if each["primary"]), None)


def _words(outcome: Outcome) -> str:
    conflicts = outcome.result.get("conflicts", [])
    ids = [str([*each["contact_ids"], *each["bms_contact_ids"]]) for each in conflicts]
    entries = [each for each in entries_of(outcome) if each.get("attention")]
    return "\n".join([*ids, *(f"{each['contact_id']} {each['reason']}" for each in entries), *outcome.warnings])

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The plan of a run as plain data: what would be done, and, once carried out, what was done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from .departed import Departure, Unclaimed
from .matching import Conflict
from .model import Account, BmsContact, Contact

# What happens in IT Glue.
CREATE, UPDATE, UNCHANGED, LINKED = "create", "update", "unchanged", "linked"
CONFLICT, EXCLUDED, DEFERRED, FAILED = "conflict", "excluded", "deferred", "failed"

# What happens in BMS, beside CONFLICT, DEFERRED and FAILED.
PUSHED, ALREADY_IN_BMS, PENDING, NOT_READY, OFF = "pushed", "already_in_bms", "pending", "not_ready", "off"

UNDECIDED = "undecided"
"""A push that only BMS can decide. No finished plan holds it."""


def also(reason: str | None, sentence: str) -> str:
    """A reason with another sentence behind it."""
    return f"{reason} {sentence}" if reason else sentence


@dataclass(frozen=True, slots=True)
class BmsUpdate:
    """The fields of a BMS contact that change, by BMS's names; lists are whole (`bms_fields`)."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def without(self, fields: Collection[str]) -> BmsUpdate | None:
        """What is left of it, None where that is nothing."""
        left = [each for each in self.after if each not in fields]
        if not left:
            return None
        return BmsUpdate({each: self.before[each] for each in left}, {each: self.after[each] for each in left})


NOTHING: Mapping[str, Any] = {}
"""The attributes of a contact that is not written: the many operations of a large tenant share it."""


@dataclass(slots=True)
class Operation:
    """One user's part of a plan, or of what became of it. Once it is filled in it is never changed, but replaced.

    It is not frozen, because a frozen one takes four times as long to make.

    `before` and `after` are attributes by IT Glue's names, `after` as they are sent.
    `contact` is the contact as it should become. `create_in_bms` is the BMS contact to
    create, `job_title` the blank job title to fill in BMS, `active` whether the BMS contact is
    to become active or inactive, `bms_update` how that of a linked contact follows. `attention`
    marks what a person should look at although nothing changes.
    """

    user: str
    user_id: str
    action: str
    contact_id: int | None = None
    bms_contact_id: int | None = None
    matched_by: str | None = None
    push: str | None = None
    missing: tuple[str, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    contact: Contact | None = None
    create_in_bms: BmsContact | None = None
    job_title: str | None = None
    active: bool | None = None
    bms_update: BmsUpdate | None = None
    locked: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()
    attention: bool = False

    def copy(self) -> Operation:
        """One to fill in, in a third of the time that `dataclasses.replace` takes."""
        return Operation(*_fields_of(self))

    def also(self, sentence: str) -> str:
        """The reason with another sentence behind it."""
        return also(self.reason, sentence)

    @property
    def wanted(self) -> Contact:
        """`contact`, of an operation that has one. Raises ValueError for one that has none."""
        if self.contact is None:
            raise ValueError(f"Nothing is to become of a contact of {self.user}.")
        return self.contact

    @property
    def touches(self) -> bool:
        """Whether a contact is saved as it is, for IT Glue to push it."""
        return self.action == UPDATE and bool(self.after) and self.before == self.after

    @property
    def writes(self) -> bool:
        """Whether this changes anything in IT Glue or BMS."""
        return self.action in (CREATE, UPDATE) or self.push == PUSHED or self.sets_in_bms

    @property
    def sets_in_bms(self) -> bool:
        """Whether this changes a BMS contact that is there already."""
        return self.job_title is not None or self.active is not None or self.bms_update is not None

    @property
    def noteworthy(self) -> bool:
        """Whether it changed, is blocked, or needs a person."""
        return (
            self.writes
            or self.attention
            or bool(self.locked or self.unapplied)
            or self.action in (CONFLICT, DEFERRED, FAILED)
            or self.push in (PENDING, NOT_READY, CONFLICT, DEFERRED, FAILED)
        )


_fields_of = attrgetter(*(each.name for each in fields(Operation)))


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """A ceiling that the plan passes: `count` changes where `limit` are allowed."""

    option: str
    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run would do, in the order of the usernames.

    `deactivations` are the writes for the departed, each with the `key` of its departure in the
    place of a user id. `passed` are the exceeded_limits that forbid it; then nothing is carried out.
    """

    operations: tuple[Operation, ...]
    conflicts: tuple[Conflict, ...] = ()
    departed: tuple[Departure, ...] = ()
    deactivations: tuple[Operation, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    account: Account | None = None
    passed: tuple[ExceededLimit, ...] = ()
    warnings: tuple[str, ...] = ()

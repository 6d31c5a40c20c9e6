# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The plan of a run as plain data: what would be done, and, once carried out, what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from .conflicts import Conflict, Rule
from .errors import Failure
from .model import Account, BmsContact, BmsId, Contact, ItGlueId
from .offboarding import Departure, UnmatchedAddress
from .reasons import Reason


class Action(StrEnum):
    """What happens to a contact in IT Glue."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    LINKED = "linked"
    CONFLICT = "conflict"
    EXCLUDED = "excluded"
    DEFERRED = "deferred"
    FAILED = "failed"
    STRUCK = "struck"
    REFUSED = "refused"


class Push(StrEnum):
    """What happens to a contact in BMS. No finished plan holds `UNDECIDED`."""

    PUSHED = "pushed"
    ALREADY_IN_BMS = "already_in_bms"
    PENDING = "pending"
    NOT_READY = "not_ready"
    OFF = "off"
    CONFLICT = "conflict"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNDECIDED = "undecided"


NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The fields of a contact that is not written; shared by all of them."""


# --------------------------------------------------------------------- subjects


@dataclass(frozen=True, slots=True)
class UserSubject:
    """A Microsoft 365 user whose contact the operation is about."""

    user: str
    user_id: str


@dataclass(frozen=True, slots=True)
class DepartedSubject:
    """A contact whose person has departed: the operation deactivates it. `user` is who departed."""

    contact_id: ItGlueId
    user: str
    user_id: str


Subject = UserSubject | DepartedSubject
"""Whom an operation is about. It is hashable, and the key of the operation within a plan."""


# ------------------------------------------------------------------------ parts


@dataclass(frozen=True, slots=True)
class ItGluePart:
    """What happens in IT Glue.

    `before` and `after` are attributes by IT Glue's names, `after` as they are sent. `contact` is the
    contact as it should become. `locked` and `unapplied` are groups of attributes (`attributes.GROUPS`).
    """

    action: Action
    contact_id: ItGlueId | None = None
    before: Mapping[str, Any] = NOTHING
    after: Mapping[str, Any] = NOTHING
    contact: Contact | None = None
    locked: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether this changes anything in IT Glue."""
        return self.action in (Action.CREATE, Action.UPDATE)

    @property
    def resaves(self) -> bool:
        """Whether a contact is saved as it is, for IT Glue to push it."""
        return self.action == Action.UPDATE and bool(self.after) and self.before == self.after


@dataclass(frozen=True, slots=True)
class BmsPart:
    """What happens in BMS.

    `create` is the BMS contact to create. `before` and `after` are the fields that are set on a BMS
    contact, by BMS's names (`bms_fields.FIELDS`): names, job title, whether it is active, and whole
    lists of e-mails and phones. `missing` says what keeps the contact from being ready.
    """

    push: Push | None = None
    contact_id: BmsId | None = None
    create: BmsContact | None = None
    before: Mapping[str, Any] = NOTHING
    after: Mapping[str, Any] = NOTHING
    missing: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether this changes anything in BMS."""
        return self.push == Push.PUSHED or bool(self.after)


NOTHING_IN_BMS = BmsPart()


@dataclass(frozen=True, slots=True)
class Operation:
    """One subject's part of a plan, or of what became of it: one part for each service, and the reasons."""

    subject: Subject
    itglue: ItGluePart
    bms: BmsPart = NOTHING_IN_BMS
    matched_by: Rule | None = None
    reasons: tuple[Reason, ...] = ()
    failure: Failure | None = None

    def because(self, *reasons: Reason) -> Operation:
        """The operation with further reasons."""
        return replace(self, reasons=(*self.reasons, *reasons))

    def withheld(
        self, *, itglue: Action | None = None, bms: Push | None = None, reason: Reason | None = None
    ) -> Operation:
        """The operation without the writes of one part or both. There is no other way to take a part out.

        A part is taken out by saying what it becomes instead: `itglue` for the IT Glue part, `bms` for
        the BMS part. A part that writes nothing keeps its action or push, so that a withheld plan tells
        the same of what was never to be written. `PENDING` counts as a write: IT Glue would push.
        """
        raise NotImplementedError  # replaced while the planning is rebuilt

    @property
    def writes(self) -> bool:
        """Whether this changes anything in IT Glue or BMS."""
        return self.itglue.writes or self.bms.writes


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """A limit that the plan exceeds: `count` changes where `limit` are allowed."""

    option: str
    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run would do, in the order of the usernames.

    `operations` are those of users, `deactivations` those of contacts whose person has departed.
    `limits_exceeded` forbid the whole plan; then nothing is carried out. `warnings` concern the run.
    """

    operations: tuple[Operation, ...]
    conflicts: tuple[Conflict, ...] = ()
    departed: tuple[Departure, ...] = ()
    deactivations: tuple[Operation, ...] = ()
    unmatched: tuple[UnmatchedAddress, ...] = ()
    account: Account | None = None
    limits_exceeded: tuple[ExceededLimit, ...] = ()
    warnings: tuple[Reason, ...] = field(default=())

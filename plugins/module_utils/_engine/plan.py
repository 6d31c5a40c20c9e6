# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run as plain data: what would be done, and, once carried out, what was done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from .conflicts import Conflict, Rule
from .errors import Failure
from .model import Account, BmsContact, BmsId, Contact, ItGlueId
from .reasons import NEEDS_A_LOOK, Reason, ReasonCode


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


_WRITES = frozenset({Action.CREATE, Action.UPDATE})

MATCHED = frozenset({Action.UPDATE, Action.UNCHANGED, Action.LINKED})
"""What happens to a contact that is the user's already."""

ENTRY_ACTIONS = frozenset({Action.STRUCK, Action.REFUSED})
"""Actions that concern a whole entry of an applied plan, not the IT Glue part alone."""


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


_PUSHED = Push.PUSHED  # asked for with each operation; Python 3.11 takes long to find a member through its class

PUSHES = frozenset({Push.PUSHED, Push.PENDING})
"""What makes a BMS contact, be it that IT Glue pushes."""


# --------------------------------------------------------------------- subjects


class UserSubject(NamedTuple):
    """A Microsoft 365 user whose contact the operation is about."""

    user: str
    user_id: str


class DepartedSubject(NamedTuple):
    """A contact whose person has departed: the operation deactivates it. `user` is who departed."""

    contact_id: ItGlueId
    user: str
    user_id: str


Subject: TypeAlias = "UserSubject | DepartedSubject"
"""Whom an operation is about. It is hashable, and the key of the operation within a plan."""


# ------------------------------------------------------------------------ parts

NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
"""The attributes and fields of a part that writes nothing. All such parts have this one mapping."""


class ItGluePart(NamedTuple):
    """What happens in IT Glue.

    `before` and `after` are attributes by IT Glue's names, `after` as they are sent. `contact` is the
    contact as it should become. `locked` and `unapplied` are groups of attributes (`attributes.GROUPS`).
    """

    action: Action
    contact_id: ItGlueId | None = None
    before: Mapping[str, Any] = NO_FIELDS
    after: Mapping[str, Any] = NO_FIELDS
    contact: Contact | None = None
    locked: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether this changes anything in IT Glue."""
        return self.action in _WRITES

    @property
    def resaves(self) -> bool:
        """Whether a contact is saved as it is, for IT Glue to push it."""
        return self.action == Action.UPDATE and bool(self.after) and self.before == self.after

    def with_only(self, attributes: Collection[str]) -> ItGluePart:
        """The update of these attributes alone; unchanged where it has none of them."""
        after = {name: value for name, value in self.after.items() if name in attributes}
        action = Action.UPDATE if after else Action.UNCHANGED
        return self._replace(action=action, before={name: self.before[name] for name in after}, after=after)


class BmsPart(NamedTuple):
    """What happens in BMS.

    `create` is the BMS contact to create. `before` and `after` are the fields that are set on a BMS
    contact, by BMS's names (`bms_fields.FIELDS`): names, job title, whether it is active, and whole
    lists of e-mails and phones. `missing` says what keeps the contact from being ready.
    """

    push: Push | None = None
    contact_id: BmsId | None = None
    create: BmsContact | None = None
    before: Mapping[str, Any] = NO_FIELDS
    after: Mapping[str, Any] = NO_FIELDS
    missing: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether this changes anything in BMS."""
        return bool(self.after) or self.push == _PUSHED

    @property
    def active(self) -> bool:
        """Whether BMS would change by this, be it that IT Glue pushes, or that the push is not decided yet."""
        return self.writes or self.push in (Push.PENDING, Push.UNDECIDED)


NOTHING_IN_BMS = BmsPart()
TO_BE_PUSHED = BmsPart(Push.UNDECIDED)


class Operation(NamedTuple):
    """One subject's part of a plan, or of what became of it: one part for each service, and the reasons."""

    subject: Subject
    itglue: ItGluePart
    bms: BmsPart = NOTHING_IN_BMS
    matched_by: Rule | None = None
    reasons: tuple[Reason, ...] = ()
    failure: Failure | None = None

    @property
    def user(self) -> str:
        return self.subject.user

    @property
    def wanted(self) -> Contact:
        """The contact as it should become. Raises ValueError where the operation has none."""
        contact = self.itglue.contact
        if contact is None:
            raise ValueError(f"The operation of {self.user} has no contact.")
        return contact

    def with_bms(self, bms: BmsPart, *reasons: Reason) -> Operation:
        """The operation with another BMS part, and with further reasons."""
        return Operation(self.subject, self.itglue, bms, self.matched_by, self.reasons + reasons, self.failure)

    def because(self, *reasons: Reason) -> Operation:
        return self.with_bms(self.bms, *reasons) if reasons else self

    def withheld(
        self, *, itglue: Action | None = None, bms: Push | None = None, reason: Reason | None = None
    ) -> Operation:
        """The operation without the writes of one part or both. There is no other way to take a part out.

        A part is taken out by saying what it becomes instead: `itglue` for the IT Glue part, `bms` for
        the BMS part. A part that writes nothing keeps its action or push, so that a withheld plan tells
        the same of what was never to be written. `PENDING` counts as a write: IT Glue would push.

        `STRUCK` and `REFUSED` concern the whole entry of an applied plan: they take out both parts, and
        nothing is left to push. `reason` is added where a part was taken out.
        """
        part, bms_part = self.itglue, self.bms
        if itglue is not None and (itglue in ENTRY_ACTIONS or part.writes):
            part = ItGluePart(itglue, part.contact_id, locked=part.locked, unapplied=part.unapplied)
        if bms_part.active and (bms is not None or itglue in ENTRY_ACTIONS):
            bms_part = BmsPart(bms, bms_part.contact_id, missing=bms_part.missing, unapplied=bms_part.unapplied)
        if part is self.itglue and bms_part is self.bms:
            return self
        taken = self._replace(itglue=part, bms=bms_part)
        return taken.because(reason) if reason else taken

    def not_pushed(self, push: Push, reason: Reason | None = None, *, native: bool) -> Operation:
        """The operation without its push, which becomes `push` instead. Under `native` nothing is written to IT Glue
        either: each write makes it push."""
        action = Action.DEFERRED if push == Push.DEFERRED else Action.UNCHANGED
        return self.withheld(itglue=action if native else None, bms=push, reason=reason)

    @property
    def writes(self) -> bool:
        """Whether this changes anything in IT Glue or BMS."""
        return self.itglue.writes or self.bms.writes

    def has(self, code: ReasonCode) -> bool:
        return any(reason.code == code for reason in self.reasons)

    @property
    def attention(self) -> bool:
        """Whether a person should look at it although nothing needs a decision."""
        return any(reason.code in NEEDS_A_LOOK for reason in self.reasons)

    @property
    def noteworthy(self) -> bool:
        """Whether it changed, is blocked, or needs a look or a decision."""
        return (
            self.writes
            or self.itglue.action in _NOTEWORTHY_ACTIONS
            or self.bms.push in _NOTEWORTHY_PUSHES
            or bool(self.itglue.locked or self.itglue.unapplied or self.bms.unapplied)
            or self.attention
        )


_NOTEWORTHY_ACTIONS = ENTRY_ACTIONS | {Action.CONFLICT, Action.DEFERRED, Action.FAILED}
_NOTEWORTHY_PUSHES = frozenset({Push.PENDING, Push.NOT_READY, Push.CONFLICT, Push.DEFERRED, Push.FAILED})


# ------------------------------------------------------------------- offboarding


class Evidence(StrEnum):
    """What says that a person has departed."""

    DISABLED = "disabled"
    DELETED = "deleted"


class DepartureAction(StrEnum):
    """What is done about a contact whose person has departed. `DEACTIVATED`: nothing is left to do."""

    REPORT = "report"
    DEACTIVATE = "deactivate"
    DEACTIVATED = "deactivated"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Departure:
    """A contact whose person has departed. `reason` says why it is reported only."""

    user: str
    user_id: str
    contact_id: ItGlueId
    evidence: Evidence
    action: DepartureAction = DepartureAction.REPORT
    reason: Reason | None = None

    @property
    def subject(self) -> DepartedSubject:
        """The subject of the operation that deactivates the contact."""
        return DepartedSubject(self.contact_id, self.user, self.user_id)


@dataclass(frozen=True, slots=True)
class UnmatchedAddress:
    """A contact with addresses of the tenant's domains that no user holds, present or deleted."""

    contact_id: ItGlueId
    name: str
    addresses: tuple[str, ...]


# -------------------------------------------------------------------------- plan


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
    `limits_exceeded` forbid the whole plan; then nothing is carried out. `stopped` says why nothing is pushed
    although people are to be pushed. `warnings` concern the run.
    """

    operations: tuple[Operation, ...]
    conflicts: tuple[Conflict, ...] = ()
    departed: tuple[Departure, ...] = ()
    deactivations: tuple[Operation, ...] = ()
    unmatched: tuple[UnmatchedAddress, ...] = ()
    account: Account | None = None
    limits_exceeded: tuple[ExceededLimit, ...] = ()
    stopped: Reason | None = None
    warnings: tuple[Reason, ...] = field(default=())

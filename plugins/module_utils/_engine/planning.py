# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""The planning of a run: from what was read to what would be done.

A `Planning` goes through its stages in a straight line. Where a stage needs something that has not
been read, the planning stops and names it; whoever reads the services gives it, and the planning goes on:

    planning = Planning(snapshot, options)
    while planning.needs:
        planning.add(read(planning.needs))      # `Findings`: what was read, or why it could not be read
    plan = planning.plan

Nothing is read that no stage asks for, and nothing is worked out twice: each stage hands its result on.

=================  =====================================================  =================================
stage              result                                                 may need
=================  =====================================================  =================================
selection          `selected`: the users that the filter lets through
matching           `matching`: which contact is whose                     deleted users
offboarding        `departures`: contacts whose person has departed       verified domains, deleted users
IT Glue            `operations`: what becomes of each user's contact      locations, contact types
look-up in BMS     who is in BMS already, and who has to be created       account and contacts of BMS
pushes, updates    `plan`: both parts of each operation, and the limits   locations and types of BMS
=================  =====================================================  =================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from .directory import Directory
from .matching import Matching
from .model import BmsLocation, BmsSnapshot, BmsType, ContactType, Location, Snapshot, User
from .options import Options as Options
from .plan import Departure, Operation, Plan
from .selection import Selected


class Need(StrEnum):
    """What a stage needs to have read; each is the name of a field of `Findings`."""

    VERIFIED_DOMAINS = "verified_domains"
    DELETED_USERS = "deleted_users"
    LOCATIONS = "locations"
    CONTACT_TYPES = "contact_types"
    BMS = "bms"
    BMS_LOCATIONS = "bms_locations"
    BMS_TYPES = "bms_types"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was read because the planning needed it; None is what has not been read.

    `bms` holds the account and all its contacts. `bms_types` are the e-mail and the phone type of the
    settings. `not_read` says, by need, why something could not be read: then the planning goes on as
    far as it can without it (pushes are deferred, deleted users count as unknown).
    """

    verified_domains: frozenset[str] | None = None
    deleted_users: tuple[User, ...] | None = None
    locations: tuple[Location, ...] | None = None
    contact_types: tuple[ContactType, ...] | None = None
    bms: BmsSnapshot | None = None
    bms_locations: tuple[BmsLocation, ...] | None = None
    bms_types: tuple[BmsType | None, BmsType | None] | None = None
    not_read: Mapping[Need, str] = field(default_factory=dict)

    def with_those_of(self, others: Findings) -> Findings:
        """These findings, and the others in their place where both are there."""
        found = {each.name: getattr(others, each.name) for each in fields(others) if each.name != "not_read"}
        new = {name: value for name, value in found.items() if value is not None}
        return replace(self, not_read={**self.not_read, **others.not_read}, **new)

    def lack(self, need: Need) -> bool:
        """Whether this has neither been read nor tried."""
        return getattr(self, need) is None and need not in self.not_read


class Planning:
    """One run's planning. `needs` is empty once the `plan` is there.

    `findings` that are given at the start are not asked for again: who plans anew from a fresh snapshot
    hands those of the planning before on.

    Raises InputError, from the start or from `add`, for what was declared wrongly, and for a source of
    users that cannot be right.
    """

    selected: Selected
    directory: Directory
    matching: Matching
    departures: tuple[Departure, ...]
    operations: tuple[Operation, ...]

    def __init__(self, snapshot: Snapshot, options: Options, findings: Findings = Findings()) -> None:
        self.snapshot = snapshot
        self.options = options
        self.findings = findings
        self.needs: frozenset[Need] = frozenset()
        self._plan: Plan | None = None
        self._stages = self._run()
        self._go_on()

    def add(self, findings: Findings) -> None:
        """Take what was read, and go on."""
        self.findings = self.findings.with_those_of(findings)
        self._go_on()

    @property
    def plan(self) -> Plan:
        """The finished plan. Raises ValueError while something is still needed."""
        if self._plan is None:
            raise ValueError(f"The plan still needs {', '.join(sorted(self.needs))}.")
        return self._plan

    def _go_on(self) -> None:
        self.needs = next(self._stages, frozenset())

    def _run(self) -> Iterator[frozenset[Need]]:
        raise NotImplementedError
        yield frozenset()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what a run has to know, side by side and no more than it needs.

The settings, the users of Microsoft 365 and the contacts of IT Glue are read always. What else has to
be known, the planning says: `NeedReader` reads it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from .._engine import account as accounts
from .._engine import settings as rules
from .._engine.declared_options import BMS, OFFICE365
from .._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    PermissionDeniedError,
    QuotaExceededError,
    quoted,
)
from .._engine.model import (
    Account,
    BmsId,
    BmsSettings,
    BmsSnapshot,
    BmsType,
    Office365Settings,
    Organization,
    Snapshot,
    User,
)
from .._engine.options import Options
from .._engine.planning import Findings, Need, Planning
from .._engine.text import name
from .._store.settings import SettingsStore
from .outcomes import latest, resume_at, side_by_side
from .ports import Bms, Clock, Graph, Progress, ReadServices, silent
from .run_lock import RunLock
from .run_settings import RunSettings, read_settings

READ_BEFORE_A_LINE = 2000
"""Users or contacts that are read before a person hears of it: a few pages."""

T = TypeVar("T")


class Request(NamedTuple):
    """What a task asks for. The settings are laid over the stored ones for this run."""

    organization: str
    tenant_id: str | None = None
    office365_settings: Mapping[str, Any] | None = None
    bms_settings: Mapping[str, Any] | None = None
    options: Options = Options()
    plan_file: str | None = None
    apply_plan: str | None = None
    journal_file: str | None = None
    push_wait: float = 0.0
    version: str = ""
    store_settings: bool = False

    @property
    def stores_settings(self) -> bool:
        """Whether the declared settings are to be stored. A plan is reviewed and applied without them."""
        return self.store_settings and not self.plan_file and not self.apply_plan


class Read(NamedTuple):
    """A snapshot, and the settings that count for the run."""

    snapshot: Snapshot
    run_settings: RunSettings

    def has_users_of(self, tenant_id: str, settings: Office365Settings) -> bool:
        """Whether the users, and the members of the groups, are those of a tenant and its settings."""
        groups = self.snapshot.office365.user_filter.groups
        return (tenant_id, settings.user_filter.groups) == (self.snapshot.tenant_id, groups)


def read(
    services: ReadServices,
    store: SettingsStore,
    request: Request,
    run_lock: RunLock | None = None,
    progress: Progress = silent,
    *,
    read_at: Clock | None = None,
    known: Read | None = None,
) -> Read:
    """Read the organization, its settings and contacts, and the tenant's users, once the run lock is acquired.

    `progress` takes lines while a long list is read. `read_at` says when the reading of the contacts began, once they
    are read, where it did not begin here. The users of `known` are taken where they are those of the same tenant and
    groups.

    Raises InputError or SettingsError for what was declared or is stored wrongly, ApiError for an unreadable service.
    """
    organization = services.itglue.organization(request.organization)
    if run_lock is not None:
        run_lock.acquire(organization)
    line = _counting(progress, organization.name)
    began = time.time()
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="read") as pool:
        contacts = pool.submit(lambda: tuple(line(services.itglue.contacts(organization.id), "contacts")))
        settings = read_settings(
            services.itglue,
            store,
            organization,
            {OFFICE365: request.office365_settings, BMS: request.bms_settings},
            tenant_id=request.tenant_id,
            adapter_names=request.options.bms_adapter_names,
        )
        tenant_id, office365 = settings.tenant_id, rules.office365(settings.merged[OFFICE365])
        if known is not None and known.has_users_of(tenant_id, office365):
            users, members = known.snapshot.users, known.snapshot.members
        else:
            users, members = _users_and_members(services.graph(tenant_id), office365, pool, line)
        snapshot = Snapshot(
            organization,
            tenant_id,
            office365,
            settings.bms,
            users,
            contacts.result(),
            members,
            began if read_at is None else read_at(),
            settings.facts,
        )
    return Read(snapshot, settings)


def _users_and_members(
    graph: Graph,
    office365: Office365Settings,
    pool: ThreadPoolExecutor,
    line: Callable[[Iterable[User], str], Iterator[User]],
) -> tuple[tuple[User, ...], frozenset[str]]:
    """The users of a tenant, and at the same time the ids of the members of the groups that the filter names."""
    # Pages are no snapshot: a user may come twice.
    reading = pool.submit(lambda: tuple({user.id: user for user in line(graph.users(), "users")}.values()))
    members = frozenset[str]().union(*map(graph.group_members, office365.user_filter.groups))
    return reading.result(), members


def _counting(progress: Progress, organization: str) -> Callable[[Iterable[T], str], Iterator[T]]:
    """Entries as they come, with a line after each `READ_BEFORE_A_LINE`."""

    def counted(entries: Iterable[T], noun: str) -> Iterator[T]:
        for number, entry in enumerate(entries, 1):
            yield entry
            if number % READ_BEFORE_A_LINE == 0:
                progress(f"{organization}: {number} {noun} read so far")

    return counted


# ----------------------------------------------------- what a planning needs to know


@dataclass(slots=True)
class NeedReader:
    """Reads what a planning needs. What only some of a run can do without is noted as not read, with the reason.

    `resume_at` is the time (of the wall clock) when a quota that was used up meanwhile is there again. In the middle of
    a run (`ends_run` is false) nothing that is read of BMS ends it.
    """

    services: ReadServices
    snapshot: Snapshot
    adapter_names: Collection[str]
    resume_at: float | None = None
    ends_run: bool = True
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def complete(self, planning: Planning) -> Planning:
        """Read whatever the planning needs, until it needs nothing more.

        Raises InputError for what was declared and is not there, and ApiError for a service without
        which nothing can be planned.
        """
        while planning.needs:
            if Need.BMS in planning.needs and planning.has_new_people:
                self.services.expect_new_people()
            planning.add(self.read(planning.needs, planning.findings))
        return planning

    def read(self, needs: Collection[Need], known: Findings) -> Findings:
        """What is needed next, given what has been found so far. What is needed at once is read side by side."""
        looks = {
            Need.VERIFIED_DOMAINS: self._verified_domains,
            Need.DELETED_USERS: self._deleted_users,
            Need.LOCATIONS: self._locations,
            Need.CONTACT_TYPES: self._contact_types,
            Need.BMS: self._bms,
            Need.BMS_LOCATIONS: self._bms_locations,
            Need.BMS_TYPES: self._bms_types,
        }
        found = Findings()
        for dummy, read in side_by_side(lambda need: looks[need](known), [each for each in looks if each in needs]):
            found = found.with_those_of(read)
        return found

    def _verified_domains(self, known: Findings) -> Findings:
        """Where the app may not read them, the domains of the users' addresses take their place."""
        try:
            domains = self.services.graph(self.snapshot.tenant_id).verified_domains()
        except PermissionDeniedError as error:
            return Findings(not_read={Need.VERIFIED_DOMAINS: str(error)})
        return Findings(verified_domains=frozenset(domains))

    def _deleted_users(self, known: Findings) -> Findings:
        try:
            return Findings(deleted_users=tuple(self.services.graph(self.snapshot.tenant_id).deleted_users()))
        except PermissionDeniedError as error:
            return Findings(not_read={Need.DELETED_USERS: str(error)})

    def _locations(self, known: Findings) -> Findings:
        return Findings(locations=tuple(self.services.itglue.locations(self.snapshot.organization.id)))

    def _contact_types(self, known: Findings) -> Findings:
        return Findings(contact_types=tuple(self.services.itglue.contact_types()))

    def _bms(self, known: Findings) -> Findings:
        """The account and all its contacts. Raises InputError for an account that BMS does not have."""
        snapshot, bms = self.snapshot, self.services.bms

        def look() -> Findings:
            organization = self.services.itglue.with_adapters(snapshot.organization)
            account = read_account(bms, organization, snapshot.bms, self.adapter_names)
            return Findings(bms=BmsSnapshot(account, tuple(bms.contacts(account.id))))

        return self._of_bms(Need.BMS, look)

    def _bms_locations(self, known: Findings) -> Findings:
        account = _snapshot_of(known).account
        return self._of_bms(
            Need.BMS_LOCATIONS,
            lambda: Findings(bms_locations=tuple(self.services.bms.account_locations(account.id))),
        )

    def _bms_types(self, known: Findings) -> Findings:
        """Raises InputError for a type that BMS does not have."""
        bms, settings, contacts = self.services.bms, self.snapshot.bms, _snapshot_of(known).contacts
        wanted = (
            (settings.email_type, "email_type", partial(bms.email_types, contacts)),
            (settings.phone_type, "phone_type", partial(bms.phone_types, contacts)),
        )

        def look() -> Findings:
            email, phone = (found for dummy, found in side_by_side(lambda each: bms_type(*each), wanted))
            return Findings(bms_types=(email, phone))

        return self._of_bms(Need.BMS_TYPES, look)

    def _of_bms(self, need: Need, look: Callable[[], Findings]) -> Findings:
        """What BMS holds, or why it could not be read: then every push waits for the next run.

        Raises AuthenticationError, PermissionDeniedError and InputError: those no later run would be without.
        """
        try:
            return look()
        except (ApiError, InputError) as error:
            if self.ends_run and isinstance(error, (AuthenticationError, PermissionDeniedError, InputError)):
                raise
            with self._lock:
                self.resume_at = latest(self.resume_at, resume_at(error))
            quota = isinstance(error, QuotaExceededError)
            return Findings(not_read={need: str(error)}, out_of_quota=frozenset({need} if quota else ()))


def _snapshot_of(known: Findings) -> BmsSnapshot:
    if known.bms is None:
        raise ValueError("The planning needs more of BMS, but its account has not been read.")
    return known.bms


def read_account(
    bms: Bms, organization: Organization, settings: BmsSettings, adapter_names: Collection[str]
) -> Account:
    """The BMS account of an organization. Raises InputError where there is none, or none for sure."""
    wanted = accounts.reference(organization, settings, adapter_names)
    found = [] if wanted.id is None else [each for each in (bms.account(BmsId(wanted.id)),) if each is not None]
    if wanted.id is None or (wanted.declared and not found):
        found = list(bms.accounts(wanted.name))
    return accounts.resolve(found, wanted, organization)


def bms_type(wanted: str | None, option: str, types: Callable[[], Sequence[BmsType]]) -> BmsType | None:
    """The BMS type that a setting names, by name or by id; None where none is set.

    An id is taken as it is: where BMS has no table of types, the types in use are not all
    there are. Raises InputError for a name that BMS does not have.
    """
    wanted = (wanted or "").strip()
    if not wanted:
        return None
    if wanted.isdecimal():
        return BmsType(int(wanted), wanted)
    known = types()
    for each in known:
        if name(each.name) == name(wanted):
            return each
    listed = ", ".join(sorted(f"{each.name} ({each.id})" for each in known)) or "none that can be read"
    raise InputError(
        f"BMS has no type named {quoted(wanted)} (option {option} of bms_sync_settings).",
        hint=f"It has: {listed}. A numeric id can be given too.",
    )

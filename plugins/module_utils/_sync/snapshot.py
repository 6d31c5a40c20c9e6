# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Reading what a run has to know, side by side and no more than it needs.

Microsoft 365 and IT Glue are read always; locations and contact types only where a contact
needs one; BMS only where a contact may have to be pushed, its locations and types only where
one has to be created.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from .._engine import account as accounts
from .._engine import settings as rules
from .._engine.bms_lookup import NATIVE, not_in_bms
from .._engine.bms_update import needs_types
from .._engine.departed import domains_of, unheld
from .._engine.errors import InputError, PermissionDeniedError, quoted
from .._engine.model import (
    Account,
    BmsSettings,
    BmsSnapshot,
    BmsType,
    ContactType,
    Location,
    Organization,
    Snapshot,
)
from .._engine.plan import Operation
from .._engine.planning import Draft, Leavers, Options, push_candidates
from .._engine.text import domain, name
from .run_lock import RunLock
from .run_settings import RunSettings, read_settings

Progress = Callable[[str], None]

READ_BEFORE_A_WORD = 2000
"""Users or contacts that are read before a person hears of it: a few pages."""


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
    """A snapshot, the settings as the mappings that results show, warnings, and how the declared settings differ."""

    snapshot: Snapshot
    settings: dict[str, dict[str, Any]]
    warnings: list[str]
    run_settings: RunSettings


def read(
    clients, store, request: Request, run_lock: RunLock | None = None, progress: Progress = lambda line: None
) -> Read:
    """Read the organization, its settings and contacts, and the tenant's users, once it is the run's turn.

    `progress` takes lines while a long list is read.

    Raises InputError or SettingsError for what was declared or is stored wrongly, ApiError
    for a service that cannot be read.
    """
    organization = clients.itglue.organization(request.organization)
    if run_lock is not None:
        run_lock.acquire(organization)

    def counted(entries: Iterable[Any], noun: str) -> Iterator[Any]:
        """The entries as they come, with a word after each `READ_BEFORE_A_WORD`."""
        for number, entry in enumerate(entries, 1):
            yield entry
            if number % READ_BEFORE_A_WORD == 0:
                progress(f"{organization.name}: {number} {noun} read so far")

    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="read") as pool:
        contacts = pool.submit(lambda: tuple(counted(clients.itglue.contacts(organization.id), "contacts")))
        settings = read_settings(
            clients.itglue,
            store,
            organization,
            {rules.OFFICE365: request.office365_settings, rules.BMS: request.bms_settings},
            tenant_id=request.tenant_id,
            adapter_names=request.options.bms_adapter_names,
        )
        tenant_id, merged = settings.tenant_id, settings.merged
        merged[rules.OFFICE365]["tenant_id"] = tenant_id
        office365 = rules.office365(merged[rules.OFFICE365], organization=repr(organization.name))
        graph = clients.graph(tenant_id)
        # Pages are no snapshot: a user may come twice.
        users = pool.submit(lambda: tuple({user.id: user for user in counted(graph.users(), "users")}.values()))
        members = frozenset().union(*(graph.group_members(group) for group in office365.user_filter.groups))
        snapshot = Snapshot(
            organization, tenant_id, office365, settings.bms, users.result(), contacts.result(), members, time.time()
        )
    return Read(snapshot, merged, settings.warnings, settings)


def read_for_contacts(itglue, draft: Draft) -> tuple[Sequence[Location], Sequence[ContactType]]:
    """What IT Glue must tell before contacts can be written: locations, and types of contacts."""
    organization_id = draft.snapshot.organization.id
    locations = tuple(itglue.locations(organization_id)) if draft.needs_locations else ()
    return locations, tuple(itglue.contact_types()) if draft.needs_contact_types else ()


def read_leavers(graph, draft: Draft) -> Leavers:
    """What tells who left, as far as there is a contact with an address that no user holds.

    Where the app may not read the verified domains, those of the users' addresses take their
    place (feature, section 2). Whoever is to be deactivated needs them for all contacts: a source
    that has shrunk is told by the contacts that carry them.
    """
    users = draft.snapshot.users
    free = frozenset().union(*unheld(draft.bystanders, users).values())
    carried = draft.addresses if draft.options.deactivate else free
    if not carried:
        return Leavers()
    domains = domains_of(users)
    if not domains.issuperset(map(domain, carried)):
        with suppress(PermissionDeniedError):
            domains |= frozenset(map(str.casefold, graph.verified_domains()))
    if domains.isdisjoint(map(domain, free)):
        return Leavers(domains=domains)
    try:
        return Leavers(tuple(graph.deleted_users()), domains)
    except PermissionDeniedError as error:
        return Leavers(domains=domains, warnings=(f"Deleted users count as unknown. {error}",))


def read_bms(bms, draft: Draft, operations: Sequence[Operation]) -> BmsSnapshot:
    """The account of the organization, its contacts, and what a create or an added entry needs.

    Raises InputError for an account or a type that BMS does not have.
    """
    snapshot = draft.snapshot
    account = read_account(bms, snapshot.organization, snapshot.bms, draft.options.bms_adapter_names)
    contacts = tuple(bms.contacts(account.id))
    known = BmsSnapshot(account, contacts)
    if snapshot.bms.push_method == NATIVE:
        return known
    creates = bool(not_in_bms(push_candidates(operations), contacts, snapshot.users, snapshot.contacts))
    if not creates and not needs_types(draft.pairs(operations, known)):
        return known
    return BmsSnapshot(
        account,
        contacts,
        tuple(bms.account_locations(account.id)) if creates else (),
        bms_type(snapshot.bms.email_type, "email_type", lambda: bms.email_types(contacts)),
        bms_type(snapshot.bms.phone_type, "phone_type", lambda: bms.phone_types(contacts)),
    )


def read_account(bms, organization: Organization, settings: BmsSettings, adapter_names: Collection[str]) -> Account:
    """The BMS account of an organization. Raises InputError where there is none, or none for sure."""
    wanted = accounts.reference(organization, settings, adapter_names)
    found = [] if wanted.id is None else [each for each in (bms.account(wanted.id),) if each is not None]
    if wanted.id is None or (wanted.declared and not found):
        found = bms.accounts(wanted.name)
    return accounts.settle(found, wanted, organization)


def bms_type(wanted: str | None, option: str, types) -> BmsType | None:
    """The BMS type that a setting names, by name or by id; None where none is set.

    An id is taken as it is: where BMS has no table of types, the types in use are not all
    there are. Raises InputError for a name that BMS does not have.
    """
    wanted = (wanted or "").strip()
    if not wanted:
        return None
    if wanted.isdecimal():
        return BmsType(int(wanted), wanted)
    there: Iterable[BmsType] = types()
    for each in there:
        if name(each.name) == name(wanted):
            return each
    listed = ", ".join(sorted(f"{each.name} ({each.id})" for each in there)) or "none that can be read"
    raise InputError(
        f"BMS has no type named {quoted(wanted)} (option {option} of bms_sync_settings).",
        hint=f"It has: {listed}. A numeric id can be given too.",
    )

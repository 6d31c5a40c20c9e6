# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading IT Glue for many clients at once: a run over a fleet that is up to date sends few requests.

The first process of a run that needs a list reads it, in pages of 1,000 rows, into a file that the other
processes take it from (`_clients/run_lists.py`). Settings are read for all organizations, contacts and locations
for the clients of the run, in groups. Where anything is in the way (a list that would take more requests than the
clients by themselves, an error, a damaged file, a process that takes too long) the client reads for itself.

What was read so may be some minutes old. It shows that nothing has to be written; a client that has
something to write is read again by itself first (`_sync/run.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from typing import TypeVar

from .._clients.itglue import only_of_name
from .._clients.itglue_requests import ListTooLongError
from .._clients.lock import exclusive, last_held
from .._clients.private_directory import private_file
from .._clients.run_directory import is_first
from .._clients.run_lists import Row, RunLists
from .._engine.errors import QuotaExceededError, SyncError
from .._engine.model import (
    Asset,
    AssetType,
    Contact,
    ContactType,
    ItGlueId,
    Location,
    Organization,
    as_id,
)
from .._engine.text import name as normalised
from .._store.settings import settings_lock
from .ports import Clock, Fleet, ListedItGlue

FEWEST_CLIENTS = 10
"""Clients from which on reading for all of them is worth a try."""

GOOD_FOR = 900.0
"""Seconds for which a list is taken for what IT Glue has. It shows a client to be up to date, and decides no write."""

_CLOCK_TICK = 1.0
"""Seconds by which the time of a file may be rounded."""

PATIENCE = 120.0
"""Seconds to wait for the process that reads a list."""

CONTACTS_TOGETHER, LOCATIONS_TOGETHER = 20, 100
"""Organizations whose contacts, or locations, are read together. So many contacts fill whole pages, and are read right
before their clients are served."""

TYPES, ASSETS, ORGANIZATIONS, CONTACT_TYPES = "asset types", "assets", "organizations", "contact types"
CLIENTS, CONTACTS, LOCATIONS = "clients", "contacts", "locations"

T = TypeVar("T")


class _NotSharedError(SyncError):
    """A list is not shared, and that is nothing to report."""

    def __init__(self) -> None:
        super().__init__("")


def groups(ids: Sequence[int], size: int) -> list[list[int]]:
    """The organizations in groups of a size (the last may be smaller), dealt out one by one: those that are served
    side by side are in different groups, so that each process reads one and none waits for another."""
    count = ceil(len(ids) / size)
    last = len(ids) - size * (count - 1)
    places = (number for row in range(size) for number in range(count) if number < count - 1 or row < last)
    found: list[list[int]] = [[] for dummy in range(count)]
    for ident, number in zip(ids, places, strict=True):
        found[number].append(ident)
    return found


class FleetItGlue:
    """IT Glue as a run over many clients reads it. `type_names` are the asset types that clients read.

    `log` takes a verbosity, and a line about why clients read for themselves.
    """

    def __init__(
        self,
        itglue: ListedItGlue,
        fleet: Fleet,
        type_names: Sequence[str],
        *,
        log: Callable[[int, str], None] = lambda level, text: None,
        clock: Clock = time.time,
        patience: float = PATIENCE,
    ) -> None:
        self._itglue = itglue
        self._fleet = fleet
        self._type_names = tuple(type_names)
        self._log = log
        self._clock = clock
        self._patience = patience
        self._lists = RunLists(private_file(fleet.directory, itglue.account, ending="sqlite"))
        self._contacts_read_at: float | None = None
        # Asked for several times in each task, which decodes them once.
        self._known_types: list[AssetType] | None = None
        self._known_assets: dict[int, list[Asset] | None] = {}

    @property
    def base_url(self) -> str:
        return self._itglue.base_url

    def read_at(self) -> float:
        """When the contacts were read, in seconds since the epoch."""
        return self._clock() if self._contacts_read_at is None else self._contacts_read_at

    # ------------------------------------------------------ organizations

    def organization(self, ident: str) -> Organization:
        """As the client's own: the id and the name of it are known from its settings."""
        wanted = str(ident).strip()
        known = as_id(wanted)
        return self._shared(
            lambda: self._of_name(wanted) if known is None else self._of_id(known),
            lambda: self._itglue.organization(ident),
        )

    def _of_id(self, ident: int) -> Organization | None:
        assets = self._assets(ident) or ()
        names = [asset.organization_name for asset in assets if asset.organization_name]
        return Organization(ItGlueId(ident), names[0]) if names else None

    def _of_name(self, wanted: str) -> Organization | None:
        self._have_organizations()
        return only_of_name(wanted, self._lists.all(ORGANIZATIONS, Organization, normalised(wanted)))

    def _have_organizations(self) -> None:
        def read() -> Iterator[Row]:
            for each in self._itglue.organizations(include_adapters=True, most=self._fleet.clients):
                yield Row(each.id, each, normalised(each.name))

        self._have(ORGANIZATIONS, read)

    def with_adapters(self, organization: Organization) -> Organization:
        def look() -> Organization | None:
            self._have_organizations()
            return next(iter(self._lists.rows(ORGANIZATIONS, Organization, organization.id) or ()), None)

        return self._shared(look, lambda: self._itglue.organization(str(organization.id)))

    def organizations(self, *, include_adapters: bool = False) -> Iterable[Organization]:
        return self._itglue.organizations(include_adapters=include_adapters)

    # ----------------------------------------------------------- settings

    def asset_types(self, *names: str) -> list[AssetType]:
        wanted = {normalised(name) for name in names}

        def look() -> list[AssetType] | None:
            if not wanted or not wanted <= set(map(normalised, self._type_names)):
                return None
            return [each for each in self._types() if normalised(each.name) in wanted]

        return self._shared(look, lambda: self._itglue.asset_types(*names))

    def assets_of(self, type_ids: Sequence[int], organization_id: int) -> Sequence[Asset]:
        return self._shared(
            lambda: self._assets(organization_id, type_ids), lambda: self._itglue.assets_of(type_ids, organization_id)
        )

    def _types(self) -> list[AssetType]:
        def read() -> Iterator[Row]:
            for each in self._itglue.asset_types(*self._type_names):
                fields = each.fields or tuple(self._itglue.asset_type_fields(each.id or 0))
                yield Row(each.id or 0, replace(each, fields=fields))

        if self._known_types is None:
            self._have(TYPES, read)
            self._known_types = self._lists.all(TYPES, AssetType)
        return self._known_types

    def _assets(self, organization_id: int, type_ids: Sequence[int] = ()) -> list[Asset] | None:
        """The assets of an organization of all types, or of some; None where those are not the ones that are read, or
        it has none at all."""
        lowest: dict[str, int] = {}
        for each in self._types():
            lowest.setdefault(normalised(each.name), each.id or 0)
        read_types = sorted(lowest.values())

        def read() -> Iterator[Row]:
            for each in self._itglue.assets_of(read_types, most=self._fleet.clients):
                yield Row(each.organization_id, each)

        if not read_types or not set(type_ids) <= set(read_types):
            return None
        if organization_id not in self._known_assets:
            read_at = self._have(ASSETS, read)
            written_at = last_held(settings_lock(self.base_url, organization_id))
            if written_at is not None and written_at >= read_at - _CLOCK_TICK:
                return None  # a task of this run, or of another one, may have stored settings since
            self._known_assets[organization_id] = self._lists.rows(ASSETS, Asset, organization_id)
        found = self._known_assets[organization_id]
        return None if found is None else [each for each in found if not type_ids or each.type_id in type_ids]

    # --------------------------------------------- contacts and locations

    def contacts(self, organization_id: ItGlueId) -> Iterable[Contact]:
        def read(ids: Sequence[int]) -> Iterator[Row]:
            for each in self._itglue.contacts_of_several(ids, len(ids)):
                yield Row(each.organization_id or 0, each)

        def look() -> list[Contact] | None:
            name, read_at = self._have_group(CONTACTS, CONTACTS_TOGETHER, organization_id, read)
            found = self._lists.take(name, Contact, organization_id)
            self._contacts_read_at = None if found is None else read_at
            return found

        return self._shared(look, lambda: self._itglue.contacts(organization_id))

    def locations(self, organization_id: ItGlueId) -> Iterable[Location]:
        def read(ids: Sequence[int]) -> Iterator[Row]:
            for owner, each in self._itglue.locations_of_several(ids, len(ids)):
                yield Row(owner, each)

        def look() -> list[Location] | None:
            name, dummy = self._have_group(LOCATIONS, LOCATIONS_TOGETHER, organization_id, read)
            return self._lists.rows(name, Location, organization_id)

        return self._shared(look, lambda: self._itglue.locations(organization_id))

    def _have_group(
        self, kind: str, size: int, organization_id: int, read: Callable[[Sequence[int]], Iterable[Row]]
    ) -> tuple[str, float]:
        """The name of the list that an organization is in, once it is there, and when its reading began."""
        ids = self._clients()
        if organization_id in ids:
            # Only the clients that are served at about the same time are divided into groups, not all of the run.
            block = size * max(1, self._fleet.side_by_side)
            start = ids.index(organization_id) // block * block
            for number, group in enumerate(groups(ids[start : start + block], size)):
                if organization_id in group:
                    name = f"{kind} {start} {number}"
                    return name, self._have(name, partial(read, group), kind=kind, once=True)
        raise _NotSharedError

    def _clients(self) -> list[int]:
        """The ids of the organizations of the run, in the order in which they are served."""

        def read() -> Iterator[Row]:
            declared = [each.strip() for each in self._fleet.organizations()]
            ids = {each: known for each in declared if (known := as_id(each)) is not None}
            names = {each for each in declared if each and each not in ids}
            if names:
                ids |= self._ids(names)
            for ident in dict.fromkeys(ids[each] for each in declared if each in ids):
                yield Row(0, ident)

        self._have(CLIENTS, read, good_for=float("inf"))
        return self._lists.all(CLIENTS, int)

    def _ids(self, names: Iterable[str]) -> Mapping[str, int]:
        self._have_organizations()
        by_name: dict[str, list[Organization]] = {}
        for each in self._lists.all(ORGANIZATIONS, Organization):
            by_name.setdefault(normalised(each.name), []).append(each)
        found = {each: only_of_name(each, by_name.get(normalised(each), ())) for each in names}
        return {each: organization.id for each, organization in found.items() if organization is not None}

    # -------------------------------------------------------- others

    def contact_types(self) -> Iterable[ContactType]:
        def look() -> list[ContactType]:
            self._have(CONTACT_TYPES, lambda: (Row(each.id, each) for each in self._itglue.contact_types()))
            return self._lists.all(CONTACT_TYPES, ContactType)

        return self._shared(look, self._itglue.contact_types)

    def changed_contacts(self, organization_id: ItGlueId, since: float) -> Iterable[Contact]:
        return self._itglue.changed_contacts(organization_id, since)

    def contact(self, contact_id: ItGlueId) -> Contact:
        return self._itglue.contact(contact_id)

    # ------------------------------------------------------------ the lists

    def _shared(self, look: Callable[[], T | None], alone: Callable[[], T]) -> T:
        """What the lists of the run have; where they do not, what the client reads for itself.

        Raises QuotaExceededError: by itself the client would be refused as well, and the next one may read for all.
        """
        try:
            if (found := look()) is not None:
                return found
        except QuotaExceededError:
            raise
        except SyncError as error:
            self._tell(error)
        return alone()

    def _have(
        self,
        name: str,
        read: Callable[[], Iterable[Row]],
        *,
        kind: str | None = None,
        once: bool = False,
        good_for: float = GOOD_FOR,
    ) -> float:
        """When a list was read, once it is there. Raises SyncError where it is not and will not be.

        A list that is older than `good_for` seconds is read again, but not one that is read `once`.
        """
        if (read_at := self._found(name, kind or name, once, good_for)) is not None:
            return read_at
        try:
            with exclusive(name, directory=self._fleet.directory, patience=self._patience):
                if (read_at := self._found(name, kind or name, once, good_for)) is not None:
                    return read_at
                began = self._clock()
                self._lists.fill(name, read(), began)
                return began
        except QuotaExceededError:
            raise
        except SyncError:
            self._lists.give_up(kind or name)
            raise

    def _found(self, name: str, kind: str, once: bool, good_for: float) -> float | None:
        read_at = self._lists.read_at(name)
        if read_at is not None and 0 <= self._clock() - read_at <= good_for:
            return read_at
        if self._lists.is_given_up(kind) or (read_at is not None and once):
            raise _NotSharedError
        return None

    def _tell(self, error: SyncError) -> None:
        if not isinstance(error, _NotSharedError) and is_first(self._fleet.directory, "told"):
            why = "That takes fewer requests." if isinstance(error, ListTooLongError) else "A list cannot be shared."
            self._log(1, f"IT Glue is read client by client in this run. {why} {error}")

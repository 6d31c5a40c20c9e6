# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of organizations, kept as flexible assets in IT Glue.

IT Glue's API does not show its own "Sync Settings" screens, so the collection keeps the same
settings itself: two asset types, one asset of each for an organization.

What exists cannot be made again by asking twice: types cannot be deleted, and two assets of
one type are an error. So types and fields are made under a lock that all processes of a
control node share, an organization's asset is read and written under one of its own, and an
unclear answer is followed by a look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, TypeVar

from .._clients.lock import exclusive
from .._engine.declared_options import FACTS, KINDS
from .._engine.declared_twice import Declarers, nobody
from .._engine.errors import NotFoundError, OutcomeUnknownError, RejectedError, SettingsError, quoted
from .._engine.model import Asset, AssetField, AssetType, ItGlueId, Organization
from .._engine.settings import check, merge, violations
from . import layout

T = TypeVar("T")


class Memory(Protocol):
    """Values out of what JSON knows, by name; None where nothing is remembered."""

    def get(self, name: str) -> Any:
        """What is remembered under a name."""

    def put(self, name: str, value: Any) -> None:
        """Remember a value."""


class Reads(Protocol):
    """Where types and assets are read for a run."""

    def asset_types(self, *names: str) -> list[AssetType]:
        """The types of these names."""

    def assets_of(self, type_ids: Sequence[int], organization_id: int) -> Sequence[Asset]:
        """The assets of several types of one organization."""


class ItGlue(Reads, Protocol):
    """The part of the IT Glue client that is used here; `_clients.itglue` documents it."""

    @property
    def base_url(self) -> str:
        """The address of the API."""

    @property
    def account(self) -> str:
        """What tells one account of IT Glue from another."""

    def asset_type_fields(self, type_id: int) -> Sequence[AssetField]:
        """The fields of a type."""

    def create_asset_type(self, asset_type: AssetType) -> AssetType:
        """Make a type."""

    def create_asset_field(self, type_id: int, field: AssetField) -> AssetField:
        """Add a field to a type."""

    def assets(self, type_id: int, organization_id: int | None = None) -> Iterable[Asset]:
        """The assets of a type, of one organization or of all."""

    def create_asset(self, organization_id: int, type_id: int, traits: Mapping[str, object]) -> Asset:
        """Make an asset."""

    def update_asset(self, asset_id: int, traits: Mapping[str, object]) -> Asset:
        """Replace the traits of an asset."""

    def delete_asset(self, asset_id: int) -> None:
        """Delete an asset."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The settings of one kind as an organization carries them.

    `settings` is the mapping as it lies in the asset, None where there is no asset; what is
    not in it is default (`settings.merge`). `besides` is what is wrong beside its options.
    """

    kind: str
    organization_id: int
    organization_name: str = ""
    asset: Asset | None = None
    settings: dict[str, Any] | None = None
    besides: tuple[str, ...] = ()

    @property
    def organization(self) -> str:
        """The organization as a message names it."""
        named = f"{self.organization_name} ({self.organization_id})"
        return named if self.organization_name else str(self.organization_id)

    @property
    def asset_id(self) -> int | None:
        """The id of the asset, None where there is none."""
        return self.asset.id if self.asset else None

    @property
    def address(self) -> str | None:
        """Where a technician finds the asset."""
        return (self.asset.url or f"flexible asset {self.asset.id}") if self.asset else None

    @property
    def merged(self) -> dict[str, Any]:
        """All options, the defaults where nothing is stored."""
        return merge(self.kind, self.settings, None)

    @property
    def violations(self) -> tuple[str, ...]:
        """The rules that it breaks."""
        return () if self.asset is None else (*violations(self.kind, self.merged), *self.besides)

    def with_declared(self, declared: Mapping[str, Any] | None) -> dict[str, Any]:
        """All options, what is declared laid over what is stored. Raises SettingsError where that
        breaks a rule; the asset is named where what it holds breaks one by itself."""
        settings = merge(self.kind, self.settings, declared)
        if violations(self.kind, settings):
            where = self.address if self.violations else None
            check(self.kind, settings, organization=f"organization {self.organization}", address=where)
        return settings


def settings_lock(base_url: str, organization_id: int) -> str:
    """The name of the lock that is held while an organization's settings are written."""
    return f"{base_url} organization {organization_id}"


class SettingsStore:
    """Reads and writes settings. Only `save` and `remove` write.

    `warn` takes a sentence for the person at the terminal. `lock` makes the lock of a name. With `memory` the asset
    types that are found are shared with the other processes of the run; those that others found are taken for a
    `preview` only: what is written is decided by what was just read. With `reads` the settings of an organization are
    read there; such a store does not write. `declarers` tells what other clients of the run declare.
    """

    def __init__(
        self,
        itglue: ItGlue,
        *,
        warn: Callable[[str], None] = lambda text: None,
        lock: Callable[[str], AbstractContextManager[object]] = exclusive,
        memory: Memory | None = None,
        preview: bool = False,
        reads: Reads | None = None,
        declarers: Declarers = nobody,
    ) -> None:
        self._itglue = itglue
        self._reads = reads or itglue
        self.warn = warn
        self.declarers = declarers
        self._lock = lock
        self._types: dict[str, AssetType | None] = {}
        self._memory = memory
        self._preview = preview

    def lock(self, organization_id: int) -> AbstractContextManager[object]:
        """Held around reading and writing one organization's settings."""
        return self._lock(settings_lock(self._itglue.base_url, organization_id))

    def lock_tenants(self) -> AbstractContextManager[object]:
        """Held around finding out whose a tenant is, and giving it away."""
        return self._lock(f"{self._itglue.base_url} tenants")

    def forget_missing_types(self) -> None:
        """Look again for the asset types that were not there: another process may have made them since."""
        self._types = {kind: found for kind, found in self._types.items() if found is not None}

    def remembered(self, what: str) -> Any:
        """What a task of this run has remembered of all organizations; None for nothing."""
        return self._memory.get(f"{self._itglue.account} {what}") if self._memory else None

    def remember(self, what: str, value: Any) -> None:
        """Remember JSON values for the other tasks of this run."""
        if self._memory:
            self._memory.put(f"{self._itglue.account} {what}", value)

    # ------------------------------------------------------------------ reading

    def read(self, organization_id: int, name: str = "", kinds: Sequence[str] = KINDS) -> dict[str, Stored]:
        """The settings of one organization, by kind: one request for the types, and one for the assets
        where there is one of each kind. `name` is the organization's, for messages. Raises
        SettingsError when a kind has two assets; of remembered facts the first counts."""
        self._look_up(kinds)
        types = {kind: asset_type for kind in kinds if (asset_type := self._types[kind]) is not None}
        assets = self._reads.assets_of([_id(each) for each in types.values()], organization_id)
        found = {}
        for kind in kinds:
            stored = self._carried(kind, assets, organization_id)
            if len(stored) > 1 and kind != FACTS:
                raise _twice(kind, stored, name)
            empty = Stored(kind, organization_id)
            found[kind] = replace(stored[0] if stored else empty, organization_name=name or empty.organization_name)
        return found

    def read_all(self, kind: str, organization_id: int | None = None) -> list[Stored]:
        """What all organizations carry, or one: each asset, also where there are two, with its
        violations. By organization name."""
        self._look_up([kind])
        asset_type = self._types[kind]
        assets = self._itglue.assets(_id(asset_type), organization_id) if asset_type else ()
        stored = self._carried(kind, assets, organization_id)
        holders: dict[int, list[Stored]] = {}
        for one in stored:
            holders.setdefault(one.organization_id, []).append(one)
        complete = [
            replace(one, besides=(_also(one, group),)) if len(group) > 1 else one
            for group in holders.values()
            for one in group
        ]
        return sorted(complete, key=lambda one: (one.organization_name.casefold(), one.organization_id))

    def read_kinds(self, kinds: Sequence[str]) -> dict[str, list[Stored]]:
        """`read_all` of several kinds: one request for the types, one for each kind that exists."""
        self._look_up(kinds)
        return {kind: self.read_all(kind) for kind in kinds}

    def values(self, kind: str, name: str) -> Iterator[tuple[Organization, Any]]:
        """One option of all organizations that carry settings of a kind; none that is a list or a suboption."""
        self._look_up([kind])
        asset_type = self._types[kind]
        if asset_type is None:
            return
        for asset in _carriers(self._itglue.assets(_id(asset_type)), asset_type):
            organization = Organization(ItGlueId(asset.organization_id), asset.organization_name or "")
            yield organization, layout.read_option(kind, name, asset.traits, asset_type)

    def _carried(self, kind: str, assets: Iterable[Asset], organization_id: int | None) -> list[Stored]:
        """The settings of a kind that lie in `assets`, in the order of the assets' ids."""
        asset_type = self._types[kind]
        if asset_type is None:
            return []
        carriers = sorted(_carriers(assets, asset_type, organization_id), key=lambda asset: asset.id)
        return [_decoded(kind, asset, asset_type) for asset in carriers]

    def _found_type(self, kind: str) -> AssetType | None:
        return self._found_types([kind])[kind]

    def _look_up(self, kinds: Sequence[str]) -> None:
        """Find the asset types, all in one request, once."""
        for kind in kinds if self._preview else ():
            if kind not in self._types and (known := self.remembered(_type_name(kind))) is not None:
                self._types[kind] = _as_type(known) if known else None
        if wanted := [kind for kind in kinds if kind not in self._types]:
            self._types.update(self._found_types(wanted))

    def _found_types(self, kinds: Sequence[str]) -> dict[str, AssetType | None]:
        present = self._reads.asset_types(*(layout.ASSET_TYPES[kind] for kind in kinds))
        return {kind: self._lowest(kind, present) for kind in kinds}

    def _lowest(self, kind: str, present: Sequence[AssetType]) -> AssetType | None:
        """Of several types of one name the lowest id, so that every run and node takes the same."""
        name = layout.ASSET_TYPES[kind]
        named = sorted((found for found in present if found.name.strip() == name), key=_id)
        if not named:
            if kind == FACTS:
                self.remember(_type_name(kind), False)
            return None
        if len(named) > 1:
            self.warn(
                f"IT Glue has {len(named)} asset types named {quoted(name)} (ids "
                f"{', '.join(str(found.id) for found in named)}). The one with the lowest id is used; what lies in the "
                f"others is not read. Move it, and rename the other types in IT Glue."
            )
        lowest = named[0]
        if not lowest.fields:
            lowest = replace(lowest, fields=tuple(self._itglue.asset_type_fields(_id(lowest))))
        if len(named) == 1:  # each client is warned of several
            self.remember(_type_name(kind), asdict(lowest))
        return lowest

    # ------------------------------------------------------------------ writing

    def preview(self, stored: Stored, settings: Mapping[str, Any]) -> None:
        """Refuse, without a write, what `save` would refuse before one."""
        asset_type = self._types[stored.kind] or layout.new_type(stored.kind)
        to_come = layout.missing_fields(stored.kind, asset_type)
        self._traits(stored, settings, replace(asset_type, fields=(*asset_type.fields, *to_come)))

    def save(self, stored: Stored, settings: Mapping[str, Any]) -> Stored:
        """Write the merged `settings` to the organization's asset, or make it; what IT Glue then
        holds. The type is made or completed when need be."""
        self.preview(stored, settings)
        asset_type = self._ready_type(stored.kind)
        traits = self._traits(stored, settings, asset_type)
        if stored.asset:
            asset = self._itglue.update_asset(stored.asset.id, traits)
        else:
            asset = _once(
                lambda: self._itglue.create_asset(stored.organization_id, _id(asset_type), traits),
                lambda: self.read(stored.organization_id, stored.organization_name, [stored.kind])[stored.kind].asset,
            )
        kept = replace(_decoded(stored.kind, asset, asset_type), organization_name=stored.organization_name)
        if odd := layout.differences(kept.kind, settings, kept.merged):
            self.warn(f"IT Glue did not keep {', '.join(odd)} of organization {kept.organization} as written.")
        return kept

    def remove(self, stored: Stored) -> None:
        """Delete the organization's asset. The type stays: types cannot be deleted."""
        if stored.asset:
            with suppress(NotFoundError):  # a repeated request finds that its own work is done
                self._itglue.delete_asset(stored.asset.id)

    def _traits(self, stored: Stored, settings: Mapping[str, Any], asset_type: AssetType) -> dict[str, Any]:
        present = stored.asset.traits if stored.asset else {}
        try:
            return layout.write(stored.kind, settings, present, asset_type)
        except SettingsError as error:
            raise SettingsError(f"Organization {stored.organization}: {error.message}", hint=error.hint) from error

    # -------------------------------------------------------------------- types

    def has_own_type(self, kind: str) -> bool:
        """Whether the asset type of a kind is the collection's, or still to be made; false for a foreign one of the
        same name, which has other fields."""
        asset_type = self._types.get(kind)
        return asset_type is None or not layout.missing_fields(kind, asset_type)

    def _ready_type(self, kind: str) -> AssetType:
        """The asset type with all its fields, made or completed where it is not so yet."""
        asset_type = self._types[kind]
        if asset_type is None or layout.missing_fields(kind, asset_type):
            with self._lock(f"{self._itglue.base_url} asset types"):
                asset_type = self._completed(kind, self._found_type(kind) or self._made_type(kind))
            self._types[kind] = asset_type
            self.remember(_type_name(kind), asdict(asset_type))
        return asset_type

    def _made_type(self, kind: str) -> AssetType:
        """A new type; or, where another control node made one at the same time, the lowest id."""
        made = _once(
            lambda: self._itglue.create_asset_type(layout.new_type(kind)),
            lambda: self._found_type(kind),
        )
        return self._found_type(kind) or made

    def _completed(self, kind: str, asset_type: AssetType) -> AssetType:
        for field in layout.missing_fields(kind, asset_type):
            asset_type = replace(asset_type, fields=(*asset_type.fields, self._made_field(asset_type, field)))
        return asset_type

    def _made_field(self, asset_type: AssetType, field: AssetField) -> AssetField:
        def present() -> AssetField | None:
            fields = tuple(self._itglue.asset_type_fields(_id(asset_type)))
            return layout.find(replace(asset_type, fields=fields), field)

        return _once(lambda: self._itglue.create_asset_field(_id(asset_type), field), present)


def _type_name(kind: str) -> str:
    """Under which name it is remembered what the asset type of a kind is, or False, that there is none."""
    return f"asset type of {kind}"


def _as_type(known: Mapping[str, Any]) -> AssetType:
    return AssetType(**{**known, "fields": tuple(AssetField(**field) for field in known["fields"])})


def _id(asset_type: AssetType) -> int:
    """The id of a type that IT Glue has."""
    if asset_type.id is None:
        raise ValueError(f"The asset type {quoted(asset_type.name)} has not been made yet.")
    return asset_type.id


def _once(create: Callable[[], T], look: Callable[[], T | None]) -> T:
    """Create what must not be there twice. After an unclear answer, and where somebody else was
    quicker, it is looked for; it is tried a second time only where it is not found."""
    try:
        return create()
    except (OutcomeUnknownError, RejectedError) as error:
        if (found := look()) is not None:
            return found
        if isinstance(error, RejectedError):
            raise
    try:
        return create()
    except OutcomeUnknownError:
        if (found := look()) is not None:
            return found
        raise


def _carriers(assets: Iterable[Asset], asset_type: AssetType, organization_id: int | None = None) -> Iterator[Asset]:
    """The assets that carry settings, of all organizations or of one; an archived one counts as absent."""
    for asset in assets:
        if asset.type_id == asset_type.id and not asset.archived and organization_id in (None, asset.organization_id):
            yield asset


def _decoded(kind: str, asset: Asset, asset_type: AssetType) -> Stored:
    settings = layout.read(kind, asset.traits, asset_type)
    return Stored(kind, asset.organization_id, asset.organization_name or "", asset, settings)


def _twice(kind: str, stored: Sequence[Stored], name: str) -> SettingsError:
    organization = replace(stored[0], organization_name=name or stored[0].organization_name).organization
    return SettingsError(
        f"Organization {organization} carries {len(stored)} assets of the type {quoted(layout.ASSET_TYPES[kind])}: "
        f"{', '.join(str(one.address) for one in stored)}.",
        hint="Keep one of them; delete or archive the others in IT Glue.",
    )


def _also(one: Stored, group: Sequence[Stored]) -> str:
    others = ", ".join(str(other.address) for other in group if other.asset_id != one.asset_id)
    return f"organization: it carries another asset of this type, {others}; delete or archive all but one."

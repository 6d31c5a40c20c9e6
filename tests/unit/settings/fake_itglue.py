# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's flexible assets in memory, with the habits that matter here.

A write that leaves out a trait deletes it, unknown traits are refused, tags are written as
ids and read as objects, every POST makes another object.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Organization,
)

HAPPY_FROG = Organization(2, "Happy Frog")
ACME = Organization(5, "Acme")

UNCLEAR = OutcomeUnknownError("No answer.", service="itglue")


class FakeItGlue:
    base_url = "https://api.itglue.example"
    account = "account"

    def __init__(self) -> None:
        self.types: list[AssetType] = []
        self.stored: list[Asset] = []
        self.calls: list[str] = []
        self.faults: dict[str, list[str]] = {}
        self.adapters: dict[int, tuple[Adapter, ...]] = {}
        self._last_id = 100

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call.startswith(("create", "update", "delete"))]

    def fail(self, call: str, *kinds: str) -> None:
        """Let the next calls be `lost` (not done), `unclear` (done, no answer) or `ok`."""
        self.faults[call] = list(kinds)

    # ------------------------------------------------------------------ client

    def organization(self, ident: str) -> Organization:
        for known in (HAPPY_FROG, ACME):
            if ident in (known.name, str(known.id)):
                return known
        raise InputError(f"organization: none is {ident}.")

    def organizations(self, *, include_adapters: bool = False) -> list[Organization]:
        self.calls.append("organizations")
        adapters = self.adapters if include_adapters else {}
        return [replace(each, adapters=adapters.get(each.id, ())) for each in (HAPPY_FROG, ACME)]

    def asset_types(self, *names: str) -> list[AssetType]:
        self.calls.append("asset_types")
        return [known for known in self.types if known.name in names]

    def asset_type_fields(self, type_id: int) -> tuple[AssetField, ...]:
        self.calls.append("asset_type_fields")
        return self._type(type_id).fields

    def create_asset_type(self, asset_type: AssetType) -> AssetType:
        return self._write("create_asset_type", lambda: self.add_type(asset_type))

    def create_asset_field(self, type_id: int, field: AssetField) -> AssetField:
        return self._write("create_asset_field", lambda: self._add_field(type_id, field))

    def assets(self, type_id: int, organization_id: int | None = None) -> list[Asset]:
        self.calls.append("assets")
        return [
            asset
            for asset in self.stored
            if asset.type_id == type_id and organization_id in (None, asset.organization_id)
        ]

    def assets_of(self, type_ids: list[int], organization_id: int) -> list[Asset]:
        self.calls.extend(["assets"] if type_ids else [])
        return [
            asset for asset in self.stored if asset.type_id in type_ids and asset.organization_id == organization_id
        ]

    def create_asset(self, organization_id: int, type_id: int, traits: dict) -> Asset:
        return self._write("create_asset", lambda: self.add_asset(organization_id, type_id, traits))

    def update_asset(self, asset_id: int, traits: dict) -> Asset:
        return self._write("update_asset", lambda: self._update(asset_id, traits))

    def delete_asset(self, asset_id: int) -> None:
        return self._write("delete_asset", lambda: self._delete(asset_id))

    # ----------------------------------------------------------------- service

    def add_type(self, asset_type: AssetType) -> AssetType:
        made = replace(asset_type, id=self._new_id(), fields=())
        self.types.append(made)
        for field in asset_type.fields:
            self._add_field(made.id, field)
        return replace(self._type(made.id), fields=())  # the answer to a POST need not list the fields

    def add_asset(self, organization_id: int, type_id: int, traits: dict, *, archived: bool = False) -> Asset:
        asset_id = self._new_id()
        asset = Asset(
            id=asset_id,
            type_id=type_id,
            organization_id=organization_id,
            organization_name={2: "Happy Frog", 5: "Acme"}[organization_id],
            archived=archived,
            url=f"https://itglue.example/{organization_id}/assets/records/{asset_id}",
            traits=self._accepted(type_id, traits),
        )
        self.stored.append(asset)
        return asset

    def edit(self, asset_id: int, **traits: object) -> None:
        """What a technician does in the browser: single fields, others stay. Keys with underscores."""
        asset = self.asset(asset_id)
        edited = {**asset.traits, **{key.replace("_", "-"): value for key, value in traits.items()}}
        self._put(replace(asset, traits={key: value for key, value in edited.items() if value is not None}))

    def asset(self, asset_id: int) -> Asset:
        for asset in self.stored:
            if asset.id == asset_id:
                return asset
        raise NotFoundError("No such asset.", service="itglue", status=404)

    def _write(self, call: str, work):
        self.calls.append(call)
        fault = self.faults[call].pop(0) if self.faults.get(call) else "ok"
        if fault == "lost":
            raise UNCLEAR
        result = work()
        if fault == "unclear":
            raise UNCLEAR
        return result

    def _add_field(self, type_id: int, field: AssetField) -> AssetField:
        owner = self._type(type_id)
        if any(field.name == other.name or field.order == other.order for other in owner.fields):
            raise RejectedError("Name or order has already been taken.", service="itglue", status=422)
        made = replace(field, id=self._new_id(), key=field.key or field.name.lower().replace(" ", "-"))
        self.types[self.types.index(owner)] = replace(owner, fields=(*owner.fields, made))
        return made

    def _update(self, asset_id: int, traits: dict) -> Asset:
        asset = self.asset(asset_id)
        return self._put(replace(asset, traits=self._accepted(asset.type_id, traits)))

    def _put(self, asset: Asset) -> Asset:
        self.stored = [asset if asset.id == other.id else other for other in self.stored]
        return asset

    def _delete(self, asset_id: int) -> None:
        self.stored.remove(self.asset(asset_id))

    def _accepted(self, type_id: int, traits: dict) -> dict:
        fields = {field.key: field for field in self._type(type_id).fields}
        if not set(traits) <= set(fields):
            raise RejectedError("Request contains invalid trait keys", service="itglue", status=422)
        for field in fields.values():
            if field.required and not traits.get(field.key):
                raise RejectedError(f"{field.key} can't be blank", service="itglue", status=422)
        return {key: self._as_read(fields[key], value) for key, value in traits.items() if value is not None}

    def _as_read(self, field: AssetField, value: object) -> object:
        if field.kind == "Tag":
            if not (isinstance(value, list) and all(isinstance(item, int) for item in value)):
                raise RejectedError(f"{field.key} is invalid", service="itglue", status=422)
            return {"type": "Domains", "values": [{"id": item, "name": f"tag {item}"} for item in value]}
        return value

    def _type(self, type_id: int) -> AssetType:
        return next(known for known in self.types if known.id == type_id)

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

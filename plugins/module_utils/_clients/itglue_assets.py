# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flexible assets of IT Glue: their types, the fields of the types, the assets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial

from .._engine.errors import RejectedError
from .._engine.model import Asset, AssetField, AssetType
from .._engine.text import name as normalised
from . import itglue_decoding as decode
from .itglue_decoding import resource
from .itglue_requests import ItGlueRequests


class ItGlueAssets:
    """The part of `ItGlueClient` that deals with flexible assets."""

    def __init__(self, requests: ItGlueRequests) -> None:
        self._requests = requests

    def asset_types(self, *names: str) -> list[AssetType]:
        """The flexible asset types of these names, by id; there may be several of a name.

        A type comes without fields where the answer does not show them all.
        """
        named = ",".join(map(filter_value, names))
        params = {"include": "flexible_asset_fields", "sort": "id", "filter[name]": named}
        wanted = {normalised(name) for name in names}
        found = self._requests.all("/flexible_asset_types", params, decode.asset_type)
        kept = (asset_type for asset_type in found if normalised(asset_type.name) in wanted)
        return sorted(kept, key=lambda asset_type: asset_type.id or 0)

    def asset_type_fields(self, type_id: int) -> tuple[AssetField, ...]:
        path = f"/flexible_asset_types/{type_id}/relationships/flexible_asset_fields"
        return decode.in_order(self._requests.all(path, {}, decode.asset_field))

    def create_asset_type(self, asset_type: AssetType) -> AssetType:
        """Create a type with its fields. The answer may leave the fields out: their trait keys are to be read."""
        attributes = {"name": asset_type.name, "description": asset_type.description, "icon": asset_type.icon}
        fields = [resource("flexible_asset_fields", decode.field_attributes(field)) for field in asset_type.fields]
        data = resource("flexible_asset_types", decode.given(dict(attributes)) | {"show-in-menu": True})
        data["relationships"] = {"flexible-asset-fields": {"data": fields}}
        return self._requests.write_one("POST", "/flexible_asset_types", data, decode.asset_type)

    def create_asset_field(self, type_id: int, field: AssetField) -> AssetField:
        attributes = {"flexible-asset-type-id": type_id, **decode.field_attributes(field)}
        data = resource("flexible_asset_fields", attributes)
        return self._requests.write_one("POST", "/flexible_asset_fields", data, decode.asset_field)

    def assets(self, type_id: int, organization_id: int | None = None) -> Iterator[Asset]:
        """The assets of a type, archived ones too; of one organization, or of all."""
        return self._assets(str(type_id), type_id, organization_id)

    def assets_of(
        self, type_ids: Collection[int], organization_id: int | None = None, most: int | None = None
    ) -> list[Asset]:
        """The assets of several types, of one organization or of all, in one request where it can be.

        A comma in a filter means "or" (help page on sorting and filtering), but whether it does in
        the filter that this list requires is not said. So where the answer shows one type at most, the
        others are asked for one by one. Raises `ListTooLongError` where a list has more than `most` pages.
        """
        found: list[Asset] = []
        if len(type_ids) > 1:
            with suppress(RejectedError):
                found = list(self._assets(",".join(map(str, type_ids)), None, organization_id, most))
        seen = {asset.type_id for asset in found}
        for type_id in type_ids if len(seen) < 2 else ():
            if type_id not in seen:
                found += self._assets(str(type_id), type_id, organization_id, most)
        return [asset for asset in found if asset.type_id in type_ids]

    def _assets(
        self, types: str, type_id: int | None, organization_id: int | None, most: int | None = None
    ) -> Iterator[Asset]:
        params: dict[str, object] = {"filter[flexible-asset-type-id]": types, "sort": "created_at"}
        if organization_id is not None:
            params["filter[organization-id]"] = organization_id
        decoded = partial(decode.asset, type_id=type_id, organization_id=organization_id)
        return self._requests.all("/flexible_assets", params, decoded, most=most)

    def create_asset(self, organization_id: int, type_id: int, traits: Mapping[str, object]) -> Asset:
        attributes = {"organization-id": organization_id, "flexible-asset-type-id": type_id, "traits": dict(traits)}
        data = resource("flexible-assets", attributes)
        return self._requests.write_one("POST", "/flexible_assets", data, decode.asset)

    def update_asset(self, asset_id: int, traits: Mapping[str, object]) -> Asset:
        """Set the traits, all of them: the service deletes what is left out."""
        data = resource("flexible-assets", {"traits": dict(traits)})
        return self._requests.write_one("PATCH", f"/flexible_assets/{asset_id}", data, decode.asset)

    def delete_asset(self, asset_id: int) -> None:
        self._requests.delete(f"/flexible_assets/{asset_id}")


def filter_value(text: str) -> str:
    """One value of a filter: an unescaped comma would part it into alternatives."""
    return text.replace(",", "\\,")

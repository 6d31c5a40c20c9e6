# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IT Glue's objects on the wire -> the values of the model, and flexible asset fields back to the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from .._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Contact,
    ContactType,
    Email,
    ItGlueId,
    Location,
    Organization,
    Phone,
)
from .decoding import Reader, Row
from .itglue_page import Page

_KIND = "adapter-type-name"


def organization(page: Page, row: Row) -> Organization:
    read, attributes = page.reader, page.attributes(row)
    adapters, dummy = _adapters(page, row)
    return Organization(
        id=_ident(read, row, "id"),
        name=read.needed_text(attributes, "name"),
        primary=read.flag(attributes, "primary"),
        adapters=adapters,
        type_name=read.text(attributes, "organization-type-name"),
        status_name=read.text(attributes, "organization-status-name"),
    )


def written_contact(page: Page, row: Row) -> Contact:
    """A contact as the answer of a write shows it: without adapters, whatever it has."""
    return contact(page, row, with_adapters=False)


def contact(
    page: Page, row: Row, organization_ids: Collection[int] | None = None, *, with_adapters: bool = True
) -> Contact:
    """A contact, which was read with its adapters or without them."""
    read, attributes = page.reader, page.attributes(row)
    adapters, link_known = _adapters(page, row) if with_adapters else ((), True)
    owner = _optional_ident(read, attributes, "organization-id")
    page.check_owner("contact", row, owner, organization_ids)
    return Contact(
        id=_ident(read, row, "id"),
        first_name=read.text(attributes, "first-name"),
        last_name=read.text(attributes, "last-name"),
        title=read.text(attributes, "title"),
        emails=tuple(_emails(read, attributes)),
        phones=tuple(_phones(read, attributes)),
        location_id=_optional_ident(read, attributes, "location-id"),
        location_name=read.text(attributes, "location-name"),
        contact_type_id=_optional_ident(read, attributes, "contact-type-id"),
        psa_integration=read.text(attributes, "psa-integration"),
        adapters=adapters,
        organization_id=owner,
        link_known=link_known,
        created_at=read.text(attributes, "created-at"),
        updated_at=read.text(attributes, "updated-at"),
        url=read.text(attributes, "resource-url"),
    )


def _emails(read: Reader, attributes: Row) -> Iterator[Email]:
    for entry in read.rows(read.value(attributes, "contact-emails"), "contact-emails"):
        value = read.text(entry, "value")
        # An entry without a value cannot be sent back, and holds nothing.
        if value:
            yield Email(value, read.text(entry, "label-name"), read.flag(entry, "primary"))


def _phones(read: Reader, attributes: Row) -> Iterator[Phone]:
    for entry in read.rows(read.value(attributes, "contact-phones"), "contact-phones"):
        value = read.label(entry, "value")
        if value:
            yield Phone(
                value,
                read.text(entry, "label-name"),
                read.label(entry, "extension"),
                read.flag(entry, "primary"),
                read.text(entry, "label-type") or "phone",
            )


def location(page: Page, row: Row, organization_ids: Collection[int]) -> tuple[int, Location]:
    """The id of the organization of a location, and the location."""
    read, attributes = page.reader, page.attributes(row)
    owner = read.needed_whole(attributes, "organization-id")
    page.check_owner("location", row, owner, organization_ids)
    return owner, Location(
        id=_ident(read, row, "id"),
        name=read.text(attributes, "name"),
        primary=read.flag(attributes, "primary"),
        address_1=read.text(attributes, "address-1"),
        city=read.text(attributes, "city"),
        region=read.text(attributes, "region-name"),
        country=read.text(attributes, "country-name"),
    )


def contact_type(page: Page, row: Row) -> ContactType:
    return ContactType(_ident(page.reader, row, "id"), page.reader.needed_text(page.attributes(row), "name"))


def asset_type(page: Page, row: Row) -> AssetType:
    """A flexible asset type; without fields where the answer does not show them all."""
    read, attributes = page.reader, page.attributes(row)
    idents = page.related(row, "flexible-asset-fields") or []
    included = page.included("kind")
    complete = all(ident in included for ident in idents)
    return AssetType(
        id=read.needed_whole(row, "id"),
        name=read.needed_text(attributes, "name"),
        description=read.text(attributes, "description"),
        icon=read.text(attributes, "icon"),
        fields=in_order(asset_field(page, included[ident]) for ident in idents) if complete else (),
    )


def asset_field(page: Page, row: Row) -> AssetField:
    read, attributes = page.reader, page.attributes(row)
    return AssetField(
        name=read.needed_text(attributes, "name"),
        kind=read.needed_text(attributes, "kind"),
        key=read.text(attributes, "name-key"),
        id=read.needed_whole(row, "id"),
        order=read.whole(attributes, "order"),
        hint=read.text(attributes, "hint"),
        required=read.flag(attributes, "required"),
        use_for_title=read.flag(attributes, "use-for-title"),
        show_in_list=read.flag(attributes, "show-in-list"),
        default_value=_scalar(read, attributes, "default-value"),
    )


def asset(page: Page, row: Row, type_id: int | None = None, organization_id: int | None = None) -> Asset:
    """A flexible asset; a `ProtocolError` where it is of another type or organization than was asked for."""
    read, attributes = page.reader, page.attributes(row)
    owner = read.needed_whole(attributes, "organization-id")
    page.check_owner("flexible asset", row, owner, None if organization_id is None else [organization_id])
    own_type = read.needed_whole(attributes, "flexible-asset-type-id")
    if type_id not in (None, own_type):
        raise read.error(f"asset {page.ident(row)} is of type {own_type}, though those of {type_id} were asked for")
    return Asset(
        id=read.needed_whole(row, "id"),
        type_id=own_type,
        organization_id=owner,
        organization_name=read.text(attributes, "organization-name"),
        name=read.text(attributes, "name"),
        archived=read.flag(attributes, "archived"),
        url=read.text(attributes, "resource-url"),
        traits=read.part(attributes, "traits"),
    )


def _adapters(page: Page, row: Row) -> tuple[tuple[Adapter, ...], bool]:
    """The integrations that hold a record, and whether the answer shows them all.

    It does not where it names no integrations at all, or one that it does not include, or that
    has no `adapter-type-name`. None of this has been seen.
    """
    idents = page.related(row, "adapters-resources")
    if not idents:
        return (), idents is not None
    included = page.included(_KIND)
    found = [_adapter(page, included[ident]) for ident in idents if ident in included]
    known = tuple([adapter for adapter in found if adapter.kind])
    return known, len(known) == len(idents)


def _adapter(page: Page, row: Row) -> Adapter:
    read, attributes = page.reader, page.attributes(row)
    return Adapter(
        kind=read.text(attributes, _KIND) or "",
        remote_id=read.label(attributes, "remote-id"),
        sync=read.flag(attributes, "sync"),
        orphaned=read.flag(attributes, "orphaned"),
    )


def _ident(read: Reader, row: Row, key: str) -> ItGlueId:
    return ItGlueId(read.needed_whole(row, key))


def _optional_ident(read: Reader, row: Row, key: str) -> ItGlueId | None:
    ident = read.whole(row, key)
    return None if ident is None else ItGlueId(ident)


def _scalar(read: Reader, row: Row, key: str) -> str | None:
    """A field's default: text in fields that hold text, a number or a yes in others."""
    value = read.value(row, key)
    return str(value) if isinstance(value, (bool, int, float)) else read.text(row, key)


# -------------------------------------------------------------------- encoding


def resource(kind: str, attributes: Mapping[str, object]) -> Row:
    """An object as a write sends it."""
    return {"type": kind, "attributes": dict(attributes)}


def field_attributes(field: AssetField) -> Row:
    """The attributes of a field that is to be created."""
    attributes: Row = {"order": field.order, "name": field.name, "kind": field.kind}
    attributes |= {"hint": field.hint, "default-value": field.default_value}
    flags = {"required": field.required, "use-for-title": field.use_for_title, "show-in-list": field.show_in_list}
    return given(attributes) | flags


def given(attributes: Row) -> Row:
    """The attributes that have a value."""
    return {key: value for key, value in attributes.items() if value is not None}


def in_order(fields: Iterable[AssetField]) -> tuple[AssetField, ...]:
    """The fields of a type as IT Glue shows them."""
    return tuple(sorted(fields, key=lambda field: (field.order or 0, field.id or 0)))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How settings lie in a flexible asset: one field for each option, for technicians to read and edit.

Yes and no are a Select and not a Checkbox, because an unticked box could not be distinguished
from one that nobody has touched. Lists and label pairs are a Textbox, one entry a line.
Fields are found by their names, whatever their keys: IT Glue does not say whether renaming
a field changes its key, so a renamed field is still found by the key that it was made with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from .._engine.declared_options import BMS, FACTS, OFFICE365, OPTIONS, TENANTS, Option
from .._engine.errors import SettingsError, quoted
from .._engine.model import AssetField, AssetType
from .._engine.settings import merge, put, value_of
from . import richtext

ASSET_TYPES = {
    OFFICE365: "Office 365 Sync Settings",
    BMS: "BMS Sync Settings",
    TENANTS: "Ignored Microsoft Tenants",
    FACTS: "Contact Sync Facts",
}

_DESCRIPTION = (
    "Kept by the Ansible collection msp.psa_sync. One asset for each organization. "
    "An edit here counts as a deviation: the next run of the playbook that declares these settings reverses it."
)
_DESCRIPTIONS = {
    TENANTS: "Kept by the Ansible collection msp.psa_sync. One asset, on the organization of the MSP itself: "
    "the Microsoft tenants that are to be matched with no organization.",
    FACTS: "Kept by the Ansible collection msp.psa_sync for itself: what earlier runs have found out, as ids, times "
    "and digests. No settings. An asset can be deleted at any time: the next run finds everything out again.",
}
_YES, _NO = "Yes", "No"
_WRITABLE = frozenset({"Text", "Textbox", "Select", "Checkbox"})


@dataclass(frozen=True, slots=True)
class Column:
    """A field and what it holds: one option, or the pairs of a group, one `key: value` a line."""

    field: AssetField
    options: tuple[Option, ...]

    @property
    def holds_pairs(self) -> bool:
        return len(self.options) > 1


def key_of(name: str) -> str:
    """The key that IT Glue makes of the name of a new field (IT Glue API reference, `name-key`)."""
    return name.lower().replace(" ", "-")


TITLE = AssetField(
    name="Title",
    kind="Text",
    hint="The name of this asset. Any text will do.",
    required=True,
    use_for_title=True,
    show_in_list=True,
)


def _columns(kind: str) -> tuple[Column, ...]:
    """A column for each field that the options name, in their order."""
    shared: dict[str, list[Option]] = {}
    for option in OPTIONS[kind]:
        shared.setdefault(option.field, []).append(option)
    return tuple(Column(_field(options), tuple(options)) for options in shared.values())


def _field(options: Sequence[Option]) -> AssetField:
    first = options[0]
    choices = f"{_YES}\n{_NO}" if first.kind == "flag" else "\n".join(first.choices)
    kind = "Select" if choices else "Textbox" if first.is_list or len(options) > 1 else "Text"
    return AssetField(
        name=first.field, kind=kind, hint=first.hint, default_value=choices or None, show_in_list=first.listed
    )


COLUMNS: dict[str, tuple[Column, ...]] = {kind: _columns(kind) for kind in OPTIONS}


def fields(kind: str) -> tuple[AssetField, ...]:
    """All fields that an asset type of `kind` has to have, the title first."""
    return (TITLE, *(column.field for column in COLUMNS[kind]))


def new_type(kind: str) -> AssetType:
    """The asset type as it is to be made."""
    empty = AssetType(id=None, name=ASSET_TYPES[kind], description=_DESCRIPTIONS.get(kind, _DESCRIPTION))
    return replace(empty, fields=tuple(missing_fields(kind, empty)))


def missing_fields(kind: str, asset_type: AssetType) -> list[AssetField]:
    """The fields that a new, older or edited type lacks, numbered on from its last one."""
    lacking = [field for field in fields(kind) if find(asset_type, field) is None]
    last = max((field.order or 0 for field in asset_type.fields), default=0)
    return [replace(field, order=last + place) for place, field in enumerate(lacking, start=1)]


def find(asset_type: AssetType, wanted: AssetField) -> AssetField | None:
    """The field of the type that is `wanted`: by name, else by the key that it was made with."""
    for field in asset_type.fields:
        if " ".join(field.name.split()).casefold() == wanted.name.casefold():
            return field
    for field in asset_type.fields:
        if field.key == key_of(wanted.name):
            return field
    return None


def _key(field: AssetField) -> str:
    return field.key or key_of(field.name)


@lru_cache(maxsize=16)
def _keys(kind: str, asset_type: AssetType) -> tuple[tuple[Column, str], ...]:
    """The columns that a type has a field for, with the key of the field."""
    found = ((column, find(asset_type, column.field)) for column in COLUMNS[kind])
    return tuple((column, _key(field)) for column, field in found if field is not None)


# ------------------------------------------------------------------------ reading


def read(kind: str, traits: Mapping[str, object], asset_type: AssetType) -> dict[str, Any]:
    """The settings that an asset holds: text as it is, for `settings.merge` to read. What is
    empty is left out."""
    found: dict[str, Any] = {}
    for column, key in _keys(kind, asset_type):
        rows = _rows(traits.get(key))
        if not rows:
            continue
        if column.holds_pairs:
            found[str(column.options[0].group)] = _pairs(column, rows)
        else:
            option = column.options[0]
            put(found, option, rows if option.is_list else " ".join(rows))
    return found


def read_option(kind: str, name: str, traits: Mapping[str, object], asset_type: AssetType) -> Any:
    """The value of one option that has a field of its own, as `settings.merge` makes it of `read`."""
    for column, key in _keys(kind, asset_type):
        option = column.options[0]
        if option.name == name:
            rows = _rows(traits.get(key))
            return option.read(" ".join(rows)) if rows else option.default
    return None


def _rows(value: object) -> list[str]:
    """The lines that a technician sees in a field, of whatever kind it has become."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [_YES if value else _NO]
    if isinstance(value, Mapping):  # a Tag: what it names
        return _rows(value.get("values", value.get("name")))
    if isinstance(value, list):
        return [row for item in value for row in _rows(item)]
    return richtext.lines(str(value))


def _pairs(column: Column, rows: list[str]) -> dict[str, Any]:
    """The pairs of a group. A line that is none of them is kept as a key, for a complaint."""
    keys = {option.key for option in column.options}
    pairs: dict[str, Any] = {}
    for row in rows:
        name, colon, value = row.partition(":")
        key = name.strip().casefold()
        if colon and key in keys and key not in pairs:
            pairs[key] = value.strip()
        else:
            pairs[row] = None
    return pairs


# ------------------------------------------------------------------------ writing


def write(
    kind: str, settings: Mapping[str, Any], present: Mapping[str, object], asset_type: AssetType
) -> dict[str, Any]:
    """The traits of an asset that is to hold the merged `settings`.

    IT Glue deletes every trait that a write leaves out, so what is `present` and not ours
    goes along. Raises SettingsError for what cannot be written and read back.
    """
    traits = _foreign(kind, present, asset_type)
    for column, field in _fields_of(kind, asset_type):
        if (value := _cell(column, field, settings)) is not None:
            traits[_key(field)] = value
    title = find(asset_type, TITLE)
    if title:
        traits[_key(title)] = present.get(_key(title)) or ASSET_TYPES[kind]
    _prove(kind, settings, traits, asset_type)
    return traits


def _fields_of(kind: str, asset_type: AssetType) -> Iterator[tuple[Column, AssetField]]:
    for column in COLUMNS[kind]:
        field = find(asset_type, column.field)
        if field is None:
            raise SettingsError(f"The asset type {quoted(asset_type.name)} has no field {quoted(column.field.name)}.")
        if field.kind not in _WRITABLE:
            raise SettingsError(
                f"The field {quoted(field.name)} of the asset type {quoted(asset_type.name)} is of the kind "
                f"{quoted(field.kind)}, which cannot hold {column.options[0].name}.",
                hint=f"Rename that field in IT Glue; the next run adds one of the kind {column.field.kind}.",
            )
        yield column, field


def _cell(column: Column, field: AssetField, settings: Mapping[str, Any]) -> object:
    """What goes into a field; None leaves it empty."""
    if column.holds_pairs:
        rows = [f"{option.key}: {value_of(settings, option)}" for option in column.options]
    else:
        value = value_of(settings, column.options[0])
        if isinstance(value, bool):
            if field.kind == "Checkbox":
                return value
            value = _YES if value else _NO
        rows = value if isinstance(value, list) else [value] if value else []
    if not rows:
        return None
    return richtext.rich(rows) if field.kind == "Textbox" else "\n".join(rows)


def _foreign(kind: str, present: Mapping[str, object], asset_type: AssetType) -> dict[str, Any]:
    """The traits that are not ours, in the form in which IT Glue takes them back."""
    ours = {_key(field) for wanted in fields(kind) if (field := find(asset_type, wanted))}
    kinds = {_key(field): field for field in asset_type.fields}
    kept = {}
    for key, value in present.items():
        if key not in ours and value not in (None, ""):
            kept[key] = _returned(value, kinds.get(key), asset_type)
    return kept


def _returned(value: object, field: AssetField | None, asset_type: AssetType) -> object:
    """A Tag is read as an object with its values and written as a list of ids. A file, and a
    password that is not shown, cannot be written back at all: better no write than a loss."""
    if field and (field.kind == "Upload" or (field.kind == "Password" and not isinstance(value, str))):
        raise SettingsError(
            f"The field {quoted(field.name)} of the asset type {quoted(asset_type.name)} holds "
            f"{'a file' if field.kind == 'Upload' else 'a password'}, which a change through the API would delete.",
            hint="Move it to another asset, or change the settings in IT Glue.",
        )
    if isinstance(value, Mapping) and isinstance(value.get("values"), list):
        return [item["id"] if isinstance(item, Mapping) and "id" in item else item for item in value["values"]]
    return value


def _prove(kind: str, settings: Mapping[str, Any], traits: Mapping[str, object], asset_type: AssetType) -> None:
    """Refuse what would be read back as something else, such as a label that looks like HTML."""
    if odd := differences(kind, settings, merge(kind, read(kind, traits, asset_type), None)):
        raise SettingsError(
            f"{', '.join(odd)}: not kept by IT Glue as it is declared.",
            hint="Take out what looks like HTML, such as a tag or an entity.",
        )


def differences(kind: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names of the options in which two merged mappings differ."""
    return [option.name for option in OPTIONS[kind] if value_of(one, option) != value_of(other, option)]

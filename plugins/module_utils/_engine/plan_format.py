# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a document that was read is a plan of the present format, as far as applying it looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import bms_fields
from .attributes import EMAILS, PHONES, SCALARS
from .conflicts import IGNORE, NEW
from .declared_options import PLANNED_OPTIONS, recorded
from .options import Options
from .plan_document import VERSION, entry_key

Types = tuple[type, ...]

_NULL = type(None)
_DOCUMENT: Mapping[str, Types] = {
    "plan": (int,),
    "collection": (str,),
    "made_at": (str,),
    "organization": (dict,),
    "tenant_id": (str,),
    "settings_digest": (str,),
    "options": (dict,),
    "planned": (list,),
    "operations": (list,),
}
_ENTRY: Mapping[str, Types] = {
    "subject": (dict,),
    "matched_by": (str, _NULL),
    "itglue": (dict,),
    "bms": (dict,),
    "reasons": (list,),
}
_SUBJECT: Mapping[str, Types] = {"kind": (str,), "user": (str,), "user_id": (str,)}
_ITGLUE: Mapping[str, Types] = {"action": (str,), "contact_id": (int, _NULL), "before": (dict,), "after": (dict,)}
_BMS: Mapping[str, Types] = {
    "push": (str, _NULL),
    "contact_id": (int, _NULL),
    "create": (dict, _NULL),
    "before": (dict,),
    "after": (dict,),
}


_ARGUMENTS: Mapping[str, type] = {"list": list, "str": str}
_OPTIONS: Mapping[str, Types] = {
    field: (_ARGUMENTS[option.type], _NULL) if default is None else (type(default),)
    for option, (field, default) in zip(PLANNED_OPTIONS.values(), recorded(Options()).items(), strict=True)
}
"""What a plan records of options: of the type of the default, else null or of the type of the argument."""


def is_plan(found: Any) -> bool:
    """Whether a document has all that applying it looks at, in the types that it has there."""
    return (
        _has(found, _DOCUMENT)
        and found["plan"] == VERSION
        and _has(found["organization"], {"id": (int,), "name": (str,)})
        and _has(found["options"], _OPTIONS)
        and all(_texts(value) for value in found["options"].values() if isinstance(value, list))
        and all(_answers(value) for value in found["options"].values() if isinstance(value, dict))
        and _texts(found["planned"])
        and all(map(_is_entry, found["operations"]))
        and len({entry_key(entry) for entry in found["operations"]}) == len(found["operations"])
    )


def _has(found: Any, shape: Mapping[str, Types]) -> bool:
    return isinstance(found, dict) and all(
        name in found and isinstance(found[name], types) for name, types in shape.items()
    )


def _texts(found: list[Any]) -> bool:
    return all(isinstance(each, str) for each in found)


def _answers(found: Mapping[str, Any]) -> bool:
    return all(
        each in (NEW, IGNORE) or (isinstance(each, int) and not isinstance(each, bool)) for each in found.values()
    )


def _is_entry(found: Any) -> bool:
    return (
        _has(found, _ENTRY)
        and _is_subject(found["subject"])
        and _has(found["itglue"], _ITGLUE)
        and _has(found["bms"], _BMS)
        and all(_is_attribute(*item) for side in ("before", "after") for item in found["itglue"][side].items())
        and all(_is_bms_field(*item) for side in ("before", "after") for item in found["bms"][side].items())
        and all(_has(reason, {"code": (str,), "values": (dict,)}) for reason in found["reasons"])
    )


def _is_subject(found: Any) -> bool:
    if not _has(found, _SUBJECT) or found["kind"] not in ("user", "departed"):
        return False
    return found["kind"] == "user" or _has(found, {"contact_id": (int,)})


def _is_attribute(name: str, value: Any) -> bool:
    if name in (EMAILS, PHONES):
        return _is_list_of(value, "value")
    return name in SCALARS and isinstance(value, str | int | None)


def _is_bms_field(name: str, value: Any) -> bool:
    if name in bms_fields.VALUE:
        return _is_list_of(value, bms_fields.VALUE[name])
    return name in bms_fields.FIELDS and isinstance(value, str | bool | None)


def _is_list_of(found: Any, key: str) -> bool:
    return isinstance(found, list) and all(_has(each, {key: (str,)}) for each in found)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Plan documents on disk: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._engine.attributes import EMAILS, PHONES, SCALARS
from .._engine.errors import InputError
from .._engine.plan_document import VERSION

_TEXT, _NUMBER = (str,), (int,)
_TEXT_OR_NULL, _NUMBER_OR_NULL, _OBJECT_OR_NULL = (str, type(None)), (int, type(None)), (dict, type(None))

_DOCUMENT: Mapping[str, tuple[type, ...]] = {
    "collection": _TEXT,
    "made_at": _TEXT,
    "organization": (dict,),
    "tenant_id": _TEXT,
    "settings_digest": _TEXT,
    "options": (dict,),
    "operations": (list,),
}
_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "bms_adapter_names": (list,),
    "update_linked": (bool,),
    "users": (list, type(None)),
    "match_overrides": (dict,),
    "bms_match_overrides": (dict,),
    "allow_shrunken_source": (bool,),
    "deactivate": (bool,),
    "departed_contact_type": _TEXT_OR_NULL,
    "departed_keep": (list,),
}
_ENTRY: Mapping[str, tuple[type, ...]] = {
    "user": _TEXT,
    "user_id": _TEXT,
    "contact_id": _NUMBER_OR_NULL,
    "bms_contact_id": _NUMBER_OR_NULL,
    "action": _TEXT,
    "matched_by": _TEXT_OR_NULL,
    "push": _TEXT_OR_NULL,
    "before": (dict,),
    "after": (dict,),
    "create_in_bms": _OBJECT_OR_NULL,
    "job_title": _TEXT_OR_NULL,
    "active": (bool, type(None)),
    "bms_update": _OBJECT_OR_NULL,
    "reason": _TEXT_OR_NULL,
}


def write_plan(path: str, document: Mapping[str, Any]) -> None:
    """Put a document in the place of whatever is at `path`. Raises InputError where that fails."""
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file, ensure_ascii=False, indent=2, sort_keys=True)
                file.write("\n")
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(
            f"The plan file {path} cannot be written: {error.strerror}.",
            hint="Give plan_file a path in a directory of your own.",
        ) from error


def read_plan(path: str) -> dict[str, Any]:
    """The document at `path`. Raises InputError for a file that is none of this version."""
    try:
        found = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"The plan file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The plan file {path} is no JSON.", hint=_WAY_OUT) from error
    if not isinstance(found, dict) or found.get("plan") != VERSION or not _well_formed(found):
        raise InputError(f"The plan file {path} is no plan of format {VERSION}.", hint=_WAY_OUT)
    return found


_WAY_OUT = "Make it anew: run contact_sync in check mode with plan_file."


def _well_formed(found: Mapping[str, Any]) -> bool:
    """Whether a document has what applying it looks at, in the types that it has there."""
    return (
        _has(found, _DOCUMENT)
        and _has(found["organization"], {"id": _NUMBER, "name": _TEXT})
        and _has(found["options"], _OPTIONS)
        and all(_texts(found["options"][each] or ()) for each in ("bms_adapter_names", "users", "departed_keep"))
        and all(map(_is_entry, found["operations"]))
        and len({each["user_id"] for each in found["operations"]}) == len(found["operations"])
    )


def _has(found: Any, shape: Mapping[str, tuple[type, ...]]) -> bool:
    return isinstance(found, dict) and all(
        name in found and isinstance(found[name], types) for name, types in shape.items()
    )


def _texts(found: Iterable[Any]) -> bool:
    return all(isinstance(each, str) for each in found)


def _is_entry(found: Any) -> bool:
    return (
        _has(found, _ENTRY)
        and all(
            _entries(value) if name in (EMAILS, PHONES) else name in SCALARS and isinstance(value, str | int | None)
            for side in ("before", "after")
            for name, value in found[side].items()
        )
        and (found["bms_update"] is None or _has(found["bms_update"], {"before": (dict,), "after": (dict,)}))
    )


def _entries(found: Any) -> bool:
    return isinstance(found, list) and all(_has(each, {"value": _TEXT}) for each in found)

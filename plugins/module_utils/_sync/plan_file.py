# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Plan documents on disk: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._engine.errors import InputError
from .._engine.plan_document import VERSION

_SHAPE: Mapping[str, type] = {
    "collection": str,
    "made_at": str,
    "organization": dict,
    "tenant_id": str,
    "settings_digest": str,
    "options": dict,
    "operations": list,
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
    operations = found.get("operations")
    return (
        all(isinstance(found.get(key), kind) for key, kind in _SHAPE.items())
        and isinstance(found["organization"].get("id"), int)
        and all(isinstance(each, dict) and each.keys() >= _ENTRY for each in operations or ())
        and found["options"].keys() >= _OPTIONS
    )


_ENTRY = frozenset(
    (
        "user user_id contact_id bms_contact_id action matched_by push before after create_in_bms job_title active "
        "reason"
    ).split()
)
_OPTIONS = frozenset(("bms_adapter_names", "update_linked", "users", "match_overrides", "allow_shrunken_source"))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Plan documents on disk: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._engine.errors import InputError
from .._engine.plan_document import VERSION
from .._engine.plan_format import is_plan
from .files import read_regular, replace_regular

_PLAN_FILE = "plan file"


def write_plan(path: str, document: Mapping[str, Any]) -> None:
    """Put a document in the place of whatever is at `path`. Raises InputError where that fails."""
    content = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    replace_regular(path, content.encode(), _PLAN_FILE, "Give plan_file a path in a directory of your own.")


def read_plan(path: str) -> dict[str, Any]:
    """The document at `path`. Raises InputError for a file that is none of this version."""
    hint = "Make a new plan: run contact_sync in check mode with plan_file."
    try:
        found = json.loads(read_regular(path, _PLAN_FILE))
    except ValueError as error:
        raise InputError(f"The {_PLAN_FILE} {path} is no JSON.", hint=hint) from error
    if not is_plan(found):
        raise InputError(f"The {_PLAN_FILE} {path} is no plan of format {VERSION}.", hint=hint)
    return dict(found)

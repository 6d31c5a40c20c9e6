# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan documents on disk: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._engine.errors import InputError
from .._engine.plan_document import VERSION
from .._engine.plan_format import is_plan
from .files import read_regular, replace_regular


def write_plan(path: str, document: Mapping[str, Any]) -> None:
    """Put a document in the place of the plan at `path`, or where there is none. Raises InputError where that fails."""
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    replace_regular(path, text.encode(), "plan file", f"Give {_OPTION} a path in a directory of your own.")


def read_plan(path: str) -> dict[str, Any]:
    """The document at `path`. Raises InputError for a file that is none of this version."""
    try:
        found = json.loads(read_regular(path, "plan file"))
    except (RecursionError, ValueError) as error:
        raise InputError(f"The plan file {path} is no JSON.", hint=_WAY_OUT) from error
    if not is_plan(found):
        raise InputError(f"The plan file {path} is no plan of format {VERSION}.", hint=_WAY_OUT)
    return dict(found)


_OPTION = "plan_file (sync_plan_directory in the inventory)"
_WAY_OUT = f"Make a new one: run contact_sync in check mode with {_OPTION}."

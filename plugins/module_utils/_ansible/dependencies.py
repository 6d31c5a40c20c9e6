# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Third-party libraries: whether they can be imported, and what to say when not."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from collections.abc import Iterable
from functools import cache

from .._engine.errors import SyncError

_PACKAGES = {"phonenumbers": "phonenumberslite"}
"""The packages to install, where they have another name than what is imported."""

_LOADED_WHEN_NEEDED = {"phonenumbers"}
"""Libraries that most runs do not need: they are looked for, but not imported."""


class MissingLibrary(SyncError):
    """A library that the task needs is not there for the interpreter that runs it."""


def require_libraries(names: Iterable[str]) -> None:
    """Raise `MissingLibrary`, naming the interpreter, unless all of `names` can be imported."""
    wanted = sorted(names)
    reasons = {name: reason for name in wanted if (reason := _why_not(name))}
    if reasons:
        packages = " ".join(_PACKAGES.get(name, name) for name in reasons)
        raise MissingLibrary(
            f"Failed to import the required Python libraries ({', '.join(reasons)}) on {platform.node()}'s "
            f"Python {sys.executable} ({platform.python_version()}): {'; '.join(reasons.values())}.",
            hint=f"Install them for that interpreter: {sys.executable} -m pip install {packages}. "
            "On a local connection that is the Python of ansible-playbook itself; elsewhere, and with become or "
            "async, ansible_python_interpreter decides.",
        )


@cache
def _why_not(name: str) -> str | None:
    if name in _LOADED_WHEN_NEEDED:
        return None if importlib.util.find_spec(name) else f"No module named {name!r}"
    try:
        importlib.import_module(name)
    except ImportError as error:
        return str(error)
    return None

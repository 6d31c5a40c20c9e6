# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which spec and which function belong to a module."""

from __future__ import annotations

from importlib import import_module

from . import sync_settings
from .perform import Run
from .spec import ModuleSpec


def entry_point(module: str) -> tuple[ModuleSpec, Run]:
    """The spec of a module of the collection and the function that does its work.

    Raises LookupError where the collection has no module of that name.
    """
    if module in sync_settings.MODULES:
        return sync_settings.MODULES[module]
    try:
        found = import_module(f".{module}", __package__)
        return found.SPEC, found.run
    except (ImportError, AttributeError):
        raise LookupError(f"The collection has no module {module!r}.") from None

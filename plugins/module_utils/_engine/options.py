# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a run, beside the settings of the organization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for beside the settings.

    `users` are usernames or ids, None for all. The overrides map a username or user id to the id of a
    contact (of a BMS contact in `bms_match_overrides`), to `new` or to `ignore`. The limits are numbers
    or percentages as they were given, None for the default.
    """

    bms_adapter_names: tuple[str, ...] = ("bms", "vorex")
    update_linked: bool = False
    users: frozenset[str] | None = None
    match_overrides: Mapping[str, int | str] = field(default_factory=dict)
    bms_match_overrides: Mapping[str, int | str] = field(default_factory=dict)
    max_creates: str | None = None
    max_updates: str | None = None
    max_pushes: str | None = None
    max_deactivations: str | None = None
    deactivate: bool = False
    departed_contact_type: str | None = None
    departed_keep: tuple[str, ...] = ()
    allow_shrunken_source: bool = False

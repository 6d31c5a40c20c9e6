# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Reasons as codes with parameters. Sentences are made of them at the edge, from one table.

A `Reason` says why something is as it is in a plan or in its outcome: of one operation, or, as a
warning, of the whole run. `_ansible/messages.py` has the sentence, the hint and the page of the
guides for each code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ReasonCode(StrEnum):
    """Why an operation is as it is. The values appear as `reason_code` in results: they stay as they are."""

    # Excluded users, in the order in which the filter looks (`selection`).
    DISABLED = "disabled"
    GUEST = "guest"
    UNLICENSED = "unlicensed"
    NO_NAME = "no_name"
    DOMAIN = "domain"
    GROUP = "group"
    PATTERN = "pattern"
    IGNORED_BY_OVERRIDE = "override"
    NOT_AMONG_USERS = "users"
    # Matching.
    SEVERAL_HITS = "several_hits"
    NAMES_DIFFER = "names_differ"
    HIT_WITHHELD = "hit_withheld"
    KNOWN_CONTACT = "known_contact"
    POSSIBLY_RETURNED = "possibly_returned"
    SAME_PRIMARY_ADDRESS = "same_primary_address"
    OVERRIDE_FOUND_CONTACT = "override_found_contact"
    # More codes are added beside the rule that gives them, under a heading of its own.


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its code, and the values that its sentence names (JSON-native, by the name of the parameter)."""

    code: ReasonCode
    values: Mapping[str, Any] = field(default_factory=dict)

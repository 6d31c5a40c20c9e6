# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only somebody who knows the people can decide, with everything that the decision needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from .model import BmsId, ItGlueId
from .reasons import ReasonCode

NEW, IGNORE = "new", "ignore"
"""The answers to a conflict beside the id of a contact: make a new one, or leave the user out."""

Answer: TypeAlias = "int | str"


class Rule(StrEnum):
    """By what a user and a contact were brought together; `matched_by` and `conflicts[].rule` in results."""

    ALIAS = "alias"
    USERNAME = "username"
    NAME = "name"
    OVERRIDE = "override"
    PRIMARY_EMAIL = "primary_email"
    BMS_EMAIL = "bms_email"
    BMS_NAME = "bms_name"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Users and contacts that only a person can pair.

    `users` are usernames, `user_ids` their Entra ids, in the same order. `suggestion` maps a username
    to the one answer that is best, and is empty where none is; `answers` maps each username to all
    answers that can be given.
    """

    rule: Rule
    code: ReasonCode
    users: tuple[str, ...]
    user_ids: tuple[str, ...] = ()
    contact_ids: tuple[ItGlueId, ...] = ()
    bms_contact_ids: tuple[BmsId, ...] = ()
    suggestion: Mapping[str, Answer] = field(default_factory=dict)
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)

    @property
    def in_bms(self) -> bool:
        """Whether the answers are BMS contacts (`bms_match_overrides`) or contacts of IT Glue (`match_overrides`)."""
        return self.rule in (Rule.BMS_EMAIL, Rule.BMS_NAME)

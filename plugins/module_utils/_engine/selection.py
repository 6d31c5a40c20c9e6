# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Which users are kept (feature, section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .model import Office365Settings, User
from .text import address, domain, is_blank, primary_address

REASONS = ("disabled", "guest", "unlicensed", "no_name", "domain", "group", "pattern")
"""Why a user is left out, in the order in which the reasons are tried."""


def exclusion_rule(settings: Office365Settings, members: frozenset[str]) -> Callable[[User], str | None]:
    """A function that says under which of `REASONS` a user is left out, None for a kept one.

    `members` are the ids of the users in the groups that the filter names.
    """
    rule = settings.user_filter
    skus = frozenset(map(str.casefold, rule.license_skus))
    domains = frozenset(address(entry).removeprefix("@") for entry in rule.domains)
    excluded = patterns(rule.exclude)

    def reason(user: User) -> str | None:
        if not (rule.include_disabled or user.account_enabled):
            return "disabled"
        if not rule.include_guests and (user.user_type or "").casefold() == "guest":
            return "guest"
        if rule.licensed_only and not user.sku_ids:
            return "unlicensed"
        if skus and skus.isdisjoint(map(str.casefold, user.sku_ids)):
            return "unlicensed"
        if rule.require_name and is_blank(user.given_name) and is_blank(user.surname):
            return "no_name"
        if domains and domain(primary_address(user, settings.primary_email)) not in domains:
            return "domain"
        if rule.groups and user.id not in members:
            return "group"
        if excluded and (excluded(primary_address(user, settings.primary_email)) or excluded(user.username)):
            return "pattern"
        return None

    return reason


def patterns(entries: Iterable[str]) -> Callable[[str], bool] | None:
    """A test against patterns in which `*` stands for any text and nothing else is special."""
    expressions = [".*".join(map(re.escape, address(entry).split("*"))) for entry in entries if entry.strip()]
    if not expressions:
        return None
    expression = re.compile("|".join(f"(?:{each})" for each in expressions), re.DOTALL)
    return lambda value: expression.fullmatch(address(value)) is not None

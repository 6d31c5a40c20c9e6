# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which users are selected (setup guide, user filter)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .errors import InputError, quoted
from .model import Office365Settings, Snapshot, User
from .options import Options
from .reasons import Reason, ReasonCode, because
from .text import address, domain, domain_key, is_blank, primary_address

FILTER_REASONS = (
    ReasonCode.DISABLED,
    ReasonCode.GUEST,
    ReasonCode.UNLICENSED,
    ReasonCode.NO_NAME,
    ReasonCode.DOMAIN,
    ReasonCode.GROUP,
    ReasonCode.PATTERN,
)
"""Why the filter excludes a user, in the order in which the reasons are tried."""


@dataclass(frozen=True, slots=True)
class Selected:
    """`user_ids` are those of the users that the filter lets through, whatever the task says of them.

    `excluded` maps the ids of all users for whom nothing is done to the reason.
    """

    user_ids: frozenset[str]
    excluded: Mapping[str, ReasonCode]
    warnings: tuple[Reason, ...] = ()


def select(snapshot: Snapshot, options: Options) -> Selected:
    """Hold all users against the filter.

    Raises InputError where no user was read, none is selected, or Graph tells of none whether its
    account is enabled.
    """
    rule = exclusion_rule(snapshot.office365, snapshot.members)
    excluded = {user.id: reason for user in snapshot.users if (reason := rule(user))}
    selected = frozenset([user.id for user in snapshot.users if user.id not in excluded])
    unknown = [user.account_enabled for user in snapshot.users].count(None)
    if unknown and unknown == len(snapshot.users):
        raise InputError(
            f"Microsoft Graph does not tell of any user of the tenant {snapshot.tenant_id} whether the account is "
            "enabled.",
            hint="Give the app registration the permission User.Read.All.",
        )
    if not options.allow_shrunken_source:
        _check_source(snapshot, excluded, selected)
    warnings = (because(ReasonCode.ACCOUNTS_NOT_SHOWN, count=unknown),) if unknown else ()
    return Selected(selected, excluded, warnings)


def _check_source(snapshot: Snapshot, excluded: Mapping[str, ReasonCode], selected: frozenset[str]) -> None:
    lift = "Set allow_shrunken_source: true if this is right."
    if not snapshot.users:
        raise InputError(
            f"The tenant {snapshot.tenant_id} of the organization {quoted(snapshot.organization.name)} has no users.",
            hint=f"Check tenant_id and what the app registration may read. {lift}",
        )
    if not selected:
        counts = Counter(excluded.values())
        listed = ", ".join(f"{reason}: {counts[reason]}" for reason in FILTER_REASONS if counts[reason])
        raise InputError(
            f"The user filter excludes all {len(snapshot.users)} users of the tenant {snapshot.tenant_id} "
            f"of the organization {quoted(snapshot.organization.name)} ({listed}).",
            hint=f"Correct user_filter in office365_sync_settings. {lift}",
        )


def exclusion_rule(settings: Office365Settings, members: frozenset[str]) -> Callable[[User], ReasonCode | None]:
    """A function that says for which of `FILTER_REASONS` a user is excluded, None for a selected one.

    `members` are the ids of the users in the groups that the filter names.
    """
    rule = settings.user_filter
    skus = frozenset(map(str.casefold, rule.license_skus))
    domains = frozenset(map(domain_key, rule.domains))
    excluded = patterns(rule.exclude)

    def reason(user: User) -> ReasonCode | None:
        if not (rule.include_disabled or user.account_enabled):
            return ReasonCode.DISABLED
        if not rule.include_guests and user.user_type and user.user_type.casefold() == "guest":
            return ReasonCode.GUEST
        if rule.licensed_only and not user.sku_ids:
            return ReasonCode.UNLICENSED
        if skus and skus.isdisjoint(map(str.casefold, user.sku_ids)):
            return ReasonCode.UNLICENSED
        if rule.require_name and is_blank(user.given_name) and is_blank(user.surname):
            return ReasonCode.NO_NAME
        if domains and domain(primary_address(user, settings.primary_email)) not in domains:
            return ReasonCode.DOMAIN
        if rule.groups and user.id not in members:
            return ReasonCode.GROUP
        if excluded and (excluded(primary_address(user, settings.primary_email)) or excluded(user.username)):
            return ReasonCode.PATTERN
        return None

    return reason


def patterns(entries: Iterable[str]) -> Callable[[str], bool] | None:
    """A test against patterns in which `*` stands for any text and nothing else is special."""
    expressions = [".*".join(map(re.escape, address(entry).split("*"))) for entry in entries if entry.strip()]
    if not expressions:
        return None
    expression = re.compile("|".join(f"(?:{each})" for each in expressions), re.DOTALL)
    return lambda value: expression.fullmatch(address(value)) is not None


def limited(selected: Selected, ignored: Iterable[str], users: Iterable[User], options: Options) -> Selected:
    """The selection once `match_overrides` and the option `users` have excluded more of the users.

    Matching has seen them all the same: a limited run matches nobody with somebody else's contact.
    """
    excluded = dict(selected.excluded)
    for user_id in ignored:
        if user_id in selected.user_ids:
            excluded[user_id] = ReasonCode.IGNORED_BY_OVERRIDE
    warnings = list(selected.warnings)
    if options.users is not None:
        warnings += _limit(excluded, users, frozenset(map(address, options.users)))
    return Selected(selected.user_ids, excluded, tuple(warnings))


def _limit(excluded: dict[str, ReasonCode], users: Iterable[User], wanted: frozenset[str]) -> Iterator[Reason]:
    """Exclude whom the option `users` does not name; a warning for each name that nobody has."""
    known: set[str] = set()
    for user in users:
        keys = {address(user.username), address(user.id)}
        known |= keys
        if wanted.isdisjoint(keys):
            excluded.setdefault(user.id, ReasonCode.NOT_AMONG_USERS)
    for unknown in sorted(wanted - known):
        yield because(ReasonCode.UNKNOWN_USER, user=unknown)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `bms_match_overrides` says of users: which BMS contact is theirs (matching guide)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .conflicts import IGNORE, NEW, Answer
from .directory import BmsDirectory
from .errors import InputError, OverrideError
from .model import BmsContact, BmsId, User
from .reasons import Reason, ReasonCode, because
from .text import address

OPTION = "bms_match_overrides"


def resolve(overrides: Mapping[str, Answer], users: Collection[User]) -> tuple[dict[str, Answer], tuple[Reason, ...]]:
    """The answers by user id, and a warning for each user whom the tenant does not have.

    Raises InputError for a user with two answers.
    """
    if not overrides:
        return {}, ()
    by_key = {address(user.username): user for user in users} | {address(user.id): user for user in users}
    answers: dict[str, Answer] = {}
    warnings = []
    for key, answer in overrides.items():
        user = by_key.get(address(key))
        if user is None:
            warnings.append(because(ReasonCode.OVERRIDE_FOR_UNKNOWN_USER, option=OPTION, user=key))
        elif answers.setdefault(user.id, answer) != answer:
            raise InputError(
                f"{OPTION} names the user {user.username} twice, with different answers.",
                hint="Keep one of the two entries.",
            )
    return answers, tuple(warnings)


def chosen(answers: Mapping[str, Answer], usernames: Mapping[str, str], bms: BmsDirectory) -> dict[str, BmsContact]:
    """The BMS contacts that the answers name, by user id. `usernames` are those of the users that are looked up.

    Raises OverrideError for a BMS contact that the account does not have, InputError for one that is named for two
    users.
    """
    found: dict[str, BmsContact] = {}
    holders: dict[BmsId, str] = {}
    for user_id, answer in answers.items():
        if answer in (NEW, IGNORE) or user_id not in usernames:
            continue
        username, bms_id = usernames[user_id], BmsId(int(answer))
        if bms_id not in bms.contact:
            raise OverrideError(
                f"{OPTION} pairs {username} with BMS contact {bms_id}, which the BMS account does not have.",
                option=OPTION,
                user_id=user_id,
                username=username,
                hint="Put the id of a BMS contact of the account, 'new' or 'ignore' in its place.",
            )
        if bms_id in holders:
            raise InputError(
                f"{OPTION} pairs BMS contact {bms_id} with two users, {holders[bms_id]} and {username}.",
                hint="A BMS contact is one person: keep one of the two entries.",
            )
        holders[bms_id] = username
        found[user_id] = bms.contact[bms_id]
    return found

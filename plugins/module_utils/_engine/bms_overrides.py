# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `bms_match_overrides` says of users: which BMS contact is theirs (matching guide)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .conflicts import IGNORE, NEW, Answer
from .directory import BmsDirectory
from .errors import OverrideError
from .model import BmsContact, BmsId, User
from .overrides import refuse_shared, resolved_overrides
from .reasons import Reason

OPTION = "bms_match_overrides"


def resolve(overrides: Mapping[str, Answer], users: Collection[User]) -> tuple[dict[str, Answer], tuple[Reason, ...]]:
    """The answers by user id, and a warning for each user whom the tenant does not have.

    Raises InputError for a user with two answers.
    """
    found, warnings = resolved_overrides(OPTION, overrides, users)
    return {user_id: override.target for user_id, override in found.items()}, tuple(warnings)


def chosen(answers: Mapping[str, Answer], usernames: Mapping[str, str], bms: BmsDirectory) -> dict[str, BmsContact]:
    """The BMS contacts that the answers name, by user id. `usernames` are those of the users that are looked up.

    Raises OverrideError for a BMS contact that the account does not have, InputError for one that is named for two
    users.
    """
    found: dict[str, BmsContact] = {}
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
        found[user_id] = bms.contact[bms_id]
    refuse_shared(OPTION, "BMS contact", [(usernames[user_id], each.id) for user_id, each in found.items()])
    return found

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `bms_match_overrides` says of users: which BMS contact is theirs (matching guide)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .conflicts import IGNORE, NEW, Answer
from .directory import BmsDirectory
from .errors import OverrideError
from .identity import Names, compare_names, same_key
from .model import BmsContact, BmsId, User
from .overrides import handed_on, refuse_shared
from .text import NAMES_OF_CONTACT, NAMES_OF_USER

OPTION = "bms_match_overrides"


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


def with_other_names(
    chosen: Mapping[str, BmsContact], user_ids: Collection[str], users: Mapping[str, User]
) -> dict[str, BmsContact]:
    """Those of the BMS contacts chosen for the users of these ids that bear different names. `chosen`, `users` and the
    result are by user id."""
    return {
        user_id: each
        for user_id, each in chosen.items()
        if user_id in user_ids
        and compare_names(NAMES_OF_USER(users[user_id]), NAMES_OF_CONTACT(each)) == Names.DIFFERENT
    }


def refuse_handed_on(
    chosen: Mapping[str, BmsContact], usernames: Mapping[str, str], former_users: Iterable[User]
) -> None:
    """Raise OverrideError where one of the BMS contacts, chosen for users by username, bears the names of a former
    user, who is excluded or deleted."""
    former = {same_key(*NAMES_OF_USER(user)): user.id for user in former_users} if chosen else {}
    former.pop(None, None)
    for user_id, each in chosen.items():
        if other := former.get(same_key(*NAMES_OF_CONTACT(each))):
            raise handed_on(OPTION, f"BMS contact {each.id}", user_id, usernames[user_id], other)

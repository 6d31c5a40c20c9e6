# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many changes a plan may make (safety guide)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from .errors import InputError, quoted
from .options import Options
from .plan import Action, DepartedSubject, ExceededLimit, Operation, Push

MAX_DEACTIVATIONS = "20"
"""How many contacts may be deactivated where the option is not given."""


def exceeded_limits(operations: Sequence[Operation], selected: int, options: Options) -> Iterator[ExceededLimit]:
    """The limits that the operations exceed; `selected` is how many users the filter lets through.

    Raises InputError for a limit that is neither a number nor a percentage.
    """
    changing = [operation for operation in operations if operation.writes]
    for option, given, counts in (
        ("max_creates", options.max_creates, _creates),
        ("max_updates", options.max_updates, _updates),
        ("max_pushes", options.max_pushes, _makes_bms_contact),
        ("max_deactivations", options.max_deactivations or MAX_DEACTIVATIONS, _deactivates),
    ):
        limit = allowed(option, given, selected)
        count = sum(map(counts, changing))
        if count > limit:
            yield ExceededLimit(option, count, limit)


def _creates(operation: Operation) -> bool:
    return operation.itglue.action == Action.CREATE


def _updates(operation: Operation) -> bool:
    return (operation.itglue.action == Action.UPDATE or bool(operation.bms.after)) and not _deactivates(operation)


def _makes_bms_contact(operation: Operation) -> bool:
    """Under `native` it is IT Glue that makes one, of what is written to it."""
    return operation.bms.push == Push.PUSHED or (operation.bms.push == Push.PENDING and operation.itglue.writes)


def _deactivates(operation: Operation) -> bool:
    return isinstance(operation.subject, DepartedSubject) and operation.writes


def allowed(option: str, given: str | None, selected: int) -> int:
    """How many changes a limit allows: a number, a percentage of the selected users rounded down,
    or, not given, the larger of 25 and 50 %.

    Raises InputError for anything else.
    """
    if given is None or not given.strip():
        return max(25, selected // 2)
    value = given.strip()
    number = value.removesuffix("%").strip()
    if not number.replace(".", "", 1).isdecimal() or not number.isascii() or ("." in number and number == value):
        raise InputError(
            f"{option} is {quoted(given)}, which is neither a number nor a percentage.",
            hint="Write it as 100 or as '20%'; 0 allows none.",
        )
    return int(Fraction(number) * selected / 100) if value.endswith("%") else int(number)

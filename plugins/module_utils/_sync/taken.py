# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IT Glue has taken of a request of several that it refused. Whether it takes such a one in part is not published,
nor whether it replaces arrays or merges them: then it holds all that was sent, beside entries that were to go."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from .._engine.attributes import EMAILS, PHONES, comparable, decode, with_values
from .._engine.model import Contact
from .._engine.plan import Action, Operation
from .read_back import holds


def was_taken(operation: Operation, present: Contact | None) -> bool:
    """Whether IT Glue holds what was to be written. `present` is the contact as it is now, None where it is gone."""
    if present is None:
        return False
    if operation.itglue.resaves:
        return present.updated_at != operation.wanted.updated_at
    return all(comparable(present, each) == comparable(operation.wanted, each) for each in operation.itglue.after)


def with_taken(fresh: Operation, planned: Operation, present: Contact | None) -> tuple[Operation, set[str]]:
    """A fresh operation with what IT Glue has taken already of the one that was planned and sent; and those attributes,
    which need not be sent again."""
    part, sent = fresh.itglue, planned.itglue
    taken = _taken(planned, present) if present and part.action in (Action.UPDATE, Action.UNCHANGED) else set()
    if not taken:
        return fresh, taken
    part = part._replace(
        action=Action.UPDATE,
        before={**part.before, **{each: sent.before[each] for each in taken}},
        after={**part.after, **{each: sent.after[each] for each in taken}},
        contact=with_values(fresh.wanted, planned.wanted, taken),
    )
    return fresh._replace(itglue=part), taken


def is_own_change(contact: Contact, known: Contact, planned: Operation) -> bool:
    """Whether all that has changed of a `known` contact is what IT Glue has taken of what was planned and sent."""
    before, wanted = decode(planned.itglue.before), planned.wanted
    taken = _taken(planned, contact)
    are_own = (_entries(contact, each) <= _entries(before, each) | _entries(wanted, each) for each in taken)
    return bool(taken) and with_values(contact, known, taken) == known and all(are_own)


def _taken(planned: Operation, present: Contact) -> set[str]:
    """The attributes that hold what was planned and sent, and did not hold it before."""
    before = decode(planned.itglue.before)
    return {
        each
        for each in planned.itglue.after
        if holds(present, planned.wanted, each) and comparable(present, each) != comparable(before, each)
    }


def _entries(contact: Contact, attribute: str) -> set[Hashable]:
    """The entries of an array, whichever is primary; none of another attribute."""
    if attribute not in (EMAILS, PHONES):
        return set()
    emails = tuple(replace(each, primary=False) for each in contact.emails)
    phones = tuple(replace(each, primary=False) for each in contact.phones)
    return set(comparable(replace(contact, emails=emails, phones=phones), attribute))

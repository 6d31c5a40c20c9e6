# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IT Glue says of attributes that were written: which it holds, which it took without keeping them, and which
it refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .._engine.attributes import EMAILS, PHONES, comparable, decode, encode, group_of, groups_of
from .._engine.errors import ApiError, NotFoundError, RejectedError
from .._engine.model import Contact, ItGlueId
from .._engine.plan import Action, ItGluePart, Operation
from .._engine.reasons import Reason
from .ports import ItGlueReader

PAGE = 1000
"""Contacts on a page of IT Glue's list at most (IT Glue API, paging)."""

NOTHING: Mapping[ItGlueId, Contact] = MappingProxyType({})


def present_contacts(
    itglue: ItGlueReader,
    organization_id: ItGlueId,
    written: Iterable[ItGlueId],
    total: int,
    changed: Mapping[ItGlueId, Contact] = NOTHING,
) -> dict[ItGlueId, Contact]:
    """The written contacts of an organization as they are now, in as few requests as it takes, beside those that are
    `changed`. `total` is how many contacts the organization has. Raises ApiError."""
    others = [each for each in written if each not in changed]
    if len(others) > 1 + total // PAGE:
        return {contact.id: contact for contact in itglue.contacts(organization_id)}
    present = dict(changed)
    for ident in others:
        with suppress(NotFoundError):
            present[ident] = itglue.contact(ident)
    return present


def as_read_back(operation: Operation, present: Contact | None) -> ItGluePart:
    """The IT Glue part once IT Glue has been asked what it holds now.

    `after` stays as it was sent where IT Glue holds the same after its normalisation.
    """
    part = operation.itglue
    if present is None:
        return part._replace(unapplied=groups_of(part.after))
    exact, shown, touched = set(), set(), []
    for each in part.after:
        if comparable(present, each) == comparable(operation.wanted, each):
            exact.add(each)
        if each in exact or _shows(present, operation, each):
            shown.add(each)
        if part.action == Action.CREATE or encode(present, [each])[each] != part.before.get(each):
            touched.append(each)
    if len(exact) == len(part.after):
        return part
    return part._replace(
        action=part.action if touched else Action.UNCHANGED,
        before={each: part.before[each] for each in touched if each in part.before},
        after={each: part.after[each] if each in exact else encode(present, [each])[each] for each in touched},
        unapplied=groups_of(each for each in part.after if each not in shown),
    )


def _shows(present: Contact, operation: Operation, attribute: str) -> bool:
    """Whether all entries of an array are there as they were sent, be it beside others that somebody
    else has added; and none that was to go, as where IT Glue merges arrays."""
    if attribute not in (EMAILS, PHONES) or not holds(present, operation.wanted, attribute):
        return False
    stored, sent, before = (
        comparable(contact, attribute) for contact in (present, operation.wanted, decode(operation.itglue.before))
    )
    beside = Counter(value for value, *dummy in stored) - Counter(value for value, *dummy in sent)
    return not any(value in beside for value, *dummy in before)


def holds(present: Contact, wanted: Contact, attribute: str) -> bool:
    """Whether a contact has the wanted value, or all wanted entries of an array."""
    stored, sent = comparable(present, attribute), comparable(wanted, attribute)
    return all(entry in stored for entry in sent) if attribute in (EMAILS, PHONES) else bool(stored == sent)


@dataclass(slots=True)
class Alone:
    """What came of a contact's update by itself: attributes that were `taken` and those `waiting`, groups that are
    `locked`, and the error where the service takes nothing now."""

    waiting: list[dict[str, Any]]
    taken: set[str]
    locked: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    error: ApiError | None = None


def without_refused(attributes: Mapping[str, Any], error: RejectedError) -> tuple[list[str], list[dict[str, Any]]]:
    """The refused attribute groups, and what to try again without them.

    Where the error does not point at an attribute, each group is tried apart.
    """
    groups: dict[str, dict[str, Any]] = {}
    for each, value in attributes.items():
        groups.setdefault(group_of(each), {})[each] = value
    if len(groups) == 1:
        return list(groups), []
    # Some pointers spell an attribute with underscores.
    pointers = "".join(error.pointers).replace("_", "-")
    pointed = [group for group, members in groups.items() if any(each in pointers for each in members)]
    if not pointed:
        return [], list(groups.values())
    rest = {each: value for each, value in attributes.items() if group_of(each) not in pointed}
    return pointed, [rest] if rest else []

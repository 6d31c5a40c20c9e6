# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs that IT Glue pushes contacts to BMS by itself while a run pushes them too (setup guide).

IT Glue's own two-way sync pushes whatever is written to it. With `push_method: direct` it is to be off, or people are
created twice. Whether it is off, no service tells; what it does can be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from .bms_evidence import names_of
from .directory import BmsDirectory, Directory
from .identity import Names, Resembling, compare_names
from .model import BmsId, Contact, ItGlueId
from .plan import Action, Operation
from .reasons import Reason, ReasonCode, because

_ENOUGH = 2
"""So many people are no coincidence: one alone somebody may have created by hand at the same time."""


def in_bms_twice(operations: Iterable[Operation], directory: Directory, bms: BmsDirectory) -> Reason | None:
    """The sign that is there before a run writes: people who are in BMS twice, of whom one is linked; None where
    there is no sign."""
    own = {operation.itglue.contact_id for operation in operations}
    found = {
        contact_id: twins
        for bms_id, contact_ids in directory.linked.items()
        for contact_id in contact_ids
        if contact_id in own and (twins := list(_twins(directory.contact[contact_id], bms_id, directory, bms)))
    }
    if not found:
        return None
    return _pushes_too(found, (bms_id for twins in found.values() for bms_id in twins))


def _twins(contact: Contact, bms_id: BmsId, directory: Directory, bms: BmsDirectory) -> Iterator[BmsId]:
    """The BMS contact that a contact is linked to, and the others of the person; nothing where there are none."""
    linked = bms.contact.get(bms_id)
    if linked is None or not linked.active:
        return
    names = names_of(contact)
    if compare_names(names, names_of(linked)) != Names.SAME:
        return
    twins = [
        each.id
        for each in bms.with_an_address(directory.email_keys(contact))
        if each.active and each.id not in directory.linked and compare_names(names, names_of(each)) == Names.SAME
    ]
    if twins:
        yield linked.id
        yield from twins


def pushed_meanwhile(
    linked: Collection[Operation],
    in_bms: Collection[Operation],
    shown: Collection[Contact],
    bms_ids: Iterable[BmsId],
) -> Reason | None:
    """The sign that a run sees once it has written to IT Glue; None where there is none.

    `linked` are the operations whose contacts IT Glue shows as linked by now, `in_bms` those whose person is in BMS
    by now, although the run has not pushed them; `bms_ids` are the BMS contacts of both. `shown` are the contacts as
    IT Glue shows them by now.
    """
    created = [each for each in linked if each.itglue.action == Action.CREATE]
    written = [each for each in linked if each.itglue.writes]
    present = Resembling(shown)
    written += [each for each in in_bms if each.itglue.action == Action.CREATE and not _has_twin(each, present)]
    if not created and len(written) < _ENOUGH:
        return None
    return _pushes_too((each.itglue.contact_id for each in written), bms_ids)


def _has_twin(operation: Operation, present: Resembling[Contact]) -> bool:
    """Whether another run has created the same person in IT Glue: that run may have pushed it."""
    return any(each.id != operation.itglue.contact_id for each in present.to(operation.wanted))


def _pushes_too(contact_ids: Iterable[ItGlueId | None], bms_ids: Iterable[BmsId]) -> Reason:
    return because(
        ReasonCode.ITGLUE_PUSHES_TOO,
        contact_ids=sorted({each for each in contact_ids if each is not None}),
        bms_contact_ids=sorted({*bms_ids}),
    )

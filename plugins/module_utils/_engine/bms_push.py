# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is pushed: the BMS contact that is created, or the contact that IT Glue pushes (setup guide)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .attributes import EMAILS, encode
from .contact_phones import is_fax
from .directory import Directory
from .grouping import repeated
from .identity import names_of
from .model import BmsContact, BmsEmail, BmsId, BmsLocation, BmsPhone, BmsSnapshot, Contact
from .output import shown_name
from .phones import PLACEHOLDER, is_placeholder
from .plan import PUSHES, Action, ItGluePart, Operation, Push, Subject
from .reasons import Reason, ReasonCode, because
from .text import NAMES_OF_CONTACT, folded, text

SAVED_AGAIN_AFTER = 24 * 3600.0
"""Seconds after which a complete contact without a link is saved again."""

_SAVED_FIELDS = ("first-name", EMAILS)
"""What is sent to save a contact as it is: a contact that is ready has both."""


# ---------------------------------------------------------------------- native


def left_to_itglue(operation: Operation, read_at: float) -> Operation:
    """Under `native`: IT Glue pushes what is written to it. `read_at` is in seconds since the epoch.

    A contact that was complete before is saved as it is, but not again within a day: by the time
    of its last change the next run knows that it was saved, and changes nothing.
    """
    pending = operation._replace(bms=operation.bms._replace(push=Push.PENDING))
    if operation.itglue.action != Action.UNCHANGED:
        return pending.because(because(ReasonCode.ITGLUE_PUSHES))
    contact = operation.wanted
    saved_at = contact.saved_at
    if operation.itglue.locked or saved_at is None or saved_at >= read_at - SAVED_AGAIN_AFTER:
        return pending.because(because(ReasonCode.AWAITING_LINK))
    present = encode(contact, _SAVED_FIELDS)
    saved = ItGluePart(Action.UPDATE, operation.itglue.contact_id, present, present, contact)
    return pending._replace(itglue=saved).because(because(ReasonCode.SAVED_AGAIN))


# ---------------------------------------------------------------------- direct


def created_in_bms(operation: Operation, bms: BmsSnapshot, place: BmsLocation | None) -> Operation:
    """Under `direct`: the operation with the BMS contact to create at a location. It fails where the account has
    none for it. A contact that IT Glue is known to refuse as synced is linked, whatever it shows: it is deferred."""
    contact = operation.wanted
    if place is None:
        reason = because(ReasonCode.NO_BMS_LOCATION, account_id=bms.account.id, location=contact.location_name)
        return operation.withheld(bms=Push.FAILED, reason=reason)
    pushed = operation.bms._replace(push=Push.PUSHED, create=bms_contact(contact, bms, place))
    dropped = any(entry.extension for entry in contact.phones)
    reasons = (because(ReasonCode.EXTENSIONS_DROPPED),) if dropped else ()
    operation = operation.with_bms(pushed, *reasons)
    if operation.itglue.locked:
        return operation.withheld(bms=Push.DEFERRED, reason=because(ReasonCode.REFUSED_AS_SYNCED))
    return operation


def bms_location(name: str | None, locations: Sequence[BmsLocation]) -> BmsLocation | None:
    """The account's location of a name, else its main one."""
    wanted = folded(name)
    same = [place for place in locations if folded(place.name) == wanted] if wanted else []
    main = [place for place in locations if place.main]
    return min(same or main, key=lambda place: place.id, default=None)


def bms_contact(contact: Contact, bms: BmsSnapshot, place: BmsLocation) -> BmsContact:
    """The contact as BMS takes it: all e-mails and phones, primary as default; no faxes."""
    email_type, phone_type = bms.types
    return BmsContact(
        id=BmsId(0),
        account_id=bms.account.id,
        location_id=place.id,
        first_name=text(contact.first_name),
        last_name=text(contact.last_name) or None,
        job_title=text(contact.title) or None,
        emails=tuple(
            BmsEmail(entry.value.strip(), email_type.id, email_type.name, entry.primary) for entry in contact.emails
        ),
        phones=tuple(
            BmsPhone(
                PLACEHOLDER if is_placeholder(entry.value) else entry.value,
                phone_type.id,
                phone_type.name,
                entry.primary,
            )
            for entry in contact.phones
            if not is_fax(entry)
        ),
    )


# ---------------------------------------------------------------------- warnings


def names_not_unique(operations: Sequence[Operation], directory: Directory) -> Iterator[Reason]:
    """Warnings of pushes whose name is not unique among the contacts as they become.

    The pull of IT Glue pairs by first and last name alone, be the last one blank (BMS field mapping, "Matching").
    """
    pushed = [operation for operation in operations if operation.bms.push in PUSHES]
    written: dict[int | Subject, Contact] = {
        operation.itglue.contact_id or operation.subject: operation.wanted
        for operation in operations
        if operation.itglue.writes
    }
    # Whoever has the same full name has the same names, which the directory knows already.
    wanted = {directory.names_of(operation.wanted) for operation in pushed}
    names_of_all = directory.names_of_contacts.items()
    staying = [each for each, names in names_of_all if names in wanted and each not in written]
    becoming = [*map(directory.contact.__getitem__, staying), *written.values()]
    shared = repeated([directory.names_of(contact) for contact in becoming])
    held = Counter(names_of(contact) for contact in becoming if directory.names_of(contact) in shared)
    for operation in pushed if shared else ():
        if held[names_of(operation.wanted)] > 1:
            shown = shown_name(*NAMES_OF_CONTACT(operation.wanted))
            yield because(ReasonCode.NAME_NOT_UNIQUE, user=operation.user, name=shown)

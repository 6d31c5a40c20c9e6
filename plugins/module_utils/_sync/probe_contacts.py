# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contacts that a probe makes, and all that it may write: nobody else's can be touched here.

Each contact bears the probe's mark in its name and in every address. What is changed or removed
is read first, and refused where it lacks the mark. So a probe that was killed leaves nothing that
the next one would not find; no file has to tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._clients.decoding import Reader, Row
from .._engine.attributes import decode
from .._engine.errors import ApiError, InputError, NotFoundError
from .._engine.model import Account, BmsContact, BmsId, Contact, EntryChange, ItGlueId
from .._engine.probing import MARK, made_by_probe
from .outcomes import BULK
from .probe_answers import ProbedBms, ProbedItGlue, attributes_of, itglue_rows
from .read_back import PAGE

_TRIES = 2


@dataclass(slots=True)
class OwnContacts:
    """The probe's contacts in one organization of IT Glue."""

    itglue: ProbedItGlue
    organization_id: ItGlueId
    token: str
    created: set[ItGlueId] = field(default_factory=set)

    def create(self, rows: Sequence[Mapping[str, Any]]) -> list[Contact]:
        """Create contacts in one request. Raises what the client raises; after a doubt, look at `present`."""
        for row in rows:
            self._check(decode(row))
        created = list(self.itglue.create_contacts(self.organization_id, rows))
        self.created.update(each.id for each in created)
        return created

    def update(self, contact_id: ItGlueId, attributes: Mapping[str, Any]) -> None:
        self._check(decode(attributes_of(self.show(contact_id))))
        self.itglue.update_contact(contact_id, attributes)

    def show(self, contact_id: ItGlueId) -> Row:
        """A contact as it is on the wire, with what integrations hold it."""
        body = self.itglue.raw(f"/contacts/{contact_id}", {"include": "adapters_resources"})
        return Reader("itglue", "GET /contacts/{id}").part(body, "data")

    def present(self) -> list[tuple[ItGlueId, Contact]]:
        """This probe's contacts that are there."""
        return [(ident, contact) for ident, contact in self.marked() if made_by_probe(contact, self.token)]

    def marked(self) -> Iterator[tuple[ItGlueId, Contact]]:
        """The contacts of all probes, found without what the decoded list insists on."""
        seen: set[str] = set()
        number, known = 0, -1
        while known < len(seen):
            number, known = number + 1, len(seen)
            params = {"filter[organization_id]": self.organization_id, "sort": "id"}
            body = self.itglue.raw("/contacts", {**params, "page[size]": PAGE, "page[number]": number})
            for row in itglue_rows(body, "/contacts"):
                attributes = attributes_of(row)
                # A filter that is not known would be ignored.
                own = str(attributes.get("organization-id")) == str(self.organization_id)
                new = own and str(row.get("id")) not in seen
                seen.add(str(row.get("id")))
                # Decoded only when the name says so: whatever others hold is none of the probe's business.
                if new and MARK.fullmatch(str(attributes.get("last-name"))):
                    contact = decode(attributes)
                    if made_by_probe(contact):
                        yield ItGlueId(int(str(row["id"]))), contact

    def remove(self) -> list[tuple[ItGlueId, str]]:
        """Delete the contacts of all probes, and look again; ids that remain, with the reason."""
        reason = "It is still there."
        for dummy in range(_TRIES):
            idents = [ident for ident, dummy in self.marked()]
            idents += self._unlisted(idents)
            if not idents:
                return []
            try:
                for start in range(0, len(idents), BULK):
                    self.itglue.delete_contacts(idents[start : start + BULK])
            except NotFoundError:
                continue
            except ApiError as error:
                reason = str(error)
        return [(ident, reason) for ident, dummy in self.marked()]

    def _unlisted(self, listed: Sequence[ItGlueId]) -> list[ItGlueId]:
        """What was created and the list does not show: each is looked at once, as a list may lag behind."""
        missing, self.created = self.created.difference(listed), set()
        return [ident for ident in sorted(missing) if self._is_there(ident)]

    def _is_there(self, contact_id: ItGlueId) -> bool:
        try:
            return made_by_probe(decode(attributes_of(self.show(contact_id))), self.token)
        except NotFoundError:
            return False

    def _check(self, contact: Contact) -> None:
        if not made_by_probe(contact, self.token):
            raise InputError("This contact is not the probe's own, so it is not written.")


@dataclass(frozen=True, slots=True)
class OwnBmsContacts:
    """The probe's contacts in one account of BMS. They cannot be deleted, only made inactive."""

    bms: ProbedBms
    account: Account
    token: str

    def create(self, contact: BmsContact) -> BmsId:
        self._check(contact)
        return self.bms.create_contact(contact)

    def patch(self, contact_id: BmsId, kind: str, changes: Sequence[EntryChange]) -> None:
        """Change the e-mails or the phones."""
        self._check(self.bms.contact(contact_id))
        patch = self.bms.patch_emails if kind == "emails" else self.bms.patch_phones
        patch(contact_id, changes)

    def set(self, contact_id: BmsId, values: Mapping[str, object]) -> None:
        self._check(self.bms.contact(contact_id))
        self.bms.set_contact(contact_id, values)

    def marked(self) -> list[BmsContact]:
        """The contacts of all probes."""
        return [each for each in self.bms.contacts(self.account.id) if made_by_probe(each)]

    def clear_up(self) -> list[tuple[BmsId, str]]:
        """Make the active contacts of all probes inactive, and look again; this probe's and what was active."""
        deactivated: dict[BmsId, str] = {}
        for dummy in range(_TRIES):
            for each in self.marked():
                if each.active or made_by_probe(each, self.token):
                    deactivated[each.id] = self._deactivated(each)
        return list(deactivated.items())

    def _deactivated(self, contact: BmsContact) -> str:
        """What became of a contact that is marked."""
        try:
            if contact.active:
                self.bms.set_contact(contact.id, {"IsActive": False})
        except ApiError as error:
            return f"It is still active: {error}"
        return "It is inactive. BMS cannot delete it."

    def _check(self, contact: BmsContact) -> None:
        if not made_by_probe(contact, self.token):
            raise InputError("This BMS contact is not the probe's own, so it is not written.")

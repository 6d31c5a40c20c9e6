# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions of a probe to BMS: reads, and writes to a contact of the probe's own."""

from __future__ import annotations

from dataclasses import dataclass

from .._clients.bms_errors import value
from .._clients.decoding import Row
from .._engine import probing as judge
from .._engine.errors import (
    ApiError,
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RejectedError,
    SyncError,
)
from .._engine.model import BmsContact, BmsEmail, BmsId, BmsPhone, EntryChange
from .._engine.probing import Judgement, mail, mark, unknown
from .probe_answers import (
    NUMBER,
    OVER_THE_LIMIT,
    Answers,
    ProbedBms,
    bms_rows,
    bms_total,
    name_filter,
)
from .probe_contacts import OwnBmsContacts

ACCOUNT_NOT_KNOWN = "The BMS account of the organization is not known."
_FURTHER_NUMBERS = ("+1 (555) 010-0198", "+1 (555) 010-0197")


@dataclass(slots=True)
class BmsQuestions:
    """The questions about one account; `own` is None where it is not known."""

    bms: ProbedBms
    own: OwnBmsContacts | None
    answers: Answers
    token: str

    def answer_reads(self) -> None:
        """Answer the questions that take reads only."""
        self.answers.answer("bms_casing", lambda: judge.casing(self._bms("/v2/crm/contacts/summary", PageSize=1)))
        self.answers.answer("bms_page_limit", self._bms_page)
        self.answers.answer("bms_types", self._bms_types)
        self.answers.answer("bms_envelope", self._envelope)
        self.answers.answer("bms_name_filter", self._bms_names)

    def write(self) -> None:
        """Answer the questions that take writes."""
        made = self._bms_contact()
        if made is not None:
            self.answers.answer("bms_contact_patch_endpoints", lambda: self._patch_endpoints(made))
            self.answers.answer("bms_null", lambda: self._bms_null(made.id))
            self.answers.answer("bms_deactivate", lambda: self._bms_deactivate(made.id))

    def _bms(self, path: str, template: str | None = None, **params: object) -> Row:
        return self.bms.raw(path, params, template)

    def _bms_page(self) -> Judgement:
        body = self._bms("/v2/crm/contacts/summary", PageSize=OVER_THE_LIMIT, PageNumber=1)
        request = f"GET /v2/crm/contacts/summary with PageSize={OVER_THE_LIMIT}"
        rows = bms_rows(body, "/v2/crm/contacts/summary")
        return judge.page_limit(OVER_THE_LIMIT, len(rows), bms_total(body), request)

    def _bms_types(self) -> Judgement:
        return judge.types({"e-mail": self._type_names("EmailType"), "phone": self._type_names("PhoneType")})

    def _type_names(self, table: str) -> tuple[str, list[str]]:
        for lookup in ("lookup", "tenantlookup"):
            try:
                body = self._bms(f"/v2/system/{lookup}/{table}", f"/v2/system/{lookup}/{{tableName}}")
            except (NotFoundError, RejectedError, PermissionDeniedError):
                continue
            rows = bms_rows(body, f"/v2/system/{lookup}/{table}")
            names = [str(value(row, "name")) for row in rows if value(row, "name")]
            if names:
                return lookup, names
        return "", []

    @property
    def _needed(self) -> OwnBmsContacts:
        if self.own is None:
            raise InputError(ACCOUNT_NOT_KNOWN)
        return self.own

    def _envelope(self) -> Judgement:
        ident = self._needed.account.id
        return judge.envelope(self._bms(f"/v2/crm/accounts/summary/{ident}", "/v2/crm/accounts/summary/{id}"))

    def _bms_names(self) -> Judgement:
        account = self._needed.account
        return name_filter(account.name, lambda name: any(each.id == account.id for each in self.bms.accounts(name)))

    def inactive_by_default(self) -> Judgement:
        """Whether a list without a filter holds inactive contacts."""
        account_id = self._needed.account.id

        def count(**more: object) -> int | None:
            params = {"Filter.AccountId": account_id, "PageSize": 1, "PageNumber": 1, **more}
            return bms_total(self.bms.raw("/v2/crm/contacts/summary", params))

        return judge.inactive_by_default(
            count(), count(**{"Filter.IsActive": "true"}), count(**{"Filter.IsActive": "false"})
        )

    # ---------------------------------------------------------------------- writes

    def _bms_contact(self) -> BmsContact | None:
        """The probe's contact in BMS, as it reads back."""
        try:
            wanted = self._new_bms_contact()
            try:
                made = self.bms.contact(self._needed.create(wanted))
            except OutcomeUnknownError as error:
                found = [each for each in self._needed.marked() if each.last_name == wanted.last_name]
                if not found:
                    raise error
                made = found[0]
        except SyncError as error:
            self.answers.found["bms_create"] = unknown(str(error))
            return None
        self.answers.found["bms_create"] = judge.bms_created(made, wanted)
        return made

    def _new_bms_contact(self) -> BmsContact:
        account, bms = self._needed.account, self.bms
        places = sorted(bms.account_locations(account.id), key=lambda each: not each.main)
        emails, phones = bms.email_types(), bms.phone_types()
        if not (places and emails and phones):
            raise InputError("The BMS account has no location, or BMS shows no types of e-mails and phones.")
        return BmsContact(
            id=BmsId(0),
            account_id=account.id,
            location_id=places[0].id,
            first_name="Probe",
            last_name=mark(self.token, 0),
            emails=(BmsEmail(mail(self.token, 0), emails[0].id, default=True),),
            phones=(BmsPhone(NUMBER, phones[0].id, default=True),),
        )

    def _patch_endpoints(self, made: BmsContact) -> Judgement:
        """Each kind of change, of which BMS publishes numbers without names: its counters tell what was done."""
        emails = (mail(self.token, 0, "a"), mail(self.token, 0, "b"), made.emails[0].type_id)
        numbers = (*_FURTHER_NUMBERS, made.phones[0].type_id if made.phones else 1)
        outcomes = {}
        for kind, (first, other, type_id) in {"emails": emails, "phones": numbers}.items():
            changes = (
                EntryChange("add", first, type_id=type_id, default=False),
                EntryChange("update", first, new_value=other),
                EntryChange("delete", other),
            )
            try:
                for change in changes:
                    self._needed.patch(made.id, kind, [change])
                outcomes[kind] = "present"
            except NotFoundError:
                outcomes[kind] = "absent"
            except ApiError as error:
                outcomes[kind] = str(error)
        return judge.patch_endpoints(outcomes)

    def _bms_null(self, contact_id: BmsId) -> Judgement:
        for title in ("Probe", None):
            self._needed.set(contact_id, {"JobTitle": title})
        return judge.null(self.bms.contact(contact_id).job_title)

    def _bms_deactivate(self, contact_id: BmsId) -> Judgement:
        self._needed.set(contact_id, {"IsActive": False})
        return judge.deactivated(self.bms.contact(contact_id).active)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The questions of a probe to IT Glue: reads, and writes to contacts of the probe's own.

These contacts have no first name, so that IT Glue, which may push contacts to BMS by itself, never
does so with them (help page on Office 365 auto-sync: a push needs the first name).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._clients.decoding import Reader, Row
from .._engine import probing as judge
from .._engine.attributes import decode
from .._engine.errors import OutcomeUnknownError, RejectedError, SyncError
from .._engine.model import BmsId, ItGlueId, Organization
from .._engine.probing import Judgement, mail, mark, unknown
from .ports import Clock, Sleep
from .probe_answers import (
    NUMBER,
    OVER_THE_LIMIT,
    Answers,
    ProbedItGlue,
    adapter_names,
    adapters_of,
    attributes_of,
    itglue_rows,
    itglue_total,
    name_filter,
    refusal_of,
)
from .probe_contacts import OwnBmsContacts, OwnContacts

_TICK = 1.1
"""Seconds after which a time stamp of whole seconds has moved."""

_NOBODY = 2_147_483_647
"""An id that no record of BMS has."""

_PSA_TYPES = ("kaseya-bms", "vorex", "pulseway-psa")
"""Under these IT Glue filters records that are linked to BMS and its namesakes (IT Glue API, Contacts)."""


@dataclass(slots=True)
class ItGlueQuestions:
    """The questions about one organization. `made` says whether a contact was created.

    `bulk` is the number of contacts in one request, `push_wait` in seconds how long a link is waited for.
    """

    itglue: ProbedItGlue
    organization: Organization
    account_id: BmsId | None
    own: OwnContacts
    answers: Answers
    token: str
    bulk: int
    push_wait: float
    sleep: Sleep
    clock: Clock
    made: bool = False

    def answer_reads(self) -> None:
        """Answer the questions that take reads only."""
        self.answers.answer("itglue_page_limit", self._itglue_page)
        self.answers.answer("itglue_unknown_filter", self._unknown_filter)
        self.answers.answer("itglue_name_filter", lambda: name_filter(self.organization.name, self._finds))
        self.answers.answer("itglue_adapter", self._adapter)

    def _itglue(self, path: str, **params: object) -> Row:
        return self.itglue.raw(path, params)

    def _itglue_page(self) -> Judgement:
        body = self._itglue("/contacts", **{"page[size]": OVER_THE_LIMIT})
        request = f"GET /contacts with page[size]={OVER_THE_LIMIT}"
        rows = itglue_rows(body, "/contacts")
        return judge.page_limit(OVER_THE_LIMIT, len(rows), itglue_total(body, "/contacts"), request)

    def _unknown_filter(self) -> Judgement:
        total = self._organizations()
        try:
            filtered = self._organizations(**{"filter[no_such_filter]": "x"})
        except RejectedError as error:
            return judge.unknown_filter(total, None, str(error))
        return judge.unknown_filter(total, filtered, None)

    def _organizations(self, **params: object) -> int | None:
        """How many organizations a list shows."""
        return itglue_total(self._itglue("/organizations", **{"page[size]": 1, **params}), "/organizations")

    def _finds(self, name: str) -> bool:
        escaped = name.replace(",", "\\,")
        body = self._itglue("/organizations", **{"filter[name]": escaped, "page[size]": 50})
        return any(str(row.get("id")) == str(self.organization.id) for row in itglue_rows(body, "/organizations"))

    def _adapter(self) -> Judgement:
        seen = {each.kind for each in self.organization.adapters}
        include = {"include": "adapters_resources", "page[size]": 50}
        own: dict[str, object] = {"filter[organization_id]": self.organization.id}
        asked: tuple[tuple[str, dict[str, object]], ...] = (("/organizations", {}), ("/contacts", own))
        for path, params in asked:
            seen |= set[str]().union(*adapter_names(self._itglue(path, **include, **params), path))
        return judge.adapter(seen, self.organization.adapters, self.account_id, self._filtered(include))

    def _filtered(self, include: Mapping[str, object]) -> set[str]:
        """The adapters that all records have which IT Glue filters as linked to BMS, where it heeds that filter."""
        common: set[str] = set()
        for kind in _PSA_TYPES:
            params: dict[str, object] = {"filter[psa_integration_type]": kind, **include}
            if itglue_rows(self._itglue("/organizations", **params, **{"filter[psa_id]": _NOBODY}), "/organizations"):
                return set()
            names = adapter_names(self._itglue("/organizations", **params), "/organizations")
            common |= set.intersection(*names) if names else set()
        return common

    # ---------------------------------------------------------------------- writes

    def _row(self, number: int, **more: Any) -> dict[str, Any]:
        emails = [{"value": mail(self.token, number), "label-name": "Work", "primary": True}]
        return {"last-name": mark(self.token, number), "contact-emails": emails, **more}

    def write(self) -> None:
        """Answer the questions that take writes, on contacts of the probe's own."""
        main = self._main_contact()
        if main is not None:
            self.answers.answer("itglue_unlinked", lambda: self._unlinked(main))
            self.answers.answer("itglue_phones", lambda: self._phones(main))
            self.answers.answer("itglue_email_filter", self._email_filter)
            self.answers.answer("itglue_noop", lambda: self._noop(main))
            self.answers.answer("itglue_null", lambda: self._null(main))
            self.answers.answer("itglue_foreign_location", lambda: self._foreign_location(main))
            self.answers.answer("itglue_arrays", lambda: self._arrays(main))
            self.answers.answer("itglue_primaries", lambda: self._primaries(main))
        self.answers.answer("itglue_bulk_create", self._bulk_create)
        self.answers.answer("itglue_bulk_atomic", self._bulk_atomic)

    def _main_contact(self) -> ItGlueId | None:
        phone = {"value": NUMBER, "extension": "12", "label-name": "Work", "primary": True}
        row = self._row(0, title="Probe", **{"contact-phones": [phone]})
        try:
            try:
                found = [each.id for each in self.own.create([row])]
            except OutcomeUnknownError:
                found = [ident for ident, dummy in self.own.present()]
            if not found:
                self.answers.found["itglue_create"] = unknown("IT Glue's answer does not show the contact.")
                return None
            shown = decode(self._attributes(found[0]))
        except SyncError as error:
            self.answers.found["itglue_create"] = unknown(str(error))
            return None
        self.made = True
        self.answers.found["itglue_create"] = judge.created(shown, decode(row))
        return found[0]

    def _attributes(self, contact_id: ItGlueId) -> Row:
        return attributes_of(self.own.show(contact_id))

    def _entries(self, contact_id: ItGlueId, name: str) -> list[Row]:
        rows = Reader("itglue", "GET /contacts/{id}").rows(self._attributes(contact_id).get(name), name)
        return [each for each in rows if each.get("value")]

    def _unlinked(self, contact_id: ItGlueId) -> Judgement:
        shown = self.own.show(contact_id)
        return judge.unlinked(adapters_of(shown), attributes_of(shown).get("psa-integration"))

    def _phones(self, contact_id: ItGlueId) -> Judgement:
        found = self._entries(contact_id, "contact-phones")
        first = found[0] if found else {}
        reader = Reader("itglue", "GET /contacts/{id}")
        return judge.phones(NUMBER, reader.label(first, "value"), reader.label(first, "extension"))

    def _email_filter(self) -> Judgement:
        counts = []
        for address in (mail(self.token, 0), mail(self.token, 0).upper()):
            params: dict[str, object] = {
                "filter[organization_id]": self.organization.id,
                "filter[primary_email]": address,
            }
            counts.append(len(itglue_rows(self._itglue("/contacts", **params), "/contacts")))
        return judge.email_filter(*counts)

    def _noop(self, contact_id: ItGlueId) -> Judgement:
        stamps = [self._attributes(contact_id).get("updated-at")]
        for title in ("Probe", "Probe once more"):
            self.sleep(_TICK)
            self.own.update(contact_id, {"title": title})
            stamps.append(self._attributes(contact_id).get("updated-at"))
        return judge.noop(*stamps)

    def _null(self, contact_id: ItGlueId) -> Judgement:
        self.own.update(contact_id, {"title": None})
        return judge.null(self._attributes(contact_id).get("title"))

    def _foreign_location(self, contact_id: ItGlueId) -> Judgement:
        foreign = self._location_elsewhere()
        if foreign is None:
            return unknown("No other organization has a location.")
        refused = refusal_of(lambda: self.own.update(contact_id, {"location-id": foreign}))
        taken = self._attributes(contact_id).get("location-id") == foreign
        if taken:
            self.own.update(contact_id, {"location-id": None})
        return judge.foreign_location(taken, refused)

    def _location_elsewhere(self) -> int | None:
        for order in ("id", "-id"):
            for row in itglue_rows(self._itglue("/locations", **{"sort": order, "page[size]": 50}), "/locations"):
                owner = attributes_of(row).get("organization-id")
                if owner not in (None, self.organization.id):
                    return Reader("itglue", "GET /locations").whole(row, "id")
        return None

    def _arrays(self, contact_id: ItGlueId) -> Judgement:
        """E-mails tell for phones too, which are documented in the same words."""
        first, second = ({"value": mail(self.token, 0, each), "label-name": "Work", "primary": False} for each in "ab")
        self.own.update(contact_id, {"contact-emails": [*self._row(0)["contact-emails"], first]})
        before = [str(each["value"]) for each in self._entries(contact_id, "contact-emails")]
        sent = [{**second, "primary": True}]
        self.own.update(contact_id, {"contact-emails": sent})
        after = [str(each["value"]) for each in self._entries(contact_id, "contact-emails")]
        return judge.arrays(before, [str(each["value"]) for each in sent], after)

    def _primaries(self, contact_id: ItGlueId) -> Judgement:
        values = [mail(self.token, 0, each) for each in "cd"]
        both = [{"value": each, "label-name": "Work", "primary": True} for each in values]
        refused = refusal_of(lambda: self.own.update(contact_id, {"contact-emails": both}))
        found = {
            str(each["value"]).lower(): bool(each.get("primary"))
            for each in self._entries(contact_id, "contact-emails")
        }
        return judge.primaries([found[each] for each in values if each in found], refused)

    def _bulk_create(self) -> Judgement:
        numbers = range(1, self.bulk + 1)
        answered: list[Any] = []

        def create() -> None:
            answered.extend(self.own.create([self._row(each) for each in numbers]))

        refused = refusal_of(create)
        return judge.bulk_create(self.bulk, len(answered), self._count_of(numbers), refused)

    def _bulk_atomic(self) -> Judgement:
        good, bad = self.bulk + 1, self.bulk + 2
        # Without its label an e-mail is not valid (IT Glue API, contact-emails).
        invalid = {**self._row(bad), "contact-emails": [{"value": mail(self.token, bad), "primary": True}]}
        refused = refusal_of(lambda: self.own.create([self._row(good), invalid]))
        return judge.bulk_atomic(refused, self._count_of((good, bad)))

    def _count_of(self, numbers: Iterable[int]) -> int:
        names = {mark(self.token, each) for each in numbers}
        return sum(contact.last_name in names for dummy, contact in self.own.present())

    # ---------------------------------------------------------- IT Glue's own push

    def native_push(self, own_bms: OwnBmsContacts) -> Judgement:
        """A contact that is complete for BMS, which IT Glue may push: is it linked, or in BMS?"""
        place = next(iter(self.itglue.locations(self.organization.id)), None)
        if place is None:
            return unknown("The organization has no location, without which IT Glue pushes nothing.")
        number = self.bulk + 3
        phone = {"value": NUMBER, "label-name": "Work", "primary": True}
        complete = {"first-name": "Probe", "location-id": place.id, "contact-phones": [phone]}
        (made,) = self.own.create([self._row(number, **complete)])
        linked = self._linked(made.id)
        in_bms = sum(each.last_name == mark(self.token, number) for each in own_bms.marked())
        if linked:
            self.answers.answer("itglue_linked_writes", lambda: self._linked_write(made.id))
        return judge.native_push(linked, in_bms, self.push_wait)

    def _linked(self, contact_id: ItGlueId) -> bool:
        end = self.clock() + self.push_wait
        while True:
            shown = self.own.show(contact_id)
            if adapters_of(shown) or attributes_of(shown).get("psa-integration"):
                return True
            left = end - self.clock()
            if left <= 0:
                return False
            self.sleep(min(left, 5.0))

    def _linked_write(self, contact_id: ItGlueId) -> Judgement:
        refused = refusal_of(lambda: self.own.update(contact_id, {"title": "Probe"}))
        return judge.linked_writes(refused, self._attributes(contact_id).get("title") == "Probe")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answering what the vendors leave open: reads first, then writes to contacts of the probe's own, then cleaning up.

`_engine/probing.py` says what an observation means; `probe_contacts.py` holds what may be written; the
questions to each service have a file of their own. A question that fails does not keep the others from
being asked. A defect of the probe itself is no answer: it is raised.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .._engine import probing as judge
from .._engine.errors import SyncError
from .._engine.model import Account, BmsSettings, Organization
from .._engine.options import Options
from .._engine.probing import NOT_PROBED, QUESTIONS, WRITE_BMS, Judgement, unknown
from .ports import Clock, Progress, Sleep, silent
from .probe_answers import Answers, ProbedServices
from .probe_bms import ACCOUNT_NOT_KNOWN, BmsQuestions
from .probe_contacts import OwnBmsContacts, OwnContacts
from .probe_graph import GraphQuestions
from .probe_itglue import ItGlueQuestions
from .run_lock import RunLock
from .snapshot import read_account


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task asks for. `write` and `write_bms` are its consent; `push_wait` is in seconds."""

    organization: str
    tenant_id: str | None = None
    account: str | None = None
    write: bool = False
    write_bms: bool = False
    bulk: int = 50
    push_wait: float = 30.0


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A contact that could not be removed, and why."""

    service: str
    id: int
    reason: str


@dataclass
class Probe:
    """The answers about one tenant. `preview` only reads."""

    services: ProbedServices
    wanted: Wanted
    preview: bool = False
    progress: Progress = silent
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    sleep: Sleep = time.sleep
    clock: Clock = time.monotonic
    given: Answers = field(default_factory=Answers)
    left_behind: list[LeftBehind] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    organization: Organization | None = None

    def run(self) -> Probe:
        """Answer all questions, as far as they may be asked.

        Raises InputError for an organization that is not there, ApiError where IT Glue refuses
        the key, SyncError where another run has the organization.
        """
        organization = self.services.itglue.organization(self.wanted.organization)
        self.organization = organization
        writing = self.wanted.write and not self.preview
        with RunLock(self.services.itglue.base_url, needed=writing) as run_lock:
            run_lock.acquire(organization)
            if run_lock.busy:
                raise SyncError(f"{organization.name}: nothing was probed. {run_lock.busy_message}")
            self._probe(organization, writing)
        return self

    def _probe(self, organization: Organization, writing: bool) -> None:
        account = self._found_account(organization)
        own = OwnContacts(self.services.itglue, organization.id, self.token)
        own_bms = OwnBmsContacts(self.services.bms, account, self.token) if account else None
        itglue = ItGlueQuestions(
            self.services.itglue,
            organization,
            account.id if account else None,
            own,
            self.given,
            self.token,
            self.wanted.bulk,
            self.wanted.push_wait,
            self.sleep,
            self.clock,
        )
        bms = BmsQuestions(self.services.bms, own_bms, self.given, self.token)
        self._announce_writes(own)
        self._report("asking IT Glue")
        itglue.answer_reads()
        self._report("asking BMS")
        bms.answer_reads()
        self._answer_graph()
        if writing:
            try:
                self._report("writing to IT Glue")
                itglue.write()
                if self.wanted.write_bms:
                    self._write_bms(itglue, bms, own_bms)
            finally:
                self._clean_up(own, own_bms, made=itglue.made)
        self.given.answer("bms_inactive_by_default", bms.inactive_by_default)

    def answers(self) -> Iterator[tuple[str, Judgement]]:
        """Every question by its name, with what came of it."""
        for name, question in QUESTIONS.items():
            takes = "the option write" if question.takes != WRITE_BMS else "the options write and write_bms"
            not_probed = Judgement(NOT_PROBED, f"It takes {takes}, without check mode.")
            yield name, self.given.found.get(name, not_probed)

    def _report(self, line: str) -> None:
        name = self.organization.name if self.organization else self.wanted.organization
        self.progress(f"{name}: {line}")

    # --------------------------------------------------------------------- reads

    def _found_account(self, organization: Organization) -> Account | None:
        settings = BmsSettings(account=self.wanted.account)
        try:
            found = read_account(self.services.bms, organization, settings, Options().bms_adapter_names)
        except SyncError as error:
            self.given.found["bms_account"] = unknown(str(error))
            return None
        self.given.found["bms_account"] = judge.account(found.id, found.name, found.active)
        return found

    def _answer_graph(self) -> None:
        if not self.wanted.tenant_id:
            why = unknown("No Microsoft tenant is known: set tenant_id.")
            self.given.found |= {name: why for name, each in QUESTIONS.items() if each.service == "graph"}
            return
        self._report("asking Microsoft Graph")
        GraphQuestions(self.services.graph(self.wanted.tenant_id), self.given).answer_reads()

    # -------------------------------------------------------------------- writes

    def _announce_writes(self, own: OwnContacts) -> None:
        if not self.wanted.write:
            return
        self.writes.append("IT Glue: one contact without a first name is created, changed and removed.")
        self.writes.append(f"IT Glue: {self.wanted.bulk} such contacts are created in one request, and removed.")
        self.writes.append("IT Glue: one such contact is sent beside one that is not valid; it is removed.")
        found = len(list(own.marked()))
        if found:
            self.writes.append(f"IT Glue: {found} contacts that an earlier probe left are removed.")
        if self.wanted.write_bms:
            self.writes.append(
                "BMS: one contact is created, changed and made inactive. BMS cannot delete it: it stays."
            )
            self.writes.append(
                "IT Glue: one complete contact is created and removed. Where IT Glue pushes it to BMS, it is made "
                "inactive there, and stays."
            )

    def _write_bms(self, itglue: ItGlueQuestions, bms: BmsQuestions, own_bms: OwnBmsContacts | None) -> None:
        if own_bms is None:
            # What IT Glue might push could not be made inactive either.
            why = unknown(ACCOUNT_NOT_KNOWN)
            self.given.found |= {name: why for name, each in QUESTIONS.items() if each.takes == WRITE_BMS}
            return
        self._report("writing to BMS")
        bms.write()
        self.given.answer("itglue_native_push", lambda: itglue.native_push(own_bms))

    def _clean_up(self, own: OwnContacts, own_bms: OwnBmsContacts | None, *, made: bool) -> None:
        """Remove what this probe has made, and what earlier ones have left. What cannot be removed is reported."""
        try:
            left = own.remove()
        except SyncError as error:
            self.warnings.append(f"Whether IT Glue still has contacts of the probe is not known: {error}")
        else:
            self.left_behind += [LeftBehind("itglue", *each) for each in left]
            if made:
                self.given.found["itglue_delete"] = judge.deleted(left[0][1] if left else None)
        if self.wanted.write_bms and own_bms is not None:
            try:
                self.left_behind += [LeftBehind("bms", *each) for each in own_bms.clear_up()]
            except SyncError as error:
                self.warnings.append(f"Whether BMS still has active contacts of the probe is not known: {error}")

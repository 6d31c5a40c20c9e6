# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what an audit looks at: all that a run may read, whether it would need it or not."""

from __future__ import annotations

from typing import NamedTuple

from .._engine.audit import ANY_TYPES, Audit, as_if_pushing, audit
from .._engine.errors import InputError
from .._engine.model import BmsSnapshot
from .._engine.planning import Findings, Need, Planning
from .._store.settings import SettingsStore
from .collector import uncollected
from .ports import Bms, Services
from .snapshot import NeedReader, Read, Request, read, read_account


class Audited(NamedTuple):
    """The findings, what was read and planned for them, and why BMS was not read, where it was not."""

    read: Read
    planning: Planning
    bms: BmsSnapshot | None
    findings: Audit
    problems: tuple[str, ...]


@uncollected
def read_and_audit(services: Services, store: SettingsStore, request: Request) -> Audited:
    """Audit one client. Writes nothing.

    An account that is not found is a finding; all other failures are raised as in a run.
    """
    found = read(services, store, request)
    snapshot = as_if_pushing(found.snapshot)
    reader = NeedReader(services, snapshot, request.options.bms_adapter_names)
    locations = tuple(services.itglue.locations(snapshot.organization.id))
    bms, problems = _read_bms(services.bms, reader)
    known = Findings(locations=locations, bms_types=ANY_TYPES)
    if bms is None:
        known = known.with_those_of(Findings(not_read={Need.BMS: problems[0]}))
    else:
        known = known.with_those_of(Findings(bms=bms, bms_locations=bms.locations))
    planning = reader.complete(Planning(snapshot, request.options, known))
    return Audited(found, planning, bms, audit(planning, locations, bms), problems)


def _read_bms(bms: Bms, reader: NeedReader) -> tuple[BmsSnapshot | None, tuple[str, ...]]:
    snapshot = reader.snapshot
    try:
        account = read_account(bms, snapshot.organization, snapshot.bms, reader.adapter_names)
    except InputError as error:
        return None, (str(error),)
    locations = tuple(bms.account_locations(account.id))
    return BmsSnapshot(account, tuple(bms.contacts(account.id)), locations), ()

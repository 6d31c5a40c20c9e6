# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Reading what an audit looks at: all that a run may read, whether it would need it or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .._engine import planning
from .._engine.audit import Audit, as_if_pushing, audit
from .._engine.errors import InputError
from .._engine.model import BmsSnapshot
from .._engine.plan import Operation
from .collector import uncollected
from .snapshot import Read, Request, read, read_account


class Audited(NamedTuple):
    """The findings, what was read for them, and why BMS was not, where it was not."""

    read: Read
    draft: planning.Draft
    operations: Sequence[Operation]
    bms: BmsSnapshot | None
    findings: Audit
    problems: tuple[str, ...]


@uncollected
def read_and_audit(clients, store, request: Request) -> Audited:
    """Audit one client. Writes nothing.

    An account that is not found is a finding; all other failures are raised as in a run.
    """
    found = read(clients, store, request)
    snapshot = as_if_pushing(found.snapshot)
    drafted = planning.draft(snapshot, request.options)
    locations = tuple(clients.itglue.locations(snapshot.organization.id))
    types = tuple(clients.itglue.contact_types()) if snapshot.office365.contact_type else ()
    operations = drafted.operations(locations, types)
    bms, problems = _read_bms(clients.bms, drafted)
    findings = audit(drafted, operations, locations, bms)
    return Audited(found, drafted, operations, bms, findings, problems)


def _read_bms(bms, drafted: planning.Draft) -> tuple[BmsSnapshot | None, tuple[str, ...]]:
    try:
        snapshot = drafted.snapshot
        account = read_account(bms, snapshot.organization, snapshot.bms, drafted.options.bms_adapter_names)
    except InputError as error:
        return None, (str(error),)
    locations = tuple(bms.account_locations(account.id))
    return BmsSnapshot(account, tuple(bms.contacts(account.id)), locations), ()

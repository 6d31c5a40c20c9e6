# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `contact_audit_info`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._engine.audit import BmsOnly, Duplicate, LackedLocation, OtherFirstName, TypeInUse, Unready
from .._engine.model import BmsContact, Contact
from .._engine.output import shown_name
from .._engine.plan import Operation
from .._store.settings import SettingsStore
from .._sync.audit import Audited, read_and_audit
from .client_request import CLIENT_OPTIONS, client_request, first_run
from .connection import Clients, fair_share_of
from .option_specs import SYNC_SPECS
from .result import conflict_entries, reason_fields, selected
from .sentences import explained, warning
from .spec import ModuleSpec
from .task import Task
from .tenant_source import shown_organization

SPEC = ModuleSpec(
    options={
        **CLIENT_OPTIONS,
        "match_overrides": SYNC_SPECS["match_overrides"],
        "bms_match_overrides": SYNC_SPECS["bms_match_overrides"],
        "max_listed": {"type": "int", "default": 100},
    },
    libraries=("requests", "msal", "phonenumbers"),
)


def run(params: dict[str, Any], task: Task) -> dict[str, Any]:
    """What to look at before the first run of one client."""
    # A tenant without users to sync is a finding like others.
    request = client_request(params, allow_shrunken_source=True)
    api = Clients(params, task, fair_share_of(params, counted=False))
    audited = read_and_audit(api, SettingsStore(api.itglue, warn=task.warn), request)
    for reason in (*audited.read.run_settings.warnings, *audited.planning.plan.warnings):
        task.warn(warning(reason))
    created = sum(each.bms.create is not None for each in audited.planning.plan.operations)
    returned = _result(audited, max(0, params["max_listed"]), api.calls.by_service())
    return {**returned, "first_run": first_run(created, params) if audited.bms else None}


def _result(audited: Audited, limit: int, api_calls: dict[str, int]) -> dict[str, Any]:
    snapshot, operations = audited.planning.snapshot, audited.planning.plan.operations
    lists = dict(_lists(audited))
    counts = {name: len(rows) for name, rows in lists.items()}
    return {
        "changed": False,
        "organization": shown_organization(snapshot.organization),
        "tenant_id": snapshot.tenant_id,
        "bms_account": {"id": audited.bms.account.id, "name": audited.bms.account.name} if audited.bms else None,
        "bms_has_main_location": any(each.main for each in audited.bms.locations) if audited.bms else None,
        "problems": list(audited.problems),
        **{name: rows[:limit] if limit else rows for name, rows in lists.items()},
        "summary": {
            "users": len(snapshot.users),
            "selected": selected(operations),
            "actions": _counted(operations),
            "findings": counts,
            "cut_short": [name for name, count in counts.items() if limit and count > limit],
            "api_calls": api_calls,
        },
    }


def _counted(operations: Iterable[Operation]) -> dict[str, int]:
    actions = [str(each.itglue.action) for each in operations]
    return {action: actions.count(action) for action in sorted(set(actions))}


def _lists(audited: Audited) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    found = audited.findings
    yield "conflicts", conflict_entries(found.conflicts, audited.planning)
    for name, rows, show in (
        ("bms_only", found.bms_only, _bms_only),
        ("itglue_duplicates", found.itglue_duplicates, _duplicate),
        ("bms_duplicates", found.bms_duplicates, _duplicate),
        ("not_ready", found.not_ready, _not_ready),
        ("other_first_names", found.other_first_names, _other_first_name),
        ("lacked_locations", found.lacked_locations, _location),
        ("email_types", found.email_types, _type),
        ("phone_types", found.phone_types, _type),
        ("microsoft_contacts", found.microsoft_contacts, _contact),
    ):
        shown: Callable[[Any], dict[str, Any]] = show
        yield name, [shown(each) for each in rows]


def _bms_only(found: BmsOnly) -> dict[str, Any]:
    contact = found.contact
    return {
        "bms_contact_id": contact.id,
        "name": _name(contact),
        "addresses": [each.address for each in contact.emails],
        "active": contact.active,
        "users": list(found.users),
    }


def _duplicate(found: Duplicate) -> dict[str, Any]:
    return {"by": found.by, "value": found.value, "contact_ids": list(found.contact_ids)}


def _not_ready(found: Unready) -> dict[str, Any]:
    return {
        "user": found.user,
        "contact_id": found.contact_id,
        "missing": list(found.missing),
        **reason_fields(explained(found.reasons)),
    }


def _other_first_name(found: OtherFirstName) -> dict[str, Any]:
    names = shown_name(found.user.given_name, found.user.surname)
    return {"user": found.user.username, "user_name": names, **_contact(found.contact)}


def _location(found: LackedLocation) -> dict[str, Any]:
    return {"location_id": found.location.id, "name": found.location.name, "contacts": found.contacts}


def _type(found: TypeInUse) -> dict[str, Any]:
    return {"id": found.type.id, "name": found.type.name, "contacts": found.contacts}


def _contact(contact: Contact) -> dict[str, Any]:
    return {"contact_id": contact.id, "name": _name(contact)}


def _name(contact: Contact | BmsContact) -> str:
    return shown_name(contact.first_name, contact.last_name)

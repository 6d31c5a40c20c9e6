# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `api_probe`."""

from __future__ import annotations

from typing import Any

from .._engine.declared_options import BMS, OFFICE365
from .._engine.errors import InputError, SyncError
from .._engine.probing import NOT_PROBED, QUESTIONS, UNKNOWN
from .._store.settings import SettingsStore
from .._sync.probe import Probe, Wanted
from .connection import CONNECTION_OPTIONS, Clients
from .spec import ModuleSpec
from .task import Task
from .tenant_source import shown_organization

SPEC = ModuleSpec(
    options={
        **CONNECTION_OPTIONS,
        "organization": {"type": "str", "required": True},
        "tenant_id": {"type": "str"},
        "bms_account": {"type": "str"},
        "write": {"type": "bool", "default": False},
        "write_bms": {"type": "bool", "default": False},
        "bulk_size": {"type": "int", "default": 50},
        "push_wait": {"type": "int", "default": 30},
    },
    libraries=("requests", "msal"),
)

LARGEST_BULK = 1000
"""Contacts in one request at most: what a page of IT Glue's list holds."""


def run(params: dict[str, Any], task: Task) -> dict[str, Any]:
    """Ask the services what their makers leave open, and say what follows."""
    _check(params)
    api = Clients(params, task)
    probe = Probe(api, _wanted(api, params, task), preview=task.check_mode, progress=task.progress).run()
    for warning in probe.warnings:
        task.warn(warning)
    for each in probe.left_behind:
        task.warn(f"The probe leaves a contact behind ({each.service}, {each.id}): {each.reason}")
    return _result(probe, api)


def _check(params: dict[str, Any]) -> None:
    if params["write_bms"] and not params["write"]:
        raise InputError("write_bms is given without write.", hint="Give both, or neither.")
    if not 1 <= params["bulk_size"] <= LARGEST_BULK:
        raise InputError(f"bulk_size is {params['bulk_size']}.", hint=f"It is a number from 1 to {LARGEST_BULK}.")
    if params["push_wait"] < 0:
        raise InputError(f"push_wait is {params['push_wait']}.", hint="It is a number of seconds, 0 for not waiting.")


def _wanted(api: Clients, params: dict[str, Any], task: Task) -> Wanted:
    organization = api.itglue.organization(params["organization"])
    tenant_id, account = params["tenant_id"], params["bms_account"]
    if not tenant_id or not account:
        try:
            stored = SettingsStore(api.itglue, warn=task.warn).read(organization.id, organization.name)
        except SyncError as error:
            task.warn(f"The stored settings were not read. {error}")
        else:
            tenant_id = tenant_id or (stored[OFFICE365].settings or {}).get("tenant_id")
            account = account or (stored[BMS].settings or {}).get("account")
    return Wanted(
        organization=str(organization.id),
        tenant_id=tenant_id,
        account=account,
        write=params["write"],
        write_bms=params["write_bms"],
        bulk=params["bulk_size"],
        push_wait=float(params["push_wait"]),
    )


def _result(probe: Probe, api: Clients) -> dict[str, Any]:
    facts: list[dict[str, Any]] = [
        {
            "name": name,
            "service": QUESTIONS[name].service,
            "takes": QUESTIONS[name].takes,
            "question": QUESTIONS[name].text,
            "answer": judged.answer,
            "evidence": judged.evidence,
            "settings": dict(judged.settings),
            "advice": judged.advice,
        }
        for name, judged in probe.answers()
    ]
    return {
        "changed": bool(probe.writes),
        "organization": shown_organization(probe.organization),
        "facts": facts,
        "open": [each["name"] for each in facts if each["answer"] in (UNKNOWN, NOT_PROBED)],
        "settings": {option: value for each in facts for option, value in each["settings"].items()},
        "advice": [f"{each['name']}: {each['advice']}" for each in facts if each["advice"]],
        "writes": probe.writes,
        "left_behind": [{"service": each.service, "id": each.id, "reason": each.reason} for each in probe.left_behind],
        "api_calls": api.calls.by_service(),
    }

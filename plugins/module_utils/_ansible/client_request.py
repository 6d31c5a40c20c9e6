# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of one client are asked for, and the options of those that look at it without writing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.conflicts import IGNORE, NEW
from .._engine.declared_options import BMS, OFFICE365
from .._engine.errors import InputError, quoted
from .._engine.model import as_id
from .._engine.options import Options
from .._sync.snapshot import Request
from .connection import CONNECTION_OPTIONS, limit_of
from .option_specs import SYNC_SPECS

OWN_OPTIONS = ("organization", "tenant_id", "office365_settings", "bms_settings", "bms_adapter_names")
CLIENT_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    **{name: SYNC_SPECS[name] for name in OWN_OPTIONS},
}


def client_request(params: Mapping[str, Any], **options: Any) -> Request:
    """What a task asks for of one client; `options` are fields of `Options` beside those that all modules have.

    Raises InputError for a value that is none.
    """
    declared = declared_settings(params)
    return Request(
        organization=params["organization"],
        tenant_id=params["tenant_id"],
        office365_settings=declared[OFFICE365],
        bms_settings=declared[BMS],
        options=Options(
            bms_adapter_names=_adapter_names(params["bms_adapter_names"]),
            match_overrides=_overrides(params, "match_overrides"),
            bms_match_overrides=_overrides(params, "bms_match_overrides"),
            **options,
        ),
    )


def first_run(creates: int, params: Mapping[str, Any]) -> dict[str, Any]:
    """How long the first run of a client lasts: BMS has no bulk requests, and allows so many creates an hour."""
    per_hour = limit_of(params, "bms").used
    return {
        "creates_in_bms": creates,
        "creates_per_hour": per_hour,
        "hours": round(creates / per_hour, 2),
    }


def declared_settings(params: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
    """The settings that a task declares, by kind."""
    return {OFFICE365: _declared(params["office365_settings"]), BMS: _declared(params["bms_settings"])}


def _declared(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    """The settings that a task declares; None where it declares none, as the playbooks do with `{}`."""
    return settings if settings and any(value is not None for value in settings.values()) else None


def _adapter_names(given: list[str]) -> tuple[str, ...]:
    names = tuple(each.strip() for each in given if each.strip())
    if not names:
        raise InputError(
            "bms_adapter_names is empty, so no contact would count as linked to BMS.",
            hint="Give a part of the name that BMS has among IT Glue's integrations, as 'bms'.",
        )
    return names


def _overrides(params: Mapping[str, Any], option: str) -> dict[str, int | str]:
    """What `match_overrides` or `bms_match_overrides` say, nothing for a module that does not take them."""
    return {str(user): _answer(option, str(user), value) for user, value in (params.get(option) or {}).items()}


def _answer(option: str, user: str, value: Any) -> int | str:
    wanted = str(value).strip()
    if (known := as_id(wanted)) is not None:
        return known
    if wanted.casefold() in (NEW, IGNORE):
        return wanted.casefold()
    contact = "a BMS contact" if option.startswith("bms") else "an IT Glue contact"
    raise InputError(f"{option} has {quoted(wanted)} for {user}.", hint=f"Give the id of {contact}, 'new' or 'ignore'.")

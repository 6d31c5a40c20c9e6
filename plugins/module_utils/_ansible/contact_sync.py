# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module `contact_sync`: its options, and the way from them to a result."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from .._clients.retry import moment
from .._engine.declared_options import pattern_faults
from .._engine.errors import InputError, LimitExceededError, PushesStoppedError, SyncError, quoted
from .._engine.limits import allowed
from .._engine.output import one_line
from .._engine.plan import ExceededLimit
from .._engine.reasons import Reason
from .._store.settings import SettingsStore
from .._sync.revert import revert
from .._sync.run import Run
from .._sync.run import run as run_sync
from .._sync.run_settings import compared_settings
from .._sync.snapshot import Request
from .client_request import client_request, declared_settings
from .connection import CONNECTION_OPTIONS, Clients, fair_share_of
from .deferral import noted
from .fleet import fleet_source
from .notices import notices
from .option_specs import SYNC_SPECS
from .result import result, resume_after, reverted
from .sentences import explained, warning
from .settings_changes import settings_warnings
from .spec import ModuleSpec
from .task import VERSION, Task

LIMITS = ("max_creates", "max_updates", "max_pushes", "max_deactivations")

SPEC = ModuleSpec(
    options={**CONNECTION_OPTIONS, **SYNC_SPECS},
    mutually_exclusive=[("plan_file", "apply_plan")],
    required_if=[
        ("state", "reverted", ("journal_file",)),
        ("departed", "deactivate", ("departed_contact_type",)),
    ],
    libraries=("requests", "msal", "phonenumbers"),
)


def run(params: dict[str, Any], task: Task) -> dict[str, Any]:
    """Sync one organization's contacts. Raises SyncError for all that is foreseen to fail."""
    if params["state"] == "reverted":
        return _revert(params, task)
    request = _request(params, task)
    fair_share = fair_share_of(params, counted=not task.check_mode)
    api = Clients(params, task, fair_share)
    store = SettingsStore(
        api.itglue, warn=task.warn, memory=task.memory, preview=task.check_mode, declarers=task.declarers
    )
    fleet = fleet_source(api, task)
    with noted(fair_share) as note:
        outcome = run_sync(api, store, request, preview=task.check_mode, progress=task.progress, fleet=fleet)
        note(outcome)
    for each in outcome.warnings:
        task.warn(warning(each))
    returned = result(outcome, api_calls=api.calls.by_service(), everything=params["report"] == "all")
    returned |= {"starved": note.is_starved}
    returned["summary"]["deferred_runs"] = note.runs
    if outcome.plan.limits_exceeded:
        raise limit_exceeded(outcome.plan.limits_exceeded, returned)
    settings = outcome.read.run_settings
    stored = settings.differences if settings.stored else ()
    for line in (*notices(returned), *settings_warnings(stored), *_of_quota(outcome, returned)):
        task.warn(line)
    if outcome.stopped is not None:
        raise pushes_stopped(outcome.stopped, returned)
    if note.fails(params["fail_on_deferred"]):
        raise note.error(returned)
    return returned


def pushes_stopped(reason: Reason, returned: dict[str, Any]) -> PushesStoppedError:
    """The error of a run that saw that IT Glue pushes too."""
    explanation = explained([reason])
    name = one_line(returned["organization"]["name"])
    return PushesStoppedError(f"{name}: {explanation.sentence}", hint=explanation.hint, result=returned)


def limit_exceeded(limits: Sequence[ExceededLimit], returned: dict[str, Any]) -> LimitExceededError:
    """The error of a plan that exceeds limits: how to raise those that are exceeded, and no others."""
    listed = ", ".join(f"{each.option} allows {each.limit}, the plan has {each.count}" for each in limits)
    variables = " ".join(f"-e sync_{each.option}=100%" for each in limits)
    options = ", ".join(f"{each.option}: 100%" for each in limits)
    return LimitExceededError(
        f"Limit exceeded, nothing was written for {quoted(returned['organization']['name'])}: {listed}.",
        hint=f"Look through contacts in the result or in the report. If all of it is right, raise the limit for one "
        f"run: {variables} with the playbooks of the collection, {options} in a task of your own.",
        result=returned,
    )


def _of_quota(outcome: Run, returned: dict[str, Any]) -> Iterator[str]:
    wait = resume_after(outcome)
    if wait is not None:
        entries = (*returned["contacts"], *returned["departed"])
        deferred = sum("deferred" in (each["action"], each.get("push")) for each in entries)
        yield (
            f"{one_line(returned['organization']['name'])}: a quota is used up, and {deferred} contacts are deferred. "
            f"Run again {moment(wait, time.time())}."
        )


def _revert(params: dict[str, Any], task: Task) -> dict[str, Any]:
    api = Clients(params, task)
    store = SettingsStore(api.itglue, warn=task.warn)
    outcome = revert(
        api,
        store,
        params["organization"],
        params["journal_file"],
        preview=task.check_mode,
        version=VERSION,
    )
    try:
        outcome.settings = compared_settings(store, outcome.organization, declared_settings(params))
    except SyncError as error:
        # What is wrong with the settings is no reason to keep what a run has written.
        task.warn(f"The declared settings were not compared with the stored ones. {error}")
    for each in outcome.warnings:
        task.warn(warning(each))
    if outcome.remainders:
        task.warn(f"{len(outcome.remainders)} writes could not be reverted; not_reverted says which and why.")
    return reverted(outcome, api_calls=api.calls.by_service())


def _request(params: dict[str, Any], task: Task) -> Request:
    for option in LIMITS:
        allowed(option, params[option], 0)
    users = params["users"]
    if users is not None and params["departed"] == "deactivate":
        raise InputError(
            "The option users cannot be given together with departed: deactivate.",
            hint="Only all users together show who has departed: leave one of the two out.",
        )
    if params["departed"] == "deactivate" and not params["departed_contact_type"].strip():
        raise InputError(
            "departed_contact_type is empty, so departed people could not be told from others.",
            hint="Give the name of a contact type that only departed people have.",
        )
    if faults := pattern_faults(params["departed_keep"]):
        raise InputError(f"departed_keep: {faults}.")
    if params["push_wait"] < 0:
        raise InputError(f"push_wait is {params['push_wait']}.", hint="It is a number of seconds, 0 for not waiting.")
    request = client_request(
        params,
        update_linked=params["update_linked"],
        users=None if users is None else frozenset(users),
        allow_shrunken_source=params["allow_shrunken_source"],
        deactivate=params["departed"] == "deactivate",
        departed_contact_type=params["departed_contact_type"],
        departed_keep=tuple(params["departed_keep"]),
        **{option: params[option] for option in LIMITS},
    )
    return request._replace(
        push_wait=params["push_wait"],
        plan_file=params["plan_file"],
        apply_plan=params["apply_plan"],
        journal_file=params["journal_file"],
        version=VERSION,
        store_settings=params["store_settings"],
    )

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls `run` and turns all that can come of it into one result: the part that both entry points share."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._engine.declared_twice import Declarers, nobody
from .._engine.errors import Failure, SyncError
from .._engine.output import clean, each_text, one_line, without_commands
from .._sync.ports import Fleet
from .dependencies import require_libraries
from .masking import Secrets
from .plain import plain, plain_dict
from .run_memory import RunMemory
from .sentences import failure_dict
from .spec import ModuleSpec
from .task import Task
from .texts import require_texts

Run = Callable[[dict[str, Any], Task], dict[str, Any]]

# From here on a traceback is returned. Ansible 2.19 and newer show it only where DISPLAY_TRACEBACK asks for it.
_VERBOSE = 3


@dataclass(frozen=True)
class Circumstances:
    """What the task says about how it is to be run."""

    check_mode: bool = False
    no_log: bool = False
    verbosity: int = 0
    show: Callable[[str], None] | None = None
    log: Callable[[int, str], None] | None = None
    memory: RunMemory | None = None
    fleet: Fleet | None = None
    declarers: Declarers = nobody


@dataclass(frozen=True)
class Outcome:
    """What is to be returned: `result` holds `failed` and `msg` after a failure.

    Warnings, `msg`, `exception` and keys are masked already. The other values are not:
    each entry point does that last, by Ansible's own function.
    """

    result: dict[str, Any]
    warnings: tuple[str, ...]


def perform(spec: ModuleSpec, run: Run, params: dict[str, Any], secrets: Secrets, around: Circumstances) -> Outcome:
    """Run the task. Whatever `run` raises, short of an interruption, becomes a failed result."""
    warnings: list[str] = []
    task = Task(
        check_mode=around.check_mode,
        warn=lambda text: warnings.append(str(text)),
        secret=secrets.add,
        progress=_progress(secrets, around),
        log=_log(secrets, around),
        memory=around.memory,
        fleet=around.fleet,
        declarers=around.declarers,
    )
    try:
        require_libraries(spec.libraries)
        require_texts(spec.options, params)
        result = plain_dict(run(params, task))
    except SyncError as error:
        result = _failed(error.result, clean(secrets.text(str(error))), error.failure)
        task.progress(f"FAILED: {result['msg']}")
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Ansible's own handler would show the error, and its causes, unmasked.
        result = _failed({}, clean(secrets.text(_unexpected(error))), Failure("defect"))
        if around.verbosity >= _VERBOSE:
            result["exception"] = clean(secrets.text("".join(traceback.format_exception(error))))
    shown = () if around.no_log else tuple(dict.fromkeys(one_line(secrets.text(text)) for text in warnings))
    return Outcome(result=_harmless(secrets.keys(result)), warnings=shown)


def _harmless(result: dict[str, Any]) -> dict[str, Any]:
    """A result that a log may show: JSON escapes control characters, and nothing else is a danger but commands to a
    runner. Differences are shown line by line."""
    shown: dict[str, Any] = each_text(result, without_commands)
    return {**shown, "diff": each_text(shown["diff"], clean)} if "diff" in shown else shown


def _progress(secrets: Secrets, around: Circumstances) -> Callable[[str], None]:
    show = around.show
    if show is None or around.no_log:
        return Task.progress
    return lambda text: show(one_line(secrets.text(str(text))))


def _log(secrets: Secrets, around: Circumstances) -> Callable[[int, str], None]:
    """What logs a line from a verbosity on, as far as the task may be logged."""
    log = around.log

    def write(level: int, text: str) -> None:
        if log is not None and around.verbosity >= level and not around.no_log:
            log(level, one_line(secrets.text(text)))

    return write


def _failed(result: dict[str, Any], message: str, failure: Failure) -> dict[str, Any]:
    """A failure keeps its result, as far as that is plain data, and has a code."""
    try:
        kept = plain_dict(result)
    except TypeError as error:
        kept = {}
        message = f"{message} (The result could not be kept: {error}.)"
    return {"changed": False, **kept, "failed": True, "msg": message, "failure": failure_dict(failure)}


def _unexpected(error: Exception) -> str:
    return (
        f"Unexpected {type(error).__name__}: {plain(str(error))}. "
        "This is a defect of msp.psa_sync: please report it, with the traceback that -vvv and "
        "ANSIBLE_DISPLAY_TRACEBACK=error show."
    )

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run is given and may report, whichever way Ansible starts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._engine.declared_twice import Declarers, nobody
from .._sync.ports import Fleet
from .run_memory import RunMemory

# The version in galaxy.yml, which a module on another host cannot read.
VERSION = "1.0.0"


@dataclass(frozen=True)
class Task:
    """One task of a playbook, as far as `run` is concerned.

    `warn` takes a sentence for the person at the terminal. `secret` takes a value obtained
    at run time that must appear nowhere. `progress` takes a line that is shown at once, or
    never: only in process, unless progress is off, and not with `no_log`. `log` takes a verbosity and a
    line that is logged from this verbosity on (3 is `-vvv`), also not with `no_log`. All four may be called
    from threads. `memory` is shared with the other tasks of the run, and `fleet` and `declarers` tell of its other
    clients, all in process only.
    """

    check_mode: bool = False
    warn: Callable[[str], None] = lambda text: None
    secret: Callable[[str], None] = lambda text: None
    progress: Callable[[str], None] = lambda text: None
    log: Callable[[int, str], None] = lambda level, text: None
    memory: RunMemory | None = None
    fleet: Fleet | None = None
    declarers: Declarers = nobody

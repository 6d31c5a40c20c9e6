# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress of tasks that run in process, as lines.

Tasks run in workers, which are forked from the controller's process. A worker writes a line
to the output of that process by itself: Ansible's display would have the controller's process
write it in a thread that ends for good where the reader of the output has gone (`... | head`),
and the playbook would wait for ever. Whatever goes wrong here costs the progress alone.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from ansible import constants
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE
from ansible.utils.display import Display

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import output

ENVIRONMENT = "MSP_PSA_SYNC_PROGRESS"

display = Display()


class _Shared:
    """What the controller's process has decided, and its workers inherit."""

    is_shown: bool = True
    output: int | None = None
    is_closed: bool = False  # the controller's process has no output at all


def keep_output() -> None:
    """Keep the output of the controller's process for its workers, whose own may lead nowhere."""
    if _Shared.output is None and multiprocessing.parent_process() is None:
        _Shared.is_closed = sys.stdout is None
        with suppress(AttributeError, OSError, ValueError):
            _Shared.output = os.dup(sys.stdout.fileno())


keep_output()


def choose(is_shown: bool) -> None:
    """Set for all tasks from here on whether progress is shown, as far as their environment does not say it."""
    _Shared.is_shown = is_shown


def shower(host: str) -> Callable[[str], None] | None:
    """What shows the progress lines of a task on a host; None where they are not wanted."""
    given = os.environ.get(ENVIRONMENT, "").strip().casefold()
    if _Shared.is_closed or not (given not in BOOLEANS_FALSE if given else _Shared.is_shown):
        return None
    return lambda text: _show(f"[{host}] {text}")


def _show(text: str) -> None:
    line = output.clean(text)
    if _Shared.output is None:
        with suppress(Exception):
            # Without keywords: a wrong one would end the parent's result thread, and the playbook would hang.
            display.display(line)
        return
    with suppress(OSError):
        os.write(_Shared.output, f"{line}\n".encode(errors="replace"))
    if constants.DEFAULT_LOG_PATH:
        with suppress(Exception):
            display.display(line, log_only=True)

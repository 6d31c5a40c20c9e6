# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for one of Ansible's workers, of which each takes a client.

While all of them are busy, Ansible itself looks every tenth of a millisecond whether one has ended. That takes a sixth
of a processor core for as long as the run goes on. Here the process sleeps until one has ended.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import wait

from ansible import context
from ansible.executor.process.worker import WorkerProcess


class NoHostLoop:
    """The attribute `BYPASS_HOST_LOOP` of an action plugin that runs once for each host, as most do.

    Ansible's strategies ask for it in the parent of all workers, for each host, right before they look for a worker
    that is free.
    """

    def __get__(self, instance: object, owner: type | None = None) -> bool:
        await_free_worker()
        return False


def await_free_worker() -> None:
    """Sleep until fewer workers are at work than there may be forks. A worker has none of its own, and does not."""
    busy = [each for each in multiprocessing.active_children() if isinstance(each, WorkerProcess)]
    if 0 < (context.CLIARGS.get("forks") or 0) <= len(busy):
        wait([each.sentinel for each in busy])

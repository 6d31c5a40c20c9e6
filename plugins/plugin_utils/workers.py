# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for one of Ansible's workers, of which each takes a client.

While all of them are busy, Ansible itself looks every tenth of a millisecond whether one has ended. That takes a sixth
of a processor core for as long as the run goes on. Here the process sleeps until one has ended. A template for
`throttle` would be compiled for each client twice; `sync_throttle` is counted here instead.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.executor.process.worker import WorkerProcess
from ansible.template import Templar

from ansible_collections.msp.psa_sync.plugins.plugin_utils.batches import THROTTLE
from ansible_collections.msp.psa_sync.plugins.plugin_utils.of_playbook import is_marked


class NoHostLoop:
    """The attribute `BYPASS_HOST_LOOP` of an action plugin that runs once for each host, as most do.

    Ansible's strategies ask for it in the parent of all workers, for each host, right before they look for a worker
    that is free.
    """

    def __get__(self, instance: object, owner: type | None = None) -> bool:
        await_free_worker()
        return False


def await_free_worker() -> None:
    """Sleep until fewer workers are at work than may be. A worker has none of its own, and does not."""
    while 0 < _most(busy := _busy()) <= len(busy):
        ended = wait([each.sentinel for each in busy])
        for each in busy:
            if each.sentinel in ended:  # which closes a moment before the worker has ended
                each.join()


def _busy() -> list[WorkerProcess]:
    return [each for each in multiprocessing.active_children() if isinstance(each, WorkerProcess)]


def _most(busy: Sequence[WorkerProcess]) -> int:
    """How many workers may be at work at once, by the forks and by the variables of the clients that are; 0 for any
    number."""
    limits = (context.CLIARGS.get("forks") or 0, *(_throttle(each._task_vars, each._loader) for each in busy))
    return min(filter(None, limits), default=0)


def _throttle(task_vars: Mapping[str, Any], loader: Any) -> int:
    """The throttle of a client; 0 for one that cannot be used. An error would end the run of all clients here: the
    lookup of the options fails this one."""
    if not is_marked(task_vars) or (given := task_vars.get(THROTTLE)) is None:
        return 0
    try:
        return max(0, int(str(Templar(loader=loader, variables=dict(task_vars)).template(given) or 0)))
    except (AnsibleError, ValueError):
        return 0

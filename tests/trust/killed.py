# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task in a process of its own, which is killed once its nth write has been carried out.

`python -m tests.trust.killed N MODULE OPTIONS`: the services are those of the environment. The
signal is SIGKILL, and comes when the answer is there and the collection has not seen it yet. With
0 the task ends by itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from threading import Lock

from tests.tools.files import development_tree

sys.path.insert(0, str(development_tree()))

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from requests.adapters import HTTPAdapter

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from tests.trust.inprocess import LOGINS, entry_point


def kill_after(number: int) -> None:
    send, lock = HTTPAdapter.send, Lock()
    left = number

    def send_and_die(self, request, **how):
        nonlocal left
        answer = send(self, request, **how)
        if request.method != "GET" and not request.url.endswith(LOGINS):
            with lock:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        return answer

    HTTPAdapter.send = send_and_die


def run(module: str, options: dict) -> dict:
    """One task on the services of the environment."""
    spec, carry_out = entry_point(module)
    validated = ArgumentSpecValidator(**spec.validator_arguments()).validate(options)
    return carry_out(validated.validated_parameters, Task())


if __name__ == "__main__":
    kill_after(int(sys.argv[1]))
    run(sys.argv[2], json.loads(sys.argv[3]))

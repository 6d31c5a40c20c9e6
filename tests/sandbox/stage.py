# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage: a sandbox and what surrounds it, that is the log, the faults, the quotas and the contracts."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp

from .contracts import Contracts
from .core import Sandbox
from .faults import Faults
from .quota import Quota

Entry = dict[str, Any]
#: By the client's address: the transport of the connection, where a real server listens.
Connections = MutableMapping[Any, Any]


class Stage:
    def __init__(self, sandbox: Sandbox, contracts: Contracts | None = None) -> None:
        self.sandbox = sandbox
        self.contracts = contracts
        self.faults = Faults()
        self.quota = Quota(sandbox.clock)
        self.log: list[Entry] = []
        self.refused_credentials: set[str] = set()

    def reset(self) -> None:
        """Back to the world as loaded. What the contracts found is kept: it is the tally of a whole suite."""
        self.sandbox.reset()
        self.clear()

    def clear(self) -> None:
        self.faults.replace([])
        self.quota.clear()
        self.log.clear()
        self.refused_credentials.clear()

    def app(self, name: str, connections: Connections | None = None) -> ASGIApp:
        """The ASGI application of one service; IT Glue's port carries the control routes too."""
        from .control import Control
        from .pipeline import Pipeline

        pipeline = Pipeline(self, self.sandbox.services[name], {} if connections is None else connections)
        return Control(self, pipeline) if name == "itglue" else pipeline

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox without a process: requests go straight into the applications. For tests of the sandbox itself."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from .contracts import Contracts
from .core import Json, Sandbox, Service
from .stage import Stage

ORIGIN = "https://sandbox.example"


class Local:
    """A stage with its applications. `stage` and `sandbox` are open to the test."""

    def __init__(
        self,
        world: Json | None = None,
        *,
        services: tuple[type[Service], ...] | None = None,
        contracts: Contracts | None = None,
    ) -> None:
        self.sandbox = Sandbox(world, services=services)
        self.stage = Stage(self.sandbox, contracts)
        self._apps = {name: self.stage.app(name) for name in self.sandbox.services}

    def request(self, service: str, method: str, url: str, **options: Any) -> httpx.Response:
        """One request; `options` are those of `httpx.AsyncClient.request`. A reset raises ConnectionResetError."""
        return asyncio.run(self._request(service, method, url, options))

    def get(self, service: str, url: str, **options: Any) -> httpx.Response:
        return self.request(service, "GET", url, **options)

    def post(self, service: str, url: str, **options: Any) -> httpx.Response:
        return self.request(service, "POST", url, **options)

    async def _request(self, service: str, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._apps[service])
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, url, **options)

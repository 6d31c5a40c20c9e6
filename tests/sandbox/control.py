# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control routes, on IT Glue's port below `/_sandbox/`: not logged, counted, delayed or faulted.

GET  /_sandbox/state            the whole world as it now is
POST /_sandbox/reset            back to the world as loaded; log, faults and quotas are cleared
POST /_sandbox/world            begin with another world; log, faults and quotas are cleared
POST /_sandbox/behaviour        turn switches of `behaviour` until the next reset
POST /_sandbox/clock            {"advance": seconds}: move the clock that tokens and quotas go by
GET  /_sandbox/requests         what was asked: method, service, path with query, status, in order
POST /_sandbox/requests/clear
GET  /_sandbox/contract         {"checked": n, "mismatches": [...], "uncovered": [...]}
POST /_sandbox/contract/clear
GET  /_sandbox/health           {"ok": true}
POST /_sandbox/faults           the list of faults that replaces the present one
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .contracts import EMPTY_REPORT
from .core import WorldError
from .faults import FaultError
from .stage import Stage

PREFIX = "/_sandbox/"


class BadControl(ValueError):
    """What the control was told makes no sense."""


class Control:
    """Answers the control routes itself and hands everything else on."""

    def __init__(self, stage: Stage, app: ASGIApp) -> None:
        self.stage = stage
        self.app = app
        self._actions: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "state"): lambda dummy: stage.sandbox.state(),
            ("POST", "reset"): self._reset,
            ("POST", "world"): self._world,
            ("POST", "behaviour"): self._behaviour,
            ("POST", "clock"): self._clock,
            ("GET", "requests"): lambda dummy: stage.log,
            ("POST", "requests/clear"): self._clear_requests,
            ("GET", "contract"): lambda dummy: stage.contracts.report() if stage.contracts else EMPTY_REPORT,
            ("POST", "contract/clear"): self._clear_contract,
            ("GET", "health"): lambda dummy: {"ok": True},
            ("POST", "faults"): lambda given: {"faults": stage.faults.replace(given)},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            response = await self._respond(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        action = self._actions.get((request.method, request.url.path.removeprefix(PREFIX).strip("/")))
        if action is None:
            return JSONResponse({"error": "no such control"}, 404)
        body = await request.body()
        try:
            return JSONResponse(action(json.loads(body) if body.strip() else None))
        except json.JSONDecodeError as error:
            return JSONResponse({"error": f"not JSON: {error}"}, 400)
        except (BadControl, FaultError, WorldError) as error:
            return JSONResponse({"error": str(error)}, 400)

    def _reset(self, dummy: Any) -> dict[str, bool]:
        self.stage.reset()
        return {"ok": True}

    def _world(self, world: Any) -> dict[str, bool]:
        self.stage.sandbox.load(world)
        self.stage.clear()
        return {"ok": True}

    def _behaviour(self, changes: Any) -> dict[str, Any]:
        self.stage.sandbox.set_behaviour(_object(changes))
        return self.stage.sandbox.behaviour

    def _clock(self, given: Any) -> dict[str, float]:
        seconds = _object(given).get("advance")
        if not isinstance(seconds, (int, float)):
            raise BadControl('the clock is told {"advance": seconds}')
        self.stage.sandbox.advance(seconds)
        return {"now": self.stage.sandbox.clock()}

    def _clear_requests(self, dummy: Any) -> dict[str, bool]:
        self.stage.log.clear()
        return {"ok": True}

    def _clear_contract(self, dummy: Any) -> dict[str, bool]:
        if self.stage.contracts:
            self.stage.contracts.clear()
        return {"ok": True}


def _object(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadControl("a JSON object is expected")
    return given

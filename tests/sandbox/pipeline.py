# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every request of every service goes through, in this order:
log, latency, faults, quota, contract, route.

The request is read whole before, and the answer kept whole until it may go out, so that
a fault can show after the state has changed and a contract can see both.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import struct
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from .contracts import Exchange
from .core import Service
from .faults import BODIES, Fault
from .quota import BMS_WINDOW, IT_GLUE_WINDOW
from .stage import Connections, Entry, Stage

LOGGER = logging.getLogger("sandbox")
HTML = "<!DOCTYPE html><html><head><title>Service</title></head><body><h1>Something went wrong</h1></body></html>"
EXPIRED_MESSAGE = "The specified page token value has expired and can no longer be included in your request."
PAGE_EXPIRED = {"error": {"code": "Directory_ExpiredPageToken", "message": EXPIRED_MESSAGE}}
TOOK_TOO_LONG = {"errors": [{"detail": "The request took too long to process and timed out."}]}


@dataclass
class Answer:
    """An answer before it goes out."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    fault: Fault | None = None

    @classmethod
    def of(cls, response: Response) -> Answer:
        return cls(response.status_code, list(response.raw_headers), bytes(response.body))

    def with_headers(self, headers: dict[str, str]) -> Answer:
        """These headers in the place of those of the same names."""
        new = {name.lower().encode(): value.encode("latin-1") for name, value in headers.items()}
        kept = [(name, value) for name, value in self.headers if name.lower() not in new]
        return Answer(self.status, kept + list(new.items()), self.body)

    def with_body(self, body: bytes) -> Answer:
        return Answer(self.status, self.headers, body).with_headers({"content-length": str(len(body))})


@dataclass
class Call:
    """One request on its way."""

    scope: Scope
    receive: Receive
    send: Send
    body: bytes
    route: Route | None
    entry: Entry

    @property
    def method(self) -> str:
        return self.scope["method"]

    @property
    def path(self) -> str:
        return self.scope["path"]

    @property
    def template(self) -> str | None:
        return self.route.path if self.route else None

    @property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)


async def _until(moment: float) -> None:
    """Wait for a moment by the clock that only goes forward: what the sandbox itself takes is part of the latency."""
    left = moment - monotonic()
    if left > 0:
        await asyncio.sleep(left)


class _Gone(Exception):
    """There is nobody left to answer."""


class Pipeline:
    """The ASGI application of one service."""

    def __init__(self, stage: Stage, service: Service, connections: Connections) -> None:
        self.stage = stage
        self.service = service
        self.connections = connections
        self.routes = service.routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the sandbox speaks plain HTTP only, not {scope['type']}")
        came = monotonic()
        latency = self.stage.sandbox.behaviour["latency_ms"][self.service.name] / 1000
        try:
            body = await _read(receive)
            route = self._match(scope)
            call = Call(scope, receive, send, body, route, self._log(scope))
            await _until(came + latency / 2)
            answer = await self._answer(call)
            await _until(came + latency)
            call.entry["status"] = answer.status
            if answer.fault is None:
                await _send(answer, send)
            else:
                await _send_badly(answer, answer.fault, call)
        except _Gone:
            return

    def _match(self, scope: Scope) -> Route | None:
        """The route for this path, with its parameters put into the scope; a path with a wrong method has one too."""
        partial: Route | None = None
        for route in self.routes:
            match, child = route.matches(scope)
            if match == Match.FULL:
                scope.update(child)
                scope["sandbox.allowed"] = True
                return route
            if match == Match.PARTIAL and partial is None:
                partial = route
        return partial

    def _log(self, scope: Scope) -> Entry:
        query = scope.get("query_string", b"").decode("latin-1")
        path = scope["path"] + (f"?{query}" if query else "")
        entry: Entry = {"method": scope["method"], "service": self.service.name, "path": path, "status": None}
        self.stage.log.append(entry)
        return entry

    async def _answer(self, call: Call) -> Answer:
        fault = self.stage.faults.due(self.service.name, call.method, call.path, call.template)
        if fault:
            call.entry["fault"] = fault.kind
            if not fault.commits:
                return await self._instead(fault, call)
        answer = self._refusal(call) or await self._play(call)
        return await self._afterwards(fault, call, answer) if fault else answer

    async def _instead(self, fault: Fault, call: Call) -> Answer:
        """The fault stands in the place of the request."""
        if fault.kind == "reset_before":
            self._reset(call)
        if fault.kind == "expire_token":
            credential = self.service.credential(call.headers)
            if credential:
                self.stage.refused_credentials.add(credential)
            return Answer.of(self.service.expired())
        return self._false_answer(fault, call)

    async def _afterwards(self, fault: Fault, call: Call, answer: Answer) -> Answer:
        """The request has been carried out; the fault is in how the client learns of it."""
        match fault.kind:
            case "reset_after":
                self._reset(call)
            case "timeout_after":
                await _gone(call)
            case "truncate":
                return answer.with_body(answer.body[: len(answer.body) // 2])
            case "slow":
                await _wait(call, fault.pause)
            case "status" | "html":
                return self._false_answer(fault, call)
        if fault.kind in BODIES:
            answer.fault = fault
        return answer

    def _false_answer(self, fault: Fault, call: Call) -> Answer:
        """What `status`, `html`, `took_too_long` and `page_expired` say."""
        body = fault.body
        if body is None and fault.kind == "took_too_long":
            body = TOOK_TOO_LONG
        if body is None and fault.kind == "page_expired":
            body = PAGE_EXPIRED
        if body is None and fault.kind == "html":
            body = HTML
        if body is None:
            answer = Answer.of(self.service.failure_at(call.path, fault.status_code))
        elif isinstance(body, str):
            kind = "text/html" if fault.kind == "html" or body.lstrip().startswith("<") else "text/plain"
            answer = Answer.of(Response(body, fault.status_code, media_type=kind))
        else:
            answer = Answer.of(Response(json.dumps(body), fault.status_code, media_type="application/json"))
        return answer.with_headers(dict(fault.headers))

    def _refusal(self, call: Call) -> Answer | None:
        """The answers that are given before the service is asked."""
        credential = self.service.credential(call.headers)
        if credential in self.stage.refused_credentials:
            return Answer.of(self.service.expired())
        wait = self._over_quota(call, credential)
        if wait is None:
            return None
        answer = Answer.of(self.service.failure(429))
        if self.stage.sandbox.behaviour["quota_retry_after"]:
            answer = answer.with_headers({"Retry-After": str(wait)})
        return answer

    def _over_quota(self, call: Call, credential: str | None) -> int | None:
        behaviour, quota = self.stage.sandbox.behaviour, self.stage.quota
        if self.service.name == "itglue":
            return quota.take(("itglue", credential), behaviour["itglue_quota"], IT_GLUE_WINDOW)
        if self.service.name == "bms" and call.template:
            return quota.take(("bms", call.method, call.template), behaviour["bms_quota"], BMS_WINDOW)
        return None

    async def _play(self, call: Call) -> Answer:
        """Let the service answer, and hold both sides against the contract."""
        if call.route is None:
            answer = Answer.of(self.service.failure_at(call.path, 404))
        elif not call.scope.get("sandbox.allowed"):
            answer = Answer.of(self.service.failure_at(call.path, 405))
        else:
            answer = await self._run(call.route, call)
        if self.stage.contracts:
            await self.stage.contracts.check(_exchange(self.service.name, call, answer))
        return answer

    async def _run(self, route: Route, call: Call) -> Answer:
        answer = Answer()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = list(message.get("headers", []))
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        try:
            await route.handle(call.scope, _replay(call.body), collect)
        except Exception:
            LOGGER.exception("%s %s: the sandbox itself failed", call.method, call.path)
            return Answer.of(self.service.failure_at(call.path, 500))
        return answer

    def _reset(self, call: Call) -> None:
        """Reset the TCP connection (RST), as a load balancer does that loses its backend."""
        client = call.scope.get("client")
        transport = self.connections.get(tuple(client)) if client else None
        if transport is None:
            raise ConnectionResetError("reset by a fault")
        reset(transport)
        raise _Gone


def reset(transport: asyncio.Transport) -> None:
    """Abort a connection so that the peer gets RST and no FIN: lingering for no time at all does it."""
    handle = socket.socket(fileno=socket.dup(transport.get_extra_info("socket").fileno()))
    with handle:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _exchange(service: str, call: Call, answer: Answer) -> Exchange:
    return Exchange(
        service=service,
        method=call.method,
        path=call.path,
        query=call.scope.get("query_string", b""),
        request_headers=call.headers,
        request_body=call.body,
        status=answer.status,
        answer_headers=Headers(raw=answer.headers),
        answer_body=answer.body,
    )


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _gone(call: Call) -> None:
    """Wait until the client has given up."""
    while (await call.receive())["type"] != "http.disconnect":
        pass
    raise _Gone


async def _wait(call: Call, seconds: float) -> None:
    """Wait, but not for a client that has given up."""
    try:
        await asyncio.wait_for(_gone(call), seconds)
    except TimeoutError:
        return


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(10_000_000)) * 64


async def _send_badly(answer: Answer, fault: Fault, call: Call) -> None:
    """Send a body as a fault has it, until it ends or nobody is there any more."""
    if fault.kind == "bomb":
        bomb = Answer(answer.status, answer.headers).with_headers({"Content-Encoding": "gzip"})
        await _send(bomb.with_body(_bomb()), call.send)
        return
    unknown = {b"content-length"} if fault.kind == "endless" else set()
    headers = [(name, value) for name, value in answer.headers if name.lower() not in unknown]
    await call.send({"type": "http.response.start", "status": answer.status, "headers": headers})
    chunks = iter(lambda: b" " * 65_536, b"") if fault.kind == "endless" else (bytes([byte]) for byte in answer.body)
    for chunk in chunks:
        await call.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await _wait(call, fault.pause)
    await call.send({"type": "http.response.body", "body": b""})

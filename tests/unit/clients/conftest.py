# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scripted service on the loopback interface, close enough to the socket to reset, stall and truncate."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest
import trustme

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import Timing
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Access, Calls, HttpSession, Service
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings

RESET = "reset"
"""Reset the connection once the request has been read."""
STALL = "stall"
"""Read the request and never answer."""
CLOSE = "close"
"""Close the connection once the request has been read."""
ENDLESS = "endless"
"""An answer of JSON text that never ends."""


@dataclass
class Drip:
    """Bytes that come one by one, with a pause after each."""

    content: bytes
    seconds: float = 0.05


@dataclass
class Raw:
    """Bytes as they are."""

    content: bytes


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncate: int = 0

    def encode(self) -> bytes:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        body = self.body[: len(self.body) - self.truncate]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def reply(body: object = None, status: int = 200, **headers: str) -> Reply:
    """An answer; `Retry_After="1"` is the header `Retry-After`."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


STEPS = (Reply, Drip, Raw, str)


class Wire:
    """Answers each request with the next step of its script, or with what `answer` makes of the request."""

    def __init__(self) -> None:
        self.script: list[object] = []
        self.answer = None
        self.tls: ssl.SSLContext | None = None
        self.requests: list[Request] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start(self._accept)

    def says(self, *steps: object) -> None:
        """What the next requests get; dicts and lists are sent as JSON with status 200."""
        self.script += [step if isinstance(step, STEPS) else reply(step) for step in steps]

    @property
    def last(self) -> Request:
        return self.requests[-1]

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def close(self) -> None:
        self._done.set()
        for waiting in (self._listener, *self._open):
            with suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._done.is_set():
            try:
                connection, dummy = self._listener.accept()
            except OSError:
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self._open.append(connection)
                while not self._done.is_set():
                    request = self._read(connection)
                    if request is None or not self._step(connection, request):
                        return

    def _step(self, connection: socket.socket, request: Request) -> bool:
        with self._lock:
            self.requests.append(request)
            step = self.script.pop(0) if self.script else None
        if step is None and self.answer is not None:
            step = self.answer(request)
            step = step if isinstance(step, STEPS) else reply(step)
        if step is None:
            step = reply({"unscripted": request.target}, 599)
        if step == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if step == STALL:
            self._done.wait(5)
            return False
        if step == CLOSE:
            return False
        if step == ENDLESS:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
            while not self._done.is_set():
                connection.sendall(b" " * 65_536)
            return False
        if isinstance(step, Drip):
            for byte in step.content:
                connection.sendall(bytes([byte]))
                self._done.wait(step.seconds)
            return True
        if isinstance(step, Raw):
            connection.sendall(step.content)
            return True
        connection.sendall(step.encode())
        return not step.truncate

    def _read(self, connection: socket.socket) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return None
            data += chunk
        head, body = data.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
        method, target, dummy = first.split(" ")
        return Request(method, target, headers, body)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def wire():
    server = Wire()
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def settings() -> HttpSettings:
    return HttpSettings(timeout=2.0)


def longest(low: float, high: float) -> float:
    """In place of chance: the longest wait."""
    return high


@pytest.fixture
def access(clock, calls, settings):
    """Makes what a client needs of its run. Waits take no time."""

    def access(*, spread=longest, now=time.time, **options) -> Access:
        timing = Timing(clock.sleep, clock, now, spread)
        return Access(**{"http": settings, "calls": calls, "timing": timing, **options})

    return access


@pytest.fixture
def connect(access):
    """Makes a session whose waits take no time."""

    def connect(
        name: str, url: str, *, option="url", headers=None, secrets=(), authorizer=None, **options
    ) -> HttpSession:
        service = Service(name, url, option, authorizer=authorizer, headers=headers or {}, secrets=tuple(secrets))
        return HttpSession(service, access(**options))

    return connect


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> tuple[trustme.CA, str]:
    """A certificate authority, and the file that holds its certificate."""
    signer = trustme.CA()
    bundle = tmp_path_factory.mktemp("tls") / "ca.pem"
    signer.cert_pem.write_to_path(str(bundle))
    return signer, str(bundle)


@pytest.fixture
def tls(wire, authority) -> tuple[str, str]:
    """The address of `wire` under TLS, and the file of the authority that signed for it."""
    signer, bundle = authority
    wire.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signer.issue_cert("127.0.0.1").configure_cert(wire.tls)
    return f"https://127.0.0.1:{wire.port}", bundle

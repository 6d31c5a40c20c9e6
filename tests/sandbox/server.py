# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a process: three HTTPS ports on the loopback address, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from .certificates import make
from .stage import Connections, Stage

HOST = "127.0.0.1"
#: The ports in their order from `--port-base` on.
ORDER = ("graph", "itglue", "bms")
KEEP_ALIVE_SECONDS = 300
#: How long a stop waits for requests under way, such as one that a fault lets hang.
GRACE_SECONDS = 1


class ServerError(Exception):
    """The server cannot start; the message says why."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: one handler stops all three servers."""
        yield


def run(stage: Stage, env_file: Path, port_base: int | None = None, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is called once the ports answer and the environment file is there."""
    sockets = _bind(port_base)
    authority_file = env_file.with_name(env_file.name + ".ca.pem").absolute()
    try:
        env_file.unlink(missing_ok=True)
        context = make(authority_file)
    except OSError as error:
        raise ServerError(f"cannot write {error.filename}: {error.strerror}") from error
    ports = {name: sockets[name].getsockname()[1] for name in ORDER}
    variables = environment(stage.sandbox.world, ports, authority_file)

    def listening() -> None:
        write_environment(env_file, variables)
        ready()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(stage, sockets, context, listening))


def environment(world: Mapping[str, Any], ports: Mapping[str, int], authority_file: Path) -> dict[str, str]:
    """Every connection variable of the collection. Those that the sandbox has no value for are empty, so that a value
    of the user's own shell (a certificate, a proxy) does not get mixed in."""
    urls = {name: f"https://{HOST}:{port}" for name, port in ports.items()}
    entra, itglue, bms = world["entra"], world["itglue"], world["bms"]
    return {
        "ITGLUE_URL": urls["itglue"],
        "ITGLUE_API_KEY": itglue["api_key"],
        "BMS_URL": urls["bms"],
        "BMS_COMPANY": bms["company"],
        "BMS_USERNAME": bms["username"],
        "BMS_PASSWORD": bms["password"],
        "BMS_MFA_SECRET": bms["mfa_secret"] or "",
        "AZURE_CLIENT_ID": entra["client_id"],
        "AZURE_CLIENT_SECRET": entra["client_secret"],
        "AZURE_CLIENT_CERTIFICATE_PATH": "",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": "",
        "AZURE_FEDERATED_TOKEN_FILE": "",
        "AZURE_CLOUD": "global",
        "AZURE_AUTHORITY_HOST": urls["graph"],
        "GRAPH_URL": urls["graph"],
        "REQUESTS_CA_BUNDLE": str(authority_file),
        "HTTPS_PROXY": "",
        "NO_PROXY": "",
    }


def write_environment(path: Path, variables: Mapping[str, str]) -> None:
    """Write `NAME=value` lines, all at once and for the owner only."""
    for name, value in variables.items():
        if "\n" in value or "\r" in value:
            raise ServerError(f"{name} has a line break in it: it cannot go into {path}")
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    handle, temporary = tempfile.mkstemp(prefix=path.name, dir=path.absolute().parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def _bind(port_base: int | None) -> dict[str, socket.socket]:
    sockets = {}
    for offset, name in enumerate(ORDER):
        port = port_base + offset if port_base else 0
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
            sock.listen(2048)
        except (OSError, OverflowError) as error:
            raise ServerError(f"cannot listen on {HOST}:{port} for {name}: {error}") from error
        sockets[name] = sock
    return sockets


def _tracking(connections: Connections) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which also notes each connection's transport by the client's address.

    ASGI gives an application no hand on its connection; a reset needs one.
    """

    class Tracking(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            self._peer = transport.get_extra_info("peername")
            connections[self._peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self._peer, None)
            super().connection_lost(exc)

    return Tracking


def _server(stage: Stage, name: str, context: ssl.SSLContext) -> _Server:
    connections: Connections = {}
    config = uvicorn.Config(
        stage.app(name, connections),
        http=_tracking(connections),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    config.ssl = context
    return _Server(config)


async def _serve(
    stage: Stage, sockets: Mapping[str, socket.socket], context: ssl.SSLContext, ready: Callable[[], Any]
) -> None:
    servers = {name: _server(stage, name, context) for name in ORDER}

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    running = [asyncio.create_task(server.serve(sockets=[sockets[name]])) for name, server in servers.items()]
    try:
        while not all(server.started for server in servers.values()):
            if any(task.done() for task in running):
                raise ServerError("a server ended before it listened")
            await asyncio.sleep(0.01)
        ready()
    except BaseException:
        stop()
        raise
    finally:
        await asyncio.gather(*running)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop

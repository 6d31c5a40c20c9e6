# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP proxy that leads the vendors' names to the sandbox, by tunnels, and counts them. For tests.

with proxying({"graph.microsoft.com": 8443}) as proxy:
    ... HTTPS_PROXY=proxy.url ...
    assert proxy.tunnels == {"graph.microsoft.com:443": 1}
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping

HOST = "127.0.0.1"


class Proxy:
    """Takes CONNECT alone; names that have no route are refused, and so is who lacks the login, if there is one."""

    def __init__(self, routes: Mapping[str, int], login: str | None = None) -> None:
        self.tunnels: Counter[str] = Counter()
        self._routes = routes
        self._wanted = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, 0))
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{HOST}:{port}"
        self.url_with_login = f"http://{login}@{HOST}:{port}"
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, *dummy = first.split(" ")
            headers = {name.lower(): value.strip() for name, dot, value in (line.partition(":") for line in lines)}
            status = self._status(method, target, headers.get("proxy-authorization"))
            writer.write(f"HTTP/1.1 {status} X\r\n\r\n".encode())
            if status == 200:
                self.tunnels[target] += 1
                await self._tunnel(self._routes[target.partition(":")[0]], reader, writer)
        writer.close()

    def _status(self, method: str, target: str, login: str | None) -> int:
        if login != self._wanted:
            return 407
        if method != "CONNECT":
            return 405
        return 200 if target.partition(":")[0] in self._routes else 502

    async def _tunnel(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(HOST, port)
        ways = [asyncio.create_task(_pass_on(*way)) for way in ((reader, forth), (back, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        forth.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()


@contextlib.contextmanager
def proxying(routes: Mapping[str, int], login: str | None = None) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts; `routes` are the ports of this machine by name."""
    proxy = Proxy(routes, login)
    try:
        yield proxy
    finally:
        proxy.close()

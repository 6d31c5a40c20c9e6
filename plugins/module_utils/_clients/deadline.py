# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets that keep a deadline.

A time-out of a socket counts from one read to the next: a service that sends a byte now and then
is never too slow for it. Here each read also ends at the deadline of the thread's request,
whatever comes, headers and the answer of a proxy included.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_thread = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Let what this thread reads end after so many seconds with a `TimeoutError`; gives that time (monotonic)."""
    until = time.monotonic() + seconds
    _thread.until = until
    try:
        yield until
    finally:
        _thread.until = None


class _Reading(socket.socket):
    """A socket whose reads keep the deadline of their thread."""

    def recv(self, *args: Any, **keywords: Any) -> bytes:
        with _limited(self):
            return super().recv(*args, **keywords)

    def recv_into(self, *args: Any, **keywords: Any) -> int:
        with _limited(self):
            return super().recv_into(*args, **keywords)


class PlainSocket(_Reading):
    """A TCP socket that keeps deadlines."""

    @classmethod
    def in_place_of(cls, connected: socket.socket) -> PlainSocket:
        """The same connection; `connected` is not to be used any more."""
        timeout = connected.gettimeout()
        made = cls(connected.family, connected.type, connected.proto, fileno=connected.detach())
        made.settimeout(timeout)
        return made


class TlsSocket(_Reading, ssl.SSLSocket):
    """A TLS socket that keeps deadlines, for `SSLContext.sslsocket_class`."""


@contextmanager
def _limited(connection: socket.socket) -> Iterator[None]:
    until = getattr(_thread, "until", None)
    if until is None:
        yield
        return
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    timeout = connection.gettimeout()
    if timeout is not None and timeout <= left:
        yield
        return
    connection.settimeout(left)
    try:
        yield
    finally:
        connection.settimeout(timeout)

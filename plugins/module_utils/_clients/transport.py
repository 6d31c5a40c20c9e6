# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections with one service: their settings, TLS, proxy, and one request over them, with bounds on its answer."""

from __future__ import annotations

import os
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

from .._engine.errors import InputError
from .addresses import Origin, is_direct
from .deadline import PlainSocket, TlsSocket, deadline
from .network_errors import TRANSPORT_ERRORS, AnswerTooLargeError, AnswerTooSlowError, timed_out
from .request import Request

try:
    import requests
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ContentDecodingError
    from requests.utils import DEFAULT_CA_BUNDLE_PATH
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.util import create_urllib3_context
except ImportError:
    requests = None  # type: ignore[assignment]
    HTTPAdapter = HTTPConnection = HTTPSConnection = object  # type: ignore[assignment, misc]
    HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment, misc]

USER_AGENT = "msp.psa_sync"
AT_ONCE = 8
"""Requests of a run to one service that wait for their answer at once."""

WORKERS = AT_ONCE + 4
"""Threads that send them, and connections kept alive for it: some read the rest of an answer or prepare the next
request, while others wait."""

LARGEST_ANSWER = 32 * 2**20
"""Bytes that an answer may have, also after it is unzipped. A page of 1000 contacts has one or two million."""

_CONNECT_TIMEOUT = 10.0
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to reach the services. `timeout` is in seconds, for the next part of an answer to come; the whole
    answer has to be there within twice this time.

    TLS certificates are always checked, against `ca_path` (a file or a directory) or
    the bundle of requests. Neither a service on this machine nor one that `no_proxy`
    names (hosts and domains, separated by commas) is asked through `proxy`.
    `notice` takes a line about a wait that the person at the terminal would notice. `log`
    takes a verbosity (3 is `-vvv`) and a line that is shown from this verbosity on.
    """

    ca_path: str | None = None
    timeout: float = 30.0
    proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    notice: Callable[[str], None] = field(default=lambda text: None, repr=False, compare=False)
    log: Callable[[int, str], None] = field(default=lambda level, text: None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport:
    """Keep-alive connections with the service at `target`: no cookies, and nothing taken from the environment.

    Whoever makes the settings reads the environment; left to itself, requests would
    let REQUESTS_CA_BUNDLE override `verify`, and send the passwords of ~/.netrc.
    """

    def __init__(self, settings: HttpSettings, target: Origin, headers: Mapping[str, str]) -> None:
        if settings.ca_path and not os.path.exists(settings.ca_path):
            raise InputError(f"The option ca_path names {settings.ca_path}, where there is nothing.")
        self.timeout = (min(_CONNECT_TIMEOUT, settings.timeout), settings.timeout)
        self._proxy = None if not settings.proxy or is_direct(target, settings.no_proxy) else settings.proxy
        self._trusting = trusting(settings.ca_path)
        self._headers = {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Connection": "keep-alive",
            **headers,
        }

    @cached_property
    def session(self) -> requests.Session:
        """Made with the first request: few tasks ask each service something."""
        session = requests.Session()
        session.trust_env = False
        if self._proxy:
            session.proxies = {"http": self._proxy, "https": self._proxy}
        adapter = _Adapter(self._trusting)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return session

    def prepared(self, request: Request, url: str, credentials: Mapping[str, str]) -> requests.PreparedRequest:
        """A request as `send` takes it. Raises one of `network_errors.TRANSPORT_ERRORS` for what cannot be sent."""
        # To let the session prepare a request takes longer than to send one: it merges what only it can have.
        prepared = requests.PreparedRequest()
        prepared.prepare(
            request.method,
            url,
            headers={**self._headers, **request.headers, **credentials},
            params=request.params,
            data=request.data,
            json=request.json,
            files={name: (None, value) for name, value in request.form.items()} if request.form is not None else None,
            hooks=self.session.hooks,
        )
        return prepared

    def send(
        self, request: requests.PreparedRequest, longest: float, answered: Callable[[], None] = lambda: None
    ) -> WireAnswer:
        """Send a request once. The answer has to be there within `longest` seconds. `answered` is called once it
        begins: then the service has done its work.

        Raises one of `network_errors.TRANSPORT_ERRORS` where there is no answer, or none within its bounds.
        """
        longest = min(longest, 2 * self.timeout[1])
        with deadline(longest) as until:
            try:
                return self._send(request, answered)
            except AnswerTooLargeError:
                raise
            except TRANSPORT_ERRORS as error:
                if timed_out(error) and time.monotonic() >= until:
                    raise AnswerTooSlowError(longest) from error
                raise

    def _send(self, request: requests.PreparedRequest, answered: Callable[[], None]) -> WireAnswer:
        response = self.session.send(
            request, timeout=self.timeout, proxies=self.session.proxies, allow_redirects=False, stream=True
        )
        answered()
        # What has not been read to its end is closed here: its rest must not be taken for the next answer.
        with response:
            content = _content(response) if response.status_code >= 200 else b""
            return WireAnswer(response.status_code, response.headers, content)


def _content(response: requests.Response) -> bytes:
    """The body of an answer, unzipped, while it is no larger than it may be."""
    if getattr(response, "_content", False) is not False:
        # Somebody who looks on, such as a tracer of requests, has read it already.
        return response.content
    unzip = _Unzip() if response.headers.get("Content-Encoding", "").strip().lower() == "gzip" else None
    parts: list[bytes] = []
    size = 0
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        part = chunk if unzip is None else unzip.feed(chunk, LARGEST_ANSWER + 1 - size)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise AnswerTooLargeError(LARGEST_ANSWER)
        parts.append(part)
    if unzip is not None and not unzip.whole:
        raise ContentDecodingError("the zipped answer is cut off")
    return b"".join(parts)


class _Unzip:
    """Unzips an answer part by part; makes no more of it than is asked for."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def whole(self) -> bool:
        """Whether the end has come."""
        return self._member.eof

    def feed(self, chunk: bytes, most: int) -> bytes:
        """What a part holds; of what is more than `most` bytes, no more than these."""
        made = b""
        try:
            while chunk and len(made) < most:
                if self._member.eof:
                    self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                made += self._member.decompress(chunk, most - len(made))
                chunk = self._member.unused_data
        except zlib.error as error:
            raise ContentDecodingError("the zipped answer is damaged") from error
        return made


@lru_cache(maxsize=4)
def trusting(ca_path: str | None) -> ssl.SSLContext:
    """What certificates are checked with. It is made once for all services: to read a bundle takes milliseconds.

    Raises `InputError` for a `ca_path` that cannot be read.
    """
    where = ca_path or DEFAULT_CA_BUNDLE_PATH
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    try:
        if os.path.isdir(where):
            context.load_verify_locations(capath=where)
        else:
            context.load_verify_locations(cafile=where)
    except OSError as error:
        raise InputError(f"The option ca_path names {where}, which holds no certificates that can be read.") from error
    context.sslsocket_class = TlsSocket
    return context


class _Connection(HTTPConnection):
    def _new_conn(self) -> PlainSocket:
        return PlainSocket.in_place_of(super()._new_conn())


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> PlainSocket:
        return PlainSocket.in_place_of(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """The connections with a service, all over one TLS context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=2, pool_maxsize=WORKERS)

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **keywords)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **keywords)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:
        """The context checks already. Left to itself, requests would read the bundle for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"

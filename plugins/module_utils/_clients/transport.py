# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: nothing here is a public interface.

"""Connections: their settings, the addresses that they may lead to, and why one failed."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit
from urllib.request import proxy_bypass_environment

from .._engine.errors import InputError

try:
    import requests
    from requests.adapters import HTTPAdapter
    from requests.certs import where as requests_bundle
    from requests.exceptions import ConnectTimeout, ProxyError, RequestException, Timeout
    from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError
    from urllib3.util import create_urllib3_context
except ImportError:
    requests = None
    HTTPAdapter = object
    TRANSPORT_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError)
else:
    TRANSPORT_ERRORS = (RequestException, HTTPError, OSError, ValueError)

USER_AGENT = "msp.psa_sync"
THREADS = 16
"""Connections kept alive for each service: as many as a run has threads."""

Origin = tuple[str, str, int]


def _silent(text: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to reach the services. `timeout` is in seconds, for one read of the answer.

    TLS certificates are always checked, against `ca_path` (a file or a directory) or
    the bundle of requests. Neither a service on this machine nor one that `no_proxy`
    names (hosts and domains, separated by commas) is asked through `proxy`.
    `notice` is told what a run waits for.
    """

    ca_path: str | None = None
    timeout: float = 30.0
    proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    notice: Callable[[str], None] = field(default=_silent, repr=False, compare=False)


def keep_alive(settings: HttpSettings, target: Origin) -> requests.Session:
    """A session with the service at `target`: no cookies, and nothing taken from the environment.

    Whoever makes the settings reads the environment; left to itself, requests would
    let REQUESTS_CA_BUNDLE override `verify`, and send the passwords of ~/.netrc.
    """
    if requests is None:
        raise InputError(
            "The Python library requests is missing.",
            hint="Install it for the Python that runs the task: pip install requests.",
        )
    if settings.ca_path and not os.path.exists(settings.ca_path):
        raise InputError(f"The option ca_path names {settings.ca_path}, where there is nothing.")
    session = requests.Session()
    session.trust_env = False
    if settings.proxy and not _is_direct(target, settings.no_proxy):
        session.proxies = {"http": settings.proxy, "https": settings.proxy}
    adapter = _Adapter(trusting(settings.ca_path))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
    return session


@lru_cache(maxsize=4)
def trusting(ca_path: str | None) -> ssl.SSLContext:
    """What certificates are checked with. It is made once for all services: to read a bundle takes milliseconds.

    Raises `InputError` for a `ca_path` that cannot be read.
    """
    where = ca_path or requests_bundle()
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    try:
        if os.path.isdir(where):
            context.load_verify_locations(capath=where)
        else:
            context.load_verify_locations(cafile=where)
    except OSError as error:
        raise InputError(f"The option ca_path names {where}, which holds no certificates that can be read.") from error
    return context


class _Adapter(HTTPAdapter):
    """The connections with a service, all over one TLS context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=2, pool_maxsize=THREADS)

    def init_poolmanager(self, *args, **keywords) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **keywords)

    def proxy_manager_for(self, proxy, **keywords):
        return super().proxy_manager_for(proxy, ssl_context=self._context, **keywords)

    def cert_verify(self, conn, url, verify, cert) -> None:
        """The context checks already. Left to itself, requests would read the bundle for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"


# ------------------------------------------------------------------- addresses


def service_url(url_or_region: str, regions: Mapping[str, str], option: str) -> str:
    """The address of a service that is named by its region or by itself."""
    wanted = url_or_region.strip()
    url = regions.get(wanted.lower(), wanted)
    if "://" not in url:
        raise InputError(f"The option {option} is neither an address nor one of {', '.join(regions)}.")
    return url


def checked_base(url: str, option: str) -> SplitResult:
    """The parts of a service's address; `InputError` naming the option when it is none, or lacks TLS."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment or not _plain(url):
        raise InputError(f"The option {option} is no address of a service.", hint="It looks like https://host.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InputError(
            f"The option {option} names {parts.hostname} without TLS.",
            hint="Use https; plain http is for services on this machine only.",
        )
    return parts


def origin(parts: SplitResult) -> Origin:
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def same_origin(url: str, base: Origin) -> bool:
    """Whether a whole address has the scheme, the host and the port of the service."""
    try:
        parts = urlsplit(url)
        return origin(parts) == base and "@" not in parts.netloc and _plain(url)
    except ValueError:
        return False


def _plain(url: str) -> bool:
    """Nothing that two parsers of addresses could read in two ways."""
    return url.isprintable() and " " not in url and "\\" not in url


def _is_direct(target: Origin, no_proxy: str | None) -> bool:
    """Whether a service is asked without the proxy; `no_proxy` is read as curl does, but for ranges of addresses."""
    dummy, host, port = target
    return _is_loopback(host) or bool(proxy_bypass_environment(f"{host}:{port}", {"no": no_proxy or ""}))


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


# -------------------------------------------------------------------- failures


def never_connected(error: Exception) -> bool:
    """Whether the request surely was not sent: no name, no connection, no proxy."""
    return isinstance(error, (ConnectTimeout, ProxyError)) or _holds(error, NewConnectionError)


def certificate_refused(error: Exception) -> bool:
    return _holds(error, ssl.SSLCertVerificationError)


def timed_out(error: Exception) -> bool:
    return isinstance(error, Timeout) or _holds(error, ReadTimeoutError)


def reason(error: Exception) -> str:
    """Why there was no answer, in words that hold no query and no header."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message})"
            case socket.gaierror():
                return "its name is not known"
    if isinstance(error, ProxyError):
        return "the proxy did not let the request through"
    if isinstance(error, ConnectTimeout):
        return "no connection in time"
    if timed_out(error):
        return "no answer in time"
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    if never_connected(error):
        return "no connection"
    return "the request could not be sent" if isinstance(error, ValueError) else "the connection broke"


def _holds(error: Exception, kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from, as requests and urllib3 nest them.

    `__context__` is left out: it may lead to an earlier failure that has nothing to
    do with this one.
    """
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if isinstance(current, BaseException):
            yield current
            waiting += [current.__cause__, getattr(current, "reason", None), *current.args]

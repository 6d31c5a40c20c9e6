# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of the services: which may be used, and where a link may lead."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from .._engine.errors import InputError

Origin = tuple[str, str, int]
"""Scheme, host and port."""


def service_url(url_or_region: str, regions: Mapping[str, str], option: str) -> str:
    """The address of a service that is named by its region or by itself."""
    wanted = url_or_region.strip()
    url = regions.get(wanted.lower(), wanted)
    if "://" not in url:
        raise InputError(f"The option {option} is neither an address nor one of {', '.join(regions)}.")
    return url


def checked_base(url: str, option: str) -> SplitResult:
    """The parts of a service's address; `InputError` naming the option when it is none, or lacks TLS."""
    parts = http_parts(url)
    if parts is None or "@" in parts.netloc or parts.query or parts.fragment or not _plain(url):
        raise InputError(f"The option {option} is no address of a service.", hint="It looks like https://host.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InputError(
            f"The option {option} names {parts.hostname} without TLS.",
            hint="Use https; plain http is for services on this machine only.",
        )
    return parts


def http_parts(url: str) -> SplitResult | None:
    """The parts of an address of HTTP with a host; None where it is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


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


def is_direct(target: Origin, no_proxy: str | None) -> bool:
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

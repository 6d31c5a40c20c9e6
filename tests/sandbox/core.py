# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's heart: one world, the services that play on it, and what they share.

A `Sandbox` holds the live state, in the very format in which it was given, so that
`state()` is again a world that can be loaded. A `Service` plays one vendor: it keeps
its records in its section of the world and answers requests by its routes. Everything
happens on one event loop: endpoints are `async def` and need no locks, as long as they
do not await between reading and writing the state.

What happens around an endpoint (log, latency, faults, quota, contracts) is the
business of `pipeline.py`; a service only says what its vendor's errors look like.
"""

from __future__ import annotations

import copy
import marshal
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]

#: The switches of a world's `behaviour` that every sandbox has; a service adds its own in `Service.DEFAULTS`.
BEHAVIOUR: Mapping[str, Any] = {
    "itglue_page_limit": 1000,
    "graph_page_limit": 999,
    "bms_page_limit": 100,
    "itglue_arrays": "replace",
    "native_push": False,
    "bms_contact_patch_endpoints": True,
    "bms_inactive_by_default": True,
    "two_way_unlocks": False,
    "token_lifetime": 900,
    "itglue_quota": 3000,
    "bms_quota": 1500,
    "quota_retry_after": False,
    "latency_ms": {"graph": 0, "itglue": 0, "bms": 0},
}


def phrase_of(status: int) -> str:
    """The words of a status; those between a client and a vendor answer with others than the standard has."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"


class WorldError(ValueError):
    """A world that cannot be played; the message names the key."""


class Service:
    """One vendor. Subclasses fill in the class variables and override the methods below."""

    #: "graph", "itglue" or "bms": the name in faults, logs and `latency_ms`.
    name: ClassVar[str]
    #: The key of the world that this service owns: "entra", "itglue" or "bms".
    section: ClassVar[str]
    #: Every key that the section may have, with the value for a world that leaves it out.
    SECTION: ClassVar[Mapping[str, Any]] = {}
    #: Switches of `behaviour` beyond `BEHAVIOUR`, with their defaults.
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.load()

    @property
    def records(self) -> Json:
        """The service's section of the live world."""
        return self.sandbox.world[self.section]

    @classmethod
    def complete(cls, section: Json) -> None:
        """Fill in what records of the section leave out, in place; raise `WorldError` for what makes no sense.

        Called once per world, before any `load`, when the keys of the section itself are filled already.
        """

    def load(self) -> None:
        """(Re)build the indexes from `self.records`; called at the start and at every reset."""

    def dump(self) -> Json:
        """The section as it now is, in world format."""
        return self.records

    def routes(self) -> list[Route]:
        """The routes, the more specific ones first. `route.path` is the template for quotas and faults."""
        raise NotImplementedError

    def failure(self, status: int, message: str | None = None) -> Response:
        """An error answer in the vendor's own form.

        Used for faults without a body, quota (429), an unknown path (404), a wrong method (405).
        """
        return JSONResponse({"message": message or f"Status {status}"}, status)

    def failure_at(self, path: str, status: int) -> Response:
        """`failure`, for a vendor whose errors look different from path to path."""
        return self.failure(status)

    def credential(self, headers: Headers) -> str | None:
        """What the caller identifies with: the bearer token, unless the vendor does otherwise."""
        scheme, space, token = headers.get("authorization", "").partition(" ")
        return token.strip() if space and scheme.lower() == "bearer" else None

    def expired(self) -> Response:
        """The answer to a credential that a fault `expire_token` has made invalid."""
        return self.failure(401)


class Sandbox:
    """The live state. `clock` returns seconds since the epoch; `advance` moves it, so that tests need not wait."""

    def __init__(
        self,
        world: Json | None = None,
        *,
        services: Iterable[type[Service]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if services is None:
            from .services import SERVICES

            services = SERVICES
        self.classes = tuple(services)
        self._base_clock = clock
        self._advanced = 0.0
        self.services: dict[str, Service] = {}
        self.load({} if world is None else world)

    def clock(self) -> float:
        return self._base_clock() + self._advanced

    def advance(self, seconds: float) -> None:
        self._advanced += seconds

    def now(self) -> datetime:
        """The clock as an aware time in UTC."""
        return datetime.fromtimestamp(self.clock(), timezone.utc)

    def load(self, world: Json) -> None:
        """Begin with another world. Raises `WorldError` and leaves everything as it was when it is none."""
        self._initial = completed(world, self.classes)
        self.reset()

    def reset(self) -> None:
        """Back to the world as loaded."""
        self.world: Json = _copied(self._initial)
        self.behaviour: Json = self.world["behaviour"]
        for cls in self.classes:
            if cls.name in self.services:
                self.services[cls.name].load()
            else:
                self.services[cls.name] = cls(self)

    def state(self) -> Json:
        """The whole world as it now is, in world format."""
        state = {cls.section: self.services[cls.name].dump() for cls in self.classes}
        return {**self.world, **state}

    def set_behaviour(self, changes: Json) -> None:
        """Turn switches while the sandbox runs; `reset` turns them back."""
        self.behaviour.update(_behaviour(self.behaviour | changes, self.classes, base=self.behaviour))


def completed(world: Json, classes: Iterable[type[Service]]) -> Json:
    """A copy of a world with every optional key filled in; `WorldError` names a key that is unknown or wrong."""
    if not isinstance(world, dict):
        raise WorldError("the world must be a JSON object")
    classes = tuple(classes)
    known = {cls.section for cls in classes} | {"behaviour"}
    _refuse_unknown(world, known, "")
    full: Json = {}
    for cls in classes:
        section = _filled(world.get(cls.section), cls.SECTION, cls.section)
        cls.complete(section)
        full[cls.section] = section
    full["behaviour"] = _behaviour(world.get("behaviour", {}), classes)
    return full


def fill(record: Any, defaults: Mapping[str, Any], where: str, *, strict: bool = True) -> None:
    """Fill in what one record leaves out, in place. `strict` refuses keys without a default."""
    if not isinstance(record, dict):
        raise WorldError(f"{where} must be an object")
    if strict:
        _refuse_unknown(record, defaults, where)
    for key, value in defaults.items():
        record.setdefault(key, copy.deepcopy(value))


def _copied(value: Any) -> Any:
    """A deep copy of plain data, many times as fast as `copy.deepcopy`."""
    return marshal.loads(marshal.dumps(value))


def _filled(section: Any, defaults: Mapping[str, Any], name: str) -> Json:
    section = _copied(section) if section is not None else {}
    fill(section, defaults, name)
    _check_kinds(section, defaults, name)
    return section


def _behaviour(given: Any, classes: Iterable[type[Service]], base: Mapping[str, Any] | None = None) -> Json:
    defaults = dict(BEHAVIOUR)
    for cls in classes:
        defaults.update(cls.DEFAULTS)
    result = copy.deepcopy(given)
    fill(result, defaults, "behaviour")
    latency = dict((base or defaults)["latency_ms"])
    if isinstance(result["latency_ms"], dict):
        _refuse_unknown(result["latency_ms"], defaults["latency_ms"], "behaviour.latency_ms")
        result["latency_ms"] = latency | result["latency_ms"]
    _check_kinds(result, defaults, "behaviour")
    _check_kinds(result["latency_ms"], defaults["latency_ms"], "behaviour.latency_ms")
    for key in defaults:
        if key.endswith("_page_limit") and result[key] < 1:
            raise WorldError(f"behaviour.{key} must be 1 or more")
    return result


def _check_kinds(record: Json, defaults: Mapping[str, Any], where: str) -> None:
    """Each value is of the kind of its default; where that is None, of any."""
    for key, default in defaults.items():
        if default is not None and not _same_kind(record[key], default):
            raise WorldError(f"{where}.{key} must be of the kind of {default!r}, not {record[key]!r}")


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float))
    return isinstance(value, type(default))


def _refuse_unknown(given: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        place = f"{where}.{unknown[0]}" if where else unknown[0]
        raise WorldError(f"unknown key {place} (known here: {', '.join(sorted(known))})")

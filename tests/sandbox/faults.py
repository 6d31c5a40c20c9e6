# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: what goes wrong on purpose, and at which request.

A fault is told in JSON:

    {"service": "bms", "method": "POST", "path": "/v2/crm/contacts/summary",
     "nth": 2, "times": 1, "kind": "status", "status": 503, "headers": {"Retry-After": "1"}}

`service`, `method` and `path` say which requests it counts; what is missing matches
every one. `path` equals the path without its query (one trailing slash aside) or the
template of the route ("/v2/crm/contacts/{id}"); with a `*` in it, it is a pattern in
which `*` stands for any characters. `nth` is the first counted request that it hits
(1 unless told), `times` how many in a row (1; null: for ever). Where several faults are
due at one request, the first of the list has its way, and all of them have counted.

kind            what the client sees                                            committed
status          `status` (500) with `headers` and `body`, else the vendor's own  no (`committed`)
html            `status` (200) with a page of HTML                               no (`committed`)
reset_before    the connection is reset                                          no
reset_after     the connection is reset                                          yes
timeout_after   nothing, until it goes away                                      yes
truncate        the right status, half of the body                               yes
slow            the right answer, `seconds` (5) late                             yes
expire_token    the request's credential is refused, now and from then on        no
took_too_long   IT Glue's "took too long" error, with `status` (504)             no
page_expired    Graph's error for a page token that has expired                  no
drip            the right answer, a byte each `seconds` (0.5)                    yes
endless         the right status, and a body that never ends                     yes
bomb            the right status, and a small zipped body that is 640 MB         yes

`committed: true` lets `status` and `html` answer after the write was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset(
    "status html reset_before reset_after timeout_after truncate slow expire_token took_too_long page_expired"
    " drip endless bomb".split()
)
BODIES = frozenset({"drip", "endless", "bomb"})
"""Faults that show while the body of the answer comes."""
COMMITTING = frozenset({"reset_after", "timeout_after", "truncate", "slow"}) | BODIES
SERVICES = frozenset({"graph", "itglue", "bms"})
DEFAULT_STATUS = {"status": 500, "html": 200, "took_too_long": 504, "page_expired": 400}
DEFAULT_SECONDS = {"slow": 5.0, "drip": 0.5}
OWNERS = {"took_too_long": "itglue", "page_expired": "graph"}
"""Errors that one service alone has."""


class FaultError(ValueError):
    """A fault that makes no sense; the message says why."""


@dataclass
class Fault:
    kind: str
    service: str | None = None
    method: str | None = None
    path: str | None = None
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float | None = None
    committed: bool = False
    seen: int = 0

    def __post_init__(self) -> None:
        self._pattern = _pattern(self.path) if self.path and "*" in self.path else None

    @property
    def commits(self) -> bool:
        """Whether the request is carried out before the fault shows."""
        return self.committed or self.kind in COMMITTING

    @property
    def status_code(self) -> int:
        return self.status or DEFAULT_STATUS.get(self.kind, 500)

    @property
    def pause(self) -> float:
        """The seconds that the fault waits."""
        return DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def counts(self, service: str, method: str, path: str, template: str | None) -> bool:
        """Whether this request is one of those that the fault counts."""
        return (
            self.service in (None, service)
            and (self.method is None or self.method.upper() == method)
            and self._path_fits(path, template)
        )

    def due(self) -> bool:
        """Count one request; whether it is hit."""
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)

    def _path_fits(self, path: str, template: str | None) -> bool:
        if self.path is None:
            return True
        if self._pattern:
            return self._pattern.fullmatch(path) is not None
        wanted = self.path.rstrip("/")
        return wanted == path.rstrip("/") or (template is not None and wanted == template.rstrip("/"))


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def replace(self, given: Any) -> int:
        """Put these in the place of all others; `FaultError` leaves the present ones in force."""
        if not isinstance(given, list):
            raise FaultError("faults are told as a list")
        self._faults = [parse(item) for item in given]
        return len(self._faults)

    def due(self, service: str, method: str, path: str, template: str | None) -> Fault | None:
        """Count this request; the fault that it meets."""
        counting = [fault for fault in self._faults if fault.counts(service, method, path, template)]
        hits = [fault for fault in counting if fault.due()]
        return hits[0] if hits else None


def parse(given: Any) -> Fault:
    """One fault out of JSON."""
    if not isinstance(given, dict):
        raise FaultError(f"a fault must be an object, not {given!r}")
    fields = set(Fault.__dataclass_fields__) - {"seen"}
    _require(set(given) <= fields, f"unknown key {', '.join(sorted(set(given) - fields))}")
    _require(given.get("kind") in KINDS, f"kind must be one of {', '.join(sorted(KINDS))}, not {given.get('kind')!r}")
    _require(given.get("service") in SERVICES | {None}, f"unknown service {given.get('service')!r}")
    for key, types in _TYPES.items():
        _require(key not in given or isinstance(given[key], types), f"{key} cannot be {given.get(key)!r}")
    _require(given.get("nth", 1) >= 1, "nth counts from 1")
    owner = OWNERS.get(given["kind"])
    _require(owner in (None, given.get("service")), f"{given['kind']} is an error of {owner} alone")
    headers = given.get("headers") or {}
    return Fault(**{**given, "headers": {name: str(value) for name, value in headers.items()}})


_NONE = type(None)
_TYPES: dict[str, Any] = {
    "method": (str, _NONE),
    "path": (str, _NONE),
    "nth": int,
    "times": (int, _NONE),
    "status": (int, _NONE),
    "headers": (dict, _NONE),
    "seconds": (int, float),
    "committed": bool,
}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise FaultError(message)


def _pattern(path: str) -> re.Pattern[str]:
    pieces: Iterable[str] = map(re.escape, path.split("*"))
    return re.compile(".*".join(pieces))

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request as a client asks for it, and what its attempts have shown so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

from .response import Response


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a service.

    `target` is a path below the address of the service, or a whole URL of the same host. `data`
    is sent URL-encoded, `form` as multipart, `json` as JSON. `changes` says whether the request
    changes anything (None: all but a GET do), `repeatable` whether a change may be sent twice.
    `template` is the path without its ids, where the service counts its quota per endpoint.
    With `patient=False` a time-out raises `TimeoutBeforeAnswerError` at once. The statuses of
    `allow` are returned instead of raised. `needs` names the permission that the request takes.
    With `authorized=False` it goes without credentials (a login). `calls` says how many requests to the endpoint are
    needed, this one included: the first is not sent where the quota would not do for all.
    """

    method: str
    target: str
    params: Mapping[str, object] | None = None
    json: object = None
    data: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    changes: bool | None = None
    template: str | None = None
    patient: bool = True
    allow: Collection[int] = ()
    needs: str | None = None
    authorized: bool = True
    calls: int = 1

    @property
    def writes(self) -> bool:
        """Whether the request changes anything."""
        return self.method != "GET" if self.changes is None else self.changes

    @property
    def may_repeat(self) -> bool:
        """Whether the request may be sent again after an attempt that may have been carried out."""
        return self.repeatable or not self.writes

    @property
    def quota_key(self) -> str:
        """What the service counts the request by; blank where it counts all requests together."""
        return f"{self.method} {self.template}" if self.template else ""


class Outcome(Enum):
    """What one attempt came to."""

    DONE = "a usable answer"
    FINAL = "a refusal that another attempt would not change"
    STALE = "the credentials are to be renewed"
    THROTTLED = "not carried out, for want of quota"
    UNSENT = "never reached the service"
    DOUBTFUL = "possibly carried out"


@dataclass(slots=True)
class Attempt:
    """One attempt of a request. `slow`: the service did not answer in time; `sent`: the request went out."""

    outcome: Outcome
    answer: Response | None = None
    reason: str = ""
    hint: str | None = None
    slow: bool = False
    sent: bool = True


@dataclass(slots=True)
class Exchange:
    """One request through all its attempts. `deadline` is a time of the session's clock.

    `doubt`: an attempt of a write may have been carried out.
    """

    request: Request
    url: str
    path: str
    deadline: float
    attempts: int = 0
    failures: int = 0
    renewed: bool = False
    doubt: bool = False

    @property
    def name(self) -> str:
        """The request as errors and logs name it: without its query."""
        return f"{self.request.method} {self.path}"

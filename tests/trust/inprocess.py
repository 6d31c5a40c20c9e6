# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs on the sandbox without a socket: thousands of worlds in minutes.

The functions behind the modules run as they are, with the real clients and the real `requests`.
Only the transport adapter of `requests` is another one: it hands each request to the ASGI
application that the sandbox would otherwise serve over TLS. Nobody waits: time passes for both
sides when somebody sleeps.
"""

from __future__ import annotations

import copy
import io
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible import (
    api_probe,
    connection,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import Task
from ansible_collections.msp.psa_sync.plugins.module_utils._clients import tokens, transport
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import RetryPolicy, Timing
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Access, Calls
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.tokens import SharedTokens
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import FACTS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import SyncError
from ansible_collections.msp.psa_sync.plugins.module_utils._store import layout
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as sync_run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.duplicates import wait_for_others
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.links import Waiting
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.probe import Probe
from tests.sandbox.core import Sandbox
from tests.sandbox.stage import Stage

HOSTS = {f"{name}.sandbox.example": name for name in ("graph", "itglue", "bms")}

# The requests that get a token, and change nothing else.
LOGINS = ("/oauth2/v2.0/token", "/security/authenticate", "/security/refreshtoken")

Json = dict[str, Any]
Alter = Callable[[str, str, str, Any], Any]


class Clock:
    """Seconds since the epoch. It stands still until somebody sleeps."""

    def __init__(self) -> None:
        self._now = time.time()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


@dataclass
class Outcome:
    """What one task came to: its result, or what it was refused with, and what it sent."""

    result: Json
    error: SyncError | None
    warnings: list[str]
    sent: list[Json]
    shown: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[Json]:
        """The requests that change something; a login is none, and what a run remembers is `fact_writes`."""
        return [each for each in self.sent if is_write(each) and not each.get("facts")]

    @property
    def fact_writes(self) -> list[Json]:
        """The requests that write remembered facts."""
        return [each for each in self.sent if each.get("facts")]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    def contacts(self) -> dict[str, Json]:
        """The entries of the result by user id."""
        return {each["user_id"]: each for each in self.result.get("contacts", ())}


def without_facts(state: Json) -> Json:
    """A state without the asset type of remembered facts and its assets: nobody else's records."""
    itglue = state["itglue"]
    types = [each for each in itglue["flexible_asset_types"] if each["name"] == layout.ASSET_TYPES[FACTS]]
    ids = {each["id"] for each in types}
    itglue["flexible_asset_types"] = [each for each in itglue["flexible_asset_types"] if each["id"] not in ids]
    itglue["flexible_assets"] = [
        each for each in itglue["flexible_assets"] if each["flexible-asset-type-id"] not in ids
    ]
    return state


def is_write(entry: Mapping[str, Any]) -> bool:
    """Whether a request in the sandbox's log is meant to change something."""
    return entry["method"] != "GET" and not entry["path"].split("?")[0].endswith(LOGINS)


class Stand:
    """A sandbox and the way into it.

    `alter` may put another body in the place of an answer's: it gets service, method, path and
    the decoded body. `hosts` are those that were asked, `tokens` what they gave away.
    """

    def __init__(self, world: Json, alter: Alter | None = None) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(world, clock=self.clock)
        self.stage = Stage(self.sandbox)
        self.alter = alter
        self.hosts: set[str] = set()
        self.tokens: set[str] = set()
        # Locks, counts and tokens that the processes of a control node share: here each stand is one of its own.
        self._private = tempfile.TemporaryDirectory(prefix="trust-")
        self._apps = {name: self.stage.app(name) for name in self.sandbox.services}
        self._lock = threading.Lock()

    # ------------------------------------------------------------- what is there

    def state(self) -> Json:
        """A copy of the whole world as it now is, but for the remembered facts."""
        return without_facts(copy.deepcopy(self.sandbox.state()))

    def facts(self) -> list[Json]:
        """Copies of the assets with remembered facts."""
        whole = copy.deepcopy(self.sandbox.state())
        kept = self.state()["itglue"]["flexible_assets"]
        return [each for each in whole["itglue"]["flexible_assets"] if each not in kept]

    def faults(self, *faults: Json) -> None:
        self.stage.faults.replace(list(faults))

    def heal(self) -> None:
        """No faults, no quota used up, no credential refused."""
        self.stage.faults.replace([])
        self.stage.quota.clear()
        self.stage.refused_credentials.clear()

    # --------------------------------------------------------------------- tasks

    def sync(self, *, check: bool = False, **options: Any) -> Outcome:
        """One `contact_sync` task."""
        return self.task("contact_sync", check=check, **{"report": "all", **options})

    def task(self, module: str, *, check: bool = False, **options: Any) -> Outcome:
        """One task of a module. What is no `SyncError` is a defect and comes through."""
        spec, run = entry_point(module)
        validated = ArgumentSpecValidator(**spec.validator_arguments()).validate({**self.connection(), **options})
        if validated.error_messages:
            return Outcome({"changed": False}, SyncError(" ".join(validated.error_messages)), [], [])
        warnings: list[str] = []
        shown: list[str] = []
        task = Task(check_mode=check, warn=warnings.append, progress=shown.append)
        before = len(self.stage.log)
        error = None
        with self.reachable():
            try:
                result = run(validated.validated_parameters, task)
            except SyncError as caught:
                result, error = {"changed": False, **caught.result}, caught
        # What cannot be written as JSON cannot be a result.
        result = json.loads(json.dumps(result))
        return Outcome(result, error, warnings, copy.deepcopy(self.stage.log[before:]), shown)

    def connection(self) -> Json:
        """The connection options that lead here."""
        entra, itglue, bms = (self.sandbox.world[section] for section in ("entra", "itglue", "bms"))
        return {
            "azure_client_id": entra["client_id"],
            "azure_client_secret": entra["client_secret"],
            "azure_authority_host": "https://graph.sandbox.example",
            "graph_url": "https://graph.sandbox.example",
            "itglue_url": "https://itglue.sandbox.example",
            "itglue_api_key": itglue["api_key"],
            "bms_url": "https://bms.sandbox.example",
            "bms_company": bms["company"],
            "bms_username": bms["username"],
            "bms_password": bms["password"],
            "bms_mfa_secret": bms["mfa_secret"],
        }

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """The clients that tasks make are led here."""
        clients = mock.patch.multiple(
            connection, Access=self.access, SharedTokens=partial(SharedTokens, now=self.clock)
        )
        wire = mock.patch.object(transport, "_Adapter", lambda context: Adapter(self))
        waiting = mock.patch.object(sync_run, "Waiting", partial(Waiting, sleep=self.clock.sleep, clock=self.clock))
        probe = mock.patch.object(api_probe, "Probe", partial(Probe, sleep=self.clock.sleep, clock=self.clock))
        pause = mock.patch.object(sync_run, "wait_for_others", partial(wait_for_others, sleep=self.clock.sleep))
        # A key of a token that opens nothing may be a cheap one.
        cheap = mock.patch.dict(tokens._COST, n=2)
        private = mock.patch.dict(os.environ, XDG_RUNTIME_DIR=self._private.name)
        with clients, wire, waiting, pause, probe, cheap, private:
            yield

    def access(self, http: HttpSettings, calls: Calls, retry: RetryPolicy, *others: Any) -> Access:
        """What leads the clients here. Counts that processes share have tests of their own."""
        dummy, on_secret = others
        timing = Timing(self.clock.sleep, self.clock, self.clock, lambda low, high: high)
        return Access(http, calls, retry, None, on_secret, timing)

    # ------------------------------------------------------------------ the wire

    def answer(self, request: requests.PreparedRequest, timeout: float) -> requests.Response:
        """What the service says; or the exception of `requests` that stands for its silence."""
        address = urlsplit(request.url)
        service = HOSTS.get(address.hostname or "")
        with self._lock:
            self.hosts.add(address.netloc)
            if service is None:
                raise AssertionError(f"a request to {address.netloc}")
            received = self._play(service, request, address)
        if received is None:
            self.clock.sleep(timeout)
            raise requests.exceptions.ReadTimeout("no answer", request=request)
        status, headers, body = received
        if self.alter is not None:
            body = self._altered(service, request.method, address.path, body)
        self._note_tokens(body)
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        response.headers = CaseInsensitiveDict(headers)
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    def _play(self, service: str, request: requests.PreparedRequest, address: Any) -> tuple | None:
        body = request.body or b""
        received = [{"type": "http.request", "body": body.encode() if isinstance(body, str) else body}]
        messages: list[Json] = []

        async def receive() -> Json:
            return received.pop() if received else {"type": "http.disconnect"}

        async def send(message: Json) -> None:
            messages.append(message)

        scope = {
            "type": "http",
            "method": request.method,
            "scheme": "https",
            "path": unquote(address.path),
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "root_path": "",
            "headers": [
                (b"host", address.netloc.encode()),
                *((name.lower().encode(), _bytes(value)) for name, value in request.headers.items()),
            ],
            "server": (address.hostname, 443),
            "client": ("127.0.0.1", 1),
        }
        try:
            _finish(self._apps[service](scope, receive, send))
        except ConnectionResetError as error:
            raise requests.exceptions.ConnectionError("reset", request=request) from error
        if "/flexible_asset" in address.path and request.method != "GET" and _holds_facts(body):
            self.stage.log[-1]["facts"] = True
        if not messages:
            return None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0]["headers"]}
        return messages[0]["status"], headers, b"".join(each.get("body", b"") for each in messages[1:])

    def _altered(self, service: str, method: str, path: str, body: bytes) -> bytes:
        try:
            decoded = json.loads(body)
        except ValueError:
            return body
        changed = self.alter(service, method, path, decoded)
        return changed if isinstance(changed, bytes) else json.dumps(changed).encode()

    def _note_tokens(self, body: bytes) -> None:
        try:
            decoded = json.loads(body)
        except ValueError:
            return
        for holder in (decoded, decoded.get("result")) if isinstance(decoded, dict) else ():
            if isinstance(holder, dict):
                found = (holder.get(name) for name in ("access_token", "accessToken", "refreshToken"))
                self.tokens.update(each for each in found if isinstance(each, str))


class Adapter(BaseAdapter):
    """Where `requests` thinks that the network begins."""

    def __init__(self, stand: Stand) -> None:
        super().__init__()
        self._stand = stand

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        return self._stand.answer(request, timeout[1] if isinstance(timeout, tuple) else 30.0)

    def close(self) -> None:
        """There is nothing to close."""


def _holds_facts(body: str | bytes) -> bool:
    """Whether a request makes the asset type of remembered facts, or writes such an asset."""
    text = body if isinstance(body, str) else body.decode()
    return "psa_sync facts " in text or layout.ASSET_TYPES[FACTS] in text


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _finish(coroutine: Any) -> None:
    """Run a coroutine that waits for nothing, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("the sandbox waits for something that does not come without an event loop")

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens that processes share: found by the same credentials only, gone when they expire, obtained by one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import tokens
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms import BmsClient
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms_login import BmsCredential
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.retry import Timing
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Access, Calls
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.tokens import SharedTokens
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import AuthenticationError, QuotaExceededError
from tests.unit.clients.conftest import Wire, reply

NOW = 1_800_000_000.0
# What stands in no base64 by chance.
ACCOUNT = ("kaseya bms", "https://api.bms.example", "Happy MSP", "jo@msp.example")
TOKENS = {"access": "access-token-0001", "refresh": "refresh-token-01", "until": NOW + 900}


@pytest.fixture
def shared(tmp_path):
    """Makes what one process has of it."""

    def shared(*secrets, account=ACCOUNT, now=NOW) -> SharedTokens:
        return SharedTokens(*account, secrets=secrets or ("password", ""), directory=tmp_path, now=lambda: now)

    return shared


def content(directory) -> bytes:
    (path,) = directory.glob("*.token")
    return path.read_bytes()


# ----------------------------------------------------------------------- file


def test_another_process_finds_them_until_they_expire(shared):
    assert shared().read() == {}
    shared().write(TOKENS)
    assert shared().read() == TOKENS
    assert shared(now=NOW + 899).read() == TOKENS
    assert shared(now=NOW + 900).read() == {}


@pytest.mark.parametrize(
    "other",
    [
        {"secrets": ("another password", "")},
        {"secrets": ("password", "JBSWY3DPEHPK3PXP")},
        {"account": (*ACCOUNT[:3], "another user")},
        {"account": (*ACCOUNT[:2], "Another MSP", "jo")},
    ],
)
def test_other_credentials_find_nothing(shared, other):
    shared().write(TOKENS)
    process = shared(*other.get("secrets", ()), account=other.get("account", ACCOUNT))
    assert process.read() == {}
    process.write({**TOKENS, "access": "access-token-0002"})
    assert process.read()["access"] == "access-token-0002"


def test_the_file_alone_is_worth_nothing(shared, tmp_path):
    shared().write(TOKENS)
    (path,) = tmp_path.glob("*.token")
    assert path.stat().st_mode & 0o777 == 0o600
    for secret in (*ACCOUNT, "password", *map(str, TOKENS.values())):
        assert secret.encode() not in content(tmp_path)
        assert secret not in path.name
    # The key is made with a salt: the same credentials elsewhere give another one.
    first = content(tmp_path)
    path.unlink()
    shared().write(TOKENS)
    assert content(tmp_path)[: tokens._SALT] != first[: tokens._SALT]


@pytest.mark.parametrize("spoil", [lambda old: b"", lambda old: old[:30], lambda old: old[:-1] + b"?", os.urandom])
def test_a_spoilt_file_counts_as_none(shared, tmp_path, spoil):
    shared().write(TOKENS)
    (path,) = tmp_path.glob("*.token")
    path.write_bytes(spoil(path.read_bytes()) if spoil is not os.urandom else os.urandom(200))
    assert shared().read() == {}
    shared().write(TOKENS)
    assert shared().read() == TOKENS


def test_without_cryptography_nothing_is_kept(shared, tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "Fernet", None)
    shared().write(TOKENS)
    with shared().exclusively():
        assert shared().read() == {}
    assert list(tmp_path.iterdir()) == []


def test_where_scrypt_is_forbidden_nothing_is_kept(shared, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise ValueError("disabled for FIPS")

    monkeypatch.setattr(tokens.hashlib, "scrypt", refuse)
    shared().write(TOKENS)
    assert shared().read() == {}


def test_where_the_file_cannot_be_written_nothing_is_kept(tmp_path):
    gone = SharedTokens(*ACCOUNT, secrets=["password"], directory=tmp_path / "gone")
    gone.write(TOKENS)
    with gone.exclusively():
        assert gone.read() == {}


def test_a_process_that_hangs_does_not_stop_all(shared, monkeypatch):
    monkeypatch.setattr(tokens, "PATIENCE", 0.1)
    with shared().exclusively(), shared().exclusively():
        pass


# ------------------------------------------------------------------------ BMS


class Bms:
    """A BMS that logs in, and answers with one account."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.wire.answer = self.answer
        self.good = ""
        self.lifetime = 900
        self.wrong = False
        self.number = 0
        self._lock = threading.Lock()

    def answer(self, request):
        if request.path.startswith("/v2/security/"):
            if self.wrong:
                return reply({"success": False, "error": {"message": "Who are you?"}}, 401)
            time.sleep(0.05)
            with self._lock:
                self.number += 1
                self.good = f"access-token-{self.number:04}"
            expires = datetime.fromtimestamp(time.time() + self.lifetime, UTC).isoformat()
            pair = {"accessToken": self.good, "refreshToken": f"refresh-{self.good}", "accessTokenExpireOn": expires}
            return reply({"success": True, "result": pair})
        if request.headers["authorization"] != f"Bearer {self.good}":
            return reply({"success": False, "error": {"code": 978001, "message": "Security Error"}}, 401)
        row = {"id": 7, "accountName": "Happy Frog", "isActive": True}
        return reply({"success": True, "result": [row], "totalRecords": 1})

    @property
    def logins(self) -> list[str]:
        return [asked.rsplit("/", 1)[1] for asked in self.wire.asked if "/security/" in asked]


@pytest.fixture
def bms():
    service = Bms()
    yield service
    service.wire.close()


@pytest.fixture
def process(bms, tmp_path):
    """Makes the client that one process has."""

    def process(password="password", later=0.0, seen=lambda secret: None, **options) -> BmsClient:
        def now() -> float:
            return time.time() + later

        tokens = SharedTokens("bms", bms.wire.url, secrets=[password], directory=tmp_path, now=now)
        credential = BmsCredential("Happy MSP", "jo", password, tokens=tokens)
        access = Access(HttpSettings(), Calls(), on_secret=seen, timing=Timing(now=now), **options)
        return BmsClient(url_or_region=bms.wire.url, credential=credential, access=access)

    return process


def test_one_login_serves_all_processes(bms, process):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: process().accounts("Happy Frog"), range(24)))
    assert all(accounts[0].id == 7 for accounts in found)
    assert bms.logins == ["authenticate"]


def test_a_token_from_elsewhere_is_masked_as_ones_own(bms, process):
    process().accounts("Happy Frog")
    seen = []
    process(seen=seen.append).accounts("Happy Frog")
    assert seen == ["access-token-0001", "refresh-access-token-0001"]
    assert bms.logins == ["authenticate"]


def test_a_token_that_is_about_to_expire_is_refreshed_by_one_process(bms, process):
    process().accounts("Happy Frog")
    for dummy in range(2):
        process(later=850).accounts("Happy Frog")
    assert bms.logins == ["authenticate", "refreshtoken"]


def test_a_token_that_has_expired_is_dropped(bms, process):
    process().accounts("Happy Frog")
    process(later=901).accounts("Happy Frog")
    assert bms.logins == ["authenticate", "authenticate"]


def test_a_token_that_is_refused_is_obtained_anew_by_one_process(bms, process):
    first, second = process(), process()
    for client in (first, second):
        client.accounts("Happy Frog")
    bms.good = "revoked"
    for client in (first, second, process()):
        assert client.accounts("Happy Frog")[0].id == 7
    assert bms.logins == ["authenticate", "authenticate"]


def test_a_wrong_password_is_tried_once_for_all_processes(bms, process):
    bms.wrong = True
    messages = set()
    for dummy in range(5):
        with pytest.raises(AuthenticationError, match=r"Who are you\?.*bms_password") as refused:
            process().accounts("Happy Frog")
        messages.add(str(refused.value))
    assert len(messages) == 1
    assert bms.logins == ["authenticate"]
    with pytest.raises(AuthenticationError):
        process(later=61).accounts("Happy Frog")
    assert bms.logins == ["authenticate"] * 2
    bms.wrong = False
    assert process("the right password").accounts("Happy Frog")


def test_a_login_that_is_throttled_is_no_refusal(bms, process):
    bms.wire.says(reply(None, 429, Retry_After="900"))
    with pytest.raises(QuotaExceededError):
        process().accounts("Happy Frog")
    assert process().accounts("Happy Frog")


PROCESS = """
import sys
from pathlib import Path
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms import BmsClient
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms_login import BmsCredential
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Access, Calls
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.tokens import SharedTokens
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings
url, directory = sys.argv[1:]
tokens = SharedTokens("bms", url, secrets=["password"], directory=Path(directory))
credential = BmsCredential("Happy MSP", "jo", "password", tokens=tokens)
access = Access(HttpSettings(), Calls())
BmsClient(url_or_region=url, credential=credential, access=access).accounts("Happy Frog")
"""


def test_real_processes_log_in_once(bms, tmp_path):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, bms.wire.url, tmp_path],
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        for dummy in range(4)
    ]
    assert [each.wait() for each in started] == [0] * 4
    assert bms.logins == ["authenticate"]


def test_a_client_without_shared_tokens_logs_in_for_itself(bms):
    credential = BmsCredential("Happy MSP", "jo", "password")
    for dummy in range(2):
        access = Access(HttpSettings(), Calls())
        BmsClient(url_or_region=bms.wire.url, credential=credential, access=access).accounts("Happy Frog")
    assert bms.logins == ["authenticate", "authenticate"]


def test_a_process_that_holds_the_lock_too_long_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "PATIENCE", 0.05)
    notices: list[str] = []
    one, other = (SharedTokens("bms", secrets=[], directory=tmp_path, notice=notices.append) for dummy in range(2))
    with one.exclusively(), other.exclusively():
        pass
    assert len(notices) == 1
    assert notices[0].startswith("The login is not shared with other tasks. Another process")

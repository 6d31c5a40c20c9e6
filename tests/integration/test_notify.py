# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook notify: it sends a message where it is news, once, and shows no address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from tests.tools.report_samples import about, event

NAME = "{{ 7 + 7 }} <!channel> Toad"
SECRETS = ("T0ken-of-teams", "T0ken-of-slack", "T0ken-of-webhook", "T0ken-of-header")


class Receiver(ThreadingHTTPServer):
    """Takes what is posted. A path that holds `missing` is not there."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, dict, dict]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(content), dict(self.headers)))
        self.send_response(404 if "missing" in self.path else 202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def receiver():
    with Receiver() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.every_core
def test_a_message_is_sent_once_and_no_address_is_shown(receiver, tmp_path):
    report = tmp_path / "sync_report.json"

    def notify(*arguments: str, code: int = 0) -> str:
        variables = {
            "notify_report": str(report),
            "notify_slack_url": f"{receiver.url}/slack/{SECRETS[1]}",
            "notify_webhook_url": f"{receiver.url}/webhook/{SECRETS[2]}",
            "notify_webhook_headers": {"Authorization": f"Bearer {SECRETS[3]}"},
        }
        command = [Path(sys.executable).with_name("ansible-playbook"), "msp.psa_sync.notify", "-vvv"]
        done = subprocess.run(
            [*command, "-e", json.dumps(variables), *arguments],
            check=False,
            cwd=tmp_path,
            env={**os.environ, "MSP_PSA_SYNC_NOTIFY_TEAMS_URL": f"{receiver.url}/teams/{SECRETS[0]}"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
        return done.stdout

    failure = event("toad", "failed", {"msg": "No consent.", "organization": {"id": 3, "name": NAME}}, preview=False)
    report.write_text(json.dumps(collecting.report(about(), [failure])))
    assert "7 + 7" in notify("--check")
    assert receiver.received == []

    notify()
    sent = {path.split("/")[1]: (content, headers) for path, content, headers in receiver.received}
    assert set(sent) == {"teams", "slack", "webhook"}
    assert "7 + 7" in json.dumps(sent["slack"][0])
    assert "<!channel>" not in json.dumps(sent["slack"][0])
    assert sent["webhook"][0]["lines"] == [f"{NAME} (toad): No consent."]
    assert sent["webhook"][0]["totals"]["tenants_failed"] == 1
    assert sent["webhook"][1]["Authorization"] == f"Bearer {SECRETS[3]}"
    assert "Authorization" not in sent["slack"][1]
    assert sent["teams"][0]["attachments"][0]["content"]["type"] == "AdaptiveCard"

    receiver.received.clear()
    notify()
    assert receiver.received == []

    refused = notify("-e", "notify_always=true", "-e", f"notify_slack_url={receiver.url}/missing/{SECRETS[1]}", code=2)
    assert "HTTP status: 202, 404, 202" in refused

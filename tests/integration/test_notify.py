# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook notify: it sends a message where it is news, once, and shows no secret."""

from __future__ import annotations

import email
import email.policy
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from tests.tools.mail_server import MailServer, Manner
from tests.tools.report_samples import about, event

NAME = "{{ 7 + 7 }} <!channel> Toad"
SECRETS = ("T0ken-of-teams", "T0ken-of-slack", "T0ken-of-webhook", "T0ken-of-header")
PASSWORD = "T0p-secret"


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


@pytest.fixture
def mail_server(tmp_path):
    with MailServer(tmp_path, Manner(password=PASSWORD)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def notify(receiver, tmp_path):
    """Runs the playbook with variables, where the callback has written a report about one client that failed; returns
    what it prints."""
    failure = event("toad", "failed", {"msg": "No consent.", "organization": {"id": 3, "name": NAME}}, preview=False)
    report = tmp_path / "sync_report" / "sync_report.json"
    report.parent.mkdir()
    report.write_text(json.dumps(collecting.report(about(), [failure])))

    given = {
        "MSP_PSA_SYNC_NOTIFY_TEAMS_URL": f"{receiver.url}/teams/{SECRETS[0]}",
        "MSP_PSA_SYNC_NOTIFY_EMAIL_TO": "desk@msp.example, oncall@msp.example",
        "MSP_PSA_SYNC_NOTIFY_EMAIL_PASSWORD": PASSWORD,
    }

    def notify(variables: dict, *arguments: str, code: int = 0, env: dict | None = None) -> str:
        command = [Path(sys.executable).with_name("ansible-playbook"), "msp.psa_sync.notify", "-vvv"]
        done = subprocess.run(
            [*command, "-e", json.dumps(variables), *arguments],
            check=False,
            cwd=tmp_path,
            env={**os.environ, **given, **(env or {})},
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert not [secret for secret in (*SECRETS, PASSWORD) if secret in said]
        return said

    return notify


@pytest.mark.every_core
def test_a_message_is_sent_once_and_no_secret_is_shown(receiver, mail_server, notify, tmp_path):
    """Paths are relative to where the command is run, though Ansible runs a task in the directory of the playbook."""
    variables = {
        "notify_slack_url": f"{receiver.url}/slack/{SECRETS[1]}",
        "notify_webhook_url": f"{receiver.url}/webhook/{SECRETS[2]}",
        "notify_webhook_headers": {"Authorization": f"Bearer {SECRETS[3]}"},
        "notify_email_host": "127.0.0.1",
        "notify_email_port": mail_server.port,
        "notify_email_from": "Contact sync <sync@msp.example>",
        "notify_email_username": "sync",
        "notify_email_ca_path": os.path.relpath(mail_server.ca_path, tmp_path),
    }

    previewed = notify(variables, "--check")
    assert "7 + 7" in previewed
    assert "Would be sent to: teams, slack, webhook, e-mail to desk@msp.example, oncall@msp.example" in previewed
    assert (receiver.received, mail_server.commands) == ([], [])

    notify(variables)
    sent = {path.split("/")[1]: (content, headers) for path, content, headers in receiver.received}
    assert set(sent) == {"teams", "slack", "webhook"}
    assert "7 + 7" in json.dumps(sent["slack"][0])
    assert "<!channel>" not in json.dumps(sent["slack"][0])
    assert sent["webhook"][0]["lines"] == [f"{NAME} (toad): No consent."]
    assert sent["webhook"][0]["totals"]["tenants_failed"] == 1
    assert sent["webhook"][1]["Authorization"] == f"Bearer {SECRETS[3]}"
    assert "Authorization" not in sent["slack"][1]
    assert sent["teams"][0]["attachments"][0]["content"]["type"] == "AdaptiveCard"
    (taken,) = mail_server.taken
    assert (taken.recipients, taken.signed_in) == (["desk@msp.example", "oncall@msp.example"], "sync")
    assert taken.encrypted
    mail = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert mail["Subject"] == sent["webhook"][0]["title"]
    assert f"{NAME} (toad): No consent." in mail.get_content()

    receiver.received.clear()
    notify(variables)
    assert (receiver.received, len(mail_server.taken)) == ([], 1)

    missing = {"notify_always": True, "notify_slack_url": f"{receiver.url}/missing/{SECRETS[1]}"}
    assert "HTTP status: 202, 404, 202" in notify(variables | missing, code=2)


def test_an_e_mail_that_was_not_sent_and_what_is_missing_fail_with_their_reason(mail_server, notify):
    variables = {"notify_email_host": "127.0.0.1", "notify_email_security": "none", "notify_team_url": "mistyped"}
    env = {"MSP_PSA_SYNC_NOTIFY_TEAMS_URL": ""}
    said = notify(variables, code=2, env=env)
    assert "Did you mean notify_teams_url?" in said
    assert "An e-mail needs notify_email_host and notify_email_from too." in said

    mail_server.manner = Manner(replies={"MAIL": "550 {{ 7 + 7 }} not you"})
    given = {"notify_email_from": "sync@msp.example", "notify_email_port": mail_server.port}
    said = notify(variables | given, code=2, env=env | {"MSP_PSA_SYNC_NOTIFY_EMAIL_PASSWORD": ""})
    reason = f"127.0.0.1, port {mail_server.port}: SMTP code 550, {{{{ 7 + 7 }}}} not you"
    assert f"The e-mail was not sent. {reason}" in said

    nobody = notify(variables, code=2, env=env | {"MSP_PSA_SYNC_NOTIFY_EMAIL_TO": ""})
    assert "Give notify_teams_url, notify_slack_url, notify_webhook_url or notify_email_to." in nobody

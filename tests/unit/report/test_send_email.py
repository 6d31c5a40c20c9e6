# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of the role `notify` that sends an e-mail, against a mail server on this machine."""

from __future__ import annotations

import email
import email.policy
import importlib.util
import io
import json
import sys
from threading import Thread

import pytest

from tests.tools.files import ROOT
from tests.tools.mail_server import SILENT, MailServer, Manner

PROGRAM = ROOT / "roles" / "notify" / "files" / "send_email.py"
PASSWORD = "T0p-secret"
SUBJECT = "Contact sync: 1 client failed – Müller & Söhne, 株式会社さくら " + "x" * 120


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("send_email", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def server(tmp_path):
    with MailServer(tmp_path) as started:
        Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield started
        started.shutdown()


@pytest.fixture
def sent(program, server, monkeypatch, capsys):
    """Runs the program with some fields changed; returns its exit code and what it says."""

    def sent(**changes: object) -> tuple[int, str]:
        given = {
            "host": "127.0.0.1",
            "port": server.port,
            "sender": "Contact sync <sync@msp.example>",
            "recipients": ["desk@msp.example", "oncall@msp.example"],
            "subject": SUBJECT,
            "body": "Größe\n.\n..two\nFrom me\n",
            "ca_path": str(server.ca_path),
            "timeout": 5,
            **changes,
        }
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(given)))
        return program.main(), capsys.readouterr().err

    return sent


def test_the_message_arrives_over_starttls_with_its_words(sent, server):
    assert sent() == (0, "")
    (taken,) = server.taken
    assert taken.encrypted
    assert (taken.sender, taken.recipients) == ("sync@msp.example", ["desk@msp.example", "oncall@msp.example"])
    message = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert message["Subject"] == SUBJECT
    assert message["From"] == "Contact sync <sync@msp.example>"
    assert message["To"] == "desk@msp.example, oncall@msp.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@msp.example>")
    assert message["Date"]
    assert message.get_content().replace("\r", "") == "Größe\n.\n..two\nFrom me\n"
    assert taken.content.isascii()
    assert max(map(len, taken.content.splitlines())) < 100


def test_numbers_may_be_text_as_old_templates_make_them(sent, server):
    assert sent(port=str(server.port), timeout="5") == (0, "")
    assert len(server.taken) == 1


def test_a_connection_may_begin_with_tls(sent, server):
    server.manner = Manner(tls=True)
    assert sent(security="tls") == (0, "")
    assert server.taken[0].encrypted


def test_a_relay_may_do_without_encryption_and_then_gets_no_password(sent, server):
    server.manner = Manner(starttls=False)
    assert sent(security="none") == (0, "")
    assert not server.taken[0].encrypted
    server.commands.clear()
    code, said = sent(security="none", username="sync", password=PASSWORD)
    assert code == 1
    assert "A password is sent over TLS only." in said
    assert server.commands == []


def test_nothing_is_sent_without_starttls_where_it_is_asked_for(sent, server):
    server.manner = Manner(starttls=False)
    code, said = sent(username="sync", password=PASSWORD)
    assert code == 1
    assert "offers no STARTTLS. Set notify_email_security to tls" in said
    assert not [each for each in server.commands if not each.upper().startswith(("EHLO", "QUIT"))]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_ends_it(sent, server, security):
    server.manner = Manner(tls=security == "tls")
    code, said = sent(security=security, ca_path="")
    assert code == 1
    assert "the certificate is not trusted" in said
    assert "notify_email_ca_path" in said
    assert server.taken == []


def test_the_sign_in_takes_name_and_password(sent, server):
    server.manner = Manner(password=PASSWORD)
    assert sent(username="sync", password=PASSWORD) == (0, "")
    assert server.taken[0].signed_in == "sync"


def test_a_refused_sign_in_shows_no_password(sent, server):
    """Though the server repeats it."""
    server.manner = Manner(password="other")
    code, said = sent(username="sync", password=PASSWORD)
    assert code == 1
    assert "refuses the sign-in (SMTP code 535). Check notify_email_username and the password." in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    ("start", "reply", "expected"),
    [
        ("CONNECT", "554 go away", "SMTP code 554, go away"),
        ("MAIL", "550 not you", "SMTP code 550, not you"),
        ("DATA", "552 too large", "SMTP code 552, too large"),
        ("RCPT TO:<ONCALL", "550 no such user", "oncall@msp.example: SMTP code 550, no such user"),
        ("RCPT", "550 no such user", "desk@msp.example: SMTP code 550, no such user"),
        ("MAIL", f"550 {PASSWORD} ##vso[x] ::error::\x1b[31m", "SMTP code 550, ******** # #vso[x] : :error: : [31m"),
    ],
)
def test_a_refusal_has_the_words_of_the_server_as_plain_text(sent, server, start, reply, expected):
    server.manner = Manner(password=PASSWORD, replies={start: reply})
    code, said = sent(username="sync", password=PASSWORD)
    assert code == 1
    assert expected in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("start", ["CONNECT", "DATA"])
def test_a_silent_server_ends_it_in_time(sent, server, start):
    server.manner = Manner(replies={start: SILENT})
    code, said = sent(timeout=1)
    assert code == 1
    assert f"127.0.0.1, port {server.port}: not done within 1 seconds." in said


def test_a_message_that_was_taken_is_sent_though_the_farewell_fails(sent, server, program, monkeypatch):
    monkeypatch.setattr(program, "FAREWELL", 0.1)
    server.manner = Manner(replies={"QUIT": SILENT})
    assert sent() == (0, "")
    assert len(server.taken) == 1


def test_nobody_at_the_port_is_an_error(sent, server):
    server.shutdown()
    server.server_close()
    code, said = sent()
    assert code == 1
    assert f"127.0.0.1, port {server.port}: " in said


@pytest.mark.parametrize(
    "address",
    [
        "",
        "desk",
        "desk@",
        "@msp.example",
        "<desk@msp.example",
        "büro@msp.example",
        "a@msp.example, b@msp.example",
        "a@msp.example b@msp.example",
        "desk@msp.example\nBcc: all@msp.example",
        "desk@msp.example\r\n\r\nbody",
    ],
)
@pytest.mark.parametrize("field", ["sender", "recipients"])
def test_what_is_no_single_address_is_refused_before_a_connection(sent, server, field, address):
    code, said = sent(**{field: address if field == "sender" else ["desk@msp.example", address]})
    assert code == 1
    assert "is no e-mail address" in said
    assert server.commands == []


@pytest.mark.parametrize(
    "subject",
    ["One\nBcc: all@msp.example", "One\r\n\r\nBody", "One\rX: y", "One \x0b\x85\u2028 X: y"],
)
def test_a_subject_brings_no_header_of_its_own(sent, server, subject):
    assert sent(subject=subject) == (0, "")
    (taken,) = server.taken
    message = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert sorted(message.keys()) == sorted(
        [*("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"), "Content-Type"]
        + ["Content-Transfer-Encoding"]
    )
    assert message["Subject"].startswith("One ")
    assert taken.recipients == ["desk@msp.example", "oncall@msp.example"]


def test_text_that_is_no_unicode_arrives_as_far_as_it_can_be_read(sent, server):
    assert sent(subject="a\ud800b", body="c\udfffd") == (0, "")
    message = email.message_from_bytes(server.taken[0].content, policy=email.policy.default)
    assert (message["Subject"], message.get_content().strip()) == ("a?b", "c?d")

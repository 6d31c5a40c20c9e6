# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one e-mail, with nothing but Python's standard library.

Standard input is a JSON object with the fields of `Email`: the password is in no argument and no file. A message that
the mail server took for every recipient ends with exit code 0. Any other outcome ends with exit code 1 and a line on
standard error, in which the password does not appear.
"""

from __future__ import annotations

import base64
import json
import signal
import smtplib
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from functools import partial
from types import FrameType

STARTTLS, TLS, NONE = "starttls", "tls", "none"
PORTS = {STARTTLS: 587, TLS: 465, NONE: 25}
LONGEST_ANSWER = 300
MASK = "********"
FAREWELL = 2
"""Seconds to wait for the answer to QUIT."""


class NotSentError(Exception):
    """Why the message was not sent, in words for the user."""


@dataclass(frozen=True)
class Email:
    """A message, and the mail server that takes it. `timeout` is in seconds, for all of it; a port of 0 is the usual
    one of `security`."""

    host: str
    sender: str
    recipients: list[str]
    subject: str
    body: str
    security: str = STARTTLS
    port: int = 0
    username: str = ""
    password: str = ""
    ca_path: str = ""
    timeout: int = 30


def composed(email: Email) -> EmailMessage:
    """The message with its headers. Raises NotSentError for an address that is none."""
    sender, *recipients = (_address(each) for each in (email.sender, *email.recipients))
    message = EmailMessage(policy=SMTP)
    message["From"] = email.sender.strip()
    message["To"] = ", ".join(recipients)
    message["Subject"] = _encodable(" ".join(email.subject.split()))
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    # 7 bits pass every server, and lines stay short enough for each.
    message.set_content(_encodable(email.body), cte="quoted-printable")
    return message


def send(email: Email) -> None:
    """Send the message. Raises NotSentError where the server did not take it for every recipient."""
    message = composed(email)
    if email.password and email.security == NONE:
        raise NotSentError(f"A password is sent over TLS only. Set notify_email_security to {STARTTLS} or {TLS}.")
    try:
        refused = _delivered(email, message)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSentError(_shown(_words(error, email), email)) from None
    if refused:
        answers = (f"{address}: {_answer(*answer)}" for address, answer in refused.items())
        raise NotSentError(_shown(f"{email.host} refused recipients. {'; '.join(answers)}", email))


def _delivered(email: Email, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
    """The recipients that the server refused, after it took the message for at least one."""
    signal.signal(signal.SIGALRM, partial(_out_of_time, email))
    signal.alarm(email.timeout)
    try:
        server = _connection(email)
    except BaseException:
        signal.alarm(0)
        raise
    try:
        if email.username:
            server.login(email.username, email.password)
        # Not send_message: it changes a line that begins with "From ".
        sender, *recipients = (_address(each) for each in (email.sender, *email.recipients))
        return server.sendmail(sender, recipients, message.as_bytes())
    finally:
        # The message is delivered or not by now, whatever becomes of the farewell.
        signal.alarm(0)
        if server.sock:
            server.sock.settimeout(FAREWELL)
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _connection(email: Email) -> smtplib.SMTP:
    port = email.port or PORTS[email.security]
    context = ssl.create_default_context(cafile=email.ca_path or None)
    if email.security == TLS:
        return smtplib.SMTP_SSL(email.host, port, timeout=email.timeout, context=context)
    server = smtplib.SMTP(email.host, port, timeout=email.timeout)
    try:
        if email.security == STARTTLS:
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _address(value: str) -> str:
    """The address in `value`, which may have a name before it. Raises NotSentError where there is not exactly one."""
    probe = EmailMessage(policy=SMTP)
    try:
        probe["To"] = value.strip()
        (found,) = probe["To"].addresses
        if found.username and found.domain and found.addr_spec.isascii() and not probe["To"].defects:
            return str(found.addr_spec)
    except (ValueError, IndexError):
        pass  # a line break, or not exactly one address
    raise NotSentError(f"{value!r} is no e-mail address in ASCII. Check notify_email_from and notify_email_to.")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


# ------------------------------------------------------------------------ errors


def _words(error: Exception, email: Email) -> str:
    """What went wrong, and what to do where that is known."""
    where = _where(email)
    match error:
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
            return f"{where}, offers no STARTTLS. Set notify_email_security to {TLS}, or to {NONE} for your own relay."
        case smtplib.SMTPAuthenticationError():
            code = error.smtp_code
            return f"{where}, refuses the sign-in (SMTP code {code}). Check notify_email_username and the password."
        case smtplib.SMTPResponseException():
            return f"{where}: {_answer(error.smtp_code, error.smtp_error)}"
        case ssl.SSLCertVerificationError():
            return f"{where}: the certificate is not trusted ({error.verify_message}). Set notify_email_ca_path."
        case _:
            return f"{where}: {error}"


def _where(email: Email) -> str:
    return f"{email.host}, port {email.port or PORTS[email.security]}"


def _answer(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"SMTP code {code}, {' '.join(text.split())[:LONGEST_ANSWER]}"


def _shown(text: str, email: Email) -> str:
    """`text` for a terminal or a log: without the password, also as a server may repeat what it was sent, without
    control characters, and without commands to the runner of a pipeline."""
    if email.password:
        sent = (f"\0{email.username}\0{email.password}", email.password)
        for form in (*(base64.b64encode(each.encode()).decode() for each in sent), email.password):
            text = text.replace(form, MASK)
    shown = "".join(each if each.isprintable() else " " for each in text)
    return shown.replace("::", ": :").replace("##", "# #")


def _out_of_time(email: Email, signum: int, frame: FrameType | None) -> None:
    """No OSError: smtplib would take that for a connection that was closed."""
    raise NotSentError(f"{_where(email)}: not done within {email.timeout} seconds.")


def main() -> int:
    """Send what standard input holds."""
    given = json.load(sys.stdin)
    # ansible-core before 2.19 makes text of the numbers of a template.
    numbers = {name: int(given[name]) for name in ("port", "timeout") if name in given}
    try:
        send(Email(**{**given, **numbers}))
    except NotSentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

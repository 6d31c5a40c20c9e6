# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mail server for tests, on this machine: it keeps what it takes, and may refuse or be silent."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer

import trustme

SILENT = "silent"


@dataclass(frozen=True)
class Taken:
    """A message that was taken: the envelope, and whether its connection was encrypted."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool
    signed_in: str


@dataclass
class Manner:
    """How the server behaves. `replies` maps the beginning of a command, in upper case, to what is answered instead."""

    starttls: bool = True
    tls: bool = False
    password: str = ""
    replies: dict[str, str] = field(default_factory=dict)


class MailServer(ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1. `ca_path` is the certificate to trust."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder, manner: Manner | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        authority = trustme.CA()
        self.ca_path = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_path)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)
        self.manner = manner or Manner()
        self.taken: list[Taken] = []
        self.commands: list[str] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, request, client_address) -> None:
        """A client that leaves is no error of the server."""


class _Session(StreamRequestHandler):
    def handle(self) -> None:
        self.encrypted, self.signed_in = False, ""
        self.sender, self.recipients = "", []
        if self.server.manner.tls:
            self._encrypt()
        if not self._instead("CONNECT"):
            self._say("220 mail.example ESMTP")
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.server.commands.append(command)
            if self._instead(command):
                continue
            verb = command.split(" ")[0].split(":")[0].upper()
            getattr(self, f"_{verb.lower()}", self._unknown)(command)
            if verb == "QUIT":
                return

    def _instead(self, command: str) -> bool:
        for start, reply in self.server.manner.replies.items():
            if command.upper().startswith(start):
                if reply != SILENT:
                    self._say(reply)
                return True
        return False

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())
        self.wfile.flush()

    def _encrypt(self) -> None:
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.encrypted = True

    def _ehlo(self, command: str) -> None:
        offered = ["STARTTLS"] if self.server.manner.starttls and not self.encrypted else []
        offered += ["AUTH PLAIN"] if self.server.manner.password else []
        self._say("250-mail.example", *(f"250-{each}" for each in offered), "250 SIZE 1000000")

    def _starttls(self, command: str) -> None:
        self._say("220 go ahead")
        self._encrypt()

    def _auth(self, command: str) -> None:
        dummy, name, password = base64.b64decode(command.split(" ")[2]).decode().split("\0")
        if password == self.server.manner.password:
            self.signed_in = name
            self._say("235 welcome")
        else:
            self._say(f"535 5.7.8 {command.split(' ')[2]} {password} is wrong")

    def _mail(self, command: str) -> None:
        self.sender, self.recipients = _between(command), []
        self._say("250 ok")

    def _rcpt(self, command: str) -> None:
        self.recipients.append(_between(command))
        self._say("250 ok")

    def _data(self, command: str) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        content = b"".join(lines)
        self.server.taken.append(Taken(self.sender, self.recipients, content, self.encrypted, self.signed_in))
        self._say("250 taken")

    def _rset(self, command: str) -> None:
        self._say("250 ok")

    def _quit(self, command: str) -> None:
        self._say("221 bye")

    def _unknown(self, command: str) -> None:
        self._say("502 not implemented")


def _between(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]

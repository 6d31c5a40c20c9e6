# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command that signs in to Microsoft as the job of a pipeline, so that no secret of the app is stored anywhere.

    python ci/signed_in.py ansible-playbook msp.psa_sync.sync_contacts

GitHub Actions, GitLab CI and Azure Pipelines give each job a token that says which job it is. Entra takes it in the
place of a secret, where the app trusts it (workload identity federation). It is written to a file that only this user
can read, and AZURE_FEDERATED_TOKEN_FILE tells the command where. Such a token is good for a few minutes, and is needed
for each client: it is renewed while the command runs. Afterwards the file is removed.

While the command runs, the runner takes no line of its output for a command: names of contacts and messages of
services are text of others. GitHub Actions is told to stop; what Azure Pipelines and GitLab CI would take for one gets
a blank within.

The exit code is that of the command, or 1 where there is no token. It needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

AUDIENCE = "api://AzureADTokenExchange"
"""For whom the token is (Microsoft, "Workload identity federation"); national clouds have audiences of their own."""

RENEWED_AFTER = 180
"""Seconds. GitHub's tokens, the shortest, are good for 300."""


class NoToken(Exception):
    """The pipeline gives no token."""


def token(environment: Mapping[str, str]) -> str:
    """The token of this job, from whichever of the three systems runs it."""
    if "ACTIONS_ID_TOKEN_REQUEST_URL" in environment:
        return _from_github(environment)
    if "SYSTEM_OIDCREQUESTURI" in environment:
        return _from_azure_pipelines(environment)
    if environment.get("AZURE_ID_TOKEN"):  # GitLab, by id_tokens: good for as long as the job may take
        return environment["AZURE_ID_TOKEN"]
    raise NoToken("This is no job of GitHub Actions, GitLab CI or Azure Pipelines that may ask for a token.")


def _from_github(environment: Mapping[str, str]) -> str:
    audience = urllib.parse.urlencode({"audience": AUDIENCE})
    address = f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&{audience}"
    return _asked(urllib.request.Request(address), environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""), "value")


def _from_azure_pipelines(environment: Mapping[str, str]) -> str:
    # AzureCLI@2 tells its script the id of the service connection.
    connection = environment.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "")
    query = urllib.parse.urlencode({"api-version": "7.1", "serviceConnectionId": connection})
    address = f"{environment['SYSTEM_OIDCREQUESTURI']}?{query}"
    headers = {"Content-Type": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}
    request = urllib.request.Request(address, data=b"", headers=headers, method="POST")
    return _asked(request, environment.get("SYSTEM_ACCESSTOKEN", ""), "oidcToken")


def _asked(request: urllib.request.Request, bearer: str, name: str) -> str:
    request.add_header("Authorization", f"Bearer {bearer}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)[name])
    except urllib.error.HTTPError as error:
        raise NoToken(f"The pipeline refuses a token: HTTP {error.code}. May this job ask for one?") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoToken(f"The pipeline gives no token: {type(error).__name__}.") from None


def write(path: Path, text: str) -> None:
    """Replace the file at once: a reader sees the old token or the new one. The directory is this user's alone."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def keep(path: Path, done: threading.Event, seconds: float) -> None:
    """Renew the token until the command is done. One that cannot be had is asked for again later."""
    while not done.wait(seconds):
        try:
            write(path, token(os.environ))
        except NoToken as error:
            print(error, file=sys.stderr)


@contextmanager
def without_commands(environment: Mapping[str, str]) -> Iterator[None]:
    """GitHub Actions takes no line for a command of a workflow until the block ends, whatever the output holds."""
    if environment.get("GITHUB_ACTIONS") != "true":
        yield
        return
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", flush=True)
    try:
        yield
    finally:
        print(f"::{word}::", flush=True)


def started(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """The command, its output to be read where the runner cannot be told to take no commands."""
    if environment.get("TF_BUILD") or environment.get("GITLAB_CI"):
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
        return subprocess.Popen(command, env=environment, **piped)
    return subprocess.Popen(command, env=environment, text=True)


def harmless(line: str) -> str:
    """A line without commands to the agent of Azure Pipelines, and without section markers of GitLab CI."""
    return re.sub(r"(section_(?:start|end)):(?=\d)", r"\1 :", re.sub(r"##(?=\w*\[)", "# #", line))


def main(command: list[str], renewed_after: float = RENEWED_AFTER) -> int:
    """Run the command; its exit code."""
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "token")
        try:
            write(path, token(os.environ))
        except NoToken as error:
            print(error, file=sys.stderr)
            return 1
        keeper = threading.Thread(target=keep, args=(path, done, renewed_after), daemon=True)
        keeper.start()
        environment = {**os.environ, "AZURE_FEDERATED_TOKEN_FILE": str(path)}
        with without_commands(os.environ), started(command, environment) as process:
            # A job that is cancelled cancels the command, which then ends in order.
            signal.signal(signal.SIGTERM, lambda *given: process.terminate())
            for line in process.stdout or ():
                print(harmless(line), end="", flush=True)
            code = process.wait()
        done.set()
        keeper.join()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

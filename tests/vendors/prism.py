# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stoplight Prism, which holds requests and answers against a description that nobody here wrote."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools.files import ROOT
from tests.vendors.descriptions import write

VERSION = "5.14.2"
FOLDER = ROOT / ".build" / "prism"
COMMAND = FOLDER / "node_modules" / ".bin" / "prism"
START_SECONDS = 120


def install() -> None:
    """Install Prism below `.build`, where it is not there yet. Raises RuntimeError without npm, or where npm fails."""
    if (FOLDER / f"installed-{VERSION}").exists():
        return
    if shutil.which("npm") is None:
        raise RuntimeError("npm was not found; Prism needs Node.js 18 or newer.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    package = f"@stoplight/prism-cli@{VERSION}"
    subprocess.run(["npm", "install", "--no-fund", "--no-audit", "--prefix", FOLDER, package], check=True)
    (FOLDER / f"installed-{VERSION}").touch()


@contextmanager
def proxy(service: str, upstream: str, ca_path: str, directory: Path) -> Iterator[str]:
    """A strict proxy before a service; its address. What does not fit the description is answered with an error."""
    with _running(["proxy", str(write(service, directory)), upstream, "--errors"], ca_path, directory / service) as url:
        yield url


@contextmanager
def mock(service: str, directory: Path, seed: int) -> Iterator[str]:
    """A service that answers whatever its description allows; its address."""
    command = ["mock", str(write(service, directory)), "--dynamic", "--errors", "--seed", str(seed)]
    with _running(command, None, directory / service) as url:
        yield url


@contextmanager
def _running(command: list[str], ca_path: str | None, log: Path) -> Iterator[str]:
    port = _free_port()
    environment = {**os.environ, **({"NODE_EXTRA_CA_CERTS": ca_path} if ca_path else {})}
    with log.with_suffix(".log").open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, *command, "--port", str(port)], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        _await(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError("Prism did not start.")

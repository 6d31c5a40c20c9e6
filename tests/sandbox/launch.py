# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the sandbox as a process and steer it: for integration tests, benchmarks and the demo.

    with running(world) as sandbox:
        subprocess.run([...], env={**os.environ, **sandbox.env})
        assert sandbox.state()["bms"]["contacts"]

Needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
STOP_SECONDS = 15


class Failed(RuntimeError):
    """The sandbox did not start, or refused what it was told."""


class Running:
    """A sandbox that listens. `env` holds every connection variable of the collection."""

    def __init__(self, process: subprocess.Popen[bytes], env: dict[str, str], log: Path) -> None:
        self.process = process
        self.env = env
        self.log = log
        context = ssl.create_default_context(cafile=env["REQUESTS_CA_BUNDLE"])
        # A proxy of the machine has no business between a test and its own server.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def state(self) -> Any:
        """The whole world as it now is."""
        return self.control("GET", "state")

    def reset(self) -> None:
        """Back to the world as loaded; clears the log, faults and quotas."""
        self.control("POST", "reset")

    def load(self, world: Any) -> None:
        """Begin with another world. The credentials in `env` stay those of the first one."""
        self.control("POST", "world", world)

    def behaviour(self, **changes: Any) -> None:
        """Turn switches until the next reset."""
        self.control("POST", "behaviour", changes)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        self.control("POST", "clock", {"advance": seconds})

    def faults(self, *faults: Any) -> None:
        """Replace the faults in force."""
        self.control("POST", "faults", list(faults))

    def requests(self) -> list[dict[str, Any]]:
        """What was asked, in order."""
        return self.control("GET", "requests")

    def clear_requests(self) -> None:
        self.control("POST", "requests/clear")

    def contract(self) -> Any:
        """What the contracts found."""
        return self.control("GET", "contract")

    def control(self, method: str, name: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.env['ITGLUE_URL']}/_sandbox/{name}", data, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} /_sandbox/{name}: {error.code} {error.read().decode(errors='replace')}") from error

    def stop(self) -> int:
        """End the process; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def start(world: Any, directory: Path, *, contracts: Path | None = None, port_base: int | None = None) -> Running:
    """Start a sandbox whose files lie in a directory; the caller stops it."""
    world_file, env_file, log = directory / "world.json", directory / "sandbox.env", directory / "sandbox.log"
    world_file.write_text(json.dumps(world), encoding="utf-8")
    command = [sys.executable, "-m", "tests.sandbox", "--world", str(world_file), "--env-file", str(env_file)]
    command += ["--contracts", str(contracts)] if contracts else []
    command += ["--port-base", str(port_base)] if port_base else []
    env_file.unlink(missing_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=_environment())
    try:
        return Running(process, _await(process, env_file, log), log)
    except BaseException:
        process.kill()
        process.wait()
        raise


@contextlib.contextmanager
def running(world: Any, **options: Any) -> Iterator[Running]:
    """A sandbox for as long as the block lasts; `options` as for `start`."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as directory:
        sandbox = start(world, Path(directory), **options)
        try:
            yield sandbox
        finally:
            sandbox.stop()


def read_environment(path: Path) -> dict[str, str]:
    """The variables of an environment file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def _await(process: subprocess.Popen[bytes], env_file: Path, log: Path) -> dict[str, str]:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if env_file.exists():
            return read_environment(env_file)
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise Failed(f"the sandbox did not start: {log.read_text(encoding='utf-8', errors='replace').strip()}")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}

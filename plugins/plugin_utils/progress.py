# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress of tasks that run in process: as lines, or as one live line at the end of the terminal.

Tasks run in workers, which are forked from the controller's process. A worker writes a line
to the output of that process by itself: Ansible's display would have the controller's process
write it in a thread that ends for good where the reader of the output has gone (`... | head`),
and the playbook would wait for ever. A live line can only be drawn by the
controller's process itself: the callback `sync_report` opens a pipe before the first worker
is forked, and the workers write to it. Whatever goes wrong here costs the progress alone.
"""

# PRIVATE to the collection: nothing here is a public interface.

from __future__ import annotations

import json
import multiprocessing
import os
import select
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event, Thread
from typing import Any, TextIO

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import output

try:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    HAS_RICH = True
except ImportError:
    HAS_RICH = False
    Console = Progress = object

AUTO, PLAIN, LIVE, OFF = "auto", "plain", "live", "off"
MODES = (AUTO, PLAIN, LIVE, OFF)
ENVIRONMENT = "MSP_PSA_SYNC_PROGRESS"

_LONGEST = 300
"""Characters of a line in the pipe: as JSON it is shorter than what a pipe takes at once (POSIX, PIPE_BUF)."""

# AWX and ansible-runner give their jobs a terminal that nobody looks at.
_UNWATCHED = ("CI", "AWX_ISOLATED_DATA_DIR", "RUNNER_OMIT_EVENTS", "TF_BUILD", "JENKINS_URL")

display = Display()


class _Shared:
    """What the controller's process has decided, and its workers inherit."""

    mode: str = AUTO
    pipe: int | None = None
    output: int | None = None


def keep_output() -> None:
    """Keep the output of the controller's process for its workers, whose own may lead nowhere."""
    if _Shared.output is None and multiprocessing.parent_process() is None:
        with suppress(AttributeError, OSError, ValueError):
            _Shared.output = os.dup(sys.stdout.fileno())


keep_output()


def choose(mode: str | None) -> None:
    """Set the mode for all tasks from here on, as far as their environment does not set another."""
    _Shared.mode = mode if mode in MODES else AUTO


def wanted() -> str:
    """The mode of a task: its environment counts more than the option of the callback."""
    mode = os.environ.get(ENVIRONMENT, "").strip().casefold()
    return mode if mode in MODES else _Shared.mode


def shower(host: str, hosts: int) -> Callable[[str], None] | None:
    """What shows the progress lines of a task on a host, one of so many; None where they are not wanted."""
    mode = wanted()
    if mode == OFF:
        return None
    pipe = _Shared.pipe
    if pipe is not None and mode in (AUTO, LIVE):
        return lambda text: _send(pipe, {"host": host, "hosts": hosts, "text": text[:_LONGEST]})
    return lambda text: _show(f"[{host}] {text}")


def _show(text: str) -> None:
    line = output.clean(text)
    if _Shared.output is None:
        with suppress(Exception):
            # Without keywords: a wrong one would end the parent's result thread, and the playbook would hang.
            display.display(line)
        return
    with suppress(OSError):
        os.write(_Shared.output, f"{line}\n".encode(errors="replace"))
    if constants.DEFAULT_LOG_PATH:
        with suppress(Exception):
            display.display(line, log_only=True)


def _send(pipe: int, message: Mapping[str, Any]) -> None:
    # A full pipe, or none any more: the line is lost, and nobody waits.
    with suppress(OSError):
        os.write(pipe, json.dumps(message).encode() + b"\n")


def is_watched(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a person looks at the terminal, if it is one, and it can redraw a line."""
    if any(environment.get(name) for name in _UNWATCHED) or environment.get("TERM", "") in ("", "dumb"):
        return False
    try:
        return stream.isatty()
    except (AttributeError, ValueError, OSError):
        return False


# ------------------------------------------------------------------- live line


class _SteadyConsole(Console):
    """Never hides the cursor: a run that is killed could not show it again."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class LiveLine:
    """One line at the end of the terminal while tasks run. Belongs to the controller's process.

    It is there from the first `started` to the last `ended`, so that prompts have the terminal
    for themselves. Ansible's own output goes through it, and scrolls above it.

    Locks are taken in one order, that of Ansible's display first and then those of rich: Ansible
    prints with its lock held, but what rich draws on its own must never wait for that lock. Hence
    a stream of our own, as Ansible guards every write to `sys.stdout` with it.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """Raises OSError where there is no pipe or no terminal to be had."""
        self._stream = stream or _own_stream()
        self._under_way: set[tuple[str, str]] = set()
        self._texts: dict[str, str] = {}
        self._done = 0
        self._hosts = 0
        self._progress: Progress | None = None
        self._owner = os.getpid()
        self._end = Event()
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._reads, False)
        os.set_blocking(self._writes, False)
        _Shared.pipe = self._writes
        self._thread = Thread(target=self._listen, name="progress", daemon=True)
        self._thread.start()

    def started(self, host: str, task: str) -> None:
        self._under_way.add((host, task))
        self._hosts = max(self._hosts, self._done + len(self._under_way))
        if self._progress is None:
            self._open()
        self._draw()

    def ended(self, host: str, task: str) -> None:
        if (host, task) not in self._under_way:
            return
        self._under_way.discard((host, task))
        self._texts.pop(host, None)
        self._done += 1
        self._draw()
        if not self._under_way and self._done >= self._hosts:
            self._close()

    def rest(self) -> None:
        """Take the line away until a task starts again, and count from the beginning then."""
        self._under_way.clear()
        self._texts.clear()
        self._done = self._hosts = 0
        self._close()

    def stop(self) -> None:
        """Take the line away and end the thread."""
        if os.getpid() != self._owner or self._end.is_set():
            return
        self._end.set()
        _Shared.pipe = None
        self.rest()
        self._thread.join(timeout=1)
        for end in (self._writes, self._reads):
            os.close(end)

    def _open(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
            TextColumn(
                "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            TimeElapsedColumn(),
            console=_SteadyConsole(file=self._stream, soft_wrap=True),
            transient=True,
            # What goes to a file instead must get there.
            redirect_stderr=is_watched(sys.stderr, {"TERM": "any"}),
            refresh_per_second=5,
            expand=True,
        )
        self._progress.add_task("", total=max(1, self._hosts))
        self._progress.start()

    def _close(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            progress.stop()

    def _draw(self) -> None:
        progress = self._progress
        if progress is None:
            return
        latest = [f"{host}: {text}" for host, text in list(self._texts.items())[-1:]]
        waiting = len(self._under_way) - len(latest)
        also = [f"{waiting} more under way"] if waiting > 0 and latest else []
        progress.update(
            progress.tasks[0].id,
            completed=self._done,
            total=max(1, self._hosts),
            description=", ".join([*also, *latest]) or "under way",
        )

    def _listen(self) -> None:
        unread = b""
        while not self._end.is_set():
            try:
                ready, dummy, dummy2 = select.select([self._reads], [], [], 0.2)
                if ready:
                    *lines, unread = (unread + os.read(self._reads, 65536)).split(b"\n")
                    for line in lines:
                        self._receive(line)
            except (OSError, ValueError):
                return

    def _receive(self, line: bytes) -> None:
        # Nothing that comes through the pipe may end the thread.
        with suppress(Exception):
            message = json.loads(line)
            host = str(message["host"])
            if any(each == host for each, dummy in list(self._under_way)):
                self._hosts = max(self._hosts, int(message["hosts"]))
                self._texts.pop(host, None)
                self._texts[host] = str(message["text"])
                self._draw()


def _own_stream() -> TextIO:
    """The terminal, past `sys.stdout` and its locks."""
    return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="replace")


def live_line() -> LiveLine | None:
    """A live line, where it is wanted and can be; else tasks show plain lines."""
    mode = wanted()
    if mode not in (AUTO, LIVE):
        return None
    if mode == AUTO and not is_watched(sys.stdout, os.environ):
        return None
    if not HAS_RICH:
        if mode == LIVE:
            display.vvv("A live progress line needs the Python package rich; progress is shown as lines.")
        return None
    try:
        return LiveLine()
    except (OSError, ValueError):
        return None

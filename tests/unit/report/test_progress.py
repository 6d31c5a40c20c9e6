# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress: as lines, as one live line, or not at all; and never at the cost of the run."""

from __future__ import annotations

import io
import os
import pty
import re
import time
from threading import Lock
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.plugin_utils import progress
from ansible_collections.msp.psa_sync.plugins.plugin_utils.progress import LiveLine, live_line, shower


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(progress._Shared, "mode", "auto")
    monkeypatch.setattr(progress._Shared, "pipe", None)
    monkeypatch.setattr(progress._Shared, "output", None)
    monkeypatch.delenv(progress.ENVIRONMENT, raising=False)


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(progress, "display", SimpleNamespace(display=lambda text, /: lines.append(text)))
    return lines


class Terminal:
    """What a program writes to a terminal of 100 columns."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self.text = ""

    def reads(self, words: str, seconds: float = 10) -> bool:
        """Whether the words come within some time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.text += os.read(self.master, 65536).decode("utf-8", "replace")
            except BlockingIOError:
                time.sleep(0.02)
            if words in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text):
                return True
        return False


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    made = Terminal()
    yield made
    made.stream.close()
    os.close(made.master)


@pytest.fixture
def live(terminal):
    made = LiveLine(terminal.stream)
    yield made
    made.stop()


def test_lines_name_their_host(shown):
    shower("frog", 3)("210 users read")
    assert shown == ["[frog] 210 users read"]


@pytest.mark.parametrize(
    ("option", "variable", "lines"),
    [("off", None, 0), ("plain", "off", 0), ("off", "plain", 1), ("plain", "nonsense", 1), ("nonsense", None, 1)],
)
def test_the_variable_counts_more_than_the_option(option, variable, lines, shown, monkeypatch):
    progress.choose(option)
    if variable:
        monkeypatch.setenv(progress.ENVIRONMENT, variable)
    show = shower("frog", 1)
    if show:
        show("reading")
    assert len(shown) == lines


def test_a_display_that_fails_does_not_fail_the_task(monkeypatch):
    def display(text, /):
        raise BrokenPipeError

    monkeypatch.setattr(progress, "display", SimpleNamespace(display=display))
    shower("frog", 1)("reading")


@pytest.fixture
def output(monkeypatch):
    """Both ends of a pipe, as those of the output of the controller's process."""
    reading, writing = os.pipe()
    monkeypatch.setattr(progress._Shared, "output", writing)
    yield reading, writing
    os.close(writing)


def test_a_worker_writes_to_the_output_of_the_controllers_process(output, shown):
    shower("frog", 1)("reading M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller\x1b")
    assert os.read(output[0], 1000).decode() == "[frog] reading M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller \n"
    os.close(output[0])
    assert shown == []


def test_a_reader_that_has_gone_costs_nothing_but_the_line(output, shown):
    """Ansible's own thread of results would end for good."""
    os.close(output[0])
    shower("frog", 1)("reading")
    assert shown == []


def test_the_log_of_ansible_has_the_lines_too(output, monkeypatch):
    lines = []
    monkeypatch.setattr(progress.constants, "DEFAULT_LOG_PATH", "/a/log")
    logged = SimpleNamespace(display=lambda text, log_only: lines.append((text, log_only)))
    monkeypatch.setattr(progress, "display", logged)
    shower("frog", 1)("reading")
    os.close(output[0])
    assert lines == [("[frog] reading", True)]


def test_only_the_controllers_process_keeps_its_output(monkeypatch):
    monkeypatch.setattr(progress.multiprocessing, "parent_process", lambda: "the controller's")
    progress.keep_output()
    assert progress._Shared.output is None


def test_a_live_line_shows_where_tasks_are(live, terminal):
    live.started("frog", "sync")
    live.started("acme", "sync")
    shower("frog", 7)("50 pushed [bold]now[/bold]")
    assert terminal.reads("0 of 7 1 more under way, frog: 50 pushed [bold]now[/bold]")
    live.ended("frog", "sync")
    assert terminal.reads("1 of 7")


def test_a_live_line_never_hides_the_cursor(live, terminal):
    live.started("frog", "sync")
    shower("frog", 1)("reading")
    assert terminal.reads("reading")
    assert "\x1b[?25l" not in terminal.text


def test_a_live_line_waits_for_no_lock_of_ansible(terminal, monkeypatch):
    """Ansible guards `sys.stdout` with a lock that it holds while it prints through the live line: a deadlock else."""
    lock = Lock()

    class Guarded(io.TextIOWrapper):
        def write(self, text):
            if not lock.acquire(timeout=2):
                raise TimeoutError
            lock.release()
            return super().write(text)

    monkeypatch.setattr("sys.stdout", Guarded(io.FileIO(os.dup(terminal.stream.fileno()), "w"), encoding="utf-8"))
    live = LiveLine()
    with lock:
        live.started("frog", "sync")
        shower("frog", 1)("reading")
        seen = terminal.reads("reading")
    live.stop()
    assert seen


def test_a_live_line_is_gone_when_nothing_runs(live):
    live.started("frog", "sync")
    assert live._progress is not None
    live.ended("acme", "sync")
    assert live._progress is not None
    live.ended("frog", "sync")
    assert live._progress is None


def test_a_live_line_leaves_the_terminal_between_tasks(live):
    live.started("frog", "sync")
    live.rest()
    assert live._progress is None


def test_the_workers_fall_back_on_lines_when_the_live_line_is_gone(terminal, shown):
    live = LiveLine(terminal.stream)
    live.stop()
    live.stop()
    shower("frog", 1)("reading")
    assert shown == ["[frog] reading"]


def test_a_full_pipe_stops_nobody(monkeypatch):
    """The reader is gone; a hundred thousand lines are lost, and the task goes on."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    monkeypatch.setattr(progress._Shared, "pipe", writes)
    show = shower("frog", 1)
    for dummy in range(2000):
        show("x" * 1000)
    os.close(reads)
    show("nobody reads this")
    os.close(writes)
    show("nor is there a pipe")


def test_a_line_in_the_pipe_is_never_split():
    """What a pipe takes at once is not mixed with what others write (POSIX, PIPE_BUF)."""
    reads, writes = os.pipe()
    progress._send(writes, {"host": "h" * 60, "hosts": 1, "text": ("\U0001f600" * 1000)[: progress._LONGEST]})
    assert len(os.read(reads, 65536)) < 4096
    os.close(reads)
    os.close(writes)


def test_rubbish_in_the_pipe_does_no_harm(live, terminal):
    live.started("frog", "sync")
    os.write(live._writes, b'\xff\n[]\n{"host": "frog"}\n{"host": "frog", "hosts": "x", "text": ""}\n')
    shower("frog", 2)("still here")
    assert terminal.reads("still here")


@pytest.mark.parametrize("name", ["CI", "AWX_ISOLATED_DATA_DIR"])
def test_nobody_watches_the_terminal_of_a_job(name, terminal):
    assert progress.is_watched(terminal.stream, {"TERM": "xterm"})
    assert not progress.is_watched(terminal.stream, {"TERM": "xterm", name: "1"})


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_redraw_gets_lines(term, terminal):
    assert not progress.is_watched(terminal.stream, {"TERM": term})


def test_a_file_is_no_terminal():
    assert not progress.is_watched(io.StringIO(), {"TERM": "xterm"})


@pytest.mark.parametrize("mode", ["off", "plain"])
def test_no_live_line_where_it_is_not_wanted(mode):
    progress.choose(mode)
    assert live_line() is None


def test_no_live_line_without_the_library(monkeypatch):
    monkeypatch.setattr(progress, "HAS_RICH", False)
    progress.choose("live")
    assert live_line() is None
    assert progress._Shared.pipe is None

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock: one process at a time, in a directory that nobody else can write to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import lock, private_directory

HOLDER = """
import sys
from pathlib import Path
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.lock import exclusive
with exclusive("a name", directory=Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A runtime directory as a login gives it."""
    path = tmp_path / "runtime"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    monkeypatch.setattr(private_directory.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(private_directory, "LOGINS", str(tmp_path / "nobody is logged in"))
    return path


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the lock, until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_waited_for(tmp_path, other_process, monkeypatch):
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        other_process.kill()  # a lock ends with its process
        other_process.wait()

    monkeypatch.setattr(lock, "time", SimpleNamespace(monotonic=time.monotonic, time=time.time, sleep=sleep))
    with lock.exclusive("a name", directory=tmp_path):
        assert len(waits) == 1


def test_waiting_has_an_end(tmp_path, other_process, monkeypatch):
    times = iter(range(100))
    monkeypatch.setattr(lock, "time", SimpleNamespace(monotonic=lambda: next(times), sleep=lambda seconds: None))
    with (
        pytest.raises(lock.LockBusyError, match="more than 5 seconds"),
        lock.exclusive("a name", directory=tmp_path, patience=5),
    ):
        pytest.fail("the lock was given twice")
    monkeypatch.undo()
    with lock.exclusive("another name", directory=tmp_path, patience=0):
        pass


def test_a_holder_that_is_stopped_is_named(tmp_path, other_process):
    os.kill(other_process.pid, signal.SIGSTOP)
    with pytest.raises(lock.LockBusyError) as caught, lock.exclusive("a name", directory=tmp_path, patience=0.1):
        pytest.fail("the lock was given twice")
    assert caught.value.stopped == other_process.pid
    assert f"Process {other_process.pid} is stopped" in str(caught.value)
    os.kill(other_process.pid, signal.SIGCONT)
    deadline = time.monotonic() + 5
    while caught.value.stopped is not None and time.monotonic() < deadline:
        with pytest.raises(lock.LockBusyError) as caught, lock.exclusive("a name", directory=tmp_path, patience=0):
            pytest.fail("the lock was given twice")
    assert "Another process" in str(caught.value)


def test_it_is_free_again_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), lock.exclusive("a name", directory=tmp_path):
        raise ZeroDivisionError
    with lock.exclusive("a name", directory=tmp_path, patience=0):
        pass


def test_names_reveal_nothing_and_files_are_private(runtime):
    with lock.exclusive("https://api.itglue.example asset types"):
        pass
    (path,) = (runtime / "msp.psa_sync").iterdir()
    assert "itglue" not in path.name
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("unusable", ["", "relative", "/nonexistent"])
def test_without_a_runtime_directory_the_temporary_one_is_used(runtime, tmp_path, monkeypatch, unusable):
    monkeypatch.setenv("XDG_RUNTIME_DIR", unusable)
    with lock.exclusive("a name"):
        pass
    assert len(list((tmp_path / f"msp.psa_sync-{os.geteuid()}").iterdir())) == 1


def test_a_job_of_cron_meets_what_a_login_started(runtime, tmp_path, monkeypatch):
    runtime.rename(tmp_path / str(os.geteuid()))
    monkeypatch.setattr(private_directory, "LOGINS", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert private_directory.private_directory() == tmp_path / str(os.geteuid()) / "msp.psa_sync"


def test_a_runtime_directory_that_others_can_enter_is_not_used(runtime, tmp_path):
    runtime.chmod(0o755)
    with lock.exclusive("a name"):
        pass
    assert list(runtime.iterdir()) == []


def _open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def _link(path: Path) -> None:
    path.symlink_to("/")


@pytest.mark.parametrize("prepare", [_open_to_all, _link, Path.touch])
def test_a_directory_that_somebody_else_prepared_is_refused(runtime, prepare):
    prepare(runtime / "msp.psa_sync")
    with pytest.raises(private_directory.PrivateDirectoryError, match=r"msp\.psa_sync"), lock.exclusive("a name"):
        pytest.fail("the lock was given")


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path):
    with lock.exclusive("a name", directory=tmp_path):
        (path,) = tmp_path.iterdir()
    path.unlink()
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(lock.LockError, match="cannot be opened"), lock.exclusive("a name", directory=tmp_path):
        pytest.fail("the lock was given")
    assert not (tmp_path / "victim").exists()


def test_the_time_at_which_a_lock_was_let_go_is_known(tmp_path):
    assert lock.last_held("a name", directory=tmp_path) is None
    before = time.time()
    with lock.exclusive("a name", directory=tmp_path):
        time.sleep(0.02)
        during = time.time()
    assert before < during <= lock.last_held("a name", directory=tmp_path) <= time.time()

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes of one run share: it goes with the run, nobody else reads it, and what is torn is not taken."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._clients import sqlite_file
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue_json import dumped, loaded
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.run_directory import (
    RunDirectory,
    is_first,
    remove_abandoned,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.run_lists import Row, RunLists, RunListsError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Contact,
    ContactType,
    Location,
    Organization,
)
from tests.unit.engine.test_properties import contacts as random_contacts

ANN, BOB = ContactType(1, "Ann"), ContactType(2, "Bob")

PARENT = """
import sys
from pathlib import Path
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.run_directory import RunDirectory
directory = RunDirectory(Path(sys.argv[1]))
(directory.path / "contacts.sqlite").write_text("private")
print(directory.path, flush=True)
sys.stdin.read()
"""


def started(parent: Path) -> tuple[subprocess.Popen, Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(parent)],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, Path(process.stdout.readline().strip())


# ------------------------------------------------------------------ the directory


def test_the_directory_of_a_run_goes_at_its_end(tmp_path):
    process, path = started(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    process.communicate()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_is_removed_by_the_next(tmp_path):
    process, path = started(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (path / "contacts.sqlite").exists()
    following = RunDirectory(tmp_path)
    assert list(tmp_path.iterdir()) == [following.path]
    following.remove()


def test_a_run_that_goes_on_keeps_its_directory(tmp_path):
    process, path = started(tmp_path)
    remove_abandoned(tmp_path)
    assert (path / "contacts.sqlite").exists()
    process.communicate()


def test_a_worker_that_outlives_its_killed_parent_keeps_the_directory(tmp_path):
    directory = RunDirectory(tmp_path)
    gone, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(gone, 1)
        os._exit(0)
    os.close(directory._lock)  # as the end of the parent does
    remove_abandoned(tmp_path)
    assert directory.path.exists()
    os.write(end, b"x")
    os.waitpid(child, 0)
    remove_abandoned(tmp_path)
    assert not directory.path.exists()


def test_a_forked_process_does_not_remove_the_directory(tmp_path):
    directory = RunDirectory(tmp_path)
    child = os.fork()
    if child == 0:
        directory.remove()
        os._exit(0)
    os.waitpid(child, 0)
    assert directory.path.exists()
    path = directory.path
    directory.remove()
    assert not path.exists()


def test_where_no_directory_can_be_made_nothing_is_shared(tmp_path):
    assert RunDirectory(tmp_path / "missing" / "directory").path is None


def test_only_the_first_process_is_the_first(tmp_path):
    assert [is_first(tmp_path, "told") for dummy in range(3)] == [True, False, False]
    assert is_first(tmp_path / "missing", "told")


# ---------------------------------------------------------------------- the records


@given(random_contacts(5))
def test_contacts_are_read_back_as_they_were(contacts):
    contacts = [Contact(**{**_values(each), "updated_at": "2020-01-01T00:00:00Z", "url": "u"}) for each in contacts]
    back = loaded(Contact, dumped(contacts))
    assert back == contacts
    assert [_values(each) for each in back] == [_values(each) for each in contacts], "also what is not compared"


def _values(record) -> dict:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__}


@pytest.mark.parametrize(
    "record",
    [
        Organization(10**16, "Ünï\u2028 'x'", True, (Adapter("BMS", "7", sync=True, orphaned=True),), "Customer"),
        Location(1, None, country="CH"),
        AssetType(1, "Type", fields=(AssetField("Title", "Text", "title", 5, 1, use_for_title=True),)),
        Asset(1, 2, 3, "Client", archived=True, traits={"a": ["x", {"values": [1]}], "b": None, "c": True}),
        7,
    ],
)
def test_other_records_are_read_back_as_they_were(record):
    assert loaded(type(record), dumped([record])) == [record]


@given(st.text())
def test_what_is_no_list_of_records_is_refused(text):
    try:
        assert all(isinstance(each, Contact) for each in loaded(Contact, text))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        assert not isinstance(error, IndexError)


# ------------------------------------------------------------------------ the lists


@pytest.fixture
def lists(tmp_path) -> RunLists:
    return RunLists(tmp_path / "lists.sqlite")


def test_rows_are_found_by_owner_and_by_key(lists):
    lists.fill("people", [Row(1, ANN, "a"), Row(2, BOB, "b"), Row(1, BOB, "b")], 42.0)
    assert lists.read_at("people") == 42.0
    assert lists.rows("people", ContactType, 1) == [ANN, BOB]
    assert lists.all("people", ContactType, "b") == [BOB, BOB]
    assert lists.rows("people", ContactType, 3) is None
    assert lists.read_at("others") is None


def test_rows_that_are_taken_are_gone(lists):
    lists.fill("people", [Row(1, ANN), Row(2, BOB)])
    assert lists.take("people", ContactType, 1) == [ANN]
    assert lists.take("people", ContactType, 1) is None
    assert lists.take("people", ContactType, 2) == [BOB]


def test_a_list_that_breaks_off_is_none_and_leaves_no_row(lists):
    def rows():
        yield from [Row(1, ANN)] * 2500
        raise OSError("the connection broke")

    lists.fill("people", [Row(2, BOB)])
    with pytest.raises(OSError, match="the connection broke"):
        lists.fill("people", rows())
    assert lists.read_at("people") is None
    assert lists.all("people", ContactType) == []


def test_rows_are_stored_as_they_come(lists):
    """The memory of the process that reads holds a page, not the list."""
    held = []

    def rows():
        for number in range(10_000):
            yield Row(1, ContactType(number, "x"))
            if number % 1000 == 1:
                held.append(len(lists.rows("people", ContactType, 1) or ()))

    lists.fill("people", rows())
    assert held == [1000 * number for number in range(10)]


def test_rows_that_were_lost_are_noticed(lists, tmp_path):
    lists.fill("people", [Row(1, ContactType(number, "x")) for number in range(1500)])
    with sqlite3.connect(tmp_path / "lists.sqlite") as database:
        database.execute("DELETE FROM parts WHERE rowid = 1")
    with pytest.raises(RunListsError):
        lists.rows("people", ContactType, 1)


def test_the_file_is_for_its_user_alone(lists, tmp_path):
    before = os.umask(0)
    try:
        lists.fill("people", [Row(1, ANN)])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "lists.sqlite").stat().st_mode) == 0o600


def test_a_link_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "lists.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunListsError):
        RunLists(tmp_path / "lists.sqlite").read_at("people")
    assert not (tmp_path / "elsewhere").exists()


def test_a_python_without_sqlite_shares_nothing(lists, monkeypatch):
    monkeypatch.setattr(sqlite_file, "sqlite3", None)
    with pytest.raises(RunListsError, match="no SQLite"):
        lists.read_at("people")


def test_forked_processes_fill_and_take_side_by_side(tmp_path):
    """Each fills its own list, and takes what another one has filled."""
    path, children = tmp_path / "lists.sqlite", []
    for number in range(6):
        child = os.fork()
        if child == 0:
            lists = RunLists(path)
            lists.fill(f"list {number}", (Row(owner, ANN) for owner in range(1, 301)))
            os._exit(0 if len(lists.take(f"list {number}", ContactType, 7) or ()) == 1 else 1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 6
    lists = RunLists(path)
    assert [len(lists.all(f"list {number}", ContactType)) for number in range(6)] == [299] * 6


def test_a_process_that_is_killed_while_it_fills_leaves_a_file_that_can_be_used(tmp_path):
    path = tmp_path / "lists.sqlite"
    child = os.fork()
    if child == 0:

        def rows():
            for number in range(100_000):
                if number == 3500:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield Row(1, ANN)

        RunLists(path).fill("people", rows())
    os.waitpid(child, 0)
    lists = RunLists(path)
    assert lists.read_at("people") is None
    lists.fill("people", [Row(1, BOB)])
    assert lists.rows("people", ContactType, 1) == [BOB]

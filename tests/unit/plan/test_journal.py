# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: told before it is sent, and its outcome after, whatever happens in between."""

from __future__ import annotations

import ast
import errno
import inspect
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, UnavailableError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsContact, BmsPhone, EntryChange
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import execute, journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import (
    Journal,
    RecordedBms,
    RecordedItGlue,
    read_journal,
)
from tests.tools.files import BUILD, ROOT
from tests.unit.engine.builders import in_bms, ready
from tests.unit.plan.test_plan_documents import World
from tests.unit.sync.fakes import FakeBms, FakeItGlue, Fault, quota, rejected, unclear

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "journal.schema.json").read_text(encoding="utf-8"))
HEAD = {
    "organization": {"id": 1, "name": "Client Ltd"},
    "tenant_id": "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f",
    "account_id": 2528,
    "version": "1.0.0",
}
NEW = {"first-name": "Bob", "contact-emails": [{"value": "bob@client.example", "label-name": "Work", "primary": True}]}


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "journal")


def lines(path: str) -> list[dict]:
    """What the file holds now, each line held against the schema."""
    found = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for line in found:
        jsonschema.validate(line, SCHEMA, format_checker=jsonschema.FormatChecker())
    return found


def kinds(path: str) -> list[str]:
    return [next(key for key in ("journal", "write", "outcome") if key in line) for line in lines(path)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for broken in ({}, {"run": "0" * 32, "at": "2026-01-01T00:00:00+00:00", "outcome": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


# ------------------------------------------------------------ before, and after


class Watching:
    """A service that reads the journal while a request is under way."""

    def __init__(self, service, path: str) -> None:
        self.service, self.path = service, path
        self.seen: list[tuple[str, list[dict]]] = []

    def __getattr__(self, name):
        method = getattr(self.service, name)

        def watched(*args):
            self.seen.append((name, lines(self.path) if os.path.exists(self.path) else []))
            return method(*args)

        return watched if callable(method) else method


WRITES = {
    "create_contacts": (lambda itglue: itglue.create_contacts(1, [NEW]), "itglue.create", None, {}, NEW, [102]),
    "update_contacts": (
        lambda itglue: itglue.update_contacts([(72, {"title": "Clerk"})]),
        "itglue.update",
        72,
        {"title": "Trainee"},
        {"title": "Clerk"},
        [72],
    ),
    "update_contact": (
        lambda itglue: itglue.update_contact(72, {"title": "Clerk", "location-id": None}),
        "itglue.update",
        72,
        {"title": "Trainee", "location-id": 10},
        {"title": "Clerk", "location-id": None},
        [72],
    ),
}


@pytest.mark.parametrize("method", WRITES)
def test_a_write_to_it_glue_is_on_the_disk_before_it_is_sent(path, method):
    send, kind, ident, before, after, ids = WRITES[method]
    watching = Watching(FakeItGlue([ready(72, title="Trainee"), ready(101, "zoe.lee")]), path)
    recorder = Journal(path, HEAD)
    send(RecordedItGlue(watching, recorder, list(watching.service.there.values())))
    recorder.close()
    ((called, seen),) = watching.seen
    head, write = seen
    assert called == method
    assert {key: head[key] for key in HEAD} == HEAD
    assert (write["kind"], write["rows"]) == (kind, [{"id": ident, "before": before, "after": after}])
    assert lines(path)[:2] == seen
    assert [line.get("ids") for line in lines(path)[2:]] == [ids]


def test_a_removal_is_told_with_all_that_is_removed(path):
    there = ready(72, title="Trainee")
    watching = Watching(FakeItGlue([there]), path)
    watching.service.delete_contacts = lambda ids: [watching.service.there.pop(each) for each in ids]
    recorder = Journal(path, HEAD)
    RecordedItGlue(watching, recorder, [there]).delete_contacts([72])
    recorder.close()
    (row,) = watching.seen[0][1][1]["rows"]
    assert (row["id"], row["after"], row["before"]["title"]) == (72, {}, "Trainee")
    assert row["before"]["contact-emails"][0]["value"] == "ann.lee@client.example"
    assert lines(path)[-1]["ids"] == [72]


def test_writes_to_bms_are_on_the_disk_before_they_are_sent(path):
    watching = Watching(FakeBms([in_bms(90211, "ann.lee@client.example", job_title="Clerk")]), path)
    recorder = Journal(path, HEAD)
    bms = RecordedBms(watching, recorder, list(watching.service.there.values()))
    made = bms.create_contact(replace(in_bms(90211, "bob@client.example", first="Bob"), id=None))
    bms.set_contact(90211, {"JobTitle": "Boss"})
    recorder.close()
    creating, setting = (seen[-1] for dummy, seen in watching.seen)
    assert (creating["kind"], setting["kind"]) == ("bms.create", "bms.set")
    assert creating["rows"][0]["after"]["emails"][0]["address"] == "bob@client.example"
    assert setting["rows"] == [{"id": 90211, "before": {"JobTitle": "Clerk"}, "after": {"JobTitle": "Boss"}}]
    assert [line["ids"] for line in lines(path) if "outcome" in line] == [[made], [90211]]


def test_lists_of_a_bms_contact_are_told_whole_before_changes_of_them_are_sent(path):
    there = in_bms(90211, "ann.lee@client.example", phones=(BmsPhone("3315550199", 2, "Desk", True),))
    watching = Watching(FakeBms([there]), path)
    recorder = Journal(path, HEAD)
    bms = RecordedBms(watching, recorder, [there])
    bms.patch_emails(90211, [EntryChange("add", "ann@client.example", type_id=1, default=True)])
    bms.patch_phones(90211, [EntryChange("update", "3315550199", "4155550100")])
    recorder.close()
    emails, phones = (seen[-1]["rows"] for dummy, seen in watching.seen)
    (row,) = emails
    assert (row["id"], [each["address"] for each in row["before"]["Emails"]]) == (90211, ["ann.lee@client.example"])
    assert [(each["address"], each["type_id"], each["default"]) for each in row["after"]["Emails"]] == [
        ("ann.lee@client.example", 1, False),
        ("ann@client.example", 1, True),
    ]
    (row,) = phones
    assert [[each["number"] for each in row[side]["Phones"]] for side in ("before", "after")] == [
        ["3315550199"],
        ["4155550100"],
    ]
    assert [line["ids"] for line in lines(path) if "outcome" in line] == [[90211], [90211]]
    assert [write.kind for write in read_journal(path)[1]] == ["bms.set", "bms.set"]


def test_the_ids_of_a_bulk_are_those_of_its_rows_whatever_the_order_of_the_answer(path):
    rows = [
        {**NEW, "contact-emails": [{"value": f"{name}@client.example", "label-name": "Work", "primary": True}]}
        for name in ("bob", "cid", "dan")
    ]
    itglue = FakeItGlue([], answers=lambda made: [made[2], made[0]])
    recorder = Journal(path, HEAD)
    RecordedItGlue(itglue, recorder, []).create_contacts(1, rows)
    recorder.close()
    assert lines(path)[-1]["ids"] == [101, None, 103]


@pytest.mark.parametrize(
    ("error", "name"),
    [(rejected(), "RejectedError"), (unclear(), "OutcomeUnknownError"), (quota(), "QuotaExceededError")],
)
def test_a_failure_is_an_outcome(path, error, name):
    recorder = Journal(path, HEAD)
    itglue = RecordedItGlue(FakeItGlue([], Fault("create_contacts", error)), recorder, [])
    with pytest.raises(type(error)):
        itglue.create_contacts(1, [NEW])
    recorder.close()
    assert lines(path)[-1]["error"] == name
    (write,) = read_journal(path)[1]
    assert (write.error, write.ids) == (name, None)


def test_a_defect_leaves_the_outcome_open(path):
    itglue = FakeItGlue([])
    itglue.create_contacts = lambda *args: 1 / 0
    recorder = Journal(path, HEAD)
    with pytest.raises(ZeroDivisionError):
        RecordedItGlue(itglue, recorder, []).create_contacts(1, [NEW])
    recorder.close()
    assert kinds(path) == ["journal", "write"]


def test_each_line_is_flushed_before_the_run_goes_on(path, monkeypatch):
    order = []
    monkeypatch.setattr(journal.os, "fsync", lambda file: order.append(len(lines(path))))
    itglue = FakeItGlue([ready(72)])
    update = itglue.update_contact
    itglue.update_contact = lambda *args: (order.append("sent"), update(*args))[1]
    recorder = Journal(path, HEAD)
    RecordedItGlue(itglue, recorder, [ready(72)]).update_contact(72, {"title": "Boss"})
    recorder.close()
    assert order == [1, 2, "sent", 3]


def test_every_write_of_the_writer_is_recorded():
    """A method that only passes through would be a write that nobody can take back."""
    called = {
        (node.value.attr, node.attr)
        for node in ast.walk(ast.parse(inspect.getsource(execute)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
        if node.value.attr in ("_itglue", "_bms")
    }
    reads = {"contact", "contacts"}
    recorded = {
        (side, name)
        for side, recorder in (("_itglue", RecordedItGlue), ("_bms", RecordedBms))
        for name in vars(recorder)
        if not name.startswith("_")
    }
    wanted = {(side, name) for side, name in called if name not in reads}
    assert len(wanted) >= 5
    assert wanted <= recorded


def test_threads_do_not_come_between_each_others_lines(path):
    bms = FakeBms()
    recorder = Journal(path, HEAD)
    recorded = RecordedBms(bms, recorder, [])
    person = BmsContact(id=None, account_id=2528, first_name="x" * 5000)
    threads = [threading.Thread(target=recorded.create_contact, args=(person,)) for dummy in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert sorted(kinds(path)) == ["journal"] + ["outcome"] * 16 + ["write"] * 16
    writes = read_journal(path)[1]
    assert sorted(write.ids[0] for write in writes) == sorted(bms.there)


# -------------------------------------------------------------------------- runs


def test_a_run_tells_each_of_its_writes(tmp_path, path):
    world = World(tmp_path)
    world.run(journal_file=path)
    assert kinds(path)[0] == "journal"
    head, writes = read_journal(path)
    assert {key: head[key] for key in HEAD} == HEAD
    assert [write.kind for write in writes][:2] == ["itglue.create", "itglue.update"]
    assert sorted(write.kind for write in writes)[:4] == ["bms.create", "bms.create", "bms.set", "bms.set"]
    assert all(write.ids and write.error is None for write in writes)


@pytest.mark.parametrize("preview", [True, False])
def test_a_run_that_writes_nothing_leaves_no_journal(tmp_path, path, preview):
    world = World(tmp_path)
    if not preview:
        world.run()
    world.run(preview, journal_file=path)
    assert not os.path.exists(path)


def test_only_its_owner_can_read_it_and_it_only_grows(tmp_path, path):
    world = World(tmp_path)
    world.run(journal_file=path)
    first = Path(path).read_bytes()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    world.edit(72, title="Trainee")
    world.run(journal_file=path)
    second = Path(path).read_bytes()
    assert second.startswith(first) and len(second) > len(first)
    assert kinds(path).count("journal") == 2
    assert len({line["run"] for line in lines(path)}) == 2


@pytest.mark.parametrize("place", ["missing/journal", ".", "link", "pipe"])
def test_a_journal_that_cannot_be_written_stops_the_run_before_anything_is(tmp_path, place):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    world = World(tmp_path)
    with pytest.raises(InputError, match="journal file.*Nothing was written"):
        world.run(journal_file=str(tmp_path / place))
    assert world.written() == 0
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("content", ["export PATH=/bin\n", '{"run": "x"}\n', "[]\n", "x"])
def test_a_file_that_is_no_journal_is_left_alone(tmp_path, path, content):
    Path(path).write_text(content, encoding="utf-8")
    world = World(tmp_path)
    with pytest.raises(InputError, match="no journal of this organization"):
        world.run(journal_file=path)
    assert (Path(path).read_text(encoding="utf-8"), world.written()) == (content, 0)


def test_the_journal_of_another_organization_is_left_alone(tmp_path, path):
    world = World(tmp_path)
    world.run(journal_file=path)
    before = Path(path).read_bytes()
    world.edit(72, title="Trainee")
    world.itglue.named["Client Ltd"] = replace(world.itglue.named["Client Ltd"], id=2)
    with pytest.raises(InputError, match="no journal of this organization"):
        world.run(journal_file=path)
    assert Path(path).read_bytes() == before


def test_two_runs_do_not_write_to_one_journal_at_once(path):
    first = Journal(path, HEAD)
    with pytest.raises(InputError, match="Another run is writing"):
        Journal(path, HEAD)
    first.close()
    Journal(path, HEAD).close()


def test_a_full_disk_stops_the_writes_and_leaves_a_readable_journal(tmp_path, path, monkeypatch):
    """What cannot be told is not sent; the result says what was."""
    world = World(tmp_path)
    write, room = os.write, [900]

    def filling(file, data):
        taken = data[: room[0]]
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(taken)
        return write(file, taken)

    monkeypatch.setattr(journal.os, "write", filling)
    outcome = world.run(journal_file=path)
    told = {each.user.partition(".")[0]: each for each in outcome.operations}
    assert told["bob"].action == "create"
    assert told["ann"].action in ("failed", "deferred")
    assert "No space left on device" in told["ann"].reason
    assert [kind for kind, dummy in world.itglue.writes] == ["create"]
    assert world.bms.created == []
    monkeypatch.undo()
    assert [write.kind for write in read_journal(path)[1]] == ["itglue.create"]
    # Room again: the next run goes on in the same file.
    world.run(journal_file=path)
    assert {write.kind for write in read_journal(path)[1]} >= {"itglue.create", "itglue.update", "bms.create"}


def test_an_outcome_that_cannot_be_told_does_not_undo_the_write(path, monkeypatch):
    recorder = Journal(path, HEAD)
    itglue = FakeItGlue([ready(72)])
    update = itglue.update_contact

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    def sent(*args):
        monkeypatch.setattr(journal.os, "write", full)
        return update(*args)

    itglue.update_contact = sent
    recorded = RecordedItGlue(itglue, recorder, [ready(72)])
    recorded.update_contact(72, {"title": "Boss"})
    assert itglue.there[72].title == "Boss"
    with pytest.raises(UnavailableError, match="cannot be written any more"):
        recorded.update_contact(72, {"title": "Clerk"})
    assert itglue.there[72].title == "Boss"
    recorder.close()


# ------------------------------------------------------------------------ killed

KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import Journal, RecordedItGlue
from tests.unit.engine.builders import ready
from tests.unit.sync.fakes import FakeItGlue
itglue = FakeItGlue([ready(72), ready(73)])
journal = Journal({path!r}, {head!r})
recorded = RecordedItGlue(itglue, journal, [ready(72), ready(73)])
recorded.update_contact(72, {{"title": "Boss"}})
itglue.update_contact = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
recorded.update_contact(73, {{"title": "Clerk"}})
"""


def test_a_run_that_is_killed_leaves_each_write_told(path):
    code = KILLED.format(paths=[str(BUILD / "dev"), str(ROOT)], path=path, head=HEAD)
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert kinds(path) == ["journal", "write", "outcome", "write"]
    known, unknown = read_journal(path)[1]
    assert (known.ids, known.error) == ((72,), None)
    assert (unknown.ids, unknown.error, unknown.rows[0]["after"]) == (None, None, {"title": "Clerk"})


def torn(path: str, keep: int) -> None:
    """Cut the file off in its last line."""
    content = Path(path).read_bytes().rstrip(b"\n")
    Path(path).write_bytes(content[: content.rindex(b"\n") + 1 + keep])


@pytest.mark.parametrize("keep", [0, 1, 8, 12, 60])
def test_a_line_that_was_not_finished_is_passed_over_and_the_next_run_goes_on(tmp_path, path, keep):
    world = World(tmp_path)
    world.run(journal_file=path)
    whole = read_journal(path)[1]
    torn(path, keep)
    cut = read_journal(path)[1]
    assert [write.kind for write in cut] == [write.kind for write in whole]
    assert [write.ids for write in cut].count(None) == 1
    before = Path(path).read_bytes()
    world.edit(72, title="Trainee")
    world.run(journal_file=path)
    assert Path(path).read_bytes().startswith(before)
    assert [write.kind for write in read_journal(path)[1]] == [*(write.kind for write in whole), "itglue.update"]


def test_a_head_that_was_not_finished_is_no_run(path):
    Path(path).write_text('{"run": "0123', encoding="utf-8")
    with pytest.raises(InputError, match="tells of no write"):
        read_journal(path)
    recorder = Journal(path, HEAD)
    RecordedItGlue(FakeItGlue([ready(72)]), recorder, [ready(72)]).update_contact(72, {"title": "Boss"})
    recorder.close()
    assert [write.kind for write in read_journal(path)[1]] == ["itglue.update"]


# -------------------------------------------------------------------------- read


def written(path: str, *entries: dict | str) -> None:
    told = [
        entry if isinstance(entry, str) else json.dumps({"run": "a" * 32, "at": "now", **entry}) for entry in entries
    ]
    Path(path).write_text("".join(f"{line}\n" for line in told), encoding="utf-8")


START = {"journal": 1, **HEAD}
WRITE = {"write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {"title": None}, "after": {"title": "B"}}]}


def test_a_journal_of_several_runs_is_read_in_their_order_without_those_that_took_back(path):
    other = {"run": "b" * 32}
    back = {"run": "c" * 32}
    written(
        path,
        START,
        WRITE,
        {"outcome": 1, "ids": [72]},
        {**START, **back, "reverts": True},
        {**WRITE, **back},
        {**START, **other, "account_id": None},
        {**WRITE, **other, "kind": "itglue.delete", "rows": [{"id": 73, "before": {}, "after": {}}]},
    )
    head, writes = read_journal(path)
    assert [write.rows[0]["id"] for write in writes] == [72, 73]
    assert head["account_id"] == 2528


@pytest.mark.parametrize(
    "entry",
    [
        "no json",
        "[]",
        "null",
        json.dumps({"write": 1}),
        {"write": 1, "kind": "itglue.update", "rows": "x"},
        {"write": 1, "kind": "itglue.update", "rows": [{"id": 72}]},
        {"write": 1, "kind": "itglue.update", "rows": [{"id": "72", "before": {}, "after": {}}]},
        {"write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {}, "after": {"no-such": 1}}]},
        {"write": 1, "kind": "bms.set", "rows": [{"id": 72, "before": {}, "after": {"title": 1}}]},
        {"outcome": 7, "ids": [1]},
        {"something": 1},
    ],
)
def test_a_line_that_cannot_be_understood_is_named(path, entry):
    written(path, START, entry)
    with pytest.raises(InputError, match="Line 2 of the journal file"):
        read_journal(path)


@pytest.mark.parametrize("ids", [[], [72, 73], "72"])
def test_an_outcome_that_does_not_fit_its_write(path, ids):
    written(path, START, WRITE, {"outcome": 1, "ids": ids})
    with pytest.raises(InputError, match="Line 3 of the journal file"):
        read_journal(path)


@pytest.mark.parametrize("content", ["", "\n", "export PATH=/bin\n"])
def test_what_is_no_journal(path, content):
    Path(path).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"tells of no write|cannot be understood"):
        read_journal(path)


def test_a_write_before_any_head_is_no_journal(path):
    written(path, WRITE)
    with pytest.raises(InputError, match="Line 1"):
        read_journal(path)


def test_another_format_several_organizations_and_no_file(path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_journal(path)
    written(path, {**START, "journal": 2})
    with pytest.raises(InputError, match="has the format 2; this version reads 1"):
        read_journal(path)
    written(path, START, {**START, "run": "b" * 32, "organization": {"id": 2, "name": "Other"}})
    with pytest.raises(InputError, match="tells of several organizations"):
        read_journal(path)

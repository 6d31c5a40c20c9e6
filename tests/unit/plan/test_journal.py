# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: each write before it is sent, and what became of it after, whatever happens in between."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.attributes import encode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, UnavailableError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsPhone
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Plan,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.recorded import (
    Resolution,
    WriteKind,
    WriteOutcome,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import journal
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import FileJournal, Written
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal_reader import VERSION, read_journal
from tests.tools.files import BUILD, ROOT
from tests.unit.engine.builders import ACCOUNT, in_bms, ready
from tests.unit.plan.test_plan_documents import World
from tests.unit.sync.fakes import FakeBms, FakeItGlue, Fault, gone, quota, rejected, unclear
from tests.unit.sync.running import Row, carried_out

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "journal.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
HEAD = {
    "organization": {"id": 1, "name": "Client Ltd"},
    "tenant_id": "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f",
    "account_id": 2528,
    "version": "1.0.0",
}


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "journal")


def lines(path: str) -> list[dict]:
    """What the file holds now, each line held against the schema."""
    found = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for line in found:
        VALIDATOR.validate(line)
    return found


def kinds(path: str) -> list[str]:
    return [next(key for key in ("journal", *AFTER, "write") if key in line) for line in lines(path)]


AFTER = ("outcome", "resolved", "read_back")


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for broken in ({}, {"run": "0" * 32, "at": "2026-01-01T00:00:00+00:00", "outcome": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


# ------------------------------------------------------------ before, and after


READS = ("contact", "contacts")


class Watching:
    """A service that reads the journal while a write is under way."""

    def __init__(self, service, path: str) -> None:
        self.service, self.path = service, path
        self.seen: list[tuple[str, list[dict]]] = []

    def __getattr__(self, name):
        method = getattr(self.service, name)

        def watched(*args):
            if name not in READS:
                self.seen.append((name, lines(self.path) if os.path.exists(self.path) else []))
            return method(*args)

        return watched if callable(method) else method


def operation(contact, action=Action.CREATE, before=None, after=None, bms=None) -> Operation:
    """What is to be written of a contact."""
    part = ItGluePart(action, contact.id, before or {}, encode(contact) if after is None else after, contact)
    name = contact.emails[0].value
    return Operation(UserSubject(name, f"id-{name}"), part, bms or BmsPart())


def new(name: str = "bob.lee", **values) -> Operation:
    return operation(ready(None, name, **values))


def plan(*operations, in_bms: bool = False) -> Plan:
    return Plan(tuple(operations), account=ACCOUNT if in_bms else None)


def written_by(path, found, itglue=None, bms=None) -> list[Row]:
    """Carry out a plan with a journal; the operations as they turned out."""
    itglue, bms = itglue or FakeItGlue(), bms or FakeBms()
    recorder = FileJournal(path, HEAD)
    there, in_account = (list(getattr(each, "service", each).there.values()) for each in (itglue, bms))
    done = carried_out(found, itglue, bms, there, in_account, journal=recorder)
    recorder.close()
    return list(map(Row, done))


def test_a_create_is_on_the_disk_before_it_is_sent(path):
    watching = Watching(FakeItGlue([ready(101, "zoe.lee", created_at="x")], stamp="2026-01-01T10:00:00.000Z"), path)
    (done,) = written_by(path, plan(new()), watching)
    called, (head, write) = watching.seen[0]
    assert called == "create_contacts"
    assert {key: head[key] for key in HEAD} == HEAD
    row = {"id": None, "before": {}, "after": encode(ready(None, "bob.lee")), "alike": []}
    assert (write["kind"], write["rows"]) == ("itglue.create", [row])
    seen = {"id": done.contact_id, "updated_at": "2026-01-01T10:00:00.000Z"}
    assert [line[key] for line in lines(path)[2:] for key in ("rows", "read_back") if key in line] == [[seen], [seen]]
    assert read_journal(path).saved_at == {done.contact_id: "2026-01-01T10:00:00.000Z"}


def test_updates_are_on_the_disk_before_they_are_sent(path):
    contact = ready(72, title="Clerk", location_id=None)
    there = ready(72, title="Trainee")
    before, after = encode(there, ["title", "location-id"]), encode(contact, ["title", "location-id"])
    watching = Watching(FakeItGlue([there], locked={72: {"title"}}), path)
    written_by(path, plan(operation(contact, Action.UPDATE, before, after)), watching)
    reported = [(name, seen[-1]["kind"], seen[-1]["rows"]) for name, seen in watching.seen if name.startswith("update")]
    assert reported == [
        ("update_contacts", "itglue.update", [{"id": 72, "before": before, "after": after}]),
        ("update_contact", "itglue.update", [{"id": 72, "before": before, "after": after}]),
        (
            "update_contact",
            "itglue.update",
            [{"id": 72, "before": {"location-id": 10}, "after": {"location-id": None}}],
        ),
    ]
    assert [write.outcome for write in read_journal(path).writes] == ["rejected", "rejected", "done"]


def created_in_bms(name: str = "bob.lee", **values) -> Operation:
    contact = in_bms(0, f"{name}@client.example", first="Bob", last="Lee", **values)
    return operation(ready(72, name), Action.UNCHANGED, {}, {}, BmsPart(Push.PUSHED, create=contact))


def set_in_bms(there, before, after) -> Operation:
    bms = BmsPart(Push.ALREADY_IN_BMS, there.id, None, before, after)
    return operation(ready(73, "ann.lee"), Action.UNCHANGED, {}, {}, bms)


def test_writes_to_bms_are_on_the_disk_before_they_are_sent(path):
    there = in_bms(90211, "ann.lee@client.example", job_title="Clerk")
    watching = Watching(FakeBms([there]), path)
    made, dummy = written_by(
        path,
        plan(created_in_bms(), set_in_bms(there, {"JobTitle": "Clerk"}, {"JobTitle": "Boss"}), in_bms=True),
        bms=watching,
    )
    creating, setting = (seen[-1] for dummy, seen in watching.seen)
    assert (creating["kind"], setting["kind"]) == ("bms.create", "bms.set")
    assert creating["rows"][0]["after"]["emails"][0]["address"] == "bob.lee@client.example"
    assert setting["rows"] == [{"id": 90211, "before": {"JobTitle": "Clerk"}, "after": {"JobTitle": "Boss"}}]
    ids = [row["id"] for line in lines(path) if "outcome" in line for row in line["rows"]]
    assert ids == [made.bms_contact_id, 90211]


def test_lists_of_a_bms_contact_are_recorded_whole_before_changes_of_them_are_sent(path):
    there = in_bms(90211, "ann.lee@client.example", phones=(BmsPhone("3315550199", 2, "Desk", True),))
    email = {"address": "ann.lee@client.example", "type_id": 1, "type_name": "Work", "default": True}
    phone = {"number": "3315550199", "type_id": 2, "type_name": "Desk", "default": True}
    before = {"Emails": [email], "Phones": [phone]}
    after = {
        "Emails": [{**email, "default": False}, {**email, "address": "ann@client.example"}],
        "Phones": [{**phone, "number": "4155550100"}],
    }
    watching = Watching(FakeBms([there]), path)
    written_by(path, plan(set_in_bms(there, before, after), in_bms=True), bms=watching)
    rows = [row for dummy, seen in watching.seen for row in seen[-1]["rows"]]
    assert [(row["before"], row["after"]) for row in rows] == [
        ({"Emails": before["Emails"]}, {"Emails": after["Emails"]}),
        ({"Phones": before["Phones"]}, {"Phones": after["Phones"]}),
    ]
    assert [write.kind for write in read_journal(path).writes] == ["bms.set", "bms.set"]


def test_the_ids_of_a_bulk_are_those_of_its_rows_whatever_the_order_of_the_answer(path):
    itglue = FakeItGlue([], answers=lambda made: [made[2], made[0]])
    written_by(path, plan(*(new(f"{name}.lee") for name in ("bob", "cid", "dan"))), itglue)
    (write,) = read_journal(path).writes
    assert [row.id for row in write.rows] == [101, 102, 103]
    assert [row.resolution for row in write.rows] == [None, "found", None]
    (resolved,) = (line for line in lines(path) if "resolved" in line)
    assert resolved["rows"] == [{"row": 1, "found": "found", "id": 102, "updated_at": None}]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (rejected(), WriteOutcome.REJECTED),
        (unclear(), WriteOutcome.UNKNOWN),
        (quota(), WriteOutcome.QUOTA_EXCEEDED),
        (gone(), WriteOutcome.NOT_SENT),
    ],
)
def test_a_failure_is_an_outcome(path, error, outcome):
    written_by(path, plan(new()), FakeItGlue([], Fault("create_contacts", error, times=9)))
    reported = [line["result"] for line in lines(path) if "outcome" in line]
    assert set(reported) == {outcome.value}
    assert {write.outcome for write in read_journal(path).writes} == {outcome}


# --------------------------------------------- what became of a write of unknown outcome


def resolutions(path) -> list[tuple]:
    return [(row.id, row.resolution) for write in read_journal(path).writes for row in write.rows]


def test_an_unclear_create_that_is_found_has_its_id(path):
    written_by(path, plan(new()), FakeItGlue([], Fault("create_contacts", unclear(), rows=-1)))
    assert kinds(path) == ["journal", "write", "outcome", "resolved", "read_back"]
    assert resolutions(path) == [(101, Resolution.FOUND)]


def test_an_unclear_create_that_is_not_found_is_recorded_too(path):
    written_by(path, plan(new()), FakeItGlue([], Fault("create_contacts", unclear())))
    assert resolutions(path) == [(None, Resolution.NOT_FOUND), (101, None)]


def test_an_unclear_create_that_cannot_be_looked_for_is_not_known(path):
    faults = [Fault("create_contacts", unclear(), rows=-1), Fault("contacts", gone(), times=9)]
    written_by(path, plan(new()), FakeItGlue([], *faults))
    assert resolutions(path) == [(None, Resolution.NOT_KNOWN)]


def test_of_several_that_are_alike_none_is_taken_and_all_are_recorded(path):
    """A technician has made the same person meanwhile."""
    itglue = FakeItGlue()

    def meanwhile(rows):
        itglue.there[500] = ready(500, "bob.lee")
        return True

    itglue.faults.append(Fault("create_contacts", unclear(), rows=-1, when=meanwhile))
    (done,) = written_by(path, plan(new()), itglue)
    assert (done.action, done.codes) == ("failed", ("several_alike",))
    assert resolutions(path) == [(None, Resolution.NOT_KNOWN)]
    (resolved,) = (line for line in lines(path) if "resolved" in line)
    assert resolved["rows"] == [{"row": 0, "found": "not_known", "alike": [500, 501]}]


def test_who_was_alike_before_is_recorded_with_a_create(path):
    """The namesake of the same address, of whom match_overrides says that it is somebody else."""
    itglue = FakeItGlue([ready(72, "bob.lee")], Fault("create_contacts", unclear(), rows=-1))
    (done,) = written_by(path, plan(new()), itglue)
    assert done.contact_id == 73
    (write,) = read_journal(path).writes
    assert [(row.alike, row.id) for row in write.rows] == [((72,), 73)]


@pytest.mark.parametrize(
    ("faults", "found"),
    [
        ([Fault("create_contact", unclear("bms"), rows=-1)], [(5001, Resolution.FOUND)]),
        ([Fault("create_contact", unclear("bms"))], [(None, Resolution.NOT_FOUND), (5001, None)]),
        (
            [Fault("create_contact", unclear("bms"), rows=-1), Fault("contacts", gone("bms"))],
            [(None, Resolution.NOT_KNOWN)],
        ),
    ],
    ids=["found", "not-found", "not-known"],
)
def test_an_unclear_create_in_bms_is_resolved(path, faults, found):
    written_by(path, plan(created_in_bms(), in_bms=True), bms=FakeBms([], *faults))
    assert resolutions(path) == found


# ----------------------------------------------------------------- lines and the disk


def update(recorder, itglue, contact_id, after) -> None:
    """One recorded write, as the writers make it."""
    row = {"id": contact_id, "before": encode(itglue.there[contact_id], after), "after": after}
    with recorder.record(WriteKind.ITGLUE_UPDATE, [row]) as entry:
        entry.written = [Written(itglue.update_contact(contact_id, after).id)]


def test_a_defect_leaves_the_outcome_open(path):
    recorder = FileJournal(path, HEAD)
    itglue = FakeItGlue([ready(72)])
    itglue.update_contact = lambda *args: 1 / 0
    with pytest.raises(ZeroDivisionError):
        update(recorder, itglue, 72, {"title": "Boss"})
    recorder.close()
    assert kinds(path) == ["journal", "write"]


def test_each_line_is_flushed_before_the_run_goes_on(path, monkeypatch):
    order = []
    monkeypatch.setattr(journal.os, "fsync", lambda file: order.append(len(lines(path))))
    itglue = FakeItGlue([ready(72)])
    send = itglue.update_contact
    itglue.update_contact = lambda *args: (order.append("sent"), send(*args))[1]
    recorder = FileJournal(path, HEAD)
    update(recorder, itglue, 72, {"title": "Boss"})
    recorder.close()
    assert order == [1, 2, "sent", 3]


def test_what_people_wrote_is_readable_in_it(path):
    recorder = FileJournal(path, HEAD)
    update(recorder, FakeItGlue([ready(72)]), 72, {"title": "Büroleitung"})
    recorder.close()
    assert "Büroleitung" in Path(path).read_text(encoding="utf-8")


def test_threads_do_not_come_between_each_others_lines(path):
    recorder = FileJournal(path, HEAD)
    row = {"id": 72, "before": {}, "after": {"title": "x" * 5000}}

    def write():
        with recorder.record(WriteKind.ITGLUE_UPDATE, [row]) as entry:
            entry.written = [Written(72)]

    threads = [threading.Thread(target=write) for dummy in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert sorted(kinds(path)) == ["journal"] + ["outcome"] * 16 + ["write"] * 16
    assert {write.outcome for write in read_journal(path).writes} == {WriteOutcome.DONE}


# -------------------------------------------------------------------------- runs


def test_a_run_reports_each_of_its_writes(tmp_path, path):
    world = World(tmp_path)
    world.run(journal_file=path)
    assert kinds(path)[0] == "journal"
    recorded = read_journal(path)
    assert {key: recorded.head[key] for key in HEAD} == HEAD
    writes = recorded.writes
    assert [write.kind for write in writes][:2] == ["itglue.create", "itglue.update"]
    assert sorted(write.kind for write in writes)[:4] == ["bms.create", "bms.create", "bms.set", "bms.set"]
    assert {write.outcome for write in writes} == {WriteOutcome.DONE}
    assert all(row.id for write in writes for row in write.rows)


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
    first = FileJournal(path, HEAD)
    files = os.listdir("/dev/fd")
    with pytest.raises(InputError, match="Another run is writing"):
        FileJournal(path, HEAD)
    assert os.listdir("/dev/fd") == files
    first.close()
    FileJournal(path, HEAD).close()


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
    reported = {each.user.partition(".")[0]: Row(each) for each in outcome.operations}
    assert reported["bob"].action == "create"
    assert reported["ann"].action in ("failed", "deferred")
    assert "No space left on device" in reported["ann"].said
    assert reported["ann"].failure is None or reported["ann"].failure.service == "journal"
    assert [kind for kind, dummy in world.itglue.writes] == ["create"]
    assert world.bms.created == []
    monkeypatch.undo()
    assert [write.kind for write in read_journal(path).writes] == ["itglue.create"]
    # Room again: the next run goes on in the same file.
    world.run(journal_file=path)
    assert {write.kind for write in read_journal(path).writes} >= {"itglue.create", "itglue.update", "bms.create"}


def test_a_line_that_was_written_in_part_costs_no_later_line(path, monkeypatch):
    recorder = FileJournal(path, HEAD)
    itglue = FakeItGlue([ready(72)])
    send, write, room = itglue.update_contact, os.write, [20]

    def filling(file, data):
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: room.pop()])

    def sent(*args):
        monkeypatch.setattr(journal.os, "write", filling)
        return send(*args)

    itglue.update_contact = sent
    update(recorder, itglue, 72, {"title": "Boss"})
    monkeypatch.undo()
    itglue.update_contact = send
    update(recorder, itglue, 72, {"title": "Clerk"})
    assert [write.outcome for write in read_journal(path).writes] == [WriteOutcome.UNKNOWN, WriteOutcome.DONE]


def test_an_outcome_that_cannot_be_known_does_not_undo_the_write(path, monkeypatch):
    recorder = FileJournal(path, HEAD)
    itglue = FakeItGlue([ready(72)])
    send = itglue.update_contact

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    def sent(*args):
        monkeypatch.setattr(journal.os, "write", full)
        return send(*args)

    itglue.update_contact = sent
    update(recorder, itglue, 72, {"title": "Boss"})
    assert itglue.there[72].title == "Boss"
    with pytest.raises(UnavailableError, match="cannot be written any more"):
        update(recorder, itglue, 72, {"title": "Clerk"})
    assert itglue.there[72].title == "Boss"
    recorder.close()


# ------------------------------------------------------------------------ killed

KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.journal import FileJournal
from tests.unit.engine.builders import ready
from tests.unit.plan.test_journal import update
from tests.unit.sync.fakes import FakeItGlue
itglue = FakeItGlue([ready(72), ready(73)])
journal = FileJournal({path!r}, {head!r})
update(journal, itglue, 72, {{"title": "Boss"}})
itglue.update_contact = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
update(journal, itglue, 73, {{"title": "Clerk"}})
"""


def test_a_run_that_is_killed_leaves_each_write_recorded(path):
    code = KILLED.format(paths=[str(BUILD / "dev"), str(ROOT)], path=path, head=HEAD)
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert kinds(path) == ["journal", "write", "outcome", "write"]
    known, unknown = read_journal(path).writes
    assert (known.rows[0].id, known.outcome) == (72, WriteOutcome.DONE)
    assert (unknown.outcome, unknown.rows[0].after) == (WriteOutcome.UNKNOWN, {"title": "Clerk"})


def torn(path: str, keep: int) -> None:
    """Cut the file off in its last line."""
    content = Path(path).read_bytes().rstrip(b"\n")
    Path(path).write_bytes(content[: content.rindex(b"\n") + 1 + keep])


@pytest.mark.parametrize("keep", [0, 1, 8, 12, 60])
def test_a_line_that_was_not_finished_is_passed_over_and_the_next_run_goes_on(tmp_path, path, keep):
    world = World(tmp_path)
    world.run(journal_file=path)
    whole = read_journal(path).writes
    torn(path, keep)
    cut = read_journal(path).writes
    assert [write.kind for write in cut] == [write.kind for write in whole]
    assert [write.outcome for write in cut].count(WriteOutcome.UNKNOWN) == 1
    before = Path(path).read_bytes()
    world.edit(72, title="Trainee")
    world.run(journal_file=path)
    assert Path(path).read_bytes().startswith(before)
    assert [write.kind for write in read_journal(path).writes] == [*(write.kind for write in whole), "itglue.update"]


def test_a_head_that_was_not_finished_is_no_run(path):
    Path(path).write_text('{"run": "0123', encoding="utf-8")
    with pytest.raises(InputError, match="records no write"):
        read_journal(path)
    recorder = FileJournal(path, HEAD)
    update(recorder, FakeItGlue([ready(72)]), 72, {"title": "Boss"})
    recorder.close()
    assert [write.kind for write in read_journal(path).writes] == ["itglue.update"]


# -------------------------------------------------------------------------- read


def written(path: str, *entries: dict | str) -> None:
    reported = [
        entry if isinstance(entry, str) else json.dumps({"run": "a" * 32, "at": "now", **entry}) for entry in entries
    ]
    Path(path).write_text("".join(f"{line}\n" for line in reported), encoding="utf-8")


START = {"journal": 2, **HEAD}
EMAILS = [{"value": "bob@client.example", "label-name": "Work", "primary": True}]
CREATE = {
    "write": 1,
    "kind": "itglue.create",
    "rows": [{"id": None, "before": {}, "after": {"first-name": "Bob", "contact-emails": EMAILS}}],
}
WRITE = {"write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {"title": None}, "after": {"title": "B"}}]}


def test_the_accounts_are_those_that_runs_have_written_to(path):
    in_bms = {"kind": "bms.set", "rows": [{"id": 90211, "before": {"JobTitle": None}, "after": {"JobTitle": "B"}}]}
    written(
        path,
        START,
        {**WRITE, **in_bms},
        {**START, "run": "b" * 32, "account_id": 2529},
        {**WRITE, **in_bms, "run": "b" * 32},
        {**START, "run": "c" * 32, "account_id": 2530},
        {**WRITE, "run": "c" * 32},
        {**START, "run": "d" * 32, "account_id": 2531, "reverts": True},
        {**WRITE, **in_bms, "run": "d" * 32},
        {**START, "run": "e" * 32, "account_id": None},
        {**WRITE, **in_bms, "run": "e" * 32},
    )
    assert read_journal(path).written_accounts == {2528, 2529}


def test_a_journal_of_several_runs_is_read_in_their_order_without_those_that_reverted(path):
    other = {"run": "b" * 32}
    back = {"run": "c" * 32}
    written(
        path,
        START,
        WRITE,
        {"outcome": 1, "result": "done", "rows": [{"id": 72, "updated_at": None}]},
        {**START, **back, "reverts": True},
        {**WRITE, **back},
        {**START, **other, "account_id": None},
        {**WRITE, **other, "kind": "itglue.delete", "rows": [{"id": 73, "before": {}, "after": {}}]},
    )
    recorded = read_journal(path)
    assert [write.rows[0].id for write in recorded.writes] == [72, 73]
    assert recorded.head["account_id"] == 2528


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
        {"write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {}, "after": {"contact-emails": "x"}}]},
        {"write": 1, "kind": "itglue.update", "rows": [{"id": 72, "before": {"contact-phones": [{}]}, "after": {}}]},
        {"write": 1, "kind": "bms.set", "rows": [{"id": 72, "before": {}, "after": {"title": 1}}]},
        {"write": 1, "kind": "itglue.create", "rows": [{"id": None, "before": {}, "after": {"first-name": "Bob"}}]},
        {"write": 1, "kind": "no.such", "rows": []},
        {"outcome": 7, "result": "done", "rows": []},
        {"resolved": 7, "rows": []},
        {"something": 1},
        {**START, "account_id": "2528"},
        "[" * 100_000,
        '{"run": "' + "a" * 32 + '", "write": ' + "[" * 100_000,
    ],
    ids=lambda entry: str(entry)[:60],
)
def test_a_line_that_cannot_be_understood_is_named(path, entry):
    written(path, START, entry)
    with pytest.raises(InputError, match="Line 2 of the journal file"):
        read_journal(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"outcome": 1, "result": "done", "rows": []},
        {"outcome": 1, "result": "done", "rows": [{"id": 72}, {"id": 73}]},
        {"outcome": 1, "result": "done", "rows": [{"id": True}]},
        {"outcome": 1, "result": "perhaps"},
        {"outcome": 1},
        {"resolved": 1, "rows": [{"row": 1, "found": "not_found"}]},
        {"resolved": 1, "rows": [{"row": 7, "found": "not_found"}]},
        {"resolved": 1, "rows": [{"row": -1, "found": "not_found"}]},
        {"resolved": 1, "rows": [{"row": 0, "found": "found"}]},
        {"resolved": 1, "rows": ["x"]},
        {"read_back": [{"id": "72"}]},
    ],
)
def test_a_line_that_does_not_fit_its_write(path, entry):
    written(path, START, CREATE, entry)
    with pytest.raises(InputError, match="Line 3 of the journal file"):
        read_journal(path)


def test_a_bms_contact_of_another_account_than_the_runs_is_refused(path):
    after = asdict(in_bms(None, "ann@client.example", first="Ann", account_id=1))
    written(path, START, {"write": 1, "kind": "bms.create", "rows": [{"id": None, "before": {}, "after": after}]})
    with pytest.raises(InputError, match="Line 2 of the journal file"):
        read_journal(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"outcome": 1, "result": "done", "rows": [{"id": 72, "updated_at": "2026-01-01T10:00:00.000Z"}]},
        {"resolved": 1, "rows": [{"row": 0, "found": "found", "id": 72, "updated_at": "2026-01-01T10:00:00.000Z"}]},
        {"read_back": [{"id": 72, "updated_at": "2026-01-01T10:00:00.000Z"}]},
    ],
    ids=lambda entry: next(iter(entry)),
)
def test_the_time_of_the_last_change_that_a_run_has_seen_is_read(path, entry):
    written(path, START, CREATE, entry)
    assert read_journal(path).saved_at == {72: "2026-01-01T10:00:00.000Z"}


@pytest.mark.parametrize(
    "wrong",
    [{"emails": "ann@client.example"}, {"phones": [{"number": "4155550100"}]}, {"active": "yes"}, {"location_id": "1"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_bms_contact_that_no_run_has_written_is_refused(path, wrong):
    after = asdict(in_bms(None, "ann@client.example", first="Ann"))
    write = {"write": 1, "kind": "bms.create", "rows": [{"id": None, "before": {}, "after": after}]}
    written(path, START, json.loads(json.dumps(write)))
    assert [each.kind for each in read_journal(path).writes] == ["bms.create"]
    after |= wrong
    written(path, START, write)
    with pytest.raises(InputError, match="Line 2 of the journal file"):
        read_journal(path)


@pytest.mark.parametrize("torn_line", ["", '{"run": "' + "b" * 32])
def test_a_tail_of_nul_bytes_costs_the_last_line_and_the_next_run_goes_on(tmp_path, path, torn_line):
    """What a file system leaves after a crash."""
    world = World(tmp_path)
    world.run(journal_file=path)
    whole = read_journal(path)
    with open(path, "ab") as file:
        file.write(torn_line.encode() + b"\0" * 4096)
    assert read_journal(path).writes == whole.writes
    world.edit(72, title="Trainee")
    world.run(journal_file=path)
    assert [write.kind for write in read_journal(path).writes] == [
        *(write.kind for write in whole.writes),
        "itglue.update",
    ]


@pytest.mark.parametrize("place", ["link", "pipe", "folder"])
def test_only_a_regular_file_is_read(tmp_path, path, place):
    World(tmp_path).run(journal_file=path)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="journal file .* cannot be read: it is no regular file"):
        read_journal(str(tmp_path / place))


@pytest.mark.parametrize("content", ["", "\n", "export PATH=/bin\n"])
def test_what_is_no_journal(path, content):
    Path(path).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"records no write|cannot be understood"):
        read_journal(path)


def test_a_write_before_any_head_is_no_journal(path):
    written(path, WRITE)
    with pytest.raises(InputError, match="Line 1"):
        read_journal(path)


def test_another_format_several_organizations_and_no_file(path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_journal(path)
    for version in (VERSION - 1, VERSION + 1):
        written(path, {**START, "journal": version})
        with pytest.raises(InputError, match=f"has the format {version}; this version reads 2"):
            read_journal(path)
    written(path, START, {**START, "run": "b" * 32, "organization": {"id": 2, "name": "Other"}})
    with pytest.raises(InputError, match="is about several organizations"):
        read_journal(path)

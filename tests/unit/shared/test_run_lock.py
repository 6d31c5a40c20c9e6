# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time on an organization, and when to go on after a quota was used up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.result import resume_after
from ansible_collections.msp.psa_sync.plugins.module_utils._clients import lock
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.lock import LockError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    QuotaExceededError,
    SyncError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    BmsContact,
    Contact,
    Email,
    Organization,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Plan,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import revert as reverting
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.outcomes import resume_at
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run_lock import RunLock
from tests.unit.sync.running import Row, carried_out

ONE, OTHER = Organization(1, "One"), Organization(2, "Other")
HERE = "https://itglue.example"


def test_the_second_comes_too_late_and_the_third_after_the_first(tmp_path):
    with RunLock(HERE) as first, RunLock(HERE) as second:
        first.acquire(ONE)
        second.acquire(ONE)
        assert (first.busy, second.busy) == (False, True)
    with RunLock(HERE) as third:
        third.acquire(ONE)
        assert third.busy is False


@pytest.mark.parametrize(("service", "organization"), [(HERE, OTHER), ("https://itglue.example.eu", ONE)])
def test_each_organization_is_apart(service, organization):
    with RunLock(HERE) as first, RunLock(service) as second:
        first.acquire(ONE)
        second.acquire(organization)
        assert second.busy is False


def test_a_preview_takes_nothing_and_sees_nothing():
    with RunLock(HERE, needed=False) as preview, RunLock(HERE) as real, RunLock(HERE, needed=False) as late:
        preview.acquire(ONE)
        real.acquire(ONE)
        late.acquire(ONE)
        assert not (preview.busy or real.busy or late.busy)


def test_it_is_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), RunLock(HERE) as first:
        first.acquire(ONE)
        raise ZeroDivisionError
    with RunLock(HERE) as second:
        second.acquire(ONE)
        assert second.busy is False


def test_where_nobody_can_take_it_the_run_ends_before_it_reads(monkeypatch):
    def refuse(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with RunLock(HERE) as lock_of_run, pytest.raises(LockError, match="does not lock files"):
        lock_of_run.acquire(ONE)


HOLDER = """
import time
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Organization
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run_lock import RunLock
with RunLock("https://itglue.example") as run_lock:
    run_lock.acquire(Organization(1, "One"))
    print("taken", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(private_directory):
    """Another process that is at work on the organization."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "XDG_RUNTIME_DIR": str(private_directory)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.wait()


def test_a_run_that_is_stopped_is_named(other):
    """Nobody waits for it: what is to be written is deferred."""
    os.kill(other.pid, signal.SIGSTOP)
    os.waitpid(other.pid, os.WUNTRACED)
    with RunLock(HERE) as late:
        late.acquire(ONE)
    assert (late.busy, late.stopped) == (True, other.pid)
    assert late.reason == Reason(ReasonCode.RUN_LOCK_STOPPED, {"process": other.pid})
    assert f"kill -CONT {other.pid}" in late.busy_message


def test_a_run_that_is_killed_leaves_the_organization_free(other):
    with RunLock(HERE) as late:
        late.acquire(ONE)
        assert late.busy is True
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with RunLock(HERE) as next_run:
        next_run.acquire(ONE)
        assert next_run.busy is False


# ---------------------------------------------------------------------- put off


BEFORE, AFTER = {"title": None}, {"title": "x"}
TITLE = {"JobTitle": "Boss"}


def operation(action: Action, push: Push | None = None, before=(), after=(), *, user: str = "jo", **in_bms):
    """What is to be written of Jo; `fields` are set in BMS, and `create` is created there."""
    wanted = Contact(0, "Jo", emails=(Email("jo@client.example", primary=True),))
    part = ItGluePart(action, None, dict(before), dict(after), wanted)
    fields = in_bms.pop("fields", {})
    bms = BmsPart(push, before=dict.fromkeys(fields), after=fields, **in_bms)
    return Operation(UserSubject(f"{user}@client.example", user), part, bms)


def deferred(planned: Operation) -> Operation:
    return planned.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=RunLock(HERE).reason)


@pytest.mark.parametrize(
    ("planned", "action", "push"),
    [
        (operation(Action.CREATE, Push.PUSHED, after=AFTER), "deferred", "deferred"),
        (operation(Action.UPDATE, Push.ALREADY_IN_BMS, BEFORE, AFTER), "deferred", "already_in_bms"),
        (operation(Action.UPDATE, Push.NOT_READY, after=AFTER), "deferred", "not_ready"),
        (operation(Action.UNCHANGED, Push.PUSHED), "unchanged", "deferred"),
        (operation(Action.UNCHANGED, Push.PENDING), "unchanged", "deferred"),
        (operation(Action.UNCHANGED, Push.ALREADY_IN_BMS, fields=TITLE), "unchanged", "deferred"),
        (operation(Action.LINKED, fields=TITLE), "linked", "deferred"),
    ],
)
def test_what_would_be_written_is_deferred(planned, action, push):
    late = deferred(planned)
    assert (late.itglue.action, late.bms.push) == (action, push)
    assert [each.code for each in late.reasons] == ["run_lock_busy"]
    assert not late.writes
    assert late.noteworthy


@pytest.mark.parametrize(
    ("action", "push"),
    [
        (Action.UNCHANGED, Push.ALREADY_IN_BMS),
        (Action.LINKED, None),
        (Action.EXCLUDED, None),
        (Action.CONFLICT, Push.OFF),
    ],
)
def test_what_would_not_be_written_stays(action, push):
    planned = operation(action, push).because(Reason(ReasonCode.NO_ADDRESS))
    assert deferred(planned) == planned


def test_nothing_is_reverted_while_another_run_writes(monkeypatch):
    monkeypatch.setattr(reverting, "read_journal", lambda path: SimpleNamespace(organization_id=1))
    clients = SimpleNamespace(itglue=SimpleNamespace(base_url=HERE, organization=lambda ident: ONE))
    with RunLock(HERE) as other, pytest.raises(SyncError, match="nothing was reverted. Another run on this control"):
        other.acquire(ONE)
        reverting.revert(clients, None, "1", "journal", preview=False, version="")


# ---------------------------------------------------------------------- resume


def used_up(seconds: float | None, service: str = "bms") -> QuotaExceededError:
    return QuotaExceededError("The quota is used up.", service=service, retry_after=seconds)


def test_a_quota_is_there_again_after_the_wait():
    assert resume_at(used_up(90)) == pytest.approx(time.time() + 90, abs=5)
    assert resume_at(used_up(None)) is None
    assert resume_at(UnavailableError("gone", service="bms")) is None
    assert resume_at(None) is None


@pytest.mark.parametrize(("due", "seconds"), [(None, None), (-5, 0), (90, 90)])
def test_the_result_says_how_long_that_is_from_now(due, seconds):
    run = SimpleNamespace(resume_at=None if due is None else time.time() + due)
    assert resume_after(run) == (seconds if seconds is None else pytest.approx(seconds, abs=5))


class Service:
    """Takes so many creates, then has no quota left for so long."""

    def __init__(self, room: int, wait: float) -> None:
        self.room, self.wait, self.asked = room, wait, 0

    def create_contact(self, contact) -> int:
        self.asked += 1
        if self.asked > self.room:
            raise used_up(self.wait)
        return 900 + self.asked

    def create_contacts(self, organization_id, rows):
        raise used_up(self.wait, "itglue")


def pushes(count: int) -> tuple[Operation, ...]:
    contact = BmsContact(0, 7, 8, "Jo", "Smith", None, True, (), ())
    users = (f"user{each}" for each in range(count))
    return tuple(operation(Action.UNCHANGED, Push.PUSHED, user=each, create=contact) for each in users)


def test_the_writer_asks_no_more_than_it_must_and_remembers_when_to_go_on():
    bms = Service(room=3, wait=1200)
    outcomes = carried_out(Plan(pushes(200), account=Account(7, "One")), None, bms, ())
    done = list(map(Row, outcomes))
    assert [each.push for each in done].count("pushed") == 3
    late = [each for each in done if each.push == "deferred"]
    assert len(late) == 197
    assert all("The quota is used up." in each.said for each in late)
    assert bms.asked < 3 + 16  # those that were under way
    assert outcomes.resume_at == pytest.approx(time.time() + 1200, abs=5)


def test_of_two_quotas_the_later_one_counts():
    create = operation(Action.CREATE, after={"first-name": "Jo"}, user="new")
    plan = Plan((create, *pushes(2)), account=Account(7, "One"))
    outcomes = carried_out(plan, Service(0, 250), Service(0, 1200), ())
    done = [(each.action, each.push) for each in map(Row, outcomes)]
    assert done == [("deferred", None)] + [("unchanged", "deferred")] * 2
    assert outcomes.resume_at == pytest.approx(time.time() + 1200, abs=5)

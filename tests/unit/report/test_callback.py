# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback: what it takes from Ansible's events, and that it never stands in a run's way."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.callback.sync_report import CallbackModule
from tests.tools.report_samples import OFFICE365, SYNC, happy_frog


class Task:
    def __init__(self, action: str = SYNC, *, uuid: str = "1", ignore_unreachable: bool = False) -> None:
        self.action, self.resolved_action, self._uuid = "contact_sync", action, uuid
        self.ignore_unreachable = ignore_unreachable

    def get_name(self) -> str:
        return f"task {self._uuid}"


def outcome(result: dict, task: Task | None = None, host: str = "frog", modern: bool = True, **fields):
    """A result as ansible-core hands it to callbacks, since 2.19 or before."""
    names = ("host", "task", "result", "task_fields") if modern else ("_host", "_task", "_result", "_task_fields")
    values = (SimpleNamespace(get_name=lambda: host), task or Task(), result, fields)
    return SimpleNamespace(**dict(zip(names, values, strict=True)))


def stats(*failed: str):
    return SimpleNamespace(failures=dict.fromkeys(failed, 1), dark={})


@pytest.fixture
def callback(tmp_path, monkeypatch):
    monkeypatch.setattr("atexit.register", lambda function: None)
    made = CallbackModule()
    given = {"output_directory": str(tmp_path / "out"), "formats": ["json"], "progress": True}
    options = {"file_name": "it", "title": "Title", "markdown_limit": 65536} | given
    monkeypatch.setattr(made, "get_option", options.__getitem__)
    made.options = options
    made.said = []
    display = SimpleNamespace(display=made.said.append, warning=lambda text: made.said.append(f"WARNING {text}"))
    monkeypatch.setattr(made, "_display", display)
    made.path = tmp_path / "out" / "it.json"
    made.v2_playbook_on_start(SimpleNamespace(_file_name="/somewhere/sync.yml"))
    return made


def runs(callback) -> list[dict]:
    return [run for tenant in json.loads(callback.path.read_text())["tenants"] for run in tenant["runs"]]


@pytest.mark.parametrize("modern", [True, False])
def test_results_of_both_ages_of_ansible(callback, modern):
    callback.v2_runner_on_ok(outcome(happy_frog(), modern=modern, check_mode=True, name="Sync"))
    callback.v2_playbook_on_stats(stats())
    (run,) = runs(callback)
    assert (run["status"], run["preview"], run["task"], run["host"]) == ("changed", True, "Sync", "frog")
    assert len(run["contacts"]) == 6
    assert json.loads(callback.path.read_text())["playbooks"] == ["sync.yml"]


def test_other_modules_are_not_looked_at(callback):
    callback.v2_runner_on_ok(outcome({"stdout": "s3cret"}, Task("ansible.builtin.command")))
    callback.v2_playbook_on_stats(stats())
    assert not callback.path.exists()
    assert callback.said == []


def test_a_host_that_fails_before_its_sync_is_named(callback):
    callback.v2_runner_on_failed(outcome({"msg": "s3cret"}, Task("ansible.builtin.assert"), host="early"))
    callback.v2_runner_on_failed(outcome({"msg": "s3cret"}, Task("ansible.builtin.uri"), host="rescued"))
    callback.v2_runner_on_ok(outcome(happy_frog()))
    callback.v2_playbook_on_stats(stats("early"))
    assert [(run["host"], run["status"]) for run in runs(callback)] == [("early", "failed"), ("frog", "changed")]
    assert "s3cret" not in callback.path.read_text()


def playbook(*tasks, roles=()):
    """A playbook of one play, as Ansible has loaded it."""
    play = SimpleNamespace(pre_tasks=[], tasks=list(tasks), post_tasks=[], roles=list(roles))
    return SimpleNamespace(_file_name="it.yml", get_plays=lambda: [play])


def block(*tasks):
    return SimpleNamespace(block=list(tasks), rescue=[], always=[])


def role(*tasks, needs=()):
    return SimpleNamespace(get_all_dependencies=lambda: list(needs), get_task_blocks=lambda: [block(*tasks)])


FAIL = Task("ansible.builtin.fail")


@pytest.mark.parametrize(
    ("run", "reported"),
    [
        (playbook(FAIL), False),
        (playbook(block(FAIL), roles=[role(FAIL)]), False),
        (playbook(FAIL, Task()), True),
        (playbook(block(block(Task()))), True),
        (playbook(FAIL, roles=[role(Task())]), True),
        (playbook(roles=[role(FAIL, needs=[role(Task())])]), True),
        (playbook(Task("ansible.builtin.include_tasks")), True),
        (playbook(Task("{{ module }}")), True),
    ],
)
def test_a_failure_of_a_playbook_without_a_sync_replaces_no_report(tmp_path, monkeypatch, run, reported):
    monkeypatch.setattr("atexit.register", lambda function: None)
    made = CallbackModule()
    options = {"output_directory": str(tmp_path), "formats": ["json"], "progress": True, "file_name": "it"}
    monkeypatch.setattr(made, "get_option", (options | {"title": "Title", "markdown_limit": 65536}).__getitem__)
    made.v2_playbook_on_start(run)
    made.v2_runner_on_failed(outcome({"msg": "no"}, FAIL, host="early"))
    made.v2_playbook_on_stats(stats("early"))
    assert (tmp_path / "it.json").exists() is reported


def test_what_fails_after_the_sync_of_a_host_is_not_reported_as_its_failure(callback):
    """Such as the check for drift, which fails because of what the report shows."""
    callback.v2_runner_on_ok(outcome(happy_frog()))
    callback.v2_runner_on_failed(outcome({"msg": "Drift"}, Task("ansible.builtin.assert", uuid="2")))
    callback.v2_playbook_on_stats(stats("frog"))
    assert [(run["host"], run["status"]) for run in runs(callback)] == [("frog", "changed")]


STARTED = {"ansible_job_id": "j1", "started": 1, "finished": 0, "changed": True}
STATUS = Task("ansible.builtin.async_status", uuid="2")


def test_a_task_in_the_background_is_reported_with_the_result_that_comes_later(callback):
    callback.v2_runner_on_ok(outcome(STARTED, name="Sync"))
    callback.v2_runner_on_ok(outcome({"ansible_job_id": "j1", "finished": 0}, STATUS))
    callback.v2_runner_on_ok(outcome({**happy_frog(), "ansible_job_id": "j1", "finished": 1}, STATUS))
    callback.v2_playbook_on_stats(stats())
    (run,) = runs(callback)
    assert (run["task"], run["action"], run["status"]) == ("Sync", SYNC, "changed")
    assert run["summary"]["actions"]


def test_a_task_that_fails_in_the_background_is_reported_as_failed(callback):
    callback.v2_runner_on_ok(outcome(STARTED))
    failed = {"msg": "No such tenant.", "ansible_job_id": "j1", "finished": 1, "failed": True}
    callback.v2_runner_on_failed(outcome(failed, STATUS))
    callback.v2_playbook_on_stats(stats("frog"))
    assert [(run["status"], run["message"]) for run in runs(callback)] == [("failed", "No such tenant.")]


def test_the_items_of_a_loop_may_be_jobs(callback):
    for job in ("j1", "j2"):
        callback.v2_runner_item_on_ok(outcome({**STARTED, "ansible_job_id": job, "_ansible_item_label": job}))
    callback.v2_runner_on_ok(outcome({"results": [], "changed": True}))
    done = {"ansible_job_id": "j2", "finished": True, "changed": False}
    callback.v2_runner_item_on_ok(outcome(done, STATUS))
    callback.v2_playbook_on_stats(stats())
    assert {run["item"]: run["status"] for run in runs(callback)} == {"j1": "failed", "j2": "ok"}


def test_a_task_that_nobody_waited_for_is_not_reported_as_done(callback):
    callback.v2_runner_on_ok(outcome(STARTED))
    callback.v2_runner_on_failed(outcome({"msg": "other"}, Task("ansible.builtin.fail", uuid="3")))
    callback.v2_playbook_on_stats(stats("frog"))
    (run,) = runs(callback)
    assert run["status"] == "failed"
    assert "in the background" in run["message"]


def test_an_attempt_that_wrote_is_reported_beside_the_last_one(callback):
    callback.v2_runner_retry(outcome(happy_frog()))
    callback.v2_runner_retry(outcome({**happy_frog(), "changed": False}))
    callback.v2_runner_on_ok(outcome({**happy_frog(), "changed": False}))
    callback.v2_playbook_on_stats(stats())
    assert [run["status"] for run in runs(callback)] == ["changed", "ok"]


def test_a_failure_keeps_its_result(callback):
    callback.v2_runner_on_failed(outcome({**happy_frog(), "msg": "passes a ceiling"}))
    callback.v2_runner_on_unreachable(outcome({"msg": "no route"}, Task(uuid="2")))
    callback.v2_runner_on_failed(outcome({"msg": "never mind"}, Task(uuid="3")), ignore_errors=True)
    callback.v2_playbook_on_stats(stats("frog"))
    first, second, third = runs(callback)
    assert (first["status"], first["message"], len(first["contacts"])) == ("failed", "passes a ceiling", 6)
    assert (second["status"], second["ignored"]) == ("unreachable", False)
    assert (third["status"], third["ignored"]) == ("failed", True)


@pytest.mark.parametrize("kept", [{}, {"warnings": ["s3cret"], "exception": "s3cret"}])
def test_hidden_results_stay_hidden(callback, kept):
    result = {"censored": "the output has been hidden", "changed": True, "_ansible_item_label": "s3cret", **kept}
    callback.v2_runner_on_ok(outcome(result, args={"organization": "s3cret"}))
    callback.v2_playbook_on_stats(stats())
    (run,) = runs(callback)
    assert run["status"] == "hidden"
    assert "s3cret" not in callback.path.read_text()


def test_of_the_arguments_only_the_organization_is_taken(callback):
    fields = {"args": {"organization": "Gamma", "itglue_api_key": "s3cret"}, "environment": ["s3cret"]}
    callback.v2_runner_on_failed(outcome({"msg": "No."}, **fields))
    callback.v2_playbook_on_stats(stats())
    assert json.loads(callback.path.read_text())["tenants"][0]["name"] == "Gamma"
    assert "s3cret" not in callback.path.read_text()


def test_a_loop_is_taken_item_by_item(callback):
    done = {**happy_frog(), "_ansible_item_label": "Happy Frog"}
    callback.v2_runner_item_on_ok(outcome(done))
    callback.v2_runner_item_on_failed(outcome({"msg": "No.", "_ansible_item_label": "Acme"}))
    callback.v2_runner_on_failed(outcome({"results": [], "msg": "One or more items failed"}))
    callback.v2_playbook_on_stats(stats("frog"))
    assert [(run["item"], run["status"]) for run in runs(callback)] == [("Acme", "failed"), ("Happy Frog", "changed")]


def test_a_templated_action_is_not_asked_for_its_name_before_it_has_one(callback):
    class Templated(Task):
        @property
        def resolved_action(self):
            raise AssertionError("Ansible warns of this")

        @resolved_action.setter
        def resolved_action(self, name):
            self.action = "{{ what }}"

    callback.v2_runner_on_start(SimpleNamespace(get_name=lambda: "frog"), Templated())
    assert callback.said == []


def test_the_report_of_several_playbooks_is_one(callback):
    callback.v2_runner_on_ok(outcome({"changed": False, "organization": {"id": 2, "name": "A"}}, Task(OFFICE365)))
    callback.v2_playbook_on_stats(stats())
    callback.v2_playbook_on_start(SimpleNamespace(_file_name="second.yml"))
    callback.v2_runner_on_ok(outcome(happy_frog(), Task(uuid="2")))
    callback.v2_playbook_on_stats(stats())
    written = json.loads(callback.path.read_text())
    assert len(runs(callback)) == 2
    assert written["playbooks"] == ["sync.yml", "second.yml"]
    assert written["complete"] is True


def test_an_interrupted_run_is_reported(callback):
    callback.v2_runner_on_ok(outcome(happy_frog()))
    callback._at_exit()
    assert json.loads(callback.path.read_text())["complete"] is False


def test_a_run_that_reached_no_client_replaces_the_report_of_an_earlier_one(callback):
    """As where the inventory cannot be read: whoever reads the report must not see that all was well once."""
    callback.path.parent.mkdir()
    callback.path.write_text('{"complete": true}')
    callback._at_exit()
    written = json.loads(callback.path.read_text())
    assert (written["complete"], written["tenants"], written["playbooks"]) == (False, [], ["sync.yml"])


@pytest.mark.parametrize("first", [[], [happy_frog()]])
def test_a_second_playbook_that_reached_no_client_is_reported(callback, first):
    for result in first:
        callback.v2_runner_on_ok(outcome(result))
    callback.v2_playbook_on_stats(stats())
    callback.v2_playbook_on_start(SimpleNamespace(_file_name="second.yml"))
    callback._at_exit()
    written = json.loads(callback.path.read_text())
    assert (written["complete"], len(written["tenants"])) == (False, len(first))


@pytest.mark.parametrize("ended", [True, False])
def test_a_playbook_that_syncs_nobody_leaves_the_report_as_it_is(callback, ended):
    callback.v2_playbook_on_start(playbook(FAIL))
    if ended:
        callback.v2_playbook_on_stats(stats())
    callback._at_exit()
    assert not callback.path.exists()


def test_a_worker_that_ends_reports_nothing(callback, monkeypatch):
    callback.v2_runner_on_ok(outcome(happy_frog()))
    monkeypatch.setattr(callback, "_process", -1)
    callback._at_exit()
    assert not callback.path.exists()


def test_a_directory_that_cannot_be_written_fails_nothing(callback, tmp_path):
    (tmp_path / "file").write_text("")
    callback.options["output_directory"] = str(tmp_path / "file" / "below")
    callback.v2_runner_on_ok(outcome(happy_frog()))
    callback.v2_playbook_on_stats(stats())
    assert [each.startswith("WARNING The callback") for each in callback.said] == [True]


def test_an_event_that_is_not_as_it_should_be_fails_nothing(callback):
    callback.v2_runner_on_ok(SimpleNamespace())
    callback.v2_runner_on_start(None, None)
    assert [each.startswith("WARNING The callback") for each in callback.said] == [True]


def test_the_names_of_the_files_are_reported(callback):
    callback.options["formats"] = ["html", "markdown", "json", "junit"]
    callback.v2_runner_on_ok(outcome(happy_frog()))
    callback.v2_playbook_on_stats(stats())
    endings = sorted(each.name for each in callback.path.parent.iterdir())
    assert endings == ["it.html", "it.json", "it.junit.xml", "it.md"]
    assert all(name in callback.said[-1] for name in endings)

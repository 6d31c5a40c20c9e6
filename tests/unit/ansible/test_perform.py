# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`perform`: whatever `run` does, one result comes of it, and nothing secret is in what it says."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.masking import Secrets
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.perform import Circumstances, perform
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.spec import ModuleSpec
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import RejectedError, SyncError

TOKEN = "token-of-this-run"
SPEC = ModuleSpec(options={}, libraries=("json",))


def outcome(run, *, spec=SPEC, **around):
    return perform(spec, run, {}, Secrets(), Circumstances(**around))


def test_the_task_says_how_it_runs():
    seen = []

    outcome(lambda params, task: seen.append(task) or {}, check_mode=True)

    assert seen[0].check_mode


def test_a_result_is_returned_as_plain_data():
    assert outcome(lambda params, task: {"changed": True, "rows": ({"a": {1}},)}).result == {
        "changed": True,
        "rows": [{"a": [1]}],
    }


def test_a_result_that_is_no_plain_data_is_a_failure():
    result = outcome(lambda params, task: {"thing": object()}).result

    assert result["failed"] is True
    assert "a value of type object is not plain data" in result["msg"]


def test_a_failure_keeps_its_result():
    def run(params, task):
        raise SyncError("Stopped.", hint="Go on.", result={"changed": True, "done": (1,)})

    assert outcome(run).result == {
        "changed": True,
        "done": [1],
        "failed": True,
        "msg": "Stopped. Go on.",
        "failure": {"code": "failed", "service": None, "status": None, "said": ""},
    }


def test_a_failure_has_a_code_and_the_message_of_the_service():
    def run(params, task):
        raise RejectedError("Refused.", service="bms", status=422, said="No\n::error::" + TOKEN)

    failure = outcome(run).result["failure"]
    assert failure == {"code": "rejected", "service": "bms", "status": 422, "said": f"No : :error::{TOKEN}"}


def test_a_defect_has_a_code_too():
    def run(params, task):
        raise ValueError("Oh.")

    assert outcome(run).result["failure"]["code"] == "defect"


def test_a_failure_without_result_has_changed_nothing():
    def run(params, task):
        raise SyncError("Stopped.")

    result = outcome(run).result
    assert {name: result[name] for name in ("changed", "failed", "msg")} == {
        "changed": False,
        "failed": True,
        "msg": "Stopped.",
    }


def test_a_failure_is_reported_even_when_its_result_is_no_plain_data():
    def run(params, task):
        raise SyncError("Stopped.", result={"changed": True, "thing": object()})

    result = outcome(run).result

    assert result["failed"] is True
    assert result["msg"].startswith("Stopped. (The result could not be kept")


def test_run_time_secrets_are_masked_in_message_and_warnings_also_when_learnt_later():
    def run(params, task):
        task.warn(f"seen {TOKEN}")
        task.secret(TOKEN)
        raise SyncError(f"refused {TOKEN}")

    ended = outcome(run)

    assert ended.warnings == ("seen ********",)
    assert ended.result["msg"] == "refused ********"


@pytest.mark.parametrize(("verbosity", "shown"), [(0, False), (2, False), (3, True)])
def test_a_defect_is_reported_by_type_and_masked(verbosity, shown):
    def run(params, task):
        task.secret(TOKEN)
        try:
            raise ValueError(f"cause {TOKEN}")
        except ValueError as cause:
            raise KeyError(f"effect {TOKEN}") from cause

    result = outcome(run, verbosity=verbosity).result

    assert result["failed"] is True
    assert result["msg"].startswith("Unexpected KeyError: 'effect ********'")
    assert ("exception" in result) is shown
    if shown:
        assert "cause ********" in result["exception"]
        assert "Traceback" in result["exception"]
    assert TOKEN not in repr(result)


def test_an_interruption_is_not_held_up():
    class TimedOut(BaseException):
        pass

    def run(params, task):
        raise TimedOut

    with pytest.raises(TimedOut):
        outcome(run)


def test_warnings_are_reported_once_and_in_order():
    def run(params, task):
        task.warn("b")
        task.warn("a")
        task.warn("b")
        return {}

    assert outcome(run).warnings == ("b", "a")


def test_progress_is_masked():
    lines = []

    def run(params, task):
        task.secret(TOKEN)
        task.progress(f"with {TOKEN}")
        return {}

    outcome(run, show=lines.append)

    assert lines == ["with ********"]


def test_no_log_silences_progress_and_warnings():
    lines = []

    def run(params, task):
        task.progress("line")
        task.warn("warning")
        return {}

    ended = outcome(run, show=lines.append, no_log=True)

    assert lines == []
    assert ended.warnings == ()


def test_a_missing_library_is_named_with_the_interpreter_before_anything_runs():
    import sys

    called = []
    spec = ModuleSpec(options={}, libraries=("json", "no_such_library_of_ours"))

    result = outcome(lambda params, task: called.append(1) or {}, spec=spec).result

    assert called == []
    assert result["failed"] is True
    assert "no_such_library_of_ours" in result["msg"]
    assert sys.executable in result["msg"]
    assert "json" not in result["msg"]


# ---------------------------------------------------------------- text of others

HOSTILE = "Ann\x1b[31m\r\n::error::x ##vso[task.setvariable variable=X]y"
HARMLESS = "Ann [31m : :error::x # #vso[task.setvariable variable=X]y"


def test_what_is_shown_at_once_is_one_line_without_commands_to_a_runner():
    shown, logged = [], []

    def run(params, task):
        task.progress(HOSTILE)
        task.log(3, HOSTILE)
        task.log(4, "too much")
        task.warn(HOSTILE)
        return {}

    warnings = outcome(run, show=shown.append, log=lambda *line: logged.append(line), verbosity=3).warnings

    assert (shown, logged, warnings) == ([HARMLESS], [(3, HARMLESS)], (HARMLESS,))


def test_nothing_is_logged_of_a_task_with_no_log():
    logged = []

    outcome(
        lambda params, task: task.log(1, "x") or {}, log=lambda *line: logged.append(line), verbosity=3, no_log=True
    )

    assert logged == []


def test_a_message_keeps_its_lines_and_holds_no_command_to_a_runner():
    def run(params, task):
        raise SyncError(f"Stopped.\n{HOSTILE}")

    message = outcome(run).result["msg"]

    assert message == "Stopped.\nAnn [31m \n: :error::x # #vso[task.setvariable variable=X]y"


def test_a_result_and_its_difference_hold_no_command_to_a_runner():
    result = outcome(
        lambda params, task: {
            "contacts": [{"name": HOSTILE}],
            "diff": {"before": HOSTILE, "after": {HOSTILE: [HOSTILE, 1]}},
        }
    ).result

    assert result["contacts"] == [{"name": HOSTILE.replace("::e", ": :e").replace("##", "# #")}]
    several_lines = HARMLESS.replace("[31m ", "[31m \n")
    assert result["diff"] == {"before": several_lines, "after": {several_lines: [several_lines, 1]}}

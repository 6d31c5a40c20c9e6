# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: sync_report
type: aggregate
short_description: Report of a run over all clients, and progress while it runs
version_added: 1.0.0
author:
  - The msp.psa_sync authors (@msp-psa-sync)
description:
  - Writes one report of all clients of a run. It is an HTML page that a browser shows without a network, a Markdown
    file that fits into a comment on a pull request and into the summary of a CI job, a JSON file, a CSV file for a
    spreadsheet, and JUnit XML on request.
  - It collects the results of M(msp.psa_sync.contact_sync), M(msp.psa_sync.office365_sync_settings) and
    M(msp.psa_sync.bms_sync_settings), in check mode and for real, whatever the tasks are called. Hosts that failed
    before they were synced are named too. A run that ends before it reaches a client, as where the inventory cannot be
    read, leaves a report that says so.
  - Results of tasks with C(no_log) are not in the report, which says so. Secrets are not in it either. Names,
    addresses and phone numbers of people are, so that the files are readable by their owner alone.
  - While tasks run in the controller's process, that is with C(connection=local), their progress is shown as lines,
    without this callback too. O(progress) turns them off.
  - The JSON file is described by C(plugins/plugin_utils/_report/assets/report.schema.json) of the collection.
requirements:
  - enabling in the configuration, as C(callbacks_enabled = msp.psa_sync.sync_report), or with
    E(ANSIBLE_CALLBACKS_ENABLED)
options:
  output_directory:
    description: The directory that the report is written to. It is made where it is missing.
    type: path
    default: sync_report
    env:
      - name: MSP_PSA_SYNC_REPORT_DIRECTORY
    ini:
      - section: callback_sync_report
        key: output_directory
  file_name:
    description:
      - The name of the files without their endings, which are C(.html), C(.md), C(.json), C(.csv) and C(.junit.xml).
    type: str
    default: sync_report
    env:
      - name: MSP_PSA_SYNC_REPORT_NAME
    ini:
      - section: callback_sync_report
        key: file_name
  formats:
    description: The forms that the report is written in.
    type: list
    elements: str
    choices: [html, markdown, json, csv, junit]
    default: [html, markdown, json, csv]
    env:
      - name: MSP_PSA_SYNC_REPORT_FORMATS
    ini:
      - section: callback_sync_report
        key: formats
  title:
    description: The title of the report.
    type: str
    default: Contact sync
    env:
      - name: MSP_PSA_SYNC_REPORT_TITLE
    ini:
      - section: callback_sync_report
        key: title
  markdown_limit:
    description:
      - The most characters that the Markdown file may have. It names what it omits.
      - The default is what fits into a comment on GitHub. Less than C(4000) counts as C(4000).
    type: int
    default: 65536
    env:
      - name: MSP_PSA_SYNC_REPORT_MARKDOWN_LIMIT
    ini:
      - section: callback_sync_report
        key: markdown_limit
  progress:
    description:
      - Whether lines show the progress of a task. Tasks with C(no_log) show none.
    type: bool
    default: true
    env:
      - name: MSP_PSA_SYNC_PROGRESS
    ini:
      - section: callback_sync_report
        key: progress
"""

EXAMPLES = r"""
# ansible.cfg
#
# [defaults]
# callbacks_enabled = msp.psa_sync.sync_report
#
# [callback_sync_report]
# output_directory = reports
# formats = html, markdown, json, csv, junit
"""

import atexit
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from functools import wraps
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.plain import plain, plain_dict
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.task import VERSION
from ansible_collections.msp.psa_sync.plugins.plugin_utils import progress
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report import collecting
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.formats import FORMATS, write
from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.labels import one_line

SHORTEST_MARKDOWN = 4000
IN_BACKGROUND = (
    "The task went on in the background, so its result is not known here. "
    "Wait for it with ansible.builtin.async_status in the same playbook."
)


def _harmless(method: Callable) -> Callable:
    """The method; its failure costs the report or the progress, never the run."""

    @wraps(method)
    def guarded(self, *given, **keywords):
        try:
            return method(self, *given, **keywords)
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.complain(f"{type(error).__name__}: {error}")

    return guarded


class CallbackModule(CallbackBase):
    """Collects results while the run goes on, and writes the report when a playbook ends."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "msp.psa_sync.sync_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *given, **keywords) -> None:
        super().__init__(*given, **keywords)
        self._events: list[collecting.Event] = []
        self._elsewhere: dict[str, collecting.Event] = {}
        # Tasks with `poll: 0` whose results have not come yet, by host and job.
        self._jobs: dict[tuple[str, str], collecting.Event] = {}
        self._with_items: set[tuple[str, str]] = set()
        self._since: dict[tuple[str, str], float] = {}
        self._playbooks: list[str] = []
        self._may_sync = False
        self._is_open = False  # a playbook that may sync has begun, and has not ended
        self._started = self._began = None
        self._written = 0
        self._complained = False
        self._process = os.getpid()

    def complain(self, message: str) -> None:
        """Warn once that the callback does not work."""
        if not self._complained:
            self._complained = True
            self._display.warning(f"The callback {self.CALLBACK_NAME} failed, and the run goes on: {one_line(message)}")

    # -------------------------------------------------------------- the run

    @_harmless
    def v2_playbook_on_start(self, playbook) -> None:
        name = Path(str(getattr(playbook, "_file_name", "") or "")).name
        if name and name not in self._playbooks:
            self._playbooks.append(name)
        if self._started is None:
            self._started, self._began = _now(), time.monotonic()
            progress.choose(self.get_option("progress"))
            atexit.register(self._at_exit)
        self._is_open = _may_sync(playbook)
        self._may_sync = self._may_sync or self._is_open

    @_harmless
    def v2_playbook_on_stats(self, stats) -> None:
        # A failure of notify, preflight or an unrelated playbook must not replace the report of the last sync.
        for host in [*stats.failures, *stats.dark] if self._may_sync else []:
            if event := self._elsewhere.pop(host, None):
                self._events.append(event)
        self._elsewhere.clear()
        self._is_open = False
        self._write(complete=True)

    def _at_exit(self) -> None:
        """End with the run, which may have been interrupted. A worker does nothing here.

        A run that ended before it reached a client, as where the inventory cannot be read, leaves a report as well:
        the one of an earlier run would say that all is well.
        """
        if os.getpid() != self._process:
            return
        if self._is_open or self._written < len(self._reported()):
            self._write_interrupted()

    @_harmless
    def _write_interrupted(self) -> None:
        self._write(complete=False)

    # ------------------------------------------------------------- the tasks

    @_harmless
    def v2_runner_on_start(self, host, task) -> None:
        if collecting.is_ours(_action(task)):
            self._since[host.get_name(), task._uuid] = time.monotonic()

    @_harmless
    def v2_runner_on_ok(self, result) -> None:
        self._ended(result, collecting.CHANGED if _result(result).get("changed") else collecting.OK)

    @_harmless
    def v2_runner_on_failed(self, result, ignore_errors=False) -> None:
        self._ended(result, collecting.FAILED, ignored=bool(ignore_errors))

    @_harmless
    def v2_runner_retry(self, result) -> None:
        """An attempt of `until` that has written; the others are of no interest."""
        if collecting.is_ours(_action(_task(result))) and _result(result).get("changed"):
            self._collect(result, collecting.CHANGED, ignored=False)

    @_harmless
    def v2_runner_on_unreachable(self, result) -> None:
        self._ended(result, collecting.UNREACHABLE, ignored=bool(_task(result).ignore_unreachable))

    @_harmless
    def v2_runner_on_skipped(self, result) -> None:
        self._take_time(result)

    @_harmless
    def v2_runner_item_on_ok(self, result) -> None:
        self._item(result, collecting.CHANGED if _result(result).get("changed") else collecting.OK)

    @_harmless
    def v2_runner_item_on_failed(self, result) -> None:
        self._item(result, collecting.FAILED, ignored=bool(_fields(result).get("ignore_errors")))

    def _item(self, result, status: str, ignored: bool = False) -> None:
        if collecting.is_ours(_action(_task(result))):
            self._with_items.add(_key(result))
            self._collect(result, status, ignored)
        else:
            self._has_collected_job(result, status, ignored)

    def _ended(self, result, status: str, ignored: bool = False) -> None:
        seconds = self._take_time(result)
        if collecting.is_ours(_action(_task(result))):
            if _key(result) not in self._with_items:
                self._collect(result, status, ignored, seconds)
        elif self._has_collected_job(result, status, ignored):
            return
        elif status in (collecting.FAILED, collecting.UNREACHABLE) and not ignored and not self._was_synced(result):
            # Whether the playbook rescues this is known at its end alone.
            event = self._event(result, status, {}, None)
            self._elsewhere.setdefault(event.host, event)

    def _has_collected_job(self, result, status: str, ignored: bool) -> bool:
        """Whether the result is that of a task of ours that ran in the background, as async_status gives it."""
        given = _result(result)
        key = _host(result), str(given.get("ansible_job_id"))
        if key not in self._jobs or _is_running(given):
            return False
        self._events.append(replace(self._jobs.pop(key), status=status, result=plain_dict(given), ignored=ignored))
        return True

    def _reported(self) -> list[collecting.Event]:
        """The results, and the tasks whose results did not come."""
        return [*self._events, *self._jobs.values()]

    def _was_synced(self, result) -> bool:
        """Whether the report has the host's sync already. A task that fails after it does not add to that."""
        return any(event.host == _host(result) and event.action == collecting.SYNC for event in self._reported())

    def _take_time(self, result) -> float | None:
        """The seconds since a task began on a host, which is thereby done."""
        began = self._since.pop(_key(result), None)
        return None if began is None else time.monotonic() - began

    def _collect(self, result, status: str, ignored: bool, seconds: float | None = None) -> None:
        given = _result(result)
        if "censored" in given:
            self._events.append(self._event(result, collecting.HIDDEN, {}, seconds, ignored))
        elif status != collecting.FAILED and _is_running(given):
            job = self._event(result, collecting.FAILED, {"msg": IN_BACKGROUND}, None, ignored)
            self._jobs[_host(result), str(given["ansible_job_id"])] = job
        else:
            self._events.append(self._event(result, status, plain_dict(given), seconds, ignored))

    def _event(
        self, result, status: str, given: dict, seconds: float | None, ignored: bool = False
    ) -> collecting.Event:
        task, fields = _task(result), _fields(result)
        hidden = status == collecting.HIDDEN
        return collecting.Event(
            host=_host(result),
            task=str(plain(fields.get("name") or task.get_name())),
            action=_action(task),
            status=status,
            result=given,
            item=None if hidden else _item_label(_result(result)),
            requested=None if hidden else _requested(fields),
            preview=fields.get("check_mode") is True,
            ignored=ignored,
            seconds=seconds,
        )

    # ------------------------------------------------------------ the report

    def _write(self, complete: bool) -> None:
        """Write all forms anew: a run may have several playbooks, and the report is of all."""
        events = self._reported()
        if complete and not events:
            return
        self._written = len(events)
        about = collecting.About(
            title=self.get_option("title"),
            started=self._started or _now(),
            finished=_now(),
            seconds=time.monotonic() - self._began if self._began is not None else 0.0,
            playbooks=tuple(self._playbooks),
            version=VERSION,
            complete=complete,
            preview=bool(context.CLIARGS.get("check")),
        )
        made = collecting.report(about, events)
        limit = max(SHORTEST_MARKDOWN, self.get_option("markdown_limit"))
        paths = []
        for name in dict.fromkeys(self.get_option("formats")):
            if name not in FORMATS:
                self.complain(f"There is no format {name!r}, only {', '.join(FORMATS)}.")
                continue
            base = Path(self.get_option("output_directory"), self.get_option("file_name"))
            paths.append(write(name, made, base, markdown_limit=limit))
        if paths:
            with suppress(OSError):  # nobody reads the output any more
                self._display.display(f"Sync report: {one_line(', '.join(map(str, paths)))}")


# ------------------------------------------------ what differs between versions


def _may_sync(playbook) -> bool:
    """Whether a playbook has a task that is reported, or includes tasks that are known only later."""
    plays = playbook.get_plays() if hasattr(playbook, "get_plays") else None
    return plays is None or any(
        collecting.is_ours(_action(task)) or "include_" in _action(task) or "{{" in _action(task)
        for play in plays
        for task in _tasks([*play.pre_tasks, *play.tasks, *play.post_tasks, *_of_roles(play.roles)])
    )


def _of_roles(roles) -> Iterator:
    for role in roles:
        for each in (*role.get_all_dependencies(), role):
            yield from each.get_task_blocks()


def _tasks(parts) -> Iterator:
    """The tasks of blocks, those of blocks within them too."""
    for part in parts:
        if hasattr(part, "block"):
            yield from _tasks([*part.block, *part.rescue, *part.always])
        else:
            yield part


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _result(result):
    """The result of a task. The names with an underscore are those before ansible-core 2.19."""
    return result.result if hasattr(result, "result") else result._result


def _task(result):
    return result.task if hasattr(result, "task") else result._task


def _host(result) -> str:
    return (result.host if hasattr(result, "host") else result._host).get_name()


def _fields(result):
    """The attributes of the task as they were for this host, templated.

    The name with an underscore is the one that no version warns of (`task_fields` is deprecated in 2.21).
    """
    return (result._task_fields if hasattr(result, "_task_fields") else result.task_fields) or {}


def _key(result) -> tuple[str, str]:
    return _host(result), _task(result)._uuid


def _action(task) -> str:
    """The full name of the action, however the playbook calls it. A template has none before the task has run."""
    if "{{" in str(task.action) and getattr(task, "_resolved_action", None) is None:
        return str(task.action)
    return str(getattr(task, "resolved_action", None) or task.action)


def _is_running(result) -> bool:
    """Whether the result is that of a task that goes on in the background."""
    return bool(result.get("ansible_job_id")) and not result.get("finished")


def _item_label(result) -> str | None:
    label = result.get("_ansible_item_label")
    return None if label is None else str(plain(label))[:200]


def _requested(fields) -> str | None:
    """The organization that the task names. The other arguments, secrets among them, are not looked at."""
    organization = (fields.get("args") or {}).get("organization")
    return str(plain(organization)) if isinstance(organization, (str, int)) and organization else None

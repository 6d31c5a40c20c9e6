# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress: as lines, or not at all; and never at the cost of the run."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.plugin_utils import progress
from ansible_collections.msp.psa_sync.plugins.plugin_utils.progress import shower


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(progress._Shared, "is_shown", True)
    monkeypatch.setattr(progress._Shared, "output", None)
    monkeypatch.delenv(progress.ENVIRONMENT, raising=False)


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(progress, "display", SimpleNamespace(display=lambda text, /: lines.append(text)))
    return lines


def test_lines_name_their_host(shown):
    shower("frog")("210 users read")
    assert shown == ["[frog] 210 users read"]


@pytest.mark.parametrize(
    ("option", "variable", "lines"),
    [(False, None, 0), (True, "off", 0), (False, "on", 1), (True, "nonsense", 1), (True, None, 1), (False, " ", 0)],
)
def test_the_variable_counts_more_than_the_option(option, variable, lines, shown, monkeypatch):
    progress.choose(option)
    if variable:
        monkeypatch.setenv(progress.ENVIRONMENT, variable)
    show = shower("frog")
    if show:
        show("reading")
    assert len(shown) == lines


def test_a_display_that_fails_does_not_fail_the_task(monkeypatch):
    def display(text, /):
        raise BrokenPipeError

    monkeypatch.setattr(progress, "display", SimpleNamespace(display=display))
    shower("frog")("reading")


@pytest.fixture
def output(monkeypatch):
    """Both ends of a pipe, as those of the output of the controller's process."""
    reading, writing = os.pipe()
    monkeypatch.setattr(progress._Shared, "output", writing)
    yield reading, writing
    os.close(writing)


def test_a_worker_writes_to_the_output_of_the_controllers_process(output, shown):
    shower("frog")("reading M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller\x1b")
    assert os.read(output[0], 1000).decode() == "[frog] reading M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller \n"
    os.close(output[0])
    assert shown == []


def test_a_reader_that_has_gone_costs_nothing_but_the_line(output, shown):
    """Ansible's own thread of results would end for good."""
    os.close(output[0])
    shower("frog")("reading")
    assert shown == []


def test_the_log_of_ansible_has_the_lines_too(output, monkeypatch):
    lines = []
    monkeypatch.setattr(progress.constants, "DEFAULT_LOG_PATH", "/a/log")
    logged = SimpleNamespace(display=lambda text, log_only: lines.append((text, log_only)))
    monkeypatch.setattr(progress, "display", logged)
    shower("frog")("reading")
    os.close(output[0])
    assert lines == [("[frog] reading", True)]


def test_only_the_controllers_process_keeps_its_output(monkeypatch):
    monkeypatch.setattr(progress.multiprocessing, "parent_process", lambda: "the controller's")
    progress.keep_output()
    assert progress._Shared.output is None


def test_a_playbook_whose_output_is_closed_shows_no_progress(monkeypatch):
    """Ansible's display would end its own thread of results."""
    monkeypatch.setattr(progress._Shared, "output", None)
    monkeypatch.setattr(progress._Shared, "is_closed", False)
    monkeypatch.setattr(sys, "stdout", None)
    progress.keep_output()
    assert progress.shower("frog") is None

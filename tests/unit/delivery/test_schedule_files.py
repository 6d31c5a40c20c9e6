# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples for cron and systemd: they are valid, and run playbooks that exist."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess

import pytest

from tests.tools.files import ROOT, tracked

FOLDER = ROOT / "docs" / "examples" / "schedule"
UNITS = ("psa-sync.service", "psa-sync.timer")
KNOWN = {
    "Unit": {"Description", "Documentation", "Wants", "After"},
    "Service": {
        *("Type", "User", "WorkingDirectory", "EnvironmentFile", "Environment", "UMask", "NoNewPrivileges"),
        *("PrivateTmp", "ExecStart", "ExecStopPost"),
    },
    "Timer": {"OnCalendar", "RandomizedDelaySec", "Persistent"},
    "Install": {"WantedBy"},
}
FIELD = re.compile(r"\*|[0-9]{1,2}(?:[-,/][0-9]{1,2})*")


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return parser


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_has_known_sections_and_settings_alone(name):
    for section in unit(name).sections():
        assert set(unit(name)[section]) <= KNOWN[section]


def test_the_timer_is_of_the_service_that_reports_failures_too():
    assert len({name.rpartition(".")[0] for name in UNITS}) == 1
    assert unit(UNITS[0])["Service"]["ExecStopPost"].endswith("msp.psa_sync.notify")


def test_systemd_accepts_the_units(tmp_path):
    """Where systemd is installed. The user and the folder of the example are not on this machine."""
    command = shutil.which("systemd-analyze")
    for name in UNITS:
        text = (FOLDER / name).read_text(encoding="utf-8").replace("User=psa-sync\n", "")
        (tmp_path / name).write_text(text, encoding="utf-8")
    if command:
        done = subprocess.run([command, "verify", *UNITS], check=False, cwd=tmp_path, capture_output=True, text=True)
        assert [line for line in done.stderr.splitlines() if "psa-sync" in line] == []


def cron() -> str:
    lines = (FOLDER / "crontab").read_text(encoding="utf-8").splitlines()
    (entry,) = [each for each in lines if each and not each.startswith("#") and not re.match(r"[A-Z]+=", each)]
    return entry


def test_the_crontab_has_five_fields_and_a_command_that_bash_reads():
    *fields, command = cron().split(" ", 5)
    assert len(fields) == 5
    assert [field for field in fields if not FIELD.fullmatch(field)] == []
    assert "%" not in command
    subprocess.run(["bash", "-n", "-c", command], check=True)


def test_the_playbooks_exist_and_the_last_one_reports_the_run():
    there = {path.stem for path in tracked("playbooks/*.yml")}
    for text in (cron(), (FOLDER / UNITS[0]).read_text(encoding="utf-8")):
        named = re.findall(r"ansible-playbook msp\.psa_sync\.(\w+)", text)
        assert set(named) <= there
        assert named[-1] == "notify"
        assert "sync_contacts" in named

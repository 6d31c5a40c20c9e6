# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README's inventory and commands, run against the sandbox; the quick start's sample output is what comes out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import ENVIRONMENT
from tests.demo.steps import is_write
from tests.sandbox.launch import running
from tests.tools.files import ROOT
from tests.tools.guides import of_guide
from tests.trust.tally import by_day

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs" / "examples"
WORLD = json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8"))
UNCHANGED = re.compile(r"changed=0 +unreachable=0 +failed=0")
CHANGED = re.compile(r"changed=1 +unreachable=0 +failed=0")


def block(kind: str, start: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n({re.escape(start)}.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return found


def sample(kind: str) -> str:
    """The output that the quick start shows."""
    (found,) = (block.text for block in of_guide("quick_start_guide") if block.kind == kind)
    return found


@pytest.fixture
def sandbox():
    with running(WORLD) as started:
        yield started


@pytest.fixture
def ansible(sandbox):
    """Runs ansible-playbook as the README says, in the folder of the example; returns what it prints."""

    def ansible(*arguments: str | Path, env: dict[str, str] | None = None) -> str:
        command = [Path(sys.executable).with_name("ansible-playbook"), *arguments]
        done = subprocess.run(
            command,
            check=False,
            cwd=EXAMPLES,
            env={
                **os.environ,
                **(sandbox.env if env is None else env),
                "ANSIBLE_CONFIG": str(EXAMPLES / "ansible.cfg"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return ansible


def test_the_commands_preview_sync_and_change_nothing_more(sandbox, ansible, tmp_path, monkeypatch):
    """With the inventory of the README, and its own command."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "clients.yml").write_text(block("yaml", "clients:"), encoding="utf-8")
    (line,) = re.findall(r"^ansible-playbook (-i clients\.yml .+)$", README, re.MULTILINE)
    preview = line.replace("clients.yml", str(tmp_path / "clients.yml")).split()
    assert preview[2:] == ["msp.psa_sync.sync_contacts", "--check", "--diff", "-e", "sync_first_run=true"]
    before = sandbox.state()

    assert CHANGED.search(ansible(*preview))
    assert not any(map(is_write, sandbox.requests()))
    assert sandbox.state() == before

    assert CHANGED.search(ansible(*[each for each in preview if each != "--check"]))
    assert (tmp_path / "msp.psa_sync" / "journals" / "happy_frog.journal").is_file()
    pushed = sandbox.state()["bms"]["contacts"]
    # The namesake of somebody who has left is in a conflict, so is not among them.
    made = {each["firstName"] for each in pushed[len(before["bms"]["contacts"]) :]}
    assert made == {"Amara", "Björn", "Zofia", "Γεωργία", "Backup"}
    assert len(pushed) - len(before["bms"]["contacts"]) == 5

    sandbox.clear_requests()
    assert UNCHANGED.search(ansible(*preview[:3]))
    assert not any(map(is_write, sandbox.requests()))


def test_the_sample_output_is_what_comes_out(ansible):
    shown = ansible("-i", "inventory", "msp.psa_sync.sync_contacts", "--check", "--diff")
    assert sample("diff") in re.sub(" +$", "", shown, flags=re.MULTILINE)
    for line in sample("text").splitlines():
        assert f"    {line}\n" in shown


def test_a_single_user_and_the_limits_as_variables(sandbox, ansible):
    chosen = json.dumps({"sync_users": ["aokafor@happyfrog.example"]})
    playbooks = ("-i", "inventory", "msp.psa_sync.sync_contacts")
    ansible(
        *playbooks, "--limit", "happy_frog", "-e", "sync_max_creates=100%", "-e", "sync_max_pushes=100%", "-e", chosen
    )
    made = sandbox.state()["itglue"]["contacts"][len(WORLD["itglue"]["contacts"]) :]
    assert [each["last-name"] for each in made] == ["Okafor"]


SECRETS = ("itglue_api_key", "bms_password", "azure_client_secret")


@pytest.fixture
def given(sandbox) -> dict[str, str]:
    """The credentials as variables of the playbooks."""
    own = {"ca_path": "sync_ca_path"}
    found = {own.get(name, name): sandbox.env[env] for name, env in ENVIRONMENT.items() if env in sandbox.env}
    assert {*SECRETS, "sync_ca_path"} <= set(found)
    return found


def test_the_playbooks_take_the_credentials_as_variables_too(given, ansible, tmp_path):
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps(given), encoding="utf-8")
    playbooks = ("-i", "inventory", "msp.psa_sync.sync_contacts")
    shown = ansible(*playbooks, "--limit", "happy_frog", "-e", f"@{secrets}", "-vv", env={})
    assert "failed=0" in shown
    assert not [name for name in SECRETS if given[name] in shown]


@pytest.mark.parametrize("whole", by_day((True, False), 2, 0), ids=lambda whole: "a-file" if whole else "single-values")
def test_the_playbooks_take_secrets_from_a_vault(given, ansible, tmp_path, whole):
    """An encrypted file of variables, or encrypted values among others."""
    password, secrets = tmp_path / "password", tmp_path / "secrets.yml"
    password.write_text("open sesame\n", encoding="utf-8")
    vault = [Path(sys.executable).with_name("ansible-vault"), "--vault-password-file", password]

    def encrypted(name: str) -> str:
        command = [vault[0], "encrypt_string", *vault[1:], "--name", name, given[name]]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    plain = {name: value for name, value in given.items() if whole or name not in SECRETS}
    secrets.write_text(yaml.safe_dump(plain) + "".join(() if whole else map(encrypted, SECRETS)), encoding="utf-8")
    if whole:
        subprocess.run([vault[0], "encrypt", *vault[1:], secrets], check=True, capture_output=True)
    assert not [name for name in SECRETS if given[name] in secrets.read_text(encoding="utf-8")]

    playbooks = ("-i", "inventory", "msp.psa_sync.sync_contacts")
    options = ("--limit", "happy_frog", "-e", f"@{secrets}", *vault[1:])
    shown = ansible(*playbooks, *options, "-vvvv", env={})
    assert "failed=0" in shown
    assert not [name for name in SECRETS if given[name] in shown]

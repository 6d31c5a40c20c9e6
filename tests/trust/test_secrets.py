# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks that succeed and fail, in process and as modules, at -vvvv with tracebacks: no secret anywhere.

Searched are what is printed, Ansible's log, the registered results, and all files left in the home, the temporary
and the run-time directories. What counts as a secret is what the playbook was given, and whatever else went over
the wire to authenticate: a hook in each Python process writes that down.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.sandbox.launch import ROOT, running

from .tally import by_day, note
from .test_fault_matrix import OPTIONS, rich_world
from .worlds import NAME

# A connection that is not the local one leads to the module, whose process inherits the environment all the same.
WAYS = {"in process": {}, "as modules": {"vars": {"ansible_connection": "elsewhere"}}}
MFA = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = {
    "itglue_api_key": "ITG.wrong-key-of-a-typo",
    "azure_client_secret": "wrong~secret.of-a-typo",
    "bms_password": "wrong-password-of-a-typo",
}

# Writes each token that is sent or received to a file of its own directory.
HOOK = """
import os, re
from requests.adapters import HTTPAdapter
_send = HTTPAdapter.send
def send(self, request, **how):
    answer = _send(self, request, **how)
    found = [request.headers.get("Authorization", "").removeprefix("Bearer ")]
    found += re.findall(r'"(?:access_token|accessToken|refreshToken)": *"([^"]+)"', answer.text, re.IGNORECASE)
    with open(os.environ["WIRE"], "a") as file:
        file.writelines(f"{each}\\n" for each in found if each)
    return answer
HTTPAdapter.send = send
"""


def tasks(way: dict) -> list[dict]:
    """Tasks that go well, and those that fail in one way each."""
    sync = {"organization": NAME, **{key: value for key, value in OPTIONS.items() if key != "organization"}}
    plays = {
        "declared": ("office365_sync_settings", {"organization": NAME, **OPTIONS["office365_settings"]}),
        "previewed": ("contact_sync", sync),
        "passed_a_ceiling": ("contact_sync", {**sync, "max_creates": "0"}),
        "synced": ("contact_sync", {**sync, "report": "all"}),
        "broke_a_rule": ("bms_sync_settings", {"organization": NAME, "auto_push_office365_contacts": True}),
        "mistyped": ("contact_sync", {**sync, "bms_pasword": "{{ bms_password }}"}),
        "no_such_choice": ("contact_sync", {**sync, "azure_cloud": "{{ azure_client_secret }}"}),
        "odd_url": ("contact_sync", {**sync, "itglue_url": "https://jo:{{ itglue_api_key }}@itglue.example"}),
        **{f"wrong_{name}": ("contact_sync", {**sync, name: f"{{{{ typo_{name} }}}}"}) for name in WRONG},
    }
    return [
        {
            "name": name,
            f"msp.psa_sync.{module}": options,
            "register": name,
            "ignore_errors": True,
            "check_mode": name == "previewed",
            **way,
        }
        for name, (module, options) in plays.items()
    ]


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_shown_or_left_behind(way, tmp_path):
    world = rich_world()
    world["bms"]["mfa_secret"] = MFA
    places = {name: tmp_path / name for name in ("home", "tmp", "run", "hook", "play")}
    for place in places.values():
        place.mkdir(mode=0o700)
    (places["hook"] / "sitecustomize.py").write_text(HOOK)
    with running(world) as sandbox:
        given = {
            "itglue_api_key": sandbox.env["ITGLUE_API_KEY"],
            "azure_client_secret": sandbox.env["AZURE_CLIENT_SECRET"],
            "bms_password": sandbox.env["BMS_PASSWORD"],
            "bms_mfa_secret": MFA,
        }
        # The last task but one of BMS's logins is refused in HTML, so that a token's request fails as well.
        sandbox.faults({"service": "bms", "path": "/v2/security/authenticate", "nth": 3, "kind": "html", "status": 500})
        # Each start of a module takes a second, so by day only some are started.
        played = tasks(WAYS[way]) if way == "in process" else by_day(tasks(WAYS[way]), 2, 1)
        output, wire = play(places, given, played, sandbox.env)
    secrets = {*given.values(), *WRONG.values(), *wire} - {""}
    assert len(wire) >= 3
    looked_at = {"what was printed": output}
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_relative_to(places["hook"]) and path.name != "given.json":
            looked_at[str(path.relative_to(tmp_path))] = path.read_bytes().decode("utf-8", "replace")
    assert {"play/ansible.log", "play/results.json"} <= looked_at.keys()
    for where, text in looked_at.items():
        for secret in secrets:
            for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
                assert form not in text, f"{where}: {text[max(0, text.find(form) - 200) : text.find(form)]}"
    registered = json.loads(looked_at["play/results.json"])
    assert registered["synced"]["changed"] is True
    assert [name for name, each in registered.items() if each.get("failed")] == [
        name for name in registered if name.startswith(("passed", "broke", "mistyped", "no_such", "odd", "wrong"))
    ]
    note("secrets", way, len(secrets) * len(looked_at))


def play(places: dict[str, Path], given: dict, written: Sequence[dict], connection: dict) -> tuple[str, set[str]]:
    folder = places["play"]
    names = [task["name"] for task in written]
    results = {
        "ansible.builtin.copy": {
            "dest": str(folder / "results.json"),
            "content": "{{ dict(names | zip(names | map('extract', vars))) | to_json }}",
        },
        "vars": {"names": names},
    }
    host = {"hosts": "localhost", "gather_facts": False, "tasks": [*written, results]}
    host["module_defaults"] = {"group/msp.psa_sync.all": {name: f"{{{{ {name} }}}}" for name in given}}
    host["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    (folder / "playbook.json").write_text(json.dumps([host]))
    mistyped = {f"typo_{name}": value for name, value in WRONG.items()}
    (folder / "given.json").write_text(json.dumps(given | mistyped))
    hidden = {"ITGLUE_API_KEY", "AZURE_CLIENT_SECRET", "BMS_PASSWORD", "BMS_MFA_SECRET"}
    environment = os.environ | {name: value for name, value in connection.items() if name not in hidden}
    environment |= {
        "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests" / "integration" / "entry_points"),
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "HOME": str(places["home"]),
        "PYTHONPATH": str(places["hook"]),
        "TMPDIR": str(places["tmp"]),
        "WIRE": str(places["hook"] / "wire"),
        "XDG_RUNTIME_DIR": str(places["run"]),
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "playbook.json", "-e", "@given.json", "--diff", "-vvvv"],
        check=False,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout, set((places["hook"] / "wire").read_text().split())

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module in Ansible's process and as a module: the same result, in check mode, with diff, and for a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import worlds
from tests.sandbox.launch import running
from tests.tools.files import ROOT

CLIENT = {"organization": "1"}
TENANTS = {"tenants": [{"id": worlds.tenant_id(1), "name": worlds.client_name(1)}]}
CASES = {
    "api_probe": CLIENT | {"tenant_id": worlds.tenant_id(1), "write": True},
    "office365_sync_settings": CLIENT | {"phone_type": "Mobile"},
    "office365_sync_settings_info": CLIENT,
    "bms_sync_settings": CLIENT | {"phone_type": "Mobile"},
    "bms_sync_settings_info": CLIENT,
    "contact_sync": CLIENT,
    "contact_audit_info": CLIENT,
    "preflight_info": CLIENT,
    "tenant_match": CLIENT | {"state": "unmatched"},
    "tenant_match_info": TENANTS,
}
NO_CLIENT = {"organization": "0", "tenants": [{"id": "no GUID"}]}
#: Which request is the first to log in differs, and so does the time.
VARYING = {"api_calls", "made_at"}


def task(module: str, way: str, args: dict, kind: str) -> dict:
    written = {
        "name": f"{module} {kind} {way}",
        f"msp.psa_sync.{module}": args,
        "register": f"{module}__{kind}__{way}",
        "ignore_errors": True,
    }
    return written if way == "in_process" else written | {"vars": {"ansible_connection": "elsewhere"}}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("both")
    file = folder / "results.json"
    tasks = [
        task(module, way, args, kind)
        for module, given in CASES.items()
        for kind, args in (("ok", given), ("failed", {name: NO_CLIENT.get(name, given[name]) for name in given}))
        for way in ("in_process", "module")
    ]
    names = [each["register"] for each in tasks]
    content = "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
    copy = {"dest": str(file), "content": content}
    tasks.append({"ansible.builtin.copy": copy, "vars": {"names": names}, "check_mode": False, "diff": False})
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": interpreter, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]))
    doors = str(Path(__file__).with_name("doors"))
    with running(worlds.world(1, 5, unlinked=2, strangers=True)) as sandbox:
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "play.json", "--check", "--diff"],
            check=False,
            cwd=folder,
            env={**os.environ, **sandbox.env, "ANSIBLE_CONNECTION_PLUGINS": doors},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    assert done.returncode == 0, done.stdout
    return json.loads(file.read_text())


def compared(value):
    match value:
        case dict():
            return {key: compared(item) for key, item in value.items() if key not in VARYING}
        case list():
            return [compared(item) for item in value]
        case _:
            return value


def test_no_module_is_left_out():
    assert set(CASES) == {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}


@pytest.mark.parametrize("kind", ["ok", "failed"])
@pytest.mark.parametrize("module", CASES)
def test_both_ways_come_to_the_same(module, kind, results):
    inside, outside = (results[f"{module}__{kind}__{way}"] for way in ("in_process", "module"))

    # A preflight reports what others fail at.
    assert inside.get("failed", False) is (kind == "failed" and module != "preflight_info"), inside
    assert compared(inside) == compared(outside)


def test_what_would_change_is_told_with_its_diff(results):
    for module in ("office365_sync_settings", "bms_sync_settings", "contact_sync", "tenant_match"):
        for way in ("in_process", "module"):
            result = results[f"{module}__ok__{way}"]
            assert result["changed"] and result["diff"], (module, way)

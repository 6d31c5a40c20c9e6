# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module in Ansible's process and as a module: the same result, in check mode and for real, with diff, and for a
failure; and for real the same in the three services afterwards. What writes works with `async` too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import worlds
from tests.sandbox.launch import Running, running
from tests.tools.files import tracked
from tests.trust.inprocess import without_facts

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = [pytest.mark.xdist_group("modules_both_ways"), pytest.mark.every_core]

CLIENT = {"organization": "1"}
TENANTS = {"tenants": [{"id": worlds.tenant_id(1), "name": worlds.client_name(1)}]}
CASES = {
    "office365_sync_settings": CLIENT | {"phone_type": "Mobile"},
    "office365_sync_settings_info": CLIENT,
    "bms_sync_settings": CLIENT | {"phone_type": "1"},
    "bms_sync_settings_info": CLIENT,
    "contact_sync": CLIENT,
    "contact_audit_info": CLIENT,
    "preflight_info": CLIENT,
    "tenant_match": CLIENT | {"state": "unmatched"},
    "tenant_match_info": TENANTS,
    # The last one: what it makes it removes again, but the ids are used up.
    "api_probe": CLIENT | {"tenant_id": worlds.tenant_id(1), "write": True},
}
WRITING = ("office365_sync_settings", "bms_sync_settings", "contact_sync", "tenant_match")
NO_CLIENT = {"organization": "0", "tenants": [{"id": "no GUID"}]}
#: Which request is the first to log in differs, and so does the time.
VARYING = frozenset({"api_calls", "made_at"})
#: Times at which something was written.
STAMPS = {"created-at", "updated-at", "createdAt", "modifiedAt", "modifiedOn", "createdOn"}
#: What Ansible itself adds to the result of an async task.
ADDED_BY_ASYNC = set("ansible_job_id finished results_file started stderr stderr_lines stdout stdout_lines".split())
WAYS: dict[str, dict[str, Any]] = {
    "in_process": {},
    "module": {"vars": {"ansible_connection": "elsewhere"}},
    "async": {"async": 60, "poll": 1},
}
SECRETS = ("ITGLUE_API_KEY", "BMS_PASSWORD", "AZURE_CLIENT_SECRET")


@dataclass(frozen=True)
class Played:
    """What a playbook showed, what its tasks registered, and what the services hold afterwards."""

    output: str
    results: dict[str, dict]
    state: dict


def task(module: str, way: str, args: dict, kind: str) -> dict:
    return {
        "name": f"{module} {kind} {way}",
        f"msp.psa_sync.{module}": args,
        "register": f"{module}__{kind}__{way}",
        "ignore_errors": True,
        **WAYS[way],
    }


def play(sandbox: Running, folder: Path, tasks: Sequence[dict], *options: str) -> Played:
    file = folder / "results.json"
    names = [each["register"] for each in tasks]
    content = "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
    keep = {
        "ansible.builtin.copy": {"dest": str(file), "content": content},
        "vars": {"names": names},
        "check_mode": False,
        "diff": False,
        "no_log": True,
    }
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    written = {"hosts": "localhost", "gather_facts": False, "vars": interpreter, "tasks": [*tasks, keep]}
    (folder / "play.json").write_text(json.dumps([written]))
    doors = str(Path(__file__).with_name("entry_points"))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "play.json", "--diff", "-v", *options],
        check=False,
        cwd=folder,
        env={**os.environ, **sandbox.env, "ANSIBLE_CONNECTION_PLUGINS": doors},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return Played(done.stdout, json.loads(file.read_text()), sandbox.control("GET", "state"))


def world() -> dict:
    """A client with a user who is new, two contacts that are in BMS and not linked, and one that is nobody's.

    Only one contact is made in BMS: of several at once, it is chance which gets which id.
    """
    return worlds.world(1, 6, contacts=5, unlinked=2, in_bms=5, strangers=True)


@pytest.fixture(scope="module")
def sandbox():
    with running(world()) as started:
        yield started


@pytest.fixture(scope="module")
def results(sandbox, tmp_path_factory) -> dict[str, dict]:
    """In check mode, and what fails."""
    sandbox.load(world())
    tasks = [
        task(module, way, args, kind)
        for module, given in CASES.items()
        for kind, args in (("ok", given), ("failed", {name: NO_CLIENT.get(name, given[name]) for name in given}))
        for way in ("in_process", "module")
    ]
    return play(sandbox, tmp_path_factory.mktemp("checked"), tasks, "--check").results


@pytest.fixture(scope="module")
def real(sandbox, tmp_path_factory) -> dict[str, Played]:
    """All modules for real, one after the other; each way begins with the same world."""
    done = {}
    for way in WAYS:
        sandbox.load(world())
        modules = WRITING if way == "async" else CASES
        tasks = [task(module, way, CASES[module], "ok") for module in modules]
        done[way] = play(sandbox, tmp_path_factory.mktemp(way), tasks)
    return done


def compared(value: Any, without: frozenset[str] = VARYING) -> Any:
    match value:
        case dict():
            return {key: compared(item, without) for key, item in value.items() if key not in without}
        case list():
            return [compared(item, without) for item in value]
        case _:
            return value


def test_no_module_is_omitted():
    assert set(CASES) == {path.stem for path in tracked("plugins/modules/*.py")}


@pytest.mark.parametrize("kind", ["ok", "failed"])
@pytest.mark.parametrize("module", CASES)
def test_both_ways_come_to_the_same(module, kind, results):
    inside, outside = (results[f"{module}__{kind}__{way}"] for way in ("in_process", "module"))

    # A preflight reports what others fail at.
    assert inside.get("failed", False) is (kind == "failed" and module != "preflight_info"), inside
    assert compared(inside) == compared(outside)


def test_what_would_change_is_reported_with_its_diff(results):
    for module in WRITING:
        for way in ("in_process", "module"):
            result = results[f"{module}__ok__{way}"]
            assert result["changed"] and result["diff"], (module, way)


@pytest.mark.parametrize("module", CASES)
def test_both_ways_come_to_the_same_for_real(module, real):
    inside, outside = (real[way].results[f"{module}__ok__{way}"] for way in ("in_process", "module"))

    assert not inside.get("failed", False), inside
    assert inside["changed"] is (module in (*WRITING, "api_probe"))
    assert bool(inside.get("diff")) is (module in WRITING)
    assert compared(inside) == compared(outside)


@pytest.mark.parametrize("module", WRITING)
def test_what_writes_can_be_asynchronous(module, real):
    inside, later = (real[way].results[f"{module}__ok__{way}"] for way in ("in_process", "async"))

    assert later["finished"]
    assert compared(later, VARYING | ADDED_BY_ASYNC) == compared(inside)


def test_the_services_hold_the_same_afterwards(real):
    # What a run remembers has times and digests of its own.
    states = [compared(without_facts(each.state), STAMPS) for each in real.values()]

    assert states[0] == states[1] == states[2]
    assert len(states[0]["itglue"]["contacts"]) == len(world()["itglue"]["contacts"]) + 1
    assert len(states[0]["bms"]["contacts"]) == len(world()["bms"]["contacts"]) + 1


def test_no_secret_is_shown(sandbox, results, real):
    """With -v all results are."""
    for way, played in real.items():
        assert '"summary"' in played.output
        for name in SECRETS:
            assert sandbox.env[name] not in played.output + json.dumps(played.results), (way, name)
    assert not any(sandbox.env[name] in json.dumps(results) for name in SECRETS)

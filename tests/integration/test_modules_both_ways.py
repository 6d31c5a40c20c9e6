# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module in Ansible's process and as a module: the same result and the same in the three services afterwards.

What writes does so in check mode, with diff, and with `async` too. `test_entry_points.py` has all ways to fail.
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
from tests.trust.tally import by_day

# Its fixtures are dear: one process makes them, for all tests.
pytestmark = [pytest.mark.xdist_group("modules_both_ways"), pytest.mark.every_core]

CLIENT = {"organization": "1"}
TENANTS = {"tenants": [{"id": worlds.tenant_id(1), "name": worlds.client_name(1)}]}
CASES = {
    "office365_sync_settings": CLIENT | {"phone_type": "Mobile"},
    "office365_sync_settings_info": CLIENT,
    # An option that is null is as one that is not given.
    "bms_sync_settings": CLIENT | {"phone_type": "1", "push_method": None},
    "bms_sync_settings_info": CLIENT,
    "contact_sync": CLIENT,
    "contact_audit_info": CLIENT,
    "preflight_info": CLIENT,
    "tenant_match": CLIENT | {"state": "unmatched"},
    "tenant_match_info": TENANTS,
    # The last one: what it makes it removes again, but the ids are used up.
    "api_probe": CLIENT | {"tenant_id": worlds.tenant_id(1), "write": True, "push_wait": 1},
}
WRITING = ("office365_sync_settings", "bms_sync_settings", "contact_sync", "tenant_match")
#: A client that does not exist, a tenant that is none, and what a preflight reports without a failure.
FAILING = {
    "contact_sync": {"organization": "0"},
    "tenant_match_info": {"tenants": [{"id": "no GUID"}]},
    "preflight_info": {"organization": "0"},
}
#: By day one module stands for the others of its kind.
READING = ("office365_sync_settings_info", "bms_sync_settings_info", "contact_audit_info", "tenant_match_info")
TRIED = {module: args for module, args in CASES.items() if module not in READING or module in by_day(READING, 4, 2)}
FORESEEN = ASYNCHRONOUS = by_day(WRITING, len(WRITING), 2)
FAILED = by_day(tuple(FAILING), len(FAILING), 0)
#: Which request is the first to log in differs, and so does the time. Ansible 2.22 marks the result of a module.
VARYING = frozenset({"api_calls", "made_at", "ansible_parsed"})
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


def task(module: str, way: str, args: dict, kind: str, **keywords: Any) -> dict:
    return {
        "name": f"{module} {kind} {way}",
        f"msp.psa_sync.{module}": args,
        "register": f"{module}__{kind}__{way}",
        "ignore_errors": True,
        **WAYS[way],
        **keywords,
    }


def play(sandbox: Running, folder: Path, tasks: Sequence[dict]) -> Played:
    file = folder / "results.json"
    names = [each["register"] for each in tasks]
    content = "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
    keep = {
        "keep": {"dest": str(file), "content": content},
        "vars": {"names": names},
        "no_log": True,
    }
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    written = {"hosts": "localhost", "gather_facts": False, "vars": interpreter, "tasks": [*tasks, keep]}
    (folder / "play.json").write_text(json.dumps([written]))
    entry_points = str(Path(__file__).with_name("entry_points"))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "play.json", "--diff", "-v"],
        check=False,
        cwd=folder,
        env={**os.environ, **sandbox.env, "ANSIBLE_CONNECTION_PLUGINS": entry_points},
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
def played(sandbox, tmp_path_factory) -> dict[str, Played]:
    """All modules one after the other, first in check mode and what fails; each way begins with the same world.

    Where some are asynchronous, the others that write are run in process, so that the same is written.
    """
    done = {}
    for way in WAYS:
        sandbox.load(world())
        first = [
            *(task(module, way, CASES[module], "checked", check_mode=True) for module in FORESEEN),
            *(task(module, way, FAILING[module], "failed", check_mode=True) for module in FAILED),
        ]
        ways = dict.fromkeys(TRIED, way)
        if way == "async":
            ways = {module: way if module in ASYNCHRONOUS else "in_process" for module in WRITING}
        real = [task(module, ways[module], CASES[module], "real") for module in ways]
        done[way] = play(sandbox, tmp_path_factory.mktemp(way), real if way == "async" else first + real)
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


def both_ways(played: dict[str, Played], module: str, kind: str) -> tuple[dict, dict]:
    """The results of a task in Ansible's process and as a module, which are the same."""
    inside, outside = (played[way].results[f"{module}__{kind}__{way}"] for way in ("in_process", "module"))
    assert compared(inside) == compared(outside)
    return inside, outside


@pytest.mark.parametrize("module", FAILED)
def test_both_ways_fail_in_the_same_way(module, played):
    inside, dummy = both_ways(played, module, "failed")

    assert inside.get("failed", False) is (module != "preflight_info"), inside


@pytest.mark.parametrize("module", FORESEEN)
def test_both_ways_foresee_the_same_with_its_diff(module, played):
    for result in both_ways(played, module, "checked"):
        assert result["changed"] and result["diff"]


@pytest.mark.parametrize("module", TRIED)
def test_both_ways_come_to_the_same(module, played):
    inside, dummy = both_ways(played, module, "real")

    assert not inside.get("failed", False), inside
    assert inside["changed"] is (module in (*WRITING, "api_probe"))
    assert bool(inside.get("diff")) is (module in WRITING)


@pytest.mark.parametrize("module", ASYNCHRONOUS)
def test_what_writes_can_be_asynchronous(module, played):
    inside, later = (played[way].results[f"{module}__real__{way}"] for way in ("in_process", "async"))

    assert later["finished"]
    assert compared(later, VARYING | ADDED_BY_ASYNC) == compared(inside)


def test_the_services_hold_the_same_afterwards(played):
    # What a run remembers has times and digests of its own.
    states = [compared(without_facts(each.state), STAMPS) for each in played.values()]

    assert states[0] == states[1] == states[2]
    assert len(states[0]["itglue"]["contacts"]) == len(world()["itglue"]["contacts"]) + 1
    assert len(states[0]["bms"]["contacts"]) == len(world()["bms"]["contacts"]) + 1


def test_no_secret_is_shown(sandbox, played):
    """With -v all results are."""
    for way, each in played.items():
        assert '"summary"' in each.output
        for name in SECRETS:
            assert sandbox.env[name] not in each.output + json.dumps(each.results), (way, name)

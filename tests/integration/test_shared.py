# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the forks of a run, and runs side by side, share: one login, the quotas, the right to write."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.benchmarks import fleet, worlds
from tests.integration.fleet import run
from tests.sandbox.launch import Running, running

SKU = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
OFFICE365 = {"set_phone_numbers_primary": True, "phone_type": "Office"}
BMS = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Work",
}
AUTHENTICATE, PUSH, READ = "/v2/security/authenticate", "POST /v2/crm/contacts/summary", "GET /v2/crm/contacts/summary"


def tenant_id(number: int) -> str:
    return f"3f1c9d52-7a64-4a0e-9b1d-{number:012}"


def user(tenant: int, number: int) -> dict:
    address = f"user{number}@client{tenant}.example"
    return {
        "id": f"{tenant:08}-0000-4a0e-9b1d-{number:012}",
        "userPrincipalName": address,
        "mail": address,
        "givenName": f"First{number}",
        "surname": f"Last{number}",
        "businessPhones": [f"+1 555 01{tenant:02} {number:04}"],
        "proxyAddresses": [f"SMTP:{address}"],
        "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
    }


def world(tenants: int, users: int) -> dict:
    """So many clients, each with so many users that nobody knows yet."""
    numbers = range(1, tenants + 1)
    return {
        "entra": {
            "tenants": [
                {
                    "tenant_id": tenant_id(number),
                    "display_name": f"Client {number}",
                    "verified_domains": [f"client{number}.example"],
                    "users": [user(number, each) for each in range(1, users + 1)],
                }
                for number in numbers
            ]
        },
        "itglue": {
            "organizations": [{"id": number, "name": f"Client {number}"} for number in numbers],
            "locations": [
                {"id": 100 + number, "organization-id": number, "name": "HQ", "primary": True} for number in numbers
            ],
        },
        "bms": {
            "email_types": [{"id": 1, "name": "Work"}],
            "phone_types": [{"id": 1, "name": "Work"}],
            "accounts": [
                {
                    "id": 1000 + number,
                    "accountName": f"Client {number}",
                    "locations": [{"id": 2000 + number, "locationName": "HQ", "isMain": True}],
                }
                for number in numbers
            ],
        },
    }


@pytest.fixture(scope="module")
def started():
    with running(world(1, 1)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started):
    """Makes the sandbox play a world."""

    def sandbox(tenants: int, users: int, **behaviour) -> Running:
        credentials = started.state()
        fresh = world(tenants, users)
        for service, names in (
            ("entra", ("client_id", "client_secret")),
            ("itglue", ("api_key",)),
            ("bms", ("company", "username", "password")),
        ):
            fresh[service] |= {name: credentials[service][name] for name in names}
        started.load(fresh)
        started.behaviour(**behaviour)
        return started

    return sandbox


@pytest.fixture
def sync(started, tmp_path):
    """Starts one `ansible-playbook` that syncs clients; returns its results by number of the client."""

    began: SimpleQueue = SimpleQueue()

    def sync(clients, *options: str, succeeds: bool = True, check: bool = False, **arguments) -> dict[int, dict]:
        folder = tmp_path / f"run-{time.monotonic_ns()}"
        folder.mkdir()
        task = {
            "organization": "{{ inventory_hostname | int }}",
            "tenant_id": "{{ tenant }}",
            "office365_settings": OFFICE365,
            "bms_settings": BMS,
            **arguments,
        }
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {str(number): {"tenant": tenant_id(number)} for number in clients}
        (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}))
        results = "{{ dict(groups.all | zip(groups.all | map('extract', hostvars, 'done'))) | to_json }}"
        plays = [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [{"msp.psa_sync.contact_sync": task, "register": "done", "ignore_errors": True}],
            },
            {
                "hosts": "localhost",
                "gather_facts": False,
                "vars": local,
                "tasks": [{"keep": {"dest": str(folder / "results.json"), "content": results}}],
            },
        ]
        (folder / "playbook.json").write_text(json.dumps(plays))
        command = [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", folder / "inventory.json", folder / "playbook.json", *options, *(["--check"] if check else [])),
        ]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(command, env=os.environ | started.env, **output) as process:
            began.put(process.pid)
            said, dummy = process.communicate()
        assert process.returncode == 0, said
        found = {int(host): each for host, each in json.loads((folder / "results.json").read_text()).items()}
        assert any(each.get("failed", False) for each in found.values()) is not succeeds, said
        return found

    sync.began = began
    return sync


def sent(sandbox: Running) -> Counter:
    return Counter(f"{each['method']} {each['path'].split('?')[0]}" for each in sandbox.requests())


def accepted(sandbox: Running, request: str) -> int:
    return sum(
        f"{each['method']} {each['path'].split('?')[0]}" == request and each["status"] == 200
        for each in sandbox.requests()
    )


def people(sandbox: Running) -> tuple[Counter, Counter]:
    """How often each person is in IT Glue and in BMS, by client and last name."""
    state = sandbox.state()
    return (
        Counter((each["organization-id"], each["last-name"]) for each in state["itglue"]["contacts"]),
        Counter((each["accountId"] - 1000, each["lastName"]) for each in state["bms"]["contacts"]),
    )


def everybody(tenants: int, users: int) -> Counter:
    return Counter((tenant, f"Last{number}") for tenant in range(1, tenants + 1) for number in range(1, users + 1))


def later(monkeypatch, tmp_path_factory) -> None:
    """What the processes share is forgotten, as it is when its time has passed."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("later")))


# ----------------------------------------------------------------------- login


def test_a_fleet_logs_in_once(sandbox, sync):
    bms = sandbox(20, 2)
    done = sync(range(1, 21), "-f", "8")
    assert sent(bms)[f"POST {AUTHENTICATE}"] == 1
    assert people(bms) == (everybody(20, 2), everybody(20, 2))
    assert {each["summary"]["push"]["pushed"] for each in done.values()} == {2}
    assert {each["summary"]["resume_after"] for each in done.values()} == {None}
    # So does the next run, until the token expires. With other options people are looked up again.
    sync([1, 2], check=True, update_linked=True)
    assert sent(bms)[f"POST {AUTHENTICATE}"] == 1
    bms.advance(901)
    sync([3, 4], "-f", "2", check=True, update_linked=True)
    assert sent(bms)[f"POST {AUTHENTICATE}"] == 2


# ---------------------------------------------------------------------- quotas


@pytest.mark.parametrize("counted_by", ["BMS", "the forks"])
def test_what_the_quota_of_bms_does_not_allow_is_for_the_next_run(
    sandbox, sync, counted_by, monkeypatch, tmp_path_factory
):
    """In the first case nobody here knows the quota, and BMS refuses. In the second BMS never has to."""
    ours = {} if counted_by == "BMS" else {"bms_quota": 20}
    bms = sandbox(2, 16, quota_retry_after=True, **({"bms_quota": 20} if counted_by == "BMS" else {}))
    done = sync([1, 2], "-f", "2", **ours)
    assert accepted(bms, PUSH) == 20
    assert (429 in {each["status"] for each in bms.requests()}) is (counted_by == "BMS")
    late = [each for each in done.values() if "deferred" in each["summary"]["push"]]
    assert sum(each["summary"]["push"]["deferred"] for each in late) == 32 - 20
    assert people(bms)[0] == everybody(2, 16)  # IT Glue has them all
    for each in late:
        assert 3000 < each["summary"]["resume_after"] <= 3600
        assert each["changed"]
        (warning,) = each["warnings"]
        assert "a quota is used up" in warning
        assert "(in 60 min)" in warning or "(in 59 min)" in warning
        deferred = [contact for contact in each["contacts"] if contact["push"] == "deferred"]
        assert {contact["reason_code"] for contact in deferred} <= {"quota_exceeded", "not_tried"}
        assert all("The quota of Kaseya BMS for POST" in contact["reason"] for contact in deferred)

    # At once: nothing is sent that would be refused, and nothing fails.
    tries = sent(bms)[PUSH]
    again = sync([1, 2], "-f", "2", **ours)
    assert sent(bms)[PUSH] == tries
    assert sum(each["summary"]["push"].get("deferred", 0) for each in again.values()) == 32 - 20
    assert not any(each["changed"] for each in again.values())

    for dummy in range(2):
        bms.advance(3601)
        later(monkeypatch, tmp_path_factory)
        done = sync([1, 2], "-f", "2", **ours)
    assert people(bms) == (everybody(2, 16), everybody(2, 16))
    assert sum(each["summary"]["push"].get("deferred", 0) for each in done.values()) == 0


def test_a_client_that_is_starved_fails_the_run_of_the_shipped_playbook(tmp_path):
    """The quota of BMS does not do for the first client; the second one needs nothing of it."""
    hosts = fleet.inventory([1, 2])
    hosts["all"]["vars"] |= {"bms_quota": 1}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps(hosts))
    with running(worlds.world(2, 1, unlinked=1, unlinked_clients=1, in_bms=0)) as bms:
        ran = [run(bms, "ansible-playbook", "-i", inventory, *fleet.PLAYBOOKS) for dummy in range(3)]
    assert [each.returncode for each in ran] == [0, 0, 2], ran[2].stdout
    assert re.search(r"client0001: FAILED\. A quota has deferred .* in 3 runs in a row", ran[2].stdout)
    assert "client0002: FAILED" not in ran[2].stdout


def test_a_used_up_quota_of_it_glue_defers_the_writes_and_ends_the_reads_that_follow(sandbox, sync):
    itglue = sandbox(3, 2)
    itglue.faults(
        {"service": "itglue", "method": "POST", "times": None, "kind": "status", "status": 429}
        | {"headers": {"Retry-After": "900"}}
    )
    done = sync([1])[1]
    assert done["summary"]["actions"] == {"deferred": 2}
    assert done["summary"]["push"] == {"deferred": 2}
    assert 600 < done["summary"]["resume_after"] <= 900
    assert done["changed"] is False
    # Another process, another client: it does not even ask, and says when to.
    itglue.clear_requests()
    for each in sync([2, 3], "-f", "2", succeeds=False).values():
        assert each["failed"]
        assert "The quota of IT Glue for GET /organizations/" in each["msg"]
        assert re.search(r"Go on at \d\d:\d\d:\d\d \w+ \(in 1\d min\)", each["msg"])
    assert itglue.requests() == []


def test_a_short_wait_that_it_glue_asks_for_is_waited_for_by_all(sandbox, sync):
    itglue = sandbox(4, 1)
    itglue.faults(
        {"service": "itglue", "nth": 2, "times": 1, "kind": "status", "status": 429, "headers": {"Retry-After": "4"}}
    )
    start = time.monotonic()
    done = sync(range(1, 5), "-f", "4")
    assert time.monotonic() - start > 4
    statuses = [each["status"] for each in itglue.requests() if each["service"] == "itglue"]
    assert statuses.count(429) == 1
    assert {each["summary"]["push"]["pushed"] for each in done.values()} == {1}
    assert {each["summary"]["resume_after"] for each in done.values()} == {None}


# ---------------------------------------------------------------- side by side


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def test_the_second_run_on_an_organization_says_so_and_does_nothing(sandbox, sync):
    """Two real runs. The first is stopped in the middle of its reads until the second has ended."""
    slow = sandbox(1, 3)
    slow.faults({"service": "graph", "path": "/v1.0/users", "times": 1, "kind": "slow", "seconds": 10})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(sync, [1])
        while not any("/contacts" in each["path"] for each in slow.requests()):
            time.sleep(0.02)  # until it has the organization
        seen = -1
        while seen != (seen := len(slow.requests())):
            # Until it only waits for its users. Stopped while it counts a request, it would keep the count.
            time.sleep(0.5)
        stopped = family(sync.began.get())
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            second = sync([1])[1]
            assert people(slow) == (Counter(), Counter())
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        assert second["changed"] is False
        assert second["summary"]["actions"] == {"deferred": 3}
        assert {each["reason_code"] for each in second["contacts"]} == {"run_lock_stopped"}
        assert "nothing was written, because another run on this control node" in second["warnings"][0]
        # The settings that the task declares count for the run, and differ from what is stored: that alone is shown.
        assert {kind: each["stored"] for kind, each in second["settings_changes"].items()} == {
            "office365": False,
            "bms": False,
        }
        assert [each["after_header"] for each in second["diff"]] == [
            f"{title} of Client 1, declared and not stored by this run"
            for title in ("Office 365 sync settings", "BMS sync settings")
        ]
        assert first.result()[1]["summary"]["push"] == {"pushed": 3}
    assert people(slow) == (everybody(1, 3), everybody(1, 3))
    assert sync([1])[1]["changed"] is False


def test_a_preview_neither_waits_nor_is_waited_for(sandbox, sync):
    sandbox(1, 3, latency_ms={"itglue": 400})
    with ThreadPoolExecutor(2) as pool:
        first, preview = pool.submit(sync, [1], check=True), pool.submit(sync, [1], check=True)
        assert first.result()[1]["summary"]["actions"] == preview.result()[1]["summary"]["actions"] == {"create": 3}


def test_two_slices_of_one_inventory_side_by_side(sandbox, sync):
    """They overlap. Nobody is doubled, and both together keep one quota."""
    services = sandbox(10, 2, latency_ms={"itglue": 20, "bms": 20})
    with ThreadPoolExecutor(2) as pool:
        slices = [pool.submit(sync, clients, "-f", "4", bms_quota=14) for clients in (range(1, 8), range(4, 11))]
        done = [each.result() for each in slices]
    counts = sent(services)
    assert counts[f"POST {AUTHENTICATE}"] == 1
    assert counts[PUSH] <= 14
    assert counts[READ] <= 14
    itglue, bms = people(services)
    assert itglue == everybody(10, 2)
    assert max(bms.values()) == 1
    assert len(bms) == counts[PUSH]
    assert 429 not in {each["status"] for each in services.requests()}
    assert not any(each["failed"] for results in done for each in results.values())

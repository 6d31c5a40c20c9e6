# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests a run sends: a steady tenant costs few, a preview writes nothing, a first run is in bulk."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest

from tests.benchmarks import fleet, worlds
from tests.benchmarks.requests_sent import BMS_PAGE, GOAL, LINKED_GOAL, NO_LIMIT, further_pages
from tests.benchmarks.task import Done, sync
from tests.integration.fleet import run
from tests.sandbox.launch import running

USERS = 999
NEW_USERS = 300
FACTS = "/flexible_asset"
LOGINS = ("/oauth2/v2.0/token", "/security/authenticate")


def writes(done: Done) -> Counter[tuple[str, str, str]]:
    """What was sent that may change something, by service, method and path."""
    sent = [(each["service"], each["method"], each["path"]) for each in done.requests]
    changes = (each for each in sent if each[1] != "GET" and not each[2].endswith(LOGINS))
    return Counter(each for each in changes if not each[2].startswith(FACTS))


def fact_writes(done: Done) -> int:
    """How many requests wrote what a run remembers: the settings of these worlds are stored before."""
    return sum(each["method"] != "GET" and each["path"].startswith(FACTS) for each in done.requests)


@pytest.mark.parametrize("check", [True, False])
def test_a_tenant_that_is_all_linked(check):
    with running(worlds.world(1, USERS, strangers=True)) as sandbox:
        done = sync(sandbox, check=check, organization="1")

    assert done.summary["actions"] == {"linked": USERS}
    assert len(done.requests) <= LINKED_GOAL
    assert done.by_service()["bms"] == 0
    assert not writes(done)


@pytest.mark.parametrize("check", [True, False])
def test_contacts_that_bms_has_and_it_glue_has_not_linked_yet(check):
    with running(worlds.world(1, USERS, strangers=True, unlinked=5, in_bms=USERS)) as sandbox:
        done = sync(sandbox, check=check, organization="1")

    assert done.summary["push"] == {"already_in_bms": 5}
    assert USERS > BMS_PAGE
    # The first run of all makes the asset type of remembered facts.
    assert len(done.requests) <= GOAL + further_pages(USERS) + 5 * (not check)
    assert not writes(done)
    assert bool(fact_writes(done)) is not check


def test_contacts_that_an_earlier_run_has_found_in_bms_cost_bms_nothing():
    with running(worlds.world(1, USERS, strangers=True, unlinked=5, in_bms=USERS)) as sandbox:
        sync(sandbox, organization="1")
        done = sync(sandbox, organization="1")

    assert done.summary["push"] == {"already_in_bms": 5}
    assert (done.by_service()["bms"], done.by_service()["itglue"]) == (0, 4)
    assert not fact_writes(done)


def test_a_preview_of_a_first_run_writes_nothing():
    with running(worlds.world(1, NEW_USERS, contacts=0)) as sandbox:
        done = sync(sandbox, check=True, organization="1", **NO_LIMIT)

    assert done.summary["actions"] == {"create": NEW_USERS}
    assert not writes(done)


def test_a_first_run_creates_in_bulk_and_pushes_each_once():
    with running(worlds.world(1, NEW_USERS, contacts=0)) as sandbox:
        done = sync(sandbox, organization="1", **NO_LIMIT)
        again = sync(sandbox, organization="1", **NO_LIMIT)

    sent = writes(done)
    assert done.summary["push"] == {"pushed": NEW_USERS}
    assert sent["itglue", "POST", "/organizations/1/relationships/contacts"] == math.ceil(NEW_USERS / 50)
    assert sent["bms", "POST", "/v2/crm/contacts/summary"] == NEW_USERS
    # BMS takes no job title when a contact is created.
    titles = [count for (service, method, path), count in sent.items() if (service, method) == ("bms", "PATCH")]
    assert titles == [1] * NEW_USERS
    assert sum(sent.values()) == math.ceil(NEW_USERS / 50) + 2 * NEW_USERS
    assert not writes(again)
    assert not fact_writes(again)
    assert again.by_service()["bms"] == 0


def test_the_result_of_a_large_steady_tenant_is_small():
    with running(worlds.world(1, 10_000)) as sandbox:
        done = sync(sandbox, check=True, organization="1")

    assert done.summary["actions"] == {"linked": 10_000}
    assert done.size < 4_000


@pytest.mark.parametrize(("mode", "wanted"), [(["--check"], 1), ([], 3)])
def test_the_previews_of_a_run_share_the_asset_types(tmp_path, mode, wanted):
    """Both kinds are asked for once; a run that may write reads them for each of three clients."""
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps(fleet.inventory(range(1, 4))), encoding="utf-8")
    with running(worlds.world(3, 2)) as sandbox:
        ran = run(sandbox, "ansible-playbook", "-i", inventory, "--forks", "1", *mode, *fleet.PLAYBOOKS)
        asked = [each["path"] for each in sandbox.requests() if each["path"].startswith("/flexible_asset_types")]

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(asked) == wanted


def itglue_requests(sandbox, inventory, *arguments, **variables) -> tuple[int, str]:
    """How many requests to IT Glue the shipped playbook sends, and what it says."""
    sandbox.clear_requests()
    ran = run(sandbox, "ansible-playbook", "-i", inventory, "-v", *arguments, *fleet.PLAYBOOKS, **variables)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    sent = [each for each in sandbox.requests() if each["service"] == "itglue"]
    assert {each["method"] for each in sent} <= {"GET"}
    return len(sent), ran.stdout


def test_a_fleet_that_is_up_to_date_reads_it_glue_for_all_its_clients(tmp_path, private_directory):
    """60 clients of 200 contacts that are given by name cost 15 requests at most, one more than by id. In check mode
    and in batches it is no more; a few read for themselves.

    Nothing of what the processes shared is left. Where the lists cannot be shared, each client reads for itself.
    """
    inventory = tmp_path / "inventory.json"
    hosts = fleet.inventory(range(1, 61))
    inventory.write_text(json.dumps(hosts), encoding="utf-8")
    for number, host in enumerate(hosts["all"]["hosts"].values(), 1):
        host["itglue_organization"] = worlds.client_name(number)
    named = tmp_path / "named.json"
    named.write_text(json.dumps(hosts), encoding="utf-8")
    with running(worlds.world(60, 200)) as sandbox:
        real, message = itglue_requests(sandbox, named)
        preview, dummy = itglue_requests(sandbox, inventory, "--check", "--limit", "all[0:19]", "-e", "sync_serial=7")
        few, dummy = itglue_requests(sandbox, inventory, "--limit", "all[0:2]")
        sandbox.faults({"service": "itglue", "path": "/flexible_assets", "kind": "status", "status": 403})
        alone, reported = itglue_requests(sandbox, inventory, "--limit", "all[0:11]")

    assert real <= 15
    assert preview <= 20 / 4 + 1
    assert few <= 4 * 3
    assert alone <= 4 * 12
    assert "client by client" not in message
    assert reported.count("client by client") == 1
    assert not [path for path in private_directory.rglob("*") if path.name.startswith("run-")]

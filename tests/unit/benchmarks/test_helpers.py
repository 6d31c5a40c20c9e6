# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks compute themselves: limits, counts, the table."""

from __future__ import annotations

import json
import os
import time
from collections import Counter

from tests.benchmarks import first_run, fleet, guide, processes, report, requests_sent, script, worlds


def noted(service, method, path):
    return {"service": service, "method": method, "path": path, "status": 200}


def test_support_s_script_asks_for_each_contact():
    # One page of organizations and an empty one, the organization, three pages of contacts, each contact.
    assert requests_sent.support_script(250) == 3 + 3 + 250
    assert requests_sent.support_script(250, creates=250) == 3 + 3 + 250 + 1 + 250
    assert requests_sent.support_script(0) == 4


def test_the_first_page_is_no_further_one():
    assert [requests_sent.further_pages(count) for count in (0, 1, 100, 101, 999)] == [0, 0, 0, 1, 9]


def test_writes_to_bms_are_waited_for_side_by_side():
    sent = [
        noted("graph", "GET", "/v1.0/users"),
        noted("itglue", "GET", "/contacts"),
        noted("itglue", "POST", "/organizations/1/relationships/contacts"),
        noted("bms", "POST", "/v2/security/authenticate"),
        *[noted("bms", "POST", "/v2/crm/contacts/summary")] * 17,
        *[noted("bms", "PATCH", "/v2/crm/contacts/1")] * 8,
    ]

    assert first_run.rounds(sent) == (3, 3 + 1)


def test_the_script_sends_all_that_was_sent_with_the_token_of_its_tenant():
    requests = []
    for tenant in ("a", "b"):
        requests += [
            noted("graph", "GET", f"/{tenant}/v2.0/.well-known/openid-configuration"),
            noted("graph", "POST", f"/{tenant}{script.TOKEN}"),
            noted("itglue", "GET", f"/organizations/{tenant}"),
        ]
    requests += [noted("bms", "POST", script.LOGIN), noted("bms", "GET", "/v2/crm/accounts/summary")]
    requests += [noted("graph", "GET", "/v1.0/users?$top=999")] * 2

    first, second = script.chains(requests)

    assert len(first) + len(second) == len(requests) - 1  # the login to BMS comes before all of them
    for job, tenant in ((first, "a"), (second, "b")):
        paths = [each["path"] for each in job]
        assert paths[1:3] == [f"/{tenant}{script.TOKEN}", "/v1.0/users?$top=999"]


def test_a_row_has_its_ratio_and_whether_the_goal_is_met():
    row = report.Row("core", "10 users", 3.0, "s", "bare join", 2.0, 1.5, "at most 2 times", True)

    assert row.cells == ("core", "10 users", "3 s", "bare join: 2 s", "1.50", "at most 2 times", "met")
    assert "bare join: 2 s" in report.table([row])


def test_a_benchmark_that_is_run_alone_leaves_the_others_as_they_were(tmp_path):
    path = tmp_path / "bench.json"
    row = report.Row("core", "10 users", 3.0, "s")
    report.keep("core", [row], {"scale": 1.0}, path)
    report.keep("memory", [row], {"scale": 1.0}, path)
    report.keep("memory", [], {"scale": 0.5}, path)

    assert report.kept(json.loads(path.read_text()), ["core", "memory"]) == [row]


def test_the_guide_keeps_the_tables_of_benchmarks_that_were_not_run(tmp_path):
    path = tmp_path / "bench.json"
    empty = f"Before.\n\n{guide.BEGIN}\n\n{guide.END}\n\nAfter.\n"
    report.keep("core", [report.Row("core", "10 users", 3.0, "s")], {"scale": 1.0}, path)
    report.keep("states", [report.Row("states", "all", 2.15, "requests per client")], {"scale": 0.5}, path)
    whole = guide.written(empty, report.load(path))
    path.unlink()
    report.keep("core", [report.Row("core", "20 users", 4.0, "s")], {"scale": 1.0}, path)
    again = guide.written(whole, report.load(path))

    assert whole.startswith("Before.") and whole.endswith("After.\n")
    assert "2.15 requests per client" in again
    assert again == whole.replace("10 users", "20 users").replace("3 s", "4 s")
    assert guide.written(again, {}) == again


def test_the_old_requests_are_those_of_clients_that_read_for_themselves():
    tenant = worlds.tenant_id(1)
    run = [noted("graph", "POST", f"/{tenant}{script.TOKEN}"), noted("itglue", "GET", "/contacts")]
    old = Counter(each["service"] for each in fleet.old_requests(run, [1]))
    assert old == {"graph": 2, "itglue": 7}


def test_the_clients_of_a_world_are_distinguished():
    made = worlds.world(3, 4, unlinked=1, unlinked_clients=1, strangers=True)

    contacts = made["itglue"]["contacts"]
    assert len({each["id"] for each in contacts}) == len(contacts) == 3 * 5
    loose = [each for each in contacts if "adapters" in each and not each["adapters"]]
    assert [each["organization-id"] for each in loose] == [1]
    assert len(made["bms"]["contacts"]) == 3 * 4 - 1


def test_the_quota_of_bms_is_counted_for_each_endpoint():
    sent = [noted("bms", "GET", f"/v2/crm/accounts/{number}/locations/lookup") for number in range(3)]
    sent += [noted("bms", "GET", "/v2/crm/contacts/summary?Filter.AccountId=1")] * 2
    sent += [noted("itglue", "GET", "/contacts")] * 9

    assert fleet.busiest_endpoint(sent) == 3
    assert fleet.busiest_endpoint([]) == 0


def test_the_memory_of_a_process_counts_what_it_has_started(tmp_path):
    for ident, parent, kilobytes in ((10, 1, 2048), (11, 10, 1024), (12, 11, 512), (13, 1, 4096)):
        folder = tmp_path / str(ident)
        folder.mkdir()
        (folder / "stat").write_text(f"{ident} (a) b (c) S {parent} 0 0")
        (folder / "smaps_rollup").write_text(f"Rss: 9 kB\nPss:    {kilobytes} kB\nPss_Anon: 7 kB\n")
    (tmp_path / "11" / "smaps_rollup").unlink()  # it has ended in between

    assert processes.family(10, tmp_path) == {10, 11, 12}
    assert processes.memory(10, tmp_path) == 2.5


def test_the_peak_of_a_process_is_seen():
    with processes.Peak(os.getpid()) as peak:
        time.sleep(3 * processes.PAUSE)
    assert peak.megabytes > 1

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run over many clients: the shipped playbooks, a plain script, and a playbook of `uri` tasks.

The plain script sends what two playbooks sent before the processes of a run shared what they read: settings and
contacts of IT Glue client by client, and the endpoints of each tenant before its token. It sends the other requests of
the run as they are, and nothing else. A playbook with one trivial task for each client shows what of the work is
Ansible's own.

Settings are enforced and contacts previewed, for clients that are up to date: nine in ten are
fully linked, and the tenth has one contact that would be pushed. The services are the sandbox;
each of its answers takes 50 ms on its way.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.quota import LIMITS
from tests.sandbox.launch import ROOT, Running, running

from . import worlds
from .processes import Peak
from .report import Row

CLIENTS, USERS = 1_000, 200
#: A uri task takes a process, so a few clients tell how long many would take.
URI_CLIENTS = 3
LOOKED_UP = 10
#: Ansible's own default.
FORKS = 5
LATENCY = 50
SCRIPT_GOAL, WORK_GOAL, URI_GOAL = "at most as long", "at most 5 times", "40 times faster"
#: What IT Glue allows in five minutes, of which the collection takes a share, and BMS in an hour for each endpoint.
ITGLUE_LIMIT, ITGLUE_WINDOW = 3_000, 300
QUOTA_GOAL = 60
BMS_LIMIT = 1_500
#: Larger than any run: what is measured is not to be a wait for the quota.
QUOTA = 10_000_000
PLAYBOOKS = ("msp.psa_sync.sync_contacts",)
TRIVIAL = [{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "x"}}]}]
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ran:
    """Seconds of the wall clock and of all processes' work, megabytes of all processes, what was sent."""

    seconds: float
    cpu: float
    peak: float
    requests: list[Mapping[str, Any]]
    output: str


def inventory(clients: Sequence[int]) -> dict:
    """The clients as an MSP would list them; what they have in common stands with the group."""
    tenant_ids = {client: worlds.tenant_id(client) for client in clients}
    return {
        "all": {
            "hosts": {
                f"client{client:04}": {
                    "itglue_organization": str(client),
                    "tenant": tenant_ids[client],
                    "office365_sync_settings": {"tenant_id": tenant_ids[client]},
                }
                for client in clients
            },
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "office365_sync_defaults": worlds.OFFICE365,
                "bms_sync_defaults": worlds.BMS,
                "itglue_quota": QUOTA,
                "bms_quota": QUOTA,
            },
        }
    }


def measured(sandbox: Running, command: Sequence[str], folder: Path, **variables: str) -> Ran:
    """Run a command on the sandbox, as if nothing had run before."""
    sandbox.clear_requests()
    (folder / "runtime").mkdir(mode=0o700, exist_ok=True)
    for left in (folder / "runtime").rglob("*"):
        if left.is_file():
            left.unlink()
    environment = {**os.environ, **sandbox.env, "XDG_RUNTIME_DIR": str(folder / "runtime"), "LC_ALL": "C.UTF-8"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment | variables, stdout=output, stderr=subprocess.STDOUT
        )
        with Peak(process.pid) as peak:
            process.wait()
            seconds = time.perf_counter() - start
        output.seek(0)
        message = output.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{message[-4000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(seconds, cpu, peak.megabytes, sandbox.requests(), message)


def playbook(
    sandbox: Running, folder: Path, clients: Sequence[int], *playbooks: str, forks: int = FORKS, check: bool = True
) -> Ran:
    """One `ansible-playbook`; `playbooks` may hold options too."""
    hosts = folder / "inventory.json"
    hosts.write_text(json.dumps(inventory(clients)))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(hosts), *playbooks]
    command += ["--check"] if check else []
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".build" / "installed"))
    return measured(
        sandbox,
        command,
        folder,
        ANSIBLE_COLLECTIONS_PATH=collections,
        ANSIBLE_CONFIG=str(ROOT / "docs" / "examples" / "ansible.cfg"),
        ANSIBLE_FORKS=str(forks),
        ANSIBLE_NOCOWS="1",
    )


#: What IT Glue was asked for a client that is up to date: by the playbook of the settings, and by that of the contacts.
PAGE = "page%5Bsize%5D=1000&page%5Bnumber%5D=1"
ORGANIZATION = "/organizations/{client}?include=adapters_resources"
ASSETS = tuple(
    f"/flexible_assets?filter%5Bflexible-asset-type-id%5D={kind}&filter%5Borganization-id%5D={{client}}&{PAGE}"
    for kind in (1, 2)
)
CONTACTS = f"/contacts?filter%5Borganization_id%5D={{client}}&include=adapters_resources&sort=id&{PAGE}"
OLD_READS = (ORGANIZATION, *ASSETS, ORGANIZATION, *ASSETS, CONTACTS)
ENDPOINTS = "/{tenant}/v2.0/.well-known/openid-configuration"


def old_requests(requests: Sequence[Mapping[str, Any]], clients: Sequence[int]) -> list[Mapping[str, Any]]:
    """The requests of a run as it was when each client was read by itself."""

    def read(service: str, path: str) -> Mapping[str, Any]:
        return {"service": service, "method": "GET", "path": path, "status": 200}

    others = [each for each in requests if each["service"] != "itglue"]
    endpoints = [read("graph", ENDPOINTS.format(tenant=worlds.tenant_id(client))) for client in clients]
    reads = [read("itglue", path.format(client=client)) for client in clients for path in OLD_READS]
    return [*endpoints, *others, *reads]


def script(sandbox: Running, folder: Path, requests: Sequence[Mapping[str, Any]], *, threads: int = FORKS) -> Ran:
    """Requests from a plain script. Raises RuntimeError where it did not send these."""
    noted = folder / "requests.json"
    noted.write_text(json.dumps(requests))
    ran = measured(sandbox, [sys.executable, "-m", "tests.benchmarks.script", str(noted), str(threads)], folder)
    if (wanted := asked(requests)) != (sent := asked(ran.requests)):
        raise RuntimeError(f"The script did not send {wanted - sent}, but {sent - wanted}.")
    return ran


def asked(requests: Sequence[Mapping[str, Any]]) -> Counter[tuple[str, str, str]]:
    return Counter((each["service"], each["method"], each["path"]) for each in requests)


def busiest_endpoint(requests: Sequence[Mapping[str, Any]]) -> int:
    """How often the endpoint of BMS was asked that was asked most: each has a quota of its own."""
    endpoints = Counter(
        (each["method"], re.sub(r"/\d+", "/{id}", each["path"].partition("?")[0]))
        for each in requests
        if each["service"] == "bms"
    )
    return max(endpoints.values(), default=0)


def uri_playbook(path: Path, *, look_up: bool) -> Path:
    """What a user would write without the collection, for the same services, reading only.

    With `look_up`, each user's contact is asked for by its address, as scripts that are published
    for this job do (the first ones, which tell how long all would take); else the contacts are read
    in pages of 1,000 and joined in a template.
    """
    env = {name: f"{{{{ lookup('ansible.builtin.env', '{name}') }}}}" for name in URLS_AND_KEYS}
    itglue = {"headers": {"x-api-key": env["ITGLUE_API_KEY"]}, "ca_path": env["REQUESTS_CA_BUNDLE"]}
    asset_types = "{{ types.json.data | map(attribute='id') }}"

    def read(name: str, path: str, **keywords: Any) -> dict:
        return {"ansible.builtin.uri": {"url": env["ITGLUE_URL"] + path, **itglue}, "register": name, **keywords}

    contacts = "/contacts?filter[organization_id]={{ itglue_organization }}&include=adapters_resources"
    tasks = [
        {
            "ansible.builtin.uri": {
                "url": env["AZURE_AUTHORITY_HOST"] + "/{{ tenant }}/oauth2/v2.0/token",
                "method": "POST",
                "body_format": "form-urlencoded",
                "body": {
                    "grant_type": "client_credentials",
                    "client_id": env["AZURE_CLIENT_ID"],
                    "client_secret": env["AZURE_CLIENT_SECRET"],
                    "scope": env["GRAPH_URL"] + "/.default",
                },
                "ca_path": env["REQUESTS_CA_BUNDLE"],
            },
            "register": "token",
        },
        {
            "ansible.builtin.uri": {
                "url": env["GRAPH_URL"] + "/v1.0/users?$top=999&$select=id,mail,givenName,surname,jobTitle",
                "headers": {"Authorization": "Bearer {{ token.json.access_token }}"},
                "ca_path": env["REQUESTS_CA_BUNDLE"],
            },
            "register": "users",
        },
        read("organization", "/organizations/{{ itglue_organization }}?include=adapters_resources"),
        read("types", "/flexible_asset_types"),
        read(
            "assets",
            "/flexible_assets?filter[flexible-asset-type-id]={{ item }}"
            "&filter[organization-id]={{ itglue_organization }}",
            loop=asset_types,
        ),
    ]
    if look_up:
        tasks.append(
            read(
                "contacts",
                contacts + "&filter[primary_email]={{ item.mail }}",
                loop=f"{{{{ users.json.value[:{LOOKED_UP}] }}}}",
            )
            | {"loop_control": {"label": "{{ item.mail }}"}}
        )
    else:
        known = "contacts.json.data | map(attribute='attributes.contact-emails') | flatten | map(attribute='value')"
        missing = f"{{{{ users.json.value | map(attribute='mail') | difference({known}) }}}}"
        tasks += [read("contacts", contacts + "&page[size]=1000"), {"ansible.builtin.set_fact": {"missing": missing}}]
    for task in tasks:
        task |= {"check_mode": False}
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return path


URLS_AND_KEYS = (
    "ITGLUE_URL",
    "ITGLUE_API_KEY",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "GRAPH_URL",
    "REQUESTS_CA_BUNDLE",
)


def measure(scale: float, forks: int = FORKS) -> list[Row]:
    clients, users = max(10, round(CLIENTS * scale)), USERS
    candidates = clients // 10
    quotas = {"itglue_quota": QUOTA, "bms_quota": QUOTA}
    latency = {"latency_ms": dict.fromkeys(("graph", "itglue", "bms"), LATENCY)}
    world = worlds.world(clients, users, unlinked=1, unlinked_clients=candidates, behaviour=quotas | latency)
    numbers = range(1, clients + 1)
    with running(world) as sandbox, tempfile.TemporaryDirectory(prefix="fleet-") as directory:
        folder = Path(directory)
        trivial = folder / "trivial.json"
        trivial.write_text(json.dumps(TRIVIAL))
        floor = playbook(sandbox, folder, numbers, str(trivial), forks=forks)
        ours = playbook(sandbox, folder, numbers, *PLAYBOOKS, forks=forks)
        least = script(sandbox, folder, old_requests(ours.requests, numbers), threads=forks)
        few = numbers[-min(clients, URI_CLIENTS) :]
        lists = playbook(sandbox, folder, few, str(uri_playbook(folder / "lists.json", look_up=False)))
        one = numbers[-1:]
        lookups = playbook(sandbox, folder, one, str(uri_playbook(folder / "lookups.json", look_up=True)))
    what = f"{clients:,} clients of {users} users, {LATENCY} ms latency, {forks} forks"
    requests = len(ours.requests)
    to_itglue = sum(each["service"] == "itglue" for each in ours.requests)
    to_bms = busiest_endpoint(ours.requests)
    quota = to_itglue / LIMITS["itglue"].used * ITGLUE_WINDOW
    rows = [
        Row("fleet", what, ours.seconds, "s", "plain script", least.seconds, ours.seconds / least.seconds, SCRIPT_GOAL)
    ]
    rows[0] = replace(rows[0], met=rows[0].ratio <= 1)
    a_client = lists.seconds / len(few)
    a_user = max(0.0, lookups.seconds - a_client) / LOOKED_UP
    of_lists, of_lookups = clients * a_client, clients * (a_client + users * a_user)
    shown = f"uri playbook reading lists, scaled from {len(few)} clients"
    rows.append(Row("fleet", "the same", ours.seconds, "s", shown, of_lists, of_lists / ours.seconds))
    shown, ratio = f"uri playbook looking up each user, scaled from {LOOKED_UP} users", of_lookups / ours.seconds
    rows.append(Row("fleet", "the same", ours.seconds, "s", shown, of_lookups, ratio, URI_GOAL, ratio >= 40))
    return [
        *rows,
        Row(
            "fleet",
            "IT Glue's quota alone, at the collection's share",
            quota,
            "s",
            goal=f"at most {QUOTA_GOAL} s",
            met=quota <= QUOTA_GOAL * max(1, clients / CLIENTS),
        ),
        Row(
            "fleet",
            "work of all processes of Ansible",
            ours.cpu,
            "s",
            "of the script",
            least.cpu,
            ours.cpu / least.cpu,
            WORK_GOAL,
            ours.cpu / least.cpu <= 5,
        ),
        Row(
            "fleet",
            "of it Ansible's own: a playbook with one trivial task for each client",
            floor.cpu,
            "s",
            "of the script",
            least.cpu,
            floor.cpu / least.cpu,
        ),
        Row(
            "fleet", "the same: time", floor.seconds, "s", "plain script", least.seconds, floor.seconds / least.seconds
        ),
        Row("fleet", f"requests ({to_itglue:,} to IT Glue)", requests, "requests", "script", len(least.requests)),
        Row("fleet", "quota used of IT Glue, by the five minutes", to_itglue, "requests", "allowed", ITGLUE_LIMIT),
        Row("fleet", "quota used of BMS's busiest endpoint, by the hour", to_bms, "requests", "allowed", BMS_LIMIT),
        Row("fleet", "peak memory of all processes of Ansible", ours.peak, "MB", "of the script", least.peak),
    ]

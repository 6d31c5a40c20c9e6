# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples that can run are run against the sandbox: those of the quick start, and those of every plugin."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.integration.fleet import run, with_settings
from tests.sandbox.launch import running
from tests.tools.files import ROOT
from tests.tools.guides import Block, of_guide, of_plugin, plugins

Json = dict[str, Any]

QUICK_START = of_guide("quick_start_guide")
DEMO = json.loads((ROOT / "tests" / "demo" / "world.json").read_text(encoding="utf-8"))
END = "----- end of a run"
RECAP = re.compile(r"^(\w+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 ", re.MULTILINE)

TENANT, PARTNER = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11", "11111111-2222-4333-8444-555555555555"
GONE, FRESH = "0f6d5c51-9a3e-4d0c-8a55-3c1b7d2e9a22", "a2b7e0d4-41c6-4f7e-b9d8-5e6f7a8b9c33"
SETTINGS = {
    "msp.psa_sync.office365_sync_settings": {
        "organization": "Happy Frog",
        "tenant_id": TENANT,
        "set_phone_numbers_primary": True,
        "phone_type": "Office",
    },
    "msp.psa_sync.bms_sync_settings": {
        "organization": "Happy Frog",
        "contact_sync": True,
        "two_way_sync": True,
        "auto_push_office365_contacts": True,
        "email_type": "Work",
        "phone_type": "Work",
    },
}
# What an example takes for granted. Those of contact_sync follow one another as a run does, and its plan has something
# to say only before the others.
STORED = [{"name": f"Store {module}", module: options} for module, options in SETTINGS.items()]
BEFORE = dict.fromkeys(("contact_sync", "bms_sync_settings_info", "office365_sync_settings_info"), STORED)
FIRST = ("See what", "Preview", "Write the plan", "Apply what", "Revert it")


def user(name: str) -> Json:
    address = f"{name}@happyfrog.example"
    first, dummy, last = name.title().partition(".")
    return {
        "id": f"user-{name}",
        "userPrincipalName": address,
        "mail": address,
        "proxyAddresses": [f"SMTP:{address}"],
        "givenName": first,
        "surname": last or None,
        "businessPhones": ["+1 555 010 0100"],
        "assignedLicenses": [{"skuId": "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"}],
    }


def contract(tenant: str, name: str, domain: str) -> Json:
    return {"customerId": tenant, "displayName": name, "defaultDomainName": domain}


def account(ident: int, name: str, place: str) -> Json:
    return {"id": ident, "accountName": name, "locations": [{"id": ident, "locationName": place, "isMain": True}]}


WORLD = {
    "entra": {
        "tenants": [
            {"tenant_id": PARTNER, "display_name": "Our MSP", "partner": True},
            {
                "tenant_id": TENANT,
                "display_name": "Happy Frog",
                "verified_domains": ["happyfrog.example"],
                "users": [user("jo.smith"), user("joanna.smith"), user("scanner")],
                "groups": [{"id": FRESH, "displayName": "Staff", "members": ["user-jo.smith"]}],
            },
        ],
        "contracts": [
            contract(TENANT, "Happy Frog", "happyfrog.onmicrosoft.com"),
            contract(GONE, "Old Client", "oldclient.onmicrosoft.com"),
            contract(FRESH, "Sad Toads", "sadtoad.onmicrosoft.com"),
        ],
    },
    "itglue": {
        "organizations": [
            {"id": 1, "name": "Our MSP", "primary": True},
            {"id": 2, "name": "Happy Frog"},
            {"id": 3, "name": "Sad Toad"},
            {"id": 4, "name": "Sandbox Ltd"},
        ],
        "locations": [
            {"id": 10, "organization-id": 2, "name": "Pond", "primary": True},
            {"id": 11, "organization-id": 4, "name": "Box", "primary": True},
        ],
        "contact_types": [{"id": 24, "name": "Former employee"}],
        "contacts": [{"id": 72, "organization-id": 2, "first-name": "Joe", "last-name": "Smith", "location-id": 10}],
    },
    "bms": {
        "email_types": [{"id": 1, "name": "Work"}],
        "phone_types": [{"id": 1, "name": "Work"}],
        "accounts": [account(2528, "Happy Frog", "Pond"), account(2529, "Sandbox Ltd", "Box")],
    },
}


# -------------------------------------------------------------------- quick start


def script(blocks: list[Block], replace: dict[str, str], leave_out: str) -> str:
    """The commands of the blocks, stopping at the first that fails."""
    text = "\n".join(block.text for block in blocks if block.kind == "shell")
    for old, new in replace.items():
        assert old in text
        text = text.replace(old, new)
    text = re.sub("^(ansible-playbook .*)$", rf"\1; echo {END}", text, flags=re.MULTILINE)
    return "set -euo pipefail\n" + re.sub(rf"^({leave_out}) .*$", "", text, flags=re.MULTILINE)


def changed(shown: str) -> list[dict[str, str]]:
    """For each command, how many tasks of each client have changed something. A failure is missing."""
    return [dict(RECAP.findall(run)) for run in shown.split(END)[:-1]]


def part(title: str) -> list[Block]:
    """The blocks below a heading of the quick start."""
    lines = (ROOT / "docs" / "docsite" / "rst" / "quick_start_guide.rst").read_text(encoding="utf-8").splitlines()
    here = [number for number, line in enumerate(lines, 1) if line == title]
    below = [number for number, line in enumerate(lines, 1) if re.fullmatch("-{4,}", line) and number > here[0] + 1]
    end = below[0] if below else len(lines) + 1
    return [block for block in QUICK_START if here[0] < int(block.where.rpartition(":")[2]) < end]


def bash(text: str, **variables: str) -> str:
    done = subprocess.run(
        ["bash", "-c", text],
        check=False,
        cwd=variables.pop("PWD", ROOT),
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_quick_start_on_the_sandbox(tmp_path):
    """As it is written, but for where its files lie; what is made beforehand is made."""
    wait = f"for n in $(seq 600); do [ -s {tmp_path}/sandbox.env ] && break; sleep 0.1; done; trap 'kill %1' EXIT"
    replace = {
        "/tmp/": f"{tmp_path}/",
        ".venv/bin/python": sys.executable,
        "$PWD/.venv/bin": str(Path(sys.executable).parent),
        "while IFS": f"{wait}\nwhile IFS",
    }
    shown = bash(script(part("On the sandbox"), replace, "make"))

    first, second, third = changed(shown)
    # One task for each client stores the settings and syncs the contacts.
    assert first == second == dict.fromkeys(first, "1")
    assert third == dict.fromkeys(first, "0")
    assert len(first) == 3
    assert "Real run" in (tmp_path / "sync_report" / "sync_report.html").read_text(encoding="utf-8")


def test_the_quick_start_on_a_client(tmp_path):
    """The files under their captions, and the commands with the addresses and credentials of the sandbox."""
    blocks = part("On a client of yours")
    for block in blocks:
        if block.caption:
            path = tmp_path / block.caption
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    assert len(list(tmp_path.rglob("*.*"))) == 4
    commands = script(blocks, {}, "pip|ansible-galaxy|export")
    with running(DEMO) as sandbox:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        shown = bash(commands, PWD=str(tmp_path), PATH=path, **sandbox.env)
        state = sandbox.state()

    assert [each["happy_frog"] for each in changed(shown)] == ["0", "0", "1", "1", "1"]
    # The settings of both sides, and what the run remembers.
    assert len(state["itglue"]["flexible_assets"]) == 3
    made = [each["last-name"] for each in state["itglue"]["contacts"][len(DEMO["itglue"]["contacts"]) :]]
    assert "Okafor" in made
    assert (tmp_path / "sync_report" / "sync_report.html").is_file()


# ------------------------------------------------------------------------ plugins


def tasks(module: str, examples: str) -> list[Json]:
    """The tasks of a module's examples, in an order in which they make sense."""
    found = yaml.safe_load(examples)
    if module == "contact_sync":
        found.sort(key=lambda each: not each["name"].startswith(FIRST))
    return BEFORE.get(module, []) + found


def test_the_examples_of_every_module_run(tmp_path):
    modules = [path for path in plugins() if path.parent.name == "modules"]
    plays = [
        {
            "name": path.stem,
            "hosts": "localhost",
            "gather_facts": False,
            # The sandbox pushes at once or not at all.
            "module_defaults": {"msp.psa_sync.api_probe": {"push_wait": 1}},
            "tasks": tasks(path.stem, of_plugin(path).text.replace("/tmp/", f"{tmp_path}/")),
        }
        for path in modules
    ]
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    with running(WORLD) as sandbox:
        done = run(sandbox, "ansible-playbook", "-i", "localhost,", "-c", "local", playbook)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(modules) > 8
    ran = re.findall(r"^TASK \[(.+?)\]", done.stdout, re.MULTILINE)
    assert ran == [task["name"] for play in plays for task in play["tasks"]]
    assert RECAP.search(done.stdout)


def test_the_examples_of_the_inventory_run(tmp_path):
    (path,) = [path for path in plugins() if path.stem == "tenants"]
    world = with_settings(DEMO, {1: {"office365": {"tenant_id": TENANT}}, 3: {"bms": {"contact_sync": True}}})
    world["itglue"]["organizations"][1] |= {
        "organization-type-name": "Customer",
        "organization-status-name": "Active",
    }
    found = []
    with running(world) as sandbox:
        (tmp_path / ".itglue_key").write_text(sandbox.env["ITGLUE_API_KEY"], encoding="utf-8")
        here = {"itglue_url: eu": f"itglue_url: {sandbox.env['ITGLUE_URL']}", "~/": f"{tmp_path}/"}
        for text in of_plugin(path).text.split("---\n"):
            for old, new in here.items():
                text = text.replace(old, new)
            source = tmp_path / "tenants.yml"
            source.write_text(text, encoding="utf-8")
            done = run(sandbox, "ansible-inventory", "-i", source, "--list")
            assert done.returncode == 0, done.stderr
            found.append(set(json.loads(done.stdout)["_meta"]["hostvars"]))
    # The second takes active customers only.
    assert found == [{"happy_frog", "sakura_design"}, {"happy_frog"}]

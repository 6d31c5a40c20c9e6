# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of clients: the inventory of tenants, their matching, the audit, and the playbooks over them."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.fleet import run, with_settings
from tests.sandbox.launch import Running, running
from tests.trust.tally import by_day

PARTNER = "99999999-0000-4000-8000-000000000099"
FROG, TOAD, NEWT, GONE = (f"0000000{number}-0000-4000-8000-00000000000{number}" for number in range(1, 5))
SKU = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
KEY = "ITG.key-of-the-sandbox"
ATTACK = "{{ lookup('ansible.builtin.pipe', 'touch FILE') }}"
PUSHING = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Work",
}
PHONES = {"set_phone_numbers_primary": True, "phone_type": "Office"}


def user(name: str, **properties) -> dict:
    """A user with the name `first.last`, who would be synced."""
    first, last = name.title().split(".")
    return {
        "id": f"user-{name}",
        "userPrincipalName": f"{name}@frog.example",
        "mail": f"{name}@frog.example",
        "proxyAddresses": [f"SMTP:{name}@frog.example"],
        "givenName": first,
        "surname": last,
        "businessPhones": ["+1 555 010 0100"],
        "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
        **properties,
    }


def contact(ident: int, name: str, *addresses: str, **properties) -> dict:
    first, last = name.split()
    return {
        "id": ident,
        "organization-id": 2,
        "first-name": first,
        "last-name": last,
        "location-id": 10,
        "contact-emails": [
            {"value": value, "label-name": "Work", "primary": not number} for number, value in enumerate(addresses)
        ],
        **properties,
    }


def bms_contact(ident: int, name: str, *addresses: str, **properties) -> dict:
    first, last = name.split()
    return {
        "id": ident,
        "accountId": 2528,
        "locationId": 3169,
        "firstName": first,
        "lastName": last,
        "emails": [
            {"emailAddress": value, "emailTypeId": 1, "isDefault": not number} for number, value in enumerate(addresses)
        ],
        "phones": [{"phone": "5550100", "phoneTypeId": 2, "isDefault": True}],
        **properties,
    }


def organization(ident: int, name: str, **properties) -> dict:
    kind = {"organization-type-name": "Customer", "organization-status-name": "Active"}
    return {"id": ident, "name": name, **kind, **properties}


LINK = [{"adapter-type-name": "Kaseya BMS", "remote-id": "2528", "sync": True, "orphaned": False}]
WORLD = {
    "entra": {
        "client_id": "app",
        "client_secret": "secret-of-the-app",
        "tenants": [
            {"tenant_id": PARTNER, "display_name": "Our MSP", "partner": True},
            {
                "tenant_id": FROG,
                "display_name": "Happy Frog",
                "verified_domains": ["frog.example"],
                "users": [
                    user("ada.adams"),
                    user("bob.both"),
                    user("pat.phoneless", businessPhones=[]),
                    user("zoe.bmsonly"),
                    user("nell.nobody"),
                ],
            },
            {"tenant_id": TOAD, "display_name": "Sad Toad", "consent": False, "users": [user("a.b")]},
            {"tenant_id": NEWT, "display_name": "Newt", "users": [user("new.newt")]},
        ],
        "contracts": [
            {"customerId": FROG, "displayName": "Happy Frog", "defaultDomainName": "frog.onmicrosoft.com"},
            {"customerId": TOAD.upper(), "displayName": "Sad Toad", "defaultDomainName": "toad.onmicrosoft.com"},
            {"customerId": NEWT, "displayName": "Newts & Co", "defaultDomainName": "newts.onmicrosoft.com"},
        ],
        "delegated_admin_relationships": [
            {"id": "r1", "status": "active", "customer": {"tenantId": FROG, "displayName": "Happy Frog"}},
            {"id": "r2", "status": "terminated", "customer": {"tenantId": TOAD, "displayName": "Sad Toad"}},
            {"id": "r3", "status": "active", "customer": {"tenantId": FROG, "displayName": "Happy Frog again"}},
        ],
    },
    "itglue": {
        "api_key": KEY,
        "organizations": [
            organization(1, "Our MSP", primary=True),
            organization(2, "Happy Frog", adapters=LINK),
            organization(3, "Sad Toad", **{"organization-status-name": "Inactive"}),
            organization(4, "Newt & Söhne GmbH"),
            organization(5, "happy frog!", **{"organization-type-name": "Vendor"}),
        ],
        "locations": [{"id": 10, "organization-id": 2, "name": "Pond", "primary": True}],
        "contact_types": [{"id": 24, "name": "Employee"}],
        "contacts": [
            contact(71, "Ada Adams", "ada.adams@frog.example", "info@frog.example"),
            contact(72, "Dora Double", "info@frog.example"),
            contact(73, "Bob Both", "bob@elsewhere.example"),
            contact(74, "Bob Both", "bob@other.example"),
            contact(
                75,
                "Mike Microsoft",
                "mike@frog.example",
                adapters=[{"adapter-type-name": "Microsoft 365", "remote-id": "x", "sync": True, "orphaned": False}],
            ),
        ],
    },
    "bms": {
        "company": "MSP",
        "username": "api",
        "password": "password-of-the-user",
        "email_types": [{"id": 1, "name": "Work"}, {"id": 3, "name": "Home"}],
        "phone_types": [{"id": 2, "name": "Work"}],
        "accounts": [
            {
                "id": 2528,
                "accountName": "Happy Frog",
                "locations": [{"id": 3169, "locationName": "Headquarters", "isMain": True}],
            },
            {"id": 2529, "accountName": "Sad Toad", "locations": [{"id": 3170, "locationName": "HQ", "isMain": True}]},
        ],
        "contacts": [
            bms_contact(901, "Zoe Bmsonly", "zoe.bmsonly@frog.example"),
            bms_contact(902, "Ivan Inactive", "ivan@frog.example", isActive=False),
            bms_contact(903, "Ada Adams", "ada.adams@frog.example"),
            bms_contact(904, "Ada Adams", "ada.adams@frog.example"),
        ],
    },
}
SETTINGS = {
    1: {"tenants": {"ignored": [f"{GONE} An old client"]}},
    2: {"office365": {"tenant_id": FROG, **PHONES}, "bms": PUSHING},
    3: {"office365": {"tenant_id": TOAD}, "bms": {"push_method": "native"}},
}


@pytest.fixture(scope="module")
def started():
    with running(WORLD) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started) -> Running:
    started.load(with_settings(WORLD, SETTINGS))
    started.faults()
    started.clear_requests()
    return started


def carry(sandbox: Running, *changes: dict, **settings) -> None:
    """Load a world with other settings, and with changes to its section of IT Glue."""
    world = json.loads(json.dumps(WORLD))
    for change in changes:
        world["itglue"].update(change)
    sandbox.load(with_settings(world, settings.get("settings", SETTINGS)))
    sandbox.clear_requests()


def paths(sandbox: Running) -> list[str]:
    return [each["path"].split("?")[0] for each in sandbox.requests()]


def writes(sandbox: Running) -> list[str]:
    sent = (each for each in sandbox.requests() if each["method"] != "GET" and each["service"] == "itglue")
    return [f"{each['method']} {each['path'].split('/')[1]}" for each in sent]


# -------------------------------------------------------------------- inventory


@pytest.fixture
def inventory(sandbox, tmp_path):
    """Writes a configuration and returns what ansible-inventory makes of it."""

    def inventory(*arguments: str, succeeds: bool = True, name: str = "tenants.yml", **options):
        path = tmp_path / name
        path.write_text(yaml.safe_dump({"plugin": "msp.psa_sync.tenants", **options}))
        done = run(
            sandbox, "ansible-inventory", "-i", path, *(arguments or ("--list",)), ANSIBLE_INVENTORY_UNPARSED_FAILED="1"
        )
        inventory.said = done.stderr
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return json.loads(done.stdout) if succeeds and not arguments else done.stdout

    return inventory


def hosts_of(listed: dict) -> dict[str, dict]:
    return listed["_meta"]["hostvars"]


def plain(value: object) -> object:
    """What ansible-inventory marks as unsafe, without the mark."""
    if isinstance(value, dict):
        return (
            value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else {k: plain(v) for k, v in value.items()}
        )
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.every_core
def test_organizations_with_settings_are_hosts_with_all_that_the_modules_need(sandbox, inventory):
    hosts = plain(hosts_of(inventory()))
    assert set(hosts) == {"happy_frog", "sad_toad"}
    frog = hosts["happy_frog"]
    assert frog["itglue_organization"] == frog["psa_sync_organization_id"] == 2
    assert frog["psa_sync_organization_name"] == "Happy Frog"
    assert (frog["psa_sync_tenant_id"], frog["psa_sync_tenant_state"]) == (FROG, "matched")
    assert (frog["psa_sync_push_method"], frog["psa_sync_pushes"]) == ("direct", True)
    assert frog["psa_sync_bms_settings"]["email_type"] == "Work"
    assert frog["psa_sync_office365_settings"]["user_filter"]["licensed_only"] is True
    assert frog["psa_sync_stored"] == ["office365", "bms"]
    assert frog["ansible_connection"] == "local"
    assert sorted(paths(sandbox)) == ["/flexible_asset_types", *["/flexible_assets"] * 3, "/organizations"]


@pytest.mark.every_core
def test_groups_of_their_own_composed_and_keyed(inventory):
    graph = inventory(
        "--graph",
        strict=True,
        compose={"short": "psa_sync_organization_name | upper"},
        groups={"frogs": "'Frog' in psa_sync_organization_name"},
        keyed_groups=[{"key": "psa_sync_pushes | ternary('on', 'off')", "prefix": "push"}],
    )
    members = yaml.safe_load(inventory("--list", "--yaml", groups={"frogs": "'Frog' in psa_sync_organization_name"}))
    for group in ("type_customer", "status_active", "status_inactive", "push_method_native", "tenant_matched"):
        assert f"@{group}:" in graph
        assert group in members["all"]["children"]
    assert set(members["all"]["children"]["frogs"]["hosts"]) == {"happy_frog"}
    for group in ("frogs", "push_on", "push_off"):
        assert f"@{group}:" in graph
    assert "@type_customer:" not in inventory("--graph", default_groups=False)


def test_states_of_tenants_and_a_tenant_that_two_claim(sandbox, inventory):
    settings = {
        **SETTINGS,
        1: {"tenants": {"ignored": [TOAD]}},
        4: {"bms": {"account": "7"}},
        5: {"office365": {"tenant_id": FROG}},
    }
    carry(sandbox, settings=settings)
    listed = inventory()
    states = {name: plain(values)["psa_sync_tenant_state"] for name, values in hosts_of(listed).items()}
    assert states == {
        "happy_frog": "conflict",
        "happy_frog_5": "conflict",
        "newt_sohne_gmbh": "unmatched",
        "sad_toad": "ignored",
    }
    assert listed["tenant_conflict"]["hosts"] == ["happy_frog", "happy_frog_5"]
    assert "Happy Frog (2), happy frog! (5)" in " ".join(inventory.said.split())


@pytest.mark.parametrize(
    ("rules", "expected"),
    by_day(
        (
            ([{"exclude": "psa_sync_organization_status != 'Active'"}], {"happy_frog"}),
            ([{"include": "psa_sync_push_method == 'native'"}, {"exclude": True}], {"sad_toad"}),
            ([{"exclude": "psa_sync_organization_name in ['Happy Frog']"}, {"include": True}], {"sad_toad"}),
            ([{"exclude": "no_such_variable"}], {"happy_frog", "sad_toad"}),
            ([{"exclude": True}], set()),
        ),
        2,
        1,
    ),
)
def test_filters(inventory, rules, expected):
    assert set(hosts_of(inventory(filters=rules))) == expected


@pytest.mark.parametrize("rules", [[{"exclude": True, "include": True}], [{"without": "x"}]])
def test_a_filter_that_is_none_is_refused(inventory, rules):
    inventory(filters=rules, succeeds=False)
    assert "Rule 1 of filters" in " ".join(inventory.said.split())


def test_a_filter_that_cannot_be_evaluated_is_an_error_where_it_is_strict(inventory):
    inventory(filters=[{"exclude": "no_such_variable"}], strict=True, succeeds=False)
    assert "no_such_variable" in inventory.said


def test_hosts_can_have_ids_or_names(inventory):
    assert set(hosts_of(inventory(host_name="id"))) == {"2", "3"}
    assert set(hosts_of(inventory(host_name="name"))) == {"Happy Frog", "Sad Toad"}


def test_a_file_must_have_one_of_the_names(sandbox, inventory):
    assert hosts_of(inventory(name="eu.psa_sync.yaml"))
    sandbox.clear_requests()
    inventory(name="clients.yml", succeeds=False)
    assert sandbox.requests() == []


@pytest.mark.every_core
def test_the_cache_is_used_holds_no_secret_and_is_of_one_it_glue(sandbox, inventory, tmp_path):
    cache = tmp_path / "cache"
    options = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(cache),
        "itglue_api_key": "{{ lookup('ansible.builtin.env', 'ITGLUE_API_KEY') }}",
    }
    first = inventory(**options)
    assert len(sandbox.requests()) == 5
    sandbox.clear_requests()
    assert inventory(**options) == first
    assert sandbox.requests() == []
    (file,) = cache.iterdir()
    assert "Happy Frog" in file.read_text()
    assert KEY not in file.read_text()
    # Options count for what is cached as for what is read.
    assert set(hosts_of(inventory(host_name="id", **options))) == {"2", "3"}
    assert sandbox.requests() == []
    inventory(itglue_url=sandbox.env["ITGLUE_URL"] + "/", **options)
    assert len(sandbox.requests()) == 5
    sandbox.clear_requests()
    # ansible-inventory has that option from ansible-core 2.19 on.
    (tmp_path / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False}]))
    flushed = run(
        sandbox,
        "ansible-playbook",
        "-i",
        tmp_path / "tenants.yml",
        "--flush-cache",
        "--list-hosts",
        tmp_path / "play.json",
    )
    assert flushed.returncode == 0, flushed.stdout + flushed.stderr
    assert len(sandbox.requests()) == 5


@pytest.mark.every_core
def test_what_the_api_says_is_never_a_template(sandbox, tmp_path):
    touched = tmp_path / "touched"
    attack = ATTACK.replace("FILE", str(touched))
    attacked = [organization(2, attack, **{"organization-type-name": attack}), *WORLD["itglue"]["organizations"][2:]]
    settings = {2: {"office365": {"contact_type": attack}, "bms": {"account": attack}}}
    carry(sandbox, {"organizations": attacked, "contacts": [], "locations": []}, settings=settings)
    sources = []
    for host_name in ("slug", "name"):
        sources += ["-i", tmp_path / f"{host_name}.psa_sync.yml"]
        sources[-1].write_text(
            yaml.safe_dump(
                {
                    "plugin": "msp.psa_sync.tenants",
                    "host_name": host_name,
                    "strict": True,
                    "compose": {"greeting": "'Dear ' ~ psa_sync_organization_name"},
                    "groups": {"some": "psa_sync_organization_name is defined"},
                    "keyed_groups": [{"key": "psa_sync_organization_type"}],
                    "filters": [{"include": "psa_sync_bms_settings.account is defined"}],
                    "cache": True,
                    "cache_plugin": "jsonfile",
                    "cache_connection": str(tmp_path / f"cache of {host_name}"),
                }
            )
        )
    show = "{{ greeting }} {{ inventory_hostname }} {{ psa_sync_office365_settings.contact_type }}"
    more = "{{ psa_sync_bms_settings }} {{ hostvars[inventory_hostname] | string }} {{ groups }} {{ group_names }}"
    tasks = [{"ansible.builtin.debug": {"msg": f"{show} {more}"}}]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    for dummy in ("read", "from the cache"):
        done = run(sandbox, "ansible-playbook", *sources, tmp_path / "play.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count('"msg": "Dear {{ lookup') == 2
        assert not touched.exists()


def test_an_error_names_what_to_do_and_no_secret(sandbox, inventory):
    wrong = "ITG.a-key-that-is-wrong-here"
    inventory(itglue_api_key=wrong, succeeds=False)
    assert "itglue_api_key" in inventory.said
    assert wrong not in inventory.said
    inventory(itglue_url="", itglue_api_key="", succeeds=False)
    assert "ITGLUE_URL" in inventory.said


def test_the_example_is_a_configuration(sandbox, inventory, tmp_path):
    module = importlib.import_module("ansible_collections.msp.psa_sync.plugins.inventory.tenants")
    (tmp_path / "key").write_text(KEY)
    short, long = yaml.safe_load_all(module.EXAMPLES)
    for example in (short, long):
        del example["plugin"], example["itglue_url"]
        if "itglue_api_key" in example:
            example["itglue_api_key"] = example["itglue_api_key"].replace("~/.itglue_key", str(tmp_path / "key"))
            example["cache_connection"] = str(tmp_path / "cache")
    assert set(hosts_of(inventory(strict=True, **short))) == {"happy_frog", "sad_toad"}
    listed = inventory(strict=True, **long)
    assert set(hosts_of(listed)) == {"happy_frog"}
    assert listed["push_on"]["hosts"] == ["happy_frog"]


# -------------------------------------------------------------- matching tenants


@pytest.fixture
def play(sandbox, tmp_path):
    """Runs tasks that register their results under their names, one or several; returns these by name."""

    def play(*tasks: dict, options: tuple[str, ...] = (), succeeds: bool = True, **variables: str) -> dict:
        names = [task["register"] for task in tasks]
        written = {
            "keep": {
                "dest": str(tmp_path / "results.json"),
                "content": "{{ dict(names | zip(names | map('extract', vars))) | to_json }}",
            },
            "vars": {"names": names},
        }
        path = tmp_path / "play.json"
        connected = {"hosts": "localhost", "connection": "local", "gather_facts": False}
        path.write_text(json.dumps([{**connected, "tasks": [*tasks, written]}]))
        done = run(sandbox, "ansible-playbook", path, *options, **variables)
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        play.said = done.stdout + done.stderr
        return json.loads((tmp_path / "results.json").read_text())

    return play


def task(module: str, register: str, *, check: bool = False, fails: bool = False, **arguments) -> dict:
    name = f"msp.psa_sync.{module}"
    return {"name": register, name: arguments, "register": register, "check_mode": check, "ignore_errors": fails}


def step(register: str, **arguments) -> list[dict]:
    """A declaration in check mode, for real, and the same again."""
    return [
        task("tenant_match", f"{register}_{mode}", check="check" in mode, **arguments)
        for mode in ("check", "real", "again_check", "again")
    ]


def matched(sandbox: Running) -> dict[int, str | None]:
    """Organization id to the tenant id that lies in IT Glue."""
    assets = sandbox.state()["itglue"]["flexible_assets"]
    return {
        each["organization-id"]: each["traits"].get("tenant-id")
        for each in assets
        if each["traits"]["title"] == "Office 365 Sync Settings"
    }


def ignored(sandbox: Running) -> list[str]:
    (asset,) = (
        each
        for each in sandbox.state()["itglue"]["flexible_assets"]
        if each["traits"]["title"] == "Ignored Microsoft Tenants"
    )
    return (asset["traits"].get("ignored-tenants") or "").replace("<br>", "").split("\n")


def test_the_tenants_that_the_partner_sees_with_their_states(sandbox, play):
    result = play(task("tenant_match_info", "info", partner_tenant_id=PARTNER))["info"]
    shown = {each["tenant"]["name"]: each for each in result["tenants"]}
    assert list(shown) == ["Happy Frog", "Newts & Co", "Sad Toad"]
    assert shown["Happy Frog"]["state"] == "matched"
    assert shown["Happy Frog"]["matched_by"] == "setting"
    assert shown["Happy Frog"]["organization"] == {"id": 2, "name": "Happy Frog"}
    assert shown["Sad Toad"]["tenant"]["id"] == TOAD  # as it was stored, whatever its case
    newt = shown["Newts & Co"]
    assert (newt["state"], newt["matched_by"], newt["organization"]) == ("unmatched", None, None)
    assert newt["suggestions"][0]["organization"] == {"id": 4, "name": "Newt & Söhne GmbH"}
    assert 60 <= newt["suggestions"][0]["score"] < 100
    counts = {key: value for key, value in result["summary"].items() if key != "api_calls"}
    assert counts == {"tenants": 3, "matched": 2, "ignored": 0, "unmatched": 1}
    assert result["summary"]["api_calls"] == {"graph": 2, "itglue": 5, "bms": 0}
    assert writes(sandbox) == []


def test_an_exact_name_is_marked_and_not_stored(sandbox, play):
    carry(sandbox, settings={})
    first, second = (
        task("tenant_match_info", name, partner_tenant_id=PARTNER, state="matched") for name in ("first", "second")
    )
    done = play(first, second)
    found = [(each["tenant"]["name"], each["matched_by"], each["organization"]) for each in done["first"]["tenants"]]
    assert found == [
        ("Happy Frog", "name", {"id": 2, "name": "Happy Frog"}),
        ("Sad Toad", "name", {"id": 3, "name": "Sad Toad"}),
    ]
    assert done["second"]["tenants"] == done["first"]["tenants"]
    assert writes(sandbox) == []


def test_tenants_by_delegated_admin_relationships_or_from_a_list(sandbox, play):
    source = {"source": "delegated_admin_relationships"}
    given = {"tenants": [{"id": f"{{{NEWT.upper()}}}", "name": "newt & söhne gmbh"}]}
    done = play(
        task("tenant_match_info", "relationships", **source),
        task("tenant_match_info", "given", **given),
        task("tenant_match_info", "odd", fails=True, tenants=[{"id": "frog"}]),
        AZURE_TENANT_ID=PARTNER,
    )
    assert [each["tenant"]["name"] for each in done["relationships"]["tenants"]] == ["Happy Frog"]
    (newt,) = done["given"]["tenants"]
    assert (newt["tenant"]["id"], newt["matched_by"], newt["organization"]["id"]) == (NEWT, "name", 4)
    assert done["given"]["summary"]["api_calls"]["graph"] == 0
    assert [each["tenant_id"] for each in done["given"]["unseen"]] == [FROG, TOAD]
    assert "'frog', which is no GUID" in done["odd"]["msg"]


def test_who_the_partner_is_must_be_known_and_the_permission_is_named(sandbox, play):
    world = with_settings(WORLD, SETTINGS)
    world["entra"] = json.loads(json.dumps(world["entra"]))
    world["entra"]["tenants"][0]["denied"] = ["contracts", "delegatedAdminRelationships"]
    sandbox.load(world)
    done = play(
        task("tenant_match_info", "unknown", fails=True),
        task("tenant_match_info", "contracts", fails=True, partner_tenant_id=PARTNER),
        task(
            "tenant_match_info",
            "relationships",
            fails=True,
            partner_tenant_id=PARTNER,
            source="delegated_admin_relationships",
        ),
    )
    assert "partner_tenant_id (AZURE_TENANT_ID)" in done["unknown"]["msg"]
    assert "Directory.Read.All" in done["contracts"]["msg"]
    assert "DelegatedAdminRelationship.Read.All" in done["relationships"]["msg"]


def test_every_state_once_and_again_each_in_check_mode_first(sandbox, play):
    """From nothing, so that types and assets are made on the way."""
    world = json.loads(json.dumps(WORLD))
    sandbox.load(world)
    sandbox.clear_requests()
    declarations = {
        "matched": {"tenant": TOAD, "organization": "sad toad"},
        "moved": {"tenant": NEWT, "organization": "Sad Toad"},
        "ignored": {"tenant": NEWT, "state": "ignored"},
        "taken_up": {"tenant": NEWT, "organization": 4},
        "unmatched": {"organization": "Newt & Söhne GmbH", "state": "unmatched"},
        "ignored_by_domain": {"tenant": "TOAD.onmicrosoft.com", "state": "ignored"},
        "forgotten": {"tenant": TOAD, "state": "unmatched"},
        "by_name_of_organization": {"organization": 3},
        "by_name_of_tenant": {"tenant": "sad toad"},
    }
    tasks = [each for name, arguments in declarations.items() for each in step(name, **arguments)]
    done = play(*tasks, options=("--diff",), AZURE_TENANT_ID=PARTNER)
    for name in declarations:
        foreseen, real, again_foreseen, again = (
            done[f"{name}_{mode}"] for mode in ("check", "real", "again_check", "again")
        )
        assert real["changed"] is (name != "by_name_of_tenant"), name
        for key in ("changed", "state", "tenant", "organization", "diff"):
            assert foreseen[key] == real[key], (name, key)
        assert (again_foreseen["changed"], again["changed"]) == (False, False), name
        assert again["diff"]["before"] == again["diff"]["after"], name
    unmatched, of_toad = {"state": "unmatched", "organization": None}, "Sad Toad (3)"
    assert done["matched_real"]["diff"] == {
        "before": {TOAD: unmatched},
        "after": {TOAD: {"state": "matched", "organization": of_toad}},
    }
    assert done["moved_real"]["diff"] == {
        "before": {TOAD: {"state": "matched", "organization": of_toad}, NEWT: unmatched},
        "after": {TOAD: unmatched, NEWT: {"state": "matched", "organization": of_toad}},
    }
    assert done["ignored_real"]["diff"]["after"] == {NEWT: {"state": "ignored", "organization": None}}
    assert done["by_name_of_organization_real"]["tenant"]["domain"] == "toad.onmicrosoft.com"
    assert matched(sandbox) == {3: TOAD, 4: None}
    # As many writes as there were changes: check mode wrote nothing.
    assert writes(sandbox) == [
        "POST flexible_asset_types",
        "POST flexible_assets",
        "PATCH flexible_assets",
        "PATCH flexible_assets",  # the tenant goes from the organization
        "POST flexible_asset_types",
        "POST flexible_assets",  # and is on the list
        "POST flexible_assets",
        "PATCH flexible_assets",
        "PATCH flexible_assets",
        "PATCH flexible_assets",
        "PATCH flexible_assets",
        "PATCH flexible_assets",
    ]


def test_other_settings_and_what_people_wrote_into_the_list_stay(sandbox, play):
    done = play(
        task("tenant_match", "moved", tenant=NEWT, organization="Happy Frog"),
        task("tenant_match", "ignored", tenant="sad toad", state="ignored", partner_tenant_id=PARTNER),
        task("office365_sync_settings_info", "settings", organization="Happy Frog"),
    )
    assert done["moved"]["changed"] is True
    assert done["settings"]["settings"][0]["settings"]["tenant_id"] == NEWT
    assert ignored(sandbox) == [f"{GONE} An old client", f"{TOAD} Sad Toad"]


def test_a_tenant_of_another_organization_is_refused_and_both_are_named(sandbox, play):
    wanted = {"tenant": FROG, "organization": "Sad Toad"}
    done = play(
        *(task("tenant_match", f"refused_{check}", check=check, fails=True, **wanted) for check in (True, False))
    )
    for refused in done.values():
        assert "Sad Toad (3)" in refused["msg"]
        assert "Happy Frog (2)" in refused["msg"]
    assert writes(sandbox) == []


def test_a_tenant_and_an_account_of_two_organizations_are_errors_that_name_both(sandbox, play):
    settings = {
        **SETTINGS,
        4: {"office365": {"tenant_id": FROG}},
        5: {"bms": {"account": "2528"}},
    }
    carry(sandbox, settings=settings)
    info = task("tenant_match_info", "info", fails=True, partner_tenant_id=PARTNER)
    done = play(info)["info"]
    assert done["failed"]
    assert "Happy Frog (2), Newt & Söhne GmbH (4)" in done["msg"]
    assert "BMS account 2528 is that of several organizations: Happy Frog (2), happy frog! (5)" in done["msg"]
    assert len(done["tenants"]) == 3
    mended = play(task("tenant_match", "one", organization=4, state="unmatched"), info)
    assert mended["one"]["changed"]
    assert "Newt" not in mended["info"]["msg"]
    assert matched(sandbox)[2] == FROG


def test_a_tenant_is_given_to_one_organization_though_two_ask_at_once(sandbox, tmp_path):
    sandbox.behaviour(latency_ms={"itglue": 200})
    arguments = {"tenant": NEWT, "organization": "{{ inventory_hostname }}"}
    plays = [
        {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "strategy": "free",
            "tasks": [{"msp.psa_sync.tenant_match": arguments}],
        }
    ]
    (tmp_path / "play.json").write_text(json.dumps(plays))
    done = run(sandbox, "ansible-playbook", "-i", "2,3,4,5,", "--forks", "4", tmp_path / "play.json")
    counts = recap(done.stdout)
    assert sorted(each["failed"] for each in counts.values()) == [0, 1, 1, 1]
    assert list(matched(sandbox).values()).count(NEWT) == 1


def test_what_cannot_be_known_is_asked_for(sandbox, play):
    unknown = {"partner_tenant_id": PARTNER, "fails": True}
    done = play(
        task("tenant_match", "nobody", tenant="Nobody", organization=4, **unknown),
        task("tenant_match", "several", tenant="Newts & Co", **unknown),
        task("tenant_match", "nothing", fails=True),
        task("tenant_match", "no_tenant", organization=4, state="ignored", fails=True),
        task("tenant_match", "none_to_take", organization=5, state="unmatched"),
    )
    assert "none is of that name" in done["nobody"]["msg"]
    assert "Give organization" in done["several"]["msg"]
    assert "tenant" in done["nothing"]["msg"]
    assert "tenant" in done["no_tenant"]["msg"]
    assert done["none_to_take"]["changed"] is False


# ------------------------------------------------------------------------ audit


def test_the_audit_finds_everything_and_writes_nothing(sandbox, play):
    found = play(task("contact_audit_info", "audit", organization="Happy Frog"))["audit"]
    assert found["bms_account"] == {"id": 2528, "name": "Happy Frog"}
    assert found["bms_only"] == [
        {
            "bms_contact_id": 901,
            "name": "Zoe Bmsonly",
            "addresses": ["zoe.bmsonly@frog.example"],
            "active": True,
            "users": ["zoe.bmsonly@frog.example"],
        },
        {
            "bms_contact_id": 902,
            "name": "Ivan Inactive",
            "addresses": ["ivan@frog.example"],
            "active": False,
            "users": [],
        },
    ]
    assert found["itglue_duplicates"] == [
        {"by": "address", "value": "info@frog.example", "contact_ids": [71, 72]},
        {"by": "name", "value": "bob both", "contact_ids": [73, 74]},
    ]
    assert found["bms_duplicates"] == [
        {"by": "address", "value": "ada.adams@frog.example", "contact_ids": [903, 904]},
        {"by": "name", "value": "ada adams", "contact_ids": [903, 904]},
    ]
    by_rule = {each["rule"]: each for each in found["conflicts"]}
    assert set(by_rule) == {"name", "bms_email"}
    assert by_rule["name"]["contact_ids"] == [73, 74]
    assert by_rule["bms_email"]["bms_contact_ids"] == [903, 904]
    assert [(each["user"], each["missing"]) for each in found["not_ready"]] == [
        ("pat.phoneless@frog.example", ["primary_phone"])
    ]
    assert found["lacked_locations"] == [{"location_id": 10, "name": "Pond", "contacts": 5}]
    assert found["bms_has_main_location"] is True
    assert found["email_types"] == [{"id": 1, "name": "Work", "contacts": 4}]
    assert found["phone_types"] == [{"id": 2, "name": "Work", "contacts": 4}]
    assert found["microsoft_contacts"] == [{"contact_id": 75, "name": "Mike Microsoft"}]
    assert found["summary"]["actions"] == {"conflict": 1, "create": 3, "update": 1}
    assert found["summary"]["cut_short"] == []
    assert all(
        call["method"] == "GET" or "/v2/security/" in call["path"] or "token" in call["path"]
        for call in sandbox.requests()
    )


def test_the_audit_is_limited_and_says_so(sandbox, play):
    found = play(task("contact_audit_info", "audit", organization=2, max_listed=1))["audit"]
    assert len(found["bms_only"]) == len(found["conflicts"]) == 1
    assert found["summary"]["findings"]["bms_only"] == 2
    assert found["summary"]["cut_short"] == ["conflicts", "bms_only", "itglue_duplicates", "bms_duplicates"]


def test_the_audit_goes_by_what_is_declared_and_by_resolved_conflicts(sandbox, play):
    carry(sandbox, settings={})
    found = play(
        task(
            "contact_audit_info",
            "audit",
            organization="Happy Frog",
            office365_settings={
                "tenant_id": FROG,
                "user_filter": {"exclude": ["pat.*"]},
                **PHONES,
            },
            match_overrides={"bob.both@frog.example": 73},
        )
    )["audit"]
    assert found["not_ready"] == []
    assert [each["rule"] for each in found["conflicts"]] == ["bms_email"]
    assert found["summary"]["selected"] == 4


def test_an_account_that_is_not_found_is_a_finding(sandbox, play):
    settings = {2: {"office365": {"tenant_id": FROG}, "bms": {"account": "Frogs of old"}}}
    carry(sandbox, settings=settings)
    found = play(task("contact_audit_info", "audit", organization=2))["audit"]
    assert found["bms_account"] is None
    assert "Frogs of old" in found["problems"][0]
    assert found["itglue_duplicates"] != []
    assert found["bms_only"] == found["lacked_locations"] == []


# -------------------------------------------------------------------- preflight


def checks_of(result: dict) -> dict[str, dict]:
    checks = {each["name"]: each for each in result["checks"]}
    failed = [each for each in result["checks"] if each["state"] == "failed"]
    assert result["ready"] is (failed == [])
    assert result["to_do"] == [f"{each['name']}: {each['message']}" for each in failed]
    return checks


def test_a_client_that_is_ready(sandbox, play):
    checks = checks_of(play(task("preflight_info", "preflight", organization="Happy Frog"))["preflight"])
    assert {name: each["state"] for name, each in checks.items()} == dict.fromkeys(
        [
            "itglue",
            "settings_store",
            "office365_settings",
            "bms_settings",
            "tenant",
            "microsoft",
            "users",
            "bms",
            "bms_email_type",
            "bms_phone_type",
            "bms_locations",
        ],
        "ready",
    )
    assert writes(sandbox) == []


def test_what_is_not_ready_fails_with_what_to_do(play):
    unready = [
        ({"organization": "Nobody"}, ["itglue"], "organization"),
        ({"itglue_api_key": "ITG.wrong-key-of-nobody"}, ["itglue"], "itglue_api_key"),
        ({"organization": "Newt & Söhne GmbH"}, ["office365_settings"], "office365_sync_settings"),
        ({"organization": "Sad Toad"}, ["microsoft"], f"/{TOAD}/adminconsent?client_id=app"),
        ({"azure_client_secret": "wrong-secret-of-nobody"}, ["microsoft"], "azure_client_secret"),
        ({"bms_password": "wrong-password-of-nobody"}, ["bms"], "BMS"),
        ({"bms_settings": {"account": "77"}}, ["bms"], "77"),
        ({"bms_settings": {"email_type": "Wrok"}}, ["bms_email_type"], "Home (3), Work (1)"),
        ({"bms_settings": {"phone_type": ""}}, ["bms_settings"], "needs a phone type"),
        ({"office365_settings": {"phone_type": "Fax"}}, ["office365_settings"], "'Fax' is none of the phone labels"),
        ({"office365_settings": {"tenant_id": ""}}, ["tenant"], "tenant_match_info"),
        (
            {"office365_settings": {"tenant_id": TOAD}},
            ["tenant"],
            "belongs to Sad Toad (3) already, so Happy Frog (2) cannot",
        ),
        ({"office365_settings": {"contact_type": "Boss"}}, ["contact_type"], "It has: Employee"),
        ({"office365_settings": {"user_filter": {"groups": ["Frogs"]}}}, ["groups"], "'Frogs'"),
    ]
    tasks = [
        task("preflight_info", f"preflight_{number}", **({"organization": "Happy Frog"} | arguments))
        for number, (arguments, dummy, dummy2) in enumerate(unready)
    ]
    done = play(*tasks)
    for number, (arguments, failed, said) in enumerate(unready):
        checks = checks_of(done[f"preflight_{number}"])
        assert [name for name, each in checks.items() if each["state"] == "failed"] == failed, arguments
        assert said in checks[failed[0]]["message"]
    assert "-of-nobody" not in play.said + json.dumps(done)


def test_what_is_optional_is_reported_and_what_is_off_is_skipped(sandbox, play):
    world = with_settings(WORLD, SETTINGS)
    world["entra"] = json.loads(json.dumps(world["entra"]))
    world["entra"]["tenants"][1]["denied"] = ["organization"]
    sandbox.load(world)
    off = {"bms_settings": {"auto_push_office365_contacts": False}}
    checks = checks_of(play(task("preflight_info", "preflight", organization=2, **off))["preflight"])
    assert checks["verified_domains"]["state"] == "limited"
    assert "Organization.Read.All" in checks["verified_domains"]["message"]
    assert checks["bms"]["state"] == "skipped"


# -------------------------------------------------------- playbooks over the fleet


@pytest.fixture
def playbook(sandbox, tmp_path):
    """Runs a shipped playbook over the inventory plugin and the variables of files beside it; returns its output."""
    folder = tmp_path / "inventory"
    for name in ("group_vars", "host_vars"):
        (folder / name).mkdir(parents=True)
    (folder / "tenants.yml").write_text("plugin: msp.psa_sync.tenants\n")

    def playbook(name: str, *arguments: str, code: int = 0, files: dict[str, dict] | None = None) -> str:
        for path, content in (files or {}).items():
            (folder / path).write_text(yaml.safe_dump(content))
        done = run(sandbox, "ansible-playbook", "-i", folder, f"msp.psa_sync.{name}", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return playbook


def recap(output: str) -> dict[str, dict[str, int]]:
    rows = (line.split(":") for line in output.partition("PLAY RECAP")[2].splitlines() if ":" in line)
    return {
        host.strip(): {key: int(value) for key, value in (each.split("=") for each in counts.split())}
        for host, counts in rows
    }


@pytest.mark.every_core
def test_preflight_fails_the_host_that_is_not_ready_alone(playbook):
    output = playbook("preflight", code=2)
    assert {host: counts["failed"] for host, counts in recap(output).items()} == {"happy_frog": 0, "sad_toad": 1}
    assert f"/{TOAD}/adminconsent?client_id=app" in output
    playbook("preflight", "--limit", "happy_frog")
    playbook("preflight", "-e", "tenants=push_method_direct", "--tags", "preflight")


def test_the_audit_says_every_finding_in_words(sandbox, playbook):
    output = playbook("audit", "--limit", "happy_frog")
    for line in (
        "5 of 5 users selected",
        "IT Glue: 1 to decide, 3 new, 1 changed",
        "only in BMS: Zoe Bmsonly (901), perhaps zoe.bmsonly@frog.example",
        "only in BMS: Ivan Inactive (902), inactive",
        "duplicate in IT Glue by address: info@frog.example, contacts 71, 72",
        "duplicate in BMS by name: ada adams, contacts 903, 904",
        "answers for sync_match_overrides: {",
        "not ready for BMS: pat.phoneless@frog.example lacks primary phone",
        "BMS has no location Pond, where 5 contacts are; the main one is used",
        "e-mail types in use in BMS: Work (1) 4 times",
        "writes to 1 contacts too",
    ):
        assert line in output.replace('\\"', '"'), line
    assert "not all is listed" in playbook("audit", "--limit", "happy_frog", "-e", "sync_max_listed=1")
    assert writes(sandbox) == []


@pytest.mark.every_core
def test_settings_are_enforced_and_contacts_synced_with_no_variables_but_those_of_the_inventory(sandbox, playbook):
    files = {
        "group_vars/type_customer.yml": {"office365_sync_defaults": {"email_label": "Office"}},
        "host_vars/happy_frog.yml": {
            "office365_sync_settings": {"contact_type": "Employee"},
            "sync_match_overrides": {"bob.both@frog.example": 73, "ada.adams@frog.example": "ignore"},
        },
    }
    enforced = playbook("enforce_settings", "--diff", files=files)
    assert {host: counts["changed"] for host, counts in recap(enforced).items()} == {"happy_frog": 1, "sad_toad": 1}
    again = playbook("enforce_settings", "--check")
    assert {counts["changed"] for counts in recap(again).values()} == {0}
    assert matched(sandbox) == {2: FROG, 3: TOAD}
    options = ("--limit", "happy_frog")
    foreseen = playbook("sync_contacts", *options, "--check")
    done = playbook("sync_contacts", *options)
    assert recap(foreseen)["happy_frog"]["changed"] == recap(done)["happy_frog"]["changed"] == 1
    assert recap(playbook("sync_contacts", *options))["happy_frog"]["changed"] == 0
    names = [each["firstName"] for each in sandbox.state()["bms"]["contacts"]]
    assert sorted(names) == ["Ada", "Ada", "Bob", "Ivan", "Nell", "Zoe"]


def test_a_first_run_keeps_a_journal_and_says_what_to_do_next(sandbox, playbook, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    options = ("--limit", "happy_frog", "-e", "sync_first_run=true")
    monkeypatch.setenv("ANSIBLE_SHOW_CUSTOM_STATS", "true")
    foreseen = playbook("sync_contacts", *options, "--check")
    assert "first run: this was a preview" in foreseen
    assert re.search(r'"psa_sync_clients": 1,.*"psa_sync_contacts_created": 3,', foreseen, re.DOTALL)
    assert not (tmp_path / "state").exists()
    done = playbook("sync_contacts", *options)
    journals = tmp_path / "state" / "msp.psa_sync" / "journals"
    assert f"each write is recorded in {journals}/happy_frog.journal" in done
    assert "leave sync_first_run out from now on" in done
    before = len(sandbox.state()["itglue"]["contacts"])
    playbook(
        "sync_contacts",
        "--limit",
        "happy_frog",
        "-e",
        "sync_state=reverted",
        "-e",
        f"sync_journal_directory={journals}",
    )
    assert len(sandbox.state()["itglue"]["contacts"]) < before


@pytest.mark.parametrize("reader", by_day(("| head -n 1", "| true", "> /dev/full"), 2, 0))
def test_a_run_that_loses_its_output_ends_with_each_client_whole_or_not_begun(sandbox, playbook, tmp_path, reader):
    """A pipe whose reader goes, one without a reader, and a terminal that takes nothing more.

    Ansible itself begins no task after its output was lost, so chance decides whether the client is reached.
    """
    report = tmp_path / "report"
    before = sandbox.state()
    arguments = f"-i {tmp_path}/inventory msp.psa_sync.sync_contacts --limit happy_frog -e sync_first_run=true"
    command = f"{Path(sys.executable).with_name('ansible-playbook')} {arguments} {reader}"
    environment = {
        **os.environ,
        **sandbox.env,
        "PYTHONUNBUFFERED": "",
        "XDG_STATE_HOME": str(tmp_path),
        "ANSIBLE_CALLBACKS_ENABLED": "msp.psa_sync.sync_report",
        "MSP_PSA_SYNC_REPORT_DIRECTORY": str(report),
    }
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.stdout.count("\n") <= 1
    # Ansible itself complains at its end, when all is done.
    assert "ansible_collections" not in done.stderr
    if (report / "sync_report.json").is_file():
        names = [each["firstName"] for each in sandbox.state()["bms"]["contacts"]]
        assert sorted(names) == ["Ada", "Ada", "Ivan", "Nell", "Zoe"]
    else:
        assert done.returncode != 0
        assert sandbox.state() == before


def test_a_misspelt_setting_fails_its_client_alone_and_writes_nothing(sandbox, playbook):
    files = {"host_vars/happy_frog.yml": {"office365_sync_settings": {"email_lable": "Office"}}}
    output = playbook("enforce_settings", "--limit", "happy_frog", code=2, files=files)
    assert re.search(r"Unsupported parameters for \(msp.psa_sync.office365_sync_settings\) module: email_lable", output)
    assert writes(sandbox) == []


def test_a_tenant_that_two_clients_declare_in_one_run_is_refused_to_both(sandbox, playbook):
    """In check mode nothing is stored that the second could be held against."""
    files = {"group_vars/all.yml": {"office365_sync_settings": {"tenant_id": NEWT}}}
    output = playbook("sync_contacts", "--check", code=2, files=files)
    assert {host: counts["failed"] for host, counts in recap(output).items()} == {"happy_frog": 1, "sad_toad": 1}
    said = " ".join(output.split())
    for own, other in (("Happy Frog (2)", "'3' (host 'sad_toad')"), ("Sad Toad (3)", "'2' (host 'happy_frog')")):
        assert f"The Microsoft tenant {NEWT} is declared for {other} too, so {own} cannot have it." in said
    assert writes(sandbox) == []


def test_the_summary_has_all_clients_those_that_failed_first(sandbox, playbook):
    """The first of three fails by its ceiling, the last one for want of consent."""
    carry(sandbox, settings={**SETTINGS, 4: {"office365": {"tenant_id": NEWT}, "bms": {}}})
    files = {"host_vars/happy_frog.yml": {"sync_max_creates": 0}}
    output = playbook("sync_contacts", "--check", code=2, files=files)
    assert {host: counts["failed"] for host, counts in recap(output).items()} == {
        "happy_frog": 1,
        "newt_sohne_gmbh": 0,
        "sad_toad": 1,
    }
    said = output.partition("TASK [Show the summary")[2].partition("TASK [")[0]
    assert re.search(r'"newt_sohne_gmbh: \d+ of \d+ users selected",\s+"  IT Glue: ', said)
    first, second, third = (said.index(f'"{host}: ') for host in ("happy_frog", "sad_toad", "newt_sohne_gmbh"))
    assert max(first, second) < third
    assert said.count(": FAILED. ") == 2
    assert "ada.adams@frog.example" not in output  # the plan is in the result, and not in the terminal


@pytest.mark.every_core
def test_batches_and_the_share_of_failures_that_ends_a_run(sandbox, playbook):
    """Of three hosts in batches of two the second is not ready."""
    carry(sandbox, settings={**SETTINGS, 4: {"office365": {"tenant_id": NEWT}, "bms": {}}})
    options = ("-e", "sync_serial=2", "-e", "sync_throttle=1")
    failed = {host: counts["failed"] for host, counts in recap(playbook("preflight", *options, code=2)).items()}
    assert failed == {"happy_frog": 0, "sad_toad": 1, "newt_sohne_gmbh": 0}
    ended = playbook("preflight", *options, "-e", "sync_max_fail_percentage=10", code=2)
    failed = {host: counts["failed"] for host, counts in recap(ended).items()}
    assert failed == {"happy_frog": 0, "sad_toad": 1, "newt_sohne_gmbh": 1}
    assert '"newt_sohne_gmbh: FAILED. not reached' in ended
    assert '"1 of 3 clients succeeded, 2 failed"' in ended
    enough = ("-e", "sync_max_fail_percentage=50")
    assert "not reached" not in playbook("preflight", *options, *enough, code=2)


@pytest.mark.every_core
def test_nothing_of_one_client_takes_the_run_or_the_summary_from_the_others(sandbox, playbook, monkeypatch):
    """The first client is the one that Ansible takes where a task runs in place of all. Nobody listens on port 9."""
    carry(sandbox, settings={**SETTINGS, 4: {"office365": {"tenant_id": NEWT}, "bms": {}}})
    files = {
        "host_vars/happy_frog.yml": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9},
        "host_vars/sad_toad.yml": {"sync_throttle": "many", "sync_first_run": "{{ nowhere }}"},
    }
    monkeypatch.setenv("ANSIBLE_ANY_ERRORS_FATAL", "true")  # the user's settings do not, either
    options = ("--check", "-e", "sync_serial=1")
    output = playbook("sync_contacts", *options, code=2, files=files)
    failed = {host: counts["failed"] for host, counts in recap(output).items()}
    assert failed == {"happy_frog": 1, "sad_toad": 1, "newt_sohne_gmbh": 0}
    assert '"happy_frog: FAILED. ' in output
    assert '"sad_toad: FAILED. ' in output
    assert '"1 of 3 clients succeeded, 2 failed"' in output

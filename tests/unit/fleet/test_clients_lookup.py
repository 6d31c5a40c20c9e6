# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the playbooks: an inventory that is not complete, or has nobody, is an error."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.splitter import parse_kv

from ansible_collections.msp.psa_sync.plugins.lookup import clients
from ansible_collections.msp.psa_sync.plugins.lookup.clients import LookupModule
from ansible_collections.msp.psa_sync.plugins.plugin_utils import reading

GROUPS = {"all": ["frog", "toad"], "ungrouped": ["toad"], "type_customer": ["frog"], "empty": []}


def hosts(*terms, groups=None, **given):
    variables = {"groups": GROUPS if groups is None else groups, **given}
    (found,) = LookupModule().run(list(terms), variables=variables)
    return found


@pytest.mark.parametrize(
    ("term", "pattern"),
    [
        ("", "all"),
        (None, "all"),
        (" ", "all"),
        ([], "all"),
        ("frog", "frog"),
        ("frog,toad", "frog:toad"),
        (["frog", "toad"], "frog:toad"),
        ("all:!frog", "all:!frog"),
        ("!frog", "!frog"),
        ("fr*", "fr*"),
        ("~fr.+", "~fr.+"),
        ("nobody:frog", "nobody:frog"),
        ("localhost", "localhost"),
    ],
)
def test_patterns(term, pattern):
    assert hosts(term) == pattern


@pytest.mark.parametrize("term", ["nobody", "empty", "x*", "!all", ["nobody", "empty"], "frog:!frog", "frog:&toad"])
def test_a_pattern_that_matches_nobody_is_an_error(term):
    with pytest.raises(AnsibleLookupError, match="has no host for"):
        hosts(term)


def test_a_limit_that_leaves_no_client_of_the_pattern_is_an_error(monkeypatch):
    monkeypatch.setattr(clients, "CLIARGS", {"subset": "frog"})
    assert hosts("type_customer") == "type_customer"
    with pytest.raises(AnsibleLookupError, match="no host for toad within --limit frog, so nothing was done"):
        hosts("toad")


@pytest.mark.parametrize(
    "given",
    [
        {"sync_serial": "  ", "sync_max_fail_percentage": None, "sync_throttle": ""},
        {"sync_serial": "20%", "sync_max_fail_percentage": "12.5%", "sync_throttle": "4"},
        {"sync_serial": [1, "10", "100%"], "sync_max_fail_percentage": 0, "sync_throttle": 0},
    ],
)
def test_sizes_of_batches(given):
    assert hosts("", **given) == "all"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sync_serial", "ten"),
        ("sync_serial", [1, "x"]),
        ("sync_serial", -1),
        ("sync_serial", True),
        ("sync_max_fail_percentage", "few"),
        ("sync_max_fail_percentage", "-5"),
        ("sync_throttle", "10%"),
    ],
)
def test_a_size_of_batches_that_is_none_is_an_error_before_anything_is_done(name, value):
    with pytest.raises(AnsibleLookupError, match=f"{name} is .*Give .* Nothing was done"):
        hosts("", **{name: value})


def test_a_value_that_ansible_cut_off_at_a_blank_is_an_error():
    """Of -e probe_organization='Sandbox Ltd' it takes Sandbox, which may be another organization."""
    with pytest.raises(AnsibleLookupError, match="cut off at a blank, before 'Ltd'.*Nothing was done"):
        hosts("", **parse_kv("probe_organization=Sandbox Ltd"))
    assert hosts("", **parse_kv("probe_organization='Sandbox Ltd'")) == "all"


def test_an_inventory_without_hosts_is_an_error():
    with pytest.raises(AnsibleLookupError, match="has no host for all"):
        hosts("", groups={"all": [], "ungrouped": []})
    assert hosts("localhost", groups={"all": [], "ungrouped": []}) == "localhost"


def test_a_source_that_could_not_be_read_is_an_error(monkeypatch):
    monkeypatch.setitem(reading.UNREAD, "/srv/tenants.yml", "IT Glue refused the key.")
    with pytest.raises(AnsibleLookupError, match="not complete.*/srv/tenants.yml: IT Glue refused the key"):
        hosts("localhost")


@pytest.mark.parametrize(
    ("given", "pattern"),
    [
        (["msp.psa_sync.sync_contacts"], "psa_sync_failed"),
        (["msp.psa_sync.enforce_settings", "msp.psa_sync.sync_contacts"], "psa_sync_failed"),
        (["msp.psa_sync.sync_contacts", "msp.psa_sync.enforce_settings"], "all:!all"),
        (["msp.psa_sync.sync_contacts", "own.yml"], "psa_sync_failed"),
        (["msp.psa_sync.sync_contacts", "msp.psa_sync.probe"], "psa_sync_failed"),
        (["site.yml"], "psa_sync_failed"),
        (["site.yml", "msp.psa_sync.audit"], "psa_sync_failed"),
    ],
)
def test_clients_that_failed_fail_at_the_end_of_the_last_playbook(monkeypatch, given, pattern):
    """Ansible does not begin the next playbook of its command line after a failure."""
    monkeypatch.setattr(clients, "CLIARGS", {"args": given})
    groups = GROUPS | {"psa_sync_failed": ["frog"]}
    (found,) = LookupModule().run([], variables={"groups": groups}, closing="sync_contacts")
    assert found == pattern


def test_nobody_fails_where_no_client_failed(monkeypatch):
    monkeypatch.setattr(clients, "CLIARGS", {"args": ["msp.psa_sync.sync_contacts"]})
    assert LookupModule().run([], variables={"groups": GROUPS}, closing="sync_contacts") == ["all:!all"]


def test_a_syntax_check_needs_no_inventory(monkeypatch):
    monkeypatch.setattr(clients, "CLIARGS", {"syntax": True})
    assert hosts("", groups={"all": []}) == "all"


@pytest.mark.parametrize("place", ["zz.yml", "all/clients.yaml", "all/more/zz.yml"])
def test_a_file_that_names_a_plugin_of_ours_and_was_not_read_is_an_error(monkeypatch, tmp_path, place):
    """Ansible only warns of it: another name than the plugin takes, YAML that is broken, a plugin's name misspelled."""
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n'plugin': \"msp.psa_sync.tenant\"\nurl: [\n", encoding="utf-8")
    monkeypatch.setattr(clients, "CLIARGS", {"inventory": (str(tmp_path),)})
    with pytest.raises(AnsibleLookupError, match=f"not complete.*{path.name}.*must end with tenants.yml"):
        hosts()
    monkeypatch.setattr(reading, "READ", {str(path)})
    assert hosts() == "all"


@pytest.mark.parametrize("name", ["host_vars/frog.yml", ".old.yml", "tenants.yml.bak", "README.md"])
def test_a_file_that_ansible_omits_is_no_source(monkeypatch, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("plugin: msp.psa_sync.tenants\n", encoding="utf-8")
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    frog:\n", encoding="utf-8")
    monkeypatch.setattr(clients, "CLIARGS", {"inventory": (str(tmp_path), "frog,")})
    assert hosts() == "all"


def test_a_source_that_does_not_exist_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(clients, "CLIARGS", {"inventory": (str(tmp_path / "hosts.yml"),)})
    with pytest.raises(AnsibleLookupError, match="hosts.yml: There is no such file"):
        hosts()
    monkeypatch.setattr(clients, "_DEFAULT_SOURCE", str(tmp_path / "hosts.yml"))
    assert hosts() == "all", "Ansible's default need not be there"

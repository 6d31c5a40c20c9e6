# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook onboard: it finds new clients, writes their files into the inventory, and says what is missing."""

from __future__ import annotations

import json
import os

import pytest
import yaml

from tests.integration.fleet import run, with_settings
from tests.integration.test_fleet import FROG, NEWT, PARTNER, PHONES, PUSHING, SETTINGS, TOAD, WORLD, writes
from tests.sandbox.launch import Running, running

ATTACK = "Newt {{ lookup('ansible.builtin.pipe', 'touch FILE') }} ../../x"


@pytest.fixture(scope="module")
def started():
    with running(WORLD) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started) -> Running:
    started.load(with_settings(WORLD, {1: SETTINGS[1]}))
    started.faults()
    started.clear_requests()
    return started


@pytest.fixture
def onboard(sandbox, tmp_path):
    """Runs the playbook over a directory with an inventory; returns its output."""
    folder = tmp_path / "inventory"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "hosts.yml").write_text("clients:\n")
    (folder / "group_vars" / "clients.yml").write_text(
        yaml.safe_dump({"office365_sync_defaults": PHONES, "bms_sync_defaults": PUSHING})
    )

    def onboard(clients: object, *arguments: str, code: int = 0, **variables: str) -> str:
        given = json.dumps({"onboard_clients": clients})
        options = ("-i", folder, "msp.psa_sync.onboard", "-e", given, *arguments)
        done = run(sandbox, "ansible-playbook", *options, **{"AZURE_TENANT_ID": PARTNER, **variables})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.replace('\\"', '"')

    onboard.folder = folder
    return onboard


def hosts(sandbox, folder) -> dict:
    done = run(sandbox, "ansible-inventory", "-i", folder, "--list")
    return json.loads(done.stdout)["_meta"]["hostvars"]


@pytest.mark.every_core
def test_a_client_becomes_a_host_once_with_what_is_missing(sandbox, onboard):
    file = onboard.folder / "client_happy_frog.yml"
    foreseen = onboard("Happy Frog", "--check", "--diff")
    assert f"+        tenant_id: {FROG}" in foreseen
    assert f"file: {file} would be written" in foreseen
    assert not file.exists()

    done = onboard("Happy Frog")
    assert f"file: {file} was written" in done
    assert f"happy_frog: Happy Frog (2), tenant Happy Frog ({FROG}), BMS account Happy Frog (2528)" in done
    assert "missing:" not in done
    assert "next: ansible-playbook msp.psa_sync.audit --limit happy_frog" in done
    assert file.stat().st_mode & 0o777 == 0o644
    variables = hosts(sandbox, onboard.folder)["happy_frog"]
    assert (variables["itglue_organization"], variables["office365_sync_settings"]) == (2, {"tenant_id": FROG})
    assert variables["bms_sync_defaults"] == PUSHING

    file.write_text(file.read_text() + "# A note of a technician.\n")
    kept = file.read_text()
    again = onboard("frog.onmicrosoft.com")
    assert "changed=0" in again
    assert "because the inventory has this host" in again
    assert file.read_text() == kept
    assert writes(sandbox) == []


def test_what_is_missing_is_listed_and_one_client_stops_no_other(sandbox, onboard):
    (onboard.folder / "group_vars" / "clients.yml").unlink()
    done = onboard(["Happy Frog", "sad toad", "Newts & Co", "Nobody"], code=2)
    assert "missing: microsoft: " in done
    assert f"/{TOAD}/adminconsent?client_id=app" in done
    assert "missing: bms_link: The organization 'Sad Toad' is not linked to BMS in IT Glue" in done
    assert "missing: bms_settings: " in done
    assert "BMS account Sad Toad (2529)" in done
    assert "next: when this is done: ansible-playbook msp.psa_sync.preflight --limit sad_toad" in done
    assert "'Nobody' was not found: none of the 3 client tenants" in done
    assert f"The tenant Newts & Co ({NEWT}) has no organization of exactly its name. Perhaps: Newt & S" in done
    assert f"ansible localhost -m msp.psa_sync.tenant_match -a 'tenant={NEWT} organization=ID'" in done
    assert {path.name for path in onboard.folder.glob("client_*")} == {"client_happy_frog.yml", "client_sad_toad.yml"}


def test_names_of_others_are_no_template_and_no_path(sandbox, onboard, tmp_path):
    trap = ATTACK.replace("FILE", str(tmp_path / "trapped"))
    world = json.loads(json.dumps(WORLD).replace('"Newts & Co"', json.dumps(trap)))
    world["itglue"]["organizations"][3]["name"] = trap
    sandbox.load(with_settings(world, {}))
    done = onboard("all", code=0)
    (file,) = onboard.folder.glob("client_newt*")
    assert trap.split("{{")[1] in file.read_text()
    listed = hosts(sandbox, onboard.folder)
    assert len(listed) == 3
    assert NEWT in json.dumps(listed)
    assert f"file: {file} was written" in done
    assert not (tmp_path / "trapped").exists()


def test_a_file_is_overwritten_only_on_request_and_only_a_regular_one(sandbox, onboard, tmp_path):
    """The tenants are listed, so that nobody is asked who the partner is."""
    sandbox.load(with_settings(WORLD, {**SETTINGS, 4: {"office365": {"tenant_id": NEWT}}}))
    old, link, fifo = (onboard.folder / f"client_{name}.yml" for name in ("happy_frog", "sad_toad", "newt_sohne_gmbh"))
    target = tmp_path / "target"
    for path in (old, target):
        path.write_text("---\n")
    link.symlink_to(target)
    os.mkfifo(fifo)
    listed = json.dumps({"onboard_tenants": [{"id": each} for each in (FROG, TOAD, NEWT)], "onboard_overwrite": True})
    # Without -i: Ansible would read the files as an inventory, and wait for the FIFO.
    given = ("-e", listed, "-e", f"onboard_directory={onboard.folder}")
    done = run(sandbox, "ansible-playbook", "msp.psa_sync.onboard", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("was not written, because") == 2
    assert (target.read_text(), link.is_symlink(), fifo.is_fifo()) == ("---\n", True, True)
    assert FROG in old.read_text()

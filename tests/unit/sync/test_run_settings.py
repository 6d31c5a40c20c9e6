# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is declared over the stored settings: checked, shown, and stored where the task asks for that."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.settings_changes import (
    settings_changes,
    settings_diff,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import BMS, OFFICE365
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_twice import Declarer
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    InputError,
    SettingsError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Asset
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import merge
from ansible_collections.msp.psa_sync.plugins.module_utils._store.settings import Stored
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run import run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.snapshot import Request
from tests.unit.engine.builders import linked, person, ready
from tests.unit.sync.fakes import FakeBms, FakeClients, FakeGraph, FakeItGlue, FakeStore, Fault, gone

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
OTHER = "00000000-1111-4222-8333-444444444444"
ANN = person("ann.lee")
STEADY = ([ANN], [linked(1, "ann.lee")])
NEW = ([ANN, person("bob")], [ready(72)])
PUSH = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Desk",
}


def of_acme(kind: str, **settings) -> Stored:
    return Stored(kind, 5, "Acme", Asset(9, 1, 5, url="https://client.itglue.example/5/assets/9"), settings)


class World:
    def __init__(self, people=NEW, others=(), office365=None, bms=None):
        users, contacts = people
        self.itglue = FakeItGlue(contacts)
        self.bms = FakeBms(())
        self.store = FakeStore({"tenant_id": TENANT} if office365 is None else office365, bms, others)
        self.clients = FakeClients(self.itglue, self.bms, FakeGraph(users))

    def run(self, preview=False, **request):
        return run(self.clients, self.store, Request("Client Ltd", **request), preview=preview)

    def writes(self):
        return [*self.store.saved, *self.itglue.writes]


# --------------------------------------------------------- tenants and accounts of others


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("people", [STEADY, NEW])
@pytest.mark.parametrize("declared", [{"office365_settings": {"tenant_id": OTHER}}, {"tenant_id": OTHER}])
def test_a_declared_tenant_of_another_organization_is_refused(preview, people, declared):
    world = World(people, [of_acme(OFFICE365, tenant_id=OTHER)])
    with pytest.raises(SettingsError, match=rf"{OTHER} belongs to Acme \(5\)"):
        world.run(preview, **declared)
    assert world.writes() == []


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"office365_settings": {"tenant_id": OTHER}}, f"The Microsoft tenant {OTHER}"),
        ({"bms_settings": {"account": "Client Ltd"}}, "The BMS account 'Client Ltd'"),
    ],
)
def test_what_another_client_of_the_run_declares_too_is_refused(preview, declared, said):
    """Neither is stored yet, so what is stored refuses neither."""
    world = World(STEADY)
    key = {"tenants": OTHER, "accounts": "client ltd"}
    hosts = [Declarer("own", "1"), Declarer("acme", "Acme")]
    world.store.declarers = lambda what, asked: hosts if key[what] == asked else ()
    with pytest.raises(
        SettingsError, match=rf"^{said} is declared for 'Acme' \(host 'acme'\) too, so Client Ltd \(1\)"
    ):
        world.run(preview, store_settings=True, **declared)
    assert world.writes() == []


def test_what_a_client_holds_already_is_not_taken_by_the_declaration_of_another():
    world = World(NEW)
    world.store.declarers = lambda what, key: [Declarer("acme", "Acme")]
    assert world.run(office365_settings={"tenant_id": TENANT}, store_settings=True).changed


@pytest.mark.parametrize("preview", [True, False])
def test_a_stored_tenant_of_two_organizations_is_refused_before_the_first_write(preview):
    world = World(NEW, [of_acme(OFFICE365, tenant_id=TENANT)])
    with pytest.raises(SettingsError, match=r"belongs to Acme \(5\)"):
        world.run(preview)
    assert world.writes() == []


def test_who_else_holds_the_tenant_is_not_read_for_a_client_that_is_up_to_date():
    world = World(STEADY, [of_acme(OFFICE365, tenant_id=OTHER)], bms={"account": "2528"})
    world.run()
    assert world.store.calls == {"read": 1}
    assert "organizations" not in world.itglue.calls


def test_what_another_task_of_the_run_has_read_is_enough():
    world = World(NEW)
    world.store.memory["tenants"] = [[1, TENANT], [5, OTHER]]
    assert world.run().changed
    assert "values" not in world.store.calls


def test_what_a_task_has_read_is_remembered_for_the_others_of_the_run():
    world = World(NEW, [of_acme(OFFICE365, tenant_id=OTHER)])
    assert world.run().changed
    assert world.store.memory["tenants"] == [[1, TENANT], [5, OTHER]]


def test_a_tenant_that_another_task_saw_with_another_organization_is_read_again():
    world = World(NEW)
    world.store.memory["tenants"] = [[5, TENANT]]
    assert world.run().changed
    assert world.store.calls["values"] == 1


@pytest.mark.parametrize("account", ["2528", "client ltd"])
def test_the_account_of_a_push_is_compared_by_id_and_by_name(account):
    """BMS knows the id of an account that a setting names, and the name of one whose id it is."""
    others = {"2528": "Client Ltd", "client ltd": "2528"}
    world = World(NEW, [of_acme(BMS, account=others[account])], bms={**PUSH, "account": account})
    world.itglue.named["Acme"] = world.itglue.named["Client Ltd"].__class__(5, "Acme")
    with pytest.raises(SettingsError, match=r"BMS account .* belongs to Acme \(5\)"):
        world.run()
    assert world.writes() == []


# --------------------------------------------------------------------- storing


def changes_of(outcome):
    found = outcome.read.run_settings
    return settings_changes(found.differences, stored=found.stored)


def test_declared_settings_are_shown_and_not_stored_unless_asked_for():
    world = World(STEADY)
    outcome = world.run(office365_settings={"phone_type": "Office"})
    assert changes_of(outcome) == {
        "office365": {"stored": False, "before": {"phone_type": None}, "after": {"phone_type": "Office"}}
    }
    assert not outcome.changed
    assert world.store.saved == []


def test_the_tenant_of_one_run_is_no_change_of_the_settings():
    world = World(STEADY)
    outcome = world.run(True, tenant_id=OTHER, office365_settings={"phone_type": "Office"})
    assert outcome.read.run_settings.merged[OFFICE365]["tenant_id"] == OTHER
    assert changes_of(outcome) == {
        "office365": {"stored": False, "before": {"phone_type": None}, "after": {"phone_type": "Office"}}
    }


@pytest.mark.parametrize("preview", [True, False])
def test_declared_settings_are_stored_with_the_contacts(preview):
    world = World(STEADY)
    declared = {"office365_settings": {"phone_type": "Office"}, "bms_settings": {"contact_sync": True}}
    outcome = world.run(preview, store_settings=True, **declared)
    changes = changes_of(outcome)
    assert outcome.changed
    assert {kind: each["stored"] for kind, each in changes.items()} == {"office365": True, "bms": True}
    assert changes["office365"]["after"] == {"phone_type": "Office"}
    assert changes["bms"]["before"] == {}
    assert [kind for kind, dummy in world.store.saved] == ([] if preview else [OFFICE365, BMS])
    if not preview:
        assert not world.run(store_settings=True, **declared).changed


def test_nothing_more_is_read_where_the_declared_settings_are_stored():
    world = World(STEADY, office365=merge(OFFICE365, None, {"tenant_id": TENANT, "phone_type": "Office"}))
    outcome = world.run(store_settings=True, office365_settings={"phone_type": "office"})
    assert not outcome.changed
    assert world.store.calls == {"read": 1}


def test_a_limit_that_is_exceeded_stores_nothing():
    world = World(NEW)
    outcome = world.run(
        store_settings=True, office365_settings={"phone_type": "Office"}, options=Options(max_creates="0")
    )
    assert outcome.refused
    assert not outcome.changed
    assert changes_of(outcome)["office365"]["stored"] is False
    assert world.writes() == []


def test_a_plan_stores_no_settings(tmp_path):
    world = World(NEW)
    path = str(tmp_path / "plan.json")
    declared = {"store_settings": True, "office365_settings": {"phone_type": "Office"}}
    previewed = world.run(True, plan_file=path, **declared)
    applied = world.run(apply_plan=path, **declared)
    for outcome in (previewed, applied):
        assert changes_of(outcome)["office365"]["stored"] is False
    assert world.store.saved == []
    assert world.itglue.created


def test_settings_are_stored_before_the_first_contact_is_written(monkeypatch):
    world = World(NEW)

    def refuse(*args):
        raise SettingsError("cannot be stored")

    monkeypatch.setattr(world.store, "save", refuse)
    with pytest.raises(SettingsError, match="cannot be stored"):
        world.run(store_settings=True, office365_settings={"phone_type": "Office"})
    assert world.writes() == []


def test_a_journal_that_cannot_be_opened_stores_no_settings(tmp_path):
    world = World()
    with pytest.raises(InputError, match="Nothing was written"):
        world.run(
            office365_settings={"sync_aliases": False},
            store_settings=True,
            journal_file=str(tmp_path / "missing" / "journal"),
        )
    assert world.writes() == []


def test_a_declaration_that_breaks_a_rule_of_one_kind_stores_neither():
    world = World(STEADY)
    with pytest.raises(SettingsError, match="needs contact_sync"):
        world.run(
            store_settings=True,
            office365_settings={"phone_type": "Office"},
            bms_settings={"auto_push_office365_contacts": True},
        )
    assert world.store.saved == []


def test_a_diff_has_a_line_for_each_option_that_differs():
    world = World(STEADY, office365={"tenant_id": TENANT, "phone_type": "Mobile"})
    declared = {"phone_type": "Office", "sync_aliases": False, "user_filter": {"exclude": ["x*", "y*"]}}
    outcome = world.run(True, store_settings=True, office365_settings=declared)
    (diff,) = settings_diff(outcome.read.run_settings.differences, stored=True)
    assert diff["before_header"] == diff["after_header"] == "Office 365 sync settings of Client Ltd"
    assert diff["before"] == "phone_type: Mobile\nsync_aliases: yes\nuser_filter.exclude: \n"
    assert diff["after"] == "phone_type: Office\nsync_aliases: no\nuser_filter.exclude: x*, y*\n"


@pytest.mark.parametrize(("preview", "is_reported"), [(False, True), (True, False)])
def test_a_run_that_cannot_read_says_that_no_settings_were_stored(preview, is_reported):
    world = World(NEW)
    world.itglue.faults.append(Fault("contacts", gone()))
    with pytest.raises(UnavailableError) as caught:
        world.run(preview, store_settings=True, office365_settings={"phone_type": "Office"})
    assert ("settings were not stored" in str(caught.value)) is is_reported
    assert world.store.saved == []

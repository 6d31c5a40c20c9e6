# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that reads for many clients: that reading decides no write, and suffices for a client that is up to date."""

from __future__ import annotations

import time
from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError, SettingsError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Adapter, Contact, Organization
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import outcomes
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as runs
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.snapshot import Request
from tests.unit.engine.builders import options, person
from tests.unit.plan.test_plan_documents import OFFICE365, PUSHING, World
from tests.unit.sync.fakes import FakeClients, FakeItGlue, FakeStore

ACCOUNT = {"account": "2528"}


READ_AT = time.time() - 42.0
"""When IT Glue was read for all clients."""


class FleetWorld(World):
    """A world that was read for all clients some minutes ago: `fleet` is what was there then."""

    def __init__(self, directory) -> None:
        super().__init__(directory)
        self.read_now()

    def read_now(self) -> None:
        self.fleet = FakeItGlue(self.itglue.there.values())
        self.fleet.named = dict(self.itglue.named)
        self.fleet_store = FakeStore(self.store.office365, self.store.bms)
        self.fleet_store.facts = self.store.facts

    def run(self, preview=False, *, alone=False, **values):
        """Run, as a client of a fleet or `alone`."""
        for service in (self.itglue, self.fleet, self.bms, self.graph, self.store):
            service.calls.clear()
        given = {"options": options(max_creates="100%", max_updates="100%"), "version": self.version, **values}
        services = FakeClients(self.itglue, self.bms, self.graph)
        fleet = runs.Source(FakeClients(self.fleet, self.bms, self.graph), self.fleet_store, lambda: READ_AT)
        request = Request("Client Ltd", **given)
        return runs.run(services, self.store, request, preview=preview, fleet=None if alone else fleet)


@pytest.fixture
def world(tmp_path) -> FleetWorld:
    return FleetWorld(tmp_path)


@pytest.fixture
def steady(world) -> FleetWorld:
    """A world that is up to date."""
    world.run(alone=True)
    world.itglue.writes.clear()
    world.bms.created.clear()
    world.read_now()
    return world


def operations(outcome):
    return [(each.user, each.itglue, each.bms, each.reasons) for each in outcome.operations]


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param({}, id="none-declared"),
        pytest.param({"bms_settings": PUSHING, "store_settings": True}, id="stored-as-declared"),
        pytest.param({"bms_settings": {**PUSHING, "email_type": "1"}}, id="others-for-this-run"),
    ],
)
def test_a_client_that_is_up_to_date_reads_nothing_by_itself(steady, declared):
    outcome = steady.run(**declared)
    assert not outcome.writes
    assert not steady.itglue.calls
    assert not steady.store.calls
    assert outcome.read.snapshot.read_at == READ_AT


def test_a_preview_from_the_reading_for_all_is_the_same(world):
    alone = operations(world.run(True, alone=True))
    assert operations(world.run(True)) == alone
    assert world.itglue.calls.keys() <= {"organizations"}, "only whether others hold the tenant or the account"


def test_a_client_that_has_something_to_write_is_read_again_by_itself(tmp_path):
    """As if it were alone, and Microsoft and BMS are read once all the same."""
    world, single = FleetWorld(tmp_path), FleetWorld(tmp_path)
    outcome = world.run()
    single.run(alone=True)
    assert outcome.writes
    assert world.store.calls["read"] == 2, "for the client, and before the remembered facts are written"
    assert outcome.read.snapshot.read_at > READ_AT
    assert (world.itglue.calls, world.graph.calls, world.bms.calls) == (
        single.itglue.calls,
        single.graph.calls,
        single.bms.calls,
    )


def test_what_others_did_since_the_reading_for_all_is_planned_upon(world):
    """Somebody has made the contact that would be created, and deleted one that would be updated."""
    made = Contact(900, "Bob", "Lee", emails=world.itglue.there[72].emails, organization_id=1)
    bob = next(each for each in world.graph.there if each.username.startswith("bob"))
    world.itglue.there[900] = replace(made, emails=(replace(made.emails[0], value=bob.mail),))
    del world.itglue.there[72]
    outcome = world.run()
    found = {each.user.partition(".")[0]: each.itglue.contact_id for each in outcome.operations}
    assert found["bob"] == 900
    assert found["ann"] != 72
    assert len(world.itglue.created) == 1, "ann alone"


def test_what_somebody_else_has_brought_up_to_date_meanwhile_is_not_written(steady):
    """The reading for all shows a title that has been corrected since."""
    ident = next(iter(steady.fleet.there))
    steady.fleet.there[ident] = replace(steady.fleet.there[ident], title="Something else")
    outcome = steady.run()
    assert not outcome.writes
    assert not steady.itglue.writes
    assert steady.itglue.calls["contacts"] == 1


def test_bms_is_read_again_where_the_organization_has_another_account_by_now(world):
    """A link to another account appears: nothing of the first account is taken for the client's."""
    linked = Organization(1, "Client Ltd", adapters=(Adapter("Kaseya BMS", "7", sync=True),))
    world.itglue.named["Client Ltd"] = linked
    with pytest.raises(InputError):
        world.run()
    assert not world.itglue.writes


@pytest.mark.parametrize("preview", [True, False])
def test_settings_that_were_missing_or_wrong_are_read_again(steady, preview):
    steady.fleet_store.office365 = None
    assert not steady.run(preview).writes
    steady.fleet_store.office365 = {**OFFICE365, "tenant_id": "no GUID"}
    assert not steady.run(preview).writes
    steady.store.office365 = None
    with pytest.raises(SettingsError, match="has no Office 365 sync settings"):
        steady.run(preview)


def test_settings_that_differ_are_read_again_before_they_are_stored(steady):
    declared = {"bms_settings": {**PUSHING, "two_way_sync": True, "push_method": "native"}, "store_settings": True}
    outcome = steady.run(**declared)
    assert outcome.read.run_settings.stored
    assert [kind for kind, dummy in steady.store.saved if kind != "facts"] == ["bms"]
    assert not steady.fleet_store.saved


def test_a_person_who_is_new_is_created_once_in_the_next_run_too(steady):
    """The reading for all is older than the last run of this client."""
    steady.graph.there.append(person("dan.lee", business_phones=("4155550103",)))
    steady.run()
    steady.run()
    assert len(steady.itglue.created) == len({each.emails for each in steady.itglue.created})
    assert sum("dan" in each.emails[0].value for each in steady.itglue.created) == 1


ACTIONS = {
    "edit": lambda world, ident: world.edit(ident, title="Edited"),
    "rename": lambda world, ident: world.edit(ident, last_name="Other"),
    "delete": lambda world, ident: world.itglue.there.pop(ident),
    "link": lambda world, ident: world.edit(ident, adapters=(Adapter("Kaseya BMS", "90211", sync=True),)),
    "add": lambda world, ident: world.itglue.there.update(
        {ident + 900: replace(world.itglue.there[ident], id=ident + 900)}
    ),
    "pushes off": lambda world, ident: setattr(world.store, "bms", {**PUSHING, "auto_push_office365_contacts": False}),
    "filter": lambda world, ident: setattr(
        world.store, "office365", {**OFFICE365, "user_filter": {"exclude": ["ann*"]}}
    ),
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 9)), max_size=4),
    st.booleans(),
)
@settings(max_examples=40)
def test_whatever_others_do_since_the_reading_for_all_it_decides_no_write(tmp_path_factory, done, is_steady):
    """What is written is what the client writes that reads for itself, or nothing where the reading for all shows it to
    be up to date."""
    worlds = [FleetWorld(tmp_path_factory.mktemp("world")) for dummy in range(2)]
    for world in worlds:
        if is_steady:
            world.run(alone=True)
            world.itglue.writes.clear()
            world.bms.created.clear()
            world.bms.titles.clear()
            world.read_now()
        for name, number in done:
            idents = sorted(world.itglue.there)
            if idents:
                ACTIONS[name](world, idents[number % len(idents)])
    fleet, single = worlds
    shown = operations(fleet.run(True))
    # One at a time, so that BMS gives the same ids in both worlds.
    with mock.patch.object(outcomes, "WORKERS", 1):
        outcome, wanted = fleet.run(), single.run(alone=True)
    written = (fleet.itglue.writes, fleet.bms.created, fleet.bms.titles)
    if any(itglue.writes or bms.writes for dummy, itglue, bms, dummy in shown):
        assert written == (single.itglue.writes, single.bms.created, single.bms.titles)
        assert operations(outcome) == operations(wanted)
    else:
        assert written == ([], [], [])

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading for many clients at once: the same records as by each client for itself, in fewer requests, or not at all."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue_requests import ListTooLongError
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.lock import exclusive
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.run_lists import RunLists
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    AuthenticationError,
    NotFoundError,
    QuotaExceededError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    Asset,
    AssetField,
    AssetType,
    Contact,
    ContactType,
    Location,
    Organization,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._store.settings import SettingsStore
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import fleet_reads
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.fleet_reads import FleetItGlue, groups
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.ports import Fleet
from tests.unit.engine.test_properties import contacts as random_contacts
from tests.unit.engine.test_properties import worlds

TYPES = {"Office 365 Sync Settings": 1, "BMS Sync Settings": 2}
PAGE = 1000


def error(kind):
    return kind("It failed.", service="itglue")


class Directory:
    """IT Glue with many organizations, three contacts each. `sent` counts requests, `faults` raise in place of a list.

    `meanwhile` is called between two rows of a list of contacts.
    """

    account = "account"
    base_url = "https://itglue.example"

    def __init__(self, clients=40, contacts=3) -> None:
        self.clients = {
            ident: Organization(ident, f"Client {ident}", adapters=(Adapter("BMS", str(ident)),))
            for ident in range(1, clients + 1)
        }
        self.there = {
            number: Contact(number, f"First {number}", "Last", organization_id=1 + number % clients, updated_at="2020")
            for number in range(1, clients * contacts + 1)
        }
        self.stored = [
            Asset(100 * type_id + ident, type_id, ident, f"Client {ident}", traits={"title": f"T{ident}", "n": ident})
            for type_id in TYPES.values()
            for ident in self.clients
        ]
        self.sent: Counter = Counter()
        self.faults: dict[str, Exception] = {}
        self.meanwhile = lambda: None

    def _send(self, what, rows=(), most=None):
        self.sent[what] += 1
        if what in self.faults:
            raise self.faults[what]
        pages = max(1, math.ceil(len(rows) / PAGE))
        if most is not None and pages > most:
            raise ListTooLongError(f"{what}: {pages} pages")
        self.sent[what] += pages - 1
        return rows

    def organization(self, ident):
        self._send("organization")
        return next(each for each in self.clients.values() if ident in (str(each.id), each.name))

    def organizations(self, *, include_adapters=False, most=None):
        yield from self._send("organizations", list(self.clients.values()), most)

    def with_adapters(self, organization):
        return organization

    def asset_types(self, *names):
        self._send("asset_types")
        field = AssetField("Title", "Text", "title", 7, required=True)
        return [AssetType(ident, name, fields=(field,)) for name, ident in TYPES.items() if name in names]

    def asset_type_fields(self, type_id):
        raise AssertionError("The types have their fields.")

    def assets_of(self, type_ids, organization_id=None, most=None):
        found = [each for each in self.stored if each.type_id in type_ids]
        if organization_id is None:
            return self._send("assets_of_all", found, most)
        self._send("assets_of")
        return [each for each in found if each.organization_id == organization_id]

    def contacts(self, organization_id):
        self._send("contacts")
        return [each for each in self.there.values() if each.organization_id == organization_id]

    def contacts_of_several(self, organization_ids, most):
        for each in self._send(
            "contacts_of_several",
            [each for each in self.there.values() if each.organization_id in organization_ids],
            most,
        ):
            yield each
            self.meanwhile()

    def locations(self, organization_id):
        self._send("locations")
        return [Location(organization_id, "HQ", city="York")]

    def locations_of_several(self, organization_ids, most):
        yield from self._send(
            "locations_of_several", [(ident, Location(ident, "HQ", city="York")) for ident in organization_ids], most
        )

    def contact_types(self):
        self._send("contact_types")
        return [ContactType(24, "End User")]

    def changed_contacts(self, organization_id, since):
        raise AssertionError("Nothing is written.")

    contact = changed_contacts


class Run:
    """One run over all clients: each is read in a process of its own, so nothing is kept in memory."""

    def __init__(self, directory, itglue, declared=None, forks=5) -> None:
        self.itglue = itglue
        self.now = 1_000_000.0
        self.said: list[tuple[int, str]] = []
        declared = list(map(str, itglue.clients)) if declared is None else declared
        self.fleet = Fleet(directory, len(declared), forks, lambda: declared)

    def client(self, **more) -> FleetItGlue:
        def log(level, text) -> None:
            self.said.append((level, text))

        return FleetItGlue(self.itglue, self.fleet, list(TYPES), log=log, clock=lambda: self.now, **more)

    def read(self, ident, name=None, **more):
        """All that a client of the run reads."""
        return everything(self.client(**more), ident, name)


def everything(itglue, ident, name=None):
    organization = itglue.organization(name or str(ident))
    types = itglue.asset_types(*TYPES)
    return SimpleNamespace(
        organization=(organization.id, organization.name),
        linked=itglue.with_adapters(organization),
        types=types,
        assets=itglue.assets_of([each.id for each in types], ident),
        contacts=list(itglue.contacts(ident)),
        stamps=[each.updated_at for each in itglue.contacts(ident)],
        locations=list(itglue.locations(ident)),
        contact_types=list(itglue.contact_types()),
    )


@pytest.fixture
def itglue():
    return Directory()


@pytest.fixture
def run(tmp_path, itglue):
    return Run(tmp_path, itglue)


def steady(run, ident):
    """What a client that is up to date reads."""
    client = run.client()
    found = client.organization(str(ident))
    types = client.asset_types(*TYPES)
    assets = client.assets_of([each.id for each in types], ident)
    return found.name, len(assets), len(list(client.contacts(ident)))


# -------------------------------------------------------------------- what it costs


def test_clients_that_are_up_to_date_share_their_requests(run, itglue):
    assert [steady(run, ident) for ident in itglue.clients] == [(f"Client {ident}", 2, 3) for ident in itglue.clients]
    assert itglue.sent == {"asset_types": 1, "assets_of_all": 1, "contacts_of_several": 2}
    assert run.said == []


@pytest.mark.parametrize("clients", [50, 51, 57, 60])
def test_clients_of_200_contacts_cost_one_request_for_four(tmp_path, clients):
    itglue = Directory(clients, 200)
    run = Run(tmp_path, itglue)
    for ident in itglue.clients:
        steady(run, ident)
    assert itglue.sent.total() <= math.ceil(clients / 4)


def test_clients_given_by_name_cost_the_list_of_organizations_once(tmp_path, itglue):
    run = Run(tmp_path, itglue, [each.name for each in itglue.clients.values()])
    for ident, organization in itglue.clients.items():
        assert run.read(ident, organization.name).contacts
    assert itglue.sent["organizations"] == 1
    assert itglue.sent["organization"] == 0


def test_a_client_reads_as_it_would_by_itself(run, itglue):
    for ident in (7, 3, 40):
        assert run.read(ident) == everything(itglue, ident)


@given(worlds, st.lists(random_contacts(3), min_size=1, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_plan_is_the_same_from_both_readings(tmp_path_factory, world, others, chance):
    """Contacts of other organizations lie between those of the client, in whatever order."""
    itglue = Directory(12, 0)
    rows = [replace(each, organization_id=1) for each in world.read.contacts]
    rows += [
        replace(each, id=1000 * number + each.id, organization_id=number)
        for number, contacts in enumerate(others, 2)
        for each in contacts
    ]
    chance.shuffle(rows)
    itglue.there = {each.id: each for each in rows}
    shared = tuple(Run(tmp_path_factory.mktemp("run"), itglue).client().contacts(1))
    single = tuple(itglue.contacts(1))
    assert shared == single
    plans = [replace(world, read=replace(world.read, contacts=contacts)).plan() for contacts in (shared, single)]
    assert plans[0] == plans[1]


# ------------------------------------------------------------------- when it is not used


def test_a_run_over_other_organizations_than_these_reads_by_itself(tmp_path, itglue):
    run = Run(tmp_path, itglue, ["1", "2"])
    assert run.read(9) == everything(itglue, 9)
    assert itglue.sent["contacts_of_several"] == 0


def test_contacts_that_take_more_pages_than_clients_are_read_client_by_client(tmp_path):
    itglue = Directory(10, 1001)
    run = Run(tmp_path, itglue)
    for ident in itglue.clients:
        assert len(list(run.client().contacts(ident))) == 1001
    assert itglue.sent["contacts_of_several"] == 1, "the page that tells how many there are"
    assert [level for level, dummy in run.said] == [1]
    assert "That takes fewer requests." in run.said[0][1]


@pytest.mark.parametrize("kind", [AuthenticationError, NotFoundError, UnavailableError])
@pytest.mark.parametrize(
    "what", ["asset_types", "assets_of_all", "contacts_of_several", "locations_of_several", "organizations"]
)
def test_a_list_that_cannot_be_read_is_tried_once_and_reported_once(run, itglue, what, kind):
    wanted = [everything(itglue, ident) for ident in (1, 2, 30)] if what != "asset_types" else None
    itglue.sent.clear()
    itglue.faults[what] = error(kind)
    for place, ident in enumerate((1, 2, 30)):
        if wanted is None:  # without types each client fails as it does by itself
            with pytest.raises(kind):
                run.read(ident)
        else:
            assert run.read(ident) == wanted[place]
    if wanted is not None:
        assert itglue.sent[what] == 1
    assert [level for level, dummy in run.said] == [1]
    assert "It failed." in run.said[0][1]


def test_a_quota_that_is_used_up_defers_the_client_and_the_next_one_reads_for_all(run, itglue):
    """By itself the client would be refused as well."""
    itglue.faults["contacts_of_several"] = error(QuotaExceededError)
    with pytest.raises(QuotaExceededError):
        steady(run, 1)
    itglue.faults.clear()
    assert [steady(run, ident)[2] for ident in (3, 5, 1)] == [3, 3, 3]
    assert itglue.sent == {"asset_types": 1, "assets_of_all": 1, "contacts_of_several": 2}
    assert run.said == []


def test_an_organization_without_a_row_is_asked_for_by_itself(run, itglue):
    """Whether the service takes a comma for "or" shows in the rows of each organization."""
    itglue.there = {number: each for number, each in itglue.there.items() if each.organization_id != 5}
    assert list(run.client().contacts(5)) == []
    assert itglue.sent == {"contacts_of_several": 1, "contacts": 1}


def test_a_new_organization_without_settings_reads_by_itself(run, itglue):
    itglue.stored = [each for each in itglue.stored if each.organization_id != 5]
    assert run.read(5) == everything(itglue, 5)


def test_a_file_that_cannot_be_written_is_reported_once(run, itglue, monkeypatch):
    monkeypatch.setattr(RunLists, "_open", full_disk)
    assert run.read(1) == everything(itglue, 1)
    assert run.read(2) == everything(itglue, 2)
    assert [level for level, dummy in run.said] == [1]


def full_disk(self):
    raise fleet_reads.SyncError("The disk is full.")


@pytest.mark.parametrize("damage", ["torn", "text", "directory"])
def test_a_damaged_file_is_not_read(run, itglue, damage):
    run.read(1)
    (path,) = run.fleet.directory.glob("*.sqlite")
    content = path.read_bytes()
    path.unlink()
    if damage == "directory":
        path.mkdir()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "torn" else b"no database" * 1000)
    assert run.read(2) == everything(itglue, 2)
    assert run.read(30) == everything(itglue, 30)


def test_a_process_that_takes_too_long_is_not_waited_for_again(run, itglue):
    run.client().organization("1")
    with exclusive("contacts 0 0", directory=run.fleet.directory):
        assert len(list(run.client(patience=0).contacts(1))) == 3
    assert len(list(run.client().contacts(2))) == 3
    assert itglue.sent["contacts_of_several"] == 0
    assert itglue.sent["contacts"] == 2
    assert len(run.said) == 1


def test_a_reading_that_is_interrupted_leaves_nothing_that_others_take(run, itglue):
    """As a signal or the time-out of the task does it: the next process reads the list."""

    def interrupt():
        raise KeyboardInterrupt

    itglue.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        run.client().contacts(1)
    itglue.meanwhile = lambda: None
    assert len(list(run.client().contacts(1))) == 3
    assert itglue.sent == {"contacts_of_several": 2}


# ------------------------------------------------------------------------------- age


def test_what_is_too_old_is_read_again(run, itglue):
    steady(run, 1)
    run.now += fleet_reads.GOOD_FOR + 1
    before = itglue.sent.copy()
    assert steady(run, 3) == ("Client 3", 2, 3)
    assert itglue.sent - before == {"asset_types": 1, "assets_of_all": 1, "contacts": 1}, "contacts by itself"


def test_settings_that_were_stored_since_are_read_again(tmp_path, itglue):
    """A playbook may store settings and sync contacts batch by batch: the list is older than the second batch."""
    run = Run(tmp_path, itglue)
    run.now = time.time() - 60
    steady(run, 1)
    with SettingsStore(itglue).lock(3):
        itglue.stored = [replace(each, traits={"title": "new"}) for each in itglue.stored]
    client = run.client()
    assert [each.traits for each in client.assets_of([1, 2], 3)] == [{"title": "new"}] * 2
    assert itglue.sent["assets_of"] == 1
    assert steady(run, 5) == ("Client 5", 2, 3)
    assert itglue.sent["assets_of"] == 1, "the settings of others are as they were"


def test_a_clock_that_is_set_back_makes_a_list_old(run, itglue):
    steady(run, 1)
    run.now -= 3600
    before = itglue.sent.copy()
    steady(run, 3)
    assert itglue.sent - before == {"asset_types": 1, "assets_of_all": 1, "contacts": 1}


def test_the_contacts_are_as_old_as_the_reading_for_all(run):
    run.client().contacts(1)
    read_at, run.now = run.now, run.now + 60
    client = run.client()
    assert client.read_at() == run.now, "nothing was read yet"
    client.contacts(3)
    assert client.read_at() == read_at
    client.contacts(3)
    assert client.read_at() == run.now, "they were taken: this time the client has read by itself"


# --------------------------------------------------------------------------- privacy


def test_the_contacts_of_a_client_are_gone_once_it_has_them(run, itglue):
    itglue.there[1] = replace(itglue.there[1], first_name="Hieronymus")
    ident = itglue.there[1].organization_id
    run.client().contacts(ident + 2)
    (path,) = run.fleet.directory.glob("*.sqlite")
    assert b"Hieronymus" in path.read_bytes()
    run.client().contacts(ident)
    assert b"Hieronymus" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_key_has_a_file_of_its_own(run, itglue):
    run.read(1)
    itglue.account = "another"
    run.read(2)
    assert len(list(run.fleet.directory.glob("*.sqlite"))) == 2
    assert itglue.sent["asset_types"] == 2


# ---------------------------------------------------------------------------- groups


@given(st.integers(0, 400), st.integers(1, 30))
def test_groups_are_full_and_processes_side_by_side_have_different_ones(count, size):
    ids = random.Random(count).sample(range(1000), count)
    found = groups(ids, size)
    assert sorted(ident for group in found for ident in group) == sorted(ids)
    assert len(found) == math.ceil(count / size)
    assert all(len(group) == size for group in found[:-1])
    first = [next(group for group in found if ident in group) for ident in ids[: len(found)]]
    assert len(set(map(tuple, first))) == len(first)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which reads happen when, and what is said where they find nothing to go by."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from threading import Barrier

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import OFFICE365
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    SettingsError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsPhone, BmsType, Email
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import snapshot as snapshots
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.run import run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.snapshot import Request, bms_type, read
from tests.unit.engine.builders import in_bms, linked, person, ready
from tests.unit.sync.fakes import FakeBms, FakeClients, FakeGraph, FakeItGlue, FakeStore, Fault, gone, quota, rejected
from tests.unit.sync.running import Row, warned

TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
OTHER = "00000000-1111-4222-8333-444444444444"
PUSH = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Desk",
}
ANN = person("ann.lee")
PHONE = {"business_phones": ("415-555-0100",)}


class World:
    """A client's services with their stored settings; a preview of it unless told otherwise."""

    def __init__(self, users=(ANN,), contacts=(), present=(), office365=None, bms=None, **graph):
        self.itglue = FakeItGlue(contacts)
        self.bms = FakeBms(present)
        self.graph = FakeGraph(users, **graph)
        self.store = FakeStore({"tenant_id": TENANT} if office365 is None else office365, bms)
        self.clients = FakeClients(self.itglue, self.bms, self.graph)

    def run(self, preview=True, **request):
        return run(self.clients, self.store, Request("Client Ltd", **request), preview=preview)

    def read(self, **request):
        return read(self.clients, self.store, Request("Client Ltd", **request))


def steady(**values):
    """A client where all is done: its contacts are linked."""
    return World([ANN, person("bob")], [linked(1, "ann.lee"), linked(2, "bob", 90212)], bms=PUSH, **values)


def reported(outcome) -> list[tuple]:
    """What was done of each user, in IT Glue and in BMS."""
    return [(each.itglue.action, each.bms.push) for each in outcome.operations]


def without_ids(operation):
    """An operation without the ids that only a real run knows."""
    parts = {name: getattr(operation, name)._replace(contact_id=None) for name in ("itglue", "bms")}
    return operation._replace(**parts)


# ------------------------------------------------------------------- what is read


def test_a_steady_client_takes_one_read_of_each():
    world = steady()
    outcome = world.run(preview=False)
    assert outcome.changed is False
    assert world.itglue.calls == {"organization": 1, "contacts": 1}
    assert world.graph.calls == {"users": 1}
    assert world.store.calls == {"read": 1}
    assert world.bms.calls == {}
    assert "bms" not in world.clients.reached, "no credentials of BMS are asked for"


@pytest.mark.parametrize(
    ("users", "contacts", "office365", "expected"),
    [
        pytest.param([ANN], [ready()], {}, set(), id="a-contact-with-a-location"),
        pytest.param([ANN], [ready(location_id=None)], {}, {"locations"}, id="a-contact-without-one"),
        pytest.param([ANN], [], {}, {"locations"}, id="a-new-contact"),
        pytest.param([ANN], [], {"contact_type": "End User"}, {"locations", "contact_types"}, id="a-new-one-of-a-type"),
        pytest.param([ANN], [ready()], {"contact_type": "End User"}, set(), id="no-new-one"),
        pytest.param([ANN], [linked(location_id=None)], {}, set(), id="a-linked-contact"),
    ],
)
def test_locations_and_types_are_read_where_a_contact_needs_one(users, contacts, office365, expected):
    world = World(users, contacts, office365={"tenant_id": TENANT, **office365})
    world.run()
    assert set(world.itglue.calls) - {"organization", "contacts"} == expected


CREATE = {"account_locations", "email_types", "phone_types"}


@pytest.mark.parametrize(
    ("contacts", "present", "bms", "expected"),
    [
        pytest.param([ready()], [], None, set(), id="no-settings"),
        pytest.param([ready()], [], {**PUSH, "auto_push_office365_contacts": False}, set(), id="switched-off"),
        pytest.param([linked()], [], PUSH, set(), id="linked"),
        pytest.param([ready(phones=())], [], PUSH, set(), id="not-ready"),
        pytest.param(
            [ready()], [in_bms(5, "ann.lee@client.example")], PUSH, {"accounts", "contacts"}, id="there-already"
        ),
        pytest.param([ready()], [], PUSH, {"accounts", "contacts"} | CREATE, id="to-create"),
        pytest.param(
            [ready()], [], {**PUSH, "push_method": "native"}, {"accounts", "contacts"}, id="native-creates-nothing"
        ),
        pytest.param([ready()], [], {**PUSH, "account": "2528"}, {"account", "contacts"} | CREATE, id="account-by-id"),
        pytest.param(
            [ready()],
            [],
            {**PUSH, "email_type": "1", "phone_type": "2"},
            {"accounts", "contacts", "account_locations"},
            id="types-by-id",
        ),
    ],
)
def test_bms_is_read_where_there_is_somebody_to_push(contacts, present, bms, expected):
    world = World([ANN], contacts, present, bms=bms)
    world.run()
    assert set(world.bms.calls) == expected
    assert set(world.bms.calls.values()) <= {1}


@pytest.mark.parametrize(
    ("changes", "bms", "expected"),
    [
        pytest.param({}, PUSH, {"accounts", "contacts"}, id="right-there"),
        pytest.param({"job_title": "Clerk"}, PUSH, {"accounts", "contacts"}, id="a-field-to-set"),
        pytest.param({"emails": ()}, PUSH, {"accounts", "contacts", "email_types", "phone_types"}, id="to-add"),
        pytest.param(
            {"emails": ()},
            {**PUSH, "auto_push_office365_contacts": False, "email_type": None, "phone_type": None},
            {"accounts", "contacts"},
            id="no-types-set",
        ),
        pytest.param({}, {**PUSH, "push_method": "native"}, set(), id="native"),
        pytest.param({}, {**PUSH, "auto_push_office365_contacts": False, "two_way_sync": False}, set(), id="one-way"),
    ],
)
def test_bms_is_read_for_linked_contacts_where_they_follow(changes, bms, expected):
    phones = (BmsPhone("4155550100", 2, "Desk", True),)
    there = in_bms(90211, "ann.lee@client.example", first="Ann", last="Lee", phones=phones)
    world = World([ANN], [linked()], [replace(there, **changes)], bms=bms)
    world.run(options=Options(update_linked=True))
    assert set(world.bms.calls) == expected
    without = World([ANN], [linked()], [replace(there, **changes)], bms=bms)
    without.run()
    assert without.bms.calls == {}


def test_what_is_needed_at_once_is_read_side_by_side(monkeypatch):
    """Locations, e-mail types and phone types of BMS need nothing of each other."""
    together, seen = Barrier(3), []
    called = FakeBms.called

    def waiting(self, method, *args):
        if method in CREATE:
            together.wait(20)
            seen.append(method)
        return called(self, method, *args)

    monkeypatch.setattr(FakeBms, "called", waiting)
    outcome = World([ANN], [ready()], bms=PUSH).run()
    assert reported(outcome) == [("unchanged", "pushed")]
    assert set(seen) == CREATE


def test_the_later_one_of_two_quotas_that_are_used_up_says_when_to_resume():
    for seconds in ((60.0, 900.0), (900.0, 60.0)):
        world = World([ANN], [ready()], bms=PUSH)
        world.bms.faults = [
            Fault("account_locations", quota("bms", seconds[0])),
            Fault("phone_types", quota("bms", seconds[1])),
        ]
        began = time.time()
        outcome = world.run()
        assert reported(outcome) == [("unchanged", "deferred")]
        assert 850 < outcome.resume_at - began < 950


def test_groups_of_the_filter_are_read_and_no_others():
    office365 = {"tenant_id": TENANT, "user_filter": {"groups": ["Staff", "Board"]}}
    users = [ANN, person("bob"), person("cid")]
    world = World(users, office365=office365, groups={"Staff": {ANN.id}, "Board": {"id-bob"}})
    assert world.read().snapshot.members == {ANN.id, "id-bob"}
    assert world.graph.calls["group_members"] == 2
    assert world.run().planning.matched.selected.excluded == {"id-cid": "group"}


def test_a_user_that_comes_twice_is_one_user():
    world = World([ANN, person("bob"), ANN])
    assert [each.id for each in world.read().snapshot.users] == [ANN.id, "id-bob"]


def test_the_tenant_is_asked_for_its_own_users():
    world = World()
    world.run()
    assert {each for each in world.clients.reached if each.startswith("graph")} == {f"graph {TENANT}"}


# ------------------------------------------------------------------ leavers


@pytest.mark.parametrize(
    ("contacts", "domains", "expected"),
    [
        pytest.param([ready()], (), set(), id="every-address-has-its-user"),
        pytest.param([ready(), ready(73, "eve")], (), {"deleted_users"}, id="one-of-the-tenants-domains-has-none"),
        pytest.param(
            [ready(), ready(73, emails=(Email("eve@private.example", primary=True),), first_name="Eve")],
            (),
            {"verified_domains"},
            id="a-foreign-address",
        ),
        pytest.param(
            [ready(), ready(73, emails=(Email("eve@old.example", primary=True),), first_name="Eve")],
            ("old.example",),
            {"verified_domains", "deleted_users"},
            id="a-verified-domain-without-users",
        ),
    ],
)
def test_deleted_users_are_read_where_an_address_has_no_user(contacts, domains, expected):
    world = World([ANN], contacts, domains=domains)
    world.run()
    assert set(world.graph.calls) - {"users"} == expected


def test_deleted_users_that_may_not_be_read_are_a_warning():
    world = World([ANN], [ready(), ready(73, "eve")])
    world.graph.faults.append(Fault("deleted_users", PermissionDeniedError("Needs User.Read.All.", service="graph")))
    outcome = world.run()
    assert ("deleted_users_not_read", {"said": "Needs User.Read.All."}) in warned(outcome)
    assert [each.contact_id for each in outcome.plan.unmatched] == [73]


def test_contacts_count_as_read_when_their_reading_began(monkeypatch):
    """Users may take long: what somebody saves meanwhile is looked for from the time on at which nothing was read."""
    world, now = World([ANN], [ready()]), [1000.0]
    monkeypatch.setattr(snapshots.time, "time", lambda: now[0])
    users = world.graph.users
    monkeypatch.setattr(world.graph, "users", lambda: now.insert(0, 9000.0) or users())
    assert world.read().snapshot.read_at == 1000.0
    assert now[0] == 9000.0


# ------------------------------------------------------------------ settings


def test_declared_settings_are_laid_over_the_stored_ones_for_this_run():
    stored = {"tenant_id": TENANT, "email_label": "Email", "user_filter": {"licensed_only": False}}
    world = World([person("ann.lee", sku_ids=())], office365=stored)
    declared = {"email_label": "Work", "user_filter": {"require_name": False}}
    found = world.read(office365_settings=declared)
    settings = found.run_settings.merged[OFFICE365]
    assert (settings["email_label"], settings["tenant_id"]) == ("Work", TENANT)
    assert (settings["user_filter"]["licensed_only"], settings["user_filter"]["require_name"]) == (False, False)
    assert found.snapshot.office365.email_label == "Work"
    assert world.store.calls == {"read": 1}


def test_declared_settings_are_enough_where_nothing_is_stored():
    world = World()
    world.store = FakeStore()
    found = world.read(office365_settings={"tenant_id": TENANT}, bms_settings=PUSH)
    assert found.snapshot.tenant_id == TENANT
    assert found.snapshot.bms.pushes
    assert found.run_settings.warnings == []


def test_no_settings_at_all_says_how_to_make_them():
    world = World()
    world.store = FakeStore()
    with pytest.raises(SettingsError, match=r"'Client Ltd' has no Office 365 sync settings.*office365_sync_settings"):
        world.run()


def test_no_bms_settings_push_nothing_with_a_warning():
    outcome = World([ANN], [ready()]).run()
    assert warned(outcome) == [("no_bms_settings", {"organization": "Client Ltd"})]
    assert [each.bms.push for each in outcome.operations] == ["off"]


def test_the_tenant_of_the_task_overrides_the_stored_one():
    world = World()
    found = world.read(tenant_id=OTHER.upper())
    assert (found.snapshot.tenant_id, found.run_settings.merged[OFFICE365]["tenant_id"]) == (OTHER, OTHER)


@pytest.mark.parametrize(
    ("office365", "request_", "error", "words"),
    [
        pytest.param({"email_label": "x"}, {}, SettingsError, "matched with no Microsoft tenant", id="no-tenant"),
        pytest.param({"tenant_id": TENANT}, {"tenant_id": "client"}, InputError, "no GUID", id="no-guid"),
        pytest.param(
            {"tenant_id": TENANT, "phone_type": "Fax"}, {}, SettingsError, "itglue.example/1/assets/7", id="hand-edit"
        ),
        pytest.param(
            {"tenant_id": TENANT},
            {"bms_settings": {**PUSH, "two_way_sync": False}},
            SettingsError,
            "needs two_way_sync",
            id="a-rule-of-the-declared-ones",
        ),
    ],
)
def test_settings_that_cannot_be_acted_on_are_an_error_before_any_write(office365, request_, error, words):
    world = World(office365=office365)
    with pytest.raises(error, match=words):
        world.run(preview=False, **request_)
    assert world.itglue.writes == []


# ---------------------------------------------------- a service that cannot be read


@pytest.mark.parametrize("method", ["organization", "contacts"])
def test_it_glue_that_cannot_be_read_ends_the_run_before_any_write(method):
    world = World()
    world.itglue.faults.append(Fault(method, gone()))
    with pytest.raises(type(gone()), match="The service is gone"):
        world.run(preview=False)
    assert world.itglue.writes == []


def test_microsoft_365_that_cannot_be_read_ends_the_run_before_any_write():
    world = World()
    world.graph.faults.append(Fault("users", gone("graph")))
    with pytest.raises(type(gone())):
        world.run(preview=False)
    assert world.itglue.writes == []


@pytest.mark.parametrize("method", ["accounts", "contacts", "account_locations", "email_types", "phone_types"])
@pytest.mark.parametrize(
    "error",
    [
        quota("bms"),
        gone("bms"),
        ProtocolError("The list is incomplete.", service="bms"),
        rejected(service="bms"),
        NotFoundError("BMS has no such list.", service="bms"),
    ],
    ids=["quota", "gone", "incomplete", "refused", "not-found"],
)
@pytest.mark.parametrize("preview", [True, False], ids=["check", "real"])
def test_bms_that_cannot_be_read_defers_every_push(method, error, preview):
    world = World([ANN, person("bob", **PHONE)], [ready(title="Boss")], bms=PUSH)
    world.bms.faults.append(Fault(method, error))
    outcome = world.run(preview)
    assert reported(outcome) == [("unchanged", "deferred"), ("create", "not_ready")]
    assert Row(outcome.operations[0]).said == str(error)
    assert world.bms.created == []


@pytest.mark.parametrize("kind", [AuthenticationError, PermissionDeniedError])
def test_credentials_that_bms_refuses_end_the_run_before_any_write(kind):
    world = World([ANN], [ready(title="Boss")], bms=PUSH)
    world.bms.faults.append(Fault("accounts", kind("Wrong password.", service="bms")))
    with pytest.raises(kind):
        world.run(preview=False)
    assert world.itglue.writes == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"email_type": "Private"}, r"no type named 'Private' .*email_type.*Work \(1\)", id="email-type"),
        pytest.param({"phone_type": "Fax"}, r"no type named 'Fax' .*phone_type.*Desk \(2\)", id="phone-type"),
        pytest.param({"account": "2600"}, "2600.*not found", id="account"),
    ],
)
def test_bms_settings_that_bms_does_not_know_end_the_run_before_any_write(changes, words):
    world = World([person("ann.lee", job_title="Clerk")], [ready()], bms={**PUSH, **changes})
    with pytest.raises(InputError, match=words):
        world.run(preview=False)
    assert world.itglue.writes == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("Work", BmsType(1, "Work"), id="name"),
        pytest.param(" WORK ", BmsType(1, "Work"), id="name-of-any-case"),
        pytest.param("7", BmsType(7, "7"), id="id-is-taken-as-it-is"),
    ],
)
def test_bms_type(wanted, expected):
    assert bms_type(wanted, "email_type", lambda: [BmsType(1, "Work"), BmsType(2, "Home")]) == expected


def test_bms_without_types_says_so():
    with pytest.raises(InputError, match="none that can be read.*numeric id"):
        bms_type("Work", "email_type", list)


# --------------------------------------------------------------------- a run


def test_a_preview_writes_nothing_and_predicts_the_real_run():
    def world():
        users = [person("ann.lee", job_title="Clerk", **PHONE), person("bob.lee", **PHONE), person("cid.lee")]
        contacts = [ready(1, "ann.lee"), ready(2, "cid.lee", title="Boss")]
        office365 = {"tenant_id": TENANT, "set_phone_numbers_primary": True, "phone_type": "Office"}
        return World(users, contacts, [in_bms(7, "cid.lee@client.example")], office365=office365, bms=PUSH)

    previewed, done = world(), world()
    preview, real = previewed.run(preview=True), done.run(preview=False)
    assert (previewed.itglue.writes, previewed.bms.created, previewed.bms.titles) == ([], [], [])
    assert preview.changed is real.changed is True
    assert list(map(without_ids, real.operations)) == list(map(without_ids, preview.operations))
    assert reported(real) == [
        ("update", "pushed"),
        ("create", "pushed"),
        ("unchanged", "already_in_bms"),
    ]
    assert done.run(preview=False).changed is False


@pytest.mark.parametrize("preview", [True, False], ids=["check", "real"])
def test_a_limit_that_is_exceeded_writes_nothing_in_either_mode(preview):
    world = World([ANN, person("bob")])
    outcome = world.run(preview, options=Options(max_creates="1"))
    assert (outcome.refused, outcome.changed) == (True, False)
    assert reported(outcome) == [("create", "off"), ("create", "off")]
    assert world.itglue.writes == []


def test_what_a_run_reports_on_the_way():
    lines = []
    office365 = {"tenant_id": TENANT, "set_phone_numbers_primary": True, "phone_type": "Office"}
    world = World(
        [person("ann.lee", **PHONE)], present=[in_bms(7, "bob.lee@client.example")], office365=office365, bms=PUSH
    )
    run(world.clients, world.store, Request("Client Ltd"), preview=False, progress=lines.append)
    assert lines == [
        "Client Ltd: 1 user, 0 contacts read",
        "Client Ltd: 1 of 1 users selected, 0 matched with contacts",
        "Client Ltd: BMS: 1 contact read",
        "Client Ltd: IT Glue: 1 of 1 contacts created",
        "Client Ltd: BMS: 1 of 1 contacts pushed",
    ]


def test_a_long_list_is_reported_while_it_is_read(monkeypatch):
    monkeypatch.setattr(snapshots, "READ_BEFORE_A_LINE", 2)
    lines = []
    world = World([person(f"user{number}") for number in range(5)])
    run(world.clients, world.store, Request("Client Ltd"), preview=True, progress=lines.append)
    assert lines[:2] == ["Client Ltd: 2 users read so far", "Client Ltd: 4 users read so far"]


def test_what_is_read_is_held_once():
    """Neither a client nor the reading keeps a second list of users or contacts."""
    world = steady()
    world.graph.users = lambda: (person(f"user{number}") for number in range(9))
    world.itglue.contacts = lambda organization_id: (linked(number + 1, f"user{number}") for number in range(9))
    snapshot = world.read().snapshot

    for rows in (snapshot.users, snapshot.contacts):
        assert len(rows) == 9
        holders = [each for each in gc.get_referrers(rows[0]) if isinstance(each, (dict, list, set, tuple))]
        assert [each is rows for each in holders] == [True]

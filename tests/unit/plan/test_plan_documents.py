# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan documents: what is in them, what they are good for, and what of them is still carried out."""

from __future__ import annotations

import copy
import json
import os
import stat
from dataclasses import replace

import jsonschema
import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine import plan_document as plan_documents
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import PLANNED_OPTIONS
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsEmail, Email
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.options import Options
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan_document import options_of
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as runs
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.plan_file import read_plan, write_plan
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.snapshot import Request
from tests.tools.files import ROOT
from tests.unit.engine.builders import codes, contact, in_bms, linked, options, person, ready
from tests.unit.sync.fakes import FakeBms, FakeClients, FakeGraph, FakeItGlue, FakeStore, Fault, gone

BINDING = plan_documents.Binding(1, "Client Ltd", "tenant", {}, "1.0.0")
TENANT = "6f1c2a0e-3b7d-4a57-9d55-0a1b2c3d4e5f"
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
OFFICE365 = {"tenant_id": TENANT, "set_phone_numbers_primary": True, "phone_type": "Office"}
PUSHING = {
    "contact_sync": True,
    "two_way_sync": True,
    "auto_push_office365_contacts": True,
    "email_type": "Work",
    "phone_type": "Desk",
}
# ann is in IT Glue under another title, bob is new, cid is in BMS without a job title.
ANN = person("ann.lee", job_title="Clerk", business_phones=("4155550100",))
BOB = person("bob.lee", business_phones=("4155550101",))
CID = person("cid.lee", job_title="Boss", business_phones=("4155550100",))


class Bms(FakeBms):
    def set_contact(self, contact_id, values):
        self.called("set_contact", contact_id, values)
        with self.guard:
            self.titles.append((contact_id, dict(values)))
            changes = {"job_title": "JobTitle", "active": "IsActive"}
            self.there[contact_id] = replace(
                self.there[contact_id], **{name: values[wire] for name, wire in changes.items() if wire in values}
            )


class World:
    """Three people in IT Glue, BMS and Microsoft 365; runs are made on it."""

    def __init__(self, directory, **settings) -> None:
        self.itglue = FakeItGlue([ready(72, title="Trainee"), ready(73, "cid.lee", title="Boss")])
        self.bms = Bms([in_bms(90211, "cid.lee@client.example", first="Cid", last="Lee")])
        self.graph = FakeGraph([ANN, BOB, CID])
        self.store = FakeStore(OFFICE365, PUSHING)
        self.path = str(directory / "plan.json")
        self.version = "1.0.0"

    def run(self, preview: bool = False, **values):
        given = {"options": options(), "version": self.version, **values}
        clients = FakeClients(self.itglue, self.bms, self.graph)
        return runs.run(clients, self.store, Request("Client Ltd", **given), preview=preview)

    def plan(self, **values) -> dict:
        self.run(True, plan_file=self.path, **values)
        return json.loads(open(self.path, encoding="utf-8").read())

    def apply(self, preview: bool = False, **values):
        return self.run(preview, apply_plan=self.path, **values)

    def edit(self, ident: int, **values) -> None:
        self.itglue.there[ident] = replace(self.itglue.there[ident], **values)

    def written(self) -> int:
        return len(self.itglue.writes) + len(self.bms.created) + len(self.bms.titles)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def by_user(found) -> dict:
    """Entries of a document, or operations, by the first name."""
    return {
        (each["subject"]["user"] if isinstance(each, dict) else each.user).partition(".")[0]: each for each in found
    }


def strike(world, plan: dict, name: str) -> None:
    """Remove the entry of a person, as a reviewer does."""
    plan["operations"] = [entry for entry in plan["operations"] if not entry["subject"]["user"].startswith(name)]
    write_plan(world.path, plan)


# ---------------------------------------------------------------------- document


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for broken in ({}, {"plan": 1}, {"plan": 2}, []):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


def test_a_plan_holds_what_would_be_written_and_follows_its_schema(world):
    plan = world.plan()
    jsonschema.validate(plan, SCHEMA, format_checker=jsonschema.FormatChecker())
    entries = by_user(plan["operations"])
    assert entries.keys() == {"ann", "bob", "cid"}
    assert plan["planned"] == ["user/id-ann.lee", "user/id-bob.lee", "user/id-cid.lee"]
    ann, bob, cid = (entries[name] for name in ("ann", "bob", "cid"))
    assert ann["subject"] == {"kind": "user", "user": ANN.username, "user_id": ANN.id}
    assert (ann["itglue"]["action"], ann["itglue"]["before"]) == ("update", {"title": "Trainee"})
    assert (bob["itglue"]["action"], bob["itglue"]["contact_id"], bob["bms"]["push"]) == ("create", None, "pushed")
    assert bob["bms"]["create"]["emails"][0]["address"] == "bob.lee@client.example"
    assert (cid["itglue"]["action"], cid["bms"]["after"]) == ("unchanged", {"JobTitle": "Boss"})
    assert cid["reasons"] == [{"code": "in_bms_by_address", "values": {"bms_contact_id": 90211}}]
    assert plan["organization"] == {"id": 1, "name": "Client Ltd"}
    assert world.written() == 0


def test_what_does_not_change_is_not_in_it(world):
    world.run()
    assert world.plan()["operations"] == []


def test_a_plan_with_departed_people_follows_its_schema_and_is_applied(world):
    world.itglue.there[74] = ready(74, "max.gone")
    world.graph.there.append(person("max.gone", account_enabled=False))
    world.bms.there[90212] = in_bms(90212, "max.gone@client.example", first="Max", last="Gone")
    away = options(deactivate=True, departed_contact_type="End User", departed_keep=("nobody@*",))
    plan = world.plan(options=away)
    jsonschema.validate(plan, SCHEMA)
    assert plan["planned"][-1] == "departed/74"
    entry = by_user(plan["operations"])["max"]
    assert entry["subject"] == {
        "kind": "departed",
        "contact_id": 74,
        "user": "max.gone@client.example",
        "user_id": "id-max.gone",
    }
    assert (entry["itglue"]["after"], entry["bms"]["after"]) == ({"contact-type-id": 24}, {"IsActive": False})
    # The options are those of the plan, whatever the task says.
    applied = world.apply()
    assert applied.refused_entries == []
    assert (world.itglue.there[74].contact_type_id, world.bms.there[90212].active) == (24, False)
    again = world.apply()
    assert again.refused_entries == []
    assert again.deactivations == ()


FOLLOWING = options(update_linked=True)


def followed(world) -> None:
    """ann becomes a linked contact whose BMS contact lacks the title and an address."""
    contact_ = linked(72, "ann.lee", 90212, title="Trainee")
    world.itglue.there[72] = replace(contact_, emails=(*contact_.emails, Email("ann@client.example", "Work")))
    world.bms.there[90212] = in_bms(90212, "ann.lee@client.example", first="Ann", last="Lee")


def test_a_plan_of_what_follows_in_bms_follows_its_schema_and_is_applied(world):
    followed(world)
    plan = world.plan(options=FOLLOWING)
    jsonschema.validate(plan, SCHEMA)
    entry = by_user(plan["operations"])["ann"]
    assert (entry["itglue"]["action"], entry["bms"]["push"], entry["bms"]["contact_id"]) == ("update", None, 90212)
    assert entry["bms"]["before"].keys() == entry["bms"]["after"].keys() == {"JobTitle", "Emails", "Phones"}
    assert world.apply().refused_entries == []
    assert (world.bms.there[90212].job_title, len(world.bms.there[90212].emails)) == ("Clerk", 2)
    again = world.apply()
    assert (again.refused_entries, again.changed) == ([], False)


def test_what_is_done_in_part_in_bms_is_finished(world):
    followed(world)
    world.plan(options=FOLLOWING)
    world.bms.there[90212] = replace(world.bms.there[90212], job_title="Clerk")
    assert world.apply().refused_entries == []
    assert len(world.bms.there[90212].emails) == 2


@pytest.mark.parametrize(
    "changes", [{"job_title": "Head"}, {"emails": (BmsEmail("new@client.example", 1, "Work", True),)}]
)
def test_a_bms_contact_that_has_changed_is_refused_with_both_values(world, changes):
    followed(world)
    world.plan(options=FOLLOWING)
    world.bms.there[90212] = edited = replace(world.bms.there[90212], **changes)
    (refused,) = world.apply().refused_entries
    assert refused.planned.keys() == refused.found.keys() == {"bms"}
    assert refused.planned["bms"].keys() <= {"before", "after"}
    assert refused.reason.code == ReasonCode.PLAN_OUTDATED
    assert world.bms.there[90212] == edited


def test_what_was_planned_for_one_bms_contact_is_done_to_no_other(world):
    """Somebody has replaced the BMS contact by another one, which lacks the same."""
    world.plan()
    world.bms.there = {90299: replace(world.bms.there[90211], id=90299)}
    (refused,) = world.apply().refused_entries
    assert (refused.planned, refused.found) == ({"bms": {"contact_id": 90211}}, {"bms": {"contact_id": 90299}})
    assert world.bms.there[90299].job_title is None


def test_which_bms_contact_it_is_does_not_count_where_nothing_is_done_to_it(world):
    world.bms.there[90212] = there = in_bms(90212, "ann.lee@client.example", first="Ann", last="Lee", job_title="Clerk")
    world.plan()
    del world.bms.there[90212]
    world.bms.there[90299] = replace(there, id=90299)
    assert world.apply().refused_entries == []
    assert world.itglue.there[72].title == "Clerk"


def test_a_departed_person_who_has_returned_is_refused(world):
    world.itglue.there[74] = ready(74, "max.gone")
    world.graph.there.append(person("max.gone", account_enabled=False))
    world.plan(options=options(deactivate=True, departed_contact_type="End User"))
    world.graph.there[-1] = person("max.gone")
    applied = world.apply()
    assert [(each.contact_id, each.reason) for each in applied.refused_entries] == [
        (74, Reason(ReasonCode.PLAN_SUPERSEDED))
    ]
    assert world.itglue.there[74].contact_type_id is None


@pytest.mark.parametrize(
    "given",
    [
        {"users": frozenset({"ann.lee@client.example", "bob.lee@client.example"})},
        {"match_overrides": {"bob.lee@client.example": "ignore"}},
        {"update_linked": True},
        {"bms_adapter_names": ("psa",)},
    ],
    ids=lambda given: next(iter(given)),
)
def test_the_options_of_the_plan_count_when_it_is_applied(world, given):
    plan = world.plan(options=options(**given))
    jsonschema.validate(plan, SCHEMA)
    applied = world.apply()
    assert applied.refused_entries == []
    assert {each.subject.user_id for each in applied.operations if each.writes} == {
        each["subject"]["user_id"] for each in plan["operations"]
    }


def test_every_option_that_decides_who_is_written_is_in_the_plan(world):
    """An option that a plan does not hold would come from the applying task, reviewed by nobody."""
    given = Options(
        bms_adapter_names=("psa",),
        update_linked=True,
        users=frozenset({"a@x.io"}),
        match_overrides={"a@x.io": 7},
        bms_match_overrides={"a@x.io": "new"},
        deactivate=True,
        departed_contact_type="Former",
        departed_keep=("b@x.io",),
        allow_shrunken_source=True,
        max_creates="7",
    )
    default = Options()
    assert [name for name in PLANNED_OPTIONS if getattr(given, name) == getattr(default, name)] == []
    limits = {"max_creates", "max_updates", "max_pushes", "max_deactivations"}
    assert {*Options.__dataclass_fields__} - {*PLANNED_OPTIONS} == limits
    document = plan_documents.document(BINDING, given, [], "2026-11-29T06:00:00+00:00")
    jsonschema.validate(document, SCHEMA)
    assert options_of(json.loads(json.dumps(document)), default) == replace(given, max_creates=None)


# -------------------------------------------------------------------------- file


def test_only_its_owner_can_read_it_even_in_the_place_of_an_open_file(world):
    with open(world.path, "w", encoding="utf-8") as file:
        file.write("in the way")
    os.chmod(world.path, 0o644)
    world.plan()
    assert stat.S_IMODE(os.stat(world.path).st_mode) == 0o600
    assert os.listdir(os.path.dirname(world.path)) == ["plan.json"]


def test_it_is_read_as_it_was_written(world):
    plan = world.plan()
    assert read_plan(world.path) == plan
    write_plan(world.path, plan)
    assert read_plan(world.path) == plan


def test_outside_check_mode_it_is_an_error_before_anything_is_written(world):
    with pytest.raises(InputError, match="outside check mode"):
        world.run(plan_file=world.path)
    assert (world.written(), os.path.exists(world.path)) == (0, False)


@pytest.mark.parametrize("path", ["missing/plan.json", "."])
def test_a_place_that_cannot_be_written_is_an_input_error(world, tmp_path, path):
    with pytest.raises(InputError, match="cannot be written"):
        world.run(True, plan_file=str(tmp_path / path))
    assert os.listdir(tmp_path) == []


def broken(change) -> object:
    """A change to a plan, by its name."""
    return pytest.param(change, id=change.__name__)


def without(key):
    def change(plan):
        del plan[key]

    change.__name__ = f"without_{key}"
    return change


def entry(part=None, **values):
    def change(plan):
        entry = plan["operations"][0]
        (entry[part] if part else entry).update(values)

    change.__name__ = "_".join(("entry", *([part] if part else []), *values))
    return change


def option(**values):
    def change(plan):
        plan["options"].update(values)

    change.__name__ = "_".join(["option", *values, *(repr(each) for each in values.values() if isinstance(each, dict))])
    return change


def twice(plan):
    plan["operations"].append(plan["operations"][0])


def another_format(plan):
    plan["plan"] = 1


def planned_that_is_none(plan):
    plan["planned"] = [7]


def operations_that_are_none(plan):
    plan["operations"] = [None]


def organization_that_is_none(plan):
    plan["organization"] = {"id": "1"}


CHANGES = [
    *map(
        without,
        ("plan", "collection", "organization", "tenant_id", "settings_digest", "options", "planned", "operations"),
    ),
    entry(itglue=None),
    entry(bms=[]),
    entry(reasons=["because"]),
    entry(subject={"kind": "user"}),
    entry("subject", user_id=7),
    entry("subject", kind="departed"),
    entry("subject", kind="nobody"),
    entry("itglue", before="title"),
    entry("itglue", after={"title": []}),
    entry("itglue", after={"no-such": "x"}),
    entry("itglue", after={"contact-emails": ["x"]}),
    entry("itglue", after={"contact-phones": {"value": "1"}}),
    entry("bms", create="x"),
    entry("bms", push=7),
    entry("bms", after={"NoSuch": "x"}),
    entry("bms", after={"Emails": ["x"]}),
    entry("bms", after={"JobTitle": []}),
    option(users="ann"),
    option(users=[7]),
    option(bms_adapter_names=None),
    option(match_overrides=[]),
    option(match_overrides={"ann.lee": "72"}),
    option(bms_match_overrides={"ann.lee": {}}),
    option(bms_match_overrides={"ann.lee": None}),
    option(departed_keep=[None]),
    twice,
    another_format,
    operations_that_are_none,
    organization_that_is_none,
    planned_that_is_none,
]


@pytest.mark.parametrize("change", [broken(each) for each in CHANGES])
def test_a_malformed_plan_is_refused(world, change):
    plan = world.plan()
    change(plan)
    write_plan(world.path, plan)
    with pytest.raises(InputError, match="is no plan of format 2"):
        world.apply()
    assert world.written() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"plan": 2}', b"[" * 100_000])
def test_what_is_no_plan_is_refused(world, content):
    with open(world.path, "wb") as file:
        file.write(content)
    with pytest.raises(InputError, match=r"is no (JSON|plan)"):
        world.apply()


def test_a_plan_that_is_not_there(world):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        world.apply()


# ----------------------------------------------------------------------- binding


def test_another_organization(world):
    world.plan()
    world.itglue.named["Client Ltd"] = replace(world.itglue.named["Client Ltd"], id=2)
    with pytest.raises(InputError, match="made for another organization: 1 in the plan, 2 now"):
        world.apply()
    assert world.written() == 0


def test_another_tenant(world):
    world.plan()
    other = TENANT.replace("6", "7")
    world.store.office365 = {**OFFICE365, "tenant_id": other}
    with pytest.raises(InputError, match=f"another tenant: {TENANT} in the plan, {other} now"):
        world.apply()
    assert world.written() == 0


@pytest.mark.parametrize("preview", [True, False])
def test_other_settings(world, preview):
    world.plan()
    world.store.bms = {**PUSHING, "phone_type": "2"}
    with pytest.raises(InputError, match="made with other settings"):
        world.apply(preview)
    assert world.written() == 0


def test_the_order_of_the_settings_does_not_count():
    assert plan_documents.digest({"a": 1, "b": "é"}) == plan_documents.digest({"b": "é", "a": 1})


def test_another_version_of_the_collection(world):
    world.plan()
    world.version = "1.1.0"
    with pytest.raises(InputError, match=r"another version of the collection: 1\.0\.0 in the plan, 1\.1\.0 now"):
        world.apply()
    assert world.written() == 0


def test_the_declared_settings_count_as_the_stored_ones_do(world):
    world.plan()
    world.store.office365 = {**OFFICE365, "phone_type": "Mobile"}
    applied = world.apply(office365_settings={"phone_type": "Office"})
    assert applied.changed and applied.refused_entries == []


# ------------------------------------------------------------------------- apply


def test_a_plan_that_holds_is_carried_out_as_foreseen(world):
    plan = world.plan()
    foreseen = world.apply(preview=True)
    assert world.written() == 0
    applied = world.apply()
    for outcome in (foreseen, applied):
        assert outcome.changed and not outcome.refused_entries
        reported = by_user(outcome.operations)
        for user, planned in by_user(plan["operations"]).items():
            itglue = reported[user].itglue
            assert (itglue.action, dict(itglue.after)) == (planned["itglue"]["action"], planned["itglue"]["after"])
    assert world.itglue.there[72].title == "Clerk"
    assert [each.first_name for each in world.bms.created] == ["Ann", "Bob"]
    assert world.bms.there[90211].job_title == "Boss"


def test_applied_twice_it_changes_nothing_the_second_time(world):
    world.plan()
    world.apply()
    before = world.written()
    again = world.apply()
    assert (again.changed, again.refused_entries, world.written()) == (False, [], before)


def test_what_is_done_in_part_is_finished(world):
    """As after a quota that was used up: ann is done in IT Glue, not in BMS."""
    world.plan()
    world.edit(72, title="Clerk")
    applied = world.apply()
    assert applied.refused_entries == []
    assert by_user(applied.operations)["ann"].bms.push == "pushed"
    assert "Ann" in [each.first_name for each in world.bms.created]


def test_a_job_title_that_bms_did_not_take_is_set(world):
    world.plan()
    world.bms.faults.append(Fault("set_contact", gone("bms"), times=9))
    world.apply()
    assert {each.job_title for each in world.bms.there.values()} == {None}
    world.bms.faults.clear()
    applied = world.apply()
    assert applied.refused_entries == []
    assert {each.first_name: each.job_title for each in world.bms.there.values()} == {
        "Ann": "Clerk",
        "Bob": None,
        "Cid": "Boss",
    }


def test_what_changed_since_is_refused_with_both_values_and_the_rest_is_applied(world):
    world.plan()
    world.edit(72, title="Director")
    applied = world.apply()
    (refused,) = applied.refused_entries
    assert (refused.user, refused.user_id) == ("ann.lee@client.example", "id-ann.lee")
    assert refused.planned == {"itglue": {"before": {"title": "Trainee"}}}
    assert refused.found == {"itglue": {"before": {"title": "Director"}}}
    assert refused.reason == Reason(ReasonCode.PLAN_OUTDATED, {"changed": ["itglue.before"]})
    ann = by_user(applied.operations)["ann"]
    assert (ann.itglue.action, ann.bms.push, ann.writes) == ("refused", None, False)
    assert codes(ann) == ["plan_outdated"]
    assert world.itglue.there[72].title == "Director"
    assert [each.first_name for each in world.bms.created] == ["Bob"]


def test_a_user_that_wants_something_else_now_is_refused(world):
    world.plan()
    world.graph.there[0] = replace(ANN, job_title="Head")
    applied = world.apply()
    (refused,) = applied.refused_entries
    planned, found = refused.planned["itglue"], refused.found["itglue"]
    assert (planned["after"], found["after"]) == ({"title": "Clerk"}, {"title": "Head"})
    assert world.itglue.there[72].title == "Trainee"


@pytest.mark.parametrize(
    ("title", "changes"),
    [
        pytest.param("Trainee", {"job_title": "Trainee"}, id="nothing-is-to-be-done-and-it-is-not-done"),
        pytest.param("Clerk", {"mobile_phone": "4155550177"}, id="it-is-done-and-something-else-is-to-be-done"),
    ],
)
def test_an_entry_that_is_neither_as_planned_nor_done_is_refused(world, title, changes):
    world.store.bms = None
    world.plan()
    world.edit(72, title=title)
    world.graph.there[0] = replace(ANN, **changes)
    before = world.itglue.there[72]
    applied = world.apply()
    assert [each.user_id for each in applied.refused_entries] == ["id-ann.lee"]
    assert world.itglue.there[72] == before


def test_what_was_planned_for_one_contact_is_not_done_by_another_that_has_it_already(world):
    """Somebody has replaced the contact: the reviewer has seen neither that one nor its push."""
    world.plan()
    del world.itglue.there[72]
    world.itglue.there[90] = ready(90, title="Clerk")
    (refused,) = world.apply().refused_entries
    assert (refused.planned["itglue"]["contact_id"], refused.found["itglue"]["contact_id"]) == (72, 90)
    assert [each.first_name for each in world.bms.created] == ["Bob"]


def test_a_user_that_is_gone_is_refused(world):
    world.plan()
    del world.graph.there[1]
    applied = world.apply()
    (refused,) = applied.refused_entries
    assert (refused.user_id, refused.found["itglue"]["action"]) == ("id-bob.lee", None)
    assert refused.reason == Reason(ReasonCode.PLAN_SUPERSEDED)
    assert len(world.itglue.there) == 2


def test_a_person_whom_somebody_else_has_created_otherwise_is_refused(world):
    world.plan()
    world.itglue.there[90] = contact(90, "bob.lee@client.example", first="Robert", last="Lee")
    applied = world.apply()
    (refused,) = applied.refused_entries
    assert refused.user_id == "id-bob.lee"
    assert (refused.planned["itglue"]["action"], refused.found["itglue"]["action"]) == ("create", "update")
    assert world.itglue.there[90].first_name == "Robert"


def test_a_person_who_is_in_bms_now_is_not_created_there_again(world):
    world.plan()
    world.bms.there[90300] = in_bms(90300, "bob.lee@client.example", first="Bob", last="Lee")
    applied = world.apply()
    assert [each.first_name for each in world.bms.created] == ["Ann"]
    assert applied.refused_entries == []
    assert by_user(applied.operations)["bob"].bms.push == "already_in_bms"


def test_a_plan_that_was_applied_changes_nothing_when_it_is_applied_to_a_contact_that_is_linked_since(world):
    """IT Glue links a contact to its BMS contact by itself."""
    world.bms.there[90212] = in_bms(90212, "ann.lee@client.example", first="Ann", last="Lee", job_title="Clerk")
    ann = by_user(world.plan()["operations"])["ann"]
    assert (ann["itglue"]["action"], ann["bms"]["push"], ann["bms"]["after"]) == ("update", "already_in_bms", {})
    world.apply()
    world.edit(72, adapters=linked(72, "ann.lee", 90212).adapters)
    again = world.apply(preview=True)
    assert again.refused_entries == []
    assert not again.changed


def test_who_was_not_to_be_pushed_and_is_in_bms_now_is_refused(world):
    """The reviewer has seen another state of BMS than the one that is there, and nothing planned has led to it."""
    twins = [in_bms(ident, "ann.lee@client.example", first="Ann", last="Lee", job_title="Clerk") for ident in (1, 2)]
    world.bms.there |= {each.id: each for each in twins}
    assert by_user(world.plan()["operations"])["ann"]["bms"]["push"] == "conflict"
    del world.bms.there[2]
    (refused,) = world.apply().refused_entries
    assert (refused.planned["bms"]["push"], refused.found["bms"]["push"]) == ("conflict", "already_in_bms")
    assert world.itglue.there[72].title == "Trainee"


def test_a_job_title_that_was_not_planned_is_not_set_for_a_person_who_is_in_bms_now(world):
    there = world.bms.there.pop(90211)
    world.plan()
    world.bms.there[90211] = there
    world.edit(73, title="Chief")
    world.graph.there[2] = replace(CID, job_title="Chief")
    applied = world.apply()
    assert [each.user_id for each in applied.refused_entries] == ["id-cid.lee"]
    assert world.bms.there[90211].job_title is None


def test_what_has_become_due_since_waits_for_the_next_plan(world):
    world.plan()
    world.graph.there.append(person("dan.lee", business_phones=("4155550104",)))
    applied = world.apply()
    dan = by_user(applied.operations)["dan"]
    assert (dan.itglue.action, dan.bms.push, dan.writes) == ("deferred", "deferred", False)
    assert codes(dan) == ["due_since_plan"]
    assert applied.refused_entries == []
    assert "Dan" not in [each.first_name for each in world.itglue.there.values()]


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("name", ["ann", "bob", "cid"])
def test_an_entry_that_the_reviewer_removed_is_struck(world, name, preview):
    strike(world, world.plan(), name)
    applied = world.apply(preview)
    found = by_user(applied.operations)[name]
    assert (found.itglue.action, found.bms.push in (None, "already_in_bms"), found.writes) == ("struck", True, False)
    assert codes(found)[-1] == "struck_from_plan"
    assert applied.refused_entries == []
    assert not any(made.first_name.casefold() == name for made in world.bms.created)


def test_a_struck_entry_stays_struck_whatever_has_changed_since(world):
    strike(world, world.plan(), "ann")
    world.edit(72, title="Director")
    applied = world.apply()
    assert by_user(applied.operations)["ann"].itglue.action == "struck"
    assert world.itglue.there[72].title == "Director"


def test_what_a_reviewer_struck_and_is_done_by_now_is_nothing_to_report(world):
    strike(world, world.plan(), "cid")
    world.bms.there[90211] = replace(world.bms.there[90211], job_title="Boss")
    cid = by_user(world.apply().operations)["cid"]
    assert (cid.itglue.action, cid.bms.push, cid.noteworthy) == ("unchanged", "already_in_bms", False)


NATIVE = {**PUSHING, "push_method": "native"}


@pytest.mark.parametrize("how", ["struck", "due-since", "refused"])
def test_check_mode_predicts_what_is_applied_under_native(world, how):
    """What is taken out is not pushed by IT Glue either: nothing of it stays pending."""
    world.store.bms = NATIVE
    plan = world.plan()
    if how == "struck":
        strike(world, plan, "bob")
    elif how == "due-since":
        world.graph.there.append(person("bob.new", business_phones=("4155550104",)))
        plan["planned"] = [key for key in plan["planned"] if key != "user/id-bob.lee"]
        strike(world, plan, "bob")
    else:
        world.itglue.there[90] = contact(90, "bob.lee@client.example", first="Robert", last="Lee")
    foreseen = by_user(world.apply(preview=True).operations)["bob"]
    applied = by_user(world.apply().operations)["bob"]
    assert (foreseen.itglue.action, foreseen.bms.push) == (applied.itglue.action, applied.bms.push)
    assert (foreseen.reasons, foreseen.writes) == (applied.reasons, False)
    assert foreseen.bms.push not in ("pending", "pushed")
    assert foreseen.itglue.action == {"due-since": "deferred"}.get(how, how)


def test_an_entry_that_was_edited_is_refused_and_never_written(world):
    plan = world.plan()
    by_user(plan["operations"])["ann"]["itglue"]["after"] = {"title": "Emperor"}
    write_plan(world.path, plan)
    applied = world.apply()
    assert [each.user_id for each in applied.refused_entries] == ["id-ann.lee"]
    assert world.itglue.there[72].title == "Trainee"


def test_the_limits_are_checked_again_and_with_what_is_left(world):
    world.plan()
    applied = world.apply(options=options(max_pushes="1"))
    assert [each.option for each in applied.plan.limits_exceeded] == ["max_pushes"]
    assert (applied.changed, world.written()) == (False, 0)
    # What is not applied does not count.
    world.edit(72, title="Director")
    assert world.apply(options=options(max_pushes="1")).changed


def test_a_plan_that_exceeds_a_limit_is_written_for_the_review(world):
    plan = world.plan(options=options(max_creates="0"))
    assert len(plan["operations"]) == 3
    assert copy.deepcopy(plan) == read_plan(world.path)

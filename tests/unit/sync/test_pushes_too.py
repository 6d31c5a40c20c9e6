# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs that IT Glue pushes too: a direct run pushes no further, and its error names the way out."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import PushesStoppedError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.native_signs import pushed_meanwhile
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    ItGluePart,
    Operation,
    UserSubject,
)
from tests.trust.inprocess import Stand
from tests.trust.invariants import bms_of
from tests.trust.worlds import ACCOUNT, world
from tests.unit.engine.builders import contact
from tests.unit.sync.test_facts import decoded_facts, with_change
from tests.unit.sync.test_native import ANN, COMPLETE, OPTIONS

DIRECT = {**OPTIONS, "bms_settings": {**OPTIONS["bms_settings"], "push_method": "direct"}}
DIRECT["office365_settings"] = {
    **DIRECT["office365_settings"],
    "set_phone_numbers_primary": True,
    "phone_type": "Office",
}
ADAPTER = {"adapter-type-name": "Kaseya BMS", "remote-id": str(ACCOUNT), "sync": True, "orphaned": False}
NAMES = ("Ann", "Bob", "Cid", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Joe")
WAY_OUT = ("two-way sync", "push_method: native")


def people(count: int) -> list[dict]:
    return [
        {
            **ANN,
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "userPrincipalName": f"{name.lower()}@x.example",
            "mail": f"{name.lower()}@x.example",
            "proxyAddresses": [f"SMTP:{name.lower()}@x.example"],
            "givenName": name,
            "businessPhones": [f"41555501{number:02d}"],
        }
        for number, name in enumerate(NAMES[:count])
    ]


def stand(users, contacts=(), in_bms=(), **behaviour) -> Stand:
    return Stand(world(users, list(contacts), list(in_bms), behaviour, adapters=[ADAPTER]))


def in_bms(ident: int, name: str, mailbox: str) -> dict:
    emails = [{"emailAddress": f"{mailbox}@x.example", "emailTypeId": 1, "isDefault": True}]
    names = {"firstName": name, "lastName": "Lee", "isActive": True}
    return {"id": ident, "accountId": ACCOUNT, "locationId": 31, **names, "emails": emails, "phones": []}


def is_stopped(outcome) -> bool:
    return isinstance(outcome.error, PushesStoppedError) and all(word in str(outcome.error) for word in WAY_OUT)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param({}, id="linked-at-once"),
        pytest.param({"native_push_delay": 50}, id="linked-later"),
        pytest.param({"native_push_delay_seconds": 500}, id="linked-minutes-later"),
    ],
)
def test_ten_new_people_are_ten_in_bms_and_an_error_that_names_the_way_out(behaviour):
    busy = stand(people(10), native_push=True, **behaviour)
    outcome = busy.sync(**DIRECT)
    assert is_stopped(outcome)
    assert len(bms_of(busy.state())) == 10
    assert all(str(bms_id) in str(outcome.error) for bms_id in bms_of(busy.state()))
    assert outcome.changed and {each["action"] for each in outcome.result["contacts"]} == {"create"}
    assert {each["push"] for each in outcome.result["contacts"]} == {"deferred"}
    busy.sync(**DIRECT)
    assert len(bms_of(busy.state())) == 10


def test_one_new_person_whom_it_glue_has_linked_is_a_sign():
    busy = stand(people(1), native_push=True)
    assert is_stopped(busy.sync(**DIRECT))
    assert len(bms_of(busy.state())) == 1


def test_where_it_glue_does_not_push_nothing_is_stopped():
    quiet = stand(people(10))
    outcome = quiet.sync(**DIRECT)
    assert outcome.error is None
    assert len(bms_of(quiet.state())) == 10


def test_under_native_it_is_as_it_should_be():
    busy = stand(people(10), native_push=True)
    outcome = busy.sync(**OPTIONS | {"office365_settings": DIRECT["office365_settings"]})
    assert outcome.error is None
    assert len(bms_of(busy.state())) == 10


def linked(bms_id: int) -> dict:
    link = {"adapter-type-name": "Kaseya BMS", "remote-id": str(bms_id), "sync": True, "orphaned": False}
    return {**COMPLETE, "adapters": [link], "psa-integration": "enabled"}


@pytest.mark.parametrize("check", [True, False], ids=["check", "real"])
@pytest.mark.parametrize(
    ("second", "stopped"),
    [
        pytest.param(in_bms(902, "Ann", "ann"), True, id="the-same-person"),
        pytest.param(in_bms(902, "Zoe", "ann"), False, id="other-names-on-a-shared-address"),
        pytest.param(in_bms(902, "Ann", "other"), False, id="a-namesake"),
        pytest.param({**in_bms(902, "Ann", "ann"), "isActive": False}, False, id="inactive"),
    ],
)
def test_a_linked_person_who_is_in_bms_twice_stops_the_pushes(second, stopped, check):
    twice = stand(people(2), [linked(901)], [in_bms(901, "Ann", "ann"), second])
    outcome = twice.sync(check=check, **DIRECT)
    assert is_stopped(outcome) == stopped
    bob = outcome.contacts()[people(2)[1]["id"]]
    assert (bob["action"], bob["push"]) == ("create", "failed" if stopped else "pushed")
    assert len(bms_of(twice.state())) == 2 + (not stopped and not check)


def test_the_error_names_the_contact_and_both_bms_contacts_of_who_is_in_bms_twice():
    twice = stand(people(2), [linked(901)], [in_bms(901, "Ann", "ann"), in_bms(902, "Ann", "ann")])
    assert "as contact 100 and BMS contacts 901, 902 show" in str(twice.sync(**DIRECT).error)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({**in_bms(901, "Ann", "ann"), "isActive": False}, id="inactive"),
        pytest.param(in_bms(901, "Zoe", "ann"), id="of-other-names"),
    ],
)
def test_a_linked_bms_contact_that_is_inactive_or_of_other_names_is_no_sign(first):
    once = stand(people(2), [linked(901)], [first, in_bms(902, "Ann", "ann")])
    assert not is_stopped(once.sync(check=True, **DIRECT))


def test_who_is_in_bms_twice_stops_nothing_where_nobody_is_to_be_pushed():
    twice = stand(people(1), [linked(901)], [in_bms(901, "Ann", "ann"), in_bms(902, "Ann", "ann")])
    outcome = twice.sync(**DIRECT)
    assert (outcome.error, outcome.changed) == (None, False)


def pushed_by_itglue(made: dict) -> None:
    """IT Glue pushes the contact that the last run has pushed, some time later, and links it with what it made."""
    contacts, present = made["itglue"]["contacts"], made["bms"]["contacts"]
    present.append({**present[-1], "id": 7001})
    link = {"adapter-type-name": "Kaseya BMS", "remote-id": "7001", "sync": True, "orphaned": False}
    contacts[-1] |= {"adapters": [link], "psa-integration": "enabled"}


def made_inactive(made: dict) -> None:
    made["bms"]["contacts"][-2]["isActive"] = False


def test_one_new_person_whom_it_glue_links_later_is_a_sign_in_each_run_until_it_is_in_bms_once():
    quiet = stand(people(1))
    assert quiet.sync(**DIRECT).error is None
    assert len(bms_of(quiet.state())) == 1
    assert len(decoded_facts(quiet).in_bms) == 1

    twice = with_change(quiet, pushed_by_itglue)
    for check in (True, False, False):
        outcome = twice.sync(check=check, **DIRECT)
        assert (is_stopped(outcome), outcome.changed, outcome.writes) == (True, False, [])
    assert len(decoded_facts(twice).in_bms) == 1

    once = with_change(twice, made_inactive)
    for dummy in range(2):
        outcome = once.sync(**DIRECT)
        assert (outcome.error, outcome.changed) == (None, False)
        assert decoded_facts(once).in_bms == {}
    assert [each for each in outcome.sent if each["service"] == "bms"] == []


def test_a_person_whom_it_glue_links_to_what_was_pushed_is_no_sign():
    quiet = stand(people(1))
    quiet.sync(**DIRECT)

    def linked_to_it(made: dict) -> None:
        pushed_by_itglue(made)
        made["bms"]["contacts"].pop()
        made["itglue"]["contacts"][-1]["adapters"][0]["remote-id"] = str(made["bms"]["contacts"][-1]["id"])

    linked_now = with_change(quiet, linked_to_it)
    outcome = linked_now.sync(**DIRECT)
    assert (outcome.error, outcome.changed, decoded_facts(linked_now).in_bms) == (None, False, {})
    assert [each for each in outcome.sent if each["service"] == "bms"] == []


# ------------------------------------------------------------- no coincidence, and nobody else's push


def created(number: int, action: Action = Action.CREATE) -> Operation:
    wanted = contact(number, f"u{number}@x.example", first=f"U{number}", last="Lee")
    return Operation(UserSubject(f"u{number}", f"id-{number}"), ItGluePart(action, number, contact=wanted))


TWINS = [contact(100 + number, f"u{number}@x.example", first=f"U{number}", last="Lee") for number in (1, 2)]


@pytest.mark.parametrize(
    ("linked", "in_bms", "shown", "is_a_sign"),
    [
        pytest.param([created(1)], [], [], True, id="one-created-and-linked"),
        pytest.param([created(1, Action.UPDATE)], [], [], False, id="one-updated-and-linked"),
        pytest.param([created(1, Action.UPDATE), created(2, Action.UPDATE)], [], [], True, id="two-of-them"),
        pytest.param([created(1, Action.UNCHANGED), created(2, Action.UNCHANGED)], [], [], False, id="not-written"),
        pytest.param([], [created(1)], [], False, id="one-in-bms"),
        pytest.param([], [created(1), created(2)], [], True, id="two-in-bms"),
        pytest.param([], [created(1), created(2)], TWINS, False, id="two-whom-another-run-created-too"),
        pytest.param([], [created(1, Action.UPDATE), created(2, Action.UPDATE)], [], False, id="two-that-were-there"),
    ],
)
def test_what_is_a_sign(linked, in_bms, shown, is_a_sign):
    own = [each.itglue.contact for each in (*linked, *in_bms)]
    assert (pushed_meanwhile(linked, in_bms, [*own, *shown], [901]) is not None) == is_a_sign

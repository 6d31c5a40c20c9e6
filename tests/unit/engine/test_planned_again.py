# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is carried out of a plan, once contacts were read again."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.planned_again import merged, without_outdated
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from tests.unit.engine.builders import codes, values_of

CREATE, UPDATE, UNCHANGED, LINKED = Action.CREATE, Action.UPDATE, Action.UNCHANGED, Action.LINKED
PUSHED, PENDING, THERE, OFF = Push.PUSHED, Push.PENDING, Push.ALREADY_IN_BMS, Push.OFF
OUTDATED = Reason(ReasonCode.OVERRIDE_OUTDATED)


def operation(action, contact_id=None, push=None, bms_id=None, *, fills=False, user_id="ann") -> Operation:
    itglue = ItGluePart(action, contact_id, after={"title": "Boss"} if action in (CREATE, UPDATE) else {})
    bms = BmsPart(push, bms_id, after={"JobTitle": "Boss"} if fills else {})
    return Operation(UserSubject(user_id, user_id), itglue, bms)


@pytest.mark.parametrize(
    ("planned", "fresh"),
    [
        pytest.param(operation(CREATE, None, PUSHED), operation(CREATE, None, PUSHED), id="create"),
        pytest.param(operation(CREATE, None, OFF), operation(UPDATE, 500, OFF), id="who-has-appeared"),
        pytest.param(operation(CREATE, None, PENDING), operation(UPDATE, 500, PENDING), id="who-is-pushed-by-it-glue"),
        pytest.param(operation(UPDATE, 72), operation(UNCHANGED, 72), id="done"),
        pytest.param(operation(UNCHANGED, 72), operation(UPDATE, 72), id="due"),
        pytest.param(operation(UPDATE, 72), operation(LINKED, 72), id="linked-and-not-to-be-pushed"),
        pytest.param(operation(UNCHANGED, 72), operation(UNCHANGED, 73), id="another-and-nothing-to-do"),
        pytest.param(operation(UNCHANGED, 72), operation(Action.CONFLICT), id="a-conflict-and-nothing-planned"),
        pytest.param(operation(UPDATE, 72, PUSHED), operation(UPDATE, 72, THERE, 5), id="in-bms-by-now"),
        pytest.param(
            operation(UPDATE, 72, THERE, 5), operation(UPDATE, 72, THERE, 6), id="another-and-nothing-to-fill"
        ),
        pytest.param(
            operation(UPDATE, 72, THERE, 5, fills=True), operation(UPDATE, 72, THERE, 5, fills=True), id="to-fill"
        ),
    ],
)
def test_what_is_done_is_what_the_contacts_need_now(planned, fresh):
    assert merged([planned], [fresh]) == (fresh,)


@pytest.mark.parametrize(
    ("planned", "fresh", "expected", "changed"),
    [
        pytest.param(operation(UPDATE, 72), None, (Action.DEFERRED, 72, None), ["action"], id="who-is-gone"),
        pytest.param(
            operation(UPDATE, 72), operation(UPDATE, 73), (Action.DEFERRED, 72, None), ["contact_id"], id="another"
        ),
        pytest.param(
            operation(UPDATE, 72, PUSHED),
            operation(CREATE, None, PUSHED),
            (Action.DEFERRED, 72, Push.DEFERRED),
            ["action", "contact_id"],
            id="whose-contact-is-gone",
        ),
        pytest.param(
            operation(UPDATE, 72),
            operation(Action.CONFLICT),
            (Action.DEFERRED, 72, None),
            ["action", "contact_id"],
            id="a-conflict",
        ),
        pytest.param(
            operation(UNCHANGED, 72, PENDING),
            operation(Action.CONFLICT),
            (UNCHANGED, 72, Push.DEFERRED),
            ["action", "contact_id"],
            id="a-conflict-of-whom-was-to-be-pushed",
        ),
        pytest.param(
            operation(Action.EXCLUDED),
            operation(CREATE, None, PUSHED),
            (Action.DEFERRED, None, Push.DEFERRED),
            ["action"],
            id="who-was-not-to-be-created",
        ),
        pytest.param(
            operation(UNCHANGED, 72),
            operation(UPDATE, 73),
            (Action.DEFERRED, 73, None),
            ["action", "contact_id"],
            id="another-than-was-to-be-left-alone",
        ),
        pytest.param(
            operation(UPDATE, 72, OFF),
            operation(UPDATE, 72, PUSHED),
            (UPDATE, 72, Push.DEFERRED),
            ["bms"],
            id="who-was-not-to-be-pushed",
        ),
        pytest.param(
            operation(UPDATE, 72, THERE, 5, fills=True),
            operation(UPDATE, 72, THERE, 6, fills=True),
            (UPDATE, 72, Push.DEFERRED),
            ["bms"],
            id="another-in-bms",
        ),
    ],
)
def test_what_was_not_planned_is_deferred(planned, fresh, expected, changed):
    (found,) = merged([planned], [fresh] if fresh else [])
    assert (found.itglue.action, found.itglue.contact_id, found.bms.push) == expected
    assert values_of(found, ReasonCode.CHANGED_SINCE_READ) == {"changed": changed}
    assert found.writes == (changed == ["bms"])
    assert not found.bms.active


def test_who_is_linked_by_now_is_reported_where_a_push_was_planned():
    (found,) = merged([operation(UPDATE, 72, PUSHED)], [operation(LINKED, 72, None, 90300)])
    assert (found.itglue.action, values_of(found, ReasonCode.LINKED_BY_NOW)) == (LINKED, {"bms_contact_id": 90300})


def test_who_has_just_been_created_is_not_pushed():
    (found,) = merged([operation(CREATE, None, PUSHED)], [operation(UPDATE, 500, PUSHED)])
    assert (found.itglue.action, found.bms.push) == (UPDATE, Push.DEFERRED)
    assert values_of(found, ReasonCode.CREATED_BY_NOW) == {"contact_id": 500}


def test_whose_override_is_outdated_is_not_written_and_nobody_else_is_concerned():
    planned = [operation(UPDATE, 72, PUSHED), operation(UPDATE, 73, PUSHED, user_id="bob")]
    fresh = (operation(CREATE, None, PUSHED), operation(UPDATE, 73, PUSHED, user_id="bob"))
    assert without_outdated(planned, fresh, {}) == fresh
    outdated, other = without_outdated(planned, fresh, {"ann": OUTDATED})
    assert (outdated.itglue.action, outdated.bms.push, codes(outdated)) == (
        "deferred",
        "deferred",
        ["override_outdated"],
    )
    assert other == fresh[1]
    assert merged(planned, [outdated, other]) == (outdated, other)

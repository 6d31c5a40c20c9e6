# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a part out of an operation: `Operation.withheld` is the only way."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.conflicts import Rule
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import Failure
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import BmsContact, Contact
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.plan import (
    Action,
    BmsPart,
    ItGluePart,
    Operation,
    Push,
    UserSubject,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode

ANN = UserSubject("ann@client.example", "id-ann")
NEW = ItGluePart(Action.CREATE, after={"first-name": "Ann"}, contact=Contact(0, first_name="Ann"))
CHANGED = ItGluePart(Action.UPDATE, 72, {"title": None}, {"title": "Boss"}, Contact(72, title="Boss"))
STEADY = ItGluePart(Action.LINKED, 72)
PUSHED = BmsPart(Push.PUSHED, create=BmsContact(0, 2528))
TITLE = BmsPart(Push.ALREADY_IN_BMS, 90211, before={"JobTitle": None}, after={"JobTitle": "Boss"})
BUSY = Reason(ReasonCode.BMS_NOT_READ, {"said": "BMS is busy."})


@pytest.mark.parametrize(
    ("itglue", "bms"), [(NEW, PUSHED), (CHANGED, BmsPart(Push.PENDING)), (CHANGED, TITLE), (NEW, BmsPart())]
)
def test_no_write_and_no_pending_push_is_left_of_a_withheld_operation(itglue, bms):
    withheld = Operation(ANN, itglue, bms).withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=BUSY)

    assert withheld.itglue == ItGluePart(Action.DEFERRED, itglue.contact_id)
    assert withheld.bms == (BmsPart(Push.DEFERRED, bms.contact_id) if bms.push else bms)
    assert withheld.reasons == (BUSY,)
    assert not withheld.writes


@pytest.mark.parametrize("push", [Push.PENDING, Push.UNDECIDED, Push.PUSHED])
def test_a_push_that_it_glue_would_make_is_withheld_like_any_other(push):
    withheld = Operation(ANN, CHANGED, BmsPart(push)).withheld(bms=Push.DEFERRED)

    assert withheld.bms.push == Push.DEFERRED
    assert withheld.itglue == CHANGED


@pytest.mark.parametrize("push", [Push.NOT_READY, Push.OFF, Push.ALREADY_IN_BMS, Push.CONFLICT, Push.FAILED, None])
def test_a_part_that_writes_nothing_stays_as_it_is(push):
    operation = Operation(ANN, STEADY, BmsPart(push, missing=("location",)))

    withheld = operation.withheld(itglue=Action.DEFERRED, bms=Push.DEFERRED, reason=BUSY)

    assert withheld is operation


def test_one_part_is_withheld_without_the_other():
    withheld = Operation(ANN, CHANGED, TITLE).withheld(itglue=Action.FAILED)

    assert withheld.itglue == ItGluePart(Action.FAILED, 72)
    assert withheld.bms == TITLE


def test_what_is_known_beside_the_writes_is_kept():
    itglue = ItGluePart(Action.UPDATE, 72, {}, {"title": "Boss"}, locked=("name",), unapplied=("location",))
    operation = Operation(ANN, itglue, BmsPart(Push.PUSHED, 5, missing=("location",), unapplied=("bms-emails",)))

    withheld = operation.withheld(itglue=Action.UNCHANGED, bms=Push.DEFERRED)

    assert withheld.itglue == ItGluePart(Action.UNCHANGED, 72, locked=("name",), unapplied=("location",))
    assert withheld.bms == BmsPart(Push.DEFERRED, 5, missing=("location",), unapplied=("bms-emails",))


@pytest.mark.parametrize("action", [Action.STRUCK, Action.REFUSED])
@pytest.mark.parametrize("operation", [Operation(ANN, NEW, PUSHED), Operation(ANN, STEADY, TITLE)])
def test_a_struck_or_refused_entry_is_so_as_a_whole(action, operation):
    withheld = operation.withheld(itglue=action)

    assert withheld.itglue.action == action
    assert withheld.bms == BmsPart(None, operation.bms.contact_id)
    assert not withheld.writes


def test_reasons_say_whether_somebody_should_look():
    operation = Operation(ANN, STEADY)

    assert not operation.because(BUSY).attention
    assert operation.because(BUSY, Reason(ReasonCode.INACTIVE_IN_BMS)).attention
    assert operation.because() is operation


def test_an_operation_with_another_bms_part_keeps_everything_else():
    failure = Failure("rejected", "itglue", 422, "No.")
    operation = Operation(ANN, CHANGED, TITLE, Rule.ALIAS, (BUSY,), failure)

    assert operation.with_bms(PUSHED, BUSY) == Operation(ANN, CHANGED, PUSHED, Rule.ALIAS, (BUSY, BUSY), failure)

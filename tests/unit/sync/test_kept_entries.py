# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An IT Glue that merges arrays keeps a number that was to go. The BMS contact of a linked contact gets it in the same
run, since it follows what IT Glue holds: the next run has nothing to do."""

from __future__ import annotations

import pytest

from tests.trust.inprocess import Stand
from tests.trust.invariants import bms_of, contacts_of
from tests.trust.worlds import _link
from tests.unit.sync.test_native import ANN, COMPLETE
from tests.unit.sync.test_pushes_too import DIRECT, in_bms, stand

OLD, NEW = "4155550199", "4155550100"
OPTIONS = {**DIRECT, "update_linked": True}
OFFICE = {"label-name": "Office", "extension": None, "primary": True, "label-type": "phone"}


def merging(in_bms_by_now: list[str], *others: dict) -> Stand:
    """Ann has another number by now; her contact is linked with BMS, and IT Glue merges arrays. `others` are in BMS
    too."""
    contact = {**COMPLETE, "adapters": [_link(901)], "contact-phones": [{"value": OLD, **OFFICE}]}
    phones = [{"phone": each, "phoneTypeId": 1, "isDefault": not at} for at, each in enumerate(in_bms_by_now)]
    ann = {**ANN, "jobTitle": "Clerk"}
    return stand([ann], [contact], [{**in_bms(901, "Ann", "ann"), "phones": phones}, *others], itglue_arrays="merge")


def numbers(made: Stand) -> tuple[list[str], list[str]]:
    """Those of the contact, and those of its BMS contact."""
    phones = contacts_of(made.state())[100]["contact-phones"]
    return [each["value"] for each in phones], [each["phone"] for each in bms_of(made.state())[901]["phones"]]


@pytest.mark.parametrize(("was", "becomes"), [([OLD], [OLD, NEW]), ([NEW], [NEW, OLD])])
def test_bms_gets_the_number_in_the_same_run(was, becomes):
    made = merging(was)
    done = made.sync(**OPTIONS)
    (entry,) = done.contacts().values()
    assert entry["unapplied"] == ["contact-phones"]
    assert numbers(made) == ([OLD, NEW], becomes)
    assert [each["number"] for each in entry["after"]["bms-phones"]] == becomes
    again = made.sync(**OPTIONS)
    assert (again.changed, again.writes) == (False, [])


def test_bms_keeps_the_number_that_it_has_too():
    made = merging([NEW, OLD])
    assert "bms-phones" not in made.sync(**OPTIONS).contacts()[ANN["id"]]["after"]
    assert numbers(made) == ([OLD, NEW], [NEW, OLD])
    again = made.sync(**OPTIONS)
    assert (again.changed, again.writes) == (False, [])


def test_a_bms_contact_that_the_contact_is_no_longer_linked_to_gets_only_what_was_planned():
    made = merging([OLD], in_bms(902, "Ann", "other"))

    def meanwhile(service, method, path, body):
        if service == "itglue" and method == "PATCH":
            table = made.sandbox.services["itglue"].contacts
            table.update(table.rows[100], {"adapters": [_link(902)]})
        return body

    made.alter = meanwhile
    made.sync(**OPTIONS)
    assert numbers(made) == ([OLD, NEW], [NEW])


def test_a_plan_that_is_applied_names_all_that_is_written(tmp_path):
    made, plan = merging([OLD]), str(tmp_path / "plan.json")
    made.sync(check=True, plan_file=plan, **OPTIONS)
    made.sync(apply_plan=plan, **OPTIONS)
    assert numbers(made) == ([OLD, NEW], [NEW])
    made.sync(**OPTIONS)
    assert numbers(made) == ([OLD, NEW], [NEW, OLD])

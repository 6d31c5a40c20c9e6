# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and journals in random worlds: a plan does what it says, and a run can be taken back.

What the APIs forbid to take back: a BMS contact is not deleted but deactivated; IT Glue stamps
what is written, and carries it to linked contacts by itself; where it merges arrays, an entry
that was added stays (and is reported); it takes no phone without digits, which no preview can know.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import UnavailableError
from tests.trust.inprocess import Stand
from tests.trust.worlds import Case, cases

WORLDS = 400 if os.environ.get("TRUST") == "nightly" else 16
REGIMES = {
    "direct": cases("direct"),
    "native": cases("native"),
    "merged": cases("direct", itglue_arrays="merge"),
    "linked": cases("direct", linked=True),
}
TIMES = ("updated-at", "created-at", "modifiedOn", "createdOn")


@pytest.fixture
def every(request):
    """Runs a check of a case in each world of a regime, with a directory for its files."""

    def every(regime, check):
        tried = []

        @settings(
            max_examples=WORLDS // len(REGIMES),
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # The worlds are small as they come, and to shrink one takes minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        )
        @given(REGIMES[regime])
        def each(case: Case):
            with tempfile.TemporaryDirectory() as directory:
                check(case, Stand(case.world), Path(directory))
            tried.append(case)

        each()
        assert tried

    return every


def contacts(state: dict, service: str) -> dict[int, dict]:
    """The contacts of a service by id, without the stamps of their writes."""
    return {
        row["id"]: {key: value for key, value in row.items() if key not in TIMES} for row in state[service]["contacts"]
    }


def comparable(contact: dict) -> dict:
    """A contact as it is compared: IT Glue does not promise an order of entries, and null is blank."""
    reported = {key: contact.get(key) or None for key in contact}
    for array in ("contact-emails", "contact-phones"):
        reported[array] = sorted(json.dumps(entry, sort_keys=True) for entry in contact.get(array) or ())
    return reported


def _values(now: dict, was: dict, lists: set[str]) -> list[tuple[set, set]]:
    """The addresses or numbers that two states of a BMS contact have in the same lists."""
    key = {"emails": "emailAddress", "phones": "phone"}
    return [tuple({entry[key[each]] for entry in state[each]} for state in (now, was)) for each in lists]


def linked(state: dict) -> set[int]:
    """The BMS contacts that IT Glue has links to."""
    adapters = [adapter for row in state["itglue"]["contacts"] for adapter in row["adapters"]]
    return {int(adapter["remote-id"]) for adapter in adapters if adapter["remote-id"].isdigit()}


def contacts_reported(outcome) -> list:
    """The contacts of a result without the ids of new BMS contacts: those are made side by side."""
    return [
        {**each, "bms_contact_id": None} if each["push"] == "pushed" else each for each in outcome.result["contacts"]
    ]


def writes(outcome) -> list:
    return [f"{each['method']} {each['path']}" for each in outcome.writes]


def reviewed(stand: Stand, case: Case, path: Path):
    """The outcome of the check mode that writes a plan, and the plan."""
    outcome = stand.sync(check=True, plan_file=str(path), **case.options)
    assume(outcome.error is None)
    return outcome, json.loads(path.read_text(encoding="utf-8"))


def _phones_without_digits_refused(before: dict, reverted) -> bool:
    """Whether IT Glue has refused the phones of a contact that had one without digits."""
    without_digits = {
        ident
        for ident, row in contacts(before, "itglue").items()
        if any(not any(map(str.isdigit, phone["value"] or "")) for phone in row.get("contact-phones") or ())
    }
    return any(
        each["reason_code"] == "write_rejected"
        and each["fields"] == ["contact-phones"]
        and each["id"] in without_digits
        for each in reverted.result["not_reverted"]
    )


@pytest.mark.parametrize("regime", REGIMES)
def test_a_run_is_reverted(regime, every):
    def check(case, stand, directory):
        journal = str(directory / "journal")
        before = stand.state()
        run = stand.sync(journal_file=journal, **case.options)
        assume(run.error is None and run.changed)
        options = {"organization": case.options["organization"], "state": "reverted", "journal_file": journal}
        middle = stand.state()

        foreseen = stand.sync(check=True, **options)
        assert foreseen.writes == []
        assert stand.state() == middle
        # BMS may count other rows than it shows, twice in a row: then nothing is done.
        assume(not isinstance(foreseen.error, UnavailableError))
        reverted = stand.sync(**options)
        assume(not isinstance(reverted.error, UnavailableError))
        assert foreseen.error is reverted.error is None
        reported: dict[tuple, set] = {}
        for each in reverted.result["not_reverted"]:
            reported.setdefault((each["service"], each["id"]), set()).update(each["fields"])
        phones_refused = _phones_without_digits_refused(before, reverted)
        if case.behaviour.get("itglue_arrays") != "merge":
            for key in () if phones_refused else ("changed", "reverted", "not_reverted", "diff"):
                assert foreseen.result[key] == reverted.result[key], key
            # Nobody has touched anything in between, so only a link can stand in the way, and that BMS keeps one entry.
            may_be_reported = {"itglue", "bms"} if case.options["update_linked"] else {"itglue"}
            assert {service for service, dummy in reported} <= may_be_reported

        was, now = contacts(before, "itglue"), contacts(stand.state(), "itglue")
        for ident in {*was, *now}:
            fields = reported.get(("itglue", ident))
            if ident not in was or ident not in now:
                assert fields is not None, f"contact {ident} was not taken back, and nothing is said"
                continue
            old, new = comparable(was[ident]), comparable(now[ident])
            assert {key for key in old if old[key] != new[key]} <= (fields or set()), ident

        was, now = contacts(before, "bms"), contacts(stand.state(), "bms")
        made = now.keys() - was.keys()
        assert not was.keys() - now.keys()
        assert not any(now[ident]["isActive"] for ident in made)
        # What IT Glue's own two-way sync carries to the contacts that it is linked with is not the run's.
        forwarded = linked(before) if case.behaviour["two_way_unlocks"] else set()
        for ident in was.keys() - forwarded:
            remaining = {key.lower() for key in reported.get(("bms", ident), ())}
            # Only what BMS does not keep is told: a list that is empty or has not exactly one default entry.
            assert all(sum(entry["isDefault"] for entry in was[ident][key]) != 1 for key in remaining)
            assert all(now_has >= was_has for now_has, was_has in _values(now[ident], was[ident], remaining))
            blank = {key: value or None for key, value in was[ident].items() if key not in remaining}
            assert {key: value or None for key, value in now[ident].items() if key not in remaining} == blank

        again = stand.sync(**options)
        tried_again = phones_refused or case.behaviour.get("itglue_arrays") == "merge"
        assert (again.changed, again.writes) == (False, []) or tried_again

    every(regime, check)


def shown_otherwise(applied, plan: dict) -> set[str]:
    """The ids of the users whose contacts IT Glue shows otherwise than was planned."""
    reported = {f"user/{each['user_id']}": each for each in applied.result["contacts"]}
    reported |= {f"departed/{each['contact_id']}": each for each in applied.result["departed"]}
    return {
        entry["subject"]["user_id"]
        for entry in plan["operations"]
        for after in [reported[key_of(entry)]["after"]]
        if any(after.get(name) != value for name, value in entry["itglue"]["after"].items())
    }


@pytest.mark.parametrize("regime", REGIMES)
def test_a_plan_that_is_applied_does_what_it_says_and_the_second_time_nothing(regime, every):
    def check(case, stand, directory):
        path = directory / "plan.json"
        other = Stand(case.world)
        foreseen, plan = reviewed(stand, case, path)
        assert foreseen.writes == []

        own = {key: case.options.get(key) for key in ("organization", "office365_settings", "bms_settings")}
        limits = {key: case.options[key] for key in case.options if key.startswith("max_")}
        applied = stand.sync(apply_plan=str(path), **own, **limits)
        plain = other.sync(**case.options)
        assert applied.error is None
        if regime == "merged" and applied.result["refused"]:
            # IT Glue has kept what was replaced, and nobody has reviewed a BMS contact with that.
            assert {each["user_id"] for each in applied.result["refused"]} <= shown_otherwise(applied, plan)
            return
        assert applied.result["refused"] == []
        assert contacts_reported(applied) == contacts_reported(plain)
        assert applied.result["diff"] == plain.result["diff"]
        assert applied.changed is plain.changed
        assert contacts(stand.state(), "itglue") == contacts(other.state(), "itglue")
        assert (
            plan["planned"]
            == list(map(key_of, plan["operations"]))
            == [
                *(
                    f"user/{each['user_id']}"
                    for each in foreseen.result["contacts"]
                    if each["after"] or each["push"] == "pushed"
                ),
                *(f"departed/{each['contact_id']}" for each in foreseen.result["departed"] if each["after"]),
            ]
        )

        after = stand.state()
        again = stand.sync(apply_plan=str(path), **own, **limits)
        # What a service refused is tried again, and what it shows otherwise than it was sent is another plan.
        refused = any("could not be set" in each for each in applied.warnings) or any(
            entry["unapplied"] or entry["locked"] or "failed" in (entry["action"], entry["push"])
            for entry in applied.result["contacts"]
        )
        refused = refused or any(entry["locked"] for entry in applied.result["departed"])
        if again.error is not None:
            # Contacts have gained addresses of the tenant, and there are more of them now than the users explain.
            assert "so nobody is deactivated" in str(again.error)
            assert (writes(again), stand.state()) == ([], after)
        elif not refused:
            assert (again.changed, writes(again)) == (False, [])
            # Where IT Glue merges arrays it keeps what was replaced: it shows otherwise than was planned.
            kept = shown_otherwise(applied, plan)
            assert kept == set() or regime == "merged"
            # A BMS that counts other rows than it shows cannot be compared with a plan.
            unread = any("pushes are deferred: " in each for each in again.warnings)
            assert unread or {each["user_id"] for each in again.result["refused"]} <= kept
            assert stand.state() == after

    every(regime, check)


@pytest.mark.parametrize("regime", ["direct", "native"])
def test_of_a_world_that_has_changed_exactly_what_changed_is_refused(regime, every):
    def check(case, stand, directory):
        path = directory / "plan.json"
        dummy, plan = reviewed(stand, case, path)
        updates = [entry for entry in plan["operations"] if entry["itglue"]["action"] == "update"]
        assume(updates)
        # Somebody gives another title to a contact that is about to be updated.
        target = updates[len(plan["operations"]) % len(updates)]
        world = copy.deepcopy(stand.state())
        for contact in world["itglue"]["contacts"]:
            if contact["id"] == target["itglue"]["contact_id"]:
                contact["title"] = "Edited since"
        changed = Stand(world)
        dummy, other = reviewed(changed, case, directory / "other.json")
        was, now = (
            {each["subject"]["user_id"]: _planned(each) for each in made["operations"]} for made in (plan, other)
        )
        affected = {user_id for user_id, entry in was.items() if entry != now.get(user_id)}

        own = {key: case.options.get(key) for key in ("organization", "office365_settings", "bms_settings")}
        limits = {key: case.options[key] for key in case.options if key.startswith("max_")}
        applied = changed.sync(apply_plan=str(path), **own, **limits)
        assert applied.error is None
        refused = {each["user_id"]: each for each in applied.result["refused"]}
        assert refused.keys() == affected
        written = contacts(changed.state(), "itglue")[target["itglue"]["contact_id"]]
        target_id = target["subject"]["user_id"]
        if target_id in affected:
            assert written["title"] == "Edited since"
            assert refused[target_id]["planned"] != refused[target_id]["found"]
        others = [each for each in applied.result["contacts"] if each["after"]]
        assert {each["user_id"] for each in others} <= was.keys() - affected

    every(regime, check)


def _planned(entry: dict) -> dict:
    """What of an entry is held against what would be done now."""
    bms = {key: value for key, value in entry["bms"].items() if key != "contact_id"}
    return {"subject": entry["subject"], "itglue": entry["itglue"], "bms": bms}


def key_of(entry: dict) -> str:
    """The subject of an entry, as `planned` names it."""
    subject = entry["subject"]
    return f"user/{subject['user_id']}" if subject["kind"] == "user" else f"departed/{subject['contact_id']}"

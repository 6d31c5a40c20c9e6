# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random worlds with remembered facts that are outdated, of other people, damaged or gone.

A run that believes such facts is held against one that has none: both systems become the same, but for pushes that
wait until the facts are verified, a day later.
"""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from functools import partial
from random import Random
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, settings

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import LimitExceededError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Facts
from ansible_collections.msp.psa_sync.plugins.module_utils._store.facts import decoded, encoded
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as sync_run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.planned_run import Source

from .inprocess import Json, Outcome, Stand
from .invariants import contacts_of, nobody_is_there_twice, outline
from .tally import NIGHTLY, drawn, note
from .worlds import CLIENT, Case, cases, chances

REGIMES = {"direct": cases("direct"), "native": cases("native"), "linked": cases("direct", linked=True)}
EACH = drawn("worlds with facts") // len(REGIMES)
A_DAY = 26 * 3600


def texts(state: Json) -> list[Json]:
    """The traits of the assets with remembered facts."""
    found = (each["traits"] for each in state["itglue"]["flexible_assets"])
    return [each for each in found if str(each.get("facts")).startswith("psa_sync facts")]


def tampered(facts: Facts, chance: Random) -> Facts:
    """The facts of other people, of other times, and some that are gone."""
    keys = list(facts.in_bms)
    chance.shuffle(keys)
    in_bms = {
        key: replace(fact, verified_at=fact.verified_at - chance.choice((0, 0, 0, 3600, 90_000)))
        for key, fact in zip(keys, facts.in_bms.values(), strict=True)
        if chance.random() < 0.9
    }
    refused = {key: chance.choice((value, value, "other")) for key, value in facts.refused.items()}
    return replace(facts, in_bms=in_bms, refused=refused)


def with_facts(state: Json, chance: Random | None, *, damaged: bool) -> Stand:
    """The services with the facts tampered with, or, without `chance`, with none that save requests. Nothing of
    `damaged` ones counts, neither what saves requests nor who is who."""
    made = copy.deepcopy(state)
    for traits in texts(made):
        facts = decoded(traits["facts"], CLIENT)
        changed = tampered(facts, chance) if chance else replace(facts, in_bms={}, refused={}, offboarded={})
        traits["facts"] = encoded(changed, CLIENT)[: -1 if damaged else None]
    return Stand(made)


def edited(state: Json, chance: Random) -> Json:
    """Somebody has removed people from BMS, renamed some there, and changed contacts."""
    made = copy.deepcopy(state)
    linked = {each["remote-id"] for row in made["itglue"]["contacts"] for each in row["adapters"]}
    kept = [row for row in made["bms"]["contacts"] if str(row["id"]) in linked or chance.random() < 0.8]
    for row in kept:
        if chance.random() < 0.1:
            row["firstName"] = "Zoë"
    made["bms"]["contacts"] = kept
    for row in contacts_of(made).values():
        if chance.random() < 0.1:
            row["title"] = "Boss"
    return made


def asks_bms(outcome: Outcome) -> bool:
    return any(each["service"] == "bms" for each in outcome.sent)


def resolved(stand: Stand, case: Case, first: Outcome) -> bool:
    """Run daily until nothing changes any more; False where a limit forbids it: under `native`, who waits for IT Glue
    is saved again a day later, and two who do so exceed a limit of one."""
    for day in range(1, 5):
        later = partial(Source, read_at=lambda day=day: time.time() + day * A_DAY)
        with mock.patch.object(sync_run, "Source", later):
            outcome = stand.sync(**case.options)
        if isinstance(outcome.error, LimitExceededError):
            assert case.options["max_updates"] is not None
            return False
        assert str(outcome.error) == str(first.error)
        if not outcome.changed and day > 1:
            break
    return True


def hold(case: Case, chance: Random) -> bool:
    """Hold a run with facts against one without; whether the facts saved the look-up."""
    stand = Stand(case.world)
    assume(stand.sync(**case.options).error is None)
    state = edited(stand.sandbox.state(), chance)
    damaged = chance.random() < 0.1
    looking, remembering = (with_facts(state, each, damaged=damaged) for each in (None, chance))
    before = remembering.state()
    seen, believed = looking.sync(**case.options), remembering.sync(**case.options)
    assert len(believed.fact_writes) <= 4
    if isinstance(seen.error, LimitExceededError) and believed.error is None:
        # Whose push is withheld does not count for a limit.
        nobody_is_there_twice(before, remembering.state(), case, believed)
        return asks_bms(seen) and not asks_bms(believed)
    assert str(seen.error) == str(believed.error)
    if seen.error is None:
        nobody_is_there_twice(before, remembering.state(), case, believed)
    known, found = outline(remembering.state(), before), outline(looking.state(), before)
    saved = asks_bms(seen) and not asks_bms(believed)
    if not saved:
        assert known == found
    else:
        assert known["bms"] == outline(before, before)["bms"]
        if believed.result["settings"]["bms"]["push_method"] == "direct":
            assert known["itglue"] == found["itglue"]
    if seen.error is None:
        allowed = [resolved(each, case, seen) for each in (looking, remembering)]
        assert False in allowed or outline(remembering.state(), before) == outline(looking.state(), before)
    return saved


@pytest.mark.parametrize("regime", REGIMES)
def test_outdated_facts_delay_pushes_and_do_nothing_else(regime):
    tried, saved = 0, 0

    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck))
    @given(REGIMES[regime], chances)
    def every(case, chance):
        nonlocal tried, saved
        saved += hold(case, chance)
        tried += 1

    every()
    note("worlds with facts", regime, tried)
    assert tried >= EACH // 2
    assert saved or regime != "direct" or not NIGHTLY

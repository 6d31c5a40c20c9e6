# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remembered facts, through whole runs: what they save, when they are verified again, that nothing hangs on them."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Facts
from ansible_collections.msp.psa_sync.plugins.module_utils._store.facts import decoded
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import snapshot
from tests.benchmarks import worlds
from tests.trust.inprocess import Stand
from tests.trust.worlds import ACCOUNT, CLIENT, world
from tests.unit.sync.test_native import ANN, COMPLETE, OPTIONS

DIRECT = {**OPTIONS, "bms_settings": {**OPTIONS["bms_settings"], "push_method": "direct"}}
LINK = [{"adapter-type-name": "Kaseya BMS", "remote-id": "901", "sync": True, "orphaned": False}]
IN_BMS = {
    "id": 901,
    "accountId": ACCOUNT,
    "locationId": 31,
    "firstName": "Ann",
    "lastName": "Lee",
    "jobTitle": "Clerk",
    "isActive": True,
    "emails": [{"emailAddress": "ann@x.example", "emailTypeId": 1, "isDefault": True}],
    "phones": [],
}
DAY = 24 * 3600


def stand(users=(ANN,), contacts=(COMPLETE,), in_bms=(IN_BMS,), **parts) -> Stand:
    return Stand(world(list(users), list(contacts), list(in_bms), parts.pop("behaviour", {}), **parts))


def with_change(it: Stand, change: Callable[[dict], object]) -> Stand:
    """The same services after somebody has changed something there."""
    made = copy.deepcopy(it.sandbox.state())
    change(made)
    return Stand(made)


def contact_of(made: dict) -> dict:
    return next(each for each in made["itglue"]["contacts"] if each["id"] == 100)


@pytest.fixture
def later(monkeypatch):
    """Lets the control node's clock show a later time."""
    shift = [0.0]
    monkeypatch.setattr(snapshot, "time", SimpleNamespace(time=lambda: time.time() + shift[0]))

    def later(seconds: float) -> None:
        shift[0] += seconds

    return later


def of_bms(outcome) -> list[str]:
    return [each["path"] for each in outcome.sent if each["service"] == "bms"]


def of_itglue(outcome) -> list[str]:
    return [each["path"].split("?")[0] for each in outcome.sent if each["service"] == "itglue"]


def pushes(outcome) -> Counter:
    return Counter(each["push"] for each in outcome.contacts().values())


def text_of(it: Stand) -> str:
    (asset,) = it.facts()
    return asset["traits"]["facts"]


# ----------------------------------------------------------------- what they save


def test_clients_whose_people_are_all_in_bms_ask_it_for_nothing_on_the_next_run():
    """At most two requests were allowed for all twenty; and four of IT Glue for each client that is up to date."""
    made = worlds.world(20, 3, unlinked=3, in_bms=3)
    it = Stand(made)
    for check in (True, False):
        for client in range(1, 21):
            outcome = it.sync(organization=str(client), check=check, store_settings=True)
            assert pushes(outcome) == {"already_in_bms": 3}
            assert (len(of_bms(outcome)) > 0, len(outcome.fact_writes) <= 4 * (not check)) == (True, True)
    asked = []
    for client in range(1, 21):
        outcome = it.sync(organization=str(client), store_settings=True)
        assert (pushes(outcome), outcome.changed) == ({"already_in_bms": 3}, False)
        assert (outcome.writes, outcome.fact_writes) == ([], [])
        assert len(of_itglue(outcome)) == 4
        asked += of_bms(outcome)
    assert asked == []
    assert len(it.facts()) == 20


@pytest.mark.parametrize("method", ["direct", "native"])
def test_the_result_is_the_same_as_that_of_a_look_up(method):
    options = {**OPTIONS, "bms_settings": {**OPTIONS["bms_settings"], "push_method": method}}
    it = stand(in_bms=[{**IN_BMS, "isActive": False}])
    looked_up = it.sync(**options)
    remembered = it.sync(**options)
    assert (len(of_bms(looked_up)) > 0, of_bms(remembered)) == (True, [])
    for result in (looked_up.result, remembered.result):
        del result["summary"]["api_calls"]
    assert remembered.result == looked_up.result


def test_who_was_pushed_is_remembered_until_the_link_shows():
    it = stand(in_bms=())
    assert pushes(it.sync(**DIRECT)) == {"pushed": 1}
    again = it.sync(**DIRECT)
    assert (pushes(again), of_bms(again), again.fact_writes) == ({"already_in_bms": 1}, [], [])
    it = with_change(it, lambda made: contact_of(made).update({"psa-integration": "enabled", "adapters": LINK}))
    assert len(it.sync(**DIRECT).fact_writes) == 1
    assert decoded_facts(it) == Facts()


def decoded_facts(it: Stand) -> Facts:
    return decoded(text_of(it).replace("<br>", "").replace("&quot;", '"').splitlines(), CLIENT)


def test_facts_hold_ids_and_digests_and_nobody_s_name_or_address():
    it = stand(in_bms=())
    it.sync(**DIRECT)
    said = json.dumps(it.facts())
    assert not [each for each in ("Ann", "Lee", "@", "415555", "secret", "password") if each in said]
    (fact,) = decoded_facts(it).in_bms.values()
    assert fact.bms_contact_id == max(each["id"] for each in it.state()["bms"]["contacts"])


# ------------------------------------------------------------- verified once a day


def test_a_person_is_looked_up_again_once_a_day(later):
    """Runs every three hours for three days: three look-ups after the first one, each of which changes the time."""
    it = stand()
    it.sync(**DIRECT)
    looked_up = []
    for hour in range(3, 73, 3):
        later(3 * 3600)
        outcome = it.sync(**DIRECT)
        if of_bms(outcome):
            looked_up.append(hour)
            assert len(outcome.fact_writes) == 1
        assert pushes(outcome) == {"already_in_bms": 1}
    assert len(looked_up) == 3
    assert [two - one for one, two in zip(looked_up, looked_up[1:], strict=False)] == [24, 24]


def test_who_has_gone_from_bms_meanwhile_is_pushed_within_the_next_look_up(later):
    it = stand()
    it.sync(**DIRECT)
    it = with_change(it, lambda made: made["bms"].update(contacts=[]))
    stale = it.sync(**DIRECT)
    assert (pushes(stale), stale.writes) == ({"already_in_bms": 1}, []), "a stale fact withholds a push"
    later(26 * 3600)
    assert pushes(it.sync(**DIRECT)) == {"pushed": 1}


@pytest.mark.parametrize(
    "edit",
    [
        {"first-name": "Anna"},
        {"title": "Chief"},
        {"contact-emails": [*COMPLETE["contact-emails"], {"value": "lee@y.example", "label-name": "Home"}]},
        {"contact-phones": [*COMPLETE["contact-phones"], {"value": "4155550177", "label-name": "Home"}]},
        {"location-id": 11},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_a_contact_that_has_changed_is_looked_up_at_once(edit):
    user = {**ANN, "givenName": None, "jobTitle": None} if "first-name" in edit else ANN
    it = stand(users=[user])
    it.sync(**DIRECT)
    assert of_bms(it.sync(**DIRECT)) == []
    it = with_change(it, lambda made: contact_of(made).update(edit))
    assert of_bms(it.sync(**DIRECT)) != []


@pytest.mark.parametrize(
    "other",
    [
        {"bms_settings": {**DIRECT["bms_settings"], "push_method": "native"}},
        {"bms_settings": {**DIRECT["bms_settings"], "account": str(ACCOUNT)}},
        {"update_linked": True},
        {"bms_match_overrides": {ANN["id"]: 901}},
    ],
    ids=["method", "account", "update_linked", "override"],
)
def test_with_other_settings_everybody_is_looked_up_at_once(other):
    it = stand()
    it.sync(**DIRECT)
    assert of_bms(it.sync(**{**DIRECT, **other})) != []


def test_once_bms_is_read_for_one_person_everybody_is_looked_up():
    bob = {**ANN, "id": ANN["id"][:-1] + "2", "userPrincipalName": "bob@x.example", "mail": "bob@x.example"}
    bob |= {"proxyAddresses": ["SMTP:bob@x.example"], "givenName": "Bob", "businessPhones": ["4155550111"]}
    it = stand(users=[ANN])
    it.sync(**DIRECT)

    def change(made: dict) -> None:
        made["bms"]["contacts"] = []
        made["entra"]["tenants"][0]["users"].append(bob)

    it = with_change(it, change)
    primary = {**DIRECT["office365_settings"], "set_phone_numbers_primary": True, "phone_type": "Office"}
    assert pushes(it.sync(**{**DIRECT, "office365_settings": primary})) == {"pushed": 2}

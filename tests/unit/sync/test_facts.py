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
from functools import partial

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import Facts, InBms
from ansible_collections.msp.psa_sync.plugins.module_utils._store import facts as stored_facts
from ansible_collections.msp.psa_sync.plugins.module_utils._store.facts import decoded, encoded
from ansible_collections.msp.psa_sync.plugins.module_utils._sync import run as sync_run
from ansible_collections.msp.psa_sync.plugins.module_utils._sync.planned_run import Source
from tests.benchmarks import worlds
from tests.trust.inprocess import Stand
from tests.trust.worlds import ACCOUNT, CLIENT, FORMER, world
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
    """Lets the control node's clock show a later time; it stands still otherwise, however long a test takes."""
    now = [time.time()]
    monkeypatch.setattr(sync_run, "Source", partial(Source, read_at=lambda: now[0]))

    def later(seconds: float) -> None:
        now[0] += seconds

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
    return decoded(text_of(it), CLIENT)


def test_facts_hold_ids_and_digests_and_nobody_s_name_or_address():
    it = stand(in_bms=())
    it.sync(**DIRECT)
    shown = json.dumps(it.facts())
    assert not [each for each in ("Ann", "Lee", "@", "415555", "secret", "password") if each in shown]
    (fact,) = decoded_facts(it).in_bms.values()
    assert fact.bms_contact_id == max(each["id"] for each in it.state()["bms"]["contacts"])


# ------------------------------------------------------------- verified once a day


def test_a_person_is_looked_up_again_once_a_day(later):
    """Runs every three hours for three days: each look-up changes the time. The first is after a rest of two hours
    and at most a day, as the time of day wants it."""
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
    assert looked_up[0] <= 27
    assert looked_up == list(range(looked_up[0], 73, 24))


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


# --------------------------------------------------------------------- refusals


def refusing(count: int = 40) -> Stand:
    """A client whose linked contacts IT Glue refuses to change, with another job title each in Microsoft 365."""
    made = worlds.world(1, count)
    for user in made["entra"]["tenants"][0]["users"]:
        user["jobTitle"] = "Chief"
    return Stand(made)


UPDATES = {"organization": "1", "update_linked": True, "max_updates": "100%"}


def updates_of_contacts(outcome) -> list[str]:
    return [each["path"] for each in outcome.writes if each["service"] == "itglue"]


def test_what_it_glue_refuses_as_synced_is_not_sent_again():
    it = refusing()
    first = it.sync(**UPDATES)
    assert len(updates_of_contacts(first)) >= 40
    assert {tuple(each["locked"]) for each in first.contacts().values()} == {("name",)}
    foreseen = it.sync(check=True, **UPDATES)
    second, third = it.sync(**UPDATES), it.sync(**UPDATES)
    for outcome in (foreseen, second, third):
        assert (outcome.error, updates_of_contacts(outcome), outcome.fact_writes) == (None, [], [])
        assert not outcome.changed
        assert {(each["action"], *each["locked"]) for each in outcome.contacts().values()} == {("unchanged", "name")}
        assert {each["reason_code"] for each in outcome.contacts().values()} == {"locked_before"}
    assert foreseen.result["contacts"] == second.result["contacts"]


@pytest.mark.parametrize("side", ["microsoft", "itglue", "link"])
def test_what_was_refused_is_sent_again_once_either_side_has_changed(side):
    it = refusing(2)
    it.sync(**UPDATES)

    def change(made: dict) -> None:
        contact = made["itglue"]["contacts"][0]
        if side == "microsoft":
            made["entra"]["tenants"][0]["users"][0]["jobTitle"] = "Chief of all"
        elif side == "itglue":
            contact["title"] = "Assistant"
        else:
            contact["psa-integration"] = "disabled"

    it = with_change(it, change)
    assert len(updates_of_contacts(it.sync(**UPDATES))) >= 1
    assert updates_of_contacts(it.sync(**UPDATES)) == []


def test_a_contact_that_it_glue_has_refused_as_synced_is_not_pushed_without_the_write():
    """The refusal says that the contact is linked, whatever IT Glue shows: no fact may let a push through."""
    contact = {**COMPLETE, "title": "Clerk", "locked": ["title"]}
    it = stand(users=[{**ANN, "jobTitle": "Chief"}], contacts=[contact], in_bms=())
    for dummy in range(2):
        outcome = it.sync(**DIRECT)
        assert pushes(outcome) == {"deferred": 1}
        assert "refused_as_synced" in outcome.contacts()[ANN["id"]]["reason_codes"]
    assert updates_of_contacts(outcome) == []
    assert it.state()["bms"]["contacts"] == [each for each in it.state()["bms"]["contacts"] if each["id"] == 801]


# ------------------------------------------------------------------ departed people

DEPARTED = {**DIRECT, "departed": "deactivate", "departed_contact_type": "Former", "allow_shrunken_source": True}
BOB = {
    **ANN,
    "id": ANN["id"][:-1] + "2",
    "userPrincipalName": "bob@x.example",
    "mail": "bob@x.example",
    "proxyAddresses": ["SMTP:bob@x.example"],
    "givenName": "Bob",
    "businessPhones": ["4155550111"],
}
OF_BOB = {
    **COMPLETE,
    "id": 101,
    "first-name": "Bob",
    "contact-emails": [{"value": "bob@x.example", "label-name": "Work", "primary": True}],
    "contact-type-id": 24,
    "psa-integration": "enabled",
    "adapters": [{**LINK[0], "remote-id": "902"}],
}
BOB_IN_BMS = {
    **IN_BMS,
    "id": 902,
    "firstName": "Bob",
    "emails": [{**IN_BMS["emails"][0], "emailAddress": "bob@x.example"}],
}


def departed_bob(**contact) -> Stand:
    gone = {**BOB, "accountEnabled": False}
    return stand(users=[ANN, gone], contacts=[COMPLETE, {**OF_BOB, **contact}], in_bms=[IN_BMS, BOB_IN_BMS])


def type_of_bob(it: Stand) -> int | None:
    return next(each for each in it.state()["itglue"]["contacts"] if each["id"] == 101)["contact-type-id"]


def with_bob_back(it: Stand) -> Stand:
    return with_change(it, lambda made: made["entra"]["tenants"][0]["users"][1].update(accountEnabled=True))


@pytest.mark.parametrize("former", [24, None])
def test_the_former_contact_type_is_given_back_on_return(former):
    options = {**DEPARTED, "office365_settings": {**DEPARTED["office365_settings"], "contact_type": "End User"}}
    it = departed_bob(**{"contact-type-id": former, "psa-integration": None, "adapters": []})
    it.sync(**options)
    assert type_of_bob(it) == FORMER
    assert decoded_facts(it).former_contact_types == {101: former}
    done = it.sync(**options)
    assert (of_bms(done), done.writes, done.fact_writes) == ([], [], [])
    it = with_bob_back(it)
    it.sync(**options)
    assert type_of_bob(it) == former
    assert decoded_facts(it).former_contact_types == {}


def test_a_departed_person_whose_contact_type_it_glue_refuses_costs_nothing_again(later):
    it = departed_bob()
    first = it.sync(**DEPARTED)
    assert first.result["departed"][0]["locked"] == ["contact-type"]
    for dummy in range(2):
        again = it.sync(**DEPARTED)
        assert (of_bms(again), again.writes, again.fact_writes) == ([], [], [])
        assert again.result["departed"][0]["locked"] == ["contact-type"]
    later(26 * 3600)
    assert of_bms(it.sync(**DEPARTED)) != []


# --------------------------------------------------------------------- deleted users


def test_a_conflict_that_rests_on_a_deleted_user_stays_one_once_the_user_is_forgotten():
    """John Smith was deleted; Jane Smith has got his address. Microsoft forgets him after 30 days."""
    john = {**ANN, "id": "00000000-0000-4000-8000-0000000000d1", "givenName": "John", "surname": "Smith"}
    jane = {**ANN, "givenName": "J", "surname": "Smith"}
    contact = {**COMPLETE, "first-name": "John", "last-name": "Smith"}
    it = stand(users=[jane, BOB], contacts=[contact], in_bms=(), deleted=[john])
    with_him = it.sync(**DIRECT)
    entry = with_him.contacts()[jane["id"]]
    assert entry["action"] == "conflict"
    it = with_change(it, lambda made: made["entra"]["tenants"][0].update(deleted_users=[]))
    for check in (True, False):
        without_him = it.sync(check=check, **DIRECT)
        assert without_him.contacts()[jane["id"]] == entry
        assert without_him.result["conflicts"] == with_him.result["conflicts"]
    assert decoded_facts(it).kept_apart == {(100, jane["id"])}
    answered = it.sync(**DIRECT, match_overrides={jane["id"]: 100})
    assert answered.contacts()[jane["id"]]["action"] == "update"
    assert decoded_facts(it).kept_apart == frozenset()


def test_a_bms_contact_of_a_deleted_user_stays_in_question_once_the_user_is_forgotten():
    """The same where BMS alone has John Smith."""
    john = {**ANN, "id": "00000000-0000-4000-8000-0000000000d1", "givenName": "John", "surname": "Smith"}
    jane = {**ANN, "givenName": "J", "surname": "Smith"}
    his = {"id": 5, "accountId": 2528, "locationId": 3169, "firstName": "John", "lastName": "Smith"}
    his["emails"] = [{"emailAddress": jane["mail"], "emailTypeId": 1, "isDefault": True}]
    it = stand(
        users=[jane, BOB], contacts=[{**COMPLETE, "first-name": "J", "last-name": "Smith"}], in_bms=(), deleted=[john]
    )
    it = with_change(it, lambda made: made["bms"]["contacts"].append(his))
    with_him = it.sync(**DIRECT)
    assert with_him.contacts()[jane["id"]]["push"] == "conflict"
    it = with_change(it, lambda made: made["entra"]["tenants"][0].update(deleted_users=[]))
    without_him = it.sync(**DIRECT)
    assert without_him.result["conflicts"] == with_him.result["conflicts"]
    assert decoded_facts(it).apart_in_bms == {jane["id"]}
    answered = it.sync(**DIRECT, bms_match_overrides={jane["id"]: 5})
    assert answered.contacts()[jane["id"]]["push"] == "already_in_bms"
    assert decoded_facts(it).apart_in_bms == frozenset()


# ------------------------------------------------------------------- renamed people

ANN_BY_NAME = {**IN_BMS, "emails": []}


@pytest.mark.parametrize("when", ["before the first run", "later", "later, in IT Glue too"])
def test_who_is_in_bms_under_the_name_of_before_is_never_created_there_again(when):
    """No address connects the BMS contact with Ann Lee, who is called Ann Meier by now."""

    def rename(made: dict) -> None:
        made["entra"]["tenants"][0]["users"][0]["surname"] = "Meier"
        if when == "later, in IT Glue too":
            contact_of(made)["last-name"] = "Meier"

    it = stand(in_bms=[ANN_BY_NAME])
    if when != "before the first run":
        assert pushes(it.sync(**DIRECT)) == {"already_in_bms": 1}
        assert decoded_facts(it).by_name_in_bms == {(901, ANN["id"])}
    it = with_change(it, rename)
    for check in (True, False, True, False):
        done = it.sync(check=check, **DIRECT)
        assert (pushes(done), done.contacts()[ANN["id"]]["bms_contact_id"]) == ({"already_in_bms": 1}, 901)
    assert contact_of(it.sandbox.state())["last-name"] == "Meier"
    assert [each["id"] for each in it.sandbox.state()["bms"]["contacts"] if each["accountId"] == ACCOUNT] == [901]
    answered = it.sync(**DIRECT, bms_match_overrides={ANN["id"]: "new"})
    assert pushes(answered) == {"pushed": 1}
    assert pushes(it.sync(**DIRECT, bms_match_overrides={ANN["id"]: "new"})) == {"already_in_bms": 1}
    assert decoded_facts(it).by_name_in_bms == frozenset()


def test_who_keeps_the_name_by_which_they_were_found_in_bms_is_remembered_once():
    it = stand(users=[{**ANN, "jobTitle": "Boss"}], in_bms=[ANN_BY_NAME])
    done = it.sync(**DIRECT)
    assert contact_of(it.sandbox.state())["title"] == "Boss"
    assert [each["path"].split("/")[1] for each in done.fact_writes] == ["flexible_asset_types", "flexible_assets"]


def test_a_run_that_is_killed_before_its_end_has_not_forgotten_the_names_that_it_replaced(monkeypatch):
    it = stand(users=[{**ANN, "surname": "Meier"}], in_bms=[ANN_BY_NAME])
    monkeypatch.setattr(sync_run, "remember", lambda store, run: None)
    killed = it.sync(**DIRECT)
    assert contact_of(it.sandbox.state())["last-name"] == "Meier"
    assert [each["path"].split("/")[1] for each in killed.fact_writes] == ["flexible_asset_types", "flexible_assets"]
    monkeypatch.undo()
    for dummy in range(2):
        done = it.sync(**DIRECT)
        assert (pushes(done), done.writes) == ({"already_in_bms": 1}, [])


def test_who_got_two_other_names_is_a_question_for_the_bms_contact_of_before():
    it = stand(in_bms=[ANN_BY_NAME])
    it.sync(**DIRECT)

    def rename(made: dict) -> None:
        made["entra"]["tenants"][0]["users"][0].update(givenName="Zoe", surname="Meier")
        contact_of(made).update({"first-name": "Zoe", "last-name": "Meier"})

    it = with_change(it, rename)
    for check in (True, False, False):
        done = it.sync(check=check, **DIRECT)
        assert pushes(done) == {"conflict": 1}
        assert done.result["conflicts"][0]["bms_contact_ids"] == [901]
    assert pushes(it.sync(**DIRECT, bms_match_overrides={ANN["id"]: 901})) == {"already_in_bms": 1}
    assert pushes(it.sync(**DIRECT)) == {"conflict": 1}


# ------------------------------------------------------------------ nothing hangs on them


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: f"{text}<br>Note: call Ann",
        lambda text: text.replace("901", "902"),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("psa_sync facts 1", "psa_sync facts 2"),
        lambda text: "",
        lambda text: None,
        lambda text: {"type": "Contacts", "values": [7]},
        lambda text: [text, "more"],
    ],
    ids=["added", "id", "cut", "format", "blank", "null", "tag", "list"],
)
def test_damaged_facts_are_ignored_and_written_anew(damage):
    it = stand()
    it.sync(**DIRECT)
    intact = text_of(it)
    asset_id = it.facts()[0]["id"]

    def change(made: dict) -> None:
        traits = next(each for each in made["itglue"]["flexible_assets"] if each["id"] == asset_id)["traits"]
        traits["facts"] = damage(traits["facts"])

    it = with_change(it, change)
    outcome = it.sync(**DIRECT)
    assert (outcome.error, outcome.warnings, pushes(outcome)) == (None, [], {"already_in_bms": 1})
    assert (len(of_bms(outcome)) > 0, len(outcome.fact_writes)) == (True, 1)
    assert len(text_of(it)) == len(intact)


def test_what_has_no_fact_takes_no_room():
    """And a version that does not know all kinds of facts reads those that it knows, until there is one of them."""
    assert encoded(Facts(), 2).endswith(" []")
    assert encoded(Facts(made_anew=frozenset({"id"})), 2).endswith(' [["made_anew",["id"]]]')


def test_facts_hold_no_sign_that_an_editor_would_change():
    facts = Facts(made_anew=frozenset({"an id <of> somebody & others"}))
    text = encoded(facts, 2)
    assert decoded(text, 2) == facts
    assert {*text}.isdisjoint("<>&") and text.count(" ") == 4


def test_what_an_earlier_version_has_stored_is_read():
    text = 'psa_sync facts 1 a6f7f882a383ae44a62d7dc27c77879c [["made_anew",["id"]]]'
    assert decoded(text, 2) == Facts(made_anew=frozenset({"id"}))


def test_the_facts_of_another_organization_are_ignored():
    facts = Facts(in_bms={"key": InBms(901, 5, ("in_bms_by_address",))}, kept_apart=frozenset({(1, "id")}))
    text = encoded(facts, 2)
    assert decoded(text, 2) == facts
    assert decoded(text, 3) == Facts()


@pytest.mark.parametrize(
    "body",
    [
        '[["in_bms",5,["conflict"],[["k",1]]]]',
        '[["in_bms",-1,[],[["k",1]]]]',
        '[["in_bms",5,[]]]',
        '[["refused",[[1,2,"k"]]]]',
        '[["other",[[1]]]]',
        '[["kept_apart",[[true,"id"]]]]',
        '[["kept_apart",[[-1,"id"]]]]',
        '[["made_anew",[5]]]',
        '[["former_contact_types",[[1,"24"]]]]',
        '{"in_bms":5}',
        "5",
        "[[]]",
        "[" * 100_000,
        "nonsense",
        "",
    ],
    ids=lambda body: body[:30],
)
def test_what_is_no_fact_is_ignored_under_a_right_checksum(body):
    head = stored_facts._head(2, body)
    assert decoded(f"{head} {body}", 2) == Facts()


@pytest.mark.parametrize("textbox", ["as_given", "editor"])
def test_the_rich_text_editor_of_it_glue_does_no_harm(textbox):
    it = stand(behaviour={"itglue_textbox": textbox})
    it.sync(**DIRECT)
    outcome = it.sync(**DIRECT)
    assert (of_bms(outcome), outcome.warnings, outcome.fact_writes) == ([], [], [])


FOREIGN = {
    "id": 77,
    "name": "Contact Sync Facts",
    "fields": [{"id": 78, "name": "Notes", "name-key": "notes", "kind": "Textbox", "order": 1, "show-in-list": True}],
}


def test_a_foreign_type_of_the_name_is_left_alone():
    it = with_change(stand(), lambda made: made["itglue"].update(flexible_asset_types=[FOREIGN]))
    for dummy in range(2):
        outcome = it.sync(**DIRECT)
        assert (outcome.error, pushes(outcome), outcome.fact_writes) == (None, {"already_in_bms": 1}, [])
        assert len(outcome.warnings) == 1 and "remembered facts" in outcome.warnings[0]
    (kept,) = it.sandbox.state()["itglue"]["flexible_asset_types"]
    assert [each["name"] for each in kept["fields"]] == ["Notes"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_failed_write_of_facts_is_a_warning(method, later):
    it = stand()
    if method == "PATCH":
        it.sync(**DIRECT)
        later(26 * 3600)
    refused = {"service": "itglue", "method": method, "times": 9, "kind": "status", "status": 422}
    paths = ["/flexible_assets", *(f"/flexible_assets/{each['id']}" for each in it.facts())]
    it.faults(*({**refused, "path": path} for path in paths))
    outcome = it.sync(**DIRECT)
    assert (outcome.error, pushes(outcome), outcome.changed) == (None, {"already_in_bms": 1}, False)
    assert len([each for each in outcome.warnings if "remembered facts" in each]) == 1
    it.heal()
    assert len(it.sync(**DIRECT).fact_writes) == 1


def test_a_preview_writes_no_facts_and_uses_them():
    it = stand()
    assert of_bms(it.sync(check=True, **DIRECT)) != []
    assert it.facts() == []
    it.sync(**DIRECT)
    foreseen = it.sync(check=True, **DIRECT)
    assert (of_bms(foreseen), pushes(foreseen)) == ([], {"already_in_bms": 1})


def test_of_two_assets_the_first_counts():
    it = stand()
    it.sync(**DIRECT)

    def change(made: dict) -> None:
        (asset,) = [each for each in made["itglue"]["flexible_assets"] if "psa_sync facts" in json.dumps(each)]
        made["itglue"]["flexible_assets"].append(
            {**asset, "id": asset["id"] + 1, "traits": {"title": "x", "facts": "y"}}
        )

    it = with_change(it, change)
    outcome = it.sync(**DIRECT)
    assert (of_bms(outcome), outcome.fact_writes, outcome.error) == ([], [], None)


def test_a_run_of_some_users_keeps_the_facts_of_the_others():
    it = stand(
        users=[ANN, BOB],
        contacts=[COMPLETE, {**OF_BOB, "psa-integration": None, "adapters": []}],
        in_bms=[IN_BMS, BOB_IN_BMS],
    )
    it.sync(**DIRECT)
    assert len(decoded_facts(it).in_bms) == 2
    it.sync(**DIRECT, users=["ann@x.example"])
    assert of_bms(it.sync(**DIRECT)) == []


def test_a_revert_forgets_what_it_reverts(tmp_path):
    journal = str(tmp_path / "journal")
    it = stand(in_bms=())
    it.sync(**DIRECT, journal_file=journal)
    assert len(decoded_facts(it).in_bms) == 1
    reverted = it.sync(state="reverted", journal_file=journal, organization=str(CLIENT))
    assert reverted.error is None
    assert decoded_facts(it) == Facts()


def test_a_revert_that_gives_a_contact_type_back_forgets_the_former_one(tmp_path):
    journal = str(tmp_path / "journal")
    it = departed_bob(**{"psa-integration": None, "adapters": []})
    it.sync(**DEPARTED, journal_file=journal)
    assert decoded_facts(it).former_contact_types == {101: 24}
    assert it.sync(state="reverted", journal_file=journal, organization=str(CLIENT)).error is None
    assert (type_of_bob(it), decoded_facts(it).former_contact_types) == (24, {})


def test_a_revert_that_cannot_forget_says_so_and_has_reverted(tmp_path):
    journal = str(tmp_path / "journal")
    it = stand(in_bms=())
    it.sync(**DIRECT, journal_file=journal)
    path = f"/flexible_assets/{it.facts()[0]['id']}"
    it.faults({"service": "itglue", "method": "PATCH", "path": path, "times": 9, "kind": "status", "status": 422})
    reverted = it.sync(state="reverted", journal_file=journal, organization=str(CLIENT))
    assert (reverted.error, reverted.changed) == (None, True)
    assert len([each for each in reverted.warnings if "remembered facts" in each]) == 1

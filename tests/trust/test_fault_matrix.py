# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every request of a run, one at a time and in pairs; and creates that happen once.

After a fault the result says what was done and what was not, and a plain run comes to the very
state that a run without a fault comes to: nothing doubled, nothing lost.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random
from typing import Any

import pytest

from .inprocess import Outcome, Stand
from .invariants import bare, bms_emails_of, bms_of, contacts_of, emails_of, outline, substance
from .tally import by_day, drawn, note
from .worlds import ACCOUNT, CLIENT, NAME, SKU, TENANT, _link, world

Json = dict[str, Any]

FORMER = 25

PAIRS = drawn("pairs of faults")

FAILED_IN_BMS = {"success": False, "result": None, "error": {"code": 1, "message": "It failed."}}
KINDS: dict[str, Json] = {
    "429, Retry-After whole": {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}},
    "429, Retry-After fractional": {"kind": "status", "status": 429, "headers": {"Retry-After": "0.5"}},
    "429, no Retry-After": {"kind": "status", "status": 429},
    "429, quota used up for an hour": {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}},
    "500": {"kind": "status", "status": 500},
    "500 after the commit": {"kind": "status", "status": 500, "committed": True},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "504 after the commit": {"kind": "status", "status": 504, "committed": True},
    "took too long": {"kind": "took_too_long"},
    "reset before the commit": {"kind": "reset_before"},
    "reset after the commit": {"kind": "reset_after"},
    "time-out after the commit": {"kind": "timeout_after"},
    "truncated JSON": {"kind": "truncate"},
    "HTML": {"kind": "html"},
    "HTML after the commit": {"kind": "html", "committed": True},
    "expired token": {"kind": "expire_token"},
    "401 once": {"kind": "status", "status": 401},
    "200 with success false": {"kind": "status", "status": 200, "body": FAILED_IN_BMS},
}
FOR_GOOD = {"times": None}

# By day each request meets an eighth of the kinds of fault once, and a fifteenth for good.
ONCE, STAYS = 8, 15


def _user(number: int, **more: Any) -> Json:
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "userPrincipalName": f"u{number}@x.example",
        "mail": f"u{number}@x.example",
        "proxyAddresses": [f"SMTP:u{number}@x.example", f"smtp:alias{number}@x.example"],
        "givenName": "Ann",
        "surname": f"Lee-{number}",
        "jobTitle": "Clerk",
        "businessPhones": [f"415555{number:04d}"],
        "mobilePhone": None,
        "officeLocation": "HQ",
        "streetAddress": None,
        "city": None,
        "state": None,
        "country": None,
        "accountEnabled": True,
        "userType": "Member",
        "assignedLicenses": [{"skuId": SKU}],
        **more,
    }


def _contact(number: int, **more: Any) -> Json:
    return {
        "id": 100 + number,
        "organization-id": CLIENT,
        "first-name": "Ann",
        "last-name": f"Lee-{number}",
        "location-id": 10,
        "notes": "Rings twice.",
        "contact-emails": [{"value": f"u{number}@x.example", "label-name": "Home", "primary": True}],
        "contact-phones": [{"value": "3315550199", "label-name": "Home", "primary": True}],
        **more,
    }


def _in_bms(number: int, **more: Any) -> Json:
    return {
        "id": 900 + number,
        "accountId": ACCOUNT,
        "locationId": 31,
        "firstName": "Ann",
        "lastName": f"Lee-{number}",
        "emails": [{"emailAddress": f"u{number}@x.example", "isDefault": True}],
        **more,
    }


def rich_world() -> Json:
    """Two to create, two to update, one linked, one locked in part; one in BMS already, with no title."""
    username = _user(8)["id"].replace("-", "") + "gone@x.example"
    deleted = [_user(8, userPrincipalName=username, mail=None, proxyAddresses=[])]
    contacts = [
        _contact(2),
        _contact(3),
        _contact(4, **{"psa-integration": "enabled", "adapters": [_link(904)]}),
        _contact(5, locked=["contact-phones"]),
        _contact(7, **{"contact-emails": [{"value": "gone@x.example", "label-name": "Work", "primary": True}]}),
    ]
    in_bms = [_in_bms(3), _in_bms(4, emails=[], isActive=False)]
    behaviour = {"graph_page_limit": 4, "itglue_page_limit": 3}
    return world(
        [_user(number) for number in range(6)], contacts, in_bms, behaviour, deleted=deleted, adapters=[_link(ACCOUNT)]
    )


def world_with_departed() -> Json:
    """Two more have left: one whose contact is in BMS, and one whose contact is linked, and marked already.
    One is back."""
    made = rich_world()
    made["entra"]["tenants"][0]["users"] += [_user(6, accountEnabled=False), _user(9)]
    made["itglue"]["contacts"] += [
        _contact(6, **{"psa-integration": "enabled", "adapters": [_link(906)], "contact-type-id": FORMER}),
        _contact(9, **{"contact-type-id": FORMER}),
    ]
    made["bms"]["contacts"] += [
        _in_bms(6, emails=[]),
        _in_bms(7, emails=[{"emailAddress": "gone@x.example", "isDefault": True}]),
        _in_bms(9, isActive=False),
    ]
    return made


OPTIONS: Json = {
    "organization": NAME,
    "office365_settings": {
        "tenant_id": TENANT,
        "set_phone_numbers_primary": True,
        "phone_type": "Office",
        "contact_type": "Approver",
    },
    "bms_settings": {
        "contact_sync": True,
        "two_way_sync": True,
        "auto_push_office365_contacts": True,
        "email_type": "Work",
        "phone_type": "Work",
    },
}
WITH_DEPARTED: Json = {**OPTIONS, "departed": "deactivate", "departed_contact_type": "End User"}


@cache
def undisturbed() -> tuple[list[Json], Json]:
    """The requests of a run without a fault, and what it leaves."""
    stand = Stand(world_with_departed())
    before = stand.state()
    outcome = stand.sync(**WITH_DEPARTED)
    assert outcome.changed and len(outcome.writes) >= 6
    assert {entry["action"] for entry in outcome.contacts().values()} >= {"create", "update", "linked"}
    assert {entry["push"] for entry in outcome.contacts().values()} >= {"pushed", "already_in_bms"}
    assert outcome.contacts()[_user(5)["id"]]["locked"] == ["contact-phones"]
    done = {entry["contact_id"]: entry["after"] for entry in outcome.result["departed"]}
    assert done == {106: {"bms-active": False}, 107: {"contact-type-id": FORMER, "bms-active": False}}
    assert outcome.contacts()[_user(9)["id"]]["after"]["bms-active"] is True
    return outcome.sent, outline(stand.state(), before)


def places() -> list[Json]:
    """Each request of the run, as a fault addresses it: the nth of its service, method and path."""
    seen: dict[tuple, int] = {}
    found = []
    for entry in undisturbed()[0]:
        key = (entry["service"], entry["method"], entry["path"].split("?")[0])
        seen[key] = seen.get(key, 0) + 1
        found.append(dict(zip(("service", "method", "path"), key, strict=True), nth=seen[key]))
    return found


def fits(kind: str, place: Json) -> bool:
    """Some faults are one service's own."""
    if kind == "took too long":
        return place["service"] == "itglue"
    if kind == "200 with success false":
        return place["service"] == "bms"
    return True


def faults(kind: str) -> list[Json]:
    """Faults of one kind at the requests, once and for good."""
    fitting = [{**place, **KINDS[kind]} for place in places() if fits(kind, place)]
    first = list(KINDS).index(kind)
    return [*by_day(fitting, ONCE, first), *({**fault, **FOR_GOOD} for fault in by_day(fitting, STAYS, first))]


def disturbed(*faults: Json) -> None:
    """A run that meets the faults, then a plain one."""
    stand = Stand(world_with_departed())
    stand.faults(*faults)
    before = stand.state()
    outcome = stand.sync(**WITH_DEPARTED)
    after = stand.state()
    the_result_is_true(before, after, outcome)
    stand.heal()
    stand.clock.sleep(7200)
    plain = stand.sync(**WITH_DEPARTED)
    assert plain.error is None, plain.error
    assert _difference(outline(stand.state(), before), undisturbed()[1]) == []
    assert all(entry["action"] not in ("failed", "deferred") for entry in plain.contacts().values())


def _difference(one: Json, other: Json) -> list[str]:
    return [f"{side} {row}" for part in one for side, row in _unequal(one[part], other[part])]


def _unequal(one: list[str], other: list[str]) -> list[tuple[str, str]]:
    gone, come = Counter(other) - Counter(one), Counter(one) - Counter(other)
    return [("-", row) for row in gone.elements()] + [("+", row) for row in come.elements()]


def the_result_is_true(before: Json, after: Json, outcome: Outcome) -> None:
    """The result says what was done and what was not; where it cannot know, it says that."""
    if outcome.error is not None:
        # All reads come before the first write.
        assert substance(before) == substance(after), outcome.error
        assert outcome.writes == []
        assert str(outcome.error)
        return
    old, new, in_bms = contacts_of(before), contacts_of(after), bms_of(after)
    unknown = [entry for entry in outcome.contacts().values() if "failed" in (entry["action"], entry["push"])]
    reported = {entry["contact_id"] for entry in outcome.contacts().values()}
    reported_in_bms = {entry["bms_contact_id"] for entry in outcome.contacts().values()}
    for entry in outcome.contacts().values():
        if entry["action"] in ("create", "update"):
            kept = new[entry["contact_id"]]
            for field in ("first-name", "last-name", "title", "location-id", "contact-type-id"):
                assert kept[field] == entry["after"].get(field, kept[field])
            for each in entry["after"].get("contact-emails", ()):
                assert each["value"].casefold() in emails_of(kept)
        if entry["action"] in ("failed", "deferred"):
            assert entry["reason_code"], entry
            # Whoever is back is active in BMS before IT Glue is told.
            assert entry["before"].keys() == entry["after"].keys() <= {"bms-active"}
        if entry["action"] == "deferred" and entry["contact_id"] is not None:
            assert new[entry["contact_id"]] == old[entry["contact_id"]]
        if entry["push"] == "pushed":
            source = new[entry["contact_id"]]
            assert bms_emails_of(in_bms[entry["bms_contact_id"]]) == emails_of(source)
        if entry["push"] in ("failed", "deferred"):
            assert entry["reason_code"], entry
    for entry in outcome.result["departed"]:
        marked, twin = new[entry["contact_id"]]["contact-type-id"], in_bms.get(entry["bms_contact_id"])
        assert entry["after"].get("contact-type-id", marked) == marked
        assert twin is None or entry["after"].get("bms-active", twin["isActive"]) == twin["isActive"]
        if entry["action"] in ("failed", "deferred"):
            # Whoever has departed is inactive in BMS before IT Glue is told.
            assert entry["reason_code"] and entry["after"].keys() <= {"bms-active"}
        # Whoever gets the mark has been dealt with in BMS: no later run looks there.
        gets_it = marked == FORMER != old[entry["contact_id"]]["contact-type-id"]
        assert twin is None or not twin["isActive"] or not gets_it
    back = next((each for each in new.values() if each["id"] == 109), None)
    assert back is None or back["contact-type-id"] == FORMER or in_bms[909]["isActive"]
    # What was made without the run's knowing is somebody's of whom it says so.
    for ident in new.keys() - old.keys() - reported:
        assert any("write_unclear" in entry["reason_codes"] for entry in unknown), new[ident]
    for ident in in_bms.keys() - bms_of(before).keys() - reported_in_bms:
        assert any("write_unclear" in entry["reason_codes"] for entry in unknown), in_bms[ident]
    each_write_is_reported(before, after, outcome)


def each_write_is_reported(before: Json, after: Json, outcome: Outcome) -> None:
    """Each contact that is another one by now has an entry that says so, or that says that it is not known."""
    entries = [*outcome.contacts().values(), *outcome.result["departed"]]
    for key, rows in (("contact_id", contacts_of), ("bms_contact_id", bms_of)):
        old, new = rows(before), rows(after)
        for ident in old.keys() & new.keys():
            if bare(old[ident]) != bare(new[ident]):
                own = [each for each in entries if each[key] == ident]
                assert any(each["after"] or each["unapplied"] or each["locked"] or _is_unclear(each) for each in own), (
                    old[ident],
                    new[ident],
                    own,
                )
    if substance(before) != substance(after):
        assert outcome.changed or any(map(_is_unclear, entries)), entries


def _is_unclear(entry: Json) -> bool:
    """Whether an entry says that a write may have taken place."""
    return bool({"write_unclear", "written_in_part"} & {*entry["reason_codes"]} or entry["unapplied"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_at_each_request(kind):
    chosen = faults(kind)
    for fault in chosen:
        disturbed(fault)
    note("faults", kind, len(chosen))


@pytest.mark.parametrize(
    ("read", "words"),
    [
        ("/v2/crm/accounts/summary/2528", "It failed."),
        ("/v2/crm/contacts/summary", "It failed."),
        ("/v2/crm/contacts/summary", "Contacts were not found."),
        ("/v2/crm/accounts/2528/locations/lookup", "It failed."),
        ("/v2/crm/accounts/2528/locations/lookup", "Locations were not found."),
    ],
)
def test_a_read_that_bms_refuses_defers_every_push_and_nothing_else(read, words):
    stand = Stand(world_with_departed())
    body = {"success": False, "result": None, "error": {"code": 1, "message": words}}
    stand.faults({"service": "bms", "method": "GET", "path": read, "kind": "status", "status": 200, "body": body})
    before = bms_of(stand.state())
    outcome = stand.sync(**WITH_DEPARTED)

    assert outcome.error is None
    assert Counter(entry["push"] for entry in outcome.contacts().values()) == {"deferred": 6, None: 2}
    assert Counter(entry["action"] for entry in outcome.contacts().values())["create"] == 2
    assert any(warning.startswith("6 pushes are deferred: ") and words in warning for warning in outcome.warnings)
    assert bms_of(stand.state()) == before


def test_faults_in_pairs():
    chance = Random(20260101)
    singles = [(kind, place) for kind in KINDS for place in places() if fits(kind, place)]
    for dummy in range(PAIRS):
        (one, first), (other, second) = chance.sample(singles, 2)
        disturbed(
            {**first, **KINDS[one], "times": chance.choice((1, 2, None))},
            {**second, **KINDS[other], "times": chance.choice((1, 2, None))},
        )
    note("faults", "pairs", PAIRS)


# ------------------------------------------------------------------------- settings

SETTINGS: dict[str, Json] = {
    "office365_sync_settings": {"tenant_id": TENANT, "user_filter": {"exclude": ["svc-*"]}},
    "bms_sync_settings": {"contact_sync": True, "email_type": "Work"},
}


def declare(stand: Stand) -> list[Outcome]:
    return [stand.task(module, organization=str(CLIENT), **options) for module, options in SETTINGS.items()]


def settings_world() -> Json:
    """An older type of one kind, without its fields but the title; none of the other."""
    made = world([], [], [], {})
    title = {"name": "Title", "kind": "Text", "required": True, "use-for-title": True, "show-in-list": True}
    made["itglue"]["flexible_asset_types"] = [{"id": 1, "name": "BMS Sync Settings", "fields": [{"id": 1, **title}]}]
    return made


@cache
def undisturbed_settings() -> list[Json]:
    stand = Stand(settings_world())
    done = declare(stand)
    assert [each.error for each in done] == [None, None]
    return [entry for each in done for entry in each.sent]


def settings_places() -> list[Json]:
    seen: Counter = Counter()
    found = []
    for entry in undisturbed_settings():
        key = (entry["service"], entry["method"], entry["path"].split("?")[0])
        seen[key] += 1
        found.append(dict(zip(("service", "method", "path"), key, strict=True), nth=seen[key]))
    return found


SETTINGS_KINDS = [kind for kind in KINDS if kind != "200 with success false"]


@pytest.mark.parametrize("kind", SETTINGS_KINDS)
def test_each_fault_at_each_request_of_the_settings(kind):
    places = by_day(settings_places(), ONCE, SETTINGS_KINDS.index(kind))
    for place in places:
        stand = Stand(settings_world())
        stand.faults({**place, **KINDS[kind]})
        declare(stand)
        stand.heal()
        stand.clock.sleep(7200)
        assert [each.error for each in declare(stand)] == [None, None]
        assert [each.changed for each in declare(stand)] == [False, False]
        types = stand.state()["itglue"]["flexible_asset_types"]
        assert sorted(each["name"] for each in types) == ["BMS Sync Settings", "Office 365 Sync Settings"]
        for each in types:
            names = [field["name"] for field in each["fields"]]
            assert len(names) == len(set(names)) > 7
        assets = stand.state()["itglue"]["flexible_assets"]
        assert sorted(each["flexible-asset-type-id"] for each in assets) == sorted(each["id"] for each in types)
    note("faults", f"settings: {kind}", len(places))

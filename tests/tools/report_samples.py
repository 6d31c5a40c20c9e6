# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs to make reports of: a small one with one of everything, and large ones to measure with.

`python -m tests.tools.report_samples FOLDER [TENANTS ENTRIES]` writes all forms of such a report.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tools.files import development_tree

SYNC = "msp.psa_sync.contact_sync"
OFFICE365 = "msp.psa_sync.office365_sync_settings"
SCRIPT = "<script>window.injected = true</script>"
TENANT_ID = "6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b{:02x}"


def about(**changes: Any):
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.collecting import About

    given = {
        "title": "Contact sync",
        "started": "2026-03-09T06:00:00Z",
        "finished": "2026-03-09T06:01:15Z",
        "seconds": 75.4,
        "playbooks": ("enforce_settings.yml", "sync_contacts.yml"),
        "version": "1.0.0",
    }
    return About(**{**given, **changes})


def event(host: str, status: str, result: dict[str, Any], **changes: Any):
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.collecting import Event

    given = {"task": "Sync the contacts", "action": SYNC, "seconds": 3.25, "preview": True}
    return Event(host=host, status=status, result=result, **{**given, **changes})


def explained(code: str | None = None, reason: str | None = None, hint: str | None = None) -> dict[str, Any]:
    """Why an entry is as it is: a reason code, its sentence, and what to do."""
    return {"reason_code": code, "reason_codes": [code] if code else [], "reason": reason, "hint": hint}


SEVERAL_HITS = explained(
    "several_hits",
    "The user matches contacts 71, 74 by first and last name.",
    "Compare the candidates in conflicts, and put the right answer into match_overrides.",
)
ATTENTION = ({"conflict", "failed", "refused"}, {"conflict", "failed", "not_ready"})


def contact(user: str, action: str, **changes: Any) -> dict[str, Any]:
    """One entry of `contacts`."""
    name = user.partition("@")[0].replace(".", " ").title() if "<" not in user else ""
    return {
        "user": user,
        "user_id": f"id of {user}",
        "name": name,
        "contact_id": None if action == "create" else 72,
        "contact_url": None if action == "create" else "https://example.itglue.com/2/contacts/72",
        "names": {},
        "bms_contact_id": None,
        "action": action,
        "matched_by": "alias" if action == "update" else None,
        "push": None,
        "missing": [],
        "locked": [],
        "unapplied": [],
        "before": {},
        "after": {},
        **explained(),
        "attention": action in ATTENTION[0] or changes.get("push") in ATTENTION[1],
        "failure": None,
        **changes,
    }


def card(ident: int, first: str, last: str, *emails: str, **more: Any) -> dict[str, Any]:
    """A contact of IT Glue, as `conflicts` lists it."""
    return {
        "id": ident,
        "first_name": first,
        "last_name": last,
        "emails": list(emails),
        "linked": False,
        "url": f"https://example.itglue.com/2/contacts/{ident}",
        **more,
    }


def bms_card(ident: int, first: str, last: str, *emails: str, active: bool = True) -> dict[str, Any]:
    """A BMS contact, as `conflicts` lists it."""
    return {"id": ident, "first_name": first, "last_name": last, "emails": list(emails), "active": active}


def person(user: str, first: str, last: str, *emails: str) -> dict[str, Any]:
    """A user, as `conflicts` lists it."""
    named = {"user": user, "user_id": f"id of {user}", "first_name": first, "last_name": last}
    return named | {"emails": [user, *emails]}


def conflict(rule: str, users: list[str], **changes: Any) -> dict[str, Any]:
    """One entry of `conflicts`."""
    return {
        "rule": rule,
        "reason_code": "bms_several_hits" if rule.startswith("bms") else "several_hits",
        "users": users,
        "people": [],
        "contact_ids": [],
        "bms_contact_ids": [],
        "contacts": [],
        "bms_contacts": [],
        "match_overrides": {},
        "bms_match_overrides": {},
        "answers": {},
        **changes,
    }


def departed(user: str, contact_id: int, action: str, **changes: Any) -> dict[str, Any]:
    """One entry of `departed`."""
    return {
        "user": user,
        "user_id": f"id of {user}",
        "contact_id": contact_id,
        "contact_url": f"https://example.itglue.com/6/contacts/{contact_id}",
        "name": user.partition("@")[0].title() if "<" not in user else user,
        "names": {"contact-type-id": {"31": "Former employee"}},
        "evidence": "deleted",
        "action": action,
        "bms_contact_id": None,
        "locked": [],
        "unapplied": [],
        "before": {},
        "after": {},
        **explained(),
        "attention": action == "failed",
        "failure": None,
        **changes,
    }


def email(value: str, label: str = "Work", primary: bool = True) -> dict[str, Any]:
    return {"value": value, "label-name": label, "primary": primary}


def phone(value: str, label: str = "Office", primary: bool = True, extension: str | None = None) -> dict[str, Any]:
    return {"value": value, "label-name": label, "extension": extension, "primary": primary, "label-type": None}


def synced(name: str, ident: int, contacts: list[dict[str, Any]], *, quiet: int = 0, **changes: Any) -> dict[str, Any]:
    """A result of `contact_sync`; `quiet` users are only counted."""
    actions = Counter(each["action"] for each in contacts)
    actions["linked"] += quiet
    excluded = {"disabled": 4, "guest": 2}
    actions["excluded"] += sum(excluded.values())
    return {
        "changed": any(each["action"] in ("create", "update") for each in contacts),
        "organization": {"id": ident, "name": name},
        "tenant_id": TENANT_ID.format(ident % 256),
        "settings": {},
        "settings_changes": {},
        "summary": {
            "users": sum(actions.values()),
            "selected": sum(actions.values()) - 6,
            "actions": dict(+actions),
            "push": dict(Counter(each["push"] for each in contacts if each["push"])),
            "excluded": excluded,
            "matched": dict(+Counter(alias=actions["linked"], name=actions["update"])),
            "limits_exceeded": [],
            "api_calls": {"graph": 3, "itglue": 6, "bms": 5},
        },
        "contacts": contacts,
        "conflicts": [],
        "departed": [],
        "unclaimed": [],
        "diff": [],
        **changes,
    }


def happy_frog() -> dict[str, Any]:
    numbers = [phone("+41 44 123 45 67"), phone("+41 79 765 43 21", "Mobile", primary=False)]
    moved = [phone("+41 44 123 45 67", primary=False), phone("+41 79 765 43 21", "Mobile")]
    new = {
        "first-name": "Ann",
        "last-name": "O'Hara & Söhne",
        "title": SCRIPT,
        "contact-emails": [email("ann@happyfrog.example"), email("a.ohara@happyfrog.example", primary=False)],
        "contact-phones": [phone("+41 44 123 45 00", extension="12")],
        "location-id": 9,
    }
    return synced(
        "Happy Frog",
        2,
        [
            contact("ann@happyfrog.example", "create", push="pushed", after=new),
            contact(
                "jo.smith@happyfrog.example",
                "update",
                push="already_in_bms",
                bms_contact_id=90211,
                matched_by="name",
                before={"title": "Accountant", "contact-phones": numbers},
                after={"title": "Controller", "contact-phones": moved},
                **explained(
                    "in_bms_by_address",
                    "BMS contact 90211 is this person: it holds one of the addresses, so nothing is created.",
                    "If it is somebody else, correct the address in BMS.",
                ),
            ),
            contact("kim@happyfrog.example", "conflict", **SEVERAL_HITS),
            contact("lee@happyfrog.example", "conflict", **SEVERAL_HITS),
            contact("sam@happyfrog.example", "update", push="not_ready", missing=["primary_phone", "location"]),
            contact(
                f"{SCRIPT}@happyfrog.example",
                "linked",
                locked=["contact-phones"],
                attention=True,
                **explained("link_inactive", f"Held by {SCRIPT}."),
            ),
        ],
        quiet=170,
        conflicts=[
            conflict(
                "name",
                ["kim@happyfrog.example", "lee@happyfrog.example"],
                people=[
                    person("kim@happyfrog.example", "Kim", "Lee", "k.lee@happyfrog.example"),
                    person("lee@happyfrog.example", "Kim", "Lee"),
                ],
                contact_ids=[71, 74],
                contacts=[
                    card(71, "Kim", "Lee", "k.lee@happyfrog.example", "kim.private@mail.example"),
                    card(74, "Kim", SCRIPT, "lee@happyfrog.example", linked=True),
                ],
                match_overrides={"kim@happyfrog.example": 71},
                answers={
                    "kim@happyfrog.example": [71, 74, "new", "ignore"],
                    "lee@happyfrog.example": [71, 74, "new", "ignore"],
                },
            ),
            conflict(
                "bms_email",
                ["sam@happyfrog.example"],
                people=[person("sam@happyfrog.example", "Sam", "Able", "office@happyfrog.example")],
                bms_contact_ids=[9, 8],
                bms_contacts=[
                    bms_card(9, "Ann", "Able", "office@happyfrog.example"),
                    bms_card(8, "Sam", "Able", "s.able@happyfrog.example", active=False),
                ],
                answers={"sam@happyfrog.example": [9, 8, "new", "ignore"]},
            ),
        ],
        departed=[departed("max@happyfrog.example", 75, "report", evidence="disabled")],
        unclaimed=[
            {
                "contact_id": 76,
                "name": f"Old {SCRIPT}",
                "addresses": ["reception@happyfrog.example"],
                "contact_url": None,
            }
        ],
        warnings=["2 contacts carry a Microsoft adapter too."],
    )


def small() -> list:
    """One of everything that a run can bring."""
    over = synced("Over & Co.", 3, [contact(f"new{n}@over.example", "create") for n in range(40)])
    over["summary"]["limits_exceeded"] = [{"option": "max_creates", "count": 40, "limit": 25}]
    before = {"phone_type": "", "user_filter": {"exclude": []}, "sync_aliases": True}
    after = {"phone_type": "Mobile", "user_filter": {"exclude": ["svc-*", "room-*"]}, "sync_aliases": True}
    declared = {
        "changed": True,
        "organization": {"id": 2, "name": "Happy Frog"},
        "settings": after,
        "diff": {"before": before, "after": after},
    }
    consent = "https://login.microsoftonline.com/6f1c9f3e-0d57-4a5b-9f0a-2f4f5f2f7b11/adminconsent?client_id=1"
    refused = {
        "msg": "Microsoft Entra gives no token for Gamma: AADSTS65001: the client has not consented.\n"
        f"Open {consent} as an administrator, not https://evil.example/x.",
        "failure": {"code": "authentication_failed", "service": "graph", "status": 400, "said": "AADSTS65001"},
    }
    return [
        event("happy_frog", "changed", declared, action=OFFICE365, task="Declare the settings"),
        event("happy_frog", "changed", happy_frog()),
        event(
            "over",
            "failed",
            {
                **over,
                "changed": False,
                "msg": "Limit exceeded, nothing was written for 'Over & Co.': max_creates allows 25, the plan has 40.",
            },
        ),
        event("gamma", "failed", refused, requested="Gamma, Inc."),
        event("delta", "unreachable", {"msg": "No route"}, requested="Delta", seconds=None),
        event("secretive", "hidden", {}),
        event("calm", "ok", synced("Calm Waters", 5, [], quiet=60)),
    ]


RETURNED = explained("returned", "The person has returned: the contact is active again.")


def departed_and_returned() -> dict[str, Any]:
    """Departed people, with all that can be done about their contacts, and one who has returned."""
    inactive = {"contact-type-id": 31, "bms-active": False}
    active = {"contact-type-id": None, "bms-active": True}
    change = {"before": active, "after": inactive, "bms_contact_id": 90213}
    returned = contact("rita@lake.example", "update", before=inactive, after=active, **RETURNED)
    return synced(
        "Lake & Sons",
        6,
        [returned],
        departed=[
            departed(
                "max@lake.example",
                75,
                "deactivate",
                evidence="disabled",
                **change,
                **explained("user_disabled", "The person's account is disabled."),
            ),
            departed(f"{SCRIPT}@lake.example", 76, "report"),
            departed("old@lake.example", 77, "deactivated"),
            departed("boss@lake.example", 78, "keep"),
            departed(
                "held@lake.example",
                79,
                "failed",
                locked=["contact-type"],
                **explained("attributes_locked", "IT Glue refused the fields."),
            ),
            departed("late@lake.example", 80, "deferred", **explained("quota_exceeded", "The quota is used up.")),
        ],
    )


def reverted(**changes: Any) -> dict[str, Any]:
    """A result of `contact_sync` with `state: reverted`."""
    titles = {"before": {"title": "Controller"}, "after": {"title": "Accountant"}}
    steps = [
        {"what": "deactivate", "service": "bms", "id": 9, "name": "Ann New", "before": {"IsActive": True},
         "after": {"IsActive": False}},
        {"what": "restore_in_bms", "service": "bms", "id": 8, "name": "Jo Smith", "before": {"JobTitle": "B"},
         "after": {"JobTitle": "A"}},
        {"what": "restore", "service": "itglue", "id": 72, "name": "Jo Smith", **titles},
        {"what": "remove", "service": "itglue", "id": 90, "name": SCRIPT, "before": {"first-name": "Ann"}, "after": {}},
    ]  # fmt: skip
    return {
        "changed": True,
        "organization": {"id": 7, "name": "Undone Ltd"},
        "tenant_id": TENANT_ID.format(7),
        "summary": {
            "reverted": dict(Counter(each["what"] for each in steps)),
            "api_calls": {"itglue": 4, "bms": 3},
        },
        "reverted": steps,
        "not_reverted": [
            {"service": "itglue", "id": 75, "name": "Max Muster", "fields": ["title"],
             **explained("changed_since_written", "It has been changed since, so it stays as it is."), "failure": None},
            {"service": "itglue", "id": None, "name": "", "fields": [],
             **explained("nothing_alike", "The answer to the create was lost."), "failure": None},
        ],
        "diff": [],
        **changes,
    }  # fmt: skip


def offboarding() -> list:
    """Departed and returned people, and a run that is reverted."""
    return [
        event("lake", "changed", departed_and_returned(), preview=False),
        event("undone", "changed", reverted(), preview=False, task="Revert the run"),
    ]


def large(tenants: int = 1000, entries: int = 50_000) -> Iterator:
    """A run over many clients, with so many entries in all."""
    for place in range(tenants):
        name = f"Client {place:04}"
        share = entries // tenants + (place < entries % tenants)
        people = [_entry(place, index) for index in range(share)]
        pairs = [each["user"] for each in people if each["action"] == "conflict"]
        conflicts = [
            conflict("name", [user], contact_ids=[1, 2], match_overrides={user: 1}, answers={user: [1, 2, "new"]})
            for user in pairs
        ]
        gone = [departed(f"gone{n}@c{place}.example", n, "report") for n in range(2)]
        result = synced(name, place + 10, people, quiet=30, conflicts=conflicts, departed=gone)
        yield event(f"client_{place:04}", "changed" if result["changed"] else "ok", result)


def _entry(place: int, index: int) -> dict[str, Any]:
    user = f"person.{index:03}@client{place:04}.example"
    titles = {"before": {"title": "Accountant"}, "after": {"title": "Controller"}}
    new = {"first-name": "Jo", "last-name": f"Number {index}", "contact-emails": [email(user)]}
    numbers = [phone("+41 44 123 45 67"), phone("+41 79 765 43 21", "Mobile", primary=False)]
    kinds = [
        contact(user, "update", **titles),
        contact(user, "create", push="pushed", after={**new, "contact-phones": numbers}),
        contact(user, "update", before={"contact-phones": []}, after={"contact-phones": numbers}),
        contact(user, "unchanged", push="not_ready", missing=["primary_phone"]),
        contact(user, "conflict", **SEVERAL_HITS),
    ]
    return kinds[(place + index) % 5 if index % 10 else 3]


def main() -> None:
    sys.path.insert(0, str(development_tree()))
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.collecting import report
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.formats import FORMATS

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [int(each) for each in sys.argv[2:4]]
    made = report(about(), large(*sizes) if sizes else [*small(), *offboarding()])
    for form in FORMATS.values():
        path = folder / f"report.{form.ending}"
        path.write_text(form.render(made), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

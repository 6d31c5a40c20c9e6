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


def contact(user: str, action: str, **changes: Any) -> dict[str, Any]:
    """One entry of `contacts`."""
    return {
        "user": user,
        "user_id": f"id of {user}",
        "contact_id": None if action == "create" else 72,
        "bms_contact_id": None,
        "action": action,
        "matched_by": "alias" if action == "update" else None,
        "push": None,
        "missing": [],
        "locked": [],
        "unapplied": [],
        "before": {},
        "after": {},
        "reason": None,
        **changes,
    }


def departed(user: str, contact_id: int, action: str, **changes: Any) -> dict[str, Any]:
    """One entry of `departed`."""
    return {
        "user": user,
        "user_id": f"id of {user}",
        "contact_id": contact_id,
        "evidence": "deleted",
        "action": action,
        "bms_contact_id": None,
        "locked": [],
        "before": {},
        "after": {},
        "reason": None,
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
        "summary": {
            "users": sum(actions.values()),
            "kept": sum(actions.values()) - 6,
            "actions": dict(+actions),
            "push": dict(Counter(each["push"] for each in contacts if each["push"])),
            "excluded": excluded,
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
                before={"title": "Accountant", "contact-phones": numbers},
                after={"title": "Controller", "contact-phones": moved},
                reason="BMS contact 90211 is this person, by e-mail address.",
            ),
            contact("kim@happyfrog.example", "conflict", reason="The user matches contacts 71, 74 by name."),
            contact("lee@happyfrog.example", "conflict", reason="The user matches contacts 71, 74 by name."),
            contact("sam@happyfrog.example", "update", push="not_ready", missing=["primary_phone", "location"]),
            contact(f"{SCRIPT}@happyfrog.example", "linked", locked=["contact-phones"], reason=f"Held by {SCRIPT}."),
        ],
        quiet=170,
        conflicts=[
            {
                "rule": "name",
                "users": ["kim@happyfrog.example", "lee@happyfrog.example"],
                "contact_ids": [71, 74],
                "bms_contact_ids": [],
                "match_overrides": {"kim@happyfrog.example": 71, "lee@happyfrog.example": "new"},
            },
            {"rule": "bms_name", "users": [], "contact_ids": [], "bms_contact_ids": [9, 8], "match_overrides": {}},
        ],
        departed=[departed("max@happyfrog.example", 75, "report", evidence="disabled")],
        unclaimed=[{"contact_id": 76, "name": f"Old {SCRIPT}", "addresses": ["reception@happyfrog.example"]}],
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
    refused = {"msg": "Microsoft Graph refused the sign-in: AADSTS7000215, the client secret is not valid.\nCheck it."}
    return [
        event("happy_frog", "changed", declared, action=OFFICE365, task="Declare the settings"),
        event("happy_frog", "changed", happy_frog()),
        event("over", "failed", {**over, "changed": False, "msg": "The plan passes a ceiling: max_creates allows 25."}),
        event("gamma", "failed", refused, requested="Gamma, Inc."),
        event("delta", "unreachable", {"msg": "No route"}, requested="Delta", seconds=None),
        event("secretive", "hidden", {}),
        event("calm", "ok", synced("Calm Waters", 5, [], quiet=60)),
    ]


def gone_and_back() -> dict[str, Any]:
    """People who left, with all that can be done about them, and one who is back."""
    inactive = {"contact-type-id": 31, "bms-active": False}
    active = {"contact-type-id": None, "bms-active": True}
    change = {"before": active, "after": inactive, "bms_contact_id": 90213}
    back = contact("rita@lake.example", "update", before=inactive, after=active, reason="The person is back.")
    return synced(
        "Lake & Sons",
        6,
        [back],
        departed=[
            departed(
                "max@lake.example", 75, "deactivate", reason="The user is disabled.", evidence="disabled", **change
            ),
            departed(f"{SCRIPT}@lake.example", 76, "report"),
            departed("old@lake.example", 77, "deactivated"),
            departed("boss@lake.example", 78, "keep"),
            departed("held@lake.example", 79, "failed", locked=["contact-type"], reason="IT Glue refuses it."),
            departed("late@lake.example", 80, "deferred", reason="The quota is used up."),
        ],
    )


def taken_back(**changes: Any) -> dict[str, Any]:
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
             "reason": "They have been changed since."},
            {"service": "itglue", "id": None, "name": "", "fields": [], "reason": "Its answer was lost."},
        ],
        "diff": [],
        **changes,
    }  # fmt: skip


def leaving() -> list:
    """People who left or are back, and a run that is taken back."""
    return [
        event("lake", "changed", gone_and_back(), preview=False),
        event("undone", "changed", taken_back(), preview=False, task="Take the run back"),
    ]


def large(tenants: int = 1000, entries: int = 50_000) -> Iterator:
    """A run over many clients, with so many entries in all."""
    for place in range(tenants):
        name = f"Client {place:04}"
        share = entries // tenants + (place < entries % tenants)
        people = [_entry(place, index) for index in range(share)]
        pairs = [each["user"] for each in people if each["action"] == "conflict"]
        conflicts = [
            {
                "rule": "name",
                "users": [user],
                "contact_ids": [1, 2],
                "bms_contact_ids": [],
                "match_overrides": {user: 1},
            }
            for user in pairs
        ]
        leavers = [departed(f"gone{n}@c{place}.example", n, "report") for n in range(2)]
        result = synced(name, place + 10, people, quiet=30, conflicts=conflicts, departed=leavers)
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
        contact(user, "conflict", reason=f"The user matches contacts {index}, {index + 1} by name."),
    ]
    return kinds[(place + index) % 5 if index % 10 else 3]


def main() -> None:
    sys.path.insert(0, str(development_tree()))
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.collecting import report
    from ansible_collections.msp.psa_sync.plugins.plugin_utils._report.formats import FORMS

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [int(each) for each in sys.argv[2:4]]
    made = report(about(), large(*sizes) if sizes else [*small(), *leaving()])
    for form in FORMS.values():
        path = folder / f"report.{form.ending}"
        path.write_text(form.render(made), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

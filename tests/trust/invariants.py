# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold of every run, whatever the world is like. Each function raises AssertionError.

They look at the sandbox's state before and after, never at what the collection says of itself,
unless it is that which is held against the state. Which switches of the sandbox they hold under
is said by `test_random_worlds.py`.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import PushesStoppedError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.identity import Names, compare_names

from .inprocess import Outcome
from .worlds import ACCOUNT, CLIENT, FORMER, TENANT, Case

Json = dict[str, Any]

# What no preview can know (plan_guide): these may take the place of what was predicted.
ONLY_REAL = ("failed", "deferred")
LOOKED_FOR_AFTERWARDS = "Whether somebody else created the same people"
PUSHES = ("pushed", "pending")
TIMES = ("updated-at", "created-at", "modifiedOn", "createdOn")


# ------------------------------------------------------------------- how to compare


def folded(value: str | None) -> str:
    """Without the characters that nobody can see, trimmed and case-folded."""
    return "".join(sign for sign in value or "" if unicodedata.category(sign) != "Cf").strip().casefold()


def digits(value: str | None) -> str:
    """The digits of a number, zeros alone being none; a leading 00 is that of a country."""
    found = "".join(str(unicodedata.decimal(sign)) for sign in value or "" if sign.isdecimal())
    return found.removeprefix("00") if found.strip("0") else ""


def full_name(first: str | None, last: str | None) -> tuple[str, ...] | None:
    def one(part: str | None) -> str:
        return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded(part)).casefold()).split())

    pair = (one(first), one(last))
    return pair if all(pair) else None


def contacts_of(state: Json, organization: int = CLIENT) -> dict[int, Json]:
    return {row["id"]: row for row in state["itglue"]["contacts"] if row["organization-id"] == organization}


def bms_of(state: Json) -> dict[int, Json]:
    return {row["id"]: row for row in state["bms"]["contacts"] if row["accountId"] == ACCOUNT}


def emails_of(contact: Json) -> set[str]:
    return {folded(entry["value"]) for entry in contact["contact-emails"]} - {""}


def bms_emails_of(contact: Json) -> set[str]:
    return {folded(entry["emailAddress"]) for entry in contact["emails"]} - {""}


def bare(record: Json) -> Json:
    """A record without its times."""
    return {key: value for key, value in record.items() if key not in TIMES}


def substance(state: Json) -> Json:
    """All that a person would call the state: without times, and without what a login leaves."""
    itglue = {
        key: [bare(row) for row in rows] if isinstance(rows, list) else rows for key, rows in state["itglue"].items()
    }
    bms = {key: [bare(row) for row in rows] if isinstance(rows, list) else rows for key, rows in state["bms"].items()}
    return {"itglue": itglue, "bms": bms}


def outline(state: Json, before: Json) -> Json:
    """The state with nothing in it that hangs on the order of creation: ids of what is new, times."""
    found = {}
    for part in ("itglue", "bms"):
        known = {row["id"] for row in before[part]["contacts"]}
        rows = [{**bare(row), "id": row["id"] if row["id"] in known else None} for row in state[part]["contacts"]]
        found[part] = sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)
    return found


def user_addresses(user: Json) -> set[str]:
    """All SMTP addresses of a user and its username."""
    found = {user["mail"], user["userPrincipalName"]}
    for entry in user["proxyAddresses"]:
        kind, colon, value = entry.partition(":")
        if colon and kind.strip().casefold() == "smtp":
            found.add(value)
    return {folded(value) for value in found} - {""}


def contact_diff(outcome: Outcome) -> list[Json]:
    """The diff of contacts. Before it comes that of declared settings that are not stored, one for each kind."""
    return outcome.result.get("diff", [])[len(outcome.result.get("settings_changes", {})) :]


def users_of(state: Json) -> dict[str, Json]:
    tenant = next(each for each in state["entra"]["tenants"] if each["tenant_id"] == TENANT)
    return {user["id"]: user for user in tenant["users"]}


# -------------------------------------------------------------------- the invariants


def check_mode_writes_nothing(before: Json, after: Json, outcome: Outcome) -> None:
    assert outcome.writes == []
    assert substance(before) == substance(after)


def is_refused(outcome: Outcome) -> bool:
    """Whether the run ended before any write. One that pushes no further has written all the same."""
    return outcome.error is not None and not isinstance(outcome.error, PushesStoppedError)


def prediction_equals_real(predicted: Outcome, real: Outcome) -> None:
    """Same actions, same `changed`, same diff; different is only what no preview can know."""
    assert type(predicted.error) is type(real.error), (predicted.error, real.error)
    assert str(predicted.error) == str(real.error)
    if is_refused(real):
        # Refused before any write, a ceiling passed: the whole plan is in the result, the same one.
        assert predicted.result.get("contacts") == real.result.get("contacts")
        assert not predicted.changed and not real.changed
    foreseen, found = predicted.contacts(), real.contacts()
    assert foreseen.keys() == found.keys()
    refused = {user for user in found if _was_refused(found[user])}
    for user, entry in found.items() if not is_refused(real) else ():
        if user in refused:
            _same_as_far_as_it_went(foreseen[user], entry)
        else:
            _same_entry(foreseen[user], entry)
    left, gone = predicted.result.get("departed", []), real.result.get("departed", [])
    assert [each["contact_id"] for each in left] == [each["contact_id"] for each in gone]
    for one, other in zip(left, gone, strict=True):
        assert one == other or _was_refused({"push": None, "unapplied": [], **other}), (one, other)
    refused |= {each["user_id"] for each in gone if each not in left}
    if refused:
        assert real.changed <= predicted.changed
    else:
        assert predicted.changed == real.changed
    # What one of them was refused, or got earlier than foreseen, excuses nothing about the others.
    apart = refused | {user for user in found if foreseen[user]["push"] != found[user]["push"]}
    if not is_refused(real):
        assert _diff_without(predicted, apart) == _diff_without(real, apart)
        assert _warnings_without(predicted, apart) <= set(real.warnings), (predicted.warnings, real.warnings)
        found_late = {each for each in _warnings_without(real, apart) if not each.startswith(LOOKED_FOR_AFTERWARDS)}
        assert found_late <= set(predicted.warnings), (predicted.warnings, real.warnings)
    for part in ("organization", "tenant_id", "settings", "conflicts", "unclaimed"):
        assert predicted.result.get(part) == real.result.get(part), part


def _diff_without(outcome: Outcome, apart: Collection[str]) -> list[Json]:
    """The diff of all contacts but those of some users."""
    entries = [*outcome.contacts().values(), *outcome.result.get("departed", ())]
    names = {name for each in entries if each["user_id"] in apart for name in (each["user"], each["contact_id"])}
    return [each for each in contact_diff(outcome) if names.isdisjoint(_whose(each))]


def _warnings_without(outcome: Outcome, apart: Collection[str]) -> set[str]:
    """The warnings that name none of some users. One that counts people names each."""
    entries = [*outcome.contacts().values(), *outcome.result.get("departed", ())]
    names = [each["user"] for each in entries if each["user_id"] in apart]
    return {each for each in outcome.warnings if not any(name in each for name in names)}


def _whose(diff: Json) -> set[str | int]:
    """Whom a diff is of: the user, and the id of the contact where it has one."""
    user, dummy, ident = diff["before_header"].partition(", contact ")
    return {user, int(ident)} if ident else {user}


def _was_refused(entry: Json) -> bool:
    return bool(entry["action"] in ONLY_REAL or entry["push"] in ONLY_REAL or entry["locked"] or entry["unapplied"])


IDS = ("contact_id", "bms_contact_id")
NEW_IDS = ("contact_id", "contact_url", "bms_contact_id")
WORDS = ("reason", "reason_code", "reason_codes", "hint", "attention")


def _same_entry(foreseen: Json, found: Json) -> None:
    linked_in_time = (foreseen["push"], found["push"]) == ("pending", "pushed")
    for key, value in found.items():
        if linked_in_time and key in ("push", "bms_contact_id", *WORDS):
            continue
        if key in NEW_IDS and foreseen[key] is None:
            made = (found["push"] == "pushed") if key == "bms_contact_id" else (found["action"] == "create")
            assert (value is not None) == made, (key, found)
        else:
            assert foreseen[key] == value, (key, foreseen[key], value, foreseen, found)


def _same_as_far_as_it_went(foreseen: Json, found: Json) -> None:
    """Only what was refused is otherwise, and what was refused is said."""
    given_up = found["action"] in ONLY_REAL
    if found["action"] != foreseen["action"] and not given_up:
        assert found["action"] == "unchanged" and found["after"].keys() == _bms_fields(found["after"]), (
            foreseen,
            found,
        )
        assert found["locked"] or found["unapplied"], (foreseen, found)
    if found["push"] != foreseen["push"]:
        assert found["push"] in ONLY_REAL or (foreseen["push"], found["push"]) == ("pending", "pushed"), found
    assert found["matched_by"] == foreseen["matched_by"]
    assert found["contact_id"] == foreseen["contact_id"] or foreseen["contact_id"] is None
    said = {field for group in (*found["locked"], *found["unapplied"]) for field in FIELDS_OF.get(group, (group,))}
    # BMS follows the entries that IT Glue holds, be it those that it has kept.
    said |= {IN_BMS[group] for group in found["unapplied"] if group in IN_BMS and found["push"] is None}
    assert found["after"].keys() <= foreseen["after"].keys() | said, (foreseen, found)
    for field, value in foreseen["after"].items():
        if given_up or field in said:
            continue
        assert found["after"].get(field) == value, (field, foreseen, found)
        assert found["before"].get(field) == foreseen["before"].get(field), (field, foreseen, found)


FIELDS_OF = {
    "name": ("first-name", "last-name", "title"),
    "location": ("location-id",),
    "contact-type": ("contact-type-id",),
}
"""The attributes of a group that is `locked` or `unapplied`, where it is not named like its only one."""

IN_BMS = {"contact-emails": "bms-emails", "contact-phones": "bms-phones"}
"""The lists of entries of a contact, with those of its BMS contact."""


def _bms_fields(after: Json) -> set[str]:
    return {field for field in after if field.startswith("bms-")}


def changed_is_true_to_the_state(before: Json, after: Json, outcome: Outcome) -> None:
    """`changed` is true exactly where something was written."""
    differs = substance(before) != substance(after) or _saved_again(before, after, outcome)
    assert outcome.changed == differs, _difference(before, after)


def _saved_again(before: Json, after: Json, outcome: Outcome) -> bool:
    """Whether a contact was saved as it is, for IT Glue to push it, and shows so in its time."""
    old, new = contacts_of(before), contacts_of(after)
    return any(
        entry["before"] == entry["after"] and old[ident]["updated-at"] != new[ident]["updated-at"]
        for entry in outcome.contacts().values()
        if entry["action"] == "update" and (ident := entry["contact_id"]) in old
    )


def _difference(before: Json, after: Json) -> list:
    one, other = outline(before, before), outline(after, before)
    return [(set(one[part]) - set(other[part]), set(other[part]) - set(one[part])) for part in one]


def deferred(outcome: Outcome) -> set[str]:
    """The users who wait for the next run."""
    return {user for user, entry in outcome.contacts().items() if "deferred" in (entry["action"], entry["push"])}


def second_run_changes_nothing(first: Outcome, predicted: Outcome, real: Outcome, before: Json, after: Json) -> None:
    """Nor does its preview say so, but of those whose write was refused the first time."""
    assert substance(before) == substance(after), _difference(before, after)
    assert not real.changed
    assert contact_diff(real) == []
    again = {user for user, entry in predicted.contacts().items() if entry["before"] != entry["after"]}
    again |= {user for user, entry in predicted.contacts().items() if entry["action"] in ("create", "update")}
    refused = {
        user
        for user, entry in first.contacts().items()
        if "failed" in (entry["action"], entry["push"]) or entry["locked"] or entry["unapplied"]
    }
    refused |= {each["user_id"] for each in first.result["departed"] if each["locked"] or each["action"] in ONLY_REAL}
    assert again <= refused, [predicted.contacts()[user] for user in again - refused]
    assert _diff_without(predicted, refused) == []
    if not refused:
        assert not predicted.changed
        assert real.writes == []
    alone = {int(path.rsplit("/", 1)[1]) for each in real.writes if (path := each["path"])[-1].isdecimal()}
    entries = (*real.contacts().values(), *real.result.get("departed", ()))
    assert alone <= {each[key] for each in entries if each["user_id"] in refused for key in IDS}, (alone, refused)


def nothing_is_lost(before: Json, after: Json, case: Case, outcome: Outcome) -> None:
    """No contact, address, phone, note, name, title, location of IT Glue; nothing in BMS but what follows
    a linked contact there."""
    old, new = contacts_of(before), contacts_of(after)
    assert old.keys() <= new.keys()
    settings = outcome.result.get("settings", {}).get("office365", {})
    entries = {entry["contact_id"]: entry for entry in outcome.contacts().values()}
    users = users_of(before)
    for ident, contact in old.items():
        kept = new[ident]
        assert emails_of(contact) <= emails_of(kept), (contact, kept)
        _labels_stay(contact, kept)
        owner = users.get(entries[ident]["user_id"]) if ident in entries else None
        _phones_stay(contact, kept, settings, owner)
        for field in ("first-name", "last-name", "title", "location-id"):
            assert kept[field] not in (None, "") or contact[field] in (None, "") or not str(contact[field]).strip(), (
                field
            )
        for field in ("notes", "important", "locked", "organization-id"):
            assert kept[field] == contact[field]
        if contact["location-id"] is not None:
            assert kept["location-id"] == contact["location-id"]
        if not _deactivates(case):
            assert kept["contact-type-id"] == contact["contact-type-id"]
    carried = _carried(before, after, case)
    followed = {entry["bms_contact_id"]: entry for entry in entries.values() if _follows(entry)}
    assert case.options.get("update_linked") or not followed
    open_fields = dict.fromkeys(("jobTitle", "isActive") if _deactivates(case) else ("jobTitle",))
    for ident, contact in bms_of(before).items():
        kept = bms_of(after)[ident]
        if ident in followed:
            _bms_follows(contact, kept, followed[ident], after, outcome)
        elif ident not in carried:
            assert {**bare(contact), **open_fields} == {**bare(kept), **open_fields}
            assert kept["jobTitle"] == contact["jobTitle"] or not (contact["jobTitle"] or "").strip()
            assert bms_emails_of(contact) <= bms_emails_of(kept)


def _carried(before: Json, after: Json, case: Case) -> set[int]:
    """The BMS contacts to which IT Glue's own two-way sync carries what is written to the contacts linked with them."""
    new = contacts_of(after)
    written = [contact for ident, contact in contacts_of(before).items() if bare(contact) != bare(new[ident])]
    return {twin for contact in written for twin in _links(contact)} if case.behaviour["two_way_unlocks"] else set()


def may_be_free_in_bms(before: Json, after: Json, case: Case, outcome: Outcome) -> bool:
    """Whether somebody is in a conflict in BMS that IT Glue itself may have resolved, by what it has carried there."""
    in_conflict = any(entry["push"] == "conflict" for entry in outcome.contacts().values())
    return in_conflict and bool(_carried(before, after, case))


def _follows(entry: Json) -> bool:
    """Whether the BMS contact is updated too: a linked one, or one whose placeholder gives way to a number."""
    fields = _bms_fields(entry["after"]) - {"bms-active"}
    return bool(fields) if entry["push"] is None else entry["push"] == "already_in_bms" and "bms-phones" in fields


def _bms_follows(contact: Json, kept: Json, entry: Json, after: Json, outcome: Outcome) -> None:
    """It loses no address; at most one number, of the type of the settings, or a placeholder; and no name.
    What it gains are the person's."""
    for field in ("accountId", "locationId", "isActive", "middleName", "poc", "customFields"):
        assert contact[field] == kept[field] or (field == "isActive" and "bms-active" in entry["after"]), field
    for field in ("firstName", "lastName", "jobTitle"):
        assert (kept[field] or "").strip() or not (contact[field] or "").strip(), (contact, kept)
        assert kept[field] == contact[field] or f"bms-{_kebab(field)}" in entry["after"]
    assert bms_emails_of(contact) <= bms_emails_of(kept), (contact, kept)
    was, now = ({_bms_number(each): each for each in row["phones"]} for row in (contact, kept))
    lost = [was[number] for number in was.keys() - now.keys() if digits(number)]
    kind = {"work": 1, "2": 2}[outcome.result["settings"]["bms"]["phone_type"].casefold()]
    assert len(lost) <= 1 and all(each["phoneTypeId"] == kind for each in lost), (contact, kept)
    assert len(now) >= len(was)
    for name in ("emails", "phones"):
        assert _defaults(kept[name]) <= max(1, _defaults(contact[name]))
    source, own = contacts_of(after)[entry["contact_id"]], users_of(after)[entry["user_id"]]
    gained = bms_emails_of(kept) - bms_emails_of(contact)
    # The user's own too, where IT Glue has locked the contact's.
    assert gained <= emails_of(source) | user_addresses(own), (contact, kept)


def _kebab(name: str) -> str:
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name)


def _bms_number(entry: Json) -> str:
    return digits(entry["phone"]) or folded(entry["phone"])


def _defaults(entries: list[Json]) -> int:
    return sum(each["isDefault"] for each in entries)


def _deactivates(case: Case) -> bool:
    return case.options.get("departed") == "deactivate"


def _links(contact: Json) -> set[int]:
    """The BMS contacts that a contact is linked with."""
    kinds = ("bms", "vorex")
    adapters = [
        each for each in contact["adapters"] if any(kind in each["adapter-type-name"].lower() for kind in kinds)
    ]
    return {int(each["remote-id"]) for each in adapters}


def _keep(users: Iterable[Json], addresses: set[str], *names: str | None) -> bool:
    """Whether one of the users keeps a contact from being deactivated: it holds an address, and the names do not
    differ. An address that was forwarded to a colleague keeps nobody."""
    holders = [user for user in users if not addresses.isdisjoint(user_addresses(user))]
    return any(compare_names((user["givenName"], user["surname"]), names) != Names.DIFFERENT for user in holders)


def only_departed_people_are_deactivated(before: Json, after: Json, case: Case, outcome: Outcome) -> None:
    """On positive evidence, and nobody else's contact; and who is back only where the contact was marked."""
    if not _deactivates(case):
        return
    old, new = contacts_of(before), contacts_of(after)
    tenant = next(each for each in before["entra"]["tenants"] if each["tenant_id"] == TENANT)
    entries = outcome.contacts().values()
    kept = {each["user_id"] for each in entries if each["action"] != "excluded" or each["reason_code"] in NOT_BY_FILTER}
    left = [user for user in tenant["users"] if user["accountEnabled"] is False and user["id"] not in kept]
    left += [
        {**user, "userPrincipalName": user["userPrincipalName"].removeprefix(user["id"].replace("-", ""))}
        for user in tenant["deleted_users"]
    ]
    theirs = {value for user in left if full_name(user["givenName"], user["surname"]) for value in user_addresses(user)}
    staying = [user for user in tenant["users"] if user["id"] in kept]
    matched = {each["contact_id"] for each in entries if each["user_id"] in kept}
    in_conflict = {ident for conflict in outcome.result["conflicts"] for ident in conflict["contact_ids"]}
    done = {
        each["contact_id"] for each in outcome.result["departed"] if each["action"] in ("deactivate", "deactivated")
    }
    for ident in done:
        addresses = emails_of(old[ident])
        assert addresses & theirs, old[ident]
        assert not _keep(staying, addresses, old[ident]["first-name"], old[ident]["last-name"]), old[ident]
        assert ident not in matched | in_conflict
    for ident, contact in old.items():
        if new[ident]["contact-type-id"] != contact["contact-type-id"]:
            assert ident in done if new[ident]["contact-type-id"] == FORMER else contact["contact-type-id"] == FORMER
            assert ident in done | matched
    for ident, contact in bms_of(before).items():
        active = bms_of(after)[ident]["isActive"]
        if active == contact["isActive"]:
            continue
        addresses = bms_emails_of(contact)
        owners = {each for each in old if ident in _links(old[each])} or {
            each for each in old if emails_of(old[each]) & addresses
        }
        if active:
            assert any(old[each]["contact-type-id"] == FORMER for each in owners & matched), contact
        else:
            assert owners and owners <= done, (contact, owners)
            is_linked = any(ident in _links(old[each]) for each in owners)
            assert is_linked or not _keep(staying, addresses, contact["firstName"], contact["lastName"]), contact


NOT_BY_FILTER = ("override", "users")


def _labels_stay(contact: Json, kept: Json) -> None:
    labels = {folded(entry["value"]): entry["label-name"] for entry in reversed(kept["contact-emails"])}
    there = {(folded(entry["value"]), entry["label-name"]) for entry in contact["contact-emails"]}
    assert {(value, labels[value]) for value in labels} & there or not there
    for value in {value for value, dummy in there}:
        assert (value, labels[value]) in there


def _phones_stay(contact: Json, kept: Json, settings: Json, owner: Json | None) -> None:
    """A phone, be it a number or a text, goes only where one of the user's took its place under its label; zeros also
    where a real number is there and the settings say so. An extension changes only to one that the user has."""
    labels = {folded(label) for label in settings.get("phone_labels", {}).values()}
    left = Counter(map(_phone, kept["contact-phones"]))
    lost = Counter(map(_phone, contact["contact-phones"])) - left
    gained = left - Counter(map(_phone, contact["contact-phones"]))
    texts = [*(owner or {}).get("businessPhones", [])[:1], (owner or {}).get("mobilePhone")]
    own = {digits((value or "").replace("(0)", "")) for value in texts}
    for (number, label, kind, dummy), count in lost.items():
        fax = kind == "fax" or "fax" in folded(label)
        if number == ZEROS and not fax and settings.get("replace_blank_phone_numbers"):
            assert any(digits(each[0]) for each in left), (contact, kept)
            continue
        if any(_gives_extension(each, number, label, kind, own) for each in gained):
            continue
        assert kind != "fax", (contact, kept)
        assert count == 1 and folded(label) in labels, (contact, kept)
        under = [each for each in contact["contact-phones"] if _under(each, label) and _phone(each)[0] == number]
        assert len(under) == 1, (contact, kept)
        assert any(folded(each[1]) == folded(label) and _of_owner(each[0], own) for each in gained), (contact, kept)


ZEROS = "0"
"""How a placeholder is compared; a text without digits is compared as it is."""


def _of_owner(number: str, own: Iterable[str]) -> bool:
    """An extension at the end of what the user has is no part of the number."""
    return any(each and each.startswith(number) for each in own)


def _gives_extension(gained: tuple, number: str, label: str, kind: str, own: Iterable[str]) -> bool:
    """Whether an entry is another one with the extension of the user's number."""
    extension = gained[3]
    return gained[:3] == (number, label, kind) and any(extension and each.endswith(extension) for each in own)


def _under(entry: Json, label: str) -> bool:
    return folded(entry["label-name"]) == folded(label) and entry["label-type"] != "fax"


def _phone(entry: Json) -> tuple:
    value = entry["value"]
    number = digits(value) or (ZEROS if "0" in value else folded(value))
    return number, entry["label-name"], entry["label-type"], entry["extension"]


def nobody_is_there_twice(before: Json, after: Json, case: Case, outcome: Outcome) -> None:
    """What was made is one for each user, and nobody else's."""
    old, new = contacts_of(before), contacts_of(after)
    entries = outcome.contacts()
    made = new.keys() - old.keys()
    creators = {entry["contact_id"]: user for user, entry in entries.items() if entry["action"] == "create"}
    assert made == set(creators), (made, creators)
    holders = {entry["contact_id"]: user for user, entry in entries.items() if entry["contact_id"] is not None}
    # Contacts in a conflict are out of the later passes of matching.
    holders |= {ident: "" for conflict in outcome.result["conflicts"] for ident in conflict["contact_ids"]}
    forced = _forced(case, users_of(before))
    # So are those of a conflict among left-out users only, which is not reported.
    left_out = {user for user, entry in entries.items() if entry["action"] == "excluded"}
    claimed = {value for user in left_out for value in user_addresses(users_of(before)[user])}
    for ident in made:
        primaries = {folded(entry["value"]) for entry in new[ident]["contact-emails"] if entry["primary"]}
        assert len(primaries) == 1
        for other, contact in new.items():
            if other == ident:
                continue
            if creators[ident] in forced:
                # A contact with other names is never taken for the one that an override made, and keeps its address.
                wanted = full_name(new[ident]["first-name"], new[ident]["last-name"])
                same = wanted and wanted == full_name(contact["first-name"], contact["last-name"])
                shared = {folded(each["value"]) for each in contact["contact-emails"] if each["primary"]} & primaries
                shared = shared if same else set()
            else:
                shared = emails_of(contact) & emails_of(new[ident])
            # An address that both hold is allowed only where the other contact is another user's.
            anothers = holders.get(other, creators[ident]) != creators[ident] or bool(emails_of(contact) & claimed)
            assert not shared or anothers, (new[ident], contact)
    _nobody_twice_in_bms(before, after, case, outcome)


def _forced(case: Case, users: Mapping[str, Json]) -> set[str]:
    """Users for whom `match_overrides` says `new`."""
    new_by_override = {
        folded(key) for key, target in case.options.get("match_overrides", {}).items() if target == "new"
    }
    return {
        ident for ident, user in users.items() if new_by_override & {folded(ident), folded(user["userPrincipalName"])}
    }


def _nobody_twice_in_bms(before: Json, after: Json, case: Case, outcome: Outcome) -> None:
    old, new = bms_of(before), bms_of(after)
    made = [new[ident] for ident in new.keys() - old.keys()]
    pushed = [entry for entry in outcome.contacts().values() if entry["push"] in PUSHES]
    if not case.behaviour.get("native_push"):
        pushed = [entry for entry in pushed if entry["push"] == "pushed"]
        assert sorted(entry["bms_contact_id"] for entry in pushed) == sorted(each["id"] for each in made)
        for entry in pushed:
            # Nobody else's: neither that of a user in a conflict, nor a linked one.
            source = contacts_of(after)[entry["contact_id"]]
            own = emails_of(source)
            if "contact-emails" in (*entry["locked"], *entry["unapplied"]):
                own |= user_addresses(users_of(before)[entry["user_id"]])
            assert bms_emails_of(new[entry["bms_contact_id"]]) <= own, (entry, source)
    else:
        assert len(made) <= len(pushed)
    held = {value for user in users_of(before).values() for value in user_addresses(user)}
    held |= {value for contact in contacts_of(before).values() for value in emails_of(contact)}
    withheld = {
        entry["bms_contact_id"]: [entry["reason"]] for entry in pushed if "bms_hit_withheld" in entry["reason_codes"]
    }
    for contact in made:
        assert contact["emails"] and contact["phones"] and contact["firstName"]
        for other in new.values():
            if other["id"] == contact["id"]:
                continue
            # Of one with other names, by an address that is not the primary one, the entry says that it was left alone.
            left_alone = any(str(other["id"]) in each for each in withheld.get(contact["id"], ()))
            left_alone = left_alone or _are_two(contact, other, before, case, outcome)
            assert left_alone or bms_emails_of(other).isdisjoint(bms_emails_of(contact)), (other, contact)
            own = full_name(contact["firstName"], contact["lastName"])
            # By the name that it had: a linked one may get another in the same run.
            was = old.get(other["id"])
            if was and own and own == full_name(was["firstName"], was["lastName"]):
                assert bms_emails_of(other) & held, (other, contact)


def _are_two(one: Json, other: Json, before: Json, case: Case, outcome: Outcome) -> bool:
    """Whether two BMS contacts of other names are of two users, whose contacts in IT Glue may both hold an address: an
    override gives one of them its contact, which keeps all its addresses, the run reports whose contact holds an
    address of the other user's, or both contacts held it before the run, as they do with that of an office."""
    entries = outcome.contacts()
    owners = {entry["bms_contact_id"]: user for user, entry in entries.items()}
    pair = {owners.get(each["id"]) for each in (one, other)} - {None}
    answers = {folded(key): target for key, target in case.options.get("match_overrides", {}).items()}
    users = users_of(before)
    keys = {folded(key) for user in pair for key in (user, users[user]["userPrincipalName"])}
    names = compare_names((one["firstName"], one["lastName"]), (other["firstName"], other["lastName"]))
    is_reported = any({"hit_withheld", "alias_held"} & {*entries[user]["reason_codes"]} for user in pair)
    by_override = any(answers.get(key, "ignore") != "ignore" for key in keys)
    known = Counter(value for contact in contacts_of(before).values() for value in emails_of(contact))
    was_shared = all(known[value] > 1 for value in bms_emails_of(one) & bms_emails_of(other))
    return len(pair) == 2 and names != Names.SAME and (is_reported or by_override or was_shared)


def linked_are_left_alone(before: Json, after: Json, case: Case, outcome: Outcome) -> None:
    """A linked contact is never pushed, and not updated without `update_linked`."""
    entries = {entry["contact_id"]: entry for entry in outcome.contacts().values()}
    for ident, contact in contacts_of(before).items():
        if not is_linked(contact):
            continue
        if ident in entries:
            assert entries[ident]["push"] is None
        if case.options.get("update_linked"):
            continue
        kept = contacts_of(after)[ident]
        if _deactivates(case) and kept["contact-type-id"] != contact["contact-type-id"]:
            # Who left is marked all the same, and who is back is not any more; see below.
            assert {**bare(kept), "contact-type-id": None} == {**bare(contact), "contact-type-id": None}
            continue
        assert kept == contact
        back = _deactivates(case) and contact["contact-type-id"] == FORMER
        allowed = ("linked", "excluded", "conflict", *(("update", "unchanged", "failed") if back else ()))
        assert ident not in entries or entries[ident]["action"] in allowed


def is_linked(contact: Json) -> bool:
    kinds = [adapter["adapter-type-name"].casefold() for adapter in contact["adapters"]]
    return contact["psa-integration"] is not None or any("bms" in kind or "vorex" in kind for kind in kinds)


def conflicts_write_nothing(before: Json, after: Json, outcome: Outcome) -> None:
    """Nothing is written for a member of a conflict. Where somebody would get a second contact beside a known one,
    whoever has claimed the known one keeps it, and may change it."""
    old, new = contacts_of(before), contacts_of(after)
    claims = {entry["contact_id"]: entry["user"] for entry in outcome.contacts().values()}
    for conflict in outcome.result.get("conflicts", ()):
        if conflict["rule"].startswith("bms"):
            continue
        for ident in conflict["contact_ids"]:
            is_claimed = claims.get(ident, conflict["users"][0]) not in conflict["users"]
            # The same conflict bears another code where the known contact was a departed person's.
            beside_known = conflict["reason_code"] in ("known_contact", "possibly_returned")
            assert new[ident] == old[ident] or (beside_known and is_claimed)
        for entry in outcome.contacts().values():
            if entry["user"] in conflict["users"]:
                assert entry["action"] in ("conflict", "excluded")
                assert entry["before"] == entry["after"] == {}
                assert entry["push"] is None


def strangers_are_left_alone(
    before: Json, after: Json, organization: int = CLIENT, named: Collection[int] = ()
) -> None:
    """Other organizations, accounts, settings, locations and types stay as they are.

    `organization` and `named` are the client, and contacts beside its own, as IT Glue named them to the run.
    """
    for state in (before, after):
        for part in ("itglue", "bms"):
            mine = contacts_of(state, organization).keys() | set(named) if part == "itglue" else bms_of(state)
            state[part] = {**state[part], "contacts": [row for row in state[part]["contacts"] if row["id"] not in mine]}
    assert before["itglue"] == after["itglue"]
    assert before["bms"] == after["bms"]
    assert before["entra"] == after["entra"]


def same_whatever_the_order(one: Outcome, other: Outcome) -> None:
    assert str(one.error) == str(other.error)
    keys = one.result.keys() | other.result.keys()
    for key in keys - {"summary"}:
        assert one.result.get(key) == other.result.get(key), key
    assert sorted(one.warnings) == sorted(other.warnings)

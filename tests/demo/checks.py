# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold in the demo. Each check yields a sentence for each thing that does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from .cases import ACCOUNTS, CASES, CONFLICTS, DEPARTED, ORGANIZATIONS, Case
from .steps import Json, Ran

SYNC = "contact_sync"
SETTINGS = ("office365_sync_settings", "bms_sync_settings")


def succeeded(ran: Ran, *modules: str) -> Iterator[str]:
    """Ansible is content, and each module ran for each client."""
    if ran.code:
        yield f"ansible-playbook ended with exit code {ran.code}"
    for module in modules:
        for client in ORGANIZATIONS:
            result = ran.of(module).get(client)
            if result is None or result["failed"]:
                yield f"{client}: {module} {'did not run' if result is None else 'failed'}"


def settings_stored(ran: Ran) -> Iterator[str]:
    yield from succeeded(ran, *SETTINGS)
    yield from _equal("tasks that changed something", ran.changed, 2 * len(ORGANIZATIONS))
    yield from _equal("assets in IT Glue", len(ran.after["itglue"]["flexible_assets"]), 2 * len(ORGANIZATIONS))
    yield from _equal("services that were asked", set(ran.counted()), {"itglue"})


def previewed(ran: Ran) -> Iterator[str]:
    yield from succeeded(ran, SYNC)
    yield from _equal("clients with changes", ran.changed, len(ORGANIZATIONS))
    yield from nothing_written(ran)
    yield from as_expected(ran)


def synced(ran: Ran, preview: Ran) -> Iterator[str]:
    yield from succeeded(ran, SYNC)
    yield from as_expected(ran)
    yield from as_predicted(preview, ran)
    yield from in_the_services(ran.after)
    yield from no_doubles(ran.before, ran.after)


def resolved(ran: Ran) -> Iterator[str]:
    """A run with nothing to do."""
    yield from succeeded(ran, *SETTINGS, SYNC)
    yield from _equal("tasks that changed something", ran.changed, 0)
    yield from nothing_written(ran)


def nothing_written(ran: Ran) -> Iterator[str]:
    for each in ran.writes:
        yield f"a writing request was sent: {each['service']} {each['method']} {each['path']}"
    for section in ("entra", "itglue", "bms"):
        if ran.before[section] != ran.after[section]:
            yield f"something has changed in {section}"


def as_expected(ran: Ran) -> Iterator[str]:
    """Every user is dealt with as the cases say, and there is no user without a case."""
    found = entries(ran)
    for case in CASES:
        entry = found.pop((case.client, case.user), None)
        if entry is None:
            yield f"{case.user} is not in the result"
            continue
        wanted = {"action": case.action, "matched_by": case.rule, "push": case.push, "missing": list(case.missing)}
        yield from _equal(case.user, {key: entry[key] for key in wanted}, wanted)
    for client, user in found:
        yield f"{client}: {user} is in the result, but in no case"
    for client, result in ran.of(SYNC).items():
        conflicts = [(each["reason_code"], each["answers"]) for each in result["conflicts"]]
        yield from _equal(f"{client}: conflicts", conflicts, CONFLICTS.get(client, []))
        suggested = [each["match_overrides"] | each["bms_match_overrides"] for each in result["conflicts"]]
        yield from _equal(f"{client}: suggested overrides", suggested, [{} for dummy in conflicts])
        departed = [each["user"] for each in result["departed"]]
        yield from _equal(f"{client}: departed", departed, DEPARTED.get(client, []))


def as_predicted(preview: Ran, real: Ran) -> Iterator[str]:
    """What check mode has said is what has happened; only ids and addresses of what is new were unknown."""
    reported, done = entries(preview), entries(real)
    for key, entry in done.items():
        before = reported.get(key, {})
        for name, value in entry.items():
            unknown = name in ("contact_id", "contact_url", "bms_contact_id") and before.get(name) is None
            if not unknown:
                yield from _equal(f"{key[1]}: {name}, against the preview", value, before.get(name))
    for client, result in real.of(SYNC).items():
        yield from _equal(f"{client}: the diff, against the preview", result["diff"], preview.of(SYNC)[client]["diff"])


def in_the_services(world: Json) -> Iterator[str]:
    """The sandbox holds what the cases say: the services are asked, not the module."""
    for case in CASES:
        contacts = [each for each in of_client(world, case.client) if case.email in _itglue_addresses(each)]
        yield from _equal(f"{case.user}: contacts in IT Glue", len(contacts), _wanted_contacts(case))
        for contact in contacts if case.phone else ():
            yield from _equal(f"{case.user}: primary e-mail", _primary(contact["contact-emails"]), case.email)
            yield from _equal(f"{case.user}: primary phone", _primary(contact["contact-phones"]), case.phone)
        people = [each for each in of_account(world, case.client) if case.email in _bms_addresses(each)]
        yield from _equal(f"{case.user}: contacts in BMS", len(people), case.in_bms)
        for person in people if case.push == "pushed" else ():
            numbers = [_digits(each["phone"]) for each in person["phones"] if each["isDefault"]]
            yield from _equal(f"{case.user}: default phone in BMS", numbers, [case.phone])


def no_doubles(before: Json, after: Json) -> Iterator[str]:
    """As many contacts are new as were to be made, and nobody's address is on two of them."""
    for client in ORGANIZATIONS:
        cases = [case for case in CASES if case.client == client]
        made = len(of_client(after, client)) - len(of_client(before, client))
        yield from _equal(f"{client}: new contacts in IT Glue", made, sum(case.action == "create" for case in cases))
        made = len(of_account(after, client)) - len(of_account(before, client))
        yield from _equal(f"{client}: new contacts in BMS", made, sum(case.push == "pushed" for case in cases))
        for service, people, addresses in (
            ("IT Glue", of_client(after, client), _itglue_addresses),
            ("BMS", of_account(after, client), _bms_addresses),
        ):
            holders = Counter(address for person in people for address in addresses(person))
            yield from (f"{service} has {address} on {n} contacts" for address, n in holders.items() if n > 1)


def entries(ran: Ran) -> dict[tuple[str, str], Json]:
    """The entries of `contacts`, by client and username."""
    return {(client, each["user"]): each for client, result in ran.of(SYNC).items() for each in result["contacts"]}


def of_client(world: Json, client: str) -> list[Json]:
    return [each for each in world["itglue"]["contacts"] if each["organization-id"] == ORGANIZATIONS[client]]


def of_account(world: Json, client: str) -> list[Json]:
    return [each for each in world["bms"]["contacts"] if each["accountId"] == ACCOUNTS[client]]


def _wanted_contacts(case: Case) -> int:
    """A left-out user may have a contact from before; nobody else has more or less than one, but for conflicts."""
    if case.action == "excluded":
        return int(case.rule is not None)
    return 0 if case.action == "conflict" else 1


def _itglue_addresses(contact: Json) -> set[str]:
    return {each["value"].casefold() for each in contact["contact-emails"]}


def _bms_addresses(contact: Json) -> set[str]:
    return {each["emailAddress"].casefold() for each in contact["emails"]}


def _primary(rows: Iterable[Json]) -> str | None:
    return next((each["value"] for each in rows if each["primary"]), None)


def _digits(number: str) -> str:
    return "".join(filter(str.isdecimal, number))


def _equal(what: str, found: Any, wanted: Any) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found!r} instead of {wanted!r}"

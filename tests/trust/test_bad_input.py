# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input: options, settings edited by hand in IT Glue, odd data of the services. What comes of each is
written out in `bad_input.txt`, word for word.

`python -m tests.trust.test_bad_input` writes that file anew, to be read before it is committed.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fleet import with_settings

from .inprocess import HOSTS, Outcome, Stand
from .invariants import strangers_are_left_alone, substance
from .tally import note
from .test_fault_matrix import OPTIONS, rich_world
from .worlds import ACCOUNT, CLIENT, GROUP, NAME, OTHER, OTHER_ACCOUNT, TENANT

Json = dict[str, Any]
EXPECTED = Path(__file__).with_name("bad_input.txt")
LONG = "x" * 10_000


@dataclass(frozen=True)
class Bad:
    """What is bad: options of the task, traits of the stored assets, the world, or an answer."""

    options: Json = field(default_factory=dict)
    traits: Json | None = None
    edit: Callable[[Json], None] | None = None
    alter: Callable | None = None
    faults: tuple[Json, ...] = ()


def o365(**settings: Any) -> Bad:
    return Bad({"office365_settings": {**OPTIONS["office365_settings"], **settings}})


def bms(**settings: Any) -> Bad:
    return Bad({"bms_settings": {**OPTIONS["bms_settings"], **settings}})


def edited(edit: Callable[[Json], Any], **options: Any) -> Bad:
    return Bad(options, edit=edit)


def by_hand(**traits: Any) -> Bad:
    """Traits as a technician left them, keys with underscores."""
    return Bad(traits={key.replace("_", "-"): value for key, value in traits.items()})


def answered(path: str, change: Callable[[Any], Any], method: str = "GET", **options: Any) -> Bad:
    """Another answer to each request for a path that ends so; `change` edits it, or returns the new one."""

    def alter(service: str, asked: str, where: str, body: Any) -> Any:
        if asked != method or not where.endswith(path):
            return body
        new = change(body)
        return body if new is None else new

    return Bad(options, alter=alter)


def user(**properties: Any) -> Bad:
    """The first user, with other properties."""
    return edited(lambda world: world["entra"]["tenants"][0]["users"][0].update(properties))


def every_user(**properties: Any) -> Bad:
    """All users, with other properties."""

    def change(world: Json) -> None:
        for each in world["entra"]["tenants"][0]["users"]:
            each.update(properties)

    return edited(change)


def handed_on(world: Json) -> None:
    """Somebody was deleted, and the first user, who has other names, has got the address."""
    tenant = world["entra"]["tenants"][0]
    gone = tenant["users"].pop(2)
    tenant["users"][0].update(givenName="Jane", surname="Roe", mail=gone["mail"], proxyAddresses=[])
    ident = gone["id"][:-2] + "99"
    tenant["deleted_users"].append(
        {**gone, "id": ident, "userPrincipalName": ident.replace("-", "") + gone["userPrincipalName"]}
    )


def role_address(world: Json) -> None:
    """The first user holds the address of the front desk too."""
    world["entra"]["tenants"][0]["users"][0]["proxyAddresses"].append("smtp:front@x.example")
    emails = [{"value": "front@x.example", "label-name": "Work", "primary": True}]
    front_desk = {"id": 199, "organization-id": CLIENT, "first-name": "Front", "last-name": "Desk"}
    world["itglue"]["contacts"].append({**front_desk, "contact-emails": emails})


def namesakes(world: Json) -> None:
    """The first user, who has no contact, bears the names of the third, who has one."""
    first, dummy, third, *others = world["entra"]["tenants"][0]["users"]
    first.update(givenName=third["givenName"], surname=third["surname"])


def held_by_another(**settings: Any) -> Callable[[Json], None]:
    """Another organization's settings hold the tenant, or the account."""

    def change(world: Json) -> None:
        kinds = {"office365": {"tenant_id": TENANT, **settings}} if not settings else {"bms": settings}
        world["itglue"].update(with_settings(world, {OTHER: kinds})["itglue"])

    return change


def no_key(key: str) -> Bad:
    def change(body: Json) -> None:
        for row in body["value"]:
            row.pop(key, None)

    return answered("/v1.0/users", change)


def contact(**attributes: Any) -> Bad:
    """The first contact as IT Glue shows it, with other attributes."""

    def change(body: Json) -> None:
        body["data"][0]["attributes"].update({key.replace("_", "-"): value for key, value in attributes.items()})

    return answered("/contacts", change)


def organizations(world: Json) -> list[Json]:
    return world["itglue"]["organizations"]


def _drop(mapping: Json, key: str) -> None:
    del mapping[key]


SECOND_PAGE = "/contacts?filter[organization_id]=2&include=adapters_resources&page[number]=2"


def _circle(body: Json) -> None:
    body["links"] = {
        **body.get("links", {}),
        "next": f"https://itglue.sandbox.example{SECOND_PAGE}",
    }


FAR = "https://evil.example/v1.0/users?$skiptoken=1"
PFX = "/nowhere/app.pfx"
CASES: dict[str, Bad] = {
    # ------------------------------------------------------------------ options
    "organization: blank": Bad({"organization": "  "}),
    "organization: a name that IT Glue does not have": Bad({"organization": "Nobody"}),
    "organization: nearly a name": Bad({"organization": "Mueller & Soehne, Inc."}),
    "organization: an id that IT Glue does not have": Bad({"organization": "4711"}),
    "organization: two of that name": edited(lambda world: organizations(world)[2].update(name=NAME)),
    "tenant_id: no GUID": Bad({"tenant_id": "contoso"}),
    "tenant_id: every tenant": Bad({"tenant_id": "common"}),
    "tenant_id: a tenant that there is not": Bad({"tenant_id": TENANT.replace("6f", "7f")}),
    "match_overrides: an odd word": Bad({"match_overrides": {"u0@x.example": "someone"}}),
    "match_overrides: yes": Bad({"match_overrides": {"u0@x.example": True}}),
    "match_overrides: a negative number": Bad({"match_overrides": {"u0@x.example": "-5"}}),
    "match_overrides: a contact of another organization": Bad({"match_overrides": {"u0@x.example": 501}}),
    "match_overrides: a contact that there is not": Bad({"match_overrides": {"u0@x.example": 99999}}),
    "match_overrides: one contact for two users": Bad(
        {"match_overrides": {"u0@x.example": 102, "u1@x.example": "102"}}
    ),
    "match_overrides: one user twice": Bad(
        {"match_overrides": {"u0@x.example": "new", "00000000-0000-4000-8000-000000000000": "ignore"}}
    ),
    "match_overrides: a user that there is not": Bad({"match_overrides": {"nobody@x.example": "ignore"}}),
    "match_overrides: no mapping": Bad({"match_overrides": "u0"}),
    "bms_match_overrides: an odd word": Bad({"bms_match_overrides": {"u0@x.example": "someone"}}),
    "bms_match_overrides: a BMS contact that there is not": Bad({"bms_match_overrides": {"u0@x.example": 4711}}),
    "departed: deactivate without a contact type": Bad({"departed": "deactivate"}),
    "departed_keep: a mapping where a text was meant": Bad({"departed_keep": [{"reception@x.example": None}]}),
    "max_creates: a word": Bad({"max_creates": "many"}),
    "max_updates: negative": Bad({"max_updates": "-1"}),
    "max_pushes: half a contact": Bad({"max_pushes": "1.5"}),
    "max_creates: other digits": Bad({"max_creates": "٣"}),
    "max_creates: passed": Bad({"max_creates": "0"}),
    "max_pushes: passed by a percentage": Bad({"max_pushes": "10%"}),
    "bms_adapter_names: empty": Bad({"bms_adapter_names": []}),
    "bms_adapter_names: blank": Bad({"bms_adapter_names": [" "]}),
    "users: somebody that there is not": Bad({"users": ["nobody@x.example"]}),
    "update_linked: neither yes nor no": Bad({"update_linked": "perhaps"}),
    "report: an odd choice": Bad({"report": "none"}),
    "timeout: zero": Bad({"timeout": 0}),
    "timeout: without end": Bad({"timeout": "inf"}),
    "proxy: no address": Bad({"proxy": "http://"}),
    "ca_path: nothing there": Bad({"ca_path": "/nowhere/ca.pem"}),
    "itglue_url: without TLS": Bad({"itglue_url": "http://api.itglue.example"}),
    "itglue_url: an unknown region": Bad({"itglue_url": "mars"}),
    "itglue_url: with a password in it": Bad({"itglue_url": "https://jo:secret@api.itglue.example"}),
    "itglue_url: with a query": Bad({"itglue_url": "https://api.itglue.example/?a=b"}),
    "itglue_api_key: missing": Bad({"itglue_api_key": None}),
    "itglue_api_key: with a line end in it": Bad({"itglue_api_key": "ITG.a\nb"}),
    "itglue_api_key: wrong": Bad({"itglue_api_key": "ITG.wrong"}),
    "azure_client_id: missing": Bad({"azure_client_id": None}),
    "azure_client_secret: missing": Bad({"azure_client_secret": None}),
    "azure_client_secret: wrong": Bad({"azure_client_secret": "wrong-secret"}),
    "azure_certificate_path: nothing there": Bad({"azure_client_secret": None, "azure_certificate_path": PFX}),
    "azure_federated_token_file: nothing there": Bad({"azure_client_secret": None, "azure_federated_token_file": PFX}),
    "azure_cloud: an unknown one": Bad({"azure_cloud": "mars"}),
    "azure_authority_host: without TLS": Bad({"azure_authority_host": "http://localhost:1"}),
    "bms_url: missing where it is needed": Bad({"bms_url": None}),
    "bms_password: wrong": Bad({"bms_password": "wrong-password"}),
    "bms_mfa_secret: no base32": Bad({"bms_mfa_secret": "not base 32!"}),
    "phone_type: none of the labels": o365(phone_type="Fax"),
    "phone_type: missing": o365(phone_type=""),
    "phone_labels: equal": o365(phone_labels={"office": "Work", "mobile": "WORK"}),
    "primary_email: an odd choice": o365(primary_email="other"),
    "contact_type: one that there is not": o365(contact_type="Wizard"),
    "license_skus: a name": o365(user_filter={"license_skus": ["E3"]}),
    "domains: an address": o365(user_filter={"domains": ["u0@x.example"]}),
    "groups: one that there is not": o365(user_filter={"groups": ["Nobody"]}),
    "groups: an id that there is not": o365(user_filter={"groups": [GROUP.replace("0f", "1f")]}),
    "exclude: everybody": o365(user_filter={"exclude": ["*"]}),
    "exclude: a mapping where a text was meant": o365(user_filter={"exclude": [{"svc-*": None}]}),
    "exclude: two patterns in one line": o365(user_filter={"exclude": ["svc-*, room-*"]}),
    "user_filter: an unknown key": o365(user_filter={"license": True}),
    "auto push: without contact_sync": bms(contact_sync=False),
    "auto push: without two_way_sync": bms(two_way_sync=False),
    "auto push: without an e-mail type": bms(email_type=""),
    "auto push: without a phone type": bms(phone_type=""),
    "email_type: one that BMS does not have": bms(email_type="Pigeon"),
    "phone_type: one that BMS does not have": bms(phone_type="Smoke"),
    "account: a name that BMS does not have": bms(account="Nobody"),
    "account: an id that BMS does not have": bms(account="4711"),
    "tenant_id: that of another organization": edited(held_by_another()),
    "account: that of another organization": edited(
        held_by_another(account=str(ACCOUNT)), bms_settings={**OPTIONS["bms_settings"], "account": str(ACCOUNT)}
    ),
    "account: that of another organization's adapter": edited(
        lambda world: organizations(world)[2].update(
            adapters=[{"adapter-type-name": "Kaseya BMS", "remote-id": str(ACCOUNT), "sync": True}]
        ),
        bms_settings={**OPTIONS["bms_settings"], "account": str(ACCOUNT)},
    ),
    "push_method: an odd choice": bms(push_method="pigeon"),
    # ------------------------------------------------------ settings edited by hand
    "by hand: a tenant id with a letter too many": by_hand(tenant_id=f"{TENANT}x"),
    "by hand: a blank tenant id": by_hand(tenant_id=" "),
    "by hand: maybe": by_hand(sync_aliases="maybe"),
    "by hand: a phone type that is no label": by_hand(phone_type="Fax"),
    "by hand: equal labels": by_hand(phone_labels="office: Work<br>mobile: work"),
    "by hand: a line too many": by_hand(phone_labels="office: Office<br>fax: Fax"),
    "by hand: a domain that is none": by_hand(domains="all of them"),
    "by hand: the name of a licence": by_hand(license_skus="Business Premium"),
    "by hand: an odd choice": by_hand(primary_email="both"),
    "by hand: HTML of the editor": by_hand(exclude="<div>svc-*&nbsp;</div><ul><li>R&amp;D*</li></ul>"),
    "by hand: a script": by_hand(email_label="<script>alert(1)</script>"),
    "by hand: a line of 10,000 characters": by_hand(groups=LONG),
    "by hand: a push method that is none": by_hand(push_method="pigeon"),
    "by hand: auto push while contact sync is off": by_hand(contact_sync="No", auto_push_office365_contacts="Yes"),
    "settings: none at all": Bad({"office365_settings": None, "bms_settings": None}),
    "settings: two assets of one type": edited(
        lambda world: world["itglue"]["flexible_assets"].append({**world["itglue"]["flexible_assets"][0], "id": 999}),
        office365_settings=None,
    ),
    "settings: the asset is archived": edited(
        lambda world: world["itglue"]["flexible_assets"][0].update(archived=True), office365_settings=None
    ),
    "settings: two types of one name": edited(
        lambda world: world["itglue"]["flexible_asset_types"].append(
            {"id": 90, "name": "BMS Sync Settings", "fields": [{"id": 9000, "name": "Title", "kind": "Text"}]}
        ),
        office365_settings=None,
    ),
    # ------------------------------------------------------------ data of Microsoft
    "user: id null": answered("/v1.0/users", lambda body: body["value"][0].update(id=None)),
    "user: no id": no_key("id"),
    "user: no username": no_key("userPrincipalName"),
    "user: no proxy addresses": no_key("proxyAddresses"),
    "user: names null": user(givenName=None, surname=None),
    "user: a title of 10,000 characters": user(jobTitle=LONG),
    "user: letters for a phone": user(businessPhones=["call me"], mobilePhone="1-800-FLOWERS"),
    "user: a number as a phone": user(mobilePhone=4155550100),
    "user: a malformed address": user(
        mail="not an address", proxyAddresses=["smtp:@", "SMTP:a b@x.example", "nothing"]
    ),
    "user: no address at all": user(mail=None, proxyAddresses=[], userPrincipalName="nobody"),
    "user: an address that IT Glue refuses": user(mail="u0@localhost", proxyAddresses=[]),
    "user: accountEnabled a word": user(accountEnabled="certainly"),
    "user: accountEnabled null": user(accountEnabled=None),
    "users: accountEnabled null for all": every_user(accountEnabled=None),
    "users: accountEnabled shown for nobody": no_key("accountEnabled"),
    "user: a date for a phone": user(businessPhones=["n/a since 2024-01-15"]),
    "user: two phones in one field": user(businessPhones=["415-555-0100 / 415-555-0101"]),
    "user: an extension in brackets": user(businessPhones=["+44 (0)20 7946 0958 (ext. 12)"]),
    "user: characters that nobody can see": user(
        givenName="\u200fAnn\u200b", mail="u\u200b0@x.example", proxyAddresses=["SMTP:u0@x.ex\u200bample"]
    ),
    "user: a guest's username for an address": user(
        mail=None, proxyAddresses=[], userPrincipalName="u0_partner.example#EXT#@t.onmicrosoft.com"
    ),
    "user: the primary address of a colleague's contact": user(
        givenName="Jane", surname="Roe", mail="u2@x.example", proxyAddresses=[], userPrincipalName="jane@x.example"
    ),
    "user: a shared mailbox with a person's address": user(
        givenName=None, surname=None, accountEnabled=False, assignedLicenses=[], mail="u2@x.example"
    ),
    "user: an address that was handed on": edited(handed_on),
    "user: a role address": edited(role_address),
    "users: two of one name": edited(namesakes),
    "user: licences null": user(assignedLicenses=None),
    "user: a licence without an id": user(assignedLicenses=[{"skuId": None}]),
    "user: phones null": user(businessPhones=[None]),
    "user: a line feed and an escape in the name": user(givenName="Ann\n\x1b[31m", surname="Lee\u202e"),
    "user: half a surrogate pair": answered("/v1.0/users", lambda body: _raw(body, "Lee-0", "Lee\\ud83d")),
    "users: one of them twice": answered(
        "/v1.0/users", lambda body: body["value"].append(copy.deepcopy(body["value"][0]))
    ),
    "users: no list": answered("/v1.0/users", lambda body: {"value": {}}),
    "users: none": edited(lambda world: world["entra"]["tenants"][0].update(users=[])),
    "users: no JSON": answered("/v1.0/users", lambda body: b"<html><title>Sign in</title></html>"),
    "users: a nextLink to another host": answered("/v1.0/users", lambda body: body.update({"@odata.nextLink": FAR})),
    "users: a nextLink without TLS": answered(
        "/v1.0/users", lambda body: body.update({"@odata.nextLink": "http://graph.sandbox.example/v1.0/users"})
    ),
    "users: a nextLink to another port": answered(
        "/v1.0/users", lambda body: body.update({"@odata.nextLink": "https://graph.sandbox.example:8443/v1.0/users"})
    ),
    "users: a nextLink with a user in it": answered(
        "/v1.0/users", lambda body: body.update({"@odata.nextLink": "https://graph.sandbox.example@evil.example/v1.0"})
    ),
    "users: a nextLink that leads in a circle": answered(
        "/v1.0/users", lambda body: body.update({"@odata.nextLink": "https://graph.sandbox.example/v1.0/users?$top=4"})
    ),
    "users: a nextLink that is no text": answered("/v1.0/users", lambda body: body.update({"@odata.nextLink": 5})),
    "users: a redirect to another host": Bad(
        faults=(
            {
                "service": "graph",
                "path": "/v1.0/users",
                "kind": "status",
                "status": 302,
                "headers": {"Location": FAR},
                "body": {},
            },
        )
    ),
    "users: may not be read": edited(lambda world: world["entra"]["tenants"][0].update(denied=["users"])),
    "tenant: no consent": edited(lambda world: world["entra"]["tenants"][0].update(consent=False)),
    "token: an answer without one": answered("/oauth2/v2.0/token", lambda body: {"token_type": "Bearer"}, "POST"),
    # ------------------------------------------------------------- data of IT Glue
    "contact: no relationships": answered("/contacts", lambda body: _drop(body["data"][0], "relationships")),
    "contact: of another organization": contact(organization_id=OTHER),
    "contact: no id": answered("/contacts", lambda body: _drop(body["data"][0], "id")),
    "contact: names null": contact(first_name=None, last_name=None),
    "contact: e-mails null": contact(contact_emails=None),
    "contact: e-mails no list": contact(contact_emails={"value": "u2@x.example"}),
    "contact: an e-mail without a value": contact(contact_emails=[{"label-name": "Work"}]),
    "contact: a phone that is a number": contact(contact_phones=[{"value": 3315550199, "label-name": "Home"}]),
    "contact: a location that is a word": contact(location_id="HQ"),
    "contact: an adapter that is not included": answered("/contacts", lambda body: body.update(included=[])),
    "contacts: no data": answered("/contacts", lambda body: {"meta": {}}),
    "contacts: one of them twice": answered(
        "/contacts", lambda body: body["data"].append(copy.deepcopy(body["data"][0]))
    ),
    "contacts: a link to another host": answered(
        "/contacts", lambda body: body.update(links={"next": "https://evil.example/contacts?page[number]=2"})
    ),
    "contacts: links that lead in a circle": answered("/contacts", _circle),
    "contacts: a next page that lies behind": answered(
        "/contacts", lambda body: body.update(links={}, meta={"current-page": 2, "next-page": 1})
    ),
    "contacts: more counted than shown": answered("/contacts", lambda body: body["meta"].update({"total-count": 99})),
    "contacts: a count that changes": answered(
        "/contacts", lambda body: body["meta"].update({"total-count": 90 + len(str(body))})
    ),
    "locations: of another organization": answered(
        "/locations", lambda body: body["data"][0]["attributes"].update({"organization-id": OTHER})
    ),
    "contact types: without a name": answered(
        "/contact_types", lambda body: _drop(body["data"][0]["attributes"], "name")
    ),
    "organization: another one than was asked for": answered(
        f"/organizations/{CLIENT}", lambda body: body["data"].update(id="77"), organization=str(CLIENT)
    ),
    # ----------------------------------------------------------------- data of BMS
    "account: inactive": edited(lambda world: world["bms"]["accounts"][0].update(isActive=False)),
    "account: another name than the organization": edited(
        lambda world: world["bms"]["accounts"][0].update(accountName="Other")
    ),
    "account: several linked": edited(
        lambda world: organizations(world)[1]["adapters"].append(
            {"adapter-type-name": "Kaseya BMS", "remote-id": str(OTHER_ACCOUNT), "sync": True}
        )
    ),
    "account: another one than was asked for": answered(
        f"/accounts/summary/{ACCOUNT}", lambda body: body.update(id=77)
    ),
    "account: neither a location of that name nor a main one": edited(
        lambda world: world["bms"]["accounts"][0].update(locations=[])
    ),
    "bms: contacts of another account": answered(
        "/contacts/summary", lambda body: [row.update(accountId=OTHER_ACCOUNT) for row in body["result"]] and None
    ),
    "bms: names and addresses null": answered(
        "/contacts/summary",
        lambda body: [row.update(firstName=None, lastName=None, emails=None) for row in body["result"]] and None,
    ),
    "bms: no result": answered("/contacts/summary", lambda body: {"success": True}),
    "bms: more counted than shown": answered("/contacts/summary", lambda body: body.update(totalRecords=99)),
    "bms: an id that is a word": answered(
        "/contacts/summary", lambda body: [row.update(id="nine") for row in body["result"]] and None
    ),
    "bms: no success, and no word": answered("/contacts/summary", lambda body: {"success": False}),
    "bms: a login without a token": answered(
        "/security/authenticate", lambda body: {"success": True, "result": {}}, "POST"
    ),
    "bms: types without names": answered("/EmailType", lambda body: {"success": True, "result": [{"id": 1}]}),
}


def _raw(body: Json, old: str, new: str) -> bytes:
    return json.dumps(body).replace(old, new).encode()


def met(bad: Bad) -> tuple[Outcome, Stand]:
    """A run for real on the bad input; what the input cannot do whatever it is, is checked here."""
    world = rich_world()
    options = {**OPTIONS, **bad.options}
    if bad.traits is not None or "office365_settings" in bad.options:
        settings = {"office365": OPTIONS["office365_settings"], "bms": OPTIONS["bms_settings"]}
        world = with_settings(world, {CLIENT: settings})
    if bad.traits is not None:
        options = {**options, "office365_settings": None, "bms_settings": None}
        for asset in world["itglue"]["flexible_assets"]:
            asset["traits"] = {**asset["traits"], **bad.traits}
        _only_own_traits(world)
    if bad.options.get("office365_settings", ...) is None and bad.options.get("bms_settings", ...) is None:
        world["itglue"]["flexible_assets"] = []
    if bad.edit:
        bad.edit(world)
    stand = Stand(world, alter=bad.alter)
    stand.faults(*bad.faults)
    before = stand.state()
    outcome = stand.sync(**options)
    if outcome.error is not None:
        assert substance(before) == substance(stand.state())
    strangers_are_left_alone(before, stand.state())
    assert stand.hosts <= HOSTS.keys()
    return outcome, stand


def _only_own_traits(world: Json) -> None:
    types = {each["id"]: each for each in world["itglue"]["flexible_asset_types"]}
    for asset in world["itglue"]["flexible_assets"]:
        keys = {each["name-key"] for each in types[asset["flexible-asset-type-id"]]["fields"]}
        asset["traits"] = {key: value for key, value in asset["traits"].items() if key in keys}


def reported(outcome: Outcome) -> str:
    """What came of a run, in a few lines: the error, or what was done and what was said."""
    if outcome.error is not None:
        return f"{type(outcome.error).__name__}: {_short(str(outcome.error))}"
    actions = Counter(each["action"] for each in outcome.contacts().values())
    pushes = Counter(each["push"] or "-" for each in outcome.contacts().values())
    lines = [f"{_counts(actions)} | {_counts(pushes)}"]
    failed = [each for each in outcome.contacts().values() if "failed" in (each["action"], each["push"])]
    lines += [f"{each['user']}: {_short(each['reason'])}" for each in failed]
    lines += [f"warning: {_short(each)}" for each in outcome.warnings]
    return "\n".join(lines)


def _counts(counts: Counter) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _short(text: str) -> str:
    """Without what is of no account or never twice the same."""
    text = re.sub(r"request-id [-0-9a-f]+", "request-id ...", text.replace(LONG, "x...x"))
    return re.sub(r"Valid booleans include: .*", "Valid booleans include: ...", text)


def expected() -> dict[str, str]:
    blocks = EXPECTED.read_text(encoding="utf-8").split("\n== ")[1:]
    parted = (block.partition("\n") for block in blocks)
    return {name: text.strip() for name, dummy, text in parted}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_has_the_outcome_that_is_written_down(name):
    outcome, stand = met(CASES[name])

    assert reported(outcome) == expected()[name]
    for secret in (*stand.tokens, stand.sandbox.world["itglue"]["api_key"], stand.sandbox.world["bms"]["password"]):
        assert secret not in str(outcome.error) + str(outcome.result) + str(outcome.warnings)


def test_the_table_is_complete():
    assert expected().keys() == CASES.keys()
    assert len(CASES) >= 80
    note("bad inputs", "cases", len(CASES))


@pytest.mark.parametrize("name", [name for name in CASES if "host" in name or "port" in name or "TLS" in name])
def test_no_credential_leaves_for_another_host(name):
    """`met` has seen that no other host was asked at all; here, that there was one to be asked."""
    outcome, dummy = met(CASES[name])

    assert outcome.error is not None


def main() -> None:
    head = Path(__file__).read_text(encoding="utf-8").splitlines()[:3]
    lines = [*head, "", "# What comes of each case of test_bad_input.py, which can write this file anew.", ""]
    for name, bad in CASES.items():
        lines += [f"== {name}", reported(met(bad)[0]), ""]
    EXPECTED.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

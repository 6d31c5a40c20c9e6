# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients against the sandbox, which was written from the vendors' references without them.

Every switch of the sandbox stands for something that no vendor has published: the
clients are to read the same under each.
"""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms import BmsClient, EntryChange
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms_login import BmsCredential
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.graph import (
    GraphClient,
    GraphCredential,
    graph_endpoints,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue import ItGlueClient
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.itglue_page import Page
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.session import Calls
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.transport import HttpSettings
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Adapter,
    AssetField,
    AssetType,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsPhone,
    BmsType,
    Email,
    Phone,
)
from tests.sandbox.launch import running

TENANT = "11111111-2222-3333-4444-555555555555"
USERS, CONTACTS, BMS_CONTACTS = 240, 240, 130


def guid(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


def world() -> dict:
    users = [
        {"id": guid(number), "userPrincipalName": f"u{number}@frog.example", "accountEnabled": number % 3 > 0}
        for number in range(USERS)
    ]
    groups = [
        {"id": guid(9001), "displayName": "Staff's", "members": [guid(1), guid(9002)]},
        {"id": guid(9002), "displayName": "Nested", "members": [guid(2)]},
    ]
    tenant = {
        "tenant_id": TENANT,
        "display_name": "Frog",
        "verified_domains": ["Frog.example"],
        "users": users,
        "deleted_users": [{"id": guid(8000), "userPrincipalName": f"{'0' * 32}gone@frog.example"}],
        "groups": groups,
    }
    linked = {"adapter-type-name": "Kaseya BMS", "remote-id": "5000", "sync": True, "orphaned": False}
    contacts = [
        {
            "id": 100 + number,
            "organization-id": 2 + number % 2,
            "first-name": f"G{number}",
            "contact-emails": [{"value": f"u{number}@frog.example", "primary": True, "label-name": "Work"}],
            "adapters": [linked] if number == 0 else [],
            "locked": ["contact-emails"] if number == 2 else [],
        }
        for number in range(2 * CONTACTS)
    ]
    bms_contacts = [
        {
            "id": 5000 + number,
            "accountId": 2528,
            "locationId": 3169,
            "firstName": f"G{number}",
            "isActive": number % 4 > 0,
            "emails": [{"emailAddress": f"u{number}@frog.example", "emailTypeId": 1, "isDefault": True}],
            "phones": [{"phone": "555", "phoneTypeId": 1, "isDefault": True}],
        }
        for number in range(BMS_CONTACTS)
    ]
    return {
        "entra": {"client_id": guid(1), "client_secret": "sekrit~value", "tenants": [tenant]},
        "itglue": {
            "api_key": "ITG.abcdef",
            "organizations": [
                {"id": 2, "name": "Frog, Ltd", "adapters": [{**linked, "remote-id": "2528"}]},
                {"id": 3, "name": "B"},
            ],
            "locations": [{"id": 10, "organization-id": 2, "name": "HQ", "primary": True}],
            "contact_types": [{"id": 24, "name": "Approver"}],
            "contacts": contacts,
        },
        "bms": {
            "company": "Frog & Sons",
            "username": "api",
            "password": "pass word&1",
            "mfa_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "email_types": [{"id": 1, "name": "Work"}],
            "phone_types": [{"id": 1, "name": "Work"}],
            "accounts": [
                {
                    "id": 2528,
                    "accountName": "Frog, Ltd",
                    "locations": [{"id": 3169, "locationName": "HQ", "isMain": True}],
                }
            ],
            "contacts": bms_contacts,
        },
    }


@pytest.fixture(scope="module")
def shared():
    with running(world()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared):
    shared.reset()
    return shared


@pytest.fixture
def clients(sandbox, access):
    env, calls = sandbox.env, Calls()
    http = HttpSettings(ca_path=env["REQUESTS_CA_BUNDLE"], timeout=10.0)

    def bms(password=env["BMS_PASSWORD"], mfa_secret=env["BMS_MFA_SECRET"]) -> BmsClient:
        credential = BmsCredential(env["BMS_COMPANY"], env["BMS_USERNAME"], password, mfa_secret)
        return BmsClient(url_or_region=env["BMS_URL"], credential=credential, access=access(http=http, calls=calls))

    def graph(secret=env["AZURE_CLIENT_SECRET"], tenant=TENANT) -> GraphClient:
        return GraphClient(
            tenant_id=tenant,
            credential=GraphCredential(env["AZURE_CLIENT_ID"], secret),
            endpoints=graph_endpoints("global", env["AZURE_AUTHORITY_HOST"], env["GRAPH_URL"]),
            access=access(http=http, calls=calls),
        )

    def itglue(key=env["ITGLUE_API_KEY"]) -> ItGlueClient:
        return ItGlueClient(url_or_region=env["ITGLUE_URL"], api_key=key, access=access(http=http, calls=calls))

    return SimpleNamespace(calls=calls, itglue=itglue(), bms=bms(), graph=graph, new_itglue=itglue, new_bms=bms)


NEW = BmsContact(
    None,
    2528,
    3169,
    "Jane",
    "Doe",
    emails=(BmsEmail("jane@frog.example", 1, default=True),),
    phones=(BmsPhone("5551234", 1, default=True),),
)


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"graph_page_limit": 100, "graph_empty_pages": True, "itglue_page_limit": 50, "bms_page_limit": 7},
        {"itglue_timeout_above": 100, "itglue_last_link": "null"},
        {"itglue_timeout_above": 100, "itglue_timeout_status": 422},
        {"itglue_missing_id": 401, "itglue_empty_included": True},
        {"bms_bare_summary": False, "bms_failure_style": "200", "bms_type_lookup": "tenantlookup"},
        {"bms_pascal_case": True, "bms_null_error": True, "bms_failure_style": "4xx", "bms_type_lookup": "none"},
        {"bms_order": "shuffle", "bms_page_limit": 20, "bms_inactive_by_default": False},
        {"bms_order": "repeat", "bms_page_limit": 20},
        {"bms_order": "skip_once", "bms_page_limit": 20},
        {"token_lifetime": 1},
    ],
)
def test_reads_are_the_same_under_every_assumption(sandbox, clients, switches):
    sandbox.behaviour(**switches)
    graph, itglue, bms = clients.graph(), clients.itglue, clients.bms

    users = list(graph.users())
    assert [user.id for user in users] == [guid(number) for number in range(USERS)]
    assert sum(user.account_enabled for user in users) == USERS - USERS // 3
    assert graph.group_members("Staff's") == graph.group_members(guid(9001)) == {guid(1), guid(2)}
    with pytest.raises(InputError):
        graph.group_members("Nobody")
    with pytest.raises(InputError):
        graph.group_members(guid(7777))
    assert graph.verified_domains() == ("frog.example",)
    assert [user.id for user in graph.deleted_users()] == [guid(8000)]

    organization = itglue.organization("Frog, Ltd")
    assert organization == itglue.organization(2) == itglue.organization("frog, ltd")
    assert organization.adapters == (Adapter("Kaseya BMS", "2528", True, False),)
    with pytest.raises(InputError):
        itglue.organization("77")
    contacts = list(itglue.contacts(2))
    assert [contact.id for contact in contacts] == [100 + number for number in range(0, 2 * CONTACTS, 2)]
    assert [contact.id for contact in contacts if contact.adapters] == [100]
    assert itglue.contact(100) == contacts[0]
    with pytest.raises(NotFoundError):
        itglue.contact(1)
    assert [location.name for location in itglue.locations(2)] == ["HQ"]
    assert [each.name for each in itglue.contact_types()] == ["Approver"]

    assert [account.id for account in bms.accounts("Frog, Ltd")] == [2528]
    assert bms.account(2528).name == "Frog, Ltd"
    assert bms.account(1) is None
    assert bms.account_locations(2528) == [BmsLocation(3169, "HQ", True)]
    found = {contact.id: contact for contact in bms.contacts(2528)}
    assert {ident: contact.active for ident, contact in found.items()} == {
        5000 + number: number % 4 > 0 for number in range(BMS_CONTACTS)
    }
    assert bms.contact(5001) == found[5001]
    with pytest.raises(NotFoundError):
        bms.contact(1)
    assert bms.email_types(found.values()) == bms.phone_types() == [BmsType(1, "Work")]

    asked = sandbox.requests()
    assert clients.calls.by_service() == {
        service: sum(each["service"] == service for each in asked) for service in ("graph", "itglue", "bms")
    }


def test_an_incomplete_list_of_bms_is_unavailable(sandbox, clients):
    sandbox.behaviour(bms_order="skip", bms_page_limit=20)
    with pytest.raises(UnavailableError, match="incomplete"):
        clients.bms.contacts(2528)


def test_writes_to_contacts(sandbox, clients):
    itglue = clients.itglue
    attributes = {
        "first-name": "Ann",
        "last-name": "Lee",
        "title": None,
        "location-id": 10,
        "contact-type-id": 24,
        "contact-emails": [{"value": "ann@frog.example", "label-name": "Work", "primary": True}],
        "contact-phones": [
            {
                "value": "+1 415 555 2156",
                "label-name": "Office",
                "extension": "12",
                "primary": True,
                "label-type": "phone",
            }
        ],
    }
    (ann,) = itglue.create_contacts(2, [attributes])
    assert (ann.first_name, ann.location_id, ann.contact_type_id) == ("Ann", 10, 24)
    assert ann.emails == (Email("ann@frog.example", "Work", True),)
    assert ann.phones == (Phone("14155552156", "Office", "12", True),)
    assert ann.adapters == ()
    several = itglue.create_contacts(2, [{"first-name": "Bob"}, {"first-name": "Cid"}])
    assert [contact.first_name for contact in several] == ["Bob", "Cid"]
    itglue.update_contacts([(several[0].id, {"title": "X"}), (several[1].id, {"title": "Y"})])
    itglue.update_contact(ann.id, {"title": "CFO", "contact-emails": []})
    written = {contact.id: contact for contact in itglue.contacts(2)}
    assert (written[ann.id].title, written[ann.id].emails) == ("CFO", ())
    assert [written[each.id].title for each in several] == ["X", "Y"]
    with pytest.raises(RejectedError) as caught:
        itglue.update_contact(102, {"contact-emails": []})
    assert caught.value.pointers == ("/data/attributes/contact-emails.base",)
    itglue.delete_contacts([ann.id, several[0].id])
    assert {contact.id for contact in itglue.contacts(2)} == set(written) - {ann.id, several[0].id}


def test_writes_to_assets(sandbox, clients):
    itglue = clients.itglue
    fields = (
        AssetField("Name", "Text", order=1, required=True, use_for_title=True, show_in_list=True),
        AssetField("Switch", "Select", order=2, default_value="Yes\nNo"),
    )
    made = itglue.create_asset_type(AssetType(None, "Sync, and more", "d", "sync", fields))
    itglue.create_asset_field(made.id, AssetField("Notes", "Textbox", order=3, hint="h"))
    (shown,) = itglue.asset_types("Other", "Sync, and more")
    assert [(field.name, field.key, field.kind) for field in shown.fields] == [
        ("Name", "name", "Text"),
        ("Switch", "switch", "Select"),
        ("Notes", "notes", "Textbox"),
    ]
    assert itglue.asset_type_fields(made.id) == shown.fields
    asset = itglue.create_asset(2, made.id, {"name": "Settings", "switch": "Yes"})
    assert itglue.update_asset(asset.id, {"name": "Settings", "notes": "n"}).traits == {
        "name": "Settings",
        "notes": "n",
    }
    assert list(itglue.assets(made.id, 2)) == list(itglue.assets(made.id))
    assert list(itglue.assets(made.id, 3)) == []
    with pytest.raises(RejectedError, match="invalid trait keys"):
        itglue.update_asset(asset.id, {"nope": 1})
    itglue.delete_asset(asset.id)
    with pytest.raises(NotFoundError):
        itglue.delete_asset(asset.id)
    assert list(itglue.assets(made.id)) == []


@pytest.mark.parametrize("switches", [{}, {"bms_pascal_case": True, "bms_failure_style": "4xx"}])
def test_writes_to_bms(sandbox, clients, switches):
    sandbox.behaviour(**switches)
    bms = clients.bms
    ident = bms.create_contact(NEW)
    bms.set_contact(ident, {"JobTitle": "CFO", "IsActive": False})
    bms.patch_emails(
        ident,
        [
            EntryChange("add", "second@frog.example", type_id=1, default=False),
            EntryChange("update", "jane@frog.example", "jane.doe@frog.example"),
        ],
    )
    bms.patch_phones(ident, [EntryChange("add", "666", type_id=1, default=True), EntryChange("delete", "5551234")])
    contact = bms.contact(ident)
    assert (contact.first_name, contact.job_title, contact.active) == ("Jane", "CFO", False)
    assert {email.address: email.default for email in contact.emails} == {
        "jane.doe@frog.example": True,
        "second@frog.example": False,
    }
    assert [phone.number for phone in contact.phones] == ["666"]
    with pytest.raises(RejectedError, match="default e-mail"):
        bms.create_contact(BmsContact(None, 2528, 3169, "Jane", "Doe"))
    with pytest.raises(RejectedError):
        bms.set_contact(ident, {"Nonsense": 1})


def test_an_older_bms_cannot_change_emails(sandbox, clients):
    sandbox.behaviour(bms_contact_patch_endpoints=False)
    with pytest.raises(NotFoundError, match="cannot change emails yet"):
        clients.bms.patch_emails(5000, [EntryChange("add", "x@frog.example", type_id=1)])


BMS_CREATE = {"service": "bms", "method": "POST", "path": "/v2/crm/contacts/summary"}
ITGLUE_CREATE = {"service": "itglue", "method": "POST", "path": "/organizations/2/relationships/contacts"}


def created(sandbox) -> int:
    """How many contacts a create left behind, in either service."""
    state = sandbox.state()
    return sum(
        each.get("firstName", each.get("first-name")) == "Jane"
        for service in ("bms", "itglue")
        for each in state[service]["contacts"]
    )


@pytest.mark.parametrize("request_", [BMS_CREATE, ITGLUE_CREATE])
@pytest.mark.parametrize(
    ("fault", "raised", "there"),
    [
        ({"kind": "reset_before"}, OutcomeUnknownError, 0),
        ({"kind": "reset_after"}, OutcomeUnknownError, 1),
        ({"kind": "timeout_after"}, OutcomeUnknownError, 1),
        ({"kind": "truncate"}, OutcomeUnknownError, 1),
        ({"kind": "html"}, OutcomeUnknownError, 0),
        ({"kind": "html", "committed": True}, OutcomeUnknownError, 1),
        ({"kind": "status", "status": 503}, OutcomeUnknownError, 0),
        ({"kind": "status", "status": 500, "committed": True}, OutcomeUnknownError, 1),
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "1"}}, None, 1),
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "999"}}, QuotaExceededError, 0),
        ({"kind": "status", "status": 422}, RejectedError, 0),
    ],
)
def test_a_create_is_never_carried_out_twice(sandbox, clients, request_, fault, raised, there):
    sandbox.faults({**request_, **fault})
    clients.itglue._requests.session.transport.timeout = (2.0, 1.0)
    if request_ is BMS_CREATE:
        clients.bms.account(2528)
        clients.bms._http.transport.timeout = (2.0, 1.0)

    def create() -> None:
        if request_ is BMS_CREATE:
            clients.bms.create_contact(NEW)
        else:
            clients.itglue.create_contacts(2, [{"first-name": "Jane"}])

    if raised is None:
        create()
    else:
        with pytest.raises(raised):
            create()
    assert created(sandbox) == there


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncate", "html", "status", "expire_token"])
def test_reads_and_absolute_writes_survive_a_fault(sandbox, clients, kind):
    sandbox.behaviour(graph_page_limit=100, itglue_page_limit=100)
    graph = clients.graph()
    faults = [
        {"service": "graph", "path": "/v1.0/users", "nth": 2, "kind": kind},
        {"service": "bms", "method": "GET", "path": "/v2/crm/contacts/summary", "nth": 2, "kind": kind},
        {"service": "bms", "method": "PATCH", "path": "/v2/crm/contacts/*", "kind": kind},
    ]
    if kind != "expire_token":
        faults += [
            {"service": "itglue", "method": "GET", "path": "/contacts", "nth": 2, "kind": kind},
            {"service": "itglue", "method": "PATCH", "path": "/contacts/*", "kind": kind},
        ]
    sandbox.faults(*faults)
    assert len(list(graph.users())) == USERS
    assert len(list(clients.itglue.contacts(2))) == CONTACTS
    assert clients.itglue.update_contact(100, {"title": "CFO"}).title == "CFO"
    assert len(clients.bms.contacts(2528)) == BMS_CONTACTS
    clients.bms.set_contact(5001, {"JobTitle": "CFO"})
    assert clients.bms.contact(5001).job_title == "CFO"
    assert sum("fault" in each for each in sandbox.requests()) == len(faults)


def test_a_delete_whose_answer_was_lost(sandbox, clients):
    sandbox.faults({"service": "itglue", "method": "DELETE", "kind": "reset_after"})
    clients.itglue.delete_contacts([100])
    assert 100 not in {contact.id for contact in clients.itglue.contacts(2)}


def test_wrong_credentials(clients):
    with pytest.raises(AuthenticationError, match="AADSTS7000215.*Check azure_client_secret"):
        next(clients.graph(secret="wrong~value").users())
    with pytest.raises(AuthenticationError, match="AADSTS90002.*Check tenant_id"):
        next(clients.graph(tenant=guid(1)).users())
    with pytest.raises(AuthenticationError, match="Check itglue_api_key"):
        clients.new_itglue("ITG.wrong").organization(2)
    with pytest.raises(AuthenticationError, match="Check bms_company"):
        clients.new_bms(password="wrong").account(2528)
    with pytest.raises(AuthenticationError, match="bms_mfa_secret"):
        clients.new_bms(mfa_secret=None).account(2528)


@pytest.fixture
def changed(sandbox):
    """The world, to be changed and loaded."""
    yield sandbox.state()
    sandbox.load(world())


def test_missing_consent_and_permission(sandbox, clients, changed):
    tenant = changed["entra"]["tenants"][0]
    tenant["denied"] = ["organization", "groups"]
    sandbox.load(changed)
    graph = clients.graph()
    with pytest.raises(PermissionDeniedError, match="Organization.Read.All"):
        graph.verified_domains()
    with pytest.raises(PermissionDeniedError, match="Group.Read.All"):
        graph.group_members("Staff's")
    tenant["consent"] = False
    sandbox.load(changed)
    with pytest.raises(AuthenticationError, match="AADSTS700016.*adminconsent"):
        next(clients.graph().users())


def test_quotas(sandbox, clients):
    sandbox.behaviour(itglue_quota=2, bms_quota=2, quota_retry_after=True)
    with pytest.raises(QuotaExceededError) as caught:
        for dummy in range(3):
            clients.itglue.organization(2)
    assert caught.value.retry_after > 60
    with pytest.raises(QuotaExceededError):
        for dummy in range(3):
            clients.bms.account(2528)
    assert len(clients.bms.account_locations(2528)) == 1


# ------------------------------------------------------------- hostile answers


@pytest.mark.parametrize(
    ("kind", "words"),
    [("drip", "not complete within 0.6 s.*Raise the option timeout"), ("endless", "bms_url"), ("bomb", "bms_url")],
)
def test_an_answer_without_bounds_ends_the_request(sandbox, clients, kind, words):
    clients.bms.account(2528)
    clients.bms._http.transport.timeout = (2.0, 0.3 if kind == "drip" else 30.0)
    fault = {"service": "bms", "kind": kind, "times": None, **({"seconds": 0.05} if kind == "drip" else {})}
    sandbox.faults({**fault, "path": "/v2/crm/accounts/summary/*"})
    with pytest.raises(UnavailableError, match=words):
        clients.bms.account(2528)
    sandbox.faults({**fault, "path": "/v2/crm/contacts/summary"})
    with pytest.raises(OutcomeUnknownError, match=words):
        clients.bms.create_contact(NEW)
    sandbox.faults()
    assert clients.bms.account(2528)


def test_a_list_of_graph_whose_page_token_expires(sandbox, clients):
    sandbox.behaviour(graph_page_limit=100)
    sandbox.faults({"service": "graph", "path": "/v1.0/users", "nth": 3, "times": 2, "kind": "page_expired"})
    graph = clients.graph()
    assert len(list(graph.users())) == 240
    sandbox.faults({"service": "graph", "path": "/v1.0/users", "nth": 3, "times": None, "kind": "page_expired"})
    with pytest.raises(UnavailableError, match="incomplete"):
        list(graph.users())


@pytest.mark.parametrize("status", [501, 507, 520, 524, 529, 599])
@pytest.mark.parametrize("committed", [True, False])
def test_a_create_with_a_status_from_500_up_is_unclear(sandbox, clients, status, committed):
    path = "/v2/crm/contacts/summary"
    before = len(clients.bms.contacts(2528))
    fault = {"service": "bms", "method": "POST", "path": path, "kind": "status", "status": status}
    sandbox.faults({**fault, "committed": committed})
    with pytest.raises(OutcomeUnknownError):
        clients.bms.create_contact(NEW)
    assert len(clients.bms.contacts(2528)) == before + committed


# ------------------------------------------------------------- page after page


def test_a_page_of_it_glue_is_asked_for_when_the_one_before_is_used_up(sandbox, clients):
    sandbox.behaviour(itglue_page_limit=40)
    asked = [clients.calls.by_service()["itglue"] for dummy in clients.itglue.contacts(2)]

    # What comes before the first row is the first page.
    assert [count - asked[0] for count in asked] == [number // 40 for number in range(240)]


def test_one_page_is_held_at_a_time(sandbox, clients):
    sandbox.behaviour(itglue_page_limit=40)
    for number, dummy in enumerate(clients.itglue.contacts(2)):
        if number % 40 == 39:
            gc.collect()
            assert sum(isinstance(each, Page) for each in gc.get_objects()) == 1

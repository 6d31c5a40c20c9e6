# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of BMS: login, both spellings and both envelopes, lists that add up, creates without doubt."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import formatdate
from threading import Barrier
from urllib.parse import parse_qsl

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms import REGIONS, BmsClient, EntryChange
from ansible_collections.msp.psa_sync.plugins.module_utils._clients.bms_login import BmsCredential
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import (
    ApiError,
    AuthenticationError,
    InputError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RejectedError,
    UnavailableError,
)
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.model import (
    Account,
    BmsContact,
    BmsEmail,
    BmsLocation,
    BmsPhone,
    BmsType,
)

from .conftest import RESET, Request, reply

LOGIN = "/v2/security/authenticate"
REFRESH = "/v2/security/refreshtoken"
CONTACTS = "/v2/crm/contacts/summary"
PASSWORD = "pass-w0rd&more"
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC).timestamp()


def pascal(value: object) -> object:
    """The spelling of the vendor's description."""
    if isinstance(value, list):
        return [pascal(each) for each in value]
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(each) for key, each in value.items()}
    return value


def ok(result: object = None, **more: object) -> dict:
    return {"success": True, "error": None, "result": result, **more}


def no(message: object = "because", code: object = 1) -> dict:
    return {"success": False, "error": {"code": code, "message": message}, "result": None}


def form(request: Request) -> dict[str, str]:
    if request.headers["content-type"] == "application/x-www-form-urlencoded":
        return dict(parse_qsl(request.body.decode(), strict_parsing=True))
    boundary = re.search("boundary=(.*)", request.headers["content-type"])[1]
    parts = request.body.decode().split(f"--{boundary}")[1:-1]
    found = (re.search('name="(.*?)".*?\r\n\r\n(.*)\r\n$', part, re.DOTALL) for part in parts)
    return {match[1]: match[2] for match in found}


class Bms:
    """Answers the security calls of a played BMS, and hands the others on."""

    def __init__(self, wire) -> None:
        self.wire = wire
        self.logins = 0
        self.expires: object = "2026-08-01T12:15:00Z"
        self.refuses: object = None
        self.refresh_fails = False
        self.dead: set[str] = set()
        self.pascal = False
        self.answer = lambda request: ok()
        self.before = lambda request: None
        wire.answer = self._answer

    def _answer(self, request: Request) -> object:
        body = self._body(request)
        return pascal(body) if self.pascal and isinstance(body, dict) else body

    def _body(self, request: Request) -> object:
        if (instead := self.before(request)) is not None:
            return instead
        if request.path == LOGIN and self.refuses is not None:
            return self.refuses
        if request.path == REFRESH and self.refresh_fails:
            return no("used already")
        if request.path in (LOGIN, REFRESH):
            self.logins += 1
            tokens = {"accessToken": f"access-{self.logins}", "refreshToken": f"refresh-{self.logins}"}
            return ok({**tokens, "accessTokenExpireOn": self.expires})
        if request.headers.get("authorization", "") in {f"Bearer {token}" for token in self.dead}:
            return reply(no("Security Error", 978001), 401)
        return self.answer(request)

    @property
    def asked(self) -> list[str]:
        return [each for each in self.wire.asked if "/security/" not in each]


@pytest.fixture
def service(wire) -> Bms:
    return Bms(wire)


@pytest.fixture
def make(wire, access):
    def make(*, url_or_region=None, mfa_secret=None, **options) -> BmsClient:
        credential = BmsCredential("Frog & Sons", "api", PASSWORD, mfa_secret)
        options = {"now": lambda: NOON, **options}
        return BmsClient(url_or_region=url_or_region or wire.url, credential=credential, access=access(**options))

    return make


@pytest.fixture
def bms(make, service) -> BmsClient:
    return make()


# ----------------------------------------------------------------------- login


def test_the_first_call_logs_in_and_the_others_do_not(bms, service, wire, calls):
    assert wire.requests == []
    service.answer = lambda request: ok([], totalRecords=0)
    bms.accounts("Frog")
    bms.accounts("Frog")
    assert wire.asked == [f"POST {LOGIN}", "GET /v2/crm/accounts/summary", "GET /v2/crm/accounts/summary"]
    assert form(wire.requests[0]) == {
        "UserName": "api",
        "Password": PASSWORD,
        "Tenant": "Frog & Sons",
        "GrantType": "password",
    }
    assert "authorization" not in wire.requests[0].headers
    assert wire.last.headers["authorization"] == "Bearer access-1"
    assert calls.by_service()["bms"] == 3


NO_FORM = reply({"title": "Bad Request", "errors": {"GrantType": ["The GrantType field is required."]}}, 400)


@pytest.mark.parametrize("refusal", [reply(None, 415), NO_FORM, reply(b"", 400)], ids=["415", "400", "400 blank"])
def test_a_service_that_takes_no_url_encoded_login_gets_a_multipart_one(bms, service, wire, clock, refusal):
    def answer(request: Request) -> object:
        urlencoded = request.headers.get("content-type") == "application/x-www-form-urlencoded"
        return refusal if urlencoded else None

    service.before = answer
    service.answer = lambda request: ok([], totalRecords=0)
    service.refresh_fails = True
    bms.accounts("Frog")
    assert wire.asked[:2] == [f"POST {LOGIN}"] * 2
    assert form(wire.requests[0]) == form(wire.requests[1])
    clock.now += 3600
    bms.accounts("Frog")
    assert wire.asked[3:5] == [f"POST {REFRESH}", f"POST {LOGIN}"]


@pytest.mark.parametrize("status", [200, 400, 401])
def test_wrong_credentials_are_sent_once(bms, service, wire, status):
    service.refuses = reply(no("wrong password"), status)
    with pytest.raises(AuthenticationError, match="wrong password"):
        bms.accounts("Frog")
    assert wire.asked == [f"POST {LOGIN}"]


def test_threads_log_in_once(bms, service):
    service.answer = lambda request: ok([], totalRecords=0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bms.accounts, ["Frog"] * 16))
    assert service.logins == 1


def test_a_one_time_password(make, service, wire):
    make(mfa_secret="GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", now=lambda: 59.0).accounts("Frog")
    assert form(wire.requests[0])["MFACode"] == "287082"


def test_a_wrong_secret_is_an_input_error_at_once(make):
    with pytest.raises(InputError, match="bms_mfa_secret"):
        make(mfa_secret="not base32!")


def test_tokens_are_renewed_before_they_expire(bms, service, wire, clock):
    service.answer = lambda request: ok([], totalRecords=0)
    bms.accounts("Frog")
    clock.now += 800
    bms.accounts("Frog")
    assert service.logins == 1
    clock.now += 50
    bms.accounts("Frog")
    assert wire.asked[-2] == f"POST {REFRESH}"
    assert form(wire.requests[-2]) == {"AccessToken": "access-1", "RefreshToken": "refresh-1"}
    assert wire.last.headers["authorization"] == "Bearer access-2"


def test_a_refused_renewal_is_followed_by_a_login(bms, service, wire, clock):
    service.answer = lambda request: ok([], totalRecords=0)
    service.refresh_fails = True
    bms.accounts("Frog")
    clock.now += 900
    bms.accounts("Frog")
    assert wire.asked[-3:-1] == [f"POST {REFRESH}", f"POST {LOGIN}"]


@pytest.mark.parametrize(
    ("expires", "lifetime"),
    [
        ("2026-08-01T12:10:00", 600),
        ("2026-08-01T14:10:00.1234567+02:00", 600),
        ("2026-08-01T12:10:00.5Z", 600),
        (None, None),
        ("soon", None),
        ("2026-08-01T11:00:00Z", None),
        ("2026-09-01T12:00:00Z", None),
    ],
)
def test_expiry_in_all_its_forms(bms, service, clock, expires, lifetime):
    """What makes no sense is not acted on: a refusal will tell."""
    service.expires = expires
    service.answer = lambda request: ok([], totalRecords=0)
    bms.accounts("Frog")
    clock.now += 530
    bms.accounts("Frog")
    assert service.logins == 1
    clock.now += 20
    bms.accounts("Frog")
    assert service.logins == (1 if lifetime is None else 2)


def test_a_wrong_clock_here_does_not_shorten_a_token(make, service, wire, clock):
    """The service's own date is what its expiry is held against."""
    later = NOON + 3 * 3600
    client = make(now=lambda: later)
    wire.says(
        reply(
            ok({"accessToken": "access-0", "accessTokenExpireOn": "2026-08-01T12:15:00Z"}),
            Date=formatdate(NOON, usegmt=True),
        )
    )
    client.accounts("Frog")
    clock.now += 800
    client.accounts("Frog")
    assert service.logins == 0
    clock.now += 100
    client.accounts("Frog")
    assert service.logins == 1


def test_a_token_that_is_refused_is_replaced_once(bms, service, wire):
    service.answer = lambda request: ok([], totalRecords=0)
    service.dead = {"access-1"}
    bms.accounts("Frog")
    assert service.logins == 2
    service.dead = {"access-2", "access-3"}
    with pytest.raises(AuthenticationError, match="Security Error"):
        bms.accounts("Frog")
    assert service.logins == 3


def test_a_refusal_within_a_successful_answer_is_one_too(bms, service):
    answers = [no("Security Error", "978001"), ok([], totalRecords=0)]
    service.answer = lambda request: answers.pop(0)
    assert bms.accounts("Frog") == []
    assert service.logins == 2


def test_many_threads_get_one_new_token(bms, service):
    service.answer = lambda request: ok([], totalRecords=0)
    bms.accounts("Frog")
    service.dead = {"access-1"}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bms.accounts, ["Frog"] * 16))
    assert service.logins == 2


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_refused_login_says_what_to_check_and_is_not_repeated(bms, service, wire, status):
    service.refuses = reply(no(f"wrong password {PASSWORD}"), status)
    for dummy in range(2):
        with pytest.raises(AuthenticationError, match=r"wrong password \*\*\*.*Check bms_company") as caught:
            bms.accounts("Frog")
        assert PASSWORD not in str(caught.value)
    assert wire.asked == [f"POST {LOGIN}"]


def test_the_address_of_the_site_in_place_of_the_api(bms, service):
    service.refuses = reply(b"<html><title>Not found</title>", 404)
    with pytest.raises(AuthenticationError, match="Check bms_url: it is the host of the API"):
        bms.accounts("Frog")


@pytest.mark.parametrize("result", [None, {}, [], {"accessToken": None}, {"accessToken": 5}])
def test_a_login_without_a_token(bms, service, result):
    service.refuses = ok(result)
    with pytest.raises(ProtocolError):
        bms.accounts("Frog")


def test_tokens_are_handed_on_and_not_shown(make, service):
    secrets = []
    client = make(on_secret=secrets.append)
    service.answer = lambda request: reply(no("bad token access-1"), 400)
    with pytest.raises(RejectedError) as caught:
        client.accounts("Frog")
    assert secrets == ["access-1", "refresh-1"]
    assert caught.value.said == "bad token ***"


@pytest.mark.parametrize(("region", "url"), REGIONS.items())
def test_regions(make, region, url):
    assert make(url_or_region=region).base_url == url
    assert make(url_or_region=f"{url}/v2/").base_url == url


# -------------------------------------------------------------------- accounts


def test_accounts(bms, service, wire):
    service.answer = lambda request: ok(
        [{"id": 2528, "accountName": "Frog", "isActive": True}, {"id": 3, "accountName": None, "isActive": False}],
        totalRecords=2,
    )
    assert bms.accounts("Frog") == [Account(2528, "Frog"), Account(3, "", False)]
    assert wire.last.path == "/v2/crm/accounts/summary"
    assert wire.last.query == {"Filter.AccountName": "Frog", "PageSize": "100", "PageNumber": "1"}


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_one_account(bms, service, wire, wrapped, upper):
    row = {"id": 2528, "accountName": "Frog", "isActive": False}
    service.pascal = upper
    service.answer = lambda request: ok(row) if wrapped else row
    assert bms.account(2528) == Account(2528, "Frog", False)
    assert wire.last.path == "/v2/crm/accounts/summary/2528"


@pytest.mark.parametrize("body", [reply(None, 404), ok(None), no("Account 2528 was Not Found.")])
def test_an_account_that_is_not_there(bms, service, body):
    service.answer = lambda request: body
    assert bms.account(2528) is None


def test_an_answer_about_another_account(bms, service):
    service.answer = lambda request: ok({"id": 1})
    with pytest.raises(ProtocolError, match="another object than 2528"):
        bms.account(2528)


def test_locations(bms, service, wire):
    service.answer = lambda request: ok(
        [{"id": 3169, "name": "HQ", "accountId": 2528, "isMain": True}, {"id": 3170, "name": None, "isMain": False}]
    )
    assert bms.account_locations(2528) == [BmsLocation(3169, "HQ", True), BmsLocation(3170, None)]
    assert wire.last.path == "/v2/crm/accounts/2528/locations/lookup"


def test_locations_of_another_account_are_not_believed(bms, service):
    service.answer = lambda request: ok([{"id": 3169, "name": "HQ", "accountId": 1}])
    with pytest.raises(ProtocolError, match="shows account 1, though account 2528"):
        bms.account_locations(2528)


# -------------------------------------------------------------------- contacts


def row(ident: int, active: bool = True, account: int = 2528, **more: object) -> dict:
    return {"id": ident, "accountId": account, "isActive": active, **more}


FULL = row(
    90211,
    locationId=3169,
    locationName="Main",
    firstName="Jane",
    lastName="Doe",
    jobTitle="Controller",
    isPoc=True,
    emails=[
        {"id": 1, "emailAddress": "jane@frog.example", "emailTypeId": 1, "emailType": "Work", "isDefault": True},
        {"id": 2, "emailAddress": None, "emailTypeId": 1, "isDefault": False},
    ],
    phones=[{"id": 3, "phone": "5551234567", "phoneTypeId": 2, "phoneType": "Mobile", "isDefault": False}],
)
JANE = BmsContact(
    90211,
    2528,
    3169,
    "Jane",
    "Doe",
    "Controller",
    True,
    (BmsEmail("jane@frog.example", 1, "Work", True),),
    (BmsPhone("5551234567", 2, "Mobile", False),),
)


def listing(rows: list[dict], *, limit: int = 100, total: bool = True, filters: bool = True):
    """The list of contacts as BMS serves it."""

    def answer(request: Request) -> dict:
        query = request.query
        active = query.get("Filter.IsActive")
        kept = [each for each in rows if not filters or active is None or each["isActive"] == (active == "true")]
        size = min(int(query["PageSize"]), limit)
        start = (int(query["PageNumber"]) - 1) * size
        return ok(kept[start : start + size], **({"totalRecords": len(kept)} if total else {}))

    return answer


@pytest.mark.parametrize("upper", [True, False])
def test_contacts_active_and_inactive(bms, service, wire, upper):
    service.pascal = upper
    service.answer = listing([FULL, row(2, active=False)])
    assert bms.contacts(2528) == [JANE, BmsContact(2, 2528, active=False)]
    queries = [each.query for each in wire.requests[1:]]
    assert [each["Filter.IsActive"] for each in queries] == ["true", "false"]
    assert {each["Filter.AccountId"] for each in queries} == {"2528"}


@pytest.mark.parametrize("limit", [100, 40, 7])
@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("filters", [True, False])
def test_all_pages_of_contacts(bms, service, limit, total, filters):
    rows = [row(number, active=number % 3 > 0) for number in range(1, 251)]
    service.answer = listing(rows, limit=limit, total=total, filters=filters)
    contacts = {contact.id: contact.active for contact in bms.contacts(2528)}
    assert contacts == {each["id"]: each["isActive"] for each in rows}


def test_full_pages_cost_no_further_request(bms, service):
    service.answer = listing([row(number) for number in range(1, 201)])
    assert len(bms.contacts(2528)) == 200
    assert len(service.asked) == 3


def test_pages_are_read_side_by_side_once_the_quota_does_for_the_rest(make, service):
    asked: list[int] = []

    class Counting:
        def acquire(self, key: str, calls: int = 1) -> float:
            if key == f"GET {CONTACTS}":
                asked.append(calls)
            return 0.0

    together = Barrier(8)
    page = listing([row(number) for number in range(1, 1001)])

    def answer(request: Request) -> dict:
        if int(request.query["PageNumber"]) > 2:
            together.wait(20)
        return page(request)

    service.answer = answer
    assert [contact.id for contact in make(limiter=Counting()).contacts(2528)] == list(range(1, 1001))
    # The first page of each list, the second one with the rest of the list, and the rest in any order.
    assert asked == [2, 9, *[1] * 8, 1]
    assert len(service.asked) == 11


def test_a_list_whose_rest_the_quota_does_not_do_for_is_not_gone_on_with(make, service):
    class Short:
        def acquire(self, key: str, calls: int = 1) -> float:
            return 0.0 if calls < 9 else 3600.0

    service.answer = listing([row(number) for number in range(1, 1001)])
    with pytest.raises(QuotaExceededError):
        make(limiter=Short()).contacts(2528)
    assert len(service.asked) == 1


def test_pages_that_show_nothing_new_end_a_list_that_counts_too_many(bms, service):
    page = listing([row(number) for number in range(1, 251)])
    service.answer = lambda request: page(request) | {"totalRecords": 1_000_000}
    with pytest.raises(UnavailableError, match="incomplete"):
        bms.contacts(2528)
    # Twice two pages, and two times eight of them: the last eight bring nothing.
    assert len(service.asked) == 2 * (2 + 2 * 8)


def test_a_page_that_fails_beside_others_fails_the_list(bms, service):
    page = listing([row(number) for number in range(1, 1001)])
    service.answer = lambda request: reply(None, 403) if request.query["PageNumber"] == "5" else page(request)
    with pytest.raises(PermissionDeniedError):
        bms.contacts(2528)


def test_contacts_of_another_account_are_not_believed(bms, service):
    service.answer = listing([row(1), row(2, account=7)])
    with pytest.raises(ProtocolError, match="shows account 7, though account 2528"):
        bms.contacts(2528)


def test_a_list_that_moved_is_read_again(bms, service):
    rows = [row(number) for number in range(1, 151)]

    def answer(request: Request) -> dict:
        page = listing(rows)(request)
        if len(service.asked) == 1:
            del rows[0]
        return page

    service.answer = answer
    assert {contact.id for contact in bms.contacts(2528)} == set(range(2, 151))


def test_a_list_that_stays_incomplete_is_unavailable(bms, service):
    service.answer = lambda request: ok([row(1)], totalRecords=2)
    with pytest.raises(UnavailableError, match="incomplete"):
        bms.contacts(2528)


def test_a_count_that_comes_and_goes_is_incomplete(bms, service):
    answers = [ok([row(1)]), ok([], totalRecords=1)] * 2
    service.answer = lambda request: answers.pop(0)
    with pytest.raises(UnavailableError, match="incomplete"):
        bms.contacts(2528)


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_one_contact(bms, service, wrapped, upper):
    service.pascal = upper
    service.answer = lambda request: ok(FULL) if wrapped else FULL
    assert bms.contact(90211) == JANE


@pytest.mark.parametrize("body", [reply(None, 404), ok(None), no("The contact does not exist")])
def test_a_contact_that_is_not_there(bms, service, body):
    service.answer = lambda request: body
    with pytest.raises(NotFoundError):
        bms.contact(90211)


# ---------------------------------------------------------------------- writes


def test_a_contact_is_created(bms, service, wire):
    service.answer = lambda request: ok({"id": 90211, "firstName": "Jane"})
    assert bms.create_contact(JANE) == 90211
    assert wire.last.json == {
        "FirstName": "Jane",
        "LastName": "Doe",
        "AccountId": 2528,
        "LocationId": 3169,
        "Emails": [{"EmailAddress": "jane@frog.example", "EmailTypeId": 1, "IsDefault": True}],
        "Phones": [{"PhoneNumber": "5551234567", "PhoneTypeId": 2, "IsDefault": False}],
    }
    assert service.asked == [f"POST {CONTACTS}"]


@pytest.mark.parametrize(
    "body",
    [
        RESET,
        reply(None, 500),
        reply(b"<html>"),
        reply(None, 204),
        ok(None),
        ok({"id": None}),
        ok({"id": "x"}),
        {"result": {"id": 5}},
        {"id": 5},
        [],
    ],
)
def test_a_create_without_success_and_id_is_unclear(bms, service, body):
    service.answer = lambda request: body
    with pytest.raises(OutcomeUnknownError):
        bms.create_contact(JANE)
    assert service.asked == [f"POST {CONTACTS}"]


@pytest.mark.parametrize("words", ["EmailTypeId is wrong", "Location 3169 was not found"])
def test_a_refused_create_is_rejected(bms, service, words):
    service.answer = lambda request: no(words)
    with pytest.raises(RejectedError, match=words):
        bms.create_contact(JANE)


def test_a_create_with_an_expired_token_is_sent_again(bms, service):
    service.dead = {"access-1"}
    service.answer = lambda request: ok({"id": 5})
    assert bms.create_contact(JANE) == 5
    assert service.asked == [f"POST {CONTACTS}"] * 2


def test_a_contact_without_a_location_is_not_sent(bms, wire):
    with pytest.raises(InputError):
        bms.create_contact(BmsContact(None, 2528))
    assert wire.requests == []


def test_single_values_are_set(bms, service, wire):
    answers = [reply(None, 502), ok({"id": 90211})]
    service.answer = lambda request: answers.pop(0)
    bms.set_contact(90211, {"JobTitle": "CFO", "IsActive": False})
    assert service.asked == ["PATCH /v2/crm/contacts/90211"] * 2
    assert wire.last.headers["content-type"] == "application/json-patch+json"
    assert wire.last.json == [
        {"op": "replace", "path": "/JobTitle", "value": "CFO"},
        {"op": "replace", "path": "/IsActive", "value": False},
    ]


@pytest.mark.parametrize("body", [reply(b"<html>"), reply(None), reply(None, 204), {"id": 90211}, []])
def test_single_values_of_unknown_outcome(bms, service, body):
    service.answer = lambda request: body
    with pytest.raises(OutcomeUnknownError):
        bms.set_contact(90211, {"JobTitle": "CFO"})


def test_single_values_that_are_refused(bms, service):
    service.answer = lambda request: no("too long")
    with pytest.raises(RejectedError, match="too long"):
        bms.set_contact(90211, {"JobTitle": "x"})


CHANGES = [
    EntryChange("add", "jane.d@frog.example", type_id=1, default=False),
    EntryChange("update", "jane@frog.example", "jane.doe@frog.example", 1, True),
    EntryChange("delete", "old@frog.example"),
]


def test_emails_are_changed_by_value(bms, service, wire):
    service.answer = lambda request: ok({"added": 1, "updated": 1, "deleted": 1, "emails": []})
    bms.patch_emails(90211, CHANGES)
    assert service.asked == ["PATCH /v2/crm/contacts/90211/emails"]
    assert wire.last.json == [
        {"Operation": 0, "EmailAddress": "jane.d@frog.example", "TypeId": 1, "IsDefault": False},
        {
            "Operation": 1,
            "EmailAddress": "jane@frog.example",
            "NewEmailAddress": "jane.doe@frog.example",
            "TypeId": 1,
            "IsDefault": True,
        },
        {"Operation": 2, "EmailAddress": "old@frog.example"},
    ]


def test_phones_are_changed_by_value(bms, service, wire):
    service.pascal = True
    service.answer = lambda request: ok({"added": 1, "updated": 0, "deleted": 0})
    bms.patch_phones(90211, [EntryChange("add", "555")])
    assert wire.last.json == [{"Operation": 0, "PhoneNumber": "555"}]


@pytest.mark.parametrize("result", [{"added": 1, "updated": 1, "deleted": 0}, {"added": 1}, None])
def test_counters_that_do_not_fit_are_unclear(bms, service, result):
    service.answer = lambda request: ok(result)
    with pytest.raises(OutcomeUnknownError):
        bms.patch_emails(90211, CHANGES)


@pytest.mark.parametrize("status", [404, 405])
def test_an_older_release_cannot_change_emails(bms, service, status):
    service.answer = lambda request: reply(None, status)
    with pytest.raises(NotFoundError, match="this release of BMS cannot change emails yet"):
        bms.patch_emails(90211, CHANGES)


# ----------------------------------------------------------------------- types


@pytest.mark.parametrize("where", ["lookup", "tenantlookup"])
def test_types_by_look_up(bms, service, where):
    rows = [
        {"id": 1, "name": "Work", "isActive": True},
        {"id": 2, "name": "Home", "isActive": False},
        {"id": 3, "name": None},
    ]
    tables = {f"/v2/system/{where}/EmailType": rows, f"/v2/system/{where}/PhoneType": [{"id": 7, "name": "Cell"}]}
    service.answer = lambda request: ok(tables[request.path]) if request.path in tables else no("no such table")
    assert bms.email_types() == [BmsType(1, "Work")]
    assert bms.phone_types() == [BmsType(7, "Cell")]


@pytest.mark.parametrize(
    "body",
    [
        *(reply(None, status) for status in (400, 403, 404, 405, 418, 429, 500, 501, 520)),
        *(no("unknown table"), ok([]), ok({}), ok([5]), {}, [], reply(b"<html>")),
    ],
)
def test_types_as_contacts_use_them(bms, service, wire, body):
    service.answer = lambda request: listing([FULL])(request) if request.path == CONTACTS else body
    other = BmsContact(1, 2528, emails=(BmsEmail("a@b", 4, "Home"), BmsEmail("c@d", 3, None)))
    assert bms.email_types([other, JANE]) == [BmsType(1, "Work"), BmsType(4, "Home")]
    assert f"GET {CONTACTS}" not in service.asked
    assert bms.phone_types([other]) == [BmsType(2, "Mobile")]
    assert wire.last.query == {"PageSize": "100", "PageNumber": "1"}


@pytest.mark.parametrize("body", [reply(None, 500), reply(b"<html>"), ok([5])])
def test_a_look_up_that_fails_does_not_mean_that_there_are_no_types(bms, service, body):
    service.answer = lambda request: ok([], totalRecords=0) if request.path == CONTACTS else body
    with pytest.raises((UnavailableError, ProtocolError), match="lookup/EmailType") as caught:
        bms.email_types()
    assert "numeric ids" in caught.value.hint


@pytest.mark.parametrize("used_up", ["lookup", "tenantlookup"])
def test_a_quota_that_is_used_up_does_not_mean_that_there_are_no_types(bms, service, used_up):
    """Before, a quota was forgotten where the second source said that it has no such table: the client failed."""

    def answer(request):
        if request.path == CONTACTS:
            return ok([], totalRecords=0)
        return reply(None, 429, Retry_After="3600") if f"/{used_up}/" in request.path else reply(None, 404)

    service.answer = answer
    with pytest.raises(QuotaExceededError):
        bms.email_types()


def test_no_types_at_all(bms, service):
    service.answer = lambda request: ok([], totalRecords=0)
    assert bms.email_types() == []


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (no("m"), RejectedError, "m"),
        (reply(no("m"), 404), NotFoundError, "m"),
        (reply(no(None), 403), PermissionDeniedError, ""),
        (reply(pascal(no("m")), 400), RejectedError, "m"),
        (
            reply({"success": False, "error": {"message": "m", "details": "d", "subErrors": ["s", 5, "m"]}}, 400),
            RejectedError,
            "m; d; s",
        ),
        ({"success": False, "error": {"subErrors": "s", "stackStrace": "at line 5"}}, RejectedError, ""),
        ({"success": False, "error": "words"}, RejectedError, "words"),
        ({"success": False}, RejectedError, ""),
        (reply({"title": "invalid", "errors": {"Id": ["bad", 5], "x": 3}}, 400), RejectedError, "invalid; bad"),
        (
            no("Invalid. ") | {"error": {"message": "Invalid. ", "details": "A; B.", "subErrors": ["A", "B."]}},
            RejectedError,
            "Invalid; A; B",
        ),
        (reply({"message": "m"}, 400), RejectedError, "m"),
        (reply(b"<html>", 418), RejectedError, "a web page"),
        (reply(no("later"), 429, Retry_After="100"), QuotaExceededError, "later"),
    ],
)
def test_errors_in_all_their_forms(bms, service, body, kind, message):
    service.answer = lambda request: body
    with pytest.raises(ApiError) as caught:
        bms.contacts(2528)
    assert caught.type is kind
    assert caught.value.said == message


def test_a_missing_permission_is_named(bms, service):
    service.answer = lambda request: reply(None, 403)
    with pytest.raises(PermissionDeniedError, match="This call needs a role that may modify CRM > Contacts"):
        bms.create_contact(JANE)


def test_the_quota_is_per_endpoint(bms, service):
    def answer(request: Request) -> object:
        if request.path.startswith("/v2/crm/contacts/summary/"):
            return reply(None, 429, Retry_After="900")
        return ok([], totalRecords=0)

    service.answer = answer
    for ident in (1, 2):
        with pytest.raises(QuotaExceededError):
            bms.contact(ident)
    assert bms.contacts(2528) == []
    assert service.asked.count("GET /v2/crm/contacts/summary/2") == 0


@pytest.mark.parametrize("body", [[], None, 5, {}, {"result": 5}, {"success": True}, ok([5]), ok([{}]), ok({"id": 1})])
def test_answers_of_another_shape(bms, service, body):
    service.answer = lambda request: reply(b"null" if body is None else body)
    with pytest.raises(ProtocolError):
        bms.contacts(2528)

# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the played BMS must enforce to be faithful, point by point."""

from __future__ import annotations

import base64
import copy
import json
from datetime import datetime

import pytest

from tests.sandbox.bms import Bms
from tests.sandbox.bms_security import totp
from tests.sandbox.core import WorldError
from tests.sandbox.itglue import ItGlue
from tests.sandbox.local import Local

LOGIN = {"GrantType": "password", "Tenant": "Example, Inc.", "UserName": "api", "Password": "pass word"}
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SUMMARY = "/v2/crm/contacts/summary"


def email(value, *, default=True, kind=1):
    return {"emailAddress": value, "emailTypeId": kind, "isDefault": default}


def phone(value, *, default=True, kind=5):
    return {"phone": value, "phoneTypeId": kind, "isDefault": default}


CONTACTS = [
    {
        "id": 90211,
        "accountId": 2528,
        "locationId": 3169,
        "firstName": "Jane",
        "middleName": "M",
        "lastName": "Doe",
        "jobTitle": "Controller",
        "poc": True,
        "emails": [email("jane@contoso.example"), email("j@contoso.example", default=False, kind=2)],
        "phones": [phone("5551234567")],
    },
    {"id": 90212, "accountId": 2528, "firstName": "John", "lastName": "Doe", "isActive": False},
    {"id": 90213, "accountId": 7, "locationId": 70, "firstName": "Jane", "lastName": "Roe"},
]
BMS = {
    "company": "Example, Inc.",
    "username": "api",
    "password": "pass word",
    "email_types": [{"id": 1, "name": "Work"}, {"id": 2, "name": "Other"}],
    "phone_types": [{"id": 5, "name": "Work"}],
    "accounts": [
        {
            "id": 2528,
            "accountName": "Contoso",
            "locations": [
                {"id": 3169, "locationName": "Main", "isMain": True, "addresses": [{"city": "Rome"}]},
                {"id": 3170, "locationName": "Branch"},
            ],
        },
        {"id": 7, "accountName": "Contoso Labs", "locations": [{"id": 70, "locationName": "Main", "isMain": True}]},
        {"id": 8, "accountName": "Gone", "isActive": False},
    ],
    "contacts": CONTACTS,
    "custom_fields": [{"id": 44, "name": "IT Glue ID"}],
}
GLUE = {
    "organizations": [
        {"id": 1, "name": "Contoso", "adapters": [{"adapter-type-name": "Kaseya BMS", "remote-id": "2528"}]}
    ],
    "contacts": [
        {
            "id": 72,
            "organization-id": 1,
            "first-name": "Jane",
            "last-name": "Doe",
            "adapters": [{"adapter-type-name": "Kaseya BMS", "remote-id": "90211"}],
        }
    ],
}
NEW = {
    "FirstName": "Ann",
    "LastName": "Lee",
    "AccountId": 2528,
    "LocationId": 3169,
    "Emails": [{"EmailAddress": "ann@contoso.example", "EmailTypeId": 1, "IsDefault": True}],
    "Phones": [{"PhoneNumber": "1", "PhoneTypeId": 5, "IsDefault": True}],
}


class Psa:
    """The played BMS, spoken to as a client does; it logs in when it is made."""

    def __init__(self, behaviour, **bms):
        world = {"bms": {**BMS, **bms}, "itglue": GLUE, "behaviour": behaviour}
        self.local = Local(copy.deepcopy(world), services=(Bms, ItGlue))
        self.token = None

    def log_in(self, **changes):
        fields = {name: value for name, value in {**LOGIN, **changes}.items() if value is not None}
        return self.local.post("bms", "/v2/security/authenticate", data=fields)

    def ask(self, method, path, body=None, *, token="", content_type="application/json", **params):
        if token == "":
            self.token = self.token or self.log_in().json()["result"]["accessToken"]
            token = self.token
        headers = {"content-type": content_type} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None if body is None else json.dumps(body)
        return self.local.request("bms", method, path, content=content, headers=headers, params=params or None)

    def get(self, path, **params):
        return self.ask("GET", path, **params)

    def good(self, method, path, body=None, **params):
        answer = self.ask(method, path, body, **params)
        assert answer.status_code == 200, answer.text
        assert answer.json()["success"] is True, answer.text
        return answer.json()["result"]

    def bad(self, method, path, body=None, **params):
        answer = self.ask(method, path, body, **params)
        assert (answer.status_code, answer.json()["success"]) == (200, False), answer.text
        return answer.json()["error"]

    def ids(self, path=SUMMARY, **params):
        return [row["id"] for row in self.good("GET", path, **params)]

    def filtered(self, path=SUMMARY, **filters):
        return self.ids(path, **{f"Filter.{name}": value for name, value in filters.items()})

    def contact(self, ident):
        return self.get(f"{SUMMARY}/{ident}").json()

    def state(self, name="contacts"):
        return {row["id"]: row for row in self.local.sandbox.state()["bms"][name]}


@pytest.fixture
def psa(request):
    return Psa(getattr(request, "param", {}))


def behaving(**behaviour):
    return pytest.mark.parametrize("psa", [behaviour], indirect=True)


def many(count):
    return [{"id": ident, "accountId": 7, "firstName": f"N{ident}"} for ident in range(1, count + 1)]


# --- 1. paths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/v2/crm/contacts", "/api/v2/crm/contacts/summary", "/v1/crm/contacts", "/v2/crm/contacts/summary/x"]
)
def test_an_unknown_path_is_not_found(psa, path):
    answer = psa.get(path)

    assert (answer.status_code, answer.content) == (404, b"")


# --- 2. logging in ---------------------------------------------------------------------------------------------------


def test_both_kinds_of_form_are_read_and_names_have_any_case(psa):
    lower = {name.lower(): value for name, value in LOGIN.items()}
    multipart = {name: (None, value) for name, value in LOGIN.items()}

    for options in ({"data": LOGIN}, {"data": lower}, {"files": multipart}):
        answer = psa.local.post("bms", "/v2/security/authenticate", **options)
        assert answer.json()["success"] is True
    assert psa.local.post("bms", "/v2/security/authenticate", json=LOGIN).status_code == 415


@pytest.mark.parametrize("path", ["authenticate", "refreshtoken"])
def test_a_form_that_cannot_be_read_is_refused(psa, path):
    headers = {"Content-Type": "multipart/form-data"}
    answer = psa.local.post("bms", f"/v2/security/{path}", content=b"x", headers=headers)
    assert (answer.status_code < 500, answer.json()["success"]) == (True, False)


def test_the_answer_has_both_tokens_and_when_they_expire(psa):
    result = psa.log_in().json()["result"]

    assert set(result) == {"accessToken", "refreshToken", "accessTokenExpireOn", "refreshTokenExpireOn"}
    access, refresh = (datetime.fromisoformat(result[f"{name}TokenExpireOn"]) for name in ("access", "refresh"))
    now = psa.local.sandbox.now()
    assert 890 < (access - now).total_seconds() <= 900
    assert 604700 < (refresh - now).total_seconds() <= 604800
    header, claims, signature = result["accessToken"].split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["exp"] == int(access.timestamp())
    assert signature


@pytest.mark.parametrize(
    "changes",
    [
        {"Tenant": "example, inc."},
        {"Tenant": "Example Inc."},
        {"UserName": "API"},
        {"Password": "password"},
        {"Password": None},
        {"GrantType": None},
        {"GrantType": "client_credentials"},
    ],
)
@pytest.mark.parametrize("psa", [{}, {"bms_failure_style": "4xx"}], indirect=True)
def test_anything_wrong_is_refused(psa, changes):
    answer = psa.log_in(**changes)

    assert answer.json()["success"] is False
    assert "result" not in answer.json()
    statuses = {200} if psa.local.sandbox.behaviour["bms_failure_style"] == "200" else {400, 401}
    assert answer.status_code in statuses
    assert (answer.json()["error"]["code"] == 978001) is ("GrantType" not in changes)


def test_one_time_codes_are_those_of_rfc_6238():
    """The test vectors of the RFC's appendix B for SHA-1."""
    vectors = {59: "94287082", 1111111109: "07081804", 1234567890: "89005924", 20000000000: "65353130"}

    assert {seconds: totp(SECRET, seconds, digits=8) for seconds in vectors} == vectors


def test_a_user_with_mfa_needs_the_present_code():
    psa = Psa({}, mfa_secret=SECRET)
    now = psa.local.sandbox.clock()

    assert psa.log_in().json()["success"] is False
    assert psa.log_in(MFACode=totp(SECRET, now - 300)).json()["success"] is False
    assert psa.log_in(MFACode="é").json()["success"] is False
    assert psa.log_in(MFACode=totp(SECRET, now)).json()["success"] is True
    assert Psa({}).log_in(MFACode="123").json()["success"] is True


# --- 3. refreshing ---------------------------------------------------------------------------------------------------


def refresh(psa, tokens, **changes):
    fields = {"AccessToken": tokens["accessToken"], "refreshtoken": tokens["refreshToken"], **changes}
    return psa.local.post("bms", "/v2/security/refreshtoken", data=fields).json()


def test_a_refresh_takes_both_tokens_once_also_when_the_first_has_expired(psa):
    old = psa.log_in().json()["result"]
    other = psa.log_in().json()["result"]
    psa.local.sandbox.advance(1000)

    assert refresh(psa, old, refreshtoken="")["success"] is False
    assert refresh(psa, old, AccessToken=other["accessToken"])["success"] is False
    new = refresh(psa, old)["result"]
    assert refresh(psa, old)["success"] is False
    assert refresh(psa, new)["success"] is True
    assert psa.get(SUMMARY, token=new["accessToken"]).status_code == 200
    assert psa.get(SUMMARY, token=old["accessToken"]).status_code == 401


def test_a_refresh_token_expires(psa):
    tokens = psa.log_in().json()["result"]
    psa.local.sandbox.advance(604801)

    assert refresh(psa, tokens)["error"]["code"] == 978001


# --- 4. the bearer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "nonsense"])
@pytest.mark.parametrize(("method", "path"), [("GET", SUMMARY), ("PATCH", "/v2/crm/contacts/1"), ("POST", SUMMARY)])
def test_without_a_good_token_there_is_the_security_error(psa, method, path, token):
    answer = psa.ask(method, path, {}, token=token)

    assert answer.status_code == 401
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"] == 978001
    assert answer.json()["error"]["message"] == "Security Error"


@behaving(token_lifetime=60)
def test_a_token_lasts_as_long_as_configured_and_not_over_a_reset(psa):
    assert psa.get(SUMMARY).status_code == 200
    psa.local.sandbox.advance(61)
    assert psa.get(SUMMARY).status_code == 401
    psa.token = None
    assert psa.get(SUMMARY).status_code == 200
    psa.local.sandbox.reset()
    assert psa.get(SUMMARY).status_code == 401


# --- 5. spelling -----------------------------------------------------------------------------------------------------


def keys(value):
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys(item)}
    return {key for item in value for key in keys(item)} if isinstance(value, list) else set()


def test_answers_are_in_camel_case_with_the_vendors_own_slips(psa):
    listed, error = psa.get(SUMMARY).json(), psa.bad("GET", "/v2/system/lookup/Nothing")
    put = psa.good("PATCH", "/v2/crm/contacts/90211", [])

    assert all(key[0].islower() for key in keys([listed, error, put]))
    assert "canRecieveInvoices" in keys(listed)
    assert "recieveInvoices" in keys(put)
    assert "stackStrace" in keys(error)


@behaving(bms_pascal_case=True)
def test_answers_may_be_in_pascal_case(psa):
    psa.token = psa.log_in().json()["Result"]["AccessToken"]

    listed = psa.get(SUMMARY).json()

    assert all(key[0].isupper() for key in keys(listed))
    assert listed["Result"][0]["CanRecieveInvoices"] is False


def test_keys_of_bodies_and_queries_have_any_case(psa):
    lower = {name.lower(): value for name, value in NEW.items()}
    assert psa.good("POST", SUMMARY, lower)["firstName"] == "Ann"
    assert psa.ids(**{"pagesize": 1, "PAGENUMBER": 2, "filter.accountid": 2528}) == [90212]


# --- 6. envelopes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        (SUMMARY, True),
        ("/v2/crm/accounts/summary", True),
        ("/v2/crm/contacts/search", False),
        ("/v2/crm/accounts/lookup", False),
        ("/v2/crm/accounts/2528/contacts/lookup", False),
        ("/v2/crm/accounts/2528/locations/lookup", False),
        ("/v2/system/lookup/EmailType", False),
    ],
)
def test_only_paged_lists_count_their_rows(psa, path, counted):
    body = psa.get(path).json()

    assert set(body) == {"success", "result"} | ({"totalRecords"} if counted else set())
    assert isinstance(body["result"], list)
    assert not counted or body["totalRecords"] == 3


def test_one_contact_and_one_account_come_without_an_envelope_and_fail_honestly(psa):
    for path, key in ((f"{SUMMARY}/90211", "firstName"), ("/v2/crm/accounts/summary/2528", "accountName")):
        assert key in psa.get(path).json()
    missing = psa.get(f"{SUMMARY}/1")
    assert (missing.status_code, missing.json()["success"]) == (404, False)


@behaving(bms_bare_summary=False, bms_null_error=True)
def test_they_may_come_in_an_envelope_with_an_error_that_is_null(psa):
    body = psa.get(f"{SUMMARY}/90211").json()

    assert (body["success"], body["error"], body["result"]["id"]) == (True, None, 90211)
    assert psa.bad("GET", f"{SUMMARY}/1")["message"]


# --- 7. pages --------------------------------------------------------------------------------------------------------


def test_pages_count_from_one_and_have_a_default_and_a_limit():
    psa = Psa({"bms_page_limit": 60, "bms_default_page_size": 40}, contacts=many(130))

    assert psa.ids() == list(range(1, 41))
    assert psa.ids(PageSize=1000, PageNumber=2) == list(range(61, 121))
    assert psa.ids(PageSize=1000, PageNumber=3) == list(range(121, 131))
    assert psa.ids(PageSize=1000, PageNumber=4) == []
    assert psa.ids(PageSize=2, PageNumber=0) == [1, 2]
    assert psa.get(SUMMARY, PageNumber=9).json()["totalRecords"] == 130


def walk(psa):
    return [ident for number in (1, 2, 3) for ident in psa.ids(PageSize=10, PageNumber=number)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("id", list(range(1, 26))),
        ("repeat", [*range(1, 11), *range(10, 20), *range(20, 26)]),
        ("skip", [*range(1, 11), *range(12, 22), *range(22, 26)]),
    ],
)
def test_rows_may_move_between_pages(order, expected):
    assert walk(Psa({"bms_order": order}, contacts=many(25))) == expected


def test_rows_may_move_once_and_they_may_come_in_no_order():
    psa = Psa({"bms_order": "skip_once"}, contacts=many(25))
    assert [len(set(walk(psa))), len(set(walk(psa)))] == [24, 25]

    shuffled = Psa({"bms_order": "shuffle"}, contacts=many(25))
    assert walk(shuffled) == walk(shuffled) != list(range(1, 26))
    assert sorted(walk(shuffled)) == list(range(1, 26))


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"AccountId": 2528}, [90211, 90212]),
        ({"AccountId": 99}, []),
        ({"AccountName": "contoso l"}, [90213]),
        ({"FirstName": "jane"}, [90211, 90213]),
        ({"FirstName": "jane", "LastName": "Doe"}, [90211]),
        ({"Email": "J@contoso"}, [90211]),
        ({"Phone": "1234"}, [90211]),
        ({"IsActive": "true"}, [90211, 90213]),
        ({"IsActive": "False"}, [90212]),
        ({"ModifiedOnFrom": "2019-12-31"}, [90211, 90212, 90213]),
        ({"ModifiedOnFrom": "2020-01-02"}, []),
        ({"CreatedOnTo": "2020-01-01T00:00:00Z"}, [90211, 90212, 90213]),
    ],
)
def test_contacts_are_filtered(psa, filters, expected):
    assert psa.filtered(**filters) == expected


@pytest.mark.parametrize(
    ("way", "expected"),
    [("contains", [2528, 7]), ("startswith", [2528, 7]), ("equals", [2528]), ("exact", [])],
)
def test_how_strings_compare_is_a_switch(way, expected):
    psa = Psa({"bms_string_filter": way})

    assert psa.filtered("/v2/crm/accounts/summary", AccountName="contoso") == expected


@behaving(bms_inactive_by_default=False)
def test_the_inactive_may_have_to_be_asked_for(psa):
    assert psa.filtered(AccountId=2528) == [90211]
    assert psa.filtered(AccountId=2528, IsActive="false") == [90212]


def test_a_filter_of_the_wrong_kind_is_an_error(psa):
    for params in ({"Filter.AccountId": "x"}, {"Filter.IsActive": "maybe"}, {"Filter.ModifiedOnFrom": "soon"}):
        assert "not valid" in psa.bad("GET", SUMMARY, **params)["details"]


def test_contacts_are_searched(psa):
    path = "/v2/crm/contacts/search"

    assert psa.filtered(path, Ids=["90211", "90213"]) == [90211, 90213]
    assert psa.filtered(path, AccountIds=["7"]) == [90213]
    assert psa.filtered(path, EmailAddress="jane@contoso.example", IsPoc="true") == [90211]
    assert psa.filtered(path, LocationName="Main", JobTitle="control") == [90211]


def test_accounts_are_listed_and_looked_up(psa):
    assert psa.filtered("/v2/crm/accounts/summary", IsActive="true") == [2528, 7]
    assert psa.ids("/v2/crm/accounts/lookup") == [2528, 7]
    assert psa.filtered("/v2/crm/accounts/lookup", WithInactiveAccounts="true", Name="gone") == [8]
    account = psa.get("/v2/crm/accounts/summary/2528").json()
    assert (account["accountName"], account["isActive"]) == ("Contoso", True)
    assert account["locations"][0]["addresses"][0]["city"] == "Rome"


def test_the_locations_of_an_account_are_looked_up(psa):
    assert psa.good("GET", "/v2/crm/accounts/2528/locations/lookup") == [
        {"id": 3169, "name": "Main", "accountId": 2528, "isMain": True},
        {"id": 3170, "name": "Branch", "accountId": 2528, "isMain": False},
    ]
    assert psa.good("GET", "/v2/crm/accounts/2528/locations/3170")["locationName"] == "Branch"
    psa.bad("GET", "/v2/crm/accounts/7/locations/3170")
    psa.bad("GET", "/v2/crm/accounts/99/locations/lookup")


# --- 8. the shapes ---------------------------------------------------------------------------------------------------


AUDIT = {"id", "createdBy", "createdOn", "modifiedBy", "modifiedOn"}
PLACE = {"accountId", "accountName", "locationId", "locationName"}
NAMES = {"firstName", "lastName"}


def test_a_contact_is_listed_and_shown_as_a_summary(psa):
    shown = psa.contact(90211)

    arrays = {"emails", "phones"}
    more = {"jobTitle", "isPoc", "isActive", "effectiveDate", "isBillable", "canRecieveInvoices"}
    assert set(shown) == AUDIT | PLACE | NAMES | arrays | more
    assert psa.good("GET", SUMMARY)[0] == shown
    assert (shown["accountName"], shown["locationName"], shown["isPoc"]) == ("Contoso", "Main", True)
    blank = dict.fromkeys(AUDIT - {"id"})
    first = {"id": 9021101, **blank, **email("jane@contoso.example"), "emailType": "Work"}
    assert shown["emails"][0] == first
    assert shown["phones"] == [{"id": 9021101, **blank, **phone("5551234567"), "phoneType": "Work"}]
    assert psa.contact(90212)["locationId"] is None


def test_the_reply_to_an_update_has_a_middle_name_and_other_spellings(psa):
    replied = psa.good("PATCH", "/v2/crm/contacts/90211", [])

    names = NAMES | {"middleName", "createdByName", "modifiedByName"}
    more = {"jobTitle", "poc", "isActive", "effectiveDate", "billByContact", "recieveInvoices", "emails", "phones"}
    assert set(replied) == AUDIT | PLACE | names | more
    assert replied["middleName"] == "M"


def test_the_reply_to_a_creation_has_one_email_and_no_job_title(psa):
    replied = psa.good("POST", SUMMARY, NEW)

    assert set(replied) == {"id", "phoneNumber", "emailAddress", "customFieldsData"} | PLACE | NAMES
    assert (replied["id"], replied["emailAddress"], replied["phoneNumber"]) == (90214, "ann@contoso.example", "1")


def test_a_search_has_no_phone_and_a_look_up_a_full_name(psa):
    found = psa.good("GET", "/v2/crm/contacts/search")[0]
    more = {"id", "jobTitle", "emailAddress", "isPoc", "isActive", "hasClientPortalAccess"}
    assert set(found) == PLACE | NAMES | more

    looked_up = psa.good("GET", "/v2/crm/accounts/2528/contacts/lookup")[0]
    assert looked_up == {
        "id": 90211,
        "name": "Jane Doe",
        "locationId": 3169,
        "locationName": "Main",
        "phone": "5551234567",
        "emailAddress": "jane@contoso.example",
    }
    card = psa.good("GET", "/v2/crm/accounts/2528/contacts/90211/summaryinfo")
    assert (card["contactName"], card["clientName"]) == ("Jane Doe", "Contoso")


# --- 9. creating -----------------------------------------------------------------------------------------------------


def test_a_contact_is_created_active_and_without_what_a_creation_cannot_set(psa):
    psa.good("POST", SUMMARY, {**NEW, "JobTitle": "Clerk", "IsActive": False, "MiddleName": "X"})

    made = psa.state()[90214]
    assert (made["jobTitle"], made["isActive"], made["middleName"]) == (None, True, None)
    assert made["emails"] == [email("ann@contoso.example")]
    assert made["phones"] == [phone("1")]
    assert made["createdOn"] == made["modifiedOn"] > "2020-02"


@pytest.mark.parametrize(
    "changes",
    [
        {"AccountId": 99},
        {"AccountId": None},
        {"LocationId": 70},
        {"LocationId": 0},
        {"FirstName": " "},
        {"Emails": []},
        {"Phones": None},
        {"Emails": [{**NEW["Emails"][0], "IsDefault": False}]},
        {"Emails": NEW["Emails"] * 2},
        {"Emails": [{**NEW["Emails"][0], "EmailTypeId": 5}]},
        {"Phones": [{**NEW["Phones"][0], "PhoneTypeId": 1}]},
        {"Phones": [{**NEW["Phones"][0], "PhoneNumber": ""}]},
        {"Emails": "ann@contoso.example"},
        {"AccountId": "2528"},
        {"LocationId": True},
        {"CustomFieldsData": [{"CustomFieldId": 45}]},
    ],
)
def test_a_creation_with_something_missing_or_wrong_fails(psa, changes):
    psa.bad("POST", SUMMARY, {**NEW, **changes})

    assert len(psa.state()) == 3


@behaving(bms_strict=False)
def test_less_may_be_required_but_never_less_than_a_place(psa):
    psa.good("POST", SUMMARY, {"AccountId": 2528, "LocationId": 3169})
    psa.bad("POST", SUMMARY, {"AccountId": 2528})


@behaving(bms_unknown_properties="reject")
def test_unknown_properties_may_be_refused(psa):
    psa.bad("POST", SUMMARY, {**NEW, "JobTitle": "Clerk"})


def test_duplicates_are_not_refused(psa):
    assert [psa.good("POST", SUMMARY, NEW)["id"] for dummy in range(2)] == [90214, 90215]


# --- 10. updating ----------------------------------------------------------------------------------------------------


def test_a_put_resets_what_it_omits(psa):
    psa.good("PUT", "/v2/crm/contacts/90211", {"accountid": 2528, "LocationId": 3170, "FirstName": "Jane"})

    put = psa.state()[90211]
    assert (put["isActive"], put["poc"], put["middleName"], put["lastName"], put["jobTitle"]) == (
        False,
        False,
        None,
        None,
        None,
    )
    assert put["locationId"] == 3170
    assert len(put["emails"]) == 2
    psa.bad("PUT", "/v2/crm/contacts/90211", {"FirstName": "Jane"})
    psa.bad("PUT", "/v2/crm/contacts/90211", {"AccountId": 7, "LocationId": 3169})


def test_a_json_patch_changes_members_whatever_their_case(psa):
    operations = [
        {"op": "replace", "path": "/JobTitle", "value": "CFO"},
        {"op": "Replace", "path": "/isactive", "value": False},
        {"op": "test", "path": "/FirstName", "value": "Jane"},
        {"op": "remove", "path": "/MiddleName"},
        {"op": "copy", "from": "/LastName", "path": "/FirstName"},
    ]

    replied = psa.good("PATCH", "/v2/crm/contacts/90211", operations, content_type="application/json-patch+json")

    assert (replied["jobTitle"], replied["isActive"], replied["middleName"]) == ("CFO", False, None)
    assert (replied["firstName"], replied["lastName"], replied["poc"]) == ("Doe", "Doe", True)
    assert replied["modifiedOn"] > "2020-02"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/Emails", "value": []},
        {"op": "replace", "path": "JobTitle", "value": "X"},
        {"op": "replace", "path": "/Id", "value": 1},
        {"op": "merge", "path": "/JobTitle", "value": "X"},
        {"op": "replace", "path": "/IsActive", "value": "yes"},
        {"op": "replace", "path": "/JobTitle", "value": 5},
        {"op": "replace", "path": "/LocationId", "value": 70},
        {"op": "test", "path": "/FirstName", "value": "John"},
        {"path": "/JobTitle", "value": "X"},
        "replace",
    ],
)
def test_a_bad_operation_fails_and_the_others_are_not_carried_out(psa, operation):
    good = {"op": "replace", "path": "/JobTitle", "value": "CFO"}

    psa.bad("PATCH", "/v2/crm/contacts/90211", [good, operation])

    assert psa.contact(90211)["jobTitle"] == "Controller"
    assert psa.contact(90211)["modifiedOn"] == "2020-01-01T00:00:00.000Z"


def test_an_update_does_not_move_a_contact_in_its_list(psa):
    psa.good("PATCH", "/v2/crm/contacts/90211", [{"op": "replace", "path": "/FirstName", "value": "Zoe"}])

    assert psa.filtered(AccountId=2528) == [90211, 90212]
    assert psa.filtered(FirstName="Zoe") == [90211]


# --- 11. e-mails and phones ------------------------------------------------------------------------------------------


EMAILS = "/v2/crm/contacts/90211/emails"
PHONES = "/v2/crm/contacts/90211/phones"


def test_emails_are_added_updated_and_deleted_by_their_values(psa):
    operations = [
        {"Operation": 0, "EmailAddress": "new@contoso.example", "TypeId": 2, "IsDefault": False},
        {"Operation": 1, "EmailAddress": "JANE@contoso.example", "NewEmailAddress": "jd@contoso.example"},
        {"Operation": 2, "EmailAddress": "j@contoso.example"},
        {"operation": 2, "emailAddress": "unknown@contoso.example"},
    ]

    replied = psa.good("PATCH", EMAILS, operations)

    assert [replied[name] for name in ("added", "updated", "deleted")] == [1, 1, 1]
    values = [(row["emailAddress"], row["emailTypeId"], row["isDefault"]) for row in replied["emails"]]
    assert values == [("jd@contoso.example", 1, True), ("new@contoso.example", 2, False)]
    assert psa.contact(90211)["emails"] == replied["emails"]
    assert psa.contact(90211)["modifiedOn"] > "2020-02"


def test_there_is_one_default_always(psa):
    add = {"Operation": 0, "PhoneNumber": "2", "TypeId": 5, "IsDefault": True}
    assert [row["isDefault"] for row in psa.good("PATCH", PHONES, [add])["phones"]] == [False, True]
    stop = {"Operation": 1, "PhoneNumber": "2", "IsDefault": False}
    assert [row["isDefault"] for row in psa.good("PATCH", PHONES, [stop])["phones"]] == [False, True]
    remove = {"Operation": 2, "PhoneNumber": "2"}
    assert [row["isDefault"] for row in psa.good("PATCH", PHONES, [remove])["phones"]] == [True]
    psa.bad("PATCH", PHONES, [{"Operation": 2, "PhoneNumber": "5551234567"}])


@pytest.mark.parametrize(
    "operation",
    [
        {"Operation": 0, "EmailAddress": "new@contoso.example"},
        {"Operation": 0, "EmailAddress": "new@contoso.example", "TypeId": 9},
        {"Operation": 0, "EmailAddress": "JANE@contoso.example", "TypeId": 1},
        {"Operation": 0, "TypeId": 1},
        {"Operation": 3, "EmailAddress": "jane@contoso.example"},
        {"EmailAddress": "jane@contoso.example"},
        {"Operation": "0", "EmailAddress": "jane@contoso.example"},
        {"Operation": True, "EmailAddress": "jane@contoso.example"},
    ],
)
def test_a_bad_operation_on_emails_fails_as_a_whole(psa, operation):
    psa.bad("PATCH", EMAILS, [{"Operation": 2, "EmailAddress": "j@contoso.example"}, operation])

    assert len(psa.contact(90211)["emails"]) == 2


@behaving(bms_contact_patch_endpoints=False)
def test_older_releases_do_not_have_them(psa):
    for path in (EMAILS, PHONES):
        assert psa.ask("PATCH", path, []).status_code == 404


# --- 12. when it was modified ----------------------------------------------------------------------------------------


@behaving(bms_related_bump=False)
def test_emails_and_custom_fields_may_not_move_the_time(psa):
    psa.good("PATCH", EMAILS, [{"Operation": 2, "EmailAddress": "j@contoso.example"}])
    psa.good("PUT", "/v2/system/customFields/data/11/90211/44", {"Value": "x"})

    assert psa.contact(90211)["modifiedOn"] == "2020-01-01T00:00:00.000Z"


# --- 13 and 14. too much, and failing --------------------------------------------------------------------------------


@behaving(bms_quota=2)
def test_the_quota_is_counted_for_each_method_and_path(psa):
    assert [psa.get(f"{SUMMARY}/{ident}").status_code for ident in (90211, 90212, 90213)] == [200, 200, 429]
    assert psa.get(SUMMARY).status_code == 200


@behaving(bms_failure_style="4xx")
def test_failures_may_have_a_status_of_their_own(psa):
    missing = psa.ask("PATCH", "/v2/crm/contacts/1", [])
    refused = psa.ask("POST", SUMMARY, {})

    assert (missing.status_code, refused.status_code) == (404, 400)
    assert missing.json()["success"] is refused.json()["success"] is False
    assert refused.json()["error"]["subErrors"]


def test_a_body_that_is_no_json_fails(psa):
    assert psa.ask("POST", SUMMARY, NEW, content_type="text/plain").status_code == 415
    psa.bad("PATCH", "/v2/crm/contacts/90211", {"op": "replace"})


# --- 15. what BMS does not have --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v2/crm/accounts/2528/locations"), ("POST", "/v2/crm/contacts"), ("DELETE", "/v2/crm/accounts/2528")],
)
def test_there_are_no_writes_of_locations_and_accounts(psa, method, path):
    assert psa.ask(method, path, {}).status_code in (404, 405)


# --- 16. IT Glue, types, custom fields -------------------------------------------------------------------------------


def test_a_pair_is_known_and_anything_else_is_not_mapped(psa):
    path = "/v2/integrations/itglue"

    assert psa.good("GET", f"{path}/contacts/90211/lookup") == {"id": 72, "name": "Jane Doe"}
    assert psa.good("GET", f"{path}/accounts/2528/lookup") == {"id": 1, "name": "Contoso"}
    psa.bad("GET", f"{path}/contacts/90213/lookup")


@behaving(bms_unmapped="empty")
def test_what_is_not_mapped_may_be_an_empty_success(psa):
    assert psa.get("/v2/integrations/itglue/contacts/90213/lookup").json() == {"success": True}


@pytest.mark.parametrize("where", ["lookup", "tenantlookup", "none"])
def test_types_are_looked_up_where_the_switch_says(where):
    psa = Psa({"bms_type_lookup": where})
    answers = {which: psa.get(f"/v2/system/{which}/EmailType").json() for which in ("lookup", "tenantlookup")}

    assert {which for which, body in answers.items() if body["success"]} == {where} - {"none"}
    if where != "none":
        names = [(row["id"], row["name"]) for row in answers[where]["result"]]
        assert names == [(1, "Work"), (2, "Other")]
        assert psa.good("GET", f"/v2/system/{where}/phonetype")[0]["id"] == 5


@behaving(bms_type_lookup="tenantlookup")
def test_a_type_can_be_added_where_the_tenant_keeps_them(psa):
    psa.good("POST", "/v2/system/tenantlookup/EmailType", {"Name": "Club", "IsActive": True})

    assert psa.state("email_types")[3] == {"id": 3, "name": "Club"}
    entry = {**NEW["Emails"][0], "EmailTypeId": 3}
    assert psa.good("POST", SUMMARY, {**NEW, "Emails": [entry]})["id"] == 90214


def test_custom_fields_of_contacts_are_written_and_read(psa):
    path = "/v2/system/customFields"
    assert psa.good("GET", f"{path}/1") == []
    assert [row["name"] for row in psa.good("GET", f"{path}/11")] == ["IT Glue ID"]

    posted = psa.good("POST", SUMMARY, {**NEW, "CustomFieldsData": [{"CustomFieldId": 44, "Data": "itg:1"}]})
    assert [(row["name"], row["data"]) for row in posted["customFieldsData"]] == [("IT Glue ID", "itg:1")]
    assert psa.good("PUT", f"{path}/data/11/90211/44", {"Value": "itg:2"})["value"] == "itg:2"
    assert psa.good("GET", f"{path}/11/90211")[0]["data"] == "itg:2"
    psa.bad("PUT", f"{path}/data/11/90211/45", {"Value": "x"})
    psa.bad("GET", f"{path}/12/90211")


# --- 17. deleting ----------------------------------------------------------------------------------------------------


def test_a_contact_is_deleted_once(psa):
    answer = psa.ask("DELETE", "/v2/crm/contacts/90211")

    assert (answer.status_code, answer.content) == (200, b"")
    assert psa.ids() == [90212, 90213]
    psa.bad("DELETE", "/v2/crm/contacts/90211")


# --- the world -------------------------------------------------------------------------------------------------------


def test_the_state_is_a_world_again_after_writes(psa):
    psa.good("POST", SUMMARY, NEW)
    psa.good("PATCH", EMAILS, [{"Operation": 2, "EmailAddress": "j@contoso.example"}])
    psa.ask("DELETE", "/v2/crm/contacts/90212")
    state = json.loads(json.dumps(psa.local.sandbox.state()))

    assert Local(state, services=(Bms, ItGlue)).sandbox.state() == state
    assert [row["id"] for row in state["bms"]["contacts"]] == [90211, 90213, 90214]


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"contacts": [{"id": 1, "accountId": 5}]}, "accountId 5"),
        ({"accounts": [{"accountName": "A"}]}, "bms.accounts"),
        ({"accounts": [{"id": 1, "locations": [{"id": 1}]}, {"id": 2, "locations": [{"id": 1}]}]}, "locations"),
        ({"email_types": [{"id": "1"}]}, "email_types"),
    ],
)
def test_a_world_that_makes_no_sense_is_refused(section, named):
    with pytest.raises(WorldError, match=named):
        Local({"bms": section}, services=(Bms, ItGlue))


def test_a_switch_takes_only_what_it_knows():
    with pytest.raises(WorldError, match="bms_order"):
        Psa({"bms_order": "random"})

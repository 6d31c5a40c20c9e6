# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation of the played BMS against the vendor's OpenAPI."""

from __future__ import annotations

import pytest

from tests.sandbox.bms import Bms
from tests.sandbox.contracts import Contract, Contracts
from tests.sandbox.itglue import ItGlue
from tests.sandbox.local import Local
from tests.unit.sandbox.conftest import DESCRIPTION
from tests.unit.sandbox.test_bms import BMS, GLUE, LOGIN, NEW, SUMMARY

CONTACT = "/v2/crm/contacts/90211"
FIELDS = "/v2/system/customFields"
EMAIL = {"Operation": 0, "EmailAddress": "n@contoso.example", "TypeId": 1, "IsDefault": True}
PHONE = {"Operation": 0, "PhoneNumber": "2", "TypeId": 5, "IsDefault": True}
PUT = {"AccountId": 2528, "LocationId": 3169, "FirstName": "Jane", "EffectiveDate": "2026-01-01T00:00:00Z"}
TOUR = [
    ("GET", SUMMARY, None),
    ("GET", f"{SUMMARY}?Filter.AccountId=2528&Filter.IsActive=true&PageSize=1&PageNumber=2", None),
    ("GET", f"{SUMMARY}/90211", None),
    ("GET", f"{SUMMARY}/90212", None),
    ("GET", f"{SUMMARY}/1", None),
    ("GET", "/v2/crm/contacts/search?Filter.Ids=90211&Filter.Ids=90212", None),
    ("GET", "/v2/crm/accounts/lookup", None),
    ("GET", "/v2/crm/accounts/summary?Filter.AccountName=Contoso", None),
    ("GET", "/v2/crm/accounts/summary/2528", None),
    ("GET", "/v2/crm/accounts/summary/1", None),
    ("GET", "/v2/crm/accounts/2528/locations/lookup", None),
    ("GET", "/v2/crm/accounts/2528/locations/3169", None),
    ("GET", "/v2/crm/accounts/1/locations/lookup", None),
    ("GET", "/v2/crm/accounts/2528/contacts/lookup", None),
    ("GET", "/v2/crm/accounts/2528/contacts/90211/summaryinfo", None),
    ("GET", "/v2/crm/accounts/2528/contacts/90212/summaryinfo", None),
    ("POST", SUMMARY, {**NEW, "CustomFieldsData": [{"CustomFieldId": 44, "Data": "x"}]}),
    ("POST", SUMMARY, {"AccountId": 1, "LocationId": 1}),
    ("PUT", CONTACT, PUT),
    ("PUT", "/v2/crm/contacts/1", PUT),
    ("PATCH", CONTACT, [{"op": "replace", "path": "/JobTitle", "value": "CFO"}]),
    ("PATCH", CONTACT, [{"op": "replace", "path": "/Nothing", "value": "CFO"}]),
    ("PATCH", "/v2/crm/contacts/90212", [{"op": "replace", "path": "/LocationId", "value": 3169}]),
    ("PATCH", f"{CONTACT}/emails", [EMAIL]),
    ("PATCH", f"{CONTACT}/emails", [EMAIL]),
    ("PATCH", f"{CONTACT}/phones", [PHONE]),
    ("GET", "/v2/system/lookup/EmailType", None),
    ("GET", "/v2/system/lookup/PhoneType", None),
    ("GET", "/v2/system/lookup/Nothing", None),
    ("GET", "/v2/system/tenantlookup/EmailType", None),
    ("POST", "/v2/system/tenantlookup/EmailType", {"Name": "Club", "IsActive": True}),
    ("GET", "/v2/system/accounttypes/lookup", None),
    ("GET", "/v2/system/locations/lookup", None),
    ("GET", "/v2/system/settings", None),
    ("GET", f"{FIELDS}/11?withInactive=true", None),
    ("GET", f"{FIELDS}/11/90211", None),
    ("PUT", f"{FIELDS}/data/11/90211/44", {"Value": "x"}),
    ("GET", "/v2/security/userinfo", None),
    ("GET", "/v2/security/ssostatus?Tenant=Example", None),
    ("GET", "/v2/integrations/itglue/status", None),
    ("GET", "/v2/integrations/itglue/contacts/90211/lookup", None),
    ("GET", "/v2/integrations/itglue/contacts/90213/lookup", None),
    ("GET", "/v2/integrations/itglue/accounts/2528/lookup", None),
    ("GET", "/v2/integrations/itglue/locations/3169/lookup", None),
]


def tour(local):
    """Every operation once, and its failures; the statuses."""
    tokens = local.post("bms", "/v2/security/authenticate", data=LOGIN).json()
    result = tokens.get("result") or tokens["Result"]
    access, refresh = (
        result.get(name) or result[name[0].upper() + name[1:]] for name in ("accessToken", "refreshToken")
    )
    local.post("bms", "/v2/security/refreshtoken", data={"AccessToken": access, "RefreshToken": refresh})
    local.post("bms", "/v2/security/authenticate", data={**LOGIN, "Password": "wrong"})
    headers = {"Authorization": f"Bearer {access}"}
    return [
        local.request("bms", method, path, json=body, headers=headers).status_code
        if body is not None
        else local.request("bms", method, path, headers=headers).status_code
        for method, path, body in TOUR
    ]


@pytest.mark.parametrize(
    "behaviour",
    [{}, {"bms_pascal_case": True}, {"bms_failure_style": "4xx"}, {"bms_type_lookup": "tenantlookup"}],
)
def test_every_operation_fits_the_contract(behaviour):
    contracts = Contracts({"bms": Contract.load("bms", DESCRIPTION)})
    world = {"bms": BMS, "itglue": GLUE, "behaviour": behaviour}

    statuses = tour(Local(world, services=(Bms, ItGlue), contracts=contracts))

    report = contracts.report()
    assert report["mismatches"] == []
    assert report["uncovered"] == []
    assert report["checked"] == len(TOUR) + 3
    assert set(statuses) <= {200, 400, 404}
    assert statuses.count(200) > len(TOUR) / 2


def test_a_null_error_and_a_wrapped_contact_do_not_fit():
    """What the two switches that leave the contract do, and that the check would see it."""
    contracts = Contracts({"bms": Contract.load("bms", DESCRIPTION)})
    world = {"bms": BMS, "itglue": GLUE, "behaviour": {"bms_null_error": True, "bms_bare_summary": False}}

    tour(Local(world, services=(Bms, ItGlue), contracts=contracts))

    wrong = {mismatch["path"] for mismatch in contracts.report()["mismatches"]}
    assert {SUMMARY, f"{SUMMARY}/90211", "/v2/security/authenticate"} <= wrong

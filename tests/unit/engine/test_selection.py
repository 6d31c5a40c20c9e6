# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which users are selected."""

from __future__ import annotations

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.errors import InputError
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.reasons import Reason, ReasonCode
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.selection import (
    FILTER_REASONS,
    exclusion_rule,
    select,
)
from tests.unit.engine.builders import SKU, options, person, planning_of, settings, snapshot, user

OTHER_SKU = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"


def reason(someone, members=(), primary_email="mail", **user_filter):
    rule = exclusion_rule(settings(user_filter=user_filter, primary_email=primary_email), frozenset(members))
    return rule(someone)


@pytest.mark.parametrize(
    ("values", "user_filter", "expected"),
    [
        pytest.param({}, {}, None, id="selected"),
        pytest.param({"account_enabled": False}, {}, "disabled", id="disabled"),
        pytest.param({"account_enabled": False}, {"include_disabled": True}, None, id="disabled-included"),
        pytest.param({"user_type": "Guest"}, {}, "guest", id="guest"),
        pytest.param({"user_type": "guest"}, {}, "guest", id="guest-of-any-case"),
        pytest.param({"user_type": "Guest"}, {"include_guests": True}, None, id="guest-included"),
        pytest.param({"user_type": "Member"}, {}, None, id="member"),
        pytest.param({"user_type": None}, {}, None, id="type-not-said"),
        pytest.param({"sku_ids": ()}, {}, "unlicensed", id="unlicensed"),
        pytest.param({"sku_ids": ()}, {"licensed_only": False}, None, id="unlicensed-included"),
        pytest.param({}, {"license_skus": (OTHER_SKU,)}, "unlicensed", id="licence-of-another-kind"),
        pytest.param({}, {"license_skus": (OTHER_SKU, SKU)}, None, id="one-of-the-licences"),
        pytest.param({}, {"license_skus": (SKU.upper(),)}, None, id="licence-of-any-case"),
        pytest.param(
            {"sku_ids": ()},
            {"license_skus": (SKU,), "licensed_only": False},
            "unlicensed",
            id="named-licences-are-needed-even-without-licensed_only",
        ),
        pytest.param({"given_name": None, "surname": " "}, {}, "no_name", id="neither-name"),
        pytest.param({"given_name": None}, {}, None, id="last-name-alone"),
        pytest.param({"surname": ""}, {}, None, id="first-name-alone"),
        pytest.param({"given_name": "", "surname": ""}, {"require_name": False}, None, id="neither-name-needed"),
        pytest.param({}, {"domains": ("client.example",)}, None, id="domain"),
        pytest.param({}, {"domains": ("CLIENT.example",)}, None, id="domain-of-any-case"),
        pytest.param(
            {"mail": "ann@xn--bcher-kva.io"}, {"domains": ("xn--bcher-kva.io",)}, None, id="domain-in-its-ascii-form"
        ),
        pytest.param({"mail": "ann@bücher.io"}, {"domains": ("@xn--bcher-kva.io",)}, None, id="domain-in-letters"),
        pytest.param({}, {"domains": ("other.example",)}, "domain", id="other-domain"),
        pytest.param({}, {"domains": ("example",)}, "domain", id="domain-is-the-whole-domain"),
        pytest.param({"mail": "ann@sub.client.example"}, {"domains": ("client.example",)}, "domain", id="subdomain"),
        pytest.param(
            {"mail": "ann@other.example"},
            {"domains": ("client.example",)},
            "domain",
            id="domain-of-the-primary-address",
        ),
        pytest.param(
            {"mail": None, "username": "ann", "proxy_addresses": ()}, {"domains": ("x.io",)}, "domain", id="no-address"
        ),
        pytest.param({}, {"groups": ("Staff",)}, "group", id="not-in-a-group"),
        pytest.param({"id": "member"}, {"groups": ("Staff",)}, None, id="in-a-group"),
        pytest.param({}, {"exclude": ("ann@client.example",)}, "pattern", id="pattern-without-star"),
        pytest.param({}, {"exclude": ("ANN@*",)}, "pattern", id="pattern-of-any-case"),
        pytest.param({}, {"exclude": ("svc-*", "*@client.example")}, "pattern", id="one-of-the-patterns"),
        pytest.param({}, {"exclude": ("ann",)}, None, id="pattern-is-held-against-the-whole"),
        pytest.param({}, {"exclude": ("a?n@*", "[a]nn@*", "ann.client.example")}, None, id="only-the-star-is-special"),
        pytest.param({"username": "svc-1@x.io"}, {"exclude": ("svc-*",)}, "pattern", id="pattern-against-the-username"),
        pytest.param(
            {"mail": "svc-1@x.io", "username": "ann@client.example"},
            {"exclude": ("svc-*",)},
            "pattern",
            id="pattern-against-the-primary-address",
        ),
        pytest.param(
            {"proxy_addresses": ("smtp:svc-1@x.io",)}, {"exclude": ("svc-*",)}, None, id="not-against-other-aliases"
        ),
        pytest.param({}, {"exclude": (" ",)}, None, id="blank-pattern"),
        pytest.param(
            {"username": "ann#EXT#@x.io", "mail": None, "proxy_addresses": ()},
            {"exclude": (" ", "svc-*")},
            None,
            id="a-blank-pattern-is-none-of-a-blank-address",
        ),
    ],
)
def test_reason(values, user_filter, expected):
    assert reason(person("ann", **values), members=("member",), **user_filter) == expected


def test_the_primary_address_is_the_username_where_the_settings_say_so():
    someone = person("ann", username="ann@client.onmicrosoft.com")
    domains = ("client.onmicrosoft.com",)
    assert reason(someone, primary_email="mail", domains=domains) == "domain"
    assert reason(someone, primary_email="username", domains=domains) is None


def test_counted_under_the_first_reason_that_applies():
    """One cause after the other is mended; what is told is always the next one in order."""
    faults = {
        "disabled": {"account_enabled": False},
        "guest": {"user_type": "Guest"},
        "unlicensed": {"sku_ids": ()},
        "no_name": {"given_name": None, "surname": None},
        "domain": {"mail": "ann@other.example"},
        "group": {"id": "outsider"},
        "pattern": {"username": "svc-ann@client.example"},
    }
    user_filter = {"domains": ("client.example",), "groups": ("Staff",), "exclude": ("svc-*",)}
    reported = []
    while faults:
        values = {key: value for fault in faults.values() for key, value in fault.items()}
        reported.append(reason(person("ann", **{"id": "member"} | values), members=("member",), **user_filter))
        faults.pop(reported[-1])
    assert tuple(reported) == FILTER_REASONS
    assert reason(person("ann", id="member"), members=("member",), **user_filter) is None


# ----------------------------------------------------------------- the source


@pytest.mark.parametrize(
    ("users", "words"),
    [
        pytest.param([], ["'Client Ltd'", "has no users", "allow_shrunken_source"], id="no-user-read"),
        pytest.param(
            [user("ann"), person("bob", account_enabled=False), person("cid", sku_ids=())],
            [
                "excludes all 3 users",
                "disabled: 1, unlicensed: 1, no_name: 1",
                "user_filter",
                "allow_shrunken_source",
            ],
            id="none-selected",
        ),
    ],
)
def test_an_empty_source_is_an_error_before_any_write(users, words):
    read = snapshot(users)
    with pytest.raises(InputError) as caught:
        select(read, options())
    assert [word for word in words if word not in str(caught.value)] == []
    assert select(read, options(allow_shrunken_source=True)).user_ids == frozenset()


@pytest.mark.parametrize("lifted", [False, True])
def test_a_source_that_reports_for_no_account_whether_it_is_enabled_is_an_error(lifted):
    """The app has a weaker permission than it needs: nobody would be selected, or a leaver would."""
    read = snapshot([person("ann", account_enabled=None), person("bob", account_enabled=None)])
    with pytest.raises(InputError, match=r"User\.Read\.All"):
        select(read, options(allow_shrunken_source=lifted))


def test_some_accounts_that_are_not_shown_count_as_disabled_with_one_warning():
    users = [person("ann"), person("bob", account_enabled=None), person("cid", account_enabled=None)]
    found = select(snapshot(users), options())
    assert found.excluded == {"id-bob": "disabled", "id-cid": "disabled"}
    assert found.warnings == (Reason(ReasonCode.ACCOUNTS_NOT_SHOWN, {"count": 2}),)


def test_each_excluded_user_is_counted_once():
    users = [person("ann"), person("bob", account_enabled=False, sku_ids=()), person("cid", user_type="Guest")]
    found = select(snapshot(users), options())
    assert found.excluded == {"id-bob": "disabled", "id-cid": "guest"}
    assert found.user_ids == {"id-ann"}


def test_users_excluded_by_the_task_are_selected_by_the_filter():
    users = [person("ann"), person("bob"), person("cid", sku_ids=())]
    given = {"users": frozenset({"ANN@client.example "}), "match_overrides": {"id-ann": "ignore"}}
    found = planning_of(snapshot(users), **given).matched.selected
    assert found.excluded == {"id-ann": "override", "id-bob": "users", "id-cid": "unlicensed"}
    assert found.user_ids == {"id-ann", "id-bob"}


def test_users_can_be_named_by_id_and_an_unknown_one_is_a_warning():
    given = {"users": frozenset({"ID-bob", "eve@client.example"})}
    plan = planning_of(snapshot([person("ann"), person("bob")]), **given).plan
    assert [reason.code for reason in plan.operations[0].reasons] == ["users"]
    assert plan.warnings == (Reason(ReasonCode.UNKNOWN_USER, {"user": "eve@client.example"}),)

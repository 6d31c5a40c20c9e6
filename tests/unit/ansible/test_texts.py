# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mapping or a list where an option takes a text is refused, in both entry points."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.contact_sync import SPEC
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.masking import Secrets
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.perform import Circumstances, perform

NAMED = {"itglue_url": "us", "itglue_api_key": "k"}


def refusal(**options) -> str | None:
    """What a task of contact_sync with these options fails with, before it does anything."""
    checked = ArgumentSpecValidator(**SPEC.validator_arguments()).validate({"organization": "1", **NAMED, **options})
    if checked.error_messages:
        return " ".join(checked.error_messages)
    outcome = perform(SPEC, lambda params, task: {}, checked.validated_parameters, Secrets(), Circumstances())
    return outcome.result.get("msg")


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("departed_keep", {"departed_keep": [{"reception@x": None}]}),
        ("departed_keep", {"departed_keep": ["a@x", {"reception@x": None}]}),
        ("users", {"users": [["ann@x"]]}),
        (
            "office365_settings.user_filter.exclude",
            {"office365_settings": {"user_filter": {"exclude": [{"svc-*": None}]}}},
        ),
        ("bms_settings.account", {"bms_settings": {"account": {"2528": None}}}),
        ("max_creates", {"max_creates": {"50%": None}}),
    ],
)
def test_a_mapping_is_no_text(option, options):
    assert option in (refusal(**options) or "")


@pytest.mark.parametrize(
    "options",
    [
        {"departed_keep": ["reception@*", 72]},
        {"users": ["{ann}@x", "[ann]", "{'a'"]},
        {"match_overrides": {"ann": 72}},
        {"office365_settings": {"user_filter": {"groups": ["{Staff}", "[All]"]}}},
    ],
)
def test_texts_with_braces_are_texts(options):
    assert refusal(**options) is None

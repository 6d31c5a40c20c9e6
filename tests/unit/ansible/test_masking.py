# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is secret is found in the arguments, and masked wherever it appears."""

from __future__ import annotations

import json
from threading import Thread
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.masking import Secrets

OPTIONS = {
    "key": {"type": "str", "no_log": True, "aliases": ["api_key"]},
    "keys": {"type": "list", "elements": "str", "no_log": True},
    "map": {"type": "dict", "no_log": True},
    "pin": {"type": "int", "no_log": True},
    "plain": {"type": "str"},
    "proxy": {"type": "str"},
    "people": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str"},
            "login": {"type": "dict", "options": {"password": {"type": "str", "no_log": True}}},
        },
    },
}


def masked(text: str, *secrets: object) -> str:
    known = Secrets()
    known.add(*secrets)
    return known.text(text)


def test_a_longer_secret_goes_before_the_shorter_one_in_it():
    assert masked("abc-def abc", "abc", "abc-def") == "******** ********"


@pytest.mark.parametrize(
    "form", [quote, quote_plus, lambda text: json.dumps(text)[1:-1], lambda text: repr(text)[1:-1]]
)
def test_spellings_of_a_secret_are_masked(form):
    secret = 'pä"ss w&rd/\\'

    assert masked(f"<{form(secret)}>", secret) == "<********>"


def test_a_secret_from_a_file_is_masked_without_its_line_end():
    assert masked("x-api-key: ITG.key", "ITG.key\n") == "x-api-key: ********"


@pytest.mark.parametrize("nothing", ["", None, True, False, [], {}])
def test_what_is_no_secret_masks_nothing(nothing):
    assert masked("True None False []", nothing) == "True None False []"


@pytest.mark.parametrize(
    ("params", "secret"),
    [
        ({"key": "s3cret"}, "s3cret"),
        ({"api_key": "s3cret"}, "s3cret"),
        ({"keys": ["a-", "s3cret"]}, "s3cret"),
        ({"map": {"a": {"b": "s3cret"}}}, "s3cret"),
        ({"pin": 80421}, "80421"),
        ({"people": [{"name": "Jo", "login": {"password": "s3cret"}}]}, "s3cret"),
        ({"proxy": "http://jo:s3cret@proxy:3128"}, "s3cret"),
        ({"proxy": "http://jo:s%40cret@proxy:3128"}, "s@cret"),
        ({"proxy": "http://jo:s@cret@proxy"}, "s@cret"),
        ({"proxy": "jo:s3cret@proxy:3128"}, "s3cret"),
    ],
)
def test_secrets_are_found_in_arguments(params, secret):
    known = Secrets()
    known.add_options(OPTIONS, params)

    assert secret in known.spellings


def test_what_is_not_secret_is_left_alone():
    known = Secrets()
    people = [{"name": "Jo", "login": None}, "not a mapping"]
    known.add_options(
        OPTIONS, {"plain": "mailto:jo@tenant.example", "people": people, "proxy": "http://jo@proxy:3128/a:b@c"}
    )

    assert known.spellings == set()


def test_values_are_masked_as_ansible_does_it():
    known = Secrets()
    known.add("7", "token-of-this-run")

    tokens = ["token-of-this-run", "Bearer token-of-this-run"]

    assert known.values({"a": tokens, "n": 171, "changed": True, "none": None}) == {
        "a": ["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "Bearer ********"],
        "n": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "changed": True,
        "none": None,
    }


def test_a_boolean_result_outlives_a_secret_of_that_name():
    known = Secrets()
    known.add("True")

    assert known.values({"changed": True}) == {"changed": True}


def test_keys_are_masked_only_for_secrets_too_long_for_a_word():
    known = Secrets()
    known.add("changed", "token-of-this-run")

    assert known.keys({"changed": True, "by": {"token-of-this-run": 1}}) == {
        "changed": True,
        "by": {"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER": 1},
    }


def test_threads_lose_nothing():
    known = Secrets()
    threads = [Thread(target=lambda n=n: [known.add(f"secret-{n}-{i}") for i in range(50)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {f"secret-{n}-{i}" for n in range(8) for i in range(50)} <= known.spellings

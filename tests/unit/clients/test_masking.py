# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret is found in what a service says, however it is spelled there, and nothing else is taken for one."""

from __future__ import annotations

import html
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.msp.psa_sync.plugins.module_utils._clients.masking import Masking

SECRET = "pä\"ss w&rd/\\<'+"


def _of_dot_net(text: str) -> str:
    """As HttpUtility.UrlEncode writes it."""
    return re.sub("%..", lambda found: found[0].lower(), quote_plus(text, safe="!()*-._").replace("~", "%7e"))


@pytest.mark.parametrize(
    "form",
    [
        str,
        lambda text: html.escape(text).replace("ä", "&#228;").replace("+", "&#43;"),
        lambda text: html.escape(text).replace("ä", "&#xE4;").replace("+", "&#x2B;"),
        lambda text: html.escape(text).replace("ä", "&auml;"),
        lambda text: html.escape(html.escape(text)),
        lambda text: json.dumps(text)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c"),
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c"),
        lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
        lambda text: json.dumps(json.dumps(text))[1:-1],
        lambda text: html.escape(json.dumps(text)),
        lambda text: quote(text, safe="!'()*-._~"),
        lambda text: quote(quote(text, safe="")),
        _of_dot_net,
    ],
)
def test_a_secret_is_masked_however_each_of_its_characters_is_escaped(form):
    masking = Masking("***")
    masking.add("plain", f" {SECRET}~😀\t1 ")
    shown = masking.text(f"It says: {form(f'{SECRET}~😀' + chr(9) + '1')}.")
    assert "***" in shown
    assert shown.replace('\\"', "").replace("&quot;", "").replace('"', "") == "It says: ***."


@pytest.mark.parametrize("text", ["100 % & more + less \\ plain", "pa+ssw", "&amp;#38;", "pä&quot;ss w"])
def test_what_is_no_secret_is_left_as_it_is(text):
    masking = Masking("***")
    masking.add(SECRET, "secret.of.dots")
    assert masking.text(text) == text


@pytest.mark.parametrize("answer", ["\\" * 20_000, "%25" * 7_000, "&amp;" * 4_000, "\\&amp;%25+ " * 1_500])
def test_no_answer_makes_the_search_for_secrets_long(answer):
    masking = Masking("***")
    masking.add('\\\\\\"&%%25+ ' * 4 + "x")
    before = time.process_time()
    masking.text(answer)
    assert time.process_time() - before < 1

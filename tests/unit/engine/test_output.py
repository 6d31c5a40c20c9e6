# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes out holds no control character and no command to a runner, whatever a service has sent."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.psa_sync.plugins.module_utils._engine.output import (
    clean,
    each_text,
    in_any_spelling,
    is_plain,
    one_line,
    spellings,
    without_commands,
)

COMMANDS = [
    "::error::x",
    "  ::error file=a.py,line=1::x",
    "::set-output name=a::b",
    "::STOP-commands::token",
    "::add-mask::x",
    "##[error]x",
    "##vso[task.setvariable variable=X]y",
    "##VSO[task.logissue type=error]y",
    "##teamcity[buildStop comment='x']",
    "section_start:1560896352:name\r\x1b[0Kheading",
    "section_end:1560896352:name",
]
MARKS = [
    "::error::",
    "::error ",
    "::set-output",
    "::stop",
    "::add-mask",
    "##[",
    "##vso[",
    "##teamcity[",
    "section_start:1",
]


@pytest.mark.parametrize("before", ["", "Ann ", "x\n", "::", "##", "\x1b[2K", "\u2028"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("change", [clean, one_line])
def test_a_command_to_a_runner_is_none_any_more(change, command, before):
    shown = change(f"{before}{command}")
    assert not any(mark in shown.casefold() for mark in MARKS)
    assert shown.isprintable() or "\n" in before


@pytest.mark.parametrize(
    "text",
    [
        "Ann Able",
        "fe80::1 or ::1",
        "std::vector",
        "# heading",
        "##",
        "a::b",
        "12:30::",
        "[x]",
        "علی\u200cرضا",
        "Zoë 👩\u200d🚒",
    ],
)
def test_other_text_stays_as_it_is(text):
    assert clean(text) == one_line(text) == without_commands(text) == text


def test_lines_and_tabs_stay_in_text_of_several_lines():
    assert clean("a\tb\n\x07c\r\n") == "a\tb\n c \n"
    assert one_line(" a\tb\n\x07c\r\n") == "a b c"


@given(st.text(alphabet=st.sampled_from("::##[]ae -\n\r\x1b\u202e\ud800") | st.characters(), max_size=40))
def test_nothing_dangerous_comes_through(text):
    for shown in (clean(text), one_line(text)):
        assert not {unicodedata.category(sign) for sign in shown.replace("\n", "").replace("\t", "")} & {
            "Cc",
            "Cs",
            "Zl",
        }
        shown.encode()
        assert "##[" not in shown
    assert one_line(one_line(text)) == one_line(text)
    assert "\n" not in one_line(text)


def test_each_text_of_plain_data():
    data = {"##[a]": ["##[b]", 1, None, {"c": True}]}
    assert each_text(data, without_commands) == {"# #[a]": ["# #[b]", 1, None, {"c": True}]}


SECRET = "pä\"ss w&rd/\\<'+~"


@pytest.mark.parametrize(
    "form",
    [
        str,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower(),
        lambda text: quote_plus(text).replace("%2F", "%2f").lower(),
        lambda text: json.dumps(text)[1:-1],
        lambda text: repr(text)[1:-1],
        html.escape,
        lambda text: html.escape(text, quote=False),
        lambda text: html.escape(text).replace("&#x27;", "&#39;"),
        lambda text: html.escape(text).replace("&#x27;", "&apos;").replace("&quot;", "&#34;"),
        lambda text: "p\\u00E4\\u0022ss w\\u0026rd/\\u005C\\u003C\\u0027\\u002B~",
    ],
)
def test_each_spelling_of_a_secret_is_known(form):
    assert form(SECRET) in set(spellings(SECRET))
    assert form(SECRET) in set(spellings(f" {SECRET}\n"))


NAMES = {"é": "&eacute;", "'": "&apos;", "&": "&amp;", '"': "&quot;"}


@pytest.mark.parametrize(
    "form",
    [
        str,
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
        lambda text: repr(text)[1:-1],
        lambda text: ascii(text)[1:-1] if text < "\u0100" else text,
        quote,
        lambda text: quote(quote(text)),
        quote_plus,
        lambda text: NAMES.get(text, text),
        lambda text: html.escape(NAMES.get(text, text)),
        lambda text: f"&#{ord(text)};",
        lambda text: f"&amp;#X{ord(text):04X};",
        lambda text: f"\\u{ord(text):04X}" if text < "\U00010000" else text,
    ],
)
@pytest.mark.parametrize("sign", ["\n", "\x07", "\t", "é", "ÿ", "Ā", "🔑", " ", "'", '"', "&", "\\"])
def test_a_character_is_found_whatever_escapes_it(sign, form):
    assert re.fullmatch(in_any_spelling(sign), form(sign))


def test_no_other_character_is_found():
    found = [sign for sign in map(chr, range(0x300)) if re.fullmatch(in_any_spelling("é\n"), f"{sign}\n")]
    assert found == ["é"]


@pytest.mark.parametrize(
    ("text", "expected"), [("", True), ("aZ09", True), ("é", False), ("a b", False), ("a-b", False), ("²", False)]
)
def test_nothing_escapes_plain_letters_and_digits(text, expected):
    assert is_plain(text) is expected
